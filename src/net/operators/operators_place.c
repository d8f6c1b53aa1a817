/* operators_place.c - tensors made, cut, repeated and picked from: Split, Tile, Range, GatherND and their
 * like.
 */
#include <math.h>
#include <string.h>

#include "graph.h"
#include "memory.h"

static const char *const only_constant_shape = "its shape must be a constant of 6 numbers at the most";

/* A shape given as constant input k. */
static xbtab_status take_shape(xbtab_network *n, const xbtab__node *node, int k, int64_t *dim, int *rank)
{
    const xbtab__value *v = xbtab__input_of(n, node, k);
    if (!v || !v->integers || v->shape.size > XBTAB__NET_RANK)
        return xbtab__unsupported(n, node, only_constant_shape);
    *rank = (int)v->shape.size;
    memcpy(dim, v->integers, v->shape.size * sizeof *dim);
    return XBTAB_OK;
}

/* ---- made from shapes ---- */

static xbtab_status infer_constant_of_shape(xbtab_network *n, xbtab__node *node)
{
    const xbtab__value *value = xbtab__input_of(n, node, 1);
    int64_t dim[XBTAB__NET_RANK];
    int rank = 0;
    XBTAB_TRY(take_shape(n, node, 0, dim, &rank));
    if (value && value->shape.size != 1) return xbtab__unsupported(n, node, "its value must be one number");
    xbtab__output_of(n, node)->type = value ? value->type : XBTAB__TYPE_FLOAT;
    xbtab__output_of(n, node)->is_scalar = rank == 0;
    if (rank == 0) dim[rank++] = 1;
    return xbtab__shape_set(n, node, xbtab__output_of(n, node), rank, dim);
}

static void run_constant_of_shape(const xbtab_network *n, const xbtab__node *node,
                                  const xbtab__float_run *run)
{
    float value = xbtab__input_of(n, node, 1) ? run->data[node->input[1]][0] : 0.0f;
    for (size_t c = 0; c < xbtab__output_of(n, node)->shape.size; c++) run->data[node->output][c] = value;
}

/* How many numbers lie from one on below another; integers of 64 bits are not all doubles. */
static double count_steps(const xbtab__value *first, const xbtab__value *end, const xbtab__value *step)
{
    if (!first->integers || !end->integers || !step->integers)
        return ceil(((double)end->constant[0] - (double)first->constant[0]) / (double)step->constant[0]);
    int64_t a = first->integers[0], b = end->integers[0], d = step->integers[0];
    if (d == 0) return -1;
    if (d > 0 ? a >= b : a <= b) return 0;
    uint64_t apart = d > 0 ? (uint64_t)b - (uint64_t)a : (uint64_t)a - (uint64_t)b,
             each = d > 0 ? (uint64_t)d : 0 - (uint64_t)d;
    return (double)((apart - 1) / each + 1);
}

static xbtab_status infer_range(xbtab_network *n, xbtab__node *node)
{
    const xbtab__value *v[3];
    for (int k = 0; k < 3; k++) {
        v[k] = xbtab__input_of(n, node, k);
        if (!v[k]->constant || v[k]->shape.size != 1)
            return xbtab__unsupported(n, node, "its bounds must be constants");
    }
    double count = count_steps(v[0], v[1], v[2]);
    if (count <= 0 && count > -INFINITY && (double)v[2]->constant[0] != 0) count = 0; /* an empty list */
    if (!(count >= 0) || count > 1e9) return xbtab__unsupported(n, node, "up to 1e9 numbers");
    return xbtab__shape_set(n, node, xbtab__output_of(n, node), 1, (int64_t[]){(int64_t)count});
}

static void run_range(const xbtab_network *n, const xbtab__node *node, const xbtab__float_run *run)
{
    float first = run->data[node->input[0]][0], step = run->data[node->input[2]][0];
    for (size_t c = 0; c < xbtab__output_of(n, node)->shape.size; c++)
        run->data[node->output][c] = first + (float)c * step;
}

