/* names.c - see names.h. */
#include "core/names.h"

#include <string.h>

#include "core/mem.h"

/* FNV-1a over 64 bits, then a finalizer: the low bits alone pick the slot. */
static uint64_t hash(const char *at, size_t n) {
    uint64_t h = 0xcbf29ce484222325u;
    for (size_t i = 0; i < n; i++) h = (h ^ (unsigned char)at[i]) * 0x100000001b3u;
    h ^= h >> 32;
    return h * 0x9e3779b97f4a7c15u >> 16;
}

int names_open(struct names *t, size_t count, const char *what, struct err *err) {
    size_t slots = 16;
    while (slots / 2 < count) slots *= 2;
    *t = (struct names){.slots = mem_alloc(slots, sizeof *t->slots, what, err), .mask = slots - 1};
    return t->slots ? 0 : -1;
}

void names_close(struct names *t) {
    mem_free(t->slots);
    *t = (struct names){0};
}

static struct name_slot *slot_of(const struct names *t, const char *at, size_t n) {
    for (size_t i = hash(at, n) & t->mask;; i = (i + 1) & t->mask) {
        struct name_slot *s = &t->slots[i];
        if (!s->at || (s->n == n && !memcmp(s->at, at, n))) return s;
    }
}

int32_t names_add(struct names *t, const char *at, size_t n, int32_t index) {
    struct name_slot *s = slot_of(t, at, n);
    if (s->at) return s->index;
    *s = (struct name_slot){at, (uint32_t)n, index};
    t->count++;
    return index;
}

int32_t names_find(const struct names *t, const char *at, size_t n) {
    if (!t->slots) return -1;
    const struct name_slot *s = slot_of(t, at, n);
    return s->at ? s->index : -1;
}
