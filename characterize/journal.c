/* journal.c - finished units on disk. */
#include "journal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "file.h"
#include "memory.h"
#include "text.h"

static const char magic[16] = "xbartab journal";

struct xbtab__journal {
    int fd;
    char *path;
};

typedef struct record_header {
    int32_t unit, status;
    uint64_t n;
    uint32_t crc; /* of this header with crc = 0, then of the numbers */
    uint32_t zero;
} record_header;

enum { LARGEST_JOURNAL = 1 << 30 };

static uint32_t checksum(record_header header, const double *x)
{
    header.crc = 0;
    uLong crc = crc32(0, (const Bytef *)&header, sizeof header);
    return (uint32_t)crc32_z(crc, (const Bytef *)x, header.n * sizeof *x);
}

static bool write_all(int fd, const void *data, size_t n)
{
    const char *bytes = data;
    while (n > 0) {
        ssize_t wrote = write(fd, bytes, n);
        if (wrote < 0 && errno == EINTR) continue;
        if (wrote <= 0) return false;
        bytes += wrote;
        n -= (size_t)wrote;
    }
    return true;
}

/* Give every whole record to `record`; *end is where the first torn one begins. */
static xbtab_status read_records(const char *data, size_t n, size_t *end, xbtab__journal_record_fn record,
                                 void *context)
{
    size_t at = *end;
    while (n - at >= sizeof(record_header)) {
        record_header header;
        memcpy(&header, data + at, sizeof header);
        if (header.n > (n - at - sizeof header) / sizeof(double)) break;
        double *x = xbtab__alloc((size_t)header.n, sizeof *x);
        if (!x) return XBTAB_NOMEM();
        memcpy(x, data + at + sizeof header, (size_t)header.n * sizeof *x);
        bool is_whole = checksum(header, x) == header.crc;
        xbtab_status status =
            is_whole ? record(context, header.unit, header.status, x, (size_t)header.n) : XBTAB_OK;
        xbtab__free(x);
        if (status < 0) return status;
        if (!is_whole) break;
        at += sizeof header + (size_t)header.n * sizeof(double);
    }
    *end = at;
    return XBTAB_OK;
}

static xbtab_status begin(xbtab__journal *journal, const char *fingerprint)
{
    xbtab_status status = XBTAB_OK;
    uint64_t length = strlen(fingerprint);
    char *beside = xbtab__file_beside(journal->path);
    if (!beside) return XBTAB_NOMEM();
    /* the header appears in one piece too: a file without it would be refused as foreign */
    journal->fd = open(beside, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0666);
    if (journal->fd < 0 || !write_all(journal->fd, magic, sizeof magic) ||
        !write_all(journal->fd, &length, sizeof length) || !write_all(journal->fd, fingerprint, length) ||
        rename(beside, journal->path) != 0) {
        status = xbtab__error_set(XBTAB_ERR_IO, "%s: cannot write: %s", journal->path, strerror(errno));
        unlink(beside);
    }
    xbtab__free(beside);
    return status;
}

static xbtab_status resume_file(xbtab__journal *journal, const char *fingerprint,
                                xbtab__journal_record_fn record, void *context)
{
    xbtab_status status;
    char *data = NULL;
    size_t n = 0, end = sizeof magic + sizeof(uint64_t);
    uint64_t length = 0;
    XBTAB_TRY(xbtab__file_read(&data, &n, journal->path, LARGEST_JOURNAL));
    if (n < end || memcmp(data, magic, sizeof magic) != 0) {
        XBTAB_FAIL_DONE(XBTAB_ERR_INPUT, "%s: not a journal of xbartab", journal->path);
    }
    memcpy(&length, data + sizeof magic, sizeof length);
    if (length > n - end || length != strlen(fingerprint) ||
        memcmp(data + end, fingerprint, (size_t)length) != 0) {
        XBTAB_FAIL_DONE(
            XBTAB_ERR_INPUT,
            "%s: belongs to another specification, models, seed or version; delete it to start again",
            journal->path);
    }
    end += (size_t)length;
    XBTAB_TRY_DONE(read_records(data, n, &end, record, context));
    journal->fd = open(journal->path, O_WRONLY | O_APPEND | O_CLOEXEC);
    if (journal->fd < 0 || ftruncate(journal->fd, (off_t)end) != 0) {
        XBTAB_FAIL_DONE(XBTAB_ERR_IO, "%s: cannot write: %s", journal->path, strerror(errno));
    }
done:
    xbtab__free(data);
    return status;
}

xbtab_status xbtab__journal_open(xbtab__journal **out, const char *path, const char *fingerprint, bool resume,
                                 xbtab__journal_record_fn record, void *context)
{
    xbtab_status status = XBTAB_OK;
    xbtab__text name = {0};
    xbtab__journal *journal = xbtab__alloc(1, sizeof *journal);
    if (!journal) return XBTAB_NOMEM();
    journal->fd = -1;
    xbtab__text_add(&name, "%s.partial", path);
    XBTAB_TRY_DONE(xbtab__text_status(&name));
    journal->path = name.s;
    name = (xbtab__text){0};
    bool is_there = access(journal->path, F_OK) == 0;
    if (is_there && !resume) {
        XBTAB_FAIL_DONE(XBTAB_ERR_INPUT,
                        "%s: an earlier run left this; continue it with --resume, or delete it",
                        journal->path);
    }
    XBTAB_TRY_DONE(is_there ? resume_file(journal, fingerprint, record, context)
                            : begin(journal, fingerprint));
    *out = journal;
    journal = NULL;
done:
    xbtab__text_clear(&name);
    xbtab__journal_close(&journal);
    return status;
}

xbtab_status xbtab__journal_append(xbtab__journal *journal, int unit, int status, const double *x, size_t n)
{
    record_header header = {.unit = unit, .status = status, .n = n};
    header.crc = checksum(header, x);
    size_t bytes = sizeof header + n * sizeof *x;
    char *record = xbtab__alloc(bytes, 1);
    if (!record) return XBTAB_NOMEM();
    memcpy(record, &header, sizeof header);
    if (n) memcpy(record + sizeof header, x, n * sizeof *x);
    bool wrote = write_all(journal->fd, record, bytes);
    xbtab__free(record);
    if (!wrote) XBTAB_FAIL(XBTAB_ERR_IO, "%s: cannot write: %s", journal->path, strerror(errno));
    return XBTAB_OK;
}

void xbtab__journal_close(xbtab__journal **journal)
{
    if (!journal || !*journal) return;
    if ((*journal)->fd >= 0) close((*journal)->fd);
    xbtab__free((*journal)->path);
    xbtab__free(*journal);
    *journal = NULL;
}

void xbtab__journal_remove(xbtab__journal **journal)
{
    if (!journal || !*journal) return;
    unlink((*journal)->path);
    xbtab__journal_close(journal);
}
