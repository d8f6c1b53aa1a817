/* tiles.c - sample tiles: random level patterns of several kinds, input vectors of all densities, solved in
 * ngspice or, where that would take hours, by our own solver.
 *
 * The kinds are those that a transfer table meets: levels all equally likely, mostly lowest, one side of
 * trained weights in differential columns (half of them at the lowest level, the rest like |normal|), and
 * rows and columns of strongly unequal weight. Fitted and held-out tiles run through the kinds in the same
 * order. */
#include <math.h>
#include <string.h>

#include "compose.h"
#include "exact.h"
#include "memory.h"
#include "testbench.h"
#include "random.h"

typedef enum tile_kind { KIND_UNIFORM, KIND_TRAINED, KIND_SPARSE, KIND_UNEQUAL, N_KINDS } tile_kind;

enum { CHECK_SIDE = 32, CHECK_VECTORS = 6 };

int xbtab__sample_tiles(const xbtab__plan *plan)
{
    return plan->spec->sampling.tiles + plan->spec->sampling.tiles_heldout;
}

int xbtab__check_tiles(const xbtab__plan *plan)
{
    const xbtab_sampling *s = &plan->spec->sampling;
    return s->engine == XBTAB_SAMPLING_SOLVE ? s->check_tiles + s->check_full : 0;
}

xbtab__tile_plan xbtab__tile_plan_of(const xbtab__plan *plan, int tile)
{
    const xbtab_spec *spec = plan->spec;
    int n_fit = spec->sampling.tiles, n_sample = xbtab__sample_tiles(plan);
    xbtab__tile_plan t = {.rows = spec->rows,
                          .columns = spec->columns,
                          .vectors = spec->sampling.vectors,
                          .is_heldout = tile >= n_fit && tile < n_sample,
                          .is_check = tile >= n_sample,
                          .in_spice = spec->sampling.engine == XBTAB_SAMPLING_SPICE || tile >= n_sample,
                          .kind = (tile - (tile >= n_sample ? n_sample
                                           : tile >= n_fit  ? n_fit
                                                            : 0)) %
                                  N_KINDS};
    if (t.is_check) {
        t.vectors = CHECK_VECTORS;
        if (tile - n_sample < spec->sampling.check_tiles) {
            if (t.rows > CHECK_SIDE) t.rows = CHECK_SIDE;
            if (t.columns > CHECK_SIDE) t.columns = CHECK_SIDE;
        }
    }
    return t;
}

static uint8_t level_of_share(double share, int n_levels)
{
    return (uint8_t)lround(fmin(fmax(share, 0.0), 1.0) * (n_levels - 1));
}

void xbtab__tile_levels(const xbtab__plan *plan, int tile, uint8_t *level)
{
    const xbtab_spec *spec = plan->spec;
    xbtab__tile_plan t = xbtab__tile_plan_of(plan, tile);
    xbtab__random random, row_random, column_random;
    xbtab__random_init(&random, plan->seed, XBTAB__RANDOM_TILE_LEVELS, (uint32_t)tile, 0);
    xbtab__random_init(&row_random, plan->seed, XBTAB__RANDOM_TILE_LEVELS, (uint32_t)tile, 1);
    for (int i = 0; i < t.rows; i++) {
        double row = xbtab__random_uniform(&row_random);
        xbtab__random_init(&column_random, plan->seed, XBTAB__RANDOM_TILE_LEVELS, (uint32_t)tile, 2);
        for (int j = 0; j < t.columns; j++) {
            double column = xbtab__random_uniform(&column_random);
            uint8_t *cell = &level[(size_t)i * (size_t)t.columns + (size_t)j];
            uint8_t any = (uint8_t)xbtab__random_below(&random, (uint32_t)spec->n_levels);
            double u = xbtab__random_uniform(&random), normal = xbtab__random_normal(&random);
            switch ((tile_kind)t.kind) {
            case KIND_TRAINED:
                *cell = u < 0.5 ? 0 : level_of_share(0.35 * fabs(normal), spec->n_levels);
                break;
            case KIND_SPARSE:
                *cell = u < 0.2 ? any : 0;
                break;
            case KIND_UNEQUAL:
                *cell = level_of_share(2.0 * row * column * column, spec->n_levels);
                break;
            default:
                *cell = any;
            }
        }
    }
}

int xbtab__level_state(const xbtab__plan *plan, int level)
{
    int s = 0; /* every level is one of the tabulated states */
    while (plan->G_target[s] != plan->spec->G_level[level]) s++;
    return s;
}

xbtab_status xbtab__tile_conductances(const xbtab__plan *plan, int tile, const uint8_t *level, double *G)
{
    xbtab__tile_plan t = xbtab__tile_plan_of(plan, tile);
    if (plan->aged) return xbtab__aged_conductances(plan->aged, tile, level, t.rows, t.columns, G);
    for (int c = 0; c < t.rows * t.columns; c++) G[c] = plan->spec->G_level[level[c]];
    return XBTAB_OK;
}

