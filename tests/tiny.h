/* tiny.h - the tiny models of tests/golden/tiny and their goldens. */
#ifndef TESTS_TINY_H
#define TESTS_TINY_H

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/engine.h"
#include "core/map.h"
#include "core/mem.h"

#define TINY "tests/golden/tiny/"

enum { TINY_TOKENS = 60, TINY_PROMPT = 24, TINY_GREEDY = 64, TINY_VOCAB = 384 }; // TINY_VOCAB: the largest

struct tiny_golden {
    int tokens[TINY_TOKENS], argmax[TINY_TOKENS], prompt[TINY_PROMPT], greedy[TINY_GREEDY];
    int vocab;
    struct file_map logits; // (TINY_TOKENS, vocab) little-endian float32
};

static inline void *tiny_alloc(size_t count, size_t size) {
    struct err err = {""};
    void *p = mem_alloc(count, size, "a test", &err);
    if (!p) fail_msg("%s", err.text);
    return p;
}

static inline void tiny_ids(const json_t *root, const char *key, int *out, int n) {
    const json_t *list = json_object_get(root, key);
    assert_int_equal(json_array_size(list), n);
    for (int i = 0; i < n; i++) out[i] = (int)json_integer_value(json_array_get(list, (size_t)i));
}

static inline struct tiny_golden tiny_golden(char model) {
    struct tiny_golden g = {.vocab = 0};
    char path[64];
    struct err err = {""};
    snprintf(path, sizeof path, TINY "%c.json", model);
    json_t *root = json_load_file(path, 0, NULL);
    assert_non_null(root);
    tiny_ids(root, "tokens", g.tokens, TINY_TOKENS);
    tiny_ids(root, "argmax", g.argmax, TINY_TOKENS);
    tiny_ids(root, "prompt", g.prompt, TINY_PROMPT);
    tiny_ids(root, "greedy", g.greedy, TINY_GREEDY);
    g.vocab = (int)json_integer_value(json_array_get(json_object_get(root, "shape"), 1));
    json_decref(root);
    snprintf(path, sizeof path, TINY "%c.logits", model);
    if (file_map_open(&g.logits, path, &err)) fail_msg("%s", err.text);
    assert_int_equal(g.logits.size, (size_t)TINY_TOKENS * (size_t)g.vocab * sizeof(float));
    return g;
}

/* Tests run more threads than a machine may have cores; waiting threads that spin would then cost
 * minutes. OpenMP reads its environment before main, hence the restart. */
static inline void tiny_calm_threads(char **argv) {
    if (getenv("OMP_WAIT_POLICY")) return;
    setenv("OMP_WAIT_POLICY", "passive", 1);
    execv("/proc/self/exe", argv);
}

/* A model with an engine over it, which keeps a pointer to it: stays where it was opened. */
struct tiny {
    struct model m;
    struct engine *e;
};

static inline void tiny_open(struct tiny *t, const char *name, const struct engine_options *o) {
    char path[64];
    struct err err = {""};
    snprintf(path, sizeof path, TINY "%s.gguf", name);
    if (model_open(&t->m, path, NULL, &err) || engine_open(&t->e, &t->m, o, &err)) fail_msg("%s", err.text);
}

static inline void tiny_close(struct tiny *t) {
    engine_close(t->e);
    model_close(&t->m);
}

#endif
