/* test_sweep.c - what a sweep writes, refuses and shows; that it does not depend on how it is split is test_sweep.sh's. */
#include "tests/make_trace.h"

#include <jansson.h>
#include <sys/stat.h>

#include "sim/board.h"
#include "sim/code.h"
#include "sim/sweep.h"
#include "tests/run_command.h"
#include "tests/run_replay.h"
#include "tests/synth.h"
#include "tests/tempdir.h"

command cmd_sweep, cmd_results, cmd_report, cmd_traces;

static struct tempdir dir;
static char db[4200], out[4200];

static const char *fresh(const char *name) {
    static char path[4200];
    snprintf(path, sizeof path, "%s", tempdir_file(&dir, name));
    remove(path);
    return path;
}

static void run_sweep(const char *results, const char *seeds, const char *scope) {
    struct err err;
    if (run_command(cmd_sweep, &err, out, (char *[]){"sweep", "--db", db, "--policy", "ucbspec:delta={0.05,0.5}", "thompson", "clairvoyant", "--seeds", (char *)seeds,
                                                    "--scope", (char *)scope, "--results", (char *)results, NULL})) fail_msg("%s", err.text);
}

/* The same policies by replay: the same counts and seconds, sequence for sequence. */
static void test_sweep_plays_what_replay_plays(void **state) {
    (void)state;
    static const char *const scopes[] = {"prompt", "stream"};
    for (int i = 0; i < 2; i++) {
        const char *results = fresh("r.db");
        char replayed[4200], line[512], want[5000], sql[400];
        struct err err;
        snprintf(replayed, sizeof replayed, "%s", tempdir_file(&dir, "replayed.db"));
        remove(replayed);
        run_sweep(results, "3", scopes[i]);
        assert_int_equal(replay(&err, NULL, (char *[]){"replay", "--db", db, "--policy", "ucbspec:delta={0.05,0.5}", "thompson", "clairvoyant", "--seeds", "3",
                                                       "--scope", (char *)scopes[i], "--results", replayed, NULL}), 0);
        assert_int_equal(run_command(cmd_results, &err, out, (char *[]){"results", "export", "--results", (char *)results, NULL}), 0);
        FILE *f = fopen(out, "r");
        assert_non_null(fgets(line, sizeof line, f));
        int rows = 0;
        while (fgets(line, sizeof line, f)) { // setting,sha,arms,scope,policy,seed,sequence,key,category,rounds,proposed,accepted,emitted,seconds
            char *field[14], *at = line;
            for (int k = 0; k < 14; k++) field[k] = at, at = strpbrk(at, ",\n"), *at++ = 0;
            snprintf(sql, sizeof sql, "SELECT count(*) FROM outcome o JOIN policy p ON p.id = o.policy WHERE p.spec = '%s' AND o.seed = %s AND o.sequence = %s"
                                      " AND o.rounds = %s AND o.proposed = %s AND o.accepted = %s AND o.emitted = %s AND o.seconds = %s", field[4], field[5], field[6], field[9],
                     field[10], field[11], field[12], field[13]);
            assert_int_equal(query_number(replayed, sql), 1);
            rows++;
        }
        fclose(f);
        assert_int_equal(rows, query_number(replayed, "SELECT count(*) FROM outcome"));
        // and the same summary, but for the order of policies
        snprintf(want, sizeof want, "ATTACH '%s' AS r; CREATE TABLE compared AS SELECT a.spec FROM policy a JOIN r.policy b ON a.spec = b.spec"
                                    " WHERE abs(a.tokens_per_s / b.tokens_per_s - 1) < 1e-9 AND abs(a.tokens_per_s_lo / b.tokens_per_s_lo - 1) < 1e-9 AND a.seeds = b.seeds"
                                    " AND abs(a.regret_rounds - b.regret_rounds) < 1e-9;", replayed);
        run_sql(results, want);
        assert_int_equal(query_number(results, "SELECT count(*) FROM compared"), 4);
        snprintf(want, sizeof want, "ATTACH '%s' AS r; CREATE TABLE pulled AS SELECT 1 FROM pull x JOIN policy a ON a.id = x.policy JOIN r.policy b ON b.spec = a.spec"
                                    " JOIN r.pull y ON y.policy = b.id AND y.round = x.round AND y.arm = x.arm AND y.count = x.count;", replayed);
        run_sql(results, want);
        assert_int_equal(query_number(results, "SELECT count(*) FROM pulled"), query_number(replayed, "SELECT count(*) FROM pull"));
        snprintf(want, sizeof want, "ATTACH '%s' AS r; CREATE TABLE alike AS SELECT a.spec FROM policy a JOIN r.policy b ON a.spec = b.spec JOIN part x ON x.policy = a.id"
                                    " JOIN r.part y ON y.policy = b.id JOIN category c ON c.policy = a.id JOIN r.category d ON d.policy = b.id AND d.category = c.category"
                                    " WHERE abs(x.draft_seconds / y.draft_seconds - 1) < 1e-9 AND abs(x.verify_seconds / y.verify_seconds - 1) < 1e-9"
                                    " AND abs(c.mat / d.mat - 1) < 1e-9 AND abs(c.tokens_per_s / d.tokens_per_s - 1) < 1e-9 AND c.tokens_per_s_lo IS NOT NULL"
                                    " AND abs(c.tokens_per_s_lo / d.tokens_per_s_lo - 1) < 1e-9;", replayed);
        run_sql(results, want);
        assert_int_equal(query_number(results, "SELECT count(*) FROM alike"), 4 * query_number(results, "SELECT count(DISTINCT category) FROM sequence"));
        run_sql(results, "DROP TABLE compared; DROP TABLE pulled; DROP TABLE alike");
    }
}

