/* lengths.h - how often each arm accepted 0, 1, ... gamma tokens, beside the seconds its rounds took.
 *
 * A round cut short by the token budget counts as what it accepted, a little low: were it left out, an arm longer than the whole
 * budget would stay untried, and be tried, for ever.
 * In a policy's flat state this is: struct cost, struct lengths, then (K, L + 2) numbers. */
#ifndef POLICIES_LENGTHS_H
#define POLICIES_LENGTHS_H

#include "core/elementary.h"
#include "policies/cost.h"

struct lengths {
    double t, log_t; // rounds so far and their logarithm, 0 before the first
    double row[];    // (K, L + 2): an arm's rounds, then how many of them accepted 0..L
};

static inline size_t lengths_size(const struct problem *p) {
    return cost_size(p) + sizeof(struct lengths) + (size_t)p->K * (size_t)(p->L + 2) * sizeof(double);
}

static inline struct lengths *lengths_of(void *state, const struct problem *p) { return cost_end(state, p); }

/* Of an arm: rounds n, then its counts by accepted length at [1 + accepted]. */
static inline double *lengths_row(struct lengths *s, const struct problem *p, int i) { return s->row + (size_t)i * (size_t)(p->L + 2); }

static inline void lengths_update(void *state, const struct problem *p, const struct outcome *o) {
    struct lengths *s = lengths_of(state, p);
    double *row = lengths_row(s, p, o->arm);
    cost_update(state, p, o);
    s->log_t = elementary_log(++s->t);
    row[0]++;
    row[1 + o->accepted]++;
}

#endif
