/* ucb_bv.c - UCB-BV: budgeted bandits with costs that vary.
 *
 * Ding, Qin, Zhang, Liu, "Multi-armed bandit with budget constraint and variable costs", AAAI 2013, eq. (3) and (4). Rewards are
 * emitted / (L + 1), costs seconds over the longest round so far. After each arm once, with t rounds so far, n of them with an arm of
 * mean reward r and mean cost c, and e = sqrt( ln t / n ):
 *   version=1: D = r/c + (1 + 1/lambda) e / (lambda - e)          lambda at most every arm's mean cost
 *   version=2: D = r/c + (1/l) (1 + 1/(l - e)) e                  l = least mean cost of all arms, measured
 * The highest plays, ties to the lowest number; +infinity while e >= lambda (or l). That asks for ln t / lambda^2 rounds of each arm, so
 * it explores a whole answer long; ratio-ucb is the practical one.
 * Check: version=1, lambda=1, r=0.5, c=0.8, n=10, t=20: D = 3.0432572424. */
#include <math.h>

#include "core/elementary.h"
#include "policies/policy.h"

enum { FORM, LAMBDA };
enum { BV1, BV2 };

struct ucb_bv {
    double t, log_t;
    double longest;    // seconds of the longest round so far
    struct ucb_bv_arm {
        double n, emitted, seconds;
    } arm[];           // (K)
};

static size_t ucb_bv_size(const struct problem *p) { return sizeof(struct ucb_bv) + (size_t)p->K * sizeof(struct ucb_bv_arm); }

/* The mean cost of an arm in (0, 1]; a clock that reports nothing makes all arms equal. */
static double cost_of(const struct ucb_bv *s, int i) {
    return s->longest > 0 ? fmax(s->arm[i].seconds / s->arm[i].n / s->longest, 1e-12) : 1;
}

static double bonus(double e, double version, double lambda) {
    if (e >= lambda) return INFINITY;
    return version == BV1 ? (1 + 1 / lambda) * e / (lambda - e) : (1 + 1 / (lambda - e)) * e / lambda;
}

static int ucb_bv_select(void *state, const struct problem *p, const double *param, struct rng *rng) {
    const struct ucb_bv *s = state;
    double lambda = param[FORM] == BV1 ? param[LAMBDA] : INFINITY, best = -1;
    int arm = 0;
    (void)rng;
    for (int i = 0; i < p->K; i++) {
        if (s->arm[i].n == 0) return i;
        if (param[FORM] == BV2) lambda = fmin(lambda, cost_of(s, i));
    }
    for (int i = 0; i < p->K; i++) {
        const struct ucb_bv_arm *a = &s->arm[i];
        double reward = a->emitted / a->n / (p->L + 1);
        double index = reward / cost_of(s, i) + bonus(sqrt(s->log_t / a->n), param[FORM], lambda);
        if (index > best) best = index, arm = i;
    }
    return arm;
}

static void ucb_bv_update(void *state, const struct problem *p, const double *param, const struct outcome *o) {
    struct ucb_bv *s = state;
    struct ucb_bv_arm *a = &s->arm[o->arm];
    double seconds = o->draft_s + o->verify_s;
    (void)p, (void)param;
    s->log_t = elementary_log(++s->t);
    s->longest = fmax(s->longest, seconds);
    a->n++;
    a->emitted += o->emitted;
    a->seconds += seconds;
}

const struct policy policy_ucb_bv = {
    .name = "ucb-bv", .setting = "budgeted",
    .summary = "ratio of mean tokens to mean seconds with a bonus for both",
    .cite = "Ding, Qin, Zhang, Liu 2013, eq. (3) and (4) (UCB-BV1, UCB-BV2)",
    .bound = "O( ln B ) for a budget B",
    .flags = POLICY_SECONDS,
    .params = {
        {"version", BV2, 0, 1, "1|2", "UCB-BV1, told the least mean cost, or UCB-BV2, which measures it"},
        {"lambda", 0.5, 1e-6, 1, NULL, "least mean cost over the longest round, version=1"},
    },
    .size = ucb_bv_size, .select = ucb_bv_select, .update = ucb_bv_update,
};
