/* trace.c - see trace.h.
 *
 * One ordered range scan per sequence and table, in the order in which the rows lie in the
 * file. The sizes in the file are claims: columns are allocated only once the step rows that
 * they stand for have been counted. */
#include "traces/trace.h"

#include <limits.h>
#include <omp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <openssl/evp.h>
#include <sqlite3.h>

#include "core/drafter.h"
#include "core/mem.h"
#include "traces/column.h"
#include "traces/db.h"

enum { DRAFTERS = 64, DRAFT_ROWS = 255 }; // DRAFT_ROWS: a cell is one byte

struct loader {
    struct trace *t;
    sqlite3 *db;
    struct err *err;
};

/* A connection for one pass over rows in the order in which they lie: it needs no cache to speak of. */
static int open_scan(sqlite3 **db, const struct trace *t, struct err *err) {
    int rc = db_open_read(db, t->path, &db_trace, err);
    return rc ? rc : db_exec(*db, t->path, "PRAGMA cache_size = -4096", err);
}

static int loader_prepare(struct loader *l, const char *sql, int64_t key, sqlite3_stmt **s) {
    if (db_prepare(l->db, l->t->path, sql, s, l->err)) return -1;
    sqlite3_bind_int64(*s, 1, key);
    return 0;
}

static char *text_column(struct loader *l, sqlite3_stmt *s, int column) {
    const char *text = (const char *)sqlite3_column_text(s, column);
    return mem_text(text ? text : "", (size_t)sqlite3_column_bytes(s, column), l->err);
}

/* An integer column within [lo, hi]; `what` names it. */
static int int_column(struct loader *l, sqlite3_stmt *s, int column, int64_t lo, int64_t hi, const char *what, int *value) {
    int64_t v = sqlite3_column_int64(s, column);
    if (v < lo || v > hi)
        return err_set(l->err, "%s is %lld, not in %lld to %lld, in recording %lld of '%s'", what, (long long)v, (long long)lo,
                       (long long)hi, (long long)l->t->recording, l->t->path);
    *value = (int)v;
    return 0;
}

/* -- recording and drafters -- */

/* Fills `list` with "1, 2, 3" for messages and returns how many recordings there are to play (`bench` adds
 * some without drafters). */
static int list_recordings(struct loader *l, char *list, size_t size, int64_t *first) {
    sqlite3_stmt *s = NULL;
    if (db_prepare(l->db, l->t->path, "SELECT id FROM recording WHERE id IN (SELECT recording FROM drafter) ORDER BY id", &s, l->err)) return -1;
    int n = 0, rc;
    size_t at = 0;
    list[0] = '\0';
    while ((rc = db_step(l->db, l->t->path, s, l->err)) == 1) {
        if (n++ == 0) *first = sqlite3_column_int64(s, 0);
        if (at < size) at += (size_t)snprintf(list + at, size - at, "%s%lld", n > 1 ? ", " : "", (long long)sqlite3_column_int64(s, 0));
    }
    sqlite3_finalize(s);
    return rc < 0 ? -1 : n;
}

static int choose_recording(struct loader *l, int64_t wanted) {
    char list[128];
    int64_t first = 0;
    int n = list_recordings(l, list, sizeof list, &first);
    if (n < 0) return -1;
    if (n == 0) return err_set(l->err, "trace '%s' holds no recording of drafters", l->t->path);
    if (wanted == 0 && n > 1)
        return err_set(l->err, "trace '%s' holds %d recordings (%s): choose one with --recording", l->t->path, n, list);
    l->t->recording = wanted ? wanted : first;
    return 0;
}

