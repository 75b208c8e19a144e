/* metaspace.h - how SentencePiece writes a space in its tokens: as U+2581, "▁".
 *
 * Here tokens and text hold plain spaces instead, which is the same thing read backwards: both a
 * space and a "▁" of the text meet the "▁" of a token. Models of this kind also put a space before
 * the text ("Hello" is the token "▁Hello"). */
#ifndef CORE_METASPACE_H
#define CORE_METASPACE_H

#include <stdbool.h>
#include <stddef.h>

#include "core/buffer.h"
#include "core/err.h"

enum space_prefix { PREFIX_NEVER, PREFIX_FIRST, PREFIX_ALWAYS }; // before no text, the text's start, every piece between special tokens

struct metaspace {
    bool on;
    enum space_prefix prefix;
    bool unless_there; // a text that begins with a space gets no second one
};

/* n bytes of text with every "▁" as a space, to `out` (room for n bytes); returns their number. */
size_t metaspace_plain(const char *text, size_t n, char *out);

/* Appends the text as tokens see it. `first`: it begins the whole text. */
int metaspace_add(const struct metaspace *m, const char *text, size_t n, bool first, struct buffer *out, struct err *err);

#endif
