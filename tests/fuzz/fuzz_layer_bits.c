/* fuzz_layer_bits.c - files of the bits of single layers made of anything; what is read is written and read
 * again. */
#include "fuzz_file.h"

#include <xbartab/network.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    xbtab_layer_bits *bits = NULL;
    size_t n_bits = 0;
    const char *path = fuzz_file(data, n, ".yaml");
    if (xbtab_layer_bits_open(&bits, &n_bits, path) < 0) {
        fuzz_refused();
    } else { /* what is read can be written, and read again */
        xbtab_layer_bits *again = NULL;
        size_t n_again = 0;
        if (xbtab_layer_bits_save(bits, n_bits, path) < 0 ||
            xbtab_layer_bits_open(&again, &n_again, path) < 0 || n_again != n_bits)
            abort();
        free(again);
    }
    free(bits);
    unlink(path);
    return 0;
}
