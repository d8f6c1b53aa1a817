/* The ngspice host against closed forms, against the ngspice program, and against bad netlists. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "file.h"
#include "memory.h"
#include "spice.h"
#include "text.h"

#ifdef __SANITIZE_ADDRESS__
/* ngspice never frees some of its own tables; what we allocate is still checked. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:libngspice.so";
}
#endif

enum { MAX_VECTORS = 16, MAX_OUTPUTS = 8 };

/* One ngspice for all tests, as in a worker; what would poison it runs in a fork. */
static xbtab__spice *spice;

static int open_spice(void **state)
{
    (void)state;
    xbtab_status status = xbtab__spice_open(&spice, NULL);
    if (status < 0) print_message("%s\n", xbtab_error_message());
    return status;
}

static int close_spice(void **state)
{
    (void)state;
    xbtab__spice_close(&spice);
    return spice != NULL;
}

typedef struct outcome {
    double out[MAX_VECTORS][MAX_OUTPUTS]; /* used as out[n_vectors][n_outputs], see at() */
    xbtab_sample_status status[MAX_VECTORS];
    xbtab__spice_result result;
    int n_outputs;
} outcome;

static double at(const outcome *o, int vector, int output)
{
    return (&o->out[0][0])[vector * o->n_outputs + output];
}

static xbtab_status solve(outcome *o, const xbtab__spice_job *job)
{
    assert_true(job->n_vectors <= MAX_VECTORS && job->n_outputs <= MAX_OUTPUTS);
    memset(o, 0x55, sizeof *o);
    o->n_outputs = job->n_outputs;
    o->result.out = &o->out[0][0];
    o->result.status = o->status;
    return xbtab__spice_sweep(spice, job, &o->result);
}

/* Every failed vector has NAN for all outputs, every solved one finite values, and the count is right. */
static void check_consistent(const outcome *o, const xbtab__spice_job *job)
{
    int n_failed = 0;
    for (int v = 0; v < job->n_vectors; v++) {
        bool ok = o->status[v] == XBTAB_SAMPLE_OK;
        n_failed += !ok;
        for (int k = 0; k < job->n_outputs; k++) assert_true(ok ? isfinite(at(o, v, k)) : isnan(at(o, v, k)));
    }
    assert_int_equal(o->result.n_failed, n_failed);
    assert_int_equal(o->result.reason[0] != '\0', n_failed > 0);
    assert_null(strchr(o->result.reason, '\n'));
}

/* Source "Vi0 1 0 external", node 2, ammeter "vm". */
static const char *const usual_outputs[] = {"v(2)", "i(vm)"};
static const char divider[] = "Vi0 1 0 external\nRa 1 3 1k\nVm 3 2 dc 0\nRb 2 0 3k\n";

static xbtab__spice_job usual_job(const char *const *netlist, int n_vectors, const double *values)
{
    return (xbtab__spice_job){.lines = netlist,
                              .n_lines = 1,
                              .n_sources = 1,
                              .n_vectors = n_vectors,
                              .values = values,
                              .n_outputs = 2,
                              .outputs = usual_outputs};
}

static void assert_near(double value, double expected, double relative)
{
    if (fabs(value - expected) <= relative * fabs(expected)) return;
    fail_msg("%.17g is not %.17g within %g", value, expected, relative);
}

static void check_divider(int n_vectors)
{
    static const double values[] = {2.385, -0.7, 1e-9, 0, 33};
    const char *const netlist[] = {divider};
    xbtab__spice_job job = usual_job(netlist, n_vectors, values);
    outcome o;
    assert_int_equal(solve(&o, &job), XBTAB_OK);
    check_consistent(&o, &job);
    assert_int_equal(o.result.n_failed, 0);
    for (int v = 0; v < n_vectors; v++) {
        assert_near(at(&o, v, 0), 0.75 * values[v], 4e-16);
        assert_near(at(&o, v, 1), values[v] / 4000, 4e-16);
    }
}

static void a_divider_is_exact(void **state)
{
    (void)state;
    check_divider(5);
}

static void one_and_two_vectors_work(void **state)
{
    (void)state;
    check_divider(1);
    check_divider(2);
}

