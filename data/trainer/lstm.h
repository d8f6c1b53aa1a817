/* lstm.h - a long short-term memory over the rows of its input. */
#ifndef XBTAB_DATA_LSTM_H
#define XBTAB_DATA_LSTM_H

#include <stddef.h>

typedef struct lstm {
    size_t steps, inputs, units;
    float *xh;   /* xh[steps + 1][inputs + units]: what each step multiplies; h of the last one behind it */
    float *gate; /* gate[steps][4][units]: i, o, f, g behind their functions */
    float *cell; /* cell[steps + 1][units] */
    float *d_xh, *d_gate, *d_cell;
} lstm;

/** @return 1: out of memory. End with lstm_clear() in both cases. */
int lstm_init(lstm *m, size_t steps, size_t inputs, size_t units);
void lstm_clear(lstm *m);

/** y[units] from x[steps][inputs]; M[4][units][inputs + units], b[4][units]. */
void lstm_forward(lstm *m, const float *M, const float *b, const float *x, float *y);

/** Adds the gradients of M and b after a forward pass; the input's is not asked for. */
void lstm_backward(lstm *m, const float *M, const float *dy, float *dM, float *db);

#endif
