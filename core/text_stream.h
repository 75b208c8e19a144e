/* text_stream.h - tokens to text while they come: only whole characters go out, the start of
 * one that the next token may complete waits. */
#ifndef CORE_TEXT_STREAM_H
#define CORE_TEXT_STREAM_H

#include "core/tokenizer.h"

struct text_stream { // a zeroed one is ready
    char held[4];
    int n; // bytes of an unfinished character, 0..3
};

/* Appends to `out` the text that token `id` completes; control tokens have none. Bytes that
 * can no longer become a character are U+FFFD, as in utf8_lossy. */
int text_stream_push(struct text_stream *s, const struct tokenizer *t, int id, struct buffer *out, struct err *err);

/* The end: a character cut short becomes U+FFFD. The stream is ready for another text. */
int text_stream_flush(struct text_stream *s, struct buffer *out, struct err *err);

#endif
