/* test_synthesis.c - worlds of a known law: whole as traces, true to the law, and the test of truncated geometric lengths. */
#include "tests/make_trace.h"

#include <jansson.h>

#include "traces/check.h"
#include "traces/hazard.h"
#include "traces/synthesis.h"
#include "tests/run_command.h"
#include "tests/run_replay.h"
#include "tests/synth.h"
#include "tests/tempdir.h"

command cmd_traces;

static struct tempdir dir;

static void assert_whole(const char *path, int sequences) {
    struct check c;
    struct err err = {""};
    if (check_trace(&c, path, &err)) fail_msg("%s", err.text);
    if (c.n) fail_msg("invariant %d: %s", c.at[0].invariant, c.at[0].text);
    assert_int_equal(c.sequences, sequences);
}

static void run_synth(char **argv) {
    struct err err;
    if (run_command(cmd_traces, &err, NULL, argv)) fail_msg("%s", err.text);
}
#define synth(...) run_synth((char *[]){"traces", "synth", __VA_ARGS__, NULL})

/* A trace of this world, loaded; its file is DIR/w.db. */
static void open_world(struct trace *t, enum synthesis_law law, const char *a, const char *b, int sequences, int tokens, uint64_t seed) {
    struct synthesis x = {.law = law, .D = b ? 2 : 1, .sequences = sequences, .tokens = tokens, .prompt_tokens = 10, .L = 6, .period = 20, .change = 0.05, .seed = seed};
    struct err err = {""};
    const char *path = tempdir_file(&dir, "w.db");
    remove(path);
    for (int w = 1; w < SYNTHESIS_WIDTHS; w++) x.verify_ms[w] = 10 + 0.2 * w;
    if (synthesis_drafter_parse(&x.drafter[0], a, &err) || (b && synthesis_drafter_parse(&x.drafter[1], b, &err)) || synthesis_write(&x, path, &err)
        || trace_open(t, path, 0, &err)) fail_msg("%s", err.text);
    assert_whole(path, sequences);
}

static void test_hazard_matches_its_check_value(void **state) {
    (void)state;
    static struct hazard h;
    h.tested[1] = 100, h.tested[2] = 60, h.accepted[1] = 60, h.accepted[2] = 30;
    hazard_test(&h);
    assert_close(h.p, 0.5625, 1e-15);
    assert_close(h.chi2, 1.5238095238095237, 1e-12);
    assert_close(h.p_value, 0.21704390775694, 1e-11);
    assert_int_equal(h.df, 1);
    h = (struct hazard){.tested = {0, 20}, .accepted = {0, 20}}; // nothing was rejected: no test, no division by zero
    hazard_test(&h);
    assert_true(h.p == 1 && h.df == 0 && h.p_value == 1);
}

/* A draft that is accepted to the text's end says nothing of the token after it. */
static void test_hazard_leaves_out_what_the_end_of_the_text_cut_off(void **state) {
    (void)state;
    struct trace t;
    static struct hazard h;
    trace_make(&t, 1, (const int[]){5}, 1, 6, 40, 1);
    for (int pos = 1; pos < 5; pos++) t.proposed[trace_cell(&t, 0, 0, pos)] = 6, t.accepted[trace_cell(&t, 0, 0, pos)] = (uint8_t)(5 - pos);
    hazard_count(&h, &t, 0, NULL);
    assert_int_equal(h.rounds, 1);
    assert_true(h.tested[4] == 1 && h.accepted[4] == 1 && h.tested[5] == 0);
    assert_true(h.p == 1);
    trace_close(&t);
}

static void test_geometric_world_follows_its_law_and_passes_the_test(void **state) {
    (void)state;
    struct trace t;
    static struct hazard h;
    int rejected = 0;
    for (uint64_t seed = 0; seed < 40; seed++) {
        open_world(&t, LAW_GEOMETRIC, "a=0.7", NULL, 6, 700, seed);
        hazard_count(&h, &t, 0, NULL);
        double trials = 0;
        for (int k = 1; k <= h.depths; k++) trials += (double)h.tested[k];
        assert_true(fabs(h.p - 0.7) < 5 * sqrt(0.7 * 0.3 / trials));
        assert_int_equal(h.df, 5); // six depths
        rejected += h.p_value < 0.1;
        trace_close(&t);
    }
    assert_in_range(rejected, 0, 11); // binomial(40, 0.1): above 11 once in a thousand
}

