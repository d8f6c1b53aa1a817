/* csv.c - tables of numbers as people's programs write them. */
#include "csv.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "clean.h"
#include "file.h"
#include "memory.h"

enum { LONGEST_NUMBER = 1000, SHOWN = 24, SHOWN_NAME = 40 };

typedef enum kind { EMPTY, NUMBER, BROKEN, WORD } kind;

/* ---- fields ---- */

static size_t digits(const char *s)
{
    return strspn(s, "0123456789");
}

/* Whether a text is a decimal number as a whole. @param[out] mark  its decimal mark, 0 = it has none. */
static bool is_decimal(const char *s, char *mark)
{
    s += *s == '+' || *s == '-';
    size_t n = digits(s);
    s += n;
    *mark = *s == '.' || *s == ',' ? *s++ : '\0';
    if (*mark) {
        size_t more = digits(s);
        if (*mark == ',' && more == 0) return false; /* it separates */
        n += more;
        s += more;
    }
    if (n == 0) return false;
    if (*s == 'e' || *s == 'E') {
        s++;
        s += *s == '+' || *s == '-';
        if (digits(s) == 0) return false;
        s += digits(s);
    }
    return *s == '\0';
}

static bool is_infinity(const char *s)
{
    s += *s == '+';
    return strcasecmp(s, "inf") == 0 || strcasecmp(s, "infinity") == 0;
}

/* What stands for a number that is not there. */
static bool is_placeholder(const char *s)
{
    static const char *const words[] = {"nan", "inf", "infinity", "n/a", "#n/a", "null", "none", "#div/0!"};
    if (strcmp(s, "-") == 0 || strcmp(s, "--") == 0) return true;
    if (strcmp(s, "NA") == 0 || strcmp(s, "na") == 0) return true; /* nA is a unit */
    s += *s == '+' || *s == '-';
    for (size_t k = 0; k < sizeof words / sizeof words[0]; k++) {
        if (strcasecmp(s, words[k]) == 0) return true;
    }
    return false;
}

static kind kind_of(const char *s, char delimiter)
{
    char mark;
    if (!*s) return EMPTY;
    if (is_decimal(s, &mark) && !(mark == ',' && delimiter == ',')) return NUMBER;
    if (is_placeholder(s)) return BROKEN;
    while (*s == ' ' || (unsigned char)*s >= 0x80) s++; /* marks and signs that are no ASCII */
    s += strspn(s, "+-");
    s += *s == '.' || *s == ',';
    return digits(s) ? BROKEN : WORD;
}

/* ---- rows ---- */

static xbtab_status push(xbtab__csv *t, char *field)
{
    if (t->n == t->room) {
        int room = t->room ? 2 * t->room : 64;
        if (t->n == XBTAB__CSV_MOST_COLUMNS)
            XBTAB_FAIL(XBTAB_ERR_INPUT, "%s:%zu: more than %d columns", t->path, t->line,
                       XBTAB__CSV_MOST_COLUMNS);
        char **grown = xbtab__realloc(t->field, (size_t)room, sizeof *grown);
        if (!grown) return XBTAB_NOMEM();
        t->field = grown;
        t->room = room;
    }
    t->field[t->n++] = field;
    return XBTAB_OK;
}

static bool is_blank(char c, char delimiter)
{
    return c == ' ' || (c == '\t' && delimiter != '\t');
}

/* The text between quotes, which are taken off. @param[in,out] at  the opening quote; then what follows the
 * closing one. */
static xbtab_status unquote(char **at, const xbtab__csv *t)
{
    char *from = *at + 1, *to = *at;
    for (; *from && !(from[0] == '"' && from[1] != '"'); from++) {
        if (*from == '"') from++;
        *to++ = *from;
    }
    if (!*from) XBTAB_FAIL(XBTAB_ERR_INPUT, "%s:%zu: a quote is not closed on its line", t->path, t->line);
    from++;
    while (is_blank(*from, t->delimiter)) from++;
    if (*from && *from != t->delimiter && t->delimiter != ' ')
        XBTAB_FAIL(XBTAB_ERR_INPUT, "%s:%zu: text behind a closing quote", t->path, t->line);
    while (to > *at && to[-1] == ' ') to--;
    *to = '\0';
    *at = from;
    return XBTAB_OK;
}

