/* synth.h - a small synthetic trace for tests, written through store.h.
 *
 * D drafters over Q sequences; accepted lengths are geometric, drafter d's rate is
 * 0.2 + 0.6 (d + 1) / (D + 1), so the last drafter is the best on average. Every value is a
 * function of (seed, sequence, position): a second run over the same file resumes and the
 * result equals an uninterrupted one. Even drafters are of kind "model" (signal: 2 x proposed),
 * odd ones of kind "pld" (signal: tokens matched; proposes nothing now and then).
 *
 *     struct synth x = {.D = 2, .Q = 5, .max_new = 40, .L = 6, .seed = 1, .text = true};
 *     assert_int_equal(synth_write(path, &x, &err), 0);                              */
#ifndef TESTS_SYNTH_H
#define TESTS_SYNTH_H

#include <stdio.h>

#include "core/rng.h"
#include "traces/store.h"

enum { SYNTH_D = 8, SYNTH_L = 32, SYNTH_PROMPT = 16 };

struct synth {
    int D, Q, max_new, L; // at most SYNTH_D drafters, SYNTH_L tokens a draft
    uint64_t seed;
    bool text;
    int threads;          // 0: 1
    bool fresh;
};

static inline const char *synth_category(int q) {
    static const char *const names[] = {"writing", "math", "summary"};
    return names[q % 3];
}

static inline int synth_tokens(const struct synth *x, int q, bool *eos) {
    struct rng r = rng_at(x->seed, rng_stream("length"), (uint32_t)q, 0);
    *eos = q % 3 == 1;
    return *eos ? 1 + rng_below(&r, x->max_new) : x->max_new;
}

static inline int synth_open(struct store *s, const char *path, const struct synth *x, struct err *err) {
    static char names[SYNTH_D][24];
    struct store_drafter drafters[SYNTH_D];
    struct store_recording r = {
        .target = "synthetic", .target_sha256 = "00", .tokenizer_sha256 = "11", .backend = "cpu", .device = "test", .dtype = "F32",
        .template = "none", .engine_version = "0", .options = "{}", .threads = x->threads ? x->threads : 1, .max_new = x->max_new,
        .max_draft = x->L, .temperature = 0, .noise_seed = (int64_t)x->seed};
    for (int d = 0; d < x->D; d++) {
        snprintf(names[d], sizeof names[d], "drafter%d", d);
        drafters[d] = (struct store_drafter){.name = names[d], .kind = d % 2 ? "pld" : "model", .parameters = "", .sha256 = "",
                                             .max_draft = x->L};
    }
    return store_open(s, path, &r, drafters, x->D, x->text, x->fresh, err);
}

static inline int synth_draft(struct store *s, const struct synth *x, int q, int tokens, int pos, int d, struct err *err) {
    struct rng r = rng_at(x->seed, rng_stream("draft") + (uint32_t)d, (uint32_t)q, (uint32_t)pos);
    double rate = 0.2 + 0.6 * (d + 1) / (x->D + 1);
    float signal[2 * SYNTH_L];
    int budget = x->max_new - pos - 1, left = tokens - pos;
    struct store_draft out = {.proposed = x->L < budget ? x->L : budget, .signal = signal};
    if (d % 2 && rng_uniform(&r) < 0.3) out.proposed = 0;
    while (out.accepted < out.proposed && out.accepted < left && rng_uniform(&r) < rate) out.accepted++;
    out.signal_n = d % 2 ? 1 : 2 * out.proposed;
    for (int i = 0; i < out.signal_n; i++) signal[i] = (float)rng_uniform(&r);
    out.draft_ns = d % 2 ? 2000 : 100000 + 50000 * out.proposed;
    return store_draft(s, d, &out, err);
}

static inline int synth_sequence(struct store *s, const struct synth *x, int q, struct err *err) {
    char key[17];
    int prompt[SYNTH_PROMPT];
    bool eos;
    int tokens = synth_tokens(x, q, &eos);
    snprintf(key, sizeof key, "%016x", 0xabc000u + (unsigned)q);
    int rc = store_has(s, q, key, err);
    if (rc) return rc < 0 ? -1 : 0;
    for (int i = 0; i < SYNTH_PROMPT; i++) prompt[i] = 100 * q + i;
    struct store_sequence head = {.ordinal = q, .prompt_key = key, .category = synth_category(q), .question = "", .prompt = prompt,
                                  .prompt_tokens = SYNTH_PROMPT, .tokens = tokens, .first_token = q, .eos = eos, .prefill_ns = 1000000};
    if (store_begin(s, &head, err)) return -1;
    for (int pos = 1; rc == 0 && pos < tokens; pos++) {
        int width = 1 + (q + pos) % (x->L + 1);
        struct store_step step = {.pos = pos, .token = 7 * q + pos, .margin = 0.5, .verify_width = width, .verify_ns = 1000000 + 20000 * width};
        rc = store_step(s, &step, err);
        for (int d = 0; rc == 0 && d < x->D; d++) rc = synth_draft(s, x, q, tokens, pos, d, err);
    }
    if (rc == 0) rc = store_commit(s, err);
    if (rc) store_rollback(s);
    return rc;
}

/* Writes or completes the trace. */
static inline int synth_write(const char *path, const struct synth *x, struct err *err) {
    struct store s;
    int rc = synth_open(&s, path, x, err);
    for (int q = 0; rc == 0 && q < x->Q; q++) rc = synth_sequence(&s, x, q, err);
    store_close(&s);
    return rc;
}

#endif
