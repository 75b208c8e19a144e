/* test_drafter_sam.c - the suffix automaton against a scan written from the definition. */
#include "tests/brute.h"

#include <stdio.h>
#include <stdlib.h>

enum { LONGEST = 4000 };

/* common[e]: how many tokens before end e equal the last ones of the text, e < n. From the
 * same of the text without its newest token, so a scan costs O(n) even in a loop. */
struct scratch {
    int common[LONGEST + 1];
};

/* The largest common[e] over e < n; of several the first or the last e. */
static struct expected scan(const struct drafter *d, const int *token, int n, void *scratch) {
    int *common = ((struct scratch *)scratch)->common, first = strstr(d->options, "match=first") != NULL;
    struct expected best = {0, n, n};
    if (n > 0) common[n] = n - 1; // the text itself, one token ago: what the shift below reads
    for (int e = n - 1; e >= 1; e--) {
        common[e] = token[e - 1] == token[n - 1] ? (e > 1 ? common[e - 1] : 0) + 1 : 0;
        if (common[e] > best.match || (first && common[e] && common[e] == best.match))
            best = (struct expected){common[e], e, n};
    }
    const char *alpha_at = strstr(d->options, "alpha=") + strlen("alpha=");
    double alpha = strtod(alpha_at, NULL);
    if (strstr(d->options, "newest=drop")) best.end = n - 1;
    if (alpha > 0 && best.end - best.from > (int)(alpha * best.match)) best.end = best.from + (int)(alpha * best.match);
    return best;
}

/* The same without the recurrence, token by token: what holds the scan itself. */
static struct expected slow_scan(const struct drafter *d, const int *token, int n, void *scratch) {
    (void)scratch;
    struct expected best = {0, n, n};
    for (int e = 1; e < n; e++) {
        int l = 0;
        while (l < e && token[e - 1 - l] == token[n - 1 - l]) l++;
        if (l > best.match || (l && l == best.match && strstr(d->options, "match=recent"))) best = (struct expected){l, e, n};
    }
    return best;
}

static const char *const specs[] = {
    "sam,match=recent", "sam,match=first", "sam,match=recent,alpha=4", "sam,match=first,alpha=1.5",
    "sam,match=first,alpha=4,newest=drop", "sam,match=recent,newest=drop",
};
enum { SPECS = sizeof specs / sizeof *specs };

static void test_short_texts_equal_the_definition(void **state) {
    (void)state;
    for (int kind = 0; kind < TEXT_KINDS; kind++)
        for (uint64_t seed = 0; seed < 20; seed++) {
            assert_equals_brute("sam,match=recent", kind, seed, 120, slow_scan, NULL);
            assert_equals_brute("sam,match=first", kind, seed, 120, slow_scan, NULL);
        }
}

static void test_every_variant_equals_the_scan_on_every_text(void **state) {
    (void)state;
    struct scratch scratch = {{0}};
    for (int kind = 0; kind < TEXT_KINDS; kind++)
        for (int s = 0; s < SPECS; s++)
            for (uint64_t seed = 0; seed < 4; seed++) assert_equals_brute(specs[s], kind, seed, 400, scan, &scratch);
}

static void test_long_texts_equal_the_scan(void **state) {
    (void)state;
    struct scratch scratch = {{0}};
    for (int kind = 0; kind < TEXT_KINDS; kind++)
        for (int s = 0; s < 2; s++) assert_equals_brute(specs[s], kind, 77, LONGEST, scan, &scratch);
}

static void assert_drafts(const char *spec, const int *token, int n, int match, const int *expected, int expected_n) {
    struct err err = {""};
    struct drafter d;
    struct draft out;
    if (drafter_open(&d, spec, &err)) fail_msg("'%s': %s", spec, err.text);
    assert_int_equal(drafter_reset(&d, token, n, &err), 0);
    assert_int_equal(drafter_draft(&d, token, n, 10, &out, &err), 0);
    if (out.match != match || out.n != expected_n) fail_msg("%s: match %d draft %d, expected %d and %d", spec, out.match, out.n, match, expected_n);
    assert_memory_equal(out.token, expected, (size_t)expected_n * sizeof *expected);
    drafter_close(&d);
}

/*  0 1 2 3 4 5 6 7 8 9
 *  1 2 8 1 2 9 3 3 1 2    the last two stand at 0 and 3 */
static void test_variants_choose_as_worked_out_by_hand(void **state) {
    (void)state;
    const int token[] = {1, 2, 8, 1, 2, 9, 3, 3, 1, 2};
    assert_drafts("sam,match=first", token, 10, 2, (int[]){8, 1, 2, 9, 3, 3, 1, 2}, 8);
    assert_drafts("sam,match=recent", token, 10, 2, (int[]){9, 3, 3, 1, 2}, 5);
    assert_drafts("sam,match=first,alpha=4", token, 10, 2, (int[]){8, 1, 2, 9, 3, 3, 1, 2}, 8);
    assert_drafts("sam,match=first,alpha=4,newest=drop", token, 10, 2, (int[]){8, 1, 2, 9, 3, 3, 1}, 7);
    assert_drafts("sam,match=first,alpha=1", token, 10, 2, (int[]){8, 1}, 2);
    const int loop[] = {7, 7, 7, 7};
    assert_drafts("sam", loop, 4, 3, (int[]){7}, 1);
    assert_drafts("sam,newest=drop", loop, 4, 3, NULL, 0);
    assert_drafts("sam", token, 3, 0, NULL, 0);
    assert_drafts("sam", token, 0, 0, NULL, 0);
}

static void test_time_per_token_stays_level(void **state) {
    (void)state;
    static const int kinds[] = {0, 1, 3, 6, 7};
    for (int i = 0; i < 5; i++) {
        print_speed("sam", kinds[i], 8192);
        print_speed("sam,match=first", kinds[i], 8192);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_variants_choose_as_worked_out_by_hand),
        cmocka_unit_test(test_short_texts_equal_the_definition),
        cmocka_unit_test(test_every_variant_equals_the_scan_on_every_text),
        cmocka_unit_test(test_long_texts_equal_the_scan),
        cmocka_unit_test(test_time_per_token_stays_level),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
