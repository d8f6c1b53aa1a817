/* operator_attributes.c - the attributes that each operator knows, as ONNX's and QONNX's texts have them:
 * their types, the opsets that they belong to, and the values that are understood here.
 *
 * The reader refuses every other attribute: a network is never run without something that its file says. An
 * operator that has no row knows none. What a row names without values, onnx_attributes.c reads, or it
 * changes nothing in inference and says so here. */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "onnx_read.h"

enum {
    FLOAT = ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__FLOAT,
    INT = ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INT,
    STRING = ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__STRING,
    TENSOR = ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__TENSOR,
    FLOATS = ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__FLOATS,
    INTS = ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INTS,
    STRINGS = ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__STRINGS
};

typedef xbtab__attribute_rule rule;

static const char *const either = "0 1";

/* ---- lists that several operators share ---- */

/* Where memory may be used again: of every operator of the first opsets, and without meaning. */
static const rule all[] = {{.name = "consumed_inputs", .type = INTS, .until = 5}, {0}};

static const rule none[] = {{0}}, alpha[] = {{.name = "alpha", .type = FLOAT}, {0}},
                  alpha_beta[] = {{.name = "alpha", .type = FLOAT}, {.name = "beta", .type = FLOAT}, {0}},
                  axis[] = {{.name = "axis", .type = INT}, {0}},
                  epsilon[] = {{.name = "epsilon", .type = FLOAT}, {0}},
                  keepdims[] = {{.name = "keepdims", .type = INT, .values = either}, {0}},
                  channels_last[] = {{.name = "channels_last", .type = INT, .values = either}, {0}};

/* Before tensors broadcast as NumPy's do. */
static const rule pair[] = {{.name = "axis", .type = INT, .until = 6},
                            {.name = "broadcast", .type = INT, .until = 6, .values = either},
                            {0}};

static const rule window[] = {
    {.name = "auto_pad", .type = STRING, .values = "NOTSET SAME_UPPER SAME_LOWER VALID"},
    {.name = "kernel_shape", .type = INTS},
    {.name = "pads", .type = INTS},
    {.name = "strides", .type = INTS},
    {0}};
static const rule convolution[] = {
    {.name = "dilations", .type = INTS},
    {.name = "group", .type = INT},
    {.name = "weight_qnt", .type = STRING}, /* FINN's name of the weights' type */
    {0}};
static const rule average[] = {{.name = "ceil_mode", .type = INT, .since = 10, .values = either},
                               {.name = "count_include_pad", .type = INT, .since = 7, .values = either},
                               {.name = "dilations", .type = INTS, .since = 19},
                               {0}};
static const rule quantized_average[] = {{.name = "ceil_mode", .type = INT, .values = either},
                                         {.name = "count_include_pad", .type = INT, .values = either},
                                         {0}};
static const rule largest[] = {{.name = "ceil_mode", .type = INT, .since = 10, .values = either},
                               {.name = "dilations", .type = INTS, .since = 10},
                               /* of the places, an output that is not computed */
                               {.name = "storage_order", .type = INT, .since = 8, .values = either},
                               {0}};

static const rule recurrent[] = {
    {.name = "activation_alpha", .type = FLOATS},
    {.name = "activation_beta", .type = FLOATS},
    {.name = "activations", .type = STRINGS},
    {.name = "clip", .type = FLOAT},
    {.name = "direction", .type = STRING, .values = "forward reverse bidirectional"},
    {.name = "hidden_size", .type = INT},
    {.name = "layout", .type = INT, .since = 14, .values = either},
    /* whether there may be the first output, which is there in any case */
    {.name = "output_sequence", .type = INT, .until = 6, .values = either},
    {0}};

static const rule reduced[] = {{.name = "axes", .type = INTS, .until = 17},
                               {.name = "noop_with_empty_axes", .type = INT, .since = 18, .values = either},
                               {0}};

static const rule rounded[] = {
    {.name = "rounding_mode",
     .type = STRING,
     .any_case = true,
     .values = "ROUND HALF_EVEN CEIL FLOOR UP DOWN HALF_UP HALF_DOWN ROUND_TO_ZERO"},
    {0}};
