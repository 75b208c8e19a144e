/* ops.cu - the operations of core/backend.h, each a kernel or a few (kernels.h), and the backend's opening. */
#include "gpu/state.h"

#include <algorithm>
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <vector>

static constexpr int BLAS_WORK = 32 << 20; // bytes, as cuBLAS advises for sm_90; of its own choice it would allocate while passes are captured

bool failed(struct backend *b, cudaError_t e, const char *what) {
    if (e && !b->failed.text[0]) err_set(&b->failed, "CUDA device %d failed while %s: %s", b->device, what, cudaGetErrorString(e));
    return e != cudaSuccess;
}

static bool gone(const struct backend *b) { return b->failed.text[0] != 0; }

/* -- opening -- */

static int read_device(const char *text, int *device, struct err *err) {
    char *end = NULL;
    long n = text && *text ? strtol(text, &end, 10) : 0;
    if (text && *text && (*end || n < 0 || n > 1023)) return err_usage(err, "device '%.40s', expected a number as nvidia-smi counts them", text);
    *device = (int)n;
    return 0;
}

/* The device is there, or one line why not. */
static int find_device(int device, struct cudaDeviceProp *p, struct err *err) {
    int count = 0, driver = 0, runtime = 0;
    cudaError_t e = cudaGetDeviceCount(&count);
    cudaGetLastError();
    cudaDriverGetVersion(&driver);
    cudaRuntimeGetVersion(&runtime);
    if (e == cudaErrorInsufficientDriver && !driver) return err_set(err, "backend 'cuda' needs an NVIDIA driver, none is loaded on this machine");
    if (e == cudaErrorInsufficientDriver)
        return err_set(err, "backend 'cuda' was built for CUDA %d.%d, the driver knows %d.%d: a newer driver is needed", runtime / 1000, runtime % 1000 / 10,
                       driver / 1000, driver % 1000 / 10);
    if (e == cudaErrorNoDevice || (!e && !count)) return err_set(err, "backend 'cuda' finds no device (is CUDA_VISIBLE_DEVICES set?)");
    if (e) return err_set(err, "backend 'cuda' cannot start: %s", cudaGetErrorString(e));
    if (device >= count) return err_set(err, "there is no CUDA device %d, only 0 to %d", device, count - 1);
    if ((e = cudaSetDevice(device)) || (e = cudaGetDeviceProperties(p, device))) return err_set(err, "CUDA device %d: %s", device, cudaGetErrorString(e));
    if (p->major < 8) return err_set(err, "CUDA device %d (%s) is sm_%d%d, expected sm_80 or newer", device, p->name, p->major, p->minor);
    return 0;
}

static void cuda_close(struct backend *b) {
    if (!b) return;
    if (b->stream) cudaStreamSynchronize(b->stream);
    pass_close(b);
    for (size_t i = 0; i < b->blocks; i++) cudaFree(b->block[i]);
    mem_free(b->block);
    for (struct kv *next; b->kvs; b->kvs = next) {
        next = b->kvs->next;
        mem_free(b->kvs);
    }
    cudaFreeHost(b->answer_host);
    for (int i = 0; i < RING; i++)
        if (b->copied[i]) cudaEventDestroy(b->copied[i]);
    for (int i = 0; i < MARKS && b->mark[i]; i++) cudaEventDestroy(b->mark[i]);
    if (b->blas) cublasDestroy(b->blas);
    if (b->stream) cudaStreamDestroy(b->stream);
    if (b->pool) pool_close(b->pool);
    mem_free(b);
}

static int open_library(struct backend *b, struct err *err) {
    if (failed(b, cudaStreamCreateWithFlags(&b->stream, cudaStreamNonBlocking), "opening")) return err_set(err, "%s", b->failed.text);
    for (int i = 0; i < RING; i++)
        if (failed(b, cudaEventCreateWithFlags(&b->copied[i], cudaEventDisableTiming), "opening")
            || failed(b, cudaEventRecord(b->copied[i], b->stream), "opening")) return err_set(err, "%s", b->failed.text);
    if (!(b->blas_work = memory_alloc(b, BLAS_WORK, 1, "cuBLAS", err))) return -1;
    cublasStatus_t s = cublasCreate(&b->blas);
    if (!s) s = cublasSetStream(b->blas, b->stream);
    if (!s) s = cublasSetWorkspace(b->blas, b->blas_work, BLAS_WORK);
    return s ? err_set(err, "CUDA device %d: cuBLAS cannot start: %s", b->device, cublasGetStatusString(s)) : 0;
}

