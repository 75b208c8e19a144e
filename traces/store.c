/* store.c - see store.h and the invariants of schema.sql, which store_step, store_draft and
 * store_commit enforce: a recorder's bug must not become a table that looks real. */
#include "traces/store.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include <sqlite3.h>

#include "core/mem.h"
#include "traces/db.h"
#include "traces/latency.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "blobs are written as they lie in memory");

enum { SEQUENCE, STEP, DRAFT, FIND, STATEMENTS, DRAFT_ROWS = 255 }; // DRAFT_ROWS: one byte in memory

static const char *const sql[STATEMENTS] = {
    [SEQUENCE] = ("INSERT INTO sequence (recording, ordinal, prompt_key, category, question, prompt_tokens, tokens, first_token,"
                  " finish, prefill_ns, prompt) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"),
    [STEP] = "INSERT INTO step VALUES (?, ?, ?, ?, ?, ?)",
    [DRAFT] = "INSERT INTO draft VALUES (?, ?, ?, ?, ?, ?, ?)",
    [FIND] = "SELECT ordinal, prompt_key FROM sequence WHERE recording = ?1 AND (ordinal = ?2 OR prompt_key = ?3)",
};

struct statements {
    sqlite3_stmt *at[STATEMENTS];
    int max_new, max_draft[64];
    bool open;           // a sequence is being written
    int64_t sequence;
    int ordinal, tokens; // of that sequence
    int pos, d;          // the last step written, the drafter expected next
};

static int bind_text(sqlite3_stmt *s, int at, const char *text) { return sqlite3_bind_text(s, at, text, -1, SQLITE_STATIC); }

/* Runs an INSERT whose values are bound. */
static int insert(struct store *s, sqlite3_stmt *statement, struct err *err) {
    int rc = db_step(s->db, s->path, statement, err);
    sqlite3_reset(statement);
    sqlite3_clear_bindings(statement);
    return rc < 0 ? -1 : 0;
}

/* -- which recording -- */

/* Everything that shapes the text or the table; device, threads and engine_version follow
 * separately. */
static int find_same(struct store *s, const struct store_recording *r, sqlite3_stmt **found, struct err *err) {
    if (db_prepare(s->db, s->path,
            "SELECT id, device, threads, engine_version FROM recording WHERE target_sha256 = ? AND tokenizer_sha256 = ?"
            " AND backend = ? AND dtype = ? AND template = ? AND options = ? AND max_new = ? AND max_draft = ?"
            " AND temperature = ? AND noise_seed = ? ORDER BY id", found, err)) return -1;
    const char *texts[] = {r->target_sha256, r->tokenizer_sha256, r->backend, r->dtype, r->template, r->options};
    for (int i = 0; i < 6; i++) bind_text(*found, i + 1, texts[i]);
    sqlite3_bind_int(*found, 7, r->max_new);
    sqlite3_bind_int(*found, 8, r->max_draft);
    sqlite3_bind_double(*found, 9, r->temperature);
    sqlite3_bind_int64(*found, 10, r->noise_seed);
    return 0;
}

/* 1 when recording `id` has exactly these drafters, in this order; fills s->drafter. */
static int same_drafters(struct store *s, int64_t id, const struct store_drafter *drafters, int D, struct err *err) {
    sqlite3_stmt *q = NULL;
    if (db_prepare(s->db, s->path, "SELECT id, name, kind, parameters, sha256, max_draft FROM drafter WHERE recording = ?"
                                   " ORDER BY ordinal", &q, err)) return -1;
    sqlite3_bind_int64(q, 1, id);
    int rc, d = 0, same = 1;
    while ((rc = db_step(s->db, s->path, q, err)) == 1 && same) {
        same = d < D;
        for (int i = 0; same && i < 4; i++) {
            const char *want[] = {drafters[d].name, drafters[d].kind, drafters[d].parameters, drafters[d].sha256};
            const char *have = (const char *)sqlite3_column_text(q, i + 1);
            same = have && !strcmp(have, want[i]);
        }
        same = same && sqlite3_column_int(q, 5) == drafters[d].max_draft;
        if (same) s->drafter[d++] = sqlite3_column_int64(q, 0);
    }
    sqlite3_finalize(q);
    return rc < 0 ? -1 : same && d == D;
}

