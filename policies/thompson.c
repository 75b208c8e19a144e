/* thompson.c - Thompson sampling on the acceptance rate of each drafter.
 *
 * Thompson 1933; the accepted lengths of arXiv 2505.15141, eq. (10) (policies/tgd.h), for
 * which the Beta distribution is conjugate: a draft is a run of Bernoulli trials, so a round
 * with A accepted is A successes and, when A < gamma, one failure. Every gamma of a drafter
 * informs all the others. Each round draws theta_d ~ Beta(a + successes, b + failures), once
 * per drafter in index order (pooled=0: of each arm's own trials, once per arm), and plays the arm of
 * highest value, ties to the lowest number:
 *   value=len:  mu_gamma(theta_d) = 1 + theta_d + ... + theta_d^gamma    eq. (130)
 *   value=rate: mu_gamma(theta_d) / cost, tokens per second, the cost learned (policies/cost.h) */
#include "policies/cost_lanes.h"
#include "policies/index.h"
#include "policies/tgd.h"
#include "policies/trials.h"

enum { A, B, VALUE, DOUBT, POOLED };

/* Behind the struct cost; slots are (K) arms, then (D) drafters: (K + D) of these, then (K + D, 2) struct rng_shape of
 * a + successes and b + failures, ready to be drawn from, and (K + D) theta of the latest choice. */
struct thompson_slot {
    double successes, failures;
};

static size_t thompson_size(const struct problem *p) {
    return cost_size(p) + (size_t)(p->K + p->D) * (sizeof(struct thompson_slot) + 2 * sizeof(struct rng_shape) + sizeof(double));
}

static struct rng_shape *shapes(void *state, const struct problem *p) {
    return (struct rng_shape *)((struct thompson_slot *)cost_end(state, p) + p->K + p->D);
}

static void thompson_init(void *state, const struct problem *p, const double *param) {
    struct rng_shape *shape = shapes(state, p);
    for (int j = 0; j < p->K + p->D; j++) shape[2 * j] = rng_shape(param[A]), shape[2 * j + 1] = rng_shape(param[B]);
}

static double value(const struct cost *c, const double *theta, const struct problem *p, const double *param, int i) {
    int gamma = p->arms[i].gamma;
    double emitted = gamma ? tgd_mean(gamma, theta[trials_slot(p, param[POOLED] == 1, i)]) : 1;
    return param[VALUE] == VALUE_LEN ? emitted : cost_rate(c, p, i, param[DOUBT], emitted);
}

static int thompson_select(void *state, const struct problem *p, const double *param, struct rng *rng) {
    struct rng_shape *shape = shapes(state, p);
    double *theta = (double *)(shape + 2 * (p->K + p->D)), best = -1;
    int arm = 0, from = param[POOLED] == 1 ? p->K : 0, n = param[POOLED] == 1 ? p->D : p->K;
    rng_betas(rng, shape + 2 * from, theta + from, n);
    for (int i = 0; i < p->K; i++) {
        index_higher(value(state, theta, p, param, i), i, &best, &arm);
    }
    return arm;
}

static void thompson_update(void *state, const struct problem *p, const double *param, const struct outcome *o) {
    if (param[VALUE] != VALUE_LEN) cost_update(state, p, o);
    if (!p->arms[o->arm].gamma) return;
    int j = trials_slot(p, param[POOLED] == 1, o->arm);
    struct thompson_slot *slot = (struct thompson_slot *)cost_end(state, p) + j;
    struct rng_shape *shape = shapes(state, p) + 2 * j;
    shape[0] = rng_shape(param[A] + (slot->successes += o->accepted));
    shape[1] = rng_shape(param[B] + (slot->failures += o->accepted < o->gamma));
}

/* -- four episodes side by side: the same slots and one more, where plain rounds count for nobody -- */

struct thompson_lane {
    double successes[4], failures[4];
};

static struct rng_shape_four *lane_shapes(void *state, const struct problem *p) { return cost_lanes_end(state, p); } // (K + D + 1, 2)
static double (*lane_theta(void *state, const struct problem *p))[4] { return (double (*)[4])(lane_shapes(state, p) + 2 * (p->K + p->D + 1)); } // (K + D)
static struct thompson_lane *lane_slots(void *state, const struct problem *p) { return (struct thompson_lane *)(lane_theta(state, p) + p->K + p->D); }

