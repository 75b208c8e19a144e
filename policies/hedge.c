/* hedge.c - exponential weights over experts whose losses are all seen.
 *
 * Freund & Schapire 1997; anytime rate of Cesa-Bianchi & Lugosi, Prediction, Learning, and Games, 2006, Theorem 2.3. After n losses,
 * with sums S_i of N experts (policies/experts.h):
 *   w_i = exp(-eta S_i) / sum_j exp(-eta S_j),   eta = factor sqrt( 8 ln N / (n + 1) ),   or with a horizon T sqrt( 8 ln N / T )
 * play=sample draws an expert by weight; play=greedy takes the heaviest, which is follow-the-leader: simple, good on steady
 * text, no guarantee against an adversary. Losses arrive late (HedgeSpec, arXiv 2510.20064, section on delay) and are applied in order.
 * The smallest sum is subtracted before exp. Check: N=2, S=(0, 1), n=1: eta = sqrt(4 ln 2), w_0 = 0.8409. */
#include "policies/experts.h"

enum { REWARD, OVER, PLAY, FACTOR, HORIZON };

static void hedge_init(void *state, const struct problem *p, const double *param) { experts_init(state, p, param[OVER]); }

static int hedge_select(void *state, const struct problem *p, const double *param, struct rng *rng) {
    return experts_play(state, p, param[PLAY], rng);
}

static void hedge_learn(void *state, const struct problem *p, const double *param, const struct hindsight *h) {
    struct experts *s = experts_of(state, p);
    double *sum = experts_sum(s, p), *w = experts_weight(s, p), least = INFINITY, total = 0;
    experts_see(state, p, param[REWARD], h);
    double eta = param[FACTOR] * sqrt(8 * log(s->N) / (param[HORIZON] > 0 ? param[HORIZON] : s->n + 1));
    for (int e = 0; e < s->N; e++) least = fmin(least, sum[e] += experts_loss(s, p)[e]);
    for (int e = 0; e < s->N; e++) total += w[e] = exp(-eta * (sum[e] - least));
    for (int e = 0; e < s->N; e++) w[e] /= total;
}

static void hedge_update(void *state, const struct problem *p, const double *param, const struct outcome *o) {
    (void)param;
    experts_update(state, p, o);
}

const struct policy policy_hedge = {
    .name = "hedge", .setting = "full information",
    .summary = "exponential weights, every drafter judged in every round; play=greedy follows the leader",
    .cite = "Freund & Schapire 1997; Cesa-Bianchi & Lugosi 2006, Theorem 2.3; arXiv 2510.20064 for drafters",
    .bound = "2 sqrt(T/2 ln N) + sqrt(ln N / 8) in losses, without delay (Theorem 2.3)",
    .flags = EXPERTS_FLAGS,
    .params = {
        REWARD_PARAM, EXPERTS_OVER, EXPERTS_PLAY,
        {"eta", 1, 0, 1e6, NULL, "factor of the learning rate"},
        {"horizon", 0, 0, 1e9, NULL, "losses to come, for a constant rate; 0: not known"},
    },
    .size = experts_size, .init = hedge_init, .select = hedge_select, .learn_all = hedge_learn, .update = hedge_update,
};
