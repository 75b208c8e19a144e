/* world_table.h - a plain matrix as a world: a row a round, a column an arm, cells = emitted
 * tokens 1 .. L + 1. The arm pulled in round r gets cell (r, arm); the one sequence ends
 * with the last row. Every arm is a drafter of its own with gamma = L, named by its index,
 * so any policy plays a matrix that a paper or another program wrote. */
#ifndef SIM_WORLD_TABLE_H
#define SIM_WORLD_TABLE_H

#include "sim/matrix.h"
#include "sim/world.h"

struct table {
    int rows, K, L;
    int *emitted;      // (rows, K), owned
    double *seconds;   // (rows, K), owned; null: none given
    struct arm *arms;  // (K), owned
};

/* Takes cells from a matrix, and seconds (null: none) from one of the same shape. Errors
 * name file, line and column of a cell outside 1 .. L + 1, or of seconds <= 0. */
int table_open(struct table *t, const struct matrix *cells, const struct matrix *seconds, int L, struct err *err);
void table_close(struct table *t);

struct world_table {
    struct world world;        // first: a struct world * is a struct world_table *
    const struct table *table; // borrowed
    int row;
};

/* A world over the table, without anything to close; copies are independent. */
struct world_table world_table(const struct table *t);

#endif
