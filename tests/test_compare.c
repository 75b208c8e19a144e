/* test_compare.c - two result sets or two traces held against each other (report --compare). */
#include "tests/reporting.h"

#include "analysis/compare.h"
#include "core/mem.h"
#include "tests/svg_axes.h"

static json_t *compared(const char *a, const char *b) {
    struct err err;
    if (REPORT(&err, here("out"), "--compare", (char *)a, (char *)b, "--json")) fail_msg("%s", err.text);
    char *text = read_file(here("out"));
    json_t *all = json_loads(text, 0, NULL);
    assert_non_null(all);
    free(text);
    return all;
}

static json_t *row_of(const json_t *all, const char *name) {
    size_t i;
    json_t *row;
    json_array_foreach(json_object_get(all, "rows"), i, row)
        if (!strcmp(text_at(row, "name"), name)) return row;
    fail_msg("no row '%s'", name);
    return NULL;
}

static bool in_both(const json_t *all, const char *text, bool a, bool b) {
    size_t i;
    json_t *x;
    json_array_foreach(json_object_get(all, "conclusions"), i, x)
        if (!strcmp(text_at(x, "text"), text)) return json_is_true(json_object_get(x, "a")) == a
            && json_is_true(json_object_get(x, "b")) == b;
    return false;
}

static void test_two_result_sets_of_the_same_prompts_are_compared_in_pairs(void **state) {
    (void)state;
    const char *b = copy_of(kept, "slower.db"), *a = kept;
    run_sql(b, "UPDATE outcome SET seconds = seconds * 2 WHERE policy = (SELECT id FROM policy WHERE spec = 'auto');"
               "UPDATE outcome SET seconds = seconds * (1 + 0.02 * ((sequence * 5 + seed) % 7 - 3)) WHERE policy = (SELECT id FROM policy "
                   "WHERE spec = 'hf')");
    json_t *all = compared(a, b);
    assert_true(json_is_true(json_object_get(all, "paired")));
    static const char *const specs[] = {"auto", "hf", "thompson"};
    for (int i = 0; i < 3; i++) {
        json_t *row = row_of(all, specs[i]);
        double speed_a = real(a, "SELECT " TOKENS " / " TOOK("o.seconds"), specs[i]),
            speed_b = real(b, "SELECT " TOKENS " / " TOOK("o.seconds"), specs[i]);
        assert_near(at(row, "tokens_per_s_a", "value"), speed_a, specs[i]);
        assert_near(at(row, "tokens_per_s_b", "value"), speed_b, specs[i]);
        assert_near(at(row, "percent", "value"), 100 * (speed_b / speed_a - 1), specs[i]);
        assert_near(at(row, "mat_b", NULL), real(b, "SELECT " TOKENS " / " TOOK("o.rounds"), specs[i]), specs[i]);
        assert_near(at(row, "rank_a", NULL), real(a, "SELECT rank FROM comparison c JOIN policy p ON p.id = c.policy WHERE spec = ?",
            specs[i]), specs[i]);
    }
    assert_near(at(row_of(all, "auto"), "percent", "lo"), -50, "twice the seconds on every prompt");
    assert_string_equal(text_at(row_of(all, "auto"), "verdict"), "slower");
    assert_string_equal(text_at(row_of(all, "hf"), "verdict"), "no difference found");
    assert_near(at(row_of(all, "auto"), "rank_a", NULL), 1, "rank");
    assert_true(at(all, "spearman", NULL) < 1);
    assert_true(in_both(all, "auto is recommended", true, false));
    assert_true(in_both(all, "auto is faster than plain decoding", true, false));
    json_decref(all);
    all = compared(a, a);
    assert_near(at(all, "spearman", NULL), 1, "the same ranks");
    assert_true(in_both(all, "auto is recommended", true, true));
    json_decref(all);
}

