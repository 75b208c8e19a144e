/* passes.c - see passes.h. */
#include "sim/passes.h"

#include <gsl/gsl_errno.h>
#include <gsl/gsl_multifit.h>
#include <gsl/gsl_statistics_double.h>
#include <math.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "traces/db.h"

enum { SLOPES = 3, COLUMNS = PASSES_KNOTS + SLOPES }; // each, b0, b1 before the knots
enum { EACH, B0, B1 };

/* -- the base between its knots -- */

/* Where R rows lie: between knot i and i + 1 at `share` of the way, below 0 before the first. */
static int find(const struct passes *p, double R, double *share) {
    int i = 0;
    while (i + 2 < p->n && p->rows[i + 1] <= R) i++;
    *share = p->n > 1 ? (R - p->rows[i]) / (p->rows[i + 1] - p->rows[i]) : 0;
    return i;
}

static double base_at(const struct passes *p, double R) {
    double share;
    const int last = p->n - 1, i = find(p, R, &share);
    if (R >= p->rows[last]) return p->base[last] + p->beyond * (R - p->rows[last]);
    if (R <= p->rows[0]) return p->base[0]; // a pass of two requests has two rows: hardly anything lies below
    return p->base[i] + share * (p->base[i + 1] - p->base[i]);
}

static double roofline(const struct cost *c, double rows) { return c->launch + fmax(c->weights, c->row * rows); }

/* Without the context. */
static double extrapolated(const struct cost *c, int all) {
    const int last = COST_WIDTHS - 1;
    if (c->kind == COST_HARDWARE) return roofline(c, all);
    return all <= last ? c->base[all] : c->base[last] + (c->base[last] - c->base[last - 1]) * (all - last);
}

double passes_seconds(const struct passes *p, const struct cost *c, const int *rows, const int *context, const int *after, int n) {
    const int last = COST_WIDTHS - 1;
    int all = 0;
    double attention = 0, alone = 0, spared = 0;
    for (int i = 0; i < n; i++) all += rows[i];
    if (n > 1 && p && p->n) {
        for (int i = 0; i < n; i++) attention += (p->b0 + p->b1 * rows[i]) * context[i];
        return base_at(p, all) + p->each * (n - 1) + attention;
    }
    for (int i = 0; i < n; i++) {
        const int width = rows[i] < last ? rows[i] : last;
        attention += c->slope[width] * context[i];
        alone += cost_verify(c, width, context[i]), spared += cost_verify_after(c, after ? after[i] : -1, width, context[i]);
    }
    return (attention + extrapolated(c, all)) * (alone > 0 ? spared / alone : 1);
}

double passes_prefill(const struct passes *p, const struct cost *c, int tokens) {
    return c && c->kind == COST_HARDWARE ? roofline(c, tokens) : p->prefill_start + p->prefill_token * tokens;
}

/* -- the fit -- */

