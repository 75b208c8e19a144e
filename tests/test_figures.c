/* test_figures.c - every figure, drawn from the kept traces: as PNG and as SVG, looked at by pixels and by texts.
 *
 * A figure is tested by being listed in analysis/figures.h; what its axes are called is said below, and a figure that is not there fails. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/resource.h>

#include <cmocka.h>

#include "analysis/functions.h"
#include "analysis/plot.h"
#include "tests/csv.h"
#include "tests/png.h"
#include "tests/run_command.h"
#include "tests/svg.h"
#include "tests/svg_axes.h"
#include "tests/tempdir.h"

command cmd_plot, cmd_replay, cmd_serving, cmd_sweep;

static struct tempdir dir;
static char db[4200], results[4200], coding[4200], coding_results[4200];
static struct svg svg; // of the picture looked at

/* Words of its axes, and of what must stand in it. */
static const struct { const char *name, *axis[2], *words[3]; } want[] = {
    {"regret", {"emitted tokens s", "regret (rounds)"}, {"thompson", "auto", "clairvoyant"}},
    {"regret-log", {"emitted tokens s", "regret (rounds, logarithmic but near 0)"}, {"every token by itself", "Theorems 4.3 and 5.3 promise no better here", "ucbspec"}},
    {"regret-seconds", {"emitted tokens s", "regret (s, modelled)"}, {"thompson", "auto", "best-fixed"}},
    {"regret-prompts", {"prompts", "regret (rounds)"}, {"thompson", "auto", "clairvoyant"}},
    {"regret-bounds", {"emitted tokens s", "regret (rounds)"}, {"every token by itself", "Theorems 4.3 and 5.3 promise no better here", "ucbspec"}},
    {"speed", {"tokens per second", "speedup over plain decoding"}, {"thompson", "none", "1.00\xC3\x97"}},
    {"categories", {"tokens per second", "dashed line: plain decoding"}, {"thompson", "rewriting (4)", "all prompts (28)"}},
    {"categories-mat", {"tokens emitted a round", "dashed line: plain decoding"}, {"thompson", "rewriting (4)", "all prompts (28)"}},
    {"round", {"milliseconds a round", "a token"}, {"verifying", "drafting", "policy's own (at most "}},
    {"pulls", {"round of the sequence", "share of rounds"}, {"thompson", "eagle:8", "plain"}},
    {"pulls-prompts", {"arms: by drafter, draft lengths growing to the right", "prompts, a row each"}, {"share of rounds", "question-answering", "eagle"}},
    {"sensitivity", {"value of the parameter named above", "tokens per second"}, {"ucbspec: delta", "0.01", "0.1"}},
    {"serving", {"batch: requests decoded at once", "more tokens per second than plain (%)"}, {"best fixed arm", "thompson", "auto"}},
    {"fidelity", {"tokens per second", "difference"}, {"hollow: live;  full: simulated", "thompson", "%"}},
    {"lengths", {"accepted tokens of a draft", "share of drafts"}, {"pld: 992 drafts", "p = 0.660; no fit", "eagle: 1687 drafts"}}, // as traces synth --like says
    {"drift", {"position s: tokens emitted", "probability that a drafted token is accepted"}, {"pld", "sam", "eagle"}},
    {"latency", {"width: rows verified for each request", "time of a verification (ms)"}, {"1 request, context 89 to ", "1 request, context ", "8"}},
};
enum { WANTED = sizeof want / sizeof *want };

static void copy_file(const char *from, const char *to) {
    char *bytes = malloc(1 << 24);
    FILE *f = fopen(from, "rb"), *g = fopen(to, "wb");
    assert_true(f && g);
    size_t n = fread(bytes, 1, 1 << 24, f);
    assert_int_equal(fwrite(bytes, 1, n, g), n);
    fclose(f), fclose(g), free(bytes);
}

static void must(command *run, char **argv) {
    struct err err;
    if (run_command(run, &err, NULL, argv)) fail_msg("%s: %s", argv[0], err.text);
}

/* A live run that was a little slower than its simulation, in the tables of sim/fidelity.sql. */
extern const char sql_sim_fidelity[];
static const char fidelity_rows[] =
    "INSERT INTO fidelity SELECT 1, created, trace, trace_sha256, target, device, 2, scope, 0, version FROM experiment;"
    "INSERT INTO fidelity_run SELECT 1, p.ordinal, p.spec, o.sequence, s.category, o.emitted, o.rounds, 0.1 * o.seconds, o.seconds * (0.92 + 0.005 * p.ordinal),"
    " o.seconds * (1.02 + 0.005 * p.ordinal), 0.1 * o.seconds, 0.9 * o.seconds, o.seconds FROM outcome o JOIN policy p ON p.id = o.policy"
    " JOIN sequence s USING (sequence) WHERE o.seed = 0 AND p.oracle = 0";

static int setup(void **state) {
    (void)state;
    if (tempdir_open(&dir)) return -1;
    snprintf(db, sizeof db, "%s", tempdir_file(&dir, "smollm2.db"));
    snprintf(results, sizeof results, "%s", tempdir_file(&dir, "results.db"));
    snprintf(coding, sizeof coding, "%s", tempdir_file(&dir, "coding.db"));
    snprintf(coding_results, sizeof coding_results, "%s", tempdir_file(&dir, "coding-results.db"));
    copy_file("traces/demo/smollm2.db", db);
    copy_file("traces/demo/coding.db", coding);
    must(cmd_replay, (char *[]){"replay", "--db", db, "--policy", "none", "ucbspec:delta={0.01,0.1,0.5}", "exp3spec", "thompson", "auto", "fixed:arm=sam:4", "best-fixed",
                                "clairvoyant", "--seeds", "2", "--own", "show", "--results", results, NULL});
    must(cmd_serving, (char *[]){"serving", "--db", db, "--policy", "auto", "thompson", "--batch", "1", "2", "4", "--requests", "28", "--seeds", "2", "--results", results, NULL});
    must(cmd_replay, (char *[]){"replay", "--db", coding, "--policy", "none", "thompson:value={rate,len}", "epsilon-greedy:eps={0.01,0.1}", "auto",
                                "--seeds", "1", "--results", coding_results, NULL});
    run_sql(coding, "INSERT INTO latency (recording, operation, batch, width, context, samples, p10_ns, p50_ns, p90_ns)" // as bench --batches stores
                    " SELECT 1, 'verify', b.value, w.value, 128, 20, 9e6 * b.value + 1e6 * w.value, 1e7 * b.value + 1e6 * w.value, 12e6 * b.value + 1e6 * w.value"
                    " FROM json_each('[1,4]') b, json_each('[1,3,5]') w");
    run_sql(results, sql_sim_fidelity);
    run_sql(results, fidelity_rows);
    return 0;
}

static int teardown(void **state) {
    (void)state;
    tempdir_close(&dir);
    return 0;
}

