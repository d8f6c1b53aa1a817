/* models.h - the device, selector, TIA and wire models: data in a folder, two files a model.
 *
 * NAME.sub holds one SPICE subcircuit called NAME; NAME.yaml is its sheet: what the model is, its pins, and
 * for every parameter the name, unit, default, bounds, description, source and trust tag. A folder of models
 * has the sub-folders rram, selector, tia and wire. Nothing is registered: the folder is the registry.
 *
 * Pins, in this order in the .subckt line and in the sheet:
 *   rram      top bottom        current flows from top to bottom for a positive voltage
 *   selector  a b [gate]        in series with the RRAM, bottom to bit line; no pins means a plain wire
 *   tia       in out            in is a bit line's foot, out the voltage that the ADC reads
 *   wire      a b               one cell's length of a line; see xbtab_wire_cell
 *
 * All values are in SI base units. */
#ifndef XBARTAB_MODELS_H
#define XBARTAB_MODELS_H

#include <xbartab/status.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum xbtab_model_kind {
    XBTAB_MODEL_RRAM = 0,
    XBTAB_MODEL_SELECTOR = 1,
    XBTAB_MODEL_TIA = 2,
    XBTAB_MODEL_WIRE = 3
} xbtab_model_kind;

enum { XBTAB_MODEL_KINDS = 4 };

/** "rram", "selector", "tia" or "wire"; a static string. */
const char *xbtab_model_kind_name(xbtab_model_kind kind);

/** One parameter of a model. */
typedef struct xbtab_parameter {
    char *name;        /* as in the .subckt line */
    char *unit;        /* SI unit without prefix; "1" = none */
    double value;      /* default [unit] */
    double min, max;   /* bounds, inclusive [unit] */
    char *description; /* one line */
    char *source;      /* where the default comes from */
    char *trust;       /* published, derived, recalled or assumed */
} xbtab_parameter;

/** What a figure of a model is. */
typedef enum xbtab_model_figure {
    XBTAB_FIGURE_RESISTANCE = 0, /* V/I [ohm] */
    XBTAB_FIGURE_CHORD = 1,      /* chord factor G(voltage)/G(0) */
    XBTAB_FIGURE_CURRENT = 2,    /* [A] */
    XBTAB_FIGURE_OUTPUT = 3      /* tia: output [V] */
} xbtab_model_figure;

/** A published figure of a model, which `models test` compares with ngspice. */
typedef struct xbtab_model_check {
    double state;              /* value of the state parameter; ignored where the model has none */
    double drive;              /* voltage across the model [V]; tia: current into it [A] */
    xbtab_model_figure figure; /* what is expected */
    double expected;           /* its value; never 0 */
    double tolerance;          /* relative */
    char *source;              /* where the figure comes from */
} xbtab_model_check;

/** A named set of parameter values: a technology node, a published fit, the sides of a cell. */
typedef struct xbtab_preset {
    char *name;
    char *source, *trust; /* of its values, as of a parameter */
    double *value;        /* value[n_parameters]: its own values, defaults for the rest */
} xbtab_preset;

/** An operating point of an rram with a selector: levels of the whole cell and the read voltage that suit
 * both. */
typedef struct xbtab_operating {
    char *selector;      /* name of a selector model */
    char *preset;        /* of that selector; NULL = its defaults */
    double G_min, G_max; /* of the whole cell at v_read [S] */
    double v_read;       /* [V] */
    char *source, *trust;
} xbtab_operating;

/** A write pulse of a bare device. */
typedef struct xbtab_model_pulse {
    double amplitude; /* top minus bottom [V] */
    double width;     /* of its top [s] */
} xbtab_model_pulse;

/** How a device switches: a second subcircuit in the same .sub file, with the pins top, bottom, state and,
 * where it has noise, noise. It has all parameters of the first and further ones. The state stands at its pin
 * in volts, `scale` for one unit of the state parameter, and starts from that parameter. At the same state it
 * carries the same current as the first one. */
typedef struct xbtab_model_dynamic {
    char *subcircuit;
    double scale; /* [V for one unit of the state parameter] */
    double
        noise_interval; /* a new standard normal deviate [V] at the pin noise so often [s]; 0 = no such pin */
    int n_parameters;
    xbtab_parameter *parameters;  /* those that the static subcircuit has not */
    xbtab_model_pulse set, reset; /* that move the bare device up and down */
} xbtab_model_dynamic;

