/* operators_blocked.c - products by a constant matrix whose weights have a step for each block of some inputs
 * (block_size of DequantizeLinear): a matrix layer for each block, whose answers are added up digitally. */
#include <stdio.h>
#include <string.h>

#include "graph.h"
#include "memory.h"

/* Whether input k of the matrix begins a block: whether any output's step is another one than at k - 1. */
static bool begins_block(const xbtab__value *B, bool is_turned, int64_t k)
{
    int64_t inputs = B->shape.dim[is_turned ? 1 : 0], outputs = B->shape.dim[is_turned ? 0 : 1];
    for (int64_t o = 0; o < outputs; o++) {
        int64_t at = is_turned ? o * inputs + k : k * outputs + o, before = is_turned ? at - 1 : at - outputs;
        if (B->step[at] != B->step[before]) return true;
    }
    return false;
}

/* How many blocks the inputs have; 1 where each output has one step, 0 where nearly every input has its own.
 */
static int64_t count_blocks(const xbtab__value *B, bool is_turned)
{
    int64_t inputs = B->shape.dim[is_turned ? 1 : 0], n = 1;
    for (int64_t k = 1; k < inputs; k++) n += begins_block(B, is_turned, k);
    return 2 * n <= inputs + 1 ? n : 0;
}

static xbtab_status add_slice(xbtab_network *n, const char *name, int value, int64_t axis, int64_t first,
                              int64_t end, int *out)
{
    xbtab__attributes a;
    xbtab__attributes_init(&a, "Slice");
    a.n_axes = a.n_starts = a.n_ends = 1;
    a.axes[0] = axis;
    a.starts[0] = first;
    a.ends[0] = end;
    return xbtab__add_node(n, name, n->find_operator("Slice"), 1, &value, &a, out);
}

/* The product of inputs [first, end), added to what *sum has so far. */
static xbtab_status add_block(xbtab_network *n, const xbtab__node *call, const xbtab__operator *type,
                              int64_t first, int64_t end, bool is_last, int *sum)
{
    const xbtab__attributes *a = &call->attributes;
    int input[3], product, count = is_last ? call->n_inputs : 2;
    char name[256];
    snprintf(name, sizeof name, "%.200s/%lld", call->name, (long long)first);
    XBTAB_TRY(add_slice(n, name, call->input[0], -1, first, end, &input[0]));
    XBTAB_TRY(add_slice(n, name, call->input[1], a->trans_b ? 1 : 0, first, end, &input[1]));
    input[2] = count > 2 ? call->input[2] : -1; /* the bias */
    XBTAB_TRY(xbtab__add_node(n, name, type, count, input, a, &product));
    if (*sum < 0) {
        *sum = product;
        return XBTAB_OK;
    }
    return xbtab__add_node(n, name, n->find_operator("Add"), 2, (int[]){*sum, product}, NULL, sum);
}

static xbtab_status lower_blocked(xbtab_network *n, xbtab__node *call)
{
    const xbtab__operator *type = n->find_operator(call->type->name);
    bool is_turned = call->attributes.trans_b != 0;
    int64_t inputs = n->value[call->input[1]].shape.dim[is_turned ? 1 : 0];
    int sum = -1;
    for (int64_t first = 0, end; first < inputs; first = end) {
        for (end = first + 1; end < inputs; end++) {
            if (begins_block(&n->value[call->input[1]], is_turned, end)) break;
        }
        XBTAB_TRY(add_block(n, call, type, first, end, end == inputs, &sum));
    }
    call->output = sum;
    return XBTAB_OK;
}

static const xbtab__operator blocked_matmul = {.name = "MatMul",
                                               .least_inputs = 2,
                                               .most_inputs = 2,
                                               .infer = lower_blocked},
                             blocked_gemm = {
                                 .name = "Gemm", .least_inputs = 2, .most_inputs = 3, .infer = lower_blocked};

const xbtab__operator *xbtab__blocked_product(const xbtab_network *n, const xbtab__node *node)
{
    const xbtab__value *A = xbtab__input_of(n, node, 0), *B = xbtab__input_of(n, node, 1);
    bool is_gemm = strcmp(node->type->name, "Gemm") == 0, is_turned = node->attributes.trans_b != 0;
    if ((!is_gemm && strcmp(node->type->name, "MatMul") != 0) || !A || !B || A->constant || !B->step ||
        B->shape.rank != 2 || A->shape.rank < 2 || node->attributes.trans_a ||
        A->shape.dim[A->shape.rank - 1] != B->shape.dim[is_turned ? 1 : 0] || count_blocks(B, is_turned) < 2)
        return NULL;
    return is_gemm ? &blocked_gemm : &blocked_matmul;
}

xbtab_status xbtab__add_product(xbtab_network *n, const char *name, const char *type, int n_inputs,
                                const int *input, const xbtab__attributes *attributes, int *output)
{
    xbtab__node call = {
        .name = (char *)(uintptr_t)name, .type = n->find_operator(type), .n_inputs = n_inputs};
    for (int k = 0; k < n_inputs; k++) call.input[k] = input[k];
    if (attributes) {
        call.attributes = *attributes;
    } else {
        xbtab__attributes_init(&call.attributes, type);
    }
    const xbtab__operator *blocked = xbtab__blocked_product(n, &call);
    if (!blocked) return xbtab__add_node(n, name, call.type, n_inputs, input, attributes, output);
    call.type = blocked;
    XBTAB_TRY(lower_blocked(n, &call));
    *output = call.output;
    return XBTAB_OK;
}
