/* chip.c - the cells of one simulated chip: written, aged, brought into the tables' range, and counted. */
#include "chip_private.h"

#include <math.h>
#include <string.h>

#include "memory.h"
#include "random.h"

/* Random telegraph noise that is slower stands still while an image runs [s]; assumed, see chip.h. */
static const double slow_rtn = 1e-3;

static const double default_tolerance = 0.01;

enum { DEFAULT_PULSES = 100 };

static const struct {
    const char *word, *text;
} effects[] = {
#define EFFECT(name, word, text) {word, text},
    XBTAB_EFFECT_LIST(EFFECT)
#undef EFFECT
};

const char *xbtab_effect_word(xbtab_effect effect)
{
    return (unsigned)effect < XBTAB_N_EFFECTS ? effects[effect].word : NULL;
}

const char *xbtab_effect_text(xbtab_effect effect)
{
    return (unsigned)effect < XBTAB_N_EFFECTS ? effects[effect].text : NULL;
}

static bool is_off(const xbtab_chip_options *o, xbtab_effect effect)
{
    return (o->off & XBTAB_EFFECT_BIT(effect)) != 0;
}

/* Which way cells are written: with the tables' pulses, or as the sheet says. */
static xbtab_status take_writing(xbtab_chip *chip)
{
    xbtab_chip_options *o = &chip->o;
    xbtab_population *p = &chip->sheet;
    const bool has_verified = p->programming.family != XBTAB_FAMILY_NONE;
    const bool has_direct =
        p->device_to_device.family != XBTAB_FAMILY_NONE || p->cycle_to_cycle.family != XBTAB_FAMILY_NONE;
    const bool has_pulses = chip->tables->write.n > 0;
    if (o->writing == XBTAB_WRITING_AUTO) {
        o->writing = has_verified ? XBTAB_WRITING_VERIFY : XBTAB_WRITING_DIRECT;
    } else if (has_pulses && (o->writing == XBTAB_WRITING_VERIFY || !has_direct)) {
        p->programming = p->cycle_to_cycle =
            (xbtab_distribution){0}; /* what pulses leave over takes their place */
        if (o->tolerance == 0) o->tolerance = default_tolerance;
        return is_off(o, XBTAB_EFFECT_PROGRAMMING) ? XBTAB_OK
                                                   : xbtab_writer_create(&chip->writer, &chip->tables->write);
    }
    if (o->writing == XBTAB_WRITING_DIRECT && has_verified && !has_direct) {
        XBTAB_FAIL(
            XBTAB_ERR_INPUT,
            "population %s: has verified writes only (programming); direct ones need device_to_device or "
            "cycle_to_cycle, or tables with pulses (/write)",
            p->name);
    }
    if (o->writing == XBTAB_WRITING_VERIFY && o->tolerance == 0 && !has_verified)
        o->tolerance = default_tolerance;
    if (o->writing == XBTAB_WRITING_DIRECT) {
        p->programming = (xbtab_distribution){0};
    } else if (has_verified) { /* it holds what these would add */
        p->device_to_device = p->cycle_to_cycle = (xbtab_distribution){0};
    }
    return XBTAB_OK;
}

/* The sheet without what is left out and without the way of writing that is not taken. */
static xbtab_status take_sheet(xbtab_chip *chip)
{
    const xbtab_chip_options *o = &chip->o;
    xbtab_population *p = &chip->sheet;
    XBTAB_TRY(take_writing(chip));
    if (is_off(o, XBTAB_EFFECT_DEVICES)) p->device_to_device = (xbtab_distribution){0};
    /* Relaxation that counts from the target holds the programming error. Without it a cell changes as it
     * does with it, from its target on. */
    chip->only_changes = is_off(o, XBTAB_EFFECT_PROGRAMMING) && !is_off(o, XBTAB_EFFECT_DRIFT) &&
                         p->relaxation.from_target && p->programming.family != XBTAB_FAMILY_NONE;
    if (is_off(o, XBTAB_EFFECT_PROGRAMMING) && !chip->only_changes)
        p->programming = p->cycle_to_cycle = (xbtab_distribution){0};
    if (is_off(o, XBTAB_EFFECT_READ_NOISE)) {
        p->read_noise = (xbtab_read_noise){0};
        p->rtn = (xbtab_rtn){0};
    }
    if (is_off(o, XBTAB_EFFECT_DRIFT)) {
        p->relaxation = (xbtab_relaxation){0};
        p->retention = (xbtab_retention){0};
    }
    if (is_off(o, XBTAB_EFFECT_FAULTS)) {
        p->stuck = (xbtab_stuck){0};
        p->endurance = (xbtab_endurance){0};
    }
    return XBTAB_OK;
}

