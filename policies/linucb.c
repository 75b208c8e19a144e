/* linucb.c - LinUCB, an upper confidence bound on a reward linear in the context.
 *
 * form=disjoint: Li, Chu, Langford, Schapire, "A contextual-bandit approach to personalized news article
 *   recommendation", WWW 2010, Algorithm 1. With a ridge regression per arm (policies/linear.h) and context z
 *     index = theta . z + alpha sqrt( z' A^-1 z ),   the highest plays, ties to the lowest number
 *   alpha = 1 + sqrt( ln(2/delta) / 2 ) in the paper, 2.36 at delta 0.05; less in practice.
 * form=shared: Abbasi-Yadkori, Pal, Szepesvari, "Improved algorithms for linear stochastic bandits", NeurIPS 2011
 *   (OFUL), Theorem 2: one regression for all arms (policies/linear_arms.h), and in place of alpha
 *     beta = R sqrt( 2 ln( det(A)^(1/2) / (lambda^(m/2) delta) ) ) + sqrt(lambda) S
 *   with R = alpha / 2, since rewards in [0, 1] are 1/2-subgaussian, and |theta| <= S = 1.
 * Rewards in raw units leave theta raw; its prediction is scaled to [0, 1] when read (policies/reward.h).
 * Check: nothing learned, alone: index = alpha |z| / sqrt(lambda), the same for all arms but for z_5. */
#include "policies/linear_arms.h"

enum { REWARD, FORM, ALPHA, LAMBDA, DELTA };

static double radius(const struct linear *l, const double *param) {
    if (param[FORM] == DISJOINT) return param[ALPHA];
    return param[ALPHA] / 2 * sqrt(l->log_det + 2 * log(1 / param[DELTA])) + sqrt(param[LAMBDA]);
}

static size_t linucb_size(const struct problem *p) { return linear_arms_size(p); }

static int linucb_check(const struct problem *p, const double *param, struct err *err) {
    return linear_arms_check(p, "linucb", param[FORM], err);
}

static void linucb_init(void *state, const struct problem *p, const double *param) {
    linear_arms_init(state, p, param[FORM], param[LAMBDA]);
}

static int linucb_select(void *state, const struct problem *p, const double *param, const struct view *v, struct rng *rng) {
    struct linear_arms *s = state;
    double phi[LINEAR_MAX], best = -INFINITY;
    int arm = 0;
    (void)rng;
    linear_arms_see(s, p, v);
    for (int i = 0; i < p->K; i++) {
        const struct linear *l = linear_arms_model(s, p, param[FORM], i);
        const double *z = linear_arms_phi(s, p, param[FORM], i, phi);
        double index = linear_mean(l, z) * s->reward.scale + radius(l, param) * linear_width(l, z);
        if (index > best) best = index, arm = i;
    }
    return arm;
}

static void linucb_update(void *state, const struct problem *p, const double *param, const struct outcome *o) {
    linear_arms_update(state, p, param[FORM], param[REWARD], o);
}

const struct policy policy_linucb = {
    .name = "linucb", .setting = "contextual",
    .summary = "upper confidence bound on a reward linear in the context",
    .cite = "Li, Chu, Langford, Schapire 2010, Algorithm 1; Abbasi-Yadkori, Pal, Szepesvari 2011, Theorem 2 for form=shared",
    .bound = "O( m sqrt(T) ln T ) for form=shared (2011, Theorem 3); disjoint: sqrt(T m) up to logarithms for its supervised variant",
    .flags = POLICY_SECONDS | FEATURES_ASKS,
    .params = {
        REWARD_PARAM, LINEAR_FORM,
        {"alpha", 1, 0, 100, NULL, "width of the bound; of form=shared twice the noise R"},
        LINEAR_LAMBDA,
        {"delta", 0.05, 1e-12, 1, NULL, "of form=shared: chance that the bound fails"},
    },
    .check = linucb_check,
    .size = linucb_size, .init = linucb_init, .select_seeing = linucb_select, .update = linucb_update,
};
