/* test_export.c - rows of a trace as CSV and JSON Lines, and answer files as approximate traces. */
#include "tests/make_trace.h"

#include <jansson.h>

#include "traces/answers.h"
#include "traces/check.h"
#include "tests/run_command.h"
#include "tests/run_replay.h"
#include "tests/synth.h"
#include "tests/tempdir.h"

command cmd_traces;

static struct tempdir dir;
static char db[4200], out[4200];

static void run_traces(char **argv) {
    struct err err;
    if (run_command(cmd_traces, &err, NULL, argv)) fail_msg("%s", err.text);
}

/* The same with what it prints in `out`. */
static void show_traces(char **argv) {
    struct err err;
    if (run_command(cmd_traces, &err, out, argv)) fail_msg("%s", err.text);
}

static void test_export_writes_every_draft_as_it_is(void **state) {
    (void)state;
    struct trace t;
    struct err err = {""};
    run_traces((char *[]){"traces", "export", db, "--rows", "drafts", "--out", out, NULL});
    if (trace_open(&t, db, 0, &err)) fail_msg("%s", err.text);
    FILE *f = fopen(out, "r");
    char line[512], category[64], name[64], kind[64], key[32];
    assert_non_null(fgets(line, sizeof line, f));
    assert_string_equal(line, "recording,sequence,prompt_key,category,question,pos,drafter,kind,proposed,accepted,draft_ns\n");
    size_t n = 0;
    for (int q = 0; q < t.Q; q++)
        for (int pos = 1; pos < t.sequences[q].tokens; pos++)
            for (int d = 0; d < t.D; d++, n++) {
                int recording, sequence, at, proposed, accepted;
                assert_non_null(fgets(line, sizeof line, f));
                assert_int_equal(sscanf(line, "%d,%d,%31[^,],%63[^,],,%d,%63[^,],%63[^,],%d,%d,", &recording, &sequence, key, category, &at, name, kind, &proposed, &accepted), 9);
                assert_int_equal(sequence, q);
                assert_int_equal(at, pos);
                assert_string_equal(name, t.drafters[d].name);
                assert_string_equal(category, t.sequences[q].category);
                assert_int_equal(proposed, t.proposed[trace_cell(&t, d, q, pos)]);
                assert_int_equal(accepted, t.accepted[trace_cell(&t, d, q, pos)]);
            }
    assert_null(fgets(line, sizeof line, f));
    assert_int_equal(n, t.cells * (size_t)t.D);
    fclose(f);
    trace_close(&t);
}

static void test_export_as_json_reads_back_with_its_confidences(void **state) {
    (void)state;
    run_sql(db, "UPDATE sequence SET category = 'a \"b\"' || char(9) || '\\' WHERE ordinal = 1");
    run_traces((char *[]){"traces", "export", db, "--format", "jsonl", "--signal", "--out", out, NULL});
    FILE *f = fopen(out, "r");
    char line[2048];
    size_t rows = 0, signals = 0;
    while (fgets(line, sizeof line, f)) {
        json_t *row = json_loads(line, 0, NULL);
        assert_non_null(row);
        rows++;
        if (json_integer_value(json_object_get(row, "sequence")) == 1) assert_string_equal(json_string_value(json_object_get(row, "category")), "a \"b\"\t\\");
        size_t n = json_array_size(json_object_get(row, "signal")), proposed = (size_t)json_integer_value(json_object_get(row, "proposed"));
        bool model = !strcmp(json_string_value(json_object_get(row, "kind")), "model");
        assert_int_equal(n, model ? 2 * proposed : 1);
        signals += n;
        json_decref(row);
    }
    fclose(f);
    assert_int_equal(rows, query_number(db, "SELECT count(*) FROM draft"));
    assert_int_equal(4 * (int64_t)signals, query_number(db, "SELECT sum(length(signal)) FROM draft"));
    run_traces((char *[]){"traces", "export", db, "--rows", "sequences", "--out", out, NULL});
    char *text = read_file(out);
    assert_contains(text, "\"a \"\"b\"\"\t\\\"");
    free(text);
    run_traces((char *[]){"traces", "export", db, "--rows", "steps", "--format", "jsonl", "--out", out, NULL});
    text = read_file(out);
    assert_contains(text, "\"margin\":0.5,");
    free(text);
}

