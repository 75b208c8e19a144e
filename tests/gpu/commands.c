/* commands.c - record, replay, live and traces check with --backend cuda on the emulation; and what a user reads when the driver, the
 * device or its memory fails. CUEMU_FAULT (gpu/emu/cuapi.cc) makes it fail. */
#include "tests/looping.h"

#include "tests/content.h"
#include "tests/run_command.h"
#include "tests/tempdir.h"
#include "policies/policy.h"
#include "traces/check.h"

command cmd_record, cmd_live, cmd_replay, cmd_logits, cmd_bench, cmd_selftest;

static struct tempdir dir;
static char model[4200], prompts[4200], db[4200], cpu_db[4200], other[4200], live_csv[4200], replay_csv[4200];
static char length[8] = "14"; // tokens a prompt
static bool brief;

#define HEAD "eagle=tests/golden/tiny-hf/eagle-a"
#define TARGET(m) "--model", m, "--drafter", "pld", "sam", HEAD, "small@model=tests/golden/tiny-hf/a", "--threads", "1"
#define RECORD(to, ...) (char *[]){"record", TARGET("tests/golden/tiny-hf/a"), "--template", "plain", "--max-new", length, "--max-draft", "4", "--prompts", prompts, "--db", to, __VA_ARGS__, NULL}
#define LIVE(...) (char *[]){"live", TARGET("tests/golden/tiny-hf/a"), "--template", "plain", "--max-new", length, "--prompts", prompts, "--backend", "cuda", __VA_ARGS__, NULL}

static const char prompt_lines[] =
    "{\"prompt_ids\": [5, 7, 9, 11, 5, 7, 9, 11, 5, 7], \"category\": \"loop\"}\n"
    "{\"prompt_ids\": [300, 1, 17]}\n"
    "{\"prompt_ids\": [61, 62, 63, 64, 65, 66, 67, 68, 69]}\n";

static void run(command *c, const char *to, char **argv) {
    struct err err;
    if (run_command(c, &err, to, argv)) fail_msg("%s: %s", argv[0], err.text);
}

static int sequences(const char *path) {
    struct err err = {""};
    struct check c;
    if (check_trace(&c, path, &err)) fail_msg("%s", err.text);
    if (c.n) fail_msg("invariant %d: %s", c.at[0].invariant, c.at[0].text);
    return (int)c.sequences;
}

static void same_files(const char *a, const char *b) {
    char *x = read_file(a), *y = read_file(b);
    assert_true(strlen(x) > 100);
    if (strcmp(x, y)) {
        size_t at = 0, line = 1;
        for (; x[at] == y[at]; at++) line += x[at] == 10;
        fail_msg("'%s' and '%s' differ in line %zu: %.60s and %.60s", a, b, line, x + at, y + at);
    }
    free(x), free(y);
}

/* Laws 1 and 3: what was recorded on the device is replayed, and lived, round for round. */
static void test_record_replay_and_live_agree(void **state) {
    (void)state;
    static char *const policies[] = {"ucbspec", "exp3", "thompson", "ucb1"};
    int exact = 0;
    unsetenv("CUEMU_FAULT");
    setenv("BANDITSPEC_CUDA", "", 1);
    remove(db);
    for (int sampled = 0; sampled < (brief ? 1 : 2); sampled++, remove(db)) {
        char *temperature = sampled ? "0.8" : "0";
        run(cmd_record, NULL, RECORD(db, "--backend", "cuda", "--temperature", temperature));
        assert_int_equal(sequences(db), 3);
        for (int p = 0; p < (brief ? 2 : 4); p++) {
            char out[4200];
            snprintf(out, sizeof out, "%s/out", dir.path);
            run(cmd_live, out, LIVE("--temperature", temperature, "--policy", policies[p], "--seed", "7", "--check", db, "--steps", live_csv, "--arms", "plain", "pld:2,4", "eagle:1,3"));
            char *text = read_file(out);
            assert_contains(text, "replay       equals live: 3 prompts, ");
            free(text);
            if (policy_find(policies[p])->flags & POLICY_SECONDS) continue; // replay has only modelled ones
            exact++;
            run(cmd_replay, NULL, (char *[]){"replay", "--db", db, "--policy", policies[p], "--seed", "7", "--seeds", "1", "--threads", "1", "--steps", replay_csv,
                                             "--arms", "plain", "pld:2,4", "eagle:1,3", NULL});
            same_files(live_csv, replay_csv);
        }
    }
    assert_true(exact >= 1);
}

