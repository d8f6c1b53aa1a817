/* test_kernel.c - the look-up kernels: every instruction set gives the bits of the plain C one, nothing
 * wraps, and the fixed-point chain stays as close to double arithmetic as kernel.h says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <xbartab/kernel.h>

#include "kernel_private.h"
#include "memory.h"
#include "random.h"

enum { MOST_ROWS = 131, MOST_COLUMNS = 131, N = 19, SLICES = 3, GUARD = 64 };

static const char *const isas[] = {"c", "avx2", "avx512", "neon"};
enum { N_ISAS = sizeof isas / sizeof isas[0] };

/* An input whose arrays are its own. */
typedef struct bench {
    xbtab_kernel_input in;
    double *A, *A_const, *readout;
    xbtab_kernel_tile *tile;
} bench;

static void release(bench *b)
{
    xbtab_kernel_tile_destroy(&b->tile);
    free(b->A);
    free(b->A_const);
    free(b->readout);
}

/* Random currents; those at code 0 are not zero, and some are negative. share: of the largest column's
 * current that the full scale is. gain: of the read-out. */
static bench make(xbtab__random *random, size_t rows, size_t columns, int dac_bits, int adc_bits,
                  double share, double gain)
{
    bench b = {0};
    size_t n_codes = (size_t)1 << dac_bits, n = rows * columns;
    b.A = calloc(n_codes * n, sizeof *b.A);
    b.A_const = calloc(columns, sizeof *b.A_const);
    b.readout = calloc(XBTAB_KERNEL_BINS * columns * 4, sizeof *b.readout);
    assert_true(b.A && b.A_const && b.readout);
    for (size_t c = 0; c < n; c++) {
        double G = 2.385e-6 * xbtab__random_uniform(random);
        for (size_t k = 0; k < n_codes; k++)
            b.A[k * n + c] =
                G * pow((double)k / (double)(n_codes - 1), 1.13) - 1e-9 * xbtab__random_uniform(random);
    }
    for (size_t j = 0; j < columns; j++) b.A_const[j] = 3e-9 * xbtab__random_uniform(random);
    double codes = ldexp(1.0, adc_bits);
    for (size_t c = 0; c < XBTAB_KERNEL_BINS * columns; c++) {
        double *r = b.readout + 4 * c;
        r[0] = gain * codes * 0.01 * (xbtab__random_uniform(random) - 0.5);
        r[1] = gain * codes * (1.0 + 0.1 * (xbtab__random_uniform(random) - 0.5));
        r[2] = gain * codes * 0.1 * (xbtab__random_uniform(random) - 0.5);
        r[3] = gain * codes * 0.03 * (xbtab__random_uniform(random) - 0.5);
    }
    b.in = (xbtab_kernel_input){.rows = rows,
                                .columns = columns,
                                .dac_bits = dac_bits,
                                .adc_bits = adc_bits,
                                .A = b.A,
                                .A_const = b.A_const,
                                .full_scale = share * 2.385e-6 * (double)rows / 2.0,
                                .I_known = 0.6 * share * 2.385e-6 * (double)rows / 2.0,
                                .readout = b.readout};
    assert_int_equal(xbtab_kernel_tile_create(&b.tile, &b.in), XBTAB_OK);
    return b;
}

/* Vector 0 has all codes zero, vector 1 all of them the largest, the others are random and ever sparser. */
static void fill_x(uint16_t *x, xbtab__random *random, size_t rows)
{
    for (size_t v = 0; v < N; v++)
        for (size_t i = 0; i < rows; i++) {
            uint16_t code = (uint16_t)xbtab__random_u32(random);
            if (xbtab__random_uniform(random) < (double)v / N - 0.3) code = 0;
            x[v * rows + i] = v == 0 ? 0 : v == 1 ? UINT16_MAX : code;
        }
}

/* One variant on one tile; the answer and its surroundings for comparison. */
typedef struct answer {
    uint32_t used[N];
    uint8_t *pattern, bin[N * SLICES];
    size_t n_pattern, n_acc;
    int32_t *acc;
    uint64_t outside;
} answer;

/* What stands in an accumulator before: far enough from the end that 16 bits of all slices can be added. */
static int32_t poison_at(size_t c)
{
    return (int32_t)(c * 2654435761U >> 8 & 0x3fffffff);
}

