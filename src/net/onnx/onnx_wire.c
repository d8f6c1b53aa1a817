/* onnx_wire.c - bytes to messages. protobuf-c follows messages within messages by recursion without a bound;
 * a walk over the same bytes with the same descriptors checks the depth first. */
#include <onnx.pb-c.h>

#include "onnx_read.h"

/* A model's graph, node, attribute, tensor and segment are 5 deep; each If or Loop inside another adds 3. */
enum { DEEPEST = 64 };

enum { VARINT = 0, EIGHT_BYTES = 1, LENGTH = 2, FOUR_BYTES = 5 };

static bool take_varint(const uint8_t **at, const uint8_t *end, uint64_t *out)
{
    *out = 0;
    for (int shift = 0; shift < 64 && *at < end; shift += 7) {
        uint8_t byte = *(*at)++;
        *out |= (uint64_t)(byte & 127) << shift;
        if (byte < 128) return true;
    }
    return false;
}

/* Whether bytes are whole fields, none nested deeper than allowed. */
static bool is_sound(const ProtobufCMessageDescriptor *type, const uint8_t *at, const uint8_t *end, int depth)
{
    if (depth > DEEPEST) return false;
    while (at < end) {
        uint64_t key, length = 0;
        if (!take_varint(&at, end, &key)) return false;
        switch (key & 7) {
        case VARINT:
            if (!take_varint(&at, end, &length)) return false;
            length = 0;
            break;
        case EIGHT_BYTES:
            length = 8;
            break;
        case FOUR_BYTES:
            length = 4;
            break;
        case LENGTH:
            if (!take_varint(&at, end, &length)) return false;
            break;
        default:
            return false;
        }
        if (length > (uint64_t)(end - at) || key >> 3 > UINT32_MAX) return false;
        const ProtobufCFieldDescriptor *field =
            protobuf_c_message_descriptor_get_field(type, (unsigned)(key >> 3));
        if (field && field->type == PROTOBUF_C_TYPE_MESSAGE && (key & 7) == LENGTH &&
            !is_sound(field->descriptor, at, at + length, depth + 1)) {
            return false;
        }
        at += length;
    }
    return true;
}

bool xbtab__onnx_field(const ProtobufCMessage *message, uint32_t number, size_t k, ProtobufCBinaryData *out)
{
    for (unsigned f = 0; f < message->n_unknown_fields; f++) {
        const ProtobufCMessageUnknownField *field = &message->unknown_fields[f];
        const uint8_t *at = field->data, *end = field->data + field->len;
        uint64_t length;
        if (field->tag != number || field->wire_type != PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED || k-- > 0)
            continue;
        if (!take_varint(&at, end, &length) || length != (uint64_t)(end - at)) return false;
        *out = (ProtobufCBinaryData){.len = (size_t)length, .data = field->data + (at - field->data)};
        return true;
    }
    return false;
}

Onnx__AttributeProto *xbtab__onnx_attribute(const ProtobufCBinaryData *bytes)
{
    bool is_whole = is_sound(&onnx__attribute_proto__descriptor, bytes->data, bytes->data + bytes->len, 1);
    return is_whole ? onnx__attribute_proto__unpack(NULL, bytes->len, bytes->data) : NULL;
}

xbtab_status xbtab__onnx_unpack(Onnx__ModelProto **out, const char *path, const void *data, size_t size)
{
    const uint8_t *bytes = data;
    Onnx__ModelProto *model = NULL;
    if (is_sound(&onnx__model_proto__descriptor, bytes, bytes + size, 0))
        model = onnx__model_proto__unpack(NULL, size, bytes);
    if (!model || !model->graph) {
        if (model) onnx__model_proto__free_unpacked(model, NULL);
        XBTAB_FAIL(XBTAB_ERR_INPUT, "%s: not an ONNX file, or a truncated one", path);
    }
    *out = model;
    return XBTAB_OK;
}
