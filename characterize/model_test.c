/* model_test.c - the conformance of one model, checked in ngspice in a worker.
 *
 * A model is put on a bench of its own: an element between two driven nodes (devices, selectors, wires), or
 * an input current into the amplifier. Every check is one small sweep; its line says what was seen. */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <xbartab/characterize.h>

#include "memory.h"
#include "plan.h"
#include "worker.h"

enum { VOLTAGES = 41, STATES = 9 };

/* Devices are read well below a volt; the range of the checks is twice the usual read voltage, both ways. A
 * selector that must be fired is taken beyond its threshold. */
static const double V_most = 0.5;

/* What ngspice itself leaves of a current, by the options of every deck [A]. */
static const double abstol = 1e-15;

/* A TIA is driven from no current to the one that gives its full-scale output with the default gain
 * parameter. */
typedef struct bench {
    const xbtab_model *model;
    double *value; /* value[n_parameters] */
    xbtab__spice *spice;
    xbtab__text lines; /* the verdicts */
} bench;

static bool is_amplifier(const bench *b)
{
    return b->model->kind == XBTAB_MODEL_TIA;
}

static void compose(xbtab__text *text, const bench *b)
{
    const xbtab_model *m = b->model;
    xbtab__text_add(text, "%s\n", m->sub_text);
    if (is_amplifier(b)) {
        xbtab__text_add(text, "Ii0 0 in external\nXmodel in out %s", m->name);
    } else {
        xbtab__text_add(text, "Vi0 a 0 external\nVmeter b 0 dc 0\n");
        if (m->gate >= 0) xbtab__text_add(text, "Vgate gate 0 dc %.17g\n", b->value[m->gate]);
        xbtab__text_add(text, "Xmodel a b%s %s", m->gate >= 0 ? " gate" : "", m->name);
    }
    for (int k = 0; k < m->n_parameters; k++)
        xbtab__text_add(text, " %s=%.17g", m->parameters[k].name, b->value[k]);
    xbtab__text_add(text, "\n");
}

/* Responses y[n] to drives x[n]: currents of a device, outputs of an amplifier. */
static xbtab_status respond(bench *b, const double *x, int n, double *y)
{
    xbtab__text text = {0}, output = {0};
    compose(&text, b);
    xbtab__text_add(&output, is_amplifier(b) ? "v(out)" : "i(vmeter)");
    xbtab_status status = xbtab__solve_text_all(b->spice, &text, n, 1, x, 1, &output, y);
    xbtab__text_clear(&text);
    xbtab__text_clear(&output);
    return status;
}

static void set_defaults(bench *b)
{
    for (int k = 0; k < b->model->n_parameters; k++) b->value[k] = b->model->parameters[k].value;
}

static void verdict(bench *b, bool is_good, const char *format, ...) XBTAB_PRINTF(3, 4);

static void verdict(bench *b, bool is_good, const char *format, ...)
{
    char text[512];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    xbtab__text_add(&b->lines, "%s: %s\n", is_good ? "ok" : "failed", text);
}

static double drive_most(const bench *b)
{
    const xbtab_model *m = b->model;
    if (is_amplifier(b)) return m->gain_output / m->parameters[m->gain].value;
    return m->turn_on < 0 ? V_most : fmax(V_most, 1.25 * m->parameters[m->turn_on].value);
}

