/* operators_layout.c - numbers that only move: transposing, joining, cutting, gathering, padding, shapes. */
#include <math.h>
#include <string.h>

#include "graph.h"
#include "memory.h"

xbtab_status xbtab__axis_of(const xbtab_network *n, const xbtab__node *node, int64_t axis, int rank, int *out)
{
    if (axis < -rank || axis >= rank) {
        return xbtab__node_fail(n, node, XBTAB_ERR_INPUT, "axis %lld of a tensor of %d", (long long)axis,
                                rank);
    }
    *out = (int)(axis < 0 ? axis + rank : axis);
    return XBTAB_OK;
}

/* ---- transposing ---- */

static xbtab_status infer_transpose(xbtab_network *n, xbtab__node *node)
{
    const xbtab__shape *s = &xbtab__input_of(n, node, 0)->shape;
    xbtab__attributes *a = &node->attributes;
    int64_t dim[XBTAB__NET_RANK];
    bool is_there[XBTAB__NET_RANK] = {false};
    if (a->n_perm == 0) {
        for (int k = 0; k < s->rank; k++) a->perm[k] = s->rank - 1 - k;
        a->n_perm = s->rank;
    }
    if (a->n_perm != s->rank)
        return xbtab__node_fail(n, node, XBTAB_ERR_INPUT, "its perm is not of its tensor");
    for (int k = 0; k < s->rank; k++) {
        if (a->perm[k] < 0 || a->perm[k] >= s->rank || is_there[a->perm[k]])
            return xbtab__node_fail(n, node, XBTAB_ERR_INPUT, "its perm is not a permutation");
        is_there[a->perm[k]] = true;
        dim[k] = s->dim[a->perm[k]];
    }
    return xbtab__shape_set(n, node, xbtab__output_of(n, node), s->rank, dim);
}

static void run_transpose(const xbtab_network *n, const xbtab__node *node, const xbtab__float_run *run)
{
    const xbtab__shape *s = &xbtab__input_of(n, node, 0)->shape, *out = &xbtab__output_of(n, node)->shape;
    const float *x = run->data[node->input[0]];
    float *y = run->data[node->output];
    size_t step[XBTAB__NET_RANK], size = 1;
    for (int k = s->rank - 1; k >= 0; k--) {
        step[k] = size;
        size *= (size_t)s->dim[k];
    }
    for (size_t c = 0; c < out->size; c++) {
        size_t rest = c, from = 0;
        for (int k = out->rank - 1; k >= 0; k--) {
            from += rest % (size_t)out->dim[k] * step[node->attributes.perm[k]];
            rest /= (size_t)out->dim[k];
        }
        y[c] = x[from];
    }
}

/* ---- axes of one ---- */

static xbtab_status infer_squeeze(xbtab_network *n, xbtab__node *node)
{
    const xbtab__shape *s = &xbtab__input_of(n, node, 0)->shape;
    xbtab__attributes *a = &node->attributes;
    int64_t dim[XBTAB__NET_RANK];
    bool is_gone[XBTAB__NET_RANK] = {false};
    int rank = 0;
    XBTAB_TRY(xbtab__take_list(n, node, 1, a->axes, &a->n_axes));
    for (int k = 0; k < a->n_axes; k++) {
        int axis;
        XBTAB_TRY(xbtab__axis_of(n, node, a->axes[k], s->rank, &axis));
        if (s->dim[axis] != 1)
            return xbtab__node_fail(n, node, XBTAB_ERR_INPUT, "axis %d is not of one", axis);
        is_gone[axis] = true;
    }
    for (int k = 0; k < s->rank; k++) {
        if (a->n_axes == 0) is_gone[k] = s->dim[k] == 1;
        if (!is_gone[k]) dim[rank++] = s->dim[k];
    }
    xbtab__output_of(n, node)->is_scalar = rank == 0;
    if (rank == 0) dim[rank++] = 1;
    return xbtab__shape_set(n, node, xbtab__output_of(n, node), rank, dim);
}

