/* h5.c - labelled datasets in HDF5. */
#include "h5.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <hdf5.h>
#include <hdf5_hl.h>

#include "file.h"
#include "input.h"
#include "memory.h"

/* Longest text of an attribute or a provenance dataset that is read back. */
enum { LONGEST_ATTRIBUTE = 60000 };

/* HDF5 prints its error stack by itself unless told not to; ours goes into one message. The caller's handler
 * comes back when the file is closed. */
static void silence(xbtab__h5_file *file)
{
    H5E_auto2_t handler;
    H5Eget_auto2(H5E_DEFAULT, &handler, &file->old_handler_data);
    memcpy(&file->old_handler, &handler, sizeof handler);
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
}

static void restore(xbtab__h5_file *file)
{
    H5E_auto2_t handler;
    memcpy(&handler, &file->old_handler, sizeof handler);
    H5Eset_auto2(H5E_DEFAULT, handler, file->old_handler_data);
}

static xbtab_status fail_write(const xbtab__h5_file *file, const char *name)
{
    return xbtab__error_set(XBTAB_ERR_IO, "%s: cannot write \"%s\"", file->path, name);
}

static xbtab_status fail_read(const xbtab__h5_file *file, const char *name, const char *why)
{
    return xbtab__error_set(XBTAB_ERR_INPUT, "%s: \"%s\" %s", file->path, name, why);
}

xbtab_status xbtab__h5_create(xbtab__h5_file *file, const char *path)
{
    *file = (xbtab__h5_file){.id = -1};
    file->path = xbtab__strdup(path);
    file->beside = xbtab__file_beside(path);
    silence(file);
    if (!file->path || !file->beside) {
        xbtab__h5_abandon(file);
        return XBTAB_NOMEM();
    }
    hid_t create = H5Pcreate(H5P_FILE_CREATE);
    H5Pset_link_creation_order(create, H5P_CRT_ORDER_TRACKED | H5P_CRT_ORDER_INDEXED);
    H5Pset_obj_track_times(create, false);
    /* the format since HDF5 1.8 has checksums in all its structure, so that a damaged file is refused by
     * libhdf5 and does not mislead it */
    hid_t access = H5Pcreate(H5P_FILE_ACCESS);
    H5Pset_libver_bounds(access, H5F_LIBVER_V18, H5F_LIBVER_LATEST);
    file->id = H5Fcreate(file->beside, H5F_ACC_TRUNC, create, access);
    H5Pclose(access);
    H5Pclose(create);
    if (file->id < 0) {
        xbtab_status status = xbtab__error_set(XBTAB_ERR_IO, "%s: cannot write: %s", path, strerror(errno));
        xbtab__h5_abandon(file);
        return status;
    }
    return XBTAB_OK;
}

static void forget(xbtab__h5_file *file)
{
    restore(file);
    xbtab__free(file->path);
    xbtab__free(file->beside);
    *file = (xbtab__h5_file){.id = -1};
}

xbtab_status xbtab__h5_finish(xbtab__h5_file *file)
{
    xbtab_status status = XBTAB_OK;
    herr_t closed = H5Fclose((hid_t)file->id);
    file->id = -1;
    if (closed < 0 || rename(file->beside, file->path) != 0) {
        status = xbtab__error_set(XBTAB_ERR_IO, "%s: cannot write: %s", file->path, strerror(errno));
        unlink(file->beside);
    }
    forget(file);
    return status;
}

void xbtab__h5_abandon(xbtab__h5_file *file)
{
    if (!file->path && !file->beside) return;
    if (file->id >= 0) H5Fclose((hid_t)file->id);
    if (file->beside) unlink(file->beside);
    forget(file);
}

xbtab_status xbtab__h5_open(xbtab__h5_file *file, const char *path)
{
    *file = (xbtab__h5_file){.id = -1};
    XBTAB_TRY(xbtab__input_check(path)); /* HDF5 would wait for a pipe */
    file->path = xbtab__strdup(path);
    if (!file->path) return XBTAB_NOMEM();
    silence(file);
    file->id = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
    if (file->id < 0) {
        xbtab__h5_abandon(file);
        XBTAB_FAIL(XBTAB_ERR_INPUT, "%s: not an HDF5 file, or a truncated one", path);
    }
    return XBTAB_OK;
}

