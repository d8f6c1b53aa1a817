/* same_bits.h - one libm for every processor. */
#ifndef XBARTAB_CLI_SAME_BITS_H
#define XBARTAB_CLI_SAME_BITS_H

/** glibc chooses its exp, log, pow, sin ... by the processor: those that use fused multiply-add differ from
 * the others in the last bit of some values, in ngspice as in the program itself. Starts the program again,
 * once, with these variants switched off (GLIBC_TUNABLES, beside what the user has there), so that the same
 * input gives the same bits on every x86-64 processor. Returns where it is so already, and where it cannot be
 * done (no glibc, no /proc): then only the machine's own bits are the same. */
void cli_same_bits(char **argv);

#endif