static size_t lanes_size(const struct problem *p) {
    size_t slots = (size_t)(p->K + p->D + 1);
    return lanes_bytes(cost_lanes_size(p) + slots * (2 * sizeof(struct rng_shape_four) + sizeof(four) + sizeof(struct thompson_lane)));
}

static void set_shape(struct rng_shape_four *s, int lane, double shape) {
    struct rng_shape x = rng_shape(shape);
    s->d[lane] = x.d, s->c[lane] = x.c, s->below[lane] = x.below;
}

static void lanes_init(void *state, const struct problem *p, const double *param, int lane) {
    struct rng_shape_four *shape = lane_shapes(state, p);
    lanes_zero(state, lanes_size(p), lane);
    for (int j = 0; j <= p->K + p->D; j++) set_shape(&shape[2 * j], lane, param[A]), set_shape(&shape[2 * j + 1], lane, param[B]);
}

LANES_INLINE void lanes_select_body(void *state, const struct problem *p, const double *param, const struct rng_four *rng, int *arm) {
    const bool pooled = param[POOLED] == 1;
    const int from = pooled ? p->K : 0;
    double (*theta)[4] = lane_theta(state, p);
    four best = four_of(-1);
    four_mask at = {0};
    rng_betas_four(rng, lane_shapes(state, p) + 2 * from, theta + from, pooled ? p->D : p->K);
    for (int i = 0; i < p->K; i++) {
        int gamma = p->arms[i].gamma;
        four emitted = four_of(1), q = four_from(theta[trials_slot(p, pooled, i)]);
        for (int k = 0; k < gamma; k++) emitted = 1 + q * emitted; // tgd_mean
        four_highest(param[VALUE] == VALUE_LEN ? emitted : cost_lanes_rate(state, p, i, param[DOUBT], emitted), (four_mask){i, i, i, i}, &best, &at);
    }
    four_arms(at, arm);
}

/* rng_shape of each. */
LANES_INLINE void put_shapes(struct rng_shape_four *const *to, four shape) {
    four_mask small = shape < 1;
    four below = four_choose(small, shape, four_of(0)), d = four_choose(small, shape + 1, shape) - 1.0 / 3, c = 1 / four_sqrt(9 * d);
    LANES_SCATTER(to, d, d);
    LANES_SCATTER(to, c, c);
    LANES_SCATTER(to, below, below);
}

LANES_INLINE void lanes_update_body(void *state, const struct problem *p, const double *param, const struct outcome_lanes *o) {
    struct thompson_lane *slots = lane_slots(state, p), *slot[4];
    struct rng_shape_four *shapes = lane_shapes(state, p), *won[4], *lost[4];
    four failed;
    if (param[VALUE] != VALUE_LEN) cost_lanes_update(state, p, o);
    for (int l = 0; l < 4; l++) {
        int j = p->arms[o->arm[l]].gamma ? trials_slot(p, param[POOLED] == 1, o->arm[l]) : p->K + p->D;
        slot[l] = &slots[j], won[l] = &shapes[2 * j], lost[l] = &shapes[2 * j + 1];
        failed[l] = o->accepted[l] < o->gamma[l];
    }
    four successes = LANES_GATHER(slot, successes) + four_from_int(o->accepted), failures = LANES_GATHER(slot, failures) + failed;
    LANES_SCATTER(slot, successes, successes);
    LANES_SCATTER(slot, failures, failures);
    put_shapes(won, param[A] + successes);
    put_shapes(lost, param[B] + failures);
}

LANES_METHODS(lanes_size, lanes_init)

const struct policy policy_thompson = {
    .name = "thompson", .setting = "Bayesian",
    .summary = "Thompson sampling on each drafter's acceptance rate, all gammas pooled",
    .cite = "Thompson 1933; arXiv 2505.15141 eq. (10), (130) for the model",
    .bound = "(1+eps) sum Delta_i ln T / kl + O(K/eps^2) for Bernoulli arms (Agrawal & Goyal 2012)",
    .flags = POLICY_RANDOM | POLICY_SECONDS,
    .params = {
        {"a", 1, 1e-3, 1e6, NULL, "prior successes per drafter"},
        {"b", 1, 1e-3, 1e6, NULL, "prior failures per drafter"},
        {"value", VALUE_RATE, 0, 1, "rate|len", "maximise tokens per second, or emitted tokens per round"},
        COST_DOUBT, TRIALS_POOLED,
    },
    .size = thompson_size, .init = thompson_init, .select = thompson_select, .update = thompson_update, .lanes = &lanes,
};
