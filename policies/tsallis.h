/* tsallis.h - the weights of follow-the-regularised-leader with Tsallis entropy, power 1/2.
 *
 * Zimmert & Seldin, "Tsallis-INF", JMLR 2021, Algorithm 1 and its Newton iteration:
 *   w_i = 4 / (eta (loss_i - z))^2,   z below every loss such that the weights sum to 1
 * Check: losses (1, 3, 10), eta 0.5: z = -4.1384662853, w = (0.6059725618, 0.3139859082, 0.0800415300). */
#ifndef POLICIES_TSALLIS_H
#define POLICIES_TSALLIS_H

#include <math.h>

#include "core/elementary.h"

/* Fills w (K) from loss (K) and returns z. eta > 0. */
static inline double tsallis_weights(const double *loss, int K, double eta, double *w) {
    double least = loss[0], z = -2 / eta, sum = 0; // z is relative to the least loss
    for (int i = 1; i < K; i++) least = elementary_min(least, loss[i]);
    // At z = -2/eta the largest weight alone is 1: right of the root of a convex increasing function, so Newton's
    // steps come down to it. From the left a step could jump over the pole at the least loss.
    for (int round = 0; round < 60; round++) {
        double slope = 0;
        sum = 0;
        for (int i = 0; i < K; i++) {
            double root = 2 / (eta * (loss[i] - least - z));
            w[i] = root * root;
            sum += w[i];
            slope += w[i] * root;
        }
        if (fabs(sum - 1) < 1e-12) break;
        z -= (sum - 1) / (eta * slope);
    }
    for (int i = 0; i < K; i++) w[i] /= sum;
    return least + z;
}

#endif
