/* steps_quantizer.c - activations rounded to a grid: y = step (code - zero), codes from 0 to most. Gradients go
 * straight through within the grid, and nowhere beyond its ends (Bengio et al., arXiv:1308.3432). The step
 * itself is learned (Esser et al., Learned Step Size Quantization, ICLR 2020): dy/dstep is the code itself
 * at the ends, and code - x/step between them; scaled by 1/sqrt(n most). */
#include <math.h>

#include "tape.h"

static void forward_quantizer(const xbtab__tape *t, const xbtab__tape_step *s, const xbtab__span *span)
{
    const xbtab__grid *g = &t->grid[s->grid];
    const float *x = xbtab__numbers_of(t, s->input[0], span->first);
    float *y = xbtab__numbers_of(t, s->output, span->first);
    float step = t->parameter[g->step].value[0], low = -g->zero, high = g->most - g->zero;
    for (size_t k = 0; k < span->n * t->value[s->output].size; k++) {
        float whole = rintf(x[k] / step);
        y[k] = step * (whole > low ? whole < high ? whole : high : low);
    }
}

static void backward_quantizer(const xbtab__tape *t, const xbtab__tape_step *s, const xbtab__span *span)
{
    const xbtab__grid *g = &t->grid[s->grid];
    const xbtab__parameter *p = &t->parameter[g->step];
    size_t size = t->value[s->output].size;
    const float *x = xbtab__numbers_of(t, s->input[0], span->first);
    const float *dy = xbtab__gradient_of(t, s->output, span->first);
    float *dx = xbtab__gradient_of(t, s->input[0], span->first);
    float step = p->value[0], low = -g->zero, high = g->most - g->zero;
    double sum = 0;
    for (size_t k = 0; k < span->n * size; k++) {
        float at = x[k] / step;
        bool is_inside = at > low && at < high;
        sum += (double)dy[k] * (double)(is_inside ? rintf(at) - at : at <= low ? low : high);
        if (dx && is_inside) dx[k] += dy[k];
    }
    p->part[span->part] += (float)(sum / sqrt((double)size * (double)t->n * (double)g->most));
}

const xbtab__gradient xbtab__gradient_quantizer = {"quantizer",        NULL, forward_quantizer,
                                                   backward_quantizer, NULL, NULL};
