/* compare_print.c - a comparison's pairs as text, JSON and CSV. */
#include "compare_print.h"

#include <math.h>
#include <stdio.h>

#include <xbartab/output.h>

#include "cli.h"

void cli_list_pairs(const xbtab_pairs *pairs)
{
    for (size_t k = 0; k < xbtab_pairs_count(pairs); k++) {
        const xbtab_pair *p = xbtab_pairs_get(pairs, k);
        const xbtab_operating *o = p->point;
        printf("%s:%s  %g to %g S at %g V  (%s: %s)\n", p->rram->name, o->selector, o->G_min, o->G_max,
               o->v_read, o->trust, o->source);
    }
}

static json_t *pair_json(const xbtab_pair *p, bool has_cost)
{
    const xbtab_pair_figures *f = &p->figures;
    json_t *row =
        json_pack("{s:s, s:s, s:f, s:f, s:f}", "rram", p->rram->name, "selector", p->point->selector, "g_min",
                  p->point->G_min, "g_max", p->point->G_max, "read_voltage", p->point->v_read);
    if (p->reason[0]) {
        json_object_set_new(row, "error", json_string(p->reason));
        return row;
    }
    const struct {
        const char *name;
        double value;
    } entries[] = {{"on_off", f->on_off},      {"chord", f->chord},          {"half_select", f->half_select},
                   {"ir_drop", f->ir_drop},    {"heldout_rmse_fs", f->rmse}, {"heldout_max_fs", f->max},
                   {"read_energy", f->energy}, {"settling", f->settling}};
    for (size_t k = 0; k < sizeof entries / sizeof entries[0]; k++)
        json_object_set_new(row, entries[k].name, cli_known_json(entries[k].value));
    json_object_set_new(row, "failed", json_integer(f->failed));
    if (has_cost)
        json_object_set_new(row, "cost",
                            json_pack("{s:f, s:f, s:f, s:f, s:f}", "energy", f->image_energy,
                                      "energy_uncertainty", f->image_uncertainty, "latency", f->image_latency,
                                      "area", f->image_area, "ops_per_joule", f->image_ops_per_joule));
    return row;
}

int cli_print_pairs_json(const xbtab_pairs *pairs, int size, bool has_cost)
{
    char text[16];
    json_t *rows = json_array();
    snprintf(text, sizeof text, "%d", size);
    for (size_t k = 0; k < xbtab_pairs_count(pairs); k++)
        json_array_append_new(rows, pair_json(xbtab_pairs_get(pairs, k), has_cost));
    return cli_print_json(json_pack("{s:s, s:o}", "size", text, "pairs", rows));
}

/* Energy [J], time [s] and area [m2] of an image. */
static void print_image(const xbtab_pair_figures *f)
{
    printf(" %9.4g +- %-8.2g %11.4g %10.4g %8.4g", 1e6 * f->image_energy, 1e6 * f->image_uncertainty,
           1e6 * f->image_latency, 1e6 * f->image_area, f->image_ops_per_joule / 1e12);
}

void cli_print_pairs(const xbtab_pairs *pairs, bool has_cost)
{
    printf("%-20s %-13s %7s %17s %9s %9s %9s %8s %9s %9s %10s %10s", "device", "selector", "read",
           "levels [uS]", "on/off", "chord", "I/I(V/2)", "IR drop", "T RMSE", "T max", "energy [J]",
           "settling");
    if (has_cost) printf(" %21s %11s %10s %8s", "image [uJ]", "image [us]", "[mm2]", "TOPS/W");
    printf("\n");
    for (size_t k = 0; k < xbtab_pairs_count(pairs); k++) {
        const xbtab_pair *p = xbtab_pairs_get(pairs, k);
        const xbtab_pair_figures *f = &p->figures;
        printf("%-20s %-13s %5.3g V %7.4g - %7.4g ", p->rram->name, p->point->selector, p->point->v_read,
               1e6 * p->point->G_min, 1e6 * p->point->G_max);
        if (p->reason[0]) {
            printf("failed: %s\n", p->reason);
            continue;
        }
        printf("%9.3g %9.4g %9.3g %6.2f %% %7.4f %% %7.3f %% %10.3g ", f->on_off, f->chord, f->half_select,
               100 * f->ir_drop, 100 * f->rmse, 100 * f->max, f->energy);
        if (isfinite(f->settling)) {
            printf("%7.3g ns", 1e9 * f->settling);
        } else {
            printf("%10s", "unknown");
        }
        if (has_cost) print_image(f);
        printf("\n");
    }
}

int cli_write_pairs_csv(const xbtab_pairs *pairs, const char *path, bool has_cost)
{
    xbtab_output *output = NULL;
    if (xbtab_output_open(&output, path) < 0) return cli_failed();
    FILE *file = xbtab_output_stream(output);
    fprintf(file,
            "rram,selector,read_voltage_V,g_min_S,g_max_S,on_off,chord,half_select,ir_drop,heldout_rmse_fs,"
            "heldout_max_fs,read_energy_J,settling_s,%sfailed_samples,error\n",
            has_cost ? "image_energy_J,image_energy_uncertainty_J,image_latency_s,image_area_m2,"
                       "image_ops_per_J,"
                     : "");
    for (size_t k = 0; k < xbtab_pairs_count(pairs); k++) {
        const xbtab_pair *p = xbtab_pairs_get(pairs, k);
        const xbtab_pair_figures *f = &p->figures;
        fprintf(file, "%s,%s,%.9g,%.9g,%.9g,%.9g,%.9g,%.9g,%.9g,%.9g,%.9g,%.9g,%.9g,", p->rram->name,
                p->point->selector, p->point->v_read, p->point->G_min, p->point->G_max, f->on_off, f->chord,
                f->half_select, f->ir_drop, f->rmse, f->max, f->energy, f->settling);
        if (has_cost)
            fprintf(file, "%.9g,%.9g,%.9g,%.9g,%.9g,", f->image_energy, f->image_uncertainty,
                    f->image_latency, f->image_area, f->image_ops_per_joule);
        fprintf(file, "%ld,", f->failed);
        for (const char *r = p->reason; *r; r++) fputc(*r == ',' || *r == '"' ? ';' : *r, file);
        fputc('\n', file);
    }
    return xbtab_output_finish(&output) < 0 ? cli_failed() : CLI_DONE;
}
