/* plot.c - pictures by gnuplot, where it is installed. */
#include "plot.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"

/* A program that can be run, on the path. */
static bool is_installed(const char *name)
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

int cli_plot_begin(cli_plot *plot, const char *path, int width, int height)
{
    *plot = (cli_plot){.path = path};
    if (!is_installed("gnuplot")) {
        fprintf(stderr, "xbartab: gnuplot is not installed, so %s is not drawn\n", path);
        return CLI_USAGE;
    }
    if (strpbrk(path, "'\n")) return cli_fail("%s: not a name for a picture", path);
    if (xbtab_output_open(&plot->output, path) < 0) return cli_failed();
    signal(SIGPIPE, SIG_IGN); /* a gnuplot that ends early is told by its exit */
    plot->script = popen("gnuplot", "w");
    if (!plot->script) {
        xbtab_output_discard(&plot->output);
        return cli_fail("gnuplot does not start");
    }
    const size_t n = strlen(path);
    const bool is_png = n > 4 && strcmp(path + n - 4, ".png") == 0;
    fprintf(plot->script, "set terminal %s size %d,%d background rgb 'white'\nset output '%s'\n",
            is_png ? "pngcairo" : "svg", width, height, xbtab_output_name(plot->output));
    return CLI_DONE;
}

int cli_plot_end(cli_plot *plot)
{
    fprintf(plot->script, "set output\n");
    bool bad = ferror(plot->script) != 0;
    bad = pclose(plot->script) != 0 || bad;
    if (bad) {
        xbtab_output_discard(&plot->output);
        return cli_fail("%s: gnuplot did not draw it", plot->path);
    }
    return xbtab_output_finish(&plot->output) < 0 ? cli_failed() : CLI_DONE;
}
