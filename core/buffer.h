/* buffer.h - growing arrays of bytes and of token ids; a zeroed one is empty. */
#ifndef CORE_BUFFER_H
#define CORE_BUFFER_H

#include <stddef.h>

#include "core/err.h"

struct buffer {
    char *at; // (n), owned, not terminated; null while empty
    size_t n, room;
};

struct ids {
    int *at; // (n), owned; null while empty
    size_t n, room;
};

int buffer_add(struct buffer *b, const void *bytes, size_t n, struct err *err);
void buffer_close(struct buffer *b);

int ids_add(struct ids *ids, int id, struct err *err);
void ids_close(struct ids *ids);

#endif
