/* exp3.c - EXP3, exponential weights with uniform exploration.
 *
 * Auer, Cesa-Bianchi, Freund, Schapire, "The nonstochastic multiarmed bandit problem", SIAM J. Computing 2002,
 * section 3. With weights w = 1 at the start, W their sum and rewards x in [0, 1]:
 *   p_i = (1-g) w_i / W + g / K,   arm ~ p,   w_arm *= exp( g x / (K p_arm) )
 *   g = min(1, sqrt( K ln K / ((e-1) horizon) ))    Corollary 3.2
 * horizon counts the rounds the bound is tuned for: those of one answer by default.
 * What is kept is ln w, which grows by at most 1 a round, since p_arm >= g / K, and beside it w / e^top: one exponential a round,
 * for the arm that played, and all of them when ln w has left the range of `top`, after hundreds of rounds.
 * Check: K=2, g=1: p stays (1/2, 1/2) for ever. */
#include "policies/weights.h"
#include "policies/weights_lanes.h"

enum { REWARD, HORIZON };

static size_t exp3_size(const struct problem *p) { return weights_size(p) + (size_t)p->K * sizeof(double); }

static double *weights_of(struct weights *s, int K) { return weights_drawn(s, K) + weights_row(K); } // (K) w / e^top

static double mix_of(const struct problem *p, const double *param) {
    return elementary_min(1, sqrt(p->K * elementary_log(p->K) / ((elementary_exp(1) - 1) * param[HORIZON])));
}

static void exp3_init(void *state, const struct problem *p, const double *param) {
    struct weights *s = state;
    weights_init(state, p, param);
    s->mix = mix_of(p, param);
    for (int i = 0; i < p->K; i++) weights_of(s, p->K)[i] = 1;
}

static int exp3_select(void *state, const struct problem *p, const double *param, struct rng *rng) {
    struct weights *s = state;
    (void)param;
    return mixed_draw(weights_of(s, p->K), p->K, s->mix, rng_uniform(rng), weights_drawn(s, p->K));
}

static double weight_at(const struct weights *s, int i) { return elementary_exp(elementary_max(s->at[i] - s->top, -690)); }

static void exp3_update(void *state, const struct problem *p, const double *param, const struct outcome *o) {
    struct weights *s = state;
    double *w = weights_of(s, p->K), *log_w = &s->at[o->arm];
    *log_w += reward_of(&s->reward, p, param[REWARD], o) * (s->mix / (p->K * weights_drawn(s, p->K)[o->arm]));
    w[o->arm] = weight_at(s, o->arm);
    if (*log_w - s->top < 300) return;
    s->top = *log_w; // the largest, since no other got there
    for (int i = 0; i < p->K; i++) w[i] = weight_at(s, i);
}

/* -- four episodes side by side -- */

struct exp3_lanes {
    four top, share;         // share: (1 - mix) / W of the latest choice
    struct four_reward reward;
    double mix;
    struct exp3_lane_arm {
        four log_w, w;
    } arm[];
};

static size_t lanes_size(const struct problem *p) { return LANES_SIZE(struct exp3_lanes, struct exp3_lane_arm, p); }

static void lanes_init(void *state, const struct problem *p, const double *param, int lane) {
    struct exp3_lanes *s = state;
    s->mix = mix_of(p, param);
    lanes_zero(&s->top, offsetof(struct exp3_lanes, mix), lane);
    four_reward_init(&s->reward, p, lane);
    for (int i = 0; i < p->K; i++) s->arm[i].log_w[lane] = 0, s->arm[i].w[lane] = 1;
}

LANES_INLINE void lanes_select_body(void *state, const struct problem *p, const double *param, const struct rng_four *rng, int *arm) {
    struct exp3_lanes *s = state;
    double uniforms[4];
    four W;
    (void)param;
    rng_uniform_four(rng, uniforms);
    four_arms(four_mixed_draw(&s->arm->w, 2, p->K, s->mix, four_from(uniforms), &W), arm);
    s->share = (1 - s->mix) / W;
}

LANES_INLINE void lanes_update_body(void *state, const struct problem *p, const double *param, const struct outcome_lanes *o) {
    struct exp3_lanes *s = state;
    LANES_ARMS(struct exp3_lane_arm, arm, s, o);
    four probability = LANES_GATHER(arm, w) * s->share + s->mix / p->K;
    four log_w = LANES_GATHER(arm, log_w) + four_reward_of(&s->reward, p, param[REWARD] == REWARD_LEN, o) * (s->mix / (p->K * probability));
    four w = four_exp(four_max(log_w - s->top, four_of(-690)));
    LANES_SCATTER(arm, log_w, log_w);
    LANES_SCATTER(arm, w, w);
    four_mask outside = ~(log_w - s->top < 300);
    if (!four_any(outside)) return;
    s->top = four_choose(outside, log_w, s->top);
    for (int i = 0; i < p->K; i++) s->arm[i].w = four_choose(outside, four_exp(four_max(s->arm[i].log_w - s->top, four_of(-690))), s->arm[i].w);
}

LANES_METHODS(lanes_size, lanes_init)

const struct policy policy_exp3 = {
    .name = "exp3", .setting = "adversarial",
    .summary = "exponential weights with uniform exploration, tuned to a horizon",
    .cite = "Auer, Cesa-Bianchi, Freund, Schapire 2002, section 3",
    .bound = "2.63 sqrt(T K ln K) when horizon = T (Corollary 3.2)",
    .flags = POLICY_RANDOM | POLICY_SECONDS,
    .params = {
        REWARD_PARAM,
        {"horizon", 128, 1, 1e12, NULL, "rounds that the exploration is tuned for"},
    },
    .size = exp3_size, .init = exp3_init, .select = exp3_select, .update = exp3_update, .probabilities = weights_probabilities,
    .lanes = &lanes,
};
