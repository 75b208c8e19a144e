/* sw_ucb.c - UCB on the latest rounds only, for a best arm that changes.
 *
 * Garivier & Moulines, "On upper-confidence bound policies for switching bandit problems", ALT 2011, section 2.2.
 * With the latest min(t, window) rounds only, N of them with an arm and X the sum of their rewards:
 *   index = X/N + sqrt( xi ln min(t, window) / N ),   the highest plays, ties to the lowest number
 * An arm outside the window comes first. index=kl-ucb|imed|ucbspec compares the sliding form of that policy
 * instead (policies/recent.h).
 * Check: window=1024 is UCB1 with alpha = xi for the first 1024 rounds. */
#include "policies/recent.h"
#include "policies/window.h"

enum { REWARD, WINDOW, XI, INDEX };

static int sw_ucb_check(const struct problem *p, const double *param, struct err *err) {
    (void)p;
    return whole("sw-ucb", "window", param[WINDOW], err);
}

static int sw_ucb_select(void *state, const struct problem *p, const double *param, struct rng *rng) {
    const struct window *s = state;
    double log_all = s->t > 0 ? elementary_log(elementary_min(s->t, param[WINDOW])) : 0;
    double spread = param[XI] * log_all, most = 0, best = -INFINITY;
    int arm = 0;
    (void)rng;
    for (int i = 0; i < p->K; i++) {
        if (s->arm[i].n == 0) return i;
        most = fmax(most, window_sum(s, i) / s->arm[i].n);
    }
    for (int i = 0; i < p->K; i++) {
        double n = s->arm[i].n, mean = window_sum(s, i) / n;
        double index = param[INDEX] == RECENT_UCB ? mean + sqrt(spread / n) : recent_index(param[INDEX], p->K, mean, most, n, log_all);
        if (index > best) best = index, arm = i;
    }
    return arm;
}

static void sw_ucb_update(void *state, const struct problem *p, const double *param, const struct outcome *o) {
    window_update(state, p, param[REWARD], (int)param[WINDOW], o);
}

const struct policy policy_sw_ucb = {
    .name = "sw-ucb", .setting = "drifting",
    .summary = "UCB1, KL-UCB, IMED or UCBSpec on the latest rounds only",
    .cite = "Garivier & Moulines 2011, section 2.2",
    .bound = "O( sqrt(T Y ln T) ) with Y changes and window = 2 sqrt(T ln T / Y)",
    .flags = POLICY_SECONDS,
    .params = {
        REWARD_PARAM, WINDOW_ROUNDS,
        {"xi", 0.6, 1e-6, 100, NULL, "width of the bound, index=ucb; above 1/2 in the theorem"},
        RECENT_INDEX,
    },
    .check = sw_ucb_check,
    .size = window_size, .select = sw_ucb_select, .update = sw_ucb_update,
};
