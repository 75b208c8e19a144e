/* test_pretokenizer.c - where words end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "core/buffer.h"
#include "core/pretokenizer.h"

static int add_piece(void *context, const char *at, size_t n, struct err *err) {
    return buffer_add(context, at, n, err) || buffer_add(context, "|", 1, err) ? -1 : 0;
}

static void check_split(const char *first, const char *second, const char *text, const char *pieces) {
    struct pretokenizer p = {0};
    struct buffer out = {0};
    struct err err = {""};
    assert_int_equal(pretokenizer_add(&p, first, "t.json", &err), 0);
    if (second) assert_int_equal(pretokenizer_add(&p, second, "t.json", &err), 0);
    assert_int_equal(pretokenizer_split(&p, text, strlen(text), add_piece, &out, &err), 0);
    if (out.n != strlen(pieces) || (out.n && memcmp(out.at, pieces, out.n))) fail_msg("'%s' is '%.*s'", pieces, (int)out.n, out.at);
    buffer_close(&out);
    pretokenizer_close(&p);
}

static void test_a_look_ahead_sees_its_own_piece_only(void **state) {
    (void)state;
    check_split(pretokenizer_gpt2, NULL, "  12 I'll", " | 12| I|'ll|");
    check_split("\\p{N}", pretokenizer_gpt2, "  12 I'll", "  |1|2| I|'ll|");
}

static void test_white_space_is_the_property_of_unicode(void **state) {
    (void)state;
    check_split("\\s", NULL, "a\xc2\x85" "b\xc2\xa0" "c\xe1\x9a\x80" "d\xe3\x80\x80" "e\v", "a|\xc2\x85|b|\xc2\xa0|c|\xe1\x9a\x80|d|\xe3\x80\x80|e|\v|");
    check_split("\\s", NULL, "a\xe1\xa0\x8e\xe2\x80\x8b" "b", "a\xe1\xa0\x8e\xe2\x80\x8b" "b|"); // U+180E, U+200B: no
    check_split("[^\\s\\p{L}]+|\\S", NULL, "a\xe1\xa0\x8e" "b", "a|\xe1\xa0\x8e|b|");
}

static void test_gaps_are_pieces_and_empty_matches_cut_nothing(void **state) {
    (void)state;
    check_split("b+", NULL, "aabbc", "aa|bb|c|");
    check_split("b*", NULL, "\xc3\xa9" "abbc", "\xc3\xa9" "a|bb|c|");
    check_split("x", NULL, "", "");
}

static void test_bad_patterns_are_named(void **state) {
    (void)state;
    struct pretokenizer p = {0};
    struct err err = {""};
    assert_int_equal(pretokenizer_add(&p, "[a", "t.json", &err), -1);
    assert_non_null(strstr(err.text, "bad pre-tokenizer pattern '[a' in 't.json'"));
    assert_int_equal(pretokenizer_add(&p, "\\C", "t.json", &err), -1); // half a character
    pretokenizer_close(&p);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_look_ahead_sees_its_own_piece_only),
        cmocka_unit_test(test_white_space_is_the_property_of_unicode),
        cmocka_unit_test(test_gaps_are_pieces_and_empty_matches_cut_nothing),
        cmocka_unit_test(test_bad_patterns_are_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
