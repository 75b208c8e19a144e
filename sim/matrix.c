/* matrix.c - see matrix.h. */
#include "sim/matrix.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"

enum { CELL_MAX = 63 }; // characters of one number; the longest double needs 24

static int read_file(const char *path, char **bytes, size_t *size, struct err *err) {
    FILE *f = fopen(path, "rb");
    if (!f) return err_set(err, "cannot open '%s': %s", path, strerror(errno));
    size_t capacity = 0, got;
    *bytes = NULL;
    *size = 0;
    do {
        if (mem_grow(bytes, &capacity, *size + 65536, 1, "a CSV file", err)) goto fail;
        got = fread(*bytes + *size, 1, capacity - *size, f);
        *size += got;
    } while (got);
    if (ferror(f)) {
        err_set(err, "cannot read '%s': %s", path, strerror(errno));
        goto fail;
    }
    fclose(f);
    return 0;
fail:
    fclose(f);
    mem_free(*bytes);
    *bytes = NULL;
    return ERR_FAILED;
}

/* The number between from and to, blanks around it allowed. */
static bool parse_cell(const char *from, const char *to, double *value) {
    char text[CELL_MAX + 1], *end;
    while (from < to && (*from == ' ' || *from == '\t')) from++;
    while (from < to && (to[-1] == ' ' || to[-1] == '\t' || to[-1] == '\r')) to--;
    if (from == to || to - from > CELL_MAX) return false;
    memcpy(text, from, (size_t)(to - from));
    text[to - from] = 0;
    *value = strtod(text, &end);
    return end == text + (to - from) && isfinite(*value);
}

static int bad_cell(const struct matrix *m, const char *from, const char *to, size_t column, struct err *err) {
    int n = to - from > 40 ? 40 : (int)(to - from);
    if (n && from[n - 1] == '\r') n--;
    return err_set(err, "cell '%.*s' in line %zu, column %zu of '%s' is not a number", n, from, m->rows + 1, column, m->path);
}

static bool only_blank(const char *from, const char *end) {
    while (from < end && strchr(" \t\r\n", *from)) from++;
    return from == end;
}

int matrix_parse(struct matrix *m, const char *path, const char *bytes, size_t size, struct err *err) {
    *m = (struct matrix){.path = path};
    const char *end = bytes + size;
    size_t capacity = 0, n = 0;
    for (const char *line = bytes; line < end;) {
        const char *stop = memchr(line, '\n', (size_t)(end - line)), *cell = line;
        if (!stop) stop = end;
        if (only_blank(line, end)) break;
        size_t column = 0;
        for (bool more = true; more; column++) {
            const char *comma = memchr(cell, ',', (size_t)(stop - cell));
            more = comma != NULL;
            if (!comma) comma = stop;
            double value;
            if (!parse_cell(cell, comma, &value)) {
                bad_cell(m, cell, comma, column + 1, err);
                goto fail;
            }
            if (mem_grow(&m->at, &capacity, n + 1, sizeof *m->at, "a matrix", err)) goto fail;
            m->at[n++] = value;
            cell = comma + 1;
        }
        if (!m->rows) m->columns = column;
        if (column != m->columns) {
            err_set(err, "line %zu of '%s' has %zu columns, expected %zu as in line 1", m->rows + 1, path, column, m->columns);
            goto fail;
        }
        m->rows++;
        line = stop < end ? stop + 1 : end;
    }
    if (m->rows) return 0;
    err_set(err, "file '%s' holds no rows, expected numbers separated by commas", path);
fail:
    matrix_close(m);
    return ERR_FAILED;
}

int matrix_open(struct matrix *m, const char *path, struct err *err) {
    char *bytes;
    size_t size;
    *m = (struct matrix){0};
    if (read_file(path, &bytes, &size, err)) return ERR_FAILED;
    int rc = matrix_parse(m, path, bytes, size, err);
    mem_free(bytes);
    return rc;
}

int matrix_open_list(struct matrix *m, const char *path, struct err *err) {
    char *bytes;
    size_t size, capacity = 0, line = 1;
    *m = (struct matrix){.path = path, .columns = 1};
    if (read_file(path, &bytes, &size, err)) return ERR_FAILED;
    int rc = 0;
    for (const char *at = bytes, *end = bytes + size; at < end && !rc;) {
        if (strchr(", \t\r\n", *at)) {
            line += *at++ == '\n';
            continue;
        }
        const char *stop = at;
        while (stop < end && !strchr(", \t\r\n", *stop)) stop++;
        double value;
        if (!parse_cell(at, stop, &value))
            rc = err_set(err, "'%.*s' in line %zu of '%s' is not a number", stop - at > 40 ? 40 : (int)(stop - at), at, line, path);
        else if (!(rc = mem_grow(&m->at, &capacity, m->rows + 1, sizeof *m->at, "a list", err)))
            m->at[m->rows++] = value;
        at = stop;
    }
    if (!rc && !m->rows) rc = err_set(err, "file '%s' holds no numbers", path);
    mem_free(bytes);
    if (rc) matrix_close(m);
    return rc;
}

void matrix_close(struct matrix *m) {
    mem_free(m->at);
    *m = (struct matrix){0};
}
