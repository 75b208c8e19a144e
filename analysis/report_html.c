/* report_html.c - a report as one page that needs nothing else: no script, no font, no picture from elsewhere. */
#include "analysis/report.h"

#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/escape.h"
#include "analysis/page.h"
#include "core/mem.h"
#include "policies/policy.h"
#include "sim/stats.h"

/* -- the head and the verdict -- */

static double tokens_of(const struct scores *s) {
    double sum = 0;
    for (int q = 0; q < s->Q; q++) sum += s->tokens[q];
    return sum;
}

static void put_sentence(FILE *to, const char *title, const char *text) {
    if (!*text) return;
    fprintf(to, "<p><b>%s</b> ", title);
    put_html(text, to);
    fputs("</p>\n", to);
}

static void put_verdict(const struct report *r, FILE *to) {
    const struct finding *f = &r->finding;
    fputs("<header>\n<p class=\"kicker\"><b>BanditSpec report</b> \u00b7 ", to);
    page_name(to, r->target);
    fprintf(to, " \u00b7 %d prompt%s, %.0f tokens \u00b7 ", r->scores.Q, r->scores.Q == 1 ? "" : "s", tokens_of(&r->scores));
    page_name(to, r->device);
    fprintf(to, "</p>\n<h1>Which policy should I use for this model, these prompts and this hardware, by how much, and how sure are "
        "we?</h1>\n<p class=\"verdict\">");
    put_html(f->headline, to);
    fputs(".</p>\n</header>\n", to);
}

static void put_key(const struct report *r, int row, const char *title, const char *name, bool best, FILE *to) {
    const struct finding *f = &r->finding;
    const struct summary *x = finding_row(f, row);
    int digits = finding_digits(x->tokens_per_s.value);
    fprintf(to, "<div class=\"key%s\"><dt>%s", best ? " best" : "", title);
    page_name(to, name);
    fprintf(to, "</dt><dd>%.*f <small>tokens/s</small></dd><dd>95%% interval %.*f to %.*f</dd>", digits, x->tokens_per_s.value, digits,
        x->tokens_per_s.lo, digits, x->tokens_per_s.hi);
    if (row != r->scores.P + REFERENCE_PLAIN) fprintf(to, "<dd>%.2f times plain, %.2f to %.2f</dd>", x->speedup.value, x->speedup.lo,
        x->speedup.hi);
    if (x->has_gap && r->scores.has[REFERENCE_BEST_FIXED] && row < r->scores.P) {
        fputs("<dd>gap to clairvoyance closed: ", to);
        page_number(to, "%.*f", 0, 100 * x->gap_closed);
        fputs("%</dd>", to);
    }
    fputs("</div>\n", to);
}

static void put_keys(const struct report *r, FILE *to) {
    const struct finding *f = &r->finding;
    const struct scores *s = &r->scores;
    fputs("<dl class=\"keys\">\n", to);
    put_key(r, f->recommended, "Recommended", finding_name(f, f->recommended), true, to);
    if (f->recommended >= s->P) put_key(r, s->fastest, "Fastest policy", s->policies[s->fastest].spec, false, to);
    else if (s->has[REFERENCE_BEST_FIXED])
        put_key(r, s->P + REFERENCE_BEST_FIXED, s->held ? "Best fixed arm, chosen on other prompts" : "Best fixed arm, in hindsight",
            s->best < 0 ? "best-fixed" : s->arms[s->best].name, false, to);
    if (f->recommended != s->P + REFERENCE_PLAIN) put_key(r, s->P + REFERENCE_PLAIN, "Without drafting", "plain decoding", false, to);
    fputs("</dl>\n", to);
    put_sentence(to, "By how much.", f->amount);
    put_sentence(to, "How sure.", f->sureness);
    put_sentence(to, "Why this one.", f->reason);
}

/* -- the leaderboard -- */

struct scale { // of the little pictures of intervals
    double lo, hi, plain, fixed;
};

