/* sweep_file.c - the rows of a sweep as a CSV file that one sweep writes at a time. */
#include "sweep_private.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <xbartab/output.h>

#include "memory.h"

static const char *const figure_names[XBTAB_SWEEP_FIGURES] = {"adc_bits",        "adc_bits_needed",
                                                              "images",          "tiles",
                                                              "float",           "integer",
                                                              "ideal",           "mode_accuracy",
                                                              "heldout_rmse_fs", "tile_rmse_fs",
                                                              "energy",          "energy_uncertainty",
                                                              "latency",         "area",
                                                              "energy_delay"};

const char *xbtab_sweep_figure_name(xbtab_sweep_figure figure)
{
    return figure_names[figure];
}

/* Those that the sweep has. */
static int n_figures(const xbtab_sweep *s)
{
    return s->o.cost ? XBTAB_SWEEP_FIGURES : XBTAB_SWEEP_ENERGY;
}

/* ---- writing ---- */

static void put_field(FILE *f, const char *text)
{
    if (!strpbrk(text, ",\"\n")) {
        fputs(text, f);
        return;
    }
    fputc('"', f);
    for (; *text; text++) {
        if (*text == '"') fputc('"', f);
        fputc(*text == '\n' ? ' ' : *text, f);
    }
    fputc('"', f);
}

static void put_header(const xbtab_sweep *s, FILE *f)
{
    for (int k = 0; k < s->n_keys; k++) {
        put_field(f, s->key[k].key);
        fputc(',', f);
    }
    for (int k = 0; k < n_figures(s); k++) fprintf(f, "%s,", figure_names[k]);
    fprintf(f, "%sstatus,run\n", s->o.cost ? "pareto," : "");
}

/* The front is one of all rows: NULL until they are done. */
static xbtab_status find_front(unsigned char **out, const xbtab_sweep *s)
{
    for (int r = 0; r < s->n_rows; r++)
        if (!s->row[r].is_done) return XBTAB_OK;
    if (!s->o.cost) return XBTAB_OK;
    unsigned char *front = xbtab__alloc((size_t)s->n_rows, sizeof *front);
    if (!front) return XBTAB_NOMEM();
    *out = front;
    return xbtab_sweep_front(s, s->o.front, front);
}

static void put_row(const xbtab_sweep *s, FILE *f, const xbtab_sweep_row *row, const unsigned char *front)
{
    for (int k = 0; k < s->n_keys; k++) {
        put_field(f, s->key[k].value[row->choice[k]]);
        fputc(',', f);
    }
    for (int k = 0; k < n_figures(s); k++) {
        if (!isnan(row->figure[k])) fprintf(f, "%.17g", row->figure[k]);
        fputc(',', f);
    }
    if (front) fputc(front[row - s->row] ? '1' : '0', f);
    if (s->o.cost) fputc(',', f);
    put_field(f, row->status);
    fprintf(f, ",%016" PRIx64 "\n", s->run);
}

xbtab_status xbtab__sweep_write(const xbtab_sweep *s)
{
    xbtab_output *output = NULL;
    unsigned char *front = NULL;
    xbtab_status status = find_front(&front, s);
    if (status == XBTAB_OK) status = xbtab_output_open(&output, s->o.csv);
    FILE *f = status == XBTAB_OK ? xbtab_output_stream(output) : NULL;
    if (f) put_header(s, f);
    for (int r = 0; f && r < s->n_rows; r++)
        if (s->row[r].is_done) put_row(s, f, &s->row[r], front);
    xbtab__free(front);
    return f ? xbtab_output_finish(&output) : status;
}

/* ---- reading ---- */

/* The next field of a line, unquoted in place; NULL at its end. */
static char *next_field(char **at)
{
    char *from = *at, *to = from;
    if (!from) return NULL;
    if (*from == '"') {
        for (from++; *from && !(*from == '"' && from[1] != '"'); from++) {
            if (*from == '"') from++;
            *to++ = *from;
        }
        if (*from) from++;
    } else {
        to = from += strcspn(from, ",\n");
    }
    char *field = *at;
    *at = *from == ',' ? from + 1 : NULL;
    *to = '\0';
    return field;
}

