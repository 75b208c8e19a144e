/* runs.c - see runs.h. */
#include "sim/runs.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/buffer.h"
#include "core/mem.h"
#include "sim/code.h"

int runs_open(struct runs *r, const char *path, struct err *err) {
    *r = (struct runs){.path = path};
    if (!db_open(&r->db, path, &results_kind, err) && !db_prepare(r->db, path, "SELECT 1 FROM run WHERE key = ?", &r->find, err)
        && !db_prepare(r->db, path, "INSERT OR IGNORE INTO run (key, experiment, spec, seed, rounds, emitted, seconds, own_ns, outcomes, draft_seconds, pulls)"
                                    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", &r->add, err)) return 0;
    runs_close(r);
    return ERR_FAILED;
}

int runs_open_read(struct runs *r, const char *path, struct err *err) {
    if (!access(path, W_OK)) return runs_open(r, path, err); // brings older files up to date
    *r = (struct runs){.path = path};
    return db_open_read(&r->db, path, &results_kind, err);
}

void runs_close(struct runs *r) {
    sqlite3_finalize(r->find);
    sqlite3_finalize(r->add);
    if (r->db) db_close(&r->db);
    *r = (struct runs){0};
}

static int add_setting(struct runs *r, struct sweep_setting *s, const char *arms, struct err *err) {
    struct writer w = {.path = r->path, .db = r->db, .err = err};
    if (results_add_experiment(&w, &s->replay, &s->experiment)) return ERR_FAILED;
    if (begin_rows(&w, "INSERT INTO setting VALUES (?, ?, ?, ?, ?)")) return ERR_FAILED;
    put_int(&w, s->experiment);
    put_text(&w, s->key);
    put_text(&w, arms);
    put_text(&w, s->seconds);
    put_text(&w, code_version);
    return end_rows(&w, put_row(&w));
}

int runs_setting(struct runs *r, struct sweep_setting *s, const char *arms, struct err *err) {
    sqlite3_stmt *q = NULL;
    if (runs_begin(r, err)) return ERR_FAILED;
    int rc = db_prepare(r->db, r->path, "SELECT experiment FROM setting WHERE key = ?", &q, err);
    if (!rc) {
        sqlite3_bind_text(q, 1, s->key, -1, SQLITE_STATIC);
        if ((rc = db_step(r->db, r->path, q, err)) == 1) s->experiment = sqlite3_column_int64(q, 0);
    }
    sqlite3_finalize(q);
    if (rc == 0) rc = add_setting(r, s, arms, err);
    else if (rc == 1) rc = 0;
    if (!rc) rc = runs_commit(r, err);
    if (rc) runs_rollback(r);
    return rc;
}

int runs_drop_stale(struct runs *r, const struct sweep_setting *s, size_t *dropped, struct err *err) {
    sqlite3_stmt *q = NULL, *drop = NULL;
    struct buffer stale = {0}; // keys
    int rc = runs_begin(r, err);
    if (!rc) rc = db_prepare(r->db, r->path, "SELECT key, spec, seed FROM run WHERE experiment = ?", &q, err);
    if (!rc) rc = db_prepare(r->db, r->path, "DELETE FROM run WHERE key = ?", &drop, err);
    if (!rc) sqlite3_bind_int64(q, 1, s->experiment);
    while (!rc && (rc = db_step(r->db, r->path, q, err)) == 1) {
        const char *key = (const char *)sqlite3_column_text(q, 0);
        char now[KEY_HEX];
        rc = sweep_key(s->key, (const char *)sqlite3_column_text(q, 1), (uint64_t)sqlite3_column_int64(q, 2), now, err);
        if (!rc && strcmp(key, now)) rc = buffer_add(&stale, key, strlen(key) + 1, err);
    }
    for (size_t at = 0; !rc && at < stale.n; at += strlen(stale.at + at) + 1) {
        sqlite3_bind_text(drop, 1, stale.at + at, -1, SQLITE_STATIC);
        rc = db_step(r->db, r->path, drop, err);
        sqlite3_reset(drop);
        ++*dropped;
    }
    sqlite3_finalize(q), sqlite3_finalize(drop);
    buffer_close(&stale);
    if (!rc) rc = runs_commit(r, err);
    if (rc) runs_rollback(r);
    return rc;
}

int runs_has(struct runs *r, const char *key, struct err *err) {
    sqlite3_bind_text(r->find, 1, key, -1, SQLITE_STATIC);
    int rc = db_step(r->db, r->path, r->find, err);
    sqlite3_reset(r->find);
    return rc;
}

int runs_begin(struct runs *r, struct err *err) { return db_exec(r->db, r->path, "BEGIN IMMEDIATE", err); }
int runs_commit(struct runs *r, struct err *err) { return db_exec(r->db, r->path, "COMMIT", err); }
void runs_rollback(struct runs *r) {
    if (!sqlite3_get_autocommit(r->db)) sqlite3_exec(r->db, "ROLLBACK", NULL, NULL, NULL);
}

int runs_add(struct runs *r, const struct sweep_setting *s, const struct sweep_run *x, const char *key, const char *bytes, struct err *err) {
    size_t outcomes = (size_t)s->replay.Q * sizeof(struct sweep_outcome);
    const struct player *player = &s->lineup.at[x->player];
    struct writer w = {.path = r->path, .db = r->db, .s = r->add, .err = err};
    int64_t rounds = 0, emitted = 0;
    double seconds = 0, draft_s;
    memcpy(&draft_s, bytes + outcomes, sizeof draft_s);
    for (int q = 0; q < s->replay.Q; q++) {
        struct sweep_outcome o;
        memcpy(&o, bytes + (size_t)q * sizeof o, sizeof o);
        rounds += o.rounds, emitted += o.emitted, seconds += o.seconds;
    }
    put_text(&w, key);
    put_int(&w, s->experiment);
    put_text(&w, player->spec);
    put_int(&w, (int64_t)x->seed);
    put_int(&w, rounds);
    put_int(&w, emitted);
    put_real(&w, seconds);
    put_real(&w, s->own_ns[x->player]);
    sqlite3_bind_blob64(w.s, ++w.at, bytes, outcomes, SQLITE_STATIC);
    put_real(&w, draft_s);
    sqlite3_bind_blob64(w.s, ++w.at, bytes + outcomes + sizeof draft_s, s->bytes - outcomes - sizeof draft_s, SQLITE_STATIC);
    return put_row(&w);
}

/* -- merging -- */

static const char *const copy_setting[] = { // ?1: the experiment there, ?2: here
    "INSERT INTO arm SELECT ?2, arm, name, drafter, gamma FROM other.arm WHERE experiment = ?1",
    "INSERT INTO sequence SELECT ?2, sequence, prompt_key, category, tokens, best_arm_rounds, best_rounds, best_arm_seconds, best_seconds,"
    " oracle_rounds, oracle_seconds, plain_seconds FROM other.sequence WHERE experiment = ?1",
    "INSERT INTO walk SELECT ?2, sequence, arm, rounds, seconds FROM other.walk WHERE experiment = ?1",
    "INSERT INTO setting SELECT ?2, key, arms, seconds, code FROM other.setting WHERE experiment = ?1",
};

static int run_sql(struct runs *r, const char *sql, int64_t a, int64_t b, struct err *err) {
    sqlite3_stmt *s = NULL;
    int rc = db_prepare(r->db, r->path, sql, &s, err);
    if (!rc) {
        sqlite3_bind_int64(s, 1, a);
        if (sqlite3_bind_parameter_count(s) > 1) sqlite3_bind_int64(s, 2, b);
        rc = db_step(r->db, r->path, s, err);
    }
    sqlite3_finalize(s);
    return rc < 0 ? rc : 0;
}

/* Experiment `from` of the other file, here: found by its setting's key, or copied. */
static int place_setting(struct runs *r, int64_t from, int64_t *here, struct err *err) {
    char sql[200];
    snprintf(sql, sizeof sql, "SELECT coalesce((SELECT experiment FROM setting WHERE key = (SELECT key FROM other.setting WHERE experiment = %lld)), 0)", (long long)from);
    if (db_int64(r->db, r->path, sql, here, err)) return ERR_FAILED;
    if (*here) return 0;
    int rc = run_sql(r, "INSERT INTO experiment (created, world, trace, trace_sha256, target, device, scope, seeds, max_draft, timing, version)"
                        " SELECT created, world, trace, trace_sha256, target, device, scope, seeds, max_draft, timing, version"
                        " FROM other.experiment WHERE id = ?1", from, 0, err);
    *here = sqlite3_last_insert_rowid(r->db);
    for (size_t i = 0; !rc && i < sizeof copy_setting / sizeof *copy_setting; i++) rc = run_sql(r, copy_setting[i], from, *here, err);
    return rc;
}

static int check_same(struct runs *r, const char *from, struct err *err) {
    sqlite3_stmt *s = NULL;
    int rc = db_prepare(r->db, r->path, "SELECT a.spec, a.seed FROM run a JOIN other.run b ON b.key = a.key WHERE a.outcomes <> b.outcomes OR a.pulls <> b.pulls LIMIT 1", &s, err);
    if (!rc && (rc = db_step(r->db, r->path, s, err)) == 1)
        rc = err_set(err, "'%s' and '%s' hold different outcomes of the same run: policy '%s', seed %lld", r->path, from,
                     (const char *)sqlite3_column_text(s, 0), (long long)sqlite3_column_int64(s, 1));
    sqlite3_finalize(s);
    return rc;
}

/* Runs of one policy and seed whose keys differ: of two versions of its file. */
static int check_versions(struct runs *r, const char *from, struct err *err) {
    sqlite3_stmt *s = NULL;
    int rc = db_prepare(r->db, r->path, "SELECT spec FROM run GROUP BY experiment, spec, seed HAVING count(*) > 1 LIMIT 1", &s, err);
    if (!rc && (rc = db_step(r->db, r->path, s, err)) == 1)
        rc = err_set(err, "'%s' and '%s' hold runs of two versions of policy '%s'", r->path, from, (const char *)sqlite3_column_text(s, 0));
    sqlite3_finalize(s);
    return rc;
}

static int merge_all(struct runs *r, const char *from, int64_t *added, struct err *err) {
    sqlite3_stmt *s = NULL;
    int64_t before, after;
    int rc = check_same(r, from, err);
    if (!rc) rc = db_int64(r->db, r->path, "SELECT count(*) FROM run", &before, err);
    if (!rc) rc = db_prepare(r->db, r->path, "SELECT experiment FROM other.setting ORDER BY experiment", &s, err);
    while (!rc && (rc = db_step(r->db, r->path, s, err)) == 1) {
        int64_t there = sqlite3_column_int64(s, 0), here = 0;
        rc = place_setting(r, there, &here, err);
        if (!rc) rc = run_sql(r, "INSERT OR IGNORE INTO run SELECT key, ?2, spec, seed, rounds, emitted, seconds, own_ns, outcomes, pulls, draft_seconds"
                                 " FROM other.run WHERE experiment = ?1 ORDER BY rowid", there, here, err);
    }
    sqlite3_finalize(s);
    if (!rc) rc = check_versions(r, from, err);
    if (!rc) rc = db_int64(r->db, r->path, "SELECT count(*) FROM run", &after, err);
    if (!rc) *added = after - before;
    return rc;
}

int runs_merge(struct runs *r, const char *from, int64_t *added, struct err *err) {
    struct runs other;
    if (runs_open(&other, from, err)) return ERR_FAILED; // ours, and of this version
    runs_close(&other);
    sqlite3_stmt *s = NULL;
    int rc = db_prepare(r->db, r->path, "ATTACH ? AS other", &s, err);
    if (rc) return rc;
    sqlite3_bind_text(s, 1, from, -1, SQLITE_STATIC);
    rc = db_step(r->db, r->path, s, err);
    sqlite3_finalize(s);
    if (rc) return rc;
    rc = runs_begin(r, err);
    if (!rc) rc = merge_all(r, from, added, err);
    if (!rc) rc = runs_commit(r, err);
    if (rc) runs_rollback(r);
    sqlite3_exec(r->db, "DETACH other", NULL, NULL, NULL);
    return rc;
}
