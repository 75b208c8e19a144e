/* gemm.cu - rows of activations for cuBLAS, and its results back (kernels.h).
 *
 * x = scale (high + low): high is the nearest 16-bit float, low the nearest to what is left. F16 would overflow, so a row is first divided by
 * the power of two that brings its largest magnitude to 1 .. 2; BF16 has the exponents of a float. */
#include "gpu/launch.h"
#include "gpu/kernels.h"
#include "gpu/warp.h"

static constexpr int THREADS = 256;

static __device__ __forceinline__ void split(float v, __nv_bfloat16 *high, __nv_bfloat16 *low) {
    *high = __float2bfloat16_rn(v);
    *low = __float2bfloat16_rn(v - __bfloat162float(*high));
}
static __device__ __forceinline__ void split(float v, __half *high, __half *low) {
    *high = __float2half_rn(v);
    *low = __float2half_rn(v - __half2float(*high));
}

template <class T>
__global__ void __launch_bounds__(THREADS) split_kernel(const float *__restrict__ x, int cols, int apart, T *__restrict__ to, float *__restrict__ scale) {
    SHARED(float, part, [THREADS / WARP]);
    const float *row = x + (size_t)blockIdx.x * cols;
    T *high = to + (size_t)blockIdx.x * cols, *low = high + (size_t)apart * cols;
    float unit = 1;
    if (sizeof(T) == 2 && scale) { // F16
        float top = 0;
        for (int i = threadIdx.x; i < cols; i += THREADS) top = fmaxf(top, fabsf(row[i]));
        top = warp_max(top);
        if (threadIdx.x % WARP == 0) part[threadIdx.x / WARP] = top;
        __syncthreads();
        for (int i = 0; i < THREADS / WARP; i++) top = fmaxf(top, part[i]);
        int exponent = (int)(__float_as_uint(top) >> 23) - 127; // top >= 0
        exponent = min(max(exponent, -100), 100);
        unit = __int_as_float((127 - exponent) << 23);
        if (threadIdx.x == 0) scale[blockIdx.x] = __int_as_float((127 + exponent) << 23);
    }
    for (int i = threadIdx.x; i < cols; i += THREADS) split(row[i] * unit, &high[i], &low[i]);
}

__global__ void __launch_bounds__(THREADS) copy_kernel(const float *__restrict__ x, int cols, float *__restrict__ to) {
    for (int i = threadIdx.x; i < cols; i += THREADS) to[(size_t)blockIdx.x * cols + i] = x[(size_t)blockIdx.x * cols + i];
}

void gemm_split(cudaStream_t s, int kind, const float *x, int n, int cols, int apart, void *to, float *scale) {
    if (kind == PACK_F32) LAUNCH(copy_kernel, n, THREADS, 0, s, x, cols, (float *)to);
    else if (kind == PACK_F16) LAUNCH(split_kernel<__half>, n, THREADS, 0, s, x, cols, apart, (__half *)to, scale);
    else LAUNCH(split_kernel<__nv_bfloat16>, n, THREADS, 0, s, x, cols, apart, (__nv_bfloat16 *)to, (float *)nullptr);
}

__global__ void __launch_bounds__(THREADS) join_kernel(const float *__restrict__ from, int rows, int apart, const float *__restrict__ scale, float *__restrict__ y) {
    const int i = blockIdx.x * THREADS + threadIdx.x;
    const size_t at = (size_t)blockIdx.y * rows + i;
    if (i >= rows) return;
    float v = from[at];
    if (apart) v = __fadd_rn(v, from[at + (size_t)apart * rows]);
    y[at] = scale ? v * scale[blockIdx.y] : v;
}

void gemm_join(cudaStream_t s, int kind, const float *from, int n, int rows, int apart, const float *scale, float *y) {
    dim3 grid((unsigned)(rows + THREADS - 1) / THREADS, (unsigned)n);
    LAUNCH(join_kernel, grid, THREADS, 0, s, from, rows, kind == PACK_F32 ? 0 : apart, kind == PACK_F16 ? scale : (const float *)nullptr, y);
}
