/* refine.c - per-column corrections from exact solutions. */
#include "refine.h"

#include <math.h>
#include <string.h>

#include <gsl/gsl_linalg.h>

#include "exact.h"
#include "memory.h"
#include "random.h"
#include "technology.h"

enum { TERMS = XBTAB__REFINE_TERMS, UNSEEN = XBTAB__REFINE_DRIVES, MOST_EXTREMES = 11, MORE = 6, ROUNDS = 4 };

/* Number of the first random vector of those further ones; --refine has fewer. */
static const uint32_t more_first = 1u << 20;

/* Shares of the transfer table's full scale below which T is left alone: a fortieth of an 8-bit ADC's step
 * RMSE, a tenth at most. */
static const double good_rmse = 1e-4, good_most = 4e-4;

/* What a refined tile's told error is larger by than the measured one: some of the extremes that measure it
 * its fit has seen, and inputs like them err by up to a fourth more (scripts/tile-errors, small tiles). */
static const double seen = 1.25;

/* A vector's error may grow to this share of what T alone would be told with. */
static const double bearable = 0.25;

/* Of each term's own sum of squares; of fits to random vectors alone, and to the extremes too. */
static const double ridge[2] = {1e-5, 1e-6};

/* Who has seen a vector: nobody, or the fit. */
typedef enum use { MEASURED, FITTED } use;

/* A vector and its exact currents. */
typedef struct sample {
    double a;
    use use;
    bool is_extreme;
    double square, most; /* T's own error on it: mean square [A^2], largest [A] */
    double weight;       /* in the fit */
} sample;

typedef struct trial {
    const xbtab_technology *technology;
    const xbtab_tile *tile;
    size_t rows, columns;  /* in use */
    xbtab__exact *circuit; /* programmed */
    xbtab__tile_power *power;
    uint8_t *code; /* code[tile->rows] */
    size_t n, room;
    sample *s;              /* s[room] */
    xbtab__power_sample *P; /* P[room] */
    double *y, *I, *off;    /* [room][tile->columns]; off: exact less T's current */
} trial;

static uint32_t largest_code(const trial *t)
{
    return (1u << t->technology->tables->dac_bits) - 1;
}

/* Inputs of the k-th random vector: a share of the word lines, each at any code; where it is 1, all fully
 * driven. */
static void draw(trial *t, double share, uint32_t k)
{
    const xbtab_tables *tables = t->technology->tables;
    uint32_t largest = largest_code(t);
    bool pairs = xbtab_array_is_signed(&tables->array) && k % 2;
    xbtab__random random;
    xbtab__random_init(&random, tables->seed, XBTAB__RANDOM_REFINE, k, 0);
    for (size_t i = 0; i < t->rows; i++) {
        bool driven = xbtab__random_uniform(&random) < share;
        uint32_t some = 1 + xbtab__random_below(&random, largest);
        t->code[i] = (uint8_t)(share >= 1 ? largest : driven ? some : 0);
        if (pairs && i % 2) t->code[i] = t->code[i - 1]; /* one input drives both */
    }
}

/* The extremes of what a layer can give: every word line fully driven, either half of them, every second
 * one, one alone; with a DAC of several bits also codes that rise or fall along the tile, and all of them
 * halfway. The fit sees some; others of their kind, which it does not see, measure it. */
typedef enum extreme {
    ALL,
    FIRST_HALF,
    LAST_HALF,
    EVEN,
    ODD,
    RISING,
    FALLING,
    HALFWAY,
    LAST,
    FIRST,
    DOUBLES,
    EXTREMES
} extreme;

static use use_of(extreme e)
{
    return e == FIRST || e == DOUBLES || e == FALLING ? MEASURED : FITTED;
}

static uint32_t extreme_code(extreme e, size_t i, size_t rows, uint32_t largest)
{
    switch (e) {
    case FIRST_HALF:
        return i < rows / 2 ? largest : 0;
    case LAST_HALF:
        return i >= rows / 2 ? largest : 0;
    case EVEN:
        return i % 2 ? 0 : largest;
    case ODD:
        return i % 2 ? largest : 0;
    case LAST:
        return i + 1 == rows ? largest : 0;
    case FIRST:
        return i == 0 ? largest : 0;
    case DOUBLES:
        return i / 2 % 2 ? largest : 0;
    case RISING:
        return (uint32_t)((i + 1) * largest / rows);
    case FALLING:
        return (uint32_t)((rows - i) * largest / rows);
    case HALFWAY:
        return (largest + 1) / 2;
    default:
        return largest;
    }
}

static void set_extreme(trial *t, extreme e)
{
    for (size_t i = 0; i < t->rows; i++) t->code[i] = (uint8_t)extreme_code(e, i, t->rows, largest_code(t));
}

