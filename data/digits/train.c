/* train.c - stochastic gradient descent with momentum on the digits' network, one thread, the same bits every
 * time.
 *
 * Convolutions are products with unfolded patches: columns[k][p] for weight k and place p. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "digits.h"
#include "random.h"

enum { P1 = 784, P2 = 196, P3 = 49, C1 = 8, C2 = 16, K1 = 9, K2 = 72, K3 = 784, OUTPUTS = 10, BATCH = 32 };

/* What one image leaves behind for its gradient. */
typedef struct trace {
    float columns1[K1][P1], z1[C1][P1], p1[C1][P2];
    float columns2[K2][P2], z2[C2][P2], p2[C2][P3];
    uint8_t from1[C1][P2], from2[C2][P3]; /* which of the four a maximum came from */
    float output[OUTPUTS];
} trace;

/* 3x3 patches with one pixel of zeros around. */
static void unfold(const float *x, int channels, int side, float *columns)
{
    for (int c = 0; c < channels; c++) {
        for (int k = 0; k < 9; k++) {
            for (int y = 0; y < side; y++) {
                for (int u = 0; u < side; u++) {
                    int iy = y + k / 3 - 1, iu = u + k % 3 - 1;
                    *columns++ =
                        iy < 0 || iu < 0 || iy >= side || iu >= side ? 0 : x[(c * side + iy) * side + iu];
                }
            }
        }
    }
}

/* The transpose of unfold: every patch's gradient back to its pixels. */
static void refold(const float *columns, int channels, int side, float *x)
{
    memset(x, 0, (size_t)(channels * side * side) * sizeof *x);
    for (int c = 0; c < channels; c++) {
        for (int k = 0; k < 9; k++) {
            for (int y = 0; y < side; y++) {
                for (int u = 0; u < side; u++, columns++) {
                    int iy = y + k / 3 - 1, iu = u + k % 3 - 1;
                    if (iy >= 0 && iu >= 0 && iy < side && iu < side)
                        x[(c * side + iy) * side + iu] += *columns;
                }
            }
        }
    }
}

/* y[o][p] = relu(b[o] + sum_k W[o][k] columns[k][p]) */
static void convolve(const float *W, const float *b, const float *columns, int outputs, int inputs,
                     int places, float *y)
{
    for (int o = 0; o < outputs; o++, y += places) {
        for (int p = 0; p < places; p++) y[p] = b[o];
        for (int k = 0; k < inputs; k++) {
            float w = W[o * inputs + k];
            for (int p = 0; p < places; p++) y[p] += w * columns[k * places + p];
        }
        for (int p = 0; p < places; p++) y[p] = y[p] > 0 ? y[p] : 0;
    }
}

static void pool(const float *x, int channels, int side, float *y, uint8_t *from)
{
    for (int c = 0; c < channels; c++) {
        for (int v = 0; v < side; v += 2) {
            for (int u = 0; u < side; u += 2) {
                const float *at = x + (c * side + v) * side + u;
                int best = 0;
                for (int k = 1; k < 4; k++) {
                    if (at[k / 2 * side + k % 2] > at[best / 2 * side + best % 2]) best = k;
                }
                *y++ = at[best / 2 * side + best % 2];
                *from++ = (uint8_t)best;
            }
        }
    }
}

/* Gradients back through pooling and relu: only the winners, and only where they were above zero. */
static void unpool(const float *dy, const uint8_t *from, const float *z, int channels, int side, float *dz)
{
    memset(dz, 0, (size_t)(channels * side * side) * sizeof *dz);
    for (int c = 0; c < channels; c++) {
        for (int v = 0; v < side; v += 2) {
            for (int u = 0; u < side; u += 2, dy++, from++) {
                int at = (c * side + v + *from / 2) * side + u + *from % 2;
                dz[at] = z[at] > 0 ? *dy : 0;
            }
        }
    }
}

static void forward(const digits_network *n, const uint8_t *pixel, trace *t)
{
    float x[P1];
    for (int k = 0; k < P1; k++) x[k] = (float)pixel[k] / 255.0f;
    unfold(x, 1, 28, &t->columns1[0][0]);
    convolve(&n->W1[0][0], n->b1, &t->columns1[0][0], C1, K1, P1, &t->z1[0][0]);
    pool(&t->z1[0][0], C1, 28, &t->p1[0][0], &t->from1[0][0]);
    unfold(&t->p1[0][0], C1, 14, &t->columns2[0][0]);
    convolve(&n->W2[0][0], n->b2, &t->columns2[0][0], C2, K2, P2, &t->z2[0][0]);
    pool(&t->z2[0][0], C2, 14, &t->p2[0][0], &t->from2[0][0]);
    const float *p2 = &t->p2[0][0];
    for (int o = 0; o < OUTPUTS; o++) {
        float sum = n->b3[o];
        for (int k = 0; k < K3; k++) sum += n->W3[o][k] * p2[k];
        t->output[o] = sum;
    }
}

/* dW[o][k] += sum_p dz[o][p] columns[k][p]; db[o] += sum_p dz[o][p] */
static void weight_gradient(const float *dz, const float *columns, int outputs, int inputs, int places,
                            float *dW, float *db)
{
    for (int o = 0; o < outputs; o++, dz += places) {
        for (int k = 0; k < inputs; k++) {
            float sum = 0;
            for (int p = 0; p < places; p++) sum += dz[p] * columns[k * places + p];
            dW[o * inputs + k] += sum;
        }
        for (int p = 0; p < places; p++) db[o] += dz[p];
    }
}

