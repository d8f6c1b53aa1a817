/* measured_csv.c - measured pulse data from CSV files; write_measured.c says what they look like. */
#include "measured_csv.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "heading.h"
#include "memory.h"
#include "quantity.h"
#include "text.h"

enum { MOST_STEPS = 1 << 22, MOST_PULSES = 4096, MOST_WORK = 1 << 28, SHORTEST_STRETCH = 16 /* pulses */ };

/* RRAM conducts some uS to some mS. */
static const double most_siemens = 1;

/* Columns of a file with a line a pulse; -1 = it has none. */
typedef struct columns {
    int value, device, pulse, kind, amplitude, width;
    bool is_list; /* a line a pulse; else a column a run */
} columns;

typedef struct reader {
    xbtab__runs *runs;
    const xbtab_write_source *source;
    xbtab__csv csv;
    columns columns;
    xbtab_write_quantity quantity;
    xbtab__heading_unit *unit; /* unit[n_units], a column each; those beyond have none */
    int n_units;
    /* a list's run so far */
    const char *device;
    double before, last_pulse;
    size_t run;
    /* a table's runs so far */
    double *last; /* last[n_last]; NAN = interrupted, as all are from n_going on */
    int n_last, n_going;
} reader;

void xbtab__runs_clear(xbtab__runs *runs)
{
    xbtab__free(runs->step);
    xbtab__free(runs->pulse);
    xbtab__free(runs->source);
    xbtab__labels_clear(&runs->keys);
    *runs = (xbtab__runs){0};
}

static xbtab_status find_pulse(size_t *out, xbtab__runs *runs, const xbtab_pulse *p)
{
    char key[128];
    int number = 0;
    snprintf(key, sizeof key, "%d %a %a %a", (int)p->kind, p->amplitude + 0.0, p->width + 0.0,
             p->v_gate + 0.0);
    XBTAB_TRY(xbtab__labels_find(&number, &runs->keys, key));
    *out = (size_t)number;
    if (*out < runs->n_pulses) return XBTAB_OK;
    if (*out == MOST_PULSES)
        XBTAB_FAIL(XBTAB_ERR_INPUT, "more than %d different pulses, by amplitude and width", MOST_PULSES);
    xbtab_pulse *grown = xbtab__realloc(runs->pulse, runs->n_pulses + 1, sizeof *grown);
    if (!grown) return XBTAB_NOMEM();
    runs->pulse = grown;
    runs->pulse[runs->n_pulses++] = *p;
    return XBTAB_OK;
}

static xbtab_status add_step(reader *r, const xbtab_pulse *pulse, size_t run, double before, double after)
{
    xbtab__runs *runs = r->runs;
    if (runs->n_steps == MOST_STEPS)
        XBTAB_FAIL(XBTAB_ERR_INPUT, "%s:%zu: more than %d pulses; leave some out", r->csv.path, r->csv.line,
                   MOST_STEPS);
    if (runs->n_steps == runs->room) {
        size_t room = runs->room ? 2 * runs->room : 1024;
        xbtab__step *grown = xbtab__realloc(runs->step, room, sizeof *grown);
        if (!grown) return XBTAB_NOMEM();
        runs->step = grown;
        runs->room = room;
    }
    size_t p = 0;
    xbtab_status status = find_pulse(&p, runs, pulse);
    if (status < 0) return xbtab__error_prefix(status, "%s:%zu", r->csv.path, r->csv.line);
    runs->step[runs->n_steps] = (xbtab__step){run, p, runs->n_steps, 0, before, after};
    runs->n_steps++;
    return XBTAB_OK;
}

static xbtab_status fail(const reader *r, const char *what)
{
    XBTAB_FAIL(XBTAB_ERR_INPUT, "%s:%zu: %s", r->csv.path, r->csv.line, what);
}

/* ---- values ---- */

static const xbtab__heading *const values[] = {&xbtab__heading_conductance, &xbtab__heading_resistance,
                                               &xbtab__heading_current}; /* by xbtab_write_quantity */
enum { VALUES = sizeof values / sizeof values[0] };

/* A number in SI units, as the nearest double of what its decimals say. */
static xbtab_status in_si(double *out, reader *r, int column, const char *what, const char *unit)
{
    char text[64];
    XBTAB_TRY(xbtab__csv_number(out, &r->csv, column, what));
    if (column >= r->n_units || !r->unit[column].is_given) return XBTAB_OK;
    snprintf(text, sizeof text, "%.17g %s", *out, r->unit[column].text);
    const char *why = xbtab__quantity_parse(out, text, unit);
    return why ? fail(r, why) : XBTAB_OK;
}

