/* emp_kl_ucb.c - empirical KL-UCB on accepted lengths, whatever their distribution.
 *
 * Cappe, Garivier, Maillard, Munos, Stoltz, "Kullback-Leibler upper confidence bounds for optimal sequential allocation",
 * Annals of Statistics 2013, Algorithm 2. Arms never played come first. With t rounds so far, n of them with an arm, and w how often it
 * accepted 0, 1, ... gamma tokens (policies/lengths.h), as values 0, 1/gamma, ... 1:
 *   q = sup{ mean of v : v on [0, 1], n KL(w, v) <= ln t + c ln ln t }       (policies/kinf.h)
 *   reward=len:  index = 1 + gamma q       reward=rate: (1 + gamma q) / cost, the cost learned (policies/cost.h)
 * The highest plays, ties to the lowest number. Plain decoding emits 1. No geometric law is assumed, and nothing is pooled.
 * Check: w = (.4 .3 .2 .1 0) and budget/n = 0.2 give q = 0.4308228138. */
#include "policies/index.h"
#include "policies/kinf.h"
#include "policies/lengths.h"

enum { REWARD, C, DOUBT };

static int emp_kl_ucb_select(void *state, const struct problem *p, const double *param, struct rng *rng) {
    struct lengths *s = lengths_of(state, p);
    double budget = index_budget(s->log_t, param[C]), best = -1;
    int arm = 0;
    (void)rng;
    for (int i = 0; i < p->K; i++) {
        const double *row = lengths_row(s, p, i);
        int gamma = p->arms[i].gamma;
        if (row[0] == 0) return i;
        double emitted = gamma ? 1 + gamma * kinf_bound(row + 1, gamma, budget / row[0]) : 1;
        double index = param[REWARD] == VALUE_LEN ? emitted : cost_rate(state, p, i, param[DOUBT], emitted);
        if (index > best) best = index, arm = i;
    }
    return arm;
}

static void emp_kl_ucb_update(void *state, const struct problem *p, const double *param, const struct outcome *o) {
    (void)param;
    lengths_update(state, p, o);
}

const struct policy policy_emp_kl_ucb = {
    .name = "emp-kl-ucb", .setting = "stochastic",
    .summary = "KL-UCB on the measured distribution of accepted lengths",
    .cite = "Cappe, Garivier, Maillard, Munos, Stoltz 2013, Algorithm 2",
    .bound = "sum Delta_i ln T / Kinf(arm i, mu_*) (1 + o(1)), the lower bound for bounded rewards",
    .flags = POLICY_SECONDS,
    .params = {
        COST_REWARD,
        {"c", 0, 0, 100, NULL, "factor of ln ln t in the bound; 1 in the paper, 0 in practice"},
        COST_DOUBT,
    },
    .size = lengths_size, .select = emp_kl_ucb_select, .update = emp_kl_ucb_update,
};
