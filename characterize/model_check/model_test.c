/* model_test.c - the conformance of one model, checked in ngspice in a worker. Every check is one
 * small sweep on the model's bench; its line says what was seen. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include <xbartab/characterize.h>

#include "memory.h"
#include "model_bench.h"
#include "model_hints.h"
#include "random.h"
#include "worker.h"

enum { VOLTAGES = 41, STATES = 9, CORNERS = 32, INTERIOR = 64, BOX_SEED = 1 };

/* A jump is the same over an interval a 40th as wide, and again: a slope is a 40th. */
enum { STEP_TURNS = 3 };
static const double still_a_step = 0.7;

/* Conductances of devices; all states beyond are another unit's [S]. */
static const double least_conductance = 1e-12, largest_conductance = 1;

/* What ngspice itself leaves of a current, by the options of every deck [A]. */
static const double abstol = 1e-15;

/* Both are one ngspice with the same options: what differs is the way to a point. */
static const double same_as_program = 1e-6;

/* What to do about a failed check. */
static const char look_alone[] =
    "run the .sub alone in ngspice; constants of B sources in braces, units without "
    "letters that ngspice reads as prefixes";
static const char no_offset[] = "the current must be 0 at 0 V: an offset or a constant term is left";
static const char no_step[] =
    "two branches meet with a step, or the formula bends back inside the read range";
static const char other_way[] =
    "current flows from the first pin to the second: the nodes of an element are exchanged, or a sign is";
static const char one_way[] =
    "narrow min and max of the state in the sheet, or make another parameter the state";
static const char other_unit[] =
    "look at the units: in a .sub m is milli and meg mega, and a parameter comes in the base unit that the "
    "sheet names (m, A, S), not in nanometres or microamperes";
static const char narrow_bounds[] =
    "narrow min and max in the sheet, or keep logarithms, roots and divisions "
    "away from 0 (see devicemodels/README.md)";
static const char compare_source[] = "compare equation and units with the source, or correct the check";
static const char other_result[] =
    "the model depends on how ngspice finds its way: two solutions at one voltage, "
    "or a jump; make the current continuous with a slope everywhere";

/* Whether the response steps: the interval over which it changes most is looked at again and again, and holds
 * the same change, however narrow it is. *at is where. */
static bool has_step(xbtab__bench *b, double low, double high, double *at)
{
    double x[VOLTAGES], y[VOLTAGES], before = 0;
    for (int turn = 0; turn <= STEP_TURNS; turn++) {
        double most = 0;
        int k_most = 1;
        for (int k = 0; k < VOLTAGES; k++) x[k] = low + (high - low) * k / (VOLTAGES - 1);
        if (xbtab__bench_respond(b, x, VOLTAGES, y) < 0) return false;
        for (int k = 1; k < VOLTAGES; k++) {
            if (fabs(y[k] - y[k - 1]) > most) {
                most = fabs(y[k] - y[k - 1]);
                k_most = k;
            }
        }
        if (turn > 0 && most < still_a_step * before) return false;
        before = most;
        low = x[k_most - 1];
        high = x[k_most];
    }
    *at = 0.5 * (low + high);
    return before > 0;
}

