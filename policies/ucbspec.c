/* ucbspec.c - UCBSpec, a UCB for the emitted length.
 *
 * arXiv 2505.15141 (BanditSpec), Algorithms 4 and 8, eq. (5)-(7). Arms that were never
 * played come first, lowest number first. Then, with t rounds so far and n of them with
 * an arm whose mean emitted length is y:
 *   cr    = L/2 sqrt( (1+n)/n^2 (1 + 2 ln( K t^2 sqrt(1+n) / delta )) )     eq. (6)
 *   index = y + cscale cr,   the highest plays, ties to the lowest number    eq. (5), (7)
 * delta = 1/2 ends the proof of Theorem 4.3; cscale = 1 is the paper.
 * Check: K=3 L=4 delta=0.5, t=10 n=4 gives cr = 4.3879518603.
 *
 * cr^2 = a (c + ln(1+n)) + a 4 ln t with a = L^2/4 (1+n)/n^2 and c = 1 + 2 ln(K/delta):
 * only ln t changes for the arms that did not play, so each keeps `still` and `slope`, a
 * round costs K square roots and two logarithms, and t^2 never overflows. The pair of n + 1 and ln(t + 1) are worked
 * out a round ahead, so the next choice does not wait for them. */
#include "policies/ucbspec.h"

#include <math.h>

#include "policies/index.h"
#include "policies/lanes.h"

enum { DELTA, CSCALE };

struct ucbspec {
    double t, log_t;         // rounds so far and their logarithm
    double log_next;         // ln(t + 1)
    double constant;         // 1 + 2 ln(K/delta)
    struct ucbspec_arm {
        double mean;
        double still, slope; // (cscale cr)^2 = still + slope ln t
        double n, sum;       // rounds, emitted tokens: whole numbers
        struct {
            double still, slope, log_n; // of one round more, and the ln(n + 1) in it
        } next;
    } arm[];                 // (K)
};

double ucbspec_radius(int K, int L, int64_t t, int64_t n, double delta) {
    double rounds = (double)t, plays = (double)n;
    return L / 2.0 * sqrt((1 + plays) / (plays * plays)
        * (1 + 2 * elementary_log(K * rounds * rounds * sqrt(1 + plays) / delta)));
}

static size_t ucbspec_size(const struct problem *p) { return sizeof(struct ucbspec) + (size_t)p->K * sizeof(struct ucbspec_arm); }

/* What eq. (6) gives an arm after one round more. */
static inline void prepare(struct ucbspec_arm *arm, const struct problem *p, const double *param, double constant) {
    double n = arm->n + 1, half = param[CSCALE] * p->L / 2, a = half * half * (1 + n) / (n * n);
    arm->next.log_n = elementary_log_next(arm->next.log_n, n);
    arm->next.still = a * (constant + arm->next.log_n);
    arm->next.slope = 4 * a;
}

static double constant_of(const struct problem *p, const double *param) { return 1 + 2 * elementary_log(p->K / param[DELTA]); }

static void ucbspec_init(void *state, const struct problem *p, const double *param) {
    struct ucbspec *s = state;
    s->constant = constant_of(p, param);
    for (int i = 0; i < p->K; i++) {
        s->arm[i].still = INFINITY; // never played: above every index
        prepare(&s->arm[i], p, param, s->constant);
    }
}

static inline double index_at(const struct ucbspec_arm *arm, double log_t) { return arm->mean + sqrt(arm->still + arm->slope * log_t); }

static int ucbspec_select(void *state, const struct problem *p, const double *param, struct rng *rng) {
    const struct ucbspec *s = state;
    double best = -1;
    int arm = 0;
    (void)param, (void)rng;
    for (int i = 0; i < p->K; i += 2) { // an odd one out costs no more with itself beside it
        const struct ucbspec_arm *x = &s->arm[i], *y = i + 1 < p->K ? x + 1 : x;
        elementary_two cr = elementary_sqrt_two((elementary_two){x->still + x->slope * s->log_t, y->still + y->slope * s->log_t});
        index_higher(x->mean + cr[0], i, &best, &arm);
        index_higher(y->mean + cr[1], i + 1, &best, &arm); // no higher than itself
    }
    return arm;
}

