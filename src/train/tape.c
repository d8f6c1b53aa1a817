/* tape.c - steps in order, their memory, and running them over a batch. */
#include "tape.h"

#include <math.h>
#include <string.h>

#include "memory.h"

static const size_t most_partial = (size_t)1 << 22; /* numbers of convolutions up to which parts are many */

static const xbtab__gradient *find_gradient(const char *name)
{
    static const xbtab__gradient *const tables[] = {xbtab__gradients_matrix, xbtab__gradients_each,
                                                    xbtab__gradients_window, xbtab__gradients_move,
                                                    xbtab__gradients_norm};
    for (size_t k = 0; k < sizeof tables / sizeof tables[0]; k++) {
        for (const xbtab__gradient *g = tables[k]; g->name; g++) {
            if (strcmp(g->name, name) == 0) return g;
        }
    }
    return NULL;
}

/* ---- setting up ---- */

static bool is_last_softmax(const xbtab_network *n, const xbtab__node *node)
{
    bool is_softmax = strcmp(node->type->name, "Softmax") == 0 || strcmp(node->type->name, "LogSoftmax") == 0;
    return is_softmax && node->output == n->output;
}

static xbtab_status add_step(xbtab__tape *t, const xbtab__node *node)
{
    const xbtab_network *n = t->network;
    const xbtab__gradient *type = find_gradient(node->type->name);
    if (is_last_softmax(n, node)) { /* the loss has it */
        t->output = node->input[0];
        return XBTAB_OK;
    }
    if (!type || node->n_more > 0)
        return xbtab__node_fail(n, node, XBTAB_ERR_UNSUPPORTED,
                                "cannot be trained: it has no way back for gradients");
    xbtab__tape_step *s = &t->step[t->n_steps++];
    *s = (xbtab__tape_step){
        .type = type, .node = node, .output = node->output, .weight = -1, .bias = -1, .grid = -1};
    for (int k = 0; k < node->n_inputs; k++) s->input[k] = node->input[k];
    s->n_inputs = node->n_inputs;
    return type->begin ? type->begin(t, s) : XBTAB_OK;
}

xbtab_status xbtab__tape_create(xbtab__tape **out, const xbtab_network *network, int batch, int threads)
{
    xbtab_status status = XBTAB_OK;
    xbtab__tape *t = xbtab__alloc(1, sizeof *t);
    if (!t) return XBTAB_NOMEM();
    *t = (xbtab__tape){.network = network,
                       .batch = batch,
                       .threads = threads > 0 ? threads : xbtab__thread_count(&(xbtab_run_options){0}),
                       .n_values = network->n_values,
                       .input = network->input,
                       .output = network->output};
    t->value = xbtab__alloc((size_t)t->n_values, sizeof *t->value);
    t->step = xbtab__alloc((size_t)network->n_nodes, sizeof *t->step);
    if (!t->value || !t->step) {
        status = XBTAB_NOMEM();
        goto done;
    }
    for (int v = 0; v < network->n_values; v++) {
        t->value[v].size = network->value[v].shape.size;
        t->value[v].is_constant = network->value[v].constant != NULL;
    }
    for (int k = 0; k < network->n_nodes; k++) XBTAB_TRY_DONE(add_step(t, &network->node[k]));
    *out = t;
    t = NULL;
done:
    xbtab__tape_destroy(&t);
    return status;
}

void xbtab__tape_destroy(xbtab__tape **tape)
{
    xbtab__tape *t = *tape;
    if (!t) return;
    for (int v = 0; v < t->n_values && t->value; v++) {
        if (!t->value[v].is_constant) xbtab__free(t->value[v].x);
        xbtab__free(t->value[v].dx);
    }
    for (int k = 0; k < t->n_steps; k++) {
        xbtab__free(t->step[k].place);
        xbtab__free(t->step[k].factor);
        xbtab__free(t->step[k].shift);
        xbtab__free(t->step[k].winner);
        xbtab__free(t->step[k].memory);
    }
    for (int k = 0; k < t->n_parameters; k++) {
        xbtab__parameter *p = &t->parameter[k];
        xbtab__free(p->value);
        xbtab__free(p->used);
        xbtab__free(p->code);
        xbtab__free(p->scale);
        xbtab__free(p->gradient);
        xbtab__free(p->part);
    }
    for (int k = 0; k < t->threads && t->scratch; k++) xbtab__free(t->scratch[k]);
    xbtab__free(t->scratch);
    xbtab__free(t->value);
    xbtab__free(t->step);
    xbtab__free(t->parameter);
    xbtab__free(t->grid);
    xbtab__free(t);
    *tape = NULL;
}

/* ---- quantizers ---- */

