/* calibrate_data.c - measured points from text tables, sorted by device; and what makes them doubtful. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include <gsl/gsl_statistics_double.h>
#include <gsl/gsl_sort.h>

#include "calibrate_private.h"
#include "clean.h"
#include "heading.h"
#include "labels.h"
#include "memory.h"
#include "random.h"

enum { MOST_POINTS = 1 << 22, LONGEST_TRAIN = 10000 };

/* Points as they come. */
typedef struct raw {
    double x, y, T;
    xbtab__point_pulses pulse;
    int device;
    size_t line;
} raw;

typedef struct reader {
    const xbtab__calibration *c;
    xbtab__csv csv;
    int column[XBTAB_FIT_COLUMNS]; /* from 0; -1 = none */
    xbtab__heading_unit unit[XBTAB_FIT_COLUMNS];
    raw *point;
    size_t n, room;
    xbtab__labels labels;
} reader;

static const char *const column_names[XBTAB_FIT_COLUMNS] = {"",      "",          "device", "temperature",
                                                            "state", "amplitude", "width",  "gate"};

static const char *name_of(const reader *r, int k)
{
    static const char *const x[] = {"voltage", "pulse", "time"};
    if (k == XBTAB_FIT_X) return x[r->c->kind];
    if (k != XBTAB_FIT_Y) return column_names[k];
    return r->c->y_is_resistance                              ? "resistance"
           : r->c->y_is_current || r->c->kind == XBTAB_FIT_IV ? "current"
                                                              : "conductance";
}

/* ---- columns ---- */

static const char *unit_of(const reader *r, int k)
{
    return k == XBTAB_FIT_DEVICE || k == XBTAB_FIT_STATE ? "" : r->c->column[k].si;
}

static xbtab_status find_column(reader *r, int k)
{
    const xbtab__column *column = &r->c->column[k];
    const xbtab__csv *t = &r->csv;
    const size_t line = t->n_names ? t->header_line : t->line;
    const int n = t->n_names ? t->n_names : t->n;
    char list[256];
    r->column[k] = column->number - 1;
    if (!column->name) {
        if (r->column[k] < n) return XBTAB_OK;
        XBTAB_FAIL(XBTAB_ERR_INPUT, "%s:%zu: there is no column %d for the %s; the line has %d", t->path,
                   line, column->number, name_of(r, k), n);
    }
    if (!t->n_names) {
        XBTAB_FAIL(XBTAB_ERR_INPUT,
                   "%s:%zu: has no header, so the column of the %s cannot be named \"%s\"; give its number",
                   t->path, line, name_of(r, k), column->name);
    }
    r->column[k] = xbtab__heading_find(t, column->name, unit_of(r, k));
    if (r->column[k] >= 0) return XBTAB_OK;
    XBTAB_FAIL(XBTAB_ERR_INPUT, "%s:%zu: %s column is called \"%s\" (the %s); there are: %s", t->path, line,
               r->column[k] == -1 ? "no" : "more than one", column->name, name_of(r, k),
               xbtab__csv_names(list, sizeof list, t));
}

/* A column's unit: the specification's, or the header's; they must not differ. */
static xbtab_status find_unit(reader *r, int k)
{
    const xbtab__column *column = &r->c->column[k];
    xbtab__heading_unit *u = &r->unit[k], own = {.times = column->times, .plus = column->plus};
    xbtab_status status = XBTAB_OK;
    if (column->unit) snprintf(own.text, sizeof own.text, "%s", column->unit);
    if (r->column[k] >= 0)
        status = xbtab__heading_read_unit(u, &r->csv, r->column[k], name_of(r, k), unit_of(r, k));
    if (status < 0 && !(column->has_unit && r->c->accepts_units)) {
        return xbtab__error_set(status, "%s; or give the column's unit in %s, with accept_units: yes",
                                xbtab_error_message(), r->c->path);
    }
    bool differs = status == XBTAB_OK && u->is_given && (u->times != own.times || u->plus != own.plus);
    if (differs && column->has_unit && (u->is_sure || u->times != 1)) {
        char name[XBTAB__CSV_NAME_SIZE];
        XBTAB_FAIL(XBTAB_ERR_INPUT, "%s:%zu: the %s is in %s by the header (%s), in %s by %s", r->csv.path,
                   r->csv.header_line, name_of(r, k), u->text, xbtab__csv_name(name, &r->csv, r->column[k]),
                   own.text[0] ? own.text : "another unit", r->c->path);
    }
    if (status < 0 || column->has_unit || !u->is_given) *u = own;
    return XBTAB_OK;
}

