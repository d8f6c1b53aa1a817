/* pages.c - man pages (roff with the macros of man(7)). */
#include <ctype.h>
#include <string.h>

#include <xbartab/version.h>

#include "manual.h"

/* What roff would take for its own, or turn into typographic characters that cannot be copied. */
static const manual_escape roff[] = {{'\\', "\\e"},  {'-', "\\-"},   {'\'', "\\(aq"},
                                     {'`', "\\(ga"}, {'~', "\\(ti"}, {'^', "\\(ha"},
                                     {'"', "\\(dq"}, {'\n', " "},    {0, NULL}};

/* A text begins no request: none of its lines starts with a dot, because escapes are one line. */
static void put(FILE *out, const char *text)
{
    if (*text == '.') fputs("\\&", out);
    manual_print(out, text, roff);
}

static void heading(FILE *out, const char *name, const char *summary)
{
    fputs(".TH ", out);
    for (const char *c = name; *c; c++) fputc(toupper((unsigned char)*c), out);
    fprintf(out, " 1 \"\" \"xbartab %s\" \"User Commands\"\n.SH NAME\n", XBTAB_VERSION);
    put(out, name);
    fputs(" \\- ", out);
    put(out, summary);
    fputc('\n', out);
}

static void exit_status(FILE *out)
{
    fputs(".SH EXIT STATUS\n", out);
    put(out, cli_exit_text);
    fputc('\n', out);
}

static void example(FILE *out, const char *command)
{
    fputs(".SH EXAMPLE\n.nf\n", out);
    put(out, command);
    fputs("\n.fi\n", out);
}

void manual_program_page(FILE *out)
{
    heading(out, "xbartab", "RRAM crossbars in SPICE, and quantized networks on their tables");
    fputs(".SH SYNOPSIS\n.B xbartab\n.I VERB\n[\\fIOPTION\\fR...] [\\fIARGUMENT\\fR...]\n.br\n"
          ".B xbartab\n\\fB\\-\\-help\\fR | \\fB\\-\\-version\\fR\n.SH DESCRIPTION\n",
          out);
    put(out, cli_about);
    fputs("\n.SH VERBS\n", out);
    for (size_t k = 0; k < cli_n_verbs; k++) {
        fprintf(out, ".TP\n.BR xbartab\\-%s (1)\n", cli_verbs[k].name);
        put(out, cli_verbs[k].help);
        fputc('\n', out);
    }
    exit_status(out);
    example(out, cli_first_example);
}

static void option(FILE *out, const struct poptOption *o)
{
    fputs(".TP\n", out);
    if (o->shortName) fprintf(out, "\\fB\\-%c\\fR, ", o->shortName);
    fputs("\\fB\\-\\-", out);
    put(out, o->longName);
    fputs("\\fR", out);
    if (o->argDescrip) {
        fputs("=\\fI", out);
        put(out, o->argDescrip);
        fputs("\\fR", out);
    }
    fputc('\n', out);
    put(out, o->descrip);
    fputc('\n', out);
}

void manual_verb_page(FILE *out, const cli_verb *verb, const cli_description *d)
{
    char name[128];
    snprintf(name, sizeof name, "xbartab-%s", verb->name);
    heading(out, name, verb->help);
    fprintf(out, ".SH SYNOPSIS\n.B xbartab %s\n[\\fIOPTION\\fR...]\n", verb->name);
    if (*d->usage) {
        put(out, d->usage);
        fputc('\n', out);
    }
    fputs(".SH OPTIONS\n", out);
    for (const struct poptOption *o = d->options; o->longName; o++) option(out, o);
    exit_status(out);
    example(out, d->example);
    fputs(".SH SEE ALSO\n.BR xbartab (1)\n", out);
}
