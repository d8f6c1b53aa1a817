/* test_onnx_malformed.c - ONNX files that are cut, crooked, cyclic, huge, or point elsewhere: one clear line
 * each, no crash, and no memory past what a file of that size may mean. */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <xbartab/network.h>

#include "../fuzz/fuzz_onnx.c"
#include "../fuzz/onnx_corpus.h"

static char folder[] = "/tmp/xbartab-test-XXXXXX", path[128];

static const char *at(const char *name)
{
    static char full[4][256];
    static int turn;
    char *out = full[turn++ % 4];
    snprintf(out, sizeof full[0], "%s/%s", folder, name);
    return out;
}

static size_t read_all(char **out, const char *name)
{
    struct stat info;
    FILE *file = fopen(name, "rb");
    assert_non_null(file);
    assert_int_equal(fstat(fileno(file), &info), 0);
    *out = malloc((size_t)info.st_size + 1);
    assert_non_null(*out);
    size_t n = fread(*out, 1, (size_t)info.st_size, file);
    fclose(file);
    return n;
}

static void write_all(const char *name, const void *data, size_t n)
{
    FILE *file = fopen(name, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, n, file), n);
    fclose(file);
}

/* Opening fails with the status and one line that holds the words and the file's name. */
static void refused(xbtab_status status, const char *words)
{
    xbtab_network *network = NULL;
    xbtab_status got = xbtab_network_open(&network, path);
    const char *message = xbtab_error_message();
    if (got != status || !strstr(message, words) || !strstr(message, path) || strchr(message, '\n'))
        fail_msg("%d instead of %d: %s", got, status, message);
    assert_null(network);
}

static void opens(void)
{
    xbtab_network *network = NULL;
    if (xbtab_network_open(&network, path) < 0) fail_msg("%s", xbtab_error_message());
    xbtab_network_destroy(&network);
}

/* A limit on the address space until the one that was kept is set again. */
static void tighten(struct rlimit *kept, rlim_t bytes)
{
    assert_int_equal(getrlimit(RLIMIT_AS, kept), 0);
    struct rlimit tight = *kept;
#if !defined __SANITIZE_ADDRESS__
    tight.rlim_cur = bytes;
#else
    (void)bytes;
#endif
    assert_int_equal(setrlimit(RLIMIT_AS, &tight), 0);
}

/* ---- cut files ---- */

#if defined __SANITIZE_ADDRESS__
enum { CUT_STEP = 97 * 13 };
#else
enum { CUT_STEP = 97 };
#endif

/* Behind the graph and the opset only notes follow: what ends between two of them is a whole ONNX file. */
static bool is_whole(const char *bytes, size_t n, size_t length)
{
    Onnx__ModelProto *all = onnx__model_proto__unpack(NULL, n, (const uint8_t *)bytes),
                     *cut = onnx__model_proto__unpack(NULL, length, (const uint8_t *)bytes);
    assert_non_null(all);
    bool is_same =
        cut && cut->graph && cut->n_opset_import == all->n_opset_import &&
        onnx__graph_proto__get_packed_size(cut->graph) == onnx__graph_proto__get_packed_size(all->graph);
    onnx__model_proto__free_unpacked(all, NULL);
    onnx__model_proto__free_unpacked(cut, NULL);
    return is_same;
}

/* From its end on. Behind the first megabyte of a large file are only the numbers of one tensor after the
 * other: fewer cuts. */
static void refuse_cuts(const char *name)
{
    enum { LARGE = 1 << 20, COARSE = 1009 };
    char *bytes;
    size_t n = read_all(&bytes, name), length = (n - 1) / CUT_STEP * CUT_STEP,
           near_end = n < 4096 ? 0 : n - 4096;
    write_all(path, bytes, n);
    for (;;) {
        assert_int_equal(truncate(path, (off_t)length), 0);
        if (length < near_end || !is_whole(bytes, n, length)) refused(XBTAB_ERR_INPUT, "");
        if (length == 0) break;
        length -= length > LARGE ? (size_t)CUT_STEP * COARSE : CUT_STEP;
    }
    free(bytes);
}

