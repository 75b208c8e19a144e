/* test_contextual.c - contextual policies against their formulas, computed the slow way: everything anew from the whole history
 * before every decision, matrices inverted by elimination. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policies/cost.h"
#include "policies/features.h"
#include "policies/linear.h"
#include "policies/logistic.h"
#include "policies/reward.h"
#include "tests/gauss.h"
#include "tests/seeing_world.h"

enum { K = 7, D = 2, L = 8, M = FEATURES, ROUNDS = 120, SHARED_M = 1 + 3 * D + 2 * (M - 1) };

static struct arm arms[K] = {
    {.drafter = -1, .name = "plain"},
    {.drafter = 0, .gamma = 2, .name = "a:2"}, {.drafter = 0, .gamma = 4, .name = "a:4"}, {.drafter = 0, .gamma = 8, .name = "a:8"},
    {.drafter = 1, .gamma = 2, .name = "b:2"}, {.drafter = 1, .gamma = 4, .name = "b:4"}, {.drafter = 1, .gamma = 8, .name = "b:8"},
};
static const struct problem problem = {.K = K, .D = D, .L = L, .arms = arms};

static struct agent agent_of(const char *spec) {
    struct agent a;
    struct err err;
    if (agent_open(&a, spec, &problem, &err)) fail_msg("%s", err.text);
    return a;
}

static void near_at(double have, double want, int line) {
    if (!(fabs(have - want) <= 1e-9 * fmax(1, fabs(want)))) fail_msg("line %d: %.15g instead of %.15g", line, have, want);
}
#define near(have, want) near_at(have, want, __LINE__)

/* The whole history of a run: what was seen before each round, and what came of it. */
static struct record {
    struct view view;
    struct peek peeks[D];
    struct outcome o;
    struct seen_draft draft;
} past[ROUNDS];

/* The context of round t for a drafter, from the definition. */
static void context(int t, int drafter, double z[M]) {
    const struct view *v = &past[t].view;
    double average = 0.5, newest = 0, top = 0;
    for (int i = 0; i < t; i++) {
        const struct outcome *o = &past[i].o;
        if (arms[o->arm].gamma == 0) continue;
        newest = (double)o->accepted / o->gamma;
        average = average * 7 / 8 + newest / 8;
        if (arms[o->arm].drafter == drafter && o->proposed && !world_copier(drafter))
            top = (double)past[i].draft.signal[2 * o->proposed - 2];
    }
    if (drafter >= 0 && world_copier(drafter)) top = fmin(past[t].peeks[drafter].match / 16.0, 1);
    const double want[M] = {1, fmin(v->pos / 1024.0, 1), log(v->prompt_tokens) / 10, average, newest, drafter < 0 ? 0 : top,
                            fmin((double)v->margin / 16, 1), log(v->batch) / log(2) / 8};
    memcpy(z, want, sizeof want);
}

/* phi of an arm in round t. */
static int phi_of(int t, int i, bool shared, double *phi) {
    double z[M], g = arms[i].gamma / (double)L;
    context(t, arms[i].drafter, z);
    if (!shared) return memcpy(phi, z, sizeof z), M;
    memset(phi, 0, SHARED_M * sizeof *phi);
    if (i == 0) phi[0] = 1;
    for (int power = 0; i && power < 3; power++) phi[1 + 3 * arms[i].drafter + power] = pow(g, power);
    for (int k = 1; k < M; k++) phi[3 * D + k] = z[k], phi[3 * D + M - 1 + k] = g * z[k];
    return SHARED_M;
}

/* reward=rate of round i, known at round t. */
static double rate_of(int i, int t) {
    double least = INFINITY;
    for (int j = 0; j < t; j++) least = fmin(least, past[j].o.verify_s);
    return fmin(past[i].o.emitted / (past[i].o.draft_s + past[i].o.verify_s) * least / (L + 1), 1);
}

/* A and its inverse, theta, det A of arm i's model before round t; returns m. */
struct ridge {
    double A[SHARED_M * SHARED_M], inverse[SHARED_M * SHARED_M], theta[SHARED_M], det;
};

