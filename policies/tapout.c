/* tapout.c - TapOut: a bandit over stopping rules.
 *
 * Sridhar et al., "TapOut: a bandit-based approach to dynamic speculative decoding", arXiv 2511.02017, at the level of sequences of
 * drafted tokens: one rule is chosen for a whole draft (formulas after summaries of the paper, unverified). Arms are those that a stopping
 * rule ends (policies/stop.h), of every drafter; where there are none, all arms. The reward of a round blends length and precision,
 *   r = alpha A / L + (1 - alpha) A / proposed,   the second term 0 when nothing was proposed
 * and the bandit is, over means of r with n of t rounds each, ties to the lowest number,
 *   ucb1:       mean + sqrt( 2 ln t / n ),  arms without rounds first       ucb1-tuned: policies/index.h, likewise
 *   beta:       theta ~ Beta(1 + n mean, 1 + n - n mean)                    gauss: theta ~ N( n mean / (n + 1), (1/2)^2 / (n + 1) )
 * The paper's token-level form, a bandit for every depth, is not here.
 * Check: L=8, alpha 0.5: 3 of 4 accepted give r = 0.5625. */
#include "policies/flat.h"
#include "policies/index.h"

enum { BANDIT, ALPHA };
enum { UCB1, UCB1_TUNED, BETA, GAUSS };

static double value(const struct flat *s, const double *param, int i, struct rng *rng) {
    double n = s->arm[i].n, mean = s->arm[i].mean;
    switch ((int)param[BANDIT]) {
    case UCB1: return n ? index_ucb1(mean, n, s->log_t, 2) : INFINITY;
    case UCB1_TUNED: return n ? index_ucb1_tuned(mean, s->arm[i].squares / n, n, s->log_t) : INFINITY;
    case BETA: return rng_beta(rng, 1 + n * mean, 1 + n * fmax(1 - mean, 0));
    default: return n * mean / (n + 1) + 0.5 / sqrt(n + 1) * rng_normal(rng);
    }
}

static int tapout_select(void *state, const struct problem *p, const double *param, struct rng *rng) {
    const struct flat *s = state;
    bool rules = false;
    int arm = -1;
    double best = 0;
    for (int i = 0; i < p->K; i++) rules |= p->arms[i].stop.rule != STOP_NEVER;
    for (int i = 0; i < p->K; i++) {
        if (rules && p->arms[i].stop.rule == STOP_NEVER) continue;
        double have = value(s, param, i, rng);
        if (arm < 0 || have > best) best = have, arm = i;
    }
    return arm;
}

static void tapout_update(void *state, const struct problem *p, const double *param, const struct outcome *o) {
    struct flat *s = state;
    double precision = o->proposed ? (double)o->accepted / o->proposed : 0;
    s->reward.scale = 1;
    flat_add(s, p, o->arm, param[ALPHA] * o->accepted / p->L + (1 - param[ALPHA]) * precision);
}

const struct policy policy_tapout = {
    .name = "tapout", .setting = "meta",
    .summary = "a bandit over stopping rules",
    .cite = "arXiv 2511.02017 (TapOut), sequence level",
    .bound = "that of its bandit against the best rule; ucb1: 8 sum ln T / Delta_i",
    .flags = POLICY_RANDOM,
    .params = {
        {"bandit", UCB1, 0, 3, "ucb1|ucb1-tuned|beta|gauss", "how rules are chosen"},
        {"alpha", 0.5, 0, 1, NULL, "weight of accepted / L against accepted / proposed"},
    },
    .size = flat_size, .select = tapout_select, .update = tapout_update,
};
