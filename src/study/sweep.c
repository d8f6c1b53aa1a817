/* sweep.c - the grid of a sweep: its base, its keys and their points. */
#include "sweep_private.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <xbartab/cost.h>
#include <xbartab/data.h>
#include <xbartab/version.h>

#include "memory.h"

/* ---- keys ---- */

static xbtab_status add_value(xbtab_sweep_key *k, const char *text, size_t n)
{
    char **more = xbtab__realloc(k->value, (size_t)k->n + 1, sizeof *more);
    if (!more) return XBTAB_NOMEM();
    k->value = more;
    char *value = xbtab__alloc(n + 1, 1);
    if (!value) return XBTAB_NOMEM();
    memcpy(value, text, n);
    more[k->n++] = value;
    return XBTAB_OK;
}

static xbtab_status add_key(xbtab_sweep *s, const char *text)
{
    const char *equals = strchr(text, '=');
    if (!equals || equals == text || !equals[1])
        XBTAB_FAIL(XBTAB_ERR_OPTION, "%s is not KEY=V1,V2,...", text);
    xbtab_sweep_key *k = &s->key[s->n_keys++];
    k->key = xbtab__alloc((size_t)(equals - text) + 1, 1);
    if (!k->key) return XBTAB_NOMEM();
    memcpy(k->key, text, (size_t)(equals - text));
    int depth = 0;
    const char *from = equals + 1;
    for (const char *at = from;; at++) {
        depth += *at == '{' || *at == '[';
        depth -= *at == '}' || *at == ']';
        if (*at && (*at != ',' || depth > 0)) continue;
        if (at == from) XBTAB_FAIL(XBTAB_ERR_OPTION, "%s has an empty value", text);
        XBTAB_TRY(add_value(k, from, (size_t)(at - from)));
        from = at + 1;
        if (!*at) return XBTAB_OK;
    }
}

static xbtab_status make_rows(xbtab_sweep *s)
{
    long n = 1;
    for (int k = 0; k < s->n_keys && n <= XBTAB_SWEEP_POINTS; k++) n *= s->key[k].n;
    if (n > XBTAB_SWEEP_POINTS)
        XBTAB_FAIL(XBTAB_ERR_OPTION, "the grid has more than %d points", XBTAB_SWEEP_POINTS);
    s->row = xbtab__alloc((size_t)n, sizeof *s->row);
    if (!s->row) return XBTAB_NOMEM();
    s->n_rows = (int)n;
    for (int r = 0; r < s->n_rows; r++) {
        int rest = r;
        for (int k = s->n_keys - 1; k >= 0; k--) {
            s->row[r].choice[k] = rest % s->key[k].n;
            rest /= s->key[k].n;
        }
        for (int f = 0; f < XBTAB_SWEEP_FIGURES; f++) s->row[r].figure[f] = NAN;
    }
    return XBTAB_OK;
}

xbtab_status xbtab__sweep_text(char **out, const xbtab_sweep *s, const xbtab_sweep_row *row)
{
    static const char *const whole[] = {"tile.", "scheme.", "quantization.", "hierarchy."};
    char *text = strdup(s->base);
    if (!text) return XBTAB_NOMEM();
    for (int k = 0; k < s->n_keys; k++) {
        char key[256], *next = NULL;
        bool is_whole = false;
        for (int w = 0; w < 4; w++)
            is_whole = is_whole || strncmp(s->key[k].key, whole[w], strlen(whole[w])) == 0;
        snprintf(key, sizeof key, "%s%s", is_whole ? "" : s->prefix, s->key[k].key);
        xbtab_status status =
            xbtab_config_set(&next, text, XBTAB__SWEEP_POINT, key, s->key[k].value[row->choice[k]]);
        free(text);
        if (status < 0) return status;
        text = next;
    }
    *out = text;
    return XBTAB_OK;
}

/* ---- the base ---- */

/* A tile's specification becomes a preset; a preset loses the provenance of numbers that are about to change.
 */
static xbtab_status read_base(xbtab_sweep *s, const xbtab_models *models)
{
    xbtab_arch *arch = NULL;
    xbtab_spec *spec = NULL;
    xbtab_status status;
    size_t length = strlen(s->o.base);
    bool is_file = strchr(s->o.base, '/') || (length > 5 && strcmp(s->o.base + length - 5, ".yaml") == 0);
    if (is_file && xbtab_spec_open(&spec, s->o.base, models) == XBTAB_OK) {
        s->prefix = "tile.";
        if (!s->o.network || !s->o.images)
            XBTAB_FAIL_DONE(XBTAB_ERR_OPTION, "%s: a tile needs a network and images", s->o.base);
        if (s->o.cost)
            XBTAB_TRY_DONE(xbtab_cost_around_tile(&s->base, spec->text, xbtab_data_folder()));
        else
            XBTAB_TRY_DONE(xbtab_config_set(&s->base, "name: tile\nsummary: a tile\nsurvey_ref: \"-\"\n",
                                            spec->path, "tile", spec->text));
    } else {
        s->prefix = "";
        XBTAB_TRY_DONE(xbtab_arch_find(&arch, s->o.base, models));
        XBTAB_TRY_DONE(xbtab_config_set(&s->base, arch->text, arch->name, "provenance", "[]"));
    }
done:
    xbtab_spec_destroy(&spec);
    xbtab_arch_destroy(&arch);
    return status;
}

