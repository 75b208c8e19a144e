/* test_replay.c - replay as a whole: law 4, what theory promises, results files and their errors. */
#include "tests/make_trace.h"

#include <jansson.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "sim/episode.h"
#include "sim/replay.h"
#include "sim/results.h"
#include "sim/summary.h"
#include "tests/run_command.h"
#include "tests/run_replay.h"
#include "tests/tempdir.h"

enum { Q = 7, D = 2, L = 6, MAX_NEW = 80 };
static const int tokens[Q] = {80, 33, 1, 80, 2, 57, 80};

struct fixture {
    struct trace trace;
    struct cost cost;
    struct arms arms;
    struct lineup lineup;
    struct replay replay;
};

/* Everything in memory; the seconds are made up. */
static void setup(struct fixture *f, const char *const *policies, int n, bool stream) {
    struct err err = {""};
    trace_make(&f->trace, Q, tokens, D, L, MAX_NEW, 21);
    f->cost = (struct cost){.D = D, .draft = {{.none = 0.001, .b = 0.002}, {.b = 0.0005}}};
    for (int w = 1; w < COST_WIDTHS; w++) f->cost.base[w] = 0.01 + 0.0007 * w, f->cost.slope[w] = 1e-5;
    assert_int_equal(replay_arms(&f->arms, &f->trace, NULL, 0, &err), 0);
    struct problem p = replay_problem(&f->trace, &f->arms);
    assert_int_equal(lineup_open(&f->lineup, policies, n, &p, true, 5, &err), 0);
    struct replay_plan plan = {.trace = &f->trace, .cost = &f->cost, .arms = &f->arms, .lineup = &f->lineup, .seed = 3, .stream = stream};
    assert_int_equal(replay_open(&f->replay, &plan, &err), 0);
}

static void teardown(struct fixture *f) {
    replay_close(&f->replay);
    lineup_close(&f->lineup);
    arms_close(&f->arms);
    trace_close(&f->trace);
}

static int registered(void) {
    int n = 0;
    while (policies[n]) n++;
    return n;
}

static void test_replay_keeps_every_policy_within_its_bounds(void **state) {
    (void)state;
    for (int stream = 0; stream < 2; stream++) {
        struct fixture f;
        setup(&f, NULL, 0, stream);
        const struct replay *r = &f.replay;
        assert_int_equal(f.lineup.n, registered() - 1); // all of them but `fixed`
        for (int run = 0; run < r->runs; run++)
            for (int q = 0; q < Q; q++) {
                const struct run_outcome *x = &r->outcomes[run * Q + q];
                int emitted = tokens[q] - 1; // rounds and tokens after prefill's
                assert_int_equal(x->emitted, emitted);
                assert_true(x->rounds <= emitted && x->rounds * (f.arms.L + 1) >= emitted);
                assert_true(x->accepted <= x->proposed);
                assert_true(x->rounds >= r->oracle.fewest_rounds[q]);
                assert_true(x->seconds >= r->oracle.clairvoyant[q].seconds * (1 - 1e-12));
            }
        int64_t pulls = 0, rounds = 0;
        for (int i = 0; i < f.lineup.n * r->buckets.n * r->K; i++) pulls += r->pulls[i];
        for (int i = 0; i < r->runs * Q; i++) rounds += r->outcomes[i].rounds;
        assert_int_equal(pulls, rounds);
        teardown(&f);
    }
}

static void test_replay_of_fixed_arms_and_oracles_equals_hindsight_bit_for_bit(void **state) {
    (void)state;
    struct fixture f;
    const char *words[] = {"fixed:arm={0,1,2,3,4}", "best-fixed", "clairvoyant"};
    setup(&f, words, 3, false);
    const struct oracle *o = &f.replay.oracle;
    assert_int_equal(f.lineup.n, 7);
    for (int q = 0; q < Q; q++) {
        for (int k = 0; k < 5; k++) {
            const struct run_outcome *x = &f.replay.outcomes[k * Q + q];
            struct walk w = o->fixed[q * o->K + k];
            assert_int_equal(x->rounds, w.rounds);
            assert_memory_equal(&x->seconds, &w.seconds, sizeof w.seconds);
        }
        const struct run_outcome *best = &f.replay.outcomes[5 * Q + q], *clairvoyant = &f.replay.outcomes[6 * Q + q];
        assert_true(best->seconds == o->fixed[q * o->K + o->best].seconds);
        assert_int_equal(clairvoyant->rounds, o->clairvoyant[q].rounds);
        assert_true(clairvoyant->seconds == o->clairvoyant[q].seconds);
    }
    teardown(&f);
}

