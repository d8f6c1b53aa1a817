/* operators_einsum.c - Einsum: products summed over the axes that an equation names, as NumPy has it.
 *
 * With a constant second tensor it is a matrix layer: the first one's axes are brought into the order of the
 * matrix product, and its result into that of the output. */
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "graph.h"
#include "memory.h"

/* Letters, and what stands for the axes of an ellipsis, counted from the last. */
enum { LETTERS = 52, LABELS = LETTERS + XBTAB__NET_RANK, MOST_TENSORS = 8 };

static const double most_products = 1e12;

/* The axes of one tensor as labels. */
typedef struct labels {
    int n;
    int label[XBTAB__NET_RANK];
} labels;

typedef struct equation {
    int n_inputs;
    labels in[MOST_TENSORS], out;
    int64_t size[LABELS]; /* 0 = not there */
    int ellipsis;         /* axes of the widest one */
} equation;

/* ---- reading ---- */

static int letter_of(char c)
{
    return c >= 'A' && c <= 'Z' ? c - 'A' : c >= 'a' && c <= 'z' ? 26 + c - 'a' : -1;
}

/* One term up to a comma, an arrow or the end; *hidden: axes that its ellipsis stands for, of a tensor of
 * `rank` axes or, with rank < 0, as given. */
static const char *take_term(const char *at, int rank, int *hidden, labels *out)
{
    int letters = 0;
    bool has_dots = false;
    for (const char *c = at; *c && *c != ',' && *c != '-'; c++) letters += letter_of(*c) >= 0;
    if (rank >= 0) *hidden = rank - letters;
    out->n = 0;
    for (; *at && *at != ',' && *at != '-'; at++) {
        if (*at == ' ') continue;
        bool is_dots = strncmp(at, "...", 3) == 0 && !has_dots;
        if (letter_of(*at) < 0 && !is_dots) return NULL;
        for (int k = is_dots ? *hidden - 1 : 0; k >= 0; k--) {
            if (out->n == XBTAB__NET_RANK) return NULL;
            out->label[out->n++] = is_dots ? LETTERS + k : letter_of(*at);
        }
        has_dots = has_dots || is_dots;
        if (is_dots) at += 2;
    }
    if (!has_dots && rank >= 0 && *hidden != 0) return NULL;
    if (!has_dots) *hidden = 0;
    return rank < 0 || out->n == rank ? at : NULL;
}

/* Without an arrow the ellipsis comes first, then all letters that stand once, in the alphabet's order. */
static bool imply_output(equation *e)
{
    int count[LABELS] = {0};
    for (int i = 0; i < e->n_inputs; i++) {
        for (int k = 0; k < e->in[i].n; k++) count[e->in[i].label[k]]++;
    }
    e->out.n = 0;
    for (int k = e->ellipsis - 1; k >= 0; k--) e->out.label[e->out.n++] = LETTERS + k;
    for (int l = 0; l < LETTERS; l++) {
        if (count[l] != 1) continue;
        if (e->out.n == XBTAB__NET_RANK) return false;
        e->out.label[e->out.n++] = l;
    }
    return true;
}

/* Sizes of all labels; axes of one go with any size. */
static bool take_sizes(const xbtab_network *n, const xbtab__node *node, equation *e)
{
    for (int i = 0; i < e->n_inputs; i++) {
        const xbtab__shape *s = &xbtab__input_of(n, node, i)->shape;
        for (int k = 0; k < e->in[i].n; k++) {
            int64_t *size = &e->size[e->in[i].label[k]];
            if (*size > 1 && s->dim[k] != 1 && s->dim[k] != *size) return false;
            if (s->dim[k] > *size) *size = s->dim[k];
        }
    }
    bool is_there[LABELS] = {false};
    for (int k = 0; k < e->out.n; k++) {
        if (is_there[e->out.label[k]] || e->size[e->out.label[k]] == 0) return false;
        is_there[e->out.label[k]] = true;
    }
    for (int k = 0; k < e->ellipsis; k++) { /* an ellipsis is not summed over */
        if (!is_there[LETTERS + k]) return false;
    }
    return true;
}

