/* columns.h - a table with a row a prompt, its resamples, and the intervals of whatever is a function of its column sums.
 *
 * Every resample draws the same prompts for all columns, so differences and ratios keep their pairing (stats.h). */
#ifndef SIM_COLUMNS_H
#define SIM_COLUMNS_H

#include <stddef.h>
#include <stdint.h>

#include "sim/stats.h"
#include "sim/summary.h"

struct columns {
    int Q, M;
    double *x;      // (Q, M)
    double *total;  // (M) column sums
    double *sums;   // (M, STATS_RESAMPLES)
    double *left;   // (M, Q) without one prompt
    double *sample; // (STATS_RESAMPLES) scratch
    double *without; // (Q) scratch
};

/* A statistic of one row from column sums, column c of resample b being at[c * stride]. */
typedef double statistic(const double *at, size_t stride, int row, int Q);
static inline double sum_at(const double *at, size_t stride, int column) { return at[(size_t)column * stride]; }

int columns_open(struct columns *c, int Q, int M, struct err *err); // x is all zero
void columns_close(struct columns *c);

/* Once x is filled. The same seed and Q draw the same prompts. */
int columns_resample(struct columns *c, uint64_t seed, struct err *err);

/* `all` and `fewer` are what f takes last for all prompts and for one fewer: their number, or another row. */
struct bca columns_bca(const struct columns *c, statistic *f, int row, int all, int fewer, double *value);

/* Its 95% interval. */
struct measure columns_measure(const struct columns *c, const struct bca *b, double value);

#endif
