/* test_cost.c - what the fit recovers, resists and refuses. */
#include "tests/make_trace.h"

#include <math.h>

#include "sim/cost.h"
#include "sim/world_trace.h"
#include "tests/run_command.h"
#include "tests/synth.h"
#include "tests/tempdir.h"

enum { ROWS = 6000 };

static double verify(int width, int context) { return 0.004 + 0.0003 * width + (1e-6 + 2e-7 * width) * context; }
static double drafting(int n, int context) { return n ? 0.0001 + 0.0004 * n + 5e-8 * context : 0.00002; }

/* Timings of widths 1, 3, 5, 9 and one drafter, with noise of `noise` (relative) and a share of
 * rows ten times slower. */
static size_t rows(struct trace_timing *out, double noise, double slow, uint64_t seed) {
    static const int widths[] = {1, 3, 5, 9};
    size_t n = 0;
    for (uint32_t i = 0; i < ROWS / 2; i++) {
        struct rng r = rng_at(seed, 0, 0, i);
        int width = widths[i % 4], proposed = rng_below(&r, 9), context = 50 + rng_below(&r, 900);
        double v = verify(width, context) * (1 + noise * rng_normal(&r)), d = drafting(proposed, context) * (1 + noise * rng_normal(&r));
        if (rng_uniform(&r) < slow) v *= 10, d *= 10;
        out[n++] = (struct trace_timing){.pos = (int)i, .context = context, .drafter = -1, .width = width, .ns = (int64_t)(v * 1e9)};
        out[n++] = (struct trace_timing){.pos = (int)i, .context = context, .drafter = 0, .width = proposed, .ns = (int64_t)(d * 1e9)};
    }
    return n;
}

static void check_near(double got, double expected, double relative) {
    if (fabs(got / expected - 1) > relative) fail_msg("got %g, expected %g within %g%%", got, expected, 100 * relative);
}

static void check_model(const struct cost *c, double relative) {
    for (int width = 1; width <= 9; width++) // 2, 4, 6, 7, 8 are interpolated
        for (int context = 100; context <= 900; context += 400) check_near(cost_verify(c, width, context), verify(width, context), relative);
    check_near(cost_verify(c, 17, 500), verify(17, 500), 2 * relative); // extrapolated
    for (int n = 1; n <= 8; n++) check_near(cost_drafting(c, 0, n, 500), drafting(n, 500), 2 * relative);
    check_near(cost_drafting(c, 0, 0, 500), drafting(0, 500), 2 * relative);
}

static void test_cost_recovers_an_exact_model(void **state) {
    (void)state;
    static struct trace_timing at[ROWS];
    struct cost c;
    struct err err = {""};
    assert_int_equal(cost_fit_rows(&c, 1, at, rows(at, 0, 0, 1), &err), 0);
    check_model(&c, 1e-4);
    assert_true(c.error < 1e-4 && c.rows == ROWS / 2);
}

static void test_cost_resists_noise_and_outliers(void **state) {
    (void)state;
    static struct trace_timing at[ROWS];
    struct cost c;
    struct err err = {""};
    assert_int_equal(cost_fit_rows(&c, 1, at, rows(at, 0.05, 0.08, 2), &err), 0);
    check_model(&c, 0.02); // least squares would be off by 70%
    assert_true(c.error > 0.02 && c.error < 0.06);
}

static void test_cost_coefficients_come_back_within_2_percent_of_5_percent_outliers(void **state) {
    (void)state;
    static struct trace_timing at[ROWS];
    struct cost c;
    struct err err = {""};
    for (uint64_t seed = 1; seed <= 5; seed++) {
        assert_int_equal(cost_fit_rows(&c, 1, at, rows(at, 0.003, 0.05, seed), &err), 0);
        for (int width = 1; width <= 9; width++) {
            check_near(c.base[width], 0.004 + 0.0003 * width, 0.02);
            check_near(c.slope[width], 1e-6 + 2e-7 * width, 0.02);
        }
        check_near(c.draft[0].b, 0.0004, 0.02);
        check_near(c.draft[0].a, 0.0001, 0.02);
        check_near(c.draft[0].none, 0.00002, 0.02);
    }
}

