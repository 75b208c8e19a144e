/* banditspec_policy.h - BanditSpec's policies for any inference engine: which drafter, and how many tokens, round by round.
 *
 *   bsp_policy *p = bsp_create("thompson", "pld eagle", 8, "plain pld:2,4,8 eagle:1-4", 1, 0);
 *   bsp_begin(p, 0, 17);                                    // sequence 17 begins
 *   while (decoding) {
 *       int arm = bsp_select(p, NULL);                      // an index into the arms; bsp_arm tells drafter and gamma
 *       ... draft, verify ...
 *       struct bsp_round r = {sizeof r, 0, arm, gamma, proposed, accepted, draft_s, verify_s};
 *       bsp_update(p, &r);                                  // not for the round that ends the sequence
 *   }
 *   bsp_save(p, "learned.state");
 *   bsp_free(p);
 *
 *   cc engine.c $(pkg-config --cflags --libs banditspec-policy)
 *
 * These are the policies that `banditspec replay` compares and `banditspec live` runs, the same code: with the same seed and
 * sequence numbers they choose the same arms. `banditspec policies` lists them.
 *
 * What can fail returns -1 (or null), and bsp_error() says why in one line. Threads may share an instance, whose calls then take turns, and
 * instances share nothing. No call but bsp_create, bsp_save and bsp_load allocates or touches a file.
 *
 * Stable: functions and fields are only ever added, at the end; `size`, sizeof the struct when you were compiled, tells which you know. */
#ifndef BANDITSPEC_POLICY_H
#define BANDITSPEC_POLICY_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined __GNUC__
#define BSP_EXPORT __attribute__((visibility("default")))
#else
#define BSP_EXPORT
#endif

#define BSP_API 1

typedef struct bsp_policy bsp_policy;

/* A way to speculate. `drafter` indexes the drafters given to bsp_create; -1 is plain decoding, without a draft. */
struct bsp_arm {
    uint32_t size;    // set it: sizeof(struct bsp_arm)
    int32_t drafter;
    int32_t gamma;    // tokens to draft; at most so many where bsp_deepen decides
    int32_t asks;     // 1: ask bsp_deepen after each drafted token
    const char *name; // "pld:4"; lives as long as the policy
};

/* What a copier found before the round, for policies that ask (BSP_PEEK); proposed -1: not a copier. */
struct bsp_peek {
    int32_t proposed, match;
};

/* What is known before a round. */
struct bsp_view {
    uint32_t size;
    int32_t request;       // whose round it is, 0 .. requests - 1
    int32_t pos;           // tokens emitted so far
    int32_t prompt_tokens;
    int32_t max_new;       // token budget of the sequence
    int32_t batch;         // requests decoded in the same pass, at least 1
    float margin;          // the target's largest logit less the second at the newest token (BSP_MARGIN, else 0)
    const struct bsp_peek *peek; // (drafters) for BSP_PEEK, else null
};

/* A finished round. The round that ends a sequence is not fed back. */
struct bsp_round {
    uint32_t size;
    int32_t request;
    int32_t arm;
    int32_t gamma;    // what was asked for: the arm's gamma, less near the token budget or where bsp_deepen said enough
    int32_t proposed; // drafted tokens, 0 .. gamma
    int32_t accepted; // 0 .. proposed
    double draft_s;   // seconds of drafting and of the target's pass; 0 where nobody measures (policies that ask for
    double verify_s;  // BSP_SECONDS then know no costs)
    int32_t nodes;    // of a verified tree; 0: as many as proposed
    const float *signal; // (proposed, 2) the drafter's largest probability and entropy by depth (BSP_SIGNAL), or null
};

enum { // what a policy asks for (bsp_asks)
    BSP_RANDOM = 1,  // it draws: seeds differ
    BSP_SECONDS = 2, // rounds with their seconds
    BSP_PEEK = 4,    // views with what the copiers found, and what it was worth: bsp_learn_all
    BSP_ALL = 8,     // every drafter drafts before every round, and what that was worth: bsp_learn_all
    BSP_SIGNAL = 16, // confidences of drafted tokens: bsp_round.signal, bsp_deepen
    BSP_MARGIN = 32, // views with the target's margin
    BSP_BATCH = 64,  // it shares a quota over a batch: bsp_share
};

/* The policy `spec`, as "ucbspec:delta=0.1", over `arms`, as "plain pld:1-8 eagle:stop(entropy>1)" (null or empty: plain and every
 * drafter at 2, 4, 8), of `drafters`, as "pld eagle", which draft at most max_draft tokens (1 to 64), for up to `requests` at once. */
BSP_EXPORT bsp_policy *bsp_create(const char *spec, const char *drafters, int max_draft, const char *arms, int requests, uint64_t seed);
BSP_EXPORT void bsp_free(bsp_policy *p); // null is fine

BSP_EXPORT int bsp_arms(const bsp_policy *p); // how many
BSP_EXPORT int bsp_arm(const bsp_policy *p, int arm, struct bsp_arm *out);
BSP_EXPORT const char *bsp_spec(const bsp_policy *p); // canonical; lives as long as the policy
BSP_EXPORT unsigned bsp_asks(const bsp_policy *p);

/* A sequence begins: its number keys the draws of its rounds, and stopping rules start anew. What was learned stays; bsp_reset forgets. */
BSP_EXPORT int bsp_begin(bsp_policy *p, int request, uint32_t sequence);

/* The arm of the next round; null: request 0 with nothing to see. */
BSP_EXPORT int bsp_select(bsp_policy *p, const struct bsp_view *v);

/* After the drafter's depth-th token (1 ..): 1 draft one more, 0 enough. */
BSP_EXPORT int bsp_deepen(bsp_policy *p, int request, int arm, int depth, float top_prob, float entropy);

/* An arm for each of n requests whose gammas add up to at most `quota`; views (n) are views[0].size apart. BSP_BATCH only. */
BSP_EXPORT int bsp_share(bsp_policy *p, const struct bsp_view *views, int n, int quota, int *arm);

BSP_EXPORT int bsp_update(bsp_policy *p, const struct bsp_round *r);

/* What the drafters that were asked before the round at `pos` would have been worth, with the longest draft among the arms: tokens
 * proposed and accepted (drafters), -1 and -1 for one that was not asked. BSP_ALL (all of them) and BSP_PEEK (copiers), in order of
 * positions, as soon as that much more text is known; what a sequence's end leaves open is dropped. */
BSP_EXPORT int bsp_learn_all(bsp_policy *p, int pos, const int *proposed, const int *accepted);

/* What was learned, as a file of `banditspec --policy-state`: replaced whole or not at all, and loaded only into the same policy,
 * parameters and arms of the same version. bsp_reset returns to what was loaded last, else to a new policy. */
BSP_EXPORT int bsp_save(bsp_policy *p, const char *path);
BSP_EXPORT int bsp_load(bsp_policy *p, const char *path);
BSP_EXPORT int bsp_reset(bsp_policy *p);

BSP_EXPORT const char *bsp_error(void);   // of this thread's last call that failed
BSP_EXPORT const char *bsp_version(void); // "0.1.0"
BSP_EXPORT int bsp_api(void);             // BSP_API of the library found at run time

#ifdef __cplusplus
}
#endif
#endif
