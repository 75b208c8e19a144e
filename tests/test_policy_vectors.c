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

#include "policies/adahedge.h"
#include "policies/chain.h"
#include "policies/change.h"
#include "policies/index.h"
#include "policies/normalhedge.h"
#include <gsl/gsl_cdf.h>

#include "policies/beta_inc.h"
#include "policies/change.h"
#include "policies/index.h"
#include "policies/kinf.h"
#include "policies/reward.h"
#include "policies/side.h"
#include "policies/tgd.h"
#include "policies/tsallis.h"
#include "policies/ucbspec.h"
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

static void test_kl_ucb_pp(void **state) {
    (void)state;
    double g = index_kl_ucb_pp_budget(1000, 4, 5);
    near(g, 6.7034288202, "g");
    near(bernoulli_bound(0.5, g / 5), 0.9825792209, "index");
    assert_true(index_kl_ucb_pp_budget(1000, 4, 250) == 0 && index_kl_ucb_pp_budget(1000, 4, 1e9) == 0); // played its share
    near(index_moss_horizon(0.5, 5, log(5), log(1000), log(4)), 1.3845363765, "moss with horizon");
}

static void test_divergence_over_all_distributions(void **state) {
    (void)state;
    static const double w[] = {0.4, 0.3, 0.2, 0.1, 0}, y1 = 0.1064402; // case (a): 0.375 r + 1 - r with r = e^(y1 - d)
    near(kinf(w, 4, 0.5), 0.3295836866, "Kinf(0.5)");
    near(kinf(w, 4, 0.6), 0.5527272379, "Kinf(0.6)");
    near(kinf_bound(w, 4, 0.2), 0.4308228138, "bound(0.2)");
    assert_true(fabs(kinf_bound(w, 4, 0.2) - (1 - 0.625 * exp(y1 - 0.2))) < 1e-6);
    assert_true(kinf(w, 4, 0.25) == 0 && kinf(w, 4, 0) == 0 && isinf(kinf(w, 4, 1)));
    static const double top[] = {0, 0, 3}, one[] = {0, 5, 0}, coin[] = {7, 3};
    assert_true(kinf(top, 2, 1) == 0 && kinf_bound(top, 2, 0.1) == 1);
    near(kinf_bound(one, 2, 0.3), 0.5 * exp(-0.3) + 1 - exp(-0.3), "all on one point");
    for (double mu = 0.35; mu < 1; mu += 0.05) near(kinf(coin, 1, mu), bernoulli_kl(0.3, mu), "Kinf of a coin");
    for (double d = 1e-9; d < 10; d *= 3) near(kinf_bound(coin, 1, d), bernoulli_bound(0.3, d), "bound of a coin");
    near(kinf_bound(w, 4, 0), 0.25, "bound(0)");
    assert_true(kinf_bound(w, 4, INFINITY) == 1);
}

/* Over many samples, with and without mass at the top; the bound of coins is wider, since theirs is the widest spread. */
static void test_the_bound_inverts_the_divergence_over_all_distributions(void **state) {
    (void)state;
    for (uint32_t sample = 0; sample < 400; sample++) {
        struct rng r = rng_at(9, 0, 0, sample);
        double count[9], sum = 0, n = 0;
        int m = 1 + rng_below(&r, 8), most = 1 + rng_below(&r, 50), top = rng_below(&r, m + 1);
        for (int k = 0; k <= m; k++) {
            count[k] = k <= top ? rng_below(&r, most) : 0;
            n += count[k];
            sum += k * count[k] / m;
        }
        if (n == 0) continue;
        for (double d = 1e-8; d < 50; d *= 4) {
            double mu = kinf_bound(count, m, d);
            assert_true(mu >= sum / n - 1e-12 && mu <= 1 && mu <= bernoulli_bound(fmin(sum / n, 1), d) + 1e-9);
            if (mu < 1 - 1e-9 && mu > sum / n + 1e-6 && fabs(kinf(count, m, mu) / d - 1) > 1e-6)
                fail_msg("sample %u: Kinf(%g) is %g instead of %g", sample, mu, kinf(count, m, mu), d);
        }
    }
}

