/* svg_axes.h - where a picture of gnuplot's SVG terminal says that a value lies (the tics with numbers beside them), and what points were drawn.
 *
 * A tic is a stroke of two points with its number right behind it; panels have tics of their own, and a new panel begins where the numbers
 * begin anew. Points are those of the plots' paths, polygons and marks. */
#ifndef TESTS_SVG_AXES_H
#define TESTS_SVG_AXES_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/svg.h"

enum { SVG_TICS = 256, SVG_POINTS = 1 << 16 };

enum svg_axis { SVG_X, SVG_Y, SVG_X2, SVG_AXES };

struct svg_tic {
    enum svg_axis axis;
    int panel;            // of its axis, in the order of the file
    double at, value;     // pixels, the number beside it
};

struct svg_point {
    double x, y;
    int shape;            // one path, polygon or mark
    bool polygon;
};

struct svg_axes {
    int tics_n, points_n, shapes;
    struct svg_tic tics[SVG_TICS];
    struct svg_point points[SVG_POINTS];
    struct box drawn;
};

static inline void svg_add_tic(struct svg_axes *a, const char *stroke, const char *number) {
    double x0, y0, x1, y1;
    char *end;
    double value = strtod(number, &end);
    int n = 0;
    if (end == number || (*end != '<' && strncmp(end, "\xC3\x97<", 3))) return;
    if (sscanf(stroke, "M%lf,%lf L%lf,%lf %n", &x0, &y0, &x1, &y1, &n) != 4 || stroke[n] != '\'') return;
    if (fabs(x1 - x0) + fabs(y1 - y0) > 12) return; // a line of the grid
    enum svg_axis axis = fabs(y1 - y0) < 0.01 ? SVG_Y : y1 > y0 ? SVG_X : SVG_X2;
    int panel = 0;
    for (int i = 0; i < a->tics_n; i++)
        if (a->tics[i].axis == axis) panel = a->tics[i].panel + (a->tics[i].value >= value);
    if (a->tics_n == SVG_TICS) fail_msg("more than %d tics", SVG_TICS);
    a->tics[a->tics_n++] = (struct svg_tic){axis, panel, axis == SVG_Y ? y0 : x0, value};
}

static inline void svg_add_point(struct svg_axes *a, double x, double y, bool polygon) {
    if (a->points_n == SVG_POINTS) fail_msg("more than %d points", SVG_POINTS);
    a->points[a->points_n++] = (struct svg_point){x, y, a->shapes, polygon};
    svg_add(&a->drawn, x, y);
}

static inline void svg_axes_read(struct svg_axes *a, const char *text) {
    memset(a, 0, sizeof *a);
    a->drawn = (struct box){0, 0, -1, -1};
    for (const char *at = text; (at = strstr(at, " d='")); at++) {
        const char *close = strchr(at + 4, '\''), *label = close + 3, *words;
        while (label < close + 8 && (*label == '\t' || *label == '\n')) label++;
        if (strncmp(close, "'/>", 3) || strncmp(label, "<g transform=", 13) || !(words = strstr(label, "<text>"))) continue;
        words += strlen("<text>");
        svg_add_tic(a, at + 4, words + strspn(words, " "));
    }
    for (const char *plot = text; (plot = strstr(plot, "<g id=\"gnuplot_plot_")); plot++) {
        const char *end = svg_group_end(plot);
        static const char *const kinds[] = {" d='", "points = '", "translate("};
        for (int kind = 0; kind < 3; kind++)
            for (const char *at = plot; (at = strstr(at, kinds[kind])) && at < end; at++, a->shapes++) {
                const char *stop = strpbrk(at + strlen(kinds[kind]), kind == 2 ? ")" : "'");
                for (const char *c = at + strlen(kinds[kind]); c < stop;) {
                    char *next;
                    double x = strtod(c, &next);
                    if (next == c || *next != ',') c++;
                    else {
                        char *after;
                        double y = strtod(next + 1, &after);
                        svg_add_point(a, x, y, kind == 1);
                        c = after;
                    }
                }
            }
    }
}

/* -- scales -- */

struct svg_scale {
    double zero, unit;
    double (*f)(double);
};

static inline double svg_linear(double v) { return v; }
static inline double svg_place(const struct svg_scale *s, double value) { return s->zero + s->unit * s->f(value); }

/* What a panel's tics say, of which there must be `least`; every tic must lie where the outermost two say. */
static inline struct svg_scale svg_scale(const struct svg_axes *a, enum svg_axis axis, int panel, double (*f)(double), int least, const char *where) {
    const struct svg_tic *first = NULL, *last = NULL;
    int n = 0;
    for (int i = 0; i < a->tics_n; i++) {
        if (a->tics[i].axis != axis || a->tics[i].panel != panel) continue;
        if (!first) first = &a->tics[i];
        last = &a->tics[i], n++;
    }
    if (n < least || n < 2) fail_msg("figure %s: %d tics with numbers on axis %d of panel %d, expected at least %d", where, n, axis, panel, least);
    struct svg_scale s = {.unit = (last->at - first->at) / (f(last->value) - f(first->value)), .f = f};
    s.zero = first->at - s.unit * f(first->value);
    for (int i = 0; i < a->tics_n; i++)
        if (a->tics[i].axis == axis && a->tics[i].panel == panel && fabs(svg_place(&s, a->tics[i].value) - a->tics[i].at) > 0.1)
            fail_msg("figure %s: the tic of %g is at %.2f, the others put it at %.2f", where, a->tics[i].value, a->tics[i].at, svg_place(&s, a->tics[i].value));
    return s;
}

static inline int svg_panels(const struct svg_axes *a, enum svg_axis axis) {
    int n = 0;
    for (int i = 0; i < a->tics_n; i++)
        if (a->tics[i].axis == axis && a->tics[i].panel + 1 > n) n = a->tics[i].panel + 1;
    return n;
}

/* A point drawn within `dx` and `dy` pixels; null: none. */
static inline const struct svg_point *svg_drawn(const struct svg_axes *a, double x, double y, double dx, double dy) {
    for (int i = 0; i < a->points_n; i++)
        if (fabs(a->points[i].x - x) <= dx && fabs(a->points[i].y - y) <= dy) return &a->points[i];
    return NULL;
}

#endif
