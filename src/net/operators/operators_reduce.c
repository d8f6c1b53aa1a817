/* operators_reduce.c - numbers over axes: sums, means and extremes, the place of the largest, softmax,
 * running sums, and normalization by a tensor's own mean and spread. */
#include <float.h>
#include <math.h>
#include <string.h>

#include "graph.h"

/* ---- over any axes ---- */

static xbtab_status infer_reduce(xbtab_network *n, xbtab__node *node)
{
    const xbtab__shape *s = &xbtab__input_of(n, node, 0)->shape;
    xbtab__attributes *a = &node->attributes;
    int64_t dim[XBTAB__NET_RANK];
    bool is_gone[XBTAB__NET_RANK] = {false};
    int rank = 0;
    const xbtab__value *axes = xbtab__input_of(n, node, 1);
    if (axes && axes->constant && axes->shape.size == 0) a->n_axes = 0;
    XBTAB_TRY(xbtab__take_list(n, node, 1, a->axes, &a->n_axes));
    for (int k = 0; k < a->n_axes; k++) {
        int axis;
        XBTAB_TRY(xbtab__axis_of(n, node, a->axes[k], s->rank, &axis));
        is_gone[axis] = true;
    }
    for (int k = 0; k < s->rank; k++) {
        if (a->n_axes == 0 && !a->noop) is_gone[k] = true;
        if (!is_gone[k] || a->keepdims) dim[rank++] = is_gone[k] ? 1 : s->dim[k];
        a->perm[k] = is_gone[k]; /* for the run */
    }
    xbtab__output_of(n, node)->is_scalar = rank == 0;
    if (rank == 0) dim[rank++] = 1;
    XBTAB_TRY(xbtab__shape_set(n, node, xbtab__output_of(n, node), rank, dim));
    /* 16 of a sum's, as each finds its place anew */
    node->terms = 16.0 * (double)s->size / fmax(1, (double)xbtab__output_of(n, node)->shape.size);
    return XBTAB_OK;
}

typedef float (*gather_fn)(float sum, float x);

/* y = f(y, x) of all x that go into y. */
static void reduce(const xbtab_network *n, const xbtab__node *node, const xbtab__float_run *run, float first,
                   gather_fn f)
{
    const xbtab__shape *s = &xbtab__input_of(n, node, 0)->shape;
    const float *x = run->data[node->input[0]];
    float *y = run->data[node->output];
    for (size_t c = 0; c < xbtab__output_of(n, node)->shape.size; c++) y[c] = first;
    for (size_t c = 0; c < s->size; c++) {
        size_t rest = c, to = 0, step = 1;
        for (int k = s->rank - 1; k >= 0; k--) {
            size_t at = rest % (size_t)s->dim[k];
            rest /= (size_t)s->dim[k];
            if (node->attributes.perm[k]) continue;
            to += at * step;
            step *= (size_t)s->dim[k];
        }
        y[to] = f(y[to], x[c]);
    }
}

static float add(float sum, float x)
{
    return sum + x;
}

static float add_magnitude(float sum, float x)
{
    return sum + fabsf(x);
}

static float add_square(float sum, float x)
{
    return sum + x * x;
}

static float add_exponential(float sum, float x)
{
    return sum + expf(x);
}

static float times(float sum, float x)
{
    return sum * x;
}

#define REDUCE(name, first, f, finish)                                                                       \
    static void run_##name(const xbtab_network *n, const xbtab__node *node, const xbtab__float_run *run)     \
    {                                                                                                        \
        size_t size = xbtab__output_of(n, node)->shape.size;                                                 \
        float *y = run->data[node->output],                                                                  \
              count = (float)(xbtab__input_of(n, node, 0)->shape.size / (size ? size : 1));                  \
        (void)count;                                                                                         \
        reduce(n, node, run, first, f);                                                                      \
        for (size_t c = 0; c < size; c++) y[c] = finish;                                                     \
    }
REDUCE(sum, 0.0f, add, y[c])
REDUCE(mean, 0.0f, add, y[c] / count)
REDUCE(max, -INFINITY, fmaxf, y[c])
REDUCE(min, INFINITY, fminf, y[c])
REDUCE(prod, 1.0f, times, y[c])
REDUCE(l1, 0.0f, add_magnitude, y[c])
REDUCE(l2, 0.0f, add_square, sqrtf(y[c]))
REDUCE(sum_square, 0.0f, add_square, y[c])
REDUCE(log_sum, 0.0f, add, logf(y[c]))
REDUCE(log_sum_exp, 0.0f, add_exponential, logf(y[c]))

