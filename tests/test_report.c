/* test_report.c - reports: their numbers against queries of their own, what they conclude, and odd names in every form.
 *
 * One replay of the kept trace and some made worlds serve all; tests that spoil a file work on a copy. */
#include <omp.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>

#include "analysis/plot.h"
#include "analysis/wrap.h"
#include "sim/board.h"
#include "tests/permissions.h"
#include "tests/reporting.h"
#include "tests/results_large.h"
#include "traces/db.h"

command cmd_sweep;
extern const char sql_sim_fidelity[];

#if defined(__SANITIZE_ADDRESS__)
enum { SLOWER = 5 };
#else
enum { SLOWER = 1 };
#endif

/* -- numbers -- */

#define FIXED "(SELECT sum(seconds) FROM walk WHERE arm = " ARM ")"

static void test_figures_of_every_policy_match_a_query_over_its_outcomes(void **state) {
    (void)state;
    size_t i;
    json_t *all = json_of(kept), *row;
    char *html = bare_page_of(kept), *csv = report_of(kept, "--csv"), *text = report_of(kept, "--text"),
        *latex = report_of(kept, "--latex"), cell[128];
    assert_int_equal(json_array_size(json_object_get(all, "policies")), 6);
    json_array_foreach(json_object_get(all, "policies"), i, row) {
        const char *spec = text_at(row, "policy");
        double speed = real(kept, "SELECT " TOKENS " / " TOOK("o.seconds"), spec);
        assert_near(at(row, "tokens_per_s", "value"), speed, spec);
        assert_near(at(row, "mat", "value"), real(kept, "SELECT " TOKENS " / " TOOK("o.rounds"), spec), spec);
        assert_near(at(row, "speedup", "value"), real(kept, "SELECT (SELECT sum(plain_seconds) FROM sequence) / " TOOK("o.seconds"),
            spec), spec);
        assert_near(at(row, "regret_rounds", "value"), real(kept, "SELECT (" TOOK("o.rounds") " - sum(best_rounds)) / count(*) FROM "
            "sequence", spec), spec);
        assert_near(at(row, "gap_closed", NULL), real(kept, "SELECT (" FIXED " - " TOOK("o.seconds") ") / (" FIXED " - (SELECT "
            "sum(oracle_seconds) FROM sequence))", spec), spec);
        double percent = real(kept, "SELECT 100 * (" FIXED " / " TOOK("o.seconds") " - 1)", spec);
        assert_near(at(json_object_get(row, "against_best_fixed"), "percent", "value"), percent, spec);
        // Intervals are those that the replay has stored, and so are its comparisons, with the fastest.
        assert_near(at(row, "tokens_per_s", "lo"), real(kept, "SELECT tokens_per_s_lo FROM policy WHERE spec = ?", spec), spec);
        assert_near(at(row, "speedup", "hi"), real(kept, "SELECT speedup_hi FROM policy WHERE spec = ?", spec), spec);
        assert_near(at(json_object_get(row, "against_fastest"), "p_holm", NULL),
            real(kept, "SELECT p_holm FROM comparison c JOIN policy p ON p.id = c.policy WHERE spec = ?", spec), spec);
        assert_near(at(row, "rank", "value"), real(kept, "SELECT rank FROM comparison c JOIN policy p ON p.id = c.policy WHERE spec = ?",
            spec), spec);
        snprintf(cell, sizeof cell, "<span class=\"name\">%s</span></th><td>%.0f</td>", spec, at(row, "rank", "value"));
        const char *line = strstr(html, cell);
        if (!line) fail_msg("no row '%s' in the page", cell);
        char *end = strndup(line, strcspn(line, "\n"));
        snprintf(cell, sizeof cell, "<td>%.0f</td>", speed);
        assert_contains(end, cell);
        snprintf(cell, sizeof cell, "%s%.1f</td>", percent < 0 ? "\u2212" : "+", fabs(percent));
        assert_contains(end, cell);
        free(end);
        snprintf(cell, sizeof cell, "%.1f [%.1f, %.1f]", speed, at(row, "tokens_per_s", "lo"), at(row, "tokens_per_s", "hi"));
        assert_contains(text, cell);
        snprintf(cell, sizeof cell, "%s}& ", spec);
        snprintf(cell, sizeof cell, "\\texttt{%s} & %.1f & {[}%.1f, ", spec, speed, at(row, "tokens_per_s", "lo"));
        if (at(row, "tokens_per_s", "hi") < 1000 && real(kept, "SELECT max(tokens_per_s_hi) FROM policy WHERE oracle = 0",
            NULL) < 999.95) assert_contains(latex, cell);
        snprintf(cell, sizeof cell, "\n%s,policy,%.0f,", spec, at(row, "rank", "value"));
        assert_contains(csv, cell);
        snprintf(cell, sizeof cell, ",%.10g,%.10g,%.10g,", speed, at(row, "tokens_per_s", "lo"), at(row, "tokens_per_s", "hi"));
        assert_contains(csv, cell);
    }
    free(html), free(csv), free(text), free(latex);
    json_decref(all);
}

