/* board.c - see board.h. */
#include "sim/board.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "core/rng.h"

static int64_t bind_prepare(struct runs *r, const char *sql, int64_t experiment, sqlite3_stmt **s, struct err *err) {
    if (db_prepare(r->db, r->path, sql, s, err)) return ERR_FAILED;
    sqlite3_bind_int64(*s, 1, experiment);
    return 0;
}

static char *text_at(sqlite3_stmt *s, int i, struct err *err) {
    const char *text = (const char *)sqlite3_column_text(s, i);
    return mem_text(text ? text : "", text ? strlen(text) : 0, err);
}

static int load_experiment(struct board *b, struct runs *r, struct err *err) {
    sqlite3_stmt *s = NULL;
    if (bind_prepare(r, "SELECT e.trace, t.arms, e.scope, e.timing, (SELECT count(*) FROM arm WHERE experiment = e.id), (SELECT count(*) FROM sequence"
                        " WHERE experiment = e.id), e.target, e.device FROM experiment e JOIN setting t ON t.experiment = e.id WHERE e.id = ?", b->experiment, &s, err)) return ERR_FAILED;
    int rc = db_step(r->db, r->path, s, err);
    if (rc == 1) {
        b->K = sqlite3_column_int(s, 4), b->Q = sqlite3_column_int(s, 5);
        rc = (b->trace = text_at(s, 0, err)) && (b->arms = text_at(s, 1, err)) && (b->scope = text_at(s, 2, err)) && (b->timing = text_at(s, 3, err))
            && (b->target = text_at(s, 6, err)) && (b->device = text_at(s, 7, err)) ? 0 : ERR_FAILED;
    } else if (!rc) rc = err_set(err, "experiment %lld of '%s' is no sweep's", (long long)b->experiment, r->path);
    sqlite3_finalize(s);
    return rc;
}

bool board_holds_out(const char *prompt_key, double share) {
    struct rng r = rng_at(0, rng_stream("hold-out"), rng_stream(prompt_key), 0);
    return rng_uniform(&r) < share;
}

/* All prompts of the experiment, in ordinal order. */
struct prompts_of {
    int n;
    bool *in, *by;     // (n) of this part; what fixed arms are chosen on
    int *best;         // (n) the fastest arm on the prompt
    char **category;   // (n) owned, but for those that are in, which the board keeps
};

static void prompts_close(struct prompts_of *x) {
    for (int i = 0; x->category && i < x->n; i++)
        if (!x->in[i]) mem_free(x->category[i]);
    mem_free(x->in), mem_free(x->by), mem_free(x->best), mem_free(x->category);
}

/* Fills tokens, best_rounds and categories of this part. */
static int load_sequences(struct board *b, struct runs *r, enum board_part part, double share, struct prompts_of *x, struct err *err) {
    sqlite3_stmt *s = NULL;
    int all = b->Q, rc, i = 0;
    b->Q = 0;
    if (bind_prepare(r, "SELECT prompt_key, tokens, best_rounds, best_arm_seconds, category FROM sequence WHERE experiment = ? ORDER BY sequence", b->experiment, &s, err)) return ERR_FAILED;
    while ((rc = db_step(r->db, r->path, s, err)) == 1 && i < all) {
        bool out = board_holds_out((const char *)sqlite3_column_text(s, 0), share);
        if (!(x->category[i] = text_at(s, 4, err))) { rc = ERR_FAILED; break; }
        x->in[i] = part == BOARD_ALL || out == (part == BOARD_HELD_OUT);
        x->by[i] = part == BOARD_HELD_OUT ? !out : x->in[i];
        x->best[i] = sqlite3_column_int(s, 3);
        if (x->best[i] < 0 || x->best[i] >= b->K) {
            rc = err_set(err, "experiment %lld of '%s' has best arm %d of a prompt, expected less than %d", (long long)b->experiment, r->path, x->best[i], b->K);
            break;
        }
        b->chosen_on += x->by[i];
        if (x->in[i]) {
            b->tokens[b->Q] = sqlite3_column_int(s, 1) - 1;
            b->best_rounds[b->Q] = sqlite3_column_double(s, 2);
            b->category[b->Q++] = x->category[i];
        }
        i++;
    }
    sqlite3_finalize(s);
    return rc == 1 ? err_set(err, "experiment %lld of '%s' changes while it is read", (long long)b->experiment, r->path) : rc;
}

