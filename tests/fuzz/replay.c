/* replay.c - a fuzz target without a fuzzer: the files that its arguments name or that lie in folders there,
 * each as it is and with some changes of its bytes, the same ones every time. No input may take over a second
 * or a gigabyte.
 *
 *   replay_NAME [CHANGES] FILE|FOLDER ...      changes of each file (100) */
#include <ctype.h>
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

/* The sanitizers take their time and their shadow of the memory. */
#if defined(__SANITIZE_ADDRESS__)
static const double most_seconds = 5;
static const long most_kilobytes = 3L << 20;
#else
static const double most_seconds = 1;
static const long most_kilobytes = 1L << 20;
#endif

static uint64_t state = 0x2385;

static size_t below(size_t n) /* xorshift; the same on every machine */
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (size_t)(state >> 11) % n;
}

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int n_inputs, n_bad;

static void give(const uint8_t *data, size_t n, const char *name, int change)
{
    struct rusage usage;
    const double began = seconds();
    uint8_t *copy = malloc(n ? n : 1); /* of its very size: reading past it is seen */
    if (!copy) abort();
    memcpy(copy, data, n);
    LLVMFuzzerTestOneInput(copy, n);
    free(copy);
    const double took = seconds() - began;
    getrusage(RUSAGE_SELF, &usage);
    n_inputs++;
    if (took <= most_seconds && usage.ru_maxrss <= most_kilobytes) return;
    fprintf(stderr, "%s, change %d: %.2f s, %ld MB\n", name, change, took, usage.ru_maxrss >> 10);
    n_bad++;
}

/* One change: a byte set, some bytes cut out, said twice or put elsewhere, a number made large, the end cut
 * off. */
static size_t change(uint8_t *data, size_t n)
{
    static const uint8_t telling[] = {0,   0xff, 0x7f, 0x80, '\n', ' ',  '-',
                                      ':', '{',  '"',  '9',  ',',  '\r', '0'};
    const size_t at = below(n), more = n - at, length = 1 + below(more < 64 ? more : 64);
    switch (below(7)) {
    case 0:
        data[at] = (uint8_t)below(256);
        return n;
    case 1:
        data[at] = telling[below(sizeof telling)];
        return n;
    case 2:
        memmove(data + at, data + at + length, more - length);
        return n - length;
    case 3: /* there is room for this */
        memmove(data + at + length, data + at, more);
        return n + length;
    case 4:
        memmove(data + below(n - length + 1), data + at, length);
        return n;
    case 5:
        for (size_t k = at; k < n; k++) {
            if (!isdigit(data[k])) continue;
            for (; k < n && isdigit(data[k]); k++) data[k] = '9';
            break;
        }
        return n;
    default:
        return at + 1;
    }
}

static void replay_file(const char *path, int n_changes)
{
    struct stat info;
    FILE *file = fopen(path, "rb");
    if (!file || fstat(fileno(file), &info) != 0) {
        fprintf(stderr, "%s: cannot be read\n", path);
        exit(1);
    }
    const size_t n = (size_t)info.st_size, room = n + 64 * 8 + 1;
    uint8_t *data = calloc(room, 1), *changed = malloc(room);
    if (!data || !changed || fread(data, 1, n, file) != n) abort();
    fclose(file);
    give(data, n, path, 0);
    for (int k = 1; k <= n_changes; k++) {
        size_t n_changed = n;
        memcpy(changed, data, room);
        for (size_t c = 1 + below(6); c > 0 && n_changed > 0; c--) n_changed = change(changed, n_changed);
        give(changed, n_changed, path, k);
    }
    free(data);
    free(changed);
}

static int is_visible(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static void replay(const char *path, int n_changes)
{
    struct dirent **entry;
    const int n = scandir(path, &entry, is_visible, alphasort);
    if (n < 0) {
        replay_file(path, n_changes);
        return;
    }
    for (int k = 0; k < n; k++) {
        char name[4096];
        snprintf(name, sizeof name, "%s/%s", path, entry[k]->d_name);
        replay_file(name, n_changes);
        free(entry[k]);
    }
    free(entry);
}

int main(int argc, char **argv)
{
    int first = 1, n_changes = 100;
    if (argc > 1 && isdigit((unsigned char)argv[1][0])) n_changes = atoi(argv[first++]);
    LLVMFuzzerTestOneInput((const uint8_t *)"", 0);
    for (int k = first; k < argc; k++) replay(argv[k], n_changes);
    printf("%d inputs, %d took too long or too much memory\n", n_inputs, n_bad);
    return n_bad > 0 || n_inputs == 0;
}
