/* model.c - whole models on the CUDA backend, emulated: goldens, rows in any company (law 2), kept passes, EAGLE heads, and how often
 * the host waits. What test_engine.c, test_batch.c and test_drafter_eagle.c ask of the CPU. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <dlfcn.h>
#include <math.h>
#include <stdlib.h>

#include "core/clock.h"
#include "core/rng.h"
#include "tests/chosen.h"
#include "tests/scene_lm.h"
#include "tests/tiny.h"

enum { N = 36, SLOTS = 3 };

static const char *const floats[] = {"a-f32", "b-f16", "c-bf16", "d-bf16", "e-f32"}, *const quantized[] = {"a-q8_0", "a-q4_1", "a-q4_0"};
static bool brief; // in the slow modes

#define EACH(list) (int)(sizeof list / sizeof *list)
#define ON_CUDA(...) &(struct engine_options){.backend = "cuda", .threads = 1, __VA_ARGS__}

static void set(const char *how) { setenv("BANDITSPEC_CUDA", how, 1); }

static void forward(struct engine *e, const struct row *rows, int n) {
    struct err err = {""};
    if (engine_forward(e, rows, n, &err)) fail_msg("%s", err.text);
}

static float *chain_logits(struct engine *e, const int *tokens, int n) {
    struct row rows[TINY_TOKENS];
    for (int i = 0; i < n; i++) rows[i] = (struct row){tokens[i], 0, i - 1, true};
    float *out = tiny_alloc((size_t)n * engine_model(e)->vocab, sizeof *out);
    forward(e, rows, n);
    assert_int_equal(engine_logits(e, out), n);
    return out;
}

static void test_logits_equal_transformers_within_2e_3(void **state) {
    (void)state;
    set("kv=f32");
    for (int f = 0; f < (brief ? 3 : EACH(floats)); f++) {
        struct tiny_golden g = tiny_golden(floats[f][0]);
        struct tiny t;
        tiny_open(&t, floats[f], ON_CUDA());
        float *got = chain_logits(t.e, g.tokens, TINY_TOKENS), values[TINY_TOKENS];
        int ids[TINY_TOKENS];
        assert_int_equal(engine_top(t.e, 1, ids, values), TINY_TOKENS);
        for (int i = 0; i < TINY_TOKENS; i++) {
            for (int v = 0; v < g.vocab; v++) {
                float expected;
                memcpy(&expected, g.logits.bytes + ((size_t)i * g.vocab + v) * 4, 4);
                if (!(fabsf(got[i * g.vocab + v] - expected) <= 2e-3f))
                    fail_msg("%s: logit %d of row %d is %g, expected %g", floats[f], v, i, (double)got[i * g.vocab + v], (double)expected);
            }
            assert_int_equal(ids[i], g.argmax[i]);
            assert_true(values[i] == got[i * g.vocab + ids[i]]);
        }
        mem_free(got);
        tiny_close(&t);
        file_map_close(&g.logits);
    }
}

static void test_quantized_models_are_the_cpus(void **state) {
    (void)state;
    set("kv=f32");
    for (int f = 0; f < EACH(quantized); f++) {
        struct tiny_golden g = tiny_golden('a');
        struct tiny t, cpu;
        tiny_open(&t, quantized[f], ON_CUDA());
        tiny_open(&cpu, quantized[f], &(struct engine_options){.threads = 1});
        float *got = chain_logits(t.e, g.tokens, TINY_TOKENS), *want = chain_logits(cpu.e, g.tokens, TINY_TOKENS);
        double off = 0, size = 0;
        for (int i = 0; i < TINY_TOKENS * g.vocab; i++) off += pow(got[i] - want[i], 2), size += pow(want[i], 2);
        print_message("  %s: relative difference %.1e\n", quantized[f], sqrt(off / size));
        assert_true(sqrt(off / size) < 3e-3); // int8 activations: a value near half a step falls either way
        mem_free(got), mem_free(want);
        tiny_close(&t), tiny_close(&cpu);
        file_map_close(&g.logits);
    }
}

/* With the cache of halves that is the default. */
static void test_greedy_text_equals_transformers(void **state) {
    (void)state;
    set("");
    for (int f = 0; f < (brief ? 2 : EACH(floats)); f++) {
        struct tiny_golden g = tiny_golden(floats[f][0]);
        struct tiny t;
        struct err err = {""};
        tiny_open(&t, floats[f], ON_CUDA(.max_rows = 1)); // a prompt is more passes than may be under way at once
        if (engine_prefill(t.e, 0, g.prompt, TINY_PROMPT, NULL, &err)) fail_msg("%s", err.text);
        for (int i = 0; i < (brief ? 12 : TINY_GREEDY); i++) {
            int id;
            float value;
            assert_int_equal(engine_top(t.e, 1, &id, &value), 1);
            if (id != g.greedy[i]) fail_msg("%s: token %d is %d, expected %d", floats[f], i, id, g.greedy[i]);
            forward(t.e, &(struct row){id, 0, -1, true}, 1);
            engine_commit(t.e, 0, 1);
        }
        tiny_close(&t);
        file_map_close(&g.logits);
    }
}

