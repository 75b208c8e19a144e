/* metasd_ucb.c - MetaSD-UCB: UCB1 over drafters with a reward made for verification.
 *
 * Kim, Jung, Yun, arXiv 2604.05417. After each arm once, with t rounds so far, n of them with an arm of mean reward x:
 *   index = x + beta sqrt( 2 ln t / n ),   the highest plays, ties to the lowest number
 *   reward=be: accepted / L                     the block's efficiency
 *   reward=bd: accepted / tested, tested = min(accepted + 1, gamma): the block's divergence, mean of 1 - TV over its tokens. What
 *              lies behind the first rejection is off the trajectory and not seen, so bad drafters look a little better than they are.
 * price=1 (ours) multiplies an arm's mean by the least mean seconds of all arms over its own; the paper's arms
 * cost the same. Plain decoding accepts nothing, so its reward is 0: the paper chooses among drafters only.
 * Check: price=0, beta=1, reward=be is UCB1 with reward=len. */
#include "policies/index.h"
#include "policies/policy.h"

enum { REWARD, BETA, PRICE };
enum { BE, BD };

struct metasd_ucb {
    double t, log_t;
    struct metasd_arm {
        double n, sum, seconds;
    } arm[]; // (K)
};

static size_t metasd_ucb_size(const struct problem *p) { return sizeof(struct metasd_ucb) + (size_t)p->K * sizeof(struct metasd_arm); }

static int metasd_ucb_select(void *state, const struct problem *p, const double *param, struct rng *rng) {
    const struct metasd_ucb *s = state;
    double least = INFINITY, best = -1;
    int arm = 0;
    (void)rng;
    for (int i = 0; i < p->K; i++) {
        if (s->arm[i].n == 0) return i;
        least = fmin(least, s->arm[i].seconds / s->arm[i].n);
    }
    for (int i = 0; i < p->K; i++) {
        const struct metasd_arm *a = &s->arm[i];
        double price = param[PRICE] == 1 && a->seconds > 0 ? least / (a->seconds / a->n) : 1;
        double index = index_ucb1(a->sum / a->n * price, a->n, s->log_t, 2 * param[BETA] * param[BETA]);
        if (index > best) best = index, arm = i;
    }
    return arm;
}

static double reward(const struct problem *p, double kind, const struct outcome *o) {
    double tested = o->accepted + (o->accepted < o->gamma);
    if (kind == BE) return (double)o->accepted / p->L;
    return tested > 0 ? o->accepted / tested : 0;
}

static void metasd_ucb_update(void *state, const struct problem *p, const double *param, const struct outcome *o) {
    struct metasd_ucb *s = state;
    struct metasd_arm *a = &s->arm[o->arm];
    s->log_t = elementary_log(++s->t);
    a->n++;
    a->sum += reward(p, param[REWARD], o);
    a->seconds += o->draft_s + o->verify_s;
}

const struct policy policy_metasd_ucb = {
    .name = "metasd-ucb", .setting = "stochastic",
    .summary = "UCB1 over drafters on accepted tokens per tested token",
    .cite = "Kim, Jung, Yun, arXiv 2604.05417; the price is ours",
    .bound = "O( ln B ) rounds more than the best drafter's for B tokens",
    .flags = POLICY_SECONDS,
    .params = {
        {"reward", BD, 0, 1, "be|bd", "accepted tokens over L, or over the tested ones"},
        {"beta", 1, 0, 100, NULL, "factor on the bonus"},
        {"price", 1, 0, 1, "0|1", "1: rewards of dear arms count less"},
    },
    .size = metasd_ucb_size, .select = metasd_ucb_select, .update = metasd_ucb_update,
};
