/* test_drafter.c - specs and options, and the promises of every drafter that needs no file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "core/drafter.h"
#include "core/mem.h"
#include "tests/run_command.h"
#include "tests/tempdir.h"
#include "tests/texts.h"

command cmd_drafters;

static void assert_opens(const char *spec, const char *name, const char *kind, const char *options) {
    struct drafter d;
    struct err err = {""};
    if (drafter_open(&d, spec, &err)) fail_msg("'%s': %s", spec, err.text);
    assert_string_equal(d.name, name);
    assert_string_equal(d.type->name, kind);
    assert_string_equal(d.options, options);
    drafter_close(&d);
}

static void test_spec_gives_name_kind_and_canonical_options(void **state) {
    (void)state;
    assert_opens("pld", "pld", "pld", "match=recent,draft=clip,ngram=3,full=10");
    assert_opens("pld,match=first", "pld", "pld", "match=first,draft=clip,ngram=3,full=10");
    assert_opens("copy@pld,ngram=4,match=recent", "copy", "pld", "match=recent,draft=clip,ngram=4,full=10");
    assert_opens("Spec-Bench_1.0@pld,full=1e1,draft=full,match=first", "Spec-Bench_1.0", "pld",
                 "match=first,draft=full,ngram=3,full=10");
    assert_opens("sam", "sam", "sam", "match=recent,alpha=0,newest=keep");
    assert_opens("sam,newest=drop,alpha=4.0", "sam", "sam", "match=recent,alpha=4,newest=drop");
    assert_opens("sam,alpha=0.1", "sam", "sam", "match=recent,alpha=0.1,newest=keep");
}

static void test_options_of_equal_values_are_equal_texts_and_open_again(void **state) {
    (void)state;
    for (int i = 0; drafter_types[i]; i++) {
        if (!drafter_types[i]->copier) continue;
        struct drafter d, again;
        struct err err = {""};
        char spec[700];
        if (drafter_open(&d, drafter_types[i]->name, &err)) continue; // wants a file
        snprintf(spec, sizeof spec, "%s,%s", d.type->name, d.options);
        assert_int_equal(drafter_open(&again, spec, &err), 0);
        assert_string_equal(again.options, d.options);
        drafter_close(&again);
        drafter_close(&d);
    }
}

static void test_spec_errors_name_the_word_and_list_what_is_known(void **state) {
    (void)state;
    static const struct { const char *spec, *says; } bad[] = {
        {"", "unknown kind of drafter '' in ''"},
        {"nosuch", "unknown kind of drafter 'nosuch' in 'nosuch' (known: pld, sam"},
        {"PLD", "unknown kind"},
        {"pl", "unknown kind of drafter 'pl'"},
        {"a@", "unknown kind of drafter ''"},
        {"a@b@pld", "unknown kind of drafter 'b@pld'"},
        {"@pld", "drafter name '' in '@pld' wants 1 to 31 characters"},
        {"plain@pld", "drafter name 'plain' in 'plain@pld' is taken"},
        {"a b@pld", "drafter name 'a b' in 'a b@pld' wants letters"},
        {"a:b@pld", "wants letters, digits, '_', '-' and '.' only"},
        {"abcdefghijklmnopqrstuvwxyz012345@pld", "wants 1 to 31 characters"},
        {"pld=file.bin", "drafter 'pld' copies from the text itself and takes no file, got 'file.bin'"},
        {"sam=a@b=c,alpha=1", "takes no file, got 'a@b=c'"},
        {"pld=", "drafter 'pld=' wants a path after '='"},
        {"pld,", "option '' in drafter 'pld,' wants key=value"},
        {"pld,match", "option 'match' in drafter 'pld,match' wants key=value"},
        {"pld,match=last", "option 'match' of drafter 'pld,match=last' wants one of recent|first, got 'last'"},
        {"pld,match=rec", "wants one of recent|first, got 'rec'"},
        {"pld,match=", "wants one of recent|first, got ''"},
        {"pld,nosuch=1", "drafter 'pld' has no option 'nosuch' in 'pld,nosuch=1' (known: match, draft, ngram, full)"},
        {"sam,ngram=3", "drafter 'sam' has no option 'ngram' in 'sam,ngram=3' (known: match, alpha, newest)"},
        {"pld,ngram=0", "option 'ngram' of drafter 'pld,ngram=0' wants a number from 1 to 8, got '0'"},
        {"pld,ngram=9", "from 1 to 8, got '9'"},
        {"pld,ngram=2.5", "option 'ngram' of drafter 'pld' wants a whole number, got '2.5'"},
        {"pld,full=10.5", "option 'full' of drafter 'pld' wants a whole number"},
        {"pld,ngram=3x", "got '3x'"},
        {"pld,ngram= 3", "got ' 3'"},
        {"pld,ngram=", "from 1 to 8, got ''"},
        {"sam,alpha=nan", "got 'nan'"},
        {"sam,alpha=inf", "got 'inf'"},
        {"sam,alpha=-1", "got '-1'"},
        {"pld,ngram=2,ngram=3", "option 'ngram' stands twice"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct drafter d;
        struct err err = {""};
        int rc = drafter_open(&d, bad[i].spec, &err);
        if (rc != ERR_FAILED || !strstr(err.text, bad[i].says))
            fail_msg("'%s' gives %d, '%s'; expected '%s'", bad[i].spec, rc, err.text, bad[i].says);
        assert_null(d.type);
        drafter_close(&d); // closing a drafter that did not open is fine
    }
}

static void test_every_listed_drafter_describes_itself(void **state) {
    (void)state;
    for (int i = 0; drafter_types[i]; i++) {
        const struct drafter_type *type = drafter_types[i];
        assert_true(type->name && type->summary && type->cite);
        assert_true(type->open && type->close && type->reset && type->draft && type->accept);
        for (int k = 0; k < i; k++) assert_string_not_equal(type->name, drafter_types[k]->name);
        for (const struct drafter_param *p = type->params; p->name; p++)
            assert_true(p->meaning && p->value >= p->lo && p->value <= p->hi);
    }
}

/* ---- the two promises, for every copier in several settings ---- */

