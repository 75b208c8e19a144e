/* scores.c - see scores.h. */
#include "analysis/scores.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/mem.h"
#include "sim/board.h"
#include "traces/db.h"

/* -- reading -- */

struct reader {
    sqlite3 *db;
    const char *path;
    int64_t experiment;
    struct err *err;
};

static int query(const struct reader *r, const char *sql, sqlite3_stmt **s) {
    *s = NULL;
    int rc = db_prepare(r->db, r->path, sql, s, r->err);
    if (!rc) sqlite3_bind_int64(*s, 1, r->experiment);
    return rc;
}

static int number(const struct reader *r, const char *sql, int64_t *value) {
    sqlite3_stmt *s;
    int rc = query(r, sql, &s);
    if (!rc && (rc = db_step(r->db, r->path, s, r->err)) == 1) *value = sqlite3_column_int64(s, 0), rc = 0;
    sqlite3_finalize(s);
    return rc;
}

static char *text_at(const struct reader *r, sqlite3_stmt *s, int i) {
    const char *text = (const char *)sqlite3_column_text(s, i);
    return mem_text(text ? text : "", text ? strlen(text) : 0, r->err);
}

static bool has_table(const struct reader *r, const char *name) {
    char sql[120];
    int64_t n = 0;
    snprintf(sql, sizeof sql, "SELECT count(*) FROM sqlite_schema WHERE name = '%s' AND ?1 IS NOT NULL", name);
    return !number(r, sql, &n) && n > 0;
}

static int load_arms(const struct reader *r, struct scores *s) {
    int64_t n = 0;
    sqlite3_stmt *q;
    if (number(r, "SELECT count(*) FROM arm WHERE experiment = ?", &n)) return ERR_FAILED;
    if (!(s->arms = mem_alloc((size_t)n, sizeof *s->arms, "arms", r->err))) return ERR_FAILED;
    int rc = query(r, "SELECT name, drafter, gamma FROM arm WHERE experiment = ? ORDER BY arm", &q);
    while (!rc && s->K < n && (rc = db_step(r->db, r->path, q, r->err)) == 1) {
        struct score_arm *a = &s->arms[s->K++];
        a->gamma = sqlite3_column_int(q, 2);
        rc = (a->name = text_at(r, q, 0)) && (a->drafter = text_at(r, q, 1)) ? 0 : ERR_FAILED;
    }
    sqlite3_finalize(q);
    return rc;
}

/* Prompts, with the comparators that every version has. */
static int load_prompts(const struct reader *r, struct scores *s) {
    int64_t n = 0;
    sqlite3_stmt *q;
    if (number(r, "SELECT count(*) FROM sequence WHERE experiment = ?", &n)) return ERR_FAILED;
    if (n < 1) return err_set(r->err, "experiment %lld of '%s' has no prompts", (long long)r->experiment, r->path);
    size_t Q = (size_t)n;
    bool good = (s->category = mem_alloc(Q, sizeof *s->category, "prompts", r->err))
        && (s->prompt_key = mem_alloc(Q, sizeof *s->prompt_key, "prompts", r->err))
        && (s->tokens = mem_alloc(Q, sizeof *s->tokens, "prompts", r->err))
            && (s->best_rounds = mem_alloc(Q, sizeof *s->best_rounds, "prompts", r->err));
    for (int i = 0; good && i < REFERENCES; i++) good = (s->reference[i] = mem_alloc(Q, sizeof *s->reference[i], "comparators", r->err));
    int rc = good ? query(r, "SELECT prompt_key, category, tokens, best_rounds, best_seconds, oracle_rounds, oracle_seconds, plain_seconds"
                             " FROM sequence WHERE experiment = ? ORDER BY sequence", &q) : ERR_FAILED;
    if (rc) return rc;
    while (!rc && s->Q < n && (rc = db_step(r->db, r->path, q, r->err)) == 1) {
        int i = s->Q++;
        rc = (s->prompt_key[i] = text_at(r, q, 0)) && (s->category[i] = text_at(r, q, 1)) ? 0 : ERR_FAILED;
        s->tokens[i] = sqlite3_column_int(q, 2) - 1; // the first comes with prefill
        s->best_rounds[i] = sqlite3_column_int(q, 3);
        s->reference[REFERENCE_BEST_PER_PROMPT][i] = (struct walk){sqlite3_column_int(q, 3), sqlite3_column_double(q, 4)};
        s->reference[REFERENCE_CLAIRVOYANT][i] = (struct walk){sqlite3_column_int(q, 5), sqlite3_column_double(q, 6)};
        s->reference[REFERENCE_PLAIN][i] = (struct walk){sqlite3_column_int(q, 2) - 1, sqlite3_column_double(q, 7)};
    }
    sqlite3_finalize(q);
    s->has[REFERENCE_PLAIN] = s->has[REFERENCE_BEST_PER_PROMPT] = s->has[REFERENCE_CLAIRVOYANT] = true;
    return rc;
}

