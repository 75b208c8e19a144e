/* compare.c - see compare.h. */
#include "analysis/compare.h"

#include <gsl/gsl_statistics_double.h>
#include <math.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "core/names.h"
#include "sim/columns.h"
#include "traces/db.h"

enum { RESULTS = 0x42535252, TRACE = 0x42535043 }; // application ids (sim/results.sql, traces/schema.sql)

/* -- sides -- */

int side_open(struct side *s, int Q, int N, struct err *err) {
    size_t q = (size_t)Q, n = (size_t)N;
    s->Q = Q, s->N = N;
    return (s->prompt_key = mem_alloc(q, sizeof *s->prompt_key, "prompts", err))
        && (s->tokens = mem_alloc(q, sizeof *s->tokens, "prompts", err))
        && (s->names = mem_alloc(n, sizeof *s->names, "rows", err)) && (s->rounds = mem_alloc(n * q, sizeof *s->rounds, "rows", err))
        && (s->took = mem_alloc(n * q, sizeof *s->took, "rows", err)) ? 0 : ERR_FAILED;
}

static void side_close(struct side *s) {
    for (int q = 0; s->prompt_key && q < s->Q; q++) mem_free(s->prompt_key[q]);
    for (int i = 0; s->names && i < s->N; i++) mem_free(s->names[i]);
    void *blocks[] = {s->path, s->title, s->target, s->device, s->sha256, s->seconds, s->prompt_key, s->tokens, s->names, s->rounds,
        s->took};
    for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++) mem_free(blocks[i]);
}

void compare_say(struct compare *c, bool a, bool b, const char *format, ...) {
    va_list args;
    if (c->statements_n == COMPARE_STATEMENTS) return;
    struct compare_statement *s = &c->statements[c->statements_n++];
    va_start(args, format);
    vsnprintf(s->text, sizeof s->text, format, args);
    va_end(args);
    s->a = a, s->b = b;
    for (int i = 0; i < c->statements_n - 1; i++) // said already
        if (!strcmp(c->statements[i].text, s->text)) {
            c->statements_n--;
            return;
        }
}

struct compare_table *compare_table(struct compare *c, const char *title, const char *head, int digits, int n, struct err *err) {
    if (c->tables_n == COMPARE_TABLES) return NULL;
    struct compare_table *t = &c->tables[c->tables_n++];
    *t = (struct compare_table){.title = title, .head = head, .digits = digits, .n = n};
    if (!(t->names = mem_alloc((size_t)n, sizeof *t->names, "a table", err)) || !(t->a = mem_alloc((size_t)n, sizeof *t->a, "a table", err))
        || !(t->b = mem_alloc((size_t)n, sizeof *t->b, "a table", err))) return NULL;
    for (int i = 0; i < n; i++) t->a[i] = t->b[i] = NAN;
    return t;
}

/* -- differences -- */

/* A's place of every prompt of B, -1: A does not have it. */
static int match_prompts(const struct compare *c, int *place, int *common, struct err *err) {
    const struct side *a = &c->side[0], *b = &c->side[1];
    struct names names;
    if (names_open(&names, (size_t)a->Q, "prompts", err)) return ERR_FAILED;
    for (int q = 0; q < a->Q; q++) names_add(&names, a->prompt_key[q], strlen(a->prompt_key[q]), q);
    *common = 0;
    for (int q = 0; q < b->Q; q++) *common += (place[q] = names_find(&names, b->prompt_key[q], strlen(b->prompt_key[q]))) >= 0;
    names_close(&names);
    return 0;
}

/* Columns of a paired table: tokens of A and of B, then for each row seconds of A and of B. */
static double speed_a(const double *sum, size_t stride, int row, int unused) { return (void)unused,
    sum_at(sum, stride, 0) / sum_at(sum, stride, 2 + 2 * row); }
static double speed_b(const double *sum, size_t stride, int row, int unused) { return (void)unused,
    sum_at(sum, stride, 1) / sum_at(sum, stride, 3 + 2 * row); }
static double up_a(const double *sum, size_t stride, int row, int plain) { return sum_at(sum, stride, 2 + 2 * plain) / sum_at(sum, stride,
    2 + 2 * row); }
static double up_b(const double *sum, size_t stride, int row, int plain) { return sum_at(sum, stride, 3 + 2 * plain) / sum_at(sum, stride,
    3 + 2 * row); }
/* On the scale of logarithms, where a tenth as fast is as far from the same as ten times as fast. */
static double change(const double *sum, size_t stride, int row,
    int unused) { return log(speed_b(sum, stride, row, unused) / speed_a(sum, stride, row, unused)); }
/* Of an unpaired one: tokens, then seconds of each row. */
static double speed(const double *sum, size_t stride, int row, int unused) { return (void)unused,
    sum_at(sum, stride, 0) / sum_at(sum, stride, 1 + row); }