static void test_export_refuses_what_it_cannot_write(void **state) {
    (void)state;
    assert_refused(cmd_traces, (char *[]){"traces", "export", db, "--rows", "cows", NULL}, ERR_USAGE, "got 'cows'");
    assert_refused(cmd_traces, (char *[]){"traces", "export", db, "--format", "xml", NULL}, ERR_USAGE, "got 'xml'");
    assert_refused(cmd_traces, (char *[]){"traces", "export", db, "--recording", "9", NULL}, ERR_FAILED, "holds no recording 9");
    assert_refused(cmd_traces, (char *[]){"traces", "export", db, "--out", "/no/such/file", NULL}, ERR_FAILED, "cannot open '/no/such/file'");
    assert_refused(cmd_traces, (char *[]){"traces", "export", db, "--out", "/dev/full", NULL}, ERR_FAILED, "cannot write '/dev/full'");
}

static void assert_holds(const char *path, const char *text) {
    char *now = read_file(path);
    assert_string_equal(now, text);
    free(now);
}

static void test_a_failed_export_leaves_the_old_file(void **state) {
    (void)state;
    char other[4200], part[4300];
    snprintf(other, sizeof other, "%s", tempdir_file(&dir, "text.db"));
    snprintf(part, sizeof part, "%s.part", out);
    write_file(other, "no trace, but a text");
    const char *const bad[] = {"/no/such.db", other};
    for (int i = 0; i < 2; i++) {
        write_file(out, "kept");
        assert_refused(cmd_traces, (char *[]){"traces", "export", (char *)bad[i], "--out", out, NULL}, ERR_FAILED, bad[i]);
        assert_holds(out, "kept");
    }
    assert_refused(cmd_traces, (char *[]){"traces", "export", db, "--recording", "9", "--out", out, NULL}, ERR_FAILED, "holds no recording 9");
    assert_holds(out, "kept");
    assert_int_equal(access(part, F_OK), -1);
}

static void test_what_is_read_is_not_written_over(void **state) {
    (void)state;
    char alias[4200];
    snprintf(alias, sizeof alias, "%s", tempdir_file(&dir, "alias.db"));
    assert_int_equal(link(db, alias), 0);
    int64_t steps = query_number(db, "SELECT count(*) FROM step");
    assert_refused(cmd_traces, (char *[]){"traces", "export", db, "--out", db, NULL}, ERR_FAILED, "' is what is read; give another --out");
    assert_refused(cmd_traces, (char *[]){"traces", "export", db, "--out", alias, NULL}, ERR_FAILED, "' is what is read; give another --out");
    assert_int_equal(query_number(db, "SELECT count(*) FROM step"), steps);
    remove(alias);
}

/* -- import -- */

static const char specbench[] = // emitted tokens, Spec-Bench's own fields
    "{\"question_id\": 81, \"category\": \"writing\", \"answer_id\": \"x\", \"model_id\": \"vicuna-eagle\", \"choices\": [{\"index\": 0, \"turns\": [\"a\", \"b\"],"
    " \"decoding_steps\": [2, 2], \"new_tokens\": [5, 5], \"wall_time\": [0.08, 0.04], \"accept_lengths\": [3, 2, 4, 1]}], \"tstamp\": 1.5}\n"
    "\n{\"question_id\": 82, \"category\": \"math\", \"choices\": [{\"new_tokens\": [6], \"wall_time\": [0.06], \"accept_lengths\": [1, 5]}]}\r\n"
    "{\"question_id\": 83, \"category\": \"math\", \"choices\": [{\"turns\": [\"ERROR\"], \"new_tokens\": [0], \"wall_time\": [0], \"accept_lengths\": []}]}\n";
static const char eagle[] = // accepted tokens; no choices
    "{\"question_id\": \"81\", \"accept_lengths\": [0, 2, 3], \"new_tokens\": 8, \"wall_time\": 0.15}\n"
    "{\"question_id\": 82, \"accept_lengths\": [1], \"new_tokens\": 2, \"wall_time\": 0.05}\n";

