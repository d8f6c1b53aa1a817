/* step5_network.c - a specification, a network and images: accuracy on the tile's tables, with a check of the
 * run's own products. */
#include <stdio.h>

#include <xbartab/xbartab.h>

int main(int argc, char **argv)
{
    xbtab_study *study = NULL;
    xbtab_study_result r;
    if (argc != 5) return puts("usage: step5_network NETWORK.onnx TABLES.h5 IMAGES LABELS"), 2;
    const xbtab_study_options options = {.network = argv[1],
                                         .tables = argv[2],
                                         .images = argv[3],
                                         .labels = argv[4],
                                         .limit = 200,
                                         .check = 20};
    xbtab_status status = xbtab_study_open(&study, &options);
    if (status == XBTAB_OK) status = xbtab_study_infer(study, &r);
    if (status == XBTAB_OK) {
        printf("float %.1f %%, integers %.1f %%, ideal tiles %.1f %%, tables %.1f %% of %zu images\n",
               100 * r.accuracy.network, 100 * r.accuracy.integer, 100 * r.accuracy.ideal,
               100 * r.accuracy.mode, r.images);
        printf("%zu products solved again: within %.4f %% of full scale (announced: %.4f %%)\n",
               r.check.samples, 100 * r.check.rmse, 100 * r.check.rmse_stored);
    } else {
        fprintf(stderr, "%s\n", xbtab_error_message());
    }
    xbtab_study_close(&study);
    return status < 0;
}
