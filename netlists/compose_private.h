/* compose_private.h - pieces that the composers share. */
#ifndef XBTAB_NETLISTS_COMPOSE_PRIVATE_H
#define XBTAB_NETLISTS_COMPOSE_PRIVATE_H

#include "compose.h"

/** " name=value" of every parameter but one (its index; -1 = all). */
void xbtab__compose_values(xbtab__text *text, const xbtab_model_use *use, int without);

bool xbtab__compose_has_gate(const xbtab_spec *spec);

/** The supply of the gate line, where the selector has one. */
void xbtab__compose_gate_supply(xbtab__text *text, const xbtab_spec *spec);

/** One TIA from node t<j> to node o<j>. */
void xbtab__compose_tia(xbtab__text *text, const xbtab_spec *spec, int j);

#endif
