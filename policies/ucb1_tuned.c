/* ucb1_tuned.c - UCB1 with the variance in its bound.
 *
 * Auer, Cesa-Bianchi, Fischer, "Finite-time analysis of the multiarmed bandit problem", Machine Learning 2002,
 * section 4. After each arm once, with t rounds so far and n of them with an arm of mean x and variance v:
 *   index = x + sqrt( ln t / n min(1/4, v + sqrt(2 ln t / n)) ),   the highest plays
 * Check: x=0.5 v=0.1 n=5 t=60 gives 0.9524568798. */
#include "policies/flat.h"
#include "policies/index.h"

enum { REWARD };

static double index_of(const struct flat *s, const struct problem *p, const double *param, int i) {
    (void)p, (void)param;
    return index_ucb1_tuned(flat_mean(s, i), flat_variance(s, i), s->arm[i].n, s->log_t);
}

static int ucb1_tuned_select(void *state, const struct problem *p, const double *param, struct rng *rng) {
    (void)rng;
    return flat_best(state, p, param, index_of);
}

static void ucb1_tuned_update(void *state, const struct problem *p, const double *param, const struct outcome *o) {
    flat_update(state, p, param[REWARD], o);
}

const struct policy policy_ucb1_tuned = {
    .name = "ucb1-tuned", .setting = "stochastic",
    .summary = "UCB1 with the measured variance in its bound",
    .cite = "Auer, Cesa-Bianchi, Fischer 2002, section 4",
    .bound = "none proved",
    .flags = POLICY_SECONDS,
    .params = {
        REWARD_PARAM,
    },
    .size = flat_size, .select = ucb1_tuned_select, .update = ucb1_tuned_update,
};
