/* results.c - see results.h. */
#include "sim/results.h"

#include <math.h>
#include <string.h>
#include <time.h>

#include "core/mem.h"
#include "sim/bounds.h"
#include "sim/results_rows.h"
#include "sim/timing.h"

extern const char sql_sim_results[], sql_sim_results_2[], sql_sim_results_3[];

static const char *const upgrades[] = {sql_sim_results_2, sql_sim_results_3};
const struct db_kind results_kind = {.word = "results file", .schema = sql_sim_results, .application = 0x42535252, .version = 3, .upgrades = upgrades};

static int add_experiment(struct writer *w, const struct replay *r) {
    const struct trace *t = r->plan.trace;
    char created[32];
    time_t now = time(NULL);
    struct tm utc;
    strftime(created, sizeof created, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &utc));
    int seeds = 1;
    for (int p = 0; p < r->plan.lineup->n; p++)
        if (r->plan.lineup->at[p].seeds > seeds) seeds = r->plan.lineup->at[p].seeds;
    if (begin_rows(w, "INSERT INTO experiment (created, world, trace, trace_sha256, target, device, scope, seeds, max_draft, timing, version)"
                      " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")) return ERR_FAILED;
    put_text(w, created);
    put_text(w, "trace");
    put_text(w, t->path);
    put_text(w, t->sha256);
    put_text(w, t->target);
    put_text(w, r->plan.cost->kind == COST_HARDWARE ? r->plan.cost->name : t->device); // whose seconds they are
    put_text(w, r->plan.stream ? "stream" : "prompt");
    put_int(w, seeds);
    put_int(w, r->problem.L);
    put_text(w, timing_word(r->plan.cost));
    put_text(w, VERSION);
    return end_rows(w, put_row(w));
}

static int add_arms(struct writer *w, const struct replay *r, int64_t experiment) {
    int rc = begin_rows(w, "INSERT INTO arm (experiment, arm, name, drafter, gamma) VALUES (?, ?, ?, ?, ?)");
    for (int k = 0; !rc && k < r->K; k++) {
        const struct arm *a = &r->problem.arms[k];
        put_int(w, experiment);
        put_int(w, k);
        put_text(w, a->name);
        put_text(w, a->drafter < 0 ? "" : r->plan.trace->drafters[a->drafter].name);
        put_int(w, a->gamma);
        rc = put_row(w);
    }
    return end_rows(w, rc);
}

