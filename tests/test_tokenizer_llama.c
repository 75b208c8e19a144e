/* test_tokenizer_llama.c - vocabularies of characters with byte fallback: SentencePiece's three kinds of file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/chat.h"
#include "core/gguf.h"
#include "core/map.h"
#include "core/mem.h"
#include "core/rng.h"
#include "core/text_stream.h"
#include "core/tokenizer.h"
#include "core/utf8.h"

#define GOLDEN "tests/golden/tokenizer-llama/"

static void check_file(const char *path, const char *ids_key, const char *text_key) {
    struct tokenizer t;
    struct err err = {""};
    if (tokenizer_open(&t, path, &err)) fail_msg("%s", err.text);
    assert_int_equal(t.bos, 1);
    assert_true(t.add_bos);
    json_t *strings = json_load_file(GOLDEN "strings.json", JSON_ALLOW_NUL, NULL), *one;
    assert_int_equal(json_array_size(strings), 100);
    size_t i;
    json_array_foreach(strings, i, one) {
        const json_t *text = json_object_get(one, "text"), *golden = json_object_get(one, ids_key), *back = json_object_get(one, text_key);
        struct ids ids = {0};
        struct buffer decoded = {0};
        if (tokenizer_encode(&t, json_string_value(text), json_string_length(text), true, &ids, &err)) fail_msg("%s", err.text);
        if (ids.n != json_array_size(golden)) fail_msg("%s: text %zu has %zu ids, expected %zu", path, i, ids.n, json_array_size(golden));
        for (size_t k = 0; k < ids.n; k++)
            if (ids.at[k] != json_integer_value(json_array_get(golden, k))) fail_msg("%s: id %zu of text %zu is %d", path, k, i, ids.at[k]);
        if (tokenizer_decode(&t, ids.at, ids.n, true, &decoded, &err)) fail_msg("%s", err.text);
        assert_int_equal(decoded.n, json_string_length(back));
        if (decoded.n) assert_memory_equal(decoded.at, json_string_value(back), decoded.n);
        ids_close(&ids), buffer_close(&decoded);
    }
    json_decref(strings);
    tokenizer_close(&t);
}

static void test_all_three_kinds_of_file_give_the_reference_ids(void **state) {
    (void)state;
    check_file(GOLDEN "spm.gguf", "legacy", "decoded");
    check_file(GOLDEN "legacy.tokenizer.json", "legacy", "decoded");
    check_file(GOLDEN "first.tokenizer.json", "first", "decoded_first");
}

static void test_gguf_and_json_are_the_same_tokenizer(void **state) {
    (void)state;
    struct tokenizer a, b, c;
    struct err err = {""};
    if (tokenizer_open(&a, GOLDEN "spm.gguf", &err) || tokenizer_open(&b, GOLDEN "legacy.tokenizer.json", &err)
        || tokenizer_open(&c, GOLDEN "first.tokenizer.json", &err))
        fail_msg("%s", err.text);
    assert_string_equal(a.sha256, b.sha256);
    assert_string_not_equal(a.sha256, c.sha256);
    tokenizer_close(&a), tokenizer_close(&b), tokenizer_close(&c);
}

/* Any bytes come back, spaces at the front included; one token at a time too, but for that first space. */
static void test_any_bytes_survive(void **state) {
    (void)state;
    struct tokenizer t;
    struct err err = {""};
    if (tokenizer_open(&t, GOLDEN "spm.gguf", &err)) fail_msg("%s", err.text);
    struct rng r = rng_at(1, rng_stream("bytes"), 0, 0);
    for (int i = 0; i < 300; i++) {
        char text[64];
        size_t n = 1 + (size_t)rng_below(&r, 60);
        for (size_t k = 0; k < n; k++) text[k] = (char)(i % 3 ? rng_below(&r, 256) : " ab\n"[rng_below(&r, 4)]);
        struct ids ids = {0};
        struct buffer back = {0}, stream = {0}, lossy = {0};
        struct text_stream s = {.n = 0};
        if (tokenizer_encode(&t, text, n, false, &ids, &err) || tokenizer_decode(&t, ids.at, ids.n, true, &back, &err)) fail_msg("%s", err.text);
        assert_int_equal(back.n, n);
        assert_memory_equal(back.at, text, n);
        for (size_t k = 0; k < ids.n; k++) assert_int_equal(text_stream_push(&s, &t, ids.at[k], &stream, &err), 0);
        assert_int_equal(text_stream_flush(&s, &stream, &err), 0);
        assert_int_equal(utf8_lossy(text, n, &lossy, &err), 0);
        assert_int_equal(stream.n, lossy.n + 1);
        assert_memory_equal(stream.at + 1, lossy.at, lossy.n);
        ids_close(&ids), buffer_close(&back), buffer_close(&stream), buffer_close(&lossy);
    }
    tokenizer_close(&t);
}

