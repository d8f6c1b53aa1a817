/* grid.h - a grid of numbers from a text table. */
#ifndef XBARTAB_GRID_H
#define XBARTAB_GRID_H

#include <stddef.h>

#include <xbartab/status.h>

#ifdef __cplusplus
extern "C" {
#endif

/** x[rows][columns]; line[rows] is where each row stands in its file, NULL if it came from none. */
typedef struct xbtab_grid {
    size_t rows, columns;
    double *x;
    size_t *line;
} xbtab_grid;

/** Room for one, zeroed. @param[out] out  end with xbtab_grid_clear(). @return XBTAB_ERR_NOMEM. */
xbtab_status xbtab_grid_create(xbtab_grid *out, size_t rows, size_t columns) XBTAB_MUST_CHECK;

/** Read one from a file without a header, plain or gzip: commas, semicolons, tabs or blanks between numbers,
 *  decimal commas where no commas separate; lines that begin with # or % are comments.
 *  @param[out] out       end with xbtab_grid_clear(). Untouched on failure.
 *  @param      takes_inf 1: a number may be "inf", which is INFINITY.
 *  @return XBTAB_ERR_IO (missing, no regular file), XBTAB_ERR_INPUT (the message names file, line and column:
 * no number, not as many as in the lines before; more than 2^24 numbers or 256 MB of text), XBTAB_ERR_NOMEM.
 */
xbtab_status xbtab_grid_read(xbtab_grid *out, const char *path, int takes_inf) XBTAB_MUST_CHECK;

/** Free a grid and zero it. */
void xbtab_grid_clear(xbtab_grid *grid);

#ifdef __cplusplus
}
#endif
#endif
