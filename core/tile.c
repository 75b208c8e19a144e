/* tile.c - a tensor's row as one lane of a tile. Blocks: tensor.c and quants.h; tiles: kernels.h.
 *
 * Nothing is rounded: integers and f16 scales go over as they are. Bytes for 256 weights, file
 * and tile: Q5_0 176, 176; Q5_1 192, 192; Q4_K 144, 148 (scales and minima take a byte each,
 * not 6 bits); Q5_K 176, 180; Q6_K 210, 212. */
#include "core/tile.h"

#include <string.h>

#include "core/quants.h"
#include "core/tensor.h"

int tile_kind(uint32_t type) {
    switch (type) {
    case TENSOR_F32: return TILE_F32;
    case TENSOR_F16: return TILE_F16;
    case TENSOR_BF16: return TILE_BF16;
    case TENSOR_Q4_0: return TILE_Q4_0;
    case TENSOR_Q4_1: return TILE_Q4_1;
    case TENSOR_Q5_0: return TILE_Q5_0;
    case TENSOR_Q5_1: return TILE_Q5_1;
    case TENSOR_Q8_0: return TILE_Q8_0;
    case TENSOR_Q4_K: return TILE_Q4_K;
    case TENSOR_Q5_K: return TILE_Q5_K;
    case TENSOR_Q6_K: return TILE_Q6_K;
    default: return -1;
    }
}

/* Block i of the group at `to`: 32 values below 16, 32 or 64. */
static void pack_quants(enum tile_kind kind, const uint8_t q[QBLOCK], uint8_t *to, int lane) {
    to += lane * 4;
    for (int v = 0; v < 16; v++) to[v / 4 * 64 + v % 4] = (uint8_t)((q[v] & 15) | (q[v + 16] & 15) << 4);
    for (int v = 0; v < 32 && tile_quants(kind) == TILE_5BIT; v++) to[256 + v % 4] |= (uint8_t)(q[v] >> 4 << v / 4);
    for (int v = 0; v < 32 && tile_quants(kind) == TILE_6BIT; v++) to[256 + v / 16 * 64 + v % 4] |= (uint8_t)(q[v] >> 4 << v % 16 / 4 * 2);
}

/* One block of 32 with scales of its own. */
static void pack_block(enum tile_kind kind, const uint8_t *from, uint8_t *group, int i, int lane) {
    uint8_t *to = group + (size_t)i * tile_quants(kind), *scale = group + 2 * tile_quants(kind) + (i * TILE + lane) * 2, q[QBLOCK];
    memcpy(scale, from, 2);
    from += 2;
    if (tile_minima(kind)) {
        memcpy(scale + 2 * TILE * 2, from, 2);
        from += 2;
    }
    if (kind == TILE_Q8_0) {
        for (int v = 0; v < 32; v++) to[v / 4 * 64 + lane * 4 + v % 4] = from[v] ^ 0x80; // + 128
        return;
    }
    if (tile_quants(kind) == TILE_5BIT)
        quants_5(from + 4, from, q);
    else
        for (int v = 0; v < 32; v++) q[v] = from[v % 16] >> v / 16 * 4 & 15;
    pack_quants(kind, q, to, lane);
}

/* A K block: a whole group. */
static void pack_k(enum tile_kind kind, const uint8_t *from, uint8_t *group, int lane) {
    uint8_t *scales = group + K_SUBS * tile_quants(kind), *ends = scales + K_SUBS * 2 * TILE + lane * 2, q[QBLOCK];
    for (int i = 0; i < K_SUBS; i++) {
        uint8_t *first = scales + (i * 2) * TILE + lane, *second = first + TILE;
        if (kind == TILE_Q6_K) {
            quants_6k(from, i, q);
            *first = from[Q6_K_SCALES + 2 * i], *second = from[Q6_K_SCALES + 2 * i + 1];
        } else {
            (kind == TILE_Q4_K ? quants_4k : quants_5k)(from, i, q);
            k_scale(from, i, first, second);
        }
        pack_quants(kind, q, group + (size_t)i * tile_quants(kind), lane);
    }
    memcpy(ends, kind == TILE_Q6_K ? from + Q6_K_D : from, 2);
    if (tile_minima(kind)) memcpy(ends + TILE * 2, from + 2, 2);
}

void tile_pack_row(enum tile_kind kind, const uint8_t *from, int item, uint8_t *tile, int cols, int lane) {
    if (kind <= TILE_BF16) {
        for (int k = 0; k < cols; k++) memcpy(tile + ((size_t)k * TILE + lane) * item, from + (size_t)k * item, item);
        return;
    }
    if (tile_blocks(kind) == K_SUBS) {
        for (int g = 0; g < cols / K_VALUES; g++) pack_k(kind, from + (size_t)g * item, tile + (size_t)g * tile_group(kind), lane);
        return;
    }
    for (int b = 0; b < cols / QBLOCK; b++) pack_block(kind, from + (size_t)b * item, tile + (size_t)(b / 2) * tile_group(kind), b % 2, lane);
}
