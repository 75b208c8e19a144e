/* report_tables.c - a report's leaderboard as a LaTeX table and as CSV. */
#include "analysis/report.h"

#include <math.h>

#include "analysis/escape.h"

static const char *const references[REFERENCES] = {"plain", "best-fixed", "best-per-category", "best-per-prompt",
        "clairvoyant-rounds", "clairvoyant"};

/* -- LaTeX -- */

static void latex_measure(FILE *to, const struct measure *m, int digits) {
    fprintf(to, " & %.*f & {[}%.*f, %.*f{]}", digits, m->value, digits, m->lo, digits, m->hi);
}

static void latex_row(const struct report *r, int row, const char *name, bool spec, int digits, FILE *to) {
    const struct finding *f = &r->finding;
    const struct summary *x = finding_row(f, row);
    const struct comparison *c = &f->with_fixed[row];
    if (x->rank) fprintf(to, "%d", x->rank);
    fputs(spec ? " & \\texttt{" : " & ", to);
    put_latex(name, to);
    if (spec) putc('}', to);
    latex_measure(to, &x->tokens_per_s, digits);
    latex_measure(to, &x->speedup, 2);
    fprintf(to, " & %.3f", x->mat.value);
    if (r->scores.has[REFERENCE_BEST_FIXED] && c->verdict != VERDICT_REFERENCE) {
        fprintf(to, " & $%+.1f$ & {[}$%.1f$, $%.1f${]}", c->percent.value, c->percent.lo, c->percent.hi);
        fprintf(to, c->p_holm < 0.001 ? " & $<$0.001" : " & %.3f", c->p_holm);
    } else fputs(" & & &", to);
    fputs(" \\\\\n", to);
}

int report_latex(const struct report *r, FILE *to, struct err *err) {
    const struct finding *f = &r->finding;
    const struct scores *s = &r->scores;
    double largest = 0;
    for (int p = 0; p < s->P; p++) largest = fmax(largest, f->rows[p].tokens_per_s.hi);
    int digits = finding_digits(largest);
    fprintf(to, "%% experiment %lld, trace content sha256 %s\n%% \\usepackage{booktabs} "
        "\\usepackage[T1]{fontenc}\n\\begin{table}\n\\centering\\small\n\\caption{", (long long)r->plot.experiment, r->sha256);
    put_latex(r->target, to);
    fprintf(to, ", %d prompts, ", s->Q);
    put_latex(r->device, to);
    fputs(": tokens per second, speed-up over plain decoding and mean tokens a round (MAT); difference from the best fixed arm", to);
    if (s->has[REFERENCE_BEST_FIXED] && s->best >= 0) {
        fputs(" (\\texttt{", to);
        put_latex(s->arms[s->best].name, to);
        fputs("})", to);
    }
    fputs(" in per cent. Intervals: 95\\,\\%, BCa bootstrap over prompts; $p$: two-sided, Holm. ", to);
    char timing[256];
    snprintf(timing, sizeof timing, "%s", report_timing(r));
    if (timing[0] >= 'a') timing[0] = (char)(timing[0] - 32);
    put_latex(timing, to);
    fputs(".}\n\\begin{tabular}{rlrlrlrrlr}\n\\toprule\nrank & policy & tokens/s & & speed-up & & MAT & \\% & & $p$ \\\\\n\\midrule\n", to);
    for (int i = 0; i < s->P; i++) latex_row(r, f->order[i], s->policies[f->order[i]].spec, true, digits, to);
    fputs("\\midrule\n", to);
    for (int i = 0; i < REFERENCES; i++)
        if (s->has[i]) latex_row(r, s->P + i, references[i], false, digits, to);
    fputs("\\bottomrule\n\\end{tabular}\n\\end{table}\n", to);
    return ferror(to) ? err_set(err, "cannot write the table: no room is left, or nobody reads") : 0;
}

/* -- CSV: every figure, in full -- */

static void csv_measure(FILE *to, const struct measure *m) { fprintf(to, ",%.10g,%.10g,%.10g", m->value, m->lo, m->hi); }

static void csv_comparison(FILE *to, const struct comparison *c, bool known) {
    if (!known) {
        fputs(",,,,,,", to);
        return;
    }
    csv_measure(to, &c->percent);
    fprintf(to, ",%.10g,%.10g,%s", c->p, c->p_holm, finding_word(c->verdict));
}

static void csv_row(const struct report *r, int row, const char *name, const char *kind, FILE *to) {
    const struct finding *f = &r->finding;
    const struct summary *x = finding_row(f, row);
    const bool known = r->scores.has[REFERENCE_BEST_FIXED];
    put_csv(name, to);
    fprintf(to, ",%s,", kind);
    if (x->rank) fprintf(to, "%d,%d,%d", x->rank, x->rank_lo, x->rank_hi);
    else fputs(",,", to);
    csv_measure(to, &x->tokens_per_s), csv_measure(to, &x->speedup), csv_measure(to, &x->mat), csv_measure(to, &x->regret_rounds),
        csv_measure(to, &x->regret_seconds);
    if (known && x->has_gap) fprintf(to, ",%.10g", x->gap_closed);
    else putc(',', to);
    csv_comparison(to, &f->with_fixed[row], known), csv_comparison(to, &f->with_plain[row], true),
        csv_comparison(to, &f->with_fastest[row], true);
    if (row < r->scores.P) fprintf(to, ",%.10g", f->first[row]);
    else putc(',', to);
    putc('\n', to);
}

int report_csv(const struct report *r, FILE *to, struct err *err) {
    static const char *const measures[] = {"tokens_per_s", "speedup", "mat", "regret_rounds", "regret_seconds"},
        *const against[] = {"best_fixed", "plain", "fastest"};
    const struct scores *s = &r->scores;
    fputs("policy,kind,rank,rank_lo,rank_hi", to);
    for (int i = 0; i < 5; i++) fprintf(to, ",%s,%s_lo,%s_hi", measures[i], measures[i], measures[i]);
    fputs(",gap_closed", to);
    for (int i = 0; i < 3; i++)
        fprintf(to, ",percent_%s,percent_%s_lo,percent_%s_hi,p_%s,p_holm_%s,verdict_%s", against[i], against[i], against[i], against[i],
            against[i], against[i]);
    fputs(",share_first\n", to);
    for (int i = 0; i < s->P; i++) csv_row(r, r->finding.order[i], s->policies[r->finding.order[i]].spec, "policy", to);
    for (int i = 0; i < REFERENCES; i++)
        if (s->has[i]) csv_row(r, s->P + i, references[i], "comparator", to);
    return ferror(to) ? err_set(err, "cannot write the table: no room is left, or nobody reads") : 0;
}