static void test_replay_starts_anew_at_every_prompt_unless_it_is_a_stream(void **state) {
    (void)state;
    struct fixture prompt, stream;
    const char *words[] = {"ucbspec", "exp3spec"};
    setup(&prompt, words, 2, false);
    setup(&stream, words, 2, true);
    const struct run_outcome *a = prompt.replay.outcomes, *b = stream.replay.outcomes;
    int differ = 0;
    for (int run = 0; run < prompt.replay.runs; run++) {
        assert_memory_equal(&a[run * Q], &b[run * Q], sizeof *a); // the first prompt is new to both
        for (int q = 1; q < Q; q++) differ += a[run * Q + q].rounds != b[run * Q + q].rounds;
    }
    assert_true(differ > 0);
    // Under scope prompt, sequence 5 alone plays as it does among others.
    struct err err = {""};
    struct agent agent;
    struct episode_total sum = {0};
    struct world_trace w = world_trace(&prompt.trace, &prompt.cost);
    assert_int_equal(agent_open(&agent, "exp3spec", &prompt.replay.problem, &err), 0);
    assert_int_equal(episode_run(&w.world, &agent, 3 + 2, 5, 5, NULL, 0, NULL, &sum, &err), 0);
    assert_int_equal(sum.rounds, a[(1 + 2) * Q + 5].rounds); // the third seed of the second policy
    agent_close(&agent);
    teardown(&prompt);
    teardown(&stream);
}

static void test_replay_averages_seeds_and_summarises_as_defined(void **state) {
    (void)state;
    struct fixture f;
    struct err err = {""};
    struct summary rows[3], references[REFERENCES];
    const char *words[] = {"random", "clairvoyant", "best-fixed"};
    setup(&f, words, 3, false);
    int which;
    assert_int_equal(summary_against(&f.replay, NULL, false, NULL, rows, references, &which, &err), 0);
    double rounds = 0, seconds = 0, plain = 0, best_rounds = 0, best_seconds = 0, total = 0;
    const struct oracle *o = &f.replay.oracle;
    for (int q = 0; q < Q; q++) {
        for (int run = 0; run < 5; run++) {
            rounds += f.replay.outcomes[run * Q + q].rounds / 5.0;
            seconds += f.replay.outcomes[run * Q + q].seconds / 5;
        }
        total += tokens[q] - 1;
        plain += o->plain[q].seconds;
        best_rounds += o->fixed[q * o->K + o->best_rounds[q]].rounds;
        best_seconds += o->fixed[q * o->K + o->best_seconds[q]].seconds;
    }
    assert_int_equal(rows[0].seeds, 5);
    assert_close(rows[0].rounds, rounds / Q, 1e-9);
    assert_close(rows[0].mat.value, total / rounds, 1e-9);
    assert_close(rows[0].tokens_per_s.value, total / seconds, 1e-6);
    assert_close(rows[0].speedup.value, plain / seconds, 1e-9);
    assert_close(rows[0].regret_rounds.value, (rounds - best_rounds) / Q, 1e-9);
    assert_close(rows[0].regret_seconds.value, (seconds - best_seconds) / Q, 1e-9);
    assert_true(rows[0].tokens_per_s.lo < rows[0].tokens_per_s.value && rows[0].tokens_per_s.value < rows[0].tokens_per_s.hi);
    assert_true(rows[1].oracle && rows[1].has_gap && rows[1].gap_closed == 1 && rows[2].gap_closed == 0);
    assert_true(references[REFERENCE_PLAIN].speedup.value == 1 && references[REFERENCE_PLAIN].speedup.lo == 1);
    assert_true(references[REFERENCE_BEST_PER_PROMPT].regret_seconds.hi == 0);
    int order[3];
    summary_sort(rows, 3, order);
    assert_int_equal(order[0], 1);
    teardown(&f);
}

