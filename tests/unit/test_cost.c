/* test_cost.c - what systems cost, from their sheets: sums that papers print, or that follow by hand from what
 * they print. Expected values are arithmetic on published figures (each beside its check), never our output. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <xbartab/cost.h>

#include "cost_private.h"

#define DATA XBARTAB_SOURCE_FOLDER "/data"

static xbtab_models *models;

static int open_models(void **state)
{
    (void)state;
    const char *folder = XBARTAB_SOURCE_FOLDER "/devicemodels";
    return xbtab_models_open(&models, &folder, 1) < 0;
}

static int close_models(void **state)
{
    (void)state;
    xbtab_models_destroy(&models);
    return 0;
}

static void close_to(double value, double expected, double share)
{
    if (!(fabs(value - expected) <= share * fabs(expected)))
        fail_msg("%.9g is not within %g of %.9g", value, share, expected);
}

static const double exact = 1e-9;

/* ---- systems ---- */

typedef struct system {
    xbtab_arch *arch;
    xbtab_hierarchy *h;
    xbtab_peak peak;
    xbtab_level_cost level[8];
} system_costs;

static system_costs open_system(const char *name)
{
    system_costs s = {0};
    char path[4096];
    snprintf(path, sizeof path, DATA "/architectures/%s.yaml", name);
    if (xbtab_arch_open(&s.arch, path, models) < 0 || xbtab_hierarchy_open(&s.h, s.arch, DATA) < 0)
        fail_msg("%s", xbtab_error_message());
    xbtab_hierarchy_peak(s.h, &s.peak);
    for (size_t k = 0; k < xbtab_hierarchy_levels(s.h); k++) xbtab_hierarchy_level(s.h, k, &s.level[k]);
    return s;
}

static void close_system(system_costs *s)
{
    xbtab_hierarchy_destroy(&s->h);
    xbtab_arch_destroy(&s->arch);
}

static void isaac_adds_up_as_its_tables(void **state)
{
    (void)state;
    system_costs s = open_system("isaac");
    /* 16 + 4 + 0.01 + 2.4 + 0.2 + 1.24 + 0.23 mW; 9600 + 170 + 40 + 200 + 240 + 2100 + 770 um2 */
    close_to(s.level[1].power, 24.08e-3, exact);
    close_to(s.level[1].area, 13120e-12, exact);
    /* 12 of it, 20.7 + 7 + 10.5 + 0.52 + 0.05 + 0.4 + 1.68 mW */
    close_to(s.level[2].power, 12 * 24.08e-3 + 40.85e-3, exact);
    close_to(s.level[2].area, (12 * 13120. + 83000 + 90000 + 37750 + 600 + 60 + 240 + 3200) * 1e-12, exact);
    close_to(s.level[3].power, 168 * 0.32981 + 10.4, exact);
    close_to(s.level[3].area, 168 * 0.37229e-6 + 22.88e-6, exact);
    close_to(s.level[3].power, 65.8, 1e-3); /* as printed */
    close_to(s.level[3].area, 85.4e-6, 1e-3);
    const double ops = 2. * 128 * 128 / 8 / 16 / 100e-9 * 16128, watts = 168 * 0.32981 + 10.4;
    close_to(s.peak.ops_per_second, ops, exact);
    close_to(s.peak.ops_per_joule, ops / watts, exact);
    close_to(s.peak.ops_per_joule, 627.4e9, 1e-4);
    close_to(s.peak.ops_per_second_area, 483.3e15, 1e-4);
    close_to(2 * s.peak.power / s.peak.ops_per_second, 3.188e-12, 2e-4); /* a MAC of 16 bits */
    close_system(&s);
}

static void isaac_shares_of_the_adc(void **state)
{
    (void)state;
    static const double power[] = {0.664, 0.582, 0.490}, area[] = {0.732, 0.309, 0.227};
    system_costs s = open_system("isaac");
    for (int k = 0; k < 3; k++) {
        assert_true(fabs(s.level[k + 1].adc_power / s.level[k + 1].power - power[k]) < 1e-3);
        assert_true(fabs(s.level[k + 1].adc_area / s.level[k + 1].area - area[k]) < 1e-3);
    }
    close_system(&s);
}