static void ucbspec_update(void *state, const struct problem *p, const double *param, const struct outcome *o) {
    struct ucbspec *s = state;
    struct ucbspec_arm *arm = &s->arm[o->arm];
    s->log_t = s->log_next;
    s->log_next = elementary_log_next(s->log_next, ++s->t);
    arm->still = arm->next.still;
    arm->slope = arm->next.slope;
    arm->sum += o->emitted;
    arm->mean = arm->sum / ++arm->n;
    prepare(arm, p, param, s->constant);
}

/* -- four episodes side by side -- */

struct ucbspec_lanes {
    four t, log_t, log_next;
    double constant;
    struct ucbspec_lane_arm {
        four mean, still, slope, n, sum, log_n;
    } arm[];
};

static size_t lanes_size(const struct problem *p) { return LANES_SIZE(struct ucbspec_lanes, struct ucbspec_lane_arm, p); }

static void lanes_init(void *state, const struct problem *p, const double *param, int lane) {
    struct ucbspec_lanes *s = state;
    s->constant = constant_of(p, param);
    s->t[lane] = s->log_t[lane] = s->log_next[lane] = 0;
    for (int i = 0; i < p->K; i++) {
        lanes_zero(&s->arm[i], sizeof s->arm[i], lane);
        s->arm[i].still[lane] = INFINITY; // never played: above every index
    }
}

LANES_INLINE void lanes_select_body(void *state, const struct problem *p, const double *param, const struct rng_four *rng, int *arm) {
    const struct ucbspec_lanes *s = state;
    four best = four_of(-1), log_t = s->log_t;
    four_mask at = {0}, i = {0};
    (void)param, (void)rng;
    for (const struct ucbspec_lane_arm *x = s->arm; x < s->arm + p->K; x++, i++) four_highest(x->mean + four_sqrt(x->still + x->slope * log_t), i, &best, &at);
    four_arms(at, arm);
}

LANES_INLINE void lanes_update_body(void *state, const struct problem *p, const double *param, const struct outcome_lanes *o) {
    struct ucbspec_lanes *s = state;
    LANES_ARMS(struct ucbspec_lane_arm, arm, s, o);
    four t = s->t + 1, n = LANES_GATHER(arm, n) + 1, log_n = four_log_next(LANES_GATHER(arm, log_n), n);
    s->log_t = s->log_next;
    s->log_next = four_log_next(s->log_next, t);
    s->t = t;
    double half = param[CSCALE] * p->L / 2;
    four a = half * half * (1 + n) / (n * n), still = a * (s->constant + log_n), slope = 4 * a;
    four sum = LANES_GATHER(arm, sum) + four_from_int(o->emitted), mean = sum / n;
    LANES_SCATTER(arm, n, n);
    LANES_SCATTER(arm, log_n, log_n);
    LANES_SCATTER(arm, still, still);
    LANES_SCATTER(arm, slope, slope);
    LANES_SCATTER(arm, sum, sum);
    LANES_SCATTER(arm, mean, mean);
}

LANES_METHODS(lanes_size, lanes_init)

double ucbspec_mean(const struct agent *a, int arm) {
    const struct ucbspec *s = a->state;
    return s->arm[arm].mean;
}

double ucbspec_index(const struct agent *a, int arm) {
    const struct ucbspec *s = a->state;
    return index_at(&s->arm[arm], s->log_t);
}

const struct policy policy_ucbspec = {
    .name = "ucbspec", .setting = "stochastic",
    .summary = "upper confidence bound on the emitted length",
    .cite = "arXiv 2505.15141 Algorithms 4 and 8, eq. (5)-(7)",
    .bound = "O(H L^2 ln E[len]) rounds, H = sum 1/(mu_* Delta_i) (Theorem 4.3)",
    .params = {
        {"delta", 0.5, 1e-12, 1, NULL, "confidence; 1/2 in the proof of Theorem 4.3"},
        {"cscale", 1, 0, 100, NULL, "factor on the radius; 1 is the paper, less explores less"},
    },
    .size = ucbspec_size, .init = ucbspec_init, .select = ucbspec_select, .update = ucbspec_update, .lanes = &lanes,
};