static xbtab_status infer_size(xbtab_network *n, xbtab__node *node)
{
    xbtab__value *out = xbtab__output_of(n, node);
    out->type = XBTAB__TYPE_INT64;
    out->is_scalar = true;
    XBTAB_TRY(xbtab__shape_set(n, node, out, 1, (int64_t[]){1}));
    out->constant = xbtab__alloc(1, sizeof *out->constant);
    out->integers = xbtab__alloc(1, sizeof *out->integers);
    if (!out->constant || !out->integers) return XBTAB_NOMEM();
    out->integers[0] = (int64_t)xbtab__input_of(n, node, 0)->shape.size;
    out->constant[0] = (float)out->integers[0];
    return XBTAB_OK;
}

static xbtab_status infer_eye(xbtab_network *n, xbtab__node *node)
{
    const xbtab__value *in = xbtab__input_of(n, node, 0);
    if (in->shape.rank != 2) return xbtab__unsupported(n, node, "only matrices");
    int64_t type = node->attributes.to ? node->attributes.to : in->type;
    if (!xbtab__is_number_type(type))
        return xbtab__node_fail(n, node, XBTAB_ERR_UNSUPPORTED, "of the element type %lld", (long long)type);
    xbtab__output_of(n, node)->type = (int32_t)type;
    return xbtab__infer_same(n, node);
}

static void run_eye(const xbtab_network *n, const xbtab__node *node, const xbtab__float_run *run)
{
    const xbtab__shape *s = &xbtab__output_of(n, node)->shape;
    for (size_t c = 0; c < s->size; c++) {
        int64_t row = (int64_t)c / s->dim[1], column = (int64_t)c % s->dim[1];
        run->data[node->output][c] = (float)(column - row == node->attributes.shift);
    }
}

/* ---- repeated ---- */

static xbtab_status infer_expand(xbtab_network *n, xbtab__node *node)
{
    const xbtab__shape *s = &xbtab__input_of(n, node, 0)->shape;
    int64_t dim[XBTAB__NET_RANK], wanted[XBTAB__NET_RANK];
    int rank = 0;
    XBTAB_TRY(take_shape(n, node, 1, wanted, &rank));
    int most = rank > s->rank ? rank : s->rank;
    for (int k = 0; k < most; k++) { /* from the last axis on */
        int64_t a = k < s->rank ? s->dim[s->rank - 1 - k] : 1, b = k < rank ? wanted[rank - 1 - k] : 1;
        if (a != b && a != 1 && b != 1)
            return xbtab__node_fail(n, node, XBTAB_ERR_INPUT, "cannot give its tensor that shape");
        dim[most - 1 - k] = a == 1 ? b : a;
    }
    xbtab__output_of(n, node)->is_scalar = rank == 0 && xbtab__input_of(n, node, 0)->is_scalar;
    return xbtab__shape_set(n, node, xbtab__output_of(n, node), most, dim);
}

static xbtab_status infer_tile(xbtab_network *n, xbtab__node *node)
{
    const xbtab__shape *s = &xbtab__input_of(n, node, 0)->shape;
    int64_t dim[XBTAB__NET_RANK];
    int rank = 0;
    XBTAB_TRY(take_shape(n, node, 1, dim, &rank));
    if (rank != s->rank)
        return xbtab__node_fail(n, node, XBTAB_ERR_INPUT, "its repeats are not of its tensor");
    for (int k = 0; k < rank; k++) {
        if (dim[k] < 1 || dim[k] > 1 << 20) return xbtab__unsupported(n, node, "1 to 2^20 repeats");
        dim[k] *= s->dim[k];
    }
    return xbtab__shape_set(n, node, xbtab__output_of(n, node), rank, dim);
}

/* Each axis of the output wraps around the input's, which may have fewer axes. */
static void run_repeat(const xbtab_network *n, const xbtab__node *node, const xbtab__float_run *run)
{
    const xbtab__shape *s = &xbtab__input_of(n, node, 0)->shape, *out = &xbtab__output_of(n, node)->shape;
    for (size_t c = 0; c < out->size; c++) {
        size_t rest = c, from = 0, step = 1;
        for (int k = 0; k < s->rank; k++) {
            size_t d = (size_t)s->dim[s->rank - 1 - k], o = (size_t)out->dim[out->rank - 1 - k];
            from += rest % o % d * step;
            rest /= o;
            step *= d;
        }
        run->data[node->output][c] = run->data[node->input[0]][from];
    }
}

/* ---- cut ---- */

