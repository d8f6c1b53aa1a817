/* h5_read.c - datasets, numbers and texts out of HDF5, each looked at before anything is allocated for it. */
#include "h5.h"

#include <string.h>

#include <hdf5.h>

#include "h5_private.h"
#include "memory.h"

/* Longest text of an attribute. */
enum { LONGEST_ATTRIBUTE = 60000 };

static xbtab_status fail_read(const xbtab__h5_file *file, const char *name, const char *why)
{
    return xbtab__error_set(XBTAB_ERR_INPUT, "%s: \"%s\" %s", file->path, name, why);
}

static size_t type_size(xbtab__h5_type type)
{
    return type == XBTAB__H5_DOUBLE ? 8 : type == XBTAB__H5_INT32 ? 4 : 1;
}

/* Why the values of a dataset are not simply there, n elements of some size; NULL = they are. Nothing is read
 * or allocated before this. */
static const char *find_fault_in_storage(const xbtab__h5_file *file, hid_t set, hid_t type, size_t n)
{
    hid_t create = H5Dget_create_plist(set);
    H5D_layout_t layout = create < 0 ? H5D_LAYOUT_ERROR : H5Pget_layout(create);
    if (create >= 0) H5Pclose(create);
    size_t size = H5Tget_size(type);
    if (layout == H5D_CHUNKED)
        return "is stored in chunks or compressed; h5repack -l CONTI -f NONE stores it plainly";
    if (layout != H5D_CONTIGUOUS && layout != H5D_COMPACT) return "is stored in a way that tables are not";
    if (size == 0 || n > file->n_image / size || H5Dget_storage_size(set) != n * size)
        return "is larger than the values that the file holds for it";
    if (layout == H5D_COMPACT) return NULL;
    haddr_t at = H5Dget_offset(set);
    return at <= file->n_image && file->n_image - at >= n * size ? NULL : "lies outside the file";
}

/* Whether a dataset's elements become ours without loss. */
static bool suits(hid_t stored, xbtab__h5_type type)
{
    H5T_class_t kind = H5Tget_class(stored);
    size_t size = H5Tget_size(stored);
    if (type == XBTAB__H5_DOUBLE) return kind == H5T_FLOAT && size <= 8;
    return kind == H5T_INTEGER && size == type_size(type) &&
           H5Tget_sign(stored) == (type == XBTAB__H5_INT32 ? H5T_SGN_2 : H5T_SGN_NONE);
}

/* The number of elements of a dataset of `rank` axes; n as xbtab__h5_get() has it. */
static const char *find_fault_in_shape(hid_t set, int rank, size_t *n, size_t most, size_t *total)
{
    hsize_t found[XBTAB__H5_MAX_RANK] = {0};
    hid_t space = H5Dget_space(set);
    bool is_one = space >= 0 && H5Sget_simple_extent_type(space) == H5S_SIMPLE &&
                  H5Sget_simple_extent_ndims(space) == rank &&
                  H5Sget_simple_extent_dims(space, found, NULL) == rank;
    if (space >= 0) H5Sclose(space);
    if (!is_one) return "has the wrong number of axes";
    *total = 1;
    for (int k = 0; k < rank; k++) {
        if (n[k] != 0 && found[k] != n[k]) return "has the wrong size";
        if (found[k] == 0 || found[k] > most / *total) return "has an implausible size";
        *total *= (size_t)found[k];
    }
    for (int k = 0; k < rank; k++) n[k] = (size_t)found[k];
    return NULL;
}

/* All n elements of a dataset, as the type has them, and a zero behind them. */
static xbtab_status read_all(const xbtab__h5_file *file, const char *name, hid_t set, hid_t type, size_t n,
                             void **out)
{
    char *values = xbtab__alloc(n * H5Tget_size(type) + 1, 1);
    if (!values) return XBTAB_NOMEM();
    if (H5Dread(set, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) < 0) {
        xbtab__free(values);
        return fail_read(file, name, "cannot be read");
    }
    *out = values;
    return XBTAB_OK;
}

xbtab_status xbtab__h5_get(xbtab__h5_file *file, xbtab__h5_id group, const char *name, xbtab__h5_type type,
                           void **data, int rank, size_t *n, size_t most)
{
    xbtab_status status;
    size_t total = 0;
    hid_t set = H5Dopen2((hid_t)group, name, H5P_DEFAULT);
    if (set < 0) return fail_read(file, name, "is missing");
    hid_t stored = H5Dget_type(set);
    const char *fault = find_fault_in_shape(set, rank, n, most, &total);
    if (!fault && (stored < 0 || !suits(stored, type))) fault = "has the wrong type of numbers";
    if (!fault) fault = find_fault_in_storage(file, set, stored, total);
    if (!fault && total > file->budget / type_size(type))
        fault = "is more than a file of this size holds (values that several datasets share?)";
    if (fault) {
        status = fail_read(file, name, fault);
    } else {
        file->budget -= total * type_size(type);
        status = read_all(file, name, set, xbtab__h5_memory_type(type), total, data);
    }
    if (stored >= 0) H5Tclose(stored);
    H5Dclose(set);
    return status;
}

