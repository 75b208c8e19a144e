/* kl_ucb_tgd.c - KL-UCB on the acceptance rate of each drafter.
 *
 * Garivier & Cappe, COLT 2011 (KL-UCB), for the accepted lengths of arXiv 2505.15141, eq. (10). Under that model
 * the log-likelihood ratio of a drafter's trials (policies/trials.h) between their mean and q is exactly
 * N kl(accepted/N, q), so the bound on what it may reach after t rounds is
 *   q = sup{ q : N kl(accepted/N, q) <= ln t + c ln ln t },   1 before its first trial
 *   reward=len:  index = mu_gamma(q) = 1 + q + ... + q^gamma          eq. (130)
 *   reward=rate: index = mu_gamma(q) / cost, the cost learned (policies/cost.h)
 * The highest index plays, ties to the lowest number. pooled=0 is KL-UCB for a one-parameter family
 * per arm, which meets the lower bound of Theorem 4.4 for arms of that family.
 * Check: 30 accepted, 12 rejected, t=40, c=0: q = 0.8726464519, mu_4 = 3.8785891453, mu_2 = 2.6341582818. */
#include "policies/index.h"
#include "policies/trials.h"

enum { POOLED, REWARD, C, DOUBT, WARM, ACCEPT };

static double reach(const struct trial *x, const double *param, double budget) {
    (void)param;
    double n = trial_n(x);
    return n > 0 ? bernoulli_bound(x->accepted / n, budget / n) : 1;
}

static void kl_ucb_tgd_init(void *state, const struct problem *p, const double *param) {
    trials_init(state, p, param[WARM], param[ACCEPT]);
}

static int kl_ucb_tgd_select(void *state, const struct problem *p, const double *param, struct rng *rng) {
    const struct trials *s = cost_end(state, p);
    (void)rng;
    return trials_highest(state, p, param, param[POOLED] == 1, param[REWARD] == VALUE_LEN, param[DOUBT], index_budget(s->log_t, param[C]), reach);
}

static void kl_ucb_tgd_update(void *state, const struct problem *p, const double *param, const struct outcome *o) {
    trials_update(state, p, param[POOLED] == 1, o);
}

const struct policy policy_kl_ucb_tgd = {
    .name = "kl-ucb-tgd", .setting = "stochastic",
    .summary = "KL-UCB on each drafter's acceptance rate, all gammas pooled",
    .cite = "Garivier & Cappe 2011; arXiv 2505.15141 eq. (10), (130), (133) for the model",
    .bound = "pooled=0, reward=len: sum (Delta_i/mu_*) ln(len) / KL(TGD_i, TGD_*), the lower bound of Theorem 4.4",
    .flags = POLICY_SECONDS,
    .params = {
        TRIALS_POOLED, COST_REWARD,
        {"c", 0, 0, 100, NULL, "factor of ln ln t in the bound; 3 in the theorem, 0 in practice"},
        COST_DOUBT, TRIALS_WARM,
    },
    .size = trials_size, .init = kl_ucb_tgd_init, .select = kl_ucb_tgd_select, .update = kl_ucb_tgd_update,
};
