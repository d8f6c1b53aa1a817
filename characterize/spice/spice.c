/* spice.c - libngspice in this process: loading it, feeding its callbacks, and believing its answers.
 *
 * ngspice's return codes say next to nothing: a netlist that failed to load leaves the circuit before it
 * current, and a singular matrix can end in nonsense with "success". So the evidence is collected instead. A
 * point of the sweep counts only if the plot carries this job's own title, all earlier points have arrived,
 * no line on ngspice's stderr since the point before spells trouble, and the numbers are finite. Where the
 * evidence breaks at vector k, the vectors before k stay, k has failed, and a new sweep starts behind it. */
#include "spice.h"

#include <ctype.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#include <xbartab/output.h>

#include "memory.h"
#include "spice_private.h"

/* Nothing in a crossbar comes near: what is larger is a singular circuit that "converged" [V or A]. */
static const double largest_value = 1e6;

/* Newton, then gmin and source stepping (0.1 to 1 s on a bad vector), or also the transient that ngspice
 * tries by default (10 to 20 s already for 16 x 16 cells). ngspice resets this at each load. */
static const char short_ladder[] = "optran 1 1 1 0 0 0";
static const char whole_ladder[] = "optran 1 1 1 100n 10u 0";

/* One dc sweep. Point p is vector first + p. */
typedef struct dc_sweep {
    xbtab__spice_analysis analysis;
    const xbtab__spice_job *job;
    double *out;
    int first, n_vectors; /* the vectors of this sweep; ngspice makes at least two points, the second of one
                             vector is dropped */
} dc_sweep;

const char *xbtab__sample_status_text(xbtab_sample_status status)
{
    switch (status) {
#define STATUS_CASE(name, value, text)                                                                       \
    case name:                                                                                               \
        return text;
        XBTAB_SAMPLE_STATUS_LIST(STATUS_CASE)
#undef STATUS_CASE
    }
    return "unknown sample status";
}

/* ---- what ngspice says ---- */

static bool contains(const char *line, const char *const *words, size_t n)
{
    for (size_t w = 0; w < n; w++) {
        if (strcasestr(line, words[w])) return true;
    }
    return false;
}

static bool spells_trouble(const char *line, bool forgive_range)
{
    static const char *const words[] = {"error",     "can't find", "unknown",
                                        "undefined", "not parsed", "singular",
                                        "aborted",   "doanalyses", "resistance to low"};
    /* A solver that walks through a forbidden range and out again has not failed; only the whole ladder,
     * asked for by the caller, is given that credit. */
    static const char *const range[] = {"out of range"};
    if (contains(line, range, 1)) return !forgive_range;
    return contains(line, words, sizeof words / sizeof *words);
}

static void append_reason(xbtab__spice *spice, const char *line)
{
    size_t n = strlen(spice->fault);
    snprintf(spice->fault + n, sizeof spice->fault - n, "%s%s", n ? " " : "", line);
    for (char *c = spice->fault + n; *c; c++) {
        if (iscntrl((unsigned char)*c)) *c = ' ';
    }
}

void xbtab__spice_keep_reason(xbtab__spice *spice, const char *line)
{
    if (spice->fault[0] == '\0') append_reason(spice, line);
}

/* ngspice often puts what it complains about on the line behind: "Error: bad syntax of line", "foo bar". */
static bool announces_more(const char *line)
{
    static const char *const ends[] = {":", " line", " at"};
    size_t n = strlen(line);
    for (size_t e = 0; e < sizeof ends / sizeof *ends; e++) {
        size_t length = strlen(ends[e]);
        if (n >= length && strcmp(line + n - length, ends[e]) == 0) return true;
    }
    return false;
}

