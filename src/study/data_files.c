/* data_files.c - the shipped files by name, and data sets in the folders that may have them. */
#include <xbartab/data.h>

#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "check.h"
#include "memory.h"

static const char yaml[] = ".yaml";

const char *xbtab_data_folder(void)
{
    return access(XBARTAB_SOURCE_FOLDER "/data", R_OK) == 0 ? XBARTAB_SOURCE_FOLDER "/data"
                                                            : XBARTAB_DATADIR "/data";
}

const char *xbtab_models_folder(void)
{
    return access(XBARTAB_SOURCE_FOLDER "/devicemodels", R_OK) == 0 ? XBARTAB_SOURCE_FOLDER "/devicemodels"
                                                                    : XBARTAB_DATADIR "/devicemodels";
}

xbtab_status xbtab_models_open_with(xbtab_models **out, const char *folder)
{
    const char *folders[2] = {xbtab_models_folder(), folder};
    return xbtab_models_open(out, folders, folder ? 2 : 1);
}

/* A name is one of the folder's, a path is itself. */
static xbtab_status find_sheet(char *out, size_t size, const char *kind, const char *folder, const char *name)
{
    size_t n = strlen(name), ending = strlen(yaml);
    bool is_file = strchr(name, '/') || (n > ending && strcmp(name + n - ending, yaml) == 0);
    int length = is_file ? snprintf(out, size, "%s", name)
                         : snprintf(out, size, "%s/%s/%s%s", xbtab_data_folder(), folder, name, yaml);
    if (length < 0 || (size_t)length >= size)
        XBTAB_FAIL(XBTAB_ERR_INPUT, "the name of a %s is too long", kind);
    if (!is_file && access(out, R_OK) != 0) {
        XBTAB_FAIL(XBTAB_ERR_INPUT, "no %s is called \"%s\"; give a file, or the name of one in %s/%s", kind,
                   name, xbtab_data_folder(), folder);
    }
    return XBTAB_OK;
}

xbtab_status xbtab_arch_find(xbtab_arch **out, const char *name, const xbtab_models *models)
{
    char path[4096];
    XBTAB_TRY(find_sheet(path, sizeof path, "architecture", "architectures", name));
    return xbtab_arch_open(out, path, models);
}

xbtab_status xbtab_population_find(xbtab_population **out, const char *name)
{
    char path[4096];
    XBTAB_TRY(find_sheet(path, sizeof path, "population", "populations", name));
    return xbtab_population_open(out, path);
}

static int compare_texts(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static xbtab_status add_name(char ***names, int *n, const char *file)
{
    size_t length = strlen(file), ending = strlen(yaml);
    if (length <= ending || strcmp(file + length - ending, yaml) != 0) return XBTAB_OK;
    char **more = xbtab__realloc(*names, (size_t)*n + 1, sizeof *more);
    if (!more) return XBTAB_NOMEM();
    *names = more;
    more[*n] = xbtab__strdup(file);
    if (!more[*n]) return XBTAB_NOMEM();
    more[(*n)++][length - ending] = '\0';
    return XBTAB_OK;
}

xbtab_status xbtab_arch_names(char ***names, int *n)
{
    char folder[4096], **list = NULL;
    int count = 0;
    xbtab_status status = XBTAB_OK;
    snprintf(folder, sizeof folder, "%s/architectures", xbtab_data_folder());
    DIR *dir = opendir(folder);
    if (!dir) XBTAB_FAIL(XBTAB_ERR_IO, "%s: cannot read: %s", folder, strerror(errno));
    for (struct dirent *entry = readdir(dir); entry && status == XBTAB_OK; entry = readdir(dir))
        status = add_name(&list, &count, entry->d_name);
    closedir(dir);
    if (status < 0) {
        xbtab_arch_names_free(&list, count);
        return status;
    }
    if (count) qsort(list, (size_t)count, sizeof *list, compare_texts);
    *names = list;
    *n = count;
    return XBTAB_OK;
}

void xbtab_arch_names_free(char ***names, int n)
{
    for (int k = 0; k < n; k++) xbtab__free((*names)[k]);
    xbtab__free(*names);
    *names = NULL;
}

const char *xbtab_data_file(char *out, size_t size, const char *path)
{
    const char *folders[] = {getenv("XBARTAB_DATA"), xbtab_data_folder()};
    for (int k = 0; k < 2 && path[0] != '/'; k++) {
        if (!folders[k]) continue;
        snprintf(out, size, "%s/%s", folders[k], path);
        if (access(out, R_OK) == 0) return out;
    }
    snprintf(out, size, "%s", path);
    return out;
}
