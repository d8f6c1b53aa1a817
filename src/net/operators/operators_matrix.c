/* operators_matrix.c - matrix layers: Gemm and MatMul by a constant matrix; and products of two tensors,
 * which run digitally. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "graph.h"
#include "memory.h"

xbtab_status xbtab__set_linear(xbtab_network *n, xbtab__node *node, size_t groups, size_t inputs,
                               size_t outputs, size_t positions, const xbtab__value *bias, float beta)
{
    /* Layers that share a matrix have a copy each: as many as a file of that size plausibly means. */
    const double most_weights = 67108864.0 + 16.0 * (double)n->file_size;
    xbtab__linear *l = &node->linear;
    n->weights += (double)groups * (double)outputs * (double)inputs;
    if (n->weights > most_weights)
        return xbtab__node_fail(n, node, XBTAB_ERR_UNSUPPORTED,
                                "layers up to this one have far more weights than the file of %zu bytes",
                                n->file_size);
    *l = (xbtab__linear){
        .groups = groups, .inputs = inputs, .outputs = outputs, .positions = positions, .times = 1.0f};
    l->W = xbtab__alloc(groups * outputs * inputs, sizeof *l->W);
    l->bias = xbtab__alloc(groups * outputs, sizeof *l->bias);
    if (!l->W || !l->bias) return XBTAB_NOMEM();
    if (!bias) return XBTAB_OK;
    if (!bias->constant || (bias->shape.size != 1 && bias->shape.size != groups * outputs)) {
        return xbtab__unsupported(n, node, "its bias must be a constant, one number or one an output");
    }
    for (size_t o = 0; o < groups * outputs; o++) {
        l->bias[o] = beta * bias->constant[bias->shape.size == 1 ? 0 : o];
    }
    return XBTAB_OK;
}

/* Each weight its own. */
static xbtab_status take_all_steps(xbtab__linear *l, const float *step, const size_t *place)
{
    size_t n = l->groups * l->outputs * l->inputs;
    l->steps = xbtab__alloc(n, sizeof *l->steps);
    if (!l->steps) return XBTAB_NOMEM();
    for (size_t k = 0; k < n; k++) l->steps[k] = step[place ? place[k] : k];
    return XBTAB_OK;
}

xbtab_status xbtab__take_steps(xbtab__linear *l, const float *step, const size_t *place)
{
    size_t rows = l->groups * l->outputs;
    l->step = xbtab__alloc(rows, sizeof *l->step);
    if (!l->step) return XBTAB_NOMEM();
    for (size_t r = 0; r < rows; r++) {
        l->step[r] = step[place ? place[r * l->inputs] : r * l->inputs];
        for (size_t k = 0; k < l->inputs; k++) {
            if (step[place ? place[r * l->inputs + k] : r * l->inputs + k] == l->step[r]) continue;
            xbtab__free(l->step);
            l->step = NULL;
            return take_all_steps(l, step, place);
        }
    }
    return XBTAB_OK;
}

xbtab_status xbtab__shift_layer(const xbtab_network *n, xbtab__node *node, float x_zero,
                                const xbtab__value *w_zero)
{
    xbtab__linear *l = &node->linear;
    size_t rows = l->groups * l->outputs;
    if (w_zero && (!w_zero->constant || (w_zero->shape.size != 1 && w_zero->shape.size != rows)))
        return xbtab__unsupported(n, node,
                                  "its weights' zero must be a constant, one number or one an output");
    if (!l->step && !l->steps) { /* integers are multiples of 1 */
        l->step = xbtab__alloc(rows, sizeof *l->step);
        if (!l->step) return XBTAB_NOMEM();
        for (size_t r = 0; r < rows; r++) l->step[r] = 1.0f;
    }
    for (size_t r = 0; r < rows; r++) {
        double sum = 0;
        for (size_t k = 0; k < l->inputs; k++) {
            if (w_zero) l->W[r * l->inputs + k] -= w_zero->constant[w_zero->shape.size == 1 ? 0 : r];
            sum += (double)l->W[r * l->inputs + k];
        }
        l->bias[r] -= (float)((double)x_zero * sum);
    }
    return XBTAB_OK;
}

enum { OUTPUTS_AT_ONCE = 8 };

/* ---- by a constant matrix: vectors along the last axis ---- */

