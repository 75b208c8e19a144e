/* texts.h - token sequences that are hard on copiers: noise of small and large alphabets,
 * loops, self-similar words, and texts that copy themselves with mistakes. */
#ifndef TESTS_TEXTS_H
#define TESTS_TEXTS_H

#include "core/rng.h"

enum { TEXT_KINDS = 9, TEXT_VOCAB = 151936 };

static const char *const text_kinds[TEXT_KINDS] = {
    "one token", "noise of 2", "noise of 4", "noise of 150000", "loop of 7", "noise of 3, then a loop of 5",
    "Fibonacci word", "copies of itself", "blocks of rare tokens",
};

/* token (n) of one kind; the same seed gives the same text, and a longer one extends it. */
static inline void text_make(int kind, uint64_t seed, int *token, int n) {
    struct rng r = rng_at(seed, 0, (uint32_t)kind, 0);
    int from = 0, left = 0, a = 1, b = 0; // of the copy under way; lengths of Fibonacci words
    for (int i = 0; i < n; i++) {
        int coin = rng_below(&r, 1000);
        switch (kind) {
        case 0: token[i] = 42; break;
        case 1: token[i] = coin % 2; break;
        case 2: token[i] = coin % 4; break;
        case 3: token[i] = rng_below(&r, TEXT_VOCAB); break;
        case 4: token[i] = i < 7 ? coin : token[i - 7]; break;
        case 5: token[i] = i < 300 ? coin % 3 : i < 305 ? coin : token[i - 5]; break;
        case 6: // w(k) = w(k-1) w(k-2): position i >= |w(k-1)| = a repeats position i - a
            while (i >= a + b && i > 0) { int sum = a + b; b = a; a = sum; }
            token[i] = i == 0 ? 0 : i == 1 ? 1 : token[i - a];
            break;
        default: // a copy from anywhere earlier, one token in thirty wrong
            if (left-- <= 0 && i > 0) from = rng_below(&r, i), left = rng_below(&r, 40);
            token[i] = i == 0 || coin < 33 ? (kind == 7 ? coin % 10 : rng_below(&r, TEXT_VOCAB)) : token[from++];
        }
    }
}

#endif