/* "OUT/NAME.SUFFIX" */
static const char *picture(const char *out, const char *name, const char *suffix) {
    static char path[4400];
    snprintf(path, sizeof path, "%s/%s.%s", out, name, suffix);
    return path;
}

static void read_svg(const char *path) {
    char *text = read_file(path);
    svg_blank_patterns(text);
    svg_read(&svg, text);
    if (strstr(text, "column(") || strstr(text, "using ")) fail_msg("'%s' shows pieces of its script", path);
    if (!strstr(text, "</svg>") || svg.w < 100) fail_msg("'%s' is no whole picture", path);
    free(text);
}

static bool says(const char *words) {
    for (int i = 0; i < svg.n; i++)
        if (strstr(svg.text[i].words, words)) return true;
    return false;
}

static void assert_says(const char *words, const char *where) {
    if (!says(words)) fail_msg("'%s' is not in %s", words, where);
}

/* Texts lie on the canvas and not over one another; data were drawn, over a good part of it. */
static void assert_readable(const char *name) {
    for (int i = 0; i < svg.n; i++) {
        const struct svg_text *t = &svg.text[i];
        if (t->box.x0 < -2 || t->box.y0 < 0 || t->box.x1 > svg.w + 2 || t->box.y1 > svg.h)
            fail_msg("figure %s: '%s' at %.0f..%.0f x %.0f..%.0f leaves the canvas of %.0f x %.0f", name, t->words, t->box.x0, t->box.x1, t->box.y0, t->box.y1, svg.w, svg.h);
        for (int k = 0; k < i; k++)
            if (svg_overlap(&t->box, &svg.text[k].box) > 0.25) fail_msg("figure %s: '%s' lies over '%s'", name, t->words, svg.text[k].words);
    }
    if (svg.plots == 0) fail_msg("figure %s: nothing is drawn", name);
    const struct box *d = &svg.drawn;
    if (d->x1 - d->x0 < 0.25 * svg.w || d->y1 - d->y0 < 0.25 * svg.h || d->x0 < 0 || d->x1 > svg.w || d->y0 < 0 || d->y1 > svg.h)
        fail_msg("figure %s: data lie in %.0f..%.0f x %.0f..%.0f of %.0f x %.0f", name, d->x0, d->x1, d->y0, d->y1, svg.w, svg.h);
}

/* The same in pixels, twice as many: colour where the data are, no ink at the edges. */
static void assert_inked(const char *name, const char *path) {
    enum { EDGE = 4 };
    struct png p = png_read(path);
    double k = p.w / svg.w, inside = png_colour(&p, (int)(k * svg.drawn.x0), (int)(k * svg.drawn.y0), (int)(k * svg.drawn.x1), (int)(k * svg.drawn.y1));
    assert_int_equal(p.w, 1600);
    assert_true(p.h >= 960 && abs(p.h - (int)(2 * svg.h)) <= 2);
    if (inside < 0.002) fail_msg("figure %s: %.2f%% of the pixels inside the axes have a colour", name, 100 * inside);
    double edges[] = {png_ink(&p, 0, 0, EDGE, p.h), png_ink(&p, p.w - EDGE, 0, p.w, p.h), png_ink(&p, 0, 0, p.w, EDGE), png_ink(&p, 0, p.h - EDGE, p.w, p.h)};
    static const char *const sides[] = {"left", "right", "upper", "lower"};
    for (int i = 0; i < 4; i++)
        if (edges[i] > 0) fail_msg("figure %s: ink at the %s edge, something is clipped", name, sides[i]);
    png_free(&p);
}

static void draw(const char *out, const char *format, const char *from_results, const char *from_db) {
    must(cmd_plot, (char *[]){"plot", "--out", (char *)out, "--format", (char *)format, "--results", (char *)from_results, "--db", (char *)from_db, NULL});
}

/* Where policies are left out the figure says how many are shown, and by which rule; where none is, it says nothing. */
static void assert_notes(const char *where, bool crowded) {
    static const struct { const char *name, *crowd, *kept; } notes[] = {
        {"regret", "16 of 200 policies: those with the least regret in rounds", NULL},
        {"regret-seconds", "16 of 200 policies: those with the least regret in seconds", NULL},
        {"regret-prompts", "16 of 200 policies: those with the least regret in rounds", NULL},
        {"regret-log", "9 of 200 policies: the eight with the least regret in rounds, ucbspec and exp3spec, whose bounds these are, and plain decoding",
         "9 of 10 policies: the eight with the least regret in rounds, ucbspec and exp3spec, whose bounds these are, and plain decoding"},
        {"regret-bounds", "4 of 200 policies: the four with the least regret in rounds", "6 of 10 policies: the four with the least regret in rounds that need no hindsight, and"
                                                                                          " ucbspec and exp3spec, whose bounds these are"},
        {"speed", "60 of 200 policies: the fastest", NULL},
        {"categories", "10 of 200 policies: the fastest, plain decoding and those that use hindsight", NULL},
        {"categories-mat", "10 of 200 policies: the fastest, plain decoding and those that use hindsight", NULL},
        {"round", "24 of 200 policies: the fastest, and plain decoding", NULL},
        {"pulls", "6 of 200 policies: those with the least regret in rounds that play more than one arm", "6 of 10 policies: those with the least regret in rounds that play more than one arm"},
        {"pulls-prompts", "6 of 200 policies: those with the least regret in rounds that play more than one arm", "6 of 10 policies: those with the least regret in rounds that play more than one arm"},
    };
    for (size_t i = 0; i < sizeof notes / sizeof *notes; i++) {
        const char *want_ = crowded ? notes[i].crowd : notes[i].kept;
        read_svg(picture(where, notes[i].name, "svg"));
        if (want_) assert_says(want_, notes[i].name);
        else if (says(" policies: ")) fail_msg("figure %s says that it leaves something out", notes[i].name);
    }
}

static void test_every_figure_of_the_kept_trace_is_whole(void **state) {
    (void)state;
    const char *out = tempdir_file(&dir, "plots");
    char where[4200];
    snprintf(where, sizeof where, "%s", out);
    draw(where, "png", results, db);
    draw(where, "svg", results, db);
    for (const struct figure *f = figures; f->name; f++) {
        int i = 0;
        while (i < WANTED && strcmp(want[i].name, f->name)) i++;
        if (i == WANTED) fail_msg("test_figures.c does not say what the axes of figure '%s' are called", f->name);
        read_svg(picture(where, f->name, "svg"));
        for (int k = 0; k < 2; k++) assert_says(want[i].axis[k], f->name);
        for (int k = 0; k < 3; k++) assert_says(want[i].words[k], f->name);
        assert_says("Smollm2 135M 8k Lc100K Mix1 Ep2, AMD EPYC, avx512-vnni, ", f->name); // the line of context,
        assert_says(", smollm2.db", f->name);                                             // to the trace's name
        assert_readable(f->name);
        assert_inked(f->name, picture(where, f->name, "png"));
        char *csv = read_file(picture(where, f->name, "csv"));
        assert_true(strchr(csv, '\n') && strchr(strchr(csv, '\n') + 1, '\n'));
        free(csv);
    }
    assert_notes(where, false);
}

