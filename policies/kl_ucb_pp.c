/* kl_ucb_pp.c - KL-UCB++, both minimax and asymptotically optimal.
 *
 * Menard & Garivier, "A minimax and asymptotically optimal algorithm for stochastic bandits", ALT 2017. After each arm
 * once, with n rounds of an arm of mean reward x in [0, 1] and T rounds to play:
 *   index = sup{ q in [x, 1] : n kl(x, q) <= g(n) },   the highest plays, ties to the lowest number
 *   g(n)  = ln+( y (1 + ln+(y)^2) ),  y = T / (K n),  ln+ = max(0, ln)
 * horizon=0 puts the rounds so far in the place of T, for which nothing is proved.
 * Check: T=1000 K=4 n=5 x=0.5 gives g = 6.7034288202, index 0.9825792209. */
#include "policies/flat.h"
#include "policies/index.h"

enum { REWARD, HORIZON };

static double index_of(const struct flat *s, const struct problem *p, const double *param, int i) {
    double n = s->arm[i].n, horizon = param[HORIZON] > 0 ? param[HORIZON] : s->t;
    return bernoulli_bound(flat_mean(s, i), index_kl_ucb_pp_budget(horizon, p->K, n) / n);
}

static int kl_ucb_pp_select(void *state, const struct problem *p, const double *param, struct rng *rng) {
    (void)rng;
    return flat_best(state, p, param, index_of);
}

static void kl_ucb_pp_update(void *state, const struct problem *p, const double *param, const struct outcome *o) {
    flat_update(state, p, param[REWARD], o);
}

const struct policy policy_kl_ucb_pp = {
    .name = "kl-ucb-pp", .setting = "stochastic",
    .summary = "KL-UCB++: the bound of coins, narrower for arms played their share",
    .cite = "Menard & Garivier 2017 (KL-UCB++)",
    .bound = "O( sqrt(K T) ), minimax, and sum Delta_i ln T / kl(mu_i, mu_*) (1 + o(1)) for horizon=T",
    .flags = POLICY_SECONDS,
    .params = {
        REWARD_PARAM,
        {"horizon", 128, 0, 1e12, NULL, "rounds it is to play; 0: those so far"},
    },
    .size = flat_size, .select = kl_ucb_pp_select, .update = kl_ucb_pp_update,
};
