/* cpu.c - the CPU backend: tiles of 16 output rows (kernels.h), shared out over a pool of threads.
 *
 * Each output element is computed whole by one thread, in one order; threads only decide who. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/backend.h"
#include "core/kernels.h"
#include "core/mem.h"
#include "core/noise.h"
#include "core/pool.h"
#include "core/tile.h"

enum { CHUNKS = 4096, CHUNK = 64 << 20, HUGE_PAGE = 2 << 20, ATTENTION_GROUP_MAX = 64, CHUNKS_A_THREAD = 4, FEW_ROWS = 4 };
/* Attention: rows of a run, floats of keys or values that stay in a first-level cache, floats of scores a thread. */
enum { ATTENTION_ROWS = 12, KV_PIECE = 6144, SCORES_MOST = 1 << 20 };

struct backend {
    const struct kernels *k;
    struct pool *pool;
    int threads;
    char device[128];
    int reserved_rows, reserved_cols;
    struct qblock *q;    // (cols / 32, rows) of each pass of the kernels: the product's input as int8 blocks
    struct qfine *fine;
    float *scores;       // (threads, score_floats)
    size_t score_floats; // rows that attend together times heads of a group times cells
    struct { void *at; size_t bytes; } chunk[CHUNKS]; // every block that alloc() gave out lies in one
    int chunks;
    uint8_t *free; // of the newest chunk
    size_t left;
};

static void describe(struct backend *b) {
    char model[96] = "CPU";
    FILE *f = fopen("/proc/cpuinfo", "r");
    char line[256];
    while (f && fgets(line, sizeof line, f))
        if (!strncmp(line, "model name", 10) && strchr(line, ':')) {
            snprintf(model, sizeof model, "%.90s", strchr(line, ':') + 2);
            model[strcspn(model, "\n")] = 0;
            break;
        }
    if (f) fclose(f);
    snprintf(b->device, sizeof b->device, "%s, %s", model, b->k->name);
}

static int refuse_kernels(const char *asked, struct err *err) {
    char known[256] = "";
    for (int i = 0; kernels_name(i); i++)
        if (kernels_find(kernels_name(i))) snprintf(known + strlen(known), sizeof known - strlen(known), "%s%s", *known ? ", " : "", kernels_name(i));
    return err_set(err, "BANDITSPEC_KERNELS is '%.32s', expected one that this machine runs: %s", asked, known);
}

static int cpu_open(struct backend **out, const struct backend_options *options, struct err *err) {
    const char *asked = getenv("BANDITSPEC_KERNELS");
    if (asked && *asked && !kernels_find(asked)) return refuse_kernels(asked, err);
    struct backend *b = mem_alloc(1, sizeof *b, "the CPU backend", err);
    if (!b) return -1;
    b->k = kernels_best();
    b->threads = options->threads > 0 ? options->threads : (int)sysconf(_SC_NPROCESSORS_ONLN);
    describe(b);
    if (pool_open(&b->pool, b->threads, err)) {
        mem_free(b);
        return -1;
    }
    *out = b;
    return 0;
}

static void free_scratch(struct backend *b) {
    mem_free(b->q), mem_free(b->fine);
    b->q = NULL, b->fine = NULL;
}

static void cpu_close(struct backend *b) {
    if (!b) return;
    for (int i = 0; i < b->chunks; i++) munmap(b->chunk[i].at, b->chunk[i].bytes);
    free_scratch(b);
    mem_free(b->scores);
    pool_close(b->pool);
    mem_free(b);
}

static const char *cpu_device(struct backend *b) { return b->device; }
static int cpu_threads(struct backend *b) { return b->threads; }

/* Blocks are cut from chunks that come in huge pages where the system has them: streaming
 * weights then rarely misses the TLB. A chunk is zero when fresh. */