static void test_comparators_match_queries_over_the_walks(void **state) {
    (void)state;
    static const struct { const char *name, *seconds; } want[] = {
        {"plain", "(SELECT sum(seconds) FROM walk WHERE arm = -2)"}, {"best-fixed", FIXED},
            {"best-per-prompt", "(SELECT sum(best_seconds) FROM sequence)"},
        {"best-per-category", "(SELECT sum(x) FROM (SELECT min(y) x FROM (SELECT q.category c, w.arm, sum(w.seconds) y FROM walk w JOIN "
            "sequence q USING (experiment, sequence)"
                              " WHERE w.arm >= 0 GROUP BY q.category, w.arm) GROUP BY c))"},
        {"clairvoyant-rounds", "(SELECT sum(seconds) FROM walk WHERE arm = -3)"},
            {"clairvoyant", "(SELECT sum(oracle_seconds) FROM sequence)"}};
    json_t *all = json_of(kept), *rows = json_object_get(all, "references");
    assert_int_equal(json_array_size(rows), 6);
    for (int i = 0; i < 6; i++)
        for (size_t k = 0; k < 6; k++) {
            char sql[1024];
            if (strcmp(text_at(json_array_get(rows, k), "policy"), want[i].name)) continue;
            snprintf(sql, sizeof sql, "SELECT " TOKENS " / %s", want[i].seconds);
            assert_near(at(json_array_get(rows, k), "tokens_per_s", "value"), real(kept, sql, NULL), want[i].name);
        }
    char *arm = NULL;
    sqlite3 *db;
    sqlite3_stmt *s;
    assert_int_equal(sqlite3_open(kept, &db), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, "SELECT name FROM arm WHERE arm = " ARM, -1, &s, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(s), SQLITE_ROW);
    arm = strdup((const char *)sqlite3_column_text(s, 0));
    sqlite3_finalize(s), sqlite3_close(db);
    assert_string_equal(text_at(json_object_get(all, "verdict"), "best_fixed_arm"), arm);
    free(arm);
    json_decref(all);
}

static void test_the_table_by_category_matches_a_query(void **state) {
    (void)state;
    json_t *all = json_of(kept), *rows = json_object_get(all, "categories"), *row;
    const char *chosen = text_at(json_object_get(all, "verdict"), "recommended");
    size_t i;
    assert_int_equal(json_array_size(rows), query_number(kept, "SELECT count(DISTINCT category) FROM sequence"));
    json_array_foreach(rows, i, row) {
        const char *name = text_at(row, "category");
        char sql[2048];
        snprintf(sql, sizeof sql, "SELECT (SELECT sum(tokens - 1) FROM sequence WHERE category = ?1) / (SELECT sum(x) FROM (SELECT "
            "avg(o.seconds) x FROM outcome o JOIN policy p ON p.id = o.policy"
                 " JOIN sequence q ON q.sequence = o.sequence WHERE q.category = ?1 AND p.spec = '%s' GROUP BY o.sequence))", chosen);
        assert_near(at(row, "recommended", "value"), real(kept, sql, name), name);
        assert_near(at(row, "best_fixed", "value"), real(kept, "SELECT (SELECT sum(tokens - 1) FROM sequence WHERE category = ?1) / "
            "(SELECT sum(w.seconds) FROM walk w JOIN sequence q"
                    " USING (experiment, sequence) WHERE q.category = ?1 AND w.arm = " ARM ")", name), name);
        assert_int_equal(at(row, "prompts", NULL), (int)real(kept, "SELECT count(*) FROM sequence WHERE category = ?", name));
    }
    json_decref(all);
}

static void test_a_sweep_is_reported_from_its_runs(void **state) {
    (void)state;
    struct err err;
    snprintf(file, sizeof file, "%s", here("sweep.db"));
    if (run_command(cmd_sweep, &err, NULL, WORDS("sweep", "--db", KEPT_TRACE, "--results",
        file, "--policy", "ucbspec:delta={0.1,0.5}", "hf", "--seeds", "2", "--quiet"))) fail_msg("%s", err.text);
    json_t *all = json_of(file), *row;
    size_t i;
    assert_int_equal(json_array_size(json_object_get(all, "policies")), 3);
    json_array_foreach(json_object_get(all, "policies"), i, row) {
        const char *spec = text_at(row, "policy");
        assert_near(at(row, "tokens_per_s", "value"), real(file, "SELECT sum(emitted) / sum(seconds) FROM run WHERE spec = ?", spec), spec);
        assert_near(at(row, "tokens_per_s", "lo"), real(file, "SELECT tokens_per_s_lo FROM policy WHERE spec = ?", spec), spec);
    }
    json_decref(all);
    char *html = bare_page_of(file);
    assert_contains(html, "banditspec sweep --db " KEPT_TRACE);
    assert_contains(html, "sources that play, sha256");
    free(html);
}

/* What is chosen on the other prompts is reported on those held out. */
static void test_a_hold_out_chooses_on_one_part_and_reports_the_other(void **state) {
    (void)state;
    struct err err;
    if (REPORT(&err, here("out"), "--results", kept, "--holdout", "0.4", "--json")) fail_msg("%s", err.text);
    char *text = read_file(here("out")), list[4096] = "", other[4096] = "", sql[12000];
    json_t *all = json_loads(text, 0, NULL), *row;
    sqlite3 *db;
    sqlite3_stmt *s;
    int n = 0;
    size_t i;
    assert_int_equal(sqlite3_open(kept, &db), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, "SELECT sequence, prompt_key FROM sequence ORDER BY sequence", -1, &s, NULL), SQLITE_OK);
    while (sqlite3_step(s) == SQLITE_ROW) {
        bool out = board_holds_out((const char *)sqlite3_column_text(s, 1), 0.4);
        char *to = out ? list : other;
        n += out;
        snprintf(to + strlen(to), sizeof list - strlen(to), "%s%d", *to ? "," : "", sqlite3_column_int(s, 0));
    }
    sqlite3_finalize(s), sqlite3_close(db);
    assert_int_equal(at(all, "prompts", NULL), n);
    assert_int_equal(at(all, "chosen_on", NULL), 28 - n);
    json_array_foreach(json_object_get(all, "policies"), i, row) {
        snprintf(sql, sizeof sql, "SELECT (SELECT sum(tokens - 1) FROM sequence WHERE sequence IN (%s)) / (SELECT sum(x) FROM (SELECT "
            "avg(o.seconds) x FROM outcome o JOIN policy p"
                 " ON p.id = o.policy WHERE p.spec = ?1 AND o.sequence IN (%s) GROUP BY o.sequence))", list, list);
        assert_near(at(row, "tokens_per_s", "value"), real(kept, sql, text_at(row, "policy")), text_at(row, "policy"));
    }
    snprintf(sql, sizeof sql, "SELECT arm FROM walk WHERE arm >= 0 AND sequence IN (%s) GROUP BY arm ORDER BY sum(seconds) LIMIT 1", other);
    int arm = (int)real(kept, sql, NULL);
    snprintf(sql, sizeof sql, "SELECT count(*) FROM arm WHERE arm = %d AND name = ?", arm);
    assert_int_equal(real(kept, sql, text_at(json_object_get(all, "verdict"), "best_fixed_arm")), 1);
    free(text), json_decref(all);
    assert_refused(cmd_report, WORDS("report", "--results", kept, "--holdout", "0.001", "--json"),
        ERR_FAILED, "leaves 28 prompts to choose by and 0 to report");
}

