/* model_bench.c - the bench of a model: its text, its responses, and the lines of its verdicts. */
#include "model_bench.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>

#include "circuit_sweep.h"
#include "model_hints.h"

/* Devices are read well below a volt; the range of the checks is twice the usual read voltage, both ways. A
 * selector that must be fired is taken beyond its threshold. */
static const double V_most = 0.5;

bool xbtab__bench_is_amplifier(const xbtab__bench *b)
{
    return b->model->kind == XBTAB_MODEL_TIA;
}

static void compose(xbtab__text *text, const xbtab__bench *b)
{
    const xbtab_model *m = b->model;
    xbtab__text_add(text, "%s\n", m->sub_text);
    if (xbtab__bench_is_amplifier(b)) {
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
xbtab_status xbtab__bench_respond(xbtab__bench *b, const double *x, int n, double *y)
{
    xbtab__text text = {0}, output = {0};
    compose(&text, b);
    xbtab__text_add(&output, xbtab__bench_is_amplifier(b) ? "v(out)" : "i(vmeter)");
    xbtab_status status = xbtab__solve_text_all(b->spice, &text, n, 1, x, 1, &output, y);
    xbtab__text_clear(&text);
    xbtab__text_clear(&output);
    return status;
}

void xbtab__bench_defaults(xbtab__bench *b)
{
    for (int k = 0; k < b->model->n_parameters; k++)
        b->value[k] = b->base ? b->base[k] : b->model->parameters[k].value;
}

void xbtab__bench_verdict(xbtab__bench *b, bool is_good, const char *hint, const char *format, ...)
{
    char text[1536];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    xbtab__text_add(&b->lines, "%s: %s%s%s\n", is_good ? "ok" : "failed", text,
                    is_good ? "" : "; to do: ", is_good ? "" : xbtab__model_hint(text, hint));
}

double xbtab__bench_most(const xbtab__bench *b)
{
    const xbtab_model *m = b->model;
    if (xbtab__bench_is_amplifier(b))
        return m->gain_output / (b->base ? b->base[m->gain] : m->parameters[m->gain].value);
    return m->turn_on < 0
               ? V_most
               : fmax(V_most, 1.25 * (b->base ? b->base[m->turn_on] : m->parameters[m->turn_on].value));
}

double xbtab__bench_state(const xbtab_model *m, double share)
{
    const xbtab_parameter *p = &m->parameters[m->state];
    return m->state_is_log ? p->min * pow(p->max / p->min, share) : p->min + share * (p->max - p->min);
}
