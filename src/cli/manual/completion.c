/* completion.c - completions of bash, zsh and fish. Behind options that take numbers or words nothing is offered, behind
 * DIR folders, behind the others files, which is also what stands in arguments. */

#include "manual.h"

static void print_words(FILE *out, const char *usage)
{
    const char *word;
    for (size_t n = manual_next_word(&word, &usage); n; n = manual_next_word(&word, &usage))
        fprintf(out, "%.*s ", (int)n, word);
}

/* ---- bash ---- */

static void bash_begin(FILE *out)
{
    fputs("# bash completion of xbartab; made of the program's own tables of options\n"
          "_xbartab()\n{\n"
          "    local cur=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]}\n"
          "    local verb=${COMP_WORDS[1]} options= words= folders= files= others=\n"
          "    COMPREPLY=()\n"
          "    if [ \"$COMP_CWORD\" -eq 1 ]; then\n"
          "        COMPREPLY=($(compgen -W \"",
          out);
    for (size_t k = 0; k < cli_n_verbs; k++) fprintf(out, "%s ", cli_verbs[k].name);
    fputs("--help --version\" -- \"$cur\"))\n        return\n    fi\n"
          "    # readline hands --option=value over as three words\n"
          "    if [ \"$cur\" = = ]; then\n        cur=\n"
          "    elif [ \"$before\" = = ]; then\n        before=${COMP_WORDS[COMP_CWORD-2]}\n    fi\n"
          "    case $verb in\n",
          out);
}

static void bash_options(FILE *out, const char *name, const cli_description *d, unsigned values)
{
    fprintf(out, "        %s=\"", name);
    for (const struct poptOption *o = d->options; o->longName; o++) {
        if (!(1u << manual_value_of(o) & values)) continue;
        fprintf(out, "--%s ", o->longName);
        if (o->shortName) fprintf(out, "-%c ", o->shortName);
    }
    fputs("\"\n", out);
}

static void bash_verb(FILE *out, const cli_verb *verb, const cli_description *d)
{
    fprintf(out, "    %s)\n        words=\"", verb->name);
    print_words(out, d->usage);
    fputs("\"\n", out);
    bash_options(out, "options", d, ~0u);
    bash_options(out, "folders", d, 1u << MANUAL_FOLDER);
    bash_options(out, "files", d, 1u << MANUAL_FILE);
    bash_options(out, "others", d, 1u << MANUAL_WORD);
    fputs("        ;;\n", out);
}

static void bash_end(FILE *out)
{
    fputs("    esac\n"
          "    case \" $others \" in *\" $before \"*) return ;; esac\n"
          "    case \" $folders \" in *\" $before \"*)\n"
          "        compopt -o filenames\n"
          "        mapfile -t COMPREPLY < <(compgen -d -- \"$cur\")\n        return ;;\n    esac\n"
          "    case \" $files \" in *\" $before \"*) words= ;;\n"
          "    *)\n        case $cur in -*)\n"
          "            COMPREPLY=($(compgen -W \"$options\" -- \"$cur\"))\n            return ;;\n        "
          "esac ;;\n"
          "    esac\n"
          "    if [ \"$COMP_CWORD\" -eq 2 ] && [ -n \"$words\" ]; then\n"
          "        COMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n        return\n    fi\n"
          "    compopt -o filenames\n"
          "    mapfile -t COMPREPLY < <(compgen -f -- \"$cur\")\n"
          "}\n"
          "complete -F _xbartab xbartab\n",
          out);
}

const manual_shell manual_bash = {"xbartab.bash", bash_begin, bash_verb, bash_end};

/* ---- zsh ---- */

/* Inside '...[ ]' and '...: :' */
static const manual_escape zsh[] = {{'\'', "'\\''"}, {'[', "\\["}, {']', "\\]"}, {':', "\\:"},
                                    {'\\', "\\\\"},  {'\n', " "},  {0, NULL}};

static void zsh_begin(FILE *out)
{
    fputs("#compdef xbartab\n# zsh completion of xbartab; made of the program's own tables of options\n"
          "local -a verbs\nverbs=(\n",
          out);
    for (size_t k = 0; k < cli_n_verbs; k++) {
        fprintf(out, "    '%s:", cli_verbs[k].name);
        manual_print(out, cli_verbs[k].help, zsh);
        fputs("'\n", out);
    }
    fputs(")\n"
          "if (( CURRENT == 2 )); then\n"
          "    _describe verb verbs\n    _arguments '--help[Show the verbs]' '--version[Show the version]'\n "
          "   return\nfi\n"
          "shift words\n(( CURRENT-- ))\n"
          "case $words[1] in\n",
          out);
}