static const rule quant[] = {{.name = "narrow", .type = INT, .values = either},
                             {.name = "signed", .type = INT, .values = either},
                             {0}};

/* saturate is of floats of 8 bits, which are none of ours. */
static const rule linear[] = {
    {.name = "axis", .type = INT, .since = 13}, {.name = "block_size", .type = INT, .since = 21}, {0}};

static const rule transposed[] = {{.name = "transA", .type = INT, .values = either},
                                  {.name = "transB", .type = INT, .values = either},
                                  {0}};

/* ---- lists of one operator each ---- */

/* A converter from TensorFlow leaves its convolution's on the sum behind it. */
static const rule sum[] = {{.name = "kernel_shape", .type = INTS},
                           {.name = "pads", .type = INTS},
                           {.name = "strides", .type = INTS},
                           {0}};

static const rule place[] = {{.name = "axis", .type = INT},
                             {.name = "select_last_index", .type = INT, .since = 12, .values = either},
                             {0}};

/* Of a mean over each place alone nothing is known, nor of training. */
static const rule batch_norm[] = {
    {.name = "is_test", .type = INT, .until = 6, .values = "1", .is_required = true},
    {.name = "momentum", .type = FLOAT}, /* of training */
    {.name = "spatial", .type = INT, .until = 8, .values = "1"},
    {.name = "training_mode", .type = INT, .since = 14, .values = "0"},
    {0}};

static const rule cast[] = {
    {.name = "to",
     .type = STRING,
     .until = 5,
     .is_required = true,
     .values = "FLOAT UINT8 INT8 UINT16 INT16 INT32 INT64 BOOL FLOAT16 DOUBLE UINT32 UINT64"},
    {.name = "to", .type = INT, .since = 6, .is_required = true},
    {0}};
static const rule saturated[] = {{.name = "saturate", .type = INT, .since = 19, .values = either}, {0}};

static const rule bounds[] = {
    {.name = "max", .type = FLOAT, .until = 10}, {.name = "min", .type = FLOAT, .until = 10}, {0}};

static const rule joined[] = {{.name = "axis", .type = INT, .until = 3},
                              {.name = "axis", .type = INT, .since = 4, .is_required = true},
                              {0}};

static const rule constant[] = {{.name = "value", .type = TENSOR},
                                {.name = "value_float", .type = FLOAT, .since = 12},
                                {.name = "value_floats", .type = FLOATS, .since = 12},
                                {.name = "value_int", .type = INT, .since = 12},
                                {.name = "value_ints", .type = INTS, .since = 12},
                                {0}};
static const rule filled[] = {{.name = "value", .type = TENSOR}, {0}};

static const rule running[] = {{.name = "exclusive", .type = INT, .values = either},
                               {.name = "reverse", .type = INT, .values = either},
                               {0}};

static const rule blocks[] = {{.name = "blocksize", .type = INT, .is_required = true}, {0}};
static const rule block_order[] = {{.name = "mode", .type = STRING, .since = 11, .values = "DCR CRD"}, {0}};

/* The share that training drops, and how it draws. */
static const rule dropout[] = {
    {.name = "is_test", .type = INT, .until = 6, .values = "1", .is_required = true},
    {.name = "ratio", .type = FLOAT, .until = 11},
    {.name = "seed", .type = INT, .since = 12},
    {0}};

static const rule einsum[] = {{.name = "equation", .type = STRING, .is_required = true}, {0}};
static const rule eye[] = {{.name = "dtype", .type = INT}, {.name = "k", .type = INT}, {0}};
static const rule gather_nd[] = {{.name = "batch_dims", .type = INT, .since = 12}, {0}};
static const rule gelu[] = {{.name = "approximate", .type = STRING, .values = "none tanh"}, {0}};
static const rule gemm[] = {{.name = "broadcast", .type = INT, .until = 6, .values = either},
                            {.name = "weight_qnt", .type = STRING},
                            {0}};
static const rule matmul[] = {{.name = "weight_qnt", .type = STRING}, {0}};
static const rule group_norm[] = {{.name = "num_groups", .type = INT, .is_required = true},
                                  {.name = "stash_type", .type = INT, .since = 21, .values = "1"},
                                  {0}};
