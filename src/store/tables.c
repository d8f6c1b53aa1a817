/* tables.c - the tables of one tile to HDF5 and back. One write and one read function a group, in the same
 * order. */
#include <xbartab/tables.h>

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "memory.h"
#include "tables_array.h"
#include "tables_check.h"
#include "tables_private.h"
#include "tables_readout.h"

static const char spice_name[] = "ngspice", solver_name[] = "xbartab";

/* ---- numbers of the tile: name, member, smallest and largest value that makes sense ---- */

typedef struct tile_numbers {
    double rows, columns, n_levels, r_word, r_bit, r_driver, r_sink, dac_bits, adc_bits, v_read, I_full_scale;
} tile_numbers;

static const struct {
    const char *name;
    size_t offset;
    double min, max;
    bool is_whole;
} tile_entries[] = {
    {"rows", offsetof(tile_numbers, rows), 1, 1 << 16, true},
    {"columns", offsetof(tile_numbers, columns), 1, 1 << 16, true},
    {"levels", offsetof(tile_numbers, n_levels), 2, 256, true},
    {"r_word_ohm", offsetof(tile_numbers, r_word), 0, 1e9, false},
    {"r_bit_ohm", offsetof(tile_numbers, r_bit), 0, 1e9, false},
    {"r_driver_ohm", offsetof(tile_numbers, r_driver), 0, 1e9, false},
    {"r_sink_ohm", offsetof(tile_numbers, r_sink), 0, 1e9, false},
    {"dac_bits", offsetof(tile_numbers, dac_bits), 1, 8, true},
    {"adc_bits", offsetof(tile_numbers, adc_bits), 1, 24, true},
    {"read_voltage_V", offsetof(tile_numbers, v_read), 1e-9, 1e3, false},
    {"full_scale_A", offsetof(tile_numbers, I_full_scale), 1e-18, 1e6, false},
};

enum { N_TILE_ENTRIES = sizeof tile_entries / sizeof tile_entries[0] };

static xbtab_status write_tile(const xbtab__h5_file *file, xbtab__h5_id group, const xbtab_tables *t)
{
    tile_numbers numbers = {(double)t->rows, (double)t->columns, (double)t->n_levels, t->r_word,
                            t->r_bit,        t->r_driver,        t->r_sink,           t->dac_bits,
                            t->adc_bits,     t->v_read,          t->I_full_scale};
    XBTAB_TRY(xbtab__h5_put_text(file, group, "name", t->tile_name));
    for (int k = 0; k < N_TILE_ENTRIES; k++) {
        double value;
        memcpy(&value, (const char *)&numbers + tile_entries[k].offset, sizeof value);
        XBTAB_TRY(xbtab__h5_put_number(file, group, tile_entries[k].name, value));
    }
    XBTAB_TRY(xbtab__array_write(file, group, t));
    xbtab__h5_axis level = {"level", "1", t->n_levels, NULL};
    return xbtab__h5_put(file, group, "conductance", "S", XBTAB__H5_DOUBLE, t->G_level, 1, &level);
}

static xbtab_status read_tile(xbtab__h5_file *file, xbtab__h5_id group, xbtab_tables *t)
{
    tile_numbers numbers = {0};
    XBTAB_TRY(xbtab__h5_get_text(file, group, "name", &t->tile_name));
    for (int k = 0; k < N_TILE_ENTRIES; k++) {
        double value;
        XBTAB_TRY(xbtab__h5_get_number(file, group, tile_entries[k].name, &value));
        if (!(value >= tile_entries[k].min && value <= tile_entries[k].max)) {
            XBTAB_FAIL(XBTAB_ERR_INPUT, "%s: /tile %s = %g is outside %g to %g", file->path,
                       tile_entries[k].name, value, tile_entries[k].min, tile_entries[k].max);
        }
        if (tile_entries[k].is_whole && value != floor(value))
            XBTAB_FAIL(XBTAB_ERR_INPUT, "%s: /tile %s = %g is not a whole number", file->path,
                       tile_entries[k].name, value);
        memcpy((char *)&numbers + tile_entries[k].offset, &value, sizeof value);
    }
    t->rows = (size_t)numbers.rows;
    t->columns = (size_t)numbers.columns;
    t->n_levels = (size_t)numbers.n_levels;
    t->r_word = numbers.r_word;
    t->r_bit = numbers.r_bit;
    t->r_driver = numbers.r_driver;
    t->r_sink = numbers.r_sink;
    t->dac_bits = (int)numbers.dac_bits;
    t->adc_bits = (int)numbers.adc_bits;
    t->v_read = numbers.v_read;
    t->I_full_scale = numbers.I_full_scale;
    XBTAB_TRY(xbtab__array_read(file, group, t));
    return xbtab__h5_get(file, group, "conductance", XBTAB__H5_DOUBLE, (void **)&t->G_level, 1, &t->n_levels,
                         XBTAB__MOST_VALUES);
}

