/* measured_csv.c - measured pulse data from CSV files; write_measured.c says what they look like. */
#include "measured_csv.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "file.h"
#include "memory.h"
#include "quantity.h"
#include "text.h"

enum { LARGEST_FILE = 256 << 20, MOST_COLUMNS = 100000, NAME_SIZE = 64, SHORTEST_STRETCH = 16 /* pulses */ };

/* Columns of a file with a line a pulse; -1 = it has none. */
typedef struct columns {
    int value, device, pulse, kind, amplitude, width;
    char unit[NAME_SIZE]; /* of the value, with its prefix */
    char amplitude_unit[NAME_SIZE], width_unit[NAME_SIZE];
    xbtab_write_quantity quantity;
    bool is_list; /* a line a pulse; else a column a run */
} columns;

typedef struct reader {
    xbtab__runs *runs;
    const xbtab_write_source *source;
    const char *path;
    size_t line;
    columns columns;
    /* a list's run so far */
    char device[NAME_SIZE];
    double before, last_pulse;
    size_t run;
    /* a table's runs so far */
    double *last; /* last[n_last]; NAN = interrupted */
    int n_last;
} reader;

void xbtab__runs_clear(xbtab__runs *runs)
{
    xbtab__free(runs->step);
    xbtab__free(runs->pulse);
    xbtab__free(runs->source);
    *runs = (xbtab__runs){0};
}

static bool same(double a, double b)
{
    return (isnan(a) && isnan(b)) || a == b;
}

static xbtab_status find_pulse(size_t *out, xbtab__runs *runs, const xbtab_pulse *p)
{
    for (size_t k = 0; k < runs->n_pulses; k++) {
        const xbtab_pulse *q = &runs->pulse[k];
        if (q->kind == p->kind && same(q->amplitude, p->amplitude) && same(q->width, p->width) &&
            same(q->v_gate, p->v_gate)) {
            *out = k;
            return XBTAB_OK;
        }
    }
    xbtab_pulse *grown = xbtab__realloc(runs->pulse, runs->n_pulses + 1, sizeof *grown);
    if (!grown) return XBTAB_NOMEM();
    runs->pulse = grown;
    runs->pulse[runs->n_pulses] = *p;
    *out = runs->n_pulses++;
    return XBTAB_OK;
}

static xbtab_status add_step(reader *r, const xbtab_pulse *pulse, size_t run, double before, double after)
{
    xbtab__runs *runs = r->runs;
    if (runs->n_steps == runs->room) {
        size_t room = runs->room ? 2 * runs->room : 1024;
        xbtab__step *grown = xbtab__realloc(runs->step, room, sizeof *grown);
        if (!grown) return XBTAB_NOMEM();
        runs->step = grown;
        runs->room = room;
    }
    size_t p = 0;
    XBTAB_TRY(find_pulse(&p, runs, pulse));
    runs->step[runs->n_steps] = (xbtab__step){run, p, runs->n_steps, 0, before, after};
    runs->n_steps++;
    return XBTAB_OK;
}

static xbtab_status fail(const reader *r, const char *what, const char *cell)
{
    XBTAB_FAIL(XBTAB_ERR_INPUT, "%s:%zu: %s: \"%.40s\"", r->path, r->line, what, cell);
}

static xbtab_status number(double *out, const reader *r, const char *cell)
{
    char *end;
    *out = strtod(cell, &end);
    if (end == cell || *end || !isfinite(*out)) return fail(r, "not a number", cell);
    return XBTAB_OK;
}

