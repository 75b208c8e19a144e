/* etc.c - explore, then commit.
 *
 * Lattimore & Szepesvari, Bandit Algorithms, Algorithm 1 (chapter 6). With t rounds so far:
 *   t < m K: arm t mod K,   then for ever the highest mean of those rounds, ties to the lowest number
 * Within one answer m K has to stay far below its rounds. Check: K=3 m=2 plays 0 1 2 0 1 2, then one arm. */
#include "policies/flat.h"

enum { REWARD, M };

static int etc_check(const struct problem *p, const double *param, struct err *err) {
    (void)p;
    if (param[M] == floor(param[M])) return 0;
    return err_set(err, "policy 'etc': 'm' wants a whole number, got '%g'", param[M]);
}

static int etc_select(void *state, const struct problem *p, const double *param, struct rng *rng) {
    const struct flat *s = state;
    (void)rng;
    if (s->t < param[M] * p->K) return (int)fmod(s->t, p->K);
    return flat_best(s, p, param, flat_mean_of);
}

/* Nothing is learned, nor counted, once it has committed. */
static void etc_update(void *state, const struct problem *p, const double *param, const struct outcome *o) {
    const struct flat *s = state;
    if (s->t < param[M] * p->K) flat_update(state, p, param[REWARD], o);
}

const struct policy policy_etc = {
    .name = "etc", .setting = "stochastic",
    .summary = "every arm m times, then the best of them for ever",
    .cite = "Lattimore & Szepesvari, Bandit Algorithms, Algorithm 1",
    .bound = "m sum Delta_i + (T - mK) sum Delta_i exp(-m Delta_i^2 / 4) for 1-subgaussian rewards",
    .flags = POLICY_SECONDS,
    .params = {
        REWARD_PARAM,
        {"m", 2, 1, 1e6, NULL, "rounds of each arm before it commits"},
    },
    .check = etc_check,
    .size = flat_size, .select = etc_select, .update = etc_update,
};
