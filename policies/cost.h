/* cost.h - the seconds a round of each arm is expected to take, learned from outcomes.
 *
 * The cost of an arm is its mean seconds a round, where one imagined round of
 *   (1 - doubt) (verify(width) + draft)
 * counts besides those played. So an arm never played still has a cost, a little optimistic,
 * and no arm is played only because it never was. The prediction knows:
 *   verify: the least-squares line of verify seconds over drafted tokens, over all rounds of all arms. Its
 *           slope stays between 0 and proportional to 1 + tokens: a wider pass is never cheaper, nor
 *           dearer than token by token. One width seen: the optimistic end, proportional
 *           for narrower and flat for wider, so that the second width tells the slope.
 *   draft:  the drafter's mean seconds per token asked for (free until it was timed),
 *           and its mean drafted share of what was asked, which scales the width.
 * Not timed are the first round (cold caches) and the first round of each drafter, which has to catch
 * up on the prompt: one slow start would weigh for a whole answer. Before any timing all costs are equal.
 *
 * A struct cost is cost_size() bytes at the start of a policy's flat state; zeroed is new. */
#ifndef POLICIES_COST_H
#define POLICIES_COST_H

#include <math.h>

#include "policies/policy.h"

struct cost_drafter {
    double rounds, asked, proposed; // sums; of a tree its nodes were proposed
    double timed_asked, draft_s;    // the same over timed rounds
    double share, token_s;          // proposed / asked and draft_s / timed_asked, once known
};

struct cost_arm {
    double n, seconds; // timed rounds and their sum, those cut short by the token budget left out
};

struct cost {
    double rounds;
    struct {           // running least squares (Welford 1962): x drafted tokens, y seconds
        double n, mean_x, mean_y, sxx, sxy;
        double most, slope; // of a cost proportional to the width, and the line's own where sxx > 0
    } verify;
    double each[];     // (D) struct cost_drafter, then (K) struct cost_arm
};

size_t cost_size(const struct problem *p); // bytes, a multiple of sizeof(double)

/* What a policy keeps behind its struct cost. */
static inline void *cost_end(struct cost *c, const struct problem *p) { return (char *)c + cost_size(p); }

/* Expected seconds of a full round of arm `i`, at least 1e-12 (a clock that reports nothing makes all
 * arms equal). `doubt` in [0, 1] is the share taken off the prediction. */
double cost_seconds(const struct cost *c, const struct problem *p, int i, double doubt);

/* Expected seconds of a verification of `drafted` tokens beside the newest: the line alone. */
double cost_verify(const struct cost *c, double drafted);

/* Expected seconds that the `depth`-th drafted token adds to a round: one more of drafting, one more row of verification. */
double cost_token(const struct cost *c, int drafter, int depth);

/* Emitted tokens per expected second; the tokens themselves before any timing. */
static inline double cost_rate(const struct cost *c, const struct problem *p, int i, double doubt, double emitted) {
    return c->verify.n == 0 ? emitted : emitted / cost_seconds(c, p, i, doubt);
}

void cost_update(struct cost *c, const struct problem *p, const struct outcome *o);

/* The parameters of a policy that weighs tokens against learned seconds. */
enum { VALUE_RATE, VALUE_LEN };
#define COST_REWARD {"reward", VALUE_RATE, 0, 1, "rate|len", "maximise tokens per second, or emitted tokens per round"}
#define COST_DOUBT {"doubt", 0.1, 0, 1, NULL, "share taken off a predicted cost until rounds tell; more tries more arms"}

#endif
