/* clock.h - time that only goes forward. */
#ifndef XBTAB_BASE_CLOCK_H
#define XBTAB_BASE_CLOCK_H

/** Seconds on a steady clock, from some start. */
double xbtab__seconds(void);

#endif