static void test_import_keeps_what_was_logged_and_draws_the_rest(void **state) {
    (void)state;
    char a[4200], b[4200], word[4300], path[4200];
    struct err err = {""};
    struct trace t;
    snprintf(a, sizeof a, "%s", tempdir_file(&dir, "spec.bench.jsonl")), snprintf(b, sizeof b, "%s", tempdir_file(&dir, "eagle.jsonl"));
    write_file(a, specbench), write_file(b, eagle);
    snprintf(word, sizeof word, "two@%s", b), snprintf(path, sizeof path, "%s", tempdir_file(&dir, "import.db"));
    run_traces((char *[]){"traces", "import", path, "--answers", a, word, NULL});
    struct check c;
    if (check_trace(&c, path, &err) || trace_open(&t, path, 0, &err)) fail_msg("%s", err.text);
    if (c.n) fail_msg("invariant %d: %s", c.at[0].invariant, c.at[0].text);
    assert_string_equal(t.target, "approximation of vicuna-eagle"); // what reports and pictures print
    assert_string_equal(t.drafters[0].name, "spec");
    assert_string_equal(t.drafters[1].name, "two");
    assert_int_equal(t.Q, 2); // 83 has no round
    assert_int_equal(t.sequences[0].tokens, 11); // 1 + 3 + 2 + 4 + 1
    assert_int_equal(t.sequences[1].tokens, 7);
    assert_true(t.sequences[1].eos && !t.sequences[0].eos);
    assert_string_equal(t.sequences[0].question, "81");
    assert_string_equal(t.sequences[1].category, "math");
    assert_int_equal(t.drafters[0].max_draft, 4);
    assert_int_equal(t.drafters[1].max_draft, 3);
    const struct { int d, q, pos, accepted; } logged[] = {{0, 0, 1, 2}, {0, 0, 4, 1}, {0, 0, 6, 3}, {0, 0, 10, 0}, {0, 1, 1, 0}, {0, 1, 2, 4},
                                                          {1, 0, 1, 0}, {1, 0, 2, 2}, {1, 0, 5, 3}, {1, 1, 1, 1}};
    for (size_t i = 0; i < sizeof logged / sizeof *logged; i++)
        assert_int_equal(t.accepted[trace_cell(&t, logged[i].d, logged[i].q, logged[i].pos)], logged[i].accepted);
    for (int pos = 1; pos < 5; pos++) assert_int_equal(t.accepted[trace_cell(&t, 1, 1, pos)], 1); // one length only: nothing else can be drawn
    // question 81: rounds of 0.03 s and 0.05 s; 82: 0.03 s and 0.05 s
    assert_int_equal(query_number(path, "SELECT max(abs(verify_ns - 30000001)) FROM step"), 0);
    assert_int_equal(query_number(path, "SELECT max(draft_ns) FROM draft WHERE drafter = 1"), 0);
    assert_int_equal(query_number(path, "SELECT max(abs(draft_ns - 20000000)) FROM draft WHERE drafter = 2 AND proposed = 3") < 10, 1);
    assert_int_equal(replay(&err, out, (char *[]){"replay", "--db", path, "--policy", "none", "--json", NULL}), 0);
    char *text = read_file(out);
    assert_contains(text, "\"recorded\": false");
    assert_contains(text, "an approximation from one-arm logs");
    free(text);
    assert_int_equal(replay(&err, out, (char *[]){"replay", "--db", path, "--policy", "none", NULL}), 0);
    text = read_file(out);
    assert_contains(text, "an approximation from one-arm logs");
    free(text);
    trace_close(&t);
}

static void test_import_tells_emitted_from_accepted(void **state) {
    (void)state;
    static const struct { const char *line; enum answer_lengths want; } cases[] = {
        {"{\"question_id\":1,\"accept_lengths\":[1,2,3],\"new_tokens\":6}", LENGTHS_EMITTED},
        {"{\"question_id\":1,\"accept_lengths\":[1,2,3],\"new_tokens\":9}", LENGTHS_ACCEPTED},
        {"{\"question_id\":1,\"accept_lengths\":[1,2,3]}", LENGTHS_EMITTED},
        {"{\"question_id\":1,\"accept_lengths\":[0,2,3]}", LENGTHS_ACCEPTED},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct answers a;
        struct err err = {""};
        write_file(out, cases[i].line);
        if (answers_open(&a, out, LENGTHS_AUTO, &err)) fail_msg("%s", err.text);
        assert_int_equal(a.lengths, cases[i].want);
        assert_int_equal(a.at[0].accepted[2], cases[i].want == LENGTHS_EMITTED ? 2 : 3);
        answers_close(&a);
    }
}

