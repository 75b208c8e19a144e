/* gnuplot.c - see gnuplot.h. */
#include "analysis/gnuplot.h"

#include <errno.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static int spawn(pid_t *pid, int script, int picture, int words, struct err *err) {
    static char *const argv[] = {"gnuplot", "--default-settings", NULL};
    posix_spawn_file_actions_t files;
    int rc = posix_spawn_file_actions_init(&files);
    if (rc) return err_set(err, "cannot start gnuplot: %s", strerror(rc));
    if (!(rc = posix_spawn_file_actions_adddup2(&files, script, 0))
        && !(rc = posix_spawn_file_actions_adddup2(&files, picture, 1))
        && !(rc = posix_spawn_file_actions_adddup2(&files, words, 2)))
        rc = posix_spawnp(pid, argv[0], &files, NULL, argv, environ);
    posix_spawn_file_actions_destroy(&files);
    if (rc == ENOENT) return err_set(err, "gnuplot not found in PATH (needed to draw; apt-get install gnuplot-nox)");
    return rc ? err_set(err, "cannot start gnuplot: %s", strerror(rc)) : 0;
}

/* gnuplot's complaint: its last line that is not empty ("line 12: undefined variable: x"). */
static void last_words(FILE *words, char *line, size_t size) {
    char next[256];
    line[0] = 0;
    rewind(words);
    while (fgets(next, sizeof next, words)) {
        next[strcspn(next, "\n")] = 0;
        const char *text = next + strspn(next, " \t^");
        if (*text) snprintf(line, size, "%s", text);
    }
}

int gnuplot_run(FILE *script, int picture, struct err *err) {
    char line[256];
    pid_t pid, got;
    int status, rc = -1;
    FILE *words = tmpfile();
    if (!words) return err_set(err, "cannot make a temporary file: %s", strerror(errno));
    if (fflush(script) || lseek(fileno(script), 0, SEEK_SET) < 0) {
        err_set(err, "cannot write the gnuplot script: %s", strerror(errno));
        goto done;
    }
    if (spawn(&pid, fileno(script), picture, fileno(words), err)) goto done;
    while ((got = waitpid(pid, &status, 0)) < 0 && errno == EINTR) continue;
    last_words(words, line, sizeof line);
    if (got < 0) err_set(err, "cannot wait for gnuplot: %s", strerror(errno));
    else if (WIFSIGNALED(status)) err_set(err, "gnuplot died of signal %d", WTERMSIG(status));
    else if (WEXITSTATUS(status)) err_set(err, "gnuplot fails with status %d: %s", WEXITSTATUS(status), line);
    else rc = 0;
done:
    fclose(words);
    return rc;
}
