/* rope.cu - rotary positions, and keys and values into the cache. A block a row and head: of q, of k, or of v. */
#include "gpu/launch.h"
#include "gpu/kernels.h"

static constexpr int THREADS = 64;

template <class T> static __device__ __forceinline__ T narrow(float v);
template <> __device__ __forceinline__ float narrow<float>(float v) { return v; }
template <> __device__ __forceinline__ __half narrow<__half>(float v) { return __float2half_rn(v); }

/* Where cell 0 of a head's keys (which: 0) or values (1) lies. */
static __host__ __device__ __forceinline__ size_t cache_at(const struct cache &c, int layer, int slot, int head, int which) {
    return (((((size_t)layer * c.slots + slot) * c.heads + head) * 2) + which) * c.cells * c.dim;
}

template <class T>
__global__ void __launch_bounds__(THREADS)
rope_kernel(struct cache c, int layer, struct rows rows, int halves, const float2 *__restrict__ rope, int q_heads, float *__restrict__ q,
            const float *__restrict__ k, const float *__restrict__ v) {
    const int i = blockIdx.x, half = c.dim / 2;
    int h = blockIdx.y;
    const float2 *turn = rope + (size_t)rows.pos[i] * half;
    if (h >= q_heads + c.heads) { // a value: only stored
        h -= q_heads + c.heads;
        const float *from = v + ((size_t)i * c.heads + h) * c.dim;
        T *to = (T *)c.data + cache_at(c, layer, rows.slot[i], h, 1) + (size_t)rows.cell[i] * c.dim;
        for (int d = threadIdx.x; d < c.dim; d += THREADS) to[d] = narrow<T>(from[d]);
        return;
    }
    const bool query = h < q_heads;
    const float *from = query ? q + ((size_t)i * q_heads + h) * c.dim : k + ((size_t)i * c.heads + h - q_heads) * c.dim;
    T *key = query ? (T *)0 : (T *)c.data + cache_at(c, layer, rows.slot[i], h - q_heads, 0) + (size_t)rows.cell[i] * c.dim;
    for (int j = threadIdx.x; j < half; j += THREADS) {
        const int at = halves ? j : 2 * j, other = halves ? j + half : 2 * j + 1;
        const float2 cs = turn[j];
        const float a = from[at], b = from[other];
        const float x = __fmaf_rn(a, cs.x, -__fmul_rn(b, cs.y)), y = __fmaf_rn(a, cs.y, __fmul_rn(b, cs.x));
        if (query) {
            float *to = q + ((size_t)i * q_heads + h) * c.dim;
            to[at] = x, to[other] = y;
        } else {
            key[at] = narrow<T>(x), key[other] = narrow<T>(y);
        }
    }
}

void rope_append(cudaStream_t s, const struct cache *c, int layer, const struct rows *rows, int halves, const float *rope, int q_heads, float *q,
                 const float *k, const float *v) {
    dim3 grid((unsigned)rows->n, (unsigned)(q_heads + 2 * c->heads));
    if (c->floats) LAUNCH(rope_kernel<float>, grid, THREADS, 0, s, *c, layer, *rows, halves, (const float2 *)rope, q_heads, q, k, v);
    else LAUNCH(rope_kernel<__half>, grid, THREADS, 0, s, *c, layer, *rows, halves, (const float2 *)rope, q_heads, q, k, v);
}

template <class T> __global__ void __launch_bounds__(THREADS) move_kernel(struct cache c, int slot, int from, int to) {
    T *x = (T *)c.data + cache_at(c, blockIdx.x, slot, blockIdx.y, blockIdx.z);
    for (int d = threadIdx.x; d < c.dim; d += THREADS) x[(size_t)to * c.dim + d] = x[(size_t)from * c.dim + d];
}

void cache_move(cudaStream_t s, const struct cache *c, int slot, int from, int to) {
    dim3 grid((unsigned)c->layers, (unsigned)c->heads, 2);
    if (c->floats) LAUNCH(move_kernel<float>, grid, THREADS, 0, s, *c, slot, from, to);
    else LAUNCH(move_kernel<__half>, grid, THREADS, 0, s, *c, slot, from, to);
}
