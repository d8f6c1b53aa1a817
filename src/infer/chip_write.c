/* chip_write.c - how a cell comes to its conductance: one write, or writes until a read lies in the
 * tolerance. */
#include "chip_private.h"

#include <math.h>

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

void xbtab__chip_write_cell(xbtab__chip_write *out, const xbtab_chip *chip, const xbtab_device *device,
                            double G_target)
{
    double tolerance = chip->o.tolerance * chip->scale * chip->tables->G_level[chip->tables->n_levels - 1],
           aim = G_target;
    bool is_sheets_own = chip->sheet.programming.family != XBTAB_FAMILY_NONE;
    *out = (xbtab__chip_write){.written = write_once(chip, device, aim, 0), .pulses = 1};
    if (chip->o.writing != XBTAB_WRITING_VERIFY || tolerance <= 0) return;
    double reachable = out->written.G_target; /* in the window that is left */
    while (fabs(out->written.G - G_target) > tolerance && out->pulses < (uint32_t)chip->o.pulses) {
        /* a sheet of verified writes has its feedback in it already */
        if (!is_sheets_own) aim = correct(aim, G_target, out->written.G);
        out->written = write_once(chip, device, aim, out->pulses++);
    }
    out->is_unverified = fabs(out->written.G - G_target) > tolerance;
    out->written.G_target = reachable;
}