static int ridge_of(int t, int i, bool shared, double lambda, struct ridge *r) {
    double b[SHARED_M] = {0}, phi[SHARED_M];
    int m = shared ? SHARED_M : M;
    for (int k = 0; k < m * m; k++) r->A[k] = k % (m + 1) == 0 ? lambda : 0;
    for (int j = 0; j < t; j++) {
        if (!shared && past[j].o.arm != i) continue;
        phi_of(j, past[j].o.arm, shared, phi);
        for (int k = 0; k < m; k++) {
            b[k] += rate_of(j, t) * phi[k];
            for (int l = 0; l < m; l++) r->A[k * m + l] += phi[k] * phi[l];
        }
    }
    r->det = gauss_inverse(r->A, m, r->inverse);
    for (int k = 0; k < m; k++) {
        r->theta[k] = 0;
        for (int l = 0; l < m; l++) r->theta[k] += r->inverse[k * m + l] * b[l];
    }
    return m;
}

static double linucb_index(int t, int i, bool shared, double alpha, double lambda, double delta) {
    static struct ridge r;
    double phi[SHARED_M], mean = 0, radius = alpha;
    int m = ridge_of(t, i, shared, lambda, &r);
    phi_of(t, i, shared, phi);
    for (int k = 0; k < m; k++) mean += r.theta[k] * phi[k];
    if (shared) radius = alpha / 2 * sqrt(2 * log(sqrt(r.det) / (pow(lambda, m / 2.0) * delta))) + sqrt(lambda);
    return mean + radius * sqrt(gauss_form(r.inverse, phi, phi, m));
}

/* theta + v C'^-1 g with A = C C', C from elimination: A = U'D U with unit U, C' = sqrt(D) U. */
static double lints_value(int t, int i, bool shared, double v, double lambda, const double *g) {
    static struct ridge r;
    double phi[SHARED_M], noise[SHARED_M], value = 0;
    int m = ridge_of(t, i, shared, lambda, &r);
    phi_of(t, i, shared, phi);
    for (int k = 0; k < m; k++)
        for (int l = k + 1; l < m; l++) {
            double factor = r.A[l * m + k] / r.A[k * m + k];
            for (int j = k; j < m; j++) r.A[l * m + j] -= factor * r.A[k * m + j];
        }
    for (int k = m - 1; k >= 0; k--) { // (row / sqrt(pivot)) noise = g
        double root = sqrt(r.A[k * m + k]), sum = g[k];
        for (int j = k + 1; j < m; j++) sum -= r.A[k * m + j] / root * noise[j];
        noise[k] = sum / root;
    }
    for (int k = 0; k < m; k++) value += (r.theta[k] + v * noise[k]) * phi[k];
    return value;
}

/* The first arm within rounding of the best: a decision that hangs on the last digits is no test of the formula, so there
 * must be none. */
static int best_of(const double *value) {
    int best = 0;
    for (int i = 1; i < K; i++)
        if (value[i] > value[best]) best = i;
    for (int i = 0; i < K; i++)
        if (i != best && value[i] != value[best] && fabs(value[i] - value[best]) < 1e-12 * fabs(value[best]))
            fail_msg("arms %d and %d tie by %g", best, i, value[i] - value[best]);
    return best;
}

/* Plays ROUNDS rounds; `slow` says what must be played in round t. */
static void play(const char *spec, uint64_t seed, int (*slow)(int t, struct rng rng)) {
    struct agent a = agent_of(spec);
    for (int t = 0, pos = 1; t < ROUNDS; t++) {
        struct rng rng = rng_at(seed, 1, 0, (uint32_t)t), same = rng;
        struct record *now = &past[t];
        now->view = world_view(seed, &problem, t, 0, pos, now->peeks);
        int arm = agent_choose(&a, &now->view, &rng), want = slow(t, same);
        if (arm != want) fail_msg("%s, seed %d: round %d plays %d, by the formula %d", spec, (int)seed, t, arm, want);
        now->o = world_play(seed, &a, arm, t, 0, &now->draft);
        agent_update(&a, &now->o);
        pos += now->o.emitted;
    }
    agent_close(&a);
}

static int linucb_disjoint(int t, struct rng rng) {
    double value[K];
    (void)rng;
    for (int i = 0; i < K; i++) value[i] = linucb_index(t, i, false, 1, 1, 0);
    return best_of(value);
}

static int linucb_bold(int t, struct rng rng) {
    double value[K];
    (void)rng;
    for (int i = 0; i < K; i++) value[i] = linucb_index(t, i, false, 0.1, 0.5, 0);
    return best_of(value);
}

static int linucb_shared(int t, struct rng rng) {
    double value[K];
    (void)rng;
    for (int i = 0; i < K; i++) value[i] = linucb_index(t, i, true, 0.2, 0.01, 0.1);
    return best_of(value);
}