static int name_arm(const struct board *b, struct runs *r, int arm, char *name, struct err *err) {
    char sql[120];
    sqlite3_stmt *s = NULL;
    snprintf(sql, sizeof sql, "SELECT name FROM arm WHERE experiment = ? AND arm = %d", arm);
    if (bind_prepare(r, sql, b->experiment, &s, err)) return ERR_FAILED;
    int rc = db_step(r->db, r->path, s, err);
    if (rc == 1) snprintf(name, ARM_NAME, "%s", (const char *)sqlite3_column_text(s, 0));
    sqlite3_finalize(s);
    return rc < 0 ? rc : 0;
}

/* The fixed arms of this part: chosen on `by`, and in hindsight of the part itself. */
static int choose_arms(struct board *b, struct runs *r, const struct prompts_of *x, const struct walk *fixed, struct err *err) {
    const size_t Q = (size_t)b->Q, K = (size_t)b->K;
    int *of_category = mem_alloc((size_t)x->n, sizeof *of_category, "categories", err);
    if (!of_category) return ERR_FAILED;
    const int overall = summary_fixed_arm(fixed, x->by, x->n, b->K), hindsight = summary_fixed_arm(fixed, x->in, x->n, b->K);
    summary_category_arms(fixed, (const char *const *)x->category, x->by, x->n, b->K, of_category);
    for (size_t i = 0, q = 0; i < (size_t)x->n; i++) {
        if (!x->in[i]) continue;
        b->reference[REFERENCE_BEST_FIXED * Q + q] = fixed[i * K + (size_t)overall];
        b->reference[REFERENCE_BEST_PER_CATEGORY * Q + q] = fixed[i * K + (size_t)of_category[i]];
        b->reference[REFERENCE_BEST_PER_PROMPT * Q + q++] = fixed[i * K + (size_t)x->best[i]];
        b->hindsight_s += fixed[i * K + (size_t)hindsight].seconds;
    }
    mem_free(of_category);
    return name_arm(b, r, overall, b->best_arm, err) || name_arm(b, r, hindsight, b->hindsight_arm, err) ? ERR_FAILED : 0;
}

static int load_walks(struct board *b, struct runs *r, const struct prompts_of *x, struct err *err) {
    sqlite3_stmt *s = NULL;
    size_t Q = (size_t)b->Q, K = (size_t)b->K;
    struct walk *fixed = mem_alloc((size_t)x->n * K, sizeof *fixed, "fixed arms", err);
    int rc = fixed ? 0 : ERR_FAILED, last = INT_MIN, i = -1, q = -1;
    if (!rc) rc = bind_prepare(r, "SELECT sequence, arm, rounds, seconds FROM walk WHERE experiment = ? ORDER BY sequence, arm", b->experiment, &s, err) ? ERR_FAILED : 0;
    while (!rc && (rc = db_step(r->db, r->path, s, err)) == 1) {
        int sequence = sqlite3_column_int(s, 0), arm = sqlite3_column_int(s, 1);
        struct walk took = {sqlite3_column_int(s, 2), sqlite3_column_double(s, 3)};
        if (sequence != last && i + 1 < x->n) last = sequence, q += x->in[++i];
        rc = sequence == last ? 0 : err_set(err, "experiment %lld of '%s' has walks of more than its %d sequences", (long long)b->experiment, r->path, x->n);
        if (rc) break;
        if (arm >= 0 && arm < b->K) fixed[(size_t)i * K + (size_t)arm] = took;
        if (!x->in[i]) continue;
        if (arm == -2) b->reference[REFERENCE_PLAIN * Q + (size_t)q] = took;
        else if (arm == -1) b->reference[REFERENCE_CLAIRVOYANT * Q + (size_t)q] = took;
        else if (arm == -3) b->reference[REFERENCE_CLAIRVOYANT_ROUNDS * Q + (size_t)q] = took;
    }
    sqlite3_finalize(s);
    if (!rc) rc = choose_arms(b, r, x, fixed, err);
    mem_free(fixed);
    return rc;
}

