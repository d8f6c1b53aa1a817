/* onnx_tensor.c - tensors of an ONNX file as constants: typed fields, raw bytes, and bytes in a file beside
 * the model. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "input.h"
#include "memory.h"
#include "onnx_read.h"

/* ---- bytes in another file ---- */

/* Of all tensors, each for itself where several name the same bytes. */
static const size_t most_bytes = (size_t)1 << 31;

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
    if (xbtab__bits_of_type(t->data_type) == 0) {
        XBTAB_FAIL(XBTAB_ERR_UNSUPPORTED,
                   "%s: tensor \"%s\" has data type %d; floats of 8 to 64 bits, bool and integers of 4 to 64 "
                   "bits are read",
                   n->path, name, t->data_type);
    }
    if (t->n_dims > XBTAB__NET_RANK)
        XBTAB_FAIL(XBTAB_ERR_UNSUPPORTED, "%s: tensor \"%s\" has %zu axes", n->path, name, t->n_dims);
    return XBTAB_OK;
}

static bool is_external(const Onnx__TensorProto *t)
{
    return t->n_external_data || (t->has_data_location && t->data_location != 0);
}

/* The shape, which must be that of as many numbers as there are. */
static xbtab_status take_shape(xbtab_network *n, const Onnx__TensorProto *t, xbtab__value *value)
{
    int64_t dim[XBTAB__NET_RANK] = {1};
    for (size_t k = 0; k < t->n_dims; k++) dim[k] = t->dims[k];
    value->is_scalar = t->n_dims == 0;
    value->type = t->data_type;
    XBTAB_TRY(xbtab__shape_set(n, NULL, value, t->n_dims ? (int)t->n_dims : 1, dim));
    if (is_external(t)) return XBTAB_OK;
    size_t wanted = value->shape.size, bits = (size_t)xbtab__bits_of_type(t->data_type);
    size_t bytes = xbtab__element_bytes(t->data_type, wanted);
    size_t found = t->has_raw_data ? t->raw_data.len : xbtab__element_fields(t);
    if (found == (t->has_raw_data || bits < 8 ? bytes : wanted)) return XBTAB_OK;
    XBTAB_FAIL(XBTAB_ERR_INPUT, "%s: tensor \"%s\" has %zu numbers for a shape of %zu", n->path, value->name,
               t->has_raw_data || bits < 8 ? found * 8 / bits : found, wanted);
}

xbtab_status xbtab__check_tensor(xbtab_network *n, const Onnx__TensorProto *t, const char *name)
{
    xbtab__value value = {.name = (char *)(uintptr_t)name};
    bool is_read = xbtab__bits_of_type(t->data_type) > 0 && t->n_dims <= XBTAB__NET_RANK;
    return is_read ? take_shape(n, t, &value) : XBTAB_OK;
}

xbtab_status xbtab__read_tensor(xbtab_network *n, const Onnx__TensorProto *t, const char *name, int *out)
{
    unsigned char *outside = NULL;
    XBTAB_TRY(check_type(n, t, name ? name : ""));
    XBTAB_TRY(xbtab__add_value(n, name, out));
    if (!name) name = "";
    xbtab__value *value = &n->value[*out];
    XBTAB_TRY(take_shape(n, t, value));
    size_t size = value->shape.size;
    if (is_external(t)) {
        size_t bytes = xbtab__element_bytes(t->data_type, size);
        if (n->file_size + bytes > most_bytes)
            XBTAB_FAIL(XBTAB_ERR_UNSUPPORTED, "%s: tensor \"%s\": data beside the model are more than %zu bytes",
                       n->path, name, most_bytes);
        XBTAB_TRY(read_external(n, t, name, bytes, &outside));
        n->file_size += bytes;
    }
    n->read += size; /* again in each call of a function that holds the tensor */
    if (n->read > ((size_t)1 << 22) + 16 * n->file_size) {
        xbtab__free(outside);
        XBTAB_FAIL(XBTAB_ERR_UNSUPPORTED,
                   "%s: tensor \"%s\": calls make constants far larger than the file of %zu bytes", n->path,
                   name, n->file_size);
    }
    const unsigned char *raw = outside ? outside : t->has_raw_data ? t->raw_data.data : NULL;
    bool is_integer = xbtab__is_integer_type(value->type);
    value->constant = xbtab__alloc(size, sizeof *value->constant);
    value->integers = is_integer ? xbtab__alloc(size, sizeof *value->integers) : NULL;
    xbtab_status status = !value->constant || (is_integer && !value->integers) ? XBTAB_NOMEM() : XBTAB_OK;
    for (size_t k = 0; k < size && status == XBTAB_OK; k++) {
        int64_t integer = 0;
        value->constant[k] = (float)(raw ? xbtab__element_of_bytes(t->data_type, raw, k, &integer)
                                         : xbtab__element_of_fields(t, k, &integer));
        if (is_integer) value->integers[k] = integer;
    }
    xbtab__free(outside);
    return status;
}
