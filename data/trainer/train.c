/* train.c - stochastic gradient descent with momentum, one thread; the same bits every time on one machine
 * (OpenBLAS chooses its kernels by the processor). */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <cblas.h>

#include "lstm.h"
#include "random.h"
#include "trainer.h"

enum { BATCH = 32 };

/* One image on its way through, and its gradients on their way back. */
typedef struct pass {
    float *out[MOST_LAYERS], *grad[MOST_LAYERS];
    float *columns[MOST_LAYERS]; /* unfolded inputs of convolutions: columns[inputs][positions] */
    int *winner[MOST_LAYERS];    /* of max pools: index into the input */
    float *scratch;
    lstm memory; /* of the one LSTM, where there is one */
} pass;

static void pass_clear(pass *p)
{
    for (int k = 0; k < MOST_LAYERS; k++) {
        free(p->out[k]);
        free(p->grad[k]);
        free(p->columns[k]);
        free(p->winner[k]);
    }
    free(p->scratch);
    lstm_clear(&p->memory);
}

static int pass_init(pass *p, const network_plan *plan)
{
    int failed = 0;
    *p = (pass){.scratch = malloc((plan->columns + 1) * sizeof *p->scratch)};
    failed |= !p->scratch;
    for (int k = 0; k < plan->n; k++) {
        const layer *l = &plan->layer[k];
        p->out[k] = malloc(l->size * sizeof(float));
        p->grad[k] = malloc(l->size * sizeof(float));
        failed |= !p->out[k] || !p->grad[k];
        if (l->kind == LAYER_CONV)
            failed |= !(p->columns[k] = malloc(l->inputs * l->positions * sizeof(float)));
        if (l->kind == LAYER_LSTM)
            failed |=
                lstm_init(&p->memory, (size_t)plan->layer[0].height, (size_t)plan->layer[0].width, l->size);
        if (l->kind == LAYER_MAX) failed |= !(p->winner[k] = malloc(l->size * sizeof(int)));
    }
    return failed;
}

/* columns[c, ky, kx][y, x] of a convolution's input, or (back) added from the columns to the input. */
static void unfold(const layer *l, const layer *in, float *x, float *columns, int back)
{
    for (int c = 0; c < in->channels; c++) {
        for (int tap = 0; tap < l->kernel * l->kernel; tap++) {
            for (int y = 0; y < l->height; y++) {
                int iy = y * l->stride + tap / l->kernel - l->pad;
                for (int u = 0; u < l->width; u++, columns++) {
                    int iu = u * l->stride + tap % l->kernel - l->pad;
                    int inside = iy >= 0 && iu >= 0 && iy < in->height && iu < in->width;
                    float *at =
                        inside ? x + ((size_t)c * (size_t)in->height + (size_t)iy) * (size_t)in->width + iu
                               : NULL;
                    if (back) {
                        if (at) *at += *columns;
                    } else {
                        *columns = at ? *at : 0;
                    }
                }
            }
        }
    }
}

/* A pool's windows: out (or, back, the input's gradient). */
static void pool(const layer *l, const layer *in, float *x, float *y, int *winner, int back)
{
    float share = 1.0f / (float)(l->kernel * l->kernel);
    for (int o = 0; o < (int)l->size; o++) {
        int c = o / (l->height * l->width), v = o / l->width % l->height, u = o % l->width, best = -1;
        float sum = 0;
        for (int tap = 0; tap < l->kernel * l->kernel; tap++) {
            int iy = v * l->stride + tap / l->kernel - l->pad, iu = u * l->stride + tap % l->kernel - l->pad;
            if (iy < 0 || iu < 0 || iy >= in->height || iu >= in->width) continue;
            int at = (c * in->height + iy) * in->width + iu;
            if (!winner && back) x[at] += y[o] * share;
            if (!back) sum += x[at];
            if (!back && winner && (best < 0 || x[at] > x[best])) best = at;
        }
        if (winner && back) {
            x[winner[o]] += y[o];
        } else if (winner) {
            winner[o] = best;
            y[o] = x[best];
        } else if (!back) {
            y[o] = sum * share;
        }
    }
}

static float round_code(float x, int bits)
{
    float top = (float)((1 << bits) - 1);
    x = x < 0 ? 0 : x > 1 ? 1 : x;
    return bits ? floorf(x * top + 0.5f) / top : x;
}

