/* solve_spice.c - one crossbar in ngspice, with all its node voltages and cell currents: the yardstick of the
 * solver. */
#include <math.h>
#include <string.h>

#include <xbartab/characterize.h>

#include "clock.h"
#include "compose.h"
#include "memory.h"
#include "testbench.h"
#include "solution.h"
#include "worker.h"

typedef struct job {
    const xbtab_crossbar *crossbar;
    xbtab_spec spec; /* of nonlinear cells, of the crossbar's size and wires */
    double *state;   /* state[rows][columns] of the RRAMs, NAN = open; NULL = linear devices */
    xbtab__wiring wiring;
    const double *values; /* values[n][rows] */
    int n;
    double *result; /* result[n][n_outputs + 1]; the last column holds the seconds */
    int n_outputs;
} job;

/* Nonlinear cells have ammeters, but for open ones. */
static bool has_meter(const job *j, int i, int c)
{
    return j->state && !isnan(j->state[i * j->wiring.columns + c]);
}

static int n_meters(const job *j)
{
    int n = 0;
    for (int k = 0; k < j->wiring.rows * j->wiring.columns; k++)
        n += has_meter(j, k / j->wiring.columns, k % j->wiring.columns);
    return n;
}

/* Distinct nodes only: a line without wire resistance is one node. */
typedef struct node_counts {
    int driven, sensed;
} node_counts;

static node_counts count_nodes(const xbtab__wiring *w)
{
    int i = w->rows - 1, j = w->columns - 1; /* the cell that has the last nodes, or the one before it */
    node_counts n = {xbtab__driven_index(w, i, j) + 1, xbtab__sensed_index(w, i, j) + 1};
    return n;
}

static void name_outputs(const job *j, xbtab__text *names)
{
    const xbtab__wiring *w = &j->wiring;
    char node[XBTAB__NODE_SIZE];
    for (int c = 0; c < w->columns; c++) xbtab__text_add(names, "i(vs%d)\n", c);
    for (int i = 0, next = 0; i < w->rows; i++) {
        for (int c = 0; c < w->columns; c++) {
            if (xbtab__driven_index(w, i, c) != next) continue;
            xbtab__driven_node(node, w, i, c);
            xbtab__text_add(names, "v(%s)\n", node);
            next++;
        }
    }
    for (int i = 0, next = 0; i < w->rows; i++) {
        for (int c = 0; c < w->columns; c++) {
            if (xbtab__sensed_index(w, i, c) != next) continue;
            xbtab__sensed_node(node, w, i, c);
            xbtab__text_add(names, "v(%s)\n", node);
            next++;
        }
    }
    for (int i = 0; i < w->rows; i++) {
        for (int c = 0; c < w->columns; c++) {
            if (has_meter(j, i, c)) xbtab__text_add(names, "i(vc%d_%d)\n", i, c);
        }
    }
}

static xbtab_status run(xbtab__spice *spice, long unit, xbtab__bytes *reply, xbtab_sample_status *sample,
                        void *context)
{
    const job *j = context;
    xbtab__text text = {0}, names = {0};
    size_t count = (size_t)j->n * (size_t)j->n_outputs;
    (void)unit, (void)sample;
    double *out = xbtab__alloc(count + 1, sizeof *out);
    if (!out) return XBTAB_NOMEM();
    if (j->state) {
        xbtab__compose_metered_crossbar(&text, &j->spec, j->state);
    } else {
        xbtab__compose_resistors(&text, &j->wiring, j->crossbar->G);
    }
    xbtab__compose_external_sources(&text, j->wiring.rows);
    name_outputs(j, &names);
    double began = xbtab__seconds();
    xbtab_status status = xbtab__solve_array_all(spice, &j->wiring.array, &text, j->n, j->wiring.rows,
                                                 j->values, j->n_outputs, &names, out);
    out[count] = xbtab__seconds() - began;
    if (status == XBTAB_OK) xbtab__bytes_add(reply, out, (count + 1) * sizeof *out);
    xbtab__free(out);
    xbtab__text_clear(&text);
    xbtab__text_clear(&names);
    return status;
}

static xbtab_status take(long unit, xbtab_sample_status sample, const void *bytes, size_t n, void *context)
{
    const job *j = context;
    (void)unit;
    if (sample != XBTAB_SAMPLE_OK) XBTAB_FAIL(XBTAB_ERR_SPICE, "%s", xbtab__sample_status_text(sample));
    memcpy(j->result, bytes, n);
    return XBTAB_OK;
}

static double one_hour(long unit, void *context)
{
    (void)unit, (void)context;
    return 3600.0;
}

