/* kl_ucb.c - KL-UCB, the upper confidence bound of coins.
 *
 * Garivier & Cappe, "The KL-UCB algorithm for bounded stochastic bandits and beyond", COLT 2011, Algorithm 1.
 * After each arm once, with t rounds so far and n of them with an arm of mean reward x in [0, 1]:
 *   index = sup{ q in [x, 1] : n kl(x, q) <= ln t + c ln ln t },   the highest plays
 * kl is the divergence of two coins (policies/bernoulli.h), the largest for rewards in [0, 1]. An arm whose
 * bound of Pinsker, x + sqrt(budget / (2n)) >= index, is no higher than an index at hand is not solved for.
 * Check: x=0.3, budget/n = 0.1 gives 0.5210276121. */
#include "policies/flat.h"
#include "policies/index.h"

enum { REWARD, C };

static int kl_ucb_select(void *state, const struct problem *p, const double *param, struct rng *rng) {
    const struct flat *s = state;
    double budget = index_budget(s->log_t, param[C]), best = -1;
    int arm = 0;
    (void)rng;
    for (int i = 0; i < p->K; i++) {
        double n = s->arm[i].n, mean = flat_mean(s, i);
        if (n == 0) return i;
        if (mean + sqrt(budget / (2 * n)) <= best) continue;
        double index = bernoulli_bound(mean, budget / n);
        if (index > best) best = index, arm = i;
    }
    return arm;
}

static void kl_ucb_update(void *state, const struct problem *p, const double *param, const struct outcome *o) {
    flat_update(state, p, param[REWARD], o);
}

const struct policy policy_kl_ucb = {
    .name = "kl-ucb", .setting = "stochastic",
    .summary = "upper confidence bound of coins on a [0, 1] reward",
    .cite = "Garivier & Cappe 2011, Algorithm 1",
    .bound = "sum Delta_i ln T / kl(mu_i, mu_*) (1 + o(1)) (Theorem 1)",
    .flags = POLICY_SECONDS,
    .params = {
        REWARD_PARAM,
        {"c", 0, 0, 100, NULL, "factor of ln ln t in the bound; 3 in the theorem, 0 in practice"},
    },
    .size = flat_size, .select = kl_ucb_select, .update = kl_ucb_update,
};
