/* cost.c - see cost.h. */
#include "sim/cost.h"

#include <gsl/gsl_errno.h>
#include <gsl/gsl_multifit.h>
#include <gsl/gsl_sort.h>
#include <gsl/gsl_statistics_double.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "core/mem.h"
#include "core/rng.h"

enum {
    ROWS_MAX = 12000, // rows a fit sees; its standard errors are then far below the timings' own noise
    ITERATIONS = 30,  // of reweighting, where GSL has a hundred: what comes later is far below the timings' own noise
    COLUMNS_MAX = COST_WIDTHS + 2,
};

/* Columns of one regression. The first `kept` have coefficients above 0 and always stay; the
 * others are slopes, dropped when they would be negative or the rows cannot tell them. */
struct fit {
    size_t n;
    int p, kept;
    double *x;            // (n, p)
    double *y;            // (n) seconds
    double *scratch;      // (n)
    bool use[COLUMNS_MAX];
    double coef[COLUMNS_MAX];
};

static void fit_close(struct fit *f) {
    mem_free(f->x);
    mem_free(f->y);
    mem_free(f->scratch);
    *f = (struct fit){0};
}

static int fit_open(struct fit *f, size_t n, int p, int kept, struct err *err) {
    *f = (struct fit){.n = n, .p = p, .kept = kept};
    f->x = mem_alloc(n * (size_t)p, sizeof *f->x, "regression columns", err);
    f->y = mem_alloc(n, sizeof *f->y, "regression seconds", err);
    f->scratch = mem_alloc(n, sizeof *f->scratch, "regression residuals", err);
    for (int j = 0; j < p; j++) f->use[j] = true;
    if (f->x && f->y && f->scratch) return 0;
    fit_close(f);
    return ERR_FAILED;
}

/* Median over rows of (y - the slopes' part) / x_j, for a kept column on its own. */
static double kept_median(struct fit *f, int j) {
    size_t m = 0;
    for (size_t i = 0; i < f->n; i++) {
        const double *x = f->x + i * (size_t)f->p;
        if (x[j] == 0) continue;
        double y = f->y[i];
        for (int k = f->kept; k < f->p; k++)
            if (f->use[k]) y -= f->coef[k] * x[k];
        f->scratch[m++] = y / x[j];
    }
    return m ? gsl_stats_median(f->scratch, 1, m) : 0;
}

/* Whether the coefficients say every row to a billionth. */
static bool exact(const gsl_matrix *X, const gsl_vector *y, const gsl_vector *c) {
    for (size_t i = 0; i < X->size1; i++) {
        double fitted = 0;
        for (size_t j = 0; j < X->size2; j++) fitted += gsl_matrix_get(X, i, j) * gsl_vector_get(c, j);
        if (!(fabs(gsl_vector_get(y, i) - fitted) <= 1e-9 * fabs(gsl_vector_get(y, i)))) return false;
    }
    return true;
}

/* Least squares, which is the answer where timings have no noise: reweighting would then turn round in circles of rounding errors. */
static bool least_squares(const gsl_matrix *X, const gsl_vector *y, gsl_vector *c, gsl_matrix *cov) {
    gsl_multifit_linear_workspace *work = gsl_multifit_linear_alloc(X->size1, X->size2);
    double chisq;
    bool good = work && gsl_multifit_linear(X, y, c, cov, &chisq, work) == GSL_SUCCESS && exact(X, y, c);
    if (work) gsl_multifit_linear_free(work);
    return good;
}

