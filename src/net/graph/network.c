/* network.c - finishing a graph (constants, biases, memory), and running it in float over many images. */
#include <limits.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <omp.h>

#include "each.h"
#include "graph.h"
#include "memory.h"

/* Numbers of one tensor, and of one image's run: far past the networks that tiles can hold. */
static const int64_t largest_tensor = (int64_t)1 << 28;

/* Numbers of all constants that nodes of constants make: what a file of so many bytes may plausibly mean. */
static const size_t most_folded = (size_t)1 << 22;

/* Terms of all their sums: some seconds, and more for a larger file. */
static const double most_work = 2e9;

xbtab_status xbtab__node_fail(const xbtab_network *network, const xbtab__node *node, xbtab_status code,
                              const char *format, ...)
{
    char text[512];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return xbtab__error_set(code, "%s: node \"%s\" (%s): %s", network->path, node->name, node->type->name,
                            text);
}

void xbtab__lattice_same(const xbtab_network *n, const xbtab__node *node, const xbtab__lattice *of,
                         xbtab__lattice *out)
{
    (void)n;
    *out = of[node->input[0]];
}

bool xbtab__takes_empty(const xbtab__operator *type)
{
    static const char *const takes[] = {"Cast",  "Concat",     "ConstantOfShape", "Expand",  "Identity",
                                        "Range", "ReduceProd", "ReduceSum",       "Reshape", "Shape",
                                        "Size",  "Slice",      "Split",           "Squeeze", "Transpose",
                                        "Trilu", "Unsqueeze"};
    for (size_t k = 0; k < sizeof takes / sizeof takes[0]; k++) {
        if (strcmp(type->name, takes[k]) == 0) return true;
    }
    return false;
}

xbtab_status xbtab__shape_set(xbtab_network *network, const xbtab__node *node, xbtab__value *value, int rank,
                              const int64_t *dim)
{
    int64_t size = 1;
    value->shape.rank = rank;
    for (int k = 0; k < rank; k++) {
        const char *who = node ? node->name : value->name;
        if (dim[k] == 0 && node && !xbtab__takes_empty(node->type))
            XBTAB_FAIL(XBTAB_ERR_UNSUPPORTED, "%s: \"%s\" has an empty tensor", network->path, who);
        if (dim[k] < 0 || dim[k] > largest_tensor / (size ? size : 1)) {
            XBTAB_FAIL(XBTAB_ERR_INPUT, "%s: \"%s\" has a tensor of an implausible size", network->path, who);
        }
        value->shape.dim[k] = dim[k];
        size *= dim[k];
    }
    value->shape.size = (size_t)size;
    return XBTAB_OK;
}

void xbtab_network_destroy(xbtab_network **network)
{
    if (!network || !*network) return;
    xbtab_network *n = *network;
    for (int k = 0; k < n->n_values; k++) {
        xbtab__free(n->value[k].name);
        xbtab__free(n->value[k].constant);
        xbtab__free(n->value[k].integers);
        xbtab__free(n->value[k].step);
    }
    for (int k = 0; k < n->n_nodes; k++) {
        xbtab__free(n->node[k].name);
        xbtab__free(n->node[k].linear.W);
        xbtab__free(n->node[k].linear.bias);
        xbtab__free(n->node[k].linear.step);
        xbtab__free(n->node[k].linear.steps);
    }
    xbtab__free(n->value);
    xbtab__free(n->node);
    xbtab__free(n->folding);
    xbtab__free(n->lattice);
    xbtab__free(n->path);
    xbtab__free(n);
    *network = NULL;
}

size_t xbtab_network_outputs(const xbtab_network *network)
{
    return network->value[network->output].shape.size;
}

/* ---- finishing ---- */

/* Its place stays empty, without a type, until all gaps are closed at once. */
static void drop_node(xbtab__node *node)
{
    xbtab__free(node->name);
    xbtab__free(node->linear.W);
    xbtab__free(node->linear.bias);
    xbtab__free(node->linear.step);
    xbtab__free(node->linear.steps);
    *node = (xbtab__node){.type = NULL};
}

static void close_gaps(xbtab_network *n)
{
    int kept = 0;
    for (int k = 0; k < n->n_nodes; k++) {
        if (!n->node[k].type) continue;
        if (kept != k) n->node[kept] = n->node[k];
        kept++;
    }
    n->n_nodes = kept;
}

