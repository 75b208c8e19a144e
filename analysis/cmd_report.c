/* cmd_report.c - banditspec report: which policy, by how much, how sure; as a page, on a terminal, as tables. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "analysis/compare.h"
#include "analysis/report.h"
#include "core/whole.h"
#include "core/cmd.h"
#include "core/opt.h"

command cmd_report;

static const struct opt_help help = {
    .usage = "report --results R [--db T --experiment ID --out report.html]\n"
             "       banditspec report --results R --text | --json | --latex | --csv\n"
             "       banditspec report --compare A B [--experiment ID ID --arms A... --text | --json | --csv]",
    .about = "Says which policy to use for a model, prompts and hardware, by how much, and how sure that is; then the leaderboard, "
        "figures,\n"
             "caveats, and the commands and hashes to reproduce it: one HTML file that needs nothing else. --text says it in 24 lines.\n"
             "With --holdout the fastest policy, parameters and the best fixed arm are chosen on one part of the prompts and reported\n"
             "on the other, so that nothing is tested on what it was chosen by.\n"
             "--compare holds two results files, or two traces, against each other: two GPUs, two models, before and after.",
    .example = "  banditspec report --results results.db --out report.html\n"
               "  banditspec report --results sweep.db --holdout 0.3 --text\n"
               "  banditspec report --results results.db --db run.db --experiment 2 --latex > table.tex\n"
               "  banditspec report --compare before.db after.db --text\n"
               "  banditspec report --compare results.db results.db --experiment 1 2 --out compare.html",
};

enum form { FORM_HTML, FORM_TEXT, FORM_JSON, FORM_LATEX, FORM_CSV, FORMS };

static int one_form(const bool wanted[FORMS], enum form *form, struct err *err) {
    int n = 0;
    *form = FORM_HTML;
    for (int i = 1; i < FORMS; i++)
        if (wanted[i]) *form = (enum form)i, n++;
    return n > 1 ? err_usage(err, "give one of --text, --json, --latex and --csv") : 0;
}

/* What prints one form of a report or a comparison. */
struct document {
    const struct report *report;
    const struct compare *compare;
};

static int put_form(const struct document *d, enum form form, bool colour, FILE *to, struct err *err) {
    if (d->compare) {
        int (*const put[FORMS])(const struct compare *, FILE *, struct err *) = {compare_html, compare_text, compare_json, NULL,
            compare_csv};
        return put[form](d->compare, to, err);
    }
    int (*const put[FORMS])(const struct report *, FILE *, struct err *) = {report_html, NULL, report_json, report_latex, report_csv};
    return form == FORM_TEXT ? report_text(d->report, colour, to, err) : put[form](d->report, to, err);
}

static int print(const struct document *d, enum form form, const char *out, struct err *err) {
    struct whole file;
    if (!out && form == FORM_HTML) out = d->compare ? "compare.html" : "report.html";
    if (whole_begin(&file, out, err)) return ERR_FAILED;
    int rc = put_form(d, form, file.to == stdout && isatty(STDOUT_FILENO) && !getenv("NO_COLOR"), file.to, err);
    rc = whole_end(&file, rc, err);
    if (!rc && out && strcmp(out, "-")) puts(out);
    return rc;
}

static int read_ids(const struct texts *words, int most, int *ids, struct err *err) {
    if (words->n > most) return err_usage(err, "option '--experiment' wants %s, got %d", most == 1 ? "one number"
        : "a number for each of the two", words->n);
    for (int i = 0; i < words->n; i++) {
        char *end;
        long id = strtol(words->at[i], &end, 10);
        if (*end || end == words->at[i] || id < 0 || id > 2147483647) return err_usage(err, "option '--experiment' wants a number from 0 "
            "to 2147483647, got '%s'", words->at[i]);
        ids[i] = (int)id;
    }
    return 0;
}

static int report(const struct report_options *o, enum form form, const char *out, struct err *err) {
    struct report r;
    if (report_open(&r, o, err)) return ERR_FAILED;
    int rc = print(&(struct document){.report = &r}, form, out, err);
    report_close(&r);
    return rc;
}

static int compare(const struct compare_options *o, enum form form, const char *out, struct err *err) {
    struct compare c;
    int rc = compare_open(&c, o, err);
    if (rc) return rc;
    rc = print(&(struct document){.compare = &c}, form, out, err);
    compare_close(&c);
    return rc;
}

int cmd_report(int argc, char **argv, struct err *err) {
    struct report_options o = {.margin = 2};
    const char *out = NULL;
    struct texts pair = {0}, experiments = {0}, arms = {0};
    int ids[2] = {0, 0}, rc;
    bool wanted[FORMS] = {false};
    enum form form;
    const struct opt table[] = {
        {"results", OPT_TEXT, &o.results, "R", "results file, written by replay or sweep --results", 0, 0, false},
        {"db", OPT_TEXT, &o.db, "T", "the trace that was played: adds what it says of itself", 0, 0, false},
        {"compare", OPT_LIST, &pair, "A B", "two results files or two traces instead", 0, 0, false},
        {"experiment", OPT_LIST, &experiments, "ID...", "which experiment, 0 the newest; with --compare one of each, of traces the "
            "recording", 0, 0, false},
        {"arms", OPT_LIST, &arms, "A...", "with --compare of traces: the fixed arms, e.g. pld:1-8", 0, 0, false},
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
    if (!o.results == !pair.n) return err_usage(err, "give either --results or --compare (see banditspec report --help)");
    if (pair.n && pair.n != 2) return err_usage(err, "option '--compare' wants two files, got %d", pair.n);
    if (pair.n && (o.db || o.holdout > 0 || form == FORM_LATEX)) return err_usage(err, "options --db, --holdout and --latex belong to "
        "--results");
    if (!pair.n && arms.n) return err_usage(err, "option '--arms' belongs to --compare");
    if ((rc = read_ids(&experiments, pair.n ? 2 : 1, ids, err))) return rc;
    const char *const read[] = {o.results, o.db, pair.n ? pair.at[0] : NULL, pair.n ? pair.at[1] : NULL};
    for (int i = 0; i < 4; i++)
        if (whole_apart(out, read[i], err)) return ERR_FAILED;
    o.experiment = ids[0];
    const struct compare_options two = {.path = {pair.at[0], pair.at[1]}, .id = {ids[0], ids[1]}, .arms = arms.at, .arms_n = arms.n,
        .margin = o.margin};
    return pair.n ? compare(&two, form, out, err) : report(&o, form, out, err);
}