static void test_replay_ranks_policies_and_compares_them_on_the_same_prompts(void **state) {
    (void)state;
    struct fixture f;
    struct err err = {""};
    struct summary rows[5], references[REFERENCES];
    const char *words[] = {"none", "fixed:arm=1", "fixed:arm=2", "random", "clairvoyant"};
    int which;
    setup(&f, words, 5, false);
    assert_int_equal(summary_against(&f.replay, NULL, false, "none", rows, references, &which, &err), 0);
    assert_int_equal(which, 0);
    assert_true(rows[0].against.verdict == VERDICT_REFERENCE && rows[0].against.percent.value == 0 && rows[0].against.p == 1);
    assert_true(rows[4].rank == 0 && rows[4].against.p_holm == rows[4].against.p); // hindsight stands outside
    int seen = 0;
    for (int i = 0; i < 4; i++) {
        const struct comparison *x = &rows[i].against;
        assert_close(x->percent.value, 100 * (rows[i].tokens_per_s.value / rows[0].tokens_per_s.value - 1), 1e-9);
        assert_close(x->tokens_per_s.value, rows[i].tokens_per_s.value - rows[0].tokens_per_s.value, 1e-6);
        assert_true(x->p <= x->p_holm && rows[i].rank_lo <= rows[i].rank && rows[i].rank <= rows[i].rank_hi);
        if (i) assert_int_equal(x->verdict, x->p_holm >= 0.05 ? VERDICT_NONE : x->percent.value > 0 ? VERDICT_FASTER : VERDICT_SLOWER);
        seen |= 1 << rows[i].rank;
        for (int j = 0; j < 4; j++) assert_true((rows[i].tokens_per_s.value > rows[j].tokens_per_s.value) == (rows[i].rank < rows[j].rank));
    }
    assert_int_equal(seen, 30);
    assert_int_equal(summary_against(&f.replay, NULL, false, "plain", rows, references, &which, &err), 0);
    assert_int_equal(which, 5 + REFERENCE_PLAIN);
    assert_true(rows[0].against.percent.value == 0 && rows[0].against.verdict == VERDICT_NONE); // plain decoding is plain decoding
    assert_true(rows[0].against.p == 1);
    assert_int_equal(summary_against(&f.replay, NULL, false, NULL, rows, references, &which, &err), 0);
    assert_int_equal(rows[which].rank, 1);
    assert_int_equal(summary_against(&f.replay, NULL, false, "nobody", rows, references, &which, &err), ERR_USAGE);
    assert_non_null(strstr(err.text, "got 'nobody'"));
    teardown(&f);
}

static void test_replay_regret_adds_up_over_the_prompts(void **state) {
    (void)state;
    struct fixture f;
    struct err err = {""};
    struct stream_point at[STREAM_POINTS];
    struct summary rows[1], references[REFERENCES];
    const char *words[] = {"ucbspec"};
    int which;
    setup(&f, words, 1, false);
    int n = summary_stream(&f.replay, 0, at, &err);
    assert_int_equal(summary_against(&f.replay, NULL, false, NULL, rows, references, &which, &err), 0);
    assert_true(n >= 3 && at[0].prompts == 1 && at[1].prompts == 2 && at[n - 1].prompts == Q);
    double rounds = 0;
    for (int q = 0, i = 0; q < Q; q++) {
        rounds += f.replay.outcomes[q].rounds - f.replay.oracle.fixed[q * f.replay.K + f.replay.oracle.best_rounds[q]].rounds;
        if (q + 1 == at[i].prompts) assert_close(at[i++].rounds.value, rounds, 1e-9);
    }
    assert_close(at[n - 1].seconds.value, rows[0].regret_seconds.value * Q, 1e-9);
    assert_close(at[n - 1].rounds.lo, rows[0].regret_rounds.lo * Q, 1e-9); // the same resamples
    teardown(&f);
}

static void test_best_arms_by_category_lie_between_those_of_all_and_of_each_prompt(void **state) {
    (void)state;
    const struct walk fixed[4][2] = {{{1, 1}, {1, 5}}, {{1, 9}, {1, 2}}, {{1, 4}, {1, 3}}, {{1, 1}, {1, 1}}};
    const char *const category[4] = {"a", "b", "a", "c"};
    int arms[4];
    summary_category_arms(&fixed[0][0], category, NULL, 4, 2, arms);
    const int want[4] = {0, 1, 0, 0}; // a: 5 against 8; b: 9 against 2; c: a tie, the lower
    for (int q = 0; q < 4; q++) assert_int_equal(arms[q], want[q]);
    const bool in[4] = {false, true, true, false}; // a: 4 against 3; b: 9 against 2; c: none, so 13 against 5 of all that are in
    summary_category_arms(&fixed[0][0], category, in, 4, 2, arms);
    for (int q = 0; q < 4; q++) assert_int_equal(arms[q], 1);
    assert_int_equal(summary_fixed_arm(&fixed[0][0], in, 4, 2), 1);
    assert_int_equal(summary_fixed_arm(&fixed[0][0], NULL, 4, 2), 1); // 15 against 11
}

static void test_replay_curve_ends_where_regret_does(void **state) {
    (void)state;
    struct fixture f;
    struct err err = {""};
    struct curve_point at[SERIES_MAX];
    const char *words[] = {"ucbspec"};
    setup(&f, words, 1, false);
    assert_int_equal(summary_curve(&f.replay, 0, at, &err), 0);
    int last = f.replay.tokens.n - 1;
    double regret = 0;
    for (int q = 0; q < Q; q++)
        if (tokens[q] == MAX_NEW)
            regret += f.replay.outcomes[q].rounds - f.replay.oracle.fixed[q * f.replay.K + f.replay.oracle.best_rounds[q]].rounds;
    assert_int_equal(at[last].tokens, MAX_NEW);
    assert_int_equal(at[last].prompts, 3);
    assert_close(at[last].rounds.value, regret / 3, 1e-9);
    assert_true(at[last].rounds.lo <= regret / 3 && regret / 3 <= at[last].rounds.hi);
    assert_int_equal(at[0].tokens, 2); // every first round reaches two tokens, unless there is none
    assert_int_equal(at[0].prompts, 6);
    assert_close(at[0].rounds.value, 0, 0);
    teardown(&f);
}

