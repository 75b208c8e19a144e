/* test_opt.c - command lines: values arrive, mistakes are usage errors that name the option. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/opt.h"

static struct values {
    bool json;
    const char *model;
    int top, any;
    uint64_t seed;
    double temperature;
    struct texts drafters;
} v;

static const struct opt table[] = {
    {"model", OPT_TEXT, &v.model, "FILE", "the target", .required = true},
    {"json", OPT_FLAG, &v.json, NULL, "as JSON"},
    {"top", OPT_INT, &v.top, "K", "how many", 1, 1000},
    {"any", OPT_INT, &v.any, "N", "any whole number"},
    {"many", OPT_INT, &v.any, "N", "up to many", 1, 1048576},
    {"seed", OPT_U64, &v.seed, "S", "of the generator"},
    {"temperature", OPT_REAL, &v.temperature, "T", "of sampling", 0, 2},
    {"drafter", OPT_LIST, &v.drafters, "D...", "who drafts"},
    {0},
};
static const struct opt_help help = {"play --model M [--top K]", "Plays.", "  banditspec play --model m.gguf\n"};

/* Parses words up to a null pointer. */
static int parse(struct err *err, ...) {
    char *argv[600] = {"play"};
    int argc = 1;
    va_list words;
    va_start(words, err);
    while ((argv[argc] = va_arg(words, char *))) argc++;
    va_end(words);
    *err = (struct err){""};
    v = (struct values){.top = 8, .seed = 1, .temperature = 1};
    return opt_parse(table, &help, argc, argv, err);
}
#define PARSE(...) parse(&err, __VA_ARGS__, (char *)NULL)

static void test_values_of_every_kind_arrive(void **state) {
    (void)state;
    struct err err;
    assert_int_equal(PARSE("--model", "m.gguf", "--json", "--top", "3", "--any=-5", "--seed", "0x10", "--temperature=0.5", "--drafter", "pld", "sam", "--drafter=x@model=F"), 0);
    assert_string_equal(v.model, "m.gguf");
    assert_true(v.json && v.top == 3 && v.any == -5 && v.seed == 16 && v.temperature == 0.5);
    assert_int_equal(v.drafters.n, 3);
    assert_string_equal(v.drafters.at[1], "sam");
    assert_string_equal(v.drafters.at[2], "x@model=F");
}

static void test_what_is_not_given_keeps_its_default(void **state) {
    (void)state;
    struct err err;
    assert_int_equal(PARSE("--model="), 0);
    assert_string_equal(v.model, "");
    assert_true(!v.json && v.top == 8 && v.seed == 1 && v.temperature == 1 && v.drafters.n == 0);
}

static void test_the_last_of_two_values_counts(void **state) {
    (void)state;
    struct err err;
    assert_int_equal(PARSE("--model", "a", "--model", "b"), 0);
    assert_string_equal(v.model, "b");
}

static void test_a_value_may_look_like_an_option(void **state) {
    (void)state;
    struct err err;
    assert_int_equal(PARSE("--model", "--json"), 0);
    assert_string_equal(v.model, "--json");
    assert_false(v.json);
}

static void expect_usage(int rc, const struct err *err, const char *words) {
    assert_int_equal(rc, ERR_USAGE);
    if (!strstr(err->text, words)) fail_msg("'%s' does not say '%s'", err->text, words);
}

static void test_mistakes_are_usage_errors_that_name_the_option(void **state) {
    (void)state;
    struct err err;
    expect_usage(PARSE("--model", "m", "--many", "0"), &err, "option '--many' wants a value from 1 to 1048576, got '0'");
    expect_usage(PARSE("--json"), &err, "option '--model' is required");
    expect_usage(PARSE("--model"), &err, "option '--model' wants a value: FILE");
    expect_usage(PARSE("--model", "m", "--json=1"), &err, "option '--json' takes no value");
    expect_usage(PARSE("--model", "m", "--jso"), &err, "unknown option '--jso'");
    expect_usage(PARSE("--model", "m", "--jsonx"), &err, "unknown option '--jsonx'");
    expect_usage(PARSE("--model", "m", "--"), &err, "unknown option '--'");
    expect_usage(PARSE("--model", "m", "--=3"), &err, "unknown option");
    expect_usage(PARSE("stray", "--model", "m"), &err, "unexpected word 'stray' (see banditspec play --help)");
    expect_usage(PARSE("--model", "m", "-j"), &err, "unexpected word '-j'");
    expect_usage(PARSE("--model", "m", ""), &err, "unexpected word ''");
}

