// cuapi.cc - CUDA runtime API and cuBLAS on the CPU, for the emulator.
//
// The functions have the prototypes of cuda_runtime_api.h and cublas_v2.h, so host code (C or C++)
// is compiled unchanged and only linked with this file instead of libcudart and libcublas.
//
// Environment:
//   CUEMU_LAZY=1   stream work runs only when something waits for it: shows missing synchronization
//   CUEMU_GUARD=1  (ASan) host access to device memory is reported as use-after-poison
//   CUEMU_SM=90    compute capability of the pretended device
#include "cuemu.h"
#include <cblas.h>
#include <cstdio>
#include <cstdlib>
#include <cublas_v2.h>
#include <map>
#include <time.h>
#include <vector>
#ifdef CUEMU_ASAN // the functions: the ASAN_* macros do nothing in a file built without -fsanitize
#include <sanitizer/asan_interface.h>
#else
#define __asan_poison_memory_region(p, n) ((void)(p), (void)(n))
#define __asan_unpoison_memory_region(p, n) ((void)(p), (void)(n))
#endif

using Work = std::function<void()>;
struct CUgraph_st { std::vector<Work> work; };
struct CUgraphExec_st { std::vector<Work> work; };
struct CUstream_st { std::vector<Work> queue; CUgraph_st *capture = nullptr; };
struct CUevent_st { CUstream_st *stream = nullptr; double ms = 0; };
struct cublasContext { cudaStream_t stream = nullptr; };

namespace {

bool flag(const char *name) { const char *s = getenv(name); return s && *s == '1'; }
const bool lazy = flag("CUEMU_LAZY"), guard = flag("CUEMU_GUARD");

cudaError_t last_error = cudaSuccess;
cudaError_t result(cudaError_t e) { return e ? last_error = e : e; }

std::vector<CUstream_st *> streams;
CUstream_st *get(cudaStream_t s) {
    static CUstream_st *null_stream = nullptr;
    if (!null_stream) streams.push_back(null_stream = new CUstream_st);
    return s ? s : null_stream;
}
void drain(CUstream_st *s) {
    while (!s->queue.empty()) { // work may add work (a wait for an event drains another stream)
        std::vector<Work> q;
        q.swap(s->queue);
        for (Work &w : q) w();
    }
}
void drain_all() { get(nullptr); for (size_t i = 0; i < streams.size(); i++) drain(streams[i]); }

// ---- device memory: heap blocks, so ASan guards both ends ------------------------------------------

std::map<char *, size_t> live;
int open_depth;

// While Open lives, device memory is accessible.
struct Open {
    Open() { if (guard && !open_depth++) for (auto &a : live) __asan_unpoison_memory_region(a.first, a.second); }
    ~Open() { if (guard && !--open_depth) for (auto &a : live) __asan_poison_memory_region(a.first, a.second); }
};

// Bytes from p to the end of its device allocation; -1 if p is not device memory.
long room(const void *p) {
    char *c = static_cast<char *>(const_cast<void *>(p));
    auto i = live.upper_bound(c);
    if (i == live.begin()) return -1;
    --i;
    return c < i->first + i->second ? static_cast<long>(i->first + i->second - c) : -1;
}

bool copy_ok(const void *dst, const void *src, size_t n, cudaMemcpyKind kind) {
    bool to_device = kind == cudaMemcpyHostToDevice || kind == cudaMemcpyDeviceToDevice;
    bool from_device = kind == cudaMemcpyDeviceToHost || kind == cudaMemcpyDeviceToDevice;
    long d = room(dst), s = room(src), len = static_cast<long>(n);
    if (kind == cudaMemcpyDefault) to_device = d >= 0, from_device = s >= 0;
    bool ok = (to_device ? d >= len : d < 0) && (from_device ? s >= len : s < 0);
    if (!ok) fprintf(stderr, "cuemu: bad copy of %zu bytes, kind %d: room at dst %ld, at src %ld\n", n, kind, d, s);
    return ok;
}

double now_ms() {
    timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return static_cast<double>(t.tv_sec) * 1e3 + static_cast<double>(t.tv_nsec) * 1e-6;
}

std::map<const void *, int> max_dynamic_shared;

} // namespace

