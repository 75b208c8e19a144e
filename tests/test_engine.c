/* test_engine.c - the forward pass against transformers and against its definition in double;
 * trees, commit, rewind and wrong input. Batches: test_batch.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <stdlib.h>

#include "core/backend.h"
#include "core/rng.h"
#include "tests/plain_llama.h"
#include "tests/chosen.h"
#include "tests/tiny.h"

static void forward(struct engine *e, const struct row *rows, int n) {
    struct err err = {""};
    if (engine_forward(e, rows, n, &err)) fail_msg("%s", err.text);
}

/* All logits (n, vocab) of a chain on top of what slot 0 holds, in one pass, not committed. */
static float *chain_logits(struct engine *e, int slot, const int *tokens, int n) {
    struct row rows[128];
    for (int i = 0; i < n; i++) rows[i] = (struct row){tokens[i], slot, i - 1, true};
    float *out = tiny_alloc((size_t)n * engine_model(e)->vocab, sizeof *out);
    forward(e, rows, n);
    assert_int_equal(engine_logits(e, out), n);
    return out;
}

static void prefill(struct engine *e, int slot, const int *tokens, int n) {
    struct err err = {""};
    if (engine_prefill(e, slot, tokens, n, NULL, &err)) fail_msg("%s", err.text);
}

static const char *const plain_models[] = {"a-f32", "b-f16", "c-bf16", "d-bf16", "e-f32"}, *const quantized_models[] = {"a-q8_0", "a-q4_1", "a-q4_0"};

enum { PLAIN_MODELS = sizeof plain_models / sizeof *plain_models };

static void test_logits_equal_transformers_within_2e_3(void **state) {
    (void)state;
    for (int f = 0; f < PLAIN_MODELS; f++) {
        struct tiny_golden g = tiny_golden(plain_models[f][0]);
        struct tiny t;
        tiny_open(&t, plain_models[f], &(struct engine_options){.threads = 2});
        float *got = chain_logits(t.e, 0, g.tokens, TINY_TOKENS), worst = 0;
        int ids[TINY_TOKENS];
        float values[TINY_TOKENS];
        assert_int_equal(engine_top(t.e, 1, ids, values), TINY_TOKENS);
        for (int i = 0; i < TINY_TOKENS; i++) {
            for (int v = 0; v < g.vocab; v++) {
                float expected;
                memcpy(&expected, g.logits.bytes + ((size_t)i * g.vocab + v) * 4, 4);
                float off = fabsf(got[i * g.vocab + v] - expected);
                if (!(off <= 2e-3f)) fail_msg("%s: logit %d of row %d is %g, expected %g", plain_models[f], v, i, (double)got[i * g.vocab + v], (double)expected);
                worst = off > worst ? off : worst;
            }
            assert_int_equal(ids[i], g.argmax[i]);
            assert_true(values[i] == got[i * g.vocab + ids[i]]);
        }
        print_message("  %s: largest difference of a logit %.2e\n", plain_models[f], (double)worst);
        mem_free(got);
        tiny_close(&t);
        file_map_close(&g.logits);
    }
}

static void test_greedy_text_equals_transformers(void **state) {
    (void)state;
    for (int f = 0; f < PLAIN_MODELS; f++) {
        struct tiny_golden g = tiny_golden(plain_models[f][0]);
        struct tiny t;
        tiny_open(&t, plain_models[f], &(struct engine_options){.threads = 1, .max_rows = 7});
        prefill(t.e, 0, g.prompt, TINY_PROMPT);
        for (int i = 0; i < TINY_GREEDY; i++) {
            int id;
            float value;
            assert_int_equal(engine_top(t.e, 1, &id, &value), 1);
            if (id != g.greedy[i]) fail_msg("%s: token %d is %d, expected %d", plain_models[f], i, id, g.greedy[i]);
            forward(t.e, &(struct row){id, 0, -1, true}, 1);
            engine_commit(t.e, 0, 1);
        }
        assert_int_equal(engine_length(t.e, 0), TINY_PROMPT + TINY_GREEDY);
        tiny_close(&t);
        file_map_close(&g.logits);
    }
}