/* ---- lines ---- */

static xbtab_status number_at(double *out, reader *r, int k)
{
    double value;
    XBTAB_TRY(xbtab__csv_number(&value, &r->csv, r->column[k], name_of(r, k)));
    *out = value * r->unit[k].times + r->unit[k].plus;
    return XBTAB_OK;
}

/* A curve's name: its device's, and where there are several states the state's. */
static xbtab_status curve_name(char *out, size_t size, const reader *r)
{
    const xbtab__csv *t = &r->csv;
    int device = r->column[XBTAB_FIT_DEVICE], state = r->column[XBTAB_FIT_STATE];
    for (int k = 0; k < 2; k++) {
        int column = k ? state : device;
        if (column < t->n) continue;
        XBTAB_FAIL(XBTAB_ERR_INPUT, "%s:%zu: has %d columns, the %s is in column %d", t->path, t->line, t->n,
                   k ? "state" : "device", column + 1);
    }
    int n = snprintf(out, size, "%s%s%s",
                     device >= 0  ? t->field[device]
                     : state >= 0 ? ""
                                  : "all",
                     device >= 0 && state >= 0 ? "/" : "", state >= 0 ? t->field[state] : "");
    if (n < 0 || (size_t)n >= size)
        XBTAB_FAIL(XBTAB_ERR_INPUT, "%s:%zu: the device's name has more than %zu characters", t->path,
                   t->line, size - 1);
    return XBTAB_OK;
}

static xbtab_status add_point(reader *r, const raw *p)
{
    if (r->n == MOST_POINTS) {
        XBTAB_FAIL(XBTAB_ERR_INPUT, "%s:%zu: more than %d points; leave some out", r->csv.path, r->csv.line,
                   MOST_POINTS);
    }
    if (r->n == r->room) {
        size_t room = r->room ? 2 * r->room : 1024;
        raw *grown = xbtab__realloc(r->point, room, sizeof *grown);
        if (!grown) return XBTAB_NOMEM();
        r->point = grown;
        r->room = room;
    }
    r->point[r->n++] = *p;
    return XBTAB_OK;
}

static xbtab_status take_line(reader *r)
{
    raw p = {.T = 300, .line = r->csv.line, .pulse = r->c->pulse};
    char name[256];
    p.x = (double)r->n; /* data without an argument are a series */
    double *const more[XBTAB_FIT_COLUMNS] = {[XBTAB_FIT_X] = &p.x,
                                             [XBTAB_FIT_TEMPERATURE] = &p.T,
                                             [XBTAB_FIT_AMPLITUDE] = &p.pulse.amplitude,
                                             [XBTAB_FIT_WIDTH] = &p.pulse.width,
                                             [XBTAB_FIT_GATE] = &p.pulse.v_gate};
    for (int k = 0; k < XBTAB_FIT_COLUMNS; k++) {
        if (more[k] && r->column[k] >= 0) XBTAB_TRY(number_at(more[k], r, k));
    }
    XBTAB_TRY(number_at(&p.y, r, XBTAB_FIT_Y));
    if (r->c->y_is_resistance) {
        if (p.y <= 0)
            XBTAB_FAIL(XBTAB_ERR_INPUT, "%s:%zu: the resistance is not above 0", r->csv.path, p.line);
        p.y = 1 / p.y;
    }
    if (r->c->y_is_current) p.y /= r->c->v_read;
    XBTAB_TRY(curve_name(name, sizeof name, r));
    XBTAB_TRY(xbtab__labels_find(&p.device, &r->labels, name));
    if (p.x < r->c->least || p.x > r->c->most) return XBTAB_OK;
    return add_point(r, &p);
}

