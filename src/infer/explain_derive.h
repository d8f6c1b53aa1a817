/* explain_derive.h - the same technology with some of its effects switched off. */
#ifndef XBTAB_INFER_EXPLAIN_DERIVE_H
#define XBTAB_INFER_EXPLAIN_DERIVE_H

#include <xbartab/explain.h>
#include <xbartab/tables.h>

#include "check.h"

typedef struct xbtab__derived xbtab__derived;

/** Tables with analog effects switched off, by XBTAB_EFFECT_BIT()s of which only wires, nonlinearity and tia
 * count:
 *  - wires: r_word = r_bit = r_driver = r_sink = 0;
 *  - nonlinearity: every state's cell is the conductance that it has at v_read, whatever its voltages;
 *  - tia: its input stays at 0 V, its output is a straight line through its own outputs at zero and
 * full-scale current.
 *
 * The tables' sample tiles are solved again, exactly, in the technology that is left, and T is fitted to
 * them; where no wires and no TIA input are left, every current is its effective matrix' own and T is the
 * identity.
 *  @param[out] out     end with xbtab__derived_destroy(). Untouched on failure.
 *  @param      tables  borrowed until then.
 *  @return XBTAB_ERR_SOLVE, XBTAB_ERR_NOMEM. Threads: safe. Cost: one exact solution a sample vector. */
xbtab_status xbtab__derived_create(xbtab__derived **out, const xbtab_tables *tables,
                                   unsigned off) XBTAB_MUST_CHECK;
void xbtab__derived_destroy(xbtab__derived **derived);

/** Borrowed. With nothing off these are the tables as they came. */
const xbtab_tables *xbtab__derived_tables(const xbtab__derived *derived);

#endif