/* Root mean squares of (a - b) and of b. */
static double relative_rms(const float *a, const double *b, size_t n) {
    double off = 0, size = 0;
    for (size_t i = 0; i < n; i++) off += (a[i] - b[i]) * (a[i] - b[i]), size += b[i] * b[i];
    return sqrt(off / size);
}

static void test_float_models_equal_the_definition_in_double(void **state) {
    (void)state;
    for (int f = 0; f < PLAIN_MODELS; f++) {
        struct tiny_golden g = tiny_golden(plain_models[f][0]);
        struct tiny t;
        tiny_open(&t, plain_models[f], &(struct engine_options){.threads = 2});
        float *got = chain_logits(t.e, 0, g.tokens, TINY_TOKENS);
        double *plain = plain_llama(&(struct plain){&t.m, false}, g.tokens, TINY_TOKENS), off = relative_rms(got, plain, (size_t)TINY_TOKENS * g.vocab);
        print_message("  %s: relative error %.1e\n", plain_models[f], off);
        assert_true(off < 2e-6); // 2^-24 a rounding, sums of at most 128 terms
        mem_free(got), mem_free(plain);
        tiny_close(&t);
        file_map_close(&g.logits);
    }
}

/* What is left against the same weights in double is the rounding of activations to int8. How far
 * that moves these logits, the definition itself says when it rounds so; the engine rounds outlier blocks
 * finer and must not do worse. Against F32 the rounded weights come on top. */
static void test_quantized_models_err_as_their_rounding_predicts(void **state) {
    (void)state;
    struct tiny_golden g = tiny_golden('a');
    struct tiny exact;
    tiny_open(&exact, "a-f32", &(struct engine_options){.threads = 1});
    double *f32 = plain_llama(&(struct plain){&exact.m, false}, g.tokens, TINY_TOKENS);
    size_t count = (size_t)TINY_TOKENS * g.vocab;
    for (int f = 0; f < 3; f++) {
        struct tiny t;
        tiny_open(&t, quantized_models[f], &(struct engine_options){.threads = 2});
        float *got = chain_logits(t.e, 0, g.tokens, TINY_TOKENS);
        double *plain = plain_llama(&(struct plain){&t.m, false}, g.tokens, TINY_TOKENS);
        double *rounded = plain_llama(&(struct plain){&t.m, true}, g.tokens, TINY_TOKENS);
        double predicted = 0, size = 0, off = relative_rms(got, plain, count), whole = relative_rms(got, f32, count);
        for (size_t i = 0; i < count; i++) predicted += (rounded[i] - plain[i]) * (rounded[i] - plain[i]), size += plain[i] * plain[i];
        predicted = sqrt(predicted / size);
        print_message("  %s: relative error %.2f %%, int8 predicts %.2f %%; of F32 %.2f %%\n", quantized_models[f], 100 * off, 100 * predicted, 100 * whole);
        assert_true(off > 0 && off < 1.1 * predicted);
        assert_true(whole < (f ? 0.8 : 0.08));
        mem_free(got), mem_free(plain), mem_free(rounded);
        tiny_close(&t);
    }
    mem_free(f32);
    tiny_close(&exact);
    file_map_close(&g.logits);
}

enum { NODES = 17, PREFIX = 21 };

