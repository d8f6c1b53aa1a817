/* steps_norm.c - batch normalization (Ioffe and Szegedy, ICML 2015): in training by the batch's own mean and
 * variance, whose running means go into the file; else by the file's.
 *
 *   y = scale xhat + shift,  xhat = (x - mean)/sqrt(variance + epsilon)
 *   dx = scale/sqrt(variance + epsilon) (dy - mean(dy) - xhat mean(dy xhat)) */
#include <math.h>
#include <string.h>

#include "memory.h"
#include "tape.h"

static const double kept = 0.9; /* of running means, a batch */

/* memory[4][channels] */
enum { RUNNING_MEAN, RUNNING_VARIANCE, MEAN, INVERSE };

static size_t channels_of(const xbtab__tape *t, const xbtab__tape_step *s)
{
    return (size_t)t->network->value[s->node->output].shape.dim[1];
}

static xbtab_status begin_norm(xbtab__tape *t, xbtab__tape_step *s)
{
    const xbtab_network *n = t->network;
    size_t c = channels_of(t, s);
    const float *const of[4] = {n->value[s->input[1]].constant, n->value[s->input[2]].constant,
                                n->value[s->input[3]].constant, n->value[s->input[4]].constant};
    if (n->value[s->output].shape.dim[0] != 1)
        return xbtab__node_fail(n, s->node, XBTAB_ERR_UNSUPPORTED, "cannot be trained: its batch is not 1");
    s->n_inputs = 1;
    s->memory = xbtab__alloc(4 * c, sizeof *s->memory);
    if (!s->memory) return XBTAB_NOMEM();
    memcpy(s->memory + RUNNING_MEAN * c, of[2], c * sizeof **of);
    memcpy(s->memory + RUNNING_VARIANCE * c, of[3], c * sizeof **of);
    s->weight = xbtab__tape_add_parameter(t, s->node->name, of[0], c, 0);
    if (s->weight >= 0) s->bias = xbtab__tape_add_parameter(t, s->node->name, of[1], c, 0);
    return s->bias >= 0 ? XBTAB_OK : XBTAB_NOMEM();
}

typedef struct norm {
    const xbtab__tape *t;
    const xbtab__tape_step *s;
    size_t channels, plane;
} norm;

static norm norm_of(const xbtab__tape *t, const xbtab__tape_step *s)
{
    size_t channels = channels_of(t, s);
    return (norm){.t = t, .s = s, .channels = channels, .plane = t->value[s->output].size / channels};
}

static void take_statistics(const norm *a, size_t c)
{
    double sum = 0, squares = 0, n = (double)a->t->n * (double)a->plane;
    float *memory = a->s->memory;
    for (size_t i = 0; i < (size_t)a->t->n; i++) {
        const float *x = xbtab__numbers_of(a->t, a->s->input[0], i) + c * a->plane;
        for (size_t k = 0; k < a->plane; k++) sum += (double)x[k];
    }
    double mean = sum / n;
    for (size_t i = 0; i < (size_t)a->t->n; i++) {
        const float *x = xbtab__numbers_of(a->t, a->s->input[0], i) + c * a->plane;
        for (size_t k = 0; k < a->plane; k++) squares += ((double)x[k] - mean) * ((double)x[k] - mean);
    }
    float *running = memory + RUNNING_MEAN * a->channels + c,
          *variance = memory + RUNNING_VARIANCE * a->channels + c;
    *running = (float)(kept * (double)*running + (1 - kept) * mean);
    *variance = (float)(kept * (double)*variance + (1 - kept) * squares / (n > 1 ? n - 1 : 1));
    memory[MEAN * a->channels + c] = (float)mean;
    memory[INVERSE * a->channels + c] =
        (float)(1.0 / sqrt(squares / n + (double)a->s->node->attributes.epsilon));
}

static void norm_channel(const void *context, size_t c, int thread)
{
    const norm *a = context;
    float *memory = a->s->memory;
    (void)thread;
    if (a->t->is_training) {
        take_statistics(a, c);
    } else {
        double variance = (double)memory[RUNNING_VARIANCE * a->channels + c];
        memory[MEAN * a->channels + c] = memory[RUNNING_MEAN * a->channels + c];
        memory[INVERSE * a->channels + c] =
            (float)(1.0 / sqrt(variance + (double)a->s->node->attributes.epsilon));
    }
    float factor = a->t->parameter[a->s->weight].used[c] * memory[INVERSE * a->channels + c];
    float mean = memory[MEAN * a->channels + c], shift = a->t->parameter[a->s->bias].used[c];
    for (size_t i = 0; i < (size_t)a->t->n; i++) {
        const float *x = xbtab__numbers_of(a->t, a->s->input[0], i) + c * a->plane;
        float *y = xbtab__numbers_of(a->t, a->s->output, i) + c * a->plane;
        for (size_t k = 0; k < a->plane; k++) y[k] = (x[k] - mean) * factor + shift;
    }
}

static void norm_channel_back(const void *context, size_t c, int thread)
{
    const norm *a = context;
    double sum = 0, product = 0, n = (double)a->t->n * (double)a->plane;
    float mean = a->s->memory[MEAN * a->channels + c], inverse = a->s->memory[INVERSE * a->channels + c];
    const xbtab__parameter *scale = &a->t->parameter[a->s->weight];
    (void)thread;
    for (size_t i = 0; i < (size_t)a->t->n; i++) {
        const float *x = xbtab__numbers_of(a->t, a->s->input[0], i) + c * a->plane;
        const float *dy = xbtab__gradient_of(a->t, a->s->output, i) + c * a->plane;
        for (size_t k = 0; k < a->plane; k++) {
            sum += (double)dy[k];
            product += (double)dy[k] * (double)((x[k] - mean) * inverse);
        }
    }
    scale->gradient[c] += (float)product;
    a->t->parameter[a->s->bias].gradient[c] += (float)sum;
    float factor = scale->used[c] * inverse, mean_dy = 0, mean_product = 0;
    if (a->t->is_training) {
        mean_dy = (float)(sum / n);
        mean_product = (float)(product / n);
    }
    for (size_t i = 0; i < (size_t)a->t->n; i++) {
        const float *x = xbtab__numbers_of(a->t, a->s->input[0], i) + c * a->plane;
        const float *dy = xbtab__gradient_of(a->t, a->s->output, i) + c * a->plane;
        float *dx = xbtab__gradient_of(a->t, a->s->input[0], i);
        if (!dx) return;
        dx += c * a->plane;
        for (size_t k = 0; k < a->plane; k++)
            dx[k] += factor * (dy[k] - mean_dy - (x[k] - mean) * inverse * mean_product);
    }
}

static void forward_norm(const xbtab__tape *t, const xbtab__tape_step *s)
{
    const norm a = norm_of(t, s);
    xbtab__tape_share(t, a.channels, norm_channel, &a);
}

static void backward_norm(const xbtab__tape *t, const xbtab__tape_step *s)
{
    const norm a = norm_of(t, s);
    xbtab__tape_share(t, a.channels, norm_channel_back, &a);
}

const xbtab__gradient xbtab__gradients_norm[] = {
    {"BatchNormalization", begin_norm, NULL, NULL, forward_norm, backward_norm},
    {NULL, NULL, NULL, NULL, NULL, NULL},
};
