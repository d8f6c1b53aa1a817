/* kernel.c - the plain C product and packing, which every other variant equals. */
#include <xbartab/kernel.h>

#include "kernel_private.h"

enum { BLOCK = XBTAB_KERNEL_BLOCK };

_Alignas(64) const uint16_t xbtab__kernel_nothing[BLOCK] = {0};

static uint64_t product_c(const xbtab_kernel_tile *tile, const xbtab_kernel_batch *batch, int32_t *acc)
{
    const size_t first_group = batch->first_group, end_group = xbtab__kernel_end(tile, batch);
    const size_t end_block = xbtab__kernel_end_block(tile, batch);
    const int drop = xbtab__kernel_drop(tile, batch);
    const size_t step = tile->patterns * BLOCK,
                 row = xbtab__kernel_is_wide(tile) ? XBTAB__WIDE_ROW : XBTAB__ROW;
    uint64_t outside = 0;
    for (size_t v = 0; v < batch->n; v++) {
        const uint8_t *pattern = batch->pattern + v * tile->groups;
        for (size_t block = batch->first_block; block < end_block; block++) {
            const uint16_t *P = xbtab__kernel_P(tile, block) + first_group * step;
            const uint16_t *idle = xbtab__kernel_idle(batch, block);
            const int16_t *k = xbtab__kernel_k(tile, block) + (size_t)batch->bin[v] * 4 * BLOCK;
            const uint16_t *first = xbtab__kernel_first(tile, block);
            const uint16_t *known = xbtab__kernel_known(tile, block);
            const int16_t *identity = xbtab__kernel_identity(tile, block);
            int32_t *out = acc + batch->row[v] * tile->stride + block * BLOCK;
            uint32_t S[BLOCK];
            for (size_t j = 0; j < BLOCK; j++) S[j] = idle[j];
            for (size_t g = first_group; g < end_group; g++, P += step)
                for (size_t j = 0; j < BLOCK; j++) S[j] += P[(size_t)pattern[g] * row + j];
            for (size_t j = 0; j < BLOCK; j++) {
                uint16_t saturated = (uint16_t)(S[j] < UINT16_MAX ? S[j] : UINT16_MAX);
                outside += (uint16_t)(saturated - first[j]) > known[j];
                out[j] += xbtab__kernel_code(tile, k + j, identity[j], saturated, drop) << batch->shift[v];
            }
        }
    }
    return outside;
}

static uint32_t pack_c(const xbtab_kernel_tile *tile, const uint16_t *x, int slices, uint8_t *pattern,
                       uint8_t *bin)
{
    const unsigned bits = (unsigned)tile->dac_bits, mask = (1U << bits) - 1;
    const size_t lines = xbtab__kernel_lines(tile->dac_bits);
    const int up = xbtab__kernel_is_wide(tile) ? 0 : XBTAB__PATTERN_SHIFT;
    uint32_t used = 0;
    for (int t = 0; t < slices; t++, pattern += tile->groups) {
        size_t sum = 0;
        for (size_t g = 0; g < tile->groups; g++) {
            unsigned p = 0;
            for (size_t l = 0; l < lines && g * lines + l < tile->rows; l++) {
                unsigned code = (unsigned)x[g * lines + l] >> ((unsigned)t * bits) & mask;
                sum += code;
                p |= code << (l * bits);
            }
            pattern[g] = (uint8_t)(p << up);
        }
        bin[t] = xbtab__kernel_bin(tile, sum);
        if (sum) used |= 1U << t;
    }
    return used;
}

const xbtab_kernel_functions xbtab__kernel_c = {.isa = "c", .product = product_c, .pack = pack_c};
