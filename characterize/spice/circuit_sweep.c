/* circuit_sweep.c - composed circuits as ngspice's jobs; a circuit that is refused says so with ngspice's
 * reason. */
#include "circuit_sweep.h"

#include <string.h>

#include "memory.h"

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
