/* check_samples.c - the samples one by one, and the figures that a pass over them gives again. */
#include "check_samples.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "check.h"
#include "memory.h"

/* What the samples say of the figures that are announced. */
typedef struct findings {
    long heldout;          /* values compared */
    long vectors, failed;  /* held-out vectors that were solved; vectors that failed */
    double I_most, P_most; /* [A], [W] */
    double squares, most;  /* of the ideal product's errors [A] */
} findings;

static xbtab_status check_codes(const xbtab_tables *t, const char *path)
{
    const xbtab_sample_data *s = &t->samples;
    const struct {
        const char *name;
        const uint8_t *x;
        size_t n, below, last;
    } codes[] = {
        {"level", s->level, s->n_tiles * t->rows * t->columns, t->n_levels, t->columns},
        {"code", s->code, s->n_tiles * s->n_vectors * t->rows, (size_t)1 << t->dac_bits, t->rows},
    };
    for (size_t c = 0; c < 2; c++) {
        size_t middle = codes[c].n / s->n_tiles / codes[c].last;
        for (size_t k = 0; k < codes[c].n; k++) {
            if (codes[c].x[k] < codes[c].below) continue;
            XBTAB_FAIL(XBTAB_ERR_INPUT, "%s: /samples/%s[%zu][%zu][%zu] = %d is above %zu", path,
                       codes[c].name, k / codes[c].last / middle, k / codes[c].last % middle,
                       k % codes[c].last, codes[c].x[k], codes[c].below - 1);
        }
    }
    for (size_t tile = 0; tile < s->n_tiles; tile++) {
        if (s->is_heldout[tile] == 0 || s->is_heldout[tile] == 1) continue;
        XBTAB_FAIL(XBTAB_ERR_INPUT, "%s: /samples/is_heldout[%zu] = %d is neither 0 nor 1", path, tile,
                   (int)s->is_heldout[tile]);
    }
    return XBTAB_OK;
}

/* A vector that was solved has numbers; one that failed says how. */
static xbtab_status check_vector(const xbtab_tables *t, const char *path, size_t at)
{
    const xbtab_sample_data *s = &t->samples;
    size_t tile = at / s->n_vectors, v = at % s->n_vectors;
    if (s->status[at] < XBTAB_SAMPLE_OK || s->status[at] > XBTAB_SAMPLE_TIMEOUT)
        XBTAB_FAIL(XBTAB_ERR_INPUT, "%s: /samples/status[%zu][%zu] = %d is outside %d to %d", path, tile, v,
                   (int)s->status[at], XBTAB_SAMPLE_OK, XBTAB_SAMPLE_TIMEOUT);
    if (s->status[at] != XBTAB_SAMPLE_OK) return XBTAB_OK;
    if (!isfinite(s->P[at]))
        XBTAB_FAIL(XBTAB_ERR_INPUT, "%s: /samples/power[%zu][%zu] = %g is not finite", path, tile, v,
                   s->P[at]);
    for (size_t j = 0; j < t->columns; j++) {
        double I = s->I_out[at * t->columns + j], V = s->V_out[at * t->columns + j];
        if (isfinite(I) && isfinite(V)) continue;
        XBTAB_FAIL(XBTAB_ERR_INPUT, "%s: /samples/%s[%zu][%zu][%zu] = %g is not finite", path,
                   isfinite(I) ? "tia_output" : "current", tile, v, j, isfinite(I) ? V : I);
    }
    return XBTAB_OK;
}

/* Every cell at its own conductance and the full input voltage. */
static void ideal_product(const xbtab_tables *t, size_t tile, const uint8_t *code, double *I)
{
    const xbtab_sample_data *s = &t->samples;
    size_t first = tile * t->rows * t->columns;
    double V_step = t->v_read / ((1 << t->dac_bits) - 1);
    memset(I, 0, t->columns * sizeof *I);
    for (size_t i = 0; i < t->rows; i++) {
        double V = xbtab_array_sign(&t->array, (long)i) * code[i] * V_step;
        if (code[i] == 0) continue;
        for (size_t j = 0; j < t->columns; j++) {
            size_t c = first + i * t->columns + j;
            I[j] += V * (s->G ? s->G[c] : t->G_level[s->level[c]]);
        }
    }
}