namespace cuemu {
void enqueue(cudaStream_t stream, Work op) {
    CUstream_st *s = get(stream);
    if (s->capture) s->capture->work.push_back(std::move(op));
    else if (lazy) s->queue.push_back(std::move(op));
    else op();
}

bool check_launch(const char *name, dim3 g, dim3 b, size_t smem, cudaStream_t, const void *kernel) {
    auto attr = max_dynamic_shared.find(kernel);
    size_t limit = attr == max_dynamic_shared.end() ? 48 << 10 : static_cast<size_t>(attr->second);
    bool ok = g.x && g.y && g.z && g.x <= 0x7fffffffu && g.y <= 65535 && g.z <= 65535 && b.x && b.y && b.z && b.z <= 64 &&
              static_cast<uint64_t>(b.x) * b.y * b.z <= 1024 && smem <= limit;
    if (ok) return true;
    fprintf(stderr, "cuemu: bad launch of %s: grid (%u,%u,%u) block (%u,%u,%u) shared %zu of %zu\n", name, g.x, g.y, g.z, b.x,
            b.y, b.z, smem, limit);
    last_error = smem > limit ? cudaErrorInvalidValue : cudaErrorInvalidConfiguration;
    return false;
}

void run_grid(const char *name, dim3 grid, dim3 block, size_t smem, const Work &thread) {
    Open o; // device memory is accessible while a kernel runs
    run_blocks(name, grid, block, smem, thread);
}
} // namespace cuemu