static bool all_constant(const xbtab_network *n, const xbtab__node *node)
{
    for (int k = 0; k < node->n_inputs; k++) {
        if (node->input[k] >= 0 && !n->value[node->input[k]].constant) return false;
    }
    return true;
}

/* The steps of a quantized constant, and of one whose numbers only moved. */
static bool fold_steps(xbtab_network *n, const xbtab__node *node, float **data, float *scratch)
{
    xbtab__value *out = &n->value[node->output], *in = &n->value[node->input[0]];
    bool only_moves = node->type->lattice == xbtab__lattice_same && in->step && node->n_more == 0;
    if (!node->type->steps && !only_moves) return true;
    out->step = xbtab__alloc(out->shape.size, sizeof *out->step);
    if (!out->step) return false;
    if (node->type->steps) {
        node->type->steps(n, node, out->step);
    } else {
        data[node->input[0]] = in->step;
        data[node->output] = out->step;
        node->type->run(n, node, &(xbtab__float_run){.data = data, .scratch = scratch});
    }
    return true;
}

/* Shapes are computed from integers, and stay integers. */
static bool fold_integers(xbtab__value *out)
{
    enum { MOST = 1 << 20 }; /* entries of anything that is a shape or a list of indices */
    if (out->shape.size > MOST || !xbtab__is_integer_type(out->type) || out->integers) return true;
    out->integers = xbtab__alloc(out->shape.size, sizeof *out->integers);
    for (size_t k = 0; k < out->shape.size && out->integers; k++) {
        float v = truncf(out->constant[k]);
        out->integers[k] = v >= 9.2e18f ? INT64_MAX : v > -9.2e18f ? (int64_t)v : INT64_MIN;
    }
    return out->integers != NULL;
}

/* Terms that go into each number of a node's output, at the most. */
static double terms_of(const xbtab__node *node)
{
    const xbtab__window *w = &node->window;
    if (node->linear.W) return (double)node->linear.inputs;
    if (w->channels) return (double)w->kernel[0] * (double)w->kernel[1] * (double)w->kernel[2];
    return node->terms > 1 ? node->terms : 1;
}

/* What nodes of constants take to be evaluated, within what the file may plausibly mean. */
static xbtab_status add_work(xbtab_network *n, const xbtab__node *node)
{
    n->work += terms_of(node) * (double)n->value[node->output].shape.size;
    if (n->work <= most_work + 1024.0 * (double)n->file_size) return XBTAB_OK;
    return xbtab__node_fail(n, node, XBTAB_ERR_UNSUPPORTED,
                            "its constants take far more work than the file of %zu bytes means",
                            n->file_size);
}

/* Room for the outputs of a node of constants, within what the file may plausibly mean. */
static xbtab_status make_constants(xbtab_network *n, const xbtab__node *node)
{
    for (int k = -1; k < node->n_more; k++) {
        int value = k < 0 ? node->output : node->more[k];
        if (value < 0 || n->value[value].shape.rank == 0) continue;
        xbtab__value *v = &n->value[value];
        n->folded += v->shape.size;
        if (n->folded + n->scratch > most_folded + 16 * n->file_size) {
            return xbtab__node_fail(n, node, XBTAB_ERR_UNSUPPORTED,
                                    "makes constants far larger than the file of %zu bytes", n->file_size);
        }
        v->constant = xbtab__alloc(v->shape.size, sizeof *v->constant);
        if (!v->constant) return XBTAB_NOMEM();
    }
    return XBTAB_OK;
}

/* Where a node of constants finds its own numbers; NULL when memory is short. */
static float **folding_data(xbtab_network *n, const xbtab__node *node)
{
    if (n->folding_room < n->n_values) {
        float **grown = xbtab__realloc(n->folding, (size_t)n->value_room, sizeof *grown);
        if (!grown) return NULL;
        n->folding = grown;
        n->folding_room = n->value_room;
    }
    for (int k = 0; k < node->n_inputs; k++) {
        if (node->input[k] >= 0) n->folding[node->input[k]] = n->value[node->input[k]].constant;
    }
    for (int k = -1; k < node->n_more; k++) {
        int value = k < 0 ? node->output : node->more[k];
        if (value >= 0) n->folding[value] = n->value[value].constant;
    }
    return n->folding;
}

/* Evaluate a node of constants; its outputs become some. Reshaped weights are the usual case. n->scratch is
 * what the node itself needs. */