static void the_version_names_ngspice(void **state)
{
    (void)state;
    assert_memory_equal(xbtab__spice_version(spice), "ngspice-", 8);
    assert_null(strchr(xbtab__spice_version(spice), ' '));
    print_message("%s\n", xbtab__spice_version(spice));
}

static void nothing_is_left_in_the_file_system(void **state)
{
    (void)state;
    char link[64], target[256];
    snprintf(link, sizeof link, "/proc/%ld/cwd", (long)getpid());
    ssize_t n = readlink(link, target, sizeof target - 1);
    assert_true(n > 0);
    target[n] = '\0';
    assert_non_null(strstr(target, "/tmp/xbartab-spice-"));
    assert_non_null(strstr(target, " (deleted)"));
}

/* I of V = I*R + asinh(I*a/g)/a, by bisection. */
static double series_sinh(double V, double R, double g, double a)
{
    double low = -fabs(V) / R, high = fabs(V) / R;
    for (int step = 0; step < 200; step++) {
        double I = 0.5 * (low + high);
        if (I * R + asinh(I * a / g) / a > V) {
            high = I;
        } else {
            low = I;
        }
    }
    return 0.5 * (low + high);
}

static void a_sinh_cell_matches_its_closed_form(void **state)
{
    (void)state;
    const double g = 1.0 / 3, a = 4.123456789012345, values[] = {0.3, -0.2385, 1.1, 0.001, 2.5, -2.5};
    char netlist[512];
    snprintf(netlist, sizeof netlist,
             ".subckt cell p n g=1 a=1\nB1 p n I={g}*sinh({a}*V(p,n))/{a}\n.ends\n"
             "Vi0 1 0 external\nRa 1 3 170\nVm 3 2 dc 0\nXc 2 0 cell g=%.17g a=%.17g\n",
             1e-3 * g, a);
    const char *const lines[] = {netlist};
    xbtab__spice_job job = usual_job(lines, 6, values);
    outcome o;
    assert_int_equal(solve(&o, &job), XBTAB_OK);
    check_consistent(&o, &job);
    assert_int_equal(o.result.n_failed, 0);
    for (int v = 0; v < 6; v++) {
        double I = series_sinh(values[v], 170, 1e-3 * g, a);
        assert_near(at(&o, v, 1), I, 1e-9);
        assert_near(at(&o, v, 0), values[v] - 170 * I, 1e-9);
    }
}

static void each_source_gets_its_own_value_to_the_last_bit(void **state)
{
    (void)state;
    enum { N = 13 };
    xbtab__text netlist = {0};
    double values[3 * N];
    char names[N][16];
    const char *outputs[N];
    double got[3 * N];
    xbtab_sample_status status[3];
    for (int k = 0; k < N; k++) {
        xbtab__text_add(&netlist, "vI%d in%d 0 EXTERNAL\nR%d in%d 0 %d\n", k, k, k, k, 100 + k);
        snprintf(names[k], sizeof names[k], "V(IN%d)", k);
        outputs[k] = names[k];
    }
    for (int v = 0; v < 3 * N; v++) values[v] = sin(1 + v);
    const char *const lines[] = {netlist.s};
    xbtab__spice_job job = {.lines = lines,
                            .n_lines = 1,
                            .n_sources = N,
                            .n_vectors = 3,
                            .values = values,
                            .n_outputs = N,
                            .outputs = outputs};
    xbtab__spice_result result = {.out = got, .status = status};
    assert_int_equal(xbtab__spice_sweep(spice, &job, &result), XBTAB_OK);
    assert_int_equal(result.n_failed, 0);
    assert_memory_equal(got, values, sizeof got);
    xbtab__text_clear(&netlist);
}

