/* chip_options.h - the options of simulated chips, for every verb that runs networks on tiles, and their
 * results. */
#ifndef XBTAB_CLI_CHIP_OPTIONS_H
#define XBTAB_CLI_CHIP_OPTIONS_H

#include <xbartab/study.h>

#include "cli.h"

typedef struct cli_chips {
    /* as given */
    char *population_name, *program;
    const char **time_texts;
    int n_chips, pulses, is_scaled;
    double temperature, cycles, tolerance;
    /* ready to be used */
    xbtab_population *population;
    double *time;
    size_t n_times;
} cli_chips;

/** Lines of a table of options for the age of a cli_chips c. */
#define CLI_AGE_OPTIONS(c)                                                                                   \
    {"population",                                                                                           \
     '\0',                                                                                                   \
     POPT_ARG_STRING,                                                                                        \
     &(c)->population_name,                                                                                  \
     0,                                                                                                      \
     "simulated chips: how their devices differ, a sheet or a shipped one's name",                           \
     "FILE|NAME"},                                                                                           \
        {"scale-population",                                                                                 \
         '\0',                                                                                               \
         POPT_ARG_NONE,                                                                                      \
         &(c)->is_scaled,                                                                                    \
         0,                                                                                                  \
         "stretch the sheet's window to the tile's largest level",                                           \
         NULL},                                                                                              \
        {"time",                                                                                             \
         '\0',                                                                                               \
         POPT_ARG_ARGV,                                                                                      \
         &(c)->time_texts,                                                                                   \
         0,                                                                                                  \
         "time since programming, such as 0, 1s, 3h, 1d or 10y; may be given several times (0)",             \
         "T"},                                                                                               \
        CLI_REAL("temperature", '\0', &(c)->temperature, 1, 2000, "of the chips [K] (the sheet's)", "K"),    \
        CLI_REAL("cycles", '\0', &(c)->cycles, 0, 1e18, "writes that the devices have endured (0)", "N"),    \
        {"program",     '\0', POPT_ARG_STRING,                                                               \
         &(c)->program, 0,    "direct (one write) or verify (what the sheet has, verify first)",             \
         "HOW"},                                                                                             \
        CLI_REAL("tolerance", '\0', &(c)->tolerance, 1e-9, 1,                                                \
                 "of verified writes, share of the largest level (the sheet's, else 0.01)", "X"),            \
        CLI_WHOLE("pulses", '\0', &(c)->pulses, 1, 1000000, "of a verified write, at the most (100)", "N")

/** The same with how many chips there are. */
#define CLI_CHIP_OPTIONS(c)                                                                                  \
    CLI_WHOLE("chips", '\0', &(c)->n_chips, 1, 100000, "simulate so many chips (1)", "N"), CLI_AGE_OPTIONS(c)

/** Put the chips into a study's options; c is borrowed until the study is closed. */
void cli_chips_give(const cli_chips *c, uint64_t seed, xbtab_study_options *study);

/** Read what the options name. @return an exit code. */
int cli_chips_open(cli_chips *chips, const char *verb);

/** Free what that took; the texts of options are cli_finish()'s. */
void cli_chips_close(cli_chips *chips);

/** Whether any chip is asked for. */
bool cli_chips_asked(const cli_chips *chips);

/** The chip that the options describe, at the first of their times. */
xbtab_chip_options cli_chip(const cli_chips *chips, uint64_t seed);

/** Warn where the sheet does not fit levels from low to high [S]. */
void cli_chips_warn_of_window(const cli_chips *chips, double low, double high);

/** That, or conductances left the tables' range. */
void cli_chips_warn(const cli_chips *chips, const xbtab_tables *tables, const xbtab_chips_report *report);

/** What they did. */
void cli_chips_print(const cli_chips *chips, const xbtab_chips_report *report);
json_t *cli_chips_json(const cli_chips *chips, const xbtab_chips_report *report);

#endif
