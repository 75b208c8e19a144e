/* epsilon_greedy.c - mostly the arm of highest mean reward, now and then any.
 *
 * Sutton & Barto, Reinforcement Learning, 2nd edition, section 2.2, and the falling form of Auer, Cesa-Bianchi,
 * Fischer, Machine Learning 2002, figure 3. After each arm once, with t rounds so far: with probability eps an
 * arm uniformly at random, else the highest mean, ties to the lowest number.
 *   schedule=const: eps,   schedule=fall: min(1, c K / (gap^2 (t + 1)))
 * gap is to be at most the distance from the best to the second best mean. Check: eps=0 is greedy. */
#include "policies/flat.h"
#include "policies/flat_lanes.h"

enum { REWARD, SCHEDULE, EPS, C, GAP };
enum { CONST, FALL };

static int epsilon_greedy_select(void *state, const struct problem *p, const double *param, struct rng *rng) {
    const struct flat *s = state;
    double falling = param[C] * p->K / (param[GAP] * param[GAP] * (s->t + 1));
    if (rng_uniform(rng) < (param[SCHEDULE] == CONST ? param[EPS] : falling)) return rng_below(rng, p->K);
    return flat_best(s, p, param, flat_mean_of);
}

static void epsilon_greedy_update(void *state, const struct problem *p, const double *param, const struct outcome *o) {
    flat_update(state, p, param[REWARD], o);
}

/* -- four episodes side by side -- */

/* The arm that lane l's second uniform draws: now and then, so one by one. */
static int lane_any(const struct rng_four *rng, int l, int K) {
    struct rng r = rng_at(rng->seed[l], rng->stream, (uint32_t)rng->sequence[l], (uint32_t)rng->round[l]);
    rng_uniform(&r);
    return rng_below(&r, K);
}

LANES_INLINE void lanes_select_body(void *state, const struct problem *p, const double *param, const struct rng_four *rng, int *arm) {
    const struct flat_lanes *s = state;
    four falling = param[C] * p->K / (param[GAP] * param[GAP] * (s->t + 1)), best = four_of(-INFINITY);
    four chance = param[SCHEDULE] == CONST ? four_of(param[EPS]) : falling;
    four_mask at = {0}, i = {0};
    double uniforms[4], most[4];
    rng_uniform_four(rng, uniforms);
    four_put(most, chance);
    for (const struct flat_lane_arm *x = s->arm; x < s->arm + p->K; x++, i++)
        four_highest(four_choose(x->n == 0, four_of(INFINITY), four_min(x->mean * s->reward.scale, four_of(1))), i, &best, &at);
    four_arms(at, arm);
    for (int l = 0; l < 4; l++)
        if (uniforms[l] < most[l]) arm[l] = lane_any(rng, l, p->K);
}

LANES_INLINE void lanes_update_body(void *state, const struct problem *p, const double *param, const struct outcome_lanes *o) {
    flat_lanes_update(state, p, param[REWARD] == REWARD_LEN, o);
}

LANES_METHODS(flat_lanes_size, flat_lanes_init)

const struct policy policy_epsilon_greedy = {
    .name = "epsilon-greedy", .setting = "stochastic",
    .summary = "mostly the best arm so far, now and then any",
    .cite = "Sutton & Barto 2018, section 2.2; Auer, Cesa-Bianchi, Fischer 2002, figure 3",
    .bound = "schedule=const: linear in rounds; fall: O( (K/gap^2) ln T ) when the gap is valid",
    .flags = POLICY_RANDOM | POLICY_SECONDS,
    .params = {
        REWARD_PARAM,
        {"schedule", CONST, 0, 1, "const|fall", "the same chance for ever, or one that falls with 1/t"},
        {"eps", 0.1, 0, 1, NULL, "chance of any arm, schedule=const"},
        {"c", 5, 1e-6, 1e6, NULL, "factor of the chance, schedule=fall"},
        {"gap", 0.1, 1e-6, 1, NULL, "distance from the best to the second best mean, schedule=fall"},
    },
    .size = flat_size, .select = epsilon_greedy_select, .update = epsilon_greedy_update, .lanes = &lanes,
};
