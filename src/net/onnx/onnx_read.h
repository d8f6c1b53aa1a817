/* onnx_read.h - what reading an ONNX file is made of. */
#ifndef XBTAB_NET_ONNX_READ_H
#define XBTAB_NET_ONNX_READ_H

#include <onnx.pb-c.h>

#include "graph.h"

/** Unpack a model. Messages within messages are followed to a depth that real files stay far below, so that
 *  a crafted file cannot exhaust the stack.
 *  @return XBTAB_ERR_INPUT (not ONNX, truncated, nested too deeply). */
xbtab_status xbtab__onnx_unpack(Onnx__ModelProto **out, const char *path, const void *data,
                                size_t size) XBTAB_MUST_CHECK;

/* Fields that are younger than the schema this is built with are kept by protobuf-c as bytes. */
enum {
    XBTAB__FIELD_NODE_OVERLOAD = 8,
    XBTAB__FIELD_FUNCTION_ATTRIBUTE = 11, /* an attribute with a default */
    XBTAB__FIELD_FUNCTION_OVERLOAD = 13
};

/** The k-th field of a number that the schema does not know, without its length; false where there is none.
 */
bool xbtab__onnx_field(const ProtobufCMessage *message, uint32_t number, size_t k, ProtobufCBinaryData *out);

/** An attribute in such a field; NULL where its bytes are none. Free with
 * onnx__attribute_proto__free_unpacked(). */
Onnx__AttributeProto *xbtab__onnx_attribute(const ProtobufCBinaryData *bytes);

/* ---- names ---- */

enum { XBTAB__NO_VALUE = -1, XBTAB__NO_NAME = -2 };

/** Names of a graph or of a function's body, borrowed from the file, and the values they stand for. */
typedef struct xbtab__scope {
    const struct xbtab__scope *outer; /* whose names are seen here too; NULL = none */
    void *tree;
} xbtab__scope;

/** Let a name stand for a value, or for XBTAB__NO_VALUE: an input left out.
 *  @return XBTAB_ERR_INPUT where the scope has that name already. */
xbtab_status xbtab__scope_bind(xbtab__scope *scope, const xbtab_network *n, const char *name,
                               int value) XBTAB_MUST_CHECK;

/** What a name stands for; XBTAB__NO_NAME where it is not there. */
int xbtab__scope_find(const xbtab__scope *scope, const char *name);
void xbtab__scope_clear(xbtab__scope *scope);

/* ---- graphs and functions ---- */

/** What a whole file is read with. */
typedef struct xbtab__reader {
    xbtab_network *n;
    const Onnx__ModelProto *model;
    const xbtab_open_options *options;
    size_t visited; /* nodes of the file, as often as calls lead to them */
} xbtab__reader;

/** One graph or function's body while its nodes are read. */
typedef struct xbtab__frame {
    xbtab__reader *reader;
    xbtab__scope names;
    Onnx__NodeProto **node; /* node[n_node] */
    size_t n_node;
    const char *where;                   /* the call that led here, before the nodes' names; NULL = none */
    const struct xbtab__frame *caller;   /* the frame that holds the call, or the graph around this one */
    const Onnx__FunctionProto *function; /* whose body this is in; NULL = none */
    const Onnx__NodeProto *call;         /* its call, whose attributes its nodes may refer to */
    Onnx__AttributeProto **preset;       /* preset[n_preset]: the function's defaults */
    size_t n_preset;
} xbtab__frame;

/** Add a name to a set of them. */
xbtab_status xbtab__want(xbtab__scope *names, const xbtab_network *n, const char *name) XBTAB_MUST_CHECK;

/** Mark the nodes that some names depend on: is_needed[n_node].
 *  @param[in,out] names  has the wanted names; what the nodes read is added. */
xbtab_status xbtab__mark_needed(const xbtab_network *n, Onnx__NodeProto *const *node, size_t n_node,
                                xbtab__scope *names, bool *is_needed) XBTAB_MUST_CHECK;

/** Read what a frame's names depend on: its nodes and, of a graph, its constants and input.
 *  @param graph  NULL: a function's body. */
xbtab_status xbtab__read_body(xbtab__frame *frame, const Onnx__GraphProto *graph, char *const *wanted,
                              size_t n_wanted) XBTAB_MUST_CHECK;

