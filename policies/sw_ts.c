/* sw_ts.c - Thompson sampling on the latest rounds only, for a best arm that changes.
 *
 * Trovo, Paladino, Restelli, Gatti, "Sliding-window Thompson sampling for non-stationary environments", JAIR 2020, Algorithm 1,
 * with rewards in [0, 1] counted as fractions of a success. With the latest min(t, window) rounds only
 * (policies/window.h), N of them with an arm and X the sum of their rewards:
 *   theta_i ~ Beta(a + X, b + N - X) in index order,   the highest plays, ties to the lowest number
 * Check: window=1024, a=b=1 is Thompson sampling for coins for the first 1024 rounds. */
#include "policies/window.h"

enum { REWARD, WINDOW, A, B };
enum { SOME = 16 }; // arms drawn at a time

static int sw_ts_check(const struct problem *p, const double *param, struct err *err) {
    (void)p;
    return whole("sw-ts", "window", param[WINDOW], err);
}

static int sw_ts_select(void *state, const struct problem *p, const double *param, struct rng *rng) {
    const struct window *s = state;
    double best = -1;
    int arm = 0;
    for (int from = 0; from < p->K; from += SOME) {
        double a[SOME], b[SOME], theta[SOME];
        const int n = p->K - from < SOME ? p->K - from : SOME;
        for (int k = 0; k < n; k++) {
            double won = window_sum(s, from + k);
            a[k] = param[A] + won, b[k] = param[B] + (s->arm[from + k].n - won);
        }
        rng_beta_each(rng, a, b, theta, n);
        for (int k = 0; k < n; k++)
            if (theta[k] > best) best = theta[k], arm = from + k;
    }
    return arm;
}

static void sw_ts_update(void *state, const struct problem *p, const double *param, const struct outcome *o) {
    window_update(state, p, param[REWARD], (int)param[WINDOW], o);
}

const struct policy policy_sw_ts = {
    .name = "sw-ts", .setting = "drifting",
    .summary = "Thompson sampling on the latest rounds only",
    .cite = "Trovo, Paladino, Restelli, Gatti, JAIR 2020, Algorithm 1",
    .bound = "O( sqrt(T) ) up to logarithms on abrupt changes when window ~ sqrt(T)",
    .flags = POLICY_RANDOM | POLICY_SECONDS,
    .params = {
        REWARD_PARAM, WINDOW_ROUNDS,
        {"a", 1, 1e-3, 1e6, NULL, "prior successes per arm"},
        {"b", 1, 1e-3, 1e6, NULL, "prior failures per arm"},
    },
    .check = sw_ts_check,
    .size = window_size, .select = sw_ts_select, .update = sw_ts_update,
};
