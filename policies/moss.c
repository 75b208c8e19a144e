/* moss.c - MOSS, minimax optimal, with or without a horizon.
 *
 * Degenne & Perchet, "Anytime optimal algorithms in stochastic multi-armed bandits", ICML 2016, after MOSS of
 * Audibert & Bubeck 2009. After each arm once, with t rounds so far and n of them with an arm of mean x:
 *   horizon=0: index = x + sqrt( (1 + alpha)/2 max(0, ln( t / (K n) )) / n ),   the highest plays   (MOSS-anytime)
 *   horizon=T: index = x + sqrt( max(0, ln( T / (K n) )) / n )                                      (MOSS)
 * T are the rounds it is to play; one answer takes about its token budget over the mean emitted length.
 * Check: x=0.5 n=5 t=60 K=4 alpha=1.35 gives 1.0081081458; with horizon=1000 1.3845363764. */
#include "policies/flat.h"
#include "policies/index.h"

enum { REWARD, ALPHA, HORIZON };

static double index_of(const struct flat *s, const struct problem *p, const double *param, int i) {
    (void)p;
    const struct flat_arm *arm = &s->arm[i];
    if (param[HORIZON] > 0) return index_moss_horizon(flat_mean(s, i), arm->n, arm->log_n, elementary_log(param[HORIZON]), s->log_K);
    return index_moss(flat_mean(s, i), arm->n, arm->log_n, s->log_t, s->log_K, param[ALPHA]);
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
    .summary = "explores arms played less than their share of the rounds",
    .cite = "Degenne & Perchet 2016; Audibert & Bubeck 2009",
    .bound = "O( sqrt(K T) ), minimax up to a constant; 49 sqrt(K T) with horizon=T",
    .flags = POLICY_SECONDS,
    .params = {
        REWARD_PARAM,
        {"alpha", 1.35, 0, 100, NULL, "width of the bound, horizon=0"},
        {"horizon", 0, 0, 1e12, NULL, "rounds it is to play, where known; 0: any number"},
    },
    .size = flat_size, .select = moss_select, .update = moss_update,
};