static void zsh_option(FILE *out, const struct poptOption *o)
{
    manual_value value = manual_value_of(o);
    const char *equals = value == MANUAL_NONE ? "" : "=";
    fputs("        ", out);
    if (o->shortName) {
        fprintf(out, "'(-%c --%s)'{-%c%s,--%s%s}'[", o->shortName, o->longName, o->shortName,
                value == MANUAL_NONE ? "" : "+", o->longName, equals);
    } else {
        fprintf(out, "'%s--%s%s[", (o->argInfo & POPT_ARG_MASK) == POPT_ARG_ARGV ? "*" : "", o->longName,
                equals);
    }
    manual_print(out, o->descrip, zsh);
    fputc(']', out);
    if (value != MANUAL_NONE) {
        fputc(':', out);
        manual_print(out, o->argDescrip, zsh);
        fputs(value == MANUAL_FILE ? ":_files" : value == MANUAL_FOLDER ? ":_files -/" : ": ", out);
    }
    fputs("' \\\n", out);
}

static void zsh_verb(FILE *out, const cli_verb *verb, const cli_description *d)
{
    const char *word, *at = d->usage;
    fprintf(out, "%s)\n    _arguments -S \\\n", verb->name);
    for (const struct poptOption *o = d->options; o->longName; o++) zsh_option(out, o);
    if (manual_next_word(&word, &at)) {
        fputs("        '1:what:(", out);
        print_words(out, d->usage);
        fputs(")' \\\n", out);
    }
    fputs("        '*:file:_files'\n    ;;\n", out);
}

static void zsh_end(FILE *out)
{
    fputs("esac\n", out);
}

const manual_shell manual_zsh = {"_xbartab", zsh_begin, zsh_verb, zsh_end};

/* ---- fish ---- */

static const manual_escape fish[] = {{'\'', "\\'"}, {'\\', "\\\\"}, {'\n', " "}, {0, NULL}};

static void fish_text(FILE *out, const char *text)
{
    fputs(" -d '", out);
    manual_print(out, text, fish);
    fputs("'\n", out);
}

static void fish_begin(FILE *out)
{
    fputs("# fish completion of xbartab; made of the program's own tables of options\n"
          "function __xbartab_verb\n    set -l words (commandline -opc)\n"
          "    test (count $words) -gt 1; and test $words[2] = $argv[1]\nend\n"
          "function __xbartab_first\n    set -l words (commandline -opc)\n"
          "    test (count $words) -eq 2; and test $words[2] = $argv[1]\nend\n"
          "complete -c xbartab -n __fish_use_subcommand -f -l help -d 'Show the verbs'\n"
          "complete -c xbartab -n __fish_use_subcommand -f -l version -d 'Show the version'\n",
          out);
    for (size_t k = 0; k < cli_n_verbs; k++) {
        fprintf(out, "complete -c xbartab -n __fish_use_subcommand -f -a %s", cli_verbs[k].name);
        fish_text(out, cli_verbs[k].help);
    }
}

static void fish_verb(FILE *out, const cli_verb *verb, const cli_description *d)
{
    static const char *const how[] = {[MANUAL_NONE] = "",
                                      [MANUAL_WORD] = " -x",
                                      [MANUAL_FOLDER] = " -x -a '(__fish_complete_directories)'",
                                      [MANUAL_FILE] = " -r -F"};
    const char *word, *at = d->usage;
    if (manual_next_word(&word, &at)) {
        fprintf(out, "complete -c xbartab -n '__xbartab_first %s' -f -a '", verb->name);
        print_words(out, d->usage);
        fputs("'\n", out);
    }
    for (const struct poptOption *o = d->options; o->longName; o++) {
        fprintf(out, "complete -c xbartab -n '__xbartab_verb %s'", verb->name);
        if (o->shortName) fprintf(out, " -s %c", o->shortName);
        fprintf(out, " -l %s%s", o->longName, how[manual_value_of(o)]);
        fish_text(out, o->descrip);
    }
}

static void fish_end(FILE *out)
{
    (void)out;
}

const manual_shell manual_fish = {"xbartab.fish", fish_begin, fish_verb, fish_end};
