/* test_kept_trace.c - the trace of SmolLM2 that comes with the project, recorded by `make demo`'s
 * command, and that of a classic draft model: whole, its prompt lookup recounted from the recorded text by a scan, and replayed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <omp.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#include "sim/summary.h"
#include "traces/check.h"
#include "traces/db.h"

#define KEPT "traces/demo/smollm2.db"
enum { NGRAM = 3 };

static void test_the_kept_traces_are_whole(void **state) {
    (void)state;
    static struct check c;
    const struct { const char *path; int sequences; } kept[] = {{KEPT, 24}, {"traces/demo/coding.db", 12}};
    for (int i = 0; i < 2; i++) {
        struct err err = {""};
        assert_int_equal(check_trace(&c, kept[i].path, &err), 0);
        if (c.n) fail_msg("'%s', invariant %d: %s", kept[i].path, c.at[0].invariant, c.at[0].text);
        assert_true(c.sequences >= kept[i].sequences);
    }
}

/* Classic speculation: drafting from 32,768 tokens instead of 151,936 has less accepted, but not much less. */
static void test_a_smaller_output_layer_costs_little_acceptance(void **state) {
    (void)state;
    struct trace t;
    struct err err = {""};
    long whole = 0, small = 0;
    if (trace_open(&t, "traces/demo/coding.db", 0, &err)) fail_msg("%s", err.text);
    assert_int_equal(t.D, 4);
    for (size_t cell = 0; cell < t.cells; cell++) whole += t.accepted[2 * t.cells + cell], small += t.accepted[3 * t.cells + cell];
    assert_true(small < whole && 10 * small > 8 * whole);
    trace_close(&t);
}

/* Prompt lookup by its definition: the longest of the last 3, 2, 1 tokens that stood before, where it
 * stood last; what followed there, at most L tokens, within the text so far. Returns its length. */
static int look_up(const int *text, int n, int L, int *draft) {
    for (int g = NGRAM; g >= 1; g--)
        for (int s = n - g - 1; s >= 0; s--)
            if (!memcmp(text + s, text + n - g, (size_t)g * sizeof *text)) {
                int m = 0;
                for (; m < L && s + g + m < n; m++) draft[m] = text[s + g + m];
                return m;
            }
    return 0;
}

/* Prompt and emitted tokens of sequence q; *n tokens, owned by the caller. */
static int *whole_text(const struct trace *t, int q, int *n) {
    struct err err = {""};
    struct ids emitted = {NULL, 0, 0};
    sqlite3 *db;
    sqlite3_stmt *s;
    assert_int_equal(trace_text(t, q, &emitted, &err), 0);
    assert_int_equal(emitted.n, t->sequences[q].tokens);
    assert_int_equal(db_open_read(&db, t->path, &db_trace, &err), 0);
    assert_int_equal(sqlite3_prepare_v2(db, "SELECT prompt FROM sequence WHERE id = ?", -1, &s, NULL), SQLITE_OK);
    sqlite3_bind_int64(s, 1, t->sequences[q].id);
    assert_int_equal(sqlite3_step(s), SQLITE_ROW);
    int prompt = sqlite3_column_bytes(s, 0) / 4;
    assert_int_equal(prompt, t->sequences[q].prompt_tokens);
    int *text = malloc(((size_t)prompt + emitted.n) * sizeof *text);
    const unsigned char *bytes = sqlite3_column_blob(s, 0);
    for (int i = 0; i < prompt; i++) text[i] = bytes[4 * i] | bytes[4 * i + 1] << 8 | bytes[4 * i + 2] << 16 | bytes[4 * i + 3] << 24;
    memcpy(text + prompt, emitted.at, emitted.n * sizeof *text);
    *n = prompt + (int)emitted.n;
    ids_close(&emitted);
    sqlite3_finalize(s);
    db_close(&db);
    return text;
}

