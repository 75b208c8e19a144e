/* state.h - the CUDA backend's state, shared by its host files. One stream carries everything; the host waits only where it reads. */
#ifndef GPU_STATE_H
#define GPU_STATE_H

#include "gpu/launch.h"

#include <cublas_v2.h>

extern "C" {
#include "core/backend.h"
#include "core/mem.h"
#include "core/pool.h"
}
#include "gpu/kernels.h"

static constexpr int RING = 16;      // passes that may be under way before the host waits for the oldest one's rows to be copied
static constexpr int ROW_TILE = 32;  // rows of a product by cuBLAS, padding included
static constexpr int GRAPHS = 256;   // kinds of passes that are kept
static constexpr int MARKS = 8192;   // of the latest that were made

/* Keys and values of one model, and how its rows attend. */
struct kv {
    struct cache c;
    int q_heads, run_rows;
    struct kv *next;
};

/* What a pass is told apart by; everything else of it lies in device memory, at addresses that do not change. */
struct pass_key {
    const void *owner;
    int n, wanted, runs, longest;
};

struct pass_graph {
    struct pass_key key;
    cudaGraphExec_t exec; // null: seen once, and run operation by operation
};

struct backend {
    struct pool *pool; // for work on the host
    int threads, device;
    char name[320];
    bool loose, float_cache, use_graphs;
    struct err failed; // the first failure; no text: none so far
    cudaStream_t stream;
    cublasHandle_t blas;
    void *blas_work;

    void **block; // every allocation, owned
    size_t blocks, block_room;
    struct kv *kvs;

    // scratch, grown by reserve
    int rows, cols, widest; // rows of a pass, columns of a product's input, rows of the largest matrix
    struct activation act;
    void *split;       // (2 max(ROW_TILE, rows), cols) 16-bit or half as many floats
    float *scale;      // (max(ROW_TILE, rows))
    float *product;    // (2 max(ROW_TILE, rows), widest)
    float *attention;
    size_t attention_floats;
    void *top_work;
    size_t top_bytes;
    float *answer, *answer_host; // values, ids and moments of top(); pinned, and for whatever else the host reads that fits
    size_t answer_bytes;
    bool has_moments;            // of the rows that top() was asked for last
    const float *moments_of;
    int moments_n, moments_at; // in answer_host, in floats

    // rows of the pass
    cudaEvent_t mark[MARKS]; // made as they are needed
    int64_t marks;

    char *stage[RING], *staged; // pinned, and on the device
    cudaEvent_t copied[RING];
    int turn;
    struct rows rows_now;
    int longest;

    struct pass_graph graph[GRAPHS];
    int graphs, capturing; // capturing: index + 1
    long replays;
};

/* Keeps the first failure; true when e is one. */
bool failed(struct backend *b, cudaError_t e, const char *what);

/* memory.cu */
void *memory_alloc(struct backend *b, size_t count, size_t size, const char *what, struct err *err);
void memory_free(struct backend *b, void *p);
int memory_upload(struct backend *b, const struct tensor *t, struct weight *w, struct err *err);
int memory_table(struct backend *b, const struct tensor *t, const struct weight *matrix, struct weight *table, struct err *err);
int memory_top(struct backend *b, size_t bytes, struct err *err); // scratch of top_rows and choose_rows
size_t memory_size(struct backend *b, uint32_t type, int rows, int cols);
size_t memory_room(struct backend *b);
int memory_reserve(struct backend *b, int rows, int cols, struct err *err);
void memory_write(struct backend *b, void *to, const void *from, size_t bytes);
void memory_read(struct backend *b, void *host, const void *from, size_t bytes);
void *memory_kv(struct backend *b, const struct kv_shape *shape, int q_heads, struct err *err);

/* pass.cu */
bool pass_begin(struct backend *b, const void *owner, const void *kv, const struct batch *rows);
bool pass_end(struct backend *b);
int pass_reserve(struct backend *b, int rows, struct err *err); // staging for so many rows
void pass_forget(struct backend *b);                            // the graphs: addresses have changed
void pass_close(struct backend *b);

/* ops.cu */
extern const struct backend_type backend_cuda;

#endif
