/* test_bench.c - `banditspec bench`: what it prints, what it stores beside recordings, and what it refuses. */
#include <jansson.h>

#include "tests/run_command.h"
#include "tests/synth.h"
#include "tests/tempdir.h"
#include "traces/check.h"

command cmd_bench, cmd_traces, cmd_replay;

#define MODEL "tests/golden/tiny/a-q4_1.gguf"
#define BENCH(...) (char *[]){"bench", "--model", MODEL, "--repeats", "3", __VA_ARGS__, NULL}
#define COUNT "SELECT count(*) FROM "

static void bench(char **argv) {
    struct err err;
    if (run_command(cmd_bench, &err, NULL, argv)) fail_msg("%s", err.text);
}

static void test_json_holds_a_row_for_each_combination_in_order(void **state) {
    (void)state;
    struct tempdir dir;
    struct err err;
    assert_false(tempdir_open(&dir));
    const char *path = tempdir_file(&dir, "out.json");
    assert_int_equal(run_command(cmd_bench, &err, path, BENCH("--batches", "1", "2", "--widths", "1", "3", "--contexts", "0", "8", "--prefill", "20", "--json")), 0);
    json_error_t where;
    json_t *out = json_load_file(path, 0, &where), *rows = json_object_get(out, "latency"), *row;
    assert_non_null(out);
    assert_true(json_real_value(json_object_get(out, "bandwidth_bytes_per_s")) > 1e8);
    assert_true(json_integer_value(json_object_get(out, "weight_bytes")) > 0);
    assert_int_equal(json_array_size(rows), 2 * 2 * 2 + 1);
    size_t i;
    json_array_foreach(rows, i, row) {
        double p10 = json_real_value(json_object_get(row, "p10_ms")), p50 = json_real_value(json_object_get(row, "p50_ms")),
               p90 = json_real_value(json_object_get(row, "p90_ms"));
        assert_true(p10 > 0 && p10 <= p50 && p50 <= p90);
        assert_int_equal(json_integer_value(json_object_get(row, "samples")), 3);
        if (i == 8) {
            assert_string_equal(json_string_value(json_object_get(row, "operation")), "prefill");
            assert_int_equal(json_integer_value(json_object_get(row, "width")), 20);
            continue;
        }
        assert_string_equal(json_string_value(json_object_get(row, "operation")), "verify");
        assert_int_equal(json_integer_value(json_object_get(row, "batch")), i / 4 ? 2 : 1);
        assert_int_equal(json_integer_value(json_object_get(row, "context")), i / 2 % 2 ? 8 : 0);
        assert_int_equal(json_integer_value(json_object_get(row, "width")), i % 2 ? 3 : 1);
    }
    json_decref(out);
    tempdir_close(&dir);
}

static void test_rows_are_stored_once_and_the_trace_stays_whole(void **state) {
    (void)state;
    struct tempdir dir;
    struct err err = {""};
    struct check check;
    assert_false(tempdir_open(&dir));
    const char *db = tempdir_file(&dir, "latency.db");
    for (int i = 0; i < 2; i++) bench(BENCH("--to", "2", "--contexts", "4", "--db", (char *)db)); // the second run replaces the first
    bench(BENCH("--widths", "5", "--contexts", "4", "--db", (char *)db));
    assert_int_equal(query_number(db, COUNT "recording"), 1);
    assert_int_equal(query_number(db, COUNT "latency"), 3);
    assert_int_equal(query_number(db, COUNT "latency WHERE operation = 'verify' AND batch = 1 AND width IN (1, 2, 5) AND context = 4 AND samples = 3"
                                            " AND 0 < p10_ns AND p10_ns <= p50_ns AND p50_ns <= p90_ns"), 3);
    bench(BENCH("--threads", "2", "--to", "2", "--contexts", "4", "--db", (char *)db)); // another setting: a recording of its own
    assert_int_equal(query_number(db, COUNT "recording"), 2);
    assert_int_equal(query_number(db, COUNT "latency"), 5);
    assert_int_equal(check_trace(&check, db, &err), 0);
    assert_int_equal(check.n, 0);
    assert_int_equal(run_command(cmd_traces, &err, NULL, (char *[]){"traces", "info", (char *)db, NULL}), 0);
    assert_refused(cmd_replay, (char *[]){"replay", "--db", (char *)db, NULL}, -1, "latency.db");
    tempdir_close(&dir);
}

static void test_rows_join_a_trace_of_recordings(void **state) {
    (void)state;
    struct tempdir dir;
    struct err err = {""};
    struct check check;
    const struct synth small = {.D = 2, .Q = 2, .max_new = 20, .L = 8, .seed = 6};
    assert_false(tempdir_open(&dir));
    const char *db = tempdir_file(&dir, "both.db");
    assert_false(synth_write(db, &small, &err));
    bench(BENCH("--widths", "1", "--db", (char *)db));
    assert_int_equal(query_number(db, COUNT "recording"), 2);
    assert_int_equal(check_trace(&check, db, &err), 0);
    assert_int_equal(check.n, 0);
    assert_int_equal(run_command(cmd_replay, &err, NULL, (char *[]){"replay", "--db", (char *)db, "--policy", "random", NULL}), 0);
    tempdir_close(&dir);
}

static void test_misuse_and_bad_files_are_one_line(void **state) {
    (void)state;
    struct tempdir dir;
    assert_false(tempdir_open(&dir));
    char *junk = (char *)tempdir_file(&dir, "junk.db");
    assert_refused(cmd_bench, BENCH("--widths", "0"), ERR_USAGE, "--widths");
    assert_refused(cmd_bench, BENCH("--widths", "two"), ERR_USAGE, "'two'");
    assert_refused(cmd_bench, BENCH("--widths", "2", "--to", "3"), ERR_USAGE, "--to");
    assert_refused(cmd_bench, BENCH("--contexts", "100000"), -1, MODEL); // longer than the model was made for
    assert_refused(cmd_bench, BENCH("--backend", "abacus"), -1, "abacus");
    write_file(junk, "not a database, long enough to be read as a header of one, at least a hundred bytes of it, all of them wrong");
    assert_refused(cmd_bench, BENCH("--db", junk), -1, "junk.db");
    tempdir_close(&dir);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_json_holds_a_row_for_each_combination_in_order),
        cmocka_unit_test(test_rows_are_stored_once_and_the_trace_stays_whole),
        cmocka_unit_test(test_rows_join_a_trace_of_recordings),
        cmocka_unit_test(test_misuse_and_bad_files_are_one_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
