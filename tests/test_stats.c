/* test_stats.c - the bootstrap: coverage, pairing, reproducibility. */
#include "tests/make_trace.h"

#include <gsl/gsl_cdf.h>
#include <math.h>
#include <omp.h>

#include "sim/stats.h"

static void test_stats_intervals_cover_the_truth_about_19_times_in_20(void **state) {
    (void)state;
    enum { Q = 60, B = 500, TRIALS = 400 };
    static double x[Q], sums[B];
    struct err err = {""};
    int covered = 0;
    for (uint32_t trial = 0; trial < TRIALS; trial++) {
        struct rng r = rng_at(11, 1, 0, trial);
        for (int q = 0; q < Q; q++) x[q] = rng_gamma(&r, 2); // skewed; mean 2
        assert_int_equal(stats_resample(x, Q, 1, B, 0, sums, &err), 0);
        struct interval i = stats_interval(sums, B);
        covered += i.lo / Q <= 2 && 2 <= i.hi / Q;
    }
    // Percentile intervals of a skewed mean run slightly short; 3 standard errors of 0.95 are 0.033.
    assert_in_range(covered, (int)(0.90 * TRIALS), (int)(0.98 * TRIALS));
}

static void test_stats_draws_the_same_prompts_for_every_column_and_table(void **state) {
    (void)state;
    enum { Q = 12, B = 200 };
    double x[Q][2], y[Q], sums[2 * B], other[B];
    struct err err = {""};
    for (int q = 0; q < Q; q++) x[q][0] = q * q, x[q][1] = 3 * x[q][0] + 1, y[q] = x[q][0];
    assert_int_equal(stats_resample(&x[0][0], Q, 2, B, 7, sums, &err), 0);
    assert_int_equal(stats_resample(y, Q, 1, B, 7, other, &err), 0);
    for (int b = 0; b < B; b++) {
        assert_true(sums[B + b] == 3 * sums[b] + Q);
        assert_true(sums[b] == other[b]);
    }
    assert_int_equal(stats_resample(y, Q, 1, B, 8, other, &err), 0);
    assert_memory_not_equal(sums, other, sizeof other);
}

static void test_stats_do_not_depend_on_threads(void **state) {
    (void)state;
    enum { Q = 30, B = 1000 };
    double x[Q], one[B], three[B];
    struct err err = {""};
    for (int q = 0; q < Q; q++) x[q] = 1.0 / (q + 1);
    int threads = omp_get_max_threads();
    omp_set_num_threads(1);
    assert_int_equal(stats_resample(x, Q, 1, B, 0, one, &err), 0);
    omp_set_num_threads(3);
    assert_int_equal(stats_resample(x, Q, 1, B, 0, three, &err), 0);
    omp_set_num_threads(threads);
    assert_memory_equal(one, three, sizeof one);
}

static void test_stats_interval_is_the_middle_and_leaves_out_what_is_not_finite(void **state) {
    (void)state;
    double x[1003];
    for (int i = 0; i <= 1000; i++) x[i] = 1000 - i;
    x[1001] = NAN, x[1002] = INFINITY;
    struct interval i = stats_interval(x, 1003);
    assert_close(i.lo, 25, 1e-9);
    assert_close(i.hi, 975, 1e-9);
    x[0] = NAN;
    i = stats_interval(x, 1);
    assert_true(i.lo == 0 && i.hi == 0);
}

/* Efron & Tibshirani 1993, table 14.1; the interval of another implementation (SciPy 1.17, 200000 resamples) is [115.41, 260.88],
 * its percentiles [97.77, 235.63]. */
static const double spatial[] = {48, 36, 20, 29, 42, 42, 20, 42, 22, 41, 45, 14, 6, 0, 33, 28, 34, 4, 32, 24, 47, 41, 24, 26, 30, 41};
enum { SPATIAL = sizeof spatial / sizeof *spatial };

/* The variance, from sums of x, of x^2 and of 1 with the given stride. */
static double variance(const double *at, size_t stride) {
    double n = at[2 * stride], mean = at[0] / n;
    return at[stride] / n - mean * mean;
}

static void test_stats_bca_matches_published_and_independent_values(void **state) {
    (void)state;
    enum { B = 40000 };
    static double x[SPATIAL][3], sums[3 * B], left[3 * SPATIAL], sample[B], without[SPATIAL];
    double total[3] = {0};
    struct err err = {""};
    for (int q = 0; q < SPATIAL; q++) {
        x[q][0] = spatial[q], x[q][1] = spatial[q] * spatial[q], x[q][2] = 1;
        for (int m = 0; m < 3; m++) total[m] += x[q][m];
    }
    assert_int_equal(stats_resample(&x[0][0], SPATIAL, 3, B, 5, sums, &err), 0);
    stats_leave_one_out(&x[0][0], SPATIAL, 3, left);
    for (int b = 0; b < B; b++) sample[b] = variance(sums + b, B);
    for (int q = 0; q < SPATIAL; q++) without[q] = variance(left + q, SPATIAL);
    struct bca bca = stats_bca(variance(total, 1), sample, B, without, SPATIAL);
    assert_close(variance(total, 1), 171.53402366863904, 1e-9);
    assert_close(bca.a, 0.06124011981230745, 1e-12);
    assert_close(bca.z0, 0.146, 0.06); // the book's, from 2000 resamples
    struct interval i = stats_bca_interval(&bca, 0.90);
    assert_close(i.lo, 115.409, 1.5);
    assert_close(i.hi, 260.880, 1.5);
}

