/* cli.h - what the program's verbs share. Results go to stdout, talk and progress to stderr. */
#ifndef XBTAB_CLI_CLI_H
#define XBTAB_CLI_CLI_H

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>
#include <popt.h>
#include <xbartab/data.h>
#include <xbartab/measured.h>
#include <xbartab/models.h>
#include <xbartab/network.h>
#include <xbartab/progress.h>
#include <xbartab/report.h>
#include <xbartab/status.h>
#include <xbartab/tables.h>

#include "numbers.h"

/** Exit codes: the contract that scripts rely on. */
enum { CLI_DONE = 0, CLI_FAILED = 1, CLI_USAGE = 2, CLI_MISSED = 3 };

/* The verbs. argv[0] is the verb's name; each returns an exit code. */
int cmd_arch(int argc, const char **argv);
int cmd_bench(int argc, const char **argv);
int cmd_calibrate(int argc, const char **argv);
int cmd_cost(int argc, const char **argv);
int cmd_compare(int argc, const char **argv);
int cmd_characterize(int argc, const char **argv);
int cmd_doctor(int argc, const char **argv);
int cmd_explain(int argc, const char **argv);
int cmd_infer(int argc, const char **argv);
int cmd_info(int argc, const char **argv);
int cmd_init(int argc, const char **argv);
int cmd_models(int argc, const char **argv);
int cmd_network(int argc, const char **argv);
int cmd_netlist(int argc, const char **argv);
int cmd_population(int argc, const char **argv);
int cmd_solve(int argc, const char **argv);
int cmd_sweep(int argc, const char **argv);

/** First of all: the standard streams, and signals. */
void cli_begin(void);

/** Last of all: what was printed must have got out. @return The exit code: a verb's own, or CLI_FAILED where
 * standard output could not be written, after a line on stderr unless a failure has had one. */
int cli_end(int code);

/** Parse a verb's options. Numbers are rows of numbers.h.
 *  @param usage    what follows the options, such as "SPEC.yaml".
 *  @param example  shown at the end of --help.
 *  @param[out] arguments  arguments[most + 1]: the plain arguments, ended by NULL; valid until *context is
 * freed.
 *  @return CLI_DONE, or CLI_USAGE after a line on stderr. --help ends the program. */
int cli_parse(poptContext *context, int argc, const char **argv, const struct poptOption *options,
              const char *usage, const char *example, int least, int most, const char **arguments);

/** Free the context and the texts that popt put into the options' variables, which must start as NULL. */
void cli_finish(poptContext context, const struct poptOption *options);

/** One line on stderr, "xbartab VERB: ...", and CLI_USAGE. */
int cli_usage(const char *verb, const char *format, ...) __attribute__((format(printf, 2, 3)));

/** The library's last message on stderr, and CLI_FAILED. */
int cli_failed(void);

/** Talk that comes after a result, such as the time it took: a line on stderr. Nothing is said where the
 * result did not get out: cli_end() has the last word then. */
void cli_tell(const char *format, ...) __attribute__((format(printf, 1, 2)));

/** A failure of the program itself on stderr, and CLI_FAILED. */
int cli_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

/** Draw a device's I-V family into path, a .svg or .png, with gnuplot. @return an exit code. */
int cli_plot_model(const xbtab_model *model, const char *path);

/** `models from-csv`: a model of measured curves. @return an exit code. */
int cli_model_from_csv(const char *data, const char *path, const xbtab_measured_options *options,
                       int as_json);

/** Path of the default tile's specification. */
const char *cli_default_tile(void);

/** Write a text beside path, then rename: path is either the old file or the whole new one. @return CLI_DONE,
 * or CLI_FAILED after a line on stderr. */
int cli_write_text(const char *path, const char *text);

/** Whether that can be, before the work is done, and the command does not name the same file as an input or another
 * output; NULL is nothing to write. @return the same. */
int cli_check_output(const char *path);

/** The same of a file that is also read again, or written in places: no device, no pipe. */
int cli_check_regular_output(const char *path);

/** A line of talk on stderr. */
void cli_note(const char *line, void *payload);

/** The same as it is, without the program's name: how far a list of runs is. */
void cli_line(const char *line, void *payload);

/** Progress on stderr: a line that renews itself on a terminal, else a line now and then. Cancels after
 * Ctrl-C. */
int cli_progress(const xbtab_progress *progress, void *payload);

/** Images that lie in a small part of a network's first quantizer, or far outside it, are told on stderr. */
void cli_warn_of_input(const xbtab_network *network, const xbtab_images *images, int raw_pixels);

/** From now on Ctrl-C cancels long calls instead of ending the program. */
void cli_catch_interrupt(void);

/** Print a record as one JSON object. @return an exit code, after a line on stderr where it is none. */
int cli_print_record(const xbtab_form *form, const void *record);

/** Print one JSON object and free it. @return CLI_FAILED after a line on stderr where it is none. */
int cli_print_json(json_t *object);

/** A number, or null where it is not known. */
json_t *cli_known_json(double x);

/** Tables to work with; one line on stderr where they are of a file whose contents cannot be verified.
 *  @return an exit code. */
int cli_open_tables(xbtab_tables **out, const char *path);

/** A table's error on held-out SPICE samples, with the contract's keys. */
json_t *cli_error_json(const xbtab_fit_error *error);

/** Who solved the tables' sample tiles. */
const char *cli_sampled_by(const xbtab_tables *tables);

/** Seconds on a steady clock. */
double cli_seconds(void);

#endif
