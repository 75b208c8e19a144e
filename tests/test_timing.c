/* test_timing.c - where seconds come from: calibration, sampled timings, rooflines, residuals, a policy's own time. */
#include "tests/make_trace.h"

#include "sim/hardware.h"
#include "sim/own.h"
#include "sim/replay.h"
#include "sim/timing.h"
#include "tests/run_command.h"
#include "tests/run_replay.h"
#include "tests/synth.h"
#include "tests/tempdir.h"

static struct tempdir dir;
static char db[4200], out[4200];

static void make(void) {
    struct synth x = {.D = 2, .Q = 6, .max_new = 40, .L = 5, .seed = 2, .text = true};
    struct err err = {""};
    remove(db);
    if (synth_write(db, &x, &err)) fail_msg("%s", err.text);
}

static void load(struct trace *t, struct cost *c, const char *timing) {
    struct err err = {""};
    if (trace_open(t, db, 0, &err) || timing_open(c, t, timing, NULL, &err)) fail_msg("%s", err.text);
}

static void add_verify(const char *drafter, int width, int n, double ns) {
    char sql[300];
    for (int i = 0; i < n; i++) {
        snprintf(sql, sizeof sql, "INSERT INTO latency (recording, operation, drafter, batch, width, context, samples, p10_ns, p50_ns, p90_ns)"
                                  " VALUES (1, 'again', %s, 1, %d, 30, 1, 0, %.0f, 0)", drafter, width, ns);
        run_sql(db, sql);
    }
}

/* synth.h times a verification at 1 ms + 20 us a row. Drafter 0 is a model, drafter 1 a copier. */
static void test_verification_is_calibrated_by_what_was_timed_as_live(void **state) {
    (void)state;
    struct trace t;
    struct cost c;
    struct err err = {""};
    make();
    for (int w = 1; w <= 4; w++) add_verify("NULL", w, 6, 0.9 * (1e6 + 2e4 * w)), add_verify("1", w, 6, (0.9 + 0.02 * w) * (1e6 + 2e4 * w));
    add_verify("NULL", 6, 1, 5e6); // too few to tell: the median over widths instead
    load(&t, &c, "model");
    assert_true(c.calibrated);
    for (int w = 1; w <= 6; w++) {
        assert_close(1 - c.spared[w], 0.9, 1e-3);
        assert_close(1 - c.draft[1].spared[w], 0.9, 1e-3);
        assert_close(1 - c.draft[0].spared[w], w <= 4 ? 0.9 + 0.02 * w : 0.95, 1e-3);
    }
    struct world_trace world = world_trace(&t, &c);
    const struct arm arms[] = {{.drafter = -1}, {.drafter = 1, .gamma = 3}, {.drafter = 0, .gamma = 3}};
    for (int i = 0; i < 3; i++) {
        struct outcome o;
        assert_int_equal(world.world.type->start(&world.world, 0, &err), 0);
        assert_int_equal(world.world.type->round(&world.world, &arms[i], &o, &err), 0);
        double factor = i < 2 ? 0.9 : 0.9 + 0.02 * (o.proposed + 1);
        assert_close(o.verify_s, factor * (1e-3 + 2e-5 * (o.proposed + 1)), 1e-6);
    }
    char words[256];
    timing_say(&c, words, sizeof words);
    assert_contains(words, "calibrated by some timed as live decoding has them");
    cost_close(&c), trace_close(&t);
}

struct checking {
    const struct trace *t;
    struct world_trace w;
    size_t verified, drafted;
};

/* A round that is played as it was recorded takes what was recorded. */
static int check_timing(void *user, const struct trace_timing *x) {
    struct checking *c = user;
    struct outcome o;
    struct err err = {""};
    const struct arm arm = x->drafter < 0 ? (struct arm){.drafter = -1} : (struct arm){.drafter = x->drafter, .gamma = c->t->L};
    if (x->drafter < 0 && x->width != 1) return 0;
    assert_int_equal(c->w.world.type->start(&c->w.world, x->sequence, &err), 0);
    c->w.world.pos = x->pos;
    assert_int_equal(c->w.world.type->round(&c->w.world, &arm, &o, &err), 0);
    const bool whole = o.proposed == x->width && o.gamma == c->t->L;
    if (x->drafter >= 0 && !whole) return 0;
    assert_close(x->drafter < 0 ? o.verify_s : o.draft_s, (double)x->ns / 1e9, 1e-9);
    c->verified += x->drafter < 0, c->drafted += x->drafter >= 0;
    return 0;
}

