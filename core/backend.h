/* backend.h - the operations a model graph is made of.
 *
 * One table, several implementations: cpu.c, and gpu/ in a shared object of its own. The graph (engine.c) is written once
 * above it. Every operation is row by row: a row's result is the same bits whatever other rows the pass
 * holds and however many threads run it (law 2). Buffers come from alloc(); only read() and
 * write() move data between them and the host. Shapes are (rows, columns), row-major floats.
 *
 * Operations may run later than they are called, in the order of the calls; those that hand something to the host (read, top,
 * confidence) wait. A token that choose() left in the backend's memory can be the next pass's without anybody waiting. What fails in between is kept and told by status() and wait(); until then results are zeros. */
#ifndef CORE_BACKEND_H
#define CORE_BACKEND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/err.h"
#include "core/tensor.h"

struct backend;

/* A matrix as the backend keeps it: y = W x, W is (rows, cols). */
struct weight {
    int rows, cols;
    int kind;      // the backend's own
    size_t bytes;  // read by one product, scales included
    void *data;    // owned by the backend
};

/* The rows of one forward pass (ragged: any mix of sequences, chains and trees). */
struct batch {
    int n;
    const int *token; // (n)
    const struct choice *const *chosen; // (n) rows whose token was chosen by choose() and lies there, unread; null: in `token`; null altogether
    const int *slot;  // (n) KV slot
    const int *pos;   // (n) rotary position
    const int *cell;  // (n) KV cell the row's key and value are written to
    /* The cells row i attends to: [0, prefix[i]), then path[path_at[i] .. path_at[i + 1]):
     * its ancestors in this pass and itself, root first. */
    const int *prefix;  // (n)
    const int *path, *path_at;
    const float *const *feature; // (n) for join(): a draft head's second inputs, in buffers of the backend; null elsewhere
    int wanted;
    const int *pick;             // (wanted) the rows that go through the output layer, ascending
};

/* Which two values of a head turn together: (2j, 2j + 1) or (j, j + dim / 2), "NEOX". */
enum rope_pairs { ROPE_NEIGHBOURS, ROPE_HALVES };

struct kv_shape {
    int layers, slots, cells, heads, dim; // heads: key/value heads; cells: a slot's capacity
};

/* Where a row decides: what its noise is keyed by. */
struct place {
    uint32_t sequence;
    int pos;
};

/* How tokens are chosen from logits: the largest, or where temperature > 0 the largest of logit / temperature + noise (core/noise.h). Ties
 * go to the first. */
struct choosing {
    double temperature;
    uint64_t seed;
    const struct place *at; // (n) of the rows, on the host; only with noise
    const int *ids;         // (cols) the token of each column, in the backend's memory; null: its number
    bool signals;           // top_prob and entropy are wanted
};

struct choice {
    int token;
    float margin;            // its score less the second's
    float top_prob, entropy; // of the softmax of the row: its largest probability, and nats
};

struct backend_options {
    int threads;        // CPU: 0 for all cores
    const char *device; // which card, "0"; null for the default
    bool loose;         // rows need not be the same bits in any company (law 2): what that law costs can be measured
};

struct backend_type {
    const char *name;
    int (*open)(struct backend **b, const struct backend_options *options, struct err *err);
    void (*close)(struct backend *b);
    const char *(*device)(struct backend *b); // "AMD EPYC 9654, avx512-vnni"
    int (*threads)(struct backend *b);
    void *(*alloc)(struct backend *b, size_t count, size_t size, const char *what, struct err *err); // zeroed; freed by close
    int (*upload)(struct backend *b, const struct tensor *t, struct weight *w, struct err *err);
    /* Makes an embedding table of t ready for embed(). matrix: the same tensor where it was uploaded, or null. */
    int (*table)(struct backend *b, const struct tensor *t, const struct weight *matrix, struct weight *table, struct err *err);
    /* Before anything is allocated: bytes that upload() of (rows, cols) of a tensor_type takes, and bytes that are free. Null: memory
     * is the system's affair. kv_bytes: of one key or value. */
    size_t (*size)(struct backend *b, uint32_t type, int rows, int cols);
    size_t (*room)(struct backend *b);
    size_t (*kv_bytes)(struct backend *b);
    double (*peak)(struct backend *b); // bytes a second of its memory, as the device states it; null or 0: unknown
    int (*reserve)(struct backend *b, int rows, int cols, struct err *err); // scratch for products up to this size
    void (*write)(struct backend *b, void *to, const void *from, size_t bytes); // from the host or another buffer
    void (*read)(struct backend *b, void *host, const void *from, size_t bytes);

