/* plan.c - a network from its text, with the shape of each layer; and as an ONNX file. */
#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "onnx_writer.h"
#include "trainer.h"

static int refuse(network_plan *p, const char *word, const char *why)
{
    snprintf(p->what, sizeof p->what, "\"%s\": %s", word, why);
    return 1;
}

/* The number behind a letter of a word, such as 5 behind k in conv6k5. */
static int number_behind(const char *word, char letter, int otherwise)
{
    for (const char *at = word; (at = strchr(at, letter)); at++) {
        if (isdigit((unsigned char)at[1])) return atoi(at + 1);
    }
    return otherwise;
}

static void give_numbers(network_plan *p, layer *l, size_t inputs, size_t outputs, size_t positions)
{
    l->inputs = inputs;
    l->outputs = outputs;
    l->positions = positions;
    l->weight = p->numbers;
    l->bias = p->numbers + inputs * outputs;
    p->numbers += inputs * outputs + outputs;
    if (p->columns < inputs * positions) p->columns = inputs * positions;
}

static int shape_layer(network_plan *p, layer *l, const char *word)
{
    const layer *in = &p->layer[l->from];
    l->channels = in->channels;
    l->height = in->height;
    l->width = in->width;
    if (strncmp(word, "conv", 4) == 0) {
        l->kind = LAYER_CONV;
        l->channels = atoi(word + 4);
        l->kernel = number_behind(word, 'k', 1);
        l->pad = number_behind(word, 'p', 0);
        l->stride = number_behind(word, 's', 1);
    } else if (strncmp(word, "fc", 2) == 0) {
        l->kind = LAYER_FC;
        l->channels = atoi(word + 2);
        l->height = l->width = 1;
        if (l->channels < 1) return refuse(p, word, "needs a number of outputs");
        give_numbers(p, l, in->size, (size_t)l->channels, 1);
    } else if (strncmp(word, "lstm", 4) == 0) {
        l->kind = LAYER_LSTM;
        l->channels = atoi(word + 4);
        l->height = l->width = 1;
        if (l->channels < 1 || l->from != 0 || in->channels != 1)
            return refuse(p, word, "needs a number of units, and stands on an image of one channel");
        give_numbers(p, l, (size_t)(in->width + l->channels), 4 * (size_t)l->channels, 1);
    } else if (strncmp(word, "max", 3) == 0 || strncmp(word, "mean", 4) == 0) {
        l->kind = word[1] == 'a' ? LAYER_MAX : LAYER_MEAN;
        l->kernel = l->stride = atoi(word + (l->kind == LAYER_MAX ? 3 : 4));
        l->pad = l->kind == LAYER_MEAN ? number_behind(word, 'p', 0) : 0;
        l->pad_end = l->kind == LAYER_MAX ? number_behind(word, 'e', 0) : l->pad;
    } else if (strncmp(word, "crop", 4) == 0) {
        l->kind = LAYER_CROP;
        l->height = atoi(word + 4);
        l->width = number_behind(word, 'x', 0);
        if (l->height < 1 || l->width < 1 || l->height > in->height || l->width > in->width)
            return refuse(p, word, "is no part of its input");
    } else if (strcmp(word, "relu") == 0) {
        l->kind = LAYER_RELU;
    } else if (strcmp(word, "clip") == 0) {
        l->kind = LAYER_CLIP;
    } else {
        return refuse(p, word, "is no layer");
    }
    if (l->kernel || l->kind == LAYER_CONV || l->kind == LAYER_MAX || l->kind == LAYER_MEAN) {
        if (l->kind == LAYER_CONV) l->pad_end = l->pad;
        int room = l->pad + l->pad_end - l->kernel;
        if (l->kernel < 1 || l->stride < 1 || in->height + room < 0 || in->width + room < 0)
            return refuse(p, word, "does not fit its input");
        l->height = (in->height + room) / l->stride + 1;
        l->width = (in->width + room) / l->stride + 1;
    }
    if (l->channels < 1) return refuse(p, word, "needs a number of outputs");
    l->size = (size_t)l->channels * (size_t)l->height * (size_t)l->width;
    if (l->kind == LAYER_CONV)
        give_numbers(p, l, (size_t)(in->channels * l->kernel * l->kernel), (size_t)l->channels,
                     (size_t)(l->height * l->width));
    return 0;
}

/* What has been read of a sum. */
typedef struct block {
    int from;  /* the layer before "[" */
    int first; /* the end of its first branch; -1 until "|" */
} block;