static xbtab_status write_cell(const xbtab__h5_file *file, xbtab__h5_id group, const xbtab_tables *t)
{
    const xbtab_cell_data *c = &t->cell;
    xbtab__h5_axis axes[4] = {{"gate_voltage", "V", c->n_gates, c->V_gate},
                              {"state_conductance", "S", c->n_states, c->G_state},
                              {"bit_line_voltage", "V", c->n_bit, c->V_bit},
                              {"cell_voltage", "V", c->n_v, c->V}};
    int no_gates = c->n_gates == 0;
    XBTAB_TRY(xbtab__h5_put_text(file, group, "state_parameter_name", c->parameter_name));
    XBTAB_TRY(xbtab__h5_put_text(file, group, "state_parameter_unit", c->parameter_unit));
    XBTAB_TRY(xbtab__put_error(file, group, "heldout", &c->error));
    XBTAB_TRY(xbtab__h5_put(file, group, "current", "A", XBTAB__H5_DOUBLE, c->I_cell, 4 - no_gates,
                            axes + no_gates));
    return xbtab__h5_put(file, group, "state_parameter", c->parameter_unit, XBTAB__H5_DOUBLE, c->parameter, 1,
                         axes + 1);
}

static xbtab_status read_cell(xbtab__h5_file *file, xbtab__h5_id group, xbtab_tables *t)
{
    xbtab_cell_data *c = &t->cell;
    XBTAB_TRY(xbtab__h5_get_text(file, group, "state_parameter_name", &c->parameter_name));
    XBTAB_TRY(xbtab__h5_get_text(file, group, "state_parameter_unit", &c->parameter_unit));
    XBTAB_TRY(xbtab__get_error(file, group, "heldout", &c->error));
    bool has_gates = xbtab_array_has_gates(&t->array);
    size_t all[4] = {(size_t)1 << t->dac_bits, 0, 0, 0}, *n = all + 1;
    if (has_gates) {
        c->n_gates = all[0];
        XBTAB_TRY(xbtab__h5_get(file, group, "gate_voltage", XBTAB__H5_DOUBLE, (void **)&c->V_gate, 1, all,
                                XBTAB__MOST_VALUES));
    }
    XBTAB_TRY(xbtab__h5_get(file, group, "current", XBTAB__H5_DOUBLE, (void **)&c->I_cell, has_gates ? 4 : 3,
                            has_gates ? all : n, XBTAB__MOST_VALUES));
    c->n_states = n[0];
    c->n_bit = n[1];
    c->n_v = n[2];
    XBTAB_TRY(xbtab__h5_get(file, group, "state_conductance", XBTAB__H5_DOUBLE, (void **)&c->G_state, 1,
                            &n[0], XBTAB__MOST_VALUES));
    XBTAB_TRY(xbtab__h5_get(file, group, "bit_line_voltage", XBTAB__H5_DOUBLE, (void **)&c->V_bit, 1, &n[1],
                            XBTAB__MOST_VALUES));
    XBTAB_TRY(xbtab__h5_get(file, group, "cell_voltage", XBTAB__H5_DOUBLE, (void **)&c->V, 1, &n[2],
                            XBTAB__MOST_VALUES));
    return xbtab__h5_get(file, group, "state_parameter", XBTAB__H5_DOUBLE, (void **)&c->parameter, 1, &n[0],
                         XBTAB__MOST_VALUES);
}

