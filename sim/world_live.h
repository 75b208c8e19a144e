/* world_live.h - live decoding as a world: the engine plays the rounds, seconds are the clock's. */
#ifndef SIM_WORLD_LIVE_H
#define SIM_WORLD_LIVE_H

#include "core/round.h"
#include "sim/world.h"

struct live_prompt {
    const int *ids; // (n), borrowed
    int n;
    uint32_t sequence; // names its noise
};

struct world_live {
    struct world world;             // first: a struct world * is a struct world_live *
    struct decoder *decoder;        // borrowed
    const struct live_prompt *prompts; // borrowed; world.type->start's q counts them
    int max_new;
    int64_t prefill_ns;             // of the sequence being played
    struct stop_state stops[STOPS]; // of its arms with stopping rules
    float margin;                   // of its newest token
    float signal[2 * DRAFT_MAX];    // of the latest draft
    /* What drafters that were asked before a round drafted: of the latest LIVE_ASKED rounds, (LIVE_ASKED, D), owned. */
    struct draft *asked;
    struct peek *peeks;             // (D), owned
    int round;                      // of the sequence
    int64_t asked_ns;
    /* Called with the tokens as they are emitted: the first `accepted` were drafted. Null: nobody listens. */
    int (*listen)(void *user, const int *tokens, int n, int accepted, struct err *err);
    void *user;
};

enum { LIVE_ASKED = DRAFT_MAX + 2 }; // a draft of L tokens is judged at most L rounds later

struct world_live world_live(struct decoder *d, const struct live_prompt *prompts, int max_new);
void world_live_close(struct world_live *w);

/* A round in two halves, for those who verify several sequences in one pass (decoders_settle): the draft, and what came of it. */
struct live_turn {
    struct draft draft;
    struct round round;
};
int world_live_draft(struct world_live *w, const struct arm *arm, struct live_turn *t, struct err *err);
int world_live_finish(struct world_live *w, const struct arm *arm, const struct live_turn *t, struct outcome *o, struct err *err);

#endif
