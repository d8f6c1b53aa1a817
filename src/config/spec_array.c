/* spec_array.c - how the array works. */
#include "spec_array.h"

#include <stdio.h>

#define TEXT(key, member)                                                                                    \
    CYAML_FIELD_STRING_PTR(key, CYAML_FLAG_POINTER, xbtab__array_text, member, 1, CYAML_UNLIMITED)
#define OPTIONAL_TEXT(key, member)                                                                           \
    CYAML_FIELD_STRING_PTR(key, CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, xbtab__array_text, member, 1,      \
                           CYAML_UNLIMITED)

const cyaml_schema_field_t xbtab__array_fields[] = {TEXT("rows", rows),
                                                    TEXT("columns", columns),
                                                    OPTIONAL_TEXT("topology", topology),
                                                    OPTIONAL_TEXT("polarity", polarity),
                                                    OPTIONAL_TEXT("drive", drive),
                                                    OPTIONAL_TEXT("sense", sense),
                                                    CYAML_FIELD_END};

static xbtab_status check_gates(const xbtab_spec *spec, const xbtab__yaml *yaml)
{
    if (spec->selector.model->gate < 0) {
        return xbtab__yaml_fail(yaml, "array.topology",
                                "gate_input needs a selector with a gate pin; \"%s\" has none",
                                spec->selector.model->name);
    }
    if (spec->array.polarity == XBTAB_POLARITY_ALTERNATING && spec->rows % 2) {
        return xbtab__yaml_fail(yaml, "array.rows",
                                "%d: the cells of a source line stand in pairs, so their number is even",
                                spec->rows);
    }
    return XBTAB_OK;
}

xbtab_status xbtab__take_array(xbtab_spec *spec, const xbtab__yaml *yaml, const xbtab__array_text *text)
{
    int topology = 0, polarity = 0, drive = 0, sense = 0, most = XBTAB__LARGEST_SIDE;
    XBTAB_TRY(xbtab__yaml_int(&spec->rows, yaml, "array.rows", text->rows, 1, most));
    XBTAB_TRY(xbtab__yaml_int(&spec->columns, yaml, "array.columns", text->columns, 1, most));
    XBTAB_TRY(xbtab__yaml_choice(&topology, yaml, "array.topology", text->topology, xbtab_topology_words()));
    XBTAB_TRY(xbtab__yaml_choice(&polarity, yaml, "array.polarity", text->polarity, xbtab_polarity_words()));
    XBTAB_TRY(xbtab__yaml_choice(&drive, yaml, "array.drive", text->drive,
                                 xbtab_drive_words((xbtab_topology)topology)));
    XBTAB_TRY(xbtab__yaml_choice(&sense, yaml, "array.sense", text->sense, xbtab_sense_words()));
    spec->array = (xbtab_array){(xbtab_topology)topology, (xbtab_polarity)polarity, (xbtab_drive)drive,
                                (xbtab_sense)sense};
    return topology == XBTAB_TOPOLOGY_GATE_INPUT ? check_gates(spec, yaml) : XBTAB_OK;
}

xbtab_status xbtab__take_gate_voltages(xbtab_spec *spec, const xbtab__yaml *yaml, char **text, unsigned n)
{
    unsigned codes = 1u << spec->dac_bits;
    if (spec->array.topology != XBTAB_TOPOLOGY_GATE_INPUT) {
        if (n == 0) return XBTAB_OK;
        return xbtab__yaml_fail(yaml, "dac.gate_voltages", "are for array.topology: gate_input");
    }
    const xbtab_parameter *gate = &spec->selector.model->parameters[spec->selector.model->gate];
    double most = spec->selector.value[spec->selector.model->gate];
    if (n != 0 && n != codes)
        return xbtab__yaml_fail(yaml, "dac.gate_voltages", "%u voltages; %d bits have %u codes", n,
                                spec->dac_bits, codes);
    for (unsigned k = 0; k < codes; k++) {
        char key[64];
        snprintf(key, sizeof key, "dac.gate_voltages[%u]", k);
        spec->V_gate[k] = most * k / (codes - 1);
        if (n == 0) continue;
        XBTAB_TRY(xbtab__yaml_quantity(&spec->V_gate[k], yaml, key, text[k], "V", -20, 20));
        if (k > 0 && !(spec->V_gate[k] > spec->V_gate[k - 1]))
            return xbtab__yaml_fail(yaml, key, "gate voltages must rise from code to code");
    }
    if (spec->V_gate[codes - 1] != most)
        return xbtab__yaml_fail(yaml, "dac.gate_voltages",
                                "the largest code has %g V; levels are set with the selector's %s = %g V",
                                spec->V_gate[codes - 1], gate->name, most);
    return XBTAB_OK;
}