/* The ADC that ISAAC cites instead of its own. */
static void isaac_with_the_cited_adc(void **state)
{
    (void)state;
    system_costs s = open_system("isaac");
    char *text = strdup(s.arch->text), *at = strstr(text, "{component: adc,"),
         *changed = malloc(strlen(text) + 32);
    assert_non_null(at);
    sprintf(changed, "%.*s{component: adc_cited,%s", (int)(at - text), text, at + strlen("{component: adc,"));
    xbtab_arch *a = NULL;
    xbtab_hierarchy *h = NULL;
    xbtab_peak peak;
    assert_int_equal(xbtab_arch_parse(&a, changed, "cited", models), XBTAB_OK);
    if (xbtab_hierarchy_open(&h, a, DATA) < 0) fail_msg("%s", xbtab_error_message());
    xbtab_hierarchy_peak(h, &peak);
    close_to(peak.power, s.peak.power + 16128 * 1.1e-3, exact);
    close_to(peak.power, 83.55, 1e-4);
    close_to(peak.ops_per_joule, 494.2e9, 1e-4);
    xbtab_hierarchy_destroy(&h);
    xbtab_arch_destroy(&a);
    free(changed);
    free(text);
    close_system(&s);
}

static void puma_adds_up_and_its_peak_does_not(void **state)
{
    (void)state;
    system_costs s = open_system("puma");
    xbtab_compared c[16];
    close_to(s.level[1].power, 19.09e-3, exact);
    close_to(s.level[2].power, 42.37e-3, 1e-3); /* a core, printed */
    close_to(s.level[4].power, 138 * 0.3738 + 0.571 + 10.4, exact);
    close_to(s.level[4].power, 62.5, 1e-3);
    close_to(s.level[4].area, 90.6e-6, 1e-3);
    close_to(s.peak.vector, (16 + 3 - 1) * 128e-9, exact);
    close_to(s.level[1].power * s.peak.vector, 43.97e-9, 1e-3); /* a product of a matrix unit */
    close_to(s.level[1].adc_power / s.level[1].power, 0.838, 1e-3);
    assert_in_range((int)round(100 * s.level[1].adc_area / s.level[1].area), 80, 92);
    close_to(s.peak.ops_per_second, 2 * 16384. * 2208 / 2304e-9, exact); /* 31.4, not 52.31 TOPS */
    close_to(s.peak.capacity / 8, 69.0 * 1024 * 1024, 1e-9);
    assert_int_equal(xbtab_hierarchy_compare(s.h, c), 5);
    close_to(c[3].value, 837e9, exact);
    close_to(c[4].value, 577e15, exact);
    close_to(c[4].value * c[2].value, c[0].value, 1e-3);
    close_to(c[0].value / c[1].value, 837.0e9, 1e-3); /* the printed ratio is of the printed peak */
    close_to(c[0].ours / c[0].value, 1383. / 2304, 1e-3);
    close_system(&s);
}

static void every_preset_has_a_hierarchy(void **state)
{
    (void)state;
    static const char *const names[] = {"dot_product_engine",
                                        "dynamic_quantization",
                                        "igzo_xnor",
                                        "lb_cnn",
                                        "li_2018",
                                        "liu_2020",
                                        "multi_precision",
                                        "panther",
                                        "passive_3bit",
                                        "pbnn",
                                        "pipelayer",
                                        "s2c_22nm",
                                        "sinwp_55nm",
                                        "survey_default",
                                        "ternary_2t2r",
                                        "tiled_65nm",
                                        "wang_2019",
                                        "xnor_90nm",
                                        "xnor_rram",
                                        "yao_2020"};
    for (size_t k = 0; k < sizeof names / sizeof names[0]; k++) {
        system_costs s = open_system(names[k]);
        double sum = 0;
        for (int t = 0; t < XBTAB_N_TRUST; t++) sum += s.peak.share[t];
        close_to(sum, 1, 1e-9);
        assert_true(s.peak.power > 0 && s.peak.area > 0 && s.peak.ops_per_second > 0);
        close_system(&s);
    }
}

/* ---- parts ---- */

static xbtab_components *sheet;

