/* attention.cu - attention of few rows over long caches: the keys are split into parts that blocks of their own take (flash decoding).
 *
 * A block takes a part of the keys of one key/value head for a run of rows of one slot, and all query heads that share the head: each tile of
 * keys and values is read once for all of them. What a part is depends on the row's own length alone (attention_part), and sums run
 * over keys in order, so a row's bits do not depend on its company (law 2). Keys beyond `shared`, where the rows of a tree differ, are
 * read row by row through the row's path, in the same order as if they were a chain.
 *
 *   scores   a thread a key: four queries at a time meet it
 *   softmax  a warp a query: running maximum and sum over the tiles (Milakov and Gimelshein 2018, arXiv 1805.02867)
 *   values   dim / 2 threads a group of four queries: two dimensions each, sums in registers
 *
 * Per (row, head, part) the block leaves maximum, sum and dim unnormalized values; merge_kernel adds the parts up. */
#include "gpu/launch.h"
#include "gpu/kernels.h"
#include "gpu/warp.h"

static constexpr int THREADS = 128, TILE = ATTENTION_TILE, QUAD = 4, QUERIES_MOST = 64;

template <class T> static __device__ __forceinline__ void eight(const T *p, float v[8]);
template <> __device__ __forceinline__ void eight<float>(const float *p, float v[8]) {
    const float4 a = *(const float4 *)p, b = *(const float4 *)(p + 4);
    v[0] = a.x, v[1] = a.y, v[2] = a.z, v[3] = a.w, v[4] = b.x, v[5] = b.y, v[6] = b.z, v[7] = b.w;
}
template <> __device__ __forceinline__ void eight<__half>(const __half *p, float v[8]) {
    const uint4 raw = *(const uint4 *)p;
    const unsigned word[4] = {raw.x, raw.y, raw.z, raw.w};
#pragma unroll
    for (int i = 0; i < 4; i++) {
        v[2 * i] = __half2float(__ushort_as_half((unsigned short)(word[i] & 0xffffu)));
        v[2 * i + 1] = __half2float(__ushort_as_half((unsigned short)(word[i] >> 16)));
    }
}

static __device__ __forceinline__ float widen(float v) { return v; }
static __device__ __forceinline__ float widen(__half v) { return __half2float(v); }

/* e^x for x <= 0 and the -infinity of what is not there, whose maximum may be -infinity too. */
static __device__ __forceinline__ float weight_of(float score, float top) { return top == -INFINITY ? 0.0f : __expf(score - top); }

struct job {
    struct cache c;
    int layer, q_heads;
    struct rows rows;
    const float *q;
    float *work;
    float scale;
};

/* Bytes of a tile's key in shared memory: 16 more than it has, so that 8 lanes of a load meet different banks. */
static __host__ __device__ __forceinline__ int key_bytes(int dim, int item) { return dim * item + 16; }
static __host__ __device__ __forceinline__ int quads_at_once(int dim) { return THREADS / (dim / 2); }

static size_t shared_bytes(int dim, int item, int quads) {
    return (size_t)TILE * (size_t)(key_bytes(dim, item) + dim * item) + (size_t)quads * QUAD * (size_t)(dim + TILE + 3) * sizeof(float);
}

/* The cell of key t of a row whose path begins at `path`. */
static __device__ __forceinline__ int cell_of(const struct rows &rows, int row, int t) {
    const int prefix = rows.prefix[row];
    return t < prefix ? t : rows.path[rows.path_at[row] + t - prefix];
}

