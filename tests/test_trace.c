/* test_trace.c - loading a recording: the columns are the rows, and no bad row gets in. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "core/mem.h"
#include "tests/synth.h"
#include "tests/tempdir.h"
#include "traces/trace.h"

static const struct synth small = {.D = 3, .Q = 6, .max_new = 24, .L = 5, .seed = 7, .text = true};

static int setup(void **state) {
    static struct tempdir dir;
    struct err err = {""};
    *state = &dir;
    if (tempdir_open(&dir)) return -1;
    return synth_write(tempdir_file(&dir, "t.db"), &small, &err);
}

static int teardown(void **state) {
    tempdir_close(*state);
    return 0;
}

static void spoil(const char *path, const char *sql) {
    sqlite3 *db;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK) fail_msg("%s: %s", sql, sqlite3_errmsg(db));
    sqlite3_close(db);
}

static void assert_refused(void **state, const char *sql, const char *message) {
    const char *path = tempdir_file(*state, "t.db");
    struct err err = {""};
    struct trace t;
    spoil(path, sql);
    assert_int_equal(trace_open(&t, path, 0, &err), -1);
    if (!strstr(err.text, message)) fail_msg("'%s' lacks '%s'", err.text, message);
    assert_null(t.path);
}

/* Every cell against its row, read in another way. */
static void test_columns_equal_the_rows(void **state) {
    const char *path = tempdir_file(*state, "t.db");
    struct err err = {""};
    struct trace t;
    if (trace_open(&t, path, 0, &err)) fail_msg("%s", err.text);
    assert_int_equal(t.D, small.D);
    assert_int_equal(t.Q, small.Q);
    assert_int_equal(t.L, small.L);
    assert_int_equal(t.max_new, small.max_new);
    assert_string_equal(t.target, "synthetic");
    assert_string_equal(t.sequences[4].category, "math");
    assert_string_equal(t.sequences[4].prompt_key, "0000000000abc004");
    assert_true(t.sequences[4].eos);
    sqlite3 *db;
    sqlite3_stmt *s;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, "SELECT q.ordinal, f.pos, d.ordinal, f.proposed, f.accepted FROM draft f JOIN sequence q ON"
                                            " q.id = f.sequence JOIN drafter d ON d.id = f.drafter", -1, &s, NULL), SQLITE_OK);
    size_t rows = 0;
    for (; sqlite3_step(s) == SQLITE_ROW; rows++) {
        size_t cell = trace_cell(&t, sqlite3_column_int(s, 2), sqlite3_column_int(s, 0), sqlite3_column_int(s, 1));
        assert_int_equal(t.proposed[cell], sqlite3_column_int(s, 3));
        assert_int_equal(t.accepted[cell], sqlite3_column_int(s, 4));
    }
    assert_int_equal(rows, t.cells * (size_t)t.D);
    sqlite3_finalize(s);
    sqlite3_close(db);
    trace_close(&t);
}

static void test_a_missing_step_is_named(void **state) {
    assert_refused(state, "DELETE FROM step WHERE sequence = 1 AND pos = 9", "step 10 of sequence 0");
}

static void test_a_missing_last_step_is_named(void **state) {
    assert_refused(state, "DELETE FROM step WHERE sequence = 1 AND pos = 23", "sequence 0 of");
}

static void test_a_step_too_many_is_named(void **state) {
    assert_refused(state, "INSERT INTO step VALUES (1, 24, 1, 0.5, 1, 10)", "step 24 of sequence 0");
}

static void test_a_missing_draft_is_named(void **state) {
    assert_refused(state, "DELETE FROM draft WHERE sequence = 3 AND pos = 2 AND drafter = 2",
                   "draft row missing or of another drafter at sequence 2, position 2, drafter 'drafter1'");
}

static void test_a_draft_of_a_foreign_drafter_is_named(void **state) {
    assert_refused(state, "INSERT INTO draft VALUES (6, 23, 99, 0, 0, 0, NULL)", "a draft row too many at sequence 5, position 23");
}

static void test_accepted_beyond_proposed_is_named(void **state) {
    assert_refused(state, "UPDATE draft SET proposed = 3, accepted = 4 WHERE sequence = 4 AND pos = 17 AND drafter = 2",
                   "accepted 4 exceeds proposed 3 at sequence 3, position 17, drafter 'drafter1' of '");
}