static void test_sampled_rounds_take_what_was_recorded(void **state) {
    (void)state;
    struct trace t;
    struct cost c;
    struct err err = {""};
    make();
    run_sql(db, "UPDATE step SET verify_ns = verify_ns + verify_ns * ((pos * 7919) % 11) / 37 + 100 * pos;"
                "UPDATE draft SET draft_ns = draft_ns + draft_ns * ((pos * 104729) % 13) / 26");
    load(&t, &c, "sampled");
    assert_string_equal(timing_word(&c), "sampled");
    struct checking check = {.t = &t, .w = world_trace(&t, &c)};
    check.w.caught_up = true;
    if (trace_timings(&t, check_timing, &check, &err)) fail_msg("%s", err.text);
    assert_true(check.verified > 20 && check.drafted > 100);
    cost_close(&c), trace_close(&t);
    assert_int_equal(replay(&err, out, (char *[]){"replay", "--db", db, "--policy", "thompson", "--timing", "sampled", "--seeds", "3", "--json", NULL}), 0);
    char *text = read_file(out);
    assert_contains(text, "\"timing\": \"sampled\"");
    free(text);
}

static void test_residuals_tell_how_far_the_fit_is_off(void **state) {
    (void)state;
    struct trace t;
    struct cost c;
    struct cost_residual at[COST_WIDTHS];
    struct err err = {""};
    int n;
    make();
    run_sql(db, "UPDATE step SET verify_ns = 3 * verify_ns WHERE sequence = 1 AND pos = 7");
    int64_t width = query_number(db, "SELECT verify_width FROM step WHERE sequence = 1 AND pos = 7"), rows = query_number(db, "SELECT count(*) FROM step");
    load(&t, &c, "model");
    assert_int_equal(cost_residuals(&c, &t, at, &n, &err), 0);
    assert_int_equal(n, 6);
    long sum = 0;
    for (int i = 0; i < n; i++) {
        sum += at[i].n;
        assert_close(at[i].p50, 0, 0.1);
        assert_close(at[i].worst, at[i].width == width ? 200 : 0, 1);
    }
    assert_int_equal(sum, rows);
    cost_close(&c), trace_close(&t);
}

struct adding {
    const struct cost *c;
    double recorded[2], modelled[2]; // of verifications, and of drafter 0's drafts
};

static int add_recorded(void *user, const struct trace_timing *x) {
    struct adding *a = user;
    const int at = x->drafter < 0 ? 0 : 1;
    if (x->drafter > 0 || (x->drafter == 0 && !x->width)) return 0;
    a->recorded[at] += (double)x->ns / 1e9;
    a->modelled[at] += x->drafter < 0 ? cost_verify(a->c, x->width, x->context) : cost_drafting(a->c, x->drafter, x->width, x->context);
    return 0;
}

/* Speeds are sums: where every fifth round is late by half, the model's rounds add up to as many seconds as the recorded ones, and a round that
 * stood still for a second (1000 times a verification) counts as twice its time. */
static void test_modelled_seconds_add_up_to_the_recorded_ones(void **state) {
    (void)state;
    struct trace t;
    struct cost c;
    struct err err = {""};
    make();
    run_sql(db, "UPDATE step SET verify_ns = verify_ns * 3 / 2 WHERE (7 * pos + sequence) % 5 = 0");
    run_sql(db, "UPDATE draft SET draft_ns = draft_ns * 3 / 2 WHERE (3 * pos + sequence) % 5 = 0");
    load(&t, &c, "model");
    struct adding sums = {.c = &c};
    if (trace_timings(&t, add_recorded, &sums, &err)) fail_msg("%s", err.text);
    assert_true(sums.recorded[0] > 0 && sums.recorded[1] > 0 && c.smear > 1.03);
    for (int i = 0; i < 2; i++) assert_close(sums.modelled[i] / sums.recorded[i], 1, 0.02); // without it: 0.91
    const double before = c.smear, n = (double)c.rows;
    cost_close(&c), trace_close(&t);
    run_sql(db, "UPDATE step SET verify_ns = 1000 * verify_ns WHERE sequence = 1 AND pos = 7");
    load(&t, &c, "model");
    assert_true(c.smear > before && c.smear < before + 1.1 / n);
    cost_close(&c), trace_close(&t);
}

/* -- rooflines -- */

static const char h100[] = "{\"name\": \"H100\", \"bandwidth_gb_s\": 3350, \"tflop_s\": 990,"
    " \"target\": {\"weights_gb\": 16.06, \"parameters_b\": 8.03, \"kv_bytes_a_token\": 131072, \"launch_us\": 300},"
    " \"drafters\": {\"drafter0\": {\"weights_gb\": 0.5, \"parameters_b\": 0.25, \"kv_bytes_a_token\": 4096, \"launch_us\": 40}, \"drafter1\": {\"us_per_token\": 2}}}";

