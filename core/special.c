/* special.c - see special.h. */
#include "core/special.h"

#include <stdlib.h>
#include <string.h>

#include "core/mem.h"

static int compare(const void *a, const void *b) {
    const struct special *x = a, *y = b;
    size_t n = x->n < y->n ? x->n : y->n;
    int order = memcmp(x->at, y->at, n);
    if (order) return order;
    if (x->n != y->n) return x->n < y->n ? -1 : 1; // a prefix comes before what it begins
    return (x->id > y->id) - (x->id < y->id);
}

void specials_sort(struct specials *s, struct special *at, size_t n) {
    *s = (struct specials){.at = at, .n = n};
    qsort(at, n, sizeof *at, compare);
    for (size_t i = 0; i < n; i++) s->starts[(unsigned char)at[i].at[0]] = true;
}

void specials_close(struct specials *s) {
    mem_free(s->at);
    *s = (struct specials){0};
}

/* Within [lo, hi), all of which share `depth` bytes: the first whose next byte is >= b. */
static size_t lower(const struct specials *s, size_t lo, size_t hi, size_t depth, int b) {
    while (lo < hi) {
        size_t middle = lo + (hi - lo) / 2;
        const struct special *x = &s->at[middle];
        int next = depth < x->n ? (unsigned char)x->at[depth] : -1;
        if (next < b) lo = middle + 1;
        else hi = middle;
    }
    return lo;
}

/* The longest that text begins with; control tokens only up to `control_n` bytes. Each byte
 * of text narrows the sorted range. */
static const struct special *longest(const struct specials *s, const char *text, size_t n, size_t control_n) {
    const struct special *best = NULL;
    size_t lo = 0, hi = s->n;
    for (size_t depth = 0; depth < n && lo < hi; depth++) {
        int b = (unsigned char)text[depth];
        lo = lower(s, lo, hi, depth, b);
        hi = lower(s, lo, hi, depth, b + 1);
        if (lo < hi && s->at[lo].n == depth + 1 && (!s->at[lo].control || depth + 1 <= control_n)) best = &s->at[lo];
    }
    return best;
}

const struct special *specials_find(const struct specials *s, const char *text, size_t n, size_t from,
                                    size_t plain_from, size_t plain_to, size_t *where) {
    for (size_t i = from; i < n; i++) {
        if (!s->starts[(unsigned char)text[i]]) continue;
        size_t control_n = plain_from >= plain_to || i >= plain_to ? n - i : i < plain_from ? plain_from - i : 0;
        const struct special *x = longest(s, text + i, n - i, control_n);
        if (x) {
            *where = i;
            return x;
        }
    }
    return NULL;
}

const struct special *specials_named(const struct specials *s, const char *text, size_t n) {
    const struct special *x = longest(s, text, n, n);
    return x && x->n == n ? x : NULL;
}
