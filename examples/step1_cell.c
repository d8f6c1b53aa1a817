/* step1_cell.c - a specification, and what its cell can conduct, from ngspice. */
#include <stdio.h>

#include <xbartab/xbartab.h>

int main(int argc, char **argv)
{
    xbtab_models *models = NULL;
    xbtab_spec *spec = NULL;
    double G_low, G_high;
    if (argc != 2) return puts("usage: step1_cell SPEC.yaml"), 2;
    xbtab_status status = xbtab_models_open_with(&models, NULL);
    if (status == XBTAB_OK) status = xbtab_spec_open(&spec, argv[1], models);
    if (status == XBTAB_OK) status = xbtab_cell_range(spec, &G_low, &G_high);
    if (status == XBTAB_OK) {
        printf("%s: %d x %d cells, each %.3g to %.3g uS\n", spec->name, spec->rows, spec->columns,
               1e6 * G_low, 1e6 * G_high);
    } else {
        fprintf(stderr, "%s\n", xbtab_error_message());
    }
    xbtab_spec_destroy(&spec);
    xbtab_models_destroy(&models);
    return status < 0;
}
