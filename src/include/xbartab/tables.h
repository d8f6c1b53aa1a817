/* tables.h - what a characterization found about one tile, in memory and in HDF5.
 *
 * Everything the engine knows of devices and circuits is in here: the cell's current, the TIA's curves, the
 * transfer correction T, the read energy, and the SPICE samples that the fits used and held out. Each fitted
 * table carries its own error on SPICE samples that its fit never saw. All values are SI.
 *
 * Transfer correction: I_j = I_full_scale * sum_t c_t (y_j / I_full_scale)^ky_t a^ka_t p_j^kp_t, with
 * y = sum_i Geff[x_i][i][j] the current through the effective matrix, a the mean drive of the input vector
 * (DAC code over its largest, averaged over word lines, 0 to 1), and p = j / (columns - 1) the place of the
 * bit line. Where gates of cells of both signs are the inputs, I_lost_j (lost_0 a + lost_1 a^2) comes to it,
 * I_lost being what the bit line loses with all inputs on (tile.h): it need not go with y. */
#ifndef XBARTAB_TABLES_H
#define XBARTAB_TABLES_H

#include <stddef.h>
#include <stdint.h>

#include <xbartab/array.h>
#include <xbartab/status.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Schema of the files this library writes. It reads this one and every older one. */
enum { XBTAB_TABLES_SCHEMA = 5 };

/** How well a table reproduces SPICE samples that its fit never saw. */
typedef struct xbtab_fit_error {
    double rmse;       /* root mean square error, as a share of full_scale */
    double max;        /* largest error, as a share of full_scale */
    double full_scale; /* what the shares are of, in the table's own unit */
    long samples;      /* held-out values compared */
    long failed;       /* SPICE samples that failed and were left out everywhere */
} xbtab_fit_error;

/* name, value (kept in files), text */
#define XBTAB_SAMPLE_STATUS_LIST(X)                                                                          \
    X(XBTAB_SAMPLE_OK, 0, "solved")                                                                          \
    X(XBTAB_SAMPLE_NOT_CONVERGED, 1, "ngspice found no operating point")                                     \
    X(XBTAB_SAMPLE_NOT_FINITE, 2, "a voltage or current is beyond all bounds")                               \
    X(XBTAB_SAMPLE_REFUSED, 3, "ngspice refused the netlist")                                                \
    X(XBTAB_SAMPLE_CRASHED, 4, "ngspice crashed")                                                            \
    X(XBTAB_SAMPLE_TIMEOUT, 5, "ngspice took too long")

/** What happened to a SPICE sample (one input vector of one circuit). */
typedef enum xbtab_sample_status {
#define XBTAB_SAMPLE_ENUM(name, value, text) name = (value),
    XBTAB_SAMPLE_STATUS_LIST(XBTAB_SAMPLE_ENUM)
#undef XBTAB_SAMPLE_ENUM
} xbtab_sample_status;

/** The cell: I(state, V_bit, V) of the whole cell, selector included. */
typedef struct xbtab_cell_data {
    size_t n_states, n_bit, n_v;
    double *G_state;   /* G_state[n_states]: I/V at V = v_read, V_bit = 0; ascending [S] */
    double *parameter; /* parameter[n_states]: the RRAM model's state parameter [parameter_unit] */
    char *parameter_name, *parameter_unit;
    double *V_bit;         /* V_bit[n_bit]: voltage of the bit-line end [V] */
    double *V;             /* V[n_v]: word-line end minus bit-line end, uniform and ascending [V] */
    size_t n_gates;        /* gate voltages, one a DAC code; 0 where the gate is no input */
    double *V_gate;        /* V_gate[n_gates] [V] */
    double *I_cell;        /* I_cell[n_gates, or 1][n_states][n_bit][n_v], word line to bit line, or with gate
                              inputs bit line (V_bit + V) to source line (V_bit) [A] */
    xbtab_fit_error error; /* of the interpolation, at voltages and conductances between the points */
} xbtab_cell_data;

/** The TIA's static curves. */
typedef struct xbtab_tia_data {
    size_t n;
    double *I_in;          /* I_in[n]: input current, uniform and ascending [A] */
    double *V_in;          /* V_in[n]: voltage of its input [V] */
    double *V_out;         /* V_out[n]: output [V] */
    xbtab_fit_error error; /* of V_out's interpolation between the points */
} xbtab_tia_data;

/** The transfer correction. */
typedef struct xbtab_transfer_data {
    size_t n_terms;
    int32_t *power;              /* power[n_terms][3]: of y/I_full_scale, a and p */
    double *coefficient;         /* coefficient[n_terms] */
    double lost[2];              /* of I_lost, with a and a^2; 0 where nothing is lost that way */
    double y_max;                /* largest |y|/I_full_scale among the samples of the fit */
    xbtab_fit_error error;       /* on tiles the fit never saw */
    size_t n_drives;             /* the same by mean drive; 0 in files of schema 1 */
    double *a_drive;             /* a_drive[n_drives]: upper end of each range, ascending to 1 */
    double *rmse_drive;          /* rmse_drive[n_drives], shares of error.full_scale; NAN without samples */
    xbtab_fit_error error_ideal; /* the same samples, ideal product instead of the table */
    xbtab_fit_error error_geff;  /* the same samples, effective matrix without T */
} xbtab_transfer_data;

