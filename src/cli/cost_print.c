/* cost_print.c - what a network or a system costs, as text and as JSON. */
#include "cost_print.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

static json_t *shares_json(const double *share, double scaled)
{
    json_t *o = json_object();
    for (int t = 0; t < XBTAB_N_TRUST; t++)
        json_object_set_new(o, xbtab_trust_word((xbtab_trust)t), json_real(share[t]));
    json_object_set_new(o, "scaled", json_real(scaled));
    return o;
}

static void print_shares(const char *what, const double *share, double scaled)
{
    printf("%s:", what);
    for (int t = 0; t < XBTAB_N_TRUST; t++)
        if (share[t] > 0) printf(" %.1f %% %s,", 100 * share[t], xbtab_trust_word((xbtab_trust)t));
    printf(" %.1f %% brought from another node\n", 100 * scaled);
}

int cost_arch_of_tables(xbtab_arch **out, const xbtab_tables *tables, const xbtab_models *models)
{
    char *text = NULL;
    int code = xbtab_cost_around_tile(&text, tables->spec_text, xbtab_data_folder()) < 0 ||
                       xbtab_arch_parse(out, text, "hierarchies/tables.yaml", models) < 0
                   ? cli_failed()
                   : CLI_DONE;
    free(text);
    return code;
}

int cost_find(cost_asked *a)
{
    a->o.tables = a->tables;
    if (a->tables && (a->tables->rows != (size_t)a->arch->spec->rows ||
                      a->tables->columns != (size_t)a->arch->spec->columns))
        return cli_fail("the tables are of %zu x %zu cells, and %s has %d x %d", a->tables->rows,
                        a->tables->columns, a->arch->name, a->arch->spec->rows, a->arch->spec->columns);
    if (xbtab_hierarchy_open(&a->hierarchy, a->arch, xbtab_data_folder()) < 0) return cli_failed();
    if (a->quantized) {
        if (xbtab_activity_count(&a->activity, a->hierarchy, a->quantized, a->images, a->n_images,
                                 a->tables ? a->tables->G_level : a->arch->spec->G_level, a->raw_pixels) < 0)
            return cli_failed();
        a->o.activity = &a->activity;
    }
    return xbtab_cost_network(&a->cost, a->hierarchy, a->network, &a->o) < 0 ? cli_failed() : CLI_DONE;
}

void cost_end(cost_asked *a)
{
    xbtab_network_cost_clear(&a->cost);
    xbtab_activity_clear(&a->activity);
    xbtab_hierarchy_destroy(&a->hierarchy);
}

/* ---- systems ---- */

static json_t *peak_json(const xbtab_peak *p)
{
    json_t *o = json_pack("{s:f, s:f, s:f, s:o, s:o}", "ops_per_second", p->ops_per_second, "power", p->power,
                          "area", p->area, "ops_per_joule", cli_known_json(p->ops_per_joule),
                          "ops_per_second_area", cli_known_json(p->ops_per_second_area));
    json_object_set_new(o, "ops_per_joule_bits",
                        cli_known_json(p->ops_per_joule * p->weight_bits * p->input_bits));
    json_object_set_new(o, "weight_bits", json_integer(p->weight_bits));
    json_object_set_new(o, "input_bits", json_integer(p->input_bits));
    json_object_set_new(o, "vector_time", json_real(p->vector));
    json_object_set_new(o, "capacity_bits", json_real(p->capacity));
    json_object_set_new(o, "power_shares", shares_json(p->share, p->scaled));
    return o;
}

static json_t *levels_json(const xbtab_hierarchy *h)
{
    json_t *array = json_array();
    for (size_t k = 0; k < xbtab_hierarchy_levels(h); k++) {
        xbtab_level_cost l;
        xbtab_hierarchy_level(h, k, &l);
        json_array_append_new(array, json_pack("{s:s, s:f, s:f, s:f, s:f, s:f}", "name", l.name, "arrays",
                                               l.arrays, "power", l.power, "area", l.area, "adc_power",
                                               l.adc_power, "adc_area", l.adc_area));
    }
    return array;
}

