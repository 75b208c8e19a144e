/* quants.h - the integers inside ggml's 5-bit and K blocks, before any scale.
 *
 * Layouts: ggml-org/ggml src/ggml-common.h (block_q5_0 ... block_q6_K). A K block holds 256
 * values: eight sub-blocks of 32, whose scales and minima are integers times those of the
 * block. Used by tensor.c (values) and tile.c (tiles of the CPU backend). */
#ifndef CORE_QUANTS_H
#define CORE_QUANTS_H

#include <stdint.h>

enum { K_VALUES = 256, K_SUBS = 8 };

/* Where things lie in a K block, in bytes. Q6_K ends with 16 int8 scales and its f16 scale. */
enum { K45_SCALES = 4, Q4_K_QUANTS = 16, Q5_K_HIGH = 16, Q5_K_QUANTS = 48, Q6_K_HIGH = 128, Q6_K_SCALES = 192, Q6_K_D = 208 };

/* 32 values below 32: byte j holds the low bits of values j and j + 16, bit v of `high` the fifth of value v. */
static inline void quants_5(const uint8_t *nibbles, const uint8_t *high, uint8_t q[32]) {
    for (int v = 0; v < 32; v++) q[v] = (uint8_t)((nibbles[v % 16] >> v / 16 * 4 & 15) | (high[v / 8] >> v % 8 & 1) << 4);
}

/* Sub-block i of Q4_K and Q5_K: nibbles of 32 bytes shared by two neighbours; bit i of high byte v. */
static inline void quants_4k(const uint8_t *block, int i, uint8_t q[32]) {
    for (int v = 0; v < 32; v++) q[v] = block[Q4_K_QUANTS + i / 2 * 32 + v] >> i % 2 * 4 & 15;
}
static inline void quants_5k(const uint8_t *block, int i, uint8_t q[32]) {
    for (int v = 0; v < 32; v++)
        q[v] = (uint8_t)((block[Q5_K_QUANTS + i / 2 * 32 + v] >> i % 2 * 4 & 15) | (block[Q5_K_HIGH + v] >> i & 1) << 4);
}

/* Sub-block i of Q6_K, stored with 32 added: each half of the block has 64 bytes of nibbles and
 * 32 of high bits, two a sub-block. */
static inline void quants_6k(const uint8_t *block, int i, uint8_t q[32]) {
    const uint8_t *low = block + i / 4 * 64 + i % 2 * 32, *high = block + Q6_K_HIGH + i / 4 * 32;
    for (int v = 0; v < 32; v++) q[v] = (uint8_t)((low[v] >> i % 4 / 2 * 4 & 15) | (high[v] >> i % 4 * 2 & 3) << 4);
}

/* The 6-bit scale and minimum of sub-block i of Q4_K and Q5_K, packed into 12 bytes. */
static inline void k_scale(const uint8_t *block, int i, uint8_t *scale, uint8_t *minimum) {
    const uint8_t *s = block + K45_SCALES;
    *scale = i < 4 ? s[i] & 63 : (uint8_t)((s[i + 4] & 15) | s[i - 4] >> 6 << 4);
    *minimum = i < 4 ? s[i + 4] & 63 : (uint8_t)(s[i + 4] >> 4 | s[i] >> 6 << 4);
}

#endif