static double up(const double *sum, size_t stride, int row, int plain) { return sum_at(sum, stride, 1 + plain) / sum_at(sum, stride,
    1 + row); }

static void take_change(struct comparison *x, const struct bca *b, double value, int prompts) {
    struct interval i = stats_bca_interval(b, stats_level(0.95, prompts));
    x->percent = (struct measure){100 * expm1(value), 100 * expm1(i.lo), 100 * expm1(i.hi)};
    x->p = stats_level_p(stats_bca_p(b, 0), prompts);
}

static struct measure measure(const struct columns *c, statistic *f, int row, int other) {
    double value;
    struct bca b = columns_bca(c, f, row, other, other, &value);
    return columns_measure(c, &b, value);
}

static int paired(struct compare *c, const int *place, struct err *err) {
    const struct side *a = &c->side[0], *b = &c->side[1];
    struct columns t;
    int at = 0, rc = columns_open(&t, c->common, 2 + 2 * c->n, err);
    if (rc) return rc;
    for (int q = 0; q < b->Q; q++) {
        if (place[q] < 0) continue;
        double *x = t.x + (size_t)at++ * (size_t)t.M;
        x[0] = a->tokens[place[q]], x[1] = b->tokens[q];
        for (int i = 0; i < c->n; i++) {
            x[2 + 2 * i] = a->took[(size_t)c->rows[i].a * (size_t)a->Q + (size_t)place[q]];
            x[3 + 2 * i] = b->took[(size_t)c->rows[i].b * (size_t)b->Q + (size_t)q];
        }
    }
    rc = columns_resample(&t, 0, err);
    for (int i = 0; !rc && i < c->n; i++) {
        struct compare_row *r = &c->rows[i];
        double value;
        r->speed_a = measure(&t, speed_a, i, 0), r->speed_b = measure(&t, speed_b, i, 0);
        r->up_a = measure(&t, up_a, i, c->n - 1), r->up_b = measure(&t, up_b, i, c->n - 1); // plain decoding is the last row yet
        struct bca x = columns_bca(&t, change, i, 0, 0, &value);
        take_change(&r->change, &x, value, t.Q);
    }
    columns_close(&t);
    return rc;
}

static int open_alone(const struct compare *c, int which, struct columns *t, struct err *err) {
    const struct side *s = &c->side[which];
    if (columns_open(t, s->Q, 1 + c->n, err)) return ERR_FAILED;
    for (int q = 0; q < s->Q; q++) {
        double *x = t->x + (size_t)q * (size_t)t->M;
        x[0] = s->tokens[q];
        for (int i = 0; i < c->n; i++) x[1 + i] = s->took[(size_t)(which ? c->rows[i].b : c->rows[i].a) * (size_t)s->Q + (size_t)q];
    }
    int rc = columns_resample(t, (uint64_t)which, err); // apart: other draws
    if (rc) columns_close(t);
    return rc;
}

static int unpaired(struct compare *c, struct err *err) {
    struct columns a, b;
    int rc = open_alone(c, 0, &a, err);
    if (rc) return rc;
    if ((rc = open_alone(c, 1, &b, err))) {
        columns_close(&a);
        return rc;
    }
    double *sample = mem_alloc(STATS_RESAMPLES, sizeof *sample, "bootstrap resamples", err),
        *left = mem_alloc((size_t)(a.Q + b.Q), sizeof *left, "a summary", err);
    if (!sample || !left) rc = ERR_FAILED;
    for (int i = 0; !rc && i < c->n; i++) {
        struct compare_row *r = &c->rows[i];
        double va = speed(a.total, 1, i, 0), vb = speed(b.total, 1, i, 0);
        r->speed_a = measure(&a, speed, i, 0), r->speed_b = measure(&b, speed, i, 0);
        r->up_a = measure(&a, up, i, c->n - 1), r->up_b = measure(&b, up, i, c->n - 1);
        for (int k = 0; k < STATS_RESAMPLES; k++) sample[k] = log(speed(b.sums + k, STATS_RESAMPLES, i, 0) / speed(a.sums + k,
            STATS_RESAMPLES, i, 0));
        for (int q = 0; q < a.Q; q++) left[q] = log(vb / speed(a.left + q, (size_t)a.Q, i, 0));
        for (int q = 0; q < b.Q; q++) left[a.Q + q] = log(speed(b.left + q, (size_t)b.Q, i, 0) / va);
        struct bca x = stats_bca(log(vb / va), sample, STATS_RESAMPLES, left, a.Q + b.Q);
        take_change(&r->change, &x, log(vb / va), a.Q < b.Q ? a.Q : b.Q);
    }
    mem_free(sample), mem_free(left);
    columns_close(&a), columns_close(&b);
    return rc;
}

