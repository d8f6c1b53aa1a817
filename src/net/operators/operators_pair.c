/* operators_pair.c - two and more tensors, element by element with broadcasting: sums, products, comparisons,
 * choices. */
#include <math.h>
#include <string.h>

#include "graph.h"

/* The dimension of an axis counted from the last one; tensors of fewer axes are 1 before them. */
static int64_t from_last(const xbtab__shape *s, int k)
{
    return k < s->rank ? s->dim[s->rank - 1 - k] : 1;
}

static xbtab_status infer_broadcast(xbtab_network *n, xbtab__node *node)
{
    int64_t dim[XBTAB__NET_RANK], turned[XBTAB__NET_RANK];
    int rank = 0;
    bool is_scalar = true;
    for (int k = 0; k < XBTAB__NET_RANK; k++) dim[k] = 1; /* from the last axis on */
    for (int i = 0; i < node->n_inputs; i++) {
        if (!xbtab__input_of(n, node, i))
            return xbtab__node_fail(n, node, XBTAB_ERR_INPUT, "input %d is left out", i);
        const xbtab__shape *s = &xbtab__input_of(n, node, i)->shape;
        rank = s->rank > rank ? s->rank : rank;
        is_scalar = is_scalar && xbtab__input_of(n, node, i)->is_scalar;
        for (int k = 0; k < s->rank; k++) {
            int64_t d = from_last(s, k);
            if (d != dim[k] && d != 1 && dim[k] != 1) {
                return xbtab__node_fail(n, node, XBTAB_ERR_INPUT,
                                        "axes of %lld and %lld numbers do not go together", (long long)dim[k],
                                        (long long)d);
            }
            dim[k] = d > dim[k] ? d : dim[k];
        }
    }
    xbtab__output_of(n, node)->is_scalar = is_scalar;
    for (int k = 0; k < rank; k++) turned[rank - 1 - k] = dim[k];
    return xbtab__shape_set(n, node, xbtab__output_of(n, node), rank, turned);
}

static xbtab_status infer_comparison(xbtab_network *n, xbtab__node *node)
{
    xbtab__output_of(n, node)->type = XBTAB__TYPE_BOOL;
    return infer_broadcast(n, node);
}

typedef float (*pair_fn)(float a, float b);

/* y = f(y, x) with x broadcast to y's shape. */
static void accumulate(const xbtab__shape *out, const xbtab__shape *s, const float *x, float *y, pair_fn f)
{
    size_t step[XBTAB__NET_RANK], size = 1, from = 0;
    int64_t at[XBTAB__NET_RANK] = {0};
    if (s->size == out->size) {
        for (size_t c = 0; c < out->size; c++) y[c] = f(y[c], x[c]);
        return;
    }
    for (int k = 0; k < out->rank; k++) { /* from the last axis on */
        int64_t d = from_last(s, k);
        step[k] = d == 1 ? 0 : size;
        size *= (size_t)d;
    }
    for (size_t c = 0; c < out->size; c++) {
        y[c] = f(y[c], x[from]);
        for (int k = 0; k < out->rank; k++) {
            from += step[k];
            if (++at[k] < from_last(out, k)) break;
            from -= step[k] * (size_t)at[k];
            at[k] = 0;
        }
    }
}

static float second(float a, float b)
{
    (void)a;
    return b;
}

static void broadcast(const xbtab_network *n, const xbtab__node *node, const xbtab__float_run *run, pair_fn f)
{
    const xbtab__shape *out = &xbtab__output_of(n, node)->shape;
    float *y = run->data[node->output];
    for (int i = 0; i < node->n_inputs; i++)
        accumulate(out, &xbtab__input_of(n, node, i)->shape, run->data[node->input[i]], y, i ? f : second);
}

/* Integers divide as integers. */
static float divide_whole(float a, float b)
{
    return truncf(a / b);
}

/* The remainder has the divisor's sign, as in Python. */
static float modulo(float a, float b)
{
    float r = fmodf(a, b);
    return r != 0 && (r < 0) != (b < 0) ? r + b : r;
}

