/* spice.c - the only file that knows libngspice.
 *
 * All vectors of a circuit are the points of one dc sweep of a source that is connected to nothing; the
 * inputs are "external" sources, whose values ngspice fetches for each point. The matrix is then ordered
 * once, and each point starts from the one before: five to ten times as fast as changing sources and asking
 * for operating points. */
#include "spice.h"

#include <ctype.h>
#include <dlfcn.h>
#include <errno.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include <ngspice/sharedspice.h>

#include "memory.h"
#include "text.h"

/* gmin is far below a cell's conductance; with these tolerances a point of a warm sweep is good to about
 * 1e-9. klu is ignored by libraries without it, and makes later ones several times faster. */
static const char options_line[] = ".options klu reltol=1e-9 vntol=1e-12 abstol=1e-15 gmin=1e-15";

/* No transient ladder: where plain Newton, gmin stepping and source stepping fail, the default would spend
 * tens of seconds more on one bad vector. */
static const char ladder_command[] = "optran 1 1 1 0 0 0";

enum { OUTPUTS_A_LINE = 32 };

struct xbtab__spice {
    int (*init)(SendChar *, SendStat *, ControlledExit *, SendData *, SendInitData *, BGThreadRunning *,
                void *);
    int (*init_sync)(GetVSRCData *, GetISRCData *, GetSyncData *, int *, void *);
    int (*command)(char *);
    int (*circ)(char **);
    bool poisoned, has_loaded;
    unsigned serial;
    char title[32];
    char version[32];
    char complaint[256];
    /* the sweep under way */
    const xbtab__spice_job *job;
    double *out;
    int *place;       /* place[n_outputs]: index of each output among ngspice's vectors; -1 = not found */
    bool is_mapped;   /* place is valid for this sweep */
    int n_plots;      /* plots begun by this sweep */
    bool title_fits;  /* the last plot's title is ours */
    int first, point; /* vector of the sweep's first point; points that arrived */
    bool is_lost;     /* an output has no vector */
    int bad_point;    /* first point that ngspice complained about; -1 = none */
};

static bool contains(const char *text, const char *word)
{
    return strcasestr(text, word) != NULL;
}

/* Words that stand in the lines of every failure met; ngspice writes them to "stderr" and mostly returns 0.
 */
static bool is_complaint(const char *line)
{
    static const char *const words[] = {"error",     "can't find", "unknown",      "not parsed",
                                        "singular",  "aborted",    "out of range", "resistance to low",
                                        "undefined", "no such",    "too few",      "too many",
                                        "unable",    "failed",     "illegal",      "expected",
                                        NULL};
    for (int k = 0; words[k]; k++) {
        if (contains(line, words[k])) return true;
    }
    return false;
}

static int on_text(char *line, int id, void *user)
{
    (void)id;
    xbtab__spice *spice = user;
    const char *version = strstr(line, "ngspice-");
    if (version && !spice->version[0]) {
        version += strlen("ngspice-");
        snprintf(spice->version, sizeof spice->version, "%.*s", (int)strcspn(version, " :\t\n"), version);
    }
    if (strncmp(line, "stderr ", 7) != 0 || !is_complaint(line + 7)) return 0;
    if (!spice->complaint[0]) snprintf(spice->complaint, sizeof spice->complaint, "%s", line + 7);
    if (spice->bad_point < 0) spice->bad_point = spice->point;
    return 0;
}

static int on_exit_request(int code, NG_BOOL immediate, NG_BOOL is_quit, int id, void *user)
{
    (void)code, (void)immediate, (void)is_quit, (void)id;
    ((xbtab__spice *)user)->poisoned = true;
    return 0;
}

static int on_plot(pvecinfoall info, int id, void *user)
{
    (void)id;
    xbtab__spice *spice = user;
    spice->n_plots++;
    spice->title_fits = info->title && strcasecmp(info->title, spice->title) == 0;
    return 0;
}

/* "v(o3)" comes back as "o3" or "V(o3)", "i(vs3)" as "vs3#branch" or "i(vs3)". */
static bool is_named(const char *vector, const char *output)
{
    size_t n = strlen(output) - 3; /* without "v(" and ")" */
    if (strcasecmp(vector, output) == 0) return true;
    if (strncasecmp(vector, output + 2, n) != 0) return false;
    return strcasecmp(vector + n, tolower((unsigned char)output[0]) == 'i' ? "#branch" : "") == 0;
}

static void map_outputs(xbtab__spice *spice, const vecvaluesall *all)
{
    spice->is_mapped = true;
    for (int k = 0; k < spice->job->n_outputs; k++) {
        spice->place[k] = -1;
        for (int v = 0; v < all->veccount && spice->place[k] < 0; v++) {
            if (is_named(all->vecsa[v]->name, spice->job->outputs[k])) spice->place[k] = v;
        }
        if (spice->place[k] < 0) spice->is_lost = true;
    }
}

