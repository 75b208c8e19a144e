/* replay_table.h - policies over a plain matrix (world_table.h). A table is one sequence of
 * `rows` rounds for everybody, so policies differ in tokens, not in rounds. */
#ifndef SIM_REPLAY_TABLE_H
#define SIM_REPLAY_TABLE_H

#include <stdio.h>

#include "sim/lineup.h"
#include "sim/world_table.h"

struct table_row {
    char spec[256];
    int seeds;
    double tokens, seconds; // means over seeds; seconds 0 when the table has none
};

struct table_plan {
    const struct table *table;
    const struct lineup *lineup;   // without oracles
    uint64_t seed;                 // of the first run
    const double *uniforms;        // (uniforms_n) in place of the generator; null: none
    size_t uniforms_n;
    FILE *steps;                   // null: none
    const char *steps_path;
};

struct problem table_problem(const struct table *t);

/* Plays every player; rows (lineup.n) in the lineup's order. */
int replay_table(const struct table_plan *plan, struct table_row *rows, struct err *err);

/* The column with the most tokens (lowest on ties), and the row maxima: what no policy beats. */
struct table_row table_best_column(const struct table *t);
struct table_row table_clairvoyant(const struct table *t);

#endif