static xbtab_status infer_split(xbtab_network *n, xbtab__node *node)
{
    const xbtab__value *in = xbtab__input_of(n, node, 0);
    xbtab__attributes *a = &node->attributes;
    int64_t dim[XBTAB__NET_RANK], total = 0;
    int axis, parts = node->n_more + 1;
    XBTAB_TRY(xbtab__take_list(n, node, 1, a->split, &a->n_split));
    XBTAB_TRY(xbtab__axis_of(n, node, a->axis, in->shape.rank, &axis));
    a->axis = axis;
    enum { UNEVEN_OPSET = 18 };
    int64_t size = in->shape.dim[axis], each = (size + parts - 1) / parts;
    if (a->parts && (a->n_split || a->parts != parts))
        return xbtab__node_fail(n, node, XBTAB_ERR_INPUT, "num_outputs is %lld, with %d sizes for %d outputs",
                                (long long)a->parts, a->n_split, parts);
    if (!a->n_split && n->opset < UNEVEN_OPSET && size % parts != 0)
        return xbtab__node_fail(n, node, XBTAB_ERR_INPUT, "%lld places in %d equal parts", (long long)size,
                                parts);
    if (a->n_split && a->n_split != parts)
        return xbtab__node_fail(n, node, XBTAB_ERR_INPUT, "%d sizes for %d outputs", a->n_split, parts);
    for (int k = 0; k < parts; k++) {
        if (!a->n_split) a->split[k] = k + 1 < parts ? each : size - each * (parts - 1);
        if (a->split[k] < 0 || a->split[k] > size) break;
        total += a->split[k];
    }
    a->n_split = parts;
    if (total != size)
        return xbtab__node_fail(n, node, XBTAB_ERR_INPUT, "its sizes do not add up to %lld", (long long)size);
    memcpy(dim, in->shape.dim, sizeof dim);
    for (int k = 1; k < parts; k++) {
        dim[axis] = a->split[k];
        XBTAB_TRY(xbtab__more_set(n, node, k - 1, in->shape.rank, dim, in->type));
    }
    dim[axis] = a->split[0];
    return xbtab__shape_set(n, node, xbtab__output_of(n, node), in->shape.rank, dim);
}

static void run_split(const xbtab_network *n, const xbtab__node *node, const xbtab__float_run *run)
{
    xbtab__split s = xbtab__split_at(&xbtab__input_of(n, node, 0)->shape, (int)node->attributes.axis);
    size_t first = 0;
    for (int k = 0; k < node->attributes.n_split; k++) {
        size_t on = (size_t)node->attributes.split[k];
        float *y = k ? xbtab__more_of(node, run, k - 1) : run->data[node->output];
        for (size_t b = 0; b < s.before && y; b++) {
            memcpy(y + b * on * s.behind, run->data[node->input[0]] + (b * s.on + first) * s.behind,
                   on * s.behind * sizeof *y);
        }
        first += on;
    }
}

static xbtab_status infer_trilu(xbtab_network *n, xbtab__node *node)
{
    const xbtab__value *k = xbtab__input_of(n, node, 1);
    if (xbtab__input_of(n, node, 0)->shape.rank < 2 || (k && (!k->integers || k->shape.size != 1)))
        return xbtab__unsupported(n, node, "only matrices, and a constant diagonal");
    node->attributes.shift = k ? k->integers[0] : 0;
    return xbtab__infer_same(n, node);
}

static void run_trilu(const xbtab_network *n, const xbtab__node *node, const xbtab__float_run *run)
{
    const xbtab__shape *s = &xbtab__output_of(n, node)->shape;
    int64_t columns = s->dim[s->rank - 1], rows = s->dim[s->rank - 2];
    for (size_t c = 0; c < s->size; c++) {
        int64_t above = (int64_t)c % columns - (int64_t)c / columns % rows - node->attributes.shift;
        bool is_kept = node->attributes.upper ? above >= 0 : above <= 0;
        run->data[node->output][c] = is_kept ? run->data[node->input[0]][c] : 0.0f;
    }
}

/* ---- picked ---- */

