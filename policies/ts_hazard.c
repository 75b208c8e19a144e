/* ts_hazard.c - Thompson sampling on the acceptance rate of each drafter at each depth.
 *
 * Thompson 1933, with one Beta posterior per drafter and depth k: h_k is the chance that the k-th drafted
 * token is accepted given that those before it were. A round with A accepted of gamma is one success at depths
 * 1..A and, when A < gamma, one failure at depth A + 1, so a short draft tells nothing false about
 * deeper ones, and nothing is assumed about how h changes with depth. Each round draws
 *   h_dk ~ Beta(a + successes, b + failures),   drafters in index order, depths upwards, and plays the highest
 *   reward=len:  v = 1 + h_1 + h_1 h_2 + ... + h_1 ... h_gamma
 *   reward=rate: v / cost, the cost learned (policies/cost.h)
 * ties to the lowest number. Riou & Honda 2020 sample the whole distribution of lengths; this is its form
 * for lengths cut off at gamma. Check: 4 drafters (.8, .65, .5, .3), gamma 4: 84.3 rounds for 256 tokens. */
#include "policies/cost.h"

enum { A, B, REWARD, DOUBT };

struct ts_hazard { // (D, L), behind the struct cost
    double successes, failures;
    struct rng_shape a, b; // a + successes, b + failures, ready to be drawn from
    double value;          // of a draft this long, in the latest choice
};

static size_t ts_hazard_size(const struct problem *p) {
    return cost_size(p) + (size_t)p->D * (size_t)p->L * sizeof(struct ts_hazard);
}

static struct ts_hazard *depths(void *state, const struct problem *p, int drafter) {
    return (struct ts_hazard *)cost_end(state, p) + (size_t)drafter * (size_t)p->L;
}

static void shape(struct ts_hazard *depth, const double *param) {
    depth->a = rng_shape(param[A] + depth->successes);
    depth->b = rng_shape(param[B] + depth->failures);
}

static void ts_hazard_init(void *state, const struct problem *p, const double *param) {
    for (int k = 0; k < p->D * p->L; k++) shape(depths(state, p, 0) + k, param);
}

static void draw(struct ts_hazard *depth, int L, struct rng *rng) {
    double chance = 1, value = 1;
    for (int k = 0; k < L; k++) {
        chance *= rng_beta_of(rng, &depth[k].a, &depth[k].b);
        depth[k].value = value += chance;
    }
}

static int ts_hazard_select(void *state, const struct problem *p, const double *param, struct rng *rng) {
    for (int d = 0; d < p->D; d++) draw(depths(state, p, d), p->L, rng);
    double best = -1;
    int arm = 0;
    for (int i = 0; i < p->K; i++) {
        const struct arm *x = &p->arms[i];
        double emitted = x->gamma ? depths(state, p, x->drafter)[x->gamma - 1].value : 1;
        double value = param[REWARD] == VALUE_LEN ? emitted : cost_rate(state, p, i, param[DOUBT], emitted);
        if (value > best) best = value, arm = i;
    }
    return arm;
}

static void ts_hazard_update(void *state, const struct problem *p, const double *param, const struct outcome *o) {
    const struct arm *arm = &p->arms[o->arm];
    cost_update(state, p, o);
    if (!arm->gamma) return;
    struct ts_hazard *depth = depths(state, p, arm->drafter);
    for (int k = 0; k < o->accepted; k++) depth[k].successes++, shape(&depth[k], param);
    if (o->accepted < o->gamma) depth[o->accepted].failures++, shape(&depth[o->accepted], param);
}

const struct policy policy_ts_hazard = {
    .name = "ts-hazard", .setting = "Bayesian",
    .summary = "Thompson sampling on each drafter's acceptance rate at each depth",
    .cite = "Thompson 1933; Riou & Honda 2020 for sampled distributions; per-depth form ours",
    .flags = POLICY_RANDOM | POLICY_SECONDS,
    .params = {
        {"a", 1, 1e-3, 1e6, NULL, "prior successes per drafter and depth"},
        {"b", 1, 1e-3, 1e6, NULL, "prior failures per drafter and depth"},
        COST_REWARD, COST_DOUBT,
    },
    .size = ts_hazard_size, .init = ts_hazard_init, .select = ts_hazard_select, .update = ts_hazard_update,
};
