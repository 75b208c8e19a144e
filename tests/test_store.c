/* test_store.c - writing a trace: what is refused, what is resumed, and what survives a full
 * disk, a truncated file and kill -9 at any instant (law 5). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <dirent.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "core/mem.h"
#include "tests/content.h"
#include "tests/permissions.h"
#include "tests/synth.h"
#include "tests/tempdir.h"
#include "traces/check.h"
#include "traces/trace.h"

static const struct synth small = {.D = 2, .Q = 6, .max_new = 20, .L = 4, .seed = 5, .text = true};

static int setup(void **state) {
    static struct tempdir dir;
    *state = &dir;
    return tempdir_open(&dir);
}

static int teardown(void **state) {
    tempdir_close(*state);
    return 0;
}

static void write_whole(const char *path, const struct synth *x) {
    struct err err = {""};
    if (synth_write(path, x, &err)) fail_msg("%s", err.text);
}

static void run_sql(const char *path, const char *sql) {
    sqlite3 *db;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK) fail_msg("%s: %s", sql, sqlite3_errmsg(db));
    sqlite3_close(db);
}

static int64_t number(const char *path, const char *sql) {
    sqlite3 *db;
    sqlite3_stmt *s;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &s, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(s), SQLITE_ROW);
    int64_t value = sqlite3_column_int64(s, 0);
    sqlite3_finalize(s);
    sqlite3_close(db);
    return value;
}

static void assert_contains(const char *text, const char *part) {
    if (!strstr(text, part)) fail_msg("'%s' lacks '%s'", text, part);
}

static void assert_whole(const char *path) {
    struct err err = {""};
    struct check c;
    if (check_trace(&c, path, &err)) fail_msg("%s", err.text);
    if (c.n) fail_msg("invariant %d: %s", c.at[0].invariant, c.at[0].text);
}

/* Neither writer nor reader takes the file; both say why. */
static void assert_refused(const char *path, const char *message) {
    struct err err = {""};
    struct trace t;
    assert_int_equal(synth_write(path, &small, &err), -1);
    assert_contains(err.text, message);
    err.text[0] = '\0';
    assert_int_equal(trace_open(&t, path, 0, &err), -1);
    assert_contains(err.text, message);
}

static int files_in(const char *path) {
    int n = 0;
    DIR *d = opendir(path);
    for (struct dirent *e; d && (e = readdir(d)); n++) {}
    if (d) closedir(d);
    return n - 2;
}

/* -- round trip and resume -- */

static void test_rows_come_back_as_written(void **state) {
    const char *path = tempdir_file(*state, "t.db");
    write_whole(path, &small);
    assert_whole(path);
    assert_int_equal(files_in(((struct tempdir *)*state)->path), 1); // no -wal, no -shm
    assert_int_equal(number(path, "SELECT count(*) FROM sequence"), small.Q);
    assert_int_equal(number(path, "SELECT token FROM step WHERE sequence = 3 AND pos = 5"), 7 * 2 + 5);
    assert_int_equal(number(path, "SELECT length(prompt) FROM sequence WHERE ordinal = 1"), 4 * SYNTH_PROMPT);
    assert_int_equal(number(path, "SELECT hex(substr(prompt, 5, 4)) = '65000000' FROM sequence WHERE ordinal = 1"), 1);
    assert_int_equal(number(path, "SELECT length(signal) = 8 * proposed FROM draft WHERE drafter = 1 AND proposed = 4 LIMIT 1"), 1);
    assert_int_equal(number(path, "PRAGMA application_id"), 0x42535043);
    assert_int_equal(number(path, "PRAGMA user_version"), 1);
}

static void test_no_text_keeps_ids_and_prompts_out(void **state) {
    const char *path = tempdir_file(*state, "t.db");
    struct synth x = small;
    struct err err = {""};
    x.text = false;
    write_whole(path, &x);
    assert_whole(path);
    assert_int_equal(number(path, "SELECT count(token) FROM step"), 0);
    assert_int_equal(number(path, "SELECT count(first_token) + count(prompt) FROM sequence"), 0);
    assert_int_equal(synth_write(path, &small, &err), -1); // the two must not mix
    assert_contains(err.text, "without token ids: resume it the same way");
}

