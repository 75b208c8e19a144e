/* test_tokenizer.c - ids and texts equal Hugging Face tokenizers' (tests/golden/tokenizer). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "core/gguf.h"
#include "core/map.h"
#include "core/mem.h"
#include "core/text_stream.h"
#include "core/tokenizer.h"
#include "core/utf8.h"

#define GOLDEN "tests/golden/tokenizer/"

static json_t *load(const char *path) {
    json_error_t why;
    json_t *root = json_load_file(path, JSON_ALLOW_NUL, &why);
    if (!root) fail_msg("%s: %s", path, why.text);
    return root;
}

static struct tokenizer open_tokenizer(const char *path) {
    struct tokenizer t;
    struct err err = {""};
    if (tokenizer_open(&t, path, &err)) fail_msg("%s", err.text);
    return t;
}

static size_t read_hex(const char *hex, char *out) {
    size_t n = strlen(hex) / 2;
    for (size_t i = 0; i < n; i++) out[i] = (char)strtol((char[]){hex[2 * i], hex[2 * i + 1], 0}, NULL, 16);
    return n;
}

static void check_ids(const json_t *expected, const struct ids *got, const char *where) {
    size_t n = json_array_size(expected);
    for (size_t i = 0; i < n && i < got->n; i++)
        if (json_integer_value(json_array_get(expected, i)) != got->at[i])
            fail_msg("%s: id %zu is %d, expected %d", where, i, got->at[i], (int)json_integer_value(json_array_get(expected, i)));
    if (n != got->n) fail_msg("%s: %zu ids, expected %zu", where, got->n, n);
}

static void check_string(const struct tokenizer *t, const json_t *entry) {
    static char text[1 << 16];
    struct err err = {""};
    struct ids ids = {0};
    struct buffer back = {0};
    const char *hex = json_string_value(json_object_get(entry, "hex"));
    size_t n = read_hex(hex, text);
    assert_int_equal(tokenizer_encode(t, text, n, true, &ids, &err), 0);
    check_ids(json_object_get(entry, "ids"), &ids, hex);
    assert_int_equal(tokenizer_decode(t, ids.at, ids.n, true, &back, &err), 0);
    const json_t *decoded = json_object_get(entry, "decoded"); // NFC changed the text
    const char *expected = decoded ? json_string_value(decoded) : text;
    size_t expected_n = decoded ? json_string_length(decoded) : n;
    assert_int_equal(back.n, expected_n);
    if (n) assert_memory_equal(back.at, expected, back.n);
    const json_t *without = json_object_get(entry, "decoded_skip_special");
    if (without) {
        back.n = 0;
        assert_int_equal(tokenizer_decode(t, ids.at, ids.n, false, &back, &err), 0);
        assert_int_equal(back.n, json_string_length(without));
        if (back.n) assert_memory_equal(back.at, json_string_value(without), back.n);
    }
    ids_close(&ids);
    buffer_close(&back);
}

static void check_strings(const char *name, size_t least) {
    char path[128];
    snprintf(path, sizeof path, GOLDEN "%s.tokenizer.json", name);
    struct tokenizer t = open_tokenizer(path);
    snprintf(path, sizeof path, GOLDEN "%s.strings.json", name);
    json_t *root = load(path), *strings = json_object_get(root, "strings"), *entry;
    size_t i;
    assert_true(json_array_size(strings) >= least);
    json_array_foreach(strings, i, entry) check_string(&t, entry);
    json_decref(root);
    tokenizer_close(&t);
}

static void test_smollm_ids_equal_the_reference(void **state) { (void)state, check_strings("smollm2", 139); }
static void test_qwen2_ids_equal_the_reference(void **state) { (void)state, check_strings("qwen2-tiny", 115); }
static void test_llama3_ids_equal_the_reference(void **state) { (void)state, check_strings("llama3-tiny", 115); }

static void test_decoded_bytes_equal_the_reference_and_a_stream_gives_the_same_text(void **state) {
    (void)state;
    struct tokenizer t = open_tokenizer(GOLDEN "smollm2.tokenizer.json");
    json_t *root = load(GOLDEN "smollm2.decode.json"), *entry;
    size_t i, k;
    json_array_foreach(json_object_get(root, "sequences"), i, entry) {
        struct err err = {""};
        struct ids ids = {0};
        struct buffer bytes = {0}, text = {0}, streamed = {0};
        struct text_stream stream = {0};
        json_t *id;
        json_array_foreach(json_object_get(entry, "ids"), k, id) {
            assert_int_equal(ids_add(&ids, (int)json_integer_value(id), &err), 0);
            if (tokenizer_is_end(&t, ids.at[k]) || t.tokens[ids.at[k]].kind == TOKEN_CONTROL) continue;
            assert_int_equal(text_stream_push(&stream, &t, ids.at[k], &streamed, &err), 0);
            assert_int_equal(utf8_run(streamed.at, streamed.n, true), streamed.n); // whole characters only
        }
        assert_int_equal(tokenizer_decode(&t, ids.at, ids.n, true, &bytes, &err), 0);
        static char expected[1 << 12];
        size_t n = read_hex(json_string_value(json_object_get(entry, "bytes_hex")), expected);
        assert_int_equal(bytes.n, n);
        if (n) assert_memory_equal(bytes.at, expected, n);
        assert_int_equal(utf8_lossy(bytes.at, bytes.n, &text, &err), 0);
        const json_t *lossy = json_object_get(entry, "text_lossy");
        assert_int_equal(text.n, json_string_length(lossy));
        if (text.n) assert_memory_equal(text.at, json_string_value(lossy), text.n);
        // streaming leaves control tokens out: compare with the decode that does, too
        bytes.n = text.n = 0;
        assert_int_equal(tokenizer_decode(&t, ids.at, ids.n, false, &bytes, &err), 0);
        assert_int_equal(utf8_lossy(bytes.at, bytes.n, &text, &err), 0);
        assert_int_equal(text_stream_flush(&stream, &streamed, &err), 0);
        assert_int_equal(streamed.n, text.n);
        if (text.n) assert_memory_equal(streamed.at, text.at, text.n);
        ids_close(&ids);
        buffer_close(&bytes), buffer_close(&text), buffer_close(&streamed);
    }
    json_decref(root);
    tokenizer_close(&t);
}

static void test_stream_waits_for_whole_characters(void **state) {
    (void)state;
    struct tokenizer t = open_tokenizer(GOLDEN "smollm2.tokenizer.json");
    const int ids[] = {10813, 235, 118, 10813}; // f0 9f | 91 | a8 | f0 9f, U+1F468 and a cut one
    const size_t lengths[] = {0, 0, 4, 4};
    struct err err = {""};
    struct text_stream stream = {0};
    struct buffer out = {0};
    for (int i = 0; i < 4; i++) {
        assert_int_equal(text_stream_push(&stream, &t, ids[i], &out, &err), 0);
        assert_int_equal(out.n, lengths[i]);
    }
    assert_int_equal(text_stream_flush(&stream, &out, &err), 0);
    assert_int_equal(out.n, 7);
    assert_memory_equal(out.at, "\xf0\x9f\x91\xa8\xef\xbf\xbd", 7);
    assert_int_equal(text_stream_push(&stream, &t, t.size, &out, &err), -1);
    assert_non_null(strstr(err.text, "token id 49152"));
    buffer_close(&out);
    tokenizer_close(&t);
}

/* Any bytes come back, where the vocabulary has all of them and nothing normalizes. */
static void test_random_bytes_and_nul_round_trip(void **state) {
    (void)state;
    struct tokenizer t = open_tokenizer(GOLDEN "llama3-tiny.tokenizer.json");
    struct err err = {""};
    uint32_t random = 1;
    for (int round = 0; round < 3000; round++) {
        char text[64];
        size_t n = (size_t)round % sizeof text;
        for (size_t i = 0; i < n; i++) {
            random = random * 1664525 + 1013904223; // Numerical Recipes, section 7.1
            text[i] = (char)(round % 3 ? random >> 24 : random >> 24 & 1 ? 0 : ' ' + (random >> 25 & 63));
        }
        struct ids ids = {0};
        struct buffer back = {0};
        assert_int_equal(tokenizer_encode(&t, text, n, round & 1, &ids, &err), 0);
        assert_int_equal(tokenizer_decode(&t, ids.at, ids.n, true, &back, &err), 0);
        assert_int_equal(back.n, n);
        if (n) assert_memory_equal(back.at, text, n);
        ids_close(&ids);
        buffer_close(&back);
    }
    tokenizer_close(&t);
}

