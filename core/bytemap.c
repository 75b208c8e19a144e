/* bytemap.c - see bytemap.h. */
#include "core/bytemap.h"

#include "core/utf8.h"

static int stands_for_itself(int b) {
    return (b >= 0x21 && b <= 0x7e) || (b >= 0xa1 && b <= 0xac) || b >= 0xae;
}

/* The byte that character `code` stands for, or -1: 0x100 + k is the k-th byte of those
 * that do not stand for themselves (0-20, 7f-a0, ad). */
static int byte_of(uint32_t code) {
    if (code < 0x100) return stands_for_itself((int)code) ? (int)code : -1;
    uint32_t k = code - 0x100;
    if (k <= 0x20) return (int)k;
    if (k <= 0x20 + 34) return (int)(0x7f + (k - 0x21));
    return k == 0x20 + 35 ? 0xad : -1;
}

long bytemap_bytes(const char *text, size_t n, char *out) {
    long count = 0;
    for (size_t i = 0; i < n;) {
        struct utf8_step s = utf8_step(text + i, n - i);
        int b = s.valid ? byte_of(s.code) : -1;
        if (b < 0) return -1;
        out[count++] = (char)b;
        i += (size_t)s.n;
    }
    return count;
}
