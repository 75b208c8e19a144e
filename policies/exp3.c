/* exp3.c - EXP3, exponential weights with uniform exploration.
 *
 * Auer, Cesa-Bianchi, Freund, Schapire, "The nonstochastic multiarmed bandit problem", SIAM J. Computing 2002,
 * section 3. With weights w = 1 at the start, W their sum and rewards x in [0, 1]:
 *   p_i = (1-g) w_i / W + g / K,   arm ~ p,   w_arm *= exp( g x / (K p_arm) )
 *   g = min(1, sqrt( K ln K / ((e-1) horizon) ))    Corollary 3.2
 * horizon counts the rounds the bound is tuned for: those of one answer by default.
 * What is kept is ln w, which grows by at most 1 a round, since p_arm >= g / K (policies/weights.h).
 * Check: K=2, g=1: p stays (1/2, 1/2) for ever. */
#include "policies/weights.h"

enum { REWARD, HORIZON };

static void exp3_init(void *state, const struct problem *p, const double *param) {
    struct weights *s = state;
    weights_init(state, p, param);
    s->mix = elementary_min(1, sqrt(p->K * s->log_K / ((elementary_exp(1) - 1) * param[HORIZON])));
}

static int exp3_select(void *state, const struct problem *p, const double *param, struct rng *rng) {
    struct weights *s = state;
    double *probability = weights_drawn(s, p->K);
    (void)param;
    softmax(s->at, p->K, 1, probability);
    mix_uniform(probability, p->K, s->mix);
    return rng_pick(rng, probability, p->K);
}

static void exp3_update(void *state, const struct problem *p, const double *param, const struct outcome *o) {
    struct weights *s = state;
    s->at[o->arm] += s->mix * reward_of(&s->reward, p, param[REWARD], o) / (p->K * weights_drawn(s, p->K)[o->arm]);
}

const struct policy policy_exp3 = {
    .name = "exp3", .setting = "adversarial",
    .summary = "exponential weights with uniform exploration, tuned to a horizon",
    .cite = "Auer, Cesa-Bianchi, Freund, Schapire 2002, section 3",
    .bound = "2.63 sqrt(T K ln K) when horizon = T (Corollary 3.2)",
    .flags = POLICY_RANDOM | POLICY_SECONDS,
    .params = {
        REWARD_PARAM,
        {"horizon", 128, 1, 1e12, NULL, "rounds that the exploration is tuned for"},
    },
    .size = weights_size, .init = exp3_init, .select = exp3_select, .update = exp3_update, .probabilities = weights_probabilities,
};
