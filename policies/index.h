/* index.h - the published indices of [0, 1] rewards as plain functions, for policies and their tests.
 *
 * mean and variance (divided by n) of an arm's n >= 1 rounds; log_t = ln t and log_n = ln n of t >= 1 rounds of all
 * K arms. Checks, at mean 0.5, n 5, t 60, K 4: ucb1 (alpha 2) 1.7797413117, moss (alpha 1.35) 1.0081081458,
 * ucb_v (variance 0.1, zeta 1.2, c 1) 3.8912434793, ucb1_tuned (variance 0.1) 0.9524568798. */
#ifndef POLICIES_INDEX_H
#define POLICIES_INDEX_H

#include <math.h>

#include "core/elementary.h"
#include "policies/bernoulli.h"

/* Auer, Cesa-Bianchi, Fischer 2002, figure 1 (alpha = 2). */
static inline double index_ucb1(double mean, double n, double log_t, double alpha) {
    return mean + sqrt(alpha * log_t / n);
}

/* Ibid., section 4: 1/4 is the largest variance in [0, 1]. */
static inline double index_ucb1_tuned(double mean, double variance, double n, double log_t) {
    return mean + sqrt(log_t / n * elementary_min(0.25, variance + sqrt(2 * log_t / n)));
}

/* Audibert, Munos, Szepesvari 2009, eq. (1), rewards in [0, 1]. */
static inline double index_ucb_v(double mean, double variance, double n, double log_t, double zeta, double c) {
    double share = zeta * log_t / n;
    return mean + sqrt(2 * variance * share) + 3 * c * share;
}

/* Degenne & Perchet 2016, MOSS-anytime. */
static inline double index_moss(double mean, double n, double log_n, double log_t, double log_K, double alpha) {
    return mean + sqrt((1 + alpha) / 2 * elementary_max(0, log_t - log_K - log_n) / n);
}

/* Audibert & Bubeck 2009, MOSS for `horizon` rounds. */
static inline double index_moss_horizon(double mean, double n, double log_n, double log_horizon, double log_K) {
    return mean + sqrt(fmax(0, log_horizon - log_K - log_n) / n);
}

/* g(n) of KL-UCB++, Menard & Garivier 2017, eq. (3): ln+( y (1 + ln+(y)^2) ) with y = horizon / (K n). */
static inline double index_kl_ucb_pp_budget(double horizon, double K, double n) {
    double y = horizon / (K * n), log_y = fmax(0, log(y));
    return fmax(0, log(y * (1 + log_y * log_y)));
}

/* Honda & Takemura 2015, Bernoulli form: the least plays. */
static inline double index_imed(double mean, double n, double log_n, double best_mean) {
    return n * bernoulli_kl(mean, best_mean) + log_n;
}

/* Keeps the higher of two indices, ties to what was there, without a branch: which arm wins is what a processor cannot guess. */
static inline void index_higher(double index, int i, double *best, int *arm) {
    *arm = index > *best ? i : *arm;
    *best = elementary_max(index, *best);
}

/* ln t + c ln ln t, the budget of KL-UCB (Garivier & Cappe 2011, Algorithm 1). */
static inline double index_budget(double log_t, double c) {
    return log_t + (c > 0 && log_t > 1 ? c * elementary_log(log_t) : 0);
}

#endif
