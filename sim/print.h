/* print.h - replays as tables on 100 columns, and as JSON. */
#ifndef SIM_PRINT_H
#define SIM_PRINT_H

#include <stdbool.h>
#include <stdio.h>

#include "sim/replay_table.h"
#include "sim/summary.h"

/* Rows of summary.h: players (P), then REFERENCES rows of comparators; `which` is the row they are compared with. `chosen`: by name. */
struct rows {
    const struct summary *players, *references;
    int P, which;
    bool chosen;
    bool charged; // seconds hold what policies' own arithmetic takes
    int chosen_on; // other prompts, on which best-fixed was chosen; 0: on these
};

/* Three tables, each sorted by tokens/s: speed, regret, and the leaderboard, ranks and comparisons with one policy. */
void print_replay(FILE *to, const struct replay *r, const struct rows *x);
int print_replay_json(FILE *to, const struct replay *r, const struct rows *x, struct err *err);

/* The same without the first lines, which only a replay knows; as JSON: {"policies": [...], "references": [...], "against": ...}, which
 * the caller may add to (null: memory ran out). */
void print_rows(FILE *to, const struct rows *x);
struct json_t *rows_json(const struct rows *x);

/* Policies over a table, most tokens first. */
void print_table(FILE *to, const char *path, const struct table *t, const struct table_row *rows, int n);
int print_table_json(FILE *to, const char *path, const struct table *t, const struct table_row *rows, int n, struct err *err);

#endif
