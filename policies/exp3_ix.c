/* exp3_ix.c - EXP3-IX, exponential weights with implicit exploration.
 *
 * Neu, "Explore no more: improved high-probability regret bounds for non-stochastic bandits", NeurIPS 2015,
 * Algorithm 1. In round t = 1, 2, ... with sums S of estimated losses, loss = 1 - reward in [0, 1]:
 *   eta = 2 g = sqrt( ln K / (K t) ),   p_i = exp(-eta S_i) / sum_j exp(-eta S_j)
 *   arm ~ p,   S_arm += loss / (p_arm + g)
 * The bias g keeps one rare loss from deciding a run: of the exponential weights the steadiest in a single one.
 * Check: K=2, reward=len, an arm that accepts nothing in round 1: S = 1 / (1/2 + sqrt(ln 2 / 2) / 2) = 1.2589. */
#include "policies/weights.h"
#include "policies/weights_lanes.h"

enum { REWARD };

static double eta_of(const struct weights *s, int K) { return sqrt(s->log_K / (K * (s->t + 1))); }

static int exp3_ix_select(void *state, const struct problem *p, const double *param, struct rng *rng) {
    struct weights *s = state;
    (void)param;
    return weights_draw(s, p->K, eta_of(s, p->K), rng);
}

static void exp3_ix_update(void *state, const struct problem *p, const double *param, const struct outcome *o) {
    struct weights *s = state;
    double loss = 1 - reward_of(&s->reward, p, param[REWARD], o), divisor = weights_drawn(s, p->K)[o->arm] + eta_of(s, p->K) / 2;
    s->at[o->arm] += loss * (1 / elementary_max(divisor, 1e-12));
    s->t++;
}

/* -- four episodes side by side -- */

struct exp3_ix_lanes {
    four t, eta, total;      // eta and the sum of weights of the latest choice
    struct four_reward reward;
    double log_K;
    struct exp3_ix_lane_arm {
        four loss, w;
    } arm[];
};

static size_t lanes_size(const struct problem *p) { return LANES_SIZE(struct exp3_ix_lanes, struct exp3_ix_lane_arm, p); }

static void lanes_init(void *state, const struct problem *p, const double *param, int lane) {
    struct exp3_ix_lanes *s = state;
    (void)param;
    lanes_zero(state, offsetof(struct exp3_ix_lanes, log_K), lane);
    four_reward_init(&s->reward, p, lane);
    s->log_K = elementary_log(p->K);
    for (int i = 0; i < p->K; i++) s->arm[i].loss[lane] = s->arm[i].w[lane] = 0;
}

LANES_INLINE void lanes_select_body(void *state, const struct problem *p, const double *param, const struct rng_four *rng, int *arm) {
    struct exp3_ix_lanes *s = state;
    double uniforms[4];
    (void)param;
    rng_uniform_four(rng, uniforms);
    s->eta = four_sqrt(s->log_K / (p->K * (s->t + 1)));
    s->total = four_softmax(&s->arm->loss, &s->arm->w, 2, p->K, s->eta);
    four_arms(four_pick(&s->arm->w, 2, p->K, four_from(uniforms) * s->total), arm);
}

LANES_INLINE void lanes_update_body(void *state, const struct problem *p, const double *param, const struct outcome_lanes *o) {
    struct exp3_ix_lanes *s = state;
    LANES_ARMS(struct exp3_ix_lane_arm, arm, s, o);
    four loss = 1 - four_reward_of(&s->reward, p, param[REWARD] == REWARD_LEN, o), divisor = LANES_GATHER(arm, w) / s->total + s->eta / 2;
    four sum = LANES_GATHER(arm, loss) + loss * (1 / four_max(divisor, four_of(1e-12)));
    LANES_SCATTER(arm, loss, sum);
    s->t += 1;
}

LANES_METHODS(lanes_size, lanes_init)

const struct policy policy_exp3_ix = {
    .name = "exp3-ix", .setting = "adversarial",
    .summary = "exponential weights with implicit exploration",
    .cite = "Neu 2015, Algorithm 1",
    .bound = "O( sqrt(K T ln K) ln(1/delta) ) with probability 1 - delta, at every T",
    .flags = POLICY_RANDOM | POLICY_SECONDS,
    .params = {REWARD_PARAM},
    .size = weights_size, .init = weights_init, .select = exp3_ix_select, .update = exp3_ix_update,
    .probabilities = weights_probabilities, .lanes = &lanes,
};
