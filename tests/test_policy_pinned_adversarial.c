/* test_policy_pinned_adversarial.c - policies that draw from estimated losses: probabilities and decisions against their formulas, and
 * what estimates are worth. */
#include "tests/pinned.h"

#include "policies/weights.h"

/* Losses or rewards at the scale of the moment. */
static double reward_then(const struct game *g, int s, bool len) { return reward_in(g, s, len, least_s(g, s + 1)); }

static double loss_of_length(const struct game *g, int s) { return (g->problem.L + 1.0 - g->round[s].emitted) / g->problem.L; }

/* Gibbs weights without any subtraction: exact in long double for the few rounds of a test. */
static void gibbs(const long double *loss, int K, double eta, double *p) {
    for (int i = 0; i < K; i++) {
        long double others = 0;
        for (int j = 0; j < K; j++) others += expl(eta * (loss[i] - loss[j]));
        p[i] = (double)(1 / others);
    }
}

static void exp3spec_p(const struct game *g, const double *param, int t, double *p) {
    int K = g->problem.K;
    long double loss[PIN_ARMS] = {0};
    (void)param;
    for (int s = 0; s <= t; s++) {
        gibbs(loss, K, sqrt(log(K) / (K * (s + 1.0))), p);
        if (s < t) loss[g->round[s].arm] += loss_of_length(g, s) / p[g->round[s].arm];
    }
}

static void exp3_ix_p(const struct game *g, const double *param, int t, double *p) {
    int K = g->problem.K;
    long double loss[PIN_ARMS] = {0};
    for (int s = 0; s <= t; s++) {
        double eta = sqrt(log(K) / (K * (s + 1.0)));
        gibbs(loss, K, eta, p);
        if (s < t) loss[g->round[s].arm] += (1 - reward_then(g, s, param[0] == REWARD_LEN)) / (p[g->round[s].arm] + eta / 2);
    }
}

/* Weights as they are printed, not their logarithms; EXP3 is EXP3.S without sharing. */
static void exp3_weights(const struct game *g, bool len, double mix, double share, int t, double *p) {
    int K = g->problem.K;
    long double w[PIN_ARMS];
    for (int i = 0; i < K; i++) w[i] = 1;
    for (int s = 0; s <= t; s++) {
        long double W = 0;
        for (int i = K; i-- > 0; ) W += w[i];
        for (int i = 0; i < K; i++) p[i] = (double)(mix / K + (1 - mix) * (w[i] / W));
        if (s == t) return;
        int arm = g->round[s].arm;
        w[arm] *= expl(mix * reward_then(g, s, len) / p[arm] / K);
        for (int i = 0; i < K; i++) w[i] += share * W / K;
    }
}

static void exp3_p(const struct game *g, const double *param, int t, double *p) {
    double K = g->problem.K, mix = sqrt(K * log(K) / (1.718281828459045 * param[1]));
    exp3_weights(g, param[0] == REWARD_LEN, mix < 1 ? mix : 1, 0, t, p);
}

static void exp3_s_p(const struct game *g, const double *param, int t, double *p) {
    double K = g->problem.K, e = 2.718281828459045, mix = sqrt(K * (param[2] * log(K * param[1]) + e) / ((e - 1) * param[1]));
    exp3_weights(g, param[0] == REWARD_LEN, mix < 1 ? mix : 1, e / param[1], t, p);
}

static void exp3_pp_p(const struct game *g, const double *param, int t, double *p) {
    int K = g->problem.K;
    bool len = param[0] == REWARD_LEN;
    long double loss[PIN_ARMS] = {0};
    for (int s = 0; s <= t; s++) {
        double now = s + 1, beta = 0.5 * sqrt(log(K) / (now * K)), least = least_s(g, s);
        double low[PIN_ARMS], high[PIN_ARMS], eps[PIN_ARMS], sum = 0;
        for (int i = 0; i < K; i++) {
            double n = 0, lost = 0;
            for (int q = 0; q < s; q++)
                if (g->round[q].arm == i) n++, lost += 1 - reward_in(g, q, len, least);
            double b = n ? sqrt(param[1] * log(now * pow(K, 1 / param[1])) / (2 * n)) : 1;
            low[i] = n ? fmax(0, lost / n - b) : 0, high[i] = n ? fmin(1, lost / n + b) : 1;
        }
        double best = 1;
        for (int i = 0; i < K; i++) best = fmin(best, high[i]);
        for (int i = 0; i < K; i++) {
            double gap = fmax(0, low[i] - best), xi = gap > 0 ? param[2] * log(now) / (now * gap * gap) : INFINITY;
            sum += eps[i] = fmin(fmin(1.0 / (2 * K), beta), xi);
        }
        gibbs(loss, K, beta, p);
        for (int i = 0; i < K; i++) p[i] = (1 - sum) * p[i] + eps[i];
        if (s < t) loss[g->round[s].arm] += (1 - reward_then(g, s, len)) / p[g->round[s].arm];
    }
}

