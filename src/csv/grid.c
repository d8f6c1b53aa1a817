/* grid.c - a grid of numbers from a text table. */
#include <xbartab/grid.h>

#include <math.h>
#include <stdint.h>
#include <stdio.h>

#include "csv.h"
#include "memory.h"

/* 4096 x 4096 cells, the largest tile. */
enum { MOST_NUMBERS = 1 << 24 };

xbtab_status xbtab_grid_create(xbtab_grid *out, size_t rows, size_t columns)
{
    *out = (xbtab_grid){.rows = rows, .columns = columns};
    if (columns > 0 && rows <= SIZE_MAX / columns) out->x = xbtab__alloc(rows * columns, sizeof *out->x);
    return out->x ? XBTAB_OK : XBTAB_NOMEM();
}

/* Rows as they come; room for n_room of them. */
static xbtab_status grow(xbtab_grid *m, size_t *room)
{
    if (m->rows < *room) return XBTAB_OK;
    size_t more = *room ? 2 * *room : 64;
    double *x = more > SIZE_MAX / m->columns ? NULL : xbtab__realloc(m->x, more * m->columns, sizeof *x);
    if (!x) return XBTAB_NOMEM();
    m->x = x;
    size_t *line = xbtab__realloc(m->line, more, sizeof *line);
    if (!line) return XBTAB_NOMEM();
    m->line = line;
    *room = more;
    return XBTAB_OK;
}

static xbtab_status read_row(xbtab_grid *m, xbtab__csv *t, size_t *room, int takes_inf)
{
    char what[32];
    int n = t->n;
    if (n > 1 && t->delimiter != ' ' && !t->field[n - 1][0]) n--; /* a delimiter may end a line, too */
    if (m->rows == 0) m->columns = (size_t)n;
    if ((size_t)n != m->columns) {
        XBTAB_FAIL(XBTAB_ERR_INPUT, "%s:%zu: %d columns; the lines before have %zu", t->path, t->line, n,
                   m->columns);
    }
    if ((m->rows + 1) * m->columns > MOST_NUMBERS)
        XBTAB_FAIL(XBTAB_ERR_INPUT, "%s:%zu: more than %d numbers", t->path, t->line, MOST_NUMBERS);
    XBTAB_TRY(grow(m, room));
    for (int k = 0; k < n; k++) {
        double *x = &m->x[m->rows * m->columns + (size_t)k];
        if (takes_inf && xbtab__csv_is_infinite(t, k)) {
            *x = INFINITY;
            continue;
        }
        snprintf(what, sizeof what, "value in column %d", k + 1);
        XBTAB_TRY(xbtab__csv_number(x, t, k, what));
    }
    m->line[m->rows++] = t->line;
    return XBTAB_OK;
}

xbtab_status xbtab_grid_read(xbtab_grid *out, const char *path, int takes_inf)
{
    xbtab__csv t;
    xbtab_grid m = {0};
    size_t room = 0;
    const xbtab__csv_options options = {.header = XBTAB__CSV_HEADER_NO};
    xbtab_status status = xbtab__csv_open(&t, path, &options);
    while (status == XBTAB_OK) {
        status = xbtab__csv_next(&t);
        if (status < 0 || t.n == 0) break;
        status = read_row(&m, &t, &room, takes_inf);
        if (status < 0 && m.rows == 0 && !t.is_table)
            status = xbtab__error_set(status, "%s; the file must have numbers only, without a header",
                                      xbtab_error_message());
    }
    xbtab__csv_close(&t);
    if (status == XBTAB_OK) {
        *out = m;
    } else {
        xbtab_grid_clear(&m);
    }
    return status;
}

void xbtab_grid_clear(xbtab_grid *m)
{
    xbtab__free(m->x);
    xbtab__free(m->line);
    *m = (xbtab_grid){0};
}
