/* weights.h - exponential weights on estimated losses.
 *
 *   w_i = exp( -eta (S_i - min S) ),   upto_i = w_1 + ... + w_i,   so p_i = w_i / upto_K
 * The smallest sum is subtracted before exp, so weights lie in [0, 1] and one is 1. rng_pick_upto() draws from `upto`. */
#ifndef POLICIES_WEIGHTS_H
#define POLICIES_WEIGHTS_H

#include "core/elementary.h"

/* Fills weight and upto (K each). */
static inline void weights_fill(const double *sum, double eta, double *weight, double *upto, int K) {
    double least = sum[0], total = 0;
    for (int i = 1; i < K; i++) least = elementary_min(sum[i], least);
    for (int i = 0; i < K; i += 2) {
        int j = i + 1 < K ? i + 1 : i;
        elementary_two w = elementary_exp_two((elementary_two){elementary_max(-eta * (sum[i] - least), -700), elementary_max(-eta * (sum[j] - least), -700)});
        weight[i] = w[0], weight[j] = w[j - i];
        upto[i] = total += w[0];
        if (j > i) upto[j] = total += w[1];
    }
}

#endif
