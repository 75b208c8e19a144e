/* test_rng.c - the generator against Random123's published known answers and the moments of
 * its distributions. Seeds are fixed, so a pass is a pass for ever; each tolerance is at
 * least four standard errors of the mean it guards. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <Random123/philox.h>
#include <math.h>
#include <string.h>

#include "core/rng.h"

enum { DRAWS = 100000 };

static void assert_words(struct rng r, const uint32_t want[4]) {
    for (int i = 0; i < 4; i++) assert_int_equal(rng_u32(&r), want[i]);
}

/* Random123, tests/kat_vectors, the lines "philox4x32 10": counter, key, answer. */
static void test_rng_gives_the_published_philox_answers(void **state) {
    (void)state;
    assert_words(rng_at(0, 0, 0, 0), (uint32_t[]){0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8});
    // Digits of pi. The counter is (block, round, sequence, stream), low word first.
    struct rng pi = rng_at(0x299f31d0a4093822, 0x03707344, 0x13198a2e, 0x85a308d3);
    pi.draw = 0x243f6a88u * 4;
    assert_words(pi, (uint32_t[]){0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1});
    // No draw count reaches the counter of all ones, so the library itself is asked.
    philox4x32_ctr_t ones = {{~0u, ~0u, ~0u, ~0u}};
    philox4x32_key_t key = {{~0u, ~0u}};
    philox4x32_ctr_t out = philox4x32(ones, key);
    const uint32_t want[] = {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd};
    for (int i = 0; i < 4; i++) assert_int_equal(out.v[i], want[i]);
}

static void test_rng_continues_into_the_next_block(void **state) {
    (void)state;
    struct rng a = rng_at(5, 6, 7, 8), b = a;
    for (int i = 0; i < 4; i++) rng_u32(&a);
    b.draw = 4; // the second block, asked for directly
    for (int i = 0; i < 9; i++) assert_int_equal(rng_u32(&a), rng_u32(&b));
}

static void test_rng_rounds_do_not_depend_on_their_order(void **state) {
    (void)state;
    double forwards[50];
    for (uint32_t round = 0; round < 50; round++) {
        struct rng r = rng_at(9, 1, 2, round);
        forwards[round] = rng_gamma(&r, 0.7) + rng_normal(&r);
    }
    for (uint32_t round = 50; round-- > 0;) {
        struct rng r = rng_at(9, 1, 2, round);
        assert_true(rng_gamma(&r, 0.7) + rng_normal(&r) == forwards[round]);
    }
}

static void test_rng_every_key_part_changes_the_draws(void **state) {
    (void)state;
    struct rng r[] = {rng_at(1, 2, 3, 4), rng_at(9, 2, 3, 4), rng_at(1ull << 40 | 1, 2, 3, 4),
                      rng_at(1, 9, 3, 4), rng_at(1, 2, 9, 4), rng_at(1, 2, 3, 9)};
    double u[6];
    for (int i = 0; i < 6; i++) u[i] = rng_uniform(&r[i]);
    for (int i = 0; i < 6; i++)
        for (int j = 0; j < i; j++) assert_true(u[i] != u[j]);
}

static void test_rng_stream_is_fnv1a(void **state) {
    (void)state;
    assert_int_equal(rng_stream(""), 0x811c9dc5); // the published answers of FNV-1a, 32 bits
    assert_int_equal(rng_stream("a"), 0xe40c292c);
    assert_int_equal(rng_stream("foobar"), 0xbf9cf968);
}

typedef double draw(struct rng *r, double a, double b);

static double uniform(struct rng *r, double a, double b) { return (void)a, (void)b, rng_uniform(r); }
static double normal(struct rng *r, double a, double b) { return (void)a, (void)b, rng_normal(r); }
static double gamma_of(struct rng *r, double a, double b) { return (void)b, rng_gamma(r, a); }

static void check_moments(draw *draw, double a, double b, double mean, double variance) {
    struct rng r = rng_at(2025, 7, 0, 0);
    double sum = 0, square = 0;
    for (int i = 0; i < DRAWS; i++) {
        double x = draw(&r, a, b);
        assert_true(isfinite(x));
        sum += x;
        square += (x - mean) * (x - mean);
    }
    double error = sqrt(variance / DRAWS);
    if (fabs(sum / DRAWS - mean) > 4 * error) fail_msg("a=%g b=%g: mean %g instead of %g", a, b, sum / DRAWS, mean);
    if (fabs(square / DRAWS / variance - 1) > 0.08) // heaviest tail: Gamma(0.2), kurtosis 33, standard error 0.018
        fail_msg("a=%g b=%g: variance %g instead of %g", a, b, square / DRAWS, variance);
}

static void test_rng_distributions_have_their_moments(void **state) {
    (void)state;
    static const double shape[] = {0.2, 0.5, 1, 2.5, 40, 1e6};
    check_moments(uniform, 0, 0, 0.5, 1.0 / 12);
    check_moments(normal, 0, 0, 0, 1);
    for (int i = 0; i < 6; i++) {
        double a = shape[i];
        check_moments(gamma_of, a, 0, a, a);
        for (int j = 0; j < 6; j++) {
            double b = shape[j], s = a + b;
            check_moments(rng_beta, a, b, a / s, a * b / (s * s * (s + 1)));
        }
    }
}

static void test_rng_uniform_stays_below_one(void **state) {
    (void)state;
    struct rng r = rng_at(3, 0, 0, 0);
    for (int i = 0; i < DRAWS; i++) {
        double u = rng_uniform(&r);
        assert_true(u >= 0 && u < 1);
    }
    struct rng top = {.draw = 1, .block = {~0u, ~0u, ~0u, ~0u}}; // the largest words there are
    assert_true(rng_uniform(&top) == 1 - 0x1p-53);
}

static void test_rng_below_covers_its_range(void **state) {
    (void)state;
    struct rng r = rng_at(4, 0, 0, 0);
    int count[7] = {0};
    for (int i = 0; i < 70000; i++) {
        int k = rng_below(&r, 7);
        assert_in_range(k, 0, 6);
        count[k]++;
    }
    for (int k = 0; k < 7; k++) assert_in_range(count[k], 9600, 10400);
}

static void test_rng_pick_inverts_the_distribution_in_order(void **state) {
    (void)state;
    static const double p[] = {0.25, 0, 0.5, 0.25, 0}, u[] = {0, 0.2499, 0.25, 0.7499, 0.75, 0.9999};
    static const int want[] = {0, 0, 2, 2, 3, 3};
    struct rng r = {.given = u, .given_n = 6};
    for (int i = 0; i < 6; i++) assert_int_equal(rng_pick(&r, p, 5), want[i]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rng_gives_the_published_philox_answers),
        cmocka_unit_test(test_rng_continues_into_the_next_block),
        cmocka_unit_test(test_rng_rounds_do_not_depend_on_their_order),
        cmocka_unit_test(test_rng_every_key_part_changes_the_draws),
        cmocka_unit_test(test_rng_stream_is_fnv1a),
        cmocka_unit_test(test_rng_distributions_have_their_moments),
        cmocka_unit_test(test_rng_uniform_stays_below_one),
        cmocka_unit_test(test_rng_below_covers_its_range),
        cmocka_unit_test(test_rng_pick_inverts_the_distribution_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