/** Read energy. The tile's: E = scale * read_time * sum_i V_i * I_i with I_i the current of word line i's
 * cells through the effective matrix and V_i the voltage of the line that feeds them; the periphery is not in
 * it. */
typedef struct xbtab_energy_data {
    double *E_cell; /* E_cell[n_states][n_v]: read energy of one cell, V_bit = 0 [J] */
    double scale;
    double read_time;      /* [s] */
    xbtab_fit_error error; /* of the tile's energy, on tiles the fit never saw */
} xbtab_energy_data;

/** The read-out of one column in time, and what differs from column to column and from read to read. NAN
 * where it is not known: files of schema 1 and 2, an analysis that failed, something that never settles.
 *
 * The TIA alone (all in /tia) works on its own bench: a current source beside what the bit line is to it, all
 * its cells at the mean of the levels' conductances, without noise, and its capacitance. Noise and offset are
 * taken at half of the full-scale current. A whole column (in /energy) is the last one of the tile, the
 * farthest from the word lines' drivers: every word line and the bit line as an RC ladder, cells of the
 * largest conductance, sink and TIA; all word lines step from 0 V to v_read. */
typedef struct xbtab_readout_data {
    double tia_settling;  /* the output to within half an ADC step, after a step of the current from 0 to full
                             scale [s] */
    double noise_density; /* input-referred, at the lowest frequency of the analysis [A/Hz^0.5] */
    double f_read;        /* read bandwidth: the one pole that settles to half an ADC step within a read,
                             (adc_bits + 1) ln 2 / (2 pi read_time) [Hz] */
    double noise_rms;     /* of the output, over the read bandwidth [V] */
    double offset_sigma;  /* standard deviation of the output from column to column [V] */
    double transresistance; /* dV_out/dI at half of full scale, with the bit line at the input [ohm] */
    double virtual_ground;  /* largest |V_in| from no current to full scale [V] */
    size_t n_f;             /* 0 = not known */
    double *f;              /* f[n_f]: frequencies, ascending [Hz] */
    double *density;        /* density[n_f]: of the output's noise [V/Hz^0.5] */
    double c_word, c_bit;   /* capacitance of one cell's length of the lines [F] */
    double settling;        /* a column's output to within half an ADC step [s] */
    double E_lines; /* to charge all word lines of the tile once: rows columns c_word V^2, V the largest input
                       [J] */
} xbtab_readout_data;

/** How our own exact solver compares with ngspice on whole tiles of this technology. */
typedef struct xbtab_solver_data {
    size_t n;                /* sizes compared; 0 in files of schema 1 */
    int32_t *rows, *columns; /* [n] */
    int32_t *samples;        /* samples[n]: bit-line currents compared */
    double *rmse, *max;      /* [n], shares of the largest current compared */
} xbtab_solver_data;

/** Samples of whole crossbars, failed ones included. */
typedef struct xbtab_sample_data {
    size_t n_tiles, n_vectors; /* n_vectors a tile */
    int by_solver;             /* 0: solved in ngspice; 1: by our solver, see xbtab_solver_data */
    int32_t *is_heldout;       /* is_heldout[n_tiles] */
    uint8_t *level;            /* level[n_tiles][rows][columns] */
    double *G;       /* G[n_tiles][rows][columns]: what the cells conduct at v_read where they have an
                        age (xbtab_aged_data); NULL = what their levels say [S] */
    uint8_t *code;   /* code[n_tiles][n_vectors][rows]: DAC codes */
    int32_t *status; /* status[n_tiles][n_vectors]: xbtab_sample_status */
    double *I_out;   /* I_out[n_tiles][n_vectors][columns]; NAN where failed [A] */
    double *V_out;   /* V_out[n_tiles][n_vectors][columns]; NAN where failed [V] */
    double *P;       /* P[n_tiles][n_vectors]: power from the drivers; NAN where failed [W] */
} xbtab_sample_data;

/** The age of the sample tiles' cells: those of a simulated chip (chip.h), written to their levels, aged, and
 * held against the same circuits as ever. Tabulated states then reach as far as these cells do. Noise of
 * reads is not in it. */
typedef struct xbtab_aged_data {
    char *population;   /* name of its sheet; NULL: every cell is at its level, and the rest is 0 */
    char *sheet;        /* the whole sheet */
    double time;        /* since the writes [s] */
    double temperature; /* since then [K] */
    double cycles;      /* writes that the devices have endured before */
    double writing, tolerance, pulses, is_scaled; /* as of xbtab_chip_options */
} xbtab_aged_data;