/* way: 0 codes of all groups, 1 all bits of the ADC's input, 2 a window of groups over an idle rest, 3 a
 * window of bit lines, too. */
static void run(answer *a, const xbtab_kernel_functions *f, const bench *b, const uint16_t *x, int way)
{
    const xbtab_kernel_tile *tile = b->tile;
    a->n_pattern = N * SLICES * tile->groups + GUARD;
    a->n_acc = N * tile->stride + GUARD;
    a->pattern = malloc(a->n_pattern);
    a->acc = xbtab__alloc_aligned(a->n_acc, sizeof *a->acc);
    assert_true(a->pattern && a->acc);
    memset(a->pattern, 0xa5, a->n_pattern);
    for (size_t c = 0; c < a->n_acc; c++) a->acc[c] = poison_at(c);
    uint8_t shift[N * SLICES];
    uint32_t row[N * SLICES];
    for (size_t v = 0; v < N; v++) {
        a->used[v] = f->pack(tile, x + v * tile->rows, SLICES, a->pattern + v * SLICES * tile->groups,
                             a->bin + v * SLICES);
        for (int t = 0; t < SLICES; t++) {
            shift[v * SLICES + (size_t)t] = (uint8_t)(t * (tile->dac_bits < 4 ? tile->dac_bits : 4));
            row[v * SLICES + (size_t)t] = (uint32_t)((v * 7) % N);
        }
    }
    xbtab_kernel_batch batch = {
        .n = N * SLICES, .pattern = a->pattern, .bin = a->bin, .shift = shift, .row = row};
    uint16_t *idle = xbtab__alloc_aligned(tile->stride, sizeof *idle);
    assert_non_null(idle);
    for (size_t j = 0; j < tile->stride; j++) idle[j] = (uint16_t)(j * 2654435761U >> 18);
    batch.all_bits = way > 0;
    if (way >= 2) {
        batch.first_group = tile->groups / 3;
        batch.n_groups = tile->groups - batch.first_group - tile->groups / 5;
        batch.idle = idle;
    }
    if (way == 3) {
        batch.first_block = tile->stride / XBTAB_KERNEL_BLOCK / 3;
        batch.n_blocks = 1;
    }
    a->outside = f->product(tile, &batch, a->acc);
    xbtab__free(idle);
}

static void compare_way(const bench *b, xbtab__random *random, int way)
{
    uint16_t *x = malloc(N * b->in.rows * sizeof *x); /* no room behind: the sanitizer watches the end */
    assert_non_null(x);
    fill_x(x, random, b->in.rows);
    answer wanted = {0};
    run(&wanted, xbtab_kernel_find("c"), b, x, way);
    for (size_t c = 0; c < wanted.n_acc; c++) {
        int32_t poison = poison_at(c);
        const size_t block = c % b->tile->stride / XBTAB_KERNEL_BLOCK,
                     blocks = b->tile->stride / XBTAB_KERNEL_BLOCK;
        if (c >= N * b->tile->stride || (way == 0 && c % b->tile->stride >= b->in.columns) ||
            (way == 3 && block != blocks / 3))
            assert_int_equal(wanted.acc[c], poison); /* behind the columns and behind the rows */
    }
    for (int k = 1; k < N_ISAS; k++) {
        const xbtab_kernel_functions *f = xbtab_kernel_find(isas[k]);
        if (!f) continue;
        answer got = {0};
        run(&got, f, b, x, way);
        assert_int_equal(got.outside, wanted.outside);
        assert_memory_equal(got.used, wanted.used, sizeof wanted.used);
        assert_memory_equal(got.bin, wanted.bin, sizeof wanted.bin);
        assert_memory_equal(got.pattern, wanted.pattern, wanted.n_pattern);
        assert_memory_equal(got.acc, wanted.acc, wanted.n_acc * sizeof *wanted.acc);
        free(got.pattern);
        xbtab__free(got.acc);
    }
    free(wanted.pattern);
    xbtab__free(wanted.acc);
    free(x);
}

static void compare(const bench *b, xbtab__random *random)
{
    for (int way = 0; way < 4; way++) compare_way(b, random, way);
}

