/* solve_spice.c - one crossbar in ngspice, with all its node voltages and cell currents: the yardstick of the
 * solver. */
#include <math.h>
#include <string.h>

#include <xbartab/characterize.h>

#include "clock.h"
#include "compose.h"
#include "memory.h"
#include "plan.h"
#include "solution.h"
#include "worker.h"

typedef struct job {
    const xbtab_crossbar *crossbar;
    xbtab_spec spec; /* of nonlinear cells, of the crossbar's size and wires */
    double *state;   /* state[rows][columns] of the RRAMs, NAN = open; NULL = linear devices */
    xbtab__array array;
    const double *values; /* values[n][rows] */
    int n;
    double *result; /* result[n][n_outputs + 1]; the last column holds the seconds */
    int n_outputs;
} job;

/* Distinct nodes only: a line without wire resistance is one node. */
static int word_nodes(const job *j)
{
    return j->array.r_word > 0 ? j->array.columns : 1;
}

static int bit_nodes(const job *j)
{
    return j->array.r_bit > 0 ? j->array.rows : 1;
}

/* Nonlinear cells have ammeters, but for open ones. */
static bool has_meter(const job *j, int i, int c)
{
    return j->state && !isnan(j->state[i * j->array.columns + c]);
}

static int n_meters(const job *j)
{
    int n = 0;
    for (int k = 0; k < j->array.rows * j->array.columns; k++)
        n += has_meter(j, k / j->array.columns, k % j->array.columns);
    return n;
}

static void name_outputs(const job *j, xbtab__text *names)
{
    char node[XBTAB__NODE_SIZE];
    for (int c = 0; c < j->array.columns; c++) xbtab__text_add(names, "i(vs%d)\n", c);
    for (int i = 0; i < j->array.rows; i++) {
        for (int c = 0; c < word_nodes(j); c++) {
            xbtab__word_node(node, &j->array, i, c);
            xbtab__text_add(names, "v(%s)\n", node);
        }
    }
    for (int c = 0; c < j->array.columns; c++) {
        for (int i = 0; i < bit_nodes(j); i++) {
            xbtab__bit_node(node, &j->array, i, c);
            xbtab__text_add(names, "v(%s)\n", node);
        }
    }
    for (int i = 0; i < j->array.rows; i++) {
        for (int c = 0; c < j->array.columns; c++) {
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
        xbtab__compose_resistors(&text, &j->array, j->crossbar->G);
    }
    xbtab__compose_external_sources(&text, j->array.rows);
    name_outputs(j, &names);
    double began = xbtab__seconds();
    xbtab_status status =
        xbtab__solve_text_all(spice, &text, j->n, j->array.rows, j->values, j->n_outputs, &names, out);
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
    size_t rows = j->crossbar->rows, columns = j->crossbar->columns;
    for (size_t v = 0; v < (size_t)j->n; v++) {
        const double *x = j->result + v * (size_t)j->n_outputs;
        const double *word = x + columns, *bit = word + rows * (size_t)word_nodes(j);
        const double *meter = bit + columns * (size_t)bit_nodes(j);
        memcpy(s->i_out + v * columns, x, columns * sizeof *x);
        for (size_t i = 0; i < rows; i++) {
            for (size_t c = 0; c < columns; c++) {
                size_t at = (v * rows + i) * columns + c;
                s->v_word[at] = word[word_nodes(j) > 1 ? i * columns + c : i];
                s->v_bit[at] = bit[bit_nodes(j) > 1 ? c * rows + i : c];
                if (!j->state) {
                    s->i_device[at] = j->crossbar->G[i * columns + c] * (s->v_word[at] - s->v_bit[at]);
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
    j->spec.rows = j->array.rows;
    j->spec.columns = j->array.columns;
    j->spec.r_word = j->array.r_word;
    j->spec.r_bit = j->array.r_bit;
    j->spec.r_driver = j->array.r_driver;
    j->spec.r_sink = j->array.r_sink;
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
             .array = {(int)crossbar->rows, (int)crossbar->columns, crossbar->r_word, crossbar->r_bit,
                       crossbar->r_source, crossbar->r_sink},
             .values = values,
             .n = (int)n};
    if (spec) XBTAB_TRY_DONE(take_cells(&j, spec));
    j.n_outputs =
        j.array.columns + j.array.rows * word_nodes(&j) + j.array.columns * bit_nodes(&j) + n_meters(&j);
    j.result = xbtab__alloc(n * (size_t)j.n_outputs + 1, sizeof *j.result);
    if (!values || !j.result) {
        status = XBTAB_NOMEM();
        goto done;
    }
    for (size_t v = 0; v < n; v++) {
        for (size_t i = 0; i < crossbar->rows; i++) values[v * crossbar->rows + i] = V[i * n + v];
    }
    XBTAB_TRY_DONE(xbtab__solution_init(&s, crossbar, n));
    xbtab__pool_options pool = {.n_workers = 1, .seconds_max = one_hour};
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