static void test_cost_never_falls_with_width_nor_with_context(void **state) {
    (void)state;
    struct trace_timing at[400];
    struct cost c;
    struct err err = {""};
    for (int i = 0; i < 400; i++) // wider and later rows are faster here
        at[i] = (struct trace_timing){.context = i, .drafter = -1, .width = 1 + i % 4, .ns = 5000000 - 100000 * (i % 4) - 1000 * i};
    assert_int_equal(cost_fit_rows(&c, 0, at, 400, &err), 0);
    for (int width = 1; width < COST_WIDTHS; width++) {
        assert_true(c.slope[width] >= 0 && cost_verify(&c, width, 0) > 0);
        if (width > 1) assert_true(c.base[width] >= c.base[width - 1]);
    }
}

static void test_cost_fits_a_handful_of_rows(void **state) {
    (void)state;
    struct cost c;
    struct err err = {""};
    const struct trace_timing at[] = {
        {.context = 10, .drafter = -1, .width = 4, .ns = 8000000},
        {.context = 11, .drafter = 0, .width = 4, .ns = 2000000},
        {.context = 12, .drafter = -1, .width = 4, .ns = 8200000},
    };
    assert_int_equal(cost_fit_rows(&c, 2, at, 3, &err), 0);
    assert_close(cost_verify(&c, 4, 10), 0.0081, 1e-9);
    assert_close(cost_verify(&c, 1, 10), 0.0081, 1e-9); // one width seen: flat above it, and below
    assert_close(cost_verify(&c, 8, 10), 0.0081, 1e-9);
    assert_close(cost_drafting(&c, 0, 4, 10), 0.002, 1e-9);
    assert_close(cost_drafting(&c, 0, 2, 10), 0.001, 1e-9); // one length seen: in proportion
    assert_true(cost_drafting(&c, 1, 4, 10) == 0); // never timed
}

static void test_cost_refuses_what_it_cannot_model(void **state) {
    (void)state;
    struct cost c;
    struct err err = {""};
    assert_int_equal(cost_fit_rows(&c, 1, NULL, 0, &err), ERR_FAILED);
    assert_string_equal(err.text, "no verification was timed, so seconds cannot be modelled");
    const struct trace_timing wide = {.drafter = -1, .width = 66, .ns = 1};
    assert_int_equal(cost_fit_rows(&c, 1, &wide, 1, &err), ERR_FAILED);
    assert_string_equal(err.text, "a verification of width 66 was timed, expected 1 to 65");
    static struct trace_timing at[ROWS];
    size_t n = rows(at, 0, 0, 1);
    for (long k = 1; k <= 6; k++) {
        mem_fail_after(k);
        assert_int_equal(cost_fit_rows(&c, 1, at, n, &err), ERR_FAILED);
        mem_fail_after(0);
    }
}

static void test_cost_of_a_large_recording_is_thinned_the_same_way_every_time(void **state) {
    (void)state;
    enum { SEQUENCES = 130 };
    static int tokens[SEQUENCES];
    struct tempdir dir;
    struct trace made, t;
    struct cost a, b;
    struct err err = {""};
    for (int q = 0; q < SEQUENCES; q++) tokens[q] = 100;
    trace_make(&made, SEQUENCES, tokens, 1, 4, 120, 5);
    assert_int_equal(tempdir_open(&dir), 0);
    trace_write(&made, tempdir_file(&dir, "t.db"));
    assert_int_equal(trace_open(&t, tempdir_file(&dir, "t.db"), 0, &err), 0);
    assert_int_equal(cost_fit(&a, &t, &err), 0);
    assert_int_equal(cost_fit(&b, &t, &err), 0);
    assert_memory_equal(&a, &b, sizeof a);
    assert_true(a.rows < (long)t.cells && a.rows > (long)t.cells * 8 / 10); // 12870 rows, 12000 wanted
    check_near(cost_verify(&a, 3, 200), 0.0036 + 0.0002, 1e-4);
    check_near(cost_drafting(&a, 0, 3, 200), 0.0009, 1e-4);
    trace_close(&t);
    trace_close(&made);
    tempdir_close(&dir);
}

/* Catch-ups as a recorder stores them; what replay then charges a fixed arm is drafting, verification and, between drafts, the tokens the
 * drafter has not seen. */