/* -- law 2 -- */

static int token(const struct tiny_golden *g, int s, int i) { return g->tokens[s % 2 ? TINY_TOKENS - 1 - i : (i + 11 * s) % TINY_TOKENS]; }

/* The logits of all sequences in passes of up to `most` rows, shuffled by `seed` (0: in order), every third row's only with `third`. */
static float *passes(const char *model, bool loose, int most, uint32_t seed, bool third, int *rows_done) {
    struct tiny_golden g = tiny_golden(model[0]);
    struct rng dice = rng_at(seed, rng_stream("mixed"), 0, 0);
    struct tiny t;
    tiny_open(&t, model, ON_CUDA(.slots = SLOTS, .max_context = N, .loose = loose));
    float *out = tiny_alloc((size_t)SLOTS * N * g.vocab, sizeof *out), *got = tiny_alloc((size_t)80 * g.vocab, sizeof *got);
    int done[SLOTS] = {0}, place[80];
    *rows_done = 0;
    for (int left = SLOTS * N; left;) {
        struct row rows[80];
        int n = seed ? 1 + rng_below(&dice, most) : most, at[SLOTS], last[SLOTS], wanted = 0;
        if (n > left) n = left;
        for (int s = 0; s < SLOTS; s++) at[s] = done[s], last[s] = -1;
        for (int i = 0; i < n; i++) {
            int s = 0;
            if (seed) do s = rng_below(&dice, SLOTS);
                while (at[s] == N);
            else
                while (at[s] == N) s++;
            rows[i] = (struct row){token(&g, s, at[s]), s, last[s], !third || at[s] % 3 == 0};
            last[s] = i;
            if (rows[i].logits) place[wanted++] = s * N + at[s];
            at[s]++;
        }
        forward(t.e, rows, n);
        assert_int_equal(engine_logits(t.e, got), wanted);
        for (int w = 0; w < wanted; w++, ++*rows_done) memcpy(out + (size_t)place[w] * g.vocab, got + (size_t)w * g.vocab, (size_t)g.vocab * sizeof *got);
        for (int s = 0; s < SLOTS; s++) engine_commit(t.e, s, at[s] - done[s]), done[s] = at[s];
        left -= n;
    }
    mem_free(got);
    tiny_close(&t);
    file_map_close(&g.logits);
    return out;
}

static void test_logits_are_the_same_bits_in_any_company(void **state) {
    (void)state;
    const char *const models[] = {"a-q4_0", "c-bf16", "b-f16", "a-f32"};
    int n, all = SLOTS * N, differed = 0;
    for (int m = 0; m < (brief ? 1 : EACH(models)); m++) {
        struct tiny_golden g = tiny_golden(models[m][0]);
        set(m % 2 ? "kv=f32" : "");
        const size_t vocab = (size_t)g.vocab;
        float *one = passes(models[m], false, 1, 0, false, &n);
        assert_int_equal(n, all);
        const struct { int most; uint32_t seed; bool third; const char *how; } ways[] = {
            {17, 1, false, ""}, {72, 2, false, ""}, {5, 0, false, ""}, {17, 3, true, ""}, {5, 0, false, ",graphs=0"}, {36, 0, false, ""},
            {5, 0, true, ""}}; // kept passes of as many rows that want other numbers of logits
        for (int w = 0; w < (brief ? 2 : EACH(ways)); w++) {
            char how[32];
            snprintf(how, sizeof how, "%s%s", m % 2 ? "kv=f32" : "", ways[w].how);
            set(how);
            float *got = passes(models[m], false, ways[w].most, ways[w].seed, ways[w].third, &n);
            for (int i = 0; i < all; i++)
                if ((!ways[w].third || i % N % 3 == 0) && memcmp(got + (size_t)i * vocab, one + (size_t)i * vocab, vocab * sizeof *got))
                    fail_msg("%s, way %d: position %d of sequence %d differs", models[m], w, i % N, i / N);
            mem_free(got);
        }
        set(m % 2 ? "kv=f32" : "");
        float *loose = passes(models[m], true, 5, 0, false, &n); // what is not padded to tiles does differ: the law is not for nothing
        for (int i = 0; i < all; i++) differed += memcmp(loose + (size_t)i * vocab, one + (size_t)i * vocab, vocab * sizeof *loose) != 0;
        mem_free(loose), mem_free(one);
        file_map_close(&g.logits);
    }
    assert_true(differed > 10);
}

