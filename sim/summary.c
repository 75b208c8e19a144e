/* summary.c - see summary.h.
 *
 * One table (Q, columns) holds what each row and its comparators took on each prompt; every
 * figure is a function of column sums, so one set of resamples serves them all. */
#include "sim/summary.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/mem.h"
#include "sim/stats.h"

enum { BOOTSTRAP_SEED = 0 };

/* Columns shared by all rows, then two a row. */
enum { TOKENS, PLAIN, BEST_ROUNDS, BEST_SECONDS, SHARED };
static int rounds_column(int row) { return SHARED + 2 * row; }
static int seconds_column(int row) { return SHARED + 2 * row + 1; }

/* A statistic of one row from column sums, column c of resample b being at[c * stride]. */
typedef double statistic(const double *at, size_t stride, int row, int Q);

static double sum_at(const double *at, size_t stride, int column) { return at[(size_t)column * stride]; }

static double mat(const double *at, size_t stride, int row, int Q) {
    (void)Q;
    return sum_at(at, stride, TOKENS) / sum_at(at, stride, rounds_column(row));
}
static double tokens_per_s(const double *at, size_t stride, int row, int Q) {
    (void)Q;
    return sum_at(at, stride, TOKENS) / sum_at(at, stride, seconds_column(row));
}
static double speedup(const double *at, size_t stride, int row, int Q) {
    (void)Q;
    return sum_at(at, stride, PLAIN) / sum_at(at, stride, seconds_column(row));
}
static double regret_rounds(const double *at, size_t stride, int row, int Q) {
    return (sum_at(at, stride, rounds_column(row)) - sum_at(at, stride, BEST_ROUNDS)) / Q;
}
static double regret_seconds(const double *at, size_t stride, int row, int Q) {
    return (sum_at(at, stride, seconds_column(row)) - sum_at(at, stride, BEST_SECONDS)) / Q;
}

struct columns {
    int Q, M;
    double *x;      // (Q, M)
    double *total;  // (M) column sums
    double *sums;   // (M, STATS_RESAMPLES)
    double *sample; // (STATS_RESAMPLES) scratch
};

static void columns_close(struct columns *c) {
    mem_free(c->x);
    mem_free(c->total);
    mem_free(c->sums);
    mem_free(c->sample);
}

static int columns_open(struct columns *c, int Q, int M, struct err *err) {
    *c = (struct columns){.Q = Q, .M = M};
    bool good = (c->x = mem_alloc((size_t)Q * (size_t)M, sizeof *c->x, "a summary", err))
        && (c->total = mem_alloc((size_t)M, sizeof *c->total, "a summary", err))
        && (c->sums = mem_alloc((size_t)M * STATS_RESAMPLES, sizeof *c->sums, "bootstrap resamples", err))
        && (c->sample = mem_alloc(STATS_RESAMPLES, sizeof *c->sample, "bootstrap resamples", err));
    if (!good) columns_close(c);
    return good ? 0 : ERR_FAILED;
}

static int columns_resample(struct columns *c, struct err *err) {
    for (int q = 0; q < c->Q; q++)
        for (int m = 0; m < c->M; m++) c->total[m] += c->x[(size_t)q * (size_t)c->M + (size_t)m];
    return stats_resample(c->x, c->Q, c->M, STATS_RESAMPLES, BOOTSTRAP_SEED, c->sums, err);
}

static struct measure measure(const struct columns *c, statistic *f, int row) {
    for (int b = 0; b < STATS_RESAMPLES; b++) c->sample[b] = f(c->sums + b, STATS_RESAMPLES, row, c->Q);
    struct interval i = stats_interval(c->sample, STATS_RESAMPLES);
    double value = f(c->total, 1, row, c->Q);
    return (struct measure){isfinite(value) ? value : 0, i.lo, i.hi};
}

static void fill_row(struct columns *c, int row, int q, double rounds, double seconds) {
    double *x = c->x + (size_t)q * (size_t)c->M;
    x[rounds_column(row)] = rounds;
    x[seconds_column(row)] = seconds;
}

static void fill(struct columns *c, const struct replay *r) {
    const struct oracle *o = &r->oracle;
    int P = r->plan.lineup->n;
    for (int q = 0; q < r->Q; q++) {
        const struct walk *fixed = o->fixed + (size_t)q * (size_t)o->K;
        double *x = c->x + (size_t)q * (size_t)c->M;
        x[TOKENS] = r->plan.trace->sequences[q].tokens - 1;
        x[PLAIN] = o->plain[q].seconds;
        x[BEST_ROUNDS] = fixed[o->best_rounds[q]].rounds;
        x[BEST_SECONDS] = fixed[o->best_seconds[q]].seconds;
        for (int p = 0; p < P; p++) {
            size_t cell = (size_t)p * (size_t)r->Q + (size_t)q;
            fill_row(c, p, q, r->rounds[cell], r->seconds[cell]);
        }
        const struct walk reference[REFERENCES] = {
            [REFERENCE_PLAIN] = o->plain[q], [REFERENCE_BEST_FIXED] = fixed[o->best],
            [REFERENCE_BEST_PER_PROMPT] = fixed[o->best_seconds[q]], [REFERENCE_CLAIRVOYANT] = o->clairvoyant[q],
        };
        for (int i = 0; i < REFERENCES; i++) fill_row(c, P + i, q, reference[i].rounds, reference[i].seconds);
    }
}