xbtab_status xbtab__h5_group_create(xbtab__h5_id *group, const xbtab__h5_file *file, const char *name)
{
    hid_t create = H5Pcreate(H5P_GROUP_CREATE);
    H5Pset_link_creation_order(create, H5P_CRT_ORDER_TRACKED | H5P_CRT_ORDER_INDEXED);
    H5Pset_obj_track_times(create, false);
    *group = H5Gcreate2((hid_t)file->id, name, H5P_DEFAULT, create, H5P_DEFAULT);
    H5Pclose(create);
    return *group < 0 ? fail_write(file, name) : XBTAB_OK;
}

xbtab_status xbtab__h5_group_open(xbtab__h5_id *group, const xbtab__h5_file *file, const char *name)
{
    *group = H5Gopen2((hid_t)file->id, name, H5P_DEFAULT);
    return *group < 0 ? fail_read(file, name, "is missing") : XBTAB_OK;
}

bool xbtab__h5_has_group(const xbtab__h5_file *file, const char *name)
{
    return H5Lexists((hid_t)file->id, name, H5P_DEFAULT) > 0;
}

void xbtab__h5_group_close(xbtab__h5_id *group)
{
    if (*group >= 0) H5Gclose((hid_t)*group);
    *group = -1;
}

static hid_t stored_type(xbtab__h5_type type)
{
    return type == XBTAB__H5_DOUBLE ? H5T_IEEE_F64LE : type == XBTAB__H5_INT32 ? H5T_STD_I32LE : H5T_STD_U8LE;
}

static hid_t memory_type(xbtab__h5_type type)
{
    return type == XBTAB__H5_DOUBLE  ? H5T_NATIVE_DOUBLE
           : type == XBTAB__H5_INT32 ? H5T_NATIVE_INT32
                                     : H5T_NATIVE_UINT8;
}

static size_t type_size(xbtab__h5_type type)
{
    return type == XBTAB__H5_DOUBLE ? 8 : type == XBTAB__H5_INT32 ? 4 : 1;
}

static hid_t create_dataset(xbtab__h5_id group, const char *name, xbtab__h5_type type, int rank,
                            const hsize_t *n)
{
    hid_t space = H5Screate_simple(rank, n, NULL);
    hid_t create = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_obj_track_times(create, false);
    H5Pset_attr_creation_order(create, H5P_CRT_ORDER_TRACKED | H5P_CRT_ORDER_INDEXED);
    hid_t set = H5Dcreate2((hid_t)group, name, stored_type(type), space, H5P_DEFAULT, create, H5P_DEFAULT);
    H5Pclose(create);
    H5Sclose(space);
    return set;
}

static xbtab_status put_axis(const xbtab__h5_file *file, xbtab__h5_id group, const xbtab__h5_axis *axis)
{
    double *index = NULL;
    xbtab_status status = XBTAB_OK;
    if (!axis->values) {
        index = xbtab__alloc(axis->n, sizeof *index);
        if (!index) return XBTAB_NOMEM();
        for (size_t k = 0; k < axis->n; k++) index[k] = (double)k;
    }
    hsize_t n = axis->n;
    hid_t set = create_dataset(group, axis->name, XBTAB__H5_DOUBLE, 1, &n);
    if (set < 0 ||
        H5Dwrite(set, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, index ? index : axis->values) < 0 ||
        H5DSset_scale(set, axis->name) < 0) {
        status = fail_write(file, axis->name);
    } else {
        status = xbtab__h5_put_text(file, set, "units", axis->unit);
    }
    if (set >= 0) H5Dclose(set);
    xbtab__free(index);
    return status;
}

static xbtab_status attach_axis(const xbtab__h5_file *file, xbtab__h5_id group, hid_t set, unsigned k,
                                const xbtab__h5_axis *axis)
{
    if (H5Lexists((hid_t)group, axis->name, H5P_DEFAULT) <= 0) XBTAB_TRY(put_axis(file, group, axis));
    hid_t scale = H5Dopen2((hid_t)group, axis->name, H5P_DEFAULT);
    herr_t attached = scale < 0 ? -1 : H5DSattach_scale(set, scale, k);
    if (attached >= 0) attached = H5DSset_label(set, k, axis->name);
    if (scale >= 0) H5Dclose(scale);
    return attached < 0 ? fail_write(file, axis->name) : XBTAB_OK;
}

