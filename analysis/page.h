/* page.h - the parts that pages are made of: head, tables, numbers in columns. */
#ifndef ANALYSIS_PAGE_H
#define ANALYSIS_PAGE_H

#include <stdbool.h>
#include <stdio.h>

#include "analysis/inline_svg.h"
#include "sim/summary.h"

enum { PAGE_TALL = 40 }; // rows from which on a table scrolls by itself

/* Up to and with <main>; the title is before, name and after. colours may be null. */
void page_begin(FILE *to, const struct svg_colours *colours, const char *before, const char *name, const char *after);
void page_end(FILE *to);

/* A number by a format with ".*", its minus sign as wide as a digit; as a cell, and an interval's. */
void page_number(FILE *to, const char *format, int digits, double x);
void page_cell(FILE *to, const char *attributes, const char *format, int digits, double x);
void page_range(FILE *to, const struct measure *m, int digits);
void page_p(FILE *to, const struct comparison *c);

/* What stands around a picture, up to its <svg>, and after it: where the window is too narrow for its letters to be read, it scrolls in a
 * frame of its own. `what`: its name, of our own words. */
void page_picture(FILE *to, const char *id, const char *what);
void page_picture_end(FILE *to);

/* A name, however odd. */
void page_name(FILE *to, const char *name);

/* Opens a table that scrolls inside its own frame, up to <thead>. Heads: '<' before a text is on the left, '|' has a line. */
void page_table(FILE *to, const char *id, const char *what, bool tall);
void page_heads(FILE *to, const char *const *heads, int n);

#endif
