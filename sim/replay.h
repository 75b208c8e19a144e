/* replay.h - policies over a recorded trace: every (policy, seed) is one run over all
 * sequences. Runs are independent and play in parallel; what is summed over runs is summed in
 * the order (policy, seed), so results are bit-identical on any number of threads (law 4). */
#ifndef SIM_REPLAY_H
#define SIM_REPLAY_H

#include <stdbool.h>
#include <stdio.h>

#include "sim/episode.h"
#include "sim/lineup.h"
#include "sim/oracle.h"
#include "sim/priced.h"

/* Rounding the corners of a logarithmic axis: 1, 1.5 times the powers of two. */
enum { SERIES_MAX = 64 };
struct series {
    int n;
    int at[SERIES_MAX]; // ascending
};
struct series series_tokens(int last); // 2, 3, 4, 6, 8, 12, ... and `last`
struct series series_rounds(int last); // 0, 1, 2, 3, 4, 6, 8, 12, ... below or at `last`

struct replay_plan {
    const struct trace *trace;
    const struct cost *cost;
    const struct arms *arms;
    struct lineup *lineup;
    uint64_t seed;     // of the first run; the k-th run of a policy has seed + k
    bool stream;       // the policy's state is carried over sequences (in ordinal order)
    FILE *steps;       // one CSV line a round (steps.h), header included; null: none
    const char *steps_path;
    const char *state_path; // of the only policy's only run: loaded before it, when there, and saved after it; null: none
};

struct run_outcome { // one sequence of one run
    int rounds, proposed, accepted, emitted;
    double seconds, draft_s; // draft_s: of seconds
};

struct replay {
    struct replay_plan plan;
    struct problem problem;
    struct oracle oracle;
    struct priced priced;         // zeroed where rounds cannot be looked up
    int Q, K, runs;
    int *player, *first;          // run -> player (runs); player -> its first run (players + 1)
    struct run_outcome *outcomes; // (runs, Q)
    double *rounds, *seconds;     // (players, Q) means over seeds
    struct series tokens, buckets;
    double *curve_rounds, *curve_seconds; // (players, Q, tokens.n) mean on first reaching tokens.at[c]; 0 beyond the end
    double *best_rounds, *best_seconds;   // (Q, tokens.n) the same of the sequence's best fixed arm
    int64_t *pulls;               // (players, buckets.n, K) over seeds and sequences
    int64_t *prompt_pulls;        // (players, Q, K) over seeds
};

/* Plays everything. What `plan` points to must outlive the replay. */
int replay_open(struct replay *r, const struct replay_plan *plan, struct err *err);
/* Fills r->priced (of plan, problem and K) for what follows to be fast; replay_open() does. */
int replay_price(struct replay *r, struct err *err);

/* What a run is made of: every sequence of r's trace once (of r only plan, problem, oracle, priced and Q are read), totals (Q). In lanes where the policy has them
 * and learns anew each prompt, unless the watch wants all rounds in order. */
int replay_sequences(const struct replay *r, const struct player *player, struct agent *a, uint64_t seed, bool in_order,
                     const struct episode_watch *watch, struct episode_total *totals, struct err *err);

void replay_close(struct replay *r);

/* What policies are told about the arms; D counts the trace's drafters. */
struct problem replay_problem(const struct trace *t, const struct arms *arms);

/* Arms over a trace's drafters from words (arms.h), checked against what each drafter recorded. */
int replay_arms(struct arms *arms, struct trace *t, const char *const *words, int n, struct err *err);

#endif
