/* npy_numbers.c - bytes to numbers. */
#include "npy_numbers.h"

#include <math.h>
#include <string.h>

uint64_t xbtab__npy_bits(const void *at, int size, bool is_big)
{
    const unsigned char *byte = at;
    uint64_t bits = 0;
    for (int b = 0; b < size && b < 8; b++) bits |= (uint64_t)byte[is_big ? size - 1 - b : b] << (8 * b);
    return bits;
}

/* 5 bits of exponent, 10 of fraction. */
static float half_of(uint32_t bits)
{
    int exponent = bits >> 10 & 31, fraction = bits & 1023;
    float magnitude = exponent == 31 ? (fraction ? NAN : INFINITY)
                      : exponent     ? ldexpf((float)(1024 + fraction), exponent - 25)
                                     : ldexpf((float)fraction, -24);
    return bits >> 15 & 1 ? -magnitude : magnitude;
}

float xbtab__npy_float(const void *at, int size, bool is_big)
{
    uint64_t bits = xbtab__npy_bits(at, size, is_big);
    uint32_t low = (uint32_t)bits;
    float single;
    double wide;
    memcpy(&single, &low, sizeof single);
    memcpy(&wide, &bits, sizeof wide);
    return size == 2 ? half_of(low) : size == 4 ? single : (float)wide;
}
