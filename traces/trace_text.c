/* trace_text.c - the recorded tokens of one sequence. */
#include <sqlite3.h>

#include "traces/db.h"
#include "traces/trace.h"

int trace_text(const struct trace *t, int q, struct ids *out, struct err *err) {
    static const char sql[] = "SELECT 0 AS pos, first_token FROM sequence WHERE id = ?1 UNION ALL "
                              "SELECT pos, token FROM step WHERE sequence = ?1 ORDER BY pos";
    sqlite3 *db = NULL;
    sqlite3_stmt *query = NULL;
    out->n = 0;
    int rc = db_open_read(&db, t->path, &db_trace, err), more = 0;
    if (rc) return rc;
    if (!(rc = db_prepare(db, t->path, sql, &query, err))) sqlite3_bind_int64(query, 1, t->sequences[q].id);
    while (!rc && (more = db_step(db, t->path, query, err)) > 0) {
        if (sqlite3_column_type(query, 1) == SQLITE_NULL) break; // recorded with --no-text
        rc = ids_add(out, sqlite3_column_int(query, 1), err);
    }
    sqlite3_finalize(query);
    db_close(&db);
    return rc ? rc : more < 0 ? more : 0;
}
