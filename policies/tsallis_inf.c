/* tsallis_inf.c - Tsallis-INF, best of both worlds.
 *
 * Zimmert & Seldin, "Tsallis-INF: an optimal algorithm for stochastic and adversarial bandits", JMLR 2021,
 * Algorithms 1 and 2. In round t = 1, 2, ... with sums of estimated losses, loss = 1 - reward in [0, 1]:
 *   w = the weights of policies/tsallis.h at eta = 2/sqrt(t) (iw) or 4/sqrt(t) (rv),   arm ~ w
 *   estimate=iw: sum_arm += loss / w_arm
 *   estimate=rv: sum_j += 1{j = arm} (loss - B_j) / w_j + B_j for all j,   B_j = 1/2 where w_j >= eta^2, else 0
 * rv keeps the variance of the estimates down. A divisor below 1e-12 counts as 1e-12 (our floor).
 * Check: in policies/tsallis.h. */
#include "policies/tsallis.h"
#include "policies/weights.h"

enum { REWARD, ESTIMATE };
enum { RV, IW };

static double rate_of(const struct weights *s, const double *param) {
    return (param[ESTIMATE] == RV ? 4 : 2) / sqrt(s->t + 1);
}

static int tsallis_inf_select(void *state, const struct problem *p, const double *param, struct rng *rng) {
    struct weights *s = state;
    tsallis_weights(s->at, p->K, rate_of(s, param), weights_drawn(s, p->K));
    return rng_pick(rng, weights_drawn(s, p->K), p->K);
}

static void tsallis_inf_update(void *state, const struct problem *p, const double *param, const struct outcome *o) {
    struct weights *s = state;
    const double *w = weights_drawn(s, p->K);
    double loss = 1 - reward_of(&s->reward, p, param[REWARD], o), eta = rate_of(s, param), base = 0;
    for (int i = 0; i < p->K && param[ESTIMATE] == RV; i++) {
        double half = w[i] >= eta * eta ? 0.5 : 0;
        if (i == o->arm) base = half;
        s->at[i] += half;
    }
    s->at[o->arm] += (loss - base) / elementary_max(w[o->arm], 1e-12);
    s->t++;
}

const struct policy policy_tsallis_inf = {
    .name = "tsallis-inf", .setting = "adversarial",
    .summary = "Tsallis entropy on estimated losses, good in steady and hostile worlds",
    .cite = "Zimmert & Seldin 2021, Algorithms 1 and 2",
    .bound = "4 sqrt(K T) + 1 against any losses (iw); O(sum ln T / Delta_i) against steady ones",
    .flags = POLICY_RANDOM | POLICY_SECONDS,
    .params = {
        REWARD_PARAM,
        {"estimate", RV, 0, 1, "rv|iw", "reduced variance, or plain importance weights"},
    },
    .size = weights_size, .init = weights_init, .select = tsallis_inf_select, .update = tsallis_inf_update,
    .probabilities = weights_probabilities,
};
