/* sw_ucb.c - UCB on the latest rounds only, for a best arm that changes.
 *
 * Garivier & Moulines, "On upper-confidence bound policies for switching bandit problems", ALT 2011, section 2.2.
 * With the latest min(t, window) rounds only, N of them with an arm and X the sum of their rewards:
 *   index = X/N + sqrt( xi ln min(t, window) / N ),   the highest plays, ties to the lowest number
 * An arm outside the window comes first. Sums are added up anew each time the ring of rounds comes
 * round, so what rounding leaves behind does not add up.
 * Check: window=1024 is UCB1 with alpha = xi for the first 1024 rounds. */
#include "policies/reward.h"

enum { REWARD, WINDOW, XI };
enum { WINDOW_MAX = 1024 };

struct sw_ucb {
    double t;               // rounds so far
    struct reward reward;
    struct sw_ucb_round {
        double raw;
        int arm, used;
    } ring[WINDOW_MAX];     // the first `window` are used
    struct sw_ucb_arm {
        double n, sum;      // rounds in the window and their raw rewards
    } arm[];                // (K)
};

static size_t sw_ucb_size(const struct problem *p) {
    return sizeof(struct sw_ucb) + (size_t)p->K * sizeof(struct sw_ucb_arm);
}

static int sw_ucb_check(const struct problem *p, const double *param, struct err *err) {
    (void)p;
    if (param[WINDOW] == floor(param[WINDOW])) return 0;
    return err_set(err, "policy 'sw-ucb': 'window' wants a whole number, got '%g'", param[WINDOW]);
}

static int sw_ucb_select(void *state, const struct problem *p, const double *param, struct rng *rng) {
    const struct sw_ucb *s = state;
    double spread = s->t > 0 ? param[XI] * elementary_log(elementary_min(s->t, param[WINDOW])) : 0, best = -1;
    int arm = 0;
    (void)rng;
    for (int i = 0; i < p->K; i++) {
        double n = s->arm[i].n;
        if (n == 0) return i;
        double index = s->arm[i].sum / n * s->reward.scale + sqrt(spread / n);
        if (index > best) best = index, arm = i;
    }
    return arm;
}

static void add_up(struct sw_ucb *s, int K, int window) {
    for (int i = 0; i < K; i++) s->arm[i].sum = 0;
    for (int i = 0; i < window; i++)
        if (s->ring[i].used) s->arm[s->ring[i].arm].sum += s->ring[i].raw;
}

static void sw_ucb_update(void *state, const struct problem *p, const double *param, const struct outcome *o) {
    struct sw_ucb *s = state;
    int window = (int)param[WINDOW], at = (int)fmod(s->t++, window);
    struct sw_ucb_round *round = &s->ring[at];
    if (round->used) {
        s->arm[round->arm].n--;
        s->arm[round->arm].sum -= round->raw;
    }
    *round = (struct sw_ucb_round){reward_raw(&s->reward, p, param[REWARD], o), o->arm, 1};
    s->arm[o->arm].n++;
    s->arm[o->arm].sum += round->raw;
    if (at == window - 1) add_up(s, p->K, window);
}

const struct policy policy_sw_ucb = {
    .name = "sw-ucb", .setting = "drifting",
    .summary = "UCB1 on the latest rounds only",
    .cite = "Garivier & Moulines 2011, section 2.2",
    .bound = "O( sqrt(T Y ln T) ) with Y changes and window = 2 sqrt(T ln T / Y)",
    .flags = POLICY_SECONDS,
    .params = {
        REWARD_PARAM,
        {"window", 64, 1, WINDOW_MAX, NULL, "rounds remembered"},
        {"xi", 0.6, 1e-6, 100, NULL, "width of the bound; above 1/2 in the theorem"},
    },
    .check = sw_ucb_check,
    .size = sw_ucb_size, .select = sw_ucb_select, .update = sw_ucb_update,
};
