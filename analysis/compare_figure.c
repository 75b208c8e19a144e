/* compare_figure.c - a comparison as a picture: the rows go through a table in memory, a query and a script as every figure's do. */
#include "analysis/compare.h"

#include <string.h>

#include "analysis/answer.h"
#include "core/mem.h"
#include "traces/db.h"

extern const char sql_analysis_compare[], gp_analysis_compare[];

const struct figure compare_figure = {
    .name = "compare", .summary = "speed-up over plain decoding in A and in B, 95% intervals", .sql = sql_analysis_compare,
    .script = gp_analysis_compare, .rows = "1.62 * |spec| + 2", .source = FIGURE_EXPERIMENT,
    .caption = "Each side against its own plain decoding, so that a machine that is faster in all does not show: where a row's two marks "
        "lie apart, drafting pays otherwise in A than in B. An interval is of one side alone; whether a difference is found is for the table "
        "to say.",
};

static const char MEMORY[] = "a table in memory"; // as a file's name in errors

static int put_pair(sqlite3 *db, const struct compare_row *r, int place, struct err *err) {
    const double values[] = {r->up_a.value, r->up_a.lo, r->up_a.hi, r->up_b.value, r->up_b.lo, r->up_b.hi};
    sqlite3_stmt *s = NULL;
    int rc = db_prepare(db, MEMORY, "INSERT INTO pair VALUES (?, ?, ?, ?, ?, ?, ?, ?)", &s, err);
    if (rc) return rc;
    sqlite3_bind_int(s, 1, place);
    sqlite3_bind_text(s, 2, r->name, -1, SQLITE_STATIC);
    for (int i = 0; i < 6; i++) sqlite3_bind_double(s, 3 + i, values[i]);
    rc = db_step(db, MEMORY, s, err);
    sqlite3_finalize(s);
    return rc < 0 ? rc : 0;
}

static int put_side(sqlite3 *db, const struct compare *c, const char *b, struct err *err) {
    sqlite3_stmt *s = NULL;
    int rc = db_prepare(db, MEMORY, "INSERT INTO side VALUES (?, ?)", &s, err);
    if (rc) return rc;
    sqlite3_bind_text(s, 1, c->traces ? "fixed arms" : "policies", -1, SQLITE_STATIC);
    sqlite3_bind_text(s, 2, b, -1, SQLITE_STATIC);
    rc = db_step(db, MEMORY, s, err);
    sqlite3_finalize(s);
    return rc < 0 ? rc : 0;
}

static int read_pairs(sqlite3 *db, const struct compare *c, const char *b, struct answer *t, struct err *err) {
    sqlite3_stmt *s = NULL;
    int place = 0, rc = db_exec(db, MEMORY, "CREATE TABLE pair (place, name, up_a, lo_a, hi_a, up_b, lo_b, hi_b);"
        "CREATE TABLE side (what, b)", err);
    if (!rc) rc = put_side(db, c, b, err);
    for (int i = 0; !rc && i < c->n; i++)
        if (c->rows[i].policy) rc = put_pair(db, &c->rows[i], ++place, err);
    if (!rc) rc = db_prepare(db, MEMORY, sql_analysis_compare, &s, err);
    if (!rc) rc = answer_read(t, s, err);
    sqlite3_finalize(s);
    return rc;
}

int compare_svg(const struct compare *c, char **svg, struct err *err) {
    char words[2][600];
    sqlite3 *db = NULL;
    struct answer t = {0};
    struct plot p = {.context = {[FIGURE_EXPERIMENT] = words[0]}};
    *svg = NULL;
    for (int i = 0; i < 2; i++)
        snprintf(words[i], sizeof words[i], "%c: %s, %s, %d prompt%s, %s", 'A' + i, c->side[i].target, c->side[i].device, c->side[i].Q,
            c->side[i].Q == 1 ? "" : "s", c->side[i].title);
    int rc = sqlite3_open(":memory:", &db) == SQLITE_OK ? 0 : err_set(err, "cannot open %s", MEMORY);
    if (!rc) rc = read_pairs(db, c, words[1], &t, err);
    if (!rc) rc = plot_answer_svg(&p, &compare_figure, &t, svg, err);
    answer_close(&t);
    sqlite3_close(db);
    return rc;
}