static void test_hardware_matches_its_check_value(void **state) {
    (void)state;
    struct trace t;
    struct cost c = {0};
    struct err err = {""};
    make();
    assert_int_equal(trace_open(&t, db, 0, &err), 0);
    if (hardware_parse(&c, &t, "h100.json", h100, strlen(h100), &err)) fail_msg("%s", err.text);
    double memory = 16.06e9 / 3350e9, kv = 131072 / 3350e9;
    assert_close(cost_verify_after(&c, -1, 5, 1000), 0.0051331558, 1e-9);
    assert_close(cost_verify_after(&c, 0, 5, 1000), 300e-6 + memory + 1000 * kv, 1e-12);
    assert_close(cost_verify(&c, 64, 0), 300e-6 + memory, 1e-12); // 64 rows compute for 1.04 ms: still bound by memory
    double draft = 40e-6 + 0.5e9 / 3350e9;
    assert_close(cost_drafting(&c, 0, 3, 1000), 3 * draft + 1000 * 4096 / 3350e9, 1e-12);
    assert_close(cost_drafting(&c, 1, 3, 1000), 6e-6, 1e-15);
    assert_true(cost_catch_up(&c, 0, 32) == 0 && cost_catch_up(&c, 1, 32) == 0); // bound by memory: 32 rows cost what one does
    char slow[700];
    snprintf(slow, sizeof slow, "%s", h100);
    memcpy(strstr(slow, "990"), "0.5", 3); // bound by computing
    if (hardware_parse(&c, &t, "slow.json", slow, strlen(slow), &err)) fail_msg("%s", err.text);
    assert_close(cost_verify(&c, 5, 0), 300e-6 + 2 * 8.03e9 * 5 / 0.5e12, 1e-9);
    assert_close(cost_catch_up(&c, 0, 32), 2 * 0.25e9 * 31 / 0.5e12, 1e-9);
    trace_close(&t);
}

static void test_hardware_refuses_what_it_cannot_read(void **state) {
    (void)state;
    static const struct { const char *text, *part; } cases[] = {
        {"", "h.json"},
        {"[]", "h.json"},
        {"{}", "bandwidth_gb_s"},
        {"{\"bandwidth_gb_s\": -1, \"tflop_s\": 1}", "bandwidth_gb_s"},
        {"{\"bandwidth_gb_s\": 1, \"tflop_s\": 1}", "has no object 'target'"},
        {"{\"bandwidth_gb_s\": 1, \"tflop_s\": 1, \"target\": {\"weights_gb\": 0, \"parameters_b\": 1}}", "a pass takes no time"},
        {"{\"bandwidth_gb_s\": 1, \"tflop_s\": 1, \"target\": {\"weights_gb\": 1, \"parameters_b\": \"x\"}}", "parameters_b"},
        {"{\"bandwidth_gb_s\": 1, \"tflop_s\": 1, \"target\": {\"weights_gb\": 1, \"parameters_b\": 1}, \"drafters\": {\"drafter0\": {\"us_per_token\": 1}}}",
         "does not name drafter 'drafter1'"},
        {"{\"bandwidth_gb_s\": 1, \"tflops\": 1}", "unknown key 'tflops' in 'h.json'"},
        {"{\"bandwidth_gb_s\": 1, \"tflop_s\": 1, \"target\": {\"weights_gb\": 1, \"parameters_b\": 1, \"launch_ms\": 1}}", "unknown key 'launch_ms' in 'h.json'"},
        {"{\"bandwidth_gb_s\": 1, \"tflop_s\": 1, \"target\": {\"weights_gb\": 1, \"parameters_b\": 1}, \"drafters\": {\"drafter0\": {\"us_per_token\": 1, \"launch_us\": 1}}}",
         "unknown key 'launch_us' in 'h.json' (known: us_per_token, which stands alone) (drafter 'drafter0')"},
        {"{\"bandwidth_gb_s\": 1, \"tflop_s\": 1, \"target\": {\"weights_gb\": 1, \"parameters_b\": 1}, \"drafters\": {\"drafter0\": {\"us_per_token\": -1}}}", "(drafter 'drafter0')"},
    };
    struct trace t;
    struct cost c;
    struct err err = {""};
    make();
    assert_int_equal(trace_open(&t, db, 0, &err), 0);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(hardware_parse(&c, &t, "h.json", cases[i].text, strlen(cases[i].text), &err), ERR_FAILED);
        assert_contains(err.text, cases[i].part);
    }
    trace_close(&t);
    assert_refused(cmd_replay, (char *[]){"replay", "--db", db, "--hardware", "/no/file", NULL}, ERR_FAILED, "/no/file");
    assert_refused(cmd_replay, (char *[]){"replay", "--db", db, "--timing", "guessed", NULL}, ERR_USAGE, "got 'guessed'");
    assert_refused(cmd_replay, (char *[]){"replay", "--db", db, "--timing", "sampled", "--hardware", "x", NULL}, ERR_USAGE, "give --timing sampled or --hardware");
    assert_refused(cmd_replay, (char *[]){"replay", "--db", db, "--own", "mostly", NULL}, ERR_USAGE, "got 'mostly'");
}

