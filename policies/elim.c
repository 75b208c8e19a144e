/* elim.c - successive elimination: an arm that is surely not the best never plays again.
 *
 * Even-Dar, Mannor, Mansour, "Action elimination and stopping conditions for the multi-armed bandit and reinforcement
 * learning problems", JMLR 2006, Algorithm 3. The arms left play in turn, lowest number first. Once each has played n times, with
 * t rounds so far, mean rewards x in [0, 1] and
 *   b = sqrt( ln(4 K t^2 / delta) / (2n) )
 * arm i drops out when x_i + b < max_j (x_j - b). With probability 1 - delta the best arm stays. (The paper counts t in
 * turns, n; rounds are the wider bound.)
 * Check: K=2, delta=0.05, rewards always 1 and 0: arm 1 drops out after 26 rounds of each. */
#include "policies/flat.h"

enum { REWARD, DELTA };

struct elim_arm { // (K), behind the struct flat
    double out;
};

static struct elim_arm *marks(void *state, const struct problem *p) { return (struct elim_arm *)((char *)state + flat_size(p)); }

static size_t elim_size(const struct problem *p) { return flat_size(p) + (size_t)p->K * sizeof(struct elim_arm); }

static int elim_select(void *state, const struct problem *p, const double *param, struct rng *rng) {
    const struct flat *s = state;
    const struct elim_arm *mark = marks(state, p);
    int arm = -1;
    (void)param, (void)rng;
    for (int i = 0; i < p->K; i++)
        if (!mark[i].out && (arm < 0 || s->arm[i].n < s->arm[arm].n)) arm = i;
    return arm; // the best of the latest turn is never out
}

static void elim_update(void *state, const struct problem *p, const double *param, const struct outcome *o) {
    struct flat *s = state;
    struct elim_arm *mark = marks(state, p);
    double n = (flat_update(s, p, param[REWARD], o), s->arm[o->arm].n), best = -INFINITY;
    for (int i = 0; i < p->K; i++) {
        if (mark[i].out) continue;
        if (s->arm[i].n != n) return; // the turn is not over
        best = fmax(best, flat_mean(s, i));
    }
    double width = 2 * sqrt((log(4 * p->K / param[DELTA]) + 2 * s->log_t) / (2 * n));
    for (int i = 0; i < p->K; i++)
        if (!mark[i].out && flat_mean(s, i) + width < best) mark[i].out = 1;
}

const struct policy policy_elim = {
    .name = "elim", .setting = "stochastic",
    .summary = "arms in turn, until one is surely not the best",
    .cite = "Even-Dar, Mannor, Mansour 2006, Algorithm 3",
    .bound = "O( sum ln(K T / delta) / Delta_i ) with probability 1 - delta",
    .flags = POLICY_SECONDS,
    .params = {
        REWARD_PARAM,
        {"delta", 0.05, 1e-12, 1, NULL, "chance that the best arm is dropped"},
    },
    .size = elim_size, .select = elim_select, .update = elim_update,
};