static int on_line(char *line, int id, void *user)
{
    (void)id;
    xbtab__spice *spice = user;
    static const char is_error[] = "stderr ", is_output[] = "stdout ", banner[] = "ngspice-";
    if (strncmp(line, is_output, strlen(is_output)) == 0) {
        const char *name = spice->version[0] ? NULL : strstr(line, banner);
        if (name) snprintf(spice->version, sizeof spice->version, "%.*s", (int)strcspn(name, " \t\n"), name);
        return 0;
    }
    if (strncmp(line, is_error, strlen(is_error)) == 0) line += strlen(is_error);
    if (spice->reason_goes_on) append_reason(spice, line);
    spice->reason_goes_on = false;
    xbtab__spice_analysis *analysis = spice->analysis;
    if (!spells_trouble(line, analysis && analysis->whole_ladder)) return 0;
    if (spice->fault[0] == '\0') {
        append_reason(spice, line);
        spice->reason_goes_on = announces_more(line);
    }
    if (!analysis) return 0;
    /* Said before the plot begins, it is about the circuit and not about a vector; and a circuit that is
     * singular at its very first point is so by its wiring, whatever ngspice makes of the later ones. */
    bool is_first = analysis->is_first && analysis->n_done == 0;
    if (analysis->n_plots == 0 || (is_first && strcasestr(line, "singular"))) analysis->refused = true;
    if (analysis->fault_at == INT_MAX) {
        analysis->fault_at =
            analysis->n_done < analysis->n_points ? analysis->n_done : analysis->n_points - 1;
    }
    return 0;
}

static int on_exit_request(int code, NG_BOOL immediate, NG_BOOL quit, int id, void *user)
{
    (void)immediate, (void)quit, (void)id;
    xbtab__spice *spice = user;
    char line[XBTAB__SPICE_COMMAND_SIZE];
    snprintf(line, sizeof line, "ngspice gave up with exit code %d", code);
    xbtab__spice_keep_reason(spice, line);
    spice->poisoned = true;
    return 0;
}

/* ---- names ---- */

/* "V(x)" and "x" become "x", "i(x)" and "x#branch" become "x#branch"; lower case. */
static void make_canonical(char *out, size_t size, const char *name)
{
    bool is_call = name[0] && name[1] == '(';
    size_t n = is_call ? strcspn(name + 2, ")") : strlen(name);
    snprintf(out, size, "%.*s%s", (int)n, is_call ? name + 2 : name,
             is_call && tolower((unsigned char)name[0]) == 'i' ? "#branch" : "");
    for (char *c = out; *c; c++) *c = (char)tolower((unsigned char)*c);
}

static int compare_wanted(const void *a, const void *b)
{
    return strcmp(((const xbtab__spice_wanted *)a)->name, ((const xbtab__spice_wanted *)b)->name);
}

void xbtab__spice_analysis_clear(xbtab__spice_analysis *analysis)
{
    for (int o = 0; analysis->wanted && o < analysis->n_outputs; o++) xbtab__free(analysis->wanted[o].name);
    xbtab__free(analysis->wanted);
    xbtab__free(analysis->column);
    analysis->wanted = NULL;
    analysis->column = NULL;
}

xbtab_status xbtab__spice_analysis_init(xbtab__spice_analysis *analysis, const char *const *outputs,
                                        int n_outputs)
{
    xbtab_status status = XBTAB_OK;
    xbtab__spice_wanted *list = xbtab__alloc((size_t)n_outputs, sizeof *list);
    analysis->wanted = list;
    analysis->column = xbtab__alloc((size_t)n_outputs, sizeof *analysis->column);
    analysis->outputs = outputs;
    analysis->n_outputs = n_outputs;
    if (!analysis->wanted || !analysis->column) {
        status = XBTAB_NOMEM();
        goto done;
    }
    for (int o = 0; o < n_outputs; o++) {
        size_t size = strlen(outputs[o]) + sizeof "#branch";
        list[o].output = o;
        list[o].name = xbtab__alloc(size, 1);
        if (!list[o].name) {
            status = XBTAB_NOMEM();
            goto done;
        }
        make_canonical(list[o].name, size, outputs[o]);
    }
    qsort(list, (size_t)n_outputs, sizeof *list, compare_wanted);
    for (int o = 1; o < n_outputs; o++) {
        if (strcmp(list[o - 1].name, list[o].name) == 0) {
            XBTAB_FAIL_DONE(XBTAB_ERR_INPUT, "output \"%s\" is asked for twice", outputs[list[o].output]);
        }
    }
done:
    if (status < 0) xbtab__spice_analysis_clear(analysis);
    return status;
}

/* ---- the analysis, seen from the callbacks ---- */

