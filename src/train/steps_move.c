/* steps_move.c - operators that only move numbers, from one tensor or several: where each one comes from is
 * asked of the operator itself, once. */
#include <string.h>

#include "memory.h"
#include "tape.h"

static const size_t most_places = (size_t)1 << 24; /* whole numbers that floats hold */
static const size_t nowhere = (size_t)-1;

static xbtab_status begin_move(xbtab__tape *t, xbtab__tape_step *s)
{
    const xbtab_network *n = t->network;
    xbtab__float_run *run = NULL;
    size_t size = t->value[s->output].size, count = 0;
    int n_inputs = 0;
    bool is_same = true;
    for (int k = 0; k < s->n_inputs; k++) { /* those left are shapes and the like */
        if (s->input[k] >= 0 && !t->value[s->input[k]].is_constant) s->input[n_inputs++] = s->input[k];
    }
    s->n_inputs = n_inputs;
    s->place = xbtab__alloc(size, sizeof *s->place);
    s->shift = xbtab__alloc(size, sizeof *s->shift);
    if (!s->place || !s->shift) return XBTAB_NOMEM();
    XBTAB_TRY(xbtab__float_runs_create(&run, n, 1));
    for (int k = 0; k < n_inputs; k++)
        memset(run->data[s->input[k]], 0, t->value[s->input[k]].size * sizeof(float));
    s->node->type->run(n, s->node, run);
    memcpy(s->shift, run->data[s->output], size * sizeof *s->shift); /* what stands around */
    for (int k = 0; k < n_inputs; k++) {
        for (size_t c = 0; c < t->value[s->input[k]].size; c++) run->data[s->input[k]][c] = (float)(++count);
    }
    s->node->type->run(n, s->node, run);
    for (size_t k = 0; k < size; k++) {
        float from = run->data[s->output][k];
        s->place[k] = from != s->shift[k] ? (size_t)from - 1 : nowhere;
        is_same = is_same && s->place[k] == k;
    }
    xbtab__float_runs_destroy(&run, 1);
    if (count > most_places)
        return xbtab__node_fail(n, s->node, XBTAB_ERR_UNSUPPORTED, "cannot be trained: %zu numbers", count);
    if (is_same && n_inputs == 1 && count == size) {
        xbtab__free(s->place);
        s->place = NULL;
    }
    return XBTAB_OK;
}

/* The input that a place is in, and where there. */
static int input_at(const xbtab__tape *t, const xbtab__tape_step *s, size_t *place)
{
    int k = 0;
    while (*place >= t->value[s->input[k]].size) *place -= t->value[s->input[k++]].size;
    return s->input[k];
}

static void forward_move(const xbtab__tape *t, const xbtab__tape_step *s, const xbtab__span *span)
{
    size_t size = t->value[s->output].size;
    for (size_t i = span->first; i < span->first + span->n; i++) {
        float *y = xbtab__numbers_of(t, s->output, i);
        if (!s->place) memcpy(y, xbtab__numbers_of(t, s->input[0], i), size * sizeof *y);
        for (size_t k = 0; s->place && k < size; k++) {
            size_t place = s->place[k];
            y[k] = s->shift[k];
            if (place != nowhere) {
                int from = input_at(t, s, &place);
                y[k] = xbtab__numbers_of(t, from, i)[place];
            }
        }
    }
}

static void backward_move(const xbtab__tape *t, const xbtab__tape_step *s, const xbtab__span *span)
{
    size_t size = t->value[s->output].size;
    for (size_t i = span->first; i < span->first + span->n; i++) {
        const float *dy = xbtab__gradient_of(t, s->output, i);
        for (size_t k = 0; k < size; k++) {
            size_t place = s->place ? s->place[k] : k;
            if (place == nowhere) continue;
            int from = input_at(t, s, &place);
            float *dx = xbtab__gradient_of(t, from, i);
            if (dx) dx[place] += dy[k];
        }
    }
}

#define ROW(name)                                                                                            \
    {                                                                                                        \
        name, begin_move, forward_move, backward_move, NULL, NULL                                            \
    }

const xbtab__gradient xbtab__gradients_move[] = {
    ROW("Concat"),
    ROW("Dropout"),
    ROW("Flatten"),
    ROW("Identity"),
    ROW("Pad"),
    ROW("Reshape"),
    ROW("Slice"),
    ROW("Squeeze"),
    ROW("Transpose"),
    ROW("Unsqueeze"),
    {NULL, NULL, NULL, NULL, NULL, NULL},
};
