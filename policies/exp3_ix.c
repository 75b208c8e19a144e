/* exp3_ix.c - EXP3-IX, exponential weights with implicit exploration.
 *
 * Neu, "Explore no more: improved high-probability regret bounds for non-stochastic bandits", NeurIPS 2015,
 * Algorithm 1. In round t = 1, 2, ... with sums S of estimated losses, loss = 1 - reward in [0, 1]:
 *   eta = 2 g = sqrt( ln K / (K t) ),   p_i = exp(-eta S_i) / sum_j exp(-eta S_j)
 *   arm ~ p,   S_arm += loss / (p_arm + g)
 * The bias g keeps one rare loss from deciding a run: of the exponential weights the steadiest in a single one.
 * Check: K=2, reward=len, an arm that accepts nothing in round 1: S = 1 / (1/2 + sqrt(ln 2 / 2) / 2) = 1.2589. */
#include "policies/weights.h"

enum { REWARD };

static double eta_of(const struct weights *s, int K) { return sqrt(s->log_K / (K * (s->t + 1))); }

static int exp3_ix_select(void *state, const struct problem *p, const double *param, struct rng *rng) {
    struct weights *s = state;
    (void)param;
    return weights_draw(s, p->K, eta_of(s, p->K), rng);
}

static void exp3_ix_update(void *state, const struct problem *p, const double *param, const struct outcome *o) {
    struct weights *s = state;
    double loss = 1 - reward_of(&s->reward, p, param[REWARD], o), divisor = weights_drawn(s, p->K)[o->arm] + eta_of(s, p->K) / 2;
    s->at[o->arm] += loss * (1 / elementary_max(divisor, 1e-12));
    s->t++;
}

const struct policy policy_exp3_ix = {
    .name = "exp3-ix", .setting = "adversarial",
    .summary = "exponential weights with implicit exploration",
    .cite = "Neu 2015, Algorithm 1",
    .bound = "O( sqrt(K T ln K) ln(1/delta) ) with probability 1 - delta, at every T",
    .flags = POLICY_RANDOM | POLICY_SECONDS,
    .params = {REWARD_PARAM},
    .size = weights_size, .init = weights_init, .select = exp3_ix_select, .update = exp3_ix_update, .probabilities = weights_probabilities,
};