static xbtab_status set_constant_product(xbtab_network *n, xbtab__node *node, const xbtab__value *bias)
{
    const xbtab__value *in = xbtab__input_of(n, node, 0), *B = xbtab__input_of(n, node, 1);
    const xbtab__attributes *a = &node->attributes;
    int64_t inputs = B->shape.dim[a->trans_b ? 1 : 0], outputs = B->shape.dim[a->trans_b ? 0 : 1];
    int64_t dim[XBTAB__NET_RANK];
    memcpy(dim, in->shape.dim, sizeof dim);
    if (dim[in->shape.rank - 1] != inputs) {
        return xbtab__node_fail(n, node, XBTAB_ERR_INPUT,
                                "vectors of %lld numbers times a matrix of %lld rows",
                                (long long)dim[in->shape.rank - 1], (long long)inputs);
    }
    dim[in->shape.rank - 1] = outputs;
    XBTAB_TRY(xbtab__set_linear(n, node, 1, (size_t)inputs, (size_t)outputs, in->shape.size / (size_t)inputs,
                                bias, a->beta));
    size_t *place = xbtab__alloc((size_t)(inputs * outputs), sizeof *place);
    if (!place) return XBTAB_NOMEM();
    for (int64_t o = 0; o < outputs; o++) {
        for (int64_t k = 0; k < inputs; k++) {
            size_t at = (size_t)(o * inputs + k);
            place[at] = (size_t)(a->trans_b ? o * inputs + k : k * outputs + o);
            node->linear.W[at] = a->alpha * B->constant[place[at]];
        }
    }
    xbtab_status status = B->step ? xbtab__take_steps(&node->linear, B->step, place) : XBTAB_OK;
    xbtab__free(place);
    XBTAB_TRY(status);
    node->linear.times = a->alpha;
    for (int64_t o = 0; o < outputs && node->linear.step && a->alpha != 0; o++)
        node->linear.step[o] *= fabsf(a->alpha);
    for (int64_t k = 0; k < outputs * inputs && node->linear.steps && a->alpha != 0; k++)
        node->linear.steps[k] *= fabsf(a->alpha);
    return xbtab__shape_set(n, node, xbtab__output_of(n, node), in->shape.rank, dim);
}

static bool has_constant_matrix(const xbtab_network *n, const xbtab__node *node)
{
    const xbtab__value *in = xbtab__input_of(n, node, 0), *B = xbtab__input_of(n, node, 1);
    return B->constant && B->shape.rank == 2 && in->shape.rank >= 2 && !in->constant;
}

xbtab_status xbtab__infer_product_shifted(xbtab_network *n, xbtab__node *node, float x_zero,
                                          const xbtab__value *w_zero)
{
    const xbtab__value *in = xbtab__input_of(n, node, 0), *B = xbtab__input_of(n, node, 1);
    if (!B->constant || B->shape.rank != 2 || in->shape.rank < 2)
        return xbtab__unsupported(n, node, "its second matrix must be constant, of two axes");
    XBTAB_TRY(set_constant_product(n, node, NULL));
    return xbtab__shift_layer(n, node, x_zero, w_zero);
}

/* n outputs of one vector at once, each summed in the order of its inputs: n sums that do not wait for one
 * another. */
static inline void sum_outputs(const xbtab__linear *l, size_t first, size_t n, const float *x, float zero,
                               float *y)
{
    const float *W = l->W + first * l->inputs;
    float sum[OUTPUTS_AT_ONCE];
    for (size_t o = 0; o < n; o++) sum[o] = l->bias[first + o];
    for (size_t k = 0; k < l->inputs; k++) {
        for (size_t o = 0; o < n; o++) sum[o] += W[o * l->inputs + k] * (x[k] - zero);
    }
    for (size_t o = 0; o < n; o++) y[first + o] = sum[o];
}

void xbtab__run_product(const xbtab_network *n, const xbtab__node *node, const xbtab__float_run *run)
{
    const xbtab__linear *l = &node->linear;
    float zero = l->has_zero ? run->data[node->input[2]][0] : 0;
    (void)n;
    for (size_t p = 0; p < l->positions; p++) {
        const float *x = run->data[node->input[0]] + p * l->inputs;
        float *y = run->data[node->output] + p * l->outputs;
        size_t o = 0;
        for (; o + OUTPUTS_AT_ONCE <= l->outputs; o += OUTPUTS_AT_ONCE)
            sum_outputs(l, o, OUTPUTS_AT_ONCE, x, zero, y);
        sum_outputs(l, o, l->outputs - o, x, zero, y);
    }
}

/* ---- MatMul as NumPy has it ---- */

