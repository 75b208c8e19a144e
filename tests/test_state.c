/* test_state.c - what a policy learned, as a file: whatever was learned comes back bit for bit, and nothing else is taken for it. */
#include "tests/playing.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "core/mem.h"
#include "policies/state_file.h"
#include "tests/make_trace.h"
#include "tests/run_command.h"
#include "tests/tempdir.h"

command cmd_replay;

enum { ROUNDS = 600, HALF = 300 };

static struct tempdir dir;
static char file[4200], other[4200];

static struct agent agent_of(const char *spec, const struct problem *p) {
    struct agent a;
    struct err err;
    if (agent_open(&a, spec, p, &err)) fail_msg("%s", err.text);
    return a;
}

static void save(const struct agent *a, const char *path) {
    struct err err;
    if (state_save(a, path, &err)) fail_msg("%s", err.text);
}

static void load(struct agent *a, const char *path) {
    struct err err;
    if (state_load(a, path, &err)) fail_msg("%s", err.text);
}

static void run(struct agent *a, int from, int to, int *chosen) {
    for (int t = from; t < to; t++) chosen[t] = playing_round(a, t);
}

static void test_a_run_cut_in_two_equals_the_whole_for_every_policy(void **state) {
    (void)state;
    for (const struct policy *const *q = policies; *q; q++) {
        int want[ROUNDS], have[ROUNDS];
        struct agent whole = agent_of((*q)->name, &playing_problem), first = agent_of((*q)->name, &playing_problem);
        run(&whole, 0, ROUNDS, want);
        run(&first, 0, HALF, have);
        save(&first, file);
        struct agent second = agent_of((*q)->name, &playing_problem);
        load(&second, file);
        assert_memory_equal(second.state, first.state, first.size);
        agent_close(&first);
        run(&second, HALF, ROUNDS, have);
        if (memcmp(want, have, sizeof want)) fail_msg("%s plays on differently", (*q)->name);
        if (memcmp(whole.state, second.state, whole.size)) fail_msg("%s knows something else at the end", (*q)->name);
        agent_close(&whole), agent_close(&second);
    }
}

static void test_a_reset_returns_to_what_was_loaded(void **state) {
    (void)state;
    for (const struct policy *const *q = policies; *q; q++) {
        int chosen[ROUNDS];
        struct agent a = agent_of((*q)->name, &playing_problem), b = agent_of((*q)->name, &playing_problem);
        run(&a, 0, HALF, chosen);
        save(&a, file);
        load(&b, file);
        run(&b, HALF, ROUNDS, chosen);
        agent_reset(&b);
        assert_memory_equal(b.state, a.state, a.size);
        save(&a, other); // and the file is the same, byte for byte, whoever writes it
        save(&b, file);
        char *x = read_file(file), *y = read_file(other);
        assert_string_equal(x, y);
        free(x), free(y);
        agent_close(&a), agent_close(&b);
    }
}

/* -- refusals -- */

static unsigned char *bytes_of(const char *path, size_t *n) {
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    static unsigned char bytes[1 << 16];
    *n = fread(bytes, 1, sizeof bytes, f);
    fclose(f);
    unsigned char *exact = malloc(*n ? *n : 1);
    memcpy(exact, bytes, *n);
    return exact;
}

/* With the checksum and length a writer would have given these bytes. */
static void seal(unsigned char *bytes, size_t n) {
    uint64_t hash = 14695981039346656037u, size = n;
    for (int i = 0; i < 8; i++) bytes[16 + i] = (unsigned char)(size >> 8 * i);
    for (size_t i = 0; i < n - 8; i++) hash = (hash ^ bytes[i]) * 1099511628211u;
    for (int i = 0; i < 8; i++) bytes[n - 8 + (size_t)i] = (unsigned char)(hash >> 8 * i);
}

/* It does not load, says why in one line that names the file, and changes nothing. */
static void refused(struct agent *a, const unsigned char *bytes, size_t n, const char *why) {
    struct err err = {""};
    void *before = malloc(a->size), *warm = a->warm;
    memcpy(before, a->state, a->size);
    assert_int_equal(state_read(a, bytes, n, "x.state", &err), -1);
    if (!strstr(err.text, why) || !strstr(err.text, "'x.state'") || strchr(err.text, '\n')) fail_msg("'%s' lacks '%s'", err.text, why);
    assert_memory_equal(a->state, before, a->size);
    assert_ptr_equal(a->warm, warm);
    free(before);
}

