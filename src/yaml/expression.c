/* expression.c - a recursive-descent parser to postfix, and a stack machine over arrays. */
#include "expression.h"

#include <ctype.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include <xbartab/number.h>

#include "memory.h"

enum { MOST_STEPS = 512, MOST_DEPTH = 64 };

typedef enum operation {
    NUMBER,
    NAME,
    ADD,
    SUBTRACT,
    MULTIPLY,
    DIVIDE,
    POWER,
    MINIMUM,
    MAXIMUM,
    NEGATE,
    EXP,
    LN,
    LOG10,
    SQRT,
    ABS,
    SINH,
    COSH,
    TANH,
    ASINH,
    ATAN
} operation;

typedef struct step {
    operation what;
    int name;
    double number;
} step;

struct xbtab__expression {
    int n, depth; /* steps; values that the stack holds at the most */
    step step[MOST_STEPS];
};

static const struct {
    const char *name;
    operation what;
    int arguments;
} functions[] = {{"exp", EXP, 1},    {"ln", LN, 1},       {"log", LN, 1},    {"log10", LOG10, 1},
                 {"sqrt", SQRT, 1},  {"abs", ABS, 1},     {"sinh", SINH, 1}, {"cosh", COSH, 1},
                 {"tanh", TANH, 1},  {"asinh", ASINH, 1}, {"atan", ATAN, 1}, {"min", MINIMUM, 2},
                 {"max", MAXIMUM, 2}};

typedef struct parser {
    const char *text, *at;
    const char *const *names;
    int n_names, nesting, height;
    xbtab__expression *out;
} parser;

static xbtab_status complain(const parser *p, const char *what)
{
    XBTAB_FAIL(XBTAB_ERR_INPUT, "formula \"%.500s%s\": %s at \"%.20s\"", p->text,
               strlen(p->text) > 500 ? "..." : "", what, p->at);
}

static char next(parser *p)
{
    while (isspace((unsigned char)*p->at)) p->at++;
    return *p->at;
}

/* @param growth  values that the step leaves on the stack, less those it takes */
static xbtab_status emit(parser *p, operation what, int name, double number, int growth)
{
    if (p->out->n == MOST_STEPS) return complain(p, "it is too long");
    p->out->step[p->out->n++] = (step){.what = what, .name = name, .number = number};
    p->height += growth;
    if (p->height > p->out->depth) p->out->depth = p->height;
    if (p->height > MOST_DEPTH) return complain(p, "it nests too deep");
    return XBTAB_OK;
}

static xbtab_status parse_sum(parser *p);

static xbtab_status expect(parser *p, char what)
{
    if (next(p) != what) {
        char text[32];
        snprintf(text, sizeof text, "'%c' is missing", what);
        return complain(p, text);
    }
    p->at++;
    return XBTAB_OK;
}

/* The name as it stands, or the only one that differs in case alone. */
static int find_name(const parser *p, const char *word, size_t n)
{
    int found = -1;
    for (int k = 0; k < p->n_names; k++) {
        if (strlen(p->names[k]) == n && strncmp(p->names[k], word, n) == 0) return k;
    }
    for (int k = 0; k < p->n_names; k++) {
        if (strlen(p->names[k]) != n || strncasecmp(p->names[k], word, n) != 0) continue;
        if (found >= 0) return -1;
        found = k;
    }
    return found;
}

static xbtab_status parse_word(parser *p)
{
    const char *word = p->at;
    size_t n = 0;
    while (isalnum((unsigned char)word[n]) || word[n] == '_') n++;
    p->at += n;
    if (next(p) == '(') {
        for (size_t k = 0; k < sizeof functions / sizeof functions[0]; k++) {
            if (strlen(functions[k].name) != n || strncmp(functions[k].name, word, n) != 0) continue;
            p->at++;
            for (int l = 0; l < functions[k].arguments; l++) {
                if (l > 0) XBTAB_TRY(expect(p, ','));
                XBTAB_TRY(parse_sum(p));
            }
            XBTAB_TRY(expect(p, ')'));
            return emit(p, functions[k].what, 0, 0, 1 - functions[k].arguments);
        }
        p->at = word;
        return complain(p, "unknown function");
    }
    int name = find_name(p, word, n);
    if (name < 0) {
        p->at = word;
        return complain(p, "unknown name");
    }
    return emit(p, NAME, name, 0, 1);
}

static xbtab_status parse_atom(parser *p)
{
    char c = next(p);
    if (c == '(') {
        p->at++;
        XBTAB_TRY(parse_sum(p));
        return expect(p, ')');
    }
    if (isdigit((unsigned char)c) || c == '.') {
        const char *end;
        double number = 0;
        if (xbtab_number_scan(&number, &end, p->at) != XBTAB_NUMBER_FINE) return complain(p, "not a number");
        if (isalnum((unsigned char)*end) || *end == '_' || *end == '.') return complain(p, "not a number");
        p->at = end;
        return emit(p, NUMBER, 0, number, 1);
    }
    if (isalpha((unsigned char)c) || c == '_') return parse_word(p);
    return complain(p, "a number, a name or '(' is missing");
}