static void test_an_interrupted_recording_is_resumed_to_the_same_content(void **state) {
    const char *whole = tempdir_file(*state, "whole.db"), *halves = tempdir_file(*state, "halves.db");
    struct synth first = small;
    struct store s;
    struct err err = {""};
    first.Q = 3;
    write_whole(whole, &small);
    write_whole(halves, &first);
    assert_true(content_of(whole) != content_of(halves)); // the comparison can fail
    assert_int_equal(synth_open(&s, halves, &small, &err), 0);
    assert_int_equal(store_has(&s, 2, "0000000000abc002", &err), 1);
    assert_int_equal(store_has(&s, 3, "0000000000abc003", &err), 0);
    assert_int_equal(store_has(&s, 9, "0000000000abc002", &err), 1); // a repeated prompt
    assert_int_equal(store_has(&s, 2, "0000000000abc00f", &err), -1);
    assert_contains(err.text, "sequence 2 of recording 1");
    store_close(&s);
    write_whole(halves, &small);
    assert_int_equal(content_of(whole), content_of(halves));
}

static void test_another_setting_is_another_recording(void **state) {
    const char *path = tempdir_file(*state, "t.db");
    struct synth x = small;
    struct err err = {""};
    struct trace t;
    write_whole(path, &small);
    x.seed++;
    write_whole(path, &x);
    x = small;
    x.D = 1;
    write_whole(path, &x);
    x.D = 3; // the first one's drafters and one more
    write_whole(path, &x);
    write_whole(path, &small); // all of it is there
    assert_int_equal(number(path, "SELECT count(*) FROM recording"), 4);
    assert_int_equal(number(path, "SELECT count(*) FROM sequence"), 24);
    assert_whole(path);
    assert_int_equal(trace_open(&t, path, 0, &err), -1);
    assert_contains(err.text, "holds 4 recordings (1, 2, 3, 4)");
    assert_int_equal(trace_open(&t, path, 8, &err), -1);
    assert_contains(err.text, "holds no recording 8, but 1, 2, 3, 4");
    assert_int_equal(trace_open(&t, path, 3, &err), 0);
    assert_int_equal(t.D, 1);
    trace_close(&t);
}

static void test_timings_of_other_thread_counts_do_not_mix(void **state) {
    const char *path = tempdir_file(*state, "t.db");
    struct synth x = small;
    struct err err = {""};
    write_whole(path, &small);
    x.threads = 4;
    assert_int_equal(synth_write(path, &x, &err), -1);
    assert_contains(err.text, "is the same but for its threads ('1', not '4')");
    x.fresh = true;
    write_whole(path, &x);
    write_whole(path, &x); // resumed, not added again
    assert_int_equal(number(path, "SELECT count(*) FROM recording"), 2);
}

/* -- what the store itself refuses -- */

static void test_rows_that_break_an_invariant_are_refused(void **state) {
    struct store s;
    struct err err = {""};
    int prompt[1] = {3};
    struct store_sequence q = {.prompt_key = "k", .category = "", .question = "", .prompt = prompt, .prompt_tokens = 1, .tokens = 3, .eos = true, .prefill_ns = 1};
    struct store_step step = {.pos = 1, .verify_width = 1, .verify_ns = 1};
    float signal[3] = {0};
    assert_int_equal(synth_open(&s, tempdir_file(*state, "t.db"), &small, &err), 0);
    assert_int_equal(store_step(&s, &step, &err), -1); // before begin
    assert_int_equal(store_begin(&s, &q, &err), 0);
    assert_int_equal(store_begin(&s, &q, &err), -1);
    step.pos = 2;
    assert_int_equal(store_step(&s, &step, &err), -1);
    step.pos = 1;
    step.margin = 0.0 / 0.0;
    assert_int_equal(store_step(&s, &step, &err), -1);
    step.margin = 0;
    assert_int_equal(store_step(&s, &step, &err), 0);
    assert_int_equal(store_draft(&s, 1, &(struct store_draft){0}, &err), -1);
    assert_int_equal(store_draft(&s, 0, &(struct store_draft){.proposed = 5}, &err), -1);
    assert_int_equal(store_draft(&s, 0, &(struct store_draft){.proposed = 1, .accepted = 2}, &err), -1);
    assert_int_equal(store_draft(&s, 0, &(struct store_draft){.proposed = 4, .accepted = 3}, &err), -1); // past the end
    assert_contains(err.text, "accepted 3 of proposed 4");
    assert_int_equal(store_draft(&s, 0, &(struct store_draft){.proposed = 4, .signal = signal, .signal_n = 3}, &err), -1);
    assert_int_equal(store_draft(&s, 0, &(struct store_draft){.proposed = 4, .accepted = 2}, &err), 0);
    assert_int_equal(store_commit(&s, &err), -1);
    assert_contains(err.text, "sequence 0 of");
    store_rollback(&s);
    store_close(&s);
    assert_int_equal(number(tempdir_file(*state, "t.db"), "SELECT count(*) FROM sequence"), 0);
}