static void test_proposed_beyond_the_budget_is_named(void **state) {
    assert_refused(state, "UPDATE draft SET proposed = 5 WHERE sequence = 1 AND pos = 22 AND drafter = 1",
                   "proposed 5 is not in 0 to 1 at sequence 0, position 22");
}

static void test_accepted_after_the_end_is_named(void **state) {
    bool eos;
    int tokens = synth_tokens(&small, 4, &eos);
    assert_true(eos && tokens > 1 && tokens < 20); // or the case would test nothing
    char sql[128];
    snprintf(sql, sizeof sql, "UPDATE draft SET proposed = 4, accepted = 4 WHERE sequence = 5 AND pos = %d AND drafter = 3", tokens - 1);
    assert_refused(state, sql, "accepted 4 exceeds the 1 tokens that follow at sequence 4");
}

static void test_huge_claimed_sizes_allocate_nothing(void **state) {
    assert_refused(state, "UPDATE recording SET max_new = 1000000000; UPDATE sequence SET tokens = 1000000000", "its 1000000000 tokens take");
}

static void test_every_failed_allocation_is_clean(void **state) {
    const char *path = tempdir_file(*state, "t.db");
    struct trace t;
    int n = 1;
    for (;; n++) {
        struct err err = {""};
        mem_fail_after(n);
        int rc = trace_open(&t, path, 0, &err);
        mem_fail_after(0);
        if (rc == 0) break;
        if (!strstr(err.text, "cannot allocate")) fail_msg("allocation %d: '%s'", n, err.text);
        assert_null(t.path);
        assert_null(t.proposed);
    }
    assert_true(n > 30);
    trace_close(&t);
}

static void test_the_hash_names_content_not_timings(void **state) {
    const char *path = tempdir_file(*state, "t.db");
    struct err err = {""};
    struct trace t;
    char first[65];
    assert_int_equal(trace_open(&t, path, 0, &err), 0);
    strcpy(first, t.sha256);
    assert_int_equal(strlen(first), 64);
    trace_close(&t);
    spoil(path, "UPDATE step SET verify_ns = 5; UPDATE draft SET draft_ns = 6; UPDATE sequence SET prefill_ns = 7;"
                " UPDATE recording SET device = 'other'");
    assert_int_equal(trace_open(&t, path, 0, &err), 0);
    assert_string_equal(t.sha256, first);
    trace_close(&t);
    spoil(path, "UPDATE draft SET accepted = 1 - accepted WHERE accepted < 2 AND sequence = 1 AND pos = 3");
    assert_int_equal(trace_open(&t, path, 0, &err), 0);
    assert_string_not_equal(t.sha256, first);
    trace_close(&t);
}

struct sum {
    const struct trace *t;
    long verify, draft, stop;
    int64_t ns;
    int sequence, pos;
};

static int add_timing(void *user, const struct trace_timing *x) {
    struct sum *s = user;
    assert_true(x->sequence > s->sequence || (x->sequence == s->sequence && x->pos >= s->pos)); // in order
    s->sequence = x->sequence;
    s->pos = x->pos;
    s->ns += x->ns;
    if (x->drafter < 0) {
        s->verify++;
        assert_int_equal(x->width, 1 + (s->t->sequences[x->sequence].ordinal + x->pos) % (small.L + 1));
        assert_int_equal(x->context, SYNTH_PROMPT + x->pos);
    } else {
        s->draft++;
        assert_int_equal(x->width, s->t->proposed[trace_cell(s->t, x->drafter, x->sequence, x->pos)]);
    }
    return s->stop && s->verify == s->stop ? 42 : 0;
}

