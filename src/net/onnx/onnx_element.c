/* onnx_element.c - element types of ONNX's tensors, and one number of each. */
#include <math.h>
#include <string.h>

#include "onnx_read.h"

size_t xbtab__element_bytes(int32_t type, size_t count)
{
    size_t bits = (size_t)xbtab__bits_of_type(type);
    return bits < 8 ? (count + 1) / 2 : count * (bits / 8);
}

size_t xbtab__element_fields(const Onnx__TensorProto *t)
{
    switch (t->data_type) {
    case XBTAB__TYPE_FLOAT:
        return t->n_float_data;
    case XBTAB__TYPE_DOUBLE:
        return t->n_double_data;
    case XBTAB__TYPE_INT64:
        return t->n_int64_data;
    case XBTAB__TYPE_UINT32:
    case XBTAB__TYPE_UINT64:
        return t->n_uint64_data;
    default:
        return t->n_int32_data;
    }
}

/* IEEE 754 binary16. */
static double half_of(uint16_t bits)
{
    int exponent = bits >> 10 & 31, fraction = bits & 1023;
    double magnitude = exponent == 31 ? (fraction ? NAN : INFINITY)
                       : exponent     ? ldexp(1024 + fraction, exponent - 25)
                                      : ldexp(fraction, -24);
    return bits >> 15 ? -magnitude : magnitude;
}

/* Upper half of a binary32. */
static double bfloat_of(uint16_t bits)
{
    uint32_t whole = (uint32_t)bits << 16;
    float f;
    memcpy(&f, &whole, sizeof f);
    return (double)f;
}

/* 8 bits as in "FP8 Formats for Deep Learning" (Micikevicius et al. 2022): four bits of exponent and no
 * infinity, or five as in half precision; the kinds called UZ have no -0, whose code is NaN, and a bias one
 * larger. */
static double float8_of(int32_t type, uint8_t bits)
{
    bool is_wide = type >= XBTAB__TYPE_FLOAT8E5M2,
         is_uz = type == XBTAB__TYPE_FLOAT8E4M3FNUZ || type == XBTAB__TYPE_FLOAT8E5M2FNUZ;
    int fraction_bits = is_wide ? 2 : 3, exponent = bits >> fraction_bits & (is_wide ? 31 : 15);
    int fraction = bits & ((1 << fraction_bits) - 1), bias = (is_wide ? 15 : 7) + is_uz;
    if (is_uz && bits == 0x80) return NAN;
    if (!is_uz && is_wide && exponent == 31) return fraction ? NAN : bits >> 7 ? -INFINITY : INFINITY;
    if (!is_uz && !is_wide && (bits & 127) == 127) return NAN;
    double magnitude = ldexp(exponent ? (1 << fraction_bits) + fraction : fraction,
                             (exponent ? exponent : 1) - bias - fraction_bits);
    return bits >> 7 ? -magnitude : magnitude;
}

/* Half of a byte, with its sign. */
static int64_t nibble_of(int32_t type, unsigned byte, size_t k)
{
    int v = (int)(byte >> (k % 2 * 4) & 15);
    return type == XBTAB__TYPE_INT4 && v > 7 ? v - 16 : v;
}

double xbtab__element_of_bytes(int32_t type, const unsigned char *raw, size_t k, int64_t *integer)
{
    union {
        uint8_t u8;
        int8_t i8;
        uint16_t u16;
        int16_t i16;
        float f;
        int32_t i32;
        uint32_t u32;
        double d;
        int64_t i64;
        uint64_t u64;
    } v = {.u64 = 0};
    size_t bits = (size_t)xbtab__bits_of_type(type);
    if (bits < 8) return (double)(*integer = nibble_of(type, raw[k / 2], k));
    memcpy(&v, raw + k * (bits / 8), bits / 8);
    if (xbtab__is_float8(type)) return float8_of(type, v.u8);
    switch (type) {
    case XBTAB__TYPE_FLOAT:
        return (double)v.f;
    case XBTAB__TYPE_DOUBLE:
        return v.d;
    case XBTAB__TYPE_FLOAT16:
        return half_of(v.u16);
    case XBTAB__TYPE_BFLOAT16:
        return bfloat_of(v.u16);
    case XBTAB__TYPE_UINT8:
    case XBTAB__TYPE_BOOL:
        return (double)(*integer = v.u8);
    case XBTAB__TYPE_INT8:
        return (double)(*integer = v.i8);
    case XBTAB__TYPE_UINT16:
        return (double)(*integer = v.u16);
    case XBTAB__TYPE_INT16:
        return (double)(*integer = v.i16);
    case XBTAB__TYPE_INT32:
        return (double)(*integer = v.i32);
    case XBTAB__TYPE_UINT32:
        return (double)(*integer = v.u32);
    case XBTAB__TYPE_UINT64:
        *integer = v.u64 > INT64_MAX ? INT64_MAX : (int64_t)v.u64;
        return (double)v.u64;
    default:
        return (double)(*integer = v.i64);
    }
}

double xbtab__element_of_fields(const Onnx__TensorProto *t, size_t k, int64_t *integer)
{
    if (xbtab__is_float8(t->data_type)) return float8_of(t->data_type, (uint8_t)t->int32_data[k]);
    if (xbtab__bits_of_type(t->data_type) < 8)
        return (double)(*integer = nibble_of(t->data_type, (unsigned)t->int32_data[k / 2], k));
    switch (t->data_type) {
    case XBTAB__TYPE_FLOAT:
        return (double)t->float_data[k];
    case XBTAB__TYPE_DOUBLE:
        return t->double_data[k];
    case XBTAB__TYPE_FLOAT16:
        return half_of((uint16_t)t->int32_data[k]);
    case XBTAB__TYPE_BFLOAT16:
        return bfloat_of((uint16_t)t->int32_data[k]);
    case XBTAB__TYPE_INT64:
        return (double)(*integer = t->int64_data[k]);
    case XBTAB__TYPE_UINT32:
    case XBTAB__TYPE_UINT64:
        *integer = t->uint64_data[k] > INT64_MAX ? INT64_MAX : (int64_t)t->uint64_data[k];
        return (double)t->uint64_data[k];
    default:
        return (double)(*integer = t->int32_data[k]);
    }
}
