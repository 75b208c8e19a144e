/* adahedge.c - Hedge that tunes its rate to the losses it meets.
 *
 * de Rooij, van Erven, Grunwald, Koolen, JMLR 2014, section 3 (policies/adahedge.h), over experts whose losses are all seen
 * (policies/experts.h), applied in order of arrival. It needs no horizon and no scale of losses; on easy text the rate stays
 * high and it follows the leader. Checks: policies/adahedge.h. */
#include "policies/adahedge.h"
#include "policies/experts.h"

enum { REWARD, OVER, PLAY };

/* Delta, behind the experts. */
static double *gaps(void *state, const struct problem *p) { return experts_of(state, p)->each + 4 * p->K; }

static size_t adahedge_size(const struct problem *p) { return experts_size(p) + sizeof(double); }

static void adahedge_init(void *state, const struct problem *p, const double *param) { experts_init(state, p, param[OVER]); }

static int adahedge_select(void *state, const struct problem *p, const double *param, struct rng *rng) {
    return experts_play(state, p, param[PLAY], rng);
}

static void adahedge_learn(void *state, const struct problem *p, const double *param, const struct hindsight *h) {
    struct experts *s = experts_of(state, p);
    double *loss = experts_loss(s, p), *sum = experts_sum(s, p), *w = experts_weight(s, p), *delta = gaps(state, p);
    int N = (int)s->N;
    experts_see(state, p, param[REWARD], h);
    *delta += fmax(0, adahedge_dot(w, loss, N) - adahedge_mix(sum, loss, N, *delta, w));
    for (int e = 0; e < N; e++) sum[e] += loss[e];
    adahedge_weights(sum, N, *delta, w);
}

static void adahedge_update(void *state, const struct problem *p, const double *param, const struct outcome *o) {
    (void)param;
    experts_update(state, p, o);
}

const struct policy policy_adahedge = {
    .name = "adahedge", .setting = "full information",
    .summary = "Hedge that tunes its own rate",
    .cite = "de Rooij, van Erven, Grunwald, Koolen 2014; arXiv 2510.20064 for drafters",
    .bound = "2 sqrt(V ln N) + (4/3) ln N + 2, V the cumulative variance of the losses under the weights, without delay",
    .flags = EXPERTS_FLAGS,
    .params = {REWARD_PARAM, EXPERTS_OVER, EXPERTS_PLAY},
    .size = adahedge_size, .init = adahedge_init, .select = adahedge_select, .learn_all = adahedge_learn, .update = adahedge_update,
};