static void test_more_seeds_add_runs_and_nothing_is_played_again(void **state) {
    (void)state;
    const char *results = fresh("r.db");
    run_sweep(results, "2", "prompt");
    assert_int_equal(query_number(results, "SELECT count(*) FROM run"), 5); // thompson twice
    int64_t last = query_number(results, "SELECT max(rowid) FROM run");
    run_sweep(results, "4", "prompt");
    assert_int_equal(query_number(results, "SELECT count(*) FROM run"), 7);
    assert_int_equal(query_number(results, "SELECT max(rowid) FROM run"), last + 2);
    assert_int_equal(query_number(results, "SELECT count(*) FROM experiment"), 1);
    assert_int_equal(query_number(results, "SELECT seeds FROM policy WHERE spec = 'thompson'"), 4);
    run_sql(db, "UPDATE step SET verify_ns = 2 * verify_ns"); // other seconds are another setting
    run_sweep(results, "2", "prompt");
    run_sql(db, "UPDATE step SET verify_ns = verify_ns / 2");
    assert_int_equal(query_number(results, "SELECT count(*) FROM experiment"), 2);
    assert_int_equal(query_number(results, "SELECT count(*) FROM run"), 12);
}

static void test_keys_tell_everything_apart(void **state) {
    (void)state;
    char a[KEY_HEX], b[KEY_HEX];
    struct err err;
    assert_int_equal(sweep_key("s", "ucbspec", 1, a, &err), 0);
    static const struct { const char *setting, *spec; uint64_t seed; } others[] = {{"s", "ucbspec", 2}, {"t", "ucbspec", 1}, {"s", "ucbspe", 1}, {"sucb", "spec", 1}, {"s", "ucbspec1", 1}};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        assert_int_equal(sweep_key(others[i].setting, others[i].spec, others[i].seed, b, &err), 0);
        assert_string_not_equal(a, b);
    }
    assert_int_equal(sweep_key("s", "ucbspec", 1, b, &err), 0);
    assert_string_equal(a, b);
}

/* Each policy of the list, with a hash of its own file. */
static void test_keys_know_the_file_of_every_policy(void **state) {
    (void)state;
    int n = 0, known = 0;
    for (; policies[n]; n++) {
        const struct policy_code *x = policy_codes;
        while (x->name && strcmp(x->name, policies[n]->name)) x++;
        if (!x->name) fail_msg("no file of '%s'", policies[n]->name);
        assert_int_equal(strlen(x->code), 64);
    }
    while (policy_codes[known].name) known++;
    assert_int_equal(known, n);
    assert_string_not_equal(policy_codes[0].code, policy_codes[n - 1].code);
    assert_int_equal(strlen(code_version), 64);
}

