/* test_plot.c - pictures from a synthetic results database. */
#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "analysis/gnuplot.h"
#include "analysis/plot.h"
#include "analysis/answer.h"
#include "core/cmd.h"
#include "tests/results_synth.h"

command cmd_plot;

static char dir[256], results[300], captured[1 << 16];

static void join(char *path, size_t size, const char *name) { snprintf(path, size, "%s/%s", dir, name); }

static size_t read_all(const char *name, char **text) {
    char path[600];
    join(path, sizeof path, name);
    FILE *f = fopen(path, "rb");
    if (!f) fail_msg("'%s' is missing", path);
    fseek(f, 0, SEEK_END);
    long n = ftell(f);
    rewind(f);
    *text = calloc((size_t)n + 1, 1);
    assert_int_equal(fread(*text, 1, (size_t)n, f), n);
    fclose(f);
    return (size_t)n;
}

/* Runs `banditspec plot ...` with its standard output in `captured`. */
static int plot(struct err *err, const char *const *words) {
    char *argv[32] = {"plot"};
    int argc = 1;
    while (words[argc - 1]) {
        argv[argc] = (char *)words[argc - 1];
        argc++;
    }
    FILE *to = tmpfile();
    fflush(stdout);
    int before = dup(STDOUT_FILENO);
    dup2(fileno(to), STDOUT_FILENO);
    err->text[0] = 0;
    int rc = cmd_plot(argc, argv, err);
    fflush(stdout);
    dup2(before, STDOUT_FILENO);
    close(before);
    rewind(to);
    captured[fread(captured, 1, sizeof captured - 1, to)] = 0;
    fclose(to);
    return rc;
}
#define PLOT(err, ...) plot(err, (const char *const[]){__VA_ARGS__, NULL})

static void change(const char *sql) {
    sqlite3 *db;
    assert_int_equal(sqlite3_open(results, &db), SQLITE_OK);
    synth_exec(db, sql);
    sqlite3_close(db);
}

static double number(const char *sql) {
    sqlite3 *db;
    sqlite3_stmt *query;
    assert_int_equal(sqlite3_open(results, &db), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &query, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(query), SQLITE_ROW);
    double value = sqlite3_column_double(query, 0);
    sqlite3_finalize(query);
    sqlite3_close(db);
    return value;
}

static int setup(void **state) {
    (void)state;
    snprintf(dir, sizeof dir, "%s/test_plot_XXXXXX", P_tmpdir);
    if (!mkdtemp(dir)) return -1;
    join(results, sizeof results, "results.db");
    results_synth(results);
    return 0;
}

static int teardown(void **state) {
    (void)state;
    DIR *d = opendir(dir);
    for (struct dirent *e; (e = readdir(d));) {
        char path[600];
        join(path, sizeof path, e->d_name);
        if (e->d_name[0] != '.') remove(path);
    }
    closedir(d);
    return rmdir(dir);
}

static void assert_contains(const char *text, const char *what, const char *where) {
    if (!strstr(text, what)) fail_msg("'%s' is not in %s", what, where);
}

/* The text as an SVG file holds it. */
static const char *xml(const char *text) {
    static char out[512];
    size_t n = 0;
    for (; *text; text++) {
        const char *as = *text == '<' ? "&lt;" : *text == '&' ? "&amp;" : NULL;
        n += (size_t)snprintf(out + n, sizeof out - n, "%.*s", as ? (int)strlen(as) : 1, as ? as : text);
    }
    return out;
}

static int count(const char *text, const char *what) {
    int n = 0;
    for (; (text = strstr(text, what)); text += strlen(what)) n++;
    return n;
}

