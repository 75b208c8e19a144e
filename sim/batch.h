/* batch.h - many requests decoded at once: continuous batching, one pass a round for all of them.
 *
 * Requests wait in order; a free slot (the lowest first) takes the next one, prefills it, and keeps it until it ends. A round: every
 * request in a slot gets an arm, they draft one after another, one pass verifies all, each accepts and emits its own. A request's tokens
 * and rounds are what they would be alone with the same arms (laws 1 and 2).
 *
 * The clock is the sum of prefills, drafting and passes. All requests wait from the beginning (a closed loop: a slot is never free while
 * one is left), or they arrive by a plan: between two passes those join that have arrived, an empty machine waits for the next one, and
 * one that finds the queue full is turned away. With one slot and one round a request this is the single server of queueing theory.
 *
 * Who chooses:
 *   BATCH_REQUEST  each request has a policy of its own
 *   BATCH_WHOLE    one policy, one arm for all requests of the round
 *   BATCH_SHARE    one policy hands out a quota of drafted tokens (POLICY_BATCH)
 *
 * Seconds, as policies learn them: a request pays for its own drafting, for its own rows of the pass, and for an equal share of the rest,
 * where a row's price is the slope of the pass's seconds over its rows, learned as rounds go (policies/seconds.h). So tokens over seconds
 * is a request's part of the batch's throughput. With BATCH_WHOLE every request of the round is one observation, at an equal share of the
 * round's seconds. */
#ifndef SIM_BATCH_H
#define SIM_BATCH_H

#include "sim/episode.h"

enum batch_who { BATCH_REQUEST, BATCH_WHOLE, BATCH_SHARE };
enum { BATCH_SLOTS = 256 };

struct batch_world;

struct batch_world_type {
    const char *name;
    /* One pass for the sequences in slot[i], i < n, each with its arm: fills what a world's round fills of o[i], but for verify_s; the
     * request's own drafting is o[i].draft_s, the whole pass takes *verify_s. */
    int (*round)(struct batch_world *w, const int *slot, const struct arm *const *arm, int n, struct outcome *o, double *verify_s,
                 struct err *err);
    double (*prefill)(const struct batch_world *w, int slot); // seconds that the slot's sequence took to begin; null: none
};

struct batch_world {
    const struct batch_world_type *type;
    int B;                // slots, at most BATCH_SLOTS
    struct world **slot;  // (B) each begins, shows and judges its own sequence
};

struct batch_plan {
    enum batch_who who;
    const char *policy;      // spec
    struct problem problem;
    uint64_t seed;
    bool fresh;              // BATCH_REQUEST: the policy forgets between the requests of a slot
    int quota;               // BATCH_SHARE: rows a pass, newest tokens included; 0: no limit but that of the arms
    int requests;            // in order 0 .. requests - 1
    const int *sequence;     // (requests) which sequence of its world a slot begins for each; null: their numbers
    const uint32_t *ordinal; // (requests) names of the sequences, for the policy's randomness; null: their numbers
    const double *arrival;   // (requests) seconds, never falling; null: all wait from the beginning
    int queue;               // with arrivals: requests that may wait, beside those that a free slot takes after the pass
};

/* One round of one request, as it happened. */
struct batch_step {
    int pass;       // the batch's rounds, from 0
    int request, slot, batch; // requests in the pass
    struct step step;         // round, pos and outcome of the sequence
    double verify_s;          // of the whole pass
    double now;               // when it ended
};

struct batch_watch { // nonzero stops; null for none
    int (*step)(void *user, const struct batch_step *s, struct err *err);
    int (*joined)(void *user, int request, int slot, double began, double now, struct err *err); // its prefill took from `began` to `now`
    int (*left)(void *user, int request, int slot, double now, struct err *err);
    int (*turned_away)(void *user, int request, struct err *err);
    void *user;
};

struct batch_total {
    int64_t passes, rounds, proposed, accepted, emitted, rows;
    int64_t turned_away;
    double draft_s, verify_s, prefill_s;
    double clock_s;               // with arrivals, waiting for them included
};

/* Plays all requests to their ends. Adds to *total. */
int batch_run(struct batch_world *w, const struct batch_plan *p, const struct batch_watch *watch, struct batch_total *total,
              struct err *err);

#endif
