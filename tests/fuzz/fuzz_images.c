/* fuzz_images.c - images and labels made of anything. */
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include <xbartab/images.h>

#include "fuzz_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    xbtab_images *images = NULL;
    const char *path = fuzz_file(data, n, n % 2 ? ".bin" : ".idx");
    if (xbtab_images_open(&images, path, n % 3 ? path : NULL, 0) < 0 && !xbtab_error_message()[0]) abort();
    xbtab_images_destroy(&images);
    unlink(path);
    return 0;
}