static int load_walks(const struct reader *r, struct scores *s) {
    int64_t n = 0;
    sqlite3_stmt *q;
    if (!has_table(r, "walk")) return 0;
    if (number(r, "SELECT count(*) FROM walk WHERE experiment = ? AND arm >= 0", &n) || n != (int64_t)s->Q * s->K) return *r->err->text
        ? ERR_FAILED : 0;
    if (!(s->fixed = mem_alloc((size_t)s->Q * (size_t)s->K, sizeof *s->fixed, "fixed arms", r->err))) return ERR_FAILED;
    int rc = query(r, "SELECT dense_rank() OVER (ORDER BY sequence) - 1, arm, rounds, seconds FROM walk WHERE experiment = ?", &q);
    while (!rc && (rc = db_step(r->db, r->path, q, r->err)) == 1) {
        int i = sqlite3_column_int(q, 0), arm = sqlite3_column_int(q, 1);
        struct walk x = {sqlite3_column_int(q, 2), sqlite3_column_double(q, 3)};
        rc = 0;
        if (i >= s->Q || arm >= s->K) rc = err_set(r->err, "experiment %lld of '%s' has a walk of sequence %d and arm %d, expected less "
            "than %d and %d", (long long)r->experiment, r->path, i, arm, s->Q, s->K);
        else if (arm >= 0) s->fixed[(size_t)i * (size_t)s->K + (size_t)arm] = x;
        else if (arm == -1) s->reference[REFERENCE_CLAIRVOYANT][i] = x;
        else if (arm == -2) s->reference[REFERENCE_PLAIN][i] = x;
        else if (arm == -3) s->reference[REFERENCE_CLAIRVOYANT_ROUNDS][i] = x, s->has[REFERENCE_CLAIRVOYANT_ROUNDS] = true;
    }
    sqlite3_finalize(q);
    return rc;
}

/* Best is what has the fewest seconds; the prompts' rows keep the rounds of the arm with the fewest rounds. */
static int walk_best_arms(const struct reader *r, struct scores *s) {
    sqlite3_stmt *q;
    if (!s->fixed) return 0;
    int i = 0, rc = query(r, "SELECT best_arm_seconds FROM sequence WHERE experiment = ? ORDER BY sequence", &q);
    while (!rc && i < s->Q && (rc = db_step(r->db, r->path, q, r->err)) == 1) {
        int arm = sqlite3_column_int(q, 0);
        rc = 0;
        if (arm < 0 || arm >= s->K) rc = err_set(r->err, "experiment %lld of '%s' has best arm %d of a prompt, expected less than %d",
            (long long)r->experiment, r->path, arm, s->K);
        else s->reference[REFERENCE_BEST_PER_PROMPT][i] = s->fixed[(size_t)i * (size_t)s->K + (size_t)arm];
        i++;
    }
    sqlite3_finalize(q);
    return rc;
}

/* A sweep's oracles (sim/lineup.h), which its rows of runs do not tell from policies. */
#define WITHOUT_HINDSIGHT "AND spec NOT IN ('best-fixed', 'clairvoyant')"

