/* pretokenizer.h - cuts text into the words that merging never crosses.
 *
 * One pattern or several stages of them: each stage cuts every piece of the stage before, so
 * a look-ahead sees its own piece only ("  123" is two spaces as one word, then 1, 2, 3).
 * Matches and the gaps between them are all pieces. Patterns run in PCRE2, compiled to
 * machine code where it can, with Unicode properties. */
#ifndef CORE_PRETOKENIZER_H
#define CORE_PRETOKENIZER_H

#include <stddef.h>

#include "core/err.h"

enum { PRETOKENIZER_STAGES = 8 };

struct pretokenizer {
    int n;                               // stages; 0: the whole text is one piece
    char *pattern[PRETOKENIZER_STAGES];  // as given, owned
    void *code[PRETOKENIZER_STAGES];     // pcre2_code, owned
};

/* GPT-2's own pattern, which ByteLevel pre-tokenizers apply. */
extern const char pretokenizer_gpt2[];

/* Compiles a further stage; `path` is for messages. */
int pretokenizer_add(struct pretokenizer *p, const char *pattern, const char *path, struct err *err);
void pretokenizer_close(struct pretokenizer *p); // a zeroed one is fine

typedef int pretokenizer_piece(void *context, const char *at, size_t n, struct err *err);

/* Calls `piece` for each piece of n bytes of valid UTF-8, in order. Safe from many threads. */
int pretokenizer_split(const struct pretokenizer *p, const char *text, size_t n, pretokenizer_piece *piece,
                       void *context, struct err *err);

#endif
