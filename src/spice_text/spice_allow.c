/* spice_allow.c - what may stand in SPICE text that goes to ngspice. */
#include "spice_allow.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "memory.h"

static const char *const variables[] = {"e", "pi", "temper", "time", "hertz", NULL};

static const char *const functions[] = {
    "abs",   "acos",           "acosh",       "agauss", "arctan", "asin", "asinh", "atan",  "atan2",
    "atanh", "aunif",          "ceil",        "cos",    "cosh",   "ddt",  "exp",   "floor", "gauss",
    "int",   "limit",          "ln",          "log",    "log10",  "max",  "min",   "nint",  "pow",
    "pwl",   "pwl_derivative", "pwr",         "sgn",    "sin",    "sinh", "sqr",   "sqrt",  "tan",
    "tanh",  "unif",           "ternary_fcn", NULL};

/* Functions of files, in later versions of ngspice and in HSPICE; besides, all whose name has "file" in it.
 */
static const char *const of_files[] = {"table_param", "str", NULL};

/* The rest has code models behind it (A, N, U, Y), or is not ngspice's. */
static const char elements[] = "RCLKVIEGFHBDQMJZSWXT";

/* ngspice's own; those of its code models read files, and CIDER's too. */
static const char *const model_types[] = {"r",    "res",  "c",    "l",     "d",      "npn",    "pnp",
                                          "njf",  "pjf",  "nmf",  "pmf",   "nhfet",  "phfet",  "nmos",
                                          "pmos", "nsoi", "psoi", "vdmos", "vdmosn", "vdmosp", "sw",
                                          "csw",  "urc",  "ltra", "txl",   "cpl",    NULL};

static const char *const cards_of_models[] = {".subckt", ".ends", ".param",   ".func",
                                              ".model",  ".ic",   ".nodeset", NULL};
static const char *const cards_of_cards[] = {".model", NULL};
static const char *const cards_of_netlists[] = {".subckt", ".ends",    ".param", ".func", ".model",
                                                ".ic",     ".nodeset", ".save",  NULL};

/* Names that a message may say: a file's own words it may not. */
static const char *const others[] = {
    ".control", ".endc",    ".include", ".inc",   ".lib",    ".endl",   ".end",     ".dc",    ".tran",
    ".ac",      ".op",      ".save",    ".print", ".plot",   ".option", ".options", ".temp",  ".global",
    ".title",   ".csparam", ".if",      ".else",  ".elseif", ".endif",  ".macro",   ".eom",   ".measure",
    ".meas",    ".noise",   ".probe",   ".four",  ".sens",   ".tf",     ".pz",      ".width", NULL};

static const struct {
    const char *const *cards;
    const char *rule;
} authors[] = {
    [XBTAB__SPICE_MODEL] = {cards_of_models,
                            "is not allowed in a model; it holds .subckt, .ends, .param, .func, "
                            ".model, .ic, .nodeset, elements and comments only"},
    [XBTAB__SPICE_CARD] = {cards_of_cards,
                           "only .model lines, their continuations and comments may stand in a model card"},
    [XBTAB__SPICE_NETLIST] = {cards_of_netlists,
                              "is not allowed here; cards are .subckt, .ends, .param, .func, .model, .ic, "
                              ".nodeset and .save"},
};

static bool is_among(xbtab__spice_word word, const char *const *list)
{
    for (; *list; list++) {
        if (xbtab__spice_is(word, *list)) return true;
    }
    return false;
}

static bool is_owned(xbtab__spice_word name)
{
    return is_among(name, variables) || is_among(name, functions);
}

bool xbtab__spice_owns(const char *name)
{
    return is_owned((xbtab__spice_word){.s = name, .n = strlen(name)});
}

/* ---- what a line calls ---- */

static bool begins_name(char c)
{
    return isalpha((unsigned char)c) || c == '_';
}

static bool goes_on_name(char c)
{
    return isalnum((unsigned char)c) || c == '_' || c == '.' || c == '#';
}

static bool has_file(xbtab__spice_word name)
{
    for (size_t k = 0; k + 4 <= name.n; k++) {
        if (strncasecmp(name.s + k, "file", 4) == 0) return true;
    }
    return false;
}