static void current_sources_take_values_too(void **state)
{
    (void)state;
    const char *const lines[] = {"* a TIA: 1e5 V/V, 2 kohm", "Ii0 0 2 external", "Rf 2 out 2k",
                                 "Eop out1 0 0 2 1e5", "Vm out1 out dc 0"};
    const char *const outputs[] = {"v(out)", "v(2)", "i(vm)"};
    const double values[] = {1e-6, -2.385e-4, 0};
    xbtab__spice_job job = {.lines = lines,
                            .n_lines = 5,
                            .n_sources = 1,
                            .n_vectors = 3,
                            .values = values,
                            .n_outputs = 3,
                            .outputs = outputs};
    outcome o;
    assert_int_equal(solve(&o, &job), XBTAB_OK);
    check_consistent(&o, &job);
    for (int v = 0; v < 3; v++) {
        assert_int_equal(o.status[v], XBTAB_SAMPLE_OK);
        assert_near(at(&o, v, 0), -2000 * values[v] / (1 + 1e-5), 1e-12);
        assert_near(at(&o, v, 1), 2000 * values[v] / (1e5 + 1), 1e-9);
        assert_near(at(&o, v, 2), -values[v], 1e-12);
    }
}

static void many_outputs_are_told_apart(void **state)
{
    (void)state;
    enum { N = 101 }; /* more than three .save lines; a ladder of equal resistors under constant current */
    xbtab__text netlist = {0};
    char names[N][16];
    const char *outputs[N];
    double out[2 * N];
    xbtab_sample_status status[2];
    const double values[] = {0.001, -0.002385};
    xbtab__text_add(&netlist, "Ii0 0 n%d external\n", N - 1);
    for (int k = 0; k < N; k++) {
        char below[16] = "0";
        if (k > 0) snprintf(below, sizeof below, "n%d", k - 1);
        xbtab__text_add(&netlist, "R%d n%d %s 10\n", k, k, below);
        snprintf(names[k], sizeof names[k], "v(n%d)", (k * 37) % N);
        outputs[k] = names[k];
    }
    const char *const lines[] = {netlist.s};
    xbtab__spice_job job = {.lines = lines,
                            .n_lines = 1,
                            .n_sources = 1,
                            .n_vectors = 2,
                            .values = values,
                            .n_outputs = N,
                            .outputs = outputs};
    xbtab__spice_result result = {.out = out, .status = status};
    assert_int_equal(xbtab__spice_sweep(spice, &job, &result), XBTAB_OK);
    assert_int_equal(result.n_failed, 0);
    for (int v = 0; v < 2; v++) {
        for (int k = 0; k < N; k++) assert_near(out[v * N + k], values[v] * 10 * ((k * 37) % N + 1), 1e-12);
    }
    xbtab__text_clear(&netlist);
}

/* The same circuit in the ngspice program, with a fixed source. */
static double run_program(const char *netlist, double V)
{
    char path[] = "/tmp/xbartab-test-spice-XXXXXX", line[256];
    int file = mkstemp(path);
    assert_true(file >= 0);
    FILE *out = fdopen(file, "w");
    fprintf(out, "program\n.options reltol=1e-9 vntol=1e-12 abstol=1e-15 gmin=1e-15\nVi0 1 0 dc %.17g\n%s", V,
            strchr(netlist, '\n') + 1);
    fprintf(out, ".control\nset numdgt=16\nop\nprint i(vm)\n.endc\n.end\n");
    fclose(out);
    snprintf(line, sizeof line, "ngspice -b %s 2>/dev/null", path);
    FILE *in = popen(line, "r");
    double I = NAN;
    while (fgets(line, sizeof line, in)) {
        if (sscanf(line, "i(vm) = %lf", &I) == 1) break;
    }
    while (fgets(line, sizeof line, in)) {
    }
    pclose(in);
    unlink(path);
    return I;
}

static void the_ngspice_program_says_the_same(void **state)
{
    (void)state;
    assert_int_equal(chdir("/tmp"), 0); /* a shell warns of a working folder that is no more */
    if (system("command -v ngspice >/dev/null 2>&1") != 0) {
        print_message("the ngspice program is not installed\n");
        skip();
    }
    static const char netlist[] =
        "Vi0 1 0 external\nRa 1 3 1k\nVm 3 2 dc 0\nDd 2 4 dmod\n.model dmod d is=1e-14 n=1.3\n"
        "M1 4 1 0 0 nm w=2u l=1u\n.model nm nmos level=1 vto=0.4 kp=2e-4 lambda=0.02\n";
    const double values[] = {2.385, 1.2, 3.3};
    const char *const lines[] = {netlist};
    xbtab__spice_job job = usual_job(lines, 3, values);
    outcome o;
    assert_int_equal(solve(&o, &job), XBTAB_OK);
    assert_int_equal(o.result.n_failed, 0);
    for (int v = 0; v < 3; v++) assert_near(at(&o, v, 1), run_program(netlist, values[v]), 1e-8);
}