static void test_other_worlds_fail_the_test_of_truncated_geometric_lengths(void **state) {
    (void)state;
    struct trace t;
    static struct hazard h;
    static const enum synthesis_law laws[] = {LAW_MARKOV, LAW_CHANGES, LAW_ADVERSARIAL};
    for (int i = 0; i < 3; i++) {
        open_world(&t, laws[i], "a=0.95,0.1", "b=0.2,0.8", 40, 100, 3);
        hazard_count(&h, &t, 0, NULL);
        assert_true(h.p_value < 1e-6 && h.chi2 > 30);
        trace_close(&t);
    }
}

static void test_changes_come_when_they_are_due(void **state) {
    (void)state;
    struct trace t;
    open_world(&t, LAW_CHANGES, "a=1,0", "b=0,1", 2, 90, 1);
    for (int pos = 1; pos < 84; pos++) { // periods of 20: whose match bits are ones alternates
        int first = (pos - 1) / 20 % 2 == 0, left = 20 - (pos - 1) % 20, run = left < 6 ? left : 6;
        assert_int_equal(t.accepted[trace_cell(&t, 0, 1, pos)], first ? run : 0);
        assert_int_equal(t.accepted[trace_cell(&t, 1, 1, pos)], first ? 0 : run);
    }
    trace_close(&t);
    open_world(&t, LAW_ADVERSARIAL, "a=1,0", "b=1,0", 1, 200, 1);
    for (int pos = 1; pos < 190; pos++) // turns of 20, 40, 80, 160: ends at 20, 60, 140, 300
        assert_true((t.accepted[trace_cell(&t, 0, 0, pos)] > 0) == (pos <= 20 || (pos > 60 && pos <= 140)));
    trace_close(&t);
}

static void test_markov_states_change_as_often_as_they_should(void **state) {
    (void)state;
    struct trace t;
    int changes = 0, first = 0, n = 0;
    open_world(&t, LAW_MARKOV, "a=1,0", NULL, 200, 100, 5);
    for (int q = 0; q < 200; q++)
        for (int pos = 1; pos < 93; pos++) {
            int here = t.accepted[trace_cell(&t, 0, q, pos)] > 0, next = t.accepted[trace_cell(&t, 0, q, pos + 1)] > 0;
            changes += here != next, n++, first += pos == 1 && here;
        }
    assert_close((double)changes / n, 0.05, 5 * sqrt(0.05 * 0.95 / n));
    assert_close(first / 200.0, 0.5, 0.15);
    trace_close(&t);
}

static void test_resampled_sequences_are_those_of_the_recorded_trace(void **state) {
    (void)state;
    struct synth recorded = {.D = 3, .Q = 6, .max_new = 40, .L = 5, .seed = 4};
    struct err err = {""};
    struct trace from, t;
    char like[4200];
    snprintf(like, sizeof like, "%s", tempdir_file(&dir, "like.db"));
    assert_int_equal(synth_write(like, &recorded, &err), 0);
    const char *path = tempdir_file(&dir, "resampled.db");
    synth((char *)path, "--world", "resample", "--like", like, "--sequences", "30");
    assert_whole(path, 30);
    if (trace_open(&from, like, 0, &err) || trace_open(&t, path, 0, &err) || trace_load_signal(&t, 0, &err) || trace_load_signal(&from, 0, &err)) fail_msg("%s", err.text);
    int seen[6] = {0};
    for (int q = 0; q < t.Q; q++) {
        int source = atoi(t.sequences[q].question + strlen("like sequence "));
        seen[source]++;
        assert_int_equal(t.sequences[q].tokens, from.sequences[source].tokens);
        assert_string_equal(t.sequences[q].category, from.sequences[source].category);
        for (int pos = 1; pos < t.sequences[q].tokens; pos++)
            for (int d = 0; d < 3; d++) {
                assert_int_equal(t.accepted[trace_cell(&t, d, q, pos)], from.accepted[trace_cell(&from, d, source, pos)]);
                assert_int_equal(t.proposed[trace_cell(&t, d, q, pos)], from.proposed[trace_cell(&from, d, source, pos)]);
                size_t a = trace_cell(&t, 0, q, pos) * 10, b = trace_cell(&from, 0, source, pos) * 10;
                assert_memory_equal(t.signal[0] + a, from.signal[0] + b, 8u * t.proposed[trace_cell(&t, 0, q, pos)]);
            }
    }
    int distinct = 0;
    for (int i = 0; i < 6; i++) distinct += seen[i] > 0;
    assert_in_range(distinct, 4, 6);
    assert_int_equal(query_number(path, "SELECT sum(verify_ns) = 0 FROM step"), 0);
    assert_string_equal(t.backend, "synthetic");
    trace_close(&from), trace_close(&t);
}

