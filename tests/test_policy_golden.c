/* test_policy_golden.c - policies against published sequences and test vectors.
 *
 * tests/golden/policies/bandits.json: 500 rounds on nine reward matrices, computed apart
 * from this code in Python; ucb_length.json: the first public implementation, its float32
 * variant confirmed against torch. Arms must be equal, inner values agree to 1e-9. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policies/exp3spec.h"
#include "policies/policy.h"
#include "policies/seed_ucb.h"
#include "policies/index.h"
#include "policies/tgd.h"
#include "policies/ucb1.h"
#include "policies/ucbspec.h"

enum { ARMS = 8 };

#define assert_near(have, want) near_at(have, want, __LINE__)

static void near_at(double have, double want, int line) {
    if (fabs(have - want) <= 1e-9 * fmax(1, fabs(want))) return;
    fail_msg("line %d: %.17g instead of %.17g", line, have, want);
}

static json_t *load(const char *path) {
    json_error_t error;
    json_t *file = json_load_file(path, 0, &error);
    if (!file) fail_msg("%s:%d: %s", path, error.line, error.text);
    return file;
}

static double number(const json_t *array, size_t i) {
    json_t *item = json_array_get(array, i);
    if (!json_is_number(item)) fail_msg("no number at %zu", i);
    return json_number_value(item);
}

static json_t *row(const json_t *matrix, size_t i) { return json_array_get(matrix, i); }

/* K drafters at the same gamma: the arms of a plain reward matrix. */
static struct problem problem_of(struct arm *arms, int K, int L) {
    for (int i = 0; i < K; i++) {
        arms[i] = (struct arm){.drafter = i, .gamma = L};
        snprintf(arms[i].name, sizeof arms[i].name, "d%d:%d", i, L);
    }
    return (struct problem){.K = K, .D = K, .L = L, .arms = arms};
}

static struct agent agent_of(const char *spec, const struct problem *p) {
    struct agent a;
    struct err err;
    if (agent_open(&a, spec, p, &err)) fail_msg("%s", err.text);
    return a;
}

static struct outcome emitted(int arm, int gamma, int tokens) {
    return (struct outcome){.arm = arm, .gamma = gamma, .proposed = gamma, .accepted = tokens - 1, .emitted = tokens};
}

static void play_ucbspec(const json_t *c) {
    const json_t *Y = json_object_get(c, "Y"), *gold = json_object_get(c, "ucbspec");
    const json_t *ucb = json_object_get(gold, "ucb"), *plays = json_object_get(gold, "arms");
    int K = (int)json_integer_value(json_object_get(c, "K")), L = (int)json_integer_value(json_object_get(c, "L"));
    int rounds = (int)json_integer_value(json_object_get(c, "rounds"));
    struct arm arms[ARMS];
    struct problem p = problem_of(arms, K, L);
    char spec[64];
    snprintf(spec, sizeof spec, "ucbspec:delta=%.17g", json_number_value(json_object_get(c, "delta")));
    struct agent a = agent_of(spec, &p);
    struct rng rng = rng_at(0, 0, 0, 0);
    for (int t = 0; t < rounds; t++) {
        for (int i = 0; i < K && t >= K; i++) assert_near(ucbspec_index(&a, i), number(row(ucb, t), i));
        int arm = agent_select(&a, &rng);
        assert_int_equal(arm, (int)number(plays, t));
        struct outcome o = emitted(arm, L, (int)number(row(Y, arm), t));
        agent_update(&a, &o);
        if ((t + 1) % 50) continue;
        for (int i = 0; i < K; i++) // whole sums: the quotient is exact
            assert_true(ucbspec_mean(&a, i) == number(row(json_object_get(gold, "means_every_50"), t / 50), i));
    }
    assert_int_equal(rng.draw, 0);
    agent_close(&a);
}

