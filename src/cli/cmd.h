/* cmd.h - the verbs. Each gets its own name as argv[0] and returns an exit code (opt.h). */
#ifndef XBARTAB_CLI_CMD_H
#define XBARTAB_CLI_CMD_H

int cmd_bench(int argc, const char **argv);

#endif
