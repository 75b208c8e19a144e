/* linear_arms.h - arms with linear rewards of the context, shared by linucb and lints.
 *
 * The expected reward of an arm is theta . phi, by `form`:
 *   disjoint: a model per arm, phi = z (policies/features.h), 8 numbers
 *   shared:   one model, phi = ( plain; one-hot(drafter) x (1, g, g^2); z_1..z_7; g z_1..g z_7 ),  g = gamma / L
 * Rewards are those of policies/reward.h, kept raw and scaled when read. In a policy's flat state: struct linear_arms,
 * struct features, the contexts of the newest choice (1 + D, 8), the models. */
#ifndef POLICIES_LINEAR_ARMS_H
#define POLICIES_LINEAR_ARMS_H

#include <string.h>

#include "policies/features.h"
#include "policies/linear.h"
#include "policies/reward.h"

enum { DISJOINT, SHARED };
#define LINEAR_FORM {"form", DISJOINT, 0, 1, "disjoint|shared", "a model of the context per arm, or one of drafter, gamma and context"}
#define LINEAR_LAMBDA {"lambda", 1, 1e-6, 1e6, NULL, "ridge: weight of the prior at zero"}

enum { LINEAR_DRAFTERS = 16, LINEAR_MAX = 1 + 3 * LINEAR_DRAFTERS + 2 * (FEATURES - 1) }; // of the shared form

struct linear_arms {
    struct reward reward;
    double at[];
};

static inline int linear_arms_shared(const struct problem *p) { return 1 + 3 * p->D + 2 * (FEATURES - 1); }

static inline size_t linear_arms_size(const struct problem *p) {
    size_t disjoint = (size_t)p->K * linear_size(FEATURES), shared = p->D > LINEAR_DRAFTERS ? 0 : linear_size(linear_arms_shared(p));
    size_t contexts = (size_t)(1 + p->D) * FEATURES * sizeof(double);
    return sizeof(struct linear_arms) + features_size(p) + contexts + (disjoint > shared ? disjoint : shared);
}

static inline struct features *linear_arms_features(struct linear_arms *s) { return (struct features *)s->at; }

static inline double *linear_arms_contexts(struct linear_arms *s, const struct problem *p) {
    return (double *)((char *)s->at + features_size(p));
}

/* The model of arm `i`. */
static inline struct linear *linear_arms_model(struct linear_arms *s, const struct problem *p, double form, int i) {
    char *models = (char *)(linear_arms_contexts(s, p) + (1 + p->D) * FEATURES);
    return (struct linear *)(models + (form == SHARED ? 0 : (size_t)i * linear_size(FEATURES)));
}

static inline int linear_arms_check(const struct problem *p, const char *policy, double form, struct err *err) {
    if (form == DISJOINT || p->D <= LINEAR_DRAFTERS) return 0;
    return err_set(err, "policy '%s': form=shared is for at most %d drafters, these are %d", policy, LINEAR_DRAFTERS, p->D);
}

static inline void linear_arms_init(struct linear_arms *s, const struct problem *p, double form, double lambda) {
    features_init(linear_arms_features(s));
    for (int i = 0; i < (form == SHARED ? 1 : p->K); i++)
        linear_init(linear_arms_model(s, p, form, i), form == SHARED ? linear_arms_shared(p) : FEATURES, lambda);
}

static inline void linear_arms_see(struct linear_arms *s, const struct problem *p, const struct view *v) {
    for (int d = -1; d < p->D; d++) features_see(linear_arms_features(s), v, d, linear_arms_contexts(s, p) + (1 + d) * FEATURES);
}

/* phi of arm `i` in the newest context. */
static inline const double *linear_arms_phi(struct linear_arms *s, const struct problem *p, double form, int i, double phi[LINEAR_MAX]) {
    const struct arm *arm = &p->arms[i];
    const double *z = linear_arms_contexts(s, p) + (1 + arm->drafter) * FEATURES;
    if (form == DISJOINT) return z;
    double g = (double)arm->gamma / p->L, *own = phi + 1 + 3 * arm->drafter, *rest = phi + 1 + 3 * p->D;
    memset(phi, 0, (size_t)linear_arms_shared(p) * sizeof *phi);
    if (arm->gamma) own[0] = 1, own[1] = g, own[2] = g * g;
    else phi[0] = 1;
    for (int k = 1; k < FEATURES; k++) rest[k - 1] = z[k], rest[FEATURES - 2 + k] = g * z[k];
    return phi;
}

static inline void linear_arms_update(struct linear_arms *s, const struct problem *p, double form, double reward, const struct outcome *o) {
    double phi[LINEAR_MAX], raw = reward_raw(&s->reward, p, reward, o);
    linear_update(linear_arms_model(s, p, form, o->arm), linear_arms_phi(s, p, form, o->arm, phi), raw);
    features_update(linear_arms_features(s), p, o);
}

#endif