/* ---- the place of an extreme ---- */

static xbtab_status infer_place(xbtab_network *n, xbtab__node *node)
{
    const xbtab__shape *s = &xbtab__input_of(n, node, 0)->shape;
    int axis, rank = 0;
    int64_t dim[XBTAB__NET_RANK];
    XBTAB_TRY(xbtab__axis_of(n, node, node->attributes.axis, s->rank, &axis));
    node->attributes.axis = axis;
    for (int k = 0; k < s->rank; k++) {
        if (k != axis || node->attributes.keepdims) dim[rank++] = k == axis ? 1 : s->dim[k];
    }
    xbtab__output_of(n, node)->is_scalar = rank == 0;
    if (rank == 0) dim[rank++] = 1;
    node->terms = (double)s->dim[axis];
    xbtab__output_of(n, node)->type = XBTAB__TYPE_INT64;
    return xbtab__shape_set(n, node, xbtab__output_of(n, node), rank, dim);
}

static void find_place(const xbtab_network *n, const xbtab__node *node, const xbtab__float_run *run,
                       float sign)
{
    xbtab__split s = xbtab__split_at(&xbtab__input_of(n, node, 0)->shape, (int)node->attributes.axis);
    for (size_t c = 0; c < s.before * s.behind; c++) {
        const float *x = run->data[node->input[0]] + c / s.behind * s.on * s.behind + c % s.behind;
        size_t best = 0;
        for (size_t k = 1; k < s.on; k++) {
            float ahead = sign * (x[k * s.behind] - x[best * s.behind]);
            if (ahead > 0 || (ahead == 0 && node->attributes.select_last)) best = k;
        }
        run->data[node->output][c] = (float)best;
    }
}

static void run_argmax(const xbtab_network *n, const xbtab__node *node, const xbtab__float_run *run)
{
    find_place(n, node, run, 1.0f);
}

static void run_argmin(const xbtab_network *n, const xbtab__node *node, const xbtab__float_run *run)
{
    find_place(n, node, run, -1.0f);
}

/* ---- softmax: over one axis from opset 13 on, over all from the axis on before ---- */

static xbtab_status infer_softmax(xbtab_network *n, xbtab__node *node)
{
    const xbtab__shape *s = &xbtab__input_of(n, node, 0)->shape;
    enum { SINGLE_AXIS_OPSET = 13 };
    bool is_single = n->opset >= SINGLE_AXIS_OPSET;
    int64_t axis = node->attributes.has_axis ? node->attributes.axis : is_single ? -1 : s->rank > 1 ? 1 : 0;
    int place;
    XBTAB_TRY(xbtab__axis_of(n, node, axis, s->rank, &place));
    xbtab__split p = xbtab__split_at(s, place);
    node->attributes.axis = place;
    node->attributes.perm[0] = (int64_t)(is_single ? p.behind : 1);           /* step of a row */
    node->attributes.perm[1] = (int64_t)(is_single ? p.on : p.on * p.behind); /* its length */
    return xbtab__infer_same(n, node);
}

typedef void (*row_fn)(const float *x, float *y, size_t n, size_t step);

static void each_row(const xbtab_network *n, const xbtab__node *node, const xbtab__float_run *run, row_fn f)
{
    size_t step = (size_t)node->attributes.perm[0], length = (size_t)node->attributes.perm[1];
    for (size_t row = 0; row < xbtab__output_of(n, node)->shape.size / length; row++) {
        size_t at = row / step * length * step + row % step;
        f(run->data[node->input[0]] + at, run->data[node->output] + at, length, step);
    }
}

static void softmax_row(const float *x, float *y, size_t n, size_t step)
{
    float most = x[0], sum = 0;
    for (size_t k = 1; k < n; k++) most = x[k * step] > most ? x[k * step] : most;
    for (size_t k = 0; k < n; k++) sum += y[k * step] = expf(x[k * step] - most);
    for (size_t k = 0; k < n; k++) y[k * step] /= sum;
}