static int vector_of_point(const xbtab__spice *spice)
{
    int v = spice->first + spice->point;
    return v < spice->job->n_vectors ? v : spice->job->n_vectors - 1;
}

static int on_point(pvecvaluesall all, int n, int id, void *user)
{
    (void)n, (void)id;
    xbtab__spice *spice = user;
    if (!spice->job) return 0;
    if (!spice->is_mapped) map_outputs(spice, all);
    double *row = spice->out + (size_t)vector_of_point(spice) * (size_t)spice->job->n_outputs;
    for (int k = 0; k < spice->job->n_outputs; k++) {
        row[k] = spice->place[k] < 0 ? NAN : all->vecsa[spice->place[k]]->creal;
    }
    spice->point++;
    return 0;
}

static int on_source(double *value, double time, char *name, int id, void *user)
{
    (void)time, (void)id;
    xbtab__spice *spice = user;
    long k = strlen(name) > 2 ? strtol(name + 2, NULL, 10) : -1;
    *value = 0.0;
    if (spice->job && k >= 0 && k < spice->job->n_sources) {
        *value =
            spice->job->values[(size_t)vector_of_point(spice) * (size_t)spice->job->n_sources + (size_t)k];
    }
    return 0;
}

static int command(xbtab__spice *spice, const char *text)
{
    char buffer[256];
    if (!text) return spice->command(NULL); /* forgets the command history */
    snprintf(buffer, sizeof buffer, "%s", text);
    return spice->command(buffer);
}

/* ngspice reads .spiceinit from its working folder, or else the user's own from home. An empty one masks
 * that. The folder goes at once: a process may stay in a folder that has no name any more. */
static xbtab_status enter_private_folder(char *folder)
{
    if (!mkdtemp(folder)) XBTAB_FAIL(XBTAB_ERR_IO, "%s: cannot make a folder: %s", folder, strerror(errno));
    if (chdir(folder) != 0) {
        rmdir(folder);
        XBTAB_FAIL(XBTAB_ERR_IO, "%s: cannot enter: %s", folder, strerror(errno));
    }
    FILE *file = fopen(".spiceinit", "w");
    if (!file || fclose(file) != 0)
        XBTAB_FAIL(XBTAB_ERR_IO, "%s/.spiceinit: cannot write: %s", folder, strerror(errno));
    return XBTAB_OK;
}

static void leave_private_folder(const char *folder)
{
    unlink(".spiceinit");
    rmdir(folder);
}

static xbtab_status resolve(xbtab__spice *spice, void *library)
{
    const struct {
        const char *name;
        void *function;
    } wanted[] = {{"ngSpice_Init", &spice->init},
                  {"ngSpice_Init_Sync", &spice->init_sync},
                  {"ngSpice_Command", &spice->command},
                  {"ngSpice_Circ", &spice->circ}};
    for (size_t k = 0; k < sizeof wanted / sizeof wanted[0]; k++) {
        void *symbol = dlsym(library, wanted[k].name);
        if (!symbol) XBTAB_FAIL(XBTAB_ERR_SPICE, "libngspice has no %s", wanted[k].name);
        memcpy(wanted[k].function, &symbol, sizeof symbol);
    }
    return XBTAB_OK;
}

xbtab_status xbtab__spice_open(xbtab__spice **out)
{
    xbtab_status status;
    char folder[] = P_tmpdir "/xbartab-XXXXXX";
    xbtab__spice *spice = xbtab__alloc(1, sizeof *spice);
    if (!spice) return XBTAB_NOMEM();
    setlocale(LC_ALL, "C"); /* ngspice reads numbers by the locale */
    XBTAB_TRY_DONE(enter_private_folder(folder));
    void *library = dlopen("libngspice.so.0", RTLD_NOW | RTLD_LOCAL);
    if (!library) {
        status = xbtab__error_set(XBTAB_ERR_SPICE, "cannot load libngspice (Debian package libngspice0): %s",
                                  dlerror());
    } else {
        status = resolve(spice, library);
    }
    if (status == XBTAB_OK) {
        spice->init(on_text, NULL, on_exit_request, on_point, on_plot, NULL, spice);
        spice->init_sync(on_source, on_source, NULL, NULL, spice);
        command(spice, "version");
        if (!spice->version[0]) status = xbtab__error_set(XBTAB_ERR_SPICE, "libngspice does not start");
    }
    leave_private_folder(folder);
    if (status < 0) goto done;
    *out = spice;
    spice = NULL;
done:
    xbtab__free(spice);
    return status;
}

void xbtab__spice_close(xbtab__spice **spice)
{
    if (!spice) return;
    xbtab__free(*spice);
    *spice = NULL;
}

