/* network_cost.c - what an image costs, from where a network's layers stand. */
#include "cost_private.h"

#include <math.h>
#include <string.h>

#include "memory.h"

/* One matrix layer. */
typedef struct layer {
    xbtab_network_node node;
    xbtab_placement place;
    xbtab__uses uses;    /* an image */
    double steps;        /* one after the other, of one copy */
    double cell_reads;   /* word lines driven times bit lines read, an image */
    double copies, made; /* made: share of its conversions that is not skipped */
    int weight_bits, activation_bits;
} layer;

typedef struct job {
    const xbtab_hierarchy *h;
    const xbtab_cost_options *o;
    layer *layer;
    size_t n;
    double arrays, interval; /* of all copies; between two images [s] */
    double cell_energy; /* of one cell in one read, over codes and levels; of a siemens with activity [J] */
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
    for (int k = 0; k < a->n_layers && !l->node.weight_bits; k++) {
        if (a->layer[k].layer != (int)j->n) continue;
        if (a->layer[k].weight_bits > 0) l->weight_bits = a->layer[k].weight_bits;
        if (a->layer[k].activation_bits > 0) l->activation_bits = a->layer[k].activation_bits;
    }
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
    l->copies = l->made = 1;
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
    const xbtab_activity *a = j->o->activity;
    if (a && a->n_layers != j->n)
        XBTAB_FAIL(XBTAB_ERR_UNSUPPORTED,
                   "%zu layers as quantized, %zu in the file: images tell nothing of its cost", a->n_layers,
                   j->n);
    for (size_t k = 0; a && k < j->n; k++) {
        j->layer[k].made = a->made[k];
        j->layer[k].uses.drives *= a->driven[k];
        j->layer[k].cell_reads = a->siemens[k];
    }
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

static double mean_level(const job *j)
{
    const xbtab_tables *t = j->o->tables;
    const size_t n = t ? t->n_levels : (size_t)j->h->arch->spec->n_levels;
    const double *level = t ? t->G_level : j->h->arch->spec->G_level;
    double G = 0;
    for (size_t k = 0; k < n; k++) G += level[k] / (double)n;
    return G;
}

static double cell_energy(const job *j)
{
    const xbtab_arch *a = j->h->arch;
    const xbtab_tables *t = j->o->tables;
    const double v2 = a->spec->v_read * a->spec->v_read, scale = t ? t->energy.scale : 1;
    if (j->o->activity) return v2 * scale * j->h->step;
    return v2 * scale * mean_square_drive(a) * mean_level(j) * j->h->step;
}

/* Charging one word line once, all along its cells; 0 where tables do not know it. */
static double line_charge(const job *j)
{
    const xbtab_tables *t = j->o->tables;
    return t && isfinite(t->readout.E_lines) ? t->readout.E_lines / (double)t->rows : 0;
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

/* Conversions that were made, and bits between chips once it is known how many there are; layers are anywhere
 * on them: assumed. */
static void finish_uses(xbtab_network_cost *c, job *j)
{
    const double chips = c->chips;
    double placed = 0, made = 0;
    for (size_t k = 0; k < j->n; k++) {
        placed += j->layer[k].uses.conversions;
        made += j->layer[k].uses.conversions * j->layer[k].made;
    }
    c->conversions = j->o->codes > 0 ? j->o->codes : made;
    c->conversions_saved = placed - c->conversions;
    for (size_t k = 0; k < j->n; k++) {
        xbtab__uses *u = &j->layer[k].uses;
        u->conversions *= made > 0 ? j->layer[k].made * c->conversions / made : 0;
        u->bits_link = chips > 1 ? u->bits_in * (chips - 1) / chips : 0;
    }
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
    to->energy = to->always = always;
    for (size_t k = 0; k < j->n; k++) {
        double uses = 0, energy, share = (double)j->layer[k].place.tiles * j->layer[k].copies / j->arrays;
        if (is_array(p)) {
            uses = j->layer[k].uses.reads;
            energy = j->layer[k].cell_reads * j->cell_energy + j->layer[k].uses.drives * line_charge(j);
        } else {
            XBTAB_TRY(xbtab__part_uses(&uses, j->h, p, &j->layer[k].uses));
            energy = p->uses ? uses * xbtab__part_energy(j->h, p) : 0;
        }
        to->uses += uses;
        to->energy += energy;
        c->layer[k].energy += energy + always * share;
    }
    if (is_array(p)) to->trust = j->o->tables || j->o->activity ? XBTAB_TRUST_DERIVED : XBTAB_TRUST_ASSUMED;
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
                                 .weight_bits = l->weight_bits,
                                 .activation_bits = l->activation_bits,
                                 .operations = 2 * l->uses.macs,
                                 .conversions = l->uses.conversions,
                                 .steps = l->steps,
                                 .reads = l->uses.reads,
                                 .drives = l->uses.drives,
                                 .outputs = l->uses.outputs,
                                 .bits_in = l->uses.bits_in,
                                 .bits_out = l->uses.bits_out,
                                 .bits_link = l->uses.bits_link};
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
        c->always += p->always;
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
}

/* ---- writing it ---- */

/* The longest pulse that the tables have, or what the hierarchy says a write takes. */
static double pulse_time(const job *j)
{
    const xbtab_tables *t = j->o->tables;
    double longest = 0;
    for (size_t k = 0; t && k < t->write.n; k++)
        if (t->write.width[k] > longest) longest = t->write.width[k];
    return longest > 0 ? longest : j->h->write_time;
}

/* One write a cell as the hierarchy has it, or the pulses that a chip needed, each with a read behind it. */
static void find_writing(xbtab_network_cost *c, const job *j)
{
    const xbtab_hierarchy *h = j->h;
    const xbtab_chip_counts *w = j->o->written;
    const double cells_an_array = (double)h->arch->spec->rows * h->arch->spec->columns;
    double one_copy = 0, each = 1, verify = 0;
    for (size_t k = 0; k < j->n; k++) {
        one_copy += (double)j->layer[k].place.tiles;
        c->cells += j->layer[k].place.cells * j->layer[k].copies;
    }
    c->pulses = c->cells;
    c->write_energy = c->cells * h->write_energy;
    if (w && w->cells > 0) {
        each = (double)w->pulses / (double)w->cells;
        verify = h->step;
        c->pulses = (double)w->pulses * j->arrays / one_copy;
        c->write_energy = w->energy > 0 ? w->energy * j->arrays / one_copy : c->pulses * h->write_energy;
        c->write_energy += c->pulses * mean_level(j) * h->arch->spec->v_read * h->arch->spec->v_read * verify;
    }
    c->write_time = cells_an_array / h->write_cells * each * ((w ? pulse_time(j) : h->write_time) + verify);
    c->writes_to_wear = h->endurance / each;
}

static xbtab_status make(xbtab_network_cost *c, job *j, const xbtab_network *network)
{
    const xbtab_hierarchy *h = j->h;
    size_t n_parts = 0;
    XBTAB_TRY(take_layers(j, network));
    replicate(j);
    for (size_t k = 0; k < h->n_levels; k++) n_parts += h->level[k].n_parts;
    c->component = xbtab__alloc(n_parts, sizeof *c->component);
    c->layer = xbtab__alloc(j->n, sizeof *c->layer);
    if (!c->component || !c->layer) return XBTAB_NOMEM();
    find_step(c, h, j->o->tables);
    c->arrays = j->arrays;
    c->chips = units(h, h->n_levels - 1, j->arrays);
    finish_uses(c, j);
    c->slowest = slowest(j);
    j->interval = j->layer[c->slowest].steps / j->layer[c->slowest].copies * c->step;
    if (!h->is_pipelined) j->interval *= (h->input_steps + h->stages - 1) / h->input_steps;
    c->throughput = 1 / j->interval;
    j->cell_energy = cell_energy(j);
    XBTAB_TRY(add_layers(c, j));
    for (size_t k = 0; k < h->n_levels; k++)
        for (size_t i = 0; i < h->level[k].n_parts; i++) XBTAB_TRY(add_part(c, j, &h->level[k].part[i], k));
    find_totals(c, j);
    find_writing(c, j);
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
