/* err.c - errors as text; control characters never reach a terminal. */
#include "core/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void write_at(struct err *err, size_t at, const char *format, va_list args) {
    vsnprintf(err->text + at, sizeof err->text - at, format, args);
    for (char *c = err->text + at; *c; c++) // names come from files: keep the line one line
        if ((unsigned char)*c < 0x20 || *c == 0x7f) *c = '?';
}

int err_set(struct err *err, const char *format, ...) {
    va_list args;
    va_start(args, format);
    write_at(err, 0, format, args);
    va_end(args);
    return ERR_FAILED;
}

int err_usage(struct err *err, const char *format, ...) {
    va_list args;
    va_start(args, format);
    write_at(err, 0, format, args);
    va_end(args);
    return ERR_USAGE;
}

int err_add(struct err *err, const char *format, ...) {
    va_list args;
    va_start(args, format);
    write_at(err, strlen(err->text), format, args);
    va_end(args);
    return ERR_FAILED;
}