int plan_parse(network_plan *p, const char *text, size_t channels, size_t height, size_t width)
{
    enum { DEPTH = 4 };
    block blocks[DEPTH];
    int depth = 0, at = 0;
    char word[32];
    *p = (network_plan){.n = 1};
    p->layer[0] = (layer){.kind = LAYER_INPUT,
                          .channels = (int)channels,
                          .height = (int)height,
                          .width = (int)width,
                          .size = channels * height * width};
    for (int used = 0; sscanf(text, "%31s%n", word, &used) == 1; text += used) {
        if (p->n == MOST_LAYERS) return refuse(p, word, "is one layer too many");
        layer *l = &p->layer[p->n];
        *l = (layer){.from = at};
        if (strcmp(word, "[") == 0) {
            if (depth == DEPTH) return refuse(p, word, "is nested too deeply");
            blocks[depth++] = (block){.from = at, .first = -1};
        } else if (strcmp(word, "|") == 0) {
            if (!depth || blocks[depth - 1].first >= 0) return refuse(p, word, "stands in no sum");
            blocks[depth - 1].first = at;
            if (p->layer[at].inputs) p->layer[at].starts_at_zero = 1;
            at = blocks[depth - 1].from;
        } else if (strcmp(word, "]") == 0) {
            if (!depth || blocks[depth - 1].first < 0) return refuse(p, word, "ends no sum");
            const layer *a = &p->layer[at], *b = &p->layer[blocks[--depth].first];
            if (a->channels != b->channels || a->height != b->height || a->width != b->width)
                return refuse(p, word, "the branches have different shapes");
            *l = *a;
            l->inputs = 0;
            l->kind = LAYER_ADD;
            l->from = at;
            l->other = blocks[depth].first;
            at = p->n++;
        } else {
            if (shape_layer(p, l, word)) return 1;
            at = p->n++;
        }
    }
    if (depth) return refuse(p, "[", "is not closed");
    if (p->layer[p->n - 1].kind != LAYER_FC) return refuse(p, "fc", "must be the last layer");
    p->n_classes = p->layer[p->n - 1].size;
    return 0;
}

/* ---- ONNX ---- */

/* Names and small constants, which the writer borrows. */
typedef struct names {
    char output[MOST_LAYERS][16], flat[MOST_LAYERS][20], weight[MOST_LAYERS][16], bias[MOST_LAYERS][16],
        start[MOST_LAYERS][20], end[MOST_LAYERS][20];
    int64_t starts[MOST_LAYERS][2], ends[MOST_LAYERS][2];
    float *split; /* W, R and biases of the one LSTM */
} names;

static const int64_t crop_axes[] = {2, 3}, channel_axis[] = {1}, direction_axis[] = {0}, by_row[] = {1, 0, 2};
static const float clip_bounds[] = {0, 1};

/* ONNX has the two halves of the matrix apart, and biases for each. */
static void write_lstm(onnx_writer *w, const layer *l, const layer *in, const float *numbers, names *s,
                       const char *out)
{
    size_t rows = l->outputs, x = (size_t)in->width, h = (size_t)l->channels;
    s->split = calloc(rows * (x + h + 2), sizeof *s->split);
    if (!s->split) return;
    float *W = s->split, *R = W + rows * x, *B = R + rows * h;
    for (size_t r = 0; r < rows; r++) {
        memcpy(W + r * x, numbers + l->weight + r * (x + h), x * sizeof *W);
        memcpy(R + r * h, numbers + l->weight + r * (x + h) + x, h * sizeof *R);
    }
    memcpy(B, numbers + l->bias, rows * sizeof *B);
    onnx_add_tensor(w, "lstm_W", W, 3, (int64_t[]){1, (int64_t)rows, (int64_t)x});
    onnx_add_tensor(w, "lstm_R", R, 3, (int64_t[]){1, (int64_t)rows, (int64_t)h});
    onnx_add_tensor(w, "lstm_B", B, 2, (int64_t[]){1, 2 * (int64_t)rows});
    onnx_add_integers(w, "channel", channel_axis, 1);
    onnx_add_integers(w, "direction", direction_axis, 1);
    onnx_add_node(w, "Squeeze", "rows", 2, (const char *const[]){s->output[l->from], "channel"});
    onnx_add_node(w, "Transpose", "steps", 1, (const char *const[]){"rows"});
    onnx_add_ints(w, "perm", 3, by_row);
    onnx_add_node(w, "LSTM", "state", 4, (const char *const[]){"steps", "lstm_W", "lstm_R", "lstm_B"});
    onnx_second_output(w);
    onnx_add_int(w, "hidden_size", l->channels);
    onnx_add_node(w, "Squeeze", out, 2, (const char *const[]){"state", "direction"});
}