/* Every node of a tree against a chain along its path, bit for bit. */
static void check_tree(const char *model, uint32_t seed) {
    struct tiny_golden g = tiny_golden(model[0]);
    struct tiny t;
    tiny_open(&t, model, &(struct engine_options){.threads = 2, .slots = 2, .max_context = 64});
    prefill(t.e, 0, g.tokens, PREFIX);
    prefill(t.e, 1, g.tokens, PREFIX);
    struct rng r = rng_at(seed, rng_stream("tree"), 0, 0);
    struct row rows[NODES];
    for (int i = 0; i < NODES; i++) rows[i] = (struct row){rng_below(&r, g.vocab), 1, rng_below(&r, i + 1) - 1, true};
    float *tree = tiny_alloc((size_t)NODES * g.vocab, sizeof *tree);
    forward(t.e, rows, NODES);
    engine_logits(t.e, tree);
    for (int i = 0; i < NODES; i++) {
        int path[NODES], n = 0;
        for (int at = i; at >= 0; at = rows[at].parent) n++;
        for (int at = i, to = n; at >= 0; at = rows[at].parent) path[--to] = rows[at].token;
        float *chain = chain_logits(t.e, 0, path, n);
        if (memcmp(chain + (size_t)(n - 1) * g.vocab, tree + (size_t)i * g.vocab, (size_t)g.vocab * sizeof *tree))
            fail_msg("%s, seed %u: node %d at depth %d differs from its chain", model, seed, i, n);
        mem_free(chain);
    }
    mem_free(tree);
    tiny_close(&t);
    file_map_close(&g.logits);
}

static void test_tree_rows_equal_chains_along_their_paths(void **state) {
    (void)state;
    for (uint32_t seed = 0; seed < 3; seed++) check_tree("a-f32", seed), check_tree("a-q4_1", seed);
    check_tree("b-f16", 3), check_tree("c-bf16", 4), check_tree("a-q8_0", 5), check_tree("a-q4_0", 6), check_tree("d-bf16", 7);
}

/* The logits after `tokens` from a fresh slot: what any detour must give as well. */
static void check_last(struct engine *e, int slot, const int *tokens, int n) {
    int vocab = engine_model(e)->vocab;
    float got[TINY_VOCAB], *fresh = tiny_alloc((size_t)vocab, sizeof *fresh);
    assert_int_equal(engine_length(e, slot), n - 1);
    forward(e, &(struct row){tokens[n - 1], slot, -1, true}, 1);
    assert_int_equal(engine_logits(e, got), 1);
    engine_rewind(e, slot, 0);
    prefill(e, slot, tokens, n);
    assert_int_equal(engine_logits(e, fresh), 1);
    assert_memory_equal(got, fresh, (size_t)vocab * sizeof *got);
    mem_free(fresh);
}

/* A path through a tree that lies scattered over its rows joins the prefix, as if it had been a chain. */
static void test_a_committed_path_equals_its_chain(void **state) {
    (void)state;
    struct tiny_golden g = tiny_golden('a');
    for (int from = 13; from < 18; from++) { // the cells cross a group of 16 at different places
        struct tiny t;
        tiny_open(&t, "a-q4_1", &(struct engine_options){.threads = 2, .slots = 2});
        prefill(t.e, 1, g.tokens, from);
        const struct row rows[] = {{g.tokens[from], 1, -1, true, NULL}, {7, 1, 0, true, NULL}, {9, 1, -1, true, NULL}, {g.tokens[from + 1], 1, 0, true, NULL},
                                   {8, 1, 3, true, NULL}, {3, 1, 1, true, NULL}, {g.tokens[from + 2], 1, 3, true, NULL}, {g.tokens[from + 3], 1, 6, true, NULL}};
        forward(t.e, rows, 8);
        engine_commit_path(t.e, 1, (const int[]){0, 3, 6, 7}, 4);
        check_last(t.e, 1, g.tokens, from + 5);
        tiny_close(&t);
    }
    file_map_close(&g.logits);
}

