/* fidelity.c - see fidelity.h. */
#include "sim/fidelity.h"

#include <math.h>

#include "core/mem.h"
#include "sim/stats.h"

int fidelity_open(struct fidelity *f, int P, int Q, struct err *err) {
    *f = (struct fidelity){.P = P, .Q = Q};
    f->row = mem_alloc((size_t)P, sizeof *f->row, "policies", err);
    for (int p = 0; f->row && p < P; p++)
        if (!(f->row[p].at = mem_alloc((size_t)Q, sizeof *f->row[p].at, "prompts", err))) return ERR_FAILED;
    return f->row ? 0 : ERR_FAILED;
}

void fidelity_close(struct fidelity *f) {
    for (int p = 0; f->row && p < f->P; p++) mem_free(f->row[p].at);
    mem_free(f->row);
    *f = (struct fidelity){.P = 0};
}

static double live(const struct fidelity_prompt *x) { return x->live_draft + x->live_verify; }
static double simulated(const struct fidelity_prompt *x) { return x->simulated_draft + x->simulated_verify; }

/* The same tokens either way: speeds differ as seconds do. */
static double difference(double live_s, double simulated_s) { return simulated_s > 0 ? 100 * (live_s / simulated_s - 1) : 0; }

/* Columns of the bootstrap: 2p live, 2p + 1 simulated seconds. */
static int fill_intervals(const struct fidelity *f, struct fidelity_sum *sums, struct err *err) {
    const int M = 2 * f->P, B = STATS_RESAMPLES;
    double *x = mem_alloc((size_t)f->Q * (size_t)M, sizeof *x, "seconds", err), *resampled = mem_alloc((size_t)M * B, sizeof *x, "resamples", err);
    double *left = mem_alloc((size_t)M * (size_t)f->Q, sizeof *x, "resamples", err), *sample = mem_alloc(B, sizeof *x, "resamples", err);
    double *without = mem_alloc((size_t)f->Q, sizeof *x, "resamples", err);
    int rc = x && resampled && left && sample && without ? 0 : ERR_FAILED;
    for (int q = 0; !rc && q < f->Q; q++)
        for (int p = 0; p < f->P; p++) {
            x[q * M + 2 * p] = live(&f->row[p].at[q]);
            x[q * M + 2 * p + 1] = simulated(&f->row[p].at[q]);
        }
    if (!rc) rc = stats_resample(x, f->Q, M, B, 0, resampled, err);
    if (!rc) stats_leave_one_out(x, f->Q, M, left);
    for (int p = 0; !rc && p < f->P; p++) {
        const double *a = resampled + (size_t)(2 * p) * B, *b = a + B, *la = left + (size_t)(2 * p) * (size_t)f->Q, *lb = la + f->Q;
        for (int i = 0; i < B; i++) sample[i] = difference(a[i], b[i]);
        for (int q = 0; q < f->Q; q++) without[q] = difference(la[q], lb[q]);
        const struct bca bca = stats_bca(sums[p].difference.value, sample, B, without, f->Q);
        const struct interval i = stats_bca_interval(&bca, stats_level(0.95, f->Q));
        sums[p].difference.lo = i.lo, sums[p].difference.hi = i.hi;
    }
    mem_free(x), mem_free(resampled), mem_free(left), mem_free(sample), mem_free(without);
    return rc;
}

int fidelity_sums(const struct fidelity *f, struct fidelity_sum *sums, double *mean_absolute, struct err *err) {
    *mean_absolute = 0;
    for (int p = 0; p < f->P; p++) {
        struct fidelity_sum *s = &sums[p];
        *s = (struct fidelity_sum){.tokens = 0};
        for (int q = 0; q < f->Q; q++) {
            const struct fidelity_prompt *x = &f->row[p].at[q];
            s->tokens += x->tokens, s->rounds += x->rounds;
            s->live_draft += x->live_draft, s->live_verify += x->live_verify;
            s->simulated_draft += x->simulated_draft, s->simulated_verify += x->simulated_verify;
        }
        s->difference.value = difference(s->live_draft + s->live_verify, s->simulated_draft + s->simulated_verify);
        *mean_absolute += fabs(s->difference.value) / f->P;
    }
    return f->simulated ? fill_intervals(f, sums, err) : 0;
}