static double ratio(const double *at, size_t stride) { return at[0] / at[stride] - 1; }

static void test_stats_bca_of_a_paired_ratio_matches_an_independent_one(void **state) {
    (void)state;
    enum { Q = 10, B = 40000 };
    static const double pairs[Q][2] = {{1.2, 1.0}, {3.4, 2.9}, {2.2, 2.5}, {0.7, 0.9}, {5.1, 3.9}, {2.9, 2.0}, {1.1, 1.3}, {0.4, 0.5}, {2.5, 1.8}, {3.3, 2.6}};
    static double sums[2 * B], left[2 * Q], sample[B], without[Q];
    double total[2] = {0};
    struct err err = {""};
    for (int q = 0; q < Q; q++) total[0] += pairs[q][0], total[1] += pairs[q][1];
    assert_int_equal(stats_resample(&pairs[0][0], Q, 2, B, 5, sums, &err), 0);
    stats_leave_one_out(&pairs[0][0], Q, 2, left);
    for (int b = 0; b < B; b++) sample[b] = ratio(sums + b, B);
    for (int q = 0; q < Q; q++) without[q] = ratio(left + q, Q);
    struct bca bca = stats_bca(ratio(total, 1), sample, B, without, Q);
    struct interval i = stats_bca_interval(&bca, 0.95);
    assert_close(bca.a, -0.012398390022080801, 1e-12);
    assert_close(i.lo, 0.014706, 0.004); // SciPy 1.17, 500000 resamples
    assert_close(i.hi, 0.286486, 0.004);
    for (double level = 0.5; level < 0.999; level += 0.1) { // the p-value is where the interval ends, whatever the level
        i = stats_bca_interval(&bca, level);
        assert_close(stats_bca_p(&bca, i.lo), 1 - level, 0.01);
        assert_close(stats_bca_p(&bca, i.hi), 1 - level, 0.01);
    }
    double lowest = sample[0], before = 1; // beyond all resamples p-values go on falling, to a floor
    const double at[] = {lowest + 1e-9, lowest - 0.02, lowest - 0.04, -5};
    for (int k = 0; k < 4; k++) {
        double p = stats_bca_p(&bca, at[k]);
        if (!(p > 1e-7 && p < before && p < 5e-4)) fail_msg("p of %g is %g, of the one before %g", at[k], p, before);
        before = p;
    }
}

/* Means of normal numbers, far from nothing: p-values beyond what 10000 resamples can tell are within a factor of some five of Student's. */
static void test_stats_bca_p_goes_on_beyond_the_resamples(void **state) {
    (void)state;
    enum { Q = 28, B = 10000 };
    static double x[Q], sums[B], left[Q];
    struct err err = {""};
    int n = 0;
    for (uint32_t trial = 0; trial < 20; trial++) {
        struct rng r = rng_at(5, 2, 0, trial);
        double total = 0, squares = 0;
        for (int q = 0; q < Q; q++) x[q] = 0.9 + rng_normal(&r), total += x[q];
        for (int q = 0; q < Q; q++) squares += (x[q] - total / Q) * (x[q] - total / Q);
        double t = total / Q / sqrt(squares / (Q - 1) / Q), student = 2 * gsl_cdf_tdist_Q(t, Q - 1);
        assert_int_equal(stats_resample(x, Q, 1, B, trial, sums, &err), 0);
        stats_leave_one_out(x, Q, 1, left);
        struct bca bca = stats_bca(total, sums, B, left, Q);
        double p = stats_level_p(stats_bca_p(&bca, 0), Q);
        if (stats_bca_p(&bca, 0) >= 2.0 / (B + 1)) continue;
        if (!(p > student / 6 && (p < student * 6 || p < 1e-4))) fail_msg("trial %u: p %.3g, Student's %.3g", trial, p, student);
        n++;
    }
    assert_true(n >= 10);
    for (int b = 0; b < B; b++) sums[b] = b; // where two resamples in a thousand lie below, no acceleration makes that one in a million
    const struct bca skewed = {.a = 0.2, .sample = sums, .n = B};
    assert_true(stats_bca_p(&skewed, 0.002 * B) > 0.99e-3 && stats_bca_p(&skewed, 0.1 * B) > 0.05);
}

