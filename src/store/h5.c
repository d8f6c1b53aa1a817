/* h5.c - labelled datasets in HDF5. */
#include "h5.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include <hdf5.h>
#include <hdf5_hl.h>
#include <xbartab/output.h>

#include "file.h"
#include "h5_private.h"
#include "memory.h"

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

/* The driver that keeps a file in memory, to the byte as long as it will be on the disk. */
static hid_t memory_access(void)
{
    enum { STEP = 1 };
    hid_t access = H5Pcreate(H5P_FILE_ACCESS);
    /* the format since HDF5 1.8 has checksums in all its structure, so that a damaged file is refused by
     * libhdf5 and does not mislead it */
    H5Pset_libver_bounds(access, H5F_LIBVER_V18, H5F_LIBVER_LATEST);
    H5Pset_fapl_core(access, STEP, false);
    return access;
}

xbtab_status xbtab__h5_create(xbtab__h5_file *file, const char *path)
{
    *file = (xbtab__h5_file){.id = -1};
    file->path = xbtab__strdup(path);
    if (!file->path) return XBTAB_NOMEM();
    silence(file);
    hid_t create = H5Pcreate(H5P_FILE_CREATE), access = memory_access();
    H5Pset_link_creation_order(create, H5P_CRT_ORDER_TRACKED | H5P_CRT_ORDER_INDEXED);
    H5Pset_obj_track_times(create, false);
    H5Pset_userblock(create, XBTAB__SEAL_SIZE);
    file->id = H5Fcreate(path, H5F_ACC_TRUNC, create, access);
    H5Pclose(access);
    H5Pclose(create);
    if (file->id >= 0) return XBTAB_OK;
    xbtab__h5_abandon(file);
    return xbtab__error_set(XBTAB_ERR_IO, "%s: cannot be put together in memory", path);
}

static void forget(xbtab__h5_file *file)
{
    restore(file);
    xbtab__free(file->path);
    xbtab__free(file->image);
    *file = (xbtab__h5_file){.id = -1};
}

/* The file as it will be on the disk: the driver's own memory, as libhdf5 1.10 cuts the end off the image of
 * a file with a user block. */
static xbtab_status take_image(xbtab__h5_file *file)
{
    void *memory = NULL;
    hsize_t n = 0;
    if (H5Fflush((hid_t)file->id, H5F_SCOPE_GLOBAL) < 0 || H5Fget_filesize((hid_t)file->id, &n) < 0 ||
        H5Fget_vfd_handle((hid_t)file->id, H5P_DEFAULT, &memory) < 0 || n <= XBTAB__SEAL_SIZE)
        XBTAB_FAIL(XBTAB_ERR_IO, "%s: cannot be put together in memory", file->path);
    file->n_image = (size_t)n;
    file->image = xbtab__alloc(file->n_image, 1);
    if (!file->image) return XBTAB_NOMEM();
    memcpy(file->image, *(char **)memory, file->n_image);
    return XBTAB_OK;
}

xbtab_status xbtab__h5_finish(xbtab__h5_file *file)
{
    xbtab_status status = take_image(file);
    if (status == XBTAB_OK) {
        xbtab__seal_put(file->image, file->n_image, XBTAB__SEAL_WRITTEN);
        status = xbtab_output_write(file->path, file->image, file->n_image);
    }
    xbtab__h5_abandon(file);
    return status;
}

void xbtab__h5_abandon(xbtab__h5_file *file)
{
    if (!file->path) return;
    if (file->id >= 0) H5Fclose((hid_t)file->id);
    forget(file);
}

/* Whether HDF5 begins where a table file has it: at once, or behind the seal. libhdf5 would look further. */
static bool begins_here(const xbtab__h5_file *file)
{
    static const char signature[] = "\x89HDF\r\n\x1a\n";
    size_t n = sizeof signature - 1, at = file->seal == XBTAB__SEAL_NONE ? 0 : XBTAB__SEAL_SIZE;
    return file->n_image >= at + n && memcmp(file->image + at, signature, n) == 0;
}

xbtab_status xbtab__h5_load(xbtab__h5_file *file, const char *path)
{
    xbtab_status status;
    struct stat info;
    *file = (xbtab__h5_file){.id = -1};
    file->path = xbtab__strdup(path);
    if (!file->path) return XBTAB_NOMEM();
    silence(file);
    if (stat(path, &info) != 0) XBTAB_FAIL_DONE(XBTAB_ERR_IO, "%s: cannot open: %s", path, strerror(errno));
    if (!S_ISREG(info.st_mode)) XBTAB_FAIL_DONE(XBTAB_ERR_INPUT, "%s: not a regular file", path);
    if ((uint64_t)info.st_size > XBTAB__H5_LARGEST)
        XBTAB_FAIL_DONE(XBTAB_ERR_INPUT, "%s: larger than %zu bytes", path, XBTAB__H5_LARGEST);
    XBTAB_TRY_DONE(xbtab__file_read(&file->image, &file->n_image, path, XBTAB__H5_LARGEST));
    file->seal = xbtab__seal_of(file->image, file->n_image);
    file->budget = 8 * file->n_image;
done:
    if (status < 0) xbtab__h5_abandon(file);
    return status;
}

xbtab_status xbtab__h5_open(xbtab__h5_file *file)
{
    if (begins_here(file)) file->id = H5LTopen_file_image(file->image, file->n_image, 0);
    if (file->id < 0) XBTAB_FAIL(XBTAB_ERR_INPUT, "%s: not an HDF5 file, or a truncated one", file->path);
    return xbtab__h5_check_links(file);
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
    if (*group < 0) XBTAB_FAIL(XBTAB_ERR_INPUT, "%s: \"%s\" is missing", file->path, name);
    return XBTAB_OK;
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
    if (set < 0 || H5Dwrite(set, xbtab__h5_memory_type(type), H5S_ALL, H5S_ALL, H5P_DEFAULT, data) < 0) {
        status = fail_write(file, name);
        goto done;
    }
    XBTAB_TRY_DONE(xbtab__h5_put_text(file, set, "units", unit));
    for (int k = 0; k < rank; k++) XBTAB_TRY_DONE(attach_axis(file, group, set, (unsigned)k, &axes[k]));
done:
    if (set >= 0) H5Dclose(set);
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
