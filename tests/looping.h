/* looping.h - a tiny model whose text repeats itself, for drafters that copy.
 *
 * Random weights make a text that copiers seldom foresee. With the output of attention scaled
 * down, the next token depends on little but the newest one, and so the text runs into loops and
 * out of them: the same file as tests/golden/tiny/a-f32.gguf, but for attn_output.weight. */
#ifndef TESTS_LOOPING_H
#define TESTS_LOOPING_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/tokenizer_model.h"
#include "core/engine.h"
#include "core/tokenizer.h"

#define LOOPING_FROM "tests/golden/tiny/a-f32.gguf"

/* Writes the model to `path`. */
static inline void looping_model(const char *path, float scale) {
    struct model m;
    struct err err = {""};
    if (model_open(&m, LOOPING_FROM, NULL, &err)) fail_msg("%s", err.text);
    unsigned char *bytes = malloc(m.files.files[0].map.size);
    assert_non_null(bytes);
    memcpy(bytes, m.files.files[0].map.bytes, m.files.files[0].map.size);
    for (int i = 0; i < m.layers; i++) {
        const struct tensor *o = m.layer[i].o;
        assert_int_equal(o->type, TENSOR_F32);
        unsigned char *at = bytes + ((const unsigned char *)o->data - m.files.files[0].map.bytes);
        for (size_t k = 0; k < o->bytes; k += sizeof(float)) {
            float x;
            memcpy(&x, at + k, sizeof x);
            x *= scale;
            memcpy(at + k, &x, sizeof x);
        }
    }
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, m.files.files[0].map.size, f), m.files.files[0].map.size);
    assert_int_equal(fclose(f), 0);
    free(bytes);
    model_close(&m);
}

/* The target's own greedy text after a prompt, n tokens at most, the end token included. */
static inline int looping_text(struct engine *e, const struct tokenizer *t, const int *prompt, int prompt_n, int *text, int n) {
    struct err err = {""};
    float value;
    engine_rewind(e, 0, 0);
    if (engine_prefill(e, 0, prompt, prompt_n, NULL, &err)) fail_msg("%s", err.text);
    for (int i = 0; i < n; i++) {
        engine_top(e, 1, &text[i], &value);
        if (tokenizer_is_end(t, text[i])) return i + 1;
        if (engine_forward(e, &(struct row){text[i], 0, -1, true}, 1, &err)) fail_msg("%s", err.text);
        engine_commit(e, 0, 1);
    }
    return n;
}

/* A prompt that shows the model a text of its own up to the end token, goes on a little and begins that
 * text again: what a copier then drafts runs through the end. Returns its length (at most 40). */
static inline int looping_ending_prompt(const char *path, int prompt[40]) {
    struct model m;
    struct tokenizer t;
    struct engine *e;
    struct err err = {""};
    int n = 0, first[12], again[12];
    if (model_open(&m, path, NULL, &err) || tokenizer_open_model(&t, &m, &err) || engine_open(&e, &m, &(struct engine_options){.threads = 1}, &err))
        fail_msg("%s", err.text);
    for (int k = 3; !n && k < m.vocab; k++) {
        int count = looping_text(e, &t, &k, 1, first, 12);
        if (count < 5 || !tokenizer_is_end(&t, first[count - 1])) continue;
        prompt[0] = k;
        memcpy(prompt + 1, first, (size_t)count * sizeof *first);
        memset(prompt + 1 + count, 0, 3 * sizeof *prompt);
        prompt[count + 4] = k;
        if (looping_text(e, &t, prompt, count + 5, again, 12) == count && !memcmp(first, again, (size_t)count * sizeof *first)) n = count + 5;
    }
    engine_close(e);
    tokenizer_close(&t);
    model_close(&m);
    assert_true(n > 0); // some token leads to an end
    return n;
}

/* The same as a line of a prompts file. */
static inline void looping_ending_line(const char *path, char line[400]) {
    int prompt[40], n = looping_ending_prompt(path, prompt);
    size_t at = (size_t)sprintf(line, "{\"prompt_ids\": [");
    for (int i = 0; i < n; i++) at += (size_t)sprintf(line + at, i ? ", %d" : "%d", prompt[i]);
    sprintf(line + at, "]}\n");
}

#endif
