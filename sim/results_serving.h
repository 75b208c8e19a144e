/* results_serving.h - simulated servers written to a results file (serving.sql). */
#ifndef SIM_RESULTS_SERVING_H
#define SIM_RESULTS_SERVING_H

#include "sim/serving_grid.h"

/* Appends one run of the command: everything or nothing. *id is its row. */
int results_add_serving(const char *path, const struct grid *g, int64_t *id, struct err *err);

#endif
