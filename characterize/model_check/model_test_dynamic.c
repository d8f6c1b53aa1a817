/* model_test_dynamic.c - the conformance of a device that switches: the same current as its static
 * subcircuit, a state that starts where it is told, stays within its bounds, and follows the sheet's pulses.
 */
#include <math.h>
#include <stdio.h>

#include "memory.h"
#include "model_bench.h"
#include "model_loop.h"
#include "write_train.h"

enum { STATES = 3, VOLTAGES = 4, PULSES = 10 };

static const double voltages[VOLTAGES] = {0.0, 0.1, 0.3, -0.2};

/* Of the largest current, for both subcircuits write the same equation and differ by ngspice's tolerance. */
static const double same_current = 1e-5;

/* The state's node is looked at beyond the sheet's pulses, and may step over a bound by this share of its
 * range.
 */
static const double beyond = 1.2, outside = 0.01;

/* A sheet's pulse moves the conductance at least so far. */
static const double least_move = 0.01;

/* Shares of the state's range: a state that does not move at all; one that 0 V leaves alone. */
static const double least_step = 1e-6, most_drift = 0.01;

static xbtab_model_use use_of(const xbtab__bench *b)
{
    return (xbtab_model_use){.model = b->model, .value = b->value, .dynamic_value = b->dynamic_value};
}

/* Currents and states of all states at one voltage, at 0 s. */
static xbtab_status read_dynamic(xbtab__bench *b, const double *state, double V, double *I, double *node)
{
    xbtab_model_use use = use_of(b);
    xbtab_status status;
    xbtab__text text = {0};
    xbtab__spice_waveform w = {0};
    char names[2 * STATES][16], source[48];
    const char *outputs[2 * STATES];
    const double start = 0, soon = 1e-6 * fmin(b->model->dynamic->set.width, b->model->dynamic->reset.width);
    for (int s = 0; s < STATES; s++) {
        snprintf(names[s], sizeof names[s], "i(vm%d)", s);
        snprintf(names[STATES + s], sizeof names[s], "v(state%d)", s);
    }
    for (int o = 0; o < 2 * STATES; o++) outputs[o] = names[o];
    snprintf(source, sizeof source, "dc %.17g", V);
    xbtab__compose_dynamic_bench(&text, &use, state, STATES, source);
    XBTAB_TRY_DONE(xbtab__text_status(&text));
    xbtab__spice_transient_job job = {.lines = (const char *const[]){text.s},
                                      .n_lines = 1,
                                      .t_stop = soon,
                                      .is_stiff = true,
                                      .n_outputs = 2 * STATES,
                                      .outputs = outputs,
                                      .n_times = 1,
                                      .times = &start};
    XBTAB_TRY_DONE(xbtab__spice_transient(b->spice, &job, &w));
    if (w.status != XBTAB_SAMPLE_OK) XBTAB_FAIL_DONE(XBTAB_ERR_SPICE, "%s", w.reason);
    for (int s = 0; s < STATES; s++) {
        I[s] = w.out[s];
        node[s] = w.out[STATES + s];
    }
done:
    xbtab__text_clear(&text);
    xbtab__spice_waveform_clear(&w);
    return status;
}

