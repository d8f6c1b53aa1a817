/* fold_exact.c - nodes of integer constants, evaluated in integers: shapes and indices are computed by them,
 * and single precision would round from 2^24 on. Numbers wrap around as their element type does. */
#include <math.h>
#include <string.h>

#include "graph.h"
#include "memory.h"

/* ---- element types ---- */

static int64_t wrap(int64_t v, int32_t type)
{
    switch (type) {
    case XBTAB__TYPE_INT8:
        return (int8_t)v;
    case XBTAB__TYPE_UINT8:
        return (uint8_t)v;
    case XBTAB__TYPE_INT16:
        return (int16_t)v;
    case XBTAB__TYPE_UINT16:
        return (uint16_t)v;
    case XBTAB__TYPE_INT32:
        return (int32_t)v;
    case XBTAB__TYPE_UINT32:
        return (uint32_t)v;
    case XBTAB__TYPE_INT4:
        return (v & 15) - (v & 8 ? 16 : 0);
    case XBTAB__TYPE_UINT4:
        return v & 15;
    case XBTAB__TYPE_BOOL:
        return v != 0;
    default:
        return v;
    }
}

static bool is_wide(int32_t type)
{
    return type == XBTAB__TYPE_INT64 || type == XBTAB__TYPE_INT32 || type == XBTAB__TYPE_UINT32 ||
           type == XBTAB__TYPE_UINT64;
}

/* Results of arithmetic: those of 8 and 16 bits are sums of the digital periphery, and wider than their type.
 */
static int64_t wrap_wide(int64_t v, int32_t type)
{
    return is_wide(type) ? wrap(v, type) : v;
}

/* Integers of 64 bits, where overflow wraps. */
static int64_t plus(int64_t a, int64_t b)
{
    return (int64_t)((uint64_t)a + (uint64_t)b);
}

static int64_t minus(int64_t a, int64_t b)
{
    return (int64_t)((uint64_t)a - (uint64_t)b);
}

static int64_t times(int64_t a, int64_t b)
{
    return (int64_t)((uint64_t)a * (uint64_t)b);
}

static int64_t over(int64_t a, int64_t b)
{
    return b == -1 ? minus(0, a) : b ? a / b : 0;
}