static void not_for(const char *spec, const struct problem *p, const unsigned char *bytes, size_t n, const char *why) {
    struct agent a = agent_of(spec, p);
    refused(&a, bytes, n, why);
    agent_close(&a);
}

static unsigned char *learned(const char *spec, size_t *n) {
    int chosen[ROUNDS];
    struct agent a = agent_of(spec, &playing_problem);
    run(&a, 0, HALF, chosen);
    save(&a, file);
    agent_close(&a);
    return bytes_of(file, n);
}

static void test_another_policy_parameter_or_problem_is_refused_by_name(void **state) {
    (void)state;
    size_t n;
    unsigned char *bytes = learned("thompson", &n);
    struct arm arms[PLAYING_K];
    struct problem p = playing_problem;
    p.arms = arms;
    not_for("ucb1", &playing_problem, bytes, n, "was saved by policy 'thompson', not 'ucb1'");
    not_for("thompson:a=2", &playing_problem, bytes, n, "was saved by policy 'thompson', not 'thompson:a=2'");
    memcpy(arms, playing_arms, sizeof arms);
    arms[2] = playing_arms[3], arms[3] = playing_arms[2]; // the same arms in another order
    not_for("thompson", &p, bytes, n, "was saved with arm 2 'small:4', not 'small:8'");
    memcpy(arms, playing_arms, sizeof arms);
    strcpy(arms[6].name, "sam:8");
    not_for("thompson", &p, bytes, n, "was saved with arm 6 'pld:8', not 'sam:8'");
    memcpy(arms, playing_arms, sizeof arms);
    arms[6].gamma = 7;
    not_for("thompson", &p, bytes, n, "was saved with arm 6 of gamma 8, not 7");
    arms[6].gamma = 8, arms[1].drafter = 1;
    not_for("thompson", &p, bytes, n, "was saved with arm 1 of drafter 0, not 1");
    p = playing_problem, p.K = 6;
    not_for("thompson", &p, bytes, n, "was saved with arms: 7, not 6");
    p = playing_problem, p.D = 3;
    not_for("thompson", &p, bytes, n, "was saved with drafters: 2, not 3");
    p = playing_problem, p.L = 9;
    not_for("thompson", &p, bytes, n, "was saved with largest gamma 8, not 9");
    p = playing_problem, p.R = 0;
    not_for("thompson", &p, bytes, n, "was saved with requests: 4, not 1");
    free(bytes);
}

static void test_another_version_format_machine_or_size_is_refused(void **state) {
    (void)state;
    size_t n;
    unsigned char *bytes = learned("thompson", &n), *more = calloc(1, n + 8);
    struct agent a = agent_of("thompson", &playing_problem);
    assert_int_equal(state_read(&a, bytes, n, "x.state", &(struct err){""}), 0); // as it is it loads
    char text[100];
    bytes[28]++; // the first digit of the version, at 24 + 4
    seal(bytes, n);
    snprintf(text, sizeof text, "was saved by version '%c%s', not '" VERSION "'", bytes[28], &VERSION[1]);
    refused(&a, bytes, n, text);
    bytes[28]--, bytes[8] = 9;
    seal(bytes, n);
    refused(&a, bytes, n, "has format 9, expected 1");
    bytes[8] = 1;
    for (int i = 0; i < 2; i++) {
        unsigned char keep = bytes[12 + i];
        bytes[12 + i] = bytes[15 - i], bytes[15 - i] = keep;
    }
    seal(bytes, n);
    refused(&a, bytes, n, "another byte order");
    for (int i = 0; i < 2; i++) {
        unsigned char keep = bytes[12 + i];
        bytes[12 + i] = bytes[15 - i], bytes[15 - i] = keep;
    }
    memcpy(more, bytes, n);
    seal(more, n + 8); // eight bytes that belong to nothing
    refused(&a, more, n + 8, "the state does not fill it");
    bytes[n - 8 - a.size - 8] ^= 8; // a state of another size
    seal(bytes, n);
    snprintf(text, sizeof text, "holds %zu bytes of 'thompson', expected %zu", a.size ^ 8, a.size);
    refused(&a, bytes, n, text);
    agent_close(&a);
    free(bytes), free(more);
}

