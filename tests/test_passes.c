/* test_passes.c - seconds of passes over several requests: what the fit recovers, resists, carries on, and reads from a trace. */
#include "tests/run_command.h"

#include <math.h>

#include "core/mem.h"
#include "sim/batch_trace.h"
#include "sim/hardware.h"
#include "tests/synth.h"
#include "tests/tempdir.h"

enum { MOST = 4000 };

static const double EACH = 3e-5, B0 = 2e-7, B1 = 5e-8;
static double straight(double R) { return 2e-3 + 6e-5 * R; }
static double bent(double R) { return 2e-3 + 1e-5 * R + 8e-5 * fmax(R - 24, 0); } // a memory bound, then an arithmetic one

static double truth(double (*base)(double), int batch, int width, int context) {
    return base((double)batch * width) + EACH * (batch - 1) + (B0 + B1 * width) * batch * context;
}

/* As bench lays them, with noise and a share of rows five times as slow. */
static size_t timings(struct pass_timing *at, double (*base)(double), double noise, double slow, uint64_t seed) {
    static const int batches[] = {1, 2, 4, 8, 16, 32, 64}, widths[] = {1, 2, 3, 5, 9, 17}, contexts[] = {64, 256, 1024, 2048};
    size_t n = 0;
    for (int b = 0; b < 7; b++)
        for (int w = 0; w < 6; w++)
            for (int c = 0; c < 4; c++) {
                struct rng r = rng_at(seed, 0, 0, (uint32_t)n);
                double s = truth(base, batches[b], widths[w], contexts[c]) * (1 + noise * rng_normal(&r));
                if (batches[b] == 1) s = 1; // must not be looked at
                else if (rng_uniform(&r) < slow) s *= 5;
                at[n++] = (struct pass_timing){batches[b], widths[w], contexts[c], s};
            }
    return n;
}

static void near(const char *what, double got, double expected, double relative) {
    if (!(fabs(got / expected - 1) <= relative)) fail_msg("%s is %g, expected %g within %g%%", what, got, expected, 100 * relative);
}

static double pass(const struct passes *p, int batch, int width, int context) {
    int rows[64], contexts[64];
    for (int i = 0; i < batch; i++) rows[i] = width, contexts[i] = context;
    return passes_seconds(p, NULL, rows, contexts, NULL, batch);
}

static void test_known_coefficients_are_recovered(void **state) {
    (void)state;
    static struct pass_timing at[MOST];
    static const struct { double noise, slow, within; } cases[] = {{0, 0, 1e-6}, {0, 0.05, 0.02}, {0.003, 0.05, 0.02}};
    struct passes p;
    struct err err = {""};
    for (int i = 0; i < 3; i++)
        for (uint64_t seed = 1; seed <= 5; seed++) {
            assert_int_equal(passes_fit_rows(&p, at, timings(at, straight, cases[i].noise, cases[i].slow, seed), &err), 0);
            if (cases[i].noise == 0) {
                near("each", p.each, EACH, cases[i].within);
                near("b0", p.b0, B0, cases[i].within);
                near("b1", p.b1, B1, cases[i].within);
            }
            for (int k = 0; k < p.n; k++) near("base", p.base[k], straight(p.rows[k]), cases[i].within);
            near("beyond", p.beyond, 6e-5, cases[i].within);
            static const int batches[] = {2, 3, 6, 16, 50, 64}, widths[] = {1, 4, 7, 17}, contexts[] = {0, 100, 700, 3000};
            for (int b = 0; b < 6; b++)
                for (int w = 0; w < 4; w++)
                    for (int c = 0; c < 4; c++)
                        near("a pass", pass(&p, batches[b], widths[w], contexts[c]), truth(straight, batches[b], widths[w], contexts[c]),
                             cases[i].within);
            assert_int_equal(p.timed, 6 * 6 * 4);
            assert_true(p.error < 0.005);
        }
}

static void test_a_bend_is_followed(void **state) {
    (void)state;
    static struct pass_timing at[MOST];
    struct passes p;
    struct err err = {""};
    assert_int_equal(passes_fit_rows(&p, at, timings(at, bent, 0.01, 0.05, 3), &err), 0);
    static const int batches[] = {2, 5, 12, 24, 40, 64}, widths[] = {1, 2, 6, 10, 17};
    for (int b = 0; b < 6; b++)
        for (int w = 0; w < 5; w++) near("a pass", pass(&p, batches[b], widths[w], 300), truth(bent, batches[b], widths[w], 300), 0.04);
    for (int i = 1; i < p.n; i++) assert_true(p.base[i] >= p.base[i - 1] && p.rows[i] > p.rows[i - 1]);
    assert_true(p.error > 0.002 && p.error < 0.02);
}

