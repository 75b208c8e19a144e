/* run_replay.h - `banditspec replay` in the test's own process. */
#ifndef TESTS_RUN_REPLAY_H
#define TESTS_RUN_REPLAY_H

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "core/cmd.h"

command cmd_replay;

/* Runs the subcommand with its standard output in `out` (null: thrown away). */
static inline int replay(struct err *err, const char *out, char **argv) {
    int argc = 0, saved = dup(STDOUT_FILENO), to = open(out ? out : "/dev/null", O_WRONLY | O_CREAT | O_TRUNC, 0600);
    while (argv[argc]) argc++;
    fflush(stdout);
    dup2(to, STDOUT_FILENO);
    *err = (struct err){""};
    int rc = cmd_replay(argc, argv, err);
    fflush(stdout);
    dup2(saved, STDOUT_FILENO);
    close(saved);
    close(to);
    return rc;
}

#endif
