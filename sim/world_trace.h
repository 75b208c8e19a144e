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
#include "sim/lanes.h"
#include "sim/priced.h"
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
    const struct priced *priced; // borrowed; null: rounds are worked out. Over the same trace, cost model and arms
    struct trace_four *four;    // borrowed: of a world whose rounds are looked up, its `lane` in it; null: of one whose rounds are played
    int lane;
    bool ruled;                 // `stops` have learned
    int shown[1 + COST_DRAFTERS]; // tokens of the history that each drafter has taken, as live; the first: of none
    int tokens, prompt_tokens;  // of the sequence
    struct peek peeks[COST_DRAFTERS]; // of the round to come
    double asked_s;             // of the drafters asked before the round
    struct stop_state stops[STOPS]; // of the sequence's arms with stopping rules
    bool caught_up;             // as if every drafter had seen everything: rounds then depend on the position alone
};

/* A world with modelled seconds, without anything to close. Copies of it are independent
 * worlds (one a thread). `cost` may be null: seconds are then 0 until some are given. */
struct world_trace world_trace(const struct trace *t, const struct cost *cost);

/* Four worlds whose rounds are looked up: what a round reads and changes, side by side. Their own positions stay where the sequence
 * began. */
struct trace_four {
    const struct priced *priced; // borrowed
    size_t cell[POLICY_LANES];   // where each is; the trace's cells: nowhere
    int pos[POLICY_LANES], tokens[POLICY_LANES], prompt_tokens[POLICY_LANES];
    unsigned shown[1 + COST_DRAFTERS][POLICY_LANES]; // as in a world, by taker (priced.h)
};

/* Worlds abreast for lanes_run(), over one trace and cost model. `priced`, over the same and the arms that will be played, may be null:
 * rounds are then played one by one. */
struct trace_lanes {
    struct world_trace worlds[LANES_ABREAST];
    struct world *at[LANES_ABREAST];
    struct trace_four fours[LANES_ABREAST / POLICY_LANES];
};
void trace_lanes_start(struct trace_lanes *l, const struct trace *t, const struct cost *cost, const struct priced *priced);

/* Reads from the file what policies with these flags see of it: confidences, matches, margins. `arms` say whose. */
int world_trace_ready(struct trace *t, unsigned asks, const struct arm *arms, int K, struct err *err);

/* Seconds for the sequence that is started next, in order of its rounds; more rounds than
 * `n` are an error of the round. Null goes back to the cost model. */
void world_trace_give(struct world_trace *w, const struct round_seconds *seconds, size_t n);

#endif
