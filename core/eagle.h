/* eagle.h - a head at work: what drafting chains (drafter_eagle.c) and trees (drafter_eagle2.c) from it share. */
#ifndef CORE_EAGLE_H
#define CORE_EAGLE_H

#include "core/lookahead.h"

enum { EAGLE_ROPE, EAGLE_VOCAB, EAGLE_COUNTS, EAGLE_QUANTIZE, EAGLE_PARAMS }; // the first options of both kinds
#define EAGLE_OPTIONS                                                                                        \
    {"rope", 0, 0, 0, "head|target", "rotary frequencies of the head's config.json, or of the target"},      \
    {"vocab", 0, 0, 1 << 22, NULL, "drafts only the N most frequent tokens, 0 for all"},                     \
    {"counts", .text = true, .meaning = "trace or text file in which vocab counts them (default: low ids first)"}, \
    {"quantize", 0, 0, 0, "none|q8_0|q4_0", "float matrices become that when loaded"}

struct eagle {
    const struct drafter_target *target;
    const struct model *head; // own, or the twin's
    struct model own;
    struct engine *e;         // the twin's, if there is one
    float *feature; // (hidden) the newest prediction, the engine's
    int pairs;      // with true features, in the head's cache
    void *scratch;  // the kind's own, freed by eagle_close
};

/* Methods of both kinds. */
int eagle_open(struct drafter *d, struct err *err);
void eagle_close(struct drafter *d);
int eagle_attach(struct drafter *d, const struct drafter_target *t, struct err *err);
int eagle_sha256(const struct drafter *d, char hex[SHA256_HEX], struct err *err);
int eagle_reset(struct drafter *d, const int *prompt, int n, struct err *err);
int eagle_accept(struct drafter *d, const int *tokens, int n, struct err *err);
void eagle_forget(struct drafter *d, int n);

/* Takes the pairs of n tokens of history that the head lacks, the last one in any case: s->feature is then the prediction after
 * them, and its logits are the engine's. */
int eagle_catch_up(struct eagle *s, const int *history, int n, struct err *err);

#endif
