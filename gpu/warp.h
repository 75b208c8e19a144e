/* warp.h - sums and maxima over a warp or a block, in one fixed order: every lane gets the same bits. */
#ifndef GPU_WARP_H
#define GPU_WARP_H

#include "gpu/launch.h"

static constexpr int WARP = 32;
static constexpr unsigned ALL_LANES = 0xffffffffu;

static __device__ __forceinline__ float warp_sum(float v) {
    for (int o = WARP / 2; o; o >>= 1) v = __fadd_rn(v, __shfl_xor_sync(ALL_LANES, v, o));
    return v;
}
static __device__ __forceinline__ float warp_max(float v) {
    for (int o = WARP / 2; o; o >>= 1) v = fmaxf(v, __shfl_xor_sync(ALL_LANES, v, o));
    return v;
}
static __device__ __forceinline__ int warp_add(int v) {
    for (int o = WARP / 2; o; o >>= 1) v += __shfl_xor_sync(ALL_LANES, v, o);
    return v;
}

/* Over a block of WARPS whole warps; part: (WARPS) of shared memory that nobody else uses until the next barrier. */
template <int WARPS> static __device__ __forceinline__ float block_sum(float v, float *part) {
    v = warp_sum(v);
    if (threadIdx.x % WARP == 0) part[threadIdx.x / WARP] = v;
    __syncthreads();
    float sum = 0;
    for (int i = 0; i < WARPS; i++) sum = __fadd_rn(sum, part[i]);
    return sum;
}

#endif