/* Adds one image's gradient; returns its loss (cross entropy of a softmax). */
static double backward(const digits_network *n, const trace *t, int digit, digits_network *gradient)
{
    static const double least_share = 1e-12;
    float d_output[OUTPUTS], d_p2[K3] = {0}, dz2[C2 * P2], d_columns2[K2 * P2] = {0}, d_p1[C1 * P2],
                             dz1[C1 * P1];
    float most = t->output[0], sum = 0;
    const float *p2 = &t->p2[0][0];
    for (int o = 1; o < OUTPUTS; o++) most = t->output[o] > most ? t->output[o] : most;
    for (int o = 0; o < OUTPUTS; o++) sum += d_output[o] = expf(t->output[o] - most);
    double share = (double)(d_output[digit] / sum);
    for (int o = 0; o < OUTPUTS; o++) d_output[o] = d_output[o] / sum - (o == digit ? 1.0f : 0.0f);
    for (int o = 0; o < OUTPUTS; o++) {
        for (int k = 0; k < K3; k++) {
            gradient->W3[o][k] += d_output[o] * p2[k];
            d_p2[k] += d_output[o] * n->W3[o][k];
        }
        gradient->b3[o] += d_output[o];
    }
    unpool(d_p2, &t->from2[0][0], &t->z2[0][0], C2, 14, dz2);
    weight_gradient(dz2, &t->columns2[0][0], C2, K2, P2, &gradient->W2[0][0], gradient->b2);
    for (int o = 0; o < C2; o++) {
        for (int k = 0; k < K2; k++) {
            for (int p = 0; p < P2; p++) d_columns2[k * P2 + p] += n->W2[o][k] * dz2[o * P2 + p];
        }
    }
    refold(d_columns2, C1, 14, d_p1);
    unpool(d_p1, &t->from1[0][0], &t->z1[0][0], C1, 28, dz1);
    weight_gradient(dz1, &t->columns1[0][0], C1, K1, P1, &gradient->W1[0][0], gradient->b1);
    return -log(share > least_share ? share : least_share);
}

/* He's initial weights: normal with a variance of 2 over the number of inputs. */
static void initialize(digits_network *n, uint64_t seed)
{
    xbtab__random random;
    memset(n, 0, sizeof *n);
    xbtab__random_init(&random, seed, XBTAB__RANDOM_TRAINING, 0, 0);
    const struct {
        float *W;
        int count, inputs;
    } layers[] = {{&n->W1[0][0], C1 * K1, K1}, {&n->W2[0][0], C2 * K2, K2}, {&n->W3[0][0], OUTPUTS * K3, K3}};
    for (size_t l = 0; l < sizeof layers / sizeof layers[0]; l++) {
        for (int k = 0; k < layers[l].count; k++) {
            layers[l].W[k] = (float)(sqrt(2.0 / layers[l].inputs) * xbtab__random_normal(&random));
        }
    }
}

int digits_train(digits_network *network, uint64_t seed, uint32_t count, int epochs,
                 void (*tell)(int epoch, double loss))
{
    const float momentum = 0.9f;
    enum { NUMBERS = sizeof *network / sizeof(float) };
    digits_network *gradient = calloc(1, sizeof *gradient), *speed = calloc(1, sizeof *speed);
    trace *t = malloc(sizeof *t);
    uint8_t *pixel = malloc((size_t)count * DIGIT_PIXELS);
    uint8_t *digit = malloc(count);
    uint32_t *order = malloc(count * sizeof *order);
    int failed = !gradient || !speed || !t || !pixel || !digit || !order;
    initialize(network, seed);
    for (uint32_t k = 0; k < count && !failed; k++) {
        digit[k] = (uint8_t)digits_draw(seed, k, pixel + (size_t)k * DIGIT_PIXELS);
        order[k] = k;
    }
    for (int epoch = 0; epoch < epochs && !failed; epoch++) {
        xbtab__random random;
        double loss = 0;
        float rate = 0.03f * (1.0f - (float)epoch / (float)epochs); /* a straight line to zero */
        xbtab__random_init(&random, seed, XBTAB__RANDOM_TRAINING, 1, (uint32_t)epoch);
        for (uint32_t k = count; k > 1; k--) {
            uint32_t other = xbtab__random_below(&random, k), kept = order[k - 1];
            order[k - 1] = order[other];
            order[other] = kept;
        }
        for (uint32_t first = 0; first + BATCH <= count; first += BATCH) {
            memset(gradient, 0, sizeof *gradient);
            for (uint32_t k = first; k < first + BATCH; k++) {
                forward(network, pixel + (size_t)order[k] * DIGIT_PIXELS, t);
                loss += backward(network, t, digit[order[k]], gradient);
            }
            float *w = (float *)network, *v = (float *)speed, *g = (float *)gradient;
            for (size_t k = 0; k < NUMBERS; k++) {
                v[k] = momentum * v[k] - rate * g[k] / BATCH;
                w[k] += v[k];
            }
        }
        if (tell) tell(epoch, loss / count);
    }
    free(gradient);
    free(speed);
    free(t);
    free(pixel);
    free(digit);
    free(order);
    return failed;
}

int digits_predict(const digits_network *network, const uint8_t *pixel)
{
    static _Thread_local trace t;
    forward(network, pixel, &t);
    int best = 0;
    for (int o = 1; o < OUTPUTS; o++) best = t.output[o] > t.output[best] ? o : best;
    return best;
}
