/* special.h - tokens that are found in the text before anything else is done to it:
 * leftmost first, and the longest of those that start at one place. */
#ifndef CORE_SPECIAL_H
#define CORE_SPECIAL_H

#include <stdbool.h>
#include <stddef.h>

#include "core/err.h"

struct special {
    const char *at; // borrowed
    size_t n;
    int id;
    bool control;   // markup (found where markup may be), not just a word added to the vocabulary
};

struct specials {
    struct special *at; // (n), sorted by bytes, owned
    size_t n;
    bool starts[256];   // some special token begins with this byte
};

/* Takes the array over and sorts it. */
void specials_sort(struct specials *s, struct special *at, size_t n);
void specials_close(struct specials *s);

/* The first one in text (n bytes) at or after `from`; *where is its place. Control tokens
 * that touch [plain_from, plain_to) do not count. Null: none. */
const struct special *specials_find(const struct specials *s, const char *text, size_t n, size_t from,
                                    size_t plain_from, size_t plain_to, size_t *where);

/* The one with this text, or null. */
const struct special *specials_named(const struct specials *s, const char *text, size_t n);

#endif
