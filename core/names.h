/* names.h - a hash table from byte strings to their index in an array.
 *
 * Open addressing, at most half full, keys borrowed: the table holds 16 bytes a slot and
 * never copies a name. It cannot shrink or forget; rebuild it instead. */
#ifndef CORE_NAMES_H
#define CORE_NAMES_H

#include <stddef.h>
#include <stdint.h>

#include "core/err.h"

struct name_slot {
    const char *at; // null: free
    uint32_t n;
    int32_t index;
};

struct names {
    struct name_slot *slots; // (mask + 1), owned
    size_t mask, count;
};

/* Room for `count` names. */
int names_open(struct names *t, size_t count, const char *what, struct err *err);
void names_close(struct names *t);

/* Adds a name (kept, not copied) and returns its index, or the index that a name of the same
 * bytes already has. Never more than the `count` of names_open. */
int32_t names_add(struct names *t, const char *at, size_t n, int32_t index);
int32_t names_find(const struct names *t, const char *at, size_t n); // -1: absent

#endif
