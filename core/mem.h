/* mem.h - one overflow-checked allocation that names what was too big. */
#ifndef CORE_MEM_H
#define CORE_MEM_H

#include <stddef.h>

#include "core/err.h"

/* count * size zeroed bytes, aligned to 64; null with `err` set ("cannot allocate
 * 12 x 4096 bytes for kv cache") on overflow or exhaustion. count or size 0 gives a
 * valid pointer. The caller frees it with mem_free. */
void *mem_alloc(size_t count, size_t size, const char *what, struct err *err);

/* Grows an array to hold at least `need` items of `size` bytes (doubling); `*array`
 * may be null with *capacity 0. Contents are kept, the new tail is zeroed. */
int mem_grow(void *array, size_t *capacity, size_t need, size_t size, const char *what, struct err *err);

/* A copy of text (n bytes, terminated). */
char *mem_text(const char *text, size_t n, struct err *err);

void mem_free(void *block);

/* Tests only: the n-th allocation from now fails (0: none). */
void mem_fail_after(long n);

#endif