/* Cut a line into fields, in place. */
static xbtab_status split(xbtab__csv *t, char *line)
{
    t->n = 0;
    for (char *at = line;;) {
        while (is_blank(*at, t->delimiter)) at++;
        if (!*at && t->delimiter == ' ') return XBTAB_OK;
        XBTAB_TRY(push(t, at));
        if (*at == '"') {
            XBTAB_TRY(unquote(&at, t));
            if (!*at) return XBTAB_OK;
            if (t->delimiter != ' ') at++;
            continue;
        }
        char *end = at;
        while (*end && *end != t->delimiter && !(t->delimiter == ' ' && *end == '\t')) end++;
        char stop = *end;
        *end = '\0';
        for (char *tail = end; tail > at && (tail[-1] == ' ' || tail[-1] == '\t');) *--tail = '\0';
        if (!stop) return XBTAB_OK;
        at = end + 1;
    }
}

/* A line of the text that is neither empty nor a comment; NULL at the end. */
static char *take_line(xbtab__csv *t)
{
    while (*t->at) {
        char *line = t->at, *end = line + strcspn(line, "\r\n");
        t->line = t->next_line++;
        t->at = end + (end[0] == '\r' && end[1] == '\n' ? 2 : *end ? 1 : 0);
        *end = '\0';
        size_t blanks = strspn(line, " \t");
        if (line[blanks] && line[blanks] != '#' && line[blanks] != '%') return line;
    }
    return NULL;
}

/* What separates the fields of a line. Tabs beside a comma or a semicolon are there for the eye. */
static char find_delimiter(const char *line, const char *next_line)
{
    bool quoted = false, has_comma = false, has_semicolon = false;
    char before = '\0'; /* the last character that is not blank */
    for (const char *at = line; *at; at++) {
        bool may_open = !before || strchr(",; \t", at[-1]);
        if (*at == '"' && (quoted || may_open)) quoted = !quoted;
        if (!quoted && *at == '\t') {
            const char *next = at + strspn(at, " \t");
            if (before && *next && !strchr(",;", before) && !strchr(",;", *next)) return '\t';
            at = next - 1;
            continue;
        }
        if (!quoted && *at == ',') has_comma = true;
        if (!quoted && *at == ';') has_semicolon = true;
        if (*at != ' ') before = *at;
    }
    /* "V, mV; I, uA", or "V,I,remarks; if any": the next line tells */
    if (has_semicolon && has_comma && *next_line)
        has_semicolon = next_line[strcspn(next_line, ";\r\n")] == ';';
    return has_semicolon ? ';' : has_comma ? ',' : ' ';
}

/* "0,1 1,5": two numbers with decimal commas, or three and four. */
static bool is_ambiguous(char *line)
{
    int n = 0;
    for (char *at = line + strspn(line, " \t"); *at; n++) {
        char *end = at + strcspn(at, " \t"), stop = *end, mark;
        *end = '\0';
        bool is_number = is_decimal(at, &mark);
        *end = stop;
        if (!is_number) return false;
        at = end + strspn(end, " \t");
    }
    return n > 1;
}

static xbtab_status choose_delimiter(xbtab__csv *t, char *line)
{
    t->delimiter = find_delimiter(line, t->at);
    if (t->delimiter == ',' && is_ambiguous(line)) {
        XBTAB_FAIL(
            XBTAB_ERR_INPUT,
            "%s:%zu: both blanks and commas: do the commas separate, or are they decimal marks? separate "
            "columns by tabs or semicolons",
            t->path, t->line);
    }
    return XBTAB_OK;
}

