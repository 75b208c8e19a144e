/* print.h - replays as tables on 100 columns, and as JSON. */
#ifndef SIM_PRINT_H
#define SIM_PRINT_H

#include <stdio.h>

#include "sim/replay_table.h"
#include "sim/summary.h"

/* Two tables, each sorted by tokens/s: speed, then regret. `references` has REFERENCES rows. */
void print_replay(FILE *to, const struct replay *r, const struct summary *players, const struct summary *references);
int print_replay_json(FILE *to, const struct replay *r, const struct summary *players, const struct summary *references, struct err *err);

/* Policies over a table, most tokens first. */
void print_table(FILE *to, const char *path, const struct table *t, const struct table_row *rows, int n);
int print_table_json(FILE *to, const char *path, const struct table *t, const struct table_row *rows, int n, struct err *err);

#endif
