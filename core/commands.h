/* commands.h - every subcommand, one line each; cmd_NAME lives beside the data it handles. */
COMMAND(tokenize, "text to token ids and back")
