/* netlist.c - a crossbar that stands alone: its sources, analysis and output lines.
 *
 * The vectors are the points of a dc sweep of an otherwise unused source, and each input is a
 * piecewise-linear function of it, so that one run of ngspice solves them all. What comes from models passes
 * the gate of spice_allow.h; the only commands are ours, and the title is a YAML text without control bytes.
 */
#include <xbartab/netlist.h>

#include <math.h>

#include "compose.h"
#include "memory.h"
#include "spice_allow.h"

static void compose_inputs(xbtab__text *text, const xbtab_spec *spec, const double *voltage, int n_vectors)
{
    xbtab__text_add(text, "Vvector vector 0 dc 0\n");
    for (int i = 0; i < spec->rows; i++) {
        const double *v = voltage + (size_t)i * (size_t)n_vectors;
        if (n_vectors == 1) {
            xbtab__text_add(text, "Vi%d in%d 0 dc %.17g\n", i, i, v[0]);
            continue;
        }
        xbtab__text_add(text, "Bi%d in%d 0 V=pwl(V(vector)", i, i);
        for (int k = 0; k < n_vectors; k++) {
            xbtab__text_add(text, "%s,%d,%.17g", k % 4 == 0 ? "\n+ " : "", k, v[k]);
        }
        xbtab__text_add(text, ")\n");
    }
}

xbtab_status xbtab_netlist_crossbar(char **out, const xbtab_spec *spec, const double *state,
                                    const double *voltage, int n_vectors)
{
    const xbtab_parameter *p = &spec->rram.model->parameters[spec->rram.model->state];
    size_t n_cells = (size_t)spec->rows * (size_t)spec->columns;
    size_t n_inputs = (size_t)spec->rows * (size_t)n_vectors;
    for (size_t c = 0; c < n_cells; c++) {
        if (!isnan(state[c]) && !(state[c] >= p->min && state[c] <= p->max)) {
            XBTAB_FAIL(XBTAB_ERR_INPUT, "cell (%zu, %zu): %s = %g %s is outside %g to %g",
                       c / (size_t)spec->columns, c % (size_t)spec->columns, p->name, state[c], p->unit,
                       p->min, p->max);
        }
    }
    for (size_t k = 0; k < n_inputs; k++) {
        if (!isfinite(voltage[k])) {
            XBTAB_FAIL(XBTAB_ERR_INPUT, "word line %zu, vector %zu: the voltage is not finite",
                       k / (size_t)n_vectors, k % (size_t)n_vectors);
        }
    }
    xbtab__text text = {0}, circuit = {0};
    xbtab__text_add(&text, "* %s: %d x %d crossbar, %s + %s, written by xbartab\n", spec->name, spec->rows,
                    spec->columns, spec->rram.model->name, spec->selector.model->name);
    xbtab__text_add(&text, ".options reltol=1e-9 vntol=1e-12 abstol=1e-15 gmin=1e-15\n");
    xbtab__compose_crossbar(&circuit, spec, state);
    compose_inputs(&circuit, spec, voltage, n_vectors);
    xbtab_status status = xbtab__text_status(&circuit);
    if (status == XBTAB_OK) status = xbtab__spice_pass(&text, circuit.s, NULL, XBTAB__SPICE_NETLIST, true);
    xbtab__text_clear(&circuit);
    xbtab__text_add(&text, ".dc Vvector 0 %d 1\n", n_vectors > 1 ? n_vectors - 1 : 1);
    for (int j = 0; j < spec->columns; j++) xbtab__text_add(&text, ".print dc i(Vs%d) v(o%d)\n", j, j);
    xbtab__text_add(&text, ".control\nset numdgt=12\n.endc\n.end\n");
    if (status == XBTAB_OK) status = xbtab__text_status(&text);
    if (status < 0) {
        xbtab__text_clear(&text);
        return status;
    }
    *out = text.s;
    return XBTAB_OK;
}

void xbtab_netlist_free(char **text)
{
    if (!text) return;
    xbtab__free(*text);
    *text = NULL;
}
