/* svg.h - what a test asks of a picture that gnuplot's SVG terminal wrote: where its texts are, how long, and where its data were drawn. Knows
 * that terminal's own writing (one <g transform> with one <text> a label, one <g id="gnuplot_plot_N"> a plot), and nothing more. */
#ifndef TESTS_SVG_H
#define TESTS_SVG_H

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct box {
    double x0, y0, x1, y1;
};

struct svg_text {
    struct box box; // about: letters have the widths of a usual sans serif
    double size;
    char fill[32]; // "rgb(61,129,167)"
    char words[256];
};

enum { SVG_TEXTS = 4096 };

struct svg {
    double w, h;
    int n;
    struct svg_text text[SVG_TEXTS];
    struct box drawn; // of all plots; empty: x1 < x0
    int plots, empty; // plots with and without anything drawn
};

/* Of one letter, in sizes: Arial's within a few per cent. */
static inline double svg_letter(unsigned char c) {
    if ((c & 0xC0) == 0x80) return 0; // goes on
    if (c >= 0x80) return 0.6;
    if (strchr("iljI.,:;|'!", c)) return 0.25;
    if (strchr("ft()[]r -/\\", c)) return 0.33;
    if (strchr("mwMW%@", c)) return 0.85;
    if (c >= 'A' && c <= 'Z') return 0.68;
    return c == '_' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ? 0.54 : 0.58;
}

static inline double svg_width(const char *words) {
    double w = 0;
    for (; *words; words++) w += svg_letter((unsigned char)*words);
    return w;
}

static inline void svg_words(char *to, size_t size, const char *from, const char *end) {
    static const char *const names[][2] = {{"&lt;", "<"}, {"&gt;", ">"}, {"&amp;", "&"}, {"&quot;", "\""}, {"&apos;", "'"}, {"&#39;", "'"}};
    size_t n = 0;
    while (from < end && n + 1 < size) {
        size_t length = 1;
        char c = *from;
        if (c == '<') { // a <tspan ...> or its end
            while (from < end && *from != '>') from++;
            from++;
            continue;
        }
        for (size_t i = 0; i < sizeof names / sizeof *names; i++)
            if (!strncmp(from, names[i][0], strlen(names[i][0]))) c = names[i][1][0], length = strlen(names[i][0]);
        to[n++] = c;
        from += length;
    }
    to[n] = 0;
}

static inline void svg_add(struct box *b, double x, double y) {
    if (b->x1 < b->x0) *b = (struct box){x, y, x, y};
    if (x < b->x0) b->x0 = x;
    if (x > b->x1) b->x1 = x;
    if (y < b->y0) b->y0 = y;
    if (y > b->y1) b->y1 = y;
}

/* Every "X,Y" of the text is a point. */
static inline int svg_points(struct box *b, const char *at, const char *end) {
    int n = 0;
    for (; at < end; at++) {
        if (*at != ',' || at[-1] < '0' || at[-1] > '9') continue;
        const char *from = at;
        while (strchr("0123456789.-", from[-1])) from--;
        svg_add(b, atof(from), atof(at + 1));
        n++;
    }
    return n;
}

/* What patterns are made of lies in no place of the picture. */
static inline void svg_blank_patterns(char *text) {
    for (char *at = text, *end; (at = strstr(at, "<pattern ")) && (end = strstr(at, "</pattern>")); at = end) memset(at, ' ', (size_t)(end - at));
}

/* Where the group that begins at `at` ends. */
static inline const char *svg_group_end(const char *at) {
    int depth = 0;
    for (; *at; at++) {
        if (!strncmp(at, "<g ", 3) || !strncmp(at, "<g>", 3)) depth++;
        else if (!strncmp(at, "</g>", 4) && --depth == 0) return at;
    }
    return at;
}

