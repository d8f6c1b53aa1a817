/* attributes.c - what ONNX takes where a node has no such attribute. */
#include <float.h>
#include <stdio.h>
#include <string.h>

#include "graph.h"

/* ONNX's alpha is 1 for matrix products, and something else for each of these. */
static const struct {
    const char *type;
    float alpha, beta;
} defaults[] = {{"LeakyRelu", 0.01f, 1.0f},
                {"QLinearLeakyRelu", 0.01f, 1.0f},
                {"HardSigmoid", 0.2f, 0.5f},
                {"LRN", 1e-4f, 0.75f},
                {"Selu", 1.67326319217681884765625f, 1.0f}};

void xbtab__attributes_init(xbtab__attributes *out, const char *type)
{
    *out = (xbtab__attributes){.group = 1,
                               .alpha = 1.0f,
                               .beta = 1.0f,
                               .auto_pad = "NOTSET",
                               .mode = "constant",
                               .rounding_mode = "ROUND",
                               .data_layout = "NCHW",
                               .keepdims = 1,
                               .end = INT64_MAX,
                               .is_signed = 1,
                               .epsilon = 1e-5f,
                               .min = -FLT_MAX,
                               .max = FLT_MAX,
                               .out_scale = 1.0f,
                               .bias = strcmp(type, "LRN") == 0 ? 1.0f : 0.0f,
                               .lambd = 0.5f,
                               .gamma = 1.0507010221481323f,
                               .direction = "forward",
                               .nearest_mode = "round_prefer_floor",
                               .transformation = "half_pixel",
                               .approximate = "none",
                               .detect_negative = 1,
                               .detect_positive = 1,
                               .largest = 1,
                               .upper = 1,
                               .cubic = -0.75f,
                               .aspect = "stretch",
                               .to = XBTAB__TYPE_FLOAT};
    if (strcmp(type, "Trunc") == 0) snprintf(out->rounding_mode, sizeof out->rounding_mode, "FLOOR");
    for (size_t k = 0; k < sizeof defaults / sizeof defaults[0]; k++) {
        if (strcmp(type, defaults[k].type) != 0) continue;
        out->alpha = defaults[k].alpha;
        out->beta = defaults[k].beta;
    }
    if (strcmp(type, "Resize") == 0 || strcmp(type, "Upsample") == 0)
        snprintf(out->mode, sizeof out->mode, "nearest");
    if (strcmp(type, "DepthToSpace") == 0) snprintf(out->mode, sizeof out->mode, "DCR");
    if (strcmp(type, "EyeLike") == 0) out->to = 0;        /* as its input */
    if (strcmp(type, "QuantizeLinear") == 0) out->to = 0; /* as its zero */
}
