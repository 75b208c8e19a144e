/* compare_html.c - a comparison as a page. */
#include "analysis/compare.h"

#include <math.h>
#include <stdlib.h>

#include "analysis/escape.h"
#include "analysis/finding.h"
#include "analysis/page.h"
#include "core/mem.h"
#include "sim/stats.h"

static void put_head(const struct compare *c, FILE *to) {
    fputs("<header>\n<p class=\"kicker\"><b>BanditSpec comparison</b>", to);
    for (int i = 0; i < 2; i++) {
        fprintf(to, "<br>%c: ", 'A' + i);
        page_name(to, c->side[i].target);
        fputs(" \u00b7 ", to);
        page_name(to, c->side[i].device);
        fprintf(to, " \u00b7 %d prompt%s \u00b7 ", c->side[i].Q, c->side[i].Q == 1 ? "" : "s");
        page_name(to, c->side[i].title);
    }
    fprintf(to, "</p>\n<h1>What changes from A to B, and which conclusions hold in both?</h1>\n<p class=\"verdict\">");
    put_html(c->headline, to);
    fputs(".</p>\n</header>\n<p>", to);
    put_html(c->ranks, to);
    fputs("</p>\n", to);
}

static void put_statements(const struct compare *c, FILE *to) {
    static const char *const heads[] = {"<conclusion", "<in A", "<in B", "<"};
    fputs("<section>\n<h2>Which conclusions hold in both</h2>\n", to);
    page_table(to, "conclusions", "conclusions", false);
    fputs("<tr>", to);
    page_heads(to, heads, 4);
    fputs("</tr></thead>\n<tbody>\n", to);
    for (int i = 0; i < c->statements_n; i++) {
        const struct compare_statement *s = &c->statements[i];
        fprintf(to, "<tr%s><th scope=\"row\">", s->a && s->b ? " class=\"best\"" : "");
        page_name(to, s->text);
        fprintf(to, "</th><td class=\"left\">%s</td><td class=\"left\">%s</td><td class=\"left\">%s</td></tr>\n", s->a ? "yes" : "no",
            s->b ? "yes" : "no",
                s->a && s->b ? "holds in both" : s->a || s->b ? "differs" : "holds in neither");
    }
    fprintf(to, "</tbody>\n</table></div>\n%s</section>\n", c->traces ? ""
        : "<p class=\"legend\">Each by the tests of its own report: paired by prompts, corrected for the number of policies (Holm).</p>\n");
}

struct scale {
    double lo, hi;
};

/* Differences as dots and bars about a line at zero. */
static void put_forest(FILE *to, const struct scale *x, const struct measure *m) {
    double zero = 160 * (0 - x->lo) / (x->hi - x->lo), lo = 160 * (m->lo - x->lo) / (x->hi - x->lo),
        hi = 160 * (m->hi - x->lo) / (x->hi - x->lo), at = 160 * (m->value - x->lo) / (x->hi - x->lo);
    fprintf(to, "<td class=\"pic\"><svg class=\"forest\" viewBox=\"0 0 160 14\" aria-hidden=\"true\"><path class=\"fixed\" d=\"M%.1f "
        "0V14\"/><path class=\"bar\" d=\"M%.1f 7H%.1f\"/><circle class=\"dot\" cx=\"%.1f\" cy=\"7\" r=\"3.2\"/></svg></td>",
            zero, lo, hi, at);
}

