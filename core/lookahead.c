/* lookahead.c - see lookahead.h. */
#include "core/lookahead.h"

#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "core/sampler.h"
#include "core/tokenizer.h"

void lookahead_begin(struct engine *e, const struct drafter_target *t, struct draft *out) {
    out->n = out->match = out->away = 0;
    out->begun = t->begun ? t->begun : engine_mark(e);
}

bool lookahead_pick(struct engine *e, const struct drafter_target *t, int n, int L, struct draft *out) {
    const int k = out->n++;
    sampler_choose(t->sampler, e, &(struct place){t->sequence, n - t->prompt_n + k}, true, &t->drafted[k]);
    out->ns[k] = engine_mark(e);
    out->token[k] = -1, out->away++;
    if (out->n == L) return true;
    if (!t->rule) return false;
    lookahead_home(e, t, out, NULL);
    return t->rule->last(t->rule->user, out->top_prob[k], out->entropy[k]);
}

struct row lookahead_row(const struct drafter_target *t, const struct draft *out, const float *feature) {
    return (struct row){.slot = t->slot, .parent = -1, .logits = true, .feature = feature, .chosen = &t->drafted[out->n - 1]};
}

void lookahead_home(struct engine *e, const struct drafter_target *t, struct draft *out, const struct choice *choices) {
    struct choice read[DRAFT_MAX];
    const int from = out->n - out->away;
    if (!choices && out->away) engine_read(e, read + from, t->drafted + from, out->away);
    if (!choices) choices = read;
    for (int k = from; k < out->n; k++) {
        out->token[k] = choices[k].token, out->top_prob[k] = choices[k].top_prob, out->entropy[k] = choices[k].entropy;
        out->ns[k] = engine_elapsed(e, out->begun, out->ns[k]);
    }
    out->away = 0;
}

struct count {
    int64_t times;
    int id;
};

static int more_frequent(const void *a, const void *b) {
    const struct count *x = a, *y = b;
    return x->times != y->times ? (x->times < y->times ? 1 : -1) : x->id - y->id;
}

static int ascending(const void *a, const void *b) { return *(const int *)a - *(const int *)b; }

static int count_trace(const char *path, struct count *counts, int limit, struct err *err) {
    sqlite3 *db = NULL;
    sqlite3_stmt *s = NULL;
    int rc = sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL);
    if (!rc) rc = sqlite3_prepare_v2(db, "SELECT token, count(*) FROM step GROUP BY token", -1, &s, NULL);
    if (rc) err_set(err, "cannot count tokens in '%s', expected a trace: %s", path, db ? sqlite3_errmsg(db) : "out of memory");
    while (!rc && (rc = sqlite3_step(s)) == SQLITE_ROW) {
        int64_t id = sqlite3_column_int64(s, 0);
        if (id >= 0 && id < limit) counts[id].times += sqlite3_column_int64(s, 1);
        rc = SQLITE_OK;
    }
    if (rc && rc != SQLITE_DONE && !*err->text) err_set(err, "cannot count tokens in '%s': %s", path, sqlite3_errmsg(db));
    sqlite3_finalize(s);
    sqlite3_close(db);
    return rc == SQLITE_DONE ? 0 : -1;
}

static int count_text(const struct tokenizer *t, const struct file_map *map, struct count *counts, int limit, struct err *err) {
    struct ids ids = {0};
    int rc = tokenizer_encode(t, (const char *)map->bytes, map->size, false, &ids, err);
    for (size_t i = 0; !rc && i < ids.n; i++)
        if (ids.at[i] < limit) counts[ids.at[i]].times++;
    ids_close(&ids);
    return rc;
}

static int count_tokens(const struct tokenizer *t, const char *source, struct count *counts, int limit, struct err *err) {
    static const char magic[] = "SQLite format 3";
    struct file_map map;
    if (file_map_open(&map, source, err)) return -1;
    bool trace = map.size >= sizeof magic - 1 && !memcmp(map.bytes, magic, sizeof magic - 1);
    int rc = trace ? count_trace(source, counts, limit, err) : count_text(t, &map, counts, limit, err);
    file_map_close(&map);
    return rc;
}

int lookahead_frequent(const struct tokenizer *t, const char *source, int count, int limit, int **ids, struct err *err) {
    if (count > limit) count = limit;
    struct count *counts = mem_alloc((size_t)limit, sizeof *counts, "token counts", err);
    *ids = counts ? mem_alloc((size_t)count, sizeof **ids, "frequent tokens", err) : NULL;
    for (int i = 0; *ids && i < limit; i++) counts[i].id = i;
    int rc = *ids ? 0 : -1;
    if (!rc && source) rc = count_tokens(t, source, counts, limit, err);
    if (!rc) {
        qsort(counts, (size_t)limit, sizeof *counts, more_frequent);
        for (int i = 0; i < count; i++) (*ids)[i] = counts[i].id;
        qsort(*ids, (size_t)count, sizeof **ids, ascending);
    } else {
        mem_free(*ids);
        *ids = NULL;
    }
    mem_free(counts);
    return rc;
}
