/* report.h - results as data: the fields of a struct, listed once, and its text, JSON and CSV printed from the list.
 *
 *   static const xbtab_field fields[] = {
 *       {XBTAB_FIELD(xbtab_check_report, samples, "samples", NULL, "products compared")},
 *       {XBTAB_FIELD(xbtab_check_report, rmse, "rmse_fs", NULL, "error of the currents, a share of full scale")}};
 *   const xbtab_form form = XBTAB_FORM(xbtab_check_report, fields);
 *   xbtab_report_text(stdout, &form, &report, "{samples} products within {rmse_fs:.4f*100} % of full scale\n");
 *   status = xbtab_report_json(stdout, &form, &report);
 *
 * How a field is added: one row in the list of its struct (src/report/report_*.c; beside its verb where the program alone has
 * the struct), in the place that it has in JSON: key, unit, what it is. Its type comes from its member, so it cannot be told
 * wrong. JSON and CSV have it from then on; a text has it where it is named. A key stays what it is once it was released.
 *
 *   kind of member                  row
 *   number, word, flag              {XBTAB_FIELD(type, member, key, unit, what)}; an int that is a flag: {XBTAB_FIELD_YES_NO(...)}
 *   what follows from others        the same of any member of its type, with .derive (a double), .word or .whole
 *   not always there                .absent (what is printed then), .when (where a value of its own does not tell)
 *   struct within                   {XBTAB_FIELD_OF(type, member, key, &form, what)}; key NULL: its fields stand among these
 *   pointer and how many            {XBTAB_FIELD_ROWS(type, member, count, key, &form, what)}; by name: {XBTAB_FIELD_NAMED(...)}
 *   array within and how many       the same with .is_within = 1 behind
 *   list of plain numbers, words    the same with xbtab_form_real, xbtab_form_whole, xbtab_form_word
 *
 * The library's own lists are below, and by name in xbtab_forms(): another printer, or another language, reads results through them.
 *
 * Threads: lists are constant; a stream is used by one thread at a time. */
#ifndef XBARTAB_REPORT_H
#define XBARTAB_REPORT_H

#include <stddef.h>
#include <stdio.h>

#include <xbartab/status.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum xbtab_field_kind {
    XBTAB_FIELD_INT = 1,  /* int */
    XBTAB_FIELD_LONG,     /* long, int64_t */
    XBTAB_FIELD_UNSIGNED, /* unsigned long: size_t, uint64_t */
    XBTAB_FIELD_REAL,     /* double */
    XBTAB_FIELD_WORD,     /* a pointer to characters; NULL = none */
    XBTAB_FIELD_TEXT,     /* an array of characters, ended by 0 */
    XBTAB_FIELD_BOOL,     /* bool */
    XBTAB_FIELD_FLAG,     /* int, not 0 = true */
    XBTAB_FIELD_RECORD,   /* a struct within, of another form; without a key its fields stand among these */
    XBTAB_FIELD_LIST,     /* a number of structs of another form, behind a pointer or within */
    XBTAB_FIELD_BY_NAME   /* the same; JSON has an object, whose keys are what the rows' first field says */
} xbtab_field_kind;

/** What is printed of a field that is not there: its `when` says so, or it is a number that is not finite, or no
 * word. */
typedef enum xbtab_field_absent {
    XBTAB_ABSENT_FAULT,   /* JSON fails */
    XBTAB_ABSENT_NULL,    /* JSON has null */
    XBTAB_ABSENT_LEFT_OUT /* nothing; an empty place in CSV */
} xbtab_field_absent;

typedef struct xbtab_form xbtab_form;

/** A figure of a struct. All that it points at is constant. */
typedef struct xbtab_field {
    const char *key;  /* its name in JSON, CSV and texts */
    const char *unit; /* SI; NULL = a number, a share of 1, a word */
    const char *what; /* what it is, in a few words */
    xbtab_field_kind kind;
    size_t offset; /* in the struct [bytes] */
    xbtab_field_absent absent;
    int (*when)(const void *record);      /* 0 = not there; NULL = there */
    double (*derive)(const void *record); /* a REAL that follows from others; NULL = as it stands at offset */
    long (*whole)(const void *record);    /* the same of an INT, LONG, FLAG */
    const char *(*word)(const void *record); /* the same of a WORD */
    const xbtab_form *form;                  /* of a RECORD, a LIST, BY_NAME */
    size_t count;                            /* offset of how many a LIST, BY_NAME has [bytes] */
    xbtab_field_kind count_kind;             /* INT, LONG or UNSIGNED */
    int is_within; /* a LIST, BY_NAME that lies at offset itself, not behind a pointer */
} xbtab_field;

/** The fields of a struct, in the order of JSON and CSV. One field without a key that is no RECORD: the value itself, without
 * a struct about it. */
struct xbtab_form {
    const char *name; /* the struct's */
    size_t size;      /* of the struct [bytes] */
    const xbtab_field *field;
    size_t n;
};

