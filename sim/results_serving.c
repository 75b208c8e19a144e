/* results_serving.c - see results_serving.h. */
#include "sim/results_serving.h"

#include <sqlite3.h>
#include <time.h>

#include "sim/print_serving.h"
#include "sim/results_rows.h"

extern const char sql_sim_serving[];

static int add_head(sqlite3 *db, const char *path, const struct grid *g, struct err *err) {
    const struct grid_plan *p = &g->plan;
    const struct trace *t = p->trace;
    const struct load *l = p->load;
    const bool open = l->arrivals == ARRIVALS_POISSON || l->arrivals == ARRIVALS_BURSTY, bursty = l->arrivals == ARRIVALS_BURSTY;
    char created[32];
    time_t now = time(NULL);
    struct tm utc;
    sqlite3_stmt *s = NULL;
    strftime(created, sizeof created, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &utc));
    if (db_prepare(db, path, "INSERT INTO serving (created, trace, trace_sha256, target, device, passes, arrivals, version, rate, peak,"
                             " burst_s, slo_ttft, slo_tpot, requests, refused, queue, seeds)"
                             " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", &s, err)) return -1;
    const char *const texts[] = {created, t->path, t->sha256, t->target, t->device, passes_word(p), load_word(l), VERSION};
    const double reals[] = {open ? l->rate : 0, bursty ? l->peak : 0, bursty ? l->burst_s : 0, p->slo_ttft, p->slo_tpot};
    const int64_t counts[] = {g->rows[0].f.came + g->refused, g->refused, p->queue, p->seeds};
    int at = 0;
    for (int i = 0; i < 8; i++) sqlite3_bind_text(s, ++at, texts[i], -1, SQLITE_STATIC);
    for (int i = 0; i < 5; i++) sqlite3_bind_double(s, ++at, reals[i]);
    for (int i = 0; i < 4; i++) sqlite3_bind_int64(s, ++at, counts[i]);
    const int rc = db_step(db, path, s, err);
    sqlite3_finalize(s);
    return rc < 0 ? -1 : 0;
}

static int add_row(sqlite3 *db, const char *path, sqlite3_stmt *s, const struct grid *g, int64_t id, int b, int i, struct err *err) {
    static const char *const kinds[] = {[GRID_POLICY] = "policy", [GRID_ARM] = "arm", [GRID_PLAIN] = "plain"};
    const struct grid_entry *e = &g->entries[i];
    const struct grid_row *r = grid_at(g, b, i);
    const struct figures *f = &r->f;
    const char *const texts[] = {kinds[e->kind], e->spec, who_word(e->who)};
    const int64_t counts[] = {id, g->plan.batches[b], i, f->turned_away, f->done, f->tokens};
    const double reals[] = {f->throughput, r->throughput_se, r->vs_plain, f->goodput, f->attained, f->fairness, f->batch, f->ttft.mean,
                            f->ttft.p50, f->ttft.p99, f->tpot.mean,
                            f->tpot.p50, f->tpot.p99, f->queueing.mean, f->queueing.p50, f->queueing.p99, r->rounds, r->proposed,
                                r->accepted};
    int at = 0;
    for (size_t k = 0; k < sizeof texts / sizeof *texts; k++) sqlite3_bind_text(s, ++at, texts[k], -1, SQLITE_STATIC);
    for (size_t k = 0; k < sizeof counts / sizeof *counts; k++) sqlite3_bind_int64(s, ++at, counts[k]);
    for (size_t k = 0; k < sizeof reals / sizeof *reals; k++) sqlite3_bind_double(s, ++at, reals[k]);
    if (e->who == BATCH_SHARE && g->plan.quota) sqlite3_bind_int(s, ++at, g->plan.quota);
    else sqlite3_bind_null(s, ++at);
    if (e->gamma >= 0) sqlite3_bind_int(s, ++at, e->gamma);
    else sqlite3_bind_null(s, ++at);
    const int rc = db_step(db, path, s, err);
    sqlite3_reset(s);
    return rc < 0 ? -1 : 0;
}

static int add_all(sqlite3 *db, const char *path, const struct grid *g, int64_t *id, struct err *err) {
    sqlite3_stmt *s = NULL;
    int rc = db_exec(db, path, sql_sim_serving, err);
    if (!rc) rc = add_head(db, path, g, err);
    *id = sqlite3_last_insert_rowid(db);
    if (!rc) rc = db_prepare(db, path, "INSERT INTO serving_row (kind, spec, who, serving, bsz, ordinal, turned_away, done, tokens,"
                                       " throughput, throughput_se, vs_plain, goodput, attained, fairness, batch,"
                                       " ttft_mean, ttft_p50, ttft_p99, tpot_mean, tpot_p50, tpot_p99,"
                                       " queueing_mean, queueing_p50, queueing_p99, rounds, proposed, accepted, spec_quota, gamma)"
                                       " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                             &s, err);
    for (int b = 0; !rc && b < g->plan.batch_n; b++)
        for (int i = 0; !rc && i < g->n; i++) rc = add_row(db, path, s, g, *id, b, i, err);
    sqlite3_finalize(s);
    return rc;
}

int results_add_serving(const char *path, const struct grid *g, int64_t *id, struct err *err) {
    sqlite3 *db;
    if (db_open(&db, path, &results_kind, err)) return -1;
    int rc = db_exec(db, path, "BEGIN IMMEDIATE", err);
    if (!rc) rc = add_all(db, path, g, id, err);
    if (!rc) rc = db_exec(db, path, "COMMIT", err);
    if (rc) sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
    db_close(&db);
    return rc ? -1 : 0;
}
