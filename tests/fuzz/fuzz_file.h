/* fuzz_file.h - the fuzzer's bytes as a file, for readers that take a path. */
#ifndef XBTAB_TESTS_FUZZ_FILE_H
#define XBTAB_TESTS_FUZZ_FILE_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <xbartab/status.h>

static inline void fuzz_write(const char *path, const void *data, size_t n)
{
    FILE *file = fopen(path, "wb");
    if (!file || fwrite(data, 1, n, file) != n || fclose(file) != 0) abort();
}

static inline char *fuzz_file_path(void)
{
    static char path[64];
    return path;
}

static inline void fuzz_file_remove(void)
{
    unlink(fuzz_file_path());
}

/* One file a process, in memory where /dev/shm is, which ends with it; returns its path. */
static inline const char *fuzz_file(const uint8_t *data, size_t n, const char *ending)
{
    char *path = fuzz_file_path();
    if (!path[0]) atexit(fuzz_file_remove);
    snprintf(path, 64, "/dev/shm/xbartab_fuzz_%ld%s", (long)getpid(), ending);
    fuzz_write(path, data, n);
    return path;
}

/* A file of the project; end with free(). */
static inline char *fuzz_project_file(const char *name, size_t *n)
{
    char path[1024], *text = NULL;
    struct stat info;
    snprintf(path, sizeof path, "%s/%s", XBARTAB_SOURCE_FOLDER, name);
    FILE *file = fopen(path, "rb");
    if (!file || fstat(fileno(file), &info) != 0) abort();
    text = malloc((size_t)info.st_size + 1);
    if (!text || fread(text, 1, (size_t)info.st_size, file) != (size_t)info.st_size) abort();
    fclose(file);
    text[info.st_size] = '\0';
    if (n) *n = (size_t)info.st_size;
    return text;
}

/* The bytes as a text of their own, which ends where they do; end with free(). */
static inline char *fuzz_text(const uint8_t *data, size_t n)
{
    char *text = malloc(n + 1);
    if (!text) abort();
    if (n) memcpy(text, data, n);
    text[n] = '\0';
    return text;
}

/* What fails says why, in one line. */
static inline void fuzz_refused(void)
{
    const char *message = xbtab_error_message();
    if (!message[0] || strchr(message, '\n')) abort();
}

/* A folder of models of a process's own, with one RRAM model called sinh, whose two files are the fuzzer's or
 * the project's. Returns the folder. */
static inline const char *fuzz_model(const void *sub, size_t n_sub, const void *sheet, size_t n_sheet)
{
    static char folder[64];
    char path[128];
    snprintf(folder, sizeof folder, "/dev/shm/xbartab-fuzz-%ld", (long)getpid());
    snprintf(path, sizeof path, "%s/rram", folder);
    mkdir(folder, 0700);
    mkdir(path, 0700);
    snprintf(path, sizeof path, "%s/rram/sinh.sub", folder);
    fuzz_write(path, sub, n_sub);
    snprintf(path, sizeof path, "%s/rram/sinh.yaml", folder);
    fuzz_write(path, sheet, n_sheet);
    return folder;
}

static inline void fuzz_remove_model(const char *folder)
{
    static const char *const names[] = {"/rram/sinh.sub", "/rram/sinh.yaml", "/rram", ""};
    char path[128];
    for (int k = 0; k < 4; k++) {
        snprintf(path, sizeof path, "%s%s", folder, names[k]);
        if (k < 2) {
            unlink(path);
        } else {
            rmdir(path);
        }
    }
}

#endif
