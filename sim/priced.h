/* priced.h - what a round of a trace brings and costs with each arm, looked up: the rounds of world_trace.h for arms without a rule, of
 * drafters that are no trees, with modelled seconds.
 *
 * Counts are a function of position and arm, so they are worked out once and kept, eight bytes a position and arm, for traces of up to
 * PRICED_BYTES; of longer ones as rounds need them. Seconds are a function of tokens proposed and context. Read-only once
 * open: one for all threads, runs and policies over the same arms. */
#ifndef SIM_PRICED_H
#define SIM_PRICED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/err.h"
#include "policies/arms.h"
#include "sim/cost.h"
#include "traces/trace.h"

enum { PRICED_FRESH = 256, PRICED_BYTES = 16 << 20 };

/* A round, packed: gamma, proposed, accepted, emitted, kept (tokens of the draft that stay in its drafter's cache), taker (1 + the drafter that
 * drafts, 0: none), a byte each from the lowest on, and above them which price. */
typedef uint64_t priced_round;
static inline int priced_emitted(priced_round x) { return (int)(x >> 24 & 255); }
static inline int priced_kept(priced_round x) { return (int)(x >> 32 & 255); }
static inline int priced_taker(priced_round x) { return (int)(x >> 40 & 255); }
static inline size_t priced_price(priced_round x) { return x >> 48; }

/* At a context of c tokens, catching up aside: draft_s = once + longer c, verify_s = base + slope c, to the bit what cost.h says. */
struct price {
    double once, longer, base, slope;
};

struct priced {
    const struct trace *trace;     // borrowed
    const struct cost *cost;       // borrowed
    const struct arm *arms;        // (K), borrowed
    int K;
    priced_round *rounds;          // (cells + 1, K), owned; null: too many. The last cell is nobody's
    struct price *prices;          // (1 + D, L + 1) by taker and tokens proposed, owned
    double (*fresh)[PRICED_FRESH]; // (1 + D) seconds of a taker for so many tokens that are new to it, owned
};

/* Whether all rounds over these can be looked up. */
bool priced_can(const struct trace *t, const struct cost *cost, const struct arm *arms, int K);

int priced_open(struct priced *p, const struct trace *t, const struct cost *cost, const struct arm *arms, int K, struct err *err);
void priced_close(struct priced *p);

/* Arm k at position `pos` of a sequence of `tokens` tokens, whose cell among those of the trace is `cell`. One past the last cell is where nobody
 * is: rounds there bring nothing. */
static inline priced_round priced_round_at(const struct priced *p, int k, size_t cell, int pos, int tokens) {
    const struct trace *t = p->trace;
    if (cell == t->cells) return 0;
    const struct arm *a = &p->arms[k];
    const int left = t->max_new - pos - 1, gamma = a->gamma < left ? a->gamma : left;
    if (gamma <= 0) return (priced_round)1 << 24;
    const size_t at = (size_t)a->drafter * t->cells + cell;
    const int proposed = gamma < t->proposed[at] ? gamma : t->proposed[at], accepted = proposed < t->accepted[at] ? proposed : t->accepted[at];
    const int emitted = accepted + 1 < tokens - pos ? accepted + 1 : tokens - pos, taker = a->drafter + 1;
    return (priced_round)(unsigned)gamma | (priced_round)(unsigned)proposed << 8 | (priced_round)(unsigned)accepted << 16 | (priced_round)(unsigned)emitted << 24
        | (priced_round)(unsigned)cost_kept(p->cost, a->drafter, proposed, accepted) << 32 | (priced_round)(unsigned)taker << 40
        | (priced_round)(unsigned)(taker * (t->L + 1) + proposed) << 48;
}

#endif
