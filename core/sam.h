/* sam.h - a suffix automaton that grows token by token.
 *
 * Blumer et al., "The smallest automaton recognizing the subwords of a text", Theoretical
 * Computer Science 40, 1985. A state is a class of substrings that end at the same places;
 * its link is the class of the longest shorter suffix that ends at more places. So the
 * link of the newest prefix's state is the longest suffix of the text that has occurred
 * before: its length and its first end are read off in O(1).
 *
 * Amortized O(1) a token (expected: transitions are hashed, the vocabulary may be large).
 * At most 2n states and 3n transitions for n tokens. */
#ifndef CORE_SAM_H
#define CORE_SAM_H

#include <stddef.h>

#include "core/err.h"

struct sam_state {
    int len;   // of its longest substring
    int link;  // 0 for the root
    int first; // smallest end of its substrings in the text (exclusive index)
    int edges; // head of the list of its transitions, 0: none
};

struct sam_edge {
    int from, token, to;
    int next; // of the same state
};

/* Zero-initialised, it is closed; sam_clear makes it the automaton of the empty text. */
struct sam {
    struct sam_state *state; // [0] unused, [1] the root
    struct sam_edge *edge;   // [0] unused
    int *slot;               // (slots) edge numbers hashed by (from, token), 0: free; at most half full
    size_t state_capacity, edge_capacity, slots;
    int states, edges;       // in use, [0] included
    int last;                // the state of the whole text
};

enum { SAM_ROOT = 1 };

/* What one token did to the states: `clone` (0: none) is new and now stands between
 * `cloned` and the state that `cloned` was linked to before. */
struct sam_step {
    int added, clone, cloned;
};

int sam_clear(struct sam *s, struct err *err);
/* Appends a token. After a failure only sam_clear and sam_close are allowed. */
int sam_add(struct sam *s, int token, struct sam_step *step, struct err *err);
void sam_close(struct sam *s);

#endif