/* Whether the line is a point of this grid; it is then done. */
static bool take_line(xbtab_sweep *s, char *line)
{
    xbtab_sweep_row found = {.is_done = 1};
    char *at = line;
    int index = 0;
    for (int k = 0; k < s->n_keys; k++) {
        const char *field = next_field(&at);
        int v = 0;
        while (field && v < s->key[k].n && strcmp(s->key[k].value[v], field) != 0) v++;
        if (!field || v == s->key[k].n) return false;
        found.choice[k] = v;
        index = index * s->key[k].n + v;
    }
    for (int k = 0; k < XBTAB_SWEEP_FIGURES; k++) {
        const char *field = k < n_figures(s) ? next_field(&at) : "";
        if (!field) return false;
        found.figure[k] = *field ? strtod(field, NULL) : NAN;
    }
    if (s->o.cost) (void)next_field(&at); /* the front is found anew */
    const char *status = next_field(&at);
    snprintf(found.status, sizeof found.status, "%s", status ? status : "");
    const char *run = next_field(&at);
    if (!run || strtoull(run, NULL, 16) != s->run) return false;
    s->row[index] = found;
    return true;
}

/* Whether the file's first line is the one that this sweep writes. */
static xbtab_status check_header(const xbtab_sweep *s, const char *line)
{
    char *header = NULL;
    size_t n = 0;
    FILE *memory = open_memstream(&header, &n);
    if (memory) put_header(s, memory);
    if (!memory || fclose(memory) != 0) {
        free(header);
        XBTAB_FAIL(XBTAB_ERR_NOMEM, "out of memory");
    }
    bool is_same = line && strcmp(line, header) == 0;
    free(header);
    if (is_same) return XBTAB_OK;
    XBTAB_FAIL(XBTAB_ERR_INPUT, "%s: is no file of this sweep; give another -o", s->o.csv);
}

xbtab_status xbtab__sweep_read(xbtab_sweep *s)
{
    char *line = NULL, told[4200];
    size_t room = 0;
    int kept = 0;
    FILE *f = fopen(s->o.csv, "r");
    if (!f && errno == ENOENT) return XBTAB_OK;
    if (!f) XBTAB_FAIL(XBTAB_ERR_IO, "%s: cannot read: %s", s->o.csv, strerror(errno));
    xbtab_status status = check_header(s, getline(&line, &room, f) < 0 ? NULL : line);
    while (status == XBTAB_OK && getline(&line, &room, f) > 0) {
        if (take_line(s, line))
            kept++;
        else
            status = xbtab__error_set(XBTAB_ERR_INPUT, "%s: line %d is of another sweep; give another -o",
                                      s->o.csv, kept + 2);
    }
    fclose(f);
    free(line);
    if (status < 0 || !kept || !s->o.note) return status;
    snprintf(told, sizeof told, "%s: %d finished rows are kept", s->o.csv, kept);
    s->o.note(told, s->o.payload);
    return XBTAB_OK;
}

/* ---- one sweep at a time ---- */

/* Whether the file under the name is still the opened one, not a later run's. */
static bool is_named(const char *name, int file)
{
    struct stat opened, named;
    return fstat(file, &opened) == 0 && stat(name, &named) == 0 && opened.st_dev == named.st_dev &&
           opened.st_ino == named.st_ino;
}

xbtab_status xbtab__sweep_lock(int *lock, const char *path)
{
    char name[4200];
    snprintf(name, sizeof name, "%s.lock", path);
    for (;;) {
        int file = open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
        if (file < 0) XBTAB_FAIL(XBTAB_ERR_IO, "%s: cannot write: %s", path, strerror(errno));
        if (flock(file, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
            close(file);
            XBTAB_FAIL(XBTAB_ERR_IO, "%s: another run is writing it", path);
        }
        if (is_named(name, file)) { /* a file system without locks is taken as it is */
            *lock = file;
            return XBTAB_OK;
        }
        close(file);
    }
}

void xbtab__sweep_unlock(int lock, const char *path)
{
    char name[4200];
    snprintf(name, sizeof name, "%s.lock", path);
    unlink(name);
    close(lock);
}
