/* npy_numbers.h - numbers of .npy files, of either byte order. */
#ifndef XBTAB_IMAGES_NPY_NUMBERS_H
#define XBTAB_IMAGES_NPY_NUMBERS_H

#include <stdbool.h>
#include <stdint.h>

/** The bits of a number of 1 to 8 bytes; of longer ones the lowest 8. @param is_big  its highest byte is
 * first. */
uint64_t xbtab__npy_bits(const void *at, int size, bool is_big);

/** A float of IEEE 754's 2, 4 or 8 bytes; of 8, the nearest of 4. */
float xbtab__npy_float(const void *at, int size, bool is_big);

#endif
