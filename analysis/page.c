/* page.c - see page.h. */
#include "analysis/page.h"

#include <string.h>

#include "analysis/escape.h"

extern const char css_analysis_report[];

enum { LIGHT_GROUND = 0xFFFFFF, DARK_GROUND = 0x14171A }; // --ground of report.css

void page_begin(FILE *to, const struct svg_colours *colours, const char *before, const char *name, const char *after) {
    fprintf(to, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" "
        "content=\"width=device-width, initial-scale=1\">\n"
                "<meta name=\"color-scheme\" content=\"light dark\">\n<meta name=\"generator\" content=\"banditspec " VERSION "\">\n<link "
                    "rel=\"icon\" href=\"data:,\">\n<title>%s", before);
    put_html(name, to);
    fprintf(to, "%s BanditSpec report</title>\n<style>\n%s", after, css_analysis_report);
    if (colours) svg_colours_css(colours, LIGHT_GROUND, DARK_GROUND, to);
    fputs("</style>\n</head>\n<body>\n<main>\n", to);
}

void page_end(FILE *to) { fputs("</main>\n</body>\n</html>\n", to); }

void page_number(FILE *to, const char *format, int digits, double x) {
    char text[64];
    snprintf(text, sizeof text, format, digits, x);
    for (const char *c = text; *c; c++)
        if (*c == '-') fputs("\u2212", to);
        else putc(*c, to);
}

void page_cell(FILE *to, const char *attributes, const char *format, int digits, double x) {
    fprintf(to, "<td%s>", attributes);
    page_number(to, format, digits, x);
    fputs("</td>", to);
}

void page_range(FILE *to, const struct measure *m, int digits) {
    fputs("<td class=\"soft\">", to);
    page_number(to, "%.*f", digits, m->lo);
    fputs(" to ", to);
    page_number(to, "%.*f", digits, m->hi);
    fputs("</td>", to);
}

void page_p(FILE *to, const struct comparison *c) {
    if (c->verdict == VERDICT_REFERENCE) fputs("<td></td>", to);
    else if (c->p_holm < 0.001) fputs("<td>&lt; 0.001</td>", to);
    else fprintf(to, "<td>%.3f</td>", c->p_holm);
}

void page_name(FILE *to, const char *name) {
    fputs("<span class=\"name\">", to);
    put_html(name, to);
    fputs("</span>", to);
}

void page_picture(FILE *to, const char *id, const char *what) {
    fprintf(to, "<figure id=\"%s\">\n<div class=\"picture\" tabindex=\"0\" role=\"region\" aria-label=\"figure %s\">\n", id, what);
}

void page_picture_end(FILE *to) { fputs("</div>\n", to); }

void page_table(FILE *to, const char *id, const char *what, bool tall) {
    fprintf(to, "<div class=\"scroll%s\" tabindex=\"0\" role=\"region\" aria-label=\"%s\"><table id=\"%s\">\n<thead>", tall ? " tall"
        : "", what, id);
}

void page_heads(FILE *to, const char *const *heads, int n) {
    for (int i = 0; i < n; i++) fprintf(to, "<th scope=\"col\"%s>%s</th>", *heads[i] == '<' ? " class=\"left\"" : *heads[i] == '|'
        ? " class=\"edge\"" : "", heads[i] + (*heads[i] == '<' || *heads[i] == '|'));
}
