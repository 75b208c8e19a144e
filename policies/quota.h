/* quota.h - a verification quota shared over the requests of a batch, for cucb and greedy-quota.
 *
 * Lengths l_r with sum l_r <= Q that maximise sum_r ( a_{r,1} + ... + a_{r,l_r} ), a_{r,j} the chance that request r accepts at least
 * j tokens. a falls with j, so gains diminish, and taking the largest gain first is optimal when every length is on
 * offer (TETRIS, arXiv 2502.15197; DSpark, arXiv 2607.05147): a heap of each request's next step, O(Q log n).
 * Where arms leave lengths out, a step is the jump to the next one, compared by gain per token; one that no longer fits ends
 * its request's turn. That is the best of such a greedy, not always of all choices.
 * Ties go to the shorter length, then to the lower request: equal requests share equally.
 * Check: a = (.9 .8 .1), (.7 .6 .5), Q = 4: lengths 2 and 2. */
#ifndef POLICIES_QUOTA_H
#define POLICIES_QUOTA_H

#include "policies/chain.h"

struct quota_step {
    double gain;      // expected tokens per drafted one
    int request, step;
};

/* Lengths on offer: of one drafter, ascending; lengths[0] = 0. */
struct quota_lengths {
    int n;
    int at[ARM_GAMMA_MAX + 1];
};

void quota_lengths(struct quota_lengths *l, const struct problem *p, int drafter);

/* Fills length (n) and returns the sum. tail (n, L): a_{r,j} at [r * L + j - 1], falling in j. heap (n): room to work in.
 * With `seconds` the batch grows only while expected tokens a second do, n + gains over seconds(user, total), as DSpark's Algorithm 1. */
int quota_fill(const double *tail, int L, int n, int quota, const struct quota_lengths *l, struct quota_step *heap, int *length,
               double (*seconds)(const void *user, int total), const void *user);

/* What a policy keeps of each request, and learns. A request's numbers begin anew when its position goes back: another sequence
 * has taken its place (unless the old one lasted a single round).
 * Flat state: struct quota, then (R) struct quota_step, (R) positions and lengths, (R, L) tails, (R, L) struct quota_depth. */
struct quota_depth {
    double seen, accepted;
};

struct quota {
    struct quota_lengths lengths;
    int drafter;
    double t;        // rounds of the batch that were learned from
    bool open;       // nothing was learned of the newest yet
    double each[];
};

static inline int quota_requests(const struct problem *p) { return p->R > 1 ? p->R : 1; }

size_t quota_size(const struct problem *p);
void quota_init(struct quota *s, const struct problem *p, int drafter);
int quota_check(const struct problem *p, const char *policy, double drafter, struct err *err);

struct quota_depth *quota_depths(const struct quota *s, const struct problem *p, int request); // (L)
double *quota_tail(const struct quota *s, const struct problem *p, int i);                     // (L) of the i-th of a batch

/* Is this a new sequence in the place of an old one? Then its numbers are cleared. */
void quota_meet(struct quota *s, const struct problem *p, int request, int pos);

/* Arms from the tails. */
void quota_share(struct quota *s, const struct problem *p, int n, int quota, int *arm,
                 double (*seconds)(const void *user, int total), const void *user);

/* Counts a round of the batch once, on its first outcome. */
static inline void quota_round(struct quota *s) {
    s->t += s->open;
    s->open = false;
}

#endif
