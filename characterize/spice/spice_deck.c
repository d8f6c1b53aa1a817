/* spice_deck.c - checks a job and writes the lines that ngspice loads.
 *
 * ngspice runs control blocks that it finds in a netlist, reads files for several cards, reads NaN and
 * overflowing numbers without a word, and dies of an external source with a dc value. All that is refused
 * here, with the line in the message, before ngspice sees it: this is the gate that every netlist for
 * libngspice passes, whatever its models' files were allowed (spice_allow.h). */
#include "spice_deck.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "memory.h"
#include "spice_allow.h"

/* Tight tolerances: a point of a sweep is as good as the tolerance, and we compare to 1e-9. klu: faster where
 * ngspice was built with it, ignored where not. */
static const char sweep_options[] = "klu reltol=1e-9 vntol=1e-12 abstol=1e-15 gmin=1e-15";

enum { SAVES_PER_LINE = 32, TOKEN_SIZE = 64 };

/* What separates numbers and names; not '+' and '-', which belong to exponents. */
static const char separators[] = " \t\r,=(){}[]'\"*/:?<>&|^!~";

/* Everything that a check needs to know while it walks through the lines. */
typedef struct netlist_scan {
    const xbtab__spice_job *job;
    bool *seen; /* seen[n_sources] */
} netlist_scan;

/* k of "vi<k>" or "ii<k>"; -1 if the name is neither. */
static long source_number(const char *name, size_t n)
{
    if (n < 3 || n > 10 || !strchr("vViI", name[0]) || tolower((unsigned char)name[1]) != 'i') return -1;
    long k = 0;
    for (size_t c = 2; c < n; c++) {
        if (!isdigit((unsigned char)name[c])) return -1;
        k = 10 * k + (name[c] - '0');
    }
    return k;
}

static xbtab_status check_external(netlist_scan *scan, const char *line, int n_tokens, bool is_last)
{
    size_t n_name = strcspn(line, separators);
    long k = source_number(line, n_name);
    if (k < 0 || n_tokens != 4 || !is_last) {
        XBTAB_FAIL(XBTAB_ERR_INPUT,
                   "netlist line \"%s\": an external source is written as \"Vi<k> a b external\" or "
                   "\"Ii<k> a b external\", and nothing may follow",
                   line);
    }
    if (k >= scan->job->n_sources || scan->seen[k]) {
        XBTAB_FAIL(XBTAB_ERR_INPUT, "netlist line \"%s\": external source %ld %s (the job has %d inputs)",
                   line, k, k >= scan->job->n_sources ? "has no value" : "is there twice",
                   scan->job->n_sources);
    }
    scan->seen[k] = true;
    return XBTAB_OK;
}

static xbtab_status check_tokens(netlist_scan *scan, const char *line)
{
    const char *c = line;
    for (int n_tokens = 1;; n_tokens++) {
        c += strspn(c, separators);
        if (!*c) return XBTAB_OK;
        size_t length = strcspn(c, separators);
        if (length < TOKEN_SIZE && n_tokens > 1) {
            char token[TOKEN_SIZE], *rest;
            memcpy(token, c, length);
            token[length] = '\0';
            if (strcasecmp(token, "external") == 0)
                XBTAB_TRY(check_external(scan, line, n_tokens, c[length] == '\0'));
            /* strtod() reads "nan" and "inf" as well as 1e999 */
            double x = strtod(token, &rest);
            if (rest > token && !isfinite(x) && (isdigit((unsigned char)rest[-1]) || *rest == '\0')) {
                XBTAB_FAIL(XBTAB_ERR_INPUT, "netlist line \"%s\": \"%s\" is not a finite number", line,
                           token);
            }
        }
        c += length;
    }
}

static xbtab_status check_sources(const xbtab__spice_job *job, const xbtab__spice_text *text)
{
    xbtab_status status = XBTAB_OK;
    netlist_scan scan = {.job = job, .seen = xbtab__alloc((size_t)job->n_sources, sizeof(bool))};
    if (!scan.seen) return XBTAB_NOMEM();
    for (size_t k = 0; k < text->n; k++) {
        if (!text->line[k].is_comment) XBTAB_TRY_DONE(check_tokens(&scan, text->line[k].text));
    }
    for (int k = 0; k < job->n_sources; k++) {
        if (!scan.seen[k]) {
            XBTAB_FAIL_DONE(XBTAB_ERR_INPUT, "netlist: external source %d of %d is missing", k,
                            job->n_sources);
        }
    }
done:
    xbtab__free(scan.seen);
    return status;
}

