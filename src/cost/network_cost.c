/* network_cost.c - what an image costs, from where a network's layers stand. */
#include "cost_private.h"

#include <math.h>
#include <string.h>

#include "memory.h"

/* One matrix layer. */
typedef struct layer {
    xbtab_network_node node;
    xbtab_placement place;
    xbtab__uses uses;  /* an image */
    double steps;      /* one after the other, of one copy */
    double cell_reads; /* word lines driven times bit lines read, an image */
    double copies;
    int weight_bits, activation_bits;
} layer;

typedef struct job {
    const xbtab_hierarchy *h;
    const xbtab_cost_options *o;
    layer *layer;
    size_t n;
    double arrays, interval; /* of all copies; between two images [s] */
    double cell_energy;      /* of one cell in one read, over codes and levels [J] */
    double codes_share;      /* ADC codes made, of those that the placement asks for */
} job;

/* ---- what the layers make ---- */

static xbtab_status place(const job *j, layer *l)
{
    const xbtab_arch *a = j->h->arch;
    const int w = l->node.weight_bits ? l->node.weight_bits
                  : j->o->weight_bits ? j->o->weight_bits
                                      : (int)a->weight_bits;
    const int x = l->node.activation_bits ? l->node.activation_bits
                  : j->o->activation_bits ? j->o->activation_bits
                                          : (int)a->activation_bits;
    l->weight_bits = w ? w : 8;
    l->activation_bits = x ? x : 8;
    const xbtab_tile_need need = {.groups = l->node.groups,
                                  .inputs = l->node.inputs,
                                  .outputs = l->node.outputs,
                                  .weight_bits = l->weight_bits,
                                  .rows = (size_t)a->spec->rows,
                                  .columns = (size_t)a->spec->columns,
                                  .cell_bits = xbtab_arch_cell_bits(a)};
    xbtab_status status =
        xbtab_placement_find(&l->place, &need, &a->scheme, l->activation_bits, a->spec->dac_bits);
    return status < 0 ? xbtab__error_prefix(status, "%s: node \"%s\"", a->name, l->node.name) : status;
}

/* Groups that share a tile are asked one after the other. */
static void count(layer *l)
{
    const xbtab_placement *p = &l->place;
    const double vectors = (double)l->node.products, groups = (double)l->node.groups,
                 slices = p->input_slices;
    const double in_turn = p->tiles < l->node.groups ? ceil(groups / (double)p->tiles) : 1;
    const double inputs = groups * (double)l->node.inputs, outputs = groups * (double)l->node.outputs;
    l->steps = vectors * slices * p->passes * in_turn;
    l->uses = (xbtab__uses){.steps = l->steps,
                            .reads = (double)p->tiles * l->steps,
                            .drives = vectors * slices * p->lines,
                            .columns_read = vectors * slices * p->columns_read,
                            .conversions = vectors * p->conversions,
                            .outputs = vectors * outputs,
                            .bits_in = vectors * inputs * l->activation_bits,
                            .bits_out = vectors * outputs * l->activation_bits,
                            .vectors = vectors * groups,
                            .macs = vectors * inputs * (double)l->node.outputs};
    l->cell_reads = vectors * slices * p->cells;
    l->copies = 1;
}

static xbtab_status take_layers(job *j, const xbtab_network *network)
{
    const size_t n = xbtab_network_nodes(network);
    j->layer = xbtab__alloc(n, sizeof *j->layer);
    if (!j->layer) return XBTAB_NOMEM();
    for (size_t k = 0; k < n; k++) {
        layer *l = &j->layer[j->n];
        XBTAB_TRY(xbtab_network_node_get(network, k, &l->node));
        if (l->node.inputs == 0) continue;
        XBTAB_TRY(place(j, l));
        count(l);
        j->n++;
    }
    if (j->n == 0) XBTAB_FAIL(XBTAB_ERR_INPUT, "the network has no layer with a matrix");
    return XBTAB_OK;
}

static size_t slowest(const job *j)
{
    size_t most = 0;
    for (size_t k = 1; k < j->n; k++)
        if (j->layer[k].steps / j->layer[k].copies > j->layer[most].steps / j->layer[most].copies) most = k;
    return most;
}

/* Copies go to the layer that is slowest, as long as they fit the arrays that may be filled (ISAAC's early layers
 * are copied in proportion to their vectors; so it ends here too). */
static void replicate(job *j)
{
    double taken = 0, most;
    for (size_t k = 0; k < j->n; k++) taken += (double)j->layer[k].place.tiles;
    most = taken * (j->o->replicate > 0 ? j->o->replicate : 1);
    for (;;) {
        layer *l = &j->layer[slowest(j)];
        if (taken + (double)l->place.tiles > most || l->copies >= (double)l->node.products) break;
        l->copies++;
        taken += (double)l->place.tiles;
    }
    j->arrays = taken;
}

