/* nfc.c - see nfc.h: decompose, order the marks, compose. */
#include "core/nfc.h"

#include <string.h>
#include <utf8proc.h>

#include "core/mem.h"
#include "core/utf8.h"

enum { SHORT_RUN = 32 };

static const utf8proc_option_t options = UTF8PROC_STABLE | UTF8PROC_COMPOSE;

struct points {
    utf8proc_int32_t *at; // code points, owned
    size_t n, room;
};

static int class_of(utf8proc_int32_t code) { return utf8proc_get_property(code)->combining_class; }

static int decompose(const char *text, size_t n, struct points *p, struct err *err) {
    for (size_t i = 0; i < n;) {
        struct utf8_step s = utf8_step(text + i, n - i);
        utf8proc_int32_t parts[8]; // canonical decompositions have at most 4
        int boundary = 0;
        utf8proc_ssize_t count = utf8proc_decompose_char((utf8proc_int32_t)s.code, parts, 8, options, &boundary);
        if (count < 0 || count > 8)
            return err_set(err, "cannot normalize U+%04X to NFC: %s", (unsigned)s.code, utf8proc_errmsg(count));
        // one more than counted: utf8proc_reencode ends its text with a zero byte
        if (mem_grow(&p->at, &p->room, p->n + (size_t)count + 1, sizeof *p->at, "code points", err)) return -1;
        memcpy(p->at + p->n, parts, (size_t)count * sizeof *parts);
        p->n += (size_t)count;
        i += (size_t)s.n;
    }
    return 0;
}

static void order_short(utf8proc_int32_t *at, size_t n) { // insertion sort
    for (size_t i = 1; i < n; i++) {
        utf8proc_int32_t code = at[i];
        size_t j = i;
        for (; j && class_of(at[j - 1]) > class_of(code); j--) at[j] = at[j - 1];
        at[j] = code;
    }
}

static int order_long(utf8proc_int32_t *at, size_t n, struct err *err) { // counting sort
    size_t start[257] = {0};
    utf8proc_int32_t *sorted = mem_alloc(n, sizeof *sorted, "combining marks", err);
    if (!sorted) return -1;
    for (size_t i = 0; i < n; i++) start[class_of(at[i]) + 1]++;
    for (int c = 0; c < 256; c++) start[c + 1] += start[c];
    for (size_t i = 0; i < n; i++) sorted[start[class_of(at[i])]++] = at[i];
    memcpy(at, sorted, n * sizeof *at);
    mem_free(sorted);
    return 0;
}

/* Each run of marks (class > 0) by class, equal classes in their order (UAX 15, D109). */
static int order_marks(struct points *p, struct err *err) {
    for (size_t from = 0; from < p->n;) {
        size_t to = from;
        while (to < p->n && class_of(p->at[to])) to++;
        if (to - from > SHORT_RUN) {
            if (order_long(p->at + from, to - from, err)) return -1;
        } else if (to - from > 1) {
            order_short(p->at + from, to - from);
        }
        from = to + 1;
    }
    return 0;
}

int nfc_add(const char *text, size_t n, struct buffer *out, struct err *err) {
    struct points p = {0};
    int rc = decompose(text, n, &p, err);
    if (rc == 0) rc = order_marks(&p, err);
    if (rc == 0 && p.n) {
        utf8proc_ssize_t bytes = utf8proc_reencode(p.at, (utf8proc_ssize_t)p.n, options); // in place
        rc = bytes < 0 ? err_set(err, "cannot normalize %zu bytes to NFC: %s", n, utf8proc_errmsg(bytes))
                       : buffer_add(out, p.at, (size_t)bytes, err);
    }
    mem_free(p.at);
    return rc;
}
