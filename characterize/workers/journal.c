/* journal.c - writes, checks and continues the journal of journal.h. */
#include "journal.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "memory.h"

static const char magic[8] = "XBTABJNL";

enum { VERSION = 1, HEAD_FIXED = 16, CHECKED_SIZE = 20, RECORD_SIZE = 24 };

/* More than any unit writes; a torn or damaged length is not taken for a request of memory [bytes]. */
static const uint64_t largest_payload = (uint64_t)1 << 32;

struct xbtab__journal {
    char *path;
    int file;
    off_t end;           /* of the last whole record */
    unsigned char *room; /* a record being put together or read */
    size_t n_room;
};

static uint32_t checksum(const unsigned char *head, size_t n_head, const void *bytes, size_t n)
{
    uLong crc = crc32_z(crc32_z(0, NULL, 0), head, n_head);
    return (uint32_t)(n ? crc32_z(crc, bytes, n) : crc);
}

static xbtab_status reserve(xbtab__journal *journal, size_t n)
{
    if (n <= journal->n_room) return XBTAB_OK;
    unsigned char *grown = xbtab__realloc(journal->room, n, 1);
    if (!grown) return XBTAB_NOMEM();
    journal->room = grown;
    journal->n_room = n;
    return XBTAB_OK;
}

/* All n bytes behind the last whole record, or none of them. */
static xbtab_status append_bytes(xbtab__journal *journal, const unsigned char *bytes, size_t n)
{
    size_t done = 0;
    while (done < n) {
        ssize_t wrote = write(journal->file, bytes + done, n - done);
        if (wrote < 0 && errno == EINTR) continue;
        if (wrote <= 0) {
            int reason = wrote < 0 ? errno : ENOSPC;
            (void)!ftruncate(journal->file, journal->end); /* failing that, it is a torn tail */
            XBTAB_FAIL(XBTAB_ERR_IO, "%s: cannot write: %s", journal->path, strerror(reason));
        }
        done += (size_t)wrote;
    }
    journal->end += (off_t)n;
    return XBTAB_OK;
}

/* Exactly n bytes at an offset; *got is smaller only where the file ends. */
static xbtab_status read_bytes(const xbtab__journal *journal, void *bytes, size_t n, off_t from, size_t *got)
{
    *got = 0;
    while (*got < n) {
        ssize_t now = pread(journal->file, (char *)bytes + *got, n - *got, from + (off_t)*got);
        if (now < 0 && errno == EINTR) continue;
        if (now < 0) XBTAB_FAIL(XBTAB_ERR_IO, "%s: cannot read: %s", journal->path, strerror(errno));
        if (now == 0) break;
        *got += (size_t)now;
    }
    return XBTAB_OK;
}

/* ---- the head ---- */

static xbtab_status make_head(unsigned char **out, size_t *n, const char *fingerprint)
{
    size_t n_text = strlen(fingerprint);
    if (n_text > INT_MAX) XBTAB_FAIL(XBTAB_ERR_INTERNAL, "journal: a fingerprint of %zu bytes", n_text);
    *n = HEAD_FIXED + n_text + sizeof(uint32_t);
    unsigned char *head = xbtab__alloc(*n, 1);
    if (!head) return XBTAB_NOMEM();
    uint32_t version = VERSION, length = (uint32_t)n_text;
    memcpy(head, magic, sizeof magic);
    memcpy(head + 8, &version, sizeof version);
    memcpy(head + 12, &length, sizeof length);
    memcpy(head + HEAD_FIXED, fingerprint, n_text);
    uint32_t crc = checksum(head, HEAD_FIXED + n_text, NULL, 0);
    memcpy(head + HEAD_FIXED + n_text, &crc, sizeof crc);
    *out = head;
    return XBTAB_OK;
}

/* The first got bytes of a file against the head it must have. A file that ends inside its head is of a run
 * that was killed as it began. */
