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
#include "sim/world.h"
#include "traces/trace.h"

struct round_seconds {
    double draft_s, verify_s;
};

/* What rounds cost by drafter (0: plain, 1 + d) and tokens proposed (0..L), so that a round looks it up: with n proposed at a context of c tokens
 *   draft_s = once + longer c,   verify_s = keep (base + slope c)
 * to the bit what cost.h says, catching up aside. */
struct price {
    double once, longer, keep, base, slope;
    int64_t kept;               // tokens of the draft that stay in its cache, at most
};
enum { PRICES_FRESH = 256 };
struct prices {
    struct price *at;           // (1 + D, L + 1), owned
    int row;                    // L + 1
    bool late;                  // some drafter has to catch up:
    double (*fresh)[PRICES_FRESH]; // (1 + D) seconds for so many tokens that are new to it, owned
    struct priced_arm {
        const uint8_t *proposed, *accepted; // of its drafter, by cell
        const struct price *price;
        const double *fresh;
        int drafter, gamma;     // drafter 0 for plain
    } *arms;                    // (K), owned
    bool ruled;                 // an arm has a rule that may end a draft
};

struct world_trace {
    struct world world;         // first: a struct world * is a struct world_trace *
    const struct trace *trace;  // borrowed
    const struct cost *cost;    // borrowed; null: seconds are given
    const struct round_seconds *given; // (given_n), borrowed; of the sequence played next
    size_t given_n, given_at;
    size_t cell0;               // of the sequence at position 0
    const struct prices *prices; // borrowed; null: none
    bool ruled;                 // `stops` have learned
    bool plain;                 // priced, and nobody looks, ends a draft or gives timings: a round of an arm without a rule is arithmetic alone
    int shown[COST_DRAFTERS + 1]; // tokens of the history that each drafter has taken, as live; the last: of none
    int tokens, prompt_tokens;  // of the sequence
    struct peek peeks[COST_DRAFTERS]; // of the round to come
    double asked_s;             // of the drafters asked before the round
    struct stop_state stops[STOPS]; // of the sequence's arms with stopping rules
    bool caught_up;             // as if every drafter had seen everything: rounds then depend on the position alone
};

/* A world with modelled seconds, without anything to close. Copies of it are independent
 * worlds (one a thread). `cost` may be null: seconds are then 0 until some are given. */
struct world_trace world_trace(const struct trace *t, const struct cost *cost);

/* Worlds abreast for lanes_run(), over one trace and cost model. */
struct trace_lanes {
    struct prices prices;
    struct world_trace *worlds; // (LANES_ABREAST), owned
    struct world *at[LANES_ABREAST];
};
int trace_lanes_open(struct trace_lanes *l, const struct trace *t, const struct cost *cost, const struct arm *arms, int K, struct err *err);
void trace_lanes_close(struct trace_lanes *l);

/* Reads from the file what policies with these flags see of it: confidences, matches, margins. `arms` say whose. */
int world_trace_ready(struct trace *t, unsigned asks, const struct arm *arms, int K, struct err *err);

/* Seconds for the sequence that is started next, in order of its rounds; more rounds than
 * `n` are an error of the round. Null goes back to the cost model. */
void world_trace_give(struct world_trace *w, const struct round_seconds *seconds, size_t n);

#endif
