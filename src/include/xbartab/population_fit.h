/* population_fit.h - from measured devices to a population sheet.
 *
 * A YAML specification lists measurements, each with the effect that it shows, its file and its columns. What
 * is estimated, and how: programming       deviations from the target, level by level relaxation changes of
 * conductance since the earliest read, by time and by initial conductance device_to_device, cycle_to_cycle
 * spreads of ln G between devices' means, and within devices read_noise        spread of a device's reads;
 * two levels (RTN) where a mixture of two normals of one width is better by BIC and its levels are three
 * widths apart or more stuck             shares of a map beyond two thresholds endurance         narrowing of
 * the window with log10 of the writes; writes to failure retention         times to loss of each device
 * against temperature, by linear least squares in Arrhenius' plane parameters        values of model
 * parameters, one line a device, with their rank correlation A family of distributions is chosen by the
 * Bayesian information criterion summed over levels (normal or lognormal); where Anderson and Darling's test
 * (parameters estimated, 5 %: Stephens 1974) rejects the better one in more than half of the levels, a table
 * of quantiles takes its place. The sheet says what was chosen and with which figures. */
#ifndef XBARTAB_POPULATION_FIT_H
#define XBARTAB_POPULATION_FIT_H

#include <xbartab/population.h>
#include <xbartab/progress.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Estimate a population.
 *  @param[out] text    the sheet as YAML; the caller frees it with xbtab_population_text_free().
 *  @param      spec    YAML file.
 *  @param      folder  where its data files are.
 *  @param      note    one line a measurement: what was found; NULL = none.
 *  @return XBTAB_ERR_INPUT (specification or data; the message names file and line), XBTAB_ERR_IO,
 *  XBTAB_ERR_NOMEM. Threads: safe. */
xbtab_status xbtab_population_fit(char **text, const char *spec, const char *folder, xbtab_note_fn note,
                                  void *payload) XBTAB_MUST_CHECK;
void xbtab_population_text_free(char **text);

/** Level confusion: devices are written to the middle of each level, or lie anywhere within it, and read
 * after t seconds.
 *  @param[out] share     share[n_levels][n_levels]: row = level at first, column = level read.
 *  @param      step      conductance between levels; level k is at k * step [S].
 *  @param      devices   drawn a level; 10^8 of all levels at most, which take some minutes.
 *  @param      verified  1: the first level is the one found right after the write (the error of programming
 * is within it), so that only relaxation moves devices; 0: it is the target's. */
xbtab_status xbtab_population_confusion(const xbtab_population *p, int n_levels, double step, double t,
                                        double T, int devices, int verified, uint64_t seed,
                                        double *share) XBTAB_MUST_CHECK;

#ifdef __cplusplus
}
#endif
#endif