/* ---- the array ---- */

/* Levels are used alike, and codes: half of the places of a binary input, of inputs of more bits the mean square
 * of the codes. */
static double mean_square_drive(const xbtab_arch *a)
{
    double most = (double)((1 << a->spec->dac_bits) - 1), sum = 0;
    for (double c = 0; c <= most; c++) sum += c * c / (most * most);
    return sum / (most + 1);
}

static double cell_energy(const job *j)
{
    const xbtab_arch *a = j->h->arch;
    const double v2 = a->spec->v_read * a->spec->v_read * mean_square_drive(a);
    const xbtab_tables *t = j->o->tables;
    double G = 0;
    if (!t) {
        for (int k = 0; k < a->spec->n_levels; k++) G += a->spec->G_level[k] / a->spec->n_levels;
        return v2 * G * j->h->step;
    }
    for (size_t k = 0; k < t->n_levels; k++) G += t->G_level[k] / (double)t->n_levels;
    return t->energy.scale * v2 * G * j->h->step;
}

/* ---- parts ---- */

/* Units of each level that so many arrays take. */
static double units(const xbtab_hierarchy *h, size_t level, double arrays)
{
    return ceil(arrays / h->level[level].arrays);
}

static bool is_array(const xbtab__part *p)
{
    return strcmp(p->component->kind, "array") == 0;
}

/* Uses of a part by one layer. */
static xbtab_status layer_uses(double *out, const job *j, const xbtab__part *p, const layer *l, double chips)
{
    xbtab__uses u = l->uses;
    u.conversions *= j->codes_share;
    u.bits_link = chips > 1 ? u.bits_in * (chips - 1) / chips : 0; /* layers anywhere on the chips: assumed */
    return xbtab__part_uses(out, j->h, p, &u);
}

static xbtab_status add_part(xbtab_network_cost *c, const job *j, const xbtab__part *p, size_t level)
{
    xbtab_cost_component *to = &c->component[c->n_components++];
    const double n = units(j->h, level, j->arrays) * p->count;
    *to = (xbtab_cost_component){.name = p->component->name,
                                 .kind = p->component->kind,
                                 .level = j->h->level[level].name,
                                 .count = n,
                                 .area = isnan(p->values.area) ? 0 : n * p->values.area,
                                 .trust = p->component->trust,
                                 .is_scaled = p->is_scaled};
    const double always =
        p->uses || is_array(p) || isnan(p->values.power) ? 0 : n * p->values.power * j->interval;
    to->energy = always;
    for (size_t k = 0; k < j->n; k++) {
        double uses = 0, energy, share = (double)j->layer[k].place.tiles * j->layer[k].copies / j->arrays;
        if (is_array(p)) {
            uses = j->layer[k].uses.reads;
            energy = j->layer[k].cell_reads * j->cell_energy;
        } else {
            XBTAB_TRY(layer_uses(&uses, j, p, &j->layer[k], c->chips));
            energy = p->uses ? uses * xbtab__part_energy(j->h, p) : 0;
        }
        to->uses += uses;
        to->energy += energy;
        c->layer[k].energy += energy + always * share;
    }
    if (is_array(p)) to->trust = j->o->tables ? XBTAB_TRUST_DERIVED : XBTAB_TRUST_ASSUMED;
    to->uncertainty =
        to->energy * ((is_array(p) ? xbtab__trust_spread(to->trust) : p->component->spread) - 1);
    return XBTAB_OK;
}

static xbtab_status add_layers(xbtab_network_cost *c, const job *j)
{
    const double cells = (double)j->h->arch->spec->rows * j->h->arch->spec->columns;
    for (size_t k = 0; k < j->n; k++) {
        const layer *l = &j->layer[k];
        xbtab_cost_layer *to = &c->layer[c->n_layers++];
        *to = (xbtab_cost_layer){.name = xbtab__strdup(l->node.name),
                                 .latency = l->steps / l->copies * c->step,
                                 .utilisation = l->place.cells / (cells * (double)l->place.tiles),
                                 .arrays = (double)l->place.tiles * l->copies,
                                 .copies = l->copies,
                                 .operations = 2 * l->uses.macs,
                                 .conversions = l->uses.conversions * j->codes_share};
        if (!to->name) return XBTAB_NOMEM();
        c->latency += to->latency + (j->h->stages - 1) * c->step;
        c->operations += to->operations;
        c->cells += l->place.cells;
        c->utilisation += to->utilisation * to->arrays / j->arrays;
    }
    return XBTAB_OK;
}

