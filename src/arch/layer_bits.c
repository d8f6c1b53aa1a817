/* layer_bits.c - bits of a network's layers as a YAML file, read and written. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <xbartab/network.h>

#include "file.h"
#include "memory.h"
#include "text.h"
#include "yaml_text.h"

typedef struct layer_text {
    char *name, *weight_bits, *activation_bits;
} layer_text;

typedef struct bits_text {
    layer_text *layers;
    unsigned layers_count;
} bits_text;

enum { MOST_LAYERS = 10000, MOST_BITS = 16 };

#define OPTIONAL_TEXT(key)                                                                                   \
    CYAML_FIELD_STRING_PTR(#key, CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, layer_text, key, 1,               \
                           CYAML_UNLIMITED)

static const cyaml_schema_field_t layer_fields[] = {
    CYAML_FIELD_STRING_PTR("name", CYAML_FLAG_POINTER, layer_text, name, 1, CYAML_UNLIMITED),
    OPTIONAL_TEXT(weight_bits), OPTIONAL_TEXT(activation_bits), CYAML_FIELD_END};
static const cyaml_schema_value_t layer_value = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, layer_text, layer_fields)};
static const cyaml_schema_field_t bits_fields[] = {
    CYAML_FIELD_SEQUENCE("layers", CYAML_FLAG_POINTER, bits_text, layers, &layer_value, 1, MOST_LAYERS),
    CYAML_FIELD_END};
static const cyaml_schema_value_t bits_value = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, bits_text, bits_fields)};

static xbtab_status take_bits(int *out, const xbtab__yaml *yaml, unsigned k, const char *field,
                              const char *text)
{
    char key[64];
    *out = 0;
    if (!text) return XBTAB_OK;
    if (strcmp(text, "float") == 0) {
        *out = XBTAB_BITS_FLOAT;
        return XBTAB_OK;
    }
    snprintf(key, sizeof key, "layers[%u].%s", k, field);
    return xbtab__yaml_int(out, yaml, key, text, 1, MOST_BITS);
}

xbtab_status xbtab_layer_bits_open(xbtab_layer_bits **out, size_t *n, const char *path)
{
    xbtab__yaml yaml;
    void *data = NULL;
    xbtab_layer_bits *bits = NULL;
    xbtab_status status;
    XBTAB_TRY(xbtab__yaml_read(&yaml, path));
    XBTAB_TRY_DONE(xbtab__yaml_load(&data, &yaml, &bits_value));
    const bits_text *text = data;
    size_t size = text->layers_count * sizeof *bits;
    for (unsigned k = 0; k < text->layers_count; k++) size += strlen(text->layers[k].name) + 1;
    bits = malloc(size);
    if (!bits) {
        status = XBTAB_NOMEM();
        goto done;
    }
    char *name = (char *)(bits + text->layers_count);
    for (unsigned k = 0; k < text->layers_count; k++) {
        const layer_text *l = &text->layers[k];
        size_t length = strlen(l->name) + 1;
        memcpy(name, l->name, length);
        bits[k] = (xbtab_layer_bits){.name = name};
        name += length;
        XBTAB_TRY_DONE(take_bits(&bits[k].weight_bits, &yaml, k, "weight_bits", l->weight_bits));
        XBTAB_TRY_DONE(take_bits(&bits[k].activation_bits, &yaml, k, "activation_bits", l->activation_bits));
    }
    *out = bits;
    *n = text->layers_count;
    bits = NULL;
done:
    free(bits);
    xbtab__yaml_free_data(data, &bits_value);
    xbtab__yaml_clear(&yaml);
    return status;
}

static void add_bits(xbtab__text *t, const char *key, int bits)
{
    if (bits == XBTAB_BITS_FLOAT) xbtab__text_add(t, ", %s: float", key);
    if (bits > 0) xbtab__text_add(t, ", %s: %d", key, bits);
}

xbtab_status xbtab_layer_bits_save(const xbtab_layer_bits *bits, size_t n, const char *path)
{
    xbtab__text t = {0};
    xbtab__text_add(&t, "layers:\n");
    for (size_t k = 0; k < n; k++) {
        xbtab__text_add(&t, "  - {name: '");
        for (const char *c = bits[k].name; *c; c++) xbtab__text_add(&t, *c == '\'' ? "%c'" : "%c", *c);
        xbtab__text_add(&t, "'");
        add_bits(&t, "weight_bits", bits[k].weight_bits);
        add_bits(&t, "activation_bits", bits[k].activation_bits);
        xbtab__text_add(&t, "}\n");
    }
    xbtab_status status = xbtab__text_status(&t);
    if (status == XBTAB_OK) status = xbtab__file_write(path, t.s, t.n);
    xbtab__text_clear(&t);
    return status;
}
