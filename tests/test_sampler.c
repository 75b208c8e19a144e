/* test_sampler.c - Gumbel noise fixed per position: an exact sample of softmax(logits / T), the same
 * for everyone who asks. The plain argmax over every score is worked out here a second time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <gsl/gsl_cdf.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <Random123/philox.h>

#include "core/rng.h"
#include "core/sampler.h"
#include "tests/tiny.h"

/* score(v) = logit / T - log(-log(u)), u of 52 bits from Philox at (token, position, sequence, "nois"). */
static double score(const struct sampler *s, const float *logits, uint32_t sequence, int pos, int v) {
    philox4x32_ctr_t at = {{(uint32_t)v, (uint32_t)pos, sequence, 0x6e6f6973}};
    philox4x32_key_t key = {{(uint32_t)s->noise_seed, (uint32_t)(s->noise_seed >> 32)}};
    philox4x32_ctr_t x = philox4x32(at, key);
    uint64_t bits = (uint64_t)x.v[0] << 32 | x.v[1];
    return logits[v] * (1 / s->temperature) - log(-log(((double)(bits >> 12) + 0.5) / 4503599627370496.0));
}

static int argmax(const struct sampler *s, const float *logits, int n, uint32_t sequence, int pos, double *margin) {
    double best = -INFINITY, second = -INFINITY;
    int winner = 0;
    for (int v = 0; v < n; v++) {
        double x = score(s, logits, sequence, pos, v);
        if (x > best) second = best, best = x, winner = v;
        else if (x > second) second = x;
    }
    *margin = best - second;
    return winner;
}

static void test_a_row_is_the_argmax_over_every_score(void **state) {
    (void)state;
    enum { V = 1000, ROWS = 1500 };
    static float logits[V];
    const double temperatures[] = {0.05, 0.8, 1, 3, 40};
    int winners[V] = {0}, distinct = 0;
    for (int row = 0; row < ROWS; row++) {
        struct rng r = rng_at(1, 0, 0, (uint32_t)row);
        struct sampler s = {.temperature = temperatures[row % 5], .noise_seed = (uint64_t)row * 0x100000001};
        float spread = row % 3 == 0 ? 0.1f : row % 3 == 1 ? 3 : 12, margin;
        for (int v = 0; v < V; v++) logits[v] = spread * (float)rng_normal(&r) - 5;
        if (row % 7 == 0) // rising and falling: pruning meets its worst order
            for (int v = 0; v < V; v++) logits[v] = (row % 2 ? 1 : -1) * 0.02f * (float)v;
        double expected;
        int winner = argmax(&s, logits, V, (uint32_t)row / 2, row % 90, &expected);
        assert_int_equal(sampler_row(&s, logits, NULL, V, (uint32_t)row / 2, row % 90, &margin), winner);
        assert_true(margin == (float)expected);
        distinct += !winners[winner]++;
    }
    assert_true(distinct > 200);
}

/* Rare noise, beyond the bound that spares logarithms, decides now and then. */
static void test_rare_noise_lifts_a_token_from_far_below(void **state) {
    (void)state;
    enum { V = 4000 };
    static float logits[V];
    struct sampler s = {.temperature = 1, .noise_seed = 3};
    int lifted = 0;
    for (int v = 1; v < V; v++) logits[v] = -11;
    for (int pos = 0; pos < 2000; pos++) {
        double expected;
        float margin;
        int winner = argmax(&s, logits, V, 9, pos, &expected);
        assert_int_equal(sampler_row(&s, logits, NULL, V, 9, pos, &margin), winner);
        assert_true(margin == (float)expected);
        lifted += winner > 0;
    }
    assert_in_range(lifted, 80, 500); // 4000 e^-11 / (1 + 4000 e^-11) = 6.3 % of 2000, plus and minus
}

static double chi_square(const int *seen, const double *p, int n, int total) {
    double sum = 0;
    for (int i = 0; i < n; i++) sum += (seen[i] - p[i] * total) * (seen[i] - p[i] * total) / (p[i] * total);
    return sum;
}

static void softmax(const float *logits, int n, double temperature, double *p) {
    double sum = 0;
    for (int i = 0; i < n; i++) sum += p[i] = exp(logits[i] / temperature);
    for (int i = 0; i < n; i++) p[i] /= sum;
}

static void test_frequencies_are_those_of_the_softmax(void **state) {
    (void)state;
    enum { V = 12, ROWS = 60000 };
    const double temperatures[] = {0.5, 0.8, 1, 2};
    float logits[V], margin;
    for (int v = 0; v < V; v++) logits[v] = 0.25f * (float)((v * 5) % V) - 1;
    for (int t = 0; t < 4; t++)
        for (int along = 0; along < 2; along++) { // along the positions of a text, and across sequences
            struct sampler s = {.temperature = temperatures[t], .noise_seed = 42};
            int seen[V] = {0}, pairs[V * V] = {0}, last = -1;
            double p[V], joint[V * V];
            softmax(logits, V, s.temperature, p);
            for (int i = 0; i < ROWS; i++) {
                int v = along ? sampler_row(&s, logits, NULL, V, 7, i, &margin) : sampler_row(&s, logits, NULL, V, (uint32_t)i, 7, &margin);
                seen[v]++;
                if (i % 2) pairs[last * V + v]++;
                last = v;
            }
            for (int i = 0; i < V * V; i++) joint[i] = p[i / V] * p[i % V];
            double x = chi_square(seen, p, V, ROWS), y = chi_square(pairs, joint, V * V, ROWS / 2);
            double px = gsl_cdf_chisq_Q(x, V - 1), py = gsl_cdf_chisq_Q(y, V * V - 1); // neighbours are independent
            if (!(px > 1e-4 && py > 1e-4)) fail_msg("T = %g: chi-square %g (p = %g), of neighbours %g (p = %g)", s.temperature, x, px, y, py);
        }
}

