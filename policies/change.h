/* change.h - tests for a change in an arm's rewards, as plain functions for policies and their tests.
 *
 * Samples come as a ring of raw rewards (policies/reward.h): x[at], the oldest, and so on around `size`; scale puts them
 * into [0, 1] when they are read.
 * Checks, on (.2 .3 .1 .25 .8 .9 .7 .85): change_glr 1.5433661152, change_halves of the whole 2.4;
 * change_glr_threshold(8, 0.05) = 7.2135068747. */
#ifndef POLICIES_CHANGE_H
#define POLICIES_CHANGE_H

#include <math.h>

#include "policies/bernoulli.h"

enum { CHANGE_HISTORY = 256 }; // samples an arm keeps, at most

struct change_ring { // of one arm since its last restart; zeroed is new
    double n;        // samples so far; the latest `size` of them are kept
    double raw[CHANGE_HISTORY];
};

static inline void change_add(struct change_ring *ring, int size, double raw) { ring->raw[(int)fmod(ring->n++, size)] = raw; }

/* How many samples are kept, and where the oldest lies. */
static inline int change_kept(const struct change_ring *ring, int size) { return (int)fmin(ring->n, size); }
static inline int change_oldest(const struct change_ring *ring, int size) { return ring->n <= size ? 0 : (int)fmod(ring->n, size); }

/* Besson & Kaufmann 2019, arXiv 1902.01575, eq. (4), the generalised likelihood ratio of coins:
 *   max over 1 <= s < n of  s kl(m_1..s, m) + (n - s) kl(m_s+1..n, m),   m the mean of all n
 * The kl divergence takes m away from 0 and 1 by 1e-15, where the parts agree with it but for rounding. */
static inline double change_glr(const double *x, int size, int at, int n, double scale) {
    double all = 0, before = 0, most = 0;
    for (int i = 0, k = at; i < n; i++, k = k + 1 == size ? 0 : k + 1) all += x[k];
    double mean = fmin(fmax(all * scale / n, 1e-15), 1 - 1e-15);
    for (int s = 1, k = at; s < n; s++, k = k + 1 == size ? 0 : k + 1) {
        before += x[k];
        double first = fmin(before * scale / s, 1), second = fmin(fmax(all - before, 0) * scale / (n - s), 1);
        most = fmax(most, s * bernoulli_kl(first, mean) + (n - s) * bernoulli_kl(second, mean));
    }
    return most;
}

/* Ibid., the threshold they use in practice: ln(3 n^(3/2) / delta). */
static inline double change_glr_threshold(double n, double delta) { return log(3 * n * sqrt(n) / delta); }

/* Cao, Wen, Kveton, Xie 2019, arXiv 1802.03692, Algorithm 2: |sum of the later half - sum of the earlier half|; n even. */
static inline double change_halves(const double *x, int size, int at, int n, double scale) {
    double difference = 0;
    for (int i = 0, k = at; i < n; i++, k = k + 1 == size ? 0 : k + 1) difference += i < n / 2 ? -x[k] : x[k];
    return fabs(difference) * scale;
}

#endif