static xbtab_status check_options(const xbtab_chip_options *o)
{
    if (!(o->time >= 0) || !(o->temperature >= 0) || !(o->writes >= 0) || !(o->tolerance >= 0) ||
        o->pulses < 0 || isinf(o->time) || isinf(o->temperature) || isinf(o->writes)) {
        XBTAB_FAIL(
            XBTAB_ERR_INPUT,
            "a chip's time, temperature, writes, tolerance and pulses must be finite and not negative");
    }
    return XBTAB_OK;
}

xbtab_status xbtab_chip_create(xbtab_chip **out, const xbtab_tables *tables,
                               const xbtab_chip_options *options)
{
    XBTAB_TRY(check_options(options));
    xbtab_chip *c = xbtab__alloc(1, sizeof *c);
    if (!c) return XBTAB_NOMEM();
    c->tables = tables;
    c->o = *options;
    c->has_sheet = options->population != NULL;
    c->G_low = tables->cell.G_state[0];
    c->G_high = tables->cell.G_state[tables->cell.n_states - 1];
    c->scale = 1.0;
    c->error_unit = 1e-5 * tables->G_level[tables->n_levels - 1];
    if (c->o.pulses == 0) c->o.pulses = DEFAULT_PULSES;
    xbtab_status status = XBTAB_OK;
    if (c->has_sheet) {
        c->sheet = *options->population;
        if (c->o.temperature == 0) c->o.temperature = c->sheet.temperature;
        if (c->o.is_scaled) c->scale = c->sheet.G_max / tables->G_level[tables->n_levels - 1];
        status = take_sheet(c);
    }
    if (status < 0) {
        xbtab_chip_destroy(&c);
        return status;
    }
    *out = c;
    return XBTAB_OK;
}

unsigned xbtab__chip_effects(const xbtab_chip *chip)
{
    const xbtab_population *p = &chip->sheet;
    const bool has[] = {
        [XBTAB_EFFECT_DEVICES] = p->device_to_device.family != XBTAB_FAMILY_NONE,
        [XBTAB_EFFECT_PROGRAMMING] = p->programming.family != XBTAB_FAMILY_NONE ||
                                     p->cycle_to_cycle.family != XBTAB_FAMILY_NONE || chip->writer,
        [XBTAB_EFFECT_READ_NOISE] = p->read_noise.is_given || p->rtn.is_given,
        [XBTAB_EFFECT_DRIFT] =
            chip->o.time > 0 && (p->relaxation.law != XBTAB_RELAXATION_NONE || p->retention.is_given),
        [XBTAB_EFFECT_FAULTS] = p->stuck.is_given || (p->endurance.is_given && chip->o.writes > 0)};
    unsigned bits = 0;
    for (unsigned k = 0; k < sizeof has / sizeof has[0]; k++) bits |= has[k] ? XBTAB_EFFECT_BIT(k) : 0;
    return bits;
}

void xbtab_chip_destroy(xbtab_chip **chip)
{
    if (!chip || !*chip) return;
    xbtab_writer_destroy(&(*chip)->writer);
    xbtab__free(*chip);
    *chip = NULL;
}

/* ---- cells ---- */

/* A matrix has a seed of its own, so that a device's number need only be its place within it. */
static uint64_t seed_of(const xbtab_chip *chip, size_t matrix)
{
    xbtab__random random;
    xbtab__random_init(&random, chip->o.seed, XBTAB__RANDOM_CHIP, (uint32_t)matrix, 0);
    uint64_t high = xbtab__random_u32(&random);
    return high << 32 | xbtab__random_u32(&random);
}

