/* csv.h - the data beside a figure, cell by cell: a header, then rows; quotes taken off. */
#ifndef TESTS_CSV_H
#define TESTS_CSV_H

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "tests/run_command.h"

enum { CSV_COLUMNS = 16, CSV_ROWS = 4096 };

struct csv {
    char *text, *head[CSV_COLUMNS], *cell[CSV_ROWS][CSV_COLUMNS];
    int columns, rows;
};

static struct csv csv; // the file read last

static char *csv_cell(char **at) { // its text, unquoted; what follows is the next one
    char *from = *at, *to = from;
    if (*from != '"') {
        *at += strcspn(*at, ",\n");
        return from;
    }
    char *cell = to = from + 1;
    for (*at = cell; **at != '"' || (*at)[1] == '"'; (*at)++) {
        if (**at == '"') (*at)++;
        *to++ = **at;
    }
    (*at)++;
    *to = 0;
    return cell;
}

static void csv_read(const char *path) {
    free(csv.text);
    csv = (struct csv){.text = read_file(path)};
    char **row = csv.head;
    for (char *at = csv.text; *at; at++) {
        int i = 0;
        for (bool more = true; more; i++) {
            assert_true(i < CSV_COLUMNS);
            row[i] = csv_cell(&at);
            more = *at == ',';
            *at = 0;
            at += more;
        }
        csv.columns = i;
        assert_true(csv.rows < CSV_ROWS - 1);
        if (row != csv.head) csv.rows++;
        row = csv.cell[csv.rows];
    }
}

static const char *word_of(int row, const char *name) {
    for (int i = 0; i < csv.columns; i++)
        if (!strcmp(csv.head[i], name)) return csv.cell[row][i];
    fail_msg("no column '%s'", name);
    return NULL;
}

static double value_of(int row, const char *name) { return atof(word_of(row, name)); }

#endif
