/* ladder.h - the draft lengths that one drafter has arms for, for deployed rules that speak of one drafter and a length.
 *
 * Such rules know every length from 1 to L; arms need not hold them all. What plays is the arm of the drafter with
 * the gamma nearest to the rule's, the shorter of two as near, the lowest number of equal ones. Without any drafter,
 * arm 0. Trees and stopping rules count with the most they may draft. */
#ifndef POLICIES_LADDER_H
#define POLICIES_LADDER_H

#include <math.h>

#include "policies/policy.h"
#include "policies/whole.h"

#define LADDER_DRAFTER {"drafter", 0, 0, 1e6, NULL, "number of the drafter, counted from 0; 0 without arms: the first that has some"}

static inline int ladder_check(const char *policy, const struct problem *p, double drafter, struct err *err) {
    int rc = whole(policy, "drafter", drafter, err);
    for (int i = 0; i < p->K && !rc; i++)
        if (p->arms[i].gamma && p->arms[i].drafter == drafter) return 0;
    if (rc || p->D == 0 || drafter == 0) return rc; // plain decoding only, or the first drafter that has arms
    return err_set(err, "policy '%s': no arm drafts with drafter %g (drafters 0-%d)", policy, drafter, p->D - 1);
}

/* The drafter meant by the parameter. */
static inline int ladder_drafter(const struct problem *p, double wanted) {
    int first = (int)wanted, least = p->D;
    for (int i = 0; i < p->K; i++) { // the default may have no arms: the first that has
        if (!p->arms[i].gamma) continue;
        if (p->arms[i].drafter == (int)wanted) return (int)wanted;
        if (p->arms[i].drafter < least) first = least = p->arms[i].drafter;
    }
    return first;
}

static inline bool ladder_has(const struct problem *p, int drafter, int i) { return p->arms[i].gamma && p->arms[i].drafter == drafter; }

static inline int ladder_nearest(const struct problem *p, int drafter, double gamma) {
    double nearest = INFINITY;
    int arm = 0;
    for (int i = 0; i < p->K; i++) {
        double away = fabs(p->arms[i].gamma - gamma);
        if (!ladder_has(p, drafter, i) || away > nearest) continue;
        if (away < nearest || p->arms[i].gamma < p->arms[arm].gamma) nearest = away, arm = i;
    }
    return arm;
}

/* The arm of the next longer (or shorter) gamma than arm `from`; -1 when there is none. */
static inline int ladder_next(const struct problem *p, int drafter, int from, bool longer) {
    int arm = -1;
    for (int i = 0; i < p->K; i++) {
        int gamma = p->arms[i].gamma, step = gamma - p->arms[from].gamma;
        if (!ladder_has(p, drafter, i) || (longer ? step <= 0 : step >= 0)) continue;
        if (arm < 0 || (longer ? gamma < p->arms[arm].gamma : gamma > p->arms[arm].gamma)) arm = i;
    }
    return arm;
}

/* The arm of plain decoding; -1 when there is none. */
static inline int ladder_plain(const struct problem *p) {
    for (int i = 0; i < p->K; i++)
        if (!p->arms[i].gamma) return i;
    return -1;
}

#endif
