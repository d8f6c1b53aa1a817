/* cmd_init.c - init tile|device|architecture|calibration NAME.yaml: a commented start. */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <xbartab/output.h>

#include "cli.h"

enum { LONGEST_NAME = 64, PLACE = sizeof "NAME" - 1 };

static const char *const kinds[] = {"tile", "device", "architecture", "calibration"};

static bool is_kind(const char *word)
{
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++)
        if (strcmp(kinds[k], word) == 0) return true;
    return false;
}

/* The file's name without its folder and .yaml: a word that specifications and subcircuits can have as theirs. */
static int name_of(char name[LONGEST_NAME + 1], const char *path)
{
    const char *slash = strrchr(path, '/'), *base = slash ? slash + 1 : path;
    size_t n = strlen(base);
    if (n <= 5 || strcmp(base + n - 5, ".yaml") != 0)
        return cli_fail("%s: a file called NAME.yaml is written", path);
    n -= 5;
    for (size_t k = 0; k < n; k++) {
        bool fits = (base[k] >= 'a' && base[k] <= 'z') || (k > 0 && base[k] == '_') ||
                    (k > 0 && isdigit((unsigned char)base[k]));
        if (!fits || n > LONGEST_NAME)
            return cli_fail("%s: a name has up to %d small letters, digits and underscores, a letter first",
                            path, LONGEST_NAME);
    }
    memcpy(name, base, n);
    name[n] = '\0';
    return CLI_DONE;
}

static char *read_template(const char *kind, const char *ending)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/templates/%s%s", xbtab_data_folder(), kind, ending);
    FILE *file = fopen(path, "rb");
    struct stat s;
    char *text = file && fstat(fileno(file), &s) == 0 ? calloc(1, (size_t)s.st_size + 1) : NULL;
    if (text && fread(text, 1, (size_t)s.st_size, file) != (size_t)s.st_size) {
        free(text);
        text = NULL;
    }
    if (!text) cli_fail("%s: %s", path, strerror(errno));
    if (file) fclose(file);
    return text;
}

/* The template with the name in each place for it, at path; NULL = stdout. */
static int write_one(const char *kind, const char *ending, const char *name, const char *path)
{
    char *text = read_template(kind, ending), *out = NULL;
    size_t size = 0;
    if (!text) return CLI_FAILED;
    FILE *to = open_memstream(&out, &size);
    const char *from = text;
    for (const char *at = strstr(from, "NAME"); to && at; from = at + PLACE, at = strstr(from, "NAME"))
        fprintf(to, "%.*s%s", (int)(at - from), from, name);
    if (to) fputs(from, to);
    bool whole = to && fclose(to) == 0;
    int code = whole ? CLI_DONE : cli_fail("out of memory");
    if (whole && path) code = cli_write_text(path, out);
    if (whole && !path) fputs(out, stdout);
    free(out);
    free(text);
    return code;
}

static int refuse_what_is_there(const char *path)
{
    struct stat s;
    if (lstat(path, &s) < 0) return CLI_DONE;
    return cli_fail("%s: %s already", path,
                    S_ISDIR(s.st_mode) ? "it is a directory" : "there is such a file");
}

static int write_start(const char *kind, const char *path)
{
    char name[LONGEST_NAME + 1], circuit[4096];
    bool is_device = strcmp(kind, "device") == 0;
    if (strcmp(path, "-") == 0) {
        return is_device ? cli_usage("init", "a device is two files: give the name of one, NAME.yaml")
                         : write_one(kind, ".yaml", "mine", NULL);
    }
    int code = name_of(name, path);
    if (code != CLI_DONE) return code;
    if ((size_t)snprintf(circuit, sizeof circuit, "%.*s.sub", (int)(strlen(path) - 5), path) >=
        sizeof circuit)
        return cli_fail("%s: the path is too long", path);
    code = refuse_what_is_there(path);
    if (code == CLI_DONE && is_device) code = refuse_what_is_there(circuit);
    if (code == CLI_DONE && is_device) code = write_one(kind, ".sub", name, circuit);
    if (code != CLI_DONE) return code;
    code = write_one(kind, ".yaml", name, path);
    if (code != CLI_DONE && is_device) unlink(circuit);
    if (code == CLI_DONE) cli_tell("%s%s%s", path, is_device ? " and " : "", is_device ? circuit : "");
    return code;
}

int cmd_init(int argc, const char **argv)
{
    const char *arguments[3];
    const struct poptOption options[] = {POPT_TABLEEND};
    poptContext context = NULL;
    int code = cli_parse(&context, argc, argv, options, "tile|device|architecture|calibration NAME.yaml|-",
                         "xbartab init tile my_tile.yaml", 2, 2, arguments);
    if (code == CLI_DONE)
        code = is_kind(arguments[0])
                   ? write_start(arguments[0], arguments[1])
                   : cli_usage("init", "\"%s\" is none of tile, device, architecture, calibration",
                               arguments[0]);
    cli_finish(context, options);
    return code;
}