static int cuda_open(struct backend **out, const struct backend_options *o, struct err *err) {
    struct cudaDeviceProp p;
    int device = 0, runtime = 0, rc = read_device(o->device, &device, err);
    if (rc || find_device(device, &p, err)) return rc ? rc : -1;
    struct backend *b = (struct backend *)mem_alloc(1, sizeof *b, "the CUDA backend", err);
    if (!b) return -1;
    const char *set = getenv("BANDITSPEC_CUDA"); // "kv=f32,graphs=0"
    cudaRuntimeGetVersion(&runtime);
    b->device = device, b->loose = o->loose;
    b->float_cache = set && strstr(set, "kv=f32"), b->use_graphs = !(set && strstr(set, "graphs=0"));
    b->threads = o->threads > 0 ? o->threads : (int)sysconf(_SC_NPROCESSORS_ONLN);
    snprintf(b->name, sizeof b->name, "%s, sm_%d%d, CUDA %d.%d%s%s", p.name, p.major, p.minor, runtime / 1000, runtime % 1000 / 10,
             b->float_cache ? ", f32 cache" : "", b->loose ? ", loose rows" : "");
    if (pool_open(&b->pool, b->threads, err) || open_library(b, err)) {
        cuda_close(b);
        return -1;
    }
    *out = b;
    return 0;
}

static const char *cuda_device(struct backend *b) { return b->name; }
static int cuda_threads(struct backend *b) { return b->threads; }
/* Twice a clock, as memory transfers at both edges. */
static double cuda_peak(struct backend *b) {
    int khz = 0, bits = 0;
    if (cudaDeviceGetAttribute(&khz, cudaDevAttrMemoryClockRate, b->device) || cudaDeviceGetAttribute(&bits, cudaDevAttrGlobalMemoryBusWidth, b->device)) {
        cudaGetLastError();
        return 0;
    }
    return 2.0 * khz * 1e3 * bits / 8;
}
static size_t cuda_kv_bytes(struct backend *b) { return b->float_cache ? 4 : 2; }

/* -- products -- */

static cudaDataType type_of(int kind) { return kind == PACK_F32 ? CUDA_R_32F : kind == PACK_F16 ? CUDA_R_16F : CUDA_R_16BF; }

/* The float matrices of one kind: rows in tiles of a fixed number, so that the same product runs whatever their number. */
static void multiply_floats(struct backend *b, int kind, int count, const struct weight *const *w, const float *x, int n, float *const *y) {
    const float one = 1, zero = 0;
    const int cols = w[0]->cols, tile = b->loose ? n : ROW_TILE;
    for (int from = 0; from < n; from += tile) {
        const int rows = n - from < tile ? n - from : tile;
        gemm_split(b->stream, kind, x + (size_t)from * cols, rows, cols, tile, b->split, b->scale);
        for (int i = 0; i < count; i++) {
            if (w[i]->kind != kind) continue;
            cublasStatus_t s = cublasGemmEx(b->blas, CUBLAS_OP_T, CUBLAS_OP_N, w[i]->rows, kind == PACK_F32 ? tile : 2 * tile, cols, &one, w[i]->data,
                                            type_of(kind), cols, b->split, type_of(kind), cols, &zero, b->product, CUDA_R_32F, w[i]->rows,
                                            CUBLAS_COMPUTE_32F, CUBLAS_GEMM_DEFAULT);
            if (s && !gone(b)) err_set(&b->failed, "CUDA device %d failed while multiplying: %s", b->device, cublasGetStatusString(s));
            gemm_join(b->stream, kind, b->product, rows, w[i]->rows, tile, b->scale, y[i] + (size_t)from * w[i]->rows);
        }
    }
}

static void cuda_matmul(struct backend *b, int count, const struct weight *const *w, const float *x, int n, float *const *y) {
    if (gone(b)) return;
    const int cols = w[0]->cols;
    bool rounded = false;
    for (int kind = 0; kind < PACK_KINDS; kind++) {
        struct product p[PRODUCTS_MOST];
        int some = 0;
        for (int i = 0; i < count; i++)
            if (w[i]->kind == kind) p[some++] = {w[i]->data, y[i], w[i]->rows};
        if (!some) continue;
        if (kind <= PACK_BF16) {
            multiply_floats(b, kind, count, w, x, n, y);
            continue;
        }
        if (!rounded) quantize_rows(b->stream, x, n, cols, &b->act);
        rounded = true;
        multiply(b->stream, kind, some, p, cols, &b->act, n);
    }
}

/* -- the rest, kernel by kernel -- */

