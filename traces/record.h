/* record.h - recording one sequence: what every drafter would have had accepted at every position.
 *
 * The target decodes one token a position, but each position is a real verification: its width
 * goes round 1, 2, ... L + 1, so that timings of every width come from real forward passes, and
 * the rows past the first hold a drafter's own tokens. What such a pass predicts further ahead
 * must come true at the later positions (law 2); a recording that breaks this stops. */
#ifndef TRACES_RECORD_H
#define TRACES_RECORD_H

#include "core/round.h"
#include "traces/store.h"

struct record_draft {
    struct draft draft;
    int accepted;
    int64_t ns;
};

/* How a drafter that runs a model catches up: time to its first token when so many tokens are new to it. */
enum { CATCH_UPS = 6 }; // 1, 2, 4, ... 32
struct record_catch_up {
    int64_t prompt_ns, ns[CATCH_UPS]; // after the text, for what no verification was timed again with; 0: not measured
};

/* A verification timed as live decoding has it: right after the one drafter that drafts (-1: after another verification, as
 * in plain decoding and with copiers), not after all of them. That drafter had `fresh` tokens to catch up on, and came straight from a
 * verification as well, so the target's weights had taken the caches from it. */
struct record_again {
    int drafter, width, context, fresh;
    int64_t ns, first_ns; // of the verification; of the drafter's first token
};

struct recorded {
    int tokens;                  // emitted, the first included
    bool eos;
    int64_t prefill_ns;
    int *token;                  // (max_new) emitted tokens
    struct store_step *steps;    // (max_new) of positions 1 .. tokens - 1; [0] unused
    struct record_draft *drafts; // (max_new, D)
    struct record_catch_up *catch_up; // (D)
    struct record_again *again;  // (max_new), again_n of them
    int again_n;
};

int recorded_open(struct recorded *r, int max_new, int D, struct err *err);
void recorded_close(struct recorded *r);

/* Decodes the prompt to its end with every drafter drafting up to L tokens at every position.
 * `turn` shifts the rotation of widths from sequence to sequence. */
int record_sequence(struct recorded *r, struct decoder *d, const int *prompt, int n, int max_new, int L, uint32_t sequence, int turn, struct err *err);

/* Writes it as one transaction. */
int record_store(const struct recorded *r, struct store *s, const struct decoder *d, const struct store_sequence *q, struct err *err);

#endif
