/* test_arms.c - arms from words. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "core/mem.h"
#include "policies/arms.h"

static const char *const drafters[] = {"pld", "eagle", "a:b"};

/* Parses words over the drafters (2 unless told), L = 8; compares "name name ..." and L. */
static void gives(const char *const *words, int n, int D, int L, const char *want, int want_L) {
    struct arms arms;
    struct err err = {""};
    char have[1024] = "";
    if (arms_parse(&arms, words, n, drafters, D, L, &err)) fail_msg("%s", err.text);
    for (int i = 0; i < arms.K; i++) {
        strcat(strcat(have, i ? " " : ""), arms.at[i].name);
        assert_true((arms.at[i].gamma == 0) == (arms.at[i].drafter == -1));
        assert_int_equal(arms_find(arms.at, arms.K, arms.at[i].name), i);
    }
    assert_string_equal(have, want);
    assert_int_equal(arms.L, want_L);
    arms_close(&arms);
    arms_close(&arms); // an empty one closes as well
}

static void rejects(const char *word, const char *why) {
    struct arms arms;
    struct err err = {""};
    assert_int_equal(arms_parse(&arms, &word, 1, drafters, 2, 8, &err), ERR_FAILED);
    if (!strstr(err.text, why) || !strstr(err.text, word)) fail_msg("'%s' lacks '%s'", err.text, why);
    assert_non_null(strstr(err.text, "plain, pld:1-8, eagle:1-8"));
    assert_null(arms.at);
}

#define GIVES(want, L, ...) gives((const char *const[]){__VA_ARGS__}, sizeof (const char *[]){__VA_ARGS__} / sizeof (char *), 2, 8, want, L)

static void test_arms_come_in_the_order_given(void **state) {
    (void)state;
    GIVES("eagle:2 eagle:4 plain pld:1 pld:2 pld:3", 4, "eagle:2,4", "plain", "pld:1-3");
    GIVES("pld:8", 8, "pld:8");
    GIVES("plain", 1, "plain");
    GIVES("pld:1 pld:2 pld:5 pld:7 pld:8", 8, "pld:1-2,5,7-8");
}

static void test_arms_word_may_hold_several(void **state) {
    (void)state;
    GIVES("plain pld:4 eagle:4", 4, "plain pld:4  eagle:4 ");
    GIVES("pld:4", 4, "", "pld:4", " ");
}

static void test_arms_gamma_zero_of_any_drafter_is_plain(void **state) {
    (void)state;
    GIVES("plain pld:1 pld:2 eagle:1", 2, "pld:0-2", "eagle:0,1", "plain");
}

static void test_arms_named_twice_count_once(void **state) {
    (void)state;
    GIVES("pld:2 pld:3 pld:1", 3, "pld:2,3,2", "pld:1-3");
}

static void test_arms_without_words_are_plain_and_2_4_8(void **state) {
    (void)state;
    gives(NULL, 0, 2, 8, "plain pld:2 pld:4 pld:8 eagle:2 eagle:4 eagle:8", 8);
    gives(NULL, 0, 2, 5, "plain pld:2 pld:4 eagle:2 eagle:4", 4);
    gives(NULL, 0, 2, 1, "plain pld:1 eagle:1", 1);
    gives(NULL, 0, 0, 8, "plain", 1);
}

static void test_arms_drafter_name_may_hold_a_colon(void **state) {
    (void)state;
    gives((const char *const[]){"a:b:4"}, 1, 3, 8, "a:b:4", 4);
}

static void test_arms_errors_name_the_word_and_the_offer(void **state) {
    (void)state;
    rejects("sam:4", "names no drafter");
    rejects("pl:4", "names no drafter");
    rejects("pld", "has no draft length");
    rejects("pld:", "wants draft lengths");
    rejects("pld:x", "wants draft lengths");
    rejects("pld:4x", "wants draft lengths");
    rejects("pld:-1", "wants draft lengths");
    rejects("pld:4,", "wants draft lengths");
    rejects("pld:4-", "open range");
    rejects("pld:4-2", "runs backwards");
    rejects("pld:9", "more than is on offer");
    rejects("pld:1-99999999999999999999", "more than is on offer");
}

static void test_arms_find_knows_names_and_numbers(void **state) {
    (void)state;
    struct arms arms;
    struct err err;
    assert_int_equal(arms_parse(&arms, NULL, 0, drafters, 1, 8, &err), 0); // plain pld:2 pld:4 pld:8
    assert_int_equal(arms_find(arms.at, arms.K, "pld:4"), 2);
    assert_int_equal(arms_find(arms.at, arms.K, "3"), 3);
    assert_int_equal(arms_find(arms.at, arms.K, "4"), -1);
    assert_int_equal(arms_find(arms.at, arms.K, "-1"), -1);
    assert_int_equal(arms_find(arms.at, arms.K, "pld"), -1);
    assert_int_equal(arms_find(arms.at, arms.K, ""), -1);
    assert_int_equal(arms_find(arms.at, arms.K, "99999999999999999999"), -1);
    arms_close(&arms);
}

static void test_arms_survive_a_failed_allocation(void **state) {
    (void)state;
    static const char *const words[] = {"pld:4"};
    for (int n = 1; n <= 2; n++) {
        struct arms arms;
        struct err err = {""};
        mem_fail_after(n);
        assert_int_equal(arms_parse(&arms, words, 1, drafters, 2, 8, &err), ERR_FAILED);
        mem_fail_after(0);
        assert_non_null(strstr(err.text, "cannot allocate"));
        arms_close(&arms);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_arms_come_in_the_order_given),
        cmocka_unit_test(test_arms_word_may_hold_several),
        cmocka_unit_test(test_arms_gamma_zero_of_any_drafter_is_plain),
        cmocka_unit_test(test_arms_named_twice_count_once),
        cmocka_unit_test(test_arms_without_words_are_plain_and_2_4_8),
        cmocka_unit_test(test_arms_drafter_name_may_hold_a_colon),
        cmocka_unit_test(test_arms_errors_name_the_word_and_the_offer),
        cmocka_unit_test(test_arms_find_knows_names_and_numbers),
        cmocka_unit_test(test_arms_survive_a_failed_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