/* -- conclusions -- */

static void assert_says(const char *results, const char *words) {
    char *html = bare_page_of(results), *text = report_of(results, "--text"), *line = text;
    json_t *all = json_of(results);
    assert_contains(html, words);
    assert_contains(text_at(json_object_get(all, "verdict"), "headline"), words);
    for (; (line = strchr(line, '\n')); ) *line = ' ';
    assert_contains(text, words);
    json_decref(all);
    free(html), free(text);
}

/* Its rounds, too, are those of the arm with the fewest seconds, as replay says, not of the one with the fewest rounds. */
static void test_best_per_prompt_is_one_arm_a_prompt(void **state) {
    (void)state;
    size_t i;
    json_t *all = json_of(kept), *row;
    int found = 0;
    double mat = real(kept, "SELECT 1.0 * sum(s.tokens - 1) / sum(w.rounds) FROM sequence s JOIN walk w ON w.sequence = s.sequence AND w.arm = s.best_arm_seconds", "");
    assert_true(fabs(mat - real(kept, "SELECT 1.0 * sum(tokens - 1) / sum(best_rounds) FROM sequence", "")) > 0.01); // the arms differ
    json_array_foreach(json_object_get(all, "references"), i, row) {
        if (strcmp(text_at(row, "policy"), "best-per-prompt")) continue;
        assert_near(at(row, "mat", "value"), mat, "best-per-prompt");
        assert_true(at(row, "regret_rounds", "value") > 0);
        found++;
    }
    assert_int_equal(found, 1);
    json_decref(all);
}

/* A fixed arm that is the reference is not counted against itself; all other rows of the table are, each once. */
static void test_counts_are_those_of_the_table(void **state) {
    (void)state;
    size_t i;
    json_t *row;
    play(KEPT_TRACE, here("arms-results.db"), WORDS("--policy", "fixed:arm={0,1,2}", "ucbspec:delta={0.1,0.2}", "--arms", "plain", "eagle:stop(entropy>1.5)",
                                                    "eagle:stop(maxprob<0.5)"));
    json_t *all = json_of(here("arms-results.db")), *verdict = json_object_get(all, "verdict"), *rows = json_object_get(all, "policies");
    json_int_t same = 0, slower = 0, reference = 0;
    json_array_foreach(rows, i, row) {
        const char *word = json_string_value(json_object_get(json_object_get(row, "against_best_fixed"), "verdict"));
        same += !strcmp(word, "no difference found"), slower += !strcmp(word, "slower"), reference += !strcmp(word, "the one compared with");
    }
    assert_int_equal(json_array_size(rows), 5);
    assert_int_equal(json_integer_value(json_object_get(verdict, "policies")), 5);
    assert_int_equal(reference, 1);
    assert_int_equal(same, 1);
    assert_int_equal(json_integer_value(json_object_get(verdict, "not_distinguishable")), same);
    assert_int_equal(json_integer_value(json_object_get(verdict, "slower")), slower);
    assert_int_equal(json_integer_value(json_object_get(verdict, "faster")), 0);
    json_decref(all);
    assert_says(here("arms-results.db"), "(1 of 4 is not distinguishable from it, 3 are slower)");
}

