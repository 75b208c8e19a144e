/* ucb_v.c - the upper confidence bound of Bernstein.
 *
 * Audibert, Munos, Szepesvari, "Exploration-exploitation tradeoff using variance estimates in multi-armed bandits",
 * Theoretical Computer Science 2009, eq. (1). After each arm once, with t rounds so far and n of them with an arm of
 * mean x and variance v (divided by n), rewards in [0, 1]:
 *   index = x + sqrt( 2 v zeta ln t / n ) + 3 c zeta ln t / n,   the highest plays
 * The last term rules for n < 20: within one answer it explores more than UCB1, however small the variance.
 * Check: x=0.5 v=0.1 n=5 t=60 zeta=1.2 c=1 gives 3.8912434793. */
#include "policies/flat.h"
#include "policies/index.h"

enum { REWARD, ZETA, C };

static double index_of(const struct flat *s, const struct problem *p, const double *param, int i) {
    (void)p;
    return index_ucb_v(flat_mean(s, i), flat_variance(s, i), s->arm[i].n, s->log_t, param[ZETA], param[C]);
}

static int ucb_v_select(void *state, const struct problem *p, const double *param, struct rng *rng) {
    (void)rng;
    return flat_best(state, p, param, index_of);
}

static void ucb_v_update(void *state, const struct problem *p, const double *param, const struct outcome *o) {
    flat_update(state, p, param[REWARD], o);
}

const struct policy policy_ucb_v = {
    .name = "ucb-v", .setting = "stochastic",
    .summary = "upper confidence bound of Bernstein on a [0, 1] reward",
    .cite = "Audibert, Munos, Szepesvari 2009, eq. (1)",
    .bound = "10 sum (sigma_i^2 / Delta_i + 2) ln T for zeta = 1.2, c = 1",
    .flags = POLICY_SECONDS,
    .params = {
        REWARD_PARAM,
        {"zeta", 1.2, 1e-6, 100, NULL, "factor of ln t; above 1 in the theorem"},
        {"c", 1, 0, 100, NULL, "factor of the term that falls with 1/n"},
    },
    .size = flat_size, .select = ucb_v_select, .update = ucb_v_update,
};
