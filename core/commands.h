/* commands.h - every subcommand, one line each; cmd_NAME lives beside the data it handles. */
COMMAND(traces, "look into, prove and join traces")