static void test_linucb_plays_algorithm_1(void **state) {
    (void)state;
    for (uint64_t seed = 1; seed <= 3; seed++) {
        play("linucb", seed, linucb_disjoint);
        play("linucb:alpha=0.1,lambda=0.5", seed, linucb_bold);
    }
}

static void test_linucb_of_one_model_plays_oful(void **state) {
    (void)state;
    for (uint64_t seed = 1; seed <= 3; seed++) play("linucb:form=shared,alpha=0.2,lambda=0.01,delta=0.1", seed, linucb_shared);
}

static int lints_disjoint(int t, struct rng rng) {
    double value[K], g[M];
    for (int i = 0; i < K; i++) {
        for (int k = 0; k < M; k++) g[k] = rng_normal(&rng);
        value[i] = lints_value(t, i, false, 0.25, 1, g);
    }
    return best_of(value);
}

static int lints_shared(int t, struct rng rng) {
    double value[K], g[SHARED_M];
    for (int k = 0; k < SHARED_M; k++) g[k] = rng_normal(&rng);
    for (int i = 0; i < K; i++) value[i] = lints_value(t, i, true, 0.1, 0.1, g);
    return best_of(value);
}

static void test_lints_draws_from_the_posterior(void **state) {
    (void)state;
    for (uint64_t seed = 1; seed <= 3; seed++) {
        play("lints", seed, lints_disjoint);
        play("lints:form=shared,v=0.1,lambda=0.1", seed, lints_shared);
    }
}

/* ---- logit-hazard ---- */

enum { X = M + 1 };

/* Weights and covariance of a drafter's model before round t: the precision is a plain sum, inverted after every trial. */
static void hazard_model(int t, int drafter, bool diagonal, double variance, double w[X], double S[X * X]) {
    double precision[X * X] = {0}, z[M], x[X];
    for (int k = 0; k < X; k++) w[k] = 0, precision[k * X + k] = 1 / variance;
    gauss_inverse(precision, X, S);
    for (int i = 0; i < t; i++) {
        const struct outcome *o = &past[i].o;
        if (arms[o->arm].drafter != drafter) continue;
        int draft = world_copier(drafter) ? o->proposed : o->gamma;
        context(i, drafter, z);
        for (int depth = 1; depth <= draft && depth <= o->accepted + 1; depth++) {
            double logit = 0;
            memcpy(x, z, sizeof z);
            x[M] = depth / (double)L;
            for (int k = 0; k < X; k++) logit += w[k] * x[k];
            double q = 1 / (1 + exp(-logit));
            for (int k = 0; k < X; k++)
                for (int l = 0; l < X; l++)
                    if (k == l || !diagonal) precision[k * X + l] += q * (1 - q) * x[k] * x[l];
            gauss_inverse(precision, X, S);
            for (int k = 0; k < X; k++)
                for (int l = 0; l < X; l++) w[k] += S[k * X + l] * x[l] * ((depth <= o->accepted) - q);
        }
    }
}

static int hazard_choice(int t, bool diagonal, double alpha, double variance, bool rate) {
    double w[D][X], S[D][X * X], value[K], x[X];
    struct cost *c = calloc(1, cost_size(&problem));
    for (int i = 0; i < t; i++) cost_update(c, &problem, &past[i].o);
    for (int d = 0; d < D; d++) hazard_model(t, d, diagonal, variance, w[d], S[d]);
    for (int i = 0; i < K; i++) {
        double chance = 1, emitted = 1;
        for (int depth = 1; depth <= arms[i].gamma; depth++) {
            int d = arms[i].drafter;
            double logit = 0;
            context(t, d, x);
            x[M] = depth / (double)L;
            for (int k = 0; k < X; k++) logit += w[d][k] * x[k];
            logit += alpha * sqrt(gauss_form(S[d], x, x, X));
            chance *= world_copier(d) && depth > past[t].peeks[d].proposed ? 0 : 1 / (1 + exp(-logit));
            emitted += chance;
        }
        value[i] = rate ? cost_rate(c, &problem, i, 0.1, emitted) : emitted;
    }
    free(c);
    return best_of(value);
}

static int hazard_full(int t, struct rng rng) { return (void)rng, hazard_choice(t, false, 0.2, 1, true); }
static int hazard_diagonal(int t, struct rng rng) { return (void)rng, hazard_choice(t, true, 1, 0.3, true); }
static int hazard_len(int t, struct rng rng) { return (void)rng, hazard_choice(t, false, 0.6, 2, false); }