/* Tokens and accepted lengths are those of the CPU: nothing but signals (in their last bits), device and margins may differ. */
static void test_a_trace_says_what_the_cpus_says(void **state) {
    (void)state;
    setenv("BANDITSPEC_CUDA", "kv=f32", 1);
    remove(db), remove(cpu_db);
    run(cmd_record, NULL, RECORD(db, "--backend", "cuda"));
    run(cmd_record, NULL, RECORD(cpu_db, "--backend", "cpu"));
    char sql[9000];
    snprintf(sql, sizeof sql, "ATTACH '%s' AS cpu; CREATE TEMP TABLE off AS SELECT count(*) AS n FROM step JOIN cpu.step AS c USING (sequence, pos) WHERE step.token != c.token OR"
             " step.verify_width != c.verify_width; INSERT INTO off SELECT count(*) FROM draft JOIN cpu.draft AS c USING (sequence, pos, drafter)"
             " WHERE draft.proposed != c.proposed OR draft.accepted != c.accepted; INSERT INTO off SELECT (SELECT count(*) FROM draft) != (SELECT count(*) FROM cpu.draft);"
             " SELECT CASE WHEN sum(n) > 0 THEN abs(-9223372036854775808) END FROM off", cpu_db); // an overflow is an error
    run_sql(db, sql);
    assert_true(query_number(db, "SELECT count(*) FROM draft WHERE accepted > 0") > 10); // small@ is the target itself
    assert_int_equal(query_number(db, "SELECT count(*) FROM recording WHERE backend = 'cuda' AND device LIKE 'cuemu sm_90%'"), 1);
    remove(db), remove(cpu_db);
}

static void refused(const char *fault, const char *part) {
    setenv("CUEMU_FAULT", fault, 1);
    assert_refused(cmd_logits, (char *[]){"logits", "--model", "tests/golden/tiny/a-f32.gguf", "--ids", "1,2", "--backend", "cuda", NULL}, -1, part);
    unsetenv("CUEMU_FAULT");
}

static void test_what_is_missing_is_one_line(void **state) {
    (void)state;
    setenv("BANDITSPEC_CUDA", "", 1);
    refused("nodriver", "needs an NVIDIA driver, none is loaded");
    refused("olddriver", "the driver knows 11.4: a newer driver is needed");
    refused("nodevice", "finds no device");
    setenv("CUEMU_SM", "75", 1);
    refused("", "is sm_75, expected sm_80 or newer");
    unsetenv("CUEMU_SM");
    assert_refused(cmd_record, RECORD(db, "--backend", "cuda", "--device", "2"), -1, "there is no CUDA device 2, only 0 to 1");
    assert_refused(cmd_record, RECORD(db, "--backend", "cuda", "--device", "gpu"), -2, "device 'gpu', expected a number");
    run(cmd_record, NULL, RECORD(db, "--backend", "cuda", "--device", "1", "--limit", "1"));
    remove(db);
}

/* Too little memory is said before anything is allocated, with a way out that works; and any allocation may fail. */
static void test_memory_that_does_not_do_is_said_with_a_way_out(void **state) {
    (void)state;
    struct err err;
    char way[32], *at;
    // 42 MB: the model and its buffers fit beside what the backend itself takes, a context of 4096 does not
    char *argv[] = {"bench", "--model", "tests/golden/tiny/a-f32.gguf", "--backend", "cuda", "--widths", "1", "--contexts", "64", "--batches", "64", "--repeats", "1", NULL};
    setenv("CUEMU_MEMORY", "36000000", 1);
    assert_int_equal(run_command(cmd_bench, &err, NULL, argv), -1);
    assert_contains(err.text, "'tiny a' needs ");
    assert_contains(err.text, " GiB on the device, ");
    setenv("CUEMU_MEMORY", "60000000", 1);
    char *record[] = {"record", "--model", "tests/golden/tiny/a-f32.gguf", "--drafter", "pld", "--template", "plain", "--threads", "1", "--max-new", "8", "--max-draft", "2", "--prompts", prompts, "--db", db, "--backend", "cuda", NULL, NULL, NULL};
    run(cmd_record, NULL, record);
    remove(db);
    for (long bytes = 38000000; ; bytes += 250000) { // the smallest that the check lets pass must do
        char text[24];
        snprintf(text, sizeof text, "%ld", bytes);
        setenv("CUEMU_MEMORY", text, 1);
        if (!run_command(cmd_record, &err, NULL, record)) break;
        assert_true(bytes < 60000000);
        assert_contains(err.text, " GiB free: ");
        if ((at = strstr(err.text, "--max-context ")) && sscanf(at, "--max-context %31[0-9]", way) == 1) {
            record[19] = "--max-context", record[20] = way;
            run(cmd_record, NULL, record);
            record[19] = NULL;
            remove(db);
        }
    }
    remove(db);
    unsetenv("CUEMU_MEMORY");
    int failures = 0;
    for (int n = 1; n < 400; n += brief ? 23 : 7) {
        char fault[24];
        snprintf(fault, sizeof fault, "oom:%d", n);
        setenv("CUEMU_FAULT", fault, 1);
        if (!run_command(cmd_logits, &err, NULL, (char *[]){"logits", "--model", "tests/golden/tiny/a-f32.gguf", "--ids", "1,2", "--backend", "cuda", NULL})) continue;
        assert_contains(err.text, "out of memory");
        assert_null(strchr(err.text, '\n'));
        failures++;
    }
    unsetenv("CUEMU_FAULT");
    assert_true(failures >= 1);
}

