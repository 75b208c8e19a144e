/* ratio_ts.c - budgeted Thompson sampling: a draw of the tokens over a draw of the seconds.
 *
 * Xia, Li, Qin, Yu, Liu, "Thompson sampling for budgeted multi-armed bandits", IJCAI 2015, Algorithm 1. Rewards are
 * emitted / (L + 1), costs seconds over the longest round so far. Each round draws, in index order, reward before cost,
 *   r ~ Beta(1 + R, 1 + n - R),  c ~ Beta(1 + C, 1 + n - C)
 * from an arm's n rounds with sums R and C, and plays the highest r / c, ties to the lowest number.
 *   update=fraction: R += reward, C += cost (less noise)
 *   update=coin:     R += 1 with chance reward, C += 1 with chance cost, as in the paper; the round's first two draws are these coins'
 * thompson and ts-dirichlet with reward=rate draw the tokens only, over a cost that is nearly certain: much less exploration. */
#include <math.h>

#include "policies/policy.h"

enum { UPDATE };
enum { FRACTION, COIN };

struct ratio_ts {
    double longest;     // seconds of the longest round so far
    double uniform[2];  // of the latest choice: reward, cost
    struct ratio_ts_arm {
        double n;
        double emitted, seconds; // sums
        double rewards, costs;   // update=coin: successes
    } arm[];            // (K)
};

static size_t ratio_ts_size(const struct problem *p) { return sizeof(struct ratio_ts) + (size_t)p->K * sizeof(struct ratio_ts_arm); }

static int ratio_ts_select(void *state, const struct problem *p, const double *param, struct rng *rng) {
    struct ratio_ts *s = state;
    double best = -1;
    int arm = 0;
    for (int k = 0; k < 2 && param[UPDATE] == COIN; k++) s->uniform[k] = rng_uniform(rng);
    for (int i = 0; i < p->K; i++) {
        const struct ratio_ts_arm *a = &s->arm[i];
        double R = a->rewards, C = a->costs;
        if (param[UPDATE] == FRACTION) {
            R = a->emitted / (p->L + 1);
            C = s->longest > 0 ? fmin(a->seconds / s->longest, a->n) : a->n; // no clock: all arms cost the same
        }
        const double won[2] = {1 + R, 1 + C}, lost[2] = {1 + a->n - R, 1 + a->n - C};
        double drawn[2]; // reward, cost
        rng_beta_each(rng, won, lost, drawn, 2);
        double ratio = drawn[0] / fmax(drawn[1], 1e-12);
        if (ratio > best) best = ratio, arm = i;
    }
    return arm;
}

static void ratio_ts_update(void *state, const struct problem *p, const double *param, const struct outcome *o) {
    struct ratio_ts *s = state;
    struct ratio_ts_arm *a = &s->arm[o->arm];
    double seconds = o->draft_s + o->verify_s;
    (void)param;
    s->longest = fmax(s->longest, seconds);
    a->n++;
    a->emitted += o->emitted;
    a->seconds += seconds;
    a->rewards += s->uniform[0] < (double)o->emitted / (p->L + 1);
    a->costs += s->longest == 0 || s->uniform[1] < seconds / s->longest;
}

const struct policy policy_ratio_ts = {
    .name = "ratio-ts", .setting = "budgeted",
    .summary = "a draw of the emitted tokens over a draw of the seconds",
    .cite = "Xia, Li, Qin, Yu, Liu 2015, Algorithm 1 (BTS)",
    .bound = "O( ln B ) for a budget B",
    .flags = POLICY_RANDOM | POLICY_SECONDS,
    .params = {{"update", FRACTION, 0, 1, "fraction|coin", "values count as fractions of a success, or as one with that chance"}},
    .size = ratio_ts_size, .select = ratio_ts_select, .update = ratio_ts_update,
};
