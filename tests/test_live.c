/* test_live.c - live decoding through the command: replay equals live for every registered policy
 * (law 3), texts are the target's own (law 1), threads change nothing (law 4), and what --check,
 * --ids and --json say. */
#include "tests/looping.h"

#include <jansson.h>
#include <sys/stat.h>

#include "policies/policy.h"
#include "sim/fidelity.h"
#include "sim/stats.h"
#include "tests/run_command.h"
#include "tests/tempdir.h"
#include "tests/tiny.h"
#include "traces/trace.h"

command cmd_record, cmd_live, cmd_replay;

enum { L = 6, PROMPTS = 6, ARMS = 7 };

static struct tempdir dir;
static char model[4200], prompts[4200], greedy[4200], sampled[4200], scratch[4200], live_csv[4200], replay_csv[4200], out[4200];

static const char prompt_lines[] =
    "{\"prompt_ids\": [5, 7, 9, 11, 5, 7, 9, 11, 5, 7], \"category\": \"loop\"}\n"
    "{\"prompt\": \"the cat and the dog and the cat\"}\n"
    "{\"turns\": [\"in the in the in the\"]}\n"
    "{\"prompt_ids\": [300, 1, 17]}\n"
    "{\"prompt_ids\": [61, 62, 63, 64, 65, 66, 67, 68, 69]}\n";

#define TARGET "--model", model, "--drafter", "pld", "sam", "--max-new", "48", "--threads", "1"
#define LIVE(...) (char *[]){"live", TARGET, __VA_ARGS__, NULL}

static void run(command *c, const char *to, char **argv) {
    struct err err;
    if (run_command(c, &err, to, argv)) fail_msg("%s: %s", argv[0], err.text);
}

static void assert_same_file(const char *a, const char *b, const char *what) {
    char *x = read_file(a), *y = read_file(b);
    assert_true(strlen(x) > 100);
    if (strcmp(x, y)) {
        size_t at = 0, line = 1;
        for (; x[at] == y[at]; at++) line += x[at] == '\n';
        fail_msg("%s: '%s' and '%s' differ in line %zu", what, a, b, line);
    }
    free(x);
    free(y);
}

/* The policies that can play the default arms, as specs. */
static const struct arm arms[ARMS] = {{-1, 0, "plain"}, {0, 2, "pld:2"}, {0, 4, "pld:4"}, {0, 6, "pld:6"}, {1, 2, "sam:2"}, {1, 4, "sam:4"}, {1, 6, "sam:6"}};
static const struct problem problem = {.K = ARMS, .D = 2, .L = L, .arms = arms};
#define ARM_WORDS "--arms", "plain", "pld:2,4,6", "sam:2,4,6"

static bool playable(const char *spec) {
    struct agent a;
    struct err err = {""};
    if (agent_open(&a, spec, &problem, &err)) return false;
    agent_close(&a);
    return true;
}

/* Every registered policy, and some that do not stand on defaults. */
static int list_specs(const char **specs, int most) {
    static const char *const more[] = {"fixed:arm=plain", "fixed:arm=pld:6", "fixed:arm=sam:4", "ucbspec:delta=0.5"};
    int n = 0, registered = 0;
    for (const struct policy *const *p = policies; *p; p++, registered++)
        if (playable((*p)->name)) specs[n++] = (*p)->name;
    if (n < registered - 1) fail_msg("%d of %d policies can play", n, registered); // fixed may want its arm named
    for (size_t i = 0; i < sizeof more / sizeof *more; i++)
        if (playable(more[i])) specs[n++] = more[i];
    assert_true(n >= 8 && n < most);
    return n;
}

static bool learns_from_seconds(const char *spec) {
    char name[64];
    snprintf(name, sizeof name, "%.*s", (int)strcspn(spec, ":"), spec);
    return policy_find(name)->flags & POLICY_SECONDS;
}

static void check_every_policy(const char *db, char *temperature) {
    const char *specs[256];
    int n = list_specs(specs, 256), exact = 0, learning = 0;
    for (int i = 0; i < n; i++)
        for (int s = 0; s < 2; s++) {
            char *spec = (char *)specs[i], *scope = s ? "stream" : "prompt";
            run(cmd_live, out, LIVE("--prompts", prompts, "--policy", spec, "--scope", scope, "--seed", "7", "--temperature", temperature,
                                    "--noise-seed", "3", "--check", (char *)db, "--steps", live_csv, ARM_WORDS));
            char *text = read_file(out);
            assert_contains(text, "replay       equals live: 6 prompts, ");
            free(text);
            if (learns_from_seconds(spec)) { // replay has only modelled seconds; --check gave it the live run's own
                learning++;
                continue;
            }
            exact++;
            run(cmd_replay, NULL, (char *[]){"replay", "--db", (char *)db, "--policy", spec, "--scope", scope, "--seed", "7", "--seeds", "1", "--threads", "1",
                                             "--steps", replay_csv, ARM_WORDS, NULL});
            assert_same_file(live_csv, replay_csv, spec);
        }
    print_message("  %d policies in both scopes: %d runs byte for byte, %d that learn from seconds\n", n, exact, learning);
    assert_true(exact >= 10);
}