static void put_row(const struct compare_row *r, const struct scale *x, int digits, FILE *to) {
    fputs("<tr><th scope=\"row\">", to);
    page_name(to, r->name);
    fputs("</th>", to);
    for (int i = 0; i < 2; i++) {
        const struct measure *m = i ? &r->speed_b : &r->speed_a;
        if (r->rank_a) fprintf(to, "<td class=\"edge\">%d</td>", i ? r->rank_b : r->rank_a);
        else fputs("<td class=\"edge\"></td>", to);
        page_cell(to, "", "%.*f", digits, m->value);
        page_range(to, m, digits);
        page_cell(to, "", "%.*f", 3, i ? r->mat_b : r->mat_a);
    }
    page_cell(to, " class=\"edge\"", "%+.*f", 1, r->change.percent.value);
    page_range(to, &r->change.percent, 1);
    put_forest(to, x, &r->change.percent);
    page_p(to, &r->change);
    fprintf(to, "<td class=\"left%s\">%s</td></tr>\n", r->change.verdict == VERDICT_NONE ? " soft" : "", finding_word(r->change.verdict));
}

static void put_rows(const struct compare *c, FILE *to) {
    static const char *const side[] = {"|rank", "tokens/s", "95%", "MAT"}, *const change[] = {"|%", "95%"},
        *const end[] = {"p", "<verdict"};
    struct scale x = {0, 0};
    double largest = 0;
    for (int i = 0; i < c->n; i++) {
        const struct compare_row *r = &c->rows[i];
        x.lo = fmin(x.lo, r->change.percent.lo), x.hi = fmax(x.hi, r->change.percent.hi);
        largest = fmax(largest, fmax(r->speed_a.hi, r->speed_b.hi));
    }
    double edge = 0.04 * (x.hi - x.lo) + 1e-9;
    x.lo -= edge, x.hi += edge;
    fprintf(to, "<section>\n<h2>%s</h2>\n", c->traces ? "Fixed arms in both" : "Policies in both");
    page_table(to, "rows", "rows in both", c->n > PAGE_TALL);
    fputs("<tr><th colspan=\"1\"></th><th colspan=\"4\" class=\"edge\">A</th><th colspan=\"4\" class=\"edge\">B</th><th colspan=\"5\" "
        "class=\"edge\">B against A</th></tr>\n<tr><th scope=\"col\" class=\"left\">", to);
    fprintf(to, "%s</th>", c->traces ? "arm" : "policy");
    page_heads(to, side, 4), page_heads(to, side, 4), page_heads(to, change, 2);
    fputs("<th scope=\"col\" class=\"axis\"><span>", to);
    page_number(to, "%.*f", 0, x.lo);
    fputs("</span><span>", to);
    page_number(to, "%+.*f", 0, x.hi);
    fputs("</span></th>", to);
    page_heads(to, end, 2);
    fputs("</tr></thead>\n<tbody>\n", to);
    for (int i = 0; i < c->n; i++) put_row(&c->rows[i], &x, finding_digits(largest), to);
    fprintf(to, "</tbody>\n</table></div>\n<p class=\"legend\">Tokens/s with 95%% intervals (BCa bootstrap over prompts, %d resamples); "
        "MAT: mean tokens a round. Dots and bars: the difference in per cent, the line is none. p: two-sided, "
                "%s, corrected for the number of rows (Holm); 0.05 or more is called no difference found.</p>\n</section>\n",
                    STATS_RESAMPLES, c->paired ? "paired by prompts" : "prompts drawn apart");
}

static void put_table(const struct compare_table *t, int id, FILE *to) {
    char name[40];
    snprintf(name, sizeof name, "table-%d", id);
    fprintf(to, "<section>\n<h2>%s</h2>\n", t->title);
    page_table(to, name, t->title, false);
    fprintf(to, "<tr><th></th><th scope=\"col\">A, %s</th><th scope=\"col\">B, %s</th><th scope=\"col\">B / "
        "A</th></tr></thead>\n<tbody>\n", t->head, t->head);
    for (int i = 0; i < t->n; i++) {
        fputs("<tr><th scope=\"row\">", to);
        page_name(to, t->names[i]);
        fputs("</th>", to);
        for (int k = 0; k < 2; k++) {
            double x = k ? t->b[i] : t->a[i];
            isnan(x) ? (void)fputs("<td class=\"soft\">\u2013</td>", to) : page_cell(to, "", "%.*f", t->digits, x);
        }
        isnan(t->a[i]) || isnan(t->b[i]) || t->a[i] == 0 ? (void)fputs("<td></td>", to) : page_cell(to, "", "%.*f", 2, t->b[i] / t->a[i]);
        fputs("</tr>\n", to);
    }
    fputs("</tbody>\n</table></div>\n</section>\n", to);
}

