/* csv.h - tables of numbers as people's programs write them: rows of fields, perhaps under a header.
 *
 * Plain text or gzip. Commas, semicolons, tabs or blanks separate, whichever the first row has (a line
 * "sep=;" says so); LF, CR LF or CR end a line; a UTF-8 byte order mark is dropped, UTF-16 is refused. Lines
 * that begin with # or % are comments. A field may stand in double quotes. Numbers are decimal; their mark is
 * a point, or a comma where commas do not separate, and one mark in all of a file. The first row is a header
 * if it has a word where a number is due: what begins like a number, and "nan" and its like, is a broken
 * number and no word. A row of words under the header holds units.
 *
 * Bounds: 256 MB of text once unpacked, 2^20 columns. Time is linear in the text, memory twice the text and a
 * pointer a column. Only regular files are read. Of what a file holds, messages show the names of columns and
 * fields that are meant as numbers, and those only of files that are tables: see xbtab__csv_name(). */
#ifndef XBTAB_BASE_CSV_H
#define XBTAB_BASE_CSV_H

#include <stdbool.h>
#include <stddef.h>

#include "check.h"

enum { XBTAB__CSV_LARGEST = 1 << 28, XBTAB__CSV_MOST_COLUMNS = 1 << 20, XBTAB__CSV_NAME_SIZE = 168 };

typedef enum xbtab__csv_header {
    XBTAB__CSV_HEADER_AUTO = 0,
    XBTAB__CSV_HEADER_YES = 1,
    XBTAB__CSV_HEADER_NO = 2
} xbtab__csv_header;

/** Zero is the default of each. */
typedef struct xbtab__csv_options {
    char delimiter; /* \t , ; or a blank for any run of blanks (0 = found) */
    xbtab__csv_header header;
    int decisive; /* column from 1 whose word makes the first row a header (0 = any column's) */
} xbtab__csv_options;

/** A table being read. Columns count from 0; text lives until xbtab__csv_close(). */
typedef struct xbtab__csv {
    const char *path; /* borrowed; for messages */
    char delimiter;
    size_t line;  /* of the row, from 1 */
    int n;        /* fields of the row; 0 = the file is at its end */
    char **field; /* field[n], without quotes and blanks around */
    int n_names;  /* columns of the header; 0 = there is none */
    char **name;  /* name[n_names], as written */
    size_t header_line;
    int n_units; /* columns of the row of units; 0 = there is none */
    char **unit; /* unit[n_units] */
    size_t unit_line;
    bool is_table; /* half of the first row of data are numbers, or more */
    /* of the reader itself */
    char *text, *at;
    size_t next_line, decimal_line;
    int room, width;
    char decimal;
    bool is_held, has_numbers;
} xbtab__csv;

/** Open a file and read its header, if it has one. @param[out] t  end with xbtab__csv_close(), failed or not.
 *  @return XBTAB_ERR_IO (missing, unreadable, no regular file), XBTAB_ERR_INPUT (the message names the line),
 *  XBTAB_ERR_NOMEM. */
xbtab_status xbtab__csv_open(xbtab__csv *t, const char *path,
                             const xbtab__csv_options *options) XBTAB_MUST_CHECK;

/** The same of n bytes in memory, which are copied. @param path  for messages. */
xbtab_status xbtab__csv_open_text(xbtab__csv *t, const char *path, const char *text, size_t n,
                                  const xbtab__csv_options *options) XBTAB_MUST_CHECK;
void xbtab__csv_close(xbtab__csv *t);

/** The next row of data; n = 0 at the end. @return XBTAB_ERR_INPUT (an open quote, too many columns). */
xbtab_status xbtab__csv_next(xbtab__csv *t) XBTAB_MUST_CHECK;

/** A number of the row. @param what  the quantity, for messages. @return XBTAB_ERR_INPUT: there is no such
 * column, or it is no finite decimal number. */
xbtab_status xbtab__csv_number(double *out, xbtab__csv *t, int column, const char *what) XBTAB_MUST_CHECK;

/** Whether a field of the row says infinity. */
bool xbtab__csv_is_infinite(const xbtab__csv *t, int column);

/** Whether there is nothing in a column of the row. */
bool xbtab__csv_is_empty(const xbtab__csv *t, int column);

/** A column for messages: its name, printable and cut, or "column 3" where it has none that may be shown.
 *  @param[out] out  XBTAB__CSV_NAME_SIZE. @return out. */
char *xbtab__csv_name(char *out, const xbtab__csv *t, int column);

/** All names for messages, "V, I", cut to size; "none that could be a name" where none may be shown.
 * @return out. */
char *xbtab__csv_names(char *out, size_t size, const xbtab__csv *t);

#endif