static struct scale scale_of(const struct report *r) {
    const struct finding *f = &r->finding;
    const struct scores *s = &r->scores;
    struct scale x = {INFINITY, 0, f->references[REFERENCE_PLAIN].tokens_per_s.value, s->has[REFERENCE_BEST_FIXED]
        ? f->references[REFERENCE_BEST_FIXED].tokens_per_s.value : 0};
    for (int row = 0; row < s->P + REFERENCES; row++) {
        if (row >= s->P && !s->has[row - s->P]) continue;
        const struct measure *m = &finding_row(f, row)->tokens_per_s;
        x.lo = fmin(x.lo, m->lo), x.hi = fmax(x.hi, m->hi);
    }
    double edge = 0.03 * (x.hi - x.lo);
    x.lo -= edge, x.hi += edge;
    return x;
}

static double place(const struct scale *x, double value) { return x->hi > x->lo ? 160 * (value - x->lo) / (x->hi - x->lo) : 80; }

static void put_forest(FILE *to, const struct scale *x, const struct measure *m) {
    fprintf(to, "<td class=\"pic\"><svg class=\"forest\" viewBox=\"0 0 160 14\" aria-hidden=\"true\"><path class=\"plain\" d=\"M%.1f "
        "0V14\"/>", place(x, x->plain));
    if (x->fixed > 0) fprintf(to, "<path class=\"fixed\" d=\"M%.1f 0V14\"/>", place(x, x->fixed));
    fprintf(to, "<path class=\"bar\" d=\"M%.1f 7H%.1f\"/><circle class=\"dot\" cx=\"%.1f\" cy=\"7\" r=\"3.2\"/></svg></td>",
        place(x, m->lo), place(x, m->hi), place(x, m->value));
}

static void put_comparison(FILE *to, const struct comparison *c, bool known) {
    if (!known || c->verdict == VERDICT_REFERENCE) {
        fprintf(to, "<td class=\"edge\"></td><td></td><td class=\"left soft\">%s</td>", known ? "\u2013" : "");
        return;
    }
    page_cell(to, " class=\"edge\"", "%+.*f", 1, c->percent.value);
    page_p(to, c);
    fprintf(to, "<td class=\"left%s\">%s</td>", c->verdict == VERDICT_NONE ? " soft" : "", finding_word(c->verdict));
}

static void put_row(const struct report *r, int row, const char *name, const struct scale *x, int digits, FILE *to) {
    const struct finding *f = &r->finding;
    const struct summary *m = finding_row(f, row);
    fprintf(to, "<tr%s><th scope=\"row\">", row == f->recommended ? " class=\"best\"" : "");
    page_name(to, name);
    if (m->rank) fprintf(to, "</th><td>%d</td><td class=\"soft\">%d to %d</td>", m->rank, m->rank_lo, m->rank_hi);
    else fputs("</th><td></td><td></td>", to);
    page_cell(to, "", "%.*f", digits, m->tokens_per_s.value);
    page_range(to, &m->tokens_per_s, digits);
    put_forest(to, x, &m->tokens_per_s);
    page_cell(to, "", "%.*f", 2, m->speedup.value);
    put_comparison(to, &f->with_fixed[row], r->scores.has[REFERENCE_BEST_FIXED]);
    put_comparison(to, &f->with_fastest[row], true);
    fputs("</tr>\n", to);
}

/* The figures that the first table has no room for. */
static void put_detail(const struct report *r, int row, const char *name, FILE *to) {
    const struct finding *f = &r->finding;
    const struct summary *m = finding_row(f, row);
    const bool known = r->scores.has[REFERENCE_BEST_FIXED];
    fprintf(to, "<tr%s><th scope=\"row\">", row == f->recommended ? " class=\"best\"" : "");
    page_name(to, name);
    fputs("</th>", to);
    page_range(to, &m->speedup, 2);
    page_cell(to, "", "%.*f", 3, m->mat.value);
    page_range(to, &m->mat, 3);
    page_cell(to, "", "%.*f", 2, m->regret_rounds.value);
    page_range(to, &m->regret_rounds, 2);
    page_cell(to, "", "%.*f", 4, m->regret_seconds.value);
    page_range(to, &m->regret_seconds, 4);
    if (m->has_gap && known) page_cell(to, "", "%.*f", 0, 100 * m->gap_closed);
    else fputs("<td></td>", to);
    known && f->with_fixed[row].verdict != VERDICT_REFERENCE ? page_range(to, &f->with_fixed[row].percent, 1)
        : (void)fputs("<td></td>", to);
    f->with_fastest[row].verdict != VERDICT_REFERENCE ? page_range(to, &f->with_fastest[row].percent, 1) : (void)fputs("<td></td>", to);
    if (row < r->scores.P) page_cell(to, "", "%.*f", 1, 100 * f->first[row]);
    else fputs("<td></td>", to);
    fputs("</tr>\n", to);
}

