/* functions.c - see functions.h. */
#include "analysis/functions.h"

#include <gsl/gsl_cdf.h>
#include <gsl/gsl_sort.h>
#include <gsl/gsl_statistics_double.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "policies/policy.h"
#include "traces/hazard.h"

/* -- quantiles -- */

struct sample { // zeroed by SQLite
    double *at; // owned
    size_t n, capacity;
    double p;
};

static void sample_step(sqlite3_context *c, int n, sqlite3_value **v) {
    struct sample *s = sqlite3_aggregate_context(c, sizeof *s);
    struct err err;
    if (!s || sqlite3_value_type(v[0]) == SQLITE_NULL) return;
    if (mem_grow(&s->at, &s->capacity, s->n + 1, sizeof *s->at, "a sample", &err)) {
        sqlite3_result_error_nomem(c);
        return;
    }
    s->at[s->n++] = sqlite3_value_double(v[0]);
    if (n > 1) s->p = sqlite3_value_double(v[1]);
}

static void quantile_final(sqlite3_context *c) {
    struct sample *s = sqlite3_aggregate_context(c, 0);
    if (!s || !s->n) return; // NULL
    gsl_sort(s->at, 1, s->n);
    sqlite3_result_double(c, gsl_stats_quantile_from_sorted_data(s->at, 1, s->n, s->p));
    mem_free(s->at);
}

/* -- ratios of sums -- */

struct ratio { // zeroed by SQLite
    double n, a, t, aa, at, tt; // rows, sums, sums of products
};

static void ratio_step(sqlite3_context *c, int n, sqlite3_value **v) {
    struct ratio *r = sqlite3_aggregate_context(c, sizeof *r);
    (void)n;
    if (!r || sqlite3_value_type(v[0]) == SQLITE_NULL || sqlite3_value_type(v[1]) == SQLITE_NULL) return;
    double a = sqlite3_value_double(v[0]), t = sqlite3_value_double(v[1]);
    r->n++, r->a += a, r->t += t, r->aa += a * a, r->at += a * t, r->tt += t * t;
}

static void ratio_end(sqlite3_context *c, int sign) {
    const struct ratio *r = sqlite3_aggregate_context(c, 0);
    if (!r || r->n < 2 || !(r->t > 0)) return; // NULL
    double x = r->a / r->t, squares = r->aa - 2 * x * r->at + x * x * r->tt;
    double se = sqrt(squares > 0 ? r->n / (r->n - 1) * squares : 0) / r->t;
    sqlite3_result_double(c, x + sign * gsl_cdf_tdist_Pinv(0.975, r->n - 1) * se);
}
static void ratio_lo_final(sqlite3_context *c) { ratio_end(c, -1); }
static void ratio_hi_final(sqlite3_context *c) { ratio_end(c, 1); }

/* -- the truncated geometric -- */

static void tgd_step(sqlite3_context *c, int n, sqlite3_value **v) {
    struct hazard *h = sqlite3_aggregate_context(c, sizeof *h);
    int64_t k = sqlite3_value_int64(v[0]);
    (void)n;
    if (!h || k < 1 || k >= HAZARD_DEPTHS) return;
    h->tested[k] += sqlite3_value_int64(v[1]), h->accepted[k] += sqlite3_value_int64(v[2]);
}

static struct hazard *tgd_of(sqlite3_context *c) {
    struct hazard *h = sqlite3_aggregate_context(c, 0);
    if (h) hazard_test(h);
    return h;
}
static void tgd_p(sqlite3_context *c) { const struct hazard *h = tgd_of(c); if (h) sqlite3_result_double(c, h->p); }
static void tgd_chi2(sqlite3_context *c) { const struct hazard *h = tgd_of(c); if (h) sqlite3_result_double(c, h->chi2); }
static void tgd_df(sqlite3_context *c) { const struct hazard *h = tgd_of(c); if (h) sqlite3_result_int(c, h->df); }
static void tgd_p_value(sqlite3_context *c) { const struct hazard *h = tgd_of(c); if (h) sqlite3_result_double(c, h->p_value); }

/* -- specs -- */

static void put_defaults(json_t *to, const char *spec, size_t name) {
    char word[64];
    snprintf(word, sizeof word, "%.*s", (int)name, spec);
    const struct policy *p = policy_find(word);
    for (const struct param *x = p ? p->params : NULL; x && x->name; x++) {
        char number[40];
        const char *at = x->words;
        for (double i = x->value; at && i > 0; i--) at = strchr(at, '|') ? strchr(at, '|') + 1 : NULL; // a word stands for its place
        snprintf(number, sizeof number, "%.10g", x->value);
        json_object_set_new(to, x->name, at && strchr(x->words, '|') ? json_stringn(at, strcspn(at, "|")) : json_string(number));
    }
}

static void spec_json(sqlite3_context *c, int n, sqlite3_value **v) {
    const char *spec = (const char *)sqlite3_value_text(v[0]);
    json_t *all = json_object();
    (void)n;
    if (!spec || !all) {
        json_decref(all);
        return;
    }
    size_t name = strcspn(spec, ":");
    put_defaults(all, spec, name);
    for (const char *at = spec + name; *at;) { // "key=value,key=value"; what is none is passed over
        size_t length = strcspn(++at, ","), key = strcspn(at, "=,");
        char *word = key < length ? strndup(at, key) : NULL;
        if (word) json_object_set_new(all, word, json_stringn(at + key + 1, length - key - 1));
        free(word);
        at += length;
    }
    char *text = json_dumps(all, JSON_COMPACT);
    sqlite3_result_text(c, text ? text : "{}", -1, SQLITE_TRANSIENT);
    free(text);
    json_decref(all);
}

int functions_add(sqlite3 *db, struct err *err) {
    static const struct {
        const char *name;
        int n;
        void (*each)(sqlite3_context *, int, sqlite3_value **);
        void (*final)(sqlite3_context *); // null: no aggregate
    } table[] = {
        {"quantile", 2, sample_step, quantile_final}, {"ratio_lo", 2, ratio_step, ratio_lo_final}, {"ratio_hi", 2, ratio_step,
            ratio_hi_final},
        {"tgd_p", 3, tgd_step, tgd_p}, {"tgd_chi2", 3, tgd_step, tgd_chi2}, {"tgd_df", 3, tgd_step, tgd_df},
        {"tgd_p_value", 3, tgd_step, tgd_p_value}, {"spec_json", 1, spec_json, NULL},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (sqlite3_create_function_v2(db, table[i].name, table[i].n, SQLITE_UTF8 | SQLITE_DETERMINISTIC, NULL, table[i].final
            ? NULL : table[i].each,
                                       table[i].final ? table[i].each : NULL, table[i].final, NULL) != SQLITE_OK)
            return err_set(err, "cannot add SQL function '%s': %s", table[i].name, sqlite3_errmsg(db));
    return 0;
}
