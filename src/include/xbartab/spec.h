/* spec.h - the specification of one tile: everything that a characterization depends on, from one YAML file.
 *
 * Quantities are written with units ("2.5 ohm", "200 mV") and kept in SI. A tile has `rows` word lines (i)
 * and `columns` bit lines (j). Word line i is driven at its left end through r_driver and then r_word for
 * each cell's length, the one to the first cell included; the cell (i, j) joins it to bit line j; bit line j
 * has r_bit for each cell's length, the one below the last cell included, then r_sink and a TIA at its lower
 * end. DAC code k of b bits drives k/(2^b - 1) of v_read.
 *
 * Keys that choose another circuit (array.h says what each is; the first word is the default):
 *   array.topology       word_line_input | gate_input (a selector with a gate pin)
 *   array.polarity       uniform | alternating (gate_input: an even number of rows)
 *   array.drive          left | right | both; with gate_input top | bottom | both
 *   array.sense          bottom | top
 *   wire.source          gate_input: resistance of a source line's segment; as wire.bit
 *   dac.gate_voltages    gate_input: a list, one a code, rising to the selector's own; equal steps from 0 V
 * With gate_input, dac.read_voltage is the bit lines'. With alternating polarity the ADC's range lies around
 * zero current, and codes count from its middle. */
#ifndef XBARTAB_SPEC_H
#define XBARTAB_SPEC_H

#include <stdint.h>

#include <xbartab/array.h>
#include <xbartab/models.h>
#include <xbartab/status.h>
#include <xbartab/write.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { XBTAB_SPEC_MOST_DAC_BITS = 8 };

/** A model and the value of each of its parameters. */
typedef struct xbtab_model_use {
    const xbtab_model *model; /* borrowed from the set of models */
    double *value;            /* value[model->n_parameters], SI */
    double *dynamic_value;    /* dynamic_value[model->dynamic->n_parameters], SI; NULL without dynamic */
    char *text;               /* the subcircuit with the user's model card in it; NULL = the model's own */
    char card_hash[65];       /* SHA-256 of the card's file in hexadecimal; "" = none */
    double size_for; /* selector: its resistance as a share of 1/G_max at which it is to be sized; 0 =
                        it has the size that the file gives */
    int is_sized;    /* xbtab_spec_size_selector() has done so */
} xbtab_model_use;

/** Who solves the sample tiles of the transfer table. */
typedef enum xbtab_sampling_engine {
    XBTAB_SAMPLING_AUTO = 0,  /* as the file says; a made specification has one of the others */
    XBTAB_SAMPLING_SPICE = 1, /* ngspice */
    XBTAB_SAMPLING_SOLVE = 2  /* our own solver, itself held against ngspice on check tiles */
} xbtab_sampling_engine;

/** What a characterization samples. */
typedef struct xbtab_sampling {
    xbtab_sampling_engine engine; /* SPICE up to 4,096 cells, SOLVE above, unless the file says otherwise */
    int check_tiles;              /* SOLVE: tiles of at most 32 x 32 solved in ngspice too */
    int check_full;               /* SOLVE: tiles of the whole size solved in ngspice too */
    int tiles;                    /* random tiles for the fit of the transfer table */
    int tiles_heldout;            /* further tiles that the fit never sees, for its error */
    int vectors;                  /* input vectors a tile */
    int voltages;                 /* points of a cell's I-V curve */
    int states;                   /* conductances at which the cell is tabulated, the levels among them */
} xbtab_sampling;

/** What a file of measured pulse data holds. */
typedef enum xbtab_write_quantity {
    XBTAB_WRITE_CONDUCTANCE = 0, /* [S] */
    XBTAB_WRITE_RESISTANCE = 1,  /* [ohm] */
    XBTAB_WRITE_CURRENT = 2,     /* [A] */
    XBTAB_WRITE_NORMALIZED = 3   /* a line from low to high stands for G_low to G_high */
} xbtab_write_quantity;

/** One file of measured pulse data. */
typedef struct xbtab_write_source {
    char *file; /* as given; a relative name starts at the specification's folder */
    int kind;   /* of its pulses, xbtab_pulse_kind; -1 = a column says it */
    xbtab_write_quantity quantity;
    double voltage;                  /* at which currents were read [V]; NAN = not given */
    int column;                      /* use this column alone, from 1; 0 = all */
    double low, high;                /* normalized values, and */
    double G_low, G_high;            /* what they stand for [S] */
    double amplitude, width, v_gate; /* of its pulses [V, s, V]; NAN = not known, or a column says it */
    int accepts_units;               /* conductances beyond 1 S are meant */
} xbtab_write_source;

