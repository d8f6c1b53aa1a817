/* verbs.c - the program's verbs, and what it says of itself. */
#include "verbs.h"

#include "cli.h"

const cli_verb cli_verbs[] = {
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
const size_t cli_n_verbs = sizeof cli_verbs / sizeof cli_verbs[0];

const char cli_about[] =
    "Characterizes RRAM crossbars in ngspice and runs quantized networks on the resulting tables.";
const char cli_exit_text[] = "0 done, 1 failed, 2 usage, 3 done but a stated\ntolerance was missed.";
const char cli_first_example[] = "xbartab characterize data/tiles/default.yaml -o default.h5";
