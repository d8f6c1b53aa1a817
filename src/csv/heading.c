/* heading.c - what the header of a measured table says of a column: its quantity and its unit. */
#include "heading.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "clean.h"
#include "quantity.h"

enum { NAME_SIZE = 96, UNIT_SIZE = sizeof((xbtab__heading_unit *)0)->text };

const xbtab__heading xbtab__heading_voltage = {{"voltage", "v"}, "V"},
                     xbtab__heading_current = {{"current", "i"}, "A"},
                     xbtab__heading_conductance = {{"conductance", "g"}, "S"},
                     xbtab__heading_resistance = {{"resistance", "r"}, "ohm"},
                     xbtab__heading_time = {{"time", "t"}, "s"},
                     xbtab__heading_temperature = {{"temperature", "temp"}, "K"},
                     xbtab__heading_pulse = {{"pulse", "pulses", "pulse number", "pulse_number", "n"}, "1"},
                     xbtab__heading_curve = {{"curve", "state", "device", "level"}, ""},
                     xbtab__heading_device = {{"device", "cell"}, ""}, xbtab__heading_kind = {{"kind"}, ""},
                     xbtab__heading_amplitude = {{"amplitude"}, "V"}, xbtab__heading_width = {{"width"}, "s"};

/* ---- units ---- */

/* How people write units, in UTF-8 and in Latin-1, and how xbtab__quantity_parse() wants them. */
static const struct {
    const char *written, *plain;
} signs[] = {{"\xc2\xb5", "u"},        {"\xce\xbc", "u"},   {"\xe2\x84\xa6", "ohm"}, {"\xce\xa9", "ohm"},
             {"\xe2\x84\x83", "degC"}, {"\xc2\xb0", "deg"}, {"\xb5", "u"},           {"\xb0", "deg"}};

/* @return false: it is too long for a unit. */
static bool plain_unit(char *out, const char *text, size_t n)
{
    size_t used = 0;
    while (n > 0 && strchr(" \t", text[0])) text++, n--;
    while (n > 0 && strchr(" \t", text[n - 1])) n--;
    for (size_t k = 0; k < n;) {
        const char *piece = text + k;
        size_t taken = 1, length = 1;
        for (size_t s = 0; s < sizeof signs / sizeof signs[0]; s++) {
            size_t width = strlen(signs[s].written);
            if (width > n - k || memcmp(text + k, signs[s].written, width) != 0) continue;
            piece = signs[s].plain;
            length = strlen(piece);
            taken = width;
            break;
        }
        if (used + length >= UNIT_SIZE) return false;
        memcpy(out + used, piece, length);
        used += length;
        k += taken;
    }
    out[used] = '\0';
    size_t ohm = used >= 4 && strcasecmp(out + used - 4, "ohms") == 0  ? used - 4
                 : used >= 3 && strcasecmp(out + used - 3, "ohm") == 0 ? used - 3
                                                                       : used;
    if (ohm < used) memcpy(out + ohm, "ohm", 4);
    return true;
}

/* A unit of n characters. @param[out] out  times, plus and text. @return NULL, or why it is none. */
static const char *parse_unit(xbtab__heading_unit *out, const char *text, size_t n, const char *unit)
{
    char one[UNIT_SIZE + 4];
    out->times = 1;
    out->plus = 0;
    if (!plain_unit(out->text, text, n)) return "is too long";
    if (!unit[0]) return NULL;
    if (strcmp(unit, "1") == 0)
        return strchr("1#-", out->text[0]) && strlen(out->text) < 2 ? NULL : "must be none, of a number";
    if (strcmp(unit, "K") == 0 && strcmp(out->text, "degC") == 0) {
        out->plus = 273.15;
        return NULL;
    }
    snprintf(one, sizeof one, "1 %s", out->text);
    return xbtab__quantity_parse(&out->times, one, unit);
}

/* ---- names ---- */

/* "name [unit]" or "name (unit)". @return what is in the brackets, n_unit characters; NULL = there are none.
 */
static const char *in_brackets(const char *text, size_t *n_name, size_t *n_unit)
{
    const char *open = strrchr(text, '[');
    if (!open) open = strrchr(text, '(');
    if (!open) return NULL;
    *n_name = (size_t)(open - text);
    *n_unit = strcspn(open + 1, "])");
    return open + 1;
}

static void take_name(char *out, const char *text, size_t n)
{
    while (n > 0 && strchr(" \t_/,", text[n - 1])) n--;
    snprintf(out, NAME_SIZE, "%.*s", n < NAME_SIZE ? (int)n : NAME_SIZE - 1, text);
}

