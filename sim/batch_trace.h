/* batch_trace.h - a batch of recorded sequences: what each request drafts and accepts is exact, the seconds of passes and prefills are
 * modelled (passes.h). A pass over one request takes what replay says of it.
 *
 * Requests draft one after another, as this engine does. On hardware that is not at hand (hardware.h) a drafter that runs a model drafts for
 * all of its requests in the same passes, which its weights bound: that takes what the longest of the drafts alone would, in equal parts of
 * what each alone would take. */
#ifndef SIM_BATCH_TRACE_H
#define SIM_BATCH_TRACE_H

#include "sim/batch.h"
#include "sim/passes.h"
#include "sim/world_trace.h"

struct batch_given { // of one request in one pass, in the order of batch_step
    double draft_s, verify_s;
};

struct batch_trace {
    struct batch_world world;      // first
    struct world_trace *slots;     // (B), owned
    const struct cost *cost;
    const struct passes *passes;   // borrowed; null: passes are extrapolated from those of one request, prefill is free
    const struct batch_given *given; // (given_n) a live run's own seconds, borrowed; null: the model's
    size_t given_n, given_at;
};

/* Requests are the trace's sequences. The trace must be ready for the policy (world_trace_ready). */
int batch_trace_open(struct batch_trace *w, const struct trace *t, const struct cost *cost, const struct passes *passes, int B,
                     struct err *err);
void batch_trace_close(struct batch_trace *w);

#endif