static const char *reference_name(const struct report *r, int i, char *room, size_t size) {
    static const char *const names[REFERENCES] = {"plain decoding", "best fixed arm", "best arm of each category", "best arm of each "
        "prompt", "clairvoyant, in rounds", "clairvoyant, in seconds"};
    if (i != REFERENCE_BEST_FIXED || r->scores.best < 0) return names[i];
    snprintf(room, size, "best fixed arm (%s)", r->scores.arms[r->scores.best].name);
    return room;
}

static void put_details(const struct report *r, FILE *to) {
    static const char *const heads[] = {"<policy", "speed-up 95%", "MAT", "95%", "regret, rounds", "95%", "regret, s", "95%", "gap "
        "%", "against the arm, % 95%", "against the fastest, % 95%", "first %"};
    const struct finding *f = &r->finding;
    const struct scores *s = &r->scores;
    char room[512];
    fputs("<details><summary>Regret, tokens a round and further intervals</summary>\n", to);
    page_table(to, "details", "further figures", s->P > PAGE_TALL);
    fputs("<tr>", to);
    page_heads(to, heads, sizeof heads / sizeof *heads);
    fputs("</tr></thead>\n<tbody>\n", to);
    for (int i = 0; i < s->P; i++) put_detail(r, f->order[i], s->policies[f->order[i]].spec, to);
    fputs("</tbody>\n<tbody class=\"comparators\">\n", to);
    for (int i = 0; i < REFERENCES; i++)
        if (s->has[i]) put_detail(r, s->P + i, reference_name(r, i, room, sizeof room), to);
    fputs("</tbody>\n</table></div>\n<p class=\"legend\">MAT: mean tokens a round. Regret: a prompt, against the best fixed arm of that "
        "prompt. Gap: how much of the way from the best fixed arm to the clairvoyant is closed, in seconds. "
          "First: share of the resamples in which the policy is the fastest.</p>\n</details>\n", to);
}

static void put_leaderboard(const struct report *r, FILE *to) {
    const struct finding *f = &r->finding;
    const struct scores *s = &r->scores;
    struct scale x = scale_of(r);
    int digits = finding_digits(x.hi);
    char room[512];
    static const char *const heads[] = {"<policy", "rank", "95%", "tokens/s", "95%"}, *const against[] = {"|%", "p", "<verdict"};
    fputs("<section>\n<h2>Every policy</h2>\n", to);
    page_table(to, "leaderboard", "leaderboard", s->P > PAGE_TALL);
    fputs("<tr><th colspan=\"7\"></th><th colspan=\"3\" class=\"edge\">against the best fixed arm</th><th colspan=\"3\" "
        "class=\"edge\">against the fastest, ", to);
    page_name(to, s->policies[s->fastest].spec);
    fputs("</th></tr>\n<tr>", to);
    page_heads(to, heads, 5);
    fprintf(to, "<th scope=\"col\" class=\"axis\"><span>%.*f</span><span>%.*f</span></th><th scope=\"col\">speed-up</th>", digits,
        fmax(x.lo, 0), digits, x.hi);
    for (int i = 0; i < 2; i++) page_heads(to, against, 3);
    fputs("</tr></thead>\n<tbody>\n", to);
    for (int i = 0; i < s->P; i++) put_row(r, f->order[i], s->policies[f->order[i]].spec, &x, digits, to);
    fputs("</tbody>\n<tbody class=\"comparators\">\n", to);
    for (int i = 0; i < REFERENCES; i++)
        if (s->has[i]) put_row(r, s->P + i, reference_name(r, i, room, sizeof room), &x, digits, to);
    fprintf(to, "</tbody>\n</table></div>\n<p class=\"legend\">Dots and bars: tokens/s with its 95%% interval; dashed line: plain "
        "decoding%s. Intervals: BCa bootstrap over the %d prompts, seeds within them (%d resamples, the same "
                "for every policy). Rank: by tokens/s, and where 95%% of the resamples put it. p: two-sided, paired by prompts, corrected "
                    "for the number of policies (Holm); 0.05 or more is called no difference found. "
                "Comparators, which use hindsight, stand outside that family.</p>\n",
            x.fixed > 0 ? ", solid line: the best fixed arm" : "", s->Q, STATS_RESAMPLES);
    put_details(r, to);
    fputs("</section>\n", to);
}