static void test_logit_hazard_takes_newton_steps(void **state) {
    (void)state;
    for (uint64_t seed = 1; seed <= 3; seed++) {
        play("logit-hazard", seed, hazard_full);
        play("logit-hazard:hessian=diagonal,alpha=1,variance=0.3", seed, hazard_diagonal);
        play("logit-hazard:reward=len,alpha=0.6,variance=2", seed, hazard_len);
    }
}

/* ---- binned ---- */

static int bin_of(const char *by, int t, double unit, int bins) {
    double x = 0;
    if (!strcmp(by, "position")) x = past[t].view.pos;
    if (!strcmp(by, "prompt")) x = past[t].view.prompt_tokens;
    if (!strcmp(by, "batch")) x = past[t].view.batch;
    if (!strcmp(by, "match")) x = 1 + past[t].peeks[1].match;
    if (!strcmp(by, "accepted")) {
        x = 1;
        for (int i = t - 1; i >= 0; i--)
            if (past[i].o.gamma) { x = 1 + past[i].o.accepted; break; }
    }
    int bin = 0;
    while (bin + 1 < bins && x >= unit * (2 << bin)) bin++;
    return bin;
}

static void test_binned_is_a_policy_of_its_own_in_each_bin(void **state) {
    (void)state;
    static const char *const inner[] = {"thompson", "ts-hazard", "kl-ucb-tgd", "imed-tgd", "ucb1", "exp3-ix", "tsallis-inf"};
    static const struct { const char *by; double unit; int bins; } cases[] = {
        {"position", 16, 5}, {"prompt", 1, 4}, {"batch", 1, 3}, {"accepted", 1, 4}, {"match", 2, 4},
    };
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++)
        for (size_t k = 0; k < sizeof inner / sizeof *inner; k++) {
            struct agent own[8];
            char spec[128];
            int used = 0;
            snprintf(spec, sizeof spec, "binned:inner=%s,by=%s,unit=%g,bins=%d", inner[k], cases[c].by, cases[c].unit, cases[c].bins);
            struct agent a = agent_of(spec);
            for (int b = 0; b < cases[c].bins; b++) own[b] = agent_of(inner[k]);
            for (int t = 0, pos = 1; t < ROUNDS; t++) {
                struct rng rng = rng_at(9, 1, 0, (uint32_t)t), same = rng;
                struct record *now = &past[t];
                now->view = world_view(9, &problem, t, 0, pos, now->peeks);
                int bin = bin_of(cases[c].by, t, cases[c].unit, cases[c].bins);
                int arm = agent_choose(&a, &now->view, &rng), want = agent_select(&own[bin], &same);
                if (arm != want) fail_msg("%s: round %d in bin %d plays %d, alone %d", spec, t, bin, arm, want);
                now->o = world_play(9, &a, arm, t, 0, &now->draft);
                agent_update(&a, &now->o);
                agent_update(&own[bin], &now->o);
                pos += now->o.emitted;
                used |= 1 << bin;
            }
            if (strcmp(cases[c].by, "prompt") && !(used & (used - 1))) fail_msg("%s used one bin only", spec);
            agent_close(&a);
            for (int b = 0; b < cases[c].bins; b++) agent_close(&own[b]);
        }
}

/* ---- pieces ---- */

static void test_features_read_zero_where_nothing_is_known(void **state) {
    (void)state;
    struct features *f = calloc(1, features_size(&problem));
    double z[M];
    features_init(f);
    const struct view alone = {.pos = 512, .prompt_tokens = 100, .batch = 1};
    features_see(f, &alone, 0, z);
    const double want[M] = {1, 0.5, log(100) / 10, 0.5, 0, 0, 0, 0};
    for (int k = 0; k < M; k++) near(z[k], want[k]);
    const struct view nothing = {.margin = NAN};
    for (int d = -1; d < D; d++) {
        features_see(f, &nothing, d, z);
        for (int k = 1; k < M; k++) near(z[k], k == 3 ? 0.5 : 0);
    }
    float signal[2] = {NAN, NAN};
    const struct outcome o = {.arm = 1, .gamma = 2, .proposed = 1, .emitted = 1, .signal = signal};
    features_update(f, &problem, &o);
    features_see(f, &alone, 0, z);
    near(z[5], 0);
    free(f);
}

