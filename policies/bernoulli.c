/* bernoulli.c - see bernoulli.h. */
#include "policies/bernoulli.h"

double bernoulli_bound(double p, double d) {
    if (!(p < 1)) return 1;
    if (!(d > 0)) return p;
    // Above the root: Pinsker's 2 (q-p)^2 <= kl, or, when that leaves [0, 1], kl >= p ln p + (1-p) ln((1-p)/(1-q)).
    double q = p + sqrt(d / 2);
    if (q >= 1) q = 1 - (1 - p) * elementary_exp(-(d - (p > 0 ? p * elementary_log(p) : 0)) / (1 - p));
    // kl is convex in q on (p, 1): Newton's steps from above go down to the root and never past it.
    for (int i = 0; i < 60 && q > p && q < 1; i++) {
        double step = (bernoulli_kl(p, q) - d) * q * (1 - q) / (q - p);
        if (!(step > 0)) break;
        q -= step;
        if (step < 1e-11) break; // quadratic: the next would be below 1e-20
    }
    return elementary_max(q, p);
}
