/* lattices.c - on which lattice each value of a network lies, from the input's pixels on.
 *
 * Operators say themselves what they do to a lattice x = a q + b (graph.h). Where scales differ within a
 * tensor, x = f (a q + b) with a factor f for each number. What moves numbers, picks them or multiplies them
 * by constants does the same to the factors: it is run on them. */
#include "lattices.h"

#include <math.h>
#include <string.h>

#include "memory.h"

static const double tolerance = 1e-6; /* of a step: as of other operators' lattices */

typedef struct finder {
    const xbtab_network *n;
    xbtab__lattice *of;    /* of[n_values] */
    float **factor;        /* factor[n_values]: of each number; NULL where all are 1 */
    xbtab__float_run *run; /* memory to run nodes on factors; NULL until one is */
} finder;

static bool is_named(const xbtab__node *node, const char *name)
{
    return strcmp(node->type->name, name) == 0;
}

static bool has_zero(const xbtab__lattice *l)
{
    double zero = -l->b / l->a;
    return zero > -0.5 && zero < l->most + 0.5 && fabs(zero - floor(zero + 0.5)) <= tolerance;
}

/* Whether all inputs but the first are constant. */
static bool only_first_differs(const xbtab_network *n, const xbtab__node *node)
{
    for (int k = 1; k < node->n_inputs; k++) {
        if (node->input[k] >= 0 && !n->value[node->input[k]].constant) return false;
    }
    return !n->value[node->input[0]].constant;
}

/* Room for a value's factors. */
static xbtab_status add_factors(finder *f, int value)
{
    xbtab__free(f->factor[value]);
    f->factor[value] = xbtab__alloc(f->n->value[value].shape.size, sizeof **f->factor);
    return f->factor[value] ? XBTAB_OK : XBTAB_NOMEM();
}

/* A value's factors times a number, or that number where it has none, where a node finds its input. */
static xbtab_status feed(finder *f, int value, float times)
{
    if (!f->run) XBTAB_TRY(xbtab__float_runs_create(&f->run, f->n, 1));
    for (size_t c = 0; c < f->n->value[value].shape.size; c++)
        f->run->data[value][c] = times * (f->factor[value] ? f->factor[value][c] : 1.0f);
    return XBTAB_OK;
}

static void run_on_factors(finder *f, const xbtab__node *node)
{
    node->type->run(f->n, node, f->run);
}

/* ---- operators that keep the lattice, number for number ---- */

/* Take what a node made of its input's factors, and of their negatives: what it only moved has changed sign
 * with them. Zeros are what it put around the tensor. @return whether each number has a factor. */
static bool take_moved(finder *f, int value, bool is_negative, bool allows_zero)
{
    const float *made = f->run->data[value];
    float *factor = f->factor[value];
    for (size_t c = 0; c < f->n->value[value].shape.size; c++) {
        if (!is_negative) {
            if (!isfinite(made[c])) return false;
            factor[c] = made[c];
        } else if (made[c] != -factor[c] || (factor[c] == 0 && !allows_zero)) {
            return false;
        } else if (factor[c] == 0) {
            factor[c] = 1;
        }
    }
    return true;
}

static void lose(finder *f, const xbtab__node *node)
{
    for (int k = -1; k < node->n_more; k++) {
        int value = k < 0 ? node->output : node->more[k];
        if (value < 0) continue;
        xbtab__free(f->factor[value]);
        f->factor[value] = NULL;
        f->of[value] = (xbtab__lattice){.not_negative = f->of[value].not_negative};
    }
}

/* The outputs have the input's lattice and its factors where these went. */
static xbtab_status move_factors(finder *f, const xbtab__node *node, const xbtab__lattice *found)
{
    const xbtab__lattice *in = &f->of[node->input[0]];
    bool moved = only_first_differs(f->n, node);
    for (int negative = 0; negative < 2 && moved; negative++) {
        XBTAB_TRY(feed(f, node->input[0], negative ? -1.0f : 1.0f));
        run_on_factors(f, node);
        for (int k = -1; k < node->n_more && moved; k++) {
            int value = k < 0 ? node->output : node->more[k];
            if (value < 0) continue;
            if (!negative) XBTAB_TRY(add_factors(f, value));
            f->of[value] = *in;
            f->of[value].not_negative = found->not_negative;
            moved = take_moved(f, value, negative, has_zero(in));
        }
    }
    if (!moved) lose(f, node);
    return XBTAB_OK;
}

