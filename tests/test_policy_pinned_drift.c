/* test_policy_pinned_drift.c - policies for a best arm that changes: decisions against their formulas, alarms included. */
#include "tests/pinned.h"

#include "policies/change.h"

enum { REWARD }; // parameter 0 of all of them
enum { LEN = 1 };

typedef double weight_of(const struct game *g, const double *param, int s);

/* n and the sum of rewards of an arm, each round s weighted by weight(g, param, s). */
static void sums(const struct game *g, const double *param, int arm, weight_of *weight, double *n, double *sum) {
    double least = least_s(g, g->t);
    *n = *sum = 0;
    for (int s = g->t - 1; s >= 0; s--)
        if (g->round[s].arm == arm) *n += weight(g, param, s), *sum += weight(g, param, s) * reward_in(g, s, param[REWARD] == LEN, least);
}

static double discount(const struct game *g, const double *param, int s) { return pow(param[1], g->t - 1 - s); }
static double inside(const struct game *g, const double *param, int s) { return g->t - s <= param[1]; }

static int d_ucb(const struct game *g, const double *param, struct rng *r) {
    double index[PIN_ARMS], total = 0;
    (void)r;
    for (int s = 0; s < g->t; s++) total += discount(g, param, s);
    for (int i = 0; i < g->problem.K; i++) {
        double n, sum;
        sums(g, param, i, discount, &n, &sum);
        index[i] = n < 1e-9 ? INFINITY : sum / n + 2 * sqrt(param[2] * fmax(0, log(total)) / n);
    }
    return highest(index, g->problem.K);
}

static int sw_ucb(const struct game *g, const double *param, struct rng *r) {
    double index[PIN_ARMS];
    (void)r;
    for (int i = 0; i < g->problem.K; i++) {
        double n, sum;
        sums(g, param, i, inside, &n, &sum);
        index[i] = n == 0 ? INFINITY : sum / n + sqrt(param[2] * log(fmin(g->t, param[1])) / n);
    }
    return highest(index, g->problem.K);
}

static int sampled(const struct game *g, const double *param, struct rng *r, weight_of *weight) {
    double theta[PIN_ARMS];
    for (int i = 0; i < g->problem.K; i++) {
        double n, sum;
        sums(g, param, i, weight, &n, &sum);
        double x = rng_gamma(r, param[2] + sum), y = rng_gamma(r, param[3] + n - sum);
        theta[i] = 1 / (1 + y / x);
    }
    return highest(theta, g->problem.K);
}

static int d_ts(const struct game *g, const double *param, struct rng *r) { return sampled(g, param, r, discount); }
static int sw_ts(const struct game *g, const double *param, struct rng *r) { return sampled(g, param, r, inside); }

static void test_forgetting_is_its_formula(void **state) {
    (void)state;
    pin("d-ucb", 80, 30, d_ucb);
    pin("d-ucb:keep=0.8,xi=0.1", 300, 150, d_ucb); // arms fade away
    pin("d-ucb:keep=1,reward=len,xi=2", 60, 30, d_ucb);
    pin("sw-ucb", 200, 100, sw_ucb);
    pin("sw-ucb:window=9,xi=0.1", 200, 100, sw_ucb);
    pin("d-ts", 80, 30, d_ts);
    pin("d-ts:keep=0.8,a=0.5,b=2", 120, 60, d_ts);
    pin("sw-ts", 200, 100, sw_ts);
    pin("sw-ts:window=9,reward=len,a=0.5,b=2", 200, 100, sw_ts);
}

/* -- change detectors: the samples of each arm since its last restart, found by walking through the whole history -- */

struct walk {
    int n[PIN_ARMS];                    // samples since the restart
    int sample[PIN_ARMS][PIN_ROUNDS];   // their rounds
    int since[PIN_ARMS], alarms;        // first round after the restart
    double x[PIN_ROUNDS];               // rewards in [0, 1], at the rate_max of the round the walk has come to
};

/* Did the newest sample of `arm` in round t raise an alarm? */
typedef bool alarm_of(const struct game *g, const double *param, const struct walk *w, int arm);

static int most_alarms;