static xbtab_status look(const xbtab_tables *t, const char *path, findings *f, double *ideal)
{
    const xbtab_sample_data *s = &t->samples;
    for (size_t at = 0; at < s->n_tiles * s->n_vectors; at++) {
        const double *I = s->I_out + at * t->columns;
        XBTAB_TRY(check_vector(t, path, at));
        if (s->status[at] != XBTAB_SAMPLE_OK) {
            f->failed++;
            continue;
        }
        f->P_most = fmax(f->P_most, s->P[at]);
        for (size_t j = 0; j < t->columns; j++) f->I_most = fmax(f->I_most, fabs(I[j]));
        if (!s->is_heldout[at / s->n_vectors]) continue;
        f->vectors++;
        ideal_product(t, at / s->n_vectors, s->code + at * t->rows, ideal);
        for (size_t j = 0; j < t->columns; j++, f->heldout++) {
            double error = ideal[j] - I[j];
            f->squares += error * error;
            f->most = fmax(f->most, fabs(error));
        }
    }
    return XBTAB_OK;
}

/* The order of additions may differ from the one that the figures were made in. */
static bool is_near(double announced, double found)
{
    return fabs(announced - found) <= 1e-9 * fabs(found) + 1e-15;
}

static xbtab_status compare(const xbtab_tables *t, const char *path, const findings *f)
{
    const xbtab_transfer_data *a = &t->transfer;
    double n = (double)f->heldout, failed = (double)f->failed, vectors = (double)f->vectors;
    const struct {
        const char *name;
        double announced, found;
    } figures[] = {
        {"/transfer heldout_samples", (double)a->error.samples, n},
        {"/transfer heldout_ideal_samples", (double)a->error_ideal.samples, n},
        {"/transfer heldout_effective_samples", (double)a->error_geff.samples, n},
        {"/energy heldout_samples", (double)t->energy.error.samples, vectors},
        {"/transfer heldout_failed", (double)a->error.failed, failed},
        {"/transfer heldout_ideal_failed", (double)a->error_ideal.failed, failed},
        {"/transfer heldout_effective_failed", (double)a->error_geff.failed, failed},
        {"/energy heldout_failed", (double)t->energy.error.failed, failed},
        {"/transfer heldout_full_scale", a->error.full_scale, f->I_most},
        {"/transfer heldout_ideal_full_scale", a->error_ideal.full_scale, f->I_most},
        {"/transfer heldout_effective_full_scale", a->error_geff.full_scale, f->I_most},
        {"/energy heldout_full_scale", t->energy.error.full_scale, f->P_most * t->energy.read_time},
        {"/transfer heldout_ideal_rmse_fs", a->error_ideal.rmse, sqrt(f->squares / n) / f->I_most},
        {"/transfer heldout_ideal_max_fs", a->error_ideal.max, f->most / f->I_most},
    };
    for (size_t k = 0; k < sizeof figures / sizeof figures[0]; k++) {
        if (is_near(figures[k].announced, figures[k].found)) continue;
        XBTAB_FAIL(XBTAB_ERR_INPUT, "%s: %s = %.9g, but /samples give %.9g", path, figures[k].name,
                   figures[k].announced, figures[k].found);
    }
    return XBTAB_OK;
}

xbtab_status xbtab__samples_check(const xbtab_tables *tables, const char *path)
{
    findings f = {0};
    XBTAB_TRY(check_codes(tables, path));
    double *ideal = xbtab__alloc(tables->columns, sizeof *ideal);
    if (!ideal) return XBTAB_NOMEM();
    xbtab_status status = look(tables, path, &f, ideal);
    xbtab__free(ideal);
    if (status == XBTAB_OK) status = compare(tables, path, &f);
    return status;
}