/* Bisquare regression over the columns in use; false when GSL found no finite answer. */
static bool robust(struct fit *f, const int *columns, int p, struct err *err, int *rc) {
    gsl_matrix *X = gsl_matrix_alloc(f->n, (size_t)p), *cov = gsl_matrix_alloc((size_t)p, (size_t)p);
    gsl_vector *c = gsl_vector_alloc((size_t)p);
    gsl_multifit_robust_workspace *work = gsl_multifit_robust_alloc(gsl_multifit_robust_bisquare, f->n, (size_t)p);
    bool good = X && cov && c && work;
    if (!good) *rc = err_set(err, "cannot allocate a robust regression over %zu rows", f->n);
    if (good) {
        for (size_t i = 0; i < f->n; i++)
            for (int j = 0; j < p; j++) gsl_matrix_set(X, i, (size_t)j, f->x[i * (size_t)f->p + (size_t)columns[j]]);
        gsl_vector_const_view y = gsl_vector_const_view_array(f->y, f->n);
        if (!least_squares(X, &y.vector, c, cov)) {
            gsl_multifit_robust_maxiter(ITERATIONS, work);
            int status = gsl_multifit_robust(X, &y.vector, c, cov, work);
            good = status == GSL_SUCCESS || status == GSL_EMAXITER; // the last iterate is an answer as well
        }
        for (int j = 0; j < p; j++) good = good && isfinite(gsl_vector_get(c, (size_t)j));
        for (int j = 0; good && j < p; j++) f->coef[columns[j]] = gsl_vector_get(c, (size_t)j);
    }
    if (work) gsl_multifit_robust_free(work);
    if (c) gsl_vector_free(c);
    if (cov) gsl_matrix_free(cov);
    if (X) gsl_matrix_free(X);
    return good;
}

static int fit_solve(struct fit *f, struct err *err) {
    for (;;) {
        int columns[COLUMNS_MAX], p = 0, rc = 0, worst = -1;
        for (int j = 0; j < f->p; j++) {
            f->coef[j] = 0;
            if (f->use[j]) columns[p++] = j;
        }
        bool solved = f->n >= 4 * (size_t)p && robust(f, columns, p, err, &rc);
        if (rc) return rc;
        for (int j = f->kept; j < f->p; j++)
            if (f->use[j] && (!solved || f->coef[j] < 0) && (worst < 0 || f->coef[j] <= f->coef[worst])) worst = j;
        if (worst >= 0) { // a negative slope, or too few rows for it: do without
            f->use[worst] = false;
            continue;
        }
        for (int j = 0; j < f->kept; j++)
            if (!solved || f->coef[j] <= 0) f->coef[j] = kept_median(f, j);
        return 0;
    }
}

/* Pool adjacent violators: the nearest non-decreasing sequence, weighted by counts. */
static void make_monotone(double *value, const double *count, int n) {
    double mean[COST_WIDTHS], weight[COST_WIDTHS];
    int length[COST_WIDTHS], blocks = 0;
    for (int i = 0; i < n; i++) {
        mean[blocks] = value[i], weight[blocks] = count[i], length[blocks++] = 1;
        while (blocks > 1 && mean[blocks - 2] > mean[blocks - 1]) {
            int b = --blocks;
            mean[b - 1] = (mean[b - 1] * weight[b - 1] + mean[b] * weight[b]) / (weight[b - 1] + weight[b]);
            weight[b - 1] += weight[b];
            length[b - 1] += length[b];
        }
    }
    for (int b = 0, i = 0; b < blocks; b++)
        for (int k = 0; k < length[b]; k++) value[i++] = mean[b];
}

static double line_slope(const int *width, const double *value, int n) {
    double mw = 0, mv = 0, top = 0, bottom = 0;
    for (int i = 0; i < n; i++) mw += width[i] / (double)n, mv += value[i] / n;
    for (int i = 0; i < n; i++) top += (width[i] - mw) * (value[i] - mv), bottom += (width[i] - mw) * (width[i] - mw);
    return bottom > 0 && top > 0 ? top / bottom : 0;
}

/* base[] of every width from the recorded ones (ascending). */
static void fill_widths(double *base, const int *width, const double *value, int n) {
    double slope = line_slope(width, value, n);
    for (int w = 1, i = 0; w < COST_WIDTHS; w++) {
        while (i + 1 < n && width[i + 1] <= w) i++;
        double below = value[0] - slope * (width[0] - w), share = value[0] * w / width[0];
        if (w < width[0]) base[w] = below > share ? below : share;
        else if (i + 1 == n) base[w] = value[i] + slope * (w - width[i]);
        else base[w] = value[i] + (value[i + 1] - value[i]) * (w - width[i]) / (width[i + 1] - width[i]);
    }
}

