/* test_cmd_traces.c - `banditspec traces`: the figures equal the rows, wrong words are misuse. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>
#include <sqlite3.h>

#include "core/cmd.h"
#include "tests/synth.h"
#include "tests/tempdir.h"

command cmd_traces;

static const struct synth small = {.D = 2, .Q = 4, .max_new = 20, .L = 14, .seed = 6, .text = true};

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
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
}

/* Runs the command with standard output in a file; its text comes back in a static buffer. */
static int run(void **state, struct err *err, const char **out, int argc, const char **words) {
    static char text[65536];
    const char *path = tempdir_file(*state, "out");
    char *argv[8] = {0};
    for (int i = 0; i < argc; i++) argv[i] = (char *)words[i];
    fflush(stdout);
    int saved = dup(1);
    assert_non_null(freopen(path, "w", stdout));
    *err = (struct err){""};
    int rc = cmd_traces(argc, argv, err);
    fflush(stdout);
    dup2(saved, 1);
    close(saved);
    FILE *f = fopen(path, "r");
    text[fread(text, 1, sizeof text - 1, f)] = '\0';
    fclose(f);
    *out = text;
    return rc;
}
#define RUN(...) run(state, &err, &out, (int)(sizeof(const char *[]){__VA_ARGS__} / sizeof(char *)), (const char *[]){__VA_ARGS__})

static void test_info_figures_equal_the_rows(void **state) {
    const char *path = tempdir_file(*state, "t.db"), *out;
    struct err err;
    if (RUN("traces", "info", path, "--json")) fail_msg("%s", err.text);
    json_t *all = json_loads(out, 0, NULL), *r = json_array_get(json_object_get(all, "recordings"), 0);
    assert_string_equal(json_string_value(json_object_get(r, "target")), "synthetic");
    assert_int_equal(json_integer_value(json_object_get(r, "sequences")), small.Q);
    json_t *drafters = json_object_get(r, "drafters");
    assert_int_equal(json_array_size(drafters), 2);
    sqlite3 *db;
    sqlite3_stmt *s;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, "SELECT avg(accepted), sum(accepted = 1), avg(proposed > 0) FROM draft WHERE drafter = ?", -1, &s, NULL), SQLITE_OK);
    for (int d = 0; d < 2; d++) {
        json_t *x = json_array_get(drafters, (size_t)d);
        sqlite3_bind_int(s, 1, d + 1);
        assert_int_equal(sqlite3_step(s), SQLITE_ROW);
        assert_float_equal(json_real_value(json_object_get(x, "mean_accepted")), sqlite3_column_double(s, 0), 1e-6);
        assert_int_equal(json_integer_value(json_array_get(json_object_get(x, "accepted_counts"), 1)), sqlite3_column_int(s, 1));
        assert_float_equal(json_real_value(json_object_get(x, "proposing")), sqlite3_column_double(s, 2), 1e-6);
        sqlite3_reset(s);
    }
    sqlite3_finalize(s);
    sqlite3_close(db);
    json_t *verify = json_array_get(json_object_get(r, "verify"), 2); // synth: 1 ms + 20 us a row
    assert_int_equal(json_integer_value(json_object_get(verify, "width")), 3);
    assert_float_equal(json_real_value(json_object_get(verify, "median_ms")), 1.06, 1e-6);
    json_t *math = json_array_get(json_object_get(r, "categories"), 1);
    assert_string_equal(json_string_value(json_object_get(math, "category")), "math");
    assert_int_equal(json_integer_value(json_object_get(math, "eos")), 1);
    json_decref(all);
}

static void test_info_prints_tables(void **state) {
    const char *path = tempdir_file(*state, "t.db"), *out;
    struct err err;
    if (RUN("traces", "info", "--db", path)) fail_msg("%s", err.text);
    assert_non_null(strstr(out, "4 sequences"));
    assert_non_null(strstr(out, "drafter1"));
    assert_non_null(strstr(out, "12+"));
    run_sql(path, "DELETE FROM sequence WHERE id > 0; DELETE FROM step WHERE pos > 0; DELETE FROM draft WHERE pos > 0");
    if (RUN("traces", "info", path)) fail_msg("%s", err.text); // a recording just begun
    assert_non_null(strstr(out, "0 sequences"));
    assert_int_equal(RUN("traces", "info", path, "--recording", "9"), ERR_FAILED);
    assert_non_null(strstr(err.text, "holds no recording 9"));
}

static void test_check_reports_every_finding_and_fails(void **state) {
    const char *path = tempdir_file(*state, "t.db"), *out;
    struct err err;
    if (RUN("traces", "check", path)) fail_msg("%s", err.text);
    assert_non_null(strstr(out, "is whole: 1 recording, 4 sequences"));
    run_sql(path, "UPDATE step SET verify_ns = 0; UPDATE draft SET accepted = -1");
    assert_int_equal(RUN("traces", "check", "--db", path), ERR_FAILED);
    assert_non_null(strstr(out, "invariant 4: accepted -1"));
    assert_non_null(strstr(out, "invariant 6: verification"));
    assert_int_equal(RUN("traces", "check", "--db", path, "--json"), ERR_FAILED);
    json_t *all = json_loads(out, 0, NULL);
    assert_true(json_is_false(json_object_get(all, "whole")));
    assert_int_equal(json_array_size(json_object_get(all, "findings")), 2);
    json_decref(all);
}

static void test_wrong_words_are_misuse(void **state) {
    const char *out;
    struct err err;
    assert_int_equal(RUN("traces", "infos"), ERR_USAGE);
    assert_non_null(strstr(err.text, "unknown word 'infos'"));
    assert_int_equal(RUN("traces", "info"), ERR_USAGE);
    assert_int_equal(RUN("traces", "check", "a", "b"), ERR_USAGE);
    assert_int_equal(RUN("traces", "check", "--help"), 0);
    assert_non_null(strstr(out, "usage: banditspec traces check"));
    assert_int_equal(RUN("traces", "--help"), 0);
    assert_non_null(strstr(out, "info"));
}

int main(void) {
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        CASE(test_info_figures_equal_the_rows),
        CASE(test_info_prints_tables),
        CASE(test_check_reports_every_finding_and_fails),
        CASE(test_wrong_words_are_misuse),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