static void test_replay_equals_live_for_every_policy_decoding_greedily(void **state) {
    (void)state;
    check_every_policy(greedy, "0");
}

static void test_replay_equals_live_for_every_policy_when_sampling(void **state) {
    (void)state;
    check_every_policy(sampled, "0.8");
}

/* Rounds of a --steps file. */
struct line {
    int sequence, round, pos, arm, gamma, proposed, accepted, emitted;
    char drafter[32];
};

static int read_steps(const char *path, struct line *lines, int most) {
    char *text = read_file(path), *at = text;
    int n = 0;
    while ((at = strchr(at, '\n')) && at[1]) {
        at++;
        if (*at == '"') at = strchr(at + 1, '"');
        struct line *x = &lines[n++];
        assert_true(n <= most);
        assert_int_equal(sscanf(strchr(at, ','), ",%*u,%d,%d,%d,%d,%31[^,],%d,%d,%d,%d", &x->sequence, &x->round, &x->pos, &x->arm, x->drafter, &x->gamma,
                                &x->proposed, &x->accepted, &x->emitted), 9);
    }
    free(text);
    return n;
}

static void test_copiers_are_accepted_and_save_rounds(void **state) {
    (void)state;
    static struct line lines[400];
    run(cmd_live, NULL, LIVE("--prompts", prompts, "--policy", "fixed:arm=pld:6", "--steps", live_csv, ARM_WORDS));
    int n = read_steps(live_csv, lines, 400), accepted = 0, whole = 0, ends = 0;
    for (int i = 0; i < n; i++) accepted += lines[i].accepted, whole += lines[i].accepted == L, ends += lines[i].emitted == lines[i].accepted;
    print_message("  %d tokens accepted in %d rounds, %d drafts of %d accepted whole, %d through an end token\n", accepted, n, whole, L, ends);
    assert_true(accepted > 50 && whole > 0 && ends > 0); // or these tests would try little
}

/* The trace with one cell changed. */
static void tamper(const char *sql) {
    char *bytes;
    struct stat st;
    assert_int_equal(stat(greedy, &st), 0);
    assert_non_null(bytes = malloc((size_t)st.st_size));
    FILE *f = fopen(greedy, "rb");
    assert_int_equal(fread(bytes, 1, (size_t)st.st_size, f), st.st_size);
    fclose(f);
    f = fopen(scratch, "wb");
    assert_int_equal(fwrite(bytes, 1, (size_t)st.st_size, f), st.st_size);
    fclose(f);
    free(bytes);
    run_sql(scratch, sql);
}

static void assert_found(const char *expected) {
    char message[4600];
    snprintf(message, sizeof message, expected, scratch);
    assert_refused(cmd_live, LIVE("--prompts", prompts, "--policy", "fixed:arm=pld:6", "--check", scratch, ARM_WORDS), -1, message);
    remove(scratch);
}

#define CELL "sequence = (SELECT id FROM sequence WHERE ordinal = %d) AND pos = %d AND drafter = (SELECT id FROM drafter WHERE name = 'pld')"

