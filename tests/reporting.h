/* reporting.h - a results file of the kept trace, reports of it in every form, and names that are odd in each. For test_report.c and
 * test_compare.c. */
#ifndef TESTS_REPORTING_H
#define TESTS_REPORTING_H

#include <jansson.h>
#include <math.h>

#include "tests/markup.h"
#include "tests/run_command.h"
#include "tests/run_replay.h"
#include "tests/tempdir.h"

command cmd_report, cmd_traces;

static struct tempdir dir;
static char kept[4200], page[4200], file[4200];

#define KEPT_TRACE "traces/demo/smollm2.db"
#define WORDS(...) ((char *[]){__VA_ARGS__, NULL})
#define REPORT(err, out, ...) run_command(cmd_report, err, out, WORDS("report", __VA_ARGS__))

static inline const char *here(const char *name) { return tempdir_file(&dir, name); }

static inline void play(const char *db, const char *results, char *const *more) {
    char *argv[64] = {"replay", "--db", (char *)db, "--results", (char *)results, "--seeds", "3"};
    int n = 7;
    while (*more) argv[n++] = *more++;
    struct err err;
    if (replay(&err, NULL, argv)) fail_msg("%s", err.text);
}

static inline void made(const char *db, char *const *more) {
    char *argv[32] = {"traces", "synth", (char *)db};
    int n = 3;
    while (*more) argv[n++] = *more++;
    struct err err;
    if (run_command(cmd_traces, &err, NULL, argv)) fail_msg("%s", err.text);
}

static inline char *report_of(const char *results, const char *form) {
    struct err err;
    if (REPORT(&err, here("out"), "--results", (char *)results, (char *)form)) fail_msg("%s", err.text);
    return read_file(here("out"));
}

static inline json_t *json_of(const char *results) {
    char *text = report_of(results, "--json");
    json_error_t why;
    json_t *all = json_loads(text, 0, &why);
    if (!all) fail_msg("JSON: %s at line %d", why.text, why.line);
    free(text);
    return all;
}

static inline char *page_of(const char *results) {
    struct err err;
    if (REPORT(&err, NULL, "--results", (char *)results, "--out", page)) fail_msg("%s", err.text);
    return read_file(page);
}

/* Without its figures, which take most of the time. */
static inline char *bare_page_of(const char *results) {
    char *path = strdup(getenv("PATH"));
    setenv("PATH", dir.path, 1);
    char *html = page_of(results);
    setenv("PATH", path, 1);
    free(path);
    return html;
}

static inline const char *copy_of(const char *results, const char *name) {
    char sql[9000];
    snprintf(file, sizeof file, "%s", here(name));
    remove(file);
    snprintf(sql, sizeof sql, "VACUUM INTO '%s'", file);
    run_sql(results, sql);
    return file;
}

static inline double real(const char *path, const char *sql, const char *text) {
    sqlite3 *db;
    sqlite3_stmt *s;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    if (sqlite3_prepare_v2(db, sql, -1, &s, NULL) != SQLITE_OK) fail_msg("%s: %s", sql, sqlite3_errmsg(db));
    if (text) sqlite3_bind_text(s, 1, text, -1, SQLITE_STATIC);
    if (sqlite3_step(s) != SQLITE_ROW) fail_msg("no row: %s", sql);
    double x = sqlite3_column_double(s, 0);
    sqlite3_finalize(s);
    sqlite3_close(db);
    return x;
}

static inline void assert_near(double got, double want, const char *what) {
    if (!(fabs(got - want) <= 1e-9 * (1 + fabs(want)))) fail_msg("%s: %.12g, the query gives %.12g", what, got, want);
}

static inline double at(const json_t *o, const char *key, const char *inner) {
    json_t *x = json_object_get(o, key);
    if (inner) x = json_object_get(x, inner);
    if (!json_is_number(x)) fail_msg("'%s' is no number", key);
    return json_number_value(x);
}

