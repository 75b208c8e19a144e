/* test_utf8.c - characters, broken ones, and normalization form C. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "core/nfc.h"
#include "core/utf8.h"

static void check_lossy(const char *bytes, const char *text) {
    struct buffer out = {0};
    struct err err = {""};
    assert_int_equal(utf8_lossy(bytes, strlen(bytes), &out, &err), 0);
    if (out.n != strlen(text) || memcmp(out.at, text, out.n)) fail_msg("'%s' is '%.*s'", text, (int)out.n, out.at);
    buffer_close(&out);
}

#define BAD "\xef\xbf\xbd"

static void test_lossy_text_follows_table_3_8_of_unicode(void **state) {
    (void)state;
    check_lossy("a\xc3\xa9\xe2\x82\xac\xf0\x9f\x91\xa8", "a\xc3\xa9\xe2\x82\xac\xf0\x9f\x91\xa8");
    check_lossy("\xc0\xaf\xe0\x80\xbf\xf0\x81\x82\x41", BAD BAD BAD BAD BAD BAD BAD BAD "A"); // overlong
    check_lossy("\xed\xa0\x80\xed\xbf\xbf\xed\xaf\x41", BAD BAD BAD BAD BAD BAD BAD BAD "A"); // surrogates
    check_lossy("\xf4\x91\x92\x93\xff\x41\x80\xbf\x42", BAD BAD BAD BAD BAD "A" BAD BAD "B"); // past U+10FFFF
    check_lossy("\xe1\x80\xe2\xf0\x91\x92\xf1\xbf\x41", BAD BAD BAD BAD "A");                 // cut short
}

static void test_a_cut_character_is_told_from_a_broken_one(void **state) {
    (void)state;
    struct utf8_step s = utf8_step("\xf0\x9f\x91", 3);
    assert_true(s.cut && !s.valid && s.n == 3);
    s = utf8_step("\xed\xa0", 2); // no byte can make a surrogate right
    assert_true(!s.cut && !s.valid && s.n == 1);
    s = utf8_step("\xf4\x8f\xbf\xbf", 4);
    assert_true(s.valid && s.n == 4 && s.code == 0x10ffff);
}

static void check_nfc(const char *text, const char *expected) {
    struct buffer out = {0};
    struct err err = {""};
    assert_int_equal(nfc_add(text, strlen(text), &out, &err), 0);
    if (out.n != strlen(expected) || (out.n && memcmp(out.at, expected, out.n))) fail_msg("'%s' is '%.*s'", expected, (int)out.n, out.at);
    buffer_close(&out);
}

static void test_nfc_composes_and_orders_marks(void **state) {
    (void)state;
    check_nfc("", "");
    check_nfc("cafe\xcc\x81", "caf\xc3\xa9");
    check_nfc("\xe2\x84\xab", "\xc3\x85");                                     // U+212B, a singleton
    check_nfc("q\xcc\x81\xcc\xa3", "q\xcc\xa3\xcc\x81");                       // class 230 before 220
    check_nfc("e\xcc\x81\xcc\xa3", "\xe1\xba\xb9\xcc\x81");                    // U+1EB9 U+0301
    check_nfc("\xe1\x84\x80\xe1\x85\xa1\xe1\x86\xa8", "\xea\xb0\x81");         // Hangul, section 3.12
    check_nfc("\xe0\xbd\xb3\xe0\xbd\xb3", "\xe0\xbd\xb1\xe0\xbd\xb1\xe0\xbd\xb2\xe0\xbd\xb2"); // U+0F73: two marks
}

static void test_nfc_orders_long_runs_as_short_ones(void **state) {
    (void)state;
    char text[1 + 4 * 40 + 1] = "q", expected[sizeof text] = "q";
    for (int i = 0; i < 40; i++) {
        memcpy(text + 1 + 4 * i, "\xcc\x81\xcc\xa3", 4);
        memcpy(expected + 1 + 2 * i, "\xcc\xa3", 2);
        memcpy(expected + 81 + 2 * i, "\xcc\x81", 2);
    }
    check_nfc(text, expected);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lossy_text_follows_table_3_8_of_unicode),
        cmocka_unit_test(test_a_cut_character_is_told_from_a_broken_one),
        cmocka_unit_test(test_nfc_composes_and_orders_marks),
        cmocka_unit_test(test_nfc_orders_long_runs_as_short_ones),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
