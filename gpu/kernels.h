/* kernels.h - the kernels' host entries, and what they are told of a pass.
 *
 * Every pointer is device memory unless it says otherwise; shapes are (rows, columns), row-major. An entry launches on the stream and
 * returns at once; launch errors are left to cudaGetLastError. A row's result does not depend on what else is in the launch: sums run in an
 * order that the shape of the weights or the row itself fixes, and products and sums of floats that the compiler might contract
 * differently from instance to instance are written as __fmaf_rn, __fmul_rn, __fadd_rn. */
#ifndef GPU_KERNELS_H
#define GPU_KERNELS_H

#include <cuda_runtime.h>
#include <stdint.h>

#include "gpu/pack.h"

/* The rows of a pass on the device: backend.h's batch, and runs of rows that read keys and values together (attention.cu). */
struct rows {
    int n, wanted, runs;
    const int *token, *slot, *pos, *cell, *prefix, *pick, *path_at, *path; // as in struct batch
    const struct chosen *const *chosen;                                    // (n), or null
    const float *const *feature;                                           // (n)
    const struct run *run;                                                 // (runs)
};

struct run {
    int from, n;    // rows [from, from + n): one slot, one length of a part
    int part;       // cells of a part; a row of `end` keys has ceil(end / part) of them
    int shared;     // keys [0, shared) lie in the cells of the same numbers for all of them
};

/* Keys and values: (layers, slots, heads, 2, cells, dim), halves or floats. */
struct cache {
    void *data;
    int floats; // not halves
    int layers, slots, cells, heads, dim;
};

/* More parts keep more of a card busy with few heads, fewer move fewer bytes: at 8 five rows over 2048 keys stay within 1.15 of the least. */
enum { ATTENTION_PARTS = 8, ATTENTION_TILE = 64 };
/* Cells of a part for a row that attends to `end` keys: a multiple of the tile, at most ATTENTION_PARTS of them. */
static __host__ __device__ inline int attention_part(int end) { return (end + ATTENTION_PARTS * ATTENTION_TILE - 1) / (ATTENTION_PARTS * ATTENTION_TILE) * ATTENTION_TILE; }
int attention_run_rows(int q_heads, const struct cache *c); // rows a run may have
int attention_allow(int q_heads, const struct cache *c);    // once, before launches: lets kernels use the shared memory they need; a cudaError_t

/* embed.cu */
void embed_rows(cudaStream_t s, int kind, const void *table, int cols, const struct rows *rows, float *out);
void join_rows(cudaStream_t s, const float *x, const struct rows *rows, int cols, float *out); // out (n, 2 cols)
void pick_rows(cudaStream_t s, const float *x, const struct rows *rows, int cols, float *out); // out (wanted, cols)

/* norm.cu */
void norm_rows(cudaStream_t s, const float *x, const float *weight, int n, int cols, float eps, float *out);

/* pointwise.cu */
void add_to(cudaStream_t s, float *x, const float *y, int n, int cols);
void add_bias_to(cudaStream_t s, float *x, const float *bias, int n, int cols);
void gate_rows(cudaStream_t s, const float *gate, const float *up, int n, int cols, float *out); // out may be either

/* rope.cu: rotates q (n, q_heads, dim) in place; rotated k and v go to the cells of `layer`. */
void rope_append(cudaStream_t s, const struct cache *c, int layer, const struct rows *rows, int halves, const float *rope, int q_heads, float *q,
                 const float *k, const float *v);
void cache_move(cudaStream_t s, const struct cache *c, int slot, int from, int to); // of every layer and head

/* attention.cu: work (n, q_heads, ATTENTION_PARTS, dim + 2) floats. longest: rows of the longest run. */
size_t attention_work(int n, int q_heads, int dim); // floats
void attention_rows(cudaStream_t s, const struct cache *c, int layer, const struct rows *rows, int longest, int q_heads, const float *q, float *work, float *out);

/* quantize.cu: rows of x as int8 in units of 32, with a second term for units whose scale stands out (core/kernels.h). */
struct activation {
    int8_t *q, *fine; // (cols / 32, n, 32): a kernel meets the same unit of all its rows side by side
    uint4 *head;      // (cols / 32, n): scale and second scale (float bits); sums of q over values 0..15 and 16..31 (int16 x 2); of fine
};
void quantize_rows(cudaStream_t s, const float *x, int n, int cols, const struct activation *to);

/* matmul.cu: y (n, rows) of up to PRODUCTS_MOST quantized matrices of one kind and as many columns. */
enum { PRODUCTS_MOST = 4 };
struct product {
    const void *w;
    float *y;
    int rows;
};
void multiply(cudaStream_t s, int kind, int count, const struct product *p, int cols, const struct activation *x, int n);

/* gemm.cu: what cuBLAS multiplies. Halves: x = scale (high + low), two 16-bit rows `apart` rows from each other, exact to 16 (BF16) or 22
 * (F16) bits, so that activations lose next to nothing; the two products are added up again. Floats: as they are. */
void gemm_split(cudaStream_t s, int kind, const float *x, int n, int cols, int apart, void *to, float *scale);
void gemm_join(cudaStream_t s, int kind, const float *from, int n, int rows, int apart, const float *scale, float *y);

/* choose.cu: a row's token and signals, as core/backend.h's struct choice; places: its struct place. at: on the host. work: choose_work() bytes. */
struct chosen {
    int token;
    float margin, top_prob, entropy;
};
struct noise_place {
    uint32_t sequence;
    int pos;
};
enum { CHOOSE_ROWS = 32 }; // whose places go along with a launch
size_t choose_work(int n, int cols);
void choose_rows(cudaStream_t s, const float *logits, int n, int cols, double temperature, uint64_t seed, const struct noise_place *at, const int *ids,
                 int signals, void *work, struct chosen *to);

/* top.cu: in one pass over logits (n, cols), the k <= TOP_MOST largest of a row and its softmax's moments. ids, values (n, k);
 * moments (n, 2): largest probability, entropy in nats. work: top_work() bytes. */
enum { TOP_MOST = 64 };
size_t top_work(int n, int cols, int k);
void top_rows(cudaStream_t s, const float *logits, int n, int cols, int k, void *work, int *ids, float *values, float *moments);

#endif
