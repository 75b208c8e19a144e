/* ts_bern.c - Thompson sampling on a [0, 1] reward.
 *
 * Agrawal & Goyal, "Analysis of Thompson sampling for the multi-armed bandit problem", COLT 2012. Each round draws, in index
 * order,
 *   theta_i ~ Beta(a + won, b + n - won)
 * from an arm's n rounds, and plays the highest, ties to the lowest number. A round of reward x in [0, 1] counts
 *   update=fraction: won += x                       (no guarantee, less noise)
 *   update=coin:     won += 1 with chance x, else 0  (their form for rewards that are no coins); its uniform is the round's first draw
 * Check: update=fraction is d-ts with keep=1. */
#include "policies/flat.h"

enum { REWARD, UPDATE, A, B };
enum { SOME = 16 }; // arms drawn at a time
enum { FRACTION, COIN };

struct ts_bern {   // behind the struct flat
    double uniform; // of the latest choice
    double won[];   // (K), update=coin
};

static struct ts_bern *coins(void *state, const struct problem *p) { return (struct ts_bern *)((char *)state + flat_size(p)); }

static size_t ts_bern_size(const struct problem *p) { return flat_size(p) + sizeof(struct ts_bern) + (size_t)p->K * sizeof(double); }

static int ts_bern_select(void *state, const struct problem *p, const double *param, struct rng *rng) {
    const struct flat *s = state;
    struct ts_bern *coin = coins(state, p);
    double best = -1;
    int arm = 0;
    if (param[UPDATE] == COIN) coin->uniform = rng_uniform(rng);
    for (int from = 0; from < p->K; from += SOME) {
        double a[SOME], b[SOME], theta[SOME];
        const int n = p->K - from < SOME ? p->K - from : SOME;
        for (int k = 0; k < n; k++) {
            const int i = from + k;
            if (param[UPDATE] == COIN) a[k] = param[A] + coin->won[i], b[k] = param[B] + s->arm[i].n - coin->won[i];
            else flat_shapes(s, i, param[A], param[B], &a[k], &b[k]);
        }
        rng_beta_each(rng, a, b, theta, n);
        for (int k = 0; k < n; k++)
            if (theta[k] > best) best = theta[k], arm = from + k;
    }
    return arm;
}

static void ts_bern_update(void *state, const struct problem *p, const double *param, const struct outcome *o) {
    struct flat *s = state;
    struct ts_bern *coin = coins(state, p);
    flat_update(s, p, param[REWARD], o);
    if (param[UPDATE] == COIN) coin->won[o->arm] += coin->uniform < reward_of(&s->reward, p, param[REWARD], o);
}

const struct policy policy_ts_bern = {
    .name = "ts-bern", .setting = "Bayesian",
    .summary = "Thompson sampling for coins on a [0, 1] reward",
    .cite = "Agrawal & Goyal 2012; Thompson 1933",
    .bound = "update=coin: (1 + eps) sum Delta_i ln T / kl(mu_i, mu_*) + O(K / eps^2)",
    .flags = POLICY_RANDOM | POLICY_SECONDS,
    .params = {
        REWARD_PARAM,
        {"update", FRACTION, 0, 1, "fraction|coin", "a reward counts as a fraction of a success, or as one with that chance"},
        {"a", 1, 1e-3, 1e6, NULL, "prior successes per arm"},
        {"b", 1, 1e-3, 1e6, NULL, "prior failures per arm"},
    },
    .size = ts_bern_size, .select = ts_bern_select, .update = ts_bern_update,
};
