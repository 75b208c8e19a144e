/* fade.h - discounted sums of rewards by arm: every round, all arms forget a share of what they saw.
 *
 * Garivier & Moulines, "On upper-confidence bound policies for switching bandit problems", ALT 2011, eq. (1).
 * An arm whose count fades below 1e-9 counts as never played, so sums do not end in denormal numbers. */
#ifndef POLICIES_FADE_H
#define POLICIES_FADE_H

#include "policies/reward.h"

struct fade {
    struct reward reward;
    double total;      // sum of the counts
    struct fade_arm {
        double n, sum; // discounted rounds and raw rewards
    } arm[];           // (K)
};

static inline size_t fade_size(const struct problem *p) {
    return sizeof(struct fade) + (size_t)p->K * sizeof(struct fade_arm);
}

static inline void fade_update(struct fade *s, const struct problem *p, double kind, double keep, const struct outcome *o) {
    double raw = reward_raw(&s->reward, p, kind, o);
    s->total = 0;
    for (int i = 0; i < p->K; i++) {
        struct fade_arm *arm = &s->arm[i];
        arm->n *= keep;
        arm->sum *= keep;
        if (i == o->arm) arm->n++, arm->sum += raw;
        if (arm->n < 1e-9) *arm = (struct fade_arm){0};
        s->total += arm->n;
    }
}

/* The discounted sum of an arm's rewards in [0, 1], at most its count. */
static inline double fade_sum(const struct fade *s, int i) { return elementary_min(s->arm[i].sum * s->reward.scale, s->arm[i].n); }

#define FADE_KEEP {"keep", 0.98, 0, 1, NULL, "weight of the past after one more round; 0.98 remembers about 50"}

#endif
