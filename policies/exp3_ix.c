/* exp3_ix.c - EXP3-IX, exponential weights with implicit exploration.
 *
 * Neu, "Explore no more: improved high-probability regret bounds for non-stochastic bandits", NeurIPS 2015,
 * Algorithm 1. In round t = 1, 2, ... with sums S of estimated losses, loss = 1 - reward in [0, 1]:
 *   eta = 2 g = sqrt( ln K / (K t) ),   p_i = exp(-eta S_i) / sum_j exp(-eta S_j)
 *   arm ~ p,   S_arm += loss / (p_arm + g)
 * The bias g keeps one rare loss from deciding a run: of the exponential weights the steadiest in a single one.
 * The smallest sum is subtracted before exp.
 * Check: K=2, reward=len, an arm that accepts nothing in round 1: S = 1 / (1/2 + sqrt(ln 2 / 2) / 2) = 1.2589. */
#include "policies/reward.h"
#include "policies/weights.h"

enum { REWARD };

struct exp3_ix {
    double t;             // rounds so far
    double log_K, eta;    // eta of the latest choice
    struct reward reward;
    double sum[];         // (3, K): estimated losses; of the latest choice weights and their sums so far, p_i = weight_i / last sum
};

static size_t exp3_ix_size(const struct problem *p) { return sizeof(struct exp3_ix) + 3 * (size_t)p->K * sizeof(double); }

static void exp3_ix_init(void *state, const struct problem *p, const double *param) {
    struct exp3_ix *s = state;
    (void)param;
    s->log_K = elementary_log(p->K);
    s->eta = sqrt(s->log_K / p->K);
    for (int i = 0; i < p->K; i++) s->sum[p->K + i] = 1, s->sum[2 * p->K + i] = i + 1;
}

static int exp3_ix_select(void *state, const struct problem *p, const double *param, struct rng *rng) {
    struct exp3_ix *s = state;
    double *weight = s->sum + p->K, *upto = weight + p->K, eta = s->eta = sqrt(s->log_K / (p->K * (s->t + 1)));
    (void)param;
    weights_fill(s->sum, eta, weight, upto, p->K);
    return rng_pick_upto(rng, upto, p->K);
}

static void exp3_ix_update(void *state, const struct problem *p, const double *param, const struct outcome *o) {
    struct exp3_ix *s = state;
    double loss = 1 - reward_of(&s->reward, p, param[REWARD], o), total = s->sum[3 * p->K - 1];
    s->sum[o->arm] += loss * total / elementary_max(s->sum[p->K + o->arm] + s->eta / 2 * total, 1e-12 * total);
    s->t++;
}

const struct policy policy_exp3_ix = {
    .name = "exp3-ix", .setting = "adversarial",
    .summary = "exponential weights with implicit exploration",
    .cite = "Neu 2015, Algorithm 1",
    .bound = "O( sqrt(K T ln K) ln(1/delta) ) with probability 1 - delta, at every T",
    .flags = POLICY_RANDOM | POLICY_SECONDS,
    .params = {REWARD_PARAM},
    .size = exp3_ix_size, .init = exp3_ix_init, .select = exp3_ix_select, .update = exp3_ix_update,
};
