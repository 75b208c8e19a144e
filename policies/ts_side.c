/* ts_side.c - Thompson sampling that learns of every gamma of a drafter from each of its rounds.
 *
 * Thompson 1933 with what a round at one gamma tells the others (policies/side.h; side observations after Caron et al. 2012). With m the
 * mean accepted tokens of an arm and n the number of rounds behind it, both 0 while a depth was never tested, in index order:
 *   theta ~ Beta( a + n m/gamma, b + n (1 - m/gamma) ),   v = 1 + gamma theta
 *   reward=len: value = v        reward=rate: v / cost, the cost learned (policies/cost.h)
 * The highest plays, ties to the lowest number. Plain decoding emits 1. ts-hazard draws each depth instead of each arm.
 * Check: one gamma, reward=len: ts-bern on accepted / gamma. */
#include "policies/side.h"

enum { A, B, REWARD, DOUBT };
enum { SOME = 16 }; // arms drawn at a time

static int ts_side_select(void *state, const struct problem *p, const double *param, struct rng *rng) {
    double best = -1;
    int arm = 0;
    for (int from = 0; from < p->K; from += SOME) {
        double a[SOME], b[SOME], theta[SOME];
        const int upto = p->K - from < SOME ? p->K : from + SOME;
        int drawn = 0, next = 0;
        for (int i = from; i < upto; i++) {
            if (p->arms[i].gamma == 0) continue;
            double n, mean = side_mean(side_of(state, p), p, i, &n), won = fmin(n * mean / p->arms[i].gamma, n);
            a[drawn] = param[A] + won, b[drawn++] = param[B] + (n - won);
        }
        rng_beta_each(rng, a, b, theta, drawn);
        for (int i = from; i < upto; i++) {
            double emitted = p->arms[i].gamma ? 1 + p->arms[i].gamma * theta[next++] : 1;
            double value = param[REWARD] == VALUE_LEN ? emitted : cost_rate(state, p, i, param[DOUBT], emitted);
            if (value > best) best = value, arm = i;
        }
    }
    return arm;
}

static void ts_side_update(void *state, const struct problem *p, const double *param, const struct outcome *o) {
    (void)param;
    side_update(state, p, o);
}

const struct policy policy_ts_side = {
    .name = "ts-side", .setting = "Bayesian",
    .summary = "Thompson sampling where a round tells all gammas of its drafter",
    .cite = "Thompson 1933; Caron, Kveton, Lelarge, Bhagat 2012; Kaplan & Meier 1958 for lengths cut off at gamma",
    .flags = POLICY_RANDOM | POLICY_SECONDS,
    .params = {
        {"a", 1, 1e-3, 1e6, NULL, "prior successes per arm"},
        {"b", 1, 1e-3, 1e6, NULL, "prior failures per arm"},
        COST_REWARD, COST_DOUBT,
    },
    .size = side_size, .select = ts_side_select, .update = ts_side_update,
};
