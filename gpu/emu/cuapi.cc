/* cuapi.cc - the CUDA runtime and cuBLAS on the CPU, for the emulation.
 *
 * The functions have the prototypes of cuda_runtime_api.h and cublas_v2.h, so host code is compiled unchanged and only linked with
 * this file instead of libcudart and libcublas. A product's sums run in an order that depends on its number of columns, as a
 * library's may: rows that are not padded to fixed tiles then differ in their last bits (law 2).
 *
 * Environment:
 *   CUEMU_LAZY=1    stream work runs only when something waits for it: shows missing synchronization
 *   CUEMU_GUARD=1   (ASan) host access to device memory is reported as use-after-poison
 *   CUEMU_SM=90     compute capability of the pretended device
 *   CUEMU_MEMORY=n  its bytes (80 GiB)
 *   CUEMU_FAULT=    nodriver, olddriver, nodevice; lost:N, from the N-th launch on every call says that the device is lost;
 *                   oom:N, the N-th allocation fails */
#include "gpu/emu/cuemu.h"
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
struct CUevent_st { CUstream_st *stream = nullptr; double ms = 0; bool pending = false; };
struct cublasContext { cudaStream_t stream = nullptr; };

namespace {

bool flag(const char *name) { const char *s = getenv(name); return s && *s == '1'; }
const bool lazy = flag("CUEMU_LAZY"), guard = flag("CUEMU_GUARD");

cudaError_t last_error = cudaSuccess;
cudaError_t result(cudaError_t e) { return e ? last_error = e : e; }

// ---- faults to order: CUEMU_FAULT is read anew at each call, so that a test may set it between two ----------------------------------

long launches, allocations, all_launches;
bool lost;
const char *fault() { const char *s = getenv("CUEMU_FAULT"); return s ? s : ""; }
long fault_at(const char *kind) { size_t n = strlen(kind); return !strncmp(fault(), kind, n) ? strtol(fault() + n, nullptr, 10) : 0; }
cudaError_t missing() {
    if (!strcmp(fault(), "nodriver") || !strcmp(fault(), "olddriver")) return result(cudaErrorInsufficientDriver);
    return !strcmp(fault(), "nodevice") ? result(cudaErrorNoDevice) : cudaSuccess;
}
void count_launch() { // the loss is noticed by the calls after it, as on a real device
    long at = fault_at("lost:");
    all_launches++;
    if (at && ++launches >= at) lost = true;
    if (!at) lost = false, launches = 0;
}
bool is_lost() {
    if (!fault_at("lost:")) lost = false, launches = 0; // another process, so to say
    return lost;
}
#define LOST() do { if (is_lost()) return result(cudaErrorDevicesUnavailable); } while (0)

std::map<char *, size_t> pinned; // of cudaMallocHost: copies from and to other host memory are synchronous
bool is_pinned(const void *p) {
    char *c = static_cast<char *>(const_cast<void *>(p));
    auto i = pinned.upper_bound(c);
    return i != pinned.begin() && c < (--i)->first + i->second;
}
long waits, graph_launches; // synchronizations of the host; kept passes

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
size_t memory() { const char *s = getenv("CUEMU_MEMORY"); return s ? strtoull(s, nullptr, 10) : size_t(80) << 30; }
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
    count_launch();
    size_t limit = attr == max_dynamic_shared.end() ? 48 << 10 : static_cast<size_t>(attr->second);
    bool ok = g.x && g.y && g.z && g.x <= 0x7fffffffu && g.y <= 65535 && g.z <= 65535 && b.x && b.y && b.z && b.z <= 64 &&
              static_cast<uint64_t>(b.x) * b.y * b.z <= 1024 && smem <= limit;
    if (ok && lost) return last_error = cudaErrorDevicesUnavailable, false;
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
    LOST();
    size_t taken = n, at = static_cast<size_t>(fault_at("oom:"));
    for (auto &a : live) taken += a.second;
    if (taken > memory() || (at && static_cast<size_t>(++allocations) == at)) return *p = nullptr, result(cudaErrorMemoryAllocation);
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
    LOST();
    if (posix_memalign(p, 256, n ? n : 1)) return result(cudaErrorMemoryAllocation);
    memset(*p, 0xFF, n);
    return pinned[static_cast<char *>(*p)] = n, cudaSuccess;
}
cudaError_t cudaHostAlloc(void **p, size_t n, unsigned) { return cudaMallocHost(p, n); }
cudaError_t cudaFreeHost(void *p) { drain_all(); pinned.erase(static_cast<char *>(p)); free(p); return cudaSuccess; }
cudaError_t cudaMemGetInfo(size_t *free_bytes, size_t *total) {
    LOST();
    *total = *free_bytes = memory();
    for (auto &a : live) *free_bytes -= a.second;
    return cudaSuccess;
}
cudaError_t cudaMemcpyAsync(void *dst, const void *src, size_t n, cudaMemcpyKind kind, cudaStream_t s) {
    LOST();
    if (!copy_ok(dst, src, n, kind)) return result(cudaErrorInvalidValue);
    bool from_pageable = room(src) < 0 && !is_pinned(src), to_pageable = room(dst) < 0 && !is_pinned(dst);
    if (from_pageable && n) { // the driver stages it before the call returns
        std::vector<char> held(static_cast<const char *>(src), static_cast<const char *>(src) + n);
        cuemu::enqueue(s, [=] { Open o; memcpy(dst, held.data(), n); });
    } else {
        cuemu::enqueue(s, [=] { Open o; memmove(dst, src, n); });
    }
    if (to_pageable) waits++, drain(get(s));
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
    waits++;
    drain(get(s));
    LOST();
    return last_error;
}
cudaError_t cudaStreamDestroy(cudaStream_t s) {
    drain(s);
    for (size_t i = 0; i < streams.size(); i++)
        if (streams[i] == s) streams.erase(streams.begin() + static_cast<long>(i));
    delete s;
    return cudaSuccess;
}
cudaError_t cudaDeviceSynchronize() {
    waits++;
    drain_all();
    LOST();
    return last_error;
}
cudaError_t cudaEventCreateWithFlags(cudaEvent_t *e, unsigned) { *e = new CUevent_st; return cudaSuccess; }
cudaError_t cudaEventCreate(cudaEvent_t *e) { return cudaEventCreateWithFlags(e, 0); }
cudaError_t cudaEventDestroy(cudaEvent_t e) { drain_all(); delete e; return cudaSuccess; }
cudaError_t cudaEventRecord(cudaEvent_t e, cudaStream_t s) {
    e->stream = get(s);
    e->pending = true;
    cuemu::enqueue(s, [=] { e->ms = now_ms(), e->pending = false; });
    return cudaSuccess;
}
cudaError_t cudaEventSynchronize(cudaEvent_t e) {
    if (e->stream && e->pending) waits++, drain(e->stream); // one that has passed costs no wait
    LOST();
    return last_error;
}
cudaError_t cudaEventQuery(cudaEvent_t e) { return cudaEventSynchronize(e); }
cudaError_t cudaStreamWaitEvent(cudaStream_t s, cudaEvent_t e, unsigned) {
    CUstream_st *other = e->stream;
    if (other && other != get(s) && !other->capture) cuemu::enqueue(s, [=] { drain(other); });
    return cudaSuccess;
}
cudaError_t cudaEventElapsedTime(float *ms, cudaEvent_t a, cudaEvent_t b) {
    if (!a->stream || !b->stream) return result(cudaErrorInvalidResourceHandle);
    if (a->pending || b->pending) return result(cudaErrorNotReady);
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
    count_launch(), graph_launches++;
    LOST();
    for (Work &w : x->work) cuemu::enqueue(s, w);
    return cudaSuccess;
}
cudaError_t cudaGraphDestroy(cudaGraph_t g) { delete g; return cudaSuccess; }
cudaError_t cudaGraphExecDestroy(cudaGraphExec_t x) { drain_all(); delete x; return cudaSuccess; }