/* The hold-out parts are all prompts, each once, and what is chosen is the fastest of its policy. */
static void test_held_out_prompts_are_no_prompts_chosen_by(void **state) {
    (void)state;
    const char *results = fresh("r.db");
    struct runs r;
    struct board all, choose, held;
    struct err err = {""};
    run_sweep(results, "2", "prompt");
    if (runs_open(&r, results, &err) || board_open(&all, &r, 1, BOARD_ALL, 0, NULL, 0, &err) || board_open(&choose, &r, 1, BOARD_CHOOSE, 0.4, NULL, 0, &err)
        || board_open(&held, &r, 1, BOARD_HELD_OUT, 0.4, NULL, 0, &err)) fail_msg("%s", err.text);
    assert_true(choose.Q > 0 && held.Q > 0 && choose.Q + held.Q == all.Q);
    for (int p = 0; p < all.P; p++) {
        double sum = 0, parts = 0;
        for (int q = 0; q < all.Q; q++) sum += all.seconds[p * all.Q + q];
        for (int q = 0; q < choose.Q; q++) parts += choose.seconds[p * choose.Q + q];
        for (int q = 0; q < held.Q; q++) parts += held.seconds[p * held.Q + q];
        assert_close(parts, sum, 1e-12);
    }
    int chosen[8], n = board_choose(&choose, chosen);
    assert_int_equal(n, 3); // clairvoyant, thompson, one of the two ucbspecs
    assert_string_equal(choose.players[chosen[2]].name, "ucbspec");
    double other = 0, mine = 0;
    for (int q = 0; q < choose.Q; q++) mine += choose.seconds[chosen[2] * choose.Q + q], other += choose.seconds[(5 - chosen[2]) * choose.Q + q];
    assert_true(chosen[2] >= 2 && mine <= other);
    board_close(&all), board_close(&choose), board_close(&held), runs_close(&r);
}

/* The name of the arm, or the spec of the run, that takes the fewest seconds on these sequences; '' of both is all. */
static const char *least_on(const char *results, const char *list, bool per_category, const char *held, double *tokens_per_s) {
    static char name[256];
    char sql[3000];
    sqlite3 *at;
    sqlite3_stmt *s;
    assert_int_equal(sqlite3_open(results, &at), SQLITE_OK);
    snprintf(sql, sizeof sql, "WITH w AS (SELECT * FROM walk JOIN sequence q USING (experiment, sequence) WHERE experiment = 1 AND arm >= 0), b AS ("
        "SELECT (SELECT x.arm FROM w x WHERE x.sequence IN (%s) GROUP BY x.arm ORDER BY sum(x.seconds) LIMIT 1) AS overall), c AS ("
        "SELECT DISTINCT q.category, coalesce((SELECT x.arm FROM w x WHERE x.sequence IN (%s) AND x.category = q.category GROUP BY x.arm"
        " ORDER BY sum(x.seconds) LIMIT 1), b.overall) AS arm FROM sequence q, b) "
        "SELECT (SELECT name FROM arm WHERE experiment = 1 AND arm = b.overall), (SELECT sum(tokens - 1) FROM sequence WHERE sequence IN (%s)) / sum(w.seconds)"
        " FROM w JOIN c USING (category), b WHERE w.sequence IN (%s) AND w.arm = %s", list, list, held, held, per_category ? "c.arm" : "b.overall");
    if (sqlite3_prepare_v2(at, sql, -1, &s, NULL) != SQLITE_OK) fail_msg("%s: %s", sql, sqlite3_errmsg(at));
    assert_int_equal(sqlite3_step(s), SQLITE_ROW);
    snprintf(name, sizeof name, "%s", (const char *)sqlite3_column_text(s, 0));
    *tokens_per_s = sqlite3_column_double(s, 1);
    sqlite3_finalize(s), sqlite3_close(at);
    return name;
}

static double reference_speed(const json_t *board, const char *name) {
    json_t *row;
    size_t i;
    json_array_foreach(json_object_get(board, "references"), i, row) if (!strcmp(json_string_value(json_object_get(row, "name")), name))
        return json_real_value(json_object_get(json_object_get(row, "tokens_per_s"), "value"));
    return 0;
}

