/* neighbours.h - the graph of arms along which a reward is expected to have one peak, and its leader.
 *
 * Of one drafter, each gamma is joined to the next shorter and next longer (plain decoding is the shortest of every
 * drafter), and equal gammas of two drafters are joined. Accepted tokens over seconds have one peak along a drafter's gammas when
 * acceptance is geometric and a round's seconds grow linearly with gamma; accepted tokens alone only grow.
 * The leader is the arm of highest mean. In a policy's flat state this is: struct flat, struct neighbours, then (K) neighbours_arm. */
#ifndef POLICIES_NEIGHBOURS_H
#define POLICIES_NEIGHBOURS_H

#include "policies/flat.h"

struct neighbours {
    int degree;        // most neighbours of any arm
    int leader;        // of the latest choice, -1 while arms are untried
    struct neighbours_arm {
        double led;    // rounds as leader
        int below, above; // next shorter and next longer gamma of its drafter, -1: none
    } arm[];           // (K)
};

static inline size_t neighbours_size(const struct problem *p) {
    return flat_size(p) + sizeof(struct neighbours) + (size_t)p->K * sizeof(struct neighbours_arm);
}

static inline struct neighbours *neighbours_of(void *state, const struct problem *p) {
    return (struct neighbours *)((char *)state + flat_size(p));
}

static inline bool neighbours_joined(const struct neighbours *s, const struct problem *p, int i, int j) {
    const struct arm *a = &p->arms[i], *b = &p->arms[j];
    if (s->arm[i].below == j || s->arm[i].above == j || s->arm[j].below == i) return true;
    return a->gamma && a->gamma == b->gamma && a->drafter != b->drafter;
}

static inline void neighbours_join(struct neighbours *s, const struct problem *p, int i) {
    const struct arm *at = p->arms, *a = &at[i];
    struct neighbours_arm *x = &s->arm[i];
    x->below = x->above = -1;
    for (int j = 0; j < p->K && a->gamma; j++) {
        if (at[j].gamma && at[j].drafter != a->drafter) continue;
        if (at[j].gamma < a->gamma && (x->below < 0 || at[j].gamma > at[x->below].gamma)) x->below = j;
        if (at[j].gamma > a->gamma && (x->above < 0 || at[j].gamma < at[x->above].gamma)) x->above = j;
    }
}

static inline void neighbours_init(void *state, const struct problem *p, const double *param) {
    struct neighbours *s = neighbours_of(state, p);
    (void)param;
    s->leader = -1;
    for (int i = 0; i < p->K; i++) neighbours_join(s, p, i);
    for (int i = 0; i < p->K; i++) {
        int degree = 0;
        for (int j = 0; j < p->K; j++) degree += j != i && neighbours_joined(s, p, i, j);
        if (degree > s->degree) s->degree = degree;
    }
}

/* The leader, or the first arm never played; then s->leader is -1. */
static inline int neighbours_lead(void *state, const struct problem *p, const double *param) {
    struct neighbours *s = neighbours_of(state, p);
    const struct flat *flat = state;
    int leader = flat_best(flat, p, param, flat_mean_of);
    s->leader = flat->arm[leader].n > 0 ? leader : -1;
    return leader;
}

static inline void neighbours_update(void *state, const struct problem *p, double kind, const struct outcome *o) {
    struct neighbours *s = neighbours_of(state, p);
    if (s->leader >= 0) s->arm[s->leader].led++;
    flat_update(state, p, kind, o);
}

#endif
