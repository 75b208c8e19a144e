/* pointwise.cu - sums, biases and the gated activation: a thread a value. */
#include "gpu/launch.h"
#include "gpu/kernels.h"

static constexpr int THREADS = 256;

static dim3 grid_of(int n, int cols) { return dim3((unsigned)(cols + THREADS - 1) / THREADS, (unsigned)n); }

__global__ void __launch_bounds__(THREADS) add_kernel(float *__restrict__ x, const float *__restrict__ y, int cols, size_t y_step) {
    int i = blockIdx.x * THREADS + threadIdx.x;
    if (i < cols) x[(size_t)blockIdx.y * cols + i] += y[(size_t)blockIdx.y * y_step + i];
}

__global__ void __launch_bounds__(THREADS) gate_kernel(const float *gate, const float *up, int cols, float *out) { // out may be gate
    int i = blockIdx.x * THREADS + threadIdx.x;
    if (i >= cols) return;
    size_t at = (size_t)blockIdx.y * cols + i;
    float g = gate[at];
    out[at] = g / (1 + expf(-g)) * up[at];
}

void add_to(cudaStream_t s, float *x, const float *y, int n, int cols) { LAUNCH(add_kernel, grid_of(n, cols), THREADS, 0, s, x, y, cols, (size_t)cols); }
void add_bias_to(cudaStream_t s, float *x, const float *bias, int n, int cols) { LAUNCH(add_kernel, grid_of(n, cols), THREADS, 0, s, x, bias, cols, (size_t)0); }
void gate_rows(cudaStream_t s, const float *gate, const float *up, int n, int cols, float *out) {
    LAUNCH(gate_kernel, grid_of(n, cols), THREADS, 0, s, gate, up, cols, out);
}