/* A tensor as matrices[...][rows][columns]; a single axis is a row on the left and a column on the right. */
static xbtab__shape as_matrices(const xbtab__shape *s, bool is_left)
{
    if (s->rank > 1) return *s;
    return (xbtab__shape){
        .rank = 2, .dim = {is_left ? 1 : s->dim[0], is_left ? s->dim[0] : 1}, .size = s->size};
}

static int64_t batch_dim(const xbtab__shape *s, int k) /* from the third axis from the end on */
{
    return k + 3 <= s->rank ? s->dim[s->rank - 3 - k] : 1;
}

static xbtab_status infer_matmul(xbtab_network *n, xbtab__node *node)
{
    if (has_constant_matrix(n, node)) return set_constant_product(n, node, NULL);
    const xbtab__shape *sa = &xbtab__input_of(n, node, 0)->shape, *sb = &xbtab__input_of(n, node, 1)->shape;
    xbtab__shape a = as_matrices(sa, true), b = as_matrices(sb, false);
    int64_t dim[XBTAB__NET_RANK], inner = b.dim[b.rank - 2];
    int rank = 0, most = a.rank > b.rank ? a.rank : b.rank;
    if (a.dim[a.rank - 1] != inner) {
        return xbtab__node_fail(n, node, XBTAB_ERR_INPUT,
                                "vectors of %lld numbers times a matrix of %lld rows",
                                (long long)a.dim[a.rank - 1], (long long)inner);
    }
    for (int k = most - 3; k >= 0; k--) {
        int64_t da = batch_dim(&a, k), db = batch_dim(&b, k);
        if (da != db && da != 1 && db != 1)
            return xbtab__node_fail(n, node, XBTAB_ERR_INPUT, "its stacks of matrices do not go together");
        dim[rank++] = da > db ? da : db;
    }
    node->terms = (double)inner;
    if (sa->rank > 1) dim[rank++] = a.dim[a.rank - 2];
    if (sb->rank > 1) dim[rank++] = b.dim[b.rank - 1];
    if (rank == 0) dim[rank++] = 1;
    return xbtab__shape_set(n, node, xbtab__output_of(n, node), rank, dim);
}

static void run_matmul(const xbtab_network *n, const xbtab__node *node, const xbtab__float_run *run)
{
    if (node->linear.W) {
        xbtab__run_product(n, node, run);
        return;
    }
    xbtab__shape a = as_matrices(&xbtab__input_of(n, node, 0)->shape, true);
    xbtab__shape b = as_matrices(&xbtab__input_of(n, node, 1)->shape, false);
    size_t rows = (size_t)a.dim[a.rank - 2], inner = (size_t)a.dim[a.rank - 1],
           columns = (size_t)b.dim[b.rank - 1];
    int most = a.rank > b.rank ? a.rank : b.rank;
    size_t matrices = xbtab__output_of(n, node)->shape.size / (rows * columns);
    float *y = run->data[node->output];
    for (size_t m = 0; m < matrices; m++, y += rows * columns) {
        size_t rest = m, at_a = 0, at_b = 0, step_a = 1, step_b = 1;
        for (int k = 0; k < most - 2; k++) {
            size_t da = (size_t)batch_dim(&a, k), db = (size_t)batch_dim(&b, k), d = da > db ? da : db;
            at_a += (da == 1 ? 0 : rest % d) * step_a;
            at_b += (db == 1 ? 0 : rest % d) * step_b;
            step_a *= da;
            step_b *= db;
            rest /= d;
        }
        const float *x = run->data[node->input[0]] + at_a * rows * inner;
        const float *z = run->data[node->input[1]] + at_b * inner * columns;
        for (size_t i = 0; i < rows; i++) {
            for (size_t j = 0; j < columns; j++) y[i * columns + j] = 0;
            for (size_t k = 0; k < inner; k++) {
                for (size_t j = 0; j < columns; j++)
                    y[i * columns + j] += x[i * inner + k] * z[k * columns + j];
            }
        }
    }
}

/* ---- Gemm ---- */

static bool is_bias(const xbtab__value *c, int64_t outputs)
{
    if (!c || (c->constant && c->shape.size == 1)) return true;
    return c->constant && (int64_t)c->shape.size == outputs && c->shape.dim[c->shape.rank - 1] == outputs;
}

