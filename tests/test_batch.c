/* test_batch.c - law 2: a row's logits are the same bits whatever else is in the pass, however
 * the prefix was fed, however many threads run and whichever kernels they use. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>

#include "core/kernels.h"
#include "core/rng.h"
#include "tests/tiny.h"

enum { N = 36, SLOTS = 3 }; // tokens a sequence

static const char *const models[] = {"a-f32", "a-q8_0", "a-q4_1", "a-q4_0", "b-f16", "c-bf16"};
enum { MODELS = sizeof models / sizeof *models };

/* Sequence s of the test: the golden's tokens, turned around. */
static int token(const struct tiny_golden *g, int s, int i) { return g->tokens[s % 2 ? TINY_TOKENS - 1 - i : (i + 11 * s) % TINY_TOKENS]; }

/* The bits every run must give: one row a pass, one thread, portable kernels. (SLOTS, N, vocab) */
static float *reference(const char *model, const struct tiny_golden *g) {
    float *out = tiny_alloc((size_t)SLOTS * N * g->vocab, sizeof *out), *to = out;
    setenv("BANDITSPEC_KERNELS", "portable", 1);
    struct tiny t;
    tiny_open(&t, model, &(struct engine_options){.threads = 1, .max_rows = 1, .max_context = N});
    for (int s = 0; s < SLOTS; s++, engine_rewind(t.e, 0, 0))
        for (int i = 0; i < N; i++, to += g->vocab) {
            struct err err = {""};
            if (engine_forward(t.e, &(struct row){token(g, s, i), 0, -1, true}, 1, &err)) fail_msg("%s", err.text);
            engine_commit(t.e, 0, 1);
            assert_int_equal(engine_logits(t.e, to), 1);
        }
    tiny_close(&t);
    unsetenv("BANDITSPEC_KERNELS");
    return out;
}

/* One way of running the same sequences. */
struct run {
    const char *model, *kernels;
    int threads;
    struct engine *e;
    const struct tiny_golden *g;
    const float *expected; // (SLOTS, N, vocab)
    int done[SLOTS], want; // want: one row in `want` asks for its logits
};

/* Computes rows (slot of each in `slots`), each slot's next tokens in order, and compares. */
static void pass(struct run *r, const int *slots, int n) {
    struct row rows[80];
    int at[SLOTS], last[SLOTS], place[80], wanted = 0, vocab = r->g->vocab;
    float *got = tiny_alloc((size_t)n * vocab, sizeof *got);
    struct err err = {""};
    for (int s = 0; s < SLOTS; s++) at[s] = r->done[s], last[s] = -1;
    for (int i = 0; i < n; i++) {
        int s = slots[i], pos = at[s]++;
        rows[i] = (struct row){token(r->g, s, pos), s, last[s], pos % r->want == 0};
        last[s] = i;
        if (rows[i].logits) place[wanted++] = s * N + pos;
    }
    if (engine_forward(r->e, rows, n, &err)) fail_msg("%s", err.text);
    assert_int_equal(engine_logits(r->e, got), wanted);
    for (int w = 0; w < wanted; w++)
        if (memcmp(got + (size_t)w * vocab, r->expected + (size_t)place[w] * vocab, (size_t)vocab * sizeof *got))
            fail_msg("%s, %s, %d threads: position %d of sequence %d differs in a pass of %d rows", r->model, r->kernels,
                     r->threads, place[w] % N, place[w] / N, n);
    for (int s = 0; s < SLOTS; s++) {
        engine_commit(r->e, s, at[s] - r->done[s]);
        r->done[s] = at[s];
    }
    mem_free(got);
}

static void fresh(struct run *r) {
    for (int s = 0; s < SLOTS; s++) engine_rewind(r->e, s, 0), r->done[s] = 0;
}

/* Sequence 0 alone, `width` rows a pass. */
static void run_alone(struct run *r, int width) {
    const int slots[N] = {0};
    fresh(r);
    while (r->done[0] < N) pass(r, slots, N - r->done[0] < width ? N - r->done[0] : width);
}