static xbtab_status check_indices(xbtab_network *n, const xbtab__node *node, const xbtab__value *index,
                                  int64_t size)
{
    if (!index->integers) return xbtab__unsupported(n, node, "its indices must be constant");
    for (size_t k = 0; k < index->shape.size; k++) {
        if (index->integers[k] < -size || index->integers[k] >= size)
            return xbtab__node_fail(n, node, XBTAB_ERR_INPUT, "index %lld of %lld",
                                    (long long)index->integers[k], (long long)size);
    }
    return XBTAB_OK;
}

static xbtab_status infer_gather_elements(xbtab_network *n, xbtab__node *node)
{
    const xbtab__value *in = xbtab__input_of(n, node, 0), *index = xbtab__input_of(n, node, 1);
    int axis;
    XBTAB_TRY(xbtab__axis_of(n, node, node->attributes.axis, in->shape.rank, &axis));
    node->attributes.axis = axis;
    for (int k = 0; k < in->shape.rank; k++) {
        if (index->shape.rank != in->shape.rank || (k != axis && index->shape.dim[k] > in->shape.dim[k]))
            return xbtab__node_fail(n, node, XBTAB_ERR_INPUT, "its indices are not of its tensor");
    }
    XBTAB_TRY(check_indices(n, node, index, in->shape.dim[axis]));
    return xbtab__shape_set(n, node, xbtab__output_of(n, node), index->shape.rank, index->shape.dim);
}

static void run_gather_elements(const xbtab_network *n, const xbtab__node *node, const xbtab__float_run *run)
{
    const xbtab__value *index = xbtab__input_of(n, node, 1);
    const xbtab__shape *s = &xbtab__input_of(n, node, 0)->shape, *out = &index->shape;
    for (size_t c = 0; c < out->size; c++) {
        size_t rest = c, from = 0, step = 1;
        for (int k = s->rank - 1; k >= 0; k--) {
            int64_t at = (int64_t)(rest % (size_t)out->dim[k]);
            rest /= (size_t)out->dim[k];
            if (k == node->attributes.axis) at = index->integers[c];
            from += (size_t)(at < 0 ? at + s->dim[k] : at) * step;
            step *= (size_t)s->dim[k];
        }
        run->data[node->output][c] = run->data[node->input[0]][from];
    }
}

static xbtab_status infer_gather_nd(xbtab_network *n, xbtab__node *node)
{
    const xbtab__shape *s = &xbtab__input_of(n, node, 0)->shape;
    const xbtab__value *index = xbtab__input_of(n, node, 1);
    int64_t dim[XBTAB__NET_RANK], depth = index->shape.dim[index->shape.rank - 1],
                                  b = node->attributes.batch_dims;
    int rank = 0;
    if (b < 0 || b >= s->rank || b >= index->shape.rank || depth > s->rank - b ||
        index->shape.rank - 1 + s->rank - depth - b > XBTAB__NET_RANK)
        return xbtab__node_fail(n, node, XBTAB_ERR_INPUT, "its indices are not of its tensor");
    for (int k = 0; k < index->shape.rank - 1; k++) dim[rank++] = index->shape.dim[k];
    for (int64_t k = b + depth; k < s->rank; k++) dim[rank++] = s->dim[k];
    for (int64_t k = 0; k < b; k++) {
        if (index->shape.dim[k] != s->dim[k])
            return xbtab__node_fail(n, node, XBTAB_ERR_INPUT, "its batches are not of its tensor");
    }
    if (!index->integers) return xbtab__unsupported(n, node, "its indices must be constant");
    for (size_t k = 0; k < index->shape.size; k++) {
        int64_t size = s->dim[b + (int64_t)k % depth];
        if (index->integers[k] < -size || index->integers[k] >= size)
            return xbtab__node_fail(n, node, XBTAB_ERR_INPUT, "index %lld of %lld",
                                    (long long)index->integers[k], (long long)size);
    }
    xbtab__output_of(n, node)->is_scalar = rank == 0;
    if (rank == 0) dim[rank++] = 1;
    return xbtab__shape_set(n, node, xbtab__output_of(n, node), rank, dim);
}