/** Which way a pulse moves the conductance. */
typedef enum xbtab_pulse_kind {
    XBTAB_PULSE_SET = 0,  /* up */
    XBTAB_PULSE_RESET = 1 /* down */
} xbtab_pulse_kind;

/** What one pulse does to a cell that has a conductance, selector included: see write.h for reading it. */
typedef struct xbtab_write_data {
    size_t n, n_G;     /* pulses, conductances; n = 0: these tables know of no pulses */
    int32_t *kind;     /* kind[n]: xbtab_pulse_kind */
    double *amplitude; /* amplitude[n]: word line minus bit line; NAN = not known (measured data) [V] */
    double *width;     /* width[n]: of the pulse's top; NAN = not known [s] */
    double *v_gate;    /* v_gate[n]: of the selector during the pulse; NAN = it has none, or not known [V] */
    double *G;         /* G[n_G]: conductance before the pulse, at v_read; ascending, above 0 [S] */
    double *dG;        /* dG[n][n_G]: mean change of the conductance; G + dG is above 0 [S] */
    double *sigma;     /* sigma[n][n_G]: standard deviation of the change from pulse to pulse, >= 0 [S] */
    double *energy;    /* energy[n][n_G]: from word line and bit line into the cell; NAN = not known [J] */
    double v_read;     /* voltage at which G holds [V] */
    int is_measured;   /* 0: transients of the whole cell in ngspice; 1: measured data */
    char *source;      /* the data's file or the models, for people */
    xbtab_fit_error error;       /* of dG at conductances the fit never saw, shares of G[n_G-1] - G[0] */
    xbtab_fit_error error_train; /* of the conductance along pulse trains, the same shares */
} xbtab_write_data;

/** All tables of one tile. */
typedef struct xbtab_tables {
    char *tile_name;
    size_t rows, columns, n_levels;
    xbtab_array array;       /* the default where a file does not say */
    double *G_level;         /* G_level[n_levels] [S] */
    double r_word, r_bit;    /* [ohm a cell] */
    double r_source_line;    /* with gate inputs [ohm a cell] */
    double r_driver, r_sink; /* [ohm] */
    int dac_bits, adc_bits;
    double v_read;       /* [V] */
    double I_full_scale; /* column current of 2^adc_bits ADC steps; with currents of both signs the range is
                            half of it to either side of zero [A] */
    xbtab_cell_data cell;
    xbtab_tia_data tia;
    xbtab_transfer_data transfer;
    xbtab_energy_data energy;
    xbtab_readout_data readout;
    xbtab_solver_data solver;
    xbtab_sample_data samples;
    xbtab_aged_data aged;
    xbtab_write_data write;
    /* of a file that was read */
    int schema;    /* its own; 0 where the tables are of no file */
    int is_sealed; /* its contents were verified; files of schemas 1 to 4 have nothing to verify them by */
    int is_edited; /* changed after characterize wrote it, and sealed again */
    /* provenance */
    char *spec_text, *models_text; /* the whole input */
    char *tool_version, *ngspice_version;
    uint64_t seed;
} xbtab_tables;

/** Read a table file. It is believed only as far as it can be checked: its seal, the SHA-256 of all of the
 * file, kept in the 512 bytes before its HDF5 part; numbers finite, of their sign, and rising where they
 * must; figures that /samples give again as they give them. Links and values in other files are refused
 * before any is touched. Memory: twice the file while it is read, and at most 8 bytes for each of its bytes;
 * files are at most 4 GiB. As libhdf5 crashes on some files that are damaged on purpose, the file is read in
 * a forked process first, which may take 10 s and another second for 10 MiB of computing.
 *  @param[out] out  new tables; the caller owns them: xbtab_tables_destroy(). Untouched on failure.
 *  @return XBTAB_ERR_IO (missing), XBTAB_ERR_INPUT (not HDF5, truncated, not ours, newer schema, changed
 * since it was written, inconsistent: the message names dataset and index), XBTAB_ERR_NOMEM. Threads: one
 * call at a time in a process (HDF5's rule). */
xbtab_status xbtab_tables_open(xbtab_tables **out, const char *path) XBTAB_MUST_CHECK;

/** Seal a table file again after an edit on purpose (in h5py, say): all that xbtab_tables_open() checks but
 * the seal must hold. The file says from then on that it was edited. A seal that fits is left as it is.
 *  @return as xbtab_tables_open(); XBTAB_ERR_IO. */
xbtab_status xbtab_tables_seal(const char *path) XBTAB_MUST_CHECK;

/** Write a table file beside path and rename it: path is either the old file or the whole new one. The same
 * tables give the same bytes. @return XBTAB_ERR_IO, XBTAB_ERR_NOMEM. Threads: as xbtab_tables_open(). */
xbtab_status xbtab_tables_write(const xbtab_tables *tables, const char *path) XBTAB_MUST_CHECK;

/** Free tables and set the pointer to NULL. NULL-safe. */
void xbtab_tables_destroy(xbtab_tables **tables);

#ifdef __cplusplus
}
#endif
#endif
