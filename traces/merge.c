/* merge.c - see merge.h. The other file is attached, and SQL does the work in one transaction. */
#include "traces/merge.h"

#include <sqlite3.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>

#include "traces/check.h"
#include "traces/db.h"

struct merge {
    sqlite3 *db;
    const char *path, *from;
    struct merged *m;
    struct err *err;
};

static int prepare(struct merge *g, const char *sql, int64_t a, int64_t b, sqlite3_stmt **s) {
    if (db_prepare(g->db, g->path, sql, s, g->err)) return -1;
    if (sqlite3_bind_parameter_count(*s) > 0) sqlite3_bind_int64(*s, 1, a);
    if (sqlite3_bind_parameter_count(*s) > 1) sqlite3_bind_int64(*s, 2, b);
    return 0;
}

/* A statement without rows; *changed: how many it touched (null: who cares). */
static int run(struct merge *g, const char *sql, int64_t a, int64_t b, int64_t *changed) {
    sqlite3_stmt *s = NULL;
    int rc = prepare(g, sql, a, b, &s);
    if (!rc) rc = db_step(g->db, g->path, s, g->err);
    sqlite3_finalize(s);
    if (changed) *changed = sqlite3_changes(g->db);
    return rc < 0 ? -1 : 0;
}

/* The first column of the first row, or `none`. */
static int look_up(struct merge *g, const char *sql, int64_t a, int64_t b, int64_t none, int64_t *value) {
    sqlite3_stmt *s = NULL;
    int rc = prepare(g, sql, a, b, &s);
    if (!rc) rc = db_step(g->db, g->path, s, g->err);
    *value = rc == 1 ? sqlite3_column_int64(s, 0) : none;
    sqlite3_finalize(s);
    return rc < 0 ? -1 : 0;
}

#define DRAFTERS(file, id) "(SELECT group_concat(ordinal || '/' || name || '/' || kind || '/' || parameters || '/' || sha256 || '/' || max_draft, ';')" \
                           " FROM (SELECT * FROM " file ".drafter WHERE recording = " id " ORDER BY ordinal))"

/* The recording of the file that theirs goes on, or a new one; and which drafter is which. */
static int place_recording(struct merge *g, int64_t theirs, int64_t *ours) {
    if (look_up(g, "SELECT o.id FROM main.recording o JOIN other.recording t ON t.id = ?1 AND o.target_sha256 = t.target_sha256 AND o.tokenizer_sha256 = t.tokenizer_sha256"
                   " AND o.backend = t.backend AND o.device = t.device AND o.dtype = t.dtype AND o.threads = t.threads AND o.max_new = t.max_new AND o.max_draft = t.max_draft"
                   " AND o.temperature = t.temperature AND o.noise_seed = t.noise_seed AND o.template = t.template AND o.engine_version = t.engine_version AND o.options = t.options"
                   " WHERE " DRAFTERS("main", "o.id") " IS " DRAFTERS("other", "t.id") " ORDER BY o.id LIMIT 1", theirs, 0, 0, ours)) return -1;
    if (!*ours) {
        if (run(g, "INSERT INTO main.recording (created, target, target_sha256, tokenizer_sha256, backend, device, dtype, threads, max_new, max_draft, temperature, noise_seed,"
                   " template, engine_version, options) SELECT created, target, target_sha256, tokenizer_sha256, backend, device, dtype, threads, max_new, max_draft, temperature,"
                   " noise_seed, template, engine_version, options FROM other.recording WHERE id = ?1", theirs, 0, NULL)) return -1;
        *ours = sqlite3_last_insert_rowid(g->db);
        g->m->recordings++;
        if (run(g, "INSERT INTO main.drafter (recording, ordinal, name, kind, parameters, sha256, max_draft) SELECT ?2, ordinal, name, kind, parameters, sha256, max_draft"
                   " FROM other.drafter WHERE recording = ?1 ORDER BY ordinal", theirs, *ours, NULL)) return -1;
    }
    return run(g, "DELETE FROM temp.drafters", 0, 0, NULL)
           || run(g, "INSERT INTO temp.drafters SELECT t.id, o.id FROM other.drafter t JOIN main.drafter o ON o.ordinal = t.ordinal AND o.recording = ?2 WHERE t.recording = ?1",
                  theirs, *ours, NULL) ? -1 : 0;
}

