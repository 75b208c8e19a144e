/* cmd_traces_info.c - `banditspec traces info`: what a trace holds. The facts are gathered as
 * one JSON object; --json prints it, else tables are printed from it. */
#include <stdbool.h>
#include <stdio.h>

#include <jansson.h>
#include <sqlite3.h>

#include "core/cmd.h"
#include "core/opt.h"
#include "traces/db.h"
#include "traces/trace.h"

command traces_info;

enum { LENGTHS = 12 }; // columns of the accepted lengths' table; the last one gathers the rest

/* A query's rows as JSON objects whose keys are the column names; `key` binds ?1. */
static int rows_json(sqlite3 *db, const char *path, const char *sql, int64_t key, json_t *list, struct err *err) {
    sqlite3_stmt *s = NULL;
    int rc = db_prepare(db, path, sql, &s, err);
    if (rc == 0) sqlite3_bind_int64(s, 1, key);
    while (rc == 0 && (rc = db_step(db, path, s, err)) == 1) {
        json_t *row = json_object();
        for (int i = 0; i < sqlite3_column_count(s); i++) {
            int type = sqlite3_column_type(s, i);
            json_object_set_new(row, sqlite3_column_name(s, i),
                type == SQLITE_INTEGER ? json_integer(sqlite3_column_int64(s, i))
                : type == SQLITE_FLOAT ? json_real(sqlite3_column_double(s, i))
                : type == SQLITE_NULL  ? json_null()
                                       : json_string((const char *)sqlite3_column_text(s, i)));
        }
        rc = json_array_append_new(list, row) ? err_set(err, "cannot list the rows of '%s': out of memory", path) : 0;
    }
    sqlite3_finalize(s);
    return rc;
}

static int add_rows(sqlite3 *db, const char *path, const char *sql, json_t *recording, const char *name, struct err *err) {
    json_t *list = json_array();
    int rc = rows_json(db, path, sql, json_integer_value(json_object_get(recording, "id")), list, err);
    json_object_set_new(recording, name, list);
    return rc;
}

/* Mean and counts of accepted lengths 0..L of every drafter, and the content's name. */
static int add_lengths(const char *path, json_t *recording, struct err *err) {
    struct trace t;
    if (trace_open(&t, path, json_integer_value(json_object_get(recording, "id")), err)) return -1;
    char nature[160];
    if (!trace_recorded(&t, nature, sizeof nature)) json_object_set_new(recording, "nature", json_string(nature));
    json_object_set_new(recording, "sha256", json_string(t.sha256));
    json_object_set_new(recording, "positions", json_integer((json_int_t)t.cells));
    for (int d = 0; d < t.D; d++) {
        size_t count[256] = {0}, sum = 0, proposed = 0;
        for (size_t i = 0; i < t.cells; i++) {
            uint8_t a = t.accepted[(size_t)d * t.cells + i];
            count[a]++;
            sum += a;
            proposed += t.proposed[(size_t)d * t.cells + i] > 0;
        }
        json_t *drafter = json_array_get(json_object_get(recording, "drafters"), (size_t)d), *counts = json_array();
        for (int a = 0; a <= t.L; a++) json_array_append_new(counts, json_integer((json_int_t)count[a]));
        json_object_set_new(drafter, "accepted_counts", counts);
        if (!t.cells) continue; // sequences of one token each have no mean
        json_object_set_new(drafter, "mean_accepted", json_real((double)sum / (double)t.cells));
        json_object_set_new(drafter, "proposing", json_real((double)proposed / (double)t.cells)); // share of positions
    }
    trace_close(&t);
    return 0;
}

static int add_details(sqlite3 *db, const char *path, json_t *recording, struct err *err) {
    if (add_rows(db, path, "SELECT category, count(*) AS sequences, sum(tokens) AS tokens, sum(finish = 'eos') AS eos FROM sequence"
                           " WHERE recording = ?1 GROUP BY category ORDER BY min(ordinal)", recording, "categories", err)
        || add_rows(db, path, "SELECT name, kind, parameters, max_draft FROM drafter WHERE recording = ?1 ORDER BY ordinal", recording,
                    "drafters", err)
        || add_rows(db, path, "SELECT verify_width AS width, n AS samples, verify_ns / 1e6 AS median_ms FROM (SELECT verify_width, verify_ns,"
                              " count(*) OVER (PARTITION BY verify_width) AS n, row_number() OVER (PARTITION BY verify_width ORDER BY"
                              " verify_ns) AS k FROM sequence q JOIN step s ON s.sequence = q.id WHERE q.recording = ?1)"
                              " WHERE k = (n + 1) / 2 ORDER BY verify_width", recording, "verify", err)) return -1;
    return json_integer_value(json_object_get(recording, "sequences")) ? add_lengths(path, recording, err) : 0;
}

static int gather(const char *path, int only, json_t *list, struct err *err) {
    sqlite3 *db;
    if (db_open_read(&db, path, &db_trace, err)) return -1;
    int rc = rows_json(db, path, "SELECT r.*, count(q.id) AS sequences, coalesce(sum(q.tokens), 0) AS tokens FROM recording r LEFT JOIN"
                                 " sequence q ON q.recording = r.id WHERE ?1 IN (0, r.id) GROUP BY r.id ORDER BY r.id", only, list, err);
    if (rc == 0 && only && json_array_size(list) == 0) rc = err_set(err, "trace '%s' holds no recording %d", path, only);
    size_t i;
    json_t *recording;
    json_array_foreach(list, i, recording)
        if (rc == 0) rc = add_details(db, path, recording, err);
    db_close(&db);
    return rc;
}

