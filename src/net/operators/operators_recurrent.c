/* operators_recurrent.c - LSTM, GRU and RNN, in all directions.
 *
 * Each becomes two matrix layers. W takes all time steps at once, like any product; its node carries the
 * biases too. R takes the state of one step after the other: the recurrent node does what stands around it,
 * and asks for R's answers through a function, so that the integer run and tiles answer like for every other
 * layer. Equations and orders of gates are those of ONNX's operators. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "graph.h"
#include "memory.h"
#include "recurrent_functions.h"

enum { LSTM_GATES = 4, GRU_GATES = 3 };

/* Inputs of the recurrent node. */
enum { FROM_W, R, BIASES, PEEPHOLES, LENGTHS, FIRST_H, FIRST_C, N_INPUTS };

/* ---- the cells ---- */

/* What tells one kind of cell from another. */
typedef struct cell {
    const char *name;
    int gates, functions;
    const char *otherwise[3]; /* default activations */
} cell;

static const cell cells[] = {{"GRU", GRU_GATES, 2, {"Sigmoid", "Tanh", NULL}},
                             {"LSTM", LSTM_GATES, 3, {"Sigmoid", "Tanh", "Tanh"}},
                             {"RNN", 1, 1, {"Tanh", NULL, NULL}}};

static const cell *cell_of(const xbtab__node *node)
{
    size_t k = 0;
    while (strcmp(cells[k].name, node->type->name) != 0) k++;
    return &cells[k];
}

/* A run of one direction. */
typedef struct recurrence {
    const cell *cell;
    const xbtab__node *node;
    size_t steps, batch, directions, hidden, direction;
    bool is_split; /* GRU's gates are asked one by one, as the last one's input needs another's answer */
    const xbtab__activation *f; /* functions of this direction */
    const float *from_w;        /* from_w[steps][batch][directions][gates][hidden] */
    const float *peepholes;     /* peepholes[3][hidden] of this direction, or NULL */
    float *h, *c, *a, *gated;   /* h[batch][hidden], c the same, a: R's answers, gated[batch][hidden] */
} recurrence;

static size_t answer_at(const recurrence *r, size_t b, size_t gate, size_t j)
{
    size_t gates = (size_t)r->cell->gates;
    return r->is_split ? (gate * r->batch + b) * r->hidden + j : (b * gates + gate) * r->hidden + j;
}

static float clipped(const recurrence *r, float x)
{
    float clip = r->node->attributes.clip;
    return clip > 0 ? fmaxf(-clip, fminf(clip, x)) : x;
}

static float apply(const recurrence *r, int f, float x)
{
    return r->f[f].f(clipped(r, x), r->f[f].alpha, r->f[f].beta);
}

static void lstm_cell(const recurrence *r, const float *x, size_t b)
{
    enum { I, O, F, C };
    size_t H = r->hidden;
    for (size_t j = 0; j < H; j++) {
        float *h = &r->h[b * H + j], *c = &r->c[b * H + j];
        float pi = r->peepholes ? r->peepholes[j] * *c : 0,
              pf = r->peepholes ? r->peepholes[2 * H + j] * *c : 0;
        float in = apply(r, 0, x[I * H + j] + r->a[answer_at(r, b, I, j)] + pi);
        float forget = apply(r, 0, x[F * H + j] + r->a[answer_at(r, b, F, j)] + pf);
        float fresh = apply(r, 1, x[C * H + j] + r->a[answer_at(r, b, C, j)]);
        if (r->node->attributes.input_forget) forget = 1.0f - in;
        *c = forget * *c + in * fresh;
        float po = r->peepholes ? r->peepholes[H + j] * *c : 0;
        float out = apply(r, 0, x[O * H + j] + r->a[answer_at(r, b, O, j)] + po);
        *h = out * r->f[2].f(*c, r->f[2].alpha, r->f[2].beta);
    }
}

