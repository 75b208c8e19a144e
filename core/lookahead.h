/* lookahead.h - what drafters that run a model share: the next drafted token out of the model's logits, and which tokens get
 * logits at all. */
#ifndef CORE_LOOKAHEAD_H
#define CORE_LOOKAHEAD_H

#include "core/drafter.h"
#include "core/engine.h"

/* Begins a draft: no tokens, and its mark. */
void lookahead_begin(struct engine *e, const struct drafter_target *t, struct draft *out);
/* Appends to `out` the token that follows n tokens of history and out->n drafted ones, chosen as the target would choose it from
 * the logits of the engine's last pass (one row): greedily, or with the noise of that position. With the softmax's largest
 * probability and entropy, and the time since the draft began. The token lies in t->drafted and is read only where a rule asks. True when the
 * draft ends here: L tokens, or its rule says so. */
bool lookahead_pick(struct engine *e, const struct drafter_target *t, int n, int L, struct draft *out);
/* The row of a pass with the token that was picked last. */
struct row lookahead_row(const struct drafter_target *t, const struct draft *out, const float *feature);
/* Brings home what is away: see drafter.h. */
void lookahead_home(struct engine *e, const struct drafter_target *t, struct draft *out, const struct choice *choices);

/* The `count` most frequent tokens below `limit`, ascending (Zhao et al. 2025, FR-Spec, arXiv 2502.14856): a small output layer for
 * drafting. Frequencies are counted in `source`: a trace (the tokens of its texts) or a text file (tokenized here); null: low ids
 * first, since a byte-pair vocabulary is built from frequent to rare. Ties, and what never occurs, go by id as well.
 * *ids is owned by the caller. */
int lookahead_frequent(const struct tokenizer *t, const char *source, int count, int limit, int **ids, struct err *err);

#endif
