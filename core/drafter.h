/* drafter.h - what proposes tokens.
 *
 * A drafter is a method table, an open drafter an instance of it. Two promises hold for
 * every one (laws 1 and 3 rest on them):
 *   prefix only:   the draft depends on the history's tokens, never on which arms ran;
 *   prefix closed: a draft of gamma tokens is the first gamma tokens of a draft of L.
 *
 * Adding one: a file core/drafter_NAME.c that ends in `const struct drafter_type
 * drafter_NAME`, and the line DRAFTER(NAME) in core/drafters.h. */
#ifndef CORE_DRAFTER_H
#define CORE_DRAFTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/err.h"
#include "core/map.h"

struct choice;

enum { DRAFT_MAX = 64, DRAFTER_PARAMS = 8, DRAFTER_NAME = 32 };

struct draft {
    int n;                    // tokens proposed: 0..L, or the nodes of a tree
    int token[DRAFT_MAX];
    int parent[DRAFT_MAX];    // trees: an earlier node, -1: the newest token; siblings differ in their tokens
    int depth[DRAFT_MAX];     // trees: 1.. of each node
    float top_prob[DRAFT_MAX]; // model drafters: the drafter's largest probability at each depth
    float entropy[DRAFT_MAX];  // model drafters: nats
    int64_t ns[DRAFT_MAX];     // model drafters: from the beginning of the draft to this token
    int away;                  // the last so many tokens lie unread where the model computes (home()): `token` and the signals are not
                               // there yet, `ns` are marks (engine_mark)
    int64_t begun;             // chains of a model: the mark of the draft's beginning; else 0
    int match;                // copiers: tokens of the matched context, 0 for none
};

struct drafter_param {
    const char *name; // null ends a table
    double value, lo, hi;
    const char *words;   // "recent|first": the value is a word and stands for its index
    const char *meaning;
    bool text;           // the value is any text without a comma, in d->text
};

/* Ends a draft early: asked after each drafted token with what the drafter's distribution for it was. */
struct draft_rule {
    bool (*last)(void *user, float top_prob, float entropy);
    void *user;
};

/* What a drafter that runs a model is told of its target, and of the sequence being decoded. */
struct drafter_target {
    struct engine *engine;             // the target's; its backend and threads are shared
    int slot, slots;                   // of the sequence in the target's engine and in a drafter's own; how many there are
    const struct tokenizer *tokenizer;
    struct sampler *sampler;           // noise by position: drafts take the token that the target would take from the same logits
    uint32_t sequence;
    int prompt_n;
    const float *features;             // (feature_n, hidden) of history[0..), for drafters with `features`; feature_n is n - 1 when drafting
    int feature_n;
    const struct draft_rule *rule;     // of the draft at hand, or null; drafters without probabilities pay it no heed
    struct choice *drafted;            // (DRAFT_MAX) engine_choices(): where a drafter leaves the tokens it chooses one by one
    int64_t begun;                     // the mark of the draft's beginning, 0: it begins when draft() is called
};

struct drafter;

struct drafter_type {
    const char *name;    // kind: "pld"
    const char *summary; // one line
    const char *cite;
    bool copier;         // signal is `match`, not probabilities
    bool features;       // wants the target's
    bool tree;           // drafts trees: L limits their depth, and a draft of gamma is the part of a draft of L that is so deep
    struct drafter_param params[DRAFTER_PARAMS + 1];
    int (*open)(struct drafter *d, struct err *err); // d->path, d->param are set; fills d->state
    void (*close)(struct drafter *d);
    /* Null: it needs no target. Called once, after open; `t` outlives the drafter's use and follows the sequence. */
    int (*attach)(struct drafter *d, const struct drafter_target *t, struct err *err);
    int (*sha256)(const struct drafter *d, char hex[SHA256_HEX], struct err *err); // of its files; null: it has none
    /* A new sequence. The history it will be shown begins with these tokens. */
    int (*reset)(struct drafter *d, const int *prompt, int n, struct err *err);
    /* Up to L tokens to follow history (n tokens, prompt included, newest last). Where no rule looks at them they may be away. */
    int (*draft)(struct drafter *d, const int *history, int n, int L, struct draft *out, struct err *err);
    /* Brings home what draft() left away, before the drafter's next draft; choices (out->n): the host has read them already, null: it has not. */
    void (*home)(struct drafter *d, struct draft *out, const struct choice *choices);
    /* Tokens that have become part of the history since reset or the last accept. */
    int (*accept)(struct drafter *d, const int *tokens, int n, struct err *err);
    /* The next draft takes the newest n tokens again, as if it had sat out so many: what catching up costs can be timed. Null: nothing to take. */
    void (*forget)(struct drafter *d, int n);
};

struct drafter {
    const struct drafter_type *type;
    char name[DRAFTER_NAME]; // "small" of small@model=FILE; the kind's name otherwise
    char *path;              // after '=', owned; null: none
    double param[DRAFTER_PARAMS];
    char *text[DRAFTER_PARAMS]; // owned; null: not given
    struct drafter *twin;    // the same drafter of slot 0, whose model this one shares; null: it has its own. Borrowed
    char options[512];       // canonical "match=first,max=3" (every parameter), for the recording
    void *state;
};

extern const struct drafter_type *const drafter_types[]; // null-terminated, from drafters.h

const struct drafter_type *drafter_type_find(const char *kind); // null: unknown here
/* From "[name@]kind[=PATH][,key=value...]". */
int drafter_open(struct drafter *d, const char *spec, struct err *err);
/* Another one like `first`, for another sequence of the batch: a model is loaded once, by the first, which must be attached first and
 * closed last. */
int drafter_open_twin(struct drafter *d, struct drafter *first, struct err *err);
void drafter_close(struct drafter *d);
int drafter_attach(struct drafter *d, const struct drafter_target *t, struct err *err);

static inline int drafter_reset(struct drafter *d, const int *prompt, int n, struct err *err) {
    return d->type->reset(d, prompt, n, err);
}
/* A draft whose tokens may still be away, and one that is all there. */
static inline int drafter_draft_away(struct drafter *d, const int *history, int n, int L, struct draft *out, struct err *err) {
    out->away = 0, out->begun = 0;
    return d->type->draft(d, history, n, L, out, err);
}
static inline int drafter_draft(struct drafter *d, const int *history, int n, int L, struct draft *out, struct err *err) {
    if (drafter_draft_away(d, history, n, L, out, err)) return -1;
    if (out->away) d->type->home(d, out, NULL);
    return 0;
}
static inline int drafter_accept(struct drafter *d, const int *tokens, int n, struct err *err) {
    return d->type->accept(d, tokens, n, err);
}

#endif