/* What slow random telegraph noise makes of a conductance; its two levels' mean is the conductance. */
static double frozen(const xbtab_chip *chip, const xbtab_device *d, double G)
{
    const xbtab_rtn *r = &chip->sheet.rtn;
    xbtab__random random;
    if (d->rtn_amplitude == 0 || d->rtn_tau < slow_rtn) return G;
    xbtab__random_init(&random, d->seed, XBTAB__RANDOM_CHIP, d->index, 1 + d->chip);
    double step = fmin(d->rtn_amplitude * xbtab_curve_at(&r->amplitude, G), 1.0);
    return G * (1.0 + step * (xbtab__random_uniform(&random) < r->duty ? r->duty - 1.0 : r->duty));
}

static uint64_t square_of(const xbtab_chip *chip, double error)
{
    double x = error / chip->error_unit;
    return (uint64_t)fmin(x * x + 0.5, 1e15);
}

static void count(atomic_uint_fast64_t *counter, uint64_t n)
{
    atomic_fetch_add_explicit(counter, n, memory_order_relaxed);
}

/* A tile's own sums, added to the chip's once. */
typedef struct tile_tally {
    uint64_t stuck, worn, lost, beyond, clipped, unverified, pulses, written, square_written, square_read,
        energy;
} tile_tally;

static void add_tally(xbtab_chip *chip, const tile_tally *t, size_t cells)
{
    xbtab__chip_tally *c = &chip->tally;
    count(&c->cells, cells);
    count(&c->stuck, t->stuck);
    count(&c->worn, t->worn);
    count(&c->lost, t->lost);
    count(&c->beyond, t->beyond);
    count(&c->clipped, t->clipped);
    count(&c->unverified, t->unverified);
    count(&c->pulses, t->pulses);
    count(&c->energy, t->energy);
    count(&c->written, t->written);
    count(&c->square_written, t->square_written);
    count(&c->square_read, t->square_read);
}

/* Into the range in which the tables answer. */
static double bring_in(const xbtab_chip *chip, double G, tile_tally *t)
{
    double most = XBTAB_TILE_MOST_SHARE * chip->G_high;
    if (G > most) {
        t->clipped++;
        return most;
    }
    t->beyond += G > chip->G_high * (1 + 1e-6) || (G > 0 && G < chip->G_low * (1 - 1e-6));
    return G;
}

static double cell(xbtab_chip *chip, const xbtab_device *d, double G_level, tile_tally *t)
{
    const xbtab_chip_options *o = &chip->o;
    xbtab__chip_write w;
    xbtab__chip_write_cell(&w, chip, d, G_level * chip->scale);
    bool is_worn = !d->is_stuck && w.written.writes >= d->writes_max;
    double G = xbtab_device_conductance(&chip->sheet, d, &w.written, o->time, o->temperature);
    bool is_lost = chip->sheet.retention.is_given && !d->is_stuck && !is_worn &&
                   o->time > xbtab_retention_median(&chip->sheet, o->temperature) *
                                 exp(chip->sheet.retention.sigma * d->z_retention);
    if (chip->only_changes && !d->is_stuck && !is_worn) {
        if (!is_lost) G = fmax(w.written.G_target + G - w.written.G, 0);
        w.written.G = w.written.G_target;
    }
    t->pulses += w.pulses;
    t->energy += (uint64_t)(1e18 * w.energy + 0.5);
    if (d->is_stuck) {
        t->stuck++;
    } else if (is_worn) {
        t->worn++;
    } else {
        t->written++;
        t->square_written += square_of(chip, w.written.G / chip->scale - G_level);
        t->unverified += w.is_unverified;
        t->lost += is_lost;
        G = frozen(chip, d, G);
    }
    G = bring_in(chip, G / chip->scale, t);
    t->square_read += square_of(chip, G - G_level);
    return G;
}