static xbtab_status fold(xbtab_network *n, xbtab__node *node)
{
    bool is_done;
    if (n->value[node->output].constant) return XBTAB_OK; /* a shape */
    XBTAB_TRY(add_work(n, node));
    XBTAB_TRY(make_constants(n, node));
    float **data = folding_data(n, node);
    if (!data) return XBTAB_NOMEM();
    XBTAB_TRY(xbtab__fold_exactly(n, node, data, &is_done));
    if (is_done) return XBTAB_OK;
    float *scratch = xbtab__alloc(n->scratch, sizeof *scratch);
    bool has_memory = scratch != NULL;
    if (has_memory) {
        node->type->run(n, node, &(xbtab__float_run){.data = data, .scratch = scratch});
        has_memory = fold_steps(n, node, data, scratch);
        for (int k = -1; k < node->n_more && has_memory; k++) {
            int value = k < 0 ? node->output : node->more[k];
            has_memory = value < 0 || !n->value[value].constant || fold_integers(&n->value[value]);
        }
    }
    xbtab__free(scratch);
    return has_memory ? XBTAB_OK : XBTAB_NOMEM();
}

/* One number an output of a matrix layer, or one for all: index of a constant's number for output o, or -1
 * where the constant does not lie along the outputs. */
static int64_t along_outputs(const xbtab__linear *l, const xbtab__value *constant, const xbtab__value *to,
                             size_t o)
{
    const xbtab__shape *c = &constant->shape, *s = &to->shape;
    size_t outputs = l->groups * l->outputs;
    if (c->size == 1) return 0;
    if (c->size != outputs || c->rank > s->rank) return -1;
    int axis = l->is_convolution ? 1 : s->rank - 1, from_last = s->rank - 1 - axis;
    return from_last < c->rank && c->dim[c->rank - 1 - from_last] == (int64_t)outputs ? (int64_t)o : -1;
}

/* The node that makes each value: maker[n_values]; -1 = none, or as a further output. */
static int *find_makers(const xbtab_network *n)
{
    int *maker = xbtab__alloc((size_t)n->n_values, sizeof *maker);
    for (int v = 0; v < n->n_values && maker; v++) maker[v] = -1;
    for (int k = 0; k < n->n_nodes && maker; k++) {
        if (n->node[k].type) maker[n->node[k].output] = k;
    }
    return maker;
}

/* The matrix layer whose output a node alone reads, or NULL. */
static xbtab__node *layer_before(const xbtab_network *n, const int *maker, int value)
{
    int from = value == n->output || n->value[value].n_uses != 1 ? -1 : maker[value];
    bool is_layer =
        from >= 0 && n->node[from].linear.W && n->node[from].type->integer == XBTAB__INTEGER_LINEAR;
    return is_layer ? &n->node[from] : NULL;
}

static void replace_layer_output(xbtab_network *n, int *maker, xbtab__node *layer, int k)
{
    int output = n->node[k].output;
    n->value[output].shape = n->value[layer->output].shape;
    maker[layer->output] = -1;
    maker[output] = (int)(layer - n->node);
    layer->output = output;
    drop_node(&n->node[k]);
}

/* "Add" of a constant to a matrix layer's only use is that layer's bias. */
static bool fold_bias(xbtab_network *n, int *maker, int k)
{
    const xbtab__node *sum = &n->node[k];
    for (int side = 0; side < 2; side++) {
        xbtab__node *layer = layer_before(n, maker, sum->input[side]);
        const xbtab__value *constant = &n->value[sum->input[1 - side]];
        const xbtab__value *out = &n->value[sum->output];
        if (!layer || !constant->constant || out->shape.size != n->value[layer->output].shape.size ||
            along_outputs(&layer->linear, constant, out, 0) < 0) {
            continue;
        }
        xbtab__linear *l = &layer->linear;
        for (size_t o = 0; o < l->groups * l->outputs; o++)
            l->bias[o] += constant->constant[along_outputs(l, constant, out, o)];
        replace_layer_output(n, maker, layer, k);
        return true;
    }
    return false;
}