static void forward_layer(const network_plan *plan, const float *numbers, int bits, pass *p, int k)
{
    const layer *l = &plan->layer[k], *in = &plan->layer[l->from];
    float *x = p->out[l->from], *y = p->out[k];
    const float *W = numbers + l->weight, *b = numbers + l->bias;
    switch (l->kind) {
    case LAYER_INPUT:
        break;
    case LAYER_CONV:
        unfold(l, in, x, p->columns[k], 0);
        for (size_t o = 0; o < l->outputs; o++) {
            for (size_t n = 0; n < l->positions; n++) y[o * l->positions + n] = b[o];
        }
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, (blasint)l->outputs, (blasint)l->positions,
                    (blasint)l->inputs, 1, W, (blasint)l->inputs, p->columns[k], (blasint)l->positions, 1, y,
                    (blasint)l->positions);
        break;
    case LAYER_FC:
        memcpy(y, b, l->outputs * sizeof *y);
        cblas_sgemv(CblasRowMajor, CblasNoTrans, (blasint)l->outputs, (blasint)l->inputs, 1, W,
                    (blasint)l->inputs, x, 1, 1, y, 1);
        break;
    case LAYER_MAX:
    case LAYER_MEAN:
        pool(l, in, x, y, p->winner[k], 0);
        break;
    case LAYER_CROP:
        for (int c = 0; c < l->channels; c++) {
            for (int v = 0; v < l->height; v++) {
                memcpy(y + (c * l->height + v) * l->width,
                       x + (c * in->height + v + (in->height - l->height) / 2) * in->width +
                           (in->width - l->width) / 2,
                       (size_t)l->width * sizeof *y);
            }
        }
        break;
    case LAYER_LSTM:
        lstm_forward(&p->memory, W, b, x, y);
        break;
    case LAYER_RELU:
        for (size_t n = 0; n < l->size; n++) y[n] = x[n] > 0 ? x[n] : 0;
        break;
    case LAYER_CLIP:
        for (size_t n = 0; n < l->size; n++) y[n] = round_code(x[n], bits);
        break;
    case LAYER_ADD:
        for (size_t n = 0; n < l->size; n++) y[n] = x[n] + p->out[l->other][n];
        break;
    }
}

/* An image into out[0]: pixels over 255, shifted and mirrored by chance, and rounded. */
static void load_image(const network_plan *plan, const xbtab_images *images, size_t image,
                       const train_options *options, xbtab__random *chance, pass *p)
{
    const layer *in = &plan->layer[0];
    const float *pixel = images->pixel + image * in->size;
    float scale = images->is_bytes ? 1.0f / 255.0f : 1.0f;
    int span = 2 * options->shift + 1, dy = 0, du = 0, mirrored = 0;
    if (chance && options->shift) {
        dy = (int)xbtab__random_below(chance, (uint32_t)span) - options->shift;
        du = (int)xbtab__random_below(chance, (uint32_t)span) - options->shift;
        mirrored = (int)xbtab__random_below(chance, 2);
    }
    for (int k = 0; k < (int)in->size; k++) {
        int c = k / (in->height * in->width), y = k / in->width % in->height + dy, u = k % in->width + du;
        if (mirrored) u = in->width - 1 - u;
        int inside = y >= 0 && u >= 0 && y < in->height && u < in->width;
        float x = inside ? pixel[(c * in->height + y) * in->width + u] * scale : 0;
        p->out[0][k] = options->activation_bits ? round_code(x, options->activation_bits) : x;
    }
}

static void forward(const network_plan *plan, const float *numbers, int bits, pass *p)
{
    for (int k = 1; k < plan->n; k++) forward_layer(plan, numbers, bits, p, k);
}

static void backward_matrix(const network_plan *plan, const float *numbers, pass *p, int k, float *gradient)
{
    const layer *l = &plan->layer[k], *in = &plan->layer[l->from];
    const float *dy = p->grad[k];
    for (size_t o = 0; o < l->outputs; o++) {
        float sum = 0;
        for (size_t n = 0; n < l->positions; n++) sum += dy[o * l->positions + n];
        gradient[l->bias + o] += sum;
    }
    if (l->kind == LAYER_FC) {
        cblas_sger(CblasRowMajor, (blasint)l->outputs, (blasint)l->inputs, 1, dy, 1, p->out[l->from], 1,
                   gradient + l->weight, (blasint)l->inputs);
        if (l->from)
            cblas_sgemv(CblasRowMajor, CblasTrans, (blasint)l->outputs, (blasint)l->inputs, 1,
                        numbers + l->weight, (blasint)l->inputs, dy, 1, 1, p->grad[l->from], 1);
        return;
    }
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (blasint)l->outputs, (blasint)l->inputs,
                (blasint)l->positions, 1, dy, (blasint)l->positions, p->columns[k], (blasint)l->positions, 1,
                gradient + l->weight, (blasint)l->inputs);
    if (!l->from) return; /* nobody asks for the image's gradient */
    cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, (blasint)l->inputs, (blasint)l->positions,
                (blasint)l->outputs, 1, numbers + l->weight, (blasint)l->inputs, dy, (blasint)l->positions, 0,
                p->scratch, (blasint)l->positions);
    unfold(l, in, p->grad[l->from], p->scratch, 1);
}