static xbtab_status write_tia(const xbtab__h5_file *file, xbtab__h5_id group, const xbtab_tables *t)
{
    const xbtab_tia_data *a = &t->tia;
    xbtab__h5_axis axis = {"input_current", "A", a->n, a->I_in};
    XBTAB_TRY(xbtab__put_error(file, group, "heldout", &a->error));
    XBTAB_TRY(xbtab__readout_write_tia(file, group, &t->readout));
    XBTAB_TRY(xbtab__h5_put(file, group, "input_voltage", "V", XBTAB__H5_DOUBLE, a->V_in, 1, &axis));
    return xbtab__h5_put(file, group, "output_voltage", "V", XBTAB__H5_DOUBLE, a->V_out, 1, &axis);
}

static xbtab_status read_tia(xbtab__h5_file *file, xbtab__h5_id group, xbtab_tables *t)
{
    xbtab_tia_data *a = &t->tia;
    XBTAB_TRY(xbtab__get_error(file, group, "heldout", &a->error));
    XBTAB_TRY(xbtab__readout_read_tia(file, group, &t->readout));
    XBTAB_TRY(xbtab__h5_get(file, group, "input_current", XBTAB__H5_DOUBLE, (void **)&a->I_in, 1, &a->n,
                            XBTAB__MOST_VALUES));
    XBTAB_TRY(xbtab__h5_get(file, group, "input_voltage", XBTAB__H5_DOUBLE, (void **)&a->V_in, 1, &a->n,
                            XBTAB__MOST_VALUES));
    return xbtab__h5_get(file, group, "output_voltage", XBTAB__H5_DOUBLE, (void **)&a->V_out, 1, &a->n,
                         XBTAB__MOST_VALUES);
}

static xbtab_status write_transfer(const xbtab__h5_file *file, xbtab__h5_id group, const xbtab_tables *t)
{
    const xbtab_transfer_data *f = &t->transfer;
    xbtab__h5_axis axes[2] = {{"term", "1", f->n_terms, NULL}, {"variable", "1", 3, NULL}};
    XBTAB_TRY(xbtab__h5_put_text(file, group, "equation",
                                 "I = full_scale_A * sum_t coefficient[t] * (y/full_scale_A)^power[t][0] * "
                                 "a^power[t][1] * p^power[t][2] + lost * a * (lost_a + lost_aa * a)"));
    XBTAB_TRY(xbtab__h5_put_number(file, group, "lost_a", f->lost[0]));
    XBTAB_TRY(xbtab__h5_put_number(file, group, "lost_aa", f->lost[1]));
    XBTAB_TRY(xbtab__h5_put_number(file, group, "y_max_fs", f->y_max));
    XBTAB_TRY(xbtab__put_error(file, group, "heldout", &f->error));
    XBTAB_TRY(xbtab__put_error(file, group, "heldout_ideal", &f->error_ideal));
    XBTAB_TRY(xbtab__put_error(file, group, "heldout_effective", &f->error_geff));
    xbtab__h5_axis drive = {"mean_drive_up_to", "1", f->n_drives, f->a_drive};
    XBTAB_TRY(xbtab__h5_put(file, group, "heldout_rmse_fs_by_drive", "1", XBTAB__H5_DOUBLE, f->rmse_drive, 1,
                            &drive));
    XBTAB_TRY(xbtab__h5_put(file, group, "coefficient", "1", XBTAB__H5_DOUBLE, f->coefficient, 1, axes));
    return xbtab__h5_put(file, group, "power", "1", XBTAB__H5_INT32, f->power, 2, axes);
}

