/* cmd_models_csv.c - models from-csv: measured curves into a model, and what was made of them. */
#include <stdio.h>
#include <string.h>

#include <xbartab/measured.h>

#include "cli.h"

int cli_model_from_csv(const char *data, const char *path, const xbtab_measured_options *options, int as_json)
{
    xbtab_measured_summary s;
    int code = cli_check_regular_output(path);
    if (code != CLI_DONE) return code;
    if (xbtab_measured_model_write(path, data, options, &s) < 0) return cli_failed();
    if (as_json) {
        return cli_print_json(json_pack("{s:s, s:s, s:i, s:I, s:I, s:f, s:f, s:f, s:f, s:f, s:f}", "model",
                                        path, "data", data, "curves", s.n_curves, "points",
                                        (json_int_t)s.n_points, "pooled", (json_int_t)s.n_pooled, "v_min",
                                        s.V_min, "v_max", s.V_max, "read_voltage", s.v_read, "g_min", s.G_min,
                                        "g_max", s.G_max, "largest_offset", s.largest_offset));
    }
    printf("%s: %d curve%s of %ld points, %g V to %g V; %.4g S to %.4g S at %g V\n", path, s.n_curves,
           s.n_curves == 1 ? "" : "s", s.n_points, s.V_min, s.V_max, s.G_min, s.G_max, s.v_read);
    if (s.n_pooled) printf("%ld points averaged with their neighbours\n", s.n_pooled);
    if (s.largest_offset > 0)
        printf("currents at 0 V of up to %.2g of a curve's largest count as none\n", s.largest_offset);
    return CLI_DONE;
}
