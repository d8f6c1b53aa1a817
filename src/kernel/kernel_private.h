/* kernel_private.h - the arithmetic that all variants share, written once in plain C, and the list of
 * variants. */
#ifndef XBTAB_KERNEL_KERNEL_PRIVATE_H
#define XBTAB_KERNEL_KERNEL_PRIVATE_H

#include <xbartab/kernel.h>

/* a b / 2^15, rounded: what a vector unit's "multiply high with round and scale" does. */
static inline int16_t xbtab__mul_high(int16_t a, int16_t b)
{
    return (int16_t)((a * b + 0x4000) >> 15);
}

static inline int16_t xbtab__add_saturated(int16_t a, int16_t b)
{
    int sum = a + b;
    return (int16_t)(sum > INT16_MAX ? INT16_MAX : sum < INT16_MIN ? INT16_MIN : sum);
}

/* The ADC's code for a sum S on bit line j. The order of the saturating additions is part of the definition.
 * S and the coefficients stay above -2^15, so that no product of two -2^15 occurs, which vector units wrap.
 */
static inline int32_t xbtab__kernel_code(const xbtab_kernel_tile *tile, int bin, size_t j, int16_t S)
{
    const int16_t *k = tile->k + (size_t)bin * 4 * tile->stride + j;
    int16_t S2 = xbtab__mul_high(S, S), S3 = xbtab__mul_high(S2, S);
    int16_t v = xbtab__add_saturated(k[0], xbtab__mul_high(S, k[tile->stride]));
    v = xbtab__add_saturated(v, xbtab__mul_high(S2, k[2 * tile->stride]));
    v = xbtab__add_saturated(v, xbtab__mul_high(S3, k[3 * tile->stride]));
    for (int b = 0; b < tile->boost; b++) v = xbtab__add_saturated(v, v);
    v = xbtab__add_saturated(v, (int16_t)(1 << (14 - tile->adc_bits)));
    return v < 0 ? 0 : v >> (15 - tile->adc_bits);
}

extern const xbtab_kernel_functions xbtab__kernel_c;
extern const xbtab_kernel_functions xbtab__kernel_avx2;
extern const xbtab_kernel_functions xbtab__kernel_avx512;

#endif