static void backward_layer(const network_plan *plan, const float *numbers, pass *p, int k, float *gradient)
{
    const layer *l = &plan->layer[k], *in = &plan->layer[l->from];
    float *dx = p->grad[l->from], *dy = p->grad[k];
    const float *x = p->out[l->from];
    switch (l->kind) {
    case LAYER_INPUT:
        break;
    case LAYER_CONV:
    case LAYER_FC:
        backward_matrix(plan, numbers, p, k, gradient);
        break;
    case LAYER_MAX:
    case LAYER_MEAN:
        pool(l, in, dx, dy, p->winner[k], 1);
        break;
    case LAYER_CROP:
        break; /* it stands on the image, whose gradient nobody asks for */
    case LAYER_LSTM:
        lstm_backward(&p->memory, numbers + l->weight, dy, gradient + l->weight, gradient + l->bias);
        break;
    case LAYER_RELU:
        for (size_t n = 0; n < l->size; n++) dx[n] += x[n] > 0 ? dy[n] : 0;
        break;
    case LAYER_CLIP:
        for (size_t n = 0; n < l->size; n++) dx[n] += x[n] > 0 && x[n] < 1 ? dy[n] : 0;
        break;
    case LAYER_ADD:
        for (size_t n = 0; n < l->size; n++) {
            dx[n] += dy[n];
            p->grad[l->other][n] += dy[n];
        }
        break;
    }
}

/* Adds one image's gradient; returns its loss (cross entropy of a softmax). */
static double backward(const network_plan *plan, const float *numbers, pass *p, int label, float *gradient)
{
    int last = plan->n - 1;
    size_t n = plan->n_classes;
    const float *y = p->out[last];
    float most = y[0], sum = 0, *d = p->grad[last];
    for (int k = 0; k < plan->n; k++) memset(p->grad[k], 0, plan->layer[k].size * sizeof(float));
    for (size_t o = 1; o < n; o++) most = y[o] > most ? y[o] : most;
    for (size_t o = 0; o < n; o++) sum += d[o] = expf(y[o] - most);
    double share = (double)(d[label] / sum);
    for (size_t o = 0; o < n; o++) d[o] = d[o] / sum - ((int)o == label ? 1.0f : 0.0f);
    for (int k = last; k > 0; k--) backward_layer(plan, numbers, p, k, gradient);
    return -log(share > 1e-12 ? share : 1e-12);
}

/* One output's weights as the tiles will hold them. */
static void round_row(const float *w, size_t n, int bits, float *out)
{
    double sum = 0, kept = 0, most = 0;
    size_t n_kept = 0;
    for (size_t k = 0; k < n; k++) {
        sum += fabs((double)w[k]);
        most = fmax(most, fabs((double)w[k]));
    }
    double mean = sum / (double)n, threshold = bits == 2 ? 0.7 * mean : 0;
    for (size_t k = 0; k < n; k++) {
        if (fabs((double)w[k]) >= threshold) {
            kept += fabs((double)w[k]);
            n_kept++;
        }
    }
    double step = bits <= 2 ? (n_kept ? kept / (double)n_kept : 0) : most / ((1 << (bits - 1)) - 1);
    for (size_t k = 0; k < n; k++) {
        double code = bits > 2 && step > 0             ? floor((double)w[k] / step + 0.5)
                      : fabs((double)w[k]) < threshold ? 0
                      : w[k] < 0                       ? -1
                                                       : 1;
        out[k] = (float)(code * step);
    }
}

static void round_numbers(const network_plan *plan, const float *numbers, int bits, float *out)
{
    memcpy(out, numbers, plan->numbers * sizeof *out);
    for (int k = 0; k < plan->n && bits; k++) {
        const layer *l = &plan->layer[k];
        for (size_t o = 0; l->inputs && o < l->outputs; o++) {
            size_t at = l->weight + o * l->inputs;
            round_row(numbers + at, l->inputs, bits, out + at);
        }
    }
}