static json_t *arch_json(const char *name, const xbtab_hierarchy *h, const xbtab_peak *p,
                         const xbtab_compared *c, size_t n)
{
    json_t *published = json_array();
    for (size_t k = 0; k < n; k++) {
        json_t *o =
            json_pack("{s:s, s:s, s:f, s:o, s:o}", "what", c[k].what, "of", c[k].of, "value", c[k].value,
                      "ours", cli_known_json(c[k].ours), "ratio", cli_known_json(c[k].ours / c[k].value));
        if (c[k].conditions) json_object_set_new(o, "conditions", json_string(c[k].conditions));
        json_array_append_new(published, o);
    }
    const char *source;
    const char *trust = xbtab_trust_word(xbtab_hierarchy_trust(h, &source));
    return json_pack("{s:s, s:{s:s, s:s?}, s:o, s:o, s:o}", "name", name, "hierarchy", "trust", trust,
                     "source", source, "peak", peak_json(p), "levels", levels_json(h), "published",
                     published);
}

static void print_arch(const char *name, const xbtab_hierarchy *h, const xbtab_peak *p,
                       const xbtab_compared *c, size_t n)
{
    printf("%s at its peak: %.4g TOPS, %.4g W, %.4g mm2; %.4g TOPS/W, %.4g GOPS/mm2, an operation of %d by "
           "%d bits; "
           "%.4g TOPS/W x bits x bits\n",
           name, p->ops_per_second / 1e12, p->power, p->area * 1e6, p->ops_per_joule / 1e12,
           p->ops_per_second_area / 1e15, p->weight_bits, p->input_bits,
           p->ops_per_joule * p->weight_bits * p->input_bits / 1e12);
    print_shares("power", p->share, p->scaled);
    const char *source;
    const char *trust = xbtab_trust_word(xbtab_hierarchy_trust(h, &source));
    printf("hierarchy %s%s%s\n", trust, source ? ": " : "", source ? source : "");
    printf("%-12s %12s %12s %14s %10s %10s\n", "level", "arrays", "power [W]", "area [mm2]", "ADC power",
           "ADC area");
    for (size_t k = 0; k < xbtab_hierarchy_levels(h); k++) {
        xbtab_level_cost l;
        xbtab_hierarchy_level(h, k, &l);
        printf("%-12s %12.6g %12.5g %14.6g %8.1f %% %8.1f %%\n", l.name, l.arrays, l.power, l.area * 1e6,
               l.power > 0 ? 100 * l.adc_power / l.power : 0, l.area > 0 ? 100 * l.adc_area / l.area : 0);
    }
    for (size_t k = 0; k < n; k++) {
        printf("published %s: %.5g, here %.5g (SI), ratio %.4f%s%s\n", c[k].what, c[k].value, c[k].ours,
               c[k].ours / c[k].value, c[k].conditions ? ": " : "", c[k].conditions ? c[k].conditions : "");
    }
}

int cost_print_arch(const xbtab_arch *arch, int as_json)
{
    xbtab_hierarchy *h = NULL;
    xbtab_peak peak;
    int code = CLI_DONE;
    if (xbtab_hierarchy_open(&h, arch, xbtab_data_folder()) < 0) return cli_failed();
    xbtab_compared *c = calloc((size_t)arch->n_published + 1, sizeof *c);
    if (!c) {
        code = cli_fail("no memory for %d figures", arch->n_published);
    } else {
        size_t n = xbtab_hierarchy_compare(h, c);
        xbtab_hierarchy_peak(h, &peak);
        if (as_json)
            code = cli_print_json(arch_json(arch->name, h, &peak, c, n));
        else
            print_arch(arch->name, h, &peak, c, n);
    }
    free(c);
    xbtab_hierarchy_destroy(&h);
    return code;
}

/* ---- networks ---- */

