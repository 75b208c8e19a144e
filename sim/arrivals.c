/* arrivals.c - see arrivals.h. */
#include "sim/arrivals.h"

#include <math.h>
#include <stdbool.h>

#include "core/mem.h"
#include "core/rng.h"
#include "sim/matrix.h"

static double exponential(uint64_t seed, uint32_t stream, uint32_t i) {
    struct rng r = rng_at(seed, stream, i, 0);
    return -log1p(-rng_uniform(&r));
}

void arrivals_poisson(double *at, int n, double rate, uint64_t seed) {
    const uint32_t gaps = rng_stream("arrivals");
    double now = 0;
    for (int i = 0; i < n; i++) at[i] = now += exponential(seed, gaps, (uint32_t)i) / rate;
}

/* Time in units of the rate at hand: one exponential gap is used up over spells of either rate. */
void arrivals_bursty(double *at, int n, double rate, double peak, double burst_s, uint64_t seed) {
    const uint32_t gaps = rng_stream("arrivals"), spells = rng_stream("bursts");
    const double p = 1 / (2 * peak), rates[2] = {rate * 0.5 / (1 - p), rate * peak}, means[2] = {burst_s * (1 - p) / p, burst_s};
    struct rng first = rng_at(seed, rng_stream("first spell"), 0, 0);
    uint32_t spell = 0;
    bool burst = rng_uniform(&first) < p; // as if it had always been running
    double now = 0, ends = means[burst] * exponential(seed, spells, spell++);
    for (int i = 0; i < n; i++) {
        double left = exponential(seed, gaps, (uint32_t)i);
        while (now + left / rates[burst] > ends) {
            left -= (ends - now) * rates[burst];
            now = ends;
            burst = !burst;
            ends += means[burst] * exponential(seed, spells, spell++);
        }
        at[i] = now += left / rates[burst];
    }
}

int arrivals_read(double **at, int *n, const char *path, int most, struct err *err) {
    struct matrix m = {0};
    *at = NULL, *n = 0;
    if (matrix_open_list(&m, path, err)) return -1;
    const size_t rows = most > 0 && (size_t)most < m.rows ? (size_t)most : m.rows;
    int rc = rows > 1u << 30 ? err_set(err, "'%s' holds %zu times, expected at most %d", path, rows, 1 << 30) : 0;
    for (size_t i = 0; !rc && i < rows; i++)
        if (!(m.at[i] >= (i ? m.at[i - 1] : 0)) || !isfinite(m.at[i]))
            rc = err_set(err, "time %zu of '%s' is %g, expected seconds of at least %g", i + 1, path, m.at[i], i ? m.at[i - 1] : 0.0);
    if (!rc && !rows) rc = err_set(err, "'%s' holds no times", path);
    if (!rc && !(*at = mem_alloc(rows, sizeof **at, "arrivals", err))) rc = -1;
    for (size_t i = 0; !rc && i < rows; i++) (*at)[i] = m.at[i];
    if (!rc) *n = (int)rows;
    matrix_close(&m);
    return rc;
}