/* Policies meet the arm that is best on the other prompts, as in a report; the one that is best on these is said to be hindsight. */
static void test_held_out_prompts_choose_no_arm(void **state) {
    (void)state;
    struct err err;
    int differ = 0;
    char results[4200], level[4200]; // drafters so alike that prompts disagree on the best arm
    snprintf(results, sizeof results, "%s", fresh("r.db")), snprintf(level, sizeof level, "%s", fresh("level.db"));
    assert_int_equal(run_command(cmd_traces, &err, out, (char *[]){"traces", "synth", level, "--drafter", "x=0.7", "y=0.7", "--sequences", "9", "--tokens", "60", NULL}), 0);
    if (run_command(cmd_sweep, &err, out, (char *[]){"sweep", "--db", level, "--policy", "hf", "thompson", "best-fixed", "--seeds", "2", "--results", results, NULL})) fail_msg("%s", err.text);
    for (int percent = 20; percent <= 80; percent += 5) {
        char share[16], held[1024] = "", other[1024] = "", arm[256];
        double speed;
        int n = 0;
        snprintf(share, sizeof share, "0.%02d", percent);
        sqlite3 *at;
        sqlite3_stmt *s;
        assert_int_equal(sqlite3_open(results, &at), SQLITE_OK);
        assert_int_equal(sqlite3_prepare_v2(at, "SELECT sequence, prompt_key FROM sequence ORDER BY sequence", -1, &s, NULL), SQLITE_OK);
        while (sqlite3_step(s) == SQLITE_ROW) {
            bool is = board_holds_out((const char *)sqlite3_column_text(s, 1), percent / 100.0);
            char *to = is ? held : other;
            n += is;
            snprintf(to + strlen(to), 1024 - strlen(to), "%s%d", *to ? "," : "", sqlite3_column_int(s, 0));
        }
        sqlite3_finalize(s), sqlite3_close(at);
        if (n < 2 || n > 7) continue;
        assert_int_equal(run_command(cmd_results, &err, out, (char *[]){"results", "show", "--results", results, "--holdout", share, "--json", NULL}), 0);
        json_t *all = json_load_file(out, 0, NULL), *board = json_array_get(all, 0), *row;
        assert_int_equal(run_command(cmd_report, &err, out, (char *[]){"report", "--results", results, "--holdout", share, "--json", NULL}), 0);
        json_t *report = json_load_file(out, 0, NULL);
        size_t i;
        snprintf(arm, sizeof arm, "%s", least_on(results, other, false, held, &speed));
        assert_string_equal(json_string_value(json_object_get(board, "best_fixed_arm")), arm);
        assert_string_equal(json_string_value(json_object_get(json_object_get(report, "verdict"), "best_fixed_arm")), arm);
        assert_close(reference_speed(board, "best-fixed"), speed, 1e-9);
        (void)least_on(results, other, true, held, &speed);
        assert_close(reference_speed(board, "best-per-category"), speed, 1e-9);
        json_array_foreach(json_object_get(report, "references"), i, row) if (!strcmp(json_string_value(json_object_get(row, "policy")), "best-per-category"))
            assert_close(json_real_value(json_object_get(json_object_get(row, "tokens_per_s"), "value")), speed, 1e-9);
        const json_t *hindsight = json_object_get(board, "best_fixed_in_hindsight");
        differ += strcmp(least_on(results, held, false, held, &speed), arm) != 0;
        assert_string_equal(json_string_value(json_object_get(hindsight, "arm")), least_on(results, held, false, held, &speed));
        assert_close(json_real_value(json_object_get(hindsight, "tokens_per_s")), speed, 1e-9);
        assert_true(speed >= reference_speed(board, "best-fixed") * (1 - 1e-9));
        assert_int_equal(json_array_size(json_object_get(board, "policies")), 2); // 'best-fixed' played with all prompts in sight
        assert_string_equal(json_string_value(json_object_get(board, "against")), json_string_value(json_object_get(json_object_get(report, "verdict"), "fastest")));
        json_decref(all), json_decref(report);
        assert_int_equal(run_command(cmd_results, &err, out, (char *[]){"results", "show", "--results", results, "--holdout", share, NULL}), 0);
        char *text = read_file(out), line[600];
        snprintf(line, sizeof line, "and best-fixed (%s)\nin hindsight, on these prompts, the best arm is ", arm);
        assert_contains(text, line);
        free(text);
    }
    assert_true(differ > 0);
    remove(results);
    if (run_command(cmd_sweep, &err, out, (char *[]){"sweep", "--db", level, "--policy", "best-fixed", "--holdout", "0.4", "--results", results, NULL})) fail_msg("%s", err.text);
    char *text = read_file(out);
    assert_contains(text, "\ncompared with plain\n"); // nobody plays without hindsight
    free(text);
}

