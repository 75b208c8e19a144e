/* batch_trace.h - a batch of recorded sequences: what each request drafts and accepts is exact, the seconds of a pass are modelled.
 *
 *   pass(requests) = base[rows of all] + sum over requests of (b0 + b1 * its rows) * its context
 * with the coefficients of cost.h: matrices see rows whosever they are, attention sees each request's own context. Beyond the widths that were
 * recorded the base goes on along the straight line of the cost model. */
#ifndef SIM_BATCH_TRACE_H
#define SIM_BATCH_TRACE_H

#include "sim/batch.h"
#include "sim/world_trace.h"

/* Seconds of a pass: n requests, rows[i] of each, context[i] tokens before the round. */
double batch_seconds(const struct cost *c, const int *rows, const int *context, int n);

struct batch_given { // of one request in one pass, in the order of batch_step
    double draft_s, verify_s;
};

struct batch_trace {
    struct batch_world world;      // first
    struct world_trace *slots;     // (B), owned
    const struct cost *cost;
    const struct batch_given *given; // (given_n) a live run's own seconds, borrowed; null: the model's
    size_t given_n, given_at;
};

/* Requests are the trace's sequences. The trace must be ready for the policy (world_trace_ready). */
int batch_trace_open(struct batch_trace *w, const struct trace *t, const struct cost *cost, int B, struct err *err);
void batch_trace_close(struct batch_trace *w);

#endif