static void test_series_are_ascending_and_reach_the_end(void **state) {
    (void)state;
    for (int last = 1; last < 3000; last++) {
        struct series s = series_tokens(last), b = series_rounds(last);
        for (int i = 1; i < s.n; i++) assert_true(s.at[i] > s.at[i - 1]);
        for (int i = 1; i < b.n; i++) assert_true(b.at[i] > b.at[i - 1]);
        assert_true(b.at[0] == 0 && b.at[b.n - 1] <= last && b.n < SERIES_MAX);
        if (last > 1) assert_true(s.at[0] == 2 && s.at[s.n - 1] == last && s.n < SERIES_MAX);
        else assert_int_equal(s.n, 0);
    }
}

/* -- through the command -- */

struct files {
    struct tempdir dir;
    char db[4100];
};

static void files_open(struct files *f) {
    struct trace t;
    assert_int_equal(tempdir_open(&f->dir), 0);
    snprintf(f->db, sizeof f->db, "%s/t.db", f->dir.path);
    trace_make(&t, Q, tokens, D, L, MAX_NEW, 21);
    trace_write(&t, f->db);
    trace_close(&t);
}

static char *file(const struct files *f, const char *name) { return (char *)tempdir_file(&f->dir, name); }

static char *contents(const char *path) {
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    char *text = calloc(1, 1 << 22);
    assert_non_null(text);
    assert_true(fread(text, 1, 1 << 22, f) < 1 << 22);
    fclose(f);
    return text;
}

static void assert_same_bytes(const char *a, const char *b) {
    char *x = contents(a), *y = contents(b);
    assert_true(strlen(x) > 100);
    assert_string_equal(x, y);
    free(x);
    free(y);
}

static int64_t query(const char *path, const char *other, const char *sql) {
    sqlite3 *db;
    sqlite3_stmt *s;
    char attach[4300];
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    snprintf(attach, sizeof attach, "ATTACH '%s' AS other", other ? other : ":memory:");
    assert_int_equal(sqlite3_exec(db, attach, NULL, NULL, NULL), SQLITE_OK);
    if (sqlite3_prepare_v2(db, sql, -1, &s, NULL) != SQLITE_OK) fail_msg("%s: %s", sql, sqlite3_errmsg(db));
    assert_int_equal(sqlite3_step(s), SQLITE_ROW);
    int64_t value = sqlite3_column_int64(s, 0);
    sqlite3_finalize(s);
    sqlite3_close(db);
    return value;
}

static void test_replay_is_bit_identical_on_any_number_of_threads(void **state) {
    (void)state;
    struct files f;
    struct err err;
    static const char *const tables[] = {"arm", "sequence", "policy", "outcome", "curve", "pull", "comparison", "walk", "stream",
                                         "category", "part", "prompt_pull"};
    files_open(&f);
    for (int threads = 1; threads <= 3; threads++) {
        char n[4], steps[4200], results[4200], out[4200];
        snprintf(n, sizeof n, "%d", threads);
        snprintf(steps, sizeof steps, "%s/steps%d", f.dir.path, threads);
        snprintf(results, sizeof results, "%s/r%d.db", f.dir.path, threads);
        snprintf(out, sizeof out, "%s/out%d", f.dir.path, threads);
        assert_int_equal(replay(&err, out, (char *[]){"replay", "--db", f.db, "--policy", "ucbspec:delta={0.1,0.5}", "exp3spec", "thompson", "seed-ucb",
                                                      "clairvoyant", "--seeds", "7", "--scope", "stream", "--threads", n, "--steps", steps,
                                                      "--results", results, "--json", NULL}), 0);
    }
    for (int i = 2; i <= 3; i++) {
        char a[4200], b[4200], sql[200];
        snprintf(b, sizeof b, "%s/steps%d", f.dir.path, i);
        assert_same_bytes(file(&f, "steps1"), b);
        snprintf(b, sizeof b, "%s/out%d", f.dir.path, i);
        assert_same_bytes(file(&f, "out1"), b);
        snprintf(a, sizeof a, "%s/r1.db", f.dir.path);
        snprintf(b, sizeof b, "%s/r%d.db", f.dir.path, i);
        for (size_t t = 0; t < sizeof tables / sizeof *tables; t++) {
            snprintf(sql, sizeof sql, "SELECT count(*) FROM (SELECT * FROM main.%s EXCEPT SELECT * FROM other.%s)", tables[t], tables[t]);
            assert_int_equal(query(a, b, sql), 0);
            snprintf(sql, sizeof sql, "SELECT (SELECT count(*) FROM main.%s) - (SELECT count(*) FROM other.%s)", tables[t], tables[t]);
            assert_int_equal(query(a, b, sql), 0);
        }
    }
    tempdir_close(&f.dir);
}

