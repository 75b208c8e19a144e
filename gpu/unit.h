/* unit.h - a lane's 32 weights of a tile (pack.h), out of their packing: as integers and their scales. */
#ifndef GPU_UNIT_H
#define GPU_UNIT_H

#include "gpu/launch.h"
#include "gpu/pack.h"

struct unit {
    int v[8];        // four values each, in order; signed bytes
    float d0, d1, m; // scale of values 0..15 and 16..31 (equal but in Q6_K); what is added to each value
};

/* What is subtracted from the integers before they are scaled. */
template <int KIND> static __device__ __forceinline__ constexpr int unit_offset() { return KIND == PACK_Q4_0 ? 8 : KIND == PACK_Q6_K ? 32 : 0; }
template <int KIND> static __device__ __forceinline__ constexpr bool unit_adds() { return KIND == PACK_Q4_1 || KIND == PACK_Q8_M || KIND == PACK_Q4_K; }

static __device__ __forceinline__ float half_of(unsigned bits) { return __half2float(__ushort_as_half((unsigned short)bits)); }

static __device__ __forceinline__ void open_nibbles(uint4 w, int v[8]) {
    const unsigned word[4] = {w.x, w.y, w.z, w.w};
#pragma unroll
    for (int i = 0; i < 4; i++) v[i] = (int)(word[i] & 0x0f0f0f0fu), v[4 + i] = (int)(word[i] >> 4 & 0x0f0f0f0fu);
}

static __device__ __forceinline__ void open_bytes(uint4 a, uint4 b, int v[8]) {
    v[0] = (int)a.x, v[1] = (int)a.y, v[2] = (int)a.z, v[3] = (int)a.w, v[4] = (int)b.x, v[5] = (int)b.y, v[6] = (int)b.z, v[7] = (int)b.w;
}

/* Every weight is used once a pass: evict first. */
static __device__ __forceinline__ uint4 stream16(const uint8_t *p) { return __ldcs((const uint4 *)p); }

template <int KIND> static __device__ __forceinline__ struct unit unit_load(const uint8_t *tile, int u, int lane) {
    struct unit w;
    w.m = 0;
    if (KIND == PACK_Q4_0 || KIND == PACK_Q4_1) {
        const uint8_t *p = tile + (size_t)u * (KIND == PACK_Q4_0 ? PACK_BYTES_Q4_0 : PACK_BYTES_Q4_1);
        open_nibbles(stream16(p + lane * 16), w.v);
        if (KIND == PACK_Q4_0) {
            w.d0 = half_of(__ldcs((const unsigned short *)(p + 512) + lane));
        } else {
            unsigned both = __ldcs((const unsigned *)(p + 512) + lane);
            w.d0 = half_of(both & 0xffffu), w.m = half_of(both >> 16);
        }
        w.d1 = w.d0;
    } else if (KIND == PACK_Q8_0 || KIND == PACK_Q8_M) {
        const uint8_t *p = tile + (size_t)u * (KIND == PACK_Q8_0 ? PACK_BYTES_Q8_0 : PACK_BYTES_Q8_M);
        open_bytes(stream16(p + lane * 16), stream16(p + 512 + lane * 16), w.v);
        if (KIND == PACK_Q8_0) {
            w.d0 = half_of(__ldcs((const unsigned short *)(p + 1024) + lane));
        } else {
            float2 both = __ldcs((const float2 *)(p + 1024) + lane);
            w.d0 = both.x, w.m = both.y;
        }
        w.d1 = w.d0;
    } else if (KIND == PACK_Q4_K) {
        const uint8_t *p = tile + (size_t)(u / PACK_SUPER) * PACK_BYTES_Q4_K;
        const int i = u % PACK_SUPER, j = 8 * (i % 4);
        open_nibbles(stream16(p + 512 + i * 512 + lane * 16), w.v);
        const uint4 head = __ldg((const uint4 *)p + lane); // shared by the block's eight units
        const unsigned scale = i < 4 ? head.y >> j & 63 : (head.w >> j & 15) | (head.y >> (j + 6) & 3) << 4;
        const unsigned least = i < 4 ? head.z >> j & 63 : (head.w >> (j + 4) & 15) | (head.z >> (j + 6) & 3) << 4;
        w.d0 = w.d1 = __fmul_rn(half_of(head.x & 0xffffu), (float)scale); // exact: 11 bits by 6
        w.m = -__fmul_rn(half_of(head.x >> 16), (float)least);
    } else {
        const uint8_t *p = tile + (size_t)(u / PACK_SUPER) * PACK_BYTES_Q6_K;
        const int i = u % PACK_SUPER;
        open_nibbles(stream16(p + i * 512 + lane * 16), w.v);
        const uint2 high = __ldcs((const uint2 *)(p + 4096 + i * 256) + lane);
#pragma unroll
        for (int j = 0; j < 4; j++) {
            w.v[j] |= (int)((high.x >> 2 * j & 0x03030303u) << 4);
            w.v[4 + j] |= (int)((high.y >> 2 * j & 0x03030303u) << 4);
        }
        const unsigned factors = __ldg((const unsigned short *)(p + 6144 + lane * 16) + i);
        const float d = half_of(__ldg((const unsigned short *)(p + 6656) + lane));
        w.d0 = __fmul_rn(d, (float)(signed char)(factors & 0xff)); // exact: 11 bits by 7
        w.d1 = __fmul_rn(d, (float)(signed char)(factors >> 8));
    }
    return w;
}

#endif