static json_t *component_json(const xbtab_network_cost *cost, const xbtab_cost_component *c)
{
    return json_pack("{s:s, s:s, s:s, s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:s, s:b}", "name", c->name,
                     "kind", c->kind, "level", c->level, "count", c->count, "uses", c->uses, "energy",
                     c->energy, "energy_uncertainty", c->uncertainty, "always_on", c->always, "area", c->area,
                     "energy_share", c->energy / cost->energy, "area_share",
                     cost->area > 0 ? c->area / cost->area : 0.0, "trust", xbtab_trust_word(c->trust),
                     "scaled", c->is_scaled);
}

static json_t *layer_json(const xbtab_cost_layer *l)
{
    json_t *o = json_pack("{s:s, s:f, s:f, s:f, s:f, s:f, s:i, s:i, s:f, s:f}", "name", l->name, "energy",
                          l->energy, "latency", l->latency, "utilisation", l->utilisation, "arrays",
                          l->arrays, "copies", l->copies, "weight_bits", l->weight_bits, "activation_bits",
                          l->activation_bits, "operations", l->operations, "conversions", l->conversions);
    json_object_set_new(o, "steps", json_real(l->steps));
    json_object_set_new(o, "reads", json_real(l->reads));
    json_object_set_new(o, "drives", json_real(l->drives));
    json_object_set_new(o, "outputs", json_real(l->outputs));
    json_object_set_new(o, "bits_in", json_real(l->bits_in));
    json_object_set_new(o, "bits_out", json_real(l->bits_out));
    json_object_set_new(o, "bits_link", json_real(l->bits_link));
    return o;
}

/* Energy and area summed by what a key of the components says: a level's name, or a kind. */
static json_t *sums_json(const json_t *components, const char *key)
{
    json_t *sums = json_array(), *c, *sum;
    size_t k, i;
    json_array_foreach(components, k, c)
    {
        const char *name = json_string_value(json_object_get(c, key));
        json_t *to = NULL;
        json_array_foreach(sums, i, sum)
        {
            if (strcmp(json_string_value(json_object_get(sum, "name")), name) == 0) to = sum;
        }
        if (!to) {
            to = json_pack("{s:s, s:f, s:f}", "name", name, "energy", 0.0, "area", 0.0);
            json_array_append_new(sums, to);
        }
        static const char *const added[] = {"energy", "area"};
        for (i = 0; i < 2; i++) {
            double x = json_real_value(json_object_get(to, added[i])) +
                       json_real_value(json_object_get(c, added[i]));
            json_object_set_new(to, added[i], json_real(x));
        }
    }
    return sums;
}

json_t *cost_json(const xbtab_network_cost *c)
{
    json_t *components = json_array(), *layers = json_array();
    for (size_t k = 0; k < c->n_components; k++)
        json_array_append_new(components, component_json(c, &c->component[k]));
    for (size_t k = 0; k < c->n_layers; k++) json_array_append_new(layers, layer_json(&c->layer[k]));
    json_t *o =
        json_pack("{s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:o}", "energy", c->energy, "energy_uncertainty",
                  c->uncertainty, "latency", c->latency, "throughput", c->throughput, "area", c->area,
                  "power", c->power, "operations", c->operations, "ops_per_joule", c->ops_per_joule,
                  "ops_per_second_area", cli_known_json(c->ops_per_second_area));
    json_object_set_new(o, "ops_per_joule_bits", json_real(c->ops_per_joule_bits));
    json_object_set_new(o, "energy_delay", json_real(c->energy * c->latency));
    json_object_set_new(o, "utilisation", json_real(c->utilisation));
    json_object_set_new(o, "arrays", json_real(c->arrays));
    json_object_set_new(o, "chips", json_real(c->chips));
    json_object_set_new(o, "step", json_real(c->step));
    json_object_set_new(o, "bottleneck",
                        json_pack("{s:s, s:s}", "stage", c->bottleneck, "layer", c->layer[c->slowest].name));
    json_object_set_new(o, "energy_shares", shares_json(c->share, c->scaled));
    json_object_set_new(o, "write",
                        json_pack("{s:f, s:f, s:o, s:o, s:o}", "cells", c->cells, "pulses", c->pulses,
                                  "energy", cli_known_json(c->write_energy), "time",
                                  cli_known_json(c->write_time), "endurance",
                                  cli_known_json(c->writes_to_wear)));
    json_object_set_new(o, "conversions", json_real(c->conversions));
    json_object_set_new(o, "conversions_saved", json_real(c->conversions_saved));
    json_object_set_new(o, "always_on", json_real(c->always));
    json_object_set_new(o, "levels", sums_json(components, "level"));
    json_object_set_new(o, "kinds", sums_json(components, "kind"));
    json_object_set_new(o, "components", components);
    json_object_set_new(o, "layers", layers);
    return o;
}