/* Every spec without hindsight, in the order of the command line (policies of runs that no board has stored yet, last). */
static int load_policies(const struct reader *r, struct scores *s, bool runs) {
    sqlite3_stmt *q;
    size_t room = 0, players = 0;
    int rc = query(r, runs ? "SELECT spec, substr(spec, 1, instr(spec || ':', ':') - 1), count(*), 0 FROM run WHERE experiment = ? "
        WITHOUT_HINDSIGHT " GROUP BY spec ORDER BY spec"
                           : "SELECT spec, name, seeds, ordinal FROM policy WHERE experiment = ? AND oracle = 0 ORDER BY ordinal", &q);
    while (!rc && (rc = db_step(r->db, r->path, q, r->err)) == 1) {
        if ((rc = mem_grow(&s->policies, &room, (size_t)s->P + 1, sizeof *s->policies, "policies", r->err))
            || (rc = mem_grow(&s->players, &players, (size_t)s->P + 1, sizeof *s->players, "policies", r->err))) break;
        struct score *p = &s->policies[s->P++];
        *p = (struct score){.spec = text_at(r, q, 0), .name = text_at(r, q, 1), .seeds = sqlite3_column_int(q, 2),
                            .ordinal = runs ? s->P - 1 : sqlite3_column_int(q, 3)};
        if (!p->spec || !p->name) rc = ERR_FAILED;
        else p->fixed = !strcmp(p->name, "none") || !strcmp(p->name, "fixed");
        s->players[s->P - 1] = (struct player){.kind = PLAYER_POLICY, .seeds = p->seeds};
        snprintf(s->players[s->P - 1].spec, sizeof s->players->spec, "#%d", s->P - 1);
    }
    sqlite3_finalize(q);
    if (rc) return rc;
    size_t cells = (size_t)s->P * (size_t)s->Q;
    return (s->rounds = mem_alloc(cells, sizeof *s->rounds, "outcomes", r->err))
        && (s->seconds = mem_alloc(cells, sizeof *s->seconds, "outcomes", r->err)) ? 0 : ERR_FAILED;
}

/* The place of a sequence's number among the ascending `numbers`, from `at` on or from the start; -1: there is none. */
static int place_of(const int *numbers, int n, int number, int at) {
    if (at >= n || numbers[at] > number) at = 0;
    while (at < n && numbers[at] < number) at++;
    return at < n && numbers[at] == number ? at : -1;
}

static int load_numbers(const struct reader *r, int *numbers, int n) {
    sqlite3_stmt *q;
    int at = 0, rc = query(r, "SELECT sequence FROM sequence WHERE experiment = ? ORDER BY sequence", &q);
    while (!rc && at < n && (rc = db_step(r->db, r->path, q, r->err)) == 1) numbers[at++] = sqlite3_column_int(q, 0), rc = 0;
    sqlite3_finalize(q);
    return rc;
}

/* Rows come by policy, seed, sequence: as they lie in the file. */
static int load_outcomes(const struct reader *r, struct scores *s) {
    sqlite3_stmt *q = NULL;
    size_t cells = (size_t)s->P * (size_t)s->Q;
    int *numbers = mem_alloc((size_t)s->Q, sizeof *numbers, "prompts", r->err), *n = mem_alloc(cells, sizeof *n, "outcomes", r->err),
        p = 0, at = 0;
    int64_t first = INT64_MAX;
    int rc = numbers && n ? load_numbers(r, numbers, s->Q) : ERR_FAILED;
    if (!rc) rc = query(r, "SELECT p.ordinal, o.sequence, o.rounds, o.seconds, o.seed FROM (SELECT id, ordinal FROM policy WHERE "
        "experiment = ? AND oracle = 0 ORDER BY ordinal) p"
                           " CROSS JOIN outcome o ON o.policy = p.id", &q);
    while (!rc && (rc = db_step(r->db, r->path, q, r->err)) == 1) {
        int ordinal = sqlite3_column_int(q, 0);
        rc = 0;
        if (p >= s->P || s->policies[p].ordinal != ordinal)
            for (p = 0; p < s->P && s->policies[p].ordinal != ordinal;) p++;
        if (p == s->P || (at = place_of(numbers, s->Q, sqlite3_column_int(q, 1), at)) < 0) {
            at = 0;
            continue;
        }
        size_t cell = (size_t)p * (size_t)s->Q + (size_t)at;
        s->rounds[cell] += sqlite3_column_double(q, 2), s->seconds[cell] += sqlite3_column_double(q, 3), n[cell]++;
        if (sqlite3_column_int64(q, 4) < first) first = sqlite3_column_int64(q, 4);
    }
    sqlite3_finalize(q);
    for (size_t i = 0; !rc && i < cells; i++) s->rounds[i] /= n[i], s->seconds[i] /= n[i]; // without any: not a number
    s->first_seed = first == INT64_MAX ? 0 : (uint64_t)first;
    mem_free(numbers), mem_free(n);
    return rc;
}

