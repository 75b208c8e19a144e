/* lineup.h - which policies play: the words of --policy, grids expanded, oracles among them. */
#ifndef SIM_LINEUP_H
#define SIM_LINEUP_H

#include <stdbool.h>
#include <stdint.h>

#include "core/err.h"
#include "policies/policy.h"
#include "sim/oracle.h"

enum player_kind {
    PLAYER_POLICY,
    PLAYER_BEST_FIXED,  // the single arm with the fewest seconds over all prompts, in hindsight
    PLAYER_CLAIRVOYANT, // the best arm at every position, in seconds
};

struct player {
    enum player_kind kind;
    char spec[256]; // canonical: "ucbspec:delta=0.1", "best-fixed", "clairvoyant"
    char name[64];  // "ucbspec"
    int seeds;      // 1 when seeds cannot differ
};

struct lineup {
    int n;
    unsigned asks;     // what its policies ask of the world, together (WORLD_ASKS)
    struct player *at; // (n), owned; no spec twice
};

/* From words (n); none at all: every registered policy that can play the
 * problem (but not `fixed`, which is one arm of many). `seeds` is
 * for policies that draw; the others get one. Oracles are usage errors unless `oracles`. */
int lineup_open(struct lineup *l, const char *const *words, int n, const struct problem *p, bool oracles, int seeds, struct err *err);
void lineup_close(struct lineup *l);

/* The player's agent. `o` is for oracles (null for none). */
int player_agent(const struct player *x, const struct problem *p, const struct oracle *o, struct agent *a, struct err *err);

/* Readies the agent for sequence q: fresh under scope prompt, and the clairvoyant on its plan. */
void player_start(const struct player *x, const struct oracle *o, struct agent *a, int q, bool fresh);

#endif
