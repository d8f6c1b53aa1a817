/* tables_check.c - what tables must fulfil to be believed: values, one by one and beside each other. */
#include "tables_check.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>

#include "check_samples.h"
#include "tables_private.h"

/* By how much a current may fall where it has to rise, or have the other sign: shares of the largest one, as
 * ngspice's own points are good to about 1e-9, and what leaks through its smallest conductance (GMIN, 1e-12
 * S) to a bulk where a transistor is off [A]. */
static const double slack = 1e-8, leak = 1e-13, slack_sign = 1e-6, leak_sign = 1e-11;

/* Shares of the TIA's output over the ADC's range by which it may turn back from point to point, and in all:
 * one that clips there gives way a little, as its input leaves the virtual ground. */
static const double slack_tia = 5e-3, slack_clipped = 0.2;

/* Shares of a step by which an even axis may be off. */
static const double uneven = 1e-6;

enum {
    FINITE = 0,
    OR_UNKNOWN = 1, /* NAN stands for what is not known */
    ABOVE_0 = 2,
    NOT_BELOW_0 = 4,
    RISES = 8,
    EVEN = 16,
};

typedef struct set {
    const char *name;
    const double *x;
    size_t n;
    unsigned rules;
    size_t inner[3]; /* sizes of the axes behind the first; 0 = no more */
} set;

/* "[2][0][17]" */
static const char *place_text(char *out, size_t size, const set *s, size_t at)
{
    size_t index[4] = {0}, n_axes = 1, used = 0;
    while (n_axes < 4 && s->inner[n_axes - 1]) n_axes++;
    for (size_t k = n_axes; k-- > 1;) {
        index[k] = at % s->inner[k - 1];
        at /= s->inner[k - 1];
    }
    index[0] = at;
    for (size_t k = 0; k < n_axes && used < size; k++)
        used += (size_t)snprintf(out + used, size - used, "[%zu]", index[k]);
    return out;
}

static xbtab_status refuse(const char *path, const set *s, size_t at, const char *rule)
{
    char place[128];
    XBTAB_FAIL(XBTAB_ERR_INPUT, "%s: %s%s = %g %s", path, s->name, place_text(place, sizeof place, s, at),
               s->x[at], rule);
}

static xbtab_status check_set(const char *path, const set *s)
{
    double step = s->n > 1 ? (s->x[s->n - 1] - s->x[0]) / (double)(s->n - 1) : 0;
    for (size_t k = 0; k < s->n; k++) {
        double x = s->x[k];
        if (isnan(x) && (s->rules & OR_UNKNOWN)) continue;
        if (!isfinite(x)) return refuse(path, s, k, "is not finite");
        if ((s->rules & ABOVE_0) && !(x > 0)) return refuse(path, s, k, "is not above 0");
        if ((s->rules & NOT_BELOW_0) && x < 0) return refuse(path, s, k, "is below 0");
        if ((s->rules & RISES) && k > 0 && !(x > s->x[k - 1]))
            return refuse(path, s, k, "does not rise above the value before");
        if ((s->rules & EVEN) && fabs(x - (s->x[0] + step * (double)k)) > uneven * step)
            return refuse(path, s, k, "is not a step of the axis away from its neighbours");
    }
    return XBTAB_OK;
}

static xbtab_status check_sets(const char *path, const set *sets, size_t n)
{
    for (size_t k = 0; k < n; k++) XBTAB_TRY(check_set(path, &sets[k]));
    return XBTAB_OK;
}

static double largest(const double *x, size_t n)
{
    double most = 0;
    for (size_t k = 0; k < n; k++) most = fmax(most, fabs(x[k]));
    return most;
}

/* ---- error figures ---- */

