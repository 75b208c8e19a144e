/* random.c - an arm uniformly at random each round.
 *
 * The floor under every policy that learns: regret sum_i Delta_i / (K mu_*) a round. */
#include "policies/lanes.h"

static int random_select(void *state, const struct problem *p, const double *param, struct rng *rng) {
    (void)state, (void)param;
    return rng_below(rng, p->K);
}

/* -- four episodes side by side: nothing is kept -- */

static size_t lanes_size(const struct problem *p) {
    (void)p;
    return 64;
}

static void lanes_init(void *state, const struct problem *p, const double *param, int lane) { (void)state, (void)p, (void)param, (void)lane; }

LANES_INLINE void lanes_select_body(void *state, const struct problem *p, const double *param, const struct rng_four *rng, int *arm) {
    double u[4];
    (void)state, (void)param;
    rng_uniform_four(rng, u);
    for (int l = 0; l < 4; l++) { // rng_below
        int i = (int)(u[l] * p->K);
        arm[l] = i < p->K ? i : p->K - 1;
    }
}

LANES_INLINE void lanes_update_body(void *state, const struct problem *p, const double *param, const struct outcome_lanes *o) {
    (void)state, (void)p, (void)param, (void)o;
}

LANES_METHODS(lanes_size, lanes_init)

const struct policy policy_random = {
    .name = "random", .setting = "baseline",
    .summary = "an arm uniformly at random each round",
    .cite = "uniform choice",
    .bound = "linear in rounds",
    .flags = POLICY_RANDOM,
    .select = random_select, .lanes = &lanes,
};