/* The reset gate on the state that the last gate's matrix takes. */
static void gru_reset(const recurrence *r, const float *x, size_t b)
{
    for (size_t j = 0; j < r->hidden; j++) {
        float reset = apply(r, 0, x[r->hidden + j] + r->a[answer_at(r, b, 1, j)]);
        r->gated[b * r->hidden + j] = reset * r->h[b * r->hidden + j];
    }
}

static void gru_cell(const recurrence *r, const float *x, size_t b)
{
    for (size_t j = 0; j < r->hidden; j++) {
        float *h = &r->h[b * r->hidden + j], last = r->a[answer_at(r, b, 2, j)];
        float update = apply(r, 0, x[j] + r->a[answer_at(r, b, 0, j)]);
        if (!r->is_split) last *= apply(r, 0, x[r->hidden + j] + r->a[answer_at(r, b, 1, j)]);
        *h = (1.0f - update) * apply(r, 1, x[2 * r->hidden + j] + last) + update * *h;
    }
}

static void rnn_cell(const recurrence *r, const float *x, size_t b)
{
    for (size_t j = 0; j < r->hidden; j++)
        r->h[b * r->hidden + j] = apply(r, 0, x[j] + r->a[answer_at(r, b, 0, j)]);
}

static const float *from_w_at(const recurrence *r, size_t t, size_t b)
{
    return r->from_w +
           ((t * r->batch + b) * r->directions + r->direction) * (size_t)r->cell->gates * r->hidden;
}

static xbtab_status run_step(const recurrence *r, size_t s, const size_t *time, xbtab__step_fn step,
                             void *context)
{
    size_t first = s * r->batch, group = r->direction * (size_t)(r->is_split ? r->cell->gates : 1);
    size_t block = r->batch * r->hidden;
    XBTAB_TRY(step(context, group, first, r->batch, r->h, r->a));
    if (r->is_split) {
        XBTAB_TRY(step(context, group + 1, first, r->batch, r->h, r->a + block));
        for (size_t b = 0; b < r->batch; b++) {
            if (time[b] < r->steps) gru_reset(r, from_w_at(r, time[b], b), b);
        }
        XBTAB_TRY(step(context, group + 2, first, r->batch, r->gated, r->a + 2 * block));
    }
    for (size_t b = 0; b < r->batch; b++) {
        if (time[b] >= r->steps) continue; /* this sequence is over */
        const float *x = from_w_at(r, time[b], b);
        if (r->cell->gates == LSTM_GATES) {
            lstm_cell(r, x, b);
        } else if (r->cell->gates == GRU_GATES) {
            gru_cell(r, x, b);
        } else {
            rnn_cell(r, x, b);
        }
    }
    return XBTAB_OK;
}

static xbtab_status run_direction(const recurrence *r, bool is_reverse, const float *lengths, float *y,
                                  size_t *time, xbtab__step_fn step, void *context)
{
    for (size_t s = 0; s < r->steps; s++) {
        for (size_t b = 0; b < r->batch; b++) {
            size_t length = lengths ? (size_t)lengths[b] : r->steps;
            time[b] = s >= length ? r->steps : is_reverse ? length - 1 - s : s;
        }
        XBTAB_TRY(run_step(r, s, time, step, context));
        for (size_t b = 0; b < r->batch; b++) {
            bool is_over = time[b] >= r->steps;
            size_t t = is_over ? s : time[b];
            float *to = y + ((t * r->directions + r->direction) * r->batch + b) * r->hidden;
            for (size_t j = 0; j < r->hidden; j++) to[j] = is_over ? 0.0f : r->h[b * r->hidden + j];
        }
    }
    return XBTAB_OK;
}

static void take_state(float *out, const float *first, size_t direction, size_t n)
{
    for (size_t k = 0; k < n; k++) out[k] = first ? first[direction * n + k] : 0.0f;
}

static const float *input_data(const xbtab__node *node, const xbtab__float_run *run, int k)
{
    return node->input[k] >= 0 ? run->data[node->input[k]] : NULL;
}