/* What a policy sees beside the counts is read for it, and must not make another setting of the others' runs. */
static void test_policies_that_see_more_join_the_same_setting(void **state) {
    (void)state;
    const char *results = fresh("r.db");
    struct err err;
    assert_int_equal(run_command(cmd_sweep, &err, out, (char *[]){"sweep", "--db", db, "--policy", "thompson", "--seeds", "2", "--results", (char *)results, "--quiet", NULL}), 0);
    run_sql(results, "UPDATE run SET own_ns = -1");
    assert_int_equal(run_command(cmd_sweep, &err, out, (char *[]){"sweep", "--db", db, "--policy", "thompson", "auto", "linucb", "--seeds", "2", "--results", (char *)results, "--quiet", NULL}), 0);
    assert_int_equal(query_number(results, "SELECT count(*) FROM experiment"), 1);
    assert_int_equal(query_number(results, "SELECT count(*) FROM run"), 4);
    assert_int_equal(query_number(results, "SELECT count(*) FROM run WHERE own_ns = -1"), 2);
}

/* As if the policy's file had been another one when it played. */
static void test_a_policy_whose_file_has_changed_is_played_anew_alone(void **state) {
    (void)state;
    char a[4200], b[4200];
    struct err err;
    snprintf(a, sizeof a, "%s", fresh("a.db")), snprintf(b, sizeof b, "%s", fresh("b.db"));
    run_sweep(a, "2", "prompt");
    run_sweep(b, "2", "prompt");
    const int64_t n = query_number(a, "SELECT count(*) FROM run");
    run_sql(a, "UPDATE run SET key = 'x' || key WHERE spec = 'thompson'");
    assert_refused(cmd_results, (char *[]){"results", "merge", "--results", a, "--from", b, NULL}, ERR_FAILED, "hold runs of two versions of policy 'thompson'");
    assert_int_equal(query_number(a, "SELECT count(*) FROM run"), n);
    run_sql(a, "UPDATE run SET own_ns = -1");
    run_sweep(a, "2", "prompt");
    assert_int_equal(query_number(a, "SELECT count(*) FROM run"), n);
    assert_int_equal(query_number(a, "SELECT count(*) FROM run WHERE key LIKE 'x%'"), 0);
    assert_int_equal(query_number(a, "SELECT count(*) FROM run WHERE own_ns <> -1"), 2); // thompson twice
    assert_int_equal(query_number(a, "SELECT count(*) FROM run WHERE own_ns <> -1 AND spec = 'thompson'"), 2);
    assert_int_equal(run_command(cmd_results, &err, out, (char *[]){"results", "merge", "--results", a, "--from", b, NULL}), 0);
}

static void test_merging_refuses_two_outcomes_of_one_run(void **state) {
    (void)state;
    char a[4200], b[4200];
    snprintf(a, sizeof a, "%s", fresh("a.db")), snprintf(b, sizeof b, "%s", fresh("b.db"));
    run_sweep(a, "2", "prompt");
    run_sweep(b, "2", "prompt");
    struct err err;
    assert_int_equal(run_command(cmd_results, &err, out, (char *[]){"results", "merge", "--results", a, "--from", b, NULL}), 0);
    run_sql(b, "UPDATE run SET outcomes = zeroblob(length(outcomes)) WHERE seed = 1 AND spec = 'thompson'");
    assert_refused(cmd_results, (char *[]){"results", "merge", "--results", a, "--from", b, NULL}, ERR_FAILED,
                   "hold different outcomes of the same run: policy 'thompson', seed 1");
    run_sql(b, "UPDATE run SET outcomes = x'00' WHERE seed = 0");
    assert_refused(cmd_results, (char *[]){"results", "show", "--results", b, NULL}, ERR_FAILED, "has outcomes of 1 bytes");
}

static void test_a_failed_export_leaves_the_old_file(void **state) {
    (void)state;
    char other[4200], kept[4200];
    snprintf(other, sizeof other, "%s", fresh("text.db"));
    snprintf(kept, sizeof kept, "%s", fresh("kept.csv"));
    write_file(other, "no results, but a text");
    write_file(kept, "kept");
    assert_refused(cmd_results, (char *[]){"results", "export", "--results", other, "--out", kept, NULL}, ERR_FAILED, "is not a banditspec results file");
    char *now = read_file(kept);
    assert_string_equal(now, "kept");
    free(now);
    run_sweep(fresh("r.db"), "2", "prompt");
    const char *results = tempdir_file(&dir, "r.db");
    assert_refused(cmd_results, (char *[]){"results", "export", "--results", (char *)results, "--out", (char *)results, NULL}, ERR_FAILED,
        "' is what is read; give another --out");
    assert_int_equal(query_number(results, "SELECT count(*) FROM run"), 5);
}

