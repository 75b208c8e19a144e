/* playing.h - a made-up world that gives a policy whatever it may ask for; round t is a function of t and of what was chosen. */
#ifndef TESTS_PLAYING_H
#define TESTS_PLAYING_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "policies/policy.h"

/* Around every call into a policy; a test may look at what happens inside. */
#ifndef POLICY_CALL
#define POLICY_CALL(...) __VA_ARGS__
#endif

enum { PLAYING_K = 7, PLAYING_D = 2, PLAYING_L = 8, PLAYING_R = 4, PLAYING_QUOTA = 9 };

/* Plain, a model drafter at 2, 4, 8 and a copier at the same. */
static const struct arm playing_arms[PLAYING_K] = {
    {-1, 0, "plain"}, {0, 2, "small:2"}, {0, 4, "small:4"}, {0, 8, "small:8"}, {1, 2, "pld:2"}, {1, 4, "pld:4"}, {1, 8, "pld:8"},
};
static const struct problem playing_problem = {.K = PLAYING_K, .D = PLAYING_D, .L = PLAYING_L, .arms = playing_arms, .R = PLAYING_R};

/* What drafter d's draft of L tokens would find in round t. */
static inline void playing_truth(int t, int d, int *proposed, int *accepted) {
    struct rng r = rng_at(77, (uint32_t)d, 0, (uint32_t)t);
    *proposed = d && rng_uniform(&r) < 0.3 ? rng_below(&r, PLAYING_L) : PLAYING_L; // a copier finds less at times
    *accepted = 0;
    while (*accepted < *proposed && rng_uniform(&r) < (d ? 0.45 : 0.8)) ++*accepted;
}

struct playing_signal {
    float at[2 * PLAYING_L];
};

/* Drafts and verifies arm `arm`, asking the policy after each token of the model drafter; the signals stay with the caller. */
static inline struct outcome playing_verify(struct agent *a, int t, int request, int arm, struct playing_signal *signal) {
    const struct arm *x = &playing_arms[arm];
    struct outcome o = {.arm = arm, .gamma = x->gamma, .request = request};
    int found = 0, right = 0;
    if (x->gamma) playing_truth(t * PLAYING_R + request, x->drafter, &found, &right);
    for (bool more = true; more && o.proposed < x->gamma && o.proposed < found;) {
        struct rng r = rng_at(78, (uint32_t)o.proposed, (uint32_t)request, (uint32_t)t);
        float *s = signal->at + 2 * o.proposed++;
        s[0] = (float)(o.proposed <= right ? 0.5 + 0.5 * rng_uniform(&r) : rng_uniform(&r)), s[1] = (float)(2 * (1 - (double)s[0]));
        if (x->drafter != 0) continue;
        const struct drafted token = {arm, o.proposed, s[0], s[1]};
        POLICY_CALL(more = agent_deepen(a, &token));
        if (!more) o.gamma = o.proposed;
    }
    o.accepted = right < o.proposed ? right : o.proposed;
    o.emitted = o.accepted + 1;
    o.draft_s = 0.002 * o.proposed;
    o.verify_s = 0.03 + 0.001 * o.proposed;
    o.signal = x->drafter == 0 && o.proposed ? signal->at : NULL;
    return o;
}

static inline struct view playing_view(const struct agent *a, int t, struct peek peek[PLAYING_D]) {
    struct rng r = rng_at(79, 0, 0, (uint32_t)t);
    peek[0] = (struct peek){-1, 0};
    peek[1] = (struct peek){.match = rng_below(&r, 20)};
    int accepted;
    playing_truth(t, 1, &peek[1].proposed, &accepted);
    return (struct view){.pos = 1 + 3 * (t % 100), .prompt_tokens = 50, .max_new = 1000, .batch = 1 + t % PLAYING_R,
                         .margin = a->policy->flags & POLICY_MARGIN ? (float)(5 * rng_uniform(&r)) : 0,
                         .peek = a->policy->flags & POLICY_PEEK ? peek : NULL};
}

/* Of the drafters that were asked before round t: all of them, or the copier. */
static inline void playing_hindsight(const struct agent *a, int t, int proposed[PLAYING_D], int accepted[PLAYING_D]) {
    for (int d = 0; d < PLAYING_D; d++) playing_truth(t * PLAYING_R, d, &proposed[d], &accepted[d]);
    if (!(a->policy->flags & POLICY_ALL)) proposed[0] = accepted[0] = -1;
}

/* Round t for the agent; every fifth is a batch's for one that shares. Returns what was chosen, as one number. */
static inline int playing_round(struct agent *a, int t) {
    struct peek peek[PLAYING_R][PLAYING_D];
    struct playing_signal signal;
    struct rng rng = rng_at(5, a->stream, 0, (uint32_t)t);
    struct view v[PLAYING_R];
    int request[PLAYING_R] = {0}, arm[PLAYING_R] = {0}, n = a->policy->share && t % 5 == 4 ? PLAYING_R - 1 : 1, chosen = 0, gammas = 0;
    for (int i = 0; i < n; i++) v[i] = playing_view(a, t + i, peek[i]), request[i] = (t + i) % PLAYING_R;
    if (n > 1) POLICY_CALL(a->policy->share(a->state, &a->problem, a->param, v, request, n, PLAYING_QUOTA, &rng, arm));
    else POLICY_CALL(arm[0] = agent_choose(a, v, &rng));
    for (int i = 0; i < n; i++) {
        assert_in_range(arm[i], 0, PLAYING_K - 1);
        gammas += playing_arms[arm[i]].gamma;
        struct outcome o = playing_verify(a, t, request[i], arm[i], &signal);
        chosen = chosen * 100 + arm[i] * 10 + o.proposed;
        if (t % 97 != 96) POLICY_CALL(agent_update(a, &o)); // the round that ends a sequence
    }
    if (n > 1) assert_true(gammas <= PLAYING_QUOTA);
    if (a->policy->learn_all) {
        int proposed[PLAYING_D], accepted[PLAYING_D];
        playing_hindsight(a, t, proposed, accepted);
        const struct hindsight h = {v[0].pos, proposed, accepted};
        POLICY_CALL(a->policy->learn_all(a->state, &a->problem, a->param, &h));
    }
    return chosen;
}

#endif