xbtab_status xbtab__h5_put(const xbtab__h5_file *file, xbtab__h5_id group, const char *name, const char *unit,
                           xbtab__h5_type type, const void *data, int rank, const xbtab__h5_axis *axes)
{
    xbtab_status status = XBTAB_OK;
    hsize_t n[XBTAB__H5_MAX_RANK] = {0};
    for (int k = 0; k < rank; k++) n[k] = axes[k].n;
    hid_t set = create_dataset(group, name, type, rank, n);
    if (set < 0 || H5Dwrite(set, memory_type(type), H5S_ALL, H5S_ALL, H5P_DEFAULT, data) < 0) {
        status = fail_write(file, name);
        goto done;
    }
    XBTAB_TRY_DONE(xbtab__h5_put_text(file, set, "units", unit));
    for (int k = 0; k < rank; k++) XBTAB_TRY_DONE(attach_axis(file, group, set, (unsigned)k, &axes[k]));
done:
    if (set >= 0) H5Dclose(set);
    return status;
}

xbtab_status xbtab__h5_get(const xbtab__h5_file *file, xbtab__h5_id group, const char *name,
                           xbtab__h5_type type, void **data, int rank, size_t *n, size_t most)
{
    xbtab_status status = XBTAB_OK;
    hsize_t found[XBTAB__H5_MAX_RANK] = {0};
    void *values = NULL;
    hid_t space = -1, set = H5Dopen2((hid_t)group, name, H5P_DEFAULT);
    if (set < 0) return fail_read(file, name, "is missing");
    space = H5Dget_space(set);
    if (space < 0 || H5Sget_simple_extent_ndims(space) != rank) {
        status = fail_read(file, name, "has the wrong number of axes");
        goto done;
    }
    H5Sget_simple_extent_dims(space, found, NULL);
    size_t total = 1;
    for (int k = 0; k < rank; k++) {
        if (n[k] != 0 && found[k] != n[k]) {
            status = fail_read(file, name, "has the wrong size");
            goto done;
        }
        if (found[k] == 0 || found[k] > most / total) {
            status = fail_read(file, name, "has an implausible size");
            goto done;
        }
        total *= (size_t)found[k];
    }
    values = xbtab__alloc(total, type_size(type));
    if (!values) {
        status = XBTAB_NOMEM();
        goto done;
    }
    if (H5Dread(set, memory_type(type), H5S_ALL, H5S_ALL, H5P_DEFAULT, values) < 0) {
        status = fail_read(file, name, "cannot be read");
        goto done;
    }
    for (int k = 0; k < rank; k++) n[k] = (size_t)found[k];
    *data = values;
    values = NULL;
done:
    xbtab__free(values);
    if (space >= 0) H5Sclose(space);
    H5Dclose(set);
    return status;
}

xbtab_status xbtab__h5_put_number(const xbtab__h5_file *file, xbtab__h5_id group, const char *name,
                                  double value)
{
    hid_t space = H5Screate(H5S_SCALAR);
    hid_t attribute = H5Acreate2((hid_t)group, name, H5T_IEEE_F64LE, space, H5P_DEFAULT, H5P_DEFAULT);
    herr_t wrote = attribute < 0 ? -1 : H5Awrite(attribute, H5T_NATIVE_DOUBLE, &value);
    if (attribute >= 0) H5Aclose(attribute);
    H5Sclose(space);
    return wrote < 0 ? fail_write(file, name) : XBTAB_OK;
}

xbtab_status xbtab__h5_get_number(const xbtab__h5_file *file, xbtab__h5_id group, const char *name,
                                  double *value)
{
    xbtab_status status = XBTAB_OK;
    if (!xbtab__h5_has_attribute(group, name)) return fail_read(file, name, "is missing");
    hid_t attribute = H5Aopen((hid_t)group, name, H5P_DEFAULT);
    hid_t space = attribute < 0 ? -1 : H5Aget_space(attribute);
    if (space < 0 || H5Sget_simple_extent_npoints(space) != 1 ||
        H5Aread(attribute, H5T_NATIVE_DOUBLE, value) < 0) {
        status = fail_read(file, name, "is not a number");
    }
    if (space >= 0) H5Sclose(space);
    if (attribute >= 0) H5Aclose(attribute);
    return status;
}