static xbtab_status infer_unsqueeze(xbtab_network *n, xbtab__node *node)
{
    const xbtab__shape *s = &xbtab__input_of(n, node, 0)->shape;
    xbtab__attributes *a = &node->attributes;
    int64_t dim[XBTAB__NET_RANK];
    bool is_new[XBTAB__NET_RANK] = {false};
    XBTAB_TRY(xbtab__take_list(n, node, 1, a->axes, &a->n_axes));
    int rank = (xbtab__input_of(n, node, 0)->is_scalar ? 0 : s->rank) + a->n_axes;
    if (rank > XBTAB__NET_RANK) return xbtab__unsupported(n, node, "tensors have 6 axes at the most");
    for (int k = 0; k < a->n_axes; k++) {
        int axis;
        XBTAB_TRY(xbtab__axis_of(n, node, a->axes[k], rank, &axis));
        if (is_new[axis]) return xbtab__node_fail(n, node, XBTAB_ERR_INPUT, "axis %d comes twice", axis);
        is_new[axis] = true;
    }
    for (int k = 0, from = 0; k < rank; k++) dim[k] = is_new[k] ? 1 : s->dim[from++];
    return xbtab__shape_set(n, node, xbtab__output_of(n, node), rank, dim);
}

/* ---- shapes as numbers ---- */

static xbtab_status infer_shape(xbtab_network *n, xbtab__node *node)
{
    const xbtab__shape *s = &xbtab__input_of(n, node, 0)->shape;
    xbtab__value *out = xbtab__output_of(n, node);
    int64_t first = node->attributes.start, end = node->attributes.end;
    if (first < 0) first += s->rank;
    if (end < 0) end += s->rank;
    first = first < 0 ? 0 : first;
    end = end > s->rank ? s->rank : end;
    first = first > end ? end : first;
    size_t count = (size_t)(end - first);
    out->type = XBTAB__TYPE_INT64;
    XBTAB_TRY(xbtab__shape_set(n, node, out, 1, (int64_t[]){end - first}));
    out->constant = xbtab__alloc(count, sizeof *out->constant);
    out->integers = xbtab__alloc(count, sizeof *out->integers);
    if (!out->constant || !out->integers) return XBTAB_NOMEM();
    for (size_t k = 0; k < count; k++) {
        out->integers[k] = s->dim[(size_t)first + k];
        out->constant[k] = (float)out->integers[k];
    }
    return XBTAB_OK;
}

/* ---- along one axis ---- */

static xbtab_status infer_concat(xbtab_network *n, xbtab__node *node)
{
    const xbtab__shape *s = &xbtab__input_of(n, node, 0)->shape;
    int64_t dim[XBTAB__NET_RANK];
    int axis;
    XBTAB_TRY(xbtab__axis_of(n, node, node->attributes.axis, s->rank, &axis));
    node->attributes.axis = axis;
    memcpy(dim, s->dim, sizeof dim);
    for (int i = 1; i < node->n_inputs; i++) {
        if (!xbtab__input_of(n, node, i))
            return xbtab__node_fail(n, node, XBTAB_ERR_INPUT, "input %d is left out", i);
        const xbtab__shape *other = &xbtab__input_of(n, node, i)->shape;
        for (int k = 0; k < s->rank; k++) {
            if (other->rank != s->rank || (k != axis && other->dim[k] != s->dim[k]))
                return xbtab__node_fail(n, node, XBTAB_ERR_INPUT, "input %d does not fit the first", i);
        }
        dim[axis] += other->dim[axis];
    }
    return xbtab__shape_set(n, node, xbtab__output_of(n, node), s->rank, dim);
}

static void run_concat(const xbtab_network *n, const xbtab__node *node, const xbtab__float_run *run)
{
    int axis = (int)node->attributes.axis;
    xbtab__split out = xbtab__split_at(&xbtab__output_of(n, node)->shape, axis);
    size_t first = 0;
    for (int i = 0; i < node->n_inputs; i++) {
        xbtab__split in = xbtab__split_at(&xbtab__input_of(n, node, i)->shape, axis);
        for (size_t b = 0; b < in.before; b++) {
            memcpy(run->data[node->output] + (b * out.on + first) * out.behind,
                   run->data[node->input[i]] + b * in.on * in.behind, in.on * in.behind * sizeof(float));
        }
        first += in.on;
    }
}

