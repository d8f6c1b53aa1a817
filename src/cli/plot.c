/* plot.c - pictures by gnuplot, where it is installed. */
#include "plot.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <xbartab/output.h>

#include "cli.h"

extern char **environ;

/* No picture of ours comes near; a gnuplot that does is out of its mind. */
enum { LARGEST_PICTURE = 1 << 28 };

bool cli_is_installed(const char *name)
{
    const char *path = getenv("PATH");
    char file[4096];
    while (path && *path) {
        size_t n = strcspn(path, ":");
        snprintf(file, sizeof file, "%.*s/%s", (int)n, path, name);
        if (access(file, X_OK) == 0) return true;
        path += n;
        if (*path == ':') path++;
    }
    return false;
}

static bool ends_in(const char *path, const char *ending)
{
    size_t n = strlen(path), m = strlen(ending);
    return n > m && strcmp(path + n - m, ending) == 0;
}

int cli_plot_check(const char *path)
{
    if (path && !ends_in(path, ".svg") && !ends_in(path, ".png"))
        return cli_fail("%s: a picture is a .svg or a .png", path);
    return cli_check_output(path);
}

int cli_plot_begin(cli_plot *plot, const char *path, int width, int height)
{
    *plot = (cli_plot){.path = path};
    int code = cli_plot_check(path);
    if (code != CLI_DONE) return code;
    if (!cli_is_installed("gnuplot")) {
        fprintf(stderr,
                "xbartab: gnuplot is not installed, so %s is not drawn (apt-get install gnuplot-nox)\n",
                path);
        return CLI_USAGE;
    }
    int file = memfd_create("gnuplot", MFD_CLOEXEC);
    plot->script = file < 0 ? NULL : fdopen(file, "w");
    if (!plot->script) {
        int reason = errno;
        if (file >= 0) close(file);
        return cli_fail("%s: cannot draw: %s", path, strerror(reason));
    }
    fprintf(plot->script, "set terminal %s size %d,%d background rgb 'white'\n",
            ends_in(path, ".png") ? "pngcairo" : "svg", width, height);
    return CLI_DONE;
}

void cli_plot_text(FILE *script, const char *text)
{
    fputc('\'', script);
    for (; *text; text++) {
        if (*text == '\'') fputc('\'', script); /* in gnuplot's single quotes a quote is two */
        fputc((unsigned char)*text < ' ' ? ' ' : *text, script);
    }
    fputc('\'', script);
}

/* ---- gnuplot ---- */

/* What it draws and what it says. */
typedef struct drawing {
    char *bytes;
    size_t n;
    char words[160]; /* the first of its complaint */
} drawing;

static int start(pid_t *pid, int script, int picture, int words)
{
    char *const argv[] = {(char[]){"gnuplot"}, NULL};
    posix_spawn_file_actions_t actions;
    int reason = posix_spawn_file_actions_init(&actions);
    if (reason) return reason;
    if (!(reason = posix_spawn_file_actions_adddup2(&actions, script, STDIN_FILENO)) &&
        !(reason = posix_spawn_file_actions_adddup2(&actions, picture, STDOUT_FILENO)) &&
        !(reason = posix_spawn_file_actions_adddup2(&actions, words, STDERR_FILENO)))
        reason = posix_spawnp(pid, argv[0], &actions, NULL, argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    return reason;
}

/* All that comes until gnuplot ends. @return 0, or errno. */
static int collect(drawing *d, int from)
{
    size_t room = 0;
    for (;;) {
        if (d->n == room) {
            room = room ? 2 * room : 1 << 16;
            char *grown = room > LARGEST_PICTURE ? NULL : realloc(d->bytes, room);
            if (!grown) return ENOMEM;
            d->bytes = grown;
        }
        ssize_t got = read(from, d->bytes + d->n, room - d->n);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return errno;
        if (got == 0) return 0;
        d->n += (size_t)got;
    }
}

static void take_words(drawing *d, int file)
{
    ssize_t n = pread(file, d->words, sizeof d->words - 1, 0);
    d->words[n > 0 ? n : 0] = '\0';
    char *from = d->words + strspn(d->words, " \n");
    from[strcspn(from, "\n")] = '\0';
    memmove(d->words, from, strlen(from) + 1);
}

/* @return 0 where gnuplot ended well, else -1 with words or none. */
static int run(drawing *d, int script)
{
    int pipes[2] = {-1, -1}, words = memfd_create("words", MFD_CLOEXEC), status = -1;
    pid_t pid = 0;
    int reason = words < 0 || pipe2(pipes, O_CLOEXEC) != 0 ? errno : start(&pid, script, pipes[1], words);
    if (pipes[1] >= 0) close(pipes[1]);
    if (!reason) reason = collect(d, pipes[0]);
    if (pipes[0] >= 0) close(pipes[0]);
    while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    if (reason) {
        snprintf(d->words, sizeof d->words, "%s", strerror(reason));
    } else if (words >= 0) {
        take_words(d, words);
    }
    if (words >= 0) close(words);
    return reason || status ? -1 : 0;
}

/* A picture that breaks off is none. */
static bool is_whole(const drawing *d)
{
    static const char png[] = "IEND\xae\x42\x60\x82", svg[] = "</svg>";
    size_t n = d->n;
    while (n > 0 && (d->bytes[n - 1] == '\n' || d->bytes[n - 1] == ' ')) n--;
    return (n >= sizeof svg - 1 && memcmp(d->bytes + n - (sizeof svg - 1), svg, sizeof svg - 1) == 0) ||
           (d->n >= sizeof png - 1 && memcmp(d->bytes + d->n - (sizeof png - 1), png, sizeof png - 1) == 0);
}

int cli_plot_end(cli_plot *plot)
{
    drawing d = {.bytes = NULL};
    int code = CLI_DONE;
    bool is_bad = fflush(plot->script) != 0;
    is_bad = ferror(plot->script) != 0 || is_bad || lseek(fileno(plot->script), 0, SEEK_SET) != 0;
    if (is_bad) {
        code = cli_fail("%s: cannot draw: %s", plot->path, strerror(errno));
    } else if (run(&d, fileno(plot->script)) != 0 || !is_whole(&d)) {
        code = cli_fail("%s: gnuplot did not draw it%s%s", plot->path, d.words[0] ? ": " : "", d.words);
    } else if (xbtab_output_write(plot->path, d.bytes, d.n) < 0) {
        code = cli_failed();
    }
    fclose(plot->script);
    free(d.bytes);
    return code;
}
