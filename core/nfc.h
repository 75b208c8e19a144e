/* nfc.h - Unicode normalization form C (UAX 15), with utf8proc's tables.
 *
 * utf8proc_map sorts combining marks by swapping neighbours, which takes minutes for a
 * megabyte of them; here the order comes from a counting sort. */
#ifndef CORE_NFC_H
#define CORE_NFC_H

#include <stddef.h>

#include "core/buffer.h"
#include "core/err.h"

/* Appends the NFC of n bytes of valid UTF-8. */
int nfc_add(const char *text, size_t n, struct buffer *out, struct err *err);

#endif
