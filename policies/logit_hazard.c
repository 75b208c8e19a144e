/* logit_hazard.c - the chance that each drafted token is accepted, by logistic regression on the context.
 *
 * Ours, after the generalized linear bandits of Filippi, Cappe, Garivier, Szepesvari 2010. A draft is a run of trials: the
 * k-th token is tested when those before it were accepted, so a round with A accepted of gamma is A successes and, when
 * A < gamma, one failure at depth A + 1. Per drafter d, in context z (policies/features.h) and with x = (z, k / L),
 *   h_k = sigmoid( w_d . x + alpha sqrt( x' S_d x ) )          policies/logistic.h, one Newton step a trial
 *   reward=len:  v = 1 + h_1 + h_1 h_2 + ... + h_1 ... h_gamma
 *   reward=rate: v / cost, the cost learned (policies/cost.h)
 * plays highest, ties to the lowest number. What a copier has found (view.peek) bounds its draft: deeper h are 0, and
 * tokens it did not propose are no failures.
 * Check: nothing learned, alpha=0: h = 1/2, so reward=len plays the longest draft. */
#include "policies/chain.h"
#include "policies/cost.h"
#include "policies/features.h"
#include "policies/logistic.h"

enum { REWARD, ALPHA, VARIANCE, HESSIAN, DOUBT };
enum { M = FEATURES + 1 };

struct logit_hazard { // (D), behind the struct cost and the struct features
    double z[FEATURES];   // of the newest choice
    double most;          // tokens the copier found, -1 where that is not known
    double at[];          // struct logistic, then (L) hazards of the newest choice
};

static size_t each_size(const struct problem *p) { return sizeof(struct logit_hazard) + logistic_size(M) + (size_t)p->L * sizeof(double); }

static size_t logit_hazard_size(const struct problem *p) { return cost_size(p) + features_size(p) + (size_t)p->D * each_size(p); }

static struct features *features(void *state, const struct problem *p) { return cost_end(state, p); }

static struct logit_hazard *drafter(void *state, const struct problem *p, int d) {
    return (struct logit_hazard *)((char *)features(state, p) + features_size(p) + (size_t)d * each_size(p));
}

static struct logistic *model(struct logit_hazard *s) { return (struct logistic *)s->at; }

static double *hazards(struct logit_hazard *s) { return (double *)((char *)s->at + logistic_size(M)); }

static void logit_hazard_init(void *state, const struct problem *p, const double *param) {
    features_init(features(state, p));
    for (int d = 0; d < p->D; d++) logistic_init(model(drafter(state, p, d)), M, param[VARIANCE]);
}

static void at_depth(const struct logit_hazard *s, const struct problem *p, int k, double x[M]) {
    for (int i = 0; i < FEATURES; i++) x[i] = s->z[i];
    x[FEATURES] = (double)k / p->L;
}

static void predict(struct logit_hazard *s, const struct problem *p, const double *param) {
    double x[M], variance;
    for (int k = 1; k <= p->L; k++) {
        at_depth(s, p, k, x);
        double logit = logistic_logit(model(s), x, &variance) + param[ALPHA] * sqrt(variance);
        hazards(s)[k - 1] = s->most >= 0 && k > s->most ? 0 : sigmoid(logit);
    }
}

static int logit_hazard_select(void *state, const struct problem *p, const double *param, const struct view *v, struct rng *rng) {
    double best = -1;
    int arm = 0;
    (void)rng;
    for (int d = 0; d < p->D; d++) {
        struct logit_hazard *s = drafter(state, p, d);
        features_see(features(state, p), v, d, s->z);
        s->most = v->peek ? v->peek[d].proposed : -1;
        predict(s, p, param);
    }
    for (int i = 0; i < p->K; i++) {
        const struct arm *x = &p->arms[i];
        double emitted = x->gamma ? chain_mean(hazards(drafter(state, p, x->drafter)), x->gamma) : 1;
        double value = param[REWARD] == VALUE_LEN ? emitted : cost_rate(state, p, i, param[DOUBT], emitted);
        if (value > best) best = value, arm = i;
    }
    return arm;
}

static void logit_hazard_update(void *state, const struct problem *p, const double *param, const struct outcome *o) {
    cost_update(state, p, o);
    features_update(features(state, p), p, o);
    if (!p->arms[o->arm].gamma) return;
    struct logit_hazard *s = drafter(state, p, p->arms[o->arm].drafter);
    int draft = s->most >= 0 ? o->proposed : o->gamma;
    double x[M];
    for (int k = 1; k <= o->accepted + 1 && k <= draft; k++) {
        at_depth(s, p, k, x);
        logistic_update(model(s), x, k <= o->accepted, param[HESSIAN], 1);
    }
}

const struct policy policy_logit_hazard = {
    .name = "logit-hazard", .setting = "contextual",
    .summary = "acceptance of each drafted token by logistic regression on the context",
    .cite = "ours; Filippi, Cappe, Garivier, Szepesvari 2010 for the bound on the logit",
    .flags = POLICY_SECONDS | FEATURES_ASKS,
    .params = {
        COST_REWARD,
        {"alpha", 0.2, 0, 100, NULL, "posterior deviations added to a logit; more tries more"},
        {"variance", 1, 1e-9, 1e6, NULL, "of the prior of each weight, around 0"},
        LOGISTIC_HESSIAN, COST_DOUBT,
    },
    .size = logit_hazard_size, .init = logit_hazard_init, .select_seeing = logit_hazard_select, .update = logit_hazard_update,
};
