/* top.cu - the largest logits of a row with their ids, its largest probability and its entropy, in one pass over the vocabulary.
 *
 * A block takes a slice of a row, 16 values a thread in registers: the slice's moments (moments.h) and its k largest values, found one by one. A second kernel does the same with the slices' winners. Ties go to the lower id; what
 * is no number counts as -infinity, so that there is always an id. */
#include "gpu/launch.h"
#include "gpu/kernels.h"
#include "gpu/moments.h"

static constexpr int THREADS = 256, EACH = 16, SLICE = THREADS * EACH, WARPS = THREADS / WARP;

struct best { float value; int id; };

static __device__ __forceinline__ struct best better(struct best a, struct best b) {
    return b.value > a.value || (b.value == a.value && b.id < a.id) ? b : a;
}

static __device__ __forceinline__ struct best block_best(struct best a, struct best *part) {
    for (int o = WARP / 2; o; o >>= 1) {
        struct best b;
        b.value = __shfl_xor_sync(ALL_LANES, a.value, o), b.id = __shfl_xor_sync(ALL_LANES, a.id, o);
        a = better(a, b);
    }
    __syncthreads(); // the last winner has been read
    if (threadIdx.x % WARP == 0) part[threadIdx.x / WARP] = a;
    __syncthreads();
    a = part[0];
    for (int i = 1; i < WARPS; i++) a = better(a, part[i]);
    return a;
}

static __device__ __forceinline__ struct best nothing() { return {-INFINITY, 0x7fffffff}; }

/* winners (n, slices, k); moments (n, slices, 3): maximum, sum, weighted sum. */
__global__ void __launch_bounds__(THREADS)
slice_kernel(const float *__restrict__ logits, int cols, int k, struct best *__restrict__ winners, float *__restrict__ moments) {
    SHARED(struct best, part, [WARPS]);
    SHARED(float, sums, [2 * WARPS]);
    const int slice = blockIdx.x, tid = threadIdx.x, base = slice * SLICE + tid;
    const float *row = logits + (size_t)blockIdx.y * cols;
    float x[EACH];
    struct best mine = nothing();
#pragma unroll
    for (int i = 0; i < EACH; i++) {
        const int id = base + i * THREADS;
        x[i] = id < cols ? __ldcs(row + id) : -INFINITY;
        if (!(x[i] == x[i])) x[i] = -INFINITY;
        if (id < cols) mine = better(mine, {x[i], id});
    }
    const size_t at = (size_t)blockIdx.y * gridDim.x + slice;
    unsigned taken = 0;
    float top = 0;
    for (int w = 0; w < k; w++) {
        const struct best won = block_best(mine, part);
        if (w == 0) top = won.value;
        if (tid == 0) winners[at * k + w] = won;
        if ((won.id - base) % THREADS || won.id < base || won.id == nothing().id) continue; // not this thread's
        taken |= 1u << (won.id - base) / THREADS;
        mine = nothing();
#pragma unroll
        for (int i = 0; i < EACH; i++)
            if (base + i * THREADS < cols && !(taken >> i & 1)) mine = better(mine, {x[i], base + i * THREADS});
    }
    moments_of<EACH, WARPS>(x, top, sums, moments + at * 3);
}

/* Of `slices` slices: a block a row. */
__global__ void __launch_bounds__(THREADS)
finish_kernel(struct best *__restrict__ winners, const float *__restrict__ moments, int slices, int k, int *__restrict__ ids, float *__restrict__ values,
              float *__restrict__ out) {
    SHARED(struct best, part, [WARPS]);
    const int tid = threadIdx.x;
    struct best *from = winners + (size_t)blockIdx.x * slices * k;
    for (int w = 0; w < k; w++) {
        struct best mine = nothing();
        int where = -1;
        for (int i = tid; i < slices * k; i += THREADS) { // each slice's come in order, but k is small
            const struct best x = better(mine, from[i]);
            if (x.id != mine.id) mine = x, where = i;
        }
        const struct best won = block_best(mine, part);
        if (tid == 0) ids[(size_t)blockIdx.x * k + w] = won.id, values[(size_t)blockIdx.x * k + w] = won.value;
        if (where >= 0 && mine.id == won.id) from[where] = nothing(); // this thread alone reads it again
    }
    if (tid == 0) moments_merge(moments + (size_t)blockIdx.x * slices * 3, slices, &out[2 * blockIdx.x], &out[2 * blockIdx.x + 1]);
}

static int slices_of(int cols) { return (cols + SLICE - 1) / SLICE; }

size_t top_work(int n, int cols, int k) { return (size_t)n * (size_t)slices_of(cols) * ((size_t)k * sizeof(struct best) + 3 * sizeof(float)); }

void top_rows(cudaStream_t s, const float *logits, int n, int cols, int k, void *work, int *ids, float *values, float *moments) {
    const int slices = slices_of(cols);
    struct best *winners = (struct best *)work;
    float *parts = (float *)(winners + (size_t)n * (size_t)slices * (size_t)k);
    LAUNCH(slice_kernel, dim3((unsigned)slices, (unsigned)n), THREADS, 0, s, logits, cols, k, winners, parts);
    LAUNCH(finish_kernel, n, THREADS, 0, s, winners, (const float *)parts, slices, k, ids, values, moments);
}