static xbtab_status check_error(const char *path, const char *name, const xbtab_fit_error *e)
{
    char full[5][64];
    static const char *const what[] = {"rmse_fs", "max_fs", "full_scale", "samples", "failed"};
    for (int k = 0; k < 5; k++) snprintf(full[k], sizeof full[k], "%s_%s", name, what[k]);
    double samples = (double)e->samples, failed = (double)e->failed;
    const set sets[] = {{full[0], &e->rmse, 1, NOT_BELOW_0, {0}},
                        {full[1], &e->max, 1, NOT_BELOW_0, {0}},
                        {full[2], &e->full_scale, 1, ABOVE_0, {0}},
                        {full[3], &samples, 1, ABOVE_0, {0}},
                        {full[4], &failed, 1, NOT_BELOW_0, {0}}};
    XBTAB_TRY(check_sets(path, sets, sizeof sets / sizeof sets[0]));
    if (e->rmse > e->max * (1 + 1e-12))
        XBTAB_FAIL(XBTAB_ERR_INPUT, "%s: %s_rmse_fs = %g is above the largest error, %g", path, name, e->rmse,
                   e->max);
    return XBTAB_OK;
}

static xbtab_status check_errors(const xbtab_tables *t, const char *path)
{
    const xbtab_write_data *w = &t->write;
    const struct {
        const char *name;
        const xbtab_fit_error *error;
        bool is_there;
    } errors[] = {
        {"/cell heldout", &t->cell.error, true},
        {"/tia heldout", &t->tia.error, true},
        {"/transfer heldout", &t->transfer.error, true},
        {"/transfer heldout_ideal", &t->transfer.error_ideal, true},
        {"/transfer heldout_effective", &t->transfer.error_geff, true},
        {"/energy heldout", &t->energy.error, true},
        {"/write heldout", &w->error, w->n > 0 && w->error.samples > 0},
        {"/write heldout_train", &w->error_train, w->n > 0 && w->error_train.samples > 0},
    };
    for (size_t k = 0; k < sizeof errors / sizeof errors[0]; k++) {
        if (errors[k].is_there) XBTAB_TRY(check_error(path, errors[k].name, errors[k].error));
    }
    return XBTAB_OK;
}

/* ---- the groups ---- */

/* On every curve, from one voltage to the next. */
static xbtab_status check_current(const xbtab_cell_data *c, const char *path)
{
    size_t n_curves = (c->n_gates ? c->n_gates : 1) * c->n_states * c->n_bit, n = n_curves * c->n_v;
    const set curves[] = {{"/cell/current", c->I_cell, n, FINITE, {c->n_bit, c->n_v, 0}},
                          {"/cell/current", c->I_cell, n, FINITE, {c->n_states, c->n_bit, c->n_v}}};
    const set *current = &curves[c->n_gates > 0];
    XBTAB_TRY(check_set(path, current));
    double most = largest(c->I_cell, n);
    for (size_t at = 0; at < n; at++) {
        size_t v = at % c->n_v;
        if (c->I_cell[at] * (c->V[v] > 0 ? 1 : -1) < -(slack_sign * most + leak_sign) && c->V[v] != 0)
            return refuse(path, current, at, "has another sign than its voltage");
        if (v > 0 && c->I_cell[at] < c->I_cell[at - 1] - (slack * most + leak))
            return refuse(path, current, at, "is below the current at the voltage before");
    }
    return XBTAB_OK;
}

static xbtab_status check_cell(const xbtab_tables *t, const char *path)
{
    const xbtab_cell_data *c = &t->cell;
    const set sets[] = {
        {"/tile/conductance", t->G_level, t->n_levels, NOT_BELOW_0 | RISES, {0}},
        {"/cell/state_conductance", c->G_state, c->n_states, ABOVE_0 | RISES, {0}},
        {"/cell/state_parameter", c->parameter, c->n_states, FINITE, {0}},
        {"/cell/cell_voltage", c->V, c->n_v, RISES | EVEN, {0}},
        {"/cell/bit_line_voltage", c->V_bit, c->n_bit, RISES, {0}},
        {"/cell/gate_voltage", c->V_gate, c->n_gates, RISES, {0}},
        {"/energy/cell_read_energy", t->energy.E_cell, c->n_states * c->n_v, FINITE, {c->n_v, 0, 0}},
        {"/energy scale", &t->energy.scale, 1, ABOVE_0, {0}},
        {"/energy read_time_s", &t->energy.read_time, 1, ABOVE_0, {0}},
    };
    if (c->n_v < 4) XBTAB_FAIL(XBTAB_ERR_INPUT, "%s: /cell/cell_voltage has fewer than 4 values", path);
    XBTAB_TRY(check_sets(path, sets, sizeof sets / sizeof sets[0]));
    return check_current(c, path);
}

