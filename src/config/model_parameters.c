/* model_parameters.c - parameters of a model by name; ngspice does not tell capitals from small letters. */
#include <strings.h>

#include <xbartab/models.h>

int xbtab_model_parameter(const xbtab_model *model, const char *name)
{
    for (int k = 0; k < model->n_parameters; k++) {
        if (strcasecmp(model->parameters[k].name, name) == 0) return k;
    }
    return -1;
}

int xbtab_model_dynamic_parameter(const xbtab_model *model, const char *name)
{
    for (int k = 0; model->dynamic && k < model->dynamic->n_parameters; k++) {
        if (strcasecmp(model->dynamic->parameters[k].name, name) == 0) return k;
    }
    return -1;
}
