/* normalhedge.c - hedging without a rate: weights by how much each expert is regretted.
 *
 * Chaudhuri, Freund, Hsu, NeurIPS 2009, Algorithm 1 (policies/normalhedge.h), over experts whose losses are all seen
 * (policies/experts.h): R_i += w . l - l_i, applied in order of arrival. What HedgeSpec (arXiv 2510.20064) runs. Its regret
 * is small to every top share of the experts at once, which helps where many arms are near the best.
 * Checks: policies/normalhedge.h. */
#include "policies/experts.h"
#include "policies/normalhedge.h"

enum { REWARD, OVER, PLAY };

static void normalhedge_init(void *state, const struct problem *p, const double *param) { experts_init(state, p, param[OVER]); }

static int normalhedge_select(void *state, const struct problem *p, const double *param, struct rng *rng) {
    return experts_play(state, p, param[PLAY], rng);
}

static void normalhedge_learn(void *state, const struct problem *p, const double *param, const struct hindsight *h) {
    struct experts *s = experts_of(state, p);
    double *loss = experts_loss(s, p), *regret = experts_sum(s, p), *w = experts_weight(s, p), own = 0;
    experts_see(state, p, param[REWARD], h);
    for (int e = 0; e < s->N; e++) own += w[e] * loss[e];
    for (int e = 0; e < s->N; e++) regret[e] += own - loss[e];
    normalhedge_weights(regret, (int)s->N, w);
}

static void normalhedge_update(void *state, const struct problem *p, const double *param, const struct outcome *o) {
    (void)param;
    experts_update(state, p, o);
}

const struct policy policy_normalhedge = {
    .name = "normalhedge", .setting = "full information",
    .summary = "parameter-free hedging by positive regrets, as in HedgeSpec",
    .cite = "Chaudhuri, Freund, Hsu 2009, Algorithm 1; arXiv 2510.20064 for drafters",
    .bound = "O( sqrt(T ln(1/eps)) + ln^2 N ) to the best eps-share of the experts, without delay (Theorem 1)",
    .flags = EXPERTS_FLAGS,
    .params = {REWARD_PARAM, EXPERTS_OVER, EXPERTS_PLAY},
    .size = experts_size, .init = normalhedge_init, .select = normalhedge_select,
    .learn_all = normalhedge_learn, .update = normalhedge_update,
};