static bool parse(const xbtab_network *n, const xbtab__node *node, equation *e)
{
    const char *at = node->attributes.equation;
    *e = (equation){.n_inputs = node->n_inputs};
    for (int i = 0; i < e->n_inputs; i++) {
        const xbtab__value *in = xbtab__input_of(n, node, i);
        int hidden;
        if (i > 0 && *at++ != ',') return false;
        at = in ? take_term(at, in->is_scalar ? 0 : in->shape.rank, &hidden, &e->in[i]) : NULL;
        if (!at) return false;
        if (hidden > e->ellipsis) e->ellipsis = hidden;
    }
    if (*at == '-') {
        if (at[1] != '>') return false;
        at = take_term(at + 2, -1, &e->ellipsis, &e->out);
        if (!at || *at) return false;
        for (int i = 0; i < e->n_inputs; i++) { /* an ellipsis that the output has not */
            for (int k = 0; k < e->in[i].n && e->ellipsis == 0; k++) {
                if (e->in[i].label[k] >= LETTERS) return false;
            }
        }
    } else if (*at || !imply_output(e)) {
        return false;
    }
    return take_sizes(n, node, e);
}

/* ---- any equation ---- */

/* Steps of a label through a tensor's numbers: those of all its axes of that label. */
static size_t step_of(const labels *l, const xbtab__shape *s, int label)
{
    size_t step = 1, sum = 0;
    for (int k = l->n - 1; k >= 0; k--) {
        if (l->label[k] == label && s->dim[k] > 1) sum += step;
        step *= (size_t)s->dim[k];
    }
    return sum;
}

/* Labels that are summed over; at most those of all inputs. */
static int summed_labels(const equation *e, int *out)
{
    int n = 0;
    for (int l = 0; l < LABELS; l++) {
        bool is_kept = e->size[l] == 0;
        for (int k = 0; k < e->out.n; k++) is_kept = is_kept || e->out.label[k] == l;
        if (!is_kept) out[n++] = l;
    }
    return n;
}

static xbtab_status infer_einsum(xbtab_network *n, xbtab__node *node)
{
    equation e;
    int summed[LABELS], rank = 0;
    int64_t dim[XBTAB__NET_RANK];
    double products = 1;
    if (!parse(n, node, &e))
        return xbtab__node_fail(n, node, XBTAB_ERR_INPUT, "its equation \"%s\" is none of its inputs",
                                node->attributes.equation);
    for (int k = 0; k < e.out.n; k++) {
        dim[rank++] = e.size[e.out.label[k]];
        products *= (double)e.size[e.out.label[k]];
    }
    for (int k = summed_labels(&e, summed); k-- > 0;) products *= (double)e.size[summed[k]];
    if (products > most_products) return xbtab__unsupported(n, node, "up to 1e12 products");
    xbtab__output_of(n, node)->is_scalar = rank == 0;
    if (rank == 0) dim[rank++] = 1;
    XBTAB_TRY(xbtab__shape_set(n, node, xbtab__output_of(n, node), rank, dim));
    node->terms = products / fmax(1, (double)xbtab__output_of(n, node)->shape.size);
    return XBTAB_OK;
}

/* A walk through all inputs at once, over some labels. */
typedef struct walk {
    int n;
    size_t size[LABELS], place[LABELS], step[LABELS][MOST_TENSORS], at[MOST_TENSORS];
} walk;

static void add_label(walk *w, const equation *e, const xbtab_network *n, const xbtab__node *node, int label)
{
    w->size[w->n] = (size_t)e->size[label];
    for (int i = 0; i < e->n_inputs; i++)
        w->step[w->n][i] = step_of(&e->in[i], &xbtab__input_of(n, node, i)->shape, label);
    w->n++;
}

