#include "cli.h"
int cmd_sweep(int argc, const char **argv)
{
    (void)argc;
    return cli_usage(argv[0], "soon");
}
