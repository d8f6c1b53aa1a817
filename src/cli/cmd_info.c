/* cmd_info.c - info TABLES.h5. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include <xbartab/tables.h>
#include <xbartab/tile.h>

#include "cli.h"

static long count_failed(const xbtab_sample_data *s)
{
    long failed = 0;
    for (size_t k = 0; k < s->n_tiles * s->n_vectors; k++) failed += s->status[k] != XBTAB_SAMPLE_OK;
    return failed;
}

/* What the sample tiles' aged cells are: root mean square of their distance from their levels, least and
 * most. */
typedef struct aged_cells {
    double rms, least, most; /* [S] */
} aged_cells;

static aged_cells look_at_cells(const xbtab_tables *t)
{
    size_t n = t->samples.n_tiles * t->rows * t->columns;
    aged_cells a = {.least = INFINITY};
    for (size_t c = 0; c < n; c++) {
        double G = t->samples.G[c], error = G - t->G_level[t->samples.level[c]];
        a.rms += error * error / (double)n;
        a.least = fmin(a.least, G);
        a.most = fmax(a.most, G);
    }
    a.rms = sqrt(a.rms);
    return a;
}

static json_t *age_json(const xbtab_tables *t)
{
    const xbtab_aged_data *a = &t->aged;
    const aged_cells cells = look_at_cells(t);
    return json_pack("{s:s, s:f, s:f, s:f, s:f, s:f, s:f}", "name", a->population, "time", a->time,
                     "temperature", a->temperature, "cycles", a->cycles, "rms", cells.rms, "g_min",
                     cells.least, "g_max", cells.most);
}

static const char *origin(const xbtab_write_data *w)
{
    return w->is_measured ? "measured" : "ngspice";
}

static json_t *write_json(const xbtab_write_data *w)
{
    json_t *pulses = json_array();
    for (size_t p = 0; p < w->n; p++) {
        json_t *pulse = json_pack("{s:s}", "kind", w->kind[p] == XBTAB_PULSE_SET ? "set" : "reset");
        const struct {
            const char *name;
            double value;
        } known[] = {{"amplitude", w->amplitude[p]}, {"width", w->width[p]}, {"gate_voltage", w->v_gate[p]}};
        for (size_t k = 0; k < sizeof known / sizeof known[0]; k++) {
            if (isfinite(known[k].value))
                json_object_set_new(pulse, known[k].name, json_real(known[k].value));
        }
        json_array_append_new(pulses, pulse);
    }
    json_t *write = cli_error_json(&w->error);
    json_object_set_new(write, "train", cli_error_json(&w->error_train));
    json_object_set_new(write, "origin", json_string(origin(w)));
    json_object_set_new(write, "source", json_string(w->source));
    json_object_set_new(write, "g_min", json_real(w->G[0]));
    json_object_set_new(write, "g_max", json_real(w->G[w->n_G - 1]));
    json_object_set_new(write, "pulses", pulses);
    return write;
}

static json_t *tia_json(const xbtab_tables *t)
{
    const xbtab_readout_data *r = &t->readout;
    json_t *tia = cli_error_json(&t->tia.error);
    json_object_set_new(tia, "settling", cli_known_json(r->tia_settling));
    json_object_set_new(tia, "noise_density", cli_known_json(r->noise_density));
    json_object_set_new(tia, "noise_rms", cli_known_json(r->noise_rms));
    json_object_set_new(tia, "read_bandwidth", cli_known_json(r->f_read));
    json_object_set_new(tia, "offset_sigma", cli_known_json(r->offset_sigma));
    json_object_set_new(tia, "transresistance", cli_known_json(r->transresistance));
    json_object_set_new(tia, "virtual_ground", cli_known_json(r->virtual_ground));
    return tia;
}

static json_t *energy_json(const xbtab_tables *t)
{
    json_t *energy = cli_error_json(&t->energy.error);
    json_object_set_new(energy, "read_time", json_real(t->energy.read_time));
    json_object_set_new(energy, "settling", cli_known_json(t->readout.settling));
    json_object_set_new(energy, "line_energy", cli_known_json(t->readout.E_lines));
    json_object_set_new(energy, "word_capacitance", cli_known_json(t->readout.c_word));
    json_object_set_new(energy, "bit_capacitance", cli_known_json(t->readout.c_bit));
    return energy;
}

/* JSON's whole numbers are signed ones of 64 bits here; what is beyond is a text. */
static json_t *seed_json(uint64_t seed)
{
    char text[24];
    if (seed <= INT64_MAX) return json_integer((json_int_t)seed);
    snprintf(text, sizeof text, "%" PRIu64, seed);
    return json_string(text);
}

