/* board.h - the leaderboard of a sweep's setting, from its runs in a results file alone.
 *
 * Seeds are averaged in the order of their numbers and policies stand in the order of their specs, so the same runs make the same board
 * whoever played them and in whatever order they were written. With a hold-out share, prompts are split by a hash of their key: the one with
 * the most tokens/s of each policy's parameters, and the best fixed arm, of all and of each category, are chosen on the one part and reported
 * on the other, so that no figure has been chosen to look well and policies meet an arm that a user could have known of. */
#ifndef SIM_BOARD_H
#define SIM_BOARD_H

#include "sim/runs.h"

enum board_part { BOARD_ALL, BOARD_CHOOSE, BOARD_HELD_OUT };

struct board {
    int64_t experiment;
    char *trace, *arms, *scope, *timing, *target, *device; // owned
    int P, Q, K, B;             // policies, prompts of this part, arms, buckets of rounds
    struct player *players;     // (P), owned
    double *rounds, *seconds;   // (P, Q) means over seeds
    double *draft_s, *spent, *played; // (P) seconds of drafting, seconds and rounds of all runs; draft_s NaN: a run does not say
    char **category;            // (Q), owned
    double *own_ns;             // (P) of a round, the median over runs' measurements being the same for all
    double *tokens, *best_rounds; // (Q)
    struct walk *reference;     // (REFERENCES, Q)
    int64_t *pulls;             // (P, B, K)
    int chosen_on;              // prompts that best_arm is the best of: the other ones, where this part is held out
    char best_arm[ARM_NAME], hindsight_arm[ARM_NAME]; // the latter is the best of this part
    double hindsight_s;         // seconds of hindsight_arm on this part
    long runs;
};

/* `only`: keeps the policies of this JSON-free list of specs (n; null: all). share: of prompts held out. */
int board_open(struct board *b, struct runs *r, int64_t experiment, enum board_part part, double share, const char *const *only, int n, struct err *err);
void board_close(struct board *b);

/* Whether a prompt is of the part that a hold-out share of the prompts keeps for the report. */
bool board_holds_out(const char *prompt_key, double share);

/* As summary_of wants it; `b` must outlive it. */
struct standing board_standing(const struct board *b);

/* Of each policy with several parameters, the row with the most tokens/s; of others their only one. chosen (P) gets row numbers; how many. */
int board_choose(const struct board *b, int *chosen);

/* Writes the experiment's policy, comparison, pull, part and category rows anew. */
int board_store(const struct board *b, struct runs *r, const char *against, struct err *err);

#endif
