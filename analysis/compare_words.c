/* compare_words.c - a comparison on a terminal, as JSON and as CSV. */
#include "analysis/compare.h"

#include <jansson.h>
#include <math.h>
#include <string.h>

#include "analysis/escape.h"
#include "analysis/finding.h"
#include "analysis/wrap.h"

/* -- text -- */

enum { NAME = 24 };

static void put_row(struct wrap *p, const struct compare_row *r) {
    char rank[24] = "";
    if (r->rank_a) snprintf(rank, sizeof rank, "%d > %d", r->rank_a, r->rank_b);
    for (int pad = NAME - put_terminal(r->name, NAME, p->to); pad > 0; pad--) putc(' ', p->to);
    fprintf(p->to, " %8s %8.*f %8.*f %+7.1f [%.1f, %.1f]%s\n", rank, finding_digits(r->speed_a.value), r->speed_a.value,
        finding_digits(r->speed_b.value), r->speed_b.value, r->change.percent.value,
            r->change.percent.lo, r->change.percent.hi, r->change.verdict == VERDICT_NONE ? " =" : "");
    p->lines++;
}

int compare_text(const struct compare *c, FILE *to, struct err *err) {
    enum { SIDES = 2, STATED = 6, TEXTS = SIDES + 2 + STATED, INDENT = 8, ROWS = 3 };
    static const int least[TEXTS] = {1, 1, 3, 2, 1, 1, 1, 1, 1, 1};
    struct wrap p = {to, false, 0, INDENT};
    char text[TEXTS][1200];
    const char *texts[TEXTS];
    int said = c->statements_n < STATED ? c->statements_n : STATED, n = SIDES + 2 + said, most[TEXTS], shown = c->n < ROWS ? c->n : ROWS;
    for (int i = 0; i < SIDES; i++)
        snprintf(text[i], sizeof *text, "%c: %s, %d prompts, %s, %s", 'A' + i, c->side[i].target, c->side[i].Q, c->side[i].device,
            c->side[i].title);
    for (int i = 0; i < said; i++) {
        const struct compare_statement *s = &c->statements[i];
        snprintf(text[SIDES + 2 + i], sizeof *text, "%s %s", s->a && s->b ? "both   " : s->a ? "A only " : s->b ? "B only " : "neither",
            s->text);
    }
    for (int i = 0; i < n; i++) texts[i] = i == SIDES ? c->headline : i == SIDES + 1 ? c->ranks : text[i];
    wrap_share(texts, least, n, INDENT, WRAP_LINES - 2 - shown, most);
    for (int i = 0; i < n; i++) {
        p.indent = i == SIDES || i == SIDES + 1 ? 0 : INDENT;
        wrap_text(&p, texts[i], most[i], NULL);
    }
    fprintf(to, "%-*s %8s %8s %8s %7s\n", NAME, c->traces ? "arm" : "policy", "rank", "A tok/s", "B tok/s", "% 95%"), p.lines++;
    for (; shown < c->n && p.lines + shown + 1 < WRAP_LINES; shown++) {}
    for (int i = 0; i < shown; i++) put_row(&p, &c->rows[i]);
    if (shown < c->n) fprintf(to, "%d more row%s; ", c->n - shown, c->n - shown == 1 ? "" : "s");
    if (said < c->statements_n) fprintf(to, "%d more conclusion%s; ", c->statements_n - said, c->statements_n - said == 1 ? "" : "s");
    fputs("=: no difference found\n", to);
    return ferror(to) ? err_set(err, "cannot write to standard output") : 0;
}

/* -- JSON -- */

static json_t *measure(const struct measure *m) { return json_pack("{s:f, s:f, s:f}", "value", m->value, "lo", m->lo, "hi", m->hi); }
static json_t *number(double x) { return isnan(x) ? json_null() : json_real(x); }
static json_t *rank(int x) { return x ? json_integer(x) : json_null(); }

static json_t *side_json(const struct side *s) {
    return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:i}", "path", json_lossy(s->path), "title", json_lossy(s->title), "target",
        json_lossy(s->target), "device", json_lossy(s->device),
                     "trace_sha256", json_lossy(s->sha256), "seconds", json_lossy(s->seconds), "prompts", s->Q);
}