static double place_of(const trial *t, size_t j)
{
    return t->tile->columns > 1 ? (double)j / (double)(t->tile->columns - 1) : 0.0;
}

/* Solve for the inputs in t->code. */
static xbtab_status take(trial *t, use how, bool is_extreme)
{
    size_t sum = 0;
    sample *s = &t->s[t->n];
    for (size_t i = 0; i < t->rows; i++) sum += t->code[i];
    *s = (sample){
        .a = (double)sum / ((double)t->tile->rows * largest_code(t)), .use = how, .is_extreme = is_extreme};
    xbtab_tile_product(t->tile, t->code, t->y + t->n * t->tile->columns);
    XBTAB_TRY(xbtab__exact_solve(t->circuit, t->code, t->I + t->n * t->tile->columns));
    t->P[t->n] = (xbtab__power_sample){.P_model = xbtab__tile_power_of(t->power, t->code, t->rows),
                                       .a = s->a,
                                       .P = xbtab__exact_power(t->circuit),
                                       .is_extreme = is_extreme};
    for (size_t j = 0; j < t->columns; j++) {
        size_t at = t->n * t->tile->columns + j;
        double e = t->I[at] - xbtab_technology_transfer(t->technology, t->y[at], s->a, place_of(t, j),
                                                        t->tile->I_lost[j]);
        t->off[at] = e;
        s->square += e * e / (double)t->columns;
        s->most = fmax(s->most, fabs(e));
    }
    t->n++;
    return XBTAB_OK;
}

static xbtab_status take_extremes(trial *t, extreme from, extreme end)
{
    for (int e = (int)from; e < (int)end; e++) {
        set_extreme(t, (extreme)e);
        XBTAB_TRY(take(t, use_of((extreme)e), true));
    }
    return XBTAB_OK;
}

/* What measures every tile: random vectors of drives from low to high, and the extremes that T errs most on
 * where it is good. */
static xbtab_status take_measured(trial *t)
{
    for (uint32_t k = 0; k < UNSEEN; k++) {
        draw(t, (k + 0.5) / UNSEEN, k);
        XBTAB_TRY(take(t, MEASURED, false));
    }
    return take_extremes(t, ALL, largest_code(t) > 1 ? LAST : RISING);
}

static void terms_of(double u, double a, double *x)
{
    x[0] = u;
    x[1] = u * a;
    x[2] = u * u;
    x[3] = u * a * a;
    x[4] = u * u * a;
    x[5] = u * u * u;
    x[6] = a;
    x[7] = a * a;
}

static double correction(const double *c, double u, double a)
{
    double x[TERMS], sum = 0;
    terms_of(u, a, x);
    for (int m = 0; m < TERMS; m++) sum += c[m] * x[m];
    return sum;
}

double xbtab__refined_current(const xbtab__refinement *r, const xbtab_technology *technology, double y,
                              double a, size_t j, double place)
{
    double I_fs = technology->tables->I_full_scale;
    return xbtab_technology_transfer(technology, y, a, place, r->I_lost[j]) +
           I_fs * correction(r->c + j * TERMS, y / I_fs, a);
}

/* The error of the tile on a vector, with what r corrects. */
static void error_on(const xbtab__refinement *r, const trial *t, size_t k, double *square, double *most)
{
    double I_fs = t->technology->tables->I_full_scale;
    *square = *most = 0;
    for (size_t j = 0; j < t->columns; j++) {
        double u = t->y[k * t->tile->columns + j] / I_fs;
        double e = t->off[k * t->tile->columns + j] - I_fs * correction(r->c + j * TERMS, u, t->s[k].a);
        *square += e * e / (double)t->columns;
        *most = fmax(*most, fabs(e));
    }
}

/* What is told of the tile: the largest error of all vectors, and the larger of the root mean squares over
 * random vectors that no fit saw and over the extremes, so that a mixture of both stays below it. */
static void measure(xbtab__refinement *r, const trial *t)
{
    double squares[2] = {0};
    int n[2] = {0}, drive = 0;
    r->most = 0;
    for (size_t k = 0; k < t->n; k++) {
        const sample *s = &t->s[k];
        double square, most;
        if (s->use == FITTED && !s->is_extreme) continue;
        error_on(r, t, k, &square, &most);
        r->most = fmax(r->most, most);
        squares[s->is_extreme] += square;
        n[s->is_extreme]++;
        if (k >= UNSEEN) continue;
        r->a_drive[drive] = s->a;
        r->rmse_drive[drive++] = sqrt(square);
    }
    r->samples = (n[0] + n[1]) * (long)t->columns;
    r->squares = fmax(squares[0] / n[0], squares[1] / n[1]) * (double)r->samples;
}

