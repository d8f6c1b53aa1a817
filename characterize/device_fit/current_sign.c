/* current_sign.c - whether measured currents have the sign of the voltage that drives them.
 *
 * A device takes power: V I >= 0 at each point. On one side of 0 V let r be the sum of V (I - I_0) over that
 * of its magnitude, I_0 being the meter's offset where one is fitted (the current at the least |V| stands for
 * it). r is 1 for a device, -1 if the sign is lost or the probes were swapped, and in between for noise. */
#include "current_sign.h"

#include <math.h>

#include "clean.h"

/* |r| above which a side tells something, and what share of the largest power a side or a device needs to be
 * heard. */
static const double sure_ratio = 0.8, least_share = 0.05;

/* A current without a sign falls towards 0 V to no more than this share of its largest. */
static const double most_at_zero = 0.1;

typedef enum sense { SILENT, AS_MEANT, REVERSED, UNSIGNED, UNSIGNED_REVERSED } sense;

/* The meter's offset. @param[out] at_zero  magnitude of the current at the least |V|, less what a straight
 * line has there; as a share of the largest. */
static double offset_of(const xbtab__points *p, const xbtab__calibration *c, int d, double *at_zero)
{
    double V = 0, I = 0;
    const xbtab__quantity_fitted *offset = &c->parameter[c->n_own + XBTAB__OFFSET];
    size_t least = p->first[d];
    for (size_t k = p->first[d]; k < p->first[d + 1]; k++) {
        if (fabs(p->x[k]) < fabs(p->x[least])) least = k;
        V = fmax(V, fabs(p->x[k]));
        I = fmax(I, fabs(p->y[k]));
    }
    *at_zero = V > 0 && I > 0 ? fabs(p->y[least]) / I - fabs(p->x[least]) / V : 0;
    return offset->role == XBTAB_FIT_FIXED ? offset->value : p->y[least];
}

/* What a device's currents are. @param[out] power  sum of |V (I - I_0)|. @param[out] worst  its point that is
 * most against its voltage. @param[out] at_zero  current at the least |V|, as a share of the largest. */
static sense sense_of(double *power, size_t *worst, double *at_zero, const xbtab__points *p,
                      const xbtab__calibration *c, int d)
{
    double sum[2] = {0}, all[2] = {0}, I_0 = offset_of(p, c, d, at_zero), against = 0;
    for (size_t k = p->first[d]; k < p->first[d + 1]; k++) {
        double VI = p->x[k] * (p->y[k] - I_0);
        sum[p->x[k] < 0] += VI;
        all[p->x[k] < 0] += fabs(VI);
        if (VI >= against) continue;
        against = VI;
        *worst = k;
    }
    *power = all[0] + all[1];
    int side[2];
    for (int k = 0; k < 2; k++) {
        bool is_heard = all[k] > 0 && all[k] >= least_share * *power;
        side[k] = !is_heard ? 2 : sum[k] > sure_ratio * all[k] ? 1 : sum[k] < -sure_ratio * all[k] ? -1 : 0;
    }
    if (side[0] == 0 || side[1] == 0 || (side[0] == 2 && side[1] == 2)) return SILENT;
    if (side[0] > 0 && side[1] > 0) return AS_MEANT;
    if (side[0] == 1) return UNSIGNED;
    return side[1] == 1 ? UNSIGNED_REVERSED : REVERSED;
}

xbtab_status xbtab__refuse_sign(const char *path, size_t line, const char *curve, const char *label, double V,
                                double I)
{
    char shown[XBTAB__LABEL_SIZE];
    XBTAB_FAIL(XBTAB_ERR_INPUT,
               "%s:%zu: %s \"%s\" has %g A at %g V: a positive voltage drives a positive current from "
               "top to bottom; is an offset or a sign left in the data?",
               path, line, curve, xbtab__clean(shown, label, XBTAB__LABEL_SHOWN), I, V);
}

/* The sense of all devices that conduct well; SILENT = none says anything. */
static xbtab_status common_sense(sense *out, const xbtab__points *p, const xbtab__calibration *c,
                                 const char *path)
{
    double power = 0, most = 0, at_zero = 0;
    char label[XBTAB__LABEL_SIZE];
    size_t worst = 0;
    *out = SILENT;
    for (int d = 0; d < p->n_devices; d++) {
        sense_of(&power, &worst, &at_zero, p, c, d);
        most = fmax(most, power);
    }
    for (int d = 0; d < p->n_devices; d++) {
        worst = p->first[d];
        sense own = sense_of(&power, &worst, &at_zero, p, c, d);
        if (own == SILENT || power < least_share * most) continue;
        bool is_unsigned = own == UNSIGNED || own == UNSIGNED_REVERSED;
        if (*out == SILENT) *out = own;
        if (own == *out && !(is_unsigned && at_zero > most_at_zero)) continue;
        if (own == AS_MEANT) { /* the one before is the odd one */
            XBTAB_FAIL(
                XBTAB_ERR_INPUT,
                "%s: the current of device \"%s\" has the voltage's sign, that of a device before it has "
                "not; is a sign left in the data?",
                path, xbtab__clean(label, p->label[d], XBTAB__LABEL_SHOWN));
        }
        return xbtab__refuse_sign(path, p->line[worst], "device", p->label[d], p->x[worst], p->y[worst]);
    }
    return XBTAB_OK;
}

/* Conductances from currents at one voltage: all below 0 are all reversed. */
static xbtab_status turn_conductances(const char **what, xbtab__points *p, const xbtab__calibration *c,
                                      const char *path)
{
    double sum = 0, all = 0;
    for (size_t k = 0; k < p->n; k++) {
        sum += p->y[k];
        all += fabs(p->y[k]);
    }
    if (sum >= -sure_ratio * all) return XBTAB_OK;
    if (!c->y_is_current) {
        XBTAB_FAIL(XBTAB_ERR_INPUT, "%s:%zu: a conductance of %g S, and most are below 0", path, p->line[0],
                   p->y[0]);
    }
    for (size_t k = 0; k < p->n; k++) p->y[k] = -p->y[k];
    *what = "currents against the read voltage: fitted with the other sign";
    return XBTAB_OK;
}

xbtab_status xbtab__points_turn(const char **what, xbtab__points *p, const xbtab__calibration *c,
                                const char *path)
{
    sense found;
    *what = NULL;
    if (c->kind != XBTAB_FIT_IV) return turn_conductances(what, p, c, path);
    XBTAB_TRY(common_sense(&found, p, c, path));
    if (found == SILENT || found == AS_MEANT) return XBTAB_OK;
    for (size_t k = 0; k < p->n; k++) {
        bool is_below = p->x[k] < 0;
        if (found == REVERSED || (found == UNSIGNED) == is_below) p->y[k] = -p->y[k];
    }
    *what = found == REVERSED
                ? "currents against their voltages (probes swapped?): fitted with the other sign"
                : "currents without a sign: fitted with their voltages' sign";
    return XBTAB_OK;
}
