/* tgd.c - see tgd.h. */
#include "policies/tgd.h"

#include <math.h>

#include "policies/bernoulli.h"

double tgd_mean_inverse(int gamma, double mean) {
    if (!(mean > 1)) return 0;
    if (mean >= gamma + 1) return 1;
    // The mean is convex in p and below 1/(1-p). So Newton's first step from 1 - 1/mean, which is
    // below the root, lands above it, and the others come down.
    double p = 1 - 1 / mean;
    for (int i = 0; i < 100; i++) {
        double value = 1, slope = 0; // Horner, the derivative along
        for (int k = gamma; k > 0; k--) slope = value + p * slope, value = 1 + p * value;
        double step = (value - mean) / slope;
        p = elementary_min(elementary_max(p - step, 0), 1);
        if (fabs(step) < 1e-15) break;
    }
    return p;
}

double tgd_kl(int gamma, double p, double q) { return tgd_mean(gamma - 1, p) * bernoulli_kl(p, q); }