double xbtab__refined_rmse(const xbtab__refinement *r, double a)
{
    double a_low = 0, low = 0;
    for (int k = 0; k < UNSEEN; k++) {
        if (a <= r->a_drive[k] && r->a_drive[k] > a_low)
            return low + (r->rmse_drive[k] - low) * (a - a_low) / (r->a_drive[k] - a_low);
        a_low = r->a_drive[k];
        low = r->rmse_drive[k];
    }
    return low;
}

/* Of all vectors, the extremes too. */
static bool is_good(const xbtab__refinement *r, const xbtab_tables *tables)
{
    double full_scale = tables->transfer.error.full_scale;
    return sqrt(r->squares / (double)r->samples) <= good_rmse * full_scale &&
           r->most <= good_most * full_scale;
}

/* Whether some vector's error is larger than T's own, and more than a small part of what T alone would be told
 * with. Such vectors' weights are raised for another fit. */
static bool does_harm(const xbtab__refinement *r, trial *t, const xbtab__refinement *alone)
{
    const double full_scale = t->technology->tables->transfer.error.full_scale;
    const double rmse =
        fmax(good_rmse * full_scale, bearable * sqrt(alone->squares / (double)alone->samples));
    const double largest = fmax(good_most * full_scale, bearable * alone->most);
    bool harms = false;
    for (size_t k = 0; k < t->n; k++) {
        double square, most;
        sample *s = &t->s[k];
        error_on(r, t, k, &square, &most);
        if (!(square > s->square && sqrt(square) > rmse) && !(most > s->most && most > largest)) continue;
        s->weight *= 8;
        harms = true;
    }
    return harms;
}

/* Normal equations of a bit line of the first n terms: H[n][n], b[n]. */
static void collect(const trial *t, size_t j, size_t n, double *H, double *b)
{
    double I_fs = t->technology->tables->I_full_scale;
    memset(H, 0, n * n * sizeof *H);
    memset(b, 0, n * sizeof *b);
    for (size_t k = 0; k < t->n; k++) {
        double x[TERMS], u = t->y[k * t->tile->columns + j] / I_fs;
        if (t->s[k].use != FITTED) continue;
        terms_of(u, t->s[k].a, x);
        double e = t->off[k * t->tile->columns + j] / I_fs;
        for (size_t m = 0; m < n; m++) {
            for (size_t l = 0; l < n; l++) H[m * n + l] += t->s[k].weight * x[m] * x[l];
            b[m] += t->s[k].weight * x[m] * e;
        }
    }
}

static xbtab_status fit(xbtab__refinement *r, const trial *t, size_t n, bool has_extremes)
{
    double H[TERMS * TERMS], b[TERMS];
    memset(r->c, 0, t->columns * TERMS * sizeof *r->c);
    for (size_t j = 0; j < t->columns; j++) {
        collect(t, j, n, H, b);
        gsl_matrix_view matrix = gsl_matrix_view_array(H, n, n);
        gsl_vector_view right = gsl_vector_view_array(b, n);
        gsl_vector_view c = gsl_vector_view_array(r->c + j * TERMS, n);
        for (size_t m = 0; m < n; m++) {
            double *d = gsl_matrix_ptr(&matrix.matrix, m, m);
            *d += ridge[has_extremes] * *d + 1e-15;
        }
        if (gsl_linalg_cholesky_decomp1(&matrix.matrix) ||
            gsl_linalg_cholesky_solve(&matrix.matrix, &right.vector, &c.vector)) {
            XBTAB_FAIL(XBTAB_ERR_SOLVE, "bit line %zu: the refinement's normal equations are singular", j);
        }
    }
    return XBTAB_OK;
}

/* What is fitted to: so many random vectors, and no more of the extremes; one line alone and
 * pairs are measured from here on too. Where T is far off, its error has kinks (a TIA that clips) that few vectors meet, and more of them measure it. */
static xbtab_status take_fitted(trial *t, int solves, bool is_far_off)
{
    int left = solves;
    XBTAB_TRY(take_extremes(t, LAST, EXTREMES));
    for (size_t k = 0; k < t->n; k++) {
        if (t->s[k].use == FITTED && left-- <= 0) t->s[k].use = MEASURED;
    }
    for (int k = 0; is_far_off && k < MORE; k++) {
        draw(t, (k + 0.5) / MORE, more_first + (uint32_t)k);
        XBTAB_TRY(take(t, MEASURED, false));
    }
    for (int k = 0; k < solves; k++) {
        draw(t, (k + 1.0) / solves, UNSEEN + (uint32_t)k);
        XBTAB_TRY(take(t, FITTED, false));
    }
    return XBTAB_OK;
}