static xbtab_status infer_gather(xbtab_network *n, xbtab__node *node)
{
    const xbtab__value *in = xbtab__input_of(n, node, 0), *index = xbtab__input_of(n, node, 1);
    int64_t dim[XBTAB__NET_RANK];
    int axis, rank = 0;
    if (!index || !index->integers) return xbtab__unsupported(n, node, "its indices must be constant");
    XBTAB_TRY(xbtab__axis_of(n, node, node->attributes.axis, in->shape.rank, &axis));
    node->attributes.axis = axis;
    for (size_t k = 0; k < index->shape.size; k++) {
        if (index->integers[k] < -in->shape.dim[axis] || index->integers[k] >= in->shape.dim[axis])
            return xbtab__node_fail(n, node, XBTAB_ERR_INPUT, "index %lld of %lld",
                                    (long long)index->integers[k], (long long)in->shape.dim[axis]);
    }
    bool is_scalar = index->is_scalar;
    if (in->shape.rank - 1 + (is_scalar ? 0 : index->shape.rank) > XBTAB__NET_RANK)
        return xbtab__unsupported(n, node, "tensors have 6 axes at the most");
    for (int k = 0; k < axis; k++) dim[rank++] = in->shape.dim[k];
    for (int k = 0; k < index->shape.rank && !is_scalar; k++) dim[rank++] = index->shape.dim[k];
    for (int k = axis + 1; k < in->shape.rank; k++) dim[rank++] = in->shape.dim[k];
    xbtab__output_of(n, node)->is_scalar = rank == 0;
    if (rank == 0) dim[rank++] = 1;
    return xbtab__shape_set(n, node, xbtab__output_of(n, node), rank, dim);
}

static void run_gather(const xbtab_network *n, const xbtab__node *node, const xbtab__float_run *run)
{
    const xbtab__value *index = xbtab__input_of(n, node, 1);
    xbtab__split in = xbtab__split_at(&xbtab__input_of(n, node, 0)->shape, (int)node->attributes.axis);
    float *y = run->data[node->output];
    for (size_t b = 0; b < in.before; b++) {
        for (size_t k = 0; k < index->shape.size; k++, y += in.behind) {
            int64_t at = index->integers[k] < 0 ? index->integers[k] + (int64_t)in.on : index->integers[k];
            memcpy(y, run->data[node->input[0]] + (b * in.on + (size_t)at) * in.behind,
                   in.behind * sizeof *y);
        }
    }
}

/* ---- cutting and padding: the output's first number and step on each axis of the input ---- */

static xbtab_status infer_slice(xbtab_network *n, xbtab__node *node)
{
    const xbtab__shape *s = &xbtab__input_of(n, node, 0)->shape;
    xbtab__attributes *a = &node->attributes;
    int64_t dim[XBTAB__NET_RANK], steps[XBTAB__NET_INTS];
    int n_steps = 0;
    for (int k = 0; k < XBTAB__NET_INTS; k++) steps[k] = 1;
    XBTAB_TRY(xbtab__take_list(n, node, 1, a->starts, &a->n_starts));
    XBTAB_TRY(xbtab__take_list(n, node, 2, a->ends, &a->n_ends));
    XBTAB_TRY(xbtab__take_list(n, node, 3, a->axes, &a->n_axes));
    XBTAB_TRY(xbtab__take_list(n, node, 4, steps, &n_steps));
    if (a->n_starts != a->n_ends || (a->n_axes && a->n_axes != a->n_starts) ||
        (n_steps && n_steps != a->n_starts))
        return xbtab__node_fail(n, node, XBTAB_ERR_INPUT,
                                "its starts, ends, axes and steps do not go together");
    memcpy(dim, s->dim, sizeof dim);
    for (int k = 0; k < XBTAB__NET_RANK; k++) {
        a->perm[k] = 0;   /* first */
        a->stride[k] = 1; /* step */
    }
    for (int k = 0; k < a->n_starts; k++) {
        int axis;
        XBTAB_TRY(xbtab__axis_of(n, node, a->n_axes ? a->axes[k] : k, s->rank, &axis));
        int64_t size = s->dim[axis], first = a->starts[k], end = a->ends[k], step = steps[k];
        if (step == 0) return xbtab__node_fail(n, node, XBTAB_ERR_INPUT, "a step is 0");
        int64_t reach = size > 0 ? size : 1;
        step = step > reach ? reach : step < -reach ? -reach : step; /* past the axis in any case */
        if (first < 0) first += size;
        if (end < 0 && end >= -size) end += size;
        if (step > 0) {
            first = first < 0 ? 0 : first > size ? size : first;
            end = end < first ? first : end > size ? size : end;
            dim[axis] = (end - first + step - 1) / step;
        } else { /* backwards, from behind; the end may lie before the first place */
            first = first < 0 ? -1 : first >= size ? size - 1 : first;
            end = end < 0 ? -1 : end > first ? first : end;
            dim[axis] = (first - end - step - 1) / -step;
        }
        a->perm[axis] = first;
        a->stride[axis] = step;
    }
    return xbtab__shape_set(n, node, xbtab__output_of(n, node), s->rank, dim);
}

