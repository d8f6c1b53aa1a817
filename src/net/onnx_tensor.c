/* onnx_tensor.c - tensors of an ONNX file as constants: typed fields, raw bytes, and bytes in a file beside
 * the model. */
#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "input.h"
#include "memory.h"
#include "onnx_read.h"

/* ---- element types ---- */

static size_t element_size(int32_t type)
{
    switch (type) {
    case XBTAB__TYPE_UINT8:
    case XBTAB__TYPE_INT8:
    case XBTAB__TYPE_BOOL:
        return 1;
    case XBTAB__TYPE_UINT16:
    case XBTAB__TYPE_INT16:
    case XBTAB__TYPE_FLOAT16:
    case XBTAB__TYPE_BFLOAT16:
        return 2;
    case XBTAB__TYPE_FLOAT:
    case XBTAB__TYPE_INT32:
    case XBTAB__TYPE_UINT32:
        return 4;
    case XBTAB__TYPE_DOUBLE:
    case XBTAB__TYPE_INT64:
    case XBTAB__TYPE_UINT64:
        return 8;
    default:
        return 0;
    }
}

bool xbtab__is_integer_type(int32_t type)
{
    return type != XBTAB__TYPE_FLOAT && type != XBTAB__TYPE_DOUBLE && type != XBTAB__TYPE_FLOAT16 &&
           type != XBTAB__TYPE_BFLOAT16 && element_size(type) > 0;
}

/* How many numbers stand in the typed field that ONNX has for this type. */
static size_t typed_count(const Onnx__TensorProto *t)
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

static double of_bits(int32_t type, const unsigned char *raw, int64_t *integer)
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
    memcpy(&v, raw, element_size(type));
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