/* Through refactoring at 256 and 512 updates, and long after. */
static void test_ridge_regression_stays_the_inverse(void **state) {
    (void)state;
    enum { N = 4 };
    struct linear *l = calloc(1, linear_size(N));
    double A[N * N] = {0}, inverse[N * N], b[N] = {0};
    linear_init(l, N, 0.5);
    for (int k = 0; k < N; k++) A[k * N + k] = 0.5;
    for (int t = 1; t <= 3000; t++) {
        struct rng r = rng_at(3, 1, 4, (uint32_t)t);
        double z[N], x = rng_uniform(&r), mean = 0;
        for (int k = 0; k < N; k++) z[k] = rng_normal(&r);
        linear_update(l, z, x);
        for (int i = 0; i < N; i++) {
            b[i] += x * z[i];
            for (int j = 0; j < N; j++) A[i * N + j] += z[i] * z[j];
        }
        double det = gauss_inverse(A, N, inverse);
        for (int i = 0; i < N; i++)
            for (int j = 0; j < N; j++) mean += z[i] * inverse[i * N + j] * b[j];
        near(linear_mean(l, z), mean);
        near(linear_width(l, z), sqrt(gauss_form(inverse, z, z, N)));
        near(l->log_det, log(det) - N * log(0.5));
    }
    free(l);
}

/* N(0, A^-1): the second moments of many draws. */
static void test_noise_has_the_covariance_of_the_inverse(void **state) {
    (void)state;
    enum { N = 2, DRAWS = 200000 };
    struct linear *l = calloc(1, linear_size(N));
    linear_init(l, N, 1);
    linear_update(l, (double[]){1, 2}, 3);
    near(linear_mean(l, (double[]){1, 0}), 0.5);
    near(linear_mean(l, (double[]){0, 1}), 1);
    near(linear_width(l, (double[]){1, 0}), sqrt(5.0 / 6));
    near(l->log_det, log(6));
    double moment[3] = {0};
    for (int t = 0; t < DRAWS; t++) {
        struct rng r = rng_at(8, 8, 8, (uint32_t)t);
        double x[N];
        linear_noise(l, &r, x);
        moment[0] += x[0] * x[0] / DRAWS, moment[1] += x[0] * x[1] / DRAWS, moment[2] += x[1] * x[1] / DRAWS;
    }
    const double want[3] = {5.0 / 6, -2.0 / 6, 2.0 / 6}; // of ((2, 2), (2, 5))^-1
    for (int k = 0; k < 3; k++)
        if (fabs(moment[k] - want[k]) > 5 * sqrt(2.0 / DRAWS)) fail_msg("moment %d is %g instead of %g", k, moment[k], want[k]);
    free(l);
}

static void test_logistic_steps_match_their_check(void **state) {
    (void)state;
    for (int hessian = 0; hessian < 2; hessian++) {
        double room[1 + 2 + 4] = {0}, x[2] = {1, 0}, variance;
        struct logistic *l = (struct logistic *)room;
        logistic_init(l, 2, 1);
        logistic_update(l, x, 1, hessian, 1);
        near(logistic_logit(l, x, &variance), 0.4);
        near(variance, 0.8);
        near(l->at[1], 0);
    }
    near(sigmoid(-800), 0);
    near(sigmoid(800), 1);
}

/* A million observations that all say the same, that alternate, that come at one context only: weights stay finite, variances
 * positive and falling, chances within (0, 1), and a constant chance is learned. */
static void test_regressions_stay_sane_for_ever(void **state) {
    (void)state;
    enum { N = 9, MANY = 1000000 };
    static const double chance[] = {0, 1, 0.5, 0.9};
    for (int c = 0; c < 4; c++)
        for (int fixed = 0; fixed < 2; fixed++)
            for (int hessian = 0; hessian < 2; hessian++) {
                struct logistic *l = calloc(1, logistic_size(N));
                double x[N], variance, mean = 0;
                logistic_init(l, N, 1);
                for (uint32_t t = 0; t < MANY / 4; t++) {
                    struct rng r = rng_at(21, 1, 1, t);
                    for (int k = 0; k < N; k++) x[k] = k == 0 || fixed ? 1 : (t >> k & 1);
                    logistic_update(l, x, c == 2 ? t % 2 : rng_uniform(&r) < chance[c], hessian, 1);
                    double h = sigmoid(logistic_logit(l, x, &variance));
                    if (!(h > 0 && h < 1 && variance >= 0 && variance <= N))
                        fail_msg("chance %g: h %g, variance %g in round %u", chance[c], h, variance, t);
                    if (t >= MANY / 8) mean += h / (MANY / 8);
                }
                if (fabs(mean - chance[c]) > 0.01)
                    fail_msg("chance %g, fixed %d, hessian %d: %g is learned", chance[c], fixed, hessian, mean);
                free(l);
            }
    struct linear *l = calloc(1, linear_size(M));
    double z[M] = {1, 0.5, 0.3, 0.9, 0.1, 0.2, 0, 0.25}, width = INFINITY;
    linear_init(l, M, 1);
    for (int t = 0; t < MANY; t++) { // one context only: all others stay at the prior
        linear_update(l, z, 0.7);
        double now = linear_width(l, z);
        if (!(now > 0 && now <= width * (1 + 1e-9))) fail_msg("width %g after %g in round %d", now, width, t);
        width = now;
    }
    assert_true(fabs(linear_mean(l, z) - 0.7) < 1e-5 && fabs(width * width * MANY - 1) < 1e-3);
    assert_true(fabs(linear_width(l, (double[M]){[6] = 1}) - 1) < 1e-9);
    free(l);
}