/* Whether ngspice solves it at all. */
static bool check_read(xbtab__bench *b)
{
    static const char hint[] =
        "write the current of both subcircuits with the same expression, the state from its "
        "node; .ic v(state)={...} in the second one";
    const xbtab_model *m = b->model;
    double state[STATES], worst = 0, worst_node = 0;
    for (int s = 0; s < STATES; s++) state[s] = xbtab__bench_state(m, (double)s / (STATES - 1));
    for (int v = 0; v < VOLTAGES; v++) {
        double I[STATES], node[STATES], scale = 1e-15;
        if (read_dynamic(b, state, voltages[v], I, node) < 0) {
            xbtab__bench_verdict(b, false, hint, "dynamic, at %g V: %s", voltages[v], xbtab_error_message());
            return false;
        }
        for (int s = 0; s < STATES; s++) {
            double expected;
            b->value[m->state] = state[s];
            if (xbtab__bench_respond(b, &voltages[v], 1, &expected) < 0) {
                xbtab__bench_verdict(b, false, hint, "%s", xbtab_error_message());
                return false;
            }
            scale = fmax(scale, fabs(expected));
            worst = fmax(worst, fabs(I[s] - expected) / scale);
            double wanted = state[s] * m->dynamic->scale;
            worst_node = fmax(worst_node, fabs(node[s] - wanted) /
                                              (fabs(m->parameters[m->state].max) * m->dynamic->scale));
        }
    }
    xbtab__bench_defaults(b);
    xbtab__bench_verdict(b, worst_node <= 1e-6, hint,
                         "dynamic: the state starts where it is told, within %.1e", worst_node);
    xbtab__bench_verdict(b, worst <= same_current, hint,
                         "dynamic: the same current as the static subcircuit at the same state, within %.1e",
                         worst);
    return true;
}

static double conductance(xbtab__bench *b, double state)
{
    double V = 0.1, I;
    b->value[b->model->state] = state;
    return xbtab__bench_respond(b, &V, 1, &I) < 0 ? NAN : I / V;
}

/* A train of one of the sheet's pulses from the far end. */
static bool check_pulses(xbtab__bench *b, bool is_set)
{
    static const char hint[] =
        "change the amplitude's sign or size in the sheet's dynamic, or the state's rate";
    static const char still[] = "nothing moves the state from its bound: give its node a current source, the "
                                "rate; a window that is 0 "
                                "at a bound for both signs of the voltage holds it there";
    static const char stuck[] = "let the rate fall to 0 smoothly before a bound, keep exponents bounded (see "
                                "devicemodels/README.md)";
    const xbtab_model *m = b->model;
    const xbtab_parameter *p = &m->parameters[m->state];
    const char *name = is_set ? "set" : "reset";
    xbtab_model_use use = use_of(b);
    xbtab_model_pulse pulse[PULSES];
    double after[PULSES], low = conductance(b, p->min), high = conductance(b, p->max);
    bool from_min = is_set == (low < high);
    double before = from_min ? p->min : p->max;
    xbtab_sample_status sample = XBTAB_SAMPLE_OK;
    char reason[XBTAB__REASON_SIZE] = "";
    for (int k = 0; k < PULSES; k++) pulse[k] = is_set ? m->dynamic->set : m->dynamic->reset;
    xbtab__train train = {.n = PULSES, .pulse = pulse};
    b->value[m->state] = before;
    if (xbtab__run_train(b->spice, &use, NULL, before, &train, after, NULL, &sample, reason) < 0 ||
        sample != XBTAB_SAMPLE_OK) {
        xbtab__bench_verdict(b, false, stuck, "dynamic, %d %s pulses: %s", PULSES, name,
                             sample == XBTAB_SAMPLE_OK ? xbtab_error_message() : reason);
        return false;
    }
    double G[3] = {conductance(b, before), conductance(b, after[0]), conductance(b, after[PULSES - 1])};
    double sign = is_set ? 1 : -1;
    bool moves = sign * (G[1] / G[0] - 1) >= least_move && sign * (G[2] - G[1]) >= -1e-9 * G[1];
    bool is_still = fabs(after[PULSES - 1] - before) <= least_step * (p->max - p->min);
    xbtab__bench_verdict(b, moves, is_still ? still : hint,
                         "dynamic: %s pulses of %g V, %g s take %g S to %g S, %d of them to %g S", name,
                         pulse[0].amplitude, pulse[0].width, G[0], G[1], PULSES, G[2]);
    xbtab__bench_defaults(b);
    return true;
}

