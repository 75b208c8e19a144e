/* utf8.h - what is a character and what is not (Unicode 15, table 3-7), and the lossy text
 * of bytes that are not (section 3.9: one U+FFFD for each maximal subpart). */
#ifndef CORE_UTF8_H
#define CORE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/buffer.h"
#include "core/err.h"

struct utf8_step {
    int n;         // bytes at the front that belong together, 1..4
    bool valid;    // a whole character
    bool cut;      // not one, but more bytes could make it one
    uint32_t code; // the character
};

struct utf8_step utf8_step(const char *at, size_t n); // n >= 1

/* Length of the longest prefix that is all characters (`valid` true), or all not. */
size_t utf8_run(const char *at, size_t n, bool valid);

/* Appends the text of n bytes; each maximal subpart of a broken character becomes U+FFFD. */
int utf8_lossy(const char *at, size_t n, struct buffer *out, struct err *err);

#endif