static void test_a_changed_trace_is_caught_by_sequence_round_and_field(void **state) {
    (void)state;
    static struct line lines[400];
    char sql[400], expected[300];
    run(cmd_live, NULL, LIVE("--prompts", prompts, "--policy", "fixed:arm=pld:6", "--steps", live_csv, ARM_WORDS));
    int n = read_steps(live_csv, lines, 400), less = 0, more = 0;
    tamper("SELECT 1"); // the untouched copy passes
    run(cmd_live, NULL, LIVE("--prompts", prompts, "--policy", "fixed:arm=pld:6", "--check", scratch, ARM_WORDS));
    for (int i = 5; i < n && less + more < 8; i++) {
        const struct line *x = &lines[i];
        bool down = x->accepted > 0 && less < 4, up = !down && x->proposed > x->accepted && more < 4;
        if (!down && !up) continue;
        less += down, more += up;
        snprintf(sql, sizeof sql, "UPDATE draft SET accepted = accepted %c 1 WHERE " CELL, down ? '-' : '+', x->sequence, x->pos);
        tamper(sql);
        snprintf(expected, sizeof expected, "replay differs from live at sequence %d of '%%s', round %d: accepted is %d live and %d in replay",
                 x->sequence, x->round, x->accepted, x->accepted + (down ? -1 : 1));
        assert_found(expected);
    }
    assert_true(less == 4 && more == 4);
    const struct line *x = &lines[0];
    while (!x->proposed || x->accepted == x->proposed) x++; // one proposed token fewer shows where the whole draft was not accepted
    snprintf(sql, sizeof sql, "UPDATE draft SET proposed = proposed - 1 WHERE " CELL, x->sequence, x->pos);
    tamper(sql);
    snprintf(expected, sizeof expected, "sequence %d of '%%s', round %d: proposed is %d live and %d in replay", x->sequence, x->round, x->proposed, x->proposed - 1);
    assert_found(expected);
    tamper("UPDATE step SET token = (token + 1) % 320 WHERE sequence = (SELECT id FROM sequence WHERE ordinal = 2) AND pos = 9");
    assert_found("at sequence 2 of '%s', round 0: the text's first differing token is");
    tamper("DELETE FROM sequence WHERE ordinal = 3");
    assert_found("trace '%s' has no such prompt (prompt 3 of");
}

static void test_prompts_that_a_trace_lacks_are_found_before_any_is_decoded(void **state) {
    (void)state;
    struct err err;
    char part[4300], lacks[4300];
    tamper("DELETE FROM sequence WHERE ordinal IN (3, 5)");
    snprintf(lacks, sizeof lacks, "' has no such prompt (prompt 3 of '%s'; 2 of 6 are missing)", prompts), snprintf(part, sizeof part, "%s.part", live_csv);
    write_file(live_csv, "kept");
    assert_int_equal(run_command(cmd_live, &err, out, LIVE("--prompts", prompts, "--check", scratch, "--policy", "none", "--steps", live_csv, ARM_WORDS)), -1);
    assert_contains(err.text, lacks);
    char *text = read_file(out), *steps = read_file(live_csv);
    assert_string_equal(text, ""); // three prompts would have come by now
    assert_string_equal(steps, "kept");
    assert_int_equal(access(part, F_OK), -1);
    free(text), free(steps);
    remove(scratch);
}

static void test_a_trace_of_something_else_is_refused(void **state) {
    (void)state;
    assert_refused(cmd_live, LIVE("--prompts", prompts, "--check", greedy, "--model", LOOPING_FROM), -1, "was recorded with another target");
    assert_refused(cmd_live, LIVE("--prompts", prompts, "--check", greedy, "--max-new", "47"), -1, "was recorded with --max-new 48, not 47");
    assert_refused(cmd_live, LIVE("--prompts", prompts, "--check", greedy, "--temperature", "1"), -1, "was recorded with --temperature 0");
    assert_refused(cmd_live, LIVE("--prompts", prompts, "--check", sampled, "--temperature", "0.8"), -1, "was recorded with --temperature 0.8 --noise-seed 3");
    assert_refused(cmd_live, LIVE("--prompts", prompts, "--check", greedy, "--drafter", "x@sam"), -1, "was recorded with --drafter pld@pld,match=recent");
    assert_refused(cmd_live, LIVE("--prompts", prompts, "--check", greedy, "--ignore-eos"), -1, "was recorded without --ignore-eos");
    assert_refused(cmd_live, LIVE("--prompts", prompts, "--check", greedy, "--arms", "pld:7"), -1, "pld:7");
    assert_refused(cmd_live, LIVE("--prompts", prompts, "--check", "no/such.db"), -1, "no such file");
    assert_refused(cmd_live, LIVE("--prompts", prompts, "--check", prompts), -1, "is not a banditspec trace");
    assert_refused(cmd_live, LIVE("--prompts", prompts, "--check", greedy, "--recording", "9"), -1, "holds no recording 9");
}

/* Law 1 and --ids: an array a prompt, the recorded text, whatever the policy. */
static void assert_ids(const char *db, const char *path) {
    struct trace t;
    struct err err = {""};
    struct ids text = {NULL, 0, 0};
    if (trace_open(&t, db, 0, &err)) fail_msg("%s", err.text);
    char *all = read_file(path), *at = all;
    for (int q = 0; q < t.Q; q++) {
        char *end = strchr(at, '\n');
        assert_non_null(end);
        json_error_t why;
        json_t *list = json_loadb(at, (size_t)(end - at), 0, &why);
        if (!list) fail_msg("prompt %d: %s", q, why.text);
        if (trace_text(&t, q, &text, &err)) fail_msg("%s", err.text);
        assert_int_equal(json_array_size(list), text.n);
        for (size_t i = 0; i < text.n; i++) assert_int_equal(json_integer_value(json_array_get(list, i)), text.at[i]);
        json_decref(list);
        at = end + 1;
    }
    assert_int_equal(*at, 0); // and nothing else
    free(all);
    ids_close(&text);
    trace_close(&t);
}