static xbtab_status read_row(xbtab__csv *t)
{
    char *line = take_line(t);
    t->n = 0;
    if (!line) return XBTAB_OK;
    if (!t->delimiter) XBTAB_TRY(choose_delimiter(t, line));
    XBTAB_TRY(split(t, line));
    if (t->width == 0) t->width = t->n;
    /* decimal commas where commas separate make columns more */
    for (int k = t->width; k < t->n && t->delimiter == ','; k++) {
        if (kind_of(t->field[k], ',') != NUMBER) continue;
        XBTAB_FAIL(
            XBTAB_ERR_INPUT,
            "%s:%zu: %d columns, the first row has %d; are there decimal commas? then separate columns by "
            "tabs or semicolons",
            t->path, t->line, t->n, t->width);
    }
    return XBTAB_OK;
}

xbtab_status xbtab__csv_next(xbtab__csv *t)
{
    if (!t->is_held) return read_row(t);
    t->is_held = false;
    return XBTAB_OK;
}

/* ---- the header ---- */

static bool has_kind(const xbtab__csv *t, kind wanted)
{
    for (int k = 0; k < t->n; k++) {
        if (kind_of(t->field[k], t->delimiter) == wanted) return true;
    }
    return false;
}

static xbtab_status keep_row(char ***out, int *n, size_t *line, const xbtab__csv *t)
{
    *out = xbtab__alloc((size_t)t->n, sizeof **out);
    if (!*out) return XBTAB_NOMEM();
    memcpy(*out, t->field, (size_t)t->n * sizeof **out);
    *n = t->n;
    *line = t->line;
    return XBTAB_OK;
}

/* Where blanks separate, they also stand in names: "R (ohm)" keeps its brackets, a single column all its
 * words, and what has another number of words than of columns has no names. */
static xbtab_status fit_names(xbtab__csv *t)
{
    static char none[] = "";
    if (t->delimiter != ' ' || t->n == 0) return XBTAB_OK;
    int n = 0;
    for (int k = 0; k < t->n_names; k++) {
        char *at = t->name[k];
        bool goes_on = k > 0 && (t->n == 1 || (*at && strchr("[(", *at)));
        while (goes_on && (!at[-1] || at[-1] == ' ' || at[-1] == '\t')) *--at = ' ';
        bool is_one = goes_on && t->name[n - 1] + strlen(t->name[n - 1]) > t->name[k];
        if (!is_one) t->name[n++] = t->name[k];
    }
    t->n_names = n;
    if (n == t->n) return XBTAB_OK;
    char **names = xbtab__realloc(t->name, (size_t)t->n, sizeof *names);
    if (!names) return XBTAB_NOMEM();
    t->name = names;
    t->n_names = t->n;
    for (int k = 0; k < t->n; k++) names[k] = none;
    return XBTAB_OK;
}

static xbtab_status read_header(xbtab__csv *t, const xbtab__csv_options *o)
{
    bool is_header = o->header == XBTAB__CSV_HEADER_YES;
    if (o->header == XBTAB__CSV_HEADER_AUTO && o->decisive > 0) {
        is_header = o->decisive <= t->n && kind_of(t->field[o->decisive - 1], t->delimiter) == WORD;
    } else if (o->header == XBTAB__CSV_HEADER_AUTO) {
        is_header = has_kind(t, WORD);
    }
    if (is_header) {
        XBTAB_TRY(keep_row(&t->name, &t->n_names, &t->header_line, t));
        XBTAB_TRY(read_row(t));
        bool is_unit = has_kind(t, WORD) && !has_kind(t, NUMBER) && !has_kind(t, BROKEN);
        if (is_unit && t->n <= t->n_names) {
            XBTAB_TRY(keep_row(&t->unit, &t->n_units, &t->unit_line, t));
            XBTAB_TRY(read_row(t));
        }
        XBTAB_TRY(fit_names(t));
    }
    int n_numbers = 0, n_fields = 0;
    for (int k = 0; k < t->n; k++) {
        kind what = kind_of(t->field[k], t->delimiter);
        n_numbers += what == NUMBER;
        n_fields += what != EMPTY;
    }
    t->is_table = n_numbers > 0 && 2 * n_numbers >= n_fields;
    t->is_held = true;
    return XBTAB_OK;
}