/* To the next place, the last label first; false at the end, where all begins anew. */
static bool advance(walk *w, int n_inputs)
{
    for (int k = w->n - 1; k >= 0; k--) {
        for (int i = 0; i < n_inputs; i++) w->at[i] += w->step[k][i];
        if (++w->place[k] < w->size[k]) return true;
        for (int i = 0; i < n_inputs; i++) w->at[i] -= w->step[k][i] * w->size[k];
        w->place[k] = 0;
    }
    return false;
}

static void run_einsum(const xbtab_network *n, const xbtab__node *node, const xbtab__float_run *run)
{
    equation e;
    walk outer = {0}, inner = {0};
    int summed[LABELS];
    float *y = run->data[node->output];
    if (!parse(n, node, &e)) return; /* as when it was inferred */
    for (int k = 0; k < e.out.n; k++) add_label(&outer, &e, n, node, e.out.label[k]);
    int n_summed = summed_labels(&e, summed);
    for (int k = 0; k < n_summed; k++) add_label(&inner, &e, n, node, summed[k]);
    do {
        float sum = 0;
        do {
            float product = 1;
            for (int i = 0; i < e.n_inputs; i++)
                product *= run->data[node->input[i]][outer.at[i] + inner.at[i]];
            sum += product;
        } while (advance(&inner, e.n_inputs));
        *y++ = sum;
    } while (advance(&outer, e.n_inputs));
}

static const xbtab__operator digital = {"Einsum",     1,          MOST_TENSORS, XBTAB__INTEGER_NONE,
                                        infer_einsum, run_einsum, NULL,         NULL};

/* ---- with a constant: a matrix layer ---- */

/* Some axes of a tensor: their numbers in order. */
typedef struct axes {
    int n;
    int64_t place[XBTAB__NET_RANK], count; /* count: product of their sizes */
} axes;

static int place_of(const labels *l, int label)
{
    for (int k = 0; k < l->n; k++) {
        if (l->label[k] == label) return k;
    }
    return -1;
}

static void add_axis(axes *a, const equation *e, int place, int label)
{
    a->place[a->n++] = place;
    a->count *= e->size[label];
}

static bool has_repeats(const labels *l)
{
    for (int k = 0; k < l->n; k++) {
        if (place_of(l, l->label[k]) != k) return true;
    }
    return false;
}

/* Axes of a matrix product of x by W: rows and inputs of x, inputs and outputs of W in the same order.
 * @return false where an axis is in both and the output, is summed over in one alone, or is broadcast. */
static bool find_axes(const equation *e, const xbtab__shape *s, const labels *x, const labels *W, axes *rows,
                      axes *inputs, axes *matrix, axes *outputs)
{
    *rows = *inputs = *matrix = *outputs = (axes){.count = 1};
    if (has_repeats(x) || has_repeats(W) || x->n < 1 || W->n < 1) return false;
    for (int k = 0; k < x->n; k++) {
        int label = x->label[k], in_W = place_of(W, label), in_out = place_of(&e->out, label);
        if (s->dim[k] != e->size[label] || (in_W >= 0) == (in_out >= 0)) return false;
        add_axis(in_W >= 0 ? inputs : rows, e, k, label);
        if (in_W >= 0) add_axis(matrix, e, in_W, label);
    }
    for (int k = 0; k < W->n; k++) {
        int label = W->label[k], in_out = place_of(&e->out, label);
        if (place_of(x, label) >= 0) continue;
        if (in_out < 0) return false;
        add_axis(outputs, e, k, label);
    }
    return true;
}

static xbtab_status add_transposed(xbtab_network *n, const xbtab__node *call, int value, const axes *first,
                                   const axes *second, int *out)
{
    xbtab__attributes a;
    bool is_same = true;
    xbtab__attributes_init(&a, "Transpose");
    for (int k = 0; k < first->n; k++) a.perm[a.n_perm++] = first->place[k];
    for (int k = 0; k < second->n; k++) a.perm[a.n_perm++] = second->place[k];
    for (int k = 0; k < a.n_perm; k++) is_same = is_same && a.perm[k] == k;
    *out = value;
    if (is_same) return XBTAB_OK;
    return xbtab__add_node(n, call->name, n->find_operator("Transpose"), 1, &value, &a, out);
}

