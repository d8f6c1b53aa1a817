/* presets.c - presets by name, data files, and tables in a cache. */
#include "presets.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <fcntl.h>
#include <unistd.h>

#include <xbartab/characterize.h>
#include <xbartab/version.h>

static const char *data_folder(void)
{
    return access(XBARTAB_SOURCE_DATA, R_OK) == 0 ? XBARTAB_SOURCE_DATA : XBARTAB_INSTALLED_DATA;
}

static int compare_texts(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

int cli_arch_names(char ***names, int *n)
{
    char folder[4096], **list = NULL;
    int count = 0;
    snprintf(folder, sizeof folder, "%s/architectures", data_folder());
    DIR *dir = opendir(folder);
    if (!dir) return cli_fail("%s: cannot read: %s", folder, strerror(errno));
    for (struct dirent *entry = readdir(dir); entry; entry = readdir(dir)) {
        size_t length = strlen(entry->d_name);
        if (length < 6 || strcmp(entry->d_name + length - 5, ".yaml") != 0) continue;
        char **more = realloc(list, ((size_t)count + 1) * sizeof *list);
        char *name = more ? strndup(entry->d_name, length - 5) : NULL;
        if (more) list = more;
        if (!name) {
            closedir(dir);
            for (int k = 0; k < count; k++) free(list[k]);
            free(list);
            return cli_fail("out of memory");
        }
        list[count++] = name;
    }
    closedir(dir);
    if (count) qsort(list, (size_t)count, sizeof *list, compare_texts);
    *names = list;
    *n = count;
    return CLI_DONE;
}

int cli_open_arch(xbtab_arch **out, const char *name, const xbtab_models *models)
{
    char path[4096];
    size_t length = strlen(name);
    bool is_file = strchr(name, '/') || (length > 5 && strcmp(name + length - 5, ".yaml") == 0);
    snprintf(path, sizeof path, "%s/architectures/%s.yaml", data_folder(), name);
    if (!is_file && access(path, R_OK) != 0)
        return cli_fail("no architecture is called \"%s\"; see xbartab arch list, or give a file", name);
    return xbtab_arch_open(out, is_file ? name : path, models) < 0 ? cli_failed() : CLI_DONE;
}

const char *cli_data_file(char *out, size_t size, const char *path)
{
    const char *folders[] = {getenv("XBARTAB_DATA"), data_folder()};
    for (int k = 0; k < 2 && path[0] != '/'; k++) {
        if (!folders[k]) continue;
        snprintf(out, size, "%s/%s", folders[k], path);
        if (access(out, R_OK) == 0) return out;
    }
    snprintf(out, size, "%s", path);
    return out;
}

int cli_need_data_file(const char *name, const char *path)
{
    if (!path || access(path, R_OK) == 0) return CLI_DONE;
    return cli_fail("%s: %s is not at hand; set XBARTAB_DATA to the folder that has it, or give a network, "
                    "--images and --labels",
                    name, path);
}

/* ---- the cache ---- */

/* Fowler-Noll-Vo, 64 bits: names a file; whether it fits is found by comparing the texts themselves. */
static uint64_t hash(const char *text)
{
    uint64_t h = 0xcbf29ce484222325u;
    for (; *text; text++) h = (h ^ (unsigned char)*text) * 0x100000001b3u;
    return h;
}

static int make_folders(char *path)
{
    for (char *at = strchr(path + 1, '/'); at; at = strchr(at + 1, '/')) {
        *at = '\0';
        mkdir(path, 0777);
        *at = '/';
    }
    if (mkdir(path, 0777) != 0 && errno != EEXIST)
        return cli_fail("%s: cannot make: %s", path, strerror(errno));
    return CLI_DONE;
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

static int make_tables(const char *path, xbtab_spec *spec, int workers)
{
    char partial[4200];
    xbtab_characterize_options options = {.workers = workers, .resume = 1, .progress = cli_progress};
    snprintf(partial, sizeof partial, "%s.partial", path);
    fprintf(stderr, "characterizing %s for %s\n", spec->name, path);
    if (xbtab_spec_size_selector(spec) < 0) return cli_failed();
    xbtab_status status = xbtab_characterize(spec, path, &options);
    if (status == XBTAB_ERR_INPUT && access(partial, F_OK) == 0) { /* left by another version */
        unlink(partial);
        status = xbtab_characterize(spec, path, &options);
    }
    return status < 0 ? cli_failed() : CLI_DONE;
}

int cli_cached_tables(char **out, xbtab_spec *spec, const xbtab_models *models, const char *folder,
                      int workers)
{
    char path[4096], lock[4200];
    const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    if (folder) {
        snprintf(path, sizeof path, "%s", folder);
    } else if (cache && *cache) {
        snprintf(path, sizeof path, "%s/xbartab", cache);
    } else if (home && *home) {
        snprintf(path, sizeof path, "%s/.cache/xbartab", home);
    } else {
        return cli_fail("no folder for tables: give --cache DIR");
    }
    int code = make_folders(path);
    if (code != CLI_DONE) return code;
    size_t n = strlen(path);
    snprintf(path + n, sizeof path - n, "/%016" PRIx64 ".h5", hash(spec->text));
    snprintf(lock, sizeof lock, "%s.lock", path);
    int file = open(lock, O_RDWR | O_CREAT | O_CLOEXEC, 0666); /* runs that want the same tables wait */
    if (file < 0) return cli_fail("%s: cannot write: %s", lock, strerror(errno));
    if (flock(file, LOCK_EX) != 0) code = cli_fail("%s: cannot lock: %s", lock, strerror(errno));
    if (code == CLI_DONE && !fits(path, spec, models)) code = make_tables(path, spec, workers);
    close(file);
    if (code == CLI_DONE && !(*out = strdup(path))) code = cli_fail("out of memory");
    return code;
}