/* Within a limit on the address space, which the sanitizers need themselves. */
static void files_cut_anywhere_are_refused(void **state)
{
    (void)state;
    static const char *const networks[] = {"opt-mnist.onnx",
                                           "mnist_quantized.onnx",
                                           "qonnx_tfc/TFC_1W1A.onnx",
                                           "qonnx_tfc/TFC_1W2A.onnx",
                                           "qonnx_tfc/TFC_2W2A.onnx",
                                           "onnx/lfc_w1a1.onnx",
                                           "onnx/resnet8_cifar10_fp32.onnx",
                                           "onnx/resnet8_cifar10_int8.onnx",
                                           "onnx/resnet8_cifar10_int8_tflround.onnx"};
    const char *data = getenv("XBARTAB_DATA");
    char name[512];
    struct rlimit kept;
    tighten(&kept, (rlim_t)1 << 28);
    refuse_cuts(XBARTAB_SOURCE_FOLDER "/data/networks/digits.onnx");
    for (size_t k = 0; data && k < sizeof networks / sizeof networks[0]; k++) {
        snprintf(name, sizeof name, "%s/networks/%s", data, networks[k]);
        if (access(name, R_OK) == 0) refuse_cuts(name);
    }
    assert_int_equal(setrlimit(RLIMIT_AS, &kept), 0);
}

/* ---- crooked graphs ---- */

static void cycles_are_told_as_such(void **state)
{
    (void)state;
    onnx_build b;
    build_begin(&b, 2, (int64_t[]){1, 4}, "y");
    build_node(&b, "Add", "a", "x", "b", NULL);
    build_node(&b, "Relu", "b", "a", NULL, NULL);
    build_node(&b, "Relu", "y", "b", NULL, NULL);
    build_write(&b, path);
    refused(XBTAB_ERR_INPUT,
            "node \"a\" (Add): its input \"b\" comes from no node before it but from a later one: the "
            "graph has a cycle");
    build_begin(&b, 2, (int64_t[]){1, 4}, "y");
    build_node(&b, "Add", "y", "x", "y", NULL); /* of itself */
    build_write(&b, path);
    refused(XBTAB_ERR_INPUT, "the graph has a cycle");
}

static void shapes_that_do_not_fit_are_refused(void **state)
{
    (void)state;
    static float number[64];
    onnx_build b;
    const struct {
        const char *type;
        int64_t input[4], weights[4];
        size_t input_rank, rank;
        const char *words;
    } cases[] = {
        {"MatMul", {1, 4}, {5, 2}, 2, 2, "vectors of 4 numbers times a matrix of 5 rows"},
        {"Gemm", {1, 4}, {5, 2}, 2, 2, "4 numbers times a matrix of 5 rows"},
        {"Conv", {1, 3, 4, 4}, {2, 2, 2, 2}, 4, 4, "weights for 2 channels in 1 groups on 3 channels"},
        {"Conv", {1, 2, 2, 2}, {1, 2, 3, 3}, 4, 4, "its window is larger than its input"},
        {"Add", {1, 4}, {1, 5}, 2, 2, "axes of 4 and 5 numbers do not go together"}};
    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
        build_begin(&b, cases[k].input_rank, cases[k].input, "y");
        build_floats(&b, "W", cases[k].rank, cases[k].weights, number);
        build_node(&b, cases[k].type, "y", "x", "W", NULL);
        build_write(&b, path);
        refused(XBTAB_ERR_INPUT, cases[k].words);
    }
    build_begin(&b, 3, (int64_t[]){3, 1, 2}, "y");
    build_floats(&b, "W", 3, (int64_t[]){1, 8, 2}, number);
    build_floats(&b, "R", 3, (int64_t[]){1, 8, 4}, number);
    build_node(&b, "LSTM", "y", "x", "W", "R");
    build_write(&b, path);
    refused(XBTAB_ERR_INPUT, "its input and matrices do not go together");
}

