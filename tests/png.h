/* png.h - the pixels of a PNG file of 8-bit RGB or RGBA without interlacing, as gnuplot's cairo terminal writes them (PNG specification,
 * second edition). For tests: anything else fails the test. */
#ifndef TESTS_PNG_H
#define TESTS_PNG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

struct png {
    int w, h;
    uint8_t *rgb; // (h, w, 3), on white
};

static inline uint32_t png_number(const uint8_t *at) { return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3]; }

/* Section 9.4. */
static inline int png_paeth(int a, int b, int c) {
    int p = a + b - c, pa = abs(p - a), pb = abs(p - b), pc = abs(p - c);
    return pa <= pb && pa <= pc ? a : pb <= pc ? b : c;
}

static inline void png_unfilter(uint8_t *row, const uint8_t *above, size_t n, size_t step, int filter) {
    for (size_t i = 0; i < n; i++) {
        int a = i >= step ? row[i - step] : 0, b = above ? above[i] : 0, c = above && i >= step ? above[i - step] : 0;
        row[i] = (uint8_t)(row[i] + (filter == 1 ? a : filter == 2 ? b : filter == 3 ? (a + b) / 2 : filter == 4 ? png_paeth(a, b, c) : 0));
    }
}

static inline struct png png_read(const char *path) {
    struct png p = {0};
    FILE *f = fopen(path, "rb");
    if (!f) fail_msg("'%s' is missing", path);
    uint8_t *file = malloc(1 << 24), *packed = malloc(1 << 24);
    size_t size = fread(file, 1, 1 << 24, f), n = 0, step = 0;
    fclose(f);
    assert_true(size > 8 && !memcmp(file, "\x89PNG\r\n\x1a\n", 8));
    for (size_t at = 8; at + 12 <= size; at += 12 + png_number(file + at)) {
        size_t length = png_number(file + at);
        assert_true(at + 12 + length <= size);
        if (!memcmp(file + at + 4, "IHDR", 4)) {
            p.w = (int)png_number(file + at + 8), p.h = (int)png_number(file + at + 12);
            assert_int_equal(file[at + 16], 8);
            assert_true(file[at + 17] == 2 || file[at + 17] == 6);
            step = file[at + 17] == 2 ? 3 : 4;
            assert_int_equal(file[at + 20], 0);
        } else if (!memcmp(file + at + 4, "IDAT", 4)) memcpy(packed + n, file + at + 8, length), n += length;
    }
    uLongf bytes = (uLongf)p.h * (uLongf)((size_t)p.w * step + 1);
    uint8_t *raw = malloc(bytes), *above = NULL;
    assert_int_equal(uncompress(raw, &bytes, packed, n), Z_OK);
    p.rgb = malloc((size_t)p.w * (size_t)p.h * 3);
    for (int y = 0; y < p.h; y++) {
        uint8_t *row = raw + (size_t)y * ((size_t)p.w * step + 1);
        png_unfilter(row + 1, above, (size_t)p.w * step, step, row[0]);
        above = row + 1;
        for (int x = 0; x < p.w; x++)
            for (int c = 0; c < 3; c++) {
                int alpha = step == 4 ? above[(size_t)x * 4 + 3] : 255;
                p.rgb[((size_t)y * (size_t)p.w + (size_t)x) * 3 + (size_t)c] = (uint8_t)((above[(size_t)x * step + (size_t)c] * alpha + 255 * (255 - alpha)) / 255);
            }
    }
    free(raw), free(file), free(packed);
    return p;
}

static inline void png_free(struct png *p) { free(p->rgb); }

/* Share of pixels of [x0, x1) x [y0, y1) that are coloured: neither white nor grey nor black. */
static inline double png_colour(const struct png *p, int x0, int y0, int x1, int y1) {
    long coloured = 0, all = 0;
    for (int y = y0 < 0 ? 0 : y0; y < y1 && y < p->h; y++)
        for (int x = x0 < 0 ? 0 : x0; x < x1 && x < p->w; x++, all++) {
            const uint8_t *c = p->rgb + ((size_t)y * (size_t)p->w + (size_t)x) * 3;
            int most = c[0] > c[1] ? c[0] : c[1], least = c[0] < c[1] ? c[0] : c[1];
            most = c[2] > most ? c[2] : most, least = c[2] < least ? c[2] : least;
            coloured += most - least > 24;
        }
    return all ? (double)coloured / (double)all : 0;
}

/* Share of pixels of [x0, x1) x [y0, y1) that are no white. */
static inline double png_ink(const struct png *p, int x0, int y0, int x1, int y1) {
    long ink = 0, all = 0;
    for (int y = y0 < 0 ? 0 : y0; y < y1 && y < p->h; y++)
        for (int x = x0 < 0 ? 0 : x0; x < x1 && x < p->w; x++, all++) {
            const uint8_t *c = p->rgb + ((size_t)y * (size_t)p->w + (size_t)x) * 3;
            ink += c[0] < 250 || c[1] < 250 || c[2] < 250;
        }
    return all ? (double)ink / (double)all : 0;
}

#endif