xbtab_status xbtab__run_recurrent(const xbtab_network *n, const xbtab__node *node,
                                  const xbtab__float_run *run, xbtab__step_fn step, void *context)
{
    const xbtab__shape *out = &xbtab__output_of(n, node)->shape; /* [steps][directions][batch][hidden] */
    xbtab__activation f[XBTAB__NET_WORDS];
    recurrence r = {.cell = cell_of(node),
                    .node = node,
                    .steps = (size_t)out->dim[0],
                    .directions = (size_t)out->dim[1],
                    .batch = (size_t)out->dim[2],
                    .hidden = (size_t)out->dim[3],
                    .from_w = input_data(node, run, FROM_W)};
    size_t block = r.batch * r.hidden;
    r.is_split = node->linear.groups > r.directions;
    r.h = run->scratch;
    r.c = r.h + block;
    r.gated = r.c + block;
    r.a = r.gated + block;
    xbtab__take_activations(&node->attributes, r.cell->otherwise, r.cell->functions, (int)r.directions, f);
    size_t *time = xbtab__alloc(r.batch, sizeof *time);
    if (!time) return XBTAB_NOMEM();
    xbtab_status status = XBTAB_OK;
    for (r.direction = 0; r.direction < r.directions && status == XBTAB_OK; r.direction++) {
        bool is_reverse = r.direction == 1 || strcmp(node->attributes.direction, "reverse") == 0;
        const float *peepholes = input_data(node, run, PEEPHOLES);
        r.f = f + r.direction * (size_t)r.cell->functions;
        r.peepholes = peepholes ? peepholes + r.direction * 3 * r.hidden : NULL;
        take_state(r.h, input_data(node, run, FIRST_H), r.direction, block);
        take_state(r.c, input_data(node, run, FIRST_C), r.direction, block);
        memset(r.gated, 0, block * sizeof *r.gated);
        status = run_direction(&r, is_reverse, input_data(node, run, LENGTHS), run->data[node->output], time,
                               step, context);
        float *last_h = xbtab__more_of(node, run, 0), *last_c = xbtab__more_of(node, run, 1);
        if (last_h) memcpy(last_h + r.direction * block, r.h, block * sizeof *r.h);
        if (last_c && r.cell->gates == LSTM_GATES)
            memcpy(last_c + r.direction * block, r.c, block * sizeof *r.c);
    }
    xbtab__free(time);
    return status;
}

const xbtab__value *xbtab__first_state(const xbtab_network *n, const xbtab__node *node)
{
    bool is_recurrent = node->type->integer == XBTAB__INTEGER_RECURRENT;
    return is_recurrent ? xbtab__input_of(n, node, FIRST_H) : NULL;
}

static xbtab_status float_step(void *context, size_t group, size_t first, size_t n, const float *x, float *y)
{
    const xbtab__linear *l = &((const xbtab__node *)context)->linear;
    (void)first;
    for (size_t v = 0; v < n; v++) {
        for (size_t o = 0; o < l->outputs; o++) {
            const float *w = l->W + (group * l->outputs + o) * l->inputs;
            float sum = l->bias[group * l->outputs + o];
            for (size_t k = 0; k < l->inputs; k++) sum += w[k] * x[v * l->inputs + k];
            y[v * l->outputs + o] = sum;
        }
    }
    return XBTAB_OK;
}

static void run_in_float(const xbtab_network *n, const xbtab__node *node, const xbtab__float_run *run)
{
    xbtab__node *same = (xbtab__node *)(uintptr_t)node; /* float_step only reads it */
    if (xbtab__run_recurrent(n, node, run, float_step, same) < 0)
        memset(run->data[node->output], 0, xbtab__output_of(n, node)->shape.size * sizeof(float));
}

/* ---- making the two layers ---- */

/* Whether the bias behind R stays with R, as a gate stands before the sum. */
static bool stays_with_r(const cell *c, const xbtab__node *node, size_t gate)
{
    return c->gates == GRU_GATES && node->attributes.linear_before_reset && gate == 2;
}