static hid_t text_type(size_t n)
{
    hid_t type = H5Tcopy(H5T_C_S1);
    H5Tset_size(type, n ? n : 1);
    H5Tset_strpad(type, H5T_STR_NULLPAD);
    H5Tset_cset(type, H5T_CSET_UTF8);
    return type;
}

xbtab_status xbtab__h5_put_text(const xbtab__h5_file *file, xbtab__h5_id group, const char *name,
                                const char *text)
{
    hid_t type = text_type(strlen(text));
    hid_t space = H5Screate(H5S_SCALAR);
    hid_t attribute = H5Acreate2((hid_t)group, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
    herr_t wrote = attribute < 0 ? -1 : H5Awrite(attribute, type, text);
    if (attribute >= 0) H5Aclose(attribute);
    H5Sclose(space);
    H5Tclose(type);
    return wrote < 0 ? fail_write(file, name) : XBTAB_OK;
}

xbtab_status xbtab__h5_get_text(const xbtab__h5_file *file, xbtab__h5_id group, const char *name, char **text)
{
    xbtab_status status = XBTAB_OK;
    char *value = NULL;
    if (!xbtab__h5_has_attribute(group, name)) return fail_read(file, name, "is missing");
    hid_t attribute = H5Aopen((hid_t)group, name, H5P_DEFAULT);
    hid_t type = attribute < 0 ? -1 : H5Aget_type(attribute);
    if (type < 0 || H5Tget_class(type) != H5T_STRING || H5Tis_variable_str(type) != 0 ||
        H5Tget_size(type) > LONGEST_ATTRIBUTE) {
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
    *text = value;
    value = NULL;
done:
    xbtab__free(value);
    if (type >= 0) H5Tclose(type);
    if (attribute >= 0) H5Aclose(attribute);
    return status;
}

bool xbtab__h5_has_attribute(xbtab__h5_id group, const char *name)
{
    return H5Aexists((hid_t)group, name) > 0;
}

xbtab__h5_id xbtab__h5_root(const xbtab__h5_file *file)
{
    return file->id;
}

xbtab_status xbtab__h5_put_long_text(const xbtab__h5_file *file, xbtab__h5_id group, const char *name,
                                     const char *text)
{
    hid_t type = text_type(strlen(text));
    hid_t space = H5Screate(H5S_SCALAR);
    hid_t create = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_obj_track_times(create, false);
    hid_t set = H5Dcreate2((hid_t)group, name, type, space, H5P_DEFAULT, create, H5P_DEFAULT);
    herr_t wrote = set < 0 ? -1 : H5Dwrite(set, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, text);
    if (set >= 0) H5Dclose(set);
    H5Pclose(create);
    H5Sclose(space);
    H5Tclose(type);
    return wrote < 0 ? fail_write(file, name) : XBTAB_OK;
}

xbtab_status xbtab__h5_get_long_text(const xbtab__h5_file *file, xbtab__h5_id group, const char *name,
                                     char **text, size_t most)
{
    xbtab_status status = XBTAB_OK;
    char *value = NULL;
    hid_t type = -1, set = H5Dopen2((hid_t)group, name, H5P_DEFAULT);
    if (set < 0) return fail_read(file, name, "is missing");
    type = H5Dget_type(set);
    if (type < 0 || H5Tget_class(type) != H5T_STRING || H5Tis_variable_str(type) != 0 ||
        H5Tget_size(type) > most) {
        status = fail_read(file, name, "is not a text of plausible length");
        goto done;
    }
    value = xbtab__alloc(H5Tget_size(type) + 1, 1);
    if (!value) {
        status = XBTAB_NOMEM();
        goto done;
    }
    if (H5Dread(set, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, value) < 0) {
        status = fail_read(file, name, "cannot be read");
        goto done;
    }
    *text = value;
    value = NULL;
done:
    xbtab__free(value);
    if (type >= 0) H5Tclose(type);
    H5Dclose(set);
    return status;
}
