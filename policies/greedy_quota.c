/* greedy_quota.c - a quota over requests by optimistic acceptance rates, spent where the next token gains most.
 *
 * The oracle of TETRIS, arXiv 2502.15197, and DSpark, arXiv 2607.05147 (policies/quota.h), with rates that are learned. Per request r,
 * from trials (a token is tested when those before it were accepted), S accepted of N tested, after t rounds of the batch:
 *   index=kl-ucb: q = sup{ q : N kl(S/N, q) <= ln t }  over all depths,   a_{r,j} = q^j        Garivier & Cappe 2011, policies/tgd.h
 *   index=hazard: the same bound q_k depth by depth,                      a_{r,j} = q_1 ... q_j
 *   size=quota: all of the quota is spent
 *   size=load:  only while expected tokens a second grow, (n + gains) / seconds(tokens in the pass), DSpark's Algorithm 1 with its early
 *               stop. A request pays for its own drafting and rows and for an equal share of the pass, so the pass of n requests takes
 *               n times what the least-squares line of a request's seconds over its tokens (policies/cost.h) says of the mean
 * A new sequence starts with q = 1. A single request has quota L.
 * Check: 30 accepted, 12 rejected, t=40: q = 0.8726464519. */
#include "policies/cost.h"
#include "policies/index.h"
#include "policies/quota.h"

enum { INDEX, SIZE, DRAFTER };
enum { KL_UCB, HAZARD };
enum { SIZE_QUOTA, SIZE_LOAD };

static struct quota *quota_of(const void *state, const struct problem *p) { return cost_end((void *)state, p); }

static size_t greedy_quota_size(const struct problem *p) { return cost_size(p) + quota_size(p); }

static int greedy_quota_check(const struct problem *p, const double *param, struct err *err) {
    return quota_check(p, "greedy-quota", param[DRAFTER], err);
}

static void greedy_quota_init(void *state, const struct problem *p, const double *param) {
    quota_init(quota_of(state, p), p, (int)param[DRAFTER]);
}

static double reach(double accepted, double tested, double log_t) {
    return tested > 0 ? bernoulli_bound(accepted / tested, log_t / tested) : 1;
}

static void tail_of(const struct quota_depth *depth, int L, double index, double log_t, double *tail) {
    double accepted = 0, tested = 0, a = 1, q = 1;
    for (int j = 0; j < L; j++) accepted += depth[j].accepted, tested += depth[j].seen;
    if (index == KL_UCB) q = reach(accepted, tested, log_t);
    for (int j = 0; j < L; j++) tail[j] = a *= index == KL_UCB ? q : reach(depth[j].accepted, depth[j].seen, log_t);
}

struct pass {
    const struct cost *cost;
    int n;
};

static double pass_seconds(const void *user, int total) {
    const struct pass *x = user;
    return fmax(x->n * cost_verify(x->cost, (double)total / x->n), 1e-12);
}

static void greedy_quota_share(void *state, const struct problem *p, const double *param, const struct view *v, const int *request, int n,
                               int quota, struct rng *rng, int *arm) {
    struct quota *s = quota_of(state, p);
    const struct pass pass = {state, n};
    (void)rng;
    for (int i = 0; i < n; i++) {
        quota_meet(s, p, request[i], v[i].pos);
        tail_of(quota_depths(s, p, request[i]), p->L, param[INDEX], log(fmax(s->t, 1)), quota_tail(s, p, i));
    }
    quota_share(s, p, n, quota, arm, param[SIZE] == SIZE_LOAD && pass.cost->verify.n > 0 ? pass_seconds : NULL, &pass);
}

static int greedy_quota_select(void *state, const struct problem *p, const double *param, const struct view *v, struct rng *rng) {
    int arm, request = 0;
    greedy_quota_share(state, p, param, v, &request, 1, p->L, rng, &arm);
    return arm;
}

static void greedy_quota_update(void *state, const struct problem *p, const double *param, const struct outcome *o) {
    struct quota *s = quota_of(state, p);
    struct quota_depth *depth = quota_depths(s, p, o->request);
    struct outcome whole = *o;
    (void)param;
    whole.verify_s += whole.draft_s, whole.draft_s = 0; // one line for both
    cost_update(state, p, &whole);
    quota_round(s);
    for (int j = 0; j < o->gamma && j <= o->accepted; j++) {
        depth[j].seen++;
        depth[j].accepted += j < o->accepted;
    }
}

const struct policy policy_greedy_quota = {
    .name = "greedy-quota", .setting = "combinatorial",
    .summary = "a quota over requests where the next token gains most, by optimistic acceptance rates",
    .cite = "arXiv 2502.15197 (TETRIS), arXiv 2607.05147 (DSpark, Algorithm 1); Garivier & Cappe 2011 for the bound",
    .flags = POLICY_BATCH | POLICY_SECONDS,
    .params = {
        {"index", KL_UCB, 0, 1, "kl-ucb|hazard", "one acceptance rate a request, or one a depth"},
        {"size", SIZE_LOAD, 0, 1, "quota|load", "spend all of the quota, or only while tokens per second grow"},
        CHAIN_DRAFTER,
    },
    .check = greedy_quota_check,
    .size = greedy_quota_size, .init = greedy_quota_init, .select_seeing = greedy_quota_select,
    .share = greedy_quota_share, .update = greedy_quota_update,
};