/* What is left has the divisor's sign, as in Python. */
static int64_t modulo(int64_t a, int64_t b)
{
    int64_t r = b == -1 || b == 0 ? 0 : a % b;
    return r != 0 && (r < 0) != (b < 0) ? r + b : r;
}

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t most(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static int64_t power(int64_t a, int64_t b)
{
    int64_t y = 1;
    if (b < 0) return a == 1 ? 1 : a == -1 ? (b & 1 ? -1 : 1) : 0;
    for (; b > 0; b >>= 1, a = times(a, a)) {
        if (b & 1) y = times(y, a);
    }
    return y;
}

#define COMPARE(name, expression)                                                                            \
    static int64_t name(int64_t a, int64_t b)                                                                \
    {                                                                                                        \
        return expression;                                                                                   \
    }
COMPARE(equal, a == b)
COMPARE(greater, a > b)
COMPARE(greater_equal, a >= b)
COMPARE(less, a < b)
COMPARE(less_equal, a <= b)
COMPARE(both, a &&b)
COMPARE(either, a || b)
COMPARE(one_of, !a != !b)

/* ---- two and more tensors, element by element ---- */

typedef int64_t (*pair_fn)(int64_t a, int64_t b);

static const struct {
    const char *name;
    pair_fn f;
} pairs[] = {{"Add", plus},        {"Sub", minus},
             {"Mul", times},       {"Div", over},
             {"Mod", modulo},      {"Min", least},
             {"Max", most},        {"Sum", plus},
             {"Pow", power},       {"Equal", equal},
             {"Greater", greater}, {"GreaterOrEqual", greater_equal},
             {"Less", less},       {"LessOrEqual", less_equal},
             {"And", both},        {"Or", either},
             {"Xor", one_of}};

static pair_fn pair_of(const xbtab__node *node)
{
    for (size_t k = 0; k < sizeof pairs / sizeof pairs[0]; k++) {
        if (strcmp(node->type->name, pairs[k].name) == 0) return pairs[k].f;
    }
    return NULL;
}

/* Where element c of a tensor stands in one that broadcasts to it. */
static size_t place_in(const xbtab__shape *s, const xbtab__shape *out, size_t c)
{
    size_t at = 0, step = 1;
    for (int k = 0; k < out->rank; k++) {
        size_t place = c % (size_t)out->dim[out->rank - 1 - k];
        c /= (size_t)out->dim[out->rank - 1 - k];
        if (k >= s->rank) continue;
        size_t d = (size_t)s->dim[s->rank - 1 - k];
        if (d > 1) at += place * step;
        step *= d;
    }
    return at;
}

static xbtab_status fold_pair(xbtab_network *n, const xbtab__node *node, pair_fn f, int64_t *y)
{
    const xbtab__value *out = &n->value[node->output];
    if (f == modulo && node->attributes.fmod) f = NULL; /* C's, with the sign of what is divided */
    for (size_t c = 0; c < out->shape.size; c++) {
        for (int k = 0; k < node->n_inputs; k++) {
            const xbtab__value *in = &n->value[node->input[k]];
            int64_t x = in->integers[place_in(&in->shape, &out->shape, c)];
            if (k == 0) {
                y[c] = x;
                continue;
            }
            if (x == 0 && (f == over || f == modulo || !f))
                return xbtab__node_fail(n, node, XBTAB_ERR_INPUT, "divides by 0");
            y[c] = f ? f(y[c], x) : x == -1 ? 0 : y[c] % x;
        }
        y[c] = wrap_wide(y[c], out->type);
    }
    return XBTAB_OK;
}

/* ---- one tensor ---- */

/* @return false: not one of these. */
static bool fold_each(const xbtab_network *n, const xbtab__node *node, int64_t *y)
{
    const xbtab__value *in = &n->value[node->input[0]], *out = &n->value[node->output];
    const char *name = node->type->name;
    bool is_neg = strcmp(name, "Neg") == 0, is_abs = strcmp(name, "Abs") == 0,
         is_sign = strcmp(name, "Sign") == 0, is_not = strcmp(name, "Not") == 0,
         is_cast = strncmp(name, "Cast", 4) == 0;
    if (!is_neg && !is_abs && !is_sign && !is_not && !is_cast) return false;
    for (size_t c = 0; c < out->shape.size; c++) {
        int64_t x = in->integers[c];
        y[c] = is_not ? !x : is_sign ? (x > 0) - (x < 0) : is_neg || (is_abs && x < 0) ? minus(0, x) : x;
        y[c] = is_cast ? wrap(y[c], out->type) : wrap_wide(y[c], out->type);
    }
    return true;
}

/* Sums, products and extremes over axes, which the node's perm marks. */
static bool fold_reduction(const xbtab_network *n, const xbtab__node *node, int64_t *y)
{
    static const struct {
        const char *name;
        pair_fn f;
        int64_t first;
    } rows[] = {{"ReduceSum", plus, 0},
                {"ReduceProd", times, 1},
                {"ReduceMax", most, INT64_MIN},
                {"ReduceMin", least, INT64_MAX}};
    const xbtab__value *in = &n->value[node->input[0]], *out = &n->value[node->output];
    size_t row = 0;
    while (row < sizeof rows / sizeof rows[0] && strcmp(rows[row].name, node->type->name) != 0) row++;
    if (row == sizeof rows / sizeof rows[0]) return false;
    for (size_t c = 0; c < out->shape.size; c++) y[c] = rows[row].first;
    for (size_t c = 0; c < in->shape.size; c++) {
        size_t rest = c, to = 0, step = 1;
        for (int k = in->shape.rank - 1; k >= 0; k--) {
            size_t at = rest % (size_t)in->shape.dim[k];
            rest /= (size_t)in->shape.dim[k];
            if (node->attributes.perm[k]) continue;
            to += at * step;
            step *= (size_t)in->shape.dim[k];
        }
        y[to] = rows[row].f(y[to], in->integers[c]);
    }
    for (size_t c = 0; c < out->shape.size; c++) y[c] = wrap_wide(y[c], out->type);
    return true;
}

static void fold_range(const xbtab_network *n, const xbtab__node *node, int64_t *y)
{
    int64_t first = n->value[node->input[0]].integers[0], step = n->value[node->input[2]].integers[0];
    for (size_t c = 0; c < n->value[node->output].shape.size; c++)
        y[c] = plus(first, times((int64_t)c, step));
}

/* ---- numbers that only move: run in parts that single precision holds ---- */

enum { PARTS = 3, PART_BITS = 22 };

/* Operators whose outputs are numbers of their inputs from one on, wherever they are. */
static int first_that_moves(const xbtab__node *node)
{
    static const struct {
        const char *name;
        int first;
    } movers[] = {{"Concat", 0},  {"Gather", 0}, {"GatherElements", 0}, {"GatherND", 0},       {"Slice", 0},
                  {"Squeeze", 0}, {"Tile", 0},   {"Unsqueeze", 0},      {"Reshape", 0},        {"Flatten", 0},
                  {"Expand", 0},  {"Split", 0},  {"Identity", 0},       {"Transpose", 0},      {"Where", 1},
                  {"Pad", 0},     {"Trilu", 0},  {"DepthToSpace", 0},   {"ConstantOfShape", 1}};
    for (size_t k = 0; k < sizeof movers / sizeof movers[0]; k++) {
        if (strcmp(node->type->name, movers[k].name) == 0) return movers[k].first;
    }
    return -1;
}

static float part_of(int64_t v, int part)
{
    int64_t shifted = v >> (part * PART_BITS); /* the last one has the sign */
    return (float)(part < PARTS - 1 ? shifted & ((1 << PART_BITS) - 1) : shifted);
}

/* data[values] of a run on one part; the copies in data[] of moved inputs are the caller's to free. */
static bool take_part(const xbtab_network *n, const xbtab__node *node, int first, int part, float **data)
{
    for (int k = first; k < node->n_inputs; k++) {
        const xbtab__value *in = node->input[k] >= 0 ? &n->value[node->input[k]] : NULL;
        if (!in || data[node->input[k]] != in->constant) continue;
        float *x = xbtab__alloc(in->shape.size, sizeof *x);
        if (!x) return false;
        for (size_t c = 0; c < in->shape.size; c++) x[c] = part_of(in->integers[c], part);
        data[node->input[k]] = x;
    }
    return true;
}

static void add_part(xbtab_network *n, const xbtab__node *node, int part)
{
    for (int m = -1; m < node->n_more; m++) {
        int value = m < 0 ? node->output : node->more[m];
        xbtab__value *out = value >= 0 ? &n->value[value] : NULL;
        for (size_t c = 0; out && out->integers && c < out->shape.size; c++) {
            uint64_t p = (uint64_t)(int64_t)out->constant[c];
            out->integers[c] = plus(out->integers[c], (int64_t)(p << (part * PART_BITS)));
        }
    }
}

static const xbtab__value *input_at(const xbtab_network *n, const xbtab__node *node, int k)
{
    return k < node->n_inputs && node->input[k] >= 0 ? &n->value[node->input[k]] : NULL;
}

static xbtab_status fold_moved(xbtab_network *n, xbtab__node *node, int first, float **data)
{
    float value = node->attributes.value;
    bool has_memory = true, is_pad = strcmp(node->type->name, "Pad") == 0;
    const xbtab__value *given = is_pad ? input_at(n, node, 2) : NULL; /* taken when it was inferred */
    int64_t fill = given ? given->integers[0] : is_pad ? (int64_t)value : 0;
    for (int part = 0; part < PARTS && has_memory; part++) {
        has_memory = take_part(n, node, first, part, data);
        if (is_pad) node->attributes.value = part_of(fill, part);
        if (has_memory) {
            node->type->run(n, node, &(xbtab__float_run){.data = data});
            add_part(n, node, part);
        }
        for (int k = first; k < node->n_inputs; k++) {
            int in = node->input[k];
            if (in < 0 || data[in] == n->value[in].constant) continue;
            xbtab__free(data[in]);
            data[in] = n->value[in].constant;
        }
    }
    node->attributes.value = value;
    return has_memory ? XBTAB_OK : XBTAB_NOMEM();
}

/* ---- all ---- */

/* Whether a node's inputs and outputs are integers, and its operator one of those above. */
static bool is_exact(const xbtab_network *n, const xbtab__node *node, int first)
{
    static const char *const others[] = {"Neg",       "Abs",       "Sign",      "Not",
                                         "Cast",      "CastLike",  "ReduceSum", "ReduceProd",
                                         "ReduceMax", "ReduceMin", "Range"};
    bool is_known = first >= 0 || pair_of(node) != NULL;
    int32_t type = n->value[node->output].type;
    for (size_t k = 0; k < sizeof others / sizeof others[0]; k++)
        is_known = is_known || strcmp(node->type->name, others[k]) == 0;
    if (!is_known || !xbtab__is_integer_type(type) || (first >= 0 && !is_wide(type))) return false;
    for (int k = first < 0 ? 0 : first; k < node->n_inputs; k++) {
        if (node->input[k] >= 0 && !n->value[node->input[k]].integers) return false;
    }
    return node->n_inputs > 0 && (first < 1 || input_at(n, node, first));
}

static int output_of(const xbtab__node *node, int m)
{
    return m < 0 ? node->output : node->more[m];
}

xbtab_status xbtab__fold_exactly(xbtab_network *n, xbtab__node *node, float **data, bool *is_done)
{
    int first = first_that_moves(node);
    *is_done = is_exact(n, node, first);
    if (!*is_done) return XBTAB_OK;
    for (int m = -1; m < node->n_more; m++) {
        xbtab__value *out = output_of(node, m) >= 0 ? &n->value[output_of(node, m)] : NULL;
        if (!out || !out->constant) continue;
        out->integers = xbtab__alloc(out->shape.size, sizeof *out->integers);
        if (!out->integers) return XBTAB_NOMEM();
    }
    int64_t *y = n->value[node->output].integers;
    pair_fn f = pair_of(node);
    if (first >= 0) {
        XBTAB_TRY(fold_moved(n, node, first, data));
    } else if (f) {
        XBTAB_TRY(fold_pair(n, node, f, y));
    } else if (!fold_each(n, node, y) && !fold_reduction(n, node, y)) {
        fold_range(n, node, y);
    }
    for (int m = -1; m < node->n_more; m++) {
        const xbtab__value *out = output_of(node, m) >= 0 ? &n->value[output_of(node, m)] : NULL;
        for (size_t c = 0; out && out->integers && c < out->shape.size; c++)
            out->constant[c] = (float)out->integers[c];
    }
    return XBTAB_OK;
}
