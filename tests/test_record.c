/* test_record.c - a recording through the command: its invariants, every accepted length against a
 * slow search of the text, kill -9 at any instant (law 5), broken input and full disks. */
#include "tests/looping.h"

#include <dirent.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "core/tokenizer_model.h"
#include "core/clock.h"
#include "tests/content.h"
#include "tests/liars.h"
#include "tests/permissions.h"
#include "tests/run_command.h"
#include "tests/tempdir.h"
#include "tests/tiny.h"
#include "traces/check.h"
#include "traces/record.h"
#include "traces/trace.h"

command cmd_record;

enum { MAX_NEW = 60, L = 6, PROMPTS = 8 };

static struct tempdir dir;
static char model[4200], prompts[4200], db[4200], whole[4200];

static int whole_us; // what recording `whole` took

static const char prompt_lines[] =
    "{\"prompt_ids\": [5, 7, 9, 11, 5, 7, 9, 11, 5, 7], \"category\": \"loop\", \"question_id\": 3}\n"
    "{\"prompt\": \"the cat and the dog and the cat\", \"category\": \"words\"}\n"
    "{\"turns\": [\"in the in the in the\", \"never used\"]}\n"
    "{\"prompt_ids\": [300, 1, 17], \"question_id\": \"a\"}\n"
    "{\"prompt_ids\": [12]}\n"
    "{\"prompt_ids\": [61, 62, 63, 64, 65, 66, 67, 68, 69]}\n"
    "{\"prompt\": \"what is an other\"}\n"
    "{\"prompt_ids\": [260, 261, 262]}\n";

/* The command that every test here gives, with more words at its end. */
static char **words(const char *to, const char *const *more) {
    static char *argv[64];
    static const char *const usual[] = {"record", "--model", model, "--drafter", "pld", "first@pld,match=first,ngram=2", "sam", "--prompts", prompts,
                                        "--max-new", "60", "--max-draft", "6", "--threads", "1", "--db"};
    int n = 0;
    for (size_t i = 0; i < sizeof usual / sizeof *usual; i++) argv[n++] = (char *)usual[i];
    argv[n++] = (char *)to;
    for (; more && *more; more++) argv[n++] = (char *)*more;
    argv[n] = NULL;
    return argv;
}
#define WORDS(...) (const char *const[]){__VA_ARGS__, NULL}

static void record(const char *to, const char *const *more) {
    struct err err;
    if (run_command(cmd_record, &err, NULL, words(to, more))) fail_msg("%s", err.text);
}

static void assert_whole(const char *path) {
    struct err err = {""};
    struct check c;
    if (check_trace(&c, path, &err)) fail_msg("%s", err.text);
    if (c.n) fail_msg("invariant %d: %s", c.at[0].invariant, c.at[0].text);
}

/* -- law 5; first, while the process has one thread -- */

/* One run of the command, killed after `us` microseconds; true when it had finished. */
static bool record_and_kill(const char *to, int us) {
    int status;
    pid_t child = fork();
    if (child == 0) {
        struct err err;
        int rc = run_command(cmd_record, &err, NULL, words(to, NULL));
        if (rc) fprintf(stderr, "%s\n", err.text);
        _exit(rc ? 1 : 0);
    }
    usleep((useconds_t)us);
    kill(child, SIGKILL);
    assert_int_equal(waitpid(child, &status, 0), child);
    if (WIFEXITED(status)) assert_int_equal(WEXITSTATUS(status), 0);
    return WIFEXITED(status);
}