static const rule gru[] = {{.name = "linear_before_reset", .type = INT, .since = 3, .values = either}, {0}};
static const rule lstm[] = {{.name = "input_forget", .type = INT, .values = either}, {0}};
static const rule infinite[] = {{.name = "detect_negative", .type = INT, .values = either},
                                {.name = "detect_positive", .type = INT, .values = either},
                                {0}};
static const rule layer_norm[] = {
    {.name = "axis", .type = INT}, {.name = "stash_type", .type = INT, .values = "1"}, {0}};
static const rule lrn[] = {
    {.name = "bias", .type = FLOAT}, {.name = "size", .type = INT, .is_required = true}, {0}};
static const rule modulo[] = {{.name = "fmod", .type = INT, .values = either}, {0}};
static const rule thresholds[] = {
    {.name = "data_layout", .type = STRING, .values = "NCHW NHWC NC NCH NHC NCW NWC"},
    {.name = "out_bias", .type = FLOAT},
    {.name = "out_dtype", .type = STRING}, /* the name of a type that holds the outputs */
    {.name = "out_scale", .type = FLOAT},
    {0}};

static const rule pad[] = {
    {.name = "mode", .type = STRING, .until = 18, .values = "constant reflect edge"},
    {.name = "mode", .type = STRING, .since = 19, .values = "constant reflect edge wrap"},
    {.name = "paddings", .type = INTS, .until = 1, .is_required = true},
    {.name = "pads", .type = INTS, .since = 2, .until = 10, .is_required = true},
    {.name = "value", .type = FLOAT, .until = 10},
    {0}};

static const rule quantize[] = {
    {.name = "output_dtype", .type = INT, .since = 21, .values = "0 2 3 4 5 21 22"},
    {.name = "precision", .type = INT, .since = 23, .values = "0 1"},
    {0}};
static const rule dequantize[] = {{.name = "output_dtype", .type = INT, .since = 23, .values = "0 1"}, {0}};

static const rule reduce_sum[] = {
    {.name = "axes", .type = INTS, .until = 12},
    {.name = "noop_with_empty_axes", .type = INT, .since = 13, .values = either},
    {0}};

static const rule reshape[] = {{.name = "allowzero", .type = INT, .since = 14, .values = either},
                               {.name = "shape", .type = INTS, .until = 4},
                               {0}};

static const rule resize[] = {
    {.name = "antialias", .type = INT, .since = 18, .values = either},
    {.name = "axes", .type = INTS, .since = 18},
    {.name = "coordinate_transformation_mode",
     .type = STRING,
     .since = 11,
     .values = "half_pixel half_pixel_symmetric pytorch_half_pixel align_corners asymmetric "
               "tf_half_pixel_for_nn tf_crop_and_resize"},
    {.name = "cubic_coeff_a", .type = FLOAT, .since = 11},
    {.name = "exclude_outside", .type = INT, .since = 11, .values = either},
    {.name = "extrapolation_value", .type = FLOAT, .since = 11},
    {.name = "keep_aspect_ratio_policy",
     .type = STRING,
     .since = 18,
     .values = "stretch not_larger not_smaller"},
    {.name = "mode", .type = STRING, .until = 10, .values = "nearest linear"},
    {.name = "mode", .type = STRING, .since = 11, .values = "nearest linear cubic"},
    {.name = "nearest_mode",
     .type = STRING,
     .since = 11,
     .values = "round_prefer_floor round_prefer_ceil floor ceil"},
    {0}};
static const rule upsample[] = {
    {.name = "mode", .type = STRING, .values = "nearest linear"},
    {.name = "scales", .type = FLOATS, .since = 7, .until = 8, .is_required = true},
    {0}};

static const rule selu[] = {{.name = "gamma", .type = FLOAT}, {0}};
static const rule shape[] = {
    {.name = "end", .type = INT, .since = 15}, {.name = "start", .type = INT, .since = 15}, {0}};
static const rule shrink[] = {{.name = "bias", .type = FLOAT}, {.name = "lambd", .type = FLOAT}, {0}};
static const rule slice[] = {{.name = "axes", .type = INTS, .until = 9},
                             {.name = "ends", .type = INTS, .until = 9, .is_required = true},
                             {.name = "starts", .type = INTS, .until = 9, .is_required = true},
                             {0}};
