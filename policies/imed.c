/* imed.c - IMED for coins: the arm with the least evidence against being best.
 *
 * Honda & Takemura, "Non-asymptotic analysis of a new bandit algorithm for semi-bounded rewards", JMLR 2015.
 * After each arm once, with n rounds of an arm of mean reward x in [0, 1], and x_* the highest mean:
 *   I = n kl(x, x_*) + ln n,   the least plays, ties to the lowest number
 * kl is the divergence of two coins (policies/bernoulli.h); the best arm has I = ln n. No bound is solved for.
 * Check: n = 10, 5, 1 with means .5, .6, .2 give I = 2.5066950656, 1.6094379124, 0.3347952867: arm 2. */
#include "policies/flat.h"
#include "policies/index.h"

enum { REWARD };

static int imed_select(void *state, const struct problem *p, const double *param, struct rng *rng) {
    const struct flat *s = state;
    double most = 0, best = INFINITY;
    int arm = 0;
    (void)param, (void)rng;
    for (int i = 0; i < p->K; i++) {
        if (s->arm[i].n == 0) return i;
        most = elementary_max(most, flat_mean(s, i));
    }
    for (int i = 0; i < p->K; i++) {
        if (s->arm[i].log_n >= best) continue; // the divergence only adds
        double index = index_imed(flat_mean(s, i), s->arm[i].n, s->arm[i].log_n, most);
        if (index < best) best = index, arm = i;
    }
    return arm;
}

static void imed_update(void *state, const struct problem *p, const double *param, const struct outcome *o) {
    flat_update(state, p, param[REWARD], o);
}

const struct policy policy_imed = {
    .name = "imed", .setting = "stochastic",
    .summary = "least evidence against being best, on a [0, 1] reward",
    .cite = "Honda & Takemura 2015",
    .bound = "sum Delta_i ln T / kl(mu_i, mu_*) (1 + o(1)) for coins",
    .flags = POLICY_SECONDS,
    .params = {REWARD_PARAM},
    .size = flat_size, .select = imed_select, .update = imed_update,
};