/* Acceptance that hangs on the match length: who sees it is faster than who does not. */
static double seconds_of(const char *spec, int tokens) {
    struct agent a = agent_of(spec);
    double seconds = 0;
    for (uint64_t seed = 100; seed < 130; seed++) {
        agent_reset(&a);
        for (int t = 0, pos = 1; pos < tokens; t++) {
            struct rng rng = rng_at(seed, a.stream, 1, (uint32_t)t);
            struct peek peeks[D];
            struct seen_draft draft;
            struct view v = world_view(seed, &problem, t, 0, pos, peeks);
            struct outcome o = world_play(seed, &a, agent_choose(&a, &v, &rng), t, 0, &draft);
            agent_update(&a, &o);
            pos += o.emitted, seconds += o.draft_s + o.verify_s;
        }
    }
    agent_close(&a);
    return seconds / 30;
}

static void test_context_pays_where_it_tells_something(void **state) {
    (void)state;
    double blind = seconds_of("ts-hazard", 600), seeing = seconds_of("logit-hazard", 600), best = INFINITY;
    for (int i = 0; i < K; i++) {
        char spec[32];
        snprintf(spec, sizeof spec, "fixed:arm=%d", i);
        best = fmin(best, seconds_of(spec, 600));
    }
    static const char *const others[] = {
        "random", "ucb1", "thompson", "linucb", "linucb:form=shared,alpha=0.1", "lints", "lints:form=shared", "binned",
        "binned:by=match,unit=2",
    };
    print_message("best fixed %.2f s, ts-hazard %.2f s, logit-hazard %.2f s\n", best, blind, seeing);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) print_message("%s %.2f s\n", others[i], seconds_of(others[i], 600));
    assert_true(seeing < 0.95 * blind && seeing < best);
}

static void test_the_shared_form_has_its_limits(void **state) {
    (void)state;
    struct arm many[18];
    for (int i = 0; i < 18; i++) many[i] = (struct arm){.drafter = i - 1, .gamma = i ? 2 : 0};
    struct problem p = {.K = 18, .D = 17, .L = 2, .arms = many};
    struct agent a;
    struct err err;
    assert_int_equal(agent_open(&a, "linucb:form=shared", &p, &err), ERR_FAILED);
    assert_non_null(strstr(err.text, "at most 16 drafters, these are 17"));
    assert_int_equal(agent_open(&a, "lints:form=shared", &p, &err), ERR_FAILED);
    assert_int_equal(agent_open(&a, "lints", &p, &err), 0);
    agent_close(&a);
    assert_int_equal(agent_open(&a, "binned:bins=2.5", &p, &err), ERR_FAILED);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_features_read_zero_where_nothing_is_known),
        cmocka_unit_test(test_ridge_regression_stays_the_inverse),
        cmocka_unit_test(test_noise_has_the_covariance_of_the_inverse),
        cmocka_unit_test(test_logistic_steps_match_their_check),
        cmocka_unit_test(test_linucb_plays_algorithm_1),
        cmocka_unit_test(test_linucb_of_one_model_plays_oful),
        cmocka_unit_test(test_lints_draws_from_the_posterior),
        cmocka_unit_test(test_logit_hazard_takes_newton_steps),
        cmocka_unit_test(test_binned_is_a_policy_of_its_own_in_each_bin),
        cmocka_unit_test(test_regressions_stay_sane_for_ever),
        cmocka_unit_test(test_context_pays_where_it_tells_something),
        cmocka_unit_test(test_the_shared_form_has_its_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
