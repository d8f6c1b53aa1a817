/* csv.c - a matrix of numbers from a CSV file without a header. */
#include "csv.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cli.h"

/* 4096 x 4096 cells, the largest tile. */
enum { MOST_NUMBERS = 1 << 24 };

static int read_line(cli_matrix *m, size_t *room, const char *line, const char *path, size_t number)
{
    size_t columns = 0;
    for (const char *at = line + strspn(line, " \t"); *at && *at != '\n' && *at != '\r';) {
        char *end;
        double value = strtod(at, &end);
        size_t blanks = strspn(end, " \t");
        char after = end[blanks];
        bool is_last = after == '\0' || after == '\n' || after == '\r';
        if (end == at || isnan(value) || (after != ',' && !is_last && blanks == 0)) {
            return cli_fail("%s:%zu: column %zu is not a number: %.20s", path, number, columns + 1, at);
        }
        if (m->rows * m->columns + columns == *room) {
            *room = *room ? 2 * *room : 1024;
            double *grown = *room > 2u * MOST_NUMBERS ? NULL : realloc(m->x, *room * sizeof *grown);
            if (!grown) return cli_fail("%s: too many numbers", path);
            m->x = grown;
        }
        m->x[m->rows * m->columns + columns++] = value;
        at = end + blanks + (after == ',');
        at += strspn(at, " \t");
    }
    if (columns == 0) return CLI_DONE; /* an empty line */
    if (m->rows > 0 && columns != m->columns) {
        return cli_fail("%s:%zu: %zu columns; the lines before have %zu", path, number, columns, m->columns);
    }
    m->columns = columns;
    m->rows++;
    return CLI_DONE;
}

int cli_read_csv(cli_matrix *out, const char *path)
{
    cli_matrix m = {0};
    size_t room = 0, number = 0, length = 0;
    char *line = NULL;
    int code = CLI_DONE;
    struct stat info;
    if (stat(path, &info) == 0 && !S_ISREG(info.st_mode)) return cli_fail("%s: is not a regular file", path);
    FILE *file = fopen(path, "r");
    if (!file) return cli_fail("%s: cannot open: %s", path, strerror(errno));
    while (code == CLI_DONE && getline(&line, &length, file) >= 0)
        code = read_line(&m, &room, line, path, ++number);
    if (code == CLI_DONE && m.rows == 0) code = cli_fail("%s: no numbers in it", path);
    fclose(file);
    free(line);
    if (code != CLI_DONE) {
        free(m.x);
        return code;
    }
    *out = m;
    return CLI_DONE;
}
