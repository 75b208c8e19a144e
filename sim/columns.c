/* columns.c - see columns.h. */
#include "sim/columns.h"

#include <math.h>

#include "core/mem.h"

void columns_close(struct columns *c) {
    mem_free(c->x);
    mem_free(c->total);
    mem_free(c->sums);
    mem_free(c->left);
    mem_free(c->sample);
    mem_free(c->without);
}

int columns_open(struct columns *c, int Q, int M, struct err *err) {
    *c = (struct columns){.Q = Q, .M = M};
    bool good = (c->x = mem_alloc((size_t)Q * (size_t)M, sizeof *c->x, "a summary", err))
        && (c->total = mem_alloc((size_t)M, sizeof *c->total, "a summary", err))
        && (c->sums = mem_alloc((size_t)M * STATS_RESAMPLES, sizeof *c->sums, "bootstrap resamples", err))
        && (c->left = mem_alloc((size_t)M * (size_t)Q, sizeof *c->left, "a summary", err))
        && (c->sample = mem_alloc(STATS_RESAMPLES, sizeof *c->sample, "bootstrap resamples", err))
        && (c->without = mem_alloc((size_t)Q, sizeof *c->without, "a summary", err));
    if (!good) columns_close(c);
    return good ? 0 : ERR_FAILED;
}

int columns_resample(struct columns *c, uint64_t seed, struct err *err) {
    for (int q = 0; q < c->Q; q++)
        for (int m = 0; m < c->M; m++) c->total[m] += c->x[(size_t)q * (size_t)c->M + (size_t)m];
    stats_leave_one_out(c->x, c->Q, c->M, c->left);
    return stats_resample(c->x, c->Q, c->M, STATS_RESAMPLES, seed, c->sums, err);
}

struct bca columns_bca(const struct columns *c, statistic *f, int row, int all, int fewer, double *value) {
    for (int b = 0; b < STATS_RESAMPLES; b++) c->sample[b] = f(c->sums + b, STATS_RESAMPLES, row, all);
    for (int q = 0; q < c->Q; q++) c->without[q] = f(c->left + q, (size_t)c->Q, row, fewer);
    double x = f(c->total, 1, row, all);
    *value = isfinite(x) ? x : 0;
    return stats_bca(*value, c->sample, STATS_RESAMPLES, c->without, c->Q);
}

struct measure columns_measure(const struct columns *c, const struct bca *b, double value) {
    struct interval i = stats_bca_interval(b, stats_level(0.95, c->Q));
    return (struct measure){value, i.lo, i.hi};
}