/* The file that the help shows, with this trace's drafters in it. */
static void test_hardware_in_the_help_can_be_played(void **state) {
    (void)state;
    struct trace t;
    struct cost c = {0};
    struct err err = {""};
    make();
    run_sql(db, "UPDATE drafter SET name = CASE name WHEN 'drafter0' THEN 'eagle' ELSE 'pld' END");
    assert_int_equal(trace_open(&t, db, 0, &err), 0);
    assert_int_equal(replay(&err, out, (char *[]){"replay", "--help", NULL}), 0);
    char *text = read_file(out), *from = strstr(text, "  { \"name\""), *to = from ? strstr(from, "} } }\n") : NULL;
    assert_non_null(to);
    if (hardware_parse(&c, &t, "the help", from, (size_t)(to + 5 - from), &err)) fail_msg("%s", err.text);
    assert_close(cost_verify_after(&c, -1, 5, 1000), 0.0051331558, 1e-9);
    free(text);
    trace_close(&t);
}

static void test_replay_on_other_hardware_says_so(void **state) {
    (void)state;
    struct err err;
    char file[4200];
    make();
    snprintf(file, sizeof file, "%s", tempdir_file(&dir, "h100.json"));
    write_file(file, h100);
    assert_int_equal(replay(&err, out, (char *[]){"replay", "--db", db, "--policy", "none", "thompson", "--hardware", file, "--seeds", "2", NULL}), 0);
    char *text = read_file(out);
    assert_contains(text, "seconds are a roofline's of 'H100': nothing of this was measured there");
    free(text);
}

/* -- a policy's own time -- */

static void test_own_time_is_measured_and_charged(void **state) {
    (void)state;
    struct trace t;
    struct cost c;
    struct arms arms;
    struct lineup l;
    struct err err = {""};
    make();
    load(&t, &c, "model");
    assert_int_equal(replay_arms(&arms, &t, NULL, 0, &err), 0);
    struct problem p = replay_problem(&t, &arms);
    assert_int_equal(lineup_open(&l, NULL, 0, &p, false, 1, &err), 0);
    assert_int_equal(world_trace_ready(&t, l.asks, arms.at, arms.K, &err), 0);
    for (int i = 0; i < l.n; i++) {
        double ns = -1;
        if (own_measure(&l.at[i], &p, NULL, world_trace(&t, &c), &ns, &err)) fail_msg("%s: %s", l.at[i].spec, err.text);
        if (!(ns > 0 && ns < 1e6)) fail_msg("%s takes %g ns a round", l.at[i].spec, ns);
    }
    lineup_close(&l), arms_close(&arms), cost_close(&c), trace_close(&t);
    double speed[2];
    for (int i = 0; i < 2; i++) {
        assert_int_equal(replay(&err, out, (char *[]){"replay", "--db", db, "--policy", "exp3spec", "--own", i ? "charge" : "show", "--seeds", "2", "--json", NULL}), 0);
        char *text = read_file(out);
        assert_contains(text, "\"own_ns\": ");
        speed[i] = atof(strstr(strstr(text, "\"tokens_per_s\""), "\"value\": ") + 9);
        free(text);
    }
    assert_true(speed[1] < speed[0] && speed[1] > 0.9 * speed[0]);
}

static int open_dir(void **state) {
    (void)state;
    if (tempdir_open(&dir)) return -1;
    snprintf(db, sizeof db, "%s", tempdir_file(&dir, "t.db")), snprintf(out, sizeof out, "%s", tempdir_file(&dir, "out"));
    return 0;
}
static int close_dir(void **state) { (void)state; return tempdir_close(&dir), 0; }

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_verification_is_calibrated_by_what_was_timed_as_live),
        cmocka_unit_test(test_sampled_rounds_take_what_was_recorded),
        cmocka_unit_test(test_residuals_tell_how_far_the_fit_is_off),
        cmocka_unit_test(test_modelled_seconds_add_up_to_the_recorded_ones),
        cmocka_unit_test(test_hardware_matches_its_check_value),
        cmocka_unit_test(test_hardware_refuses_what_it_cannot_read),
        cmocka_unit_test(test_hardware_in_the_help_can_be_played),
        cmocka_unit_test(test_replay_on_other_hardware_says_so),
        cmocka_unit_test(test_own_time_is_measured_and_charged),
    };
    return cmocka_run_group_tests(tests, open_dir, close_dir);
}