static const rule split[] = {{.name = "axis", .type = INT},
                             {.name = "num_outputs", .type = INT, .since = 18},
                             {.name = "split", .type = INTS, .until = 12},
                             {0}};
static const rule squeeze[] = {{.name = "axes", .type = INTS, .until = 12}, {0}};
static const rule unsqueeze[] = {{.name = "axes", .type = INTS, .until = 12, .is_required = true}, {0}};
/* Whether all come in order, which they do in any case. */
static const rule top[] = {{.name = "axis", .type = INT},
                           {.name = "k", .type = INT, .until = 9, .is_required = true},
                           {.name = "largest", .type = INT, .since = 11, .values = either},
                           {.name = "sorted", .type = INT, .since = 11, .values = either},
                           {0}};
static const rule transpose[] = {{.name = "perm", .type = INTS}, {0}};
static const rule transposed_convolution[] = {
    {.name = "output_padding", .type = INTS}, {.name = "output_shape", .type = INTS}, {0}};
static const rule trilu[] = {{.name = "upper", .type = INT, .values = either}, {0}};

/* ---- operators ---- */

enum { MOST_LISTS = 3 };

/* An operator's lists. */
typedef struct row {
    const char *type;
    const rule *lists[MOST_LISTS];
} row;

static const row rows[] = {{"Add", {pair, sum}},
                           {"And", {pair}},
                           {"ArgMax", {place, keepdims}},
                           {"ArgMin", {place, keepdims}},
                           {"AveragePool", {window, average}},
                           {"BatchNormalization", {batch_norm, epsilon}},
                           {"Cast", {cast, saturated}},
                           {"CastLike", {saturated}},
                           {"Celu", {alpha}},
                           {"Clip", {bounds}},
                           {"Concat", {joined}},
                           {"Constant", {constant}},
                           {"ConstantOfShape", {filled}},
                           {"Conv", {window, convolution}},
                           {"ConvInteger", {window, convolution}},
                           {"ConvTranspose", {window, convolution, transposed_convolution}},
                           {"CumSum", {running}},
                           {"DepthToSpace", {blocks, block_order}},
                           {"DequantizeLinear", {linear, dequantize}},
                           {"Div", {pair}},
                           {"Dropout", {dropout}},
                           {"Einsum", {einsum}},
                           {"Elu", {alpha}},
                           {"Equal", {pair}},
                           {"EyeLike", {eye}},
                           {"Flatten", {axis}},
                           {"GRU", {recurrent, gru}},
                           {"Gather", {axis}},
                           {"GatherElements", {axis}},
                           {"GatherND", {gather_nd}},
                           {"Gelu", {gelu}},
                           {"Gemm", {alpha_beta, transposed, gemm}},
                           {"Greater", {pair}},
                           {"GroupNormalization", {group_norm, epsilon}},
                           {"HardSigmoid", {alpha_beta}},
                           {"Hardmax", {axis}},
                           {"InstanceNormalization", {epsilon}},
                           {"IntQuant", {quant, rounded}},
                           {"IsInf", {infinite}},
                           {"LRN", {lrn, alpha_beta}},
                           {"LSTM", {recurrent, lstm}},
                           {"LayerNormalization", {layer_norm, epsilon}},
                           {"LeakyRelu", {alpha}},
                           {"Less", {pair}},
                           {"LogSoftmax", {axis}},
                           {"MatMul", {matmul}},
                           {"MaxPool", {window, largest}},
                           {"Mod", {modulo}},
                           {"Mul", {pair}},
                           {"MultiThreshold", {thresholds}},
                           {"OneHot", {axis}},
                           {"Or", {pair}},
                           {"Pad", {pad}},
                           {"Pow", {pair}},
                           {"QGemm", {alpha, transposed}},
                           {"QLinearAveragePool", {window, quantized_average, channels_last}},
                           {"QLinearConcat", {joined}},
                           {"QLinearConv", {window, convolution, channels_last}},
                           {"QLinearGlobalAveragePool", {channels_last}},
                           {"QLinearLeakyRelu", {alpha}},
                           {"Quant", {quant, rounded}},
                           {"QuantizeLinear", {linear, quantize, saturated}},
                           {"RNN", {recurrent}},
                           {"ReduceL1", {keepdims, reduced}},
                           {"ReduceL2", {keepdims, reduced}},
                           {"ReduceLogSum", {keepdims, reduced}},
                           {"ReduceLogSumExp", {keepdims, reduced}},
                           {"ReduceMax", {keepdims, reduced}},
                           {"ReduceMean", {keepdims, reduced}},
                           {"ReduceMin", {keepdims, reduced}},
                           {"ReduceProd", {keepdims, reduced}},
                           {"ReduceSum", {keepdims, reduce_sum}},
                           {"ReduceSumSquare", {keepdims, reduced}},
                           {"Reshape", {reshape}},
                           {"Resize", {resize}},
                           {"Selu", {alpha, selu}},
                           {"Shape", {shape}},
                           {"Shrink", {shrink}},
                           {"Slice", {slice}},
                           {"Softmax", {axis}},
                           {"SpaceToDepth", {blocks}},
                           {"Split", {split}},
                           {"Squeeze", {squeeze}},
                           {"Sub", {pair}},
                           {"ThresholdedRelu", {alpha}},
                           {"TopK", {top}},
                           {"Transpose", {transpose}},
                           {"Trilu", {trilu}},
                           {"Trunc", {rounded, quant}},
                           {"Unsqueeze", {unsqueeze}},
                           {"Upsample", {upsample}},
                           {"Xor", {pair}}};