static int load_recording(struct loader *l) {
    struct trace *t = l->t;
    sqlite3_stmt *s = NULL;
    if (loader_prepare(l, "SELECT target, target_sha256, tokenizer_sha256, backend, device, dtype, template, options, threads,"
                          " max_new, max_draft, temperature, noise_seed FROM recording WHERE id = ?", t->recording, &s)) return -1;
    int rc = db_step(l->db, t->path, s, l->err);
    if (rc == 0) {
        char list[128];
        int64_t first;
        rc = list_recordings(l, list, sizeof list, &first);
        if (rc >= 0) rc = err_set(l->err, "trace '%s' holds no recording %lld, but %s", t->path, (long long)t->recording, list);
    }
    if (rc < 0) goto done;
    rc = -1;
    char **texts[] = {&t->target, &t->target_sha256, &t->tokenizer_sha256, &t->backend, &t->device, &t->dtype, &t->template, &t->options};
    for (int i = 0; i < 8; i++)
        if (!(*texts[i] = text_column(l, s, i))) goto done;
    if (int_column(l, s, 8, INT_MIN, INT_MAX, "threads", &t->threads)
        || int_column(l, s, 9, 1, INT_MAX / 2, "max_new", &t->max_new)
        || int_column(l, s, 10, 1, DRAFT_ROWS, "max_draft", &t->L)) goto done;
    t->temperature = sqlite3_column_double(s, 11);
    t->noise_seed = sqlite3_column_int64(s, 12);
    rc = 0;
done:
    sqlite3_finalize(s);
    return rc;
}

static int load_drafters(struct loader *l) {
    struct trace *t = l->t;
    sqlite3_stmt *s = NULL;
    if (!(t->drafters = mem_alloc(DRAFTERS, sizeof *t->drafters, "drafters", l->err))
        || loader_prepare(l, "SELECT id, name, kind, parameters, max_draft, ordinal FROM drafter WHERE recording = ? ORDER BY ordinal",
                          t->recording, &s)) return -1;
    int rc, d;
    while ((rc = db_step(l->db, t->path, s, l->err)) == 1) {
        if (t->D == DRAFTERS) {
            rc = err_set(l->err, "recording %lld of '%s' has more than %d drafters", (long long)t->recording, t->path, DRAFTERS);
            break;
        }
        if (int_column(l, s, 5, t->D, t->D, "drafter ordinal", &d)) { rc = -1; break; }
        struct trace_drafter *x = &t->drafters[t->D++];
        x->id = sqlite3_column_int64(s, 0);
        if (!(x->name = text_column(l, s, 1)) || !(x->kind = text_column(l, s, 2)) || !(x->parameters = text_column(l, s, 3))
            || int_column(l, s, 4, 1, t->L, "max_draft of a drafter", &x->max_draft)) { rc = -1; break; }
    }
    sqlite3_finalize(s);
    if (rc == 0 && t->D == 0) rc = err_set(l->err, "recording %lld of '%s' has no drafter", (long long)t->recording, t->path);
    return rc;
}

/* -- sequences and their steps (invariants 2 and 7) -- */

static int load_sequence(struct loader *l, sqlite3_stmt *s, struct trace_sequence *q) {
    struct trace *t = l->t;
    const char *key = (const char *)sqlite3_column_text(s, 2), *finish = (const char *)sqlite3_column_text(s, 7);
    q->id = sqlite3_column_int64(s, 0);
    if (int_column(l, s, 1, 0, INT_MAX, "ordinal of a sequence", &q->ordinal)
        || int_column(l, s, 5, 0, INT_MAX / 2, "prompt_tokens of a sequence", &q->prompt_tokens)
        || int_column(l, s, 6, 1, t->max_new, "tokens of a sequence", &q->tokens)) return -1;
    if (!key || strlen(key) > 16)
        return err_set(l->err, "prompt_key of sequence %d of '%s' is longer than 16 digits", q->ordinal, t->path);
    strcpy(q->prompt_key, key);
    q->eos = finish && !strcmp(finish, "eos");
    if (!q->eos && q->tokens != t->max_new)
        return err_set(l->err, "sequence %d of '%s' ends by 'length' after %d tokens, not %d", q->ordinal, t->path, q->tokens, t->max_new);
    return (q->category = text_column(l, s, 3)) && (q->question = text_column(l, s, 4)) ? 0 : -1;
}

