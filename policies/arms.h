/* arms.h - arms: a drafter and its draft length, or a rule that ends the draft. gamma = 0 is plain decoding and ONE arm. */
#ifndef POLICIES_ARMS_H
#define POLICIES_ARMS_H

#include "core/err.h"
#include "policies/stop.h"

enum { ARM_GAMMA_MAX = 64, ARM_NAME = 64 };

struct arm {
    int drafter; // index into the drafter list, -1 for plain decoding
    int gamma;   // tokens to draft, 0 for plain decoding; at most so many where a rule decides
    char name[ARM_NAME]; // "pld:4", "plain", "eagle:stop(entropy>1)"
    struct stop stop; // STOP_NEVER: always gamma
};

struct arms {
    int K, L;        // L: largest gamma, at least 1
    struct arm *at;  // (K), owned
};

/* From words such as "plain", "pld:1-8", "eagle:2,4", "eagle:stop(maxprob<0.4,max=6)", in the order given; a word may hold
 * several separated by spaces. gamma 0 of any drafter is the one arm "plain"; an arm named
 * twice counts once. No words at all: plain, then each drafter at 2, 4 and 8 (those <= L; 1 when L is 1).
 * `drafters` are names (D); L is the longest draft on offer. Errors name the word and what
 * is on offer. */
int arms_parse(struct arms *arms, const char *const *words, int n, const char *const *drafters, int D, int L, struct err *err);
void arms_close(struct arms *arms);

/* The arm called `name`, or numbered so; -1 when there is none. */
int arms_find(const struct arm *arms, int K, const char *name);

#endif
