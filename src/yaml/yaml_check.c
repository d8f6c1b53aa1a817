/* yaml_check.c - what a YAML text must be before any parser builds something of it. */
#include "yaml_check.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <yaml.h>

#include "memory.h"

void xbtab__yaml_normalize(char *text, size_t *n)
{
    size_t to = 0, from = *n >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
    for (; from < *n; from++) {
        bool is_return = text[from] == '\r';
        if (is_return && from + 1 < *n && text[from + 1] == '\n') continue;
        text[to++] = is_return ? '\n' : text[from];
    }
    text[to] = '\0';
    *n = to;
}

/* ---- bytes ---- */

/* The bytes of the UTF-8 character there; 0 where there is none. */
static size_t character(const unsigned char *s, size_t n)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t size = s[0] < 0x80             ? 1
                  : (s[0] & 0xe0) == 0xc0 ? 2
                  : (s[0] & 0xf0) == 0xe0 ? 3
                  : (s[0] & 0xf8) == 0xf0 ? 4
                                          : 0;
    if (size < 2 || size > n) return size == 1;
    uint32_t code = s[0] & (0x7fu >> size);
    for (size_t k = 1; k < size; k++) {
        if ((s[k] & 0xc0) != 0x80) return 0;
        code = code << 6 | (s[k] & 0x3fu);
    }
    bool is_surrogate = code >= 0xd800 && code <= 0xdfff;
    return code < least[size] || code > 0x10ffff || is_surrogate ? 0 : size;
}

static xbtab_status check_bytes(const char *text, size_t n, const char *path, int lines_before)
{
    int line = lines_before + 1;
    if (n > XBTAB__YAML_LARGEST)
        XBTAB_FAIL(XBTAB_ERR_INPUT, "%s: larger than %d bytes", path, XBTAB__YAML_LARGEST);
    if (n >= 2 && (memcmp(text, "\xff\xfe", 2) == 0 || memcmp(text, "\xfe\xff", 2) == 0))
        XBTAB_FAIL(XBTAB_ERR_INPUT, "%s:1: UTF-16; YAML files are read in UTF-8", path);
    for (size_t k = 0; k < n;) {
        size_t size = character((const unsigned char *)text + k, n - k);
        if (text[k] == '\0')
            XBTAB_FAIL(XBTAB_ERR_INPUT, "%s:%d: not a YAML file (it holds a zero byte)", path, line);
        if (!size)
            XBTAB_FAIL(XBTAB_ERR_INPUT, "%s:%d: byte 0x%02x is not UTF-8", path, line,
                       (unsigned char)text[k]);
        if (text[k] == '%' && (k == 0 || text[k - 1] == '\n'))
            XBTAB_FAIL(XBTAB_ERR_INPUT, "%s:%d: YAML directives (%%) are not supported", path, line);
        line += text[k] == '\n';
        k += size;
    }
    return XBTAB_OK;
}

/* ---- structure ---- */

typedef struct key {
    char *text;
    int line;
} key;

typedef struct frame {
    bool is_mapping, is_value; /* the next node of a mapping is a key's value */
    size_t first_key;
} frame;

typedef struct walker {
    const char *path;
    int lines_before, depth; /* open lists and mappings */
    long nodes, documents;
    frame frame[XBTAB__YAML_DEEPEST + 1];
    key *key; /* of all open mappings */
    size_t n_keys, room;
} walker;

static int line_of(const walker *w, const yaml_event_t *event)
{
    return w->lines_before + (int)event->start_mark.line + 1;
}

static xbtab_status add_key(walker *w, const yaml_event_t *event)
{
    if (event->type != YAML_SCALAR_EVENT)
        XBTAB_FAIL(XBTAB_ERR_INPUT, "%s:%d: a key must be a word", w->path, line_of(w, event));
    if (w->n_keys == w->room) {
        size_t room = w->room ? 2 * w->room : 64;
        key *grown = xbtab__realloc(w->key, room, sizeof *grown);
        if (!grown) return XBTAB_NOMEM();
        w->key = grown;
        w->room = room;
    }
    char *text = xbtab__strdup((const char *)event->data.scalar.value);
    if (!text) return XBTAB_NOMEM();
    w->key[w->n_keys++] = (key){text, line_of(w, event)};
    return XBTAB_OK;
}

static int compare_keys(const void *a, const void *b)
{
    const key *x = a, *y = b;
    int order = strcmp(x->text, y->text);
    return order ? order : (x->line > y->line) - (x->line < y->line);
}

/* A mapping's end: no key was there before. */
static xbtab_status close_mapping(walker *w, size_t first)
{
    xbtab_status status = XBTAB_OK;
    size_t n = w->n_keys - first;
    if (n > 1) qsort(w->key + first, n, sizeof *w->key, compare_keys);
    for (size_t k = first + 1; k < w->n_keys && status == XBTAB_OK; k++) {
        const key *one = &w->key[k - 1], *other = &w->key[k];
        if (strcmp(one->text, other->text) == 0)
            status = xbtab__error_set(XBTAB_ERR_INPUT, "%s:%d: key \"%.80s\" is there already, in line %d",
                                      w->path, other->line, other->text, one->line);
    }
    while (w->n_keys > first) xbtab__free(w->key[--w->n_keys].text);
    return status;
}