static void test_bytes_the_vocabulary_lacks_are_left_out(void **state) {
    (void)state;
    struct tokenizer t = open_tokenizer(GOLDEN "smollm2.tokenizer.json");
    struct err err = {""};
    struct ids ids = {0}, plain = {0};
    assert_int_equal(t.bpe.byte[4], -1);
    assert_int_equal(tokenizer_encode(&t, "ab\4\xff", 4, true, &ids, &err), 0);
    assert_int_equal(tokenizer_encode(&t, "ab", 2, true, &plain, &err), 0);
    assert_int_equal(ids.n, plain.n);
    assert_memory_equal(ids.at, plain.at, ids.n * sizeof(int));
    ids_close(&ids), ids_close(&plain);
    tokenizer_close(&t);
}

static void test_control_tokens_are_text_where_asked(void **state) {
    (void)state;
    struct tokenizer t = open_tokenizer(GOLDEN "smollm2.tokenizer.json");
    static const char text[] = "a<|im_end|>b<|im_end|>c";
    struct err err = {""};
    struct ids all = {0}, none = {0}, around = {0};
    assert_int_equal(tokenizer_encode(&t, text, sizeof text - 1, true, &all, &err), 0);
    assert_int_equal(tokenizer_encode(&t, text, sizeof text - 1, false, &none, &err), 0);
    assert_int_equal(tokenizer_encode_around(&t, text, sizeof text - 1, 12, 22, &around, &err), 0);
    int counts[3] = {0};
    const struct ids *lists[] = {&all, &none, &around};
    for (int k = 0; k < 3; k++)
        for (size_t i = 0; i < lists[k]->n; i++) counts[k] += lists[k]->at[i] == 2;
    assert_true(counts[0] == 2 && counts[1] == 0 && counts[2] == 1);
    ids_close(&all), ids_close(&none), ids_close(&around);
    tokenizer_close(&t);
}

