/* fixed.c - one arm for ever.
 *
 * The comparators of regret are the K policies fixed:arm=0 .. fixed:arm=K-1 (arXiv
 * 2505.15141, eq. (1)-(2): the stopping time of the best fixed arm). */
#include "policies/policy.h"

static int fixed_select(void *state, const struct problem *p, const double *param, struct rng *rng) {
    (void)state, (void)p, (void)rng;
    return (int)param[0];
}

const struct policy policy_fixed = {
    .name = "fixed", .setting = "baseline",
    .summary = "one arm for ever, the comparator of regret",
    .cite = "arXiv 2505.15141 eq. (1)-(2)",
    .bound = "linear in rounds unless the arm is the best",
    .params = {{"arm", 0, 0, 1e9, "arm", "the arm, by name or number"}},
    .select = fixed_select,
};