static void test_every_figure_draws_its_axes_and_every_policy(void **state) {
    (void)state;
    static const struct { const char *file, *x, *y; } want[] = {
        {"regret.svg", "emitted tokens s", "regret (rounds)"},
        {"regret-seconds.svg", "emitted tokens s", "regret (s, modelled)"},
        {"speed.svg", "tokens per second", "speedup over plain decoding"},
        {"regret-prompts.svg", "prompts", "regret (rounds)"},
    };
    struct err err;
    if (PLOT(&err, "--results", results, "--out", dir, "--format", "svg")) fail_msg("%s", err.text);
    for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
        char *svg;
        read_all(want[i].file, &svg);
        assert_contains(captured, want[i].file, "the printed paths");
        assert_contains(svg, want[i].x, want[i].file);
        assert_contains(svg, want[i].y, want[i].file);
        assert_contains(svg, "SmolLM2-135M Q4_1, AMD EPYC, 8 threads, 28 prompts, 5 seeds", want[i].file);
        for (int k = 0; k < SYNTH_POLICIES; k++) assert_contains(svg, xml(synth_policies[k].spec), want[i].file);
        assert_contains(svg, "</svg>", want[i].file);
        free(svg);
    }
}

static void test_regret_has_a_band_and_a_curve_for_every_policy(void **state) {
    (void)state;
    struct err err;
    char *svg;
    if (PLOT(&err, "regret", "--results", results, "--out", dir, "--format", "svg")) fail_msg("%s", err.text);
    read_all("regret.svg", &svg);
    assert_int_equal(count(svg, "fill-opacity = '0.2"), 4); // the best four stand out
    assert_int_equal(count(svg, "fill-opacity = '0.0"), SYNTH_POLICIES - 5); // plain decoding leaves the picture: no band
    char label[64];
    snprintf(label, sizeof label, "thompson  %.2f", number("SELECT c.regret_rounds FROM curve c JOIN policy p ON p.id = c.policy"
             " WHERE p.experiment = 2 AND p.spec = 'thompson' AND c.prompts >= 14 ORDER BY c.tokens DESC LIMIT 1")); // half of 28
    assert_contains(svg, label, "regret.svg");
    free(svg);
}

static void test_pulls_draws_the_six_best_learners_and_all_arms(void **state) {
    (void)state;
    struct err err;
    char *svg;
    if (PLOT(&err, "pulls", "--results", results, "--out", dir, "--format", "svg")) fail_msg("%s", err.text);
    read_all("pulls.svg", &svg);
    for (int k = 0; k < SYNTH_ARMS; k++) assert_contains(svg, synth_arms[k][1], "pulls.svg");
    assert_contains(svg, "thompson", "pulls.svg");
    assert_null(strstr(svg, "clairvoyant"));
    assert_null(strstr(svg, "random"));
    assert_true(count(svg, "<polygon") + count(svg, "<path") + count(svg, "<rect") > 6 * 25);
    free(svg);
}

static void test_pulls_in_growing_buckets_are_drawn_on_a_log_scale(void **state) {
    (void)state;
    struct err err;
    char *svg;
    for (int experiment = 1; experiment <= 2; experiment++) {
        if (PLOT(&err, "pulls", "--results", results, "--out", dir, "--format", "svg",
                 "--experiment", experiment == 1 ? "1" : "2")) fail_msg("%s", err.text);
        read_all("pulls.svg", &svg);
        assert_int_equal(strstr(svg, "log scale") != NULL, experiment == 1);
        free(svg);
    }
}

static void test_png_and_pdf_are_whole_pictures(void **state) {
    (void)state;
    struct err err;
    char *bytes;
    if (PLOT(&err, "--figure", "regret", "speed", "pulls", "--results", results, "--out", dir)) fail_msg("%s", err.text);
    if (PLOT(&err, "speed", "--results", results, "--out", dir, "--format", "pdf")) fail_msg("%s", err.text);
    static const char *const names[] = {"regret.png", "speed.png", "pulls.png"};
    for (int i = 0; i < 3; i++) {
        size_t n = read_all(names[i], &bytes);
        assert_true(n > 20000);
        assert_memory_equal(bytes, "\x89PNG\r\n\x1a\n", 8); // PNG specification, section 5.2
        assert_memory_equal(bytes + 16, "\0\0\x06\x40\0\0\x03\xC0", 8); // IHDR: 1600 x 960
        assert_memory_equal(bytes + n - 8, "IEND", 4);
        free(bytes);
    }
    size_t n = read_all("speed.pdf", &bytes);
    assert_true(n > 5000);
    assert_memory_equal(bytes, "%PDF-", 5);
    free(bytes);
}

