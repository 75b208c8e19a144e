/* wrap.c - see wrap.h. */
#include "analysis/wrap.h"

#include <stdlib.h>
#include <string.h>

#include "analysis/escape.h"
#include "core/utf8.h"

/* What of a text is letters; the caller's to free. Null: out of memory. */
static char *plain_of(const char *text) {
    char *plain = NULL;
    size_t n = 0;
    FILE *m = open_memstream(&plain, &n);
    if (!m) return NULL;
    put_terminal(text, -1, m);
    if (!fclose(m)) return plain;
    free(plain);
    return NULL;
}

/* Bytes of the words that fit in `wide` columns; of a word that alone does not, as much as does. */
static size_t line_of(const char *at, int wide) {
    size_t n = 0, words = 0;
    for (int columns = 0; at[n];) {
        char one[8] = "";
        size_t length = utf8_step(at + n, strlen(at + n)).n;
        memcpy(one, at + n, length);
        if ((columns += terminal_columns(one)) > wide) return at[n] == ' ' ? n : words ? words : n;
        if (at[n] == ' ') words = n;
        n += length;
    }
    return n;
}

static char *skip(char *at) { return at + strspn(at, " "); }

int wrap_lines(const char *text, int indent) {
    char *plain = plain_of(text);
    int lines = 0;
    for (char *at = plain ? skip(plain) : NULL; at && *at; lines++) at = skip(at + line_of(at, WRAP_WIDE - 2 - (lines ? indent : 0)));
    free(plain);
    return lines;
}

void wrap_share(const char *const *texts, const int *least, int n, int indent, int room, int *most) {
    for (int i = 0; i < n; i++) room -= most[i] = wrap_lines(texts[i], indent);
    for (int longest = 0; room < 0 && longest >= 0; room++) {
        longest = -1;
        for (int i = 0; i < n; i++)
            if (most[i] > least[i] && (longest < 0 || most[i] - least[i] > most[longest] - least[longest])) longest = i;
        if (longest >= 0) most[longest]--;
    }
}

void wrap_text(struct wrap *p, const char *text, int most, const char *mark) {
    char *plain = plain_of(text);
    if (!plain) return;
    if (p->colour && mark) fputs(mark, p->to);
    for (char *at = skip(plain); *at && most > 0; most--) {
        int indent = at == skip(plain) ? 0 : p->indent;
        size_t n = line_of(at, WRAP_WIDE - 2 - indent);
        bool cut = most == 1 && *skip(at + n);
        if (cut) n = line_of(at, WRAP_WIDE - 4 - indent);
        size_t letters = n;
        while (letters && at[letters - 1] == ' ') letters--;
        fprintf(p->to, "%*s%.*s%s\n", indent, "", (int)letters, at, cut ? " …" : "");
        at = skip(at + n);
        p->lines++;
    }
    if (p->colour && mark) fputs("\x1b[0m", p->to);
    free(plain);
}
