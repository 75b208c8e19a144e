/* test_policy_vectors.c - indices and weights of published policies against a reference calculation.
 *
 * The numbers come from a separate script in double precision and are given to ten digits. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <math.h>
#include <stdlib.h>

#include "policies/change.h"
#include "policies/index.h"
#include "policies/reward.h"
#include "policies/tgd.h"
#include "policies/tsallis.h"
#include "policies/window.h"

static void near(double have, double want, const char *what) {
    if (!(fabs(have - want) <= 1e-9)) fail_msg("%s is %.12g instead of %.12g", what, have, want);
}

static void test_the_divergence_of_coins_and_its_bound(void **state) {
    (void)state;
    near(bernoulli_kl(0.3, 0.6), 0.1837868974, "kl(0.3, 0.6)");
    near(bernoulli_bound(0.3, 0.1), 0.5210276121, "bound(0.3, 0.1)");
    near(bernoulli_bound(0, 0.5), 0.3934693403, "bound(0, 0.5)");
    near(bernoulli_bound(1, 0.5), 1, "bound(1, 0.5)");
    assert_true(isinf(bernoulli_kl(0.5, 1)) && isinf(bernoulli_kl(0.5, 0)));
    assert_true(bernoulli_kl(1, 1) == 0 && bernoulli_kl(0, 0) == 0);
}

/* kl(p, bound(p, d)) = d, over the whole square and its edges. */
static void test_the_bound_inverts_the_divergence(void **state) {
    (void)state;
    for (int i = 0; i <= 1000; i++)
        for (double d = 1e-12; d < 100; d *= 3) {
            double p = i / 1000.0, q = bernoulli_bound(p, d);
            assert_true(q >= p && q <= 1);
            if (q < 1 - 1e-9 && q > p + 1e-5) assert_true(fabs(bernoulli_kl(p, q) / d - 1) < 1e-6);
            if (p < 1 && q < 1 - 1e-6) assert_true(bernoulli_kl(p, q + 1e-9 + 1e-6 * (q - p)) > d);
        }
    assert_true(bernoulli_bound(0.4, 0) == 0.4 && bernoulli_bound(0.4, INFINITY) == 1);
}

static void test_the_truncated_geometric_model(void **state) {
    (void)state;
    near(tgd_mean(4, 0.7), 2.7731, "mu_4(0.7)");
    near(tgd_mean_inverse(4, 2.7731), 0.7, "inverse of 2.7731");
    near(tgd_mean_inverse(4, 3.2), 0.7747006046, "inverse of 3.2");
    near(tgd_kl(4, 0.5, 0.8), 0.4183941587, "KL(TGD_0.5, TGD_0.8)");
    for (int gamma = 1; gamma <= 64; gamma++)
        for (int i = 0; i <= 200; i++) {
            double p = i / 200.0, mean = tgd_mean(gamma, p), back = tgd_mean_inverse(gamma, mean);
            assert_true(fabs(tgd_mean(gamma, back) - mean) < 1e-12 * mean);
        }
}

static void test_kl_ucb_on_accepted_lengths(void **state) {
    (void)state;
    double q = bernoulli_bound(30.0 / 42, index_budget(log(40), 0) / 42);
    near(q, 0.8726464519, "q");
    near(tgd_mean(4, q), 3.8785891453, "mu_4(q)");
    near(tgd_mean(2, q), 2.6341582818, "mu_2(q)");
}

static void test_imed_of_three_coins(void **state) {
    (void)state;
    near(index_imed(0.5, 10, log(10), 0.6), 2.5066950656, "arm 0");
    near(index_imed(0.6, 5, log(5), 0.6), 1.6094379124, "arm 1");
    near(index_imed(0.2, 1, 0, 0.6), 0.3347952867, "arm 2");
}

static void test_bounds_of_the_ucb_family(void **state) {
    (void)state;
    double log_t = log(60);
    near(index_ucb1(0.5, 5, log_t, 2), 1.7797413117, "ucb1");
    near(index_moss(0.5, 5, log(5), log_t, log(4), 1.35), 1.0081081458, "moss");
    near(index_ucb_v(0.5, 0.1, 5, log_t, 1.2, 1), 3.8912434793, "ucb-v");
    near(index_ucb1_tuned(0.5, 0.1, 5, log_t), 0.9524568798, "ucb1-tuned");
}

