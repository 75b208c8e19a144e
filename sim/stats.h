/* stats.h - paired bootstrap over prompts.
 *
 * Prompts are the unit that would differ in another experiment, so prompts are resampled,
 * after averaging seeds within each. Resample b draws the same Q prompts for every column
 * (policy, statistic), so that differences and ratios keep their pairing. A statistic
 * over a resample is a function of column sums: ratios are ratios of sums. Intervals are
 * percentile intervals (Efron & Tibshirani 1993, ch. 13), 95%. */
#ifndef SIM_STATS_H
#define SIM_STATS_H

#include <stdint.h>

#include "core/err.h"

enum { STATS_RESAMPLES = 10000 };

struct interval {
    double lo, hi;
};

/* Sums of the M columns of x (Q, M) over B resamples of the Q rows: sums (M, B). Resample b
 * draws from rng_at(seed, "bootstrap", 0, b): the same for every table with Q rows, and on any
 * number of threads. */
int stats_resample(const double *x, int Q, int M, int B, uint64_t seed, double *sums, struct err *err);

/* The middle 95% of the sample (n), which is sorted in place. Values that are not finite (a
 * resample without a denominator) are left out; none left gives 0, 0. */
struct interval stats_interval(double *sample, int n);

#endif