static void test_a_locked_trace_is_named(void **state) {
    const char *path = tempdir_file(*state, "t.db");
    struct store s;
    struct err err = {""};
    sqlite3 *other;
    assert_int_equal(synth_open(&s, path, &small, &err), 0);
    assert_int_equal(sqlite3_open(path, &other), SQLITE_OK);
    assert_int_equal(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_busy_timeout(s.db, 0);
    assert_int_equal(synth_sequence(&s, &small, 0, &err), -1);
    assert_contains(err.text, "is locked by another process");
    sqlite3_close(other);
    assert_int_equal(synth_sequence(&s, &small, 0, &err), 0);
    store_close(&s);
}

/* -- files that are none of ours -- */

static void test_another_schema_version_is_refused(void **state) {
    const char *path = tempdir_file(*state, "t.db");
    write_whole(path, &small);
    run_sql(path, "PRAGMA user_version = 7");
    assert_refused(path, "has schema version 7, this program reads 1");
}

static void test_another_applications_database_is_refused_untouched(void **state) {
    const char *path = tempdir_file(*state, "t.db");
    run_sql(path, "CREATE TABLE song (title TEXT)");
    assert_refused(path, "is not a banditspec trace: its application_id is 0x00000000");
    assert_int_equal(number(path, "SELECT count(*) FROM sqlite_schema"), 1);
    run_sql(path, "PRAGMA application_id = 5; DROP TABLE song");
    assert_refused(path, "is not a banditspec trace: its application_id is 0x00000005");
    assert_int_equal(files_in(((struct tempdir *)*state)->path), 1);
}

static void test_a_text_file_is_refused_untouched(void **state) {
    const char *path = tempdir_file(*state, "t.db");
    FILE *f = fopen(path, "w");
    fputs("hi", f); // SQLite takes so short a file for an empty database
    fclose(f);
    assert_refused(path, "is not a banditspec trace: it is no SQLite database");
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_size, 2);
    assert_refused(((struct tempdir *)*state)->path, "is not a banditspec trace: it is no regular file");
}

static void test_missing_and_empty_files_are_named_to_readers(void **state) {
    const char *path = tempdir_file(*state, "t.db");
    struct err err = {""};
    struct trace t;
    assert_int_equal(trace_open(&t, path, 0, &err), -1);
    assert_contains(err.text, "no such file");
    fclose(fopen(path, "w"));
    assert_int_equal(trace_open(&t, path, 0, &err), -1);
    assert_contains(err.text, "the database is empty");
    write_whole(path, &small); // a writer completes it
    assert_int_equal(trace_open(&t, path, 0, &err), 0);
    trace_close(&t);
    assert_int_equal(synth_write(tempdir_file(*state, "no/such/t.db"), &small, &err), -1);
    assert_contains(err.text, "No such file");
}

/* -- damage -- */

static void copy_file(const char *from, const char *to, long size, long flip) {
    static char bytes[1 << 20];
    FILE *f = fopen(from, "rb");
    size_t n = fread(bytes, 1, sizeof bytes, f);
    fclose(f);
    assert_true(n < sizeof bytes);
    if (flip >= 0) bytes[flip] ^= (char)(1 + flip % 255);
    f = fopen(to, "wb");
    fwrite(bytes, 1, size < 0 ? n : (size_t)size, f);
    fclose(f);
}

static void test_every_truncation_is_found(void **state) {
    const char *path = tempdir_file(*state, "t.db"), *cut = tempdir_file(*state, "cut.db");
    struct stat st;
    write_whole(path, &small);
    assert_int_equal(stat(path, &st), 0);
    for (long size = 0; size < st.st_size; size += 1 + st.st_size / 61) {
        struct err err = {""};
        struct check c;
        struct trace t;
        copy_file(path, cut, size, -1);
        if (check_trace(&c, cut, &err) == 0 && c.n == 0) fail_msg("%ld of %ld bytes pass for whole", size, (long)st.st_size);
        if (size <= st.st_size - 4096) assert_int_equal(trace_open(&t, cut, 0, &err), -1);
        assert_true(err.text[0] || c.n);
    }
}

static void test_flipped_bytes_crash_nothing(void **state) {
    const char *path = tempdir_file(*state, "t.db"), *bad = tempdir_file(*state, "bad.db");
    struct rng r = rng_at(1, 0, 0, 0);
    struct stat st;
    int refused = 0;
    write_whole(path, &small);
    assert_int_equal(stat(path, &st), 0);
    for (int i = 0; i < 150; i++) {
        struct err err = {""};
        struct check c;
        struct trace t;
        copy_file(path, bad, -1, rng_below(&r, (int)st.st_size));
        int rc = trace_open(&t, bad, 0, &err);
        assert_true((rc == 0) == !err.text[0]);
        refused += rc != 0;
        trace_close(&t);
        check_trace(&c, bad, &err);
    }
    assert_true(refused > 10);
}