/* A prompt that the file has already: 1 the same, 0 not. Without text there are no tokens to compare, but lengths. */
static int same_sequence(struct merge *g, int64_t theirs, int64_t ours) {
    int64_t differ;
    if (look_up(g, "SELECT (SELECT count(*) FROM other.sequence t, main.sequence o WHERE t.id = ?1 AND o.id = ?2 AND (t.tokens <> o.tokens OR t.finish <> o.finish"
                   " OR t.prompt_tokens <> o.prompt_tokens OR t.first_token IS NOT o.first_token))"
                   " + (SELECT count(*) FROM other.step t JOIN main.step o ON o.sequence = ?2 AND o.pos = t.pos WHERE t.sequence = ?1 AND t.token IS NOT o.token)"
                   " + (SELECT count(*) FROM other.draft t JOIN temp.drafters d ON d.theirs = t.drafter LEFT JOIN main.draft o ON o.sequence = ?2 AND o.pos = t.pos AND o.drafter = d.ours"
                   " WHERE t.sequence = ?1 AND (o.proposed IS NOT t.proposed OR o.accepted IS NOT t.accepted))", theirs, ours, 1, &differ)) return -1;
    return differ == 0;
}

static int take_sequence(struct merge *g, int64_t theirs, int64_t recording, int64_t ordinal) {
    int64_t taken, last;
    if (look_up(g, "SELECT count(*) FROM main.sequence WHERE recording = ?1 AND ordinal = ?2", recording, ordinal, 0, &taken)
        || look_up(g, "SELECT max(ordinal) FROM main.sequence WHERE recording = ?1", recording, 0, -1, &last)) return -1;
    if (taken) g->m->renumbered++;
    sqlite3_stmt *s = NULL;
    if (prepare(g, "INSERT INTO main.sequence (recording, ordinal, prompt_key, category, question, prompt_tokens, tokens, first_token, finish, prefill_ns, prompt)"
                   " SELECT ?1, ?3, prompt_key, category, question, prompt_tokens, tokens, first_token, finish, prefill_ns, prompt FROM other.sequence WHERE id = ?2",
                recording, theirs, &s)) return -1;
    sqlite3_bind_int64(s, 3, taken ? last + 1 : ordinal);
    int rc = db_step(g->db, g->path, s, g->err);
    sqlite3_finalize(s);
    if (rc < 0) return -1;
    const int64_t ours = sqlite3_last_insert_rowid(g->db);
    g->m->sequences++;
    return run(g, "INSERT INTO main.step (sequence, pos, token, margin, verify_width, verify_ns) SELECT ?2, pos, token, margin, verify_width, verify_ns"
                  " FROM other.step WHERE sequence = ?1 ORDER BY pos", theirs, ours, NULL)
           || run(g, "INSERT INTO main.draft (sequence, pos, drafter, proposed, accepted, draft_ns, signal) SELECT ?2, t.pos, d.ours, t.proposed, t.accepted, t.draft_ns, t.signal"
                     " FROM other.draft t JOIN temp.drafters d ON d.theirs = t.drafter WHERE t.sequence = ?1 ORDER BY t.pos, d.ours", theirs, ours, NULL) ? -1 : 0;
}