static void test_a_recorder_killed_at_any_instant_resumes_to_the_same_trace(void **state) {
    (void)state;
    uint64_t expected = content_of(whole);
    assert_false(record_and_kill(db, 0)); // a process to begin with
    remove(db);
    // Where the time goes is not known: twenty kills while one trace grows, and then anew.
    struct rng r = rng_at(6, 0, 0, 0);
    int kills = 0, between = 0, traces = 0;
    int64_t have = 0;
    for (int i = 0; kills < 20 && i < 300; i++) {
        if (record_and_kill(db, rng_below(&r, whole_us))) {
            assert_int_equal(content_of(db), expected);
            remove(db);
            have = 0, traces++;
            continue;
        }
        struct err err = {""};
        struct check c;
        kills++;
        if (check_trace(&c, db, &err)) { // before the schema was there
            if (!strstr(err.text, "no such file") && !strstr(err.text, "the database is empty")) fail_msg("%s", err.text);
            assert_int_equal(have, 0);
            continue;
        }
        if (c.n) fail_msg("invariant %d: %s", c.at[0].invariant, c.at[0].text);
        assert_true(c.sequences >= have && c.recordings <= 1); // what was committed stays
        between += c.sequences > have && c.sequences < PROMPTS;
        have = c.sequences;
    }
    record(db, NULL);
    assert_whole(db);
    assert_int_equal(content_of(db), expected);
    print_message("  %d kills, %d after new sequences, %d finished between\n", kills, between, traces);
    assert_true(kills == 20 && between >= 2);
    remove(db);
}

/* A kill after each commit, by the clock of the trace itself: the file is whole after every one. */
static void test_a_recording_stopped_after_any_prompt_goes_on_there(void **state) {
    (void)state;
    uint64_t expected = content_of(whole);
    for (int n = 1; n <= PROMPTS; n++) {
        char limit[16], sql[80];
        snprintf(limit, sizeof limit, "%d", n);
        record(db, WORDS("--limit", limit));
        assert_whole(db);
        snprintf(sql, sizeof sql, "SELECT count(*) FROM sequence WHERE ordinal < %d", n);
        assert_int_equal(query_number(db, sql), n); // those before it were there already, or are added
        assert_true((content_of(db) == expected) == (n == PROMPTS));
    }
    struct err err;
    char *out = (char *)tempdir_file(&dir, "out");
    assert_int_equal(run_command(cmd_record, &err, out, words(db, NULL)), 0); // all is there: nothing is recorded twice
    char *text = read_file(out);
    assert_contains(text, "recording 1 has 8 prompts (0 recorded now, 8 already there), 0 tokens");
    free(text);
    assert_int_equal(content_of(db), expected);
    assert_int_equal(query_number(db, "SELECT count(*) FROM recording"), 1);
    remove(db);
}

static void test_a_repeated_prompt_is_recorded_once(void **state) {
    (void)state;
    char *path = (char *)tempdir_file(&dir, "twice.jsonl");
    write_file(path, "{\"prompt_ids\": [4, 5]}\n{\"prompt_ids\": [4, 5]}\n{\"prompt_ids\": [4, 6]}\n");
    record(db, WORDS("--prompts", path));
    assert_int_equal(query_number(db, "SELECT count(*) FROM sequence"), 2);
    assert_int_equal(query_number(db, "SELECT max(ordinal) FROM sequence"), 2);
    assert_whole(db);
    remove(db);
}

/* -- what is recorded -- */

struct rows {
    int prompt[512], prompt_n, token[MAX_NEW], tokens, max_new;
};

