/* operators_resize.c - images larger or smaller: Resize and Upsample, and depth to space. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "graph.h"

/* ---- Resize: coordinates of each axis as ONNX defines them ---- */

/* The axes that are resized: all, or those listed. */
static xbtab_status take_axes(xbtab_network *n, const xbtab__node *node, int *axis, int *n_axes)
{
    const xbtab__shape *s = &xbtab__input_of(n, node, 0)->shape;
    const xbtab__attributes *a = &node->attributes;
    bool is_there[XBTAB__NET_RANK] = {false};
    *n_axes = a->n_axes ? a->n_axes : s->rank;
    if (*n_axes > s->rank)
        return xbtab__node_fail(n, node, XBTAB_ERR_INPUT, "its axes are not of its tensor");
    for (int k = 0; k < *n_axes; k++) {
        XBTAB_TRY(xbtab__axis_of(n, node, a->n_axes ? a->axes[k] : k, s->rank, &axis[k]));
        if (is_there[axis[k]])
            return xbtab__node_fail(n, node, XBTAB_ERR_INPUT, "axis %d comes twice", axis[k]);
        is_there[axis[k]] = true;
    }
    return XBTAB_OK;
}

/* One scale for all axes, so that the output is as large as it can be within the sizes, or as small as it can
 * be around them. */
static void keep_aspect(const xbtab__shape *s, const char *policy, const int *axis, int n_axes, float *scale,
                        int64_t *dim)
{
    bool is_inside = strcmp(policy, "not_larger") == 0;
    double common = (double)dim[axis[0]] / (double)s->dim[axis[0]];
    for (int k = 1; k < n_axes; k++) {
        double own = (double)dim[axis[k]] / (double)s->dim[axis[k]];
        common = is_inside ? fmin(common, own) : fmax(common, own);
    }
    for (int k = 0; k < n_axes; k++) {
        dim[axis[k]] = (int64_t)floor(common * (double)s->dim[axis[k]] + 0.5);
        scale[axis[k]] = (float)common;
    }
}

/* Scales of each axis from the input of scales, or from the sizes of the output. */
static xbtab_status take_scales(xbtab_network *n, xbtab__node *node, int scales_input, int sizes_input,
                                float *scale, int64_t *dim)
{
    const xbtab__shape *s = &xbtab__input_of(n, node, 0)->shape;
    const xbtab__value *scales = xbtab__input_of(n, node, scales_input);
    const xbtab__value *sizes = sizes_input >= 0 ? xbtab__input_of(n, node, sizes_input) : NULL;
    const xbtab__value *given = sizes ? sizes : scales;
    const char *policy = node->attributes.aspect;
    int axis[XBTAB__NET_RANK], n_axes;
    XBTAB_TRY(take_axes(n, node, axis, &n_axes));
    const float *listed = !given && node->attributes.n_scale == n_axes ? node->attributes.scale : NULL;
    if (!listed && (!given || !given->constant || (int)given->shape.size != n_axes))
        return xbtab__unsupported(n, node, "constant scales or sizes, one an axis");
    float told[XBTAB__NET_RANK];
    for (int k = 0; k < n_axes; k++) told[k] = listed ? listed[k] : given->constant[k];
    for (int k = 0; k < s->rank; k++) {
        scale[k] = 1.0f;
        dim[k] = s->dim[k];
    }
    for (int k = 0; k < n_axes; k++) {
        int64_t in = s->dim[axis[k]];
        double size = sizes ? (double)told[k] : floor((double)in * (double)told[k]);
        if (!(size >= 1) || size > 1e9)
            return xbtab__node_fail(n, node, XBTAB_ERR_INPUT, "a scale is out of range");
        dim[axis[k]] = (int64_t)size;
        scale[axis[k]] = sizes ? (float)dim[axis[k]] / (float)in : told[k];
    }
    if (sizes && strcmp(policy, "stretch") != 0) keep_aspect(s, policy, axis, n_axes, scale, dim);
    return XBTAB_OK;
}

/* The cut-out's ends as shares of each axis; the whole of those that are not listed. */
static xbtab_status take_roi(xbtab_network *n, xbtab__node *node)
{
    const xbtab__value *roi = xbtab__input_of(n, node, 1);
    int rank = xbtab__input_of(n, node, 0)->shape.rank, axis[XBTAB__NET_RANK], n_axes;
    float *ends = node->attributes.roi;
    XBTAB_TRY(take_axes(n, node, axis, &n_axes));
    if (!roi || !roi->constant || (int)roi->shape.size != 2 * n_axes)
        return xbtab__unsupported(n, node, "a constant roi, two numbers an axis");
    for (int k = 0; k < rank; k++) {
        ends[k] = 0.0f;
        ends[rank + k] = 1.0f;
    }
    for (int k = 0; k < n_axes; k++) {
        ends[axis[k]] = roi->constant[k];
        ends[rank + axis[k]] = roi->constant[n_axes + k];
    }
    return XBTAB_OK;
}