/* A value of the file as a conductance [S]. */
static xbtab_status conductance(double *out, reader *r, int column)
{
    const xbtab_write_source *s = r->source;
    const bool is_normalized = r->quantity == XBTAB_WRITE_NORMALIZED;
    double x;
    if (is_normalized) {
        XBTAB_TRY(xbtab__csv_number(&x, &r->csv, column, "value"));
    } else {
        XBTAB_TRY(in_si(&x, r, column, values[r->quantity]->name[0], values[r->quantity]->unit));
    }
    if (r->quantity == XBTAB_WRITE_CURRENT && !(fabs(s->voltage) > 0))
        return fail(r, "currents need the voltage they were read at");
    if (r->quantity == XBTAB_WRITE_RESISTANCE) x = 1.0 / x;
    if (r->quantity == XBTAB_WRITE_CURRENT) x /= s->voltage;
    if (is_normalized) x = s->G_low + (x - s->low) / (s->high - s->low) * (s->G_high - s->G_low);
    if (is_normalized && x <= 0) {
        XBTAB_FAIL(
            XBTAB_ERR_INPUT,
            "%s:%zu: this value becomes a conductance of %g S, and has to be above 0: low and high are the "
            "values at g_low and g_high; with these, values have to be above %g, so lower low or raise g_low",
            r->csv.path, r->csv.line, x, s->low - s->G_low * (s->high - s->low) / (s->G_high - s->G_low));
    }
    if (!(x > 0 && isfinite(x)))
        XBTAB_FAIL(XBTAB_ERR_INPUT, "%s:%zu: no conductance above 0: %g S", r->csv.path, r->csv.line, x);
    if (x > most_siemens && !s->accepts_units) {
        XBTAB_FAIL(
            XBTAB_ERR_INPUT,
            "%s:%zu: a conductance of %g S, beyond %g S: is it in another unit? say so in a header, as in "
            "\"conductance [uS]\"; or say accept_units: yes in the specification",
            r->csv.path, r->csv.line, x, most_siemens);
    }
    *out = x;
    return XBTAB_OK;
}

/* ---- the header ---- */

static xbtab_status take_unit(reader *r, int column, const xbtab__heading *h)
{
    if (column < 0) return XBTAB_OK;
    return xbtab__heading_read_unit(&r->unit[column], &r->csv, column, h->name[0], h->unit);
}

/* The column of values that a header names: the specification's, or the first kind that is there. */
static xbtab_status find_value(reader *r)
{
    columns *c = &r->columns;
    for (int k = 0; k < r->csv.n_names && c->value < 0; k++) {
        if (r->source->column && k != r->source->column - 1) continue;
        for (int v = 0; v < VALUES && c->value < 0; v++) {
            if (!xbtab__heading_is(&r->csv, k, values[v])) continue;
            c->value = k;
            r->quantity = (xbtab_write_quantity)v;
        }
    }
    c->is_list = c->value >= 0;
    if (!c->is_list) return XBTAB_OK;
    if (!r->source->column) XBTAB_TRY(xbtab__heading_find_one(&c->value, &r->csv, values[r->quantity]));
    return take_unit(r, c->value, values[r->quantity]);
}

/* A name without its unit and its number: "G" of "G12 [uS]". @return whether it has a number. */
static bool stem_of(char *out, const reader *r, int column, const char *unit)
{
    xbtab__heading_label(out, &r->csv, column, unit);
    size_t n = strlen(out), end = n;
    while (n > 0 && strchr("0123456789", out[n - 1])) n--;
    bool is_numbered = n < end;
    while (n > 0 && strchr(" _-#.", out[n - 1])) n--;
    out[n] = '\0';
    return is_numbered;
}

/* Runs have one name and a number each; the name may be a quantity's: "resistance1", and "R1 [kohm]", but
 * "r1" is what the specification says. */
static bool are_runs(reader *r)
{
    char first[XBTAB__CSV_NAME_SIZE], stem[XBTAB__CSV_NAME_SIZE];
    for (int v = 0; v < VALUES; v++) {
        xbtab__heading_unit unit;
        if (!stem_of(first, r, 0, values[v]->unit) || !xbtab__heading_has(values[v], first)) continue;
        bool is_told =
            xbtab__heading_read_unit(&unit, &r->csv, 0, first, values[v]->unit) == XBTAB_OK && unit.is_given;
        if (is_told || strlen(first) > 1) r->quantity = (xbtab_write_quantity)v;
    }
    const char *si = r->quantity == XBTAB_WRITE_NORMALIZED ? "" : values[r->quantity]->unit;
    const xbtab__heading *const others[] = {&xbtab__heading_pulse, &xbtab__heading_voltage,
                                            &xbtab__heading_time, &xbtab__heading_temperature};
    stem_of(first, r, 0, si);
    for (size_t o = 0; o < sizeof others / sizeof others[0]; o++) {
        if (xbtab__heading_has(others[o], first)) return false;
    }
    for (int k = 0; k < r->csv.n_names; k++) {
        if (!stem_of(stem, r, k, si) || strcasecmp(stem, first) != 0) return false;
    }
    return true;
}

