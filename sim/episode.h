/* episode.h - THE loop: select, round, update, until the sequence ends. */
#ifndef SIM_EPISODE_H
#define SIM_EPISODE_H

#include <stdint.h>

#include "core/err.h"
#include "policies/policy.h"
#include "sim/world.h"

/* One round, as --steps writes it. */
struct step {
    int sequence;
    int round; // 0-based within the sequence
    int pos;   // before the round
    struct outcome outcome;
};

/* A sequence in play and the policy that plays it, between two rounds: what the one loop and that of a batch (batch.h) share. */
struct seat {
    struct world *world;
    struct agent *agent;
    bool sees, all;
    struct view view;
    struct {
        int n, at[ARM_GAMMA_MAX + 2], round[ARM_GAMMA_MAX + 2]; // oldest first: each round emits a token, so L + 1 of them at most
    } pending; // rounds whose asked drafts the text has not yet judged
};

/* Begins sequence q of the world, with what the policy asks of it. */
int seat_start(struct seat *s, struct world *w, struct agent *a, int q, struct err *err);
/* Before a choice: s->view. `batch` requests are in the pass. */
int seat_look(struct seat *s, int batch, struct err *err);
/* After it, before the round numbered so in the sequence. */
void seat_choose(struct seat *s, int round);
/* After the round, unless it ended the sequence. */
void seat_learn(struct seat *s, const struct outcome *o);

/* Rounds by bucket (of their number in the episode) and arm. */
struct episode_pulls {
    const uint8_t *bucket_of;
    int32_t *at; // (buckets, K), counted up
    int K;
};

struct episode_watch {
    /* Called after every round, the last included; null: nobody. Returns nonzero to stop with an error set. */
    int (*step)(void *user, const struct step *s, struct err *err);
    void *user;
    const struct episode_pulls *pulls; // null: not counted
};

static inline void episode_pull(const struct episode_pulls *p, int round, int arm) { p->at[p->bucket_of[round] * p->K + arm]++; }

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