static int load_sequences(struct loader *l) {
    struct trace *t = l->t;
    size_t capacity = 0;
    sqlite3_stmt *s = NULL;
    if (loader_prepare(l, "SELECT id, ordinal, prompt_key, category, question, prompt_tokens, tokens, finish FROM sequence"
                          " WHERE recording = ? ORDER BY ordinal", t->recording, &s)) return -1;
    int rc;
    while ((rc = db_step(l->db, t->path, s, l->err)) == 1) {
        rc = t->Q == INT_MAX ? err_set(l->err, "recording %lld of '%s' has too many sequences", (long long)t->recording, t->path)
                             : mem_grow(&t->sequences, &capacity, (size_t)t->Q + 1, sizeof *t->sequences, "sequences", l->err);
        if (rc || (rc = load_sequence(l, s, &t->sequences[t->Q++]))) break;
    }
    sqlite3_finalize(s);
    if (rc == 0 && t->Q == 0) rc = err_set(l->err, "recording %lld of '%s' holds no sequence yet", (long long)t->recording, t->path);
    return rc;
}

/* Steps are pos = 1 .. tokens - 1; places the sequences in the columns. */
static int count_steps(struct loader *l) {
    struct trace *t = l->t;
    sqlite3_stmt *s = NULL;
    if (loader_prepare(l, "SELECT pos FROM step WHERE sequence = ? ORDER BY pos", 0, &s)) return -1;
    int rc = 0;
    for (int q = 0; rc == 0 && q < t->Q; q++) {
        struct trace_sequence *x = &t->sequences[q];
        int64_t pos = 0;
        sqlite3_bind_int64(s, 1, x->id);
        while ((rc = db_step(l->db, t->path, s, l->err)) == 1) {
            int64_t have = sqlite3_column_int64(s, 0);
            if (have != ++pos || pos >= x->tokens) {
                rc = err_set(l->err, "step %lld of sequence %d of '%s' where step %lld of 1 to %d was expected", (long long)have, x->ordinal,
                             t->path, (long long)pos, x->tokens - 1);
                break;
            }
        }
        sqlite3_reset(s);
        if (rc == 0 && pos != x->tokens - 1)
            rc = err_set(l->err, "sequence %d of '%s' has %lld steps, its %d tokens take %d", x->ordinal, t->path, (long long)pos, x->tokens,
                         x->tokens - 1);
        x->at = t->cells;
        t->cells += (size_t)pos;
    }
    sqlite3_finalize(s);
    return rc;
}

/* -- draft rows (invariants 3 to 5) -- */

/* Says what is wrong with one row, and where. */
static int bad_draft(struct loader *l, const struct trace_sequence *q, int64_t pos, int d, const char *format, ...) {
    char what[160];
    va_list args;
    va_start(args, format);
    vsnprintf(what, sizeof what, format, args);
    va_end(args);
    return err_set(l->err, "%s at sequence %d, position %lld, drafter '%s' of '%s'", what, q->ordinal, (long long)pos,
                   d < 0 ? "?" : l->t->drafters[d].name, l->t->path);
}

static int check_draft(struct loader *l, const struct trace_sequence *q, int pos, int d, int64_t proposed, int64_t accepted) {
    int budget = l->t->max_new - pos - 1, most = l->t->drafters[d].max_draft;
    if (budget < most) most = budget; // never below 0: pos < tokens <= max_new
    if (proposed < 0 || proposed > most) return bad_draft(l, q, pos, d, "proposed %lld is not in 0 to %d", (long long)proposed, most);
    if (accepted < 0) return bad_draft(l, q, pos, d, "accepted %lld is negative", (long long)accepted);
    if (accepted > proposed)
        return bad_draft(l, q, pos, d, "accepted %lld exceeds proposed %lld", (long long)accepted, (long long)proposed);
    if (accepted > q->tokens - pos)
        return bad_draft(l, q, pos, d, "accepted %lld exceeds the %d tokens that follow", (long long)accepted, q->tokens - pos);
    return 0;
}

