/* array.h - how currents and inputs run through an array.
 *
 *   word_line_input                              gate_input
 *
 *   in0 -R-w-+---w-+---w-+--                     r_driver at the read voltage
 *            cell  cell  cell                        |bit   source
 *   in1 -R-w-+---w-+---w-+--                         b       s
 *            cell  cell  cell              gate in0  +-cell--+
 *            |     |     |                           b       s
 *            b     b     b                 gate in1  +-cell--+
 *            r_sink, TIA                                     s
 *                                                            r_sink, TIA
 *
 * word_line_input: the input drives the word line, which also carries the current; bit lines are sensed.
 * gate_input: the input is the voltage of the cells' gates, and the word line carries no current; each column
 * has a bit line at the read voltage and, parallel to it, a source line that carries the current to the TIA.
 *
 * Alternating polarity: word line 2k works at +V and 2k + 1 at -V around the sense line's level, so that a
 * column's current is a difference, and what the lines lose goes with that difference. With gate inputs the
 * cells 2k and 2k + 1 of a column are the pair of one 2T2R cell: they stand at one place of its source line,
 * and hang on two bit lines, one at +V and one at -V. All voltages, those of gates too, count from the sense
 * line's level. */
#ifndef XBARTAB_ARRAY_H
#define XBARTAB_ARRAY_H

#ifdef __cplusplus
extern "C" {
#endif

typedef enum xbtab_topology {
    XBTAB_TOPOLOGY_WORD_LINE_INPUT = 0,
    XBTAB_TOPOLOGY_GATE_INPUT = 1
} xbtab_topology;

typedef enum xbtab_polarity {
    XBTAB_POLARITY_UNIFORM = 0,    /* all lines at +V: currents of one sign */
    XBTAB_POLARITY_ALTERNATING = 1 /* +V and -V in turns: currents of both signs */
} xbtab_polarity;

/** The driven end of the lines that carry the current into the array: word lines, or with gate inputs bit
 * lines. A driver with its r_driver stands at each driven end, one line segment before the first cell. */
typedef enum xbtab_drive {
    XBTAB_DRIVE_FIRST = 0, /* left end of word lines, top end of bit lines */
    XBTAB_DRIVE_LAST = 1,  /* right, or bottom */
    XBTAB_DRIVE_BOTH = 2
} xbtab_drive;

/** The end of the bit lines (or source lines) where r_sink and the TIA stand, one segment from the nearest
 * cell. */
typedef enum xbtab_sense { XBTAB_SENSE_BOTTOM = 0, XBTAB_SENSE_TOP = 1 } xbtab_sense;

/** All of it; zero is word lines driven at their left ends and bit lines sensed at their lower ends. */
typedef struct xbtab_array {
    xbtab_topology topology;
    xbtab_polarity polarity;
    xbtab_drive drive;
    xbtab_sense sense;
} xbtab_array;

/** The words of specifications, options and table files, in the order of the values; NULL-terminated, static.
 */
const char *const *xbtab_topology_words(void);
const char *const *xbtab_polarity_words(void);
const char *const *xbtab_drive_words(xbtab_topology topology);
const char *const *xbtab_sense_words(void);

/** Index of a word in such a list; -1 if it is none of them. */
int xbtab_array_word(const char *const *words, const char *word);

/** Whether the inputs are gate voltages. */
static inline int xbtab_array_has_gates(const xbtab_array *array)
{
    return array->topology == XBTAB_TOPOLOGY_GATE_INPUT;
}

/** Whether a column's current has either sign. The ADC's range then lies around zero. */
static inline int xbtab_array_is_signed(const xbtab_array *array)
{
    return array->polarity == XBTAB_POLARITY_ALTERNATING;
}

/** Sign of word line i's voltage, or with gate inputs of its cells' bit lines: +1 or -1. */
static inline int xbtab_array_sign(const xbtab_array *array, long i)
{
    return array->polarity == XBTAB_POLARITY_ALTERNATING && i % 2 ? -1 : 1;
}

#ifdef __cplusplus
}
#endif
#endif