/* -- faults of the disk -- */

static void test_a_full_disk_is_named_and_the_recording_resumes(void **state) {
    const char *whole = tempdir_file(*state, "whole.db"), *path = tempdir_file(*state, "t.db");
    const struct synth x = {.D = 2, .Q = 12, .max_new = 60, .L = 4, .seed = 5, .text = true};
    struct rlimit old, low;
    write_whole(whole, &x);
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &old);
    int failures = 0;
    for (rlim_t bytes = 0; bytes < 150000; bytes += 6500) { // the kernel refuses writes beyond
        struct err err = {""};
        low = (struct rlimit){bytes, old.rlim_max};
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &low), 0);
        int rc = synth_write(path, &x, &err);
        setrlimit(RLIMIT_FSIZE, &old);
        if (rc) {
            failures++;
            assert_contains(err.text, path);
            if (!strstr(err.text, "File too large") && !strstr(err.text, "full")) fail_msg("%s", err.text);
        }
        write_whole(path, &x);
        assert_int_equal(content_of(path), content_of(whole));
        remove(path);
    }
    assert_true(failures > 5);
}

static void test_a_full_database_is_named(void **state) {
    const char *path = tempdir_file(*state, "t.db");
    struct store s;
    struct err err = {""};
    int q = 0;
    assert_int_equal(synth_open(&s, path, &small, &err), 0);
    assert_int_equal(sqlite3_exec(s.db, "PRAGMA max_page_count = 14", NULL, NULL, NULL), SQLITE_OK);
    while (q < small.Q && synth_sequence(&s, &small, q, &err) == 0) q++;
    store_close(&s);
    assert_true(q > 0 && q < small.Q);
    assert_contains(err.text, "the disk or the quota is full");
    assert_int_equal(number(path, "SELECT count(*) FROM sequence"), q);
    assert_whole(path);
}

/* In a child: the reader reads, the writer is refused, no file appears. 0 when all is so. */
static int read_only_child(const char *dir, const char *path) {
    struct err err = {""};
    struct trace t;
    int before = files_in(dir);
    obey_permissions();
    if (trace_open(&t, path, 0, &err)) { fprintf(stderr, "%s\n", err.text); return 1; }
    trace_close(&t);
    if (files_in(dir) != before) return 2;
    if (synth_write(path, &small, &err) != -1) return 3;
    if (!strstr(err.text, "read-only") && !strstr(err.text, "Permission denied")) { fprintf(stderr, "%s\n", err.text); return 4; }
    return files_in(dir) != before ? 5 : 0;
}

/* In a child: a killed recorder's journal that cannot be replayed here is named. */
static int pending_child(const char *path) {
    struct err err = {""};
    struct trace t;
    obey_permissions();
    return trace_open(&t, path, 0, &err) == -1 && strstr(err.text, "has an unfinished journal") ? 0 : 1;
}

static void assert_readable_read_only(const char *dir, const char *path, mode_t dir_mode, mode_t file_mode) {
    int status;
    chmod(path, file_mode);
    chmod(dir, dir_mode);
    pid_t child = fork();
    if (child == 0) _exit(read_only_child(dir, path));
    assert_int_equal(waitpid(child, &status, 0), child);
    chmod(dir, 0700);
    chmod(path, 0600);
    assert_int_equal(status, 0);
}

static void test_read_only_files_and_directories_are_read_without_litter(void **state) {
    const char *path = tempdir_file(*state, "a ?#%41 b.db"), *dir = ((struct tempdir *)*state)->path;
    write_whole(path, &small);
    assert_readable_read_only(dir, path, 0500, 0400);
    assert_readable_read_only(dir, path, 0700, 0400);
    assert_readable_read_only(dir, path, 0500, 0600);
}

