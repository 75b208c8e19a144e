/* cusum_ucb.c - UCB that forgets an arm when a two-sided CUSUM test says that it changed.
 *
 * Liu, Lee, Shroff, "A change-detection based framework for piecewise-stationary multi-armed bandit problem", AAAI 2018, arXiv
 * 1711.03539, Algorithms 1 and 3. Of each arm since its last restart: the first M samples give a mean u; every later x moves
 *   up = max(0, up + x - u - eps),   down = max(0, down + u - x - eps),   alarm when either passes h: the arm restarts
 * With probability alpha any arm plays, else the highest
 *   mean_i + sqrt( xi ln N / n_i ),   N the sum of the counts n since the restarts, ties to the lowest number
 * and arms without a count come first.
 *   h = ln(T/Y),   alpha = sqrt( Y/T ln(T/Y) )  for Y changes in a horizon of T rounds (section 4)
 * eps and M are chosen for about a hundred rounds (ours).
 * Check: M=1, eps=0: rewards 0.5, 0.75, 0.75 give up = 0.5. */
#include "policies/reward.h"
#include "policies/whole.h"

enum { REWARD, HORIZON, CHANGES, EPS, SAMPLES, XI };

struct cusum_ucb {
    struct reward reward;
    double total;        // N
    struct cusum_ucb_arm {
        double n, sum;   // since the restart, raw rewards
        double first;    // the sum of the first M of them
        double up, down;
    } arm[];             // (K)
};

static size_t cusum_ucb_size(const struct problem *p) { return sizeof(struct cusum_ucb) + (size_t)p->K * sizeof(struct cusum_ucb_arm); }

static int cusum_ucb_check(const struct problem *p, const double *param, struct err *err) {
    (void)p;
    if (param[CHANGES] < param[HORIZON]) return whole("cusum-ucb", "samples", param[SAMPLES], err);
    return err_set(err, "policy 'cusum-ucb': 'changes' wants a value below the horizon %g, got '%g'", param[HORIZON], param[CHANGES]);
}

static int cusum_ucb_select(void *state, const struct problem *p, const double *param, struct rng *rng) {
    const struct cusum_ucb *s = state;
    double h = log(param[HORIZON] / param[CHANGES]), alpha = sqrt(param[CHANGES] / param[HORIZON] * h), best = -1;
    if (rng_uniform(rng) < alpha) return rng_below(rng, p->K);
    double spread = param[XI] * (s->total > 0 ? log(s->total) : 0);
    int arm = 0;
    for (int i = 0; i < p->K; i++) {
        double n = s->arm[i].n;
        if (n == 0) return i;
        double index = fmin(s->arm[i].sum / n * s->reward.scale, 1) + sqrt(spread / n);
        if (index > best) best = index, arm = i;
    }
    return arm;
}

static void cusum_ucb_update(void *state, const struct problem *p, const double *param, const struct outcome *o) {
    struct cusum_ucb *s = state;
    struct cusum_ucb_arm *arm = &s->arm[o->arm];
    double raw = reward_raw(&s->reward, p, param[REWARD], o);
    arm->n++, arm->sum += raw, s->total++;
    if (arm->n <= param[SAMPLES]) {
        arm->first += raw;
        return;
    }
    double above = (raw - arm->first / param[SAMPLES]) * s->reward.scale;
    arm->up = fmax(0, arm->up + above - param[EPS]);
    arm->down = fmax(0, arm->down - above - param[EPS]);
    if (fmax(arm->up, arm->down) <= log(param[HORIZON] / param[CHANGES])) return;
    s->total -= arm->n;
    *arm = (struct cusum_ucb_arm){0};
}

const struct policy policy_cusum_ucb = {
    .name = "cusum-ucb", .setting = "drifting",
    .summary = "UCB that forgets an arm when a CUSUM test says it changed",
    .cite = "Liu, Lee, Shroff 2018, arXiv 1711.03539, Algorithms 1 and 3",
    .bound = "O( sqrt(T Y ln(T/Y)) ) with Y changes",
    .flags = POLICY_RANDOM | POLICY_SECONDS,
    .params = {
        REWARD_PARAM,
        {"horizon", 128, 2, 1e12, NULL, "rounds T that threshold and exploration are tuned for"},
        {"changes", 1, 1e-6, 1e9, NULL, "changes Y within the horizon"},
        {"eps", 0.05, 0, 1, NULL, "drift of the mean that is not to alarm"},
        {"samples", 10, 1, 1e6, NULL, "samples M that set an arm's level after a restart"},
        {"xi", 1, 1e-6, 100, NULL, "width of the bound"},
    },
    .check = cusum_ucb_check,
    .size = cusum_ucb_size, .select = cusum_ucb_select, .update = cusum_ucb_update,
};
