/* run_command.h - a subcommand in the test's own process, and small helpers around files it writes. */
#ifndef TESTS_RUN_COMMAND_H
#define TESTS_RUN_COMMAND_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sqlite3.h>

#include "core/cmd.h"

static inline int swap_stream(int number, const char *path) {
    int saved = dup(number), to = open(path ? path : "/dev/null", O_WRONLY | O_CREAT | O_TRUNC, 0600);
    dup2(to, number);
    close(to);
    return saved;
}

static inline void restore_stream(int number, int saved) {
    dup2(saved, number);
    close(saved);
}

/* Runs it with its standard output in `out` (null: thrown away) and without its messages. */
static inline int run_command(command *run, struct err *err, const char *out, char **argv) {
    int argc = 0;
    while (argv[argc]) argc++;
    fflush(stdout);
    fflush(stderr);
    int saved_out = swap_stream(STDOUT_FILENO, out), saved_err = swap_stream(STDERR_FILENO, NULL);
    *err = (struct err){""};
    int rc = run(argc, argv, err);
    fflush(stdout);
    fflush(stderr);
    restore_stream(STDOUT_FILENO, saved_out);
    restore_stream(STDERR_FILENO, saved_err);
    return rc;
}

static inline void assert_contains(const char *text, const char *part) {
    if (!strstr(text, part)) fail_msg("'%s' lacks '%s'", text, part);
}

/* Fails with this code and one line that holds `part`. */
static inline void assert_refused(command *run, char **argv, int code, const char *part) {
    struct err err;
    assert_int_equal(run_command(run, &err, NULL, argv), code);
    assert_contains(err.text, part);
    assert_null(strchr(err.text, '\n'));
}

static inline void write_file(const char *path, const char *text) {
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_true(fputs(text, f) >= 0 && fclose(f) == 0);
}

/* All of a file, terminated, with its zero bytes (a text may hold some) as '?'; the caller frees it. */
static inline char *read_file(const char *path) {
    FILE *f = fopen(path, "rb");
    if (!f) fail_msg("cannot read '%s'", path);
    size_t size = 1 << 16, n = 0;
    char *text = NULL;
    do {
        text = realloc(text, size *= 2);
        assert_non_null(text);
        n += fread(text + n, 1, size - 1 - n, f);
    } while (n == size - 1);
    fclose(f);
    text[n] = 0;
    for (size_t i = 0; i < n; i++)
        if (!text[i]) text[i] = '?';
    return text;
}

static inline void run_sql(const char *path, const char *sql) {
    sqlite3 *db;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK) fail_msg("%s: %s", sql, sqlite3_errmsg(db));
    sqlite3_close(db);
}

static inline int64_t query_number(const char *path, const char *sql) {
    sqlite3 *db;
    sqlite3_stmt *s;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    if (sqlite3_prepare_v2(db, sql, -1, &s, NULL) != SQLITE_OK) fail_msg("%s: %s", sql, sqlite3_errmsg(db));
    if (sqlite3_step(s) != SQLITE_ROW) fail_msg("no row: %s", sql);
    int64_t value = sqlite3_column_int64(s, 0);
    sqlite3_finalize(s);
    sqlite3_close(db);
    return value;
}

#endif