static void test_term_fits_a_hundred_by_thirty_and_names_every_policy(void **state) {
    (void)state;
    struct err err;
    static const char *const names[] = {"regret", "speed", "pulls"};
    for (int f = 0; f < 3; f++) {
        if (PLOT(&err, names[f], "--results", results, "--format", "term")) fail_msg("%s", err.text);
        int lines = 0;
        for (char *at = captured, *end; (end = strchr(at, '\n')); at = end + 1, lines++) {
            int letters = 0;
            for (char *c = at; c < end; c++) letters += ((unsigned char)*c & 0xC0) != 0x80;
            assert_true(letters <= 100);
        }
        assert_true(lines <= 30);
        if (f == 2) continue;
        for (int k = 0; k < SYNTH_POLICIES; k++)
            if (k != 8) assert_contains(captured, synth_policies[k].spec, names[f]); // 8 is too long for regret
    }
}

static void test_policy_restricts_the_picture_and_keeps_the_colours(void **state) {
    (void)state;
    struct err err;
    char *svg;
    if (PLOT(&err, "regret", "--results", results, "--out", dir, "--format", "svg", "--policy", "exp3spec", "best-fixed"))
        fail_msg("%s", err.text);
    read_all("regret.svg", &svg);
    assert_contains(svg, "exp3spec", "regret.svg");
    assert_contains(svg, "best-fixed", "regret.svg");
    assert_null(strstr(svg, "thompson"));
    assert_true(strstr(svg, "rgb( 86, 180, 233)") || strstr(svg, "rgb(86, 180, 233)") || strstr(svg, "#56b4e9")); // the sixth policy, as among all
    free(svg);
}

static void test_newest_experiment_is_drawn_unless_one_is_named(void **state) {
    (void)state;
    struct err err;
    char *svg;
    change("UPDATE experiment SET target = 'older' WHERE id = 1");
    for (int i = 0; i < 2; i++) {
        if (PLOT(&err, "speed", "--results", results, "--out", dir, "--format", "svg", "--experiment", i ? "1" : "0")) fail_msg("%s", err.text);
        read_all("speed.svg", &svg);
        assert_int_equal(strstr(svg, "older, ") != NULL, i);
        free(svg);
    }
}

static void test_csv_and_script_are_kept_beside_the_picture(void **state) {
    (void)state;
    struct err err;
    char *text;
    if (PLOT(&err, "speed", "--results", results, "--out", dir, "--csv", "--script")) fail_msg("%s", err.text);
    read_all("speed.csv", &text);
    assert_int_equal(count(text, "\n"), 1 + SYNTH_POLICIES);
    assert_contains(text, "spec,style,speed,lo,hi,speedup,plain,left_out\nclairvoyant,-2,", "speed.csv");
    assert_contains(text, "\n\"it's \"\"50%\"\" {a_b}^2 \\n é <&> `id`\",", "speed.csv");
    free(text);
    read_all("speed.gp", &text);
    assert_contains(text, "spec[1] = \"clairvoyant\"", "speed.gp");
    assert_contains(text, "$data << END_OF_DATA", "speed.gp");
    free(text);
}

static void test_names_are_never_run(void **state) {
    (void)state;
    struct err err;
    char *sql;
    remove("RUN"); // of an earlier failure
    sql = sqlite3_mprintf("UPDATE policy SET spec = %Q WHERE ordinal = 3", "`touch RUN`@x\\");
    change(sql);
    sqlite3_free(sql);
    sql = sqlite3_mprintf("UPDATE policy SET spec = %Q WHERE ordinal = 4", "' . system('touch RUN') . '");
    change(sql);
    sqlite3_free(sql);
    sql = sqlite3_mprintf("UPDATE experiment SET target = %Q", "a\nsystem 'touch RUN'\nb");
    change(sql);
    sqlite3_free(sql);
    if (PLOT(&err, "speed", "regret", "--results", results, "--out", dir, "--format", "svg")) fail_msg("%s", err.text);
    assert_int_equal(access("RUN", F_OK), -1);
    read_all("speed.svg", &sql);
    assert_contains(sql, "`touch RUN`@x\\", "speed.svg");
    assert_contains(sql, "' . system('touch RUN') . '", "speed.svg");
    assert_contains(sql, "a?system 'touch RUN'?b", "speed.svg");
    free(sql);
}