static void test_ids_are_the_recorded_text_whatever_the_policy(void **state) {
    (void)state;
    const char *specs[256];
    int n = list_specs(specs, 256);
    for (int i = 0; i < n; i++) {
        run(cmd_live, out, LIVE("--prompts", prompts, "--policy", (char *)specs[i], "--ids", "--scope", "stream", ARM_WORDS));
        assert_ids(greedy, out);
    }
    run(cmd_live, out, LIVE("--prompts", prompts, "--policy", "random", "--ids", "--arms", "sam:1-64", "pld:1-64"));
    assert_ids(greedy, out);
    run(cmd_live, out, LIVE("--prompts", prompts, "--policy", "random", "--ids", "--temperature", "0.8", "--noise-seed", "3"));
    assert_ids(sampled, out);
    run(cmd_live, out, (char *[]){"live", "--model", model, "--max-new", "48", "--threads", "2", "--policy", "none", "--ids", "--prompts", prompts, NULL}); // no drafter at all
    assert_ids(greedy, out);
}

static void test_threads_change_no_round(void **state) {
    (void)state;
    const char *specs[256];
    int n = list_specs(specs, 256), compared = 0;
    for (int i = 0; i < n; i++) {
        if (learns_from_seconds(specs[i])) continue;
        run(cmd_live, NULL, LIVE("--prompts", prompts, "--policy", (char *)specs[i], "--seed", "5", "--scope", "stream", "--steps", live_csv, ARM_WORDS));
        run(cmd_live, NULL, LIVE("--prompts", prompts, "--policy", (char *)specs[i], "--seed", "5", "--scope", "stream", "--steps", replay_csv, "--threads", "2", ARM_WORDS));
        assert_same_file(live_csv, replay_csv, specs[i]);
        compared++;
    }
    assert_true(compared >= 5);
}

static void test_seeds_are_told_apart(void **state) {
    (void)state;
    run(cmd_live, NULL, LIVE("--prompts", prompts, "--policy", "random", "--seed", "5", "--steps", live_csv));
    run(cmd_live, NULL, LIVE("--prompts", prompts, "--policy", "random", "--seed", "6", "--steps", replay_csv));
    char *a = read_file(live_csv), *b = read_file(replay_csv);
    assert_string_not_equal(strchr(a, '\n'), strchr(b, '\n'));
    free(a);
    free(b);
}

static void test_json_holds_the_closing_figures_and_nothing_else(void **state) {
    (void)state;
    static struct line lines[400];
    run(cmd_live, out, LIVE("--prompts", prompts, "--policy", "ucbspec", "--check", greedy, "--compare", "--json", "--steps", live_csv, ARM_WORDS));
    json_error_t why;
    json_t *all = json_load_file(out, 0, &why);
    if (!all) fail_msg("%s", why.text);
    int n = read_steps(live_csv, lines, 400);
    json_int_t emitted = 0, proposed = 0, accepted = 0, pulls[ARMS] = {0};
    for (int i = 0; i < n; i++) emitted += lines[i].emitted, proposed += lines[i].proposed, accepted += lines[i].accepted, pulls[lines[i].arm]++;
    assert_string_equal(json_string_value(json_object_get(all, "policy")), "ucbspec");
    assert_int_equal(json_integer_value(json_object_get(all, "prompts")), PROMPTS);
    assert_int_equal(json_integer_value(json_object_get(all, "rounds")), n);
    assert_int_equal(json_integer_value(json_object_get(all, "checked_rounds")), n);
    assert_int_equal(json_integer_value(json_object_get(all, "emitted")), emitted);
    assert_int_equal(json_integer_value(json_object_get(all, "proposed")), proposed);
    assert_int_equal(json_integer_value(json_object_get(all, "accepted")), accepted);
    for (int k = 0; k < ARMS; k++) assert_int_equal(json_integer_value(json_object_get(json_object_get(all, "pulls"), arms[k].name)), pulls[k]);
    assert_int_equal(json_object_size(json_object_get(all, "pulls")), ARMS);
    const char *const positive[] = {"mat", "tokens_per_s", "draft_s", "verify_s", "prefill_s", "plain_tokens_per_s", "speedup", "modelled_tokens_per_s"};
    for (size_t i = 0; i < sizeof positive / sizeof *positive; i++)
        if (!(json_number_value(json_object_get(all, positive[i])) > 0)) fail_msg("'%s' is missing", positive[i]);
    json_decref(all);
}