static void test_where_all_are_equal_no_policy_is_distinguishable_from_gamma_3(void **state) {
    (void)state;
    // Every draft is refused, and drafting and further rows cost nothing: all arms take the same.
    made(here("equal.db"), WORDS("--drafter", "d=0@0", "--sequences", "20", "--tokens", "64", "--row-ms", "0"));
    play(here("equal.db"), here("equal-results.db"), WORDS("--policy", "ucbspec", "thompson", "hf", "--arms", "d:3", "d:1", "d:2", "d:4"));
    assert_says(here("equal-results.db"), "no policy is distinguishable from the best fixed arm (d:3) on this trace");
    // One arm: every policy plays it.
    made(here("one.db"), WORDS("--drafter", "d=0.6", "--sequences", "20", "--tokens", "64"));
    play(here("one.db"), here("one-results.db"), WORDS("--policy", "ucbspec", "thompson", "exp3", "--arms", "d:3"));
    assert_says(here("one-results.db"), "no policy is distinguishable from the best fixed arm (d:3) on this trace");
    // Two drafters of the same law: equal but for chance.
    made(here("two.db"), WORDS("--drafter", "a=0.6", "b=0.6", "--sequences", "30", "--tokens", "64"));
    play(here("two.db"), here("two-results.db"), WORDS("--policy", "ucbspec", "thompson", "exp3", "--arms", "a:3", "b:3"));
    assert_says(here("two-results.db"), "no policy is distinguishable from the best fixed arm (a:3) on this trace");
    // Two prompts, and plain decoding the best arm: nothing is said of plain decoding against itself.
    made(here("few.db"), WORDS("--drafter", "d=0@0", "--sequences", "2", "--tokens", "64", "--row-ms", "0"));
    play(here("few.db"), here("few-results.db"), WORDS("--policy", "ucbspec", "thompson", "--arms", "plain", "d:1"));
    assert_says(here("few-results.db"), "too few prompts (2) to tell any policy from plain decoding on this trace");
    json_t *all = json_of(here("few-results.db"));
    assert_null(strstr(text_at(json_object_get(all, "verdict"), "headline"), "nor does it differ"));
    json_decref(all);
    made(here("fewer.db"), WORDS("--drafter", "d=0.9", "--sequences", "3", "--tokens", "64"));
    play(here("fewer.db"), here("fewer-results.db"), WORDS("--policy", "none", "fixed:arm=1", "--arms", "plain", "d:4"));
    assert_says(here("fewer-results.db"), "no policy that chooses has played; too few prompts (3) to tell");
}

static void test_a_policy_that_is_faster_is_recommended_and_the_arm_named(void **state) {
    (void)state;
    json_t *all = json_of(kept), *verdict = json_object_get(all, "verdict");
    char words[256];
    assert_says(kept, "use auto: ");
    snprintf(words, sizeof words, "%% faster than the best fixed arm (%s) and ", text_at(verdict, "best_fixed_arm"));
    assert_says(kept, words);
    snprintf(words, sizeof words, " of the best fixed arm (%s), p ", text_at(verdict, "best_fixed_arm"));
    assert_contains(text_at(verdict, "amount"), words);
    assert_string_equal(text_at(verdict, "recommended"), "auto");
    assert_string_equal(text_at(verdict, "conclusion"), "a policy is faster");
    assert_true(at(verdict, "faster", NULL) >= 1);
    json_decref(all);
}

static void test_where_drafting_does_not_pay_plain_decoding_is_recommended(void **state) {
    (void)state;
    made(here("poor.db"), WORDS("--drafter", "d=0.01@5", "--sequences", "20", "--tokens", "64", "--row-ms", "3"));
    play(here("poor.db"), here("poor-results.db"), WORDS("--policy", "ucbspec", "thompson", "--arms", "d:1-3"));
    assert_says(here("poor-results.db"), "no policy and no fixed arm is faster than plain decoding on this trace");
}

static void test_of_level_policies_auto_else_the_one_of_least_state_is_recommended(void **state) {
    (void)state;
    const char *path = here("level.db");
    results_large(path, 6, 60, 2);
    run_sql(path, "UPDATE outcome SET seconds = (SELECT seconds FROM outcome o WHERE o.policy = 6 AND o.seed = outcome.seed AND o.sequence "
        "= outcome.sequence)"
                  " * (1 + 1e-4 * ((sequence * 7 + policy) % 3 - 1)) WHERE policy > 2;"
                  "UPDATE policy SET spec = 'exp3spec', name = 'exp3spec' WHERE id = 3; UPDATE policy SET spec = 'hf', name = 'hf' WHERE "
                      "id = 4;");
    json_t *all = json_of(path);
    assert_string_equal(text_at(json_object_get(all, "verdict"), "recommended"), "hf"); // keeps a number, where UCBSpec keeps two an arm
    json_decref(all);
    run_sql(path, "UPDATE policy SET spec = 'auto', name = 'auto' WHERE id = 5; UPDATE outcome SET seconds = seconds * (1 + 2e-5 + 1e-3 * "
        "(sequence % 3 - 1)) WHERE policy = 5");
    all = json_of(path);
    assert_string_equal(text_at(json_object_get(all, "verdict"), "recommended"), "auto");
    assert_contains(text_at(json_object_get(all, "verdict"), "reason"), "auto is recommended rather than ");
    json_decref(all);
}

/* -- names, as they are -- */

static void test_odd_names_are_shown_as_they_are_in_every_form(void **state) {
    (void)state;
    odd_results();
    char *html = page_of(file), *latex = report_of(file, "--latex"), *csv = report_of(file, "--csv"), *text = report_of(file, "--text");
    assert_null(strstr(html, "<script"));
    assert_true(count(html, odd_html) >= 9); // the verdict, the keys, both tables, the category, target, device, trace
    assert_markup(html);
    assert_contains(latex, odd_latex);
    assert_contains(csv, odd_csv);
    assert_contains(text, "o'dd \"50%\" {a_b}^2 \\n \xC3\xA9");
    json_t *all = json_of(file);
    assert_string_equal(text_at(json_object_get(all, "verdict"), "recommended"), odd);
    assert_string_equal(text_at(json_array_get(json_object_get(all, "categories"), 0), "category"), odd);
    assert_string_equal(text_at(all, "device"), odd);
    json_decref(all);
    free(html), free(latex), free(csv), free(text);
}

