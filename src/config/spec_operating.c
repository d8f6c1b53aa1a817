/* spec_operating.c - whether a tile works at its read voltage, and the TIA that suits its currents. */
#include "spec_operating.h"

#include "check.h"

xbtab_status xbtab__check_turn_on(const xbtab_spec *spec, const xbtab__yaml *yaml)
{
    const xbtab_model *m = spec->selector.model;
    const double *value = spec->selector.value;
    double V =
        spec->array.topology == XBTAB_TOPOLOGY_GATE_INPUT ? spec->v_read : xbtab_spec_dac_voltage(spec, 1);
    if (m->turn_on >= 0 && V < value[m->turn_on]) {
        return xbtab__yaml_fail(yaml, "dac.read_voltage",
                                "the lowest DAC step of %g V never turns %s on, whose %s is %g V", V, m->name,
                                m->parameters[m->turn_on].name, value[m->turn_on]);
    }
    /* a chord conductance below the read voltage is no larger than at it */
    double I = spec->G_level[0] * V;
    for (int k = 1; k < spec->n_levels; k++) I = I < spec->G_level[k] * V ? I : spec->G_level[k] * V;
    if (m->holding >= 0 && I < value[m->holding]) {
        return xbtab__yaml_fail(
            yaml, "levels.g_min",
            "the least level carries %g A at the lowest DAC step of %g V, and %s goes off "
            "again below %s = %g A",
            I, V, m->name, m->parameters[m->holding].name, value[m->holding]);
    }
    return XBTAB_OK;
}

xbtab_status xbtab__size_tia(xbtab_spec *spec)
{
    const xbtab_model *model = spec->tia.model;
    const xbtab_parameter *p = &model->parameters[model->gain];
    double I_most = xbtab_spec_largest_current(spec);
    double wanted = model->gain_output / I_most;
    if (spec->gain_is_given) return XBTAB_OK;
    if (!(wanted >= p->min && wanted <= p->max)) {
        XBTAB_FAIL(XBTAB_ERR_INPUT,
                   "a current of %g A at the end of the range needs %s = %g %s, outside %g to %g", I_most,
                   p->name, wanted, p->unit, p->min, p->max);
    }
    spec->tia.value[model->gain] = wanted;
    return XBTAB_OK;
}
