/* spice_text.c - SPICE text as ngspice 39 reads it. */
#include "spice_text.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "memory.h"

enum { LONGEST_WRITTEN = 120, LONGEST_QUOTED = 200 };

xbtab_status xbtab__spice_refuse(const xbtab__spice_text *text, const xbtab__spice_line *line,
                                 const char *rule)
{
    if (text->path) XBTAB_FAIL(XBTAB_ERR_INPUT, "%s:%d: %s", text->path, line->number, rule);
    XBTAB_FAIL(XBTAB_ERR_INPUT, "netlist line \"%.*s\": %s", LONGEST_QUOTED, line->text, rule);
}

/* ---- lines ---- */

/* What a text is on its way into lines. */
typedef struct lexer {
    xbtab__spice_text *out;
    char *code, *comment;    /* the ends of what is written */
    xbtab__spice_line *last; /* that a continuation goes on with; NULL = none yet */
    bool after_semicolon;    /* since then a line began with ";" */
    int number;
} lexer;

/* Refuse a physical line: line[n]. */
static xbtab_status refuse(const lexer *lex, const char *line, size_t n, const char *rule)
{
    char copy[LONGEST_QUOTED + 1];
    snprintf(copy, sizeof copy, "%.*s", (int)(n < LONGEST_QUOTED ? n : LONGEST_QUOTED), line);
    const xbtab__spice_line as_line = {.text = copy, .number = lex->number};
    return xbtab__spice_refuse(lex->out, &as_line, rule);
}

static xbtab_status check_bytes(const lexer *lex, const char *line, size_t n)
{
    for (size_t k = 0; k < n; k++) {
        unsigned char c = (unsigned char)line[k];
        bool is_c1 =
            c == 0xc2 && k + 1 < n && (unsigned char)line[k + 1] >= 0x80 && (unsigned char)line[k + 1] < 0xa0;
        if ((c >= ' ' && c != 0x7f && !is_c1) || c == '\t') continue;
        return refuse(lex, "", 0, "a control byte is in it; only tabs and line ends may be");
    }
    return XBTAB_OK;
}

/* Where the comment at a line's end begins. */
static size_t code_length(const char *line, size_t n)
{
    for (size_t k = 0; k < n; k++) {
        if (line[k] == ';') return k;
        if (line[k] == '/' && k + 1 < n && line[k + 1] == '/') return k;
        if (line[k] == '$' && (k == 0 || strchr(" \t,", line[k - 1]))) return k;
    }
    return n;
}

static xbtab_status check_code(const lexer *lex, const char *line, size_t n)
{
    for (size_t k = 0; k < n; k++) {
        if (!((unsigned char)line[k] & 0x80) && !strchr("\\\"`$", line[k])) continue;
        return refuse(lex, line, n, "outside comments only ASCII may stand, and of that no \\ \" ` or $");
    }
    return XBTAB_OK;
}

/* Such comments are commands to ngspice, or make all of the file so; banners are not. */
static bool is_command(const char *mark, size_t n)
{
    static const char script[] = "*ng_script";
    if (n >= strlen(script) && strncasecmp(mark, script, strlen(script)) == 0) return true;
    if (n < 2 || mark[1] != '#') return false;
    for (size_t k = 1; k < n; k++) {
        if (!strchr("#*-=+_ \t", mark[k])) return true;
    }
    return false;
}

static void add_comment(lexer *lex, const char *text, size_t n)
{
    while (n > 0 && strchr(" \t", *text)) text++, n--;
    lex->out->line[lex->out->n++] =
        (xbtab__spice_line){.text = lex->comment, .number = lex->number, .is_comment = true};
    memcpy(lex->comment, text, n);
    lex->comment += n;
    *lex->comment++ = '\0';
}

/* A line of its own, or behind the last one. */
static void add_code(lexer *lex, const char *line, size_t n, bool goes_on)
{
    if (goes_on) {
        lex->code[-1] = ' ';
    } else {
        lex->last = &lex->out->line[lex->out->n++];
        *lex->last = (xbtab__spice_line){.text = lex->code, .number = lex->number};
    }
    while (n > 0 && strchr(" \t", *line)) line++, n--;
    for (size_t k = 0; k < n; k++) *lex->code++ = line[k] == '\t' ? ' ' : line[k];
    while (lex->code > lex->last->text && lex->code[-1] == ' ') lex->code--;
    *lex->code++ = '\0';
}

