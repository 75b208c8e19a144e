/* ts_dirichlet.c - Thompson sampling on the distribution of each arm's accepted lengths.
 *
 * Riou & Honda, "Bandit algorithms based on Thompson sampling for bounded reward distributions", ALT 2020, Algorithm 1
 * (Multinomial TS). With h_0 .. h_gamma the rounds in which an arm accepted 0 .. gamma tokens (policies/lengths.h), arms in index order:
 *   w ~ Dirichlet(h_0 + prior, ..., h_gamma + prior),   v = 1 + sum_k k w_k
 *   reward=len: value = v        reward=rate: v / cost, the cost learned (policies/cost.h)
 * The highest plays, ties to the lowest number. w are gamma draws of those shapes, k upwards, over their sum. Plain decoding emits 1.
 * Nothing is pooled: a length cut off at gamma is a length of its arm. ts-hazard is the pooled form. */
#include "policies/lengths.h"

enum { PRIOR, REWARD, DOUBT };

static double draw(const double *count, int gamma, double prior, struct rng *rng) {
    double mass = 0, sum = 0;
    for (int k = 0; k <= gamma; k++) {
        double w = rng_gamma(rng, count[k] + prior);
        mass += w;
        sum += k * w;
    }
    return mass > 0 ? 1 + sum / mass : 1;
}

static int ts_dirichlet_select(void *state, const struct problem *p, const double *param, struct rng *rng) {
    struct lengths *s = lengths_of(state, p);
    double best = -1;
    int arm = 0;
    for (int i = 0; i < p->K; i++) {
        int gamma = p->arms[i].gamma;
        double emitted = gamma ? draw(lengths_row(s, p, i) + 1, gamma, param[PRIOR], rng) : 1;
        double value = param[REWARD] == VALUE_LEN ? emitted : cost_rate(state, p, i, param[DOUBT], emitted);
        if (value > best) best = value, arm = i;
    }
    return arm;
}

static void ts_dirichlet_update(void *state, const struct problem *p, const double *param, const struct outcome *o) {
    (void)param;
    lengths_update(state, p, o);
}

const struct policy policy_ts_dirichlet = {
    .name = "ts-dirichlet", .setting = "Bayesian",
    .summary = "Thompson sampling on each arm's distribution of accepted lengths",
    .cite = "Riou & Honda 2020, Algorithm 1",
    .bound = "sum Delta_i ln T / Kinf(arm i, mu_*) (1 + o(1)), the lower bound for a known finite support",
    .flags = POLICY_RANDOM | POLICY_SECONDS,
    .params = {
        {"prior", 1, 1e-3, 1e6, NULL, "imagined rounds of each length"},
        COST_REWARD, COST_DOUBT,
    },
    .size = lengths_size, .select = ts_dirichlet_select, .update = ts_dirichlet_update,
};
