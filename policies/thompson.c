/* thompson.c - Thompson sampling on the acceptance rate of each drafter.
 *
 * Thompson 1933; the accepted lengths of arXiv 2505.15141, eq. (10) (policies/tgd.h), for
 * which the Beta distribution is conjugate: a draft is a run of Bernoulli trials, so a round
 * with A accepted is A successes and, when A < gamma, one failure. Every gamma of a drafter
 * informs all the others. Each round draws theta_d ~ Beta(a + successes, b + failures), once
 * per drafter in index order (pooled=0: of each arm's own trials, once per arm), and plays the arm of
 * highest value, ties to the lowest number:
 *   value=len:  mu_gamma(theta_d) = 1 + theta_d + ... + theta_d^gamma    eq. (130)
 *   value=rate: mu_gamma(theta_d) / cost, tokens per second, the cost learned (policies/cost.h) */
#include "policies/tgd.h"
#include "policies/trials.h"

enum { A, B, VALUE, DOUBT, POOLED };

struct thompson_slot {    // (K) arms, then (D) drafters, behind the struct cost
    double successes, failures;
    double theta;         // of the latest choice
};

static size_t thompson_size(const struct problem *p) {
    return cost_size(p) + (size_t)(p->K + p->D) * sizeof(struct thompson_slot);
}

static double value(const struct cost *c, const struct thompson_slot *slot, const struct problem *p, const double *param, int i) {
    int gamma = p->arms[i].gamma;
    double emitted = gamma ? tgd_mean(gamma, slot[trials_slot(p, param[POOLED] == 1, i)].theta) : 1;
    return param[VALUE] == VALUE_LEN ? emitted : cost_rate(c, p, i, param[DOUBT], emitted);
}

static int thompson_select(void *state, const struct problem *p, const double *param, struct rng *rng) {
    struct thompson_slot *slot = cost_end(state, p);
    bool pooled = param[POOLED] == 1;
    for (int j = pooled ? p->K : 0; j < (pooled ? p->K + p->D : p->K); j++)
        if (pooled || p->arms[j].gamma) slot[j].theta = rng_beta(rng, param[A] + slot[j].successes, param[B] + slot[j].failures);
    double best = -1;
    int arm = 0;
    for (int i = 0; i < p->K; i++) {
        double have = value(state, slot, p, param, i);
        if (have > best) best = have, arm = i;
    }
    return arm;
}

static void thompson_update(void *state, const struct problem *p, const double *param, const struct outcome *o) {
    cost_update(state, p, o);
    if (!p->arms[o->arm].gamma) return;
    struct thompson_slot *d = (struct thompson_slot *)cost_end(state, p) + trials_slot(p, param[POOLED] == 1, o->arm);
    d->successes += o->accepted;
    d->failures += o->accepted < o->gamma;
}

const struct policy policy_thompson = {
    .name = "thompson", .setting = "Bayesian",
    .summary = "Thompson sampling on each drafter's acceptance rate, all gammas pooled",
    .cite = "Thompson 1933; arXiv 2505.15141 eq. (10), (130) for the model",
    .bound = "(1+eps) sum Delta_i ln T / kl + O(K/eps^2) for Bernoulli arms (Agrawal & Goyal 2012)",
    .flags = POLICY_RANDOM | POLICY_SECONDS,
    .params = {
        {"a", 1, 1e-3, 1e6, NULL, "prior successes per drafter"},
        {"b", 1, 1e-3, 1e6, NULL, "prior failures per drafter"},
        {"value", VALUE_RATE, 0, 1, "rate|len", "maximise tokens per second, or emitted tokens per round"},
        COST_DOUBT, TRIALS_POOLED,
    },
    .size = thompson_size, .select = thompson_select, .update = thompson_update,
};