/* Pulls by prompt, parts of a round and figures by category say the same as outcomes do. */
static void test_results_by_prompt_part_and_category_add_up(void **state) {
    (void)state;
    struct files f;
    struct err err;
    char results[4200];
    files_open(&f);
    snprintf(results, sizeof results, "%s/r.db", f.dir.path);
    run_sql(f.db, "UPDATE sequence SET category = CASE WHEN ordinal = 3 THEN 'alone' ELSE 'c' || (ordinal % 2) END");
    assert_int_equal(replay(&err, NULL, (char *[]){"replay", "--db", f.db, "--policy", "ucbspec", "thompson", "best-fixed", "--seeds", "3", "--own", "show",
                                                   "--results", results, NULL}), 0);
    assert_true(query(results, NULL, "SELECT count(*) FROM prompt_pull") > 3 * Q);
    assert_int_equal(query(results, NULL, "SELECT count(*) FROM (SELECT policy, sequence, sum(count) n FROM prompt_pull GROUP BY 1, 2) x JOIN"
        " (SELECT policy, sequence, sum(rounds) n FROM outcome GROUP BY 1, 2) y USING (policy, sequence) WHERE x.n = y.n"),
                     3 * query(results, NULL, "SELECT count(*) FROM sequence WHERE tokens > 1"));
    assert_int_equal(query(results, NULL, "SELECT count(*) FROM (SELECT policy, arm, sum(count) n FROM prompt_pull GROUP BY 1, 2) x JOIN"
        " (SELECT policy, arm, sum(count) n FROM pull GROUP BY 1, 2) y USING (policy, arm) WHERE x.n <> y.n"), 0);
    assert_int_equal(query(results, NULL, "SELECT count(*) FROM part p JOIN (SELECT policy, sum(seconds) / sum(rounds) AS round FROM outcome GROUP BY 1) o USING (policy)"
        " WHERE abs(p.draft_seconds + p.verify_seconds - o.round) < 1e-12 AND draft_seconds > 0 AND verify_seconds > 0"), 3);
    assert_int_equal(query(results, NULL, "SELECT count(*) FROM part WHERE own_seconds > 0 AND own_seconds < 1e-3"), 2); // hindsight takes no time
    static const char means[] = // of seeds, prompt by prompt
        "WITH o AS (SELECT policy, sequence, avg(rounds) AS rounds, avg(seconds) AS seconds FROM outcome GROUP BY 1, 2), c AS (SELECT o.policy, s.category, count(*) AS n,"
        " sum(s.tokens - 1) / sum(o.rounds) AS mat, sum(s.tokens - 1) / sum(o.seconds) AS speed, sum(s.tokens - 1) / sum(s.plain_seconds) AS plain"
        " FROM o JOIN sequence s USING (sequence) GROUP BY 1, 2)"
        " SELECT count(*) FROM c JOIN category k USING (policy, category) WHERE n = prompts AND abs(c.mat / k.mat - 1) < 1e-12"
        " AND abs(speed / tokens_per_s - 1) < 1e-12 AND abs(plain / plain_tokens_per_s - 1) < 1e-12"
        " AND (n = 1 AND mat_lo IS NULL AND tokens_per_s_hi IS NULL OR n > 1 AND mat_lo <= k.mat AND k.mat <= mat_hi AND tokens_per_s_lo <= tokens_per_s"
        " AND tokens_per_s <= tokens_per_s_hi)";
    assert_int_equal(query(results, NULL, means), 3 * query(results, NULL, "SELECT count(DISTINCT category) FROM sequence WHERE tokens > 1"));
    assert_int_equal(query(results, NULL, "SELECT count(*) FROM category"), 3 * query(results, NULL, "SELECT count(DISTINCT category) FROM sequence WHERE tokens > 1"));
    tempdir_close(&f.dir);
}

extern const char sql_sim_results[];

