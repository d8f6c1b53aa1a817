/* onnx_input.c - the network's one input, and the sizes of its axes. Most exports leave some open: that of
 * the images is run with 1, the others are told or taken from the images. */
#include <stdio.h>
#include <string.h>

#include "onnx_read.h"

/* An input's axes as the file has them. */
typedef struct axes {
    const char *input;
    int rank, batch;              /* rank 0 = not said; batch: the axis that counts images */
    int64_t dim[XBTAB__NET_RANK]; /* 0 = open */
    const char *name[XBTAB__NET_RANK];
    bool was_open[XBTAB__NET_RANK];
} axes;

/* ---- what the file says ---- */

/* Names of the constants, which are no inputs even where the file lists them as such. */
static xbtab_status name_constants(xbtab__scope *out, const xbtab_network *n, const Onnx__GraphProto *graph)
{
    for (size_t k = 0; k < graph->n_initializer; k++) {
        const char *name = graph->initializer[k]->name;
        if (name) XBTAB_TRY(xbtab__scope_bind(out, n, name, XBTAB__NO_VALUE));
    }
    return XBTAB_OK;
}

static bool is_constant(const xbtab__scope *constants, const char *name)
{
    return xbtab__scope_find(constants, name) != XBTAB__NO_NAME;
}

/* The axis of the input that counts images: the first, but recurrent operators have time there. */
static int batch_axis(const Onnx__GraphProto *graph, const char *input)
{
    for (size_t k = 0; k < graph->n_node; k++) {
        const Onnx__NodeProto *node = graph->node[k];
        const char *type = node->op_type ? node->op_type : "";
        bool has_time = strcmp(type, "LSTM") == 0 || strcmp(type, "GRU") == 0 || strcmp(type, "RNN") == 0;
        if (!has_time || node->n_input == 0 || strcmp(node->input[0], input) != 0) continue;
        for (size_t a = 0; a < node->n_attribute; a++) {
            if (node->attribute[a]->name && strcmp(node->attribute[a]->name, "layout") == 0 &&
                node->attribute[a]->i)
                return 0;
        }
        return 1;
    }
    return 0;
}

static const Onnx__TypeProto__Tensor *tensor_of(const Onnx__ValueInfoProto *input)
{
    return input->type && input->type->value_case == ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE
               ? input->type->tensor_type
               : NULL;
}

static xbtab_status take_axes(const xbtab_network *n, const Onnx__GraphProto *graph,
                              const Onnx__ValueInfoProto *input, axes *out)
{
    const Onnx__TypeProto__Tensor *type = tensor_of(input);
    *out = (axes){.input = input->name, .batch = batch_axis(graph, input->name)};
    if (type && !type->shape) return XBTAB_OK;
    if (!type || type->shape->n_dim < 2 || type->shape->n_dim > XBTAB__NET_RANK) {
        XBTAB_FAIL(XBTAB_ERR_UNSUPPORTED, "%s: input \"%s\" must be a tensor of a batch and 1 to 5 more axes",
                   n->path, input->name);
    }
    out->rank = (int)type->shape->n_dim;
    for (int k = 0; k < out->rank; k++) {
        const Onnx__TensorShapeProto__Dimension *d = type->shape->dim[k];
        bool is_fixed = d->value_case == ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE;
        bool is_named = d->value_case == ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_PARAM;
        out->dim[k] = is_fixed && d->dim_value > 0 ? d->dim_value : 0;
        out->name[k] = is_named && d->dim_param[0] ? d->dim_param : NULL;
        out->was_open[k] = out->dim[k] == 0;
    }
    return XBTAB_OK;
}

/* ---- sizes that are told ---- */

/* Axes of one name are of one size. */
static xbtab_status check_names(const xbtab_network *n, const axes *a, xbtab_status code)
{
    for (int k = 0; k < a->rank; k++) {
        for (int other = 0; other < k; other++) {
            if (!a->name[k] || !a->name[other] || strcmp(a->name[k], a->name[other]) != 0 ||
                a->dim[k] == a->dim[other])
                continue;
            XBTAB_FAIL(code, "%s: axes %d and %d of input \"%s\" are both \"%s\", but have %lld and %lld",
                       n->path, other, k, a->input, a->name[k], (long long)a->dim[other],
                       (long long)a->dim[k]);
        }
    }
    return XBTAB_OK;
}