static void test_other_prompts_are_drawn_apart(void **state) {
    (void)state;
    const char *b = copy_of(kept, "others.db");
    run_sql(b, "UPDATE sequence SET prompt_key = 'other ' || prompt_key");
    json_t *all = compared(kept, b), *row = row_of(all, "auto");
    assert_true(json_is_false(json_object_get(all, "paired")));
    assert_contains(text_at(all, "ranks"), "The prompts are not the same (0 in common of 28 and 28), so they are drawn apart");
    assert_near(at(row, "percent", "value"), 0, "the same figures");
    assert_true(at(row, "percent", "lo") < -5 && at(row, "percent", "hi") > 5); // prompts differ
    json_decref(all);
    run_sql(b, "UPDATE sequence SET prompt_key = substr(prompt_key, 7) WHERE sequence < 20");
    all = compared(kept, b), row = row_of(all, "auto");
    assert_true(json_is_true(json_object_get(all, "paired")));
    assert_int_equal(at(all, "prompts_in_both", NULL), 20);
    assert_near(at(row, "tokens_per_s_a", "value"), real(kept, "SELECT (SELECT sum(tokens - 1) FROM sequence WHERE sequence < 20) / "
        "(SELECT sum(x) FROM (SELECT avg(o.seconds) x FROM outcome o"
                " JOIN policy p ON p.id = o.policy WHERE p.spec = ?1 AND o.sequence < 20 GROUP BY o.sequence))", "auto"), "over the "
                    "prompts in both");
    json_decref(all);
}

static double table_at(const json_t *all, int table, const char *name, const char *side) {
    size_t i;
    json_t *row, *rows = json_object_get(json_array_get(json_object_get(all, "tables"), (size_t)table), "rows");
    json_array_foreach(rows, i, row)
        if (!strcmp(text_at(row, "name"), name)) return json_is_null(json_object_get(row, side)) ? NAN : at(row, side, NULL);
    fail_msg("no row '%s' in table %d", name, table);
    return 0;
}

static void test_two_traces_are_compared_by_acceptance_latency_and_fixed_arms(void **state) {
    (void)state;
    const char *coding = "traces/demo/coding.db", *arms[] = {"pld:4", "sam:4"};
    json_t *all = compared(KEPT_TRACE, coding);
    for (int i = 0; i < 2; i++) { // as the replay has them
        assert_near(at(row_of(all, arms[i]), "tokens_per_s_a", "value"),
            real(kept, "SELECT " TOKENS " / sum(w.seconds) FROM walk w JOIN arm USING (experiment, arm) WHERE name = ?", arms[i]), arms[i]);
        assert_near(at(row_of(all, arms[i]), "mat_a", NULL),
            real(kept, "SELECT " TOKENS " * 1.0 / sum(w.rounds) FROM walk w JOIN arm USING (experiment, arm) WHERE name = ?", arms[i]),
            arms[i]);
    }
    assert_near(table_at(all, 0, "pld", "a"), real(KEPT_TRACE, "SELECT avg(accepted) FROM draft WHERE drafter = (SELECT id FROM drafter "
        "WHERE name = ?)", "pld"), "pld");
    assert_near(table_at(all, 0, "small", "b"), real(coding, "SELECT avg(accepted) FROM draft WHERE drafter = (SELECT id FROM drafter "
        "WHERE name = ?)", "small"), "small");
    assert_true(isnan(table_at(all, 0, "small", "a")));
    assert_near(table_at(all, 2, "3 rows", "b"), real(coding, "SELECT verify_ns / 1e6 FROM step WHERE verify_width = 3 ORDER BY verify_ns "
        "LIMIT 1 OFFSET (SELECT (count(*) - 1) / 2 FROM step WHERE verify_width = 3)", NULL), "3 rows");
    assert_true(in_both(all, "drafting pays: the best fixed arm is faster than plain decoding", true, true));
    json_decref(all);
}

/* Of the conclusions, the first six are said to their ends, and how many more there are. */
static void assert_statements_whole(char *a, char *b) {
    struct err err;
    json_t *all = compared(a, b), *said = json_object_get(all, "conclusions");
    if (REPORT(&err, here("out"), "--compare", a, b, "--text")) fail_msg("%s", err.text);
    char *text = read_file(here("out")), more[64], *to = text;
    for (char *c = text; *c; c++) // lines that go on are indented: one blank between words
        if ((*c != ' ' && *c != '\n') || (to > text && to[-1] != ' ')) *to++ = *c == '\n' ? ' ' : *c;
    *to = 0;
    size_t n = json_array_size(said);
    assert_contains(text, text_at(all, "headline"));
    for (size_t i = 0; i < n && i < 6; i++) assert_contains(text, text_at(json_array_get(said, i), "text"));
    snprintf(more, sizeof more, "%zu more conclusion", n - 6);
    if (n > 6) assert_contains(text, more);
    free(text), json_decref(all);
}

