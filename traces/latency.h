/* latency.h - the table `latency`: quantiles of what a forward pass takes, by batch, width and context. */
#ifndef TRACES_LATENCY_H
#define TRACES_LATENCY_H

#include <stdint.h>

#include "core/err.h"
#include "traces/store.h"

struct latency {
    const char *operation; // "verify" or "prefill"
    int batch, width, context, samples;
    int64_t p10_ns, p50_ns, p90_ns;
};

struct latency_store {
    const char *path; // borrowed
    struct sqlite3 *db;
    int64_t recording;
};

/* Opens or creates the trace. The rows belong to the first recording of the same target, backend, device,
 * dtype, threads and engine version; where there is none, a new one is added, without drafters or sequences. */
int latency_open(struct latency_store *s, const char *path, const struct store_recording *r, struct err *err);
void latency_close(struct latency_store *s); // a zeroed one is fine

/* Writes one row, in place of an older one of the same operation, batch, width and context. */
int latency_put(struct latency_store *s, const struct latency *l, struct err *err);

#endif
