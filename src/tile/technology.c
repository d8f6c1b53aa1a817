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
    double codes = ldexp(1.0, technology->tables->adc_bits);
    double middle = xbtab_array_is_signed(&technology->tables->array) ? codes / 2 : 0;
    return codes * (xbtab_technology_tia(technology, I) - technology->V_low) /
               (technology->V_high - technology->V_low) -
           middle;
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

double xbtab_technology_drive(const xbtab_technology *technology, size_t row, int code)
{
    const xbtab_array *array = &technology->tables->array;
    double V = xbtab_array_has_gates(array) ? technology->tables->v_read
                                            : xbtab_technology_dac_voltage(technology, code);
    return xbtab_array_sign(array, (long)row) * V;
}

double xbtab_technology_transfer(const xbtab_technology *technology, double y, double a, double p,
                                 double I_lost)
{
    const xbtab_transfer_data *t = &technology->tables->transfer;
    double u = y / technology->tables->I_full_scale, sum = 0;
    for (size_t k = 0; k < t->n_terms; k++) {
        const int32_t *n = t->power + 3 * k;
        sum += t->coefficient[k] * xbtab__power(u, n[0]) * xbtab__power(a, n[1]) * xbtab__power(p, n[2]);
    }
    return technology->tables->I_full_scale * sum + I_lost * a * (t->lost[0] + t->lost[1] * a);
}

const xbtab_tables *xbtab_technology_tables(const xbtab_technology *technology)
{
    return technology->tables;
}

/* The ADC's range [A]. */
static void find_range(const xbtab_technology *technology, double *I_low, double *I_high)
{
    double I = technology->tables->I_full_scale;
    bool is_signed = xbtab_array_is_signed(&technology->tables->array);
    *I_low = is_signed ? -I / 2 : 0.0;
    *I_high = is_signed ? I / 2 : I;
}

/* The TIA's input as a resistance and an offset, over the currents a tile can draw. */
static xbtab_status fit_input(xbtab_technology *technology)
{
    const xbtab_tia_data *t = &technology->tables->tia;
    size_t first = 0, end = t->n;
    double c00, c01, c11, sum, I_low, I_high;
    find_range(technology, &I_low, &I_high);
    while (first < t->n && t->I_in[first] < I_low) first++;
    while (end > first && t->I_in[end - 1] > I_high) end--;
    if (end - first < 2)
        XBTAB_FAIL(XBTAB_ERR_INPUT, "/tia has no points between %g A and %g A, the ADC's range", I_low,
                   I_high);
    gsl_fit_linear(t->I_in + first, 1, t->V_in + first, 1, end - first, &technology->V_offset,
                   &technology->r_in, &c00, &c01, &c11, &sum);
    if (technology->r_in < 0) technology->r_in = 0; /* an ideal virtual ground, to rounding */
    return XBTAB_OK;
}

/* How far the TIA's input is from its straight line. Beyond the table its last piece goes on. */
static double input_bend(const void *context, double I, double *slope)
{
    const xbtab_technology *t = context;
    const xbtab_tia_data *d = &t->tables->tia;
    double step = (d->I_in[d->n - 1] - d->I_in[0]) / (double)(d->n - 1);
    double k = fmin(fmax(floor((I - d->I_in[0]) / step), 0.0), (double)(d->n - 2));
    const double *V = d->V_in + (size_t)k;
    *slope = (V[1] - V[0]) / step - t->r_in;
    return V[0] + (V[1] - V[0]) * ((I - d->I_in[0]) / step - k) - (t->V_offset + t->r_in * I);
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
    double I_low, I_high;
    xbtab_technology *t = xbtab__alloc(1, sizeof *t);
    if (!t) return XBTAB_NOMEM();
    t->tables = tables;
    XBTAB_TRY_DONE(xbtab__cell_table_init(&t->cell, &tables->cell));
    XBTAB_TRY_DONE(fit_input(t));
    find_range(t, &I_low, &I_high);
    t->V_low = xbtab_technology_tia(t, I_low);
    t->V_high = xbtab_technology_tia(t, I_high);
    if (!(fabs(t->V_high - t->V_low) > 0)) {
        XBTAB_FAIL_DONE(XBTAB_ERR_INPUT, "the TIA's output is %g V both at %g A and at %g A: it clips",
                        t->V_low, I_low, I_high);
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
