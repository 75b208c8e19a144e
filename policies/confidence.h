/* confidence.h - the chance that a drafted token is accepted, read off the drafter's own probability of it.
 *
 *   f = top probability (calibrate=no), or sigmoid( w_0 + w_1 ln( p / (1-p) ) ) (calibrate=yes): Platt's scaling, Platt 1999,
 * learned from every tested token (policies/logistic.h), started at f = p.
 *
 * Stopping rules speak of one drafter that shows probabilities. Which do is only seen when they have drafted: with drafter=-1 the
 * drafters take turns, lowest number first, until one has shown some; if none does, the first stays. */
#ifndef POLICIES_CONFIDENCE_H
#define POLICIES_CONFIDENCE_H

#include "policies/chain.h"
#include "policies/logistic.h"
#include "policies/policy.h"

enum { CALIBRATE_NO, CALIBRATE_YES };
#define CONFIDENCE_CALIBRATE(value) {"calibrate", value, 0, 1, "no|yes", "learn how far the drafter's probabilities can be trusted"}

struct confidence {
    double fit[1 + 2 + 2 * 2]; // a struct logistic of two weights
};

static inline struct logistic *confidence_fit(const struct confidence *c) { return (struct logistic *)c->fit; }

static inline void confidence_init(struct confidence *c) {
    logistic_init(confidence_fit(c), 2, 1);
    confidence_fit(c)->at[1] = 1;
}

static inline void confidence_features(double top_prob, double x[2]) {
    double p = top_prob > 1e-6 ? fmin(top_prob, 1 - 1e-6) : 1e-6; // no number counts as no confidence
    x[0] = 1;
    x[1] = elementary_log(p / (1 - p));
}

static inline double confidence_of(const struct confidence *c, double calibrate, double top_prob) {
    double x[2];
    if (calibrate == CALIBRATE_NO) return top_prob > 0 ? fmin(top_prob, 1) : 0;
    confidence_features(top_prob, x);
    return sigmoid(logistic_logit(confidence_fit(c), x, NULL));
}

/* From a round's tested tokens: the accepted ones, and the first rejected one. */
static inline void confidence_learn(struct confidence *c, const struct outcome *o) {
    double x[2];
    for (int k = 0; o->signal && k < o->proposed && k <= o->accepted; k++) {
        confidence_features((double)o->signal[2 * k], x);
        logistic_update(confidence_fit(c), x, k < o->accepted, LOGISTIC_FULL, 1);
    }
}

#define CONFIDENCE_DRAFTER {"drafter", -1, -1, 1e6, NULL, "number of the drafter, counted from 0; -1: the first that shows probabilities"}

struct speaker { // the drafter that a stopping rule speaks of
    int drafter;  // -1: there is none
    bool settled;
};

static inline void speaker_init(struct speaker *s, const struct problem *p, double drafter) {
    s->drafter = chain_drafter(p, drafter < 0 ? 0 : (int)drafter);
    s->settled = drafter >= 0;
}

static inline int speaker_check(const struct problem *p, const char *policy, double drafter, struct err *err) {
    return chain_check(p, policy, drafter == -1 ? 0 : drafter, err);
}

/* True when the turn passes to another drafter. */
static inline bool speaker_learn(struct speaker *s, const struct problem *p, const struct outcome *o) {
    if (s->settled || !o->proposed) return false;
    s->settled = true;
    if (o->signal) return false;
    int next = -1;
    for (int i = 0; i < p->K; i++) {
        int d = p->arms[i].drafter;
        if (chain_is(&p->arms[i]) && d > s->drafter && (next < 0 || d < next)) next = d;
    }
    s->settled = next < 0;
    s->drafter = next < 0 ? chain_drafter(p, 0) : next;
    return true;
}

#endif
