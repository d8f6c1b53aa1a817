/* onnx_read.c - an ONNX file to a graph, through protobuf-c and the schema of Debian's libonnx-dev. */
#include "onnx_read.h"

#include <stdio.h>
#include <string.h>

#include "file.h"
#include "memory.h"

/* The largest file read: ResNet-50 in float is 100 MB. */
static const size_t largest_file = (size_t)1 << 30;

enum {
    OLDEST_OPSET = 1,
    NEWEST_OPSET = 22,
    SAME_END_OPSET = 7 /* from which tensors broadcast as NumPy's do */
};

/* ---- nodes ---- */

/* What a node of the file calls a value; one between nodes has no name yet. */
static xbtab_status name_value(xbtab__frame *f, int value, const char *name)
{
    xbtab_network *n = f->reader->n;
    XBTAB_TRY(xbtab__scope_bind(&f->names, n, name, value));
    if (n->value[value].name[0] != '\n') return XBTAB_OK;
    char *copy = xbtab__strdup(name);
    if (!copy) return XBTAB_NOMEM();
    xbtab__free(n->value[value].name);
    n->value[value].name = copy;
    return XBTAB_OK;
}

static xbtab_status fail_operator(const xbtab_network *n, const Onnx__NodeProto *proto, const char *type)
{
    char names[2048];
    xbtab__operator_names(names, sizeof names);
    XBTAB_FAIL(XBTAB_ERR_UNSUPPORTED, "%s: node \"%s\": operator %s%s%s is not supported; there are: %s",
               n->path, proto->name ? proto->name : "", proto->domain ? proto->domain : "",
               proto->domain && proto->domain[0] ? "." : "", type, names);
}

bool xbtab__is_own_domain(const char *domain)
{
    return !domain || !domain[0] || strcmp(domain, "ai.onnx") == 0;
}

/* ONNX's own operators, and those of quantized networks, whether the file declares their domain or not. */
bool xbtab__is_known_domain(const char *domain)
{
    static const char *const known[] = {"onnx.brevitas", "qonnx.custom_op.general", "finn.custom_op.general",
                                        "com.microsoft"};
    if (xbtab__is_own_domain(domain)) return true;
    for (size_t k = 0; k < sizeof known / sizeof known[0]; k++) {
        if (strcmp(domain, known[k]) == 0) return true;
    }
    return false;
}

static bool are_alike(const xbtab__shape *a, const xbtab__shape *b)
{
    return a->rank == b->rank && memcmp(a->dim, b->dim, (size_t)a->rank * sizeof *a->dim) == 0;
}

/* Before opset 7 a second tensor of fewer axes began at an axis of the first, and slopes at its channels; now
 * it ends where the first ends. */
static xbtab_status align_second(xbtab_network *n, xbtab__node *call)
{
    static const char *const pairs[] = {"Add", "And", "Div",   "Equal", "Greater", "Less",
                                        "Mul", "Or",  "PRelu", "Pow",   "Sub",     "Xor"};
    bool is_pair = false, is_slope = strcmp(call->type->name, "PRelu") == 0;
    for (size_t k = 0; k < sizeof pairs / sizeof pairs[0]; k++)
        is_pair = is_pair || strcmp(call->type->name, pairs[k]) == 0;
    if (!is_pair || n->opset >= SAME_END_OPSET) return XBTAB_OK;
    const xbtab__value *first = xbtab__input_of(n, call, 0), *second = xbtab__input_of(n, call, 1);
    if (!first || !second) return XBTAB_OK;
    if (!is_slope && !call->attributes.broadcast && !are_alike(&first->shape, &second->shape))
        return xbtab__node_fail(n, call, XBTAB_ERR_INPUT, "its tensors differ in shape, without broadcast");
    if (second->shape.size == 1 || (!is_slope && !call->attributes.has_axis)) return XBTAB_OK;
    int64_t axis = is_slope && first->shape.rank > 1 ? 1 : call->attributes.axis;
    if (axis < 0) axis += first->shape.rank;
    int64_t behind = first->shape.rank - axis - second->shape.rank;
    if (axis < 0 || behind < 0)
        return xbtab__node_fail(n, call, XBTAB_ERR_INPUT, "its second tensor does not fit the first");
    if (behind == 0) return XBTAB_OK;
    xbtab__attributes a;
    xbtab__attributes_init(&a, "Unsqueeze");
    a.n_axes = (int)behind;
    for (int k = 0; k < a.n_axes; k++) a.axes[k] = second->shape.rank + k;
    return xbtab__add_node(n, call->name, xbtab__operator_find("Unsqueeze"), 1, &call->input[1], &a,
                           &call->input[1]);
}