static void all_variants_give_the_same_bits(void **state)
{
    (void)state;
    xbtab__random random;
    for (uint32_t run_number = 0; run_number < 128; run_number++) {
        xbtab__random_init(&random, 2385, XBTAB__RANDOM_TEST, run_number, 0);
        size_t rows = 1 + xbtab__random_below(&random, MOST_ROWS - 1);
        size_t columns = 1 + xbtab__random_below(&random, MOST_COLUMNS - 1);
        double gain = run_number % 5 == 0 ? 3.7 : run_number % 7 == 0 ? 0.21 : 1.0;
        bench b = make(&random, rows, columns, 1 + (int)run_number % 8,
                       1 + (int)xbtab__random_below(&random, 12), 0.2 + xbtab__random_uniform(&random), gain);
        compare(&b, &random);
        release(&b);
    }
}

static void missing_instruction_sets_are_said(void **state)
{
    (void)state;
    for (int k = 0; k < N_ISAS; k++)
        if (!xbtab_kernel_find(isas[k])) print_message("this machine has no %s: not tested\n", isas[k]);
    assert_non_null(xbtab_kernel_find("c"));
    assert_non_null(xbtab_kernel_find(NULL));
    assert_null(xbtab_kernel_find("mmx"));
}

/* The codes of one input with the plain C kernel, and how many are of currents above what is known. */
static uint64_t codes_of(int32_t *acc, const bench *b, const uint16_t *x)
{
    const xbtab_kernel_functions *f = xbtab_kernel_find("c");
    uint8_t *pattern = malloc(b->tile->groups), bin[1], shift[1] = {0};
    uint32_t row[1] = {0};
    assert_non_null(pattern);
    f->pack(b->tile, x, 1, pattern, bin);
    xbtab_kernel_batch batch = {.n = 1, .pattern = pattern, .bin = bin, .shift = shift, .row = row};
    memset(acc, 0, b->tile->stride * sizeof *acc);
    uint64_t outside = f->product(b->tile, &batch, acc);
    free(pattern);
    return outside;
}

static void a_sum_above_the_range_reads_as_the_largest_code(void **state)
{
    (void)state;
    xbtab__random random;
    xbtab__random_init(&random, 1, XBTAB__RANDOM_TEST, 1, 0);
    bench b = make(&random, 129, 37, 1, 8, 0.11, 1.0);
    uint16_t x[129];
    int32_t acc[64];
    double largest = 65536.0 * b.tile->I_unit[5], sum = 0;
    for (size_t i = 0; i < 129; i++) sum += b.A[129 * 37 + i * 37 + 5];
    assert_true(sum > 2.0 * largest); /* it would wrap */
    for (size_t i = 0; i < 129; i++) x[i] = 1;
    codes_of(acc, &b, x);
    for (size_t j = 0; j < 37; j++) assert_int_equal(acc[j], 255);
    compare(&b, &random);
    release(&b);
}

/* Excess of the kernel's error over the half code that any ADC has, and the error of S, for random inputs. */
typedef struct errors {
    double excess, S_rms; /* [codes], [share of the range] */
} errors;

static errors measure(const bench *b, xbtab__random *random, int n)
{
    errors e = {0};
    const xbtab_kernel_tile *tile = b->tile;
    const double largest = ldexp(1.0, tile->adc_bits) - 1.0;
    const unsigned n_codes = 1U << tile->dac_bits;
    size_t lines = xbtab__kernel_lines(tile->dac_bits), n_S = 0;
    uint16_t x[MOST_ROWS];
    uint8_t code[MOST_ROWS];
    int32_t acc[160];
    double v[MOST_COLUMNS], square = 0;
    for (int s = 0; s < n; s++) {
        double density = xbtab__random_uniform(random);
        for (size_t i = 0; i < tile->rows; i++) {
            code[i] = 0;
            if (xbtab__random_uniform(random) < density)
                code[i] = (uint8_t)(1 + xbtab__random_below(random, n_codes - 1));
            x[i] = code[i];
        }
        codes_of(acc, b, x);
        xbtab_kernel_exact(&b->in, code, v);
        for (size_t j = 0; j < tile->columns; j++) {
            double clamped = fmax(0.0, fmin(v[j], largest));
            e.excess = fmax(e.excess, fabs(acc[j] - clamped) - 0.5);
            double I = b->A_const[j], S = 0;
            for (size_t g = 0; g < tile->groups; g++) {
                unsigned p = 0;
                for (size_t l = 0; l < lines && g * lines + l < tile->rows; l++) {
                    size_t i = g * lines + l;
                    p |= (unsigned)code[i] << (l * (unsigned)tile->dac_bits);
                    I += b->A[(code[i] * tile->rows + i) * tile->columns + j];
                }
                S += xbtab__kernel_P(tile,
                                     j / XBTAB_KERNEL_BLOCK)[(g * tile->patterns + p) * XBTAB_KERNEL_BLOCK +
                                                             j % XBTAB_KERNEL_BLOCK];
            }
            double error = (tile->I_base[j] - I) / tile->I_unit[j] + S;
            if (S < UINT16_MAX) square += error * error, n_S++;
        }
    }
    e.S_rms = sqrt(square / (double)n_S) / 65536.0;
    return e;
}

