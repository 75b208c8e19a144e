/* report.c - see report.h. */
#include "analysis/report.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/escape.h"
#include "core/mem.h"
#include "sim/columns.h"
#include "traces/db.h"

enum { CATEGORIES = 40 }; // rows of the table by category

/* -- the experiment -- */

static char *copy(sqlite3_stmt *s, int i, struct err *err) {
    const char *text = (const char *)sqlite3_column_text(s, i);
    return mem_text(text ? text : "", text ? strlen(text) : 0, err);
}

/* Servers and live runs of another trace are not this report's matter. */
static int keep_own(struct report *r, const char *table, int64_t *id, struct err *err) {
    sqlite3_stmt *s = NULL;
    char sql[120];
    snprintf(sql, sizeof sql, "SELECT count(*) FROM %s WHERE id = ?1 AND trace_sha256 = ?2", table);
    int rc = *id ? db_prepare(r->plot.db, r->results, sql, &s, err) : 0;
    if (rc || !s) return rc;
    sqlite3_bind_int64(s, 1, *id);
    sqlite3_bind_text(s, 2, r->sha256, -1, SQLITE_STATIC);
    if ((rc = db_step(r->plot.db, r->results, s, err)) == 1) rc = 0, *id = sqlite3_column_int(s, 0) ? *id : 0;
    sqlite3_finalize(s);
    return rc;
}

static int load_head(struct report *r, struct err *err) {
    sqlite3_stmt *s = NULL;
    int64_t version = 0;
    int rc = db_prepare(r->plot.db, r->results, "SELECT created, world, trace, trace_sha256, target, device, scope, timing, version, "
        "seeds, max_draft"
                                                " FROM experiment WHERE id = ?", &s, err);
    if (rc) return rc;
    sqlite3_bind_int64(s, 1, r->plot.experiment);
    if ((rc = db_step(r->plot.db, r->results, s, err)) == 1) {
        char **const texts[] = {&r->created, &r->world, &r->trace, &r->sha256, &r->target, &r->device, &r->scope, &r->timing, &r->version};
        rc = 0;
        for (int i = 0; i < 9; i++)
            if (!(*texts[i] = copy(s, i, err))) rc = ERR_FAILED;
        r->seeds = sqlite3_column_int(s, 9), r->max_draft = sqlite3_column_int(s, 10);
    }
    sqlite3_finalize(s);
    if (!rc) rc = db_int64(r->plot.db, r->results, "PRAGMA user_version", &version, err);
    r->file_version = (int)version;
    return rc;
}

static int load_setting(struct report *r, struct err *err) {
    sqlite3_stmt *s = NULL;
    if (r->file_version < 2) return 0;
    int rc = db_prepare(r->plot.db, r->results, "SELECT key, arms, seconds, code FROM setting WHERE experiment = ?", &s, err);
    if (rc) return rc;
    sqlite3_bind_int64(s, 1, r->plot.experiment);
    if ((rc = db_step(r->plot.db, r->results, s, err)) == 1)
        rc = (r->setting = copy(s, 0, err)) && (r->setting_arms = copy(s, 1, err)) && (r->seconds = copy(s, 2, err))
            && (r->code = copy(s, 3, err)) ? 0 : ERR_FAILED;
    sqlite3_finalize(s);
    return rc;
}

/* -- the trace -- */

/* The recording whose content the experiment played. */
static int find_recording(struct report *r, sqlite3 *db, struct err *err) {
    sqlite3_stmt *s = NULL;
    char other[65] = "";
    int rc = db_prepare(db, r->db, "SELECT id, created, engine_version FROM recording ORDER BY id", &s, err);
    bool found = false;
    while (!rc && !found && (rc = db_step(db, r->db, s, err)) == 1) {
        struct report_recording *x = r->recording;
        if ((rc = trace_open(&x->trace, r->db, sqlite3_column_int64(s, 0), err))) break;
        if ((found = !strcmp(x->trace.sha256, r->sha256))) rc = (x->created = copy(s, 1, err)) && (x->engine = copy(s, 2, err)) ? 0
            : ERR_FAILED;
        else {
            memcpy(other, x->trace.sha256, sizeof other);
            trace_close(&x->trace);
            x->trace = (struct trace){0};
        }
    }
    sqlite3_finalize(s);
    if (!rc && found) rc = plot_open_trace(&r->plot, r->db, r->recording->trace.recording, err);
    if (rc || found) return rc;
    return err_set(err, "trace '%s' is not the one that experiment %lld of '%s' played: content sha256 %.16s..., expected %.16s...", r->db,
                   (long long)r->plot.experiment, r->results, *other ? other : "none", r->sha256);
}

