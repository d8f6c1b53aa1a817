/* onnx_attributes.c - attributes of all operators over ONNX's defaults, by tables of their names. */
#include <float.h>
#include <stdio.h>
#include <string.h>

#include "onnx_read.h"

static xbtab_status fail_long(const xbtab_network *n, const Onnx__AttributeProto *a, size_t entries)
{
    XBTAB_FAIL(XBTAB_ERR_UNSUPPORTED, "%s: attribute \"%s\" has %zu entries", n->path, a->name, entries);
}

static xbtab_status take_ints(const xbtab_network *n, const Onnx__AttributeProto *a, int64_t *out, int *count)
{
    if (a->n_ints > XBTAB__NET_INTS) return fail_long(n, a, a->n_ints);
    for (size_t k = 0; k < a->n_ints; k++) out[k] = a->ints[k];
    *count = (int)a->n_ints;
    return XBTAB_OK;
}

static xbtab_status take_floats(const xbtab_network *n, const Onnx__AttributeProto *a, float *out, int *count,
                                size_t most)
{
    if (a->n_floats > most) return fail_long(n, a, a->n_floats);
    for (size_t k = 0; k < a->n_floats; k++) out[k] = a->floats[k];
    *count = (int)a->n_floats;
    return XBTAB_OK;
}

static void take_word(char *out, size_t size, const ProtobufCBinaryData *s)
{
    snprintf(out, size, "%.*s", (int)(s->len < size ? s->len : size - 1),
             s->data ? (const char *)s->data : "");
}

static xbtab_status take_lists(const xbtab_network *n, xbtab__attributes *out, const Onnx__AttributeProto *a)
{
    const struct {
        const char *name;
        int64_t *list;
        int *count;
    } lists[] = {{"kernel_shape", out->kernel, &out->n_kernel},
                 {"strides", out->stride, &out->n_stride},
                 {"pads", out->pad, &out->n_pad},
                 {"paddings", out->pad, &out->n_pad}, /* of Pad in opset 1 */
                 {"shape", out->axes, &out->n_axes},  /* of Reshape in opsets 1 to 4 */
                 {"dilations", out->dilation, &out->n_dilation},
                 {"perm", out->perm, &out->n_perm},
                 {"axes", out->axes, &out->n_axes},
                 {"starts", out->starts, &out->n_starts},
                 {"ends", out->ends, &out->n_ends},
                 {"split", out->split, &out->n_split},
                 {"output_padding", out->output_pad, &out->n_output_pad},
                 {"output_shape", out->output_shape, &out->n_output_shape}};
    const struct {
        const char *name;
        float *list;
        int *count;
        size_t most;
    } float_lists[] = {
        {"activation_alpha", out->activation_alpha, &out->n_activation_alpha, XBTAB__NET_WORDS},
        {"activation_beta", out->activation_beta, &out->n_activation_beta, XBTAB__NET_WORDS},
        {"scales", out->scale, &out->n_scale, XBTAB__NET_RANK}};
    for (size_t l = 0; l < sizeof lists / sizeof lists[0]; l++) {
        if (strcmp(a->name, lists[l].name) == 0) XBTAB_TRY(take_ints(n, a, lists[l].list, lists[l].count));
    }
    for (size_t l = 0; l < sizeof float_lists / sizeof float_lists[0]; l++) {
        if (strcmp(a->name, float_lists[l].name) == 0)
            XBTAB_TRY(take_floats(n, a, float_lists[l].list, float_lists[l].count, float_lists[l].most));
    }
    if (strcmp(a->name, "activations") == 0) {
        if (a->n_strings > XBTAB__NET_WORDS) return fail_long(n, a, a->n_strings);
        for (size_t k = 0; k < a->n_strings; k++) {
            if (a->strings[k].len >= sizeof out->activation[k])
                XBTAB_FAIL(XBTAB_ERR_UNSUPPORTED, "%s: an activation's name of %zu letters", n->path,
                           a->strings[k].len);
            take_word(out->activation[k], sizeof out->activation[k], &a->strings[k]);
        }
        out->n_activations = (int)a->n_strings;
    }
    return XBTAB_OK;
}

/* Cast's words of opsets 1 to 5; the reader has refused every other. */
static int64_t type_of_word(const ProtobufCBinaryData *s)
{
    static const struct {
        const char *word;
        int64_t type;
    } types[] = {
        {"FLOAT", XBTAB__TYPE_FLOAT},   {"UINT8", XBTAB__TYPE_UINT8},   {"INT8", XBTAB__TYPE_INT8},
        {"UINT16", XBTAB__TYPE_UINT16}, {"INT16", XBTAB__TYPE_INT16},   {"INT32", XBTAB__TYPE_INT32},
        {"INT64", XBTAB__TYPE_INT64},   {"BOOL", XBTAB__TYPE_BOOL},     {"FLOAT16", XBTAB__TYPE_FLOAT16},
        {"DOUBLE", XBTAB__TYPE_DOUBLE}, {"UINT32", XBTAB__TYPE_UINT32}, {"UINT64", XBTAB__TYPE_UINT64}};
    char word[16];
    take_word(word, sizeof word, s);
    for (size_t k = 0; k < sizeof types / sizeof types[0]; k++) {
        if (strcmp(types[k].word, word) == 0) return types[k].type;
    }
    return 0;
}

