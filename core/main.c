/* main.c - the command table. The only place that prints errors and picks exit codes:
 * 0 done, 1 failed, 2 misused. */
#include <stdio.h>
#include <string.h>

#include "core/cmd.h"

#define COMMAND(name, summary) command cmd_##name;
#include "core/commands.h"
#undef COMMAND

static const struct {
    const char *name;
    command *run;
    const char *summary;
} commands[] = {
#define COMMAND(name, summary) {#name, cmd_##name, summary},
#include "core/commands.h"
#undef COMMAND
};
enum { COMMANDS = sizeof commands / sizeof *commands };

static int usage(FILE *to) {
    fprintf(to, "usage: banditspec SUBCOMMAND [options]\n\n"
                "Chooses how to speculate while a language model decodes: records real speculative\n"
                "decoding, replays bandit policies over the trace, runs the same policies live.\n\n");
    for (int i = 0; i < COMMANDS; i++) fprintf(to, "  %-10s %s\n", commands[i].name, commands[i].summary);
    fprintf(to, "\nbanditspec SUBCOMMAND --help explains each, with an example.\n");
    return to == stdout ? 0 : 2;
}

int main(int argc, char **argv) {
    if (argc < 2) return usage(stderr);
    if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") || !strcmp(argv[1], "help")) return usage(stdout);
    if (!strcmp(argv[1], "--version")) {
        puts("banditspec " VERSION);
        return 0;
    }
    for (int i = 0; i < COMMANDS; i++) {
        if (strcmp(argv[1], commands[i].name)) continue;
        struct err err = {""};
        int rc = commands[i].run(argc - 1, argv + 1, &err);
        if (rc == 0 && (fflush(stdout) || ferror(stdout))) rc = err_set(&err, "cannot write to standard output");
        if (rc == 0) return 0;
        if (err.text[0]) fprintf(stderr, "banditspec %s: %s\n", argv[1], err.text);
        return rc == ERR_USAGE ? 2 : 1;
    }
    fprintf(stderr, "banditspec: unknown subcommand '%s' (see banditspec --help)\n", argv[1]);
    return 2;
}