/* ---- what must be refused ---- */

static void expect_refused(const char *netlist, const char *word)
{
    static const double values[] = {1, 2.385, -1};
    const char *const lines[] = {netlist};
    xbtab__spice_job job = usual_job(lines, 3, values);
    outcome o;
    assert_int_equal(solve(&o, &job), XBTAB_OK);
    check_consistent(&o, &job);
    for (int v = 0; v < 3; v++) assert_int_equal(o.status[v], XBTAB_SAMPLE_REFUSED);
    if (!strstr(o.result.reason, word)) fail_msg("\"%s\" does not mention \"%s\"", o.result.reason, word);
    assert_false(xbtab__spice_is_poisoned(spice));
    check_divider(3); /* and it goes on as if nothing had been */
}

#define AROUND "Vi0 1 0 external\nRa 1 3 1k\nVm 3 2 dc 0\n"

static void netlists_that_ngspice_does_not_load_are_refused_with_its_words(void **state)
{
    (void)state;
    expect_refused(AROUND "Xc 2 0 nosuchcell\n", "nosuchcell");
    expect_refused(AROUND "Rb 2 0 3k\nfoo bar baz\n", "foo bar baz");
    expect_refused(AROUND "B1 2 0 I=sinh(V(2)\n", "error");
    expect_refused(AROUND "B1 2 0 I=wibble(V(2))\n", "wibble");
    expect_refused(AROUND "D1 2 0 nomodel\n", "nomodel");
    expect_refused(AROUND "Rb 2 0 3k\nRb 2 0 3k\n", "rb 2 0 3k");
    expect_refused(AROUND "Rb 2 0\n", "resistance to low");
}

static void circuits_that_are_singular_by_their_wiring_are_refused(void **state)
{
    (void)state;
    expect_refused(AROUND "Rb 2 0 3k\nVx 1 0 dc 2\n", "singular");
    expect_refused(AROUND "Rb 2 0 3k\nRx 7 8 1k\n", "singular");
    expect_refused(AROUND "Rb 2 0 3k\nB1 2 0 I=1e-3*V(nonode)\n", "singular");
}

static void an_output_that_is_not_there_is_refused(void **state)
{
    (void)state;
    expect_refused("Vi0 1 0 external\nRa 1 2 1k\nRb 2 0 3k\n", "i(vm)");
    expect_refused("Vi0 1 0 external\nVm 1 4 dc 0\nRa 4 0 1k\n", "v(2)");
}

static void an_undefined_parameter_poisons(void **state)
{
    (void)state;
    pid_t pid = fork();
    if (pid == 0) {
        const double values[] = {1, 2};
        const char *const lines[] = {AROUND "Rb 2 0 {nosuchparameter}\n"};
        xbtab__spice_job job = usual_job(lines, 2, values);
        outcome o;
        int bad = 0;
        bad |= solve(&o, &job) != XBTAB_OK || !xbtab__spice_is_poisoned(spice);
        bad |= o.status[0] != XBTAB_SAMPLE_REFUSED || o.status[1] != XBTAB_SAMPLE_REFUSED;
        bad |= (o.result.n_failed != 2) | (!strstr(o.result.reason, "nosuchparameter") << 1);
        bad |= (solve(&o, &job) != XBTAB_ERR_SPICE) << 2;
        _exit(bad);
    }
    int how;
    waitpid(pid, &how, 0);
    assert_true(WIFEXITED(how));
    assert_int_equal(WEXITSTATUS(how), 0);
}

/* ---- vectors that fail among vectors that do not ---- */

/* Above 0.8 V there is no solution: the element's current jumps across the load line. */
static const char jump[] = AROUND "B1 2 0 I=V(1)<0.8 ? V(2)*1e-3 : (V(2)>0.3 ? 1e3 : -1e3)\n";

