/* lstm.c - a long short-term memory over the rows of its input, and its gradient through time.
 *
 * With x_t row t of the input: [i o f g] = M [x_t h_(t-1)] + b; c_t = sigma(f) c_(t-1) + sigma(i) tanh(g);
 * h_t = sigma(o) tanh(c_t). The output is the last h. Gates stand in ONNX's order. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <cblas.h>

#include "lstm.h"

static float sigma(float x)
{
    return 1.0f / (1.0f + expf(-x));
}

int lstm_init(lstm *m, size_t steps, size_t inputs, size_t units)
{
    *m = (lstm){.steps = steps, .inputs = inputs, .units = units};
    m->xh = calloc((steps + 1) * (inputs + units), sizeof *m->xh);
    m->gate = malloc(steps * 4 * units * sizeof *m->gate);
    m->cell = calloc((steps + 1) * units, sizeof *m->cell);
    m->d_xh = malloc((inputs + units) * sizeof *m->d_xh);
    m->d_gate = malloc(4 * units * sizeof *m->d_gate);
    m->d_cell = malloc(units * sizeof *m->d_cell);
    return !m->xh || !m->gate || !m->cell || !m->d_xh || !m->d_gate || !m->d_cell;
}

void lstm_clear(lstm *m)
{
    free(m->xh);
    free(m->gate);
    free(m->cell);
    free(m->d_xh);
    free(m->d_gate);
    free(m->d_cell);
}

void lstm_forward(lstm *m, const float *M, const float *b, const float *x, float *y)
{
    size_t n = m->units, width = m->inputs + n;
    for (size_t t = 0; t < m->steps; t++) {
        float *xh = m->xh + t * width, *next = xh + width + m->inputs, *z = m->gate + t * 4 * n;
        const float *before = m->cell + t * n;
        float *c = m->cell + (t + 1) * n;
        memcpy(xh, x + t * m->inputs, m->inputs * sizeof *xh);
        memcpy(z, b, 4 * n * sizeof *z);
        cblas_sgemv(CblasRowMajor, CblasNoTrans, (blasint)(4 * n), (blasint)width, 1, M, (blasint)width, xh,
                    1, 1, z, 1);
        for (size_t k = 0; k < 3 * n; k++) z[k] = sigma(z[k]);
        for (size_t k = 0; k < n; k++) {
            z[3 * n + k] = tanhf(z[3 * n + k]);
            c[k] = z[2 * n + k] * before[k] + z[k] * z[3 * n + k];
            next[k] = z[n + k] * tanhf(c[k]);
        }
    }
    memcpy(y, m->xh + m->steps * width + m->inputs, n * sizeof *y);
}

void lstm_backward(lstm *m, const float *M, const float *dy, float *dM, float *db)
{
    size_t n = m->units, width = m->inputs + n;
    float *d_h = m->d_xh + m->inputs;
    memcpy(d_h, dy, n * sizeof *d_h);
    memset(m->d_cell, 0, n * sizeof *m->d_cell);
    for (size_t t = m->steps; t-- > 0;) {
        const float *z = m->gate + t * 4 * n, *before = m->cell + t * n, *c = before + n;
        float *d = m->d_gate;
        for (size_t k = 0; k < n; k++) {
            float i = z[k], o = z[n + k], f = z[2 * n + k], g = z[3 * n + k], squashed = tanhf(c[k]);
            float d_c = m->d_cell[k] + d_h[k] * o * (1 - squashed * squashed);
            d[k] = d_c * g * i * (1 - i);
            d[n + k] = d_h[k] * squashed * o * (1 - o);
            d[2 * n + k] = d_c * before[k] * f * (1 - f);
            d[3 * n + k] = d_c * i * (1 - g * g);
            m->d_cell[k] = d_c * f;
        }
        cblas_sger(CblasRowMajor, (blasint)(4 * n), (blasint)width, 1, d, 1, m->xh + t * width, 1, dM,
                   (blasint)width);
        for (size_t k = 0; k < 4 * n; k++) db[k] += d[k];
        cblas_sgemv(CblasRowMajor, CblasTrans, (blasint)(4 * n), (blasint)width, 1, M, (blasint)width, d, 1,
                    0, m->d_xh, 1);
    }
}