static void take_biases(const xbtab_network *n, const cell *c, xbtab__node *node)
{
    const xbtab__value *b = xbtab__input_of(n, node, BIASES);
    size_t rows = (size_t)c->gates * node->linear.inputs;
    for (size_t k = 0; b && k < node->linear.groups * node->linear.outputs; k++) {
        size_t d = k / rows, j = k % rows;
        if (stays_with_r(c, node, j / node->linear.inputs))
            node->linear.bias[k] = b->constant[(2 * d + 1) * rows + j];
    }
}

static xbtab_status infer_recurrent(xbtab_network *n, xbtab__node *node)
{
    const xbtab__shape *x = &xbtab__input_of(n, node, FROM_W)->shape;
    const xbtab__value *recurrent = xbtab__input_of(n, node, R);
    const cell *c = cell_of(node);
    int64_t directions = recurrent->shape.dim[0], hidden = recurrent->shape.dim[2], steps = x->dim[0],
            batch = x->dim[1];
    bool is_split = c->gates == GRU_GATES && !node->attributes.linear_before_reset;
    size_t groups = (size_t)directions * (size_t)(is_split ? c->gates : 1);
    size_t outputs = (size_t)hidden * (size_t)(is_split ? 1 : c->gates);
    XBTAB_TRY(
        xbtab__set_linear(n, node, groups, (size_t)hidden, outputs, (size_t)(steps * batch), NULL, 1.0f));
    memcpy(node->linear.W, recurrent->constant, recurrent->shape.size * sizeof *node->linear.W);
    take_biases(n, c, node);
    if (recurrent->step) XBTAB_TRY(xbtab__take_steps(&node->linear, recurrent->step, NULL));
    size_t scratch = (size_t)(batch * hidden) * (3 + (size_t)c->gates);
    if (n->scratch < scratch) n->scratch = scratch;
    int64_t last[3] = {directions, batch, hidden};
    for (int k = 0; k < (c->gates == LSTM_GATES ? 2 : 1); k++)
        XBTAB_TRY(xbtab__more_set(n, node, k, 3, last, XBTAB__TYPE_FLOAT));
    return xbtab__shape_set(n, node, xbtab__output_of(n, node), 4,
                            (int64_t[]){steps, directions, batch, hidden});
}

#define ROW(name)                                                                                            \
    {                                                                                                        \
        name, 2, N_INPUTS, XBTAB__INTEGER_RECURRENT, infer_recurrent, run_in_float, NULL, NULL               \
    }

/* Nodes that files do not have themselves. */
static const xbtab__operator recurrent[] = {ROW("GRU"), ROW("LSTM"), ROW("RNN")};