/* The root by bisection. */
static void tsallis_p(const struct game *g, const double *param, int t, double *p) {
    enum { RV };
    int K = g->problem.K;
    bool rv = param[1] == RV;
    long double loss[PIN_ARMS] = {0};
    for (int s = 0; s <= t; s++) {
        long double eta = (rv ? 4 : 2) / sqrtl(s + 1), least = loss[0];
        for (int i = 1; i < K; i++) least = fminl(least, loss[i]);
        long double low = least - 2 * sqrtl(K) / eta, high = least - 2 / eta;
        for (int i = 0; i < 200; i++) {
            long double z = (low + high) / 2, sum = 0;
            for (int j = 0; j < K; j++) sum += 4 / (eta * eta * (loss[j] - z) * (loss[j] - z));
            *(sum > 1 ? &high : &low) = z;
        }
        for (int j = 0; j < K; j++) p[j] = (double)(4 / (eta * eta * (loss[j] - low) * (loss[j] - low)));
        if (s == t) return;
        for (int j = 0; j < K; j++) {
            double B = rv && p[j] >= eta * eta ? 0.5 : 0, lost = 1 - reward_then(g, s, param[0] == REWARD_LEN);
            loss[j] += (j == g->round[s].arm ? (lost - B) / p[j] : 0) + B;
        }
    }
}

typedef void probabilities_of(const struct game *g, const double *param, int t, double *p);

static probabilities_of *formula;
static double furthest;

static int drawn(const struct game *g, const double *param, struct rng *r) {
    double p[PIN_ARMS];
    const double *have = g->agent->policy->probabilities(g->agent->state, &g->problem);
    formula(g, param, g->t, p);
    for (int i = 0; i < g->problem.K; i++) furthest = fmax(furthest, fabs(have[i] - p[i]));
    if (furthest > 1e-9) fail_msg("%s, seed %u, round %d: a probability is %g from the formula's", g->agent->spec, g->seed, g->t, furthest);
    return draw(p, g->problem.K, r);
}

static void pin_drawn(const char *spec, int rounds, probabilities_of *f) {
    formula = f, furthest = 0;
    pin(spec, rounds, 20, drawn);
    print_message("  %s: probabilities within %.1e\n", spec, furthest);
}

/* The registers of this machine or those that every machine has: the same arms and probabilities to the last bit; and near softmax(). */
static void test_weights_are_the_same_bits_in_any_register(void **state) {
    (void)state;
    double bytes[3][64];
    for (int K = 1; K <= 20; K++)
        for (uint32_t t = 0; t < 200; t++) {
            struct rng r = rng_at(5, (uint32_t)K, 0, t), q;
            struct weights *a = (struct weights *)bytes[0], *b = (struct weights *)bytes[1];
            struct problem p = {.K = K};
            assert_true(weights_size(&p) <= sizeof bytes[0]);
            memset(bytes[0], 0, sizeof bytes[0]);
            weights_init(a, &p, NULL);
            for (int i = 0; i < K; i++) a->at[i] = 100 * rng_uniform(&r) * (t % 3);
            double eta = rng_uniform(&r) * (t % 50 ? 0.2 : 1e18);
            memcpy(b, a, sizeof bytes[0]), q = r;
            assert_int_equal(weights_draw(a, K, eta, &r), weights_draw_plain(b, K, eta, &q));
            assert_memory_equal(a, b, sizeof bytes[0]);
            softmax(a->at, K, -eta, bytes[2]);
            for (int i = 0; i < K; i++) assert_true(fabs(bytes[2][i] - weights_drawn(a, K)[i]) < 1e-15);
        }
}

static void test_exponential_weights_are_their_formulas(void **state) {
    (void)state;
    pin_drawn("exp3spec", 60, exp3spec_p);
    pin_drawn("exp3-ix", 60, exp3_ix_p);
    pin_drawn("exp3-ix:reward=len", 60, exp3_ix_p);
    pin_drawn("exp3", 60, exp3_p);
    pin_drawn("exp3:reward=len,horizon=1000", 60, exp3_p);
    pin_drawn("exp3:horizon=1", 60, exp3_p); // uniform
    pin_drawn("exp3-s", 60, exp3_s_p);
    pin_drawn("exp3-s:reward=len,horizon=1000,switches=1", 60, exp3_s_p);
}

static void test_exp3_pp_is_its_formula(void **state) {
    (void)state;
    pin_drawn("exp3-pp", 60, exp3_pp_p);
    pin_drawn("exp3-pp:reward=len", 60, exp3_pp_p);
    formula = exp3_pp_p;
    for (uint32_t seed = 1; seed <= PIN_SEEDS; seed++) { // three arms for long: gaps are found, and xi is what counts
        struct game g = game_new(seed, (const int[]){8}, 1, 1000);
        pin_game("exp3-pp:a=0.1,c=0.01,reward=len", &g, 250, drawn);
    }
}

