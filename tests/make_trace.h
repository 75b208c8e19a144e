/* make_trace.h - small recorded traces for tests, made from a seed: in memory, and as files. */
#ifndef TESTS_MAKE_TRACE_H
#define TESTS_MAKE_TRACE_H

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "core/mem.h"
#include "core/rng.h"
#include "traces/store.h"
#include "traces/trace.h"

/* cmocka compares floats, not doubles. */
#define assert_close(got, want, within) \
    do { \
        double got_ = (got), want_ = (want); \
        if (!(fabs(got_ - want_) <= (within))) fail_msg("%s is %.17g, expected %.17g", #got, got_, want_); \
    } while (0)

static inline char *make_text(const char *text) {
    struct err err = {""};
    char *copy = mem_text(text, strlen(text), &err);
    assert_non_null(copy);
    return copy;
}

/* Every cell obeys the invariants of schema.sql: sequence q has tokens[q] tokens, ended by EOS
 * unless that is max_new. Drafter d accepts each further token with probability
 * 0.8 - 0.2 d, so prompts differ little and drafters do. */
static inline void trace_make(struct trace *t, int Q, const int *tokens, int D, int L, int max_new, uint64_t seed) {
    struct err err = {""};
    *t = (struct trace){.path = make_text("synth.db"), .recording = 1, .target = make_text("synthetic"), .device = make_text("none"),
                        .max_new = max_new, .L = L, .D = D, .Q = Q};
    t->drafters = mem_alloc((size_t)D, sizeof *t->drafters, "drafters", &err);
    t->sequences = mem_alloc((size_t)Q, sizeof *t->sequences, "sequences", &err);
    assert_non_null(t->drafters);
    assert_non_null(t->sequences);
    for (int d = 0; d < D; d++) {
        char name[16];
        snprintf(name, sizeof name, "d%d", d);
        t->drafters[d] = (struct trace_drafter){.id = d + 1, .name = make_text(name), .max_draft = L};
    }
    for (int q = 0; q < Q; q++) {
        t->sequences[q] = (struct trace_sequence){.id = q + 1, .ordinal = q, .category = make_text("c"), .prompt_tokens = 10 + q,
                                                  .tokens = tokens[q], .eos = tokens[q] < max_new, .at = t->cells};
        snprintf(t->sequences[q].prompt_key, sizeof t->sequences[q].prompt_key, "%016d", q);
        t->cells += (size_t)tokens[q] - 1;
    }
    t->proposed = mem_alloc((size_t)D * t->cells, 1, "proposed", &err);
    t->accepted = mem_alloc((size_t)D * t->cells, 1, "accepted", &err);
    t->margin = mem_alloc(t->cells, sizeof *t->margin, "margins", &err);
    assert_non_null(t->proposed);
    assert_non_null(t->accepted);
    assert_non_null(t->margin);
    for (size_t i = 0; i < t->cells; i++) t->margin[i] = (float)(i % 7);
    for (int d = 0; d < D; d++)
        for (int q = 0; q < Q; q++)
            for (int pos = 1; pos < tokens[q]; pos++) {
                struct rng r = rng_at(seed, (uint32_t)d, (uint32_t)q, (uint32_t)pos);
                int most = max_new - pos - 1 < L ? max_new - pos - 1 : L, accepted = 0;
                int proposed = rng_uniform(&r) < 0.1 ? 0 : rng_uniform(&r) < 0.2 ? rng_below(&r, most + 1) : most;
                while (accepted < proposed && accepted < tokens[q] - pos && rng_uniform(&r) < 0.8 - 0.2 * d) accepted++;
                t->proposed[trace_cell(t, d, q, pos)] = (uint8_t)proposed;
                t->accepted[trace_cell(t, d, q, pos)] = (uint8_t)accepted;
            }
}

/* The same trace as a file, timed as `3 ms + 0.2 ms a row + 1 us a token of context` and
 * `0.3 ms a drafted token`. */
static inline void trace_write(const struct trace *t, const char *path) {
    struct err err = {""};
    struct store s;
    struct store_drafter drafters[8];
    struct store_recording r = {.target = "synthetic", .target_sha256 = "", .tokenizer_sha256 = "", .backend = "cpu", .device = "none", .dtype = "F32",
                                .template = "", .engine_version = "0", .options = "{}", .threads = 1, .max_new = t->max_new, .max_draft = t->L};
    for (int d = 0; d < t->D; d++) drafters[d] = (struct store_drafter){t->drafters[d].name, "pld", "", "", t->L};
    assert_int_equal(store_open(&s, path, &r, drafters, t->D, false, false, &err), 0);
    for (int q = 0; q < t->Q; q++) {
        const struct trace_sequence *x = &t->sequences[q];
        struct store_sequence sequence = {.ordinal = x->ordinal, .prompt_key = x->prompt_key, .category = x->category, .question = "",
                                          .prompt_tokens = x->prompt_tokens, .tokens = x->tokens, .eos = x->eos, .prefill_ns = 1000};
        assert_int_equal(store_begin(&s, &sequence, &err), 0);
        for (int pos = 1; pos < x->tokens; pos++) {
            int width = 1 + pos % (t->L + 1);
            struct store_step step = {.pos = pos, .verify_width = width, .verify_ns = 3000000 + 200000 * width + 1000 * (x->prompt_tokens + pos)};
            assert_int_equal(store_step(&s, &step, &err), 0);
            for (int d = 0; d < t->D; d++) {
                size_t cell = trace_cell(t, d, q, pos);
                struct store_draft draft = {t->proposed[cell], t->accepted[cell], 300000 * (int64_t)t->proposed[cell], NULL, 0};
                assert_int_equal(store_draft(&s, d, &draft, &err), 0);
            }
        }
        assert_int_equal(store_commit(&s, &err), 0);
    }
    store_close(&s);
}

#endif
