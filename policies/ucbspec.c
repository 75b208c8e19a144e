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
 * round costs K square roots and two logarithms, and t^2 never overflows. */
#include "policies/ucbspec.h"

#include <math.h>

enum { DELTA, CSCALE };

struct ucbspec {
    int64_t t;
    double log_t;            // ln t, 0 before the first round
    double constant;         // 1 + 2 ln(K/delta)
    struct ucbspec_arm {
        int64_t n;
        double sum;          // emitted tokens, exact
        double mean;
        double still, slope; // (cscale cr)^2 = still + slope ln t
    } arm[]; // (K)
};

double ucbspec_radius(int K, int L, int64_t t, int64_t n, double delta) {
    double rounds = (double)t, plays = (double)n;
    return L / 2.0 * sqrt((1 + plays) / (plays * plays)
        * (1 + 2 * log(K * rounds * rounds * sqrt(1 + plays) / delta)));
}

static size_t ucbspec_size(const struct problem *p) {
    return sizeof(struct ucbspec) + (size_t)p->K * sizeof(struct ucbspec_arm);
}

static void ucbspec_init(void *state, const struct problem *p, const double *param) {
    struct ucbspec *s = state;
    s->constant = 1 + 2 * log(p->K / param[DELTA]);
    for (int i = 0; i < p->K; i++) s->arm[i].still = INFINITY; // never played: above every index
}

static double index_at(const struct ucbspec_arm *arm, double log_t) {
    return arm->mean + sqrt(arm->still + arm->slope * log_t);
}

static int ucbspec_select(void *state, const struct problem *p, const double *param, struct rng *rng) {
    struct ucbspec *s = state;
    (void)param, (void)rng;
    double best = -1;
    int arm = 0;
    for (int i = 0; i < p->K; i++) {
        double index = index_at(&s->arm[i], s->log_t);
        if (index > best) best = index, arm = i;
    }
    return arm;
}

static void ucbspec_update(void *state, const struct problem *p, const double *param, const struct outcome *o) {
    struct ucbspec *s = state;
    struct ucbspec_arm *arm = &s->arm[o->arm];
    s->log_t = log((double)++s->t);
    arm->sum += o->emitted;
    double n = (double)++arm->n, half = param[CSCALE] * p->L / 2, a = half * half * (1 + n) / (n * n);
    arm->mean = arm->sum / n;
    arm->still = a * (s->constant + log(1 + n));
    arm->slope = 4 * a;
}

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
    .size = ucbspec_size, .init = ucbspec_init, .select = ucbspec_select, .update = ucbspec_update,
};
