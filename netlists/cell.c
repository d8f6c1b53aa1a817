/* cell.c - the cell, an RRAM in series with a selector, and the bench that measures it. */
#include "compose.h"

#include <math.h>

#include "compose_private.h"

void xbtab__compose_values(xbtab__text *text, const xbtab_model_use *use, int without)
{
    for (int k = 0; k < use->model->n_parameters; k++) {
        if (k == without) continue;
        xbtab__text_add(text, " %s=%.17g", use->model->parameters[k].name, use->value[k]);
    }
}

const char *xbtab__compose_text_of(const xbtab_model_use *use)
{
    return use->text ? use->text : use->model->sub_text;
}

bool xbtab__compose_has_gate(const xbtab_spec *spec)
{
    return spec->selector.model->gate >= 0;
}

void xbtab__compose_gate_supply(xbtab__text *text, const xbtab_spec *spec)
{
    if (xbtab__compose_has_gate(spec)) {
        xbtab__text_add(text, "Vgate gate 0 dc %.17g\n", spec->selector.value[spec->selector.model->gate]);
    }
}

void xbtab__compose_models(xbtab__text *text, const xbtab_spec *spec)
{
    const xbtab_model *rram = spec->rram.model, *selector = spec->selector.model;
    const char *gate = xbtab__compose_has_gate(spec) ? " gate" : "";
    bool has_selector = selector->n_pins > 0;
    xbtab__text_add(text, "%s\n", rram->sub_text);
    if (has_selector) xbtab__text_add(text, "%s\n", xbtab__compose_text_of(&spec->selector));
    xbtab__text_add(text, "%s\n", spec->tia.model->sub_text);
    xbtab__text_add(text, ".subckt xbtab_cell wl bl%s state=%.17g\n", gate,
                    rram->parameters[rram->state].value);
    xbtab__text_add(text, "Xrram wl %s %s %s={state}", has_selector ? "mid" : "bl", rram->name,
                    rram->parameters[rram->state].name);
    xbtab__compose_values(text, &spec->rram, rram->state);
    xbtab__text_add(text, "\n");
    if (has_selector) {
        xbtab__text_add(text, "Xselector mid bl%s %s", gate, selector->name);
        xbtab__compose_values(text, &spec->selector, -1);
        xbtab__text_add(text, "\n");
    }
    xbtab__text_add(text, ".ends xbtab_cell\n");
}

int xbtab__cell_bench_sources(const xbtab_spec *spec)
{
    return spec->array.topology == XBTAB_TOPOLOGY_GATE_INPUT ? 3 : 2;
}

void xbtab__compose_cell_bench(xbtab__text *text, const xbtab_spec *spec, const double *state, int n)
{
    int n_sources = xbtab__cell_bench_sources(spec);
    const char *gate = n_sources > 2 ? " in2" : xbtab__compose_has_gate(spec) ? " gate" : "";
    xbtab__compose_models(text, spec);
    if (n_sources == 2) xbtab__compose_gate_supply(text, spec);
    xbtab__compose_external_sources(text, n_sources);
    for (int k = 0; k < n; k++) {
        xbtab__text_add(text, "Vm%d m%d in1 dc 0\n", k, k);
        if (!isnan(state[k])) {
            xbtab__text_add(text, "Xc%d in0 m%d%s xbtab_cell state=%.17g\n", k, k, gate, state[k]);
        }
    }
}

void xbtab__compose_external_sources(xbtab__text *text, int n)
{
    for (int k = 0; k < n; k++) xbtab__text_add(text, "Vi%d in%d 0 external\n", k, k);
}

void xbtab__compose_selector_bench(xbtab__text *text, const xbtab_model_use *selector)
{
    bool has_gate = selector->model->gate >= 0;
    xbtab__text_add(text, "%s\nVi0 a 0 external\nVmeter b 0 dc 0\n", xbtab__compose_text_of(selector));
    if (has_gate) xbtab__text_add(text, "Vgate gate 0 dc %.17g\n", selector->value[selector->model->gate]);
    xbtab__text_add(text, "Xselector a b%s %s", has_gate ? " gate" : "", selector->model->name);
    xbtab__compose_values(text, selector, -1);
    xbtab__text_add(text, "\n");
}