static void open_sheet(const char *name)
{
    char path[4096];
    snprintf(path, sizeof path, DATA "/components/%s.yaml", name);
    if (xbtab_components_open(&sheet, path) < 0) fail_msg("%s", xbtab_error_message());
}

static xbtab_part_values part(const char *name, int n, const xbtab_part_setting *set)
{
    xbtab_part_values v;
    if (xbtab_components_evaluate(&v, sheet, name, set, (size_t)n) < 0) fail_msg("%s", xbtab_error_message());
    return v;
}

static void panther_updates_by_outer_products(void **state)
{
    (void)state;
    open_sheet("panther_32nm");
    const xbtab_part_values mvm = part("product", 0, NULL), opa = part("outer_product", 0, NULL),
                            read = part("read_all", 0, NULL), write = part("write_all", 0, NULL);
    close_to(mvm.energy, 274e-12, exact);
    close_to(mvm.delay, 100e-9, exact);
    close_to(opa.energy, 290.4e-12, 1e-3);
    close_to(opa.delay, 256e-9, exact);
    close_to(read.energy, 6.5e-9, exact);
    close_to(write.energy, 21.125e-9, exact);
    close_to((read.energy + write.energy) / opa.energy, 95.1, 1e-3);
    close_to((read.delay + write.delay) / opa.delay, 82.9, 1e-3);
    xbtab_components_destroy(&sheet);
}

static void neurram_takes_as_long_as_its_law(void **state)
{
    (void)state;
    /* output and input bits of the chip, TOPS of 48 arrays of 256 x 128 by the law, and measured */
    static const struct {
        double out, first, second, phases, law, chip;
    } row[] = {{3, 1, 0, 1, 2.140, 2.122}, {5, 2, 0, 1, 1.205, 1.165}, {6, 3, 0, 1, 0.788, 0.744},
               {7, 2, 2, 2, 0.541, 0.525}, {8, 3, 2, 2, 0.437, 0.418}, {10, 4, 3, 2, 0.277, 0.264}};
    open_sheet("neurram_130nm");
    for (size_t k = 0; k < sizeof row / sizeof row[0]; k++) {
        const xbtab_part_setting set[] = {{"out", row[k].out},
                                          {"first", row[k].first},
                                          {"second", row[k].second},
                                          {"phases", row[k].phases}};
        double tops = 2 * 48 * 256. * 128 / part("product", 4, set).delay / 1e12;
        close_to(tops, row[k].law, 2e-3);
        close_to(tops, row[k].chip, 0.06);
    }
    /* (8, 6) bits in one phase: 0.284 TOPS by the law, 0.261 of the chip */
    const xbtab_part_setting one[] = {{"out", 8}, {"first", 5}};
    close_to(2 * 48 * 256. * 128 / part("product", 2, one).delay / 1e12, 0.284, 3e-3);
    double low =
        part("word_line", 0, NULL).energy + part("neuron", 0, NULL).energy + part("input", 0, NULL).energy;
    close_to(1 / low, 43.08e12, 0.02);
    const xbtab_part_setting w = {"fj", 50.5}, n = {"fj", 75.9}, i = {"fj", 27.5};
    close_to(
        1 / (part("word_line", 1, &w).energy + part("neuron", 1, &n).energy + part("input", 1, &i).energy),
        6.437e12, 0.02);
    xbtab_components_destroy(&sheet);
}