/* A value that stands behind the quantizer of another, and the quantizer in front of step `at`. */
static xbtab_status insert_quantizer(xbtab__tape *t, int at, int value, int bits)
{
    const float one = 1.0f;
    xbtab__tape_value *values = xbtab__realloc(t->value, (size_t)t->n_values + 1, sizeof *values);
    if (!values) return XBTAB_NOMEM();
    t->value = values;
    xbtab__tape_step *steps = xbtab__realloc(t->step, (size_t)t->n_steps + 1, sizeof *steps);
    if (!steps) return XBTAB_NOMEM();
    t->step = steps;
    xbtab__grid *grids = xbtab__realloc(t->grid, (size_t)t->n_grids + 1, sizeof *grids);
    if (!grids) return XBTAB_NOMEM();
    t->grid = grids;
    values[t->n_values] = (xbtab__tape_value){.size = values[value].size};
    int step = xbtab__tape_add_parameter(t, t->network->value[value].name, &one, 1, 0);
    if (step < 0) return XBTAB_NOMEM();
    grids[t->n_grids] = (xbtab__grid){.bits = bits, .most = (float)((1 << bits) - 1), .step = step};
    memmove(steps + at + 1, steps + at, (size_t)(t->n_steps - at) * sizeof *steps);
    steps[at] = (xbtab__tape_step){.type = &xbtab__gradient_quantizer,
                                   .n_inputs = 1,
                                   .input = {value},
                                   .output = t->n_values,
                                   .weight = -1,
                                   .bias = -1,
                                   .grid = t->n_grids};
    t->n_steps++;
    t->n_values++;
    t->n_grids++;
    return XBTAB_OK;
}

xbtab_status xbtab__tape_add_quantizers(xbtab__tape *t, int bits)
{
    for (int k = 0; k < t->n_steps; k++) {
        xbtab__tape_step *layer = &t->step[k];
        if (layer->weight < 0 || t->parameter[layer->weight].rows == 0) continue;
        int from = -1;
        for (int q = 0; q < k; q++) {
            if (t->step[q].type == &xbtab__gradient_quantizer && t->step[q].input[0] == layer->input[0])
                from = q;
        }
        if (from < 0) {
            XBTAB_TRY(insert_quantizer(t, k, layer->input[0], bits));
            from = k++;
        }
        t->step[k].input[0] = t->step[from].output;
        t->step[k].grid = t->step[from].grid;
    }
    return XBTAB_OK;
}

/* ---- memory ---- */

static bool needs_gradient(const xbtab__tape *t, const xbtab__tape_step *s)
{
    bool needs = s->weight >= 0 || s->grid >= 0;
    for (int k = 0; k < s->n_inputs; k++) needs = needs || (s->input[k] >= 0 && t->value[s->input[k]].dx);
    return needs;
}

/* Room that a step wants of each thread. */
static size_t scratch_of(const xbtab__tape *t, const xbtab__tape_step *s)
{
    if (!s->node || !s->node->linear.W) return 0;
    const xbtab__linear *l = &s->node->linear;
    size_t one = l->inputs * l->positions, out = l->outputs * l->positions;
    if (l->is_convolution) return 2 * one + 1 + 3 * out;
    return (size_t)t->batch * l->positions * (l->inputs + 3 * l->outputs);
}

static xbtab_status add_parts(xbtab__tape *t)
{
    size_t partial = 0;
    for (int k = 0; k < t->n_steps; k++) {
        const xbtab__tape_step *s = &t->step[k];
        if (s->weight >= 0 && s->type->backward) partial += t->parameter[s->weight].size;
    }
    t->parts = partial > most_partial ? XBTAB__TAPE_PARTS / 4 : XBTAB__TAPE_PARTS;
    if (t->parts > t->batch) t->parts = t->batch;
    for (int k = 0; k < t->n_steps; k++) {
        const xbtab__tape_step *s = &t->step[k];
        const int own[3] = {s->weight, s->bias,
                            s->type == &xbtab__gradient_quantizer ? t->grid[s->grid].step : -1};
        for (int w = 0; w < 3 && s->type->backward; w++) {
            if (own[w] < 0) continue;
            xbtab__parameter *p = &t->parameter[own[w]];
            p->part = xbtab__alloc_aligned((size_t)t->parts * p->size, sizeof *p->part);
            if (!p->part) return XBTAB_NOMEM();
        }
    }
    return XBTAB_OK;
}

xbtab_status xbtab__tape_lay_out(xbtab__tape *t)
{
    const xbtab_network *n = t->network;
    for (int v = 0; v < t->n_values; v++) {
        xbtab__tape_value *value = &t->value[v];
        if (value->is_constant) {
            value->x = n->value[v].constant;
            continue;
        }
        value->x = xbtab__alloc_aligned((size_t)t->batch * value->size, sizeof *value->x);
        if (!value->x) return XBTAB_NOMEM();
    }
    for (int k = 0; k < t->n_steps; k++) {
        xbtab__tape_step *s = &t->step[k];
        xbtab__tape_value *out = &t->value[s->output];
        size_t room = scratch_of(t, s);
        if (room > t->room) t->room = room;
        if (!needs_gradient(t, s) && s->output != t->output) continue;
        out->dx = xbtab__alloc_aligned((size_t)t->batch * out->size, sizeof *out->dx);
        if (!out->dx) return XBTAB_NOMEM();
    }
    t->room = (t->room + 15) / 16 * 16 + xbtab__gemm_room();
    t->scratch = xbtab__alloc((size_t)t->threads, sizeof *t->scratch);
    for (int k = 0; k < t->threads && t->scratch; k++) {
        t->scratch[k] = xbtab__alloc_aligned(t->room, sizeof **t->scratch);
        if (!t->scratch[k]) return XBTAB_NOMEM();
    }
    if (!t->scratch) return XBTAB_NOMEM();
    return add_parts(t);
}