/* Find every output among ngspice's vectors; an output that is not there stays at -1. */
static void map_columns(xbtab__spice *spice, const vecvaluesall *point)
{
    xbtab__spice_analysis *analysis = spice->analysis;
    int n = analysis->n_outputs;
    for (int o = 0; o < n; o++) analysis->column[o] = -1;
    for (int c = 0; c < point->veccount; c++) {
        char name[XBTAB__REASON_SIZE];
        make_canonical(name, sizeof name, point->vecsa[c]->name);
        const xbtab__spice_wanted *found = bsearch(&(xbtab__spice_wanted){.name = name}, analysis->wanted,
                                                   (size_t)n, sizeof *analysis->wanted, compare_wanted);
        if (found) analysis->column[found->output] = c;
    }
    for (int o = 0; o < n; o++) {
        if (analysis->column[o] >= 0) continue;
        char line[XBTAB__REASON_SIZE];
        snprintf(line, sizeof line, "the circuit has no %s", analysis->outputs[o]);
        xbtab__spice_keep_reason(spice, line);
        analysis->refused = true;
    }
    analysis->n_columns = point->veccount;
}

static int on_plot(pvecinfoall plot, int id, void *user)
{
    (void)id;
    xbtab__spice *spice = user;
    if (spice->analysis && plot->title && strcasecmp(plot->title, spice->title) == 0)
        spice->analysis->n_plots++;
    return 0;
}

static int on_point(pvecvaluesall point, int n, int id, void *user)
{
    (void)n, (void)id;
    xbtab__spice *spice = user;
    xbtab__spice_analysis *analysis = spice->analysis;
    if (!analysis) return 0;
    if (analysis->n_columns == 0) map_columns(spice, point);
    int p = analysis->n_done++;
    if (analysis->refused || point->veccount != analysis->n_columns) return 0;
    analysis->take(analysis, point, p);
    return 0;
}

/* Value of external source "vi<k>" or "ii<k>"; the deck holds no other names. */
static int on_source(double *value, double time, char *name, int id, void *user)
{
    (void)time, (void)id;
    const xbtab__spice *spice = user;
    const xbtab__spice_analysis *analysis = spice->analysis;
    *value = 0;
    if (analysis && analysis->source) *value = analysis->source(analysis, (int)strtol(name + 2, NULL, 10));
    return 0;
}

static void take_vector(xbtab__spice_analysis *analysis, const vecvaluesall *point, int p)
{
    dc_sweep *sweep = (dc_sweep *)analysis;
    if (p >= sweep->n_vectors) return;
    double *row = sweep->out + (size_t)(sweep->first + p) * (size_t)analysis->n_outputs;
    for (int o = 0; o < analysis->n_outputs; o++) row[o] = point->vecsa[analysis->column[o]]->creal;
}

static double source_of_vector(const xbtab__spice_analysis *analysis, int k)
{
    const dc_sweep *sweep = (const dc_sweep *)analysis;
    int p = analysis->n_done < sweep->n_vectors ? analysis->n_done : sweep->n_vectors - 1;
    if (k < 0 || k >= sweep->job->n_sources) return 0;
    return sweep->job->values[(size_t)(sweep->first + p) * (size_t)sweep->job->n_sources + (size_t)k];
}

/* ---- running ---- */

int xbtab__spice_command(xbtab__spice *spice, const char *text)
{
    if (spice->poisoned) return -1;
    char line[XBTAB__SPICE_COMMAND_SIZE]; /* ngspice may write into it */
    if (text) snprintf(line, sizeof line, "%s", text);
    return spice->api.command(text ? line : NULL);
}

void xbtab__spice_whole_ladder(xbtab__spice *spice, bool is_whole)
{
    xbtab__spice_command(spice, is_whole ? whole_ladder : short_ladder);
}

void xbtab__spice_limit(xbtab__spice *spice, double seconds)
{
    spice->seconds_max = seconds;
}