static void test_a_long_text_takes_no_square_of_time(void **state) {
    (void)state;
    enum { LONG = 1 << 20 };
    struct tokenizer t;
    struct err err = {""};
    struct ids ids = {0};
    if (tokenizer_open(&t, GOLDEN "legacy.tokenizer.json", &err)) fail_msg("%s", err.text);
    char *text = malloc(LONG);
    memset(text, 'a', LONG);
    assert_int_equal(tokenizer_encode(&t, text, LONG, true, &ids, &err), 0); // one word: minutes if each merge searched it all
    assert_in_range(ids.n, 1, LONG);
    free(text), ids_close(&ids), tokenizer_close(&t);
}

static void refuse(const char *json, const char *words) {
    struct tokenizer t;
    struct err err = {""};
    assert_int_equal(tokenizer_parse_json(&t, "t.json", json, strlen(json), NULL, 0, &err), -1);
    if (!strstr(err.text, words) || strchr(err.text, '\n')) fail_msg("'%s' lacks '%s'", err.text, words);
}

#define MODEL "\"model\":{\"type\":\"BPE\",\"byte_fallback\":true,\"vocab\":{\"a\":0,\"<0x41>\":1},\"merges\":[]}"
#define REPLACE "{\"type\":\"Replace\",\"pattern\":{\"String\":\" \"},\"content\":\"\xe2\x96\x81\"}"

static void test_parts_that_would_change_the_ids_are_refused_by_name(void **state) {
    (void)state;
    refuse("{" MODEL "}", "the pre-tokenizer of 't.json' is missing");
    refuse("{" MODEL ",\"normalizer\":{\"type\":\"Lowercase\"}}", "unknown normalizer 'Lowercase'");
    refuse("{" MODEL ",\"normalizer\":{\"type\":\"Prepend\",\"prepend\":\"x\"}}", "unknown normalizer 'Prepend'");
    refuse("{" MODEL ",\"normalizer\":{\"type\":\"Replace\",\"pattern\":{\"String\":\" \"},\"content\":\"_\"}}", "unknown normalizer 'Replace'");
    refuse("{" MODEL ",\"normalizer\":" REPLACE ",\"pre_tokenizer\":{\"type\":\"ByteLevel\"}}", "cuts words of a vocabulary with");
    refuse("{" MODEL ",\"pre_tokenizer\":{\"type\":\"Metaspace\",\"replacement\":\"\xe2\x96\x81\"}}", "the Metaspace pre-tokenizer");
    refuse("{" MODEL ",\"pre_tokenizer\":{\"type\":\"ByteLevel\",\"use_regex\":false}}", "uses byte_fallback");
    refuse("{" MODEL ",\"normalizer\":{\"type\":\"Prepend\",\"prepend\":\"\xe2\x96\x81\"},\"pre_tokenizer\":{\"type\":\"ByteLevel\"}}", "uses byte_fallback or a prefix");
}

/* Without byte tokens, what the vocabulary lacks is the unknown token, one for a run of it. */
static void test_unknown_characters_fuse(void **state) {
    (void)state;
    static const char json[] = "{\"model\":{\"type\":\"BPE\",\"unk_token\":\"?\",\"fuse_unk\":true,\"vocab\":{\"a\":0,\"?\":1},\"merges\":[]},\"normalizer\":" REPLACE "}";
    struct tokenizer t;
    struct err err = {""};
    struct ids ids = {0};
    if (tokenizer_parse_json(&t, "t.json", json, sizeof json - 1, NULL, 0, &err)) fail_msg("%s", err.text);
    assert_int_equal(tokenizer_encode(&t, "axyz\xc3\xa9" "a", 7, true, &ids, &err), 0);
    assert_int_equal(ids.n, 3);
    assert_memory_equal(ids.at, ((int[]){0, 1, 0}), sizeof(int[3]));
    ids_close(&ids), tokenizer_close(&t);
}