/* -- by category -- */

static void put_categories(const struct report *r, FILE *to) {
    const struct scores *s = &r->scores;
    const bool fixed = s->has[REFERENCE_BEST_FIXED], chosen = r->finding.recommended < s->P;
    double largest = 0;
    for (int i = 0; i < r->categories_n; i++) largest = fmax(largest, fmax(r->categories[i].chosen.value, r->categories[i].fixed.value));
    int digits = finding_digits(largest);
    fputs("<section>\n<h2>By category</h2>\n", to);
    page_table(to, "categories", "by category", false);
    fputs("<tr><th scope=\"col\" class=\"left\">category</th><th scope=\"col\">prompts</th><th scope=\"col\">tokens</th><th "
        "scope=\"col\">plain</th>", to);
    if (fixed && chosen) fputs("<th scope=\"col\">best fixed arm</th>", to);
    fputs("<th scope=\"col\">", to);
    page_name(to, finding_name(&r->finding, r->finding.recommended));
    fputs("</th><th scope=\"col\">95%</th><th scope=\"col\">speed-up</th><th scope=\"col\">95%</th>", to);
    if (fixed && chosen) fputs("<th scope=\"col\" class=\"edge\">% against the arm</th><th scope=\"col\">95%</th>", to);
    fputs("<th scope=\"col\" class=\"left edge\">fastest there</th></tr></thead>\n<tbody>\n", to);
    for (int i = 0; i < r->categories_n; i++) {
        const struct report_category *c = &r->categories[i];
        fputs("<tr><th scope=\"row\">", to);
        page_name(to, !c->name ? "all others" : *c->name ? c->name : "(none)");
        fprintf(to, "</th><td>%d</td><td>%.0f</td>", c->prompts, c->tokens);
        page_cell(to, "", "%.*f", digits, c->plain.value);
        if (fixed && chosen) page_cell(to, "", "%.*f", digits, c->fixed.value);
        page_cell(to, "", "%.*f", digits, c->chosen.value);
        c->interval ? page_range(to, &c->chosen, digits) : (void)fputs("<td></td>", to);
        page_cell(to, "", "%.*f", 2, c->speedup.value);
        c->interval ? page_range(to, &c->speedup, 2) : (void)fputs("<td></td>", to);
        if (fixed && chosen) {
            page_cell(to, " class=\"edge\"", "%+.*f", 1, c->gain.value);
            c->interval ? page_range(to, &c->gain, 1) : (void)fputs("<td></td>", to);
        }
        fputs("<td class=\"left edge\">", to);
        page_name(to, s->policies[c->fastest].spec);
        fputs("</td></tr>\n", to);
    }
    fputs("</tbody>\n</table></div>\n<p class=\"legend\">Tokens/s, 95% intervals over the prompts of the category alone; nothing here is "
        "corrected for the number of categories. The fastest there is a figure, not a finding.</p>\n</section>\n", to);
}

/* -- figures -- */