extern "C" {

// ---- memory ------------------------------------------------------------------------------------------

cudaError_t cudaMalloc(void **p, size_t n) {
    if (posix_memalign(p, 256, n ? n : 1)) return result(cudaErrorMemoryAllocation);
    memset(*p, 0xFF, n); // NaN: nothing may rely on fresh memory
    live[static_cast<char *>(*p)] = n;
    if (guard && !open_depth) __asan_poison_memory_region(*p, n);
    return cudaSuccess;
}
cudaError_t cudaFree(void *p) {
    drain_all();
    auto i = live.find(static_cast<char *>(p));
    if (p && i == live.end()) return result(cudaErrorInvalidValue);
    if (!p) return cudaSuccess;
    __asan_unpoison_memory_region(p, i->second);
    live.erase(i);
    free(p);
    return cudaSuccess;
}
cudaError_t cudaMallocAsync(void **p, size_t n, cudaStream_t) { return cudaMalloc(p, n); }
cudaError_t cudaFreeAsync(void *p, cudaStream_t) { return cudaFree(p); }
cudaError_t cudaMallocHost(void **p, size_t n) {
    return posix_memalign(p, 256, n ? n : 1) ? result(cudaErrorMemoryAllocation) : cudaSuccess;
}
cudaError_t cudaHostAlloc(void **p, size_t n, unsigned) { return cudaMallocHost(p, n); }
cudaError_t cudaFreeHost(void *p) { drain_all(); free(p); return cudaSuccess; }
cudaError_t cudaMemGetInfo(size_t *free_bytes, size_t *total) {
    *total = size_t(80) << 30, *free_bytes = *total;
    for (auto &a : live) *free_bytes -= a.second;
    return cudaSuccess;
}
cudaError_t cudaMemcpyAsync(void *dst, const void *src, size_t n, cudaMemcpyKind kind, cudaStream_t s) {
    if (!copy_ok(dst, src, n, kind)) return result(cudaErrorInvalidValue);
    cuemu::enqueue(s, [=] { Open o; memmove(dst, src, n); });
    return cudaSuccess;
}
cudaError_t cudaMemcpy(void *dst, const void *src, size_t n, cudaMemcpyKind kind) {
    drain_all();
    cudaError_t e = cudaMemcpyAsync(dst, src, n, kind, nullptr);
    drain_all();
    return e;
}
cudaError_t cudaMemsetAsync(void *p, int value, size_t n, cudaStream_t s) {
    if (room(p) < static_cast<long>(n)) return result(cudaErrorInvalidValue);
    cuemu::enqueue(s, [=] { Open o; memset(p, value, n); });
    return cudaSuccess;
}
cudaError_t cudaMemset(void *p, int value, size_t n) {
    drain_all();
    cudaError_t e = cudaMemsetAsync(p, value, n, nullptr);
    drain_all();
    return e;
}

// ---- streams, events, graphs -------------------------------------------------------------------------

cudaError_t cudaStreamCreateWithFlags(cudaStream_t *s, unsigned) { streams.push_back(*s = new CUstream_st); return cudaSuccess; }
cudaError_t cudaStreamCreate(cudaStream_t *s) { return cudaStreamCreateWithFlags(s, 0); }
cudaError_t cudaStreamSynchronize(cudaStream_t s) {
    if (get(s)->capture) return result(cudaErrorStreamCaptureUnsupported);
    return drain(get(s)), last_error;
}
cudaError_t cudaStreamDestroy(cudaStream_t s) {
    drain(s);
    for (size_t i = 0; i < streams.size(); i++)
        if (streams[i] == s) streams.erase(streams.begin() + static_cast<long>(i));
    delete s;
    return cudaSuccess;
}
cudaError_t cudaDeviceSynchronize() { return drain_all(), last_error; }
cudaError_t cudaEventCreateWithFlags(cudaEvent_t *e, unsigned) { *e = new CUevent_st; return cudaSuccess; }
cudaError_t cudaEventCreate(cudaEvent_t *e) { return cudaEventCreateWithFlags(e, 0); }
cudaError_t cudaEventDestroy(cudaEvent_t e) { drain_all(); delete e; return cudaSuccess; }
cudaError_t cudaEventRecord(cudaEvent_t e, cudaStream_t s) {
    e->stream = get(s);
    cuemu::enqueue(s, [=] { e->ms = now_ms(); });
    return cudaSuccess;
}
cudaError_t cudaEventSynchronize(cudaEvent_t e) { if (e->stream) drain(e->stream); return last_error; }
cudaError_t cudaEventQuery(cudaEvent_t e) { return cudaEventSynchronize(e); }
cudaError_t cudaStreamWaitEvent(cudaStream_t s, cudaEvent_t e, unsigned) {
    CUstream_st *other = e->stream;
    if (other && other != get(s) && !other->capture) cuemu::enqueue(s, [=] { drain(other); });
    return cudaSuccess;
}
cudaError_t cudaEventElapsedTime(float *ms, cudaEvent_t a, cudaEvent_t b) {
    if (!a->stream || !b->stream) return result(cudaErrorInvalidResourceHandle);
    return *ms = static_cast<float>(b->ms - a->ms), cudaSuccess;
}
cudaError_t cudaStreamBeginCapture(cudaStream_t s, cudaStreamCaptureMode) {
    if (!s || s->capture) return result(cudaErrorStreamCaptureUnsupported);
    return s->capture = new CUgraph_st, cudaSuccess;
}
cudaError_t cudaStreamEndCapture(cudaStream_t s, cudaGraph_t *g) { return *g = s->capture, s->capture = nullptr, cudaSuccess; }
cudaError_t cudaGraphInstantiate(cudaGraphExec_t *x, cudaGraph_t g, unsigned long long) {
    return *x = new CUgraphExec_st{g->work}, cudaSuccess;
}
cudaError_t cudaGraphLaunch(cudaGraphExec_t x, cudaStream_t s) {
    for (Work &w : x->work) cuemu::enqueue(s, w);
    return cudaSuccess;
}
cudaError_t cudaGraphDestroy(cudaGraph_t g) { delete g; return cudaSuccess; }
cudaError_t cudaGraphExecDestroy(cudaGraphExec_t x) { drain_all(); delete x; return cudaSuccess; }

// ---- device and errors ---------------------------------------------------------------------------------

cudaError_t cudaGetDeviceCount(int *n) { return *n = 1, cudaSuccess; }
cudaError_t cudaGetDevice(int *d) { return *d = 0, cudaSuccess; }
cudaError_t cudaSetDevice(int d) { return d ? result(cudaErrorInvalidDevice) : cudaSuccess; }
cudaError_t cudaGetDeviceProperties(cudaDeviceProp *p, int) {
    const char *s = getenv("CUEMU_SM");
    int sm = s ? atoi(s) : 90;
    memset(p, 0, sizeof *p);
    snprintf(p->name, sizeof p->name, "cuemu sm_%d", sm);
    p->major = sm / 10, p->minor = sm % 10;
    p->multiProcessorCount = 2, p->warpSize = 32, p->maxThreadsPerBlock = 1024, p->maxThreadsPerMultiProcessor = 2048;
    p->totalGlobalMem = size_t(80) << 30, p->sharedMemPerBlock = 48 << 10, p->sharedMemPerBlockOptin = sm == 80 ? 163 << 10 : 227 << 10;
    p->sharedMemPerMultiprocessor = p->sharedMemPerBlockOptin + 1024, p->regsPerBlock = 65536, p->l2CacheSize = 40 << 20;
    return cudaSuccess;
}
cudaError_t cudaFuncSetAttribute(const void *f, cudaFuncAttribute a, int v) {
    if (a == cudaFuncAttributeMaxDynamicSharedMemorySize) max_dynamic_shared[f] = v;
    return v > 227 << 10 ? result(cudaErrorInvalidValue) : cudaSuccess;
}
cudaError_t cudaGetLastError() { cudaError_t e = last_error; last_error = cudaSuccess; return e; }
cudaError_t cudaPeekAtLastError() { return last_error; }
const char *cudaGetErrorString(cudaError_t e) { return e ? "CUDA error (cuemu)" : "no error"; }
const char *cudaGetErrorName(cudaError_t e) { return e ? "cudaError" : "cudaSuccess"; }

// ---- cuBLAS: convert to fp32, call OpenBLAS, round once ------------------------------------------------

} // extern "C"