static void test_requests_differ_in_rows_and_context(void **state) {
    (void)state;
    static struct pass_timing at[MOST];
    struct passes p;
    struct err err = {""};
    assert_int_equal(passes_fit_rows(&p, at, timings(at, straight, 0, 0, 1), &err), 0);
    const int rows[] = {1, 9, 4}, context[] = {1000, 10, 200};
    const double expected = straight(14) + 2 * EACH + (B0 + B1) * 1000 + (B0 + 9 * B1) * 10 + (B0 + 4 * B1) * 200;
    near("a mixed pass", passes_seconds(&p, NULL, rows, context, NULL, 3), expected, 1e-6);
}

static void test_few_timings_are_enough_and_none_is_no_error(void **state) {
    (void)state;
    struct passes p;
    struct err err = {""};
    assert_int_equal(passes_fit_rows(&p, NULL, 0, &err), 0);
    assert_int_equal(p.n, 0);
    const struct pass_timing one[] = {{1, 1, 10, 1.0}, {4, 2, 100, 0.004}};
    assert_int_equal(passes_fit_rows(&p, one, 2, &err), 0);
    near("the only pass", pass(&p, 4, 2, 100), 0.004, 1e-9);
    near("twice its rows", pass(&p, 8, 2, 0), 0.008, 1e-9); // in proportion: nothing else is known
    const struct pass_timing falling[] = {{2, 1, 10, 0.005}, {8, 1, 10, 0.004}, {32, 1, 10, 0.006}};
    assert_int_equal(passes_fit_rows(&p, falling, 3, &err), 0);
    assert_true(pass(&p, 8, 1, 10) >= pass(&p, 2, 1, 10) && pass(&p, 32, 1, 10) >= pass(&p, 8, 1, 10)
                && pass(&p, 64, 1, 10) >= pass(&p, 32, 1, 10));
    const struct pass_timing bad = {2, 1, 10, 0};
    assert_int_equal(passes_fit_rows(&p, &bad, 1, &err), -1);
    assert_contains(err.text, "a pass of batch 2, width 1, context 10 took 0 s");
    static struct pass_timing at[MOST];
    const size_t n = timings(at, straight, 0, 0, 1);
    for (long k = 1; k <= 4; k++) {
        mem_fail_after(k);
        assert_int_equal(passes_fit_rows(&p, at, n, &err), -1);
        mem_fail_after(0);
    }
}

static void test_prefill_is_a_start_and_a_rate(void **state) {
    (void)state;
    struct pass_timing at[60];
    struct passes p;
    struct err err = {""};
    for (int i = 0; i < 60; i++) at[i] = (struct pass_timing){1, 20 + 13 * i, 0, (0.001 + 0.0003 * (20 + 13 * i)) * (i % 20 == 7 ? 6 : 1)};
    assert_int_equal(passes_fit_prefill(&p, at, 60, &err), 0);
    near("prefill", passes_prefill(&p, NULL, 500), 0.151, 0.001);
    near("its start", p.prefill_start, 0.001, 0.02);
    for (int i = 0; i < 60; i++) at[i].width = 100, at[i].seconds = 0.02;
    assert_int_equal(passes_fit_prefill(&p, at, 60, &err), 0);
    near("in proportion", passes_prefill(&p, NULL, 300), 0.06, 1e-6);
    assert_int_equal(passes_fit_prefill(&p, at, 0, &err), 0);
    assert_true(passes_prefill(&p, NULL, 300) == 0);
}