static xbtab_status read_transfer(xbtab__h5_file *file, xbtab__h5_id group, xbtab_tables *t)
{
    xbtab_transfer_data *f = &t->transfer;
    XBTAB_TRY(xbtab__h5_get_number(file, group, "y_max_fs", &f->y_max));
    if (xbtab__h5_has_attribute(group, "lost_a")) { /* the first files of schema 3 lack it */
        XBTAB_TRY(xbtab__h5_get_number(file, group, "lost_a", &f->lost[0]));
        XBTAB_TRY(xbtab__h5_get_number(file, group, "lost_aa", &f->lost[1]));
    }
    XBTAB_TRY(xbtab__get_error(file, group, "heldout", &f->error));
    XBTAB_TRY(xbtab__get_error(file, group, "heldout_ideal", &f->error_ideal));
    XBTAB_TRY(xbtab__get_error(file, group, "heldout_effective", &f->error_geff));
    if (file->schema >= 2) {
        XBTAB_TRY(xbtab__h5_get(file, group, "mean_drive_up_to", XBTAB__H5_DOUBLE, (void **)&f->a_drive, 1,
                                &f->n_drives, 4096));
        XBTAB_TRY(xbtab__h5_get(file, group, "heldout_rmse_fs_by_drive", XBTAB__H5_DOUBLE,
                                (void **)&f->rmse_drive, 1, &f->n_drives, 4096));
    }
    XBTAB_TRY(xbtab__h5_get(file, group, "coefficient", XBTAB__H5_DOUBLE, (void **)&f->coefficient, 1,
                            &f->n_terms, 4096));
    size_t n[2] = {f->n_terms, 3};
    return xbtab__h5_get(file, group, "power", XBTAB__H5_INT32, (void **)&f->power, 2, n, XBTAB__MOST_VALUES);
}

static xbtab_status write_energy(const xbtab__h5_file *file, xbtab__h5_id group, const xbtab_tables *t)
{
    const xbtab_cell_data *c = &t->cell;
    xbtab__h5_axis axes[2] = {{"state_conductance", "S", c->n_states, c->G_state},
                              {"cell_voltage", "V", c->n_v, c->V}};
    XBTAB_TRY(
        xbtab__h5_put_text(file, group, "equation",
                           "E_tile = scale * read_time_s * sum_i V_i I_i, I_i through the effective matrix"));
    XBTAB_TRY(xbtab__h5_put_number(file, group, "scale", t->energy.scale));
    XBTAB_TRY(xbtab__h5_put_number(file, group, "read_time_s", t->energy.read_time));
    XBTAB_TRY(xbtab__put_error(file, group, "heldout", &t->energy.error));
    XBTAB_TRY(xbtab__readout_write_column(file, group, &t->readout));
    return xbtab__h5_put(file, group, "cell_read_energy", "J", XBTAB__H5_DOUBLE, t->energy.E_cell, 2, axes);
}

static xbtab_status read_energy(xbtab__h5_file *file, xbtab__h5_id group, xbtab_tables *t)
{
    size_t n[2] = {t->cell.n_states, t->cell.n_v};
    XBTAB_TRY(xbtab__h5_get_number(file, group, "scale", &t->energy.scale));
    XBTAB_TRY(xbtab__h5_get_number(file, group, "read_time_s", &t->energy.read_time));
    XBTAB_TRY(xbtab__get_error(file, group, "heldout", &t->energy.error));
    XBTAB_TRY(xbtab__readout_read_column(file, group, &t->readout));
    return xbtab__h5_get(file, group, "cell_read_energy", XBTAB__H5_DOUBLE, (void **)&t->energy.E_cell, 2, n,
                         XBTAB__MOST_VALUES);
}

static xbtab_status write_solver(const xbtab__h5_file *file, xbtab__h5_id group, const xbtab_tables *t)
{
    const xbtab_solver_data *s = &t->solver;
    xbtab__h5_axis size = {"size", "1", s->n, NULL};
    XBTAB_TRY(xbtab__h5_put_text(file, group, "meaning",
                                 "xbartab's solver against ngspice, shares of the largest current compared"));
    XBTAB_TRY(xbtab__h5_put(file, group, "rows", "1", XBTAB__H5_INT32, s->rows, 1, &size));
    XBTAB_TRY(xbtab__h5_put(file, group, "columns", "1", XBTAB__H5_INT32, s->columns, 1, &size));
    XBTAB_TRY(xbtab__h5_put(file, group, "samples", "1", XBTAB__H5_INT32, s->samples, 1, &size));
    XBTAB_TRY(xbtab__h5_put(file, group, "rmse", "1", XBTAB__H5_DOUBLE, s->rmse, 1, &size));
    return xbtab__h5_put(file, group, "max", "1", XBTAB__H5_DOUBLE, s->max, 1, &size);
}

