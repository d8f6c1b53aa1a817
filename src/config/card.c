/* card.c - a user's own model card in the place of a selector's.
 *
 * The file goes into ngspice, so it may hold .model lines and comments only. Cards of foundries are
 * confidential: tables keep the file's SHA-256, never its text. */
#include "card.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include <nettle/sha2.h>

#include "file.h"
#include "memory.h"
#include "text.h"

enum { LARGEST_CARD = 4 << 20, LONGEST_NAME = 128 };

/* The next statement of a text: [*at, its end), continuation lines and comments between them included. */
static const char *next_statement(const char *at, int *n_lines)
{
    *n_lines = 0;
    for (;;) {
        at += strcspn(at, "\n");
        ++*n_lines;
        if (*at == '\0') return at;
        at++;
        if (*at != '+') return at;
    }
}

/* The name in ".model NAME ..."; NULL if the line is none. What follows the name is at *rest. */
static const char *model_name(char *name, const char *line, const char **rest)
{
    static const char word[] = ".model";
    line += strspn(line, " \t");
    if (strncasecmp(line, word, strlen(word)) != 0) return NULL;
    line += strlen(word);
    size_t blank = strspn(line, " \t"), n = strcspn(line + blank, " \t\r\n(");
    if (blank == 0 || n == 0 || n >= LONGEST_NAME) return NULL;
    snprintf(name, LONGEST_NAME, "%.*s", (int)n, line + blank);
    *rest = line + blank + n;
    return name;
}

static bool is_blank_or_comment(const char *line)
{
    line += strspn(line, " \t\r");
    return *line == '\0' || *line == '\n' || *line == '*';
}

/* The wanted model's text behind its name: rest[n]. */
static xbtab_status find_model(const char *text, const char *path, const char *wanted, const char **rest,
                               size_t *n)
{
    char name[LONGEST_NAME], list[512] = "";
    int line = 1, n_lines, n_found = 0, n_models = 0;
    for (const char *at = text, *next; *at; at = next, line += n_lines) {
        const char *behind;
        next = next_statement(at, &n_lines);
        if (is_blank_or_comment(at)) continue;
        if (!model_name(name, at, &behind)) {
            XBTAB_FAIL(XBTAB_ERR_INPUT,
                       "%s:%d: only .model lines, their continuations and comments may stand in a model card",
                       path, line);
        }
        size_t used = strlen(list);
        snprintf(list + used, sizeof list - used, "%s%s", used ? ", " : "", name);
        n_models++;
        if (wanted && strcasecmp(wanted, name) != 0) continue;
        n_found++;
        *rest = behind;
        *n = (size_t)(next - behind);
    }
    if (n_found == 1) return XBTAB_OK;
    if (n_models == 0) XBTAB_FAIL(XBTAB_ERR_INPUT, "%s: no .model line in it", path);
    XBTAB_FAIL(XBTAB_ERR_INPUT, "%s: name one of its models by card_model; there is: %s", path, list);
}

/* The subcircuit without its own card, then the user's by the same name. */
static xbtab_status put_card(xbtab__text *out, const xbtab_model *model, const char *rest, size_t n)
{
    char name[LONGEST_NAME];
    bool found = false;
    for (const char *at = model->sub_text, *next; *at; at = next) {
        const char *behind;
        int n_lines;
        next = next_statement(at, &n_lines);
        bool is_own = model_name(name, at, &behind) && strcasecmp(name, model->card) == 0;
        if (is_own) {
            found = true;
        } else {
            xbtab__text_add(out, "%.*s", (int)(next - at), at);
        }
    }
    if (!found) {
        XBTAB_FAIL(XBTAB_ERR_INPUT, "%s: no line \".model %s\" for a card to take the place of",
                   model->sub_path, model->card);
    }
    xbtab__text_add(out, "\n.model %s%.*s\n", model->card, (int)n, rest);
    return xbtab__text_status(out);
}

static void hash(char *out, const char *text, size_t n)
{
    struct sha256_ctx context;
    uint8_t digest[SHA256_DIGEST_SIZE];
    sha256_init(&context);
    sha256_update(&context, n, (const uint8_t *)text);
    sha256_digest(&context, sizeof digest, digest);
    for (size_t k = 0; k < sizeof digest; k++) snprintf(out + 2 * k, 3, "%02x", digest[k]);
}

xbtab_status xbtab__card_take(xbtab_model_use *use, const xbtab__yaml *yaml, const char *key,
                              const char *file, const char *name)
{
    char place[128], path[4096];
    char *text = NULL;
    size_t n = 0, n_rest = 0;
    const char *slash = strrchr(yaml->path, '/'), *rest = NULL;
    xbtab__text out = {0};
    snprintf(place, sizeof place, "%s.card", key);
    if (!use->model->card) {
        return xbtab__yaml_fail(yaml, place, "%s has no model card that another could take the place of",
                                use->model->name);
    }
    bool is_relative = file[0] != '/' && slash;
    snprintf(path, sizeof path, "%.*s%s", is_relative ? (int)(slash - yaml->path + 1) : 0, yaml->path, file);
    xbtab_status status = xbtab__file_read(&text, &n, path, LARGEST_CARD);
    if (status == XBTAB_OK && strlen(text) != n)
        status = xbtab__error_set(XBTAB_ERR_INPUT, "%s: holds a zero byte", path);
    if (status == XBTAB_OK) status = find_model(text, path, name, &rest, &n_rest);
    if (status == XBTAB_OK) status = put_card(&out, use->model, rest, n_rest);
    if (status == XBTAB_OK) {
        hash(use->card_hash, text, n);
        use->text = out.s;
    } else {
        xbtab__text_clear(&out);
        if (status != XBTAB_ERR_NOMEM) status = xbtab__yaml_fail(yaml, place, "%s", xbtab_error_message());
    }
    xbtab__free(text);
    return status;
}