static void play_exp3spec(const json_t *c) {
    const json_t *Y = json_object_get(c, "Y"), *gold = json_object_get(c, "exp3spec"), *given = json_object_get(c, "uniforms");
    const json_t *plays = json_object_get(gold, "arms"), *probs = json_object_get(gold, "probs");
    int K = (int)json_integer_value(json_object_get(c, "K")), L = (int)json_integer_value(json_object_get(c, "L"));
    int rounds = (int)json_integer_value(json_object_get(c, "rounds"));
    struct arm arms[ARMS];
    struct problem p = problem_of(arms, K, L);
    struct agent a = agent_of("exp3spec", &p);
    double *uniforms = calloc((size_t)rounds, sizeof *uniforms);
    for (int t = 0; t < rounds; t++) uniforms[t] = number(given, t);
    struct rng rng = {.given = uniforms, .given_n = (size_t)rounds};
    for (int t = 0; t < rounds; t++) {
        int arm = agent_select(&a, &rng);
        assert_int_equal(arm, (int)number(plays, t));
        for (int i = 0; i < K; i++) assert_near(exp3spec_probability(&a, i), number(row(probs, t), i));
        struct outcome o = emitted(arm, L, (int)number(row(Y, arm), t));
        double before = exp3spec_loss(&a, arm);
        agent_update(&a, &o);
        assert_near(exp3spec_loss(&a, arm) - before, number(json_object_get(gold, "loss_estimate"), t));
    }
    for (int i = 0; i < K; i++) assert_near(exp3spec_loss(&a, i), number(json_object_get(gold, "cumulative_loss_final"), i));
    assert_int_equal(rng.given_at, rounds);
    free(uniforms);
    agent_close(&a);
}

static void play_each(void (*play)(const json_t *)) {
    json_t *file = load("tests/golden/policies/bandits.json"), *cases = json_object_get(file, "cases"), *c;
    size_t i;
    assert_int_equal(json_array_size(cases), 9);
    json_array_foreach(cases, i, c) play(c);
    json_decref(file);
}

static void test_ucbspec_plays_the_published_sequences(void **state) {
    (void)state;
    play_each(play_ucbspec);
}

static void test_exp3spec_plays_the_published_sequences(void **state) {
    (void)state;
    play_each(play_exp3spec);
}

/* Single precision leaves no room for another order of operations: bitwise. */
static void agree(double have, double want, bool bitwise) {
    if (bitwise && have != want) fail_msg("%.9g instead of %.9g", have, want);
    assert_near(have, want);
}

static void play_seed(const json_t *c, const char *variant, const char *spec) {
    const json_t *tokens = json_object_get(c, "tokens"), *elapsed = json_object_get(c, "elapsed_s");
    const json_t *gold = json_object_get(c, variant), *gammas = json_object_get(gold, "gammas");
    int K = (int)json_array_size(tokens), rounds = (int)json_integer_value(json_object_get(c, "rounds"));
    bool f32 = strstr(variant, "f32") != NULL;
    struct arm arms[ARMS];
    struct problem p = problem_of(arms, K, K);
    for (int i = 0; i < K; i++) arms[i].gamma = i + 1;
    struct agent a = agent_of(spec, &p);
    struct rng rng = rng_at(0, 0, 0, 0);
    for (int t = 0; t < rounds; t++) {
        bool noted = (t + 1) % 25 == 0;
        size_t note = (size_t)(t + 1) / 25 - 1;
        for (int i = 0; i < K && noted; i++) // as this round compares them
            agree(seed_ucb_score(&a, i), number(row(json_object_get(gold, "scores_every_25"), note), i), f32);
        int arm = agent_select(&a, &rng);
        assert_int_equal(arm + 1, (int)number(gammas, t));
        struct outcome o = {.arm = arm, .gamma = arm + 1, .emitted = (int)number(row(tokens, arm), t),
                            .verify_s = number(row(elapsed, arm), t)};
        agent_update(&a, &o);
        for (int i = 0; i < K && noted; i++) // with this round learned
            agree(seed_ucb_mean(&a, i), number(row(json_object_get(gold, "means_every_25"), note), i), f32);
    }
    agent_close(&a);
}

static void test_seed_ucb_plays_all_three_published_variants(void **state) {
    (void)state;
    json_t *file = load("tests/golden/policies/ucb_length.json"), *cases = json_object_get(file, "cases"), *c;
    size_t i;
    assert_int_equal(json_array_size(cases), 2);
    json_array_foreach(cases, i, c) {
        play_seed(c, "seed_literal_f32_warm7", "seed-ucb");
        play_seed(c, "described_f64_warm8", "seed-ucb:warmup=8,arithmetic=f64");
        play_seed(c, "per_arm_bonus_f64_warm4", "seed-ucb:warmup=4,bonus=arm,arithmetic=f64");
    }
    json_decref(file);
}