static xbtab_status check_head(const xbtab__journal *journal, const unsigned char *head, size_t n,
                               const unsigned char *found, size_t got)
{
    size_t n_magic = got < sizeof magic ? got : sizeof magic;
    if (memcmp(found, magic, n_magic) != 0) {
        XBTAB_FAIL(XBTAB_ERR_INPUT, "%s is not a journal of xbartab; move it out of the way", journal->path);
    }
    if (got >= 12 && memcmp(found + 8, head + 8, 4) != 0) {
        XBTAB_FAIL(XBTAB_ERR_INPUT, "%s was begun by another version of xbartab; delete it and start again",
                   journal->path);
    }
    if (memcmp(found, head, got < n ? got : n) != 0) {
        XBTAB_FAIL(
            XBTAB_ERR_INPUT,
            "%s belongs to a run with another specification, seed or models; repeat that run, or delete "
            "the file and start again",
            journal->path);
    }
    return XBTAB_OK;
}

/* ---- records ---- */

static xbtab_status read_records(xbtab__journal *journal, xbtab__journal_fn read, void *context,
                                 long *n_records)
{
    struct stat info;
    if (fstat(journal->file, &info) != 0) {
        XBTAB_FAIL(XBTAB_ERR_IO, "%s: cannot read: %s", journal->path, strerror(errno));
    }
    for (;;) {
        size_t got;
        uint64_t n;
        XBTAB_TRY(reserve(journal, RECORD_SIZE));
        XBTAB_TRY(read_bytes(journal, journal->room, RECORD_SIZE, journal->end, &got));
        if (got < RECORD_SIZE) return XBTAB_OK;
        memcpy(&n, journal->room + 8, sizeof n);
        if (n > largest_payload || (off_t)n > info.st_size - journal->end - RECORD_SIZE) return XBTAB_OK;
        XBTAB_TRY(reserve(journal, RECORD_SIZE + (size_t)n));
        unsigned char *record = journal->room;
        XBTAB_TRY(read_bytes(journal, record + RECORD_SIZE, (size_t)n, journal->end + RECORD_SIZE, &got));
        uint32_t crc;
        memcpy(&crc, record + CHECKED_SIZE, sizeof crc);
        if (got < n || crc != checksum(record, CHECKED_SIZE, record + RECORD_SIZE, (size_t)n))
            return XBTAB_OK;
        int64_t unit;
        int32_t status;
        memcpy(&unit, record, sizeof unit);
        memcpy(&status, record + 16, sizeof status);
        xbtab_status taken = read(unit, status, record + RECORD_SIZE, (size_t)n, context);
        if (taken < 0) return xbtab__error_prefix(taken, "%s", journal->path);
        journal->end += (off_t)(RECORD_SIZE + n);
        ++*n_records;
    }
}

xbtab_status xbtab__journal_append(xbtab__journal *journal, int64_t unit, int status, const void *bytes,
                                   size_t n)
{
    if (n > largest_payload) XBTAB_FAIL(XBTAB_ERR_INTERNAL, "journal: a record of %zu bytes", n);
    XBTAB_TRY(reserve(journal, RECORD_SIZE + n));
    unsigned char *record = journal->room;
    uint64_t length = n;
    int32_t code = status;
    memcpy(record, &unit, sizeof unit);
    memcpy(record + 8, &length, sizeof length);
    memcpy(record + 16, &code, sizeof code);
    if (n > 0) memcpy(record + RECORD_SIZE, bytes, n);
    uint32_t crc = checksum(record, CHECKED_SIZE, record + RECORD_SIZE, n);
    memcpy(record + CHECKED_SIZE, &crc, sizeof crc);
    return append_bytes(journal, record, RECORD_SIZE + n);
}

/* ---- opening ---- */

static xbtab_status journal_alloc(xbtab__journal **out, const char *path)
{
    static const char suffix[] = ".partial";
    size_t n = strlen(path);
    xbtab__journal *journal = xbtab__alloc(1, sizeof *journal);
    char *name = xbtab__alloc(n + sizeof suffix, 1);
    if (!journal || !name) {
        xbtab__free(journal);
        xbtab__free(name);
        return XBTAB_NOMEM();
    }
    memcpy(name, path, n);
    memcpy(name + n, suffix, sizeof suffix);
    journal->path = name;
    journal->file = -1;
    *out = journal;
    return XBTAB_OK;
}

