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
#include "core/ziggurat.h"

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

/* The last of five drawn at once: four in lanes and one alone. */
static double beta_of_many(struct rng *r, double a, double b) {
    struct rng_shape s[10];
    double x[5];
    for (int i = 0; i < 10; i++) s[i] = rng_shape(i % 2 ? b : a);
    rng_betas(r, s, x, 5);
    return x[r->draw / 4 % 5];
}

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
            check_moments(beta_of_many, a, b, a / s, a * b / (s * s * (s + 1)));
        }
    }
}

/* Marsaglia & Tsang's equations. */
static void test_ziggurat_edges_are_worked_out_again(void **state) {
    (void)state;
    const double *edge = ziggurat_edge, R = edge[1], V = R * exp(-0.5 * R * R) + sqrt(acos(0)) * erfc(R / sqrt(2));
    assert_true(fabs(V - 0.0099125630353364611) < 1e-15 && fabs(edge[0] - V / exp(-0.5 * R * R)) < 1e-14);
    for (int i = 1; i < ZIGGURAT; i++) {
        double top = exp(-0.5 * edge[i] * edge[i]) + V / edge[i];
        assert_true(edge[i + 1] < edge[i] && fabs(top - exp(-0.5 * edge[i + 1] * edge[i + 1])) < 1e-14);
    }
    assert_true(edge[ZIGGURAT] == 0);
}

/* Where the ziggurat's seams are: counts in classes bounded by edges against the normal distribution, chi-square of 41
 * classes, 80 is 5 standard deviations above its mean. */
static void test_normals_fill_every_layer_and_the_tail(void **state) {
    (void)state;
    enum { CLASSES = 41, N = 2000000 };
    struct rng r = rng_at(11, 0, 0, 0);
    double at[CLASSES + 1], chi = 0;
    int count[CLASSES] = {0};
    at[0] = -INFINITY, at[CLASSES] = INFINITY;
    for (int i = 1; i <= 20; i++) at[i] = -ziggurat_edge[1 + 6 * (i - 1)], at[CLASSES - i] = -at[i];
    for (int n = 0; n < N; n++) {
        double x = rng_normal(&r);
        int c = 0;
        while (x >= at[c + 1]) c++;
        count[c]++;
    }
    for (int c = 0; c < CLASSES; c++) {
        double want = N * 0.5 * (erfc(-at[c + 1] / sqrt(2)) - erfc(-at[c] / sqrt(2)));
        chi += (count[c] - want) * (count[c] - want) / want;
    }
    if (chi > 40 + 5 * sqrt(80)) fail_msg("chi-square %g of %d classes", chi, CLASSES);
}

/* 1 - s c^2 x^4 <= exp( x^2/2 + d - d v^3 + 3 d ln v ), v = 1 + c x, for all shapes of at least 1, and where v <= 0 it is not above 0. */
static void test_the_squeeze_of_a_gamma_is_below_its_exact_test(void **state) {
    (void)state;
    long double most = 0;
    for (long double d = 2.0L / 3; d < 1e5L; d *= 1.05L) {
        long double c = 1 / sqrtl(9 * d);
        assert_true(1 - GAMMA_SQUEEZE * c * c / (c * c * c * c) < 0); // at v = 0, and left of it even lower
        for (long double x = fmaxl(-1 / c, -14) + 1e-3L; x < 14; x += 0.011L) {
            long double z = c * x, exact = expl(x * x / 2 - d * z * (3 + z * (3 + z)) + 3 * d * log1pl(z));
            if (fabsl(x) > 0.2L) most = fmaxl(most, (1 - exact) / (z * z * x * x)); // nearer to 0 roundings decide; there it is 1/12
        }
    }
    if (most > GAMMA_SQUEEZE || most < GAMMA_SQUEEZE - 1e-3L) fail_msg("the squeeze wants %Lg", most);
}