/* -- rows -- */

static int find_row(const struct side *s, const char *name) {
    for (int i = 0; i < s->N; i++)
        if (!strcmp(s->names[i], name)) return i;
    return -1;
}

static int match_rows(struct compare *c, struct err *err) {
    const struct side *a = &c->side[0], *b = &c->side[1];
    if (!(c->rows = mem_alloc((size_t)a->N, sizeof *c->rows, "rows", err))) return ERR_FAILED;
    for (int i = 0; i < a->N; i++) {
        int k = i == a->N - 1 ? b->N - 1 : find_row(b, a->names[i]);
        if (k < 0 || (k == b->N - 1) != (i == a->N - 1)) continue;
        c->rows[c->n++] = (struct compare_row){.name = a->names[i], .policy = i < a->N - 1, .a = i, .b = k};
    }
    return c->n > 1 ? 0 : err_set(err, "'%s' and '%s' have no %s in common", a->path, b->path, c->traces ? "arm" : "policy");
}

static double mat_of(const struct side *s, int row) {
    double tokens = 0, rounds = 0;
    for (int q = 0; q < s->Q; q++) tokens += s->tokens[q], rounds += s->rounds[(size_t)row * (size_t)s->Q + (size_t)q];
    return rounds > 0 ? tokens / rounds : 0;
}

static int faster_in_a(const void *x, const void *y) {
    const struct compare_row *a = x, *b = y;
    return a->speed_a.value < b->speed_a.value ? 1 : a->speed_a.value > b->speed_a.value ? -1 : a->a - b->a;
}

static int rank_rows(struct compare *c, struct err *err) {
    double *x = mem_alloc(4 * (size_t)c->n, sizeof *x, "ranks", err), *y = x + c->n;
    if (!x) return ERR_FAILED;
    for (int i = 0; i < c->n; i++) {
        struct compare_row *r = &c->rows[i];
        if (!r->policy) continue;
        r->rank_a = r->rank_b = 1;
        for (int k = 0; k < c->n; k++) {
            r->rank_a += c->rows[k].policy && c->rows[k].speed_a.value > r->speed_a.value;
            r->rank_b += c->rows[k].policy && c->rows[k].speed_b.value > r->speed_b.value;
        }
        x[c->ranked] = r->speed_a.value, y[c->ranked++] = r->speed_b.value;
    }
    c->spearman = c->ranked < 3 ? NAN : gsl_stats_spearman(x, 1, y, 1, (size_t)c->ranked, x + 2 * c->n);
    mem_free(x);
    return 0;
}

static int correct(struct compare *c, struct err *err) {
    double *p = mem_alloc((size_t)c->n, sizeof *p, "p-values", err);
    if (!p) return ERR_FAILED;
    for (int i = 0; i < c->n; i++) p[i] = c->rows[i].change.p;
    stats_holm(p, c->n);
    for (int i = 0; i < c->n; i++) {
        struct comparison *x = &c->rows[i].change;
        x->p_holm = p[i];
        x->verdict = p[i] >= 0.05 ? VERDICT_NONE : x->percent.value > 0 ? VERDICT_FASTER : VERDICT_SLOWER;
    }
    mem_free(p);
    return 0;
}

static char *printed(struct err *err, const char *format, ...) __attribute__((format(printf, 2, 3)));
static char *printed(struct err *err, const char *format, ...) {
    va_list args;
    char *text = NULL, *mine;
    va_start(args, format);
    int n = vasprintf(&text, format, args);
    va_end(args);
    mine = n < 0 ? (err_set(err, "cannot write a sentence: out of memory"), NULL) : mem_text(text, (size_t)n, err);
    if (n >= 0) free(text);
    return mine;
}