static inline const char *text_at(const json_t *o, const char *key) {
    const char *text = json_string_value(json_object_get(o, key));
    if (!text) fail_msg("'%s' is no text", key);
    return text;
}

static inline int setup(void **state) {
    (void)state;
    if (tempdir_open(&dir)) return -1;
    snprintf(kept, sizeof kept, "%s", here("kept.db"));
    snprintf(page, sizeof page, "%s", here("page.html"));
    play(KEPT_TRACE, kept, WORDS("--policy", "auto", "hf", "thompson", "ucbspec", "random", "none", "best-fixed"));
    return 0;
}

static inline int teardown(void **state) {
    (void)state;
    tempdir_close(&dir);
    return 0;
}

#define TOKENS "(SELECT sum(tokens - 1) FROM sequence WHERE experiment = 1)"
#define TOOK(what) \
    "(SELECT sum(x) FROM (SELECT avg(" what ") x FROM outcome o JOIN policy p ON p.id = o.policy WHERE p.spec = ?1 GROUP BY o.sequence))"
#define ARM "(SELECT arm FROM walk WHERE arm >= 0 GROUP BY arm ORDER BY sum(seconds) LIMIT 1)"

static const char odd[] = "o'dd \"50%\" {a_b}^2 \\n \xC3\xA9 <script>alert(1)</script> & `id` $x #~ \xE6\x97\xA5\xE6\x9C\xAC";
static const char odd_html[] = "o'dd &quot;50%&quot; {a_b}^2 \\n \xC3\xA9 &lt;script&gt;alert(1)&lt;/script&gt; &amp; `id` $x #~ "
    "\xE6\x97\xA5\xE6\x9C\xAC";
static const char odd_latex[] = "o\\textquotesingle{}dd \\textquotedbl{}50\\%\\textquotedbl{} \\{a\\_b\\}\\textasciicircum{}2 "
    "\\textbackslash{}n \xC3\xA9 \\textless{}script\\textgreater{}alert(1)"
                                "\\textless{}/script\\textgreater{} \\& \\textasciigrave{}id\\textasciigrave{} \\$x \\#\\textasciitilde{}";
static const char odd_csv[] = "\n\"o'dd \"\"50%\"\" {a_b}^2 \\n \xC3\xA9 <script>alert(1)</script> & `id` $x #~";

static inline const char *odd_results(void) {
    copy_of(kept, "odd.db");
    char *sql = sqlite3_mprintf("UPDATE policy SET spec = %Q, name = %Q WHERE spec = 'auto'; UPDATE arm SET name = %Q WHERE arm = " ARM "; "
        "UPDATE sequence SET category = %Q WHERE sequence < 5;"
                                "UPDATE experiment SET target = %Q, device = %Q, trace = %Q, version = %Q", odd, odd, odd, odd, odd, odd,
                                    odd, odd);
    run_sql(file, sql);
    sqlite3_free(sql);
    return file;
}

static inline int count(const char *text, const char *what) {
    int n = 0;
    for (; (text = strstr(text, what)); text += strlen(what)) n++;
    return n;
}

static inline int columns_of(const char *line, size_t n) { // East Asian letters are two wide; those of the test are all from there or Latin
    int columns = 0;
    for (size_t i = 0; i < n; i++) columns += ((unsigned char)line[i] & 0xC0) == 0x80 ? 0 : (unsigned char)line[i] >= 0xE3
        && (unsigned char)line[i] < 0xF0 ? 2 : 1;
    return columns;
}

static inline void assert_page(const char *text) {
    int lines = 0;
    for (const char *at = text, *end; (end = strchr(at, '\n')); at = end + 1, lines++)
        if (columns_of(at, (size_t)(end - at)) > 80) fail_msg("%d columns: '%.*s'", columns_of(at, (size_t)(end - at)), (int)(end - at),
            at);
    if (lines > 24) fail_msg("%d lines:\n%s", lines, text);
    assert_true(lines >= 8);
}

#endif