static xbtab_status fit_shape(const xbtab_network *n, const xbtab_input_shape *shape, axes *a)
{
    if (a->rank == 0) {
        a->rank = shape->rank;
        for (int k = 0; k < a->rank && k < XBTAB__NET_RANK; k++) a->was_open[k] = true;
    }
    if (shape->rank != a->rank || shape->rank < 2 || shape->rank > XBTAB__NET_RANK)
        XBTAB_FAIL(XBTAB_ERR_OPTION, "%s: a shape of %d axes for input \"%s\" of %d", n->path, shape->rank,
                   a->input, a->rank);
    for (int k = 0; k < a->rank; k++) {
        int64_t d = shape->dim[k];
        if (d < 1)
            XBTAB_FAIL(XBTAB_ERR_OPTION, "%s: axis %d of input \"%s\" cannot have %lld", n->path, k, a->input,
                       (long long)d);
        if (k == a->batch && a->was_open[k] && d != 1)
            XBTAB_FAIL(XBTAB_ERR_OPTION,
                       "%s: axis %d of input \"%s\" counts images, which run one at a time: 1, not %lld",
                       n->path, k, a->input, (long long)d);
        bool fits = a->was_open[k] || d == a->dim[k] || (k == a->batch && d == 1);
        if (!fits)
            XBTAB_FAIL(XBTAB_ERR_OPTION, "%s: axis %d of input \"%s\" has %lld in the file, not %lld",
                       n->path, k, a->input, (long long)a->dim[k], (long long)d);
        if (a->was_open[k]) a->dim[k] = d;
    }
    return check_names(n, a, XBTAB_ERR_OPTION);
}

/* Every shape that was given is of an input and fits it, be it one that is read or not. */
static xbtab_status check_shapes(const xbtab__reader *r, const Onnx__GraphProto *graph,
                                 const xbtab__scope *constants)
{
    const xbtab_open_options *o = r->options;
    for (size_t s = 0; s < o->n_shapes; s++) {
        const Onnx__ValueInfoProto *input = NULL;
        char names[256] = "";
        size_t length = 0;
        axes a;
        for (size_t k = 0; k < graph->n_input; k++) {
            const char *name = graph->input[k]->name;
            if (!name || is_constant(constants, name)) continue;
            if (strcmp(name, o->shape[s].name) == 0) input = graph->input[k];
            if (length < sizeof names)
                length += (size_t)snprintf(names + length, sizeof names - length, "%s\"%s\"",
                                           length ? ", " : "", name);
        }
        if (!input)
            XBTAB_FAIL(XBTAB_ERR_OPTION, "%s: a shape for \"%s\", which is no input; there is: %s",
                       r->n->path, o->shape[s].name, names);
        for (size_t other = 0; other < s; other++) {
            if (strcmp(o->shape[other].name, o->shape[s].name) == 0)
                XBTAB_FAIL(XBTAB_ERR_OPTION, "%s: two shapes for input \"%s\"", r->n->path, o->shape[s].name);
        }
        XBTAB_TRY(take_axes(r->n, graph, input, &a));
        XBTAB_TRY(fit_shape(r->n, &o->shape[s], &a));
    }
    return XBTAB_OK;
}

/* ---- sizes of images ---- */

/* Let the axes beside the batch have some sizes, the last ones where there are fewer. */
static bool fits_as(const axes *a, const int64_t *size, int n_sizes, axes *out)
{
    int at = n_sizes - (a->rank - 1);
    axes filled = *a;
    for (int k = 0; k < a->rank; k++) {
        if (k == a->batch) continue;
        int64_t d = at < 0 ? 1 : size[at];
        at++;
        if (!filled.dim[k]) filled.dim[k] = d;
        if (filled.dim[k] != d) return false;
    }
    *out = filled;
    return true;
}

/* A single open axis has what the others leave of all numbers. */
static bool fits_in_one(const axes *a, int64_t total, axes *out)
{
    int open = -1;
    for (int k = 0; k < a->rank; k++) {
        if (k == a->batch) continue;
        if (!a->dim[k]) {
            if (open >= 0) return false;
            open = k;
        } else if (total % a->dim[k] != 0) {
            return false;
        } else {
            total /= a->dim[k];
        }
    }
    if (open < 0) return false;
    *out = *a;
    out->dim[open] = total;
    return true;
}

static bool fill_axes(const xbtab_images *images, axes *a)
{
    int64_t C = (int64_t)images->channels, H = (int64_t)images->height, W = (int64_t)images->width;
    int64_t first[3] = {C, H, W}, last[3] = {H, W, C}, total = C * H * W;
    switch (a->rank - 1) {
    case 1:
        return fits_as(a, &total, 1, a);
    case 2:
        if (C > 1 && fits_as(a, (int64_t[]){C, H * W}, 2, a)) return true;
        if (C == 1 && fits_as(a, (int64_t[]){H, W}, 2, a)) return true;
        break;
    default:
        if (fits_as(a, first, 3, a) || (a->rank == 4 && fits_as(a, last, 3, a))) return true;
    }
    return a->rank != 4 && fits_in_one(a, total, a);
}

