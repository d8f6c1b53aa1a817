/* tables_readout.c - the read-out of a column in time, as attributes of /tia and /energy with the unit in the
 * name, and the noise's densities as a dataset. */
#include "tables_readout.h"

#include <math.h>

#include "memory.h"

enum { MOST_FREQUENCIES = 1 << 20 };

typedef struct entry {
    const char *name;
    size_t offset;
} entry;

static const entry tia_entries[] = {
    {"settling_s", offsetof(xbtab_readout_data, tia_settling)},
    {"noise_A_rtHz", offsetof(xbtab_readout_data, noise_density)},
    {"read_bandwidth_Hz", offsetof(xbtab_readout_data, f_read)},
    {"noise_rms_V", offsetof(xbtab_readout_data, noise_rms)},
    {"offset_sigma_V", offsetof(xbtab_readout_data, offset_sigma)},
    {"transresistance_ohm", offsetof(xbtab_readout_data, transresistance)},
    {"virtual_ground_V", offsetof(xbtab_readout_data, virtual_ground)},
};

static const entry column_entries[] = {
    {"word_capacitance_F", offsetof(xbtab_readout_data, c_word)},
    {"bit_capacitance_F", offsetof(xbtab_readout_data, c_bit)},
    {"settling_s", offsetof(xbtab_readout_data, settling)},
    {"line_energy_J", offsetof(xbtab_readout_data, E_lines)},
};

enum {
    N_TIA = sizeof tia_entries / sizeof tia_entries[0],
    N_COLUMN = sizeof column_entries / sizeof column_entries[0]
};

static double *member(const xbtab_readout_data *r, const entry *e)
{
    return (double *)((char *)(uintptr_t)r + e->offset);
}

static xbtab_status put(const xbtab__h5_file *file, xbtab__h5_id group, const xbtab_readout_data *r,
                        const entry *entries, int n)
{
    for (int k = 0; k < n; k++) {
        XBTAB_TRY(xbtab__h5_put_number(file, group, entries[k].name, *member(r, &entries[k])));
    }
    return XBTAB_OK;
}

static xbtab_status get(const xbtab__h5_file *file, xbtab__h5_id group, xbtab_readout_data *r,
                        const entry *entries, int n)
{
    for (int k = 0; k < n; k++) {
        *member(r, &entries[k]) = NAN;
        if (!xbtab__h5_has_attribute(group, entries[k].name)) continue;
        XBTAB_TRY(xbtab__h5_get_number(file, group, entries[k].name, member(r, &entries[k])));
    }
    return XBTAB_OK;
}

xbtab_status xbtab__readout_write_tia(const xbtab__h5_file *file, xbtab__h5_id group,
                                      const xbtab_readout_data *r)
{
    xbtab__h5_axis axis = {"noise_frequency", "Hz", r->n_f, r->f};
    XBTAB_TRY(put(file, group, r, tia_entries, N_TIA));
    XBTAB_TRY(xbtab__h5_put_number(file, group, "noise_frequencies", (double)r->n_f));
    if (r->n_f == 0) return XBTAB_OK;
    return xbtab__h5_put(file, group, "output_noise", "V/Hz^0.5", XBTAB__H5_DOUBLE, r->density, 1, &axis);
}

xbtab_status xbtab__readout_read_tia(xbtab__h5_file *file, xbtab__h5_id group, xbtab_readout_data *r)
{
    double n = 0;
    XBTAB_TRY(get(file, group, r, tia_entries, N_TIA));
    if (!xbtab__h5_has_attribute(group, "noise_frequencies")) return XBTAB_OK;
    XBTAB_TRY(xbtab__h5_get_number(file, group, "noise_frequencies", &n));
    if (!(n >= 0 && n <= MOST_FREQUENCIES)) {
        XBTAB_FAIL(XBTAB_ERR_INPUT, "%s: /tia noise_frequencies = %g is outside 0 to %d", file->path, n,
                   MOST_FREQUENCIES);
    }
    r->n_f = (size_t)n;
    if (r->n_f == 0) return XBTAB_OK;
    XBTAB_TRY(xbtab__h5_get(file, group, "noise_frequency", XBTAB__H5_DOUBLE, (void **)&r->f, 1, &r->n_f,
                            MOST_FREQUENCIES));
    return xbtab__h5_get(file, group, "output_noise", XBTAB__H5_DOUBLE, (void **)&r->density, 1, &r->n_f,
                         MOST_FREQUENCIES);
}

xbtab_status xbtab__readout_write_column(const xbtab__h5_file *file, xbtab__h5_id group,
                                         const xbtab_readout_data *r)
{
    return put(file, group, r, column_entries, N_COLUMN);
}

xbtab_status xbtab__readout_read_column(xbtab__h5_file *file, xbtab__h5_id group, xbtab_readout_data *r)
{
    return get(file, group, r, column_entries, N_COLUMN);
}
