/* labels.c - label files: IDX, NumPy, or one integer a line. */
#include <stdlib.h>
#include <string.h>

#include "image_files.h"
#include "npy_numbers.h"

enum { IDX_LABELS = 0x801, LONGEST_LINE = 64 };

static xbtab_status fail_count(const char *path, uint64_t labels, uint64_t images)
{
    XBTAB_FAIL(XBTAB_ERR_INPUT, "%s: %llu labels for %llu images", path, (unsigned long long)labels,
               (unsigned long long)images);
}

static xbtab_status read_idx(xbtab_images *images, xbtab__stream *s, uint64_t n_file)
{
    unsigned char head[8] = {0}, label;
    size_t got;
    XBTAB_TRY(xbtab__stream_read(s, head, sizeof head, &got));
    uint64_t count = got == sizeof head ? xbtab__big_endian(head + 4) : 0;
    if (got < sizeof head) return xbtab__fail_length(s->path, 0, count);
    XBTAB_TRY(xbtab__body_check(s, sizeof head, count));
    if (count != n_file) return fail_count(s->path, count, n_file);
    for (size_t k = 0; k < images->n; k++) {
        XBTAB_TRY(xbtab__stream_read(s, &label, 1, &got));
        if (got < 1) return xbtab__fail_length(s->path, k, count);
        images->label[k] = label;
    }
    return images->n == n_file ? xbtab__body_end(s, count) : XBTAB_OK;
}

/* An integer of 1, 2, 4 or 8 bytes; false where it is none that a label can be. */
static bool take_integer(const unsigned char *at, const xbtab__npy *file, int32_t *out)
{
    uint64_t value = xbtab__npy_bits(at, file->size, file->is_big);
    bool is_negative = file->kind == 'i' && value >> (8 * file->size - 1);
    if (is_negative || value > INT32_MAX) return false;
    *out = (int32_t)value;
    return true;
}

static xbtab_status read_npy(xbtab_images *images, xbtab__stream *s, uint64_t n_file)
{
    xbtab__npy file;
    unsigned char at[8];
    size_t got;
    XBTAB_TRY(xbtab__npy_read(&file, s));
    bool is_whole = file.size == 1 || file.size == 2 || file.size == 4 || file.size == 8;
    if ((file.kind != 'u' && file.kind != 'i') || !is_whole)
        XBTAB_FAIL(XBTAB_ERR_INPUT, "%s: labels must be integers", s->path);
    if (file.total != n_file) return fail_count(s->path, file.total, n_file);
    for (size_t k = 0; k < images->n; k++) {
        XBTAB_TRY(xbtab__stream_read(s, at, (size_t)file.size, &got));
        if (got < (size_t)file.size)
            return xbtab__fail_length(s->path, k * (uint64_t)file.size + got, file.bytes);
        if (!take_integer(at, &file, &images->label[k]))
            XBTAB_FAIL(XBTAB_ERR_INPUT, "%s: label %zu is negative or too large", s->path, k);
    }
    return images->n == n_file ? xbtab__body_end(s, file.bytes) : XBTAB_OK;
}

/* ---- text ---- */

typedef struct lines {
    xbtab__stream *stream;
    char buffer[4096];
    size_t at, n;
    uint64_t number; /* of the line, from 1 */
    uint64_t read;   /* bytes */
} lines;

/* The next line without its end. *length is -1 behind the last one, and LONGEST_LINE where it is longer. */
static xbtab_status next_line(lines *l, char *line, int *length)
{
    int n = 0;
    bool is_any = false;
    l->number++;
    for (;;) {
        if (l->at == l->n) {
            l->at = 0;
            XBTAB_TRY(xbtab__stream_read(l->stream, l->buffer, sizeof l->buffer, &l->n));
            if (l->n == 0) break;
            l->read += l->n;
            if (l->stream->is_packed && l->read > xbtab__most_unpacked(l->stream))
                XBTAB_FAIL(XBTAB_ERR_INPUT,
                           "%s: more than %llu bytes come out of it; gunzip lifts that bound",
                           l->stream->path, (unsigned long long)xbtab__most_unpacked(l->stream));
        }
        char c = l->buffer[l->at++];
        is_any = true;
        if (c == '\n') break;
        if (n == LONGEST_LINE) continue;
        line[n++] = c;
    }
    while (n > 0 && n < LONGEST_LINE && line[n - 1] == '\r') n--;
    line[n] = '\0';
    *length = is_any ? n : -1;
    return XBTAB_OK;
}