/* Normalization behind a matrix layer whose weights are not quantized yet goes into its weights and bias. */
static bool fold_norm(xbtab_network *n, int *maker, int k)
{
    const xbtab__node *norm = &n->node[k];
    xbtab__node *layer = layer_before(n, maker, norm->input[0]);
    if (!layer || layer->linear.step || layer->linear.steps) return false;
    xbtab__linear *l = &layer->linear;
    size_t outputs = l->groups * l->outputs;
    const float *v[4];
    for (int p = 0; p < 4; p++) {
        v[p] = n->value[norm->input[p + 1]].constant;
        if (n->value[norm->input[p + 1]].shape.size != outputs) return false;
    }
    if (!l->is_convolution && n->value[norm->output].shape.rank != 2) return false;
    for (size_t o = 0; o < outputs; o++) {
        float factor = v[0][o] / sqrtf(v[3][o] + norm->attributes.epsilon);
        for (size_t i = 0; i < l->inputs; i++) l->W[o * l->inputs + i] *= factor;
        l->bias[o] = (l->bias[o] - v[2][o]) * factor + v[1][o];
    }
    replace_layer_output(n, maker, layer, k);
    return true;
}

static bool fold_into_layer(xbtab_network *n, int *maker, int k)
{
    const xbtab__operator *type = n->node[k].type;
    if (type->integer == XBTAB__INTEGER_ADD) return fold_bias(n, maker, k);
    return !n->keeps_norms && strcmp(type->name, "BatchNormalization") == 0 && fold_norm(n, maker, k);
}

static xbtab_status lay_out_memory(xbtab_network *n)
{
    n->memory = 0;
    for (int k = 0; k < n->n_values; k++) {
        if (n->value[k].constant) continue;
        n->value[k].offset = n->memory; /* outputs that nobody computes have no size */
        n->memory += n->value[k].shape.size;
        if (n->memory > (size_t)largest_tensor) {
            XBTAB_FAIL(XBTAB_ERR_UNSUPPORTED, "%s: one image needs more than %lld numbers", n->path,
                       (long long)largest_tensor);
        }
    }
    if (n->scratch > (size_t)largest_tensor) {
        XBTAB_FAIL(XBTAB_ERR_UNSUPPORTED, "%s: a layer's patches are more than %lld numbers", n->path,
                   (long long)largest_tensor);
    }
    return XBTAB_OK;
}

/* A node that hands its input's one number on, as it is. */
static bool hands_on(const xbtab_network *n, const xbtab__node *node)
{
    bool casts = strcmp(node->type->name, "Cast") == 0 && n->value[node->output].type != XBTAB__TYPE_BOOL;
    return n->value[node->output].shape.size == 1 && n->value[node->input[0]].shape.size == 1 &&
           (node->type->integer == XBTAB__INTEGER_COPY || casts ||
            strcmp(node->type->name, "Transpose") == 0);
}

/* Whether a node finds the place of the largest of all numbers in a value: ArgMax, or TopK's second output.
 */
static bool finds_largest(const xbtab_network *n, const xbtab__node *node, int value)
{
    bool is_top = strcmp(node->type->name, "TopK") == 0 && node->attributes.largest && node->n_more == 1 &&
                  node->more[0] == value;
    bool is_argmax = strcmp(node->type->name, "ArgMax") == 0 && node->output == value;
    const xbtab__shape *in = &n->value[node->input[0]].shape;
    return (is_top || is_argmax) && n->value[value].shape.size == 1 &&
           in->dim[node->attributes.axis] == (int64_t)in->size;
}

/* The node that finds the place that a value hands on; its number, or -1. */
static int find_last_place(const xbtab_network *n, const int *maker, int value, int *place)
{
    int k = maker[value];
    while (k >= 0 && hands_on(n, &n->node[k])) {
        value = n->node[k].input[0];
        k = maker[value];
    }
    for (int other = n->n_nodes - 1; other >= 0 && k < 0; other--) { /* a further output has no maker */
        const xbtab__node *node = &n->node[other];
        if (node->type && node->n_more == 1 && node->more[0] == value) k = other;
    }
    *place = value;
    return k;
}

/* The place of the largest output is what the caller looks for itself: what only finds it, and hands it on,
 * is left out. */
static xbtab_status drop_last_argmax(xbtab_network *n, const int *maker)
{
    int place, k = find_last_place(n, maker, n->output, &place);
    const xbtab__node *node = k >= 0 ? &n->node[k] : NULL;
    if (!node || !finds_largest(n, node, place)) return XBTAB_OK;
    if (node->attributes.select_last)
        return xbtab__node_fail(n, node, XBTAB_ERR_UNSUPPORTED,
                                "is the network's answer, but takes the last of equal places, not the first");
    for (int value = n->output; value != place;) {
        xbtab__node *last = &n->node[maker[value]];
        value = last->input[0];
        drop_node(last);
    }
    n->output = node->input[0];
    drop_node(&n->node[k]);
    return XBTAB_OK;
}

