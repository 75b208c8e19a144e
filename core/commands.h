/* commands.h - every subcommand, one line each; cmd_NAME lives beside the data it handles. */
COMMAND(replay, "play policies over a recorded trace")
COMMAND(traces, "look into, prove and join traces")
COMMAND(policies, "list policies, their parameters and sources")