static void a_vector_without_a_solution_fails_alone(void **state)
{
    (void)state;
    const double values[] = {0.5, 2.385, 0.4, 0.3, 3, -0.7, 1};
    const bool fails[] = {false, true, false, false, true, false, true};
    const char *const lines[] = {jump};
    xbtab__spice_job job = usual_job(lines, 7, values);
    outcome o;
    assert_int_equal(solve(&o, &job), XBTAB_OK);
    check_consistent(&o, &job);
    for (int v = 0; v < 7; v++) {
        assert_int_equal(o.status[v], fails[v] ? XBTAB_SAMPLE_NOT_CONVERGED : XBTAB_SAMPLE_OK);
        if (!fails[v]) assert_near(at(&o, v, 0), 0.5 * values[v], 1e-9);
    }
    assert_non_null(strstr(o.result.reason, "doAnalyses"));
}

static void all_vectors_can_fail(void **state)
{
    (void)state;
    const double values[] = {1, 2, 2.385};
    const char *const lines[] = {jump};
    for (int n = 1; n <= 3; n++) {
        xbtab__spice_job job = usual_job(lines, n, values);
        outcome o;
        assert_int_equal(solve(&o, &job), XBTAB_OK);
        check_consistent(&o, &job);
        assert_int_equal(o.result.n_failed, n);
    }
}

static void values_beyond_all_bounds_are_not_finite(void **state)
{
    (void)state;
    const double values[] = {1, 1e9, 2};
    const char *const lines[] = {divider};
    xbtab__spice_job job = usual_job(lines, 3, values);
    outcome o;
    assert_int_equal(solve(&o, &job), XBTAB_OK);
    check_consistent(&o, &job);
    assert_int_equal(o.status[0], XBTAB_SAMPLE_OK);
    assert_int_equal(o.status[1], XBTAB_SAMPLE_NOT_FINITE);
    assert_int_equal(o.status[2], XBTAB_SAMPLE_OK);
    assert_near(at(&o, 2, 0), 1.5, 1e-15);
    const char *const division[] = {AROUND "B1 2 0 I=1/(V(2)-V(2))\n"};
    job = usual_job(division, 3, (const double[]){1, 2, 3});
    assert_int_equal(solve(&o, &job), XBTAB_OK);
    check_consistent(&o, &job);
    assert_int_equal(o.status[1], XBTAB_SAMPLE_NOT_FINITE);
}

/* A cell so steep that Newton's first step leaves the range of sinh(). */
static void the_whole_ladder_rescues_a_vector_on_request(void **state)
{
    (void)state;
    const double values[] = {1, 0.1, 0.5};
    const char *const lines[] = {AROUND "B1 2 0 I=1e-12*sinh(2000*V(2))\n"};
    xbtab__spice_job job = usual_job(lines, 3, values);
    outcome o;
    assert_int_equal(solve(&o, &job), XBTAB_OK);
    check_consistent(&o, &job);
    assert_int_equal(o.status[0], XBTAB_SAMPLE_NOT_CONVERGED);
    assert_non_null(strstr(o.result.reason, "out of range"));
    job.retry = true;
    assert_int_equal(solve(&o, &job), XBTAB_OK);
    check_consistent(&o, &job);
    for (int v = 0; v < 3; v++) {
        if (o.status[v] != XBTAB_SAMPLE_OK) fail_msg("vector %d: %s", v, o.result.reason);
        assert_near(at(&o, v, 1), series_sinh(values[v], 1000, 2e-9, 2000), 1e-9);
    }
}

/* ---- what never reaches ngspice ---- */

static void expect_input_error(const xbtab__spice_job *job, const char *word)
{
    outcome o;
    assert_int_equal(solve(&o, job), XBTAB_ERR_INPUT);
    if (!strstr(xbtab_error_message(), word)) {
        fail_msg("\"%s\" does not mention \"%s\"", xbtab_error_message(), word);
    }
}

