/* technology.c - what the tables say, ready to be evaluated. */
#include "technology.h"

#include <math.h>

#include <gsl/gsl_fit.h>

#include "memory.h"

/* y(x) on a uniform grid, linear between its points and beyond them. */
static double interpolate(const double *x, const double *y, size_t n, double at)
{
    double u = (at - x[0]) / (x[n - 1] - x[0]) * (double)(n - 1);
    double k = fmin(fmax(floor(u), 0.0), (double)(n - 2));
    size_t i = (size_t)k;
    return y[i] + (u - k) * (y[i + 1] - y[i]);
}

double xbtab_technology_tia(const xbtab_technology *technology, double I)
{
    const xbtab_tia_data *t = &technology->tables->tia;
    return interpolate(t->I_in, t->V_out, t->n, I);
}

double xbtab_technology_adc(const xbtab_technology *technology, double I)
{
    return ldexp(1.0, technology->tables->adc_bits) *
           (xbtab_technology_tia(technology, I) - technology->V_low) /
           (technology->V_high - technology->V_low);
}

void xbtab_technology_adc_references(const xbtab_technology *technology, double *V_low, double *V_high)
{
    *V_low = technology->V_low;
    *V_high = technology->V_high;
}

void xbtab_technology_readout_spread(const xbtab_technology *technology, double *offset_sigma,
                                     double *noise_sigma)
{
    const xbtab_readout_data *r = &technology->tables->readout;
    double per_volt = ldexp(1.0, technology->tables->adc_bits) / fabs(technology->V_high - technology->V_low);
    if (offset_sigma) *offset_sigma = isfinite(r->offset_sigma) ? r->offset_sigma * per_volt : 0.0;
    if (noise_sigma) *noise_sigma = isfinite(r->noise_rms) ? r->noise_rms * per_volt : 0.0;
}

double xbtab_technology_dac_voltage(const xbtab_technology *technology, int code)
{
    return technology->tables->v_read * code / ((1 << technology->tables->dac_bits) - 1);
}

double xbtab_technology_transfer(const xbtab_technology *technology, double y, double a, double p)
{
    const xbtab_transfer_data *t = &technology->tables->transfer;
    double u = y / technology->tables->I_full_scale, sum = 0;
    for (size_t k = 0; k < t->n_terms; k++) {
        const int32_t *n = t->power + 3 * k;
        sum += t->coefficient[k] * xbtab__power(u, n[0]) * xbtab__power(a, n[1]) * xbtab__power(p, n[2]);
    }
    return technology->tables->I_full_scale * sum;
}

const xbtab_tables *xbtab_technology_tables(const xbtab_technology *technology)
{
    return technology->tables;
}

/* The TIA's input as a resistance and an offset, over the currents a tile can draw. */
static xbtab_status fit_input(xbtab_technology *technology)
{
    const xbtab_tia_data *t = &technology->tables->tia;
    size_t first = 0, end = t->n;
    double c00, c01, c11, sum;
    while (first < t->n && t->I_in[first] < 0) first++;
    while (end > first && t->I_in[end - 1] > technology->tables->I_full_scale) end--;
    if (end - first < 2)
        XBTAB_FAIL(XBTAB_ERR_INPUT, "/tia has no points between zero and full-scale current");
    gsl_fit_linear(t->I_in + first, 1, t->V_in + first, 1, end - first, &technology->V_offset,
                   &technology->r_in, &c00, &c01, &c11, &sum);
    if (technology->r_in < 0) technology->r_in = 0; /* an ideal virtual ground, to rounding */
    return XBTAB_OK;
}

/* How far the TIA's input is from its straight line. Beyond the table the line goes on. */
static double input_bend(const void *context, double I)
{
    const xbtab_technology *t = context;
    const xbtab_tia_data *d = &t->tables->tia;
    double at = fmin(fmax(I, d->I_in[0]), d->I_in[d->n - 1]);
    return interpolate(d->I_in, d->V_in, d->n, at) - (t->V_offset + t->r_in * at);
}

xbtab__wires xbtab__technology_wires(const xbtab_technology *technology, size_t rows, size_t columns,
                                     bool bends)
{
    const xbtab_tables *t = technology->tables;
    return (xbtab__wires){.rows = (int)rows,
                          .columns = (int)columns,
                          .array = t->array,
                          .r_word = t->r_word,
                          .r_bit = t->r_bit,
                          .r_source_line = t->r_source_line,
                          .r_driver = t->r_driver,
                          .r_foot = t->r_sink + technology->r_in,
                          .V_foot = technology->V_offset,
                          .V_bend = bends ? input_bend : NULL,
                          .bend_context = technology};
}

xbtab_status xbtab_technology_create(xbtab_technology **out, const xbtab_tables *tables)
{
    xbtab_status status;
    xbtab_technology *t = xbtab__alloc(1, sizeof *t);
    if (!t) return XBTAB_NOMEM();
    t->tables = tables;
    XBTAB_TRY_DONE(xbtab__cell_table_init(&t->cell, &tables->cell));
    XBTAB_TRY_DONE(fit_input(t));
    t->V_low = xbtab_technology_tia(t, 0.0);
    t->V_high = xbtab_technology_tia(t, tables->I_full_scale);
    if (!(fabs(t->V_high - t->V_low) > 0)) {
        XBTAB_FAIL_DONE(XBTAB_ERR_INPUT,
                        "the TIA's output is %g V both at zero and at full-scale current: it clips",
                        t->V_low);
    }
    *out = t;
    t = NULL;
done:
    xbtab_technology_destroy(&t);
    return status;
}

void xbtab_technology_destroy(xbtab_technology **technology)
{
    if (!technology || !*technology) return;
    xbtab__cell_table_clear(&(*technology)->cell);
    xbtab__free(*technology);
    *technology = NULL;
}