static void write_layer(onnx_writer *w, const network_plan *p, const float *numbers, names *s, int k)
{
    static const char *const stems[] = {"image", "conv", "fc",   "max",  "mean",
                                        "crop",  "lstm", "relu", "clip", "sum"};
    const layer *l = &p->layer[k], *in = &p->layer[l->from];
    const char *from = s->output[l->from], *out = s->output[k];
    const int64_t kernel[] = {l->kernel, l->kernel}, strides[] = {l->stride, l->stride},
                  pads[] = {l->pad, l->pad, l->pad_end, l->pad_end};
    snprintf(s->output[k], sizeof s->output[k], "%s%d", stems[l->kind], k);
    if (l->inputs && l->kind != LAYER_LSTM) {
        snprintf(s->weight[k], sizeof s->weight[k], "W%d", k);
        snprintf(s->bias[k], sizeof s->bias[k], "b%d", k);
        bool is_conv = l->kind == LAYER_CONV;
        onnx_add_tensor(w, s->weight[k], numbers + l->weight, is_conv ? 4 : 2,
                        is_conv ? (int64_t[]){l->channels, in->channels, l->kernel, l->kernel}
                                : (int64_t[]){l->channels, (int64_t)l->inputs});
        onnx_add_tensor(w, s->bias[k], numbers + l->bias, 1, (int64_t[]){l->channels});
    }
    switch (l->kind) {
    case LAYER_INPUT:
        break;
    case LAYER_CONV:
        onnx_add_node(w, "Conv", out, 3, (const char *const[]){from, s->weight[k], s->bias[k]});
        break;
    case LAYER_FC:
        if (in->height * in->width > 1 || in->kind == LAYER_INPUT || in->kind != LAYER_FC) {
            snprintf(s->flat[k], sizeof s->flat[k], "flat%d", k);
            onnx_add_node(w, "Flatten", s->flat[k], 1, &from);
            from = s->flat[k];
        }
        onnx_add_node(w, "Gemm", out, 3, (const char *const[]){from, s->weight[k], s->bias[k]});
        onnx_add_int(w, "transB", 1);
        break;
    case LAYER_MAX:
        onnx_add_node(w, "MaxPool", out, 1, &from);
        break;
    case LAYER_MEAN:
        onnx_add_node(w, "AveragePool", out, 1, &from);
        onnx_add_int(w, "count_include_pad", 1);
        break;
    case LAYER_CROP:
        snprintf(s->start[k], sizeof s->start[k], "start%d", k);
        snprintf(s->end[k], sizeof s->end[k], "end%d", k);
        s->starts[k][0] = (in->height - l->height) / 2;
        s->starts[k][1] = (in->width - l->width) / 2;
        for (int d = 0; d < 2; d++) s->ends[k][d] = s->starts[k][d] + (d ? l->width : l->height);
        onnx_add_integers(w, s->start[k], s->starts[k], 2);
        onnx_add_integers(w, s->end[k], s->ends[k], 2);
        onnx_add_node(w, "Slice", out, 4, (const char *const[]){from, s->start[k], s->end[k], "axes"});
        break;
    case LAYER_LSTM:
        write_lstm(w, l, in, numbers, s, out);
        break;
    case LAYER_RELU:
        onnx_add_node(w, "Relu", out, 1, &from);
        break;
    case LAYER_CLIP:
        onnx_add_node(w, "Clip", out, 3, (const char *const[]){from, "zero", "one"});
        break;
    case LAYER_ADD:
        onnx_add_node(w, "Add", out, 2, (const char *const[]){from, s->output[l->other]});
        break;
    }
    if (l->kernel) {
        onnx_add_ints(w, "kernel_shape", 2, kernel);
        onnx_add_ints(w, "strides", 2, strides);
        onnx_add_ints(w, "pads", 4, pads);
    }
}

uint8_t *plan_to_onnx(const network_plan *p, const float *numbers, const char *name, size_t *n)
{
    onnx_writer *w = onnx_writer_create();
    names *s = calloc(1, sizeof *s);
    uint8_t *bytes = NULL;
    bool crops = false, clips = false;
    for (int k = 0; k < p->n; k++) {
        crops = crops || p->layer[k].kind == LAYER_CROP;
        clips = clips || p->layer[k].kind == LAYER_CLIP;
    }
    if (w && s) {
        if (crops) onnx_add_integers(w, "axes", crop_axes, 2);
        if (clips) {
            onnx_add_tensor(w, "zero", &clip_bounds[0], 0, NULL);
            onnx_add_tensor(w, "one", &clip_bounds[1], 0, NULL);
        }
        for (int k = 0; k < p->n; k++) write_layer(w, p, numbers, s, k);
        const layer *in = &p->layer[0];
        bytes = onnx_pack(w, name, "xbartab-train",
                          (onnx_value){s->output[0], 4, {0, in->channels, in->height, in->width}},
                          (onnx_value){s->output[p->n - 1], 2, {0, (int64_t)p->n_classes}}, n);
    }
    if (s) free(s->split);
    free(s);
    onnx_writer_destroy(w);
    return bytes;
}