static int differs(struct store *s, int64_t id, const char *what, const char *have, const char *want, struct err *err) {
    return err_set(err, "recording %lld of '%s' is the same but for its %s ('%s', not '%s'): resume it with that, or add a new recording",
                   (long long)id, s->path, what, have, want);
}

/* 1 when the found recording's timings are of the same machine and program. */
static int same_timing(struct store *s, sqlite3_stmt *q, const struct store_recording *r, struct err *err) {
    char have[16], want[16];
    int64_t id = sqlite3_column_int64(q, 0);
    const char *device = (const char *)sqlite3_column_text(q, 1), *engine = (const char *)sqlite3_column_text(q, 3);
    snprintf(have, sizeof have, "%d", sqlite3_column_int(q, 2));
    snprintf(want, sizeof want, "%d", r->threads);
    if (!device || strcmp(device, r->device)) return differs(s, id, "device", device ? device : "", r->device, err);
    if (strcmp(have, want)) return differs(s, id, "threads", have, want, err);
    if (!engine || strcmp(engine, r->engine_version))
        return differs(s, id, "engine version", engine ? engine : "", r->engine_version, err);
    return 1;
}

/* Sets s->recording to the one to resume; leaves it 0 when a new one is due. */
static int find_recording(struct store *s, const struct store_recording *r, const struct store_drafter *drafters, int D,
                          bool fresh, struct err *err) {
    sqlite3_stmt *q = NULL;
    struct err other = {""}; // the nearest miss
    int rc = find_same(s, r, &q, err);
    while (rc == 0 && s->recording == 0 && (rc = db_step(s->db, s->path, q, err)) == 1) {
        rc = same_drafters(s, sqlite3_column_int64(q, 0), drafters, D, err);
        if (rc == 1 && same_timing(s, q, r, &other) == 1) s->recording = sqlite3_column_int64(q, 0);
        if (rc == 1) rc = 0;
    }
    sqlite3_finalize(q);
    if (rc < 0) return -1;
    if (!s->recording && other.text[0] && !fresh) return err_set(err, "%s", other.text);
    return 0;
}

/* A recording with text and one without must not be mixed in one table. */
static int same_text(struct store *s, struct err *err) {
    char query[160];
    int64_t wrong;
    snprintf(query, sizeof query, "SELECT count(*) FROM (SELECT 1 FROM sequence WHERE recording = %lld AND (first_token IS NULL) = %d LIMIT 1)",
             (long long)s->recording, s->text);
    if (db_int64(s->db, s->path, query, &wrong, err)) return -1;
    if (!wrong) return 0;
    return err_set(err, "recording %lld of '%s' was made with%s token ids: resume it the same way", (long long)s->recording, s->path,
                   s->text ? "out" : "");
}

int store_add_recording(struct sqlite3 *db, const char *path, const struct store_recording *r, int64_t *id, struct err *err) {
    sqlite3_stmt *q = NULL;
    if (db_prepare(db, path,
            "INSERT INTO recording (created, target, target_sha256, tokenizer_sha256, backend, device, dtype, template,"
            " engine_version, options, threads, max_new, max_draft, temperature, noise_seed)"
            " VALUES (strftime('%Y-%m-%dT%H:%M:%SZ', 'now'), ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", &q, err)) return -1;
    const char *texts[] = {r->target, r->target_sha256, r->tokenizer_sha256, r->backend, r->device, r->dtype, r->template,
                           r->engine_version, r->options};
    for (int i = 0; i < 9; i++) bind_text(q, i + 1, texts[i]);
    sqlite3_bind_int(q, 10, r->threads);
    sqlite3_bind_int(q, 11, r->max_new);
    sqlite3_bind_int(q, 12, r->max_draft);
    sqlite3_bind_double(q, 13, r->temperature);
    sqlite3_bind_int64(q, 14, r->noise_seed);
    int rc = db_step(db, path, q, err);
    sqlite3_finalize(q);
    *id = sqlite3_last_insert_rowid(db);
    return rc < 0 ? -1 : 0;
}