static void test_rewind_and_commit_leave_no_trace_of_rejected_rows(void **state) {
    (void)state;
    struct tiny_golden g = tiny_golden('a');
    struct tiny t;
    tiny_open(&t, "a-q4_1", &(struct engine_options){.threads = 2, .max_rows = 72});
    prefill(t.e, 0, g.tokens, 20);
    mem_free(chain_logits(t.e, 0, g.prompt, 9)); // a draft, rejected whole
    assert_int_equal(engine_length(t.e, 0), 20);
    check_last(t.e, 0, g.tokens, 21);

    engine_rewind(t.e, 0, 0); // a tree whose first rows are the chain that is kept
    prefill(t.e, 0, g.tokens, 10);
    const struct row rows[] = {{g.tokens[10], 0, -1, false}, {g.tokens[11], 0, 0, true}, {g.tokens[12], 0, 1, false},
                               {7, 0, 0, true}, {8, 0, 3, true}, {9, 0, -1, true}};
    forward(t.e, rows, 6);
    engine_commit(t.e, 0, 3);
    check_last(t.e, 0, g.tokens, 14);

    engine_rewind(t.e, 0, 0); // back to the middle, then other tokens
    prefill(t.e, 0, g.prompt, TINY_PROMPT);
    engine_rewind(t.e, 0, 7);
    int mixed[12];
    memcpy(mixed, g.prompt, 7 * sizeof *mixed);
    memcpy(mixed + 7, g.tokens, 5 * sizeof *mixed);
    prefill(t.e, 0, mixed + 7, 4);
    check_last(t.e, 0, mixed, 12);
    tiny_close(&t);
    file_map_close(&g.logits);
}

static void test_features_are_those_the_output_layer_takes(void **state) {
    (void)state;
    struct tiny_golden g = tiny_golden('a');
    struct tiny t;
    tiny_open(&t, "a-f32", &(struct engine_options){.threads = 1});
    float *logits = chain_logits(t.e, 0, g.tokens, 5), features[5 * 64], row[64];
    engine_features(t.e, 0, 5, features);
    for (int i = 0; i < 5; i++)
        for (int v = 0; v < g.vocab; v += 13) {
            double dot = 0;
            tensor_row(t.m.output, (uint64_t)v, row);
            for (int c = 0; c < 64; c++) dot += (double)row[c] * features[i * 64 + c];
            assert_true(fabs(dot - logits[i * g.vocab + v]) < 1e-4);
        }
    mem_free(logits);
    tiny_close(&t);
    file_map_close(&g.logits);
}

static void expect_refusal(struct engine *e, const struct row *rows, int n, const char *words) {
    struct err err = {""};
    assert_int_equal(engine_forward(e, rows, n, &err), -1);
    if (!strstr(err.text, words)) fail_msg("'%s' does not say '%s'", err.text, words);
    assert_null(strchr(err.text, '\n'));
}

