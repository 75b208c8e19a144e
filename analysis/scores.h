/* scores.h - what every policy and every fixed arm took on every prompt, from one experiment of a results file.
 *
 * Of a replay that is in the rows of `outcome`, of a sweep in the runs' bytes; either way seeds are averaged within a prompt. Files of
 * version 1 have no walks: the best fixed arm is then known only where a replay had 'best-fixed' play.
 *
 * A share of the prompts may be held out (sim/board.h): the fastest policy, of each policy its parameters, and the best fixed arm, of all
 * prompts and of each category, are then chosen on the rest, and all figures are of the prompts held out, so nothing is tested on the data
 * that it was chosen on. */
#ifndef ANALYSIS_SCORES_H
#define ANALYSIS_SCORES_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

#include "sim/summary.h"

struct score { // a policy
    char *spec, *name; // owned
    int seeds, ordinal;
    bool fixed;        // plays one arm, whatever it sees: `none`, `fixed`
};

struct score_arm {
    char *name, *drafter; // owned; drafter "" for plain decoding
    int gamma;
};

struct scores {
    int P, Q, K;
    struct score *policies;     // (P) without hindsight, in the order of the command line
    struct player *players;     // (P) the same for summary_of: specs "#0", "#1", ..., so that no odd name is taken for a comparator's
    struct score_arm *arms;     // (K)
    char **category, **prompt_key; // (Q), owned
    double *tokens, *best_rounds;  // (Q)
    double *rounds, *seconds;   // (P, Q)
    struct walk *fixed;         // (Q, K); null: not in the file
    struct walk *reference[REFERENCES]; // (Q) each; those that `has` says
    bool has[REFERENCES];
    int best;                   // the fixed arm with the fewest seconds (with a hold-out, on the other prompts), -1: which is not known
    int fastest;                // the policy with the fewest seconds, likewise; -1: there is none
    int chosen_on;              // prompts that both were chosen on; Q where none are held out
    bool held;                  // some are
    uint64_t first_seed;
};

int scores_open(struct scores *s, sqlite3 *db, const char *path, int64_t experiment, double holdout, struct err *err);
void scores_close(struct scores *s);

/* As summary_of wants it. Comparators that the file does not have are filled with plain decoding's. */
struct standing scores_standing(const struct scores *s);

#endif