/* ---- memory ---- */

/* A file of a few hundred bytes must be told apart without the gigabytes that it speaks of. */
static void huge_dimensions_take_no_memory(void **state)
{
    (void)state;
    static int64_t shape[4];
    static float one[4] = {1, 1, 4000, 4000};
    onnx_build b;
    struct rlimit kept;
    tighten(&kept, (rlim_t)1 << 28);

    build_begin(&b, 2, (int64_t[]){1, 4}, "y"); /* a tensor of 2^60 numbers, without them */
    build_floats(&b, "W", 2, (int64_t[]){4, 1}, one);
    b.dims[0][0] = (int64_t)1 << 30;
    b.dims[0][1] = (int64_t)1 << 30;
    build_node(&b, "MatMul", "y", "x", "W", NULL);
    build_write(&b, path);
    refused(XBTAB_ERR_INPUT, "implausible size");
    b.dims[0][0] = b.dims[0][1] = 1 << 13; /* 2^26 of them */
    build_write(&b, path);
    refused(XBTAB_ERR_INPUT, "numbers for a shape of 67108864");
    b.dims[0][0] = -4;
    build_write(&b, path);
    refused(XBTAB_ERR_INPUT, "implausible size");

    for (int k = 0; k < 2; k++) { /* constants that blow up */
        build_begin(&b, 2, (int64_t[]){1, 4}, "y");
        shape[0] = shape[1] = 1 << 13;
        build_longs(&b, "shape", 2, shape);
        build_floats(&b, "W", 2, (int64_t[]){1, 1}, one);
        build_node(&b, k ? "Expand" : "ConstantOfShape", "c", k ? "W" : "shape", k ? "shape" : NULL, NULL);
        build_node(&b, "Add", "y", "x", "c", NULL);
        build_write(&b, path);
        refused(XBTAB_ERR_UNSUPPORTED, "makes constants far larger than the file");
    }
    build_begin(&b, 4, (int64_t[]){1, 1, 2, 2}, "y"); /* an image that does */
    build_floats(&b, "scales", 1, (int64_t[]){4}, one);
    build_node(&b, "Resize", "r", "x", "", "scales");
    build_node(&b, "Resize", "y", "r", "", "scales");
    build_write(&b, path);
    refused(XBTAB_ERR_INPUT, "implausible size");
    build_begin(&b, 4, (int64_t[]){1, 1, 8000, 8000}, "y"); /* of an image that is nearly as large */
    build_floats(&b, "W", 4, (int64_t[]){1, 1, 2, 2}, one);
    build_node(&b, "Conv", "y", "x", "W", NULL);
    build_attribute(&b, "pads", 4, (int64_t[]){4096, 4096, 4096, 4096}, 0, NULL);
    build_write(&b, path);
    refused(XBTAB_ERR_UNSUPPORTED, "one image needs more than");

    assert_int_equal(setrlimit(RLIMIT_AS, &kept), 0);
}

/* A graph in an attribute of a node of a graph, and so on. */
static void nesting_does_not_exhaust_the_stack(void **state)
{
    (void)state;
    enum {
        ROOM = 1 << 20,
        G = 0x32,
        ATTRIBUTE = 0x2a,
        NODE = 0x0a,
        GRAPH = 0x3a
    }; /* keys of onnx.proto's fields */
    static const unsigned char keys[] = {G, ATTRIBUTE, NODE};
    unsigned char *bytes = malloc(ROOM);
    assert_non_null(bytes);
    size_t first = ROOM;
    bool is_done = false;
    for (int level = 0; !is_done; level++) { /* from the innermost out */
        is_done = first < 64 && level % 3 == 0;
        unsigned char head[8] = {is_done ? GRAPH : keys[level % 3]};
        size_t used = 1, n = ROOM - first;
        for (; n > 127; n >>= 7) head[used++] = (unsigned char)(n | 128);
        head[used++] = (unsigned char)n;
        first -= used;
        memcpy(bytes + first, head, used);
    }
    write_all(path, bytes + first, ROOM - first);
    free(bytes);
    refused(XBTAB_ERR_INPUT, "not an ONNX file");
}