/* Several policies: each row's counts are those that the policy has alone, live seconds add up, and the simulated ones are replay's. */
static void test_several_policies_decode_in_turn_and_are_tabled(void **state) {
    (void)state;
    static char *const specs[] = {"none", "fixed:arm=sam:4", "thompson"};
    static struct line lines[1200];
    json_error_t why;
    remove(scratch);
    run(cmd_live, out, LIVE("--prompts", prompts, "--policy", specs[0], specs[1], specs[2], "--seed", "4", "--check", greedy, "--compare", "--json", "--results", scratch, "--steps", live_csv, ARM_WORDS));
    json_t *all = json_load_file(out, 0, &why);
    if (!all) fail_msg("%s", why.text);
    int n = read_steps(live_csv, lines, 1200);
    json_t *rows = json_object_get(all, "policies");
    assert_int_equal(json_array_size(rows), 3);
    assert_int_equal(json_integer_value(json_object_get(all, "checked_rounds")), n);
    assert_int_equal(query_number(scratch, "SELECT count(*) FROM fidelity_run"), 3 * PROMPTS);
    assert_int_equal(query_number(scratch, "SELECT count(*) FROM fidelity WHERE scope = 'default' AND seed = 4 AND threads = 1 AND length(trace_sha256) = 64 AND device <> ''"), 1);
    double sum = 0;
    for (int p = 0; p < 3; p++) {
        char sql[500];
        json_t *row = json_array_get(rows, (size_t)p);
        run(cmd_replay, out, (char *[]){"replay", "--db", greedy, "--policy", specs[p], "--seed", "4", "--seeds", "1", "--steps", replay_csv, "--json", ARM_WORDS, NULL});
        json_t *alone = json_load_file(out, 0, &why), *said = json_array_get(json_object_get(alone, "policies"), 0);
        if (!learns_from_seconds(specs[p])) { // so replay's own rounds are these
            double replayed = json_number_value(json_object_get(json_object_get(said, "tokens_per_s"), "value")), simulated = json_number_value(json_object_get(row, "simulated_tokens_per_s"));
            assert_int_equal(json_integer_value(json_object_get(row, "rounds")), read_steps(replay_csv, lines, 1200));
            assert_true(fabs(simulated / replayed - 1) < 1e-9);
        }
        double live = json_number_value(json_object_get(row, "tokens_per_s")), off = json_number_value(json_object_get(row, "difference_percent"));
        assert_true(fabs(off - 100 * (json_number_value(json_object_get(row, "simulated_tokens_per_s")) / live - 1)) < 1e-6);
        assert_true(json_number_value(json_array_get(json_object_get(row, "difference_interval"), 0)) <= off);
        snprintf(sql, sizeof sql, "SELECT abs(sum(tokens) / sum(live_seconds) / %.17g - 1) < 1e-9 AND sum(rounds) = %lld AND sum(live_draft + live_verify) = sum(live_seconds)"
                                  " AND min(simulated_seconds) > 0 FROM fidelity_run WHERE ordinal = %d AND spec = '%s'", live,
                 (long long)json_integer_value(json_object_get(row, "rounds")), p, specs[p]);
        assert_int_equal(query_number(scratch, sql), 1);
        sum += fabs(off);
        json_decref(alone);
    }
    assert_true(fabs(json_number_value(json_object_get(all, "mean_absolute_difference_percent")) - sum / 3) < 1e-9);
    const double plain = json_number_value(json_object_get(all, "plain_tokens_per_s")), modelled = json_number_value(json_object_get(all, "plain_simulated_tokens_per_s"));
    double relative = 0;
    assert_true(fabs(modelled / json_number_value(json_object_get(json_array_get(rows, 0), "simulated_tokens_per_s")) - 1) < 1e-9); // row 0 is plain decoding
    for (int p = 0; p < 3; p++) {
        json_t *row = json_array_get(rows, (size_t)p);
        const double live = json_number_value(json_object_get(row, "tokens_per_s")) / plain, simulated = json_number_value(json_object_get(row, "simulated_tokens_per_s")) / modelled;
        relative += 100 * fabs(simulated / live - 1);
    }
    assert_true(fabs(json_number_value(json_object_get(all, "mean_absolute_speedup_difference_percent")) - relative / 3) < 1e-6);
    json_decref(all);
    run(cmd_live, out, LIVE("--prompts", prompts, "--policy", specs[1], specs[2], "--check", greedy, "--compare", ARM_WORDS));
    char *text = read_file(out);
    assert_contains(text, "each decoded by 2 policies in turn");
    assert_contains(text, "off on average");
    assert_contains(text, "\nplain ");
    assert_null(strstr(text, "--- prompt"));
    free(text);
}

