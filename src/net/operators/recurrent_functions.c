/* recurrent_functions.c - activation functions of LSTM, GRU and RNN, as ONNX names and defines them. */
#include "recurrent_functions.h"

#include <math.h>
#include <string.h>

static float affine(float x, float alpha, float beta)
{
    return alpha * x + beta;
}

static float elu(float x, float alpha, float beta)
{
    (void)beta;
    return x >= 0 ? x : alpha * (expf(x) - 1.0f);
}

static float hard_sigmoid(float x, float alpha, float beta)
{
    return fmaxf(0.0f, fminf(1.0f, alpha * x + beta));
}

static float leaky_relu(float x, float alpha, float beta)
{
    (void)beta;
    return x >= 0 ? x : alpha * x;
}

static float relu(float x, float alpha, float beta)
{
    (void)alpha, (void)beta;
    return x > 0 ? x : 0.0f;
}

static float scaled_tanh(float x, float alpha, float beta)
{
    return alpha * tanhf(beta * x);
}

static float sigmoid(float x, float alpha, float beta)
{
    (void)alpha, (void)beta;
    return 1.0f / (1.0f + expf(-x));
}

static float softplus(float x, float alpha, float beta)
{
    (void)alpha, (void)beta;
    return log1pf(expf(-fabsf(x))) + fmaxf(x, 0.0f);
}

static float softsign(float x, float alpha, float beta)
{
    (void)alpha, (void)beta;
    return x / (1.0f + fabsf(x));
}

static float plain_tanh(float x, float alpha, float beta)
{
    (void)alpha, (void)beta;
    return tanhf(x);
}

static float thresholded_relu(float x, float alpha, float beta)
{
    (void)beta;
    return x > alpha ? x : 0.0f;
}

static const xbtab__activation activations[] = {
    {"Affine", affine, true, true, 1.0f, 0.0f},
    {"Elu", elu, true, false, 1.0f, 0.0f},
    {"HardSigmoid", hard_sigmoid, true, true, 0.2f, 0.5f},
    {"LeakyRelu", leaky_relu, true, false, 0.01f, 0.0f},
    {"Relu", relu, false, false, 0.0f, 0.0f},
    {"ScaledTanh", scaled_tanh, true, true, 1.0f, 1.0f},
    {"Sigmoid", sigmoid, false, false, 0.0f, 0.0f},
    {"Softplus", softplus, false, false, 0.0f, 0.0f},
    {"Softsign", softsign, false, false, 0.0f, 0.0f},
    {"Tanh", plain_tanh, false, false, 0.0f, 0.0f},
    {"ThresholdedRelu", thresholded_relu, true, false, 1.0f, 0.0f},
};

static const xbtab__activation *find_activation(const char *name)
{
    for (size_t k = 0; k < sizeof activations / sizeof activations[0]; k++) {
        if (strcmp(activations[k].name, name) == 0) return &activations[k];
    }
    return NULL;
}

const char *xbtab__take_activations(const xbtab__attributes *a, const char *const *otherwise, int functions,
                                    int directions, xbtab__activation *out)
{
    int alpha = 0, beta = 0;
    for (int k = 0; k < functions * directions; k++) {
        const char *name = a->n_activations ? a->activation[k] : otherwise[k % functions];
        const xbtab__activation *found = find_activation(name);
        if (!found) return name;
        out[k] = *found;
        if (found->has_alpha && alpha < a->n_activation_alpha) out[k].alpha = a->activation_alpha[alpha++];
        if (found->has_beta && beta < a->n_activation_beta) out[k].beta = a->activation_beta[beta++];
    }
    return NULL;
}