static void walk(const struct game *g, const double *param, alarm_of *alarm, bool global, struct walk *w) {
    memset(w, 0, sizeof *w);
    for (int t = 0; t < g->t; t++) {
        int arm = g->round[t].arm;
        double least = least_s(g, t + 1);
        for (int s = 0; s <= t; s++) w->x[s] = reward_in(g, s, param[REWARD] == LEN, least);
        w->sample[arm][w->n[arm]++] = t;
        if (!alarm(g, param, w, arm)) continue;
        w->alarms++;
        for (int i = 0; i < g->problem.K; i++)
            if (global || i == arm) w->n[i] = 0, w->since[i] = t + 1;
    }
}

static double mean_of(const struct walk *w, int arm, int from, int to) {
    double sum = 0;
    for (int i = from; i < to; i++) sum += w->x[w->sample[arm][i]];
    return sum / (to - from);
}

static double kl(double p, double q) {
    double part = p > 0 ? -p * log(q / p) : 0;
    return part - (p < 1 ? (1 - p) * log((1 - q) / (1 - p)) : 0);
}

static bool cusum_alarm(const struct game *g, const double *param, const struct walk *w, int arm) {
    // The policy moves its walks at the rate_max of each round's moment, so the sums are taken there.
    double up = 0, down = 0, h = log(param[1] / param[2]);
    int M = (int)param[4];
    for (int i = M; i < w->n[arm]; i++) {
        int t = w->sample[arm][i];
        double least = least_s(g, t + 1), u = 0, x = reward_in(g, t, param[REWARD] == LEN, least);
        for (int j = 0; j < M; j++) u += reward_in(g, w->sample[arm][j], param[REWARD] == LEN, least) / M;
        up = fmax(0, up + x - u - param[3]), down = fmax(0, down + u - x - param[3]);
    }
    return fmax(up, down) > h;
}

static int cusum_ucb(const struct game *g, const double *param, struct rng *r) {
    static struct walk w;
    double ratio = param[1] / param[2], index[PIN_ARMS], total = 0;
    walk(g, param, cusum_alarm, false, &w);
    if (w.alarms > most_alarms) most_alarms = w.alarms;
    if (rng_uniform(r) < sqrt(log(ratio) / ratio)) return rng_below(r, g->problem.K);
    for (int i = 0; i < g->problem.K; i++) total += w.n[i];
    for (int i = 0; i < g->problem.K; i++)
        index[i] = w.n[i] ? mean_of(&w, i, 0, w.n[i]) + sqrt(param[5] * log(total) / w.n[i]) : INFINITY;
    return highest(index, g->problem.K);
}

static double glr_statistic(const struct walk *w, int arm, int from, int to) {
    double most = 0, mean = mean_of(w, arm, from, to);
    for (int s = from + 1; s < to; s++)
        most = fmax(most, (s - from) * kl(mean_of(w, arm, from, s), mean) + (to - s) * kl(mean_of(w, arm, s, to), mean));
    return most;
}

static bool glr_alarm(const struct game *g, const double *param, const struct walk *w, int arm) {
    (void)g;
    int n = w->n[arm], from = n > param[6] ? n - (int)param[6] : 0;
    double delta = param[3] > 0 ? param[3] : 1 / sqrt(param[2]), kept = n - from;
    if (n % (int)param[5]) return false;
    return glr_statistic(w, arm, from, n) >= log(3 * pow(kept, 1.5) / delta);
}

/* The bound of coins by bisection. */
static double kl_bound(double p, double d) {
    double low = p, high = 1;
    for (int i = 0; i < 100; i++) {
        double q = (low + high) / 2;
        *(q < 1 && kl(p, q) <= d ? &low : &high) = q;
    }
    return low;
}

