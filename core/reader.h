/* reader.h - a bounds-checked little-endian cursor over bytes; it carries path and offset,
 * so that every message can name the place:
 *   "bad string length 99 at offset 24 of 'm.gguf': 12 bytes are left" */
#ifndef CORE_READER_H
#define CORE_READER_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "core/err.h"

struct reader {
    const char *path;           // borrowed, for messages
    const unsigned char *bytes; // (size), borrowed
    size_t size, at;            // at <= size, always
};

static inline size_t reader_left(const struct reader *r) { return r->size - r->at; }

/* The next n bytes; null, with `err` set, when fewer are left. */
static inline const unsigned char *reader_take(struct reader *r, uint64_t n, const char *what, struct err *err) {
    if (n > reader_left(r)) {
        err_set(err, "file '%s' ends inside %s: %llu bytes expected at offset %zu, %zu are left", r->path, what,
                (unsigned long long)n, r->at, reader_left(r));
        return NULL;
    }
    const unsigned char *at = r->bytes + r->at;
    r->at += (size_t)n;
    return at;
}

/* Little-endian values at any alignment, on any machine. */
static inline uint16_t le16(const void *p) {
    const unsigned char *b = p;
    return (uint16_t)(b[0] | b[1] << 8);
}
static inline uint32_t le32(const void *p) {
    const unsigned char *b = p;
    return b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24;
}
static inline uint64_t le64(const void *p) {
    const unsigned char *b = p;
    return le32(b) | (uint64_t)le32(b + 4) << 32;
}
static inline float le_f32(const void *p) {
    uint32_t bits = le32(p);
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static inline int reader_u32(struct reader *r, const char *what, uint32_t *out, struct err *err) {
    const unsigned char *at = reader_take(r, 4, what, err);
    if (!at) return -1;
    *out = le32(at);
    return 0;
}
static inline int reader_u64(struct reader *r, const char *what, uint64_t *out, struct err *err) {
    const unsigned char *at = reader_take(r, 8, what, err);
    if (!at) return -1;
    *out = le64(at);
    return 0;
}

#endif
