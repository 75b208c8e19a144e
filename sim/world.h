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

struct world_type {
    const char *name; // "live", "trace", "table"
    /* Begins sequence q (0-based): prefill. Sets w->pos = 1, w->max_new, w->done. */
    int (*start)(struct world *w, int q, struct err *err);
    /* Plays one round at w->pos: fills everything of o but o->arm, advances w->pos by
     * o->emitted, sets w->done when the sequence has ended. */
    int (*round)(struct world *w, const struct arm *arm, struct outcome *o, struct err *err);
};

struct world {
    const struct world_type *type;
    int sequence; // being played
    int pos;      // tokens emitted so far
    int max_new;  // token budget
    bool done;
};

#endif
