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

enum { PRICED_BYTES = 16 << 20 };

/* A round. */
struct priced_round {
    uint8_t gamma, proposed, accepted, emitted;
    uint8_t kept;   // tokens of the draft that stay in its drafter's cache
    uint8_t taker;  // 1 + the drafter that drafts, 0: none
    uint16_t price; // which of the prices
};

/* At a context of c tokens, catching up aside: draft_s = once + longer c, verify_s = base + slope c, to the bit what cost.h says. */
struct price {
    double once, longer, base, slope;
};

struct priced {
    const struct trace *trace;     // borrowed
    const struct cost *cost;       // borrowed
    const struct arm *arms;        // (K), borrowed
    int K;
    struct priced_round *rounds;   // (K, cells + 1), owned; null: too many. The last cell is nobody's
    const struct priced_round **of_arm; // (K) its rounds, by cell; owned
    struct price *prices;          // (1 + D, L + 1) by taker and tokens proposed, owned
    double *fresh;                 // (1 + D, longest context + 1) seconds of a taker for so many tokens that are new to it, owned
    const double **of_taker;       // (1 + D) its seconds; owned
};

/* Whether all rounds over these can be looked up. */
bool priced_can(const struct trace *t, const struct cost *cost, const struct arm *arms, int K);

int priced_open(struct priced *p, const struct trace *t, const struct cost *cost, const struct arm *arms, int K, struct err *err);
void priced_close(struct priced *p);

/* Arm k at position `pos` of a sequence of `tokens` tokens, whose cell among those of the trace is `cell`. One past the last cell is
 * where nobody is: rounds there bring nothing. */
static inline struct priced_round priced_round_at(const struct priced *p, int k, size_t cell, int pos, int tokens) {
    const struct trace *t = p->trace;
    if (cell == t->cells) return (struct priced_round){0};
    const struct arm *a = &p->arms[k];
    const int left = t->max_new - pos - 1, gamma = a->gamma < left ? a->gamma : left;
    if (gamma <= 0) return (struct priced_round){.emitted = 1};
    const size_t at = (size_t)a->drafter * t->cells + cell;
    const int proposed = gamma < t->proposed[at] ? gamma : t->proposed[at];
    const int accepted = proposed < t->accepted[at] ? proposed : t->accepted[at];
    const int emitted = accepted + 1 < tokens - pos ? accepted + 1 : tokens - pos, taker = a->drafter + 1;
    return (struct priced_round){(uint8_t)gamma, (uint8_t)proposed, (uint8_t)accepted, (uint8_t)emitted,
                                 (uint8_t)cost_kept(p->cost, a->drafter, proposed, accepted), (uint8_t)taker,
                                 (uint16_t)(taker * (t->L + 1) + proposed)};
}

#endif