/* The shapes of a node's inputs against one another. */
static xbtab_status check_call(xbtab_network *n, const xbtab__node *call, const cell *c)
{
    const xbtab__attributes *a = &call->attributes;
    const xbtab__value *x = xbtab__input_of(n, call, 0), *W = xbtab__input_of(n, call, 1),
                       *r = xbtab__input_of(n, call, 2);
    bool is_both = strcmp(a->direction, "bidirectional") == 0;
    int64_t directions = is_both ? 2 : 1;
    if (!W->constant || !r->constant)
        return xbtab__unsupported(n, call, "its matrices W and R must be constant");
    if (x->shape.rank != 3 || W->shape.rank != 3 || r->shape.rank != 3)
        return xbtab__node_fail(n, call, XBTAB_ERR_INPUT, "its input and matrices have not three axes each");
    int64_t hidden = r->shape.dim[2], batch = x->shape.dim[a->layout ? 0 : 1],
            steps = x->shape.dim[a->layout ? 1 : 0];
    if (!is_both && strcmp(a->direction, "forward") != 0 && strcmp(a->direction, "reverse") != 0)
        return xbtab__node_fail(n, call, XBTAB_ERR_INPUT, "direction \"%s\"", a->direction);
    if (a->has_clip && !(a->clip > 0))
        return xbtab__node_fail(n, call, XBTAB_ERR_INPUT, "clip %g is not above 0", (double)a->clip);
    if (W->shape.dim[0] != directions || r->shape.dim[0] != directions ||
        r->shape.dim[1] != c->gates * hidden || W->shape.dim[1] != c->gates * hidden ||
        W->shape.dim[2] != x->shape.dim[2] || (a->hidden_size && a->hidden_size != hidden))
        return xbtab__node_fail(n, call, XBTAB_ERR_INPUT, "its input and matrices do not go together");
    const int64_t sizes[] = {2 * directions * c->gates * hidden, batch, directions * batch * hidden,
                             directions * batch * hidden, 3 * directions * hidden};
    for (int k = 3; k < call->n_inputs; k++) {
        const xbtab__value *v = xbtab__input_of(n, call, k);
        if (!v) continue;
        if ((int64_t)v->shape.size != sizes[k - 3])
            return xbtab__node_fail(n, call, XBTAB_ERR_INPUT, "input %d has %zu numbers instead of %lld", k,
                                    v->shape.size, (long long)sizes[k - 3]);
        if ((k == 3 || k == 4 || k == 7) && !v->constant)
            return xbtab__unsupported(n, call, "its biases, lengths and peepholes must be constant");
        for (size_t b = 0; k == 4 && b < v->shape.size; b++) {
            if (!(v->constant[b] >= 0) || v->constant[b] > (float)steps)
                return xbtab__node_fail(n, call, XBTAB_ERR_INPUT, "a sequence of %g steps",
                                        (double)v->constant[b]);
        }
    }
    xbtab__activation f[XBTAB__NET_WORDS];
    if (a->n_activations && a->n_activations != (int)directions * c->functions)
        return xbtab__node_fail(n, call, XBTAB_ERR_INPUT, "has %d activations", a->n_activations);
    const char *unknown = xbtab__take_activations(a, c->otherwise, c->functions, (int)directions, f);
    if (unknown) return xbtab__node_fail(n, call, XBTAB_ERR_UNSUPPORTED, "activation \"%s\"", unknown);
    return XBTAB_OK;
}

/* W[directions][rows][inputs] as one matrix [inputs][directions * rows]. */
static xbtab_status add_matrix(xbtab_network *n, const xbtab__node *call, int *out)
{
    const xbtab__shape s = xbtab__input_of(n, call, 1)->shape;
    size_t rows = (size_t)(s.dim[0] * s.dim[1]), inputs = (size_t)s.dim[2];
    bool has_steps = xbtab__input_of(n, call, 1)->step != NULL;
    XBTAB_TRY(xbtab__add_constant(n, 2, (int64_t[]){s.dim[2], s.dim[0] * s.dim[1]}, XBTAB__TYPE_FLOAT,
                                  has_steps, out));
    const xbtab__value *W = xbtab__input_of(n, call, 1);
    for (size_t o = 0; o < rows; o++) {
        for (size_t k = 0; k < inputs; k++) {
            n->value[*out].constant[k * rows + o] = W->constant[o * inputs + k];
            if (has_steps) n->value[*out].step[k * rows + o] = W->step[o * inputs + k];
        }
    }
    return XBTAB_OK;
}

/* The biases that can be added to W's answers: both, but for those that stay with R. */
static xbtab_status add_biases(xbtab_network *n, const xbtab__node *call, const cell *c, int *out)
{
    int64_t directions = xbtab__input_of(n, call, 2)->shape.dim[0],
            hidden = xbtab__input_of(n, call, 2)->shape.dim[2];
    size_t H = (size_t)hidden, rows = (size_t)c->gates * H;
    XBTAB_TRY(xbtab__add_constant(n, 1, (int64_t[]){directions * c->gates * hidden}, XBTAB__TYPE_FLOAT, false,
                                  out));
    const float *b = xbtab__input_of(n, call, 3)->constant;
    for (size_t d = 0; d < (size_t)directions; d++) {
        for (size_t j = 0; j < rows; j++) {
            float *to = &n->value[*out].constant[d * rows + j];
            *to = b[2 * d * rows + j];
            if (!stays_with_r(c, call, j / H)) *to += b[(2 * d + 1) * rows + j];
        }
    }
    return XBTAB_OK;
}