/* Nodes whose outputs nobody reads, from the last on. */
static void drop_unneeded(xbtab_network *n)
{
    for (int k = n->n_nodes - 1; k >= 0; k--) {
        const xbtab__node *node = &n->node[k];
        bool is_needed = node->output == n->output || n->value[node->output].n_uses > 0;
        for (int m = 0; m < node->n_more; m++) {
            if (node->more[m] >= 0)
                is_needed = is_needed || node->more[m] == n->output || n->value[node->more[m]].n_uses > 0;
        }
        if (is_needed) continue;
        for (int i = 0; i < node->n_inputs; i++) {
            if (node->input[i] >= 0) n->value[node->input[i]].n_uses--;
        }
        drop_node(&n->node[k]);
    }
}

/* Whole numbers are a quantized graph's own weights (FINN keeps them so), in steps of 1, or of Gemm's alpha.
 */
static bool take_whole_weights(const xbtab_network *n, xbtab__node *node)
{
    xbtab__linear *l = &node->linear;
    size_t rows = l->groups * l->outputs;
    if (!n->is_quantized || !l->W || l->step || l->steps) return true;
    float times = l->times != 0 ? l->times : 1.0f;
    for (size_t k = 0; k < rows * l->inputs; k++) {
        float whole = roundf(l->W[k] / times);
        if (times * whole != l->W[k] || fabsf(whole) > INT16_MAX) return true;
    }
    l->step = xbtab__alloc(rows, sizeof *l->step);
    for (size_t r = 0; r < rows && l->step; r++) l->step[r] = fabsf(times);
    return l->step != NULL;
}

xbtab_status xbtab__network_finish(xbtab_network *n)
{
    drop_unneeded(n);
    close_gaps(n);
    for (int k = 0; k < n->n_nodes; k++) {
        if (!take_whole_weights(n, &n->node[k])) return XBTAB_NOMEM();
    }
    int *maker = find_makers(n);
    if (!maker) return XBTAB_NOMEM();
    for (int k = 0; k < n->n_nodes; k++) {
        if (n->value[n->node[k].output].constant) {
            drop_node(&n->node[k]);
        } else {
            (void)fold_into_layer(n, maker, k);
        }
    }
    xbtab_status status = n->value[n->output].constant ? XBTAB_OK : drop_last_argmax(n, maker);
    xbtab__free(maker);
    close_gaps(n);
    XBTAB_TRY(status);
    return lay_out_memory(n);
}

xbtab_status xbtab__network_fold(xbtab_network *n, xbtab__node *node)
{
    return all_constant(n, node) ? fold(n, node) : XBTAB_OK;
}

/* ---- running ---- */

xbtab_status xbtab__float_runs_create(xbtab__float_run **out, const xbtab_network *network, int n)
{
    xbtab__float_run *runs = xbtab__alloc((size_t)n, sizeof *runs);
    if (!runs) return XBTAB_NOMEM();
    for (int t = 0; t < n; t++) {
        runs[t].data = xbtab__alloc((size_t)network->n_values, sizeof *runs[t].data);
        runs[t].scratch = xbtab__alloc(network->scratch + network->memory, sizeof *runs[t].scratch);
        if (!runs[t].data || !runs[t].scratch) {
            xbtab__float_runs_destroy(&runs, n);
            return XBTAB_NOMEM();
        }
        for (int k = 0; k < network->n_values; k++) {
            const xbtab__value *v = &network->value[k];
            runs[t].data[k] = v->constant ? v->constant : runs[t].scratch + network->scratch + v->offset;
        }
    }
    *out = runs;
    return XBTAB_OK;
}

void xbtab__float_runs_destroy(xbtab__float_run **runs, int n)
{
    if (!*runs) return;
    for (int t = 0; t < n; t++) {
        xbtab__free((*runs)[t].data);
        xbtab__free((*runs)[t].scratch);
    }
    xbtab__free(*runs);
    *runs = NULL;
}

/* Whether an input of four axes takes such images, with its channels on one axis and its heights on another.
 */
static bool has_axes(const xbtab__shape *s, int channels, int height, const xbtab_images *images)
{
    return s->rank == 4 && (size_t)s->dim[channels] == images->channels &&
           (size_t)s->dim[height] == images->height && (size_t)s->dim[height + 1] == images->width;
}

size_t xbtab__channels_last(const xbtab_network *network, const xbtab_images *images)
{
    const xbtab__shape *s = &network->value[network->input].shape;
    return has_axes(s, 3, 1, images) && !has_axes(s, 1, 2, images) ? images->channels : 1;
}

