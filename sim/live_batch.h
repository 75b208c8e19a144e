/* live_batch.h - prompts decoded live in a batch under a policy, and held against a trace and against plain decoding (laws 1 to 3). */
#ifndef SIM_LIVE_BATCH_H
#define SIM_LIVE_BATCH_H

#include "core/setup.h"
#include "sim/batch.h"
#include "sim/batch_trace.h"
#include "sim/print_live.h"
#include "sim/steps.h"

struct live_batch {
    struct setup *setup;         // with `slots` decoders
    const struct prompts *prompts;
    const struct arms *arms;
    const char *policy;          // spec
    struct problem problem;
    enum batch_who who;
    int quota, max_new;
    uint64_t seed;
    bool fresh, compare;
    const struct trace *trace;   // to be held against; null: none. Ready for the policy
    const struct cost *cost;     // of the trace
    const struct passes *passes; // the same
    struct printer *printer;     // shows each text when those before it are out
    struct steps *steps;         // null: none
    int64_t *pulls;              // (K) added to
};

struct live_batch_total {
    struct batch_total batch;
    double plain_s;              // of decoding plainly, as many at once
    double modelled_s, checked_s; // what the cost model says the passes take, and what they took
    int64_t checked_rounds;
    struct batch_total simulated; // the same prompts under the same policy over the trace, seconds modelled: what `serving` says in advance
    int decoded, refused;        // prompts; those that the context cannot hold are refused alone
};

/* With total->refused, 0 is returned all the same, and `err` tells of the first that was. */
int live_batch_run(struct live_batch *l, struct live_batch_total *total, struct err *err);

#endif