/* Shape of the response over the range: zero at rest, finite, and always the same way. */
static bool check_curve(xbtab__bench *b, const char *where)
{
    double x[VOLTAGES], y[VOLTAGES], most = xbtab__bench_most(b), scale = 0;
    for (int k = 0; k < VOLTAGES; k++) x[k] = most * (2.0 * k / (VOLTAGES - 1) - 1.0);
    x[VOLTAGES / 2] = 0.0;
    if (xbtab__bench_respond(b, x, VOLTAGES, y) < 0) {
        xbtab__bench_verdict(b, false, look_alone, "%s: %s", where, xbtab_error_message());
        return false;
    }
    for (int k = 0; k < VOLTAGES; k++) scale = fmax(scale, fabs(y[k]));
    double direction = xbtab__bench_is_amplifier(b) && y[VOLTAGES - 1] < y[0] ? -1.0 : 1.0,
           rest = y[VOLTAGES / 2];
    bool is_reversed = !xbtab__bench_is_amplifier(b) && y[0] > 0 && y[VOLTAGES - 1] < 0;
    int bend = -1;
    for (int k = 1; k < VOLTAGES && bend < 0; k++) {
        if (direction * (y[k] - y[k - 1]) < -1e-9 * scale) bend = k;
    }
    double step;
    if (is_reversed) {
        xbtab__bench_verdict(b, false, other_way,
                             "%s: %g A at %g V: a positive voltage drives a negative current", where,
                             y[VOLTAGES - 1], x[VOLTAGES - 1]);
        return false;
    }
    if (has_step(b, x[0], x[VOLTAGES - 1], &step)) {
        xbtab__bench_verdict(b, false, no_step, "%s: jumps at %g", where, step);
        return false;
    }
    xbtab__bench_verdict(b, bend < 0, no_step,
                         bend < 0 ? "%s: finite and monotone from %g to %g"
                                  : "%s: turns back between %g and %g",
                         where, bend < 0 ? x[0] : x[bend - 1], bend < 0 ? x[VOLTAGES - 1] : x[bend]);
    if (xbtab__bench_is_amplifier(b)) return bend < 0;
    bool rests = fabs(rest) <= 1e-9 * scale + abstol;
    xbtab__bench_verdict(b, rests, no_offset, "%s: %g A at 0 V, %g A at %g V", where, rest, y[VOLTAGES - 1],
                         x[VOLTAGES - 1]);
    return bend < 0 && rests;
}

static void check_states(xbtab__bench *b)
{
    const xbtab_model *m = b->model;
    double V = 0.1, I[STATES];
    bool rises = true, falls = true;
    for (int k = 0; k < STATES; k++) {
        b->value[m->state] = xbtab__bench_state(m, (double)k / (STATES - 1));
        if (xbtab__bench_respond(b, &V, 1, &I[k]) < 0) {
            xbtab__bench_verdict(b, false, narrow_bounds, "%s = %g: %s", m->parameters[m->state].name,
                                 b->value[m->state], xbtab_error_message());
            return;
        }
        rises = rises && (k == 0 || I[k] > I[k - 1]);
        falls = falls && (k == 0 || I[k] < I[k - 1]);
    }
    xbtab__bench_verdict(b, rises || falls, one_way, "conductance %s with %s: %g S to %g S at %g V",
                         rises   ? "rises"
                         : falls ? "falls"
                                 : "neither rises nor falls",
                         m->parameters[m->state].name, I[0] / V, I[STATES - 1] / V, V);
    double least = fmin(I[0], I[STATES - 1]) / V, largest = fmax(I[0], I[STATES - 1]) / V;
    if (least > largest_conductance || (largest > 0 && largest < least_conductance)) {
        xbtab__bench_verdict(b, false, other_unit, "all states are %s: %g S to %g S at %g V",
                             largest < least_conductance ? "all but open" : "all but a short", least, largest,
                             V);
        xbtab__bench_defaults(b);
        return;
    }
    for (int k = 0, is_good = 1; k < STATES && is_good; k += STATES / 2) { /* the first curve tells */
        char where[64];
        b->value[m->state] = xbtab__bench_state(m, (double)k / (STATES - 1));
        snprintf(where, sizeof where, "%s = %g", m->parameters[m->state].name, b->value[m->state]);
        is_good = check_curve(b, where);
    }
    xbtab__bench_defaults(b);
}

static void check_bounds(xbtab__bench *b)
{
    const xbtab_model *m = b->model;
    double x[2] = {0.2 * xbtab__bench_most(b), 0.4 * xbtab__bench_most(b)}, y[2];
    int n_bad = 0;
    for (int k = 0; k < m->n_parameters; k++) {
        for (int end = 0; end < 2; end++) {
            b->value[k] = end ? m->parameters[k].max : m->parameters[k].min;
            if (xbtab__bench_respond(b, x, 2, y) < 0) {
                xbtab__bench_verdict(b, false, narrow_bounds, "%s = %g %s: %s", m->parameters[k].name,
                                     b->value[k], m->parameters[k].unit, xbtab_error_message());
                n_bad++;
            }
            b->value[k] = m->parameters[k].value;
        }
    }
    if (n_bad == 0)
        xbtab__bench_verdict(b, true, NULL, "solves with each of %d parameters at both its bounds",
                             m->n_parameters);
}