void xbtab__network_run_image(const xbtab_network *network, const xbtab_images *images, size_t image,
                              float scale, const xbtab__float_run *run)
{
    float *x = run->data[network->input];
    size_t size = network->value[network->input].shape.size, last = xbtab__channels_last(network, images);
    const float *pixel = images->pixel + image * size;
    for (size_t k = 0; k < size; k++) x[k] = scale * pixel[xbtab__pixel_at(images, last, k)];
    for (int k = 0; k < network->n_nodes; k++) network->node[k].type->run(network, &network->node[k], run);
}

xbtab_status xbtab__check_images(const xbtab_network *network, const xbtab_images *images, size_t n)
{
    const xbtab__value *input = &network->value[network->input];
    size_t size = images->channels * images->height * images->width;
    const xbtab__shape *s = &input->shape;
    bool fits = s->rank == 4 ? has_axes(s, 1, 2, images) || has_axes(s, 3, 1, images) : size == s->size;
    if (!fits) {
        XBTAB_FAIL(XBTAB_ERR_INPUT, "%s: input \"%s\" takes %zu numbers; the images have %zu x %zu x %zu",
                   network->path, input->name, s->size, images->channels, images->height, images->width);
    }
    if (n > images->n) XBTAB_FAIL(XBTAB_ERR_INPUT, "%zu images asked for; there are %zu", n, images->n);
    for (size_t k = 0; !images->is_bytes && k < n * size; k++) {
        if (!isfinite(images->pixel[k]))
            XBTAB_FAIL(XBTAB_ERR_INPUT, "image %zu: number %zu of %zu is not finite", k / size, k % size,
                       size);
    }
    return XBTAB_OK;
}

int xbtab__thread_count(const xbtab_run_options *options)
{
    return options->threads > 0 ? options->threads : omp_get_max_threads();
}

xbtab_status xbtab__for_images(size_t n, const xbtab_run_options *options, double work_an_image,
                               xbtab__image_fn work, void *context)
{
    const xbtab__each_options loop = {.threads = xbtab__thread_count(options),
                                      .what = options->what ? options->what : "images",
                                      .items = "images",
                                      .work = work_an_image,
                                      .progress = options->progress,
                                      .payload = options->payload};
    return xbtab__each(n, &loop, work, context);
}

xbtab_status xbtab__check_outputs(const xbtab_network *n, size_t image, const float *output)
{
    size_t n_outputs = xbtab_network_outputs(n);
    for (size_t o = 0; o < n_outputs; o++) {
        if (isnan(output[o]))
            XBTAB_FAIL(XBTAB_ERR_INPUT, "%s: output %zu of image %zu is not a number", n->path, o, image);
    }
    return XBTAB_OK;
}

typedef struct float_job {
    const xbtab_network *network;
    const xbtab_images *images;
    const xbtab__float_run *runs;
    float scale;
    float *outputs;
} float_job;

static xbtab_status run_image(void *context, size_t image, int thread)
{
    const float_job *job = context;
    const xbtab_network *n = job->network;
    size_t n_outputs = xbtab_network_outputs(n);
    xbtab__network_run_image(n, job->images, image, job->scale, &job->runs[thread]);
    memcpy(job->outputs + image * n_outputs, job->runs[thread].data[n->output], n_outputs * sizeof(float));
    return xbtab__check_outputs(n, image, job->outputs + image * n_outputs);
}

xbtab_status xbtab_network_run(const xbtab_network *network, const xbtab_images *images, size_t n,
                               const xbtab_run_options *options, float *outputs)
{
    static const xbtab_run_options defaults = {0};
    xbtab__float_run *runs = NULL;
    if (!options) options = &defaults;
    int threads = xbtab__thread_count(options);
    XBTAB_TRY(xbtab__check_images(network, images, n));
    XBTAB_TRY(xbtab__float_runs_create(&runs, network, threads));
    float_job job = {.network = network,
                     .images = images,
                     .runs = runs,
                     .scale = xbtab__pixel_scale(network, images, options->raw_pixels != 0),
                     .outputs = outputs};
    xbtab_status status = xbtab__for_images(n, options, 0, run_image, &job);
    xbtab__float_runs_destroy(&runs, threads);
    return status;
}

size_t xbtab_argmax(const float *output, size_t n)
{
    size_t best = 0;
    for (size_t k = 1; k < n; k++) {
        if (output[k] > output[best]) best = k;
    }
    return best;
}