/* One policy has one colour, in figures of the experiment, the server and the live run, and where others are left out. */
static void test_a_policy_keeps_its_colour(void **state) {
    (void)state;
    static const char *const names[] = {"regret", "regret-log", "categories", "serving", "fidelity"};
    char where[4200];
    snprintf(where, sizeof where, "%s", tempdir_file(&dir, "colours"));
    for (int few = 0; few < 2; few++) {
        must(cmd_plot, (char *[]){"plot", "regret", "regret-log", "categories", "serving", "fidelity", "--results", results, "--out", where, "--format", "svg",
                                   few ? "--policy" : NULL, "thompson", "auto", NULL});
        for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
            int seen = 0;
            read_svg(picture(where, names[i], "svg"));
            for (int k = 0; k < svg.n; k++) {
                if (strncmp(svg.text[k].words, "thompson", 8)) continue;
                seen++;
                if (strcmp(svg.text[k].fill, "rgb(61,129,167)")) // 0.72 of the palette's sixth, #56B4E9
                    fail_msg("figure %s%s: thompson is %s", names[i], few ? " of two policies" : "", svg.text[k].fill);
            }
            if (!seen) fail_msg("figure %s does not name thompson", names[i]);
        }
    }
}

/* Another target, four drafters, categories of one prompt, policies with words for parameters. */
static void test_every_figure_of_the_other_trace_is_readable(void **state) {
    (void)state;
    char where[4200];
    snprintf(where, sizeof where, "%s", tempdir_file(&dir, "coding"));
    draw(where, "svg", coding_results, coding);
    static const char *const absent[] = {"serving", "fidelity"};
    for (const struct figure *f = figures; f->name; f++) {
        bool there = !access(picture(where, f->name, "svg"), F_OK);
        bool due = strcmp(f->name, absent[0]) && strcmp(f->name, absent[1]);
        if (there != due) fail_msg("figure %s is %s", f->name, there ? "there" : "missing");
        if (!there) continue;
        read_svg(picture(where, f->name, "svg"));
        assert_says("Qwen2.5 Coder 1.5B Instruct GGUF", f->name);
        assert_readable(f->name);
    }
    read_svg(picture(where, "latency", "svg"));
    assert_says("4 requests, context 128 (bench)  45.0", "latency");
    assert_says("1 request, context 128 (bench)  15.0", "latency");
    read_svg(picture(where, "sensitivity", "svg"));
    assert_says("thompson: value", "sensitivity");
    assert_says("epsilon-greedy: eps", "sensitivity");
    assert_says("rate", "sensitivity");
}

/* What SQL, gnuplot, XML or printf could take for its own, in a policy, a drafter, a category and the target. */
static void test_odd_names_are_shown_as_they_are(void **state) {
    (void)state;
    static const char odd[] = "{a_b}%s\\\xC3\xA9'\"<&>`";
    char odd_db[4200], odd_results[4200], where[4200], policy[64];
    snprintf(odd_db, sizeof odd_db, "%s", tempdir_file(&dir, "odd.db"));
    snprintf(odd_results, sizeof odd_results, "%s", tempdir_file(&dir, "odd-results.db"));
    snprintf(where, sizeof where, "%s", tempdir_file(&dir, "odd"));
    copy_file(db, odd_db);
    copy_file(results, odd_results);
    char *sql = sqlite3_mprintf("UPDATE drafter SET name = %Q WHERE ordinal = 0; UPDATE recording SET target = %Q; UPDATE sequence SET category = %Q WHERE ordinal < 4",
                                odd, odd, odd);
    run_sql(odd_db, sql);
    sqlite3_free(sql);
    sql = sqlite3_mprintf("UPDATE policy SET spec = %Q || ':x=' || ordinal, name = %Q WHERE name = 'ucbspec'; UPDATE experiment SET target = %Q; UPDATE serving SET target = %Q;"
                          "UPDATE fidelity SET target = %Q; UPDATE arm SET drafter = %Q, name = %Q || ':' || gamma WHERE drafter = 'sam';"
                          "UPDATE category SET category = %Q WHERE category = 'writing'; UPDATE sequence SET category = %Q WHERE category = 'writing';"
                          "UPDATE serving_row SET spec = %Q || ':x=1' WHERE spec = 'thompson'; UPDATE fidelity_run SET spec = %Q || ':x=1' WHERE spec = 'ucbspec'",
                          odd, odd, odd, odd, odd, odd, odd, odd, odd, odd, odd);
    run_sql(odd_results, sql);
    sqlite3_free(sql);
    draw(where, "svg", odd_results, odd_db);
    snprintf(policy, sizeof policy, "%s:x=", odd);
    for (const struct figure *f = figures; f->name; f++) {
        read_svg(picture(where, f->name, "svg"));
        assert_says(odd, f->name); // at least the target
        if (f->source != FIGURE_TRACE && strcmp(f->name, "sensitivity") && strcmp(f->name, "pulls")) assert_says(policy, f->name);
        assert_readable(f->name);
    }
    static const char *const more[][3] = {{"lengths", "", ": 992 drafts"}, {"drift", "", "  0."}, {"categories", "", " (4)"}, {"sensitivity", "", ": x"}, {"pulls", "", ":4"}};
    for (size_t i = 0; i < sizeof more / sizeof *more; i++) {
        char words[128];
        snprintf(words, sizeof words, "%s%s", odd, more[i][2]);
        read_svg(picture(where, more[i][0], "svg"));
        assert_says(words, more[i][0]);
    }
}

/* In letters: at most a hundred a line, title, context and units there. */
static void test_every_figure_can_be_written_in_letters(void **state) {
    (void)state;
    char out[4200];
    snprintf(out, sizeof out, "%s", tempdir_file(&dir, "letters.txt"));
    for (const struct figure *f = figures; f->name; f++) {
        struct err err;
        if (run_command(cmd_plot, &err, out, (char *[]){"plot", (char *)f->name, "--results", results, "--db", db, "--format", "term", NULL})) fail_msg("%s", err.text);
        char *text = read_file(out);
        int lines = 0, inked = 0;
        for (char *at = text, *end; (end = strchr(at, '\n')); at = end + 1, lines++) {
            int letters = 0, words = 0;
            for (char *c = at; c < end; c++) letters += ((unsigned char)*c & 0xC0) != 0x80, words += *c > ' ';
            if (letters > 100) fail_msg("figure %s: a line of %d letters", f->name, letters);
            inked += words > 3;
        }
        if (inked < 12) fail_msg("figure %s: %d of %d lines hold anything", f->name, inked, lines);
        int i = 0;
        while (i < WANTED && strcmp(want[i].name, f->name)) i++;
        assert_contains(text, "Smollm2 135M");
        if (!strcmp(f->name, "lengths")) { // panels are too narrow for the test's words
            assert_contains(text, "p = 0.660 ");
            assert_null(strstr(text, "p-val"));
        }
        if (!strncmp(f->name, "categories", 10)) {
            assert_contains(text, " [95% interval]; one prompt has none");
            assert_null(strstr(text, "\xC2\xB1")); // intervals are not symmetric
        }
        if (strcmp(f->name, "categories") && strcmp(f->name, "categories-mat") && strcmp(f->name, "pulls-prompts") && strcmp(f->name, "fidelity"))
            for (int k = 0; k < 2; k++) assert_contains(text, want[i].axis[k]);
        free(text);
    }
}