static void log_softmax_row(const float *x, float *y, size_t n, size_t step)
{
    float most = x[0], sum = 0;
    for (size_t k = 1; k < n; k++) most = x[k * step] > most ? x[k * step] : most;
    for (size_t k = 0; k < n; k++) sum += expf(x[k * step] - most);
    for (size_t k = 0; k < n; k++) y[k * step] = x[k * step] - most - logf(sum);
}

static void hardmax_row(const float *x, float *y, size_t n, size_t step)
{
    size_t best = 0;
    for (size_t k = 1; k < n; k++) best = x[k * step] > x[best * step] ? k : best;
    for (size_t k = 0; k < n; k++) y[k * step] = (float)(k == best);
}

static void run_softmax(const xbtab_network *n, const xbtab__node *node, const xbtab__float_run *run)
{
    each_row(n, node, run, softmax_row);
}

static void run_log_softmax(const xbtab_network *n, const xbtab__node *node, const xbtab__float_run *run)
{
    each_row(n, node, run, log_softmax_row);
}

static void run_hardmax(const xbtab_network *n, const xbtab__node *node, const xbtab__float_run *run)
{
    each_row(n, node, run, hardmax_row);
}

/* ---- running sums ---- */

static xbtab_status infer_cumsum(xbtab_network *n, xbtab__node *node)
{
    const xbtab__value *axis = xbtab__input_of(n, node, 1);
    int place;
    if (!axis->integers || axis->shape.size != 1)
        return xbtab__unsupported(n, node, "its axis must be a constant");
    XBTAB_TRY(xbtab__axis_of(n, node, axis->integers[0], xbtab__input_of(n, node, 0)->shape.rank, &place));
    node->attributes.axis = place;
    return xbtab__infer_same(n, node);
}

static void run_cumsum(const xbtab_network *n, const xbtab__node *node, const xbtab__float_run *run)
{
    xbtab__split s = xbtab__split_at(&xbtab__output_of(n, node)->shape, (int)node->attributes.axis);
    for (size_t c = 0; c < s.before * s.behind; c++) {
        size_t first = c / s.behind * s.on * s.behind + c % s.behind;
        float sum = 0;
        for (size_t k = 0; k < s.on; k++) {
            size_t at = first + (node->attributes.reverse ? s.on - 1 - k : k) * s.behind;
            float x = run->data[node->input[0]][at];
            run->data[node->output][at] = node->attributes.exclusive ? sum : sum + x;
            sum += x;
        }
    }
}

/* ---- normalization by the tensor's own numbers ---- */

static void normalize(const float *x, size_t n, float epsilon, float *y, float *mean, float *inverse)
{
    float sum = 0, squares = 0;
    for (size_t k = 0; k < n; k++) sum += x[k];
    *mean = sum / (float)n;
    for (size_t k = 0; k < n; k++) squares += (x[k] - *mean) * (x[k] - *mean);
    *inverse = 1.0f / sqrtf(squares / (float)n + epsilon);
    for (size_t k = 0; k < n; k++) y[k] = (x[k] - *mean) * *inverse;
}

static xbtab_status infer_layer_norm(xbtab_network *n, xbtab__node *node)
{
    const xbtab__shape *s = &xbtab__input_of(n, node, 0)->shape;
    int64_t dim[XBTAB__NET_RANK];
    int axis;
    XBTAB_TRY(
        xbtab__axis_of(n, node, node->attributes.has_axis ? node->attributes.axis : -1, s->rank, &axis));
    xbtab__split p = xbtab__split_at(s, axis);
    for (int k = 1; k < node->n_inputs; k++) {
        const xbtab__value *v = xbtab__input_of(n, node, k);
        if (v && v->shape.size != p.on * p.behind && v->shape.size != 1)
            return xbtab__node_fail(n, node, XBTAB_ERR_INPUT, "input %d has %zu numbers for %zu", k,
                                    v->shape.size, p.on * p.behind);
    }
    node->attributes.axis = axis;
    for (int k = 0; k < s->rank; k++) dim[k] = k < axis ? s->dim[k] : 1;
    for (int k = 0; k < 2; k++) XBTAB_TRY(xbtab__more_set(n, node, k, s->rank, dim, XBTAB__TYPE_FLOAT));
    return xbtab__infer_same(n, node);
}

