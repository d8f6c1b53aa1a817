/* model_hints.c - what a researcher may do about what ngspice says of a model. */
#include "model_hints.h"

#include <stddef.h>
#include <string.h>

static const struct {
    const char *said, *hint;
} known[] = {
    {"Undefined parameter", "correct the name in the braces, or add it to the .subckt line and to the sheet; "
                            "values made of others need a "
                            ".param line inside the subcircuit"},
    {"no such function", "write it with what B sources have: exp ln log sqrt abs sinh cosh tanh asinh atan "
                         "min max pwl, a ? b : c"},
    {"singular matrix", "give that node a way for direct current (a large resistor to bottom); a node that "
                        "only one element names is a "
                        "spelling mistake"},
    {"out of range for",
     "Newton's way and the other sign of the voltage lead there: keep the argument in range, as in "
     "sqrt(max(x,0)+1e-12), and exponents bounded"},
    {"beyond all bounds", "a division comes near 0 or an exponential overflows there: narrow min and max in "
                          "the sheet, or bound the "
                          "exponent and go on straight (see devicemodels/README.md)"},
    {"unknown subckt", "define the subcircuit in this very file; .include and .lib are not read"},
    {"could not find a valid modelname",
     "add the .model line to this very file, outside or inside the subcircuit"},
    {"unknown parameter", "the element or .model line does not know it: compare with ngspice's manual"},
    {"time points it is at",
     "something oscillates by itself or settles far faster than the pulses: take it out "
     "of the dynamic subcircuit, or slow it down to a thousandth of a pulse"},
    {"took too long", "the model makes ngspice hang: simplify it step by step until it comes back; functions "
                      "without a slope and loops of B sources are the usual cause"},
    {"Timestep too small", "a slope is no number or jumps there: see the clamps of devicemodels/README.md; a "
                           "temperature that follows the "
                           "current at once wants 0.1 ns"},
};

const char *xbtab__model_hint(const char *said, const char *otherwise)
{
    for (size_t k = 0; k < sizeof known / sizeof known[0]; k++) {
        if (strstr(said, known[k].said)) return known[k].hint;
    }
    return otherwise;
}
