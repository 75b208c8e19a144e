/* none.c - plain decoding: never drafts.
 *
 * The reference every speed-up is measured against: gamma = 0 in every round. */
#include "policies/policy.h"

static int plain_arm(const struct problem *p) {
    for (int i = 0; i < p->K; i++)
        if (p->arms[i].gamma == 0) return i;
    return -1;
}

static int none_check(const struct problem *p, const double *param, struct err *err) {
    (void)param;
    if (plain_arm(p) >= 0) return 0;
    return err_usage(err, "policy 'none' wants the arm 'plain', which is not among the %d arms (first: '%s')", p->K, p->arms[0].name);
}

static size_t none_size(const struct problem *p) {
    (void)p;
    return sizeof(int);
}

static void none_init(void *state, const struct problem *p, const double *param) {
    (void)param;
    *(int *)state = plain_arm(p);
}

static int none_select(void *state, const struct problem *p, const double *param, struct rng *rng) {
    (void)p, (void)param, (void)rng;
    return *(int *)state;
}

const struct policy policy_none = {
    .name = "none", .setting = "baseline",
    .summary = "plain decoding, the reference of every speed-up",
    .cite = "autoregressive decoding",
    .check = none_check, .size = none_size, .init = none_init, .select = none_select,
};
