/* matrix.h - a plain matrix of numbers from a CSV file: a line a row, commas between
 * columns, no header. Empty lines may only follow the last row, so row r is line r + 1. */
#ifndef SIM_MATRIX_H
#define SIM_MATRIX_H

#include <stddef.h>

#include "core/err.h"

struct matrix {
    const char *path; // borrowed, for messages
    size_t rows, columns;
    double *at;       // (rows, columns), owned
};

/* Every row has as many columns as the first; at least one row. Errors name file, line and
 * column: "cell 'x' in line 3, column 2 of 'f.csv' is not a number". */
int matrix_open(struct matrix *m, const char *path, struct err *err);
/* The parser alone, over bytes the caller keeps (fuzzing, tests). */
int matrix_parse(struct matrix *m, const char *path, const char *bytes, size_t size, struct err *err);
void matrix_close(struct matrix *m);

/* Numbers separated by commas, blanks or line ends, in order: rows = how many, columns = 1. */
int matrix_open_list(struct matrix *m, const char *path, struct err *err);

#endif