static void test_changed_bytes_never_crash(void **state) {
    (void)state;
    static const char *const paths[] = {GOLDEN "spm.gguf", GOLDEN "first.tokenizer.json"};
    struct rng r = rng_at(2, rng_stream("bytes"), 0, 0);
    int opened = 0;
    for (int p = 0; p < 2; p++) {
        struct file_map map;
        struct err err = {""};
        if (file_map_open(&map, paths[p], &err)) fail_msg("%s", err.text);
        char *bytes = malloc(map.size);
        for (int i = 0; i < 150; i++) {
            memcpy(bytes, map.bytes, map.size);
            for (int k = rng_below(&r, 4); k >= 0; k--) bytes[rng_below(&r, (int)map.size)] = (char)rng_below(&r, 256);
            struct tokenizer t;
            struct gguf g;
            struct ids ids = {0};
            int rc = -1;
            if (p) rc = tokenizer_parse_json(&t, "t.json", bytes, map.size, NULL, 0, &err);
            else if (!gguf_parse(&g, "t.gguf", bytes, map.size, &err)) {
                rc = tokenizer_open_gguf(&t, &g, &err);
                gguf_close(&g);
            }
            if (rc) continue;
            opened++;
            assert_int_equal(tokenizer_encode(&t, "Hello \xff w\xc3\xb6rld  <s>", 18, true, &ids, &err), 0);
            ids_close(&ids), tokenizer_close(&t);
        }
        free(bytes);
        file_map_close(&map);
    }
    assert_in_range(opened, 20, 290); // both happen
}

static void test_llama_2_and_zephyr_templates(void **state) {
    (void)state;
    static const struct { const char *name, *jinja, *rendered; } cases[] = {
        {"llama-2", "...'<<SYS>>'...{{ bos_token + '[INST] ' + content.strip() + ' [/INST]' }}...", "<s>[INST] Hi there [/INST]"},
        {"zephyr", "...'<|user|>\n' + message['content'] + eos_token...'<|assistant|>'...", "<|user|>\n Hi there \n</s>\n<|assistant|>\n"},
    };
    struct tokenizer t;
    struct err err = {""};
    if (tokenizer_open(&t, GOLDEN "legacy.tokenizer.json", &err)) fail_msg("%s", err.text);
    for (int i = 0; i < 2; i++) {
        struct chat c;
        struct ids got = {0}, expected = {0};
        t.chat_template = mem_text(cases[i].jinja, strlen(cases[i].jinja), &err);
        if (chat_open(&c, &t, NULL, &err) || chat_render(&c, " Hi there \n", 11, &got, &err)) fail_msg("%s", err.text);
        assert_string_equal(chat_name(&c), cases[i].name);
        assert_int_equal(tokenizer_encode(&t, cases[i].rendered, strlen(cases[i].rendered), true, &expected, &err), 0);
        assert_int_equal(got.n, expected.n);
        assert_memory_equal(got.at, expected.at, got.n * sizeof(int));
        ids_close(&got), ids_close(&expected), chat_close(&c);
        mem_free(t.chat_template);
        t.chat_template = NULL;
    }
    tokenizer_close(&t);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_three_kinds_of_file_give_the_reference_ids), cmocka_unit_test(test_gguf_and_json_are_the_same_tokenizer),
        cmocka_unit_test(test_any_bytes_survive), cmocka_unit_test(test_a_long_text_takes_no_square_of_time),
        cmocka_unit_test(test_parts_that_would_change_the_ids_are_refused_by_name), cmocka_unit_test(test_unknown_characters_fuse),
        cmocka_unit_test(test_changed_bytes_never_crash), cmocka_unit_test(test_llama_2_and_zephyr_templates),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