static void test_catching_up_is_read_from_the_trace_and_charged(void **state) {
    (void)state;
    struct tempdir dir;
    struct trace t;
    struct cost c;
    struct err err = {""};
    const struct synth small = {.D = 2, .Q = 3, .max_new = 30, .L = 6, .seed = 2};
    assert_int_equal(tempdir_open(&dir), 0);
    const char *path = tempdir_file(&dir, "t.db");
    assert_int_equal(synth_write(path, &small, &err), 0);
    const int ms[] = {4, 4, 6, 10}; // to the first token with 1, 2, 4, 8 new ones
    char sql[512];
    for (int k = 0; k < 4; k++)
        for (int copy = -1; copy <= 1; copy++) { // the median counts
            snprintf(sql, sizeof sql, "INSERT INTO latency (recording, operation, drafter, batch, width, context, samples, p10_ns, p50_ns, p90_ns)"
                                      " VALUES (1, 'catchup', 1, 1, %d, 40, 1, 0, %d, 0)", 1 << k, ms[k] * 1000000 + copy * 90000);
            run_sql(path, sql);
        }
    if (trace_open(&t, path, 0, &err) || cost_fit(&c, &t, &err)) fail_msg("%s", err.text);
    const struct { int fresh; double ms; } want[] = {{-3, 0}, {0, 0}, {1, 0}, {2, 0}, {3, 1}, {4, 2}, {6, 4}, {8, 6}, {12, 10}, {16, 14}, {64, 62}, {80, 78}};
    for (size_t i = 0; i < sizeof want / sizeof *want; i++)
        if (fabs(cost_catch_up(&c, 0, want[i].fresh) - want[i].ms / 1e3) > 1e-9) fail_msg("%d new tokens: %g s", want[i].fresh, cost_catch_up(&c, 0, want[i].fresh));
    assert_true(cost_catch_up(&c, 1, 50) == 0); // a copier
    assert_true(c.draft[0].keeps && !c.draft[1].keeps);
    assert_int_equal(cost_kept(&c, 0, 6, 6), 5); // the last drafted token was not fed
    assert_int_equal(cost_kept(&c, 0, 6, 2), 2);
    assert_int_equal(cost_kept(&c, 1, 6, 6), 0);

    struct world_trace charged = world_trace(&t, &c), caught_up = charged;
    caught_up.caught_up = true;
    const struct arm arms[] = {{.drafter = 0, .gamma = 2}, {.drafter = -1}, {.drafter = -1}, {.drafter = -1}, {.drafter = 0, .gamma = 2}};
    assert_int_equal(charged.world.type->start(&charged.world, 0, &err), 0);
    assert_int_equal(caught_up.world.type->start(&caught_up.world, 0, &err), 0);
    int shown = 0;
    for (size_t i = 0; i < sizeof arms / sizeof *arms; i++) {
        struct outcome a, b;
        int context = charged.world.prompt_tokens + charged.world.pos;
        assert_int_equal(charged.world.type->round(&charged.world, &arms[i], &a, &err), 0);
        assert_int_equal(caught_up.world.type->round(&caught_up.world, &arms[i], &b, &err), 0);
        double extra = arms[i].gamma ? cost_catch_up(&c, 0, context - shown) : 0;
        assert_true(arms[i].gamma == 0 || extra > 0); // the prompt at first, three plain rounds later
        if (fabs(a.draft_s - b.draft_s - extra) > 1e-12) fail_msg("round %zu: %g s more, expected %g", i, a.draft_s - b.draft_s, extra);
        if (arms[i].gamma) shown = context + cost_kept(&c, 0, a.proposed, a.accepted);
    }
    trace_close(&t);
    tempdir_close(&dir);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cost_recovers_an_exact_model),
        cmocka_unit_test(test_cost_resists_noise_and_outliers),
        cmocka_unit_test(test_cost_coefficients_come_back_within_2_percent_of_5_percent_outliers),
        cmocka_unit_test(test_cost_never_falls_with_width_nor_with_context),
        cmocka_unit_test(test_cost_fits_a_handful_of_rows),
        cmocka_unit_test(test_cost_refuses_what_it_cannot_model),
        cmocka_unit_test(test_catching_up_is_read_from_the_trace_and_charged),
        cmocka_unit_test(test_cost_of_a_large_recording_is_thinned_the_same_way_every_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
