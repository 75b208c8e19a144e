/* test_world_trace.c - the edge rules of design section 3, one round each. */
#include "tests/make_trace.h"

#include "sim/world_trace.h"

/* One drafter, L = 4, budget 12: sequence 0 ends by EOS after 8 tokens, 1 fills the budget,
 * 2 is a single token. */
static void make(struct trace *t) {
    trace_make(t, 3, (const int[]){8, 12, 1}, 1, 4, 12, 1);
    memset(t->proposed, 4, t->cells);
    memset(t->accepted, 2, t->cells);
}

static void set(struct trace *t, int q, int pos, int proposed, int accepted) {
    t->proposed[trace_cell(t, 0, q, pos)] = (uint8_t)proposed;
    t->accepted[trace_cell(t, 0, q, pos)] = (uint8_t)accepted;
}

static struct outcome play(struct world_trace *w, int q, int pos, struct arm arm) {
    struct err err = {""};
    struct outcome o = {.arm = -7};
    assert_int_equal(w->world.type->start(&w->world, q, &err), 0);
    assert_int_equal(w->world.pos, 1);
    w->world.pos = pos;
    assert_int_equal(w->world.type->round(&w->world, &arm, &o, &err), 0);
    assert_int_equal(o.arm, -7); // the loop's to fill
    assert_int_equal(w->world.pos, pos + o.emitted);
    return o;
}

static void check(struct outcome o, int gamma, int proposed, int accepted, int emitted) {
    assert_int_equal(o.gamma, gamma);
    assert_int_equal(o.proposed, proposed);
    assert_int_equal(o.accepted, accepted);
    assert_int_equal(o.emitted, emitted);
}

static const struct arm plain = {.drafter = -1, .gamma = 0}, one = {.drafter = 0, .gamma = 1}, four = {.drafter = 0, .gamma = 4};

static void test_world_trace_cuts_what_was_recorded_at_gamma(void **state) {
    (void)state;
    struct trace t;
    make(&t);
    struct world_trace w = world_trace(&t, NULL);
    check(play(&w, 0, 1, four), 4, 4, 2, 3);
    check(play(&w, 0, 1, one), 1, 1, 1, 2);
    check(play(&w, 0, 1, plain), 0, 0, 0, 1);
    assert_false(w.world.done);
    trace_close(&t);
}

static void test_world_trace_is_a_plain_step_when_the_drafter_finds_nothing(void **state) {
    (void)state;
    struct trace t;
    struct cost c = {.D = 1};
    make(&t);
    set(&t, 0, 1, 0, 0);
    for (int width = 1; width < COST_WIDTHS; width++) c.base[width] = width;
    c.draft[0] = (struct cost_draft){.none = 0.25, .a = 0.5};
    struct world_trace w = world_trace(&t, &c);
    struct outcome o = play(&w, 0, 1, four);
    check(o, 4, 0, 0, 1);
    assert_true(outcome_exact(&o));
    assert_true(o.verify_s == 1 && o.draft_s == 0.25); // width 1, and the time of looking in vain
    o = play(&w, 0, 2, four);
    assert_true(o.verify_s == 5 && o.draft_s == 0.5);
    o = play(&w, 0, 1, plain);
    assert_true(o.verify_s == 1 && o.draft_s == 0);
    trace_close(&t);
}

static void test_world_trace_drops_the_draft_after_the_end(void **state) {
    (void)state;
    struct trace t;
    make(&t);
    set(&t, 0, 6, 4, 2); // positions 6, 7 are left: EOS is the second accepted token
    struct world_trace w = world_trace(&t, NULL);
    check(play(&w, 0, 6, four), 4, 4, 2, 2);
    assert_true(w.world.done);
    check(play(&w, 0, 6, one), 1, 1, 1, 2);
    assert_true(w.world.done);
    check(play(&w, 0, 6, plain), 0, 0, 0, 1);
    assert_false(w.world.done);
    trace_close(&t);
}

static void test_world_trace_never_drafts_past_the_budget(void **state) {
    (void)state;
    struct trace t;
    make(&t);
    set(&t, 1, 9, 2, 2);  // max_new 12: 12 - 9 - 1 = 2
    set(&t, 1, 11, 0, 0); // the last token: nothing can be drafted
    struct world_trace w = world_trace(&t, NULL);
    check(play(&w, 1, 9, four), 2, 2, 2, 3);
    assert_true(w.world.done);
    check(play(&w, 1, 11, four), 0, 0, 0, 1);
    assert_true(w.world.done);
    trace_close(&t);
}

static void test_world_trace_charges_no_drafting_beyond_the_budget(void **state) {
    (void)state;
    struct trace t;
    struct cost c = {.D = 1, .draft = {{.none = 1, .a = 1}}};
    make(&t);
    struct world_trace w = world_trace(&t, &c);
    assert_true(play(&w, 1, 11, four).draft_s == 0);
    trace_close(&t);
}

static void test_world_trace_single_token_has_no_round(void **state) {
    (void)state;
    struct trace t;
    struct err err = {""};
    make(&t);
    struct world_trace w = world_trace(&t, NULL);
    assert_int_equal(w.world.type->start(&w.world, 2, &err), 0);
    assert_true(w.world.done);
    assert_int_equal(w.world.type->start(&w.world, 3, &err), ERR_FAILED);
    assert_string_equal(err.text, "sequence 3 of 'synth.db' does not exist, it holds 3");
    trace_close(&t);
}

static void test_world_trace_takes_a_live_runs_seconds(void **state) {
    (void)state;
    struct trace t;
    struct err err = {""};
    struct outcome o;
    const struct round_seconds given[] = {{0.5, 2}, {0.25, 3}};
    make(&t);
    struct world_trace w = world_trace(&t, NULL);
    world_trace_give(&w, given, 2);
    for (int again = 0; again < 2; again++) { // start rewinds them
        assert_int_equal(w.world.type->start(&w.world, 0, &err), 0);
        for (int i = 0; i < 2; i++) {
            assert_int_equal(w.world.type->round(&w.world, &plain, &o, &err), 0);
            assert_true(o.draft_s == given[i].draft_s && o.verify_s == given[i].verify_s);
        }
    }
    assert_int_equal(w.world.type->round(&w.world, &plain, &o, &err), ERR_FAILED);
    assert_string_equal(err.text, "sequence 0 of 'synth.db' has more rounds than the 2 timings given");
    trace_close(&t);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_world_trace_cuts_what_was_recorded_at_gamma),
        cmocka_unit_test(test_world_trace_is_a_plain_step_when_the_drafter_finds_nothing),
        cmocka_unit_test(test_world_trace_drops_the_draft_after_the_end),
        cmocka_unit_test(test_world_trace_never_drafts_past_the_budget),
        cmocka_unit_test(test_world_trace_charges_no_drafting_beyond_the_budget),
        cmocka_unit_test(test_world_trace_single_token_has_no_round),
        cmocka_unit_test(test_world_trace_takes_a_live_runs_seconds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
