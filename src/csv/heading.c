/* heading.c - what the header of a measured table says of a column: its quantity and its unit. */
#include "heading.h"

#include <ctype.h>
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
    bool is_celsius =
        strcmp(out->text, "degC") == 0 || strcmp(out->text, "deg C") == 0 || strcmp(out->text, "C") == 0;
    if (strcmp(unit, "K") == 0 && is_celsius) {
        out->plus = 273.15;
        return NULL;
    }
    snprintf(one, sizeof one, "1 %s", out->text);
    return xbtab__quantity_parse(&out->times, one, unit);
}

/* ---- names ---- */

/* "name [unit]" or "name (unit)". @return what is in the brackets, n_unit characters, and what a quotient or a
 * power adds behind them; NULL = there are none. */
static const char *in_brackets(const char *text, size_t *n_name, size_t *n_unit)
{
    const char *open = strrchr(text, '[');
    if (!open) open = strrchr(text, '(');
    if (!open) return NULL;
    *n_name = (size_t)(open - text);
    *n_unit = strcspn(open + 1, "])");
    const char *behind = open + 1 + *n_unit;
    if (*behind) behind += 1 + strspn(behind + 1, " \t");
    if (*behind && strchr("/*^", *behind)) *n_unit = strlen(open + 1);
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

/* Whether a text that is no unit of the quantity was meant as one: a unit in other letters ("UA"), or one that
 * goes on ("A/cm2", "A cm-2"). */
static bool is_near_unit(const char *text, const char *unit, bool may_have_words)
{
    xbtab__heading_unit found;
    size_t n = strcspn(text, " \t/*^"), length = strlen(text);
    const char *rest = text + n + strspn(text + n, " \t");
    if (!*rest) {
        return n > 1 && strchr("fpnumkgFPNUMKG", text[0]) && strcasecmp(text + 1, unit) == 0 &&
               parse_unit(&found, text, length, unit) != NULL;
    }
    bool is_power = strchr("0123456789", text[length - 1]) && strrchr(rest, '-');
    return n > 0 && (may_have_words || strchr("/*^", *rest) || is_power) &&
           parse_unit(&found, text, n, unit) == NULL;
}

/* "milliamp", "uAmps", "kilovolt": a unit's name with a prefix. */
static bool is_spelled(const char *text, size_t n)
{
    static const char *const prefixes[] = {"femto", "pico", "nano", "micro",    "milli",   "kilo",
                                           "mega",  "giga", "f",    "p",        "n",       "u",
                                           "m",     "k",    "g",    "\xc2\xb5", "\xce\xbc"},
                             *const units[] = {"amp", "amps",   "ampere",  "amperes", "volt", "volts",
                                               "sec", "second", "seconds", "siemens", "ohms", "kelvin"};
    for (size_t k = 0; k < sizeof prefixes / sizeof prefixes[0]; k++) {
        size_t width = strlen(prefixes[k]);
        if (width >= n || strncasecmp(text, prefixes[k], width) != 0) continue;
        for (size_t m = 0; m < sizeof units / sizeof units[0]; m++) {
            if (strlen(units[m]) == n - width && strncasecmp(text + width, units[m], n - width) == 0)
                return true;
        }
    }
    return false;
}

static size_t word_length(const char *text)
{
    size_t n = 0;
    while (isalnum((unsigned char)text[n]) || (unsigned char)text[n] >= 0x80) n++;
    return n;
}

/* A word that says how many of the unit a value is, wherever it stands: "I {uA}", "I:uA", "uA", "I microamp",
 * "IuA". The bare unit says nothing new. */
static const char *scaled_word(const char *text, const char *unit, size_t *n)
{
    xbtab__heading_unit found;
    for (const char *at = text; *at; at += *n ? *n : 1) {
        *n = word_length(at);
        if (*n < 2) continue;
        bool is_glued = *n > 2 && strchr("IVGRTivgrt", at[0]) && !parse_unit(&found, at + 1, *n - 1, unit) &&
                        found.times != 1;
        if (is_glued || is_spelled(at, *n) || (!parse_unit(&found, at, *n, unit) && found.times != 1))
            return at;
    }
    return NULL;
}

/* What in a name is a unit, or near to one: n characters; NULL = nothing. */
static const char *near_unit(const char *text, const char *unit, size_t *n)
{
    if (!unit[0] || strcmp(unit, "1") == 0) return NULL;
    for (const char *at = text + 1; text[0] && *at; at++) {
        if (!strchr("_/, ", at[-1]) || at - 1 == text) continue;
        const char *end = at + strspn(at, " \t");
        *n = strlen(end);
        if (is_near_unit(end, unit, strchr("/,", at[-1]) != NULL)) return end;
    }
    return scaled_word(text, unit, n);
}

/* ---- what is not the quantity itself ---- */

/* "log10(I)", "ln I", "LogI", but not "logged". */
static bool is_logarithm(const char *text)
{
    static const char *const words[] = {"log", "ln", "lg"};
    for (size_t k = 0; k < sizeof words / sizeof words[0]; k++) {
        size_t n = strlen(words[k]);
        if (strncasecmp(text, words[k], n) != 0) continue;
        const char *digits = text + n, *at = digits + strspn(digits, "0123456789");
        size_t n_blanks = strspn(at, " _");
        bool is_word = at + n_blanks == digits, is_letter = isalpha((unsigned char)at[n_blanks]);
        bool is_camel = islower((unsigned char)text[n - 1]) && isupper((unsigned char)text[n]);
        if (at[n_blanks] == '|' || (n_blanks == 0 && *at && strchr("([", *at)) ||
            (is_letter && (!is_word || is_camel)))
            return true;
    }
    return false;
}

/* "1e6*I", "I^2", "I x 1e-6", "I/I0", "I_norm", "I dB", "I %". */
static bool is_scaled(const char *text, bool has_unit)
{
    static const char *const words[] = {"norm", "normalized", "normalised", "percent",
                                        "dB",   "dBm",        "dBA",        "dBV"};
    for (const char *at = text; *at; at++) {
        const char *next = at + 1 + strspn(at + 1, " \t");
        bool is_inner = at > text && *next;
        if (*at == '%' || strncasecmp(at, "a.u", 3) == 0 || (is_inner && strchr("*^", *at))) return true;
        if (strncmp(at, "\xc2\xb2", 2) == 0 || strncmp(at, "\xc2\xb3", 2) == 0 ||
            strncmp(at, "\xc3\x97", 2) == 0)
            return true;
        if (!has_unit && is_inner && *at == '/' && isalpha((unsigned char)*next) && *next == text[0])
            return true;
        size_t n_digits = strspn(next, "0123456789.");
        if (is_inner && strchr("xX", *at) && strchr(" \t(", at[-1]) && n_digits > 0 &&
            (strncmp(next, "10", 2) == 0 || strchr("eE", next[n_digits])))
            return true;
        if (at > text && isalnum((unsigned char)at[-1])) continue;
        for (size_t k = 0; k < sizeof words / sizeof words[0]; k++) {
            size_t n = word_length(at);
            if (n == strlen(words[k]) && strncmp(at, words[k], n) == 0) return true;
        }
    }
    return false;
}

/* "log(I)", "sqrt(I)", "1/T". */
static bool is_function(const char *text)
{
    return strncmp(text, "1/", 2) == 0 || strncasecmp(text, "exp(", 4) == 0 ||
           strncasecmp(text, "sqrt(", 5) == 0 || is_logarithm(text);
}

static xbtab_status refuse_function(const xbtab__csv *t, int column, const char *what)
{
    char label[XBTAB__CSV_NAME_SIZE];
    XBTAB_FAIL(XBTAB_ERR_INPUT, "%s:%zu: column %d (%s) is a function of the %s; give the %s itself", t->path,
               t->header_line, column + 1, xbtab__csv_name(label, t, column), what, what);
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
    const char *heading = column < t->n_names && unit[0] ? t->name[column] : "";
    if (is_function(heading)) return refuse_function(t, column, what);
    if (!sure && !out->is_given) sure = near_unit(heading, unit, &n);
    const char *why = sure ? parse_unit(out, sure, n, unit) : NULL;
    if (sure) out->is_given = out->is_sure = true;
    if (!why) return is_scaled(heading, out->is_given) ? refuse_function(t, column, what) : XBTAB_OK;
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
