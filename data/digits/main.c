/* main.c - xbartab-digits: draws the embedded images and trains the embedded network. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <popt.h>
#include <zlib.h>

#include <xbartab/output.h>

#include "digits.h"

static int fail(const char *what, const char *why)
{
    fprintf(stderr, "xbartab-digits: %s: %s\n", what, why);
    return 1;
}

static void put_number(uint8_t *at, uint32_t x)
{
    for (int k = 0; k < 4; k++) at[k] = (uint8_t)(x >> (24 - 8 * k));
}

/* zlib writes no time stamp by itself, so the same images give the same bytes. */
static int write_gz(const char *path, const uint8_t *header, unsigned n_header, const uint8_t *data,
                    unsigned n)
{
    gzFile file = gzopen(path, "wb9");
    if (!file) return fail(path, strerror(errno));
    int failed = gzwrite(file, header, n_header) != (int)n_header || gzwrite(file, data, n) != (int)n;
    if (gzclose(file) != Z_OK) failed = 1;
    return failed ? fail(path, "cannot write") : 0;
}

static int generate(uint64_t seed, uint32_t first, uint32_t count, const char *images, const char *labels)
{
    uint8_t *pixel = malloc((size_t)count * DIGIT_PIXELS), *digit = malloc(count), header[16];
    if (!pixel || !digit) return fail("generate", "out of memory");
    for (uint32_t k = 0; k < count; k++) {
        digit[k] = (uint8_t)digits_draw(seed, first + k, pixel + (size_t)k * DIGIT_PIXELS);
    }
    put_number(header, 0x803);
    put_number(header + 4, count);
    put_number(header + 8, DIGIT_SIDE);
    put_number(header + 12, DIGIT_SIDE);
    int code = write_gz(images, header, 16, pixel, count * DIGIT_PIXELS);
    put_number(header, 0x801);
    if (!code && labels) code = write_gz(labels, header, 8, digit, count);
    free(pixel);
    free(digit);
    return code;
}

static void tell(int epoch, double loss)
{
    fprintf(stderr, "epoch %d: loss %.4f\n", epoch + 1, loss);
}

static int train(uint64_t seed, uint32_t count, int epochs, const char *output)
{
    digits_network *network = malloc(sizeof *network);
    size_t n;
    uint8_t pixel[DIGIT_PIXELS];
    int right = 0;
    enum { TEST_IMAGES = 1000 };
    if (!network || digits_train(network, seed, count, epochs, tell)) return fail("train", "out of memory");
    for (uint32_t k = 0; k < TEST_IMAGES; k++) {
        int digit = digits_draw(seed + 1, k, pixel);
        right += digits_predict(network, pixel) == digit;
    }
    printf("%d of %d images of seed %llu right\n", right, TEST_IMAGES, (unsigned long long)seed + 1);
    uint8_t *bytes = digits_to_onnx(network, &n);
    int failed = !bytes || xbtab_output_write(output, bytes, n) < 0;
    free(bytes);
    free(network);
    return failed ? fail(output, "cannot write") : 0;
}

int main(int argc, const char **argv)
{
    long long seed = 1;
    int count = 1000, first = 0, epochs = 6;
    char *images = NULL, *labels = NULL, *output = NULL; /* popt's, to be freed */
    const struct poptOption options[] = {
        {"seed", '\0', POPT_ARG_LONGLONG, &seed, 0, "which digits (1)", "S"},
        {"count", '\0', POPT_ARG_INT, &count, 0, "images to draw or to train on", "N"},
        {"first", '\0', POPT_ARG_INT, &first, 0, "generate: number of the first image (0)", "K"},
        {"images", '\0', POPT_ARG_STRING, &images, 0, "generate: IDX file to write (gzip)", "F"},
        {"labels", '\0', POPT_ARG_STRING, &labels, 0, "generate: IDX file to write (gzip)", "F"},
        {"epochs", '\0', POPT_ARG_INT, &epochs, 0, "train: passes over the images (6)", "N"},
        {"output", 'o', POPT_ARG_STRING, &output, 0, "train: ONNX file to write", "F"},
        POPT_AUTOHELP POPT_TABLEEND};
    poptContext context = poptGetContext("xbartab-digits", argc, argv, options, 0);
    poptSetOtherOptionHelp(context,
                           "generate|train [OPTION...]\n\nExample:\n"
                           "  xbartab-digits generate --seed 2 --count 1000 --images test-images.idx.gz "
                           "--labels test-labels.idx.gz\n");
    int code = poptGetNextOpt(context);
    const char *verb = poptGetArg(context);
    if (code < -1) {
        fprintf(stderr, "xbartab-digits: %s: %s\n", poptBadOption(context, 0), poptStrerror(code));
        code = 2;
    } else if (count < 1 || first < 0 || epochs < 1 || seed < 0) {
        fprintf(stderr, "xbartab-digits: --count, --first, --epochs and --seed must not be negative\n");
        code = 2;
    } else if (verb && strcmp(verb, "generate") == 0 && images) {
        code = generate((uint64_t)seed, (uint32_t)first, (uint32_t)count, images, labels);
    } else if (verb && strcmp(verb, "train") == 0 && output) {
        code = train((uint64_t)seed, (uint32_t)count, epochs, output);
    } else {
        fprintf(stderr, "xbartab-digits: needs generate with --images, or train with -o; see --help\n");
        code = 2;
    }
    poptFreeContext(context);
    free(images);
    free(labels);
    free(output);
    return code;
}
