/* memory.cu - what lies on the device: weights, tables, caches and scratch. Sizes are known before anything is allocated (core/fit.c asks). */
#include "gpu/state.h"

#include <string.h>

static constexpr size_t PART = 64 << 20; // bytes of packed tiles on the host at a time

void *memory_alloc(struct backend *b, size_t count, size_t size, const char *what, struct err *err) {
    size_t bytes;
    void *p = NULL;
    if (__builtin_mul_overflow(count, size, &bytes)) {
        err_set(err, "cannot allocate %zu x %zu bytes for %s", count, size, what);
        return NULL;
    }
    if (mem_grow(&b->block, &b->block_room, b->blocks + 1, sizeof *b->block, "device blocks", err)) return NULL;
    cudaError_t e = cudaMalloc(&p, bytes ? bytes : 1);
    if (e == cudaErrorMemoryAllocation) {
        size_t free_bytes = 0, total = 0;
        cudaGetLastError(); // not a sticky one
        cudaMemGetInfo(&free_bytes, &total);
        err_set(err, "CUDA device %d is out of memory: %.1f MiB for %s, %.1f MiB free: use a smaller --max-context or --quantize", b->device,
                (double)bytes / 0x1p20, what, (double)free_bytes / 0x1p20);
        return NULL;
    }
    if (!e) e = cudaMemsetAsync(p, 0, bytes, b->stream);
    if (e) {
        err_set(err, "CUDA device %d: cannot allocate %zu bytes for %s: %s", b->device, bytes, what, cudaGetErrorString(e));
        return NULL;
    }
    return b->block[b->blocks++] = p;
}

void memory_free(struct backend *b, void *p) {
    for (size_t i = 0; p && i < b->blocks; i++)
        if (b->block[i] == p) {
            b->block[i] = b->block[--b->blocks];
            cudaFree(p);
            return;
        }
}

struct packing {
    const struct tensor *t;
    int rows, cols, first;
    size_t tile_bytes;
    uint8_t *to;
};

static void pack_one(void *user, int i, int worker) {
    const struct packing *p = (const struct packing *)user;
    (void)worker;
    pack_tile(p->t->type, (const uint8_t *)p->t->data, p->rows, p->cols, p->first + i, p->to + (size_t)i * p->tile_bytes);
}

static int upload_tiles(struct backend *b, const struct tensor *t, struct weight *w, struct err *err) {
    struct packing p = {t, w->rows, w->cols, 0, pack_tile_bytes(w->kind, w->cols), NULL};
    const int tiles = (w->rows + PACK_ROWS - 1) / PACK_ROWS, some = (int)(PART / p.tile_bytes) + 1, most = some < tiles ? some : tiles;
    if (!(p.to = (uint8_t *)mem_alloc((size_t)most, p.tile_bytes, "packed weights", err))) return -1;
    for (; p.first < tiles; p.first += most) {
        const int n = tiles - p.first < most ? tiles - p.first : most;
        memset(p.to, 0, (size_t)n * p.tile_bytes);
        pool_run(b->pool, n, pack_one, &p);
        memory_write(b, (uint8_t *)w->data + (size_t)p.first * p.tile_bytes, p.to, (size_t)n * p.tile_bytes);
    }
    mem_free(p.to);
    return 0;
}

int memory_upload(struct backend *b, const struct tensor *t, struct weight *w, struct err *err) {
    const int kind = pack_kind(t->type);
    if (kind < 0) return err_set(err, "tensor '%.*s' has type %s, which the CUDA backend cannot multiply", (int)t->name_n, t->name, tensor_type_name(t->type));
    *w = {};
    w->rows = (int)t->ne[1], w->cols = (int)t->ne[0], w->kind = kind, w->bytes = pack_bytes(kind, w->rows, w->cols);
    if (!(w->data = memory_alloc(b, w->bytes, 1, "weights", err))) return -1;
    if (kind <= PACK_BF16) memory_write(b, w->data, t->data, w->bytes);
    else if (upload_tiles(b, t, w, err)) return -1;
    if (w->rows > b->widest) b->widest = w->rows;
    if (b->failed.text[0]) return err_set(err, "%s", b->failed.text);
    return 0;
}

int memory_table(struct backend *b, const struct tensor *t, const struct weight *matrix, struct weight *table, struct err *err) {
    if (!matrix) return memory_upload(b, t, table, err);
    *table = *matrix;
    return 0;
}

size_t memory_size(struct backend *b, uint32_t type, int rows, int cols) {
    (void)b;
    const int kind = pack_kind(type);
    return kind < 0 ? 0 : pack_bytes(kind, rows, cols);
}

/* A little stays free: the driver's own, and kept passes. */
size_t memory_room(struct backend *b) {
    size_t free_bytes = 0, total = 0;
    if (failed(b, cudaMemGetInfo(&free_bytes, &total), "asking for free memory")) return 0;
    const size_t spare = free_bytes / 16 < (size_t)256 << 20 ? free_bytes / 16 : (size_t)256 << 20;
    return free_bytes - spare;
}

