/* live.h - prompts decoded live under a policy, and held against a trace (law 3). */
#ifndef SIM_LIVE_H
#define SIM_LIVE_H

#include <stdio.h>

#include "policies/policy.h"
#include "sim/steps.h"
#include "sim/world_live.h"
#include "sim/world_trace.h"

/* The rounds of one episode, as they were played. */
struct rounds {
    struct step *at;              // (n), owned
    struct round_seconds *seconds; // (n), owned
    size_t n, capacity, seconds_capacity;
};

int rounds_add(struct rounds *r, const struct step *s, struct err *err);
void rounds_close(struct rounds *r);

/* A trace that live decoding must agree with: the same policy plays the recorded sequence, given the
 * live run's own timings, and every round must match. */
struct mirror {
    const struct trace *trace;
    const struct cost *cost;  // for the modelled time of the same rounds; borrowed
    struct agent agent;
    struct agent simulator;   // plays from modelled seconds, not from the live run's
    double modelled_s;        // what the cost model says the live rounds take, over all sequences
    double live_s;            // what they took
    int64_t rounds;
    int sequences;
    struct ids text;          // scratch
};

/* `arms` and `p` are the live run's; the trace's drafters must be the live ones, in order. */
int mirror_open(struct mirror *m, const struct trace *t, const struct cost *cost, const char *spec, const struct problem *p, struct err *err);
void mirror_close(struct mirror *m);

/* Plays sequence q in replay and compares it with the live rounds and the live text (n tokens). `fresh`:
 * the policy starts anew. The first difference is an error that names sequence, round and field. */
int mirror_sequence(struct mirror *m, int q, bool fresh, uint64_t seed, const struct rounds *live, const int *tokens, int n, struct err *err);

/* The policy once more, by replay alone: its own choices from modelled seconds. Adds to *total. */
int mirror_simulate(struct mirror *m, int q, bool fresh, uint64_t seed, struct episode_total *total, struct err *err);

/* The sequence with this prompt, or -1. */
int mirror_find(const struct mirror *m, const char *prompt_key);

#endif
