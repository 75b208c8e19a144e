/* copier.h - what the drafters that copy from the history share: their own copy of it,
 * the cut of a draft, and two checks of options. */
#ifndef CORE_COPIER_H
#define CORE_COPIER_H

#include <assert.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

#include "core/drafter.h"
#include "core/mem.h"

struct history {
    int *token; // (n), owned
    size_t capacity;
    int n;
};

static inline int history_reserve(struct history *h, int more, struct err *err) {
    return mem_grow(&h->token, &h->capacity, (size_t)h->n + (size_t)more, sizeof *h->token, "token history", err);
}

/* token[from .. end), at most L of it. Copiers have no probabilities: those are zero. */
static inline void copier_draft(const struct history *h, int from, int end, int L, int match, struct draft *out) {
    assert(L >= 0 && L <= DRAFT_MAX && from >= 0 && end <= h->n);
    int n = end - from < L ? end - from : L;
    out->n = n > 0 ? n : 0;
    out->match = match;
    if (out->n) memcpy(out->token, h->token + from, (size_t)out->n * sizeof *out->token);
    memset(out->top_prob, 0, sizeof out->top_prob);
    memset(out->entropy, 0, sizeof out->entropy);
}

static inline int copier_no_path(const struct drafter *d, struct err *err) {
    return d->path ? err_set(err, "drafter '%s' copies from the text itself and takes no file, got '%s'", d->type->name, d->path) : 0;
}

static inline int copier_whole(const struct drafter *d, int param, struct err *err) {
    if (d->param[param] == floor(d->param[param])) return 0;
    return err_set(err, "option '%s' of drafter '%s' wants a whole number, got '%g'",
                     d->type->params[param].name, d->type->name, d->param[param]);
}

#endif
