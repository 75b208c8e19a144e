/* d_ucb.c - discounted UCB, for a best arm that drifts.
 *
 * Garivier & Moulines, "On upper-confidence bound policies for switching bandit problems", ALT 2011, section 2.1.
 * All counts N and reward sums X fade by `keep` a round (policies/fade.h); n is the sum of the counts:
 *   index = X/N + 2 sqrt( xi ln n / N ),   the highest plays, ties to the lowest number
 * An arm never played, or faded away (N < 1e-9), comes first. xi > 1/2 in the theorem. index=kl-ucb|imed|ucbspec compares
 * the discounted form of that policy instead (policies/recent.h).
 * Check: keep=1 is UCB1 with alpha = 4 xi. */
#include "policies/fade.h"
#include "policies/recent.h"

enum { REWARD, KEEP, XI, INDEX };

static int d_ucb_select(void *state, const struct problem *p, const double *param, struct rng *rng) {
    const struct fade *s = state;
    double log_all = elementary_max(0, elementary_log(s->total)), spread = 4 * param[XI] * log_all, most = 0, best = -INFINITY;
    int arm = 0;
    (void)rng;
    for (int i = 0; i < p->K; i++) {
        if (s->arm[i].n == 0) return i;
        most = elementary_max(most, fade_sum(s, i) / s->arm[i].n);
    }
    for (int i = 0; i < p->K; i++) {
        double n = s->arm[i].n, mean = fade_sum(s, i) / n;
        double index = param[INDEX] == RECENT_UCB ? mean + sqrt(spread / n) : recent_index(param[INDEX], p->K, mean, most, n, log_all);
        if (index > best) best = index, arm = i;
    }
    return arm;
}

static void d_ucb_update(void *state, const struct problem *p, const double *param, const struct outcome *o) {
    fade_update(state, p, param[REWARD], param[KEEP], o);
}

const struct policy policy_d_ucb = {
    .name = "d-ucb", .setting = "drifting",
    .summary = "UCB1, KL-UCB, IMED or UCBSpec on rewards that fade",
    .cite = "Garivier & Moulines 2011, section 2.1",
    .bound = "O( sqrt(T Y) ln T ) with Y changes and keep = 1 - sqrt(Y/T)/4",
    .flags = POLICY_SECONDS,
    .params = {
        REWARD_PARAM, FADE_KEEP,
        {"xi", 0.6, 1e-6, 100, NULL, "width of the bound, index=ucb; above 1/2 in the theorem"},
        RECENT_INDEX,
    },
    .size = fade_size, .select = d_ucb_select, .update = d_ucb_update,
};
