/* ratio_ucb.c - an upper bound on tokens over a lower bound on seconds.
 *
 * Tokens per second over a long text are the ratio of two means, E[emitted] / E[seconds] (renewal-reward theorem), not the
 * mean of the ratios. After each arm once, with t rounds so far, n of them with an arm:
 *   tokens  = min( mean emitted + W sqrt( alpha ln t / n ), gamma + 1 )       Hoeffding
 *   seconds = max( least seconds of any round, mean seconds - sqrt( 2 V ln t / n ) ),   V their variance
 *   index   = tokens / seconds,   the highest plays, ties to the lowest number
 * W is the width of what the arm can emit: its own gamma, or L with width=L. Our derivation, close to the
 * budgeted bandits of Tran-Thanh et al. 2012 and Ding et al. 2013.
 * Check: p=0.75, gamma 0..8, cost 1 + 0.12 gamma: 131.3 s for 256 tokens, 2074 s for 4096. */
#include <math.h>

#include "core/elementary.h"
#include "policies/policy.h"

enum { ALPHA, WIDTH };
enum { GAMMA, LARGEST };

struct ratio_ucb {
    double t, log_t;        // rounds so far and their logarithm
    double least;           // seconds of the cheapest round that took any
    struct ratio_ucb_arm {
        double n, emitted;  // rounds, sum of tokens
        double mean, squares; // of seconds, running (Welford 1962): mean, sum of squared deviations
    } arm[];                // (K)
};

static size_t ratio_ucb_size(const struct problem *p) {
    return sizeof(struct ratio_ucb) + (size_t)p->K * sizeof(struct ratio_ucb_arm);
}

static double index_of(const struct ratio_ucb *s, const struct problem *p, const double *param, int i) {
    const struct ratio_ucb_arm *arm = &s->arm[i];
    double gamma = p->arms[i].gamma, width = param[WIDTH] == GAMMA ? gamma : p->L;
    double tokens = elementary_min(arm->emitted / arm->n + width * sqrt(param[ALPHA] * s->log_t / arm->n), gamma + 1);
    double seconds = arm->mean - sqrt(2 * arm->squares / arm->n * s->log_t / arm->n);
    return tokens / elementary_max(elementary_max(seconds, s->least), 1e-12); // a clock that reports nothing makes all arms equal
}

static int ratio_ucb_select(void *state, const struct problem *p, const double *param, struct rng *rng) {
    const struct ratio_ucb *s = state;
    double best = -1;
    int arm = 0;
    (void)rng;
    for (int i = 0; i < p->K; i++) {
        if (s->arm[i].n == 0) return i;
        double index = index_of(s, p, param, i);
        if (index > best) best = index, arm = i;
    }
    return arm;
}

static void ratio_ucb_update(void *state, const struct problem *p, const double *param, const struct outcome *o) {
    struct ratio_ucb *s = state;
    struct ratio_ucb_arm *arm = &s->arm[o->arm];
    double seconds = o->draft_s + o->verify_s, before = seconds - arm->mean;
    (void)p, (void)param;
    s->log_t = elementary_log(++s->t);
    if (seconds > 0 && (s->least == 0 || seconds < s->least)) s->least = seconds;
    arm->emitted += o->emitted;
    arm->mean += before / ++arm->n;
    arm->squares += before * (seconds - arm->mean);
}

const struct policy policy_ratio_ucb = {
    .name = "ratio-ucb", .setting = "budgeted",
    .summary = "upper bound on emitted tokens over lower bound on seconds",
    .cite = "ours; budgeted bandits of Tran-Thanh et al. 2012 and Ding, Qin, Zhang, Liu 2013",
    .bound = "O( ln len ) as for budgeted bandits, not proved for this form",
    .flags = POLICY_SECONDS,
    .params = {
        {"alpha", 0.5, 0, 100, NULL, "width of the bound on tokens"},
        {"width", GAMMA, 0, 1, "gamma|L", "range of emitted tokens: the arm's own gamma, or the largest of all"},
    },
    .size = ratio_ucb_size, .select = ratio_ucb_select, .update = ratio_ucb_update,
};
