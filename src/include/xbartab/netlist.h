/* netlist.h - a crossbar as SPICE text that the ngspice program runs unchanged (ngspice -b). */
#ifndef XBARTAB_NETLIST_H
#define XBARTAB_NETLIST_H

#include <xbartab/spec.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Write the whole crossbar: cells, selectors, wires, drivers, TIAs, inputs, one operating point an input
 * vector, and the currents of all bit lines [A] and the outputs of their TIAs [V] printed for each.
 *  @param[out] out        the text, zero-terminated; the caller frees it with xbtab_netlist_free().
 *  @param      spec       the tile.
 *  @param      state      state[rows][columns]: state parameter of each cell's RRAM; NAN leaves the device
 * out (open).
 *  @param      voltage    voltage[rows][n_vectors]: input of each word line [V].
 *  @param      n_vectors  1 or more. The sweep variable counts the vectors from 0; a single vector is printed
 * twice, because a sweep needs two points.
 *  @return XBTAB_ERR_INPUT (a state outside its bounds, a voltage that is not finite), XBTAB_ERR_NOMEM.
 *  Threads: safe. Cost: O(rows * (columns + n_vectors)). */
xbtab_status xbtab_netlist_crossbar(char **out, const xbtab_spec *spec, const double *state,
                                    const double *voltage, int n_vectors) XBTAB_MUST_CHECK;

/** Free a text of xbtab_netlist_crossbar() and set the pointer to NULL. NULL-safe. */
void xbtab_netlist_free(char **text);

#ifdef __cplusplus
}
#endif
#endif
