/* test_images.c - image and label files of every kind, and every way in which they can be wrong. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <xbartab/images.h>
#include <zlib.h>

static char folder[] = "/tmp/xbartab-test-XXXXXX";
static char image_path[64], label_path[64];

static void write_file(char *path, const char *name, const void *data, size_t n, int zipped)
{
    snprintf(path, 64, "%s/%s", folder, name);
    if (zipped) {
        gzFile file = gzopen(path, "wb");
        assert_non_null(file);
        assert_int_equal(gzwrite(file, data, (unsigned)n), (int)n);
        gzclose(file);
        return;
    }
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, n, file), n);
    fclose(file);
}

static size_t make_idx(uint8_t *out, uint32_t magic, uint32_t n, uint32_t height, uint32_t width)
{
    uint32_t words[4] = {magic, n, height, width};
    size_t head = magic == 0x801 ? 2 : 4, body = magic == 0x801 ? n : n * height * width;
    for (size_t w = 0; w < head; w++) {
        for (int k = 0; k < 4; k++) out[4 * w + (size_t)k] = (uint8_t)(words[w] >> (24 - 8 * k));
    }
    for (size_t k = 0; k < body; k++) out[4 * head + k] = (uint8_t)(magic == 0x801 ? k % 10 : 7 * k + 3);
    return 4 * head + body;
}

static void expect(const char *labels, xbtab_status status, const char *words)
{
    xbtab_images *images = NULL;
    xbtab_status got = xbtab_images_open(&images, image_path, labels, 0);
    if (got != status || !strstr(xbtab_error_message(), words))
        fail_msg("%d: %s", got, xbtab_error_message());
    assert_null(images);
}

static void idx_files_plain_and_packed(void **state)
{
    (void)state;
    uint8_t data[2000];
    for (int zipped = 0; zipped < 2; zipped++) {
        xbtab_images *images = NULL;
        write_file(image_path, zipped ? "i.gz" : "i.idx", data, make_idx(data, 0x803, 5, 7, 3), zipped);
        write_file(label_path, zipped ? "l.gz" : "l.idx", data, make_idx(data, 0x801, 5, 0, 0), zipped);
        assert_int_equal(xbtab_images_open(&images, image_path, label_path, 0), XBTAB_OK);
        assert_int_equal(images->n, 5);
        assert_int_equal(images->height, 7);
        assert_int_equal(images->width, 3);
        assert_true(images->is_bytes);
        for (int k = 0; k < 5 * 21; k++) assert_true(images->pixel[k] == (float)(uint8_t)(7 * k + 3));
        for (int k = 0; k < 5; k++) assert_int_equal(images->label[k], k);
        xbtab_images_destroy(&images);
        assert_int_equal(xbtab_images_open(&images, image_path, label_path, 2), XBTAB_OK);
        assert_int_equal(images->n, 2);
        xbtab_images_destroy(&images);
        unlink(image_path);
        unlink(label_path);
    }
}

static void wrong_idx_files_are_named(void **state)
{
    (void)state;
    uint8_t data[2000];
    size_t n = make_idx(data, 0x803, 5, 7, 3);
    for (size_t cut = 0; cut < n; cut += 13) {
        write_file(image_path, "i.idx", data, cut, 0);
        expect(NULL, XBTAB_ERR_INPUT, image_path);
    }
    write_file(image_path, "i.idx", data, n + 1, 0);
    expect(NULL, XBTAB_ERR_INPUT, "its header says 105 bytes of data, but 106 follow");
    data[3] = 9;
    write_file(image_path, "i.idx", data, n, 0);
    expect(NULL, XBTAB_ERR_INPUT, "magic 0x00000809; images are IDX (0x00000803)");
    make_idx(data, 0x803, 5, 7, 3);
    data[4] = 0x7f; /* two thousand million images */
    write_file(image_path, "i.idx", data, n, 0);
    expect(NULL, XBTAB_ERR_INPUT, "bytes of data");
    make_idx(data, 0x803, 5, 7, 3);
    write_file(image_path, "i.idx", data, n, 0);
    write_file(label_path, "l.idx", data, make_idx(data, 0x801, 4, 0, 0), 0);
    expect(label_path, XBTAB_ERR_INPUT, "4 labels for 5 images");
    write_file(label_path, "l.txt", "1\n2\nthree\n4\n5\n", 14, 0);
    expect(label_path, XBTAB_ERR_INPUT, "l.txt:3: labels are IDX, .npy, or one integer from 0 up a line");
    write_file(label_path, "l.txt", "1\n2\n-3\n4\n5\n", 11, 0);
    expect(label_path, XBTAB_ERR_INPUT, "l.txt:3:");
    expect("/nowhere/labels", XBTAB_ERR_IO, "/nowhere/labels: cannot open");
    unlink(label_path);
    snprintf(label_path, sizeof label_path, "%s/l.idx", folder);
    unlink(label_path);
    unlink(image_path);
    expect(NULL, XBTAB_ERR_IO, "cannot open");
}