static void test_numbers_are_checked(void **state) {
    (void)state;
    struct err err;
    const char *const bad_top[] = {"0", "1001", "-1", "2.5", "x", "", "3x", "1e99", "nan", "inf", "99999999999"};
    for (size_t i = 0; i < sizeof bad_top / sizeof *bad_top; i++) {
        expect_usage(PARSE("--model", "m", "--top", bad_top[i]), &err, "option '--top' wants");
        assert_int_equal(v.top, 8);
    }
    const char *const bad_any[] = {"1e10", "-1e10", "inf", "-inf", "2147483648", "0.1", " "};
    for (size_t i = 0; i < sizeof bad_any / sizeof *bad_any; i++) expect_usage(PARSE("--model", "m", "--any", bad_any[i]), &err, "option '--any' wants a");
    const char *const bad_seed[] = {"-1", "", "x", "1.5", "18446744073709551616", " -1"};
    for (size_t i = 0; i < sizeof bad_seed / sizeof *bad_seed; i++) expect_usage(PARSE("--model", "m", "--seed", bad_seed[i]), &err, "option '--seed' wants a whole number from 0");
    const char *const bad_real[] = {"2.01", "-0.1", "nan", "inf", "warm"};
    for (size_t i = 0; i < sizeof bad_real / sizeof *bad_real; i++) expect_usage(PARSE("--model", "m", "--temperature", bad_real[i]), &err, "option '--temperature' wants a");
    assert_int_equal(PARSE("--model", "m", "--any", "-2147483648", "--seed", "18446744073709551615", "--top", "1e3"), 0);
    assert_true(v.any == INT32_MIN && v.seed == UINT64_MAX && v.top == 1000);
}

static void test_a_list_has_an_end(void **state) {
    (void)state;
    struct err err = {""};
    char *argv[300] = {"play", "--model", "m", "--drafter"};
    for (int i = 4; i < 300; i++) argv[i] = "pld";
    v = (struct values){.top = 8};
    assert_int_equal(opt_parse(table, &help, 260, argv, &err), 0);
    assert_int_equal(v.drafters.n, 256);
    v = (struct values){.top = 8};
    expect_usage(opt_parse(table, &help, 261, argv, &err), &err, "option '--drafter' has more than 256 values");
    expect_usage(PARSE("--model", "m", "--drafter"), &err, "option '--drafter' wants a value: D...");
}

static void test_help_wins_and_shows_every_option(void **state) {
    (void)state;
    struct err err;
    char page[4096] = "";
    int out = dup(1), ends[2];
    fflush(stdout);
    assert_int_equal(pipe(ends), 0);
    dup2(ends[1], 1);
    int rc = PARSE("--nonsense", "--help"), short_rc = PARSE("-h");
    fflush(stdout);
    dup2(out, 1), close(out), close(ends[1]);
    ssize_t n = read(ends[0], page, sizeof page - 1);
    close(ends[0]);
    assert_true(rc == 1 && short_rc == 1 && n > 0);
    assert_non_null(strstr(page, "usage: banditspec play --model M [--top K]"));
    assert_non_null(strstr(page, "--model FILE"));
    assert_non_null(strstr(page, "the target (required)"));
    assert_non_null(strstr(page, "how many (default 8)"));
    for (const struct opt *o = table; o->name; o++) assert_non_null(strstr(page, o->help));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values_of_every_kind_arrive),
        cmocka_unit_test(test_what_is_not_given_keeps_its_default),
        cmocka_unit_test(test_the_last_of_two_values_counts),
        cmocka_unit_test(test_a_value_may_look_like_an_option),
        cmocka_unit_test(test_mistakes_are_usage_errors_that_name_the_option),
        cmocka_unit_test(test_numbers_are_checked),
        cmocka_unit_test(test_a_list_has_an_end),
        cmocka_unit_test(test_help_wins_and_shows_every_option),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
