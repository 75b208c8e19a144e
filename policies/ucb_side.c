/* ucb_side.c - UCB that learns of every gamma of a drafter from each of its rounds.
 *
 * Caron, Kveton, Lelarge, Bhagat, "Leveraging side observations in stochastic bandits", UAI 2012 (UCB-N), with what a round at one gamma
 * tells the others (policies/side.h). With t rounds so far, m the mean accepted tokens of an arm and n the number of rounds behind it:
 *   v = min( 1 + m + gamma sqrt( alpha ln t / n ), gamma + 1 ),   gamma + 1 while a depth was never tested
 *   reward=len: index = v        reward=rate: v / cost, the cost learned (policies/cost.h)
 * The highest plays, ties to the lowest number. Plain decoding emits 1. gamma is the width of what an arm accepts.
 * Check: one gamma, reward=len: UCB1 on accepted / gamma. */
#include "policies/side.h"

enum { REWARD, ALPHA, DOUBT };

static double reach(struct side *s, const struct problem *p, const double *param, int i) {
    double gamma = p->arms[i].gamma, n, mean = gamma ? side_mean(s, p, i, &n) : 0;
    if (gamma == 0) return 1;
    return n > 0 ? fmin(1 + mean + gamma * sqrt(param[ALPHA] * s->log_t / n), gamma + 1) : gamma + 1;
}

static int ucb_side_select(void *state, const struct problem *p, const double *param, struct rng *rng) {
    double best = -1;
    int arm = 0;
    (void)rng;
    for (int i = 0; i < p->K; i++) {
        double emitted = reach(side_of(state, p), p, param, i);
        double index = param[REWARD] == VALUE_LEN ? emitted : cost_rate(state, p, i, param[DOUBT], emitted);
        if (index > best) best = index, arm = i;
    }
    return arm;
}

static void ucb_side_update(void *state, const struct problem *p, const double *param, const struct outcome *o) {
    (void)param;
    side_update(state, p, o);
}

const struct policy policy_ucb_side = {
    .name = "ucb-side", .setting = "stochastic",
    .summary = "UCB1 where a round tells all gammas of its drafter",
    .cite = "Caron, Kveton, Lelarge, Bhagat 2012; Kaplan & Meier 1958 for lengths cut off at gamma",
    .bound = "O( ln T ) per drafter instead of per arm (UCB-N, for observations that depend on the arm alone)",
    .flags = POLICY_SECONDS,
    .params = {
        COST_REWARD,
        {"alpha", 0.5, 1e-6, 100, NULL, "width of the bound; 2 in UCB1, 0.5 in practice"},
        COST_DOUBT,
    },
    .size = side_size, .select = ucb_side_select, .update = ucb_side_update,
};