/* A file of version 1, as earlier programs made it, takes new experiments and keeps its old ones. */
static void test_results_of_version_1_are_brought_to_this_one(void **state) {
    (void)state;
    struct files f;
    struct err err;
    char old[4200];
    files_open(&f);
    snprintf(old, sizeof old, "%s/old.db", f.dir.path);
    assert_int_equal(replay(&err, NULL, (char *[]){"replay", "--db", f.db, "--policy", "none", "--results", old, NULL}), 0);
    run_sql(old, "DROP TABLE run; DROP TABLE bound; DROP TABLE stream; DROP TABLE setting; DROP TABLE walk; DROP TABLE comparison;" // all that version 2 added
                 "DROP TABLE category; DROP TABLE part; DROP TABLE prompt_pull; PRAGMA user_version = 1"); // and version 3
    char *schema = contents("sim/results_2.sql");
    int tables = 0;
    for (const char *at = schema; (at = strstr(at, "CREATE TABLE ")); at++) tables++;
    assert_int_equal(tables, 6);
    free(schema);
    schema = contents("sim/results_3.sql");
    tables = 0;
    for (const char *at = schema; (at = strstr(at, "CREATE TABLE ")); at++) tables++;
    assert_int_equal(tables, 3);
    free(schema);
    assert_int_equal(query(old, NULL, "SELECT count(*) FROM policy"), 1);
    assert_int_equal(replay(&err, NULL, (char *[]){"replay", "--db", f.db, "--policy", "ucbspec", "thompson", "--seeds", "2", "--results", old, NULL}), 0);
    assert_int_equal(query(old, NULL, "PRAGMA user_version"), 3);
    assert_int_equal(query(old, NULL, "SELECT count(*) FROM experiment"), 2);
    assert_int_equal(query(old, NULL, "SELECT count(*) FROM policy"), 3);
    assert_int_equal(query(old, NULL, "SELECT count(*) FROM comparison JOIN policy ON id = policy WHERE experiment = 2"), 2);
    assert_int_equal(query(old, NULL, "SELECT count(*) FROM walk WHERE experiment = 1"), 0);
    assert_true(query(old, NULL, "SELECT count(*) FROM walk WHERE experiment = 2") > 0);
    assert_true(query(old, NULL, "SELECT count(*) FROM bound WHERE regret_rounds >= 0 AND name LIKE 'UCBSpec%'") > 3);
    assert_int_equal(query(old, NULL, "SELECT count(*) FROM bound WHERE regret_rounds > tokens"), 0);
    run_sql(old, "PRAGMA user_version = 9");
    assert_int_equal(replay(&err, NULL, (char *[]){"replay", "--db", f.db, "--policy", "none", "--results", old, NULL}), ERR_FAILED);
    assert_non_null(strstr(err.text, "has schema version 9, this program reads 3"));
    tempdir_close(&f.dir);
}

static void test_replay_steps_add_up_and_quote_commas(void **state) {
    (void)state;
    struct files f;
    struct err err;
    char steps[4200], line[400];
    long emitted[2][Q] = {{0}};
    int lines = 0;
    files_open(&f);
    snprintf(steps, sizeof steps, "%s/s.csv", f.dir.path);
    assert_int_equal(replay(&err, NULL, (char *[]){"replay", "--db", f.db, "--policy", "ucbspec:delta=0.1,cscale=0.5", "--arms", "plain d1:2,6", "--steps", steps, NULL}), 0);
    FILE *in = fopen(steps, "r");
    assert_non_null(in);
    assert_non_null(fgets(line, sizeof line, in));
    for (; fgets(line, sizeof line, in); lines++) {
        static const char start[] = "\"ucbspec:delta=0.1,cscale=0.5\",0,";
        int sequence, round, pos, arm, gamma, proposed, accepted, n;
        char drafter[8];
        assert_memory_equal(line, start, sizeof start - 1);
        assert_int_equal(sscanf(line + sizeof start - 1, "%d,%d,%d,%d,%7[^,],%d,%d,%d,%d", &sequence, &round, &pos, &arm, drafter, &gamma, &proposed, &accepted, &n), 9);
        assert_string_equal(drafter, arm ? "d1" : "plain");
        assert_int_equal(pos, 1 + emitted[0][sequence]);
        assert_true(arm <= 2 && gamma <= (arm == 2 ? 6 : 2 * arm) && accepted <= proposed && proposed <= gamma);
        emitted[0][sequence] += n;
    }
    fclose(in);
    assert_true(lines > 100);
    for (int q = 0; q < Q; q++) assert_int_equal(emitted[0][q], tokens[q] - 1);
    tempdir_close(&f.dir);
}

static void test_replay_results_append_and_obey_their_schema(void **state) {
    (void)state;
    struct files f;
    struct err err;
    char r[4200];
    files_open(&f);
    snprintf(r, sizeof r, "%s/r.db", f.dir.path);
    char *argv[] = {"replay", "--db", f.db, "--policy", "ucbspec", "random", "--seeds", "4", "--seed", "10", "--results", r, NULL};
    for (int i = 0; i < 2; i++) assert_int_equal(replay(&err, NULL, argv), 0);
    assert_int_equal(query(r, NULL, "SELECT count(*) FROM experiment"), 2);
    assert_int_equal(query(r, NULL, "SELECT count(*) FROM outcome"), 2 * (1 + 4) * Q);
    assert_int_equal(query(r, NULL, "SELECT min(seed) * 100 + max(seed) FROM outcome"), 1013);
    assert_int_equal(query(r, NULL, "SELECT count(*) FROM sequence WHERE oracle_rounds > best_rounds OR oracle_seconds > best_seconds"), 0);
    assert_int_equal(query(r, NULL, "SELECT sum(count) = (SELECT sum(rounds) FROM outcome) FROM pull"), 1);
    assert_int_equal(query(r, NULL, "SELECT count(*) FROM curve WHERE regret_rounds NOT BETWEEN regret_rounds_lo AND regret_rounds_hi"), 0);
    assert_int_equal(query(r, NULL, "SELECT count(*) FROM pragma_foreign_key_check"), 0);
    assert_int_equal(query(r, NULL, "SELECT count(*) FROM experiment WHERE world = 'trace' AND timing = 'model' AND scope = 'prompt' AND seeds = 4"), 2);
    tempdir_close(&f.dir);
}

