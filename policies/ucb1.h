/* ucb1.h - what UCB1 compares, for tests. */
#ifndef POLICIES_UCB1_H
#define POLICIES_UCB1_H

#include "policies/policy.h"

/* Of an agent that plays ucb1, the index of one arm as the next choice compares it; +infinity before its first round. */
double ucb1_index(const struct agent *a, int arm);

#endif