/* The box of all parameters: corners and points inside, drawn with a fixed seed. A parameter that spans more
 * than two decades is drawn on a logarithmic scale. */
static void draw(xbtab__bench *b, xbtab__random *random, bool is_corner)
{
    for (int k = 0; k < b->model->n_parameters; k++) {
        const xbtab_parameter *p = &b->model->parameters[k];
        double share = is_corner ? (double)xbtab__random_below(random, 2) : xbtab__random_uniform(random);
        bool is_log = p->min > 0 && p->max > 100 * p->min;
        b->value[k] = is_log ? p->min * pow(p->max / p->min, share) : p->min + share * (p->max - p->min);
    }
}

static void name_point(xbtab__text *text, const xbtab__bench *b)
{
    for (int k = 0; k < b->model->n_parameters; k++)
        xbtab__text_add(text, "%s%s = %g", k ? ", " : "", b->model->parameters[k].name, b->value[k]);
}

static void check_box(xbtab__bench *b)
{
    double x[3] = {0, 0.2 * xbtab__bench_most(b), 0.4 * xbtab__bench_most(b)}, y[3];
    int n_bad = 0;
    xbtab__text first = {0};
    if (b->model->n_parameters == 0) return;
    for (int n = 0; n < CORNERS + INTERIOR; n++) {
        xbtab__random random;
        xbtab__random_init(&random, BOX_SEED, XBTAB__RANDOM_TEST, 1, (uint32_t)n);
        draw(b, &random, n < CORNERS);
        if (xbtab__bench_respond(b, x, 3, y) == XBTAB_OK || n_bad++ > 0) continue;
        xbtab__text_add(&first, "; the first is %s of the parameter box at ",
                        n < CORNERS ? "a corner" : "a point");
        name_point(&first, b);
        xbtab__text_add(&first, ": %s", xbtab_error_message());
    }
    xbtab__bench_defaults(b);
    xbtab__bench_verdict(b, n_bad == 0, narrow_bounds, "solves at %d of %d points of the parameter box%s",
                         CORNERS + INTERIOR - n_bad, CORNERS + INTERIOR, first.s ? first.s : "");
    xbtab__text_clear(&first);
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

static void check_figures(xbtab__bench *b)
{
    static const char *const names[] = {"resistance", "chord factor", "current", "output"};
    const xbtab_model *m = b->model;
    for (int k = 0; k < m->n_checks; k++) {
        const xbtab_model_check *c = &m->checks[k];
        double x[2] = {c->drive, xbtab__bench_is_amplifier(b) ? 0 : 1e-3}, y[2];
        char state[64] = "";
        if (m->state >= 0) {
            b->value[m->state] = c->state;
            snprintf(state, sizeof state, "%s = %g: ", m->parameters[m->state].name, c->state);
        }
        if (xbtab__bench_respond(b, x, 2, y) < 0) {
            xbtab__bench_verdict(b, false, look_alone, "%sfigure %d: %s", state, k + 1,
                                 xbtab_error_message());
            continue;
        }
        double found = figure(c->figure, x, y);
        xbtab__bench_verdict(b, fabs(found / c->expected - 1.0) <= c->tolerance, compare_source,
                             "%s%s %g at %g %s, %g expected within %g %% (%s)", state, names[c->figure],
                             found, c->drive, xbtab__bench_is_amplifier(b) ? "A" : "V", c->expected,
                             100 * c->tolerance, c->source);
    }
    xbtab__bench_defaults(b);
}

/* A wire's subcircuit must be the resistance that its sheet gives a cell, along both lines. */
static void check_wire(xbtab__bench *b, const char *where)
{
    static const char *const names[] = {"word line", "bit line"};
    int along_bit = xbtab_model_parameter(b->model, "along_bit");
    xbtab_wire_cell cell;
    xbtab_wire_cell_of(&cell, b->model, b->value);
    for (int line = 0; line < 2; line++) {
        double V = 0.1, I, wanted = line ? cell.r_bit : cell.r_word;
        if (along_bit >= 0) b->value[along_bit] = line;
        if (xbtab__bench_respond(b, &V, 1, &I) < 0) {
            xbtab__bench_verdict(b, false, look_alone, "%s%s: %s", where, names[line], xbtab_error_message());
        } else {
            xbtab__bench_verdict(b, fabs(V / I - wanted) <= 1e-6 * wanted, compare_source,
                                 "%s%s: %g ohm a cell, %g by the sheet", where, names[line], V / I, wanted);
        }
        if (along_bit < 0) break;
    }
    xbtab__bench_defaults(b);
}

/* The program's results against ours, of the same points. */
static void check_program(xbtab__bench *b)
{
    const xbtab_model *m = b->model;
    const xbtab__program_run *p = b->program;
    int n_states = m->state >= 0 ? XBTAB__PROGRAM_STATES : 1;
    double x[XBTAB__PROGRAM_POINTS], y[XBTAB__PROGRAM_POINTS], worst = 0, scale = 0;
    if (!p->is_there) {
        xbtab__bench_verdict(b, true, NULL, "skipped: the ngspice program is not installed to compare with");
        return;
    }
    if (!p->is_solved) {
        xbtab__bench_verdict(b, false, look_alone, "the ngspice program does not solve the netlist: %s",
                             p->why);
        return;
    }
    for (int k = 0; k < XBTAB__PROGRAM_POINTS; k++)
        x[k] = xbtab__program_drive(xbtab__bench_most(b), xbtab__bench_is_amplifier(b), k);
    for (int s = 0; s < n_states; s++) {
        if (m->state >= 0) b->value[m->state] = xbtab__bench_state(m, (double)s / (n_states - 1));
        if (xbtab__bench_respond(b, x, XBTAB__PROGRAM_POINTS, y) < 0) {
            xbtab__bench_verdict(b, false, look_alone, "%s", xbtab_error_message());
            xbtab__bench_defaults(b);
            return;
        }
        for (int k = 0; k < XBTAB__PROGRAM_POINTS; k++) {
            scale = fmax(scale, fabs(y[k]));
            worst = fmax(worst, fabs(y[k] - p->y[s][k]));
        }
    }
    xbtab__bench_defaults(b);
    xbtab__bench_verdict(b, worst <= same_as_program * scale, other_result,
                         "the ngspice program gives the same, within %.1e of the largest value",
                         worst / scale);
}

/* Every named set of values, in the middle of the state's range where there is a state. */
static void check_presets(xbtab__bench *b)
{
    const xbtab_model *m = b->model;
    for (int k = 0; k < m->n_presets; k++) {
        char where[128];
        snprintf(where, sizeof where, "preset %.100s%s", m->presets[k].name,
                 m->kind == XBTAB_MODEL_WIRE ? ", " : "");
        b->base = m->presets[k].value;
        xbtab__bench_defaults(b);
        if (m->kind == XBTAB_MODEL_WIRE) {
            check_wire(b, where);
        } else {
            if (m->state >= 0) b->value[m->state] = xbtab__bench_state(m, 0.5);
            check_curve(b, where);
        }
    }
    b->base = NULL;
    xbtab__bench_defaults(b);
}

static void run_checks(xbtab__bench *b)
{
    if (b->model->n_pins == 0) {
        xbtab__bench_verdict(b, true, NULL, "no element at all, nothing to solve");
        return;
    }
    double x = 0.2 * xbtab__bench_most(b), y;
    if (xbtab__bench_respond(b, &x, 1, &y) < 0) {
        xbtab__bench_verdict(b, false, look_alone, "with the sheet's defaults, at %g %s: %s", x,
                             xbtab__bench_is_amplifier(b) ? "A" : "V", xbtab_error_message());
        return; /* so does every other check */
    }
    if (b->model->kind == XBTAB_MODEL_WIRE) {
        check_wire(b, "");
        check_presets(b);
        check_program(b);
        return;
    }
    if (b->model->state >= 0) {
        check_states(b);
    } else {
        check_curve(b, "defaults");
    }
    check_bounds(b);
    check_box(b);
    check_presets(b);
    check_program(b);
    check_figures(b);
}

/* Two units, so that what ngspice does not come back from leaves the other's verdicts. */
enum { STATIC, DYNAMIC };

/* The models here take a second or two [s]. */
static double seconds_max(long unit, void *context)
{
    (void)unit, (void)context;
    return 120;
}

typedef struct verdicts {
    const xbtab_model *model;
    xbtab__program_run program;
    xbtab_note_fn note;
    void *payload;
    int n_failed;
} verdicts;

static xbtab_status run_unit(xbtab__spice *spice, long unit, xbtab__bytes *reply, xbtab_sample_status *sample,
                             void *context)
{
    const verdicts *v = context;
    const xbtab_model_dynamic *dynamic = v->model->dynamic;
    xbtab__bench b = {.model = v->model, .program = &v->program, .spice = spice};
    xbtab_status status = XBTAB_OK;
    (void)sample;
    b.value = xbtab__alloc((size_t)b.model->n_parameters, sizeof *b.value);
    b.dynamic_value = xbtab__alloc(dynamic ? (size_t)dynamic->n_parameters : 0, sizeof *b.dynamic_value);
    if (!b.value || !b.dynamic_value) {
        status = XBTAB_NOMEM();
        goto done;
    }
    for (int k = 0; dynamic && k < dynamic->n_parameters; k++)
        b.dynamic_value[k] = dynamic->parameters[k].value;
    xbtab__bench_defaults(&b);
    double x = 0.1, y;
    if (unit == DYNAMIC) { /* where not even the static one is solved, that one says so */
        if (xbtab__bench_respond(&b, &x, 1, &y) == XBTAB_OK) xbtab__check_dynamic(&b);
    } else {
        run_checks(&b);
    }
    XBTAB_TRY_DONE(xbtab__text_status(&b.lines));
    xbtab__bytes_add(reply, b.lines.s, b.lines.n);
done:
    xbtab__text_clear(&b.lines);
    xbtab__free(b.value);
    xbtab__free(b.dynamic_value);
    return status;
}

static xbtab_status take_verdicts(long unit, xbtab_sample_status sample, const void *bytes, size_t n,
                                  void *context)
{
    verdicts *v = context;
    char line[2048];
    if (sample != XBTAB_SAMPLE_OK) {
        const char *said = xbtab__sample_status_text(sample);
        snprintf(line, sizeof line, "failed: %s%s; to do: %s", unit == DYNAMIC ? "dynamic: " : "", said,
                 xbtab__model_hint(said, look_alone));
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

static void tell_hang(verdicts *v)
{
    char line[sizeof v->program.why + 256];
    snprintf(line, sizeof line, "failed: the ngspice program does not solve the netlist: %s; to do: %s",
             v->program.why, look_alone);
    v->n_failed++;
    if (v->note) v->note(line, v->payload);
}

xbtab_status xbtab_model_test(const xbtab_model *model, xbtab_note_fn note, void *payload, int *n_failed)
{
    verdicts v = {.model = model, .note = note, .payload = payload};
    xbtab__pool_options pool = {.n_workers = 1, .seconds_max = seconds_max};
    XBTAB_TRY(xbtab__program_run_model(&v.program, model));
    if (v.program.hangs) { /* and so would the library, twice a unit */
        tell_hang(&v);
        *n_failed = v.n_failed;
        return XBTAB_OK;
    }
    XBTAB_TRY(xbtab__pool_run(NULL, &pool, model->dynamic ? DYNAMIC + 1 : 1, run_unit, take_verdicts, &v));
    *n_failed = v.n_failed;
    return XBTAB_OK;
}