/* Shape of the response over the range: zero at rest, finite, and always the same way. */
static void check_curve(bench *b, const char *where)
{
    double x[VOLTAGES], y[VOLTAGES], most = drive_most(b), scale = 0;
    for (int k = 0; k < VOLTAGES; k++) x[k] = most * (2.0 * k / (VOLTAGES - 1) - 1.0);
    x[VOLTAGES / 2] = 0.0;
    if (respond(b, x, VOLTAGES, y) < 0) {
        verdict(b, false, "%s: %s", where, xbtab_error_message());
        return;
    }
    for (int k = 0; k < VOLTAGES; k++) scale = fmax(scale, fabs(y[k]));
    double direction = is_amplifier(b) && y[VOLTAGES - 1] < y[0] ? -1.0 : 1.0, rest = y[VOLTAGES / 2];
    int bend = -1;
    for (int k = 1; k < VOLTAGES && bend < 0; k++) {
        if (direction * (y[k] - y[k - 1]) < -1e-9 * scale) bend = k;
    }
    verdict(b, bend < 0,
            bend < 0 ? "%s: finite and monotone from %g to %g" : "%s: turns back between %g and %g", where,
            bend < 0 ? x[0] : x[bend - 1], bend < 0 ? x[VOLTAGES - 1] : x[bend]);
    if (!is_amplifier(b)) {
        verdict(b, fabs(rest) <= 1e-9 * scale + abstol, "%s: %g A at 0 V, %g A at %g V", where, rest,
                y[VOLTAGES - 1], x[VOLTAGES - 1]);
    }
}

static double state_at(const xbtab_model *m, double share)
{
    const xbtab_parameter *p = &m->parameters[m->state];
    return m->state_is_log ? p->min * pow(p->max / p->min, share) : p->min + share * (p->max - p->min);
}

static void check_states(bench *b)
{
    const xbtab_model *m = b->model;
    double V = 0.1, I[STATES];
    bool rises = true, falls = true;
    for (int k = 0; k < STATES; k++) {
        b->value[m->state] = state_at(m, (double)k / (STATES - 1));
        if (respond(b, &V, 1, &I[k]) < 0) {
            verdict(b, false, "%s = %g: %s", m->parameters[m->state].name, b->value[m->state],
                    xbtab_error_message());
            return;
        }
        rises = rises && (k == 0 || I[k] > I[k - 1]);
        falls = falls && (k == 0 || I[k] < I[k - 1]);
    }
    verdict(b, rises || falls, "conductance %s with %s: %g S to %g S at %g V",
            rises   ? "rises"
            : falls ? "falls"
                    : "neither rises nor falls",
            m->parameters[m->state].name, I[0] / V, I[STATES - 1] / V, V);
    for (int k = 0; k < STATES; k += STATES / 2) {
        char where[64];
        b->value[m->state] = state_at(m, (double)k / (STATES - 1));
        snprintf(where, sizeof where, "%s = %g", m->parameters[m->state].name, b->value[m->state]);
        check_curve(b, where);
    }
    set_defaults(b);
}

static void check_bounds(bench *b)
{
    const xbtab_model *m = b->model;
    double x[2] = {0.2 * drive_most(b), 0.4 * drive_most(b)}, y[2];
    int n_bad = 0;
    for (int k = 0; k < m->n_parameters; k++) {
        for (int end = 0; end < 2; end++) {
            b->value[k] = end ? m->parameters[k].max : m->parameters[k].min;
            if (respond(b, x, 2, y) < 0) {
                verdict(b, false, "%s = %g %s: %s", m->parameters[k].name, b->value[k], m->parameters[k].unit,
                        xbtab_error_message());
                n_bad++;
            }
            b->value[k] = m->parameters[k].value;
        }
    }
    if (n_bad == 0) verdict(b, true, "solves with each of %d parameters at both its bounds", m->n_parameters);
}

static double figure(xbtab_model_figure figure, const double *x, const double *y)
{
    switch (figure) {
    case XBTAB_FIGURE_RESISTANCE:
        return x[0] / y[0];
    case XBTAB_FIGURE_CHORD:
        return y[0] / x[0] / (y[1] / x[1]);
    default:
        return y[0];
    }
}

static void check_figures(bench *b)
{
    static const char *const names[] = {"resistance", "chord factor", "current", "output"};
    const xbtab_model *m = b->model;
    for (int k = 0; k < m->n_checks; k++) {
        const xbtab_model_check *c = &m->checks[k];
        double x[2] = {c->drive, is_amplifier(b) ? 0 : 1e-3}, y[2];
        char state[64] = "";
        if (m->state >= 0) {
            b->value[m->state] = c->state;
            snprintf(state, sizeof state, "%s = %g: ", m->parameters[m->state].name, c->state);
        }
        if (respond(b, x, 2, y) < 0) {
            verdict(b, false, "%sfigure %d: %s", state, k + 1, xbtab_error_message());
            continue;
        }
        double found = figure(c->figure, x, y);
        verdict(b, fabs(found / c->expected - 1.0) <= c->tolerance,
                "%s%s %g at %g %s, %g expected within %g %% (%s)", state, names[c->figure], found, c->drive,
                is_amplifier(b) ? "A" : "V", c->expected, 100 * c->tolerance, c->source);
    }
    set_defaults(b);
}