/* What is above 0, where 0 is on the lattice. */
static bool take_positive(const xbtab__lattice *in, xbtab__lattice *out)
{
    double below = floor(-in->b / in->a + 0.5);
    if (fabs(-in->b / in->a - below) > tolerance || below < 0 || below >= in->most || !(in->a > 0))
        return false;
    *out = (xbtab__lattice){
        .is_scaled = true, .not_negative = true, .a = in->a, .most = in->most - (int32_t)below};
    return true;
}

/* Relu, and Clip from 0 up to what is beyond all numbers. */
static xbtab_status rectify(finder *f, const xbtab__node *node)
{
    const xbtab__lattice *in = &f->of[node->input[0]];
    const float *from = f->factor[node->input[0]];
    size_t size = f->n->value[node->output].shape.size;
    double most = 0;
    bool fits = is_named(node, "Relu") || !(node->attributes.min < 0 || node->attributes.min > 0);
    for (size_t c = 0; c < size && fits; c++) {
        fits = from[c] > 0;
        most = fmax(most, (double)from[c] * (in->a * in->most + in->b));
    }
    if (is_named(node, "Clip")) fits = fits && (double)node->attributes.max >= most;
    xbtab__lattice out;
    if (!fits || !take_positive(in, &out)) return XBTAB_OK;
    XBTAB_TRY(add_factors(f, node->output));
    memcpy(f->factor[node->output], from, size * sizeof *from);
    f->of[node->output] = out;
    return XBTAB_OK;
}

/* Products with constants, none of them 0, and quotients. */
static xbtab_status multiply(finder *f, const xbtab__node *node)
{
    bool is_swapped = is_named(node, "Mul") && f->n->value[node->input[0]].constant;
    int x = node->input[is_swapped ? 1 : 0], c = node->input[is_swapped ? 0 : 1];
    const xbtab__lattice in = f->of[x];
    if (f->n->value[x].constant || !f->n->value[c].constant || !(in.is_known || in.is_scaled) ||
        xbtab__is_integer_type(f->n->value[node->output].type))
        return XBTAB_OK;
    XBTAB_TRY(feed(f, x, 1.0f));
    run_on_factors(f, node);
    XBTAB_TRY(add_factors(f, node->output));
    size_t size = f->n->value[node->output].shape.size;
    memcpy(f->factor[node->output], f->run->data[node->output], size * sizeof **f->factor);
    f->of[node->output] = (xbtab__lattice){.is_scaled = true, .a = in.a, .b = in.b, .most = in.most};
    for (size_t k = 0; k < size; k++) {
        float made = f->factor[node->output][k];
        if (made != 0 && isfinite(made)) continue;
        lose(f, node);
        break;
    }
    return XBTAB_OK;
}

/* ---- parts with lattices of their own ---- */

/* Integers of all parts from the lowest one on: x = f a (q + b / a) with b / a whole. */
static xbtab_status join(finder *f, const xbtab__node *node)
{
    double low = INFINITY, high = -INFINITY;
    bool not_negative = true;
    for (int k = 0; k < node->n_inputs; k++) {
        const xbtab__lattice *in = &f->of[node->input[k]];
        double base = in->is_known || in->is_scaled ? in->b / in->a : NAN;
        if (!(fabs(base - floor(base + 0.5)) <= tolerance)) return XBTAB_OK;
        low = fmin(low, floor(base + 0.5));
        high = fmax(high, floor(base + 0.5) + in->most);
        not_negative = not_negative && in->not_negative;
    }
    if (high - low > 65535) return XBTAB_OK;
    for (int k = 0; k < node->n_inputs; k++)
        XBTAB_TRY(feed(f, node->input[k], (float)f->of[node->input[k]].a));
    run_on_factors(f, node);
    XBTAB_TRY(add_factors(f, node->output));
    memcpy(f->factor[node->output], f->run->data[node->output],
           f->n->value[node->output].shape.size * sizeof **f->factor);
    f->of[node->output] = (xbtab__lattice){
        .is_scaled = true, .not_negative = not_negative, .a = 1, .b = low, .most = (int32_t)(high - low)};
    return XBTAB_OK;
}

