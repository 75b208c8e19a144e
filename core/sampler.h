/* sampler.h - the target's token at a position: greedy, or by Gumbel noise fixed per position.
 *
 * With temperature T > 0 the token at position p is argmax_v(logit_v / T + G(p, v)), where the
 * Gumbel noise G depends on (noise seed, sequence, p, v) alone: an exact sample of the target
 * that does not depend on who drafted (drafter-invariant coupling, Daliri et al. 2024,
 * arXiv 2408.07978). Ties go to the lowest id. */
#ifndef CORE_SAMPLER_H
#define CORE_SAMPLER_H

#include <stdint.h>

#include "core/engine.h"

struct sampler {
    double temperature; // 0: greedy
    uint64_t noise_seed;
    struct choice *choices; // (rows) the engine's
};

int sampler_open(struct sampler *s, double temperature, uint64_t noise_seed, struct engine *e, struct err *err);
void sampler_close(struct sampler *s);

/* A token for each row of the engine's (or a sharing one's) last pass that wanted logits, chosen where it computes and left there; row i decides
 * at[i]. signals: with the softmax's largest probability and entropy. Nobody waits: see engine_read(). */
void sampler_choose(const struct sampler *s, struct engine *e, const struct place *at, bool signals, struct choice *to);

/* The same, read: token and margin (top-1 minus top-2 score) have as many items; returns how many. */
int sampler_pick_at(struct sampler *s, struct engine *e, const struct place *at, int *token, float *margin);
/* Of one sequence: row i decides position pos + i. */
int sampler_pick(struct sampler *s, struct engine *e, uint32_t sequence, int pos, int *token, float *margin);

/* One row of n logits, of tokens ids[0..n) (null: 0..n - 1) and with noise: the winning token, and its margin. */
int sampler_row(const struct sampler *s, const float *logits, const int *ids, int n, uint32_t sequence, int pos, float *margin);

#endif
