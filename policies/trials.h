/* trials.h - accepted and rejected drafted tokens, the sufficient statistics of the truncated geometric model.
 *
 * arXiv 2505.15141, eq. (10) (policies/tgd.h): the likelihood of a history is p^accepted (1-p)^rejected,
 * so a round with A accepted is A successes and, when A < gamma, one failure, of coins with one p. With
 * pooled=1 all gammas of a drafter share its trials, else each arm counts its own. In a policy's flat
 * state this is: struct cost, struct trials, then (K + D) struct trial. */
#ifndef POLICIES_TRIALS_H
#define POLICIES_TRIALS_H

#include "core/elementary.h"
#include "policies/cost.h"
#include "policies/tgd.h"

struct trial {
    double accepted, rejected;
    double memo; // a value of the latest choice
};

struct trials {
    double t, log_t;      // rounds so far and their logarithm, 0 before the first
    struct trial slot[];  // (K) arms, then (D) drafters
};

/* A warm start: what earlier texts taught, worth `warm` trials. */
#define TRIALS_WARM {"warm", 0, 0, 1e6, NULL, "warm start: imagined trials of each drafter before the first"}, \
                    {"accept", 0.7, 0, 1, NULL, "acceptance rate of these, from a trace"}
#define TRIALS_POOLED {"pooled", 1, 0, 1, "0|1", "1: all gammas of a drafter share its trials; 0: each arm has its own"}

static inline size_t trials_size(const struct problem *p) {
    return cost_size(p) + sizeof(struct trials) + (size_t)(p->K + p->D) * sizeof(struct trial);
}

static inline void trials_init(void *state, const struct problem *p, double warm, double accept) {
    struct trials *s = cost_end(state, p);
    for (int j = 0; j < p->K + p->D; j++)
        if (j >= p->K || p->arms[j].gamma) s->slot[j] = (struct trial){.accepted = warm * accept, .rejected = warm * (1 - accept)};
}

/* Where arm `i` counts. Arm "plain" has no trials, and a slot that counts its rounds as accepted. */
static inline int trials_slot(const struct problem *p, bool pooled, int i) {
    return pooled && p->arms[i].gamma ? p->K + p->arms[i].drafter : i;
}

static inline void trials_update(void *state, const struct problem *p, bool pooled, const struct outcome *o) {
    struct trials *s = cost_end(state, p);
    struct trial *slot = &s->slot[trials_slot(p, pooled, o->arm)];
    bool plain = p->arms[o->arm].gamma == 0;
    cost_update(state, p, o);
    s->log_t = elementary_log(++s->t);
    slot->accepted += plain ? 1 : o->accepted;
    slot->rejected += !plain && o->accepted < o->gamma;
}

static inline double trial_n(const struct trial *x) { return x->accepted + x->rejected; }

/* The arm of the highest mu_gamma(q), over its cost unless `len`, ties to the lowest number; q = reach(slot, param, budget) of each slot that counts. */
static inline int trials_highest(void *state, const struct problem *p, const double *param, bool pooled, bool len, double doubt, double budget,
                                 double (*reach)(const struct trial *x, const double *param, double budget)) {
    struct trials *s = cost_end(state, p);
    double best = -1;
    int arm = 0;
    for (int j = pooled ? p->K : 0; j < (pooled ? p->K + p->D : p->K); j++) s->slot[j].memo = reach(&s->slot[j], param, budget);
    for (int i = 0; i < p->K; i++) {
        int gamma = p->arms[i].gamma;
        double emitted = gamma ? tgd_mean(gamma, s->slot[trials_slot(p, pooled, i)].memo) : 1;
        double index = len ? emitted : cost_rate(state, p, i, doubt, emitted);
        if (index > best) best = index, arm = i;
    }
    return arm;
}

#endif