static void test_every_cut_is_refused(void **state) {
    (void)state;
    size_t n;
    unsigned char *bytes = learned("sw-ucb", &n);
    struct agent a = agent_of("sw-ucb", &playing_problem);
    for (size_t cut = 0; cut < n; cut += cut < 400 ? 1 : 37) {
        unsigned char *exact = malloc(cut ? cut : 1);
        memcpy(exact, bytes, cut);
        refused(&a, exact, cut, cut < 8 ? "is not a policy state" : "is cut short");
        if (cut >= 32) seal(exact, cut), refused(&a, exact, cut, ""); // even with a checksum
        free(exact);
    }
    agent_close(&a);
    free(bytes);
}

static void test_every_changed_byte_is_refused(void **state) {
    (void)state;
    size_t n;
    unsigned char *bytes = learned("thompson", &n);
    struct agent a = agent_of("thompson", &playing_problem);
    for (size_t at = 0; at < n; at++)
        for (int bit = 0; bit < 8; bit++) {
            bytes[at] ^= (unsigned char)(1 << bit);
            refused(&a, bytes, n, "");
            if (at >= 24 && at < n - 16 - a.size) { // every field says something, with a checksum that fits as well
                seal(bytes, n);
                refused(&a, bytes, n, "");
            }
            bytes[at] ^= (unsigned char)(1 << bit);
            seal(bytes, n);
        }
    assert_int_equal(state_read(&a, bytes, n, "x.state", &(struct err){""}), 0);
    agent_close(&a);
    free(bytes);
}

static void test_files_that_cannot_be_read_are_refused(void **state) {
    (void)state;
    struct agent a = agent_of("thompson", &playing_problem);
    struct err err;
    assert_int_equal(state_load(&a, "no/such.state", &err), -1);
    assert_contains(err.text, "cannot read policy state 'no/such.state': No such file or directory");
    assert_int_equal(state_load_if_there(&a, "no/such.state", &err), 0);
    assert_null(a.warm);
    assert_int_equal(state_load_if_there(&a, dir.path, &err), -1);
    assert_contains(err.text, "not a file");
    write_file(other, "something else");
    assert_int_equal(state_load_if_there(&a, other, &err), -1);
    assert_contains(err.text, "is not a policy state: expected 'BSPSTATE' at its beginning");
    write_file(other, "");
    assert_int_equal(state_load_if_there(&a, other, &err), -1);
    assert_contains(err.text, "is not a policy state");
    assert_int_equal(state_save(&a, "no/such/x.state", &err), -1);
    assert_contains(err.text, "cannot write policy state 'no/such/x.state': No such file or directory");
    for (int i = 1; i <= 2; i++) {
        save(&a, file);
        mem_fail_after(i);
        assert_int_equal(state_load(&a, file, &err), -1);
        mem_fail_after(0);
        assert_null(a.warm);
    }
    mem_fail_after(1);
    assert_int_equal(state_save(&a, file, &err), -1);
    mem_fail_after(0);
    agent_close(&a);
}

/* -- durability -- */

static int leftovers(void) {
    char command[4400];
    snprintf(command, sizeof command, "ls '%s' | grep -c '[.]part$'", dir.path);
    FILE *f = popen(command, "r");
    int n = -1;
    assert_int_equal(fscanf(f, "%d", &n), 1);
    pclose(f);
    return n;
}

static void test_a_full_disk_leaves_the_old_file(void **state) {
    (void)state;
    int chosen[ROUNDS];
    struct agent a = agent_of("thompson", &playing_problem), b = agent_of("thompson", &playing_problem);
    run(&a, 0, HALF, chosen);
    save(&a, file);
    struct rlimit old, small = {200, RLIM_INFINITY};
    getrlimit(RLIMIT_FSIZE, &old);
    small.rlim_max = old.rlim_max;
    signal(SIGXFSZ, SIG_IGN);
    run(&a, HALF, ROUNDS, chosen);
    setrlimit(RLIMIT_FSIZE, &small);
    struct err err = {""};
    int rc = state_save(&a, file, &err);
    setrlimit(RLIMIT_FSIZE, &old);
    assert_int_equal(rc, -1);
    assert_contains(err.text, "cannot write policy state '");
    assert_contains(err.text, "File too large");
    load(&b, file);
    run(&b, HALF, ROUNDS, chosen);
    assert_memory_equal(a.state, b.state, a.size); // from the old file on, the same again
    assert_int_equal(leftovers(), 0);
    agent_close(&a), agent_close(&b);
}