template <class T, int QG> // QG: groups of four queries a thread
__global__ void __launch_bounds__(THREADS, 2) attend_kernel(struct job j) {
    DYN_SHARED(unsigned char, raw);
    SHARED(int, end, [QUERIES_MOST]);
    const int dim = j.c.dim, group = j.q_heads / j.c.heads, tid = threadIdx.x, head = blockIdx.y;
    const struct run run = j.rows.run[blockIdx.z];
    const int at_once = quads_at_once(dim), quads = at_once * QG, queries = run.n * group, used = (queries + QUAD - 1) / QUAD;
    const int row_bytes = key_bytes(dim, sizeof(T)), start = blockIdx.x * run.part;
    T *values = (T *)(raw + TILE * row_bytes);
    float *q = (float *)(values + TILE * dim), *p = q + quads * QUAD * dim, *top = p + quads * QUAD * TILE, *sum = top + quads * QUAD,
          *rescale = sum + quads * QUAD;
    int most = 0; // keys of the longest row
    for (int r = 0; r < run.n; r++) {
        const int i = run.from + r, keys = j.rows.prefix[i] + j.rows.path_at[i + 1] - j.rows.path_at[i];
        most = max(most, keys);
        if (tid == 0) end[r] = keys;
    }
    if (start >= most) return; // the whole block
    const T *base = (const T *)j.c.data + ((((size_t)j.layer * j.c.slots + j.rows.slot[run.from]) * j.c.heads + head) * 2) * j.c.cells * dim;
    const T *far_keys = base, *far_values = base + (size_t)j.c.cells * dim;
    for (int i = tid; i < used * QUAD * dim; i += THREADS) {
        const int query = i / (QUAD * dim) * QUAD + i % QUAD, d = i / QUAD % dim;
        q[i] = query < queries ? j.q[((size_t)(run.from + query / group) * j.q_heads + head * group + query % group) * dim + d] * j.scale : 0.0f;
    }
    for (int i = tid; i < quads * QUAD; i += THREADS) top[i] = -INFINITY, sum[i] = 0;

    const int lane_d = tid % (dim / 2) * 2, first = tid / (dim / 2); // of the values' phase
    float acc[QG][2 * QUAD];
#pragma unroll
    for (int g = 0; g < QG; g++)
        for (int i = 0; i < 2 * QUAD; i++) acc[g][i] = 0;

    const int stop = min(start + run.part, most);
    for (int t0 = start; t0 < stop; t0 += TILE) {
        const int near = min(max(run.shared - t0, 0), (int)TILE), keys = min((int)TILE, stop - t0);
        __syncthreads(); // q and the sums are there; the last tile has been read
        for (int i = tid; i < near * dim / 8; i += THREADS) {
            const int key = i / (dim / 8), d = i % (dim / 8) * 8;
            const uint4 *k = (const uint4 *)(far_keys + (size_t)(t0 + key) * dim + d), *v = (const uint4 *)(far_values + (size_t)(t0 + key) * dim + d);
            for (int w = 0; w < (int)sizeof(T) / 2; w++) {
                ((uint4 *)(raw + key * row_bytes + d * sizeof(T)))[w] = __ldg(k + w);
                ((uint4 *)(values + key * dim + d))[w] = __ldg(v + w);
            }
        }
        __syncthreads();
        for (int g = tid / TILE; g < used; g += THREADS / TILE) {
            const int key = tid % TILE, t = t0 + key;
            float s[QUAD] = {0, 0, 0, 0}, k[8];
            if (key < near) {
                const T *at = (const T *)(raw + key * row_bytes);
                const float4 *x = (const float4 *)(q + g * QUAD * dim);
                for (int d = 0; d < dim; d += 8) {
                    eight<T>(at + d, k);
#pragma unroll
                    for (int i = 0; i < 8; i++) {
                        const float4 y = x[d + i];
                        s[0] = __fmaf_rn(y.x, k[i], s[0]), s[1] = __fmaf_rn(y.y, k[i], s[1]);
                        s[2] = __fmaf_rn(y.z, k[i], s[2]), s[3] = __fmaf_rn(y.w, k[i], s[3]);
                    }
                }
            } else {
                for (int n = 0; n < QUAD; n++) {
                    const int query = g * QUAD + n;
                    if (query >= queries || t >= end[query / group]) continue;
                    const T *at = far_keys + (size_t)cell_of(j.rows, run.from + query / group, t) * dim;
                    float one = 0;
                    for (int d = 0; d < dim; d += 8) {
                        eight<T>(at + d, k);
#pragma unroll
                        for (int i = 0; i < 8; i++) one = __fmaf_rn(q[(g * dim + d + i) * QUAD + n], k[i], one);
                    }
                    s[n] = one;
                }
            }
            for (int n = 0; n < QUAD; n++) {
                const int query = g * QUAD + n;
                p[(g * TILE + key) * QUAD + n] = query < queries && t < end[query / group] ? s[n] : -INFINITY;
            }
        }
        __syncthreads();
        for (int query = tid / WARP; query < queries; query += THREADS / WARP) {
            float *x = p + (query / QUAD * TILE + tid % WARP) * QUAD + query % QUAD, *y = x + WARP * QUAD;
            const float old = top[query], best = fmaxf(warp_max(fmaxf(*x, *y)), old), a = weight_of(*x, best), b = weight_of(*y, best);
            *x = a, *y = b;
            const float total = warp_sum(__fadd_rn(a, b));
            if (tid % WARP == 0) {
                const float r = best == -INFINITY ? 1.0f : __expf(old - best);
                top[query] = best, sum[query] = __fmaf_rn(sum[query], r, total), rescale[query] = r;
            }
        }
        __syncthreads();
#pragma unroll
        for (int g = 0; g < QG; g++) {
            const int quad = first + g * at_once;
            if (first >= at_once || quad >= used) continue;
            for (int n = 0; n < QUAD; n++) {
                const float r = quad * QUAD + n < queries ? rescale[quad * QUAD + n] : 1.0f;
                acc[g][n] = __fmul_rn(acc[g][n], r), acc[g][QUAD + n] = __fmul_rn(acc[g][QUAD + n], r);
            }
        }
        for (int key = 0; key < keys && first < at_once; key++) {
            const float v0 = key < near ? widen(values[key * dim + lane_d]) : 0.0f, v1 = key < near ? widen(values[key * dim + lane_d + 1]) : 0.0f;
#pragma unroll
            for (int g = 0; g < QG; g++) {
                const int quad = first + g * at_once;
                if (quad >= used) continue;
                const float *w = p + (quad * TILE + key) * QUAD;
                for (int n = 0; n < QUAD; n++) {
                    const int query = quad * QUAD + n;
                    float x0 = v0, x1 = v1;
                    if (query >= queries || t0 + key >= end[query / group]) continue; // weight 0, and perhaps no number there
                    if (key >= near) {
                        const T *at = far_values + (size_t)cell_of(j.rows, run.from + query / group, t0 + key) * dim + lane_d;
                        x0 = widen(at[0]), x1 = widen(at[1]);
                    }
                    acc[g][n] = __fmaf_rn(w[n], x0, acc[g][n]), acc[g][QUAD + n] = __fmaf_rn(w[n], x1, acc[g][QUAD + n]);
                }
            }
        }
    }
#pragma unroll
    for (int g = 0; g < QG; g++)
        for (int n = 0; n < QUAD; n++) {
            const int query = (first + g * at_once) * QUAD + n;
            if (first >= at_once || query >= queries || start >= end[query / group]) continue;
            const size_t row = (size_t)(run.from + query / group) * j.q_heads + head * group + query % group;
            float *to = j.work + (row * ATTENTION_PARTS + blockIdx.x) * (dim + 2);
            if (lane_d == 0) to[0] = top[query], to[1] = sum[query];
            to[2 + lane_d] = acc[g][n], to[3 + lane_d] = acc[g][QUAD + n];
        }
}