static bool is_known_transformation(const char *name)
{
    static const char *const known[] = {"half_pixel",        "pytorch_half_pixel",   "align_corners",
                                        "asymmetric",        "tf_half_pixel_for_nn", "half_pixel_symmetric",
                                        "tf_crop_and_resize"};
    for (size_t k = 0; k < sizeof known / sizeof known[0]; k++) {
        if (strcmp(name, known[k]) == 0) return true;
    }
    return false;
}

/* Whether smaller images are made with a filter as wide as their pixels, axis after axis. */
static bool has_filter(const xbtab__attributes *a)
{
    return a->antialias && strcmp(a->mode, "nearest") != 0;
}

/* How far a filter reaches: places of the input around a coordinate. */
static int64_t filter_places(const xbtab__attributes *a, int axis)
{
    double scale = fmin((double)a->scale[axis], 1.0), reach = strcmp(a->mode, "cubic") == 0 ? 2 : 1;
    return 2 - 2 * ((int64_t)floor(-reach / scale) + 1);
}

/* Room for the images between the axes, twice, and for one filter. */
static xbtab_status reserve_filter(xbtab_network *n, xbtab__node *node)
{
    const xbtab__shape *s = &xbtab__input_of(n, node, 0)->shape, *out = &xbtab__output_of(n, node)->shape;
    size_t most = s->size, places = 0;
    double terms = 0;
    for (int k = 0; k < s->rank; k++) {
        size_t size = 1, own = (size_t)filter_places(&node->attributes, k);
        for (int d = 0; d < s->rank; d++) size *= (size_t)(d <= k ? out->dim[d] : s->dim[d]);
        most = size > most ? size : most;
        places = own > places ? own : places;
        terms += (double)size * (double)own;
    }
    size_t need = 2 * most + places;
    if (n->scratch < need) n->scratch = need;
    return xbtab__take_terms(n, node, terms);
}

static xbtab_status infer_scaled(xbtab_network *n, xbtab__node *node, int scales_input, int sizes_input)
{
    const xbtab__shape *s = &xbtab__input_of(n, node, 0)->shape;
    xbtab__attributes *a = &node->attributes;
    int64_t dim[XBTAB__NET_RANK];
    float scale[XBTAB__NET_RANK];
    node->terms = pow(strcmp(a->mode, "cubic") == 0 ? 4 : 2, s->rank);
    bool is_known =
        strcmp(a->mode, "nearest") == 0 || strcmp(a->mode, "linear") == 0 || strcmp(a->mode, "cubic") == 0;
    bool is_aspect = strcmp(a->aspect, "stretch") == 0 || strcmp(a->aspect, "not_larger") == 0 ||
                     strcmp(a->aspect, "not_smaller") == 0;
    if (!is_known || !is_known_transformation(a->transformation) || !is_aspect)
        return xbtab__unsupported(n, node,
                                  "nearest, linear and cubic; stretched, not_larger and not_smaller");
    XBTAB_TRY(take_scales(n, node, scales_input, sizes_input, scale, dim));
    if (strcmp(a->transformation, "tf_crop_and_resize") == 0) XBTAB_TRY(take_roi(n, node));
    for (int k = 0; k < s->rank; k++) a->scale[k] = scale[k];
    XBTAB_TRY(xbtab__shape_set(n, node, xbtab__output_of(n, node), s->rank, dim));
    return has_filter(a) ? reserve_filter(n, node) : XBTAB_OK;
}

static xbtab_status infer_resize(xbtab_network *n, xbtab__node *node)
{
    enum { WITH_ROI_OPSET = 11 };
    if (n->opset >= WITH_ROI_OPSET) return infer_scaled(n, node, 2, 3);
    snprintf(node->attributes.transformation, sizeof node->attributes.transformation, "asymmetric");
    snprintf(node->attributes.nearest_mode, sizeof node->attributes.nearest_mode, "floor");
    return infer_scaled(n, node, 1, -1);
}