static void test_ends_of_generation_are_known(void **state) {
    (void)state;
    struct tokenizer t = open_tokenizer(GOLDEN "smollm2.tokenizer.json");
    struct err err = {""};
    assert_int_equal(t.size, 49152);
    assert_true(tokenizer_is_end(&t, 0) && tokenizer_is_end(&t, 2)); // <|endoftext|>, <|im_end|>
    assert_false(tokenizer_is_end(&t, 1) || tokenizer_is_end(&t, 44) || tokenizer_is_end(&t, -1) || tokenizer_is_end(&t, 49152));
    assert_int_equal(tokenizer_special(&t, "<|im_start|>"), 1);
    assert_int_equal(tokenizer_special(&t, "<|im_start|"), -1);
    assert_int_equal(tokenizer_special(&t, "the"), -1);
    assert_int_equal(tokenizer_set_eos(&t, 44, &err), 0);
    assert_true(t.eos == 44 && tokenizer_is_end(&t, 44));
    assert_int_equal(tokenizer_set_eos(&t, 49152, &err), -1);
    tokenizer_close(&t);
}

static void test_a_megabyte_without_a_gap_is_not_quadratic(void **state) {
    (void)state;
    struct tokenizer smollm = open_tokenizer(GOLDEN "smollm2.tokenizer.json");
    struct tokenizer qwen = open_tokenizer(GOLDEN "qwen2-tiny.tokenizer.json");
    const struct { const struct tokenizer *t; const char *unit; } cases[] = {
        {&smollm, "a"}, {&smollm, " "}, {&smollm, "abcdefghij"}, {&smollm, "<|im_start|"},
        {&qwen, "\n "}, {&qwen, "\xcc\x81\xcc\xa3"}, // marks of two classes, out of order
    };
    struct err err = {""};
    enum { N = 1 << 20 };
    char *text = malloc(N);
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        size_t unit_n = strlen(cases[c].unit);
        for (size_t i = 0; i < N; i++) text[i] = cases[c].unit[i % unit_n];
        struct ids ids = {0};
        int64_t start = clock_ns();
        assert_int_equal(tokenizer_encode(cases[c].t, text, N, true, &ids, &err), 0);
        if (clock_ns() - start > 20000000000) fail_msg("case %zu took over 20 s", c); // 0.2 s is usual
        assert_true(ids.n > 0);
        ids_close(&ids);
    }
    free(text);
    tokenizer_close(&smollm);
    tokenizer_close(&qwen);
}

