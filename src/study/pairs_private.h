/* pairs_private.h - what the files of a comparison share. */
#ifndef XBTAB_STUDY_PAIRS_PRIVATE_H
#define XBTAB_STUDY_PAIRS_PRIVATE_H

#include <xbartab/pairs.h>
#include <xbartab/spec.h>
#include <xbartab/tables.h>

#include "check.h"

/** A pair's figures, of its tables. What cannot be found stays as it is. */
xbtab_status xbtab__pair_measure(xbtab_pair_figures *out, const xbtab_tables *tables,
                                 const xbtab_spec *spec) XBTAB_MUST_CHECK;

/** What an image of a network costs on its tiles. What cannot be found stays as it is. */
xbtab_status xbtab__pair_cost(xbtab_pair_figures *out, const xbtab_tables *tables,
                              const xbtab_network *network, const xbtab_models *models) XBTAB_MUST_CHECK;

typedef struct xbtab__word {
    const char *name, *value; /* value NULL: the default, which must be there */
} xbtab__word;

/** Replace each @NAME@ and @NAME:default@ of a text.
 *  @param[out] out    the caller's: xbtab__free(). Untouched on failure.
 *  @param      place  what messages call the text.
 *  @param      words  ended by a name NULL.
 *  @return XBTAB_ERR_INPUT (a name that has no value), XBTAB_ERR_NOMEM. */
xbtab_status xbtab__fill_in(char **out, const char *text, const char *place,
                            const xbtab__word *words) XBTAB_MUST_CHECK;

#endif