static const char *const settings[] = {
    "pld", "pld,match=first", "pld,draft=full", "pld,match=first,draft=full", "pld,ngram=8", "pld,ngram=1,draft=full,full=3",
    "sam", "sam,match=first", "sam,alpha=4", "sam,match=first,alpha=0.5", "sam,match=first,alpha=4,newest=drop",
};
enum { SETTINGS = sizeof settings / sizeof *settings, N = 400 };

static void open_or_fail(struct drafter *d, const char *spec) {
    struct err err = {""};
    if (drafter_open(d, spec, &err)) fail_msg("'%s': %s", spec, err.text);
}

static void draft_or_fail(struct drafter *d, const int *token, int n, int L, struct draft *out) {
    struct err err = {""};
    memset(out, 0xaa, sizeof *out); // a drafter leaves nothing of what was there
    if (drafter_draft(d, token, n, L, out, &err)) fail_msg("%s: %s", d->name, err.text);
}

static void assert_prefix(const char *spec, int n, const struct draft *part, const struct draft *whole, int L) {
    int expected = whole->n < L ? whole->n : L;
    if (part->n != expected || part->match != whole->match || memcmp(part->token, whole->token, (size_t)expected * sizeof(int)))
        fail_msg("%s at %d tokens: a draft of %d has %d tokens and is no prefix of the longest (%d)", spec, n, L, part->n, whole->n);
}

static void test_draft_of_gamma_is_the_beginning_of_a_longer_draft(void **state) {
    (void)state;
    for (int s = 0; s < SETTINGS; s++)
        for (int kind = 0; kind < TEXT_KINDS; kind++) {
            int token[N];
            struct drafter d;
            struct draft part, whole;
            struct err err;
            text_make(kind, 1, token, N);
            open_or_fail(&d, settings[s]);
            assert_int_equal(drafter_reset(&d, token, 0, &err), 0);
            for (int n = 0; n < N; n++) {
                draft_or_fail(&d, token, n, DRAFT_MAX, &whole);
                for (int L = 0; L < DRAFT_MAX; L += 1 + L / 4) {
                    draft_or_fail(&d, token, n, L, &part);
                    assert_prefix(settings[s], n, &part, &whole, L);
                }
                assert_int_equal(drafter_accept(&d, token + n, 1, &err), 0);
            }
            drafter_close(&d);
        }
}

/* One drafter sees the text token by token; the other in random chunks, with random drafts
 * between, after an unrelated sequence. */