static void cuda_embed(struct backend *b, const struct weight *table, const struct batch *rows, float *out) {
    (void)rows;
    if (!gone(b)) embed_rows(b->stream, table->kind, table->data, table->cols, &b->rows_now, out);
}
static void cuda_join(struct backend *b, const float *x, const struct batch *rows, int cols, float *out) {
    (void)rows;
    if (!gone(b)) join_rows(b->stream, x, &b->rows_now, cols, out);
}
static void cuda_pick(struct backend *b, const float *x, const struct batch *rows, int cols, float *out) {
    (void)rows;
    if (!gone(b)) pick_rows(b->stream, x, &b->rows_now, cols, out);
}
static void cuda_norm(struct backend *b, const float *x, const float *weight, int n, int cols, float eps, float *out) {
    if (!gone(b)) norm_rows(b->stream, x, weight, n, cols, eps, out);
}
static void cuda_add(struct backend *b, float *x, const float *y, int n, int cols) {
    if (!gone(b)) add_to(b->stream, x, y, n, cols);
}
static void cuda_add_bias(struct backend *b, float *x, const float *bias, int n, int cols) {
    if (!gone(b)) add_bias_to(b->stream, x, bias, n, cols);
}
static void cuda_gate(struct backend *b, const float *gate, const float *up, int n, int cols, float *out) {
    if (!gone(b)) gate_rows(b->stream, gate, up, n, cols, out);
}
static void cuda_rope_append(struct backend *b, const struct kv_shape *shape, void *kv, int layer, const struct batch *rows, enum rope_pairs pairs,
                             const float *rope, int q_heads, float *q, float *k, const float *v) {
    (void)shape, (void)rows;
    if (!gone(b)) rope_append(b->stream, &((struct kv *)kv)->c, layer, &b->rows_now, pairs == ROPE_HALVES, rope, q_heads, q, k, v);
}
static void cuda_kv_move(struct backend *b, const struct kv_shape *shape, void *kv, int slot, int from, int to) {
    (void)shape;
    if (!gone(b)) cache_move(b->stream, &((struct kv *)kv)->c, slot, from, to);
}
static void cuda_attention(struct backend *b, const struct kv_shape *shape, const void *kv, int layer, const struct batch *rows, int q_heads, const float *q,
                           float *out) {
    (void)shape, (void)rows;
    if (!gone(b)) attention_rows(b->stream, &((const struct kv *)kv)->c, layer, &b->rows_now, b->longest, q_heads, q, b->attention, out);
}

/* -- what the host reads -- */

/* Values, ids and moments in one copy; false: nothing came. */
static bool ask(struct backend *b, const float *logits, int n, int cols, int k) {
    const size_t many = (size_t)n * (size_t)k, bytes = (2 * many + 2 * (size_t)n) * sizeof(float);
    if (gone(b) || memory_top(b, top_work(n, cols, k), &b->failed)) return false;
    top_rows(b->stream, logits, n, cols, k, b->top_work, (int *)b->answer + many, b->answer, b->answer + 2 * many);
    if (failed(b, cudaMemcpyAsync(b->answer_host, b->answer, bytes, cudaMemcpyDeviceToHost, b->stream), "reading tokens")
        || failed(b, cudaStreamSynchronize(b->stream), "computing a pass")) return false;
    b->has_moments = true, b->moments_of = logits, b->moments_n = n, b->moments_at = (int)(2 * many);
    return true;
}

/* More than the kernel finds: on the host. */
static void top_on_host(struct backend *b, const float *logits, int n, int cols, int k, int *ids, float *values) {
    std::vector<float> x((size_t)cols);
    std::vector<int> order((size_t)cols);
    for (int r = 0; r < n; r++) {
        memory_read(b, x.data(), logits + (size_t)r * (size_t)cols, (size_t)cols * sizeof(float));
        for (int i = 0; i < cols; i++) order[(size_t)i] = i, x[(size_t)i] = isnan(x[(size_t)i]) ? -INFINITY : x[(size_t)i];
        std::partial_sort(order.begin(), order.begin() + k, order.end(), [&](int i, int j) {
            return x[(size_t)i] != x[(size_t)j] ? x[(size_t)i] > x[(size_t)j] : i < j;
        });
        for (int i = 0; i < k; i++) ids[r * k + i] = order[(size_t)i], values[r * k + i] = x[(size_t)order[(size_t)i]];
    }
}