static int new_chunk(struct backend *b, size_t bytes, const char *what, struct err *err) {
    size_t mapped = bytes > CHUNK ? bytes + HUGE_PAGE : CHUNK;
    if (b->chunks == CHUNKS) return err_set(err, "more than %d chunks of memory (%s)", CHUNKS, what);
    void *p = mmap(NULL, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED) return err_set(err, "cannot allocate %zu bytes for %s", bytes, what);
#ifdef MADV_HUGEPAGE
    madvise(p, mapped, MADV_HUGEPAGE);
#endif
    b->chunk[b->chunks].at = p;
    b->chunk[b->chunks++].bytes = mapped;
    b->free = p, b->left = mapped;
    return 0;
}

static void *cpu_alloc(struct backend *b, size_t count, size_t size, const char *what, struct err *err) {
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes) || bytes > SIZE_MAX / 2) {
        err_set(err, "cannot allocate %zu x %zu bytes for %s", count, size, what);
        return NULL;
    }
    bytes = (bytes + 63) / 64 * 64;
    if (bytes > b->left && new_chunk(b, bytes, what, err)) return NULL;
    void *p = b->free;
    b->free += bytes, b->left -= bytes;
    return p;
}

struct upload {
    const struct tensor *t;
    const struct weight *w;
    size_t row_bytes;
    int item; // bytes of a block
};

static void upload_tile(void *user, int tile, int worker) {
    const struct upload *u = user;
    (void)worker;
    uint8_t *to = (uint8_t *)u->w->data + tile_bytes(u->w->kind, u->w->cols) * (size_t)tile;
    for (int r = 0; r < TILE && tile * TILE + r < u->w->rows; r++) // lanes past the last row stay zero
        tile_pack_row((enum tile_kind)u->w->kind, (const uint8_t *)u->t->data + (size_t)(tile * TILE + r) * u->row_bytes, u->item, to, u->w->cols, r);
}

static int tiles_of(const struct weight *w) { return (w->rows + TILE - 1) / TILE; }

static int cpu_upload(struct backend *b, const struct tensor *t, struct weight *w, struct err *err) {
    int kind = tile_kind(t->type);
    const struct tensor_layout *layout = tensor_layout(t->type);
    if (kind < 0 || !layout)
        return err_set(err, "tensor '%.*s' has type %u, which the CPU backend cannot multiply", (int)t->name_n, t->name, t->type);
    *w = (struct weight){.rows = (int)t->ne[1], .cols = (int)t->ne[0], .kind = kind};
    size_t bytes = tile_bytes(kind, w->cols);
    if (!(w->data = cpu_alloc(b, (size_t)tiles_of(w), bytes, "weights", err))) return -1;
    w->bytes = (size_t)tiles_of(w) * bytes;
    struct upload u = {t, w, (size_t)w->cols / (size_t)layout->block * (size_t)layout->bytes, layout->bytes};
    pool_run(b->pool, tiles_of(w), upload_tile, &u);
    return 0;
}

static int cpu_reserve(struct backend *b, int rows, int cols, struct err *err) {
    if (rows <= b->reserved_rows && cols <= b->reserved_cols) return 0;
    rows = rows > b->reserved_rows ? rows : b->reserved_rows;
    cols = cols > b->reserved_cols ? cols : b->reserved_cols;
    free_scratch(b);
    size_t blocks = (size_t)rows * (((size_t)cols + QBLOCK - 1) / QBLOCK);
    b->q = mem_alloc(blocks, sizeof *b->q, "int8 activations", err);
    b->fine = mem_alloc(blocks, sizeof *b->fine, "int8 activations", err);
    if (!b->q || !b->fine) return -1;
    b->reserved_rows = rows, b->reserved_cols = cols;
    return 0;
}

static void cpu_write(struct backend *b, void *to, const void *host, size_t bytes) { (void)b, memcpy(to, host, bytes); }
static void cpu_read(struct backend *b, void *host, const void *from, size_t bytes) { (void)b, memcpy(host, from, bytes); }

