/* results_fidelity.c - see results_fidelity.h. */
#include "sim/results_fidelity.h"

#include <time.h>

#include "sim/results_rows.h"

extern const char sql_sim_fidelity[];

static int add_head(struct writer *w, const struct trace *t, const struct fidelity_head *head) {
    char created[32];
    time_t now = time(NULL);
    struct tm utc;
    strftime(created, sizeof created, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &utc));
    int rc = begin_rows(w, "INSERT INTO fidelity (created, trace, trace_sha256, target, device, threads, scope, seed, version)"
                           " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)");
    if (rc) return rc;
    const char *const texts[] = {created, t->path, t->sha256, t->target, head->device};
    for (int i = 0; i < 5; i++) put_text(w, texts[i]);
    put_int(w, head->threads), put_text(w, head->scope), put_int(w, (int64_t)head->seed), put_text(w, VERSION);
    return end_rows(w, put_row(w));
}

static int add_rows(struct writer *w, const struct fidelity *f, int64_t id) {
    int rc = begin_rows(w, "INSERT INTO fidelity_run (fidelity, ordinal, spec, sequence, category, tokens, rounds, live_draft, live_verify, live_seconds,"
                           " simulated_draft, simulated_verify, simulated_seconds) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
    for (int p = 0; !rc && p < f->P; p++)
        for (int q = 0; !rc && q < f->Q; q++) {
            const struct fidelity_prompt *x = &f->row[p].at[q];
            put_int(w, id), put_int(w, p), put_text(w, f->row[p].spec), put_int(w, x->ordinal), put_text(w, x->category);
            put_int(w, x->tokens), put_int(w, x->rounds);
            put_real(w, x->live_draft), put_real(w, x->live_verify), put_real(w, x->live_draft + x->live_verify);
            put_real(w, x->simulated_draft), put_real(w, x->simulated_verify), put_real(w, x->simulated_draft + x->simulated_verify);
            rc = put_row(w);
        }
    return end_rows(w, rc);
}

int results_add_fidelity(const char *path, const struct fidelity *f, const struct trace *t, const struct fidelity_head *head, struct err *err) {
    struct writer w = {.path = path, .err = err};
    if (db_open(&w.db, path, &results_kind, err)) return ERR_FAILED;
    int rc = db_exec(w.db, path, "BEGIN IMMEDIATE", err);
    if (!rc) rc = db_exec(w.db, path, sql_sim_fidelity, err);
    if (!rc) rc = add_head(&w, t, head);
    if (!rc) rc = add_rows(&w, f, sqlite3_last_insert_rowid(w.db));
    if (!rc) rc = db_exec(w.db, path, "COMMIT", err);
    if (rc) sqlite3_exec(w.db, "ROLLBACK", NULL, NULL, NULL);
    db_close(&w.db);
    return rc ? ERR_FAILED : 0;
}