static xbtab_status infer_gemm(xbtab_network *n, xbtab__node *node)
{
    const xbtab__value *A = xbtab__input_of(n, node, 0), *B = xbtab__input_of(n, node, 1),
                       *C = xbtab__input_of(n, node, 2);
    const xbtab__attributes *t = &node->attributes;
    if (A->shape.rank != 2 || B->shape.rank != 2)
        return xbtab__unsupported(n, node, "only matrices of two axes");
    int64_t rows = A->shape.dim[t->trans_a ? 1 : 0], inner = A->shape.dim[t->trans_a ? 0 : 1];
    int64_t columns = B->shape.dim[t->trans_b ? 0 : 1];
    if (has_constant_matrix(n, node) && !t->trans_a && is_bias(C, columns))
        return set_constant_product(n, node, C);
    if (inner != B->shape.dim[t->trans_b ? 1 : 0])
        return xbtab__node_fail(n, node, XBTAB_ERR_INPUT, "matrices of %lld columns and %lld rows",
                                (long long)inner, (long long)B->shape.dim[t->trans_b ? 1 : 0]);
    for (int k = 0; C && k < C->shape.rank; k++) {
        int64_t d = C->shape.dim[C->shape.rank - 1 - k], mine = k == 0 ? columns : k == 1 ? rows : 1;
        if (d != 1 && d != mine)
            return xbtab__node_fail(n, node, XBTAB_ERR_INPUT, "its third matrix does not fit");
    }
    node->terms = (double)inner;
    return xbtab__shape_set(n, node, xbtab__output_of(n, node), 2, (int64_t[]){rows, columns});
}

static void run_gemm(const xbtab_network *n, const xbtab__node *node, const xbtab__float_run *run)
{
    if (node->linear.W) {
        xbtab__run_product(n, node, run);
        return;
    }
    const xbtab__attributes *t = &node->attributes;
    const xbtab__value *C = xbtab__input_of(n, node, 2);
    const xbtab__shape *a = &xbtab__input_of(n, node, 0)->shape, *out = &xbtab__output_of(n, node)->shape;
    size_t rows = (size_t)out->dim[0], columns = (size_t)out->dim[1], inner = a->size / rows;
    const float *x = run->data[node->input[0]], *z = run->data[node->input[1]];
    float *y = run->data[node->output];
    for (size_t i = 0; i < rows; i++) {
        for (size_t j = 0; j < columns; j++) {
            float sum = 0;
            for (size_t k = 0; k < inner; k++)
                sum += x[t->trans_a ? k * rows + i : i * inner + k] *
                       z[t->trans_b ? j * inner + k : k * columns + j];
            y[i * columns + j] = t->alpha * sum;
            if (!C) continue;
            bool has_columns = C->shape.dim[C->shape.rank - 1] > 1,
                 has_rows = C->shape.rank > 1 && C->shape.dim[C->shape.rank - 2] > 1;
            size_t at = (has_columns ? j : 0) + (has_rows ? i * (has_columns ? columns : 1) : 0);
            y[i * columns + j] += t->beta * run->data[node->input[2]][at];
        }
    }
}

/* ---- W x, and x^T W ---- */

/* The last two axes change places. */
static xbtab_status add_turned(xbtab_network *n, const xbtab__node *call, int value, int *out)
{
    xbtab__attributes a;
    char name[256];
    int rank = n->value[value].shape.rank;
    snprintf(name, sizeof name, "%.200s/turned", call->name);
    xbtab__attributes_init(&a, "Transpose");
    for (int k = 0; k < rank; k++) a.perm[k] = k < rank - 2 ? k : 2 * rank - 3 - k;
    a.n_perm = rank;
    return xbtab__add_node(n, name, n->find_operator("Transpose"), 1, &value, &a, out);
}

/* W x = (x^T W^T)^T */
static xbtab_status lower_left_matmul(xbtab_network *n, xbtab__node *call)
{
    int input[2], product;
    XBTAB_TRY(add_turned(n, call, call->input[1], &input[0]));
    XBTAB_TRY(add_turned(n, call, call->input[0], &input[1]));
    XBTAB_TRY(xbtab__add_product(n, call->name, "MatMul", 2, input, NULL, &product));
    return add_turned(n, call, product, &call->output);
}

/* The same of Gemm, whose third matrix is turned too. */
static xbtab_status lower_left_gemm(xbtab_network *n, xbtab__node *call)
{
    xbtab__attributes a = call->attributes;
    int input[3] = {call->input[1], call->input[0], -1}, product;
    if (!a.trans_b) XBTAB_TRY(add_turned(n, call, call->input[1], &input[0]));
    if (call->n_inputs > 2 && call->input[2] >= 0) XBTAB_TRY(add_turned(n, call, call->input[2], &input[2]));
    a.trans_b = !a.trans_a;
    a.trans_a = 0;
    XBTAB_TRY(xbtab__add_product(n, call->name, "Gemm", 3, input, &a, &product));
    return add_turned(n, call, product, &call->output);
}