static xbtab_status read_solver(xbtab__h5_file *file, xbtab__h5_id group, xbtab_tables *t)
{
    xbtab_solver_data *s = &t->solver;
    XBTAB_TRY(xbtab__h5_get(file, group, "rows", XBTAB__H5_INT32, (void **)&s->rows, 1, &s->n, 4096));
    XBTAB_TRY(xbtab__h5_get(file, group, "columns", XBTAB__H5_INT32, (void **)&s->columns, 1, &s->n, 4096));
    XBTAB_TRY(xbtab__h5_get(file, group, "samples", XBTAB__H5_INT32, (void **)&s->samples, 1, &s->n, 4096));
    XBTAB_TRY(xbtab__h5_get(file, group, "rmse", XBTAB__H5_DOUBLE, (void **)&s->rmse, 1, &s->n, 4096));
    return xbtab__h5_get(file, group, "max", XBTAB__H5_DOUBLE, (void **)&s->max, 1, &s->n, 4096);
}

static xbtab_status write_samples(const xbtab__h5_file *file, xbtab__h5_id group, const xbtab_tables *t)
{
    const xbtab_sample_data *s = &t->samples;
    xbtab__h5_axis tile = {"tile", "1", s->n_tiles, NULL}, vector = {"vector", "1", s->n_vectors, NULL};
    xbtab__h5_axis word = {"word_line", "1", t->rows, NULL}, bit = {"bit_line", "1", t->columns, NULL};
    const struct {
        const char *name, *unit;
        xbtab__h5_type type;
        const void *data;
        int rank;
        xbtab__h5_axis axes[3];
    } sets[] = {
        {"is_heldout", "1", XBTAB__H5_INT32, s->is_heldout, 1, {tile}},
        {"level", "1", XBTAB__H5_UINT8, s->level, 3, {tile, word, bit}},
        {"code", "1", XBTAB__H5_UINT8, s->code, 3, {tile, vector, word}},
        {"status", "1", XBTAB__H5_INT32, s->status, 2, {tile, vector}},
        {"current", "A", XBTAB__H5_DOUBLE, s->I_out, 3, {tile, vector, bit}},
        {"tia_output", "V", XBTAB__H5_DOUBLE, s->V_out, 3, {tile, vector, bit}},
        {"power", "W", XBTAB__H5_DOUBLE, s->P, 2, {tile, vector}},
    };
    XBTAB_TRY(xbtab__h5_put_text(file, group, "status_words",
                                 "0 ok, 1 not converged, 2 not finite, 3 refused, 4 crashed, 5 timeout"));
    XBTAB_TRY(xbtab__h5_put_text(file, group, "solved_by", s->by_solver ? solver_name : spice_name));
    for (size_t k = 0; k < sizeof sets / sizeof sets[0]; k++) {
        XBTAB_TRY(xbtab__h5_put(file, group, sets[k].name, sets[k].unit, sets[k].type, sets[k].data,
                                sets[k].rank, sets[k].axes));
    }
    return XBTAB_OK;
}

static xbtab_status read_who_solved(xbtab__h5_file *file, xbtab__h5_id group, xbtab_sample_data *s)
{
    char *name = NULL;
    if (file->schema < 2) return XBTAB_OK; /* ngspice */
    XBTAB_TRY(xbtab__h5_get_text(file, group, "solved_by", &name));
    s->by_solver = strcmp(name, solver_name) == 0;
    bool is_known = s->by_solver || strcmp(name, spice_name) == 0;
    xbtab__free(name);
    if (!is_known)
        XBTAB_FAIL(XBTAB_ERR_INPUT, "%s: /samples solved_by is neither %s nor %s", file->path, spice_name,
                   solver_name);
    return XBTAB_OK;
}

