/* world.h - what a policy plays against: one interface, live decoding and recorded traces
 * alike. The one episode loop (episode.h) drives every world, so that replay equals live
 * by construction (law 3).
 *
 * Edge rules every world shares (design, section 3): prefill emits the first token, so
 * rounds start at position s = 1; gamma_eff = min(arm's gamma, max_new - s - 1); a drafter
 * that finds nothing proposes 0 tokens; text after EOS inside a draft is dropped. */
#ifndef SIM_WORLD_H
#define SIM_WORLD_H

#include <stdbool.h>

#include "core/err.h"
#include "policies/policy.h"

struct world;
struct world_four;

struct world_type {
    const char *name; // "live", "trace", "table"
    /* Begins sequence q (0-based): prefill. Sets w->pos = 1, w->max_new, w->prompt_tokens, w->done. */
    int (*start)(struct world *w, int q, struct err *err);
    /* Before a round, when w->asks is not 0: fills v's margin and peeks, and has the drafters draft that are asked. Their time is part of the round
     * that follows. Null: nothing can be asked. */
    int (*look)(struct world *w, struct view *v, struct err *err);
    /* Plays one round at w->pos: fills everything of o but o->arm and o->request, advances w->pos by
     * o->emitted, sets w->done when the sequence has ended. */
    int (*round)(struct world *w, const struct arm *arm, struct outcome *o, struct err *err);
    /* A round of each world in play of n fours, all over one trace or table and of the arms in `arms`; sets `ended`. Null: by `round`. */
    int (*rounds)(struct world_four *const *at, int n, const struct arm *arms, struct err *err);
    /* What the asked drafts of w->L tokens at the beginning of round `round`, at `pos`, were worth: (D) each, -1 of drafters not asked. Asked once the text up to
     * pos + L is known. */
    void (*hindsight)(struct world *w, int pos, int round, int *proposed, int *accepted);
};

struct world {
    const struct world_type *type;
    int sequence; // being played
    int pos;      // tokens emitted so far
    int max_new;  // token budget
    int prompt_tokens;
    bool done;
    // of the policy that plays, set by the episode:
    unsigned asks;       // POLICY_PEEK | POLICY_ALL | POLICY_SIGNAL | POLICY_MARGIN
    int L;               // tokens an asked drafter drafts, at most
    uint64_t drafters;   // those with an arm, a bit each: only they are asked
    struct agent *agent; // its `deepen` is asked after each token drafted with a probability; null: nobody
};

/* Four worlds that one policy plays side by side (lanes.h). */
struct world_four {
    struct policy_four policy; // first: a struct world_four * is a struct policy_four *
    struct world *world[POLICY_LANES];
    unsigned plays, ended;     // a bit a lane that has an episode, and whose episode this round has ended
};

/* A round of each world in play of the four, one by one: what `rounds` does at once. */
int world_each_round(struct world_four *f, const struct arm *arms, struct err *err);

/* Drafters that have an arm. */
static inline uint64_t world_drafters(const struct problem *p) {
    uint64_t all = 0;
    for (int k = 0; k < p->K; k++)
        if (p->arms[k].drafter >= 0 && p->arms[k].drafter < 64) all |= (uint64_t)1 << p->arms[k].drafter;
    return all;
}

enum { WORLD_ASKS = POLICY_PEEK | POLICY_ALL | POLICY_SIGNAL | POLICY_MARGIN };

/* Drafted tokens of those on offer (n, their signal by depth) when `gamma` were asked for: fewer where the arm's rule or the policy ends the draft. */
int world_stopped(const struct world *w, const struct arm *arm, const struct stop_state *stops, const float *signal, int n, int gamma);
/* The same for one token, the depth-th: was it the last? */
bool world_last(const struct world *w, const struct arm *arm, const struct stop_state *stops, int depth, float top_prob, float entropy);

#endif
