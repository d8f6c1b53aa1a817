/* tia_bench.c - one transimpedance amplifier, in the crossbar or alone. */
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
