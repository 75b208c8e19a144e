/* thompson.c - Thompson sampling on the acceptance rate of each drafter.
 *
 * Thompson 1933; the accepted lengths of arXiv 2505.15141, eq. (10) (policies/tgd.h), for
 * which the Beta distribution is conjugate: a draft is a run of Bernoulli trials, so a round
 * with A accepted is A successes and, when A < gamma, one failure. Every gamma of a drafter
 * informs all the others. Each round draws theta_d ~ Beta(a + successes, b + failures), once
 * per drafter in index order, and plays the arm of highest value, ties to the lowest number:
 *   value=len:  mu_gamma(theta_d) = 1 + theta_d + ... + theta_d^gamma    eq. (130)
 *   value=rate: mu_gamma(theta_d) / cost, tokens per second, the cost learned (policies/cost.h) */
#include "policies/cost.h"
#include "policies/tgd.h"

enum { A, B, VALUE, DOUBT };

struct thompson_drafter { // (D), behind the struct cost; then (D, 2) struct rng_shape of a + successes and b + failures, ready to be
    double successes, failures; // drawn from, and (D) theta of the latest choice
};

static size_t thompson_size(const struct problem *p) {
    return cost_size(p) + (size_t)p->D * (sizeof(struct thompson_drafter) + 2 * sizeof(struct rng_shape) + sizeof(double));
}

static struct rng_shape *shapes(void *state, const struct problem *p) {
    return (struct rng_shape *)((struct thompson_drafter *)cost_end(state, p) + p->D);
}

static void thompson_init(void *state, const struct problem *p, const double *param) {
    struct rng_shape *shape = shapes(state, p);
    for (int d = 0; d < p->D; d++) shape[2 * d] = rng_shape(param[A]), shape[2 * d + 1] = rng_shape(param[B]);
}

static double value(const struct cost *c, const double *theta, const struct problem *p, const double *param, int i) {
    const struct arm *arm = &p->arms[i];
    double emitted = arm->gamma ? tgd_mean(arm->gamma, theta[arm->drafter]) : 1;
    return param[VALUE] == VALUE_LEN ? emitted : cost_rate(c, p, i, param[DOUBT], emitted);
}

static int thompson_select(void *state, const struct problem *p, const double *param, struct rng *rng) {
    struct rng_shape *shape = shapes(state, p);
    double *theta = (double *)(shape + 2 * p->D), best = -1;
    int arm = 0;
    rng_betas(rng, shape, theta, p->D);
    for (int i = 0; i < p->K; i++) {
        double have = value(state, theta, p, param, i);
        if (have > best) best = have, arm = i;
    }
    return arm;
}

static void thompson_update(void *state, const struct problem *p, const double *param, const struct outcome *o) {
    const struct arm *arm = &p->arms[o->arm];
    if (param[VALUE] != VALUE_LEN) cost_update(state, p, o);
    if (!arm->gamma) return;
    struct thompson_drafter *d = (struct thompson_drafter *)cost_end(state, p) + arm->drafter;
    struct rng_shape *shape = shapes(state, p) + 2 * arm->drafter;
    shape[0] = rng_shape(param[A] + (d->successes += o->accepted));
    shape[1] = rng_shape(param[B] + (d->failures += o->accepted < o->gamma));
}

const struct policy policy_thompson = {
    .name = "thompson", .setting = "stochastic",
    .summary = "Thompson sampling on each drafter's acceptance rate, all gammas pooled",
    .cite = "Thompson 1933; arXiv 2505.15141 eq. (10), (130) for the model",
    .bound = "(1+eps) sum Delta_i ln T / kl + O(K/eps^2) for Bernoulli arms (Agrawal & Goyal 2012)",
    .flags = POLICY_RANDOM | POLICY_SECONDS,
    .params = {
        {"a", 1, 1e-3, 1e6, NULL, "prior successes per drafter"},
        {"b", 1, 1e-3, 1e6, NULL, "prior failures per drafter"},
        {"value", VALUE_RATE, 0, 1, "rate|len", "maximise tokens per second, or emitted tokens per round"},
        COST_DOUBT,
    },
    .size = thompson_size, .init = thompson_init, .select = thompson_select, .update = thompson_update,
};