static double of_field(const Onnx__TensorProto *t, size_t k, int64_t *integer)
{
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

/* ---- bytes in another file ---- */

/* What external_data says of a tensor. */
typedef struct external {
    const char *location;
    long long offset, length; /* length -1 = not given */
} external;

static bool take_count(const char *text, long long *out)
{
    char *end;
    errno = 0;
    if (!text || text[0] < '0' || text[0] > '9') return false;
    *out = strtoll(text, &end, 10);
    return errno == 0 && *end == '\0';
}

static xbtab_status read_entries(const xbtab_network *n, const Onnx__TensorProto *t, const char *name,
                                 external *out)
{
    *out = (external){.length = -1};
    for (size_t k = 0; k < t->n_external_data; k++) {
        const Onnx__StringStringEntryProto *e = t->external_data[k];
        if (!e->key) continue;
        bool is_offset = strcmp(e->key, "offset") == 0, is_length = strcmp(e->key, "length") == 0;
        if (strcmp(e->key, "location") == 0) out->location = e->value;
        if ((is_offset || is_length) && !take_count(e->value, is_offset ? &out->offset : &out->length)) {
            XBTAB_FAIL(XBTAB_ERR_INPUT, "%s: tensor \"%s\": %s \"%.40s\" is not a number of bytes", n->path,
                       name, e->key, e->value ? e->value : "");
        }
    }
    return XBTAB_OK;
}

static bool climbs(const char *location)
{
    for (const char *part = location; *part;) {
        size_t length = strcspn(part, "/\\");
        if (length == 2 && part[0] == '.' && part[1] == '.') return true;
        part += length + (part[length] != '\0');
    }
    return false;
}

/* The file's path, which must lie in the model's folder or below, symbolic links followed. */
static xbtab_status find_external(const xbtab_network *n, const char *name, const char *location, char *out)
{
    char folder[PATH_MAX], joined[PATH_MAX];
    const char *slash = strrchr(n->path, '/');
    if (!location || !location[0] || location[0] == '/' || location[0] == '\\' || climbs(location)) {
        XBTAB_FAIL(
            XBTAB_ERR_INPUT,
            "%s: tensor \"%s\": its data in \"%.80s\" must be a relative path inside the model's folder",
            n->path, name, location ? location : "");
    }
    int length = slash ? (int)(slash - n->path) + 1 : 0;
    if (snprintf(joined, sizeof joined, "%.*s%s", length, n->path, location) >= (int)sizeof joined ||
        snprintf(folder, sizeof folder, "%.*s.", length, n->path) >= (int)sizeof folder) {
        XBTAB_FAIL(XBTAB_ERR_INPUT, "%s: tensor \"%s\": the path of its data is too long", n->path, name);
    }
    char real_folder[PATH_MAX];
    if (!realpath(folder, real_folder) || !realpath(joined, out)) {
        XBTAB_FAIL(XBTAB_ERR_IO, "%s: tensor \"%s\": its data in \"%.80s\": %s", n->path, name, location,
                   strerror(errno));
    }
    size_t n_folder = strlen(real_folder);
    bool is_root = n_folder == 1;
    if (strncmp(out, real_folder, n_folder) != 0 || (!is_root && out[n_folder] != '/')) {
        XBTAB_FAIL(XBTAB_ERR_INPUT, "%s: tensor \"%s\": its data in \"%.80s\" leaves the model's folder",
                   n->path, name, location);
    }
    return XBTAB_OK;
}

/* Of all tensors of a model: many may name the same bytes of one file. */
static const size_t most_external = (size_t)1 << 32;

/* The bytes of a tensor that stands in another file; the caller frees them. */
static xbtab_status read_external(xbtab_network *n, const Onnx__TensorProto *t, const char *name,
                                  size_t bytes, unsigned char **out)
{
    external e;
    char path[PATH_MAX];
    struct stat info;
    xbtab_status status;
    unsigned char *data = NULL;
    XBTAB_TRY(read_entries(n, t, name, &e));
    XBTAB_TRY(find_external(n, name, e.location, path));
    FILE *file = NULL;
    status = xbtab__input_open(&file, path);
    if (status < 0) {
        status = xbtab__error_prefix(status, "%s: tensor \"%s\"", n->path, name);
        goto done;
    }
    if (fstat(fileno(file), &info) != 0) {
        XBTAB_FAIL_DONE(XBTAB_ERR_IO, "%s: tensor \"%s\": its data in \"%.80s\": %s", n->path, name,
                        e.location, strerror(errno));
    }
    if (e.length >= 0 && (size_t)e.length != bytes) {
        XBTAB_FAIL_DONE(XBTAB_ERR_INPUT,
                        "%s: tensor \"%s\": %lld bytes of data in \"%.80s\" for a tensor of %zu bytes",
                        n->path, name, e.length, e.location, bytes);
    }
    if (e.offset > info.st_size || bytes > (size_t)(info.st_size - e.offset)) {
        XBTAB_FAIL_DONE(XBTAB_ERR_INPUT,
                        "%s: tensor \"%s\": \"%.80s\" has %lld bytes; %zu from byte %lld on are needed",
                        n->path, name, e.location, (long long)info.st_size, bytes, e.offset);
    }
    if (bytes > most_external - n->external_size) {
        XBTAB_FAIL_DONE(XBTAB_ERR_INPUT,
                        "%s: tensor \"%s\": more than %zu bytes of data outside the model in all", n->path,
                        name, most_external);
    }
    n->external_size += bytes;
    data = xbtab__alloc(bytes, 1);
    if (!data) {
        status = XBTAB_NOMEM();
        goto done;
    }
    if (fseeko(file, e.offset, SEEK_SET) != 0 || fread(data, 1, bytes, file) != bytes) {
        XBTAB_FAIL_DONE(XBTAB_ERR_IO, "%s: tensor \"%s\": cannot read its data in \"%.80s\"", n->path, name,
                        e.location);
    }
    *out = data;
    data = NULL;
    status = XBTAB_OK;
done:
    xbtab__free(data);
    if (file) fclose(file);
    return status;
}

/* ---- constants ---- */

static xbtab_status check_type(const xbtab_network *n, const Onnx__TensorProto *t, const char *name)
{
    if (element_size(t->data_type) == 0) {
        XBTAB_FAIL(
            XBTAB_ERR_UNSUPPORTED,
            "%s: tensor \"%s\" has data type %d; floats of 16 to 64 bits, bool and integers of 8 to 64 "
            "bits are read",
            n->path, name, t->data_type);
    }
    if (t->n_dims > XBTAB__NET_RANK)
        XBTAB_FAIL(XBTAB_ERR_UNSUPPORTED, "%s: tensor \"%s\" has %zu axes", n->path, name, t->n_dims);
    return XBTAB_OK;
}

xbtab_status xbtab__read_tensor(xbtab_network *n, const Onnx__TensorProto *t, const char *name)
{
    int index;
    int64_t dim[XBTAB__NET_RANK] = {1}, integer = 0;
    size_t size = element_size(t->data_type);
    bool is_external = t->n_external_data || (t->has_data_location && t->data_location != 0);
    unsigned char *outside = NULL;
    XBTAB_TRY(check_type(n, t, name));
    for (size_t k = 0; k < t->n_dims; k++) dim[k] = t->dims[k];
    XBTAB_TRY(xbtab__add_value(n, name, &index));
    xbtab__value *value = &n->value[index];
    value->is_scalar = t->n_dims == 0;
    value->type = t->data_type;
    XBTAB_TRY(xbtab__shape_set(n, NULL, value, t->n_dims ? (int)t->n_dims : 1, dim));
    size_t wanted = value->shape.size;
    size_t found = is_external ? wanted : t->has_raw_data ? t->raw_data.len / size : typed_count(t);
    if (found != wanted || (!is_external && t->has_raw_data && t->raw_data.len % size != 0)) {
        XBTAB_FAIL(XBTAB_ERR_INPUT, "%s: tensor \"%s\" has %zu numbers for a shape of %zu", n->path, name,
                   found, wanted);
    }
    if (is_external) XBTAB_TRY(read_external(n, t, name, wanted * size, &outside));
    const unsigned char *raw = outside ? outside : t->has_raw_data ? t->raw_data.data : NULL;
    bool is_integer = xbtab__is_integer_type(value->type);
    value->constant = xbtab__alloc(found, sizeof *value->constant);
    value->integers = is_integer ? xbtab__alloc(found, sizeof *value->integers) : NULL;
    xbtab_status status = !value->constant || (is_integer && !value->integers) ? XBTAB_NOMEM() : XBTAB_OK;
    for (size_t k = 0; k < found && status == XBTAB_OK; k++) {
        value->constant[k] =
            (float)(raw ? of_bits(t->data_type, raw + k * size, &integer) : of_field(t, k, &integer));
        if (is_integer) value->integers[k] = integer;
    }
    xbtab__free(outside);
    return status;
}
