/* test_bounds.c - the bounds against their reference values, against each other and against a count by hand. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <math.h>

#include "policies/tgd.h"
#include "sim/bounds.h"

static void near(double have, double want) {
    if (fabs(have - want) > 1e-9 * fmax(1, fabs(want))) fail_msg("%.17g instead of %.17g", have, want);
}

static void test_ucbspec_bound_matches_vector_v17(void **state) {
    (void)state;
    static const double mu[] = {3.2, 2.6, 2.0}, mixed[] = {2.0, 3.2, 2.6};
    near(bound_ucbspec(mu, 3, 4, 256, 0.5), 758.4817311777);
    near(bound_ucbspec(mixed, 3, 4, 256, 0.5), 758.4817311777);
    near(bound_drawn(758.48, 256, 3.2), 256 - 80);
    near(bound_drawn(7, 256, 3.2), 7);
}

static void test_exp3spec_bound_matches_vector_v18(void **state) {
    (void)state;
    double whole, shortest;
    near(bound_exp3spec(3, 4, 256, 80, &whole, &shortest), 232.3768301975);
    near(8 * whole, 232.3768301975);
    near(8 * shortest, 340.8361566036);
    near(bound_exp3spec(3, 4, 1e9, 80, NULL, NULL), 340.8361566036); // the other one is the smaller
}

static void test_solved_bound_solves_its_inequality(void **state) {
    (void)state;
    for (int K = 2; K < 20; K += 3)
        for (double rounds = 1; rounds < 1e8; rounds *= 10) {
            double have = bound_exp3spec_solved(K, 4, rounds), a2 = 64 * K * log(K), shortest;
            near(have, sqrt(a2) * sqrt(rounds + have));
            bound_exp3spec(K, 4, 1, rounds, NULL, &shortest);
            assert_true(have <= 8 * shortest);
        }
}

/* Equal costs and gammas: Theorem 4.4 term by term, with the divergence of the model from policies/tgd.h. */
static void test_slope_of_equal_arms_is_theorem_44(void **state) {
    (void)state;
    static const double p[] = {0.5, 0.8, 0.3, 0.65, 0.8};
    struct bound_arm arms[5];
    double best = tgd_mean(4, 0.8), want = 0;
    for (int i = 0; i < 5; i++) {
        arms[i] = (struct bound_arm){.p = p[i], .gamma = 4, .cost = 3};
        if (p[i] < 0.8) want += (best - tgd_mean(4, p[i])) / best / tgd_kl(4, p[i], 0.8);
    }
    near(slope_tgd(arms, 5), want);
}

/* p = 0.75 drafting 0..2 tokens for 1, 1.5 and 2 seconds: rho = 1, 1.75/1.5, 2.3125/2. The best drafts one. Plain decoding
 * emits 1 for ever and drops out; two tokens would have to emit 7/3. */
static void test_slope_of_seconds_by_hand(void **state) {
    (void)state;
    const struct bound_arm arms[] = {{.p = 0, .gamma = 0, .cost = 1}, {.p = 0.75, .gamma = 1, .cost = 1.5}, {.p = 0.75, .gamma = 2, .cost = 2}};
    double rho = 1.75 / 1.5, q = (-1 + sqrt(1 + 4 * (2 * rho - 1))) / 2; // 1 + q + q^2 = 2 rho
    double kl = 1.75 * (0.75 * log(0.75 / q) + 0.25 * log(0.25 / (1 - q)));
    near(slope_tgd(arms, 3), (2 * rho - 2.3125) / (rho * 1.5) / kl);
}

/* Vector V9: (.4, .3, .2, .1, 0) is 0.5527272379 from a mean of 0.6. */
static void test_slope_of_counts_matches_vector_v9(void **state) {
    (void)state;
    static const double counts[] = {4, 3, 2, 1, 0, /* mean 2.4 of 4 */ 0, 0, 6, 4, 0};
    double have = slope_counts(counts, 2, 4), want = (2.4 - 1.0) / 3.4 / 0.5527272379;
    if (fabs(have - want) > 1e-8) fail_msg("%.12g instead of %.12g", have, want);
}

/* Knowing the model can only help: without it more regret is unavoidable. */
static void test_slope_without_a_model_is_steeper(void **state) {
    (void)state;
    static const double p[] = {0.8, 0.65, 0.5, 0.3};
    struct bound_arm arms[4];
    double counts[4 * 5];
    for (int i = 0; i < 4; i++) {
        arms[i] = (struct bound_arm){.p = p[i], .gamma = 4, .cost = 1};
        for (int k = 0; k <= 4; k++) counts[5 * i + k] = pow(p[i], k) * (k < 4 ? 1 - p[i] : 1);
    }
    double known = slope_tgd(arms, 4), free = slope_counts(counts, 4, 4);
    print_message("slope of the model %.4f, of any lengths %.4f\n", known, free);
    assert_true(free > known && free < 10 * known);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ucbspec_bound_matches_vector_v17),
        cmocka_unit_test(test_exp3spec_bound_matches_vector_v18),
        cmocka_unit_test(test_solved_bound_solves_its_inequality),
        cmocka_unit_test(test_slope_of_equal_arms_is_theorem_44),
        cmocka_unit_test(test_slope_of_seconds_by_hand),
        cmocka_unit_test(test_slope_of_counts_matches_vector_v9),
        cmocka_unit_test(test_slope_without_a_model_is_steeper),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