static xbtab_status infer_upsample(xbtab_network *n, xbtab__node *node)
{
    snprintf(node->attributes.transformation, sizeof node->attributes.transformation, "asymmetric");
    snprintf(node->attributes.nearest_mode, sizeof node->attributes.nearest_mode, "floor");
    return infer_scaled(n, node, 1, -1);
}

/* Where place `at` of the output's axis lies on the input's. */
static float coordinate(const xbtab__attributes *a, int rank, int axis, int64_t at, int64_t in, int64_t out)
{
    const char *how = a->transformation;
    float scale = a->scale[axis];
    if (strcmp(how, "align_corners") == 0) { /* the length asked for, before it is rounded down */
        float wanted = scale * (float)in;
        return wanted > 1 ? (float)at * (float)(in - 1) / (wanted - 1) : 0.0f;
    }
    if (strcmp(how, "tf_crop_and_resize") == 0) {
        float first = a->roi[axis], end = a->roi[rank + axis], last = (float)(in - 1);
        return out > 1 ? first * last + (float)at * (end - first) * last / (float)(out - 1)
                       : 0.5f * (first + end) * last;
    }
    if (strcmp(how, "asymmetric") == 0) return (float)at / scale;
    if (strcmp(how, "tf_half_pixel_for_nn") == 0) return ((float)at + 0.5f) / scale;
    if (strcmp(how, "half_pixel_symmetric") == 0) { /* the sizes' middles stay over one another */
        float whole = scale * (float)in, offset = 0.5f * (float)in * (1.0f - (float)out / whole);
        return offset + ((float)at + 0.5f) / scale - 0.5f;
    }
    if (strcmp(how, "pytorch_half_pixel") == 0 && out <= 1) return 0.0f;
    return ((float)at + 0.5f) / scale - 0.5f;
}

static float nearest(const char *how, float x)
{
    if (strcmp(how, "floor") == 0) return floorf(x);
    if (strcmp(how, "ceil") == 0) return ceilf(x);
    return strcmp(how, "round_prefer_ceil") == 0 ? floorf(x + 0.5f) : ceilf(x - 0.5f);
}

static int64_t within(float x, int64_t size)
{
    return !(x > 0) ? 0 : x >= (float)(size - 1) ? size - 1 : (int64_t)x;
}

/* The places of one axis that a place of the output is made of. */
typedef struct taps {
    int n;
    size_t at[4]; /* times the axis' step */
    float weight[4];
} taps;

/* Cubic convolution (Keys 1981), a as the attribute has it, at a distance of x from the nearest place below.
 */
static void cubic_weights(float a, float x, float *weight)
{
    float y = 1.0f - x;
    weight[0] = ((a * (x + 1.0f) - 5.0f * a) * (x + 1.0f) + 8.0f * a) * (x + 1.0f) - 4.0f * a;
    weight[1] = ((a + 2.0f) * x - (a + 3.0f)) * x * x + 1.0f;
    weight[2] = ((a + 2.0f) * y - (a + 3.0f)) * y * y + 1.0f;
    weight[3] = ((a * (y + 1.0f) - 5.0f * a) * (y + 1.0f) + 8.0f * a) * (y + 1.0f) - 4.0f * a;
}

static void find_taps(const xbtab__attributes *a, float x, int64_t size, size_t step, taps *out)
{
    float low = floorf(x), weight[4] = {0, 1, 0, 0}, sum = 0;
    if (strcmp(a->mode, "nearest") == 0) {
        low = nearest(a->nearest_mode, x);
    } else if (strcmp(a->mode, "linear") == 0) {
        weight[1] = 1.0f - (x - low);
        weight[2] = x - low;
    } else {
        cubic_weights(a->cubic, x - low, weight);
    }
    out->n = 0;
    for (int k = 0; k < 4; k++) {
        float at = low + (float)(k - 1);
        bool is_outside = at < 0 || at > (float)(size - 1);
        if (weight[k] == 0 || (is_outside && a->exclude_outside && strcmp(a->mode, "cubic") == 0)) continue;
        out->at[out->n] = (size_t)within(at, size) * step;
        out->weight[out->n++] = weight[k];
        sum += weight[k];
    }
    for (int k = 0; k < out->n && a->exclude_outside; k++) out->weight[k] /= sum;
}

/* ---- with a filter: axis after axis ---- */

