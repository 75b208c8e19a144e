/* imed_tgd.c - IMED on the acceptance rate of each drafter.
 *
 * Honda & Takemura, "Non-asymptotic analysis of a new bandit algorithm for semi-bounded rewards", JMLR 2015
 * (IMED), for the accepted lengths of arXiv 2505.15141, eq. (10). Let v_i = mu_gamma(accepted/N) / cost be
 * the value of an arm (cost = 1 with reward=len) and v its maximum. An arm would have to accept
 *   q_i = mu_gamma^-1(v cost_i)
 * to be as good, and the least of
 *   I_i = N kl(accepted/N, q_i) + ln N
 * plays, ties to the lowest number. N counts trials (policies/trials.h), rounds for plain decoding. I is -infinity
 * before the first trial, ln N for the best arm and +infinity where no acceptance rate reaches v.
 * Of a drafter never tried its longest draft plays: it tells the most.
 * Check: one gamma, reward=len: the Bernoulli rule, see policies/index.h. */
#include "policies/bernoulli.h"
#include "policies/tgd.h"
#include "policies/trials.h"

enum { POOLED, REWARD, DOUBT, WARM, ACCEPT };

/* What a round of arm `i` is divided by. */
static double price(const struct cost *c, const struct problem *p, const double *param, int i) {
    return param[REWARD] == VALUE_LEN || c->verify.n == 0 ? 1 : cost_seconds(c, p, i, param[DOUBT]);
}

/* The longest draft among the arms without trials, -1 when all have some. */
static int untried(const struct trials *s, const struct problem *p, bool pooled) {
    int arm = -1;
    for (int i = 0; i < p->K; i++)
        if (trial_n(&s->slot[trials_slot(p, pooled, i)]) == 0 && (arm < 0 || p->arms[i].gamma > p->arms[arm].gamma)) arm = i;
    return arm;
}

static void imed_tgd_init(void *state, const struct problem *p, const double *param) {
    trials_init(state, p, param[WARM], param[ACCEPT]);
}

static int imed_tgd_select(void *state, const struct problem *p, const double *param, struct rng *rng) {
    struct trials *s = cost_end(state, p);
    bool pooled = param[POOLED] == 1;
    int arm = untried(s, p, pooled);
    double most = 0, best = INFINITY;
    (void)rng;
    if (arm >= 0) return arm;
    for (int i = 0; i < p->K; i++) { // memo of an arm: its price
        const struct trial *x = &s->slot[trials_slot(p, pooled, i)];
        double emitted = tgd_mean(p->arms[i].gamma, x->accepted / trial_n(x));
        s->slot[i].memo = price(state, p, param, i);
        most = elementary_max(most, emitted / s->slot[i].memo);
    }
    for (int i = arm = 0; i < p->K; i++) {
        const struct trial *x = &s->slot[trials_slot(p, pooled, i)];
        int gamma = p->arms[i].gamma;
        double n = trial_n(x), mean = x->accepted / n, wanted = most * s->slot[i].memo, divergence = 0;
        if (tgd_mean(gamma, mean) < wanted * (1 - 1e-15)) // rounding: the best arm itself
            divergence = wanted < gamma + 1 ? n * bernoulli_kl(mean, tgd_mean_inverse(gamma, wanted)) : INFINITY;
        double index = divergence + elementary_log(n);
        if (index < best) best = index, arm = i;
    }
    return arm;
}

static void imed_tgd_update(void *state, const struct problem *p, const double *param, const struct outcome *o) {
    trials_update(state, p, param[POOLED] == 1, o);
}

const struct policy policy_imed_tgd = {
    .name = "imed-tgd", .setting = "stochastic",
    .summary = "least evidence against being best, on each drafter's acceptance rate",
    .cite = "Honda & Takemura 2015; arXiv 2505.15141 eq. (10), (130), (133) for the model",
    .bound = "pooled=0, reward=len: sum (Delta_i/mu_*) ln(len) / KL(TGD_i, TGD_*), the lower bound of Theorem 4.4",
    .flags = POLICY_SECONDS,
    .params = {TRIALS_POOLED, COST_REWARD, COST_DOUBT, TRIALS_WARM},
    .size = trials_size, .init = imed_tgd_init, .select = imed_tgd_select, .update = imed_tgd_update,
};