static void test_control_characters_and_broken_utf8_never_get_through(void **state) {
    (void)state;
    copy_of(kept, "control.db");
    run_sql(file, "UPDATE policy SET spec = 'a' || char(27) || '[2J' || char(10) || 'b' || CAST(x'C3' AS TEXT) WHERE spec = 'auto'; UPDATE "
        "experiment SET target = 'x' || char(13) || char(7)");
    static const char *const forms[] = {"--text", "--json", "--latex", "--csv", NULL};
    for (int i = 0; i < 5; i++) {
        char *out = forms[i] ? report_of(file, forms[i]) : bare_page_of(file);
        for (const char *c = out; *c; c++)
            if ((unsigned char)*c < 32 && *c != '\n') fail_msg("control character %d in form %d", *c, i);
        assert_true(strstr(out, "a\xEF\xBF\xBD[2J\xEF\xBF\xBD" "b\xEF\xBF\xBD") || strstr(out, "a?[2J?b?"));
        free(out);
    }
}

static void test_text_is_at_most_24_lines_of_80_columns(void **state) {
    (void)state;
    char *text = report_of(kept, "--text");
    assert_page(text);
    free(text);
    odd_results();
    text = report_of(file, "--text");
    assert_page(text);
    free(text);
    run_sql(file, "UPDATE policy SET spec = replace(printf('%.300c', 'x'), 'x', '\xE6\x97\xA5') || ordinal, name = 'long' || ordinal; "
        "UPDATE arm SET name = printf('%.200c', 'y') || arm;"
                  "UPDATE experiment SET target = printf('%.300c', 'z'), device = printf('%.300c', 'w')");
    text = report_of(file, "--text");
    assert_page(text);
    free(text);
    const char *large = here("level2.db");
    results_large(large, 60, 12, 1);
    text = report_of(large, "--text");
    assert_page(text);
    assert_contains(text, " more policies; ");
    free(text);
}

/* Every sentence of the verdict and of caution is there to its end, in lines of 80 columns. */
static void assert_whole_sentences(const char *results) {
    static const char *const sentences[] = {"headline", "amount", "sureness", "reason"};
    char *text = report_of(results, "--text");
    json_t *all = json_of(results), *verdict = json_object_get(all, "verdict");
    assert_page(text);
    if (strstr(text, "\xE2\x80\xA6")) fail_msg("something is cut: %s", text);
    for (char *line = text; (line = strchr(line, '\n')); ) *line = ' ';
    for (int i = 0; i < 4; i++) assert_contains(text, text_at(verdict, sentences[i]));
    assert_contains(text, "; the arm and the fastest were chosen on these prompts; seconds are modelled from the trace's recorded timings, not measured ");
    json_decref(all);
    free(text);
}

static void test_text_has_whole_sentences(void **state) {
    (void)state;
    struct err err;
    assert_whole_sentences(kept);
    play("traces/demo/coding.db", here("coding-results.db"), WORDS("--policy", "auto", "hf", "thompson", "exp3spec", "none")); // the arm, at length
    assert_whole_sentences(here("coding-results.db"));
    json_t *all = json_of(here("coding-results.db"));
    char *text = report_of(here("coding-results.db"), "--text"), words[256];
    snprintf(words, sizeof words, "best fixed arm (%s) ", text_at(json_object_get(all, "verdict"), "best_fixed_arm"));
    assert_contains(text, words);
    free(text), json_decref(all);
    const char *large = here("level3.db"); // names of 28 letters, of which eight are said, and more policies than lines
    results_large(large, 60, 12, 1);
    run_sql(large, "UPDATE policy SET spec = printf('a-policy-of-28-letters-%05d', ordinal), name = 'p' || ordinal");
    if (REPORT(&err, here("out"), "--results", (char *)large, "--text")) fail_msg("%s", err.text);
    text = read_file(here("out"));
    assert_page(text);
    char *table = strstr(text, "\nrank policy");
    assert_non_null(table);
    *table = 0;
    assert_null(strstr(text, "\xE2\x80\xA6"));
    free(text);
}

static void test_long_words_go_on_in_the_next_line(void **state) {
    (void)state;
    char word[201], *text;
    size_t n;
    memset(word, 'x', 200), word[200] = 0;
    FILE *to = open_memstream(&text, &n);
    struct wrap p = {.to = to, .indent = 4};
    wrap_text(&p, word, 5, NULL);
    wrap_text(&p, "  a b ", 5, NULL);
    wrap_text(&p, word, 2, NULL);
    fclose(to);
    assert_int_equal(p.lines, 3 + 1 + 2); // 78 + 74 + 48 letters; one line; 78, and the rest is cut
    assert_int_equal(wrap_lines(word, 4), 3);
    assert_int_equal(wrap_lines("", 4), 0);
    assert_int_equal(count(text, "x"), 200 + 78 + 72);
    assert_contains(text, "\na b\n");
    assert_true(n > 5 && !strcmp(text + n - 5, " \xE2\x80\xA6\n"));
    free(text);
}

/* -- the page -- */

static char *drawn; // the page of the kept trace with all its figures

static char *page_with_trace(void) {
    struct err err;
    if (REPORT(&err, NULL, "--results", kept, "--db", KEPT_TRACE, "--out", page)) fail_msg("%s", err.text);
    return read_file(page);
}

