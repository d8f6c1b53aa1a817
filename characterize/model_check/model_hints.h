/* model_hints.h - what a researcher may do about what ngspice says of a model. */
#ifndef XBTAB_CHARACTERIZE_MODEL_HINTS_H
#define XBTAB_CHARACTERIZE_MODEL_HINTS_H

/** A static text; otherwise: where the words are none that we know. */
const char *xbtab__model_hint(const char *said, const char *otherwise);

#endif