static int add_drafters(struct store *s, const struct store_drafter *drafters, int D, struct err *err) {
    sqlite3_stmt *q = NULL;
    int rc = db_prepare(s->db, s->path, "INSERT INTO drafter (recording, ordinal, name, kind, parameters, sha256, max_draft)"
                                        " VALUES (?, ?, ?, ?, ?, ?, ?)", &q, err);
    for (int d = 0; rc == 0 && d < D; d++) {
        const char *texts[] = {drafters[d].name, drafters[d].kind, drafters[d].parameters, drafters[d].sha256};
        sqlite3_bind_int64(q, 1, s->recording);
        sqlite3_bind_int(q, 2, d);
        for (int i = 0; i < 4; i++) bind_text(q, i + 3, texts[i]);
        sqlite3_bind_int(q, 7, drafters[d].max_draft);
        rc = insert(s, q, err);
        s->drafter[d] = sqlite3_last_insert_rowid(s->db);
    }
    sqlite3_finalize(q);
    return rc;
}

static int check_shape(const struct store_recording *r, const struct store_drafter *drafters, int D, struct err *err) {
    if (D < 1 || D > 64) return err_set(err, "a recording takes 1 to 64 drafters, got %d", D);
    if (r->max_new < 1) return err_set(err, "a recording's max_new is at least 1, got %d", r->max_new);
    if (r->max_draft < 1 || r->max_draft > DRAFT_ROWS)
        return err_set(err, "a recording's max_draft lies in 1 to %d, got %d", DRAFT_ROWS, r->max_draft);
    for (int d = 0; d < D; d++) {
        if (drafters[d].max_draft < 1 || drafters[d].max_draft > r->max_draft)
            return err_set(err, "max_draft of drafter '%s' lies in 1 to %d, got %d", drafters[d].name, r->max_draft, drafters[d].max_draft);
        for (int e = 0; e < d; e++)
            if (!strcmp(drafters[d].name, drafters[e].name))
                return err_set(err, "two drafters are named '%s': name one, as in 'other@%s'", drafters[d].name, drafters[d].kind);
    }
    return 0;
}

static int check_alone(struct store *s, const struct store_recording *r, struct err *err) {
    int64_t others = 0;
    if (s->recording || !r->alone) return 0;
    if (db_int64(s->db, s->path, "SELECT count(DISTINCT recording) FROM drafter", &others, err)) return -1;
    return others ? err_set(err, "'%s' holds another recording, not of these options: name another file, or give --add to put a second one beside it", s->path) : 0;
}

int store_open(struct store *s, const char *path, const struct store_recording *r, const struct store_drafter *drafters, int D, bool text, bool fresh, struct err *err) {
    *s = (struct store){.path = path, .text = text, .D = D};
    if (check_shape(r, drafters, D, err)) return -1;
    struct statements *x = s->statements = mem_alloc(1, sizeof *x, "statements", err);
    if (!x || db_open(&s->db, path, &db_trace, err)) goto fail;
    x->max_new = r->max_new;
    for (int d = 0; d < D; d++) x->max_draft[d] = drafters[d].max_draft;
    if (db_exec(s->db, path, "BEGIN IMMEDIATE", err) // a second recorder waits here rather than add a twin
        || find_recording(s, r, drafters, D, fresh, err) || check_alone(s, r, err)) goto fail;
    if (s->recording ? same_text(s, err) : store_add_recording(s->db, path, r, &s->recording, err) || add_drafters(s, drafters, D, err)) goto fail;
    if (db_exec(s->db, path, "COMMIT", err)) goto fail;
    for (int i = 0; i < STATEMENTS; i++)
        if (db_prepare(s->db, path, sql[i], &x->at[i], err)) goto fail;
    return 0;
fail:
    store_close(s);
    return -1;
}

void store_close(struct store *s) {
    struct statements *x = s->statements;
    for (int i = 0; x && i < STATEMENTS; i++) sqlite3_finalize(x->at[i]);
    mem_free(x);
    if (s->db && !sqlite3_get_autocommit(s->db)) sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
    db_close(&s->db);
    *s = (struct store){0};
}