/* The table stays where and as the file has it. */
static int cpu_table(struct backend *b, const struct tensor *t, const struct weight *matrix, struct weight *table, struct err *err) {
    (void)b, (void)matrix, (void)err;
    *table = (struct weight){.rows = (int)t->ne[1], .cols = (int)t->ne[0], .bytes = t->bytes, .data = (void *)t};
    return 0;
}

static void cpu_embed(struct backend *b, const struct weight *table, const struct batch *rows, float *out) {
    (void)b;
    for (int i = 0; i < rows->n; i++) {
        const int token = rows->chosen && rows->chosen[i] ? rows->chosen[i]->token : rows->token[i];
        tensor_row(table->data, (uint64_t)token, out + (size_t)i * table->cols);
    }
}

static void cpu_join(struct backend *b, const float *x, const struct batch *rows, int cols, float *out) {
    (void)b;
    const size_t bytes = (size_t)cols * sizeof *x;
    for (int i = 0; i < rows->n; i++, out += 2 * cols) {
        memcpy(out, x + (size_t)i * cols, bytes);
        memcpy(out + cols, rows->feature[i], bytes);
    }
}

static void cpu_pick(struct backend *b, const float *x, const struct batch *rows, int cols, float *out) {
    (void)b;
    for (int i = 0; i < rows->wanted; i++) memcpy(out + (size_t)i * cols, x + (size_t)rows->pick[i] * cols, (size_t)cols * sizeof *x);
}

/* A forward pass's rows go through the kernels in parts of even size: 13 as 6 and 7, not 12 and 1. */
static int parts_of(int n) { return (n + ROWS_AT_ONCE - 1) / ROWS_AT_ONCE; }
static int part_start(int n, int part) { return n * part / parts_of(n); }

/* One tile of one matrix, for all rows of the pass. */
static void multiply_tile(const struct kernels *k, const struct weight *w, int tile, const struct activation *a, int n, float *y) {
    const uint8_t *data = (const uint8_t *)w->data + tile_bytes(w->kind, w->cols) * (size_t)tile;
    int first = tile * TILE, lanes = w->rows - first < TILE ? w->rows - first : TILE, blocks = a->cols / QBLOCK;
    for (int p = 0; p < parts_of(n); p++) {
        int r = part_start(n, p), rows = part_start(n, p + 1) - r;
        struct activation part = {a->x + (size_t)r * a->cols, a->q + (size_t)r * blocks, a->fine + (size_t)r * blocks, a->cols};
        float *to = y + (size_t)r * w->rows + first, edge[ROWS_AT_ONCE * TILE];
        if (lanes == TILE) {
            k->tile[w->kind](data, &part, rows, to, (size_t)w->rows);
            continue;
        }
        k->tile[w->kind](data, &part, rows, edge, TILE);
        for (int i = 0; i < rows; i++) memcpy(to + (size_t)i * w->rows, edge + i * TILE, (size_t)lanes * sizeof *to);
    }
}

struct product {
    struct backend *b;
    int count, n, tiles, chunks;
    const struct weight *const *w;
    float *const *y;
    struct activation a;
};

static void quantize_row(void *user, int r, int worker) {
    const struct product *p = user;
    (void)worker;
    int part = 0;
    while (part_start(p->n, part + 1) <= r) part++;
    int first = part_start(p->n, part), rows = part_start(p->n, part + 1) - first;
    size_t at = (size_t)first * (p->a.cols / QBLOCK) + (size_t)(r - first);
    p->b->k->quantize(p->a.x + (size_t)r * p->a.cols, p->a.cols, rows, p->b->q + at, p->b->fine + at);
}

/* A run of tiles over all matrices of the product: long, so that each thread streams. */
static void multiply_chunk(void *user, int chunk, int worker) {
    const struct product *p = user;
    (void)worker;
    int from = (int)((int64_t)p->tiles * chunk / p->chunks), to = (int)((int64_t)p->tiles * (chunk + 1) / p->chunks);
    for (int t = from; t < to; t++) {
        int i = 0, tile = t;
        for (; tile >= tiles_of(p->w[i]); i++) tile -= tiles_of(p->w[i]);
        multiply_tile(p->b->k, p->w[i], tile, &p->a, p->n, p->y[i]);
    }
}

