/* imed_emp.c - IMED on accepted lengths, whatever their distribution.
 *
 * Honda & Takemura, "Non-asymptotic analysis of a new bandit algorithm for semi-bounded rewards", JMLR 2015, Algorithm 1.
 * Arms never played come first. With n rounds of an arm, w how often it accepted 0, 1, ... gamma tokens
 * (policies/lengths.h), v_i = mean emitted / cost its value (cost = 1 with reward=len) and v the highest of these:
 *   I = n Kinf(w, (v cost - 1) / gamma) + ln n,   the least plays, ties to the lowest number
 * Kinf (policies/kinf.h) is how far w is from a distribution on [0, 1], in units of gamma, that would be as good; +infinity where none
 * is, 0 for the best arm. Plain decoding emits 1 for certain: it plays only as the best.
 * Check: an arm that accepts 0 or gamma = 1: the Bernoulli rule, see policies/index.h. */
#include "core/elementary.h"
#include "policies/kinf.h"
#include "policies/lengths.h"

enum { REWARD, DOUBT };

/* What a round of arm `i` is divided by. */
static double price(const struct cost *c, const struct problem *p, const double *param, int i) {
    return param[REWARD] == VALUE_LEN || c->verify.n == 0 ? 1 : cost_seconds(c, p, i, param[DOUBT]);
}

static double mean_emitted(const double *row, int gamma) {
    double sum = 0;
    for (int k = 1; k <= gamma; k++) sum += k * row[1 + k];
    return 1 + sum / row[0];
}

static int imed_emp_select(void *state, const struct problem *p, const double *param, struct rng *rng) {
    struct lengths *s = lengths_of(state, p);
    double most = 0, least = INFINITY;
    int arm = 0;
    (void)rng;
    for (int i = 0; i < p->K; i++) {
        const double *row = lengths_row(s, p, i);
        if (row[0] == 0) return i;
        double value = mean_emitted(row, p->arms[i].gamma) / price(state, p, param, i);
        if (value > most) most = value, arm = i;
    }
    for (int i = 0, best = arm; i < p->K; i++) {
        const double *row = lengths_row(s, p, i);
        int gamma = p->arms[i].gamma;
        double wanted = most * price(state, p, param, i) - 1, far = i == best ? 0 : INFINITY;
        if (i != best && gamma) far = row[0] * kinf(row + 1, gamma, wanted / gamma);
        double index = far + elementary_log(row[0]);
        if (index < least) least = index, arm = i;
    }
    return arm;
}

static void imed_emp_update(void *state, const struct problem *p, const double *param, const struct outcome *o) {
    (void)param;
    lengths_update(state, p, o);
}

const struct policy policy_imed_emp = {
    .name = "imed-emp", .setting = "stochastic",
    .summary = "least evidence against being best, on the measured distribution of accepted lengths",
    .cite = "Honda & Takemura 2015, Algorithm 1",
    .bound = "sum Delta_i ln T / Kinf(arm i, mu_*) (1 + o(1)), the lower bound for bounded rewards",
    .flags = POLICY_SECONDS,
    .params = {COST_REWARD, COST_DOUBT},
    .size = lengths_size, .select = imed_emp_select, .update = imed_emp_update,
};
