/* help.c - a verb's options as its users read them. */
#include "help.h"

#include <stdio.h>

#include "numbers.h"

enum { MOST_OPTIONS = 128, LONGEST = 320 };

static struct {
    cli_describe_fn take;
    void *payload;
} listener;

/* The table with each number's range behind its words, and --help. */
static void show_rows(struct poptOption shown[MOST_OPTIONS + 2], const struct poptOption *options)
{
    static char text[MOST_OPTIONS][LONGEST];
    int n = 0;
    for (; n < MOST_OPTIONS && options[n].longName; n++) {
        char range[96];
        snprintf(text[n], LONGEST, "%s%s", options[n].descrip,
                 cli_number_range(range, sizeof range, &options[n]));
        shown[n] = options[n];
        shown[n].descrip = text[n];
    }
    shown[n++] = (struct poptOption){"help", 'h', POPT_ARG_NONE, NULL, 0, "Show this help", NULL};
    shown[n] = (struct poptOption)POPT_TABLEEND;
}

void cli_describe_to(cli_describe_fn take, void *payload)
{
    listener.take = take;
    listener.payload = payload;
}

int cli_is_described(const char *verb, const struct poptOption *options, const char *usage,
                     const char *example)
{
    struct poptOption shown[MOST_OPTIONS + 2];
    if (!listener.take) return 0;
    show_rows(shown, options);
    listener.take(&(cli_description){verb, usage, example, shown}, listener.payload);
    return 1;
}

void cli_print_help(const char *title, const struct poptOption *options, const char *usage,
                    const char *example)
{
    struct poptOption shown[MOST_OPTIONS + 2];
    const char *argv[] = {title, NULL};
    const struct poptOption all[] = {{NULL, '\0', POPT_ARG_INCLUDE_TABLE, shown, 0, "Options:", NULL},
                                     POPT_TABLEEND};
    show_rows(shown, options);
    poptContext context = poptGetContext(title, 1, argv, all, 0);
    poptSetOtherOptionHelp(context, usage);
    poptPrintHelp(context, stdout, 0);
    printf("\nExample:\n  %s\n", example);
    poptFreeContext(context);
}