/* Lanes or one at a time, the words are the same; a draw that wants more words is left out, since it moves the others. */
static void test_betas_in_lanes_are_those_drawn_alone(void **state) {
    (void)state;
    int compared = 0;
    for (uint32_t round = 0; round < 300; round++) {
        struct rng_shape s[8];
        struct rng many = rng_at(1ull << 40 | 7, 2, 3, round), one = many;
        double x[4], y[4];
        for (int i = 0; i < 8; i++) s[i] = rng_shape(1 + (i + (int)round) % 30);
        rng_betas(&many, s, x, 4);
        if (many.draw != 16) continue;
        for (int i = 0; i < 4; i++) rng_betas(&one, s + 2 * i, &y[i], 1);
        assert_memory_equal(x, y, sizeof x);
        compared++;
    }
    assert_true(compared > 100);
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

static void test_rng_pick_upto_inverts_running_sums(void **state) {
    (void)state;
    static const double upto[] = {0.5, 0.5, 1.5, 2, 2}, none[] = {0, 0, 1}, u[] = {0, 0.2499, 0.25, 0.7499, 0.75, 0.99999999999999989, 0};
    static const int want[] = {0, 0, 2, 2, 3, 3};
    struct rng r = {.given = u, .given_n = 7};
    for (int i = 0; i < 6; i++) assert_int_equal(rng_pick_upto(&r, upto, 5), want[i]);
    assert_int_equal(rng_pick_upto(&r, none, 3), 2);
}

static void test_four_uniforms_are_those_of_four_generators(void **state) {
    (void)state;
    for (uint32_t i = 0; i < 2000; i++) {
        struct rng_four r = {.stream = 77 * i};
        double u[4];
        for (uint64_t l = 0; l < 4; l++) r.seed[l] = i * 0x9e3779b97f4a7c15 * (l + 1), r.sequence[l] = i * l, r.round[l] = i + l == 7 ? UINT32_MAX : i * 3 + l;
        rng_uniform_four(&r, u);
        for (int l = 0; l < 4; l++) {
            struct rng one = rng_at(r.seed[l], r.stream, (uint32_t)r.sequence[l], (uint32_t)r.round[l]);
            assert_true(u[l] == rng_uniform(&one));
        }
    }
}

/* Shapes below 1, more of them than a register holds, and where the stream stands anywhere. */
static void test_each_beta_is_the_one_drawn_in_turn(void **state) {
    (void)state;
    for (uint32_t i = 0; i < 20000; i++) {
        struct rng r = rng_at(3, 1, 2, i), each, turn;
        double a[9], b[9], x[9];
        int n = 1 + (int)(i % 9), skip = (int)(i % 3);
        for (int k = 0; k < n; k++) a[k] = exp(3 * rng_normal(&r)), b[k] = k % 4 == 3 ? 0.5 : 1 + 30 * rng_uniform(&r);
        each = turn = rng_at(4, 1, 2, i);
        for (int k = 0; k < skip; k++) rng_u32(&each), rng_u32(&turn);
        rng_beta_each(&each, a, b, x, n);
        for (int k = 0; k < n; k++) assert_true(x[k] == rng_beta(&turn, a[k], b[k]));
        assert_int_equal(rng_u32(&each), rng_u32(&turn));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_four_uniforms_are_those_of_four_generators),
        cmocka_unit_test(test_each_beta_is_the_one_drawn_in_turn),
        cmocka_unit_test(test_rng_gives_the_published_philox_answers),
        cmocka_unit_test(test_rng_continues_into_the_next_block),
        cmocka_unit_test(test_rng_rounds_do_not_depend_on_their_order),
        cmocka_unit_test(test_rng_every_key_part_changes_the_draws),
        cmocka_unit_test(test_rng_stream_is_fnv1a),
        cmocka_unit_test(test_rng_distributions_have_their_moments),
        cmocka_unit_test(test_ziggurat_edges_are_worked_out_again),
        cmocka_unit_test(test_normals_fill_every_layer_and_the_tail),
        cmocka_unit_test(test_the_squeeze_of_a_gamma_is_below_its_exact_test),
        cmocka_unit_test(test_betas_in_lanes_are_those_drawn_alone),
        cmocka_unit_test(test_rng_uniform_stays_below_one),
        cmocka_unit_test(test_rng_below_covers_its_range),
        cmocka_unit_test(test_rng_pick_inverts_the_distribution_in_order),
        cmocka_unit_test(test_rng_pick_upto_inverts_running_sums),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