/* Rows that bench stored count where target, device and threads are the recording's; without them the model of single requests goes on. */
static void test_a_trace_tells_of_its_own_machine(void **state) {
    (void)state;
    struct tempdir dir;
    struct trace t;
    struct cost c;
    struct passes p;
    struct err err = {""};
    const struct synth small = {.D = 2, .Q = 3, .max_new = 30, .L = 6, .seed = 2};
    assert_int_equal(tempdir_open(&dir), 0);
    const char *path = tempdir_file(&dir, "t.db");
    assert_int_equal(synth_write(path, &small, &err), 0);
    run_sql(path, "INSERT INTO recording SELECT 2, created, target, target_sha256, tokenizer_sha256, backend, device, dtype, threads, "
            "max_new, max_draft, temperature, noise_seed, template,"
                  " engine_version, options FROM recording WHERE id = 1");
    run_sql(path, "INSERT INTO recording SELECT 3, created, target, target_sha256, tokenizer_sha256, backend, 'another device', dtype, "
            "threads, max_new, max_draft, temperature, noise_seed,"
                  " template, engine_version, options FROM recording WHERE id = 1");
    if (trace_open(&t, path, 1, &err) || cost_fit(&c, &t, &err) || passes_fit(&p, &t, &err)) fail_msg("%s", err.text);
    assert_int_equal(p.n, 0);
    near("prefill", passes_prefill(&p, NULL, 32), 0.002, 1e-6); // 1 ms for 16 tokens
    const int rows[] = {3, 4}, context[] = {50, 70};
    near("two requests", passes_seconds(&p, &c, rows, context, NULL, 2), c.base[7] + c.slope[3] * 50 + c.slope[4] * 70, 1e-12);
    near("without a model of passes", passes_seconds(NULL, &c, rows, context, NULL, 2), c.base[7] + c.slope[3] * 50 + c.slope[4] * 70,
         1e-12);
    const int wide[] = {60, 60};
    near("beyond recorded widths", passes_seconds(NULL, &c, wide, context, NULL, 2), c.base[65] + 55 * (c.base[65] - c.base[64])
         + c.slope[60] * 120, 1e-12);
    for (int recording = 1; recording <= 3; recording++)
        for (int batch = 1; batch <= 8; batch *= 2) {
            char sql[300];
            snprintf(sql, sizeof sql,
                     "INSERT INTO latency (recording, operation, drafter, batch, width, context, samples, p10_ns, p50_ns, p90_ns) VALUES "
                         "(%d, 'verify', NULL, %d, 2, 64, 9, 1, %d, 9)",
                     recording, batch, recording == 3 ? 900000000 : 1000000 * batch);
            run_sql(path, sql);
        }
    if (passes_fit(&p, &t, &err)) fail_msg("%s", err.text);
    assert_int_equal(p.timed, 6);
    near("four requests", pass(&p, 4, 2, 64), 0.004, 1e-6);
    near("one request", passes_seconds(&p, &c, rows, context, NULL, 1), cost_verify(&c, 3, 50), 1e-12);
    trace_close(&t);
    tempdir_close(&dir);
}

/* The check of hardware.h carried on to several requests: 300 us + max(4794 us, 16.2 us a row) + 39 us a thousand tokens of context. */
static void test_a_roofline_bends_where_arithmetic_begins(void **state) {
    (void)state;
    static const char file[] = "{\"bandwidth_gb_s\":3350,\"tflop_s\":990,"
                               "\"target\":{\"weights_gb\":16.06,\"parameters_b\":8.03,\"kv_bytes_a_token\":131072,\"launch_us\":300},"
                               "\"drafters\":{}}";
    struct trace t = {.D = 0};
    struct cost c;
    struct err err = {""};
    int rows[128], context[128];
    if (hardware_parse(&c, &t, "h.json", file, sizeof file - 1, &err)) fail_msg("%s", err.text);
    for (int i = 0; i < 128; i++) rows[i] = 5, context[i] = 1000;
    near("one request", passes_seconds(NULL, &c, rows, context, NULL, 1), 0.005133, 1e-3);
    near("32 requests, bound by memory", passes_seconds(NULL, &c, rows, context, NULL, 32), 300e-6 + 16.06 / 3350
         + 32 * 131.072e6 / 3350e9, 1e-9);
    near("128 requests, bound by arithmetic", passes_seconds(NULL, &c, rows, context, NULL, 128), 300e-6 + 2 * 8.03e9 * 640 / 990e12
         + 128 * 131.072e6 / 3350e9, 1e-9);
    near("a prompt", passes_prefill(NULL, &c, 2000), 300e-6 + 2 * 8.03e9 * 2000 / 990e12, 1e-9);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known_coefficients_are_recovered),
        cmocka_unit_test(test_a_bend_is_followed),
        cmocka_unit_test(test_requests_differ_in_rows_and_context),
        cmocka_unit_test(test_few_timings_are_enough_and_none_is_no_error),
        cmocka_unit_test(test_prefill_is_a_start_and_a_rate),
        cmocka_unit_test(test_a_roofline_bends_where_arithmetic_begins),
        cmocka_unit_test(test_a_trace_tells_of_its_own_machine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
