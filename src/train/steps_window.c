/* steps_window.c - largest numbers and means of windows. */
#include <string.h>

#include "memory.h"
#include "tape.h"

static size_t volume(const int64_t *size)
{
    return (size_t)(size[0] * size[1] * size[2]);
}

static bool is_largest(const xbtab__tape_step *s)
{
    return s->node->type->integer == XBTAB__INTEGER_MAX;
}

static xbtab_status begin_pool(xbtab__tape *t, xbtab__tape_step *s)
{
    if (!is_largest(s)) return XBTAB_OK;
    s->winner = xbtab__alloc((size_t)t->batch * t->value[s->output].size, sizeof *s->winner);
    return s->winner ? XBTAB_OK : XBTAB_NOMEM();
}

/* The place of a tap, or -1 outside. */
static int64_t place_of(const xbtab__window *w, const int64_t *o, int64_t tap)
{
    const int64_t k[3] = {tap / (w->kernel[2] * w->kernel[1]), tap / w->kernel[2] % w->kernel[1],
                          tap % w->kernel[2]};
    int64_t place = 0;
    for (int d = 0; d < 3; d++) {
        int64_t at = o[d] * w->stride[d] - w->pad[d] + k[d] * w->dilation[d];
        if (at < 0 || at >= w->in[d]) return -1;
        place = place * w->in[d] + at;
    }
    return place;
}

/* Numbers that a mean is over: those inside, or those on the padded image too. */
static int64_t counted(const xbtab__window *w, const int64_t *o)
{
    int64_t all = 1;
    for (int d = 0; d < 3; d++) {
        int64_t count = 0, most = w->in[d] + (w->count_pad ? w->after[d] : 0);
        for (int64_t k = 0; k < w->kernel[d]; k++) {
            int64_t at = o[d] * w->stride[d] - w->pad[d] + k * w->dilation[d];
            count += at < most && (w->count_pad || at >= 0);
        }
        all *= count > 0 ? count : 1;
    }
    return all;
}

static void output_place(const xbtab__window *w, size_t k, int64_t *o)
{
    o[2] = (int64_t)k % w->out[2];
    o[1] = (int64_t)k / w->out[2] % w->out[1];
    o[0] = (int64_t)k / (w->out[2] * w->out[1]);
}

static float largest_of(const xbtab__window *w, const float *x, const int64_t *o, int32_t *winner)
{
    *winner = -1;
    for (int64_t tap = 0; tap < (int64_t)volume(w->kernel); tap++) {
        int64_t place = place_of(w, o, tap);
        if (place >= 0 && (*winner < 0 || x[place] > x[*winner])) *winner = (int32_t)place;
    }
    return *winner < 0 ? 0 : x[*winner];
}

static float mean_of(const xbtab__window *w, const float *x, const int64_t *o)
{
    float sum = 0;
    for (int64_t tap = 0; tap < (int64_t)volume(w->kernel); tap++) {
        int64_t place = place_of(w, o, tap);
        if (place >= 0) sum += x[place];
    }
    return sum / (float)counted(w, o);
}

static void forward_pool(const xbtab__tape *t, const xbtab__tape_step *s, const xbtab__span *span)
{
    const xbtab__window *w = &s->node->window;
    size_t in = volume(w->in), out = volume(w->out), first = span->first * (size_t)w->channels;
    const float *x = xbtab__numbers_of(t, s->input[0], span->first);
    float *y = xbtab__numbers_of(t, s->output, span->first);
    for (size_t c = 0; c < span->n * (size_t)w->channels; c++) {
        for (size_t k = 0; k < out; k++) {
            int64_t o[3];
            output_place(w, k, o);
            y[c * out + k] = is_largest(s) ? largest_of(w, x + c * in, o, &s->winner[(first + c) * out + k])
                                           : mean_of(w, x + c * in, o);
        }
    }
}

static void backward_pool(const xbtab__tape *t, const xbtab__tape_step *s, const xbtab__span *span)
{
    const xbtab__window *w = &s->node->window;
    size_t in = volume(w->in), out = volume(w->out), first = span->first * (size_t)w->channels;
    const float *dy = xbtab__gradient_of(t, s->output, span->first);
    float *dx = xbtab__gradient_of(t, s->input[0], span->first);
    for (size_t c = 0; dx && c < span->n * (size_t)w->channels; c++) {
        for (size_t k = 0; k < out; k++) {
            int64_t o[3];
            if (is_largest(s)) {
                int32_t winner = s->winner[(first + c) * out + k];
                if (winner >= 0) dx[c * in + (size_t)winner] += dy[c * out + k];
                continue;
            }
            output_place(w, k, o);
            float share = dy[c * out + k] / (float)counted(w, o);
            for (int64_t tap = 0; tap < (int64_t)volume(w->kernel); tap++) {
                int64_t place = place_of(w, o, tap);
                if (place >= 0) dx[c * in + (size_t)place] += share;
            }
        }
    }
}

const xbtab__gradient xbtab__gradients_window[] = {
    {"AveragePool", begin_pool, forward_pool, backward_pool, NULL, NULL},
    {"GlobalAveragePool", begin_pool, forward_pool, backward_pool, NULL, NULL},
    {"GlobalMaxPool", begin_pool, forward_pool, backward_pool, NULL, NULL},
    {"MaxPool", begin_pool, forward_pool, backward_pool, NULL, NULL},
    {NULL, NULL, NULL, NULL, NULL, NULL},
};