static void measured_macros(void **state)
{
    (void)state;
    open_sheet("macros");
    const xbtab_part_setting low[] = {{"adc", 1.79e-12}, {"array", 9.7e-12}};
    close_to(2 * 2304 / part("jia_2020", 0, NULL).energy, 192e12, 5e-3); /* TOPS/W, 1 by 1 bit, of the chip */
    close_to(2 * 2304 / part("jia_2020", 2, low).energy, 400e12, 5e-3);
    close_to(2 * 2304 * 256 / part("jia_2020", 0, NULL).delay, 2.185e12, 5e-3);
    const xbtab_part_values yin = part("yin_2020", 0, NULL), liu = part("liu_2020_layer", 0, NULL),
                            pipe = part("pipelayer", 0, NULL);
    close_to(yin.power, 6.583e-3, 1e-4);
    close_to(1 / yin.delay, 154.3e6, 1e-3);
    close_to(yin.energy, 42.67e-12, 1e-3);
    close_to(yin.energy, yin.power * yin.delay, exact);
    close_to(liu.energy, 2.00e-9, 1e-3);
    close_to(liu.power, 39.1e-3, 2e-3);
    close_to(2 * 784 * 100 / liu.delay, 3.068e12, 1e-3);
    close_to(part("xnor_rram_op", 0, NULL).energy, 7.08e-15, 1e-3);
    close_to(part("yao_2020", 0, NULL).power, 0.1057, 1e-3);
    close_to(1 / pipe.delay, 122.71e12, 1e-4);
    close_to(pipe.power, 858.7, 1e-4);
    close_to(pipe.energy, 7.00e-12, 1e-3);
    const xbtab_part_values w = part("survey_write", 0, NULL);
    close_to(18e6 * w.delay, 0.90, exact); /* the survey says 0.8 s */
    close_to(18e6 * w.energy, 36e-3, exact);
    close_to(18e6 * w.delay / 128, 7.0e-3, 5e-3);
    close_to(w.power, 40e-3, exact);
    close_to(part("pipelayer_write", 0, NULL).power, 76.8e-3, 1e-3);
    close_to(1 - part("newton_schedule", 0, NULL).energy, 0.278, 1e-3); /* the library's comment says 40 % */
    xbtab_components_destroy(&sheet);
}

static void the_regression_of_measured_adcs(void **state)
{
    (void)state;
    static const double pJ[4][4] = {{0.457, 0.527, 0.847, 1.64},
                                    {0.924, 1.06, 1.71, 3.31},
                                    {3.50, 4.04, 6.49, 12.5},
                                    {12.9, 14.9, 23.9, 46.2}};
    static const double nm[] = {22, 32, 65, 130}, bits[] = {4, 6, 8, 10};
    open_sheet("adc");
    for (int n = 0; n < 4; n++)
        for (int b = 0; b < 4; b++) {
            const xbtab_part_setting set[] = {{"bits", bits[b]}, {"rate", 1e8}, {"nm", nm[n]}};
            close_to(part("adc_regression", 3, set).energy, pJ[n][b] * 1e-12, 5e-3);
        }
    const xbtab_part_setting fast = {"rate", 1.2e9};
    close_to(part("adc_regression", 0, NULL).energy, 1.714e-12, 1e-3);
    close_to(part("adc_regression", 0, NULL).area, 3939e-12, 1e-3);
    close_to(part("adc_regression", 1, &fast).energy, 1.849e-12, 1e-3);
    close_to(part("adc_regression", 1, &fast).area, 6313e-12, 1e-3);
    close_to(part("adc_ramp_8b", 0, NULL).energy, 2.49e-12, 2e-3);
    xbtab_components_destroy(&sheet);
}

static void logic_moves_between_nodes(void **state)
{
    (void)state;
    xbtab__node_factors f;
    assert_int_equal(xbtab__scale_node(&f, DATA, 130e-9, 65e-9), XBTAB_OK);
    close_to(f.energy, 1.88 / 4.65, exact);
    close_to(f.area, 3.3 / 14, exact);
    close_to(f.delay, 0.5, exact);
    assert_int_equal(xbtab__scale_node(&f, DATA, 32e-9, 38.5e-9), XBTAB_OK); /* half way to 45 nm */
    close_to(f.energy, 1.26, exact);
}

/* ---- networks ---- */

