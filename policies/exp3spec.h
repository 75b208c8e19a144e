/* exp3spec.h - what EXP3Spec holds inside, for tests and plots. */
#ifndef POLICIES_EXP3SPEC_H
#define POLICIES_EXP3SPEC_H

#include "policies/policy.h"

/* Of an agent that plays exp3spec, one arm: its probability in the latest choice (1/K
 * before the first), and the sum of its estimated losses. */
double exp3spec_probability(const struct agent *a, int arm);
double exp3spec_loss(const struct agent *a, int arm);

#endif
