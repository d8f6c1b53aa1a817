/* onnx_run.h - run the network in path (file_fixture.h) on one image, or see it refused. cmocka comes first.
 */
#ifndef XBTAB_TESTS_ONNX_RUN_H
#define XBTAB_TESTS_ONNX_RUN_H

#include <math.h>

#include <xbartab/network.h>

#include "file_fixture.h"
#include "onnx_bytes.h"

/** One image of any numbers. */
static inline xbtab_images one_image(float *x, size_t channels, size_t height, size_t width)
{
    return (xbtab_images){.n = 1, .channels = channels, .height = height, .width = width, .pixel = x};
}

/** The outputs are wanted[n], within a tolerance of each; the network is closed. */
static inline void network_gives(xbtab_network **network, const xbtab_images *images, size_t n,
                                 const float *wanted, double tolerance)
{
    float *y = calloc(xbtab_network_outputs(*network) + 1, sizeof *y);
    assert_non_null(y);
    assert_int_equal(xbtab_network_outputs(*network), n);
    assert_int_equal(xbtab_network_run(*network, images, 1, NULL, y), XBTAB_OK);
    for (size_t k = 0; k < n; k++) {
        double off = fabs((double)y[k] - (double)wanted[k]);
        if (!(off <= tolerance * (1 + fabs((double)wanted[k]))))
            fail_msg("output %zu is %.9g, not %.9g", k, (double)y[k], (double)wanted[k]);
    }
    free(y);
    xbtab_network_destroy(network);
}

/** The network in path gives wanted[n] on an image, whose shape open axes take. */
static inline void gives(const xbtab_images *images, size_t n, const float *wanted, double tolerance)
{
    xbtab_network *network = NULL;
    const xbtab_open_options options = {.images = images};
    if (xbtab_network_open_as(&network, path, &options) < 0) fail_msg("%s", xbtab_error_message());
    network_gives(&network, images, n, wanted, tolerance);
}

/** Opening fails with the status and one line that holds the words and the file's name. */
static inline void refused(const xbtab_open_options *options, xbtab_status status, const char *words)
{
    xbtab_network *network = NULL;
    xbtab_status got = xbtab_network_open_as(&network, path, options);
    const char *message = xbtab_error_message();
    if (got != status || !strstr(message, words) || !strstr(message, path) || strchr(message, '\n'))
        fail_msg("%d instead of %d: %s", got, status, message);
    assert_null(network);
}

#endif