static void test_weights_of_tsallis_inf(void **state) {
    (void)state;
    double loss[] = {1, 3, 10}, w[3], sum = 0;
    near(tsallis_weights(loss, 3, 0.5, w), -4.1384662853, "z");
    near(w[0], 0.6059725618, "w_0");
    near(w[1], 0.3139859082, "w_1");
    near(w[2], 0.0800415300, "w_2");
    for (double eta = 4; eta > 1e-4; eta /= 2)
        for (double far = 0; far < 1e15; far = 10 * far + 1) {
            loss[2] = far;
            tsallis_weights(loss, 3, eta, w);
            sum = w[0] + w[1] + w[2];
            assert_true(fabs(sum - 1) < 1e-12 && w[0] > 0 && w[1] > 0 && w[2] > 0);
        }
}

static void test_tests_for_a_change(void **state) {
    (void)state;
    const double x[] = {.2, .3, .1, .25, .8, .9, .7, .85}, ones[] = {4, 4, 4}, half[] = {0, 0, 1, 1};
    near(change_glr(x, 8, 0, 8, 1), 1.5433661152, "GLR");
    near(change_glr_threshold(8, 0.05), 7.2135068747, "its threshold");
    near(change_halves(x, 8, 0, 8, 1), 2.4, "difference of the halves");
    near(change_glr(half, 4, 0, 4, 1), 4 * log(2), "GLR of what could not differ more");
    assert_true(change_glr(ones, 3, 0, 3, 1.0 / 4) < 1e-9 && change_glr(ones, 3, 0, 3, 0) < 1e-9 && change_glr(ones, 3, 0, 1, 1) == 0);
    struct change_ring ring = {0}; // the same eight samples, at the end of more and around the ring
    for (int i = 0; i < 29; i++) {
        assert_true(change_kept(&ring, 8) == (i < 8 ? i : 8));
        change_add(&ring, 8, i < 21 ? 0.5 : x[i - 21]);
    }
    near(change_glr(ring.raw, 8, change_oldest(&ring, 8), 8, 1), 1.5433661152, "GLR around the ring");
    near(change_halves(ring.raw, 8, change_oldest(&ring, 8), 8, 1), 2.4, "halves around the ring");
}

/* By Pinsker: the bound of coins is never above Hoeffding's with alpha = 1/2. */
static void test_kl_ucb_stays_below_ucb1(void **state) {
    (void)state;
    for (int i = 0; i <= 100; i++)
        for (int n = 1; n < 100; n++)
            assert_true(bernoulli_bound(i / 100.0, log(100) / n) <= index_ucb1(i / 100.0, n, log(100), 0.5) + 1e-12);
}

static void test_rewards_lie_in_the_unit_interval(void **state) {
    (void)state;
    struct problem p = {.K = 1, .D = 1, .L = 4};
    struct outcome o = {.gamma = 4, .proposed = 4, .accepted = 2, .emitted = 3, .draft_s = 0.25, .verify_s = 0.25};
    struct reward r = {0};
    near(reward_of(&r, &p, REWARD_RATE, &o), 0.3, "rate");
    near(reward_of(&r, &p, REWARD_LEN, &o), 0.5, "len");
    o.verify_s = o.draft_s = 0; // a clock that reports nothing
    near(reward_of(&r, &p, REWARD_RATE, &o), 1, "rate without seconds after rounds that took some");
    r = (struct reward){0};
    near(reward_of(&r, &p, REWARD_RATE, &o), 0.6, "rate where no round takes any");
}

/* A round of 2 ns leaves a sum of 10^9 behind, and what rounding took with it is back when the ring comes round. */
static void test_a_window_does_not_collect_rounding(void **state) {
    (void)state;
    struct problem p = {.K = 1, .D = 1, .L = 4};
    struct window *s = calloc(1, window_size(&p));
    assert_non_null(s);
    for (int t = 0; t < 12; t++) {
        struct outcome o = {.gamma = 4, .proposed = 4, .accepted = 2, .emitted = 3, .verify_s = t == 5 ? 2e-9 : 0.7 + t};
        window_update(s, &p, REWARD_RATE, 4, &o);
    }
    double want = 3 / 8.7 + 3 / 9.7 + 3 / 10.7 + 3 / 11.7;
    assert_true(fabs(s->arm[0].sum - want) < 1e-12);
    free(s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_divergence_of_coins_and_its_bound),
        cmocka_unit_test(test_the_bound_inverts_the_divergence),
        cmocka_unit_test(test_the_truncated_geometric_model),
        cmocka_unit_test(test_kl_ucb_on_accepted_lengths),
        cmocka_unit_test(test_imed_of_three_coins),
        cmocka_unit_test(test_bounds_of_the_ucb_family),
        cmocka_unit_test(test_weights_of_tsallis_inf),
        cmocka_unit_test(test_tests_for_a_change),
        cmocka_unit_test(test_kl_ucb_stays_below_ucb1),
        cmocka_unit_test(test_a_window_does_not_collect_rounding),
        cmocka_unit_test(test_rewards_lie_in_the_unit_interval),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