static int merge_recording(struct merge *g, int64_t theirs) {
    int64_t recording, before = g->m->sequences, has_text, wants_text;
    sqlite3_stmt *s = NULL;
    if (place_recording(g, theirs, &recording)) return -1;
    if (look_up(g, "SELECT first_token IS NOT NULL FROM main.sequence WHERE recording = ?1 LIMIT 1", recording, 0, -1, &has_text)
        || look_up(g, "SELECT first_token IS NOT NULL FROM other.sequence WHERE recording = ?1 LIMIT 1", theirs, 0, -1, &wants_text)) return -1;
    if (has_text >= 0 && wants_text >= 0 && has_text != wants_text)
        return err_set(g->err, "recording %lld of '%s' has %s token ids, and that of '%s' which it goes on has%s", (long long)theirs, g->from, wants_text ? "the" : "no", g->path,
                       has_text ? "" : " none");
    if (prepare(g, "SELECT t.id, t.ordinal, o.id FROM other.sequence t LEFT JOIN main.sequence o ON o.recording = ?2 AND o.prompt_key = t.prompt_key WHERE t.recording = ?1"
                   " ORDER BY t.ordinal", theirs, recording, &s)) return -1;
    int rc;
    while ((rc = db_step(g->db, g->path, s, g->err)) == 1) {
        const int64_t id = sqlite3_column_int64(s, 0), ordinal = sqlite3_column_int64(s, 1), ours = sqlite3_column_int64(s, 2);
        if (!ours) rc = take_sequence(g, id, recording, ordinal);
        else if ((rc = same_sequence(g, id, ours)) == 1) g->m->same++;
        else if (!rc) rc = err_set(g->err, "sequence %lld of '%s' is not what '%s' has for the same prompt", (long long)ordinal, g->from, g->path);
        if (rc < 0) break;
    }
    sqlite3_finalize(s);
    if (rc < 0) return -1;
    int64_t bare;
    if (look_up(g, "SELECT count(*) FROM other.sequence WHERE recording = ?1", theirs, 0, 0, &bare)) return -1;
    if (before == g->m->sequences && bare) return 0; // nothing new: its latencies are here already
    return run(g, "INSERT INTO main.latency (recording, operation, drafter, batch, width, context, samples, p10_ns, p50_ns, p90_ns) SELECT ?2, operation, d.ours, batch, width,"
                  " context, samples, p10_ns, p50_ns, p90_ns FROM other.latency t LEFT JOIN temp.drafters d ON d.theirs = t.drafter WHERE t.recording = ?1 ORDER BY t.id",
               theirs, recording, NULL);
}

static int merge_all(struct merge *g) {
    sqlite3_stmt *s = NULL;
    int rc = db_exec(g->db, g->path, "CREATE TEMP TABLE IF NOT EXISTS drafters (theirs INTEGER PRIMARY KEY, ours INTEGER); BEGIN IMMEDIATE", g->err);
    if (!rc) rc = prepare(g, "SELECT id FROM other.recording ORDER BY id", 0, 0, &s);
    while (!rc && (rc = db_step(g->db, g->path, s, g->err)) == 1) rc = merge_recording(g, sqlite3_column_int64(s, 0));
    sqlite3_finalize(s);
    if (!rc) rc = db_exec(g->db, g->path, "COMMIT", g->err);
    if (rc) sqlite3_exec(g->db, "ROLLBACK", NULL, NULL, NULL);
    return rc ? -1 : 0;
}

static bool same_file(const char *a, const char *b) {
    struct stat x, y;
    return !stat(a, &x) && !stat(b, &y) && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

int merge_trace(const char *path, const char *from, struct merged *m, struct err *err) {
    static struct check c;
    struct merged before = *m;
    struct merge g = {NULL, path, from, m, err};
    if (same_file(path, from)) return err_set(err, "'%s' cannot be merged into itself", path);
    if (check_trace(&c, from, err)) return -1;
    if (c.n) return err_set(err, "'%s' is not whole, invariant %d: %s", from, c.at[0].invariant, c.at[0].text);
    if (db_open(&g.db, path, &db_trace, err)) return -1;
    sqlite3_stmt *s = NULL;
    int rc = db_prepare(g.db, path, "ATTACH ?1 AS other", &s, err);
    if (!rc) sqlite3_bind_text(s, 1, from, -1, SQLITE_STATIC), rc = db_step(g.db, path, s, err);
    sqlite3_finalize(s);
    if (!rc) rc = merge_all(&g);
    if (rc) *m = before;
    db_close(&g.db);
    return rc ? -1 : 0;
}
