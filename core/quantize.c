/* quantize.c - see quantize.h. */
#include "core/quantize.h"

#include <math.h>
#include <string.h>

#include "core/mem.h"

enum { BLOCK = 32 };

uint16_t narrow_f16(float x) {
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    uint16_t sign = (uint16_t)(bits >> 16 & 0x8000);
    uint32_t size = bits & 0x7fffffff;
    if (size > 0x7f800000) return sign | 0x7e00;  // NaN
    if (size >= 0x477ff000) return sign | 0x7c00; // 65520 and above round to infinity
    if (size < 0x38800000) // below 2^-14: subnormal, in steps of 2^-24
        return sign | (uint16_t)lrintf(fabsf(x) * 0x1p24f);
    uint32_t rounded = size + 0xfff + (size >> 13 & 1); // 13 bits go
    return sign | (uint16_t)((rounded >> 13) - (112 << 10));
}

/* 0 where 1 / d overflows: as an f16 the scale is 0 long before. */
static float inverse_of(float d) { return fabsf(d) > 0x1p-100f ? 1 / d : 0; }

static void put_scale(float d, unsigned char *block) {
    uint16_t h = narrow_f16(d);
    block[0] = (unsigned char)h, block[1] = (unsigned char)(h >> 8);
}

void quantize_q8_0(const float *x, unsigned char *block) {
    float most = 0;
    for (int i = 0; i < BLOCK; i++) most = fmaxf(most, fabsf(x[i]));
    float d = most / 127, inverse = inverse_of(d);
    put_scale(d, block);
    for (int i = 0; i < BLOCK; i++) block[2 + i] = (unsigned char)(int8_t)roundf(x[i] * inverse);
}

void quantize_q4_0(const float *x, unsigned char *block) {
    float most = 0, m = 0;
    for (int i = 0; i < BLOCK; i++)
        if (fabsf(x[i]) > most) most = fabsf(x[i]), m = x[i];
    float d = m / -8, inverse = inverse_of(d);
    put_scale(d, block);
    for (int i = 0; i < BLOCK / 2; i++) {
        int low = (int)(x[i] * inverse + 8.5f), high = (int)(x[i + BLOCK / 2] * inverse + 8.5f);
        block[2 + i] = (unsigned char)((low > 15 ? 15 : low) | (high > 15 ? 15 : high) << 4);
    }
}

int tensor_quantize(const struct tensor *t, uint32_t type, struct tensor *out, struct err *err) {
    const struct tensor_layout *l = tensor_layout(type);
    size_t cols = (size_t)t->ne[0], rows = (size_t)t->ne[1], row_bytes = cols / BLOCK * (size_t)l->bytes;
    unsigned char *to = mem_alloc(rows, row_bytes, "a quantized matrix", err);
    float *x = to ? mem_alloc(cols, sizeof *x, "a row", err) : NULL;
    if (!x) {
        mem_free(to);
        return -1;
    }
    for (size_t r = 0; r < rows; r++) {
        tensor_row(t, r, x);
        size_t bad = 0;
        while (bad < cols && isfinite(x[bad])) bad++;
        if (bad < cols) {
            err_set(err, "tensor '%.*s' holds %g at row %zu, column %zu, expected finite numbers", t->name_n > 64 ? 64 : (int)t->name_n, t->name, x[bad], r, bad);
            mem_free(to), mem_free(x);
            return -1;
        }
        for (size_t b = 0; b < cols / BLOCK; b++)
            (type == TENSOR_Q8_0 ? quantize_q8_0 : quantize_q4_0)(x + b * BLOCK, to + r * row_bytes + b * (size_t)l->bytes);
    }
    mem_free(x);
    *out = *t;
    out->type = type, out->data = to, out->bytes = rows * row_bytes;
    return 0;
}
