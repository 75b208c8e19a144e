/* epsilon_greedy.c - mostly the arm of highest mean reward, now and then any.
 *
 * Sutton & Barto, Reinforcement Learning, 2nd edition, section 2.2, and the falling form of Auer, Cesa-Bianchi,
 * Fischer, Machine Learning 2002, figure 3. After each arm once, with t rounds so far: with probability eps an
 * arm uniformly at random, else the highest mean, ties to the lowest number.
 *   schedule=const: eps,   schedule=fall: min(1, c K / (gap^2 (t + 1)))
 * gap is to be at most the distance from the best to the second best mean. Check: eps=0 is greedy. */
#include "policies/flat.h"

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
    .size = flat_size, .select = epsilon_greedy_select, .update = epsilon_greedy_update,
};
