/* bpe.h - byte-pair merging of one word (Sennrich et al. 2016, arXiv 1508.07909).
 *
 * A word starts as one symbol a byte; or a character, where the vocabulary is one of characters, and
 * then bytes stand in for those it lacks ("byte fallback"). The pair of neighbours with the lowest rank, leftmost
 * first, becomes one symbol, until no pair has a rank. Pairs wait in a binary heap, symbols
 * in a linked list: O(n log n) for n bytes, however long the word. */
#ifndef CORE_BPE_H
#define CORE_BPE_H

#include <stddef.h>
#include <stdint.h>

#include "core/buffer.h"
#include "core/err.h"
#include "core/names.h"

struct bpe_pair {
    uint64_t key;          // left id << 32 | right id
    uint32_t rank_1;       // rank + 1; 0: a free slot
    int merged;
};

struct bpe {
    int byte[256];         // id of each byte; -1: the vocabulary lacks it
    struct names characters; // their ids, borrowed; without slots: words start as bytes
    int unknown;           // stands for a run of characters that even bytes cannot spell; -1: they are left out
    struct bpe_pair *pairs; // (mask + 1), a hash table at most half full, owned
    size_t mask;
};

/* Room for `merges` pairs; every byte is -1. */
int bpe_open(struct bpe *b, size_t merges, struct err *err);
void bpe_close(struct bpe *b);

/* The pair's first rank counts, should it come twice. */
void bpe_add(struct bpe *b, int left, int right, uint32_t rank, int merged);

struct bpe_symbol {
    int id, previous, next; // -1 ends the list; id -1: merged into its left neighbour
    uint32_t rank_1;        // of the pair with the next symbol, as in bpe_pair
};

/* Scratch, kept from word to word; a zeroed one is fine. */
struct bpe_space {
    struct bpe_symbol *symbols;
    uint64_t *heap;
    size_t symbol_room, heap_room, heap_n;
};

void bpe_space_close(struct bpe_space *s);

/* Appends the ids of a word of n bytes. Bytes without an id are left out, as the reference
 * does (Hugging Face tokenizers, models/bpe/model.rs, merge_word; byte_fallback, fuse_unk). */
int bpe_word(const struct bpe *b, const char *word, size_t n, struct bpe_space *space, struct ids *out, struct err *err);

#endif
