/* calibrate_data.c - measured points from text tables, sorted by device; and what makes them doubtful. */
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <gsl/gsl_statistics_double.h>
#include <gsl/gsl_sort.h>

#include "calibrate_private.h"
#include "file.h"
#include "memory.h"
#include "random.h"

enum { LARGEST_FILE = 1 << 28, MOST_FIELDS = 4096, LONGEST_TRAIN = 10000 };

/* Points as they come. */
typedef struct raw {
    double x, y, T;
    xbtab__point_pulses pulse;
    int device;
    size_t line;
} raw;

typedef struct reader {
    const xbtab__calibration *c;
    const char *path;
    char delimiter;
    int column[XBTAB_FIT_COLUMNS]; /* from 0; -1 = none */
    raw *point;
    size_t n, room;
    char **label;
    int n_labels, room_labels;
    int *slot; /* slot[n_slots]: open hash table, a label's number + 1; 0 = empty */
    size_t n_slots;
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

int xbtab__split_line(char *line, char delimiter, char **field, int most)
{
    int n = 0;
    for (char *at = line; n < most;) {
        while (*at == ' ' || (delimiter == ' ' && *at == '\t')) at++;
        if (!*at && (delimiter == ' ' || n == 0)) break;
        field[n++] = at;
        char *end = at;
        while (*end && *end != delimiter && !(delimiter == ' ' && *end == '\t')) end++;
        char stop = *end;
        *end = '\0';
        for (char *tail = end; tail > at && isspace((unsigned char)tail[-1]);) *--tail = '\0';
        if (!stop) break;
        at = end + 1;
    }
    /* quotes about a field are not part of it */
    for (int k = 0; k < n; k++) {
        size_t length = strlen(field[k]);
        if (length >= 2 && field[k][0] == '"' && field[k][length - 1] == '"') {
            field[k][length - 1] = '\0';
            field[k]++;
        }
    }
    return n;
}

char xbtab__guess_delimiter(const char *line)
{
    for (const char *d = "\t,;"; *d; d++) {
        if (strchr(line, *d)) return *d;
    }
    return ' ';
}

bool xbtab__is_number(const char *text)
{
    char *end;
    strtod(text, &end);
    return end != text && *end == '\0';
}

/* Where the columns are; a file without a header has numbers only. */
static xbtab_status find_columns(reader *r, char *const *field, int n, bool header)
{
    for (int k = 0; k < XBTAB_FIT_COLUMNS; k++) {
        const xbtab__column *column = &r->c->column[k];
        r->column[k] = column->number - 1;
        if (!column->name) {
            if (r->column[k] >= n) {
                XBTAB_FAIL(XBTAB_ERR_INPUT, "%s:1: there is no column %d for the %s; the line has %d",
                           r->path, column->number, name_of(r, k), n);
            }
            continue;
        }
        if (!header) {
            XBTAB_FAIL(XBTAB_ERR_INPUT,
                       "%s:1: has no header, so the column of the %s cannot be named \"%s\"; give its number",
                       r->path, name_of(r, k), column->name);
        }
        r->column[k] = 0;
        while (r->column[k] < n && strcmp(field[r->column[k]], column->name) != 0) r->column[k]++;
        if (r->column[k] == n) {
            char list[256] = "";
            for (int l = 0; l < n; l++) {
                size_t used = strlen(list);
                snprintf(list + used, sizeof list - used, "%s%s", l ? ", " : "", field[l]);
            }
            XBTAB_FAIL(XBTAB_ERR_INPUT, "%s:1: no column is called \"%s\" (the %s); there are: %s", r->path,
                       column->name, name_of(r, k), list);
        }
    }
    return XBTAB_OK;
}

static xbtab_status number_at(double *out, const reader *r, size_t line, int k, char *const *field, int n)
{
    const xbtab__column *column = &r->c->column[k];
    char *end;
    if (r->column[k] >= n) {
        XBTAB_FAIL(XBTAB_ERR_INPUT, "%s:%zu: has %d columns, the %s is in column %d", r->path, line, n,
                   name_of(r, k), r->column[k] + 1);
    }
    const char *text = field[r->column[k]];
    double value = strtod(text, &end);
    if (end == text || *end) {
        XBTAB_FAIL(XBTAB_ERR_INPUT, "%s:%zu: the %s \"%.40s\" is not a number", r->path, line, name_of(r, k),
                   text);
    }
    if (!isfinite(value)) {
        XBTAB_FAIL(XBTAB_ERR_INPUT, "%s:%zu: the %s is %s; remove such lines", r->path, line, name_of(r, k),
                   text);
    }
    *out = value * column->times + column->plus;
    return XBTAB_OK;
}

/* FNV-1a. */
static size_t hash_of(const char *text)
{
    uint64_t hash = UINT64_C(14695981039346656037);
    for (; *text; text++) hash = (hash ^ (unsigned char)*text) * UINT64_C(1099511628211);
    return (size_t)hash;
}

static size_t slot_of(const reader *r, const char *text)
{
    size_t at = hash_of(text) & (r->n_slots - 1);
    while (r->slot[at] && strcmp(r->label[r->slot[at] - 1], text) != 0) at = (at + 1) & (r->n_slots - 1);
    return at;
}

/* Room for twice the labels, and four slots for each. */
static xbtab_status grow_labels(reader *r)
{
    int room = r->room_labels ? 2 * r->room_labels : 64;
    char **more = xbtab__realloc(r->label, (size_t)room, sizeof *more);
    if (!more) return XBTAB_NOMEM();
    r->label = more;
    int *slot = xbtab__alloc(4 * (size_t)room, sizeof *slot);
    if (!slot) return XBTAB_NOMEM();
    xbtab__free(r->slot);
    r->slot = slot;
    r->n_slots = 4 * (size_t)room;
    r->room_labels = room;
    for (int k = 0; k < r->n_labels; k++) r->slot[slot_of(r, r->label[k])] = k + 1;
    return XBTAB_OK;
}

static xbtab_status find_label(int *out, reader *r, const char *text)
{
    if (r->n_labels == r->room_labels) XBTAB_TRY(grow_labels(r));
    size_t at = slot_of(r, text);
    if (!r->slot[at]) {
        r->label[r->n_labels] = xbtab__strdup(text);
        if (!r->label[r->n_labels]) return XBTAB_NOMEM();
        r->slot[at] = ++r->n_labels;
    }
    *out = r->slot[at] - 1;
    return XBTAB_OK;
}

/* A curve's name: its device's, and where there are several states the state's. */
static xbtab_status curve_name(char *out, size_t size, const reader *r, size_t line, char *const *field,
                               int n)
{
    int device = r->column[XBTAB_FIT_DEVICE], state = r->column[XBTAB_FIT_STATE];
    for (int k = 0; k < 2; k++) {
        int column = k ? state : device;
        if (column < n) continue;
        XBTAB_FAIL(XBTAB_ERR_INPUT, "%s:%zu: has %d columns, the %s is in column %d", r->path, line, n,
                   k ? "state" : "device", column + 1);
    }
    snprintf(out, size, "%s%s%s",
             device >= 0  ? field[device]
             : state >= 0 ? ""
                          : "all",
             device >= 0 && state >= 0 ? "/" : "", state >= 0 ? field[state] : "");
    return XBTAB_OK;
}

static xbtab_status take_line(reader *r, size_t line, char *const *field, int n)
{
    raw p = {.T = 300, .line = line, .pulse = r->c->pulse};
    char name[256];
    p.x = (double)r->n; /* data without an argument are a series */
    double *const more[XBTAB_FIT_COLUMNS] = {[XBTAB_FIT_X] = &p.x,
                                             [XBTAB_FIT_TEMPERATURE] = &p.T,
                                             [XBTAB_FIT_AMPLITUDE] = &p.pulse.amplitude,
                                             [XBTAB_FIT_WIDTH] = &p.pulse.width,
                                             [XBTAB_FIT_GATE] = &p.pulse.v_gate};
    for (int k = 0; k < XBTAB_FIT_COLUMNS; k++) {
        if (more[k] && r->column[k] >= 0) XBTAB_TRY(number_at(more[k], r, line, k, field, n));
    }
    XBTAB_TRY(number_at(&p.y, r, line, XBTAB_FIT_Y, field, n));
    if (r->c->y_is_resistance) {
        if (p.y <= 0) XBTAB_FAIL(XBTAB_ERR_INPUT, "%s:%zu: the resistance is not above 0", r->path, line);
        p.y = 1 / p.y;
    }
    if (r->c->y_is_current) p.y /= r->c->v_read;
    XBTAB_TRY(curve_name(name, sizeof name, r, line, field, n));
    XBTAB_TRY(find_label(&p.device, r, name));
    if (p.x < r->c->least || p.x > r->c->most) return XBTAB_OK;
    if (r->n == r->room) {
        size_t room = r->room ? 2 * r->room : 1024;
        raw *grown = xbtab__realloc(r->point, room, sizeof *grown);
        if (!grown) return XBTAB_NOMEM();
        r->point = grown;
        r->room = room;
    }
    r->point[r->n++] = p;
    return XBTAB_OK;
}

static xbtab_status read_file(reader *r)
{
    char *text = NULL, *field[MOST_FIELDS];
    size_t size = 0, line = 0;
    bool started = false;
    XBTAB_TRY(xbtab__file_read_gz(&text, &size, r->path, LARGEST_FILE));
    xbtab_status status = XBTAB_OK;
    for (char *at = text, *stop; at && *at && status == XBTAB_OK; at = stop) {
        stop = strchr(at, '\n');
        if (stop) *stop++ = '\0';
        line++;
        at[strcspn(at, "\r")] = '\0';
        if (at[strspn(at, " \t")] == '\0' || at[0] == '#') continue;
        if (!started) r->delimiter = r->c->delimiter ? r->c->delimiter : xbtab__guess_delimiter(at);
        int n = xbtab__split_line(at, r->delimiter, field, MOST_FIELDS);
        if (!started) {
            bool header = r->c->header == 1;
            /* a header has a word where the argument should be a number */
            if (r->c->header < 0) {
                for (int k = 0; k < n; k++) header = header || (field[k][0] && !xbtab__is_number(field[k]));
                int number = r->c->column[XBTAB_FIT_X].number;
                if (number > 0 && number <= n) header = !xbtab__is_number(field[number - 1]);
            }
            started = true;
            status = find_columns(r, field, n, header);
            if (header || status < 0) continue;
        }
        status = take_line(r, line, field, n);
    }
    xbtab__free(text);
    if (status == XBTAB_OK && !started) XBTAB_FAIL(XBTAB_ERR_INPUT, "%s: the file is empty", r->path);
    return status;
}

/* ---- by device ---- */

static xbtab_status sort_by_device(xbtab__points *out, const reader *r)
{
    size_t n = r->n;
    out->n = n;
    out->n_devices = r->n_labels;
    out->x = xbtab__alloc(n, sizeof *out->x);
    out->y = xbtab__alloc(n, sizeof *out->y);
    out->T = xbtab__alloc(n, sizeof *out->T);
    if (r->c->has_trains) {
        out->pulse = xbtab__alloc(n, sizeof *out->pulse);
        if (!out->pulse) return XBTAB_NOMEM();
    }
    out->device = xbtab__alloc(n, sizeof *out->device);
    out->line = xbtab__alloc(n, sizeof *out->line);
    out->first = xbtab__alloc((size_t)r->n_labels + 2, sizeof *out->first);
    out->is_heldout = xbtab__alloc((size_t)r->n_labels, sizeof *out->is_heldout);
    out->is_hidden = xbtab__alloc(n, sizeof *out->is_hidden);
    if (!out->x || !out->y || !out->T || !out->device || !out->line || !out->first || !out->is_heldout ||
        !out->is_hidden)
        return XBTAB_NOMEM();
    size_t *next = out->first + 1; /* counts, then running places, one behind */
    for (size_t k = 0; k < n; k++) next[r->point[k].device + 1]++;
    for (int d = 0; d < r->n_labels; d++) next[d + 1] += next[d];
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
                           path, p->line[k], LONGEST_TRAIN, p->label[d]);
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
    for (int k = 0; k < n_paths && status == XBTAB_OK; k++) {
        r.path = paths[k];
        status = read_file(&r);
    }
    if (status == XBTAB_OK && r.n == 0)
        status = xbtab__error_set(XBTAB_ERR_INPUT, "%s: no points in the range of %s", paths[0], c->path);
    if (status == XBTAB_OK) status = sort_by_device(out, &r);
    xbtab__free(r.point);
    xbtab__free(r.slot);
    out->n_devices = r.n_labels; /* who frees the labels counts them */
    out->label = r.label;
    if (status == XBTAB_OK) {
        if (c->offset_is_first) subtract_first(out);
        if (c->has_trains) status = count_pulses(out, n_paths == 1 ? paths[0] : "data");
    }
    if (status == XBTAB_OK) {
        status = hold_out(out, c);
    }
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
