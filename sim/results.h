/* results.h - replays written to a results file (results.sql). */
#ifndef SIM_RESULTS_H
#define SIM_RESULTS_H

#include "sim/print.h"
#include "sim/summary.h"

/* Appends one experiment: everything or nothing (one transaction). Creates the file when
 * there is none. `rows` are summary_make's. *experiment is its id. A file that
 * is not ours, read-only, locked or on a full disk: one line in `err`. */
int results_add(const char *path, const struct replay *r, const struct rows *rows, int64_t *experiment, struct err *err);

/* Whether results_add could write to the file, before the work is done. */
int results_check(const char *path, struct err *err);

#endif