/* ---- running ---- */

/* Some steps one after the other, on the chunks of a batch. */
typedef struct stretch {
    const xbtab__tape *t;
    int first, end;
    bool is_back;
    size_t parts;
} stretch;

static void run_chunk(const void *context, size_t part, int thread)
{
    const stretch *s = context;
    size_t n = (size_t)s->t->n, first = part * n / s->parts;
    const xbtab__span span = {
        .first = first, .n = (part + 1) * n / s->parts - first, .part = (int)part, .thread = thread};
    for (int k = s->first; k < s->end && !s->is_back; k++)
        s->t->step[k].type->forward(s->t, &s->t->step[k], &span);
    for (int k = s->end; k-- > s->first && s->is_back;) {
        const xbtab__tape_step *step = &s->t->step[k];
        if (s->t->value[step->output].dx) step->type->backward(s->t, step, &span);
    }
}

static size_t parts_now(const xbtab__tape *t)
{
    return (size_t)(t->parts < t->n ? t->parts : t->n);
}

static void run_stretch(const xbtab__tape *t, int first, int end, bool is_back)
{
    const stretch s = {.t = t, .first = first, .end = end, .is_back = is_back, .parts = parts_now(t)};
    if (first < end) xbtab__tape_share(t, s.parts, run_chunk, &s);
}

void xbtab__tape_forward(xbtab__tape *t)
{
    int first = 0;
    for (int k = 0; k < t->n_steps; k++) {
        if (!t->step[k].type->forward_all) continue;
        run_stretch(t, first, k, false);
        t->step[k].type->forward_all(t, &t->step[k]);
        first = k + 1;
    }
    run_stretch(t, first, t->n_steps, false);
}

static void clear_value(const void *context, size_t v, int thread)
{
    const xbtab__tape *t = context;
    const xbtab__tape_value *value = &t->value[v];
    (void)thread;
    if (value->dx && (int)v != t->output) memset(value->dx, 0, (size_t)t->n * value->size * sizeof(float));
}

static void clear_parameter(const void *context, size_t p, int thread)
{
    const xbtab__parameter *parameter = &((const xbtab__tape *)context)->parameter[p];
    (void)thread;
    memset(parameter->gradient, 0, parameter->size * sizeof *parameter->gradient);
    if (parameter->part)
        memset(parameter->part, 0,
               (size_t)((const xbtab__tape *)context)->parts * parameter->size * sizeof *parameter->part);
}

static void add_up_parts(const void *context, size_t p, int thread)
{
    const xbtab__tape *t = context;
    const xbtab__parameter *parameter = &t->parameter[p];
    (void)thread;
    for (size_t part = 0; parameter->part && part < parts_now(t); part++) {
        for (size_t k = 0; k < parameter->size; k++)
            parameter->gradient[k] += parameter->part[part * parameter->size + k];
    }
}

void xbtab__tape_backward(xbtab__tape *t)
{
    int end = t->n_steps;
    xbtab__tape_share(t, (size_t)t->n_values, clear_value, t);
    xbtab__tape_share(t, (size_t)t->n_parameters, clear_parameter, t);
    for (int k = t->n_steps; k-- > 0;) {
        if (!t->step[k].type->backward_all) continue;
        run_stretch(t, k + 1, end, true);
        if (t->value[t->step[k].output].dx) t->step[k].type->backward_all(t, &t->step[k]);
        end = k;
    }
    run_stretch(t, 0, end, true);
    xbtab__tape_share(t, (size_t)t->n_parameters, add_up_parts, t);
}

/* ---- the loss ---- */

double xbtab__tape_loss(xbtab__tape *t, const int32_t *label, size_t *right)
{
    const xbtab__tape_value *out = &t->value[t->output];
    double loss = 0;
    for (size_t i = 0; i < (size_t)t->n; i++) {
        const float *y = out->x + i * out->size;
        float *d = out->dx + i * out->size;
        size_t best = xbtab_argmax(y, out->size), mine = (size_t)label[i];
        double sum = 0, top = (double)y[best];
        for (size_t o = 0; o < out->size; o++) sum += xbtab__train_exp((double)y[o] - top);
        for (size_t o = 0; o < out->size; o++) {
            double share = xbtab__train_exp((double)y[o] - top) / sum;
            d[o] = (float)((share - (o == mine ? 1.0 : 0.0)) / (double)t->n);
        }
        loss += log(sum) - ((double)y[mine] - top);
        if (right) *right += best == mine;
    }
    return loss / t->n;
}