static int load_runs(const struct reader *r, struct scores *s) {
    sqlite3_stmt *q;
    int p = 0;
    int64_t seed = 0;
    int rc = query(r, "SELECT spec, outcomes FROM run WHERE experiment = ? " WITHOUT_HINDSIGHT " ORDER BY spec, seed", &q);
    while (!rc && (rc = db_step(r->db, r->path, q, r->err)) == 1) {
        const char *spec = (const char *)sqlite3_column_text(q, 0), *bytes = sqlite3_column_blob(q, 1);
        rc = 0;
        while (p + 1 < s->P && strcmp(s->policies[p].spec, spec)) p++;
        if (sqlite3_column_bytes(q, 1) != s->Q * (int)sizeof(struct sweep_outcome))
            rc = err_set(r->err, "a run of policy '%s' in '%s' has outcomes of %d bytes, expected %d", spec, r->path,
                sqlite3_column_bytes(q, 1), s->Q * (int)sizeof(struct sweep_outcome));
        for (int i = 0; !rc && i < s->Q; i++) {
            struct sweep_outcome o;
            memcpy(&o, bytes + (size_t)i * sizeof o, sizeof o);
            s->rounds[(size_t)p * (size_t)s->Q + (size_t)i] += (double)o.rounds / s->policies[p].seeds;
            s->seconds[(size_t)p * (size_t)s->Q + (size_t)i] += o.seconds / s->policies[p].seeds;
        }
    }
    sqlite3_finalize(q);
    if (!rc) rc = number(r, "SELECT coalesce(min(seed), 0) FROM run WHERE experiment = ?", &seed);
    s->first_seed = (uint64_t)seed;
    return rc;
}

/* -- choosing -- */

static void drop_policy(struct scores *s, int p) {
    mem_free(s->policies[p].spec), mem_free(s->policies[p].name);
    for (int i = p + 1; i < s->P; i++) {
        s->policies[i - 1] = s->policies[i], s->players[i - 1] = s->players[i];
        memcpy(s->rounds + (size_t)(i - 1) * (size_t)s->Q, s->rounds + (size_t)i * (size_t)s->Q, (size_t)s->Q * sizeof *s->rounds);
        memcpy(s->seconds + (size_t)(i - 1) * (size_t)s->Q, s->seconds + (size_t)i * (size_t)s->Q, (size_t)s->Q * sizeof *s->seconds);
    }
    s->P--;
}

/* A policy that has not played every prompt cannot be held against others. */
static int drop_unplayed(const struct reader *r, struct scores *s) {
    int before = s->P;
    for (int p = s->P - 1; p >= 0; p--)
        for (int q = 0; q < s->Q; q++)
            if (isnan(s->seconds[(size_t)p * (size_t)s->Q + (size_t)q])) {
                drop_policy(s, p);
                break;
            }
    if (s->P) return 0;
    return before ? err_set(r->err, "experiment %lld of '%s' has no outcomes of its %d policies", (long long)r->experiment, r->path, before)
                  : err_set(r->err, "experiment %lld of '%s' has no policies without hindsight", (long long)r->experiment, r->path);
}

static const double ROUNDING = 1e-10; // less is no difference: the first one stays (as in summary_fixed_arm)

