/* steps_each.c - activations, sums and products of two tensors or with constants, number by number. */
#include <math.h>
#include <string.h>

#include "memory.h"
#include "tape.h"

/* A function and its slope, of x and y = f(x). */
typedef struct function {
    const char *name;
    float (*of)(float x, const xbtab__attributes *a);
    float (*slope)(float x, float y, const xbtab__attributes *a);
} function;

#define FUNCTION(name, value, gradient)                                                                      \
    static float name##_of(float x, const xbtab__attributes *a)                                              \
    {                                                                                                        \
        (void)a;                                                                                             \
        return value;                                                                                        \
    }                                                                                                        \
    static float name##_slope(float x, float y, const xbtab__attributes *a)                                  \
    {                                                                                                        \
        (void)x;                                                                                             \
        (void)y;                                                                                             \
        (void)a;                                                                                             \
        return gradient;                                                                                     \
    }
#define SIGMOID(x) (float)(1.0 / (1.0 + xbtab__train_exp(-(double)(x))))
FUNCTION(relu, x > 0 ? x : 0, (float)(x > 0))
FUNCTION(leaky, x >= 0 ? x : a->alpha * x, x >= 0 ? 1.0f : a->alpha)
FUNCTION(clip, fminf(fmaxf(x, a->min), a->max), (float)(x > a->min && x < a->max))
FUNCTION(sigmoid, SIGMOID(x), y *(1.0f - y))
FUNCTION(tanh, (float)(1.0 - 2.0 / (xbtab__train_exp(2.0 * (double)x) + 1.0)), 1.0f - y * y)
FUNCTION(hard_sigmoid, fmaxf(0.0f, fminf(1.0f, a->alpha *x + a->beta)), y > 0 && y < 1 ? a->alpha : 0)
FUNCTION(elu, x >= 0 ? x : a->alpha * (float)(xbtab__train_exp((double)x) - 1.0),
         x >= 0 ? 1.0f : y + a->alpha)

static const function functions[] = {
    {"Clip", clip_of, clip_slope},
    {"Elu", elu_of, elu_slope},
    {"HardSigmoid", hard_sigmoid_of, hard_sigmoid_slope},
    {"LeakyRelu", leaky_of, leaky_slope},
    {"Relu", relu_of, relu_slope},
    {"Sigmoid", sigmoid_of, sigmoid_slope},
    {"Tanh", tanh_of, tanh_slope},
};

static const function *function_of(const xbtab__tape_step *s)
{
    size_t k = 0;
    while (strcmp(functions[k].name, s->node->type->name) != 0) k++;
    return &functions[k];
}

static xbtab_status begin_function(xbtab__tape *t, xbtab__tape_step *s)
{
    (void)t;
    s->n_inputs = 1; /* a Clip's bounds are attributes by now */
    return XBTAB_OK;
}

static void forward_function(const xbtab__tape *t, const xbtab__tape_step *s, const xbtab__span *span)
{
    const function *f = function_of(s);
    const float *x = xbtab__numbers_of(t, s->input[0], span->first);
    float *y = xbtab__numbers_of(t, s->output, span->first);
    for (size_t k = 0; k < span->n * t->value[s->output].size; k++) y[k] = f->of(x[k], &s->node->attributes);
}

static void backward_function(const xbtab__tape *t, const xbtab__tape_step *s, const xbtab__span *span)
{
    const function *f = function_of(s);
    const float *x = xbtab__numbers_of(t, s->input[0], span->first);
    const float *y = xbtab__numbers_of(t, s->output, span->first);
    const float *dy = xbtab__gradient_of(t, s->output, span->first);
    float *dx = xbtab__gradient_of(t, s->input[0], span->first);
    for (size_t k = 0; dx && k < span->n * t->value[s->output].size; k++)
        dx[k] += dy[k] * f->slope(x[k], y[k], &s->node->attributes);
}

/* ---- two tensors ---- */

static bool is_named(const xbtab__tape_step *s, const char *name)
{
    return strcmp(s->node->type->name, name) == 0;
}

