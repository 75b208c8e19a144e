/* lints.c - linear Thompson sampling: a reward linear in the context, drawn from its posterior.
 *
 * Agrawal & Goyal, "Thompson sampling for contextual bandits with linear payoffs", ICML 2013, Algorithm 1. With
 * ridge regressions (policies/linear.h) of the context z each round draws, models in order of arms,
 *   theta~ ~ N( theta, v^2 A^-1 )   as   theta + v C'^-1 g,   A = C C', g standard normal,
 * and plays the highest theta~ . z, ties to the lowest number. v = R sqrt(9 m ln(t/delta)) in the theorem; practice
 * takes a constant. form=shared has one model and one draw a round (policies/linear_arms.h).
 * Rewards are kept raw: theta is scaled when read, the noise is not (policies/reward.h).
 * Check: v=0 plays the highest prediction. */
#include "policies/linear_arms.h"

enum { REWARD, FORM, V, LAMBDA };

static size_t lints_size(const struct problem *p) { return linear_arms_size(p); }

static int lints_check(const struct problem *p, const double *param, struct err *err) {
    return linear_arms_check(p, "lints", param[FORM], err);
}

static void lints_init(void *state, const struct problem *p, const double *param) {
    linear_arms_init(state, p, param[FORM], param[LAMBDA]);
}

static int lints_select(void *state, const struct problem *p, const double *param, const struct view *v, struct rng *rng) {
    struct linear_arms *s = state;
    double phi[LINEAR_MAX], noise[LINEAR_MAX], best = -INFINITY;
    int arm = 0;
    linear_arms_see(s, p, v);
    for (int i = 0; i < p->K; i++) {
        struct linear *l = linear_arms_model(s, p, param[FORM], i);
        const double *z = linear_arms_phi(s, p, param[FORM], i, phi);
        double reward = linear_mean(l, z) * s->reward.scale;
        if (i == 0 || param[FORM] == DISJOINT) linear_noise(l, rng, noise);
        for (int k = 0; k < (int)l->m; k++) reward += param[V] * noise[k] * z[k];
        if (reward > best) best = reward, arm = i;
    }
    return arm;
}

static void lints_update(void *state, const struct problem *p, const double *param, const struct outcome *o) {
    linear_arms_update(state, p, param[FORM], param[REWARD], o);
}

const struct policy policy_lints = {
    .name = "lints", .setting = "contextual",
    .summary = "Thompson sampling on a reward linear in the context",
    .cite = "Agrawal & Goyal 2013, Algorithm 1",
    .bound = "O( m^(3/2) sqrt(T) ) up to logarithms for the v of Theorem 1",
    .flags = POLICY_RANDOM | POLICY_SECONDS | FEATURES_ASKS,
    .params = {
        REWARD_PARAM, LINEAR_FORM,
        {"v", 0.25, 0, 100, NULL, "standard deviations of the posterior that are drawn"},
        LINEAR_LAMBDA,
    },
    .check = lints_check,
    .size = lints_size, .init = lints_init, .select_seeing = lints_select, .update = lints_update,
};
