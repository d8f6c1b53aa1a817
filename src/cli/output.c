/* output.c - results as JSON on stdout, progress on stderr. */
#include "opt.h"

#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { BAR_WIDTH = 30, TIME_ROOM = 32 };
static const double SECONDS_A_LINE = 10;

json_t *cli_json_real(double x)
{
    return isfinite(x) ? json_real(x) : json_null();
}

int cli_json_print(json_t *object)
{
    if (!object) return cli_failed("out of memory");
    int wrong = json_dumpf(object, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(17)) != 0;
    json_decref(object);
    wrong |= putchar('\n') == EOF;
    wrong |= fflush(stdout) != 0;
    return wrong ? cli_failed("standard output cannot be written") : CLI_DONE;
}

static volatile sig_atomic_t interrupted;

static void interrupt(int number)
{
    (void)number;
    interrupted = 1;
}

/* The second Ctrl-C meets the default action again. */
static void watch_interrupt(void)
{
    static bool watched;
    if (watched) return;
    watched = true;
    struct sigaction action = {.sa_handler = interrupt, .sa_flags = (int)SA_RESETHAND};
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
}

static const char *time_text(char text[TIME_ROOM], double seconds)
{
    if (seconds < 0)
        snprintf(text, TIME_ROOM, "time left unknown");
    else if (seconds < 90)
        snprintf(text, TIME_ROOM, "%.0f s left", seconds);
    else if (seconds < 5400)
        snprintf(text, TIME_ROOM, "%.0f min left", seconds / 60);
    else
        snprintf(text, TIME_ROOM, "%.1f h left", seconds / 3600);
    return text;
}

static void show_bar(const xbtab_progress *p, const char *left, const char *failed)
{
    char bar[BAR_WIDTH + 1];
    long full = p->total > 0 ? p->done * BAR_WIDTH / p->total : 0;
    for (int k = 0; k < BAR_WIDTH; k++) bar[k] = k < full ? '#' : '.';
    bar[BAR_WIDTH] = '\0';
    fprintf(stderr, "\r%s [%s] %ld/%ld%s, %s\033[K", p->what, bar, p->done, p->total, failed, left);
    if (p->done >= p->total) fputc('\n', stderr);
    fflush(stderr);
}

int cli_progress_show(const xbtab_progress *p, void *payload)
{
    cli_progress *state = payload;
    watch_interrupt();
    if (state->quiet) return interrupted;
    char left[TIME_ROOM], failed[TIME_ROOM] = "";
    time_text(left, p->seconds_left);
    if (p->failed > 0) snprintf(failed, sizeof failed, " (%ld failed)", p->failed);
    if (isatty(STDERR_FILENO)) {
        show_bar(p, left, failed);
        return interrupted;
    }
    if (!state->what || strcmp(state->what, p->what) != 0) {
        state->what = p->what;
        state->last = 0;
    }
    if (p->done >= p->total) {
        fprintf(stderr, "%s: %ld of %ld%s in %.1f s\n", p->what, p->done, p->total, failed, p->seconds);
    } else if (p->seconds - state->last >= SECONDS_A_LINE) {
        state->last = p->seconds;
        fprintf(stderr, "%s: %ld of %ld%s, %s\n", p->what, p->done, p->total, failed, left);
    }
    return interrupted;
}

void cli_note(const char *line, void *payload)
{
    (void)payload;
    fprintf(stderr, "%s\n", line);
}