/* Over the ADC's range; beyond it an amplifier may clip, and turn back. */
static xbtab_status check_output(const xbtab_tables *t, const set *output, const char *path)
{
    const xbtab_tia_data *a = &t->tia;
    bool is_signed = xbtab_array_is_signed(&t->array);
    double low = is_signed ? -t->I_full_scale / 2 : 0,
           high = is_signed ? t->I_full_scale / 2 : t->I_full_scale;
    size_t first = 0, end = a->n;
    while (first < end && a->I_in[first] < low) first++;
    while (end > first && a->I_in[end - 1] > high) end--;
    if (end - first < 2)
        XBTAB_FAIL(XBTAB_ERR_INPUT,
                   "%s: /tia/input_current has no points between %g and %g A, the ADC's range", path, low,
                   high);
    double low_V = INFINITY, high_V = -INFINITY, way = a->V_out[end - 1] < a->V_out[first] ? -1 : 1;
    for (size_t k = first; k < end; k++) {
        low_V = fmin(low_V, a->V_out[k]);
        high_V = fmax(high_V, a->V_out[k]);
    }
    double range = high_V - low_V, farthest = way * a->V_out[first];
    for (size_t k = first + 1; k < end; k++) {
        farthest = fmax(farthest, way * a->V_out[k]);
        if (way * (a->V_out[k] - a->V_out[k - 1]) < -slack_tia * range ||
            way * a->V_out[k] < farthest - slack_clipped * range)
            return refuse(path, output, k, "turns back inside the ADC's range");
    }
    return XBTAB_OK;
}

static xbtab_status check_tia(const xbtab_tables *t, const char *path)
{
    const xbtab_tia_data *a = &t->tia;
    const xbtab_readout_data *r = &t->readout;
    const unsigned known = OR_UNKNOWN | NOT_BELOW_0;
    const set output = {"/tia/output_voltage", a->V_out, a->n, FINITE, {0}};
    const set sets[] = {
        {"/tia/input_current", a->I_in, a->n, RISES | EVEN, {0}},
        {"/tia/input_voltage", a->V_in, a->n, FINITE, {0}},
        output,
        {"/tia settling_s", &r->tia_settling, 1, known, {0}},
        {"/tia noise_A_rtHz", &r->noise_density, 1, known, {0}},
        {"/tia read_bandwidth_Hz", &r->f_read, 1, known, {0}},
        {"/tia noise_rms_V", &r->noise_rms, 1, known, {0}},
        {"/tia offset_sigma_V", &r->offset_sigma, 1, known, {0}},
        {"/tia transresistance_ohm", &r->transresistance, 1, known, {0}},
        {"/tia virtual_ground_V", &r->virtual_ground, 1, known, {0}},
        {"/energy word_capacitance_F", &r->c_word, 1, known, {0}},
        {"/energy bit_capacitance_F", &r->c_bit, 1, known, {0}},
        {"/energy settling_s", &r->settling, 1, known, {0}},
        {"/energy line_energy_J", &r->E_lines, 1, known, {0}},
        {"/tia/noise_frequency", r->f, r->n_f, ABOVE_0 | RISES, {0}},
        {"/tia/output_noise", r->density, r->n_f, NOT_BELOW_0, {0}},
    };
    if (a->n < 4) XBTAB_FAIL(XBTAB_ERR_INPUT, "%s: /tia/input_current has fewer than 4 values", path);
    XBTAB_TRY(check_sets(path, sets, sizeof sets / sizeof sets[0]));
    return check_output(t, &output, path);
}

