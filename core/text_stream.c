/* text_stream.c - see text_stream.h. */
#include "core/text_stream.h"

#include <string.h>

#include "core/utf8.h"

/* Bytes at the end of text that a further byte may turn into a character: 0..3. */
static size_t unfinished(const char *at, size_t n) {
    for (size_t back = 1; back <= 3 && back <= n; back++) { // a character's lead is at most 3 bytes back
        struct utf8_step s = utf8_step(at + n - back, back);
        if (s.cut && (size_t)s.n == back) return back;
    }
    return 0;
}

int text_stream_push(struct text_stream *s, const struct tokenizer *t, int id, struct buffer *out, struct err *err) {
    struct buffer bytes = {0};
    int rc = buffer_add(&bytes, s->held, (size_t)s->n, err);
    if (rc == 0) rc = tokenizer_decode_one(t, id, false, &bytes, err);
    if (rc == 0) {
        size_t wait = unfinished(bytes.at, bytes.n);
        rc = utf8_lossy(bytes.at, bytes.n - wait, out, err);
        if (wait) memcpy(s->held, bytes.at + bytes.n - wait, wait);
        s->n = (int)wait;
    }
    buffer_close(&bytes);
    return rc;
}

int text_stream_flush(struct text_stream *s, struct buffer *out, struct err *err) {
    int rc = utf8_lossy(s->held, (size_t)s->n, out, err);
    s->n = 0;
    return rc;
}
