/* weights_lanes.h - draws of weights.h of four episodes side by side (lanes.h): the arm of each lane, by the same operations.
 *
 * Weights lie `step` fours apart, in the policies' own structs of an arm. */
#ifndef POLICIES_WEIGHTS_LANES_H
#define POLICIES_WEIGHTS_LANES_H

#include "policies/lanes.h"

/* Arms passed over: those up to which the weights add up to u times the whole or less. */
LANES_INLINE four_mask four_pick(const four *w, int step, int K, four u) {
    four upto = {0};
    four_mask at = {0};
    for (int i = 0; i < K - 1; i++) {
        upto += w[i * step];
        at -= u >= upto;
    }
    return at;
}

/* weights_draw: w = exp(-eta (loss - least loss)); their sum. `loss` and `w` lie `step` apart. */
LANES_INLINE four four_softmax(const four *loss, four *w, int step, int K, four eta) {
    four least = loss[0], total = {0};
    for (int i = 1; i < K; i++) least = four_min(loss[i * step], least);
    for (int i = 0; i < K; i++) total += w[i * step] = four_exp(four_max(-eta * (loss[i * step] - least), four_of(-690)));
    return total;
}

/* mixed_draw; *W: the sum of the weights. */
LANES_INLINE four_mask four_mixed_draw(const four *w, int step, int K, double mix, four u, four *W) {
    const double each = mix / K;
    four sum = {0}, upto = {0};
    four_mask at = {0};
    for (int i = 0; i < K; i++) sum += w[i * step];
    for (int i = 0; i < K - 1; i++) {
        upto += w[i * step];
        at -= (1 - mix) * upto <= (u - (i + 1) * each) * sum;
    }
    *W = sum;
    return at;
}

#endif
