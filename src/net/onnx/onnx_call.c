/* onnx_call.c - what a node leads to beside itself: functions that the file brings along, and the branches of
 * If. Both are read in the node's place, with names of their own. */
#include <stdio.h>
#include <string.h>

#include "memory.h"
#include "onnx_read.h"

enum {
    DEEPEST_CALL = 32,     /* of functions within functions: exporters' modules are 10 deep */
    MOST_FUNCTIONS = 4096, /* each call of one looks for it among those of its name */
    MOST_ATTRIBUTES = 256  /* of a call, and that a function knows */
};

/* ---- what is needed ---- */

xbtab_status xbtab__want(xbtab__scope *names, const xbtab_network *n, const char *name)
{
    bool is_new = name && name[0] && xbtab__scope_find(names, name) == XBTAB__NO_NAME;
    return is_new ? xbtab__scope_bind(names, n, name, XBTAB__NO_VALUE) : XBTAB_OK;
}

static xbtab_status want_graph(xbtab__scope *names, const xbtab_network *n, const Onnx__GraphProto *graph);

/* All that a node may read: its inputs, and what the graphs in it read of those around them. */
static xbtab_status want_node(xbtab__scope *names, const xbtab_network *n, const Onnx__NodeProto *node)
{
    for (size_t k = 0; k < node->n_input; k++) XBTAB_TRY(xbtab__want(names, n, node->input[k]));
    for (size_t k = 0; k < node->n_attribute; k++) {
        if (node->attribute[k]->g) XBTAB_TRY(want_graph(names, n, node->attribute[k]->g));
    }
    return XBTAB_OK;
}

static xbtab_status want_graph(xbtab__scope *names, const xbtab_network *n, const Onnx__GraphProto *graph)
{
    for (size_t k = 0; k < graph->n_output; k++) XBTAB_TRY(xbtab__want(names, n, graph->output[k]->name));
    for (size_t k = 0; k < graph->n_node; k++) XBTAB_TRY(want_node(names, n, graph->node[k]));
    return XBTAB_OK;
}

xbtab_status xbtab__mark_needed(const xbtab_network *n, Onnx__NodeProto *const *node, size_t n_node,
                                xbtab__scope *names, bool *is_needed)
{
    for (size_t k = n_node; k-- > 0;) {
        for (size_t o = 0; o < node[k]->n_output; o++) {
            const char *name = node[k]->output[o];
            is_needed[k] = is_needed[k] || (name[0] && xbtab__scope_find(names, name) != XBTAB__NO_NAME);
        }
        if (is_needed[k]) XBTAB_TRY(want_node(names, n, node[k]));
    }
    return XBTAB_OK;
}

/* ---- functions ---- */

static bool same_domain(const char *a, const char *b)
{
    return xbtab__is_own_domain(a) ? xbtab__is_own_domain(b) : b && strcmp(a, b) == 0;
}

/* A text in a field that the schema does not know; none is "". */
static ProtobufCBinaryData text_of(const ProtobufCMessage *message, unsigned field)
{
    ProtobufCBinaryData text = {0};
    bool is_there = xbtab__onnx_field(message, field, 0, &text);
    return is_there ? text : (ProtobufCBinaryData){0};
}

