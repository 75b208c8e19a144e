/* wrap.c - see wrap.h. */
#include "analysis/wrap.h"

#include <stdlib.h>
#include <string.h>

#include "analysis/escape.h"

void wrap_text(struct wrap *p, const char *text, int most, const char *mark) {
    char *plain = NULL;
    size_t n = 0;
    FILE *m = open_memstream(&plain, &n);
    if (!m) return;
    put_terminal(text, -1, m); // what is no letter is gone
    if (fclose(m)) return;
    if (p->colour && mark) fputs(mark, p->to);
    for (char *at = plain; *at && most > 0; most--) {
        char line[4 * WRAP_WIDE + 1];
        size_t used = 0;
        while (*at == ' ') at++;
        while (*at) { // one more word
            size_t word = strcspn(at + (used ? 1 : 0), " ") + (used ? 1 : 0);
            if (used + word >= sizeof line) break;
            memcpy(line + used, at, word);
            line[used + word] = 0;
            if (terminal_columns(line) > WRAP_WIDE - 2 && used) {
                line[used] = 0;
                break;
            }
            used += word, at += word;
        }
        if (!used) break; // a word longer than any line
        bool last = most == 1 && at[strspn(at, " ")];
        int columns = put_terminal(line, last ? WRAP_WIDE - 4 : WRAP_WIDE, p->to);
        fputs(last && columns < WRAP_WIDE - 3 ? " …\n" : "\n", p->to);
        p->lines++;
    }
    if (p->colour && mark) fputs("\x1b[0m", p->to);
    free(plain);
}