static void test_results_that_are_read_must_be_there(void **state) {
    (void)state;
    struct err err;
    char none[4200], all[4200], one[4200], text[4300];
    snprintf(none, sizeof none, "%s", fresh("none.db")), snprintf(all, sizeof all, "%s", fresh("all.db")), snprintf(one, sizeof one, "%s", fresh("one.db"));
    snprintf(text, sizeof text, "cannot open '%s': No such file or directory", none);
    run_sweep(one, "2", "prompt");
    assert_refused(cmd_results, (char *[]){"results", "show", "--results", none, NULL}, ERR_FAILED, text);
    assert_refused(cmd_results, (char *[]){"results", "export", "--results", none, NULL}, ERR_FAILED, text);
    assert_refused(cmd_results, (char *[]){"results", "merge", "--results", all, "--from", one, none, NULL}, ERR_FAILED, text);
    assert_int_equal(access(none, F_OK), -1);
    assert_int_equal(access(all, F_OK), -1);
    assert_refused(cmd_results, (char *[]){"results", "merge", "--results", one, "--from", one, NULL}, ERR_FAILED, "is the file to add to");
    assert_int_equal(run_command(cmd_results, &err, out, (char *[]){"results", "merge", "--results", all, "--from", one, NULL}), 0);
    assert_int_equal(query_number(all, "SELECT count(*) FROM run"), 5);
}

/* What `results WORD` says on standard error of such a file; the caller frees it. */
static char *said_of(const char *word, const char *results) {
    struct err err = {""};
    char path[4200];
    snprintf(path, sizeof path, "%s", tempdir_file(&dir, "said"));
    fflush(stdout);
    fflush(stderr);
    int saved_out = swap_stream(STDOUT_FILENO, NULL), saved = swap_stream(STDERR_FILENO, path);
    int rc = cmd_results(4, (char *[]){"results", (char *)word, "--results", (char *)results, NULL}, &err);
    fflush(stdout);
    fflush(stderr);
    restore_stream(STDERR_FILENO, saved);
    restore_stream(STDOUT_FILENO, saved_out);
    if (rc) fail_msg("%s", err.text);
    return read_file(path);
}

static void test_a_file_of_replay_alone_is_pointed_to_report(void **state) {
    (void)state;
    struct err err;
    const char *const words[] = {"show", "export"};
    char replayed[4200], swept[4200];
    snprintf(replayed, sizeof replayed, "%s", fresh("replayed.db")), snprintf(swept, sizeof swept, "%s", fresh("swept.db"));
    assert_int_equal(replay(&err, NULL, (char *[]){"replay", "--db", db, "--policy", "none", "--results", replayed, NULL}), 0);
    run_sweep(swept, "2", "prompt");
    for (int i = 0; i < 2; i++) {
        char *of_replay = said_of(words[i], replayed), *of_sweep = said_of(words[i], swept);
        assert_contains(of_replay, "holds no sweep; what replay wrote is shown by banditspec report");
        assert_null(strstr(of_sweep, "holds no sweep"));
        free(of_replay), free(of_sweep);
    }
    run_sql(swept, "PRAGMA foreign_keys = ON; DELETE FROM experiment");
    for (const char *const *word = (const char *const[]){"list", "show", "export", NULL}; *word; word++) {
        char *of_none = said_of(*word, swept);
        assert_contains(of_none, "swept.db' holds no experiment of a sweep or a replay\n");
        free(of_none);
    }
}

/* `results WORD ...` as text; the caller frees it. */
static char *results_text(char *const *words) {
    struct err err;
    char *argv[16] = {"results"};
    for (int i = 0; words[i]; i++) argv[i + 1] = words[i];
    if (run_command(cmd_results, &err, out, argv)) fail_msg("%s", err.text);
    return read_file(out);
}