/* The whole text of the sequence with this ordinal, straight from the file. */
static void read_rows(const char *path, int ordinal, struct rows *r) {
    sqlite3 *file;
    sqlite3_stmt *s;
    assert_int_equal(sqlite3_open(path, &file), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(file, "SELECT prompt, first_token, tokens, max_new FROM sequence q JOIN recording r ON r.id = q.recording"
                                              " WHERE q.ordinal = ?", -1, &s, NULL), SQLITE_OK);
    sqlite3_bind_int(s, 1, ordinal);
    assert_int_equal(sqlite3_step(s), SQLITE_ROW);
    r->prompt_n = sqlite3_column_bytes(s, 0) / 4;
    assert_in_range(r->prompt_n, 1, 512);
    memcpy(r->prompt, sqlite3_column_blob(s, 0), (size_t)r->prompt_n * 4);
    r->token[0] = sqlite3_column_int(s, 1), r->tokens = sqlite3_column_int(s, 2), r->max_new = sqlite3_column_int(s, 3);
    sqlite3_finalize(s);
    assert_int_equal(sqlite3_prepare_v2(file, "SELECT s.pos, s.token FROM step s JOIN sequence q ON q.id = s.sequence WHERE q.ordinal = ?", -1, &s, NULL), SQLITE_OK);
    sqlite3_bind_int(s, 1, ordinal);
    int n = 1;
    for (; sqlite3_step(s) == SQLITE_ROW; n++) r->token[sqlite3_column_int(s, 0)] = sqlite3_column_int(s, 1);
    assert_int_equal(n, r->tokens);
    sqlite3_finalize(s);
    sqlite3_close(file);
}

/* Prompt lookup by scanning: the longest of ngram .. 1 last tokens that stand earlier, the last or the
 * first such place, and what follows it. */
static int look_up(const int *text, int n, int ngram, bool first, int most, int *draft) {
    for (int g = ngram < n ? ngram : n; g >= 1; g--)
        for (int k = 0; k <= n - 1 - g; k++) {
            int at = first ? k : n - 1 - g - k; // the match is text[at .. at + g), before the end
            if (memcmp(text + at, text + n - g, (size_t)g * sizeof *text)) continue;
            int count = 0;
            for (int i = at + g; i < n && count < most; i++) draft[count++] = text[i];
            return count;
        }
    return 0;
}

static void test_every_accepted_length_is_that_of_a_slow_search(void **state) {
    (void)state;
    int total = 0, eos = 0;
    for (int ordinal = 0; ordinal < PROMPTS; ordinal++) {
        struct rows r;
        int text[600], draft[L];
        read_rows(whole, ordinal, &r);
        eos += r.tokens < MAX_NEW;
        memcpy(text, r.prompt, (size_t)r.prompt_n * sizeof *text);
        for (int pos = 1; pos < r.tokens; pos++) {
            memcpy(text + r.prompt_n, r.token, (size_t)pos * sizeof *text);
            int budget = r.max_new - pos - 1, most = L < budget ? L : budget;
            for (int d = 0; d < 2; d++) { // pld, and pld,match=first,ngram=2
                int proposed = look_up(text, r.prompt_n + pos, d ? 2 : 3, d, most, draft), accepted = 0;
                while (accepted < proposed && pos + accepted < r.tokens && draft[accepted] == r.token[pos + accepted]) accepted++;
                char sql[300];
                snprintf(sql, sizeof sql, "SELECT 1000 * d.proposed + d.accepted FROM draft d JOIN sequence q ON q.id = d.sequence JOIN drafter x ON x.id = d.drafter"
                                          " WHERE q.ordinal = %d AND d.pos = %d AND x.ordinal = %d", ordinal, pos, d);
                int64_t got = query_number(whole, sql);
                if (got != 1000 * proposed + accepted)
                    fail_msg("prompt %d, position %d, drafter %d: proposed and accepted %lld, expected %d", ordinal, pos, d, (long long)got, 1000 * proposed + accepted);
                total += accepted;
            }
        }
    }
    print_message("  %d tokens accepted over all positions, %d of %d texts ended by themselves\n", total, eos, PROMPTS);
    assert_true(total > 200 && eos > 0 && eos < PROMPTS);
}

