/* tile_power.c - a tile's own power from the effective matrix and two factors. */
#include "tile_power.h"

#include <math.h>

#include "memory.h"
#include "technology.h"

/* What word line i draws at a code [W]. */
static double row_power(const xbtab_tile *tile, const xbtab_technology *technology, size_t code, size_t i)
{
    const double *A = tile->A + (code * tile->rows + i) * tile->columns;
    double I = 0;
    for (size_t j = 0; j < tile->columns; j++) I += A[j];
    return I * xbtab_technology_drive(technology, i, (int)code);
}

double xbtab__effective_power(const xbtab_tile *tile, const xbtab_technology *technology, const uint8_t *code)
{
    double P = 0;
    for (size_t i = 0; i < tile->rows; i++) P += row_power(tile, technology, code[i], i);
    return P;
}

xbtab_status xbtab__tile_power_init(xbtab__tile_power *out, const xbtab_technology *technology,
                                    const xbtab_tile *tile)
{
    xbtab__tile_power p = {.rows = tile->rows, .n_codes = tile->n_codes, .c = {1, 0}};
    p.P = xbtab__alloc(p.n_codes * p.rows, sizeof *p.P);
    if (!p.P) return XBTAB_NOMEM();
    for (size_t k = 0; k < p.n_codes; k++) {
        for (size_t i = 0; i < p.rows; i++)
            p.P[k * p.rows + i] = technology->tables->energy.scale * row_power(tile, technology, k, i);
    }
    *out = p;
    return XBTAB_OK;
}

void xbtab__tile_power_clear(xbtab__tile_power *power)
{
    xbtab__free(power->P);
    *power = (xbtab__tile_power){0};
}

double xbtab__tile_power_of(const xbtab__tile_power *power, const uint8_t *code, size_t rows)
{
    const double most = (double)power->rows * (double)(power->n_codes - 1);
    double P = 0, sum = 0;
    for (size_t i = 0; i < power->rows; i++) {
        size_t k = i < rows ? code[i] : 0;
        P += power->P[k * power->rows + i];
        sum += (double)k;
    }
    return P * (power->c[0] + power->c[1] * (sum / most));
}

/* The normal equations of P = P_model (c0 + c1 a), inverted. */
typedef struct inverse {
    double h[3]; /* 00, 01, 11 */
    double c[2];
    bool is_regular;
} inverse;

static inverse solve_for_factors(const xbtab__power_sample *s, size_t n)
{
    double h00 = 0, h01 = 0, h11 = 0, b0 = 0, b1 = 0;
    for (size_t k = 0; k < n; k++) {
        const double x0 = s[k].P_model, x1 = x0 * s[k].a;
        h00 += x0 * x0;
        h01 += x0 * x1;
        h11 += x1 * x1;
        b0 += x0 * s[k].P;
        b1 += x1 * s[k].P;
    }
    const double d = h00 * h11 - h01 * h01;
    inverse r = {.is_regular = d > 1e-9 * h00 * h11};
    if (!r.is_regular) return r;
    r.h[0] = h11 / d;
    r.h[1] = -h01 / d;
    r.h[2] = h00 / d;
    r.c[0] = r.h[0] * b0 + r.h[1] * b1;
    r.c[1] = r.h[1] * b0 + r.h[2] * b1;
    return r;
}

typedef struct error_of_power {
    double squares, most;
} error_of_power;

/* With factors c. A solution that the fit has seen counts as if it had not: its residual over one less its own
 * weight in the fit (the diagonal of the hat matrix); r is NULL where none was seen. */
static error_of_power measure(const xbtab__power_sample *s, size_t n, const double *c, const inverse *r)
{
    double squares[2] = {0}, most = 0;
    size_t counted[2] = {0};
    for (size_t k = 0; k < n; k++) {
        const double x = s[k].P_model, a = s[k].a;
        double e = s[k].P - x * (c[0] + c[1] * a);
        if (r) {
            double weight = x * x * (r->h[0] + 2 * r->h[1] * a + r->h[2] * a * a);
            e /= fmax(1 - weight, 1e-3);
        }
        squares[s[k].is_extreme] += e * e;
        counted[s[k].is_extreme]++;
        most = fmax(most, fabs(e));
    }
    for (int kind = 0; kind < 2; kind++) squares[kind] /= (double)(counted[kind] ? counted[kind] : 1);
    return (error_of_power){fmax(squares[0], squares[1]), most};
}

void xbtab__tile_power_fit(xbtab__tile_power *power, const xbtab__power_sample *s, size_t n)
{
    static const double as_it_is[2] = {1, 0};
    const inverse r = solve_for_factors(s, n);
    error_of_power best = measure(s, n, as_it_is, NULL);
    power->c[0] = 1;
    power->c[1] = 0;
    if (r.is_regular) {
        const error_of_power fitted = measure(s, n, r.c, &r);
        if (fitted.squares < best.squares) {
            power->c[0] = r.c[0];
            power->c[1] = r.c[1];
            best = fitted;
        }
    }
    power->squares = best.squares;
    power->most = best.most;
}
