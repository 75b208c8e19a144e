/* adahedge.h - one step of AdaHedge as plain functions, for the policy and its test.
 *
 * de Rooij, van Erven, Grunwald, Koolen, "Follow the leader if you can, hedge if you must", JMLR 2014, section 3: with sums S and
 * the mixability gaps Delta so far,
 *   eta = ln N / Delta (infinite at Delta = 0),   w_i = exp(-eta S_i) / sum,   uniform over the least S when eta is infinite
 *   h = w . l,   mix = -ln( sum w_i exp(-eta l_i) ) / eta, or min(S + l) - min S,   Delta += max(0, h - mix),   S += l
 * Check: losses (.2 .9 .5), (.4 .1 .6), (0 1 .3): w_2 = (0.6795361767, 0.0676484651, 0.2528153581), Delta = 0.4954247668. */
#ifndef POLICIES_ADAHEDGE_H
#define POLICIES_ADAHEDGE_H

#include <math.h>

/* Fills w (N) from sums (N). */
static inline void adahedge_weights(const double *sum, int N, double delta, double *w) {
    double least = sum[0], total = 0, eta = delta > 0 ? log(N) / delta : INFINITY;
    for (int i = 1; i < N; i++) least = fmin(least, sum[i]);
    for (int i = 0; i < N; i++) total += w[i] = sum[i] == least ? 1 : delta > 0 ? exp(-eta * (sum[i] - least)) : 0;
    for (int i = 0; i < N; i++) w[i] /= total;
}

static inline double adahedge_dot(const double *w, const double *loss, int N) {
    double sum = 0;
    for (int i = 0; i < N; i++) sum += w[i] * loss[i];
    return sum;
}

/* The mix loss of weights that stand for `sum` and `delta`. */
static inline double adahedge_mix(const double *sum, const double *loss, int N, double delta, const double *w) {
    double least = loss[0], before = sum[0], after = sum[0] + loss[0], mean = 0, eta = delta > 0 ? log(N) / delta : INFINITY;
    for (int i = 1; i < N; i++) {
        least = fmin(least, loss[i]);
        before = fmin(before, sum[i]);
        after = fmin(after, sum[i] + loss[i]);
    }
    if (N == 1) return loss[0];
    for (int i = 0; i < N && delta > 0; i++) mean += w[i] * exp(-eta * (loss[i] - least));
    return mean > 0 ? least - log(mean) / eta : after - before; // no mass survives: as good as an infinite eta
}

#endif