static void test_prompt_lookup_of_the_kept_trace_equals_a_scan_of_its_text(void **state) {
    (void)state;
    struct trace t;
    struct err err = {""};
    int pld = -1;
    long accepted = 0;
    assert_int_equal(trace_open(&t, KEPT, 0, &err), 0);
    for (int d = 0; d < t.D; d++)
        if (!strcmp(t.drafters[d].kind, "pld")) pld = d;
    assert_true(pld >= 0);
    for (int q = 0; q < t.Q; q++) {
        int n, *text = whole_text(&t, q, &n), prompt = t.sequences[q].prompt_tokens;
        for (int pos = 1; pos < t.sequences[q].tokens; pos++) {
            int draft[64], at = prompt + pos, budget = t.max_new - pos - 1, a = 0;
            int proposed = look_up(text, at, t.L < budget ? t.L : budget, draft);
            while (a < proposed && at + a < n && draft[a] == text[at + a]) a++;
            size_t cell = trace_cell(&t, pld, q, pos);
            if (t.proposed[cell] != proposed || t.accepted[cell] != a)
                fail_msg("sequence %d position %d: recorded %d of %d, the scan gives %d of %d", q, pos, t.accepted[cell], t.proposed[cell], a, proposed);
            accepted += a;
        }
        free(text);
    }
    assert_true(accepted > t.Q * 10L);
    trace_close(&t);
}

struct played {
    struct trace trace;
    struct cost cost;
    struct arms arms;
    struct lineup lineup;
    struct replay replay;
};

static void play(struct played *p, int threads) {
    static const char *const words[] = {"random", "ucbspec", "exp3spec", "thompson", "best-fixed", "clairvoyant"};
    struct err err = {""};
    memset(p, 0, sizeof *p);
    assert_int_equal(trace_open(&p->trace, KEPT, 0, &err), 0);
    assert_int_equal(cost_fit(&p->cost, &p->trace, &err), 0);
    assert_int_equal(replay_arms(&p->arms, &p->trace, NULL, 0, &err), 0);
    struct problem problem = replay_problem(&p->trace, &p->arms);
    assert_int_equal(lineup_open(&p->lineup, words, 6, &problem, true, 5, &err), 0);
    omp_set_num_threads(threads);
    const struct replay_plan plan = {.trace = &p->trace, .cost = &p->cost, .arms = &p->arms, .lineup = &p->lineup};
    assert_int_equal(replay_open(&p->replay, &plan, &err), 0);
}

static void finish(struct played *p) {
    replay_close(&p->replay);
    lineup_close(&p->lineup);
    arms_close(&p->arms);
    trace_close(&p->trace);
}

static void test_replay_of_the_kept_trace_is_the_same_on_any_number_of_threads(void **state) {
    (void)state;
    static struct played one, three;
    play(&one, 1);
    play(&three, 3);
    size_t n = (size_t)one.replay.runs * (size_t)one.replay.Q;
    assert_int_equal(one.replay.runs, three.replay.runs);
    assert_memory_equal(one.replay.outcomes, three.replay.outcomes, n * sizeof *one.replay.outcomes);
    assert_memory_equal(one.replay.rounds, three.replay.rounds, (size_t)one.lineup.n * (size_t)one.replay.Q * sizeof(double));
    finish(&three);
    finish(&one);
}

static void test_drafting_pays_on_the_kept_trace(void **state) {
    (void)state;
    static struct played p;
    static struct summary players[6], references[REFERENCES];
    struct err err = {""};
    play(&p, 2);
    assert_int_equal(summary_make(&p.replay, players, references, &err), 0);
    assert_true(references[REFERENCE_BEST_FIXED].speedup.value > 1.1);
    assert_true(references[REFERENCE_CLAIRVOYANT].tokens_per_s.value >= references[REFERENCE_BEST_PER_PROMPT].tokens_per_s.value);
    for (int i = 0; i < 6; i++) {
        assert_true(players[i].mat.value > 1 && players[i].mat.value <= p.arms.L + 1);
        assert_true(players[i].tokens_per_s.value <= references[REFERENCE_CLAIRVOYANT].tokens_per_s.value * (1 + 1e-12));
    }
    finish(&p);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_kept_traces_are_whole),
        cmocka_unit_test(test_a_smaller_output_layer_costs_little_acceptance),
        cmocka_unit_test(test_prompt_lookup_of_the_kept_trace_equals_a_scan_of_its_text),
        cmocka_unit_test(test_replay_of_the_kept_trace_is_the_same_on_any_number_of_threads),
        cmocka_unit_test(test_drafting_pays_on_the_kept_trace),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
