/* datastore.h - documents of token ids with their suffix array: what retrieval drafting looks into (He et al. 2023, REST,
 * arXiv 2311.08252).
 *
 * The file, little-endian: 128 bytes of header
 *     0  "BSREST01"     8  tokens n (u64)    16  documents (u64)    24  checksum (u64)    32  SHA-256 of the tokenizer, 64 hex digits
 * then n int32 tokens, every document followed by DATASTORE_END, then n int32 positions in the order of the suffixes that begin
 * there, compared token by token, DATASTORE_END before all others. The checksum is FNV-1a (64 bits) over the two arrays' words of 32 bits. */
#ifndef CORE_DATASTORE_H
#define CORE_DATASTORE_H

#include <stddef.h>
#include <stdint.h>

#include "core/buffer.h"
#include "core/err.h"
#include "core/map.h"

enum { DATASTORE_END = -1 };

struct datastore {
    struct file_map map;
    const int32_t *token, *suffix; // (n) each, in the mapped file
    size_t n, documents;
    char tokenizer_sha256[SHA256_HEX];
};

/* Maps the file and checks all of it: sizes, checksum, ids, positions. */
int datastore_open(struct datastore *d, const char *path, struct err *err);
/* The same of bytes in memory, borrowed (fuzzing); without the checksum. */
int datastore_parse(struct datastore *d, const char *path, const unsigned char *bytes, size_t size, struct err *err);
void datastore_close(struct datastore *d); // a zeroed one is fine

/* Sorts the suffixes (libdivsufsort) and writes the file, whole or not at all. `tokens` as in the file: each document ends in DATASTORE_END. */
int datastore_write(const char *path, const struct ids *tokens, const char *tokenizer_sha256, struct err *err);

/* Suffixes [from, to) in sorted order that begin with the n tokens. */
struct datastore_range {
    size_t from, to;
};
struct datastore_range datastore_find(const struct datastore *d, const int *tokens, int n);

/* Of the suffixes in the range, which agree in their first `depth` tokens: the most frequent token at `depth` (ties to the smallest id)
 * and the suffixes that have it there, *count of them; -1 when every document ends there. */
int datastore_next(const struct datastore *d, struct datastore_range *range, int depth, size_t *count);

/* The next child of a node, in the order of tokens: its token and its suffixes, which leave `rest`; -1: no more. */
int datastore_child(const struct datastore *d, struct datastore_range *rest, int depth, struct datastore_range *child);

#endif