static bool listed(const char *spec, const char *const *only, int n) {
    for (int i = 0; i < n; i++)
        if (!strcmp(spec, only[i])) return true;
    return !only;
}

static void name_player(struct player *p, const char *spec) {
    *p = (struct player){.kind = !strcmp(spec, "clairvoyant") ? PLAYER_CLAIRVOYANT : !strcmp(spec, "best-fixed") ? PLAYER_BEST_FIXED : PLAYER_POLICY};
    snprintf(p->spec, sizeof p->spec, "%s", spec);
    snprintf(p->name, sizeof p->name, "%.*s", (int)strcspn(spec, ":"), spec);
}

/* Policies that are shown, and their numbers of seeds. */
static int load_players(struct board *b, struct runs *r, const char *const *only, int n, struct err *err) {
    sqlite3_stmt *s = NULL;
    size_t capacity = 0;
    int rc = bind_prepare(r, "SELECT spec, count(*) FROM run WHERE experiment = ? GROUP BY spec ORDER BY spec", b->experiment, &s, err) ? ERR_FAILED : 0;
    while (!rc && (rc = db_step(r->db, r->path, s, err)) == 1) {
        const char *spec = (const char *)sqlite3_column_text(s, 0);
        rc = 0;
        if (!listed(spec, only, n)) continue;
        if ((rc = mem_grow(&b->players, &capacity, (size_t)b->P + 1, sizeof *b->players, "policies", err))) break;
        name_player(&b->players[b->P], spec);
        b->players[b->P++].seeds = sqlite3_column_int(s, 1);
    }
    sqlite3_finalize(s);
    return rc;
}

/* Adds one run to its policy's means and pulls. */
static int take_run(struct board *b, int p, sqlite3_stmt *s, const bool *in, int all, struct err *err) {
    const char *outcomes = sqlite3_column_blob(s, 1), *pulls = sqlite3_column_blob(s, 2);
    int bytes = sqlite3_column_bytes(s, 1), cells = sqlite3_column_bytes(s, 2) / (int)sizeof(int32_t);
    double share = 1.0 / b->players[p].seeds;
    if (bytes != all * (int)sizeof(struct sweep_outcome) || cells != b->B * b->K)
        return err_set(err, "a run of policy '%s' has outcomes of %d bytes and %d pulls, expected %d and %d", b->players[p].spec, bytes, cells,
                       all * (int)sizeof(struct sweep_outcome), b->B * b->K);
    for (int i = 0, q = 0; i < all; i++) {
        struct sweep_outcome o;
        memcpy(&o, outcomes + (size_t)i * sizeof o, sizeof o);
        if (!in[i]) continue;
        b->rounds[(size_t)p * (size_t)b->Q + (size_t)q] += o.rounds * share;
        b->seconds[(size_t)p * (size_t)b->Q + (size_t)q++] += o.seconds * share;
    }
    for (int i = 0; i < cells; i++) {
        int32_t count;
        memcpy(&count, pulls + (size_t)i * sizeof count, sizeof count);
        b->pulls[(size_t)p * (size_t)cells + (size_t)i] += count;
    }
    b->own_ns[p] = sqlite3_column_double(s, 3);
    b->draft_s[p] += sqlite3_column_type(s, 4) == SQLITE_NULL ? NAN : sqlite3_column_double(s, 4);
    b->spent[p] += sqlite3_column_double(s, 5), b->played[p] += (double)sqlite3_column_int64(s, 6);
    b->runs++;
    return 0;
}