/* Copiers draft through the end of this text, and what they draft beyond it is what a fresh buffer holds. */
static void test_text_after_the_end_is_never_accepted(void **state) {
    (void)state;
    char line[400], *path = (char *)tempdir_file(&dir, "ending.jsonl");
    looping_ending_line(model, line);
    write_file(path, line);
    record(db, WORDS("--prompts", path));
    assert_whole(db);
    assert_int_equal(query_number(db, "SELECT finish = 'eos' AND tokens BETWEEN 5 AND 12 FROM sequence"), 1);
    assert_int_equal(query_number(db, "SELECT max(accepted - (tokens - pos)) FROM draft JOIN sequence q ON q.id = sequence"), 0);
    assert_true(query_number(db, "SELECT count(*) FROM draft JOIN sequence q ON q.id = sequence WHERE accepted = tokens - pos AND proposed > accepted") > 0);
    remove(db);
}

static void test_a_recording_keeps_every_invariant(void **state) {
    (void)state;
    assert_whole(whole);
    assert_int_equal(query_number(whole, "SELECT count(*) FROM sequence"), PROMPTS);
    assert_int_equal(query_number(whole, "SELECT max_draft = 6 AND threads = 1 AND max_new = 60 AND template = 'chatml' AND dtype = 'F32' FROM recording"), 1);
    assert_int_equal(query_number(whole, "SELECT group_concat(name || ' ' || kind || ' ' || parameters, ';') = 'pld pld match=recent,draft=clip,ngram=3,full=10;"
                                         "first pld match=first,draft=clip,ngram=2,full=10;sam sam ' || max(parameters) FILTER (WHERE kind = 'sam') FROM drafter"), 1);
    assert_int_equal(query_number(whole, "SELECT category = 'loop' AND question = '3' AND prompt_tokens = 10 FROM sequence WHERE ordinal = 0"), 1);
    // Widths go round and never pass the budget; every one of 1 .. L + 1 occurs.
    assert_int_equal(query_number(whole, "SELECT count(DISTINCT verify_width) FROM step"), L + 1);
    assert_int_equal(query_number(whole, "SELECT count(*) FROM step JOIN sequence q ON q.id = sequence WHERE verify_width <> 1 + (q.ordinal + pos) % (1 + min(6, 60 - pos - 1))"), 0);
    assert_int_equal(query_number(whole, "SELECT count(*) FROM step WHERE margin < 0"), 0);
}

static void test_no_text_leaves_only_counts(void **state) {
    (void)state;
    record(db, WORDS("--no-text"));
    assert_whole(db);
    assert_int_equal(query_number(db, "SELECT count(token) FROM step"), 0);
    assert_int_equal(query_number(db, "SELECT count(first_token) + count(prompt) FROM sequence"), 0);
    struct trace a, b;
    struct err err = {""};
    if (trace_open(&a, db, 0, &err) || trace_open(&b, whole, 0, &err)) fail_msg("%s", err.text);
    assert_string_equal(a.sha256, b.sha256);
    trace_close(&a), trace_close(&b);
    remove(db);
}

static void test_threads_change_nothing_but_timings(void **state) {
    (void)state;
    struct trace a, b;
    struct err err = {""};
    record(db, WORDS("--threads", "3"));
    if (trace_open(&a, db, 0, &err) || trace_open(&b, whole, 0, &err)) fail_msg("%s", err.text);
    assert_string_equal(a.sha256, b.sha256);
    trace_close(&a), trace_close(&b);
    char sql[4600];
    snprintf(sql, sizeof sql, "ATTACH '%s' AS other; CREATE TABLE same AS SELECT (SELECT count(*) FROM (SELECT sequence, pos, token, margin, verify_width FROM step"
                              " EXCEPT SELECT sequence, pos, token, margin, verify_width FROM other.step)) AS n", whole);
    run_sql(db, sql);
    assert_int_equal(query_number(db, "SELECT n FROM same"), 0); // margins to the last bit (law 2)
    remove(db);
}