static int fit_verify(struct cost *c, const struct trace_timing *rows, size_t n, struct err *err) {
    int width[COST_WIDTHS], column[COST_WIDTHS], W = 0;
    double count[COST_WIDTHS] = {0}, counted[COST_WIDTHS], value[COST_WIDTHS];
    bool context = false;
    size_t m = 0;
    int first = -1;
    for (size_t i = 0; i < n; i++) {
        if (rows[i].drafter != -1) continue;
        if (rows[i].width < 1 || rows[i].width >= COST_WIDTHS)
            return err_set(err, "a verification of width %d was timed, expected 1 to %d", rows[i].width, COST_WIDTHS - 1);
        count[rows[i].width]++;
        if (first < 0) first = rows[i].context;
        context |= rows[i].context != first;
        m++;
    }
    if (!m) return err_set(err, "no verification was timed, so seconds cannot be modelled");
    for (int w = 1; w < COST_WIDTHS; w++)
        if (count[w] > 0) column[w] = W, counted[W] = count[w], width[W++] = w;
    struct fit f;
    if (fit_open(&f, m, W + 2, W, err)) return ERR_FAILED;
    f.use[W] = context;
    f.use[W + 1] = context && W > 1;
    m = 0;
    for (size_t i = 0; i < n; i++) {
        if (rows[i].drafter != -1) continue;
        double *x = f.x + m * (size_t)f.p;
        x[column[rows[i].width]] = 1;
        x[W] = rows[i].context;
        x[W + 1] = (double)rows[i].context * rows[i].width;
        f.y[m++] = (double)rows[i].ns / 1e9;
    }
    int rc = fit_solve(&f, err);
    if (!rc) {
        for (int i = 0; i < W; i++) value[i] = f.coef[i] > 1e-9 ? f.coef[i] : 1e-9; // a forward pass takes time
        make_monotone(value, counted, W);
        fill_widths(c->base, width, value, W);
        for (int w = 1; w < COST_WIDTHS; w++) c->slope[w] = f.coef[W] + f.coef[W + 1] * w;
        c->rows = (long)m;
        m = 0;
        for (size_t i = 0; i < n; i++) {
            if (rows[i].drafter != -1) continue;
            double fitted = cost_verify(c, rows[i].width, rows[i].context);
            f.scratch[m++] = fabs((double)rows[i].ns / 1e9 - fitted) / fitted;
        }
        c->error = gsl_stats_median(f.scratch, 1, m);
    }
    fit_close(&f);
    return rc;
}

/* Rows of drafter d with none (n = 0) or some (n > 0) tokens proposed: columns n (or 1), 1, context. */
static int fit_draft(struct cost *c, int d, bool some, const struct trace_timing *rows, size_t n, struct err *err) {
    size_t m = 0;
    const struct trace_timing *first = NULL;
    bool lengths = false, contexts = false;
    for (size_t i = 0; i < n; i++) {
        if (rows[i].drafter != d || (rows[i].width > 0) != some) continue;
        if (!first) first = &rows[i];
        lengths |= rows[i].width != first->width;
        contexts |= rows[i].context != first->context;
        m++;
    }
    if (!m) return 0; // never drafted so: costs nothing that was seen
    struct fit f;
    if (fit_open(&f, m, 3, 1, err)) return ERR_FAILED;
    f.use[1] = lengths;
    f.use[2] = contexts;
    m = 0;
    for (size_t i = 0; i < n; i++) {
        if (rows[i].drafter != d || (rows[i].width > 0) != some) continue;
        double *x = f.x + m * 3;
        x[0] = some ? rows[i].width : 1;
        x[1] = 1;
        x[2] = rows[i].context;
        f.y[m++] = (double)rows[i].ns / 1e9;
    }
    int rc = fit_solve(&f, err);
    double main = f.coef[0] > 0 ? f.coef[0] : 0;
    struct cost_draft *to = &c->draft[d];
    if (!rc && some) to->a = f.coef[1], to->b = main, to->c = f.coef[2];
    if (!rc && !some) to->none = main, to->none_context = f.coef[2];
    fit_close(&f);
    return rc;
}

bool cost_keeps(const struct trace_drafter *d) { return !strcmp(d->kind, "model"); }

int cost_fit_rows(struct cost *c, int D, const struct trace_timing *rows, size_t n, struct err *err) {
    *c = (struct cost){0};
    if (D > COST_DRAFTERS) return err_set(err, "%d drafters were timed, the cost model holds %d", D, COST_DRAFTERS);
    c->D = D, c->smear = 1;
    gsl_error_handler_t *old = gsl_set_error_handler_off(); // its errors come back as status codes
    const int fits = 1 + 2 * D; // each of fields of its own
    int failed = fits, rc = 0;
    #pragma omp parallel for schedule(dynamic, 1)
    for (int i = 0; i < fits; i++) {
        struct err mine = {""};
        int bad = i ? fit_draft(c, (i - 1) / 2, i % 2, rows, n, &mine) : fit_verify(c, rows, n, &mine);
        #pragma omp critical
        if (bad && i < failed) failed = i, rc = bad, *err = mine; // the first of them speaks
    }
    gsl_set_error_handler(old);
    return rc;
}

