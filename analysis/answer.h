/* answer.h - the answer to one SQL query, as gnuplot and spreadsheets read it.
 *
 * Numbers stay numbers. A text column becomes a factor: its distinct values are numbered
 * from 1 in order of appearance, the data hold the number and an array of that column's name
 * holds the texts. So no name, however odd, ever meets gnuplot's data parser. */
#ifndef ANALYSIS_ANSWER_H
#define ANALYSIS_ANSWER_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "core/err.h"

enum { ANSWER_COLUMNS = 32 };

struct answer_column {
    char *name;
    bool text;             // a factor
    char **levels;         // (level_n), owned
    size_t level_n, level_cap;
};

struct answer {
    int columns;
    size_t rows, cap;
    struct answer_column column[ANSWER_COLUMNS];
    double *cell; // (rows, columns): the number, or the factor's level from 1; NaN for NULL
};

/* Runs the statement to its end (bound already, reset by the caller). */
int answer_read(struct answer *t, sqlite3_stmt *query, struct err *err);
void answer_close(struct answer *t);

/* As gnuplot commands: `c_NAME = 3` for each column, `array NAME = [...]` for each factor, then
 * the rows as datablock `$data`. Where column 1 changes an index begins (two empty
 * lines), where column 2 is a factor and changes, a block (one empty line). */
void answer_write_gnuplot(const struct answer *t, FILE *to);

/* As CSV with a header line (RFC 4180, but lines end in \n). */
void answer_write_csv(const struct answer *t, FILE *to);

/* A text as a gnuplot string. Whatever gnuplot could take for syntax (quotes, backquotes that run
 * commands, backslashes, @macros) is an octal escape; control characters and bytes that are no UTF-8
 * become '?'. */
void gnuplot_quote(const char *text, FILE *to);

#endif
