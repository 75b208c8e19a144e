/* brute.h - feeds a text to a drafter token by token and holds every draft against one
 * that a test works out by scanning the text. */
#ifndef TESTS_BRUTE_H
#define TESTS_BRUTE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "core/clock.h"
#include "core/drafter.h"
#include "core/mem.h"
#include "tests/texts.h"

struct expected {
    int match, from, end; // matched tokens (0: none); the draft is token[from .. end)
};

typedef struct expected brute(const struct drafter *d, const int *token, int n, void *scratch);

static inline void assert_draft_is(const struct drafter *d, const char *what, const int *token, int n, int L,
                                   const struct draft *got, struct expected e) {
    int most = e.match == 0 || e.end < e.from ? 0 : e.end - e.from < L ? e.end - e.from : L;
    if (got->match != e.match || got->n != most || memcmp(got->token, token + e.from, (size_t)most * sizeof *token))
        fail_msg("%s (%s) on %s at %d tokens: match %d draft %d, expected match %d draft %d from %d",
                 d->name, d->options, what, n, got->match, got->n, e.match, most, e.from);
}

static inline void assert_equals_brute(const char *spec, int kind, uint64_t seed, int N, brute *expect, void *scratch) {
    struct err err = {""};
    struct drafter d;
    struct draft out;
    int *token = mem_alloc((size_t)N, sizeof *token, "text", &err);
    assert_non_null(token);
    text_make(kind, seed, token, N);
    if (drafter_open(&d, spec, &err) || drafter_reset(&d, token, 0, &err)) fail_msg("'%s': %s", spec, err.text);
    for (int n = 0; n <= N; n++) {
        if (drafter_draft(&d, token, n, DRAFT_MAX, &out, &err)) fail_msg("'%s': %s", spec, err.text);
        assert_draft_is(&d, text_kinds[kind], token, n, DRAFT_MAX, &out, expect(&d, token, n, scratch));
        if (n < N && drafter_accept(&d, token + n, 1, &err)) fail_msg("'%s': %s", spec, err.text);
    }
    drafter_close(&d);
    mem_free(token);
}

/* Nanoseconds a token at N and at 8 N tokens: printed, since a busy machine proves nothing. */
static inline void print_speed(const char *spec, int kind, int N) {
    struct err err = {""};
    struct drafter d;
    struct draft out;
    double ns[2];
    int *token = mem_alloc((size_t)N * 8, sizeof *token, "text", &err);
    assert_non_null(token);
    text_make(kind, 9, token, N * 8);
    for (int i = 0; i < 2; i++) {
        int n = i ? N * 8 : N;
        if (drafter_open(&d, spec, &err) || drafter_reset(&d, token, 0, &err)) fail_msg("'%s': %s", spec, err.text);
        int64_t start = clock_ns();
        for (int t = 0; t < n; t++) {
            assert_int_equal(drafter_accept(&d, token + t, 1, &err), 0);
            assert_int_equal(drafter_draft(&d, token, t + 1, 8, &out, &err), 0);
        }
        ns[i] = (double)(clock_ns() - start) / n;
        drafter_close(&d);
    }
    mem_free(token);
    print_message("%-28s %-30s %5.0f ns a token at %d tokens, %5.0f at %d\n", spec, text_kinds[kind], ns[0], N, ns[1], N * 8);
}

#endif
