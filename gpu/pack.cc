/* pack.cc - see pack.h. Blocks of the file: core/tensor.c and core/quants.h. Nothing is rounded. */
#include "gpu/pack.h"

#include <string.h>

extern "C" {
#include "core/quants.h"
#include "core/tensor.h"
}

static const struct { const char *name; int units; size_t bytes; } kinds[PACK_KINDS] = {
    {"F32", 0, 4}, {"F16", 0, 2}, {"BF16", 0, 2}, {"Q4_0", 1, PACK_BYTES_Q4_0}, {"Q4_1", 1, PACK_BYTES_Q4_1}, {"Q8_0", 1, PACK_BYTES_Q8_0},
    {"Q8_M", 1, PACK_BYTES_Q8_M}, {"Q4_K", PACK_SUPER, PACK_BYTES_Q4_K}, {"Q6_K", PACK_SUPER, PACK_BYTES_Q6_K},
};

int pack_kind(uint32_t type) {
    switch (type) {
    case TENSOR_F32: return PACK_F32;
    case TENSOR_F16: return PACK_F16;
    case TENSOR_BF16: return PACK_BF16;
    case TENSOR_Q4_0: return PACK_Q4_0;
    case TENSOR_Q4_1: return PACK_Q4_1;
    case TENSOR_Q5_0: case TENSOR_Q8_0: return PACK_Q8_0;
    case TENSOR_Q5_1: case TENSOR_Q5_K: return PACK_Q8_M;
    case TENSOR_Q4_K: return PACK_Q4_K;
    case TENSOR_Q6_K: return PACK_Q6_K;
    default: return -1;
    }
}

const char *pack_name(int kind) { return kinds[kind].name; }

size_t pack_tile_bytes(int kind, int cols) {
    return (size_t)(cols / (PACK_UNIT * kinds[kind].units)) * kinds[kind].bytes;
}

size_t pack_bytes(int kind, int rows, int cols) {
    if (kind <= PACK_BF16) return (size_t)rows * (size_t)cols * kinds[kind].bytes;
    return (size_t)((rows + PACK_ROWS - 1) / PACK_ROWS) * pack_tile_bytes(kind, cols);
}

static float widen(const uint8_t *half) { // exact: by way of the file's own conversion
    float out;
    tensor_layout(TENSOR_F16)->dequantize(half, 1, &out);
    return out;
}

static void put_nibbles(const uint8_t q[32], uint8_t *to) {
    for (int j = 0; j < 16; j++) to[j] = (uint8_t)((q[j] & 15) | (q[j + 16] & 15) << 4);
}

/* 32 bytes of a lane in two planes. */
static void put_bytes(const uint8_t q[32], uint8_t *unit, int lane) {
    memcpy(unit + lane * 16, q, 16);
    memcpy(unit + 512 + lane * 16, q + 16, 16);
}

static void put_q8_m(const uint8_t q[32], float scale, float minimum, uint8_t *unit, int lane) {
    const float pair[2] = {scale, minimum};
    put_bytes(q, unit, lane);
    memcpy(unit + 1024 + lane * 8, pair, 8);
}

/* A block of 32 with scales of its own. */
static void pack_block(uint32_t type, const uint8_t *from, uint8_t *unit, int lane) {
    uint8_t q[32];
    switch (type) {
    case TENSOR_Q4_0:
        memcpy(unit + lane * 16, from + 2, 16);
        memcpy(unit + 512 + lane * 2, from, 2);
        break;
    case TENSOR_Q4_1:
        memcpy(unit + lane * 16, from + 4, 16);
        memcpy(unit + 512 + lane * 4, from, 4);
        break;
    case TENSOR_Q8_0:
        put_bytes(from + 2, unit, lane);
        memcpy(unit + 1024 + lane * 2, from, 2);
        break;
    case TENSOR_Q5_0:
        quants_5(from + 6, from + 2, q);
        for (int v = 0; v < 32; v++) q[v] = (uint8_t)(q[v] - 16);
        put_bytes(q, unit, lane);
        memcpy(unit + 1024 + lane * 2, from, 2);
        break;
    case TENSOR_Q5_1:
        quants_5(from + 8, from + 4, q);
        put_q8_m(q, widen(from), widen(from + 2), unit, lane);
        break;
    }
}

static void pack_q4_k(const uint8_t *from, uint8_t *to, int lane) {
    memcpy(to + lane * 16, from, 16);
    for (int i = 0; i < K_SUBS; i++) {
        uint8_t q[32];
        quants_4k(from, i, q);
        put_nibbles(q, to + 512 + i * 512 + lane * 16);
    }
}

static void pack_q5_k(const uint8_t *from, uint8_t *to, int lane) {
    for (int i = 0; i < K_SUBS; i++) {
        uint8_t q[32], scale, minimum;
        quants_5k(from, i, q);
        k_scale(from, i, &scale, &minimum);
        put_q8_m(q, widen(from) * scale, -(widen(from + 2) * minimum), to + (size_t)i * PACK_BYTES_Q8_M, lane);
    }
}

static void pack_q6_k(const uint8_t *from, uint8_t *to, int lane) {
    for (int i = 0; i < K_SUBS; i++) {
        uint8_t q[32], *high = to + 4096 + i * 256 + lane * 8;
        quants_6k(from, i, q);
        put_nibbles(q, to + i * 512 + lane * 16);
        for (int v = 0; v < 32; v++) high[v / 16 * 4 + v % 4] |= (uint8_t)(q[v] >> 4 << v % 16 / 4 * 2);
    }
    memcpy(to + 6144 + lane * 16, from + Q6_K_SCALES, 16);
    memcpy(to + 6656 + lane * 2, from + Q6_K_D, 2);
}

static void pack_k(uint32_t type, const uint8_t *from, uint8_t *to, int lane) {
    if (type == TENSOR_Q4_K) pack_q4_k(from, to, lane);
    if (type == TENSOR_Q5_K) pack_q5_k(from, to, lane);
    if (type == TENSOR_Q6_K) pack_q6_k(from, to, lane);
}

void pack_tile(uint32_t type, const uint8_t *data, int rows, int cols, int tile, uint8_t *to) {
    const struct tensor_layout *l = tensor_layout(type);
    const int kind = pack_kind(type), blocks = cols / l->block;
    const size_t step = kinds[kind].bytes * (size_t)(l->block / (PACK_UNIT * kinds[kind].units)); // Q5_K: eight units a block
    for (int lane = 0; lane < PACK_ROWS && tile * PACK_ROWS + lane < rows; lane++) {
        const uint8_t *row = data + (size_t)(tile * PACK_ROWS + lane) * (size_t)blocks * (size_t)l->bytes;
        for (int b = 0; b < blocks; b++, row += l->bytes)
            (l->block == K_VALUES ? pack_k : pack_block)(type, row, to + (size_t)b * step, lane);
    }
}
