/* tia_bench.c - one transimpedance amplifier: in the crossbar, alone, or with what a bit line is to it. */
#include "compose_private.h"

void xbtab__compose_tia(xbtab__text *text, const xbtab_spec *spec, int j)
{
    xbtab__text_add(text, "Xt%d t%d o%d %s", j, j, j, spec->tia.model->name);
    xbtab__compose_values(text, &spec->tia, -1);
    xbtab__text_add(text, "\n");
}

void xbtab__compose_tia_bench(xbtab__text *text, const xbtab_spec *spec)
{
    xbtab__text_add(text, "%s\n", spec->tia.model->sub_text);
    xbtab__text_add(text, "Ii0 0 t0 external\n");
    xbtab__compose_tia(text, spec, 0);
}

void xbtab__compose_loaded_tias(xbtab__text *text, const xbtab_spec *spec, const char *source, double G,
                                double C, const double *offset, int n)
{
    const xbtab_model *model = spec->tia.model;
    xbtab__text_add(text, "%s\n", model->sub_text);
    for (int k = 0; k < n; k++) {
        xbtab__text_add(text, "Ii%d 0 t%d %s\n", k, k, source);
        if (G > 0) xbtab__text_add(text, "Rline%d t%d 0 %.17g noisy=0\n", k, k, 1.0 / G);
        if (C > 0) xbtab__text_add(text, "Cline%d t%d 0 %.17g\n", k, k, C);
        xbtab__text_add(text, "Xt%d t%d o%d %s", k, k, k, model->name);
        xbtab__compose_values(text, &spec->tia, offset ? model->offset : -1);
        if (offset) xbtab__text_add(text, " %s=%.17g", model->parameters[model->offset].name, offset[k]);
        xbtab__text_add(text, "\n");
    }
}