static void assert_error(int want, int rc, const struct err *err, const char *text) {
    if (rc != want || !strstr(err->text, text)) fail_msg("rc %d (want %d), '%s' (want '%s')", rc, want, err->text, text);
    assert_null(strchr(err->text, '\n'));
}

static void test_bad_input_is_one_clear_line(void **state) {
    (void)state;
    struct err err;
    char path[600];
    join(path, sizeof path, "missing.db");
    assert_error(ERR_FAILED, PLOT(&err, "--results", path, "--out", dir), &err, "missing.db': No such file");
    join(path, sizeof path, "text.db");
    FILE *f = fopen(path, "w");
    for (int i = 0; i < 200; i++) fputs("not a database at all\n", f);
    fclose(f);
    assert_error(ERR_FAILED, PLOT(&err, "--results", path, "--out", dir), &err, "text.db': file is not a database");
    assert_error(ERR_FAILED, PLOT(&err, "--results", results, "--out", dir, "--experiment", "7"), &err, "no experiment 7 in");
    assert_error(ERR_FAILED, PLOT(&err, "--results", results, "--out", dir, "--policy", "ucb1"), &err, "no policy 'ucb1' in experiment 2");
    assert_contains(err.text, "it has: none fixed:arm=pld:4", "the error");
    assert_error(ERR_FAILED, PLOT(&err, "--results", results, "--out", path), &err, "is not a directory");
    assert_error(ERR_USAGE, PLOT(&err, "regrets", "--results", results), &err, "unknown figure 'regrets', there are: regret regret-log regret-seconds regret-prompts regret-bounds speed categories");
    assert_error(ERR_USAGE, PLOT(&err, "--results", results, "--format", "gif"), &err, "wants png, svg, pdf or term, got 'gif'");
    assert_error(ERR_USAGE, PLOT(&err, "speed"), &err, "'--results' is required");
    change("DELETE FROM curve");
    assert_error(ERR_FAILED, PLOT(&err, "regret", "--results", results, "--out", dir), &err, "has no regret curve");
    change("DELETE FROM pull");
    assert_error(ERR_FAILED, PLOT(&err, "pulls", "--results", results, "--out", dir), &err, "has no arm pulls");
    change("DELETE FROM policy");
    assert_error(ERR_FAILED, PLOT(&err, "speed", "--results", results, "--out", dir), &err, "experiment 2 of");
    change("DELETE FROM experiment");
    assert_error(ERR_FAILED, PLOT(&err, "--results", results, "--out", dir), &err, "no experiment in");
    change("PRAGMA user_version = 9");
    assert_error(ERR_FAILED, PLOT(&err, "--results", results, "--out", dir), &err, "results of version 9, this program reads version 1");
    change("PRAGMA application_id = 5");
    assert_error(ERR_FAILED, PLOT(&err, "--results", results, "--out", dir), &err, "is not a results database");
}

static void test_bounds_are_drawn_beside_the_policies_they_are_of(void **state) {
    (void)state;
    struct err err;
    char *svg;
    if (PLOT(&err, "regret-bounds", "--results", results, "--out", dir, "--format", "svg")) fail_msg("%s", err.text);
    read_all("regret-bounds.svg", &svg);
    static const char *const parts[] = {"every token by itself", "asymptote of any", "ucbspec", "Theorem 5.3 promises no better here"};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) assert_contains(svg, parts[i], "regret-bounds.svg");
    free(svg);
}

