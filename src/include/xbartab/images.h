/* images.h - images and their labels from the files that people have.
 *
 * Images: IDX (MNIST; plain or gzip), CIFAR-10 binary (1 label byte and 3072 planar bytes an image; plain or
 * gzip) and NumPy .npy (uint8, or floats of 16 to 64 bits, C order, image first). Labels: IDX, .npy
 * (integers), or text with one integer a line; a CIFAR file carries its own. The kind of a file is found from
 * its content, and for CIFAR, which has no header, from its name (*.bin, *.bin.gz).
 *
 * Memory: 4 bytes a pixel of the images that are read, and less than 100 KB; with a limit, no more of a
 * packed file is unpacked than is needed. Images of up to 2 GiB in the file are read at once, from a gzip
 * file up to 16 MiB and 64 times its size: more is refused before memory is taken. Where a header says how
 * much there is, a plain file is checked against it as a whole. */
#ifndef XBARTAB_IMAGES_H
#define XBARTAB_IMAGES_H

#include <stddef.h>
#include <stdint.h>

#include <xbartab/status.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct xbtab_images {
    size_t n, channels, height, width;
    float *pixel;   /* pixel[n][channels][height][width], as in the file: 0 to 255 for bytes */
    int is_bytes;   /* the file held bytes */
    int32_t *label; /* label[n]; NULL while there are none */
} xbtab_images;

/** Read images, and their labels.
 *  @param[out] out     new; the caller owns it: xbtab_images_destroy(). Untouched on failure.
 *  @param      labels  label file; NULL: only those that the image file itself carries.
 *  @param      limit   read no more than so many images (0 = all).
 *  @return XBTAB_ERR_IO, XBTAB_ERR_INPUT (wrong magic, a body that is too short or too long, more images than
 * are read at once, a pixel that is not finite, another number of labels than images, a negative label),
 * XBTAB_ERR_NOMEM. Threads: safe. */
xbtab_status xbtab_images_open(xbtab_images **out, const char *path, const char *labels,
                               size_t limit) XBTAB_MUST_CHECK;

/** XBTAB_ERR_INPUT where a label is none of so many outputs; images without labels pass. */
xbtab_status xbtab_images_check_labels(const xbtab_images *images, size_t n_outputs) XBTAB_MUST_CHECK;
void xbtab_images_destroy(xbtab_images **images);

#ifdef __cplusplus
}
#endif
#endif