/* -a^b is -(a^b); a^-b is allowed; powers group to the right. */
static xbtab_status parse_power(parser *p)
{
    if (++p->nesting > 4 * MOST_DEPTH) return complain(p, "it nests too deep");
    if (next(p) == '-') {
        p->at++;
        XBTAB_TRY(parse_power(p));
        XBTAB_TRY(emit(p, NEGATE, 0, 0, 0));
    } else {
        XBTAB_TRY(parse_atom(p));
        if (next(p) == '^') {
            p->at++;
            XBTAB_TRY(parse_power(p));
            XBTAB_TRY(emit(p, POWER, 0, 0, -1));
        }
    }
    p->nesting--;
    return XBTAB_OK;
}

static xbtab_status parse_product(parser *p)
{
    XBTAB_TRY(parse_power(p));
    for (char c = next(p); c == '*' || c == '/'; c = next(p)) {
        p->at++;
        XBTAB_TRY(parse_power(p));
        XBTAB_TRY(emit(p, c == '*' ? MULTIPLY : DIVIDE, 0, 0, -1));
    }
    return XBTAB_OK;
}

static xbtab_status parse_sum(parser *p)
{
    if (++p->nesting > 4 * MOST_DEPTH) return complain(p, "it nests too deep");
    XBTAB_TRY(parse_product(p));
    for (char c = next(p); c == '+' || c == '-'; c = next(p)) {
        p->at++;
        XBTAB_TRY(parse_product(p));
        XBTAB_TRY(emit(p, c == '+' ? ADD : SUBTRACT, 0, 0, -1));
    }
    p->nesting--;
    return XBTAB_OK;
}

xbtab_status xbtab__expression_create(xbtab__expression **out, const char *text, const char *const *names,
                                      int n_names)
{
    xbtab__expression *e = xbtab__alloc(1, sizeof *e);
    if (!e) return XBTAB_NOMEM();
    parser p = {.text = text, .at = text, .names = names, .n_names = n_names, .out = e};
    xbtab_status status = parse_sum(&p);
    if (status == XBTAB_OK && next(&p) != '\0') status = complain(&p, "something is left over");
    if (status < 0) {
        xbtab__free(e);
        return status;
    }
    *out = e;
    return XBTAB_OK;
}

void xbtab__expression_destroy(xbtab__expression **expression)
{
    xbtab__free(*expression);
    *expression = NULL;
}

int xbtab__expression_uses(const xbtab__expression *expression, int name)
{
    for (int k = 0; k < expression->n; k++) {
        if (expression->step[k].what == NAME && expression->step[k].name == name) return 1;
    }
    return 0;
}

size_t xbtab__expression_scratch(const xbtab__expression *expression, size_t n)
{
    return (size_t)expression->depth * n;
}

static void run_function(operation what, size_t n, double *a)
{
    switch (what) {
#define EACH(formula)                                                                                        \
    for (size_t k = 0; k < n; k++) a[k] = (formula);                                                         \
    break
    case NEGATE:
        EACH(-a[k]);
    case EXP:
        EACH(exp(a[k]));
    case LN:
        EACH(log(a[k]));
    case LOG10:
        EACH(log10(a[k]));
    case SQRT:
        EACH(sqrt(a[k]));
    case ABS:
        EACH(fabs(a[k]));
    case SINH:
        EACH(sinh(a[k]));
    case COSH:
        EACH(cosh(a[k]));
    case TANH:
        EACH(tanh(a[k]));
    case ASINH:
        EACH(asinh(a[k]));
    case ATAN:
        EACH(atan(a[k]));
    default:
        break;
    }
}

static void run_operator(operation what, size_t n, double *a, const double *b)
{
    switch (what) {
    case ADD:
        EACH(a[k] + b[k]);
    case SUBTRACT:
        EACH(a[k] - b[k]);
    case MULTIPLY:
        EACH(a[k] * b[k]);
    case DIVIDE:
        EACH(a[k] / b[k]);
    case POWER:
        EACH(b[k] == 2 ? a[k] * a[k] : b[k] == 3 ? a[k] * a[k] * a[k] : pow(a[k], b[k]));
    case MINIMUM:
        EACH(fmin(a[k], b[k]));
    case MAXIMUM:
        EACH(fmax(a[k], b[k]));
    default:
        break;
    }
#undef EACH
}

void xbtab__expression_run(const xbtab__expression *e, size_t n, const double *const *value,
                           const char *is_array, double *scratch, double *out)
{
    double *top = scratch - n; /* the stack's last value */
    for (int s = 0; s < e->n; s++) {
        const step *x = &e->step[s];
        if (x->what == NUMBER || x->what == NAME) {
            top += n;
            const double *from = x->what == NAME ? value[x->name] : &x->number;
            bool whole = x->what == NAME && is_array[x->name];
            for (size_t k = 0; k < n; k++) top[k] = whole ? from[k] : *from;
        } else if (x->what < NEGATE) {
            top -= n;
            run_operator(x->what, n, top, top + n);
        } else {
            run_function(x->what, n, top);
        }
    }
    memcpy(out, top, n * sizeof *out);
}