static void test_bad_rows_are_refused_and_change_nothing(void **state) {
    (void)state;
    struct tiny_golden g = tiny_golden('a');
    struct tiny t;
    tiny_open(&t, "a-f32", &(struct engine_options){.threads = 2, .slots = 2, .max_rows = 16, .max_context = 60});
    prefill(t.e, 0, g.tokens, 30);
    prefill(t.e, 1, g.prompt, 5);
    const struct { struct row rows[3]; int n; const char *words; } bad[] = {
        {{{-1, 0, -1, true}}, 1, "token id -1 at row 0"},
        {{{1, 0, -1, true}, {320, 0, 0, true}}, 2, "token id 320 at row 1, expected 0 to 319"},
        {{{INT32_MAX, 0, -1, true}}, 1, "token id 2147483647"},
        {{{1, 2, -1, true}}, 1, "row 0 has slot 2"},
        {{{1, -1, -1, true}}, 1, "row 0 has slot -1"},
        {{{1, 0, 0, true}}, 1, "parent 0"},
        {{{1, 0, -1, true}, {1, 0, 2, true}, {1, 0, 0, true}}, 3, "row 1 has slot 0 and parent 2"},
        {{{1, 0, -1, true}, {1, 1, 0, true}}, 2, "an earlier row of that slot"},
        {{{1, 0, -1, true}}, 0, "a pass of 0 rows, expected 1 to 16"},
        {{{1, 0, -1, true}}, 17, "a pass of 17 rows, expected 1 to 16"},
        {{{1, 0, -1, true}}, -1, "a pass of -1 rows"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) expect_refusal(t.e, bad[i].rows, bad[i].n, bad[i].words);
    check_last(t.e, 0, g.tokens, 31);
    check_last(t.e, 1, g.prompt, 6);
    tiny_close(&t);
    file_map_close(&g.logits);
}

/* 37 cells are no whole group of 16: what lies behind them belongs to the next slot. */
static void test_a_full_context_is_an_error_and_overruns_nothing(void **state) {
    (void)state;
    struct tiny_golden g = tiny_golden('a');
    struct tiny t;
    tiny_open(&t, "a-q4_0", &(struct engine_options){.threads = 2, .slots = 3, .max_rows = 16, .max_context = 37});
    struct err err = {""};
    assert_int_equal(engine_max_context(t.e), 37);
    prefill(t.e, 2, g.prompt, 20);
    prefill(t.e, 1, g.tokens, 37);
    expect_refusal(t.e, &(struct row){1, 1, -1, true}, 1, "the context of 37 tokens is full");
    engine_rewind(t.e, 1, 35);
    const struct row deep[] = {{1, 1, -1, true, NULL}, {1, 1, 0, true, NULL}, {1, 1, 1, true, NULL}}; // three positions, two left
    expect_refusal(t.e, deep, 3, "the context of 37 tokens is full");
    forward(t.e, deep, 2);
    struct row wide[16]; // two positions, however many rows
    for (int i = 0; i < 16; i++) wide[i] = (struct row){i, 1, i < 8 ? -1 : i - 8, true, NULL};
    forward(t.e, wide, 16);
    float *other = tiny_alloc((size_t)16 * g.vocab, sizeof *other); // the next slot's tokens are not written over
    engine_logits(t.e, other);
    mem_free(other);
    assert_int_equal(engine_prefill(t.e, 0, g.tokens, 38, NULL, &err), -1);
    assert_non_null(strstr(err.text, "the context of 37 tokens is full"));
    check_last(t.e, 1, g.tokens, 36);
    check_last(t.e, 2, g.prompt, 21);
    tiny_close(&t);
    file_map_close(&g.logits);
}

static void test_open_refuses_what_it_cannot_do(void **state) {
    (void)state;
    struct model m;
    struct engine *e = NULL;
    struct err err = {""};
    assert_int_equal(model_open(&m, TINY "a-f32.gguf", NULL, &err), 0);
    assert_int_equal(engine_open(&e, &m, &(struct engine_options){.max_context = 513}, &err), -1);
    assert_non_null(strstr(err.text, "513 tokens exceeds the 512"));
    assert_int_equal(engine_open(&e, &m, &(struct engine_options){.backend = "abacus"}, &err), -1);
    assert_non_null(strstr(err.text, "unknown backend 'abacus'"));
    setenv("BANDITSPEC_KERNELS", "abacus", 1);
    assert_int_equal(engine_open(&e, &m, &(struct engine_options){.threads = 1}, &err), -1);
    assert_non_null(strstr(err.text, "BANDITSPEC_KERNELS is 'abacus', expected one that this machine runs: "));
    assert_non_null(strstr(err.text, "portable"));
    unsetenv("BANDITSPEC_KERNELS");
    assert_null(e);
    model_close(&m);
}

static void test_open_survives_every_failing_allocation(void **state) {
    (void)state;
    struct model m;
    struct engine *e = NULL;
    struct err err = {""};
    for (long n = 1;; n++) {
        assert_true(n < 500);
        mem_fail_after(n);
        int rc = model_open(&m, TINY "a-q4_0.gguf", NULL, &err);
        if (!rc) {
            rc = engine_open(&e, &m, &(struct engine_options){.threads = 1, .max_context = 32}, &err);
            if (!rc) engine_close(e);
            model_close(&m);
        }
        mem_fail_after(0);
        if (!rc) break;
        assert_non_null(strstr(err.text, "cannot allocate"));
    }
}

/* The backend's top over rows made by hand: equal values, ends, long rows. */
static void test_ties_in_top_go_to_the_lowest_id(void **state) {
    (void)state;
    enum { COLS = 1000 };
    struct err err = {""};
    struct backend *b;
    assert_int_equal(backend_cpu.open(&b, &(struct backend_options){.threads = 2}, &err), 0);
    float *x = backend_cpu.alloc(b, 3 * COLS, sizeof *x, "a test", &err), values[12];
    int ids[12];
    assert_non_null(x);
    for (int i = 0; i < COLS; i++) x[i] = 2, x[COLS + i] = -1, x[2 * COLS + i] = -(float)(i % 5) - 1;
    x[COLS + 999] = x[COLS + 300] = x[COLS + 257] = 0;
    x[COLS + 256] = -0.0f; // equal to 0
    backend_cpu.top(b, x, 3, COLS, 4, ids, values);
    const int expected[] = {0, 1, 2, 3, 256, 257, 300, 999, 0, 5, 10, 15};
    for (int i = 0; i < 12; i++) {
        assert_int_equal(ids[i], expected[i]);
        assert_true(values[i] == x[i / 4 * COLS + ids[i]]);
    }
    backend_cpu.close(b);
}

static void test_top_sorts_whole_rows_like_a_stable_sort(void **state) {
    (void)state;
    enum { COLS = 700, K = 600 };
    struct err err = {""};
    struct backend *b;
    assert_int_equal(backend_cpu.open(&b, &(struct backend_options){.threads = 1}, &err), 0);
    struct rng r = rng_at(1, rng_stream("top"), 0, 0);
    float *x = tiny_alloc(COLS, sizeof *x), *values = tiny_alloc(K, sizeof *values);
    int *ids = tiny_alloc(K, sizeof *ids);
    for (int i = 0; i < COLS; i++) x[i] = (float)rng_below(&r, 50); // many ties
    backend_cpu.top(b, x, 1, COLS, K, ids, values);
    for (int i = 0; i < K; i++) {
        assert_true(values[i] == x[ids[i]]);
        if (i) assert_true(values[i] < values[i - 1] || (values[i] == values[i - 1] && ids[i] > ids[i - 1]));
    }
    for (int c = 0; c < COLS; c++) { // what was left out is no larger
        bool in = false;
        for (int i = 0; i < K; i++) in |= ids[i] == c;
        assert_true(in || x[c] < values[K - 1] || (x[c] == values[K - 1] && c > ids[K - 1]));
    }
    mem_free(x), mem_free(values), mem_free(ids);
    backend_cpu.close(b);
}

static void test_a_chosen_token_is_the_next_passes(void **state) {
    (void)state;
    for (int sampled = 0; sampled < 2; sampled++) check_chosen("cpu", sampled * 0.9);
}

int main(int argc, char **argv) {
    (void)argc;
    tiny_calm_threads(argv);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_chosen_token_is_the_next_passes),
        cmocka_unit_test(test_logits_equal_transformers_within_2e_3),
        cmocka_unit_test(test_greedy_text_equals_transformers),
        cmocka_unit_test(test_float_models_equal_the_definition_in_double),
        cmocka_unit_test(test_quantized_models_err_as_their_rounding_predicts),
        cmocka_unit_test(test_tree_rows_equal_chains_along_their_paths),
        cmocka_unit_test(test_a_committed_path_equals_its_chain),
        cmocka_unit_test(test_rewind_and_commit_leave_no_trace_of_rejected_rows),
        cmocka_unit_test(test_features_are_those_the_output_layer_takes),
        cmocka_unit_test(test_bad_rows_are_refused_and_change_nothing),
        cmocka_unit_test(test_a_full_context_is_an_error_and_overruns_nothing),
        cmocka_unit_test(test_open_refuses_what_it_cannot_do),
        cmocka_unit_test(test_open_survives_every_failing_allocation),
        cmocka_unit_test(test_ties_in_top_go_to_the_lowest_id),
        cmocka_unit_test(test_top_sorts_whole_rows_like_a_stable_sort),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