static int say_ranks(struct compare *c, struct err *err) {
    const char *what = c->traces ? "arms" : "policies";
    const struct compare_row *plain = NULL;
    int faster = 0, slower = 0;
    for (int i = 0; i < c->n; i++) {
        if (!c->rows[i].policy) plain = &c->rows[i];
        else faster += c->rows[i].change.verdict == VERDICT_FASTER, slower += c->rows[i].change.verdict == VERDICT_SLOWER;
    }
    int same = c->ranked - faster - slower;
    char counts[120] = "", all[120] = "";
    if (faster == c->ranked || slower == c->ranked || same == c->ranked)
        c->ranked == 1 ? snprintf(all, sizeof all, "the only %s in both ", c->traces ? "arm" : "policy")
            : snprintf(all, sizeof all, "all %d %s in both ", c->ranked, what);
    else {
        snprintf(all, sizeof all, "of %d %s in both ", c->ranked, what);
        if (faster) snprintf(counts, sizeof counts, "%d %s faster in B", faster, faster == 1 ? "is" : "are");
        if (slower) snprintf(counts + strlen(counts), sizeof counts - strlen(counts), "%s%d %s slower%s", faster ? same ? ", " : " and "
            : "", slower, slower == 1 ? "is" : "are", faster ? "" : " in B");
        if (same) snprintf(counts + strlen(counts), sizeof counts - strlen(counts), " and %d %s not differ distinguishably", same,
            same == 1 ? "does" : "do");
    }
    if (!*counts && same) snprintf(counts, sizeof counts, "%s not differ distinguishably", c->ranked == 1 ? "does" : "do");
    else if (!*counts) snprintf(counts, sizeof counts, "%s %s in B", c->ranked == 1 ? "is" : "are", faster ? "faster" : "slower");
    c->headline = printed(err, "%s%s; plain decoding: %+.1f%% [%.1f, %.1f]", all, counts, plain ? plain->change.percent.value : 0, plain
        ? plain->change.percent.lo : 0, plain ? plain->change.percent.hi : 0);
    char rank[120] = "";
    if (!isnan(c->spearman)) snprintf(rank, sizeof rank, " Their order by tokens/s correlates at %.2f (Spearman, %d %s).", c->spearman,
        c->ranked, what);
    if (c->paired) c->ranks = printed(err, "Differences are paired over the %d prompts that both have%s.%s", c->common,
        c->common < c->side[0].Q || c->common < c->side[1].Q ? ", and tokens/s are those of these prompts" : "", rank);
    else c->ranks = printed(err, "The prompts are not the same (%d in common of %d and %d), so they are drawn apart: differences hold what "
        "prompts differ in, too.%s", c->common, c->side[0].Q, c->side[1].Q, rank);
    return c->headline && c->ranks ? 0 : ERR_FAILED;
}

/* -- open and close -- */

static int kind_of(const char *path, int *kind, struct err *err) {
    sqlite3 *db = NULL;
    sqlite3_stmt *s = NULL;
    if (db_open_any(&db, path, err)) return ERR_FAILED;
    int rc = sqlite3_prepare_v2(db, "PRAGMA application_id", -1, &s, NULL);
    if (rc == SQLITE_OK && sqlite3_step(s) == SQLITE_ROW) *kind = sqlite3_column_int(s, 0);
    else rc = err_set(err, "cannot read '%s': %s", path, sqlite3_errmsg(db));
    sqlite3_finalize(s);
    sqlite3_close(db);
    if (rc) return ERR_FAILED;
    if (*kind != RESULTS && *kind != TRACE) return err_set(err, "'%s' is neither a trace nor a results file (application_id 0x%08x)",
        path, (unsigned)*kind);
    return 0;
}

int compare_open(struct compare *c, const struct compare_options *o, struct err *err) {
    int kind[2], *place = NULL, rc = 0;
    *c = (struct compare){0};
    for (int i = 0; !rc && i < 2; i++) rc = kind_of(o->path[i], &kind[i], err);
    if (!rc && kind[0] != kind[1])
        rc = err_set(err, "'%s' is a %s and '%s' a %s: give two of a kind", o->path[0], kind[0] == TRACE ? "trace" : "results file",
            o->path[1], kind[1] == TRACE ? "trace" : "results file");
    if (!rc) c->traces = kind[0] == TRACE, rc = c->traces ? compare_load_traces(c, o, err) : compare_load_results(c, o, err);
    if (!rc) rc = match_rows(c, err);
    if (!rc) rc = (place = mem_alloc((size_t)c->side[1].Q, sizeof *place, "prompts", err)) ? match_prompts(c, place, &c->common, err)
        : ERR_FAILED;
    if (!rc) {
        int least = c->side[0].Q < c->side[1].Q ? c->side[0].Q : c->side[1].Q;
        c->paired = c->common >= 2 && 2 * c->common >= least;
        rc = c->paired ? paired(c, place, err) : unpaired(c, err);
    }
    mem_free(place);
    for (int i = 0; !rc && i < c->n; i++) c->rows[i].mat_a = mat_of(&c->side[0], c->rows[i].a),
        c->rows[i].mat_b = mat_of(&c->side[1], c->rows[i].b);
    if (!rc) rc = correct(c, err);
    if (!rc) rc = rank_rows(c, err);
    if (!rc) qsort(c->rows, (size_t)c->n, sizeof *c->rows, faster_in_a);
    if (!rc) rc = say_ranks(c, err);
    if (rc) compare_close(c);
    return rc;
}

void compare_close(struct compare *c) {
    side_close(&c->side[0]), side_close(&c->side[1]);
    for (int i = 0; i < c->tables_n; i++) mem_free(c->tables[i].names), mem_free(c->tables[i].a), mem_free(c->tables[i].b);
    mem_free(c->rows), mem_free(c->headline), mem_free(c->ranks);
    *c = (struct compare){0};
}
