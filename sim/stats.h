/* stats.h - paired bootstrap over prompts.
 *
 * Prompts are the unit that would differ in another experiment, and seeds are nested in them, so prompts are resampled
 * with all their seeds, after averaging those within each (Davison & Hinkley 1997, section 3.8: the spread of the averages
 * already holds what seeds add; resampling them as well would count it twice). Resample b draws the same Q prompts for
 * every column (policy, statistic), so that differences and ratios keep their pairing. A statistic over a resample is a
 * function of column sums: ratios are ratios of sums.
 *
 * Intervals are BCa, 95% (Efron & Tibshirani 1993, section 14.3): the percentiles
 *   alpha' = Phi( z0 + (z0 + z) / (1 - a (z0 + z)) ),  z = Phi^-1(alpha),
 *   z0 = Phi^-1( share of resamples below the value, ties half ),  a = sum d^3 / (6 (sum d^2)^1.5),  d_i = mean - value without prompt i
 * Check: the variance of their spatial data A (26 numbers): 171.5, a = 0.061, 90% interval about [116, 260] where the percentiles
 * give [101, 234]. */
#ifndef SIM_STATS_H
#define SIM_STATS_H

#include <stdbool.h>
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

/* What leaving out one prompt after the other does to the sums: left (M, Q), column m without row q at [m * Q + q]. */
void stats_leave_one_out(const double *x, int Q, int M, double *left);

/* Bias and acceleration of one statistic. `sample` (n) are its resamples, which are sorted in place, those that are not finite left
 * out; `left` (Q) its values without each prompt. With fewer than two prompts, or where a value is not finite, a is 0. */
struct bca {
    double z0, a;
    const double *sample; // (n), ascending, borrowed
    int n;
    bool flat;            // every resample is the value itself, but for rounding: nothing varies
};
struct bca stats_bca(double value, double *sample, int n, const double *left, int Q);

/* Its interval of this level (0.95). */
struct interval stats_bca_interval(const struct bca *b, double level);

/* The two-sided p-value of the statistic being `null`: 1 - the level of the interval that ends there. Where fewer than one in n + 1
 * resamples lie beyond, they cannot tell how unlikely it is, and many comparisons (Holm) would find nothing whatever was there: the tail is
 * then taken to go on as a normal one, with the spread that the resamples have out to their last thousandth on that side, but no further
 * than 5 standard deviations (p = 6e-7). Below 0.001 bias and acceleration do not make a value less likely than it is without them: from a
 * dozen skewed prompts they would make 1 in 500 into 1 in a million. */
double stats_bca_p(const struct bca *b, double null);

/* Few prompts tell less than their resamples let on: those have the variance (n - 1) / n of what was seen, and normal ends where
 * Student's are due. The level to ask for instead, and what a p-value so becomes (Hesterberg 2015, "expanded percentile interval"). */
double stats_level(double level, int prompts);
double stats_level_p(double p, int prompts);

/* Holm's step-down: p[i] becomes the largest over smaller ones of (how many are left) * p, at most 1; n hypotheses. */
void stats_holm(double *p, int n);

/* The middle 95% of the sample (n), which is sorted in place. Values that are not finite (a
 * resample without a denominator) are left out; none left gives 0, 0. */
struct interval stats_interval(double *sample, int n);

#endif