static double seconds_of(const struct scores *s, int p, const bool *in) {
    double sum = 0;
    for (int q = 0; q < s->Q; q++) sum += in[q] ? s->seconds[(size_t)p * (size_t)s->Q + (size_t)q] : 0;
    return sum;
}

/* The fastest policy and the best fixed arm on the prompts `in`. */
static void choose(struct scores *s, const bool *in) {
    double least = INFINITY;
    s->fastest = s->best = -1;
    for (int p = 0; p < s->P; p++) {
        double x = seconds_of(s, p, in);
        if (s->fastest < 0 || x < (1 - ROUNDING) * least) least = x, s->fastest = p;
    }
    if (s->fixed && s->K) s->best = summary_fixed_arm(s->fixed, in, s->Q, s->K);
}

static void references_of_walks(struct scores *s, const int *of_category) {
    for (int q = 0; q < s->Q; q++) {
        s->reference[REFERENCE_BEST_FIXED][q] = s->fixed[(size_t)q * (size_t)s->K + (size_t)s->best];
        s->reference[REFERENCE_BEST_PER_CATEGORY][q] = s->fixed[(size_t)q * (size_t)s->K + (size_t)of_category[q]];
    }
    s->has[REFERENCE_BEST_FIXED] = s->has[REFERENCE_BEST_PER_CATEGORY] = true;
}

/* What the arms chosen on the prompts `in` took on each prompt. */
static int fill_references(const struct reader *r, struct scores *s, const bool *in) {
    if (!s->fixed || s->best < 0) return 0;
    int *arms = mem_alloc((size_t)s->Q, sizeof *arms, "categories", r->err);
    if (!arms) return ERR_FAILED;
    summary_category_arms(s->fixed, (const char *const *)s->category, in, s->Q, s->K, arms);
    references_of_walks(s, arms);
    mem_free(arms);
    return 0;
}

/* Without walks: what 'best-fixed' took where it was among the players. */
static int best_fixed_that_played(const struct reader *r, struct scores *s) {
    sqlite3_stmt *q;
    int n = 0, rc;
    if (s->fixed) return 0;
    rc = query(r, "SELECT row_number() OVER (ORDER BY o.sequence) - 1, o.rounds, o.seconds FROM policy p JOIN outcome o ON o.policy = p.id"
                  " WHERE p.experiment = ? AND p.oracle = 1 AND p.spec = 'best-fixed' ORDER BY o.sequence", &q);
    while (!rc && (rc = db_step(r->db, r->path, q, r->err)) == 1) {
        if (sqlite3_column_int(q, 0) < s->Q) s->reference[REFERENCE_BEST_FIXED][sqlite3_column_int(q,
            0)] = (struct walk){sqlite3_column_int(q, 1), sqlite3_column_double(q, 2)};
        n++, rc = 0;
    }
    sqlite3_finalize(q);
    s->has[REFERENCE_BEST_FIXED] = n == s->Q;
    return rc;
}

/* Keeps of each policy the parameters that did best on the prompts `in`. */
static void keep_best_parameters(struct scores *s, const bool *in) {
    for (int p = s->P - 1; p >= 0; p--)
        for (int o = 0; o < s->P; o++) {
            if (o == p || strcmp(s->policies[o].name, s->policies[p].name)) continue;
            double mine = seconds_of(s, p, in), other = seconds_of(s, o, in);
            if (mine < other || (mine == other && p < o)) continue;
            drop_policy(s, p);
            break;
        }
}