/* Batch first, or time first. */
static xbtab_status swap_axes(xbtab_network *n, const char *name, const int64_t *perm, int rank, int *value)
{
    xbtab__attributes a;
    int turned;
    if (*value < 0) return XBTAB_OK;
    xbtab__attributes_init(&a, "Transpose");
    memcpy(a.perm, perm, (size_t)rank * sizeof *perm);
    a.n_perm = rank;
    XBTAB_TRY(xbtab__add_node(n, name, n->find_operator("Transpose"), 1, value, &a, &turned));
    *value = turned;
    return XBTAB_OK;
}

static xbtab_status lower_recurrent(xbtab_network *n, xbtab__node *call)
{
    static const int64_t swap[] = {1, 0, 2}, back[] = {2, 0, 1, 3};
    const cell *c = cell_of(call);
    char name[256];
    int W, bias, product, input[N_INPUTS], given[8], output, more[2];
    XBTAB_TRY(check_call(n, call, c));
    for (int k = 0; k < 8; k++) given[k] = k < call->n_inputs ? call->input[k] : -1;
    bool is_batch_first = call->attributes.layout != 0;
    if (is_batch_first) {
        XBTAB_TRY(swap_axes(n, call->name, swap, 3, &given[0]));
        XBTAB_TRY(swap_axes(n, call->name, swap, 3, &given[5]));
        XBTAB_TRY(swap_axes(n, call->name, swap, 3, &given[6]));
    }
    XBTAB_TRY(add_matrix(n, call, &W));
    snprintf(name, sizeof name, "%.200s/W", call->name);
    XBTAB_TRY(xbtab__add_node(n, name, n->find_operator("MatMul"), 2, (int[]){given[0], W}, NULL, &product));
    if (given[3] >= 0) {
        XBTAB_TRY(add_biases(n, call, c, &bias));
        XBTAB_TRY(
            xbtab__add_node(n, name, n->find_operator("Add"), 2, (int[]){product, bias}, NULL, &product));
    }
    input[FROM_W] = product;
    input[R] = given[2];
    input[BIASES] = given[3];
    input[PEEPHOLES] = given[7];
    input[LENGTHS] = given[4];
    input[FIRST_H] = given[5];
    input[FIRST_C] = given[6];
    snprintf(name, sizeof name, "%.200s/R", call->name);
    XBTAB_TRY(xbtab__add_node_more(n, name, &recurrent[c - cells], N_INPUTS, input, &call->attributes,
                                   &output, 2, more));
    if (is_batch_first) {
        XBTAB_TRY(swap_axes(n, call->name, back, 4, &output));
        for (int k = 0; k < (c->gates == LSTM_GATES ? 2 : 1); k++)
            XBTAB_TRY(swap_axes(n, call->name, swap, 3, &more[k]));
    }
    call->output = output;
    for (int k = 0; k < call->n_more && k < 2; k++) call->more[k] = more[k];
    return XBTAB_OK;
}

static const xbtab__operator operators[] = {
    {"GRU", 3, 6, XBTAB__INTEGER_NONE, lower_recurrent, NULL, NULL, NULL},
    {"LSTM", 3, 8, XBTAB__INTEGER_NONE, lower_recurrent, NULL, NULL, NULL},
    {"RNN", 3, 6, XBTAB__INTEGER_NONE, lower_recurrent, NULL, NULL, NULL},
};

const xbtab__operator *xbtab__operators_recurrent(int *n)
{
    *n = sizeof operators / sizeof operators[0];
    return operators;
}
