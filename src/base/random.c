/* random.c - counter-based random streams. */
#include "random.h"

#include <math.h>

#include <Random123/philox.h>

void xbtab__random_init(xbtab__random *random, uint64_t seed, xbtab__random_use use, uint32_t a, uint32_t b)
{
    *random = (xbtab__random){
        .key = {(uint32_t)seed, (uint32_t)(seed >> 32)},
        .counter = {0, (uint32_t)use, a, b},
    };
}

uint32_t xbtab__random_u32(xbtab__random *random)
{
    if (random->left == 0) {
        philox4x32_ctr_t counter = {
            {random->counter[0], random->counter[1], random->counter[2], random->counter[3]}};
        philox4x32_key_t key = {{random->key[0], random->key[1]}};
        philox4x32_ctr_t word = philox4x32(counter, key);
        for (int k = 0; k < 4; k++) random->word[k] = word.v[k];
        random->counter[0]++;
        random->left = 4;
    }
    return random->word[--random->left];
}

double xbtab__random_uniform(xbtab__random *random)
{
    uint64_t high = xbtab__random_u32(random) >> 5, low = xbtab__random_u32(random) >> 6;
    return (double)(high << 26 | low) * 0x1p-53;
}

uint32_t xbtab__random_below(xbtab__random *random, uint32_t n)
{
    uint32_t limit = UINT32_MAX - UINT32_MAX % n, word;
    do word = xbtab__random_u32(random);
    while (word >= limit);
    return word % n;
}

double xbtab__random_normal(xbtab__random *random)
{
    const double two_pi = 6.283185307179586;
    double radius = sqrt(-2.0 * log1p(-xbtab__random_uniform(random)));
    return radius * cos(two_pi * xbtab__random_uniform(random));
}