/* Rows come as (pos, drafter id): `order` lists the drafters by id. */
static int load_rows(struct loader *l, sqlite3_stmt *s, const struct trace_sequence *q, const int *order) {
    struct trace *t = l->t;
    int rc = 0;
    for (int pos = 1; pos < q->tokens; pos++)
        for (int i = 0; i < t->D; i++) {
            int d = order[i];
            if ((rc = db_step(l->db, t->path, s, l->err)) < 0) return -1;
            if (rc == 0 || sqlite3_column_int64(s, 0) != pos || sqlite3_column_int64(s, 1) != t->drafters[d].id)
                return bad_draft(l, q, pos, d, "draft row missing or of another drafter");
            int64_t proposed = sqlite3_column_int64(s, 2), accepted = sqlite3_column_int64(s, 3);
            if (check_draft(l, q, pos, d, proposed, accepted)) return -1;
            size_t cell = (size_t)d * t->cells + q->at + (size_t)pos - 1;
            t->proposed[cell] = (uint8_t)proposed;
            t->accepted[cell] = (uint8_t)accepted;
        }
    if ((rc = db_step(l->db, t->path, s, l->err)) == 1)
        return bad_draft(l, q, sqlite3_column_int64(s, 0), -1, "a draft row too many");
    return rc;
}

static void order_by_id(const struct trace *t, int *order) {
    for (int d = 0; d < t->D; d++) {
        int i = d;
        for (; i > 0 && t->drafters[order[i - 1]].id > t->drafters[d].id; i--) order[i] = order[i - 1];
        order[i] = d;
    }
}

int trace_parts(const struct trace *t) {
    enum { ROWS = 50000 }; // a connection is worth
    const size_t n = 1 + t->cells * (size_t)t->D / ROWS;
    const int most = t->Q < omp_get_max_threads() ? t->Q : omp_get_max_threads();
    return n < (size_t)most ? (int)n : most;
}

static int part_from(const struct trace *t, int part) { return (int)((int64_t)t->Q * part / trace_parts(t)); }

static int load_part(struct loader *l, int part) {
    struct trace *t = l->t;
    int order[DRAFTERS], rc = 0;
    sqlite3_stmt *s = NULL;
    order_by_id(t, order);
    if (loader_prepare(l, "SELECT pos, drafter, proposed, accepted FROM draft WHERE sequence = ? ORDER BY pos, drafter", 0, &s)) return -1;
    for (int q = part_from(t, part); rc == 0 && q < part_from(t, part + 1); q++) {
        sqlite3_bind_int64(s, 1, t->sequences[q].id);
        rc = load_rows(l, s, &t->sequences[q], order);
        sqlite3_reset(s);
    }
    sqlite3_finalize(s);
    return rc;
}

/* Parts beside the first have connections of their own: what they read was complete before it was listed. */
static int load_drafts(struct loader *l) {
    struct trace *t = l->t;
    const size_t bytes = t->cells * (size_t)t->D; // counted rows, so no overflow
    const int parts = trace_parts(t);
    int failed = parts, rc = 0;
    size_t second; // as the first is
    if (!(t->proposed = column_alloc(bytes, &t->mapped, "proposed lengths", l->err))
        || !(t->accepted = column_alloc(bytes, &second, "accepted lengths", l->err))) return -1;
    #pragma omp parallel for schedule(dynamic, 1) if (parts > 1)
    for (int part = 0; part < parts; part++) {
        struct err mine = {""};
        struct loader own = {.t = t, .db = l->db, .err = &mine};
        if (part) own.db = NULL;
        int bad = part ? open_scan(&own.db, t, &mine) : 0;
        if (!bad) bad = load_part(&own, part);
        if (part) db_close(&own.db);
        #pragma omp critical
        if (bad && part < failed) failed = part, rc = bad, *l->err = mine; // the first of them speaks
    }
    return rc;
}

/* -- the content's name -- */

static void hash_int(EVP_MD_CTX *c, int64_t value) {
    unsigned char bytes[8]; // little-endian whatever the machine
    for (int i = 0; i < 8; i++) bytes[i] = (unsigned char)((uint64_t)value >> 8 * i);
    EVP_DigestUpdate(c, bytes, sizeof bytes);
}