/* ---- data in other files ---- */

static void write_external(const char *location, const char *offset, const char *length)
{
    onnx_build b;
    const char *const entries[] = {"location", location, "offset", offset, "length", length};
    build_begin(&b, 2, (int64_t[]){1, 4}, "y");
    build_external(&b, "W", 2, (int64_t[]){4, 2}, entries, length ? 3 : offset ? 2 : 1);
    build_node(&b, "MatMul", "y", "x", "W", NULL);
    build_write(&b, path);
}

static void data_beside_the_model_are_read(void **state)
{
    (void)state;
    float numbers[10] = {9, 9, 1, 2, 3, 4, 5, 6, 7, 8}, x[4] = {1, 10, 100, 1000}, y[2];
    xbtab_network *network = NULL;
    xbtab_images images = {.n = 1, .channels = 1, .height = 1, .width = 4, .pixel = x};
    write_all(at("weights.bin"), numbers, sizeof numbers);
    assert_int_equal(mkdir(at("below"), 0700), 0);
    write_all(at("below/weights.bin"), numbers, sizeof numbers);
    for (int k = 0; k < 2; k++) {
        write_external(k ? "below/weights.bin" : "weights.bin", "8", k ? NULL : "32");
        if (xbtab_network_open(&network, path) < 0) fail_msg("%s", xbtab_error_message());
        assert_int_equal(xbtab_network_run(network, &images, 1, NULL, y), XBTAB_OK);
        assert_true(y[0] == 7531.0f && y[1] == 8642.0f);
        xbtab_network_destroy(&network);
    }
}

/* They count as the model's own: constants made of them, and what layers hold, are in proportion. */
static void data_beside_the_model_count(void **state)
{
    (void)state;
    enum { ROWS = 2500, COLUMNS = 2000, BYTES = ROWS * COLUMNS * 4 };
    const char *const entries[] = {"location", "weights.bin"};
    onnx_build b;
    write_all(at("weights.bin"), "", 0);
    assert_int_equal(truncate(at("weights.bin"), BYTES), 0);
    build_begin(&b, 2, (int64_t[]){1, COLUMNS}, "y");
    build_external(&b, "W", 2, (int64_t[]){ROWS, COLUMNS}, entries, 1);
    build_node(&b, "Transpose", "t", "W", NULL, NULL);
    build_node(&b, "MatMul", "y", "x", "t", NULL);
    build_write(&b, path);
    opens();
    b.tensor[0].data_type = ONNX__TENSOR_PROTO__DATA_TYPE__INT64; /* 2 GB, which nobody reads */
    b.dims[0][0] = b.dims[0][1] = 1 << 14;
    build_write(&b, path);
    refused(XBTAB_ERR_UNSUPPORTED, "data beside the model are more than");
}

