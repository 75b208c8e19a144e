/* listing.c - see listing.h. */
#include "sim/listing.h"

#include <jansson.h>
#include <stdio.h>

/* A sweep's counts are of its runs, which its board may not have stored yet; a replay's are of its policies. */
#define ROWS \
    "SELECT e.id, CASE WHEN t.experiment IS NULL THEN 'replay' ELSE 'sweep' END, e.scope, e.timing," \
    " (SELECT count(*) FROM sequence q WHERE q.experiment = e.id)," \
    " CASE WHEN t.experiment IS NULL THEN (SELECT count(*) FROM policy p WHERE p.experiment = e.id)" \
    "  ELSE (SELECT count(DISTINCT spec) FROM run r WHERE r.experiment = e.id) END," \
    " CASE WHEN t.experiment IS NULL THEN (SELECT coalesce(sum(seeds), 0) FROM policy p WHERE p.experiment = e.id)" \
    "  ELSE (SELECT count(*) FROM run r WHERE r.experiment = e.id) END AS runs," \
    " e.trace || ' (' || e.target || CASE WHEN e.timing = 'hardware' THEN ' on a roofline of ' || e.device WHEN e.device = 'none' THEN '' ELSE ' on ' || e.device END || ')', coalesce(t.arms, (SELECT group_concat(name, ' ') FROM (SELECT name FROM arm a WHERE a.experiment = e.id ORDER BY arm)), ''), e.created" \
    " FROM experiment e LEFT JOIN setting t ON t.experiment = e.id WHERE runs > 0 AND (?1 = 0 OR t.experiment IS NOT NULL) ORDER BY e.id"
enum { ID, FROM, SCOPE, SECONDS, PROMPTS, POLICIES, RUNS, TRACE, ARMS, CREATED };

typedef int row_taker(void *user, sqlite3_stmt *s);

static int each_row(struct runs *r, bool sweeps_alone, row_taker *take, void *user, struct err *err) {
    sqlite3_stmt *s = NULL;
    int n = 0, rc = db_prepare(r->db, r->path, ROWS, &s, err);
    if (!rc) sqlite3_bind_int(s, 1, sweeps_alone);
    while (!rc && (rc = db_step(r->db, r->path, s, err)) == 1) n++, rc = take ? take(user, s) : 0;
    sqlite3_finalize(s);
    return rc ? ERR_FAILED : n;
}

static const char *text(sqlite3_stmt *s, int i) { return (const char *)sqlite3_column_text(s, i); }

int listing_count(struct runs *r, bool sweeps_alone, struct err *err) { return each_row(r, sweeps_alone, NULL, NULL, err); }

static int print_row(void *user, sqlite3_stmt *s) {
    int *n = user;
    if (!(*n)++) printf("experiment  from    scope   seconds   prompts  policies     runs  trace (target); arms\n");
    printf("%10lld  %-7s %-7s %-9s %7d  %8d %8lld  %s\n%*s%s\n", (long long)sqlite3_column_int64(s, ID), text(s, FROM), text(s, SCOPE), text(s, SECONDS),
           sqlite3_column_int(s, PROMPTS), sqlite3_column_int(s, POLICIES), (long long)sqlite3_column_int64(s, RUNS), text(s, TRACE), 12, "", text(s, ARMS));
    return 0;
}

int listing_print(struct runs *r, bool sweeps_alone, struct err *err) {
    int n = 0, rc = each_row(r, sweeps_alone, print_row, &n, err);
    if (rc < 0) return rc;
    if (n) printf("one alone: banditspec %s --results %s --experiment ID\n", sweeps_alone ? "results show" : "report (or, of a sweep, results show)", r->path);
    else fprintf(stderr, "'%s' holds no experiment of a sweep or a replay\n", r->path);
    return 0;
}

static int add_json(void *user, sqlite3_stmt *s) {
    json_t *row = json_pack("{s:I, s:s, s:s, s:s, s:i, s:i, s:I, s:s, s:s, s:s}", "experiment", (json_int_t)sqlite3_column_int64(s, ID), "from", text(s, FROM),
                            "scope", text(s, SCOPE), "timing", text(s, SECONDS), "prompts", sqlite3_column_int(s, PROMPTS), "policies",
                            sqlite3_column_int(s, POLICIES), "runs", (json_int_t)sqlite3_column_int64(s, RUNS), "trace", text(s, TRACE), "arms", text(s, ARMS),
                            "created", text(s, CREATED));
    return json_array_append_new(user, row);
}

int listing_json(struct runs *r, struct err *err) {
    json_t *list = json_array();
    int rc = each_row(r, false, add_json, list, err) < 0 ? ERR_FAILED : 0;
    if (rc && !*err->text) err_set(err, "cannot write JSON");
    if (!rc && json_dumpf(list, stdout, JSON_INDENT(2))) rc = err_set(err, "cannot write JSON");
    if (!rc) putchar('\n');
    json_decref(list);
    return rc;
}