/* The device goes away at some launch: the trace is whole, and the same command goes on to the same trace. */
static void test_a_lost_device_loses_at_most_the_prompt_in_flight(void **state) {
    (void)state;
    struct err err;
    int stopped = 0, between = 0;
    setenv("BANDITSPEC_CUDA", "", 1);
    remove(other), remove(db);
    run(cmd_record, NULL, RECORD(other, "--backend", "cuda"));
    const uint64_t whole = content_of(other);
    for (int launch = 40, step = 0; step < (brief ? 2 : 6); launch += brief ? 700 : 600, step++) {
        char fault[32];
        snprintf(fault, sizeof fault, "lost:%d", launch);
        setenv("CUEMU_FAULT", fault, 1);
        const int rc = run_command(cmd_record, &err, NULL, RECORD(db, "--backend", "cuda"));
        unsetenv("CUEMU_FAULT");
        if (!rc) break;
        stopped++;
        assert_contains(err.text, "CUDA device 0");
        assert_null(strchr(err.text, '\n'));
        FILE *f = fopen(db, "rb");
        if (f) fclose(f), between += sequences(db) > 0 && sequences(db) < 3;
        run(cmd_record, NULL, RECORD(db, "--backend", "cuda"));
        assert_int_equal(content_of(db), whole);
        remove(db);
    }
    print_message("  lost %d times, %d of them between two sequences\n", stopped, between);
    assert_true(stopped >= 2 && (between >= 1 || brief));
    remove(other);
}

/* The command that an owner of a card runs first; and it does say FAIL. */
static void test_the_selftest_passes_and_can_fail(void **state) {
    (void)state;
    struct err err;
    char out[4200], *argv[] = {"selftest", "--backend", "cuda", "--tries", "1", "--large", "256", "--threads", "1", NULL};
    if (brief) return;
    setenv("BANDITSPEC_CUDA", "", 1);
    snprintf(out, sizeof out, "%s/out", dir.path);
    run(cmd_selftest, out, argv);
    char *text = read_file(out);
    assert_contains(text, "PASS  law 3: replay equals live");
    assert_contains(text, "36 of 36 items passed");
    assert_contains(text, "memory of 3352 GB/s");
    assert_contains(text, "product Q4_K, 256 x 256");
    assert_contains(text, "attention, 512 keys");
    assert_contains(text, "sampled choice of 773 logits");
    assert_contains(text, "a launch and a wait");
    assert_null(strstr(text, "FAIL"));
    free(text);
    setenv("CUEMU_FAULT", "lost:200", 1);
    assert_int_equal(run_command(cmd_selftest, &err, out, argv), -1);
    unsetenv("CUEMU_FAULT");
    assert_contains(err.text, "of backend 'cuda' failed");
    text = read_file(out);
    assert_contains(text, "FAIL  law 2");
    free(text);
    setenv("CUEMU_FAULT", "nodriver", 1);
    assert_refused(cmd_selftest, argv, -1, "needs an NVIDIA driver");
    unsetenv("CUEMU_FAULT");
}

static int setup(void **state) {
    static const struct { char *path; const char *name; } files[] = {{model, "looping.gguf"}, {prompts, "p.jsonl"}, {db, "cuda.db"}, {cpu_db, "cpu.db"}, {other, "other.db"},
        {live_csv, "live.csv"}, {replay_csv, "replay.csv"}};
    (void)state;
    if (tempdir_open(&dir)) return -1;
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) snprintf(files[i].path, sizeof model, "%s/%s", dir.path, files[i].name);
    write_file(prompts, prompt_lines);
    return 0;
}

static int teardown(void **state) {
    (void)state;
    tempdir_close(&dir);
    return 0;
}

int main(int argc, char **argv) {
    brief = argc > 1 && !strcmp(argv[1], "brief"); // in the slow modes
    if (brief) strcpy(length, "8");
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_record_replay_and_live_agree),
        cmocka_unit_test(test_a_trace_says_what_the_cpus_says),
        cmocka_unit_test(test_what_is_missing_is_one_line),
        cmocka_unit_test(test_memory_that_does_not_do_is_said_with_a_way_out),
        cmocka_unit_test(test_a_lost_device_loses_at_most_the_prompt_in_flight),
        cmocka_unit_test(test_the_selftest_passes_and_can_fail),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
