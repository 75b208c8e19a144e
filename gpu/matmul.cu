/* matmul.cu - products of quantized matrices and few rows: a lane is an output row, a warp walks a part of the inputs.
 *
 * A block holds a tile of 32 output rows; its warps share the inputs out in even runs of units, as many as the number of columns (and
 * nothing else) says, and their sums are added up in order. Within a unit sums are exact integers (__dp4a), so a row of activations gets
 * the same bits in every instance, whatever stands beside it. Weights are read once for up to 32 rows; of more rows, the blocks of a tile of weights come one right after
 * the other, so that all but the first find it in the second-level cache. */
#include "gpu/launch.h"
#include "gpu/kernels.h"
#include "gpu/unit.h"
#include "gpu/warp.h"

static constexpr int WARPS_MOST = 16, TOGETHER = 8; // rows added up at once

struct products {
    struct product p[PRODUCTS_MOST];
    int first[PRODUCTS_MOST]; // block at which each begins; of none: where all end
};

/* a row's 32 activations as integers against a unit's. */
template <int KIND>
static __device__ __forceinline__ float unit_term(float acc, const struct unit &w, const int *x, float d, unsigned sums) {
    const int4 a = __ldg((const int4 *)x), b = __ldg((const int4 *)x + 1);
    const int s0 = (short)(sums & 0xffffu), s1 = (short)(sums >> 16), offset = unit_offset<KIND>();
    int low = __dp4a(w.v[0], a.x, __dp4a(w.v[1], a.y, __dp4a(w.v[2], a.z, __dp4a(w.v[3], a.w, 0))));
    int high = __dp4a(w.v[4], b.x, __dp4a(w.v[5], b.y, __dp4a(w.v[6], b.z, __dp4a(w.v[7], b.w, 0))));
    if (KIND == PACK_Q6_K) {
        acc = __fmaf_rn(__fmul_rn(w.d0, d), (float)(low - offset * s0), acc);
        return __fmaf_rn(__fmul_rn(w.d1, d), (float)(high - offset * s1), acc);
    }
    acc = __fmaf_rn(__fmul_rn(w.d0, d), (float)(low + high - offset * (s0 + s1)), acc);
    return unit_adds<KIND>() ? __fmaf_rn(__fmul_rn(w.m, d), (float)(s0 + s1), acc) : acc;
}

template <int KIND, int R>
__global__ void __launch_bounds__(WARPS_MOST *WARP, 1)
product_kernel(struct products all, size_t tile_bytes, int cols, struct activation x, int n) {
    SHARED(float, part, [WARPS_MOST * TOGETHER * WARP]);
    const int warp = threadIdx.x / WARP, warps = blockDim.x / WARP, lane = threadIdx.x % WARP, units = cols / PACK_UNIT;
    struct product p = all.p[0];
    int tile = blockIdx.y;
#pragma unroll
    for (int i = 1; i < PRODUCTS_MOST; i++) // constant indices: parameters stay where they are
        if ((int)blockIdx.y >= all.first[i]) p = all.p[i], tile = blockIdx.y - all.first[i];
    const int from = blockIdx.x * R, rows = min(R, n - from);
    const uint8_t *w = (const uint8_t *)p.w + (size_t)tile * tile_bytes;
    float acc[R];
#pragma unroll
    for (int r = 0; r < R; r++) acc[r] = 0;
    for (int u = units * warp / warps, end = units * (warp + 1) / warps; u < end; u++) {
        const struct unit now = unit_load<KIND>(w, u, lane);
        const size_t first = (size_t)u * n + from; // the rows' units lie side by side: one address, constant offsets
#pragma unroll
        for (int r = 0; r < R; r++) {
            if (r >= rows) continue;
            const uint4 head = __ldg(x.head + first + r);
            acc[r] = unit_term<KIND>(acc[r], now, (const int *)(x.q + first * PACK_UNIT) + r * (PACK_UNIT / 4), __uint_as_float(head.x), head.z);
            if (head.y) acc[r] = unit_term<KIND>(acc[r], now, (const int *)(x.fine + first * PACK_UNIT) + r * (PACK_UNIT / 4), __uint_as_float(head.y), head.w);
        }
    }
#pragma unroll
    for (int first = 0; first < R; first += TOGETHER) {
        if (first >= rows) break;
        __syncthreads(); // the last rows have been added up
#pragma unroll
        for (int r = 0; r < TOGETHER; r++)
            if (first + r < R) part[(warp * TOGETHER + r) * WARP + lane] = acc[first + r < R ? first + r : 0];
        __syncthreads();
        for (int r = warp; r < TOGETHER && first + r < rows; r += warps) {
            float sum = 0;
            for (int k = 0; k < warps; k++) sum = __fadd_rn(sum, part[(k * TOGETHER + r) * WARP + lane]);
            const int row = tile * PACK_ROWS + lane;
            if (row < p.rows) p.y[(size_t)(from + first + r) * p.rows + row] = sum;
        }
    }
}

template <int KIND, int R> static void launch(cudaStream_t s, const struct products &all, size_t bytes, int cols, const struct activation &x, int n, int blocks) {
    const int units = cols / PACK_UNIT, warps = units < WARPS_MOST ? units : WARPS_MOST;
    dim3 grid((unsigned)((n + R - 1) / R), (unsigned)blocks);
    LAUNCH((product_kernel<KIND, R>), grid, warps * WARP, 0, s, all, bytes, cols, x, n);
}

template <int KIND> static void choose(cudaStream_t s, const struct products &all, size_t bytes, int cols, const struct activation &x, int n, int blocks) {
    if (n <= 1) launch<KIND, 1>(s, all, bytes, cols, x, n, blocks);
    else if (n <= 2) launch<KIND, 2>(s, all, bytes, cols, x, n, blocks);
    else if (n <= 4) launch<KIND, 4>(s, all, bytes, cols, x, n, blocks);
    else if (n <= 8) launch<KIND, 8>(s, all, bytes, cols, x, n, blocks);
    else if (n <= 16) launch<KIND, 16>(s, all, bytes, cols, x, n, blocks);
    else launch<KIND, 32>(s, all, bytes, cols, x, n, blocks);
}

void multiply(cudaStream_t s, int kind, int count, const struct product *p, int cols, const struct activation *x, int n) {
    struct products all = {};
    int blocks = 0;
    for (int i = 0; i < PRODUCTS_MOST; i++) {
        all.first[i] = blocks;
        if (i < count) all.p[i] = p[i], blocks += (p[i].rows + PACK_ROWS - 1) / PACK_ROWS;
    }
    size_t bytes = pack_tile_bytes(kind, cols);
    switch (kind) {
    case PACK_Q4_0: choose<PACK_Q4_0>(s, all, bytes, cols, *x, n, blocks); break;
    case PACK_Q4_1: choose<PACK_Q4_1>(s, all, bytes, cols, *x, n, blocks); break;
    case PACK_Q8_0: choose<PACK_Q8_0>(s, all, bytes, cols, *x, n, blocks); break;
    case PACK_Q8_M: choose<PACK_Q8_M>(s, all, bytes, cols, *x, n, blocks); break;
    case PACK_Q4_K: choose<PACK_Q4_K>(s, all, bytes, cols, *x, n, blocks); break;
    default: choose<PACK_Q6_K>(s, all, bytes, cols, *x, n, blocks);
    }
}