static void test_figures_that_lack_data_say_what_makes_them(void **state) {
    (void)state;
    char where[4200];
    snprintf(where, sizeof where, "%s", tempdir_file(&dir, "none"));
#define REFUSED(code, part, ...) assert_refused(cmd_plot, (char *[]){"plot", __VA_ARGS__, "--out", where, NULL}, code, part)
    REFUSED(ERR_USAGE, "option '--db' is required: figure 'lengths' is drawn from a trace", "lengths", "--results", results);
    REFUSED(ERR_USAGE, "option '--results' is required: figure 'speed' is drawn from a results file", "speed", "--db", db);
    REFUSED(ERR_USAGE, "option '--results' is required, or '--db'", "--format", "svg");
    REFUSED(ERR_FAILED, "has no simulated server, which figure 'serving' is drawn from; banditspec serving --db T --batch 1 4 16 --results R writes one", "serving", "--results", coding_results);
    REFUSED(ERR_FAILED, "has no live run held against its simulation", "fidelity", "--results", coding_results);
    REFUSED(ERR_FAILED, "experiment 1 of", "sensitivity", "--results", results, "--policy", "thompson");
    REFUSED(ERR_FAILED, "has no policy with two values of a parameter for these policies; banditspec replay", "sensitivity", "--results", results, "--policy", "thompson");
    REFUSED(ERR_FAILED, "no recording 7 in", "lengths", "--db", db, "--recording", "7");
    REFUSED(ERR_FAILED, "missing.db", "lengths", "--db", "missing.db");
    REFUSED(ERR_FAILED, "is not a banditspec trace", "lengths", "--db", results);
    char old[4200], two[4200]; // versions before the tables
    snprintf(old, sizeof old, "%s", tempdir_file(&dir, "old.db"));
    copy_file(results, old);
    run_sql(old, "DROP TABLE category; DROP TABLE part; DROP TABLE prompt_pull; DROP VIEW serving_improvement; DROP TABLE serving_row; DROP TABLE serving; PRAGMA user_version = 2");
    REFUSED(ERR_FAILED, "has no figures by category; banditspec replay --db T --results R writes one", "categories", "--results", old);
    REFUSED(ERR_FAILED, "has no parts of a round", "round", "--results", old);
    REFUSED(ERR_FAILED, "has no arm pulls by prompt", "pulls-prompts", "--results", old);
    REFUSED(ERR_FAILED, "has no simulated server", "serving", "--results", old);
    must(cmd_plot, (char *[]){"plot", "speed", "--results", old, "--out", where, NULL});
    snprintf(two, sizeof two, "%s", tempdir_file(&dir, "two.db")); // a trace of two recordings
    copy_file(db, two);
    run_sql(two, "INSERT INTO recording SELECT 2, created, 'other', target_sha256, tokenizer_sha256, backend, device, dtype, threads, max_new, max_draft, temperature, noise_seed,"
                 " template, engine_version, options FROM recording");
    REFUSED(ERR_FAILED, "holds 2 recordings: give --recording ID", "lengths", "--db", two);
    REFUSED(ERR_FAILED, "recording 2 of", "lengths", "--db", two, "--recording", "2");
    must(cmd_plot, (char *[]){"plot", "lengths", "--db", two, "--recording", "1", "--out", where, "--no-csv", NULL});
    assert_int_equal(access(picture(where, "lengths", "csv"), F_OK), -1);
    assert_int_equal(access(picture(where, "lengths", "png"), F_OK), 0);
}

/* A server alone, without an experiment, is something to draw. */
static void test_a_server_needs_no_experiment(void **state) {
    (void)state;
    char alone[4200], where[4200];
    struct err err;
    snprintf(alone, sizeof alone, "%s", tempdir_file(&dir, "alone.db"));
    snprintf(where, sizeof where, "%s", tempdir_file(&dir, "alone"));
    must(cmd_serving, (char *[]){"serving", "--db", db, "--policy", "auto", "--batch", "1", "--requests", "8", "--results", alone, NULL}); // one batch size
    if (run_command(cmd_plot, &err, NULL, (char *[]){"plot", "--results", alone, "--out", where, "--format", "svg", NULL})) fail_msg("%s", err.text);
    read_svg(picture(where, "serving", "svg"));
    assert_says("best fixed arm", "serving");
    must(cmd_plot, (char *[]){"plot", "--results", alone, "--out", where, "--policy", "auto", NULL});
    assert_refused(cmd_plot, (char *[]){"plot", "--results", alone, "--out", where, "--policy", "nobody", NULL}, ERR_FAILED, "no policy 'nobody'");
    assert_refused(cmd_plot, (char *[]){"plot", "speed", "--results", alone, "--out", where, NULL}, ERR_FAILED, "has no experiment, which figure 'speed' is drawn from");
}