/* Two children of each row of a chain: what a tree computes for the chain is what the chain alone gives, and after a path has been
 * committed the text goes on as if nothing else had been there. */
static void test_a_tree_holds_its_chains(void **state) {
    (void)state;
    struct tiny_golden g = tiny_golden('d');
    struct tiny t;
    enum { DEEP = 6 };
    set("");
    tiny_open(&t, "d-bf16", ON_CUDA());
    struct err err = {""};
    const size_t vocab = (size_t)g.vocab;
    if (engine_prefill(t.e, 0, g.tokens, 20, NULL, &err)) fail_msg("%s", err.text);
    float *chain = chain_logits(t.e, g.tokens + 20, DEEP), after[2][TINY_VOCAB], *tree = tiny_alloc(2 * DEEP * vocab, sizeof *tree);
    engine_commit(t.e, 0, DEEP);
    forward(t.e, &(struct row){g.tokens[30], 0, -1, true}, 1);
    engine_logits(t.e, after[0]);
    engine_rewind(t.e, 0, 20);
    struct row rows[2 * DEEP];
    int path[DEEP];
    for (int i = 0; i < DEEP; i++) { // row 2 i is a stranger, row 2 i + 1 the chain's
        rows[2 * i] = (struct row){g.tokens[40 + i], 0, i ? 2 * i - 1 : -1, true};
        rows[2 * i + 1] = (struct row){g.tokens[20 + i], 0, i ? 2 * i - 1 : -1, true};
        path[i] = 2 * i + 1;
    }
    forward(t.e, rows, 2 * DEEP);
    engine_logits(t.e, tree);
    for (int i = 0; i < DEEP; i++) assert_memory_equal(tree + (size_t)(2 * i + 1) * vocab, chain + (size_t)i * vocab, vocab * sizeof *tree);
    engine_commit_path(t.e, 0, path, DEEP);
    forward(t.e, &(struct row){g.tokens[30], 0, -1, true}, 1);
    engine_logits(t.e, after[1]);
    assert_memory_equal(after[0], after[1], vocab * sizeof **after);
    mem_free(chain), mem_free(tree);
    tiny_close(&t);
    file_map_close(&g.logits);
}

/* -- the host waits once a pass -- */

/* A count of the emulation's. */
static long counted(const char *name) {
    const char *dir = getenv("BANDITSPEC_BACKENDS");
    char path[4200];
    snprintf(path, sizeof path, "%s/banditspec-cuda.so", dir);
    void *object = dlopen(path, RTLD_NOW | RTLD_NOLOAD);
    long (*count)(void) = NULL;
    void *symbol = object ? dlsym(object, name) : NULL;
    assert_non_null(symbol);
    memcpy(&count, &symbol, sizeof count);
    return count();
}

static bool never(void *user, float top_prob, float entropy) {
    (void)entropy;
    ++*(int *)user;
    assert_true(top_prob > 0);
    return false;
}

/* Chains, drafted and verified: one wait a round, greedy and sampled, whatever the drafter; a rule that looks at each token but the last costs one
 * each, the draft of a recorder one, a tree one a level. Once kept, a pass is one launch. Times are the device's, and add up. */
