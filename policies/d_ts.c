/* d_ts.c - discounted Thompson sampling, for a best arm that drifts.
 *
 * Raj & Kalyani, "Taming non-stationary bandits: a Bayesian approach", 2017, arXiv 1707.09727, Algorithm 1, with rewards
 * in [0, 1] counted as fractions of a success. Counts N and reward sums X fade by `keep` a round (policies/fade.h):
 *   theta_i ~ Beta(a + X, b + N - X) in index order,   the highest plays, ties to the lowest number
 * The prior does not fade: an arm left aside becomes uncertain again, and is tried again.
 * Check: keep=1, a=b=1 is Thompson sampling for coins. */
#include "policies/fade.h"

enum { REWARD, KEEP, A, B };
enum { SOME = 16 }; // arms drawn at a time

static int d_ts_select(void *state, const struct problem *p, const double *param, struct rng *rng) {
    const struct fade *s = state;
    double best = -1;
    int arm = 0;
    for (int from = 0; from < p->K; from += SOME) {
        double a[SOME], b[SOME], theta[SOME];
        const int n = p->K - from < SOME ? p->K - from : SOME;
        for (int k = 0; k < n; k++) {
            double won = fade_sum(s, from + k);
            a[k] = param[A] + won, b[k] = param[B] + (s->arm[from + k].n - won);
        }
        rng_beta_each(rng, a, b, theta, n);
        for (int k = 0; k < n; k++)
            if (theta[k] > best) best = theta[k], arm = from + k;
    }
    return arm;
}

static void d_ts_update(void *state, const struct problem *p, const double *param, const struct outcome *o) {
    fade_update(state, p, param[REWARD], param[KEEP], o);
}

const struct policy policy_d_ts = {
    .name = "d-ts", .setting = "drifting",
    .summary = "Thompson sampling on rewards that fade",
    .cite = "Raj & Kalyani 2017, arXiv 1707.09727, Algorithm 1",
    .flags = POLICY_RANDOM | POLICY_SECONDS,
    .params = {
        REWARD_PARAM, FADE_KEEP,
        {"a", 1, 1e-3, 1e6, NULL, "prior successes per arm"},
        {"b", 1, 1e-3, 1e6, NULL, "prior failures per arm"},
    },
    .size = fade_size, .select = d_ts_select, .update = d_ts_update,
};
