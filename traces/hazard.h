/* hazard.h - is a drafter's accepted length truncated geometric?
 *
 * BanditSpec eq. (10): every drafted token is accepted with the same probability p, whatever its depth and whatever came before, so
 * P(A >= k) = p^k up to the draft's end. Then each depth's hazard P(A >= k | A >= k - 1) is p, trials are Bernoulli(p), and
 *   p = accepted / tested,   X^2 = sum_k (a_k - n_k p)^2 / (n_k p (1 - p))  ~  chi-square, depths - 1 degrees of freedom
 * over depths k = 1.. with n_k trials and a_k accepted (a Pearson test of one p for all depths). Trials are those of rounds that follow
 * one another as the arm (drafter, L) plays them, since drafts from overlapping positions share tokens. A draft that was accepted to
 * its end, or to the text's, leaves the next depth untested. Deep cells with fewer than five expected of a kind are pooled.
 * Check: n = (100, 60), a = (60, 30): p = 0.5625, X^2 = 1.5238, 1 degree of freedom, p-value 0.2170. */
#ifndef TRACES_HAZARD_H
#define TRACES_HAZARD_H

#include <stdint.h>

#include "traces/trace.h"

enum { HAZARD_DEPTHS = 256 };

struct hazard {
    int64_t rounds, proposing;                                  // played; those in which it proposed anything
    int64_t tested[HAZARD_DEPTHS], accepted[HAZARD_DEPTHS];     // by depth, [0] unused
    int depths;                                                 // deepest tested
    double p;                                                   // of one token; 0 without a trial
    double chi2, p_value;                                       // 0 and 1 when there are no two depths to compare
    int df;
};

/* Trials of drafter d in sequences of `category` (null: all). */
void hazard_count(struct hazard *h, const struct trace *t, int d, const char *category);

/* p and the test, from tested and accepted. */
void hazard_test(struct hazard *h);

#endif
