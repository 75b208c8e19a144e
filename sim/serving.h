/* serving.h - a server under load, simulated: requests drawn from a trace's sequences, decoded in a batch (batch.h) under a policy, on
 * modelled hardware. What each request drafts and accepts is exact; seconds are modelled, so a policy that learns from them is a
 * simulation.
 *
 * One workload (which sequences, and when) serves every policy and batch size, so that they are compared on the same requests. */
#ifndef SIM_SERVING_H
#define SIM_SERVING_H

#include "sim/batch_trace.h"
#include "sim/meter.h"

enum arrivals { ARRIVALS_CLOSED, ARRIVALS_POISSON, ARRIVALS_BURSTY, ARRIVALS_FILE };

struct load {
    enum arrivals arrivals;
    int requests;          // with a file: at most that many, 0: all its lines
    bool random;           // sequences by a generator; else in order, over and over
    double rate, peak, burst_s; // arrivals.h
    const char *path;
    int context;           // tokens a request may have, prompt and budget together; 0: no limit
};

/* Requests of one seed. Those that the context cannot hold were refused, alone, and are not among them. */
struct workload {
    int n, refused;
    int *sequence, *tokens; // (n)
    uint32_t *ordinal;      // (n)
    double *arrival;        // (n), null in a closed loop
};

int workload_open(struct workload *w, const struct trace *t, const struct load *l, uint64_t seed, struct err *err);
void workload_close(struct workload *w);

struct serving {
    const struct trace *trace; // ready for the policy
    const struct cost *cost;
    const struct passes *passes;
    const struct workload *work;
    struct problem problem;
    const char *policy;        // spec
    enum batch_who who;
    int B, quota, queue;
    bool fresh;
    uint64_t seed;
    double slo_ttft, slo_tpot;
};

int serving_run(const struct serving *s, struct figures *f, struct batch_total *total, struct err *err);

#endif