/* The state parameter of a conductance, between those of the tabulated states. */
static double parameter_at(const xbtab__plan *plan, double G)
{
    int s = 0;
    while (s + 2 < plan->n_states && plan->G_target[s + 1] <= G) s++;
    double low = plan->G_target[s], a = plan->parameter[s], b = plan->parameter[s + 1];
    double share = fmin(fmax(log(G / low) / log(plan->G_target[s + 1] / low), 0.0), 1.0);
    return plan->spec->rram.model->state_is_log ? a * pow(b / a, share) : a + share * (b - a);
}

/* Of one bench: what ngspice takes to read it grows faster than it does. */
enum { MOST_MEASURED = 256 };

/* Cells for ngspice: the parameters of their states, and what they conduct with them. */
static xbtab_status find_cells(const xbtab__plan *plan, xbtab__spice *spice, const uint8_t *level, int n,
                               double *parameter, double *G)
{
    for (int c = 0; c < n; c++) {
        parameter[c] =
            plan->aged ? parameter_at(plan, G[c]) : plan->parameter[xbtab__level_state(plan, level[c])];
    }
    for (int c = 0; c < n && plan->aged; c += MOST_MEASURED) {
        int some = n - c < MOST_MEASURED ? n - c : MOST_MEASURED;
        XBTAB_TRY(xbtab__measure_cells(plan->spec, spice, parameter + c, some, G + c));
    }
    return XBTAB_OK;
}

/* Vector 0 drives every word line fully. Of the others, each has a density of its own: in turns uniform in 5
 * to 95 %, and from a single word line up on a logarithmic scale, since the bit planes of real activations
 * are sparse. Where signs alternate, half of the vectors drive both word lines of a pair by one input. */
static double density_of(xbtab__random *random, int v, int rows)
{
    double u = xbtab__random_uniform(random);
    return v % 2 ? 0.05 + 0.9 * u : pow(rows, u - 1.0);
}

void xbtab__tile_codes(const xbtab__plan *plan, int tile, uint8_t *code)
{
    uint32_t largest = (1u << plan->spec->dac_bits) - 1;
    bool pairs = xbtab_array_is_signed(&plan->spec->array);
    xbtab__tile_plan t = xbtab__tile_plan_of(plan, tile);
    for (int v = 0; v < t.vectors; v++) {
        xbtab__random random;
        xbtab__random_init(&random, plan->seed, XBTAB__RANDOM_TILE_INPUTS, (uint32_t)tile, (uint32_t)v);
        double density = density_of(&random, v, t.rows);
        for (int i = 0; i < t.rows; i++) {
            bool driven = xbtab__random_uniform(&random) < density;
            uint32_t some = 1 + xbtab__random_below(&random, largest);
            uint8_t *c = &code[(size_t)v * (size_t)t.rows + (size_t)i];
            *c = (uint8_t)(v == 0 ? largest : driven ? some : 0);
            if (pairs && v % 4 >= 2 && i % 2) *c = c[-1];
        }
    }
}

size_t xbtab__tile_stride(int columns)
{
    return 2 + 2 * (size_t)columns;
}

/* A tile's circuit and what is wanted of it. */
typedef struct sampling_job {
    xbtab__tile_plan t;
    uint8_t *level, *code;
    double *G;      /* of the cells; in ngspice, those that it found */
    double *result; /* result[t.vectors][stride] */
} sampling_job;