/* Why a name stands for nothing. */
static xbtab_status fail_missing(const xbtab__frame *f, const xbtab__node *node, const char *name)
{
    for (size_t other = 0; other < f->n_node && name[0]; other++) {
        for (size_t o = 0; o < f->node[other]->n_output; o++) {
            if (strcmp(f->node[other]->output[o], name) != 0) continue;
            return xbtab__node_fail(f->reader->n, node, XBTAB_ERR_INPUT,
                                    "its input \"%s\" comes from no node before it but from a later one: "
                                    "the graph has a cycle or is out of order",
                                    name);
        }
    }
    return xbtab__node_fail(f->reader->n, node, XBTAB_ERR_INPUT,
                            "its input \"%s\" comes from no node before it", name);
}

/* The node's inputs as values: those of nodes before it, and of the graph. */
static xbtab_status find_inputs(const xbtab__frame *f, const Onnx__NodeProto *proto, xbtab__node *node)
{
    const xbtab_network *n = f->reader->n;
    for (size_t k = 0; k < proto->n_input; k++) {
        const char *name = proto->input[k];
        bool is_needed = k < (size_t)node->type->least_inputs;
        int value = name[0] ? xbtab__scope_find(&f->names, name) : XBTAB__NO_VALUE;
        node->input[k] = value < 0 ? -1 : value;
        if (value == XBTAB__NO_NAME || (value < 0 && is_needed)) return fail_missing(f, node, name);
        if (value < 0) continue;
        if (n->value[value].shape.rank == 0) {
            return xbtab__node_fail(n, node, XBTAB_ERR_UNSUPPORTED,
                                    "its input \"%s\" is an output that is not supported", name);
        }
        if (n->value[value].shape.size > 0) continue;
        bool is_data = is_needed || node->type->most_inputs == XBTAB__NET_INPUTS;
        if (is_data && xbtab__takes_empty(node->type)) continue;
        if (is_needed)
            return xbtab__node_fail(n, node, XBTAB_ERR_UNSUPPORTED, "its input \"%s\" is empty", name);
        node->input[k] = -1; /* an empty list is none */
    }
    return XBTAB_OK;
}

/* Constant, whose forms beside a tensor are numbers and lists of them. */
static xbtab_status add_constant_node(xbtab__frame *f, const Onnx__NodeProto *proto)
{
    static const xbtab__operator constant = {.name = "Constant"};
    const xbtab__node call = {.name = proto->name ? proto->name : proto->op_type, .type = &constant};
    xbtab_network *n = f->reader->n;
    int index;
    XBTAB_TRY(xbtab__check_attributes(n, &call, proto));
    if (proto->n_attribute != 1) return xbtab__node_fail(n, &call, XBTAB_ERR_INPUT, "has not one value");
    for (size_t k = 0; k < proto->n_attribute && proto->n_output == 1; k++) {
        const Onnx__AttributeProto *a = proto->attribute[k];
        const char *name = a->name ? a->name : "";
        if (a->t) {
            XBTAB_TRY(xbtab__read_tensor(n, a->t, proto->output[0], &index));
            return xbtab__scope_bind(&f->names, n, proto->output[0], index);
        }
        bool is_int = strncmp(name, "value_int", 9) == 0, is_list = name[0] && name[strlen(name) - 1] == 's';
        if (!is_int && strncmp(name, "value_float", 11) != 0) continue;
        size_t count = !is_list ? 1 : is_int ? a->n_ints : a->n_floats;
        XBTAB_TRY(xbtab__add_constant(n, 1, (int64_t[]){(int64_t)count},
                                      is_int ? XBTAB__TYPE_INT64 : XBTAB__TYPE_FLOAT, false, &index));
        xbtab__value *v = &n->value[index];
        v->is_scalar = !is_list;
        v->integers = is_int ? xbtab__alloc(count, sizeof *v->integers) : NULL;
        if (is_int && !v->integers) return XBTAB_NOMEM();
        for (size_t j = 0; j < count; j++) {
            if (is_int) v->integers[j] = is_list ? a->ints[j] : a->i;
            v->constant[j] = is_int ? (float)v->integers[j] : is_list ? a->floats[j] : a->f;
        }
        return name_value(f, index, proto->output[0]);
    }
    XBTAB_FAIL(XBTAB_ERR_UNSUPPORTED, "%s: node \"%s\": Constant without numbers", n->path,
               proto->name ? proto->name : "");
}