static xbtab_status take_runs(reader *r)
{
    const xbtab__csv *t = &r->csv;
    char list[256];
    if (!r->source->column && !are_runs(r)) {
        XBTAB_FAIL(XBTAB_ERR_INPUT,
                   "%s:%zu: no column is called conductance, resistance or current (or G, R, I), with its "
                   "unit as in "
                   "\"conductance [uS]\", nor are all numbered runs (run1, run2); there are: %s; say which "
                   "column in the specification (column: 1)",
                   t->path, t->header_line, xbtab__csv_names(list, sizeof list, t));
    }
    for (int k = 0; k < t->n_names && r->quantity != XBTAB_WRITE_NORMALIZED; k++) {
        if (!r->source->column || k == r->source->column - 1) XBTAB_TRY(take_unit(r, k, values[r->quantity]));
    }
    return XBTAB_OK;
}

static xbtab_status read_header(reader *r)
{
    const xbtab__csv *t = &r->csv;
    columns *c = &r->columns;
    *c = (columns){-1, -1, -1, -1, -1, -1, false};
    r->unit = xbtab__alloc((size_t)t->n_names, sizeof *r->unit);
    if (!r->unit) return XBTAB_NOMEM();
    r->n_units = t->n_names;
    XBTAB_TRY(find_value(r));
    if (!c->is_list) return t->n_names ? take_runs(r) : XBTAB_OK;
    XBTAB_TRY(xbtab__heading_find_one(&c->device, t, &xbtab__heading_device));
    XBTAB_TRY(xbtab__heading_find_one(&c->pulse, t, &xbtab__heading_pulse));
    XBTAB_TRY(xbtab__heading_find_one(&c->kind, t, &xbtab__heading_kind));
    XBTAB_TRY(xbtab__heading_find_one(&c->amplitude, t, &xbtab__heading_amplitude));
    XBTAB_TRY(xbtab__heading_find_one(&c->width, t, &xbtab__heading_width));
    XBTAB_TRY(take_unit(r, c->pulse, &xbtab__heading_pulse));
    XBTAB_TRY(take_unit(r, c->amplitude, &xbtab__heading_amplitude));
    XBTAB_TRY(take_unit(r, c->width, &xbtab__heading_width));
    if (c->kind < 0 && r->source->kind < 0) {
        XBTAB_FAIL(XBTAB_ERR_INPUT,
                   "%s:%zu: which kind are its pulses? add a column kind, or \"kind\" in the "
                   "specification",
                   t->path, t->header_line);
    }
    return XBTAB_OK;
}

/* ---- lines ---- */

static xbtab_status take_kind(xbtab_pulse *pulse, const reader *r)
{
    const char *word = r->csv.field[r->columns.kind];
    bool is_set = strcasecmp(word, "set") == 0, is_reset = strcasecmp(word, "reset") == 0;
    if (!is_set && !is_reset) return fail(r, "kind is neither set nor reset");
    pulse->kind = is_set ? XBTAB_PULSE_SET : XBTAB_PULSE_RESET;
    return XBTAB_OK;
}

/* A line of a list: the conductance after its pulse. */
static xbtab_status read_pulse(reader *r)
{
    const columns *c = &r->columns;
    const xbtab__csv *t = &r->csv;
    if (t->n <= c->kind || t->n <= c->device || t->n <= c->amplitude || t->n <= c->width)
        return fail(r, "too few columns");
    xbtab_pulse pulse = {(xbtab_pulse_kind)(r->source->kind < 0 ? 0 : r->source->kind), r->source->amplitude,
                         r->source->width, r->source->v_gate};
    double G, counter = NAN;
    XBTAB_TRY(conductance(&G, r, c->value));
    if (c->amplitude >= 0 && !xbtab__csv_is_empty(t, c->amplitude))
        XBTAB_TRY(in_si(&pulse.amplitude, r, c->amplitude, "amplitude", "V"));
    if (c->width >= 0 && !xbtab__csv_is_empty(t, c->width))
        XBTAB_TRY(in_si(&pulse.width, r, c->width, "width", "s"));
    if (c->pulse >= 0) XBTAB_TRY(xbtab__csv_number(&counter, &r->csv, c->pulse, "pulse"));
    const char *device = c->device >= 0 ? t->field[c->device] : NULL;
    bool is_other = device && (!r->device || strcmp(device, r->device) != 0);
    if (isnan(r->before) || is_other || counter <= r->last_pulse) {
        r->run = r->runs->n_runs++;
    } else {
        if (c->kind >= 0) XBTAB_TRY(take_kind(&pulse, r));
        XBTAB_TRY(add_step(r, &pulse, r->run, r->before, G));
    }
    r->device = device;
    r->before = G;
    r->last_pulse = counter;
    return XBTAB_OK;
}

