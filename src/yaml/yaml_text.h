/* yaml_text.h - a YAML file in memory, read through a libcyaml schema, with the place of each key for
 * messages.
 *
 * libcyaml checks keys and types and names the line of what it refuses; values are read as text and checked
 * by us, and libyaml's own nodes then tell on which line a value stands. */
#ifndef XBTAB_CONFIG_YAML_TEXT_H
#define XBTAB_CONFIG_YAML_TEXT_H

#include <stddef.h>

#include <cyaml/cyaml.h>

#include "check.h"

typedef struct xbtab__yaml {
    char *path; /* as given by the user */
    char *text; /* the whole file */
    size_t n;
    int lines_before; /* lines of the file above the text, where the text is a part of it */
} xbtab__yaml;

/** Read a file (at most 1 MiB) and check it (yaml_check.h); the text has no byte order mark then, and '\n' at
 *  its line ends. End with xbtab__yaml_clear(). */
xbtab_status xbtab__yaml_read(xbtab__yaml *yaml, const char *path) XBTAB_MUST_CHECK;

/** The same of a text in memory; name stands for its path, and lines_before of it stand above the text. */
xbtab_status xbtab__yaml_copy(xbtab__yaml *yaml, const char *text, const char *name,
                              int lines_before) XBTAB_MUST_CHECK;
void xbtab__yaml_clear(xbtab__yaml *yaml);

/** Load through a schema whose top is a pointer to a mapping. No text may hold a control character, but for
 * lines and tabs in prose (notes, summary, source, licence, description). @param[out] data  free with
 * xbtab__yaml_free_data(). */
xbtab_status xbtab__yaml_load(void **data, const xbtab__yaml *yaml,
                              const cyaml_schema_value_t *schema) XBTAB_MUST_CHECK;
void xbtab__yaml_free_data(void *data, const cyaml_schema_value_t *schema);

/** The line of a key, counted from 1; key as "cell.rram.parameters[2].value". The line of the nearest key
 * that exists where the whole is not in the file. */
int xbtab__yaml_line(const xbtab__yaml *yaml, const char *key);

/** "file:line: key: message" as this thread's error; returns XBTAB_ERR_INPUT. */
xbtab_status xbtab__yaml_fail(const xbtab__yaml *yaml, const char *key, const char *format, ...)
    XBTAB_PRINTF(3, 4);

/** Parse a quantity at a key and check min <= value <= max (SI). NULL text leaves *out as it is (an optional
 * key). */
xbtab_status xbtab__yaml_quantity(double *out, const xbtab__yaml *yaml, const char *key, const char *text,
                                  const char *unit, double min, double max) XBTAB_MUST_CHECK;

/** The same for a whole number. */
xbtab_status xbtab__yaml_int(int *out, const xbtab__yaml *yaml, const char *key, const char *text, int min,
                             int max) XBTAB_MUST_CHECK;

/** One of a NULL-terminated list of words: its index in *out. */
xbtab_status xbtab__yaml_choice(int *out, const xbtab__yaml *yaml, const char *key, const char *text,
                                const char *const *words) XBTAB_MUST_CHECK;

#endif
