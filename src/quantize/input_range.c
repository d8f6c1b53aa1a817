/* input_range.c - how images meet a quantized network's first quantizer: pixels of 0..1 where it takes 0..255
 * lie in a step or two of it, and nothing but the accuracy would tell. */
#include <math.h>
#include <string.h>

#include "graph.h"
#include "memory.h"
#include "quantizers.h"

/* Operators that at the most shift, scale and move single numbers. */
static bool is_affine(const xbtab__node *node)
{
    static const char *const names[] = {"Add",     "BatchNormalization", "Cast",      "Div",     "Dropout",
                                        "Flatten", "Identity",           "Mul",       "Reshape", "Squeeze",
                                        "Sub",     "Transpose",          "Unsqueeze", NULL};
    for (int k = 0; names[k]; k++) {
        if (strcmp(node->type->name, names[k]) == 0) return node->n_more == 0;
    }
    return false;
}

/* Quantizers whose codes are where thresholds are passed. */
static bool is_threshold(const xbtab__node *node)
{
    return strcmp(node->type->name, "BipolarQuant") == 0 || strcmp(node->type->name, "MultiThreshold") == 0;
}

/* The one input that is not constant, of nodes that the input alone reaches; -1 of others. */
static int only_input(const xbtab_network *n, const xbtab__node *node)
{
    int found = -1;
    for (int k = 0; k < node->n_inputs; k++) {
        if (node->input[k] < 0 || n->value[node->input[k]].constant) continue;
        if (found >= 0) return -1;
        found = node->input[k];
    }
    return found;
}

/* Mark the nodes between the input and the first quantizer. @return that one's place; -1 = there is none. */
static int find_quantizer(const xbtab_network *n, bool *is_before)
{
    bool *reached = xbtab__alloc((size_t)n->n_values, sizeof *reached);
    int found = -1;
    if (!reached) return -1;
    reached[n->input] = true;
    for (int k = 0; k < n->n_nodes && found < 0; k++) {
        const xbtab__node *node = &n->node[k];
        int from = only_input(n, node);
        if (from < 0 || !reached[from]) continue;
        if (xbtab__is_quantizer(node) || is_threshold(node)) {
            found = k;
        } else if (is_affine(node)) {
            is_before[k] = reached[node->output] = true;
        }
    }
    xbtab__free(reached);
    return found;
}

typedef struct prefix {
    const xbtab_network *network;
    const bool *is_before;
    int quantizer;
    const xbtab__float_run *run; /* its input is set */
    float *first;                /* what the quantizer made of the first image */
} prefix;

/* Run up to the quantizer, widen the range by the codes of its input's numbers, and see whether they differ.
 */
static void see(const prefix *p, bool is_first, xbtab_input_range *out)
{
    const xbtab_network *n = p->network;
    const xbtab__node *quantizer = &n->node[p->quantizer];
    for (int k = 0; k < p->quantizer; k++) {
        if (p->is_before[k]) n->node[k].type->run(n, &n->node[k], p->run);
    }
    const float *x = p->run->data[quantizer->input[0]], *y = p->run->data[quantizer->output];
    size_t size = n->value[quantizer->output].shape.size;
    quantizer->type->run(n, quantizer, p->run);
    if (is_first) memcpy(p->first, y, size * sizeof *y);
    if (memcmp(p->first, y, size * sizeof *y) != 0) out->is_constant = 0;
    if (is_threshold(quantizer)) return;
    for (size_t c = 0; c < n->value[quantizer->input[0]].shape.size; c++) {
        double code = xbtab__quantizer_code(n, quantizer, c, (double)x[c], &out->low, &out->high);
        if (!isfinite(code)) continue;
        out->least = fmin(out->least, code);
        out->most = fmax(out->most, code);
    }
}

static void see_images(const prefix *p, const xbtab_images *images, bool is_raw, xbtab_input_range *out)
{
    float *x = p->run->data[p->network->input];
    size_t size = p->network->value[p->network->input].shape.size,
           last = xbtab__channels_last(p->network, images);
    float byte = 255.0f * xbtab__pixel_scale(p->network, images, is_raw);
    for (size_t k = 0; k < (images->is_bytes ? 2 : images->n); k++) { /* bytes: their ends */
        const float *pixel = images->pixel + k * size;
        for (size_t c = 0; c < size; c++) {
            x[c] = images->is_bytes ? (float)k * byte : pixel[xbtab__pixel_at(images, last, c)];
        }
        see(p, k == 0, out);
    }
}

xbtab_status xbtab_network_input_range(const xbtab_network *n, const xbtab_images *images, int raw_pixels,
                                       xbtab_input_range *out)
{
    xbtab__float_run *run = NULL;
    xbtab_status status = XBTAB_OK;
    float *first = NULL;
    *out = (xbtab_input_range){
        .least = INFINITY, .most = -INFINITY, .is_constant = images->is_bytes || images->n > 1};
    XBTAB_TRY(xbtab__check_images(n, images, images->n));
    bool *is_before = xbtab__alloc((size_t)n->n_nodes, sizeof *is_before);
    if (!is_before) return XBTAB_NOMEM();
    int quantizer = find_quantizer(n, is_before);
    if (quantizer < 0) goto done;
    XBTAB_TRY_DONE(xbtab__float_runs_create(&run, n, 1));
    first = xbtab__alloc(n->value[n->node[quantizer].output].shape.size, sizeof *first);
    if (!first) {
        status = XBTAB_NOMEM();
        goto done;
    }
    see_images(&(prefix){n, is_before, quantizer, run, first}, images, raw_pixels != 0, out);
    out->node = n->node[quantizer].name;
done:
    xbtab__float_runs_destroy(&run, 1);
    xbtab__free(is_before);
    xbtab__free(first);
    return status;
}