/* Medians of the recorded catch-ups, made monotone; powers of two that were not recorded go on along the last line. */
static int fit_catch_up(struct cost *c, int d, const struct trace_timing *rows, size_t n, struct err *err) {
    double *seconds = mem_alloc(n ? n : 1, sizeof *seconds, "catch-up timings", err), *to = c->draft[d].catch_up, first = 0;
    int known = 0;
    if (!seconds) return ERR_FAILED;
    for (; known < COST_CATCH_UPS; known++) {
        size_t m = 0;
        for (size_t i = 0; i < n; i++)
            if (rows[i].drafter == d && rows[i].width == 1 << known) seconds[m++] = (double)rows[i].ns / 1e9;
        if (!m) break;
        double median = gsl_stats_median(seconds, 1, m);
        if (!known) first = median;
        double above = median - first;
        to[known] = known && above < to[known - 1] ? to[known - 1] : above;
    }
    for (int k = known; known > 1 && k < COST_CATCH_UPS; k++) to[k] = to[k - 1] + 2 * (to[k - 1] - to[k - 2]);
    mem_free(seconds);
    return 0;
}

/* Median of ratios and its standard error (normal quartiles: 1.349 sigma apart; a median's is 1.2533 sigma / sqrt n). Sorts. */
static double median_and_error(double *ratio, size_t n, double *error) {
    gsl_sort(ratio, 1, n);
    double q1 = gsl_stats_quantile_from_sorted_data(ratio, 1, n, 0.25), q3 = gsl_stats_quantile_from_sorted_data(ratio, 1, n, 0.75);
    *error = 1.2533 * (q3 - q1) / 1.349 / sqrt((double)n);
    return gsl_stats_median_from_sorted_data(ratio, 1, n);
}

/* What verifications after drafter d (-1: nobody) do without, by width. A noisy machine must not be read as a fact about its caches: all
 * widths share one median, and that is 0 and a width's its own only where it lies more than two standard errors away. */
static int fit_spared(const struct cost *c, int d, double *spared, const struct trace_timing *rows, size_t n, bool *known, struct err *err) {
    enum { FEW = 5 };
    double *ratio = mem_alloc(n ? n : 1, sizeof *ratio, "timings of verifications", err), all = 1, error;
    if (!ratio) return ERR_FAILED;
    *known = false;
    for (int w = 0; w < COST_WIDTHS; w++) { // 0: all of them
        size_t m = 0;
        for (size_t i = 0; i < n; i++)
            if (rows[i].drafter == d && rows[i].width < COST_WIDTHS && (!w || rows[i].width == w))
                ratio[m++] = (double)rows[i].ns / 1e9 / cost_verify(c, rows[i].width, rows[i].context);
        if (!w && m < FEW) break;
        double median = m >= FEW ? median_and_error(ratio, m, &error) : all;
        if (!w) *known = true;
        if (m >= FEW && fabs(median - all) <= 2 * error) median = all;
        if (!w) all = median;
        spared[w] = 1 - median;
    }
    mem_free(ratio);
    return 0;
}

/* Mean over typical time of what drafter d (-1: the verification) took; 1 when hardly anything was timed. */
static double smear_of(const struct cost *c, int d, const struct trace_timing *rows, size_t n) {
    enum { FEW = 30 };
    double sum = 0;
    size_t m = 0;
    for (size_t i = 0; i < n; i++) {
        const struct trace_timing *x = &rows[i];
        if (x->drafter != d || (d >= 0 && !x->width)) continue;
        double fitted = d < 0 ? cost_verify(c, x->width, x->context) : cost_drafting(c, d, x->width, x->context), ratio = (double)x->ns / 1e9 / fitted;
        if (fitted > 0) sum += ratio < 0.5 ? 0.5 : ratio > 2 ? 2 : ratio, m++;
    }
    return m < FEW ? 1 : sum / (double)m;
}