static xbtab_status open_base(xbtab_sweep *s)
{
    xbtab_models *models = NULL;
    XBTAB_TRY(xbtab_models_open_with(&models, s->o.models));
    xbtab_status status = read_base(s, models);
    xbtab_models_destroy(&models);
    return status;
}

/* Fowler-Noll-Vo, 64 bits. */
static uint64_t mix(uint64_t h, const char *text)
{
    for (; text && *text; text++) h = (h ^ (unsigned char)*text) * 0x100000001b3u;
    return h;
}

/* Names all that a row depends on but its keys. */
static uint64_t name_run(const xbtab_sweep *s)
{
    const xbtab_sweep_options *o = &s->o;
    char numbers[128];
    snprintf(numbers, sizeof numbers, "%d %zu %zu %s%s", o->raw_pixels, o->limit, o->calibrate, XBTAB_VERSION,
             o->cost ? " cost" : "");
    const char *const parts[] = {s->base, o->network, o->images, o->labels, o->mode, numbers};
    uint64_t h = 0xcbf29ce484222325u;
    for (size_t k = 0; k < sizeof parts / sizeof parts[0]; k++) h = mix(h, parts[k]) * 0x100000001b3u;
    for (size_t k = 0; k < o->n_input_shapes; k++) {
        const xbtab_input_shape *shape = &o->input_shape[k];
        h = mix(h, shape->name);
        for (int d = 0; d < shape->rank; d++) {
            snprintf(numbers, sizeof numbers, "%c%lld", d ? ',' : '=', (long long)shape->dim[d]);
            h = mix(h, numbers);
        }
        h *= 0x100000001b3u;
    }
    return h;
}

/* ---- the whole ---- */

static xbtab_status take_options(xbtab_sweep *s)
{
    xbtab_sweep_options *o = &s->o;
    const long cores = sysconf(_SC_NPROCESSORS_ONLN);
    if (!o->mode) o->mode = "table";
    if (strcmp(o->mode, "ideal") != 0 && strcmp(o->mode, "table") != 0 && strcmp(o->mode, "solve") != 0)
        XBTAB_FAIL(XBTAB_ERR_OPTION, "mode \"%s\" is not ideal, table or solve", o->mode);
    if (!o->base || !o->csv) XBTAB_FAIL(XBTAB_ERR_OPTION, "a sweep needs a preset or a tile, and a CSV file");
    if (o->n_sets < 1 || o->n_sets > XBTAB_SWEEP_KEYS)
        XBTAB_FAIL(XBTAB_ERR_OPTION, "%zu keys are not 1 to %d", o->n_sets, XBTAB_SWEEP_KEYS);
    if (o->workers < 0 || o->workers > XBTAB_SWEEP_WORKERS)
        XBTAB_FAIL(XBTAB_ERR_OPTION, "%d runs at once are not 1 to %d", o->workers, XBTAB_SWEEP_WORKERS);
    if (!o->workers) o->workers = (int)(cores < XBTAB_SWEEP_WORKERS ? cores : XBTAB_SWEEP_WORKERS);
    if (o->workers < 1) o->workers = 1;
    s->threads = cores > o->workers ? (int)(cores / o->workers) : 1;
    return XBTAB_OK;
}

xbtab_status xbtab_sweep_open(xbtab_sweep **out, const xbtab_sweep_options *options)
{
    xbtab_status status;
    xbtab_sweep *s = xbtab__alloc(1, sizeof *s);
    if (!s) return XBTAB_NOMEM();
    s->o = *options;
    XBTAB_TRY_DONE(take_options(s));
    XBTAB_TRY_DONE(open_base(s));
    for (size_t k = 0; k < s->o.n_sets; k++) XBTAB_TRY_DONE(add_key(s, s->o.set[k]));
    XBTAB_TRY_DONE(make_rows(s));
    s->run = name_run(s);
    *out = s;
    s = NULL;
done:
    xbtab_sweep_destroy(&s);
    return status;
}

const xbtab_sweep_key *xbtab_sweep_keys(const xbtab_sweep *sweep, size_t *n)
{
    *n = (size_t)sweep->n_keys;
    return sweep->key;
}

size_t xbtab_sweep_rows(const xbtab_sweep *sweep)
{
    return (size_t)sweep->n_rows;
}

const xbtab_sweep_row *xbtab_sweep_row_get(const xbtab_sweep *sweep, size_t row)
{
    return &sweep->row[row];
}

void xbtab_sweep_destroy(xbtab_sweep **sweep)
{
    xbtab_sweep *s = *sweep;
    if (!s) return;
    for (int k = 0; k < s->n_keys; k++) {
        for (int v = 0; v < s->key[k].n; v++) xbtab__free(s->key[k].value[v]);
        xbtab__free(s->key[k].value);
        xbtab__free(s->key[k].key);
    }
    xbtab__free(s->row);
    free(s->base);
    xbtab__free(s);
    *sweep = NULL;
}
