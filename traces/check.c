/* check.c - see check.h. Each query answers with at most one row: the finding's text. The
 * first place is the lowest (recording, sequence, position, drafter). */
#include "traces/check.h"

#include <stdbool.h>
#include <stdio.h>

#include <sqlite3.h>

#include "traces/db.h"

/* Where a row lies, by ordinals: what a person can look up. */
#define IN_RECORDING "|| ' in recording ' || r.id"
#define AT_SEQUENCE "|| ' at sequence ' || q.ordinal || ' of recording ' || r.id"
#define AT_STEP "|| ' at sequence ' || q.ordinal || ', position ' || s.pos || ' of recording ' || r.id"
#define AT_DRAFT "|| ' at sequence ' || q.ordinal || ', position ' || f.pos || ', drafter ''' || d.name || ''' of recording ' || r.id"

#define SEQUENCES " FROM recording r JOIN sequence q ON q.recording = r.id"
/* CROSS JOIN fixes SQLite's order of loops: the rows come as they lie in the file. */
#define STEPS " FROM recording r CROSS JOIN sequence q ON q.recording = r.id CROSS JOIN step s ON s.sequence = q.id"
#define DRAFTS " FROM recording r CROSS JOIN sequence q ON q.recording = r.id CROSS JOIN draft f ON f.sequence = q.id" \
               " CROSS JOIN drafter d ON d.id = f.drafter"

static const struct query {
    int invariant;
    const char *sql;
} queries[] = {
    {1, "SELECT 'foreign key: row ' || coalesce(rowid, '?') || ' of table ' || \"table\" || ' points to no row of ' || parent"
        " FROM pragma_foreign_key_check LIMIT 1"},
    {2, "SELECT q.tokens || ' tokens take ' || (q.tokens - 1) || ' steps, found ' || (SELECT count(*) FROM step WHERE sequence = q.id) || "
        "coalesce(', from ' || (SELECT min(pos) FROM step WHERE sequence = q.id), '') || "
        "coalesce(' to ' || (SELECT max(pos) FROM step WHERE sequence = q.id), '') " AT_SEQUENCE SEQUENCES
        " WHERE (SELECT count(*) <> q.tokens - 1 OR min(pos) <> 1 OR max(pos) <> q.tokens - 1 FROM step WHERE sequence = q.id) LIMIT 1"},
    {2, "SELECT 'token missing, though first_token is there' " AT_STEP STEPS
        " WHERE (s.token IS NULL) <> (q.first_token IS NULL) LIMIT 1"},
    {2, "SELECT 'prompt of ' || coalesce(length(q.prompt), 0) || ' bytes for ' || q.prompt_tokens || ' tokens' " AT_SEQUENCE SEQUENCES
        " WHERE (q.prompt IS NULL) <> (q.first_token IS NULL) OR length(q.prompt) <> 4 * q.prompt_tokens LIMIT 1"},
    {3, "SELECT (SELECT count(*) FROM draft f JOIN drafter d ON d.id = f.drafter AND d.recording = r.id WHERE f.sequence = q.id AND f.pos = s.pos)"
        " || ' draft rows for ' || (SELECT count(*) FROM drafter WHERE recording = r.id) || ' drafters' " AT_STEP STEPS
        " WHERE (SELECT count(*) FROM draft f JOIN drafter d ON d.id = f.drafter AND d.recording = r.id WHERE f.sequence = q.id AND f.pos = s.pos)"
        " <> (SELECT count(*) FROM drafter WHERE recording = r.id) LIMIT 1"},
    {3, "SELECT 'draft row of a foreign drafter (id ' || f.drafter || ')' || ' at sequence ' || q.ordinal || ', position ' || f.pos "
        IN_RECORDING " FROM recording r CROSS JOIN sequence q ON q.recording = r.id CROSS JOIN draft f ON f.sequence = q.id"
        " WHERE f.drafter NOT IN (SELECT id FROM drafter WHERE recording = r.id) LIMIT 1"},
    {3, "SELECT 'no drafter ' || 0 " IN_RECORDING " FROM recording r WHERE NOT EXISTS (SELECT 1 FROM drafter WHERE recording = r.id)"
        " AND (EXISTS (SELECT 1 FROM sequence WHERE recording = r.id) OR NOT EXISTS (SELECT 1 FROM latency WHERE recording = r.id)) LIMIT 1"},
    {4, "SELECT 'proposed ' || f.proposed || ' is not in 0 to ' || min(d.max_draft, r.max_new - f.pos - 1) " AT_DRAFT DRAFTS
        " WHERE f.proposed NOT BETWEEN 0 AND min(d.max_draft, r.max_new - f.pos - 1) LIMIT 1"},
    {4, "SELECT 'accepted ' || f.accepted || ' exceeds proposed ' || f.proposed " AT_DRAFT DRAFTS
        " WHERE f.accepted NOT BETWEEN 0 AND f.proposed LIMIT 1"},
    {4, "SELECT 'max_draft ' || d.max_draft || ' of drafter ''' || d.name || ''' is not in 1 to ' || min(r.max_draft, 255) " IN_RECORDING
        " FROM recording r JOIN drafter d ON d.recording = r.id WHERE d.max_draft NOT BETWEEN 1 AND min(r.max_draft, 255) LIMIT 1"},
    {5, "SELECT 'accepted ' || f.accepted || ' exceeds the ' || (q.tokens - f.pos) || ' tokens that follow' " AT_DRAFT DRAFTS
        " WHERE f.accepted > q.tokens - f.pos LIMIT 1"},
    {6, "SELECT 'verification of width ' || s.verify_width || ' in ' || s.verify_ns || ' ns' " AT_STEP STEPS
        " WHERE s.verify_width < 1 OR s.verify_ns <= 0 LIMIT 1"},
    {6, "SELECT 'draft in ' || f.draft_ns || ' ns' " AT_DRAFT DRAFTS " WHERE f.draft_ns < 0 LIMIT 1"},
    {7, "SELECT 'finish ''' || q.finish || ''' after ' || q.tokens || ' of ' || r.max_new || ' tokens' " AT_SEQUENCE SEQUENCES
        " WHERE q.tokens > r.max_new OR (q.finish = 'length' AND q.tokens <> r.max_new) LIMIT 1"},
    {8, "SELECT 'ordinal ' || q.ordinal || ' twice' " IN_RECORDING SEQUENCES " GROUP BY r.id, q.ordinal HAVING count(*) > 1 LIMIT 1"},
    {8, "SELECT 'prompt_key ' || q.prompt_key || ' twice' " IN_RECORDING SEQUENCES " GROUP BY r.id, q.prompt_key HAVING count(*) > 1 LIMIT 1"},
    {8, "SELECT 'drafter name ''' || d.name || ''' twice' " IN_RECORDING " FROM recording r JOIN drafter d ON d.recording = r.id"
        " GROUP BY r.id, d.name HAVING count(*) > 1 LIMIT 1"},
    {8, "SELECT 'drafter ordinals are not 0 to ' || (count(*) - 1) " IN_RECORDING " FROM recording r JOIN drafter d ON d.recording = r.id"
        " GROUP BY r.id HAVING count(DISTINCT d.ordinal) <> count(*) OR min(d.ordinal) <> 0 OR max(d.ordinal) <> count(*) - 1 LIMIT 1"},
    {9, "SELECT 'signal of ' || length(f.signal) || ' bytes for ' || f.proposed || ' proposed tokens (expected 4, or 8 a token)' " AT_DRAFT DRAFTS
        " WHERE length(f.signal) NOT IN (4, 8 * f.proposed) LIMIT 1"},
    {9, "SELECT 'drafter ''' || d.name || ''' has signals of a model drafter and of a copier' " IN_RECORDING DRAFTS
        " WHERE f.signal IS NOT NULL GROUP BY r.id, d.id HAVING max(length(f.signal) = 4) AND max(length(f.signal) > 4) LIMIT 1"},
};