static void summarise(const struct columns *c, int row, int P, struct summary *s) {
    double mine = c->total[seconds_column(row)], best = c->total[seconds_column(P + REFERENCE_BEST_FIXED)];
    double least = c->total[seconds_column(P + REFERENCE_CLAIRVOYANT)];
    s->rounds = c->total[rounds_column(row)] / c->Q;
    s->mat = measure(c, mat, row);
    s->tokens_per_s = measure(c, tokens_per_s, row);
    s->speedup = measure(c, speedup, row);
    s->regret_rounds = measure(c, regret_rounds, row);
    s->regret_seconds = measure(c, regret_seconds, row);
    s->has_gap = best - least > 1e-12 * best; // less is rounding
    s->gap_closed = s->has_gap ? (best - mine) / (best - least) : 0;
}

static void name_references(const struct replay *r, struct summary *s) {
    static const char *const names[REFERENCES] = {"plain", "best-fixed", "best-per-prompt", "clairvoyant"};
    for (int i = 0; i < REFERENCES; i++) {
        s[i].oracle = i != REFERENCE_PLAIN;
        s[i].seeds = 1;
        snprintf(s[i].name, sizeof s[i].name, "%s", names[i]);
        if (i == REFERENCE_BEST_FIXED) snprintf(s[i].spec, sizeof s[i].spec, "best-fixed (%s)", r->problem.arms[r->oracle.best].name);
        else snprintf(s[i].spec, sizeof s[i].spec, "%s", names[i]);
    }
}

int summary_make(const struct replay *r, struct summary *players, struct summary *references, struct err *err) {
    const struct lineup *l = r->plan.lineup;
    struct columns c;
    if (columns_open(&c, r->Q, SHARED + 2 * (l->n + REFERENCES), err)) return ERR_FAILED;
    fill(&c, r);
    int rc = columns_resample(&c, err);
    for (int p = 0; !rc && p < l->n; p++) {
        const struct player *x = &l->at[p];
        players[p] = (struct summary){.oracle = x->kind != PLAYER_POLICY, .seeds = x->seeds};
        memcpy(players[p].spec, x->spec, sizeof x->spec);
        memcpy(players[p].name, x->name, sizeof x->name);
        summarise(&c, p, l->n, &players[p]);
    }
    memset(references, 0, REFERENCES * sizeof *references);
    name_references(r, references);
    for (int i = 0; !rc && i < REFERENCES; i++) summarise(&c, l->n + i, l->n, &references[i]);
    columns_close(&c);
    return rc;
}

/* Columns of a curve: three a checkpoint. A prompt too short for it is out of all three. */
static double curve_rounds(const double *at, size_t stride, int row, int Q) {
    (void)Q;
    return sum_at(at, stride, 3 * row + 1) / sum_at(at, stride, 3 * row);
}
static double curve_seconds(const double *at, size_t stride, int row, int Q) {
    (void)Q;
    return sum_at(at, stride, 3 * row + 2) / sum_at(at, stride, 3 * row);
}

int summary_curve(const struct replay *r, int p, struct curve_point *out, struct err *err) {
    int C = r->tokens.n;
    struct columns c;
    if (columns_open(&c, r->Q, 3 * C, err)) return ERR_FAILED;
    for (int q = 0; q < r->Q; q++)
        for (int i = 0; i < C && r->tokens.at[i] <= r->plan.trace->sequences[q].tokens; i++) {
            double *x = c.x + (size_t)q * (size_t)c.M + 3 * (size_t)i;
            size_t best = (size_t)q * (size_t)C + (size_t)i, mine = (size_t)p * (size_t)r->Q * (size_t)C + best;
            x[0] = 1;
            x[1] = r->curve_rounds[mine] - r->best_rounds[best];
            x[2] = r->curve_seconds[mine] - r->best_seconds[best];
        }
    int rc = columns_resample(&c, err);
    for (int i = 0; !rc && i < C; i++)
        out[i] = (struct curve_point){r->tokens.at[i], (int)c.total[3 * i], measure(&c, curve_rounds, i), measure(&c, curve_seconds, i)};
    columns_close(&c);
    return rc;
}

void summary_sort(const struct summary *rows, int n, int *order) {
    for (int i = 0; i < n; i++) {
        int j = i;
        for (; j > 0 && rows[order[j - 1]].tokens_per_s.value < rows[i].tokens_per_s.value; j--) order[j] = order[j - 1];
        order[j] = i;
    }
}