int store_has(struct store *s, int ordinal, const char *prompt_key, struct err *err) {
    sqlite3_stmt *q = ((struct statements *)s->statements)->at[FIND];
    sqlite3_bind_int64(q, 1, s->recording);
    sqlite3_bind_int(q, 2, ordinal);
    bind_text(q, 3, prompt_key);
    int rc, held = 0;
    while ((rc = db_step(s->db, s->path, q, err)) == 1) {
        const char *key = (const char *)sqlite3_column_text(q, 1);
        if (key && !strcmp(key, prompt_key)) held = 1;
        else {
            rc = err_set(err, "sequence %d of recording %lld of '%s' is of another prompt (key %s, not %s): the prompts file changed",
                         ordinal, (long long)s->recording, s->path, key ? key : "", prompt_key);
            break;
        }
    }
    sqlite3_reset(q);
    sqlite3_clear_bindings(q);
    return rc < 0 ? -1 : held;
}

/* -- one sequence -- */

static int check_sequence(struct store *s, const struct store_sequence *q, struct err *err) {
    const struct statements *x = s->statements;
    if (x->open) return err_set(err, "sequence %d of '%s' is still open", x->ordinal, s->path);
    if (q->tokens < 1 || q->tokens > x->max_new || (!q->eos && q->tokens != x->max_new))
        return err_set(err, "sequence %d has %d tokens of at most %d and ends by '%s'", q->ordinal, q->tokens, x->max_new, q->eos ? "eos" : "length");
    return 0;
}

int store_begin(struct store *s, const struct store_sequence *q, struct err *err) {
    struct statements *x = s->statements;
    if (check_sequence(s, q, err) || db_exec(s->db, s->path, "BEGIN IMMEDIATE", err)) return -1;
    sqlite3_stmt *i = x->at[SEQUENCE];
    sqlite3_bind_int64(i, 1, s->recording);
    sqlite3_bind_int(i, 2, q->ordinal);
    bind_text(i, 3, q->prompt_key);
    bind_text(i, 4, q->category);
    bind_text(i, 5, q->question);
    sqlite3_bind_int(i, 6, q->prompt_tokens);
    sqlite3_bind_int(i, 7, q->tokens);
    if (s->text) sqlite3_bind_int(i, 8, q->first_token);
    bind_text(i, 9, q->eos ? "eos" : "length");
    sqlite3_bind_int64(i, 10, q->prefill_ns);
    if (s->text) sqlite3_bind_blob64(i, 11, q->prompt_tokens ? (const void *)q->prompt : "", sizeof *q->prompt * (size_t)q->prompt_tokens, SQLITE_STATIC);
    x->open = true;
    x->ordinal = q->ordinal;
    x->tokens = q->tokens;
    x->pos = 0;
    x->d = s->D;
    if (insert(s, i, err)) {
        store_rollback(s);
        return -1;
    }
    x->sequence = sqlite3_last_insert_rowid(s->db);
    return 0;
}

int store_step(struct store *s, const struct store_step *step, struct err *err) {
    struct statements *x = s->statements;
    if (!x->open || x->d != s->D || step->pos != x->pos + 1 || step->pos >= x->tokens)
        return err_set(err, "step %d out of order in sequence %d of '%s': after position %d with %d of %d drafts, %d tokens in all",
                       step->pos, x->ordinal, s->path, x->pos, x->d, s->D, x->tokens);
    if (step->verify_width < 1 || step->verify_ns <= 0 || !isfinite(step->margin))
        return err_set(err, "bad verification at sequence %d, position %d of '%s': width %d, %lld ns, margin %g", x->ordinal, step->pos,
                       s->path, step->verify_width, (long long)step->verify_ns, step->margin);
    sqlite3_stmt *i = x->at[STEP];
    sqlite3_bind_int64(i, 1, x->sequence);
    sqlite3_bind_int(i, 2, step->pos);
    if (s->text) sqlite3_bind_int(i, 3, step->token);
    sqlite3_bind_double(i, 4, step->margin);
    sqlite3_bind_int(i, 5, step->verify_width);
    sqlite3_bind_int64(i, 6, step->verify_ns);
    x->pos = step->pos;
    x->d = 0;
    return insert(s, i, err);
}

