/* bytemap.h - how byte-level vocabularies write bytes as characters.
 *
 * GPT-2's bytes_to_unicode (openai/gpt-2 src/encoder.py): the 188 printable bytes of
 * Latin-1 stand for themselves, the other 68, in order, are U+0100, U+0101, ...; so a space
 * is U+0120 and a newline U+010A. */
#ifndef CORE_BYTEMAP_H
#define CORE_BYTEMAP_H

#include <stddef.h>

/* Bytes of a token's text (n bytes of UTF-8) into out (room for n); their number, or -1 when
 * a character stands for no byte. */
long bytemap_bytes(const char *text, size_t n, char *out);

#endif