static void test_tsallis_inf_is_its_formula(void **state) {
    (void)state;
    pin_drawn("tsallis-inf", 60, tsallis_p);
    pin_drawn("tsallis-inf:estimate=iw", 60, tsallis_p);
    pin_drawn("tsallis-inf:reward=len", 60, tsallis_p);
    pin_drawn("tsallis-inf:estimate=iw,reward=len", 60, tsallis_p);
}

static struct outcome brought(int arm, int accepted, int gamma) {
    return (struct outcome){.arm = arm, .gamma = gamma, .proposed = gamma, .accepted = accepted, .emitted = accepted + 1, .verify_s = 1};
}

/* By enumeration of the arm drawn: what an estimate is worth on average. Rewards are in units of g / K in EXP3 and EXP3.S. */
static void test_estimates_are_right_on_average(void **state) {
    (void)state;
    enum { K = 4, L = 4 };
    static const struct { const char *spec; bool gain, biased; } rows[] = {
        {"exp3spec", false, false}, {"exp3-pp:reward=len", false, false}, {"tsallis-inf:reward=len", false, false},
        {"tsallis-inf:reward=len,estimate=iw", false, false}, {"exp3:reward=len", true, false}, {"exp3-s:reward=len", true, false},
        {"exp3-ix:reward=len", false, true},
    };
    struct arm arms[K];
    for (int i = 0; i < K; i++) arms[i] = (struct arm){.drafter = i, .gamma = L};
    struct problem p = {.K = K, .D = K, .L = L, .arms = arms};
    for (size_t row = 0; row < sizeof rows / sizeof *rows; row++) {
        struct agent a, b;
        struct err err;
        bool shared = !strncmp(rows[row].spec, "exp3-s:", 7);
        if (agent_open(&a, rows[row].spec, &p, &err) || agent_open(&b, rows[row].spec, &p, &err)) fail_msg("%s", err.text);
        for (uint32_t t = 0; t < 200; t++) {
            struct rng r = rng_at(1, a.stream, 0, t);
            int arm = agent_select(&a, &r), accepted[K];
            double q[K], mean[K] = {0}, sum = 0;
            memcpy(q, a.policy->probabilities(a.state, &p), sizeof q);
            for (int i = 0; i < K; i++) assert_true(q[i] > 0), sum += q[i], accepted[i] = rng_below(&r, L + 1);
            assert_true(fabs(sum - 1) < 1e-12);
            for (int i = 0; i < K; i++) { // had arm i been drawn
                struct outcome o = brought(i, accepted[i], L);
                const struct weights *before = a.state, *after = b.state;
                double W = 0;
                for (int j = 0; j < K; j++) W += before->at[j];
                memcpy(b.state, a.state, a.size);
                agent_update(&b, &o);
                for (int j = 0; j < K; j++) {
                    double moved = after->at[j] - before->at[j];
                    if (shared) moved = log((after->at[j] - exp(1) / 128 / K * W) / before->at[j]);
                    mean[j] += q[i] * moved * (rows[row].gain ? K / before->mix : 1);
                }
            }
            for (int j = 0; j < K; j++) {
                double x = (double)accepted[j] / L, true_value = rows[row].gain ? x : 1 - x;
                if (rows[row].biased) true_value *= q[j] / (q[j] + sqrt(log(K) / (K * (t + 1.0))) / 2);
                if (fabs(mean[j] - true_value) > 1e-9)
                    fail_msg("%s: arm %d is worth %.12g, estimated on average %.12g", rows[row].spec, j, true_value, mean[j]);
            }
            struct outcome o = brought(arm, accepted[arm], L);
            agent_update(&a, &o);
        }
        agent_close(&a);
        agent_close(&b);
    }
}

static void test_softmax_neither_overflows_nor_loses_an_arm(void **state) {
    (void)state;
    double p[3], x[3] = {0, log(2), log(2)};
    softmax(x, 3, 1, p);
    assert_true(fabs(p[0] - 0.2) < 1e-15 && p[1] == p[2]);
    for (double far = 1; far < 1e300; far *= 1e3)
        for (double scale = -1; scale <= 1; scale += 2) {
            double y[3] = {0, far, -far};
            softmax(y, 3, scale, p);
            assert_true(p[0] > 0 && p[1] > 0 && p[2] > 0 && fabs(p[0] + p[1] + p[2] - 1) < 1e-12);
            assert_true(scale < 0 ? p[2] > 0.6 : p[1] > 0.6);
        }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_weights_are_the_same_bits_in_any_register),
        cmocka_unit_test(test_exponential_weights_are_their_formulas),
        cmocka_unit_test(test_exp3_pp_is_its_formula),
        cmocka_unit_test(test_tsallis_inf_is_its_formula),
        cmocka_unit_test(test_estimates_are_right_on_average),
        cmocka_unit_test(test_softmax_neither_overflows_nor_loses_an_arm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
