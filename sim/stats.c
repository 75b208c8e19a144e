/* stats.c - see stats.h. */
#include "sim/stats.h"

#include <gsl/gsl_cdf.h>
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

void stats_leave_one_out(const double *x, int Q, int M, double *left) {
    for (int m = 0; m < M; m++) {
        double sum = 0;
        for (int q = 0; q < Q; q++) sum += x[(size_t)q * (size_t)M + (size_t)m];
        for (int q = 0; q < Q; q++) left[(size_t)m * (size_t)Q + (size_t)q] = sum - x[(size_t)q * (size_t)M + (size_t)m];
    }
}

static double acceleration(const double *left, int Q) {
    double mean = 0, squares = 0, cubes = 0;
    for (int q = 0; q < Q; q++) mean += left[q] / Q;
    for (int q = 0; q < Q; q++) {
        double d = mean - left[q];
        squares += d * d, cubes += d * d * d;
    }
    double a = cubes / (6 * pow(squares, 1.5));
    return isfinite(a) ? a : 0;
}

/* Ascending. The order of doubles is that of their bits, with the sign's turned over and negative ones' all; those are sorted eleven at a
 * time, least first: six passes over 10000 numbers, where comparing takes 14. */
static void sort(double *x, size_t n) {
    enum { BITS = 11, SIZE = 1 << BITS, MOST = 1 << 14 };
    if (n > MOST || n < 64) {
        gsl_sort(x, 1, n);
        return;
    }
    uint64_t keys[2][MOST];
    uint32_t count[6][SIZE] = {{0}};
    for (size_t i = 0; i < n; i++) {
        uint64_t k;
        memcpy(&k, &x[i], sizeof k);
        keys[0][i] = k = k >> 63 ? ~k : k | 1ull << 63;
        for (int pass = 0; pass < 6; pass++) count[pass][k >> (pass * BITS) & (SIZE - 1)]++;
    }
    for (int pass = 0; pass < 6; pass++) {
        uint32_t at = 0;
        for (int d = 0; d < SIZE; d++) {
            uint32_t here = count[pass][d];
            count[pass][d] = at, at += here;
        }
        const uint64_t *from = keys[pass & 1];
        uint64_t *to = keys[~pass & 1];
        for (size_t i = 0; i < n; i++) to[count[pass][from[i] >> (pass * BITS) & (SIZE - 1)]++] = from[i];
    }
    for (size_t i = 0; i < n; i++) {
        uint64_t k = keys[0][i] >> 63 ? keys[0][i] & ~(1ull << 63) : ~keys[0][i];
        memcpy(&x[i], &k, sizeof k);
    }
}

struct bca stats_bca(double value, double *sample, int n, const double *left, int Q) {
    struct bca b = {.sample = sample};
    double below = 0;
    for (int i = 0; i < n; i++)
        if (isfinite(sample[i])) sample[b.n++] = sample[i];
    sort(sample, (size_t)b.n);
    for (int i = 0; i < b.n; i++) below += sample[i] < value ? 1 : sample[i] == value ? 0.5 : 0;
    // up to rounding
    b.flat = !b.n || (sample[b.n - 1] - sample[0] <= 1e-11 * fabs(value) && fabs(sample[0] - value) <= 1e-11 * fabs(value));
    double share = b.n ? below / b.n : 0.5, edge = b.n ? 0.5 / b.n : 0; // a value beyond all resamples has no percentile: half a resample's
    b.z0 = b.flat ? 0 : gsl_cdf_ugaussian_Pinv(share < edge ? edge : share > 1 - edge ? 1 - edge : share);
    b.a = b.flat ? 0 : acceleration(left, Q);
    return b;
}

static double bca_percentile(const struct bca *b, double alpha) {
    if (alpha <= 0 || alpha >= 1) return alpha > 0.5;
    double z = b->z0 + gsl_cdf_ugaussian_Pinv(alpha), bent = 1 - b->a * z;
    return bent > 0 ? gsl_cdf_ugaussian_P(b->z0 + z / bent) : z > 0; // beyond the pole: the end
}

