/* number.h - numbers that people wrote, read strictly.
 *
 * A number is decimal: a sign or none, digits with at most one point among them, and e with a whole power of
 * ten or none. Nothing else is one: no blanks, no nan and inf, no hexadecimal or octal digits (a whole number
 * does not begin with 0 unless it is 0), no underscores, no text behind it. Unlike the C library's functions
 * these never clamp: a number that a double or 64 bits cannot hold is refused. Threads: safe. */
#ifndef XBARTAB_NUMBER_H
#define XBARTAB_NUMBER_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** What is wrong with a text. */
typedef enum xbtab_number_fault {
    XBTAB_NUMBER_FINE = 0,
    XBTAB_NUMBER_NONE,    /* it is no number */
    XBTAB_NUMBER_OUTSIDE, /* outside what was asked for, or too large for a double or 64 bits */
    XBTAB_NUMBER_TINY     /* not 0, but nearer to it than the smallest double of full precision, 2.2e-308 */
} xbtab_number_fault;

/** The number at the start of a text. @param[out] out  untouched unless fine. @param[out] end  behind the
 *  number; text itself where there is none. */
xbtab_number_fault xbtab_number_scan(double *out, const char **end, const char *text);

/** A text that is one number from least to most. @param[out] out  untouched unless fine. */
xbtab_number_fault xbtab_number_real(double *out, const char *text, double least, double most);

/** A text that is one whole number from least to most; as digits: 1e3 is none. */
xbtab_number_fault xbtab_number_whole(int64_t *out, const char *text, int64_t least, int64_t most);

/** The same from 0 to most, over all 64 bits. */
xbtab_number_fault xbtab_number_unsigned(uint64_t *out, const char *text, uint64_t most);

#ifdef __cplusplus
}
#endif
#endif
