/* step3_tile.c - one tile programmed on the tables, and one product on it beside the ideal one. */
#include <stdio.h>
#include <stdlib.h>

#include <xbartab/xbartab.h>

/* One product of a tile whose levels rise from bit line to bit line, all word lines driven. */
static xbtab_status product(const xbtab_engine_type *engine, const xbtab_technology *technology, int32_t *acc)
{
    const xbtab_tables *t = xbtab_technology_tables(technology);
    const xbtab_engine_setup setup = {.technology = technology};
    uint8_t *level = calloc(t->rows * t->columns, sizeof *level);
    uint16_t *x = calloc(t->rows, sizeof *x);
    xbtab_product_counts counts = {0};
    void *state = NULL;
    xbtab_status status = level && x ? XBTAB_OK : XBTAB_ERR_NOMEM;
    for (size_t c = 0; status == XBTAB_OK && c < t->rows * t->columns; c++)
        level[c] = (uint8_t)(c % t->columns * t->n_levels / t->columns);
    for (size_t i = 0; status == XBTAB_OK && i < t->rows; i++) x[i] = 1;
    const xbtab_cells cells = {.rows = t->rows, .columns = t->columns, .level = level};
    if (status == XBTAB_OK) status = engine->program(&state, &setup, &cells);
    if (status == XBTAB_OK) status = engine->product(state, x, 1, 1, NULL, acc, &counts);
    engine->clear(state);
    free(level);
    free(x);
    return status;
}

int main(int argc, char **argv)
{
    xbtab_tables *tables = NULL;
    xbtab_technology *technology = NULL;
    int32_t *acc[2] = {NULL, NULL};
    if (argc != 2) return puts("usage: step3_tile TABLES.h5"), 2;
    xbtab_status status = xbtab_tables_open(&tables, argv[1]);
    if (status == XBTAB_OK) status = xbtab_technology_create(&technology, tables);
    const xbtab_engine_type *const engines[2] = {xbtab_engine_find("ideal"), xbtab_engine_find("table")};
    for (int k = 0; k < 2 && status == XBTAB_OK; k++) {
        size_t bytes = xbtab_engine_stride(tables->columns) * sizeof *acc[k];
        acc[k] = aligned_alloc(64, (bytes + 63) / 64 * 64);
        for (size_t j = 0; acc[k] && j < xbtab_engine_stride(tables->columns); j++) acc[k][j] = 0;
        status = acc[k] ? product(engines[k], technology, acc[k]) : XBTAB_ERR_NOMEM;
    }
    for (size_t j = 0; status == XBTAB_OK && j < tables->columns; j += tables->columns / 4)
        printf("bit line %zu: code %d, ideally %d\n", j, (int)acc[1][j], (int)acc[0][j]);
    if (status < 0) fprintf(stderr, "%s\n", xbtab_error_message());
    free(acc[0]);
    free(acc[1]);
    xbtab_technology_destroy(&technology);
    xbtab_tables_destroy(&tables);
    return status < 0;
}
