/* table_cache.c - tables that are made once for a tile, and found again by its text. */
#include <xbartab/characterize.h>
#include <xbartab/data.h>
#include <xbartab/version.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check.h"
#include "memory.h"

enum { LONGEST_PATH = 4096, LONGEST_BESIDE = LONGEST_PATH + 64 };

/* Fowler-Noll-Vo, 64 bits: names a file; whether it fits is found by comparing the texts themselves. */
static uint64_t hash(const char *text)
{
    uint64_t h = 0xcbf29ce484222325u;
    for (; *text; text++) h = (h ^ (unsigned char)*text) * 0x100000001b3u;
    return h;
}

static xbtab_status make_folders(char *path)
{
    for (char *at = strchr(path + 1, '/'); at; at = strchr(at + 1, '/')) {
        *at = '\0';
        mkdir(path, 0777);
        *at = '/';
    }
    if (mkdir(path, 0777) != 0 && errno != EEXIST) {
        XBTAB_FAIL(XBTAB_ERR_IO, "%s: cannot make: %s", path, strerror(errno));
    }
    return XBTAB_OK;
}

/* Whether a file holds this tile's tables, of these models and this version. */
static bool fits(const char *path, const xbtab_spec *spec, const xbtab_models *models)
{
    xbtab_tables *tables = NULL;
    xbtab_spec *made_of = NULL;
    bool is_same = access(path, R_OK) == 0 && xbtab_tables_open(&tables, path) == XBTAB_OK &&
                   tables->is_sealed && strcmp(tables->spec_text, spec->text) == 0 &&
                   strcmp(tables->tool_version, XBTAB_VERSION) == 0 &&
                   xbtab_spec_of_tables(&made_of, tables, models) == XBTAB_OK;
    xbtab_spec_destroy(&made_of);
    xbtab_tables_destroy(&tables);
    return is_same;
}

static xbtab_status make_tables(const char *path, xbtab_spec *spec, const xbtab_characterize_options *given)
{
    char partial[LONGEST_BESIDE], line[LONGEST_BESIDE + 256];
    xbtab_characterize_options options = given ? *given : (xbtab_characterize_options){.workers = 0};
    options.resume = 1;
    snprintf(partial, sizeof partial, "%s.partial", path);
    snprintf(line, sizeof line, "characterizing %s for %s", spec->name, path);
    if (options.note) options.note(line, options.payload);
    XBTAB_TRY(xbtab_spec_size_selector(spec));
    xbtab_status status = xbtab_characterize(spec, path, &options);
    if (status == XBTAB_ERR_INPUT && access(partial, F_OK) == 0) { /* left by another version */
        unlink(partial);
        status = xbtab_characterize(spec, path, &options);
    }
    return status;
}

static xbtab_status cache_folder(char *path, size_t size, const char *folder)
{
    const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    if (folder) {
        snprintf(path, size, "%s", folder);
    } else if (cache && *cache) {
        snprintf(path, size, "%s/xbartab", cache);
    } else if (home && *home) {
        snprintf(path, size, "%s/.cache/xbartab", home);
    } else {
        XBTAB_FAIL(XBTAB_ERR_INPUT, "no folder for tables: neither XDG_CACHE_HOME nor HOME is set; give one");
    }
    return make_folders(path);
}

xbtab_status xbtab_tables_cached(char **out, xbtab_spec *spec, const xbtab_models *models, const char *folder,
                                 const xbtab_characterize_options *options)
{
    char path[LONGEST_PATH], lock[LONGEST_BESIDE];
    XBTAB_TRY(cache_folder(path, sizeof path - 32, folder));
    size_t n = strlen(path);
    snprintf(path + n, sizeof path - n, "/%016" PRIx64 ".h5", hash(spec->text));
    char *found = xbtab__strdup(path);
    if (!found) return XBTAB_NOMEM();
    snprintf(lock, sizeof lock, "%s.lock", path);
    xbtab_status status = XBTAB_OK;
    int file = open(lock, O_RDWR | O_CREAT | O_CLOEXEC, 0666); /* runs that want the same tables wait */
    if (file < 0) {
        status = xbtab__error_set(XBTAB_ERR_IO, "%s: cannot write: %s", lock, strerror(errno));
    } else if (flock(file, LOCK_EX) != 0) {
        status = xbtab__error_set(XBTAB_ERR_IO, "%s: cannot lock: %s", lock, strerror(errno));
    }
    if (status == XBTAB_OK && !fits(path, spec, models)) status = make_tables(path, spec, options);
    if (file >= 0) close(file);
    if (status < 0) {
        xbtab__free(found);
        return status;
    }
    *out = found;
    return XBTAB_OK;
}

void xbtab_path_free(char **path)
{
    xbtab__free(*path);
    *path = NULL;
}
