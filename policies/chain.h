/* chain.h - the arms of one drafter as draft lengths, for policies that think in tokens rather than arms.
 *
 * A chain arm drafts exactly gamma tokens: no stopping rule decides. */
#ifndef POLICIES_CHAIN_H
#define POLICIES_CHAIN_H

#include "policies/policy.h"

#define CHAIN_DRAFTER {"drafter", 0, 0, 1e6, NULL, "number of the drafter, counted from 0; 0 without arms: the first that has some"}

static inline bool chain_is(const struct arm *arm) { return arm->gamma > 0 && arm->stop.rule == STOP_NEVER; }

/* The drafter numbered `want` when it has chain arms, else the first that has some; -1 when none has. */
static inline int chain_drafter(const struct problem *p, int want) {
    int first = -1;
    for (int i = 0; i < p->K; i++) {
        if (!chain_is(&p->arms[i])) continue;
        if (p->arms[i].drafter == want) return want;
        if (first < 0 || p->arms[i].drafter < first) first = p->arms[i].drafter;
    }
    return first;
}

/* The arm that drafts nothing, -1 when there is none. */
static inline int chain_plain(const struct problem *p) {
    for (int i = 0; i < p->K; i++)
        if (!p->arms[i].gamma) return i;
    return -1;
}

/* The longest chain arm of `drafter` with at most `length` tokens; none so short: plain decoding, without it the
 * shortest chain, and arm 0 where the drafter has none at all. */
static inline int chain_arm(const struct problem *p, int drafter, int length) {
    int best = -1, shortest = -1;
    for (int i = 0; i < p->K; i++) {
        const struct arm *x = &p->arms[i];
        if (!chain_is(x) || x->drafter != drafter) continue;
        if (x->gamma <= length && (best < 0 || x->gamma > p->arms[best].gamma)) best = i;
        if (shortest < 0 || x->gamma < p->arms[shortest].gamma) shortest = i;
    }
    if (best >= 0) return best;
    int plain = chain_plain(p);
    return plain >= 0 ? plain : shortest >= 0 ? shortest : 0;
}

/* Does a whole number name a drafter with arms? `check` of policies with CHAIN_DRAFTER. */
static inline int chain_check(const struct problem *p, const char *policy, double drafter, struct err *err) {
    if (drafter != (int)drafter) return err_set(err, "policy '%s': 'drafter' wants a whole number, got '%g'", policy, drafter);
    if (drafter == 0 || chain_drafter(p, (int)drafter) == (int)drafter) return 0;
    return err_set(err, "policy '%s': no arm drafts with drafter %g (drafters 0-%d)", policy, drafter, p->D - 1);
}

/* Expected emitted tokens of a draft of K whose k-th token is accepted with chance g[k] given the ones before it:
 *   1 + g_1 + g_1 g_2 + ... + g_1 ... g_K      (arXiv 2510.20064, Theorem 3: sum k (1 - g_k) prod_{j<k} g_j, g_{K+1} = 0)
 * Check: g = (0.9, 0.8, 0.5, 0.4) gives 3.124. */
static inline double chain_mean(const double *g, int K) {
    double sum = 1;
    while (K-- > 0) sum = 1 + g[K] * sum;
    return sum;
}

#endif
