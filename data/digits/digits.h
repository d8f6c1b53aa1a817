/* digits.h - drawn digits and the small network that reads them. */
#ifndef XBTAB_DATA_DIGITS_H
#define XBTAB_DATA_DIGITS_H

#include <stddef.h>
#include <stdint.h>

enum { DIGIT_SIDE = 28, DIGIT_PIXELS = DIGIT_SIDE * DIGIT_SIDE };

/** Draw image number `index` of a seed: pixel[DIGIT_PIXELS], 0 = paper. @return the digit. */
int digits_draw(uint64_t seed, uint32_t index, uint8_t *pixel);

/** Conv 3x3 (1 to 8), Relu, MaxPool 2, Conv 3x3 (8 to 16), Relu, MaxPool 2, Flatten, Gemm (784 to 10). */
typedef struct digits_network {
    float W1[8][9], b1[8];
    float W2[16][72], b2[16];
    float W3[10][784], b3[10];
} digits_network;

/** Train on `count` images of a seed for some epochs; `tell` is called after each with the mean loss. */
int digits_train(digits_network *network, uint64_t seed, uint32_t count, int epochs,
                 void (*tell)(int epoch, double loss));

/** Index of the largest output for an image. */
int digits_predict(const digits_network *network, const uint8_t *pixel);

/** The network as an ONNX file in memory: *n bytes, free(). NULL: out of memory. */
uint8_t *digits_to_onnx(const digits_network *network, size_t *n);

#endif
