/* elements.c - types of a tensor's numbers, as onnx.proto counts them. */
#include "graph.h"

int xbtab__bits_of_type(int32_t type)
{
    switch (type) {
    case XBTAB__TYPE_UINT4:
    case XBTAB__TYPE_INT4:
        return 4;
    case XBTAB__TYPE_UINT8:
    case XBTAB__TYPE_INT8:
    case XBTAB__TYPE_BOOL:
    case XBTAB__TYPE_FLOAT8E4M3FN:
    case XBTAB__TYPE_FLOAT8E4M3FNUZ:
    case XBTAB__TYPE_FLOAT8E5M2:
    case XBTAB__TYPE_FLOAT8E5M2FNUZ:
        return 8;
    case XBTAB__TYPE_UINT16:
    case XBTAB__TYPE_INT16:
    case XBTAB__TYPE_FLOAT16:
    case XBTAB__TYPE_BFLOAT16:
        return 16;
    case XBTAB__TYPE_FLOAT:
    case XBTAB__TYPE_INT32:
    case XBTAB__TYPE_UINT32:
        return 32;
    case XBTAB__TYPE_DOUBLE:
    case XBTAB__TYPE_INT64:
    case XBTAB__TYPE_UINT64:
        return 64;
    default:
        return 0;
    }
}

bool xbtab__is_float8(int32_t type)
{
    return type >= XBTAB__TYPE_FLOAT8E4M3FN && type <= XBTAB__TYPE_FLOAT8E5M2FNUZ;
}

bool xbtab__is_integer_type(int32_t type)
{
    return type != XBTAB__TYPE_FLOAT && type != XBTAB__TYPE_DOUBLE && type != XBTAB__TYPE_FLOAT16 &&
           type != XBTAB__TYPE_BFLOAT16 && !xbtab__is_float8(type) && xbtab__bits_of_type(type) > 0;
}

bool xbtab__is_number_type(int64_t type)
{
    return type > 0 && type <= XBTAB__TYPE_INT4 && xbtab__bits_of_type((int32_t)type) > 0;
}
