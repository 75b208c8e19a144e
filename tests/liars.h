/* liars.h - drafters of all sorts for tests of the round: one that is always right, and some that
 * are wrong in every way a drafter can be. All but `empty` know the target's own text (struct known)
 * and check on the way that they are shown every token, in order, once. */
#ifndef TESTS_LIARS_H
#define TESTS_LIARS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "core/drafter.h"
#include "core/rng.h"

enum { KNOWN_MOST = 512 };

/* The text to come: shared by the drafters of a test. */
struct known {
    int text[KNOWN_MOST], n; // prompt and target's text
    int vocab;
};

struct liar {
    const struct known *known;
    int shown[KNOWN_MOST], n; // what the decoder has shown it
};

static inline int liar_open(struct drafter *d, struct err *err) {
    (void)d, (void)err;
    return 0;
}
static inline void liar_close(struct drafter *d) { (void)d; }

static inline int liar_accept(struct drafter *d, const int *tokens, int n, struct err *err) {
    struct liar *l = d->state;
    (void)err;
    assert_true(n > 0 && l->n + n <= KNOWN_MOST);
    memcpy(l->shown + l->n, tokens, (size_t)n * sizeof *tokens);
    l->n += n;
    return 0;
}

static inline int liar_reset(struct drafter *d, const int *prompt, int n, struct err *err) {
    ((struct liar *)d->state)->n = 0;
    return liar_accept(d, prompt, n, err);
}

/* The history is what it was shown, whatever arms ran in between. */
static inline const struct known *liar_check(const struct drafter *d, const int *history, int n, int L) {
    const struct liar *l = d->state;
    assert_true(L >= 1 && L <= DRAFT_MAX);
    assert_int_equal(n, l->n);
    assert_memory_equal(history, l->shown, (size_t)n * sizeof *history);
    return l->known;
}

static inline int oracle_draft(struct drafter *d, const int *history, int n, int L, struct draft *out, struct err *err) {
    const struct known *k = liar_check(d, history, n, L);
    (void)err;
    out->n = k->n < n ? 0 : k->n - n < L ? k->n - n : L;
    memcpy(out->token, k->text + n, (size_t)out->n * sizeof *out->token);
    return 0;
}

/* Never the target's token. */
static inline int wrong_draft(struct drafter *d, const int *history, int n, int L, struct draft *out, struct err *err) {
    const struct known *k = liar_check(d, history, n, L);
    (void)err;
    for (out->n = 0; out->n < L; out->n++) out->token[out->n] = n + out->n < k->n ? (k->text[n + out->n] + 1) % k->vocab : 0;
    return 0;
}

/* Right up to a depth that the position decides, then noise: rejections at every depth. */
static inline int noise_draft(struct drafter *d, const int *history, int n, int L, struct draft *out, struct err *err) {
    const struct known *k = liar_check(d, history, n, L);
    struct rng r = rng_at(11, 0, 0, (uint32_t)n);
    int right = rng_below(&r, 9);
    (void)err;
    for (out->n = 0; out->n < L; out->n++)
        out->token[out->n] = out->n < right && n + out->n < k->n ? k->text[n + out->n] : rng_below(&r, k->vocab);
    return 0;
}

static inline int empty_draft(struct drafter *d, const int *history, int n, int L, struct draft *out, struct err *err) {
    liar_check(d, history, n, L);
    (void)err;
    out->n = 0;
    return 0;
}

/* Right, but never mind how many were asked for. */
static inline int long_draft(struct drafter *d, const int *history, int n, int L, struct draft *out, struct err *err) {
    liar_check(d, history, n, L);
    return oracle_draft(d, history, n, DRAFT_MAX, out, err);
}

static inline int foreign_draft(struct drafter *d, const int *history, int n, int L, struct draft *out, struct err *err) {
    oracle_draft(d, history, n, L, out, err);
    out->token[out->n - 1] = L % 2 ? -1 : ((struct liar *)d->state)->known->vocab;
    return 0;
}

static inline int negative_draft(struct drafter *d, const int *history, int n, int L, struct draft *out, struct err *err) {
    liar_check(d, history, n, L);
    (void)err;
    out->n = -3;
    return 0;
}

#define LIAR(kind) \
    static const struct drafter_type kind##_type = {.name = #kind, .copier = true, .open = liar_open, .close = liar_close, \
                                                    .reset = liar_reset, .draft = kind##_draft, .accept = liar_accept}

static inline struct drafter liar(const struct drafter_type *type, struct liar *state, const struct known *known) {
    struct drafter d = {.type = type, .state = state};
    state->known = known;
    strncpy(d.name, type->name, sizeof d.name - 1);
    return d;
}

#endif
