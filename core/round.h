/* round.h - speculative decoding of one sequence: ONE round is draft, verify, accept.
 *
 * Position s counts emitted tokens. Prefill emits the first and is no round. A round at s with
 * draft length gamma drafts at most min(gamma, max_new - s - 1) tokens, verifies them in one
 * forward pass together with the newest token, and emits the accepted prefix and one token of the
 * target's own. The recorder uses the same three pieces, one by one. Greedy verification by
 * equality (Leviathan et al. 2023); sampled targets through coupled noise (sampler.h). */
#ifndef CORE_ROUND_H
#define CORE_ROUND_H

#include <stdbool.h>
#include <stdint.h>

#include "core/buffer.h"
#include "core/drafter.h"
#include "core/engine.h"
#include "core/sampler.h"
#include "core/tokenizer.h"

struct decoder {
    struct engine *engine;             // borrowed
    int slot;
    const struct tokenizer *tokenizer; // borrowed: tells which tokens end a text
    struct drafter *drafters;          // (D), borrowed
    int D;
    struct sampler *sampler;           // borrowed
    bool ignore_eos;
    // of the sequence being decoded:
    uint32_t sequence;  // names its noise
    struct ids history; // prompt and emitted tokens
    int prompt_n, max_new;
    int pos;            // emitted tokens
    bool done, eos;     // ended; by an end token
    int row0;           // its first row of the last pass
    int *shown;         // (D) tokens of the history each drafter has seen, 0: not even reset; owned
    struct drafter_target target; // what drafters see of all this
    struct choice *choices; // the engine's: DRAFT_MAX drafted tokens, then those of a pass's rows, then other sequences' drafts
    float *features;    // (max_context, hidden) of the history's tokens but the newest, the engine's; null when no drafter wants them
};

struct round {
    int gamma, proposed, accepted, emitted; // gamma: after the token budget; proposed: of a tree its depth
    int width;         // rows of the verification
    float margin;      // of the round's last token: the target's largest logit less the second
    int64_t draft_ns;  // catch-up included
    int64_t verify_ns; // the forward pass and the choice of tokens; both where the engine computes (engine_mark)
};

/* Attaches the drafters to the engine. The decoder must stay where it is until it is closed. */
int decoder_open(struct decoder *d, struct engine *e, const struct tokenizer *t, struct drafter *drafters, int D,
                 struct sampler *sampler, bool ignore_eos, struct err *err);
/* The same in another slot of the engine; its drafters are twins (drafter_open_twin) of those of slot 0, which is opened first. */
int decoder_open_slot(struct decoder *d, struct engine *e, int slot, const struct tokenizer *t, struct drafter *drafters, int D, struct sampler *sampler,
                      bool ignore_eos, struct err *err);
void decoder_close(struct decoder *d);

/* A new sequence: prefill, and the first token (pos 1). Fails when prompt + max_new exceed the context. */
int decoder_start(struct decoder *d, const int *prompt, int n, int max_new, uint32_t sequence, int64_t *prefill_ns, struct err *err);

/* One whole round with drafter 0..D-1, or -1 for plain decoding. The emitted tokens are the last
 * r->emitted of the history. */
int decoder_round(struct decoder *d, int drafter, int gamma, struct round *r, struct err *err);
/* The same with a draft that ends where the rule says so, gamma tokens at most; r->gamma is then what was drafted. */
int decoder_round_until(struct decoder *d, int drafter, int gamma, const struct draft_rule *rule, struct round *r, struct err *err);

/* Shows the drafter all it has not seen, so that the next draft is not charged for it; *ns: what that took. */
int decoder_catch_up(struct decoder *d, int drafter, int64_t *ns, struct err *err);
/* The pieces. Drafts up to min(gamma, budget) tokens after the drafter has caught up on the tokens it
 * has not seen; *ns counts both. gamma (at most DRAFT_MAX) after the budget is returned in *asked.
 * A longer draft than asked is cut to it; a token that the target's vocabulary lacks is an error. */
int decoder_draft(struct decoder *d, int drafter, int gamma, struct draft *out, int *asked, int64_t *ns, struct err *err);
/* The same with a draft that ends where the rule says so; *asked is then what was drafted. Tokens that nobody has to look at before the round is
 * settled (all without a rule) may stay away, and *ns is then 0. */
int decoder_draft_until(struct decoder *d, int drafter, int gamma, const struct draft_rule *rule, struct draft *out, int *asked, int64_t *ns, struct err *err);
/* The rest of a round: verifies the draft (of this drafter, at this position; n = 0: plain decoding), accepts and emits. Fills everything of r but
 * gamma and draft_ns; and that too, and the draft's tokens, where they were away: the host waits once for all of it. */
int decoder_settle(struct decoder *d, int drafter, struct draft *draft, struct round *r, struct err *err);
/* The same for n decoders in slots of one engine, in one pass: r[i].verify_ns is the whole pass's. Rows are computed alone (law 2), so each text
 * is what it would be by itself. */
int decoders_settle(struct decoder *const *d, const int *drafter, struct draft *const *draft, int n, struct round *r, struct err *err);
/* One pass over the newest token and n drafted ones: token[i] is the target's choice after i of
 * them (n + 1 items), margin likewise. Nothing is committed. */
int decoder_verify(struct decoder *d, const int *draft, int n, int *token, float *margin, int64_t *ns, struct err *err);
/* Accepts the first `accepted` drafted tokens of the last verification and emits `next` after them
 * (unless an end token among them ends the text first). Returns the number of tokens emitted, or -1. */
int decoder_emit(struct decoder *d, const int *draft, int accepted, int next, struct err *err);

#endif