/* ---- all of them ---- */

/* The node's own scales. Of a dead channel's, 0, all numbers are 0: on any lattice that has it. */
static xbtab_status take_scales(finder *f, const xbtab__node *node)
{
    xbtab__lattice *out = &f->of[node->output];
    bool fits = true;
    out->has_scales = false;
    out->is_scaled = true;
    XBTAB_TRY(add_factors(f, node->output));
    node->type->steps(f->n, node, f->factor[node->output]);
    for (size_t c = 0; c < f->n->value[node->output].shape.size && fits; c++) {
        float *factor = &f->factor[node->output][c];
        fits = *factor > 0 || has_zero(out);
        if (!(*factor > 0)) *factor = 1.0f;
    }
    if (!fits) lose(f, node);
    return XBTAB_OK;
}

static xbtab_status follow(finder *f, const xbtab__node *node)
{
    const xbtab_network *n = f->n;
    xbtab__lattice found = {.is_known = false};
    if (node->type->lattice) node->type->lattice(n, node, f->of, &found);
    f->of[node->output] = found;
    if (found.has_scales) return take_scales(f, node);
    bool is_scaled = f->of[node->input[0]].is_scaled;
    if (is_named(node, "Concat") && !found.is_known) {
        f->of[node->output] = (xbtab__lattice){.not_negative = found.not_negative};
        return join(f, node);
    }
    if (found.is_scaled || (is_scaled && is_named(node, "Pad"))) return move_factors(f, node, &found);
    for (int more = 0; more < node->n_more && node->type->lattice == xbtab__lattice_same; more++) {
        if (node->more[more] >= 0) f->of[node->more[more]] = found; /* parts of one tensor */
    }
    if (found.is_known) return XBTAB_OK;
    if (is_scaled && (is_named(node, "Relu") || is_named(node, "Clip"))) return rectify(f, node);
    return is_named(node, "Mul") || is_named(node, "Div") ? multiply(f, node) : XBTAB_OK;
}

void xbtab__factors_free(float **factors, const xbtab_network *n)
{
    for (int v = 0; v < n->n_values && factors; v++) xbtab__free(factors[v]);
    xbtab__free(factors);
}

xbtab_status xbtab__lattices_find(xbtab__lattice **out, float ***factors, const xbtab_network *n,
                                  bool is_bytes, bool raw_pixels)
{
    xbtab_status status = XBTAB_OK;
    finder f = {.n = n,
                .of = xbtab__alloc((size_t)n->n_values, sizeof *f.of),
                .factor = xbtab__alloc((size_t)n->n_values, sizeof *f.factor)};
    bool is_whole = raw_pixels || xbtab__is_integer_type(n->value[n->input].type);
    if (!f.of || !f.factor) {
        status = XBTAB_NOMEM();
        goto done;
    }
    if (is_bytes) {
        f.of[n->input] = (xbtab__lattice){
            .is_known = true, .not_negative = true, .a = is_whole ? 1.0 : 1.0 / 255.0, .most = 255};
    }
    for (int k = 0; k < n->n_nodes; k++) XBTAB_TRY_DONE(follow(&f, &n->node[k]));
    *out = f.of;
    f.of = NULL;
    if (factors) {
        *factors = f.factor;
        f.factor = NULL;
    }
done:
    xbtab__float_runs_destroy(&f.run, 1);
    xbtab__factors_free(f.factor, n);
    xbtab__free(f.of);
    return status;
}

xbtab_status xbtab__network_find_lattices(xbtab_network *n)
{
    return xbtab__lattices_find(&n->lattice, NULL, n, true, false);
}