static void fixed_point_is_as_close_as_the_header_says(void **state)
{
    (void)state;
    static const struct {
        int dac_bits, adc_bits;
        double gain, excess; /* [codes] */
    } cases[] = {{1, 8, 1.0, 0.05}, {1, 10, 1.0, 0.2}, {1, 12, 1.0, 0.7},  {2, 8, 1.0, 0.06},
                 {4, 8, 1.0, 0.08}, {1, 8, 3.7, 0.15}, {1, 8, 0.21, 0.05}, {4, 12, 1.0, 1.2},
                 {3, 8, 1.0, 0.08}, {5, 8, 3.7, 0.25}, {7, 8, 0.21, 0.08}, {8, 12, 1.0, 1.2}};
    for (uint32_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
        xbtab__random random;
        xbtab__random_init(&random, 52, XBTAB__RANDOM_TEST, k, 0);
        bench b = make(&random, 127, 53, cases[k].dac_bits, cases[k].adc_bits, 0.8, cases[k].gain);
        errors e = measure(&b, &random, 300);
        print_message("DAC %d, ADC %2d bits, gain %.2f (boost %d): at most %.4f codes beyond rounding, "
                      "sums %.5f %% rms\n",
                      cases[k].dac_bits, cases[k].adc_bits, cases[k].gain, b.tile->boost, e.excess,
                      100 * e.S_rms);
        assert_true(e.excess < cases[k].excess);
        assert_true(e.S_rms < 2e-4);
        release(&b);
    }
}

/* Read-outs that are only fitted to the few per cent of the full scale that their cells can carry may be far
 * off beyond. */
static void small_currents_keep_all_bits(void **state)
{
    (void)state;
    xbtab__random random;
    xbtab__random_init(&random, 53, XBTAB__RANDOM_TEST, 0, 0);
    bench b = make(&random, 19, 41, 1, 12, 30.0, 1.0);
    for (size_t c = 0; c < XBTAB_KERNEL_BINS * 41; c++) {
        b.readout[4 * c] = 4096.0 * 0.3;
        b.readout[4 * c + 2] = 4096.0 * 9.0;
        b.readout[4 * c + 3] = -4096.0 * 60.0;
    }
    xbtab_kernel_tile_destroy(&b.tile);
    assert_int_equal(xbtab_kernel_tile_create(&b.tile, &b.in), XBTAB_OK);
    errors e = measure(&b, &random, 300);
    print_message("at most %.4f codes beyond rounding\n", e.excess);
    assert_int_equal(b.tile->boost, 0);
    assert_true(e.excess < 0.3);
    compare(&b, &random);
    release(&b);
}

static void an_input_of_zeros_with_code_0_is_known(void **state)
{
    (void)state;
    xbtab__random random;
    xbtab__random_init(&random, 3, XBTAB__RANDOM_TEST, 3, 0);
    bench b = make(&random, 37, 53, 1, 8, 1.0, 1.0);
    xbtab_kernel_tile *tile = NULL;
    uint16_t x[37] = {0};
    int32_t acc[64];
    for (size_t j = 0; j < 53; j++) b.readout[4 * j] = 0.3;
    assert_int_equal(xbtab_kernel_tile_create(&tile, &b.in), XBTAB_OK);
    assert_true(tile->zero_is_zero);
    xbtab_kernel_tile_destroy(&b.tile);
    b.readout[4 * 52] = 0.9; /* the last bit line at bin 0 */
    assert_int_equal(xbtab_kernel_tile_create(&b.tile, &b.in), XBTAB_OK);
    assert_false(b.tile->zero_is_zero);
    codes_of(acc, &b, x);
    assert_int_equal(acc[51], 0);
    assert_int_equal(acc[52], 1);
    xbtab_kernel_tile_destroy(&tile);
    release(&b);
}

