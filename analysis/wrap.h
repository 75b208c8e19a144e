/* wrap.h - sentences on a page of letters: 24 lines of 80 columns. */
#ifndef ANALYSIS_WRAP_H
#define ANALYSIS_WRAP_H

#include <stdbool.h>
#include <stdio.h>

enum { WRAP_WIDE = 80, WRAP_LINES = 24 };

struct wrap {
    FILE *to;
    bool colour;
    int lines, indent; // written; of all lines of a text but its first
};

/* The words of `text` over at most `most` lines, the rest an ellipsis; `mark` is an escape sequence for all of them, where there is
 * colour. A word longer than a line goes on in the next. */
void wrap_text(struct wrap *p, const char *text, int most, const char *mark);

/* Lines that all of `text` takes. */
int wrap_lines(const char *text, int indent);

/* Shares `room` lines among n texts: most[i] is what text i needs; where that is too much in all, the one that is the longest over its
 * least[i] loses a line, and so on, and none has fewer. */
void wrap_share(const char *const *texts, const int *least, int n, int indent, int room, int *most);

#endif
