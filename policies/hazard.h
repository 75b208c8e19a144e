/* hazard.h - the probability that a drafted token is accepted given that those before it were, learned online from four features.
 *
 *   P(accept | x) = sigmoid(w . x),   w ~ N(mean, diag(sd^2)) to begin with
 * learned by one Newton step for each token tested (policies/logistic.h; y = 1 accepted, 0 rejected). A censored draft needs nothing special: tokens
 * that were not tested are not fed. A little variance comes back with every token, so that it follows a text that changes.
 * Check: mean 0, sd 1, x = (1, 2, 0, 0), y = 1: V_00 = 8/9, w = (2/9, 4/9, 0, 0). */
#ifndef POLICIES_HAZARD_H
#define POLICIES_HAZARD_H

#include "policies/logistic.h"

enum { HAZARD_X = 4 };

struct hazard {
    double fit[1 + HAZARD_X + HAZARD_X * HAZARD_X]; // a struct logistic
};

static inline struct logistic *hazard_fit(const struct hazard *h) { return (struct logistic *)h->fit; }
static inline double *hazard_w(struct hazard *h) { return hazard_fit(h)->at; }
static inline double *hazard_variance(struct hazard *h, int i) { return hazard_fit(h)->at + HAZARD_X + i * HAZARD_X + i; }

static inline void hazard_init(struct hazard *h, const double *mean, const double *sd) {
    *h = (struct hazard){{0}};
    logistic_init(hazard_fit(h), HAZARD_X, 0);
    for (int i = 0; i < HAZARD_X; i++) hazard_w(h)[i] = mean[i], *hazard_variance(h, i) = sd[i] * sd[i];
}

/* What was learned may hold less here: a share of the first doubt comes back, never more than there was. */
static inline void hazard_doubt(struct hazard *h, const double *sd, double share) {
    for (int i = 0; i < HAZARD_X; i++) {
        double *v = hazard_variance(h, i), first = sd[i] * sd[i];
        if (*v < first) *v = fmin(*v + share * first, first);
    }
}

/* P(accept | x), `optimism` standard deviations of w . x above its mean. */
static inline double hazard_at(const struct hazard *h, const double *x, double optimism) {
    double variance, logit = logistic_logit(hazard_fit(h), x, optimism != 0 ? &variance : NULL);
    return sigmoid(optimism != 0 ? logit + optimism * sqrt(variance) : logit);
}

/* One token tested, counted as `weight` of one. */
static inline void hazard_learn(struct hazard *h, const double *x, int y, double weight) {
    enum { RETURN = 4000 }; // tokens after which a variance of 1 would be back
    logistic_update(hazard_fit(h), x, y, LOGISTIC_FULL, weight);
    for (int i = 0; i < HAZARD_X; i++)
        if (*hazard_variance(h, i) < 1) *hazard_variance(h, i) += 1.0 / RETURN;
}

#endif