static void test_the_incomplete_beta_function(void **state) {
    (void)state;
    near(beta_cdf(2, 3, 0.5), 0.6875, "I_0.5(2, 3)");
    near(1 - beta_quantile(13, 31, 1 / 40.0), 0.8281750075, "quantile of Bayes-UCB");
    for (double a = 0.05; a < 1e6; a *= 2.7)
        for (double b = 0.05; b < 1e6; b *= 3.1) {
            for (double x = 1e-3; x < 1; x += 0.0371) near(beta_cdf(a, b, x), gsl_cdf_beta_P(x, a, b), "I_x(a, b)");
            for (double p = 1e-12; p < 1; p = p < 0.1 ? 10 * p : p + 0.17) {
                // Where 1 - x has digits left. GSL itself is off by 1e-9 in places: a long double series says so.
                double x = beta_quantile(a, b, p), at = x < 1 - 1e-9 ? gsl_cdf_beta_P(x, a, b) : p;
                if (!(fabs(at / p - 1) < 1e-8)) fail_msg("Beta(%g, %g): quantile %g of %g, which is that of %g", a, b, x, p, at);
            }
        }
    assert_true(beta_quantile(3, 4, 0) == 0 && beta_quantile(3, 4, 1) == 1 && beta_cdf(3, 4, 0) == 0 && beta_cdf(3, 4, 1) == 1);
    assert_true(beta_quantile(1e-3, 1e6, 1e-3) >= 0 && beta_quantile(1e6, 1e-3, 1e-12) <= 1);
}

/* gammas 2, 4, 4 of one drafter accept 2, 0, 3. */
static void test_lengths_cut_off_at_gamma_are_estimated_without_bias(void **state) {
    (void)state;
    static const struct arm arms[] = {{.drafter = 0, .gamma = 2}, {.drafter = 0, .gamma = 4}};
    static const int arm[] = {0, 1, 1}, accepted[] = {2, 0, 3};
    const struct problem p = {.K = 2, .D = 1, .L = 4, .arms = arms};
    double state_block[64] = {0}, n;
    assert_true(side_size(&p) <= sizeof state_block);
    for (int t = 0; t < 3; t++)
        side_update(state_block, &p, &(struct outcome){.arm = arm[t], .gamma = arms[arm[t]].gamma, .proposed = arms[arm[t]].gamma,
                                                       .accepted = accepted[t], .emitted = accepted[t] + 1});
    near(side_mean(side_of(state_block, &p), &p, 1, &n), 2, "mean of gamma 4");
    near(n, 1.5, "rounds behind it");
    near(side_mean(side_of(state_block, &p), &p, 0, &n), 4.0 / 3, "mean of gamma 2");
    near(n, 3, "rounds behind it");
}

/* Kaplan & Meier against what the plain mean over the rounds that told it would say: short drafts mostly, p = 0.8. */
static void test_short_drafts_tell_long_ones_the_truth(void **state) {
    (void)state;
    static const struct arm arms[] = {{.drafter = 0, .gamma = 2}, {.drafter = 0, .gamma = 8}};
    const struct problem p = {.K = 2, .D = 1, .L = 8, .arms = arms};
    double state_block[64] = {0}, n, told = 0, sum = 0, want = tgd_mean(8, 0.8) - 1;
    for (uint32_t t = 0; t < 40000; t++) {
        struct rng r = rng_at(4, 0, 0, t);
        int i = t % 10 == 0, gamma = arms[i].gamma, A = 0;
        while (A < gamma && rng_uniform(&r) < 0.8) A++;
        side_update(state_block, &p, &(struct outcome){.arm = i, .gamma = gamma, .proposed = gamma, .accepted = A, .emitted = A + 1});
        if (i || A < gamma) told++, sum += A;
    }
    double have = side_mean(side_of(state_block, &p), &p, 1, &n);
    print_message("mean of gamma 8: %.3f, the truth %.3f, over the rounds that told it %.3f; behind it %.0f rounds\n",
                  have, want, sum / told, n);
    // 4000 drafts of 8, whose length has a deviation of 2.9: 0.046 were they alone.
    assert_true(fabs(have - want) < 0.14 && sum / told < want - 1);
    assert_true(fabs(n / 4000 - 1) < 0.1);
}

