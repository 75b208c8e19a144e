/* bernoulli.h - the divergence of two coins, and the confidence bound built on it.
 *
 * Garivier & Cappe, "The KL-UCB algorithm for bounded stochastic bandits and beyond", COLT 2011.
 * Checks: bernoulli_kl(0.3, 0.6) = 0.1837868974, bernoulli_bound(0.3, 0.1) = 0.5210276121,
 * bernoulli_bound(0, 0.5) = 1 - exp(-0.5), bernoulli_bound(1, 0.5) = 1. */
#ifndef POLICIES_BERNOULLI_H
#define POLICIES_BERNOULLI_H

#include <math.h>

#include "core/elementary.h"

/* kl(p, q) = p ln(p/q) + (1-p) ln((1-p)/(1-q)), with 0 ln 0 = 0; infinite where q excludes what p allows. */
static inline double bernoulli_kl(double p, double q) {
    double kl = 0;
    if ((p > 0 && !(q > 0)) || (p < 1 && !(q < 1))) return INFINITY;
    if (p > 0) kl = p * elementary_log(p / q);
    if (p < 1) kl += (1 - p) * elementary_log((1 - p) / (1 - q));
    return kl > 0 ? kl : 0; // rounding near p = q
}

/* The largest q in [p, 1] with kl(p, q) <= d. p in [0, 1], d >= 0 (infinity gives 1). */
double bernoulli_bound(double p, double d);

#endif