/* What stands around a tensor is on its lattice, or nothing is. */
static void pad_lattice(const xbtab_network *n, const xbtab__node *node, const xbtab__lattice *of,
                        xbtab__lattice *out)
{
    const xbtab__lattice *in = &of[node->input[0]];
    double value = (double)node->attributes.value, at = in->is_known ? (value - in->b) / in->a : 0;
    bool is_constant = strcmp(node->attributes.mode, "constant") == 0;
    (void)n;
    out->not_negative = in->not_negative && (!is_constant || value >= 0);
    if (!in->is_known) return;
    if (is_constant && (fabs(at - floor(at + 0.5)) > 1e-6 || at < -0.5 || at > in->most + 0.5)) return;
    out->is_known = true;
    out->a = in->a;
    out->b = in->b;
    out->most = in->most;
}

static xbtab_status infer_pad(xbtab_network *n, xbtab__node *node)
{
    const xbtab__shape *s = &xbtab__input_of(n, node, 0)->shape;
    const xbtab__value *value = xbtab__input_of(n, node, 2), *pads = xbtab__input_of(n, node, 1);
    const xbtab__value *axes = xbtab__input_of(n, node, 3);
    xbtab__attributes *a = &node->attributes;
    int64_t dim[XBTAB__NET_RANK];
    bool is_constant = strcmp(a->mode, "constant") == 0;
    if (!is_constant && strcmp(a->mode, "reflect") != 0 && strcmp(a->mode, "edge") != 0 &&
        strcmp(a->mode, "wrap") != 0)
        return xbtab__unsupported(n, node, "only the modes constant, reflect, edge and wrap");
    if ((pads && !pads->integers) || (value && (!value->constant || value->shape.size != 1)))
        return xbtab__unsupported(n, node, "its pads and value must be constants");
    XBTAB_TRY(xbtab__take_list(n, node, 1, a->pad, &a->n_pad));
    XBTAB_TRY(xbtab__take_list(n, node, 3, a->axes, &a->n_axes));
    int count = axes ? a->n_axes : s->rank;
    if (a->n_pad != 2 * count) return xbtab__node_fail(n, node, XBTAB_ERR_INPUT, "has %d pads", a->n_pad);
    if (value) a->value = value->constant[0];
    for (int k = 0; k < s->rank; k++) {
        a->perm[k] = 0;
        a->stride[k] = 1;
        a->starts[k] = 0; /* what is left of the tensor */
        a->ends[k] = dim[k] = s->dim[k];
    }
    for (int k = 0; k < count; k++) {
        int64_t before = a->pad[k], after = a->pad[count + k];
        int axis;
        XBTAB_TRY(xbtab__axis_of(n, node, axes ? a->axes[k] : k, s->rank, &axis));
        if (before < -s->dim[axis] || after < -s->dim[axis] || before > 4096 || after > 4096)
            return xbtab__unsupported(n, node,
                                      "pads cut off no more than there is, and add 4096 at the most");
        a->perm[axis] = -before;
        if (before < 0) a->starts[axis] = -before;
        if (after < 0) a->ends[axis] = s->dim[axis] + after;
        if (!is_constant && a->ends[axis] <= a->starts[axis])
            return xbtab__unsupported(n, node, "nothing of its tensor is left to pad with");
        dim[axis] = s->dim[axis] + before + after;
    }
    return xbtab__shape_set(n, node, xbtab__output_of(n, node), s->rank, dim);
}

