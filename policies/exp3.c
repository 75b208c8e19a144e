/* exp3.c - EXP3, exponential weights with uniform exploration.
 *
 * Auer, Cesa-Bianchi, Freund, Schapire, "The nonstochastic multiarmed bandit problem", SIAM J. Computing 2002,
 * section 3. With weights w = 1 at the start, W their sum and rewards x in [0, 1]:
 *   p_i = (1-g) w_i / W + g / K,   arm ~ p,   w_arm *= exp( g x / (K p_arm) )
 *   g = min(1, sqrt( K ln K / ((e-1) horizon) ))    Corollary 3.2
 * horizon counts the rounds the bound is tuned for: those of one answer by default.
 * Weights are divided by the largest when one passes 1e100, which leaves p as it was.
 * Check: K=2, g=1: p stays (1/2, 1/2) for ever. */
#include "policies/reward.h"

enum { REWARD, HORIZON };

struct exp3 {
    double mix;           // g
    double total;         // W
    struct reward reward;
    double w[];           // (3, K): weights; W p_i of the latest choice, and their sums so far
};

static size_t exp3_size(const struct problem *p) { return sizeof(struct exp3) + 3 * (size_t)p->K * sizeof(double); }

static void exp3_init(void *state, const struct problem *p, const double *param) {
    struct exp3 *s = state;
    s->mix = elementary_min(1, sqrt(p->K * elementary_log(p->K) / ((elementary_exp(1) - 1) * param[HORIZON])));
    s->total = p->K;
    for (int i = 0; i < p->K; i++) s->w[i] = 1, s->w[p->K + i] = 1;
}

static int exp3_select(void *state, const struct problem *p, const double *param, struct rng *rng) {
    struct exp3 *s = state;
    double total = 0, *mixed = s->w + p->K, *upto = mixed + p->K;
    (void)param;
    for (int i = 0; i < p->K; i++) total += s->w[i];
    double share = s->mix / p->K * total, sum = 0;
    for (int i = 0; i < p->K; i++) upto[i] = sum += mixed[i] = (1 - s->mix) * s->w[i] + share;
    s->total = total;
    return rng_pick_upto(rng, upto, p->K);
}

static void exp3_update(void *state, const struct problem *p, const double *param, const struct outcome *o) {
    struct exp3 *s = state;
    double x = reward_of(&s->reward, p, param[REWARD], o), *w = &s->w[o->arm];
    *w *= elementary_exp(s->mix * x * s->total / (p->K * elementary_max(s->w[p->K + o->arm], 1e-12 * s->total)));
    if (*w < 1e100) return;
    for (double most = *w, *each = s->w; each < s->w + p->K; each++) *each /= most;
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
    .size = exp3_size, .init = exp3_init, .select = exp3_select, .update = exp3_update,
};