static void test_draft_depends_on_the_prefix_only(void **state) {
    (void)state;
    for (int s = 0; s < SETTINGS; s++)
        for (int kind = 0; kind < TEXT_KINDS; kind++) {
            int token[N], other[N];
            struct rng r = rng_at(2, 0, (uint32_t)s, (uint32_t)kind);
            struct drafter steady, chunked;
            struct draft a, b;
            struct err err;
            text_make(kind, 3, token, N);
            text_make((kind + 1) % TEXT_KINDS, 4, other, N);
            open_or_fail(&steady, settings[s]);
            open_or_fail(&chunked, settings[s]);
            assert_int_equal(drafter_reset(&chunked, other, N, &err), 0);
            int at = rng_below(&r, 50);
            assert_int_equal(drafter_reset(&chunked, token, at, &err), 0);
            assert_int_equal(drafter_reset(&steady, NULL, 0, &err), 0);
            for (int n = 0; n < N; n++) {
                if (n == at) {
                    draft_or_fail(&steady, token, n, DRAFT_MAX, &a);
                    draft_or_fail(&chunked, token, n, DRAFT_MAX, &b);
                    assert_prefix(settings[s], n, &b, &a, DRAFT_MAX);
                    int more = rng_below(&r, 12);
                    if (more > N - at) more = N - at;
                    assert_int_equal(drafter_accept(&chunked, token + at, more, &err), 0);
                    at += more;
                    if (more == 0) at = n + 1, assert_int_equal(drafter_accept(&chunked, token + n, 1, &err), 0);
                }
                assert_int_equal(drafter_accept(&steady, token + n, 1, &err), 0);
            }
            drafter_close(&steady);
            drafter_close(&chunked);
        }
}

static void test_copiers_leave_probabilities_at_zero(void **state) {
    (void)state;
    int token[] = {5, 6, 7, 5, 6};
    for (int s = 0; s < SETTINGS; s++) {
        struct drafter d;
        struct draft out;
        struct err err;
        open_or_fail(&d, settings[s]);
        assert_int_equal(drafter_reset(&d, token, 5, &err), 0);
        draft_or_fail(&d, token, 5, 4, &out);
        for (int i = 0; i < DRAFT_MAX; i++) assert_true(out.top_prob[i] == 0 && out.entropy[i] == 0);
        drafter_close(&d);
    }
}

/* Every allocation of a whole life fails once: an error, no leak, and reset mends it. */
static void test_out_of_memory_is_an_error_that_reset_mends(void **state) {
    (void)state;
    int token[N];
    text_make(7, 5, token, N);
    for (int s = 0; s < SETTINGS; s++)
        for (long fail = 1, done = 0; !done; fail++) {
            struct drafter d;
            struct draft out, expected;
            struct err err = {""};
            assert_true(fail < 1000);
            mem_fail_after(fail);
            if (drafter_open(&d, settings[s], &err)) {
                mem_fail_after(0);
                assert_non_null(strstr(err.text, "cannot allocate"));
                continue;
            }
            int rc = drafter_reset(&d, token, N / 2, &err);
            if (rc == 0) rc = drafter_accept(&d, token + N / 2, N / 2, &err);
            mem_fail_after(0);
            done = rc == 0;
            if (rc) {
                assert_int_equal(rc, ERR_FAILED);
                assert_non_null(strstr(err.text, "cannot allocate"));
                assert_int_equal(drafter_reset(&d, token, N, &err), 0);
            }
            draft_or_fail(&d, token, N, DRAFT_MAX, &out);
            struct drafter fresh;
            open_or_fail(&fresh, settings[s]);
            assert_int_equal(drafter_reset(&fresh, token, N, &err), 0);
            draft_or_fail(&fresh, token, N, DRAFT_MAX, &expected);
            assert_prefix(settings[s], N, &out, &expected, DRAFT_MAX);
            drafter_close(&fresh);
            drafter_close(&d);
        }
}

static void test_the_command_shows_every_kind_and_its_options(void **state) {
    (void)state;
    struct tempdir dir;
    struct err err;
    assert_false(tempdir_open(&dir));
    const char *path = tempdir_file(&dir, "out");
    for (int i = 0; drafter_types[i]; i++) {
        const struct drafter_type *t = drafter_types[i];
        assert_int_equal(run_command(cmd_drafters, &err, path, (char *[]){"drafters", (char *)t->name, NULL}), 0);
        char *text = read_file(path);
        assert_contains(text, t->summary);
        assert_contains(text, t->cite);
        for (int k = 0; t->params[k].name; k++) assert_contains(text, t->params[k].meaning);
        free(text);
    }
    assert_refused(cmd_drafters, (char *[]){"drafters", "abacus", NULL}, -1, "'abacus'");
    tempdir_close(&dir);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_spec_gives_name_kind_and_canonical_options),
        cmocka_unit_test(test_options_of_equal_values_are_equal_texts_and_open_again),
        cmocka_unit_test(test_spec_errors_name_the_word_and_list_what_is_known),
        cmocka_unit_test(test_every_listed_drafter_describes_itself),
        cmocka_unit_test(test_draft_of_gamma_is_the_beginning_of_a_longer_draft),
        cmocka_unit_test(test_draft_depends_on_the_prefix_only),
        cmocka_unit_test(test_copiers_leave_probabilities_at_zero),
        cmocka_unit_test(test_out_of_memory_is_an_error_that_reset_mends),
        cmocka_unit_test(test_the_command_shows_every_kind_and_its_options),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