/* 95%, resampling prompts with both of their seconds. */
static void test_speed_ups_have_intervals_over_prompts(void **state) {
    (void)state;
    enum { Q = 8, B = STATS_RESAMPLES };
    static const double plain[Q] = {4, 5, 3, 8, 2, 6, 5, 7}, live[Q] = {2, 4, 1, 5, 2, 2, 4, 3};
    static double x[Q][2], sums[2][B], left[2][Q], sample[B], without[Q];
    struct fidelity f;
    struct fidelity_sum s[2];
    struct err err = {""};
    double mean;
    assert_int_equal(fidelity_open(&f, 2, Q, &err), 0);
    f.compared = true;
    for (int q = 0; q < Q; q++) {
        f.plain[q] = x[q][0] = plain[q], x[q][1] = live[q];
        f.row[0].at[q] = (struct fidelity_prompt){.tokens = 1, .live_draft = plain[q] / 8, .live_verify = plain[q] / 8};
        f.row[1].at[q] = (struct fidelity_prompt){.tokens = 1, .live_draft = live[q] / 4, .live_verify = live[q] * 3 / 4};
    }
    assert_int_equal(fidelity_sums(&f, s, &mean, &err), 0);
    assert_true(s[0].speedup.value == 4 && s[0].speedup.lo == 4 && s[0].speedup.hi == 4); // the same on every prompt: sure
    assert_int_equal(stats_resample(&x[0][0], Q, 2, B, 0, &sums[0][0], &err), 0);
    stats_leave_one_out(&x[0][0], Q, 2, &left[0][0]);
    for (int b = 0; b < B; b++) sample[b] = sums[0][b] / sums[1][b];
    for (int q = 0; q < Q; q++) without[q] = left[0][q] / left[1][q];
    const struct bca bca = stats_bca(40.0 / 23, sample, B, without, Q);
    const struct interval want = stats_bca_interval(&bca, stats_level(0.95, Q));
    assert_true(fabs(s[1].speedup.value - 40.0 / 23) < 1e-12 && s[1].speedup.lo == want.lo && s[1].speedup.hi == want.hi);
    assert_true(want.lo < 1.6 && want.hi > 1.9 && want.lo > 1 && want.hi < 3);
    struct measure alone;
    assert_int_equal(fidelity_speedup(&f, 1, &alone, &err), 0);
    assert_memory_equal(&alone, &s[1].speedup, sizeof alone);
    fidelity_close(&f);
}

static void assert_interval(const json_t *row) {
    const json_t *ends = json_object_get(row, "speedup_interval");
    const double lo = json_number_value(json_array_get(ends, 0)), value = json_number_value(json_object_get(row, "speedup")), hi = json_number_value(json_array_get(ends, 1));
    if (!(0 < lo && lo <= value && value <= hi)) fail_msg("speed-up %g [%g, %g]", value, lo, hi);
}

static void test_compare_prints_intervals_of_five_prompts_or_more(void **state) {
    (void)state;
    run(cmd_live, out, LIVE("--prompts", prompts, "--policy", "none", "fixed:arm=sam:4", "--compare", "--json"));
    json_t *all = json_load_file(out, 0, NULL);
    for (size_t p = 0; p < 2; p++) assert_interval(json_array_get(json_object_get(all, "policies"), p));
    json_decref(all);
    run(cmd_live, out, LIVE("--prompts", prompts, "--policy", "fixed:arm=sam:4", "--compare", "--json"));
    all = json_load_file(out, 0, NULL);
    assert_interval(all);
    json_decref(all);
    run(cmd_live, out, LIVE("--prompts", prompts, "--policy", "fixed:arm=sam:4", "--compare", "--json", "--limit", "4"));
    all = json_load_file(out, 0, NULL);
    assert_null(json_object_get(all, "speedup_interval"));
    json_decref(all);
    run(cmd_live, out, LIVE("--prompts", prompts, "--policy", "fixed:arm=sam:4", "--compare"));
    char *text = read_file(out);
    assert_contains(text, "times as fast with the policy ["), assert_contains(text, "], same text (95%, BCa over prompts)");
    free(text);
    run(cmd_live, out, LIVE("--prompts", prompts, "--policy", "none", "fixed:arm=sam:4", "--compare"));
    assert_contains(text = read_file(out), "speed-up: over plain decoding of the same prompts, 95% BCa intervals over prompts");
    free(text);
    run(cmd_live, out, LIVE("--prompts", prompts, "--policy", "none", "fixed:arm=sam:4", "--compare", "--limit", "4"));
    assert_contains(text = read_file(out), "fewer than 5 prompts give no interval");
    free(text);
}