static void test_import_adds_no_second_recording_unasked(void **state) {
    (void)state;
    char path[4200];
    snprintf(path, sizeof path, "%s", tempdir_file(&dir, "once.db"));
    write_file(out, specbench);
    run_traces((char *[]){"traces", "import", path, "--answers", out, NULL});
    run_traces((char *[]){"traces", "import", path, "--answers", out, NULL});
    assert_refused(cmd_traces, (char *[]){"traces", "import", path, "--answers", out, "--seed", "3", NULL}, ERR_FAILED, "once.db' holds another recording");
    assert_int_equal(query_number(path, "SELECT count(*) FROM recording"), 1);
    run_traces((char *[]){"traces", "import", path, "--answers", out, "--seed", "3", "--add", NULL});
    assert_int_equal(query_number(path, "SELECT count(*) FROM recording"), 2);
}

/* EAGLE's scripts log no accept_lengths of plain decoding. */
static void test_import_takes_plain_decoding_without_lengths(void **state) {
    (void)state;
    char a[4200], plain[4200], path[4200];
    snprintf(a, sizeof a, "%s", tempdir_file(&dir, "method.jsonl")), snprintf(plain, sizeof plain, "%s", tempdir_file(&dir, "plain.jsonl"));
    snprintf(path, sizeof path, "%s", tempdir_file(&dir, "plain.db"));
    write_file(a, specbench);
    write_file(plain, "{\"question_id\":81,\"choices\":[{\"turns\":[\"a\",\"b\"],\"idxs\":[3,4],\"new_tokens\":[4,6],\"wall_time\":[0.1,0.1]}]}\n"
                      "{\"question_id\":82,\"choices\":[{\"new_tokens\":[5],\"wall_time\":[0.05]}]}\n");
    for (int again = 0; again < 2; again++) { // the second time nothing is left to write, and the times were logged all the same
        show_traces((char *[]){"traces", "import", path, "--answers", a, "--plain", plain, NULL});
        char *text = read_file(out);
        assert_contains(text, "holds 2 questions");
        assert_null(strstr(text, "no times were logged"));
        free(text);
    }
    // a token took 0.02 s of question 81 and 0.01 s of question 82, a round 0.03 s
    assert_int_equal(query_number(path, "SELECT max(abs(verify_ns - 20000001)) FROM step WHERE sequence = 1"), 0);
    assert_int_equal(query_number(path, "SELECT max(abs(verify_ns - 10000001)) FROM step WHERE sequence = 2"), 0);
    write_file(plain, "{\"question_id\":81,\"wall_time\":1}\n");
    assert_refused(cmd_traces, (char *[]){"traces", "import", path, "--answers", a, "--plain", plain, NULL}, ERR_FAILED, "has neither 'new_tokens'");
    write_file(plain, "{\"question_id\":81,\"new_tokens\":2e6}\n");
    assert_refused(cmd_traces, (char *[]){"traces", "import", path, "--answers", a, "--plain", plain, NULL}, ERR_FAILED, "has 2000000 tokens");
}

/* Spec-Bench appends what it answers again, and keeps the last. */
static void test_import_takes_the_last_answer(void **state) {
    (void)state;
    struct answers a;
    struct err err = {""};
    write_file(out, "{\"question_id\":7,\"accept_lengths\":[1]}\n{\"question_id\":8,\"accept_lengths\":[5]}\n{\"question_id\":5,\"accept_lengths\":[2]}\n"
                    "{\"question_id\":8,\"accept_lengths\":[4,4]}\n{\"question_id\":8,\"accept_lengths\":[3,3,3]}\n");
    if (answers_open(&a, out, LENGTHS_EMITTED, &err)) fail_msg("%s", err.text);
    assert_int_equal(a.n, 3);
    assert_int_equal(a.replaced, 2);
    assert_string_equal(a.at[0].id, "7");
    assert_string_equal(a.at[1].id, "5");
    assert_string_equal(a.at[2].id, "8");
    assert_int_equal(a.at[2].rounds, 3);
    assert_int_equal(a.at[2].accepted[2], 2);
    answers_close(&a);
}