static void take_numbers(xbtab__attributes *out, const Onnx__AttributeProto *a)
{
    const struct {
        const char *name;
        int64_t *number;
    } numbers[] = {{"group", &out->group},
                   {"axis", &out->axis},
                   {"transA", &out->trans_a},
                   {"transB", &out->trans_b},
                   {"count_include_pad", &out->count_include_pad},
                   {"ceil_mode", &out->ceil_mode},
                   {"keepdims", &out->keepdims},
                   {"narrow", &out->narrow},
                   {"to", &out->to},
                   {"dtype", &out->to},
                   {"start", &out->start},
                   {"end", &out->end},
                   {"signed", &out->is_signed},
                   {"exclusive", &out->exclusive},
                   {"reverse", &out->reverse},
                   {"blocksize", &out->block},
                   {"batch_dims", &out->batch_dims},
                   {"select_last_index", &out->select_last},
                   {"noop_with_empty_axes", &out->noop},
                   {"size", &out->size},
                   {"fmod", &out->fmod},
                   {"allowzero", &out->allow_zero},
                   {"detect_negative", &out->detect_negative},
                   {"detect_positive", &out->detect_positive},
                   {"upper", &out->upper},
                   {"exclude_outside", &out->exclude_outside},
                   {"antialias", &out->antialias},
                   {"block_size", &out->block_size},
                   {"output_dtype", &out->output_dtype},
                   {"k", &out->shift},
                    {"num_outputs", &out->parts},
                    {"broadcast", &out->broadcast},
                   {"largest", &out->largest},
                   {"num_groups", &out->group},
                   {"channels_last", &out->channels_last},
                   {"hidden_size", &out->hidden_size},
                   {"input_forget", &out->input_forget},
                   {"layout", &out->layout},
                   {"linear_before_reset", &out->linear_before_reset}};
    const struct {
        const char *name;
        float *number;
    } reals[] = {{"alpha", &out->alpha},
                 {"beta", &out->beta},
                 {"epsilon", &out->epsilon},
                 {"min", &out->min},
                 {"max", &out->max},
                 {"out_scale", &out->out_scale},
                 {"out_bias", &out->out_bias},
                 {"value", &out->value},
                 {"bias", &out->bias},
                 {"lambd", &out->lambd},
                 {"gamma", &out->gamma},
                 {"clip", &out->clip},
                 {"cubic_coeff_a", &out->cubic},
                 {"extrapolation_value", &out->outside}};
    const struct {
        const char *name;
        char *word;
        size_t size;
    } words[] = {{"auto_pad", out->auto_pad, sizeof out->auto_pad},
                 {"mode", out->mode, sizeof out->mode},
                 {"data_layout", out->data_layout, sizeof out->data_layout},
                 {"rounding_mode", out->rounding_mode, sizeof out->rounding_mode},
                 {"direction", out->direction, sizeof out->direction},
                 {"nearest_mode", out->nearest_mode, sizeof out->nearest_mode},
                 {"coordinate_transformation_mode", out->transformation, sizeof out->transformation},
                 {"approximate", out->approximate, sizeof out->approximate},
                 {"equation", out->equation, sizeof out->equation},
                 {"keep_aspect_ratio_policy", out->aspect, sizeof out->aspect}};
    for (size_t l = 0; l < sizeof numbers / sizeof numbers[0]; l++) {
        if (strcmp(a->name, numbers[l].name) == 0) *numbers[l].number = a->i;
    }
    for (size_t l = 0; l < sizeof reals / sizeof reals[0]; l++) {
        if (strcmp(a->name, reals[l].name) == 0) *reals[l].number = a->f;
    }
    for (size_t l = 0; l < sizeof words / sizeof words[0]; l++) {
        if (strcmp(a->name, words[l].name) == 0) take_word(words[l].word, words[l].size, &a->s);
    }
    if (strcmp(a->name, "axis") == 0) out->has_axis = true;
    if (strcmp(a->name, "clip") == 0) out->has_clip = true;
    if (strcmp(a->name, "to") == 0 && a->s.len) out->to = type_of_word(&a->s);
}

/* What the first opsets had otherwise. */
static void take_older_defaults(xbtab__attributes *out, const char *type, int64_t opset)
{
    enum { LONGER_NUMBERS_OPSET = 6, NO_AXIS_OPSET = 4 };
    if (strcmp(type, "Selu") == 0 && opset < LONGER_NUMBERS_OPSET) {
        out->alpha = 1.6732f;
        out->gamma = 1.0507f;
    }
    if (strcmp(type, "Concat") == 0 && opset < NO_AXIS_OPSET) out->axis = 1;
}

xbtab_status xbtab__read_attributes(xbtab_network *n, xbtab__attributes *out, const Onnx__NodeProto *proto,
                                    int *tensor)
{
    const char *type = proto->op_type ? proto->op_type : "";
    xbtab__attributes_init(out, type);
    take_older_defaults(out, type, n->opset);
    *tensor = -1;
    for (size_t k = 0; k < proto->n_attribute; k++) {
        const Onnx__AttributeProto *a = proto->attribute[k];
        if (!a->name) continue;
        XBTAB_TRY(take_lists(n, out, a));
        take_numbers(out, a);
        if (a->t && *tensor < 0) {
            XBTAB_TRY(xbtab__read_tensor(n, a->t, NULL, tensor));
        }
    }
    return XBTAB_OK;
}
