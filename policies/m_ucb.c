/* m_ucb.c - UCB1 that starts anew when the halves of an arm's latest samples differ.
 *
 * Cao, Wen, Kveton, Xie, "Nearly optimal adaptive procedure with change detection for piecewise-stationary bandit", AISTATS 2019,
 * arXiv 1802.03692, Algorithms 1 and 2. With tau the round of the last alarm, in round t and with A = (t - tau) mod ceil(K / g):
 *   A < K: arm A plays,   else the highest  mean_i + sqrt( 2 ln(t - tau) / n_i )  of counts since tau, ties to the lowest number
 *   alarm when the later half of an arm's latest `window` samples differs from the earlier by more than b: all arms restart
 * Published (remark 1): b = sqrt( w/2 ln(2 K T^2) ) and g = sqrt( M K (2 b + 3 sqrt(w)) / (2T) ) for M stretches of T rounds. Halves
 * differ by w/2 at most, so that b alarms only when w > 2 ln(2 K T^2): 52 at T = 128 and K = 7, where g is above 1 and
 * every choice is forced. The defaults are therefore ours, for rounds by the hundred; b=0 and explore=0 stand
 * for the published ones. Check: in policies/change.h. */
#include "policies/change.h"
#include "policies/index.h"
#include "policies/reward.h"
#include "policies/whole.h"

enum { REWARD, WINDOW, B, EXPLORE, HORIZON, STRETCHES };

struct m_ucb {
    double t;                 // rounds since the last alarm
    struct reward reward;
    struct m_ucb_arm {
        double sum;           // raw rewards since then
        struct change_ring x; // x.n: samples since then
    } arm[];                  // (K)
};

static size_t m_ucb_size(const struct problem *p) { return sizeof(struct m_ucb) + (size_t)p->K * sizeof(struct m_ucb_arm); }

static int m_ucb_check(const struct problem *p, const double *param, struct err *err) {
    (void)p;
    if (fmod(param[WINDOW], 2) == 0) return 0;
    return err_set(err, "policy 'm-ucb': 'window' wants an even number, got '%g'", param[WINDOW]);
}

static double threshold(const struct problem *p, const double *param) {
    double T = param[HORIZON];
    return param[B] > 0 ? param[B] : sqrt(param[WINDOW] / 2 * log(2 * p->K * T * T));
}

static int m_ucb_select(void *state, const struct problem *p, const double *param, struct rng *rng) {
    const struct m_ucb *s = state;
    double g = param[EXPLORE], best = -1, log_t = s->t > 0 ? log(s->t) : 0;
    if (g == 0) g = fmin(1, sqrt(param[STRETCHES] * p->K * (2 * threshold(p, param) + 3 * sqrt(param[WINDOW])) / (2 * param[HORIZON])));
    double forced = fmod(s->t, ceil(p->K / g));
    int arm = 0;
    (void)rng;
    if (forced < p->K) return (int)forced;
    for (int i = 0; i < p->K; i++) {
        const struct m_ucb_arm *x = &s->arm[i];
        if (x->x.n == 0) return i;
        double index = index_ucb1(fmin(x->sum / x->x.n * s->reward.scale, 1), x->x.n, log_t, 2);
        if (index > best) best = index, arm = i;
    }
    return arm;
}

static void m_ucb_update(void *state, const struct problem *p, const double *param, const struct outcome *o) {
    struct m_ucb *s = state;
    struct m_ucb_arm *arm = &s->arm[o->arm];
    int size = (int)param[WINDOW];
    double raw = reward_raw(&s->reward, p, param[REWARD], o);
    s->t++;
    arm->sum += raw;
    change_add(&arm->x, size, raw);
    if (arm->x.n < size) return;
    double difference = change_halves(arm->x.raw, size, change_oldest(&arm->x, size), size, s->reward.scale);
    if (difference <= threshold(p, param)) return;
    s->t = 0;
    for (int i = 0; i < p->K; i++) s->arm[i].sum = s->arm[i].x.n = 0;
}

const struct policy policy_m_ucb = {
    .name = "m-ucb", .setting = "drifting",
    .summary = "UCB1 that starts anew when the halves of an arm's latest rewards differ",
    .cite = "Cao, Wen, Kveton, Xie 2019, arXiv 1802.03692, Algorithms 1 and 2",
    .bound = "O( sqrt(M K T ln T) ) with M stretches and the published window, b and exploration",
    .flags = POLICY_SECONDS,
    .params = {
        REWARD_PARAM,
        {"window", 20, 2, CHANGE_HISTORY, NULL, "latest samples of an arm that are compared, even"},
        {"b", 3, 0, CHANGE_HISTORY, NULL, "difference of the halves' sums that alarms; 0: as published"},
        {"explore", 0.1, 0, 1, NULL, "share of forced choices g; 0: as published"},
        {"horizon", 128, 2, 1e12, NULL, "rounds that the published b and exploration are tuned for"},
        {"stretches", 1, 1e-6, 1e9, NULL, "stretches M between changes within the horizon"},
    },
    .check = m_ucb_check,
    .size = m_ucb_size, .select = m_ucb_select, .update = m_ucb_update,
};