static xbtab_status check_transfer(const xbtab_tables *t, const char *path)
{
    const xbtab_transfer_data *f = &t->transfer;
    const set drives = {"/transfer/mean_drive_up_to", f->a_drive, f->n_drives, ABOVE_0 | RISES, {0}};
    const set sets[] = {
        drives,
        {"/transfer/heldout_rmse_fs_by_drive", f->rmse_drive, f->n_drives, OR_UNKNOWN | NOT_BELOW_0, {0}},
        {"/transfer/coefficient", f->coefficient, f->n_terms, FINITE, {0}},
        {"/transfer lost_a", &f->lost[0], 1, FINITE, {0}},
        {"/transfer lost_aa", &f->lost[1], 1, FINITE, {0}},
        {"/transfer y_max_fs", &f->y_max, 1, NOT_BELOW_0, {0}},
    };
    XBTAB_TRY(check_sets(path, sets, sizeof sets / sizeof sets[0]));
    if (f->n_drives && f->a_drive[f->n_drives - 1] < 1)
        return refuse(path, &drives, f->n_drives - 1, "leaves the drives up to 1 without an error");
    for (size_t k = 0; k < 3 * f->n_terms; k++) {
        if (f->power[k] >= 0 && f->power[k] <= 3) continue;
        XBTAB_FAIL(XBTAB_ERR_INPUT, "%s: /transfer/power[%zu][%zu] = %d is outside 0 to 3", path, k / 3,
                   k % 3, (int)f->power[k]);
    }
    return XBTAB_OK;
}

static xbtab_status check_solver(const xbtab_solver_data *s, const char *path)
{
    const set sets[] = {{"/solver/rmse", s->rmse, s->n, NOT_BELOW_0, {0}},
                        {"/solver/max", s->max, s->n, NOT_BELOW_0, {0}}};
    const struct {
        const char *name;
        const int32_t *x;
    } counts[] = {{"rows", s->rows}, {"columns", s->columns}, {"samples", s->samples}};
    for (size_t c = 0; c < 3; c++) {
        for (size_t k = 0; k < s->n; k++) {
            if (counts[c].x[k] >= 1) continue;
            XBTAB_FAIL(XBTAB_ERR_INPUT, "%s: /solver/%s[%zu] = %d is below 1", path, counts[c].name, k,
                       (int)counts[c].x[k]);
        }
    }
    return check_sets(path, sets, 2);
}

static xbtab_status check_pulses(const xbtab_write_data *w, const char *path)
{
    size_t n = w->n * w->n_G;
    const set sets[] = {{"/write read_voltage_V", &w->v_read, 1, FINITE, {0}},
                        {"/write/conductance", w->G, w->n_G, ABOVE_0 | RISES, {0}},
                        {"/write/amplitude", w->amplitude, w->n, OR_UNKNOWN, {0}},
                        {"/write/width", w->width, w->n, OR_UNKNOWN | ABOVE_0, {0}},
                        {"/write/gate_voltage", w->v_gate, w->n, OR_UNKNOWN, {0}},
                        {"/write/change", w->dG, n, FINITE, {w->n_G, 0, 0}},
                        {"/write/change_sigma", w->sigma, n, NOT_BELOW_0, {w->n_G, 0, 0}},
                        {"/write/energy", w->energy, n, OR_UNKNOWN, {w->n_G, 0, 0}}};
    if (w->n == 0) return XBTAB_OK;
    XBTAB_TRY(check_sets(path, sets, sizeof sets / sizeof sets[0]));
    const char *wrong = xbtab__find_fault_in_pulses(w);
    if (wrong) XBTAB_FAIL(XBTAB_ERR_INPUT, "%s: %s", path, wrong);
    return XBTAB_OK;
}

xbtab_status xbtab__tables_check(const xbtab_tables *tables, const char *path)
{
    XBTAB_TRY(check_cell(tables, path));
    XBTAB_TRY(check_tia(tables, path));
    XBTAB_TRY(check_transfer(tables, path));
    XBTAB_TRY(check_solver(&tables->solver, path));
    XBTAB_TRY(check_pulses(&tables->write, path));
    XBTAB_TRY(check_errors(tables, path));
    return xbtab__samples_check(tables, path);
}
