/* metaspace.c - see metaspace.h. Prefixes: Hugging Face tokenizers, normalizers/prepend.rs and
 * pre_tokenizers/metaspace.rs; ggml-org/llama.cpp src/llama-vocab.cpp (add_space_prefix). */
#include "core/metaspace.h"

#include <string.h>

static const char mark[] = "\xe2\x96\x81";
enum { MARK = sizeof mark - 1 };

size_t metaspace_plain(const char *text, size_t n, char *out) {
    size_t to = 0;
    for (size_t i = 0; i < n;) {
        bool marked = n - i >= MARK && !memcmp(text + i, mark, MARK);
        out[to++] = marked ? ' ' : text[i];
        i += marked ? MARK : 1;
    }
    return to;
}

int metaspace_add(const struct metaspace *m, const char *text, size_t n, bool first, struct buffer *out, struct err *err) {
    if (!n) return 0;
    size_t at = out->n;
    if (m->prefix == PREFIX_ALWAYS || (m->prefix == PREFIX_FIRST && first)) {
        bool there = *text == ' ' || (n >= MARK && !memcmp(text, mark, MARK));
        if (!(m->unless_there && there) && buffer_add(out, " ", 1, err)) return -1;
        at = out->n;
    }
    if (buffer_add(out, text, n, err)) return -1;
    out->n = at + metaspace_plain(out->at + at, n, out->at + at);
    return 0;
}