static xbtab_status add_line(lexer *lex, const char *line, size_t n)
{
    XBTAB_TRY(check_bytes(lex, line, n));
    while (n > 0 && strchr(" \t", *line)) line++, n--;
    if (n == 0) return XBTAB_OK;
    if (*line == '*') {
        if (is_command(line, n)) return refuse(lex, line, n, "ngspice takes this comment for commands");
        add_comment(lex, line + 1, n - 1);
        return XBTAB_OK;
    }
    size_t length = code_length(line, n);
    bool goes_on = *line == '+';
    XBTAB_TRY(check_code(lex, line, length));
    if (line[n - 1] == '\\') return refuse(lex, line, n, "lines go on with + in the next one, not with \\");
    if (goes_on && !lex->last) return refuse(lex, line, n, "a continuation without a line before it");
    if (goes_on && lex->after_semicolon)
        return refuse(lex, line, n, "ngspice drops a continuation behind a line that begins with ;");
    if (length == 0) {
        if (*line == ';') lex->after_semicolon = true;
        add_comment(lex, line + 1, n - 1);
        return XBTAB_OK;
    }
    if (!goes_on) lex->after_semicolon = false;
    add_code(lex, line + goes_on, length - goes_on, goes_on);
    return XBTAB_OK;
}

xbtab_status xbtab__spice_lex(xbtab__spice_text *out, const char *text, size_t n, const char *path)
{
    xbtab_status status = XBTAB_OK;
    static const char mark[] = "\xef\xbb\xbf"; /* editors of Windows put it before UTF-8 */
    size_t n_lines = 1;
    for (size_t k = 0; k < n; k++) n_lines += text[k] == '\n';
    *out = (xbtab__spice_text){.path = path,
                               .line = xbtab__alloc(n_lines, sizeof *out->line),
                               .code = xbtab__alloc(n + 2, 1),
                               .comments = xbtab__alloc(n + 2, 1)};
    if (!out->line || !out->code || !out->comments) {
        status = XBTAB_NOMEM();
        goto done;
    }
    lexer lex = {.out = out, .code = out->code, .comment = out->comments};
    const char *end = text + n;
    if (n >= strlen(mark) && memcmp(text, mark, strlen(mark)) == 0) text += strlen(mark);
    while (text < end) {
        const char *feed = memchr(text, '\n', (size_t)(end - text));
        const char *next = feed ? feed + 1 : end, *stop = feed ? feed : end;
        if (stop > text && stop[-1] == '\r') stop--;
        lex.number++;
        XBTAB_TRY_DONE(add_line(&lex, text, (size_t)(stop - text)));
        text = next;
    }
done:
    if (status < 0) xbtab__spice_clear(out);
    return status;
}

void xbtab__spice_clear(xbtab__spice_text *text)
{
    xbtab__free(text->line);
    xbtab__free(text->code);
    xbtab__free(text->comments);
    *text = (xbtab__spice_text){0};
}

/* ngspice puts a blank where a line goes on, so that is where it may be broken. */
static void write_code(xbtab__text *out, const char *line)
{
    for (size_t left = strlen(line); left > LONGEST_WRITTEN;) {
        size_t n = LONGEST_WRITTEN;
        while (n > 0 && line[n] != ' ') n--;
        if (n == 0) n = strcspn(line, " ");
        xbtab__text_add(out, "%.*s\n", (int)n, line);
        n += strspn(line + n, " ");
        line += n;
        left -= n;
        if (left == 0) return;
        xbtab__text_add(out, "+ ");
    }
    xbtab__text_add(out, "%s\n", line);
}

void xbtab__spice_write(xbtab__text *out, const xbtab__spice_text *text, bool with_comments)
{
    for (size_t k = 0; k < text->n; k++) {
        if (!text->line[k].is_comment) {
            write_code(out, text->line[k].text);
        } else if (with_comments) {
            xbtab__text_add(out, "* %s\n", text->line[k].text);
        }
    }
}

/* ---- words ---- */

bool xbtab__spice_is(xbtab__spice_word word, const char *text)
{
    return word.n == strlen(text) && strncasecmp(word.s, text, word.n) == 0;
}

xbtab__spice_word xbtab__spice_next_word(const char **at)
{
    *at += strspn(*at, " ");
    xbtab__spice_word word = {.s = *at, .n = strcspn(*at, " ")};
    *at += word.n;
    *at += strspn(*at, " ");
    return word;
}

static bool is_of_name(char c)
{
    return isalnum((unsigned char)c) || c == '_' || c == '.';
}

/* The name that ends before c, blanks between them; n = 0: there is none. */
static xbtab__spice_word name_before(const char *line, const char *c)
{
    while (c > line && c[-1] == ' ') c--;
    const char *end = c;
    while (c > line && is_of_name(c[-1])) c--;
    return (xbtab__spice_word){.s = c, .n = (size_t)(end - c)};
}

xbtab__spice_word xbtab__spice_next_definition(const char **at)
{
    const char *line = *at;
    int depth = 0;
    bool is_quoted = false;
    for (const char *c = line; *c; c++) {
        if (*c == '\'') is_quoted = !is_quoted;
        if (strchr("({[", *c)) depth++;
        if (strchr(")}]", *c)) depth--;
        if (*c != '=' || depth > 0 || is_quoted) continue;
        xbtab__spice_word name = name_before(line, c);
        if (c[1] == '=') c++;
        if (name.n == 0 || *c != '=' || c[-1] == '=') continue;
        *at = c + 1;
        return name;
    }
    *at += strlen(line);
    return (xbtab__spice_word){.s = *at};
}
