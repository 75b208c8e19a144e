/* oracle.h - what hindsight would have done on each sequence.
 *
 * `jumps` is one sequence as a graph: from position s, arm k leads to s + emitted for some
 * seconds. Every fixed arm is a walk through it, and the clairvoyant is its shortest path
 * (policies.md 15.3):  V(tokens) = 0,  V(s) = min_k [ c(s, k) + V(s + emitted(s, k)) ].
 * Cells are taken from the world's own `round`, so that an oracle obeys the very rules that
 * policies play by. Ties go to the lowest arm. What drafters that sat out need to catch up depends on the path, so the clairvoyant
 * is not charged for it (a lower bound); fixed arms are, as every policy is. */
#ifndef SIM_ORACLE_H
#define SIM_ORACLE_H

#include <stddef.h>
#include <stdint.h>

#include "core/err.h"
#include "sim/world_trace.h"

struct jumps {
    int tokens, K;     // positions 1 .. tokens - 1 have cells
    uint8_t *emitted;  // (tokens, K)
    double *seconds;   // (tokens, K)
};

int jumps_open(struct jumps *j, int tokens, int K, struct err *err);
void jumps_close(struct jumps *j);

struct walk {
    int rounds;
    double seconds;
};

/* Arm k from position 1 to the end. */
struct walk jumps_fixed(const struct jumps *j, int k);

/* The fewest rounds. `value` is scratch (tokens + 1). */
int jumps_fewest_rounds(const struct jumps *j, double *value);

/* The fewest rounds, and of the walks that short the one with the fewest seconds. `value` is scratch (tokens + 1), `seconds` too. */
struct walk jumps_shortest(const struct jumps *j, double *value, double *seconds);

/* The fewest seconds: fills choice (tokens) with the best arm of each position and returns
 * the walk along it. `value` is scratch (tokens + 1). */
struct walk jumps_fewest_seconds(const struct jumps *j, double *value, uint16_t *choice);

struct oracle {
    int Q, K;
    struct walk *fixed;        // (Q, K)
    struct walk *plain;        // (Q), whether or not plain decoding is among the arms
    struct walk *clairvoyant;  // (Q), in seconds
    struct walk *shortest;     // (Q), in rounds
    int *fewest_rounds;        // (Q), its rounds
    int *best_rounds, *best_seconds; // (Q) the best fixed arm of the sequence in rounds, in seconds
    int best;                  // the best single arm over all sequences, in seconds
    uint16_t *choice;          // (sum of tokens) clairvoyant arm of sequence q at position s: choice[at[q] + s]
    size_t *at;                // (Q)
};

/* Over all sequences of the world, in parallel (OpenMP); the same on any number of threads. */
int oracle_open(struct oracle *o, const struct world_trace *w, const struct arm *arms, int K, struct err *err);
void oracle_close(struct oracle *o);

#endif