/* More rounds at the same mean never raise an index. */
static void test_indices_fall_with_rounds_at_a_fixed_mean(void **state) {
    (void)state;
    static const double w[] = {0.3, 0.2, 0.1, 0.15, 0.25};
    double log_t = log(1e5), log_K = log(5), last[9];
    for (int i = 0; i < 9; i++) last[i] = INFINITY;
    for (int n = 1; n < 20000; n += 1 + n / 3) {
        double counts[5], mean = 0.4, log_n = log(n);
        for (int k = 0; k < 5; k++) counts[k] = n * w[k];
        double now[9] = {
            index_ucb1(mean, n, log_t, 2), index_ucb1_tuned(mean, 0.1, n, log_t), index_ucb_v(mean, 0.1, n, log_t, 1.2, 1),
            index_moss(mean, n, log_n, log_t, log_K, 1.35), index_moss_horizon(mean, n, log_n, log_t, log_K),
            bernoulli_bound(mean, log_t / n), bernoulli_bound(mean, index_kl_ucb_pp_budget(1e5, 5, n) / n),
            kinf_bound(counts, 4, log_t / n), ucbspec_radius(5, 4, 100000, n, 0.5),
        };
        for (int i = 0; i < 9; i++) {
            if (now[i] > last[i] + 1e-12) fail_msg("index %d rises to %.12g at n = %d, it was %.12g", i, now[i], n, last[i]);
            last[i] = now[i];
        }
        double upper = 1 - beta_quantile(1 + 0.6 * n, 1 + 0.4 * n, 1e-5), less = 1 - beta_quantile(1 + 0.3 * n, 1 + 0.2 * n, 1e-5);
        assert_true(upper < less); // Bayes-UCB: the same acceptance rate from twice the trials
    }
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

static void test_weights_of_normalhedge(void **state) {
    (void)state;
    const double regret[4] = {3, 1, -2, 0.5}, none[4] = {0, -1, -2, 0};
    double w[4];
    near(normalhedge_weights(regret, 4, w), 2.2240912833, "c");
    near(w[0], 0.9272193491, "w_0");
    near(w[1], 0.0511667823, "w_1");
    near(w[2], 0, "w_2");
    near(w[3], 0.0216138685, "w_3");
    near(normalhedge_weights(none, 4, w), 0, "c without regret");
    for (int i = 0; i < 4; i++) near(w[i], 0.25, "w without regret");
}

static void test_weights_of_adahedge(void **state) {
    (void)state;
    static const double loss[3][3] = {{0.2, 0.9, 0.5}, {0.4, 0.1, 0.6}, {0, 1, 0.3}};
    static const double weight[3][3] = {
        {1.0 / 3, 1.0 / 3, 1.0 / 3}, {0.6795361767, 0.0676484651, 0.2528153581}, {0.6601592034, 0.1955635717, 0.1442772248}};
    static const double h[3] = {0.5333333333, 0.4302685321, 0.2388467392}, mix[3] = {0.2, 0.4023931419, 0.1046306960};
    double sum[3] = {0}, delta = 0, w[3];
    for (int t = 0; t < 3; t++) {
        adahedge_weights(sum, 3, delta, w);
        for (int i = 0; i < 3; i++) near(w[i], weight[t][i], "w");
        double own = adahedge_dot(w, loss[t], 3), mixed = adahedge_mix(sum, loss[t], 3, delta, w);
        near(own, h[t], "h");
        near(mixed, mix[t], "mix");
        delta += fmax(0, own - mixed);
        for (int i = 0; i < 3; i++) sum[i] += loss[t][i];
    }
    near(delta, 0.4954247668, "Delta");
}

/* arXiv 2510.20064, Theorem 3: the sum over where the draft may end, and its other form. */
static void test_expected_tokens_of_a_chain(void **state) {
    (void)state;
    static const double g[] = {0.9, 0.8, 0.5, 0.4};
    near(chain_mean(g, 4), 3.124, "estimate");
    near(1 - chain_mean(g, 4) / 5, 0.3752, "loss");
    for (int K = 0; K <= 4; K++) {
        double sum = 0, before = 1;
        for (int k = 1; k <= K + 1; k++) {
            double next = k <= K ? g[k - 1] : 0;
            sum += k * (1 - next) * before;
            before *= next;
        }
        near(chain_mean(g, K), sum, "estimate by Theorem 3");
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
        cmocka_unit_test(test_kl_ucb_pp),
        cmocka_unit_test(test_divergence_over_all_distributions),
        cmocka_unit_test(test_the_bound_inverts_the_divergence_over_all_distributions),
        cmocka_unit_test(test_the_incomplete_beta_function),
        cmocka_unit_test(test_lengths_cut_off_at_gamma_are_estimated_without_bias),
        cmocka_unit_test(test_short_drafts_tell_long_ones_the_truth),
        cmocka_unit_test(test_indices_fall_with_rounds_at_a_fixed_mean),
        cmocka_unit_test(test_weights_of_tsallis_inf),
        cmocka_unit_test(test_weights_of_normalhedge),
        cmocka_unit_test(test_weights_of_adahedge),
        cmocka_unit_test(test_expected_tokens_of_a_chain),
        cmocka_unit_test(test_tests_for_a_change),
        cmocka_unit_test(test_kl_ucb_stays_below_ucb1),
        cmocka_unit_test(test_a_window_does_not_collect_rounding),
        cmocka_unit_test(test_rewards_lie_in_the_unit_interval),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