/* A place beyond what is left of an axis, as often as it takes: the nearest one, the one that it mirrors, or
 * the one where the axis begins anew. */
static int64_t fold_back(int64_t at, int64_t first, int64_t end, char mode)
{
    int64_t size = end - first, turn = mode == 'r' ? 2 * (size - 1) : size;
    if (at >= first && at < end) return at;
    if (mode == 'e') return at < first ? first : end - 1;
    int64_t place = turn > 0 ? ((at - first) % turn + turn) % turn : 0;
    return first + (place < size ? place : turn - place);
}

static void run_window(const xbtab_network *n, const xbtab__node *node, const xbtab__float_run *run)
{
    const xbtab__shape *s = &xbtab__input_of(n, node, 0)->shape, *out = &xbtab__output_of(n, node)->shape;
    const xbtab__attributes *a = &node->attributes;
    float *y = run->data[node->output];
    bool folds = node->type->infer == infer_pad && strcmp(a->mode, "constant") != 0;
    for (size_t c = 0; c < out->size; c++) {
        size_t rest = c, from = 0, step = 1;
        bool is_inside = true;
        for (int k = out->rank - 1; k >= 0; k--) {
            int64_t at = a->perm[k] + (int64_t)(rest % (size_t)out->dim[k]) * a->stride[k];
            rest /= (size_t)out->dim[k];
            if (folds) at = fold_back(at, a->starts[k], a->ends[k], a->mode[0]);
            is_inside = is_inside && at >= 0 && at < s->dim[k];
            from += (size_t)(at > 0 ? at : 0) * step;
            step *= (size_t)s->dim[k];
        }
        y[c] = is_inside ? run->data[node->input[0]][from] : a->value;
    }
}

static void concat_lattice(const xbtab_network *n, const xbtab__node *node, const xbtab__lattice *of,
                           xbtab__lattice *out)
{
    const xbtab__lattice *first = &of[node->input[0]];
    (void)n;
    for (int k = 1; k < node->n_inputs; k++) {
        const xbtab__lattice *l = &of[node->input[k]];
        if (l->a != first->a || l->b != first->b || l->most != first->most || !l->is_known) return;
    }
    *out = *first;
}

static const xbtab__operator operators[] = {
    {"Concat", 1, XBTAB__NET_INPUTS, XBTAB__INTEGER_NONE, infer_concat, run_concat, concat_lattice, NULL},
    {"Gather", 2, 2, XBTAB__INTEGER_NONE, infer_gather, run_gather, xbtab__lattice_same, NULL},
    {"Pad", 1, 4, XBTAB__INTEGER_NONE, infer_pad, run_window, pad_lattice, NULL},
    {"Shape", 1, 1, XBTAB__INTEGER_NONE, infer_shape, xbtab__run_copy, NULL, NULL},
    {"Slice", 1, 5, XBTAB__INTEGER_NONE, infer_slice, run_window, xbtab__lattice_same, NULL},
    {"Squeeze", 1, 2, XBTAB__INTEGER_COPY, infer_squeeze, xbtab__run_copy, xbtab__lattice_same, NULL},
    {"Transpose", 1, 1, XBTAB__INTEGER_NONE, infer_transpose, run_transpose, xbtab__lattice_same, NULL},
    {"Unsqueeze", 1, 2, XBTAB__INTEGER_COPY, infer_unsqueeze, xbtab__run_copy, xbtab__lattice_same, NULL},
};

const xbtab__operator *xbtab__operators_layout(int *n)
{
    *n = sizeof operators / sizeof operators[0];
    return operators;
}