static xbtab_status read_file(reader *r, const char *path)
{
    const xbtab__calibration *c = r->c;
    const int x = c->column[XBTAB_FIT_X].number;
    const xbtab__csv_options options = {.delimiter = c->delimiter,
                                        .header = c->header < 0    ? XBTAB__CSV_HEADER_AUTO
                                                  : c->header == 1 ? XBTAB__CSV_HEADER_YES
                                                                   : XBTAB__CSV_HEADER_NO,
                                        .decisive = x > 0 ? x : c->column[XBTAB_FIT_Y].number};
    xbtab_status status = xbtab__csv_open(&r->csv, path, &options);
    for (int k = 0; k < XBTAB_FIT_COLUMNS && status == XBTAB_OK; k++) {
        status = find_column(r, k);
        if (status == XBTAB_OK) status = find_unit(r, k);
    }
    while (status == XBTAB_OK) {
        status = xbtab__csv_next(&r->csv);
        if (status < 0 || r->csv.n == 0) break;
        status = take_line(r);
    }
    xbtab__csv_close(&r->csv);
    return status;
}

/* ---- by device ---- */

static xbtab_status sort_by_device(xbtab__points *out, const reader *r)
{
    size_t n = r->n;
    out->n = n;
    out->n_devices = r->labels.n;
    out->x = xbtab__alloc(n, sizeof *out->x);
    out->y = xbtab__alloc(n, sizeof *out->y);
    out->T = xbtab__alloc(n, sizeof *out->T);
    if (r->c->has_trains) {
        out->pulse = xbtab__alloc(n, sizeof *out->pulse);
        if (!out->pulse) return XBTAB_NOMEM();
    }
    out->device = xbtab__alloc(n, sizeof *out->device);
    out->line = xbtab__alloc(n, sizeof *out->line);
    out->first = xbtab__alloc((size_t)r->labels.n + 2, sizeof *out->first);
    out->is_heldout = xbtab__alloc((size_t)r->labels.n, sizeof *out->is_heldout);
    out->is_hidden = xbtab__alloc(n, sizeof *out->is_hidden);
    if (!out->x || !out->y || !out->T || !out->device || !out->line || !out->first || !out->is_heldout ||
        !out->is_hidden)
        return XBTAB_NOMEM();
    size_t *next = out->first + 1; /* counts, then running places, one behind */
    for (size_t k = 0; k < n; k++) next[r->point[k].device + 1]++;
    for (int d = 0; d < r->labels.n; d++) next[d + 1] += next[d];
    for (size_t k = 0; k < n; k++) {
        const raw *p = &r->point[k];
        size_t at = next[p->device]++;
        out->x[at] = p->x;
        out->y[at] = p->y;
        out->T[at] = p->T;
        if (out->pulse) out->pulse[at] = p->pulse;
        out->device[at] = p->device;
        out->line[at] = p->line;
    }
    return XBTAB_OK;
}

/* How many pulses stand between the points of a train; a device's first point is before them all. */
static xbtab_status count_pulses(xbtab__points *p, const char *path)
{
    char label[XBTAB__LABEL_SIZE];
    for (int d = 0; d < p->n_devices; d++) {
        double sum = 0;
        for (size_t k = p->first[d]; k < p->first[d + 1]; k++) {
            double n = k > p->first[d] ? p->x[k] - p->x[k - 1] : 0;
            if (n < 0 || n != floor(n)) {
                XBTAB_FAIL(
                    XBTAB_ERR_INPUT,
                    "%s:%zu: pulse number %g after %g: a device's lines count whole pulses, in their order",
                    path, p->line[k], p->x[k], p->x[k - 1]);
            }
            sum += n;
            if (sum > LONGEST_TRAIN) {
                XBTAB_FAIL(XBTAB_ERR_INPUT, "%s:%zu: more than %d pulses of device %s; give data.range.max",
                           path, p->line[k], LONGEST_TRAIN,
                           xbtab__clean(label, p->label[d], XBTAB__LABEL_SHOWN));
            }
            p->pulse[k].n = (int)n;
        }
    }
    return XBTAB_OK;
}