/* Killed at any instant, the file is one of those that were saved. */
static void test_kill_at_any_instant_leaves_a_whole_file(void **state) {
    (void)state;
    int chosen[ROUNDS];
    struct agent a = agent_of("sw-ucb:window=1024", &playing_problem), b = agent_of("sw-ucb:window=1024", &playing_problem),
        c = agent_of("sw-ucb:window=1024", &playing_problem);
    run(&a, 0, HALF, chosen);
    run(&b, 0, ROUNDS, chosen);
    save(&a, file);
    for (int i = 0; i < 30; i++) {
        struct rng r = rng_at(9, 9, 9, (uint32_t)i);
        pid_t child = fork();
        if (child == 0)
            for (;;)
                if (state_save(&b, file, &(struct err){""}) || state_save(&a, file, &(struct err){""})) _exit(1);
        usleep((useconds_t)rng_below(&r, 8000));
        kill(child, SIGKILL);
        int status;
        waitpid(child, &status, 0);
        assert_true(WIFSIGNALED(status));
        load(&c, file);
        assert_true(!memcmp(c.state, a.state, a.size) || !memcmp(c.state, b.state, a.size));
    }
    agent_close(&a), agent_close(&b), agent_close(&c);
}

/* -- replay -- */

enum { Q = 6 };

/* The two halves of a trace, and all of it. */
static char whole_db[4200], first_db[4200], second_db[4200], steps[3][4200];

static void write_traces(void) {
    static const int tokens[Q] = {80, 33, 57, 80, 41, 66};
    struct trace t;
    remove(whole_db), remove(first_db), remove(second_db);
    trace_make(&t, Q, tokens, 2, 6, 80, 21);
    trace_write(&t, whole_db), trace_write(&t, first_db), trace_write(&t, second_db);
    trace_close(&t);
    run_sql(first_db, "DELETE FROM sequence WHERE ordinal >= 3");
    run_sql(second_db, "DELETE FROM sequence WHERE ordinal < 3");
}

static void replay(const char *db, const char *policy, const char *scope, const char *state, const char *csv) {
    struct err err;
    char *argv[] = {"replay", "--db", (char *)db, "--policy", (char *)policy, "--scope", (char *)scope, "--seeds", "1",
                    "--steps", (char *)csv,
                    state ? "--policy-state" : NULL, (char *)state, NULL};
    if (run_command(cmd_replay, &err, NULL, argv)) fail_msg("%s: %s", policy, err.text);
}

static void test_replay_in_two_halves_equals_the_whole_for_every_policy(void **state) {
    (void)state;
    int compared = 0;
    write_traces();
    for (const struct policy *const *q = policies; *q; q++) {
        const char *spec = strcmp((*q)->name, "fixed") ? (*q)->name : "fixed:arm=3";
        remove(file);
        replay(whole_db, spec, "stream", NULL, steps[0]);
        if ((*q)->flags & POLICY_SECONDS) continue; // each half is timed by its own model
        replay(first_db, spec, "stream", file, steps[1]);
        replay(second_db, spec, "stream", file, steps[2]);
        char *whole = read_file(steps[0]), *first = read_file(steps[1]), *second = read_file(steps[2]);
        char *rest = strchr(second, '\n') + 1; // without its header
        if (strncmp(whole, first, strlen(first)) || strcmp(whole + strlen(first), rest))
            fail_msg("%s: the halves differ from the whole", spec);
        free(whole), free(first), free(second);
        compared++;
    }
    assert_true(compared >= 5);
}

