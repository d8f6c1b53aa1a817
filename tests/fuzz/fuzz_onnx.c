/* fuzz_onnx.c - ONNX networks made of anything. */
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include <xbartab/network.h>

#include "fuzz_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    xbtab_network *network = NULL;
    const char *path = fuzz_file(data, n, ".onnx");
    if (xbtab_network_open(&network, path) < 0 && !xbtab_error_message()[0]) abort();
    xbtab_network_destroy(&network);
    unlink(path);
    return 0;
}