static void test_several_policies_refuse_what_only_one_can(void **state) {
    (void)state;
    assert_refused(cmd_live, LIVE("--prompt", "a", "--policy", "none", "auto", "--ids"), -2, "option '--ids' prints the text that all policies give; name one");
    assert_refused(cmd_live, LIVE("--prompt", "a", "--policy", "none", "auto", "--batch", "2"), -2, "several policies, or '--results', are not for a batch");
    assert_refused(cmd_live, LIVE("--prompt", "a", "--policy", "none", "auto", "--policy-state", "x"), -2, "option '--policy-state' keeps what one policy learned, 2 are given");
    assert_refused(cmd_live, LIVE("--prompt", "a", "--results", "x"), -2, "give --check T as well");
    assert_refused(cmd_live, LIVE("--prompts", prompts, "--results", prompts, "--check", greedy), -1, "is not a banditspec results");
}

static void test_a_prompt_of_the_command_line_is_decoded_and_shown(void **state) {
    (void)state;
    run(cmd_live, out, LIVE("--prompt", "the cat and the dog and the cat", "--compare"));
    char *text = read_file(out);
    assert_contains(text, "auto: ");
    assert_contains(text, "same text");
    assert_null(strchr(text, '\033')); // colours are for terminals
    free(text);
    run(cmd_live, out, LIVE("--prompt", "the cat", "--max-new", "1", "--json"));
    json_error_t why;
    json_t *all = json_load_file(out, 0, &why); // no round: nothing is divided by zero
    if (!all) fail_msg("%s", why.text);
    assert_int_equal(json_integer_value(json_object_get(all, "rounds")), 0);
    assert_true(json_number_value(json_object_get(all, "mat")) == 0);
    json_decref(all);
}

/* What was learned over the first prompts, kept in a file, goes on over the others as if nothing had happened; --check warms its replay too. */
static void test_a_kept_state_carries_a_stream_over_two_runs(void **state) {
    (void)state;
    enum { HEAD = 3 };
    const char *specs[256];
    char kept[4200], tail_prompts[4200], tail_csv[4200], *all = read_file(prompts), *rest = all;
    int n = list_specs(specs, 256), compared = 0;
    snprintf(kept, sizeof kept, "%s/kept.state", dir.path), snprintf(tail_prompts, sizeof kept, "%s/tail.jsonl", dir.path), snprintf(tail_csv, sizeof kept, "%s/tail.csv", dir.path);
    for (int i = 0; i < HEAD; i++) rest = strchr(rest, '\n') + 1;
    write_file(tail_prompts, rest);
#define STREAM(...) LIVE("--scope", "stream", "--seed", "7", "--check", greedy, __VA_ARGS__, ARM_WORDS)
    for (int i = 0; i < n; i++) {
        char *spec = (char *)specs[i];
        remove(kept);
        run(cmd_live, NULL, STREAM("--prompts", prompts, "--limit", "3", "--policy", spec, "--policy-state", kept, "--steps", live_csv));
        run(cmd_live, NULL, STREAM("--prompts", tail_prompts, "--policy", spec, "--policy-state", kept, "--steps", tail_csv)); // checked from the warm start
        if (learns_from_seconds(spec)) continue;
        run(cmd_live, NULL, STREAM("--prompts", prompts, "--policy", spec, "--steps", replay_csv));
        char *whole = read_file(replay_csv), *head = read_file(live_csv), *tail = read_file(tail_csv);
        if (strncmp(whole, head, strlen(head)) || strcmp(whole + strlen(head), strchr(tail, '\n') + 1)) fail_msg("%s: two runs differ from one", spec);
        free(whole), free(head), free(tail);
        compared++;
    }
    assert_true(compared >= 10);
    free(all);
    assert_refused(cmd_live, LIVE("--prompt", "a", "--policy", "ucb1", "--policy-state", kept, ARM_WORDS), -1, "was saved by policy '");
    assert_refused(cmd_live, LIVE("--prompt", "a", "--policy-state", model), -1, "is not a policy state");
    assert_refused(cmd_live, LIVE("--prompt", "a", "--policy-state", "no/such/dir.state"), -1, "cannot write policy state 'no/such/dir.state'");
}