namespace {

size_t elem(cudaDataType t) { return t == CUDA_R_32F ? 4 : 2; }
float widen(uint16_t v) { // bf16: the top half of an fp32; this form is vectorized
    uint32_t u = static_cast<uint32_t>(v) << 16;
    float f;
    return memcpy(&f, &u, 4), f;
}
float widen(__half v) { return __half2float(v); }
template <class T> void widen(float *out, const void *p, int rows, int cols, int ld) {
    for (size_t c = 0; c < static_cast<size_t>(cols); c++, out += rows) {
        const T *in = static_cast<const T *>(p) + c * static_cast<size_t>(ld);
        for (int r = 0; r < rows; r++) out[r] = widen(in[r]);
    }
}
void store(void *p, cudaDataType t, size_t i, float v) {
    if (t == CUDA_R_16BF) static_cast<__nv_bfloat16 *>(p)[i] = __float2bfloat16(v);
    else if (t == CUDA_R_16F) static_cast<__half *>(p)[i] = __float2half(v);
    else static_cast<float *>(p)[i] = v;
}
bool type_ok(cudaDataType t) { return t == CUDA_R_32F || t == CUDA_R_16BF || t == CUDA_R_16F; }

// A column-major rows x cols operand at leading dimension ld. OpenBLAS is not instrumented, so the
// extent is checked here; a matrix that leaves its allocation is fatal, as in a kernel under ASan.
void check_matrix(const char *name, const void *p, cudaDataType t, int rows, int cols, int ld) {
    long need = rows && cols ? (static_cast<long>(cols - 1) * ld + rows) * static_cast<long>(elem(t)) : 0;
    if (room(p) >= need && ld >= rows) return;
    fprintf(stderr, "cuemu: ERROR: GEMM operand %s (%d x %d, ld %d) needs %ld bytes, has %ld\n", name, rows, cols, ld, need, room(p));
    abort();
}
const float *as_float(std::vector<float> &buf, const void *p, cudaDataType t, int rows, int cols, int &ld) {
    if (t == CUDA_R_32F) return static_cast<const float *>(p);
    buf.resize(static_cast<size_t>(rows) * static_cast<size_t>(cols));
    (t == CUDA_R_16BF ? widen<uint16_t> : widen<__half>)(buf.data(), p, rows, cols, ld);
    ld = rows;
    return buf.data();
}

struct Gemm {
    cublasOperation_t ta, tb;
    int m, n, k;
    float alpha, beta;
    const void *a, *b;
    void *c;
    cudaDataType at, bt, ct;
    int lda, ldb, ldc;

    void run() const {
        Open open;
        static std::vector<float> abuf, bbuf, cbuf;
        int ar = ta ? k : m, ac = ta ? m : k, br = tb ? n : k, bc = tb ? k : n, al = lda, bl = ldb, cl = ldc;
        check_matrix("A", a, at, ar, ac, lda);
        check_matrix("B", b, bt, br, bc, ldb);
        check_matrix("C", c, ct, m, n, ldc);
        const float *fa = as_float(abuf, a, at, ar, ac, al), *fb = as_float(bbuf, b, bt, br, bc, bl);
        float *fc = const_cast<float *>(beta != 0 || ct == CUDA_R_32F ? as_float(cbuf, c, ct, m, n, cl) : nullptr);
        if (!fc) cbuf.resize(static_cast<size_t>(m) * static_cast<size_t>(n)), fc = cbuf.data(), cl = m;
        cblas_sgemm(CblasColMajor, ta ? CblasTrans : CblasNoTrans, tb ? CblasTrans : CblasNoTrans, m, n, k, alpha, fa, al, fb, bl,
                    beta, fc, cl);
        if (ct == CUDA_R_32F) return;
        for (int j = 0; j < n; j++)
            for (int i = 0; i < m; i++)
                store(c, ct, static_cast<size_t>(j) * static_cast<size_t>(ldc) + static_cast<size_t>(i),
                      fc[static_cast<size_t>(j) * static_cast<size_t>(m) + static_cast<size_t>(i)]);
    }
};

} // namespace