static void test_timings_are_walked_in_order(void **state) {
    const char *path = tempdir_file(*state, "t.db");
    struct err err = {""};
    struct trace t;
    assert_int_equal(trace_open(&t, path, 0, &err), 0);
    struct sum s = {.t = &t}, early = {.t = &t, .stop = 9};
    assert_int_equal(trace_timings(&t, add_timing, &s, &err), 0);
    assert_int_equal(s.verify, t.cells);
    assert_int_equal(s.draft, t.cells * (size_t)t.D);
    assert_int_equal(trace_timings(&t, add_timing, &early, &err), 42);
    assert_int_equal(early.verify, 9);
    sqlite3 *db;
    sqlite3_stmt *q;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, "SELECT (SELECT sum(verify_ns) FROM step) + (SELECT sum(draft_ns) FROM draft)", -1, &q, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(q), SQLITE_ROW);
    assert_int_equal(sqlite3_column_int64(q, 0), s.ns);
    sqlite3_finalize(q);
    sqlite3_close(db);
    trace_close(&t);
}

static void test_a_recording_without_sequences_is_named(void **state) {
    assert_refused(state, "DELETE FROM sequence", "recording 1 of '");
    assert_refused(state, "DELETE FROM drafter", "holds no recording of drafters");
    assert_refused(state, "DELETE FROM recording", "holds no recording of drafters");
}

/* A reader sees one snapshot while a recorder is at work. */
static void test_a_trace_opens_while_a_recorder_writes(void **state) {
    const char *path = tempdir_file(*state, "t.db");
    struct synth more = small;
    struct err err = {""};
    struct store s;
    struct trace t;
    more.Q = 8;
    assert_int_equal(synth_open(&s, path, &more, &err), 0);
    assert_int_equal(synth_sequence(&s, &more, 6, &err), 0);
    struct store_sequence q = {.ordinal = 7, .prompt_key = "k", .category = "", .question = "", .tokens = 3, .eos = true};
    assert_int_equal(store_begin(&s, &q, &err), 0); // in flight
    if (trace_open(&t, path, 0, &err)) fail_msg("%s", err.text);
    assert_int_equal(t.Q, 7);
    trace_close(&t);
    store_close(&s);
}

/* As for a trace larger than the machine's memory. */
static void test_columns_in_a_file_are_the_same(void **state) {
    const char *path = tempdir_file(*state, "t.db");
    struct err err = {""};
    struct trace a, b;
    assert_int_equal(trace_open(&a, path, 0, &err), 0);
    assert_int_equal(a.mapped, 0);
    setenv("BANDITSPEC_COLUMN_MEMORY", "100", 1);
    if (trace_open(&b, path, 0, &err)) fail_msg("%s", err.text);
    size_t n = a.cells * (size_t)a.D;
    assert_int_equal(b.mapped, n);
    assert_memory_equal(a.proposed, b.proposed, n);
    assert_memory_equal(a.accepted, b.accepted, n);
    assert_string_equal(a.sha256, b.sha256);
    trace_close(&b);
    const char *old = getenv("TMPDIR");
    char *keep = old ? strdup(old) : NULL;
    setenv("TMPDIR", "/no/such/place", 1);
    assert_int_equal(trace_open(&b, path, 0, &err), -1);
    if (!strstr(err.text, "cannot make a temporary file '/no/such/place/")) fail_msg("%s", err.text);
    if (keep) setenv("TMPDIR", keep, 1);
    else unsetenv("TMPDIR");
    free(keep);
    setenv("BANDITSPEC_COLUMN_MEMORY", "1000000", 1);
    assert_int_equal(trace_open(&b, path, 0, &err), 0);
    assert_int_equal(b.mapped, 0);
    unsetenv("BANDITSPEC_COLUMN_MEMORY");
    trace_close(&a), trace_close(&b);
}

int main(void) {
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        CASE(test_columns_equal_the_rows),
        CASE(test_columns_in_a_file_are_the_same),
        CASE(test_a_missing_step_is_named),
        CASE(test_a_missing_last_step_is_named),
        CASE(test_a_step_too_many_is_named),
        CASE(test_a_missing_draft_is_named),
        CASE(test_a_draft_of_a_foreign_drafter_is_named),
        CASE(test_accepted_beyond_proposed_is_named),
        CASE(test_proposed_beyond_the_budget_is_named),
        CASE(test_accepted_after_the_end_is_named),
        CASE(test_huge_claimed_sizes_allocate_nothing),
        CASE(test_every_failed_allocation_is_clean),
        CASE(test_the_hash_names_content_not_timings),
        CASE(test_timings_are_walked_in_order),
        CASE(test_a_recording_without_sequences_is_named),
        CASE(test_a_trace_opens_while_a_recorder_writes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