xbtab_status xbtab_chip_conductances(void *context, size_t matrix, size_t tile, const uint8_t *level,
                                     size_t rows, size_t columns, double *G)
{
    xbtab_chip *chip = context;
    const xbtab_tables *tables = chip->tables;
    size_t cells = tables->rows * tables->columns;
    uint64_t seed = seed_of(chip, matrix);
    tile_tally t = {0};
    if ((tile + 1) * cells - 1 > UINT32_MAX) {
        XBTAB_FAIL(XBTAB_ERR_UNSUPPORTED,
                   "a simulated chip numbers 2^32 cells of a matrix; tile %zu has none left", tile);
    }
    for (size_t i = 0; i < rows; i++) {
        for (size_t j = 0; j < columns; j++) {
            double G_level = tables->G_level[level[i * columns + j]];
            xbtab_device d;
            if (!chip->has_sheet) {
                G[i * columns + j] = G_level;
                continue;
            }
            xbtab_device_draw(&d, &chip->sheet, seed, chip->o.chip,
                              (uint32_t)(tile * cells + i * tables->columns + j));
            G[i * columns + j] = cell(chip, &d, G_level, &t);
        }
    }
    add_tally(chip, &t, rows * columns);
    return XBTAB_OK;
}

/* ---- reading ---- */

/* Variance of one read of a cell [S^2]. */
static double read_variance(const xbtab_chip *chip, const xbtab_device *d, double G)
{
    const xbtab_population *p = &chip->sheet;
    double sigma = xbtab_read_noise_sigma(p, G, chip->o.time), quick = 0;
    if (d->rtn_amplitude > 0 && d->rtn_tau < slow_rtn) {
        double step = fmin(d->rtn_amplitude * xbtab_curve_at(&p->rtn.amplitude, G), 1.0);
        quick = G * G * step * step * p->rtn.duty * (1.0 - p->rtn.duty);
    }
    return sigma * sigma + quick;
}

xbtab_status xbtab_chip_read_noise(void *context, size_t matrix, size_t tile, const uint8_t *level,
                                   const double *G, size_t rows, size_t columns, double *sigma)
{
    const xbtab_chip *chip = context;
    const xbtab_tables *tables = chip->tables;
    size_t cells = tables->rows * tables->columns;
    uint64_t seed = seed_of(chip, matrix);
    (void)level;
    memset(sigma, 0, columns * sizeof *sigma);
    for (size_t i = 0; i < rows; i++) {
        for (size_t j = 0; j < columns; j++) {
            xbtab_device d = {0};
            if (chip->sheet.rtn.is_given) { /* all that noise asks of a device */
                xbtab_device_draw(&d, &chip->sheet, seed, chip->o.chip,
                                  (uint32_t)(tile * cells + i * tables->columns + j));
            }
            if (d.is_stuck) d.rtn_amplitude = 0;
            sigma[j] += read_variance(chip, &d, G[i * columns + j] * chip->scale);
        }
    }
    for (size_t j = 0; j < columns; j++) sigma[j] = tables->v_read * sqrt(sigma[j]) / chip->scale;
    return XBTAB_OK;
}

void xbtab_chip_hook(xbtab_chip *chip, xbtab_map_options *options)
{
    bool is_noisy = chip->sheet.read_noise.is_given || chip->sheet.rtn.is_given;
    options->conductances = chip->has_sheet ? xbtab_chip_conductances : NULL;
    options->read_noise = chip->has_sheet && is_noisy ? xbtab_chip_read_noise : NULL;
    options->context = chip;
}

void xbtab_chip_get_counts(const xbtab_chip *chip, xbtab_chip_counts *counts)
{
    const xbtab__chip_tally *t = &chip->tally;
    *counts = (xbtab_chip_counts){.cells = t->cells,
                                  .stuck = t->stuck,
                                  .worn = t->worn,
                                  .lost = t->lost,
                                  .beyond = t->beyond,
                                  .clipped = t->clipped,
                                  .unverified = t->unverified,
                                  .pulses = t->pulses,
                                  .energy = 1e-18 * (double)t->energy};
    if (t->written)
        counts->rms_written = chip->error_unit * sqrt((double)t->square_written / (double)t->written);
    if (t->cells) counts->rms_read = chip->error_unit * sqrt((double)t->square_read / (double)t->cells);
}
