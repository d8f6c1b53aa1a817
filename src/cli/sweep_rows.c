/* sweep_rows.c - the points of a sweep and their CSV file. */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sweep.h"

const char *const sweep_figures[SWEEP_FIGURES] = {
    "adc_bits", "adc_bits_needed", "images",        "tiles",           "float",
    "integer",  "ideal",           "mode_accuracy", "heldout_rmse_fs", "tile_rmse_fs"};

/* ---- keys ---- */

static int add_value(sweep_key *k, const char *text, size_t n)
{
    char **more = realloc(k->value, ((size_t)k->n + 1) * sizeof *more);
    if (more) k->value = more;
    if (!more || !(more[k->n] = strndup(text, n))) return cli_fail("out of memory");
    k->n++;
    return CLI_DONE;
}

int sweep_add_key(sweep *s, const char *text)
{
    const char *equals = strchr(text, '=');
    if (!equals || equals == text || !equals[1])
        return cli_usage("sweep", "--set %s is not KEY=V1,V2,...", text);
    if (s->n_keys == SWEEP_KEYS) return cli_usage("sweep", "at most %d keys", SWEEP_KEYS);
    sweep_key *k = &s->key[s->n_keys++];
    k->key = strndup(text, (size_t)(equals - text));
    if (!k->key) return cli_fail("out of memory");
    int depth = 0, code = CLI_DONE;
    const char *from = equals + 1;
    for (const char *at = from; code == CLI_DONE; at++) {
        depth += *at == '{' || *at == '[';
        depth -= *at == '}' || *at == ']';
        if (*at && (*at != ',' || depth > 0)) continue;
        if (at == from) return cli_usage("sweep", "--set %s has an empty value", text);
        code = add_value(k, from, (size_t)(at - from));
        from = at + 1;
        if (!*at) break;
    }
    return code;
}

int sweep_make_rows(sweep *s)
{
    long n = 1;
    for (int k = 0; k < s->n_keys; k++) n *= s->key[k].n;
    if (n > 100000) return cli_usage("sweep", "%ld points are more than 100000", n);
    s->row = calloc((size_t)n, sizeof *s->row);
    if (!s->row) return cli_fail("out of memory");
    s->n_rows = (int)n;
    for (int r = 0; r < s->n_rows; r++) {
        int rest = r;
        for (int k = s->n_keys - 1; k >= 0; k--) {
            s->row[r].choice[k] = rest % s->key[k].n;
            rest /= s->key[k].n;
        }
        for (int f = 0; f < SWEEP_FIGURES; f++) s->row[r].figure[f] = NAN;
    }
    return CLI_DONE;
}

char *sweep_text(const sweep *s, sweep_row *row)
{
    char *text = strdup(s->base);
    for (int k = 0; text && k < s->n_keys; k++) {
        char key[256], *next = NULL;
        bool is_whole = strncmp(s->key[k].key, "tile.", 5) == 0 ||
                        strncmp(s->key[k].key, "scheme.", 7) == 0 ||
                        strncmp(s->key[k].key, "quantization.", 13) == 0;
        snprintf(key, sizeof key, "%s%s", is_whole ? "" : s->prefix, s->key[k].key);
        if (xbtab_config_set(&next, text, "sweep", key, s->key[k].value[row->choice[k]]) < 0)
            snprintf(row->status, sizeof row->status, "%s", xbtab_error_message());
        free(text);
        text = next;
    }
    return text;
}

/* ---- CSV ---- */

static void put_field(FILE *f, const char *text)
{
    if (!strpbrk(text, ",\"\n")) {
        fputs(text, f);
        return;
    }
    fputc('"', f);
    for (; *text; text++) {
        if (*text == '"') fputc('"', f);
        fputc(*text == '\n' ? ' ' : *text, f);
    }
    fputc('"', f);
}

static void put_header(const sweep *s, FILE *f)
{
    for (int k = 0; k < s->n_keys; k++) {
        put_field(f, s->key[k].key);
        fputc(',', f);
    }
    for (int k = 0; k < SWEEP_FIGURES; k++) fprintf(f, "%s,", sweep_figures[k]);
    fprintf(f, "status,run\n");
}

