/* commands.h - every subcommand, one line each; cmd_NAME lives beside the data it handles. */
COMMAND(policies, "list policies, their parameters and sources")
