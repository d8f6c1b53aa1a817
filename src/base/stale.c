/* stale.c - finds and removes what killed runs have left. */
#include "stale.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "memory.h"

enum { LONGEST = 4096 };

/* Whether the opened file still has the name. */
static bool is_named(const char *path, int file)
{
    struct stat opened, named;
    return fstat(file, &opened) == 0 && lstat(path, &named) == 0 && opened.st_dev == named.st_dev &&
           opened.st_ino == named.st_ino;
}

bool xbtab__claim(const char *path, int file)
{
    while (flock(file, LOCK_EX) != 0 && errno == EINTR) {
    }
    return is_named(path, file);
}

/* Whether the run whose number a name has has ended, as far as can be told: by its lock, or where the file
 * system has none by its process. The lock is held then. */
static bool has_ended(int file, long process)
{
    if (flock(file, LOCK_EX | LOCK_NB) == 0) return true;
    return errno != EWOULDBLOCK && kill((pid_t)process, 0) != 0 && errno == ESRCH;
}

/* "NUMBER" and then exactly the ending; 0 = it is not so. */
static long number_before(const char *text, const char *ending)
{
    char *end;
    if (!isdigit((unsigned char)*text)) return 0;
    errno = 0;
    long number = strtol(text, &end, 10);
    return errno == 0 && strcmp(end, ending) == 0 ? number : 0;
}

static void remove_if_stale(const char *path, long process)
{
    struct stat info;
    int file = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (file < 0) return;
    if (fstat(file, &info) == 0 && S_ISREG(info.st_mode) && has_ended(file, process) && is_named(path, file))
        unlink(path);
    close(file);
}

void xbtab__remove_stale_files(const char *path)
{
    char folder[LONGEST], name[LONGEST + 256];
    const char *slash = strrchr(path, '/'), *base = slash ? slash + 1 : path;
    size_t n = strlen(base), n_folder = slash ? (size_t)(slash - path) + 1 : 0;
    if (n_folder >= sizeof folder) return;
    memcpy(folder, path, n_folder);
    folder[n_folder] = '\0';
    DIR *entries = opendir(n_folder ? folder : ".");
    if (!entries) return;
    for (struct dirent *e = readdir(entries); e; e = readdir(entries)) {
        if (strncmp(e->d_name, base, n) != 0 || e->d_name[n] != '.') continue;
        long process = number_before(e->d_name + n + 1, ".tmp");
        if (process == 0) continue;
        snprintf(name, sizeof name, "%s%s", folder, e->d_name);
        remove_if_stale(name, process);
    }
    closedir(entries);
}

void xbtab__remove_folder(const char *path)
{
    char name[LONGEST + 512];
    DIR *entries = opendir(path);
    if (!entries) return;
    for (struct dirent *e = readdir(entries); e; e = readdir(entries)) {
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0) continue;
        snprintf(name, sizeof name, "%s/%s", path, e->d_name);
        unlink(name);
    }
    closedir(entries);
    rmdir(path);
}

/* PREFIX and letters, "-", the number of a process, "-", six characters of mkdtemp(). */
static long process_of(const char *name, const char *prefix)
{
    size_t n = strlen(prefix);
    char ending[8] = "";
    if (strncmp(name, prefix, n) != 0) return 0;
    const char *at = name + n;
    while (isalpha((unsigned char)*at)) at++;
    size_t left = strlen(at);
    if (*at != '-' || left < 9) return 0;
    snprintf(ending, sizeof ending, "%s", at + left - 7);
    return ending[0] == '-' ? number_before(at + 1, ending) : 0;
}

void xbtab__remove_stale_folders(const char *base, const char *prefix)
{
    char name[LONGEST + 256];
    DIR *entries = opendir(base);
    if (!entries) return;
    for (struct dirent *e = readdir(entries); e; e = readdir(entries)) {
        struct stat info;
        long process = process_of(e->d_name, prefix);
        if (process == 0) continue;
        snprintf(name, sizeof name, "%s/%s", base, e->d_name);
        int folder = open(name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (folder < 0) continue;
        if (fstat(folder, &info) == 0 && info.st_uid == geteuid() && has_ended(folder, process) &&
            is_named(name, folder)) {
            xbtab__remove_folder(name);
        }
        close(folder);
    }
    closedir(entries);
}