static void test_experiments_are_listed_and_chosen_from(void **state) {
    (void)state;
    struct err err;
    char results[4200], line[9000];
    snprintf(results, sizeof results, "%s", fresh("r.db"));
    run_sweep(results, "2", "prompt");
    char *one = results_text((char *[]){"show", "--results", results, NULL});
    assert_null(strstr(one, "one alone:")); // nothing to choose from
    run_sweep(results, "3", "stream");
    assert_int_equal(replay(&err, NULL, (char *[]){"replay", "--db", db, "--policy", "none", "thompson", "--seeds", "7", "--arms", "plain", "drafter0:2", "--results", results, NULL}), 0);
    char *list = results_text((char *[]){"list", "--results", results, NULL}), *all = results_text((char *[]){"show", "--results", results, NULL}),
         *second = results_text((char *[]){"show", "--results", results, "--experiment", "2", NULL});
    assert_contains(list, "\n         1  sweep   prompt  model           9         4        5  ");
    assert_contains(list, "\n         2  sweep   stream  model           9         4        6  ");
    assert_contains(list, "\n         3  replay  prompt  model           9         2        8  ");
    assert_contains(list, "\n            plain drafter0:2\n");
    snprintf(line, sizeof line, "one alone: banditspec results show --results %s --experiment ID\n", results);
    assert_contains(all, line);
    assert_contains(all, "\n         2  sweep   stream");
    assert_null(strstr(all, "replay"));
    assert_contains(all, "\nexperiment 1: "), assert_contains(all, "\nexperiment 2: ");
    assert_null(strstr(second, "one alone:")), assert_null(strstr(second, "experiment 1: "));
    free(one), free(list), free(all), free(second);
    free(results_text((char *[]){"list", "--results", results, "--json", NULL}));
    json_t *rows = json_load_file(out, 0, NULL);
    assert_int_equal(json_array_size(rows), 3);
    assert_int_equal(json_integer_value(json_object_get(json_array_get(rows, 2), "runs")), 8);
    assert_string_equal(json_string_value(json_object_get(json_array_get(rows, 2), "arms")), "plain drafter0:2");
    json_decref(rows);
}

static void test_leaderboards_say_that_they_hold_measurements(void **state) {
    (void)state;
    char results[4200];
    snprintf(results, sizeof results, "%s", fresh("r.db"));
    run_sweep(results, "2", "prompt");
    const char *const says = "differ each time policies play: with --own none they are the same bytes";
    char *charged = results_text((char *[]){"show", "--results", results, NULL}), *shown = results_text((char *[]){"show", "--results", results, "--own", "show", NULL}),
         *without = results_text((char *[]){"show", "--results", results, "--own", "none", NULL}), *help = results_text((char *[]){"show", "--help", NULL});
    assert_contains(charged, says);
    assert_null(strstr(shown, says)), assert_contains(shown, "seconds do not hold it");
    assert_null(strstr(without, "own:"));
    assert_contains(help, "--own none leaves it out, and then they are the same bytes");
    free(charged), free(shown), free(without), free(help);
}

static void test_an_empty_file_is_no_results_file(void **state) {
    (void)state;
    char empty[4200], one[4200], all[4200];
    static char *const words[] = {"show", "list", "export"};
    struct stat st;
    snprintf(empty, sizeof empty, "%s", fresh("empty.db")), snprintf(one, sizeof one, "%s", fresh("one.db")), snprintf(all, sizeof all, "%s", fresh("all.db"));
    write_file(empty, "");
    run_sweep(one, "2", "prompt");
    for (int i = 0; i < 3; i++) assert_refused(cmd_results, (char *[]){"results", words[i], "--results", empty, NULL}, ERR_FAILED, "empty.db' is empty, expected a results file");
    assert_refused(cmd_results, (char *[]){"results", "merge", "--results", all, "--from", one, empty, NULL}, ERR_FAILED, "empty.db' is empty, expected a results file");
    assert_int_equal(stat(empty, &st), 0);
    assert_int_equal(st.st_size, 0);
    assert_int_equal(access(all, F_OK), -1);
}

