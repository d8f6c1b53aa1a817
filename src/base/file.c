/* file.c - whole files in memory. */
#include "file.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <xbartab/output.h>
#include <zlib.h>

#include "input.h"
#include "memory.h"

xbtab_status xbtab__file_read(char **data, size_t *n, const char *path, size_t max)
{
    xbtab_status status = XBTAB_OK;
    char *bytes = NULL;
    size_t used = 0, room = 0;
    FILE *file;
    XBTAB_TRY(xbtab__input_open(&file, path));
    for (;;) {
        if (used + 1 >= room) {
            size_t more = room ? 2 * room : 1 << 16;
            char *grown = xbtab__realloc(bytes, more, 1);
            if (!grown) {
                status = XBTAB_NOMEM();
                goto done;
            }
            bytes = grown;
            room = more;
        }
        size_t got = fread(bytes + used, 1, room - used - 1, file);
        used += got;
        if (used > max) XBTAB_FAIL_DONE(XBTAB_ERR_INPUT, "%s: larger than %zu bytes", path, max);
        if (got == 0) break;
    }
    if (ferror(file)) XBTAB_FAIL_DONE(XBTAB_ERR_IO, "%s: cannot read: %s", path, strerror(errno));
    bytes[used] = '\0';
    *data = bytes;
    *n = used;
    bytes = NULL;
done:
    xbtab__free(bytes);
    fclose(file);
    return status;
}

xbtab_status xbtab__file_read_gz(char **data, size_t *n, const char *path, size_t max)
{
    xbtab_status status = XBTAB_OK;
    char *bytes = NULL;
    size_t used = 0, room = 0;
    XBTAB_TRY(xbtab__input_check(path));
    gzFile file = gzopen(path, "rb");
    if (!file) XBTAB_FAIL(XBTAB_ERR_IO, "%s: cannot open: %s", path, strerror(errno));
    for (;;) {
        if (used + 1 >= room) {
            size_t more = room ? 2 * room : 1 << 16;
            char *grown = xbtab__realloc(bytes, more, 1);
            if (!grown) {
                status = XBTAB_NOMEM();
                goto done;
            }
            bytes = grown;
            room = more;
        }
        size_t want = room - used - 1;
        int got = gzread(file, bytes + used, want > 1u << 30 ? 1u << 30 : (unsigned)want);
        if (got < 0) {
            int code;
            XBTAB_FAIL_DONE(XBTAB_ERR_INPUT, "%s: damaged gzip file: %s", path, gzerror(file, &code));
        }
        if (got == 0) break;
        used += (size_t)got;
        if (used > max) {
            XBTAB_FAIL_DONE(XBTAB_ERR_INPUT, "%s: larger than %zu bytes when unpacked", path, max);
        }
    }
    bytes[used] = '\0';
    status = gzclose_r(file) == Z_OK
                 ? XBTAB_OK
                 : xbtab__error_set(XBTAB_ERR_INPUT, "%s: gzip file ends too early", path);
    file = NULL;
    if (status < 0) goto done;
    *data = bytes;
    *n = used;
    bytes = NULL;
done:
    xbtab__free(bytes);
    if (file) gzclose_r(file);
    return status;
}

xbtab_status xbtab__file_write(const char *path, const void *data, size_t n)
{
    return xbtab_output_write(path, data, n);
}