struct interval stats_bca_interval(const struct bca *b, double level) {
    if (!b->n) return (struct interval){0, 0};
    double lo = bca_percentile(b, (1 - level) / 2), hi = bca_percentile(b, (1 + level) / 2);
    return (struct interval){gsl_stats_quantile_from_sorted_data(b->sample, 1, (size_t)b->n, lo),
                             gsl_stats_quantile_from_sorted_data(b->sample, 1, (size_t)b->n, hi)};
}

static const double BENT = 3.29; // p = 0.001: beyond, bias and acceleration, made for intervals, may not make a value less likely than it is without
static const double FAR = 5; // normal scores beyond are not believed: the tails of few prompts are no normal ones

/* The normal score of a value in the sample; beyond it, as if the tail were normal with the spread that the sample has out to its last
 * thousandth on that side. */
static double score(const struct bca *b, double value) {
    double below = 0, edge = 1.0 / (b->n + 1);
    for (int i = 0; i < b->n; i++) below += b->sample[i] < value ? 1 : b->sample[i] == value ? 0.5 : 0;
    double share = below / b->n, least = gsl_cdf_ugaussian_Pinv(edge);
    if (share >= edge && share <= 1 - edge) return gsl_cdf_ugaussian_Pinv(share);
    double sign = share < edge ? -1 : 1, middle = gsl_stats_quantile_from_sorted_data(b->sample, 1, (size_t)b->n, 0.5);
    double spread = (gsl_stats_quantile_from_sorted_data(b->sample, 1, (size_t)b->n, sign < 0 ? 0.001
        : 0.999) - middle) / gsl_cdf_ugaussian_Pinv(0.999);
    double z = spread != 0 ? fabs((value - middle) / spread) : FAR;
    return sign * (z < -least ? -least : z < FAR ? z : FAR);
}

double stats_bca_p(const struct bca *b, double null) {
    if (!b->n || (b->flat && b->sample[0] == null)) return 1;
    double z = score(b, null) - b->z0, bent = 1 + b->a * z; // bca_percentile backwards
    double side = fabs(bent > 0 ? z / bent - b->z0 : INFINITY), plain = fabs(z + b->z0);
    return 2 * gsl_cdf_ugaussian_Q(fmin(side, fmin(fmax(plain, BENT), FAR)));
}

double stats_level(double level, int n) {
    return n < 2 ? level : 2 * gsl_cdf_ugaussian_P(sqrt(n / (n - 1.0)) * gsl_cdf_tdist_Pinv((1 + level) / 2, n - 1)) - 1;
}

double stats_level_p(double p, int n) {
    if (n < 2) return 1; // one prompt cannot tell
    return p >= 1 ? p : 2 * gsl_cdf_tdist_Q(gsl_cdf_ugaussian_Qinv(p / 2) / sqrt(n / (n - 1.0)), n - 1);
}

void stats_holm(double *p, int n) {
    double floor = 0;
    bool done[n > 0 ? n : 1];
    memset(done, 0, sizeof done);
    for (int left = n; left > 0; left--) {
        int least = -1;
        for (int i = 0; i < n; i++)
            if (!done[i] && (least < 0 || p[i] < p[least])) least = i;
        double adjusted = left * p[least] < 1 ? left * p[least] : 1;
        floor = adjusted > floor ? adjusted : floor;
        p[least] = floor;
        done[least] = true;
    }
}

struct interval stats_interval(double *sample, int n) {
    size_t kept = 0;
    for (int i = 0; i < n; i++)
        if (isfinite(sample[i])) sample[kept++] = sample[i];
    if (!kept) return (struct interval){0, 0};
    sort(sample, kept);
    return (struct interval){gsl_stats_quantile_from_sorted_data(sample, 1, kept, 0.025),
                             gsl_stats_quantile_from_sorted_data(sample, 1, kept, 0.975)};
}
