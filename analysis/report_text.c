/* report_text.c - a report on a terminal: at most 24 lines of 80 columns, the verdict first. */
#include "analysis/report.h"

#include <stdlib.h>
#include <string.h>

#include "analysis/escape.h"

enum { WIDE = 80, LINES = 24, NAME = 26 };

struct page {
    FILE *to;
    bool colour;
    int lines; // written
};

/* Words of `text` over at most `most` lines, cut with an ellipsis; `mark` is the first line's escape sequence. */
static void put_wrapped(struct page *p, const char *text, int most, const char *mark) {
    char *plain = NULL;
    size_t n = 0;
    FILE *m = open_memstream(&plain, &n);
    if (!m) return;
    put_terminal(text, -1, m); // what is no letter is gone
    if (fclose(m)) return;
    if (p->colour && mark) fputs(mark, p->to);
    for (char *at = plain; *at && most > 0; most--) {
        char line[4 * WIDE + 1];
        size_t used = 0;
        while (*at == ' ') at++;
        while (*at) { // one more word
            size_t word = strcspn(at + (used ? 1 : 0), " ") + (used ? 1 : 0);
            if (used + word >= sizeof line) break;
            memcpy(line + used, at, word);
            line[used + word] = 0;
            FILE *none = fopen("/dev/null", "w");
            int wide = none ? put_terminal(line, -1, none) : 0;
            if (none) fclose(none);
            if (wide > WIDE - 2 && used) {
                line[used] = 0;
                break;
            }
            used += word, at += word;
        }
        if (!used) break; // a word longer than any line
        bool last = most == 1 && at[strspn(at, " ")];
        int columns = put_terminal(line, last ? WIDE - 4 : WIDE, p->to);
        fputs(last && columns < WIDE - 3 ? " …\n" : "\n", p->to);
        p->lines++;
    }
    if (p->colour && mark) fputs("\x1b[0m", p->to);
    free(plain);
}

static void pad(FILE *to, int n) {
    for (; n > 0; n--) putc(' ', to);
}

static void put_row(struct page *p, const struct report *r, int row, const char *name) {
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
    struct page p = {to, colour, 0};
    char text[1024], room[512];
    snprintf(text, sizeof text, "%d prompts, %s, %s", s->Q, r->target, r->device);
    put_terminal(text, WIDE, to), putc('\n', to), p.lines++;
    put_wrapped(&p, f->headline, 3, "\x1b[1m");
    put_wrapped(&p, f->amount, 4, NULL);
    put_wrapped(&p, f->sureness, 3, NULL);
    if (*f->reason) put_wrapped(&p, f->reason, 2, NULL);
    fprintf(to, "rank policy                     tokens/s 95%%              speed%s\n", known ? "  % best arm, p" : "");
    p.lines++;
    int room_left = LINES - p.lines - 4, shown = s->P < room_left ? s->P : room_left; // plain, the arm, two lines of caution
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
    put_wrapped(&p, text, LINES - p.lines < 2 ? LINES - p.lines : 2, NULL);
    return ferror(to) ? err_set(err, "cannot write to standard output") : 0;
}