static void print_write(const xbtab_network_cost *c)
{
    printf("written once: %.4g cells, %.4g pulses", c->cells, c->pulses);
    if (!isnan(c->write_energy)) printf(", %.4g J", c->write_energy);
    if (!isnan(c->write_time)) printf(", %.4g s with all arrays at once", c->write_time);
    if (!isnan(c->writes_to_wear)) printf(", %.3g times before the cells wear out", c->writes_to_wear);
    printf("\n");
}

void cost_print(const xbtab_network_cost *c)
{
    printf(
        "an image: %.4g uJ +- %.2g, %.4g us; %.4g images/s, %.4g W, %.4g mm2; %.4g operations, %.4g TOPS/W, "
        "%.4g x bits x bits\n",
        1e6 * c->energy, 1e6 * c->uncertainty, 1e6 * c->latency, c->throughput, c->power, 1e6 * c->area,
        c->operations, c->ops_per_joule / 1e12, c->ops_per_joule_bits / 1e12);
    printf("%.0f arrays, %.1f %% of their cells in use; %.0f chip%s; a step of %.4g ns, set by the %s; "
           "slowest layer: "
           "%s\n",
           c->arrays, 100 * c->utilisation, c->chips, c->chips > 1 ? "s" : "", 1e9 * c->step, c->bottleneck,
           c->layer[c->slowest].name);
    if (c->chips > 1)
        printf("more than one chip holds: weights are not loaded again, all chips work at once\n");
    print_shares("energy", c->share, c->scaled);
    printf("%.5g conversions, %.5g saved where slices are 0 or bits are dropped\n", c->conversions,
           c->conversions_saved);
    printf("parts that are always on: %.1f %% of the energy, at %.4g W\n", 100 * c->always / c->energy,
           c->always * c->throughput);
    print_write(c);
    printf("%-18s %-8s %-8s %10s %11s %12s %7s %12s %7s %s\n", "component", "kind", "level", "count", "uses",
           "energy [nJ]", "", "area [mm2]", "", "trust");
    for (size_t k = 0; k < c->n_components; k++) {
        const xbtab_cost_component *p = &c->component[k];
        printf("%-18s %-8s %-8s %10.5g %11.5g %12.5g %5.1f %% %12.4g %5.1f %% %s%s\n", p->name, p->kind,
               p->level, p->count, p->uses, 1e9 * p->energy, 100 * p->energy / c->energy, 1e6 * p->area,
               c->area > 0 ? 100 * p->area / c->area : 0, xbtab_trust_word(p->trust),
               p->is_scaled ? ", scaled" : "");
    }
    printf("%-28s %8s %7s %12s %12s %7s %11s %11s %10s %10s\n", "layer", "arrays", "copies", "energy [nJ]",
           "latency [us]", "in use", "conversions", "array reads", "bytes in", "bytes out");
    for (size_t k = 0; k < c->n_layers; k++) {
        const xbtab_cost_layer *l = &c->layer[k];
        printf("%-28.60s %8.0f %7.0f %12.5g %12.5g %5.1f %% %11.5g %11.5g %10.5g %10.5g\n", l->name,
               l->arrays, l->copies, 1e9 * l->energy, 1e6 * l->latency, 100 * l->utilisation, l->conversions,
               l->reads, l->bits_in / 8, l->bits_out / 8);
    }
}