static void data_outside_the_folder_are_refused(void **state)
{
    (void)state;
    float numbers[16] = {0};
    write_all(at("weights.bin"), numbers, sizeof numbers);
    write_external("/etc/passwd", NULL, NULL);
    refused(XBTAB_ERR_INPUT, "must be a relative path inside the model's folder");
    write_external("../weights.bin", NULL, NULL);
    refused(XBTAB_ERR_INPUT, "must be a relative path inside the model's folder");
    write_external("below/../../weights.bin", NULL, NULL);
    refused(XBTAB_ERR_INPUT, "must be a relative path inside the model's folder");
    write_external("", NULL, NULL);
    refused(XBTAB_ERR_INPUT, "must be a relative path inside the model's folder");
    assert_int_equal(symlink("/etc/passwd", at("link.bin")), 0);
    write_external("link.bin", NULL, NULL);
    refused(XBTAB_ERR_INPUT, "leaves the model's folder");
    assert_int_equal(symlink("/etc", at("linked")), 0);
    write_external("linked/passwd", NULL, NULL);
    refused(XBTAB_ERR_INPUT, "leaves the model's folder");
    write_external("missing.bin", NULL, NULL);
    refused(XBTAB_ERR_IO, "No such file");
    write_external(".", NULL, NULL);
    refused(XBTAB_ERR_INPUT, "leaves the model's folder");
    assert_int_equal(mkdir(at("folder.bin"), 0700), 0);
    write_external("folder.bin", NULL, NULL);
    refused(XBTAB_ERR_IO, "not a regular file");
    assert_int_equal(mkfifo(at("pipe.bin"), 0600), 0); /* open() would wait for a writer */
    write_external("pipe.bin", NULL, NULL);
    refused(XBTAB_ERR_IO, "not a regular file");
    write_external("weights.bin", "40", NULL);
    refused(XBTAB_ERR_INPUT, "has 64 bytes; 32 from byte 40 on are needed");
    write_external("weights.bin", "9223372036854775807", NULL);
    refused(XBTAB_ERR_INPUT, "from byte 9223372036854775807 on are needed");
    write_external("weights.bin", "-8", NULL);
    refused(XBTAB_ERR_INPUT, "offset \"-8\" is not a number of bytes");
    write_external("weights.bin", "0", "31");
    refused(XBTAB_ERR_INPUT, "31 bytes of data");
    write_external("weights.bin", "32", "32");
    opens();
}

/* ---- the fuzzer's corpus ---- */

/* The committed files are what corpus_build() makes (XBARTAB_UPDATE=1 writes them), each is read or refused,
 * cut at every byte and with every byte changed too. */
static void corpus_is_replayed(void **state)
{
    (void)state;
    for (int k = 0; k < CORPUS_SIZE; k++) {
        char name[256], *bytes, *committed;
        onnx_build b;
        corpus_build(&b, k);
        size_t n = build_write(&b, path);
        snprintf(name, sizeof name, "%s/tests/fuzz/corpus/onnx/%02d.onnx", XBARTAB_SOURCE_FOLDER, k);
        assert_int_equal(read_all(&bytes, path), n);
        if (getenv("XBARTAB_UPDATE")) write_all(name, bytes, n);
        assert_int_equal(read_all(&committed, name), n);
        assert_memory_equal(committed, bytes, n);
        if (k + 1 < CORPUS_SIZE) {
            opens();
        } else {
            refused(XBTAB_ERR_IO, "nowhere.bin");
        }
        for (size_t length = 0; length < n; length++) LLVMFuzzerTestOneInput((uint8_t *)bytes, length);
        for (size_t byte = 0; byte < n; byte++) {
            bytes[byte] = (char)(bytes[byte] ^ (1 << byte % 8));
            LLVMFuzzerTestOneInput((uint8_t *)bytes, n);
            bytes[byte] = committed[byte];
        }
        free(bytes);
        free(committed);
    }
}

static int make_folder(void **state)
{
    (void)state;
    if (!mkdtemp(folder)) return -1;
    snprintf(path, sizeof path, "%s/model.onnx", folder);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    static const char *const names[] = {"model.onnx", "weights.bin", "below/weights.bin",
                                        "link.bin",   "linked",      "pipe.bin"};
    for (size_t k = 0; k < sizeof names / sizeof names[0]; k++) unlink(at(names[k]));
    rmdir(at("below"));
    rmdir(at("folder.bin"));
    return rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_cut_anywhere_are_refused),
        cmocka_unit_test(cycles_are_told_as_such),
        cmocka_unit_test(shapes_that_do_not_fit_are_refused),
        cmocka_unit_test(huge_dimensions_take_no_memory),
        cmocka_unit_test(nesting_does_not_exhaust_the_stack),
        cmocka_unit_test(data_beside_the_model_are_read),
        cmocka_unit_test(data_beside_the_model_count),
        cmocka_unit_test(data_outside_the_folder_are_refused),
        cmocka_unit_test(corpus_is_replayed),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
