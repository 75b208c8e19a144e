/* wrap.h - sentences on a page of letters: 24 lines of 80 columns. */
#ifndef ANALYSIS_WRAP_H
#define ANALYSIS_WRAP_H

#include <stdbool.h>
#include <stdio.h>

enum { WRAP_WIDE = 80, WRAP_LINES = 24 };

struct wrap {
    FILE *to;
    bool colour;
    int lines; // written
};

/* The words of `text` over at most `most` lines, the rest an ellipsis; `mark` is an escape sequence for all of them, where there is
 * colour. */
void wrap_text(struct wrap *p, const char *text, int most, const char *mark);

#endif
