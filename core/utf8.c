/* utf8.c - see utf8.h. */
#include "core/utf8.h"

/* The lead byte fixes the length and, for four leads, a narrower range of the second byte
 * (table 3-7: no overlong forms, no surrogates, nothing past U+10FFFF). */
static int lead(unsigned char b, unsigned char *lo, unsigned char *hi) {
    *lo = b == 0xe0 ? 0xa0 : b == 0xf0 ? 0x90 : 0x80;
    *hi = b == 0xed ? 0x9f : b == 0xf4 ? 0x8f : 0xbf;
    return b < 0x80 ? 1 : b < 0xc2 ? 0 : b < 0xe0 ? 2 : b < 0xf0 ? 3 : b < 0xf5 ? 4 : 0;
}

struct utf8_step utf8_step(const char *at, size_t n) {
    const unsigned char *b = (const unsigned char *)at;
    unsigned char lo, hi;
    int length = lead(b[0], &lo, &hi);
    if (length == 0) return (struct utf8_step){.n = 1};
    uint32_t code = length == 1 ? b[0] : b[0] & (0x7f >> length);
    for (int i = 1; i < length; i++, lo = 0x80, hi = 0xbf) {
        if ((size_t)i == n) return (struct utf8_step){.n = i, .cut = true};
        if (b[i] < lo || b[i] > hi) return (struct utf8_step){.n = i};
        code = code << 6 | (b[i] & 0x3f);
    }
    return (struct utf8_step){.n = length, .valid = true, .code = code};
}

size_t utf8_run(const char *at, size_t n, bool valid) {
    size_t i = 0;
    while (i < n) {
        struct utf8_step s = utf8_step(at + i, n - i);
        if (s.valid != valid) break;
        i += (size_t)s.n;
    }
    return i;
}

int utf8_lossy(const char *at, size_t n, struct buffer *out, struct err *err) {
    for (size_t i = 0; i < n;) {
        size_t run = utf8_run(at + i, n - i, true);
        if (buffer_add(out, at + i, run, err)) return -1;
        i += run;
        if (i == n) break;
        if (buffer_add(out, "\xef\xbf\xbd", 3, err)) return -1;
        i += (size_t)utf8_step(at + i, n - i).n;
    }
    return 0;
}