static int load_recording(struct report *r, struct err *err) {
    sqlite3 *db = NULL;
    if (!r->db) return 0;
    if (!(r->recording = mem_alloc(1, sizeof *r->recording, "a recording", err))) return ERR_FAILED;
    int rc = db_open_read(&db, r->db, &db_trace, err);
    if (!rc) rc = find_recording(r, db, err), db_close(&db);
    return rc;
}

/* -- live against simulation (sim/fidelity.sql) -- */

static int load_fidelity(struct report *r, struct err *err) {
    sqlite3_stmt *s = NULL;
    int64_t there = 0;
    size_t room = 0;
    int rc = db_int64(r->plot.db, r->results, "SELECT count(*) FROM sqlite_schema WHERE name = 'fidelity_run'", &there, err);
    if (rc || !there) return rc;
    rc = db_prepare(r->plot.db, r->results, "SELECT x.spec, count(*), sum(x.tokens), sum(x.live_seconds), sum(x.simulated_seconds), "
        "f.device FROM fidelity f JOIN fidelity_run x ON x.fidelity = f.id"
                    " WHERE f.id = (SELECT max(id) FROM fidelity WHERE trace_sha256 = ?) GROUP BY x.ordinal ORDER BY x.ordinal", &s, err);
    if (!rc) sqlite3_bind_text(s, 1, r->sha256, -1, SQLITE_STATIC);
    while (!rc && (rc = db_step(r->plot.db, r->results, s, err)) == 1) {
        double live = sqlite3_column_double(s, 3), simulated = sqlite3_column_double(s, 4), tokens = sqlite3_column_double(s, 2);
        rc = 0;
        if (!(live > 0) || !(simulated > 0)) continue;
        if ((rc = mem_grow(&r->fidelity, &room, (size_t)r->fidelity_n + 1, sizeof *r->fidelity, "fidelity", err))) break;
        r->fidelity[r->fidelity_n] = (struct report_fidelity){.spec = copy(s, 0, err), .prompts = sqlite3_column_int(s, 1),
            .live = tokens / live, .simulated = tokens / simulated};
        if (!r->fidelity[r->fidelity_n++].spec || (!r->fidelity_device && !(r->fidelity_device = copy(s, 5, err)))) rc = ERR_FAILED;
    }
    sqlite3_finalize(s);
    return rc;
}

/* -- categories -- */

enum { TOKENS, PLAIN, FIXED, CHOSEN, COLUMNS }; // of a category's table: tokens, and seconds of the three that are compared

static double speed(const double *sum, size_t stride, int row, int unused) {
    (void)unused;
    return sum_at(sum, stride, TOKENS) / sum_at(sum, stride, row);
}
static double speedup(const double *sum, size_t stride, int row, int unused) {
    (void)unused;
    return sum_at(sum, stride, PLAIN) / sum_at(sum, stride, row);
}
static double gain(const double *sum, size_t stride, int row, int unused) {
    (void)unused;
    return 100 * (sum_at(sum, stride, FIXED) / sum_at(sum, stride, row) - 1);
}

static struct measure measure(const struct columns *c, statistic *f, int row) {
    double value;
    struct bca b = columns_bca(c, f, row, 0, 0, &value);
    return columns_measure(c, &b, value);
}

/* Plain decoding, the best fixed arm and what is recommended on the prompts `at` (n) of one category. */
static int measure_category(const struct report *r, const int *at, int n, struct report_category *out, struct err *err) {
    const struct scores *s = &r->scores;
    const int chosen = r->finding.recommended, fixed = s->has[REFERENCE_BEST_FIXED] ? REFERENCE_BEST_FIXED : REFERENCE_PLAIN;
    struct columns c;
    if (columns_open(&c, n, COLUMNS, err)) return ERR_FAILED;
    for (int i = 0; i < n; i++) {
        double *x = c.x + (size_t)i * COLUMNS;
        int q = at[i];
        x[TOKENS] = s->tokens[q], x[PLAIN] = s->reference[REFERENCE_PLAIN][q].seconds, x[FIXED] = s->reference[fixed][q].seconds;
        x[CHOSEN] = chosen < s->P ? s->seconds[(size_t)chosen * (size_t)s->Q + (size_t)q] : s->reference[chosen - s->P][q].seconds;
        out->tokens += x[TOKENS];
    }
    int rc = columns_resample(&c, 0, err);
    if (!rc) {
        out->prompts = n, out->interval = n > 1;
        out->plain = measure(&c, speed, PLAIN), out->fixed = measure(&c, speed, FIXED), out->chosen = measure(&c, speed, CHOSEN);
        out->speedup = measure(&c, speedup, CHOSEN), out->gain = measure(&c, gain, CHOSEN);
    }
    columns_close(&c);
    return rc;
}