static xbtab_status read_samples(xbtab__h5_file *file, xbtab__h5_id group, xbtab_tables *t)
{
    xbtab_sample_data *s = &t->samples;
    size_t n[2] = {0, 0};
    XBTAB_TRY(
        xbtab__h5_get(file, group, "status", XBTAB__H5_INT32, (void **)&s->status, 2, n, XBTAB__MOST_VALUES));
    s->n_tiles = n[0];
    s->n_vectors = n[1];
    XBTAB_TRY(read_who_solved(file, group, s));
    size_t level[3] = {n[0], t->rows, t->columns}, code[3] = {n[0], n[1], t->rows},
           out[3] = {n[0], n[1], t->columns};
    XBTAB_TRY(xbtab__h5_get(file, group, "is_heldout", XBTAB__H5_INT32, (void **)&s->is_heldout, 1, n,
                            XBTAB__MOST_VALUES));
    XBTAB_TRY(xbtab__h5_get(file, group, "level", XBTAB__H5_UINT8, (void **)&s->level, 3, level,
                            XBTAB__MOST_VALUES));
    XBTAB_TRY(
        xbtab__h5_get(file, group, "code", XBTAB__H5_UINT8, (void **)&s->code, 3, code, XBTAB__MOST_VALUES));
    XBTAB_TRY(xbtab__h5_get(file, group, "current", XBTAB__H5_DOUBLE, (void **)&s->I_out, 3, out,
                            XBTAB__MOST_VALUES));
    XBTAB_TRY(xbtab__h5_get(file, group, "tia_output", XBTAB__H5_DOUBLE, (void **)&s->V_out, 3, out,
                            XBTAB__MOST_VALUES));
    return xbtab__h5_get(file, group, "power", XBTAB__H5_DOUBLE, (void **)&s->P, 2, n, XBTAB__MOST_VALUES);
}

static xbtab_status write_provenance(const xbtab__h5_file *file, xbtab__h5_id group, const xbtab_tables *t)
{
    char seed[32];
    snprintf(seed, sizeof seed, "%llu", (unsigned long long)t->seed);
    XBTAB_TRY(xbtab__h5_put_text(file, group, "tool", t->tool_version));
    XBTAB_TRY(xbtab__h5_put_text(file, group, "ngspice", t->ngspice_version));
    XBTAB_TRY(xbtab__h5_put_text(file, group, "seed", seed));
    XBTAB_TRY(xbtab__h5_put_long_text(file, group, "specification", t->spec_text));
    return xbtab__h5_put_long_text(file, group, "models", t->models_text);
}

static xbtab_status read_provenance(xbtab__h5_file *file, xbtab__h5_id group, xbtab_tables *t)
{
    char *seed = NULL, *end;
    XBTAB_TRY(xbtab__h5_get_text(file, group, "tool", &t->tool_version));
    XBTAB_TRY(xbtab__h5_get_text(file, group, "ngspice", &t->ngspice_version));
    XBTAB_TRY(xbtab__h5_get_text(file, group, "seed", &seed));
    errno = 0;
    t->seed = strtoull(seed, &end, 10);
    bool is_number = *seed >= '0' && *seed <= '9' && *end == '\0' && errno == 0;
    xbtab__free(seed);
    if (!is_number) XBTAB_FAIL(XBTAB_ERR_INPUT, "%s: /provenance seed is not a number", file->path);
    XBTAB_TRY(xbtab__h5_get_long_text(file, group, "specification", &t->spec_text, XBTAB__LONGEST_TEXT));
    return xbtab__h5_get_long_text(file, group, "models", &t->models_text, XBTAB__LONGEST_TEXT);
}

/* first_schema: of a group that older files lack; has: of one that not every file has (NULL = all do) */
static const struct {
    const char *name;
    int first_schema;
    bool (*has)(const xbtab_tables *);
    xbtab_status (*write)(const xbtab__h5_file *, xbtab__h5_id, const xbtab_tables *);
    xbtab_status (*read)(xbtab__h5_file *, xbtab__h5_id, xbtab_tables *);
} groups[] = {
    {"provenance", 1, NULL, write_provenance, read_provenance},
    {"tile", 1, NULL, write_tile, read_tile},
    {"cell", 1, NULL, write_cell, read_cell},
    {"tia", 1, NULL, write_tia, read_tia},
    {"transfer", 1, NULL, write_transfer, read_transfer},
    {"energy", 1, NULL, write_energy, read_energy},
    {"solver", 2, NULL, write_solver, read_solver},
    {"write", 3, xbtab__has_pulses, xbtab__put_pulses, xbtab__get_pulses},
    {"samples", 1, NULL, write_samples, read_samples},
    {"population", 4, xbtab__has_age, xbtab__put_age, xbtab__get_age},
};