/* A node that stands for others. */
static xbtab_status add_compound(xbtab__frame *f, const Onnx__NodeProto *proto, xbtab__node *call)
{
    for (int k = 0; k < XBTAB__NET_OUTPUTS - 1; k++) call->more[k] = -1;
    XBTAB_TRY(call->type->infer(f->reader->n, call));
    for (size_t k = 0; k < proto->n_output && k < XBTAB__NET_OUTPUTS; k++) {
        int value = k ? call->more[k - 1] : call->output;
        if (value >= 0 && proto->output[k][0]) XBTAB_TRY(name_value(f, value, proto->output[k]));
    }
    return XBTAB_OK;
}

static xbtab_status add_output(xbtab__frame *f, const char *name, int *out)
{
    XBTAB_TRY(xbtab__add_value(f->reader->n, name, out));
    return xbtab__scope_bind(&f->names, f->reader->n, name, *out);
}

/* A node of its own. */
static xbtab_status add_single(xbtab__frame *f, const Onnx__NodeProto *proto, const xbtab__node *call)
{
    xbtab_network *n = f->reader->n;
    xbtab__node *node = NULL;
    XBTAB_TRY(xbtab__append_node(n, call, &node));
    XBTAB_TRY(add_output(f, proto->output[0], &node->output));
    node->n_more = (int)proto->n_output - 1;
    for (int k = 0; k < node->n_more; k++) {
        node->more[k] = -1;
        if (proto->output[k + 1][0]) XBTAB_TRY(add_output(f, proto->output[k + 1], &node->more[k]));
    }
    return xbtab__infer_last(n);
}

/* What messages call a node: its own name, or its output's, behind those of the calls that led to it. */
static void name_node(const xbtab__frame *f, const Onnx__NodeProto *proto, char *out, size_t size)
{
    const char *name = proto->name && proto->name[0] ? proto->name
                       : proto->n_output             ? proto->output[0]
                                                     : proto->op_type;
    snprintf(out, size, "%s%s%s", f->where ? f->where : "", f->where ? "/" : "", name);
}

static xbtab_status add_operator(xbtab__frame *f, const Onnx__NodeProto *proto, const xbtab__operator *type)
{
    xbtab_network *n = f->reader->n;
    char name[1024];
    xbtab__node call = {.type = type, .name = name};
    name_node(f, proto, name, sizeof name);
    if (xbtab__operator_quantizes(type)) n->is_quantized = true;
    if (proto->n_input < (size_t)type->least_inputs || proto->n_input > (size_t)type->most_inputs ||
        proto->n_output < 1 || proto->n_output > XBTAB__NET_OUTPUTS || (!proto->output[0][0] && type->run)) {
        return xbtab__node_fail(n, &call, XBTAB_ERR_UNSUPPORTED, "has %zu inputs and %zu outputs",
                                proto->n_input, proto->n_output);
    }
    call.n_inputs = (int)proto->n_input;
    call.n_more = (int)proto->n_output - 1;
    XBTAB_TRY(xbtab__check_attributes(n, &call, proto));
    XBTAB_TRY(find_inputs(f, proto, &call));
    int tensor;
    XBTAB_TRY(xbtab__read_attributes(n, &call.attributes, proto, &tensor));
    if (tensor >= 0 && call.n_inputs < type->most_inputs) call.input[call.n_inputs++] = tensor;
    XBTAB_TRY(align_second(n, &call));
    const xbtab__operator *turned = xbtab__turned_product(n, &call);
    if (turned) call.type = turned;
    return call.type->run ? add_single(f, proto, &call) : add_compound(f, proto, &call);
}