/* Subtract each device's value at its least |x|. */
static void subtract_first(xbtab__points *p)
{
    for (int d = 0; d < p->n_devices; d++) {
        size_t least = p->first[d];
        for (size_t k = p->first[d]; k < p->first[d + 1]; k++) {
            if (fabs(p->x[k]) < fabs(p->x[least])) least = k;
        }
        double offset = p->first[d] < p->first[d + 1] ? p->y[least] : 0;
        for (size_t k = p->first[d]; k < p->first[d + 1]; k++) p->y[k] -= offset;
    }
}

/* Devices by a seeded shuffle; of a held-out device every second point is hidden, so that its own parameters
 * come from the others. A single device has hidden points instead. */
static xbtab_status hold_out(xbtab__points *p, const xbtab__calibration *c)
{
    if (c->heldout_share == 0) return XBTAB_OK;
    xbtab__random random;
    xbtab__random_init(&random, c->seed, XBTAB__RANDOM_CALIBRATE, 0, 0);
    int n_heldout = (int)lround(c->heldout_share * p->n_devices);
    if (p->n_devices >= 4 && n_heldout > 0) {
        int *order = xbtab__alloc((size_t)p->n_devices, sizeof *order);
        if (!order) return XBTAB_NOMEM();
        for (int d = 0; d < p->n_devices; d++) order[d] = d;
        for (int d = p->n_devices - 1; d > 0; d--) {
            int other = (int)xbtab__random_below(&random, (uint32_t)d + 1), kept = order[d];
            order[d] = order[other];
            order[other] = kept;
        }
        for (int k = 0; k < n_heldout; k++) p->is_heldout[order[k]] = true;
        xbtab__free(order);
        for (int d = 0; d < p->n_devices; d++) {
            for (size_t k = p->first[d]; k < p->first[d + 1]; k++)
                p->is_hidden[k] = (k - p->first[d]) % 2 == 1;
        }
        return XBTAB_OK;
    }
    for (size_t k = 0; k < p->n; k++) p->is_hidden[k] = xbtab__random_uniform(&random) < c->heldout_share;
    return XBTAB_OK;
}

xbtab_status xbtab__points_read(xbtab__points *out, const xbtab__calibration *c, const char *const *paths,
                                int n_paths)
{
    reader r = {.c = c};
    xbtab_status status = XBTAB_OK;
    *out = (xbtab__points){0};
    for (int k = 0; k < n_paths && status == XBTAB_OK; k++) status = read_file(&r, paths[k]);
    if (status == XBTAB_OK && r.n == 0)
        status = xbtab__error_set(XBTAB_ERR_INPUT, "%s: no points in the range of %s", paths[0], c->path);
    if (status == XBTAB_OK) status = sort_by_device(out, &r);
    xbtab__free(r.point);
    for (int k = 0; k < XBTAB_FIT_COLUMNS; k++) {
        out->times[k] = r.unit[k].times;
        memcpy(out->unit[k], r.unit[k].text, sizeof out->unit[k]);
    }
    out->n_devices = r.labels.n; /* who frees the labels counts them */
    out->label = xbtab__labels_take(&r.labels);
    if (status == XBTAB_OK) {
        if (c->offset_is_first) subtract_first(out);
        if (c->has_trains) status = count_pulses(out, n_paths == 1 ? paths[0] : "data");
    }
    if (status == XBTAB_OK) status = hold_out(out, c);
    if (status < 0) xbtab__points_clear(out);
    return status;
}

void xbtab__points_clear(xbtab__points *p)
{
    for (int d = 0; d < p->n_devices && p->label; d++) xbtab__free(p->label[d]);
    xbtab__free(p->label);
    xbtab__free(p->x);
    xbtab__free(p->y);
    xbtab__free(p->T);
    xbtab__free(p->pulse);
    xbtab__free(p->device);
    xbtab__free(p->line);
    xbtab__free(p->first);
    xbtab__free(p->is_heldout);
    xbtab__free(p->is_hidden);
    *p = (xbtab__points){0};
}