static void run_layer_norm(const xbtab_network *n, const xbtab__node *node, const xbtab__float_run *run)
{
    xbtab__split s = xbtab__split_at(&xbtab__output_of(n, node)->shape, (int)node->attributes.axis);
    size_t length = s.on * s.behind;
    const xbtab__value *scale = xbtab__input_of(n, node, 1), *shift = xbtab__input_of(n, node, 2);
    float *means = xbtab__more_of(node, run, 0), *inverses = xbtab__more_of(node, run, 1);
    for (size_t row = 0; row < s.before; row++) {
        float *y = run->data[node->output] + row * length, mean, inverse;
        normalize(run->data[node->input[0]] + row * length, length, node->attributes.epsilon, y, &mean,
                  &inverse);
        if (means) means[row] = mean;
        if (inverses) inverses[row] = inverse;
        for (size_t k = 0; k < length; k++) {
            if (scale) y[k] *= run->data[node->input[1]][scale->shape.size == 1 ? 0 : k];
            if (shift) y[k] += run->data[node->input[2]][shift->shape.size == 1 ? 0 : k];
        }
    }
}

static xbtab_status infer_instance_norm(xbtab_network *n, xbtab__node *node)
{
    const xbtab__shape *s = &xbtab__input_of(n, node, 0)->shape;
    if (s->rank < 3) return xbtab__unsupported(n, node, "only tensors of a batch, channels and more axes");
    for (int k = 1; k < 3; k++) {
        if ((int64_t)xbtab__input_of(n, node, k)->shape.size != s->dim[1])
            return xbtab__node_fail(n, node, XBTAB_ERR_INPUT, "input %d is not one number a channel", k);
    }
    return xbtab__infer_same(n, node);
}

static void run_instance_norm(const xbtab_network *n, const xbtab__node *node, const xbtab__float_run *run)
{
    const xbtab__shape *s = &xbtab__output_of(n, node)->shape;
    size_t channels = (size_t)s->dim[1], planes = (size_t)s->dim[0] * channels, plane = s->size / planes;
    for (size_t c = 0; c < planes; c++) {
        float *y = run->data[node->output] + c * plane, mean, inverse;
        normalize(run->data[node->input[0]] + c * plane, plane, node->attributes.epsilon, y, &mean, &inverse);
        for (size_t k = 0; k < plane; k++)
            y[k] = y[k] * run->data[node->input[1]][c % channels] + run->data[node->input[2]][c % channels];
    }
}

/* Group normalization (Wu and He 2018). Scale and shift are a number a group up to opset 20, a number a
 * channel since. */
static xbtab_status infer_group_norm(xbtab_network *n, xbtab__node *node)
{
    enum { BY_CHANNEL_OPSET = 21 };
    const xbtab__shape *s = &xbtab__input_of(n, node, 0)->shape;
    int64_t groups = node->attributes.group;
    if (s->rank < 2) return xbtab__unsupported(n, node, "only tensors of a batch and channels");
    if (groups < 1 || s->dim[1] % groups != 0)
        return xbtab__node_fail(n, node, XBTAB_ERR_INPUT, "%lld groups of %lld channels", (long long)groups,
                                (long long)s->dim[1]);
    int64_t wanted = n->opset >= BY_CHANNEL_OPSET ? s->dim[1] : groups;
    for (int k = 1; k < 3; k++) {
        if ((int64_t)xbtab__input_of(n, node, k)->shape.size != wanted)
            return xbtab__node_fail(n, node, XBTAB_ERR_INPUT, "input %d has %zu numbers; opset %lld has %lld",
                                    k, xbtab__input_of(n, node, k)->shape.size, (long long)n->opset,
                                    (long long)wanted);
    }
    return xbtab__infer_same(n, node);
}

static void run_group_norm(const xbtab_network *n, const xbtab__node *node, const xbtab__float_run *run)
{
    const xbtab__shape *s = &xbtab__output_of(n, node)->shape;
    size_t channels = (size_t)s->dim[1], groups = (size_t)node->attributes.group,
           each = s->size / ((size_t)s->dim[0] * groups), plane = each / (channels / groups);
    bool is_by_channel = xbtab__input_of(n, node, 1)->shape.size == channels;
    for (size_t g = 0; g < (size_t)s->dim[0] * groups; g++) {
        float *y = run->data[node->output] + g * each, mean, inverse;
        normalize(run->data[node->input[0]] + g * each, each, node->attributes.epsilon, y, &mean, &inverse);
        for (size_t k = 0; k < each; k++) {
            size_t at = is_by_channel ? (g * (channels / groups) + k / plane) % channels : g % groups;
            y[k] = y[k] * run->data[node->input[1]][at] + run->data[node->input[2]][at];
        }
    }
}