/* 200 policies on 480 prompts, with 25 arms and 13 categories. */
static const char crowd[] =
    "PRAGMA foreign_keys = ON; DELETE FROM experiment;"
    "INSERT INTO experiment VALUES (1, '2026-01-01T00:00:00Z', 'trace', 'spec.db', '00', 'crowd', 'cpu', 'prompt', 1, 8, 'model', '0');"
    "CREATE TEMP TABLE n AS WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 479) SELECT i FROM n;"
    "INSERT INTO arm SELECT 1, i, CASE WHEN i = 0 THEN 'plain' ELSE printf('d%d:%d', (i - 1) / 8, (i - 1) % 8 + 1) END, CASE WHEN i = 0 THEN '' ELSE printf('d%d', (i - 1) / 8) END,"
    " CASE WHEN i = 0 THEN 0 ELSE (i - 1) % 8 + 1 END FROM n WHERE i < 25;"
    "INSERT INTO sequence SELECT 1, i, printf('%016d', i), printf('category %d', i * 13 / 480), 512, 1, 200, 1, 5.0, 190, 4.6, 12.3 FROM n;"
    "INSERT INTO policy SELECT i + 1, 1, i, CASE WHEN i = 7 THEN 'none' ELSE printf('policy-%03d:scale=%d', i, i) END, printf('policy-%03d', i), 0, 1, 200, 2.4, 2.3, 2.5,"
    " 400 - i, 390 - i, 410 - i, 4 - i / 100.0, 3.9 - i / 100.0, 4.1 - i / 100.0, CASE WHEN i = 7 THEN 4000 ELSE i END, i - 1, i + 1, i / 50.0, i / 60.0, i / 40.0, NULL FROM n WHERE i < 200;"
    "INSERT INTO curve SELECT p.id, 1 << i, p.ordinal * i / 9.0, p.ordinal * i / 9.0 - 1, p.ordinal * i / 9.0 + 1, i, i, i, 480 FROM policy p, n WHERE i BETWEEN 1 AND 9;"
    "INSERT INTO stream SELECT p.id, 1 << i, 100 << i, p.ordinal << i, (p.ordinal << i) - 1, (p.ordinal << i) + 1, i, i, i FROM policy p, n WHERE i < 9;"
    "INSERT INTO pull SELECT p.id, 1 << a.i, b.i, 1 + (p.id * a.i + b.i) % 17 FROM policy p, n a, n b WHERE a.i < 9 AND b.i < 25;"
    "INSERT INTO category SELECT p.id, printf('category %d', i), 37, 2 + i / 10.0, 1.9, 3.4, 400 - p.ordinal + i, 390 - p.ordinal, 420 - p.ordinal, 100 FROM policy p, n WHERE i < 13;"
    "INSERT INTO part SELECT id, 0.001, 0.004, 1e-6 FROM policy;"
    "INSERT INTO prompt_pull SELECT p.id, a.i, b.i * 4 + p.id % 4, 1 + (a.i + b.i) % 9 FROM policy p, n a, n b WHERE b.i < 6;"
    "INSERT INTO bound SELECT 1, 'EXP3Spec at most (Theorem 5.3)', 1 << i, 0.6 * (1 << i) FROM n WHERE i BETWEEN 1 AND 9";

/* Processor time of this process and its children: what a machine with nothing else to do would take. */
static double spent(void) {
    double seconds = 0;
    for (int i = 0; i < 2; i++) {
        struct rusage r;
        getrusage(i ? RUSAGE_CHILDREN : RUSAGE_SELF, &r);
        seconds += (double)(r.ru_utime.tv_sec + r.ru_stime.tv_sec) + (double)(r.ru_utime.tv_usec + r.ru_stime.tv_usec) / 1e6;
    }
    return seconds;
}

static void test_200_policies_on_480_prompts_take_less_than_20_seconds(void **state) {
    (void)state;
    char many[4200], where[4200];
    struct err err;
    snprintf(many, sizeof many, "%s", tempdir_file(&dir, "many.db"));
    snprintf(where, sizeof where, "%s", tempdir_file(&dir, "many"));
    must(cmd_replay, (char *[]){"replay", "--db", db, "--policy", "none", "--arms", "plain", "pld:1", "--results", many, NULL}); // an empty file of ours
    run_sql(many, crowd);
    double start = spent();
    must(cmd_plot, (char *[]){"plot", "--results", many, "--out", where, NULL});
    double seconds = spent() - start;
    print_message("200 policies on 480 prompts: %.1f s\n", seconds);
    if (seconds > 20) fail_msg("all figures of 200 policies on 480 prompts took %.1f s", seconds);
    if (run_command(cmd_plot, &err, NULL, (char *[]){"plot", "--results", many, "--out", where, "--format", "svg", NULL})) fail_msg("%s", err.text);
    for (const struct figure *f = figures; f->name; f++) {
        if (f->source != FIGURE_EXPERIMENT || !strcmp(f->name, "sensitivity")) continue;
        read_svg(picture(where, f->name, "svg"));
        assert_readable(f->name);
        assert_inked(f->name, picture(where, f->name, "png"));
    }
    assert_notes(where, true);
    read_svg(picture(where, "speed", "svg"));
    assert_says("policy-000:scale=0", "speed");
    must(cmd_plot, (char *[]){"plot", "speed", "--results", many, "--out", where, "--format", "svg", "--policy", "none", "policy-199", NULL});
    read_svg(picture(where, "speed", "svg"));
    assert_says("policy-199:scale=199", "speed");
    if (says(" policies: ")) fail_msg("two policies that were asked for are taken for a choice");
}

/* Of hundreds of per cent, too; the interval of a t would contradict the one that live prints. */
static void test_fidelity_shows_the_difference_alone(void **state) {
    (void)state;
    char far[4200], where[4200];
    snprintf(far, sizeof far, "%s", tempdir_file(&dir, "far.db"));
    snprintf(where, sizeof where, "%s", tempdir_file(&dir, "far"));
    copy_file(results, far);
    run_sql(far, "UPDATE fidelity_run SET simulated_seconds = live_seconds / 3, live_seconds = live_seconds * (1 + sequence % 3) WHERE ordinal > 0;"
                 "UPDATE fidelity_run SET live_seconds = simulated_seconds * 2.53 WHERE ordinal = 0");
    must(cmd_plot, (char *[]){"plot", "fidelity", "--results", far, "--out", where, "--format", "svg", NULL});
    read_svg(picture(where, "fidelity", "svg"));
    assert_readable("fidelity");
    assert_says("+153.0%", "fidelity");
    if (says("\xC2\xB1")) fail_msg("figure fidelity has an interval that is not live's");
}

/* On the kept trace neither theorem says anything; here one of them does, at the end. */
static void test_a_bound_is_a_theorem_s_only_below_the_ceiling(void **state) {
    (void)state;
    static const char *const names[] = {"regret-bounds", "regret-log"};
    char long_[4200], where[4200];
    snprintf(long_, sizeof long_, "%s", tempdir_file(&dir, "long.db"));
    snprintf(where, sizeof where, "%s", tempdir_file(&dir, "long"));
    copy_file(results, long_);
    for (int i = 0; i < 2; i++) {
        read_svg(picture(tempdir_file(&dir, "plots"), names[i], "svg"));
        if (says("at most (Theorem")) fail_msg("figure %s calls the ceiling a theorem's", names[i]);
    }
    run_sql(long_, "UPDATE bound SET regret_rounds = 0.7 * regret_rounds WHERE name LIKE 'UCB%' AND tokens > 30");
    must(cmd_plot, (char *[]){"plot", "regret-bounds", "regret-log", "--results", long_, "--out", where, "--format", "svg", NULL});
    for (int i = 0; i < 2; i++) {
        read_svg(picture(where, names[i], "svg"));
        assert_says("UCBSpec at most (Theorem 4.3)", names[i]);
        assert_says("Theorem 5.3 promises no better here", names[i]);
        assert_says("every token by itself", names[i]);
        assert_readable(names[i]);
    }
}