static inline void svg_plots(struct svg *s, const char *text) {
    s->drawn = (struct box){0, 0, -1, -1};
    for (const char *at = text; (at = strstr(at, "<g id=\"gnuplot_plot_")); at++) {
        const char *end = svg_group_end(at), *next;
        const char *title = strstr(at, "</title>");
        if (title && title < end) at = title;
        int n = 0;
        for (const char *p = at; p < end; p = next + 1) { // attributes that hold points: d='...', points='...', and marks' translate(x,y)
            const char *d = strstr(p, " d='"), *q = strstr(p, "points = '"), *u = strstr(p, "<use "), *t = strstr(p, "translate(");
            const char *first = NULL, *all[] = {d, q, u, t};
            for (int i = 0; i < 4; i++)
                if (all[i] && all[i] < end && (!first || all[i] < first)) first = all[i];
            if (!first) break;
            if (first == u) {
                const char *x = strstr(u, " x='"), *y = strstr(u, " y='");
                if (x && y) svg_add(&s->drawn, atof(x + 4), atof(y + 4)), n++;
                next = u + 5;
            } else if (first == t) {
                svg_add(&s->drawn, atof(t + 10), strchr(t, ',') ? atof(strchr(t, ',') + 1) : 0), n++;
                next = t + 9;
            } else {
                const char *from = strchr(first, '\'') + 1, *to = strchr(from, '\'');
                n += svg_points(&s->drawn, from, to);
                next = to;
            }
        }
        s->plots += n > 0, s->empty += n == 0;
    }
}

static inline void svg_read(struct svg *s, const char *text) {
    memset(s, 0, sizeof *s);
    const char *box = strstr(text, "viewBox=\"0 0 ");
    if (box) sscanf(box, "viewBox=\"0 0 %lf %lf", &s->w, &s->h);
    for (const char *at = text; (at = strstr(at, "<g transform=\"translate(")) && s->n < SVG_TEXTS; at++) {
        const char *words = strstr(at, "<text"), *end = words ? strstr(words, "</text>") : NULL, *next = strstr(at + 1, "<g transform=\"translate(");
        if (!words || !end || (next && words > next)) continue;
        struct svg_text *t = &s->text[s->n++];
        double x, y, angle = 0;
        sscanf(at, "<g transform=\"translate(%lf,%lf)", &x, &y);
        const char *turn = strstr(at, "rotate("), *size = strstr(at, "font-size=\""), *anchor = strstr(at, "text-anchor=\""), *fill = strstr(at, "fill=\"");
        if (turn && turn < words) angle = atof(turn + 7);
        t->size = size && size < words ? atof(size + 11) : 12;
        if (fill && fill < words) snprintf(t->fill, sizeof t->fill, "%.*s", (int)strcspn(fill + 6, "\""), fill + 6);
        svg_words(t->words, sizeof t->words, strchr(words, '>') + 1, end);
        double w = svg_width(t->words) * t->size, from = 0;
        if (anchor && anchor < words) from = !strncmp(anchor + 13, "end", 3) ? -w : !strncmp(anchor + 13, "middle", 6) ? -w / 2 : 0;
        double up = 0.72 * t->size, down = 0.2 * t->size;
        if (fabs(angle) > 45) t->box = (struct box){x - up, y - from - w, x + down, y - from};
        else t->box = (struct box){x + from, y - up, x + from + w, y + down};
    }
    svg_plots(s, text);
}

/* By how much two boxes lie over one another, as a share of the smaller. */
static inline double svg_overlap(const struct box *a, const struct box *b) {
    double w = fmin(a->x1, b->x1) - fmax(a->x0, b->x0), h = fmin(a->y1, b->y1) - fmax(a->y0, b->y0);
    if (w <= 0 || h <= 0) return 0;
    double small = fmin((a->x1 - a->x0) * (a->y1 - a->y0), (b->x1 - b->x0) * (b->y1 - b->y0));
    return small > 0 ? w * h / small : 0;
}

#endif
