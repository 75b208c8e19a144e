/* latency.c - see latency.h. */
#include "traces/latency.h"

#include <sqlite3.h>
#include <stddef.h>

#include "traces/db.h"

static int find(struct latency_store *s, const struct store_recording *r, struct err *err) {
    sqlite3_stmt *q = NULL;
    if (db_prepare(s->db, s->path, "SELECT id FROM recording WHERE target_sha256 = ? AND backend = ? AND device = ? AND dtype = ?"
                                   " AND engine_version = ? AND threads = ? ORDER BY id LIMIT 1", &q, err)) return -1;
    const char *texts[] = {r->target_sha256, r->backend, r->device, r->dtype, r->engine_version};
    for (int i = 0; i < 5; i++) sqlite3_bind_text(q, i + 1, texts[i], -1, SQLITE_STATIC);
    sqlite3_bind_int(q, 6, r->threads);
    int rc = db_step(s->db, s->path, q, err);
    if (rc == 1) s->recording = sqlite3_column_int64(q, 0);
    sqlite3_finalize(q);
    return rc < 0 ? -1 : 0;
}

int latency_open(struct latency_store *s, const char *path, const struct store_recording *r, struct err *err) {
    *s = (struct latency_store){.path = path};
    if (db_open(&s->db, path, &db_trace, err) || db_exec(s->db, path, "BEGIN IMMEDIATE", err) || find(s, r, err)
        || (!s->recording && store_add_recording(s->db, path, r, &s->recording, err)) || db_exec(s->db, path, "COMMIT", err)) {
        latency_close(s);
        return -1;
    }
    return 0;
}

void latency_close(struct latency_store *s) {
    if (s->db && !sqlite3_get_autocommit(s->db)) sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
    db_close(&s->db);
    *s = (struct latency_store){0};
}

/* The first five parameters name the row in both statements. */
static int run(struct latency_store *s, const char *sql, const struct latency *l, struct err *err) {
    sqlite3_stmt *q = NULL;
    if (db_prepare(s->db, s->path, sql, &q, err)) return -1;
    sqlite3_bind_int64(q, 1, s->recording);
    sqlite3_bind_text(q, 2, l->operation, -1, SQLITE_STATIC);
    sqlite3_bind_int(q, 3, l->batch), sqlite3_bind_int(q, 4, l->width), sqlite3_bind_int(q, 5, l->context);
    if (sqlite3_bind_parameter_count(q) > 5) {
        sqlite3_bind_int(q, 6, l->samples);
        sqlite3_bind_int64(q, 7, l->p10_ns), sqlite3_bind_int64(q, 8, l->p50_ns), sqlite3_bind_int64(q, 9, l->p90_ns);
    }
    int rc = db_step(s->db, s->path, q, err);
    sqlite3_finalize(q);
    return rc < 0 ? -1 : 0;
}

int latency_put(struct latency_store *s, const struct latency *l, struct err *err) {
    if (db_exec(s->db, s->path, "BEGIN IMMEDIATE", err)) return -1;
    int rc = run(s, "DELETE FROM latency WHERE recording = ? AND operation = ? AND batch = ? AND width = ? AND context = ? AND drafter IS NULL", l, err);
    if (!rc) rc = run(s, "INSERT INTO latency (recording, operation, batch, width, context, samples, p10_ns, p50_ns, p90_ns)"
                         " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", l, err);
    if (!rc) rc = db_exec(s->db, s->path, "COMMIT", err);
    if (rc) sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
    return rc;
}