static void spread(xbtab_solution *s, const job *j)
{
    const xbtab__wiring *w = &j->wiring;
    size_t rows = j->crossbar->rows, columns = j->crossbar->columns;
    bool has_gates = w->array.topology == XBTAB_TOPOLOGY_GATE_INPUT;
    node_counts n = count_nodes(w);
    for (size_t v = 0; v < (size_t)j->n; v++) {
        const double *x = j->result + v * (size_t)j->n_outputs;
        const double *driven = x + columns, *sensed = driven + n.driven, *meter = sensed + n.sensed;
        memcpy(s->i_out + v * columns, x, columns * sizeof *x);
        for (size_t i = 0; i < rows; i++) {
            bool is_on = !has_gates || j->values[v * rows + i] > 0;
            for (size_t c = 0; c < columns; c++) {
                size_t at = (v * rows + i) * columns + c;
                s->v_word[at] = driven[xbtab__driven_index(w, (int)i, (int)c)];
                s->v_bit[at] = sensed[xbtab__sensed_index(w, (int)i, (int)c)];
                if (!j->state) {
                    double G = is_on ? j->crossbar->G[i * columns + c] : 0.0;
                    s->i_device[at] = G * (s->v_word[at] - s->v_bit[at]);
                } else {
                    s->i_device[at] = has_meter(j, (int)i, (int)c) ? *meter++ : 0.0;
                }
            }
        }
    }
}

/* The specification's cells and TIAs in a crossbar of other size and wires. */
static xbtab_status take_cells(job *j, const xbtab_spec *spec)
{
    size_t cells = j->crossbar->rows * j->crossbar->columns;
    j->spec = *spec;
    j->spec.rows = j->wiring.rows;
    j->spec.columns = j->wiring.columns;
    j->spec.r_word = j->wiring.r_word;
    j->spec.r_bit = j->wiring.r_bit;
    j->spec.r_source_line = j->wiring.r_source_line;
    j->spec.array = j->wiring.array;
    j->spec.v_read = j->wiring.v_read;
    j->spec.r_driver = j->wiring.r_driver;
    j->spec.r_sink = j->wiring.r_sink;
    j->state = xbtab__alloc(cells, sizeof *j->state);
    if (!j->state) return XBTAB_NOMEM();
    return xbtab_find_states(spec, j->state, j->crossbar->G, (int)cells);
}

xbtab_status xbtab_crossbar_spice(xbtab_solution *out, const xbtab_crossbar *crossbar, const xbtab_spec *spec,
                                  const double *V, size_t n)
{
    xbtab_status status;
    xbtab_solution s = {0};
    XBTAB_TRY(xbtab__crossbar_check(crossbar, V, n));
    double *values = xbtab__alloc(n * crossbar->rows, sizeof *values);
    job j = {.crossbar = crossbar,
             .wiring = {.rows = (int)crossbar->rows,
                        .columns = (int)crossbar->columns,
                        .array = crossbar->array,
                        .r_word = crossbar->r_word,
                        .r_bit = crossbar->r_bit,
                        .r_source_line = crossbar->r_source_line,
                        .r_driver = crossbar->r_source,
                        .r_sink = crossbar->r_sink,
                        .v_read = crossbar->v_read},
             .values = values,
             .n = (int)n};
    if (spec) XBTAB_TRY_DONE(take_cells(&j, spec));
    node_counts nodes = count_nodes(&j.wiring);
    j.n_outputs = j.wiring.columns + nodes.driven + nodes.sensed + n_meters(&j);
    j.result = xbtab__alloc(n * (size_t)j.n_outputs + 1, sizeof *j.result);
    if (!values || !j.result) {
        status = XBTAB_NOMEM();
        goto done;
    }
    for (size_t v = 0; v < n; v++) {
        for (size_t i = 0; i < crossbar->rows; i++) values[v * crossbar->rows + i] = V[i * n + v];
    }
    XBTAB_TRY_DONE(xbtab__solution_init(&s, crossbar, n));
    xbtab__pool_options pool = {.n_workers = 1, .seconds_max = one_hour, .analysis_seconds = INFINITY};
    XBTAB_TRY_DONE(xbtab__pool_run(NULL, &pool, 1, run, take, &j));
    spread(&s, &j);
    s.seconds = j.result[n * (size_t)j.n_outputs];
    *out = s;
    s = (xbtab_solution){0};
done:
    xbtab__free(values);
    xbtab__free(j.state);
    xbtab__free(j.result);
    xbtab_solution_clear(&s);
    return status;
}
