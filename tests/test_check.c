/* test_check.c - a whole trace passes; each invariant, broken once, is reported with its place. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "tests/synth.h"
#include "tests/tempdir.h"
#include "traces/check.h"

static const struct synth small = {.D = 2, .Q = 4, .max_new = 20, .L = 4, .seed = 6, .text = true};

static int setup(void **state) {
    static struct tempdir dir;
    struct err err = {""};
    *state = &dir;
    return tempdir_open(&dir) || synth_write(tempdir_file(&dir, "t.db"), &small, &err);
}

static int teardown(void **state) {
    tempdir_close(*state);
    return 0;
}

static void run_sql(const char *path, const char *sql) {
    sqlite3 *db;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 0, NULL);
    if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK) fail_msg("%s: %s", sql, sqlite3_errmsg(db));
    sqlite3_close(db);
}

/* A fresh trace, spoilt by `sql`: the finding is there, and no other invariant is accused. */
static void assert_found(void **state, const char *sql, int invariant, const char *message) {
    const char *path = tempdir_file(*state, "one.db");
    struct err err = {""};
    struct check c;
    if (synth_write(path, &small, &err)) fail_msg("%s", err.text);
    run_sql(path, sql);
    if (check_trace(&c, path, &err)) fail_msg("%s", err.text);
    if (c.n == 0) fail_msg("passes for whole after %s", sql);
    int found = 0;
    for (int i = 0; i < c.n; i++) {
        if (c.at[i].invariant != invariant) fail_msg("%s: also invariant %d: %s", sql, c.at[i].invariant, c.at[i].text);
        found |= strstr(c.at[i].text, message) != NULL;
    }
    if (!found) fail_msg("'%s' lacks '%s'", c.at[0].text, message);
    remove(path);
}

static void test_a_whole_trace_passes(void **state) {
    struct err err = {""};
    struct check c;
    struct synth more = small;
    const char *path = tempdir_file(*state, "t.db");
    more.text = false;
    more.seed++;
    assert_int_equal(synth_write(path, &more, &err), 0);
    if (check_trace(&c, path, &err)) fail_msg("%s", err.text);
    if (c.n) fail_msg("invariant %d: %s", c.at[0].invariant, c.at[0].text);
    assert_int_equal(c.recordings, 2);
    assert_int_equal(c.sequences, 8);
    assert_int_equal(c.drafts, c.steps * 2);
}

static void test_invariant_1_keys_and_pages(void **state) {
    assert_found(state, "INSERT INTO latency VALUES (1, 77, 'verify', NULL, 1, 1, 1, 1, 1, 1, 1)", 1,
                 "row 1 of table latency points to no row of recording");
    assert_found(state, "PRAGMA writable_schema = 1; DELETE FROM sqlite_schema WHERE name = 'sqlite_autoindex_sequence_1'", 1, "");
}

static void test_invariant_2_steps_are_complete(void **state) {
    assert_found(state, "DELETE FROM draft WHERE sequence = 1 AND pos = 19; DELETE FROM step WHERE sequence = 1 AND pos = 19", 2,
                 "20 tokens take 19 steps, found 18, from 1 to 18 at sequence 0 of recording 1");
    assert_found(state, "UPDATE step SET token = NULL WHERE sequence = 1 AND pos = 3", 2, "token missing");
    assert_found(state, "UPDATE sequence SET prompt = x'01' WHERE id = 1", 2, "prompt of 1 bytes for 16 tokens at sequence 0");
}

static void test_invariant_3_one_draft_row_a_drafter(void **state) {
    assert_found(state, "DELETE FROM draft WHERE sequence = 3 AND pos = 4 AND drafter = 1", 3,
                 "1 draft rows for 2 drafters at sequence 2, position 4 of recording 1");
    assert_found(state, "INSERT INTO recording SELECT 2, created, target, target_sha256, tokenizer_sha256, backend, device, dtype, threads, 7,"
                        " max_draft, temperature, noise_seed, template, engine_version, options FROM recording;"
                        " INSERT INTO drafter VALUES (9, 2, 0, 'x', 'pld', '', '', 4);"
                        " INSERT INTO draft VALUES (1, 1, 9, 0, 0, 0, NULL)", 3, "draft row of a foreign drafter (id 9) at sequence 0, position 1");
}

static void test_invariant_4_lengths_are_in_bounds(void **state) {
    assert_found(state, "UPDATE draft SET proposed = 2, signal = NULL WHERE sequence = 1 AND pos = 18 AND drafter = 1", 4,
                 "proposed 2 is not in 0 to 1 at sequence 0, position 18, drafter 'drafter0' of recording 1");
    assert_found(state, "UPDATE draft SET proposed = 1, accepted = 3, signal = NULL WHERE sequence = 1 AND pos = 7 AND drafter = 2", 4,
                 "accepted 3 exceeds proposed 1 at sequence 0, position 7, drafter 'drafter1'");
    assert_found(state, "UPDATE draft SET accepted = -1 WHERE sequence = 1 AND pos = 7 AND drafter = 2", 4, "accepted -1");
    assert_found(state, "UPDATE drafter SET max_draft = 300 WHERE id = 1", 4, "max_draft 300 of drafter 'drafter0'");
}

