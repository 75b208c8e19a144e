/* boltzmann.c - an arm is played in proportion to the exponential of its mean reward.
 *
 * Sutton & Barto, Reinforcement Learning, 2nd edition, section 2.8 (soft-max over values). After each arm once, with
 * mean rewards x in [0, 1]:
 *   arm ~ p,   p_i proportional to exp(x_i / tau)
 * No useful bound: a fixed tau explores for ever (Cesa-Bianchi, Gentile, Lugosi, Neu 2017, "Boltzmann exploration done right").
 * Check: means 0.5 and 0.4, tau 0.1: p = 0.7310585786, 0.2689414214. */
#include "core/elementary.h"
#include "policies/flat.h"
#include "policies/flat_lanes.h"
#include "policies/weights_lanes.h"

enum { REWARD, TAU };

static size_t boltzmann_size(const struct problem *p) { return flat_size(p) + (size_t)p->K * sizeof(double); }

static int boltzmann_select(void *state, const struct problem *p, const double *param, struct rng *rng) {
    const struct flat *s = state;
    double *chance = (double *)((char *)state + flat_size(p)), most = -INFINITY, sum = 0; // (K)
    for (int i = 0; i < p->K; i++) {
        if (s->arm[i].n == 0) return i;
        most = fmax(most, flat_mean(s, i));
    }
    for (int i = 0; i < p->K; i++) sum += chance[i] = elementary_exp((flat_mean(s, i) - most) / param[TAU]);
    for (int i = 0; i < p->K; i++) chance[i] /= sum;
    return rng_pick(rng, chance, p->K);
}

static void boltzmann_update(void *state, const struct problem *p, const double *param, const struct outcome *o) {
    flat_update(state, p, param[REWARD], o);
}

/* -- four episodes side by side: flat_lanes, then the chances (K) of the latest choice -- */

static size_t lanes_size(const struct problem *p) { return flat_lanes_size(p) + lanes_bytes((size_t)p->K * sizeof(four)); }

LANES_INLINE void lanes_select_body(void *state, const struct problem *p, const double *param, const struct rng_four *rng, int *arm) {
    const struct flat_lanes *s = state;
    four *chance = (four *)((char *)state + flat_lanes_size(p)), most = four_of(-INFINITY), sum = {0};
    double uniforms[4];
    rng_uniform_four(rng, uniforms);
    for (int i = 0; i < p->K; i++) most = four_max(flat_lanes_mean(s, i), most);
    for (int i = 0; i < p->K; i++) sum += chance[i] = four_exp((flat_lanes_mean(s, i) - most) / param[TAU]);
    for (int i = 0; i < p->K; i++) chance[i] /= sum;
    const four_mask at = four_pick(chance, 1, p->K, four_from(uniforms));
    four_arms(four_choose_int(s->t < p->K, four_whole(s->t), at), arm); // those not yet played come first, in their order
}

LANES_INLINE void lanes_update_body(void *state, const struct problem *p, const double *param, const struct outcome_lanes *o) {
    flat_lanes_update(state, p, param[REWARD] == REWARD_LEN, o);
}

LANES_METHODS(lanes_size, flat_lanes_init)

const struct policy policy_boltzmann = {
    .name = "boltzmann", .setting = "stochastic",
    .summary = "arms in proportion to the exponential of their mean",
    .cite = "Sutton & Barto 2018, section 2.8",
    .bound = "linear in rounds",
    .flags = POLICY_RANDOM | POLICY_SECONDS,
    .params = {
        REWARD_PARAM,
        {"tau", 0.1, 1e-6, 1e6, NULL, "temperature: large plays any arm, small the best"},
    },
    .size = boltzmann_size, .select = boltzmann_select, .update = boltzmann_update, .lanes = &lanes,
};