/* digits.onnx on isaac: 8-bit weights in four slices of 2 bits, two shared bit lines, 8 input steps. */
static void a_network_is_counted_by_hand(void **state)
{
    (void)state;
    system_costs s = open_system("isaac");
    xbtab_network *network = NULL;
    xbtab_network_cost c;
    xbtab_network_node node;
    double conversions = 0, operations = 0;
    assert_int_equal(xbtab_network_open(&network, DATA "/networks/digits.onnx"), XBTAB_OK);
    if (xbtab_cost_network(&c, s.h, network, NULL) < 0) fail_msg("%s", xbtab_error_message());
    for (size_t k = 0; k < xbtab_network_nodes(network); k++) {
        assert_int_equal(xbtab_network_node_get(network, k, &node), XBTAB_OK);
        if (node.inputs == 0) continue;
        assert_int_equal(node.groups, 1);
        double row_tiles = ceil((double)node.inputs / 128), column_tiles = ceil((double)node.outputs / 31);
        conversions += (double)node.products * 8 * row_tiles * (4 * (double)node.outputs + 2 * column_tiles);
        operations += 2 * (double)node.products * (double)node.inputs * (double)node.outputs;
    }
    double energy = 0, layers = 0, latency = 0;
    for (size_t k = 0; k < c.n_components; k++) {
        energy += c.component[k].energy;
        if (strcmp(c.component[k].kind, "adc") != 0) continue;
        close_to(c.component[k].uses, conversions, exact);
        close_to(c.component[k].energy, conversions * 1.5625e-12, exact);
    }
    for (size_t k = 0; k < c.n_layers; k++) layers += c.layer[k].energy;
    for (size_t k = 0; k < c.n_layers; k++) latency = fmax(latency, c.layer[k].latency);
    close_to(c.operations, operations, exact);
    close_to(c.energy, energy, exact);
    close_to(layers, energy, exact);
    close_to(c.throughput, 1 / latency, exact);
    close_to(c.power, c.energy / latency, exact);
    assert_true(c.uncertainty > 0 && c.uncertainty < c.energy);
    /* copies make it faster, and change no use */
    xbtab_network_cost twice;
    const xbtab_cost_options o = {.replicate = 4};
    assert_int_equal(xbtab_cost_network(&twice, s.h, network, &o), XBTAB_OK);
    assert_true(twice.throughput > 1.9 * c.throughput && twice.arrays <= 4 * c.arrays);
    for (size_t k = 0; k < c.n_components; k++)
        close_to(twice.component[k].uses + 1, c.component[k].uses + 1, exact);
    xbtab_network_cost_clear(&twice);
    xbtab_network_cost_clear(&c);
    xbtab_network_destroy(&network);
    close_system(&s);
}

/* ---- what images make of it ---- */

enum { SEEN = 2, MOST_LAYERS = 16 };

/* What a layer's vectors and cells meet, by hand. */
typedef struct by_hand {
    const xbtab_quantized *q;
    const double *G; /* G[4]: of the levels [S] */
    double siemens[MOST_LAYERS], made[MOST_LAYERS], all[MOST_LAYERS], driven[MOST_LAYERS], lines[MOST_LAYERS];
} by_hand;

/* Differential columns of 2-bit cells under bits one by one: a weight's magnitude in slices on one bit line of
 * each pair, the lowest level on the other. 128 inputs a tile. */
static xbtab_status see(void *payload, size_t k, size_t first, size_t n, const uint16_t *x, int64_t *y,
                        int thread)
{
    by_hand *h = payload;
    const xbtab_matrix *m = xbtab_quantized_matrix(h->q, k);
    (void)first;
    (void)thread;
    assert_int_equal(m->weight_bits, 8);
    assert_int_equal(m->activation_bits, 8);
    for (size_t v = 0; v < n; v++) {
        unsigned any[64] = {0};
        for (size_t i = 0; i < m->inputs; i++) {
            const unsigned code = x[v * m->inputs + i];
            double cells = 0;
            for (size_t o = 0; o < m->outputs; o++)
                for (int s = 0; s < 4; s++)
                    cells += h->G[0] + h->G[abs(m->W[o * m->inputs + i]) >> (2 * s) & 3];
            h->siemens[k] += __builtin_popcount(code) * cells;
            h->driven[k] += __builtin_popcount(code);
            h->lines[k] += 8;
            any[i / 128] |= code;
        }
        for (size_t t = 0; t < (m->inputs + 127) / 128; t++) {
            h->made[k] += __builtin_popcount(any[t]);
            h->all[k] += 8;
        }
    }
    xbtab_matrix_product(m, n, x, y);
    return XBTAB_OK;
}