/* A fit of n terms, with the extremes at a weight of their own, raised for the vectors that it harms until it
 * harms none. @return whether it came to that. */
static bool fits(xbtab__refinement *r, trial *t, const xbtab__refinement *alone, size_t n, double extremes)
{
    for (size_t v = 0; v < t->n; v++) t->s[v].weight = t->s[v].is_extreme ? extremes : 1;
    for (int k = 0; k < ROUNDS; k++) {
        if (fit(r, t, n, extremes > 0) < 0) return false;
        measure(r, t);
        if (!does_harm(r, t, alone) && r->squares <= alone->squares) return true;
        if (extremes == 0) return false;
    }
    return false;
}

/* Corrections that harm no vector: of random vectors alone, which serve those best, or else of the extremes too;
 * none where T alone is better. */
static xbtab_status refine(xbtab__refinement *r, trial *t, int solves)
{
    static const struct {
        size_t terms;
        double extremes; /* weight */
    } choice[] = {{5, 0}, {TERMS, 1}, {6, 1}, {3, 1}};
    const double full_scale = t->technology->tables->transfer.error.full_scale;
    XBTAB_TRY(take_fitted(t, solves, sqrt(r->squares / (double)r->samples) > 10 * good_rmse * full_scale));
    measure(r, t);
    const xbtab__refinement alone = *r;
    for (size_t k = 0; k < sizeof choice / sizeof *choice && !r->is_refined; k++)
        r->is_refined = fits(r, t, &alone, choice[k].terms, choice[k].extremes);
    if (r->is_refined) {
        r->most *= seen;
        r->squares *= seen * seen;
        return XBTAB_OK;
    }
    memset(r->c, 0, t->columns * TERMS * sizeof *r->c);
    measure(r, t);
    return XBTAB_OK;
}

static void trial_clear(trial *t)
{
    xbtab__exact_destroy(&t->circuit);
    xbtab__free(t->code);
    xbtab__free(t->s);
    xbtab__free(t->P);
    xbtab__free(t->off);
    xbtab__free(t->y);
    xbtab__free(t->I);
}

xbtab_status xbtab__refine(xbtab__refinement *out, const xbtab_technology *technology, const xbtab_tile *tile,
                           const double *G, size_t rows, size_t columns, int solves)
{
    xbtab_status status;
    trial t = {.technology = technology,
               .tile = tile,
               .rows = rows,
               .columns = columns,
               .room = UNSEEN + MOST_EXTREMES + MORE + (size_t)(solves > 0 ? solves : 0)};
    xbtab__refinement r = {.columns = columns};
    r.c = xbtab__alloc(columns * TERMS, sizeof *r.c);
    r.I_lost = xbtab__alloc(columns, sizeof *r.I_lost);
    t.code = xbtab__alloc(tile->rows, 1);
    t.s = xbtab__alloc(t.room, sizeof *t.s);
    t.P = xbtab__alloc(t.room, sizeof *t.P);
    t.y = xbtab__alloc(t.room * tile->columns, sizeof *t.y);
    t.off = xbtab__alloc(t.room * tile->columns, sizeof *t.off);
    t.I = xbtab__alloc(t.room * tile->columns, sizeof *t.I);
    if (!r.c || !r.I_lost || !t.code || !t.s || !t.P || !t.y || !t.off || !t.I) {
        status = XBTAB_NOMEM();
        goto done;
    }
    memcpy(r.I_lost, tile->I_lost, columns * sizeof *r.I_lost);
    XBTAB_TRY_DONE(xbtab__tile_power_init(&r.power, technology, tile));
    t.power = &r.power;
    XBTAB_TRY_DONE(xbtab__exact_create(&t.circuit, technology, tile->rows, tile->columns));
    xbtab__exact_program(t.circuit, G);
    XBTAB_TRY_DONE(take_measured(&t));
    measure(&r, &t);
    status = solves > 0 && !is_good(&r, technology->tables) ? refine(&r, &t, solves) : XBTAB_OK;
    if (status < 0) goto done;
    xbtab__tile_power_fit(&r.power, t.P, t.n);
    *out = r;
    r = (xbtab__refinement){0};
done:
    xbtab__refinement_clear(&r);
    trial_clear(&t);
    return status;
}

void xbtab__refinement_clear(xbtab__refinement *refinement)
{
    xbtab__free(refinement->c);
    xbtab__free(refinement->I_lost);
    xbtab__tile_power_clear(&refinement->power);
    *refinement = (xbtab__refinement){0};
}