static void test_the_page_is_whole_needs_nothing_else_and_says_what_each_figure_shows(void **state) {
    (void)state;
    struct plot p;
    struct err err = {""};
    drawn = page_with_trace();
    assert_markup(drawn);
    if (plot_open(&p, kept, 0, NULL, 0, &err) || plot_open_trace(&p, KEPT_TRACE, 0, &err)) fail_msg("%s", err.text);
    int n = 0;
    for (const struct figure *f = figures; f->name; f++) {
        char id[200];
        if (!f->caption || strlen(f->caption) < 40) fail_msg("figure '%s' has no caption that says what to see", f->name);
        if (!plot_has(&p, f)) continue;
        n++;
        snprintf(id, sizeof id, "<figure id=\"fig-%s\">\n<div class=\"picture\" tabindex=\"0\" role=\"region\" aria-label=\"figure %s\">\n"
            "<svg viewBox=\"0 0 800 ", f->name, f->name);
        assert_contains(drawn, id);
        assert_memory_equal(strchr(strstr(drawn, id) + strlen(id), '"'), "\" role=\"img\" aria-label=\"Figure: ", 32);
    }
    plot_close(&p);
    assert_true(n >= 10);
    assert_int_equal(count(drawn, "<figure "), n);
    assert_int_equal(count(drawn, "<figcaption><b>"), n);
    assert_contains(drawn, ".picture > svg { display: block; width: 100%; min-width: 50rem;"); // as wide as drawn: letters can be read on a phone
    static const char *const nowhere[] = {"http:", "https:", "src=", "@import", "@font-face", "<script", "<link rel=\"stylesheet"};
    for (size_t i = 0; i < sizeof nowhere / sizeof *nowhere; i++)
        if (strstr(drawn, nowhere[i])) fail_msg("the page has '%s': %.80s", nowhere[i], strstr(drawn, nowhere[i]));
    static const char *const parts[] = {"Which policy should I use for this model, these prompts and this hardware, by how much, and how "
        "sure are we?", "By how much.", "How sure.", "id=\"leaderboard\"",
        "no difference found", "id=\"categories\"", "chosen in hindsight on these very prompts", "seconds are modelled from the "
            "trace", "prefers-color-scheme: dark", "@media print",
        "banditspec replay --db " KEPT_TRACE, "--seeds 3", "trace content sha256", "AMD EPYC", "<dt>target sha256</dt>", "pld: pld, "
            "match=recent"};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) assert_contains(drawn, parts[i]);
}

static void test_the_same_files_give_the_same_bytes_on_any_number_of_threads(void **state) {
    (void)state;
    static const char *const forms[] = {"--text", "--json", "--latex", "--csv", NULL};
    char *one[5];
    for (int i = 0; i < 5; i++) {
        omp_set_num_threads(1);
        one[i] = forms[i] ? report_of(kept, forms[i]) : page_with_trace();
        omp_set_num_threads(3);
        char *two = forms[i] ? report_of(kept, forms[i]) : strdup(drawn);
        assert_string_equal(one[i], two);
        free(one[i]), free(two);
    }
    free(drawn);
}

static void test_the_commands_of_the_page_make_the_same_results(void **state) {
    (void)state;
    char *html = bare_page_of(kept), line[8192], *words[64];
    const char *at = strstr(html, "banditspec replay --db ");
    snprintf(line, sizeof line, "%.*s", (int)strcspn(at, "\n"), at);
    int n = 0;
    for (char *word = strtok(line + strlen("banditspec "), " "); word; word = strtok(NULL, " ")) words[n++] = word; // none is quoted
    words[n] = NULL;
    for (int i = 0; i < n; i++)
        if (!strcmp(words[i], "--results")) words[i + 1] = (char *)here("again.db");
    struct err err;
    if (replay(&err, NULL, words)) fail_msg("%s", err.text);
    static const char sum[] = "SELECT sum(o.seconds * (1 + p.ordinal)) FROM outcome o JOIN policy p ON p.id = o.policy";
    assert_near(real(here("again.db"), sum, NULL), real(kept, sum, NULL), "outcomes of the command");
    free(html);
}

static void test_the_trace_must_be_the_one_that_was_played(void **state) {
    (void)state;
    assert_refused(cmd_report, WORDS("report", "--results", kept, "--db", "traces/demo/coding.db", "--text"),
        ERR_FAILED, "coding.db' is not the one that experiment 1 of");
    assert_refused(cmd_report, WORDS("report", "--results", kept, "--db", kept, "--text"), ERR_FAILED, "is not a banditspec trace");
}

static void test_live_runs_of_the_same_trace_say_how_far_simulation_is_off(void **state) {
    (void)state;
    copy_of(kept, "live.db");
    run_sql(file, sql_sim_fidelity);
    run_sql(file, "INSERT INTO fidelity SELECT 1, 'then', trace, trace_sha256, target, 'A <phone>', 2, 'prompt', 0, '0' FROM experiment;"
                  "INSERT INTO fidelity SELECT 2, 'then', trace, 'of another', target, 'a toaster', 2, 'prompt', 0, '0' FROM experiment;"
                  "INSERT INTO fidelity_run VALUES (1, 0, 'auto', 0, 'c', 100, 50, 0.1, 0.4, 0.5, 0.1, 0.3, 0.4), (1, 0, 'auto', 1, 'c', "
                      "60, 20, 0.1, 0.2, 0.3, 0.1, 0.2, 0.3),"
                  " (1, 1, 'none', 0, 'c', 100, 100, 0, 1, 1, 0, 1.1, 1.1), (2, 0, 'hf', 0, 'c', 100, 50, 0.1, 0.4, 9, 0.1, 0.3, 9)");
    json_t *all = json_of(file), *rows = json_object_get(all, "fidelity");
    assert_int_equal(json_array_size(rows), 2);
    assert_near(at(json_array_get(rows, 0), "live_tokens_per_s", NULL),
        real(file, "SELECT sum(tokens) / sum(live_seconds) FROM fidelity_run WHERE fidelity = 1 AND spec = ?", "auto"), "live");
    assert_near(at(json_array_get(rows, 0), "simulated_tokens_per_s", NULL), 160 / 0.7, "simulated");
    assert_contains(text_at(all, "device"), "AMD EPYC");
    json_decref(all);
    char *html = bare_page_of(file);
    assert_markup(html);
    assert_contains(html, "Held against live decoding on A &lt;phone&gt;, simulated tokens/s of 2 policies are off by -9.1% to +14.3%.");
    assert_contains(html, "<td>200.0</td><td>228.6</td><td>+14.3</td>");
    free(html);
}

