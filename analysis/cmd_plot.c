/* cmd_plot.c - banditspec plot: pictures from a results database. */
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

int cmd_plot(int argc, char **argv, struct err *err) {
    const char *results = NULL, *dir = "plots", *format = "png";
    int experiment = 0;
    struct texts names = {0}, policies = {0};
    struct plot_output out = {0};
    const struct opt table[] = {
        {.name = "results", .kind = OPT_TEXT, .to = &results, .arg = "FILE", .required = true,
         .help = "results database, written by replay or sweep --results"},
        {.name = "figure", .kind = OPT_LIST, .to = &names, .arg = "NAME...", .help = "regret, regret-seconds, regret-prompts, regret-bounds, speed, pulls (default: all there are data of)"},
        {.name = "out", .kind = OPT_TEXT, .to = &dir, .arg = "DIR", .help = "where the pictures go, made when missing"},
        {.name = "format", .kind = OPT_TEXT, .to = &format, .arg = "FORMAT", .help = "png, svg, pdf, or term: 100 x 30 letters on standard output"},
        {.name = "experiment", .kind = OPT_INT, .to = &experiment, .arg = "ID", .help = "which experiment, 0 the newest", .lo = 0, .hi = 2147483647},
        {.name = "policy", .kind = OPT_LIST, .to = &policies, .arg = "P...", .help = "only these, by spec or name; colours stay as they are"},
        {.name = "csv", .kind = OPT_FLAG, .to = &out.csv, .help = "keep each figure's data beside it, as CSV"},
        {.name = "script", .kind = OPT_FLAG, .to = &out.script, .help = "keep each figure's gnuplot script with its data"},
        {0},
    };
    const struct opt_help help = {
        .usage = "plot [NAME...] --results FILE [--out DIR --format png|svg|pdf|term]",
        .about = "Draws regret, speed and arm pulls of one experiment with gnuplot and prints the paths written.\n"
                 "Each figure is one SQL query and one gnuplot script; --csv and --script keep both ends.",
        .example = "  banditspec plot --results results.db --out plots --format svg\n"
                   "  banditspec plot regret speed --results results.db --format term\n"
                   "  banditspec plot pulls --results results.db --policy ucbspec thompson --csv",
    };
    int words = 0; // figure names may stand before the options
    while (words + 1 < argc && strncmp(argv[words + 1], "-", 1) && names.n < 16) names.at[names.n++] = argv[++words];
    argv[words] = argv[0];
    int rc = opt_parse(table, &help, argc - words, argv + words, err);
    if (rc) return rc == 1 ? 0 : rc;
    out.dir = dir;
    if ((rc = parse_format(format, &out.format, err)) || (rc = check_figures(&names, err))) return rc;
    struct plot p;
    if (plot_open(&p, results, experiment, policies.at, policies.n, err)) return ERR_FAILED;
    if (names.n == 0) { // all that there is something to draw of; nothing at all is the first one's error
        for (const struct figure *f = figures; f->name; f++)
            if (plot_has(&p, f)) names.at[names.n++] = f->name;
        if (names.n == 0) names.at[names.n++] = figures[0].name;
    }
    rc = draw(&p, &names, &out, err);
    plot_close(&p);
    return rc;
}
