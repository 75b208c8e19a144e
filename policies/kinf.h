/* kinf.h - how far a sample is from a mean, over all distributions on [0, 1], and the bound built on it.
 *
 * Honda & Takemura, "An asymptotically optimal bandit algorithm for bounded support models", COLT 2010; Cappe, Garivier,
 * Maillard, Munos, Stoltz, Annals of Statistics 2013. A sample is counts n_0..n_m of the values k/m, w = counts over their sum:
 *   kinf(mu)  = inf{ KL(w, v) : v on [0, 1], mean of v >= mu } = max over 0 <= l <= 1/(1-mu) of sum w_k ln(1 - l (k/m - mu))
 *   bound(d)  = sup{ mean of v : v on [0, 1], KL(w, v) <= d }
 * so bound(d) is the largest mu with kinf(mu) <= d. Checks: w = (.4 .3 .2 .1 0), m = 4: kinf(.5) = 0.3295836866,
 * kinf(.6) = 0.5527272379, bound(0.2) = 0.4308228138. */
#ifndef POLICIES_KINF_H
#define POLICIES_KINF_H

double kinf(const double *count, int m, double mu);
double kinf_bound(const double *count, int m, double d); // d >= 0; m >= 1, counts (m + 1), not all zero

#endif
