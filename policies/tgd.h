/* tgd.h - the truncated geometric model of accepted lengths.
 *
 * arXiv 2505.15141, eq. (10): every drafted token is accepted with probability p until the
 * first rejection, so with a draft of gamma tokens
 *   P(emitted = x) = p^(x-1) (1-p) for x = 1..gamma,   P(emitted = gamma + 1) = p^gamma
 * Checks: tgd_mean(4, 0.7) = 2.7731, tgd_mean_inverse(4, 3.2) = 0.7747006046,
 * tgd_kl(4, 0.5, 0.8) = 0.4183941587. */
#ifndef POLICIES_TGD_H
#define POLICIES_TGD_H

/* Mean emitted length, 1 + p + ... + p^gamma (eq. (130)); p in [0, 1]. */
static inline double tgd_mean(int gamma, double p) {
    double sum = 1;
    while (gamma-- > 0) sum = 1 + p * sum; // Horner: exact at p = 1, where the quotient is 0/0
    return sum;
}

/* The p whose mean is `mean`, which is clipped to [1, gamma + 1]. gamma >= 1. */
double tgd_mean_inverse(int gamma, double mean);

/* Kullback-Leibler divergence of the model at p from the model at q (eq. (133)): the mean
 * number of tokens tested, tgd_mean(gamma - 1, p), times the divergence of one test. gamma >= 1. */
double tgd_kl(int gamma, double p, double q);

#endif
