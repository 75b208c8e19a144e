/* commands.h - every subcommand, one line each; cmd_NAME lives beside the data it handles. */
COMMAND(logits, "the target's largest logits at every position")
COMMAND(bench, "what a forward pass costs by width and context")
COMMAND(policies, "list policies, their parameters and sources")
COMMAND(traces, "look into, prove and join traces")
COMMAND(plot, "draw regret, speed and pulls")
COMMAND(tokenize, "text to token ids and back")