struct pictures {
    char *html;
    size_t n;
    struct svg_colours colours;
};

/* What a screen reader says in the place of the picture. */
static void say_alt(const struct report *r, const struct figure *f, char *text, size_t size) {
    const struct finding *x = &r->finding;
    const struct scores *s = &r->scores;
    const bool regret = !strncmp(f->name, "regret", 6), seconds = !strcmp(f->name, "regret-seconds");
    int n = snprintf(text, size, "Figure: %s. %s:", f->summary, regret ? seconds ? "Least regret in seconds a prompt"
        : "Least regret in rounds a prompt" : "The fastest policies in tokens per second");
    int taken[3] = {-1, -1, -1};
    for (int i = 0; i < 3 && i < s->P; i++) {
        for (int p = 0; p < s->P; p++) {
            const struct summary *a = &x->rows[p], *b = taken[i] < 0 ? NULL : &x->rows[taken[i]];
            double mine = regret ? seconds ? -a->regret_seconds.value : -a->regret_rounds.value : a->tokens_per_s.value;
            double other = !b ? -INFINITY : regret ? seconds ? -b->regret_seconds.value : -b->regret_rounds.value : b->tokens_per_s.value;
            bool used = false;
            for (int k = 0; k < i; k++) used |= taken[k] == p;
            if (!used && mine > other) taken[i] = p;
        }
        const struct summary *a = &x->rows[taken[i]];
        double value = regret ? seconds ? a->regret_seconds.value : a->regret_rounds.value : a->tokens_per_s.value;
        if (n > 0 && (size_t)n < size) n += snprintf(text + n, size - (size_t)n, "%s %s %.*f", i ? "," : "", s->policies[taken[i]].spec,
            regret ? seconds ? 4 : 2 : finding_digits(value), value);
    }
    if (n > 0 && (size_t)n < size) snprintf(text + n, size - (size_t)n, ".");
}

static int put_figure(const struct report *r, const struct figure *f, int number, struct pictures *x, FILE *to, struct err *err) {
    char *svg, id[80], alt[1200];
    int rc = plot_svg(&r->plot, f, &svg, err);
    if (rc) return rc;
    snprintf(id, sizeof id, "fig-%s", f->name);
    say_alt(r, f, alt, sizeof alt);
    page_picture(to, id, f->name);
    rc = svg_inline(svg, id, alt, &x->colours, to, err);
    page_picture_end(to);
    fprintf(to, "<figcaption><b>%d. %c", number, f->summary[0] >= 'a' && f->summary[0] <= 'z' ? f->summary[0] - 32 : f->summary[0]);
    put_html(f->summary + 1, to);
    fputs(".</b> ", to);
    put_html(f->caption, to);
    fputs("</figcaption>\n</figure>\n", to);
    mem_free(svg);
    return rc;
}

/* Every figure that has data. Without gnuplot the first failure is the answer for all. */
static int draw_figures(const struct report *r, struct pictures *x, struct err *err) {
    struct err why = {""};
    FILE *to = open_memstream(&x->html, &x->n);
    if (!to) return err_set(err, "cannot write figures: out of memory");
    int number = 1;
    bool missing = false;
    for (const struct figure *f = figures; f->name && !missing; f++) {
        if (!plot_has(&r->plot, f)) continue;
        if (!put_figure(r, f, number, x, to, &why)) {
            number++;
            continue;
        }
        missing = strstr(why.text, "gnuplot not found") != NULL;
        fprintf(to, "<p class=\"note\">%s", missing ? "No figures: " : "");
        put_html(why.text, to);
        fputs(".</p>\n", to);
    }
    if (number == 1 && !missing) fputs("<p class=\"note\">There is nothing that figures are drawn from.</p>\n", to);
    return fclose(to) ? err_set(err, "cannot write figures: out of memory") : 0;
}

/* -- caveats and reproduction -- */