static xbtab_status open_node(walker *w, const yaml_event_t *event)
{
    const yaml_char_t *anchor = event->type == YAML_SCALAR_EVENT           ? event->data.scalar.anchor
                                : event->type == YAML_SEQUENCE_START_EVENT ? event->data.sequence_start.anchor
                                                                           : event->data.mapping_start.anchor;
    frame *f = &w->frame[w->depth];
    if (anchor)
        XBTAB_FAIL(XBTAB_ERR_INPUT, "%s:%d: YAML anchors (&) are not supported", w->path, line_of(w, event));
    if (++w->nodes > XBTAB__YAML_MOST_NODES)
        XBTAB_FAIL(XBTAB_ERR_INPUT, "%s:%d: more than %d values and keys", w->path, line_of(w, event),
                   XBTAB__YAML_MOST_NODES);
    if (f->is_mapping && !f->is_value) XBTAB_TRY(add_key(w, event));
    f->is_value = !f->is_value;
    if (event->type == YAML_SCALAR_EVENT) return XBTAB_OK;
    if (w->depth == XBTAB__YAML_DEEPEST)
        XBTAB_FAIL(XBTAB_ERR_INPUT, "%s:%d: nested more than %d deep", w->path, line_of(w, event),
                   XBTAB__YAML_DEEPEST);
    w->frame[++w->depth] = (frame){event->type == YAML_MAPPING_START_EVENT, false, w->n_keys};
    return XBTAB_OK;
}

static xbtab_status take_event(walker *w, const yaml_event_t *event)
{
    switch (event->type) {
    case YAML_DOCUMENT_START_EVENT:
        if (++w->documents > 1)
            XBTAB_FAIL(XBTAB_ERR_INPUT, "%s:%d: a second YAML document; one is read", w->path,
                       line_of(w, event));
        return XBTAB_OK;
    case YAML_ALIAS_EVENT:
        XBTAB_FAIL(XBTAB_ERR_INPUT, "%s:%d: YAML aliases are not supported", w->path, line_of(w, event));
    case YAML_SCALAR_EVENT:
    case YAML_SEQUENCE_START_EVENT:
    case YAML_MAPPING_START_EVENT:
        return open_node(w, event);
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        return close_mapping(w, w->frame[w->depth--].first_key);
    default:
        return XBTAB_OK;
    }
}

/* Whether a tab is among what indents a line, counted from 0. */
static bool begins_with_tab(const char *text, size_t line)
{
    for (; line > 0 && (text = strchr(text, '\n')); line--) text++;
    return text && text[strspn(text, " ")] == '\t';
}

static xbtab_status complain(const walker *w, const yaml_parser_t *p, const char *text)
{
    char from[96] = "";
    if (p->error == YAML_MEMORY_ERROR) return XBTAB_NOMEM();
    if (p->context && p->context_mark.line < p->problem_mark.line)
        snprintf(from, sizeof from, " %s from line %zu", p->context,
                 (size_t)w->lines_before + p->context_mark.line + 1);
    XBTAB_FAIL(XBTAB_ERR_INPUT, "%s:%zu: not YAML: %s%s%s", w->path,
               (size_t)w->lines_before + p->problem_mark.line + 1, p->problem ? p->problem : "syntax error",
               from, begins_with_tab(text, p->problem_mark.line) ? "; tabs cannot indent, blanks do" : "");
}

/* libyaml's own parse, event by event: it stops at the first fault, before anything was built. */
static xbtab_status check_structure(walker *w, const char *text, size_t n)
{
    yaml_parser_t parser;
    yaml_event_t event;
    bool is_end = false;
    xbtab_status status = XBTAB_OK;
    if (!yaml_parser_initialize(&parser)) return XBTAB_NOMEM();
    yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&parser, (const unsigned char *)text, n);
    while (!is_end && status == XBTAB_OK) {
        if (!yaml_parser_parse(&parser, &event)) {
            status = complain(w, &parser, text);
            break;
        }
        is_end = event.type == YAML_STREAM_END_EVENT;
        status = take_event(w, &event);
        yaml_event_delete(&event);
    }
    yaml_parser_delete(&parser);
    return status;
}

xbtab_status xbtab__yaml_check(const char *text, size_t n, const char *path, int lines_before)
{
    walker w = {.path = path, .lines_before = lines_before};
    XBTAB_TRY(check_bytes(text, n, path, lines_before));
    xbtab_status status = check_structure(&w, text, n);
    while (w.n_keys > 0) xbtab__free(w.key[--w.n_keys].text);
    xbtab__free(w.key);
    return status;
}