    /* The operations on `rows` from begin to end are one forward pass of `owner` with this cache; the rows stay as they are until then.
     * begin: true, the backend knows what such a pass of this owner does and has started it: no operation is to be called. end: false,
     * it only took notes and failed to: the operations are to be called again. owner null: never a pass like another. Both null: nothing to do. */
    bool (*begin)(struct backend *b, const void *owner, const void *kv, const struct batch *rows);
    bool (*end)(struct backend *b);

    /* out (n, cols) = the rows' tokens in the table. */
    void (*embed)(struct backend *b, const struct weight *table, const struct batch *rows, float *out);
    /* out (n, 2 cols) = x (n, cols) beside the rows' features. */
    void (*join)(struct backend *b, const float *x, const struct batch *rows, int cols, float *out);
    /* out (wanted, cols) = those rows of x (n, cols). */
    void (*pick)(struct backend *b, const float *x, const struct batch *rows, int cols, float *out);
    /* y[i] (n, w[i]->rows) = x (n, cols) W_i^T for `count` matrices of equal cols. */
    void (*matmul)(struct backend *b, int count, const struct weight *const *w, const float *x, int n, float *const *y);
    void (*norm)(struct backend *b, const float *x, const float *weight, int n, int cols, float eps, float *out);
    void (*add)(struct backend *b, float *x, const float *y, int n, int cols);
    void (*add_bias)(struct backend *b, float *x, const float *bias, int n, int cols); // bias (cols) to every row
    void (*gate)(struct backend *b, const float *gate, const float *up, int n, int cols, float *out);
    /* Room for every key and value of `shape`, and scratch for attention with q_heads query heads. Several models may
     * share a backend, each with its own. */
    void *(*kv_alloc)(struct backend *b, const struct kv_shape *shape, int q_heads, struct err *err);
    /* Rotates q (n, q_heads * dim) and k (n, heads * dim) by `pairs` with the table
     * rope (positions, dim / 2, 2: cos, sin), and stores k and v in the rows' cells of `layer`. What k holds then is no one's. */
    void (*rope_append)(struct backend *b, const struct kv_shape *shape, void *kv, int layer, const struct batch *rows,
                        enum rope_pairs pairs, const float *rope, int q_heads, float *q, float *k, const float *v);
    /* Copies keys and values of cell `from` to cell `to` of the slot, in every layer. */
    void (*kv_move)(struct backend *b, const struct kv_shape *shape, void *kv, int slot, int from, int to);
    void (*attention)(struct backend *b, const struct kv_shape *shape, const void *kv, int layer, const struct batch *rows,
                      int q_heads, const float *q, float *out);
    /* The k largest of each row of logits (n, cols), largest first, ties to the lower index. */
    void (*top)(struct backend *b, const float *logits, int n, int cols, int k, int *ids, float *values);
    /* Of the softmax of each row: its largest probability and its entropy in nats, (n) each, on the host. */
    void (*confidence)(struct backend *b, const float *logits, int n, int cols, float *top_prob, float *entropy);
    /* A choice for each row of logits (n, cols), to `to` (n) in the backend's memory. The same bits on every backend where the logits are. */
    void (*choose)(struct backend *b, const float *logits, int n, int cols, const struct choosing *how, struct choice *to);

    /* Marks where the calls have got to; never 0. elapsed: ns from one mark to a later one on the backend's clock, once something that
     * was called after both has been waited for. Null: the host's clock, since everything is done when a call returns. */
    int64_t (*mark)(struct backend *b);
    int64_t (*elapsed)(struct backend *b, int64_t from, int64_t to);

    /* What has failed since open (a device that is gone stays gone); wait: after everything that was called is done. Null: nothing
     * fails, everything is done when a call returns. */
    int (*status)(struct backend *b, struct err *err);
    int (*wait)(struct backend *b, struct err *err);
};

extern const struct backend_type backend_cpu;

/* A backend in a shared object (backend.c says where it is looked for) exports this, declared as banditspec_backend: the table, or
 * null where it was built for another BACKEND_VERSION of this header. */
enum { BACKEND_VERSION = 2 };
typedef const struct backend_type *backend_entry(int version);

/* By name ("cpu", "cuda"); null with `err` set, listing what there is. */
const struct backend_type *backend_find(const char *name, struct err *err);

#endif
