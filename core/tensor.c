/* tensor.c - block layouts of ggml's types and their exact values.
 *
 * Layouts: ggml-org/ggml src/ggml-common.h (block_q4_0 ... block_q6_K).
 *   Q8_0  f16 d, 32 x int8            w = q d
 *   Q4_0  f16 d, 16 bytes             w = (q - 8) d
 *   Q4_1  f16 d, f16 m, 16 bytes      w = q d + m
 *   Q5_0  f16 d, 32 bits, 16 bytes         w = (q - 16) d
 *   Q5_1  f16 d, f16 m, 32 bits, 16 bytes  w = q d + m
 *   Q4_K, Q5_K  f16 d, f16 m, 8 x 6-bit s, 8 x 6-bit t, [32 bytes,] 128 bytes   w = q (s d) - t m
 *   Q6_K  128 bytes, 64 bytes, 16 x int8 s, f16 d                               w = (q - 32) (s d)
 * The low nibble of byte j is value j, the high one value j + 16; K blocks: quants.h.
 * Check: tests/golden/quants, values of the `gguf` package, bit for bit. */
#include "core/tensor.h"

#include <string.h>

#include "core/quants.h"
#include "core/reader.h"

static float float_of(uint32_t bits) {
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* IEEE binary16 to binary32: every half is a float, so this is exact. */
static float widen_f16(uint16_t h) {
    uint32_t sign = (uint32_t)(h & 0x8000) << 16, exponent = h >> 10 & 31, fraction = h & 0x3ff;
    if (exponent == 31) return float_of(sign | 0x7f800000 | fraction << 13); // infinity, NaN
    if (exponent) return float_of(sign | (exponent + 112) << 23 | fraction << 13); // 112 = 127 - 15
    float tiny = (float)fraction * 0x1p-24f; // zero, subnormals
    return sign ? -tiny : tiny;
}

static void dequantize_f32(const void *blocks, size_t n, float *out) {
    const unsigned char *b = blocks;
    for (size_t i = 0; i < n; i++) out[i] = le_f32(b + 4 * i);
}

static void dequantize_f16(const void *blocks, size_t n, float *out) {
    const unsigned char *b = blocks;
    for (size_t i = 0; i < n; i++) out[i] = widen_f16(le16(b + 2 * i));
}

static void dequantize_bf16(const void *blocks, size_t n, float *out) {
    const unsigned char *b = blocks;
    for (size_t i = 0; i < n; i++) out[i] = float_of((uint32_t)le16(b + 2 * i) << 16);
}

static void dequantize_q8_0(const void *blocks, size_t n, float *out) {
    const unsigned char *b = blocks;
    for (; n--; b += 34, out += 32) {
        float d = widen_f16(le16(b));
        for (int j = 0; j < 32; j++) out[j] = (float)(int8_t)b[2 + j] * d;
    }
}

static void dequantize_q4_0(const void *blocks, size_t n, float *out) {
    const unsigned char *b = blocks;
    for (; n--; b += 18, out += 32) {
        float d = widen_f16(le16(b));
        for (int j = 0; j < 16; j++) {
            out[j] = (float)((b[2 + j] & 15) - 8) * d;
            out[j + 16] = (float)((b[2 + j] >> 4) - 8) * d;
        }
    }
}

static void dequantize_q4_1(const void *blocks, size_t n, float *out) {
    const unsigned char *b = blocks;
    for (; n--; b += 20, out += 32) {
        float d = widen_f16(le16(b)), m = widen_f16(le16(b + 2));
        for (int j = 0; j < 16; j++) { // two roundings, as the reference: no fused multiply-add
            out[j] = (float)(b[4 + j] & 15) * d + m;
            out[j + 16] = (float)(b[4 + j] >> 4) * d + m;
        }
    }
}

static void dequantize_q5_0(const void *blocks, size_t n, float *out) {
    const unsigned char *b = blocks;
    for (; n--; b += 22, out += 32) {
        float d = widen_f16(le16(b));
        uint8_t q[32];
        quants_5(b + 6, b + 2, q);
        for (int j = 0; j < 32; j++) out[j] = (float)(q[j] - 16) * d;
    }
}

static void dequantize_q5_1(const void *blocks, size_t n, float *out) {
    const unsigned char *b = blocks;
    for (; n--; b += 24, out += 32) {
        float d = widen_f16(le16(b)), m = widen_f16(le16(b + 2));
        uint8_t q[32];
        quants_5(b + 8, b + 4, q);
        for (int j = 0; j < 32; j++) out[j] = (float)q[j] * d + m;
    }
}

/* s d and t m are exact: 6 bits times 11. */
static void dequantize_k(const unsigned char *b, void (*quants)(const uint8_t *, int, uint8_t *), float *out) {
    float d = widen_f16(le16(b)), m = widen_f16(le16(b + 2));
    for (int i = 0; i < K_SUBS; i++, out += 32) {
        uint8_t q[32], scale, minimum;
        quants(b, i, q);
        k_scale(b, i, &scale, &minimum);
        float step = d * scale, least = m * minimum;
        for (int j = 0; j < 32; j++) out[j] = step * q[j] - least;
    }
}

static void dequantize_q4_k(const void *blocks, size_t n, float *out) {
    for (const unsigned char *b = blocks; n--; b += 144, out += K_VALUES) dequantize_k(b, quants_4k, out);
}

static void dequantize_q5_k(const void *blocks, size_t n, float *out) {
    for (const unsigned char *b = blocks; n--; b += 176, out += K_VALUES) dequantize_k(b, quants_5k, out);
}

static void dequantize_q6_k(const void *blocks, size_t n, float *out) {
    for (const unsigned char *b = blocks; n--; b += 210)
        for (int i = 0; i < K_SUBS; i++, out += 32) {
            float d = widen_f16(le16(b + Q6_K_D));
            uint8_t q[32];
            quants_6k(b, i, q);
            for (int j = 0; j < 32; j++) out[j] = d * (float)(int8_t)b[Q6_K_SCALES + 2 * i + j / 16] * (float)(q[j] - 32);
        }
}

const struct tensor_layout *tensor_layout(uint32_t type) {
    static const struct tensor_layout layouts[] = {
        [TENSOR_F32] = {"F32", 1, 4, dequantize_f32},       [TENSOR_F16] = {"F16", 1, 2, dequantize_f16},
        [TENSOR_Q4_0] = {"Q4_0", 32, 18, dequantize_q4_0},  [TENSOR_Q4_1] = {"Q4_1", 32, 20, dequantize_q4_1},
        [TENSOR_Q5_0] = {"Q5_0", 32, 22, dequantize_q5_0},  [TENSOR_Q5_1] = {"Q5_1", 32, 24, dequantize_q5_1},
        [TENSOR_Q8_0] = {"Q8_0", 32, 34, dequantize_q8_0},  [TENSOR_BF16] = {"BF16", 1, 2, dequantize_bf16},
        [TENSOR_Q4_K] = {"Q4_K", K_VALUES, 144, dequantize_q4_k},
        [TENSOR_Q5_K] = {"Q5_K", K_VALUES, 176, dequantize_q5_k},
        [TENSOR_Q6_K] = {"Q6_K", K_VALUES, 210, dequantize_q6_k},
    };
    if (type >= sizeof layouts / sizeof *layouts || !layouts[type].name) return NULL;
    return &layouts[type];
}

const char *tensor_type_name(uint32_t type) {
    static const char *const strangers[] = { // ggml.h, enum ggml_type
        [9] = "Q8_1", [10] = "Q2_K", [11] = "Q3_K", [15] = "Q8_K", [16] = "IQ2_XXS", [17] = "IQ2_XS", [18] = "IQ3_XXS", [19] = "IQ1_S",
        [20] = "IQ4_NL", [21] = "IQ3_S", [22] = "IQ2_S", [23] = "IQ4_XS", [TENSOR_I8] = "I8", [TENSOR_I16] = "I16", [TENSOR_I32] = "I32",
        [TENSOR_I64] = "I64", [TENSOR_F64] = "F64", [29] = "IQ1_M",
    };
    const struct tensor_layout *l = tensor_layout(type);
    if (l) return l->name;
    return type < sizeof strangers / sizeof *strangers && strangers[type] ? strangers[type] : "unknown";
}

void tensor_row(const struct tensor *t, uint64_t row, float *out) {
    const struct tensor_layout *l = tensor_layout(t->type);
    size_t blocks = (size_t)(t->ne[0] / (uint64_t)l->block);
    l->dequantize((const unsigned char *)t->data + row * blocks * (size_t)l->bytes, blocks, out);
}
