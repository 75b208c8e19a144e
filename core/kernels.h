/* kernels.h - the inner loops of the CPU backend, chosen at run time by instruction set.
 *
 * Weights are repacked at load into TILES of 16 output rows side by side, so that a SIMD
 * lane is an output row and its sum runs over the inputs in one fixed order, whatever the
 * instruction set, the number of threads or the other rows of the pass (law 2).
 *
 *   float tile: [ 16 values of input 0 | input 1 | ... ], each in the file's own type
 *   quantized tile: blocks of 32 inputs in groups of 2, K types of 8, one stream:
 *     [ quants 0 | quants 1 | scales 0 | scales 1 | minima 0 | 1 ]   scales, minima: f16 x 16 rows; minima in Q4_1, Q5_1 only
 *     [ quants 0 ... 7 | bytes 0 ... 7 | scales | minima ]           bytes: a block's 16 scales and 16 minima, factors of the
 *                                                                    group's f16; in Q6_K scales of inputs 0..15 and 16..31
 *   quants of a block: four 64-byte vectors; vector j, lane r, byte i holds the low four bits of inputs
 *   4j + i (low nibble) and 16 + 4j + i (high) of output row r. Then what is above:
 *     5-bit: one vector, bit j of byte i in lane r for input 4j + i
 *     6-bit: two vectors, inputs 0..15 and 16..31, bits 2j and 2j + 1 for input 4j + i
 *   8-bit: eight vectors instead, vector j holds inputs 4j + i, stored with 128 added.
 *
 * Activations are rounded to int8 in blocks of 32 (scale max|x| / 127); products and sums
 * inside a block are exact integers. The rounding error of a block grows with its scale, and a
 * few blocks with outliers carry most of a row's error: blocks whose scale exceeds
 * FINE_ABOVE times the row's mean get a second int8 term for what the first left over. */
#ifndef CORE_KERNELS_H
#define CORE_KERNELS_H

#include <stddef.h>
#include <stdint.h>

enum { TILE = 16, QBLOCK = 32, ROWS_AT_ONCE = 12 };

/* 32 inputs of a row as int8. */
struct qblock {
    int8_t q[QBLOCK];
    float d;      // their scale
    float ds;     // d * sum: what a weight's minimum is multiplied by
    int32_t sum;  // of q
    float d2;     // scale of the second term, 0 without one
};

/* The second term of an outlier block. */
struct qfine {
    int8_t q[QBLOCK];
    float ds;
    int32_t sum;
};

/* Input rows of a product: as floats, (rows, cols), and for quantized weights as blocks, (cols / 32, rows): a
 * kernel meets the same block of all its rows side by side, so one pointer leads through everything. */
struct activation {
    const float *x;
    const struct qblock *q;
    const struct qfine *fine;
    int cols;
};

/* Chosen on SmolLM2 Q4_1 and the very trajectories its accuracy is quoted on, from 2.5, 1.5, 1.25 and 1.0:
 * 28, 20, 12 and 8 of 1,728 argmax differed from float; none at all: 37. Lower is finer and slower. */
#define FINE_ABOVE 1.25f

/* y[r * stride + 0..15] = tile . x[r] for r < rows <= ROWS_AT_ONCE. */
typedef void tile_kernel(const void *tile, const struct activation *a, int rows, float *y, size_t stride);

enum tile_kind {
    TILE_F32, TILE_F16, TILE_BF16,
    TILE_Q4_0, TILE_Q4_1, TILE_Q5_0, TILE_Q5_1, TILE_Q8_0, TILE_Q4_K, TILE_Q5_K, TILE_Q6_K, // int8 activations
    TILE_KINDS
};

/* Where things lie in a quantized tile. Groups are whole lines of 64 bytes. */
enum { TILE_4BIT = 256, TILE_5BIT = 320, TILE_6BIT = 384, TILE_8BIT = 512 }; // bytes of a block's quants
static inline size_t tile_quants(enum tile_kind kind) {
    if (kind == TILE_Q5_0 || kind == TILE_Q5_1 || kind == TILE_Q5_K) return TILE_5BIT;
    return kind == TILE_Q6_K ? TILE_6BIT : kind == TILE_Q8_0 ? TILE_8BIT : TILE_4BIT;
}
static inline int tile_minima(enum tile_kind kind) { return kind == TILE_Q4_1 || kind == TILE_Q5_1 || kind == TILE_Q4_K || kind == TILE_Q5_K; }
static inline int tile_blocks(enum tile_kind kind) { return kind >= TILE_Q4_K ? 8 : 2; } // a group
static inline size_t tile_group(enum tile_kind kind) { // bytes
    size_t scales = kind >= TILE_Q4_K ? 8 * 32 + 64 : tile_minima(kind) ? 128 : 64; // Q6_K: 32 of them unused
    return (size_t)tile_blocks(kind) * tile_quants(kind) + scales;
}
static inline size_t tile_bytes(enum tile_kind kind, int cols) {
    if (kind <= TILE_BF16) return (size_t)cols * TILE * (kind == TILE_F32 ? 4 : 2);
    int blocks = tile_blocks(kind);
    return (size_t)((cols / QBLOCK + blocks - 1) / blocks) * tile_group(kind);
}

struct kernels {
    const char *name;
    tile_kernel *tile[TILE_KINDS];
    /* n values (a multiple of 32) to int8 blocks, which lie `rows` apart in q and fine. */
    void (*quantize)(const float *x, int n, int rows, struct qblock *q, struct qfine *fine);
    void (*norm)(const float *x, const float *weight, int n, float eps, float *out); // RMS norm
    void (*gate)(const float *gate, const float *up, int n, float *out);             // silu(gate) * up
    void (*add)(float *x, const float *y, int n);                                    // x += y
    /* Scores of `heads` query heads that share one key head, against cells [0, n): out[h * stride
     * + c] = scale * q_h . k_c. Keys lie in groups of 16 cells: k[(c / 16) * dim * 16 + i * 16 + c % 16]. */
    void (*scores)(const float *q, int heads, const float *k, int dim, int n, float scale, float *out, size_t stride);
    /* In place: e^(s - max) over n scores; returns their sum. The array has room up to a multiple of 16. */
    float (*softmax)(float *s, int n);
    /* out[h * dim + i] = sum_c p[h * stride + c] * v[cell c][i]; cells: null for 0..n-1. With `more` the sum goes on from
     * what out holds; with `total` (null before the last piece) it ends: / total[h]. In pieces or whole, the bits are the same. */
    void (*mix)(const float *p, size_t stride, const float *total, int heads, const float *v, size_t v_stride,
                const int *cells, int n, int dim, float *out, int more);
    float (*max)(const float *x, int n);
    /* sum = sum_i e^(x_i - top), weighted = sum_i (x_i - top) e^(x_i - top). */
    void (*moments)(const float *x, int n, float top, float *sum, float *weighted);
};

/* The best set this machine runs, or the one named by the environment variable
 * BANDITSPEC_KERNELS (avx512-vnni, avx-vnni, avx2, neon-dotprod, neon, portable) if the machine runs it. */
const struct kernels *kernels_best(void);
/* By name; null when unknown or not supported here. kernels_name(i) lists them, null at the end. */
const struct kernels *kernels_find(const char *name);
const char *kernels_name(int i);

#endif