/* A value of the file as a conductance [S]. */
static xbtab_status conductance(double *out, const reader *r, const char *cell)
{
    static const char *const units[] = {"S", "ohm", "A"};
    const xbtab_write_source *s = r->source;
    double x;
    XBTAB_TRY(number(&x, r, cell));
    if (r->columns.quantity != XBTAB_WRITE_NORMALIZED && r->columns.unit[0]) {
        char text[2 * NAME_SIZE];
        snprintf(text, sizeof text, "%.17g %s", x, r->columns.unit);
        const char *why = xbtab__quantity_parse(&x, text, units[r->columns.quantity]);
        if (why) return fail(r, why, text);
    }
    switch (r->columns.quantity) {
    case XBTAB_WRITE_RESISTANCE:
        x = 1.0 / x;
        break;
    case XBTAB_WRITE_CURRENT:
        if (!(fabs(s->voltage) > 0)) return fail(r, "currents need the voltage they were read at", cell);
        x /= s->voltage;
        break;
    case XBTAB_WRITE_NORMALIZED:
        x = s->G_low + (x - s->low) / (s->high - s->low) * (s->G_high - s->G_low);
        break;
    default:
        break;
    }
    if (!(x > 0 && isfinite(x))) return fail(r, "no conductance above 0", cell);
    *out = x;
    return XBTAB_OK;
}

/* ---- lines ---- */

/* Cells of a line, in place, without blanks around them. */
static int split(char *line, char **cell)
{
    int n = 0;
    for (char *at = line; at && n < MOST_COLUMNS;) {
        char *next = strchr(at, ',');
        if (next) *next++ = '\0';
        at += strspn(at, " \t\"");
        size_t length = strlen(at);
        while (length > 0 && strchr(" \t\r\"", at[length - 1])) at[--length] = '\0';
        cell[n++] = at;
        at = next;
    }
    return n;
}

/* "name [unit]" or "name (unit)" into two. */
static void split_name(const char *cell, char *name, char *unit)
{
    size_t n = strcspn(cell, "[(");
    const char *inside = cell[n] ? cell + n + 1 : "";
    snprintf(unit, NAME_SIZE, "%.*s", (int)strcspn(inside, ")]"), inside);
    while (n > 0 && isspace((unsigned char)cell[n - 1])) n--;
    snprintf(name, NAME_SIZE, "%.*s", (int)n, cell);
}

static xbtab_status read_header(reader *r, char **cell, int n)
{
    static const struct {
        const char *name;
        xbtab_write_quantity quantity;
    } values[] = {{"conductance", XBTAB_WRITE_CONDUCTANCE}, {"g", XBTAB_WRITE_CONDUCTANCE},
                  {"resistance", XBTAB_WRITE_RESISTANCE},   {"r", XBTAB_WRITE_RESISTANCE},
                  {"current", XBTAB_WRITE_CURRENT},         {"i", XBTAB_WRITE_CURRENT}};
    columns *c = &r->columns;
    for (int k = 0; k < n; k++) {
        char name[NAME_SIZE], unit[NAME_SIZE];
        split_name(cell[k], name, unit);
        for (size_t v = 0; v < sizeof values / sizeof values[0] && c->value < 0; v++) {
            if (strcasecmp(name, values[v].name) != 0) continue;
            c->value = k;
            c->quantity = values[v].quantity;
            memcpy(c->unit, unit, sizeof c->unit);
        }
        if (strcasecmp(name, "device") == 0) c->device = k;
        if (strcasecmp(name, "pulse") == 0) c->pulse = k;
        if (strcasecmp(name, "kind") == 0) c->kind = k;
        if (strcasecmp(name, "amplitude") == 0) {
            c->amplitude = k;
            memcpy(c->amplitude_unit, unit, sizeof c->amplitude_unit);
        }
        if (strcasecmp(name, "width") == 0) {
            c->width = k;
            memcpy(c->width_unit, unit, sizeof c->width_unit);
        }
    }
    c->is_list = c->value >= 0;
    if (c->is_list && c->kind < 0 && r->source->kind < 0) {
        XBTAB_FAIL(XBTAB_ERR_INPUT,
                   "%s:%zu: which kind are its pulses? add a column kind, or \"kind\" in the "
                   "specification",
                   r->path, r->line);
    }
    return XBTAB_OK;
}

static xbtab_status with_unit(double *out, const reader *r, const char *cell, const char *own,
                              const char *unit)
{
    char text[2 * NAME_SIZE];
    double x;
    XBTAB_TRY(number(&x, r, cell));
    snprintf(text, sizeof text, "%.17g %s", x, own[0] ? own : unit);
    const char *why = xbtab__quantity_parse(out, text, unit);
    return why ? fail(r, why, text) : XBTAB_OK;
}

