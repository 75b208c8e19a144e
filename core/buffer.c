/* buffer.c - see buffer.h. */
#include "core/buffer.h"

#include <string.h>

#include "core/mem.h"

int buffer_add(struct buffer *b, const void *bytes, size_t n, struct err *err) {
    if (n == 0) return 0;
    if (mem_grow(&b->at, &b->room, b->n + n, 1, "text", err)) return -1;
    memcpy(b->at + b->n, bytes, n);
    b->n += n;
    return 0;
}

void buffer_close(struct buffer *b) {
    mem_free(b->at);
    *b = (struct buffer){0};
}

int ids_add(struct ids *ids, int id, struct err *err) {
    if (mem_grow(&ids->at, &ids->room, ids->n + 1, sizeof *ids->at, "token ids", err)) return -1;
    ids->at[ids->n++] = id;
    return 0;
}

void ids_close(struct ids *ids) {
    mem_free(ids->at);
    *ids = (struct ids){0};
}
