/* plan.c - a characterization's units by number, and the one way from a composed circuit to ngspice. */
#include "plan.h"

#include <stdlib.h>
#include <string.h>

#include "memory.h"

int xbtab__plan_units(const xbtab__plan *plan)
{
    return XBTAB__UNIT_TILE + plan->spec->sampling.tiles + plan->spec->sampling.tiles_heldout;
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
    switch (unit) {
    case XBTAB__UNIT_STATES:
        return search_states(plan, spice, out);
    case XBTAB__UNIT_CELL:
        return xbtab__sweep_cell(plan, spice, out);
    case XBTAB__UNIT_CELL_HELDOUT:
        return xbtab__sweep_cell_heldout(plan, spice, out);
    case XBTAB__UNIT_TIA:
        return xbtab__sweep_tia(plan, spice, out);
    default:
        return xbtab__sample_tile(plan, unit - XBTAB__UNIT_TILE, spice, out);
    }
}

/* Lines of a text as an array of pointers into it; the line ends become zeros. */
static const char **split(char *text, size_t *n)
{
    size_t count = 0;
    for (const char *c = text; *c; c++) count += *c == '\n';
    const char **lines = xbtab__alloc(count + 1, sizeof *lines);
    if (!lines) return NULL;
    *n = 0;
    for (char *line = text, *end; *line; line = end + 1) {
        end = strchr(line, '\n');
        lines[(*n)++] = line;
        if (!end) break;
        *end = '\0';
    }
    return lines;
}

xbtab_status xbtab__solve_text(xbtab__spice *spice, const xbtab__text *text, bool current_sources,
                               int n_vectors, int n_sources, const double *values, int n_outputs,
                               const xbtab__text *outputs, double *out, xbtab_sample_status *status)
{
    xbtab_status result;
    size_t n_lines = 0, n_names = 0;
    char *circuit = NULL, *names = NULL;
    const char **lines = NULL, **name = NULL;
    XBTAB_TRY(xbtab__text_status(text));
    XBTAB_TRY(xbtab__text_status(outputs));
    circuit = xbtab__strdup(text->s);
    names = xbtab__strdup(outputs->s);
    lines = circuit ? split(circuit, &n_lines) : NULL;
    name = names ? split(names, &n_names) : NULL;
    if (lines && name) {
        xbtab__spice_job job = {.lines = lines,
                                .n_lines = n_lines,
                                .current_sources = current_sources,
                                .n_vectors = n_vectors,
                                .n_sources = n_sources,
                                .values = values,
                                .n_outputs = n_outputs,
                                .outputs = name};
        result = xbtab__spice_sweep(spice, &job, out, status);
    } else {
        result = XBTAB_NOMEM();
    }
    xbtab__free(lines);
    xbtab__free(name);
    xbtab__free(circuit);
    xbtab__free(names);
    return result;
}

xbtab_status xbtab__solve_text_all(xbtab__spice *spice, const xbtab__text *text, bool current_sources,
                                   int n_vectors, int n_sources, const double *values, int n_outputs,
                                   const xbtab__text *outputs, double *out)
{
    xbtab_sample_status *sample = xbtab__alloc((size_t)n_vectors, sizeof *sample);
    if (!sample) return XBTAB_NOMEM();
    xbtab_status status = xbtab__solve_text(spice, text, current_sources, n_vectors, n_sources, values,
                                            n_outputs, outputs, out, sample);
    for (int v = 0; v < n_vectors && status == XBTAB_OK; v++) {
        if (sample[v] == XBTAB_SAMPLE_OK) continue;
        const char *words = xbtab__spice_complaint(spice);
        status = xbtab__error_set(XBTAB_ERR_SPICE, "ngspice cannot solve the bench (point %d of %d): %s", v,
                                  n_vectors, words[0] ? words : "a result is missing or not finite");
    }
    xbtab__free(sample);
    return status;
}
