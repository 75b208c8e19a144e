/* tsallis_inf.c - Tsallis-INF, best of both worlds.
 *
 * Zimmert & Seldin, "Tsallis-INF: an optimal algorithm for stochastic and adversarial bandits", JMLR 2021,
 * Algorithms 1 and 2. In round t = 1, 2, ... with sums of estimated losses, loss = 1 - reward in [0, 1]:
 *   w = the weights of policies/tsallis.h at eta = 2/sqrt(t) (iw) or 4/sqrt(t) (rv),   arm ~ w
 *   estimate=iw: sum_arm += loss / w_arm
 *   estimate=rv: sum_j += 1{j = arm} (loss - B_j) / w_j + B_j for all j,   B_j = 1/2 where w_j >= eta^2, else 0
 * rv keeps the variance of the estimates down. A divisor below 1e-12 counts as 1e-12 (our floor).
 * Check: in policies/tsallis.h. */
#include "policies/tsallis.h"
#include "policies/weights.h"
#include "policies/weights_lanes.h"

enum { REWARD, ESTIMATE };
enum { RV, IW };

static double rate_of(const struct weights *s, const double *param) {
    return (param[ESTIMATE] == RV ? 4 : 2) / sqrt(s->t + 1);
}

static int tsallis_inf_select(void *state, const struct problem *p, const double *param, struct rng *rng) {
    struct weights *s = state;
    tsallis_weights(s->at, p->K, rate_of(s, param), weights_drawn(s, p->K));
    return rng_pick(rng, weights_drawn(s, p->K), p->K);
}

static void tsallis_inf_update(void *state, const struct problem *p, const double *param, const struct outcome *o) {
    struct weights *s = state;
    const double *w = weights_drawn(s, p->K);
    double loss = 1 - reward_of(&s->reward, p, param[REWARD], o), eta = rate_of(s, param), base = 0;
    for (int i = 0; i < p->K && param[ESTIMATE] == RV; i++) {
        double half = w[i] >= eta * eta ? 0.5 : 0;
        if (i == o->arm) base = half;
        s->at[i] += half;
    }
    s->at[o->arm] += (loss - base) / elementary_max(w[o->arm], 1e-12);
    s->t++;
}

/* -- four episodes side by side -- */

struct tsallis_lanes {
    four t, eta;             // eta of the latest choice
    struct four_reward reward;
    struct tsallis_lane_arm {
        four loss, w;        // w: of the latest choice
    } arm[];
};

static size_t lanes_size(const struct problem *p) { return LANES_SIZE(struct tsallis_lanes, struct tsallis_lane_arm, p); }

static void lanes_init(void *state, const struct problem *p, const double *param, int lane) {
    struct tsallis_lanes *s = state;
    (void)param;
    lanes_zero(state, lanes_size(p), lane);
    four_reward_init(&s->reward, p, lane);
}

/* tsallis_weights of each: a lane that has come to its end stays there until the last one has. */
LANES_INLINE void lane_weights(struct tsallis_lanes *s, int K, four eta) {
    four least = s->arm[0].loss, z = -2 / eta, sum = {0};
    four_mask moves = {-1, -1, -1, -1};
    for (int i = 1; i < K; i++) least = four_min(least, s->arm[i].loss);
    for (int round = 0; round < 60 && four_any(moves); round++) {
        four slope = {0}, now = {0};
        for (int i = 0; i < K; i++) {
            four root = 2 / (eta * (s->arm[i].loss - least - z)), w = root * root;
            s->arm[i].w = four_choose(moves, w, s->arm[i].w);
            now += w;
            slope += w * root;
        }
        sum = four_choose(moves, now, sum);
        moves &= ~(four_max(sum - 1, 1 - sum) < 1e-12);
        z = four_choose(moves, z - (sum - 1) / (eta * slope), z);
    }
    for (int i = 0; i < K; i++) s->arm[i].w /= sum;
}

LANES_INLINE void lanes_select_body(void *state, const struct problem *p, const double *param, const struct rng_four *rng, int *arm) {
    struct tsallis_lanes *s = state;
    double uniforms[4];
    rng_uniform_four(rng, uniforms);
    s->eta = (param[ESTIMATE] == RV ? 4 : 2) / four_sqrt(s->t + 1);
    lane_weights(s, p->K, s->eta);
    four_arms(four_pick(&s->arm->w, 2, p->K, four_from(uniforms)), arm);
}

LANES_INLINE void lanes_update_body(void *state, const struct problem *p, const double *param, const struct outcome_lanes *o) {
    struct tsallis_lanes *s = state;
    LANES_ARMS(struct tsallis_lane_arm, arm, s, o);
    four loss = 1 - four_reward_of(&s->reward, p, param[REWARD] == REWARD_LEN, o), eta = s->eta, w = LANES_GATHER(arm, w), base = {0};
    if (param[ESTIMATE] == RV) {
        base = four_choose(w >= eta * eta, four_of(0.5), four_of(0));
        for (int i = 0; i < p->K; i++) s->arm[i].loss += four_choose(s->arm[i].w >= eta * eta, four_of(0.5), four_of(0));
    }
    four sum = LANES_GATHER(arm, loss) + (loss - base) / four_max(w, four_of(1e-12));
    LANES_SCATTER(arm, loss, sum);
    s->t += 1;
}

LANES_METHODS(lanes_size, lanes_init)

const struct policy policy_tsallis_inf = {
    .name = "tsallis-inf", .setting = "adversarial",
    .summary = "Tsallis entropy on estimated losses, good in steady and hostile worlds",
    .cite = "Zimmert & Seldin 2021, Algorithms 1 and 2",
    .bound = "4 sqrt(K T) + 1 against any losses (iw); O(sum ln T / Delta_i) against steady ones",
    .flags = POLICY_RANDOM | POLICY_SECONDS,
    .params = {
        REWARD_PARAM,
        {"estimate", RV, 0, 1, "rv|iw", "reduced variance, or plain importance weights"},
    },
    .size = weights_size, .init = weights_init, .select = tsallis_inf_select, .update = tsallis_inf_update,
    .probabilities = weights_probabilities, .lanes = &lanes,
};
