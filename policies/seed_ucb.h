/* seed_ucb.h - what seed-ucb holds inside, for tests. */
#ifndef POLICIES_SEED_UCB_H
#define POLICIES_SEED_UCB_H

#include "policies/policy.h"

/* Of an agent that plays seed-ucb, one arm: its mean reward in tokens per second, and the
 * score that the next choice compares once the warm-up is over. */
double seed_ucb_mean(const struct agent *a, int arm);
double seed_ucb_score(const struct agent *a, int arm);

#endif