/* -- scales: what is drawn lies where the axes say, by the data that lie beside the picture -- */

static struct svg_axes axes;

/* Draws it, and reads picture and data. */
static void draw_axes(const char *name, const char *from_results, const char *from_db) {
    char where[4200];
    snprintf(where, sizeof where, "%s", tempdir_file(&dir, "axes"));
    must(cmd_plot, (char *[]){"plot", (char *)name, "--out", where, "--format", "svg", "--results", (char *)from_results, "--db", (char *)from_db, NULL});
    char *text = read_file(picture(where, name, "svg"));
    svg_blank_patterns(text);
    svg_axes_read(&axes, text);
    svg_read(&svg, text);
    free(text);
    csv_read(picture(where, name, "csv"));
}

static void assert_drawn(const char *name, int row, const char *what, double x, double y, double dx) {
    if (!svg_drawn(&axes, x, y, dx, 0.6)) fail_msg("figure %s: %s of row %d should be at %.1f, %.1f, where nothing is drawn", name, what, row, x, y);
}

static double asinh2(double v) { return asinh(2 * v); }

/* Every value inside the frame is there, and nothing else is. */
static void assert_regret_lies_where_axes_say(const char *name, const char *from) {
    bool logs = !strcmp(name, "regret-log");
    draw_axes(name, from, db);
    struct svg_scale x = svg_scale(&axes, SVG_X, 0, logs ? log : svg_linear, 3, name), y = svg_scale(&axes, SVG_Y, 0, logs ? asinh2 : svg_linear, 3, name);
    double top = axes.drawn.y0 + 0.6, bottom = axes.drawn.y1 - 0.6;
    int inside = 0, strange = 0;
    for (int i = 0; i < csv.rows; i++) {
        double at = svg_place(&y, value_of(i, "regret"));
        if (at < top || at > bottom) continue;
        assert_drawn(name, i, "regret", svg_place(&x, value_of(i, "tokens")), at, 0.6);
        inside++;
    }
    assert_true(inside > 20 && inside > csv.rows / 2);
    for (int k = 0; k < axes.points_n; k++) {
        const struct svg_point *p = &axes.points[k];
        bool known = p->y < top || p->y > bottom;
        for (int i = 0; i < csv.rows && !known; i++) {
            static const char *const values[] = {"regret", "lo", "hi"};
            for (int v = 0; v < 3 && !known; v++)
                known = fabs(svg_place(&x, value_of(i, "tokens")) - p->x) < 0.6 && fabs(svg_place(&y, value_of(i, values[v])) - p->y) < 0.6;
        }
        strange += !known;
    }
    if (strange > axes.points_n / 100) fail_msg("figure %s: %d of %d points are of no value in its data", name, strange, axes.points_n); // where lines are cut
}

static void test_regret_lies_where_its_axes_say(void **state) {
    (void)state;
    static const char *const names[] = {"regret", "regret-log", "regret-seconds", "regret-prompts", "regret-bounds"};
    for (int i = 0; i < 5; i++) assert_regret_lies_where_axes_say(names[i], results);
}

static void test_speed_and_speedup_lie_where_their_axes_say(void **state) {
    (void)state;
    draw_axes("speed", results, db);
    struct svg_scale x = svg_scale(&axes, SVG_X, 0, svg_linear, 3, "speed"), x2 = svg_scale(&axes, SVG_X2, 0, svg_linear, 3, "speed");
    for (int i = 0; i < csv.rows; i++) {
        double bar = svg_place(&x, value_of(i, "speed")), y = -1;
        assert_true(fabs(bar - svg_place(&x2, value_of(i, "speedup"))) < 0.6);
        for (int k = 0; k < svg.n; k++)
            if (!strcmp(svg.text[k].words, word_of(i, "spec"))) y = (svg.text[k].box.y0 + svg.text[k].box.y1) / 2;
        const struct svg_point *end = svg_drawn(&axes, bar, y, 0.6, 12);
        if (y < 0 || !end || !end->polygon) fail_msg("figure speed: no bar of %s ends at %.1f beside its name at %.1f", word_of(i, "spec"), bar, y);
        for (int k = 0; k < 2; k++)
            if (!svg_drawn(&axes, svg_place(&x, value_of(i, k ? "hi" : "lo")), y, 0.6, 3)) fail_msg("figure speed: no interval of %s ends at its %s", word_of(i, "spec"), k ? "hi" : "lo");
    }
}

static void test_shares_of_pulls_lie_where_their_axes_say(void **state) {
    (void)state;
    const char *spec = "";
    draw_axes("pulls", results, db);
    int across = svg_panels(&axes, SVG_X), panel = -1, seen = 0;
    for (int i = 0; i < csv.rows; i++) {
        if (strcmp(spec, word_of(i, "spec"))) spec = word_of(i, "spec"), panel++;
        if (value_of(i, "top") - value_of(i, "bottom") < 1e-6) continue;
        struct svg_scale x = svg_scale(&axes, SVG_X, panel % across, log, 2, "pulls"), y = svg_scale(&axes, SVG_Y, panel / across, svg_linear, 3, "pulls");
        assert_drawn("pulls", i, "top", svg_place(&x, value_of(i, "round") + 1), svg_place(&y, value_of(i, "top")), 0.6); // rounds count from 1
        assert_drawn("pulls", i, "bottom", svg_place(&x, value_of(i, "next") + 1), svg_place(&y, value_of(i, "bottom")), 0.6);
        seen++;
    }
    assert_true(panel >= 3 && seen > 100);
}

/* Lines stand a little beside the width that they are of, each on its side. */
static void assert_latency_lies_where_axes_say(const char *from) {
    static const char *const names[] = {"p10", "p50", "p90"};
    draw_axes("latency", results, from);
    struct svg_scale x = svg_scale(&axes, SVG_X, 0, svg_linear, 3, "latency"), y = svg_scale(&axes, SVG_Y, 0, svg_linear, 3, "latency");
    for (int i = 0; i < csv.rows; i++)
        for (int k = 0; k < 3; k++) {
            double at = svg_place(&y, value_of(i, names[k]));
            if (at < axes.drawn.y0 - 0.6) continue; // beyond the frame
            assert_drawn("latency", i, names[k], svg_place(&x, value_of(i, "width")), at, 0.19 * x.unit);
        }
}

static void test_latency_lies_where_its_axes_say(void **state) {
    (void)state;
    assert_latency_lies_where_axes_say(db);
    assert_latency_lies_where_axes_say(coding);
}