static void test_replay_results_are_all_or_nothing_on_a_full_disk(void **state) {
    (void)state;
    struct files f;
    struct err err;
    char r[4200];
    struct rlimit old, small = {200000, 200000};
    files_open(&f);
    snprintf(r, sizeof r, "%s/r.db", f.dir.path);
    assert_int_equal(replay(&err, NULL, (char *[]){"replay", "--db", f.db, "--policy", "ucbspec", "--results", r, NULL}), 0);
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    small.rlim_max = old.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    int rc = replay(&err, NULL, (char *[]){"replay", "--db", f.db, "--policy", "random", "--seeds", "2000", "--results", r, NULL});
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
    assert_int_equal(rc, ERR_FAILED);
    assert_non_null(strstr(err.text, r));
    assert_int_equal(query(r, NULL, "SELECT count(*) FROM experiment"), 1);
    assert_int_equal(query(r, NULL, "SELECT count(*) FROM outcome WHERE policy > 1"), 0);
    tempdir_close(&f.dir);
}

static void test_replay_refuses_a_foreign_results_file_before_it_works(void **state) {
    (void)state;
    struct files f;
    struct err err;
    files_open(&f);
    assert_int_equal(replay(&err, NULL, (char *[]){"replay", "--db", f.db, "--results", f.db, NULL}), ERR_FAILED); // a trace
    assert_non_null(strstr(err.text, "is not a banditspec results file"));
    char *text = file(&f, "text");
    FILE *out = fopen(text, "w");
    fputs("this is no database, and longer than a header\n", out);
    fclose(out);
    assert_int_equal(replay(&err, NULL, (char *[]){"replay", "--db", f.db, "--results", text, NULL}), ERR_FAILED);
    assert_int_equal(replay(&err, NULL, (char *[]){"replay", "--db", f.db, "--results", file(&f, "no/such/dir.db"), NULL}), ERR_FAILED);
    assert_int_equal(replay(&err, NULL, (char *[]){"replay", "--db", text, NULL}), ERR_FAILED);
    assert_int_equal(replay(&err, NULL, (char *[]){"replay", "--db", file(&f, "absent.db"), NULL}), ERR_FAILED);
    assert_int_equal(access(file(&f, "absent.db"), F_OK), -1); // reading creates nothing
    tempdir_close(&f.dir);
}

static void test_replay_says_when_steps_cannot_be_written(void **state) {
    (void)state;
    struct files f;
    struct err err;
    files_open(&f);
    assert_int_equal(replay(&err, NULL, (char *[]){"replay", "--db", f.db, "--policy", "none", "--steps", "/dev/full", NULL}), ERR_FAILED);
    assert_string_equal(err.text, "cannot write '/dev/full': No space left on device");
    assert_int_equal(replay(&err, NULL, (char *[]){"replay", "--db", f.db, "--policy", "random", "--steps", "/dev/full", NULL}), ERR_FAILED);
    assert_string_equal(err.text, "cannot write '/dev/full': No space left on device");
    assert_int_equal(replay(&err, NULL, (char *[]){"replay", "--db", f.db, "--steps", file(&f, "no/such"), NULL}), ERR_FAILED);
    assert_int_equal(replay(&err, NULL, (char *[]){"replay", "--db", f.db, "--policy", "none", "--steps", f.db, NULL}), ERR_FAILED);
    assert_non_null(strstr(err.text, "' is what is read; give another --steps"));
    assert_int_equal(replay(&err, NULL, (char *[]){"replay", "--db", f.db, "--policy", "none", NULL}), 0); // it is as it was
    tempdir_close(&f.dir);
}

static void test_replay_steps_appear_whole(void **state) {
    (void)state;
    struct files f;
    struct err err;
    char csv[4200], part[4300];
    files_open(&f);
    snprintf(csv, sizeof csv, "%s", file(&f, "steps.csv")), snprintf(part, sizeof part, "%s.part", csv);
    write_file(csv, "kept");
    assert_int_equal(replay(&err, NULL, (char *[]){"replay", "--db", f.db, "--policy", "none", "--steps", csv, "--against", "nobody", NULL}), ERR_USAGE); // after the rounds
    char *text = read_file(csv);
    assert_string_equal(text, "kept");
    free(text);
    assert_int_equal(access(part, F_OK), -1);
    assert_int_equal(replay(&err, NULL, (char *[]){"replay", "--db", f.db, "--policy", "none", "--steps", csv, NULL}), 0);
    text = read_file(csv);
    assert_non_null(strstr(text, "policy,seed,"));
    free(text);
    assert_int_equal(access(part, F_OK), -1);
    tempdir_close(&f.dir);
}

