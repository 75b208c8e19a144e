/* seeing_world.h - a synthetic world that shows policies all they may ask for, for tests of contextual, full-information,
 * stopping and quota policies.
 *
 * Even drafters are models, with a confidence for each drafted token that tells how likely it is accepted; odd ones are copiers, whose
 * match and draft length are seen before the round. Every value is a function of (seed, drafter, round, request), so a round is the
 * same whatever was played before. */
#ifndef TESTS_SEEING_WORLD_H
#define TESTS_SEEING_WORLD_H

#include <math.h>
#include <string.h>

#include "core/rng.h"
#include "policies/policy.h"

enum { WORLD_L = 64, WORLD_D = 256 };

struct seen_draft { // of L tokens
    int proposed, accepted, match;
    float signal[2 * WORLD_L];
};

static inline bool world_copier(int drafter) { return drafter % 2; }

static inline struct seen_draft world_draft(uint64_t seed, int drafter, int round, int request, int L) {
    struct rng r = rng_at(seed, (uint32_t)drafter + 1, (uint32_t)request, (uint32_t)round);
    double mood = 0.3 + 0.6 * (0.5 + 0.5 * sin(0.3 * round + drafter)); // drifts, so contexts tell something
    struct seen_draft x = {.match = world_copier(drafter) ? (int)(20 * mood) : 0};
    x.proposed = world_copier(drafter) ? (int)(rng_uniform(&r) * (L + 1)) : L;
    bool alive = true;
    for (int k = 0; k < x.proposed; k++) {
        double p = world_copier(drafter) ? mood : fmin(0.2 + mood * rng_uniform(&r) * 1.2, 0.99);
        x.signal[2 * k] = (float)p;
        x.signal[2 * k + 1] = (float)(-log(p));
        alive = alive && rng_uniform(&r) < p;
        x.accepted += alive;
    }
    return x;
}

/* What is seen before a round; peeks (D) is filled. */
static inline struct view world_view(uint64_t seed, const struct problem *p, int round, int request, int pos, struct peek *peeks) {
    struct rng r = rng_at(seed, 999, (uint32_t)request, (uint32_t)round);
    for (int d = 0; d < p->D; d++) {
        peeks[d] = (struct peek){-1, 0};
        if (!world_copier(d)) continue;
        struct seen_draft x = world_draft(seed, d, round, request, p->L);
        peeks[d] = (struct peek){x.proposed, x.match};
    }
    return (struct view){.pos = pos, .prompt_tokens = 50 + 10 * request, .max_new = 1 << 20, .batch = 1 + round % 3,
                         .margin = (float)(4 * rng_uniform(&r)), .peek = peeks};
}

/* Plays an arm: asks `deepen` after each token of a model drafter. `draft` holds what the outcome points to. */
static inline struct outcome world_play(uint64_t seed, struct agent *a, int arm, int round, int request, struct seen_draft *draft) {
    const struct arm *x = &a->problem.arms[arm];
    struct outcome o = {.arm = arm, .gamma = x->gamma, .request = request};
    struct rng r = rng_at(seed, 998, (uint32_t)request, (uint32_t)round);
    if (x->gamma) {
        *draft = world_draft(seed, x->drafter, round, request, a->problem.L);
        o.proposed = draft->proposed < x->gamma ? draft->proposed : x->gamma;
        for (int k = 0; !world_copier(x->drafter) && k + 1 < o.proposed; k++) {
            struct drafted t = {arm, k + 1, draft->signal[2 * k], draft->signal[2 * k + 1]};
            if (!agent_deepen(a, &t)) o.gamma = o.proposed = k + 1; // the policy asked for no more
        }
        o.accepted = draft->accepted < o.proposed ? draft->accepted : o.proposed;
        o.signal = world_copier(x->drafter) ? NULL : draft->signal;
    }
    o.emitted = o.accepted + 1;
    double noise = 1 + 0.1 * rng_uniform(&r);
    o.draft_s = (x->gamma ? world_copier(x->drafter) ? 1e-5 : 0.002 * o.proposed : 0) * noise;
    o.verify_s = (0.03 + 0.001 * o.proposed) * noise;
    return o;
}

/* All drafters in hindsight of a round. */
static inline void world_judge(uint64_t seed, const struct problem *p, int round, int *proposed, int *accepted) {
    for (int d = 0; d < p->D; d++) {
        struct seen_draft x = world_draft(seed, d, round, 0, p->L);
        proposed[d] = x.proposed, accepted[d] = x.accepted;
    }
}

/* Round t with all that policies may ask for: a choice, or every third time a share over p->R requests; the outcome; every drafter's
 * draft of WORLD_DELAY rounds ago. Who does not ask is not shown. Returns the arm that was played, of a share the first request's; -1
 * when it was none, or the shares exceed the quota. */
enum { WORLD_DELAY = 4, WORLD_R = 8 };

static inline int world_round(uint64_t seed, struct agent *a, int t) {
    static struct peek peeks[WORLD_D];
    static int proposed[WORLD_D], accepted[WORLD_D];
    static struct seen_draft draft;
    const struct problem *p = &a->problem;
    struct rng rng = rng_at(seed, 997, 0, (uint32_t)t);
    struct view v[WORLD_R];
    int arm[WORLD_R], request[WORLD_R], n = a->policy->share && t % 3 == 2 ? p->R : 1, total = 0, quota = t % 50;
    for (int i = 0; i < n; i++) {
        v[i] = (struct view){.pos = 1 + 2 * (t % 500), .prompt_tokens = 100, .max_new = 1000, .batch = n, .margin = 1};
        if (a->policy->flags & POLICY_PEEK) v[i] = world_view(seed, p, t, i, v[i].pos, peeks);
        request[i] = i;
    }
    if (n > 1) a->policy->share(a->state, p, a->param, v, request, n, quota, &rng, arm);
    else arm[0] = agent_choose(a, v, &rng);
    for (int i = 0; i < n; i++) {
        if (arm[i] < 0 || arm[i] >= p->K) return -1;
        total += n > 1 ? p->arms[arm[i]].gamma : 0;
        struct outcome o = world_play(seed, a, arm[i], t, request[i], &draft);
        if (!(a->policy->flags & POLICY_SIGNAL)) o.signal = NULL;
        agent_update(a, &o);
    }
    if (total > quota) return -1;
    if (a->policy->learn_all && t >= WORLD_DELAY) {
        world_judge(seed, p, t - WORLD_DELAY, proposed, accepted);
        for (int d = 0; d < p->D; d++)
            if (!(a->policy->flags & POLICY_ALL) && !world_copier(d)) proposed[d] = accepted[d] = -1; // not asked
        const struct hindsight h = {t - WORLD_DELAY, proposed, accepted};
        a->policy->learn_all(a->state, p, a->param, &h);
    }
    return arm[0];
}

#endif
