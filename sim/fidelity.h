/* fidelity.h - live decoding held against simulation, policy by policy and prompt by prompt.
 *
 * Every prompt is decoded by each policy in turn, so that what slows the machine for a while slows them all. `simulated` is what replay
 * says before anything is decoded: the policy's own choices, from the trace's counts and modelled seconds. For policies that do not learn
 * from seconds its rounds are the live ones.
 *
 *   difference = 100 (simulated / live - 1) of tokens/s, per cent, over all prompts; speed-up = plain seconds / live seconds,
 * prompt by prompt the same text; both with 95% BCa over prompts (stats.h). */
#ifndef SIM_FIDELITY_H
#define SIM_FIDELITY_H

#include <stdint.h>

#include "core/err.h"
#include "sim/summary.h"

struct fidelity_prompt {
    int ordinal;            // in the trace, or the prompts file
    const char *category;   // borrowed
    int64_t tokens, rounds; // live; tokens after the first
    double live_draft, live_verify;                            // seconds
    double simulated_draft, simulated_verify;                  // 0 without a trace
    int64_t simulated_rounds;
};

struct fidelity_row {
    const char *spec;           // borrowed
    struct fidelity_prompt *at; // (Q) owned
};

/* What the prompts came to for one policy. */
struct fidelity_sum {
    int64_t tokens, rounds;
    double live_draft, live_verify, simulated_draft, simulated_verify;
    struct measure difference; // per cent
    struct measure speedup;    // over plain decoding; its ends are 0 below FIDELITY_ENOUGH prompts
};

enum { FIDELITY_ENOUGH = 5 }; // prompts for an interval; of fewer, resamples say next to nothing

struct fidelity {
    int P, Q;
    bool simulated;           // a trace was there
    bool compared;            // prompts were decoded plainly as well
    double *plain;            // (Q) seconds that this took, owned
    struct fidelity_row *row; // (P) owned
};

int fidelity_open(struct fidelity *f, int P, int Q, struct err *err);
void fidelity_close(struct fidelity *f);

/* The speed-up of row p alone: fidelity_sums without the rest. */
int fidelity_speedup(const struct fidelity *f, int p, struct measure *speedup, struct err *err);

/* Of every row: sums (P, the caller's) and *mean_absolute of the differences, per cent. */
int fidelity_sums(const struct fidelity *f, struct fidelity_sum *sums, double *mean_absolute, struct err *err);

static inline double fidelity_speed(int64_t tokens, double draft, double verify) { return draft + verify > 0 ? (double)tokens / (draft + verify) : 0; }

#endif
