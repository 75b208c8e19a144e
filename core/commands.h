/* commands.h - every subcommand, one line each; cmd_NAME lives beside the data it handles. */
COMMAND(plot, "draw regret, speed and pulls")