/* No "name(..)" and no "name=" of a line may be about a file. ngspice 39 has no function that reads one, and
 * what else is unknown to it is for it to say. */
static xbtab_status check_names(const xbtab__spice_text *text, const xbtab__spice_line *line,
                                const char *from)
{
    for (const char *c = from; *c;) {
        if (!begins_name(*c)) {
            c++;
            continue;
        }
        xbtab__spice_word name = {.s = c};
        while (goes_on_name(*c)) c++;
        name.n = (size_t)(c - name.s);
        const char *next = c + strspn(c, " ");
        if ((*next == '(' || *next == '=') && (has_file(name) || is_among(name, of_files)))
            return xbtab__spice_refuse(text, line, "functions and parameters of files are not allowed");
    }
    return XBTAB_OK;
}

/* ngspice's time for an expression grows with the square of its length, and its parsers give up on nested ones,
 * or end in the middle of them. */
static xbtab_status check_expressions(const xbtab__spice_text *text, const xbtab__spice_line *line)
{
    enum { LONGEST = 16384, DEEPEST = 64 };
    const char *brace = NULL;
    int depth = 0, before = 0; /* the brace */
    for (const char *c = line->text; *c; c++) {
        if (*c == '{' && brace) return xbtab__spice_refuse(text, line, "braces stand in braces");
        if (*c == '}' && (!brace || depth != before))
            return xbtab__spice_refuse(text, line, "a closing brace does not match what is open before it");
        if (*c == '{') {
            brace = c;
            before = depth;
        } else if (*c == '}') {
            if (c - brace > LONGEST)
                return xbtab__spice_refuse(text, line, "an expression in braces is above 16384 characters");
            brace = NULL;
        }
        depth += (*c == '(') - (*c == ')');
        if (depth > DEEPEST) return xbtab__spice_refuse(text, line, "parentheses are more than 64 deep");
    }
    return brace ? xbtab__spice_refuse(text, line, "a brace is not closed") : XBTAB_OK;
}

/* ---- what is defined twice ---- */

enum { MOST_NESTED = 16 };

static const char rule_nested[] = "subcircuits may stand in each other 16 deep";

/* What a name is of: 's' a subcircuit, 'm' a model, 'f' a function, 'p' a parameter. */
typedef struct definition {
    char kind;
    int scope; /* that it is seen in: 0 all of the text, or the count of a .subckt from 1 */
    xbtab__spice_word name;
    size_t line; /* its index */
} definition;

typedef struct definitions {
    definition *at; /* at[n] */
    size_t n, room;
    int scope; /* of what comes next */
} definitions;

/* Where in a text its lines stand. */
typedef struct place {
    xbtab__spice_author author;
    int depth;              /* of .subckt */
    int outer[MOST_NESTED]; /* outer[depth]: the scopes around */
    int n_scopes;
    definitions defined;
} place;

static xbtab_status add_definition(definitions *list, char kind, xbtab__spice_word name, size_t line)
{
    if (list->n == list->room) {
        size_t room = list->room ? 2 * list->room : 64;
        definition *grown = xbtab__realloc(list->at, room, sizeof *grown);
        if (!grown) return XBTAB_NOMEM();
        list->at = grown;
        list->room = room;
    }
    list->at[list->n++] = (definition){kind, list->scope, name, line};
    return XBTAB_OK;
}

static int by_scope_and_name(const void *a, const void *b)
{
    const definition *x = a, *y = b;
    if (x->scope != y->scope) return x->scope < y->scope ? -1 : 1;
    if (x->kind != y->kind) return x->kind < y->kind ? -1 : 1;
    size_t n = x->name.n < y->name.n ? x->name.n : y->name.n;
    int order = strncasecmp(x->name.s, y->name.s, n);
    if (order != 0) return order;
    return x->name.n < y->name.n ? -1 : x->name.n > y->name.n;
}

/* Refuse the first line that defines a name again. Of parameters and functions ngspice takes the last one, of
 * models the first, and a parameter of a subcircuit's header, whatever its instances say, loses to one inside.
 */