/** One model as read from its two files. */
typedef struct xbtab_model {
    char *name;
    xbtab_model_kind kind;
    char *summary;    /* one line */
    char *source;     /* paper or file the equations come from */
    char *licence;    /* of the .sub file */
    char *sheet_path; /* NAME.yaml as found */
    char *sub_path;   /* NAME.sub as found */
    char *sub_text;   /* its text */
    int n_pins;
    char **pins;
    int n_parameters;
    xbtab_parameter *parameters;
    int state;          /* rram: index of the parameter that holds the programmed state; else -1 */
    int state_is_log;   /* the state is better searched on a logarithmic scale */
    int gate;           /* selector with a gate pin: index of the parameter with its voltage; else -1 */
    int turn_on;        /* selector that a read must fire: index of the parameter with the voltage; else -1 */
    int holding;        /* selector: index of the parameter with the current that keeps it on; else -1 */
    int size;           /* selector: index of the parameter that its on-conductance grows with; else -1 */
    char *card;         /* selector: name of its .model line that a user's card may take the place of; NULL =
                           none */
    int gain;           /* tia: index of the parameter that sets its transresistance; else -1 */
    double gain_output; /* tia: |output| wanted at a bit line's full-scale current [V] */
    char *current; /* rram: the current as a formula of the parameters and V, the same as the subcircuit's;
                      NULL = there is none */
    int offset, offset_sigma; /* tia: indices of the parameters with its offset voltage, and with the standard
                                 deviation of it from one column to the next; both or none (-1) */
    int n_checks;
    xbtab_model_check *checks;
    int n_presets;
    xbtab_preset *presets;
    int n_operating; /* rram */
    xbtab_operating *operating;
    xbtab_model_dynamic *dynamic; /* rram that switches; else NULL */
} xbtab_model;

/** A set of models. */
typedef struct xbtab_models xbtab_models;

/** A model that cannot be used: a bad sheet or subcircuit, or two of one kind and name. */
typedef struct xbtab_broken_model {
    xbtab_model_kind kind;
    char *name; /* of its files, without ".yaml" */
    char *why;  /* one line that names file and line */
} xbtab_broken_model;

/** Read every model of some folders. A model that is broken does not keep the others from being read.
 *  @param[out] out      new set; the caller owns it: xbtab_models_destroy(). Untouched on failure.
 *  @param      folders  folders[n]: each has some of the sub-folders rram, selector, tia, wire.
 *  @return XBTAB_ERR_IO (no such folder, or nothing in it), XBTAB_ERR_NOMEM. Threads: independent sets may be
 * used at once. */
xbtab_status xbtab_models_open(xbtab_models **out, const char *const *folders, int n) XBTAB_MUST_CHECK;

/** Free a set and its models; sets the pointer to NULL. NULL-safe. */
void xbtab_models_destroy(xbtab_models **models);

/** Number of models, and the k-th one (by kind, then name); borrowed from the set. */
int xbtab_models_count(const xbtab_models *models);
const xbtab_model *xbtab_models_get(const xbtab_models *models, int k);

/** Number of broken models, and the k-th one (by kind, then name); borrowed from the set. */
int xbtab_models_count_broken(const xbtab_models *models);
const xbtab_broken_model *xbtab_models_get_broken(const xbtab_models *models, int k);

/** @return XBTAB_ERR_INPUT, with the broken model's own message, if the model of that kind and name is
 * broken; XBTAB_OK if there is none or it is whole. */
xbtab_status xbtab_models_check(const xbtab_models *models, xbtab_model_kind kind,
                                const char *name) XBTAB_MUST_CHECK;

/** The model of that kind and name; NULL if there is none, or if it is broken (xbtab_models_check()).
 * Borrowed from the set. */
const xbtab_model *xbtab_models_find(const xbtab_models *models, xbtab_model_kind kind, const char *name);

/** Index of a parameter of a model; -1 if it has no such parameter. */
int xbtab_model_parameter(const xbtab_model *model, const char *name);

/** A model's preset of a name; NULL if it has none. Borrowed from the model. */
const xbtab_preset *xbtab_model_preset(const xbtab_model *model, const char *name);

/** One cell's length of both lines. */
typedef struct xbtab_wire_cell {
    double r_word, r_bit; /* resistance [ohm] */
    double c_word, c_bit; /* capacitance to everything around [F]; 0 where the model has none */
    double s_word, s_bit; /* length [m]: the cell's sides along the word line and along the bit line; 0
                             where the model does not say */
} xbtab_wire_cell;

/** What a wire model's values make of a cell. The model has either the parameters r_word and r_bit (and
 * c_word and c_bit, or not), or r_length [ohm/m], c_length [F/m], width [m], word_side and bit_side [1]: a
 * side is its number times the width.
 *  @param value  value[model->n_parameters]. */
void xbtab_wire_cell_of(xbtab_wire_cell *out, const xbtab_model *model, const double *value);

/** Index among the parameters of a model's dynamic; -1 if there is none or no such parameter. */
int xbtab_model_dynamic_parameter(const xbtab_model *model, const char *name);

#ifdef __cplusplus
}
#endif
#endif
