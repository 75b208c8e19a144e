/* cucb.c - CUCB: upper bounds on the chance of each draft length of each request, fed to the greedy quota.
 *
 * Chen, Wang, Yuan, "Combinatorial multi-armed bandit: general framework and applications", ICML 2013, Algorithm 1. Base arm
 * (r, j) pays 1 when request r accepts at least j tokens. A round with l drafted shows all base arms j <= l of its request,
 * those behind a rejection too: they pay 0. After t rounds of the batch, n of them showing (r, j) with mean m,
 *   a_{r,j} = min( m + sqrt( 3 ln t / (2 n) ), 1, a_{r,j-1} ),   1 before the first
 * and the lengths are those of policies/quota.h for these, exact as an oracle. The running minimum keeps gains falling, as the truth does.
 * A single request gets the whole quota L: without costs, longer is never worse.
 * Check: n=10, m=0.3, t=40: a = 1; n=100, m=0.3, t=1000: a = 0.6219. */
#include <math.h>

#include "policies/quota.h"

enum { DRAFTER };

static int cucb_check(const struct problem *p, const double *param, struct err *err) { return quota_check(p, "cucb", param[DRAFTER], err); }

static void cucb_init(void *state, const struct problem *p, const double *param) { quota_init(state, p, (int)param[DRAFTER]); }

static void cucb_share(void *state, const struct problem *p, const double *param, const struct view *v, const int *request, int n,
                       int quota, struct rng *rng, int *arm) {
    struct quota *s = state;
    double log_t = log(fmax(s->t, 1));
    (void)param, (void)rng;
    for (int i = 0; i < n; i++) {
        double *tail = quota_tail(s, p, i), bound = 1;
        quota_meet(s, p, request[i], v[i].pos);
        const struct quota_depth *depth = quota_depths(s, p, request[i]);
        for (int j = 0; j < p->L; j++) {
            if (depth[j].seen > 0) bound = fmin(bound, depth[j].accepted / depth[j].seen + sqrt(1.5 * log_t / depth[j].seen));
            tail[j] = bound;
        }
    }
    quota_share(s, p, n, quota, arm, NULL, NULL);
}

static int cucb_select(void *state, const struct problem *p, const double *param, const struct view *v, struct rng *rng) {
    int arm, request = 0;
    cucb_share(state, p, param, v, &request, 1, p->L, rng, &arm);
    return arm;
}

static void cucb_update(void *state, const struct problem *p, const double *param, const struct outcome *o) {
    struct quota *s = state;
    struct quota_depth *depth = quota_depths(s, p, o->request);
    (void)param;
    quota_round(s);
    for (int j = 0; j < o->gamma; j++) {
        depth[j].seen++;
        depth[j].accepted += j < o->accepted;
    }
}

const struct policy policy_cucb = {
    .name = "cucb", .setting = "combinatorial",
    .summary = "a quota over requests by upper bounds on every draft length",
    .cite = "Chen, Wang, Yuan 2013, Algorithm 1; arXiv 2502.15197 (TETRIS) for the greedy oracle",
    .bound = "(6 ln T / f^-1(Dmin)^2 + pi^2/3 + 1) m Dmax, m base arms (Theorem 1)",
    .flags = POLICY_BATCH,
    .params = {CHAIN_DRAFTER},
    .check = cucb_check,
    .size = quota_size, .init = cucb_init, .select_seeing = cucb_select, .share = cucb_share, .update = cucb_update,
};
