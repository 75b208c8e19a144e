/* quantize.cu - activations as int8 blocks of 32, as the CPU backend rounds them (core/kernels.h): a block a row, a warp a unit.
 *
 * A unit whose scale exceeds FINE_ABOVE times the row's mean gets a second int8 term for what the first left over. */
#include "gpu/launch.h"
#include "gpu/kernels.h"
#include "gpu/warp.h"

static constexpr int THREADS = 256, WARPS = THREADS / WARP;
static constexpr float FINE_ABOVE = 1.25f, LEAST = 0x1p-100f; // 127 / x is finite above LEAST; what is smaller counts as zero

/* The largest magnitude of a warp; positive floats are ordered as their bits are, and what is no number tops all. */
static __device__ __forceinline__ float warp_magnitude(float v) {
    int bits = __float_as_int(fabsf(v));
    for (int o = WARP / 2; o; o >>= 1) bits = max(bits, __shfl_xor_sync(ALL_LANES, bits, o));
    return __int_as_float(bits);
}

static __device__ __forceinline__ float scale_of(float top) { return top < LEAST ? 0.0f : top / 127; }

/* One value of a unit whose largest magnitude is 127 scale. */
static __device__ __forceinline__ int round_to(float v, float top) {
    float inverse = top < LEAST ? 0.0f : 127 / top;
    return __float2int_rn(fminf(fmaxf(__fmul_rn(v, inverse), -127.0f), 127.0f));
}

/* Sums over lanes 0..15 and 16..31, as two int16. */
static __device__ __forceinline__ unsigned half_sums(int q) {
    for (int o = WARP / 4; o; o >>= 1) q += __shfl_xor_sync(ALL_LANES, q, o);
    int low = __shfl_sync(ALL_LANES, q, 0), high = __shfl_sync(ALL_LANES, q, WARP / 2);
    return ((unsigned)low & 0xffffu) | (unsigned)high << 16;
}

__global__ void __launch_bounds__(THREADS) quantize_kernel(const float *__restrict__ x, int cols, struct activation to) {
    DYN_SHARED(float, scale); // (cols / 32)
    SHARED(float, part, [WARPS]);
    const int units = cols / PACK_UNIT, warp = threadIdx.x / WARP, lane = threadIdx.x % WARP;
    const float *row = x + (size_t)blockIdx.x * cols;
    for (int u = warp; u < units; u += WARPS) {
        float d = scale_of(warp_magnitude(row[u * PACK_UNIT + lane]));
        if (lane == 0) scale[u] = d;
    }
    __syncthreads();
    float sum = 0;
    for (int u = threadIdx.x; u < units; u += THREADS) sum = __fadd_rn(sum, scale[u]);
    const float limit = FINE_ABOVE * block_sum<WARPS>(sum, part) / (float)units;
    for (int u = warp; u < units; u += WARPS) {
        const size_t unit = (size_t)u * gridDim.x + blockIdx.x, at = unit * PACK_UNIT + lane;
        const float v = row[u * PACK_UNIT + lane], top = warp_magnitude(v), d = scale_of(top);
        const int q = round_to(v, top);
        uint4 head = make_uint4(__float_as_uint(d), 0, half_sums(q), 0);
        to.q[at] = (int8_t)q;
        if (d > limit) {
            const float left = __fmaf_rn((float)q, -d, v), rest = warp_magnitude(left);
            const int fine = round_to(left, rest);
            head.y = __float_as_uint(scale_of(rest)), head.w = half_sums(fine);
            to.fine[at] = (int8_t)fine;
        }
        if (lane == 0) to.head[unit] = head;
    }
}

void quantize_rows(cudaStream_t s, const float *x, int n, int cols, const struct activation *to) {
    LAUNCH(quantize_kernel, n, THREADS, (size_t)(cols / PACK_UNIT) * sizeof(float), s, x, cols, *to);
}