static void test_comparisons_are_whole_pages_and_24_lines(void **state) {
    (void)state;
    struct err err;
    char b[4200];
    snprintf(b, sizeof b, "%s", odd_results());
    char *const pairs[][2] = {{b, b}, {KEPT_TRACE, "traces/demo/coding.db"}};
    for (int i = 0; i < 2; i++) {
        if (REPORT(&err, NULL, "--compare", pairs[i][0], pairs[i][1], "--out", page)) fail_msg("%s", err.text);
        char *html = read_file(page);
        assert_markup(html);
        assert_null(strstr(html, "<script"));
        if (!i) assert_true(count(html, odd_html) >= 5);
        free(html);
        if (REPORT(&err, here("out"), "--compare", pairs[i][0], pairs[i][1], "--text")) fail_msg("%s", err.text);
        char *text = read_file(here("out"));
        assert_page(text);
        free(text);
        assert_statements_whole(pairs[i][0], pairs[i][1]);
        if (REPORT(&err, here("out"), "--compare", pairs[i][0], pairs[i][1], "--csv")) fail_msg("%s", err.text);
        text = read_file(here("out"));
        if (!i) assert_contains(text, odd_csv);
        free(text);
    }
}

/* Every row's speed-up and both ends of its interval, A above B, on the scale of the axis; names, and the numbers beside them. */
static void assert_side_by_side(const char *a, const char *b, int rows) {
    static struct svg_axes axes;
    static struct svg svg;
    struct compare c;
    struct err err = {""};
    char *text, number[32];
    int seen = 0;
    if (compare_open(&c, &(struct compare_options){.path = {a, b}, .margin = 2}, &err) || compare_svg(&c, &text, &err)) fail_msg("%s", err.text);
    svg_axes_read(&axes, text), svg_read(&svg, text);
    struct svg_scale x = svg_scale(&axes, SVG_X, 0, svg_linear, 3, "compare");
    for (int i = 0; i < c.n; i++) {
        const struct compare_row *r = &c.rows[i];
        const struct measure *const m[] = {&r->up_a, &r->up_b};
        double y = -1, above[2];
        if (!r->policy) continue;
        for (int k = 0; k < svg.n; k++)
            if (!strcmp(svg.text[k].words, r->name)) y = (svg.text[k].box.y0 + svg.text[k].box.y1) / 2;
        if (y < 0) fail_msg("'%s' is not in the figure", r->name);
        for (int side = 0; side < 2; side++) {
            const double values[] = {m[side]->value, m[side]->lo, m[side]->hi};
            const struct svg_point *dot = NULL;
            for (int k = 0; k < axes.points_n && !dot; k++) {
                const struct svg_point *p = &axes.points[k];
                if (fabs(p->x - svg_place(&x, values[0])) < 0.6 && (side ? p->y - y : y - p->y) > 0 && fabs(p->y - y) < 12) dot = p;
            }
            if (!dot) fail_msg("nothing is drawn at %s's %.3f in %c", r->name, values[0], 'A' + side);
            above[side] = dot->y;
            for (int v = 1; v < 3; v++)
                if (!svg_drawn(&axes, svg_place(&x, values[v]), dot->y, 0.6, 0.6) && svg_place(&x, values[v]) < axes.drawn.x1)
                    fail_msg("the interval of %s in %c does not reach %.3f", r->name, 'A' + side, values[v]);
            snprintf(number, sizeof number, "%.2f\xC3\x97", values[0]);
            bool said = false;
            for (int k = 0; k < svg.n; k++) said |= !strcmp(svg.text[k].words, number) && fabs((svg.text[k].box.y0 + svg.text[k].box.y1) / 2 - y) < 3;
            if (!said) fail_msg("'%s' is not beside %s", number, r->name);
        }
        assert_true(above[0] < above[1]);
        seen++;
    }
    assert_int_equal(seen, rows);
    mem_free(text);
    compare_close(&c);
}