/* How far simulation was from live decoding. */
static void put_fidelity(const struct report *r, FILE *to) {
    static const char *const heads[] = {"<policy, live", "prompts", "live, tokens/s", "simulated", "simulated is off by %"};
    double largest = 0;
    if (!r->fidelity_n) return;
    for (int i = 0; i < r->fidelity_n; i++) largest = fmax(largest, fmax(r->fidelity[i].live, r->fidelity[i].simulated));
    int digits = finding_digits(largest);
    page_table(to, "fidelity", "live against simulation", false);
    fputs("<tr>", to);
    page_heads(to, heads, sizeof heads / sizeof *heads);
    fputs("</tr></thead>\n<tbody>\n", to);
    for (int i = 0; i < r->fidelity_n; i++) {
        const struct report_fidelity *x = &r->fidelity[i];
        fputs("<tr><th scope=\"row\">", to);
        page_name(to, x->spec);
        fprintf(to, "</th><td>%d</td>", x->prompts);
        page_cell(to, "", "%.*f", digits, x->live), page_cell(to, "", "%.*f", digits, x->simulated);
        page_cell(to, "", "%+.*f", 1, 100 * (x->simulated / x->live - 1));
        fputs("</tr>\n", to);
    }
    fputs("</tbody>\n</table></div>\n<p class=\"legend\">The newest run of banditspec live --check with this trace in this file, on ", to);
    page_name(to, r->fidelity_device);
    fputs(".</p>\n", to);
}

static void put_caveats(const struct report *r, FILE *to) {
    char text[1024];
    fputs("<section>\n<h2>What to be careful about</h2>\n<ul>\n", to);
    for (int i = 0; report_caveat(r, i, text, sizeof text); i++) {
        fputs("<li>", to);
        put_html(text, to);
        fputs("</li>\n", to);
    }
    fputs("</ul>\n", to);
    put_fidelity(r, to);
    fputs("</section>\n", to);
}

static void put_fact(FILE *to, const char *name, const char *value, bool code) {
    if (!value || !*value) return;
    fprintf(to, "<dt>%s</dt><dd>%s", name, code ? "<code>" : "");
    put_html(value, to);
    fprintf(to, "%s</dd>\n", code ? "</code>" : "");
}

static void put_recording(const struct report *r, FILE *to) {
    const struct trace *t = &r->recording->trace;
    char text[1024];
    snprintf(text, sizeof text, "%s, %s, %d thread%s, %s, engine %s", t->backend, t->device, t->threads, t->threads == 1 ? "" : "s",
        t->dtype, r->recording->engine);
    put_fact(to, "recorded", r->recording->created, false);
    put_fact(to, "recorded on", text, false);
    put_fact(to, "target sha256", t->target_sha256, true);
    snprintf(text, sizeof text, "temperature %g, noise seed %lld, at most %d new tokens, template %s", t->temperature,
        (long long)t->noise_seed, t->max_new, t->template);
    put_fact(to, "decoding", text, false);
    for (int d = 0; d < t->D; d++) {
        snprintf(text, sizeof text, "%s: %s%s%s, drafts up to %d", t->drafters[d].name, t->drafters[d].kind, *t->drafters[d].parameters
            ? ", " : "", t->drafters[d].parameters, t->drafters[d].max_draft);
        put_fact(to, "drafter", text, false);
    }
    if (!trace_recorded(t, text, sizeof text)) put_fact(to, "nature", text, false);
}

static void put_parameters(FILE *to, const char *spec, const char *name) {
    const struct policy *p = policy_find(name);
    fputs("<tr><th scope=\"row\">", to);
    page_name(to, spec);
    fputs("</th><td class=\"left\">", to);
    for (int i = 0; p && p->params[i].name; i++) {
        const struct param *q = &p->params[i];
        const char *at = strchr(spec, ':');
        size_t n = strlen(q->name);
        while (at && !(!strncmp(at + 1, q->name, n) && at[1 + n] == '=')) at = strchr(at + 1, ',');
        fprintf(to, "%s%s=", i ? ", " : "", q->name);
        if (at) {
            char value[256];
            snprintf(value, sizeof value, "%.*s", (int)strcspn(at + 2 + n, ","), at + 2 + n);
            put_html(value, to);
        } else if (q->words && strcmp(q->words, "arm")) {
            const char *word = q->words;
            for (int k = (int)q->value; k > 0; k--) word += strcspn(word, "|") + 1;
            fprintf(to, "%.*s", (int)strcspn(word, "|"), word);
        } else fprintf(to, "%g", q->value);
    }
    fputs("</td><td class=\"left\">", to);
    put_html(p ? p->cite : "not a policy of this program", to);
    fputs("</td></tr>\n", to);
}

