/* weights.h - the state that the EXP3 family shares: a sum for every arm, and the probabilities drawn from.
 *
 *   p_i = exp(scale x_i) / sum_j exp(scale x_j)
 * The largest exponent is subtracted first, so weights stay logarithms until the last step and nothing overflows however
 * long a run. An arm whose weight would be below e^-690 keeps 1e-300: probabilities are never 0, which none of
 * the algorithms has, and what is that rare is never drawn.
 * Check: x = (0, ln 2), scale 1: p = (1/3, 2/3). */
#ifndef POLICIES_WEIGHTS_H
#define POLICIES_WEIGHTS_H

#include "policies/reward.h"

struct weights {
    double t;             // rounds so far
    double log_K;
    double mix;           // share of uniform exploration, where the policy has one
    struct reward reward;
    double at[];          // (2, K): sums by arm, then the probabilities of the latest choice
};

static inline size_t weights_size(const struct problem *p) { return sizeof(struct weights) + 2 * (size_t)p->K * sizeof(double); }

static inline void weights_init(void *state, const struct problem *p, const double *param) {
    struct weights *s = state;
    (void)param;
    s->log_K = elementary_log(p->K);
    for (int i = 0; i < p->K; i++) s->at[p->K + i] = 1.0 / p->K;
}

static inline const double *weights_probabilities(const void *state, const struct problem *p) {
    return ((const struct weights *)state)->at + p->K;
}

/* w_i = exp(scale (x_i - top)), the largest 1, and their sum. */
static inline double softmax_weights(const double *x, int K, double scale, double *w) {
    double top = x[0], total = 0;
    for (int i = 1; i < K; i++) top = scale < 0 ? elementary_min(x[i], top) : elementary_max(x[i], top);
    for (int i = 0; i < K; i += 2) { // an odd one out costs no more with itself beside it
        int j = i + 1 < K ? i + 1 : i;
        elementary_two e = elementary_exp_two((elementary_two){elementary_max(scale * (x[i] - top), -690), elementary_max(scale * (x[j] - top), -690)});
        total += w[i] = e[0];
        if (j > i) total += w[j] = e[1];
    }
    return total;
}

static inline void softmax(const double *x, int K, double scale, double *probability) {
    double total = softmax_weights(x, K, scale, probability);
    for (int i = 0; i < K; i++) probability[i] /= total;
}

/* The arm that w (K, all above 0, sum `total`) gives a uniform u: the first whose running sum is above u total. Nothing waits for
 * a quotient, nor for a guess which arm it is. */
static inline int weights_pick(const double *w, int K, double total, double u) {
    double at = u * total, upto = 0;
    int arm = 0;
    for (int i = 0; i < K - 1; i++) {
        upto += w[i];
        arm += at >= upto;
    }
    return arm;
}

/* An arm drawn from the softmax, and its probabilities. */
static inline int softmax_draw(const double *x, int K, double scale, double *probability, struct rng *rng) {
    double u = rng_uniform(rng), total = softmax_weights(x, K, scale, probability), share = 1 / total;
    int arm = weights_pick(probability, K, total, u);
    for (int i = 0; i < K; i++) probability[i] *= share;
    return arm;
}

/* A share `mix` of the probability goes to all arms alike (EXP3, EXP3.S). */
static inline void mix_uniform(double *probability, int K, double mix) {
    for (int i = 0; i < K; i++) probability[i] = (1 - mix) * probability[i] + mix / K;
}

#endif
