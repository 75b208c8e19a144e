/* uts.c - unimodal Thompson sampling, for a reward with one peak along the draft length.
 *
 * Paladino, Trovo, Restelli, Gatti, "Unimodal Thompson sampling for graph-structured arms", AAAI 2017, Algorithm 1. Arms form
 * a graph (policies/neighbours.h). After each arm once, the leader is the arm of highest mean reward in [0, 1]; with l counting its
 * rounds as leader, this one included, and N its neighbours and itself:
 *   l mod |N| = 0: the leader plays, else the highest of theta_i ~ Beta(1 + won_i, 1 + n_i - won_i), i in N in index order
 * ties to the lowest number. Rewards count as fractions of a success. The leader's own round comes last in its cycle: OSUB's first. */
#include "policies/neighbours.h"

enum { REWARD };

static int uts_select(void *state, const struct problem *p, const double *param, struct rng *rng) {
    const struct flat *flat = state;
    const struct neighbours *s = neighbours_of(state, p);
    int leader = neighbours_lead(state, p, param), arm = leader, around = 0;
    if (s->leader < 0) return leader;
    for (int i = 0; i < p->K; i++) around += i == leader || neighbours_joined(s, p, leader, i);
    if (fmod(s->arm[leader].led + 1, around) == 0) return leader;
    double best = -1;
    for (int i = 0; i < p->K; i++) {
        if (i != leader && !neighbours_joined(s, p, leader, i)) continue;
        double theta = flat_draw(flat, i, 1, 1, rng);
        if (theta > best) best = theta, arm = i;
    }
    return arm;
}

static void uts_update(void *state, const struct problem *p, const double *param, const struct outcome *o) {
    neighbours_update(state, p, param[REWARD], o);
}

const struct policy policy_uts = {
    .name = "uts", .setting = "unimodal",
    .summary = "Thompson sampling among the best gamma and its neighbours",
    .cite = "Paladino, Trovo, Restelli, Gatti 2017, Algorithm 1",
    .bound = "sum over the best arm's neighbours of Delta_i ln T / kl(mu_i, mu_*), whatever the number of gammas",
    .flags = POLICY_RANDOM | POLICY_SECONDS,
    .params = {REWARD_PARAM},
    .size = neighbours_size, .init = neighbours_init, .select = uts_select, .update = uts_update,
};