/* Three sequences in passes of 1 to `most` rows, shuffled. */
static void run_mixed(struct run *r, int most, uint32_t seed) {
    struct rng dice = rng_at(seed, rng_stream("mixed"), 0, 0);
    fresh(r);
    for (int left = SLOTS * N; left;) {
        int slots[80], n = 1 + rng_below(&dice, most), used[SLOTS] = {0};
        if (n > left) n = left;
        for (int i = 0; i < n; i++) {
            do slots[i] = rng_below(&dice, SLOTS);
            while (r->done[slots[i]] + used[slots[i]] == N);
            used[slots[i]]++;
        }
        pass(r, slots, n);
        left -= n;
    }
}

static void run_all(const char *model, const char *kernels, int threads, const struct tiny_golden *g, const float *expected) {
    setenv("BANDITSPEC_KERNELS", kernels, 1);
    struct tiny t;
    tiny_open(&t, model, &(struct engine_options){.threads = threads, .slots = SLOTS, .max_context = N});
    unsetenv("BANDITSPEC_KERNELS");
    assert_int_equal(engine_threads(t.e), threads);
    assert_non_null(strstr(engine_device(t.e), kernels));
    struct run r = {.model = model, .kernels = kernels, .threads = threads, .e = t.e, .g = g, .expected = expected, .want = 1};
    if (threads == 2) // the widths of verification
        for (int width = 2; width <= 17; width++) run_alone(&r, width);
    run_alone(&r, N);
    for (uint32_t seed = 0; seed < 2; seed++) run_mixed(&r, 17, seed);
    run_mixed(&r, 72, 2);
    r.want = 3; // rows without logits leave those that want them alone
    run_mixed(&r, 17, 3);
    tiny_close(&t);
}

static void test_logits_are_the_same_bits_in_any_company(void **state) {
    (void)state;
    for (int m = 0; m < MODELS; m++) {
        struct tiny_golden g = tiny_golden(models[m][0]);
        float *expected = reference(models[m], &g);
        for (int k = 0; kernels_name(k); k++)
            for (int threads = 1; threads <= 4 && kernels_find(kernels_name(k)); threads++)
                run_all(models[m], kernels_name(k), threads, &g, expected);
        mem_free(expected);
        file_map_close(&g.logits);
    }
}

/* engine_prefill cuts the prompt into passes of max_rows; the last logits do not depend on it. */
static void test_prefill_gives_the_same_bits_in_any_chunks(void **state) {
    (void)state;
    for (int m = 0; m < MODELS; m++) {
        struct tiny_golden g = tiny_golden(models[m][0]);
        float first[TINY_VOCAB], got[TINY_VOCAB];
        const int chunks[] = {1, 2, 3, 5, 8, 9, 16, 17, 31, 59, 60, 72, 300};
        for (size_t c = 0; c < sizeof chunks / sizeof *chunks; c++) {
            struct err err = {""};
            struct tiny t;
            tiny_open(&t, models[m], &(struct engine_options){.threads = 2, .max_rows = chunks[c]});
            if (engine_prefill(t.e, 0, g.tokens, TINY_TOKENS, NULL, &err)) fail_msg("%s", err.text);
            assert_int_equal(engine_length(t.e, 0), TINY_TOKENS);
            assert_int_equal(engine_logits(t.e, c ? got : first), 1);
            if (c && memcmp(got, first, (size_t)g.vocab * sizeof *got)) fail_msg("%s: prefill in chunks of %d differs", models[m], chunks[c]);
            tiny_close(&t);
        }
        file_map_close(&g.logits);
    }
}

int main(int argc, char **argv) {
    (void)argc;
    tiny_calm_threads(argv);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_logits_are_the_same_bits_in_any_company),
        cmocka_unit_test(test_prefill_gives_the_same_bits_in_any_chunks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
