/* crossbar_table.c - one crossbar as the table engine has it, in double precision. */
#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "engine_private.h"
#include "memory.h"

/* The DAC code, or the number of the gate voltage, of a word line's voltage. */
static xbtab_status code_of(uint8_t *code, const xbtab_crossbar *c, size_t i, double V)
{
    const xbtab_tables *t = xbtab_technology_tables(c->technology);
    const int n = 1 << t->dac_bits;
    const bool has_gates = xbtab_array_has_gates(&t->array);
    for (int k = 0; k < n; k++) {
        double wanted = has_gates ? t->cell.V_gate[k] : xbtab_technology_drive(c->technology, i, k);
        if (fabs(V - wanted) > 1e-9) continue;
        *code = (uint8_t)k;
        return XBTAB_OK;
    }
    XBTAB_FAIL(XBTAB_ERR_INPUT, "word line %zu: %g V is none of the tables' %d input voltages", i, V, n);
}

/* A tile's engine and its effective matrix. */
typedef struct bench {
    void *state;
    xbtab_tile *tile;
    double *G, *y; /* G of the whole array */
    uint8_t *code;
} bench;

static void bench_clear(bench *b)
{
    xbtab_engine_table.clear(b->state);
    xbtab_tile_destroy(&b->tile);
    xbtab__free(b->G);
    xbtab__free(b->y);
    xbtab__free(b->code);
}

static xbtab_status bench_init(bench *b, const xbtab_crossbar *c)
{
    const xbtab_tables *t = xbtab_technology_tables(c->technology);
    const xbtab_engine_setup setup = {.technology = c->technology};
    const xbtab_cells cells = {.rows = c->rows, .columns = c->columns, .G = c->G};
    b->y = xbtab__alloc(t->columns, sizeof *b->y);
    b->code = xbtab__alloc(t->rows, 1);
    if (!b->y || !b->code) return XBTAB_NOMEM();
    XBTAB_TRY(xbtab__engine_conductances(&b->G, t, &cells));
    XBTAB_TRY(xbtab_tile_create(&b->tile, c->technology, b->G, t->rows, t->columns));
    return xbtab_engine_table.program(&b->state, &setup, &cells);
}

xbtab_status xbtab_crossbar_table(double *I_out, double *P_out, xbtab_table_report *report,
                                  const xbtab_crossbar *c, const double *V, size_t n)
{
    const xbtab_tables *t = xbtab_technology_tables(c->technology);
    xbtab_status status;
    bench b = {0};
    XBTAB_TRY_DONE(bench_init(&b, c));
    for (size_t v = 0; v < n; v++) {
        double a = 0;
        memset(b.code, 0, t->rows);
        for (size_t i = 0; i < c->rows; i++) {
            XBTAB_TRY_DONE(code_of(&b.code[i], c, i, V[i * n + v]));
            a += b.code[i] / ((double)t->rows * ((1 << t->dac_bits) - 1));
        }
        if (P_out) P_out[v] = xbtab_engine_table_power(b.state, b.code);
        xbtab_tile_product(b.tile, b.code, b.y);
        for (size_t j = 0; j < c->columns; j++)
            I_out[v * c->columns + j] = xbtab__engine_table_current(b.state, b.y[j], a, j);
    }
    xbtab_engine_table_report(b.state, report);
    status = XBTAB_OK;
done:
    bench_clear(&b);
    return status;
}