static void hash_text(EVP_MD_CTX *c, const char *text) {
    hash_int(c, (int64_t)strlen(text));
    EVP_DigestUpdate(c, text, strlen(text));
}

/* Budget, drafters, lengths, then the two columns: what a replay's arms and counts depend on. */
static int hash(struct loader *l) {
    struct trace *t = l->t;
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned n = 0;
    EVP_MD_CTX *c = EVP_MD_CTX_new();
    bool ok = c && EVP_DigestInit_ex(c, EVP_sha256(), NULL);
    if (ok) {
        hash_int(c, t->max_new);
        hash_int(c, t->L);
        hash_int(c, t->D);
        hash_int(c, t->Q);
        for (int d = 0; d < t->D; d++) hash_text(c, t->drafters[d].name), hash_int(c, t->drafters[d].max_draft);
        for (int q = 0; q < t->Q; q++) {
            const struct trace_sequence *x = &t->sequences[q];
            hash_int(c, x->ordinal);
            hash_text(c, x->prompt_key);
            hash_int(c, x->tokens);
            hash_int(c, x->eos);
        }
        EVP_DigestUpdate(c, t->proposed, t->cells * (size_t)t->D);
        EVP_DigestUpdate(c, t->accepted, t->cells * (size_t)t->D);
        ok = EVP_DigestFinal_ex(c, digest, &n);
    }
    EVP_MD_CTX_free(c);
    if (!ok) return err_set(l->err, "cannot hash the columns of '%s'", t->path);
    for (unsigned i = 0; i < 32; i++) sprintf(t->sha256 + 2 * i, "%02x", digest[i]);
    return 0;
}

/* Nodes by depth of every tree: at least one a level, DRAFT_MAX in all. */
static int load_trees(struct trace *t, struct err *err) {
    for (int d = 0; d < t->D; d++) {
        const struct drafter_type *type = drafter_type_find(t->drafters[d].kind);
        t->drafters[d].tree = type && type->tree;
        t->drafters[d].copier = type && type->copier;
        t->drafters[d].silent = !strcmp(t->drafters[d].kind, "synthetic") || !strcmp(t->drafters[d].kind, "imported");
        if (!t->drafters[d].tree) continue;
        if (trace_load_signal(t, d, err)) return -1;
        for (int q = 0; q < t->Q; q++)
            for (int pos = 1; pos < t->sequences[q].tokens; pos++) {
                size_t cell = trace_cell(t, d, q, pos), at = (cell - (size_t)d * t->cells) * (size_t)t->L;
                float below = 0;
                for (int k = 0; k < t->proposed[cell]; k++) {
                    float nodes = t->signal[d][2 * (at + (size_t)k)];
                    if (!(nodes >= below + 1 && nodes <= DRAFT_MAX))
                        return err_set(err, "a tree of '%s' at sequence %d, position %d of '%s' has %g nodes down to depth %d, expected more than %g and at most %d",
                                       t->drafters[d].name, t->sequences[q].ordinal, pos, t->path, nodes, k + 1, below, DRAFT_MAX);
                    below = nodes;
                }
            }
    }
    return 0;
}

int trace_open(struct trace *t, const char *path, int64_t recording, struct err *err) {
    struct loader l = {.t = t, .err = err};
    *t = (struct trace){0};
    int rc = -1;
    if ((t->path = mem_text(path, strlen(path), err)) && !open_scan(&l.db, t, err)
        && !db_exec(l.db, path, "BEGIN", err)) // one snapshot, should a recorder be at work
        rc = choose_recording(&l, recording) || load_recording(&l) || load_drafters(&l) || load_sequences(&l) || count_steps(&l)
             || load_drafts(&l) || hash(&l) ? -1 : 0;
    db_close(&l.db);
    if (!rc) rc = load_trees(t, err);
    if (rc) trace_close(t);
    return rc;
}

