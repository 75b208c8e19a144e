/* embed.cu - rows of an embedding table, to the bit what the file says; and rows gathered for a draft head or the output layer. */
#include "gpu/launch.h"
#include "gpu/kernels.h"
#include "gpu/unit.h"

static constexpr int THREADS = 128;

/* The row's token: known to the host, or chosen by an earlier pass and only known here. */
static __device__ __forceinline__ int token_of(const struct rows &rows, int i) {
    const struct chosen *c = rows.chosen ? rows.chosen[i] : (const struct chosen *)0;
    return c ? c->token : rows.token[i];
}

__global__ void __launch_bounds__(THREADS) embed_floats_kernel(int kind, const void *__restrict__ table, int cols, struct rows rows, float *__restrict__ out) {
    const size_t from = (size_t)token_of(rows, blockIdx.y) * cols, to = (size_t)blockIdx.y * cols;
    for (int i = blockIdx.x * THREADS + threadIdx.x; i < cols; i += gridDim.x * THREADS)
        out[to + i] = kind == PACK_F32 ? ((const float *)table)[from + i] : kind == PACK_F16 ? __half2float(((const __half *)table)[from + i])
                                       : __bfloat162float(((const __nv_bfloat16 *)table)[from + i]);
}

/* A thread a unit of 32 values; two roundings where a minimum is added, as the file's own conversion does. */
template <int KIND>
__global__ void __launch_bounds__(THREADS) embed_kernel(const uint8_t *__restrict__ table, size_t tile_bytes, int cols, struct rows rows, float *__restrict__ out) {
    const int token = token_of(rows, blockIdx.y), u = blockIdx.x * THREADS + threadIdx.x;
    if (u >= cols / PACK_UNIT) return;
    const struct unit w = unit_load<KIND>(table + (size_t)(token / PACK_ROWS) * tile_bytes, u, token % PACK_ROWS);
    float *to = out + (size_t)blockIdx.y * cols + u * PACK_UNIT;
#pragma unroll
    for (int i = 0; i < PACK_UNIT; i++) {
        const int q = (signed char)(w.v[i / 4] >> i % 4 * 8) - unit_offset<KIND>();
        const float x = __fmul_rn((float)q, i < 16 ? w.d0 : w.d1);
        to[i] = unit_adds<KIND>() ? __fadd_rn(x, w.m) : x;
    }
}

void embed_rows(cudaStream_t s, int kind, const void *table, int cols, const struct rows *rows, float *out) {
    const int items = kind <= PACK_BF16 ? cols : cols / PACK_UNIT;
    dim3 grid((unsigned)(items + THREADS - 1) / THREADS, (unsigned)rows->n);
    const uint8_t *t = (const uint8_t *)table;
    if (kind <= PACK_BF16) {
        LAUNCH(embed_floats_kernel, grid, THREADS, 0, s, kind, table, cols, *rows, out);
        return;
    }
    const size_t bytes = pack_tile_bytes(kind, cols);
    switch (kind) {
    case PACK_Q4_0: LAUNCH(embed_kernel<PACK_Q4_0>, grid, THREADS, 0, s, t, bytes, cols, *rows, out); break;
    case PACK_Q4_1: LAUNCH(embed_kernel<PACK_Q4_1>, grid, THREADS, 0, s, t, bytes, cols, *rows, out); break;
    case PACK_Q8_0: LAUNCH(embed_kernel<PACK_Q8_0>, grid, THREADS, 0, s, t, bytes, cols, *rows, out); break;
    case PACK_Q8_M: LAUNCH(embed_kernel<PACK_Q8_M>, grid, THREADS, 0, s, t, bytes, cols, *rows, out); break;
    case PACK_Q4_K: LAUNCH(embed_kernel<PACK_Q4_K>, grid, THREADS, 0, s, t, bytes, cols, *rows, out); break;
    default: LAUNCH(embed_kernel<PACK_Q6_K>, grid, THREADS, 0, s, t, bytes, cols, *rows, out);
    }
}

/* out row i = a row of x, then (where there are features) the row's feature. index: which row of x, null for i itself. */
__global__ void __launch_bounds__(THREADS) gather_kernel(const float *__restrict__ x, const int *index, const float *const *feature, int cols, float *__restrict__ out) {
    const int i = blockIdx.x * THREADS + threadIdx.x, row = blockIdx.y;
    if (i >= cols) return;
    float *to = out + (size_t)row * cols * (feature ? 2 : 1);
    to[i] = x[(size_t)(index ? index[row] : row) * cols + i];
    if (feature) to[cols + i] = feature[row][i];
}

static dim3 gather_grid(int n, int cols) { return dim3((unsigned)(cols + THREADS - 1) / THREADS, (unsigned)n); }

void join_rows(cudaStream_t s, const float *x, const struct rows *rows, int cols, float *out) {
    LAUNCH(gather_kernel, gather_grid(rows->n, cols), THREADS, 0, s, x, (const int *)nullptr, rows->feature, cols, out);
}

void pick_rows(cudaStream_t s, const float *x, const struct rows *rows, int cols, float *out) {
    LAUNCH(gather_kernel, gather_grid(rows->wanted, cols), THREADS, 0, s, x, rows->pick, (const float *const *)nullptr, cols, out);
}
