/* test_stats.c - the bootstrap: coverage, pairing, reproducibility. */
#include "tests/make_trace.h"

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

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stats_intervals_cover_the_truth_about_19_times_in_20),
        cmocka_unit_test(test_stats_draws_the_same_prompts_for_every_column_and_table),
        cmocka_unit_test(test_stats_do_not_depend_on_threads),
        cmocka_unit_test(test_stats_interval_is_the_middle_and_leaves_out_what_is_not_finite),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