static void text_labels_and_numpy(void **state)
{
    (void)state;
    xbtab_images *images = NULL;
    char npy[400];
    float values[3 * 2 * 2];
    const char *header = "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 2, 2), }";
    size_t at = 10 + strlen(header);
    memcpy(npy, "\x93NUMPY\x01\x00", 8);
    npy[8] = (char)strlen(header);
    npy[9] = 0;
    memcpy(npy + 10, header, strlen(header));
    for (int k = 0; k < 12; k++) values[k] = (float)k * 0.385f - 1;
    memcpy(npy + at, values, sizeof values);
    write_file(image_path, "i.npy", npy, at + sizeof values, 0);
    write_file(label_path, "l.txt", "7\r\n0\r\n12\r\n", 10, 0);
    if (xbtab_images_open(&images, image_path, label_path, 0) < 0) fail_msg("%s", xbtab_error_message());
    assert_int_equal(images->n, 3);
    assert_int_equal(images->channels, 1);
    assert_false(images->is_bytes);
    assert_memory_equal(images->pixel, values, sizeof values);
    assert_int_equal(images->label[0], 7);
    assert_int_equal(images->label[2], 12);
    xbtab_images_destroy(&images);
    for (int k = 0; k < 2; k++) {
        const float bad = k ? -INFINITY : NAN;
        memcpy(npy + at + 6 * sizeof bad, &bad, sizeof bad);
        write_file(image_path, "i.npy", npy, at + sizeof values, 0);
        expect(NULL, XBTAB_ERR_INPUT,
               k ? "i.npy: image 1: number 2 of 4 is -inf; pixels must be finite"
                 : "i.npy: image 1: number 2 of 4 is nan; pixels must be finite");
    }
    memcpy(npy + at, values, sizeof values);
    write_file(image_path, "i.npy", npy, at + sizeof values - 1, 0);
    expect(NULL, XBTAB_ERR_INPUT, "its header says 48 bytes of data, but 47 follow");
    npy[12] = '?';
    write_file(image_path, "i.npy", npy, at + sizeof values, 0);
    expect(NULL, XBTAB_ERR_INPUT, "a .npy file must hold");
    unlink(image_path);
    unlink(label_path);
}

