/* test_drafter_pld.c - prompt lookup against a scan written from its definition. */
#include "tests/brute.h"

#include <stdio.h>

/* For g = ngram .. 1, all starts s with token[s .. s+g) equal to the last g tokens and at
 * least `follow` tokens from s + g to the end: the first or the last such s. */
static struct expected scan(const struct drafter *d, const int *token, int n, void *scratch) {
    (void)scratch;
    int first = strstr(d->options, "match=first") != NULL, ngram = 0, full = 0;
    assert_int_equal(sscanf(strstr(d->options, "ngram="), "ngram=%d,full=%d", &ngram, &full), 2);
    int follow = strstr(d->options, "draft=full") ? full : 1;
    for (int g = ngram < n ? ngram : n; g >= 1; g--) {
        int found = -1;
        for (int s = 0; s + g + follow <= n && !(first && found >= 0); s++) {
            int same = 0;
            while (same < g && token[s + same] == token[n - g + same]) same++;
            if (same == g) found = s;
        }
        if (found >= 0) return (struct expected){g, found + g, n};
    }
    return (struct expected){0, n, n};
}

static void test_every_variant_equals_the_scan_on_every_text(void **state) {
    (void)state;
    for (int kind = 0; kind < TEXT_KINDS; kind++)
        for (int variant = 0; variant < 4; variant++)
            for (int ngram = 1; ngram <= 8; ngram++) {
                char spec[64];
                int full = 1 + (ngram * 7 + variant) % 13;
                snprintf(spec, sizeof spec, "pld,match=%s,draft=%s,ngram=%d,full=%d",
                         variant & 1 ? "first" : "recent", variant & 2 ? "full" : "clip", ngram, full);
                assert_equals_brute(spec, kind, (uint64_t)ngram, 250, scan, NULL);
            }
}

static void test_long_texts_equal_the_scan(void **state) {
    (void)state;
    for (int kind = 0; kind < TEXT_KINDS; kind++)
        for (int variant = 0; variant < 4; variant++) {
            char spec[64];
            snprintf(spec, sizeof spec, "pld,match=%s,draft=%s", variant & 1 ? "first" : "recent", variant & 2 ? "full" : "clip");
            assert_equals_brute(spec, kind, 77, 2000, scan, NULL);
        }
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
    assert_drafts("pld,match=first", token, 10, 2, (int[]){8, 1, 2, 9, 3, 3, 1, 2}, 8);
    assert_drafts("pld,match=recent", token, 10, 2, (int[]){9, 3, 3, 1, 2}, 5);
    assert_drafts("pld,draft=full,full=5", token, 10, 2, (int[]){9, 3, 3, 1, 2}, 5);
    assert_drafts("pld,draft=full,full=6", token, 10, 2, (int[]){8, 1, 2, 9, 3, 3, 1, 2}, 8);
    assert_drafts("pld,draft=full,full=8", token, 10, 2, (int[]){8, 1, 2, 9, 3, 3, 1, 2}, 8);
    assert_drafts("pld,draft=full,full=9", token, 10, 0, NULL, 0); // "2" alone stands at 1 and 4: 8 tokens follow at most
    assert_drafts("pld,ngram=1", token, 10, 1, (int[]){9, 3, 3, 1, 2}, 5);
    assert_drafts("pld", token, 3, 0, NULL, 0);
    assert_drafts("pld", token, 0, 0, NULL, 0);
}

static void test_time_per_token_stays_level(void **state) {
    (void)state;
    print_speed("pld", 0, 8192);
    print_speed("pld", 3, 8192);
    print_speed("pld,draft=full", 7, 8192);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_variants_choose_as_worked_out_by_hand),
        cmocka_unit_test(test_every_variant_equals_the_scan_on_every_text),
        cmocka_unit_test(test_long_texts_equal_the_scan),
        cmocka_unit_test(test_time_per_token_stays_level),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