static json_t *info_json(const xbtab_tables *t)
{
    json_t *levels = json_array();
    for (size_t k = 0; k < t->n_levels; k++) json_array_append_new(levels, json_real(t->G_level[k]));
    json_t *tile = json_pack("{s:s, s:I, s:I, s:o, s:f, s:f, s:f, s:f, s:i, s:i, s:f, s:f}", "name",
                             t->tile_name, "rows", (json_int_t)t->rows, "columns", (json_int_t)t->columns,
                             "levels", levels, "r_word", t->r_word, "r_bit", t->r_bit, "r_driver",
                             t->r_driver, "r_sink", t->r_sink, "dac_bits", t->dac_bits, "adc_bits",
                             t->adc_bits, "read_voltage", t->v_read, "full_scale", t->I_full_scale);
    json_object_set_new(tile, "topology", json_string(xbtab_topology_words()[t->array.topology]));
    json_object_set_new(tile, "polarity", json_string(xbtab_polarity_words()[t->array.polarity]));
    json_object_set_new(tile, "drive", json_string(xbtab_drive_words(t->array.topology)[t->array.drive]));
    json_object_set_new(tile, "sense", json_string(xbtab_sense_words()[t->array.sense]));
    json_t *transfer = cli_error_json(&t->transfer.error);
    json_object_set_new(transfer, "ideal", cli_error_json(&t->transfer.error_ideal));
    json_object_set_new(transfer, "effective", cli_error_json(&t->transfer.error_geff));
    json_object_set_new(transfer, "y_max_fs", json_real(t->transfer.y_max));
    json_object_set_new(transfer, "terms", json_integer((json_int_t)t->transfer.n_terms));
    json_t *samples = json_pack("{s:s, s:I, s:I, s:I}", "solved_by", cli_sampled_by(t), "tiles",
                                (json_int_t)t->samples.n_tiles, "vectors", (json_int_t)t->samples.n_vectors,
                                "failed", (json_int_t)count_failed(&t->samples));
    json_t *solver = json_array();
    for (size_t k = 0; k < t->solver.n; k++) {
        json_array_append_new(solver,
                              json_pack("{s:i, s:i, s:i, s:f, s:f}", "rows", t->solver.rows[k], "columns",
                                        t->solver.columns[k], "samples", t->solver.samples[k], "rmse_fs",
                                        t->solver.rmse[k], "max_fs", t->solver.max[k]));
    }
    json_t *provenance = json_pack("{s:s, s:s, s:o}", "tool", t->tool_version, "ngspice", t->ngspice_version,
                                   "seed", seed_json(t->seed));
    json_t *info =
        json_pack("{s:i, s:b, s:b, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "schema", t->schema, "sealed",
                  t->is_sealed, "edited", t->is_edited, "tile", tile, "cell", cli_error_json(&t->cell.error),
                  "tia", tia_json(t), "transfer", transfer, "energy", energy_json(t), "samples", samples,
                  "solver", solver, "provenance", provenance);
    if (t->aged.population) json_object_set_new(info, "population", age_json(t));
    if (t->write.n) json_object_set_new(info, "write", write_json(&t->write));
    return info;
}

static void print_error(const char *name, const char *what, const xbtab_fit_error *e, const char *unit)
{
    if (e->samples == 0) {
        printf("  %-10s %-52s not known\n", name, what);
        return;
    }
    printf("  %-10s %-52s %8.4f %%  %8.4f %%  of %.4g %s, %ld samples\n", name, what, 100 * e->rmse,
           100 * e->max, e->full_scale, unit, e->samples);
}

/* "3.2 ns", or that it is not known */
static const char *time_text(char *out, size_t size, double seconds)
{
    if (isfinite(seconds)) {
        snprintf(out, size, "settles in %.3g ns", 1e9 * seconds);
    } else {
        snprintf(out, size, "settling unknown");
    }
    return out;
}

/* "TEXT NUMBER UNIT", or that it is not known */
static void add_figure(const char *text, double x, const char *unit)
{
    if (isfinite(x)) {
        printf("%s %.3g%s", text, x, unit);
    } else {
        printf("%s unknown", text);
    }
}

static void readout_text(const xbtab_tables *t)
{
    const xbtab_readout_data *r = &t->readout;
    double step = t->I_full_scale / (double)(1L << t->adc_bits), noise = r->noise_rms / r->transresistance,
           offset = r->offset_sigma / r->transresistance;
    char text[64];
    printf("tia        %s; input-referred", time_text(text, sizeof text, r->tia_settling));
    add_figure(" noise", r->noise_density, " A/Hz^0.5");
    add_figure(",", noise, " A rms");
    printf(" up to %.3g Hz;", r->f_read);
    add_figure(" offset", offset, " A");
    if (isfinite(noise) && isfinite(offset))
        printf(" (%.2f and %.2f ADC steps)", noise / step, offset / step);
    add_figure("; virtual ground within", r->virtual_ground, " V");
    printf("\ncolumn     %s with lines of", time_text(text, sizeof text, r->settling));
    add_figure("", r->c_word, "");
    add_figure(" /", r->c_bit, " F a cell");
    printf(", a read lasts %.3g ns;", 1e9 * t->energy.read_time);
    add_figure(" charging all word lines takes", r->E_lines, " J");
    printf("\n");
}

