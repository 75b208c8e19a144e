/* ucbspec.h - the plain reading of UCBSpec, for tests and plots. */
#ifndef POLICIES_UCBSPEC_H
#define POLICIES_UCBSPEC_H

#include <stdint.h>

#include "policies/policy.h"

/* The confidence radius cr of eq. (6), in emitted tokens: K arms, t rounds so far, n of
 * them with this arm (n >= 1). */
double ucbspec_radius(int K, int L, int64_t t, int64_t n, double delta);

/* Of an agent that plays ucbspec, one arm: its mean emitted length, 0 before its first round. */
double ucbspec_mean(const struct agent *a, int arm);

/* The index of one arm, mean + cscale * cr, as the next choice compares it; +infinity before its first round. */
double ucbspec_index(const struct agent *a, int arm);

#endif