/* y = f x + g with a constant: f and g from the node's own answers to 1 and 0. */
static xbtab_status take_constants(xbtab__tape *t, xbtab__tape_step *s, int variable)
{
    const xbtab_network *n = t->network;
    xbtab__float_run *run = NULL;
    size_t size = t->value[s->output].size;
    bool is_sum = is_named(s, "Add") || is_named(s, "Sub");
    float sign = is_named(s, "Sub") && variable == 1 ? -1.0f : 1.0f;
    s->factor = xbtab__alloc(size, sizeof *s->factor);
    s->shift = xbtab__alloc(size, sizeof *s->shift);
    if (!s->factor || !s->shift) return XBTAB_NOMEM();
    XBTAB_TRY(xbtab__float_runs_create(&run, n, 1));
    int value = s->input[variable];
    for (size_t k = 0; k < t->value[value].size; k++) run->data[value][k] = is_sum ? 0.0f : 1.0f;
    s->node->type->run(n, s->node, run);
    for (size_t k = 0; k < size; k++) {
        s->factor[k] = is_sum ? sign : run->data[s->output][k];
        s->shift[k] = is_sum ? run->data[s->output][k] : 0.0f;
    }
    xbtab__float_runs_destroy(&run, 1);
    s->input[0] = value;
    s->n_inputs = 1;
    return XBTAB_OK;
}

static xbtab_status begin_pair(xbtab__tape *t, xbtab__tape_step *s)
{
    bool first = t->value[s->input[0]].is_constant, second = t->value[s->input[1]].is_constant;
    int variable = first ? 1 : 0;
    bool fits = t->value[s->input[variable]].size == t->value[s->output].size;
    if (!first && !second)
        fits = fits && t->value[s->input[1]].size == t->value[s->output].size && !is_named(s, "Div");
    if (is_named(s, "Div") && first) fits = false;
    if (!fits)
        return xbtab__node_fail(
            t->network, s->node, XBTAB_ERR_UNSUPPORTED,
            "cannot be trained: only tensors of one size, or with a constant on the right");
    return first || second ? take_constants(t, s, variable) : XBTAB_OK;
}

static void forward_pair(const xbtab__tape *t, const xbtab__tape_step *s, const xbtab__span *span)
{
    size_t size = t->value[s->output].size;
    const float *a = xbtab__numbers_of(t, s->input[0], span->first);
    float *y = xbtab__numbers_of(t, s->output, span->first);
    if (s->factor) {
        for (size_t k = 0; k < span->n * size; k++) y[k] = s->factor[k % size] * a[k] + s->shift[k % size];
        return;
    }
    const float *b = xbtab__numbers_of(t, s->input[1], span->first);
    bool is_product = is_named(s, "Mul");
    float sign = is_named(s, "Sub") ? -1.0f : 1.0f;
    for (size_t k = 0; k < span->n * size; k++) y[k] = is_product ? a[k] * b[k] : a[k] + sign * b[k];
}

static void backward_pair(const xbtab__tape *t, const xbtab__tape_step *s, const xbtab__span *span)
{
    size_t size = t->value[s->output].size;
    const float *dy = xbtab__gradient_of(t, s->output, span->first);
    bool is_product = is_named(s, "Mul");
    for (int side = 0; side < s->n_inputs; side++) {
        float *dx = xbtab__gradient_of(t, s->input[side], span->first);
        if (!dx) continue;
        float sign = side == 1 && is_named(s, "Sub") ? -1.0f : 1.0f;
        const float *other =
            is_product && !s->factor ? xbtab__numbers_of(t, s->input[1 - side], span->first) : NULL;
        for (size_t k = 0; k < span->n * size; k++)
            dx[k] += dy[k] * (s->factor ? s->factor[k % size] : other ? other[k] : sign);
    }
}

#define ROW(name)                                                                                            \
    {                                                                                                        \
        name, begin_function, forward_function, backward_function, NULL, NULL                                \
    }
#define PAIR(name)                                                                                           \
    {                                                                                                        \
        name, begin_pair, forward_pair, backward_pair, NULL, NULL                                            \
    }

const xbtab__gradient xbtab__gradients_each[] = {
    ROW("Clip"), ROW("Elu"),     ROW("HardSigmoid"), ROW("LeakyRelu"),
    ROW("Relu"), ROW("Sigmoid"), ROW("Tanh"),        PAIR("Add"),
    PAIR("Div"), PAIR("Mul"),    PAIR("Sub"),        {NULL, NULL, NULL, NULL, NULL, NULL},
};