/* A wire's subcircuit must be the resistance that its sheet gives a cell, along both lines. */
static void check_wire(bench *b)
{
    static const char *const names[] = {"word line", "bit line"};
    int along_bit = xbtab_model_parameter(b->model, "along_bit");
    xbtab_wire_cell cell;
    xbtab_wire_cell_of(&cell, b->model, b->value);
    for (int line = 0; line < 2; line++) {
        double V = 0.1, I, wanted = line ? cell.r_bit : cell.r_word;
        if (along_bit >= 0) b->value[along_bit] = line;
        if (respond(b, &V, 1, &I) < 0) {
            verdict(b, false, "%s: %s", names[line], xbtab_error_message());
        } else {
            verdict(b, fabs(V / I - wanted) <= 1e-6 * wanted, "%s: %g ohm a cell, %g by the sheet",
                    names[line], V / I, wanted);
        }
        if (along_bit < 0) break;
    }
    set_defaults(b);
}

static void run_checks(bench *b)
{
    set_defaults(b);
    if (b->model->n_pins == 0) {
        verdict(b, true, "no element at all, nothing to solve");
        return;
    }
    if (b->model->kind == XBTAB_MODEL_WIRE) {
        check_wire(b);
        return;
    }
    if (b->model->state >= 0) {
        check_states(b);
    } else {
        check_curve(b, "defaults");
    }
    check_bounds(b);
    check_figures(b);
}

typedef struct verdicts {
    const xbtab_model *model;
    xbtab_note_fn note;
    void *payload;
    int n_failed;
} verdicts;

static xbtab_status run_unit(xbtab__spice *spice, long unit, xbtab__bytes *reply, xbtab_sample_status *sample,
                             void *context)
{
    const verdicts *v = context;
    bench b = {.model = v->model, .spice = spice};
    (void)unit, (void)sample;
    b.value = xbtab__alloc((size_t)b.model->n_parameters, sizeof *b.value);
    if (!b.value) return XBTAB_NOMEM();
    run_checks(&b);
    xbtab_status status = xbtab__text_status(&b.lines);
    if (status == XBTAB_OK) xbtab__bytes_add(reply, b.lines.s, b.lines.n);
    xbtab__text_clear(&b.lines);
    xbtab__free(b.value);
    return status;
}

static xbtab_status take_verdicts(long unit, xbtab_sample_status sample, const void *bytes, size_t n,
                                  void *context)
{
    verdicts *v = context;
    char line[640];
    (void)unit;
    if (sample != XBTAB_SAMPLE_OK) {
        snprintf(line, sizeof line, "failed: %s", xbtab__sample_status_text(sample));
        v->n_failed++;
        if (v->note) v->note(line, v->payload);
        return XBTAB_OK;
    }
    for (const char *at = bytes, *end = at + n; at < end;) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));
        snprintf(line, sizeof line, "%.*s", (int)((stop ? stop : end) - at), at);
        if (strncmp(line, "failed", 6) == 0) v->n_failed++;
        if (v->note) v->note(line, v->payload);
        at = stop ? stop + 1 : end;
    }
    return XBTAB_OK;
}

xbtab_status xbtab_model_test(const xbtab_model *model, xbtab_note_fn note, void *payload, int *n_failed)
{
    verdicts v = {.model = model, .note = note, .payload = payload};
    xbtab__pool_options pool = {.n_workers = 1};
    XBTAB_TRY(xbtab__pool_run(NULL, &pool, 1, run_unit, take_verdicts, &v));
    *n_failed = v.n_failed;
    return XBTAB_OK;
}