/* GGUF metadata made from a tokenizer.json: the same ids, the same digest. */
static void put_number(struct buffer *b, uint64_t value, size_t bytes) {
    struct err err;
    char le[8];
    for (size_t i = 0; i < bytes; i++) le[i] = (char)(value >> 8 * i);
    assert_int_equal(buffer_add(b, le, bytes, &err), 0);
}
static void put_text(struct buffer *b, const char *text, size_t n) {
    struct err err;
    put_number(b, n, 8);
    assert_int_equal(buffer_add(b, text, n, &err), 0);
}
static void put_string(struct buffer *b, const char *key, const char *value) {
    put_text(b, key, strlen(key)), put_number(b, GGUF_STRING, 4), put_text(b, value, strlen(value));
}
static void put_list(struct buffer *b, const char *key, enum gguf_type type, size_t n) {
    put_text(b, key, strlen(key)), put_number(b, GGUF_ARRAY, 4), put_number(b, type, 4), put_number(b, n, 8);
}

static void put_gguf(struct buffer *b, const char *json, const char *pre) {
    json_t *root = load(json), *model = json_object_get(root, "model"), *item;
    json_t *words = json_object_get(model, "vocab"), *added = json_object_get(root, "added_tokens");
    static struct { const char *at; size_t n; int type; } tokens[50000];
    size_t size = 0, i;
    const char *key;
    size_t key_n;
    json_object_keylen_foreach(words, key, key_n, item) {
        size_t id = (size_t)json_integer_value(item);
        tokens[id].at = key, tokens[id].n = key_n, tokens[id].type = 1;
        size = id >= size ? id + 1 : size;
    }
    json_array_foreach(added, i, item) {
        size_t id = (size_t)json_integer_value(json_object_get(item, "id"));
        const json_t *content = json_object_get(item, "content");
        tokens[id].at = json_string_value(content), tokens[id].n = json_string_length(content), tokens[id].type = 3;
        size = id >= size ? id + 1 : size;
    }
    struct err err;
    assert_int_equal(buffer_add(b, "GGUF", 4, &err), 0);
    put_number(b, 3, 4), put_number(b, 0, 8), put_number(b, 7, 8);
    put_string(b, "tokenizer.ggml.model", "gpt2");
    put_string(b, "tokenizer.ggml.pre", pre);
    put_string(b, "tokenizer.chat_template", "{{ '<|im_start|>' }}");
    put_text(b, "tokenizer.ggml.eos_token_id", 27), put_number(b, GGUF_U32, 4), put_number(b, size - 1, 4);
    put_list(b, "tokenizer.ggml.tokens", GGUF_STRING, size);
    for (i = 0; i < size; i++) put_text(b, tokens[i].at, tokens[i].n);
    put_list(b, "tokenizer.ggml.token_type", GGUF_I32, size);
    for (i = 0; i < size; i++) put_number(b, (uint64_t)tokens[i].type, 4);
    json_t *merges = json_object_get(model, "merges");
    put_list(b, "tokenizer.ggml.merges", GGUF_STRING, json_array_size(merges));
    json_array_foreach(merges, i, item) {
        char merge[512];
        int n = snprintf(merge, sizeof merge, "%s %s", json_string_value(json_array_get(item, 0)), json_string_value(json_array_get(item, 1)));
        put_text(b, merge, (size_t)n);
    }
    json_decref(root);
}

static void check_gguf(const char *name, const char *pre) {
    char path[128];
    struct buffer file = {0};
    struct err err = {""};
    struct gguf g;
    struct tokenizer t;
    snprintf(path, sizeof path, GOLDEN "%s.tokenizer.json", name);
    put_gguf(&file, path, pre);
    assert_int_equal(gguf_parse(&g, "m.gguf", file.at, file.n, &err), 0);
    if (tokenizer_open_gguf(&t, &g, &err)) fail_msg("%s", err.text);
    gguf_close(&g);
    buffer_close(&file); // the tokenizer keeps nothing of the file
    struct tokenizer same = open_tokenizer(path);
    assert_string_equal(t.sha256, same.sha256);
    assert_int_equal(t.eos, t.size - 1);
    assert_string_equal(t.chat_template, "{{ '<|im_start|>' }}");
    snprintf(path, sizeof path, GOLDEN "%s.strings.json", name);
    json_t *root = load(path), *entry;
    size_t i;
    json_array_foreach(json_object_get(root, "strings"), i, entry) check_string(&t, entry);
    json_decref(root);
    tokenizer_close(&t);
    tokenizer_close(&same);
}

static void test_gguf_and_json_of_one_model_are_the_same_tokenizer(void **state) {
    (void)state;
    check_gguf("smollm2", "smollm");
    check_gguf("qwen2-tiny", "qwen2");
    check_gguf("llama3-tiny", "llama-bpe");
}