/** What is to be known of write pulses: transients of the cell under `pulse`, or measured data. */
typedef struct xbtab_write_plan {
    int is_wanted;      /* 0: nothing */
    size_t n;           /* pulses */
    xbtab_pulse *pulse; /* pulse[n] */
    size_t n_sources;
    xbtab_write_source *source; /* source[n_sources] */
    int conductances;           /* of the table */
    int repeats;                /* transients at each of them, of a device with noise */
    int train;                  /* pulses of a train that checks the table */
} xbtab_write_plan;

/** One tile. Read-only once made. */
typedef struct xbtab_spec {
    char *name;
    char *path; /* of the YAML file as given */
    char *text; /* its whole text, for provenance */
    xbtab_model_use rram, selector, tia;
    int gain_is_given; /* the TIA's gain parameter was set by the user, not sized for the tile */
    int n_levels;
    double *G_level; /* G_level[n_levels]: conductance of the whole cell at v_read, ascending [S] */
    int rows, columns;
    xbtab_array array;
    double r_word, r_bit;    /* wire resistance of one cell's length [ohm]; 0 is an ideal wire */
    double r_source_line;    /* of a source line, which gate inputs have [ohm] */
    double r_driver, r_sink; /* series resistance of a driver, and at a sensed line's foot [ohm] */
    xbtab_wire_cell wire;    /* wires with capacitances, and the cell's size, as far as they are known */
    int dac_bits;            /* 1 to 8 */
    double v_read;           /* voltage of the largest DAC code, or with gate inputs of the bit lines [V] */
    double V_gate[1 << XBTAB_SPEC_MOST_DAC_BITS]; /* with gate inputs: V_gate[1 << dac_bits], ascending; the
                                selector's own gate voltage is the largest code's [V] */
    int adc_bits;                                 /* 1 to 12 */
    double I_full_scale; /* column current of 2^adc_bits ADC steps; with currents of both signs the range is
                            half of it to either side of zero [A] */
    int range_is_given;  /* I_full_scale was set by the user; else the least that covers rows * G_max * v_read
                            with ADC steps of a power of two times one level's step at one DAC step */
    double read_time;    /* duration of one read, for its energy [s] */
    xbtab_sampling sampling;
    xbtab_write_plan write;
    uint64_t seed;
} xbtab_spec;

/** Read a specification.
 *  @param[out] out     new specification; the caller owns it: xbtab_spec_destroy(). Untouched on failure.
 *  @param      path    YAML file.
 *  @param      models  the models it may name; borrowed until the specification is destroyed.
 *  @return XBTAB_ERR_IO, XBTAB_ERR_INPUT (the message names file, line, key and what is allowed),
 * XBTAB_ERR_NOMEM. Threads: safe on different specifications. */
xbtab_status xbtab_spec_open(xbtab_spec **out, const char *path, const xbtab_models *models) XBTAB_MUST_CHECK;

/** Read a specification from a text, as a table file keeps it. Parameters as of xbtab_spec_open().
 *  @param name  what messages call it, in place of a path. */
xbtab_status xbtab_spec_parse(xbtab_spec **out, const char *text, const char *name,
                              const xbtab_models *models) XBTAB_MUST_CHECK;

/** Give the array another size; the ADC's range and the TIA's gain follow where the file left them open. The
 * text stays as it is. @return XBTAB_ERR_INPUT (1 to 4096 lines, and what the TIA's gain allows). */
xbtab_status xbtab_spec_resize(xbtab_spec *spec, int rows, int columns) XBTAB_MUST_CHECK;

/** Free a specification and set the pointer to NULL. NULL-safe. */
void xbtab_spec_destroy(xbtab_spec **spec);

/** Voltage of a DAC code [V], code in [0, 2^dac_bits). */
double xbtab_spec_dac_voltage(const xbtab_spec *spec, int code);

/** Upper end of the ADC's range: I_full_scale, or half of it with currents of both signs [A]. */
double xbtab_spec_largest_current(const xbtab_spec *spec);

/** Input of a word line at a DAC code: +/- xbtab_spec_dac_voltage(), or its gate voltage [V]. */
double xbtab_spec_input_voltage(const xbtab_spec *spec, int row, int code);

#ifdef __cplusplus
}
#endif
#endif