static void test_sweep_and_results_refuse_what_they_cannot_do(void **state) {
    (void)state;
    const char *results = fresh("r.db");
    static char *const bad[][2] = {{"--shard", "3/2"}, {"--shard", "0/2"}, {"--shard", "1"}, {"--shard", "1/2x"}, {"--scope", "moon"}, {"--timing", "x"}, {"--own", "x"}, {"--holdout", "2"}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_refused(cmd_sweep, (char *[]){"sweep", "--db", db, "--results", (char *)results, bad[i][0], bad[i][1], NULL}, ERR_USAGE, bad[i][1]);
    assert_refused(cmd_sweep, (char *[]){"sweep", "--db", "/no/file", "--results", (char *)results, NULL}, ERR_FAILED, "/no/file");
    assert_refused(cmd_sweep, (char *[]){"sweep", "--db", db, "--results", "/no/place/r.db", NULL}, ERR_FAILED, "/no/place/r.db");
    assert_refused(cmd_sweep, (char *[]){"sweep", "--db", db, "--results", db, NULL}, ERR_FAILED, "is not a banditspec results file");
    assert_refused(cmd_sweep, (char *[]){"sweep", "--db", db, "--policy", "nobody", "--results", (char *)results, NULL}, ERR_FAILED, "nobody");
    static const char *const slips[][2] = {{"thomson", "thompson"}, {"ucbspek:delta={0.1,0.5}", "ucbspec"}, {"best-fixd", "best-fixed"}, {"clairvoy", "clairvoyant"}};
    for (size_t i = 0; i < sizeof slips / sizeof *slips; i++) {
        char meant[64];
        snprintf(meant, sizeof meant, "'; did you mean '%s'?", slips[i][1]);
        assert_refused(cmd_sweep, (char *[]){"sweep", "--db", db, "--policy", (char *)slips[i][0], "--results", (char *)results, NULL}, ERR_FAILED, meant);
    }
    assert_refused(cmd_sweep, (char *[]){"sweep", "--db", db, "--arms", "cow:3", "--results", (char *)results, NULL}, ERR_FAILED, "cow");
    char place[4300]; // which of several traces has no such drafter
    snprintf(place, sizeof place, "trace '%s'", db);
    assert_refused(cmd_sweep, (char *[]){"sweep", "--db", db, "--arms", "cow:3", "--results", (char *)results, NULL}, ERR_FAILED, place);
    assert_refused(cmd_sweep, (char *[]){"sweep", "--db", db, "--policy", "none", "--against", "x", "--results", (char *)results, NULL}, ERR_USAGE, "got 'x'");
    assert_refused(cmd_sweep, (char *[]){"sweep", "--db", db, "--policy", "none", "--holdout", "0.01", "--results", (char *)results, NULL}, ERR_FAILED, "--holdout 0.01 leaves");
    assert_refused(cmd_results, (char *[]){"results", "draw", NULL}, ERR_USAGE, "unknown word 'draw'");
    assert_refused(cmd_results, (char *[]){"results", "show", "--results", (char *)results, "--experiment", "9", NULL}, ERR_FAILED, "experiment 9");
    assert_refused(cmd_results, (char *[]){"results", "merge", "--results", (char *)results, "--from", db, NULL}, ERR_FAILED, "is not a banditspec results file");
}

static int open_dir(void **state) {
    (void)state;
    struct synth x = {.D = 2, .Q = 9, .max_new = 60, .L = 5, .seed = 2, .text = true};
    struct err err;
    if (tempdir_open(&dir)) return -1;
    snprintf(db, sizeof db, "%s", tempdir_file(&dir, "t.db")), snprintf(out, sizeof out, "%s", tempdir_file(&dir, "out"));
    return synth_write(db, &x, &err);
}
static int close_dir(void **state) { (void)state; return tempdir_close(&dir), 0; }

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sweep_plays_what_replay_plays),
        cmocka_unit_test(test_more_seeds_add_runs_and_nothing_is_played_again),
        cmocka_unit_test(test_keys_tell_everything_apart),
        cmocka_unit_test(test_keys_know_the_file_of_every_policy),
        cmocka_unit_test(test_held_out_prompts_are_no_prompts_chosen_by),
        cmocka_unit_test(test_held_out_prompts_choose_no_arm),
        cmocka_unit_test(test_policies_that_see_more_join_the_same_setting),
        cmocka_unit_test(test_a_policy_whose_file_has_changed_is_played_anew_alone),
        cmocka_unit_test(test_merging_refuses_two_outcomes_of_one_run),
        cmocka_unit_test(test_a_failed_export_leaves_the_old_file),
        cmocka_unit_test(test_results_that_are_read_must_be_there),
        cmocka_unit_test(test_a_file_of_replay_alone_is_pointed_to_report),
        cmocka_unit_test(test_experiments_are_listed_and_chosen_from),
        cmocka_unit_test(test_leaderboards_say_that_they_hold_measurements),
        cmocka_unit_test(test_an_empty_file_is_no_results_file),
        cmocka_unit_test(test_sweep_and_results_refuse_what_they_cannot_do),
    };
    return cmocka_run_group_tests(tests, open_dir, close_dir);
}