static void test_a_fitted_world_is_like_the_trace_it_was_fitted_to(void **state) {
    (void)state;
    struct err err = {""};
    struct trace a, b;
    static struct hazard h, g;
    char like[4200];
    open_world(&a, LAW_GEOMETRIC, "x=0.75@0.3", "y=0.4@0.1", 200, 120, 8);
    snprintf(like, sizeof like, "%s", tempdir_file(&dir, "w.db"));
    const char *path = tempdir_file(&dir, "fitted.db");
    synth((char *)path, "--like", like, "--sequences", "200", "--max-draft", "6");
    assert_whole(path, 200);
    if (trace_open(&b, path, 0, &err)) fail_msg("%s", err.text);
    for (int d = 0; d < 2; d++) {
        hazard_count(&h, &a, d, NULL), hazard_count(&g, &b, d, NULL);
        assert_close(h.p, g.p, 0.02);
    }
    assert_int_equal(query_number(path, "SELECT max(draft_ns) FROM draft WHERE drafter = 1"), 6 * 300000);
    assert_int_equal(query_number(path, "SELECT max(verify_ns) FROM step WHERE verify_width = 3"), 10600000);
    trace_close(&a), trace_close(&b);
}

static void test_synth_adds_no_second_recording_unasked(void **state) {
    (void)state;
    char path[4200];
    snprintf(path, sizeof path, "%s", tempdir_file(&dir, "one.db"));
    synth(path, "--drafter", "a=0.5", "--sequences", "3");
    static char *const other[][2] = {{"--seed", "2"}, {"--tokens", "99"}, {"--max-draft", "4"}};
    for (int i = 0; i < 3; i++)
        assert_refused(cmd_traces, (char *[]){"traces", "synth", path, "--drafter", "a=0.5", "--sequences", "3", other[i][0], other[i][1], NULL}, ERR_FAILED,
                       "one.db' holds another recording, not of these options: name another file, or give --add");
    assert_refused(cmd_traces, (char *[]){"traces", "synth", path, "--drafter", "a=0.6", NULL}, ERR_FAILED, "give --add");
    assert_int_equal(query_number(path, "SELECT count(*) FROM recording"), 1);
    synth(path, "--drafter", "a=0.5", "--sequences", "4"); // the same, and more of it
    assert_int_equal(query_number(path, "SELECT count(*) FROM sequence"), 4);
    synth(path, "--drafter", "a=0.6", "--sequences", "2", "--add");
    assert_int_equal(query_number(path, "SELECT count(*) FROM recording"), 2);
    synth(path, "--drafter", "a=0.6", "--sequences", "2"); // is there, so it adds nothing
    assert_int_equal(query_number(path, "SELECT count(*) FROM sequence"), 6);
}

static void test_synth_goes_on_where_it_stopped_and_replay_says_what_it_plays(void **state) {
    (void)state;
    char path[4200], other[4200];
    snprintf(path, sizeof path, "%s", tempdir_file(&dir, "part.db")), snprintf(other, sizeof other, "%s", tempdir_file(&dir, "all.db"));
    synth(path, "--drafter", "a=0.5", "b=0.8@0.4", "--sequences", "5", "--seed", "9");
    synth(path, "--drafter", "a=0.5", "b=0.8@0.4", "--sequences", "12", "--seed", "9");
    synth(other, "--drafter", "a=0.5", "b=0.8@0.4", "--sequences", "12", "--seed", "9");
    struct trace a, b;
    struct err err = {""};
    if (trace_open(&a, path, 0, &err) || trace_open(&b, other, 0, &err)) fail_msg("%s", err.text);
    assert_string_equal(a.sha256, b.sha256);
    trace_close(&a), trace_close(&b);
    const char *out = tempdir_file(&dir, "out.txt");
    assert_int_equal(replay(&err, out, (char *[]){"replay", "--db", path, "--policy", "none", NULL}), 0);
    char *text = read_file(out);
    assert_contains(text, "a synthetic trace (world geometric)");
    free(text);
    if (replay(&err, NULL, (char *[]){"replay", "--db", path, "--seeds", "1", NULL})) fail_msg("%s", err.text); // every policy: some ask for confidences
    assert_int_equal(replay(&err, NULL, (char *[]){"replay", "--db", path, "--arms", "a:stop(entropy>1)", NULL}), ERR_FAILED);
    assert_contains(err.text, "has no probabilities");
}

