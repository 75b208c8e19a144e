/* glr_klucb.c - KL-UCB that restarts when a likelihood ratio test says that an arm changed.
 *
 * Besson & Kaufmann, "The generalized likelihood ratio test meets klUCB", 2019, arXiv 1902.01575, Algorithm 1. Of each arm
 * since its last restart, tau_i, the samples are kept, n of them; after every `every` of them
 *   alarm when GLR >= ln(3 n^(3/2) / delta) (policies/change.h): restart=local the arm starts anew, restart=global all do
 * In round t = 0, 1, ... with T = floor(K / alpha): arm t mod T plays when that is below K (forced exploration), else the highest
 *   sup{ q : n_i kl(mean_i, q) <= ln(t - tau_i) },   arms without samples first, ties to the lowest number
 * Published are delta = 1/sqrt(horizon) and, from their own code, alpha = sqrt(r K ln(horizon) / horizon) in the r-th stretch
 * between alarms, which forces half of all choices at a hundred rounds and five arms. So explore sets a constant alpha, as
 * their experiments do; explore=0 and delta=0 stand for the published ones. Only the latest `history` samples are
 * tested, which bounds state and time (ours). Check: in policies/change.h. */
#include "policies/change.h"
#include "policies/index.h"
#include "policies/reward.h"
#include "policies/whole.h"

enum { REWARD, RESTART, HORIZON, DELTA, EXPLORE, EVERY, HISTORY };
enum { LOCAL, GLOBAL };

struct glr_klucb {
    double t, alarms;
    struct reward reward;
    struct glr_klucb_arm {
        double tau, sum;      // round of the last restart, raw rewards since
        struct change_ring x; // x.n: samples since
    } arm[];                  // (K)
};

static size_t glr_klucb_size(const struct problem *p) { return sizeof(struct glr_klucb) + (size_t)p->K * sizeof(struct glr_klucb_arm); }

static int glr_klucb_check(const struct problem *p, const double *param, struct err *err) {
    (void)p;
    int rc = whole("glr-klucb", "every", param[EVERY], err);
    return rc ? rc : whole("glr-klucb", "history", param[HISTORY], err);
}

static int glr_klucb_select(void *state, const struct problem *p, const double *param, struct rng *rng) {
    const struct glr_klucb *s = state;
    double T = param[HORIZON], alpha = param[EXPLORE] > 0 ? param[EXPLORE] : fmin(1, sqrt((s->alarms + 1) * p->K * log(T) / T));
    double forced = fmod(s->t, floor(p->K / alpha)), best = -1;
    int arm = 0;
    (void)rng;
    if (forced < p->K) return (int)forced;
    for (int i = 0; i < p->K; i++) {
        const struct glr_klucb_arm *x = &s->arm[i];
        if (x->x.n == 0) return i;
        double mean = fmin(x->sum / x->x.n * s->reward.scale, 1), budget = log(s->t - x->tau) / x->x.n;
        if (mean + sqrt(budget / 2) <= best) continue; // Pinsker
        double index = bernoulli_bound(mean, budget);
        if (index > best) best = index, arm = i;
    }
    return arm;
}

static void restart(struct glr_klucb_arm *arm, double t) {
    arm->tau = t;
    arm->sum = arm->x.n = 0;
}

static void glr_klucb_update(void *state, const struct problem *p, const double *param, const struct outcome *o) {
    struct glr_klucb *s = state;
    struct glr_klucb_arm *arm = &s->arm[o->arm];
    int size = (int)param[HISTORY];
    double raw = reward_raw(&s->reward, p, param[REWARD], o), T = param[HORIZON];
    s->t++;
    arm->sum += raw;
    change_add(&arm->x, size, raw);
    if (fmod(arm->x.n, param[EVERY])) return;
    int n = change_kept(&arm->x, size);
    double glr = change_glr(arm->x.raw, size, change_oldest(&arm->x, size), n, s->reward.scale);
    if (glr < change_glr_threshold(n, param[DELTA] > 0 ? param[DELTA] : 1 / sqrt(T))) return;
    s->alarms++;
    if (param[RESTART] == LOCAL) restart(arm, s->t);
    else for (int i = 0; i < p->K; i++) restart(&s->arm[i], s->t);
}

const struct policy policy_glr_klucb = {
    .name = "glr-klucb", .setting = "drifting",
    .summary = "KL-UCB that restarts when a likelihood ratio test says an arm changed",
    .cite = "Besson & Kaufmann 2019, arXiv 1902.01575, Algorithm 1",
    .bound = "O( sqrt(Y K T ln T) ) with Y changes and the published delta and exploration",
    .flags = POLICY_SECONDS,
    .params = {
        REWARD_PARAM,
        {"restart", LOCAL, 0, 1, "local|global", "what an alarm forgets: the arm, or all"},
        {"horizon", 128, 2, 1e12, NULL, "rounds that the published delta and exploration are tuned for"},
        {"delta", 0, 0, 1, NULL, "chance of a false alarm; 0: 1/sqrt(horizon)"},
        {"explore", 0.1, 0, 1, NULL, "share of forced choices alpha; 0: sqrt(r K ln(horizon)/horizon)"},
        {"every", 5, 1, 1e6, NULL, "samples of an arm between its tests"},
        {"history", CHANGE_HISTORY, 2, CHANGE_HISTORY, NULL, "latest samples of an arm that are tested"},
    },
    .check = glr_klucb_check,
    .size = glr_klucb_size, .select = glr_klucb_select, .update = glr_klucb_update,
};
