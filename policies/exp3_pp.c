/* exp3_pp.c - EXP3++, exponential weights that explore an arm less the surer its gap is.
 *
 * Seldin & Slivkins, "One practical algorithm for both stochastic and adversarial bandits", ICML 2014, Algorithm 1, with the gap
 * estimate and parameters of Seldin & Lugosi, COLT 2017, arXiv 1702.06103, section 3. In round t = 1, 2, ... with sums S of
 * importance-weighted losses, and n rounds of mean loss m of each arm, loss = 1 - reward in [0, 1]:
 *   beta = eta = 1/2 sqrt( ln K / (t K) ),   b_i = sqrt( (a ln t + ln K) / (2 n_i) )
 *   D_i = max(0, max(0, m_i - b_i) - min_j min(1, m_j + b_j)),   xi_i = c ln t / (t D_i^2), infinite at D_i = 0
 *   eps_i = min( 1/(2K), beta, xi_i ),   rho_i = exp(-eta S_i) / sum_j exp(-eta S_j)
 *   arm ~ p_i = (1 - sum_j eps_j) rho_i + eps_i,   S_arm += loss / p_arm
 * An arm never played has the interval [0, 1] (implementations play each once first, which no probability describes).
 * Check: K=2, round 1: eps = 1/4 each, p = (1/2, 1/2). */
#include "policies/weights.h"

enum { REWARD, A, C };

struct exp3_pp_arm { // (K), behind the struct weights
    double n, sum;   // rounds and raw rewards
    double eps;      // of the latest choice
};

static size_t exp3_pp_size(const struct problem *p) { return weights_size(p) + (size_t)p->K * sizeof(struct exp3_pp_arm); }

static struct exp3_pp_arm *arms_of(struct weights *s, const struct problem *p) {
    return (struct exp3_pp_arm *)(s->at + 2 * weights_row(p->K));
}

static double mean_loss(const struct weights *s, const struct exp3_pp_arm *arm) { return 1 - fmin(arm->sum / arm->n * s->reward.scale, 1); }

/* Fills in eps of all arms and returns their sum. */
static double explore(struct weights *s, const struct problem *p, const double *param, double eta) {
    struct exp3_pp_arm *arm = arms_of(s, p);
    double log_t = log(s->t + 1), spread = (param[A] * log_t + s->log_K) / 2, lowest = 1, most = fmin(0.5 / p->K, eta), total = 0;
    for (int i = 0; i < p->K; i++)
        if (arm[i].n > 0) lowest = fmin(lowest, mean_loss(s, &arm[i]) + sqrt(spread / arm[i].n));
    for (int i = 0; i < p->K; i++) {
        double gap = arm[i].n > 0 ? mean_loss(s, &arm[i]) - sqrt(spread / arm[i].n) - lowest : 0;
        arm[i].eps = gap > 0 ? fmin(most, param[C] * log_t / ((s->t + 1) * gap * gap)) : most;
        total += arm[i].eps;
    }
    return total;
}

static int exp3_pp_select(void *state, const struct problem *p, const double *param, struct rng *rng) {
    struct weights *s = state;
    const struct exp3_pp_arm *arm = arms_of(s, p);
    double eta = 0.5 * sqrt(s->log_K / ((s->t + 1) * p->K)), explored = explore(s, p, param, eta), *probability = weights_drawn(s, p->K);
    softmax(s->at, p->K, -eta, probability);
    for (int i = 0; i < p->K; i++) probability[i] = (1 - explored) * probability[i] + arm[i].eps;
    return rng_pick(rng, probability, p->K);
}

static void exp3_pp_update(void *state, const struct problem *p, const double *param, const struct outcome *o) {
    struct weights *s = state;
    struct exp3_pp_arm *arm = &arms_of(s, p)[o->arm];
    double raw = reward_raw(&s->reward, p, param[REWARD], o), loss = 1 - fmin(raw * s->reward.scale, 1);
    arm->n++;
    arm->sum += raw;
    s->at[o->arm] += loss / fmax(weights_drawn(s, p->K)[o->arm], 1e-12);
    s->t++;
}

const struct policy policy_exp3_pp = {
    .name = "exp3-pp", .setting = "adversarial",
    .summary = "EXP3++: exponential weights that explore by estimated gaps, good in steady and hostile worlds",
    .cite = "Seldin & Slivkins 2014, Algorithm 1; Seldin & Lugosi 2017, arXiv 1702.06103",
    .bound = "4 sqrt(T K ln K) against any losses; O( sum ln(T)^2 / Delta_i ) against steady ones (c = 256)",
    .flags = POLICY_RANDOM | POLICY_SECONDS,
    .params = {
        REWARD_PARAM,
        {"a", 3, 1e-3, 100, NULL, "width of the confidence intervals"},
        {"c", 256, 1e-6, 1e6, NULL, "exploration of an arm of known gap; 256 in the theorem"},
    },
    .size = exp3_pp_size, .init = weights_init, .select = exp3_pp_select, .update = exp3_pp_update, .probabilities = weights_probabilities,
};