static void images_are_counted_by_hand(void **state)
{
    (void)state;
    system_costs s = open_system("survey_default");
    xbtab_network *network = NULL;
    xbtab_quantized *q = NULL;
    xbtab_activity a;
    xbtab_network_cost c;
    assert_int_equal(xbtab_network_open(&network, DATA "/networks/digits.onnx"), XBTAB_OK);
    static float pixel[SEEN * 784];
    float outputs[SEEN * 10];
    for (int k = 0; k < SEEN * 784; k++) pixel[k] = k % 28 < 12 ? 0 : (float)(k * 7 % 17) / 16;
    const xbtab_images images = {.n = SEEN, .channels = 1, .height = 28, .width = 28, .pixel = pixel};
    const xbtab_quantize_options bits = {.weight_bits = 8, .activation_bits = 8};
    const xbtab_run_options run = {.threads = 1};
    if (xbtab_quantized_create(&q, network, &images, &bits) < 0) fail_msg("%s", xbtab_error_message());
    by_hand h = {.q = q, .G = s.arch->spec->G_level};
    assert_int_equal(xbtab_quantized_run(q, &images, SEEN, see, &h, &run, outputs), XBTAB_OK);
    if (xbtab_activity_count(&a, s.h, q, &images, SEEN, s.arch->spec->G_level, 0) < 0)
        fail_msg("%s", xbtab_error_message());
    assert_int_equal(a.n_layers, xbtab_quantized_matrices(q));
    const xbtab_cost_options o = {.activity = &a};
    if (xbtab_cost_network(&c, s.h, network, &o) < 0) fail_msg("%s", xbtab_error_message());
    double siemens = 0;
    for (size_t k = 0; k < a.n_layers; k++) {
        close_to(a.siemens[k], h.siemens[k] / SEEN, exact);
        close_to(a.made[k], h.made[k] / h.all[k], exact);
        close_to(a.driven[k], h.driven[k] / h.lines[k], exact);
        siemens += a.siemens[k];
    }
    assert_true(a.made[0] < 1 && a.driven[0] < 0.5);
    close_to(c.component[0].energy, siemens * 0.2 * 0.2 * 100e-9, exact); /* the cells: v_read, a step */
    assert_true(c.conversions_saved > 0);
    /* what a run counted has the last word */
    xbtab_network_cost told;
    const xbtab_cost_options with = {.activity = &a, .codes = c.conversions / 2};
    assert_int_equal(xbtab_cost_network(&told, s.h, network, &with), XBTAB_OK);
    close_to(told.conversions + told.conversions_saved, c.conversions + c.conversions_saved, exact);
    close_to(told.layer[0].conversions, c.layer[0].conversions / 2, exact);
    xbtab_network_cost_clear(&told);
    xbtab_network_cost_clear(&c);
    xbtab_activity_clear(&a);
    xbtab_quantized_destroy(&q);
    xbtab_network_destroy(&network);
    close_system(&s);
}

/* ---- arrays ---- */

/* Reads of full arrays: an MLP's layer as wide as arrays, of levels and codes alike. */
static void arrays_of_isaac_and_the_default_tile(void **state)
{
    (void)state;
    system_costs s = open_system("isaac");
    open_sheet("isaac_32nm");
    const xbtab_part_values array = part("array", 0, NULL);
    const double cells = 128. * 128, v2 = 0.2 * 0.2;
    close_to(array.energy, 30e-12, exact);
    close_to(array.power / (cells * v2), 0.458e-6,
             1e-3); /* mean conductance with all rows on; twice with half */
    xbtab_components_destroy(&sheet);
    xbtab_network *network = NULL;
    xbtab_network_cost c;
    assert_int_equal(xbtab_network_open(&network, DATA "/networks/digits.onnx"), XBTAB_OK);
    if (xbtab_cost_network(&c, s.h, network, NULL) < 0) fail_msg("%s", xbtab_error_message());
    double met = 0; /* cells that bits meet, half of which are 1 */
    for (size_t k = 0, n = 0; k < xbtab_network_nodes(network); k++) {
        xbtab_network_node node;
        assert_int_equal(xbtab_network_node_get(network, k, &node), XBTAB_OK);
        if (node.inputs == 0) continue;
        met += (double)node.products * 8 * (double)(node.inputs * node.outputs) * 4 / 2;
        assert_true(c.layer[n++].energy > 0);
    }
    /* all rows on and levels of 0.1 to 1 uS alike, a step of 100 ns: 16,384 x 0.04 V2 x 0.55 uS x 100 ns */
    close_to(c.component[0].energy / met * cells, 36.04e-12, 2e-4);
    xbtab_network_cost_clear(&c);
    xbtab_network_destroy(&network);
    close_system(&s);
}