#define PAIR(name, expression)                                                                               \
    static float name##_of(float a, float b)                                                                 \
    {                                                                                                        \
        return expression;                                                                                   \
    }                                                                                                        \
    static void run_##name(const xbtab_network *n, const xbtab__node *node, const xbtab__float_run *run)     \
    {                                                                                                        \
        broadcast(n, node, run, name##_of);                                                                  \
    }
PAIR(add, a + b)
PAIR(sub, a - b)
PAIR(mul, a *b)
PAIR(min, fminf(a, b))
PAIR(max, fmaxf(a, b))
PAIR(and, (float)(a != 0 && b != 0))
PAIR(or, (float)(a != 0 || b != 0))
PAIR(xor, (float)((a != 0) != (b != 0)))
PAIR(equal, (float)(a == b))
PAIR(greater, (float)(a > b))
PAIR(greater_equal, (float)(a >= b))
PAIR(less, (float)(a < b))
PAIR(less_equal, (float)(a <= b))
PAIR(prelu, a >= 0 ? a : a * b)

static float divide(float a, float b)
{
    return a / b;
}

static bool is_whole(const xbtab_network *n, const xbtab__node *node)
{
    return xbtab__is_integer_type(xbtab__output_of(n, node)->type);
}

static void run_div(const xbtab_network *n, const xbtab__node *node, const xbtab__float_run *run)
{
    broadcast(n, node, run, is_whole(n, node) ? divide_whole : divide);
}

static void run_mod(const xbtab_network *n, const xbtab__node *node, const xbtab__float_run *run)
{
    broadcast(n, node, run, node->attributes.fmod ? fmodf : modulo);
}

static void run_pow(const xbtab_network *n, const xbtab__node *node, const xbtab__float_run *run)
{
    float *y = run->data[node->output];
    broadcast(n, node, run, powf);
    for (size_t c = 0; is_whole(n, node) && c < xbtab__output_of(n, node)->shape.size; c++)
        y[c] = truncf(y[c]);
}

static void run_mean(const xbtab_network *n, const xbtab__node *node, const xbtab__float_run *run)
{
    float *y = run->data[node->output];
    run_add(n, node, run);
    for (size_t c = 0; c < xbtab__output_of(n, node)->shape.size; c++) y[c] /= (float)node->n_inputs;
}

/* A slope for each channel broadcasts to the tensor, never the tensor to it. */
static xbtab_status infer_prelu(xbtab_network *n, xbtab__node *node)
{
    size_t size = xbtab__input_of(n, node, 0)->shape.size;
    XBTAB_TRY(infer_broadcast(n, node));
    if (xbtab__output_of(n, node)->shape.size == size) return XBTAB_OK;
    return xbtab__node_fail(n, node, XBTAB_ERR_INPUT, "its slopes do not fit its tensor");
}

static xbtab_status infer_where(xbtab_network *n, xbtab__node *node)
{
    xbtab__output_of(n, node)->type = xbtab__input_of(n, node, 1)->type;
    return infer_broadcast(n, node);
}

static void run_where(const xbtab_network *n, const xbtab__node *node, const xbtab__float_run *run)
{
    const xbtab__shape *out = &xbtab__output_of(n, node)->shape, *s[3];
    const float *x[3];
    float *y = run->data[node->output];
    for (int i = 0; i < 3; i++) {
        s[i] = &xbtab__input_of(n, node, i)->shape;
        x[i] = run->data[node->input[i]];
    }
    for (size_t c = 0; c < out->size; c++) {
        size_t at[3] = {0}, step[3] = {1, 1, 1}, rest = c;
        for (int k = 0; k < out->rank; k++) {
            size_t place = rest % (size_t)from_last(out, k);
            rest /= (size_t)from_last(out, k);
            for (int i = 0; i < 3; i++) {
                if (from_last(s[i], k) > 1) at[i] += place * step[i];
                step[i] *= (size_t)from_last(s[i], k);
            }
        }
        y[c] = x[0][at[0]] != 0 ? x[1][at[1]] : x[2][at[2]];
    }
}

/* ---- lattices ---- */

/* A constant number added to a lattice, or taken off it. */
static void add_lattice(const xbtab_network *n, const xbtab__node *node, const xbtab__lattice *of,
                        xbtab__lattice *out)
{
    const xbtab__value *c = xbtab__input_of(n, node, 1);
    const xbtab__lattice *in = &of[node->input[0]];
    bool is_sum = node->type->run == run_add;
    if (is_sum && !c->constant) {
        c = xbtab__input_of(n, node, 0);
        in = &of[node->input[1]];
    }
    if (!in->is_known || !c->constant || c->shape.size != 1) return;
    *out = *in;
    out->not_negative = false;
    out->b += is_sum ? (double)c->constant[0] : -(double)c->constant[0];
}

/* The same for factors above 0. */
static void times_lattice(const xbtab_network *n, const xbtab__node *node, const xbtab__lattice *of,
                          xbtab__lattice *out)
{
    const xbtab__value *c = xbtab__input_of(n, node, 1);
    const xbtab__lattice *in = &of[node->input[0]];
    bool is_product = node->type->run == run_mul;
    if (is_product && !c->constant) {
        c = xbtab__input_of(n, node, 0);
        in = &of[node->input[1]];
    }
    if (!c->constant || c->shape.size != 1 || !(c->constant[0] > 0)) return;
    out->not_negative = in->not_negative;
    if (!in->is_known || is_whole(n, node)) return;
    double factor = is_product ? (double)c->constant[0] : 1.0 / (double)c->constant[0];
    *out = *in;
    out->a *= factor;
    out->b *= factor;
}

enum { MANY = XBTAB__NET_INPUTS };

static const xbtab__operator operators[] = {
    {"Add", 2, 2, XBTAB__INTEGER_ADD, infer_broadcast, run_add, add_lattice, NULL},
    {"And", 2, 2, XBTAB__INTEGER_NONE, infer_comparison, run_and, NULL, NULL},
    {"Div", 2, 2, XBTAB__INTEGER_NONE, infer_broadcast, run_div, times_lattice, NULL},
    {"Equal", 2, 2, XBTAB__INTEGER_NONE, infer_comparison, run_equal, NULL, NULL},
    {"Greater", 2, 2, XBTAB__INTEGER_NONE, infer_comparison, run_greater, NULL, NULL},
    {"GreaterOrEqual", 2, 2, XBTAB__INTEGER_NONE, infer_comparison, run_greater_equal, NULL, NULL},
    {"Less", 2, 2, XBTAB__INTEGER_NONE, infer_comparison, run_less, NULL, NULL},
    {"LessOrEqual", 2, 2, XBTAB__INTEGER_NONE, infer_comparison, run_less_equal, NULL, NULL},
    {"Max", 1, MANY, XBTAB__INTEGER_NONE, infer_broadcast, run_max, NULL, NULL},
    {"Mean", 1, MANY, XBTAB__INTEGER_NONE, infer_broadcast, run_mean, NULL, NULL},
    {"Min", 1, MANY, XBTAB__INTEGER_NONE, infer_broadcast, run_min, NULL, NULL},
    {"Mod", 2, 2, XBTAB__INTEGER_NONE, infer_broadcast, run_mod, NULL, NULL},
    {"Mul", 2, 2, XBTAB__INTEGER_NONE, infer_broadcast, run_mul, times_lattice, NULL},
    {"Or", 2, 2, XBTAB__INTEGER_NONE, infer_comparison, run_or, NULL, NULL},
    {"PRelu", 2, 2, XBTAB__INTEGER_NONE, infer_prelu, run_prelu, NULL, NULL},
    {"Pow", 2, 2, XBTAB__INTEGER_NONE, infer_broadcast, run_pow, NULL, NULL},
    {"Sub", 2, 2, XBTAB__INTEGER_NONE, infer_broadcast, run_sub, add_lattice, NULL},
    {"Sum", 1, MANY, XBTAB__INTEGER_NONE, infer_broadcast, run_add, NULL, NULL},
    {"Where", 3, 3, XBTAB__INTEGER_NONE, infer_where, run_where, NULL, NULL},
    {"Xor", 2, 2, XBTAB__INTEGER_NONE, infer_comparison, run_xor, NULL, NULL},
};

const xbtab__operator *xbtab__operators_pair(int *n)
{
    *n = sizeof operators / sizeof operators[0];
    return operators;
}