/* Keeps the prompts that are out of `in`. */
static void keep_prompts(struct scores *s, const bool *in) {
    int Q = s->Q, n = 0;
    for (int q = 0; q < Q; q++) {
        if (in[q]) {
            mem_free(s->category[q]), mem_free(s->prompt_key[q]);
            continue;
        }
        s->category[n] = s->category[q], s->prompt_key[n] = s->prompt_key[q];
        s->tokens[n] = s->tokens[q], s->best_rounds[n] = s->best_rounds[q];
        for (int i = 0; i < REFERENCES; i++) s->reference[i][n] = s->reference[i][q];
        for (int k = 0; s->fixed && k < s->K; k++)
            s->fixed[(size_t)n * (size_t)s->K + (size_t)k] = s->fixed[(size_t)q * (size_t)s->K + (size_t)k];
        n++;
    }
    for (int p = 0; p < s->P; p++)
        for (int q = 0, to = 0; q < Q; q++) {
            if (in[q]) continue;
            s->rounds[(size_t)p * (size_t)n + (size_t)to] = s->rounds[(size_t)p * (size_t)Q + (size_t)q];
            s->seconds[(size_t)p * (size_t)n + (size_t)to++] = s->seconds[(size_t)p * (size_t)Q + (size_t)q];
        }
    s->Q = n;
}

static int hold_out(const struct reader *r, struct scores *s, double share, bool *in) {
    int n = 0;
    for (int q = 0; q < s->Q; q++) n += in[q] = !(share > 0 && board_holds_out(s->prompt_key[q], share));
    s->held = share > 0, s->chosen_on = n;
    if (s->held && (n < 2 || s->Q - n < 2))
        return err_set(r->err, "--holdout %g leaves %d prompts to choose by and %d to report, expected at least 2 of each", share, n,
            s->Q - n);
    if (s->held) keep_best_parameters(s, in);
    choose(s, in);
    if (fill_references(r, s, in)) return ERR_FAILED;
    if (s->held) keep_prompts(s, in);
    return 0;
}

int scores_open(struct scores *s, sqlite3 *db, const char *path, int64_t experiment, double holdout, struct err *err) {
    const struct reader r = {db, path, experiment, err};
    int64_t n = 0;
    *s = (struct scores){.best = -1, .fastest = -1};
    bool *in = NULL, runs = false;
    int rc = load_arms(&r, s);
    if (!rc) rc = load_prompts(&r, s);
    if (!rc) rc = load_walks(&r, s);
    if (!rc) rc = walk_best_arms(&r, s);
    if (!rc && has_table(&r, "run")) rc = number(&r, "SELECT count(*) FROM run WHERE experiment = ?", &n), runs = n > 0;
    if (!rc) rc = load_policies(&r, s, runs);
    if (!rc) rc = runs ? load_runs(&r, s) : load_outcomes(&r, s);
    if (!rc) rc = drop_unplayed(&r, s);
    if (!rc) rc = best_fixed_that_played(&r, s);
    if (!rc) rc = (in = mem_alloc((size_t)s->Q, sizeof *in, "prompts", err)) ? 0 : ERR_FAILED;
    if (!rc) rc = hold_out(&r, s, holdout, in);
    mem_free(in);
    if (rc) scores_close(s);
    return rc ? ERR_FAILED : 0;
}

void scores_close(struct scores *s) {
    for (int p = 0; p < s->P; p++) mem_free(s->policies[p].spec), mem_free(s->policies[p].name);
    for (int k = 0; k < s->K; k++) mem_free(s->arms[k].name), mem_free(s->arms[k].drafter);
    for (int q = 0; q < s->Q; q++) {
        if (s->category) mem_free(s->category[q]);
        if (s->prompt_key) mem_free(s->prompt_key[q]);
    }
    for (int i = 0; i < REFERENCES; i++) mem_free(s->reference[i]);
    void *blocks[] = {s->policies, s->players, s->arms, s->category, s->prompt_key, s->tokens, s->best_rounds, s->rounds, s->seconds,
        s->fixed};
    for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++) mem_free(blocks[i]);
    *s = (struct scores){0};
}

struct standing scores_standing(const struct scores *s) {
    struct standing x = {.P = s->P, .Q = s->Q, .players = s->players, .rounds = s->rounds, .seconds = s->seconds, .tokens = s->tokens,
                         .best_rounds = s->best_rounds, .best_arm = s->best < 0 ? "" : s->arms[s->best].name};
    for (int i = 0; i < REFERENCES; i++) x.reference[i] = s->reference[s->has[i] ? i : REFERENCE_PLAIN];
    return x;
}
