/* results_rows.h - filling rows of a results file, one statement after the other. For results*.c. */
#ifndef SIM_RESULTS_ROWS_H
#define SIM_RESULTS_ROWS_H

#include <sqlite3.h>

#include "sim/print.h"
#include "sim/summary.h"
#include "traces/db.h"

struct writer {
    const char *path;
    sqlite3 *db;
    sqlite3_stmt *s; // the statement being filled
    int at;          // its last bound parameter
    struct err *err;
};

static inline void put_int(struct writer *w, int64_t x) { sqlite3_bind_int64(w->s, ++w->at, x); }
static inline void put_real(struct writer *w, double x) { sqlite3_bind_double(w->s, ++w->at, x); }
static inline void put_text(struct writer *w, const char *x) { sqlite3_bind_text(w->s, ++w->at, x ? x : "", -1, SQLITE_STATIC); }
static inline void put_measure(struct writer *w, const struct measure *m) {
    put_real(w, m->value);
    put_real(w, m->lo);
    put_real(w, m->hi);
}

/* INSERT of `columns` values, in the table's own order but for the rowid. */
static inline int begin_rows(struct writer *w, const char *sql) {
    return db_prepare(w->db, w->path, sql, &w->s, w->err);
}

/* Steps the filled row and readies the next. */
static inline int put_row(struct writer *w) {
    int rc = db_step(w->db, w->path, w->s, w->err);
    sqlite3_reset(w->s);
    w->at = 0;
    return rc;
}

static inline int end_rows(struct writer *w, int rc) {
    sqlite3_finalize(w->s);
    w->s = NULL;
    w->at = 0;
    return rc;
}

extern const struct db_kind results_kind;

/* Experiment, arms, sequences and comparators of what `r` says about its trace; its runs are not looked at. */
int results_add_experiment(struct writer *w, const struct replay *r, int64_t *experiment);

/* A policy's summary row, with its comparison; *policy is its id. */
int results_add_policy(struct writer *w, const struct rows *rows, int p, int64_t experiment, int64_t *policy);

/* What a round takes, from sums over `rounds` of them: seconds, of which drafting. own_ns 0: not measured. */
int results_add_part(struct writer *w, int64_t policy, double rounds, double draft, double seconds, double own_ns);

/* Each policy on the prompts of each category (Q); policies (P) are the ids of the standing's rows. */
int results_add_categories(struct writer *w, const struct standing *x, const char *const *category, const int64_t *policies);

#endif
