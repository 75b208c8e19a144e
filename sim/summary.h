/* summary.h - a replay in one row a policy, with paired bootstrap intervals (BCa, stats.h) over prompts, ranks, and
 * comparisons with one of the policies.
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

/* A row held against the reference on the same prompts. */
enum verdict { VERDICT_REFERENCE, VERDICT_NONE, VERDICT_FASTER, VERDICT_SLOWER }; // NONE: no difference found
struct comparison {
    struct measure tokens_per_s; // more than the reference's
    struct measure percent;
    double p, p_holm;            // two-sided, of one pair; corrected for all pairs (Holm)
    enum verdict verdict;        // at p_holm < 0.05
};

struct summary {
    char spec[256], name[64];
    bool oracle;
    int seeds;
    double rounds; // mean a sequence
    struct measure mat, tokens_per_s, speedup, regret_rounds, regret_seconds;
    double gap_closed;
    bool has_gap;  // false: the best fixed arm is already clairvoyant
    int rank, rank_lo, rank_hi; // by tokens/s among policies without hindsight, 1 the fastest; 95% of the resamples; 0: uses hindsight
    struct comparison against;
    double own_ns; // 0: not measured
};

/* Rows every replay has, whoever plays. */
enum {
    REFERENCE_PLAIN,
    REFERENCE_BEST_FIXED,         // the arm with the fewest seconds over all prompts,
    REFERENCE_BEST_PER_CATEGORY,  // over the prompts of each category,
    REFERENCE_BEST_PER_PROMPT,    // on each prompt
    REFERENCE_CLAIRVOYANT_ROUNDS, // the fewest rounds that any choice of arms takes, of those the fewest seconds
    REFERENCE_CLAIRVOYANT,        // the fewest seconds
    REFERENCES
};

/* What policies and comparators took, prompt by prompt, seeds averaged. All borrowed. */
struct standing {
    int P, Q;
    const struct player *players;         // (P)
    const double *rounds, *seconds;       // (P, Q)
    const double *tokens, *best_rounds;   // (Q) after the first; rounds of the prompt's best fixed arm
    const struct walk *reference[REFERENCES]; // (Q) each
    const char *best_arm;                 // the best fixed arm of all prompts
    const double *own_ns;                 // (P) a round of a policy's own select and update; null: not measured
    bool charge;                          // and they are added to its seconds
};

/* players: one row a player, in order (P rows, the caller's); references: REFERENCES rows. Every row is compared with the
 * policy `against` (its spec or name, or "plain", "best-fixed"; null: the fastest without hindsight), whose place among players and then
 * references is written to *which. */
int summary_of(const struct standing *x, const char *against, struct summary *players, struct summary *references, int *which,
    struct err *err);

/* The same, but every row (players, then references) is held against each of the rows `which` (n): out (n, P + REFERENCES); first (P) is
 * the share of resamples in which that player is the fastest of those without hindsight. */
int summary_several(const struct standing *x, const int *which, int n, struct summary *players, struct summary *references,
    struct comparison *out, double *first, struct err *err);

/* summary_of a replay; own_ns may be null. */
int summary_against(const struct replay *r, const double *own_ns, bool charge, const char *against, struct summary *players,
    struct summary *references, int *which, struct err *err);

/* And against the fastest. */
int summary_make(const struct replay *r, struct summary *players, struct summary *references, struct err *err);

/* The prompts of one category (Q) alone: a row a player (P). Of `x` it takes P, Q, rounds, seconds, tokens, own_ns, charge and the walks of
 * plain decoding. Same bytes on any number of threads. */
struct category_row {
    int prompts;
    struct measure mat, tokens_per_s; // 0 where no text is longer than its first token
    double plain_tokens_per_s;
};
int summary_category(const struct standing *x, const char *const *category, const char *which, struct category_row *out, struct err *err);

struct curve_point {
    int tokens, prompts;
    struct measure rounds, seconds; // regret on first reaching `tokens`, mean over the prompts that reach it
};

/* Regret of player p along a prompt: r->tokens.n points into out. */
int summary_curve(const struct replay *r, int p, struct curve_point *out, struct err *err);

/* Regret added up over prompts in their order: after 1, 2, 4, ... of them and all; out has room for STREAM_POINTS. Returns how many.
 * Intervals are those of the mean over the prompts so far. */
enum { STREAM_POINTS = 34 };
struct stream_point {
    int prompts;
    int64_t tokens;
    struct measure rounds, seconds;
};
int summary_stream(const struct replay *r, int p, struct stream_point *out, struct err *err);

/* The arm with the fewest seconds over the prompts that are `in` (Q; null: all of them), the first of equals. `fixed` is (Q, K) walks. */
int summary_fixed_arm(const struct walk *fixed, const bool *in, int Q, int K);

/* For each prompt the same over its category (Q), or over all where none of its category is in: arms (Q). */
void summary_category_arms(const struct walk *fixed, const char *const *category, const bool *in, int Q, int K, int *arms);

/* Indices of rows from the highest tokens/s to the lowest; ties keep their order. */
void summary_sort(const struct summary *rows, int n, int *order);

#endif
