/* test_elementary.c - exp and log against long double, and the same bits from both lanes. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <math.h>

#include "core/elementary.h"
#include "core/rng.h"

enum { DRAWS = 200000 };

/* Distance in units of the last place of `want`. */
static double ulps(double have, long double want) {
    double place = nextafter(fabs((double)want), INFINITY) - fabs((double)want);
    return (double)(fabsl(have - want) / place);
}

static void test_exp_is_within_an_ulp(void **state) {
    (void)state;
    struct rng r = rng_at(1, 0, 0, 0);
    double worst = 0;
    for (int i = 0; i < DRAWS; i++) {
        double x = i % 2 ? -700 + 1400 * rng_uniform(&r) : 2 - 4 * rng_uniform(&r), off = ulps(elementary_exp(x), expl(x));
        if (off > worst) worst = off;
        if (off > 1) fail_msg("exp(%.17g): %g ulp", x, off);
    }
    print_message("exp: at most %.3f ulp\n", worst);
    assert_true(elementary_exp(0) == 1);
    assert_true(elementary_exp(-700) > 0 && elementary_exp(-1e300) == elementary_exp(-700) && elementary_exp(-INFINITY) == elementary_exp(-700));
}

static void test_log_is_within_an_ulp(void **state) {
    (void)state;
    struct rng r = rng_at(2, 0, 0, 0);
    double worst = 0;
    for (int i = 0; i < DRAWS; i++) {
        double x = i % 3 == 0 ? i + 1 : i % 3 == 1 ? exp(-700 + 1400 * rng_uniform(&r)) : 0.5 + rng_uniform(&r), off = ulps(elementary_log(x), logl(x));
        if (off > worst) worst = off;
        if (off > 1) fail_msg("log(%.17g): %g ulp", x, off);
    }
    print_message("log: at most %.3f ulp\n", worst);
    assert_true(elementary_log(1) == 0);
}

static void test_counted_log_stays_the_log(void **state) {
    (void)state;
    double log_n = 0, worst = 0;
    for (double n = 1; n < 300000; n++) {
        log_n = elementary_log_next(log_n, n);
        double off = ulps(log_n, logl(n + 1));
        if (off > worst) worst = off;
        if (off > 32) fail_msg("log(%g): %g ulp", n + 1, off);
    }
    print_message("counted log: at most %.3f ulp\n", worst);
}

static void test_kept_logarithms_are_those_counted(void **state) {
    (void)state;
    double log_n = logarithms[0];
    assert_true(log_n == 0);
    for (int n = 1; n < LOGARITHMS; n++) {
        log_n = elementary_log_after(log_n, n);
        if (logarithms[n] != log_n) fail_msg("logarithms[%d] is %a, counted %a", n, logarithms[n], log_n);
    }
}

static void test_two_give_the_bits_of_one_at_a_time(void **state) {
    (void)state;
    struct rng r = rng_at(4, 0, 0, 0);
    for (int i = 0; i < 1000; i++) {
        elementary_two x = {700 * rng_uniform(&r), -700 * rng_uniform(&r)}, y = elementary_exp_two(x);
        assert_true(y[0] == elementary_exp(x[0]) && y[1] == elementary_exp(x[1]));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exp_is_within_an_ulp),
        cmocka_unit_test(test_log_is_within_an_ulp),
        cmocka_unit_test(test_counted_log_stays_the_log),
        cmocka_unit_test(test_kept_logarithms_are_those_counted),
        cmocka_unit_test(test_two_give_the_bits_of_one_at_a_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