static xbtab_status add_reshaped(xbtab_network *n, const xbtab__node *call, int value, int rank,
                                 const int64_t *dim, int *out)
{
    xbtab__attributes a;
    int64_t batch = n->batch;
    xbtab__attributes_init(&a, "Reshape");
    memcpy(a.axes, dim, (size_t)rank * sizeof *dim);
    a.n_axes = rank;
    n->batch = 0; /* these sizes are not the file's */
    xbtab_status status = xbtab__add_node(n, call->name, n->find_operator("Reshape"), 1, &value, &a, out);
    n->batch = batch;
    return status;
}

static xbtab_status add_layer(xbtab_network *n, xbtab__node *call, const equation *e, int x_input,
                              const axes *rows, const axes *inputs, const axes *matrix, const axes *outputs)
{
    const labels *x = &e->in[x_input], *W = &e->in[1 - x_input];
    int value[2], product, rank = 0, at[LABELS] = {0};
    int64_t dim[XBTAB__NET_RANK];
    axes order = {0}, none = {0};
    XBTAB_TRY(add_transposed(n, call, call->input[x_input], rows, inputs, &value[0]));
    XBTAB_TRY(add_reshaped(n, call, value[0], 2, (int64_t[]){rows->count, inputs->count}, &value[0]));
    XBTAB_TRY(add_transposed(n, call, call->input[1 - x_input], matrix, outputs, &value[1]));
    XBTAB_TRY(add_reshaped(n, call, value[1], 2, (int64_t[]){inputs->count, outputs->count}, &value[1]));
    XBTAB_TRY(xbtab__add_product(n, call->name, "MatMul", 2, value, NULL, &product));
    for (int k = 0; k < rows->n; k++, rank++) {
        at[x->label[rows->place[k]]] = rank;
        dim[rank] = e->size[x->label[rows->place[k]]];
    }
    for (int k = 0; k < outputs->n; k++, rank++) {
        at[W->label[outputs->place[k]]] = rank;
        dim[rank] = e->size[W->label[outputs->place[k]]];
    }
    for (int k = 0; k < rank; k++) order.place[order.n++] = at[e->out.label[k]];
    XBTAB_TRY(add_reshaped(n, call, product, rank, dim, &call->output));
    return rank ? add_transposed(n, call, call->output, &order, &none, &call->output) : XBTAB_OK;
}

static xbtab_status lower_einsum(xbtab_network *n, xbtab__node *call)
{
    equation e;
    axes rows, inputs, matrix, outputs;
    for (char *from = call->attributes.equation, *to = from;; from++) { /* without blanks */
        if (!isspace((unsigned char)*from)) *to++ = *from;
        if (!*from) break;
    }
    if (strlen(call->attributes.equation) + 1 == sizeof call->attributes.equation)
        return xbtab__unsupported(n, call, "equations of less than 255 letters");
    if (call->n_inputs == 2 && parse(n, call, &e)) {
        for (int x = 0; x < 2; x++) {
            const xbtab__value *in = xbtab__input_of(n, call, x), *W = xbtab__input_of(n, call, 1 - x);
            if (!W->constant || in->constant || in->shape.size == 0 || W->shape.size == 0 ||
                !find_axes(&e, &in->shape, &e.in[x], &e.in[1 - x], &rows, &inputs, &matrix, &outputs))
                continue;
            return add_layer(n, call, &e, x, &rows, &inputs, &matrix, &outputs);
        }
    }
    return xbtab__add_node(n, call->name, &digital, call->n_inputs, call->input, &call->attributes,
                           &call->output);
}

static const xbtab__operator operators[] = {
    {"Einsum", 1, MOST_TENSORS, XBTAB__INTEGER_NONE, lower_einsum, NULL, NULL, NULL},
};

const xbtab__operator *xbtab__operators_einsum(int *n)
{
    *n = sizeof operators / sizeof operators[0];
    return operators;
}