static void refuse_gguf(const char *model, const char *pre, const char *part) {
    struct buffer file = {0};
    struct err err = {""};
    struct gguf g;
    struct tokenizer t;
    assert_int_equal(buffer_add(&file, "GGUF", 4, &err), 0);
    put_number(&file, 3, 4), put_number(&file, 0, 8), put_number(&file, 2, 8);
    put_string(&file, "tokenizer.ggml.model", model);
    put_string(&file, "tokenizer.ggml.pre", pre);
    assert_int_equal(gguf_parse(&g, "m.gguf", file.at, file.n, &err), 0);
    assert_int_equal(tokenizer_open_gguf(&t, &g, &err), -1);
    if (!strstr(err.text, part)) fail_msg("'%s' lacks '%s'", err.text, part);
    gguf_close(&g);
    buffer_close(&file);
}

static void test_gguf_tokenizers_of_other_kinds_are_refused(void **state) {
    (void)state;
    refuse_gguf("bert", "default", "unknown tokenizer 'bert' in 'm.gguf'");
    refuse_gguf("llama", "default", "key 'tokenizer.ggml.tokens' in 'm.gguf' is missing");
    refuse_gguf("gpt2", "none-such", "unknown pre-tokenizer 'none-such' in 'm.gguf'");
    refuse_gguf("gpt2", "qwen2", "key 'tokenizer.ggml.tokens' in 'm.gguf' is missing");
}

#define BYTE_LEVEL "\"pre_tokenizer\":{\"type\":\"ByteLevel\",\"add_prefix_space\":false}"
#define MODEL(merges) "\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":0,\"b\":1,\"ab\":2},\"merges\":" merges "}"

static int parse_json(struct tokenizer *t, const char *json, struct err *err) {
    *err = (struct err){""};
    return tokenizer_parse_json(t, "t.json", json, strlen(json), NULL, 0, err);
}

static void test_merges_as_strings_and_as_pairs_are_one(void **state) {
    (void)state;
    const char *files[] = {"{" BYTE_LEVEL "," MODEL("[\"a b\"]") "}", "{" BYTE_LEVEL "," MODEL("[[\"a\",\"b\"]]") "}"};
    char sha256[2][SHA256_HEX];
    for (int i = 0; i < 2; i++) {
        struct tokenizer t;
        struct err err;
        struct ids ids = {0};
        if (parse_json(&t, files[i], &err)) fail_msg("%s", err.text);
        assert_int_equal(tokenizer_encode(&t, "aabb", 4, true, &ids, &err), 0);
        assert_true(ids.n == 3 && ids.at[0] == 0 && ids.at[1] == 2 && ids.at[2] == 1);
        memcpy(sha256[i], t.sha256, SHA256_HEX);
        ids_close(&ids);
        tokenizer_close(&t);
    }
    assert_string_equal(sha256[0], sha256[1]);
}