static void test_invariant_5_nothing_is_accepted_after_the_end(void **state) {
    bool eos;
    char sql[160];
    int tokens = synth_tokens(&small, 1, &eos);
    assert_true(eos && tokens > 1 && tokens < 17);
    snprintf(sql, sizeof sql, "UPDATE draft SET proposed = 3, accepted = 3, signal = NULL WHERE sequence = 2 AND pos = %d AND drafter = 2",
             tokens - 1);
    assert_found(state, sql, 5, "accepted 3 exceeds the 1 tokens that follow at sequence 1");
}

static void test_invariant_6_times_and_widths_are_real(void **state) {
    assert_found(state, "UPDATE step SET verify_ns = 0 WHERE sequence = 1 AND pos = 2", 6, "in 0 ns at sequence 0, position 2");
    assert_found(state, "UPDATE step SET verify_width = 0 WHERE sequence = 1 AND pos = 2", 6, "verification of width 0");
    assert_found(state, "UPDATE draft SET draft_ns = -5 WHERE sequence = 1 AND pos = 2 AND drafter = 2", 6, "draft in -5 ns");
}

static void test_invariant_7_endings_are_true(void **state) {
    assert_found(state, "UPDATE sequence SET finish = 'length' WHERE id = 2", 7, "finish 'length' after");
}

static void test_invariant_8_names_are_unique(void **state) {
    /* The schema's own keys stand in the way: a file without them. */
    assert_found(state, "CREATE TABLE d AS SELECT * FROM drafter; DROP TABLE drafter; CREATE TABLE drafter (id INTEGER PRIMARY KEY, recording"
                        " INTEGER, ordinal INTEGER, name TEXT, kind TEXT, parameters TEXT, sha256 TEXT, max_draft INTEGER); INSERT INTO drafter"
                        " SELECT * FROM d; DROP TABLE d; UPDATE drafter SET name = 'drafter0'", 8, "drafter name 'drafter0' twice in recording 1");
    assert_found(state, "UPDATE drafter SET ordinal = 5 WHERE id = 2", 8, "drafter ordinals are not 0 to 1");
    assert_found(state, "CREATE TABLE s AS SELECT * FROM sequence; DROP TABLE sequence; CREATE TABLE sequence (id INTEGER PRIMARY KEY, recording"
                        " INTEGER, ordinal INTEGER, prompt_key TEXT, category TEXT, question TEXT, prompt_tokens INTEGER, tokens INTEGER,"
                        " first_token INTEGER, finish TEXT, prefill_ns INTEGER, prompt BLOB); INSERT INTO sequence SELECT * FROM s; DROP TABLE s;"
                        " UPDATE sequence SET ordinal = 0 WHERE id = 3; UPDATE sequence SET prompt_key = 'k' WHERE id < 3", 8, "ordinal 0 twice");
}

static void test_invariant_9_signals_have_their_length(void **state) {
    assert_found(state, "UPDATE draft SET signal = zeroblob(12) WHERE sequence = 1 AND pos = 2 AND drafter = 1", 9,
                 "signal of 12 bytes for 4 proposed tokens");
    assert_found(state, "UPDATE draft SET signal = zeroblob(4) WHERE sequence = 1 AND pos = 2 AND drafter = 1", 9,
                 "drafter 'drafter0' has signals of a model drafter and of a copier");
}

static void test_several_violations_are_all_reported(void **state) {
    const char *path = tempdir_file(*state, "t.db");
    struct err err = {""};
    struct check c;
    run_sql(path, "UPDATE step SET verify_ns = 0; UPDATE draft SET accepted = -1, signal = zeroblob(3)");
    assert_int_equal(check_trace(&c, path, &err), 0);
    assert_int_equal(c.n, 3);
    assert_int_equal(c.at[0].invariant, 4);
    assert_int_equal(c.at[1].invariant, 6);
    assert_int_equal(c.at[2].invariant, 9);
    assert_non_null(strstr(c.at[1].text, "sequence 0, position 1 ")); // the first place
}

static void test_a_missing_file_is_an_error_not_a_finding(void **state) {
    struct err err = {""};
    struct check c;
    assert_int_equal(check_trace(&c, tempdir_file(*state, "none.db"), &err), -1);
    assert_non_null(strstr(err.text, "no such file"));
}

int main(void) {
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        CASE(test_a_whole_trace_passes),
        CASE(test_invariant_1_keys_and_pages),
        CASE(test_invariant_2_steps_are_complete),
        CASE(test_invariant_3_one_draft_row_a_drafter),
        CASE(test_invariant_4_lengths_are_in_bounds),
        CASE(test_invariant_5_nothing_is_accepted_after_the_end),
        CASE(test_invariant_6_times_and_widths_are_real),
        CASE(test_invariant_7_endings_are_true),
        CASE(test_invariant_8_names_are_unique),
        CASE(test_invariant_9_signals_have_their_length),
        CASE(test_several_violations_are_all_reported),
        CASE(test_a_missing_file_is_an_error_not_a_finding),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