/* The lists of an operator, behind that of all: lists[MOST_LISTS + 1]. */
static void find_lists(const char *type, const rule **lists)
{
    lists[0] = all;
    for (int l = 1; l <= MOST_LISTS; l++) lists[l] = none;
    for (size_t r = 0; r < sizeof rows / sizeof rows[0]; r++) {
        if (strcmp(rows[r].type, type) != 0) continue;
        for (int l = 0; l < MOST_LISTS && rows[r].lists[l]; l++) lists[l + 1] = rows[r].lists[l];
        return;
    }
}

const xbtab__attribute_rule *xbtab__attribute_rule_at(const char *type, int k)
{
    const rule *lists[MOST_LISTS + 1];
    find_lists(type, lists);
    for (int l = 0; l <= MOST_LISTS; l++) {
        for (const rule *at = lists[l]; at->name; at++) {
            if (k-- == 0) return at;
        }
    }
    return NULL;
}

/* ---- checking a node ---- */

enum { MOST_RULES = 24 }; /* of one operator */

static const char *type_name(int type)
{
    static const char *const names[] = {
        "a value of no type", "a number",           "an integer",     "a word", "a tensor", "a graph",
        "a list of numbers",  "a list of integers", "a list of words"};
    return type >= 0 && type < (int)(sizeof names / sizeof names[0]) ? names[type] : names[0];
}

/* What of an attribute is there, as its own type says or, where it has none, as its value does. A value of 0
 * and an empty list may be left out. */
static bool has_type(const Onnx__AttributeProto *a, int type)
{
    bool has[] = {false,        a->has_f,        a->has_i,      a->has_s,        a->t != NULL,
                  a->g != NULL, a->n_floats > 0, a->n_ints > 0, a->n_strings > 0};
    bool has_any = a->n_tensors || a->n_graphs || a->sparse_tensor || a->tp;
    for (size_t k = 0; k < sizeof has / sizeof has[0]; k++) has_any = has_any || has[k];
    if (a->has_type && a->type != ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__UNDEFINED && (int)a->type != type)
        return false;
    return has[type] || !has_any;
}

/* Whether one of the words in a list is this one. */
static bool is_listed(const char *list, const char *word, size_t length, bool any_case)
{
    while (*list) {
        size_t n = strcspn(list, " ");
        if (n == length && (any_case ? strncasecmp : strncmp)(list, word, n) == 0) return true;
        list += n + (list[n] != '\0');
    }
    return false;
}

