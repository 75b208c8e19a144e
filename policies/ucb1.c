/* ucb1.c - UCB1, the upper confidence bound of bounded rewards.
 *
 * Auer, Cesa-Bianchi, Fischer, "Finite-time analysis of the multiarmed bandit problem", Machine Learning 2002,
 * figure 1. After each arm once, with t rounds so far and n of them with an arm of mean reward x in [0, 1]:
 *   index = x + sqrt( alpha ln t / n ),   the highest plays
 * alpha = 2 is the paper; 1/2 is where the theory ends and what practice takes.
 * Check: x=0.5 n=5 t=60 gives 1.7797413117.
 *
 * Computed as sqrt(alpha ln t) (1/sqrt(n)): the first is the same for all arms, the second changes only when the arm
 * plays. Both are worked out one round ahead, so that the next choice waits for the reward alone. */
#include "policies/ucb1.h"

#include "policies/index.h"
#include "policies/lanes.h"
#include "policies/reward.h"

enum { REWARD, ALPHA };

struct ucb1 {
    double t, log_next;  // rounds so far, ln(t + 1)
    double spread, next; // sqrt(alpha ln t), sqrt(alpha ln(t + 1))
    struct reward reward;
    struct ucb1_arm {
        double n, sum;   // rounds and their raw rewards
        double mean;     // sum / n
        double width;    // 1 / sqrt(n)
        double share, next; // 1 / (n + 1) and its root
    } arm[];             // (K)
};

static size_t ucb1_size(const struct problem *p) { return sizeof(struct ucb1) + (size_t)p->K * sizeof(struct ucb1_arm); }

static void ucb1_init(void *state, const struct problem *p, const double *param) {
    struct ucb1 *s = state;
    (void)param;
    for (int i = 0; i < p->K; i++) s->arm[i].share = s->arm[i].next = 1;
}

static double index_at(const struct ucb1 *s, int i) {
    return s->arm[i].mean * s->reward.scale + s->spread * s->arm[i].width;
}

static int ucb1_select(void *state, const struct problem *p, const double *param, struct rng *rng) {
    const struct ucb1 *s = state;
    double best = -1;
    int arm = 0;
    (void)param, (void)rng;
    for (int i = 0; i < p->K; i++) {
        if (s->arm[i].n == 0) return i;
        index_higher(index_at(s, i), i, &best, &arm);
    }
    return arm;
}

static void ucb1_update(void *state, const struct problem *p, const double *param, const struct outcome *o) {
    struct ucb1 *s = state;
    struct ucb1_arm *arm = &s->arm[o->arm];
    s->spread = s->next;
    s->log_next = elementary_log_next(s->log_next, ++s->t);
    s->next = sqrt(param[ALPHA] * s->log_next);
    arm->sum += reward_raw(&s->reward, p, param[REWARD], o);
    arm->mean = arm->sum * arm->share;
    arm->width = arm->next;
    arm->share = 1 / (++arm->n + 1);
    arm->next = sqrt(arm->share);
}

/* -- four episodes side by side -- */

struct ucb1_lanes {
    four t, log_next, spread, next;
    struct four_reward reward;
    struct ucb1_lane_arm {
        four n, sum, mean, width;
    } arm[];
};

static size_t lanes_size(const struct problem *p) { return LANES_SIZE(struct ucb1_lanes, struct ucb1_lane_arm, p); }

static void lanes_init(void *state, const struct problem *p, const double *param, int lane) {
    struct ucb1_lanes *s = state;
    (void)param;
    lanes_zero(state, lanes_size(p), lane);
    four_reward_init(&s->reward, p, lane);
}

LANES_INLINE void lanes_select_body(void *state, const struct problem *p, const double *param, const struct rng_four *rng, int *arm) {
    const struct ucb1_lanes *s = state;
    four best = four_of(-1), spread = s->spread, scale = s->reward.scale;
    four_mask at = {0}, i = {0};
    (void)param, (void)rng;
    for (const struct ucb1_lane_arm *x = s->arm; x < s->arm + p->K; x++, i++)
        four_highest(x->mean * scale + spread * x->width, i, &best, &at);
    four_arms(four_choose_int(s->t < p->K, four_whole(s->t), at), arm); // those not yet played come first, in their order
}

LANES_INLINE void lanes_update_body(void *state, const struct problem *p, const double *param, const struct outcome_lanes *o) {
    struct ucb1_lanes *s = state;
    four t = s->t + 1, log_next = four_log_next(s->log_next, t);
    s->t = t;
    s->spread = s->next;
    s->next = four_sqrt(param[ALPHA] * log_next);
    s->log_next = log_next;
    four raw = four_reward_raw(&s->reward, p, param[REWARD] == REWARD_LEN, o);
    LANES_ARMS(struct ucb1_lane_arm, arm, s, o);
    four n = LANES_GATHER(arm, n) + 1, sum = LANES_GATHER(arm, sum) + raw, share = 1 / n, mean = sum * share, width = four_sqrt(share);
    LANES_SCATTER(arm, n, n);
    LANES_SCATTER(arm, sum, sum);
    LANES_SCATTER(arm, mean, mean);
    LANES_SCATTER(arm, width, width);
}

LANES_METHODS(lanes_size, lanes_init)

double ucb1_index(const struct agent *a, int arm) {
    const struct ucb1 *s = a->state;
    return s->arm[arm].n > 0 ? index_at(s, arm) : INFINITY;
}

const struct policy policy_ucb1 = {
    .name = "ucb1", .setting = "stochastic",
    .summary = "upper confidence bound of Hoeffding on a [0, 1] reward",
    .cite = "Auer, Cesa-Bianchi, Fischer 2002, figure 1 and Theorem 1",
    .bound = "sum 8 ln T / Delta_i + (1 + pi^2/3) sum Delta_i for alpha = 2 (Theorem 1)",
    .flags = POLICY_SECONDS,
    .params = {
        REWARD_PARAM,
        {"alpha", 2, 1e-6, 100, NULL, "width of the bound; 2 in the paper, 0.5 in practice"},
    },
    .size = ucb1_size, .init = ucb1_init, .select = ucb1_select, .update = ucb1_update, .lanes = &lanes,
};
