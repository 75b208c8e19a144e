/* moss.c - MOSS-anytime, minimax optimal without a horizon.
 *
 * Degenne & Perchet, "Anytime optimal algorithms in stochastic multi-armed bandits", ICML 2016, after MOSS of
 * Audibert & Bubeck 2009. After each arm once, with t rounds so far and n of them with an arm of mean x:
 *   index = x + sqrt( (1 + alpha)/2 max(0, ln( t / (K n) )) / n ),   the highest plays
 * Check: x=0.5 n=5 t=60 K=4 alpha=1.35 gives 1.0081081458. */
#include "policies/flat.h"
#include "policies/index.h"

enum { REWARD, ALPHA };

static double index_of(const struct flat *s, const struct problem *p, const double *param, int i) {
    (void)p;
    return index_moss(flat_mean(s, i), s->arm[i].n, s->arm[i].log_n, s->log_t, s->log_K, param[ALPHA]);
}

static int moss_select(void *state, const struct problem *p, const double *param, struct rng *rng) {
    (void)rng;
    return flat_best(state, p, param, index_of);
}

static void moss_update(void *state, const struct problem *p, const double *param, const struct outcome *o) {
    flat_update(state, p, param[REWARD], o);
}

const struct policy policy_moss = {
    .name = "moss", .setting = "stochastic",
    .summary = "MOSS-anytime: explores arms played less than their share",
    .cite = "Degenne & Perchet 2016; Audibert & Bubeck 2009",
    .bound = "O( sqrt(K T) ), minimax up to a constant, at every T",
    .flags = POLICY_SECONDS,
    .params = {
        REWARD_PARAM,
        {"alpha", 1.35, 0, 100, NULL, "width of the bound"},
    },
    .size = flat_size, .select = moss_select, .update = moss_update,
};
