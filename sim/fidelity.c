/* fidelity.c - see fidelity.h. */
#include "sim/fidelity.h"

#include <math.h>

#include "core/mem.h"
#include "sim/columns.h"

int fidelity_open(struct fidelity *f, int P, int Q, struct err *err) {
    *f = (struct fidelity){.P = P, .Q = Q};
    f->row = mem_alloc((size_t)P, sizeof *f->row, "policies", err);
    for (int p = 0; f->row && p < P; p++)
        if (!(f->row[p].at = mem_alloc((size_t)Q, sizeof *f->row[p].at, "prompts", err))) return ERR_FAILED;
    f->plain = mem_alloc((size_t)Q, sizeof *f->plain, "prompts", err);
    return f->row && f->plain ? 0 : ERR_FAILED;
}

void fidelity_close(struct fidelity *f) {
    for (int p = 0; f->row && p < f->P; p++) mem_free(f->row[p].at);
    mem_free(f->row), mem_free(f->plain);
    *f = (struct fidelity){.P = 0};
}

static double live(const struct fidelity_prompt *x) { return x->live_draft + x->live_verify; }
static double simulated(const struct fidelity_prompt *x) { return x->simulated_draft + x->simulated_verify; }

/* Columns of the bootstrap: seconds of plain decoding, then 2 a row: live, simulated. */
static double difference(const double *at, size_t stride, int row, int Q) { // the same tokens either way: speeds differ as seconds do
    const double simulated_s = sum_at(at, stride, 2 + 2 * row);
    (void)Q;
    return simulated_s > 0 ? 100 * (sum_at(at, stride, 1 + 2 * row) / simulated_s - 1) : 0;
}
static double speedup(const double *at, size_t stride, int row, int Q) {
    const double live_s = sum_at(at, stride, 1 + 2 * row);
    (void)Q;
    return live_s > 0 ? sum_at(at, stride, 0) / live_s : 0;
}

static int open_columns(const struct fidelity *f, struct columns *c, struct err *err) {
    if (columns_open(c, f->Q, 1 + 2 * f->P, err)) return ERR_FAILED;
    for (int q = 0; q < f->Q; q++) {
        double *x = c->x + (size_t)q * (size_t)c->M;
        x[0] = f->plain[q];
        for (int p = 0; p < f->P; p++) x[1 + 2 * p] = live(&f->row[p].at[q]), x[2 + 2 * p] = simulated(&f->row[p].at[q]);
    }
    int rc = columns_resample(c, 0, err);
    if (rc) columns_close(c);
    return rc;
}

static struct measure measure(const struct columns *c, statistic *f, int row) {
    double value;
    const struct bca b = columns_bca(c, f, row, c->Q, c->Q - 1, &value);
    return columns_measure(c, &b, value);
}

static struct measure measure_speedup(const struct columns *c, int row) {
    struct measure m = measure(c, speedup, row);
    return c->Q < FIDELITY_ENOUGH ? (struct measure){.value = m.value} : m;
}

int fidelity_speedup(const struct fidelity *f, int p, struct measure *to, struct err *err) {
    struct columns c;
    if (open_columns(f, &c, err)) return ERR_FAILED;
    *to = measure_speedup(&c, p);
    columns_close(&c);
    return 0;
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
    }
    struct columns c;
    if (!f->simulated && !f->compared) return 0;
    if (open_columns(f, &c, err)) return ERR_FAILED;
    for (int p = 0; p < f->P; p++) {
        if (f->simulated) sums[p].difference = measure(&c, difference, p);
        if (f->compared) sums[p].speedup = measure_speedup(&c, p);
        *mean_absolute += fabs(sums[p].difference.value) / f->P;
    }
    columns_close(&c);
    return 0;
}
