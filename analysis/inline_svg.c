/* inline_svg.c - see inline_svg.h. */
#include "analysis/inline_svg.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/escape.h"
#include "core/mem.h"

enum { LETTERS = 1 << 24 };

/* -- colours -- */

static double channel(uint32_t colour, int shift) {
    double v = (colour >> shift & 255) / 255.0;
    return v <= 0.04045 ? v / 12.92 : pow((v + 0.055) / 1.055, 2.4);
}
static double luminance(uint32_t c) { return 0.2126 * channel(c, 16) + 0.7152 * channel(c, 8) + 0.0722 * channel(c, 0); }

double svg_contrast(uint32_t a, uint32_t b) {
    double x = luminance(a) + 0.05, y = luminance(b) + 0.05;
    return x > y ? x / y : y / x;
}

static uint32_t mix(uint32_t a, uint32_t b, double share) {
    uint32_t out = 0;
    for (int shift = 0; shift <= 16; shift += 8)
        out |= (uint32_t)lround((1 - share) * (a >> shift & 255) + share * (b >> shift & 255)) << shift;
    return out;
}

static bool is_grey(uint32_t c) {
    int r = c >> 16 & 255, g = c >> 8 & 255, b = c & 255, hi = r > g ? r : g, lo = r < g ? r : g;
    return (hi > b ? hi : b) - (lo < b ? lo : b) < 12;
}

/* `c` moved towards black or white, whichever is away from the ground, until its contrast to it is at least `want`. */
static uint32_t stand_out(uint32_t c, uint32_t ground, double want) {
    uint32_t away = luminance(ground) > 0.18 ? 0x000000 : 0xFFFFFF;
    for (int i = 0; i <= 50; i++) {
        uint32_t x = mix(c, away, i / 50.0);
        if (svg_contrast(x, ground) >= want) return x;
    }
    return away;
}

/* The colours of style.gp. */
static const uint32_t palette[] = {0x0072B2, 0xD55E00, 0x009E73, 0xCC79A7, 0xE69F00, 0x56B4E9};

static int distance(uint32_t a, uint32_t b) {
    int most = 0;
    for (int shift = 0; shift <= 16; shift += 8) {
        int d = abs((int)(a >> shift & 255) - (int)(b >> shift & 255));
        most = d > most ? d : most;
    }
    return most;
}

/* How far `c` is on the way from `from` to `to`, 0..1, by least squares. */
static double along(uint32_t c, uint32_t from, uint32_t to) {
    double dot = 0, square = 0;
    for (int shift = 0; shift <= 16; shift += 8) {
        double way = (double)(to >> shift & 255) - (double)(from >> shift & 255);
        dot += way * ((double)(c >> shift & 255) - (double)(from >> shift & 255)), square += way * way;
    }
    double x = dot / square;
    return x < 0 ? 0 : x > 1 ? 1 : x;
}

/* A colour of the palette mixed with white becomes one mixed with the ground, one mixed with black one mixed with white: what stood out
 * from white more than its neighbour does so from the ground, and scales of colours keep their order. */
static bool turn_scale(uint32_t *c, uint32_t ground) {
    enum { NEAR = 12 };
    uint32_t turned = 0;
    int nearest = NEAR;
    for (size_t i = 0; i < sizeof palette / sizeof *palette; i++) {
        double deep = along(*c, 0xFFFFFF, palette[i]), dark = along(*c, palette[i], 0x000000);
        int from_tint = distance(*c, mix(0xFFFFFF, palette[i], deep)), from_shade = distance(*c, mix(palette[i], 0x000000, dark));
        if (from_tint < nearest) nearest = from_tint, turned = mix(ground, palette[i], deep);
        if (from_shade < nearest) nearest = from_shade, turned = mix(palette[i], 0xFFFFFF, 0.8 * dark);
    }
    if (nearest < NEAR) *c = turned;
    return nearest < NEAR;
}

static uint32_t on_dark(uint32_t colour, uint32_t ground) {
    uint32_t c = colour & 0xFFFFFF;
    if (is_grey(c)) { // black to nearly white, white to the ground
        double light = (c >> 8 & 255) / 255.0;
        c = mix(0xE8E8E8, ground, light);
        if (light > 0.9 && !(colour & LETTERS)) return c; // a scale begins there
    } else if (!(colour & LETTERS) && turn_scale(&c, ground)) return c;
    return stand_out(c, ground, colour & LETTERS ? 4.6 : c == ground ? 1 : 1.35);
}

