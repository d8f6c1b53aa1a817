/* csv.h - a matrix of numbers from a CSV file without a header. */
#ifndef XBTAB_CLI_CSV_H
#define XBTAB_CLI_CSV_H

#include <stddef.h>

/** x[rows][columns]; free(x). */
typedef struct cli_matrix {
    double *x;
    size_t rows, columns;
} cli_matrix;

/** Read one. Numbers may be "inf"; commas, blanks and tabs separate. One line on stderr where it cannot be
 * read.
 *  @return an exit code. */
int cli_read_csv(cli_matrix *out, const char *path);

#endif