static void test_a_sampled_text_is_recorded_and_depends_on_its_seed(void **state) {
    (void)state;
    record(db, WORDS("--temperature", "0.8", "--noise-seed", "1"));
    record(db, WORDS("--temperature", "0.8", "--noise-seed", "2"));
    record(db, WORDS("--temperature", "0.8", "--noise-seed", "1"));
    assert_whole(db);
    assert_int_equal(query_number(db, "SELECT count(*) FROM recording"), 2);
    assert_int_equal(query_number(db, "SELECT count(*) FROM sequence"), 2 * PROMPTS);
    assert_true(query_number(db, "SELECT count(*) FROM step a JOIN sequence p ON p.id = a.sequence AND p.recording = 1 JOIN sequence q ON q.ordinal = p.ordinal"
                                 " AND q.recording = 2 JOIN step b ON b.sequence = q.id AND b.pos = a.pos WHERE a.token <> b.token") > 100);
    remove(db);
}

/* -- law 2 is watched -- */

/* Right, but at one position it tampers with the target: the target forgets nearly all it has seen. */
struct saboteur {
    struct liar liar; // first
    struct engine *engine;
    int at;
};

static int saboteur_draft(struct drafter *d, const int *history, int n, int most, struct draft *out, struct err *err) {
    struct saboteur *s = d->state;
    if (n == s->at) engine_rewind(s->engine, 0, 1);
    return oracle_draft(d, history, n, most, out, err);
}

LIAR(saboteur);

static void test_a_target_that_is_not_batch_invariant_is_found(void **state) {
    (void)state;
    enum { N = 30, PROMPT = 5, SPAN = 4 };
    const int prompt[PROMPT] = {40, 41, 42, 43, 44};
    struct model m;
    struct tokenizer t;
    struct engine *e = NULL;
    struct sampler greedy;
    struct decoder d;
    struct recorded r;
    struct known known = {.n = 0};
    struct saboteur s = {.at = -1};
    struct err err = {""};
    struct drafter drafter = liar(&saboteur_type, &s.liar, &known);
    if (model_open(&m, "tests/golden/tiny/b-f16.gguf", NULL, &err) || tokenizer_open_model(&t, &m, &err)
        || engine_open(&e, &m, &(struct engine_options){.threads = 1}, &err) || sampler_open(&greedy, 0, 0, e, &err)
        || decoder_open(&d, e, &t, &drafter, 1, &greedy, true, &err) || recorded_open(&r, N, 1, &err)) fail_msg("%s", err.text);
    known.vocab = m.vocab, s.engine = e;
    if (record_sequence(&r, &d, prompt, PROMPT, N, SPAN, 0, 0, &err)) fail_msg("%s", err.text); // to know the text
    memcpy(known.text, d.history.at, d.history.n * sizeof(int));
    known.n = PROMPT + N;
    if (record_sequence(&r, &d, prompt, PROMPT, N, SPAN, 0, 0, &err)) fail_msg("%s", err.text); // an honest target passes
    for (int pos = 1; pos < N; pos++) assert_int_equal(r.drafts[pos].accepted, N - pos - 1 < SPAN ? N - pos - 1 : SPAN);
    int found = 0;
    for (int pos = 3; pos < N - 1; pos++) { // some pass has foreseen each of them, though not always the pass just before
        s.at = PROMPT + pos;
        err.text[0] = 0;
        assert_int_equal(record_sequence(&r, &d, prompt, PROMPT, N, SPAN, 0, 0, &err), -1);
        char expected[80];
        snprintf(expected, sizeof expected, "the target is not batch invariant: token %d of the text", pos);
        found += !!strstr(err.text, expected);
    }
    assert_int_equal(found, N - 4);
    recorded_close(&r), decoder_close(&d), sampler_close(&greedy), engine_close(e), tokenizer_close(&t), model_close(&m);
}

/* -- wrong input and failing disks -- */

static int files_in(const char *path) {
    int n = 0;
    DIR *at = opendir(path);
    for (struct dirent *e; at && (e = readdir(at)); n++) {}
    if (at) closedir(at);
    return n - 2;
}