// ---- device and errors ---------------------------------------------------------------------------------

cudaError_t cudaGetDeviceCount(int *n) {
    *n = 0;
    if (missing()) return missing();
    return *n = 2, cudaSuccess;
}
cudaError_t cudaDriverGetVersion(int *v) { return *v = !strcmp(fault(), "nodriver") ? 0 : !strcmp(fault(), "olddriver") ? 11040 : 13000, cudaSuccess; }
cudaError_t cudaRuntimeGetVersion(int *v) { return *v = CUDART_VERSION, cudaSuccess; }
cudaError_t cudaGetDevice(int *d) { return *d = 0, cudaSuccess; }
cudaError_t cudaSetDevice(int d) { return d < 0 || d > 1 ? result(cudaErrorInvalidDevice) : missing(); }
cudaError_t cudaGetDeviceProperties(cudaDeviceProp *p, int) {
    const char *s = getenv("CUEMU_SM");
    int sm = s ? atoi(s) : 90;
    memset(p, 0, sizeof *p);
    snprintf(p->name, sizeof p->name, "cuemu sm_%d", sm);
    p->major = sm / 10, p->minor = sm % 10;
    p->multiProcessorCount = 2, p->warpSize = 32, p->maxThreadsPerBlock = 1024, p->maxThreadsPerMultiProcessor = 2048;
    p->totalGlobalMem = memory(), p->sharedMemPerBlock = 48 << 10, p->sharedMemPerBlockOptin = sm == 80 ? 163 << 10 : 227 << 10;
    p->sharedMemPerMultiprocessor = p->sharedMemPerBlockOptin + 1024, p->regsPerBlock = 65536, p->l2CacheSize = 40 << 20;
    return cudaSuccess;
}
cudaError_t cudaDeviceGetAttribute(int *v, cudaDeviceAttr a, int) { // an H100's
    if (a == cudaDevAttrMemoryClockRate) *v = 2619000;
    else if (a == cudaDevAttrGlobalMemoryBusWidth) *v = 5120;
    else return result(cudaErrorInvalidValue);
    return cudaSuccess;
}
cudaError_t cudaFuncGetAttributes(cudaFuncAttributes *x, const void *f) {
    memset(x, 0, sizeof *x);
    auto attr = max_dynamic_shared.find(f);
    x->maxDynamicSharedSizeBytes = attr == max_dynamic_shared.end() ? 48 << 10 : attr->second;
    return cudaSuccess;
}
cudaError_t cudaFuncSetAttribute(const void *f, cudaFuncAttribute a, int v) {
    if (a == cudaFuncAttributeMaxDynamicSharedMemorySize) max_dynamic_shared[f] = v;
    return v > 227 << 10 ? result(cudaErrorInvalidValue) : cudaSuccess;
}
cudaError_t cudaGetLastError() {
    LOST();
    cudaError_t e = last_error; last_error = cudaSuccess; return e; }