static xbtab_status check_twice(const xbtab__spice_text *text, definitions *list)
{
    size_t line = text->n;
    if (list->n > 1) qsort(list->at, list->n, sizeof *list->at, by_scope_and_name);
    for (size_t k = 1; k < list->n; k++) {
        if (by_scope_and_name(&list->at[k - 1], &list->at[k]) != 0) continue;
        size_t later = list->at[k].line > list->at[k - 1].line ? list->at[k].line : list->at[k - 1].line;
        if (later < line) line = later;
    }
    static const char rule[] =
        "this name is defined twice, of which ngspice would silently take one; upper and "
        "lower case are the same to it";
    return line < text->n ? xbtab__spice_refuse(text, &text->line[line], rule) : XBTAB_OK;
}

/* All "name=" of a line: none is ngspice's. */
static xbtab_status add_parameters(definitions *list, const xbtab__spice_text *text, size_t line,
                                   const char *from)
{
    for (const char *at = from;;) {
        xbtab__spice_word name = xbtab__spice_next_definition(&at);
        if (name.n == 0) return XBTAB_OK;
        if (is_owned(name)) return xbtab__spice_refuse(text, &text->line[line], XBTAB__SPICE_OWNED);
        XBTAB_TRY(add_definition(list, 'p', name, line));
    }
}

/* .func NAME(..) and, as ngspice allows too, .param NAME(..)=. */
static bool defines_function(xbtab__spice_word card, const char *rest)
{
    if (xbtab__spice_is(card, ".func")) return true;
    return xbtab__spice_is(card, ".param") && rest[strcspn(rest, " (=")] == '(';
}

/* What a card defines, and of which scope what follows is. */
static xbtab_status add_of_card(place *at, const xbtab__spice_text *text, size_t line, xbtab__spice_word card,
                                const char *rest)
{
    const xbtab__spice_word name = {.s = rest, .n = strcspn(rest, " (=")};
    definitions *list = &at->defined;
    if (defines_function(card, rest)) return add_definition(list, 'f', name, line);
    if (xbtab__spice_is(card, ".model")) return add_definition(list, 'm', name, line);
    if (xbtab__spice_is(card, ".param")) return add_parameters(list, text, line, rest);
    if (xbtab__spice_is(card, ".ends")) list->scope = at->outer[--at->depth];
    if (!xbtab__spice_is(card, ".subckt")) return XBTAB_OK;
    XBTAB_TRY(add_definition(list, 's', name, line));
    if (at->depth == MOST_NESTED) return xbtab__spice_refuse(text, &text->line[line], rule_nested);
    at->outer[at->depth++] = list->scope;
    list->scope = ++at->n_scopes;
    return add_parameters(list, text, line, rest);
}

/* ---- cards ---- */

/* NAME(a, b): neither the function nor its arguments are ngspice's. */
static xbtab_status check_function(const xbtab__spice_text *text, const xbtab__spice_line *line,
                                   const char *from)
{
    static const char rule[] = "a function is defined as .func NAME(ARGUMENTS) {EXPRESSION}";
    const char *c = from, *end = strchr(from, ')');
    if (!end || !begins_name(*c)) return xbtab__spice_refuse(text, line, rule);
    while (c < end) {
        size_t n = strcspn(c, " (),");
        if (is_owned((xbtab__spice_word){.s = c, .n = n}))
            return xbtab__spice_refuse(text, line, XBTAB__SPICE_OWNED);
        c += n;
        c += strspn(c, " (,");
        if (n == 0 && c < end && !begins_name(*c)) return xbtab__spice_refuse(text, line, rule);
    }
    return XBTAB_OK;
}

/* NAME TYPE(...): moves *at behind the type. */
static xbtab_status check_model(const xbtab__spice_text *text, const xbtab__spice_line *line, const char **at)
{
    xbtab__spice_word name = xbtab__spice_next_word(at);
    xbtab__spice_word type = {.s = *at, .n = strcspn(*at, " (=")};
    *at += type.n;
    if (name.n == 0 || memchr(name.s, '(', name.n) || !is_among(type, model_types)) {
        return xbtab__spice_refuse(text, line,
                                   ".model NAME TYPE: the type is one of ngspice's own devices (r, c, l, d, "
                                   "npn, pnp, njf, pjf, nmf, pmf, nhfet, phfet, nmos, pmos, nsoi, psoi, "
                                   "vdmos, sw, csw, urc, ltra, txl, cpl)");
    }
    return XBTAB_OK;
}

