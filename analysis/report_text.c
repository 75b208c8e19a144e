/* report_text.c - a report on a terminal: at most 24 lines of 80 columns, the verdict first. */
#include "analysis/report.h"

#include <stdlib.h>
#include <string.h>

#include "analysis/escape.h"
#include "analysis/wrap.h"

enum { NAME = 26 };

static void pad(FILE *to, int n) {
    for (; n > 0; n--) putc(' ', to);
}

static void put_row(struct wrap *p, const struct report *r, int row, const char *name) {
    const struct finding *f = &r->finding;
    const struct summary *x = finding_row(f, row);
    char range[40], rank[24] = "", chance[16] = "";
    int digits = finding_digits(x->tokens_per_s.value);
    const struct comparison *c = &f->with_fixed[row];
    const bool known = r->scores.has[REFERENCE_BEST_FIXED];
    snprintf(range, sizeof range, "[%.*f, %.*f]", digits, x->tokens_per_s.lo, digits, x->tokens_per_s.hi);
    if (x->rank) snprintf(rank, sizeof rank, "%d", x->rank);
    if (p->colour && row == f->recommended) fputs("\x1b[1m", p->to);
    fprintf(p->to, "%4s ", rank);
    pad(p->to, NAME - put_terminal(name, NAME, p->to));
    fprintf(p->to, " %7.*f %-16.16s %6.2f", digits, x->tokens_per_s.value, range, x->speedup.value);
    if (known && c->verdict != VERDICT_REFERENCE) {
        snprintf(chance, sizeof chance, c->p_holm < 0.001 ? "<.001" : "%.3f", c->p_holm);
        fprintf(p->to, " %+7.1f %5s", c->percent.value, chance);
        fputs(c->verdict == VERDICT_NONE ? " =" : c->verdict == VERDICT_FASTER ? " >" : " <", p->to);
    }
    if (p->colour && row == f->recommended) fputs("\x1b[0m", p->to);
    putc('\n', p->to);
    p->lines++;
}

int report_text(const struct report *r, bool colour, FILE *to, struct err *err) {
    const struct finding *f = &r->finding;
    const struct scores *s = &r->scores;
    const bool known = s->has[REFERENCE_BEST_FIXED];
    struct wrap p = {to, colour, 0};
    char text[1024], room[512];
    snprintf(text, sizeof text, "%d prompts, %s, %s", s->Q, r->target, r->device);
    put_terminal(text, WRAP_WIDE, to), putc('\n', to), p.lines++;
    wrap_text(&p, f->headline, 3, "\x1b[1m");
    wrap_text(&p, f->amount, 4, NULL);
    wrap_text(&p, f->sureness, 3, NULL);
    if (*f->reason) wrap_text(&p, f->reason, 2, NULL);
    fprintf(to, "rank policy                     tokens/s 95%%              speed%s\n", known ? "  % best arm, p" : "");
    p.lines++;
    int room_left = WRAP_LINES - p.lines - 4, shown = s->P < room_left ? s->P : room_left; // plain, the arm, two lines of caution
    for (int i = 0; i < shown; i++) put_row(&p, r, f->order[i], s->policies[f->order[i]].spec);
    if (known) {
        snprintf(room, sizeof room, "best fixed arm %s", s->best < 0 ? "" : s->arms[s->best].name);
        put_row(&p, r, s->P + REFERENCE_BEST_FIXED, room);
    }
    put_row(&p, r, s->P + REFERENCE_PLAIN, "plain decoding");
    if (shown < s->P) snprintf(text, sizeof text, "%d more policies; ", s->P - shown);
    else *text = 0;
    snprintf(text + strlen(text), sizeof text - strlen(text), "%s%s; %s", known ? ">, =, <: faster, level, slower than the arm; " : "",
             s->held ? "prompts held out" : "the arm and the fastest were chosen on these prompts", report_timing(r));
    wrap_text(&p, text, WRAP_LINES - p.lines < 2 ? WRAP_LINES - p.lines : 2, NULL);
    return ferror(to) ? err_set(err, "cannot write to standard output") : 0;
}