static void smear(struct cost *c, const struct trace_timing *rows, size_t n) {
    c->smear = smear_of(c, -1, rows, n);
    for (int d = 0; d < c->D; d++) {
        struct cost_draft *x = &c->draft[d];
        const double late = smear_of(c, d, rows, n);
        x->none *= late, x->none_context *= late, x->a *= late, x->b *= late, x->c *= late;
        for (int k = 0; k < COST_CATCH_UPS; k++) x->catch_up[k] *= late;
    }
    for (int w = 1; w < COST_WIDTHS; w++) c->base[w] *= c->smear, c->slope[w] *= c->smear;
}

struct collect {
    const struct trace *trace;
    bool timed[COST_DRAFTERS]; // by the table `latency`, token by token: the totals of its draft rows do not shape the fit
    struct trace_timing *at, *totals;
    size_t n, capacity, total_n, total_capacity;
    struct err *err;
};

static int collect(struct collect *c, struct trace_timing **at, size_t *n, size_t *capacity, const struct trace_timing *rows, size_t m) {
    if (mem_grow(at, capacity, *n + m, sizeof *rows, "timings", c->err)) return ERR_FAILED;
    if (m) memcpy(*at + *n, rows, m * sizeof *rows);
    *n += m;
    return 0;
}
static int collect_timings(struct collect *c, const struct trace_timing *x, size_t m) { return collect(c, &c->at, &c->n, &c->capacity, x, m); }
static int collect_totals(struct collect *c, const struct trace_timing *x, size_t m) { return collect(c, &c->totals, &c->total_n, &c->total_capacity, x, m); }

static int collect_row(void *user, const struct trace_timing *x) {
    struct collect *c = user;
    const struct trace *t = c->trace;
    if (t->cells > ROWS_MAX) { // a generator, as a stride could fall in step with the rotating widths
        struct rng r = rng_at(0, rng_stream("cost"), (uint32_t)(x->drafter + 1), (uint32_t)(t->sequences[x->sequence].at + (size_t)x->pos - 1));
        if (rng_uniform(&r) * (double)t->cells >= ROWS_MAX) return 0;
    }
    return x->drafter >= 0 && c->timed[x->drafter] && x->width > 0 ? collect_totals(c, x, 1) : collect_timings(c, x, 1);
}

/* The timings of all steps, parts side by side. */
static int collect_steps(struct collect *c, struct err *err) {
    const int parts = trace_parts(c->trace);
    struct collect *each = mem_alloc((size_t)parts, sizeof *each, "timings", err);
    int rc = each ? 0 : ERR_FAILED, failed = parts;
    #pragma omp parallel for schedule(dynamic, 1) if (parts > 1)
    for (int part = 0; part < (each ? parts : 0); part++) {
        struct err mine = {""};
        each[part].trace = c->trace, each[part].err = &mine;
        memcpy(each[part].timed, c->timed, sizeof c->timed);
        int bad = trace_timings_part(c->trace, part, collect_row, &each[part], &mine);
        #pragma omp critical
        if (bad && part < failed) failed = part, rc = bad, *err = mine; // the first of them speaks
    }
    for (int part = 0; !rc && part < parts; part++)
        if (collect_timings(c, each[part].at, each[part].n) || collect_totals(c, each[part].totals, each[part].total_n)) rc = ERR_FAILED;
    for (int part = 0; each && part < parts; part++) mem_free(each[part].at), mem_free(each[part].totals);
    mem_free(each);
    return rc;
}

static int collect_latency(void *user, const struct trace_timing *x) {
    struct collect *c = user;
    if (x->drafter >= 0) c->timed[x->drafter] = true;
    return collect_timings(c, x, 1);
}

/* Rows that tell how long a round takes on average: the verifications, and drafts as they were, whole. */
static int smear_rows(struct cost *c, struct collect *rows) {
    for (size_t i = 0; i < rows->n; i++) {
        const struct trace_timing *x = &rows->at[i];
        if (x->drafter >= 0 && rows->timed[x->drafter]) continue; // a median of the table
        if (collect_totals(rows, x, 1)) return ERR_FAILED;
    }
    smear(c, rows->totals, rows->total_n);
    return 0;
}

