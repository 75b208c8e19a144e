/* test_table.c - a plain matrix as a world, and published arm sequences through the command. */
#include "tests/make_trace.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdlib.h>

#include "policies/policy.h"
#include "sim/episode.h"
#include "sim/matrix.h"
#include "sim/world_table.h"
#include "tests/run_replay.h"
#include "tests/tempdir.h"

static void write_file(const char *path, const char *text) {
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

static int parse(const char *text, int L, struct err *err) {
    struct matrix m;
    struct table t;
    *err = (struct err){""};
    int rc = matrix_parse(&m, "f.csv", text, strlen(text), err);
    if (rc) return rc;
    rc = table_open(&t, &m, NULL, L, err);
    if (!rc) table_close(&t);
    matrix_close(&m);
    return rc;
}

static void test_table_reads_csv(void **state) {
    (void)state;
    struct err err = {""};
    assert_int_equal(parse("1,2\n3,5\n", 4, &err), 0);
    assert_int_equal(parse(" 1 ,2\r\n3,5", 4, &err), 0);
    assert_int_equal(parse("1,2\n3,5\n\n\r\n", 4, &err), 0);
}

static void test_table_names_line_and_column_of_a_bad_cell(void **state) {
    (void)state;
    struct err err;
    assert_int_equal(parse("1,2\n3,x\n", 4, &err), ERR_FAILED);
    assert_string_equal(err.text, "cell 'x' in line 2, column 2 of 'f.csv' is not a number");
    assert_int_equal(parse("1,2\n3,6\n", 4, &err), ERR_FAILED);
    assert_string_equal(err.text, "cell 6 in line 2, column 2 of 'f.csv', expected a whole number from 1 to 5 (--gamma + 1)");
    assert_int_equal(parse("1,2\n0,1\n", 4, &err), ERR_FAILED);
    assert_string_equal(err.text, "cell 0 in line 2, column 1 of 'f.csv', expected a whole number from 1 to 5 (--gamma + 1)");
    assert_int_equal(parse("1.5\n", 4, &err), ERR_FAILED);
    assert_int_equal(parse("1,2\n3\n", 4, &err), ERR_FAILED);
    assert_string_equal(err.text, "line 2 of 'f.csv' has 1 columns, expected 2 as in line 1");
    assert_int_equal(parse("1,\n", 4, &err), ERR_FAILED);
    assert_string_equal(err.text, "cell '' in line 1, column 2 of 'f.csv' is not a number");
    assert_int_equal(parse("1,2\n\n3,4\n", 4, &err), ERR_FAILED);
    assert_int_equal(parse("nan,2\n", 4, &err), ERR_FAILED);
    assert_int_equal(parse("", 4, &err), ERR_FAILED);
    assert_string_equal(err.text, "file 'f.csv' holds no rows, expected numbers separated by commas");
    assert_int_equal(parse("1\n", 0, &err), ERR_USAGE);
}

static void test_table_pays_cell_and_seconds_of_the_round(void **state) {
    (void)state;
    struct err err = {""};
    struct matrix cells, seconds;
    struct table t;
    struct outcome o;
    assert_int_equal(matrix_parse(&cells, "c", "1,2\n3,5\n", 8, &err), 0);
    assert_int_equal(matrix_parse(&seconds, "s", "0.5,1\n2,4\n", 10, &err), 0);
    assert_int_equal(table_open(&t, &cells, &seconds, 4, &err), 0);
    struct world_table w = world_table(&t);
    assert_int_equal(w.world.type->start(&w.world, 0, &err), 0);
    assert_int_equal(w.world.type->round(&w.world, &t.arms[1], &o, &err), 0);
    assert_true(o.emitted == 2 && o.accepted == 1 && o.proposed == 4 && o.gamma == 4 && o.verify_s == 1 && !w.world.done);
    assert_int_equal(w.world.type->round(&w.world, &t.arms[0], &o, &err), 0);
    assert_true(o.emitted == 3 && o.verify_s == 2 && w.world.done);
    table_close(&t);
    seconds.at[3] = 0;
    assert_int_equal(table_open(&t, &cells, &seconds, 4, &err), ERR_FAILED);
    assert_string_equal(err.text, "cell 0 in line 2, column 2 of 's', expected seconds above 0");
    seconds.rows = 1;
    assert_int_equal(table_open(&t, &cells, &seconds, 4, &err), ERR_FAILED);
    assert_string_equal(err.text, "file 's' has 1 rows and 2 columns, expected 2 and 2 as in 'c'");
    matrix_close(&cells);
    matrix_close(&seconds);
}

/* -- tests/golden/policies/bandits.json -- */

static json_t *cases(json_t **root) {
    *root = json_load_file("tests/golden/policies/bandits.json", 0, NULL);
    assert_non_null(*root);
    return json_object_get(*root, "cases");
}

static double number(const json_t *x, const char *key) { return json_number_value(json_object_get(x, key)); }

/* The case's Y[arm][round] as CSV (a line a round), its uniforms one a line. */
static void write_case(const json_t *x, const char *table, const char *uniforms) {
    FILE *f = fopen(table, "w"), *u = fopen(uniforms, "w");
    const json_t *Y = json_object_get(x, "Y"), *U = json_object_get(x, "uniforms");
    assert_true(f && u);
    for (size_t r = 0; r < json_array_size(json_array_get(Y, 0)); r++)
        for (size_t k = 0; k < json_array_size(Y); k++)
            fprintf(f, "%lld%s", (long long)json_integer_value(json_array_get(json_array_get(Y, k), r)), k + 1 < json_array_size(Y) ? "," : "\n");
    for (size_t i = 0; i < json_array_size(U); i++) fprintf(u, "%.17g\n", json_number_value(json_array_get(U, i)));
    fclose(f);
    fclose(u);
}

/* The arms column and the emitted sum of a steps file. */
static void check_steps(const char *path, const char *spec, const json_t *expected) {
    const json_t *arms = json_object_get(expected, "arms");
    char line[512], want[300];
    FILE *f = fopen(path, "r");
    size_t n = 0;
    long total = 0;
    assert_non_null(f);
    assert_non_null(fgets(line, sizeof line, f));
    assert_string_equal(line, "policy,seed,sequence,round,pos,arm,drafter,gamma,proposed,accepted,emitted\n");
    snprintf(want, sizeof want, strchr(spec, ',') ? "\"%s\"," : "%s,", spec);
    for (; fgets(line, sizeof line, f); n++) {
        int seed, sequence, round, pos, arm, drafter, gamma, proposed, accepted, emitted;
        assert_memory_equal(line, want, strlen(want));
        assert_int_equal(sscanf(line + strlen(want), "%d,%d,%d,%d,%d,%d,%d,%d,%d,%d", &seed, &sequence, &round, &pos, &arm, &drafter, &gamma,
                                &proposed, &accepted, &emitted), 10);
        assert_int_equal(arm, json_integer_value(json_array_get(arms, n)));
        assert_int_equal(round, n);
        assert_int_equal(pos, 1 + total);
        assert_int_equal(emitted, accepted + 1);
        assert_int_equal(drafter, arm);
        total += emitted;
    }
    fclose(f);
    assert_int_equal(n, json_array_size(arms));
    assert_int_equal(total, number(expected, "total_tokens"));
}

static void test_replay_plays_the_published_arm_sequences(void **state) {
    (void)state;
    struct tempdir dir;
    struct err err;
    json_t *root, *list = cases(&root), *x;
    size_t i;
    assert_int_equal(tempdir_open(&dir), 0);
    json_array_foreach(list, i, x) {
        char table[4200], uniforms[4200], steps[4200], gamma[16], ucbspec[64];
        snprintf(table, sizeof table, "%s/y.csv", dir.path);
        snprintf(uniforms, sizeof uniforms, "%s/u.txt", dir.path);
        snprintf(steps, sizeof steps, "%s/steps.csv", dir.path);
        snprintf(gamma, sizeof gamma, "%d", (int)number(x, "L"));
        snprintf(ucbspec, sizeof ucbspec, "ucbspec:delta=%g", number(x, "delta"));
        write_case(x, table, uniforms);
        assert_int_equal(replay(&err, NULL, (char *[]){"replay", "--table", table, "--gamma", gamma, "--policy", ucbspec, "--steps", steps, NULL}), 0);
        check_steps(steps, number(x, "delta") == 0.5 ? "ucbspec" : ucbspec, json_object_get(x, "ucbspec"));
        assert_int_equal(replay(&err, NULL, (char *[]){"replay", "--table", table, "--gamma", gamma, "--policy", "exp3spec", "--steps", steps,
                                                       "--uniforms", uniforms, NULL}), 0);
        check_steps(steps, "exp3spec", json_object_get(x, "exp3spec"));
    }
    assert_int_equal(i, 9);
    json_decref(root);
    tempdir_close(&dir);
}

static void test_replay_table_reports_tokens_and_best_column(void **state) {
    (void)state;
    struct tempdir dir;
    struct err err;
    assert_int_equal(tempdir_open(&dir), 0);
    char table[4200], seconds[4200], out[4200];
    snprintf(table, sizeof table, "%s/y.csv", dir.path);
    snprintf(seconds, sizeof seconds, "%s/s.csv", dir.path);
    snprintf(out, sizeof out, "%s/out.json", dir.path);
    write_file(table, "1,2\n3,5\n4,1\n");
    write_file(seconds, "1,1\n1,2\n1,1\n");
    assert_int_equal(replay(&err, out, (char *[]){"replay", "--table", table, "--gamma", "4", "--policy", "fixed:arm={0,1}", "random", "--table-seconds",
                                                  seconds, "--seeds", "3", "--json", NULL}), 0);
    json_t *x = json_load_file(out, 0, NULL), *rows = json_object_get(x, "policies"), *first = NULL;
    assert_int_equal(json_array_size(rows), 3);
    size_t i;
    json_t *row;
    json_array_foreach(rows, i, row)
        if (!strcmp(json_string_value(json_object_get(row, "spec")), "fixed:arm=1")) first = row;
    assert_non_null(first);
    assert_true(number(first, "tokens") == 8 && number(first, "seconds") == 4 && number(first, "tokens_per_s") == 2 && number(first, "regret_tokens") == 0);
    assert_true(number(json_array_get(json_object_get(x, "references"), 1), "tokens") == 11);
    json_decref(x);
    tempdir_close(&dir);
}

static void test_replay_table_refuses_what_makes_no_sense(void **state) {
    (void)state;
    struct tempdir dir;
    struct err err;
    assert_int_equal(tempdir_open(&dir), 0);
    char table[4200], uniforms[4200];
    snprintf(table, sizeof table, "%s/y.csv", dir.path);
    snprintf(uniforms, sizeof uniforms, "%s/u.txt", dir.path);
    write_file(table, "1,2\n3,5\n4,1\n");
    write_file(uniforms, "0.5 1.5\n");
    assert_int_equal(replay(&err, NULL, (char *[]){"replay", NULL}), ERR_USAGE);
    assert_int_equal(replay(&err, NULL, (char *[]){"replay", "--table", table, NULL}), ERR_USAGE);
    assert_int_equal(replay(&err, NULL, (char *[]){"replay", "--table", table, "--gamma", "4", "--results", "r.db", NULL}), ERR_USAGE);
    assert_int_equal(replay(&err, NULL, (char *[]){"replay", "--table", table, "--gamma", "4", "--policy", "clairvoyant", NULL}), ERR_USAGE);
    assert_int_equal(replay(&err, NULL, (char *[]){"replay", "--table", table, "--gamma", "4", "--uniforms", uniforms, NULL}), ERR_FAILED);
    assert_non_null(strstr(err.text, "number 2 of "));
    write_file(uniforms, "0.5\n0.25,x\n");
    assert_int_equal(replay(&err, NULL, (char *[]){"replay", "--table", table, "--gamma", "4", "--uniforms", uniforms, NULL}), ERR_FAILED);
    assert_non_null(strstr(err.text, "'x' in line 2 of "));
    write_file(uniforms, "0.5\n");
    assert_int_equal(replay(&err, NULL, (char *[]){"replay", "--table", table, "--gamma", "4", "--policy", "random", "--uniforms", uniforms, NULL}), ERR_FAILED);
    assert_non_null(strstr(err.text, "needs more than the 1 uniforms given"));
    assert_int_equal(replay(&err, NULL, (char *[]){"replay", "--table", table, "--gamma", "4", "--policy", "none", NULL}), ERR_USAGE);
    assert_int_equal(replay(&err, NULL, (char *[]){"replay", "--table", table, "--gamma", "4", NULL}), 0); // 'none' sits out unless named
    assert_int_equal(replay(&err, NULL, (char *[]){"replay", "--table", "/nonexistent.csv", "--gamma", "4", NULL}), ERR_FAILED);
    tempdir_close(&dir);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table_reads_csv),
        cmocka_unit_test(test_table_names_line_and_column_of_a_bad_cell),
        cmocka_unit_test(test_table_pays_cell_and_seconds_of_the_round),
        cmocka_unit_test(test_replay_plays_the_published_arm_sequences),
        cmocka_unit_test(test_replay_table_reports_tokens_and_best_column),
        cmocka_unit_test(test_replay_table_refuses_what_makes_no_sense),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
