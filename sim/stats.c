/* stats.c - see stats.h. */
#include "sim/stats.h"

#include <gsl/gsl_sort.h>
#include <gsl/gsl_statistics_double.h>
#include <math.h>
#include <omp.h>
#include <string.h>

#include "core/mem.h"
#include "core/rng.h"

/* One resample: weights (Q) are how often each row was drawn; sums of column m go to sums[m * B]. */
static void resample(const double *x, int Q, int M, int B, uint64_t seed, int b, int *weight, double *sum, double *sums) {
    struct rng rng = rng_at(seed, rng_stream("bootstrap"), 0, (uint32_t)b);
    memset(weight, 0, (size_t)Q * sizeof *weight);
    for (int i = 0; i < Q; i++) weight[rng_below(&rng, Q)]++;
    memset(sum, 0, (size_t)M * sizeof *sum);
    for (int q = 0; q < Q; q++) {
        if (!weight[q]) continue;
        double w = weight[q];
        const double *row = x + (size_t)q * (size_t)M;
        for (int m = 0; m < M; m++) sum[m] += w * row[m];
    }
    for (int m = 0; m < M; m++) sums[(size_t)m * (size_t)B + (size_t)b] = sum[m];
}

int stats_resample(const double *x, int Q, int M, int B, uint64_t seed, double *sums, struct err *err) {
    int T = omp_get_max_threads();
    int *weights = mem_alloc((size_t)T * (size_t)Q, sizeof *weights, "bootstrap weights", err);
    double *scratch = mem_alloc((size_t)T * (size_t)M, sizeof *scratch, "bootstrap sums", err);
    if (weights && scratch) {
        #pragma omp parallel for num_threads(T) schedule(static)
        for (int b = 0; b < B; b++) {
            size_t thread = (size_t)omp_get_thread_num();
            resample(x, Q, M, B, seed, b, weights + thread * (size_t)Q, scratch + thread * (size_t)M, sums);
        }
    }
    int rc = weights && scratch ? 0 : ERR_FAILED;
    mem_free(weights);
    mem_free(scratch);
    return rc;
}

struct interval stats_interval(double *sample, int n) {
    size_t kept = 0;
    for (int i = 0; i < n; i++)
        if (isfinite(sample[i])) sample[kept++] = sample[i];
    if (!kept) return (struct interval){0, 0};
    gsl_sort(sample, 1, kept);
    return (struct interval){gsl_stats_quantile_from_sorted_data(sample, 1, kept, 0.025),
                             gsl_stats_quantile_from_sorted_data(sample, 1, kept, 0.975)};
}
