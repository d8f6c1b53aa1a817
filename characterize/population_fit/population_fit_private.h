/* population_fit_private.h - what estimates of single effects share: groups of samples, and the sheet being
 * written. */
#ifndef XBTAB_CHARACTERIZE_POPULATION_FIT_PRIVATE_H
#define XBTAB_CHARACTERIZE_POPULATION_FIT_PRIVATE_H

#include <xbartab/population_fit.h>

#include "population_samples.h"
#include "population_spec.h"

/* Groups with fewer samples are left out: their spread would be off by a fifth. */
enum { XBTAB__LEAST_IN_GROUP = 12, XBTAB__SOURCE_SIZE = 1024 };

/** Groups that grow; their values are owned. Start as {0}. */
typedef struct xbtab__groups {
    xbtab__group *group;
    int n, room;
} xbtab__groups;

void xbtab__groups_clear(xbtab__groups *groups);

/** A new group with room for n values. */
xbtab_status xbtab__groups_add(xbtab__groups *groups, double at, size_t n) XBTAB_MUST_CHECK;

typedef struct xbtab__builder {
    const xbtab__population_spec *spec;
    const char *folder;
    xbtab_note_fn note;
    void *payload;
    xbtab__text section[XBTAB__EFFECTS]; /* whole sections but for those that gather groups */
    xbtab__groups device, cycle;         /* of several measurements */
    char found[XBTAB__EFFECTS][XBTAB__SOURCE_SIZE];
} xbtab__builder;

void xbtab__tell(const xbtab__builder *b, const xbtab__measurement *m, const char *what);

/** "source: ..." and "trust: ..." of a section. @param assumption  NULL = nothing but the data is in it. */
void xbtab__add_source(xbtab__text *text, const xbtab__builder *b, const char *files, const char *what,
                       const char *assumption);

xbtab_status xbtab__fail_in(const xbtab__measurement *m, const char *what) XBTAB_MUST_CHECK;

/** A file's path, as the specification writes it: from its own folder. */
xbtab_status xbtab__data_path(xbtab__text *path, const xbtab__builder *b, const char *name) XBTAB_MUST_CHECK;

/** Points of a file in the builder's folder, in the measurement's columns; end with xbtab__points_clear(). */
xbtab_status xbtab__read_data(xbtab__points *out, const xbtab__builder *b, const xbtab__measurement *m,
                              const char *name) XBTAB_MUST_CHECK;

/** The point of device d with the least x. */
size_t xbtab__earliest(const xbtab__points *p, int d);

/** Estimate one effect and write its section, or gather its groups. */
typedef xbtab_status xbtab__fit_effect(xbtab__builder *b, const xbtab__measurement *m,
                                       const xbtab__points *p);
xbtab__fit_effect xbtab__fit_programming, xbtab__fit_relaxation, xbtab__fit_spreads, xbtab__fit_reads,
    xbtab__fit_stuck, xbtab__fit_endurance, xbtab__fit_retention;

/** Model parameters of a table with one line a device. */
xbtab_status xbtab__fit_parameters(xbtab__builder *b, const xbtab__measurement *m,
                                   const char *path) XBTAB_MUST_CHECK;

/** Write what was gathered of device_to_device or cycle_to_cycle. */
xbtab_status xbtab__write_spreads(xbtab__builder *b, xbtab__effect effect, xbtab__groups *g,
                                  const char *key) XBTAB_MUST_CHECK;

#endif