static void add(struct check *c, int invariant, const char *text) {
    if (c->n == CHECK_MOST) return;
    struct check_finding *f = &c->at[c->n++];
    f->invariant = invariant;
    snprintf(f->text, sizeof f->text, "%s", text);
}

/* 1 when the database is damaged too far for more questions, else as db_step. */
static int ask(struct check *c, sqlite3 *db, const char *path, const struct query *q, struct err *err) {
    sqlite3_stmt *s = NULL;
    int rc = db_prepare(db, path, q->sql, &s, err);
    if (rc == 0) rc = db_step(db, path, s, err);
    if (rc == 1) add(c, q->invariant, (const char *)sqlite3_column_text(s, 0));
    if (rc < 0 && (sqlite3_errcode(db) & 0xff) == SQLITE_CORRUPT) {
        add(c, 1, err->text);
        err->text[0] = '\0';
        rc = 1;
    } else if (rc == 1) rc = 0;
    sqlite3_finalize(s);
    return rc;
}

/* integrity_check(1): "ok" or the first fault. */
static int ask_sqlite(struct check *c, sqlite3 *db, const char *path, struct err *err) {
    static const struct query sound = {1, "SELECT integrity_check FROM pragma_integrity_check(1) WHERE integrity_check <> 'ok'"};
    int before = c->n, rc = ask(c, db, path, &sound, err);
    return rc == 0 && c->n > before ? 1 : rc;
}

static int count_rows(struct check *c, sqlite3 *db, const char *path, struct err *err) {
    return db_int64(db, path, "SELECT count(*) FROM recording", &c->recordings, err)
           || db_int64(db, path, "SELECT count(*) FROM sequence", &c->sequences, err)
           || db_int64(db, path, "SELECT count(*) FROM step", &c->steps, err)
           || db_int64(db, path, "SELECT count(*) FROM draft", &c->drafts, err) ? -1 : 0;
}

int check_trace(struct check *c, const char *path, struct err *err) {
    sqlite3 *db;
    *c = (struct check){0};
    if (db_open_read(&db, path, &db_trace, err)) return -1;
    int rc = db_exec(db, path, "BEGIN", err);
    if (rc == 0) rc = ask_sqlite(c, db, path, err);
    if (rc == 0) rc = count_rows(c, db, path, err);
    for (size_t i = 0; rc == 0 && i < sizeof queries / sizeof *queries; i++) rc = ask(c, db, path, &queries[i], err);
    db_close(&db);
    return rc < 0 ? -1 : 0;
}