static void test_wrong_options_are_one_line(void **state) {
    (void)state;
    const struct { char *words[6]; int code; const char *message; } cases[] = {
        {{"--policy", "ucbspec"}, -2, "give either --prompt or --prompts"},
        {{"--prompt", "a", "--prompts", prompts}, -2, "give either --prompt or --prompts"},
        {{"--prompt", "a", "--scope", "day"}, -2, "option '--scope' wants prompt or stream, got 'day'"},
        {{"--prompt", "a", "--ids", "--json"}, -2, "give --ids or --json, not both"},
        {{"--prompt", "a", "--policy", "ucb9"}, -1, "unknown policy 'ucb9'; did you mean 'ucb1'? (known: none, auto, fixed"},
        {{"--prompt", "a", "--policy", "ucbspec:x=1"}, -1, "policy 'ucbspec' has no parameter 'x'"},
        {{"--prompt", "a", "--arms", "eagle:2"}, -1, "eagle"},
        {{"--prompt", "a", "--arms", "pld:65"}, -1, "pld:65"},
        {{"--prompt", "a", "--drafter", "pld"}, -2, "two drafters are called 'pld'"},
        {{"--prompt", "a", "--max-new", "many"}, -2, "max-new"},
        {{"--prompt", "a", "--max-new", "600"}, -1, "exceed the context of 512"},
        {{"--prompt", "a", "--model", "no/such.gguf"}, -1, "no/such.gguf"},
        {{"--prompts", "no/such.jsonl"}, -1, "no/such.jsonl"},
        {{"--prompt", "a", "--steps", "no/such/dir.csv"}, -1, "cannot open 'no/such/dir.csv' for writing: No such file"},
        {{"--prompt", "a", "--batch", "2", "--policy-state", "x"}, -2, "option '--policy-state' is not for a batch"},
        {{"--prompt", "a", "--frobnicate"}, -2, "--frobnicate"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *const *w = cases[i].words;
        assert_refused(cmd_live, LIVE(w[0], w[1], w[2], w[3], w[4], w[5]), cases[i].code, cases[i].message);
    }
    assert_refused(cmd_live, LIVE("--prompts", prompts, "--check", greedy, "--steps", greedy), -1, "' is what is read; give another --steps");
    assert_refused(cmd_live, (char *[]){"live", "--prompt", "a", NULL}, -2, "--model");
}

static void record(const char *db, char *temperature) {
    run(cmd_record, NULL, (char *[]){"record", TARGET, "--prompts", prompts, "--max-draft", "6", "--temperature", temperature, "--noise-seed", "3", "--db", (char *)db, NULL});
}

static int setup(void **state) {
    static const struct { char *path; const char *name; } files[] = {{model, "looping.gguf"}, {prompts, "p.jsonl"}, {greedy, "greedy.db"}, {sampled, "sampled.db"},
        {scratch, "scratch.db"}, {live_csv, "live.csv"}, {replay_csv, "replay.csv"}, {out, "out"}};
    (void)state;
    if (tempdir_open(&dir)) return -1;
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) snprintf(files[i].path, sizeof model, "%s/%s", dir.path, files[i].name);
    looping_model(model, 0.01f);
    char lines[sizeof prompt_lines + 400];
    strcpy(lines, prompt_lines);
    looping_ending_line(model, lines + strlen(lines));
    write_file(prompts, lines);
    record(greedy, "0");
    record(sampled, "0.8");
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
        cmocka_unit_test(test_replay_equals_live_for_every_policy_decoding_greedily),
        cmocka_unit_test(test_replay_equals_live_for_every_policy_when_sampling),
        cmocka_unit_test(test_copiers_are_accepted_and_save_rounds),
        cmocka_unit_test(test_a_changed_trace_is_caught_by_sequence_round_and_field),
        cmocka_unit_test(test_prompts_that_a_trace_lacks_are_found_before_any_is_decoded),
        cmocka_unit_test(test_a_trace_of_something_else_is_refused),
        cmocka_unit_test(test_ids_are_the_recorded_text_whatever_the_policy),
        cmocka_unit_test(test_threads_change_no_round),
        cmocka_unit_test(test_seeds_are_told_apart),
        cmocka_unit_test(test_json_holds_the_closing_figures_and_nothing_else),
        cmocka_unit_test(test_several_policies_decode_in_turn_and_are_tabled),
        cmocka_unit_test(test_speed_ups_have_intervals_over_prompts),
        cmocka_unit_test(test_compare_prints_intervals_of_five_prompts_or_more),
        cmocka_unit_test(test_several_policies_refuse_what_only_one_can),
        cmocka_unit_test(test_a_prompt_of_the_command_line_is_decoded_and_shown),
        cmocka_unit_test(test_a_kept_state_carries_a_stream_over_two_runs),
        cmocka_unit_test(test_wrong_options_are_one_line),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
