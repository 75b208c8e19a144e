/* finding.h - which policy to use, by how much, and how sure that is: said in words, from scores.h.
 *
 * Three comparisons, each paired by prompts (BCa bootstrap, sim/summary.h) and corrected for the number of policies (Holm):
 *   with the best fixed arm   all policies are tested at once, so that the fastest of them was chosen on the same prompts is paid for by
 *                             the correction. The arm, too, was chosen on them, in hindsight, for which nothing pays: policies look
 *                             the slower for it.
 *   with plain decoding       likewise; nothing was chosen.
 *   with the fastest policy   which was chosen on these prompts, so this test leans towards finding differences.
 * How large the winner's lead is stays optimistic in all of them. A hold-out (scores.h) removes both.
 *
 * Recommended is, of the policies that beat the best fixed arm and cannot be told apart from the fastest nor lie more than `margin` per
 * cent behind it, `auto` (what live decoding uses unless told otherwise), else the one that keeps the least state. No policy beats the
 * arm: then the arm; and where neither has more tokens/s than plain decoding, that. */
#ifndef ANALYSIS_FINDING_H
#define ANALYSIS_FINDING_H

#include "analysis/scores.h"

enum conclusion {
    CONCLUDE_POLICY,     // at least one policy is faster than the best fixed arm
    CONCLUDE_SAME,       // no policy is distinguishable from it
    CONCLUDE_NONE_FASTER, // none is faster; some are slower
    CONCLUDE_ARM,        // every policy is slower
    CONCLUDE_NO_ARM,     // the best fixed arm is not known
    CONCLUDE_ARMS_ONLY,  // only fixed arms played
    CONCLUDE_PLAIN,      // drafting does not pay: neither a policy nor a fixed arm has more tokens/s than plain decoding
};

struct finding {
    const struct scores *scores; // borrowed
    struct summary *rows, references[REFERENCES]; // rows (P)
    struct comparison *with_fastest, *with_fixed, *with_plain; // (P + REFERENCES) each
    double *first;        // (P) share of resamples in which it is the fastest
    int *order;           // (P) from the fastest
    int recommended;      // row; P + REFERENCE_BEST_FIXED: the arm; P + REFERENCE_PLAIN: no drafting
    enum conclusion conclusion;
    int choosing, choosing_faster; // policies that are more than one arm; those faster than the best fixed arm
    int faster, same, slower; // of all policies but the arm itself (VERDICT_REFERENCE), against it
    int level;            // policies that cannot be told apart from the fastest, itself left out
    char *arm;            // "the best fixed arm (pld:3)", "plain decoding"; owned
    char *headline, *amount, *sureness, *reason; // sentences, owned; reason may be empty
};

int finding_open(struct finding *v, const struct scores *s, double margin, struct err *err);
void finding_close(struct finding *v);

/* The row's name as a policy: "auto", "fixed:arm=sam:4"; its summary and comparisons. */
const char *finding_spec(const struct finding *v, int row, char *room, size_t size);
/* The row's name in a sentence: "auto", "the best fixed arm (sam:4)", "plain decoding". */
const char *finding_name(const struct finding *v, int row);
const struct summary *finding_row(const struct finding *v, int row);

/* "no difference found", "faster", "slower", "the one compared with". */
const char *finding_word(enum verdict x);

/* Digits behind the point that a column of numbers up to `largest` wants: four digits in all, at most 3 of them behind it. */
int finding_digits(double largest);

#endif