static void axes_text(const axes *a, char *out, size_t size)
{
    size_t length = 0;
    out[0] = '\0';
    for (int k = 0; k < a->rank && length < size; k++) {
        const char *sep = k ? " x " : "";
        length +=
            (size_t)(a->dim[k]
                         ? snprintf(out + length, size - length, "%s%lld", sep, (long long)a->dim[k])
                         : snprintf(out + length, size - length, "%s%s", sep, a->name[k] ? a->name[k] : "?"));
    }
}

static xbtab_status take_images(const xbtab_network *n, const xbtab_images *images, axes *a)
{
    char text[160];
    if (a->rank > 0 && fill_axes(images, a)) return check_names(n, a, XBTAB_ERR_INPUT);
    axes_text(a, text, sizeof text);
    XBTAB_FAIL(XBTAB_ERR_INPUT,
               "%s: input \"%s\" is of %s; images of %zu x %zu x %zu do not give it its sizes", n->path,
               a->input, a->rank ? text : "any shape", images->channels, images->height, images->width);
}

/* ---- the input ---- */

/* The one input that is read; where none is, the first. */
static xbtab_status find_input(const xbtab_network *n, const Onnx__GraphProto *graph,
                               const xbtab__scope *constants, const xbtab__scope *needed,
                               const Onnx__ValueInfoProto **out)
{
    const Onnx__ValueInfoProto *first = NULL, *read = NULL;
    for (size_t k = 0; k < graph->n_input; k++) {
        const Onnx__ValueInfoProto *input = graph->input[k];
        if (!input->name || is_constant(constants, input->name)) continue;
        if (!first) first = input;
        if (xbtab__scope_find(needed, input->name) == XBTAB__NO_NAME) continue;
        if (read)
            XBTAB_FAIL(XBTAB_ERR_UNSUPPORTED,
                       "%s: has more than one input, \"%s\" and \"%s\"; networks of one input are supported",
                       n->path, read->name, input->name);
        read = input;
    }
    if (!first) XBTAB_FAIL(XBTAB_ERR_INPUT, "%s: has no input", n->path);
    *out = read ? read : first;
    return XBTAB_OK;
}

static xbtab_status size_axes(const xbtab__reader *r, axes *a)
{
    const xbtab_open_options *o = r->options;
    const xbtab_input_shape *shape = NULL;
    bool is_open = a->rank == 0;
    for (size_t s = 0; s < o->n_shapes; s++) {
        if (strcmp(o->shape[s].name, a->input) == 0) shape = &o->shape[s];
    }
    if (shape) XBTAB_TRY(fit_shape(r->n, shape, a));
    if (a->rank > 0) r->n->batch = a->was_open[a->batch] ? 0 : a->dim[a->batch];
    if (a->rank > 0) a->dim[a->batch] = 1; /* images run one at a time */
    for (int k = 0; k < a->rank; k++) is_open = is_open || a->dim[k] == 0;
    if (!is_open || shape) return XBTAB_OK;
    if (o->images) return take_images(r->n, o->images, a);
    for (int k = 0; k < a->rank; k++) {
        if (a->dim[k]) continue;
        XBTAB_FAIL(XBTAB_ERR_UNSUPPORTED,
                   "%s: axis %d%s%s%s of input \"%s\" has no fixed size: give its shape (--input-shape "
                   "%s=1,...) or images",
                   r->n->path, k, a->name[k] ? " (" : "", a->name[k] ? a->name[k] : "", a->name[k] ? ")" : "",
                   a->input, a->input);
    }
    XBTAB_FAIL(XBTAB_ERR_UNSUPPORTED, "%s: input \"%s\" has no shape: give it (--input-shape %s=1,...)",
               r->n->path, a->input, a->input);
}

xbtab_status xbtab__read_input(xbtab__frame *f, const Onnx__GraphProto *graph, const xbtab__scope *needed)
{
    xbtab_network *n = f->reader->n;
    const Onnx__ValueInfoProto *input = NULL;
    xbtab__scope constants = {0};
    axes a;
    xbtab_status status = name_constants(&constants, n, graph);
    if (status == XBTAB_OK) status = find_input(n, graph, &constants, needed, &input);
    if (status == XBTAB_OK) status = check_shapes(f->reader, graph, &constants);
    xbtab__scope_clear(&constants);
    if (status < 0) return status;
    XBTAB_TRY(take_axes(n, graph, input, &a));
    XBTAB_TRY(size_axes(f->reader, &a));
    XBTAB_TRY(xbtab__add_value(n, input->name, &n->input));
    XBTAB_TRY(xbtab__scope_bind(&f->names, n, input->name, n->input));
    int32_t type = tensor_of(input)->elem_type;
    n->value[n->input].type = xbtab__is_integer_type(type) ? type : XBTAB__TYPE_FLOAT;
    return xbtab__shape_set(n, NULL, &n->value[n->input], a.rank, a.dim);
}
