/* plan.c - a characterization's units by number, and the one way from a composed circuit to ngspice. */
#include "plan.h"

#include <string.h>

#include "memory.h"
#include "write_units.h"

int xbtab__first_write_unit(const xbtab__plan *plan)
{
    return XBTAB__UNIT_TILE + xbtab__sample_tiles(plan) + xbtab__check_tiles(plan);
}

int xbtab__plan_units(const xbtab__plan *plan)
{
    return xbtab__first_write_unit(plan) + xbtab__write_units(plan);
}

/* The states' parameters, then the conductances reached. */
static xbtab_status search_states(const xbtab__plan *plan, xbtab__spice *spice, xbtab__numbers *out)
{
    size_t n = (size_t)plan->n_states;
    out->n = 2 * n;
    out->x = xbtab__alloc(out->n, sizeof *out->x);
    if (!out->x) return XBTAB_NOMEM();
    return xbtab__find_states(plan->spec, spice, plan->G_target, plan->n_states, out->x, out->x + n);
}

xbtab_status xbtab__plan_run(const xbtab__plan *plan, int unit, xbtab__spice *spice, xbtab__numbers *out)
{
    int write = unit - xbtab__first_write_unit(plan);
    if (write >= 0) return xbtab__write_unit(plan, write, spice, out);
    switch (unit) {
    case XBTAB__UNIT_STATES:
        return search_states(plan, spice, out);
    case XBTAB__UNIT_CELL:
        return xbtab__sweep_cell(plan, spice, out);
    case XBTAB__UNIT_CELL_HELDOUT:
        return xbtab__sweep_cell_heldout(plan, spice, out);
    case XBTAB__UNIT_TIA:
        return xbtab__sweep_tia(plan, spice, out);
    case XBTAB__UNIT_READOUT:
        return xbtab__find_readout(plan, spice, out);
    case XBTAB__UNIT_COLUMN:
        return xbtab__find_column(plan, spice, out);
    default:
        return xbtab__sample_tile(plan, unit - XBTAB__UNIT_TILE, spice, out);
    }
}

bool xbtab__plan_fits(const xbtab__plan *plan, int unit, const double *x, size_t n)
{
    const xbtab_spec *spec = plan->spec;
    int write = unit - xbtab__first_write_unit(plan);
    size_t n_states = (size_t)plan->n_states;
    if (write >= 0) return xbtab__write_fits(plan, x, n);
    switch (unit) {
    case XBTAB__UNIT_STATES:
        return n == 2 * n_states;
    case XBTAB__UNIT_CELL:
        return n ==
               (size_t)xbtab__gates(spec) * n_states * XBTAB__BIT_VOLTAGES * (size_t)spec->sampling.voltages;
    case XBTAB__UNIT_CELL_HELDOUT:
        return n == 2 * (size_t)xbtab__heldout_cell_points(plan);
    case XBTAB__UNIT_TIA:
        return n == 2 * (2 * XBTAB__TIA_POINTS - 1);
    case XBTAB__UNIT_READOUT:
        return n >= XBTAB__READOUT_FIGURES && (n - XBTAB__READOUT_FIGURES) % 2 == 0;
    case XBTAB__UNIT_COLUMN:
        return n == XBTAB__COLUMN_FIGURES;
    default: {
        xbtab__tile_plan t = xbtab__tile_plan_of(plan, unit - XBTAB__UNIT_TILE);
        size_t cells = plan->aged ? (size_t)t.rows * (size_t)t.columns : 0;
        return n == (size_t)t.vectors * xbtab__tile_stride(t.columns) + cells;
    }
    }
}

/* Lines of a text as an array of pointers into it; the line ends become zeros. */
static const char **split(char *text, int n)
{
    const char **lines = xbtab__alloc((size_t)n, sizeof *lines);
    for (int k = 0; k < n && lines; k++) {
        lines[k] = text;
        text += strcspn(text, "\n");
        if (*text) *text++ = '\0';
    }
    return lines;
}