/** The function of the file that a node calls; NULL where it is an operator. */
const Onnx__FunctionProto *xbtab__find_function(const xbtab__reader *reader, const Onnx__NodeProto *node);

/** A call of a function: its body's nodes, in the caller's place. */
xbtab_status xbtab__read_call(xbtab__frame *frame, const Onnx__NodeProto *call,
                              const Onnx__FunctionProto *function) XBTAB_MUST_CHECK;

/** If, whose condition is known: the nodes of its branch. */
xbtab_status xbtab__read_if(xbtab__frame *frame, const Onnx__NodeProto *node) XBTAB_MUST_CHECK;

/** A node with its function's attributes in place of what refers to them: *out stays NULL where nothing does.
 * Free it and its list of attributes. */
xbtab_status xbtab__resolve_attributes(const xbtab__frame *frame, const Onnx__NodeProto *node,
                                       Onnx__NodeProto **out) XBTAB_MUST_CHECK;

/** Constants of a graph as far as names need them. */
xbtab_status xbtab__read_constants(xbtab__frame *frame, const Onnx__GraphProto *graph,
                                   const xbtab__scope *needed) XBTAB_MUST_CHECK;

/** The one input that is no constant and that nodes read, with a batch of 1 and open axes from the options.
 */
xbtab_status xbtab__read_input(xbtab__frame *frame, const Onnx__GraphProto *graph,
                               const xbtab__scope *needed) XBTAB_MUST_CHECK;

/** Set the version of ONNX's own operators from a list of them. @param who  a function; NULL = the model. */
xbtab_status xbtab__take_opset(xbtab_network *n, Onnx__OperatorSetIdProto *const *set, size_t n_sets,
                               const char *who) XBTAB_MUST_CHECK;

/** Whether a domain holds ONNX's own operators, and whether it holds operators that are known. */
bool xbtab__is_own_domain(const char *domain);
bool xbtab__is_known_domain(const char *domain);

/* ---- values ---- */

/** Bytes of so many elements; those of 4 bits stand two in one. */
size_t xbtab__element_bytes(int32_t type, size_t count);

/** Entries of the typed field that ONNX has for a tensor's type; two numbers of 4 bits stand in one. */
size_t xbtab__element_fields(const Onnx__TensorProto *t);

/** Element k of bytes or of the typed field. @param[out] integer  the same, of integer types. */
double xbtab__element_of_bytes(int32_t type, const unsigned char *raw, size_t k, int64_t *integer);
double xbtab__element_of_fields(const Onnx__TensorProto *t, size_t k, int64_t *integer);

/** A tensor that nothing reads: XBTAB_ERR_INPUT where it has not as many numbers as its shape says. */
xbtab_status xbtab__check_tensor(xbtab_network *n, const Onnx__TensorProto *t,
                                 const char *name) XBTAB_MUST_CHECK;

/** A tensor of the file, or beside it in a file of its folder, as a constant. @param name  NULL = none. */
xbtab_status xbtab__read_tensor(xbtab_network *n, const Onnx__TensorProto *t, const char *name,
                                int *out) XBTAB_MUST_CHECK;

/** An attribute that an operator knows. */
typedef struct xbtab__attribute_rule {
    const char *name;
    int type;           /* as onnx.proto numbers attribute types */
    int since, until;   /* opsets that have it; 0 = from the first on, to the last */
    const char *values; /* of integers and words: all that are understood, a space between; NULL = any */
    bool is_required;
    bool any_case; /* of words: upper and lower case are the same */
} xbtab__attribute_rule;

/** The k-th attribute that an operator knows in any opset; NULL behind the last. */
const xbtab__attribute_rule *xbtab__attribute_rule_at(const char *type, int k);

/** @return XBTAB_ERR_UNSUPPORTED for an attribute or a value that the node's operator does not understand,
 *          XBTAB_ERR_INPUT for one of another type, one that is there twice, or one that is missing. */
xbtab_status xbtab__check_attributes(const xbtab_network *n, const xbtab__node *node,
                                     const Onnx__NodeProto *proto) XBTAB_MUST_CHECK;

/** Attributes of a node over ONNX's defaults. A tensor attribute becomes a constant of its own: *tensor its
 *  value, or -1. */
xbtab_status xbtab__read_attributes(xbtab_network *n, xbtab__attributes *out, const Onnx__NodeProto *proto,
                                    int *tensor) XBTAB_MUST_CHECK;

#endif