/* -- tables -- */

static const char *text(const json_t *o, const char *key) {
    const char *value = json_string_value(json_object_get(o, key));
    return value ? value : "";
}
static long long whole(const json_t *o, const char *key) { return json_integer_value(json_object_get(o, key)); }
static double real(const json_t *o, const char *key) { return json_number_value(json_object_get(o, key)); }

static void print_categories(const json_t *recording) {
    size_t i;
    json_t *c;
    printf("\n  %-24s %10s %10s %6s\n", "category", "sequences", "tokens", "eos");
    json_array_foreach(json_object_get(recording, "categories"), i, c)
        printf("  %-24s %10lld %10lld %6lld\n", *text(c, "category") ? text(c, "category") : "-", whole(c, "sequences"), whole(c, "tokens"),
               whole(c, "eos"));
}

/* One drafter: its mean and the share in per cent of accepted lengths 0, 1, ... */
static void print_drafter(const json_t *d, int last, double positions) {
    printf("  %-16s %-8s %6.3f %8.1f%%", text(d, "name"), text(d, "kind"), real(d, "mean_accepted"), 100 * real(d, "proposing"));
    const json_t *counts = json_object_get(d, "accepted_counts");
    double rest = positions;
    for (int a = 0; a <= last; a++) {
        double n = a == last ? rest : (double)json_integer_value(json_array_get(counts, (size_t)a));
        rest -= n;
        printf(" %5.1f", positions > 0 ? 100 * n / positions : 0);
    }
    printf("  %s\n", text(d, "parameters"));
}

static void print_drafters(const json_t *recording) {
    size_t i;
    json_t *d;
    int L = (int)whole(recording, "max_draft"), last = L < LENGTHS ? L : LENGTHS;
    printf("\n  %-16s %-8s %6s %9s  share (%%) of accepted lengths\n  %-16s %-8s %6s %9s", "", "", "mean", "", "drafter", "kind", "accept", "proposing");
    for (int a = 0; a <= last; a++) printf(" %4d%c", a, a == last && last < L ? '+' : ' ');
    putchar('\n');
    json_array_foreach(json_object_get(recording, "drafters"), i, d) print_drafter(d, last, real(recording, "positions"));
}

static void print_verify(const json_t *recording) {
    size_t i;
    json_t *v;
    printf("\n  %-12s %10s %12s\n", "verify width", "samples", "median ms");
    json_array_foreach(json_object_get(recording, "verify"), i, v)
        printf("  %-12lld %10lld %12.3f\n", whole(v, "width"), whole(v, "samples"), real(v, "median_ms"));
}

static void print_recording(const json_t *r) {
    printf("recording %lld of %s\n  target %s (%s), sha256 %.16s\n  %s on %s, %lld thread%s, engine %s\n", whole(r, "id"), text(r, "created"),
           text(r, "target"), text(r, "dtype"), text(r, "target_sha256"), text(r, "backend"), text(r, "device"), whole(r, "threads"),
           whole(r, "threads") == 1 ? "" : "s", text(r, "engine_version"));
    printf("  %lld sequences, %lld tokens (at most %lld each), drafts up to %lld, temperature %g\n", whole(r, "sequences"), whole(r, "tokens"),
           whole(r, "max_new"), whole(r, "max_draft"), real(r, "temperature"));
    if (!whole(r, "sequences")) return;
    if (json_object_get(r, "nature")) printf("  %s; no target did this\n", text(r, "nature"));
    printf("  content %s\n", text(r, "sha256"));
    print_categories(r);
    print_drafters(r);
    print_verify(r);
}

static int print(const char *path, json_t *list, bool json, struct err *err) {
    size_t i;
    json_t *r;
    if (json) {
        json_t *all = json_pack("{s:s, s:O}", "trace", path, "recordings", list);
        if (!all) return err_set(err, "cannot write '%s' as JSON: the path is no UTF-8", path);
        json_dumpf(all, stdout, JSON_INDENT(2));
        putchar('\n');
        json_decref(all);
        return 0;
    }
    printf("trace '%s': %zu recording%s\n", path, json_array_size(list), json_array_size(list) == 1 ? "" : "s");
    json_array_foreach(list, i, r) {
        putchar('\n');
        print_recording(r);
    }
    return 0;
}

int traces_info(int argc, char **argv, struct err *err) {
    const char *path = NULL;
    int recording = 0;
    bool json = false;
    const struct opt table[] = {
        {.name = "db", .kind = OPT_TEXT, .to = &path, .arg = "TRACE", .help = "the trace to look into", .required = true},
        {.name = "recording", .kind = OPT_INT, .to = &recording, .arg = "N", .help = "this recording alone; 0: all", .hi = 2147483647},
        {.name = "json", .kind = OPT_FLAG, .to = &json, .help = "everything as one JSON object"},
        {.name = NULL},
    };
    const struct opt_help help = {
        .usage = "traces info [--db] TRACE [--recording N] [--json]",
        .about = "Shows each recording of a trace: target, device, sequences by category, every drafter's mean\n"
                 "accepted length and its distribution over all positions, and the median time of verification\n"
                 "by width.",
        .example = "  banditspec traces info run.db\n  banditspec traces info --db run.db --json"};
    int rc = opt_parse(table, &help, argc, argv, err);
    if (rc) return rc == 1 ? 0 : rc;
    json_t *list = json_array();
    rc = gather(path, recording, list, err);
    if (rc == 0) rc = print(path, list, json, err);
    json_decref(list);
    return rc;
}