static bool same_text(ProtobufCBinaryData a, ProtobufCBinaryData b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

static bool same_overload(const Onnx__FunctionProto *function, const Onnx__NodeProto *node)
{
    return same_text(text_of(&function->base, XBTAB__FIELD_FUNCTION_OVERLOAD),
                     text_of(&node->base, XBTAB__FIELD_NODE_OVERLOAD));
}

/* Nobody could tell which one a call means. */
static bool same_function(const Onnx__FunctionProto *a, const Onnx__FunctionProto *b)
{
    return a->name && b->name && strcmp(a->name, b->name) == 0 && same_domain(a->domain, b->domain) &&
           same_text(text_of(&a->base, XBTAB__FIELD_FUNCTION_OVERLOAD),
                     text_of(&b->base, XBTAB__FIELD_FUNCTION_OVERLOAD));
}

const Onnx__FunctionProto *xbtab__find_function(const xbtab__reader *r, const Onnx__NodeProto *node)
{
    bool is_one = node->op_type && xbtab__scope_find(&r->functions, node->op_type) != XBTAB__NO_NAME;
    for (size_t k = 0; k < r->model->n_functions && is_one; k++) {
        const Onnx__FunctionProto *f = r->model->functions[k];
        if (f->name && strcmp(f->name, node->op_type) == 0 && same_domain(f->domain, node->domain) &&
            same_overload(f, node))
            return f;
    }
    return NULL;
}

/* The attributes that have a default, which the schema does not know yet. */
static xbtab_status read_presets(xbtab__frame *f)
{
    ProtobufCBinaryData bytes;
    const ProtobufCMessage *message = &f->function->base;
    f->preset = xbtab__alloc(message->n_unknown_fields, sizeof(Onnx__AttributeProto *));
    if (!f->preset) return XBTAB_NOMEM();
    while (f->n_preset < message->n_unknown_fields &&
           xbtab__onnx_field(message, XBTAB__FIELD_FUNCTION_ATTRIBUTE, f->n_preset, &bytes)) {
        f->preset[f->n_preset] = xbtab__onnx_attribute(&bytes);
        if (!f->preset[f->n_preset])
            XBTAB_FAIL(XBTAB_ERR_INPUT, "%s: function \"%s\": a broken attribute", f->reader->n->path,
                       f->function->name);
        if (++f->n_preset + f->function->n_attribute > MOST_ATTRIBUTES) break;
    }
    return XBTAB_OK;
}

xbtab_status xbtab__name_functions(xbtab__reader *r)
{
    const Onnx__ModelProto *model = r->model;
    if (model->n_functions > MOST_FUNCTIONS)
        XBTAB_FAIL(XBTAB_ERR_UNSUPPORTED, "%s: has %zu functions; %d are supported", r->n->path,
                   model->n_functions, MOST_FUNCTIONS);
    for (size_t k = 0; k < model->n_functions; k++) {
        XBTAB_TRY(xbtab__want(&r->functions, r->n, model->functions[k]->name));
        for (size_t other = 0; other < k; other++) {
            if (same_function(model->functions[other], model->functions[k]))
                XBTAB_FAIL(XBTAB_ERR_INPUT, "%s: two functions are called \"%s\"", r->n->path,
                           model->functions[k]->name);
        }
    }
    return XBTAB_OK;
}

static const Onnx__AttributeProto *find_attribute(Onnx__AttributeProto *const *list, size_t n,
                                                  const char *name)
{
    for (size_t k = 0; k < n; k++) {
        if (list[k]->name && strcmp(list[k]->name, name) == 0) return list[k];
    }
    return NULL;
}

/* Whether a call may give an attribute: one with a default, or one without. */
static bool knows_attribute(const xbtab__frame *f, const char *name)
{
    bool is_known = find_attribute(f->preset, f->n_preset, name) != NULL;
    for (size_t k = 0; k < f->function->n_attribute; k++)
        is_known = is_known || strcmp(f->function->attribute[k], name) == 0;
    return is_known;
}

/* A call of a function, whose frame is made. */
static xbtab_status check_call(const xbtab__frame *frame)
{
    const xbtab_network *n = frame->reader->n;
    const Onnx__NodeProto *call = frame->call;
    const Onnx__FunctionProto *function = frame->function;
    const char *where = frame->where;
    int depth = 0;
    for (const xbtab__frame *f = frame->caller; f; f = f->caller, depth++) {
        if (f->function == function)
            XBTAB_FAIL(XBTAB_ERR_INPUT, "%s: node \"%s\": function \"%s\" calls itself", n->path, where,
                       function->name);
    }
    if (depth > DEEPEST_CALL)
        XBTAB_FAIL(XBTAB_ERR_UNSUPPORTED, "%s: node \"%s\": functions call one another %d deep; %d is most",
                   n->path, where, depth, DEEPEST_CALL);
    size_t known = frame->n_preset + function->n_attribute;
    if (call->n_attribute > MOST_ATTRIBUTES || known > MOST_ATTRIBUTES)
        XBTAB_FAIL(XBTAB_ERR_UNSUPPORTED, "%s: node \"%s\": function \"%s\" has more than %d attributes",
                   n->path, where, function->name, MOST_ATTRIBUTES);
    for (size_t k = 0; k < call->n_attribute; k++) {
        const char *name = call->attribute[k]->name ? call->attribute[k]->name : "";
        if (!knows_attribute(frame, name))
            XBTAB_FAIL(XBTAB_ERR_INPUT, "%s: node \"%s\": function \"%s\" has no attribute \"%.60s\"",
                       n->path, where, function->name, name);
    }
    if (call->n_input <= function->n_input && call->n_output <= function->n_output) return XBTAB_OK;
    XBTAB_FAIL(XBTAB_ERR_INPUT,
               "%s: node \"%s\": %zu inputs and %zu outputs for function \"%s\", which has %zu and %zu",
               n->path, where, call->n_input, call->n_output, function->name, function->n_input,
               function->n_output);
}

/* The call's inputs under the names that the function has for them. */
static xbtab_status bind_inputs(xbtab__frame *f)
{
    const xbtab_network *n = f->reader->n;
    for (size_t k = 0; k < f->function->n_input; k++) {
        const char *given = k < f->call->n_input ? f->call->input[k] : "";
        int value = given[0] ? xbtab__scope_find(&f->caller->names, given) : XBTAB__NO_VALUE;
        if (value == XBTAB__NO_NAME)
            XBTAB_FAIL(XBTAB_ERR_INPUT, "%s: node \"%s\": its input \"%s\" comes from no node before it",
                       n->path, f->where, given);
        XBTAB_TRY(xbtab__scope_bind(&f->names, n, f->function->input[k], value));
    }
    return XBTAB_OK;
}

/* What the body calls its outputs, under the names that the node around it has for them. */
static xbtab_status bind_outputs(xbtab__frame *to, const Onnx__NodeProto *node, const xbtab__frame *from,
                                 char *const *names)
{
    const xbtab_network *n = to->reader->n;
    for (size_t k = 0; k < node->n_output; k++) {
        if (!node->output[k][0]) continue;
        int value = names[k] ? xbtab__scope_find(&from->names, names[k]) : XBTAB__NO_NAME;
        if (value < 0)
            XBTAB_FAIL(XBTAB_ERR_INPUT, "%s: node \"%s\": no node in it makes its output \"%s\"", n->path,
                       from->where, names[k] ? names[k] : "");
        XBTAB_TRY(xbtab__scope_bind(&to->names, n, node->output[k], value));
    }
    return XBTAB_OK;
}

/* The call's name behind those that led to it; the caller frees it. */
static xbtab_status name_call(const xbtab__frame *f, const Onnx__NodeProto *node, char **out)
{
    enum { MOST = 512 };
    const char *name = node->name && node->name[0] ? node->name
                       : node->n_output            ? node->output[0]
                                                   : node->op_type;
    *out = xbtab__alloc(MOST, 1);
    if (!*out) return XBTAB_NOMEM();
    snprintf(*out, MOST, "%s%s%s", f->where ? f->where : "", f->where ? "/" : "", name);
    return XBTAB_OK;
}

xbtab_status xbtab__read_call(xbtab__frame *caller, const Onnx__NodeProto *call,
                              const Onnx__FunctionProto *function)
{
    xbtab_network *n = caller->reader->n;
    xbtab__frame f = {.reader = caller->reader,
                      .node = function->node,
                      .n_node = function->n_node,
                      .caller = caller,
                      .function = function,
                      .call = call};
    int64_t opset = n->opset;
    xbtab_status status;
    char *where = NULL;
    XBTAB_TRY_DONE(name_call(caller, call, &where));
    f.where = where;
    XBTAB_TRY_DONE(read_presets(&f));
    XBTAB_TRY_DONE(check_call(&f));
    XBTAB_TRY_DONE(xbtab__take_opset(n, function->opset_import, function->n_opset_import, where));
    XBTAB_TRY_DONE(bind_inputs(&f));
    XBTAB_TRY_DONE(xbtab__read_body(&f, NULL, function->output, call->n_output));
    status = bind_outputs(caller, call, &f, function->output);
done:
    n->opset = opset;
    for (size_t k = 0; k < f.n_preset; k++) onnx__attribute_proto__free_unpacked(f.preset[k], NULL);
    xbtab__free(f.preset);
    xbtab__free(where);
    xbtab__scope_clear(&f.names);
    return status;
}

/* ---- attributes that stand for the call's ---- */

/* What the call gives, or the function's default; NULL where there is neither: the operator's default holds.
 */
static const Onnx__AttributeProto *given_attribute(const xbtab__frame *f, const char *name)
{
    const Onnx__AttributeProto *a = find_attribute(f->call->attribute, f->call->n_attribute, name);
    return a ? a : find_attribute(f->preset, f->n_preset, name);
}

static bool refers(const Onnx__AttributeProto *a)
{
    return a->ref_attr_name && a->ref_attr_name[0];
}

xbtab_status xbtab__resolve_attributes(const xbtab__frame *f, const Onnx__NodeProto *node,
                                       Onnx__NodeProto **out)
{
    size_t first = 0, n = node->n_attribute;
    while (first < n && !refers(node->attribute[first])) first++;
    if (first == n) return XBTAB_OK;
    if (!f->call) {
        const char *name = node->attribute[first]->name;
        XBTAB_FAIL(
            XBTAB_ERR_INPUT,
            "%s: node \"%s\" (%s): attribute \"%s\" refers to one of a function, and the node is in none",
            f->reader->n->path, node->name ? node->name : "", node->op_type ? node->op_type : "",
            name ? name : "");
    }
    Onnx__NodeProto *copy = xbtab__alloc(1, sizeof *copy);
    /* pointers, and behind them the attributes that take another name */
    Onnx__AttributeProto **list = xbtab__alloc(n, sizeof *list + sizeof **list);
    if (!copy || !list) {
        xbtab__free(copy);
        xbtab__free(list);
        return XBTAB_NOMEM();
    }
    Onnx__AttributeProto *renamed = (Onnx__AttributeProto *)(void *)(list + n);
    *copy = *node;
    copy->attribute = list;
    copy->n_attribute = 0;
    for (size_t k = 0; k < n; k++) {
        const Onnx__AttributeProto *a = node->attribute[k];
        if (!refers(a)) {
            list[copy->n_attribute++] = node->attribute[k];
            continue;
        }
        const Onnx__AttributeProto *given = given_attribute(f, a->ref_attr_name);
        if (!given) continue;
        *renamed = *given;
        renamed->name = a->name;
        list[copy->n_attribute++] = renamed++;
    }
    *out = copy;
    return XBTAB_OK;
}

/* ---- If ---- */

static xbtab_status read_branch(xbtab__frame *around, const Onnx__NodeProto *node,
                                const Onnx__GraphProto *branch)
{
    const xbtab_network *n = around->reader->n;
    xbtab__frame f = *around;
    xbtab_status status = XBTAB_OK;
    char *where = NULL, **names = xbtab__alloc(branch->n_output, sizeof *names);
    f.names = (xbtab__scope){.outer = &around->names};
    f.node = branch->node;
    f.n_node = branch->n_node;
    f.caller = around;
    if (!names) return XBTAB_NOMEM();
    XBTAB_TRY_DONE(name_call(around, node, &where));
    f.where = where;
    if (branch->n_output < node->n_output)
        XBTAB_FAIL_DONE(XBTAB_ERR_INPUT, "%s: node \"%s\" (If): its branch has %zu outputs of %zu", n->path,
                        where, branch->n_output, node->n_output);
    for (size_t k = 0; k < branch->n_output; k++) names[k] = branch->output[k]->name;
    XBTAB_TRY_DONE(xbtab__read_body(&f, branch, names, node->n_output));
    status = bind_outputs(around, node, &f, names);
done:
    xbtab__scope_clear(&f.names);
    xbtab__free(where);
    xbtab__free(names);
    return status;
}

xbtab_status xbtab__read_if(xbtab__frame *f, const Onnx__NodeProto *node)
{
    const xbtab_network *n = f->reader->n;
    const char *name = node->name ? node->name : "";
    const char *input = node->n_input == 1 ? node->input[0] : "";
    int value = xbtab__scope_find(&f->names, input);
    if (value < 0)
        XBTAB_FAIL(XBTAB_ERR_INPUT, "%s: node \"%s\" (If): its condition \"%s\" comes from no node before it",
                   n->path, name, input);
    for (size_t k = 0; k < node->n_attribute; k++) {
        const char *given = node->attribute[k]->name ? node->attribute[k]->name : "";
        if (strcmp(given, "then_branch") != 0 && strcmp(given, "else_branch") != 0)
            XBTAB_FAIL(XBTAB_ERR_UNSUPPORTED,
                       "%s: node \"%s\" (If): its attribute \"%.60s\" is not understood", n->path, name,
                       given);
    }
    const xbtab__value *condition = &n->value[value];
    if (!condition->constant || condition->shape.size != 1)
        XBTAB_FAIL(XBTAB_ERR_UNSUPPORTED,
                   "%s: node \"%s\" (If): its condition \"%s\" differs from image to image; only one that is "
                   "known when the file is read is supported",
                   n->path, name, input);
    const char *which = condition->constant[0] != 0 ? "then_branch" : "else_branch";
    const Onnx__AttributeProto *branch = find_attribute(node->attribute, node->n_attribute, which);
    if (!branch || !branch->g)
        XBTAB_FAIL(XBTAB_ERR_INPUT, "%s: node \"%s\" (If): has no %s", n->path, name, which);
    return read_branch(f, node, branch->g);
}
