/* card.c - a user's own model card in the place of a selector's.
 *
 * The file goes into ngspice, so it may hold .model lines and comments only (spice_allow.h). Cards of
 * foundries are confidential, and a specification may name any file: tables keep the file's SHA-256, never
 * its text, and messages tell its models' names at most. */
#include "card.h"

#include <stdio.h>
#include <string.h>

#include <nettle/sha2.h>

#include "file.h"
#include "memory.h"
#include "spice_allow.h"
#include "text.h"

enum { LARGEST_CARD = 4 << 20 };

/* The name in ".model NAME ..."; n = 0 if the line is none. What follows the name is at *rest. */
static xbtab__spice_word model_name(const xbtab__spice_line *line, const char **rest)
{
    const char *at = line->text;
    if (line->is_comment || !xbtab__spice_is(xbtab__spice_next_word(&at), ".model"))
        return (xbtab__spice_word){.s = line->text};
    xbtab__spice_word name = {.s = at, .n = strcspn(at, " (=")};
    *rest = name.s + name.n;
    return name;
}

/* The wanted model's text behind its name. */
static xbtab_status find_model(const xbtab__spice_text *card, const char *wanted, const char **rest)
{
    char list[512] = "";
    int n_found = 0, n_models = 0;
    for (size_t k = 0; k < card->n; k++) {
        const char *behind;
        xbtab__spice_word name = model_name(&card->line[k], &behind);
        if (name.n == 0) continue;
        size_t used = strlen(list);
        snprintf(list + used, sizeof list - used, "%s%.*s", used ? ", " : "", (int)name.n, name.s);
        n_models++;
        if (wanted && !xbtab__spice_is(name, wanted)) continue;
        n_found++;
        *rest = behind;
    }
    if (n_found == 1) return XBTAB_OK;
    if (n_models == 0) XBTAB_FAIL(XBTAB_ERR_INPUT, "%s: no .model line in it", card->path);
    XBTAB_FAIL(XBTAB_ERR_INPUT, "%s: name one of its models by card_model; there is: %s", card->path, list);
}

/* The subcircuit without its own card, then the user's by the same name. */
static xbtab_status put_card(xbtab__text *out, const xbtab_model *model, const char *rest)
{
    xbtab__spice_text sub = {0};
    bool found = false;
    XBTAB_TRY(xbtab__spice_lex(&sub, model->sub_text, strlen(model->sub_text), model->sub_path));
    for (size_t k = 0; k < sub.n; k++) {
        const char *behind;
        xbtab__spice_line *line = &sub.line[k];
        if (!xbtab__spice_is(model_name(line, &behind), model->card)) continue;
        found = true;
        line->is_comment = true;
    }
    xbtab__spice_write(out, &sub, false);
    xbtab__spice_clear(&sub);
    if (!found) {
        XBTAB_FAIL(XBTAB_ERR_INPUT, "%s: no line \".model %s\" for a card to take the place of",
                   model->sub_path, model->card);
    }
    xbtab__text_add(out, ".model %s%s\n", model->card, rest);
    return xbtab__text_status(out);
}

/* The card's text and what becomes of the subcircuit with it. */
static xbtab_status take_text(xbtab__text *out, const xbtab_model *model, const char *text, size_t n,
                              const char *path, const char *wanted)
{
    xbtab__spice_text card = {0};
    const char *rest = NULL;
    XBTAB_TRY(xbtab__spice_lex(&card, text, n, path));
    xbtab_status status = xbtab__spice_allow(&card, XBTAB__SPICE_CARD);
    if (status == XBTAB_OK) status = find_model(&card, wanted, &rest);
    if (status == XBTAB_OK) status = put_card(out, model, rest);
    xbtab__spice_clear(&card);
    return status;
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
    size_t n = 0;
    const char *slash = strrchr(yaml->path, '/');
    xbtab__text out = {0};
    snprintf(place, sizeof place, "%s.card", key);
    if (!use->model->card) {
        return xbtab__yaml_fail(yaml, place, "%s has no model card that another could take the place of",
                                use->model->name);
    }
    bool is_relative = file[0] != '/' && slash;
    snprintf(path, sizeof path, "%.*s%s", is_relative ? (int)(slash - yaml->path + 1) : 0, yaml->path, file);
    xbtab_status status = xbtab__file_read(&text, &n, path, LARGEST_CARD);
    if (status == XBTAB_OK) status = take_text(&out, use->model, text, n, path, name);
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