static xbtab_status add_node(xbtab__frame *f, const Onnx__NodeProto *proto)
{
    const char *type = proto->op_type ? proto->op_type : "";
    const Onnx__FunctionProto *function = xbtab__find_function(f->reader, proto);
    if (function) return xbtab__read_call(f, proto, function);
    bool is_own = xbtab__is_own_domain(proto->domain);
    if (is_own && strcmp(type, "If") == 0) return xbtab__read_if(f, proto);
    bool is_known = xbtab__is_known_domain(proto->domain);
    if (is_known && strcmp(type, "Constant") == 0) return add_constant_node(f, proto);
    const xbtab__operator *found = is_known ? xbtab__operator_find(type) : NULL;
    return found ? add_operator(f, proto, found) : fail_operator(f->reader->n, proto, type);
}

/* With its function's attributes in place of what refers to them. */
static xbtab_status add_resolved(xbtab__frame *f, const Onnx__NodeProto *proto)
{
    Onnx__NodeProto *resolved = NULL;
    XBTAB_TRY(xbtab__resolve_attributes(f, proto, &resolved));
    xbtab_status status = add_node(f, resolved ? resolved : proto);
    if (resolved) xbtab__free(resolved->attribute);
    xbtab__free(resolved);
    return status;
}

/* ---- graphs ---- */

xbtab_status xbtab__read_body(xbtab__frame *f, const Onnx__GraphProto *graph, char *const *wanted,
                              size_t n_wanted)
{
    const xbtab_network *n = f->reader->n;
    xbtab_status status = XBTAB_OK;
    xbtab__scope needed = {0};
    /* all nodes of a body are looked at, again in each call; 256 younger fields take as long as a node */
    f->reader->visited += f->n_node + (f->function ? f->function->base.n_unknown_fields / 256 : 0);
    if (f->reader->visited > XBTAB__NET_NODES)
        XBTAB_FAIL(XBTAB_ERR_UNSUPPORTED, "%s: has more than %d nodes", n->path, XBTAB__NET_NODES);
    bool *is_needed = xbtab__alloc(f->n_node, sizeof *is_needed);
    if (!is_needed) return XBTAB_NOMEM();
    for (size_t k = 0; k < n_wanted; k++) XBTAB_TRY_DONE(xbtab__want(&needed, n, wanted[k]));
    XBTAB_TRY_DONE(xbtab__mark_needed(n, f->node, f->n_node, &needed, is_needed));
    if (graph) XBTAB_TRY_DONE(xbtab__read_constants(f, graph, &needed));
    if (graph && !f->caller) XBTAB_TRY_DONE(xbtab__read_input(f, graph, &needed));
    for (size_t k = 0; k < f->n_node; k++) {
        if (is_needed[k]) XBTAB_TRY_DONE(add_resolved(f, f->node[k]));
    }
done:
    xbtab__free(is_needed);
    xbtab__scope_clear(&needed);
    return status;
}

xbtab_status xbtab__read_constants(xbtab__frame *f, const Onnx__GraphProto *graph, const xbtab__scope *needed)
{
    xbtab_network *n = f->reader->n;
    int index;
    for (size_t k = 0; k < graph->n_initializer; k++) {
        const Onnx__TensorProto *t = graph->initializer[k];
        const char *name = t->name ? t->name : "";
        if (xbtab__scope_find(needed, name) == XBTAB__NO_NAME) {
            XBTAB_TRY(xbtab__check_tensor(n, t, name));
            continue;
        }
        XBTAB_TRY(xbtab__read_tensor(n, t, name, &index));
        XBTAB_TRY(xbtab__scope_bind(&f->names, n, name, index));
    }
    for (size_t k = 0; k < graph->n_sparse_initializer; k++) {
        const Onnx__TensorProto *t = graph->sparse_initializer[k]->values;
        if (!t || !t->name || xbtab__scope_find(needed, t->name) == XBTAB__NO_NAME) continue;
        XBTAB_FAIL(XBTAB_ERR_UNSUPPORTED, "%s: has sparse tensors; only dense ones are supported", n->path);
    }
    return XBTAB_OK;
}