static void cpu_matmul(struct backend *b, int count, const struct weight *const *w, const float *x, int n, float *const *y) {
    struct product p = {b, count, n, 0, 0, w, y, {x, b->q, b->fine, w[0]->cols}};
    bool quantized = false;
    for (int i = 0; i < count; i++) {
        p.tiles += tiles_of(w[i]);
        quantized |= w[i]->kind > TILE_BF16;
    }
    p.chunks = b->threads * CHUNKS_A_THREAD < p.tiles ? b->threads * CHUNKS_A_THREAD : p.tiles;
    for (int r = 0; quantized && n < FEW_ROWS && r < n; r++) quantize_row(&p, r, 0);
    if (quantized && n >= FEW_ROWS) pool_run(b->pool, n, quantize_row, &p);
    pool_run(b->pool, p.chunks, multiply_chunk, &p);
}

static void cpu_norm(struct backend *b, const float *x, const float *weight, int n, int cols, float eps, float *out) {
    for (int i = 0; i < n; i++) b->k->norm(x + (size_t)i * cols, weight, cols, eps, out + (size_t)i * cols);
}

static void cpu_add(struct backend *b, float *x, const float *y, int n, int cols) {
    for (int i = 0; i < n; i++) b->k->add(x + (size_t)i * cols, y + (size_t)i * cols, cols);
}

static void cpu_add_bias(struct backend *b, float *x, const float *bias, int n, int cols) {
    for (int i = 0; i < n; i++) b->k->add(x + (size_t)i * cols, bias, cols);
}

static void cpu_gate(struct backend *b, const float *gate, const float *up, int n, int cols, float *out) {
    for (int i = 0; i < n; i++) b->k->gate(gate + (size_t)i * cols, up + (size_t)i * cols, cols, out + (size_t)i * cols);
}

/* Keys of one (layer, slot, head) in groups of 16 cells, (cells / 16, dim, 16); then the slot's
 * values, (cells, dim) a head. */
static size_t kv_stride(const struct kv_shape *s) { return ((size_t)s->cells + 15) / 16 * 16; }
static size_t kv_head_floats(const struct kv_shape *s) { return kv_stride(s) * (size_t)s->dim; }
static float *kv_keys(const struct kv_shape *s, const void *kv, int layer, int slot, int head) {
    return (float *)kv + ((((size_t)layer * s->slots + slot) * s->heads + head) * 2) * kv_head_floats(s);
}

static void *cpu_kv_alloc(struct backend *b, const struct kv_shape *s, int q_heads, struct err *err) {
    size_t row = kv_stride(s) * (size_t)(q_heads / s->heads), wanted = ATTENTION_ROWS * row;
    if (wanted > SCORES_MOST) wanted = row > SCORES_MOST ? row : SCORES_MOST;
    if (wanted > b->score_floats) {
        mem_free(b->scores);
        b->score_floats = wanted;
        if (!(b->scores = mem_alloc((size_t)b->threads, wanted * sizeof *b->scores, "attention scores", err))) return NULL;
    }
    size_t heads = (size_t)s->heads * (size_t)s->slots * (size_t)s->layers;
    return cpu_alloc(b, heads, 2 * kv_head_floats(s) * sizeof(float), "the KV cache (a smaller --max-context needs less)", err);
}

/* Value 0 of pair j lies at j * step, value 1 at `apart` more. */
static void rotate(float *x, const float *rope, int dim, enum rope_pairs pairs) {
    const int step = pairs == ROPE_HALVES ? 1 : 2, apart = pairs == ROPE_HALVES ? dim / 2 : 1;
    for (int j = 0; j < dim / 2; j++) {
        float c = rope[2 * j], s = rope[2 * j + 1], *p = x + j * step, a = p[0], b = p[apart];
        p[0] = a * c - b * s;
        p[apart] = a * s + b * c;
    }
}

