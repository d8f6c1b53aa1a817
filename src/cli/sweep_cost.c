/* sweep_cost.c - the front of a sweep with costs, and its best row. */
#include "sweep_cost.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <xbartab/number.h>

#include "cli.h"

/* Figures that --front and --best take. */
static const struct {
    const char *word;
    xbtab_sweep_figure figure;
} figures[] = {{"energy", XBTAB_SWEEP_ENERGY},
               {"latency", XBTAB_SWEEP_LATENCY},
               {"area", XBTAB_SWEEP_AREA},
               {"energy_delay", XBTAB_SWEEP_ENERGY_DELAY}};
enum { N_FIGURES = sizeof figures / sizeof figures[0] };

static int take_figure(xbtab_sweep_figure *out, const char *option, const char *text, size_t n)
{
    for (int k = 0; k < N_FIGURES; k++) {
        if (strlen(figures[k].word) != n || strncmp(figures[k].word, text, n) != 0) continue;
        *out = figures[k].figure;
        return CLI_DONE;
    }
    return cli_usage("sweep", "%s %.*s is none of: energy, latency, area, energy_delay", option, (int)n,
                     text);
}

/* "1%", "1 %" or "0.01". */
static int take_share(double *out, const char *text)
{
    const char *end;
    double share;
    if (xbtab_number_scan(&share, &end, text) == XBTAB_NUMBER_FINE) {
        end += strspn(end, " ");
        const bool is_percent = strcmp(end, "%") == 0;
        if (is_percent) share /= 100;
        if ((is_percent || !*end) && share >= 0 && share < 1) {
            *out = share;
            return CLI_DONE;
        }
    }
    return cli_usage("sweep", "--within %s is no share of the images, such as 1%% or 0.01", text);
}

int cli_sweep_cost_take(cli_sweep_cost *c)
{
    c->best = XBTAB_SWEEP_ENERGY;
    c->within = 0.01;
    int code = CLI_DONE;
    if (c->best_text) code = take_figure(&c->best, "--best", c->best_text, strlen(c->best_text));
    if (code == CLI_DONE && c->within_text) code = take_share(&c->within, c->within_text);
    for (const char *at = c->front_text; at && code == CLI_DONE;) {
        xbtab_sweep_figure figure = XBTAB_SWEEP_ENERGY;
        const size_t n = strcspn(at, ",");
        code = take_figure(&figure, "--front", at, n);
        c->front |= 1u << figure;
        at = at[n] ? at + n + 1 : NULL;
    }
    if (!c->front) c->front = 1u << XBTAB_SWEEP_ENERGY;
    return code;
}

int cli_sweep_cost_find(cli_sweep_cost *c, const xbtab_sweep *s)
{
    c->on_front = calloc(xbtab_sweep_rows(s), sizeof *c->on_front);
    if (!c->on_front) return cli_fail("no memory for %zu rows", xbtab_sweep_rows(s));
    c->best_row = xbtab_sweep_best(s, c->best, c->within);
    return xbtab_sweep_front(s, c->front, c->on_front) < 0 ? cli_failed() : CLI_DONE;
}

void cli_sweep_cost_clear(cli_sweep_cost *c)
{
    free(c->on_front);
    c->on_front = NULL;
}

void cli_sweep_cost_print(const cli_sweep_cost *c, const xbtab_sweep *s)
{
    size_t n_keys;
    const xbtab_sweep_key *key = xbtab_sweep_keys(s, &n_keys);
    printf("*: on the front of accuracy");
    for (int k = 0; k < N_FIGURES; k++)
        if (c->front >> figures[k].figure & 1) printf(", %s", figures[k].word);
    printf("\n");
    if (c->best_row < 0) return;
    const xbtab_sweep_row *row = xbtab_sweep_row_get(s, (size_t)c->best_row);
    printf("least %s within %g %% of the best accuracy:", xbtab_sweep_figure_name(c->best), 100 * c->within);
    for (size_t k = 0; k < n_keys; k++) printf(" %s=%s", key[k].key, key[k].value[row->choice[k]]);
    printf(" (%.2f %%, %.4g J)\n", 100 * row->figure[XBTAB_SWEEP_MODE], row->figure[XBTAB_SWEEP_ENERGY]);
}

void cli_sweep_cost_json(json_t *to, const cli_sweep_cost *c)
{
    json_t *front = json_array();
    for (int k = 0; k < N_FIGURES; k++)
        if (c->front >> figures[k].figure & 1) json_array_append_new(front, json_string(figures[k].word));
    json_object_set_new(to, "front", front);
    json_object_set_new(to, "best",
                        json_pack("{s:s, s:f, s:o}", "least", xbtab_sweep_figure_name(c->best), "within",
                                  c->within, "row",
                                  c->best_row < 0 ? json_null() : json_integer((json_int_t)c->best_row)));
}