xbtab_status xbtab__take_opset(xbtab_network *n, Onnx__OperatorSetIdProto *const *set, size_t n_sets,
                               const char *who)
{
    for (size_t k = 0; k < n_sets; k++) {
        if (!xbtab__is_own_domain(set[k]->domain)) continue;
        if (set[k]->version < OLDEST_OPSET || set[k]->version > NEWEST_OPSET) {
            XBTAB_FAIL(XBTAB_ERR_UNSUPPORTED, "%s: %s%sopset %lld; %d to %d are supported", n->path,
                       who ? who : "", who ? ": " : "", (long long)set[k]->version, OLDEST_OPSET,
                       NEWEST_OPSET);
        }
        n->opset = set[k]->version;
    }
    if (n->opset == 0) { /* what files that end behind their graph lack */
        XBTAB_FAIL(XBTAB_ERR_INPUT, "%s: names no opset of ONNX's own operators: not a whole ONNX file",
                   n->path);
    }
    return XBTAB_OK;
}

static xbtab_status take_graph(xbtab__reader *r)
{
    xbtab_network *n = r->n;
    const Onnx__GraphProto *graph = r->model->graph;
    xbtab__frame f = {.reader = r, .node = graph->node, .n_node = graph->n_node};
    if (graph->n_node > XBTAB__NET_NODES)
        XBTAB_FAIL(XBTAB_ERR_UNSUPPORTED, "%s: has %zu nodes; %d are supported", n->path, graph->n_node,
                   XBTAB__NET_NODES);
    if (graph->n_output == 0) XBTAB_FAIL(XBTAB_ERR_INPUT, "%s: has no output", n->path);
    char *wanted = graph->output[0]->name;
    xbtab_status status = xbtab__read_body(&f, graph, &wanted, wanted != NULL);
    n->output = wanted ? xbtab__scope_find(&f.names, wanted) : XBTAB__NO_NAME;
    xbtab__scope_clear(&f.names);
    XBTAB_TRY(status);
    if (n->output < 0 || n->value[n->output].shape.rank == 0)
        XBTAB_FAIL(XBTAB_ERR_INPUT, "%s: its output comes from no node", n->path);
    return xbtab__network_finish(n);
}

xbtab_status xbtab_network_open(xbtab_network **out, const char *path)
{
    return xbtab_network_open_as(out, path, NULL);
}

xbtab_status xbtab_network_open_as(xbtab_network **out, const char *path, const xbtab_open_options *options)
{
    xbtab_network *n = NULL;
    XBTAB_TRY(xbtab__network_read(&n, path, options));
    if (n->value[n->output].constant) {
        xbtab_network_destroy(&n);
        XBTAB_FAIL(XBTAB_ERR_INPUT, "%s: its output does not depend on its input", path);
    }
    if (n->value[n->output].shape.size == 0) {
        xbtab_network_destroy(&n);
        XBTAB_FAIL(XBTAB_ERR_INPUT, "%s: its output has no numbers", path);
    }
    xbtab_status status = xbtab__network_find_lattices(n);
    if (status < 0) {
        xbtab_network_destroy(&n);
        return status;
    }
    *out = n;
    return XBTAB_OK;
}

xbtab_status xbtab__network_read(xbtab_network **out, const char *path, const xbtab_open_options *options)
{
    static const xbtab_open_options defaults = {0};
    xbtab_status status;
    char *data = NULL;
    size_t size = 0;
    Onnx__ModelProto *model = NULL;
    xbtab__reader reader = {.options = options ? options : &defaults};
    XBTAB_TRY(xbtab__file_read(&data, &size, path, largest_file));
    xbtab_network *n = xbtab__alloc(1, sizeof *n);
    if (n) n->path = xbtab__strdup(path);
    if (!n || !n->path) {
        status = XBTAB_NOMEM();
        goto done;
    }
    n->file_size = size;
    n->find_operator = xbtab__operator_find;
    n->keeps_norms = reader.options->keeps_norms != 0;
    XBTAB_TRY_DONE(xbtab__onnx_unpack(&model, path, data, size));
    XBTAB_TRY_DONE(xbtab__take_opset(n, model->opset_import, model->n_opset_import, NULL));
    reader.n = n;
    reader.model = model;
    XBTAB_TRY_DONE(xbtab__name_functions(&reader));
    XBTAB_TRY_DONE(take_graph(&reader));
    *out = n;
    n = NULL;
done:
    xbtab__scope_clear(&reader.functions);
    if (model) onnx__model_proto__free_unpacked(model, NULL);
    xbtab__free(data);
    xbtab_network_destroy(&n);
    return status;
}