int compare_json(const struct compare *c, FILE *to, struct err *err) {
    json_t *rows = json_array(), *statements = json_array(), *tables = json_array();
    for (int i = 0; i < c->n; i++) {
        const struct compare_row *r = &c->rows[i];
        json_array_append_new(rows, json_pack("{s:o, s:o, s:o, s:o, s:o, s:f, s:f, s:o, s:o, s:o, s:f, s:f, s:s}", "name",
            json_lossy(r->name), "tokens_per_s_a", measure(&r->speed_a), "tokens_per_s_b",
                                              measure(&r->speed_b), "speedup_a", measure(&r->up_a), "speedup_b",
                                                  measure(&r->up_b), "mat_a", r->mat_a, "mat_b", r->mat_b, "rank_a",
                                                  rank(r->rank_a), "rank_b", rank(r->rank_b), "percent", measure(&r->change.percent),
                                              "p", r->change.p, "p_holm", r->change.p_holm, "verdict", finding_word(r->change.verdict)));
    }
    for (int i = 0; i < c->statements_n; i++)
        json_array_append_new(statements, json_pack("{s:o, s:b, s:b}", "text", json_lossy(c->statements[i].text), "a",
            c->statements[i].a, "b", c->statements[i].b));
    for (int i = 0; i < c->tables_n; i++) {
        const struct compare_table *t = &c->tables[i];
        json_t *list = json_array();
        for (int k = 0; k < t->n; k++) json_array_append_new(list,
            json_pack("{s:o, s:o, s:o}", "name", json_lossy(t->names[k]), "a", number(t->a[k]), "b", number(t->b[k])));
        json_array_append_new(tables, json_pack("{s:s, s:s, s:o}", "title", t->title, "unit", t->head, "rows", list));
    }
    json_t *all = json_pack("{s:s, s:o, s:o, s:b, s:i, s:o, s:o, s:o, s:o, s:o, s:o}", "kind", c->traces ? "traces" : "results", "a",
        side_json(&c->side[0]), "b", side_json(&c->side[1]), "paired", c->paired,
                            "prompts_in_both", c->common, "spearman", number(c->spearman), "headline", json_lossy(c->headline), "ranks",
                                json_lossy(c->ranks), "conclusions", statements, "rows", rows, "tables", tables);
    if (!all || json_dumpf(all, to, JSON_INDENT(2))) return json_decref(all), err_set(err, "cannot write JSON");
    json_decref(all);
    putc('\n', to);
    return ferror(to) ? err_set(err, "cannot write JSON") : 0;
}

/* -- CSV -- */

int compare_csv(const struct compare *c, FILE *to, struct err *err) {
    fputs("name,kind,rank_a,rank_b,tokens_per_s_a,tokens_per_s_a_lo,tokens_per_s_a_hi,tokens_per_s_b,tokens_per_s_b_lo,tokens_per_s_b_hi,"
          "mat_a,mat_b,percent,percent_lo,percent_hi,p,p_holm,verdict,"
          "speedup_a,speedup_a_lo,speedup_a_hi,speedup_b,speedup_b_lo,speedup_b_hi\n", to);
    for (int i = 0; i < c->n; i++) {
        const struct compare_row *r = &c->rows[i];
        const struct measure *const m[] = {&r->speed_a, &r->speed_b};
        put_csv(r->name, to);
        fprintf(to, ",%s,", !r->policy ? "plain" : c->traces ? "arm" : "policy");
        if (r->rank_a) fprintf(to, "%d,%d", r->rank_a, r->rank_b);
        else putc(',', to);
        for (int k = 0; k < 2; k++) fprintf(to, ",%.10g,%.10g,%.10g", m[k]->value, m[k]->lo, m[k]->hi);
        fprintf(to, ",%.10g,%.10g,%.10g,%.10g,%.10g,%.10g,%.10g,%s", r->mat_a, r->mat_b, r->change.percent.value, r->change.percent.lo,
            r->change.percent.hi, r->change.p, r->change.p_holm,
                finding_word(r->change.verdict));
        for (int k = 0; k < 2; k++) {
            const struct measure *x = k ? &r->up_b : &r->up_a;
            fprintf(to, ",%.10g,%.10g,%.10g", x->value, x->lo, x->hi);
        }
        putc('\n', to);
    }
    return ferror(to) ? err_set(err, "cannot write the table: no room is left, or nobody reads") : 0;
}