static xbtab_status take_kind(xbtab_pulse *pulse, const reader *r, const char *cell)
{
    bool is_set = strcasecmp(cell, "set") == 0, is_reset = strcasecmp(cell, "reset") == 0;
    if (!is_set && !is_reset) return fail(r, "kind is neither set nor reset", cell);
    pulse->kind = is_set ? XBTAB_PULSE_SET : XBTAB_PULSE_RESET;
    return XBTAB_OK;
}

/* A line of a list: the conductance after its pulse. */
static xbtab_status read_pulse(reader *r, char **cell, int n)
{
    const columns *c = &r->columns;
    int most = c->value > c->kind ? c->value : c->kind;
    if (n <= most || n <= c->device || n <= c->pulse || n <= c->amplitude || n <= c->width)
        return fail(r, "too few columns", cell[0]);
    xbtab_pulse pulse = {(xbtab_pulse_kind)(r->source->kind < 0 ? 0 : r->source->kind), r->source->amplitude,
                         r->source->width, r->source->v_gate};
    double G, counter = NAN;
    XBTAB_TRY(conductance(&G, r, cell[c->value]));
    if (c->amplitude >= 0 && cell[c->amplitude][0])
        XBTAB_TRY(with_unit(&pulse.amplitude, r, cell[c->amplitude], c->amplitude_unit, "V"));
    if (c->width >= 0 && cell[c->width][0])
        XBTAB_TRY(with_unit(&pulse.width, r, cell[c->width], c->width_unit, "s"));
    if (c->pulse >= 0) XBTAB_TRY(number(&counter, r, cell[c->pulse]));
    bool is_other = c->device >= 0 && strncmp(cell[c->device], r->device, NAME_SIZE - 1) != 0;
    if (isnan(r->before) || is_other || counter <= r->last_pulse) {
        r->run = r->runs->n_runs++;
    } else {
        if (c->kind >= 0) XBTAB_TRY(take_kind(&pulse, r, cell[c->kind]));
        XBTAB_TRY(add_step(r, &pulse, r->run, r->before, G));
    }
    if (c->device >= 0) snprintf(r->device, sizeof r->device, "%s", cell[c->device]);
    r->before = G;
    r->last_pulse = counter;
    return XBTAB_OK;
}

/* A line of a table: one more pulse of every run. */
static xbtab_status read_row(reader *r, char **cell, int n)
{
    const xbtab_write_source *s = r->source;
    xbtab_pulse pulse = {(xbtab_pulse_kind)s->kind, s->amplitude, s->width, s->v_gate};
    if (r->n_last == 0) {
        r->last = xbtab__alloc((size_t)n, sizeof *r->last);
        if (!r->last) return XBTAB_NOMEM();
        r->n_last = n;
        for (int k = 0; k < n; k++) r->last[k] = NAN;
        r->run = r->runs->n_runs;
        r->runs->n_runs += s->column ? 1 : (size_t)n;
        if (s->column > n) XBTAB_FAIL(XBTAB_ERR_INPUT, "%s: has %d columns, not %d", r->path, n, s->column);
    }
    if (n > r->n_last) return fail(r, "more columns than the lines before", cell[0]);
    for (int k = 0; k < r->n_last; k++) {
        double G = NAN;
        if (s->column && k != s->column - 1) continue;
        if (k < n && cell[k][0]) XBTAB_TRY(conductance(&G, r, cell[k]));
        if (!isnan(G) && !isnan(r->last[k]))
            XBTAB_TRY(add_step(r, &pulse, r->run + (s->column ? 0 : (size_t)k), r->last[k], G));
        r->last[k] = G;
    }
    return XBTAB_OK;
}

static bool is_header(char **cell, int n)
{
    for (int k = 0; k < n; k++) {
        char *end;
        if (cell[k][0] && (strtod(cell[k], &end), end == cell[k])) return true;
    }
    return false;
}