static void test_noise_belongs_to_seed_sequence_and_position(void **state) {
    (void)state;
    enum { V = 50, ROWS = 400 };
    float logits[V] = {0}, margin, again;
    int differ[3] = {0};
    for (int pos = 0; pos < ROWS; pos++) {
        struct sampler s = {.temperature = 1, .noise_seed = 1}, other = {.temperature = 1, .noise_seed = 1 + (1ull << 32)};
        int v = sampler_row(&s, logits, NULL, V, 5, pos, &margin);
        assert_int_equal(sampler_row(&s, logits, NULL, V, 5, pos, &again), v);
        assert_true(margin == again);
        differ[0] += sampler_row(&other, logits, NULL, V, 5, pos, &again) != v; // the seed's high half counts
        differ[1] += sampler_row(&s, logits, NULL, V, 6, pos, &again) != v;
        differ[2] += sampler_row(&s, logits, NULL, V, 5, pos + ROWS, &again) != v;
    }
    for (int i = 0; i < 3; i++) assert_in_range(differ[i], ROWS * 9 / 10, ROWS);
}

static void test_ties_go_to_the_lowest_id(void **state) {
    (void)state;
    enum { V = 64 };
    float logits[V], margin;
    struct sampler s = {.temperature = 0.5, .noise_seed = 1};
    for (int pos = 0; pos < 50; pos++) {
        for (int v = 0; v < V; v++) logits[v] = v < pos || v % 3 ? 1e30f : 2e30f; // so large that noise is lost in rounding
        int lowest = (pos + 2) / 3 * 3;
        assert_int_equal(sampler_row(&s, logits, NULL, V, 1, pos, &margin), lowest < V ? lowest : 0);
        assert_true(margin == 0);
    }
}

/* Rows of one pass take the noise of successive positions, on any number of threads. */
static void test_a_pass_gives_every_row_the_noise_of_its_position(void **state) {
    (void)state;
    enum { N = 9, POS = 4 };
    struct tiny_golden g = tiny_golden('a');
    for (int threads = 1; threads <= 3; threads++) {
        struct tiny t;
        struct sampler s, greedy;
        struct err err = {""};
        struct row rows[N];
        int token[N];
        float margin[N], alone;
        tiny_open(&t, "a-f32", &(struct engine_options){.threads = threads});
        assert_int_equal(sampler_open(&s, 0.8, 17, t.e, &err), 0);
        assert_int_equal(sampler_open(&greedy, 0, 17, t.e, &err), 0);
        for (int i = 0; i < N; i++) rows[i] = (struct row){g.tokens[i], 0, i - 1, true};
        assert_int_equal(engine_forward(t.e, rows, N, &err), 0);
        float *logits = tiny_alloc((size_t)N * (size_t)g.vocab, sizeof *logits);
        assert_int_equal(engine_logits(t.e, logits), N);
        assert_int_equal(sampler_pick(&s, t.e, 31, POS, token, margin), N);
        for (int i = 0; i < N; i++) {
            assert_int_equal(token[i], sampler_row(&s, logits + (size_t)i * (size_t)g.vocab, NULL, g.vocab, 31, POS + i, &alone));
            assert_true(margin[i] == alone);
        }
        assert_int_equal(sampler_pick(&greedy, t.e, 31, POS, token, margin), N);
        for (int i = 0; i < N; i++) {
            const float *row = logits + (size_t)i * (size_t)g.vocab;
            float second = -INFINITY;
            for (int v = 0; v < g.vocab; v++)
                if (v != g.argmax[i] && row[v] > second) second = row[v];
            assert_int_equal(token[i], g.argmax[i]);
            assert_true(margin[i] == row[g.argmax[i]] - second);
        }
        mem_free(logits);
        sampler_close(&s), sampler_close(&greedy);
        tiny_close(&t);
    }
    file_map_close(&g.logits);
}

int main(int argc, char **argv) {
    (void)argc;
    tiny_calm_threads(argv);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_row_is_the_argmax_over_every_score),
        cmocka_unit_test(test_rare_noise_lifts_a_token_from_far_below),
        cmocka_unit_test(test_frequencies_are_those_of_the_softmax),
        cmocka_unit_test(test_noise_belongs_to_seed_sequence_and_position),
        cmocka_unit_test(test_ties_go_to_the_lowest_id),
        cmocka_unit_test(test_a_pass_gives_every_row_the_noise_of_its_position),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
