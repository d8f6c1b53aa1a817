/* step2_tables.c - from a specification to tables, and how far to trust them. */
#include <stdio.h>

#include <xbartab/xbartab.h>

int main(int argc, char **argv)
{
    xbtab_models *models = NULL;
    xbtab_spec *spec = NULL;
    xbtab_tables *tables = NULL;
    xbtab_characterize_options options = {.resume = 1}; /* zero means default */
    if (argc != 3) return puts("usage: step2_tables SPEC.yaml TABLES.h5"), 2;
    xbtab_status status = xbtab_models_open_with(&models, NULL);
    if (status == XBTAB_OK) status = xbtab_spec_open(&spec, argv[1], models);
    if (status == XBTAB_OK) status = xbtab_spec_size_selector(spec);
    if (status == XBTAB_OK) status = xbtab_characterize(spec, argv[2], &options);
    if (status == XBTAB_OK) status = xbtab_tables_open(&tables, argv[2]);
    if (status == XBTAB_OK) {
        const xbtab_fit_error *e = &tables->transfer.error;
        printf("%ld held-out currents: RMSE %.4f %% of full scale, largest %.4f %%\n", (long)e->samples,
               100 * e->rmse, 100 * e->max);
    } else {
        fprintf(stderr, "%s\n", xbtab_error_message());
    }
    xbtab_tables_destroy(&tables);
    xbtab_spec_destroy(&spec);
    xbtab_models_destroy(&models);
    return status < 0;
}
