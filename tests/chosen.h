/* chosen.h - tokens chosen where an engine computes: out of some tokens only, greedy and sampled, and as the next pass's. For a backend by name. */
#ifndef TESTS_CHOSEN_H
#define TESTS_CHOSEN_H

#include "core/sampler.h"
#include "tests/tiny.h"

static inline void check_chosen(const char *backend, double temperature) {
    enum { ROWS = 3, SOME = 90, SEQUENCE = 4, POS = 11 };
    struct tiny_golden g = tiny_golden('a');
    struct tiny t;
    struct err err = {""};
    struct engine *some;
    struct row rows[ROWS];
    int ids[SOME];
    float *all = tiny_alloc((size_t)ROWS * (size_t)g.vocab, sizeof *all), *after[2], few[SOME], margin;
    const struct sampler s = {.temperature = temperature, .noise_seed = 9};
    struct place at[ROWS];
    struct choice got[ROWS];
    for (int i = 0; i < SOME; i++) ids[i] = 3 * i + 2;
    for (int i = 0; i < ROWS; i++) rows[i] = (struct row){g.tokens[i], 0, i - 1, true}, at[i] = (struct place){SEQUENCE, POS + i};
    tiny_open(&t, "a-f32", &(struct engine_options){.backend = backend, .threads = 1});
    assert_int_equal(engine_open(&some, &t.m, &(struct engine_options){.share = t.e, .output_ids = ids, .outputs = SOME}, &err), 0);
    struct choice *there = engine_choices(some, ROWS, "choices", &err);
    assert_non_null(there);
    if (engine_forward(t.e, rows, ROWS, &err) || engine_forward(some, rows, ROWS, &err)) fail_msg("%s", err.text);
    engine_logits(t.e, all);
    sampler_choose(&s, some, at, true, there);
    engine_read(some, got, there, ROWS);
    for (int i = 0; i < ROWS; i++) {
        int best = 0;
        for (int v = 0; v < SOME; v++) few[v] = all[(size_t)i * (size_t)g.vocab + (size_t)ids[v]], best = few[v] > few[best] ? v : best;
        const int want = temperature > 0 ? sampler_row(&s, few, ids, SOME, SEQUENCE, POS + i, &margin) : ids[best];
        assert_int_equal(got[i].token, want);
        assert_true(got[i].top_prob > 0 && got[i].top_prob < 1 && got[i].entropy > 0);
    }
    engine_commit(some, 0, ROWS);
    for (int known = 0; known < 2; known++) { // the host knows no token, and the same with the one that it was
        const struct row next = known ? (struct row){got[ROWS - 1].token, 0, -1, true} : (struct row){.slot = 0, .parent = -1, .logits = true, .chosen = there + ROWS - 1};
        after[known] = tiny_alloc(SOME, sizeof **after);
        if (engine_forward(some, &next, 1, &err)) fail_msg("%s", err.text);
        assert_int_equal(engine_logits(some, after[known]), 1);
    }
    assert_memory_equal(after[0], after[1], SOME * sizeof **after);
    mem_free(all), mem_free(after[0]), mem_free(after[1]);
    engine_close(some);
    tiny_close(&t);
    file_map_close(&g.logits);
}

#endif