/* Local response normalization over neighbouring channels (Krizhevsky et al. 2012). */
static xbtab_status infer_lrn(xbtab_network *n, xbtab__node *node)
{
    if (xbtab__input_of(n, node, 0)->shape.rank < 3 || node->attributes.size < 1)
        return xbtab__unsupported(n, node, "only images, and a size of 1 or more channels");
    node->terms = fmin((double)node->attributes.size, (double)xbtab__input_of(n, node, 0)->shape.dim[1]);
    return xbtab__infer_same(n, node);
}

static void run_lrn(const xbtab_network *n, const xbtab__node *node, const xbtab__float_run *run)
{
    const xbtab__attributes *a = &node->attributes;
    xbtab__split s = xbtab__split_at(&xbtab__output_of(n, node)->shape, 1);
    int64_t channels = (int64_t)s.on, size = a->size < 2 * channels ? a->size : 2 * channels;
    int64_t before = (size - 1) / 2, behind = size - 1 - before; /* beyond all channels where size is */
    for (size_t c = 0; c < s.before * s.on * s.behind; c++) {
        const float *x = run->data[node->input[0]] + c / (s.on * s.behind) * s.on * s.behind + c % s.behind;
        int64_t channel = (int64_t)(c / s.behind % s.on);
        float sum = 0;
        int64_t first = channel > before ? channel - before : 0,
                last = channel + behind < channels ? channel + behind : channels - 1;
        for (int64_t k = first; k <= last; k++) sum += x[(size_t)k * s.behind] * x[(size_t)k * s.behind];
        run->data[node->output][c] =
            x[(size_t)channel * s.behind] / powf(a->bias + a->alpha / (float)a->size * sum, a->beta);
    }
}

#define ROW(name, run)                                                                                       \
    {                                                                                                        \
        name, 1, 2, XBTAB__INTEGER_NONE, infer_reduce, run, NULL, NULL                                       \
    }

static const xbtab__operator operators[] = {
    {"ArgMax", 1, 1, XBTAB__INTEGER_NONE, infer_place, run_argmax, NULL, NULL},
    {"ArgMin", 1, 1, XBTAB__INTEGER_NONE, infer_place, run_argmin, NULL, NULL},
    {"CumSum", 2, 2, XBTAB__INTEGER_NONE, infer_cumsum, run_cumsum, NULL, NULL},
    {"GroupNormalization", 3, 3, XBTAB__INTEGER_NONE, infer_group_norm, run_group_norm, NULL, NULL},
    {"Hardmax", 1, 1, XBTAB__INTEGER_NONE, infer_softmax, run_hardmax, NULL, NULL},
    {"InstanceNormalization", 3, 3, XBTAB__INTEGER_NONE, infer_instance_norm, run_instance_norm, NULL, NULL},
    {"LRN", 1, 1, XBTAB__INTEGER_NONE, infer_lrn, run_lrn, NULL, NULL},
    {"LayerNormalization", 2, 3, XBTAB__INTEGER_NONE, infer_layer_norm, run_layer_norm, NULL, NULL},
    {"LogSoftmax", 1, 1, XBTAB__INTEGER_LAST, infer_softmax, run_log_softmax, NULL, NULL},
    {"Softmax", 1, 1, XBTAB__INTEGER_LAST, infer_softmax, run_softmax, NULL, NULL},
    ROW("ReduceL1", run_l1),
    ROW("ReduceL2", run_l2),
    ROW("ReduceLogSum", run_log_sum),
    ROW("ReduceLogSumExp", run_log_sum_exp),
    ROW("ReduceMax", run_max),
    ROW("ReduceMean", run_mean),
    ROW("ReduceMin", run_min),
    ROW("ReduceProd", run_prod),
    ROW("ReduceSum", run_sum),
    ROW("ReduceSumSquare", run_sum_square),
};

const xbtab__operator *xbtab__operators_reduce(int *n)
{
    *n = sizeof operators / sizeof operators[0];
    return operators;
}