static void cpu_rope_append(struct backend *b, const struct kv_shape *shape, void *kv, int layer, const struct batch *rows,
                            enum rope_pairs pairs, const float *rope, int q_heads, float *q, float *k, const float *v) {
    (void)b;
    const int dim = shape->dim;
    for (int i = 0; i < rows->n; i++) {
        const float *turn = rope + (size_t)rows->pos[i] * dim;
        for (int h = 0; h < q_heads; h++) rotate(q + ((size_t)i * q_heads + h) * dim, turn, dim, pairs);
        for (int h = 0; h < shape->heads; h++) {
            float *key = k + ((size_t)i * shape->heads + h) * dim;
            rotate(key, turn, dim, pairs);
            float *keys = kv_keys(shape, kv, layer, rows->slot[i], h), *values = keys + kv_head_floats(shape);
            size_t cell = (size_t)rows->cell[i];
            for (int d = 0; d < dim; d++) keys[(cell / 16 * dim + d) * 16 + cell % 16] = key[d];
            memcpy(values + cell * dim, v + ((size_t)i * shape->heads + h) * dim, (size_t)dim * sizeof *v);
        }
    }
}

struct attention {
    struct backend *b;
    const struct kv_shape *s;
    const void *kv;
    int layer, q_heads;
    const struct batch *rows;
    const int *run_at; // (runs + 1) rows [run_at[i], run_at[i + 1]) share a slot and one walk over its keys and values
    const float *q;
    float *out;
};

static int least(int a, int b) { return a < b ? a : b; }

static void cpu_kv_move(struct backend *b, const struct kv_shape *s, void *kv, int slot, int from, int to) {
    (void)b;
    const size_t dim = (size_t)s->dim, f = (size_t)from, t = (size_t)to;
    for (int layer = 0; layer < s->layers; layer++)
        for (int h = 0; h < s->heads; h++) {
            float *keys = kv_keys(s, kv, layer, slot, h), *values = keys + kv_head_floats(s);
            for (size_t d = 0; d < dim; d++) keys[(t / 16 * dim + d) * 16 + t % 16] = keys[(f / 16 * dim + d) * 16 + f % 16];
            memmove(values + t * dim, values + f * dim, dim * sizeof *values);
        }
}

/* A run of rows against one key/value head. A piece of the keys that the first-level cache holds meets all rows before the
 * next one comes, and the same with the values: a pass reads the KV cache once, however many rows it has. The query
 * heads of the group share each load. Every sum still runs over the cells in order, so the bits do not depend on the run. */
