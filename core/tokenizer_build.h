/* tokenizer_build.h - what the readers of both file formats hand over to make a tokenizer. */
#ifndef CORE_TOKENIZER_BUILD_H
#define CORE_TOKENIZER_BUILD_H

#include "core/tokenizer.h"

struct vocab_text {
    const char *at; // UTF-8 as in the file: normal tokens in the byte map or with "▁", others as they are
    size_t n;
};

struct vocab {
    const char *path;
    int size;
    struct vocab_text *text;     // (size), owned; null text: an id without a token
    enum token_kind *kind;       // (size), owned
    size_t merges;
    struct vocab_text (*merge)[2]; // (merges), lowest rank first, owned
    const unsigned char *scores; // instead of merges: (size) little-endian floats, higher ones first; borrowed
    struct metaspace spaces;
    int unknown;                 // -1: none
    bool fallback;               // bytes stand in for characters that the vocabulary lacks
    bool nfc, ignore_merges;
    struct pretokenizer words_of; // moved into the tokenizer
};

/* Room for the vocabulary; every id starts without a token. */
int vocab_open(struct vocab *v, const char *path, size_t size, size_t merges, struct err *err);
void vocab_close(struct vocab *v);

/* "left right" into its two halves. */
int vocab_set_merge(struct vocab *v, size_t rank, const char *at, size_t n, struct err *err);

/* The byte that "<0x41>" stands for; -1: none. */
int vocab_byte(struct vocab_text text);

/* Fills everything in t but bos, eos, add_bos and chat_template. */
int tokenizer_build(struct tokenizer *t, struct vocab *v, struct err *err);

#endif