static int fastest_there(const struct scores *s, const int *at, int n) {
    int fastest = -1;
    double least = INFINITY;
    for (int p = 0; p < s->P; p++) {
        double sum = 0;
        for (int i = 0; i < n; i++) sum += s->seconds[(size_t)p * (size_t)s->Q + (size_t)at[i]];
        if (sum < least) least = sum, fastest = p;
    }
    return fastest;
}

/* Categories in the order of their first prompt; where there are many, the last row is all that come later. */
static int load_categories(struct report *r, struct err *err) {
    const struct scores *s = &r->scores;
    int *at = mem_alloc((size_t)s->Q, sizeof *at, "categories", err), rc = at ? 0 : ERR_FAILED;
    bool *done = mem_alloc((size_t)s->Q, sizeof *done, "categories", err);
    if (!done || !(r->categories = mem_alloc(CATEGORIES, sizeof *r->categories, "categories", err))) rc = ERR_FAILED;
    for (int q = 0; !rc && q < s->Q; q++) {
        if (done[q]) continue;
        bool rest = r->categories_n == CATEGORIES - 1;
        int n = 0;
        for (int i = q; i < s->Q; i++)
            if (!done[i] && (rest || !strcmp(s->category[i], s->category[q]))) at[n++] = i, done[i] = true;
        bool several = false;
        for (int i = 1; i < n; i++) several |= strcmp(s->category[at[i]], s->category[q]) != 0;
        struct report_category *c = &r->categories[r->categories_n++];
        *c = (struct report_category){.name = several ? NULL : s->category[q], .fastest = fastest_there(s, at, n)};
        rc = measure_category(r, at, n, c, err);
    }
    mem_free(at), mem_free(done);
    return rc;
}

/* -- open and close -- */

int report_open(struct report *r, const struct report_options *o, struct err *err) {
    *r = (struct report){.results = o->results, .db = o->db, .holdout = o->holdout, .margin = o->margin};
    int rc = plot_open(&r->plot, o->results, o->experiment, NULL, 0, err);
    if (!rc && !r->plot.experiment) rc = err_set(err, "no experiment in '%s' (replay --results and sweep --results write one)", o->results);
    if (!rc) rc = load_head(r, err);
    if (!rc) rc = keep_own(r, "serving", &r->plot.serving, err);
    if (!rc) rc = keep_own(r, "fidelity", &r->plot.fidelity, err);
    if (!rc) rc = load_setting(r, err);
    if (!rc) rc = load_recording(r, err);
    if (!rc) rc = load_fidelity(r, err);
    if (!rc) rc = scores_open(&r->scores, r->plot.db, r->results, r->plot.experiment, o->holdout, err);
    if (!rc) rc = finding_open(&r->finding, &r->scores, o->margin, err);
    if (!rc) rc = load_categories(r, err);
    if (rc) report_close(r);
    return rc;
}

void report_close(struct report *r) {
    if (r->recording) {
        trace_close(&r->recording->trace);
        mem_free(r->recording->created), mem_free(r->recording->engine), mem_free(r->recording);
    }
    for (int i = 0; i < r->fidelity_n; i++) mem_free(r->fidelity[i].spec);
    finding_close(&r->finding);
    scores_close(&r->scores);
    plot_close(&r->plot);
    void *blocks[] = {r->created, r->world, r->trace, r->sha256, r->target, r->device, r->scope, r->timing, r->version, r->setting,
        r->setting_arms, r->seconds, r->code, r->categories, r->fidelity, r->fidelity_device};
    for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++) mem_free(blocks[i]);
    *r = (struct report){0};
}

/* -- words all forms share -- */

const char *report_timing(const struct report *r) {
    if (!strcmp(r->timing, "model")) return "seconds are modelled from the trace's recorded timings, not measured";
    if (!strcmp(r->timing, "sampled")) return "seconds are modelled from the trace's recorded timings and scattered as those were, not "
        "measured";
    if (!strcmp(r->timing, "hardware")) return "seconds are a roofline's of hardware that was not at hand: nothing of this was measured "
        "there";
    if (!strcmp(r->timing, "live")) return "seconds were measured live";
    return "where seconds come from is not known to this program";
}