void trace_close(struct trace *t) {
    char *texts[] = {t->path, t->target, t->target_sha256, t->tokenizer_sha256, t->backend, t->device, t->dtype, t->template, t->options};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) mem_free(texts[i]);
    for (int d = 0; d < t->D; d++) {
        mem_free(t->drafters[d].name);
        mem_free(t->drafters[d].kind);
        mem_free(t->drafters[d].parameters);
    }
    for (int q = 0; q < t->Q; q++) {
        mem_free(t->sequences[q].category);
        mem_free(t->sequences[q].question);
    }
    mem_free(t->drafters);
    mem_free(t->sequences);
    column_free(t->proposed, t->mapped);
    column_free(t->accepted, t->mapped);
    mem_free(t->match);
    mem_free(t->margin);
    for (int d = 0; t->signal && d < t->D; d++) mem_free(t->signal[d]);
    mem_free(t->signal);
    *t = (struct trace){0};
}

static float read_float(const unsigned char *at) {
    uint32_t bits = at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

bool trace_recorded(const struct trace *t, char *words, size_t size) {
    bool synthetic = t->backend && !strcmp(t->backend, "synthetic"), imported = t->backend && !strcmp(t->backend, "imported");
    snprintf(words, size, "%s", imported ? "an approximation from one-arm logs: where no round began, lengths are drawn from those logged" : "");
    if (synthetic) { // options begin {"synthetic":true,"world":"markov",...
        const char *law = strstr(t->options, "\"world\":\"");
        int n = law ? (int)strcspn(law + 9, "\"") : 0;
        snprintf(words, size, "a synthetic trace (world %.*s)", n, law ? law + 9 : "");
    }
    return !synthetic && !imported;
}

static int read_signal(const struct trace *t, int d, int q, sqlite3_stmt *s, struct err *err) {
    int pos = sqlite3_column_int(s, 0), bytes = sqlite3_column_bytes(s, 1);
    if (pos < 1 || pos >= t->sequences[q].tokens) return err_set(err, "a draft row too many at sequence %d, position %d of '%s'", t->sequences[q].ordinal, pos, t->path);
    size_t cell = trace_cell(t, d, q, pos) - (size_t)d * t->cells, want = (size_t)t->proposed[(size_t)d * t->cells + cell] * 8;
    if ((size_t)bytes != want)
        return err_set(err, "signal of '%s' at sequence %d, position %d of '%s' has %d bytes, expected %zu", t->drafters[d].name, t->sequences[q].ordinal, pos, t->path, bytes, want);
    const unsigned char *at = sqlite3_column_blob(s, 1);
    for (size_t i = 0; i < want / 4; i++) t->signal[d][cell * (size_t)t->L * 2 + i] = read_float(at + 4 * i);
    return 0;
}

int trace_load_signal(struct trace *t, int d, struct err *err) {
    const struct drafter_type *type = drafter_type_find(t->drafters[d].kind);
    if ((type && type->copier) || t->drafters[d].silent) return err_set(err, "drafter '%s' of '%s' has no probabilities, so no rule can stop it", t->drafters[d].name, t->path);
    if (!t->signal && !(t->signal = mem_alloc((size_t)t->D, sizeof *t->signal, "signals", err))) return -1;
    if (t->signal[d]) return 0;
    if (!(t->signal[d] = mem_alloc(t->cells * (size_t)t->L, 2 * sizeof **t->signal, "signals", err))) return -1;
    sqlite3 *db = NULL;
    sqlite3_stmt *s = NULL;
    if (db_open_read(&db, t->path, &db_trace, err)) return -1;
    int rc = db_prepare(db, t->path, "SELECT pos, signal FROM draft WHERE sequence = ? AND drafter = ? ORDER BY pos", &s, err);
    for (int q = 0; !rc && q < t->Q; q++) {
        sqlite3_bind_int64(s, 1, t->sequences[q].id), sqlite3_bind_int64(s, 2, t->drafters[d].id);
        while (!rc && (rc = db_step(db, t->path, s, err)) == 1) rc = read_signal(t, d, q, s, err);
        sqlite3_reset(s);
    }
    sqlite3_finalize(s);
    db_close(&db);
    return rc;
}

static int load_matches(struct trace *t, int d, sqlite3 *db, sqlite3_stmt *s, struct err *err) {
    int rc = 0;
    for (int q = 0; !rc && q < t->Q; q++) {
        sqlite3_bind_int64(s, 1, t->sequences[q].id), sqlite3_bind_int64(s, 2, t->drafters[d].id);
        while ((rc = db_step(db, t->path, s, err)) == 1) {
            int pos = sqlite3_column_int(s, 0), bytes = sqlite3_column_bytes(s, 1);
            if (pos < 1 || pos >= t->sequences[q].tokens || bytes != sizeof(float))
                return err_set(err, "signal of '%s' at sequence %d, position %d of '%s' has %d bytes, expected a step with %zu", t->drafters[d].name,
                               t->sequences[q].ordinal, pos, t->path, bytes, sizeof(float));
            float match = read_float(sqlite3_column_blob(s, 1));
            if (!(match >= 0 && match <= 1e9f))
                return err_set(err, "'%s' matched %g tokens at sequence %d, position %d of '%s', expected 0 or more", t->drafters[d].name, match,
                               t->sequences[q].ordinal, pos, t->path);
            t->match[trace_cell(t, d, q, pos)] = match < 255 ? (uint8_t)match : 255;
        }
        sqlite3_reset(s);
    }
    return rc;
}

int trace_load_match(struct trace *t, struct err *err) {
    sqlite3 *db = NULL;
    sqlite3_stmt *s = NULL;
    if (t->match) return 0;
    if (!(t->match = mem_alloc(t->cells, (size_t)t->D, "matches", err)) || db_open_read(&db, t->path, &db_trace, err)) return -1;
    int rc = db_prepare(db, t->path, "SELECT pos, signal FROM draft WHERE sequence = ? AND drafter = ? AND signal IS NOT NULL ORDER BY pos", &s, err);
    for (int d = 0; !rc && d < t->D; d++) {
        if (t->drafters[d].copier) rc = load_matches(t, d, db, s, err);
    }
    sqlite3_finalize(s);
    db_close(&db);
    return rc;
}

int trace_load_margin(struct trace *t, struct err *err) {
    sqlite3 *db = NULL;
    sqlite3_stmt *s = NULL;
    if (t->margin) return 0;
    if (!(t->margin = mem_alloc(t->cells, sizeof *t->margin, "margins", err)) || db_open_read(&db, t->path, &db_trace, err)) return -1;
    int rc = db_prepare(db, t->path, "SELECT pos, margin FROM step WHERE sequence = ? ORDER BY pos", &s, err);
    for (int q = 0; !rc && q < t->Q; q++) {
        sqlite3_bind_int64(s, 1, t->sequences[q].id);
        while ((rc = db_step(db, t->path, s, err)) == 1) {
            int pos = sqlite3_column_int(s, 0);
            if (pos >= 1 && pos < t->sequences[q].tokens) t->margin[trace_cell(t, 0, q, pos)] = (float)sqlite3_column_double(s, 1);
        }
        sqlite3_reset(s);
    }
    sqlite3_finalize(s);
    db_close(&db);
    return rc;
}

/* -- timings -- */

struct timing_reader {
    const struct trace *t;
    sqlite3 *db;
    sqlite3_stmt *steps, *drafts;
    int order[DRAFTERS];
    int (*each)(void *user, const struct trace_timing *x);
    void *user;
    struct err *err;
};

/* The drafts of one step, from the statement that has come to them. */
static int step_drafts(struct timing_reader *r, struct trace_timing x) {
    for (int i = 0; i < r->t->D; i++) {
        int rc = db_step(r->db, r->t->path, r->drafts, r->err);
        x.drafter = r->order[i];
        if (rc == 1 && (sqlite3_column_int64(r->drafts, 0) != x.pos
                        || sqlite3_column_int64(r->drafts, 1) != r->t->drafters[x.drafter].id)) rc = 0;
        if (rc == 0) return err_set(r->err, "draft row missing at sequence %d, position %d of '%s'", r->t->sequences[x.sequence].ordinal,
                                    x.pos, r->t->path);
        if (rc < 0) return -1;
        x.width = sqlite3_column_int(r->drafts, 2);
        x.ns = sqlite3_column_int64(r->drafts, 3);
        if ((rc = r->each(r->user, &x))) return rc;
    }
    return 0;
}

static int sequence_timings(struct timing_reader *r, int q) {
    const struct trace_sequence *s = &r->t->sequences[q];
    int rc;
    sqlite3_bind_int64(r->steps, 1, s->id);
    sqlite3_bind_int64(r->drafts, 1, s->id);
    while ((rc = db_step(r->db, r->t->path, r->steps, r->err)) == 1) {
        struct trace_timing x = {.sequence = q, .pos = sqlite3_column_int(r->steps, 0), .drafter = -1,
                                 .width = sqlite3_column_int(r->steps, 1), .ns = sqlite3_column_int64(r->steps, 2)};
        x.context = s->prompt_tokens + x.pos;
        if ((rc = r->each(r->user, &x)) || (rc = step_drafts(r, x))) break;
    }
    sqlite3_reset(r->steps);
    sqlite3_reset(r->drafts);
    return rc;
}

int trace_timings_part(const struct trace *t, int part, int (*each)(void *user, const struct trace_timing *x), void *user, struct err *err) {
    const int from = part < 0 ? 0 : part_from(t, part), to = part < 0 ? t->Q : part_from(t, part + 1);
    struct timing_reader r = {.t = t, .each = each, .user = user, .err = err};
    order_by_id(t, r.order);
    if (open_scan(&r.db, t, err)) {
        db_close(&r.db);
        return -1;
    }
    int rc = db_exec(r.db, t->path, "BEGIN", err);
    if (rc == 0)
        rc = db_prepare(r.db, t->path, "SELECT pos, verify_width, verify_ns FROM step WHERE sequence = ? ORDER BY pos", &r.steps, err)
             || db_prepare(r.db, t->path, "SELECT pos, drafter, proposed, draft_ns FROM draft WHERE sequence = ? ORDER BY pos, drafter",
                           &r.drafts, err) ? -1 : 0;
    for (int q = from; rc == 0 && q < to; q++) rc = sequence_timings(&r, q);
    sqlite3_finalize(r.steps);
    sqlite3_finalize(r.drafts);
    db_close(&r.db);
    return rc;
}

int trace_timings(const struct trace *t, int (*each)(void *user, const struct trace_timing *x), void *user, struct err *err) {
    return trace_timings_part(t, -1, each, user, err);
}

int trace_latencies(const struct trace *t, const char *operation, int (*each)(void *user, const struct trace_timing *x), void *user, struct err *err) {
    sqlite3 *db = NULL;
    sqlite3_stmt *s = NULL;
    if (db_open_read(&db, t->path, &db_trace, err)) return -1;
    int rc = db_prepare(db, t->path, "SELECT drafter, width, context, p50_ns FROM latency WHERE recording = ? AND operation = ? AND batch = 1"
                                     " AND (drafter IS NOT NULL OR operation = 'again') AND width > 0 AND p50_ns > 0 ORDER BY id", &s, err);
    if (!rc) sqlite3_bind_int64(s, 1, t->recording), sqlite3_bind_text(s, 2, operation, -1, SQLITE_STATIC);
    while (!rc && (rc = db_step(db, t->path, s, err)) == 1) {
        struct trace_timing x = {.drafter = -1, .width = sqlite3_column_int(s, 1), .context = sqlite3_column_int(s, 2), .ns = sqlite3_column_int64(s, 3)};
        for (int d = 0; d < t->D; d++)
            if (t->drafters[d].id == sqlite3_column_int64(s, 0)) x.drafter = d;
        rc = x.drafter >= 0 || sqlite3_column_type(s, 0) == SQLITE_NULL ? each(user, &x) : 0;
    }
    sqlite3_finalize(s);
    db_close(&db);
    return rc;
}