static void test_info_says_what_no_target_did(void **state) {
    (void)state;
    char path[4200];
    snprintf(path, sizeof path, "%s", tempdir_file(&dir, "made.db"));
    run_traces((char *[]){"traces", "synth", path, "--world", "markov", "--drafter", "a=0.5,0.2", "--sequences", "2", NULL});
    show_traces((char *[]){"traces", "info", path, NULL});
    char *text = read_file(out);
    assert_contains(text, "  a synthetic trace (world markov); no target did this\n");
    free(text);
    show_traces((char *[]){"traces", "info", db, NULL});
    text = read_file(out);
    assert_null(strstr(text, "no target did this"));
    free(text);
}

static void test_import_refuses_what_is_no_answer(void **state) {
    (void)state;
    static const struct { const char *text, *part; } cases[] = {
        {"", "holds no answer"},
        {"[1]\n", "line 1 of"},
        {"{\"question_id\":1,\"accept_lengths\":[1]}\n{\"question_id\":", "answer in line 2 of"},
        {"{\"accept_lengths\":[1]}", "has no 'question_id'"},
        {"{\"question_id\":1}", "has no list 'accept_lengths'"},
        {"{\"question_id\":1,\"accept_lengths\":[1.5]}", "as accept length 0"},
        {"{\"question_id\":1,\"accept_lengths\":[1,\"2\"]}", "as accept length 1"},
        {"{\"question_id\":1,\"accept_lengths\":[66]}", "as accept length 0"},
        {"{\"question_id\":1,\"accept_lengths\":[-1]}", "as accept length 0"},
        {"{\"question_id\":1,\"accept_lengths\":[1],\"wall_time\":[-1]}", "has a 'wall_time'"},
        {"{\"question_id\":1,\"accept_lengths\":[]}", "has no question with rounds"},
    };
    char path[4200];
    snprintf(path, sizeof path, "%s", tempdir_file(&dir, "bad.db"));
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        write_file(out, cases[i].text);
        assert_refused(cmd_traces, (char *[]){"traces", "import", path, "--answers", out, NULL}, ERR_FAILED, cases[i].part);
    }
    write_file(out, "{\"question_id\":1,\"accept_lengths\":[0,1]}");
    assert_refused(cmd_traces, (char *[]){"traces", "import", path, "--answers", out, "--lengths", "emitted", NULL}, ERR_FAILED, "which no round emits");
    assert_refused(cmd_traces, (char *[]){"traces", "import", path, "--answers", out, "--lengths", "odd", NULL}, ERR_USAGE, "got 'odd'");
    assert_refused(cmd_traces, (char *[]){"traces", "import", path, "--answers", "/no/file", NULL}, ERR_FAILED, "cannot open answers '/no/file'");
}

static int open_dir(void **state) {
    (void)state;
    struct synth x = {.D = 2, .Q = 4, .max_new = 30, .L = 5, .seed = 2, .text = true};
    struct err err;
    if (tempdir_open(&dir)) return -1;
    snprintf(db, sizeof db, "%s", tempdir_file(&dir, "t.db")), snprintf(out, sizeof out, "%s", tempdir_file(&dir, "out"));
    return synth_write(db, &x, &err);
}
static int close_dir(void **state) { (void)state; return tempdir_close(&dir), 0; }

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_export_writes_every_draft_as_it_is),
        cmocka_unit_test(test_export_as_json_reads_back_with_its_confidences),
        cmocka_unit_test(test_export_refuses_what_it_cannot_write),
        cmocka_unit_test(test_a_failed_export_leaves_the_old_file),
        cmocka_unit_test(test_what_is_read_is_not_written_over),
        cmocka_unit_test(test_import_keeps_what_was_logged_and_draws_the_rest),
        cmocka_unit_test(test_import_tells_emitted_from_accepted),
        cmocka_unit_test(test_import_adds_no_second_recording_unasked),
        cmocka_unit_test(test_import_takes_plain_decoding_without_lengths),
        cmocka_unit_test(test_import_takes_the_last_answer),
        cmocka_unit_test(test_info_says_what_no_target_did),
        cmocka_unit_test(test_import_refuses_what_is_no_answer),
    };
    return cmocka_run_group_tests(tests, open_dir, close_dir);
}
