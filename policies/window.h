/* window.h - sums of rewards over the latest rounds only, by arm.
 *
 * Garivier & Moulines, "On upper-confidence bound policies for switching bandit problems", ALT 2011, section 2.2. A ring of
 * rounds; what leaves it is taken off the sums, which are added up anew each time the ring comes round, so
 * what rounding leaves behind does not add up. */
#ifndef POLICIES_WINDOW_H
#define POLICIES_WINDOW_H

#include "policies/reward.h"
#include "policies/whole.h"

enum { WINDOW_MAX = 1024 };
#define WINDOW_ROUNDS {"window", 64, 1, WINDOW_MAX, NULL, "rounds remembered"}

struct window {
    double t;               // rounds so far
    struct reward reward;
    struct window_round {
        double raw;
        int arm, used;
    } ring[WINDOW_MAX];     // the first `rounds` are used
    struct window_arm {
        double n, sum;      // rounds in the window and their raw rewards
    } arm[];                // (K)
};

static inline size_t window_size(const struct problem *p) {
    return sizeof(struct window) + (size_t)p->K * sizeof(struct window_arm);
}

static inline void window_update(struct window *s, const struct problem *p, double kind, int rounds, const struct outcome *o) {
    int at = (int)fmod(s->t++, rounds);
    struct window_round *round = &s->ring[at];
    if (round->used) {
        s->arm[round->arm].n--;
        s->arm[round->arm].sum -= round->raw;
    }
    *round = (struct window_round){reward_raw(&s->reward, p, kind, o), o->arm, 1};
    s->arm[o->arm].n++;
    s->arm[o->arm].sum += round->raw;
    if (at < rounds - 1) return;
    for (int i = 0; i < p->K; i++) s->arm[i].sum = 0;
    for (int i = 0; i < rounds; i++) s->arm[s->ring[i].arm].sum += s->ring[i].raw;
}

/* The sum of an arm's rewards in [0, 1], between 0 and its count. */
static inline double window_sum(const struct window *s, int i) {
    return fmin(fmax(s->arm[i].sum * s->reward.scale, 0), s->arm[i].n);
}

#endif
