/* main.c - xbartab-train: small networks as ONNX files from labelled images. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <popt.h>

#include <xbartab/output.h>

#include "trainer.h"

static int fail(const char *what, const char *why)
{
    fprintf(stderr, "xbartab-train: %s: %s\n", what, why);
    return 1;
}

static void tell(int epoch, double loss)
{
    fprintf(stderr, "epoch %d: loss %.4f\n", epoch + 1, loss);
}

/* The images of several files after one another: "A,B,C". NULL after a line on stderr. */
static xbtab_images *open_images(const char *files, const char *labels, size_t limit)
{
    xbtab_images *all = NULL;
    char *list = strdup(files), *rest = list;
    for (char *file = strsep(&rest, ","); file; file = strsep(&rest, ",")) {
        xbtab_images *more = NULL;
        if (xbtab_images_open(&more, file, labels, all ? 0 : limit) < 0) {
            fail("images", xbtab_error_message());
            xbtab_images_destroy(&all);
            break;
        }
        if (!all) {
            all = more;
            continue;
        }
        size_t size = all->channels * all->height * all->width;
        bool same = more->channels * more->height * more->width == size && all->label && more->label;
        float *pixel = same ? realloc(all->pixel, (all->n + more->n) * size * sizeof *pixel) : NULL;
        if (pixel) all->pixel = pixel;
        int32_t *label = pixel ? realloc(all->label, (all->n + more->n) * sizeof *label) : NULL;
        if (label) {
            all->label = label;
            memcpy(pixel + all->n * size, more->pixel, more->n * size * sizeof *pixel);
            memcpy(label + all->n, more->label, more->n * sizeof *label);
            all->n += more->n;
        }
        xbtab_images_destroy(&more);
        if (!label) {
            fail(file, "does not continue the images before it");
            xbtab_images_destroy(&all);
            break;
        }
    }
    free(list);
    if (all && !all->label) {
        fail(files, "has no labels of its own; give --labels");
        xbtab_images_destroy(&all);
    }
    return all;
}

static int write_file(const char *path, const uint8_t *bytes, size_t n)
{
    return xbtab_output_write(path, bytes, n) < 0 ? fail(path, "cannot write") : 0;
}

static int make(const char *text, xbtab_images *images, xbtab_images *test, const train_options *options,
                const char *output)
{
    static network_plan p;
    size_t n = 0;
    if (plan_parse(&p, text, images->channels, images->height, images->width)) return fail("network", p.what);
    for (size_t k = 0; k < images->n; k++) {
        if ((size_t)images->label[k] >= p.n_classes)
            return fail("labels", "one is above the network's outputs");
    }
    float *numbers = malloc(p.numbers * sizeof *numbers);
    if (!numbers || train(&p, numbers, images, options, tell)) {
        free(numbers);
        return fail("train", "out of memory");
    }
    if (test) {
        double share = rate_images(&p, numbers, test, options);
        printf("%.0f of %zu images right\n", share * (double)test->n, test->n);
    }
    const char *name = strrchr(output, '/') ? strrchr(output, '/') + 1 : output;
    char *stem = strndup(name, strcspn(name, "."));
    uint8_t *bytes = stem ? plan_to_onnx(&p, numbers, stem, &n) : NULL;
    int code = bytes ? write_file(output, bytes, n) : fail(output, "out of memory");
    free(bytes);
    free(stem);
    free(numbers);
    return code;
}

int main(int argc, const char **argv)
{
    char *images = NULL, *labels = NULL, *test = NULL, *test_labels = NULL, *output = NULL; /* popt's */
    long long seed = 1;
    float rate = 0.03f;
    int limit = 0;
    train_options o = {.epochs = 4};
    const struct poptOption options[] = {
        {"images", '\0', POPT_ARG_STRING, &images, 0, "to train on; several files: A,B,C", "F"},
        {"labels", '\0', POPT_ARG_STRING, &labels, 0, "theirs, where they carry none", "F"},
        {"test-images", '\0', POPT_ARG_STRING, &test, 0, "to count the right answers of at the end", "F"},
        {"test-labels", '\0', POPT_ARG_STRING, &test_labels, 0, "theirs", "F"},
        {"limit", '\0', POPT_ARG_INT, &limit, 0, "train on no more than so many", "N"},
        {"epochs", '\0', POPT_ARG_INT, &o.epochs, 0, "passes over the images (4)", "N"},
        {"rate", '\0', POPT_ARG_FLOAT, &rate, 0, "at the start; falls in a straight line to 0 (0.03)", "X"},
        {"weight-bits", '\0', POPT_ARG_INT, &o.weight_bits, 0, "round weights to 1 to 8 bits", "N"},
        {"activation-bits", '\0', POPT_ARG_INT, &o.activation_bits, 0, "round clips and images", "N"},
        {"shift", '\0', POPT_ARG_INT, &o.shift, 0, "shift by up to so many pixels, and mirror", "N"},
        {"seed", '\0', POPT_ARG_LONGLONG, &seed, 0, "initial weights and order of the images (1)", "S"},
        {"output", 'o', POPT_ARG_STRING, &output, 0, "ONNX file to write", "F"},
        POPT_AUTOHELP POPT_TABLEEND};
    poptContext context = poptGetContext("xbartab-train", argc, argv, options, 0);
    poptSetOtherOptionHelp(context, "\"LAYERS\" --images F --labels F -o F\n\nExample:\n"
                                    "  xbartab-train \"conv6k5p2 relu max2 fc10\" --images images.idx.gz "
                                    "--labels labels.idx.gz -o small.onnx\n");
    int code = poptGetNextOpt(context);
    const char *text = poptGetArg(context);
    xbtab_images *some = NULL, *others = NULL;
    if (code < -1) {
        fprintf(stderr, "xbartab-train: %s: %s\n", poptBadOption(context, 0), poptStrerror(code));
        code = 2;
    } else if (!text || !images || !output) {
        fprintf(stderr, "xbartab-train: needs layers, --images and -o; see --help\n");
        code = 2;
    } else if (o.epochs < 1 || limit < 0 || seed < 0 || o.weight_bits < 0 || o.weight_bits > 8 ||
               o.activation_bits < 0 || o.activation_bits > 8 || o.shift < 0 || o.shift > 8 || !(rate > 0)) {
        fprintf(stderr, "xbartab-train: a number is out of range; see --help\n");
        code = 2;
    } else {
        o.seed = (uint64_t)seed;
        o.rate = rate;
        some = open_images(images, labels, (size_t)limit);
        if (some && test) others = open_images(test, test_labels, 0);
        code = some && (!test || others) ? make(text, some, others, &o, output) : 1;
    }
    xbtab_images_destroy(&some);
    xbtab_images_destroy(&others);
    poptFreeContext(context);
    free(images);
    free(labels);
    free(test);
    free(test_labels);
    free(output);
    return code;
}