static int load_runs(struct board *b, struct runs *r, const bool *in, int all, struct err *err) {
    sqlite3_stmt *s = NULL;
    int64_t bytes = 0;
    char sql[160];
    snprintf(sql, sizeof sql, "SELECT coalesce(max(length(pulls)), 0) FROM run WHERE experiment = %lld", (long long)b->experiment);
    if (db_int64(r->db, r->path, sql, &bytes, err)) return ERR_FAILED;
    size_t P = (size_t)b->P, Q = (size_t)b->Q;
    b->B = b->K ? (int)(bytes / 4 / b->K) : 0;
    if (!(b->rounds = mem_alloc(P * Q, sizeof *b->rounds, "means", err)) || !(b->seconds = mem_alloc(P * Q, sizeof *b->seconds, "means", err))
        || !(b->draft_s = mem_alloc(P, sizeof *b->draft_s, "means", err)) || !(b->spent = mem_alloc(P, sizeof *b->spent, "means", err))
        || !(b->played = mem_alloc(P, sizeof *b->played, "means", err)) || !(b->own_ns = mem_alloc(P, sizeof *b->own_ns, "means", err)) || !(b->pulls = mem_alloc(P * (size_t)b->B * (size_t)b->K, sizeof *b->pulls, "pulls", err)))
        return ERR_FAILED;
    int rc = bind_prepare(r, "SELECT spec, outcomes, pulls, own_ns, draft_seconds, seconds, rounds FROM run WHERE experiment = ? ORDER BY spec, seed", b->experiment, &s, err) ? ERR_FAILED : 0, p = 0;
    while (!rc && (rc = db_step(r->db, r->path, s, err)) == 1) {
        const char *spec = (const char *)sqlite3_column_text(s, 0);
        while (p < b->P && strcmp(b->players[p].spec, spec) < 0) p++;
        rc = p < b->P && !strcmp(b->players[p].spec, spec) ? take_run(b, p, s, in, all, err) : 0;
    }
    sqlite3_finalize(s);
    return rc;
}

int board_open(struct board *b, struct runs *r, int64_t experiment, enum board_part part, double share, const char *const *only, int n, struct err *err) {
    *b = (struct board){.experiment = experiment};
    int rc = load_experiment(b, r, err);
    struct prompts_of x = {.n = b->Q};
    size_t Q = (size_t)x.n;
    if (!rc && (!(x.in = mem_alloc(Q, sizeof *x.in, "prompts", err)) || !(x.by = mem_alloc(Q, sizeof *x.by, "prompts", err))
                || !(x.best = mem_alloc(Q, sizeof *x.best, "prompts", err)) || !(x.category = mem_alloc(Q, sizeof *x.category, "prompts", err))
                || !(b->category = mem_alloc(Q, sizeof *b->category, "prompts", err))
                || !(b->tokens = mem_alloc(Q, sizeof *b->tokens, "prompts", err)) || !(b->best_rounds = mem_alloc(Q, sizeof *b->best_rounds, "prompts", err))
                || !(b->reference = mem_alloc(Q * REFERENCES, sizeof *b->reference, "comparators", err)))) rc = ERR_FAILED;
    if (!rc) rc = load_sequences(b, r, part, share, &x, err);
    if (!rc) rc = load_walks(b, r, &x, err);
    if (!rc) rc = load_players(b, r, only, n, err);
    if (!rc) rc = load_runs(b, r, x.in, x.n, err);
    prompts_close(&x);
    if (rc) board_close(b);
    return rc;
}

void board_close(struct board *b) {
    for (int q = 0; b->category && q < b->Q; q++) mem_free(b->category[q]);
    void *blocks[] = {b->trace, b->arms, b->scope, b->timing, b->target, b->device, b->players, b->rounds, b->seconds, b->own_ns, b->draft_s, b->spent, b->played, b->category, b->tokens, b->best_rounds, b->reference, b->pulls};
    for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++) mem_free(blocks[i]);
    *b = (struct board){0};
}

