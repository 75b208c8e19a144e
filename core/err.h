/* err.h - errors as text for the caller.
 *
 * What can fail returns 0, or -1 (failed) or -2 (misused), and takes a last
 * `struct err *`. The text is written once, by whoever knows the most: what
 * first, the subject in quotes, then file and line, row or byte offset, and
 * what was expected. Only main.c prints it and picks the exit code. */
#ifndef CORE_ERR_H
#define CORE_ERR_H

enum { ERR_FAILED = -1, ERR_USAGE = -2 };

struct err {
    char text[1024]; // one line without its newline; empty: no error
};

/* Writes the text; returns ERR_FAILED, so that `return err_set(...)` reads well. */
int err_set(struct err *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The same for a wrong command line: returns ERR_USAGE (exit code 2). */
int err_usage(struct err *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Appends to the text, for a caller that knows the place ("... in round 812 of 'run.db'"). */
int err_add(struct err *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