/* The time that a process waits for a core does not count, so that a crowded machine ends nothing early. */
static void watch(const xbtab__spice *spice, bool is_on)
{
    double whole, part = modf(is_on ? spice->seconds_max : 0, &whole);
    if (spice->seconds_max <= 0) return;
    setitimer(
        ITIMER_PROF,
        &(struct itimerval){.it_value = {.tv_sec = (time_t)whole, .tv_usec = (suseconds_t)(1e6 * part)}},
        NULL);
}

bool xbtab__spice_load(xbtab__spice *spice, xbtab__deck *deck)
{
    xbtab__spice_command(spice, "destroy all");
    if (spice->loaded) xbtab__spice_command(spice, "remcirc");
    xbtab__spice_command(spice, NULL); /* frees the command log */
    spice->fault[0] = '\0';
    if (spice->poisoned) return false;
    spice->loaded = true;
    watch(spice, true);
    int code = spice->api.circuit(deck->lines);
    watch(spice, false);
    if (!spice->poisoned && spice->fault[0] == '\0') xbtab__spice_whole_ladder(spice, false);
    if (code != 0) xbtab__spice_keep_reason(spice, "ngspice did not load the netlist");
    return code == 0 && !spice->poisoned && spice->fault[0] == '\0';
}

bool xbtab__spice_is_finite_row(const double *row, int n)
{
    for (int o = 0; o < n; o++) {
        if (!(fabs(row[o]) <= largest_value)) return false;
    }
    return true;
}

int xbtab__spice_run(xbtab__spice *spice, xbtab__spice_analysis *analysis, const char *command)
{
    analysis->n_columns = analysis->n_plots = analysis->n_done = 0;
    analysis->refused = false;
    analysis->fault_at = INT_MAX;
    spice->fault[0] = '\0';
    spice->analysis = analysis;
    watch(spice, true);
    int code = xbtab__spice_command(spice, command);
    watch(spice, false);
    spice->analysis = NULL;
    xbtab__spice_command(spice, "destroy all");
    return code;
}

/* Solve vectors first .. first + n - 1 in one sweep. Returns how many of them, from the first on, hold; *why
 * is the status of the next one. */
static int run(xbtab__spice *spice, dc_sweep *sweep, int first, int n, xbtab_sample_status *why)
{
    char line[XBTAB__SPICE_COMMAND_SIZE];
    xbtab__spice_analysis *analysis = &sweep->analysis;
    sweep->first = first;
    sweep->n_vectors = n;
    analysis->is_first = first == 0;
    analysis->n_points = n > 1 ? n : 2;
    snprintf(line, sizeof line, "dc " XBTAB__DECK_SWEPT " 0 %d 1", analysis->n_points - 1);
    int code = xbtab__spice_run(spice, analysis, line);
    if (analysis->n_plots != 1 || analysis->refused) {
        *why = XBTAB_SAMPLE_REFUSED;
        xbtab__spice_keep_reason(spice, "ngspice did not start the sweep");
        return 0;
    }
    *why = spice->poisoned ? XBTAB_SAMPLE_REFUSED : XBTAB_SAMPLE_NOT_CONVERGED;
    int held = analysis->n_done < analysis->fault_at ? analysis->n_done : analysis->fault_at;
    if (held >= analysis->n_points && (code != 0 || held > analysis->n_points)) held = 0;
    int good = held == analysis->n_points ? n : held;
    if (n == 1 && held < analysis->n_points) good = 0;
    int n_outputs = analysis->n_outputs;
    for (int v = 0; v < good; v++) {
        if (xbtab__spice_is_finite_row(sweep->out + (size_t)(first + v) * (size_t)n_outputs, n_outputs))
            continue;
        *why = XBTAB_SAMPLE_NOT_FINITE;
        spice->fault[0] = '\0';
        xbtab__spice_keep_reason(spice, xbtab__sample_status_text(*why));
        good = v;
    }
    if (good < n) xbtab__spice_keep_reason(spice, xbtab__sample_status_text(*why));
    return good;
}

static void mark(xbtab__spice *spice, xbtab__spice_result *result, const xbtab__spice_job *job, int first,
                 int n, xbtab_sample_status status)
{
    for (int v = first; v < first + n; v++) {
        result->status[v] = status;
        if (status == XBTAB_SAMPLE_OK) continue;
        double *row = result->out + (size_t)v * (size_t)job->n_outputs;
        for (int o = 0; o < job->n_outputs; o++) row[o] = NAN;
        result->n_failed++;
    }
    if (status != XBTAB_SAMPLE_OK && result->reason[0] == '\0') {
        memcpy(result->reason, spice->fault, sizeof result->reason);
    }
}