static xbtab_status fail_value(const xbtab_network *n, const xbtab__node *node, const rule *r,
                               const char *value)
{
    return xbtab__node_fail(n, node, XBTAB_ERR_UNSUPPORTED, "its attribute \"%s\" is %s; understood: %s",
                            r->name, value, r->values);
}

static xbtab_status check_value(const xbtab_network *n, const xbtab__node *node, const rule *r,
                                const Onnx__AttributeProto *a)
{
    char text[64];
    if (r->type == FLOAT && isnan(a->f))
        return xbtab__node_fail(n, node, XBTAB_ERR_INPUT, "its attribute \"%s\" is not a number", r->name);
    if (!r->values) return XBTAB_OK;
    if (r->type == INT) {
        int length = snprintf(text, sizeof text, "%lld", (long long)a->i);
        return is_listed(r->values, text, (size_t)length, false) ? XBTAB_OK : fail_value(n, node, r, text);
    }
    const char *word = a->s.len ? (const char *)a->s.data : "";
    if (is_listed(r->values, word, a->s.len, r->any_case)) return XBTAB_OK;
    snprintf(text, sizeof text, "\"%.*s\"", (int)(a->s.len < 48 ? a->s.len : 48), word);
    return fail_value(n, node, r, text);
}

static bool is_of_opset(const rule *r, int64_t opset)
{
    return opset >= r->since && (r->until == 0 || opset <= r->until);
}

/* The names of all that are known, with commas between. */
static void list_names(const rule *const *rules, int count, char *out, size_t size)
{
    size_t length = 0;
    snprintf(out, size, "none");
    for (int k = 0; k < count && length < size; k++)
        length += (size_t)snprintf(out + length, size - length, "%s%s", k ? ", " : "", rules[k]->name);
}

static xbtab_status fail_unknown(const xbtab_network *n, const xbtab__node *node, const rule *const *rules,
                                 int count, const char *name)
{
    char names[256];
    list_names(rules, count, names, sizeof names);
    return xbtab__node_fail(n, node, XBTAB_ERR_UNSUPPORTED,
                            "its attribute \"%.60s\" is not understood; understood in opset %lld: %s", name,
                            (long long)n->opset, names);
}

static xbtab_status check_attribute(const xbtab_network *n, const xbtab__node *node, const rule *const *rules,
                                    int count, bool *is_there, const Onnx__AttributeProto *a)
{
    const char *name = a->name ? a->name : "";
    int k = 0;
    while (k < count && strcmp(rules[k]->name, name) != 0) k++;
    if (k == count) return fail_unknown(n, node, rules, count, name);
    if (is_there[k])
        return xbtab__node_fail(n, node, XBTAB_ERR_INPUT, "its attribute \"%s\" is there twice", name);
    is_there[k] = true;
    if (a->ref_attr_name && a->ref_attr_name[0])
        return xbtab__node_fail(n, node, XBTAB_ERR_UNSUPPORTED,
                                "its attribute \"%s\" stands for one of a function", name);
    if (!has_type(a, rules[k]->type))
        return xbtab__node_fail(n, node, XBTAB_ERR_INPUT, "its attribute \"%s\" is not %s", name,
                                type_name(rules[k]->type));
    return check_value(n, node, rules[k], a);
}

xbtab_status xbtab__check_attributes(const xbtab_network *n, const xbtab__node *node,
                                     const Onnx__NodeProto *proto)
{
    const rule *lists[MOST_LISTS + 1], *rules[MOST_RULES];
    bool is_there[MOST_RULES] = {false};
    int count = 0;
    find_lists(node->type->name, lists);
    for (int l = 0; l <= MOST_LISTS; l++) {
        for (const rule *r = lists[l]; r->name && count < MOST_RULES; r++) {
            if (is_of_opset(r, n->opset)) rules[count++] = r;
        }
    }
    for (size_t k = 0; k < proto->n_attribute; k++)
        XBTAB_TRY(check_attribute(n, node, rules, count, is_there, proto->attribute[k]));
    for (int k = 0; k < count; k++) {
        if (rules[k]->is_required && !is_there[k])
            return xbtab__node_fail(n, node, XBTAB_ERR_INPUT, "lacks its attribute \"%s\"", rules[k]->name);
    }
    return XBTAB_OK;
}
