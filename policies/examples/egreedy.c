/* egreedy.c - a policy as a plug-in: epsilon-greedy on tokens per second. (Sutton & Barto 2018, section 2.2)
 *
 *   cc -shared -fPIC -O2 -I build/include -o egreedy.so policies/examples/egreedy.c
 *   banditspec replay --db run.db --policy-file egreedy.so --policy egreedy:eps={0.05,0.1} ucbspec
 *
 * With probability eps an arm at random, else the highest ratio of emitted tokens to seconds; untried arms come first.
 * The ratio of sums, not the mean of ratios, is what decoding for a long time pays. */
#include <banditspec/plugin.h>

enum { EPS };

struct egreedy { double tokens, seconds; }; // (K)

static size_t egreedy_size(const struct problem *p) { return (size_t)p->K * sizeof(struct egreedy); }

static int egreedy_select(void *state, const struct problem *p, const double *param, struct rng *rng) {
    const struct egreedy *arm = state;
    if (rng_uniform(rng) < param[EPS]) return rng_below(rng, p->K);
    int best = 0;
    double most = -1;
    for (int i = 0; i < p->K; i++) {
        double rate = arm[i].seconds > 0 ? arm[i].tokens / arm[i].seconds : INFINITY;
        if (rate > most) most = rate, best = i;
    }
    return best;
}

static void egreedy_update(void *state, const struct problem *p, const double *param, const struct outcome *o) {
    struct egreedy *arm = (struct egreedy *)state + o->arm;
    (void)p, (void)param;
    arm->tokens += o->emitted;
    arm->seconds += o->draft_s + o->verify_s;
}

static const struct policy policy_egreedy = {
    .name = "egreedy", .setting = "plug-in",
    .summary = "mostly the arm of most tokens per second so far, now and then any",
    .cite = "Sutton & Barto 2018, section 2.2",
    .flags = POLICY_RANDOM | POLICY_SECONDS,
    .params = {{"eps", 0.1, 0, 1, NULL, "probability of an arm at random"}},
    .size = egreedy_size, .select = egreedy_select, .update = egreedy_update,
};

POLICY_PLUGIN(policy_egreedy)
