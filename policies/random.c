/* random.c - an arm uniformly at random each round.
 *
 * The floor under every policy that learns: regret sum_i Delta_i / (K mu_*) a round. */
#include "policies/policy.h"

static int random_select(void *state, const struct problem *p, const double *param, struct rng *rng) {
    (void)state, (void)param;
    return rng_below(rng, p->K);
}

const struct policy policy_random = {
    .name = "random", .setting = "baseline",
    .summary = "an arm uniformly at random each round",
    .cite = "uniform choice",
    .bound = "linear in rounds",
    .flags = POLICY_RANDOM,
    .select = random_select,
};
