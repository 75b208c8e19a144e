/* exp3spec.c - EXP3Spec, exponential weights on estimated losses.
 *
 * arXiv 2505.15141 (BanditSpec), Algorithm 9, eq. (21)-(22); Algorithm 5, eq. (13)-(14) is
 * the same policy in short. In round t = 1, 2, ... with sums S of estimated losses:
 *   eta = sqrt( ln K / (t K) ),   p_i = exp(-eta S_i) / sum_j exp(-eta S_j)   eq. (21)
 *   arm ~ p,   S_arm += (L + 1 - emitted) / (L p_arm)                         eq. (22)
 * Algorithm 5 prints I_(t+1) ~ p_t; Algorithm 9 draws I_t ~ p_t and is followed.
 * Check: K=3 L=4, plays (arm, emitted) = (0,2) (2,5) (1,1) give p_4 = (0.2554198116,
 * 0.2400135061, 0.5045666823).
 *
 * A rare arm's loss feeds back into its probability, which can magnify the last digit to the
 * ninth within 500 rounds: the operations keep the order in which they are printed.
 * A divisor below 1e-12 counts as 1e-12 (our floor): 10^7 rounds add up to 10^19 at most. */
#include "policies/exp3spec.h"

#include "policies/weights.h"
#include "policies/weights_lanes.h"

static int exp3spec_select(void *state, const struct problem *p, const double *param, struct rng *rng) {
    struct weights *s = state;
    (void)param;
    return weights_draw(s, p->K, sqrt(s->log_K / ((s->t + 1) * p->K)), rng);
}

static void exp3spec_update(void *state, const struct problem *p, const double *param, const struct outcome *o) {
    struct weights *s = state;
    (void)param;
    double probability = elementary_max(weights_drawn(s, p->K)[o->arm], 1e-12);
    s->at[o->arm] += (p->L + 1.0 - o->emitted) / (p->L * probability);
    s->t++;
}

double exp3spec_probability(const struct agent *a, int arm) {
    return weights_probabilities(a->state, &a->problem)[arm];
}

double exp3spec_loss(const struct agent *a, int arm) {
    return ((const struct weights *)a->state)->at[arm];
}

/* -- four episodes side by side -- */

struct exp3spec_lanes {
    four t, total;           // total of the latest choice's weights
    double log_K;
    struct exp3spec_lane_arm {
        four loss, w;
    } arm[];
};

static size_t lanes_size(const struct problem *p) { return LANES_SIZE(struct exp3spec_lanes, struct exp3spec_lane_arm, p); }

static void lanes_init(void *state, const struct problem *p, const double *param, int lane) {
    struct exp3spec_lanes *s = state;
    (void)param;
    s->log_K = elementary_log(p->K);
    s->t[lane] = s->total[lane] = 0;
    for (int i = 0; i < p->K; i++) s->arm[i].loss[lane] = s->arm[i].w[lane] = 0;
}

LANES_INLINE void lanes_select_body(void *state, const struct problem *p, const double *param, const struct rng_four *rng, int *arm) {
    struct exp3spec_lanes *s = state;
    double uniforms[4];
    (void)param;
    rng_uniform_four(rng, uniforms);
    s->total = four_softmax(&s->arm->loss, &s->arm->w, 2, p->K, four_sqrt(s->log_K / ((s->t + 1) * p->K)));
    four_arms(four_pick(&s->arm->w, 2, p->K, four_from(uniforms) * s->total), arm);
}

LANES_INLINE void lanes_update_body(void *state, const struct problem *p, const double *param, const struct outcome_lanes *o) {
    struct exp3spec_lanes *s = state;
    LANES_ARMS(struct exp3spec_lane_arm, arm, s, o);
    (void)param;
    four probability = four_max(LANES_GATHER(arm, w) / s->total, four_of(1e-12));
    four loss = LANES_GATHER(arm, loss) + (p->L + 1.0 - four_from_int(o->emitted)) / (p->L * probability);
    LANES_SCATTER(arm, loss, loss);
    s->t += 1;
}

LANES_METHODS(lanes_size, lanes_init)

const struct policy policy_exp3spec = {
    .name = "exp3spec", .setting = "adversarial",
    .summary = "exponential weights on estimated losses of emitted length",
    .cite = "arXiv 2505.15141 Algorithms 5 and 9, eq. (13)-(14), (21)-(22)",
    .bound = "2L min( sqrt(len K ln K), 2LK ln K + sqrt(min_i ST_i K ln K) ) rounds (Theorem 5.3)",
    .flags = POLICY_RANDOM,
    .size = weights_size, .init = weights_init, .select = exp3spec_select, .update = exp3spec_update,
    .probabilities = weights_probabilities, .lanes = &lanes,
};
