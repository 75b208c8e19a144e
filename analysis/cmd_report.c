/* cmd_report.c - banditspec report: which policy, by how much, how sure; as a page, on a terminal, as tables. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "analysis/report.h"
#include "analysis/whole.h"
#include "core/cmd.h"
#include "core/opt.h"

command cmd_report;

static const struct opt_help help = {
    .usage = "report --results R [--db T --experiment ID --out report.html]\n"
             "       banditspec report --results R --text | --json | --latex | --csv",
    .about = "Says which policy to use for a model, prompts and hardware, by how much, and how sure that is; then the leaderboard, figures,\n"
             "caveats, and the commands and hashes to reproduce it: one HTML file that needs nothing else. --text says it in 24 lines.\n"
             "With --holdout the fastest policy, parameters and the best fixed arm are chosen on one part of the prompts and reported\n"
             "on the other, so that nothing is tested on what it was chosen by.",
    .example = "  banditspec report --results results.db --out report.html\n"
               "  banditspec report --results sweep.db --holdout 0.3 --text\n"
               "  banditspec report --results results.db --db run.db --experiment 2 --latex > table.tex",
};

enum form { FORM_HTML, FORM_TEXT, FORM_JSON, FORM_LATEX, FORM_CSV, FORMS };

static int one_form(const bool wanted[FORMS], enum form *form, struct err *err) {
    int n = 0;
    *form = FORM_HTML;
    for (int i = 1; i < FORMS; i++)
        if (wanted[i]) *form = (enum form)i, n++;
    return n > 1 ? err_usage(err, "give one of --text, --json, --latex and --csv") : 0;
}

static int print(const struct report *r, enum form form, const char *out, struct err *err) {
    struct whole file;
    const bool page = form == FORM_HTML;
    if (!out && page) out = "report.html";
    if (whole_begin(&file, out, err)) return ERR_FAILED;
    bool colour = form == FORM_TEXT && file.to == stdout && isatty(STDOUT_FILENO) && !getenv("NO_COLOR");
    int rc = page ? report_html(r, file.to, err) : form == FORM_TEXT ? report_text(r, colour, file.to, err) : form == FORM_JSON ? report_json(r, file.to, err)
           : form == FORM_LATEX ? report_latex(r, file.to, err) : report_csv(r, file.to, err);
    rc = whole_end(&file, rc, err);
    if (!rc && out && strcmp(out, "-")) puts(out);
    return rc;
}

int cmd_report(int argc, char **argv, struct err *err) {
    struct report_options o = {.margin = 2};
    const char *out = NULL;
    int experiment = 0, rc;
    bool wanted[FORMS] = {false};
    enum form form;
    const struct opt table[] = {
        {"results", OPT_TEXT, &o.results, "R", "results file, written by replay or sweep --results", 0, 0, true},
        {"db", OPT_TEXT, &o.db, "T", "the trace that was played: adds what it says of itself", 0, 0, false},
        {"experiment", OPT_INT, &experiment, "ID", "which experiment, 0 the newest", 0, 2147483647, false},
        {"holdout", OPT_REAL, &o.holdout, "SHARE", "choose on the rest of the prompts, report on these", 0, 0.95, false},
        {"margin", OPT_REAL, &o.margin, "PERCENT", "how far behind the fastest a simpler policy may be to be recommended", 0, 100, false},
        {"out", OPT_TEXT, &out, "FILE", "where to; default: report.html, other forms standard output (-)", 0, 0, false},
        {"text", OPT_FLAG, &wanted[FORM_TEXT], NULL, "the verdict in at most 24 lines of 80 columns", 0, 0, false},
        {"json", OPT_FLAG, &wanted[FORM_JSON], NULL, "everything as JSON", 0, 0, false},
        {"latex", OPT_FLAG, &wanted[FORM_LATEX], NULL, "the leaderboard as a LaTeX table (booktabs)", 0, 0, false},
        {"csv", OPT_FLAG, &wanted[FORM_CSV], NULL, "the leaderboard as CSV, every figure in full", 0, 0, false},
        {0},
    };
    if ((rc = opt_parse(table, &help, argc, argv, err))) return rc == 1 ? 0 : rc;
    if ((rc = one_form(wanted, &form, err))) return rc;
    o.experiment = experiment;
    struct report r;
    if (report_open(&r, &o, err)) return ERR_FAILED;
    rc = print(&r, form, out, err);
    report_close(&r);
    return rc;
}