/* Whether an attribute has one value. */
static bool is_single(hid_t attribute)
{
    hid_t space = attribute < 0 ? -1 : H5Aget_space(attribute);
    bool is_one = space >= 0 && H5Sget_simple_extent_npoints(space) == 1;
    if (space >= 0) H5Sclose(space);
    return is_one;
}

xbtab_status xbtab__h5_get_number(const xbtab__h5_file *file, xbtab__h5_id group, const char *name,
                                  double *value)
{
    xbtab_status status = XBTAB_OK;
    if (!xbtab__h5_has_attribute(group, name)) return fail_read(file, name, "is missing");
    hid_t attribute = H5Aopen((hid_t)group, name, H5P_DEFAULT);
    hid_t type = attribute < 0 ? -1 : H5Aget_type(attribute);
    H5T_class_t kind = type < 0 ? H5T_NO_CLASS : H5Tget_class(type);
    if (!is_single(attribute) || (kind != H5T_FLOAT && kind != H5T_INTEGER) || H5Tget_size(type) > 8 ||
        H5Aread(attribute, H5T_NATIVE_DOUBLE, value) < 0) {
        status = fail_read(file, name, "is not a number");
    }
    if (type >= 0) H5Tclose(type);
    if (attribute >= 0) H5Aclose(attribute);
    return status;
}

/* Bytes of the character at c, in UTF-8; 0 = none, or a control character. (Overlong forms and surrogates are
 * none.) */
static int character_size(const unsigned char *c)
{
    static const uint32_t least[] = {0, 0x80, 0x800, 0x10000};
    int more = *c < 0x80 ? 0 : *c < 0xC2 ? -1 : *c < 0xE0 ? 1 : *c < 0xF0 ? 2 : *c < 0xF5 ? 3 : -1;
    if (more < 0 || *c < 0x20 || *c == 0x7F) return 0;
    uint32_t code = more ? *c & (0x3Fu >> more) : *c;
    for (int k = 1; k <= more; k++) {
        if ((c[k] & 0xC0) != 0x80) return 0;
        code = code << 6 | (c[k] & 0x3F);
    }
    return code < least[more] || (code >= 0xD800 && code < 0xE000) || code > 0x10FFFF ? 0 : more + 1;
}

/* Names end in messages, in tables of text and in JSON: what is no line of UTF-8 in them becomes '?'. */
static void make_plain(char *text)
{
    while (*text) {
        int size = character_size((const unsigned char *)text);
        if (size == 0) *text = '?';
        text += size ? size : 1;
    }
}

xbtab_status xbtab__h5_get_text(const xbtab__h5_file *file, xbtab__h5_id group, const char *name, char **text)
{
    xbtab_status status = XBTAB_OK;
    char *value = NULL;
    if (!xbtab__h5_has_attribute(group, name)) return fail_read(file, name, "is missing");
    hid_t attribute = H5Aopen((hid_t)group, name, H5P_DEFAULT);
    hid_t type = attribute < 0 ? -1 : H5Aget_type(attribute);
    if (type < 0 || !is_single(attribute) || H5Tget_class(type) != H5T_STRING ||
        H5Tis_variable_str(type) != 0 || H5Tget_size(type) > LONGEST_ATTRIBUTE) {
        status = fail_read(file, name, "is not a text");
        goto done;
    }
    value = xbtab__alloc(H5Tget_size(type) + 1, 1);
    if (!value) {
        status = XBTAB_NOMEM();
        goto done;
    }
    if (H5Aread(attribute, type, value) < 0) {
        status = fail_read(file, name, "cannot be read");
        goto done;
    }
    make_plain(value);
    *text = value;
    value = NULL;
done:
    xbtab__free(value);
    if (type >= 0) H5Tclose(type);
    if (attribute >= 0) H5Aclose(attribute);
    return status;
}

xbtab_status xbtab__h5_get_long_text(xbtab__h5_file *file, xbtab__h5_id group, const char *name, char **text,
                                     size_t most)
{
    hid_t set = H5Dopen2((hid_t)group, name, H5P_DEFAULT);
    if (set < 0) return fail_read(file, name, "is missing");
    hid_t type = H5Dget_type(set), space = H5Dget_space(set);
    const char *fault = NULL;
    if (type < 0 || space < 0 || H5Sget_simple_extent_npoints(space) != 1 ||
        H5Tget_class(type) != H5T_STRING || H5Tis_variable_str(type) != 0 || H5Tget_size(type) > most) {
        fault = "is not a text of plausible length";
    } else {
        fault = find_fault_in_storage(file, set, type, 1);
    }
    xbtab_status status =
        fault ? fail_read(file, name, fault) : read_all(file, name, set, type, 1, (void **)text);
    if (space >= 0) H5Sclose(space);
    if (type >= 0) H5Tclose(type);
    H5Dclose(set);
    return status;
}