/* What a sweep keeps: no curves along a prompt, and no pulls by prompt. Its regret over prompts is in its runs' outcomes: the same as a replay's. */
static void test_a_sweep_draws_what_it_keeps(void **state) {
    (void)state;
    char swept[4200], where[4200];
    static const char *const kept[] = {"regret-prompts", "speed", "categories", "categories-mat", "round", "pulls", "sensitivity"};
    snprintf(swept, sizeof swept, "%s", tempdir_file(&dir, "swept.db"));
    snprintf(where, sizeof where, "%s", tempdir_file(&dir, "swept"));
    must(cmd_sweep, (char *[]){"sweep", "--db", db, "--policy", "ucbspec:delta={0.01,0.1,0.5}", "thompson", "--seeds", "2", "--results", swept, "--quiet", NULL});
    must(cmd_plot, (char *[]){"plot", "--results", swept, "--out", where, "--format", "svg", NULL});
    for (const struct figure *f = figures; f->name; f++) {
        bool due = false, there = !access(picture(where, f->name, "svg"), F_OK);
        for (size_t i = 0; i < sizeof kept / sizeof *kept; i++) due |= !strcmp(kept[i], f->name);
        if (there != due) fail_msg("figure %s of a sweep is %s", f->name, there ? "there" : "missing");
        if (!there) continue;
        read_svg(picture(where, f->name, "svg"));
        assert_says("ucbspec", f->name);
        assert_readable(f->name);
    }
    assert_refused(cmd_plot, (char *[]){"plot", "pulls-prompts", "--results", swept, "--out", where, NULL}, ERR_FAILED, "has no arm pulls by prompt; banditspec replay");
    char replayed[4200];
    snprintf(replayed, sizeof replayed, "%s", tempdir_file(&dir, "replayed.db"));
    must(cmd_replay, (char *[]){"replay", "--db", db, "--policy", "ucbspec:delta={0.01,0.1,0.5}", "thompson", "--seeds", "2", "--results", replayed, NULL});
    assert_regret_lies_where_axes_say("regret-prompts", swept);
    int rows = csv.rows;
    for (int i = 0; i < rows; i++) {
        char sql[600];
        snprintf(sql, sizeof sql, "SELECT count(*) FROM stream s JOIN policy p ON p.id = s.policy WHERE p.spec = '%s' AND s.prompts = %s AND abs(s.regret_rounds - %s) < 1e-6"
            " AND abs(s.regret_rounds_lo - %s) < 1e-6 AND abs(s.regret_rounds_hi - %s) < 1e-6", word_of(i, "spec"), word_of(i, "tokens"), word_of(i, "regret"),
                 word_of(i, "lo"), word_of(i, "hi"));
        if (query_number(replayed, sql) != 1) fail_msg("regret over prompts of a sweep and of a replay differ: no %s", sql);
    }
    assert_int_equal(rows, (int)query_number(replayed, "SELECT count(*) FROM stream"));
    run_sql(swept, "UPDATE run SET outcomes = substr(outcomes, 9) WHERE spec = 'thompson' AND seed = 0");
    assert_refused(cmd_plot, (char *[]){"plot", "regret-prompts", "--results", swept, "--out", where, NULL}, ERR_FAILED, "a run of policy 'thompson' in ");
}

/* -- what is cut off -- */

/* Heads of arrows: polygons of five corners, the first of them twice. */
static int arrow_heads(struct box *heads, int most) {
    int n = 0;
    for (int i = 0; i < axes.points_n; i++) {
        if (!axes.points[i].polygon || (i && axes.points[i - 1].shape == axes.points[i].shape)) continue;
        struct box b = {0, 0, -1, -1};
        int k = i;
        for (; k < axes.points_n && axes.points[k].shape == axes.points[i].shape; k++) svg_add(&b, axes.points[k].x, axes.points[k].y);
        if (k - i != 5 || b.x1 - b.x0 > 14 || b.y1 - b.y0 > 14) continue;
        if (n < most) heads[n] = b;
        n++;
    }
    return n;
}

static void test_bars_that_go_on_end_in_an_arrow(void **state) {
    (void)state;
    char noisy[4200], far[4200];
    struct box heads[64];
    int cut = 0;
    snprintf(noisy, sizeof noisy, "%s", tempdir_file(&dir, "noisy.db"));
    snprintf(far, sizeof far, "%s", tempdir_file(&dir, "far-categories.db"));
    draw_axes("latency", results, db);
    assert_int_equal(arrow_heads(heads, 64), 0);
    copy_file(db, noisy);
    run_sql(noisy, "UPDATE step SET verify_ns = verify_ns * 5 WHERE pos % 7 = 0 AND verify_width IN (3, 7)"); // one in seven: beyond the 90th percentile
    assert_latency_lies_where_axes_say(noisy);
    struct svg_scale y = svg_scale(&axes, SVG_Y, 0, svg_linear, 3, "latency");
    for (int i = 0; i < csv.rows; i++) cut += svg_place(&y, value_of(i, "p90")) < axes.drawn.y0 - 0.6;
    assert_int_equal(cut, 6);
    assert_int_equal(arrow_heads(heads, 64), cut);
    for (int i = 0; i < cut; i++)
        if (heads[i].y0 > axes.drawn.y0 + 8) fail_msg("an arrow of latency ends at %.1f, the frame at %.1f", heads[i].y0, axes.drawn.y0);
    copy_file(results, far);
    run_sql(far, "UPDATE category SET tokens_per_s_hi = 20000 WHERE category = 'writing' AND policy = (SELECT id FROM policy WHERE spec = 'thompson')");
    draw_axes("categories", results, db);
    int before = arrow_heads(heads, 64);
    draw_axes("categories", far, db);
    assert_int_equal(arrow_heads(heads, 64), before + 1);
    for (int h = 0; h < before + 1; h++) { // on its line: a dot, and no bar across it there
        double at = (heads[h].y0 + heads[h].y1) / 2;
        for (int i = 0; i < axes.points_n; i++) {
            const struct svg_point *dot = &axes.points[i];
            if (fabs(dot->y - at) > 0.6 || dot->polygon || dot->x > heads[h].x1 || dot->x < heads[h].x1 - 0.25 * svg.w) continue;
            bool mark = (i == 0 || dot[-1].shape != dot->shape) && (i == axes.points_n - 1 || dot[1].shape != dot->shape);
            for (int k = 0; k < axes.points_n && mark; k++)
                if (fabs(axes.points[k].x - dot->x) < 0.3 && fabs(axes.points[k].y - dot->y) > 1.5 && fabs(axes.points[k].y - dot->y) < 6 && !axes.points[k].polygon)
                    fail_msg("figure categories: a bar across the dot at %.1f, %.1f, whose interval goes on", dot->x, dot->y);
        }
    }
}

