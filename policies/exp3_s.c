/* exp3_s.c - EXP3.S, exponential weights that follow a best arm that changes.
 *
 * Auer, Cesa-Bianchi, Freund, Schapire, "The nonstochastic multiarmed bandit problem", SIAM J. Computing 2002,
 * section 8. As EXP3 (policies/exp3.c), and every weight gets a share of their sum W, so that none is ever lost:
 *   w_i = w_i exp( g x_i / K ) + (e alpha / K) W,   x_i = x / p_i for the arm played, else 0
 *   alpha = 1 / horizon,   g = min(1, sqrt( K (S ln(K horizon) + e) / ((e-1) horizon) ))    Corollary 8.3
 * S counts the stretches between changes of the best arm. No weight falls behind e alpha / K of W, so they need no logarithms: all are
 * divided by W once it is large, which leaves p as it was.
 * Check: K=2, nothing accepted: p stays (1/2, 1/2). */
#include "policies/weights.h"
#include "policies/weights_lanes.h"

enum { REWARD, HORIZON, SWITCHES };

static double mix_of(const struct problem *p, const double *param) {
    double e = elementary_exp(1), T = param[HORIZON];
    return elementary_min(1, sqrt(p->K * (param[SWITCHES] * elementary_log(p->K * T) + e) / ((e - 1) * T)));
}
static double share_of(const struct problem *p, const double *param) { return elementary_exp(1) / param[HORIZON] / p->K; }

static void exp3_s_init(void *state, const struct problem *p, const double *param) {
    struct weights *s = state;
    weights_init(state, p, param);
    s->mix = mix_of(p, param), s->share = share_of(p, param);
    for (int i = 0; i < p->K; i++) s->at[i] = 1.0 / p->K;
}

static int exp3_s_select(void *state, const struct problem *p, const double *param, struct rng *rng) {
    struct weights *s = state;
    (void)param;
    return mixed_draw(s->at, p->K, s->mix, rng_uniform(rng), weights_drawn(s, p->K));
}

static void exp3_s_update(void *state, const struct problem *p, const double *param, const struct outcome *o) {
    struct weights *s = state;
    double *w = s->at, W = 0;
    for (int i = 0; i < p->K; i++) W += w[i];
    double x = reward_of(&s->reward, p, param[REWARD], o) * (1 / weights_drawn(s, p->K)[o->arm]);
    double grown = w[o->arm] * elementary_exp(s->mix / p->K * x), share = s->share * W;
    for (int i = 0; i < p->K; i++) w[i] = (i == o->arm ? grown : w[i]) + share;
    if (W > 1e100)
        for (int i = 0; i < p->K; i++) w[i] /= W;
}

/* -- four episodes side by side -- */

struct exp3_s_lanes {
    four W;                  // of the latest choice
    struct four_reward reward;
    double mix, share;
    struct exp3_s_lane_arm {
        four w;
    } arm[];
};

static size_t lanes_size(const struct problem *p) { return LANES_SIZE(struct exp3_s_lanes, struct exp3_s_lane_arm, p); }

static void lanes_init(void *state, const struct problem *p, const double *param, int lane) {
    struct exp3_s_lanes *s = state;
    s->mix = mix_of(p, param), s->share = share_of(p, param);
    s->W[lane] = 1;
    four_reward_init(&s->reward, p, lane);
    for (int i = 0; i < p->K; i++) s->arm[i].w[lane] = 1.0 / p->K;
}

LANES_INLINE void lanes_select_body(void *state, const struct problem *p, const double *param, const struct rng_four *rng, int *arm) {
    struct exp3_s_lanes *s = state;
    double uniforms[4];
    (void)param;
    rng_uniform_four(rng, uniforms);
    four_arms(four_mixed_draw(&s->arm->w, 1, p->K, s->mix, four_from(uniforms), &s->W), arm);
}

LANES_INLINE void lanes_update_body(void *state, const struct problem *p, const double *param, const struct outcome_lanes *o) {
    struct exp3_s_lanes *s = state;
    LANES_ARMS(struct exp3_s_lane_arm, arm, s, o);
    four W = s->W, w = LANES_GATHER(arm, w), probability = w * ((1 - s->mix) / W) + s->mix / p->K, share = s->share * W;
    four x = four_reward_of(&s->reward, p, param[REWARD] == REWARD_LEN, o) * (1 / probability), grown = w * four_exp(s->mix / p->K * x);
    four_mask large = W > 1e100;
    LANES_SCATTER(arm, w, grown);
    for (int i = 0; i < p->K; i++) s->arm[i].w += share;
    if (!four_any(large)) return;
    for (int i = 0; i < p->K; i++) s->arm[i].w = four_choose(large, s->arm[i].w / W, s->arm[i].w);
}

LANES_METHODS(lanes_size, lanes_init)

const struct policy policy_exp3_s = {
    .name = "exp3-s", .setting = "drifting",
    .summary = "exponential weights that share, to follow a best arm that changes",
    .cite = "Auer, Cesa-Bianchi, Freund, Schapire 2002, section 8",
    .bound = "2 sqrt(e-1) sqrt( K T (S ln(K T) + e) ) against the best S stretches when horizon = T (Corollary 8.3)",
    .flags = POLICY_RANDOM | POLICY_SECONDS,
    .params = {
        REWARD_PARAM,
        {"horizon", 128, 1, 1e12, NULL, "rounds that the exploration is tuned for"},
        {"switches", 3, 1, 1e6, NULL, "stretches with one best arm each, within the horizon"},
    },
    .size = weights_size, .init = exp3_s_init, .select = exp3_s_select, .update = exp3_s_update,
    .probabilities = weights_probabilities, .lanes = &lanes,
};
