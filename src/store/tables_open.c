/* tables_open.c - table files opened, and sealed again. */
#include <xbartab/output.h>
#include <xbartab/tables.h>

#include "apart.h"
#include "memory.h"
#include "tables_private.h"

/* Schema of the first files with a seal. */
enum { FIRST_SEALED = 5 };

static xbtab_status fail_changed(const char *path)
{
    XBTAB_FAIL(
        XBTAB_ERR_INPUT,
        "%s: has changed since it was written: its SHA-256 is another; characterize again, or after an "
        "edit on purpose: xbartab info --rehash %s",
        path, path);
}

/* The last word, after all that can be told more exactly. Files of schemas 1 to 4 had no seal. */
static xbtab_status check_seal(const xbtab_tables *tables, const xbtab__h5_file *file)
{
    if (file->seal == XBTAB__SEAL_WRITTEN || file->seal == XBTAB__SEAL_EDITED) return XBTAB_OK;
    if (file->seal == XBTAB__SEAL_BROKEN) return fail_changed(file->path);
    if (tables->schema < FIRST_SEALED) return XBTAB_OK;
    XBTAB_FAIL(
        XBTAB_ERR_INPUT,
        "%s: has lost its seal, the %d bytes before the HDF5 file; copy the whole file, or characterize "
        "again",
        file->path, XBTAB__SEAL_SIZE);
}

static xbtab_status read_file(xbtab_tables **out, xbtab__h5_file *file)
{
    XBTAB_TRY(xbtab__h5_open(file));
    xbtab_tables *tables = xbtab__alloc(1, sizeof *tables);
    xbtab_status status = tables ? xbtab__read_tables(tables, file) : XBTAB_NOMEM();
    if (status < 0) {
        xbtab_tables_destroy(&tables);
        return status;
    }
    tables->is_sealed = file->seal != XBTAB__SEAL_NONE;
    tables->is_edited = file->seal == XBTAB__SEAL_EDITED;
    *out = tables;
    return XBTAB_OK;
}

static xbtab_status try_file(void *file)
{
    xbtab_tables *tables = NULL;
    return read_file(&tables, file); /* the process ends, and everything with it */
}

/* Whoever damages a file on purpose can seal it too, and libhdf5 is not made for that. So the file that is in
 * memory is read in a process of its own first, and here only if that comes to a good end. */
static xbtab_status open_file(xbtab_tables **out, xbtab__h5_file *file, const char *path)
{
    enum { SECONDS = 10, BYTES_A_SECOND = 10 << 20, ROOM = 256 << 20, TIMES = 12 };
    XBTAB_TRY(xbtab__h5_load(file, path));
    unsigned seconds = SECONDS + (unsigned)(file->n_image / BYTES_A_SECOND);
    xbtab_status status = xbtab__try_apart(try_file, file, path, seconds, ROOM + TIMES * file->n_image);
    if (status == XBTAB_OK) status = read_file(out, file);
    if (status < 0) xbtab__h5_abandon(file);
    return status;
}

xbtab_status xbtab_tables_open(xbtab_tables **out, const char *path)
{
    xbtab__h5_file file;
    xbtab_tables *tables = NULL;
    XBTAB_TRY(open_file(&tables, &file, path));
    xbtab_status status = check_seal(tables, &file);
    xbtab__h5_abandon(&file);
    if (status < 0) {
        xbtab_tables_destroy(&tables);
        return status;
    }
    *out = tables;
    return XBTAB_OK;
}

xbtab_status xbtab_tables_seal(const char *path)
{
    xbtab__h5_file file;
    xbtab_tables *tables = NULL;
    XBTAB_TRY(open_file(&tables, &file, path));
    xbtab_status status = XBTAB_OK;
    if (file.seal == XBTAB__SEAL_NONE) {
        status =
            xbtab__error_set(XBTAB_ERR_INPUT,
                             "%s: has no room for a seal: an HDF5 file of schema %d with a user block of "
                             "%d bytes has (h5py: userblock_size)",
                             path, FIRST_SEALED, XBTAB__SEAL_SIZE);
    } else if (file.seal == XBTAB__SEAL_BROKEN) { /* one that fits stays as it is */
        xbtab__seal_put(file.image, file.n_image, XBTAB__SEAL_EDITED);
        status = xbtab_output_write(path, file.image, file.n_image);
    }
    xbtab_tables_destroy(&tables);
    xbtab__h5_abandon(&file);
    return status;
}