/* ---- the text ---- */

/* Drop marks at both ends; refuse what is no text. */
static xbtab_status check_text(xbtab__csv *t, size_t n)
{
    const unsigned char *b = (const unsigned char *)t->text;
    if (n >= 2 && ((b[0] == 0xff && b[1] == 0xfe) || (b[0] == 0xfe && b[1] == 0xff)))
        XBTAB_FAIL(XBTAB_ERR_INPUT, "%s: is UTF-16 text; save it as UTF-8", t->path);
    if (n > 0 && b[n - 1] == 0x1a) t->text[--n] = '\0'; /* where DOS ends a file */
    size_t line = 1;
    for (size_t k = 0; k < n; k++) {
        line += b[k] == '\n';
        if ((b[k] >= 0x20 && b[k] != 0x7f) || b[k] == '\t' || b[k] == '\n' || b[k] == '\r') continue;
        if (b[k] == 0) XBTAB_FAIL(XBTAB_ERR_INPUT, "%s:%zu: holds a zero byte: it is no text", t->path, line);
        XBTAB_FAIL(XBTAB_ERR_INPUT, "%s:%zu: holds the control byte 0x%02x: it is no text", t->path, line,
                   b[k]);
    }
    t->at = t->text + (n >= 3 && b[0] == 0xef && b[1] == 0xbb && b[2] == 0xbf ? 3 : 0);
    if (strncmp(t->at, "sep=", 4) == 0 && t->at[4] && strchr(",;\t", t->at[4]) && strspn(t->at + 5, "\r\n")) {
        t->delimiter = t->at[4];
        take_line(t);
    }
    return XBTAB_OK;
}

static xbtab_status begin(xbtab__csv *t, size_t n, const xbtab__csv_options *options)
{
    static const xbtab__csv_options defaults;
    const xbtab__csv_options *o = options ? options : &defaults;
    t->next_line = 1;
    XBTAB_TRY(check_text(t, n));
    if (o->delimiter) t->delimiter = o->delimiter;
    XBTAB_TRY(read_row(t));
    if (t->n == 0) XBTAB_FAIL(XBTAB_ERR_INPUT, "%s: the file is empty", t->path);
    return read_header(t, o);
}

xbtab_status xbtab__csv_open(xbtab__csv *t, const char *path, const xbtab__csv_options *options)
{
    size_t n = 0;
    *t = (xbtab__csv){.path = path};
    XBTAB_TRY(xbtab__file_read_gz(&t->text, &n, path, XBTAB__CSV_LARGEST));
    return begin(t, n, options);
}

xbtab_status xbtab__csv_open_text(xbtab__csv *t, const char *path, const char *text, size_t n,
                                  const xbtab__csv_options *options)
{
    *t = (xbtab__csv){.path = path};
    if (n > XBTAB__CSV_LARGEST)
        XBTAB_FAIL(XBTAB_ERR_INPUT, "%s: larger than %d bytes", path, XBTAB__CSV_LARGEST);
    t->text = xbtab__alloc(n + 1, 1);
    if (!t->text) return XBTAB_NOMEM();
    memcpy(t->text, text, n);
    return begin(t, n, options);
}

void xbtab__csv_close(xbtab__csv *t)
{
    xbtab__free(t->text);
    xbtab__free(t->field);
    xbtab__free(t->name);
    xbtab__free(t->unit);
    *t = (xbtab__csv){0};
}

/* ---- numbers ---- */

bool xbtab__csv_is_empty(const xbtab__csv *t, int column)
{
    return column >= t->n || !t->field[column][0];
}

bool xbtab__csv_is_infinite(const xbtab__csv *t, int column)
{
    return column < t->n && is_infinity(t->field[column]);
}

