/* test_prompts.c - JSON Lines as people write them, and one clear line for what is broken. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/mem.h"
#include "tests/tempdir.h"
#include "traces/prompts.h"

static int parse(struct prompts *p, const char *text, int limit, struct err *err) {
    return prompts_parse(p, "f.jsonl", text, strlen(text), limit, err);
}

static void assert_refused(const char *text, size_t size, const char *message) {
    struct prompts p;
    struct err err = {""};
    assert_int_equal(prompts_parse(&p, "f.jsonl", text, size, 0, &err), -1);
    if (!strstr(err.text, message)) fail_msg("'%s' lacks '%s'", err.text, message);
    assert_int_equal(p.n, 0);
    assert_null(p.at);
}

static void refused(const char *text, const char *message) { assert_refused(text, strlen(text), message); }

static void test_the_three_forms_are_read(void **state) {
    (void)state;
    struct prompts p;
    struct err err = {""};
    const char *text = "\xef\xbb\xbf{\"turns\":[\"one\",\"two\"],\"question_id\":81,\"category\":\"writing\"}\r\n"
                       "\n \t\r\n"
                       "{\"prompt\":\"h\\u00e9\",\"question_id\":\"a7\",\"category\":null}\n"
                       "{\"prompt_ids\":[0,5,2147483647]}";
    if (parse(&p, text, 0, &err)) fail_msg("%s", err.text);
    assert_int_equal(p.n, 3);
    assert_string_equal(p.at[0].text, "one");
    assert_string_equal(p.at[0].question, "81");
    assert_string_equal(p.at[0].category, "writing");
    assert_string_equal(p.at[1].text, "h\xc3\xa9");
    assert_string_equal(p.at[1].question, "a7");
    assert_string_equal(p.at[1].category, "");
    assert_null(p.at[2].text);
    assert_int_equal(p.at[2].n, 3);
    assert_int_equal(p.at[2].ids[2], 2147483647);
    assert_string_equal(p.at[2].question, "");
    prompts_close(&p);
}

static void test_the_limit_ends_the_reading(void **state) {
    (void)state;
    struct prompts p;
    struct err err = {""};
    assert_int_equal(parse(&p, "{\"prompt\":\"a\"}\n{\"prompt\":\"b\"}\nbroken", 2, &err), 0);
    assert_int_equal(p.n, 2);
    prompts_close(&p);
}

static void test_broken_lines_are_named_with_their_number(void **state) {
    (void)state;
    refused("{\"prompt\":\"a\"}\n\n{\"prompt\":\"b\"\n", "prompt in line 3 of 'f.jsonl' is no JSON object");
    refused("[1]", "line 1 of 'f.jsonl' is no JSON object");
    refused("{\"prompt\":\"a\"} {}", "end of file expected");
    refused("{\"x\":1}", "has none of 'turns', 'prompt' and 'prompt_ids'");
    refused("{\"prompt\":\"a\",\"turns\":[\"b\"]}", "has several of");
    refused("{\"prompt\":\"a\",\"prompt\":\"b\"}", "duplicate");
    refused("{\"prompt\":7}", "no text");
    refused("{\"turns\":[]}", "do not begin with a text");
    refused("{\"turns\":\"a\"}", "do not begin with a text");
    refused("{\"prompt\":\"a\",\"category\":[]}", "'category' that is neither");
    refused("{\"prompt\":\"\xff\"}", "is no JSON object");
    refused("", "'f.jsonl' holds no prompt");
    refused("\n\n", "'f.jsonl' holds no prompt");
}

static void test_nul_bytes_are_refused(void **state) {
    (void)state;
    refused("{\"prompt\":\"a\\u0000b\"}", "line 1 of 'f.jsonl' is no JSON object");
    assert_refused("{\"prompt\":\"a\0b\"}", 16, "line 1 of 'f.jsonl' is no JSON object");
    assert_refused("{\"prompt\":\"a\"}\n\0", 16, "line 2 of 'f.jsonl' is no JSON object");
}

static void test_bad_token_ids_are_refused(void **state) {
    (void)state;
    refused("{\"prompt_ids\":[1,2147483648]}", "has token id 2147483648 (number 1), not in 0 to 2147483647");
    refused("{\"prompt_ids\":[99999999999999999999]}", "too big integer");
    refused("{\"prompt_ids\":[-1]}", "has token id -1");
    refused("{\"prompt_ids\":[1.5]}", "something else than a whole number as token id 0");
    refused("{\"prompt_ids\":[]}", "no list of token ids");
    refused("{\"prompt_ids\":7}", "no list of token ids");
}

static void test_deep_nesting_is_refused(void **state) {
    (void)state;
    static char deep[100001];
    memset(deep, '[', 100000);
    refused(deep, "maximum parsing depth");
}

static void test_every_failed_allocation_is_clean(void **state) {
    (void)state;
    const char *text = "{\"prompt\":\"a\",\"category\":\"c\"}\n{\"prompt_ids\":[1,2]}\n";
    struct prompts p;
    int n = 1;
    for (;; n++) {
        struct err err = {""};
        mem_fail_after(n);
        int rc = parse(&p, text, 0, &err);
        mem_fail_after(0);
        if (rc == 0) break;
        assert_non_null(strstr(err.text, "cannot allocate"));
        assert_null(p.at);
    }
    assert_int_equal(n, 8); // the list, and text or ids, question and category of two prompts
    prompts_close(&p);
}

static void test_a_file_is_read_and_a_missing_one_named(void **state) {
    (void)state;
    struct tempdir dir;
    struct prompts p;
    struct err err = {""};
    assert_int_equal(tempdir_open(&dir), 0);
    FILE *f = fopen(tempdir_file(&dir, "p.jsonl"), "w");
    for (int i = 0; i < 9000; i++) fprintf(f, "{\"prompt\":\"number %d\"}\n", i); // more than one buffer
    fclose(f);
    if (prompts_open(&p, tempdir_file(&dir, "p.jsonl"), 0, &err)) fail_msg("%s", err.text);
    assert_int_equal(p.n, 9000);
    assert_string_equal(p.at[8999].text, "number 8999");
    prompts_close(&p);
    assert_int_equal(prompts_open(&p, tempdir_file(&dir, "none"), 0, &err), -1);
    assert_non_null(strstr(err.text, "No such file"));
    assert_int_equal(prompts_open(&p, dir.path, 0, &err), -1);
    assert_non_null(strstr(err.text, "directory"));
    tempdir_close(&dir);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_three_forms_are_read),
        cmocka_unit_test(test_the_limit_ends_the_reading),
        cmocka_unit_test(test_broken_lines_are_named_with_their_number),
        cmocka_unit_test(test_nul_bytes_are_refused),
        cmocka_unit_test(test_bad_token_ids_are_refused),
        cmocka_unit_test(test_deep_nesting_is_refused),
        cmocka_unit_test(test_every_failed_allocation_is_clean),
        cmocka_unit_test(test_a_file_is_read_and_a_missing_one_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
