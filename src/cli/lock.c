/* lock.c - two runs must not write one file. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli.h"

/* Whether the file under the name is still the opened one, not a later run's. */
static bool is_named(const char *name, int file)
{
    struct stat opened, named;
    return fstat(file, &opened) == 0 && stat(name, &named) == 0 && opened.st_dev == named.st_dev &&
           opened.st_ino == named.st_ino;
}

static void lock_name(char *out, size_t size, const char *path)
{
    snprintf(out, size, "%s.lock", path);
}

int cli_lock(int *out, const char *path)
{
    char name[4200];
    lock_name(name, sizeof name, path);
    for (;;) {
        int file = open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
        if (file < 0) return cli_fail("%s: cannot write: %s", path, strerror(errno));
        if (flock(file, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
            close(file);
            return cli_fail("%s: another run is writing it", path);
        }
        if (is_named(name, file)) { /* a file system without locks is taken as it is */
            *out = file;
            return CLI_DONE;
        }
        close(file);
    }
}

void cli_unlock(int file, const char *path)
{
    char name[4200];
    lock_name(name, sizeof name, path);
    unlink(name);
    close(file);
}