/* Where there is but one arm all policies are one. Averages over seeds add up in another order than one run, and these last bits are no difference. */
static void test_policies_that_play_alike_are_not_told_apart(void **state) {
    (void)state;
    char path[4200], out[4200];
    struct err err;
    snprintf(path, sizeof path, "%s/alike.db", dir.path);
    snprintf(out, sizeof out, "%s/alike.json", dir.path);
    synth(path, "--drafter", "a=0.6", "b=0.6", "--sequences", "60", "--tokens", "64");
    if (run_command(cmd_replay, &err, out, (char *[]){"replay", "--db", path, "--policy", "ucbspec", "thompson", "exp3spec", "random", "--arms", "a:4", "--seeds", "20", "--json", NULL}))
        fail_msg("%s", err.text);
    char *text = read_file(out);
    json_t *all = json_loads(text, 0, NULL), *row;
    size_t i;
    int equal = 0;
    json_array_foreach(json_object_get(all, "policies"), i, row) {
        const json_t *against = json_object_get(row, "against");
        const char *verdict = json_string_value(json_object_get(against, "verdict"));
        if (!strcmp(verdict, "reference")) continue;
        assert_string_equal(verdict, "no difference found");
        assert_true(json_number_value(json_object_get(against, "p")) == 1);
        equal++;
    }
    assert_int_equal(equal, 3);
    json_decref(all);
    free(text);
}

static void test_synth_refuses_what_it_cannot_make(void **state) {
    (void)state;
    static const struct { char *argv[12]; int code; const char *part; } cases[] = {
        {{"traces", "synth"}, ERR_USAGE, "give --db"},
        {{"traces", "synth", "x.db"}, ERR_USAGE, "option '--drafter' is required"},
        {{"traces", "synth", "x.db", "--drafter", "a"}, ERR_USAGE, "drafter 'a' is not NAME=P"},
        {{"traces", "synth", "x.db", "--drafter", "a=1.5"}, ERR_USAGE, "a probability from 0 to 1 was expected at '1.5'"},
        {{"traces", "synth", "x.db", "--drafter", "a=0.5@-1"}, ERR_USAGE, "milliseconds were expected at '-1'"},
        {{"traces", "synth", "x.db", "--drafter", "a=0.5;"}, ERR_USAGE, "nothing was expected at ';'"},
        {{"traces", "synth", "x.db", "--drafter", "a=0.5,0.5"}, ERR_USAGE, "world 'geometric' wants 1"},
        {{"traces", "synth", "x.db", "--world", "markov", "--drafter", "a=0.5,0.5", "b=1"}, ERR_USAGE, "wants 2 as the first drafter has"},
        {{"traces", "synth", "x.db", "--world", "lunar", "--drafter", "a=1"}, ERR_USAGE, "geometric, markov, changes, adversarial, resample, got 'lunar'"},
        {{"traces", "synth", "x.db", "--world", "resample", "--drafter", "a=1"}, ERR_USAGE, "wants --like"},
        {{"traces", "synth", "x.db", "--like", "y.db", "--drafter", "a=1"}, ERR_USAGE, "either --drafter or --like"},
        {{"traces", "synth", "/no/such/place.db", "--drafter", "a=1"}, ERR_FAILED, "/no/such/place.db"},
        {{"traces", "synth", "x.db", "--drafter", "a=0.5", "a=0.6"}, ERR_FAILED, "two drafters are named 'a'"},
    };
    assert_int_equal(chdir(dir.path), 0);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) assert_refused(cmd_traces, (char **)cases[i].argv, cases[i].code, cases[i].part);
}

static int open_dir(void **state) { (void)state; return tempdir_open(&dir); }
static int close_dir(void **state) { (void)state; return chdir("/") || (tempdir_close(&dir), 0); }

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hazard_matches_its_check_value),
        cmocka_unit_test(test_hazard_leaves_out_what_the_end_of_the_text_cut_off),
        cmocka_unit_test(test_geometric_world_follows_its_law_and_passes_the_test),
        cmocka_unit_test(test_other_worlds_fail_the_test_of_truncated_geometric_lengths),
        cmocka_unit_test(test_changes_come_when_they_are_due),
        cmocka_unit_test(test_markov_states_change_as_often_as_they_should),
        cmocka_unit_test(test_resampled_sequences_are_those_of_the_recorded_trace),
        cmocka_unit_test(test_a_fitted_world_is_like_the_trace_it_was_fitted_to),
        cmocka_unit_test(test_synth_adds_no_second_recording_unasked),
        cmocka_unit_test(test_synth_goes_on_where_it_stopped_and_replay_says_what_it_plays),
        cmocka_unit_test(test_policies_that_play_alike_are_not_told_apart),
        cmocka_unit_test(test_synth_refuses_what_it_cannot_make),
    };
    return cmocka_run_group_tests(tests, open_dir, close_dir);
}
