/* exp3spec.c - EXP3Spec, exponential weights on estimated losses.
 *
 * arXiv 2505.15141 (BanditSpec), Algorithm 9, eq. (21)-(22); Algorithm 5, eq. (13)-(14) is
 * the same policy in short. In round t = 1, 2, ... with sums S of estimated losses:
 *   eta = sqrt( ln K / (t K) ),   p_i = exp(-eta S_i) / sum_j exp(-eta S_j)   eq. (21)
 *   arm ~ p,   S_arm += (L + 1 - emitted) / (L p_arm)                         eq. (22)
 * Algorithm 5 prints I_(t+1) ~ p_t; Algorithm 9 draws I_t ~ p_t and is followed.
 * Check: K=3 L=4, plays (arm, emitted) = (0,2) (2,5) (1,1) give p_4 = (0.2554198116,
 * 0.2400135061, 0.5045666823).
 *
 * A rare arm's loss feeds back into its probability, which can magnify the last digit to the
 * ninth within 500 rounds: the operations keep the order in which they are printed.
 * The smallest sum is subtracted before exp, so weights lie in [0, 1] and one is 1. A
 * divisor below 1e-12 counts as 1e-12 (our floor): 10^7 rounds add up to 10^19 at most. */
#include "policies/exp3spec.h"

#include <math.h>

#include "policies/weights.h"

struct exp3spec {
    double t;             // rounds so far
    double log_K;
    double sum[];         // (4, K): estimated losses; of the latest choice weights, their sums so far, and probabilities
};

static size_t exp3spec_size(const struct problem *p) {
    return sizeof(struct exp3spec) + 4 * (size_t)p->K * sizeof(double);
}

static void exp3spec_init(void *state, const struct problem *p, const double *param) {
    struct exp3spec *s = state;
    (void)param;
    s->log_K = elementary_log(p->K);
    for (int i = 0; i < p->K; i++) s->sum[3 * p->K + i] = 1.0 / p->K;
}

static int exp3spec_select(void *state, const struct problem *p, const double *param, struct rng *rng) {
    struct exp3spec *s = state;
    (void)param;
    int K = p->K;
    double *weight = s->sum + K, *upto = weight + K, *probability = upto + K;
    double eta = sqrt(s->log_K / ((s->t + 1) * K));
    weights_fill(s->sum, eta, weight, upto, p->K);
#pragma omp simd
    for (int i = 0; i < K; i++) probability[i] = weight[i] / upto[K - 1];
    return rng_pick_upto(rng, upto, K);
}

static void exp3spec_update(void *state, const struct problem *p, const double *param, const struct outcome *o) {
    struct exp3spec *s = state;
    (void)param;
    double probability = elementary_max(s->sum[3 * p->K + o->arm], 1e-12);
    s->sum[o->arm] += (p->L + 1.0 - o->emitted) / (p->L * probability);
    s->t++;
}

double exp3spec_probability(const struct agent *a, int arm) {
    const struct exp3spec *s = a->state;
    return s->sum[3 * a->problem.K + arm];
}

double exp3spec_loss(const struct agent *a, int arm) {
    const struct exp3spec *s = a->state;
    return s->sum[arm];
}

const struct policy policy_exp3spec = {
    .name = "exp3spec", .setting = "adversarial",
    .summary = "exponential weights on estimated losses of emitted length",
    .cite = "arXiv 2505.15141 Algorithms 5 and 9, eq. (13)-(14), (21)-(22)",
    .bound = "2L min( sqrt(len K ln K), 2LK ln K + sqrt(min_i ST_i K ln K) ) rounds (Theorem 5.3)",
    .flags = POLICY_RANDOM,
    .size = exp3spec_size, .init = exp3spec_init, .select = exp3spec_select, .update = exp3spec_update,
};