static void test_speedups_of_both_are_drawn_side_by_side(void **state) {
    (void)state;
    static const char up[] = "SELECT (SELECT sum(plain_seconds) FROM sequence) / " TOOK("o.seconds");
    const char *b = copy_of(kept, "side.db");
    run_sql(b, "UPDATE outcome SET seconds = seconds * 1.3 WHERE policy IN (SELECT id FROM policy WHERE spec <> 'auto'); UPDATE experiment SET device = 'another <machine>'");
    json_t *all = compared(kept, b);
    assert_near(at(row_of(all, "hf"), "speedup_a", "value"), real(kept, up, "hf"), "speed-up in A");
    assert_near(at(row_of(all, "hf"), "speedup_b", "value"), real(b, up, "hf"), "speed-up in B");
    assert_near(at(row_of(all, "hf"), "speedup_a", "lo"), real(kept, "SELECT speedup_lo FROM policy WHERE spec = ?", "hf"), "as the replay has it");
    assert_near(at(row_of(all, "plain decoding"), "speedup_b", "hi"), 1, "plain decoding over itself");
    json_decref(all);
    assert_side_by_side(kept, b, 6);
    assert_side_by_side(KEPT_TRACE, "traces/demo/coding.db", 6);
    run_sql(b, "UPDATE sequence SET prompt_key = 'other ' || prompt_key"); // drawn apart
    all = compared(kept, b);
    assert_true(json_is_false(json_object_get(all, "paired")));
    assert_near(at(row_of(all, "hf"), "speedup_a", "value"), real(kept, up, "hf"), "speed-up in A, apart");
    assert_near(at(row_of(all, "hf"), "speedup_b", "value"), real(b, up, "hf"), "speed-up in B, apart");
    json_decref(all);
    assert_side_by_side(kept, b, 6);
    struct err err;
    if (REPORT(&err, NULL, "--compare", kept, (char *)b, "--out", page)) fail_msg("%s", err.text);
    char *html = read_file(page), *path = strdup(getenv("PATH"));
    assert_markup(html);
    assert_int_equal(count(html, "<figure id=\"fig-compare\">"), 1);
    assert_contains(html, "role=\"img\" aria-label=\"Figure: speed-up over plain decoding in A and in B, 95% intervals. auto 1.");
    assert_contains(html, "B: Smollm2 135M 8k Lc100K Mix1 Ep2, another &lt;machine");
    free(html);
    setenv("PATH", dir.path, 1);
    int rc = REPORT(&err, NULL, "--compare", kept, (char *)b, "--out", page);
    setenv("PATH", path, 1);
    free(path);
    if (rc) fail_msg("%s", err.text);
    html = read_file(page);
    assert_markup(html);
    assert_null(strstr(html, "<figure"));
    assert_contains(html, "<p class=\"note\">No figure: gnuplot not found in PATH");
    free(html);
}

static void test_what_cannot_be_compared_is_one_clear_line(void **state) {
    (void)state;
    made(here("strange.db"), WORDS("--drafter", "unheard=0.5", "--sequences", "3", "--tokens", "20"));
    play(here("strange.db"), here("strange-results.db"), WORDS("--policy", "exp3"));
    write_file(here("words.txt"), "not a database, and long enough to be told from an empty file, which SQLite takes for a database "
        "without tables\n");
    assert_refused(cmd_report, WORDS("report", "--compare", kept, KEPT_TRACE), ERR_FAILED, "give two of a kind");
    assert_refused(cmd_report, WORDS("report", "--compare", kept), ERR_USAGE, "option '--compare' wants two files, got 1");
    assert_refused(cmd_report, WORDS("report", "--compare", kept, kept, "--latex"), ERR_USAGE, "belong to --results");
    assert_refused(cmd_report, WORDS("report", "--compare", kept, kept, "--experiment", "1", "7"), ERR_FAILED, "no experiment 7 in");
    assert_refused(cmd_report, WORDS("report", "--compare", kept, kept, "--experiment", "x"), ERR_USAGE, "wants a number");
    assert_refused(cmd_report, WORDS("report", "--compare", kept, (char *)here("strange-results.db"), "--text"),
        ERR_FAILED, "have no policy in common");
    assert_refused(cmd_report, WORDS("report", "--compare", KEPT_TRACE, (char *)here("strange.db"), "--text"),
        ERR_FAILED, "have no arm in common");
    assert_refused(cmd_report, WORDS("report", "--compare", (char *)here("words.txt"), kept), ERR_FAILED, "words.txt'");
    assert_refused(cmd_report, WORDS("report", "--compare", (char *)here("nothing.db"), kept), ERR_FAILED, "nothing.db': No such file");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_two_result_sets_of_the_same_prompts_are_compared_in_pairs),
        cmocka_unit_test(test_other_prompts_are_drawn_apart),
        cmocka_unit_test(test_two_traces_are_compared_by_acceptance_latency_and_fixed_arms),
        cmocka_unit_test(test_comparisons_are_whole_pages_and_24_lines),
        cmocka_unit_test(test_speedups_of_both_are_drawn_side_by_side),
        cmocka_unit_test(test_what_cannot_be_compared_is_one_clear_line),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
