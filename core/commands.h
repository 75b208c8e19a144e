/* commands.h - every subcommand, one line each; cmd_NAME lives beside the data it handles. */
COMMAND(record, "decode prompts and store what every drafter would have had accepted")
COMMAND(replay, "play policies over a recorded trace")
COMMAND(plot, "draw regret, speed and pulls")
COMMAND(traces, "look into, prove and join traces")
COMMAND(policies, "list policies, their parameters and sources")
COMMAND(tokenize, "text to token ids and back")
COMMAND(logits, "the target's largest logits at every position")
COMMAND(bench, "what a forward pass costs by width and context")
