/* episode.h - THE loop: select, round, update, until the sequence ends. */
#ifndef SIM_EPISODE_H
#define SIM_EPISODE_H

#include <stdint.h>

#include "core/err.h"
#include "policies/policy.h"
#include "sim/world.h"

/* One round, as --steps writes it. */
struct step {
    int round; // 0-based within the sequence
    int pos;   // before the round
    struct outcome outcome;
};

/* Called after every round, the last included; null for none. Returns nonzero to stop with an error set. */
struct episode_watch {
    int (*step)(void *user, const struct step *s, struct err *err);
    void *user;
};

struct episode_total {
    int64_t rounds, proposed, accepted, emitted; // the first token of a sequence is no round's
    double seconds, draft_s, verify_s;
};

/* Plays sequence q to its end. The randomness of round r is rng_at(seed, a->stream, ordinal,
 * r): `ordinal` names the sequence in the recording, so that live and replay draw the same.
 * The round that ends the sequence counts and is not fed back. Adds to *total. `given`, when not
 * null, supplies the uniforms instead of the generator (in order of use, over the whole episode). */
int episode_run(struct world *w, struct agent *a, uint64_t seed, int q, uint32_t ordinal,
                const double *given, size_t given_n,
                const struct episode_watch *watch, struct episode_total *total, struct err *err);

#endif
