/* operators_sort.c - the largest or smallest numbers along an axis, and where they are: TopK. */
#include <math.h>
#include <string.h>

#include "graph.h"

/* How many: an input since opset 10, an attribute before. */
static xbtab_status infer_top(xbtab_network *n, xbtab__node *node)
{
    const xbtab__value *in = xbtab__input_of(n, node, 0), *given = xbtab__input_of(n, node, 1);
    int64_t dim[XBTAB__NET_RANK];
    int axis;
    if (given && (!given->integers || given->shape.size != 1))
        return xbtab__unsupported(n, node, "its k must be a constant");
    int64_t k = given ? given->integers[0] : node->attributes.shift;
    XBTAB_TRY(xbtab__axis_of(n, node, node->attributes.has_axis ? node->attributes.axis : -1, in->shape.rank,
                             &axis));
    if (k < 1 || k > in->shape.dim[axis])
        return xbtab__node_fail(n, node, XBTAB_ERR_INPUT, "k = %lld of %lld numbers", (long long)k,
                                (long long)in->shape.dim[axis]);
    memcpy(dim, in->shape.dim, sizeof dim);
    dim[axis] = k;
    node->attributes.axis = axis;
    node->terms = 16.0 * (double)in->shape.dim[axis] / (double)k; /* a heap's steps */
    if (n->scratch < (size_t)k) n->scratch = (size_t)k;
    XBTAB_TRY(xbtab__more_set(n, node, 0, in->shape.rank, dim, XBTAB__TYPE_INT64));
    xbtab__output_of(n, node)->type = in->type;
    return xbtab__shape_set(n, node, xbtab__output_of(n, node), in->shape.rank, dim);
}

/* A row's numbers and what comes first in it. */
typedef struct order {
    const float *x;
    size_t step;
    bool is_largest;
} order;

/* Whether place a comes before b: of equal numbers the first; what is no number is above all. */
static bool is_before(const order *o, uint32_t a, uint32_t b)
{
    float x = o->x[a * o->step], y = o->x[b * o->step];
    bool above = isnan(x) ? !isnan(y) : x > y, below = isnan(y) ? !isnan(x) : y > x;
    return above || below ? above == o->is_largest : a < b;
}

/* A heap whose top comes last of its n places. */
static void sift(const order *o, uint32_t *heap, size_t n, size_t at)
{
    for (size_t child; (child = 2 * at + 1) < n; at = child) {
        if (child + 1 < n && is_before(o, heap[child], heap[child + 1])) child++;
        if (!is_before(o, heap[at], heap[child])) return;
        uint32_t kept = heap[at];
        heap[at] = heap[child];
        heap[child] = kept;
    }
}

/* The first k of n places in order: top[k]. */
static void find_top(const order *o, size_t n, uint32_t *top, size_t k)
{
    for (size_t c = 0; c < k; c++) top[c] = (uint32_t)c;
    for (size_t c = k; c-- > 0;) sift(o, top, k, c);
    for (size_t c = k; c < n; c++) {
        if (!is_before(o, (uint32_t)c, top[0])) continue;
        top[0] = (uint32_t)c;
        sift(o, top, k, 0);
    }
    for (size_t left = k; left-- > 1;) {
        uint32_t last = top[0];
        top[0] = top[left];
        top[left] = last;
        sift(o, top, left, 0);
    }
}

static void run_top(const xbtab_network *n, const xbtab__node *node, const xbtab__float_run *run)
{
    int axis = (int)node->attributes.axis;
    xbtab__split s = xbtab__split_at(&xbtab__input_of(n, node, 0)->shape, axis),
                 out = xbtab__split_at(&xbtab__output_of(n, node)->shape, axis);
    float *y = run->data[node->output], *places = xbtab__more_of(node, run, 0);
    uint32_t *top = (uint32_t *)(void *)run->scratch; /* of 32 bits as its numbers are */
    for (size_t row = 0; row < s.before * s.behind; row++) {
        size_t before = row / s.behind, behind = row % s.behind;
        order o = {run->data[node->input[0]] + before * s.on * s.behind + behind, s.behind,
                   node->attributes.largest != 0};
        find_top(&o, s.on, top, out.on);
        for (size_t k = 0; k < out.on; k++) {
            size_t at = (before * out.on + k) * out.behind + behind;
            y[at] = o.x[top[k] * s.behind];
            if (places) places[at] = (float)top[k];
        }
    }
}

static void top_lattice(const xbtab_network *n, const xbtab__node *node, const xbtab__lattice *of,
                        xbtab__lattice *out)
{
    (void)n;
    *out = of[node->input[0]];
    out->is_scaled = false; /* which numbers it takes differs from image to image */
}

static const xbtab__operator operators[] = {
    {"TopK", 1, 2, XBTAB__INTEGER_NONE, infer_top, run_top, top_lattice, NULL},
};

const xbtab__operator *xbtab__operators_sort(int *n)
{
    *n = sizeof operators / sizeof operators[0];
    return operators;
}
