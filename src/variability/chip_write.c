/* chip_write.c - how a cell comes to its conductance: one write, or writes until a read lies in the
 * tolerance. */
#include "chip_private.h"

#include <math.h>

#include "random.h"

/* One write of the sheet's. */
static xbtab_written write_once(const xbtab_chip *chip, const xbtab_device *device, double G, uint32_t number)
{
    xbtab_written w;
    xbtab_device_write(&w, &chip->sheet, device, G, number, chip->o.writes + number);
    return w;
}

/* Where a write aims whose last one, aimed at G_aim, missed the target: the ratio that was missed, within a
 * factor of 2 a step, so that one stray read does not send it astray. */
static double correct(double G_aim, double G_target, double G)
{
    return G_aim * fmin(fmax(G_target / fmax(G, 1e-3 * G_target), 0.5), 2.0);
}

static bool has_kind(const xbtab_write_data *data, xbtab_pulse_kind kind)
{
    size_t p = 0;
    while (p < data->n && data->kind[p] != (int)kind) p++;
    return p < data->n;
}

/* The pulse whose mean brings G nearest to the target without passing it by more than the tolerance, of those
 * that would get there within `left` pulses of their like. Where there is none, the one that goes least too
 * far, for pulses of the other kind to bring back: many devices go one way at once and the other way step by
 * step. -1 where there is neither. */
static long choose_pulse(const xbtab_writer *writer, double G, double G_target, double tolerance, double left,
                         xbtab_pulse_effect *effect)
{
    const xbtab_write_data *data = xbtab_writer_data(writer);
    const bool is_up = G_target > G, may_pass = has_kind(data, is_up ? XBTAB_PULSE_RESET : XBTAB_PULSE_SET);
    const double distance = fabs(G - G_target);
    double nearest = INFINITY;
    long chosen = -1;
    bool passes = true; /* the chosen one does */
    for (size_t p = 0; p < data->n; p++) {
        if (data->kind[p] != (is_up ? XBTAB_PULSE_SET : XBTAB_PULSE_RESET)) continue;
        const xbtab_pulse_place place = {.n = 1, .index = {p}, .weight = {1.0}};
        xbtab_pulse_effect e = xbtab_writer_effect(writer, &place, G);
        double step = is_up ? e.dG : -e.dG, after = fabs(step - distance);
        bool too_far = step > distance + tolerance;
        if (!(step * left >= distance) || (too_far && after >= distance && !may_pass)) continue;
        if (too_far ? !passes || after >= nearest : !passes && after >= nearest) continue;
        passes = too_far;
        nearest = after;
        chosen = (long)p;
        *effect = e;
    }
    return chosen;
}

/* Pulses until a read lies in the tolerance, or direct: until the mean trajectory does. Conductances are the
 * tables'. */
static double write_pulses(xbtab__chip_write *out, const xbtab_chip *chip, const xbtab_device *device,
                           double G_target, double tolerance)
{
    const xbtab_write_data *data = xbtab_writer_data(chip->writer);
    const bool is_verified = chip->o.writing == XBTAB_WRITING_VERIFY;
    const double low = data->G[0], high = data->G[data->n_G - 1], G_sheet = G_target * chip->scale;
    double factor =
        xbtab_distribution_draw(&chip->sheet.device_to_device, G_sheet, device->z_device) / G_sheet;
    double G = fmin(fmax(chip->tables->G_level[0], low), high), seen = G;
    xbtab__random random;
    xbtab__random_init(&random, device->seed, XBTAB__RANDOM_CHIP, device->index, 0x80000000u ^ device->chip);
    for (out->pulses = 0; out->pulses < (uint32_t)chip->o.pulses && fabs(seen - G_target) > tolerance;
         out->pulses++) {
        xbtab_pulse_effect mean, real;
        long p = choose_pulse(chip->writer, seen, G_target, tolerance, (double)chip->o.pulses - out->pulses,
                              &mean);
        if (p < 0) break;
        const xbtab_pulse_place place = {.n = 1, .index = {(size_t)p}, .weight = {1.0}};
        real = xbtab_writer_effect(chip->writer, &place, G);
        G = fmin(fmax(G + factor * real.dG + real.sigma * xbtab__random_normal(&random), low), high);
        if (real.energy > 0) out->energy += real.energy;
        seen = is_verified ? G : seen + mean.dG;
    }
    return G;
}

void xbtab__chip_write_cell(xbtab__chip_write *out, const xbtab_chip *chip, const xbtab_device *device,
                            double G_target)
{
    double tolerance = chip->o.tolerance * chip->scale * chip->tables->G_level[chip->tables->n_levels - 1],
           aim = G_target;
    bool is_sheets_own = chip->sheet.programming.family != XBTAB_FAMILY_NONE;
    bool is_verified = chip->o.writing == XBTAB_WRITING_VERIFY;
    *out = (xbtab__chip_write){.written = write_once(chip, device, aim, 0), .pulses = 1};
    double reachable = out->written.G_target; /* in the window that is left */
    if (chip->writer) {
        out->written.G =
            chip->scale * write_pulses(out, chip, device, reachable / chip->scale, tolerance / chip->scale);
    } else if (!is_verified || tolerance <= 0) {
        return;
    } else {
        while (fabs(out->written.G - G_target) > tolerance && out->pulses < (uint32_t)chip->o.pulses) {
            /* a sheet of verified writes has its feedback in it already */
            if (!is_sheets_own) aim = correct(aim, G_target, out->written.G);
            out->written = write_once(chip, device, aim, out->pulses++);
        }
    }
    out->is_unverified = is_verified && fabs(out->written.G - G_target) > tolerance;
    out->written.G_target = reachable;
}