/* ---- writing ---- */

static void a_chip_tells_its_own_writes(void **state)
{
    (void)state;
    system_costs s = open_system("survey_default");
    xbtab_network *network = NULL;
    xbtab_network_cost once, chip;
    const xbtab_chip_counts counts = {.cells = 1000, .pulses = 4000, .energy = 6e-9};
    const xbtab_cost_options o = {.written = &counts};
    assert_int_equal(xbtab_network_open(&network, DATA "/networks/digits.onnx"), XBTAB_OK);
    assert_int_equal(xbtab_cost_network(&once, s.h, network, NULL), XBTAB_OK);
    assert_int_equal(xbtab_cost_network(&chip, s.h, network, &o), XBTAB_OK);
    close_to(once.pulses, once.cells, exact);
    close_to(once.write_energy, once.cells * 2e-9, exact); /* the survey's 2 nJ and 50 ns */
    close_to(once.write_time, 128 * 128 * 50e-9, exact);
    close_to(once.writes_to_wear, 1e6, exact);
    close_to(chip.pulses, 4000, exact);
    /* the pulses' own energy, and 4,000 reads of 100 ns at 0.2 V of 0.1 to 10 uS, 5.05 on average */
    close_to(chip.write_energy, 6e-9 + 4000 * 5.05e-6 * 0.04 * 100e-9, exact);
    close_to(chip.write_time, 128 * 128 * 4 * 150e-9, exact);
    close_to(chip.writes_to_wear, 2.5e5, exact);
    xbtab_network_cost_clear(&once);
    xbtab_network_cost_clear(&chip);
    xbtab_network_destroy(&network);
    close_system(&s);
}

/* ---- what is refused ---- */

static void bad_sheets_are_refused_with_their_line(void **state)
{
    (void)state;
    static const struct {
        const char *line, *words;
    } bad[] = {
        {"{name: a, kind: adc, energy: 3 pW, trust: published}",
         "bad.yaml:4: components[0].energy: \"3 pW\""},
        {"{name: a, kind: adc, energy: 3, trust: published}", "has no unit; a number in J"},
        {"{name: a, kind: adx, energy: 3 pJ, trust: published}", "bad.yaml:4: components[0].kind"},
        {"{name: a, kind: adc, energy: \"bits * 2\", trust: published}", "bad.yaml:4: components[0].energy"},
        {"{name: a, kind: adc, energy: \"-1 * 2\", trust: published}", "at least 0"},
        {"{name: a, kind: adc, energy: 3 pJ, trust: known}", "bad.yaml:4: components[0].trust"},
        {"{name: a, kind: adc, energi: 3 pJ, trust: known}", "energi"},
        {"{name: a, kind: adc, energy: 1e300 J, trust: assumed}", "is 1e+300 J; 1e-40 to 1e+06"},
        {"{name: a, kind: adc, node: 0 nm, trust: assumed}",
         "components[0].node: \"0 nm\" is 0 m; 1e-10 to 1"},
        {"{name: a, kind: adc, trust: assumed, parameters: [{name: b, value: 1}, {name: b, value: 2}]}",
         "components[0].parameters[1].name: a second parameter is called \"b\""},
        {"{name: a, kind: adc, trust: assumed, parameters: [{name: b, value: nan}]}",
         "parameters[0].value: \"nan\""},
        {"{name: a, kind: adc, trust: assumed, parameters: [{name: energy, value: 1}]}", "own values"},
        {"{name: a, kind: adc, trust: assumed, parameters: [{name: a b, value: 1}]}", "\"a b\"; letters"},
    };
    for (size_t k = 0; k < sizeof bad / sizeof bad[0]; k++) {
        char text[512];
        snprintf(text, sizeof text, "name: bad\nsummary: s\nsource: here\ncomponents: [%s]\n", bad[k].line);
        FILE *f = fopen("bad.yaml", "w");
        assert_non_null(f);
        fputs(text, f);
        fclose(f);
        assert_int_equal(xbtab_components_open(&sheet, "bad.yaml"), XBTAB_ERR_INPUT);
        assert_null(sheet);
        if (!strstr(xbtab_error_message(), bad[k].words)) fail_msg("%s", xbtab_error_message());
    }
    remove("bad.yaml");
}

