/* scratch.c - folders that last as long as their run. */
#include <xbartab/output.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "check.h"
#include "memory.h"
#include "stale.h"

struct xbtab_scratch {
    char *path;
    int folder; /* holds the lock */
};

xbtab_status xbtab_scratch_create(xbtab_scratch **out, const char *base, const char *kind)
{
    xbtab_status status = XBTAB_OK;
    if (!base) base = "/tmp";
    size_t size = strlen(base) + strlen(kind) + 64;
    xbtab_scratch *s = xbtab__alloc(1, sizeof *s);
    if (!s) return XBTAB_NOMEM();
    s->folder = -1;
    s->path = xbtab__alloc(size, 1);
    if (!s->path) {
        status = XBTAB_NOMEM();
        goto done;
    }
    xbtab__remove_stale_folders(base, "xbartab-");
    for (bool is_mine = false; !is_mine;) {
        if (s->folder >= 0) close(s->folder);
        snprintf(s->path, size, "%s/xbartab-%s-%ld-XXXXXX", base, kind, (long)getpid());
        s->folder = mkdtemp(s->path) ? open(s->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
        if (s->folder < 0 && errno == ENOENT && access(base, W_OK) == 0) continue; /* taken for a stale one */
        if (s->folder < 0)
            XBTAB_FAIL_DONE(XBTAB_ERR_IO, "%s: cannot make a folder: %s", base, strerror(errno));
        is_mine = xbtab__claim(s->path, s->folder);
    }
    *out = s;
    s = NULL;
done:
    if (s) {
        xbtab__free(s->path);
        xbtab__free(s);
    }
    return status;
}

const char *xbtab_scratch_path(const xbtab_scratch *scratch)
{
    return scratch->path;
}

void xbtab_scratch_destroy(xbtab_scratch **scratch)
{
    if (!scratch || !*scratch) return;
    xbtab__remove_folder((*scratch)->path);
    close((*scratch)->folder);
    xbtab__free((*scratch)->path);
    xbtab__free(*scratch);
    *scratch = NULL;
}