static void cifar_records(void **state)
{
    (void)state;
    xbtab_images *images = NULL;
    static uint8_t data[3 * 3073];
    for (size_t k = 0; k < sizeof data; k++) data[k] = (uint8_t)(k * 31 + k / 251);
    data[0] = 4;
    data[3073] = 9;
    data[6146] = 0;
    write_file(image_path, "c.bin.gz", data, sizeof data, 1);
    assert_int_equal(xbtab_images_open(&images, image_path, NULL, 0), XBTAB_OK);
    assert_int_equal(images->n, 3);
    assert_int_equal(images->channels, 3);
    assert_int_equal(images->label[1], 9);
    assert_true(images->pixel[3072 + 5] == (float)data[3073 + 1 + 5]);
    xbtab_images_destroy(&images);
    FILE *file = fopen(image_path, "rb+"); /* cut the packed stream */
    assert_non_null(file);
    assert_int_equal(ftruncate(fileno(file), 500), 0);
    fclose(file);
    expect(NULL, XBTAB_ERR_INPUT, "c.bin.gz");
    unlink(image_path);
    write_file(image_path, "c.bin", data, sizeof data - 1, 0);
    expect(NULL, XBTAB_ERR_INPUT, "9218 bytes are no whole number of CIFAR records of 3073 bytes");
    unlink(image_path);
}

/* Zeros unpack to a thousand times their size: what a header asks for is refused before memory is taken, and
 * a few images of the same file are read. */
static void packed_files_have_a_bound(void **state)
{
    (void)state;
    enum { SIDE = 1000, COUNT = 40, BODY = COUNT * SIDE * SIDE };
    xbtab_images *images = NULL;
    uint8_t *data = calloc(16 + BODY + 1, 1);
    assert_non_null(data);
    const uint32_t words[4] = {0x803, COUNT, SIDE, SIDE};
    for (int k = 0; k < 16; k++) data[k] = (uint8_t)(words[k / 4] >> (24 - 8 * (k % 4)));
    data[16 + 2 * SIDE * SIDE] = 7;
    write_file(image_path, "z.gz", data, 16 + BODY, 1);
    expect(NULL, XBTAB_ERR_INPUT, "z.gz: 40000000 bytes of images in a gzip file of ");
    assert_non_null(
        strstr(xbtab_error_message(), "at most 64 times its size and 16777216 bytes are unpacked"));
    if (xbtab_images_open(&images, image_path, NULL, 3) < 0) fail_msg("%s", xbtab_error_message());
    assert_int_equal(images->n, 3);
    assert_true(images->pixel[2 * SIDE * SIDE] == 7 && images->pixel[3 * SIDE * SIDE - 1] == 0);
    xbtab_images_destroy(&images);
    unlink(image_path);
    write_file(image_path, "z.idx", data, 16 + BODY, 0); /* as large as it is */
    if (xbtab_images_open(&images, image_path, NULL, 0) < 0) fail_msg("%s", xbtab_error_message());
    assert_int_equal(images->n, COUNT);
    xbtab_images_destroy(&images);
    unlink(image_path);
    write_file(image_path, "z.bin.gz", data, (size_t)3073 * 9000, 1); /* CIFAR, whose size no header tells */
    expect(NULL, XBTAB_ERR_INPUT, "bytes of images in a gzip file of ");
    unlink(image_path);
    data[4] = 0xff; /* four thousand million images */
    write_file(image_path, "z.gz", data, 10000, 1);
    expect(NULL, XBTAB_ERR_INPUT,
           "z.gz: 4278190120000000 bytes of images; at most 2147483648 are read at once");
    free(data);
    unlink(image_path);
}