static xbtab_status lower_turned_gemm(xbtab_network *n, xbtab__node *call)
{
    xbtab__attributes a = call->attributes;
    a.trans_a = 0;
    XBTAB_TRY(add_turned(n, call, call->input[0], &call->input[0]));
    return xbtab__add_product(n, call->name, "Gemm", call->n_inputs, call->input, &a, &call->output);
}

/* ---- products of integers ---- */

/* Both inputs differ from image to image, or are not of two axes. */
static bool are_tensors(const xbtab__value *A, const xbtab__value *B)
{
    return !B->constant || B->shape.rank != 2 || (!A->constant && A->shape.rank < 2);
}

xbtab_status xbtab__add_integers(xbtab_network *n, const xbtab__node *call, const int input[4], int *out)
{
    int x[2] = {input[0], input[1]};
    xbtab__attributes a = call->attributes;
    a.alpha = 1.0f; /* stays with the caller, so that the sums are integers */
    if (!are_tensors(&n->value[x[0]], &n->value[x[1]]))
        return xbtab__add_node(n, call->name, n->find_operator("MatMulInteger"), 4, input, &a, out);
    if (call->attributes.trans_b)
        return xbtab__unsupported(n, call, "transB of a matrix that is not constant");
    if (input[2] >= 0 && n->value[input[2]].shape.size != 1)
        return xbtab__unsupported(n, call, "its first tensor's zero must be one number");
    for (int k = 0; k < 2; k++) { /* digitally: the product of what is left when their zeros are taken off */
        if (input[k + 2] < 0) continue;
        XBTAB_TRY(xbtab__add_node(n, call->name, n->find_operator("Sub"), 2, (int[]){input[k], input[k + 2]},
                                  NULL, &x[k]));
    }
    XBTAB_TRY(xbtab__add_node(n, call->name, n->find_operator("MatMul"), 2, x, NULL, out));
    n->value[*out].type = XBTAB__TYPE_INT32;
    return XBTAB_OK;
}

static xbtab_status lower_integers(xbtab_network *n, xbtab__node *call)
{
    int input[4];
    for (int k = 0; k < 4; k++) input[k] = k < call->n_inputs ? call->input[k] : -1;
    return xbtab__add_integers(n, call, input, &call->output);
}

static const xbtab__operator
    left_matmul = {.name = "MatMul", .least_inputs = 2, .most_inputs = 2, .infer = lower_left_matmul},
    left_gemm = {.name = "Gemm", .least_inputs = 2, .most_inputs = 3, .infer = lower_left_gemm},
    turned_gemm = {.name = "Gemm", .least_inputs = 2, .most_inputs = 3, .infer = lower_turned_gemm},
    integers = {.name = "MatMulInteger", .least_inputs = 2, .most_inputs = 4, .infer = lower_integers};

const xbtab__operator *xbtab__turned_product(const xbtab_network *n, const xbtab__node *node)
{
    bool is_gemm = strcmp(node->type->name, "Gemm") == 0,
         is_integer = strcmp(node->type->name, "MatMulInteger") == 0;
    if ((!is_gemm && !is_integer && strcmp(node->type->name, "MatMul") != 0) || node->n_inputs < 2)
        return NULL;
    const xbtab__value *A = xbtab__input_of(n, node, 0), *B = xbtab__input_of(n, node, 1),
                       *C = xbtab__input_of(n, node, 2);
    if (!A || !B) return NULL;
    if (is_integer) return are_tensors(A, B) ? &integers : NULL;
    if (A->constant && !B->constant && A->shape.rank == 2 && B->shape.rank >= 2) {
        if (!is_gemm) return &left_matmul;
        return B->shape.rank == 2 && (!C || C->shape.rank == 2) ? &left_gemm : NULL;
    }
    bool is_turned = is_gemm && node->attributes.trans_a && B->constant && !A->constant;
    if (is_turned && A->shape.rank == 2 && B->shape.rank == 2) return &turned_gemm;
    return xbtab__blocked_product(n, node);
}

static const xbtab__operator operators[] = {
    {"Gemm", 2, 3, XBTAB__INTEGER_LINEAR, infer_gemm, run_gemm, NULL, NULL},
    {"MatMul", 2, 2, XBTAB__INTEGER_LINEAR, infer_matmul, run_matmul, NULL, NULL},
};

const xbtab__operator *xbtab__operators_matrix(int *n)
{
    *n = sizeof operators / sizeof operators[0];
    return operators;
}