/* Once more, alone and with every means ngspice has. */
static bool retry(xbtab__spice *spice, dc_sweep *sweep, int vector)
{
    char first_reason[XBTAB__REASON_SIZE];
    memcpy(first_reason, spice->fault, sizeof first_reason);
    xbtab_sample_status why;
    sweep->analysis.whole_ladder = true;
    xbtab__spice_whole_ladder(spice, true);
    bool ok = run(spice, sweep, vector, 1, &why) == 1;
    xbtab__spice_whole_ladder(spice, false);
    sweep->analysis.whole_ladder = false;
    memcpy(spice->fault, first_reason, sizeof first_reason);
    return ok;
}

static void run_all(xbtab__spice *spice, dc_sweep *sweep, xbtab__spice_result *result)
{
    const xbtab__spice_job *job = sweep->job;
    for (int first = 0; first < job->n_vectors;) {
        xbtab_sample_status why;
        int left = job->afresh ? 1 : job->n_vectors - first;
        int good = run(spice, sweep, first, left, &why);
        mark(spice, result, job, first, good, XBTAB_SAMPLE_OK);
        first += good;
        if (good == left) continue;
        if (why == XBTAB_SAMPLE_REFUSED) {
            mark(spice, result, job, first, job->n_vectors - first, why);
            break;
        }
        if (job->retry && retry(spice, sweep, first)) why = XBTAB_SAMPLE_OK;
        mark(spice, result, job, first++, 1, why);
    }
}

void xbtab__spice_begin(xbtab__spice *spice)
{
    snprintf(spice->title, sizeof spice->title, "xbtab_job_%ld", ++spice->n_jobs);
}

xbtab_status xbtab__spice_sweep(xbtab__spice *spice, const xbtab__spice_job *job, xbtab__spice_result *result)
{
    xbtab_status status = XBTAB_OK;
    xbtab__deck deck = {0};
    dc_sweep sweep = {
        .analysis = {.take = take_vector, .source = source_of_vector}, .job = job, .out = result->out};
    if (spice->poisoned) XBTAB_FAIL(XBTAB_ERR_SPICE, "ngspice gave up in an earlier circuit of this process");
    xbtab__spice_begin(spice);
    XBTAB_TRY_DONE(xbtab__deck_build(&deck, job, spice->title, NULL));
    XBTAB_TRY_DONE(xbtab__spice_analysis_init(&sweep.analysis, job->outputs, job->n_outputs));
    result->n_failed = 0;
    result->reason[0] = '\0';
    if (xbtab__spice_load(spice, &deck)) {
        run_all(spice, &sweep, result);
    } else {
        mark(spice, result, job, 0, job->n_vectors, XBTAB_SAMPLE_REFUSED);
    }
done:
    xbtab__spice_analysis_clear(&sweep.analysis);
    xbtab__deck_clear(&deck);
    return status;
}

/* ---- opening ---- */

static xbtab_status load_library(xbtab__spice_api *api)
{
    static const char name[] = "libngspice.so.0";
    void *library = dlopen(name, RTLD_NOW | RTLD_LOCAL);
    if (!library) XBTAB_FAIL(XBTAB_ERR_UNSUPPORTED, "%s cannot be loaded: %s", name, dlerror());
    const struct {
        const char *symbol;
        void *slot;
    } wants[] = {{"ngSpice_Init", &api->init},
                 {"ngSpice_Init_Sync", &api->init_sync},
                 {"ngSpice_Command", &api->command},
                 {"ngSpice_Circ", &api->circuit},
                 {"ngSpice_SetBkpt", &api->set_breakpoint}};
    for (size_t w = 0; w < sizeof wants / sizeof *wants; w++) {
        void *address = dlsym(library, wants[w].symbol);
        if (!address) XBTAB_FAIL(XBTAB_ERR_UNSUPPORTED, "%s has no %s", name, wants[w].symbol);
        memcpy(wants[w].slot, &address, sizeof address);
    }
    return XBTAB_OK;
}