extern "C" {

cublasStatus_t cublasCreate_v2(cublasHandle_t *h) { return *h = new cublasContext, CUBLAS_STATUS_SUCCESS; }
cublasStatus_t cublasDestroy_v2(cublasHandle_t h) { delete h; return CUBLAS_STATUS_SUCCESS; }
cublasStatus_t cublasSetStream_v2(cublasHandle_t h, cudaStream_t s) { return h->stream = s, CUBLAS_STATUS_SUCCESS; }
cublasStatus_t cublasSetMathMode(cublasHandle_t, cublasMath_t) { return CUBLAS_STATUS_SUCCESS; }
cublasStatus_t cublasSetWorkspace_v2(cublasHandle_t, void *, size_t) { return CUBLAS_STATUS_SUCCESS; }
const char *cublasGetStatusString(cublasStatus_t s) { return s ? "cuBLAS error (cuemu)" : "success"; }

cublasStatus_t cublasGemmStridedBatchedEx(cublasHandle_t h, cublasOperation_t ta, cublasOperation_t tb, int m, int n, int k,
                                          const void *alpha, const void *a, cudaDataType at, int lda, long long sa, const void *b,
                                          cudaDataType bt, int ldb, long long sb, const void *beta, void *c, cudaDataType ct, int ldc,
                                          long long sc, int batch, cublasComputeType_t compute, cublasGemmAlgo_t) {
    if (m < 0 || n < 0 || k < 0 || batch < 0) return CUBLAS_STATUS_INVALID_VALUE;
    if (!type_ok(at) || at != bt || !type_ok(ct) || (at == CUDA_R_32F && ct != at)) return CUBLAS_STATUS_NOT_SUPPORTED;
    if (compute != CUBLAS_COMPUTE_32F && compute != CUBLAS_COMPUTE_32F_FAST_TF32) return CUBLAS_STATUS_NOT_SUPPORTED;
    float al = *static_cast<const float *>(alpha), be = *static_cast<const float *>(beta); // host pointers, read now
    auto at_index = [](const void *p, long long stride, cudaDataType t, int i) {
        return static_cast<char *>(const_cast<void *>(p)) + stride * i * static_cast<long long>(elem(t));
    };
    for (int i = 0; m && n && i < batch; i++) {
        Gemm g = {ta, tb, m, n, k, al, be, at_index(a, sa, at, i), at_index(b, sb, bt, i), at_index(c, sc, ct, i), at, bt, ct, lda, ldb, ldc};
        cuemu::enqueue(h->stream, [g] { g.run(); });
    }
    return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasGemmEx(cublasHandle_t h, cublasOperation_t ta, cublasOperation_t tb, int m, int n, int k, const void *alpha,
                            const void *a, cudaDataType at, int lda, const void *b, cudaDataType bt, int ldb, const void *beta, void *c,
                            cudaDataType ct, int ldc, cublasComputeType_t compute, cublasGemmAlgo_t algo) {
    return cublasGemmStridedBatchedEx(h, ta, tb, m, n, k, alpha, a, at, lda, 0, b, bt, ldb, 0, beta, c, ct, ldc, 0, 1, compute, algo);
}
cublasStatus_t cublasSgemm_v2(cublasHandle_t h, cublasOperation_t ta, cublasOperation_t tb, int m, int n, int k, const float *alpha,
                              const float *a, int lda, const float *b, int ldb, const float *beta, float *c, int ldc) {
    return cublasGemmEx(h, ta, tb, m, n, k, alpha, a, CUDA_R_32F, lda, b, CUDA_R_32F, ldb, beta, c, CUDA_R_32F, ldc, CUBLAS_COMPUTE_32F,
                        CUBLAS_GEMM_DEFAULT);
}

} // extern "C"
