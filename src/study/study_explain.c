/* study_explain.c - which effect costs how much in a study. */
#include "study_private.h"

/* A file in float can be quantized more finely, which stands for not at all. */
static xbtab_status quantize(xbtab_study *s)
{
    enum { FINE_WEIGHTS = 8, FINE_ACTIVATIONS = 12 };
    xbtab_quantize_options q;
    XBTAB_TRY(xbtab__study_quantizing(&q, s));
    xbtab_quantized_destroy(&s->quantized);
    xbtab_quantized_destroy(&s->fine);
    XBTAB_TRY(xbtab_quantized_create(&s->quantized, s->network, s->calibration, &q));
    if (q.weight_bits < FINE_WEIGHTS) q.weight_bits = FINE_WEIGHTS;
    if (q.activation_bits < FINE_ACTIVATIONS) q.activation_bits = FINE_ACTIVATIONS;
    q.layer_bits = NULL;
    q.note = NULL; /* it has been told */
    q.n_layer_bits = 0;
    xbtab_status status = xbtab_quantized_create(&s->fine, s->network, s->calibration, &q);
    return status == XBTAB_ERR_UNSUPPORTED ? XBTAB_OK
                                           : status; /* a file with bits of its own has no others */
}

xbtab_status xbtab_study_explain(xbtab_study *s, xbtab_explanation *out)
{
    const xbtab_engine_setup setup = xbtab__study_setup(s);
    if (!s->technology) XBTAB_FAIL(XBTAB_ERR_INPUT, "a study without tiles has no effects to explain");
    XBTAB_TRY(xbtab__study_run_float(s));
    XBTAB_TRY(quantize(s));
    xbtab_explain_options options = {.map = xbtab__study_map(s),
                                     .chip = s->o.chip,
                                     .n_chips = s->o.n_chips,
                                     .float_outputs = s->outputs,
                                     .fine = s->fine,
                                     .without_layers = s->o.without_layers,
                                     .only_layer = s->o.only_layer};
    return xbtab_explain(out, s->quantized, &setup, s->images, s->images->n, &options);
}