/* An empty .spiceinit in the working folder keeps ngspice from reading the user's. */
static xbtab_status enter_folder(const char *folder)
{
    if (chdir(folder) != 0) XBTAB_FAIL(XBTAB_ERR_IO, "%s: cannot enter: %s", folder, strerror(errno));
    int file = open(".spiceinit", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (file < 0) XBTAB_FAIL(XBTAB_ERR_IO, "%s: cannot write: %s", folder, strerror(errno));
    close(file);
    return XBTAB_OK;
}

/* Start ngspice without its start-up files: there are none where these say. The user's and the system's could
 * hold any command, and results must not depend on them. */
static int initialize(xbtab__spice *spice, const char *folder)
{
    static const char *const names[] = {"SPICE_SCRIPTS", "SPICE_LIB_DIR"};
    enum { N = sizeof names / sizeof *names };
    char *before[N];
    for (int k = 0; k < N; k++) {
        const char *value = getenv(names[k]);
        before[k] = value ? xbtab__strdup(value) : NULL;
        setenv(names[k], folder, 1);
    }
    int code = spice->api.init(on_line, NULL, on_exit_request, on_point, on_plot, NULL, spice);
    for (int k = 0; k < N; k++) {
        if (before[k]) {
            setenv(names[k], before[k], 1);
        } else {
            unsetenv(names[k]);
        }
        xbtab__free(before[k]);
    }
    return code;
}

/* What the system's start-up file would load besides: sources with POLY need it. It stands beside the
 * library, and is not installed with it. */
static void load_poly(xbtab__spice *spice)
{
    static const char name[] = "ngspice/spice2poly.cm";
    Dl_info library;
    char path[XBTAB__SPICE_COMMAND_SIZE / 2], line[XBTAB__SPICE_COMMAND_SIZE];
    void *address;
    memcpy(&address, &spice->api.init, sizeof address);
    const char *slash = dladdr(address, &library) ? strrchr(library.dli_fname, '/') : NULL;
    if (!slash) return;
    int n = snprintf(path, sizeof path, "%.*s/%s", (int)(slash - library.dli_fname), library.dli_fname, name);
    if (n >= (int)sizeof path || strpbrk(path, " \t'\"`$;") || access(path, R_OK) != 0) return;
    snprintf(line, sizeof line, "codemodel %s", path);
    xbtab__spice_command(spice, line);
    spice->fault[0] = '\0';
    spice->reason_goes_on = false;
}

xbtab_status xbtab__spice_open(xbtab__spice **out, const char *base_folder)
{
    xbtab_status status = XBTAB_OK;
    xbtab_scratch *folder = NULL;
    xbtab__spice *spice = xbtab__alloc(1, sizeof *spice);
    if (!spice) {
        status = XBTAB_NOMEM();
        goto done;
    }
    XBTAB_TRY_DONE(load_library(&spice->api));
    XBTAB_TRY_DONE(xbtab_scratch_create(&folder, base_folder, "spice"));
    XBTAB_TRY_DONE(enter_folder(xbtab_scratch_path(folder)));
    setlocale(LC_ALL, "C");
    int code = initialize(spice, xbtab_scratch_path(folder));
    xbtab_scratch_destroy(&folder);
    if (code != 0 || spice->poisoned) {
        XBTAB_FAIL_DONE(XBTAB_ERR_SPICE, "ngspice does not start (code %d): %s", code, spice->fault);
    }
    spice->api.init_sync(on_source, on_source, NULL, NULL, spice);
    load_poly(spice);
    spice->version[0] = '\0';
    xbtab__spice_command(spice, "version");
    *out = spice;
    spice = NULL;
done:
    xbtab__free(spice);
    xbtab_scratch_destroy(&folder);
    return status;
}

void xbtab__spice_close(xbtab__spice **spice)
{
    if (!spice) return;
    xbtab__free(*spice);
    *spice = NULL;
}

const char *xbtab__spice_version(const xbtab__spice *spice)
{
    return spice->version;
}

bool xbtab__spice_is_poisoned(const xbtab__spice *spice)
{
    return spice->poisoned;
}
