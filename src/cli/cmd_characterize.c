/* cmd_characterize.c - characterize SPEC.yaml -o TABLES.h5. */
#include <stdio.h>
#include <stdlib.h>

#include <xbartab/characterize.h>
#include <xbartab/tables.h>

#include "chip_options.h"
#include "cli.h"

/* What a run made. */
typedef struct made {
    const char *path;
    double seconds;
    xbtab_fit_error error;
} made;

static const xbtab_field fields[] = {
    {XBTAB_FIELD(made, path, "tables", NULL, "the file")},
    {XBTAB_FIELD(made, seconds, "seconds", "s", "that it took")},
    {XBTAB_FIELD_OF(made, error, "transfer", &xbtab_form_fit_error, "error of the transfer table")}};
static const xbtab_form form = XBTAB_FORM(made, fields);

static int report(const char *path, double seconds, int as_json)
{
    xbtab_tables *t = NULL;
    int code = CLI_DONE;
    if (xbtab_tables_open(&t, path) < 0) return cli_failed();
    const made m = {path, seconds, t->transfer.error};
    if (as_json) {
        code = cli_print_record(&form, &m);
    } else {
        xbtab_report_text(
            stdout, &form, &m,
            "{tables}: transfer table within {transfer.heldout_rmse_fs:.4f*100} % of full scale (RMSE; "
            "largest error {transfer.heldout_max_fs:.3f*100} %) of {transfer.samples} held-out currents by ");
        printf("%s, %ld samples failed\n", cli_sampled_by(t), m.error.failed);
        cli_tell("characterized in %.1f s", seconds);
    }
    xbtab_tables_destroy(&t);
    return code;
}

int cmd_characterize(int argc, const char **argv)
{
    const char *folder = NULL, *output = NULL, *arguments[2];
    int as_json = 0;
    uint64_t seed = 0;
    bool has_seed = false;
    cli_chips chips = {0};
    xbtab_chip_options chip = {0};
    xbtab_characterize_options run = {.progress = cli_progress, .chip = &chip};
    const struct poptOption options[] = {
        {"output", 'o', POPT_ARG_STRING, &output, 0, "table file to write", "TABLES.h5"},
        CLI_WHOLE("jobs", 'j', &run.workers, 0, 1024, "worker processes (one a core)", "N"),
        CLI_SEED("seed", &seed, &has_seed,
                 "seed of the random samples and of their cells, instead of the specification's"),
        CLI_AGE_OPTIONS(&chips),
        {"resume", '\0', POPT_ARG_NONE, &run.resume, 0, "continue what an earlier run left", NULL},
        {"models", '\0', POPT_ARG_STRING, &folder, 0, "the user's own models too", "DIR"},
        {"json", '\0', POPT_ARG_NONE, &as_json, 0, "one JSON object on stdout", NULL},
        POPT_TABLEEND};
    poptContext context;
    xbtab_models *models = NULL;
    xbtab_spec *spec = NULL;
    int code = cli_parse(&context, argc, argv, options, "SPEC.yaml -o TABLES.h5",
                         "xbartab characterize data/tiles/default.yaml -o default.h5 -j 2", 1, 1, arguments);
    if (code != CLI_DONE) goto done;
    if (!output) {
        code = cli_usage(argv[0], "-o TABLES.h5 is missing");
        goto done;
    }
    if ((code = cli_check_regular_output(output)) != CLI_DONE) goto done;
    if (cli_chips_asked(&chips) && (code = cli_chips_open(&chips, argv[0])) != CLI_DONE) goto done;
    if (chips.n_times > 1) {
        code = cli_usage(argv[0], "tables are of one --time; make a file for each");
        goto done;
    }
    if (xbtab_models_open_with(&models, folder) < 0 || xbtab_spec_open(&spec, arguments[0], models) < 0 ||
        xbtab_spec_size_selector(spec) < 0) {
        code = cli_failed();
        goto done;
    }
    if (has_seed) spec->seed = seed;
    if (chips.population) {
        chip = cli_chip(&chips, 0);
        chip.seed = spec->seed;
        cli_chips_warn_of_window(&chips, spec->G_level[0], spec->G_level[spec->n_levels - 1]);
    }
    cli_catch_interrupt();
    double began = cli_seconds();
    xbtab_status status = xbtab_characterize(spec, output, &run);
    code = status < 0 ? cli_failed() : report(output, cli_seconds() - began, as_json);
    if (status == XBTAB_ERR_CANCELED) fprintf(stderr, "xbartab: continue with --resume\n");
done:
    cli_chips_close(&chips);
    xbtab_spec_destroy(&spec);
    xbtab_models_destroy(&models);
    cli_finish(context, options);
    return code;
}
