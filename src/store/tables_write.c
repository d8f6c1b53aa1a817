/* tables_write.c - the group /write: what a pulse does to a cell, to HDF5 and back. */
#include <math.h>
#include <string.h>

#include "memory.h"
#include "tables_private.h"

static const char spice_name[] = "ngspice", measured_name[] = "measured";

bool xbtab__has_pulses(const xbtab_tables *tables)
{
    return tables->write.n > 0;
}

xbtab_status xbtab__put_pulses(const xbtab__h5_file *file, xbtab__h5_id group, const xbtab_tables *tables)
{
    const xbtab_write_data *w = &tables->write;
    xbtab__h5_axis pulse = {"pulse", "1", w->n, NULL}, start = {"conductance", "S", w->n_G, w->G};
    const struct {
        const char *name, *unit;
        xbtab__h5_type type;
        const void *data;
        int rank;
        xbtab__h5_axis axes[2];
    } sets[] = {
        {"kind", "1", XBTAB__H5_INT32, w->kind, 1, {pulse}},
        {"amplitude", "V", XBTAB__H5_DOUBLE, w->amplitude, 1, {pulse}},
        {"width", "s", XBTAB__H5_DOUBLE, w->width, 1, {pulse}},
        {"gate_voltage", "V", XBTAB__H5_DOUBLE, w->v_gate, 1, {pulse}},
        {"change", "S", XBTAB__H5_DOUBLE, w->dG, 2, {pulse, start}},
        {"change_sigma", "S", XBTAB__H5_DOUBLE, w->sigma, 2, {pulse, start}},
        {"energy", "J", XBTAB__H5_DOUBLE, w->energy, 2, {pulse, start}},
    };
    XBTAB_TRY(xbtab__h5_put_text(file, group, "kind_words", "0 set (raises the conductance), 1 reset"));
    XBTAB_TRY(xbtab__h5_put_text(file, group, "origin", w->is_measured ? measured_name : spice_name));
    XBTAB_TRY(xbtab__h5_put_text(file, group, "source", w->source));
    XBTAB_TRY(xbtab__h5_put_number(file, group, "read_voltage_V", w->v_read));
    XBTAB_TRY(xbtab__put_error(file, group, "heldout", &w->error));
    XBTAB_TRY(xbtab__put_error(file, group, "heldout_train", &w->error_train));
    for (size_t k = 0; k < sizeof sets / sizeof sets[0]; k++) {
        XBTAB_TRY(xbtab__h5_put(file, group, sets[k].name, sets[k].unit, sets[k].type, sets[k].data,
                                sets[k].rank, sets[k].axes));
    }
    return XBTAB_OK;
}

xbtab_status xbtab__get_pulses(xbtab__h5_file *file, xbtab__h5_id group, xbtab_tables *tables)
{
    xbtab_write_data *w = &tables->write;
    char *origin = NULL;
    size_t n[2] = {0, 0};
    XBTAB_TRY(xbtab__h5_get_text(file, group, "origin", &origin));
    w->is_measured = strcmp(origin, measured_name) == 0;
    bool is_known = w->is_measured || strcmp(origin, spice_name) == 0;
    xbtab__free(origin);
    if (!is_known)
        XBTAB_FAIL(XBTAB_ERR_INPUT, "%s: /write origin is neither %s nor %s", file->path, spice_name,
                   measured_name);
    XBTAB_TRY(xbtab__h5_get_text(file, group, "source", &w->source));
    XBTAB_TRY(xbtab__h5_get_number(file, group, "read_voltage_V", &w->v_read));
    XBTAB_TRY(xbtab__get_error(file, group, "heldout", &w->error));
    XBTAB_TRY(xbtab__get_error(file, group, "heldout_train", &w->error_train));
    XBTAB_TRY(
        xbtab__h5_get(file, group, "change", XBTAB__H5_DOUBLE, (void **)&w->dG, 2, n, XBTAB__MOST_VALUES));
    w->n = n[0];
    w->n_G = n[1];
    const struct {
        const char *name;
        xbtab__h5_type type;
        void **data;
        int rank;
        size_t *n;
    } sets[] = {
        {"kind", XBTAB__H5_INT32, (void **)&w->kind, 1, &n[0]},
        {"amplitude", XBTAB__H5_DOUBLE, (void **)&w->amplitude, 1, &n[0]},
        {"width", XBTAB__H5_DOUBLE, (void **)&w->width, 1, &n[0]},
        {"gate_voltage", XBTAB__H5_DOUBLE, (void **)&w->v_gate, 1, &n[0]},
        {"conductance", XBTAB__H5_DOUBLE, (void **)&w->G, 1, &n[1]},
        {"change_sigma", XBTAB__H5_DOUBLE, (void **)&w->sigma, 2, n},
        {"energy", XBTAB__H5_DOUBLE, (void **)&w->energy, 2, n},
    };
    for (size_t k = 0; k < sizeof sets / sizeof sets[0]; k++) {
        XBTAB_TRY(xbtab__h5_get(file, group, sets[k].name, sets[k].type, sets[k].data, sets[k].rank,
                                sets[k].n, XBTAB__MOST_VALUES));
    }
    return XBTAB_OK;
}

const char *xbtab__find_fault_in_pulses(const xbtab_write_data *w)
{
    if (w->n == 0) return NULL;
    if (w->n_G < 2) return "/write/conductance has fewer than 2 values";
    if (!(w->G[0] > 0) || !isfinite(w->G[w->n_G - 1])) return "/write/conductance is not above 0 and finite";
    for (size_t k = 1; k < w->n_G; k++) {
        if (!(w->G[k] > w->G[k - 1])) return "/write/conductance does not rise";
    }
    for (size_t p = 0; p < w->n; p++) {
        if (w->kind[p] != XBTAB_PULSE_SET && w->kind[p] != XBTAB_PULSE_RESET)
            return "/write/kind is neither 0 nor 1";
    }
    for (size_t k = 0; k < w->n * w->n_G; k++) {
        if (!(w->G[k % w->n_G] + w->dG[k] > 0) || !isfinite(w->dG[k]))
            return "/write/change leaves no conductance above 0";
        if (!(w->sigma[k] >= 0) || !isfinite(w->sigma[k])) return "/write/change_sigma is below 0";
    }
    return NULL;
}

void xbtab__clear_pulses(xbtab_write_data *w)
{
    void *blocks[] = {w->kind, w->amplitude, w->width,  w->v_gate, w->G,
                      w->dG,   w->sigma,     w->energy, w->source};
    for (size_t k = 0; k < sizeof blocks / sizeof blocks[0]; k++) xbtab__free(blocks[k]);
    *w = (xbtab_write_data){0};
}