/* What is programmed stays: no voltage for as long as a pulse lasts, from the middle of the range. */
static void check_rest(xbtab__bench *b)
{
    static const char hint[] = "the rate must be 0 at 0 V: no constant term, no leak at the state's node (it "
                               "keeps its charge; 1e15 ohm at the least)";
    const xbtab_model *m = b->model;
    const xbtab_parameter *p = &m->parameters[m->state];
    const double start = xbtab__bench_state(m, 0.5);
    const xbtab_model_pulse none = {0.0, fmin(m->dynamic->set.width, m->dynamic->reset.width)};
    xbtab_model_use use = use_of(b);
    xbtab_sample_status sample = XBTAB_SAMPLE_OK;
    char reason[XBTAB__REASON_SIZE] = "";
    double after = NAN;
    xbtab__train train = {.n = 1, .pulse = &none};
    b->value[m->state] = start;
    bool runs = xbtab__run_train(b->spice, &use, NULL, start, &train, &after, NULL, &sample, reason) >= 0 &&
                sample == XBTAB_SAMPLE_OK;
    xbtab__bench_defaults(b);
    if (!runs) return; /* the pulses told why */
    double drift = fabs(after - start) / (p->max - p->min);
    xbtab__bench_verdict(b, drift <= most_drift, hint,
                         "dynamic: 0 V for %g s moves %s from %g to %g, %.2g of its range", none.width,
                         p->name, start, after, drift);
}

/* Triangles beyond the sheet's pulses; what the state's node holds, not what a reader makes of it. */
static void check_node(xbtab__bench *b)
{
    static const char hint[] =
        "let the state's rate fall to 0 smoothly before both bounds, as with min((bound - V(state))/edge, 1)";
    static const char stopped[] =
        "look at what ngspice names: slopes that are no numbers (a root or arc sine at its "
        "end, 0/0) or overflow (see devicemodels/README.md)";
    const xbtab_model *m = b->model;
    const xbtab_parameter *p = &m->parameters[m->state];
    xbtab_model_use use = use_of(b);
    double *V = xbtab__alloc(3 * (size_t)XBTAB_LOOP_POINTS, sizeof *V), low = INFINITY, high = -INFINITY;
    xbtab_sample_status sample = XBTAB_SAMPLE_OK;
    char reason[XBTAB__REASON_SIZE] = "";
    if (!V) return;
    double *I = V + XBTAB_LOOP_POINTS, *state = I + XBTAB_LOOP_POINTS;
    xbtab__bench_defaults(b);
    if (xbtab__run_loop(b->spice, &use, beyond, V, I, state, &sample, reason) < 0 ||
        sample != XBTAB_SAMPLE_OK) {
        xbtab__bench_verdict(b, false, stopped, "dynamic, triangles to %g times the pulses: %s", beyond,
                             sample == XBTAB_SAMPLE_OK ? xbtab_error_message() : reason);
    } else {
        for (int k = 0; k < XBTAB_LOOP_POINTS; k++) {
            low = fmin(low, state[k]);
            high = fmax(high, state[k]);
        }
        /* a linear state may step over by a share of its range; one on a logarithmic scale by that of its
         * logarithm's */
        double slack = outside * (p->max - p->min), least = p->min - slack;
        if (m->state_is_log) least = p->min * pow(p->max / p->min, -outside);
        xbtab__bench_verdict(
            b, low >= least && high <= p->max + slack, hint,
            "dynamic: triangles of %g V and %g V keep the node of %s in %g to %g (its bounds are "
            "%g to %g)",
            beyond * m->dynamic->set.amplitude, beyond * m->dynamic->reset.amplitude, p->name, low, high,
            p->min, p->max);
    }
    xbtab__free(V);
}

void xbtab__check_dynamic(xbtab__bench *b)
{
    if (!check_read(b)) return; /* nor is anything else solved */
    if (!check_pulses(b, true) || !check_pulses(b, false)) return;
    check_rest(b);
    check_node(b);
}