/* One integer from 0 up, with blanks around it at the most. */
static bool take_number(const char *line, int length, int32_t *out)
{
    int k = (int)strspn(line, " \t");
    int64_t value = 0;
    if (line[k] < '0' || line[k] > '9') return false;
    for (; line[k] >= '0' && line[k] <= '9'; k++) {
        value = 10 * value + (line[k] - '0');
        if (value > INT32_MAX) return false;
    }
    k += (int)strspn(line + k, " \t");
    *out = (int32_t)value;
    return k == length && length < LONGEST_LINE;
}

static xbtab_status read_text(xbtab_images *images, xbtab__stream *s, uint64_t n_file)
{
    lines l = {.stream = s};
    char line[LONGEST_LINE + 1];
    int length = 0;
    uint64_t count = 0;
    for (;;) {
        int32_t value = 0;
        XBTAB_TRY(next_line(&l, line, &length));
        if (length < 0) break;
        if (length == 0) continue;
        if (!take_number(line, length, &value)) {
            XBTAB_FAIL(XBTAB_ERR_INPUT, "%s:%llu: labels are IDX, .npy, or one integer from 0 up a line",
                       s->path, (unsigned long long)l.number);
        }
        if (count == n_file)
            XBTAB_FAIL(XBTAB_ERR_INPUT, "%s:%llu: more labels than the %llu images", s->path,
                       (unsigned long long)l.number, (unsigned long long)n_file);
        if (count < images->n) images->label[count] = value;
        count++;
    }
    return count == n_file ? XBTAB_OK : fail_count(s->path, count, n_file);
}

xbtab_status xbtab_images_check_labels(const xbtab_images *images, size_t n_outputs)
{
    for (size_t k = 0; images->label && k < images->n; k++) {
        if (images->label[k] >= 0 && (size_t)images->label[k] < n_outputs) continue;
        XBTAB_FAIL(XBTAB_ERR_INPUT, "label %d of image %zu is none of the network's %zu outputs",
                   (int)images->label[k], k, n_outputs);
    }
    return XBTAB_OK;
}

xbtab_status xbtab__labels_read(xbtab_images *images, const char *path, uint64_t n_file)
{
    xbtab__stream s;
    xbtab_status status;
    unsigned char head[6] = {0};
    size_t got;
    XBTAB_TRY(xbtab__stream_open(&s, path));
    if (!images->label) images->label = xbtab__alloc(images->n, sizeof *images->label);
    if (!images->label) {
        status = XBTAB_NOMEM();
        goto done;
    }
    XBTAB_TRY_DONE(xbtab__stream_read(&s, head, sizeof head, &got));
    XBTAB_TRY_DONE(xbtab__stream_rewind(&s));
    if (got >= 4 && xbtab__big_endian(head) == IDX_LABELS) {
        status = read_idx(images, &s, n_file);
    } else if (got >= 6 && memcmp(head, XBTAB__NPY_MAGIC, 6) == 0) {
        status = read_npy(images, &s, n_file);
    } else if (got >= 4 && head[0] == 0) {
        status = xbtab__error_set(XBTAB_ERR_INPUT, "%s: magic 0x%08x; an IDX label file has 0x%08x", path,
                                  xbtab__big_endian(head), IDX_LABELS);
    } else {
        status = read_text(images, &s, n_file);
    }
done:
    xbtab__stream_close(&s);
    return status;
}