/* array: NULL where the circuit is none. */
static xbtab_status sweep(xbtab__spice *spice, const xbtab_array *array, const xbtab__text *text,
                          int n_vectors, int n_sources, const double *values, int n_outputs,
                          const xbtab__text *outputs, xbtab__spice_result *result)
{
    bool has_gates = array && xbtab_array_has_gates(array);
    xbtab_status status;
    XBTAB_TRY(xbtab__text_status(text));
    XBTAB_TRY(xbtab__text_status(outputs));
    char *names = xbtab__strdup(outputs->s);
    const char **name = names ? split(names, n_outputs) : NULL;
    if (name) {
        xbtab__spice_job job = {.lines = (const char *const[]){text->s},
                                .n_lines = 1,
                                .n_sources = n_sources,
                                .n_vectors = n_vectors,
                                .values = values,
                                .n_outputs = n_outputs,
                                .outputs = name,
                                .retry = has_gates,
                                .afresh = has_gates && xbtab_array_is_signed(array)};
        status = xbtab__spice_sweep(spice, &job, result);
    } else {
        status = XBTAB_NOMEM();
    }
    xbtab__free(name);
    xbtab__free(names);
    if (status == XBTAB_OK && result->status[0] == XBTAB_SAMPLE_REFUSED) {
        status = xbtab__error_set(XBTAB_ERR_SPICE, "ngspice refuses the circuit: %s", result->reason);
    }
    return status;
}

xbtab_status xbtab__solve_text(xbtab__spice *spice, const xbtab__text *text, int n_vectors, int n_sources,
                               const double *values, int n_outputs, const xbtab__text *outputs, double *out,
                               xbtab_sample_status *status)
{
    xbtab__spice_result result = {.out = out, .status = status};
    return sweep(spice, NULL, text, n_vectors, n_sources, values, n_outputs, outputs, &result);
}

xbtab_status xbtab__solve_array(xbtab__spice *spice, const xbtab_array *array, const xbtab__text *text,
                                int n_vectors, int n_sources, const double *values, int n_outputs,
                                const xbtab__text *outputs, double *out, xbtab_sample_status *status)
{
    xbtab__spice_result result = {.out = out, .status = status};
    return sweep(spice, array, text, n_vectors, n_sources, values, n_outputs, outputs, &result);
}

/* Every vector must have worked. */
static xbtab_status sweep_all(xbtab__spice *spice, const xbtab_array *array, const xbtab__text *text,
                              int n_vectors, int n_sources, const double *values, int n_outputs,
                              const xbtab__text *outputs, double *out)
{
    xbtab__spice_result result = {.out = out};
    result.status = xbtab__alloc((size_t)n_vectors, sizeof *result.status);
    if (!result.status) return XBTAB_NOMEM();
    xbtab_status status =
        sweep(spice, array, text, n_vectors, n_sources, values, n_outputs, outputs, &result);
    for (int v = 0; v < n_vectors && status == XBTAB_OK; v++) {
        if (result.status[v] == XBTAB_SAMPLE_OK) continue;
        status = xbtab__error_set(XBTAB_ERR_SPICE, "ngspice cannot solve point %d of %d of a bench: %s", v,
                                  n_vectors, result.reason);
    }
    xbtab__free(result.status);
    return status;
}

xbtab_status xbtab__solve_text_all(xbtab__spice *spice, const xbtab__text *text, int n_vectors, int n_sources,
                                   const double *values, int n_outputs, const xbtab__text *outputs,
                                   double *out)
{
    return sweep_all(spice, NULL, text, n_vectors, n_sources, values, n_outputs, outputs, out);
}

xbtab_status xbtab__solve_array_all(xbtab__spice *spice, const xbtab_array *array, const xbtab__text *text,
                                    int n_vectors, int n_sources, const double *values, int n_outputs,
                                    const xbtab__text *outputs, double *out)
{
    return sweep_all(spice, array, text, n_vectors, n_sources, values, n_outputs, outputs, out);
}