/* "name_unit", "name / unit", "name, unit" and "name unit", if its end is a unit of the quantity. */
static bool behind_mark(char *name, xbtab__heading_unit *out, const char *text, const char *unit)
{
    if (!unit[0] || strcmp(unit, "1") == 0 || strlen(text) >= NAME_SIZE) return false;
    for (size_t k = strlen(text); k > 1; k--) {
        if (!strchr("_/, ", text[k - 1])) continue;
        xbtab__heading_unit found = {0};
        if (text[k] && !parse_unit(&found, text + k, strlen(text + k), unit)) {
            take_name(name, text, k - 1);
            *out = found;
            return name[0] != '\0';
        }
    }
    return false;
}

/* A column's name without its unit. @param[out] sure  what stands in brackets; NULL = nothing does. */
static void split(char *name, xbtab__heading_unit *weak, const char **sure, size_t *n_sure, const char *text,
                  const char *unit)
{
    size_t n = 0;
    *weak = (xbtab__heading_unit){.times = 1};
    *sure = in_brackets(text, &n, n_sure);
    if (*sure) {
        take_name(name, text, n);
    } else if (behind_mark(name, weak, text, unit)) {
        weak->is_given = true;
    } else {
        take_name(name, text, strlen(text));
    }
}

bool xbtab__heading_has(const xbtab__heading *h, const char *name)
{
    for (size_t k = 0; k < sizeof h->name / sizeof h->name[0] && h->name[k]; k++) {
        if (strcasecmp(name, h->name[k]) == 0) return true;
    }
    return false;
}

bool xbtab__heading_is(const xbtab__csv *t, int column, const xbtab__heading *h)
{
    char name[NAME_SIZE];
    const char *sure;
    size_t n;
    xbtab__heading_unit weak;
    if (column >= t->n_names) return false;
    if (xbtab__heading_has(h, t->name[column])) return true;
    split(name, &weak, &sure, &n, t->name[column], h->unit);
    return xbtab__heading_has(h, name);
}

xbtab_status xbtab__heading_find_one(int *out, const xbtab__csv *t, const xbtab__heading *h)
{
    *out = -1;
    for (int k = 0; k < t->n_names; k++) {
        if (!xbtab__heading_is(t, k, h)) continue;
        if (*out >= 0) {
            XBTAB_FAIL(XBTAB_ERR_INPUT, "%s:%zu: columns %d and %d are both the %s; leave one out", t->path,
                       t->header_line, *out + 1, k + 1, h->name[0]);
        }
        *out = k;
    }
    return XBTAB_OK;
}

int xbtab__heading_find(const xbtab__csv *t, const char *wanted, const char *unit)
{
    char name[NAME_SIZE];
    const char *sure;
    size_t n;
    int found = -1;
    xbtab__heading_unit weak;
    for (int k = 0; k < t->n_names; k++) {
        if (strcmp(t->name[k], wanted) == 0) return k;
    }
    for (int k = 0; k < t->n_names; k++) {
        split(name, &weak, &sure, &n, t->name[k], unit);
        if (strcmp(name, wanted) == 0) found = found == -1 ? k : -2;
    }
    return found;
}

xbtab_status xbtab__heading_read_unit(xbtab__heading_unit *out, const xbtab__csv *t, int column,
                                      const char *what, const char *unit)
{
    char name[NAME_SIZE], shown[4 * UNIT_SIZE + 4];
    const char *sure = NULL;
    size_t n = 0, line = t->header_line;
    *out = (xbtab__heading_unit){.times = 1};
    if (column < t->n_names) split(name, out, &sure, &n, t->name[column], unit);
    if (!sure && column < t->n_units && t->unit[column][0]) {
        size_t n_name;
        line = t->unit_line;
        sure = in_brackets(t->unit[column], &n_name, &n);
        if (!sure) {
            sure = t->unit[column];
            n = strlen(sure);
        }
    }
    if (!sure) return XBTAB_OK;
    const char *why = parse_unit(out, sure, n, unit);
    out->is_given = out->is_sure = true;
    if (!why) return XBTAB_OK;
    char text[4 * UNIT_SIZE];
    snprintf(text, sizeof text, "%.*s", n < sizeof text ? (int)n : (int)sizeof text - 1, sure);
    xbtab__clean(shown, t->is_table ? text : "", UNIT_SIZE);
    XBTAB_FAIL(XBTAB_ERR_INPUT,
               "%s:%zu: the unit [%s] of column %d (%s): %s; it must be %s, with a prefix or without",
               t->path, line, shown, column + 1, what, why, strcmp(unit, "1") == 0 ? "none" : unit);
}

char *xbtab__heading_label(char *out, const xbtab__csv *t, int column, const char *unit)
{
    char name[NAME_SIZE];
    const char *sure;
    size_t n;
    xbtab__heading_unit weak;
    if (column >= t->n_names) {
        snprintf(out, XBTAB__CSV_NAME_SIZE, "column %d", column + 1);
        return out;
    }
    split(name, &weak, &sure, &n, t->name[column], unit);
    return xbtab__clean(out, name[0] ? name : t->name[column], 40);
}