/* Two runs must not write to one journal. A file system without locks is taken as it is. */
static xbtab_status lock(const xbtab__journal *journal)
{
    if (flock(journal->file, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK) return XBTAB_OK;
    XBTAB_FAIL(XBTAB_ERR_INPUT, "%s is in use by another run", journal->path);
}

xbtab_status xbtab__journal_create(xbtab__journal **out, const char *path, const char *fingerprint)
{
    xbtab_status status = XBTAB_OK;
    xbtab__journal *journal = NULL;
    unsigned char *head = NULL;
    size_t n;
    XBTAB_TRY_DONE(journal_alloc(&journal, path));
    XBTAB_TRY_DONE(make_head(&head, &n, fingerprint));
    journal->file = open(journal->path, O_RDWR | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0666);
    if (journal->file < 0 && errno == EEXIST) {
        XBTAB_FAIL_DONE(
            XBTAB_ERR_INPUT,
            "%s exists: an earlier run has not ended; continue it with --resume, or delete the file",
            journal->path);
    }
    if (journal->file < 0) {
        XBTAB_FAIL_DONE(XBTAB_ERR_IO, "%s: cannot write: %s", journal->path, strerror(errno));
    }
    XBTAB_TRY_DONE(lock(journal));
    status = append_bytes(journal, head, n);
    if (status < 0) { /* nothing is in it that a later run could continue */
        unlink(journal->path);
        goto done;
    }
    *out = journal;
    journal = NULL;
done:
    xbtab__free(head);
    xbtab__journal_close(&journal);
    return status;
}

xbtab_status xbtab__journal_resume(xbtab__journal **out, const char *path, const char *fingerprint,
                                   xbtab__journal_fn read, void *context, long *n_records)
{
    xbtab_status status = XBTAB_OK;
    xbtab__journal *journal = NULL;
    unsigned char *head = NULL;
    size_t n, got;
    long found = 0;
    XBTAB_TRY_DONE(journal_alloc(&journal, path));
    XBTAB_TRY_DONE(make_head(&head, &n, fingerprint));
    journal->file = open(journal->path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    if (journal->file < 0) {
        XBTAB_FAIL_DONE(XBTAB_ERR_IO, "%s: cannot write: %s", journal->path, strerror(errno));
    }
    XBTAB_TRY_DONE(lock(journal));
    XBTAB_TRY_DONE(reserve(journal, n));
    XBTAB_TRY_DONE(read_bytes(journal, journal->room, n, 0, &got));
    XBTAB_TRY_DONE(check_head(journal, head, n, journal->room, got));
    if (got == n) {
        journal->end = (off_t)n;
        XBTAB_TRY_DONE(read_records(journal, read, context, &found));
    }
    if (ftruncate(journal->file, journal->end) != 0) {
        XBTAB_FAIL_DONE(XBTAB_ERR_IO, "%s: cannot write: %s", journal->path, strerror(errno));
    }
    if (got < n) XBTAB_TRY_DONE(append_bytes(journal, head, n));
    if (n_records) *n_records = found;
    *out = journal;
    journal = NULL;
done:
    xbtab__free(head);
    xbtab__journal_close(&journal);
    return status;
}

const char *xbtab__journal_path(const xbtab__journal *journal)
{
    return journal->path;
}

void xbtab__journal_close(xbtab__journal **journal)
{
    if (!journal || !*journal) return;
    if ((*journal)->file >= 0) close((*journal)->file);
    xbtab__free((*journal)->path);
    xbtab__free((*journal)->room);
    xbtab__free(*journal);
    *journal = NULL;
}

xbtab_status xbtab__journal_remove(xbtab__journal **journal)
{
    xbtab_status status = XBTAB_OK;
    if (unlink((*journal)->path) != 0) {
        status = xbtab__error_set(XBTAB_ERR_IO, "%s: cannot delete: %s", (*journal)->path, strerror(errno));
    }
    xbtab__journal_close(journal);
    return status;
}