void svg_colours_css(const struct svg_colours *colours, uint32_t light_ground, uint32_t dark_ground, FILE *to) {
    fputs(":root{", to);
    for (size_t i = 0; i < colours->n; i++) {
        uint32_t c = colours->at[i];
        fprintf(to, "--%c%06x:#%06x;", c & LETTERS ? 't' : 'k', c & 0xFFFFFF, c & LETTERS ? stand_out(c & 0xFFFFFF, light_ground, 4.6)
            : c & 0xFFFFFF);
    }
    fputs("}\n@media screen and (prefers-color-scheme:dark){:root{", to);
    for (size_t i = 0; i < colours->n; i++) {
        uint32_t c = colours->at[i];
        fprintf(to, "--%c%06x:#%06x;", c & LETTERS ? 't' : 'k', c & 0xFFFFFF, on_dark(c, dark_ground));
    }
    fputs("}}\n", to);
}

static int note_colour(struct svg_colours *c, uint32_t colour, struct err *err) {
    for (size_t i = 0; i < c->n; i++)
        if (c->at[i] == colour) return 0;
    int rc = mem_grow(&c->at, &c->room, c->n + 1, sizeof *c->at, "colours", err);
    if (!rc) c->at[c->n++] = colour;
    return rc;
}

void svg_colours_close(struct svg_colours *c) {
    mem_free(c->at);
    *c = (struct svg_colours){0};
}

/* A value of fill, stroke or color: true and the colour, or false for what is none ('none', 'currentColor', 'url(...)'). */
static bool parse_colour(const char *text, size_t n, uint32_t *colour) {
    static const struct { const char *name; uint32_t colour; } names[] = {
        {"black", 0}, {"white", 0xFFFFFF}, {"gray", 0x808080}, {"grey", 0x808080}, {"lightgrey", 0xD3D3D3}, {"lightgray", 0xD3D3D3},
            {"red", 0xFF0000},
        {"green", 0x008000}, {"blue", 0x0000FF}, {"cyan", 0x00FFFF}, {"magenta", 0xFF00FF}, {"yellow", 0xFFFF00}};
    int r, g, b;
    char value[64];
    if (n >= sizeof value) return false;
    memcpy(value, text, n);
    value[n] = 0;
    if (sscanf(value, "rgb(%d,%d,%d)", &r, &g, &b) == 3) {
        *colour = (uint32_t)(r & 255) << 16 | (uint32_t)(g & 255) << 8 | (uint32_t)(b & 255);
        return true;
    }
    if (*value == '#' && n == 7) {
        *colour = (uint32_t)strtoul(value + 1, NULL, 16);
        return true;
    }
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (!strcmp(value, names[i].name)) {
            *colour = names[i].colour;
            return true;
        }
    return false;
}

/* -- tags -- */

static bool named(const char *name, size_t n, const char *word) { return strlen(word) == n && !memcmp(name, word, n); }

/* A style's declarations: "fill:none; stroke:rgb(1,2,3)". gnuplot's patterns are coloured so. */
static void put_style(const char *at, size_t n, struct svg_colours *colours, FILE *to, int *rc, struct err *err) {
    for (const char *end = at + n; at < end;) {
        size_t length = strcspn(at, ";");
        if (length > (size_t)(end - at)) length = (size_t)(end - at);
        const char *colon = memchr(at, ':', length), *name = at + strspn(at, " ");
        uint32_t colour;
        if (colon && (named(name, (size_t)(colon - name), "fill") || named(name, (size_t)(colon - name), "stroke"))
            && parse_colour(colon + 1, length - (size_t)(colon + 1 - at), &colour)) {
            if (!*rc) *rc = note_colour(colours, colour, err);
            fprintf(to, "%.*s:var(--k%06x)", (int)(colon - name), name, colour);
        } else fprintf(to, "%.*s", (int)length, at);
        at += length;
        if (at < end) putc(*at++, to);
    }
}