static void cuda_top(struct backend *b, const float *logits, int n, int cols, int k, int *ids, float *values) {
    const size_t many = (size_t)n * (size_t)k;
    memset(ids, 0, many * sizeof *ids), memset(values, 0, many * sizeof *values);
    if (k > TOP_MOST) {
        top_on_host(b, logits, n, cols, k, ids, values);
        return;
    }
    if (!ask(b, logits, n, cols, k)) return;
    memcpy(values, b->answer_host, many * sizeof *values);
    memcpy(ids, b->answer_host + many, many * sizeof *ids);
}

/* Comes with the top: asked for after it, nothing is computed or read again. */
static void cuda_confidence(struct backend *b, const float *logits, int n, int cols, float *top_prob, float *entropy) {
    const bool known = b->has_moments && b->moments_of == logits && b->moments_n == n && !gone(b);
    const bool ok = known || ask(b, logits, n, cols, 1);
    for (int i = 0; i < n; i++) {
        const float *m = b->answer_host + b->moments_at + 2 * i;
        top_prob[i] = ok ? m[0] : 0, entropy[i] = ok ? m[1] : 0;
    }
}

static_assert(sizeof(struct chosen) == sizeof(struct choice) && offsetof(struct chosen, entropy) == offsetof(struct choice, entropy), "the same choice");
static_assert(sizeof(struct noise_place) == sizeof(struct place) && offsetof(struct noise_place, pos) == offsetof(struct place, pos), "the same place");

static void cuda_choose(struct backend *b, const float *logits, int n, int cols, const struct choosing *how, struct choice *to) {
    if (gone(b) || memory_top(b, choose_work(n, cols), &b->failed)) return;
    choose_rows(b->stream, logits, n, cols, how->temperature, how->seed, (const struct noise_place *)how->at, how->ids, how->signals, b->top_work, (struct chosen *)to);
}

/* Events of the stream, in a ring. */
static int64_t cuda_mark(struct backend *b) {
    cudaEvent_t *e = &b->mark[b->marks % MARKS];
    if (!gone(b) && !*e) failed(b, cudaEventCreate(e), "timing");
    if (!gone(b)) failed(b, cudaEventRecord(*e, b->stream), "timing");
    return ++b->marks;
}

static int64_t cuda_elapsed(struct backend *b, int64_t from, int64_t to) {
    cudaEvent_t first = b->mark[(from - 1) % MARKS], last = b->mark[(to - 1) % MARKS];
    float ms = 0;
    if (gone(b) || from < 1 || to < from || b->marks - from >= MARKS) return 0;
    cudaError_t e = cudaEventElapsedTime(&ms, first, last);
    if (e == cudaErrorNotReady) { // nobody has waited yet
        cudaGetLastError();
        if (failed(b, cudaEventSynchronize(last), "timing")) return 0;
        e = cudaEventElapsedTime(&ms, first, last);
    }
    return failed(b, e, "timing") ? 0 : (int64_t)((double)ms * 1e6);
}

static int cuda_status(struct backend *b, struct err *err) {
    failed(b, cudaPeekAtLastError(), "computing");
    return gone(b) ? err_set(err, "%s", b->failed.text) : 0;
}

static int cuda_wait(struct backend *b, struct err *err) {
    if (!gone(b)) failed(b, cudaStreamSynchronize(b->stream), "computing a pass");
    return cuda_status(b, err);
}

const struct backend_type backend_cuda = {
    .name = "cuda", .open = cuda_open, .close = cuda_close, .device = cuda_device, .threads = cuda_threads,
    .alloc = memory_alloc, .upload = memory_upload, .table = memory_table, .size = memory_size, .room = memory_room, .kv_bytes = cuda_kv_bytes, .peak = cuda_peak,
    .reserve = memory_reserve, .write = memory_write, .read = memory_read, .begin = pass_begin, .end = pass_end,
    .embed = cuda_embed, .join = cuda_join, .pick = cuda_pick, .matmul = cuda_matmul, .norm = cuda_norm, .add = cuda_add, .add_bias = cuda_add_bias,
    .gate = cuda_gate, .kv_alloc = memory_kv, .rope_append = cuda_rope_append, .kv_move = cuda_kv_move, .attention = cuda_attention,
    .top = cuda_top, .confidence = cuda_confidence, .choose = cuda_choose, .mark = cuda_mark, .elapsed = cuda_elapsed, .status = cuda_status, .wait = cuda_wait,
};

/* What the program looks for in the shared object (core/backend.c). */
extern "C" __attribute__((visibility("default"))) const struct backend_type *banditspec_backend(int version);
extern "C" const struct backend_type *banditspec_backend(int version) { return version == BACKEND_VERSION ? &backend_cuda : NULL; }