enum { N_GROUPS = sizeof groups / sizeof groups[0] };

xbtab_status xbtab_tables_write(const xbtab_tables *tables, const char *path)
{
    xbtab_status status;
    xbtab__h5_file file;
    xbtab__h5_id group = -1;
    XBTAB_TRY(xbtab__h5_create(&file, path));
    XBTAB_TRY_DONE(xbtab__h5_put_number(&file, xbtab__h5_root(&file), "xbartab_schema", XBTAB_TABLES_SCHEMA));
    for (int k = 0; k < N_GROUPS; k++) {
        if (groups[k].has && !groups[k].has(tables)) continue;
        XBTAB_TRY_DONE(xbtab__h5_group_create(&group, &file, groups[k].name));
        XBTAB_TRY_DONE(groups[k].write(&file, group, tables));
        xbtab__h5_group_close(&group);
    }
    return xbtab__h5_finish(&file);
done:
    xbtab__h5_group_close(&group);
    xbtab__h5_abandon(&file);
    return status;
}

xbtab_status xbtab__read_tables(xbtab_tables *tables, xbtab__h5_file *file)
{
    xbtab_status status;
    xbtab__h5_id group = -1;
    double schema = 0;
    if (!xbtab__h5_has_attribute(xbtab__h5_root(file), "xbartab_schema"))
        XBTAB_FAIL(XBTAB_ERR_INPUT, "%s: an HDF5 file, but not a table file of xbartab", file->path);
    XBTAB_TRY(xbtab__h5_get_number(file, xbtab__h5_root(file), "xbartab_schema", &schema));
    if (!(schema >= 1 && schema <= XBTAB_TABLES_SCHEMA && schema == floor(schema))) {
        XBTAB_FAIL(XBTAB_ERR_INPUT, "%s: has schema %g; this xbartab reads schemas 1 to %d%s", file->path,
                   schema, XBTAB_TABLES_SCHEMA, schema > XBTAB_TABLES_SCHEMA ? ": use a newer xbartab" : "");
    }
    tables->schema = file->schema = (int)schema;
    for (int k = 0; k < N_GROUPS; k++) {
        if (groups[k].first_schema > schema) continue;
        if (groups[k].has && !xbtab__h5_has_group(file, groups[k].name)) continue;
        XBTAB_TRY_DONE(xbtab__h5_group_open(&group, file, groups[k].name));
        XBTAB_TRY_DONE(groups[k].read(file, group, tables));
        xbtab__h5_group_close(&group);
    }
    status = xbtab__tables_check(tables, file->path);
done:
    xbtab__h5_group_close(&group);
    return status;
}

void xbtab_tables_destroy(xbtab_tables **tables)
{
    if (!tables || !*tables) return;
    xbtab_tables *t = *tables;
    xbtab__clear_pulses(&t->write);
    xbtab__clear_age(t);
    void *blocks[] = {t->tile_name,
                      t->G_level,
                      t->cell.G_state,
                      t->cell.parameter,
                      t->cell.V_bit,
                      t->cell.V_gate,
                      t->cell.V,
                      t->cell.I_cell,
                      t->tia.I_in,
                      t->tia.V_in,
                      t->tia.V_out,
                      t->transfer.power,
                      t->transfer.coefficient,
                      t->energy.E_cell,
                      t->readout.f,
                      t->readout.density,
                      t->samples.level,
                      t->samples.code,
                      t->samples.status,
                      t->samples.I_out,
                      t->samples.V_out,
                      t->samples.P,
                      t->spec_text,
                      t->models_text,
                      t->tool_version,
                      t->ngspice_version,
                      t->cell.parameter_name,
                      t->cell.parameter_unit,
                      t->samples.is_heldout,
                      t->transfer.a_drive,
                      t->transfer.rmse_drive,
                      t->solver.rows,
                      t->solver.columns,
                      t->solver.samples,
                      t->solver.rmse,
                      t->solver.max};
    for (size_t k = 0; k < sizeof blocks / sizeof blocks[0]; k++) xbtab__free(blocks[k]);
    xbtab__free(t);
    *tables = NULL;
}