static void test_the_host_waits_once_a_round(void **state) {
    (void)state;
    static const char *const specs[] = {"eagle=tests/golden/tiny-hf/eagle-a", "f@eagle=tests/golden/tiny-hf/eagle-a,vocab=200", "model=tests/golden/tiny-hf/a", "pld",
                                        "eagle2=tests/golden/tiny-hf/eagle-a,nodes=9,depth=3,topk=3", NULL};
    enum { CHAINS = 3, TREE = 4, GAMMA = 4, NEW = 60 };
    struct err err = {""};
    struct tiny_golden g = tiny_golden('a');
    set("");
    setenv("SCENE_BACKEND", "cuda", 1);
    for (int sampled = 0; sampled < 2; sampled++) {
        struct scene_lm s;
        int kept = 0, asked;
        int64_t ns;
        scene_lm_open(&s, "tests/golden/tiny-hf/a", 1, sampled ? 0.8 : 0, specs);
        scene_lm_start(&s, g.prompt, TINY_PROMPT, NEW);
        for (int i = 0; s.decoder.pos + 8 < NEW; i++) {
            const int drafter = i % 6 - 1, way = drafter >= 0 && drafter < CHAINS ? i / 6 % 3 : 0;
            const long before = counted("cuemu_waits"), launches = counted("cuemu_graph_launches");
            const int64_t start = clock_ns();
            struct round r = {0};
            struct draft draft;
            int looks = 0;
            const struct draft_rule rule = {never, &looks};
            if (way == 0 && decoder_round(&s.decoder, drafter, GAMMA, &r, &err)) fail_msg("%s", err.text);
            if (way == 1 && decoder_round_until(&s.decoder, drafter, GAMMA, &rule, &r, &err)) fail_msg("%s", err.text);
            if (way == 2 && (decoder_draft(&s.decoder, drafter, GAMMA, &draft, &asked, &ns, &err) || decoder_settle(&s.decoder, drafter, &draft, &r, &err))) fail_msg("%s", err.text);
            if (way == 2) r.draft_ns = ns;
            const int64_t host = clock_ns() - start;
            const long spent = counted("cuemu_waits") - before, expected = drafter == TREE ? 4 : way == 1 ? GAMMA : way == 2 ? 2 : 1;
            if (spent != expected) fail_msg("%ld waits in a round of drafter %d (way %d), expected %ld", spent, drafter, way, expected);
            if (drafter >= 0 && drafter < CHAINS) assert_int_equal(r.proposed, GAMMA);
            assert_int_equal(looks, way == 1 ? GAMMA - 1 : 0);
            kept += counted("cuemu_graph_launches") - launches >= (drafter >= 0 && drafter < CHAINS ? GAMMA - 1 : 1);
            if (r.verify_ns <= 0 || (drafter >= 0 && r.proposed && r.draft_ns <= 0) || r.draft_ns + r.verify_ns > host + 5000)
                fail_msg("drafter %d: %lld and %lld ns in %lld", drafter, (long long)r.draft_ns, (long long)r.verify_ns, (long long)host);
            if (way == 2)
                for (int k = 1; k < draft.n; k++) assert_true(draft.ns[k] > draft.ns[k - 1]);
        }
        assert_true(kept > 8);
        scene_lm_close(&s);
    }
    unsetenv("SCENE_BACKEND");
    file_map_close(&g.logits);
}

static void test_a_chosen_token_is_the_next_passes(void **state) {
    (void)state;
    set("kv=f32");
    for (int sampled = 0; sampled < 2; sampled++) check_chosen("cuda", sampled * 0.9);
}

/* Heads and small models draft on the device what they draft on the CPU, and the text is the target's. */
static void test_heads_draft_what_they_draft_on_the_cpu(void **state) {
    (void)state;
    static const char *const specs[] = {"eagle=tests/golden/tiny-hf/eagle-a", "eagle2=tests/golden/tiny-hf/eagle-a,nodes=9,depth=4,topk=3", "model=tests/golden/tiny-hf/a",
                                        "f@eagle=tests/golden/tiny-hf/eagle-a,vocab=200", NULL};
    struct tiny_golden g = tiny_golden('a');
    int text[2][40], accepted[2], plain[40];
    set("kv=f32");
    for (int way = 0; way < 4; way++) {
        const int cuda = way % 2;
        struct scene_lm s;
        if (cuda) setenv("SCENE_BACKEND", "cuda", 1);
        else unsetenv("SCENE_BACKEND");
        scene_lm_open(&s, "tests/golden/tiny-hf/a", 1, way / 2 ? 0.7 : 0, specs);
        accepted[cuda] = scene_lm_decode(&s, g.prompt, TINY_PROMPT, 40, false, text[cuda]);
        scene_lm_decode(&s, g.prompt, TINY_PROMPT, 40, true, plain);
        assert_memory_equal(plain, text[cuda], sizeof plain); // law 1
        scene_lm_close(&s);
        if (!cuda) continue;
        assert_memory_equal(text[0], text[1], sizeof *text);
        assert_int_equal(accepted[0], accepted[1]);
        assert_true(accepted[1] > 8);
    }
    unsetenv("SCENE_BACKEND");
    file_map_close(&g.logits);
}

int main(int argc, char **argv) {
    char *slash = strrchr(argv[0], '/');
    brief = argc > 1 && !strcmp(argv[1], "brief");
    if (slash) *slash = 0, setenv("BANDITSPEC_BACKENDS", argv[0], 0);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_logits_equal_transformers_within_2e_3),
        cmocka_unit_test(test_quantized_models_are_the_cpus),
        cmocka_unit_test(test_greedy_text_equals_transformers),
        cmocka_unit_test(test_logits_are_the_same_bits_in_any_company),
        cmocka_unit_test(test_a_tree_holds_its_chains),
        cmocka_unit_test(test_the_host_waits_once_a_round),
        cmocka_unit_test(test_a_chosen_token_is_the_next_passes),
        cmocka_unit_test(test_heads_draft_what_they_draft_on_the_cpu),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