static void test_without_gnuplot_the_report_says_so_in_the_place_of_figures(void **state) {
    (void)state;
    char *html = bare_page_of(kept);
    assert_int_equal(count(html, "<p class=\"note\">No figures: gnuplot not found in PATH (needed to draw; apt-get install "
        "gnuplot-nox).</p>"), 1);
    assert_null(strstr(html, "<figure"));
    assert_contains(html, "id=\"leaderboard\"");
    assert_markup(html);
    free(html);
}

static double processor_seconds(void) { // of this process and of gnuplot
    struct rusage own, children;
    getrusage(RUSAGE_SELF, &own), getrusage(RUSAGE_CHILDREN, &children);
    return (double)(own.ru_utime.tv_sec + own.ru_stime.tv_sec + children.ru_utime.tv_sec + children.ru_stime.tv_sec)
        + 1e-6 * (double)(own.ru_utime.tv_usec + own.ru_stime.tv_usec + children.ru_utime.tv_usec + children.ru_stime.tv_usec);
}

static void test_two_hundred_policies_are_all_in_the_table_in_less_than_20_seconds(void **state) {
    (void)state;
    const char *path = here("large.db");
    results_large(path, 200, 480, 1);
    run_sql(path, "UPDATE policy SET name = 'p' || ordinal"); // as specs of two hundred policies
    double before = processor_seconds();
    char *html = page_of(path);
    double took = processor_seconds() - before;
    print_message("200 policies x 480 prompts: %.1f s\n", took);
    if (took > 20 * SLOWER) fail_msg("took %.1f s, expected less than %d", took, 20 * SLOWER);
    assert_markup(html);
    int rows = 0;
    char *table = strstr(html, "id=\"leaderboard\""), *end = strstr(table, "class=\"comparators\"");
    for (char *c = table; (c = strstr(c, "<th scope=\"row\">")) && c < end; c++) rows++;
    assert_int_equal(rows, 200);
    assert_contains(html, "&lt;b&gt;&quot;d&quot; &amp; 'e'"); // an odd category
    char *pulls = strstr(html, "id=\"fig-pulls\""); // a panel each for the six of least regret
    *strstr(pulls, "</figure>") = 0;
    assert_true(strstr(pulls, "<text>ucbspec:delta=0.199</text>") && !strstr(pulls, "delta=0.02"));
    free(html);
}

/* -- files that will not do -- */

static void test_files_that_will_not_do_are_one_clear_line(void **state) {
    (void)state;
    assert_refused(cmd_report, WORDS("report", "--results", (char *)here("missing.db")), ERR_FAILED, "missing.db': No such file");
    assert_refused(cmd_report, WORDS("report", "--results", KEPT_TRACE), ERR_FAILED, "is not a results database");
    assert_refused(cmd_report, WORDS("report", "--results", kept, "--experiment", "7"), ERR_FAILED, "no experiment 7 in");
    assert_refused(cmd_report, WORDS("report"), ERR_USAGE, "give either --results or --compare");
    assert_refused(cmd_report, WORDS("report", "--results", kept, "--text", "--json"),
        ERR_USAGE, "give one of --text, --json, --latex and --csv");
    copy_of(kept, "spoilt.db");
    run_sql(file, "DELETE FROM outcome");
    assert_refused(cmd_report, WORDS("report", "--results", file, "--text"), ERR_FAILED, "has no outcomes of its 6 policies");
    run_sql(file, "DELETE FROM policy");
    assert_refused(cmd_report, WORDS("report", "--results", file, "--text"), ERR_FAILED, "has no policies without hindsight");
    run_sql(file, "DELETE FROM sequence");
    assert_refused(cmd_report, WORDS("report", "--results", file, "--text"), ERR_FAILED, "has no prompts");
    run_sql(file, "PRAGMA user_version = 99");
    assert_refused(cmd_report, WORDS("report", "--results", file, "--text"),
        ERR_FAILED, "results of version 99, this program reads version 1");
}

struct reading { // in a thread of its own, less its privileges
    char **argv;
    struct err err;
    int rc;
};

static void *read_unprivileged(void *user) {
    struct reading *r = user;
    obey_permissions();
    r->rc = run_command(cmd_report, &r->err, NULL, r->argv);
    return NULL;
}

static void test_a_read_only_directory_is_read_and_no_directory_littered(void **state) {
    (void)state;
    char place[4200], path[4300], litter[4310];
    pthread_t thread;
    snprintf(place, sizeof place, "%s", here("place"));
    snprintf(path, sizeof path, "%s/r.db", place);
    assert_int_equal(mkdir(place, 0700), 0);
    assert_int_equal(rename(copy_of(kept, "wal.db"), path), 0);
    run_sql(path, "PRAGMA journal_mode = WAL");
    for (int i = 0; i < 4; i++) {
        chmod(place, i & 1 ? 0500 : 0700);
        struct reading r = {.argv = i & 2 ? WORDS("report", "--compare", path, path, "--text") : WORDS("report", "--results", path, "--text")};
        assert_int_equal(pthread_create(&thread, NULL, read_unprivileged, &r), 0);
        assert_int_equal(pthread_join(thread, NULL), 0);
        chmod(place, 0700);
        if (r.rc) fail_msg("%s", r.err.text);
        snprintf(litter, sizeof litter, "%s-shm", path);
        assert_int_equal(access(litter, F_OK), -1);
        snprintf(litter, sizeof litter, "%s-wal", path);
        assert_int_equal(access(litter, F_OK), -1);
    }
}