static void run_gather_nd(const xbtab_network *n, const xbtab__node *node, const xbtab__float_run *run)
{
    const xbtab__shape *s = &xbtab__input_of(n, node, 0)->shape;
    const xbtab__value *index = xbtab__input_of(n, node, 1);
    int64_t depth = index->shape.dim[index->shape.rank - 1], b = node->attributes.batch_dims;
    size_t picks = index->shape.size / (size_t)depth, batches = 1;
    size_t block = xbtab__output_of(n, node)->shape.size / picks;
    for (int64_t k = 0; k < b; k++) batches *= (size_t)s->dim[k];
    for (size_t p = 0; p < picks; p++) {
        size_t from = p / (picks / batches);
        for (int64_t k = 0; k < depth; k++) {
            int64_t at = index->integers[p * (size_t)depth + (size_t)k], size = s->dim[b + k];
            from = from * (size_t)size + (size_t)(at < 0 ? at + size : at);
        }
        memcpy(run->data[node->output] + p * block, run->data[node->input[0]] + from * block,
               block * sizeof(float));
    }
}

static xbtab_status infer_one_hot(xbtab_network *n, xbtab__node *node)
{
    const xbtab__value *index = xbtab__input_of(n, node, 0), *depth = xbtab__input_of(n, node, 1),
                       *values = xbtab__input_of(n, node, 2);
    int64_t dim[XBTAB__NET_RANK];
    int axis, rank = index->shape.rank + 1;
    if (!depth->constant || depth->shape.size != 1 || !(depth->constant[0] >= 1) ||
        depth->constant[0] > 1e6f || values->shape.size != 2 || rank > XBTAB__NET_RANK)
        return xbtab__unsupported(n, node, "a constant depth of 1 to 1e6 and two values");
    XBTAB_TRY(xbtab__axis_of(n, node, node->attributes.has_axis ? node->attributes.axis : -1, rank, &axis));
    node->attributes.axis = axis;
    for (int k = 0, from = 0; k < rank; k++)
        dim[k] = k == axis ? (int64_t)depth->constant[0] : index->shape.dim[from++];
    xbtab__output_of(n, node)->type = values->type;
    return xbtab__shape_set(n, node, xbtab__output_of(n, node), rank, dim);
}

static void run_one_hot(const xbtab_network *n, const xbtab__node *node, const xbtab__float_run *run)
{
    xbtab__split s = xbtab__split_at(&xbtab__output_of(n, node)->shape, (int)node->attributes.axis);
    const float *values = run->data[node->input[2]];
    for (size_t c = 0; c < s.before * s.on * s.behind; c++) {
        size_t place = c / s.behind % s.on, from = c / (s.on * s.behind) * s.behind + c % s.behind;
        float at = run->data[node->input[0]][from];
        if (at < 0) at += (float)s.on;
        run->data[node->output][c] = values[at == (float)place];
    }
}

static const xbtab__operator operators[] = {
    {"ConstantOfShape", 1, 2, XBTAB__INTEGER_NONE, infer_constant_of_shape, run_constant_of_shape, NULL,
     NULL},
    {"Expand", 2, 2, XBTAB__INTEGER_NONE, infer_expand, run_repeat, xbtab__lattice_same, NULL},
    {"EyeLike", 1, 1, XBTAB__INTEGER_NONE, infer_eye, run_eye, NULL, NULL},
    {"GatherElements", 2, 2, XBTAB__INTEGER_NONE, infer_gather_elements, run_gather_elements,
     xbtab__lattice_same, NULL},
    {"GatherND", 2, 2, XBTAB__INTEGER_NONE, infer_gather_nd, run_gather_nd, xbtab__lattice_same, NULL},
    {"OneHot", 3, 3, XBTAB__INTEGER_NONE, infer_one_hot, run_one_hot, NULL, NULL},
    {"Range", 3, 3, XBTAB__INTEGER_NONE, infer_range, run_range, NULL, NULL},
    {"Size", 1, 1, XBTAB__INTEGER_NONE, infer_size, xbtab__run_copy, NULL, NULL},
    {"Split", 1, 2, XBTAB__INTEGER_NONE, infer_split, run_split, xbtab__lattice_same, NULL},
    {"Tile", 2, 2, XBTAB__INTEGER_NONE, infer_tile, run_repeat, xbtab__lattice_same, NULL},
    {"Trilu", 1, 2, XBTAB__INTEGER_NONE, infer_trilu, run_trilu, NULL, NULL},
};

const xbtab__operator *xbtab__operators_place(int *n)
{
    *n = sizeof operators / sizeof operators[0];
    return operators;
}
