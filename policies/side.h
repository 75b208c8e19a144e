/* side.h - what one round tells all gammas of its drafter.
 *
 * A round at gamma with A accepted tells every shorter draft, min(A, gamma'), and every longer one too when a token was
 * rejected. Were a longer draft's mean taken over just the rounds that told it, it would come out too low: it is told when a
 * short draft failed, and not when it went through. So the mean is the product-limit estimate of Kaplan & Meier
 * (J. Am. Stat. Assoc. 1958), which is unbiased for lengths cut off at gamma. With `tested` rounds that reached depth k and `passed` of
 * them that accepted its token:
 *   S_k = S_(k-1) passed_k / tested_k,  S_0 = 1      mean accepted = S_1 + ... + S_gamma
 *   n = min over k <= gamma with S_(k-1) > 0 of tested_k / S_(k-1)
 * n is about how many drafts at least gamma long would have tested the least tested depth as often, n = rounds where only gamma is played.
 * In a policy's flat state this is: struct cost, struct side, then (D, L) depths.
 * Check: gammas 2, 4, 4 accept 2, 0, 3: S = 2/3 2/3 2/3 0, mean of gamma 4 = 2, n = 1 / (2/3) = 1.5. */
#ifndef POLICIES_SIDE_H
#define POLICIES_SIDE_H

#include "core/elementary.h"
#include "policies/cost.h"

struct side {
    double t, log_t; // rounds so far and their logarithm, 0 before the first
    struct side_depth {
        double tested, passed;
    } depth[];       // (D, L)
};

static inline size_t side_size(const struct problem *p) {
    return cost_size(p) + sizeof(struct side) + (size_t)p->D * (size_t)p->L * sizeof(struct side_depth);
}

static inline struct side *side_of(void *state, const struct problem *p) { return cost_end(state, p); }

static inline struct side_depth *side_depths(struct side *s, const struct problem *p, int drafter) {
    return s->depth + (size_t)drafter * (size_t)p->L;
}

static inline void side_update(void *state, const struct problem *p, const struct outcome *o) {
    const struct arm *arm = &p->arms[o->arm];
    struct side *s = side_of(state, p);
    cost_update(state, p, o);
    s->log_t = elementary_log(++s->t);
    if (!arm->gamma) return;
    struct side_depth *depth = side_depths(s, p, arm->drafter);
    for (int k = 0; k < o->accepted; k++) depth[k].tested++, depth[k].passed++;
    if (o->accepted < o->gamma) depth[o->accepted].tested++;
}

/* The mean accepted tokens of a drafting arm, in [0, gamma]; *n is the number of rounds behind it, 0 while a depth is untested. */
static inline double side_mean(struct side *s, const struct problem *p, int i, double *n) {
    const struct side_depth *depth = side_depths(s, p, p->arms[i].drafter);
    double reach = 1, mean = 0;
    *n = INFINITY;
    for (int k = 0; k < p->arms[i].gamma && reach > 0; k++) {
        if (depth[k].tested == 0) return *n = 0, mean;
        *n = fmin(*n, depth[k].tested / reach);
        mean += reach *= depth[k].passed / depth[k].tested;
    }
    return mean;
}

#endif