static void info_text(const xbtab_tables *t)
{
    printf(
        "tile       %s: %zu x %zu, %zu levels %g to %g S, wires %g / %g ohm a cell, driver %g, sink %g ohm\n",
        t->tile_name, t->rows, t->columns, t->n_levels, t->G_level[0], t->G_level[t->n_levels - 1], t->r_word,
        t->r_bit, t->r_driver, t->r_sink);
    printf("array      %s, %s polarity, driven at %s, sensed at %s\n",
           xbtab_topology_words()[t->array.topology], xbtab_polarity_words()[t->array.polarity],
           xbtab_drive_words(t->array.topology)[t->array.drive], xbtab_sense_words()[t->array.sense]);
    printf("converters %d-bit DAC up to %g V, %d-bit ADC up to %g A\n", t->dac_bits, t->v_read, t->adc_bits,
           t->I_full_scale);
    printf("cell       %zu states (%s) x %zu bit-line voltages x %zu voltages %g to %g V\n", t->cell.n_states,
           t->cell.parameter_name, t->cell.n_bit, t->cell.n_v, t->cell.V[0], t->cell.V[t->cell.n_v - 1]);
    if (isfinite(t->readout.f_read)) readout_text(t);
    printf("samples    %zu tiles x %zu vectors solved by %s, %ld failed\n", t->samples.n_tiles,
           t->samples.n_vectors, cli_sampled_by(t), count_failed(&t->samples));
    if (t->aged.population) {
        const aged_cells cells = look_at_cells(t);
        printf("population %s, %g s after its writes, at %g K, %g writes before: cells off their levels by "
               "%.3g S "
               "(rms), %.3g to %.3g S\n",
               t->aged.population, t->aged.time, t->aged.temperature, t->aged.cycles, cells.rms, cells.least,
               cells.most);
    }
    if (t->write.n) {
        printf("write      %zu pulses at %zu conductances %g to %g S, %s (%s)\n", t->write.n, t->write.n_G,
               t->write.G[0], t->write.G[t->write.n_G - 1], origin(&t->write), t->write.source);
    }
    printf("made by    xbartab %s, %s, seed %llu, schema %d\n", t->tool_version, t->ngspice_version,
           (unsigned long long)t->seed, t->schema);
    printf("contents   %s\n", !t->is_sealed ? "made before tables had a seal: they cannot be verified"
                              : t->is_edited
                                  ? "as sealed by info --rehash, after an edit of what characterize wrote"
                                  : "as characterize wrote them, by their SHA-256");
    for (size_t k = 0; k < t->solver.n; k++) {
        printf("solver     within %.2g of ngspice (largest %.2g of the largest current) on %d x %d tiles, %d "
               "currents\n",
               t->solver.rmse[k], t->solver.max[k], t->solver.rows[k], t->solver.columns[k],
               t->solver.samples[k]);
    }
    printf("error on held-out samples (RMSE, largest):\n");
    print_error("cell", "interpolated current", &t->cell.error, "A");
    print_error("tia", "interpolated output", &t->tia.error, "V");
    print_error("transfer", "effective matrix and T, tiles the fit never saw", &t->transfer.error, "A");
    print_error("", "  effective matrix alone, the same samples", &t->transfer.error_geff, "A");
    print_error("", "  ideal product, the same samples", &t->transfer.error_ideal, "A");
    print_error("energy", "read energy of the tile", &t->energy.error, "J");
    if (t->write.n) {
        print_error("write", "change by a pulse, at other conductances", &t->write.error, "S");
        print_error("", "  conductance along pulse trains", &t->write.error_train, "S");
    }
}

/* The errors that are announced, from the samples again: of tiles as large as the one that takes a moment.
 * Before schema 4 tiles were programmed otherwise. */
static int verify(const xbtab_tables *t, const char *path)
{
    enum { MOST_CELLS = 128 * 128, FIRST_SCHEMA = 4 };
    if (t->schema < FIRST_SCHEMA || t->rows * t->columns > MOST_CELLS || xbtab_tables_verify(t) == XBTAB_OK)
        return CLI_DONE;
    return cli_fail("%s: %s", path, xbtab_error_message());
}

int cmd_info(int argc, const char **argv)
{
    const char *arguments[2];
    int as_json = 0, rehash = 0;
    const struct poptOption options[] = {
        {"rehash", '\0', POPT_ARG_NONE, &rehash, 0,
         "after an edit on purpose: seal the file as it is now, if all else holds; it says so from then on",
         NULL},
        {"json", '\0', POPT_ARG_NONE, &as_json, 0, "one JSON object on stdout", NULL},
        POPT_TABLEEND};
    poptContext context;
    xbtab_tables *tables = NULL;
    int code = cli_parse(&context, argc, argv, options, "TABLES.h5", "xbartab info default.h5 --json", 1, 1,
                         arguments);
    if (code != CLI_DONE) goto done;
    if (rehash && xbtab_tables_seal(arguments[0]) < 0) {
        code = cli_failed();
        goto done;
    }
    if (xbtab_tables_open(&tables, arguments[0]) < 0) {
        code = cli_failed();
        goto done;
    }
    code = verify(tables, arguments[0]);
    if (code != CLI_DONE) goto done;
    if (as_json) {
        code = cli_print_json(info_json(tables));
    } else {
        info_text(tables);
    }
done:
    xbtab_tables_destroy(&tables);
    cli_finish(context, options);
    return code;
}
