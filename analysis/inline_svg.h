/* inline_svg.h - gnuplot's SVG as a part of a page.
 *
 * A stand-alone picture on white becomes one that takes the page's colours: every colour is a custom property, so that the page's style
 * sheet can say what it is on a dark ground; ids are made the figure's own; what gnuplot says about itself is dropped. */
#ifndef ANALYSIS_INLINE_SVG_H
#define ANALYSIS_INLINE_SVG_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "core/err.h"

/* Colours met so far, as 0xRRGGBB, with 1 << 24 set where they colour letters. */
struct svg_colours {
    uint32_t *at; // (n), owned
    size_t n, room;
};

/* Writes `svg` with the accessible name `alt` and ids that begin with `id`. A text that is no SVG is an error. */
int svg_inline(const char *svg, const char *id, const char *alt, struct svg_colours *colours, FILE *to, struct err *err);

/* The rules that give the properties their values: as drawn, and on a dark ground (under `@media screen and (prefers-color-scheme: dark)`).
 * Grey is turned over, and so are tints and shades of the figures' palette; letters are darkened or lightened until they have a contrast of
 * 4.5 to the ground (WCAG 2.2, 1.4.3). */
void svg_colours_css(const struct svg_colours *colours, uint32_t light_ground, uint32_t dark_ground, FILE *to);
void svg_colours_close(struct svg_colours *colours);

/* Contrast of two colours, 1 to 21 (WCAG 2.2). Check: black on white 21, #777777 on white 4.48. */
double svg_contrast(uint32_t a, uint32_t b);

#endif