/* He's initial weights: normal with a variance of 2 over the number of inputs; a block of two branches begins
 * as its second one (Zhang et al., "Fixup", 2019). */
static void initialize(const network_plan *plan, uint64_t seed, float *numbers)
{
    xbtab__random random;
    xbtab__random_init(&random, seed, XBTAB__RANDOM_TRAINING, 2, 0);
    memset(numbers, 0, plan->numbers * sizeof *numbers);
    for (int k = 0; k < plan->n; k++) {
        const layer *l = &plan->layer[k];
        double gain = l->kind == LAYER_LSTM ? 1.0 : 2.0;
        for (size_t n = 0; n < l->inputs * l->outputs && !l->starts_at_zero; n++)
            numbers[l->weight + n] = (float)(sqrt(gain / (double)l->inputs) * xbtab__random_normal(&random));
        if (l->kind == LAYER_LSTM) /* a memory begins by keeping what it has */
            for (size_t n = 0; n < l->size; n++) numbers[l->bias + 2 * l->size + n] = 1;
    }
}

int train(const network_plan *plan, float *numbers, const xbtab_images *images, const train_options *options,
          void (*tell)(int epoch, double loss))
{
    const float momentum = 0.9f, longest = 5.0f; /* the gradient's length is held below the latter */
    uint32_t count = (uint32_t)images->n;
    float *gradient = malloc(plan->numbers * sizeof *gradient), *speed = calloc(plan->numbers, sizeof *speed),
          *rounded = malloc(plan->numbers * sizeof *rounded);
    uint32_t *order = malloc(count * sizeof *order);
    pass p;
    int failed = pass_init(&p, plan) || !gradient || !speed || !rounded || !order;
    openblas_set_num_threads(1);
    initialize(plan, options->seed, numbers);
    for (uint32_t k = 0; k < count && !failed; k++) order[k] = k;
    for (int epoch = 0; epoch < options->epochs && !failed; epoch++) {
        xbtab__random random;
        double loss = 0;
        xbtab__random_init(&random, options->seed, XBTAB__RANDOM_TRAINING, 3, (uint32_t)epoch);
        for (uint32_t k = count; k > 1; k--) {
            uint32_t other = xbtab__random_below(&random, k), kept = order[k - 1];
            order[k - 1] = order[other];
            order[other] = kept;
        }
        for (uint32_t first = 0; first + BATCH <= count; first += BATCH) {
            float done = ((float)epoch + (float)first / (float)count) / (float)options->epochs;
            float rate = options->rate * (1.0f - done);
            memset(gradient, 0, plan->numbers * sizeof *gradient);
            round_numbers(plan, numbers, options->weight_bits, rounded);
            for (uint32_t k = first; k < first + BATCH; k++) {
                load_image(plan, images, order[k], options, &random, &p);
                forward(plan, rounded, options->activation_bits, &p);
                loss += backward(plan, rounded, &p, images->label[order[k]], gradient);
            }
            float length = cblas_snrm2((blasint)plan->numbers, gradient, 1) / BATCH;
            float scale = (length > longest ? longest / length : 1) * rate / BATCH;
            for (size_t k = 0; k < plan->numbers; k++) {
                speed[k] = momentum * speed[k] - scale * gradient[k];
                numbers[k] += speed[k];
            }
        }
        if (tell) tell(epoch, loss / count);
    }
    if (!failed) {
        round_numbers(plan, numbers, options->weight_bits, rounded);
        memcpy(numbers, rounded, plan->numbers * sizeof *numbers);
    }
    pass_clear(&p);
    free(gradient);
    free(speed);
    free(rounded);
    free(order);
    return failed;
}

double rate_images(const network_plan *plan, const float *numbers, const xbtab_images *images,
                   const train_options *options)
{
    pass p;
    size_t right = 0;
    int failed = pass_init(&p, plan);
    for (size_t k = 0; k < images->n && !failed; k++) {
        size_t best = 0;
        load_image(plan, images, k, options, NULL, &p);
        forward(plan, numbers, options->activation_bits, &p);
        const float *y = p.out[plan->n - 1];
        for (size_t o = 1; o < plan->n_classes; o++) best = y[o] > y[best] ? o : best;
        right += (int)best == images->label[k];
    }
    pass_clear(&p);
    return failed ? -1 : (double)right / (double)images->n;
}
