/* normalhedge.h - the weights of NormalHedge as a plain function, for the policy and its test.
 *
 * Chaudhuri, Freund, Hsu, "A parameter-free hedging algorithm", NeurIPS 2009, Algorithm 1: with regrets R_i to N experts and
 * [R]+ = max(0, R),
 *   c > 0 solves  (1/N) sum exp( [R_i]+^2 / (2c) ) = e,      w_i = ([R_i]+ / c) exp( [R_i]+^2 / (2c) ) / sum
 * and all weights are equal while no regret is positive.
 * Check: R = (3, 1, -2, 0.5): c = 2.2240912833, w = (0.9272193491, 0.0511667823, 0, 0.0216138685). */
#ifndef POLICIES_NORMALHEDGE_H
#define POLICIES_NORMALHEDGE_H

#include <math.h>

/* Fills w (N) from R (N) and returns c, 0 while no regret is positive. */
static inline double normalhedge_weights(const double *R, int N, double *w) {
    double most = 0, total = 0;
    for (int i = 0; i < N; i++) most = fmax(most, R[i]);
    if (!(most > 0)) {
        for (int i = 0; i < N; i++) w[i] = 1.0 / N;
        return 0;
    }
    // In units of most^2 / 2: at c = 1 no term is above e, at c = 1 / ln(N e) the largest alone is N e.
    double lo = 1 / (1 + log(N)), hi = 1;
    for (int round = 0; round < 100 && hi - lo > 4e-16 * hi; round++) {
        double c = sqrt(lo * hi), sum = 0;
        for (int i = 0; i < N; i++) sum += R[i] > 0 ? exp(R[i] / most * (R[i] / most) / c) : 1;
        if (sum > N * exp(1)) lo = c;
        else hi = c;
    }
    for (int i = 0; i < N; i++) total += w[i] = R[i] > 0 ? R[i] / most * exp(R[i] / most * (R[i] / most) / hi) : 0;
    for (int i = 0; i < N; i++) w[i] /= total;
    return hi * most * most / 2;
}

#endif