/* A packed body that is longer or shorter than its header says. */
static void packed_bodies_are_measured(void **state)
{
    (void)state;
    uint8_t data[2000];
    size_t n = make_idx(data, 0x803, 5, 7, 3);
    write_file(image_path, "i.gz", data, n + 1, 1);
    expect(NULL, XBTAB_ERR_INPUT, "i.gz: its header says 105 bytes of data, but more follow");
    write_file(image_path, "i.gz", data, n - 1, 1);
    expect(NULL, XBTAB_ERR_INPUT, "i.gz: ends before its images do");
    write_file(image_path, "i.gz", data, n, 1);
    n = make_idx(data, 0x801, 5, 0, 0);
    write_file(label_path, "l.gz", data, n + 1, 1);
    expect(label_path, XBTAB_ERR_INPUT, "l.gz: its header says 5 bytes of data, but more follow");
    write_file(label_path, "l.gz", data, n - 1, 1);
    expect(label_path, XBTAB_ERR_INPUT, "l.gz: its header says 5 bytes of data, but 4 follow");
    unlink(label_path);
    write_file(label_path, "l.txt", "1\n2\n\n3\n4\n5 \n\n", 13, 0);
    xbtab_images *images = NULL;
    if (xbtab_images_open(&images, image_path, label_path, 0) < 0) fail_msg("%s", xbtab_error_message());
    assert_int_equal(images->label[4], 5);
    xbtab_images_destroy(&images);
    write_file(label_path, "l.txt", "1\n2\n\n3\n4\n5\n\n6\n7\n", 17, 0);
    expect(label_path, XBTAB_ERR_INPUT, "l.txt:8: more labels than the 5 images");
    write_file(label_path, "l.txt", "1\n2\n\n3\n4\n5 6\n", 13, 0);
    expect(label_path, XBTAB_ERR_INPUT, "l.txt:6: labels are IDX");
    write_file(label_path, "l.txt", "1\n2\n3\n4\n5\0\n", 11, 0);
    expect(label_path, XBTAB_ERR_INPUT, "l.txt:5: labels are IDX");
    write_file(label_path, "l.txt", "1\n2\n3\n4\n4294967296\n", 19, 0);
    expect(label_path, XBTAB_ERR_INPUT, "l.txt:5: labels are IDX");
    unlink(label_path);
    unlink(image_path);
}

/* Integers of every width with a sign, and one that is none. */
static void labels_of_numpy(void **state)
{
    (void)state;
    static const char *const kinds[] = {"|i1", "<i2", "<u4", "<i8"};
    uint8_t data[2000];
    write_file(image_path, "i.idx", data, make_idx(data, 0x803, 2, 7, 3), 0);
    for (int k = 0; k < 8; k++) {
        xbtab_images *images = NULL;
        int size = 1 << (k % 4),
            n = snprintf((char *)data + 10, 200, "{'descr': '%s', 'fortran_order': False, 'shape': (2,), }",
                         kinds[k % 4]);
        memcpy(data, "\x93NUMPY\x01\x00", 8);
        data[8] = (uint8_t)n;
        data[9] = 0;
        memset(data + 10 + n, 0, 2 * (size_t)size);
        data[10 + n] = 103;
        if (k >= 4) memset(data + 10 + n + size, 0xff, (size_t)size); /* -1, and 2^32 - 1 */
        write_file(label_path, "l.npy", data, 10 + (size_t)n + 2 * (size_t)size, 0);
        if (k >= 4) {
            expect(label_path, XBTAB_ERR_INPUT, "l.npy: label 1 is negative or too large");
            continue;
        }
        if (xbtab_images_open(&images, image_path, label_path, 0) < 0) fail_msg("%s", xbtab_error_message());
        assert_true(images->label[0] == 103 && images->label[1] == 0);
        assert_int_equal(xbtab_images_check_labels(images, 104), XBTAB_OK);
        assert_int_equal(xbtab_images_check_labels(images, 103), XBTAB_ERR_INPUT);
        assert_string_equal(xbtab_error_message(),
                            "label 103 of image 0 is none of the network's 103 outputs");
        xbtab_images_destroy(&images);
    }
    unlink(label_path);
    unlink(image_path);
}

static int make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
    (void)state;
    return rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(idx_files_plain_and_packed),
        cmocka_unit_test(wrong_idx_files_are_named),
        cmocka_unit_test(text_labels_and_numpy),
        cmocka_unit_test(cifar_records),
        cmocka_unit_test(packed_files_have_a_bound),
        cmocka_unit_test(packed_bodies_are_measured),
        cmocka_unit_test(labels_of_numpy),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