/* Ratios of sums over skewed prompts, as tokens/s are: both means are 2. */
static void test_stats_bca_covers_the_truth_93_to_97_times_in_100(void **state) {
    (void)state;
    enum { Q = 40, B = 500, TRIALS = 2000 };
    static double x[Q][2], sums[2 * B], left[2 * Q], sample[B], without[Q];
    struct err err = {""};
    int covered = 0, rejected = 0;
    for (uint32_t trial = 0; trial < TRIALS; trial++) {
        struct rng r = rng_at(12, 1, 0, trial);
        double total[2] = {0};
        for (int q = 0; q < Q; q++) {
            x[q][0] = rng_gamma(&r, 2), x[q][1] = 0.5 * x[q][0] + rng_gamma(&r, 1);
            for (int m = 0; m < 2; m++) total[m] += x[q][m];
        }
        assert_int_equal(stats_resample(&x[0][0], Q, 2, B, trial, sums, &err), 0);
        stats_leave_one_out(&x[0][0], Q, 2, left);
        for (int b = 0; b < B; b++) sample[b] = ratio(sums + b, B);
        for (int q = 0; q < Q; q++) without[q] = ratio(left + q, Q);
        struct bca bca = stats_bca(ratio(total, 1), sample, B, without, Q);
        struct interval i = stats_bca_interval(&bca, stats_level(0.95, Q));
        covered += i.lo <= 0 && i.hi >= 0;
        rejected += stats_level_p(stats_bca_p(&bca, 0), Q) < 0.05;
    }
    print_message("BCa at nominal 95%%: %.1f%% of %d covered\n", 100.0 * covered / TRIALS, TRIALS);
    assert_in_range(covered, (int)(0.93 * TRIALS), (int)(0.97 * TRIALS));
    assert_in_range(rejected, TRIALS - covered - 15, TRIALS - covered + 15);
}

static void test_stats_bca_of_what_does_not_vary_is_the_value(void **state) {
    (void)state;
    double sample[] = {3, 3, 3, 3}, without[] = {3, 3};
    struct bca b = stats_bca(3, sample, 4, without, 2);
    struct interval i = stats_bca_interval(&b, 0.95);
    assert_true(i.lo == 3 && i.hi == 3);
    assert_true(stats_bca_p(&b, 3) == 1);
    double odd[] = {NAN, NAN};
    b = stats_bca(0, odd, 2, without, 2);
    i = stats_bca_interval(&b, 0.95);
    assert_true(i.lo == 0 && i.hi == 0 && stats_bca_p(&b, 0) == 1);
}

static void test_stats_level_is_wider_for_few_prompts(void **state) {
    (void)state;
    assert_close(stats_level(0.95, 28), 0.963332, 1e-5); // sqrt(28/27) * t(0.975, 27) = 2.08947
    assert_close(stats_level(0.95, 100000), 0.95, 1e-5);
    assert_true(stats_level(0.95, 2) == 1); // two prompts: from the least to the largest resample
    assert_true(stats_level_p(0.001, 1) == 1); // one prompt cannot tell
    for (int n = 9; n < 50; n += 7) assert_close(stats_level_p(1 - stats_level(0.95, n), n), 0.05, 1e-9);
}

static void test_stats_holm_matches_a_worked_example(void **state) {
    (void)state;
    double p[] = {0.01, 0.04, 0.03, 0.005}, want[] = {0.03, 0.06, 0.06, 0.02}; // R: p.adjust(p, "holm")
    stats_holm(p, 4);
    for (int i = 0; i < 4; i++) assert_close(p[i], want[i], 1e-15);
    double one[] = {0.9, 0.8};
    stats_holm(one, 2);
    assert_true(one[0] == 1 && one[1] == 1);
    stats_holm(one, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stats_intervals_cover_the_truth_about_19_times_in_20),
        cmocka_unit_test(test_stats_draws_the_same_prompts_for_every_column_and_table),
        cmocka_unit_test(test_stats_do_not_depend_on_threads),
        cmocka_unit_test(test_stats_interval_is_the_middle_and_leaves_out_what_is_not_finite),
        cmocka_unit_test(test_stats_bca_matches_published_and_independent_values),
        cmocka_unit_test(test_stats_bca_of_a_paired_ratio_matches_an_independent_one),
        cmocka_unit_test(test_stats_bca_p_goes_on_beyond_the_resamples),
        cmocka_unit_test(test_stats_bca_covers_the_truth_93_to_97_times_in_100),
        cmocka_unit_test(test_stats_bca_of_what_does_not_vary_is_the_value),
        cmocka_unit_test(test_stats_level_is_wider_for_few_prompts),
        cmocka_unit_test(test_stats_holm_matches_a_worked_example),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
