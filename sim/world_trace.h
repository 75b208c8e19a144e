/* world_trace.h - the recorded trace as a world: exact counts, modelled seconds.
 *
 * At s with arm (d, gamma): gamma_eff = min(gamma, max_new - s - 1), proposed =
 * min(gamma_eff, recorded proposed), accepted = min(proposed, recorded accepted), emitted =
 * min(accepted + 1, tokens - s); the sequence is done when s reaches its tokens. Seconds
 * come from the cost model, or from a live run's own timings, round by round. */
#ifndef SIM_WORLD_TRACE_H
#define SIM_WORLD_TRACE_H

#include <stddef.h>

#include "sim/cost.h"
#include "sim/world.h"
#include "traces/trace.h"

struct round_seconds {
    double draft_s, verify_s;
};

struct world_trace {
    struct world world;         // first: a struct world * is a struct world_trace *
    const struct trace *trace;  // borrowed
    const struct cost *cost;    // borrowed; null: seconds are given
    const struct round_seconds *given; // (given_n), borrowed; of the sequence played next
    size_t given_n, given_at;
    size_t cell0;               // of the sequence at position 0
    int tokens, prompt_tokens;  // of the sequence
    struct peek peeks[COST_DRAFTERS]; // of the round to come
    double asked_s;             // of the drafters asked before the round
    int shown[COST_DRAFTERS + 1]; // tokens of the history that each drafter has taken, as live; the last: of none
    struct stop_state stops[STOPS]; // of the sequence's arms with stopping rules
    bool plain;                 // no rule, policy or timings given end a draft or a look: a round is arithmetic alone
    bool caught_up;             // as if every drafter had seen everything: rounds then depend on the position alone
};

/* A world with modelled seconds, without anything to close. Copies of it are independent
 * worlds (one a thread). `cost` may be null: seconds are then 0 until some are given. */
struct world_trace world_trace(const struct trace *t, const struct cost *cost);

/* Reads from the file what policies with these flags see of it: confidences, matches, margins. `arms` say whose. */
int world_trace_ready(struct trace *t, unsigned asks, const struct arm *arms, int K, struct err *err);

/* Seconds for the sequence that is started next, in order of its rounds; more rounds than
 * `n` are an error of the round. Null goes back to the cost model. */
void world_trace_give(struct world_trace *w, const struct round_seconds *seconds, size_t n);

#endif