static void test_json_that_is_no_such_tokenizer_is_refused(void **state) {
    (void)state;
    const struct { const char *json, *part; } cases[] = {
        {"", "bad JSON in line 1 of 't.json'"},
        {"{\n\"a\":\n?}", "bad JSON in line 3 of 't.json'"},
        {"[]", "a JSON object expected"},
        {"{}", "model.vocab and model.merges expected"},
        {"{\"model\":{\"type\":\"Unigram\"}}", "unknown model 'Unigram'"},
        {"{" MODEL("[]") "}", "the pre-tokenizer of 't.json' is missing"},
        {"{" BYTE_LEVEL "," MODEL("[\"ab\"]") "}", "bad merge 0 'ab'"},
        {"{" BYTE_LEVEL "," MODEL("[7]") "}", "bad merge 0"},
        {"{" BYTE_LEVEL "," MODEL("[\"a b\",\"b a\"]") "}", "merge 1 of 't.json' ('b' and 'a') needs a token"},
        {"{" BYTE_LEVEL ",\"model\":{\"vocab\":{\"a\":-1},\"merges\":[]}}", "bad id of token 'a'"},
        {"{" BYTE_LEVEL ",\"model\":{\"vocab\":{\"a\":2000000000},\"merges\":[]}}", "bad id of token 'a'"},
        {"{" BYTE_LEVEL ",\"model\":{\"vocab\":{\"a\":0,\"b\":0},\"merges\":[]}}", "token id 0 appears twice"},
        {"{" BYTE_LEVEL ",\"model\":{\"vocab\":{},\"merges\":[]}}", "0 tokens"},
        {"{" BYTE_LEVEL ",\"normalizer\":{\"type\":\"NFKC\"}," MODEL("[]") "}", "unknown normalizer 'NFKC'"},
        {"{\"pre_tokenizer\":{\"type\":\"ByteLevel\",\"add_prefix_space\":true}," MODEL("[]") "}", "adds a prefix space"},
        {"{\"pre_tokenizer\":{\"type\":\"Split\",\"behavior\":\"Isolated\",\"pattern\":{\"Regex\":\"(\"}}," MODEL("[]") "}", "bad pre-tokenizer pattern '('"},
        {"{\"added_tokens\":[{\"id\":3,\"content\":\"x\",\"lstrip\":true}]," BYTE_LEVEL "," MODEL("[]") "}", "strips or guards"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct tokenizer t;
        struct err err;
        if (parse_json(&t, cases[i].json, &err) == 0) fail_msg("case %zu accepted", i);
        if (!strstr(err.text, cases[i].part)) fail_msg("case %zu: '%s' lacks '%s'", i, err.text, cases[i].part);
    }
}

static void test_config_gives_eos_bos_and_template(void **state) {
    (void)state;
    struct file_map json;
    struct tokenizer t;
    struct err err = {""};
    assert_int_equal(file_map_open(&json, GOLDEN "llama3-tiny.tokenizer.json", &err), 0);
    static const char config[] = "{\"eos_token\":{\"content\":\"<|eot_id|>\"},\"chat_template\":\"{{ x }}\",\"add_bos_token\":false}";
    assert_int_equal(tokenizer_parse_json(&t, "t.json", (const char *)json.bytes, json.size, config, sizeof config - 1, &err), 0);
    assert_true(t.eos == 1005 && t.bos == 1000 && !t.add_bos); // bos: from the post-processor
    assert_string_equal(t.chat_template, "{{ x }}");
    tokenizer_close(&t);
    assert_int_equal(tokenizer_parse_json(&t, "t.json", (const char *)json.bytes, json.size, "{", 1, &err), -1);
    assert_non_null(strstr(err.text, "'tokenizer_config.json'"));
    file_map_close(&json);
}

static void test_a_failed_allocation_is_reported(void **state) {
    (void)state;
    struct file_map json;
    struct err err = {""};
    assert_int_equal(file_map_open(&json, GOLDEN "qwen2-tiny.tokenizer.json", &err), 0);
    int rc = -1;
    for (long n = 1; rc; n++) {
        struct tokenizer t;
        struct ids ids = {0};
        mem_fail_after(n);
        rc = tokenizer_parse_json(&t, "t.json", (const char *)json.bytes, json.size, NULL, 0, &err);
        if (rc == 0) rc = tokenizer_encode(&t, "cafe\xcc\x81 <|im_end|> 12", 21, true, &ids, &err);
        mem_fail_after(0);
        if (rc) assert_non_null(strstr(err.text, "cannot allocate"));
        ids_close(&ids);
        tokenizer_close(&t);
        assert_true(n < 200);
    }
    file_map_close(&json);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_smollm_ids_equal_the_reference),
        cmocka_unit_test(test_qwen2_ids_equal_the_reference),
        cmocka_unit_test(test_llama3_ids_equal_the_reference),
        cmocka_unit_test(test_decoded_bytes_equal_the_reference_and_a_stream_gives_the_same_text),
        cmocka_unit_test(test_stream_waits_for_whole_characters),
        cmocka_unit_test(test_random_bytes_and_nul_round_trip),
        cmocka_unit_test(test_bytes_the_vocabulary_lacks_are_left_out),
        cmocka_unit_test(test_control_tokens_are_text_where_asked),
        cmocka_unit_test(test_ends_of_generation_are_known),
        cmocka_unit_test(test_a_megabyte_without_a_gap_is_not_quadratic),
        cmocka_unit_test(test_gguf_and_json_of_one_model_are_the_same_tokenizer),
        cmocka_unit_test(test_gguf_tokenizers_of_other_kinds_are_refused),
        cmocka_unit_test(test_merges_as_strings_and_as_pairs_are_one),
        cmocka_unit_test(test_json_that_is_no_such_tokenizer_is_refused),
        cmocka_unit_test(test_config_gives_eos_bos_and_template),
        cmocka_unit_test(test_a_failed_allocation_is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
