/* serving_grid.h - policies, every fixed arm and plain decoding, at every batch size, over seeds: who serves most. */
#ifndef SIM_SERVING_GRID_H
#define SIM_SERVING_GRID_H

#include "sim/lineup.h"
#include "sim/serving.h"

struct grid_entry {
    enum { GRID_POLICY, GRID_ARM, GRID_PLAIN } kind;
    char spec[256];
    int gamma;             // of an arm without a stopping rule, -1 else
    enum batch_who who;
    struct problem problem;
    bool fresh;
};

struct grid_row { // mean over seeds
    struct figures f;
    double throughput_se;  // standard error over seeds, 0 for one
    double vs_plain;       // throughput over that of plain decoding with as many requests at once
    double rounds, proposed, accepted, emitted;
};

struct grid_plan {
    const struct trace *trace;
    const struct cost *cost;
    const struct passes *passes;
    const struct arms *arms;
    const struct lineup *lineup;
    const struct load *load;
    const int *batches;
    int batch_n, quota, queue, seeds;
    uint64_t seed;
    bool per_batch;        // one policy for the batch where it does not share a quota
    int scope;             // 0: each policy's default; 1: forgets between requests; 2: carries on
    double slo_ttft, slo_tpot;
};

struct grid {
    struct grid_plan plan;
    int n;                     // entries: policies in their order, arms, plain last
    struct grid_entry *entries; // (n)
    struct grid_row *rows;     // (batch_n, n)
    int refused;               // requests that the context cannot hold, mean over seeds
    int *best, *worst;         // (batch_n) the fixed arm, plain decoding among them, of the highest and lowest throughput
};

/* Plays all runs, in parallel; the same on any number of threads. */
int grid_open(struct grid *g, const struct grid_plan *plan, struct err *err);
void grid_close(struct grid *g);

static inline const struct grid_row *grid_at(const struct grid *g, int b, int entry) {
    return &g->rows[(size_t)b * (size_t)g->n + (size_t)entry];
}

#endif