/* The first line of a table: how many runs there are. */
static xbtab_status begin_runs(reader *r)
{
    const xbtab_write_source *s = r->source;
    int n = r->csv.n > r->csv.n_names ? r->csv.n : r->csv.n_names;
    r->last = xbtab__alloc((size_t)n, sizeof *r->last);
    if (!r->last) return XBTAB_NOMEM();
    r->n_last = n;
    for (int k = 0; k < n; k++) r->last[k] = NAN;
    r->run = r->runs->n_runs;
    r->runs->n_runs += s->column ? 1 : (size_t)n;
    if (s->column > n) XBTAB_FAIL(XBTAB_ERR_INPUT, "%s: has %d columns, not %d", r->csv.path, n, s->column);
    return XBTAB_OK;
}

/* A line of a table: one more pulse of every run. */
static xbtab_status read_row(reader *r)
{
    const xbtab_write_source *s = r->source;
    xbtab_pulse pulse = {(xbtab_pulse_kind)s->kind, s->amplitude, s->width, s->v_gate};
    if (r->n_last == 0) XBTAB_TRY(begin_runs(r));
    for (int k = r->n_last; k < r->csv.n; k++) {
        if (!xbtab__csv_is_empty(&r->csv, k)) return fail(r, "more columns than the lines before");
    }
    int n = r->csv.n < r->n_last ? r->csv.n : r->n_last, first = s->column ? s->column - 1 : 0;
    int end = s->column ? s->column : n > r->n_going ? n : r->n_going;
    for (int k = first; k < end; k++) {
        double G = NAN;
        if (!xbtab__csv_is_empty(&r->csv, k)) XBTAB_TRY(conductance(&G, r, k));
        if (!isnan(G) && !isnan(r->last[k]))
            XBTAB_TRY(add_step(r, &pulse, r->run + (s->column ? 0 : (size_t)k), r->last[k], G));
        r->last[k] = G;
    }
    r->n_going = n;
    return XBTAB_OK;
}

static xbtab_status read_lines(reader *r)
{
    XBTAB_TRY(read_header(r));
    if (!r->columns.is_list && r->source->kind < 0) {
        XBTAB_FAIL(XBTAB_ERR_INPUT,
                   "%s: each column is a run: say in the specification which kind its pulses "
                   "are (kind: set or reset)",
                   r->csv.path);
    }
    for (;;) {
        XBTAB_TRY(xbtab__csv_next(&r->csv));
        if (r->csv.n == 0) return XBTAB_OK;
        XBTAB_TRY(r->columns.is_list ? read_pulse(r) : read_row(r));
    }
}

static xbtab_status read_file(xbtab__runs *runs, const xbtab_write_source *source, const char *path)
{
    size_t before = runs->n_steps;
    reader r = {
        .runs = runs, .source = source, .quantity = source->quantity, .before = NAN, .last_pulse = NAN};
    xbtab_status status = xbtab__csv_open(&r.csv, path, NULL);
    if (status == XBTAB_OK) status = read_lines(&r);
    xbtab__csv_close(&r.csv);
    xbtab__free(r.unit);
    xbtab__free(r.last);
    if (status < 0) return status;
    if (runs->n_steps == before) XBTAB_FAIL(XBTAB_ERR_INPUT, "%s: no two conductances in a row", path);
    if (runs->n_steps * runs->n_pulses > MOST_WORK) {
        XBTAB_FAIL(XBTAB_ERR_INPUT,
                   "%s: %zu pulses of %zu different ones; %d at most for the product of both", path,
                   runs->n_steps, runs->n_pulses, MOST_WORK);
    }
    if (!(runs->v_read > 0) && !isnan(source->voltage)) runs->v_read = fabs(source->voltage);
    return XBTAB_OK;
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