bool report_caveat(const struct report *r, int i, char *text, size_t size) {
    const struct scores *s = &r->scores;
    const bool live = !strcmp(r->timing, "live"), hindsight = s->has[REFERENCE_BEST_FIXED];
    int at = 0;
    if (i == at++) return snprintf(text, size, "Time: %s%s%s.", report_timing(r), live || !strcmp(r->timing, "hardware") ? ""
        : "; the timings are those of ",
                                   live || !strcmp(r->timing, "hardware") ? "" : r->device), true;
    if (!live && r->fidelity_n && i == at++) {
        double lo = INFINITY, hi = -INFINITY;
        for (int k = 0; k < r->fidelity_n; k++) {
            double off = 100 * (r->fidelity[k].simulated / r->fidelity[k].live - 1);
            lo = fmin(lo, off), hi = fmax(hi, off);
        }
        return snprintf(text, size, "Held against live decoding on %s, simulated tokens/s of %d polic%s are off by %+.1f%%%s",
            r->fidelity_device, r->fidelity_n, r->fidelity_n == 1 ? "y" : "ies", lo,
                        r->fidelity_n == 1 ? "." : ""), r->fidelity_n > 1
                            ? snprintf(text + strlen(text), size - strlen(text), " to %+.1f%%.", hi) : 0, true;
    }
    if (!live && !r->fidelity_n && i == at++) return snprintf(text,
        size, "Modelled speed-ups may differ from live ones, and say nothing about other machines: hold them against banditspec live "
        "--compare."), true;
    if (hindsight && !s->held && i == at++)
        return snprintf(text, size, "The best fixed arm was chosen in hindsight on these very prompts, which flatters the arm: a policy "
            "that is level with it would do better on others."), true;
    if (s->held && i == at++)
        return snprintf(text, size, "Hold-out: the fastest policy, parameters%s were chosen on %d prompts; every figure here is of the %d "
            "others.", hindsight ? " and the best fixed arm" : "", s->chosen_on, s->Q), true;
    if (!s->held && s->P > 1 && i == at++)
        return snprintf(text, size, "The fastest policy was chosen on the same prompts it is tested on: how far it leads is somewhat too "
            "favourable. Tests against the best fixed arm and plain decoding are corrected for that"
                                    " (Holm, all policies); those against the fastest lean towards finding differences. --holdout removes "
                                        "both."), true;
    if (s->Q < 20 && i == at++) return snprintf(text, size, "Only %d prompt%s: intervals are wide, and 'no difference found' is no proof "
        "of equality.", s->Q, s->Q == 1 ? "" : "s"), true;
    if (i == at++) return snprintf(text, size, "Seconds hold drafting, verification and catching up, not the policy's own arithmetic."),
        true;
    if (!s->has[REFERENCE_BEST_FIXED] && i == at++)
        return snprintf(text, size, "This file keeps no walks of fixed arms (version %d): the best fixed arm is not known. Replay again "
            "with this program.", r->file_version), true;
    if (!strcmp(r->scope, "stream") && i == at++)
        return snprintf(text, size, "Policies carried on from prompt to prompt (scope stream): prompts are then not independent, as the "
            "intervals take them to be."), true;
    return false;
}

static void put_arms(const struct report *r, FILE *to) {
    for (int k = 0; k < r->scores.K; k++) putc(' ', to), put_shell(r->scores.arms[k].name, to);
}

static void put_policies(const struct report *r, FILE *to) {
    sqlite3_stmt *s = NULL;
    struct err unread = {""};
    const char *sql = r->setting ? "SELECT DISTINCT spec FROM run WHERE experiment = ? ORDER BY spec"
        : "SELECT spec FROM policy WHERE experiment = ? ORDER BY ordinal";
    if (db_prepare(r->plot.db, r->results, sql, &s, &unread)) return;
    sqlite3_bind_int64(s, 1, r->plot.experiment);
    while (db_step(r->plot.db, r->results, s, &unread) == 1) putc(' ', to), put_shell((const char *)sqlite3_column_text(s, 0), to);
    sqlite3_finalize(s);
}

void report_commands(const struct report *r, FILE *to) {
    const char *trace = r->db ? r->db : r->trace;
    fputs("banditspec traces check ", to);
    put_shell(trace, to);
    fprintf(to, "\nbanditspec %s --db ", r->setting ? "sweep" : "replay");
    put_shell(trace, to);
    fputs(" --results ", to);
    put_shell(r->results, to);
    fprintf(to, " --scope %s --seeds %d", r->scope, r->seeds);
    if (r->scores.first_seed) fprintf(to, " --seed %llu", (unsigned long long)r->scores.first_seed);
    if (!strcmp(r->timing, "sampled")) fputs(" --timing sampled", to);
    if (!strcmp(r->timing, "hardware")) fputs(" --hardware FILE", to);
    if (r->setting) {
        fputs(" --arms ", to);
        put_shell(r->setting_arms, to);
    } else {
        fputs(" --arms", to);
        put_arms(r, to);
    }
    fputs(" --policy", to);
    put_policies(r, to);
    fputs("\nbanditspec report --results ", to);
    put_shell(r->results, to);
    if (r->db) fputs(" --db ", to), put_shell(r->db, to);
    fprintf(to, " --experiment %lld", (long long)r->plot.experiment);
    if (r->holdout > 0) fprintf(to, " --holdout %g", r->holdout);
    if (r->margin != 2) fprintf(to, " --margin %g", r->margin);
    putc('\n', to);
}