static void attend(const struct attention *a, int from, int n, int head, int worker) {
    struct backend *b = a->b;
    const struct batch *rows = a->rows;
    const int dim = a->s->dim, group = a->q_heads / a->s->heads, piece = (KV_PIECE / dim + 15) / 16 * 16;
    const size_t stride = kv_stride(a->s), row_scores = (size_t)group * stride;
    const float *keys = kv_keys(a->s, a->kv, a->layer, rows->slot[from], head), *values = keys + kv_head_floats(a->s);
    const float *q = a->q + ((size_t)from * a->q_heads + (size_t)head * group) * dim, scale = 1 / sqrtf((float)dim);
    float *out = a->out + (q - a->q), *scores = b->scores + (size_t)worker * b->score_floats;
    float total[ATTENTION_ROWS][ATTENTION_GROUP_MAX];
    const size_t step = (size_t)a->q_heads * dim;
    int prefix[ATTENTION_ROWS], path[ATTENTION_ROWS], end[ATTENTION_ROWS], most = 0;
    const int *own[ATTENTION_ROWS];
    for (int r = 0; r < n; r++) {
        int i = from + r;
        prefix[r] = rows->prefix[i], path[r] = rows->path_at[i + 1] - rows->path_at[i], own[r] = rows->path + rows->path_at[i];
        end[r] = path[r] ? own[r][path[r] - 1] + 1 : prefix[r];
        if (end[r] == prefix[r] + path[r]) prefix[r] = end[r], path[r] = 0; // a chain
        most = end[r] > most ? end[r] : most;
    }
    for (int c = 0; c < most; c += piece)
        for (int r = 0; r < n; r++)
            if (c < end[r]) b->k->scores(q + r * step, group, keys + (size_t)c * dim, dim, least(end[r] - c, piece), scale, scores + r * row_scores + c, stride);
    for (int r = 0; r < n; r++)
        for (int h = 0; h < group; h++) {
            float *s = scores + r * row_scores + h * stride;
            for (int c = 0; c < path[r]; c++) s[prefix[r] + c] = s[own[r][c]]; // a tree: only the row's own path, as if it were a chain
            total[r][h] = b->k->softmax(s, prefix[r] + path[r]);
        }
    for (int c = 0; c < most; c += piece)
        for (int r = 0; r < n; r++)
            if (c < prefix[r])
                b->k->mix(scores + r * row_scores + c, stride, c + piece >= prefix[r] && !path[r] ? total[r] : NULL, group, values + (size_t)c * dim,
                          (size_t)dim, NULL, least(prefix[r] - c, piece), dim, out + r * step, c > 0);
    for (int r = 0; r < n; r++)
        if (path[r]) b->k->mix(scores + r * row_scores + prefix[r], stride, total[r], group, values, (size_t)dim, own[r], path[r], dim, out + r * step, prefix[r] > 0);
}

static void attend_chunk(void *user, int chunk, int worker) {
    const struct attention *a = user;
    int run = chunk / a->s->heads, from = a->run_at[run];
    attend(a, from, a->run_at[run + 1] - from, chunk % a->s->heads, worker);
}

/* Rows of one slot in even runs, short enough that every thread gets some. */
static int split_runs(const struct backend *b, const struct kv_shape *s, const struct batch *rows, int q_heads, int *run_at) {
    size_t fit = b->score_floats / (kv_stride(s) * (size_t)(q_heads / s->heads));
    const int most = fit < ATTENTION_ROWS ? (int)fit : ATTENTION_ROWS;
    int runs = 0, wanted = (CHUNKS_A_THREAD * b->threads + s->heads - 1) / s->heads, share = (rows->n + wanted - 1) / wanted;
    int longest = b->threads == 1 ? most : least(most, share);
    for (int i = 0, end; i < rows->n; i = end) {
        for (end = i + 1; end < rows->n && rows->slot[end] == rows->slot[i];) end++;
        int parts = (end - i + longest - 1) / longest;
        for (int p = 0; p < parts; p++) run_at[runs++] = i + (int)((long)(end - i) * p / parts);
    }
    run_at[runs] = rows->n;
    return runs;
}

static void cpu_attention(struct backend *b, const struct kv_shape *s, const void *kv, int layer, const struct batch *rows, int q_heads,
                          const float *q, float *out) {
    int run_at[rows->n + 1];
    struct attention a = {b, s, kv, layer, q_heads, rows, run_at, q, out};
    pool_run(b->pool, split_runs(b, s, rows, q_heads, run_at) * s->heads, attend_chunk, &a);
}