static const char rule_outside[] = "stands in no .subckt, and would be part of every circuit with the model";

static xbtab_status refuse_card(const xbtab__spice_text *text, const xbtab__spice_line *line,
                                xbtab__spice_word card, xbtab__spice_author author)
{
    char rule[256];
    const char *name = "a card of this name";
    for (const char *const *other = others; *other; other++) {
        if (xbtab__spice_is(card, *other)) name = *other;
    }
    snprintf(rule, sizeof rule, "%s%s%s", author == XBTAB__SPICE_CARD ? "" : name,
             author == XBTAB__SPICE_CARD ? "" : " ", authors[author].rule);
    return xbtab__spice_refuse(text, line, rule);
}

static xbtab_status check_card(const xbtab__spice_text *text, const xbtab__spice_line *line,
                               xbtab__spice_author author)
{
    const char *at = line->text;
    xbtab__spice_word card = xbtab__spice_next_word(&at);
    if (!is_among(card, authors[author].cards)) return refuse_card(text, line, card, author);
    if (xbtab__spice_is(card, ".model")) XBTAB_TRY(check_model(text, line, &at));
    if (defines_function(card, at)) XBTAB_TRY(check_function(text, line, at));
    return check_names(text, line, at);
}

static xbtab_status check_element(const xbtab__spice_text *text, const xbtab__spice_line *line,
                                  xbtab__spice_author author)
{
    char letter = (char)toupper((unsigned char)line->text[0]);
    if (author == XBTAB__SPICE_CARD) return xbtab__spice_refuse(text, line, authors[author].rule);
    if (!strchr(elements, letter)) {
        return xbtab__spice_refuse(
            text, line,
            "this is not allowed; elements begin with one of R C L K V I E G F H B D Q M J Z S "
            "W X T, cards with a dot");
    }
    const char *at = line->text + strcspn(line->text, " (");
    return check_names(text, line, at);
}

static xbtab_status check_line(place *at, const xbtab__spice_text *text, size_t k)
{
    const xbtab__spice_line *line = &text->line[k];
    const char *rest = line->text;
    XBTAB_TRY(check_expressions(text, line));
    bool is_inside = at->depth > 0 || at->author == XBTAB__SPICE_NETLIST;
    if (*rest != '.') {
        XBTAB_TRY(check_element(text, line, at->author));
        return is_inside ? XBTAB_OK : xbtab__spice_refuse(text, line, rule_outside);
    }
    xbtab__spice_word card = xbtab__spice_next_word(&rest);
    if (xbtab__spice_is(card, ".ends") && at->depth == 0)
        return xbtab__spice_refuse(text, line, ".ends without its .subckt");
    XBTAB_TRY(check_card(text, line, at->author));
    if (!is_inside && (xbtab__spice_is(card, ".ic") || xbtab__spice_is(card, ".nodeset")))
        return xbtab__spice_refuse(text, line, rule_outside);
    return add_of_card(at, text, k, card, rest);
}

xbtab_status xbtab__spice_allow(const xbtab__spice_text *text, xbtab__spice_author author)
{
    xbtab_status status = XBTAB_OK;
    place at = {.author = author};
    for (size_t k = 0; k < text->n && status == XBTAB_OK; k++) {
        if (!text->line[k].is_comment) status = check_line(&at, text, k);
    }
    if (status == XBTAB_OK && at.depth > 0)
        status = xbtab__spice_refuse(text, &text->line[text->n - 1], "a .subckt has no .ends");
    if (status == XBTAB_OK && author != XBTAB__SPICE_CARD) status = check_twice(text, &at.defined);
    xbtab__free(at.defined.at);
    return status;
}

xbtab_status xbtab__spice_pass(xbtab__text *out, const char *text, const char *path,
                               xbtab__spice_author author, bool with_comments)
{
    xbtab__spice_text lines = {0};
    XBTAB_TRY(xbtab__spice_lex(&lines, text, strlen(text), path));
    xbtab_status status = xbtab__spice_allow(&lines, author);
    if (status == XBTAB_OK) {
        xbtab__spice_write(out, &lines, with_comments);
        status = xbtab__text_status(out);
    }
    xbtab__spice_clear(&lines);
    return status;
}
