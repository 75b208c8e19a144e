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

#include "core/model.h"

#define LOOPING_FROM "tests/golden/tiny/a-f32.gguf"

/* Writes the model to `path`. */
static inline void looping_model(const char *path, float scale) {
    struct model m;
    struct err err = {""};
    if (model_open(&m, LOOPING_FROM, &err)) fail_msg("%s", err.text);
    unsigned char *bytes = malloc(m.file.size);
    assert_non_null(bytes);
    memcpy(bytes, m.file.bytes, m.file.size);
    for (int i = 0; i < m.layers; i++) {
        const struct tensor *o = m.layer[i].o;
        assert_int_equal(o->type, TENSOR_F32);
        unsigned char *at = bytes + ((const unsigned char *)o->data - m.file.bytes);
        for (size_t k = 0; k < o->bytes; k += sizeof(float)) {
            float x;
            memcpy(&x, at + k, sizeof x);
            x *= scale;
            memcpy(at + k, &x, sizeof x);
        }
    }
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, m.file.size, f), m.file.size);
    assert_int_equal(fclose(f), 0);
    free(bytes);
    model_close(&m);
}

#endif