/* Weight of a place at a distance from the coordinate, in pixels of the output. */
static float filter_weight(const xbtab__attributes *a, float x)
{
    float A = a->cubic;
    x = fabsf(x);
    if (strcmp(a->mode, "linear") == 0) return x < 1 ? 1 - x : 0;
    if (x <= 1) return ((A + 2) * x - (A + 3)) * x * x + 1;
    return x < 2 ? ((A * x - 5 * A) * x + 8 * A) * x - 4 * A : 0;
}

/* The filter of a place on the output's axis: weight[places] of the input's from *first on. */
static void find_filter(const xbtab__attributes *a, float x, int axis, int64_t size, int64_t places,
                        int64_t *first, float *weight)
{
    float scale = fminf(a->scale[axis], 1.0f), below = ceilf(x) - 1, sum = 0;
    *first = (int64_t)below + 1 - places / 2;
    for (int64_t k = 0; k < places; k++) {
        bool is_outside = *first + k < 0 || *first + k >= size;
        weight[k] =
            is_outside && a->exclude_outside ? 0 : filter_weight(a, ((float)(*first + k) - x) * scale);
        sum += weight[k];
    }
    for (int64_t k = 0; k < places; k++) weight[k] /= sum;
}

/* One axis of an image x[dim] resized to y. */
static void filter_axis(const xbtab__attributes *a, int rank, const int64_t *dim, int axis, int64_t out,
                        const float *x, float *y, float *weight)
{
    xbtab__shape s = {.rank = rank};
    int64_t places = filter_places(a, axis), first;
    memcpy(s.dim, dim, sizeof s.dim);
    xbtab__split p = xbtab__split_at(&s, axis);
    for (int64_t o = 0; o < out; o++) {
        find_filter(a, coordinate(a, rank, axis, o, dim[axis], out), axis, dim[axis], places, &first, weight);
        for (size_t b = 0; b < p.before; b++) {
            float *to = y + (b * (size_t)out + (size_t)o) * p.behind;
            memset(to, 0, p.behind * sizeof *to);
            for (int64_t k = 0; k < places; k++) {
                int64_t at = first + k < 0 ? 0 : first + k >= dim[axis] ? dim[axis] - 1 : first + k;
                const float *from = x + (b * p.on + (size_t)at) * p.behind;
                for (size_t c = 0; c < p.behind; c++) to[c] += weight[k] * from[c];
            }
        }
    }
}

static void run_filtered(const xbtab_network *n, const xbtab__node *node, const xbtab__float_run *run)
{
    const xbtab__shape *s = &xbtab__input_of(n, node, 0)->shape, *out = &xbtab__output_of(n, node)->shape;
    const xbtab__attributes *a = &node->attributes;
    int64_t dim[XBTAB__NET_RANK], places = 0;
    size_t most = s->size, size = s->size;
    for (int k = 0; k < s->rank; k++) {
        int64_t own = filter_places(a, k);
        size = size / (size_t)s->dim[k] * (size_t)out->dim[k];
        most = size > most ? size : most;
        places = own > places ? own : places;
    }
    float *weight = run->scratch, *next = weight + places;
    const float *x = run->data[node->input[0]];
    memcpy(dim, s->dim, sizeof dim);
    for (int k = 0; k < s->rank; k++) {
        bool is_kept = out->dim[k] == dim[k] && a->scale[k] == 1.0f;
        if (is_kept && strcmp(a->transformation, "tf_crop_and_resize") != 0) continue;
        filter_axis(a, s->rank, dim, k, out->dim[k], x, next, weight);
        dim[k] = out->dim[k];
        x = next;
        next = next == weight + places ? next + most : weight + places;
    }
    memcpy(run->data[node->output], x, out->size * sizeof *x);
}

static float blend(const float *x, const taps *axis, int axes)
{
    float sum = 0;
    if (axes == 0) return x[0];
    for (int k = 0; k < axis->n; k++) sum += axis->weight[k] * blend(x + axis->at[k], axis + 1, axes - 1);
    return sum;
}

static void run_resize(const xbtab_network *n, const xbtab__node *node, const xbtab__float_run *run)
{
    const xbtab__shape *s = &xbtab__input_of(n, node, 0)->shape, *out = &xbtab__output_of(n, node)->shape;
    const xbtab__attributes *a = &node->attributes;
    bool is_cut = strcmp(a->transformation, "tf_crop_and_resize") == 0, is_filtered = has_filter(a);
    if (is_filtered) run_filtered(n, node, run);
    for (size_t c = 0; c < out->size && (is_cut || !is_filtered); c++) {
        taps axis[XBTAB__NET_RANK];
        size_t rest = c, step = 1;
        bool is_outside = false;
        for (int k = s->rank - 1; k >= 0; k--) {
            float x =
                coordinate(a, s->rank, k, (int64_t)(rest % (size_t)out->dim[k]), s->dim[k], out->dim[k]);
            rest /= (size_t)out->dim[k];
            is_outside = is_outside || x < 0 || x > (float)(s->dim[k] - 1);
            find_taps(a, x, s->dim[k], step, &axis[k]);
            step *= (size_t)s->dim[k];
        }
        if (is_filtered && !is_outside) continue;
        run->data[node->output][c] =
            is_cut && is_outside ? a->outside : blend(run->data[node->input[0]], axis, s->rank);
    }
}