/* One attribute, from its name; returns where it ends. */
static const char *put_attribute(const char *at, const char *end, bool letters, const char *id, struct svg_colours *colours, FILE *to,
    int *rc, struct err *err) {
    const char *name = at;
    while (at < end && !strchr(" \t\r\n=", *at)) at++;
    size_t name_n = (size_t)(at - name);
    while (at < end && strchr(" \t\r\n", *at)) at++;
    if (at == end || *at != '=') return at; // gnuplot gives every attribute a value
    at++;
    while (at < end && strchr(" \t\r\n", *at)) at++;
    if (at == end || (*at != '"' && *at != '\'')) return end;
    const char *value = at + 1, *close = memchr(value, *at, (size_t)(end - value));
    if (!close) return end;
    size_t n = (size_t)(close - value);
    uint32_t colour;
    fprintf(to, " %.*s=\"", (int)(named(name, name_n, "xlink:href") ? 4 : name_n), named(name, name_n, "xlink:href") ? "href" : name);
    if ((named(name, name_n, "fill") || named(name, name_n, "stroke") || named(name, name_n, "color")) && parse_colour(value, n, &colour)) {
        colour |= letters ? LETTERS : 0;
        if (!*rc) *rc = note_colour(colours, colour, err);
        fprintf(to, "var(--%c%06x)", letters ? 't' : 'k', colour & 0xFFFFFF);
    } else if (named(name, name_n, "style")) put_style(value, n, colours, to, rc, err);
    else if (named(name, name_n, "id")) fprintf(to, "%s-%.*s", id, (int)n, value);
    else if (named(name, name_n, "xlink:href") && *value == '#') fprintf(to, "#%s-%.*s", id, (int)n - 1, value + 1);
    else if (n > 5 && !strncmp(value, "url(#", 5)) fprintf(to, "url(#%s-%.*s", id, (int)n - 5, value + 5);
    else if (named(name, name_n, "font-family")) fputs("Arial, 'Liberation Sans', Helvetica, sans-serif", to);
    else
        for (size_t i = 0; i < n; i++) value[i] == '"' ? (void)fputs("&quot;", to)
            : (void)putc((unsigned char)value[i] < ' ' ? ' ' : value[i], to);
    putc('"', to);
    return close + 1;
}

/* The tag between `<` and `>`: name and attributes. */
static int put_tag(const char *at, const char *end, const char *id, struct svg_colours *colours, FILE *to, struct err *err) {
    int rc = 0;
    bool letters = false;
    for (const char *c = at; c + 11 < end && !letters; c++) letters = !strncmp(c, "font-family", 11);
    const char *name = at;
    while (at < end && !strchr(" \t\r\n", *at)) at++;
    fprintf(to, "<%.*s", (int)(at - name), name);
    while (at < end) {
        if (strchr(" \t\r\n", *at)) at++;
        else if (*at == '/') at++, putc('/', to);
        else at = put_attribute(at, end, letters, id, colours, to, &rc, err);
    }
    putc('>', to);
    return rc;
}

static const char *skip_element(const char *at, const char *close) {
    const char *end = strstr(at, close);
    return end ? end + strlen(close) : at + strlen(at);
}

int svg_inline(const char *svg, const char *id, const char *alt, struct svg_colours *colours, FILE *to, struct err *err) {
    const char *at = strstr(svg, "<svg"), *end;
    int rc = 0;
    if (!at || !strstr(at, "</svg>") || !(end = strchr(at, '>'))) return err_set(err, "figure '%s' is no SVG", id);
    const char *box = strstr(at, "viewBox=\"");
    int box_n = box && box < end ? (int)strcspn(box + 9, "\"") : 0;
    fprintf(to, "<svg viewBox=\"%.*s\" role=\"img\" aria-label=\"", box_n ? box_n : 11, box_n ? box + 9 : "0 0 800 480");
    put_html(alt, to);
    fputs("\">", to);
    for (at = end + 1; !rc && *at;) {
        if (*at == '<') {
            if (!strncmp(at, "<title>", 7)) at = skip_element(at, "</title>");
            else if (!strncmp(at, "<desc>", 6)) at = skip_element(at, "</desc>");
            else if (!strncmp(at, "<!--", 4)) at = skip_element(at, "-->");
            else if (!strncmp(at, "<filter", 7)) at = skip_element(at, "</filter>"); // gnuplot's text boxes, which no figure has
            else if (!(end = strchr(at, '>'))) rc = err_set(err, "figure '%s' ends inside a tag", id);
            else {
                rc = put_tag(at + 1, end, id, colours, to, err);
                at = end + 1;
            }
        } else if (strchr("\r\n\t", *at)) at++;
        else putc(*at++, to);
    }
    putc('\n', to);
    return rc;
}