cudaError_t cudaPeekAtLastError() {
    LOST();
    return last_error; }
const char *cudaGetErrorString(cudaError_t e) {
    switch (e) {
    case cudaSuccess: return "no error";
    case cudaErrorMemoryAllocation: return "out of memory";
    case cudaErrorInsufficientDriver: return "CUDA driver version is insufficient for CUDA runtime version";
    case cudaErrorNoDevice: return "no CUDA-capable device is detected";
    case cudaErrorDevicesUnavailable: return "CUDA-capable device(s) is/are busy or unavailable";
    default: return "CUDA error (emulation)";
    }
}
const char *cudaGetErrorName(cudaError_t e) { return e ? "cudaError" : "cudaSuccess"; }

__attribute__((visibility("default"))) long cuemu_waits() { return waits; } // how often the host waited
__attribute__((visibility("default"))) long cuemu_graph_launches() { return graph_launches; }
__attribute__((visibility("default"))) long cuemu_launches() { return all_launches; } // kernels and products, those of kept passes aside

// ---- cuBLAS: convert to fp32, multiply, round once ------------------------------------------------

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

// A column-major rows x cols operand at leading dimension ld: a matrix that leaves its allocation is fatal, as in a kernel under ASan.
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

struct Gemm { // A transposed, B not: all that a row-major model needs
    int m, n, k;
    float alpha, beta;
    const void *a, *b;
    void *c;
    cudaDataType at, bt, ct;
    int lda, ldb, ldc;

    void run() const {
        Open open;
        static std::vector<float> abuf, bbuf;
        int al = lda, bl = ldb;
        check_matrix("A", a, at, k, m, lda);
        check_matrix("B", b, bt, k, n, ldb);
        check_matrix("C", c, ct, m, n, ldc);
        const float *fa = as_float(abuf, a, at, k, m, al), *fb = as_float(bbuf, b, bt, k, n, bl);
        for (int j = 0; j < n; j++)
            for (int i = 0; i < m; i++) {
                size_t to = static_cast<size_t>(j) * static_cast<size_t>(ldc) + static_cast<size_t>(i);
                float old = beta != 0 ? static_cast<float *>(c)[to] : 0;
                store(c, ct, to, alpha * dot(fa + static_cast<size_t>(i) * static_cast<size_t>(al), fb + static_cast<size_t>(j) * static_cast<size_t>(bl)) + beta * old);
            }
    }
    float dot(const float *x, const float *y) const { // eight sums, added up from the (n mod 8)-th on
        float s[8] = {}, sum = 0;
        int at = 0;
        for (; at + 8 <= k; at += 8)
            for (int i = 0; i < 8; i++) s[i] += x[at + i] * y[at + i];
        for (int i = 0; at + i < k; i++) s[i] += x[at + i] * y[at + i];
        for (int i = 0; i < 8; i++) sum += s[(n + i) & 7];
        return sum;
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

cublasStatus_t cublasGemmEx(cublasHandle_t h, cublasOperation_t ta, cublasOperation_t tb, int m, int n, int k, const void *alpha,
                            const void *a, cudaDataType at, int lda, const void *b, cudaDataType bt, int ldb, const void *beta, void *c,
                            cudaDataType ct, int ldc, cublasComputeType_t compute, cublasGemmAlgo_t) {
    if (m < 0 || n < 0 || k < 0) return CUBLAS_STATUS_INVALID_VALUE;
    if (ta != CUBLAS_OP_T || tb != CUBLAS_OP_N || !type_ok(at) || at != bt || ct != CUDA_R_32F || compute != CUBLAS_COMPUTE_32F) return CUBLAS_STATUS_NOT_SUPPORTED;
    count_launch();
    if (lost) return CUBLAS_STATUS_EXECUTION_FAILED;
    Gemm g = {m, n, k, *static_cast<const float *>(alpha), *static_cast<const float *>(beta), a, b, c, at, bt, ct, lda, ldb, ldc}; // host pointers, read now
    if (m && n) cuemu::enqueue(h->stream, [g] { g.run(); });
    return CUBLAS_STATUS_SUCCESS;
}

} // extern "C"