/* Files of version 1 have no walks: what there is is said, and what is not, too. */
static void test_a_file_of_version_1_is_reported_without_the_best_fixed_arm(void **state) {
    (void)state;
    copy_of(kept, "old.db");
    sqlite3 *db;
    assert_int_equal(sqlite3_open(file, &db), SQLITE_OK);
    sqlite3_exec(db, "DROP TABLE bound; DROP TABLE stream; DROP TABLE setting; DROP TABLE run; DROP TABLE walk; DROP TABLE comparison; "
        "PRAGMA user_version = 1", NULL, NULL, NULL);
    sqlite3_close(db);
    json_t *all = json_of(file); // 'best-fixed' was among the players
    assert_true(json_is_object(json_object_get(json_array_get(json_object_get(all, "policies"), 0), "against_best_fixed")));
    json_decref(all);
    run_sql(file, "DELETE FROM outcome WHERE policy IN (SELECT id FROM policy WHERE spec = 'best-fixed')");
    assert_says(file, "how it compares with the best fixed arm this file does not say");
    char *html = bare_page_of(file);
    assert_markup(html);
    assert_contains(html, "This file keeps no walks of fixed arms (version 1)");
    free(html);
}

static void test_a_page_that_cannot_be_written_leaves_the_one_that_was_there(void **state) {
    (void)state;
    const char *large = here("unwritten.db");
    results_large(large, 60, 12, 1);
    char *path = strdup(getenv("PATH")), part[4300];
    char *before = bare_page_of(large);
    setenv("PATH", dir.path, 1); // no figures: their temporary files are not the matter here
    struct rlimit limit, small;
    snprintf(part, sizeof part, "%s.part", page);
    getrlimit(RLIMIT_FSIZE, &limit);
    small = limit, small.rlim_cur = 33000; // less than a page, more than SQLite shares
    signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &small);
    struct err err = {""};
    int rc = REPORT(&err, NULL, "--results", (char *)large, "--out", page);
    setenv("PATH", path, 1);
    free(path);
    setrlimit(RLIMIT_FSIZE, &limit);
    assert_int_equal(rc, ERR_FAILED);
    assert_true(strlen(before) > 33000);
    assert_contains(err.text, "cannot write '");
    assert_int_equal(access(part, F_OK), -1);
    char *after = read_file(page);
    assert_string_equal(before, after);
    free(before), free(after);
    snprintf(part, sizeof part, "%s/report.html", page); // below a file
    assert_refused(cmd_report, WORDS("report", "--results", kept, "--out", part), ERR_FAILED, "report.html' for writing: Not a directory");
    assert_refused(cmd_report, WORDS("report", "--results", kept, "--out", dir.path), ERR_FAILED, "not a regular file");
    assert_refused(cmd_report, WORDS("report", "--results", kept, "--out", kept), ERR_FAILED, "' is what is read; give another --out");
    assert_refused(cmd_report, WORDS("report", "--compare", kept, kept, "--out", kept), ERR_FAILED, "' is what is read; give another --out");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_figures_of_every_policy_match_a_query_over_its_outcomes),
        cmocka_unit_test(test_comparators_match_queries_over_the_walks),
        cmocka_unit_test(test_the_table_by_category_matches_a_query),
        cmocka_unit_test(test_a_sweep_is_reported_from_its_runs),
        cmocka_unit_test(test_a_hold_out_chooses_on_one_part_and_reports_the_other),
        cmocka_unit_test(test_best_per_prompt_is_one_arm_a_prompt),
        cmocka_unit_test(test_counts_are_those_of_the_table),
        cmocka_unit_test(test_where_all_are_equal_no_policy_is_distinguishable_from_gamma_3),
        cmocka_unit_test(test_a_policy_that_is_faster_is_recommended_and_the_arm_named),
        cmocka_unit_test(test_where_drafting_does_not_pay_plain_decoding_is_recommended),
        cmocka_unit_test(test_of_level_policies_auto_else_the_one_of_least_state_is_recommended),
        cmocka_unit_test(test_odd_names_are_shown_as_they_are_in_every_form),
        cmocka_unit_test(test_control_characters_and_broken_utf8_never_get_through),
        cmocka_unit_test(test_text_is_at_most_24_lines_of_80_columns),
        cmocka_unit_test(test_text_has_whole_sentences),
        cmocka_unit_test(test_long_words_go_on_in_the_next_line),
        cmocka_unit_test(test_the_page_is_whole_needs_nothing_else_and_says_what_each_figure_shows),
        cmocka_unit_test(test_the_same_files_give_the_same_bytes_on_any_number_of_threads),
        cmocka_unit_test(test_the_commands_of_the_page_make_the_same_results),
        cmocka_unit_test(test_the_trace_must_be_the_one_that_was_played),
        cmocka_unit_test(test_live_runs_of_the_same_trace_say_how_far_simulation_is_off),
        cmocka_unit_test(test_without_gnuplot_the_report_says_so_in_the_place_of_figures),
        cmocka_unit_test(test_two_hundred_policies_are_all_in_the_table_in_less_than_20_seconds),
        cmocka_unit_test(test_files_that_will_not_do_are_one_clear_line),
        cmocka_unit_test(test_a_read_only_directory_is_read_and_no_directory_littered),
        cmocka_unit_test(test_a_file_of_version_1_is_reported_without_the_best_fixed_arm),
        cmocka_unit_test(test_a_page_that_cannot_be_written_leaves_the_one_that_was_there),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
