/* swept.c - see swept.h. */
#include "analysis/swept.h"

#include <string.h>

#include "core/mem.h"
#include "sim/columns.h"
#include "sim/sweep.h"
#include "traces/db.h"

struct swept {
    sqlite3 *db;
    const char *path;
    int64_t experiment;
    int Q;
    double *best, *rounds; // (Q) of the best fixed arm of each prompt; of a policy, mean over its seeds
    struct err *err;
};

/* Two columns a point: whether the prompt has come by then, and the rounds it has cost (sim/summary.c, summary_stream). */
static double mean_cost(const double *at, size_t stride, int row, int Q) {
    (void)Q;
    return sum_at(at, stride, 2 * row + 1) / sum_at(at, stride, 2 * row);
}

static int query(const struct swept *s, const char *sql, sqlite3_stmt **q) {
    if (db_prepare(s->db, s->path, sql, q, s->err)) return ERR_FAILED;
    sqlite3_bind_int64(*q, 1, s->experiment);
    return 0;
}

static int load_best(struct swept *s) {
    sqlite3_stmt *q;
    int at = 0, rc = query(s, "SELECT best_rounds FROM sequence WHERE experiment = ? ORDER BY sequence", &q);
    while (!rc && at < s->Q && (rc = db_step(s->db, s->path, q, s->err)) == 1) s->best[at++] = sqlite3_column_double(q, 0), rc = 0;
    sqlite3_finalize(q);
    return rc;
}

static int load_rounds(struct swept *s, const char *spec, int *seeds) {
    sqlite3_stmt *q;
    int rc = query(s, "SELECT outcomes FROM run WHERE experiment = ? AND spec = ?", &q);
    if (!rc) sqlite3_bind_text(q, 2, spec, -1, SQLITE_STATIC);
    memset(s->rounds, 0, (size_t)s->Q * sizeof *s->rounds);
    while (!rc && (rc = db_step(s->db, s->path, q, s->err)) == 1) {
        const char *bytes = sqlite3_column_blob(q, 0);
        rc = 0;
        if (sqlite3_column_bytes(q, 0) != s->Q * (int)sizeof(struct sweep_outcome))
            rc = err_set(s->err, "a run of policy '%s' in '%s' has outcomes of %d bytes, expected %d", spec, s->path,
                sqlite3_column_bytes(q, 0), s->Q * (int)sizeof(struct sweep_outcome));
        for (int i = 0; !rc && i < s->Q; i++) {
            struct sweep_outcome o;
            memcpy(&o, bytes + (size_t)i * sizeof o, sizeof o);
            s->rounds[i] += o.rounds;
        }
        ++*seeds;
    }
    sqlite3_finalize(q);
    for (int i = 0; i < s->Q; i++) s->rounds[i] /= *seeds ? *seeds : 1;
    return rc;
}

static int put_point(const struct swept *s, int64_t policy, int prompts, const struct measure *m) {
    sqlite3_stmt *q = NULL;
    const double values[] = {m->value, m->lo, m->hi};
    int rc = db_prepare(s->db, s->path, "INSERT INTO temp.swept VALUES (?, ?, ?, ?, ?)", &q, s->err);
    if (rc) return rc;
    sqlite3_bind_int64(q, 1, policy);
    sqlite3_bind_int(q, 2, prompts);
    for (int i = 0; i < 3; i++) sqlite3_bind_double(q, 3 + i, values[i] * prompts);
    rc = db_step(s->db, s->path, q, s->err);
    sqlite3_finalize(q);
    return rc < 0 ? rc : 0;
}

static int add_policy(struct swept *s, int64_t policy, const char *spec) {
    struct columns c;
    int n = 0, seeds = 0, at[STREAM_POINTS], rc = load_rounds(s, spec, &seeds);
    if (!rc && !seeds) return 0; // its runs are of another shard
    for (int64_t prompts = 1; prompts < s->Q; prompts *= 2) at[n++] = (int)prompts;
    at[n++] = s->Q;
    if (rc || columns_open(&c, s->Q, 2 * n, s->err)) return ERR_FAILED;
    for (int q = 0; q < s->Q; q++)
        for (int i = 0; i < n; i++) {
            double *x = c.x + (size_t)q * (size_t)c.M + 2 * (size_t)i;
            if (q < at[i]) x[0] = 1, x[1] = s->rounds[q] - s->best[q];
        }
    rc = columns_resample(&c, 0, s->err);
    for (int i = 0; !rc && i < n; i++) {
        double value;
        struct bca b = columns_bca(&c, mean_cost, i, 0, 0, &value);
        struct measure m = columns_measure(&c, &b, value);
        rc = put_point(s, policy, at[i], &m);
    }
    columns_close(&c);
    return rc;
}

static int add_policies(struct swept *s, const char *policies) {
    sqlite3_stmt *q;
    int rc = query(s, "SELECT id, spec FROM policy WHERE experiment = ?1 AND (?2 IS NULL OR EXISTS (SELECT 1 FROM json_each(?2) WHERE"
        " value IN (spec, name))) ORDER BY regret_rounds, ordinal LIMIT CASE WHEN ?2 IS NULL THEN 16 ELSE -1 END", &q);
    if (!rc && policies) sqlite3_bind_text(q, 2, policies, -1, SQLITE_STATIC);
    while (!rc && (rc = db_step(s->db, s->path, q, s->err)) == 1)
        rc = add_policy(s, sqlite3_column_int64(q, 0), (const char *)sqlite3_column_text(q, 1));
    sqlite3_finalize(q);
    return rc;
}

int swept_fill(sqlite3 *db, const char *path, int64_t experiment, const char *policies, struct err *err) {
    struct swept s = {.db = db, .path = path, .experiment = experiment, .err = err};
    sqlite3_stmt *q = NULL;
    const char *sql = "SELECT (SELECT count(*) FROM sequence WHERE experiment = ?1) WHERE EXISTS (SELECT 1 FROM run WHERE experiment = ?1)"
        " AND NOT EXISTS (SELECT 1 FROM temp.swept)";
    if (sqlite3_prepare_v2(db, sql, -1, &q, NULL) != SQLITE_OK) return 0; // a version without sweeps
    sqlite3_bind_int64(q, 1, experiment);
    int rc = db_step(db, path, q, err);
    if (rc == 1) s.Q = sqlite3_column_int(q, 0), rc = 0;
    sqlite3_finalize(q);
    if (rc || !s.Q) return rc;
    s.best = mem_alloc((size_t)s.Q, sizeof *s.best, "prompts", err), s.rounds = mem_alloc((size_t)s.Q, sizeof *s.rounds, "prompts", err);
    rc = s.best && s.rounds ? load_best(&s) : ERR_FAILED;
    if (!rc) rc = add_policies(&s, policies);
    mem_free(s.best), mem_free(s.rounds);
    return rc;
}