static int by_rows(const void *a, const void *b) {
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static int choose_knots(struct passes *p, const struct pass_timing *at, size_t n, struct err *err) {
    double *all = mem_alloc(n ? n : 1, sizeof *all, "knots", err);
    size_t m = 0;
    if (!all) return -1;
    for (size_t i = 0; i < n; i++)
        if (at[i].batch > 1) all[m++] = (double)at[i].batch * at[i].width;
    if (m) qsort(all, m, sizeof *all, by_rows);
    for (size_t i = 0; i < m; i++)
        if (!p->n || (all[i] >= 1.2 * p->rows[p->n - 1] && p->n < PASSES_KNOTS - 1)) p->rows[p->n++] = all[i];
    if (p->n > 1 && all[m - 1] > p->rows[p->n - 1]) p->rows[p->n - 1] = all[m - 1]; // the widest one measured ends it
    else if (p->n == 1 && all[m - 1] > p->rows[0]) p->rows[p->n++] = all[m - 1];
    p->timed = (long)m;
    mem_free(all);
    return 0;
}

/* Columns of one timing. */
static void lay(const struct passes *p, const struct pass_timing *t, double *x) {
    double share;
    const int i = find(p, (double)t->batch * t->width, &share);
    for (int j = 0; j < SLOPES + p->n; j++) x[j] = 0;
    x[EACH] = t->batch - 1, x[B0] = (double)t->batch * t->context, x[B1] = (double)t->batch * t->width * t->context;
    x[SLOPES + i] = 1 - share;
    if (p->n > 1) x[SLOPES + i + 1] = share;
}

struct rows { // of a regression of 1 on columns over seconds, so that errors are relative
    const double *x;  // (m, p)
    bool *out;        // (m) left out as outliers
    int p;
    size_t m;
};

/* Over the columns in use and the rows not left out. False: GSL found no finite answer. */
static bool regress(const struct rows *r, const bool *use, const gsl_multifit_robust_type *type, double *coef, struct err *err, int *rc) {
    int column[COLUMNS];
    size_t q = 0, m = 0;
    for (int j = 0; j < r->p; j++) {
        coef[j] = 0;
        if (use[j]) column[q++] = j;
    }
    for (size_t i = 0; i < r->m; i++) m += !r->out[i];
    if (m < 2 * q) return false; // GSL wants more rows than columns
    gsl_matrix *X = gsl_matrix_alloc(m, q), *cov = gsl_matrix_alloc(q, q);
    gsl_vector *c = gsl_vector_alloc(q), *y = gsl_vector_alloc(m);
    gsl_multifit_robust_workspace *work = gsl_multifit_robust_alloc(type, m, q);
    bool good = X && cov && c && y && work;
    if (!good) *rc = err_set(err, "cannot allocate a robust regression over %zu rows", m);
    if (good) {
        for (size_t i = 0, k = 0; i < r->m; i++) {
            if (r->out[i]) continue;
            for (size_t j = 0; j < q; j++) gsl_matrix_set(X, k, j, r->x[i * (size_t)r->p + (size_t)column[j]]);
            k++;
        }
        gsl_vector_set_all(y, 1);
        const int status = gsl_multifit_robust(X, y, c, cov, work);
        good = status == GSL_SUCCESS || status == GSL_EMAXITER; // the last iterate is an answer as well
        for (size_t j = 0; j < q; j++) good = good && isfinite(gsl_vector_get(c, j));
        for (size_t j = 0; good && j < q; j++) coef[column[j]] = gsl_vector_get(c, j);
    }
    if (work) gsl_multifit_robust_free(work);
    if (y) gsl_vector_free(y);
    if (c) gsl_vector_free(c);
    if (cov) gsl_matrix_free(cov);
    if (X) gsl_matrix_free(X);
    return good;
}

/* Bisquare, once the worst are out: a knot has few rows, so one that is several times too slow bends it more than bisquare mends. In
 * relative errors such a row pulls little at first, so that it stands out; what is left below the limit last is bisquare's. */
static bool robust(const struct rows *r, const bool *use, double *coef, struct err *err, int *rc) {
    static const double limits[] = {0.6, 0.3, 0.15};
    double most[COLUMNS];
    for (size_t i = 0; i < r->m; i++) r->out[i] = false;
    for (size_t k = 0; k < sizeof limits / sizeof *limits; k++) {
        if (!regress(r, use, gsl_multifit_robust_ols, coef, err, rc)) return false;
        for (int j = 0; j < r->p; j++) most[j] = 0;
        for (int drop = 0; drop < 2; drop++) // first what each column would keep
            for (size_t i = 0; i < r->m; i++) {
                const double *x = r->x + i * (size_t)r->p;
                double fitted = 0;
                for (int j = 0; j < r->p; j++) fitted += coef[j] * x[j];
                bool bad = fabs(1 - fitted) > limits[k];
                for (int j = 0; bad && drop && j < r->p; j++)
                    if (x[j] > 0 && !(most[j] > 0)) bad = false; // the only ones to tell of this column
                for (int j = 0; !bad && !drop && j < r->p; j++) most[j] = fmax(most[j], x[j]);
                if (drop) r->out[i] = bad;
            }
    }
    return regress(r, use, gsl_multifit_robust_bisquare, coef, err, rc);
}

/* Drops slopes one by one until none is negative. */
static int solve(const double *x, bool *use, int slopes, int p, size_t m, double *coef, struct err *err) {
    const struct rows r = {x, mem_alloc(m, sizeof *r.out, "regression rows", err), p, m};
    if (!r.out) return -1;
    gsl_error_handler_t *old = gsl_set_error_handler_off(); // its errors come back as status codes
    int rc = 0, worst = 0;
    while (!rc && worst >= 0) {
        const bool solved = robust(&r, use, coef, err, &rc);
        worst = -1;
        for (int j = 0; j < slopes; j++)
            if (use[j] && (!solved || coef[j] < 0) && (worst < 0 || coef[j] <= coef[worst])) worst = j;
        if (worst >= 0) use[worst] = false;
        else if (!solved && !rc) rc = 1; // nothing left to drop
    }
    gsl_set_error_handler(old);
    mem_free(r.out);
    return rc;
}

/* The median of what each knot's own timings leave, when there are too few for a regression. */
static void knot_medians(struct passes *p, const double *x, int columns, size_t m, const double *seconds, double *scratch) {
    for (int k = 0; k < p->n; k++) {
        size_t n = 0;
        for (size_t i = 0; i < m; i++)
            if (x[i * (size_t)columns + SLOPES + (size_t)k] > 0.5 / seconds[i]) scratch[n++] = seconds[i];
        p->base[k] = n ? gsl_stats_median(scratch, 1, n) : k ? p->base[k - 1] : 0;
    }
}

/* Pool adjacent violators, knots alike. */
static void make_monotone(double *value, int n) {
    double mean[PASSES_KNOTS];
    int length[PASSES_KNOTS], blocks = 0;
    for (int i = 0; i < n; i++) {
        mean[blocks] = fmax(value[i], 1e-9), length[blocks++] = 1;
        for (int b; blocks > 1 && mean[blocks - 2] > mean[blocks - 1]; ) {
            b = --blocks;
            mean[b - 1] = (mean[b - 1] * length[b - 1] + mean[b] * length[b]) / (length[b - 1] + length[b]);
            length[b - 1] += length[b];
        }
    }
    for (int b = 0, i = 0; b < blocks; b++)
        for (int k = 0; k < length[b]; k++) value[i++] = mean[b];
}

/* Of the straight line through the upper half of the knots. */
static double line_beyond(const struct passes *p) {
    const int from = p->n > 3 ? p->n / 2 : 0;
    double mx = 0, my = 0, top = 0, bottom = 0;
    for (int i = from; i < p->n; i++) mx += p->rows[i] / (p->n - from), my += p->base[i] / (p->n - from);
    for (int i = from; i < p->n; i++) top += (p->rows[i] - mx) * (p->base[i] - my), bottom += (p->rows[i] - mx) * (p->rows[i] - mx);
    return bottom > 0 ? fmax(top / bottom, 0) : p->base[p->n - 1] / p->rows[p->n - 1];
}

static void fit_error(struct passes *p, const struct pass_timing *at, size_t n, double *scratch) {
    size_t m = 0;
    for (size_t i = 0; i < n; i++) {
        if (at[i].batch < 2) continue;
        const double fitted = base_at(p, (double)at[i].batch * at[i].width) + p->each * (at[i].batch - 1)
            + (p->b0 + p->b1 * at[i].width) * at[i].batch * at[i].context;
        scratch[m++] = fabs(at[i].seconds - fitted) / fitted;
    }
    p->error = gsl_stats_median(scratch, 1, m);
}

int passes_fit_rows(struct passes *p, const struct pass_timing *at, size_t n, struct err *err) {
    p->n = 0, p->timed = 0, p->each = p->b0 = p->b1 = p->error = p->beyond = 0;
    if (choose_knots(p, at, n, err)) return -1;
    if (!p->n) return 0;
    const int columns = SLOPES + p->n;
    const size_t rows = (size_t)p->timed;
    double coef[COLUMNS], *x = mem_alloc(rows * (size_t)columns, sizeof *x, "regression columns", err);
    double *seconds = mem_alloc(rows, sizeof *seconds, "regression seconds", err),
        *scratch = mem_alloc(rows, sizeof *scratch, "regression residuals", err);
    bool use[COLUMNS], batches = false, contexts = false;
    int rc = x && seconds && scratch ? 0 : -1;
    size_t m = 0;
    for (size_t i = 0, first = n; !rc && i < n; i++) {
        if (at[i].batch < 2) continue;
        if (first == n) first = i;
        if (!(at[i].seconds > 0) || at[i].width < 1 || at[i].context < 0) {
            rc = err_set(err, "a pass of batch %d, width %d, context %d took %g s", at[i].batch, at[i].width, at[i].context, at[i].seconds);
            break;
        }
        batches |= at[i].batch != at[first].batch, contexts |= at[i].context != at[first].context;
        lay(p, &at[i], x + m * (size_t)columns);
        for (int j = 0; j < columns; j++) x[m * (size_t)columns + (size_t)j] /= at[i].seconds;
        seconds[m++] = at[i].seconds;
    }
    for (int j = 0; j < columns; j++) use[j] = j >= SLOPES || (j == EACH ? batches : contexts);
    if (!rc) rc = solve(x, use, SLOPES, columns, m, coef, err);
    if (rc == 0) {
        p->each = coef[EACH], p->b0 = coef[B0], p->b1 = coef[B1];
        memcpy(p->base, coef + SLOPES, (size_t)p->n * sizeof *p->base);
    } else if (rc == 1) {
        knot_medians(p, x, columns, m, seconds, scratch);
        rc = 0;
    }
    if (!rc) {
        make_monotone(p->base, p->n);
        p->beyond = line_beyond(p);
        fit_error(p, at, n, scratch);
    }
    mem_free(x), mem_free(seconds), mem_free(scratch);
    return rc;
}

int passes_fit_prefill(struct passes *p, const struct pass_timing *at, size_t n, struct err *err) {
    p->prefill_start = p->prefill_token = 0;
    if (!n) return 0;
    double coef[2], *x = mem_alloc(n * 2, sizeof *x, "prefills", err), *share = mem_alloc(n, sizeof *share, "prefills", err);
    bool use[2] = {false, true}; // the start may be dropped
    int rc = x && share ? 0 : -1;
    for (size_t i = 0; !rc && i < n; i++) {
        if (!(at[i].seconds > 0) || at[i].width < 1) rc = err_set(err, "a prefill of %d tokens took %g s", at[i].width, at[i].seconds);
        use[0] |= at[i].width != at[0].width;
        x[2 * i] = 1 / at[i].seconds, x[2 * i + 1] = at[i].width / at[i].seconds, share[i] = at[i].seconds / at[i].width;
    }
    if (!rc) rc = solve(x, use, 1, 2, n, coef, err);
    if (!rc) p->prefill_start = coef[0], p->prefill_token = coef[1];
    if (rc == 1 || (!rc && !(p->prefill_token > 0))) p->prefill_start = 0, p->prefill_token = gsl_stats_median(share, 1, n), rc = 0;
    mem_free(x), mem_free(share);
    return rc;
}

/* -- from the file -- */

struct list {
    struct pass_timing *at;
    size_t n, capacity;
};

/* SQL gives batch, width, context, nanoseconds; its parameters are the recording and, if it has a second one, the operation. */
static int collect(const struct trace *t, sqlite3 *db, const char *sql, const char *operation, struct list *to, struct err *err) {
    sqlite3_stmt *s = NULL;
    int rc = db_prepare(db, t->path, sql, &s, err);
    if (!rc) sqlite3_bind_int64(s, 1, t->recording);
    if (!rc && operation) sqlite3_bind_text(s, 2, operation, -1, SQLITE_STATIC);
    while (!rc && (rc = db_step(db, t->path, s, err)) == 1) {
        rc = mem_grow(&to->at, &to->capacity, to->n + 1, sizeof *to->at, "timings", err);
        if (!rc) to->at[to->n++] = (struct pass_timing){sqlite3_column_int(s, 0), sqlite3_column_int(s, 1), sqlite3_column_int(s, 2),
                                                        (double)sqlite3_column_int64(s, 3) / 1e9};
    }
    sqlite3_finalize(s);
    return rc;
}

/* Of every recording of this target, as it is stored, on this device with as many threads. */
#define MEASURED "SELECT l.batch, l.width, l.context, l.p50_ns FROM latency l" \
                 " JOIN recording r ON r.id = l.recording JOIN recording o ON o.id = ?1" \
                 " WHERE l.operation = ?2 AND l.drafter IS NULL AND l.width > 0 AND l.p50_ns > 0" \
                 " AND r.target_sha256 = o.target_sha256" \
                 " AND r.backend = o.backend AND r.device = o.device AND r.dtype = o.dtype AND r.threads = o.threads"
#define PREFILLED "SELECT 1, prompt_tokens, 0, prefill_ns FROM sequence" \
                  " WHERE recording = ?1 AND prompt_tokens > 0 AND prefill_ns > 0 ORDER BY ordinal"

int passes_fit(struct passes *p, const struct trace *t, struct err *err) {
    struct list verified = {0}, prefilled = {0};
    sqlite3 *db = NULL;
    *p = (struct passes){.n = 0};
    if (db_open_read(&db, t->path, &db_trace, err)) return -1;
    int rc = collect(t, db, MEASURED " AND l.batch > 1 ORDER BY l.id", "verify", &verified, err);
    if (!rc) rc = collect(t, db, MEASURED " AND l.batch = 1 ORDER BY l.id", "prefill", &prefilled, err);
    if (!rc) rc = collect(t, db, PREFILLED, NULL, &prefilled, err);
    db_close(&db);
    if (!rc) rc = passes_fit_rows(p, verified.at, verified.n, err);
    if (!rc) rc = passes_fit_prefill(p, prefilled.at, prefilled.n, err);
    if (rc) err_add(err, " (timings of '%s')", t->path);
    mem_free(verified.at), mem_free(prefilled.at);
    return rc;
}