/* Why a field is no number; words of a file that is no table are not repeated. */
static xbtab_status refuse(const xbtab__csv *t, const char *field, const char *what)
{
    char shown[4 * SHOWN + 4], mark;
    bool is_shown = is_placeholder(field) || is_decimal(field, &mark) ||
                    (t->has_numbers && kind_of(field, t->delimiter) != WORD);
    const char *unsigned_field = field + (*field == '+' || *field == '-');
    xbtab__clean(shown, field, SHOWN);
    if (!*field) XBTAB_FAIL(XBTAB_ERR_INPUT, "%s:%zu: the %s is missing", t->path, t->line, what);
    if (is_infinity(unsigned_field) || strcasecmp(unsigned_field, "nan") == 0)
        XBTAB_FAIL(XBTAB_ERR_INPUT, "%s:%zu: the %s is %s; remove such lines", t->path, t->line, what, shown);
    if (!is_shown) XBTAB_FAIL(XBTAB_ERR_INPUT, "%s:%zu: the %s is not a number", t->path, t->line, what);
    bool has_both = strchr(field, ',') && (strchr(field, '.') || strchr(field, ',') != strrchr(field, ','));
    const char *why = has_both                    ? ": write numbers without marks between thousands"
                      : !is_decimal(field, &mark) ? ""
                      : mark == ','               ? ": commas separate in this file"
                                                  : ": it is too large";
    XBTAB_FAIL(XBTAB_ERR_INPUT, "%s:%zu: the %s \"%s\" is not a number%s", t->path, t->line, what, shown,
               why);
}

xbtab_status xbtab__csv_number(double *out, xbtab__csv *t, int column, const char *what)
{
    char mark;
    if (column >= t->n) {
        XBTAB_FAIL(XBTAB_ERR_INPUT, "%s:%zu: has %d columns, the %s is in column %d", t->path, t->line, t->n,
                   what, column + 1);
    }
    char *field = t->field[column];
    if (!is_decimal(field, &mark) || (mark == ',' && t->delimiter == ',')) return refuse(t, field, what);
    if (mark && t->decimal && mark != t->decimal) {
        XBTAB_FAIL(XBTAB_ERR_INPUT, "%s:%zu: the %s has a decimal %s, line %zu a decimal %s", t->path,
                   t->line, what, mark == ',' ? "comma" : "point", t->decimal_line,
                   mark == ',' ? "point" : "comma");
    }
    if (strlen(field) > LONGEST_NUMBER) {
        XBTAB_FAIL(XBTAB_ERR_INPUT, "%s:%zu: the %s has more than %d digits", t->path, t->line, what,
                   LONGEST_NUMBER);
    }
    if (mark && !t->decimal) {
        t->decimal = mark;
        t->decimal_line = t->line;
    }
    char *comma = mark == ',' ? strchr(field, ',') : NULL;
    if (comma) *comma = '.';
    double value = strtod(field, NULL);
    if (comma) *comma = ',';
    if (!isfinite(value)) return refuse(t, field, what);
    t->has_numbers = true;
    *out = value;
    return XBTAB_OK;
}

/* ---- messages ---- */

char *xbtab__csv_name(char *out, const xbtab__csv *t, int column)
{
    char name[4 * SHOWN_NAME + 4];
    bool is_shown = t->is_table && column < t->n_names && kind_of(t->name[column], t->delimiter) == WORD;
    if (is_shown) {
        snprintf(out, XBTAB__CSV_NAME_SIZE, "%s", xbtab__clean(name, t->name[column], SHOWN_NAME));
    } else {
        snprintf(out, XBTAB__CSV_NAME_SIZE, "column %d", column + 1);
    }
    return out;
}

char *xbtab__csv_names(char *out, size_t size, const xbtab__csv *t)
{
    char name[4 * SHOWN_NAME + 4];
    size_t used = 0;
    out[0] = '\0';
    for (int k = 0; k < t->n_names && t->is_table; k++) {
        if (kind_of(t->name[k], t->delimiter) != WORD) continue;
        xbtab__clean(name, t->name[k], SHOWN_NAME);
        if (used + strlen(name) + 6 > size) {
            snprintf(out + used, size - used, ", ...");
            break;
        }
        used += (size_t)snprintf(out + used, size - used, "%s%s", used ? ", " : "", name);
    }
    if (!used) snprintf(out, size, "none that could be a name");
    return out;
}
