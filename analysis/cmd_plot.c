/* cmd_plot.c - banditspec plot: pictures from a results file and from a trace. */
#include <stdio.h>
#include <string.h>

#include "analysis/plot.h"
#include "core/cmd.h"
#include "core/opt.h"

command cmd_plot;

static int parse_format(const char *word, enum plot_format *format, struct err *err) {
    static const char *const words[] = {[PLOT_PNG] = "png", [PLOT_SVG] = "svg", [PLOT_PDF] = "pdf", [PLOT_TERM] = "term"};
    for (int i = 0; i < 4; i++)
        if (!strcmp(word, words[i])) {
            *format = (enum plot_format)i;
            return 0;
        }
    return err_usage(err, "option '--format' wants png, svg, pdf or term, got '%s'", word);
}

static int check_figures(const struct texts *names, struct err *err) {
    for (int i = 0; i < names->n; i++) {
        if (figure_find(names->at[i])) continue;
        err_usage(err, "unknown figure '%s', there are:", names->at[i]);
        for (const struct figure *f = figures; f->name; f++) err_add(err, " %s", f->name);
        return ERR_USAGE;
    }
    return 0;
}

static int draw(const struct plot *p, const struct texts *names, const struct plot_output *out, struct err *err) {
    for (int i = 0; i < names->n; i++)
        if (plot_draw(p, figure_find(names->at[i]), out, err)) return ERR_FAILED;
    return 0;
}

/* Every figure named wants one of the two files; without a name there is at least one. */
static int check_sources(const struct texts *names, const char *results, const char *db, struct err *err) {
    for (int i = 0; i < names->n; i++) {
        bool of_trace = figure_find(names->at[i])->source == FIGURE_TRACE;
        if (of_trace ? db : results) continue;
        return err_usage(err, "option '%s' is required: figure '%s' is drawn from a %s", of_trace ? "--db" : "--results", names->at[i],
                         of_trace ? "trace" : "results file");
    }
    return results || db ? 0 : err_usage(err, "option '--results' is required, or '--db' for the figures of a trace");
}

static int open_all(struct plot *p, const char *results, int experiment, const struct texts *policies, const char *db, int recording,
                    struct err *err) {
    *p = (struct plot){0};
    if (results && plot_open(p, results, experiment, policies->at, policies->n, err)) return ERR_FAILED;
    if (db && plot_open_trace(p, db, recording, err)) {
        plot_close(p);
        return ERR_FAILED;
    }
    return 0;
}

/* "regret, regret-log, ..." */
static void list_figures(char *to, size_t size, bool of_trace) {
    size_t n = 0;
    for (const struct figure *f = figures; f->name; f++)
        if (n < size && (f->source == FIGURE_TRACE) == of_trace) n += (size_t)snprintf(to + n, size - n, "%s%s", n ? ", " : "", f->name);
}

int cmd_plot(int argc, char **argv, struct err *err) {
    const char *results = NULL, *db = NULL, *dir = "plots", *format = "png";
    int experiment = 0, recording = 0;
    bool no_csv = false, csv = false;
    char of_results[400], of_trace[100], about[1400];
    struct texts names = {0}, policies = {0};
    struct plot_output out = {0};
    list_figures(of_results, sizeof of_results, false);
    list_figures(of_trace, sizeof of_trace, true);
    snprintf(about, sizeof about, "Draws figures with gnuplot and prints the paths written: all that there are data of, or those named.\n"
             "From a results file (replay, sweep, serving with --results):\n  %s\nFrom a trace (record --db):\n  %s\n"
             "Each figure is one SQL query and one gnuplot script; its data lie beside it as CSV, --script keeps the script.",
             of_results, of_trace);
    const struct opt table[] = {
        {.name = "results", .kind = OPT_TEXT, .to = &results, .arg = "FILE",
         .help = "results file, written by replay, sweep or serving --results"},
        {.name = "db", .kind = OPT_TEXT, .to = &db, .arg = "T", .help = "trace, for the figures that are drawn from one"},
        {.name = "figure", .kind = OPT_LIST, .to = &names, .arg = "NAME...", .help = "which (default: all there are data of)"},
        {.name = "out", .kind = OPT_TEXT, .to = &dir, .arg = "DIR", .help = "where the pictures go, made when missing"},
        {.name = "format", .kind = OPT_TEXT, .to = &format, .arg = "FORMAT",
         .help = "png, svg, pdf, or term: 100 x 30 letters or more on standard output"},
        {.name = "experiment", .kind = OPT_INT, .to = &experiment, .arg = "ID",
         .help = "which experiment, 0 the newest", .lo = 0, .hi = 2147483647},
        {.name = "recording", .kind = OPT_INT, .to = &recording, .arg = "ID",
         .help = "which recording of the trace, where it holds several", .lo = 0, .hi = 2147483647},
        {.name = "policy", .kind = OPT_LIST, .to = &policies, .arg = "P...",
         .help = "only these, by spec or name; colours stay as they are"},
        {.name = "no-csv", .kind = OPT_FLAG, .to = &no_csv, .help = "without each figure's data as CSV beside it"},
        {.name = "csv", .kind = OPT_FLAG, .to = &csv, .help = "with --format term: that CSV too"},
        {.name = "script", .kind = OPT_FLAG, .to = &out.script, .help = "keep each figure's gnuplot script with its data"},
        {0},
    };
    const struct opt_help help = {
        .usage = "plot [NAME...] [--results FILE] [--db T] [--out DIR --format png|svg|pdf|term]",
        .about = about,
        .example = "  banditspec plot --results results.db --db run.db --out plots --format svg\n"
                   "  banditspec plot regret speed --results results.db --format term\n"
                   "  banditspec plot categories round --results results.db --policy ucbspec thompson\n"
                   "  banditspec plot lengths drift latency --db run.db --out plots\n"
                   "  banditspec serving --db run.db --policy auto thompson --batch 1 2 4 8 16 --results r.db\n"
                   "  banditspec plot serving --results r.db\n"
                   "  banditspec replay --db run.db --policy 'ucbspec:delta={0.01,0.1,0.5}' --results r.db\n"
                   "  banditspec plot sensitivity --results r.db",
    };
    int words = 0; // figure names may stand before the options
    while (words + 1 < argc && strncmp(argv[words + 1], "-", 1) && names.n < 32) names.at[names.n++] = argv[++words];
    argv[words] = argv[0];
    int rc = opt_parse(table, &help, argc - words, argv + words, err);
    if (rc) return rc == 1 ? 0 : rc;
    if ((rc = parse_format(format, &out.format, err)) || (rc = check_figures(&names, err))) return rc;
    if ((rc = check_sources(&names, results, db, err))) return rc;
    out.dir = dir;
    out.csv = out.format == PLOT_TERM ? csv : !no_csv;
    struct plot p;
    if (open_all(&p, results, experiment, &policies, db, recording, err)) return ERR_FAILED;
    if (names.n == 0) { // all that there is something to draw of; nothing at all is the first one's error
        for (const struct figure *f = figures; f->name; f++)
            if (plot_has(&p, f)) names.at[names.n++] = f->name;
        if (names.n == 0) names.at[names.n++] = results ? figures[0].name : "lengths";
    }
    rc = draw(&p, &names, &out, err);
    plot_close(&p);
    return rc;
}