struct standing board_standing(const struct board *b) {
    struct standing x = {.P = b->P, .Q = b->Q, .players = b->players, .rounds = b->rounds, .seconds = b->seconds, .tokens = b->tokens,
                       .best_rounds = b->best_rounds, .best_arm = b->best_arm};
    for (int i = 0; i < REFERENCES; i++) x.reference[i] = b->reference + (size_t)i * (size_t)b->Q;
    return x;
}

int board_choose(const struct board *b, int *chosen) {
    int n = 0;
    double least = 0;
    for (int p = 0; p < b->P; p++) {
        double sum = 0;
        for (int q = 0; q < b->Q; q++) sum += b->seconds[(size_t)p * (size_t)b->Q + (size_t)q];
        bool next = !n || strcmp(b->players[chosen[n - 1]].name, b->players[p].name) != 0; // specs are sorted, so a policy's stand together
        if (next) chosen[n++] = p, least = sum;
        else if (sum < least) chosen[n - 1] = p, least = sum;
    }
    return n;
}

static int store_pulls(const struct board *b, struct writer *w, int p, int64_t policy) {
    struct series buckets = series_rounds(INT_MAX / 2);
    int rc = begin_rows(w, "INSERT INTO pull (policy, round, arm, count) VALUES (?, ?, ?, ?)");
    for (int i = 0; !rc && i < b->B && i < buckets.n; i++)
        for (int k = 0; !rc && k < b->K; k++) {
            int64_t count = b->pulls[((size_t)p * (size_t)b->B + (size_t)i) * (size_t)b->K + (size_t)k];
            if (!count) continue;
            put_int(w, policy);
            put_int(w, buckets.at[i]);
            put_int(w, k);
            put_int(w, count);
            rc = put_row(w);
        }
    return end_rows(w, rc);
}

static int store_all(const struct board *b, struct runs *r, const struct rows *rows, struct err *err) {
    struct writer w = {.path = r->path, .db = r->db, .err = err};
    char sql[100];
    snprintf(sql, sizeof sql, "DELETE FROM policy WHERE experiment = %lld", (long long)b->experiment);
    int64_t *policies = mem_alloc((size_t)(b->P ? b->P : 1), sizeof *policies, "policies", err);
    int rc = policies ? db_exec(r->db, r->path, sql, err) : ERR_FAILED, seeds = 1;
    for (int p = 0; !rc && p < b->P; p++) {
        rc = results_add_policy(&w, rows, p, b->experiment, &policies[p]);
        if (!rc) rc = store_pulls(b, &w, p, policies[p]);
        if (!rc && !isnan(b->draft_s[p])) rc = results_add_part(&w, policies[p], b->played[p], b->draft_s[p], b->spent[p], b->own_ns[p]);
        if (b->players[p].seeds > seeds) seeds = b->players[p].seeds;
    }
    struct standing x = board_standing(b);
    if (!rc) rc = results_add_categories(&w, &x, (const char *const *)b->category, policies);
    mem_free(policies);
    snprintf(sql, sizeof sql, "UPDATE experiment SET seeds = %d WHERE id = %lld", seeds, (long long)b->experiment);
    return rc ? rc : db_exec(r->db, r->path, sql, err);
}

int board_store(const struct board *b, struct runs *r, const char *against, struct err *err) {
    struct summary references[REFERENCES], *players = mem_alloc((size_t)b->P, sizeof *players, "a summary", err);
    struct rows rows = {players, references, b->P, 0, against != NULL, false};
    struct standing x = board_standing(b);
    int rc = players ? summary_of(&x, against, players, references, &rows.which, err) : ERR_FAILED;
    if (!rc) rc = runs_begin(r, err);
    if (!rc) rc = store_all(b, r, &rows, err);
    if (!rc) rc = runs_commit(r, err);
    if (rc) runs_rollback(r);
    mem_free(players);
    return rc;
}