static void resize_lattice(const xbtab_network *n, const xbtab__node *node, const xbtab__lattice *of,
                           xbtab__lattice *out)
{
    (void)n;
    bool is_cut = strcmp(node->attributes.transformation, "tf_crop_and_resize") == 0;
    if (strcmp(node->attributes.mode, "nearest") == 0 && !is_cut) *out = of[node->input[0]];
    out->not_negative = of[node->input[0]].not_negative && strcmp(node->attributes.mode, "cubic") != 0 &&
                        node->attributes.outside >= 0;
}

/* ---- blocks of places as channels, and back ---- */

static xbtab_status infer_blocks(xbtab_network *n, xbtab__node *node)
{
    const xbtab__shape *s = &xbtab__input_of(n, node, 0)->shape;
    int64_t b = node->attributes.block;
    bool is_up = strcmp(node->type->name, "DepthToSpace") == 0;
    if (s->rank != 4 || b < 1 || b > 4096)
        return xbtab__unsupported(n, node, "only 2-D images, blocks of 1 to 4096");
    if (is_up ? s->dim[1] % (b * b) != 0 : s->dim[2] % b != 0 || s->dim[3] % b != 0)
        return xbtab__node_fail(n, node, XBTAB_ERR_INPUT, "blocks of %lld do not fit its tensor",
                                (long long)b);
    int64_t dim[4] = {s->dim[0], is_up ? s->dim[1] / (b * b) : s->dim[1] * b * b,
                      is_up ? s->dim[2] * b : s->dim[2] / b, is_up ? s->dim[3] * b : s->dim[3] / b};
    return xbtab__shape_set(n, node, xbtab__output_of(n, node), 4, dim);
}

/* Walks the tensor that has the large image. */
static void run_blocks(const xbtab_network *n, const xbtab__node *node, const xbtab__float_run *run)
{
    bool is_up = strcmp(node->type->name, "DepthToSpace") == 0,
         is_crd = strcmp(node->attributes.mode, "CRD") == 0;
    const xbtab__shape *in = &xbtab__input_of(n, node, 0)->shape, *out = &xbtab__output_of(n, node)->shape;
    const xbtab__shape *large = is_up ? out : in, *deep = is_up ? in : out;
    int64_t b = node->attributes.block;
    const float *x = run->data[node->input[0]];
    float *y = run->data[node->output];
    for (size_t c = 0; c < large->size; c++) {
        int64_t column = (int64_t)c % large->dim[3], row = (int64_t)c / large->dim[3] % large->dim[2];
        int64_t channel = (int64_t)c / large->dim[3] / large->dim[2];
        int64_t image = channel / large->dim[1], place = row % b * b + column % b;
        channel %= large->dim[1];
        int64_t depth = is_up && is_crd ? channel * b * b + place : place * large->dim[1] + channel;
        size_t at =
            (size_t)(((image * deep->dim[1] + depth) * deep->dim[2] + row / b) * deep->dim[3] + column / b);
        if (is_up) {
            y[c] = x[at];
        } else {
            y[at] = x[c];
        }
    }
}

static const xbtab__operator operators[] = {
    {"DepthToSpace", 1, 1, XBTAB__INTEGER_NONE, infer_blocks, run_blocks, xbtab__lattice_same, NULL},
    {"Resize", 1, 4, XBTAB__INTEGER_NONE, infer_resize, run_resize, resize_lattice, NULL},
    {"SpaceToDepth", 1, 1, XBTAB__INTEGER_NONE, infer_blocks, run_blocks, xbtab__lattice_same, NULL},
    {"Upsample", 1, 2, XBTAB__INTEGER_NONE, infer_upsample, run_resize, resize_lattice, NULL},
};

const xbtab__operator *xbtab__operators_resize(int *n)
{
    *n = sizeof operators / sizeof operators[0];
    return operators;
}
