/* report_text.c - a report on a terminal: at most 24 lines of 80 columns, the verdict first. Sentences are whole, and the table has as many
 * rows as they leave room for; only names of hundreds of letters cut a sentence. */
#include "analysis/report.h"

#include <stdlib.h>
#include <string.h>

#include "analysis/escape.h"
#include "analysis/wrap.h"

enum { NAME = 26, ROWS = 3 }; // columns of a name; policies that always have a row

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
    int wide = terminal_columns(name) - NAME, lent = *rank || wide <= 0 ? 0 : wide < 5 ? wide : 5; // of the rank's empty column
    *rank ? fprintf(p->to, "%4s ", rank) : fprintf(p->to, "%*s", 5 - lent, "");
    pad(p->to, NAME + lent - put_terminal(name, NAME + lent, p->to));
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

/* What to know of the table: `hidden` policies have no row. */
static void say_caution(const struct report *r, int hidden, char *text, size_t size) {
    const struct scores *s = &r->scores;
    if (hidden > 0) snprintf(text, size, "%d more polic%s; ", hidden, hidden == 1 ? "y" : "ies");
    else *text = 0;
    snprintf(text + strlen(text), size - strlen(text), "%s%s; %s", s->has[REFERENCE_BEST_FIXED]
        ? ">, =, <: faster, level, slower than the arm; " : "", s->held ? "prompts held out"
        : "the arm and the fastest were chosen on these prompts", report_timing(r));
}

enum { HEAD, HEADLINE, AMOUNT, SURENESS, REASON, CAUTION, TEXTS };

int report_text(const struct report *r, bool colour, FILE *to, struct err *err) {
    static const int least[TEXTS] = {[HEAD] = 1, [HEADLINE] = 3, [AMOUNT] = 4, [SURENESS] = 3, [REASON] = 2, [CAUTION] = 2};
    const struct finding *f = &r->finding;
    const struct scores *s = &r->scores;
    const bool known = s->has[REFERENCE_BEST_FIXED];
    struct wrap p = {to, colour, 0, 0};
    char head[1024], caution[1024], room[512];
    int most[TEXTS], fixed_rows = 2 + known, rows = s->P < ROWS ? s->P : ROWS; // the table's head, the arm, plain decoding
    snprintf(head, sizeof head, "%d prompts, %s, %s", s->Q, r->target, r->device);
    say_caution(r, s->P - rows, caution, sizeof caution);
    wrap_share((const char *const[]){head, f->headline, f->amount, f->sureness, f->reason, caution}, least, TEXTS, 0,
        WRAP_LINES - fixed_rows - rows, most);
    for (int left = WRAP_LINES - fixed_rows; rows < s->P; rows++) { // one more, as long as there is a line
        int taken = rows + 1;
        for (int i = 0; i < TEXTS; i++) taken += most[i];
        if (taken > left) break;
    }
    wrap_text(&p, head, most[HEAD], NULL);
    wrap_text(&p, f->headline, most[HEADLINE], "\x1b[1m");
    wrap_text(&p, f->amount, most[AMOUNT], NULL);
    wrap_text(&p, f->sureness, most[SURENESS], NULL);
    wrap_text(&p, f->reason, most[REASON], NULL);
    fprintf(to, "rank policy                     tokens/s 95%%              speed%s\n", known ? "  % best arm, p" : "");
    p.lines++;
    for (int i = 0; i < rows; i++) put_row(&p, r, f->order[i], s->policies[f->order[i]].spec);
    if (known) {
        snprintf(room, sizeof room, "best fixed arm (%s)", s->best < 0 ? "" : s->arms[s->best].name);
        put_row(&p, r, s->P + REFERENCE_BEST_FIXED, s->best < 0 ? "best fixed arm" : room);
    }
    put_row(&p, r, s->P + REFERENCE_PLAIN, "plain decoding");
    say_caution(r, s->P - rows, caution, sizeof caution);
    wrap_text(&p, caution, most[CAUTION], NULL);
    return ferror(to) ? err_set(err, "cannot write to standard output") : 0;
}
