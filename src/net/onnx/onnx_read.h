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

/** Index of a name among the network's values, or -1. */
int xbtab__find_value(const xbtab_network *n, const char *name);

/** Call a value by a name, which no other may have. */
xbtab_status xbtab__name_value(xbtab_network *n, int value, const char *name) XBTAB_MUST_CHECK;

/** A new value; names are unique. */
xbtab_status xbtab__add_value(xbtab_network *n, const char *name, int *out) XBTAB_MUST_CHECK;

/** A value between nodes that stand for one of the file's: nobody finds it by a name. */
xbtab_status xbtab__add_hidden(xbtab_network *n, int *out) XBTAB_MUST_CHECK;

/** A tensor of the file, or beside it in a file of its folder, as a constant.
 *  @param name  NULL = a hidden value. */
xbtab_status xbtab__read_tensor(xbtab_network *n, const Onnx__TensorProto *t,
                                const char *name) XBTAB_MUST_CHECK;

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
