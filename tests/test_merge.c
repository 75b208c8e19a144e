/* test_merge.c - `traces merge`: recordings of disjoint prompts become what one recorder would have made; nothing is taken by halves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "tests/looping.h"
#include "tests/run_command.h"
#include "tests/tempdir.h"
#include "traces/check.h"
#include "traces/trace.h"

command cmd_record, cmd_traces;

static struct tempdir dir;
static char model[4200], all[4200], first[4200], second[4200], prompts[3][4200], out[4200], more[4200];

static const char *const lines[] = {
    "{\"prompt_ids\": [5, 7, 9, 11, 5, 7, 9, 11, 5, 7], \"category\": \"loop\"}\n{\"prompt\": \"the cat and the dog\"}\n",
    "{\"turns\": [\"in the in the\"]}\n{\"prompt_ids\": [300, 1, 17]}\n",
};

static void record(const char *db, const char *of, const char *drafter) {
    struct err err;
    if (run_command(cmd_record, &err, NULL, (char *[]){"record", "--model", model, "--drafter", "pld", (char *)drafter, "--prompts", (char *)of, "--max-new", "40", "--threads", "1",
                    "--db", (char *)db, NULL})) fail_msg("%s", err.text);
}

static void merge(const char *to, char *a, char *b) {
    struct err err;
    if (run_command(cmd_traces, &err, out, (char *[]){"traces", "merge", (char *)to, "--from", a, b, NULL})) fail_msg("%s", err.text);
}

static void content(const char *path, int64_t recording, char sha[65]) {
    struct trace t;
    struct err err = {""};
    if (trace_open(&t, path, recording, &err)) fail_msg("%s", err.text);
    strcpy(sha, t.sha256);
    trace_close(&t);
}

static void assert_whole(const char *path) {
    static struct check c;
    struct err err = {""};
    if (check_trace(&c, path, &err)) fail_msg("%s", err.text);
    if (c.n) fail_msg("'%s', invariant %d: %s", path, c.at[0].invariant, c.at[0].text);
}

static void test_disjoint_prompts_become_one_recording(void **state) {
    (void)state;
    char merged[65], whole[65];
    record(all, prompts[2], "sam"), record(first, prompts[0], "sam"), record(second, prompts[1], "sam");
    merge(more, first, second);
    char *text = read_file(out);
    assert_contains(text, "2 sequences taken, 0 were there already, 1 new recording\n");
    assert_contains(text, "2 sequences taken, 0 were there already, 2 renumbered\n");
    free(text);
    assert_whole(more);
    content(more, 0, merged), content(all, 0, whole);
    assert_string_equal(merged, whole); // what one recorder would have made
    assert_int_equal(query_number(more, "SELECT count(*) FROM latency"), query_number(first, "SELECT count(*) FROM latency") + query_number(second, "SELECT count(*) FROM latency"));
    int64_t bytes = query_number(more, "SELECT sum(length(signal)) FROM draft");
    assert_int_equal(bytes, query_number(all, "SELECT sum(length(signal)) FROM draft"));
    merge(more, first, second); // again: nothing new
    text = read_file(out);
    assert_contains(text, "0 sequences taken, 2 were there already\n");
    free(text);
    content(more, 0, merged);
    assert_string_equal(merged, whole);
    assert_int_equal(query_number(more, "SELECT count(*) FROM latency"), query_number(first, "SELECT count(*) FROM latency") + query_number(second, "SELECT count(*) FROM latency"));
}

static void test_other_settings_lie_beside_each_other(void **state) {
    (void)state;
    remove(second), remove(more);
    record(second, prompts[1], "other@sam");
    merge(more, first, second);
    assert_whole(more);
    assert_int_equal(query_number(more, "SELECT count(*) FROM recording"), 2);
    assert_int_equal(query_number(more, "SELECT count(*) FROM draft d JOIN drafter x ON x.id = d.drafter JOIN sequence s ON s.id = d.sequence WHERE x.recording <> s.recording"), 0);
    char a[65], b[65];
    content(more, 2, a), content(second, 0, b);
    assert_string_equal(a, b);
}

static void test_what_does_not_agree_is_refused_whole(void **state) {
    (void)state;
    struct err err;
    remove(second), remove(more);
    record(second, prompts[2], "sam");
    run_sql(second, "UPDATE draft SET accepted = accepted - 1 WHERE accepted > 0 AND sequence = 1");
    merge(more, first, first);
    int64_t before = query_number(more, "SELECT count(*) FROM sequence");
    assert_int_equal(run_command(cmd_traces, &err, NULL, (char *[]){"traces", "merge", more, "--from", second, NULL}), -1);
    assert_contains(err.text, "sequence 0 of");
    assert_contains(err.text, "is not what");
    assert_int_equal(query_number(more, "SELECT count(*) FROM sequence"), before); // nothing of it was taken
    run_sql(second, "DELETE FROM draft WHERE sequence = 1 AND pos = 3");
    assert_refused(cmd_traces, (char *[]){"traces", "merge", more, "--from", second, NULL}, -1, "is not whole, invariant 3");
    assert_refused(cmd_traces, (char *[]){"traces", "merge", more, "--from", more, NULL}, -1, "cannot be merged into itself");
    assert_refused(cmd_traces, (char *[]){"traces", "merge", more, "--from", "no/such.db", NULL}, -1, "no such file");
    assert_refused(cmd_traces, (char *[]){"traces", "merge", prompts[0], "--from", first, NULL}, -1, "is not a banditspec trace");
    assert_refused(cmd_traces, (char *[]){"traces", "merge", more, NULL}, -2, "from");
}

static int setup(void **state) {
    static const struct { char *path; const char *name; } files[] = {{model, "looping.gguf"}, {all, "all.db"}, {first, "a.db"}, {second, "b.db"}, {prompts[0], "a.jsonl"},
        {prompts[1], "b.jsonl"}, {prompts[2], "c.jsonl"}, {out, "out"}, {more, "merged.db"}};
    (void)state;
    if (tempdir_open(&dir)) return -1;
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) snprintf(files[i].path, sizeof model, "%s/%s", dir.path, files[i].name);
    looping_model(model, 0.01f);
    char both[1000];
    snprintf(both, sizeof both, "%s%s", lines[0], lines[1]);
    write_file(prompts[0], lines[0]), write_file(prompts[1], lines[1]), write_file(prompts[2], both);
    return 0;
}

static int teardown(void **state) { return (void)state, tempdir_close(&dir), 0; }

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_disjoint_prompts_become_one_recording),
        cmocka_unit_test(test_other_settings_lie_beside_each_other),
        cmocka_unit_test(test_what_does_not_agree_is_refused_whole),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
