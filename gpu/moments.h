/* moments.h - a row's softmax in passing: its largest probability and entropy, out of slices of the row.
 *
 * A slice leaves its maximum, sum e^(x - max) and sum (x - max) e^(x - max); with those of all slices under one maximum, probability = 1 / sum and
 * entropy = ln sum - weighted / sum. */
#ifndef GPU_MOMENTS_H
#define GPU_MOMENTS_H

#include "gpu/warp.h"

/* Of EACH values a thread, whose largest in the block is top, to at (3); sums: (2 WARPS) of shared memory. */
template <int EACH, int WARPS> static __device__ __forceinline__ void moments_of(const float *x, float top, float *sums, float *at) {
    float sum = 0, weighted = 0;
#pragma unroll
    for (int i = 0; i < EACH; i++) {
        if (x[i] == -INFINITY) continue; // e^-inf = 0, and 0 inf is no number
        const float off = x[i] - top, e = __expf(off);
        sum = __fadd_rn(sum, e), weighted = __fmaf_rn(off, e, weighted);
    }
    sum = block_sum<WARPS>(sum, sums), weighted = block_sum<WARPS>(weighted, sums + WARPS);
    if (threadIdx.x == 0) at[0] = top, at[1] = sum, at[2] = weighted;
}

/* Of all slices, by one thread. */
static __device__ __forceinline__ void moments_merge(const float *m, int slices, float *top_prob, float *entropy) {
    float top = -INFINITY, sum = 0, weighted = 0;
    for (int i = 0; i < slices; i++) top = fmaxf(top, m[3 * i]);
    for (int i = 0; i < slices; i++) { // (x - top) = (x - top of the slice) + its distance
        if (m[3 * i] == -INFINITY) continue;
        const float off = m[3 * i] - top, e = __expf(off);
        sum = __fmaf_rn(m[3 * i + 1], e, sum);
        weighted = __fmaf_rn(__fmaf_rn(off, m[3 * i + 1], m[3 * i + 2]), e, weighted);
    }
    *top_prob = 1 / sum, *entropy = logf(sum) - weighted / sum;
}

#endif