static void test_wrong_input_is_one_line_and_leaves_no_trace(void **state) {
    (void)state;
    char broken[4200], foreign[4200], empty[4200], text[4200];
    snprintf(broken, sizeof broken, "%s", tempdir_file(&dir, "broken.jsonl"));
    snprintf(foreign, sizeof foreign, "%s", tempdir_file(&dir, "foreign.jsonl"));
    snprintf(empty, sizeof empty, "%s", tempdir_file(&dir, "empty.jsonl"));
    snprintf(text, sizeof text, "%s", tempdir_file(&dir, "text.db"));
    write_file(broken, "{\"prompt_ids\": [1]}\n{\"prompt_ids\": [1\n");
    write_file(foreign, "{\"prompt_ids\": [1, 2]}\n{\"prompt_ids\": [1, 320]}\n");
    write_file(empty, "\n");
    write_file(text, "no database");
    int before = files_in(dir.path);
    const struct { const char *option, *value; int code; const char *message; } cases[] = {
        {"--prompts", broken, -1, "prompt in line 2 of '"},
        {"--prompts", empty, -1, "holds no prompt"},
        {"--prompts", "no/such.jsonl", -1, "cannot open prompts 'no/such.jsonl': No such file"},
        {"--drafter", "eagle9", -1, "unknown kind of drafter 'eagle9' in 'eagle9' (known: pld, sam, "},
        {"--drafter", "pld", -2, "two drafters are called 'pld'"},
        {"--drafter", "x@pld,depth=3", -1, "drafter 'pld' has no option 'depth'"},
        {"--model", "no/such.gguf", -1, "no/such.gguf"},
        {"--model", prompts, -1, "prompts.jsonl"},
        {"--backend", "abacus", -1, "unknown backend 'abacus'"},
        {"--template", "haiku", -2, "unknown chat template 'haiku'"},
        {"--max-context", "100000", -1, "exceeds the 512"},
        {"--max-new", "0", -2, "max-new"},
        {"--max-draft", "65", -2, "max-draft"},
        {"--temperature", "-1", -2, "temperature"},
        {"--what", "1", -2, "--what"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_refused(cmd_record, words(db, WORDS(cases[i].option, cases[i].value)), cases[i].code, cases[i].message);
        assert_int_equal(files_in(dir.path), before);
    }
    assert_refused(cmd_record, (char *[]){"record", "--model", model, NULL}, -2, "--prompts");
    assert_refused(cmd_record, (char *[]){"record", "--model", model, "--prompts", prompts, "--db", db, NULL}, -1, "1 to 64 drafters, got 0");
    assert_refused(cmd_record, words(text, NULL), -1, "is not a banditspec trace");
    assert_refused(cmd_record, words("no/such/dir/t.db", NULL), -1, "No such file");
    assert_int_equal(files_in(dir.path), before);
    // A prompt that the model cannot take stops the run; the prompts before it stay, whole.
    assert_refused(cmd_record, words(db, WORDS("--prompts", foreign)), -1, "token id 320, expected 0 to 319 (prompt 1 of '");
    assert_whole(db);
    assert_int_equal(query_number(db, "SELECT count(*) FROM sequence"), 1);
    remove(db);
    assert_refused(cmd_record, words(db, WORDS("--max-context", "64")), -1, "a prompt of 10 tokens and 60 new ones exceed the context of 64");
    assert_whole(db);
    assert_int_equal(query_number(db, "SELECT count(*) FROM sequence"), 0);
    remove(db);
    record(db, NULL);
    assert_refused(cmd_record, words(db, WORDS("--prompts", foreign)), -1, "is of another prompt");
    assert_int_equal(content_of(db), content_of(whole));
    remove(db);
    assert_int_equal(files_in(dir.path), before);
}

static void test_a_read_only_directory_is_named(void **state) {
    (void)state;
    int status;
    char inside[4300];
    const char *closed = tempdir_file(&dir, "closed");
    assert_int_equal(mkdir(closed, 0500), 0);
    snprintf(inside, sizeof inside, "%s/t.db", closed);
    pid_t child = fork();
    if (child == 0) {
        struct err err;
        obey_permissions();
        int rc = run_command(cmd_record, &err, NULL, words(inside, NULL));
        if (rc == -1 && strstr(err.text, inside) && (strstr(err.text, "Permission denied") || strstr(err.text, "read-only"))) _exit(0);
        fprintf(stderr, "%d: %s\n", rc, err.text);
        _exit(1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_int_equal(files_in(closed), 0);
    rmdir(closed);
}

static void test_a_full_disk_is_named_and_the_recording_goes_on_once_there_is_room(void **state) {
    (void)state;
    struct rlimit old, low;
    struct stat st;
    int failures = 0, parts = 0;
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &old);
    assert_int_equal(stat(whole, &st), 0);
    for (int i = 0; i < 8; i++) {
        struct err err;
        low = (struct rlimit){(rlim_t)st.st_size * (rlim_t)i / 6, old.rlim_max}; // the kernel refuses writes beyond
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &low), 0);
        int rc = run_command(cmd_record, &err, NULL, words(db, NULL));
        setrlimit(RLIMIT_FSIZE, &old);
        if (rc) {
            struct check c;
            struct err why = {""};
            failures++;
            assert_int_equal(rc, -1);
            assert_contains(err.text, db);
            if (!strstr(err.text, "File too large") && !strstr(err.text, "full")) fail_msg("%s", err.text);
            if (check_trace(&c, db, &why) == 0) {
                assert_int_equal(c.n, 0);
                parts += c.sequences > 0 && c.sequences < PROMPTS;
            }
        }
        record(db, NULL);
        assert_int_equal(content_of(db), content_of(whole));
        remove(db);
    }
    assert_true(failures > 3 && parts > 0);
}