static void test_replay_reads_its_words(void **state) {
    (void)state;
    struct files f;
    struct err err;
    files_open(&f);
    static char *const wrong[][4] = {
        {"--policy", "nosuch"}, {"--policy", "ucbspec:delta=7"}, {"--arms", "d0:7"}, {"--arms", "dx:2"}, {"--scope", "page"},
        {"--table", "x.csv"}, {"--gamma", "4"}, {"--seeds", "0"}, {"--policy", "none", "--arms", "d0:2"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        char *argv[] = {"replay", "--db", f.db, wrong[i][0], wrong[i][1], wrong[i][2], wrong[i][3], NULL};
        assert_int_equal(replay(&err, NULL, argv), i < 4 ? ERR_FAILED : ERR_USAGE); // words the program does not know, and misuse
        assert_true(err.text[0]);
    }
    assert_int_equal(replay(&err, NULL, (char *[]){"replay", "--db", f.db, "--arms", "d0:2", NULL}), 0); // 'none' sits out
    assert_int_equal(replay(&err, NULL, (char *[]){"replay", "--db", f.db, "--recording", "9", NULL}), ERR_FAILED);
    struct lineup l;
    struct arm arms[2] = {{.drafter = -1, .name = "plain"}, {.drafter = 0, .gamma = 2, .name = "d0:2"}};
    struct problem p = {.K = 2, .D = 1, .L = 2, .arms = arms};
    const char *words[] = {"ucbspec:delta={0.1,0.5}", "ucbspec", "best-fixed", "best-fixed", "random"};
    assert_int_equal(lineup_open(&l, words, 5, &p, true, 9, &err), 0);
    assert_int_equal(l.n, 4); // delta = 0.5 is the default, and nobody plays twice
    assert_string_equal(l.at[1].spec, "ucbspec");
    assert_int_equal(l.at[1].seeds, 1);
    assert_int_equal(l.at[3].seeds, 9);
    lineup_close(&l);
    tempdir_close(&f.dir);
}

static void test_replay_gives_everything_back_when_memory_runs_out(void **state) {
    (void)state;
    struct files f;
    struct err err;
    int failures = 0, rc = ERR_FAILED;
    files_open(&f);
    for (long n = 1; rc; n += 1 + n / 8) { // up to the run that no longer reaches the n-th allocation
        mem_fail_after(n);
        rc = replay(&err, NULL, (char *[]){"replay", "--db", f.db, "--policy", "ucbspec", "--threads", "1", "--results", file(&f, "r.db"), NULL});
        mem_fail_after(0);
        assert_true(rc == 0 || (rc == ERR_FAILED && err.text[0]));
        failures += rc != 0;
    }
    assert_true(failures > 10);
    tempdir_close(&f.dir);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_replay_keeps_every_policy_within_its_bounds),
        cmocka_unit_test(test_replay_of_fixed_arms_and_oracles_equals_hindsight_bit_for_bit),
        cmocka_unit_test(test_replay_starts_anew_at_every_prompt_unless_it_is_a_stream),
        cmocka_unit_test(test_replay_averages_seeds_and_summarises_as_defined),
        cmocka_unit_test(test_replay_ranks_policies_and_compares_them_on_the_same_prompts),
        cmocka_unit_test(test_replay_regret_adds_up_over_the_prompts),
        cmocka_unit_test(test_best_arms_by_category_lie_between_those_of_all_and_of_each_prompt),
        cmocka_unit_test(test_replay_curve_ends_where_regret_does),
        cmocka_unit_test(test_series_are_ascending_and_reach_the_end),
        cmocka_unit_test(test_replay_is_bit_identical_on_any_number_of_threads),
        cmocka_unit_test(test_results_by_prompt_part_and_category_add_up),
        cmocka_unit_test(test_results_of_version_1_are_brought_to_this_one),
        cmocka_unit_test(test_replay_steps_add_up_and_quote_commas),
        cmocka_unit_test(test_replay_results_append_and_obey_their_schema),
        cmocka_unit_test(test_replay_results_are_all_or_nothing_on_a_full_disk),
        cmocka_unit_test(test_replay_refuses_a_foreign_results_file_before_it_works),
        cmocka_unit_test(test_replay_says_when_steps_cannot_be_written),
        cmocka_unit_test(test_replay_steps_appear_whole),
        cmocka_unit_test(test_replay_reads_its_words),
        cmocka_unit_test(test_replay_gives_everything_back_when_memory_runs_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