/* The array's own step, or what the ADC takes for the bit lines that share it. */
static void find_step(xbtab_network_cost *c, const xbtab_hierarchy *h, const xbtab_tables *tables)
{
    c->step = h->step;
    c->bottleneck = "input step";
    for (size_t k = 0; k < h->n_levels; k++) {
        for (size_t i = 0; i < h->level[k].n_parts; i++) {
            const xbtab__part *p = &h->level[k].part[i];
            double each = (double)h->arch->spec->columns * h->level[k].arrays / p->count;
            if (strcmp(p->component->kind, "adc") != 0 || isnan(p->values.delay)) continue;
            if (each * p->values.delay <= c->step * (1 + 1e-9)) continue;
            c->step = each * p->values.delay;
            c->bottleneck = "adc";
        }
    }
    if (tables && tables->readout.settling > c->step) {
        c->step = tables->readout.settling;
        c->bottleneck = "settling of a column";
    }
}

static void find_totals(xbtab_network_cost *c, const job *j)
{
    double square = 0, weighted = 0;
    for (size_t k = 0; k < c->n_components; k++) {
        const xbtab_cost_component *p = &c->component[k];
        c->energy += p->energy;
        c->area += p->area;
        c->share[p->trust] += p->energy;
        if (p->is_scaled) c->scaled += p->energy;
        square += p->uncertainty * p->uncertainty;
    }
    for (int t = 0; t < XBTAB_N_TRUST; t++) c->share[t] /= c->energy;
    c->scaled /= c->energy;
    c->uncertainty = sqrt(square);
    c->power = c->energy * c->throughput;
    c->ops_per_joule = c->operations / c->energy;
    c->ops_per_second_area = c->operations * c->throughput / c->area;
    for (size_t k = 0; k < j->n; k++)
        weighted += 2 * j->layer[k].uses.macs * j->layer[k].weight_bits * j->layer[k].activation_bits;
    c->ops_per_joule_bits = weighted / c->energy;
    const xbtab_hierarchy *h = j->h;
    double copied = 0;
    for (size_t k = 0; k < j->n; k++) copied += j->layer[k].place.cells * j->layer[k].copies;
    c->cells = copied;
    c->write_energy = copied * h->write_energy;
    c->write_time = (double)h->arch->spec->rows * h->arch->spec->columns / h->write_cells * h->write_time;
    c->writes_to_wear = h->endurance;
}

static xbtab_status make(xbtab_network_cost *c, job *j, const xbtab_network *network)
{
    const xbtab_hierarchy *h = j->h;
    size_t n_parts = 0;
    double codes = 0;
    XBTAB_TRY(take_layers(j, network));
    replicate(j);
    for (size_t k = 0; k < h->n_levels; k++) n_parts += h->level[k].n_parts;
    for (size_t k = 0; k < j->n; k++) codes += j->layer[k].uses.conversions;
    j->codes_share = j->o->codes > 0 ? j->o->codes / codes : 1;
    c->component = xbtab__alloc(n_parts, sizeof *c->component);
    c->layer = xbtab__alloc(j->n, sizeof *c->layer);
    if (!c->component || !c->layer) return XBTAB_NOMEM();
    find_step(c, h, j->o->tables);
    c->arrays = j->arrays;
    c->chips = units(h, h->n_levels - 1, j->arrays);
    c->slowest = slowest(j);
    j->interval = j->layer[c->slowest].steps / j->layer[c->slowest].copies * c->step;
    if (!h->is_pipelined) j->interval *= (h->input_steps + h->stages - 1) / h->input_steps;
    c->throughput = 1 / j->interval;
    j->cell_energy = cell_energy(j);
    XBTAB_TRY(add_layers(c, j));
    for (size_t k = 0; k < h->n_levels; k++)
        for (size_t i = 0; i < h->level[k].n_parts; i++) XBTAB_TRY(add_part(c, j, &h->level[k].part[i], k));
    find_totals(c, j);
    return XBTAB_OK;
}

xbtab_status xbtab_cost_network(xbtab_network_cost *out, const xbtab_hierarchy *hierarchy,
                                const xbtab_network *network, const xbtab_cost_options *options)
{
    static const xbtab_cost_options defaults = {0};
    xbtab_network_cost c = {0};
    job j = {.h = hierarchy, .o = options ? options : &defaults};
    xbtab_status status = make(&c, &j, network);
    xbtab__free(j.layer);
    if (status < 0) {
        xbtab_network_cost_clear(&c);
        return status;
    }
    *out = c;
    return XBTAB_OK;
}

void xbtab_network_cost_clear(xbtab_network_cost *c)
{
    for (size_t k = 0; k < c->n_layers && c->layer; k++) xbtab__free(c->layer[k].name);
    xbtab__free(c->layer);
    xbtab__free(c->component);
    *c = (xbtab_network_cost){0};
}
