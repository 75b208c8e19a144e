/* cmd.h - what a subcommand looks like. Each cmd_*.c sits beside the data it handles;
 * main.c holds the table. argv[0] is the subcommand's own name. */
#ifndef CORE_CMD_H
#define CORE_CMD_H

#include "core/err.h"

typedef int command(int argc, char **argv, struct err *err);

#endif