/* Host memory that is not pinned is staged by the driver before the call returns; pinned memory is nobody's but this backend's. */
void memory_write(struct backend *b, void *to, const void *from, size_t bytes) {
    if (b->failed.text[0] || !bytes) return;
    failed(b, cudaMemcpyAsync(to, from, bytes, cudaMemcpyDefault, b->stream), "copying");
}

/* By way of pinned memory where it fits: one wait. */
void memory_read(struct backend *b, void *host, const void *from, size_t bytes) {
    void *to = bytes <= b->answer_bytes ? (void *)b->answer_host : host;
    if (to != host) b->has_moments = false; // they lay there
    if (!b->failed.text[0] && !failed(b, cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToHost, b->stream), "reading")
        && !failed(b, cudaStreamSynchronize(b->stream), "computing a pass")) {
        if (to != host) memcpy(host, to, bytes);
        return;
    }
    memset(host, 0, bytes);
}

void *memory_kv(struct backend *b, const struct kv_shape *s, int q_heads, struct err *err) {
    const int item = b->float_cache ? 4 : 2;
    if (s->dim % 8 || s->dim > 256 || q_heads % s->heads || q_heads / s->heads > 32) {
        err_set(err, "heads of size %d, %d queries for %d keys: the CUDA backend knows sizes of a multiple of 8 up to 256, up to 32 queries a key", s->dim,
                q_heads, s->heads);
        return NULL;
    }
    struct kv *kv = (struct kv *)mem_alloc(1, sizeof *kv, "the KV cache", err);
    if (!kv) return NULL;
    kv->next = b->kvs, b->kvs = kv;
    kv->c = {NULL, b->float_cache, s->layers, s->slots, s->cells, s->heads, s->dim};
    kv->q_heads = q_heads, kv->run_rows = attention_run_rows(q_heads, &kv->c);
    cudaError_t e = (cudaError_t)attention_allow(q_heads, &kv->c);
    if (e) {
        err_set(err, "CUDA device %d: heads of size %d need more shared memory than it has: %s", b->device, s->dim, cudaGetErrorString(e));
        return NULL;
    }
    size_t floats = attention_work(b->rows, q_heads, s->dim);
    if (floats > b->attention_floats) {
        memory_free(b, b->attention);
        pass_forget(b);
        b->attention_floats = 0;
        if (!(b->attention = (float *)memory_alloc(b, floats, sizeof(float), "attention", err))) return NULL;
        b->attention_floats = floats;
    }
    const size_t vectors = (size_t)s->layers * (size_t)s->slots * (size_t)s->heads * 2 * (size_t)s->cells;
    kv->c.data = memory_alloc(b, vectors, (size_t)s->dim * (size_t)item, "the KV cache (a smaller --max-context needs less)", err);
    return kv->c.data ? kv : NULL;
}

/* Replaces a scratch block by a larger one. */
template <class T> static int renew(struct backend *b, T **p, size_t count, size_t size, const char *what, struct err *err) {
    memory_free(b, *p);
    *p = (T *)memory_alloc(b, count, size, what, err);
    return *p ? 0 : -1;
}

int memory_top(struct backend *b, size_t bytes, struct err *err) {
    if (bytes <= b->top_bytes) return 0;
    b->top_bytes = 0;
    if (renew(b, (char **)&b->top_work, bytes, 1, "the largest logits", err)) return -1;
    b->top_bytes = bytes;
    return 0;
}

int memory_reserve(struct backend *b, int rows, int cols, struct err *err) {
    if (rows < b->rows) rows = b->rows;
    if (cols < b->cols) cols = b->cols;
    const size_t tile = (size_t)(rows > ROW_TILE ? rows : ROW_TILE), n = (size_t)rows, wide = (size_t)cols;
    pass_forget(b);
    cudaStreamSynchronize(b->stream);
    if (renew(b, &b->act.q, n, wide, "activations", err) || renew(b, &b->act.fine, n, wide, "activations", err)
        || renew(b, &b->act.head, n * ((wide + PACK_UNIT - 1) / PACK_UNIT), sizeof *b->act.head, "activations", err)
        || renew(b, (char **)&b->split, 2 * tile * wide, 2, "activations", err) || renew(b, &b->scale, tile, sizeof(float), "activations", err)
        || renew(b, &b->product, 2 * (b->loose ? tile : ROW_TILE) * (size_t)b->widest, sizeof(float), "products", err)
        || memory_top(b, top_work(rows, b->widest, TOP_MOST), err) || memory_top(b, choose_work(rows, b->widest), err)
        || renew(b, &b->answer, n * (2 * TOP_MOST + 2), sizeof(float), "the largest logits", err)) return -1;
    cudaFreeHost(b->answer_host);
    b->answer_host = NULL, b->answer_bytes = 0;
    if (cudaMallocHost((void **)&b->answer_host, n * (2 * TOP_MOST + 2) * sizeof(float))) return err_set(err, "CUDA device %d: no pinned memory", b->device);
    b->answer_bytes = n * (2 * TOP_MOST + 2) * sizeof(float);
    b->rows = rows, b->cols = cols;
    return pass_reserve(b, rows, err);
}
