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
    double share;         // of W, that every weight gets in a round (EXP3.S: e alpha / K)
    double top;           // what ln w are relative to (EXP3)
    double at[];          // (2, weights_row(K)): sums by arm, then the probabilities of the latest choice
};

enum { LANES = 4 };
#define NO_ARM 1e300 // the sum of what fills up the last register

/* K rounded up to whole registers. */
static inline int weights_row(int K) { return (K + LANES - 1) & ~(LANES - 1); }

static inline double *weights_drawn(const struct weights *s, int K) { return (double *)s->at + weights_row(K); }

static inline size_t weights_size(const struct problem *p) {
    return sizeof(struct weights) + 2 * (size_t)weights_row(p->K) * sizeof(double);
}

static inline void weights_init(void *state, const struct problem *p, const double *param) {
    struct weights *s = state;
    (void)param;
    s->log_K = elementary_log(p->K);
    for (int i = 0; i < p->K; i++) weights_drawn(s, p->K)[i] = 1.0 / p->K;
    for (int i = p->K; i < weights_row(p->K); i++) s->at[i] = NO_ARM;
}

static inline const double *weights_probabilities(const void *state, const struct problem *p) {
    return weights_drawn(state, p->K);
}

static inline void softmax(const double *x, int K, double scale, double *probability) {
    double top = x[0], total = 0;
    for (int i = 1; i < K; i++) top = scale < 0 ? elementary_min(x[i], top) : elementary_max(x[i], top);
    for (int i = 0; i < K; i += 2) { // an odd one out costs no more with itself beside it
        int j = i + 1 < K ? i + 1 : i;
        elementary_two w = {elementary_max(scale * (x[i] - top), -690), elementary_max(scale * (x[j] - top), -690)};
        w = elementary_exp_two(w);
        total += probability[i] = w[0];
        if (j > i) total += probability[j] = w[1];
    }
    for (int i = 0; i < K; i++) probability[i] /= total;
}

/* An arm drawn from the softmax of the sums at -eta, and its probabilities (weights.c). */
int weights_draw(struct weights *s, int K, double eta, struct rng *rng);
int weights_draw_plain(struct weights *s, int K, double eta, struct rng *rng); // on every machine: the same bits

/* Draws from p_i = (1 - mix) w_i / W + mix / K, weights w of sum W > 0 of which all arms get a share alike (EXP3, EXP3.S), by the
 * uniform u: as many arms are passed over as have F_i = p_0 + ... + p_i at or below u. Times W, so that no choice waits for a quotient. */
static inline int mixed_draw(const double *w, int K, double mix, double u, double *p) {
    double W = 0, upto = 0, each = mix / K;
    for (int i = 0; i < K; i++) W += w[i];
    double share = (1 - mix) / W;
    int arm = 0;
    for (int i = 0; i < K - 1; i++) {
        upto += w[i];
        arm += (1 - mix) * upto <= (u - (i + 1) * each) * W;
    }
    for (int i = 0; i < K; i++) p[i] = w[i] * share + each;
    return arm;
}

#endif
