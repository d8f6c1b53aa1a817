/* narrow.c - look-ups of a tile that is driven in parts: rows in use, groups of a depthwise convolution. */
#include "engine_private.h"

/* S of the groups outside [first, end), all at pattern 0, for the bit lines [from, to). */
static void add_idle(const xbtab_kernel_tile *tile, size_t first, size_t end, size_t from, size_t to,
                     uint16_t *idle)
{
    for (size_t j = from; j < to; j++) {
        const size_t block = j / XBTAB_KERNEL_BLOCK, row = tile->patterns * XBTAB_KERNEL_BLOCK;
        const uint16_t *P = tile->P + block * tile->groups * row + j % XBTAB_KERNEL_BLOCK;
        uint32_t S = 0;
        for (size_t g = 0; g < tile->groups; g++) {
            if (g < first || g >= end) S += P[g * row];
        }
        idle[j] = (uint16_t)(S < UINT16_MAX ? S : UINT16_MAX);
    }
}

void xbtab__engine_narrow(xbtab_kernel_batch *batch, const xbtab_kernel_tile *tile, uint16_t *idle)
{
    size_t first = tile->groups, end = 0;
    for (size_t v = 0; v < batch->n; v++) {
        const uint8_t *pattern = batch->pattern + v * tile->groups;
        for (size_t g = 0; g < first; g++) {
            if (pattern[g]) first = g;
        }
        for (size_t g = tile->groups; g > end; g--) {
            if (pattern[g - 1]) end = g;
        }
    }
    if (first >= end) first = 0, end = 1;
    if (end - first == tile->groups) return;
    const size_t from = batch->first_block * XBTAB_KERNEL_BLOCK,
                 to = batch->n_blocks ? from + batch->n_blocks * XBTAB_KERNEL_BLOCK : tile->stride;
    add_idle(tile, first, end, from, to, idle);
    batch->first_group = first;
    batch->n_groups = end - first;
    batch->idle = idle;
}