static void bad_hierarchies_are_refused_with_their_line(void **state)
{
    (void)state;
    static const struct {
        const char *from, *to, *words;
    } bad[] = {
        {"{component: adc,", "{component: adq,", "none of the component sheets has a \"adq\""},
        {"uses: conversions}", "uses: conversion}", "levels[0].parts[2].uses"},
        {"step: 100 ns", "step: 100 nm", "step: \"100 nm\""},
        {"holds: 168", "holds: 0", "levels[3].holds: is 0; at least 1"},
        {"components: [isaac_32nm]", "components: [nowhere]", "no component sheet \"nowhere\""},
        {"number: 65.8 W", "number: 65.8 mm2", "published[0].number"},
        {"of: power", "of: weight", "published[0].of"},
        {"count: 128, uses: drives", "count: 128, parameters: [{name: bits, value: 3}], uses: drives",
         "dac has no parameter \"bits\""},
        {"holds: 168", "holds: 1e300", "levels[3].holds: \"1e300\" is 1e+300; 1e-40 to 1e+18"},
        {"step: 100 ns", "step: 1e300 s", "step: \"1e300 s\" is 1e+300 s; "},
        {"node: 32 nm", "node: 1e-300 m", "node: \"1e-300 m\""},
        {"count: 128, uses: drives",
         "count: 128, parameters: [{name: b, value: 3}, {name: b, value: 4}], uses: drives",
         "parameters[1].value: \"b\" is set a second time"},
    };
    system_costs s = open_system("isaac");
    for (size_t k = 0; k < sizeof bad / sizeof bad[0]; k++) {
        const char *at = strstr(s.arch->text, bad[k].from);
        char *text = malloc(strlen(s.arch->text) + 128);
        xbtab_arch *a = NULL;
        xbtab_hierarchy *h = NULL;
        assert_non_null(at);
        sprintf(text, "%.*s%s%s", (int)(at - s.arch->text), s.arch->text, bad[k].to,
                at + strlen(bad[k].from));
        if (xbtab_arch_parse(&a, text, "mine.yaml", models) < 0) fail_msg("%s", xbtab_error_message());
        assert_true(xbtab_hierarchy_open(&h, a, DATA) < 0);
        if (!strstr(xbtab_error_message(), bad[k].words)) fail_msg("%s", xbtab_error_message());
        if (strncmp(xbtab_error_message(), "mine.yaml:", 10) != 0) fail_msg("%s", xbtab_error_message());
        xbtab_arch_destroy(&a);
        free(text);
    }
    close_system(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(isaac_adds_up_as_its_tables),
        cmocka_unit_test(isaac_shares_of_the_adc),
        cmocka_unit_test(isaac_with_the_cited_adc),
        cmocka_unit_test(puma_adds_up_and_its_peak_does_not),
        cmocka_unit_test(every_preset_has_a_hierarchy),
        cmocka_unit_test(panther_updates_by_outer_products),
        cmocka_unit_test(neurram_takes_as_long_as_its_law),
        cmocka_unit_test(measured_macros),
        cmocka_unit_test(the_regression_of_measured_adcs),
        cmocka_unit_test(logic_moves_between_nodes),
        cmocka_unit_test(a_network_is_counted_by_hand),
        cmocka_unit_test(images_are_counted_by_hand),
        cmocka_unit_test(arrays_of_isaac_and_the_default_tile),
        cmocka_unit_test(a_chip_tells_its_own_writes),
        cmocka_unit_test(bad_sheets_are_refused_with_their_line),
        cmocka_unit_test(bad_hierarchies_are_refused_with_their_line),
    };
    return cmocka_run_group_tests(tests, open_models, close_models);
}