static int check_draft(struct store *s, int d, const struct store_draft *r, struct err *err) {
    const struct statements *x = s->statements;
    if (!x->open || d != x->d || d >= s->D)
        return err_set(err, "draft of drafter %d out of order in sequence %d of '%s': expected drafter %d", d, x->ordinal, s->path, x->d);
    int budget = x->max_new - x->pos - 1; // the round emits one token besides the draft
    int most = x->max_draft[d] < budget ? x->max_draft[d] : budget;
    if (r->proposed < 0 || r->proposed > most || r->accepted < 0 || r->accepted > r->proposed || r->accepted > x->tokens - x->pos
        || r->draft_ns < 0)
        return err_set(err, "bad draft at sequence %d, position %d, drafter %d of '%s': accepted %d of proposed %d (at most %d; %d tokens in all), %lld ns",
                       x->ordinal, x->pos, d, s->path, r->accepted, r->proposed, most, x->tokens, (long long)r->draft_ns);
    if (r->signal && r->signal_n != 1 && r->signal_n != 2 * r->proposed)
        return err_set(err, "bad signal at sequence %d, position %d, drafter %d of '%s': %d values for %d proposed tokens", x->ordinal, x->pos,
                       d, s->path, r->signal_n, r->proposed);
    return 0;
}

int store_draft(struct store *s, int d, const struct store_draft *r, struct err *err) {
    struct statements *x = s->statements;
    if (check_draft(s, d, r, err)) return -1;
    sqlite3_stmt *i = x->at[DRAFT];
    sqlite3_bind_int64(i, 1, x->sequence);
    sqlite3_bind_int(i, 2, x->pos);
    sqlite3_bind_int64(i, 3, s->drafter[d]);
    sqlite3_bind_int(i, 4, r->proposed);
    sqlite3_bind_int(i, 5, r->accepted);
    sqlite3_bind_int64(i, 6, r->draft_ns);
    if (r->signal) sqlite3_bind_blob(i, 7, r->signal, (int)sizeof *r->signal * r->signal_n, SQLITE_STATIC);
    x->d++;
    return insert(s, i, err);
}

int store_latency(struct store *s, int d, const struct latency *l, struct err *err) {
    sqlite3_stmt *i = NULL;
    if (db_prepare(s->db, s->path, "INSERT INTO latency (recording, operation, drafter, batch, width, context, samples, p10_ns, p50_ns, p90_ns)"
                                   " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", &i, err)) return -1;
    sqlite3_bind_int64(i, 1, s->recording);
    sqlite3_bind_text(i, 2, l->operation, -1, SQLITE_STATIC);
    if (d >= 0) sqlite3_bind_int64(i, 3, s->drafter[d]);
    sqlite3_bind_int(i, 4, l->batch), sqlite3_bind_int(i, 5, l->width), sqlite3_bind_int(i, 6, l->context), sqlite3_bind_int(i, 7, l->samples);
    sqlite3_bind_int64(i, 8, l->p10_ns), sqlite3_bind_int64(i, 9, l->p50_ns), sqlite3_bind_int64(i, 10, l->p90_ns);
    int rc = db_step(s->db, s->path, i, err);
    sqlite3_finalize(i);
    return rc < 0 ? -1 : 0;
}

int store_commit(struct store *s, struct err *err) {
    struct statements *x = s->statements;
    if (!x->open || x->pos != x->tokens - 1 || x->d != s->D)
        return err_set(err, "sequence %d of '%s' is unfinished: position %d of %d, drafter %d of %d", x->ordinal, s->path, x->pos,
                       x->tokens - 1, x->d, s->D);
    if (db_exec(s->db, s->path, "COMMIT", err)) return -1;
    x->open = false;
    return 0;
}

void store_rollback(struct store *s) {
    struct statements *x = s->statements;
    if (!sqlite3_get_autocommit(s->db)) sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
    x->open = false;
}
