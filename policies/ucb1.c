/* ucb1.c - UCB1, the upper confidence bound of bounded rewards.
 *
 * Auer, Cesa-Bianchi, Fischer, "Finite-time analysis of the multiarmed bandit problem", Machine Learning 2002,
 * figure 1. After each arm once, with t rounds so far and n of them with an arm of mean reward x in [0, 1]:
 *   index = x + sqrt( alpha ln t / n ),   the highest plays
 * alpha = 2 is the paper; 1/2 is where the theory ends and what practice takes.
 * Check: x=0.5 n=5 t=60 gives 1.7797413117. */
#include "policies/flat.h"
#include "policies/index.h"

enum { REWARD, ALPHA };

static double index_of(const struct flat *s, const struct problem *p, const double *param, int i) {
    (void)p;
    return index_ucb1(flat_mean(s, i), s->arm[i].n, s->log_t, param[ALPHA]);
}

static int ucb1_select(void *state, const struct problem *p, const double *param, struct rng *rng) {
    (void)rng;
    return flat_best(state, p, param, index_of);
}

static void ucb1_update(void *state, const struct problem *p, const double *param, const struct outcome *o) {
    flat_update(state, p, param[REWARD], o);
}

const struct policy policy_ucb1 = {
    .name = "ucb1", .setting = "stochastic",
    .summary = "upper confidence bound of Hoeffding on a [0, 1] reward",
    .cite = "Auer, Cesa-Bianchi, Fischer 2002, figure 1 and Theorem 1",
    .bound = "sum 8 ln T / Delta_i + (1 + pi^2/3) sum Delta_i for alpha = 2 (Theorem 1)",
    .flags = POLICY_SECONDS,
    .params = {
        REWARD_PARAM,
        {"alpha", 2, 1e-6, 100, NULL, "width of the bound; 2 in the paper, 0.5 in practice"},
    },
    .size = flat_size, .select = ucb1_select, .update = ucb1_update,
};
