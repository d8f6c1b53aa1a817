/* test_npy.c - images and labels of .npy files in numbers of every width and either byte order. */
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

#include "file_fixture.h"

/* A file of a type and shape as NumPy writes it. */
static void write_npy(const char *to, const char *type, const char *shape, const void *data, size_t n)
{
    char header[128];
    int length = snprintf(header, sizeof header, "{'descr': '%s', 'fortran_order': False, 'shape': %s, }\n",
                          type, shape);
    uint8_t head[10] = {0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0, (uint8_t)length, 0};
    FILE *file = fopen(to, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(head, 1, sizeof head, file), sizeof head);
    assert_int_equal(fwrite(header, 1, (size_t)length, file), length);
    assert_int_equal(fwrite(data, 1, n, file), n);
    fclose(file);
}

/* Two images of 1.5, -2, 0.333 and 6.1e-5 (a number that half precision has only without its hidden bit). */
static void floats_of_every_width(void **state)
{
    (void)state;
    static const double number[4] = {1.5, -2, 0.333251953125, 0.00006103515625 / 2}; /* all are halves' too */
    static const uint16_t half[4] = {0x3e00, 0xc000, 0x3555, 0x0200};
    static const char *const types[] = {"<f8", ">f8", "<f4", ">f4", "<f2", ">f2"};
    for (int t = 0; t < 6; t++) {
        size_t size = (size_t)(8 >> t / 2);
        uint8_t data[32];
        for (size_t k = 0; k < 4; k++) {
            float single = (float)number[k];
            const void *from = size == 8   ? (const void *)&number[k]
                               : size == 4 ? (const void *)&single
                                           : &half[k];
            memcpy(data + k * size, from, size);
            for (size_t b = 0; b < size / 2 && t % 2; b++) { /* the other way around */
                uint8_t kept = data[k * size + b];
                data[k * size + b] = data[k * size + size - 1 - b];
                data[k * size + size - 1 - b] = kept;
            }
        }
        write_npy(path, types[t], "(2, 1, 1, 2)", data, 4 * size);
        xbtab_images *images = NULL;
        if (xbtab_images_open(&images, path, NULL, 0) < 0) fail_msg("%s", xbtab_error_message());
        assert_true(images->n == 2 && images->channels == 1 && images->height == 1 && images->width == 2);
        assert_false(images->is_bytes);
        for (int k = 0; k < 4; k++) assert_true((double)images->pixel[k] == number[k]);
        xbtab_images_destroy(&images);
    }
}

static void labels_of_either_byte_order(void **state)
{
    (void)state;
    static const uint8_t pixels[2] = {7, 9}, labels[] = {0, 0, 1, 2, 0, 0, 0, 3};
    char label_path[sizeof path + 8];
    xbtab_images *images = NULL;
    snprintf(label_path, sizeof label_path, "%s.labels", path);
    write_npy(path, "|u1", "(2, 1)", pixels, 2);
    write_npy(label_path, ">i4", "(2,)", labels, 8);
    if (xbtab_images_open(&images, path, label_path, 0) < 0) fail_msg("%s", xbtab_error_message());
    assert_int_equal(images->label[0], 258);
    assert_int_equal(images->label[1], 3);
    xbtab_images_destroy(&images);
    unlink(label_path);
}

static void other_numbers_are_refused(void **state)
{
    (void)state;
    static const char *const types[] = {"<i8", "<c8", "<f1"};
    static const uint8_t data[64];
    for (int t = 0; t < 3; t++) {
        xbtab_images *images = NULL;
        write_npy(path, types[t], "(2, 1)", data, t == 2 ? 2 : 16);
        assert_int_equal(xbtab_images_open(&images, path, NULL, 0), XBTAB_ERR_INPUT);
        assert_non_null(
            strstr(xbtab_error_message(), "images must be uint8, or float16, float32 or float64"));
        assert_null(images);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(floats_of_every_width),
        cmocka_unit_test(labels_of_either_byte_order),
        cmocka_unit_test(other_numbers_are_refused),
    };
    return cmocka_run_group_tests(tests, make_file, remove_file);
}
