/* choose.cu - a token for each row of logits, where they lie: the largest, or the largest with noise (core/noise.h), in one pass over the vocabulary.
 *
 * A block takes a slice of a row and keeps the best score, its column and the second-best score; a second kernel does the
 * same with the slices'. Scores are doubles: of logits alone they are the floats, and with noise they are computed as on the host, operation by
 * operation (this file is built without contraction), so both choose alike. Ties go to the lowest column; what is no number never wins, and where
 * nothing does column 0 is chosen, as on the host. */
#include "gpu/launch.h"
#include "gpu/kernels.h"
#include "gpu/moments.h"

#include "core/noise.h"

static constexpr int THREADS = 256, EACH = 16, SLICE = THREADS * EACH, WARPS = THREADS / WARP;

struct winner {
    double best, second;
    int id; // of best; 0x7fffffff: none
};

static __device__ __forceinline__ struct winner nobody() { return {-INFINITY, -INFINITY, 0x7fffffff}; }

static __device__ __forceinline__ struct winner beat(struct winner a, struct winner b) {
    const bool second = b.best > a.best || (b.best == a.best && b.id < a.id);
    struct winner w = second ? b : a;
    const double loser = second ? a.best : b.best;
    if (loser > w.second) w.second = loser;
    return w;
}

static __device__ __forceinline__ struct winner block_winner(struct winner a, struct winner *part) {
    for (int o = WARP / 2; o; o >>= 1) {
        struct winner b;
        b.best = __shfl_xor_sync(ALL_LANES, a.best, o), b.second = __shfl_xor_sync(ALL_LANES, a.second, o), b.id = __shfl_xor_sync(ALL_LANES, a.id, o);
        a = beat(a, b);
    }
    if (threadIdx.x % WARP == 0) part[threadIdx.x / WARP] = a;
    __syncthreads();
    a = part[0];
    for (int i = 1; i < WARPS; i++) a = beat(a, part[i]);
    return a;
}

/* Rows `from` .. of a launch and their places, by value: nothing is staged. */
struct some_rows {
    int from;
    struct noise_place at[CHOOSE_ROWS];
};

template <bool NOISE>
__global__ void __launch_bounds__(THREADS)
choose_slice_kernel(const float *__restrict__ logits, int cols, double scale, uint64_t seed, const int *__restrict__ ids, struct some_rows rows,
                    struct winner *__restrict__ winners, float *__restrict__ moments) {
    SHARED(struct winner, part, [WARPS]);
    SHARED(float, sums, [2 * WARPS]);
    SHARED(float, tops, [WARPS]);
    const int base = blockIdx.x * SLICE + threadIdx.x, row = rows.from + blockIdx.y;
    const float *from = logits + (size_t)row * cols;
    const struct noise_place place = rows.at[NOISE ? blockIdx.y : 0];
    struct winner mine = nobody();
#pragma unroll 4
    for (int i = 0; i < EACH; i++) { // ascending columns: the first of equals stays
        const int id = base + i * THREADS;
        if (id >= cols) continue;
        double score = __ldg(from + id);
        if (NOISE) {
            const double u = noise_uniform(seed, place.sequence, place.pos, ids ? ids[id] : id), logit = score * scale;
            if (u <= NOISE_RARE && logit + NOISE_FAR <= mine.second) continue;
            score = logit + noise_gumbel(u);
        }
        if (score > mine.best) mine.second = mine.best, mine.best = score, mine.id = id;
        else if (score > mine.second) mine.second = score;
    }
    mine = block_winner(mine, part);
    const size_t at = (size_t)row * gridDim.x + blockIdx.x;
    if (threadIdx.x == 0) winners[at] = mine;
    if (!moments) return; // all of them
    float x[EACH], top = -INFINITY; // out of the first-level cache
#pragma unroll
    for (int i = 0; i < EACH; i++) {
        const int id = base + i * THREADS;
        x[i] = id < cols ? __ldg(from + id) : -INFINITY;
        if (!(x[i] == x[i])) x[i] = -INFINITY;
        top = fmaxf(top, x[i]);
    }
    top = warp_max(top);
    if (threadIdx.x % WARP == 0) tops[threadIdx.x / WARP] = top;
    __syncthreads();
    for (int i = 0; i < WARPS; i++) top = fmaxf(top, tops[i]);
    moments_of<EACH, WARPS>(x, top, sums, moments + at * 3);
}

/* Of `slices` slices: a block a row. The margin of logits alone is the difference of floats. */
__global__ void __launch_bounds__(THREADS)
choose_kernel(const struct winner *__restrict__ winners, const float *__restrict__ moments, int slices, int floats, const int *__restrict__ ids,
              struct chosen *__restrict__ to) {
    SHARED(struct winner, part, [WARPS]);
    struct winner mine = nobody();
    for (int i = threadIdx.x; i < slices; i += THREADS) mine = beat(mine, winners[(size_t)blockIdx.x * slices + i]);
    mine = block_winner(mine, part);
    if (threadIdx.x) return;
    struct chosen c = {0, 0, 0, 0};
    const int column = mine.id == nobody().id ? 0 : mine.id;
    c.token = ids ? ids[column] : column;
    c.margin = floats ? (float)mine.best - (float)mine.second : (float)(mine.best - mine.second);
    if (moments) moments_merge(moments + (size_t)blockIdx.x * slices * 3, slices, &c.top_prob, &c.entropy);
    to[blockIdx.x] = c;
}

static int slices_of(int cols) { return (cols + SLICE - 1) / SLICE; }

size_t choose_work(int n, int cols) { return (size_t)n * (size_t)slices_of(cols) * (sizeof(struct winner) + 3 * sizeof(float)); }

void choose_rows(cudaStream_t s, const float *logits, int n, int cols, double temperature, uint64_t seed, const struct noise_place *at, const int *ids,
                 int signals, void *work, struct chosen *to) {
    const int slices = slices_of(cols);
    struct winner *winners = (struct winner *)work;
    float *moments = signals ? (float *)(winners + (size_t)n * (size_t)slices) : NULL;
    for (int from = 0; from < n; from += CHOOSE_ROWS) {
        struct some_rows rows = {};
        const int some = n - from < CHOOSE_ROWS ? n - from : CHOOSE_ROWS;
        const dim3 grid((unsigned)slices, (unsigned)some);
        rows.from = from;
        for (int i = 0; temperature > 0 && i < some; i++) rows.at[i] = at[from + i];
        if (temperature > 0) LAUNCH(choose_slice_kernel<true>, grid, THREADS, 0, s, logits, cols, 1 / temperature, seed, ids, rows, winners, moments);
        else LAUNCH(choose_slice_kernel<false>, grid, THREADS, 0, s, logits, cols, 1.0, seed, ids, rows, winners, moments);
    }
    LAUNCH(choose_kernel, n, THREADS, 0, s, (const struct winner *)winners, (const float *)moments, slices, !(temperature > 0), ids, to);
}