static int add_sequences(struct writer *w, const struct replay *r, int64_t experiment) {
    const struct oracle *o = &r->oracle;
    int rc = begin_rows(w, "INSERT INTO sequence (experiment, sequence, prompt_key, category, tokens, best_arm_rounds, best_rounds,"
                           " best_arm_seconds, best_seconds, oracle_rounds, oracle_seconds, plain_seconds)"
                           " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
    for (int q = 0; !rc && q < r->Q; q++) {
        const struct trace_sequence *x = &r->plan.trace->sequences[q];
        const struct walk *fixed = o->fixed + (size_t)q * (size_t)o->K;
        put_int(w, experiment);
        put_int(w, x->ordinal);
        put_text(w, x->prompt_key);
        put_text(w, x->category);
        put_int(w, x->tokens);
        put_int(w, o->best_rounds[q]);
        put_int(w, fixed[o->best_rounds[q]].rounds);
        put_int(w, o->best_seconds[q]);
        put_real(w, fixed[o->best_seconds[q]].seconds);
        put_int(w, o->fewest_rounds[q]);
        put_real(w, o->clairvoyant[q].seconds);
        put_real(w, o->plain[q].seconds);
        rc = put_row(w);
    }
    return end_rows(w, rc);
}

static int add_policy(struct writer *w, const struct summary *s, int ordinal, int64_t experiment) {
    if (begin_rows(w, "INSERT INTO policy (experiment, ordinal, spec, name, oracle, seeds, rounds, mat, mat_lo, mat_hi,"
                      " tokens_per_s, tokens_per_s_lo, tokens_per_s_hi, speedup, speedup_lo, speedup_hi,"
                      " regret_rounds, regret_rounds_lo, regret_rounds_hi, regret_seconds, regret_seconds_lo, regret_seconds_hi, gap_closed)"
                      " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")) return ERR_FAILED;
    put_int(w, experiment);
    put_int(w, ordinal);
    put_text(w, s->spec);
    put_text(w, s->name);
    put_int(w, s->oracle);
    put_int(w, s->seeds);
    put_real(w, s->rounds);
    put_measure(w, &s->mat);
    put_measure(w, &s->tokens_per_s);
    put_measure(w, &s->speedup);
    put_measure(w, &s->regret_rounds);
    put_measure(w, &s->regret_seconds);
    if (s->has_gap) put_real(w, s->gap_closed); // unbound is NULL
    return end_rows(w, put_row(w));
}

static int add_comparison(struct writer *w, const struct rows *rows, int p, int64_t policy) {
    static const char *const verdicts[] = {[VERDICT_REFERENCE] = "reference", [VERDICT_NONE] = "no difference found", [VERDICT_FASTER] = "faster",
                                           [VERDICT_SLOWER] = "slower"};
    const struct summary *s = &rows->players[p];
    if (begin_rows(w, "INSERT INTO comparison VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")) return ERR_FAILED;
    put_int(w, policy);
    put_text(w, rows->which < rows->P ? rows->players[rows->which].spec : rows->references[rows->which - rows->P].spec);
    if (s->rank) put_int(w, s->rank), put_int(w, s->rank_lo), put_int(w, s->rank_hi);
    else w->at += 3; // unbound is NULL
    put_measure(w, &s->against.tokens_per_s);
    put_measure(w, &s->against.percent);
    put_real(w, s->against.p);
    put_real(w, s->against.p_holm);
    put_text(w, verdicts[s->against.verdict]);
    return end_rows(w, put_row(w));
}

static int add_walk(struct writer *w, int64_t experiment, int sequence, int arm, const struct walk *x) {
    put_int(w, experiment);
    put_int(w, sequence);
    put_int(w, arm);
    put_int(w, x->rounds);
    put_real(w, x->seconds);
    return put_row(w);
}

static int add_walks(struct writer *w, const struct oracle *o, const struct trace *t, int64_t experiment) {
    int rc = begin_rows(w, "INSERT INTO walk VALUES (?, ?, ?, ?, ?)");
    for (int q = 0; !rc && q < o->Q; q++) {
        int ordinal = t->sequences[q].ordinal;
        rc = add_walk(w, experiment, ordinal, -2, &o->plain[q]);
        if (!rc) rc = add_walk(w, experiment, ordinal, -1, &o->clairvoyant[q]);
        if (!rc) rc = add_walk(w, experiment, ordinal, -3, &o->shortest[q]);
        for (int k = 0; !rc && k < o->K; k++) rc = add_walk(w, experiment, ordinal, k, &o->fixed[(size_t)q * (size_t)o->K + (size_t)k]);
    }
    return end_rows(w, rc);
}

static int add_bound(struct writer *w, int64_t experiment, const char *name, int tokens, double rounds) {
    if (!isfinite(rounds)) return 0;
    put_int(w, experiment);
    put_text(w, name);
    put_int(w, tokens);
    put_real(w, rounds);
    return put_row(w);
}

/* How often each arm would have accepted 0..L tokens, over all positions. */
static void count_lengths(const struct replay *r, double *counts) {
    const struct trace *t = r->plan.trace;
    const int L = r->problem.L;
    for (int k = 0; k < r->K; k++) {
        const struct arm *a = &r->problem.arms[k];
        for (size_t cell = 0; cell < t->cells; cell++) {
            int accepted = a->drafter < 0 ? 0 : t->accepted[(size_t)a->drafter * t->cells + cell];
            counts[(size_t)k * (size_t)(L + 1) + (size_t)(accepted < a->gamma ? accepted : a->gamma)]++;
        }
    }
}

static int add_bounds(struct writer *w, const struct replay *r, int64_t experiment) {
    const int K = r->K, L = r->problem.L;
    double *mu = mem_alloc((size_t)K, sizeof *mu, "bounds", w->err), *counts = mem_alloc((size_t)K * (size_t)(L + 1), sizeof *counts, "bounds", w->err), best = 0;
    int rc = mu && counts ? begin_rows(w, "INSERT INTO bound VALUES (?, ?, ?, ?)") : ERR_FAILED;
    for (int k = 0; !rc && k < K; k++) {
        double tokens = 0, rounds = 0;
        for (int q = 0; q < r->Q; q++) tokens += r->plan.trace->sequences[q].tokens - 1, rounds += r->oracle.fixed[(size_t)q * (size_t)K + (size_t)k].rounds;
        mu[k] = rounds > 0 ? tokens / rounds : 1;
        best = mu[k] > best ? mu[k] : best;
    }
    if (!rc) count_lengths(r, counts);
    double slope = rc || K < 2 ? 0 : slope_counts(counts, K, L);
    for (int c = 0; !rc && K > 1 && c < r->tokens.n; c++) {
        int s = r->tokens.at[c];
        rc = add_bound(w, experiment, "UCBSpec at most (Theorem 4.3)", s, bound_drawn(bound_ucbspec(mu, K, L, s, 0.5), s, best));
        if (!rc) rc = add_bound(w, experiment, "EXP3Spec at most (Theorem 5.3)", s, bound_drawn(bound_exp3spec(K, L, s, s / best, NULL, NULL), s, best));
        // An asymptote, drawn only where texts are long enough for it to be less than all there is to lose.
        if (!rc && slope * log(s) < bound_drawn(INFINITY, s, best)) rc = add_bound(w, experiment, "asymptote of any good policy (Theorem 4.4)", s, slope * log(s));
    }
    mem_free(mu), mem_free(counts);
    return w->s ? end_rows(w, rc) : rc;
}

static int add_outcomes(struct writer *w, const struct replay *r, int p, int64_t policy) {
    int rc = begin_rows(w, "INSERT INTO outcome (policy, seed, sequence, rounds, proposed, accepted, emitted, seconds)"
                           " VALUES (?, ?, ?, ?, ?, ?, ?, ?)");
    for (int run = r->first[p]; !rc && run < r->first[p + 1]; run++)
        for (int q = 0; !rc && q < r->Q; q++) {
            const struct run_outcome *x = &r->outcomes[(size_t)run * (size_t)r->Q + (size_t)q];
            put_int(w, policy);
            put_int(w, (int64_t)(r->plan.seed + (uint64_t)(run - r->first[p])));
            put_int(w, r->plan.trace->sequences[q].ordinal);
            put_int(w, x->rounds);
            put_int(w, x->proposed);
            put_int(w, x->accepted);
            put_int(w, x->emitted);
            put_real(w, x->seconds);
            rc = put_row(w);
        }
    return end_rows(w, rc);
}

static int add_curve(struct writer *w, const struct replay *r, int p, int64_t policy) {
    struct curve_point points[SERIES_MAX];
    int rc = summary_curve(r, p, points, w->err);
    if (!rc) rc = begin_rows(w, "INSERT INTO curve (policy, tokens, regret_rounds, regret_rounds_lo, regret_rounds_hi,"
                                " regret_seconds, regret_seconds_lo, regret_seconds_hi, prompts) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)");
    for (int c = 0; !rc && c < r->tokens.n; c++) {
        put_int(w, policy);
        put_int(w, points[c].tokens);
        put_measure(w, &points[c].rounds);
        put_measure(w, &points[c].seconds);
        put_int(w, points[c].prompts);
        rc = put_row(w);
    }
    return end_rows(w, rc);
}

static int add_stream(struct writer *w, const struct replay *r, int p, int64_t policy) {
    struct stream_point points[STREAM_POINTS];
    int n = summary_stream(r, p, points, w->err), rc = n < 0 ? n : 0;
    if (!rc) rc = begin_rows(w, "INSERT INTO stream VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)");
    for (int i = 0; !rc && i < n; i++) {
        put_int(w, policy);
        put_int(w, points[i].prompts);
        put_int(w, points[i].tokens);
        put_measure(w, &points[i].rounds);
        put_measure(w, &points[i].seconds);
        rc = put_row(w);
    }
    return end_rows(w, rc);
}

static int add_pulls(struct writer *w, const struct replay *r, int p, int64_t policy) {
    int rc = begin_rows(w, "INSERT INTO pull (policy, round, arm, count) VALUES (?, ?, ?, ?)");
    for (int b = 0; !rc && b < r->buckets.n; b++)
        for (int k = 0; !rc && k < r->K; k++) {
            int64_t count = r->pulls[((size_t)p * (size_t)r->buckets.n + (size_t)b) * (size_t)r->K + (size_t)k];
            if (!count) continue;
            put_int(w, policy);
            put_int(w, r->buckets.at[b]);
            put_int(w, k);
            put_int(w, count);
            rc = put_row(w);
        }
    return end_rows(w, rc);
}

/* What a round of player p takes: sums in run order. */
static int add_part(struct writer *w, const struct replay *r, const struct summary *s, int p, int64_t policy) {
    double draft = 0, seconds = 0, rounds = 0;
    for (int run = r->first[p]; run < r->first[p + 1]; run++)
        for (int q = 0; q < r->Q; q++) {
            const struct run_outcome *x = &r->outcomes[(size_t)run * (size_t)r->Q + (size_t)q];
            draft += x->draft_s, seconds += x->seconds, rounds += x->rounds;
        }
    return results_add_part(w, policy, rounds, draft, seconds, s->own_ns);
}

static int add_prompt_pulls(struct writer *w, const struct replay *r, int p, int64_t policy) {
    int rc = begin_rows(w, "INSERT INTO prompt_pull VALUES (?, ?, ?, ?)");
    for (int q = 0; !rc && q < r->Q; q++)
        for (int k = 0; !rc && k < r->K; k++) {
            int64_t count = r->prompt_pulls[((size_t)p * (size_t)r->Q + (size_t)q) * (size_t)r->K + (size_t)k];
            if (!count) continue;
            put_int(w, policy);
            put_int(w, r->plan.trace->sequences[q].ordinal);
            put_int(w, k);
            put_int(w, count);
            rc = put_row(w);
        }
    return end_rows(w, rc);
}

int results_add_part(struct writer *w, int64_t policy, double rounds, double draft, double seconds, double own_ns) {
    if (!(rounds > 0)) return 0; // no text was longer than its first token
    if (begin_rows(w, "INSERT INTO part VALUES (?, ?, ?, ?)")) return ERR_FAILED;
    put_int(w, policy);
    put_real(w, draft / rounds);
    put_real(w, (seconds - draft) / rounds);
    if (own_ns > 0) put_real(w, own_ns / 1e9); // unbound is NULL
    return end_rows(w, put_row(w));
}

static int add_category_row(struct writer *w, const struct category_row *x, const char *category, int64_t policy) {
    put_int(w, policy);
    put_text(w, category);
    put_int(w, x->prompts);
    put_real(w, x->mat.value);
    if (x->prompts > 1) put_real(w, x->mat.lo), put_real(w, x->mat.hi);
    else sqlite3_bind_null(w->s, ++w->at), sqlite3_bind_null(w->s, ++w->at);
    put_real(w, x->tokens_per_s.value);
    if (x->prompts > 1) put_real(w, x->tokens_per_s.lo), put_real(w, x->tokens_per_s.hi);
    else sqlite3_bind_null(w->s, ++w->at), sqlite3_bind_null(w->s, ++w->at);
    put_real(w, x->plain_tokens_per_s);
    return put_row(w);
}

int results_add_categories(struct writer *w, const struct standing *x, const char *const *category, const int64_t *policies) {
    struct category_row *rows = mem_alloc((size_t)(x->P ? x->P : 1), sizeof *rows, "categories", w->err);
    int rc = rows ? begin_rows(w, "INSERT INTO category VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)") : ERR_FAILED;
    for (int q = 0; !rc && q < x->Q; q++) {
        int first = 0;
        while (strcmp(category[first], category[q])) first++;
        if (first < q) continue; // done
        rc = summary_category(x, category, category[q], rows, w->err);
        for (int p = 0; !rc && p < x->P; p++) // a category of texts without any round has no row
            if (rows[p].mat.value > 0) rc = add_category_row(w, &rows[p], category[q], policies[p]);
    }
    mem_free(rows);
    return w->s ? end_rows(w, rc) : rc;
}

int results_add_experiment(struct writer *w, const struct replay *r, int64_t *experiment) {
    int rc = add_experiment(w, r);
    *experiment = sqlite3_last_insert_rowid(w->db);
    if (!rc) rc = add_arms(w, r, *experiment);
    if (!rc) rc = add_sequences(w, r, *experiment);
    if (!rc) rc = add_walks(w, &r->oracle, r->plan.trace, *experiment);
    return rc;
}

static int add_categories(struct writer *w, const struct replay *r, const struct rows *rows, const int64_t *policies) {
    size_t P = (size_t)r->plan.lineup->n, Q = (size_t)r->Q;
    double *tokens = mem_alloc(Q, sizeof *tokens, "categories", w->err), *own_ns = mem_alloc(P, sizeof *own_ns, "categories", w->err);
    const char **category = mem_alloc(Q, sizeof *category, "categories", w->err);
    int rc = tokens && own_ns && category ? 0 : ERR_FAILED;
    for (size_t q = 0; !rc && q < Q; q++)
        tokens[q] = r->plan.trace->sequences[q].tokens - 1, category[q] = r->plan.trace->sequences[q].category;
    for (size_t p = 0; !rc && p < P; p++) own_ns[p] = rows->players[p].own_ns;
    const struct standing x = {.P = (int)P, .Q = (int)Q, .rounds = r->rounds, .seconds = r->seconds, .tokens = tokens, .own_ns = own_ns,
                               .charge = rows->charged, .reference = {[REFERENCE_PLAIN] = r->oracle.plain}};
    if (!rc) rc = results_add_categories(w, &x, category, policies);
    mem_free(tokens), mem_free(own_ns), mem_free(category);
    return rc;
}

int results_add_policy(struct writer *w, const struct rows *rows, int p, int64_t experiment, int64_t *policy) {
    int rc = add_policy(w, &rows->players[p], p, experiment);
    *policy = sqlite3_last_insert_rowid(w->db);
    return rc ? rc : add_comparison(w, rows, p, *policy);
}

static int add_all(struct writer *w, const struct replay *r, const struct rows *rows, int64_t *experiment) {
    int P = r->plan.lineup->n;
    int64_t *policies = mem_alloc((size_t)P, sizeof *policies, "policies", w->err);
    int rc = policies ? results_add_experiment(w, r, experiment) : ERR_FAILED;
    if (!rc) rc = add_bounds(w, r, *experiment);
    for (int p = 0; !rc && p < P; p++) {
        rc = results_add_policy(w, rows, p, *experiment, &policies[p]);
        if (!rc) rc = add_outcomes(w, r, p, policies[p]);
        if (!rc) rc = add_curve(w, r, p, policies[p]);
        if (!rc) rc = add_stream(w, r, p, policies[p]);
        if (!rc) rc = add_pulls(w, r, p, policies[p]);
        if (!rc) rc = add_prompt_pulls(w, r, p, policies[p]);
        if (!rc) rc = add_part(w, r, &rows->players[p], p, policies[p]);
    }
    if (!rc) rc = add_categories(w, r, rows, policies);
    mem_free(policies);
    return rc;
}

int results_add(const char *path, const struct replay *r, const struct rows *rows, int64_t *experiment, struct err *err) {
    struct writer w = {.path = path, .err = err};
    if (db_open(&w.db, path, &results_kind, err)) return ERR_FAILED;
    int rc = db_exec(w.db, path, "BEGIN IMMEDIATE", err);
    if (!rc) rc = add_all(&w, r, rows, experiment);
    if (!rc) rc = db_exec(w.db, path, "COMMIT", err);
    if (rc) sqlite3_exec(w.db, "ROLLBACK", NULL, NULL, NULL);
    db_close(&w.db);
    return rc ? ERR_FAILED : 0;
}

int results_check(const char *path, struct err *err) {
    sqlite3 *db;
    if (db_open(&db, path, &results_kind, err)) return ERR_FAILED;
    int rc = db_exec(db, path, "BEGIN IMMEDIATE; ROLLBACK", err);
    db_close(&db);
    return rc;
}
