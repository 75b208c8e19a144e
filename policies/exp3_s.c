/* exp3_s.c - EXP3.S, exponential weights that follow a best arm that changes.
 *
 * Auer, Cesa-Bianchi, Freund, Schapire, "The nonstochastic multiarmed bandit problem", SIAM J. Computing 2002,
 * section 8. As EXP3 (policies/exp3.c), and every weight gets a share of their sum W, so that none is ever lost:
 *   w_i = w_i exp( g x_i / K ) + (e alpha / K) W,   x_i = x / p_i for the arm played, else 0
 *   alpha = 1 / horizon,   g = min(1, sqrt( K (S ln(K horizon) + e) / ((e-1) horizon) ))    Corollary 8.3
 * S counts the stretches between changes of the best arm. Weights are divided by the largest when one passes
 * 1e100, which leaves p as it was.
 * Check: K=2, nothing accepted: p stays (1/2, 1/2). */
#include "policies/reward.h"

enum { REWARD, HORIZON, SWITCHES };

struct exp3_s {
    double mix, share;    // g, e alpha / K
    double total;         // W
    struct reward reward;
    double w[];           // (3, K): weights; W p_i of the latest choice, and their sums so far
};

static size_t exp3_s_size(const struct problem *p) { return sizeof(struct exp3_s) + 3 * (size_t)p->K * sizeof(double); }

static void exp3_s_init(void *state, const struct problem *p, const double *param) {
    struct exp3_s *s = state;
    double e = elementary_exp(1), T = param[HORIZON];
    s->mix = elementary_min(1, sqrt(p->K * (param[SWITCHES] * elementary_log(p->K * T) + e) / ((e - 1) * T)));
    s->share = e / T / p->K;
    s->total = p->K;
    for (int i = 0; i < p->K; i++) s->w[i] = 1, s->w[p->K + i] = 1;
}

static int exp3_s_select(void *state, const struct problem *p, const double *param, struct rng *rng) {
    struct exp3_s *s = state;
    double total = 0, *mixed = s->w + p->K, *upto = mixed + p->K;
    (void)param;
    for (int i = 0; i < p->K; i++) total += s->w[i];
    double share = s->mix / p->K * total, sum = 0;
    for (int i = 0; i < p->K; i++) upto[i] = sum += mixed[i] = (1 - s->mix) * s->w[i] + share;
    s->total = total;
    return rng_pick_upto(rng, upto, p->K);
}

static void exp3_s_update(void *state, const struct problem *p, const double *param, const struct outcome *o) {
    struct exp3_s *s = state;
    double x = reward_of(&s->reward, p, param[REWARD], o), share = s->share * s->total, most = 0;
    s->w[o->arm] *= elementary_exp(s->mix * x * s->total / (p->K * elementary_max(s->w[p->K + o->arm], 1e-12 * s->total)));
    for (int i = 0; i < p->K; i++) most = elementary_max(s->w[i] += share, most);
    if (most < 1e100) return;
    for (int i = 0; i < p->K; i++) s->w[i] /= most;
}

const struct policy policy_exp3_s = {
    .name = "exp3-s", .setting = "drifting",
    .summary = "exponential weights that share, to follow a best arm that changes",
    .cite = "Auer, Cesa-Bianchi, Freund, Schapire 2002, section 8",
    .bound = "2 sqrt(e-1) sqrt( K T (S ln(K T) + e) ) against the best S stretches when horizon = T (Corollary 8.3)",
    .flags = POLICY_RANDOM | POLICY_SECONDS,
    .params = {
        REWARD_PARAM,
        {"horizon", 128, 1, 1e12, NULL, "rounds that the exploration is tuned for"},
        {"switches", 3, 1, 1e6, NULL, "stretches with one best arm each, within the horizon"},
    },
    .size = exp3_s_size, .init = exp3_s_init, .select = exp3_s_select, .update = exp3_s_update,
};