/* In ngspice. */
static xbtab_status sample_in_spice(const xbtab__plan *plan, xbtab__spice *spice, const sampling_job *job)
{
    static const char *const supplies[] = {"i(vread)\n", "i(vminus)\n"};
    xbtab_spec spec = *plan->spec; /* the same technology, of the tile's own size */
    int n_vectors = job->t.vectors, rows = job->t.rows, columns = job->t.columns;
    bool has_gates = xbtab_array_has_gates(&spec.array);
    int n_supplies = !has_gates ? rows : xbtab_array_is_signed(&spec.array) ? 2 : 1;
    int n_outputs = 2 * columns + n_supplies;
    size_t n_cells = (size_t)rows * (size_t)columns, n_inputs = (size_t)n_vectors * (size_t)rows;
    xbtab_status status;
    xbtab__text text = {0}, outputs = {0};
    double *parameter = xbtab__alloc(n_cells, sizeof *parameter);
    double *values = xbtab__alloc(n_inputs, sizeof *values);
    double *found = xbtab__alloc((size_t)n_vectors * (size_t)n_outputs, sizeof *found);
    xbtab_sample_status *sample = xbtab__alloc((size_t)n_vectors, sizeof *sample);
    if (!parameter || !values || !found || !sample) {
        status = XBTAB_NOMEM();
        goto done;
    }
    spec.rows = rows;
    spec.columns = columns;
    XBTAB_TRY_DONE(find_cells(plan, spice, job->level, (int)n_cells, parameter, job->G));
    for (size_t k = 0; k < n_inputs; k++)
        values[k] = xbtab_spec_input_voltage(&spec, (int)(k % (size_t)rows), job->code[k]);
    xbtab__compose_crossbar(&text, &spec, parameter);
    xbtab__compose_external_sources(&text, rows);
    for (int j = 0; j < columns; j++) xbtab__text_add(&outputs, "i(vs%d)\n", j);
    for (int j = 0; j < columns; j++) xbtab__text_add(&outputs, "v(o%d)\n", j);
    for (int i = 0; i < rows && !has_gates; i++) xbtab__text_add(&outputs, "i(vi%d)\n", i);
    for (int k = 0; k < n_supplies && has_gates; k++) xbtab__text_add(&outputs, "%s", supplies[k]);
    XBTAB_TRY_DONE(xbtab__solve_array(spice, &spec.array, &text, n_vectors, rows, values, n_outputs, &outputs,
                                      found, sample));
    for (int v = 0; v < n_vectors; v++) {
        double *result = job->result + (size_t)v * xbtab__tile_stride(columns);
        const double *f = found + (size_t)v * (size_t)n_outputs, *drive = values + (size_t)v * (size_t)rows;
        result[0] = sample[v];
        for (int i = 0; i < n_supplies; i++) { /* a source's current flows into it */
            double V = !has_gates ? drive[i] : i == 0 ? spec.v_read : -spec.v_read;
            result[1] -= V * f[2 * columns + i];
        }
        memcpy(result + 2, f, 2 * (size_t)columns * sizeof *f);
        for (size_t k = 1; k < xbtab__tile_stride(columns) && sample[v] != XBTAB_SAMPLE_OK; k++)
            result[k] = NAN;
    }
done:
    xbtab__free(parameter);
    xbtab__free(values);
    xbtab__free(found);
    xbtab__free(sample);
    xbtab__text_clear(&text);
    xbtab__text_clear(&outputs);
    return status;
}

/* By our solver. */
static xbtab_status sample_by_solver(const xbtab__plan *plan, const sampling_job *job)
{
    xbtab_status status;
    size_t rows = (size_t)job->t.rows, columns = (size_t)job->t.columns;
    xbtab__exact *circuit = NULL;
    XBTAB_TRY_DONE(xbtab__exact_create(&circuit, plan->technology, rows, columns));
    xbtab__exact_program(circuit, job->G);
    for (int v = 0; v < job->t.vectors; v++) {
        double *result = job->result + (size_t)v * xbtab__tile_stride(job->t.columns), *I = result + 2;
        XBTAB_TRY_DONE(xbtab__exact_solve(circuit, job->code + (size_t)v * rows, I));
        result[0] = XBTAB_SAMPLE_OK;
        result[1] = xbtab__exact_power(circuit);
        for (size_t j = 0; j < columns; j++) I[columns + j] = xbtab_technology_tia(plan->technology, I[j]);
    }
done:
    xbtab__exact_destroy(&circuit);
    return status;
}

/* For each vector: status, power, the bit lines' currents, the TIAs' outputs; and the conductances of aged
 * cells. */
xbtab_status xbtab__sample_tile(const xbtab__plan *plan, int tile, xbtab__spice *spice, xbtab__numbers *out)
{
    xbtab_status status;
    sampling_job job = {.t = xbtab__tile_plan_of(plan, tile)};
    size_t cells = (size_t)job.t.rows * (size_t)job.t.columns,
           n = (size_t)job.t.vectors * xbtab__tile_stride(job.t.columns);
    job.level = xbtab__alloc(cells, 1);
    job.code = xbtab__alloc((size_t)job.t.vectors * (size_t)job.t.rows, 1);
    job.G = xbtab__alloc(cells, sizeof *job.G);
    out->n = n + (plan->aged ? cells : 0);
    out->x = job.result = xbtab__alloc(out->n, sizeof *out->x);
    if (!job.level || !job.code || !job.G || !job.result) {
        status = XBTAB_NOMEM();
        goto done;
    }
    xbtab__tile_levels(plan, tile, job.level);
    xbtab__tile_codes(plan, tile, job.code);
    XBTAB_TRY_DONE(xbtab__tile_conductances(plan, tile, job.level, job.G));
    status = job.t.in_spice ? sample_in_spice(plan, spice, &job) : sample_by_solver(plan, &job);
    if (plan->aged) memcpy(out->x + n, job.G, cells * sizeof *out->x);
done:
    xbtab__free(job.level);
    xbtab__free(job.G);
    xbtab__free(job.code);
    return status;
}
