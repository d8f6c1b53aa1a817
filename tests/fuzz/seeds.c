/* seeds.c - the first inputs of the fuzz targets whose formats are binary or have no files in the project:
 * made here.
 *
 *   fuzz_seeds FOLDER      writes FOLDER/NAME/... for the targets csv, curves, images, journal, layer_bits,
 * tables, ... */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <zlib.h>

#include "complete_tables.h"
#include "journal.h"
#include "sinh_tables.h"

static const char *root;

static void failed(const char *what)
{
    fprintf(stderr, "fuzz_seeds: %s: %s\n", what, errno ? strerror(errno) : xbtab_error_message());
    exit(1);
}

static const char *place(const char *target, const char *name)
{
    static char path[4096];
    snprintf(path, sizeof path, "%s/%s", root, target);
    if (mkdir(path, 0777) != 0 && errno != EEXIST) failed(path);
    snprintf(path, sizeof path, "%s/%s/%s", root, target, name);
    return path;
}

static void put(const char *target, const char *name, const void *data, size_t n)
{
    const char *path = place(target, name);
    FILE *file = fopen(path, "wb");
    if (!file || fwrite(data, 1, n, file) != n || fclose(file) != 0) failed(path);
}

static void put_text(const char *target, const char *name, const char *text)
{
    put(target, name, text, strlen(text));
}

/* ---- texts ---- */

static void tables_of_text(void)
{
    static const char *const curves[] = {
        "V,I\n-0.2,-2e-6\n-0.1,-0.9e-6\n0,0\n0.1,0.9e-6\n0.2,2e-6\n",
        "# measured\nvoltage [mV];current [uA];curve\n-200;-2;a\n-100;-0,9;a\n0;0;a\n100;0,9;a\n200;2;a\n"
        "-200;-4;b\n0;0;b\n200;4;b\n",
        "\xef\xbb\xbf"
        "voltage [V]\tlow\thigh\r\n-0.2\t-1e-6\t-2e-6\r\n0\t0\t0\r\n0.2\t1e-6\t2e-6\r\n",
        "0 0 0\n0.1 1e-6 2e-6\n0.2 2e-6 4e-6\n0.3 3e-6 6e-6\n",
        "\"V\",\"I (nA)\"\n\"0\",\"0\"\n\"0.1\",\"100\"\n\"0.2\",\"250\"\n"};
    for (int k = 0; k < 5; k++) {
        char name[16], text[512];
        snprintf(name, sizeof name, "%d", k);
        snprintf(text, sizeof text, "\x0f%s", curves[k]);
        put_text("csv", name, text);
        snprintf(text, sizeof text, "%c%s", k >= 3 ? 9 : 8, curves[k]);
        put_text("curves", name, text);
    }
    put_text("csv", "levels",
             "\x0a"
             "0,1,3\n2,2,0\n");
    put_text("csv", "open",
             "\x0a"
             "1e5,inf,2e5\n3e5,4e5,inf\n");
    put_text("layer_bits", "0",
             "layers:\n  - {name: conv1, weight_bits: 4, activation_bits: 8}\n  - {name: fc, weight_bits: "
             "float}\n");
    put_text("expression", "0", "i0*exp(-gap/g0)*sinh(V/0.3)");
    put_text("expression", "1",
             "min(max(V,-1),1)^2^0.5 + abs(-V)/(1e-3+tanh(gap)) - log10(i0) * ln(sqrt(g0))");
    put_text("card", "0", ".model nch nmos level=1 vto=0.4 kp=270u\n");
    put_text("card", "1", "* a foundry's\n.model nch nmos\n+ level=1\n* within\n+ vto=0.4 kp=270u\n");
}

/* ---- images ---- */

static void put_gzip(const char *target, const char *name, const void *data, unsigned n)
{
    const char *path = place(target, name);
    gzFile file = gzopen(path, "wb");
    if (!file || gzwrite(file, data, n) != (int)n || gzclose(file) != Z_OK) failed(path);
}

static void images(void)
{
    uint8_t idx[16 + 2 * 3 * 4] = {0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 4}, cifar[2 * 3073];
    static const char head[] = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 1, 2, 3), }";
    uint8_t npy[128 + 2 * 6 * 4] = "\x93NUMPY\x01";
    for (size_t k = 16; k < sizeof idx; k++) idx[k] = (uint8_t)(k * 37);
    for (size_t k = 0; k < sizeof cifar; k++) cifar[k] = (uint8_t)(k % 3073 ? k * 31 : k % 10);
    npy[8] = 118;
    memset(npy + 10, ' ', 118);
    memcpy(npy + 10, head, sizeof head - 1);
    npy[127] = '\n';
    for (size_t k = 128; k < sizeof npy; k += 4) memcpy(npy + k, &(float){(float)k}, 4);
    put("images", "0.idx", idx, sizeof idx);
    put_gzip("images", "0.idx.gz", idx, sizeof idx);
    put("images", "0.npy", npy, sizeof npy);
    put("images", "0.bin", cifar, sizeof cifar);
    put_text("images", "labels", "3\n1\n4\n1\n5\n");
}

/* ---- what the library writes ---- */

static void journal(void)
{
    static const double numbers[] = {2.385, -1e-6, 7};
    xbtab__journal *j = NULL;
    char path[4096];
    snprintf(path, sizeof path, "%s", place("journal", "0"));
    char partial[4200];
    snprintf(partial, sizeof partial, "%s.partial", path);
    remove(partial);
    errno = 0;
    if (xbtab__journal_create(&j, path, "tile") < 0) failed(path);
    for (int k = 0; k < 3; k++) {
        if (xbtab__journal_append(j, k, k % 2, numbers, sizeof numbers) < 0) failed(path);
    }
    xbtab__journal_close(&j);
    put("journal", "records",
        "\x01\x00\x03\x00"
        "abc\x01\x05\x01"
        "defgh\x02\x7f\x00",
        18);
}

static void tables(void)
{
    xbtab_tables *t = sinh_tables(
        &(sinh_design){.rows = 3, .columns = 2, .n_levels = 2, .dac_bits = 1, .adc_bits = 4, .V0 = 0.3});
    const char *path = place("tables", "0.h5");
    complete_tables(t);
    errno = 0;
    if (xbtab_tables_write(t, path) < 0) failed(path);
    xbtab_tables_destroy(&t);
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "fuzz_seeds FOLDER\n");
        return 2;
    }
    root = argv[1];
    if (mkdir(root, 0777) != 0 && errno != EEXIST) failed(root);
    tables_of_text();
    images();
    journal();
    tables();
    return 0;
}