/* The circuit as ngspice wants it: an array of lines, ended by NULL, in one block of text. */
static xbtab_status load(xbtab__spice *spice, const xbtab__spice_job *job)
{
    xbtab_status status = XBTAB_OK;
    xbtab__text text = {0};
    char **lines = NULL;
    size_t n = 0, k = 0;
    snprintf(spice->title, sizeof spice->title, "xbartab-%u", ++spice->serial);
    xbtab__text_add(&text, "%s\n%s\n", spice->title, options_line);
    for (size_t l = 0; l < job->n_lines; l++) xbtab__text_add(&text, "%s\n", job->lines[l]);
    xbtab__text_add(&text, "Vxbsweep xbsweep 0 dc 0\nRxbsweep xbsweep 0 1k\n");
    for (int o = 0; o < job->n_outputs; o++) {
        if (o % OUTPUTS_A_LINE == 0) xbtab__text_add(&text, "%s.save", o ? "\n" : "");
        xbtab__text_add(&text, " %s", job->outputs[o]);
    }
    xbtab__text_add(&text, "\n.end\n");
    XBTAB_TRY_DONE(xbtab__text_status(&text));
    for (const char *c = text.s; *c; c++) n += *c == '\n';
    lines = xbtab__alloc(n + 1, sizeof *lines);
    if (!lines) {
        status = XBTAB_NOMEM();
        goto done;
    }
    for (char *line = text.s; k < n; line += strlen(line) + 1) {
        *strchr(line, '\n') = '\0';
        lines[k++] = line;
    }
    command(spice, "destroy all");
    if (spice->has_loaded) command(spice, "remcirc");
    command(spice, NULL);
    spice->complaint[0] = '\0';
    spice->has_loaded = true;
    if (spice->circ(lines) != 0 && !spice->complaint[0]) {
        snprintf(spice->complaint, sizeof spice->complaint, "the netlist cannot be loaded");
    }
    if (!spice->poisoned && !spice->complaint[0]) command(spice, ladder_command);
done:
    xbtab__free(lines);
    xbtab__text_clear(&text);
    return status;
}

/* Sweep the vectors from `first` on; returns how many arrived, and were believed, before the first bad one.
 */
static int sweep_from(xbtab__spice *spice, int first)
{
    char text[64];
    int wanted = spice->job->n_vectors - first;
    spice->first = first;
    spice->point = spice->n_plots = 0;
    spice->bad_point = -1;
    spice->is_mapped = spice->title_fits = spice->is_lost = false;
    snprintf(text, sizeof text, "dc vxbsweep 0 %d 1",
             wanted > 1 ? wanted - 1 : 1); /* a sweep has two points at least */
    command(spice, text);
    command(spice, "destroy all");
    command(spice, NULL);
    int arrived = spice->point < wanted ? spice->point : wanted;
    if (spice->poisoned || spice->n_plots != 1 || !spice->title_fits || spice->is_lost) return 0;
    if (spice->bad_point >= 0 && spice->bad_point < arrived) arrived = spice->bad_point;
    return arrived;
}

xbtab_status xbtab__spice_sweep(xbtab__spice *spice, const xbtab__spice_job *job, double *out,
                                xbtab_sample_status *status)
{
    size_t n_values = (size_t)job->n_vectors * (size_t)job->n_outputs;
    for (size_t k = 0; k < n_values; k++) out[k] = NAN;
    for (int v = 0; v < job->n_vectors; v++) status[v] = XBTAB_SAMPLE_REFUSED;
    spice->place = xbtab__alloc((size_t)job->n_outputs, sizeof *spice->place);
    if (!spice->place) return XBTAB_NOMEM();
    spice->job = job;
    spice->out = out;
    spice->point = 0;
    spice->bad_point = -1;
    xbtab_status loaded = load(spice, job);
    bool is_accepted = loaded == XBTAB_OK && !spice->poisoned && !spice->complaint[0];
    for (int v = 0; is_accepted && v < job->n_vectors && !spice->poisoned;) {
        int arrived = sweep_from(spice, v);
        for (int k = 0; k < arrived; k++) status[v + k] = XBTAB_SAMPLE_OK;
        v += arrived;
        if (v < job->n_vectors) status[v++] = XBTAB_SAMPLE_NOT_CONVERGED;
    }
    for (int v = 0; v < job->n_vectors; v++) {
        double *row = out + (size_t)v * (size_t)job->n_outputs;
        for (int k = 0; k < job->n_outputs && status[v] == XBTAB_SAMPLE_OK; k++) {
            if (!isfinite(row[k])) status[v] = XBTAB_SAMPLE_NOT_FINITE;
        }
        for (int k = 0; k < job->n_outputs && status[v] != XBTAB_SAMPLE_OK; k++) row[k] = NAN;
    }
    spice->job = NULL;
    spice->out = NULL;
    xbtab__free(spice->place);
    spice->place = NULL;
    return loaded;
}

const char *xbtab__spice_complaint(const xbtab__spice *spice)
{
    return spice->complaint;
}

bool xbtab__spice_is_poisoned(const xbtab__spice *spice)
{
    return spice->poisoned;
}

const char *xbtab__spice_version(const xbtab__spice *spice)
{
    return spice->version;
}
