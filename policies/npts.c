/* npts.c - non-parametric Thompson sampling: the rewards seen, with random weights.
 *
 * Riou & Honda, "Bandit algorithms based on Thompson sampling for bounded reward distributions", ALT 2020, Algorithm 2.
 * Every arm weighs its accepted lengths and one imagined full draft, gamma:
 *   w ~ Dirichlet(1, ..., 1) over the n + 1 of them,   v = 1 + their weighted mean
 *   reward=len: value = v        reward=rate: v / cost, the cost learned (policies/cost.h)
 * The highest plays, ties to the lowest number. Equal lengths join their weights, so with h_k rounds that accepted k tokens
 * (policies/lengths.h) w is Dirichlet(h_0, ..., h_gamma + 1): gamma draws of those shapes, k upwards, none where h_k = 0.
 * Check: before its first round an arm's value is gamma + 1. */
#include "policies/lengths.h"

enum { REWARD, DOUBT };

static double draw(const double *count, int gamma, struct rng *rng) {
    double mass = 0, sum = 0;
    for (int k = 0; k <= gamma; k++) {
        double shape = count[k] + (k == gamma), w = shape > 0 ? rng_gamma(rng, shape) : 0;
        mass += w;
        sum += k * w;
    }
    return mass > 0 ? 1 + sum / mass : 1;
}

static int npts_select(void *state, const struct problem *p, const double *param, struct rng *rng) {
    struct lengths *s = lengths_of(state, p);
    double best = -1;
    int arm = 0;
    for (int i = 0; i < p->K; i++) {
        int gamma = p->arms[i].gamma;
        double emitted = gamma ? draw(lengths_row(s, p, i) + 1, gamma, rng) : 1;
        double value = param[REWARD] == VALUE_LEN ? emitted : cost_rate(state, p, i, param[DOUBT], emitted);
        if (value > best) best = value, arm = i;
    }
    return arm;
}

static void npts_update(void *state, const struct problem *p, const double *param, const struct outcome *o) {
    (void)param;
    lengths_update(state, p, o);
}

const struct policy policy_npts = {
    .name = "npts", .setting = "Bayesian",
    .summary = "randomly weighted mean of the accepted lengths and one full draft",
    .cite = "Riou & Honda 2020, Algorithm 2",
    .bound = "sum Delta_i ln T / Kinf(arm i, mu_*) (1 + o(1)), the lower bound for bounded rewards",
    .flags = POLICY_RANDOM | POLICY_SECONDS,
    .params = {COST_REWARD, COST_DOUBT},
    .size = lengths_size, .select = npts_select, .update = npts_update,
};