/* In letters an arm has one of its own, and the figure shows no other; in grey each drafter has a pattern. */
static void test_arms_are_told_apart_without_colour(void **state) {
    (void)state;
    static const char *const arms[] = {"plain", "pld:2", "pld:4", "pld:8", "sam:2", "sam:4", "sam:8", "eagle:2", "eagle:4", "eagle:8"};
    enum { ARMS = sizeof arms / sizeof *arms };
    char out[4200], where[4200], of[ARMS] = "", line[512];
    snprintf(out, sizeof out, "%s", tempdir_file(&dir, "arms.txt"));
    struct err err;
    if (run_command(cmd_plot, &err, out, (char *[]){"plot", "pulls", "--results", results, "--format", "term", NULL})) fail_msg("%s", err.text);
    char *text = read_file(out);
    for (int i = 0; i < ARMS; i++) {
        snprintf(line, sizeof line, " %s\n", arms[i]);
        char *at = strstr(text, line);
        if (!at) fail_msg("no %s in the legend", arms[i]);
        of[i] = at[-1];
        for (int k = 0; k < i; k++)
            if (of[k] == of[i]) fail_msg("%s and %s are both '%c'", arms[k], arms[i], of[i]);
    }
    int drawn = 0;
    for (char *row = text; (row = strchr(row, '|')); row++) // a panel's line: letters of the legend and blanks
        for (char *c = row + 1; *c && *c != '\n' && *c != ' '; c++, drawn++)
            if (!memchr(of, *c, ARMS)) fail_msg("'%c' is of no arm", *c);
    assert_true(drawn > 500);
    free(text);
    snprintf(where, sizeof where, "%s", tempdir_file(&dir, "patterns"));
    must(cmd_plot, (char *[]){"plot", "pulls", "--results", results, "--out", where, "--format", "svg", NULL});
    text = read_file(picture(where, "pulls", "svg"));
    char strokes[16][80]; // of the patterns beside the legend
    int kinds = 0;
    for (char *at = text; (at = strstr(at, "<pattern ")); at++) {
        char *d = strstr(at, " d='");
        int k = 0;
        snprintf(line, sizeof line, "%.*s", (int)strcspn(d + 4, "'"), d + 4);
        while (k < kinds && strcmp(strokes[k], line)) k++;
        if (k == kinds && kinds < 16) snprintf(strokes[kinds++], sizeof *strokes, "%.79s", line);
    }
    assert_int_equal(kinds, 3); // plain, sam, eagle; pld has none
    free(text);
}

/* -- what queries are made of -- */

static double sql_number(sqlite3 *to, const char *sql) {
    sqlite3_stmt *s;
    if (sqlite3_prepare_v2(to, sql, -1, &s, NULL) != SQLITE_OK) fail_msg("%s: %s", sql, sqlite3_errmsg(to));
    assert_int_equal(sqlite3_step(s), SQLITE_ROW);
    double x = sqlite3_column_type(s, 0) == SQLITE_NULL ? NAN : sqlite3_column_double(s, 0);
    sqlite3_finalize(s);
    return x;
}

static void test_sql_functions_give_their_check_values(void **state) {
    (void)state;
    sqlite3 *memory;
    struct err err;
    assert_int_equal(sqlite3_open(":memory:", &memory), SQLITE_OK);
    assert_int_equal(functions_add(memory, &err), 0);
    static const struct { const char *sql; double value; } cases[] = {
        {"SELECT quantile(column1, 0.5) FROM (VALUES (4), (1), (NULL), (2))", 2},
        {"SELECT quantile(column1, 0.75) FROM (VALUES (4), (1), (2))", 3},
        {"SELECT quantile(column1, 0.5) IS NULL FROM (VALUES (NULL))", 1},
        {"SELECT ratio_hi(column1, 1) FROM (VALUES (1), (2), (3))", 4.484138},
        {"SELECT ratio_lo(column1, 1) FROM (VALUES (1), (2), (3))", 2 - 2.484138},
        {"SELECT ratio_lo(column1, 1) IS NULL FROM (VALUES (1))", 1},
        {"SELECT ratio_hi(column1, column2) FROM (VALUES (1, 2), (2, 4), (3, 6))", 0.5}, // no spread about the ratio
        {"SELECT tgd_p(column1, column2, column3) FROM (VALUES (1, 100, 60), (2, 60, 30))", 0.5625},        // traces/hazard.h's own check
        {"SELECT tgd_chi2(column1, column2, column3) FROM (VALUES (1, 100, 60), (2, 60, 30))", 1.523810},
        {"SELECT tgd_df(column1, column2, column3) FROM (VALUES (1, 100, 60), (2, 60, 30))", 1},
        {"SELECT tgd_p_value(column1, column2, column3) FROM (VALUES (1, 100, 60), (2, 60, 30))", 0.217048},
        {"SELECT json_extract(spec_json('ucbspec'), '$.delta') = json_extract(spec_json('ucbspec:delta=0.5'), '$.delta')", 1}, // the default
        {"SELECT json_extract(spec_json('thompson'), '$.value') = 'rate' AND json_extract(spec_json('thompson:value=len'), '$.value') = 'len'", 1},
        {"SELECT spec_json('nobody:a=1,b=x:y') = '{\"a\":\"1\",\"b\":\"x:y\"}'", 1},
        {"SELECT spec_json('nobody') = '{}' AND spec_json('nobody:') = '{}' AND spec_json('') = '{}' AND spec_json('nobody:,=,a') IS NOT NULL", 1},
        {"SELECT spec_json(NULL) IS NULL", 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        double x = sql_number(memory, cases[i].sql);
        if (!(fabs(x - cases[i].value) < 1e-5)) fail_msg("%s: %.7g, expected %.7g", cases[i].sql, x, cases[i].value);
    }
    sqlite3_close(memory);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sql_functions_give_their_check_values),
        cmocka_unit_test(test_every_figure_of_the_kept_trace_is_whole),
        cmocka_unit_test(test_a_policy_keeps_its_colour),
        cmocka_unit_test(test_every_figure_of_the_other_trace_is_readable),
        cmocka_unit_test(test_odd_names_are_shown_as_they_are),
        cmocka_unit_test(test_every_figure_can_be_written_in_letters),
        cmocka_unit_test(test_figures_that_lack_data_say_what_makes_them),
        cmocka_unit_test(test_a_server_needs_no_experiment),
        cmocka_unit_test(test_a_sweep_draws_what_it_keeps),
        cmocka_unit_test(test_fidelity_shows_the_difference_alone),
        cmocka_unit_test(test_a_bound_is_a_theorem_s_only_below_the_ceiling),
        cmocka_unit_test(test_regret_lies_where_its_axes_say),
        cmocka_unit_test(test_speed_and_speedup_lie_where_their_axes_say),
        cmocka_unit_test(test_shares_of_pulls_lie_where_their_axes_say),
        cmocka_unit_test(test_latency_lies_where_its_axes_say),
        cmocka_unit_test(test_bars_that_go_on_end_in_an_arrow),
        cmocka_unit_test(test_arms_are_told_apart_without_colour),
        cmocka_unit_test(test_200_policies_on_480_prompts_take_less_than_20_seconds),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