static void put_sources(const struct compare *c, FILE *to) {
    fputs("<section>\n<h2>To reproduce</h2>\n<pre><code>banditspec report --compare ", to);
    for (int i = 0; i < 2; i++) {
        char *text = NULL;
        size_t n = 0;
        FILE *m = open_memstream(&text, &n);
        if (!m) continue;
        put_shell(c->side[i].path, m);
        if (!fclose(m)) put_html(text, to), putc(i ? '\n' : ' ', to);
        free(text);
    }
    fputs("</code></pre>\n<dl class=\"facts\">\n", to);
    for (int i = 0; i < 2; i++) {
        const struct side *s = &c->side[i];
        const char *const what[] = {s->title, s->target, s->device, s->sha256, s->seconds},
            *const names[] = {"", "target", "device", "trace content sha256", "seconds"};
        for (int k = 0; k < 5; k++) {
            fprintf(to, "<dt>%c%s%s</dt><dd>", 'A' + i, *names[k] ? ", " : "", names[k]);
            page_name(to, what[k]);
            fputs("</dd>\n", to);
        }
    }
    fputs("</dl>\n</section>\n", to);
}

/* -- the figure -- */

struct picture {
    char *html;
    size_t n;
    struct svg_colours colours;
};

static int draw_figure(const struct compare *c, struct picture *x, struct err *err) {
    char *svg = NULL, alt[1200];
    struct err why = {""};
    FILE *to = open_memstream(&x->html, &x->n);
    if (!to) return err_set(err, "cannot write a figure: out of memory");
    int n = snprintf(alt, sizeof alt, "Figure: %s.", compare_figure.summary);
    for (int i = 0, said = 0; i < c->n && said < 3 && n > 0 && (size_t)n < sizeof alt; i++)
        if (c->rows[i].policy) n += snprintf(alt + n, sizeof alt - (size_t)n, "%s %s %.2f in A, %.2f in B", said++ ? ";" : "",
            c->rows[i].name, c->rows[i].up_a.value, c->rows[i].up_b.value);
    int rc = compare_svg(c, &svg, &why);
    if (!rc) {
        page_picture(to, "fig-compare", compare_figure.name);
        rc = svg_inline(svg, "fig-compare", alt, &x->colours, to, &why);
        page_picture_end(to);
        fprintf(to, "<figcaption><b>Speed-up by %s, A beside B.</b> ", c->traces ? "fixed arm" : "policy");
        put_html(compare_figure.caption, to);
        fputs("</figcaption>\n</figure>\n", to);
    }
    if (rc) {
        fputs("<p class=\"note\">No figure: ", to);
        put_html(why.text, to);
        fputs(".</p>\n", to);
    }
    mem_free(svg);
    return fclose(to) ? err_set(err, "cannot write a figure: out of memory") : 0;
}

int compare_html(const struct compare *c, FILE *to, struct err *err) {
    struct picture x = {0};
    int rc = draw_figure(c, &x, err);
    page_begin(to, &x.colours, "", c->side[0].title, " compared.");
    put_head(c, to);
    put_statements(c, to);
    put_rows(c, to);
    fputs("<section>\n<h2>Side by side</h2>\n", to);
    fwrite(x.html, 1, x.n, to);
    fputs("</section>\n", to);
    for (int i = 0; i < c->tables_n; i++) put_table(&c->tables[i], i, to);
    put_sources(c, to);
    page_end(to);
    free(x.html);
    svg_colours_close(&x.colours);
    return rc ? rc : ferror(to) ? err_set(err, "cannot write the page") : 0;
}
