/* size_selector.c - the selector's size from its cell's resistance.
 *
 * The on-conductance grows in proportion to the size (a channel's width) to first order, so that size times
 * R/R_wanted is the next guess; a few steps end within rounding. */
#include <math.h>
#include <string.h>

#include <xbartab/characterize.h>

#include "compose.h"
#include "memory.h"
#include "testbench.h"
#include "worker.h"

/* Where the resistance is taken: well inside the linear part of a transistor's curve [V]. */
static const double V_small = 10e-3;

enum { MOST_STEPS = 50 };
static const double tolerance = 1e-9;

typedef struct search {
    const xbtab_spec *spec;
    double size;
} search;

/* Resistance between b at 0 V and a at V_small [ohm]. */
static xbtab_status resistance(const xbtab_spec *spec, xbtab__spice *spice, double *R)
{
    xbtab__text text = {0}, output = {0};
    double I;
    xbtab__compose_selector_bench(&text, &spec->selector);
    xbtab__text_add(&output, "i(vmeter)");
    xbtab_status status = xbtab__solve_text_all(spice, &text, 1, 1, &V_small, 1, &output, &I);
    xbtab__text_clear(&text);
    xbtab__text_clear(&output);
    *R = V_small / I;
    return status;
}

static xbtab_status find_size(const xbtab_spec *spec, xbtab__spice *spice, double *size)
{
    const xbtab_parameter *p = &spec->selector.model->parameters[spec->selector.model->size];
    double wanted = spec->selector.size_for / spec->G_level[spec->n_levels - 1], R = NAN;
    double *value = xbtab__alloc((size_t)spec->selector.model->n_parameters, sizeof *value);
    if (!value) return XBTAB_NOMEM();
    memcpy(value, spec->selector.value, (size_t)spec->selector.model->n_parameters * sizeof *value);
    xbtab_spec sized = *spec;
    sized.selector.value = value;
    double *x = &value[spec->selector.model->size];
    xbtab_status status = XBTAB_OK;
    bool is_found = false;
    for (int step = 0; step < MOST_STEPS && status == XBTAB_OK && !is_found; step++) {
        status = resistance(&sized, spice, &R);
        double next = *x * R / wanted;
        /* the smallest size may be better than it need be */
        is_found = fabs(R / wanted - 1) <= tolerance || (*x == p->min && next < p->min);
        if (is_found || !(next > 0) || (*x == p->max && next > p->max)) break;
        *x = fmin(fmax(next, p->min), p->max);
    }
    if (status == XBTAB_OK && !is_found) {
        status = xbtab__error_set(
            XBTAB_ERR_INPUT,
            "the selector is to have at most %g ohm, %g of the cell's %g ohm; with %s = %g %s "
            "(allowed: %g to %g) it has %g ohm",
            wanted, spec->selector.size_for, 1 / spec->G_level[spec->n_levels - 1], p->name, *x, p->unit,
            p->min, p->max, R);
    }
    *size = *x;
    xbtab__free(value);
    return status;
}

static xbtab_status run(xbtab__spice *spice, long unit, xbtab__bytes *reply, xbtab_sample_status *sample,
                        void *context)
{
    const search *s = context;
    double size;
    (void)unit, (void)sample;
    XBTAB_TRY(find_size(s->spec, spice, &size));
    xbtab__bytes_add(reply, &size, sizeof size);
    return XBTAB_OK;
}

static xbtab_status take(long unit, xbtab_sample_status sample, const void *bytes, size_t n, void *context)
{
    search *s = context;
    (void)unit;
    if (sample != XBTAB_SAMPLE_OK || n != sizeof s->size) {
        XBTAB_FAIL(XBTAB_ERR_SPICE, "the selector's size: %s", xbtab__sample_status_text(sample));
    }
    memcpy(&s->size, bytes, n);
    return XBTAB_OK;
}

xbtab_status xbtab_spec_size_selector(xbtab_spec *spec)
{
    if (!(spec->selector.size_for > 0) || spec->selector.is_sized) return XBTAB_OK;
    search s = {.spec = spec};
    xbtab__pool_options pool = {.n_workers = 1};
    XBTAB_TRY(xbtab__pool_run(NULL, &pool, 1, run, take, &s));
    spec->selector.value[spec->selector.model->size] = s.size;
    spec->selector.is_sized = 1;
    return XBTAB_OK;
}

xbtab_status xbtab__need_size(const xbtab_spec *spec)
{
    if (!(spec->selector.size_for > 0) || spec->selector.is_sized) return XBTAB_OK;
    XBTAB_FAIL(XBTAB_ERR_INPUT, "%s: cell.selector.size_for: the selector has not been sized", spec->path);
}
