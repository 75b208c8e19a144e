/* summary.h - a replay in one row a policy, with paired bootstrap intervals over prompts.
 *
 * Every figure is over all prompts, seeds averaged within each; the first token of a sequence
 * comes with prefill and counts neither as a token nor as a round:
 *   MAT = tokens / rounds,  tokens/s = tokens / seconds,  speed-up = plain seconds / seconds,
 *   regret = mean over prompts of (policy - best fixed arm of that prompt), in rounds and in
 *   seconds, each against the arm that is best in that unit,
 *   gap closed = (best - policy) / (best - clairvoyant) in seconds over all prompts, where best
 *   is the single fixed arm that is best overall: 0 is a perfectly tuned setting, 1 is clairvoyance. */
#ifndef SIM_SUMMARY_H
#define SIM_SUMMARY_H

#include <stdbool.h>

#include "sim/replay.h"

struct measure {
    double value, lo, hi; // 95%
};

struct summary {
    char spec[256], name[64];
    bool oracle;
    int seeds;
    double rounds; // mean a sequence
    struct measure mat, tokens_per_s, speedup, regret_rounds, regret_seconds;
    double gap_closed;
    bool has_gap;  // false: the best fixed arm is already clairvoyant
};

/* Rows every replay has, whoever plays. */
enum { REFERENCE_PLAIN, REFERENCE_BEST_FIXED, REFERENCE_BEST_PER_PROMPT, REFERENCE_CLAIRVOYANT, REFERENCES };

/* players: one row a player of the lineup, in its order (lineup.n rows, the caller's);
 * references: REFERENCES rows. */
int summary_make(const struct replay *r, struct summary *players, struct summary *references, struct err *err);

struct curve_point {
    int tokens, prompts;
    struct measure rounds, seconds; // regret on first reaching `tokens`, mean over the prompts that reach it
};

/* Regret of player p along a prompt: r->tokens.n points into out. */
int summary_curve(const struct replay *r, int p, struct curve_point *out, struct err *err);

/* Indices of rows from the highest tokens/s to the lowest; ties keep their order. */
void summary_sort(const struct summary *rows, int n, int *order);

#endif