/* A block a row and query head, a thread a dimension. */
__global__ void merge_kernel(const float *__restrict__ work, struct rows rows, float *__restrict__ out) {
    const int i = blockIdx.x, dim = blockDim.x, d = threadIdx.x;
    const int end = rows.prefix[i] + rows.path_at[i + 1] - rows.path_at[i], part = attention_part(end), parts = (end + part - 1) / part;
    const size_t row = (size_t)i * gridDim.y + blockIdx.y;
    const float *from = work + row * ATTENTION_PARTS * (dim + 2);
    float top = -INFINITY, sum = 0, acc = 0;
    for (int k = 0; k < parts; k++) top = fmaxf(top, from[k * (dim + 2)]);
    for (int k = 0; k < parts; k++) {
        const float *x = from + k * (dim + 2), r = weight_of(x[0], top);
        sum = __fmaf_rn(x[1], r, sum), acc = __fmaf_rn(x[2 + d], r, acc);
    }
    out[row * dim + d] = acc / sum;
}

static int quads_most(int dim) { return quads_at_once(dim) * 8 < QUERIES_MOST / QUAD ? quads_at_once(dim) * 8 : QUERIES_MOST / QUAD; }

int attention_run_rows(int q_heads, const struct cache *c) { return quads_most(c->dim) * QUAD / (q_heads / c->heads); }

size_t attention_work(int n, int q_heads, int dim) { return (size_t)n * (size_t)q_heads * ATTENTION_PARTS * (size_t)(dim + 2); }

template <class T, int QG> static int allow(const struct cache *c) {
    const void *kernel = (const void *)attend_kernel<T, QG>;
    const int bytes = (int)shared_bytes(c->dim, sizeof(T), quads_at_once(c->dim) * QG);
    struct cudaFuncAttributes now;
    const cudaError_t e = cudaFuncGetAttributes(&now, kernel);
    if (e || bytes <= now.maxDynamicSharedSizeBytes) return e; // never less than another model's heads were allowed
    return cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, bytes);
}

template <class T> static int allow_all(const struct cache *c) { // as many groups a thread as a run may need
    int rc = allow<T, 1>(c), most = (quads_most(c->dim) + quads_at_once(c->dim) - 1) / quads_at_once(c->dim);
    if (!rc && most > 1) rc = allow<T, 2>(c);
    if (!rc && most > 2) rc = allow<T, 4>(c);
    return !rc && most > 4 ? allow<T, 8>(c) : rc;
}

int attention_allow(int q_heads, const struct cache *c) {
    (void)q_heads;
    return c->floats ? allow_all<float>(c) : allow_all<__half>(c);
}

template <class T> static void launch(cudaStream_t s, const struct job &j, int longest) {
    const int group = j.q_heads / j.c.heads, at_once = quads_at_once(j.c.dim), quads = (longest * group + QUAD - 1) / QUAD, each = (quads + at_once - 1) / at_once;
    dim3 grid(ATTENTION_PARTS, (unsigned)j.c.heads, (unsigned)j.rows.runs);
#define WITH(QG) LAUNCH((attend_kernel<T, QG>), grid, THREADS, shared_bytes(j.c.dim, sizeof(T), at_once * QG), s, j)
    if (each <= 1) WITH(1);
    else if (each <= 2) WITH(2);
    else if (each <= 4) WITH(4);
    else WITH(8);
#undef WITH
}

void attention_rows(cudaStream_t s, const struct cache *c, int layer, const struct rows *rows, int longest, int q_heads, const float *q, float *work, float *out) {
    const struct job j = {*c, layer, q_heads, *rows, q, work, 1 / sqrtf((float)c->dim)};
    if (c->floats) launch<float>(s, j, longest);
    else launch<__half>(s, j, longest);
    LAUNCH(merge_kernel, dim3((unsigned)rows->n, (unsigned)q_heads), c->dim, 0, s, work, *rows, out);
}