/* The gate: what is not allowed stops here, whoever let it in; the rest goes on as it was understood. */
static xbtab_status pass_netlist(xbtab__text *out, const xbtab__spice_job *job)
{
    xbtab__text joined = {0};
    xbtab__spice_text text = {0};
    xbtab_status status;
    for (int l = 0; l < job->n_lines; l++) xbtab__text_add(&joined, "%s\n", job->lines[l]);
    XBTAB_TRY_DONE(xbtab__text_status(&joined));
    XBTAB_TRY_DONE(xbtab__spice_lex(&text, joined.s, joined.n, NULL));
    XBTAB_TRY_DONE(xbtab__spice_allow(&text, XBTAB__SPICE_NETLIST));
    XBTAB_TRY_DONE(check_sources(job, &text));
    xbtab__spice_write(out, &text, false);
done:
    xbtab__spice_clear(&text);
    xbtab__text_clear(&joined);
    return status;
}

static xbtab_status check_job(const xbtab__spice_job *job)
{
    if (job->n_lines < 1 || job->n_sources < 0 || job->n_vectors < 1 || job->n_outputs < 1) {
        XBTAB_FAIL(XBTAB_ERR_INPUT,
                   "a circuit needs lines (%d), inputs (%d, 0 or more), vectors (%d), outputs (%d)",
                   job->n_lines, job->n_sources, job->n_vectors, job->n_outputs);
    }
    for (int v = 0; v < job->n_vectors; v++) {
        for (int k = 0; k < job->n_sources; k++) {
            double x = job->values[(size_t)v * (size_t)job->n_sources + (size_t)k];
            if (!isfinite(x)) XBTAB_FAIL(XBTAB_ERR_INPUT, "vector %d, input %d: %g is not finite", v, k, x);
        }
    }
    for (int o = 0; o < job->n_outputs; o++) {
        const char *name = job->outputs[o];
        size_t n = strlen(name);
        if (n < 4 || !strchr("vViI", name[0]) || name[1] != '(' || strcspn(name, ") \t\n") != n - 1) {
            XBTAB_FAIL(XBTAB_ERR_INPUT, "output \"%s\": write v(node) or i(vsource)", name);
        }
    }
    return XBTAB_OK;
}

static xbtab_status write_text(xbtab__text *text, const xbtab__spice_job *job, const char *title,
                               const char *options)
{
    xbtab__text_add(text, "%s\n.options %s\n", title, options ? options : sweep_options);
    XBTAB_TRY(pass_netlist(text, job));
    xbtab__text_add(text, XBTAB__DECK_SWEPT " xbsel 0 dc 0\nrxbsel xbsel 0 1k");
    for (int o = 0; o < job->n_outputs; o++) {
        xbtab__text_add(text, "%s %s", o % SAVES_PER_LINE == 0 ? "\n.save" : "", job->outputs[o]);
    }
    xbtab__text_add(text, "\n.end\n");
    return xbtab__text_status(text);
}

xbtab_status xbtab__deck_build(xbtab__deck *deck, const xbtab__spice_job *job, const char *title,
                               const char *options)
{
    XBTAB_TRY(check_job(job));
    XBTAB_TRY(write_text(&deck->text, job, title, options));
    size_t n = 0;
    for (const char *c = deck->text.s; *c; c++) n += *c == '\n';
    deck->lines = xbtab__alloc(n + 1, sizeof *deck->lines);
    if (!deck->lines) return XBTAB_NOMEM();
    char *line = deck->text.s;
    while (*line) {
        char *end = strchr(line, '\n');
        *end = '\0';
        if (end > line) deck->lines[deck->n_lines++] = line;
        line = end + 1;
    }
    return XBTAB_OK;
}

void xbtab__deck_clear(xbtab__deck *deck)
{
    xbtab__text_clear(&deck->text);
    xbtab__free(deck->lines);
    *deck = (xbtab__deck){0};
}