static int setup(void **state) {
    (void)state;
    if (tempdir_open(&dir)) return -1;
    snprintf(model, sizeof model, "%s/looping.gguf", dir.path);
    snprintf(prompts, sizeof prompts, "%s/prompts.jsonl", dir.path);
    snprintf(db, sizeof db, "%s/t.db", dir.path);
    snprintf(whole, sizeof whole, "%s/whole.db", dir.path);
    looping_model(model, 0.02f);
    write_file(prompts, prompt_lines);
    int64_t begin = clock_ns();
    record(whole, NULL);
    whole_us = (int)((clock_ns() - begin) / 1000) + 2000; // and a process takes some time to start
    return 0;
}

static int teardown(void **state) {
    (void)state;
    tempdir_close(&dir);
    return 0;
}

int main(int argc, char **argv) {
    (void)argc;
    tiny_calm_threads(argv);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_recorder_killed_at_any_instant_resumes_to_the_same_trace),
        cmocka_unit_test(test_a_recording_stopped_after_any_prompt_goes_on_there),
        cmocka_unit_test(test_a_repeated_prompt_is_recorded_once),
        cmocka_unit_test(test_every_accepted_length_is_that_of_a_slow_search),
        cmocka_unit_test(test_text_after_the_end_is_never_accepted),
        cmocka_unit_test(test_a_recording_keeps_every_invariant),
        cmocka_unit_test(test_no_text_leaves_only_counts),
        cmocka_unit_test(test_wrong_input_is_one_line_and_leaves_no_trace),
        cmocka_unit_test(test_a_read_only_directory_is_named),
        cmocka_unit_test(test_a_full_disk_is_named_and_the_recording_goes_on_once_there_is_room),
        cmocka_unit_test(test_a_target_that_is_not_batch_invariant_is_found),
        cmocka_unit_test(test_threads_change_nothing_but_timings),
        cmocka_unit_test(test_a_sampled_text_is_recorded_and_depends_on_its_seed),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