static void test_a_pending_journal_in_a_read_only_directory_is_named(void **state) {
    const char *path = tempdir_file(*state, "t.db"), *dir = ((struct tempdir *)*state)->path;
    int status;
    pid_t child = fork();
    if (child == 0) { // a recorder that dies with its journal unfinished
        struct err err = {""};
        struct store s;
        if (synth_open(&s, path, &small, &err) == 0) synth_sequence(&s, &small, 0, &err);
        kill(getpid(), SIGKILL);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(remove(tempdir_file(*state, "t.db-shm")), 0);
    chmod(dir, 0500);
    if ((child = fork()) == 0) _exit(pending_child(path));
    assert_int_equal(waitpid(child, &status, 0), child);
    chmod(dir, 0700);
    assert_int_equal(status, 0);
    assert_int_equal(number(path, "SELECT count(*) FROM sequence"), 1); // and where it can be written it is replayed
}

/* -- several processes -- */

static void test_two_recorders_of_two_seeds_share_a_file(void **state) {
    const char *path = tempdir_file(*state, "t.db");
    struct synth other = small;
    int status;
    other.seed++;
    pid_t child = fork();
    if (child == 0) {
        struct err err = {""};
        int rc = synth_write(path, &other, &err);
        if (rc) fprintf(stderr, "%s\n", err.text);
        _exit(rc ? 1 : 0);
    }
    write_whole(path, &small);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_whole(path);
    assert_int_equal(number(path, "SELECT count(*) FROM recording"), 2);
    assert_int_equal(number(path, "SELECT count(*) FROM sequence"), 2 * small.Q);
}

/* -- kill -9 -- */

/* One run of the recorder, killed after `us` microseconds; true when it had finished. */
static bool run_and_kill(const char *path, const struct synth *x, int us) {
    int status;
    pid_t child = fork();
    if (child == 0) {
        struct err err = {""};
        int rc = synth_write(path, x, &err);
        if (rc) fprintf(stderr, "%s\n", err.text);
        _exit(rc ? 1 : 0);
    }
    usleep((useconds_t)us);
    kill(child, SIGKILL);
    assert_int_equal(waitpid(child, &status, 0), child);
    if (WIFEXITED(status)) assert_int_equal(WEXITSTATUS(status), 0);
    return WIFEXITED(status);
}

static void test_kill_at_any_instant_loses_at_most_the_sequence_in_flight(void **state) {
    const char *whole = tempdir_file(*state, "whole.db"), *path = tempdir_file(*state, "t.db");
    const struct synth x = {.D = 2, .Q = 30, .max_new = 100, .L = 4, .seed = 9, .text = true};
    struct rng r = rng_at(4, 0, 0, 0);
    int kills = 0, in_schema = 0, in_middle = 0;
    int64_t have = 0;
    write_whole(whole, &x);
    for (int i = 0; i < 120; i++) {
        if (have == 0 && i > 8 && i % 8 == 0) remove(path);
        if (run_and_kill(path, &x, have ? rng_below(&r, 12000) : rng_below(&r, 250 * (i + 1)))) {
            assert_int_equal(content_of(path), content_of(whole)); // begin again, for other instants
            remove(path);
            have = 0;
            continue;
        }
        kills++;
        struct err err = {""};
        struct check c;
        if (check_trace(&c, path, &err)) { // before the schema was there
            if (!strstr(err.text, "no such file") && !strstr(err.text, "the database is empty")) fail_msg("%s", err.text);
            assert_int_equal(have, 0);
            in_schema++;
            continue;
        }
        if (c.n) fail_msg("invariant %d: %s", c.at[0].invariant, c.at[0].text);
        assert_true(c.sequences >= have); // what was committed stays
        in_middle += c.sequences > 0 && c.sequences < x.Q;
        have = c.sequences;
    }
    write_whole(path, &x);
    assert_whole(path);
    assert_int_equal(content_of(path), content_of(whole));
    print_message("%d kills, %d before the schema, %d between sequences\n", kills, in_schema, in_middle);
    assert_true(kills > 10 && in_middle > 3);
}

int main(void) {
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        CASE(test_rows_come_back_as_written),
        CASE(test_no_text_keeps_ids_and_prompts_out),
        CASE(test_an_interrupted_recording_is_resumed_to_the_same_content),
        CASE(test_another_setting_is_another_recording),
        CASE(test_timings_of_other_thread_counts_do_not_mix),
        CASE(test_rows_that_break_an_invariant_are_refused),
        CASE(test_a_locked_trace_is_named),
        CASE(test_another_schema_version_is_refused),
        CASE(test_another_applications_database_is_refused_untouched),
        CASE(test_a_text_file_is_refused_untouched),
        CASE(test_missing_and_empty_files_are_named_to_readers),
        CASE(test_every_truncation_is_found),
        CASE(test_flipped_bytes_crash_nothing),
        CASE(test_a_full_disk_is_named_and_the_recording_resumes),
        CASE(test_a_full_database_is_named),
        CASE(test_read_only_files_and_directories_are_read_without_litter),
        CASE(test_a_pending_journal_in_a_read_only_directory_is_named),
        CASE(test_two_recorders_of_two_seeds_share_a_file),
        CASE(test_kill_at_any_instant_loses_at_most_the_sequence_in_flight),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