static void expect_line_error(const char *line, const char *word)
{
    const double values[] = {1, 2};
    const char *const lines[] = {divider, line};
    xbtab__spice_job job = usual_job(lines, 2, values);
    job.n_lines = 2;
    expect_input_error(&job, word);
}

static void dangerous_lines_are_not_passed_on(void **state)
{
    (void)state;
    expect_line_error("Rx 2 0 1k\n  .CONTROL\nquit\n.endc", ".CONTROL");
    expect_line_error("*# quit", "commands");
    expect_line_error(".options reltol=1", ".options");
    expect_line_error(".title other", ".title");
    expect_line_error(".end", ".end");
    expect_line_error("Rx 2 0 1e999", "1e999");
    expect_line_error("Rx 2 0 r=NaN", "NaN");
    expect_line_error("Xx 2 0 cell g=-inf", "-inf");
    expect_line_error("Vi1 7 0 external", "has no value");
    expect_line_error("Vi0 7 0 external", "twice");
    expect_line_error("Vx 7 0 external", "\"Vi<k> a b external\"");
    expect_line_error("Vi0 7 0 dc 3 external", "\"Vi<k> a b external\"");
    expect_line_error("Vi0 7 0 external dc 3", "\"Vi<k> a b external\"");
    const double values[] = {1, 2};
    const char *const continued[] = {"Vi0 1 0 external", "+ dc 7", "Vm 1 2 dc 0"};
    xbtab__spice_job job = usual_job(continued, 2, values);
    job.n_lines = 3;
    expect_input_error(&job, "nothing may follow");
    check_divider(3);
}

static void harmless_lines_pass(void **state)
{
    (void)state;
    const double values[] = {2.385};
    const char *const lines[] = {".subckt inner a b\nR1 a b 3k ; nan is a comment here\n.ends inner",
                                 "* external inf nan .control", AROUND "X1 2 0 inner $ 1e999\n"};
    xbtab__spice_job job = usual_job(lines, 1, values);
    job.n_lines = 3;
    outcome o;
    assert_int_equal(solve(&o, &job), XBTAB_OK);
    assert_int_equal(o.result.n_failed, 0);
    assert_near(at(&o, 0, 0), 0.75 * 2.385, 1e-12);
}

static void jobs_that_break_the_rules_name_the_rule(void **state)
{
    (void)state;
    const double values[] = {1, 2};
    const char *const lines[] = {divider};
    const char *const unlike[] = {"v(2)", "vm"}, *const twice[] = {"v(2)", "V(2)"};
    xbtab__spice_job good = usual_job(lines, 2, values), job = good;
    job.n_vectors = 0;
    expect_input_error(&job, "vectors (0)");
    job = good;
    job.n_sources = 2;
    job.n_vectors = 1;
    expect_input_error(&job, "external source 1 of 2 is missing");
    job = good;
    job.values = (const double[]){1, NAN};
    expect_input_error(&job, "vector 1, input 0");
    job = good;
    job.outputs = unlike;
    expect_input_error(&job, "\"vm\"");
    job = good;
    job.outputs = twice;
    expect_input_error(&job, "twice");
}

/* ---- many jobs ---- */

static void a_result_does_not_depend_on_earlier_jobs(void **state)
{
    (void)state;
    const double values[] = {0.31, 2.385, -1.7, 0.9};
    const char *const lines[] = {AROUND "B1 2 0 I=1e-4*sinh(3.7*V(2))\n"};
    xbtab__spice_job job = usual_job(lines, 4, values);
    outcome first, again;
    assert_int_equal(solve(&first, &job), XBTAB_OK);
    assert_int_equal(first.result.n_failed, 0);
    check_divider(5);
    expect_refused(AROUND "Xc 2 0 nosuchcell\n", "nosuchcell");
    assert_int_equal(solve(&again, &job), XBTAB_OK);
    assert_memory_equal(first.out, again.out, sizeof first.out);
}

static size_t resident_kB(void)
{
    unsigned long pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (fscanf(file, "%*u %lu", &pages) != 1) pages = 0;
    fclose(file);
    return pages * (size_t)sysconf(_SC_PAGESIZE) / 1024;
}

