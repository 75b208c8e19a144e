/* bayes_ucb.c - Bayes-UCB: a quantile of each drafter's acceptance rate that rises with the rounds.
 *
 * Kaufmann, Cappe, Garivier, "On Bayesian upper confidence bounds for bandit problems", AISTATS 2012, Algorithm 1, for the
 * accepted lengths of arXiv 2505.15141, eq. (10), whose trials (policies/trials.h) have a Beta posterior. In round t + 1:
 *   q = quantile of Beta(a + accepted, b + rejected) at 1 - 1 / ((t + 1) (ln T)^c),   1 before the first trial
 *   reward=len:  index = mu_gamma(q) = 1 + q + ... + q^gamma          eq. (130)
 *   reward=rate: index = mu_gamma(q) / cost, the cost learned (policies/cost.h)
 * The highest plays, ties to the lowest number. T is the horizon; c >= 5 in the theorem, 0 in practice. The quantile
 * inverts the incomplete beta function (policies/beta_inc.h), from the upper tail, where it loses no digits.
 * Check: 30 accepted, 12 rejected, a=b=1, t=39, c=0: q = 0.8281750075. */
#include "policies/beta_inc.h"
#include "policies/trials.h"

enum { POOLED, REWARD, C, HORIZON, A, B, DOUBT };

static double reach(const struct trial *x, const double *param, double tail) {
    if (trial_n(x) == 0) return 1;
    return 1 - beta_quantile(param[B] + x->rejected, param[A] + x->accepted, tail);
}

static int bayes_ucb_select(void *state, const struct problem *p, const double *param, struct rng *rng) {
    const struct trials *s = cost_end(state, p);
    double tail = pow(fmax(log(param[HORIZON]), 1), -param[C]) / (s->t + 1);
    (void)rng;
    return trials_highest(state, p, param, param[POOLED] == 1, param[REWARD] == VALUE_LEN, param[DOUBT], tail, reach);
}

static void bayes_ucb_update(void *state, const struct problem *p, const double *param, const struct outcome *o) {
    trials_update(state, p, param[POOLED] == 1, o);
}

const struct policy policy_bayes_ucb = {
    .name = "bayes-ucb", .setting = "Bayesian",
    .summary = "a rising quantile of each drafter's acceptance rate, all gammas pooled",
    .cite = "Kaufmann, Cappe, Garivier 2012, Algorithm 1; arXiv 2505.15141 eq. (10), (130) for the model",
    .bound = "sum Delta_i ln T / kl(mu_i, mu_*) (1 + o(1)) for coins and c >= 5 (Theorem 1)",
    .flags = POLICY_SECONDS,
    .params = {
        TRIALS_POOLED, COST_REWARD,
        {"c", 0, 0, 100, NULL, "power of ln T in the quantile; 5 in the theorem, 0 in practice"},
        {"horizon", 128, 1, 1e12, NULL, "T, where c is not 0"},
        {"a", 1, 1e-3, 1e6, NULL, "prior successes per drafter"},
        {"b", 1, 1e-3, 1e6, NULL, "prior failures per drafter"},
        COST_DOUBT,
    },
    .size = trials_size, .select = bayes_ucb_select, .update = bayes_ucb_update,
};