/* Under --scope prompt every prompt starts from the file, in any order; what it ends with is written. */
static void test_replay_warms_every_prompt_from_the_file(void **state) {
    (void)state;
    int warm = 0;
    write_traces();
    for (const char *const *spec = (const char *const[]){"ucbspec", "ucb1:reward=len", "thompson:value=len", NULL}; *spec; spec++) {
        remove(file);
        replay(first_db, *spec, "stream", file, steps[0]);
        char *taught = read_file(file);
        replay(second_db, *spec, "prompt", NULL, steps[0]); // cold
        replay(second_db, *spec, "prompt", file, steps[1]);
        char *cold = read_file(steps[0]), *heated = read_file(steps[1]), *now = read_file(file);
        warm += strcmp(cold, heated) != 0;
        assert_string_not_equal(now, taught); // that was read before it was written
        run_sql(second_db, "DELETE FROM sequence WHERE ordinal < 5"); // the last prompt alone, from the same file
        remove(file);
        replay(first_db, *spec, "stream", file, steps[0]);
        replay(second_db, *spec, "prompt", file, steps[2]);
        char *last = read_file(steps[2]), *rounds = strchr(last, '\n') + 1;
        assert_non_null(strstr(heated, rounds));
        free(taught), free(cold), free(heated), free(now), free(last);
        write_traces();
    }
    assert_int_equal(warm, 3); // or this would show little
}

static void test_replay_refuses_what_one_file_cannot_hold(void **state) {
    (void)state;
    write_traces();
#define REPLAY(...) (char *[]){"replay", "--db", first_db, "--policy-state", file, __VA_ARGS__, NULL}
    remove(file);
    assert_refused(cmd_replay, REPLAY("--policy", "ucbspec", "ucb1"), -2, "option '--policy-state' wants one policy, got 2");
    assert_refused(cmd_replay, REPLAY("--policy", "ucbspec:delta={0.1,0.2}"), -2, "option '--policy-state' wants one policy, got 2");
    assert_refused(cmd_replay, REPLAY("--policy", "random"), -2, "option '--policy-state' wants one run of 'random': give --seeds 1");
    assert_refused(cmd_replay, REPLAY("--policy", "clairvoyant"), -2, "'clairvoyant' learns nothing");
    assert_refused(cmd_replay, (char *[]){"replay", "--table", "x.csv", "--gamma", "4", "--policy-state", file, NULL}, -2,
        "--policy-state and --scope belong to --db");
    assert_int_equal(access(file, F_OK), -1); // a refused run leaves no file
    replay(first_db, "ucbspec", "stream", file, steps[0]);
    char *before = read_file(file);
    assert_refused(cmd_replay, REPLAY("--policy", "ucb1"), -1, "was saved by policy 'ucbspec', not 'ucb1'");
    assert_refused(cmd_replay, REPLAY("--policy", "ucbspec", "--arms", "plain", "d0:2"), -1, "was saved with arms: ");
    char *after = read_file(file);
    assert_string_equal(before, after);
    free(before), free(after);
}

static int setup(void **state) {
    static const struct { char *path; const char *name; } files[] = {{file, "a.state"}, {other, "b.state"}, {whole_db, "whole.db"},
        {first_db, "first.db"},
        {second_db, "second.db"}, {steps[0], "0.csv"}, {steps[1], "1.csv"}, {steps[2], "2.csv"}};
    (void)state;
    if (tempdir_open(&dir)) return -1;
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) snprintf(files[i].path, sizeof file, "%s/%s", dir.path, files[i].name);
    return 0;
}

static int teardown(void **state) {
    (void)state;
    tempdir_close(&dir);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_run_cut_in_two_equals_the_whole_for_every_policy),
        cmocka_unit_test(test_a_reset_returns_to_what_was_loaded),
        cmocka_unit_test(test_another_policy_parameter_or_problem_is_refused_by_name),
        cmocka_unit_test(test_another_version_format_machine_or_size_is_refused),
        cmocka_unit_test(test_every_cut_is_refused),
        cmocka_unit_test(test_every_changed_byte_is_refused),
        cmocka_unit_test(test_files_that_cannot_be_read_are_refused),
        cmocka_unit_test(test_a_full_disk_leaves_the_old_file),
        cmocka_unit_test(test_kill_at_any_instant_leaves_a_whole_file),
        cmocka_unit_test(test_replay_in_two_halves_equals_the_whole_for_every_policy),
        cmocka_unit_test(test_replay_warms_every_prompt_from_the_file),
        cmocka_unit_test(test_replay_refuses_what_one_file_cannot_hold),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
