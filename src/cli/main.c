/* main.c - finds the verb and runs it. */
#include <stdio.h>
#include <string.h>

#include <xbartab/version.h>

#include "cli.h"
#include "same_bits.h"

static const struct {
    const char *name;
    int (*run)(int argc, const char **argv);
    const char *help; /* one line */
} verbs[] = {
    {"models", cmd_models, "list, show and test the device, selector, TIA and wire models"},
    {"netlist", cmd_netlist, "write a crossbar as SPICE text"},
    {"calibrate", cmd_calibrate, "fit a model's parameters to measured data"},
    {"characterize", cmd_characterize, "run ngspice on a tile's specification and write its tables"},
    {"compare", cmd_compare, "characterize pairs of devices and selectors, and tell how they compare"},
    {"population", cmd_population, "how a technology's devices differ: list, show, fit, confusion of levels"},
    {"info", cmd_info, "what a table file holds, and how well it fits SPICE"},
    {"network", cmd_network, "a network's layers, bits, operations and tiles, without running it"},
    {"infer", cmd_infer, "run a quantized network on tables"},
    {"cost", cmd_cost, "energy, area and time of a network on a preset"},
    {"explain", cmd_explain, "which effect costs how much of a network's accuracy"},
    {"arch", cmd_arch, "list and show the architecture presets"},
    {"sweep", cmd_sweep, "run a preset or a tile over a grid of its keys' values"},
    {"solve", cmd_solve, "currents and voltages of one crossbar, exactly"},
    {"init", cmd_init, "write a commented start: a tile, a device, an architecture, a calibration"},
    {"doctor", cmd_doctor, "what this machine has of what xbartab needs"},
    {"bench", cmd_bench, "measure the performance ratios on this machine"},
};

static void print_help(FILE *out)
{
    fprintf(
        out,
        "Usage: xbartab VERB [OPTION...] [ARGUMENT...]\n\n"
        "Characterizes RRAM crossbars in ngspice and runs quantized networks on the resulting tables.\n\n");
    for (size_t k = 0; k < sizeof verbs / sizeof verbs[0]; k++)
        fprintf(out, "  %-13s %s\n", verbs[k].name, verbs[k].help);
    fprintf(
        out,
        "\nxbartab VERB --help tells a verb's options. Exit: 0 done, 1 failed, 2 usage, 3 done but a stated\n"
        "tolerance was missed.\n\nExample:\n"
        "  xbartab characterize data/tiles/default.yaml -o default.h5\n");
}

static int run(int argc, char **argv)
{
    if (argc < 2) {
        print_help(stderr);
        return CLI_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
        print_help(stdout);
        return CLI_DONE;
    }
    if (strcmp(argv[1], "--version") == 0) {
        printf("xbartab %s\n", XBTAB_VERSION);
        return CLI_DONE;
    }
    for (size_t k = 0; k < sizeof verbs / sizeof verbs[0]; k++) {
        if (strcmp(verbs[k].name, argv[1]) != 0) continue;
        if (verbs[k].run != cmd_bench) cli_same_bits(argv); /* speed is told of the machine as it is */
        return verbs[k].run(argc - 1, (const char **)argv + 1);
    }
    fprintf(stderr, "xbartab: no verb is called \"%s\"; see xbartab --help\n", argv[1]);
    return CLI_USAGE;
}

int main(int argc, char **argv)
{
    cli_begin();
    return cli_end(run(argc, argv));
}