int sweep_write_rows(const sweep *s)
{
    char *text = NULL;
    size_t n = 0;
    FILE *f = open_memstream(&text, &n);
    if (!f) return cli_fail("out of memory");
    put_header(s, f);
    for (int r = 0; r < s->n_rows; r++) {
        const sweep_row *row = &s->row[r];
        if (!row->is_done) continue;
        for (int k = 0; k < s->n_keys; k++) {
            put_field(f, s->key[k].value[row->choice[k]]);
            fputc(',', f);
        }
        for (int k = 0; k < SWEEP_FIGURES; k++) {
            if (!isnan(row->figure[k])) fprintf(f, "%.17g", row->figure[k]);
            fputc(',', f);
        }
        put_field(f, row->status);
        fprintf(f, ",%016" PRIx64 "\n", s->run);
    }
    int code = fclose(f) == 0 ? cli_write_text(s->output, text) : cli_fail("out of memory");
    free(text);
    return code;
}

/* The next field of a line, unquoted in place; NULL at its end. */
static char *next_field(char **at)
{
    char *from = *at, *to = from;
    if (!from) return NULL;
    if (*from == '"') {
        for (from++; *from && !(*from == '"' && from[1] != '"'); from++) {
            if (*from == '"') from++;
            *to++ = *from;
        }
        if (*from) from++;
    } else {
        to = from += strcspn(from, ",\n");
    }
    char *field = *at;
    *at = *from == ',' ? from + 1 : NULL;
    *to = '\0';
    return field;
}

/* Whether the line is a point of this grid; it is then done. */
static bool take_line(sweep *s, char *line)
{
    sweep_row found = {.is_done = 1};
    char *at = line;
    int index = 0;
    for (int k = 0; k < s->n_keys; k++) {
        const char *field = next_field(&at);
        int v = 0;
        while (field && v < s->key[k].n && strcmp(s->key[k].value[v], field) != 0) v++;
        if (!field || v == s->key[k].n) return false;
        found.choice[k] = v;
        index = index * s->key[k].n + v;
    }
    for (int k = 0; k < SWEEP_FIGURES; k++) {
        const char *field = next_field(&at);
        if (!field) return false;
        found.figure[k] = *field ? strtod(field, NULL) : NAN;
    }
    const char *status = next_field(&at);
    snprintf(found.status, sizeof found.status, "%s", status ? status : "");
    const char *run = next_field(&at);
    if (!run || strtoull(run, NULL, 16) != s->run) return false;
    s->row[index] = found;
    return true;
}

int sweep_read_rows(sweep *s)
{
    char *header = NULL, *line = NULL;
    size_t n = 0, room = 0;
    int code = CLI_DONE, kept = 0;
    FILE *f = fopen(s->output, "r");
    if (!f) return errno == ENOENT ? CLI_DONE : cli_fail("%s: cannot read: %s", s->output, strerror(errno));
    FILE *memory = open_memstream(&header, &n);
    if (memory) {
        put_header(s, memory);
        fclose(memory);
    }
    if (!memory || getline(&line, &room, f) < 0 || strcmp(line, header) != 0)
        code = cli_fail("%s: is no file of this sweep; give another -o", s->output);
    while (code == CLI_DONE && getline(&line, &room, f) > 0) {
        if (take_line(s, line))
            kept++;
        else
            code = cli_fail("%s: line %d is of another sweep; give another -o", s->output, kept + 2);
    }
    fclose(f);
    free(line);
    free(header);
    if (code == CLI_DONE && kept) fprintf(stderr, "%s: %d finished rows are kept\n", s->output, kept);
    return code;
}

void sweep_clear(sweep *s)
{
    for (int k = 0; k < s->n_keys; k++) {
        for (int v = 0; v < s->key[k].n; v++) free(s->key[k].value[v]);
        free(s->key[k].value);
        free(s->key[k].key);
    }
    free(s->row);
    free(s->base);
}