/* Block maxima first, then only the blocks that hold a winner are searched. */
static void top_row(const struct kernels *k, const float *x, int cols, int want, int *ids, float *values) {
    enum { BLOCK = 256, BLOCKS = 4096 };
    float best[BLOCKS];
    int size = BLOCK, blocks;
    while ((blocks = (cols + size - 1) / size) > BLOCKS) size *= 2;
    for (int i = 0; i < blocks; i++) {
        for (int c = 0; c < size; c += 16) __builtin_prefetch(x + (size_t)(i + 4) * size + c); // the weights have pushed logits out of the caches
        best[i] = k->max(x + (size_t)i * size, cols - i * size < size ? cols - i * size : size);
    }
    for (int w = 0; w < want; w++) {
        int at = 0, id = -1;
        for (int i = 1; i < blocks; i++)
            if (best[i] > best[at]) at = i;
        float value = best[at], rest = -INFINITY;
        int end = (at + 1) * size < cols ? (at + 1) * size : cols;
        for (int c = at * size; c < end; c++) {
            bool taken = false;
            for (int v = 0; v < w; v++) taken |= ids[v] == c;
            if (taken) continue;
            if (id < 0 && !(x[c] < value)) id = c; // the first one; NaN everywhere still gives an id
            else if (x[c] > rest) rest = x[c];
        }
        ids[w] = id < 0 ? at * size : id;
        values[w] = x[ids[w]];
        best[at] = rest;
    }
}

static void cpu_confidence(struct backend *b, const float *logits, int n, int cols, float *top_prob, float *entropy) {
    for (int i = 0; i < n; i++) {
        const float *x = logits + (size_t)i * cols;
        float sum, weighted;
        b->k->moments(x, cols, b->k->max(x, cols), &sum, &weighted);
        top_prob[i] = 1 / sum;
        entropy[i] = logf(sum) - weighted / sum;
    }
}

struct topping {
    struct backend *b;
    const float *logits;
    int cols, k, *ids;
    float *values;
};

static void top_chunk(void *user, int i, int worker) {
    const struct topping *t = user;
    (void)worker;
    top_row(t->b->k, t->logits + (size_t)i * t->cols, t->cols, t->k, t->ids + (size_t)i * t->k, t->values + (size_t)i * t->k);
}

static void cpu_top(struct backend *b, const float *logits, int n, int cols, int k, int *ids, float *values) {
    struct topping t = {b, logits, cols, k, ids, values};
    pool_run(b->pool, n, top_chunk, &t);
}

struct chooser {
    struct backend *b;
    const float *logits;
    int cols;
    const struct choosing *how;
    struct choice *to;
};

static void choose_row(void *user, int i, int worker) {
    const struct chooser *c = user;
    const float *x = c->logits + (size_t)i * c->cols;
    struct choice *to = &c->to[i];
    int ids[2] = {0};
    float values[2] = {0};
    (void)worker;
    if (c->how->temperature > 0) {
        const struct place *at = &c->how->at[i];
        ids[0] = noise_row(x, c->how->ids, c->cols, c->how->temperature, c->how->seed, at->sequence, at->pos, &to->margin);
    } else {
        top_row(c->b->k, x, c->cols, c->cols < 2 ? 1 : 2, ids, values);
        to->margin = c->cols < 2 ? INFINITY : values[0] - values[1];
    }
    to->token = c->how->ids ? c->how->ids[ids[0]] : ids[0];
    to->top_prob = to->entropy = 0;
    if (c->how->signals) cpu_confidence(c->b, x, 1, c->cols, &to->top_prob, &to->entropy);
}

static void cpu_choose(struct backend *b, const float *logits, int n, int cols, const struct choosing *how, struct choice *to) {
    struct chooser c = {b, logits, cols, how, to};
    pool_run(b->pool, n, choose_row, &c);
}

const struct backend_type backend_cpu = {
    .name = "cpu", .open = cpu_open, .close = cpu_close, .device = cpu_device, .threads = cpu_threads,
    .alloc = cpu_alloc, .upload = cpu_upload, .table = cpu_table, .reserve = cpu_reserve, .write = cpu_write, .read = cpu_read,
    .embed = cpu_embed, .join = cpu_join, .pick = cpu_pick, .matmul = cpu_matmul, .norm = cpu_norm, .add = cpu_add, .add_bias = cpu_add_bias, .gate = cpu_gate,
    .kv_alloc = cpu_kv_alloc, .rope_append = cpu_rope_append, .attention = cpu_attention, .kv_move = cpu_kv_move, .top = cpu_top, .confidence = cpu_confidence,
    .choose = cpu_choose,
};
