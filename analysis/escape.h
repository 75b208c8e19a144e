/* escape.h - names, however odd, in the places where a report says them.
 *
 * Bytes that are no UTF-8 and control characters become U+FFFD everywhere, so that no name can end a line, move a cursor or break a
 * file. */
#ifndef ANALYSIS_ESCAPE_H
#define ANALYSIS_ESCAPE_H

#include <stdio.h>

struct json_t;

void put_html(const char *text, FILE *to);  // text, and attributes in double quotes (HTML, section 13.1.2)
void put_latex(const char *text, FILE *to); // LaTeX's ten special characters, and what its fonts would join or swap
void put_csv(const char *text, FILE *to);   // a field (RFC 4180)
void put_shell(const char *text, FILE *to); // one word of a POSIX shell

/* At most `width` columns of a terminal, the end cut off with an ellipsis; how many columns were used. width < 0: all of it. */
int put_terminal(const char *text, int width, FILE *to);
int terminal_columns(const char *text); // that all of it takes

/* A JSON string of it; the caller's reference. */
struct json_t *json_lossy(const char *text);

#endif