static void test_tgd_matches_vector_v2(void **state) {
    (void)state;
    assert_near(tgd_mean(4, 0.7), 2.7731);
    assert_near(tgd_mean_inverse(4, 2.7731), 0.7);
    assert_near(tgd_mean_inverse(4, 3.2), 0.7747006046);
    assert_near(tgd_kl(4, 0.5, 0.8), 0.4183941587);
    assert_near(tgd_mean(7, 1), 8);
    assert_near(tgd_mean_inverse(3, 9), 1);
    assert_near(tgd_mean_inverse(3, 0.5), 0);
    assert_near(tgd_kl(3, 0, 0.5), log(2));
}

static void test_ucbspec_radius_matches_vector_v4(void **state) {
    (void)state;
    assert_near(ucbspec_radius(3, 4, 10, 4, 0.5), 4.3879518603);
}

static void test_ucbspec_index_is_mean_plus_the_plain_radius(void **state) {
    (void)state;
    struct arm arms[ARMS];
    struct problem p = problem_of(arms, 5, 6);
    struct agent a = agent_of("ucbspec:delta=0.01,cscale=0.3", &p);
    struct rng rng = rng_at(1, 2, 3, 4);
    int64_t plays[ARMS] = {0};
    for (int t = 0; t < 400; t++) {
        int arm = agent_select(&a, &rng);
        struct outcome o = emitted(arm, 6, 1 + rng_below(&rng, 3 + arm));
        agent_update(&a, &o);
        plays[arm]++;
        for (int i = 0; i < 5 && t >= 4; i++)
            assert_near(ucbspec_index(&a, i), ucbspec_mean(&a, i) + 0.3 * ucbspec_radius(5, 6, t + 1, plays[i], 0.01));
    }
    agent_close(&a);
}

static void test_ucb1_index_is_the_published_one(void **state) {
    (void)state;
    struct arm arms[ARMS];
    struct problem p = problem_of(arms, 5, 6);
    struct agent a = agent_of("ucb1:reward=len,alpha=0.7", &p);
    struct rng rng = rng_at(1, 2, 3, 4);
    double plays[ARMS] = {0}, sum[ARMS] = {0};
    for (int t = 0; t < 3000; t++) {
        int arm = agent_select(&a, &rng);
        for (int i = 0; i < 5 && t >= 5; i++) {
            double want = index_ucb1(sum[i] / plays[i], plays[i], log(t), 0.7);
            assert_near(ucb1_index(&a, i), want);
            assert_true(want <= ucb1_index(&a, arm) + 1e-9);
        }
        struct outcome o = emitted(arm, 6, 1 + rng_below(&rng, 3 + arm));
        agent_update(&a, &o);
        plays[arm]++;
        sum[arm] += o.accepted / 6.0;
    }
    agent_close(&a);
}

static void test_exp3spec_matches_vector_v5(void **state) {
    (void)state;
    static const double want[4][3] = {
        {1.0 / 3, 1.0 / 3, 1.0 / 3},
        {0.1603088679, 0.4198455660, 0.4198455660},
        {0.1855395978, 0.4072302011, 0.4072302011},
        {0.2554198116, 0.2400135061, 0.5045666823},
    };
    static const int arm[] = {0, 2, 1}, tokens[] = {2, 5, 1};
    static const double uniforms[] = {0.1, 0.9, 0.4, 0.5}; // lead to arms 0, 2, 1
    struct arm arms[ARMS];
    struct problem p = problem_of(arms, 3, 4);
    struct agent a = agent_of("exp3spec", &p);
    struct rng rng = {.given = uniforms, .given_n = 4};
    for (int t = 0; t < 4; t++) {
        int have = agent_select(&a, &rng);
        for (int i = 0; i < 3; i++) assert_near(exp3spec_probability(&a, i), want[t][i]);
        if (t == 3) break;
        assert_int_equal(have, arm[t]);
        struct outcome o = emitted(have, 4, tokens[t]);
        agent_update(&a, &o);
    }
    assert_near(exp3spec_loss(&a, 0), 2.25);
    assert_near(exp3spec_loss(&a, 1), 2.4556135506);
    assert_near(exp3spec_loss(&a, 2), 0);
    agent_close(&a);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ucbspec_plays_the_published_sequences),
        cmocka_unit_test(test_exp3spec_plays_the_published_sequences),
        cmocka_unit_test(test_seed_ucb_plays_all_three_published_variants),
        cmocka_unit_test(test_tgd_matches_vector_v2),
        cmocka_unit_test(test_ucbspec_radius_matches_vector_v4),
        cmocka_unit_test(test_ucbspec_index_is_mean_plus_the_plain_radius),
        cmocka_unit_test(test_ucb1_index_is_the_published_one),
        cmocka_unit_test(test_exp3spec_matches_vector_v5),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