static void fails(const xbtab_kernel_input *in, xbtab_status status, const char *says)
{
    xbtab_kernel_tile *tile = NULL;
    assert_int_equal(xbtab_kernel_tile_create(&tile, in), status);
    assert_null(tile);
    if (!strstr(xbtab_error_message(), says)) fail_msg("'%s' does not say '%s'", xbtab_error_message(), says);
}

static void currents_above_what_is_known_are_counted(void **state)
{
    (void)state;
    xbtab__random random;
    xbtab__random_init(&random, 6, XBTAB__RANDOM_TEST, 6, 0);
    bench b = make(&random, 67, 71, 1, 8, 1.0, 1.0);
    uint16_t x[67];
    int32_t acc[96];
    uint64_t total = 0;
    for (int v = 0; v < 40; v++) {
        uint64_t clearly = 0, nearly = 0;
        for (size_t i = 0; i < 67; i++) x[i] = xbtab__random_uniform(&random) < v / 39.0;
        for (size_t j = 0; j < 71; j++) {
            double I = b.A_const[j];
            for (size_t i = 0; i < 67; i++) I += b.A[(x[i] * 67 + i) * 71 + j];
            I = fabs(I);
            clearly +=
                I > b.in.I_known + 34 * b.tile->I_unit[j]; /* half a step a group, two for the limits */
            nearly += I > b.in.I_known - 34 * b.tile->I_unit[j];
        }
        uint64_t counted = codes_of(acc, &b, x);
        assert_true(counted >= clearly && counted <= nearly);
        total += counted;
    }
    assert_true(total > 100 && total < 40 * 71 - 100);
    b.in.I_known = INFINITY;
    xbtab_kernel_tile_destroy(&b.tile);
    assert_int_equal(xbtab_kernel_tile_create(&b.tile, &b.in), XBTAB_OK);
    assert_int_equal(codes_of(acc, &b, x), 0);
    release(&b);
}

static void wrong_inputs_are_named(void **state)
{
    (void)state;
    xbtab__random random;
    xbtab__random_init(&random, 4, XBTAB__RANDOM_TEST, 4, 0);
    bench b = make(&random, 7, 11, 2, 8, 1.0, 1.0);
    xbtab_kernel_input in = b.in;
    in.dac_bits = 9;
    fails(&in, XBTAB_ERR_INPUT, "9 DAC bits");
    in = b.in;
    in.adc_bits = 13;
    fails(&in, XBTAB_ERR_INPUT, "13 ADC bits");
    in = b.in;
    in.rows = 0;
    fails(&in, XBTAB_ERR_INPUT, "0 x 11 cells");
    in = b.in;
    in.I_known = 0;
    fails(&in, XBTAB_ERR_INPUT, "known up to 0 A");
    in = b.in;
    in.full_scale = -2.385e-6;
    fails(&in, XBTAB_ERR_INPUT, "full scale of -2.385e-06 A");
    double keep = b.A[9];
    b.A[9] = NAN;
    fails(&b.in, XBTAB_ERR_INPUT, "bit line 9");
    b.A[9] = keep;
    b.readout[4 * 10 + 2] = INFINITY;
    fails(&b.in, XBTAB_ERR_INPUT, "bit line 10");
    b.readout[4 * 10 + 2] = 256e5;
    fails(&b.in, XBTAB_ERR_UNSUPPORTED, "16 bits");
    b.readout[4 * 10 + 2] = 0;
    for (long k = 0; k < 5; k++) {
        xbtab_kernel_tile *tile = NULL;
        xbtab__alloc_fail_after(k);
        xbtab_status status = xbtab_kernel_tile_create(&tile, &b.in);
        xbtab__alloc_fail_after(-1);
        assert_int_equal(status, XBTAB_ERR_NOMEM);
        assert_null(tile);
    }
    release(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(missing_instruction_sets_are_said),
        cmocka_unit_test(all_variants_give_the_same_bits),
        cmocka_unit_test(a_sum_above_the_range_reads_as_the_largest_code),
        cmocka_unit_test(fixed_point_is_as_close_as_the_header_says),
        cmocka_unit_test(small_currents_keep_all_bits),
        cmocka_unit_test(an_input_of_zeros_with_code_0_is_known),
        cmocka_unit_test(currents_above_what_is_known_are_counted),
        cmocka_unit_test(wrong_inputs_are_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
