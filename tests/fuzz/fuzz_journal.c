/* fuzz_journal.c - journals made of anything. Behind an odd first byte the rest is the records of a whole
 * journal, whose checksums are made here: so that the fuzzer gets past them. */
#include <stdbool.h>

#include <zlib.h>

#include "fuzz_file.h"

#include "journal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static const char fingerprint[] = "tile";

static uint8_t *put(uint8_t *at, const void *bytes, size_t n)
{
    memcpy(at, bytes, n);
    return at + n;
}

static uint8_t *put_checksum(uint8_t *at, const uint8_t *from)
{
    const uint32_t sum = (uint32_t)crc32(0, from, (unsigned)(at - from));
    return put(at, &sum, sizeof sum);
}

/* As journal.h says. Each record takes a byte for its unit, one for its length and one for its status. */
static size_t whole_journal(uint8_t *out, const uint8_t *data, size_t n)
{
    const uint32_t version = n ? 1 + (data[0] & 2) / 2u : 1, length = sizeof fingerprint - 1;
    uint8_t *at = put(out, "XBTABJNL", 8);
    at = put(at, &version, sizeof version);
    at = put(at, &length, sizeof length);
    at = put(at, fingerprint, length);
    at = put_checksum(at, out);
    for (size_t k = 1; k + 3 <= n;) {
        uint8_t *record = at;
        const int64_t unit = (int8_t)data[k];
        const int32_t status = (int8_t)data[k + 2];
        uint64_t bytes = data[k + 1] & 0x7f;
        k += 3;
        if (bytes > n - k) bytes = n - k;
        const uint64_t told = data[k - 2] & 0x80 ? bytes << 40 : bytes; /* more than there are */
        at = put(at, &unit, sizeof unit);
        at = put(at, &told, sizeof told);
        at = put(at, &status, sizeof status);
        uint32_t sum = (uint32_t)crc32(0, record, 20);
        sum = (uint32_t)crc32(sum, data + k, (unsigned)bytes);
        at = put(at, &sum, sizeof sum);
        at = put(at, data + k, bytes);
        k += bytes;
    }
    return (size_t)(at - out);
}

static xbtab_status take(int64_t unit, int status, const void *bytes, size_t n, void *context)
{
    uint64_t *sum = context;
    (void)unit;
    (void)status;
    for (size_t k = 0; k < n; k++) *sum += ((const uint8_t *)bytes)[k];
    return XBTAB_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    xbtab__journal *journal = NULL;
    uint64_t sum = 0;
    char path[96];
    uint8_t *made = malloc(64 + 12 * n);
    if (!made) abort();
    const bool is_whole = n && data[0] & 1;
    const size_t n_made = is_whole ? whole_journal(made, data, n) : 0;
    const char *partial =
        is_whole ? fuzz_file(made, n_made, ".h5.partial") : fuzz_file(data, n, ".h5.partial");
    snprintf(path, sizeof path, "%.*s", (int)strlen(partial) - 8, partial);
    if (xbtab__journal_resume(&journal, path, fingerprint, take, &sum, NULL) < 0) {
        fuzz_refused();
    } else if (xbtab__journal_append(journal, 5, 0, "12345678", 8) < 0) {
        abort();
    }
    xbtab__journal_close(&journal);
    unlink(partial);
    free(made);
    return 0;
}
