/* mem.c - see mem.h. */
#include "core/mem.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { HUGE_PAGE = 2 << 20 };

static long fail_after; // tests: counts down to the allocation that fails

void mem_fail_after(long n) { fail_after = n; }

void *mem_alloc(size_t count, size_t size, const char *what, struct err *err) {
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes) || bytes > SIZE_MAX - HUGE_PAGE
        || (fail_after > 0 && --fail_after == 0)) {
        err_set(err, "cannot allocate %zu x %zu bytes for %s", count, size, what);
        return NULL;
    }
    bytes = bytes ? (bytes + 63) / 64 * 64 : 64;
    const bool large = bytes >= 4 * HUGE_PAGE;
    if (large) bytes = (bytes + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE;
    void *block = aligned_alloc(large ? HUGE_PAGE : 64, bytes);
    if (!block) {
        err_set(err, "cannot allocate %zu x %zu bytes for %s", count, size, what);
        return NULL;
    }
#ifdef MADV_HUGEPAGE
    if (large) madvise(block, bytes, MADV_HUGEPAGE); // caches and logits are walked once a pass: small pages cost a walk of tables each
#endif
    return memset(block, 0, bytes);
}

int mem_grow(void *array, size_t *capacity, size_t need, size_t size, const char *what, struct err *err) {
    if (need <= *capacity) return 0;
    size_t next = *capacity < 16 ? 16 : *capacity;
    while (next < need) next = next > SIZE_MAX / 2 ? need : next * 2;
    void *old;
    memcpy(&old, array, sizeof old); // `array` is the address of any pointer
    void *block = mem_alloc(next, size, what, err);
    if (!block) return -1;
    if (old) memcpy(block, old, *capacity * size);
    mem_free(old);
    memcpy(array, &block, sizeof block);
    *capacity = next;
    return 0;
}

char *mem_text(const char *text, size_t n, struct err *err) {
    char *copy = mem_alloc(n + 1, 1, "text", err);
    if (copy && n) memcpy(copy, text, n);
    return copy;
}

void mem_free(void *block) { free(block); }
