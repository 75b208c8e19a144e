/* test_prompt_ids.c - what a prompt is to the model, and the name it has in a trace. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "core/gguf.h"
#include "traces/prompt_ids.h"

enum { MOST = 5000 };
static int ids[MOST];

static void assert_key(int n, const char *expected) {
    struct err err = {""};
    char key[17];
    assert_int_equal(prompt_key(ids, n, key, &err), 0);
    assert_string_equal(key, expected);
}

/* Expected: first 16 digits of sha256sum, e.g. printf '\1\0\0\0\2\0\0\0\3\0\0\0' | sha256sum. */
static void test_a_key_is_the_sha256_of_the_ids_as_little_endian_int32(void **state) {
    (void)state;
    memcpy(ids, (int[]){1, 2, 3}, 3 * sizeof *ids);
    assert_key(3, "4636993d3e1da4e9"); // d6b8f87b79e8f7c6d018580d52661950eabc3845c5897a4d
    assert_key(0, "e3b0c44298fc1c14"); // of nothing: FIPS 180-4's own example
    ids[0] = 7;
    assert_key(1, "e8613f5a5bc9f9fe");
    memcpy(ids, (int[]){0x01020304, 0x7fffffff, 49151}, 3 * sizeof *ids); // every byte of an id counts
    assert_key(3, "38bb716665b53dce");
}

static void test_long_prompts_are_hashed_whole(void **state) {
    (void)state;
    for (int i = 0; i < MOST; i++) ids[i] = i;
    assert_key(1023, "aeff4372b382fe36"); // around the 1024 ids that are hashed at a time
    assert_key(1024, "c89db72221268633");
    assert_key(1025, "681510fc6a7d92cd");
    assert_key(5000, "0bd2462cf373e94a");
}

static void test_a_sequence_is_named_by_its_keys_first_32_bits(void **state) {
    (void)state;
    assert_int_equal(prompt_sequence("4636993d3e1da4e9"), 0x4636993d);
    assert_int_equal(prompt_sequence("ffffffff00000000"), 0xffffffff);
    assert_int_equal(prompt_sequence("0000000100000000"), 1);
}

static void test_given_ids_are_taken_as_they_are(void **state) {
    (void)state;
    struct err err = {""};
    struct ids out = {NULL, 0, 0};
    int some[] = {0, 319, 5};
    struct prompt p = {.ids = some, .n = 3};
    assert_int_equal(ids_add(&out, 99, &err), 0); // what `out` held is replaced
    assert_int_equal(prompt_ids(&p, NULL, 320, &out, &err), 0);
    assert_int_equal(out.n, 3);
    assert_memory_equal(out.at, some, sizeof some);
    ids_close(&out);
}

static void test_an_id_outside_the_vocabulary_is_named(void **state) {
    (void)state;
    struct err err = {""};
    struct ids out = {NULL, 0, 0};
    int high[] = {1, 320}, negative[] = {-1};
    assert_int_equal(prompt_ids(&(struct prompt){.ids = high, .n = 2}, NULL, 320, &out, &err), -1);
    assert_string_equal(err.text, "token id 320, expected 0 to 319");
    assert_int_equal(prompt_ids(&(struct prompt){.ids = negative, .n = 1}, NULL, 320, &out, &err), -1);
    assert_string_equal(err.text, "token id -1, expected 0 to 319");
    ids_close(&out);
}

static void test_a_text_goes_through_the_chat_template(void **state) {
    (void)state;
    struct err err = {""};
    struct gguf file;
    struct tokenizer t;
    struct chat own, plain;
    struct ids a = {NULL, 0, 0}, b = {NULL, 0, 0}, expected = {NULL, 0, 0};
    char text[] = "the cat";
    const char marked[] = "<|im_start|>user\nthe cat<|im_end|>\n<|im_start|>assistant\n";
    struct prompt p = {.text = text};
    if (gguf_open(&file, "tests/golden/tiny/a-f32.gguf", &err) || tokenizer_open_gguf(&t, &file, &err) || chat_open(&own, &t, NULL, &err)
        || chat_open(&plain, &t, "plain", &err) || prompt_ids(&p, &own, t.size, &a, &err) || prompt_ids(&p, &plain, t.size, &b, &err)
        || tokenizer_encode(&t, marked, sizeof marked - 1, true, &expected, &err)) fail_msg("%s", err.text);
    assert_true(a.n >= expected.n); // a default system prompt may stand before
    assert_memory_equal(a.at + a.n - expected.n, expected.at, expected.n * sizeof *a.at);
    expected.n = 0;
    if (tokenizer_encode(&t, text, strlen(text), false, &expected, &err)) fail_msg("%s", err.text);
    assert_int_equal(b.n, expected.n);
    assert_memory_equal(b.at, expected.at, b.n * sizeof *b.at);
    ids_close(&a), ids_close(&b), ids_close(&expected);
    chat_close(&own), chat_close(&plain);
    tokenizer_close(&t);
    gguf_close(&file);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_key_is_the_sha256_of_the_ids_as_little_endian_int32),
        cmocka_unit_test(test_long_prompts_are_hashed_whole),
        cmocka_unit_test(test_a_sequence_is_named_by_its_keys_first_32_bits),
        cmocka_unit_test(test_given_ids_are_taken_as_they_are),
        cmocka_unit_test(test_an_id_outside_the_vocabulary_is_named),
        cmocka_unit_test(test_a_text_goes_through_the_chat_template),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