static xbtab_status read_lines(reader *r, char *text, char **cell)
{
    bool is_first = true;
    for (char *line = text, *next; line; line = next) {
        next = strchr(line, '\n');
        if (next) *next++ = '\0';
        r->line++;
        if (line[strspn(line, " \t\r")] == '\0' || line[0] == '#') continue;
        int n = split(line, cell);
        if (is_first) {
            is_first = false;
            if (is_header(cell, n)) {
                XBTAB_TRY(read_header(r, cell, n));
                continue;
            }
        }
        if (!r->columns.is_list && r->source->kind < 0) {
            XBTAB_FAIL(XBTAB_ERR_INPUT,
                       "%s: each column is a run: say in the specification which kind its pulses "
                       "are (kind: set or reset)",
                       r->path);
        }
        XBTAB_TRY(r->columns.is_list ? read_pulse(r, cell, n) : read_row(r, cell, n));
    }
    return XBTAB_OK;
}

static xbtab_status read_file(xbtab__runs *runs, const xbtab_write_source *source, const char *path)
{
    xbtab_status status;
    char *text = NULL, **cell = xbtab__alloc(MOST_COLUMNS, sizeof *cell);
    size_t n, before = runs->n_steps;
    reader r = {.runs = runs, .source = source, .path = path, .before = NAN, .last_pulse = NAN};
    r.columns = (columns){-1, -1, -1, -1, -1, -1, "", "", "", source->quantity, false};
    if (!cell) return XBTAB_NOMEM();
    XBTAB_TRY_DONE(xbtab__file_read_gz(&text, &n, path, LARGEST_FILE));
    if (strlen(text) != n) XBTAB_FAIL_DONE(XBTAB_ERR_INPUT, "%s: holds a zero byte", path);
    XBTAB_TRY_DONE(read_lines(&r, text, cell));
    if (runs->n_steps == before) XBTAB_FAIL_DONE(XBTAB_ERR_INPUT, "%s: no two conductances in a row", path);
    if (!(runs->v_read > 0) && !isnan(source->voltage)) runs->v_read = fabs(source->voltage);
done:
    xbtab__free(text);
    xbtab__free(cell);
    xbtab__free(r.last);
    return status;
}

static int by_run(const void *a, const void *b)
{
    const xbtab__step *x = a, *y = b;
    if (x->run != y->run) return x->run < y->run ? -1 : 1;
    return x->order < y->order ? -1 : x->order > y->order;
}

/* Shares of whole runs, where there are enough of them; else of stretches, four a share in a long run. */
static void share_out(xbtab__runs *runs)
{
    bool has_many = runs->n_runs >= 2 * XBTAB__FOLDS;
    for (size_t start = 0, end; start < runs->n_steps; start = end) {
        size_t run = runs->step[start].run;
        for (end = start + 1; end < runs->n_steps && runs->step[end].run == run;) end++;
        size_t stretch = (end - start) / (4 * XBTAB__FOLDS);
        if (stretch < SHORTEST_STRETCH) stretch = SHORTEST_STRETCH;
        for (size_t k = start; k < end; k++)
            runs->step[k].fold = (int)((run + (has_many ? 0 : (k - start) / stretch)) % XBTAB__FOLDS);
    }
}

xbtab_status xbtab__runs_read(xbtab__runs *runs, const xbtab_spec *spec)
{
    xbtab__text names = {0};
    const char *slash = spec->path ? strrchr(spec->path, '/') : NULL;
    for (size_t k = 0; k < spec->write.n_sources; k++) {
        const xbtab_write_source *source = &spec->write.source[k];
        char path[4096];
        bool is_beside = source->file[0] != '/' && slash;
        snprintf(path, sizeof path, "%.*s%s", is_beside ? (int)(slash + 1 - spec->path) : 0,
                 is_beside ? spec->path : "", source->file);
        xbtab__text_add(&names, "%s%s", k ? ", " : "", source->file);
        xbtab_status status = read_file(runs, source, path);
        if (status < 0) {
            xbtab__text_clear(&names);
            return status;
        }
    }
    XBTAB_TRY(xbtab__text_status(&names));
    runs->source = names.s;
    qsort(runs->step, runs->n_steps, sizeof *runs->step, by_run);
    share_out(runs);
    return XBTAB_OK;
}