static int put_commands(const struct report *r, FILE *to, struct err *err) {
    char *text = NULL;
    size_t n = 0;
    FILE *memory = open_memstream(&text, &n);
    if (!memory) return err_set(err, "cannot write commands: out of memory");
    report_commands(r, memory);
    int rc = fclose(memory) ? err_set(err, "cannot write commands: out of memory") : 0;
    fputs("<pre><code>", to);
    for (char *line = text, *end; !rc && (end = strchr(line, '\n')); line = end + 1) {
        *end = 0;
        put_html(line, to);
        putc('\n', to);
    }
    fputs("</code></pre>\n", to);
    free(text);
    return rc;
}

static int put_reproduction(const struct report *r, FILE *to, struct err *err) {
    const struct scores *s = &r->scores;
    char text[64];
    fputs("<section>\n<h2>To reproduce</h2>\n", to);
    int rc = put_commands(r, to, err);
    fputs("<dl class=\"facts\">\n", to);
    snprintf(text, sizeof text, "%lld of ", (long long)r->plot.experiment);
    fprintf(to, "<dt>experiment</dt><dd>%s", text);
    page_name(to, r->results);
    fputs("</dd>\n", to);
    put_fact(to, "made", r->created, false);
    put_fact(to, "program", r->version, false);
    put_fact(to, "target", r->target, false);
    put_fact(to, "device", r->device, false);
    put_fact(to, "trace", r->trace, false);
    put_fact(to, "trace content sha256", r->sha256, true);
    put_fact(to, "sources that play, sha256", r->code, true);
    put_fact(to, "seconds, sha256", r->seconds, true);
    put_fact(to, "setting", r->setting, true);
    put_fact(to, "seconds", r->timing, false);
    put_fact(to, "scope", r->scope, false);
    snprintf(text, sizeof text, "%d, from %llu", r->seeds, (unsigned long long)s->first_seed);
    put_fact(to, "seeds", text, false);
    fputs("<dt>arms</dt><dd>", to);
    for (int k = 0; k < s->K; k++) fputs(k ? " " : "", to), put_html(s->arms[k].name, to);
    fputs("</dd>\n", to);
    if (r->recording) put_recording(r, to);
    fputs("</dl>\n<details><summary>Parameters and sources of the policies</summary>\n", to);
    page_table(to, "parameters", "parameters", s->P > PAGE_TALL);
    fputs("<tr><th scope=\"col\" class=\"left\">policy</th><th scope=\"col\" class=\"left\">parameters</th><th scope=\"col\" "
        "class=\"left\">source</th></tr></thead>\n<tbody>\n", to);
    for (int p = 0; p < s->P; p++) put_parameters(to, s->policies[p].spec, s->policies[p].name);
    fputs("</tbody>\n</table></div></details>\n</section>\n", to);
    return rc;
}

int report_html(const struct report *r, FILE *to, struct err *err) {
    struct pictures x = {0};
    int rc = draw_figures(r, &x, err);
    if (!rc) {
        page_begin(to, &x.colours, "Which policy for ", r->target, "?");
        put_verdict(r, to);
        put_keys(r, to);
        put_leaderboard(r, to);
        put_categories(r, to);
        fputs("<section>\n<h2>The evidence</h2>\n", to);
        fwrite(x.html, 1, x.n, to);
        fputs("</section>\n", to);
        put_caveats(r, to);
        rc = put_reproduction(r, to, err);
        page_end(to);
    }
    free(x.html);
    svg_colours_close(&x.colours);
    return rc;
}