/* An 8 x 7 crossbar of sinh cells with wires. */
static void crossbar(xbtab__text *text, int seed)
{
    xbtab__text_add(text, ".subckt cell p n g=1\nB1 p n I={g}*sinh(4*V(p,n))/4\n.ends\n");
    for (int i = 0; i < 8; i++) {
        xbtab__text_add(text, "Vi%d w%d_0 0 external\n", i, i);
        for (int j = 0; j < 7; j++) {
            xbtab__text_add(text, "Rw%d_%d w%d_%d w%d_%d 2.5\nRb%d_%d b%d_%d b%d_%d 2.5\n", i, j, i, j, i,
                            j + 1, i, j, i, j, i + 1, j);
            xbtab__text_add(text, "X%d_%d w%d_%d b%d_%d cell g=%.17g\n", i, j, i, j + 1, i, j,
                            1e-4 * (1 + (i * 7 + j * 3 + seed) % 10));
        }
    }
    for (int j = 0; j < 7; j++) xbtab__text_add(text, "Vs%d b8_%d 0 dc 0\n", j, j);
}

static void two_thousand_circuits_do_not_grow_the_process(void **state)
{
    (void)state;
    enum { ROUNDS = 2000, WARM = 100 };
    const char *const outputs[] = {"i(vs0)", "i(vs1)", "i(vs2)", "i(vs3)", "i(vs4)", "i(vs5)", "i(vs6)"};
    double values[3 * 8];
    size_t warm = 0;
    for (int v = 0; v < 3 * 8; v++) values[v] = 0.3 * fabs(sin(1 + v));
    for (int round = 0; round < ROUNDS; round++) {
        xbtab__text text = {0};
        crossbar(&text, round);
        const char *const lines[] = {text.s};
        xbtab__spice_job job = {.lines = lines,
                                .n_lines = 1,
                                .n_sources = 8,
                                .n_vectors = 3,
                                .values = values,
                                .n_outputs = 7,
                                .outputs = outputs};
        outcome o;
        assert_int_equal(solve(&o, &job), XBTAB_OK);
        assert_int_equal(o.result.n_failed, 0);
        xbtab__text_clear(&text);
        if (round + 1 == WARM) warm = resident_kB();
    }
    size_t end = resident_kB();
    print_message("resident memory: %zu kB after %d circuits, %zu kB after %d\n", warm, WARM, end, ROUNDS);
#ifdef __SANITIZE_ADDRESS__
    print_message("(not judged: the address sanitizer keeps freed memory)\n");
#else
    assert_true((double)end < 1.2 * (double)warm);
#endif
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_version_names_ngspice),
        cmocka_unit_test(nothing_is_left_in_the_file_system),
        cmocka_unit_test(a_divider_is_exact),
        cmocka_unit_test(one_and_two_vectors_work),
        cmocka_unit_test(a_sinh_cell_matches_its_closed_form),
        cmocka_unit_test(each_source_gets_its_own_value_to_the_last_bit),
        cmocka_unit_test(current_sources_take_values_too),
        cmocka_unit_test(many_outputs_are_told_apart),
        cmocka_unit_test(the_ngspice_program_says_the_same),
        cmocka_unit_test(netlists_that_ngspice_does_not_load_are_refused_with_its_words),
        cmocka_unit_test(circuits_that_are_singular_by_their_wiring_are_refused),
        cmocka_unit_test(an_output_that_is_not_there_is_refused),
        cmocka_unit_test(an_undefined_parameter_poisons),
        cmocka_unit_test(a_vector_without_a_solution_fails_alone),
        cmocka_unit_test(all_vectors_can_fail),
        cmocka_unit_test(values_beyond_all_bounds_are_not_finite),
        cmocka_unit_test(the_whole_ladder_rescues_a_vector_on_request),
        cmocka_unit_test(dangerous_lines_are_not_passed_on),
        cmocka_unit_test(harmless_lines_pass),
        cmocka_unit_test(jobs_that_break_the_rules_name_the_rule),
        cmocka_unit_test(a_result_does_not_depend_on_earlier_jobs),
        cmocka_unit_test(two_thousand_circuits_do_not_grow_the_process),
    };
    return cmocka_run_group_tests(tests, open_spice, close_spice);
}
