/* test_err.c - errors are one clean line; memory is zeroed, aligned and checked for overflow. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "core/err.h"
#include "core/mem.h"

static void test_set_usage_and_add_return_their_codes(void **state) {
    (void)state;
    struct err err = {""};
    assert_int_equal(err_set(&err, "bad width %d", 7), ERR_FAILED);
    assert_string_equal(err.text, "bad width 7");
    assert_int_equal(err_add(&err, " in round %d of '%s'", 812, "run.db"), ERR_FAILED);
    assert_string_equal(err.text, "bad width 7 in round 812 of 'run.db'");
    assert_int_equal(err_usage(&err, "unknown '%s'", "x"), ERR_USAGE);
    assert_string_equal(err.text, "unknown 'x'"); // written anew
}

static void test_control_characters_never_reach_a_terminal(void **state) {
    (void)state;
    struct err err = {""};
    err_set(&err, "tensor '%s'", "a\nb\033[31mc\td\177e");
    assert_string_equal(err.text, "tensor 'a?b?[31mc?d?e'");
    err_add(&err, "%s", "\r\xc3\xa9");
    assert_string_equal(err.text, "tensor 'a?b?[31mc?d?e'?\xc3\xa9"); // UTF-8 stays
}

static void test_long_text_is_cut_and_terminated(void **state) {
    (void)state;
    struct { struct err err; char after; } x = {{""}, 'z'};
    char text[3000];
    memset(text, 'a', sizeof text - 1);
    text[sizeof text - 1] = 0;
    err_set(&x.err, "%s", text);
    assert_int_equal(strlen(x.err.text), sizeof x.err.text - 1);
    err_add(&x.err, "%s", text); // a full one takes no more
    assert_int_equal(strlen(x.err.text), sizeof x.err.text - 1);
    assert_int_equal(x.after, 'z');
}

static void test_memory_is_zeroed_and_aligned(void **state) {
    (void)state;
    struct err err = {""};
    for (size_t n = 0; n < 200; n += 13) {
        unsigned char *p = mem_alloc(n, 1, "a test", &err);
        assert_non_null(p);
        assert_int_equal((uintptr_t)p % 64, 0);
        for (size_t i = 0; i < n; i++) assert_int_equal(p[i], 0);
        mem_free(p);
    }
    mem_free(NULL);
}

static void test_too_much_memory_is_an_error_that_names_it(void **state) {
    (void)state;
    struct err err = {""};
    assert_null(mem_alloc(SIZE_MAX / 8, 16, "the kv cache", &err)); // overflows
    assert_non_null(strstr(err.text, "16 bytes for the kv cache"));
    assert_null(mem_alloc(SIZE_MAX - 3, 1, "all of it", &err)); // overflows when rounded up
    assert_non_null(strstr(err.text, "for all of it"));
}

static void test_arrays_grow_and_keep_what_they_hold(void **state) {
    (void)state;
    struct err err = {""};
    int *at = NULL;
    size_t capacity = 0;
    for (int i = 0; i < 5000; i++) {
        assert_int_equal(mem_grow(&at, &capacity, (size_t)i + 1, sizeof *at, "numbers", &err), 0);
        assert_true(capacity > (size_t)i);
        for (size_t j = (size_t)i; j < capacity && j < (size_t)i + 3; j++) assert_int_equal(at[j], 0); // the tail is zero
        at[i] = i + 1;
    }
    for (int i = 0; i < 5000; i++) assert_int_equal(at[i], i + 1);
    size_t before = capacity;
    assert_int_equal(mem_grow(&at, &capacity, SIZE_MAX / 2, sizeof *at, "numbers", &err), -1);
    assert_true(capacity == before && at[4999] == 5000); // a failure changes nothing
    mem_free(at);
}

static void test_the_asked_for_allocation_fails(void **state) {
    (void)state;
    struct err err = {""};
    mem_fail_after(2);
    void *first = mem_alloc(1, 1, "first", &err), *second = mem_alloc(1, 1, "second", &err), *third = mem_alloc(1, 1, "third", &err);
    assert_true(first && !second && third);
    assert_non_null(strstr(err.text, "second"));
    mem_fail_after(0);
    mem_free(first), mem_free(third);
}

static void test_text_is_copied_with_its_end(void **state) {
    (void)state;
    struct err err = {""};
    char *copy = mem_text("abcdef", 3, &err), *none = mem_text(NULL, 0, &err);
    assert_string_equal(copy, "abc");
    assert_string_equal(none, "");
    mem_free(copy), mem_free(none);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_set_usage_and_add_return_their_codes),
        cmocka_unit_test(test_control_characters_never_reach_a_terminal),
        cmocka_unit_test(test_long_text_is_cut_and_terminated),
        cmocka_unit_test(test_memory_is_zeroed_and_aligned),
        cmocka_unit_test(test_too_much_memory_is_an_error_that_names_it),
        cmocka_unit_test(test_arrays_grow_and_keep_what_they_hold),
        cmocka_unit_test(test_the_asked_for_allocation_fails),
        cmocka_unit_test(test_text_is_copied_with_its_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
