/* manual.c - xbartab-manual FOLDER: writes man pages and completions into a folder, while the program is built.
 *
 * The program's own verbs are called with a listener in cli_parse(), so that what is written is what is parsed. */
#include "manual.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>

static const manual_shell *const shells[] = {&manual_bash, &manual_zsh, &manual_fish};
enum { N_SHELLS = sizeof shells / sizeof *shells };

typedef struct manual {
    const char *folder;
    const cli_verb *verb; /* the one that is asked */
    FILE *shell[N_SHELLS];
    int n_told, is_bad;
} manual;

manual_value manual_value_of(const struct poptOption *option)
{
    if (!option->argDescrip) return MANUAL_NONE;
    if (strcmp(option->argDescrip, "DIR") == 0) return MANUAL_FOLDER;
    const char *dot = strchr(option->argDescrip, '.');
    bool is_file = strstr(option->argDescrip, "FILE") || strcmp(option->argDescrip, "F") == 0 ||
                   (dot && isalpha((unsigned char)dot[1])); /* T.h5 */
    return is_file ? MANUAL_FILE : MANUAL_WORD;
}

size_t manual_next_word(const char **word, const char **at)
{
    while (**at) {
        size_t n = strspn(*at, "abcdefghijklmnopqrstuvwxyz-"), rest = strcspn(*at + n, " |");
        *word = *at;
        bool is_word = n > 0 && rest == 0, is_last = (*at)[n + rest] != '|';
        *at += n + rest;
        if (is_last) { /* on to the next alternative, if there is one */
            const char *next = strstr(*at, " | ");
            *at = next ? next + 3 : *at + strlen(*at);
        } else {
            *at += 1;
        }
        if (is_word) return n;
    }
    return 0;
}

void manual_print(FILE *out, const char *text, const manual_escape *escapes)
{
    for (; *text; text++) {
        const manual_escape *e = escapes;
        while (e->from && e->from != *text) e++;
        if (e->from) {
            fputs(e->to, out);
        } else {
            fputc(*text, out);
        }
    }
}

/* ---- files ---- */

static FILE *open_in(manual *m, const char *name)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", m->folder, name);
    FILE *out = fopen(path, "w");
    if (!out) {
        fprintf(stderr, "xbartab-manual: %s: %s\n", path, strerror(errno));
        m->is_bad = 1;
    }
    return out;
}

static void close_whole(manual *m, FILE *out)
{
    if (!out) return;
    int is_bad = ferror(out);
    if (fclose(out) != 0 || is_bad) {
        fprintf(stderr, "xbartab-manual: %s: cannot write: %s\n", m->folder, strerror(errno));
        m->is_bad = 1;
    }
}

static void take(const cli_description *d, void *payload)
{
    manual *m = payload;
    char name[128];
    snprintf(name, sizeof name, "xbartab-%s.1", d->verb);
    FILE *page = open_in(m, name);
    if (page) manual_verb_page(page, m->verb, d);
    close_whole(m, page);
    for (int k = 0; k < N_SHELLS; k++) shells[k]->verb(m->shell[k], m->verb, d);
    m->n_told++;
}

static int write_all(manual *m)
{
    FILE *page = open_in(m, "xbartab.1");
    if (page) manual_program_page(page);
    close_whole(m, page);
    for (int k = 0; k < N_SHELLS; k++) {
        m->shell[k] = open_in(m, shells[k]->file);
        if (!m->shell[k]) return 1;
        shells[k]->begin(m->shell[k]);
    }
    cli_describe_to(take, m);
    for (size_t k = 0; k < cli_n_verbs; k++) {
        const char *argv[] = {cli_verbs[k].name, NULL};
        m->verb = &cli_verbs[k];
        int before = m->n_told;
        cli_verbs[k].run(1, argv);
        if (m->n_told == before + 1) continue;
        fprintf(stderr, "xbartab-manual: the verb %s has no table of options\n", cli_verbs[k].name);
        m->is_bad = 1;
    }
    cli_describe_to(NULL, NULL);
    for (int k = 0; k < N_SHELLS; k++) {
        shells[k]->end(m->shell[k]);
        close_whole(m, m->shell[k]);
    }
    return m->is_bad;
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "Usage: xbartab-manual FOLDER\n");
        return 2;
    }
    return write_all(&(manual){.folder = argv[1]});
}