/* A sweep has no curves, and a file of version 1 no regret over prompts: what there is is drawn. */
static void test_figures_without_data_are_left_out_unless_named(void **state) {
    (void)state;
    struct err err;
    results_synth(results);
    change("DROP TABLE bound; DROP TABLE stream; DROP TABLE setting; DROP TABLE run; DROP TABLE walk; DROP TABLE comparison; PRAGMA user_version = 1; DELETE FROM curve");
    if (PLOT(&err, "--results", results, "--out", dir, "--format", "svg")) fail_msg("%s", err.text);
    assert_non_null(strstr(captured, "speed.svg"));
    assert_non_null(strstr(captured, "pulls.svg"));
    assert_null(strstr(captured, "regret"));
    assert_error(ERR_FAILED, PLOT(&err, "regret", "--results", results, "--out", dir), &err, "has no regret curve");
    results_synth(results);
}

static void test_gnuplot_missing_is_one_clear_line_and_leaves_nothing(void **state) {
    (void)state;
    struct err err;
    char *path = strdup(getenv("PATH")), picture[600];
    setenv("PATH", dir, 1);
    int rc = PLOT(&err, "speed", "--results", results, "--out", dir);
    setenv("PATH", path, 1);
    free(path);
    assert_error(ERR_FAILED, rc, &err, "gnuplot not found in PATH (needed to draw; apt-get install gnuplot-nox)");
    join(picture, sizeof picture, "speed.png");
    assert_int_equal(access(picture, F_OK), -1);
    join(picture, sizeof picture, "speed.png.part");
    assert_int_equal(access(picture, F_OK), -1);
}

static void test_gnuplot_that_fails_is_quoted(void **state) {
    (void)state;
    struct err err = {""};
    FILE *script = tmpfile();
    fputs("set nonsense\n", script);
    int out = open("/dev/null", O_WRONLY), rc = gnuplot_run(script, out, &err);
    assert_error(ERR_FAILED, rc, &err, "gnuplot fails with status 1: line 0: ");
    close(out);
    fclose(script);
}

static void test_quoting_keeps_what_is_utf8_and_drops_what_is_not(void **state) {
    (void)state;
    static const char *const pairs[][2] = {
        {"ucb:c=0.5", "\"ucb:c=0.5\""}, {"it's `\"@\\", "\"it\\047s \\140\\042\\100\\134\""},
        {"\"50", "\"\\042\\065\\060\""}, {"a\nb\x7F", "\"a?b?\""}, {"γ→日𝛾", "\"γ→日𝛾\""},
        {"\xC3", "\"?\""}, {"\xC0\xAF", "\"?" "?\""}, {"\xED\xA0\x80", "\"?" "?" "?\""}, {"\xF5x", "\"?x\""}, // apart: no trigraphs
    };
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        char *text;
        size_t n;
        FILE *to = open_memstream(&text, &n);
        gnuplot_quote(pairs[i][0], to);
        fclose(to);
        assert_string_equal(text, pairs[i][1]);
        free(text);
    }
}

int main(void) {
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        CASE(test_every_figure_draws_its_axes_and_every_policy),
        CASE(test_regret_has_a_band_and_a_curve_for_every_policy),
        CASE(test_pulls_draws_the_six_best_learners_and_all_arms),
        CASE(test_pulls_in_growing_buckets_are_drawn_on_a_log_scale),
        CASE(test_png_and_pdf_are_whole_pictures),
        CASE(test_term_fits_a_hundred_by_thirty_and_names_every_policy),
        CASE(test_policy_restricts_the_picture_and_keeps_the_colours),
        CASE(test_newest_experiment_is_drawn_unless_one_is_named),
        CASE(test_csv_and_script_are_kept_beside_the_picture),
        CASE(test_names_are_never_run),
        CASE(test_bad_input_is_one_clear_line),
        CASE(test_bounds_are_drawn_beside_the_policies_they_are_of),
        CASE(test_figures_without_data_are_left_out_unless_named),
        CASE(test_gnuplot_missing_is_one_clear_line_and_leaves_nothing),
        CASE(test_gnuplot_that_fails_is_quoted),
        cmocka_unit_test(test_quoting_keeps_what_is_utf8_and_drops_what_is_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