#define XBTAB_FORM(type, fields)                                                                             \
    {                                                                                                        \
        .name = #type, .size = sizeof(type), .field = (fields), .n = sizeof(fields) / sizeof *(fields)       \
    }

/* The kind of a member; a type that is not listed does not compile. Of an int that is a FLAG, and of structs, the list says
 * so itself. */
#define XBTAB_FIELD_KIND(type, member)                                                                       \
    _Generic(&((type *)0)->member, int *                                                                     \
             : XBTAB_FIELD_INT, long *                                                                       \
             : XBTAB_FIELD_LONG, unsigned long *                                                             \
             : XBTAB_FIELD_UNSIGNED, double *                                                                \
             : XBTAB_FIELD_REAL, _Bool *                                                                     \
             : XBTAB_FIELD_BOOL, char **                                                                     \
             : XBTAB_FIELD_WORD, const char **                                                               \
             : XBTAB_FIELD_WORD, char(*)[sizeof(((type *)0)->member)]                                        \
             : XBTAB_FIELD_TEXT)

/** A field in braces: {XBTAB_FIELD(...)} or {XBTAB_FIELD(...), .absent = XBTAB_ABSENT_NULL}. C only. */
#define XBTAB_FIELD(type, member, key_, unit_, what_)                                                        \
    .key = (key_), .unit = (unit_), .what = (what_), .kind = XBTAB_FIELD_KIND(type, member),                 \
    .offset = offsetof(type, member)

/** An int that is true or false. */
#define XBTAB_FIELD_YES_NO(type, member, key_, what_)                                                        \
    .key = (key_), .what = (what_), .kind = XBTAB_FIELD_FLAG, .offset = offsetof(type, member)

/** A struct within. */
#define XBTAB_FIELD_OF(type, member, key_, form_, what_)                                                     \
    .key = (key_), .what = (what_), .kind = XBTAB_FIELD_RECORD, .offset = offsetof(type, member),            \
    .form = (form_)

/** Structs, or values, as many as another member tells; and those that go by their first field. */
#define XBTAB_FIELD_ROWS(...) .kind = XBTAB_FIELD_LIST, XBTAB_FIELD_COUNTED(__VA_ARGS__)
#define XBTAB_FIELD_NAMED(...) .kind = XBTAB_FIELD_BY_NAME, XBTAB_FIELD_COUNTED(__VA_ARGS__)
#define XBTAB_FIELD_COUNTED(type, member, number, key_, form_, what_)                                        \
    .key = (key_), .what = (what_), .offset = offsetof(type, member), .form = (form_),                       \
    .count = offsetof(type, number), .count_kind = XBTAB_FIELD_KIND(type, number)

/** Print one JSON object, two blanks a level, reals with 17 digits; nothing is printed on failure.
 *  @param record  of the form.
 *  @return XBTAB_ERR_INTERNAL (a field that must be there is not, or JSON cannot hold it; the message names it),
 *  XBTAB_ERR_NOMEM. Whether the stream took it all, its ferror() tells. */
xbtab_status xbtab_report_json(FILE *stream, const xbtab_form *form, const void *record) XBTAB_MUST_CHECK;

/** Print a line of keys, then one of values for each of records[n]. Structs within come as KEY.FIELD; lists have no
 * place in a table and are left out. Words with commas, quotes or line breaks are quoted. Nine digits. */
void xbtab_report_csv(FILE *stream, const xbtab_form *form, const void *records, size_t n);

/** Print a record as a text, with values in the place of {KEY}, {STRUCT.KEY} and {KEY:FORMAT*SCALE}: FORMAT is printf's
 * without % (".4f", "-18s", "6d", "+.2f"; without one: %g, whole, as it is), SCALE a number to multiply with. What is not
 * there is "-", as wide.
 *  @param text  NULL = a line a field: key, value, unit, what it is. */
void xbtab_report_text(FILE *stream, const xbtab_form *form, const void *record, const char *text);

/** The same for each field that is there, of the record itself (key NULL) or of a struct within: text has the places {key},
 * {value}, {unit} and {what}. */
void xbtab_report_fields(FILE *stream, const xbtab_form *form, const void *record, const char *key,
                         const char *text);

/** The same for each of records[n]: a table's rows. */
void xbtab_report_rows(FILE *stream, const xbtab_form *form, const void *records, size_t n, const char *text);

/** A value that has no struct about it: elements of a list. */
extern const xbtab_form xbtab_form_real;  /* double; JSON has null where it is not finite */
extern const xbtab_form xbtab_form_whole; /* long, int64_t */
extern const xbtab_form xbtab_form_word;  /* char * */

/** Lists of results. */
extern const xbtab_form xbtab_form_fit_error; /* xbtab_fit_error */

/** All of them; the last is NULL. */
const xbtab_form *const *xbtab_forms(void);

#ifdef __cplusplus
}
#endif
#endif
