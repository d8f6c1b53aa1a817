/* explain.h - which effect costs how much of a network's accuracy.
 *
 * The same images are run with each effect alone, with each effect left out, and with each effect alone in a
 * single layer while all others are exact. An effect is left out by a technology in which it does not exist:
 * wires without resistance, cells that are linear at the conductance they have at v_read, amplifiers that are
 * ideal, conversions that are not rounded, devices that do as they are told. The transfer correction is
 * fitted anew to each such technology, on the tables' own sample tiles solved exactly.
 *
 * Alone: accuracy of the exact integers less that with the effect; left out: accuracy without the effect less
 * that with all of them. Points are lost ones everywhere: above 0, the effect costs. The two differ where
 * effects make up for each other or add up to more than their sum, and the sum of those alone is held against
 * what all lose together. An effect that a technology does not have, such as the curves of linear cells,
 * costs 0 and is not run.
 *
 * Every difference has a standard error from the same images and chips on both sides: of the mean over n
 * images of the per-image difference d_i (averaged over chips), sd(d_i)/sqrt(n), and over C chips,
 * sd(D_c)/sqrt(C); both added in squares. (For one chip this is the standard error of McNemar's paired
 * proportions.) */
#ifndef XBARTAB_EXPLAIN_H
#define XBARTAB_EXPLAIN_H

#include <xbartab/chip.h>
#include <xbartab/tables.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct xbtab_explain_options {
    xbtab_map_options map;       /* its hooks are not used; map.run: threads, and progress over everything */
    xbtab_chip_options chip;     /* population NULL = ideal devices; off is not used */
    size_t n_chips;              /* that effects of devices are averaged over (0 = 1) */
    const float *float_outputs;  /* of the float network, [n][outputs]; NULL = quantization is not told */
    const xbtab_quantized *fine; /* the network with more bits, in place of none at all; NULL = what
                                    quantization costs is told alone only */
    int without_layers;          /* leave out the runs of single layers */
    const char *only_layer;      /* node's name: effects are in this layer alone, all others are exact, and no
                                    runs of single layers are made; NULL = in all */
    size_t n_watched; /* images whose conversions are looked at for clipping and the worst tile (0 = 20) */
} xbtab_explain_options;

/** What something costs. */
typedef struct xbtab_cost {
    int is_given;
    double accuracy; /* share */
    double points;   /* accuracy lost, a share of 1; negative = won */
    double error;    /* standard error of points */
    double change;   /* of the network's outputs from the exact integers' (of quantization: from the float
                        network's),   root mean square over images, chips and outputs, as a share of theirs: it
                        tells effects apart   that are too small, or images too few, to cost points */
} xbtab_cost;

typedef struct xbtab_explained_effect {
    int is_present; /* the tables or the population have it */
    xbtab_cost alone, left_out;
    xbtab_cost *layer; /* layer[n_layers]: alone, in this layer only */
} xbtab_explained_effect;

typedef struct xbtab_explained_layer {
    const char *name; /* of the network's node; borrowed from the quantized network */
    size_t tiles;
    double clipped;  /* share of the conversions that lie outside the ADC's range, all effects on */
    double rmse;     /* of conversions before rounding against the exact product's [ADC steps] */
    double adc_rmse; /* what rounding and the ends of its range add to each [ADC steps] */
    size_t worst;    /* its tile with the largest error, counted within the layer */
    double worst_rmse;
} xbtab_explained_layer;

/** The effects alone, added up, beside all of them together. */
typedef struct xbtab_explained_sum {
    double points, error;         /* sum over effects; errors in squares */
    double all_points, all_error; /* of all effects together, against the exact integers */
    double
        change;  /* of the outputs: what all can move them at the most (change_all) if none acts on another */
    int adds_up; /* points differ by no more than twice both errors in squares, and change_all <= change */
} xbtab_explained_sum;

typedef struct xbtab_explanation {
    size_t images, n_chips, n_layers;
    double accuracy_float;   /* NAN where it was not given */
    double accuracy_integer; /* nothing but quantization */
    double accuracy_all;     /* all effects, mean over chips */
    double sigma_all;        /* between chips */
    double change_all;       /* of the outputs, as of xbtab_cost */
    xbtab_explained_effect effect[XBTAB_N_EFFECTS];
    xbtab_explained_sum sum;      /* of the tiles' effects, without quantization */
    xbtab_explained_layer *layer; /* layer[n_layers] */
    size_t worst_layer;           /* holds the worst tile of all */
} xbtab_explanation;

/** Run a network with and without each effect.
 *  @param[out] out        end with xbtab_explanation_clear(). Untouched on failure.
 *  @param      quantized  borrowed until then.
 *  @param      setup      its technology is the one with all effects.
 *  @param      images     with labels; the first n are run.
 *  @return XBTAB_ERR_INPUT (no layer of that name: the message names all), XBTAB_ERR_UNSUPPORTED (a scheme
 * with a read-out of its own), and as xbtab_chips_run(). The same
 * bits for any number of threads. Cost: about 2 E C (1 + L/2) runs of the network, with E effects, C chips
 * and L layers. */
xbtab_status xbtab_explain(xbtab_explanation *out, const xbtab_quantized *quantized,
                           const xbtab_engine_setup *setup, const xbtab_images *images, size_t n,
                           const xbtab_explain_options *options) XBTAB_MUST_CHECK;
void xbtab_explanation_clear(xbtab_explanation *explanation);

/** The same technology with some of its effects switched off. */
typedef struct xbtab_derived xbtab_derived;

/** Tables with analog effects switched off, by XBTAB_EFFECT_BIT()s of which only wires, nonlinearity and tia
 * count:
 *  - wires: r_word = r_bit = r_source_line = r_driver = r_sink = 0;
 *  - nonlinearity: every state's cell is the conductance that it has at v_read, whatever its voltages;
 *  - tia: its input stays at 0 V, its output is a straight line through its own outputs at zero and
 * full-scale current.
 *
 * The tables' sample tiles are solved again, exactly, in the technology that is left, and T is fitted to
 * them; where no wires and no TIA input are left, every current is its effective matrix' own and T is the
 * identity.
 *  @param[out] out     end with xbtab_derived_destroy(). Untouched on failure.
 *  @param      tables  borrowed until then.
 *  @return XBTAB_ERR_SOLVE, XBTAB_ERR_NOMEM. Threads: safe. Cost: one exact solution a sample vector. */
xbtab_status xbtab_derived_create(xbtab_derived **out, const xbtab_tables *tables,
                                  unsigned off) XBTAB_MUST_CHECK;
void xbtab_derived_destroy(xbtab_derived **derived);

/** Which of nonlinearity and tia a technology does not have, as XBTAB_EFFECT_BIT()s: currents of all states
 * are their conductance's, and the TIA's input and output those of an ideal one, to 1e-5 of the largest. */
unsigned xbtab_tables_idle_effects(const xbtab_tables *tables);

/** Borrowed. With nothing off these are the tables as they came. */
const xbtab_tables *xbtab_derived_tables(const xbtab_derived *derived);

#ifdef __cplusplus
}
#endif
#endif
