/* norm.cu - RMS norm: a block a row, which is read once and kept in shared memory where it fits. */
#include "gpu/launch.h"
#include "gpu/kernels.h"
#include "gpu/warp.h"

static constexpr int THREADS = 256, KEPT_MOST = 48 << 10; // bytes of shared memory that need no leave

__global__ void __launch_bounds__(THREADS)
norm_kernel(const float *__restrict__ x, const float *__restrict__ weight, int cols, float eps, float *__restrict__ out, int kept) {
    DYN_SHARED(float, row);
    SHARED(float, part, [THREADS / WARP]);
    const float *from = x + (size_t)blockIdx.x * cols;
    float sum = 0;
    for (int i = threadIdx.x; i < cols; i += THREADS) {
        float v = from[i];
        if (kept) row[i] = v; // read again by this thread alone
        sum = __fmaf_rn(v, v, sum);
    }
    sum = block_sum<THREADS / WARP>(sum, part);
    float scale = rsqrtf(sum / (float)cols + eps);
    for (int i = threadIdx.x; i < cols; i += THREADS) out[(size_t)blockIdx.x * cols + i] = (kept ? row[i] : from[i]) * scale * weight[i];
}

void norm_rows(cudaStream_t s, const float *x, const float *weight, int n, int cols, float eps, float *out) {
    size_t bytes = (size_t)cols * sizeof *x;
    int kept = bytes <= KEPT_MOST - 1024;
    LAUNCH(norm_kernel, n, THREADS, kept ? bytes : 0, s, x, weight, cols, eps, out, kept);
}