static int glr_klucb(const struct game *g, const double *param, struct rng *r) {
    static struct walk w;
    int K = g->problem.K;
    double T = param[2], index[PIN_ARMS];
    (void)r;
    walk(g, param, glr_alarm, param[1] == 1, &w);
    if (w.alarms > most_alarms) most_alarms = w.alarms;
    double alpha = param[4] > 0 ? param[4] : fmin(1, sqrt((w.alarms + 1) * K * log(T) / T));
    if (g->t % (int)(K / alpha) < K) return g->t % (int)(K / alpha);
    for (int i = 0; i < K; i++)
        index[i] = w.n[i] ? kl_bound(mean_of(&w, i, 0, w.n[i]), log(g->t - w.since[i]) / w.n[i]) : INFINITY;
    return highest(index, K);
}

static double m_ucb_b(const struct game *g, const double *param) {
    return param[2] > 0 ? param[2] : sqrt(param[1] * log(2 * g->problem.K * param[4] * param[4]) / 2);
}

static bool m_ucb_alarm(const struct game *g, const double *param, const struct walk *w, int arm) {
    int n = w->n[arm], window = (int)param[1];
    if (n < window) return false;
    double later = mean_of(w, arm, n - window / 2, n), earlier = mean_of(w, arm, n - window, n - window / 2);
    return window / 2 * fabs(later - earlier) > m_ucb_b(g, param) + 1e-9; // lengths may differ by b exactly
}

static int m_ucb(const struct game *g, const double *param, struct rng *r) {
    static struct walk w;
    int K = g->problem.K;
    double index[PIN_ARMS], share = param[3];
    (void)r;
    walk(g, param, m_ucb_alarm, true, &w);
    if (w.alarms > most_alarms) most_alarms = w.alarms;
    if (share == 0) share = fmin(1, sqrt(param[5] * K * (2 * m_ucb_b(g, param) + 3 * sqrt(param[1])) / (2 * param[4])));
    int t = g->t - w.since[0], period = (int)ceil(K / share);
    if (t % period < K) return t % period;
    for (int i = 0; i < K; i++) index[i] = w.n[i] ? mean_of(&w, i, 0, w.n[i]) + sqrt(2 * log(t) / w.n[i]) : INFINITY;
    return highest(index, K);
}

/* Pins a detector, and sees to it that it alarmed at least `alarms` times in some game. */
static void pin_alarms(const char *spec, int rounds, int change, reference *expect, int alarms) {
    most_alarms = 0;
    pin(spec, rounds, change, expect);
    print_message("  %s: up to %d alarms\n", spec, most_alarms);
    if (most_alarms < alarms) fail_msg("%s: at most %d alarms, the test wants to see %d", spec, most_alarms, alarms);
}

static void test_cusum_ucb_is_its_formula(void **state) {
    (void)state;
    pin_alarms("cusum-ucb", 60, 30, cusum_ucb, 0);
    pin_alarms("cusum-ucb:reward=len", 300, 100, cusum_ucb, 1);
    pin_alarms("cusum-ucb:horizon=10,changes=3,samples=4,eps=0.02,xi=0.5", 300, 100, cusum_ucb, 2);
}

static void test_glr_klucb_is_its_formula(void **state) {
    (void)state;
    pin_alarms("glr-klucb", 60, 30, glr_klucb, 0);
    pin_alarms("glr-klucb:reward=len", 500, 200, glr_klucb, 1);
    pin_alarms("glr-klucb:reward=len,restart=global,delta=0.9,every=3", 500, 200, glr_klucb, 1);
    pin_alarms("glr-klucb:reward=len,explore=0,delta=0.9,horizon=1000,history=20,every=1", 500, 200, glr_klucb, 1); // published exploration
}

static void test_m_ucb_is_its_formula(void **state) {
    (void)state;
    pin_alarms("m-ucb", 60, 30, m_ucb, 0);
    pin_alarms("m-ucb:reward=len", 250, 100, m_ucb, 1);
    pin_alarms("m-ucb:reward=len,window=8,b=2.2,explore=0.3", 250, 100, m_ucb, 2);
    pin_alarms("m-ucb:b=0,explore=0,horizon=100000,window=6", 120, 60, m_ucb, 0); // as published
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_forgetting_is_its_formula),
        cmocka_unit_test(test_cusum_ucb_is_its_formula),
        cmocka_unit_test(test_glr_klucb_is_its_formula),
        cmocka_unit_test(test_m_ucb_is_its_formula),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