int cost_fit(struct cost *c, const struct trace *t, struct err *err) {
    *c = (struct cost){0};
    if (t->D > COST_DRAFTERS) return err_set(err, "recording in '%s' has %d drafters, the cost model holds %d", t->path, t->D, COST_DRAFTERS);
    struct collect rows = {.trace = t, .err = err}, late = {.err = err}, again = {.err = err};
    int rc = trace_latencies(t, "draft", collect_latency, &rows, err);
    if (!rc) rc = trace_latencies(t, "catchup", collect_latency, &late, err);
    if (!rc) rc = trace_latencies(t, "again", collect_latency, &again, err);
    if (!rc) rc = collect_steps(&rows, err);
    if (!rc && (rc = cost_fit_rows(c, t->D, rows.at, rows.n, err))) err_add(err, " (timings of '%s')", t->path);
    for (int d = 0; !rc && d < t->D; d++) c->draft[d].keeps = cost_keeps(&t->drafters[d]);
    for (int d = 0; !rc && d < t->D; d++) rc = fit_catch_up(c, d, late.at, late.n, err);
    if (!rc) rc = fit_spared(c, -1, c->spared, again.at, again.n, &c->calibrated, err);
    for (int d = 0; !rc && d < t->D; d++) {
        bool known;
        if (t->drafters[d].copier) memcpy(c->draft[d].spared, c->spared, sizeof c->spared);
        else rc = fit_spared(c, d, c->draft[d].spared, again.at, again.n, &known, err);
    }
    if (!rc) rc = smear_rows(c, &rows);
    mem_free(rows.at), mem_free(rows.totals), mem_free(late.at), mem_free(again.at);
    return rc;
}

void cost_close(struct cost *c) {
    mem_free(c->luck);
    *c = (struct cost){0};
}

struct sampling {
    struct cost *c;
    const struct trace *t;
    float *luck;
};

static int take_luck(void *user, const struct trace_timing *x) {
    struct sampling *s = user;
    double fitted = x->drafter < 0 ? cost_verify(s->c, x->width, x->context) : cost_drafting(s->c, x->drafter, x->width, x->context);
    size_t cell = s->t->sequences[x->sequence].at + (size_t)x->pos - 1;
    s->luck[(size_t)(x->drafter + 1) * s->t->cells + cell] = fitted > 0 ? (float)((double)x->ns / 1e9 / fitted) : 1;
    return 0;
}

int cost_sample(struct cost *c, const struct trace *t, struct err *err) {
    struct sampling s = {c, t, mem_alloc(t->cells * (size_t)(t->D + 1), sizeof *s.luck, "recorded timings", err)};
    if (!s.luck) return ERR_FAILED;
    if (trace_timings(t, take_luck, &s, err)) {
        mem_free(s.luck);
        return ERR_FAILED;
    }
    c->luck = s.luck, c->cells = t->cells, c->kind = COST_SAMPLED;
    return 0;
}

struct residuals {
    const struct cost *c;
    double *at[COST_WIDTHS];
    size_t n[COST_WIDTHS], room[COST_WIDTHS];
    struct err *err;
};

static int take_residual(void *user, const struct trace_timing *x) {
    struct residuals *r = user;
    int w = x->width;
    if (x->drafter >= 0) return 0;
    if (mem_grow(&r->at[w], &r->room[w], r->n[w] + 1, sizeof *r->at[w], "residuals", r->err)) return ERR_FAILED;
    r->at[w][r->n[w]++] = 100 * ((double)x->ns / 1e9 / (cost_verify(r->c, w, x->context) / r->c->smear) - 1);
    return 0;
}

int cost_residuals(const struct cost *c, const struct trace *t, struct cost_residual *at, int *n, struct err *err) {
    struct residuals r = {.c = c, .err = err};
    int rc = trace_timings(t, take_residual, &r, err);
    *n = 0;
    for (int w = 1; w < COST_WIDTHS; w++) {
        if (!rc && r.n[w]) {
            double *x = r.at[w];
            size_t m = r.n[w];
            gsl_sort(x, 1, m);
            at[(*n)++] = (struct cost_residual){w, (long)m, gsl_stats_quantile_from_sorted_data(x, 1, m, 0.1), gsl_stats_quantile_from_sorted_data(x, 1, m, 0.5),
                                                gsl_stats_quantile_from_sorted_data(x, 1, m, 0.9), -x[0] > x[m - 1] ? x[0] : x[m - 1]};
        }
        mem_free(r.at[w]);
    }
    return rc;
}
